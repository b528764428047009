"""Arithmetic that is the same on every machine: by hand, and against fractions and Python's own functions."""

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from analysis import exact
from analysis.sources.twin.counts import least_squares

numbers = st.floats(-1e6, 1e6) | st.integers(-9, 9).map(float)


def test_products_are_added_exactly_where_64_bits_would_overflow():
    assert exact.dot(np.array([2, 3]), np.array([5, 7])) == 31
    assert exact.dot(np.array([2**40] * 5), np.array([2**40] * 5)) == 5 * 2**80  # number by number
    assert exact.dot(np.array([2**31] * 9), np.array([2**31 - 1] * 9)) == 9 * 2**31 * (2**31 - 1)  # in blocks of two
    assert exact.dot(np.array([], dtype="int64"), np.array([], dtype="int64")) == 0


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-5, 2**33)), max_size=20))
def test_a_sum_of_products_is_that_of_whole_numbers(pairs):
    x, y = (np.array([pair[place] for pair in pairs], dtype="int64") for place in (0, 1))
    assert exact.dot(x, y) == sum(a * b for a, b in pairs)


@given(st.lists(numbers, max_size=12))
def test_numbers_are_whole_ones_over_a_power_of_two(values):
    found, factor = exact.whole(np.array(values, dtype="float64"))
    assert [Fraction(int(number), factor) for number in found] == [Fraction(value) for value in values]


def test_a_correlation_by_hand():
    # deviations -1.5 -.5 .5 1.5 and -4 -4 -4 12: 24 / sqrt(5 * 192)
    assert exact.correlation(np.array([1, 2, 3, 4]), np.array([0, 0, 0, 16])) == 24 / math.sqrt(960)
    assert exact.correlation(np.array([1, 2]), np.array([9, 7])) == -1
    assert math.isnan(exact.correlation(np.array([1, 2]), np.array([3, 3])))
    assert exact.correlations([]).shape == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 2**45), st.integers(0, 9)), min_size=2, max_size=30))
def test_a_correlation_is_that_of_fractions_whatever_the_order_of_the_rows(rows):
    x, y = (np.array([row[place] for row in rows]) for place in (0, 1))
    found, backwards = exact.correlation(x, y), exact.correlation(x[::-1], y[::-1])
    if len(set(x.tolist())) == 1 or len(set(y.tolist())) == 1:
        assert math.isnan(found)
        return
    dx, dy = ([Fraction(v) - Fraction(sum(values), len(rows)) for v in values] for values in (x.tolist(), y.tolist()))
    products = [sum(a * b for a, b in zip(*pair, strict=True)) for pair in ((dx, dy), (dx, dx), (dy, dy))]
    assert found == backwards == pytest.approx(float(products[0]) / math.sqrt(products[1] * products[2]), rel=1e-14)


@given(st.lists(numbers, min_size=2, max_size=30))
def test_mean_and_deviation_are_those_of_fractions(values):
    mean, std = exact.mean_and_std(np.array(values))
    fractions = [Fraction(value) for value in values]
    assert mean == float(sum(fractions) / len(values))
    assert std == pytest.approx(math.sqrt(statistics.variance(fractions)), rel=1e-15)


def test_few_values_have_no_deviation():
    assert all(map(math.isnan, exact.mean_and_std(np.array([]))))
    mean, std = exact.mean_and_std(np.array([3.0]))
    assert mean == 3 and math.isnan(std)


def test_only_sparse_matrices_are_multiplied():
    eye = sparse.csr_array(np.eye(2))
    assert (exact.sparse_product(eye, eye) != eye).nnz == 0
    with pytest.raises(TypeError, match="two sparse matrices"):
        exact.sparse_product(eye, np.eye(2))


@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=3, max_size=3), st.permutations([1, -2, 5]))
def test_a_system_of_fractions_is_solved_exactly(matrix, solution):
    rows = [[Fraction(value) + 40 * (i == j) for j, value in enumerate(row)] for i, row in enumerate(matrix)]
    vector = [sum(a * b for a, b in zip(row, solution, strict=True)) for row in rows]
    assert exact.solve(rows, vector) == solution


def test_a_system_whose_first_row_begins_with_zero_is_solved():
    assert exact.solve([[0.0, 2.0], [4.0, 0.0]], [6.0, 8.0]) == [2, 3]


@pytest.mark.parametrize(("value", "expected"), [(1 / 3, 0.333333333333), (123456789012.9, 123456789013.0), (0.0, 0.0)])
def test_twelve_digits_are_kept(value, expected):
    assert exact.rounded(value) == expected


def test_the_quantile_of_the_normal_distribution():
    assert exact.normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.975), rel=1e-11)


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=5))
def test_the_exponential_is_within_some_units_of_the_last_digit(values):
    assert exact.exp(values).tolist() == pytest.approx([math.exp(value) for value in values], rel=1e-15, abs=0)


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=5))
def test_the_logarithm_is_within_some_units_of_the_last_digit(values):
    assert exact.log(values).tolist() == pytest.approx([math.log(value) for value in values], rel=1e-15, abs=1e-16)
    assert [exact.log(value).item() for value in values] == exact.log(values).tolist()  # one by one, and all at once


@given(st.floats(1e-9, 1e9), st.floats(-3, 3))
def test_a_power_is_within_some_units_of_the_last_digit(base, exponent):
    assert exact.power(base, exponent) == pytest.approx(base**exponent, rel=1e-13)


def test_roots_of_small_cubes_are_exact():
    assert exact.cube_root(np.array([1, 8, 27, 125, 1 / 8, 1 / 64])).tolist() == [1, 2, 3, 5, 0.5, 0.25]


def test_least_squares_by_hand():
    # a line through (0, 1), (1, 3), (2, 5): both parameters are met; held at 1.5, the slope's bound, the middle is met
    points = [(0, 1), (1, 3), (2, 5)]

    def misses(line):
        return [line[0] + line[1] * x - y for x, y in points]

    assert least_squares(misses, [0, 0], low=[-9, -9], high=[9, 9]) == pytest.approx([1, 2], abs=1e-6)
    assert least_squares(misses, [0, 0], low=[-9, -9], high=[9, 1.5]) == pytest.approx([1.5, 1.5], abs=1e-6)
