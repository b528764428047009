"""Coefficients of two columns of counts from how often each pair of values occurs.

350,000 repositories have a few thousand distinct pairs, so that one table of them gives Pearson's, Spearman's and Kendall's
coefficient at once. All sums are of whole numbers; a coefficient is rounded at its end alone (study, Figures 2 and 3).
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit

from analysis import exact

TOP = 999  # thousandths, a quantile: what lies above it in either column is the top


class Pairs(NamedTuple):
    """Distinct pairs of values, by x, then y, and how often each occurs."""

    x: np.ndarray
    y: np.ndarray
    times: np.ndarray


class Column(NamedTuple):
    """A column of whole numbers: its distinct values in ascending order, and the place of each row among them, -1 for none."""

    values: np.ndarray
    place: np.ndarray


def column(numbers: pd.Series) -> Column:
    """The column of `pairs_of`, for which several pairs can be made."""
    place, values = pd.factorize(numbers.to_numpy(), sort=True)
    return Column(values.astype("int64"), place)


def pairs(first: pd.Series, second: pd.Series) -> Pairs:
    """The pairs of two columns of whole numbers, of the rows in which neither is missing."""
    return pairs_of(column(first), column(second))


def pairs_of(first: Column, second: Column, times: np.ndarray | None = None) -> Pairs:
    """The pairs of two columns, of the rows in which neither is missing; each row so many `times`, or once."""
    known = (first.place >= 0) & (second.place >= 0)
    width = max(1, len(second.values))
    key = first.place[known] * width + second.place[known]
    if times is None:
        key, many = np.unique(key, return_counts=True)
    else:
        key, of_row = np.unique(key, return_inverse=True)
        many = np.bincount(of_row, times[known], len(key)).astype("int64")
        key, many = key[many > 0], many[many > 0]
    return Pairs(first.values[key // width], second.values[key % width], many)


def without_top(table: Pairs, *, thousandths: int = TOP) -> Pairs:
    """The pairs whose values are at most the quantile, in thousandths, of their column (linear interpolation)."""
    kept = (table.x <= _quantile(table.x, table.times, thousandths)) & (
        table.y <= _quantile(table.y, table.times, thousandths)
    )
    return Pairs(*(column[kept] for column in table))


def _quantile(values: np.ndarray, times: np.ndarray, thousandths: int) -> int:
    """The largest value that is at most the quantile."""
    order = np.argsort(values, kind="stable")
    position = (int(times.sum()) - 1) * thousandths // 1000
    return values[order][np.searchsorted(times[order].cumsum(), position, side="right")]


def pearson(table: Pairs) -> float:
    """Pearson's coefficient; NaN where a column is constant."""
    return _weighted(table.x, table.y, table.times)


def pearson_error(table: Pairs) -> float:
    """Standard error of Pearson's coefficient on Fisher's scale, artanh(r), whatever the distribution (0 for r of 1 or -1).

    From the fourth moments (Steiger and Hakstian 1982, doi:10.1111/j.2044-8317.1982.tb00653.x); of a normal distribution it is
    1 / sqrt(n), as Fisher's, which heavy tails make far too small. NaN where a column is constant.
    """
    n, r = int(table.times.sum()), pearson(table)
    if not abs(r) < 1:
        return abs(r) - 1  # 0, or NaN
    u, v = (_standardised(values, table.times) for values in table[:2])
    shares = (u * v - r / 2 * (u * u + v * v)) / (1 - r * r)
    return math.sqrt(math.fsum(table.times * shares * shares)) / n


def _standardised(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    n = int(times.sum())
    mean = exact.dot(values, times) / n
    apart = values - mean
    return apart / math.sqrt(math.fsum(times * apart * apart) / n)


def logged(table: Pairs) -> Pairs:
    """The pairs of log(1 + x) and log(1 + y) in whole numbers, since the logarithms have twelve decimals."""
    return Pairs(*(np.rint(exact.log(values + 1.0) * 1e12).astype("int64") for values in table[:2]), table.times)


def spearman(table: Pairs) -> float:
    """Pearson's coefficient of the ranks, those of equal values averaged."""
    return _weighted(_twice_the_rank(table.x, table.times), _twice_the_rank(table.y, table.times), table.times)


def spearman_error(table: Pairs) -> float:
    """Standard error of Spearman's coefficient on Fisher's scale (Bonett and Wright 2000, doi:10.1007/BF02294183)."""
    return math.sqrt((1 + spearman(table) ** 2 / 2) / (int(table.times.sum()) - 3))


def _twice_the_rank(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    place, held = _grouped(values, times)
    return (2 * held.cumsum() - held + 1)[place]


def _grouped(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of each value among the distinct ones, and how many have each of these."""
    distinct, place = np.unique(values, return_inverse=True)
    held = np.zeros(len(distinct), "int64")
    np.add.at(held, place, times)
    return place, held


def _weighted(x: np.ndarray, y: np.ndarray, times: np.ndarray) -> float:
    n = int(times.sum())
    many_x, many_y = (column.astype(object) * times if _large(column, times) else column * times for column in (x, y))
    one = np.ones_like(times)
    sum_x, sum_y = exact.dot(many_x, one), exact.dot(many_y, one)
    xx, yy = n * exact.dot(many_x, x) - sum_x**2, n * exact.dot(many_y, y) - sum_y**2
    if not xx or not yy:
        return math.nan
    return max(-1.0, min((n * exact.dot(many_x, y) - sum_x * sum_y) / math.sqrt(xx * yy), 1.0))


def _large(column: np.ndarray, times: np.ndarray) -> bool:
    return int(np.abs(column).max(initial=0)) * int(times.max(initial=0)) >= 2**63


def kendall(table: Pairs) -> float:
    """Kendall's tau-b, which ties don't weaken; NaN where a column is constant."""
    return _kendall(table)[0]


def kendall_error(table: Pairs) -> float:
    """Standard error of tau-b on Fisher's scale, ties and all (Brown and Benedetti 1977, JASA 72)."""
    tau, balance, alike = _kendall(table)
    if not abs(tau) < 1:
        return abs(tau) - 1  # 0, or NaN
    n = int(table.times.sum())
    untied = [1 - exact.dot(of, table.times) / n**2 for of in alike]  # of all ordered pairs, those that differ in it
    root = math.sqrt(untied[0] * untied[1])
    shares = 2 * root * balance / n + tau * (alike[0] * untied[1] + alike[1] * untied[0]) / n
    spread = math.fsum(table.times * shares * shares) / n - (tau * (untied[0] + untied[1])) ** 2
    return math.sqrt(max(spread, 0.0) / n) / (root * root) / (1 - tau * tau)


def _kendall(table: Pairs) -> tuple[float, np.ndarray, list[np.ndarray]]:
    """tau-b; with how many each pair of values is ordered alike, less with how many otherwise; how many share its x, its y."""
    n = int(table.times.sum())
    (of_x, held_x), (of_y, held_y) = (_grouped(values, table.times) for values in table[:2])
    balance = _balance(of_x, of_y, table.times, held_y)
    untied = math.prod((n * n - exact.dot(held, held)) // 2 for held in (held_x, held_y))
    tau = exact.dot(balance, table.times) // 2 / math.sqrt(untied) if untied else math.nan
    return tau, balance, [held_x[of_x], held_y[of_y]]


@njit(cache=True)
def _balance(x, y, times, held):
    """In: places of both values, by x, then y, how often each pair occurs, and how often each y (Fenwick 1994's tree)."""
    n, heights, up_to = times.sum(), len(held), held.cumsum()
    tree, found = np.zeros(heights + 1, np.int64), np.empty(len(x), np.int64)
    start = before = 0
    while start < len(x):
        end = start
        while end < len(x) and x[end] == x[start]:
            end += 1
        of_run, lower = times[start:end].sum(), 0
        for pair in range(start, end):
            below, upto = _sum_of(tree, y[pair]), _sum_of(tree, y[pair] + 1)
            smaller_higher = before - upto
            larger_lower = up_to[y[pair]] - held[y[pair]] - below - lower
            larger_higher = n - up_to[y[pair]] - smaller_higher - (of_run - lower - times[pair])
            found[pair] = below + larger_higher - smaller_higher - larger_lower
            lower += times[pair]
        for pair in range(start, end):
            place = y[pair] + 1
            while place <= heights:
                tree[place] += times[pair]
                place += place & -place
        before += of_run
        start = end
    return found


@njit(cache=True)
def _sum_of(tree, first):
    """The sum of the first so many."""
    total = 0
    while first > 0:
        total += tree[first]
        first -= first & -first
    return total
