"""How large were the licence groups that Table 5 compares, and can they be in the order that Section 4.1.3 claims?

Table 5 gives U for each pair of groups, but not their sizes. Two of the three follow from numbers printed elsewhere: how
many models were compared, and how many have no licence. The third follows from U.
"""

import math
import re
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from analysis import exact
from analysis.activity import GROUPS, PAIRS
from analysis.study.published import Numbers

COMPARISONS = tuple(f"{first}_vs_{second}" for first, second in PAIRS)
STEP = 0.001  # width of the cells that shares of non-zero values are searched by


class Compared(NamedTuple):
    """What Table 5 compares: U (variables x comparisons), models compared, without a licence, bounds on these."""

    u: pd.DataFrame
    total: int
    none: int
    none_bounds: tuple[int, int]

    @property
    def licensed(self) -> int:
        return self.total - self.none


def compared(printed: Numbers) -> Compared | None:
    """The comparison as the study prints it; None where a value is absent."""
    u = u_values(printed)
    for grouped, models, share in printed.where(
        "rq1.models.grouped.count", "rq1.models.count", "rq1.models.unlicensed_share"
    ):
        bounds = math.ceil(share.low * models.value), math.floor(share.high * models.value)
        if len(u) > 1:
            return Compared(u, int(grouped.value), round(share.value * models.value), bounds)
    return None


def u_values(printed: Numbers) -> pd.DataFrame:
    """Table 5: one row per activity variable with all three U. Columns: `COMPARISONS`."""
    pattern = re.compile(r"rq1\.models\.mannwhitney\.(\w+)\.(\w+)\.u")
    cells = {m.groups(): float(p.value) for name, p in printed.items() if (m := pattern.fullmatch(name))}
    frame = pd.Series(cells, dtype=float).unstack() if cells else pd.DataFrame()
    return frame.reindex(columns=list(COMPARISONS)).dropna()


def superiorities(u: pd.DataFrame, permissive: float, restrictive: float, none: float) -> pd.DataFrame:
    """Probability of superiority U/(n1 n2) of the first group named. Same shape as `u`."""
    sizes = dict(zip(GROUPS, (permissive, restrictive, none), strict=True))
    return u / pd.Series({f"{a}_vs_{b}": sizes[a] * sizes[b] for a, b in PAIRS})


# --- sizes that follow from U -----------------------------------------------------------------------------------------


def group_sizes(u: pd.DataFrame, *, total: int, none: int) -> tuple[float, float, float]:
    """Sizes of the permissive and the restrictive group, and the root mean square residual.

    total: models compared; none: models without a licence. With S = U/(n1 n2), S(P,R) + S(R,N) - S(P,N) = 1/2 holds
    exactly for one-parameter differences and to first order for small ones. Of all divisions of the licensed models,
    the one that fits this best over the variables.
    """
    licensed = total - none
    pr, pn, rn = COMPARISONS

    def misfit(permissive: float) -> float:
        s = superiorities(u, permissive, licensed - permissive, none)
        misses = s[pr] + s[rn] - s[pn] - 0.5
        return math.sqrt(math.fsum(misses * misses) / len(misses))

    halves = [(1.0, licensed / 2), (licensed / 2, licensed - 1.0)]
    fits = [minimize_scalar(misfit, bounds=half, method="bounded", options={"xatol": 1e-3}) for half in halves]
    best = min(fits, key=lambda fit: fit.fun)
    return float(best.x), licensed - float(best.x), float(best.fun)


def sizes_from_u(u: pd.DataFrame) -> dict[str, float]:
    """All three group sizes from the U values alone, if probabilities of superiority add up (`group_sizes`).

    That is linear in 1/(pr), 1/(rn), 1/(pn), so least squares over the variables solves it. Keys: permissive,
    restrictive, none, residual (root mean square), condition (of the scaled system: how much an error in U grows).
    """
    scale, three = float(u.abs().to_numpy().max()), range(3)
    rows = [[Fraction(pr / scale), Fraction(rn / scale), Fraction(-pn / scale)] for pr, pn, rn in u.itertuples(index=False)]
    grain = Fraction(1, 10**40)  # on the diagonal: where the U leave the sizes open, it takes the shortest solution
    normal = [[sum(row[i] * row[j] for row in rows) + grain * (i == j) for j in three] for i in three]
    inverse = [exact.solve(normal, [Fraction(i == j) for j in three]) for i in three]
    halves = [sum(row[i] for row in rows) / 2 for i in three]
    solution = [float(sum(a * b for a, b in zip(row, halves, strict=True))) for row in inverse]
    misses = [sum(float(a) * b for a, b in zip(row, solution, strict=True)) - 0.5 for row in rows]
    pr, rn, pn = scale / np.array(solution)
    return {
        "permissive": float(np.sqrt(pr * pn / rn)),
        "restrictive": float(np.sqrt(pr * rn / pn)),
        "none": float(np.sqrt(pn * rn / pr)),
        "residual": math.sqrt(math.fsum(miss * miss for miss in misses) / len(rows)),
        "condition": math.sqrt(_largest_eigenvalue(normal) * _largest_eigenvalue(inverse)),
    }


def _largest_eigenvalue(matrix: list[list[Fraction]]) -> float:
    """Of a symmetric matrix without a negative one: what its squares, squared again and again, grow by."""
    first = np.array(matrix, dtype="float64")
    power = first
    for _ in range(30):
        power = (power[:, :, None] * power[None]).sum(axis=1)
        power = power / power.max()
    return float((first * power).sum() / power.trace())


# --- bounds that assume nothing of how groups differ ------------------------------------------------------------------


def size_bounds(
    found: Compared, start: float, *, models: int, nonzero: dict[str, tuple[float, float]]
) -> tuple[float, float]:
    """Bounds on the permissive group from the shares of zeros; low > high where no size is possible.

    start: a size to begin with; models: all models, of which `models - total` were left out and may hold any number of
    zeros; nonzero: variable -> bounds on the number of all models where it is not 0. Superiority is 1/2 + (q1 - q2)/2
    + q1 q2 t with shares q that are not 0 and |t| <= 1/2, so a known number of non-zero models leaves only some sizes
    (searched by cells, so the bounds err outwards; the possible sizes are taken to be one interval).
    """
    limits = (1.0, found.licensed - 1.0)
    # The fewer values are not 0, the narrower the bounds; the rest then has little left to exclude.
    for variable, bounds in sorted(nonzero.items(), key=lambda item: item[1][1]):
        if variable in found.u.index:
            least = max(bounds[0] - (models - found.total), 0.0)
            limits = _narrowed(found, variable, start, limits, (least, bounds[1]))
    return limits


def _narrowed(
    found: Compared, variable: str, start: float, limits: tuple[float, float], nonzero: tuple[float, float]
) -> tuple[float, float]:
    """The part of `limits` that one variable's zeros allow; low > high if none is."""

    def allowed(permissive: float) -> bool:
        sizes = (permissive, found.licensed - permissive, float(found.none))
        return zeros_allow(found.u.loc[variable], sizes, *nonzero)

    low, high = limits
    tries = [start, *np.linspace(low, high, 100)] if low <= high else []
    possible = next((size for size in tries if low <= size <= high and allowed(size)), None)
    if possible is None:
        return math.inf, -math.inf
    ends = []
    for outer in limits:
        inner = outer if allowed(outer) else possible
        while abs(outer - inner) > 1:
            middle = (outer + inner) / 2
            inner, outer = (middle, outer) if allowed(middle) else (inner, middle)
        ends.append(outer)
    return ends[0], ends[1]


def zeros_allow(u: pd.Series, sizes: tuple[float, float, float], least: float, most: float) -> bool:
    """Whether shares q of non-zero values exist for which all three U and the number of non-zeros hold.

    Cells of width `STEP` in (q of the first group, q of the second); every condition is relaxed to hold
    somewhere in the cell, so a possible size is never refused.
    """
    return _cells_allow(tuple(u[list(COMPARISONS)]), sizes, least, most)


@cache  # a run asks the same twice: for the ledger and for the page
def _cells_allow(u: tuple[float, ...], sizes: tuple[float, float, float], least: float, most: float) -> bool:
    p, r, n = sizes
    a = np.arange(0, min(1.0, most / p) + STEP, STEP)[:, None]
    b = np.arange(0, min(1.0, most / r) + STEP, STEP)[None, :]
    products = (p * r, p * n, r * n)
    d_pr, d_pn, d_rn = (each / product - 0.5 for each, product in zip(u, products, strict=True))
    near = np.maximum(np.abs(d_pr - (a - b) / 2) - STEP / 2, 0) <= (a + STEP) * (b + STEP) / 2
    low = np.maximum(np.maximum(_third(d_pn, a, 1), _third(d_rn, b, 1)), (least - p * (a + STEP) - r * (b + STEP)) / n)
    high = np.minimum(np.minimum(_third(d_pn, a + STEP, -1), _third(d_rn, b + STEP, -1)), (most - p * a - r * b) / n)
    return bool((near & (np.maximum(low, 0) <= np.minimum(high, 1))).any())


def _third(difference: float, q: np.ndarray, sign: int) -> np.ndarray:
    """Bound on the third group's q from d = (q - q3)/2 + t q q3: the lower (sign 1) or the upper (-1)."""
    gap = q / 2 - difference
    if sign > 0:
        return gap / (0.5 + 0.5 * np.minimum(q, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = gap / (0.5 - 0.5 * np.minimum(q, 1))
    return np.where(gap < 0, -1.0, np.where(q >= 1, 1.0, bound))


# --- the claimed order ------------------------------------------------------------------------------------------------


class Order(NamedTuple):
    """What an order of the groups needs: p from low to high (none if low > high), p r at least `least`, below `most`."""

    low: float
    high: float
    least: float
    most: float

    @property
    def possible(self) -> bool:
        return self.low <= self.high and self.least < self.most


def claimed_order(least_u: pd.Series, *, total: int, none: int) -> Order:
    """Whether any group sizes let permissive > restrictive > none hold on every variable; least U of each comparison.

    The claim needs n1 n2 < 2U for each pair and variable. With the sizes fixed by `total` and `none` but for the split
    into p and r, p <= 2U(P,N)/n and r <= 2U(R,N)/n leave an interval for p; p r is least at one of its ends, and must be
    below 2U(P,R).
    """
    licensed = total - none
    most_pr, most_pn, most_rn = (2 * least_u[comparison] for comparison in COMPARISONS)
    high = min(most_pn / none, float(licensed))
    low = max(licensed - most_rn / none, 0.0)
    return Order(low, high, min(p * (licensed - p) for p in (low, high)), most_pr)
