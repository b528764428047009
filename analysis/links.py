"""A network as arrays: the form in which all its edges are counted at once.

Developers are integers here; no username enters this module.
"""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd

_FEW = 64  # nodes, for which a step of arrays costs more than one node after the other


class Links(NamedTuple):
    """A network as arrays, for measures over all its edges: `nodes`, how many there are; per edge, by source and
    target, the places of both among the sorted nodes, and the weight.
    """

    nodes: int
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def links(network: nx.DiGraph | pd.DataFrame | Links, *, weight: str | None = "weight") -> Links:
    """Return a network, or its edges as for `graph`, as arrays (as it is, if it is so already).

    An edge of a network that lacks the attribute `weight` counts 1. Raises ValueError as `graph` does.
    """
    if isinstance(network, Links):
        return network
    if isinstance(network, pd.DataFrame):
        rows = pairs(network)
        nodes, ends = np.unique(rows[["source", "target"]].to_numpy("int64"), return_inverse=True)
        source, target = ends.reshape(-1, 2).T
        apart = source != target
        return Links(len(nodes), source[apart], target[apart], rows["weight"].to_numpy("int64")[apart])
    place = {node: number for number, node in enumerate(sorted(network))}
    rows = [row for _, row in network.adjacency()]
    source = np.repeat(np.array([place[node] for node in network], dtype="int64"), [len(row) for row in rows])
    target = np.array([place[node] for row in rows for node in row], dtype="int64")
    weights = np.array([edge.get(weight, 1) for row in rows for edge in row.values()])
    order = np.lexsort((target, source))
    return Links(len(place), source[order], target[order], weights[order])


def pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Check the edges and add up the rows of the same pair, sorted."""
    check_rows(edges, table="edges", integers=("source", "target"), counts=("weight",), least=1)
    return edges.groupby(["source", "target"], sort=True)["weight"].sum().reset_index()


def linked_pairs(network: Links) -> np.ndarray:
    """Give the pairs of nodes with an edge, whichever way: the lower number times the nodes plus the higher one, sorted."""
    keys = np.sort(
        np.minimum(network.source, network.target) * network.nodes + np.maximum(network.source, network.target)
    )
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def core_numbers_of(network: Links) -> np.ndarray:
    """Give the core number of every node by number, in time that grows with the edges (Batagelj and Zaversnik, 2003).

    Nodes with too few edges leave, many at once as arrays, few one by one; each edge is looked at once from either end.
    """
    ends = np.concatenate((network.source, network.target))
    others = np.concatenate((network.target, network.source))[np.argsort(ends, kind="stable")]
    degree = np.bincount(ends, minlength=network.nodes)
    first = np.concatenate(([0], degree.cumsum()))
    numbers, inside = np.zeros(network.nodes, dtype="int64"), degree > 0
    left, k = np.flatnonzero(inside), 0
    while len(left):
        k = max(k, int(degree[left].min()))
        leaving = left[degree[left] <= k]
        while len(leaving):
            numbers[leaving], inside[leaving] = k, False
            if len(leaving) < _FEW:
                _leave_one_by_one(leaving.tolist(), k, others, first, degree, numbers, inside)
                break
            size = first[leaving + 1] - first[leaving]
            near = others[np.repeat(first[leaving] - size.cumsum() + size, size) + np.arange(size.sum())]
            near, lost = np.unique(near[inside[near]], return_counts=True)
            degree[near] -= lost
            leaving = near[degree[near] <= k]
        left = left[inside[left]]
    return numbers


def _leave_one_by_one(leaving: list[int], k: int, others, first, degree, numbers, inside) -> None:
    """Take away the nodes that are `leaving` the core after k, and whoever must follow them."""
    while leaving:
        node = leaving.pop()
        for other in others[first[node] : first[node + 1]].tolist():
            if inside[other]:
                degree[other] -= 1
                if degree[other] <= k:
                    numbers[other], inside[other] = k, False
                    leaving.append(other)


def innermost_k(network: Links) -> int:
    """Give k of the innermost core, 0 without an edge: all that is outside an inner core goes at once.

    The first k that is tried is the largest for which the degrees would do: a core k has over k / 2 nodes.
    """
    degree = np.bincount(np.concatenate([network.source, network.target]), minlength=network.nodes)
    with_so_many = np.bincount(degree)[::-1].cumsum()[::-1]  # nodes of at least that degree
    k = int(np.flatnonzero(with_so_many > np.arange(len(with_so_many)) / 2).max(initial=0))
    while k and not len((core := _edges_of_core(network, k)).source):
        k //= 2
    return int(core_numbers_of(core).max()) if k else 0


def _edges_of_core(network: Links, k: int) -> Links:
    while True:
        degree = np.bincount(np.concatenate([network.source, network.target]), minlength=network.nodes)
        kept = (degree[network.source] >= k) & (degree[network.target] >= k)
        if kept.all():
            return network
        network = induced(network, kept)


def induced(network: Links, kept: np.ndarray) -> Links:
    """The network of the edges marked in `kept`, without the nodes that have none of them."""
    return compact(network.nodes, network.source[kept], network.target[kept], network.weight[kept])


def compact(nodes: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Links:
    """The network of edges between numbers below `nodes`, of which those that have an edge are numbered anew, in order."""
    there = np.zeros(nodes, dtype=bool)
    there[source] = there[target] = True
    place = there.cumsum() - 1
    return Links(int(there.sum()), place[source], place[target], weight)


def part_of(network: Links, inside: np.ndarray) -> Links:
    """Cut out the nodes marked in `inside` and the edges among them."""
    kept = inside[network.source] & inside[network.target]
    place = np.cumsum(inside) - 1
    source, target = place[network.source[kept]], place[network.target[kept]]
    return Links(int(inside.sum()), source, target, network.weight[kept])


def check_rows(frame, *, table, integers=(), counts=(), least=0, others=()) -> None:
    """Raise ValueError, in one line, at the first column or row that is not what the table should hold."""
    expected = (*integers, *counts, *others)
    for name in expected:
        if name not in frame.columns:
            raise ValueError(f"{table}: column {name} is absent; expected {', '.join(expected)}")
        missing = frame[name].isna().to_numpy()
        if missing.any():
            raise ValueError(f"{table}: row {missing.argmax()}, column {name}: missing; expected a value")
    for name in integers:
        if len(frame) and not pd.api.types.is_integer_dtype(frame[name].dtype):
            raise ValueError(f"{table}: column {name}: expected integers, developers are numbered first")
    for name in counts:
        if not len(frame):
            continue
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            raise ValueError(f"{table}: column {name}: expected whole numbers, counts of commits")
        wrong = ((frame[name] < least) | (frame[name] % 1 != 0)).to_numpy(dtype=bool)
        if wrong.any():
            where = f"{table}: row {wrong.argmax()}, column {name}"
            raise ValueError(f"{where}: expected a whole number, at least {least}")
