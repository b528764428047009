"""Does a heavy tail follow a power law, or does another heavy-tailed distribution describe it as well or better?

The method of Clauset, Shalizi and Newman (2009), doi:10.1137/070710111, for whole numbers: the lower bound of the tail is
where the fitted power law is nearest to the data (Kolmogorov-Smirnov), the exponent is the likeliest one, the goodness of
fit comes from draws, and the alternatives are compared by Vuong's likelihood ratio (1989), doi:10.2307/1912557. All of it
works on frequencies, as 350,000 repositories have a few thousand distinct counts; `powerlaw` (Alstott et al. 2014,
doi:10.1371/journal.pone.0085777) is the oracle of the tests. Fits are searches, which stop at some
digit: what is emitted of them has six, and ratios, which are differences of nearly equal sums, four.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, special

from analysis import activity, exact
from analysis.covered import carried

ALTERNATIVES = ("lognormal", "stretched_exponential", "truncated_power_law")
LEAST_TAIL = 50  # values; with fewer, nothing can be told apart (Clauset et al., section 3.3)
LOWER_BOUNDS = 50  # lower bounds that are tried, spread evenly over the distinct values' ranks
PLAUSIBLE = 0.1  # Clauset et al., section 4.1: a power law whose p is at most so much is ruled out
EXPONENTS = (1.0001, 8.0)
TABLE = 2000  # values from the lower bound on whose frequencies are drawn, and summed, one by one
FLATTEST = -6.0  # logarithm of the least shape of a stretched exponential; below, it is a power law
SLOPES = (-30.0, 100.0)  # exponents of a truncated power law; beyond, its sums leave what a number holds
STEPS = 400  # of the sum beyond them


class Tail(NamedTuple):
    """The values from `xmin` on: distinct values in ascending order, how often each occurs, and the power law's fit."""

    xmin: int
    values: np.ndarray
    counts: np.ndarray
    alpha: float
    distance: float


def fit(numbers: pd.Series) -> Tail | None:
    """The tail of whole numbers that is nearest to a power law; None where no tail holds `LEAST_TAIL` of two values or more.

    Zeros and missing values belong to no tail. Raises ValueError for a negative or broken number.
    """
    known = numbers.dropna()
    if ((known < 0) | (known % 1 != 0)).any():
        raise ValueError("tails: expected whole numbers of 0 or more")
    counted = known[known > 0].astype("int64").value_counts().sort_index()
    values, counts = counted.index.to_numpy(), counted.to_numpy()
    enough = np.flatnonzero(counts[::-1].cumsum()[::-1] >= LEAST_TAIL)
    enough = enough[enough < len(values) - 1]
    if not len(enough):
        return None
    tried = np.unique(enough[np.linspace(0, len(enough) - 1, LOWER_BOUNDS).round().astype(int)])
    return min((_tail(values[start:], counts[start:]) for start in tried), key=lambda tail: tail.distance)


def _tail(values: np.ndarray, counts: np.ndarray) -> Tail:
    xmin = int(values[0])
    alpha = _exponent(values, counts)
    return Tail(xmin, values, counts, alpha, _distance(values, counts, xmin, alpha))


def _exponent(values: np.ndarray, counts: np.ndarray, xmin: int | None = None) -> float:
    """The likeliest exponent of a power law from the lower bound on (by default the smallest value)."""
    least = int(values[0]) if xmin is None else xmin
    mean_log = float(np.sum(counts * exact.log(values)) / counts.sum())

    def surprise(alpha: float) -> float:
        return float(exact.log(special.zeta(alpha, least))) + alpha * mean_log

    return float(optimize.minimize_scalar(surprise, bounds=EXPONENTS, method="bounded", options={"xatol": 1e-9}).x)


def _distance(values: np.ndarray, counts: np.ndarray, xmin: int, alpha: float) -> float:
    """Largest distance between the shares of values up to x, in the data and under the power law, over all whole x.

    Between two values that occur the law goes on growing, so the end of each gap is looked at too.
    """
    held = np.concatenate([[0.0], counts.cumsum() / counts.sum()])
    whole = special.zeta(alpha, xmin)
    at = 1 - special.zeta(alpha, values + 1.0) / whole
    before = 1 - special.zeta(alpha, values * 1.0) / whole
    return float(max(np.abs(held[1:] - at).max(), np.abs(held[:-1] - before).max()))


def goodness(tail: Tail, *, draws: int, seed: int = 0) -> float:
    """Share of draws from the fitted power law that are farther from their own fit than the data are from theirs.

    The lower bound stays where it is, which is lenient: a power law that is ruled out here is ruled out.
    """
    generator, n = np.random.default_rng(seed), int(tail.counts.sum())
    table = np.arange(tail.xmin, tail.xmin + TABLE)
    chances = exact.power(table, -tail.alpha) / special.zeta(tail.alpha, tail.xmin)
    beyond = max(1 - chances.sum(), 0.0)
    farther = 0
    for _ in range(draws):
        drawn = generator.multinomial(n, np.append(chances, beyond) / (chances.sum() + beyond))
        far = np.floor((table[-1] + 0.5) * exact.power(1 - generator.random(drawn[-1]), -1 / (tail.alpha - 1)) + 0.5)
        far, times = np.unique(np.minimum(far, 1e15), return_counts=True)
        there = drawn[:-1] > 0
        values = np.concatenate([table[there].astype("float64"), far])
        counts = np.concatenate([drawn[:-1][there], times])
        alpha = _exponent(values, counts, tail.xmin)
        farther += _distance(values, counts, tail.xmin, alpha) >= tail.distance
    return farther / draws


# --- alternatives -----------------------------------------------------------------------------------------


class _Logs(NamedTuple):
    """Logarithms of the halves around the values of a tail, ascending, and which of them lie below and above each value."""

    halves: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def log_likelihoods(tail: Tail, distribution: str) -> np.ndarray:
    """Logarithm of the chance of each distinct value under the likeliest member of a family, given that it is in the tail.

    Lognormal and stretched exponential, which are continuous, are rounded to the next whole number.
    """
    if distribution == "power_law":
        return _power_law(tail, tail.alpha, 0.0)
    mean = float(np.sum(tail.counts * exact.log(tail.values)) / tail.counts.sum())
    log = _logs(tail)
    families: dict[str, tuple[Callable[..., np.ndarray], list[tuple[float, float]]]] = {
        "lognormal": (partial(_rounded, log, _lognormal), [(mean, 0.0), (0.0, 0.5), (-5.0, 1.2)]),
        "stretched_exponential": (
            partial(_rounded, log, _stretched),
            [(mean * -0.6 - 0.5, -0.5), (-1.2, -1.2), (float(exact.log(tail.alpha - 1)), -3.0)],
        ),
        "truncated_power_law": (
            partial(_truncated, tail, exact.log(tail.values)),
            [
                (tail.alpha, -float(exact.log(tail.values[-1]))),
                (1.2, -float(exact.log(tail.values.sum() / len(tail.values)))),
            ],
        ),
    }
    density, starts = families[distribution]

    def surprise(parameters: np.ndarray) -> float:
        value = -float(np.sum(tail.counts * density(*parameters)))
        return value if np.isfinite(value) else 1e300

    options = {"xatol": 1e-6, "fatol": 1e-7, "maxiter": 2000}
    return density(*optimize.minimize(surprise, min(starts, key=surprise), method="Nelder-Mead", options=options).x)


def _logs(tail: Tail) -> _Logs:
    twice = np.unique(np.concatenate([2 * tail.values - 1, 2 * tail.values + 1]))
    lower, upper = (np.searchsorted(twice, 2 * tail.values + side) for side in (-1, 1))
    return _Logs(exact.log(twice / 2), lower, upper)


def _lognormal(log_x, mean: float, log_deviation: float):
    """Logarithm of the share above x."""
    return special.log_ndtr((mean - log_x) / exact.exp(log_deviation))


def _stretched(log_x, log_slope: float, log_shape: float):
    """Logarithm of the share above x, -(slope / shape) x^shape: for a shape near 0 a power law, whose slope it keeps."""
    log_shape = min(max(log_shape, FLATTEST), -FLATTEST)
    return -exact.exp(np.clip(log_slope - log_shape + exact.exp(log_shape) * log_x, -700.0, 700.0))


def _rounded(log: _Logs, survival: Callable, first: float, second: float) -> np.ndarray:
    """Log of P(x - 1/2 < X < x + 1/2 | X > xmin - 1/2) from the logarithm of P(X > x)."""
    above = survival(log.halves, first, second)
    lower, upper = above[log.lower], above[log.upper]
    with np.errstate(divide="ignore", invalid="ignore"):
        return lower + exact.log(_less_than_one(upper - lower)) - above[0]  # the lowest half is below the lower bound


def _less_than_one(logarithm: np.ndarray) -> np.ndarray:
    """1 - exp(x) for x below 0, to all digits where x is near 0 too."""
    near = -logarithm * (1 + logarithm / 2 * (1 + logarithm / 3 * (1 + logarithm / 4)))
    found = np.where(logarithm > -1e-3, near, 1 - exact.exp(np.maximum(logarithm, -700.0)))
    return np.maximum(found, 1e-300)


def _truncated(tail: Tail, logs: np.ndarray, alpha: float, log_rate: float) -> np.ndarray:
    if not SLOPES[0] < alpha < SLOPES[1]:
        return np.full(len(tail.values), -np.inf)
    return _power_law(tail, alpha, float(exact.exp(np.clip(log_rate, -60, 10))), logs)  # beyond, a sum is all of it or none


def _power_law(tail: Tail, alpha: float, rate: float, logs: np.ndarray | None = None) -> np.ndarray:
    """Log chance under x^-alpha exp(-rate x); the sum over the whole numbers is taken as far as it goes."""
    logs = exact.log(tail.values) if logs is None else logs
    if rate == 0:
        return -alpha * logs - exact.log(special.zeta(alpha, tail.xmin))
    first, of_first = _table(tail.xmin)
    # From there on the sum is an integral, over a logarithmic scale, to where nothing is left of it (midpoint rule).
    start = exact.log(first[-1] + 0.5)
    width = exact.log(1 + 60 / rate / (first[-1] + 0.5)) / STEPS
    at = start + width * (np.arange(STEPS) + 0.5)
    rest = np.sum(exact.exp(np.clip((1 - alpha) * at - rate * (exact.exp(at) - tail.xmin), -700.0, 700.0))) * width
    total = np.sum(exact.exp(-alpha * of_first) * exact.exp(np.maximum(-rate * (first - tail.xmin), -700.0))) + rest
    return -alpha * logs - rate * (tail.values - tail.xmin) - exact.log(total)


@lru_cache(maxsize=1)
def _table(xmin: int) -> tuple[np.ndarray, np.ndarray]:
    """The first whole numbers of a tail and their logarithms, which a search asks for hundreds of times."""
    first = np.arange(xmin, xmin + TABLE)
    return first, exact.log(first)


def compared(tail: Tail, distribution: str) -> tuple[float, float]:
    """Vuong's ratio of the power law to an alternative, and its two-sided p: above 0 the power law is the likelier one.

    The ratio is in standard deviations. The truncated power law holds the power law as a case, so that its p is that of
    twice the gain in likelihood, by chi-square with one degree of freedom.
    """
    gain = log_likelihoods(tail, "power_law") - log_likelihoods(tail, distribution)
    n = tail.counts.sum()
    total = float(np.sum(tail.counts * gain))
    variance = float(np.sum(tail.counts * (gain - total / n) ** 2) / n)
    ratio = total / np.sqrt(n * variance) if variance > 0 else 0.0
    if distribution == "truncated_power_law":
        return min(ratio, 0.0), float(special.chdtrc(1, 2 * max(-total, 0.0)))
    return ratio, float(special.erfc(abs(ratio) / np.sqrt(2)))


def _digits(value: float, digits: int = 6) -> float:
    return float(f"{value:.{digits}g}")


def tail_row(numbers: pd.Series, *, draws: int, seed: int = 0) -> dict[str, float | int | str | None]:
    """What there is to say of one variable: values above 0, xmin, alpha, tail, gof_p, ratios and p's, and the reading.

    `reading` is `power law` (plausible, and no alternative likelier), `undecided` (plausible, with a likelier
    alternative), or `ruled out` (p of the fit at most `PLAUSIBLE`); None where there is no tail to fit.
    """
    names = (
        "xmin",
        "alpha",
        "tail",
        "gof_p",
        *(f"{a}.{part}" for a in ALTERNATIVES for part in ("ratio", "p")),
        "reading",
    )
    row: dict = {"positive": int((numbers > 0).sum())} | dict.fromkeys(names)
    tail = fit(numbers)
    if tail is None:
        return row
    row |= {"xmin": tail.xmin, "alpha": _digits(tail.alpha), "tail": int(tail.counts.sum())}
    row["gof_p"] = goodness(tail, draws=draws, seed=seed)
    better = False
    for alternative in ALTERNATIVES:
        ratio, p = compared(tail, alternative)
        row |= {f"{alternative}.ratio": _digits(ratio, 4), f"{alternative}.p": _digits(p, 4)}
        better |= ratio < 0 and p < PLAUSIBLE
    plausible = row["gof_p"] > PLAUSIBLE
    row["reading"] = ("undecided" if better else "power law") if plausible else "ruled out"
    return row


def tail_table(counts: pd.DataFrame, degrees: np.ndarray | None = None, *, draws: int, seed: int = 0) -> pd.DataFrame:
    """`tail_row` of each activity variable, and of the degrees of collaboration where given: a row a variable."""
    return _tails(counts, {} if degrees is None else {"degree": degrees}, draws=draws, seed=seed)


@carried()
def _tails(counts: pd.DataFrame, others: Mapping[str, np.ndarray], *, draws: int, seed: int) -> pd.DataFrame:
    columns = {v: counts[v] for v in activity.variables_of(counts)}
    columns |= {name: pd.Series(numbers) for name, numbers in others.items()}
    return pd.DataFrame.from_dict({v: tail_row(c, draws=draws, seed=seed) for v, c in columns.items()}, orient="index")
