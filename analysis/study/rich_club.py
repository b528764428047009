"""Which rich-club coefficients (ARCC) can a network with the sizes of Tables 6-9 have?

phi = E_R/(N_R(N_R-1)), R being every node whose degree reaches that of the last of the top 10 % (Table 1).
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analysis.labels import FIELDS
from analysis.study.published import Numbers, Printed

TOP_SHARE = Fraction(1, 10)


class RichClub(NamedTuple):
    """Bounds on the coefficient of one row, and the possible one that is nearest to the printed."""

    printed: Printed
    nodes: int
    edges: int
    top: int  # least size of R
    needed: int  # edges among `top` nodes for the printed value
    allowed: int  # most edges among them
    floor: float
    ceiling: float
    nearest: Fraction

    @property
    def attainable(self) -> bool:
        return self.printed.holds(self.nearest)


def rich_clubs(printed: Numbers) -> Iterator[RichClub]:
    """Bounds for each row of Tables 6-9.

    R holds at least the top 10 % of the nodes (rounded down, at least two); ties can make it larger.
    Floor: the N(N-1) - E missing edges could all lie within R. Ceiling: outside the next printed core a node
    has core number k' - 1 or less, so it brings at most k' - 1 edges into R, and no layer brings more edges
    than the difference between two rows of the table; the innermost layer brings at most x(x-1).
    """
    for field in FIELDS:
        levels = sorted(printed.levels(field))
        for position, (*_, core) in enumerate(levels):
            if f"{core}.arcc" in printed:
                yield _bounds(printed[f"{core}.arcc"], [level[:3] for level in levels[position:]])


def _bounds(cell: Printed, inner: list[tuple[int, int, int]]) -> RichClub:
    """inner: k, nodes and edges of this core and of those within, outermost first."""
    _, nodes, edges = inner[0]
    top = max(2, math.floor(TOP_SHARE * nodes))
    sizes = np.arange(top, nodes + 1, dtype=np.int64)
    pairs = sizes * (sizes - 1)
    least = np.maximum(pairs - (nodes * (nodes - 1) - edges), 0)
    most = np.minimum(_most_edges(sizes, inner), pairs)
    # The possible coefficient of each size that is nearest to the printed one.
    wanted = np.clip(np.rint(float(cell.value) * pairs).astype(np.int64), least, most)
    distance = np.abs(wanted / pairs - float(cell.value))
    close = np.flatnonzero(distance <= distance.min() + 1e-12)  # exact fractions decide between these
    nearest = [Fraction(int(wanted[size]), int(pairs[size])) for size in close]
    return RichClub(
        cell, nodes, edges, top, needed=math.ceil(cell.low * int(pairs[0])), allowed=int(most[0]),
        floor=float((least / pairs).min()), ceiling=float((most / pairs).max()),
        nearest=min(nearest, key=lambda value: abs(value - cell.value)),
    )  # fmt: skip


def _most_edges(sizes: np.ndarray, inner: list[tuple[int, int, int]]) -> np.ndarray:
    """Largest number of edges among `sizes` nodes, given (k, nodes, edges) of this core and those within."""
    layers = [(after[0] - 1, here[1] - after[1], here[2] - after[2]) for here, after in pairwise(inner)]
    core_nodes, core_edges = inner[-1][1:]
    best = np.zeros(len(sizes), dtype=np.int64)
    for taken in range(core_nodes + 1):
        left = sizes - taken
        total = np.where(left >= 0, min(taken * (taken - 1), core_edges), 0)
        for slope, nodes, edges in sorted(layers, reverse=True):
            used = np.clip(left, 0, min(nodes, math.ceil(edges / slope) if slope else nodes))
            total = total + np.minimum(slope * used, edges)
            left = left - used
        best = np.maximum(best, total)
    return best
