"""Which of very many names may be alike, by what is left of them without a few letters; none is missed.

Every name of a length is shortened in all ways to the letters that two alike names of these lengths have in common, and
names meet where they come to the same (Bocek, Hunt and Stiller 2007: fast similarity search). So the work grows with the
names and not with their pairs.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np

_BASE = 0x9E3779B97F4A7C15  # odd: it has an inverse among numbers of 64 bits
_INVERSE = pow(_BASE, -1, 2**64)
_MOST = 20_000_000  # shortened rows that are held in memory
_PER_PAIR, _PER_NAME, _PER_WAY = 10, 12, 20_000  # nanoseconds: to compare two names; to shorten one, and any number of them


def in_common(a: int, b: int, share: float) -> int:
    """Letters that names of a and b letters have in common, in one order, if they are alike.

    Alike: 1 - d / (a + b) >= `share`, where d letters have to be left out of the two for the same m = (a + b - d) / 2 to
    remain. Proof that none is missed: m is least for the largest such d. Two names with m or more letters in common have
    some m of them in common; leaving the a - m others out of one name, and the b - m others out of the other, gives the
    same word, and all ways of leaving so many out are tried.
    """
    d = int((1 - share) * (a + b) + 1e-9)
    return (a + b - d + 1) // 2  # whole: d is even where a + b is


def is_quicker(rows: int, a: int, columns: int, b: int, share: float) -> bool:
    """Whether to shorten so many names of a letters, and of b, takes less time than to compare all their pairs."""
    m = in_common(a, b, share)
    ways = comb(a, m) * rows, comb(b, m) * columns
    shortening = _PER_NAME * sum(ways) + _PER_WAY * (comb(a, m) + comb(b, m))
    return m > 0 and ways[0] <= _MOST and shortening < _PER_PAIR * rows * columns


def near(rows: Sequence[str], columns: Sequence[str], share: float) -> tuple[np.ndarray, np.ndarray]:
    """Places of the pairs that may be alike, sorted: of rows, which are of one length, and of columns, which are too."""
    m = in_common(len(rows[0]), len(columns[0]), share)
    short = np.concatenate(list(_shortened(rows, m)))
    of = np.tile(np.arange(len(rows)), len(short) // len(rows))
    order = np.argsort(short, kind="stable")
    short, of = short[order], of[order]
    bits = max(10, min(24, 3 + len(short).bit_length()))
    there = np.zeros(1 << bits, dtype=bool)
    there[short >> np.uint64(64 - bits)] = True
    pairs, waiting = np.zeros(0, dtype="int64"), []
    for word in _shortened(columns, m):
        maybe = np.flatnonzero(there[word >> np.uint64(64 - bits)])
        begin, end = (np.searchsorted(short, word[maybe], side=side) for side in ("left", "right"))
        size = end - begin
        place = np.repeat(begin - size.cumsum() + size, size) + np.arange(size.sum())
        waiting.append(of[place] * len(columns) + np.repeat(maybe, size))
        if sum(map(len, waiting)) > _MOST:
            pairs, waiting = np.unique(np.concatenate([pairs, *waiting])), []
    pairs = np.unique(np.concatenate([pairs, *waiting]))
    return pairs // len(columns), pairs % len(columns)


def _shortened(names: Sequence[str], size: int) -> Iterator[np.ndarray]:
    """A number for each name without some letters, so that `size` remain: one array for each way to leave letters out.

    Equal words have equal numbers. A word is the sum of its letters times powers of a base; where letters are left out,
    what comes after them is divided by the base as often.
    """
    whole = len(names[0])
    letters = np.frombuffer("".join(names).encode("utf-32-le", "surrogatepass"), dtype="uint32").reshape(-1, whole).T
    sums = np.zeros((whole + 1, len(names)), dtype="uint64")
    for place in range(whole):
        sums[place + 1] = sums[place] + letters[place] * _power(_BASE, place)
    divided = [_power(_INVERSE, times) for times in range(whole - size + 1)]
    for left_out in combinations(range(whole), whole - size):
        ends = (*left_out, whole)
        word = sums[ends[0]].copy()
        for times, (gone, end) in enumerate(zip(left_out, ends[1:], strict=True), start=1):
            if end > gone + 1:
                word += (sums[end] - sums[gone + 1]) * divided[times]
        yield word * np.uint64(_BASE)


def _power(base: int, exponent: int) -> np.uint64:
    return np.uint64(pow(base, exponent, 2**64))
