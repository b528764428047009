"""Coefficients from frequencies: by hand, by properties, and scipy on the rows themselves."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import coefficients


def table(*rows: tuple[float, float]) -> coefficients.Pairs:
    x, y = (pd.Series([row[i] for row in rows], dtype="float64") for i in (0, 1))
    return coefficients.pairs(x, y)


some_rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6) | st.integers(0, 2**40)), min_size=2, max_size=40)
two_values = some_rows.filter(lambda rows: len({x for x, _ in rows}) > 1 < len({y for _, y in rows}))


def columns(rows) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array([row[i] for row in rows], dtype="int64") for i in (0, 1))


def test_pairs_by_hand():
    found = table((1, 5), (0, 7), (1, 5), (math.nan, 3), (2, math.nan), (0, 2))
    assert [column.tolist() for column in found] == [[0, 0, 1], [2, 7, 5], [1, 1, 2]]
    assert [len(column) for column in table((math.nan, 1))] == [0, 0, 0]


def test_pearson_by_hand():
    """Deviations -1.5 -.5 .5 1.5 and -4 -4 -4 12: 24 / sqrt(5 * 192)."""
    assert coefficients.pearson(table((1, 0), (2, 0), (3, 0), (4, 16))) == 24 / math.sqrt(960)
    assert math.isnan(coefficients.pearson(table((1, 3), (2, 3))))
    assert coefficients.pearson(table((1, 7), (2, 5))) == -1


def test_numbers_of_more_than_64_bits_in_a_sum_are_added_exactly():
    large = 2**61
    assert coefficients.pearson(table((0, 0), (large, large), (large, 0), (0, large))) == 0
    assert coefficients.pearson(table((0, 0), (large, large))) == 1


def test_on_logs_by_hand():
    """log(1 + x) of 0, 1, 3 and 0, 3, 15 are 0, 1, 2 and 0, 2, 4 in twos: a line."""
    assert coefficients.pearson(coefficients.logged(table((0, 0), (1, 3), (3, 15)))) == pytest.approx(1, abs=1e-12)


def test_ranks_by_hand():
    """Ranks 1.5 1.5 3 4 and 1 2 4 3: deviations -1 -1 .5 1.5, -1.5 -.5 1.5 .5; 3.5 / sqrt(4.5 * 5)."""
    assert coefficients.spearman(table((1, 1), (1, 2), (5, 9), (7, 8))) == pytest.approx(3.5 / math.sqrt(22.5))


def test_kendall_by_hand():
    """Of six pairs one is tied in x; four go the same way, one the other way: (4 - 1) / sqrt(5 * 6)."""
    assert coefficients.kendall(table((1, 1), (1, 2), (5, 9), (7, 8))) == pytest.approx(3 / math.sqrt(30))
    assert math.isnan(coefficients.kendall(table((1, 3), (2, 3))))


def test_below_leaves_out_what_is_above_either_quantile():
    """Of 0 to 1000 the 99.9 % quantile is 999: what has 1000 in either column goes."""
    rows = [(i, 1000 - i) for i in range(1001)]
    found = coefficients.without_top(table(*rows))
    assert (found.times.sum(), found.x.min(), found.x.max()) == (999, 1, 999)


def test_the_error_of_marks_of_yes_and_no_by_hand():
    """Half of each mark: u and v are 1 or -1, so that u v - r has the variance 1 - r^2, over n and (1 - r^2)^2."""
    rows = [(0, 0)] * 6 + [(1, 1)] * 6 + [(0, 1)] * 2 + [(1, 0)] * 2
    r = (12 - 4) / 16
    assert coefficients.pearson(table(*rows)) == r
    assert coefficients.pearson_error(table(*rows)) == pytest.approx(1 / math.sqrt(16 * (1 - r**2)))
    assert coefficients.pearson_error(table((1, 2), (2, 4), (3, 6))) == 0


def test_the_error_of_ranks_by_hand():
    """Of the ranks of seven on a line, of which two are exchanged, by the formula."""
    rows = [(i, i) for i in range(5)] + [(5, 6), (6, 5)]
    rho = 1 - 6 * 2 / (7 * 48)
    assert coefficients.spearman_error(table(*rows)) == pytest.approx(math.sqrt((1 + rho**2 / 2) / 4))


def test_the_error_of_kendalls_coefficient_by_hand():
    """Half of each mark, as above: tau-b is r, and so is its error where every coefficient of two marks is phi."""
    rows = [(0, 0)] * 6 + [(1, 1)] * 6 + [(0, 1)] * 2 + [(1, 0)] * 2
    assert coefficients.kendall(table(*rows)) == pytest.approx(0.5)
    assert coefficients.kendall_error(table(*rows)) == pytest.approx(1 / math.sqrt(16 * (1 - 0.5**2)))
    assert coefficients.kendall_error(table((1, 2), (2, 4), (3, 6))) == 0
    assert math.isnan(coefficients.kendall_error(table((1, 3), (2, 3))))


@given(two_values)
@settings(deadline=None)
def test_the_error_of_kendalls_coefficient_is_how_it_moves_with_the_weight_of_each_row(rows):
    """The delta method: the error is the root of the sum of squared slopes by the weight of each row, found by differences."""
    x, y = columns(rows)
    n, alike = len(rows), np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    apart = [(column[:, None] != column).astype(float) for column in (x, y)]

    def tau(weight):
        return weight @ alike @ weight / math.sqrt(math.prod(weight @ of @ weight for of in apart))

    even, step = np.ones(n) / n, 1e-5
    slopes = [(tau(even + step * (at - even)) - tau(even - step * (at - even))) / (2 * step) for at in np.eye(n)]
    r = tau(even)
    if abs(r) < 1 - 1e-9:
        expected = math.sqrt(sum(slope**2 for slope in slopes)) / n / (1 - r * r)
        assert coefficients.kendall_error(table(*rows)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@given(two_values, st.data())
@settings(deadline=None)
def test_rows_that_count_several_times_are_rows_that_are_there_so_often(rows, data):
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))), dtype="int64")
    first, second = (coefficients.column(pd.Series(column)) for column in columns(rows))
    found = coefficients.pairs_of(first, second, times)
    expected = table(*(row for row, often in zip(rows, times, strict=True) for _ in range(often)))
    assert [column.tolist() for column in found] == [column.tolist() for column in expected]


@given(two_values)
@settings(deadline=None)
def test_they_are_those_of_scipy_on_the_rows(rows):
    x, y = columns(rows)
    found = table(*rows)
    assert coefficients.pearson(found) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
    assert coefficients.spearman(found) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    assert coefficients.kendall(found) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-9)
    logs = stats.pearsonr(np.log1p(x), np.log1p(y)).statistic
    assert coefficients.pearson(coefficients.logged(found)) == pytest.approx(logs, abs=1e-9)


@given(some_rows, st.integers(0, 1000))
@settings(deadline=None)
def test_below_is_that_of_numpys_quantile(rows, thousandths):
    x, y = columns(rows)
    least = [np.partition(c, 0)[0] if not thousandths else np.quantile(c, thousandths / 1000) for c in (x, y)]
    kept = (x <= least[0] + 1e-6) & (y <= least[1] + 1e-6 * max(1, abs(least[1])))
    assert int(coefficients.without_top(table(*rows), thousandths=thousandths).times.sum()) == int(kept.sum())


@given(two_values, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_rows_and_of_the_columns_does_not_matter(rows, random):
    mixed, turned = [*rows], [(y, x) for x, y in rows]
    random.shuffle(mixed)
    for coefficient in (coefficients.pearson, coefficients.spearman, coefficients.kendall):
        assert coefficient(table(*rows)) == coefficient(table(*mixed)) == coefficient(table(*turned))
