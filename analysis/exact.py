"""Arithmetic that gives the same bytes on every machine.

BLAS adds in an order that depends on the processor and the number of threads, and numpy's own powers, exponentials and
logarithms differ in the last digit from one processor to the next. Here whole numbers are added exactly, other sums are
rounded once, and `exp`, `log` and `power` are made of additions and multiplications, which every machine does alike.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import sparse, special

DIGITS = 12  # significant ones of what can't be made exact: see `report.emitted`

_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # the first has few bits: its multiples are exact
_ROOT_OF_HALF = 0.7071067811865476
_LARGEST = 2**63 - 1


def whole(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Numbers, none missing, as whole ones of 64 bits or (objects) any size, and the power of two they were multiplied by."""
    values = np.asarray(values)
    if values.dtype.kind in "iub":
        return values.astype("int64", copy=False), 1
    if (np.abs(values) < 2**53).all() and (values == np.rint(values)).all():
        return values.astype("int64"), 1
    ratios = [value.as_integer_ratio() for value in values.tolist()]
    factor = max(of for _, of in ratios)
    return np.array([number * (factor // of) for number, of in ratios], dtype=object), factor


def dot(x: np.ndarray, y: np.ndarray) -> int:
    """Sum of the products of two arrays of whole numbers, exact whatever their size."""
    return _dot(x, y, _size(x) * _size(y))


def _size(values: np.ndarray) -> int:
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0))), 1)


def _dot(x: np.ndarray, y: np.ndarray, largest: int) -> int:
    """In blocks so short that no sum leaves 64 bits; number by number where a product would."""
    block = _LARGEST // largest
    if not block:
        return sum(a * b for a, b in zip(x.tolist(), y.tolist(), strict=True))
    products = x * y
    if block >= len(products):
        return int(products.sum())
    return sum(np.add.reduceat(products, np.arange(0, len(products), block)).tolist())


def correlations(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Pearson's coefficient of every two columns of numbers, a square; NaN where one of the two is constant.

    The sums are exact, and a coefficient is rounded at its end alone.
    """
    columns = [whole(column)[0] for column in columns]  # a factor leaves the coefficient as it is
    sizes, n = [_size(column) for column in columns], len(columns[0]) if columns else 0
    sums = [_dot(column, np.ones_like(column), size) for column, size in zip(columns, sizes, strict=True)]
    places = range(len(columns))
    shared = {
        (i, j): n * _dot(columns[i], columns[j], sizes[i] * sizes[j]) - sums[i] * sums[j]
        for i in places
        for j in places[i:]
    }
    found = np.full((len(columns), len(columns)), np.nan)
    for (i, j), value in shared.items():
        if shared[i, i] and shared[j, j]:
            found[i, j] = found[j, i] = max(-1.0, min(value / math.sqrt(shared[i, i] * shared[j, j]), 1.0))
    return found


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's coefficient of two columns of numbers; NaN where one is constant."""
    return float(correlations([x, y])[0, 1])


def mean_and_std(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (sample) of numbers, none missing; NaN where there are too few."""
    n = len(values)
    if not n:
        return math.nan, math.nan
    numbers, factor = whole(values)
    total, squares = dot(numbers, np.ones_like(numbers)), dot(numbers, numbers)
    variance = (n * squares - total**2) / (n * (n - 1) * factor**2) if n > 1 else math.nan
    return total / (n * factor), math.sqrt(variance)


def sparse_product(x: sparse.sparray, y: sparse.sparray) -> sparse.sparray:
    """Product of two sparse matrices, which scipy adds up row by row; of others, which BLAS would, TypeError."""
    if not (sparse.issparse(x) and sparse.issparse(y)):
        raise TypeError("expected two sparse matrices")
    return x @ y


def solve(matrix: Sequence[Sequence], vector: Sequence) -> list:
    """Solution of a small system of linear equations by elimination, exact for fractions."""
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    for place in range(len(rows)):
        largest = max(range(place, len(rows)), key=lambda row: abs(rows[row][place]))
        rows[place], rows[largest] = rows[largest], rows[place]
        first = rows[place]
        rows[place] = first = [value / first[place] for value in first]
        for number, row in enumerate(rows):
            if number != place:
                rows[number] = [value - row[place] * of_first for value, of_first in zip(row, first, strict=True)]
    return [row[-1] for row in rows]


def normal_quantile(level: float) -> float:
    """How many standard deviations about the mean hold so much of a normal distribution: 1.96 for 0.95."""
    return rounded(float(special.ndtri((1 + level) / 2)))


def rounded(value: float) -> float:
    """The number with `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}")


def exp(x: np.ndarray | float) -> np.ndarray:
    """Exponential to within a few units of the last digit."""
    x = np.asarray(x, dtype="float64")
    twos = np.rint(x * 1.4426950408889634)
    rest = (x - twos * _LN2_HIGH) - twos * _LN2_LOW
    series = np.full_like(rest, 1 / math.factorial(13))
    for order in range(12, -1, -1):
        series *= rest
        series += 1 / math.factorial(order)
    return np.ldexp(series, twos.astype("int32"))


def log(x: np.ndarray | float) -> np.ndarray:
    """Natural logarithm of positive numbers to within a few units of the last digit."""
    x = np.asarray(x, dtype="float64")
    if x.size == 1:  # as most that matplotlib asks for
        fraction, twos = math.frexp(x.item())
        small = fraction < _ROOT_OF_HALF
        return np.full(x.shape, _log(fraction * (1 + small), twos - small))
    fraction, twos = np.frexp(x)
    small = fraction < _ROOT_OF_HALF
    return _log(fraction * (1 + small), twos - small)


def _log(fraction, twos):
    ratio = (fraction - 1) / (fraction + 1)
    square = ratio * ratio
    series = square * 0 + 1 / 23
    for order in range(21, 0, -2):
        series = series * square + 1 / order
    return twos * _LN2_HIGH + (twos * _LN2_LOW + 2 * ratio * series)


def cube_root(x: np.ndarray | float) -> np.ndarray:
    """Cube root of positive numbers; that of a cube of few digits is exact."""
    near = power(x, 1 / 3)
    return near - (near * near * near - x) / (3 * near * near)


def power(x: np.ndarray | float, exponent: float) -> np.ndarray:
    """Positive numbers to the power of any exponent."""
    return exp(exponent * log(x))
