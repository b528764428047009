"""Coefficients of two columns of counts from how often each pair of values occurs.

350,000 repositories have a few thousand distinct pairs, so that one table of them gives Pearson's, Spearman's and Kendall's
coefficient at once. All sums are of whole numbers; a coefficient is rounded at its end alone (study, Figures 2 and 3).
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import exact


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


def below(table: Pairs, thousandths: int) -> Pairs:
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
    1 / sqrt(n), as Fisher's, which heavy tails make far too small.
    """
    n, r = int(table.times.sum()), pearson(table)
    if abs(r) == 1:
        return 0.0
    u, v = (_standardised(values, table.times) for values in table[:2])
    shares = (u * v - r / 2 * (u * u + v * v)) / (1 - r * r)
    return math.sqrt(math.fsum(table.times * shares * shares)) / n


def _standardised(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    n = int(times.sum())
    mean = exact.dot(values, times) / n
    apart = values - mean
    return apart / math.sqrt(math.fsum(times * apart * apart) / n)


def on_logs(table: Pairs) -> float:
    """Pearson's coefficient of log(1 + x) and log(1 + y), whose logarithms have twelve decimals."""
    return _weighted(*(np.rint(exact.log(values + 1.0) * 1e12).astype("int64") for values in table[:2]), table.times)


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
    n = int(table.times.sum())
    of_x, tied_x = _ties(table.x, table.times)
    of_y, tied_y = _ties(table.y, table.times)
    all_pairs, tied_both = n * (n - 1) // 2, _in_pairs(table.times)
    untied = (all_pairs - tied_x) * (all_pairs - tied_y)
    if not untied:
        return math.nan
    ordered = all_pairs - tied_x - tied_y + tied_both
    return (ordered - 2 * _inversions(of_y, table.times)) / math.sqrt(untied)


def _ties(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, int]:
    place, held = _grouped(values, times)
    return place, _in_pairs(held)


def _in_pairs(held: np.ndarray) -> int:
    return int((held * (held - 1) // 2).sum())


def _inversions(ranks: np.ndarray, times: np.ndarray) -> int:
    """Pairs of which the later one has the lower rank, bit by bit of the rank: no sorting of the repositories themselves."""
    found = 0
    for bit in range(int(ranks.max(initial=0)).bit_length()):
        order = np.argsort(ranks >> (bit + 1), kind="stable")
        block, weight = (ranks >> (bit + 1))[order], times[order]
        high = (ranks[order] >> bit & 1) * weight
        before = high.cumsum()
        starts = np.searchsorted(block, block)
        of_block = before - np.append(0, before)[starts]
        found += int((of_block * (weight - high)).sum())
    return found
