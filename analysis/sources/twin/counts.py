"""How active the repositories of the synthetic twin are: counts fitted to Tables 2-5 and section 4.1 of the study.

Each variable is a sorted list of counts with the published zero share, quartiles, mean, standard deviation and
largest value; the lists are then matched to each other by rank with as much noise as the published Pearson
coefficients ask for, and licence groups are dealt so that every Mann-Whitney comparison of Table 5 comes out.
Whole numbers can't follow a fitted curve to the last printed decimal: what rounding loses is put back by moving
single units between large and small counts (`polished`, `overlapped`, `swapped`), never the largest count, the zeros
or a quartile.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, combinations_with_replacement, product

import numpy as np
import pandas as pd

from analysis import exact
from analysis.activity import PAIRS
from analysis.exact import correlation
from analysis.snapshot import PLURAL
from analysis.sources.twin.printed import is_printed, met, used

HALF_A_UNIT = 0.005  # of the last decimal that is printed
_STEP = 1e-7  # by which a parameter is changed to see what follows
SIZES = {kind: met(f"rq1.{plural}.count") for kind, plural in PLURAL.items()}
MODELS = SIZES["model"]
COLUMNS = {
    "likes": "n_likes", "discussions": "n_discussions", "starters": "n_disc_starters", "commits": "n_commits",
    "committers": "n_committers", "community": "n_community", "downloads": "n_downloads", "usage": "n_usage_spaces",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """What is published of one variable, and the few points of its distribution that are not."""

    mean: float
    std: float
    largest: tuple[int, ...]
    body: Mapping[int, float] = field(default_factory=dict)  # share of repositories per small count
    holds: tuple[float, float] | None = None  # (share of repositories, share of the total they hold)
    least: int = 1  # smallest count outside the body


def target(
    kind: str, variable: str, body: Mapping[int, float] | None = None, *, least: int = 1, also: tuple[int, ...] = ()
) -> Target:
    """What Tables 2-4 and section 4.1.1 print of a variable, and the chosen `body`, which has to have their quartiles.

    also: further largest values. Raises ValueError for a body with other quartiles than the printed ones.
    """
    name = f"rq1.{PLURAL[kind]}.{COLUMNS[variable]}"
    body = dict(body or {})
    if is_printed(f"{name}.zero_share"):
        body[0] = met(f"{name}.zero_share")
    for part in (25, 50, 75):
        quartile = met(f"{name}.q{part}")
        below, upto = (math.fsum(share for value, share in body.items() if value < q) for q in (quartile, quartile + 1))
        if 100 * below > part or (quartile < least and 100 * upto < part):
            raise ValueError(f"{name}: {body} has another quartile than {quartile} at {part} %")
    held = f"{name}.share_for_80"
    holds = (met(held), 0.80) if is_printed(held) and variable != "downloads" else None
    return Target(met(f"{name}.mean"), met(f"{name}.std"), (met(f"{name}.max"), *also), body, holds, least)


# Not published, and chosen: the shares of commits 0 to 4 (inside the published quartiles and the 30 % that hold 80 %), of
# starters' zeros (models: from Table 5's U; below the share of repositories with a discussion), of the spaces' zeros of
# likes, and of committers' zeros.
TARGETS = {
    "model": {
        "likes": target("model", "likes"),
        "discussions": target("model", "discussions"),
        "starters": target("model", "starters", {0: 0.956}),
        "commits": target("model", "commits", {0: 0.012, 1: 0.225, 2: 0.225, 3: 0.17, 4: 0.08, 5: 0.06}, least=6),
        "committers": target(
            "model", "committers", {0: 0.0397, 1: used("rq1.models.n_committers.one_share")}, least=2,
            also=tuple(met(f"rq1.models.n_committers.top.{rank}.committers") for rank in (2, 3)),
        ),
    },
    "dataset": {
        "likes": target("dataset", "likes"),
        "downloads": target("dataset", "downloads", {1: 0.035, 2: 0.03}, least=3),
        "discussions": target("dataset", "discussions"),
        "starters": target("dataset", "starters", {0: 0.915}),
        "commits": target(
            "dataset", "commits", {0: 0.01, 1: 0.19, 2: 0.15, 3: 0.12, 4: 0.10, 5: 0.08, 6: 0.06, 7: 0.06}, least=8
        ),
        "committers": target("dataset", "committers", {0: 0.02, 1: 0.875}, least=2),
    },
    "space": {
        "likes": target("space", "likes", {0: 0.80}),
        "discussions": target("space", "discussions"),
        "starters": target("space", "starters", {0: 0.961}),
        "commits": target("space", "commits", {0: 0.002, 1: 0.288, 2: 0.16, 3: 0.15, 4: 0.10}, least=5),
        "committers": target("space", "committers", {0: 0.003, 1: 0.754}, least=2),
    },
}  # fmt: skip

# Section 5.2.2 and 5.2.3. With 70.99 % zeros the third quartile can't be the 0 that Table 2 prints; it is 1.
_DOWNLOADS = "rq1.models.n_downloads"
DOWNLOADS = Target(
    met(f"{_DOWNLOADS}.mean"), met(f"{_DOWNLOADS}.std"), (met(f"{_DOWNLOADS}.max"),), {0: met(f"{_DOWNLOADS}.zero_share")},
    (met(f"{_DOWNLOADS}.share_for_99"), 0.99),
)  # fmt: skip
OVER_A_MILLION, MILLION = used(f"{_DOWNLOADS}.count_over_1000000"), 1_000_000


# --- one variable -------------------------------------------------------------------------------------------


def counts(target: Target, n: int) -> np.ndarray:
    """Give n counts, largest first, with the target's mean and standard deviation to the decimals that are printed."""
    body = np.repeat(sorted(target.body), [round(target.body[value] * n) for value in sorted(target.body)])
    rest = n - len(body) - len(target.largest)
    top = np.array(target.largest, dtype=np.int64)
    total = target.mean * n - body.sum() - top.sum()
    squares = target.std**2 * (n - 1) + target.mean**2 * n - exact.dot(body, body) - exact.dot(top, top)
    tail = fall_off(rest, least=target.least, total=total, squares=squares, cap=top[-1], holds=_held(target, n, top))
    values = np.concatenate([top, tail, body]).astype(np.int64)
    # Where the curve already prints as the study does, it is left alone.
    mean, std = exact.mean_and_std(values)
    if max(abs(mean - target.mean), abs(std - target.std)) > HALF_A_UNIT:
        tail = polished(tail, total=round(total), squares=squares, least=target.least, cap=int(top[-1]))
        values = np.concatenate([top, tail, body]).astype(np.int64)
    return np.sort(values)[::-1]


def _held(target: Target, n: int, top: np.ndarray) -> tuple[int, float] | None:
    """(how many of the tail, the sum that they hold), from the published concentration."""
    if target.holds is None:
        return None
    share, held = target.holds
    return round(share * n) - len(top), held * target.mean * n - top.sum()


def fall_off(
    n: int, *, least: int, total: float, squares: float | None, cap: float, holds: tuple[int, float] | None = None
) -> np.ndarray:
    """Give n counts, largest first, that fall with rank r as least + a ((r + s)^-b - (n + s)^-b), none above `cap`.

    a follows from the total, b and s from the sum of squares and, where given, from what the first so many hold;
    where one is free, the first count is near half the cap, as by Zipf's law.
    """
    rank, width = _ranks(n)
    inside = np.diff(np.minimum(np.cumsum(width), holds[0]), prepend=0) if holds else None

    def curve(b: float, s: float, rank: np.ndarray, width: np.ndarray | int) -> np.ndarray:
        fall = exact.power(rank + s, -b) - exact.power(n + s, -b)
        return least + (total - least * n) / (fall * width).sum() * fall

    def misses(logs: Sequence[float]) -> list[float]:
        x = curve(*exact.exp(logs), rank, width)
        found = [0.02 * _log(x[0] / (cap / 2)), 10 * max(0.0, _log(x[0] / cap))]
        if squares is not None:
            found.append(_log((x * x * width).sum() / squares))
        if holds:
            found.append(5 * _log((x * inside).sum() / holds[1]))
        return found

    start = min(product(np.arange(-2, 3, 0.4), range(-6, 14, 2)), key=lambda logs: _cost(misses(logs)))
    b, s = exact.exp(least_squares(misses, start, low=(-4, -6), high=(3, 14)))
    smooth = np.minimum(curve(b, s, np.arange(1, n + 1), 1), cap)
    smooth += (total - math.fsum(smooth)) / n if smooth[0] < cap else 0
    running = np.round(np.cumsum(smooth[::-1]))
    return np.sort(np.diff(running, prepend=0).astype(np.int64))[::-1].clip(least)


def _log(x: float) -> float:
    return float(exact.log(x))


def _cost(misses: Sequence[float]) -> float:
    return math.fsum(miss * miss for miss in misses)


def least_squares(
    misses: Callable[[Sequence[float]], list[float]], start: Sequence[float], *, low: Sequence[float], high: Sequence[float]
) -> list[float]:
    """Parameters between low and high for which the squares of the misses are least, near the start (Marquardt 1963).

    What scipy's function of this name gives, without a library whose last digits, and so the twin, depend on the processor.
    """
    at, damping, places = list(start), 1e-3, range(len(start))
    found, growth = misses(at), 2.0
    for _ in range(200):
        slopes, downhill = [], []
        for i in places:
            beside = misses([value + _STEP * (i == j) for j, value in enumerate(at)])
            slope = [(a - b) / _STEP for a, b in zip(beside, found, strict=True)]
            down = -math.fsum(a * b for a, b in zip(slope, found, strict=True))
            is_held = at[i] == (high if down > 0 else low)[i]  # at a bound, and drawn beyond it
            slopes.append([0.0] * len(slope) if is_held else slope)
            downhill.append(0.0 if is_held else down)
        normal = [[math.fsum(a * b for a, b in zip(slopes[i], slopes[j], strict=True)) for j in places] for i in places]
        damped = [[normal[i][j] + (damping * normal[i][i] + 1e-30) * (i == j) for j in places] for i in places]
        step = exact.solve(damped, downhill)
        tried = [min(max(value + by, a), b) for value, by, a, b in zip(at, step, low, high, strict=True)]
        next_ = misses(tried)
        gain = _cost(found) - _cost(next_)
        expected = math.fsum(by * (damping * normal[i][i] * by + downhill[i]) for i, by in enumerate(step))
        if gain > 0:
            at, found, growth = tried, next_, 2.0
            surplus = 2 * gain / expected - 1
            damping *= max(1 / 3, 1 - surplus * surplus * surplus)
        else:
            damping, growth = damping * growth, 2 * growth
        if damping > 1e12 or 0 < gain < 1e-12 * _cost(found) or _cost(found) < 1e-24:
            break
    return at


def polished(values: np.ndarray, *, total: int, squares: float, least: int, cap: int) -> np.ndarray:
    """Give the counts with that total and sum of squares, largest first; none leaves the range from least to cap.

    A unit moved from a large count to a small one keeps the total and lowers the sum of squares, one moved back
    raises it. At most a tenth is moved of what lies between them, so the curve keeps its shape.
    """
    values = np.sort(values)[::-1].copy()
    lacking = total - int(values.sum())
    if lacking > 0:
        values[-min(lacking, len(values)) :] += 1
    else:
        values[: min(-lacking, int((values > least).sum()))] -= 1
    missing = squares - exact.dot(values, values)
    # Upwards a large count takes from one of ten times its rank, which has units to spare.
    lower = np.flatnonzero(values > least)[10::10] if missing > 0 else np.arange(len(values))[::-1]
    upper = np.flatnonzero(values < cap) if missing > 0 else np.arange(len(values))
    for high, low in zip(upper.tolist(), lower.tolist(), strict=False):
        units = _units(int(values[high] - values[low]), missing)
        if missing > 0:
            units = min(units, max(1, int(values[low] - least) // 10), cap - int(values[high]))
        if high >= low or units <= 0:
            break
        signed = units if missing > 0 else -units
        missing -= 2 * signed * (int(values[high] - values[low]) + signed)
        values[[high, low]] += [signed, -signed]
    return np.sort(values)[::-1]


def _units(distance: int, missing: float) -> int:
    """Units to move between two counts: what changes the sum of squares by no more than is missing.

    Moving t units changes it by 2 t (distance + t) upwards, by 2 t (distance - t) downwards.
    """
    most = max(1, distance // 10)
    half = distance / 2
    if missing > 0:
        return min(most, int(math.sqrt(half**2 + missing / 2) - half))
    within = half**2 + missing / 2
    if distance < 2:
        return 0
    return most if within < 0 else min(most, int(half - math.sqrt(within)))


def _ranks(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A few hundred ranks that stand for all: each with how many ranks it stands for."""
    edges = np.unique(np.round(exact.exp(np.linspace(0, _log(n + 1), 600))).astype(np.int64))
    return (edges[:-1] + edges[1:] - 1) / 2, np.diff(edges)


def model_downloads(n: int) -> np.ndarray:
    """Give the models' downloads, largest first: 86 above a million (section 5.2.3), then those up to 99 % at 1 %."""
    target = DOWNLOADS
    zeros = round(target.body[0] * n)
    total, top = target.mean * n, target.largest[0]
    squares = target.std**2 * (n - 1) + target.mean**2 * n - float(top) ** 2
    # Zipf's law with exponent 1 for the 85 that follow the first: its sum of squares gives their total.
    share = 1 / np.arange(2, OVER_A_MILLION + 1) - 1 / (OVER_A_MILLION + 1)
    half, of_shares = MILLION * math.fsum(share), math.fsum(share * share)
    lacking = squares - len(share) * MILLION**2
    height = (math.sqrt(half * half + of_shares * lacking) - half) / of_shares
    many = np.round(MILLION + height * share).astype(np.int64) + 1
    rest = n - zeros - 1 - len(many)
    inside = round(target.holds[0] * n) - 1 - len(many)
    held = target.holds[1] * total - top - many.sum()
    few = fall_off(rest, least=1, total=total - top - many.sum(), squares=None, cap=MILLION, holds=(inside, held))
    squares -= exact.dot(few, few)
    many = polished(many, total=int(many.sum()), squares=squares, least=MILLION + 1, cap=top)
    return np.concatenate([[top], many, few, np.zeros(zeros, dtype=np.int64)])


# --- several variables --------------------------------------------------------------------------------------


def resized(values: np.ndarray, n: int) -> np.ndarray:
    """Give n counts with the shape of `values` (both largest first): the quantiles at the middle of n equal parts."""
    return values[((np.arange(n) + 0.5) / n * len(values)).astype(np.int64)]


def arranged(values: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Deal counts (largest first) to repositories by their score; equal scores keep their order."""
    dealt = np.full(len(values), values[-1] if len(values) else 0, dtype=np.int64)
    many = int((values > values[-1:]).sum())  # the others, most of them, get the smallest, whatever their order
    dealt[largest(score, many)] = values[:many]
    return dealt


def largest(score: np.ndarray, many: int) -> np.ndarray:
    """Places of so many largest scores, the largest first; equal scores keep their order."""
    places = np.arange(len(score))
    if many < len(score):
        least = np.partition(score, -many)[-many] if many else np.inf
        above, level = np.flatnonzero(score > least), np.flatnonzero(score == least)
        places = np.sort(np.concatenate([above, level[: many - len(above)]]))
    return places[np.argsort(-score[places], kind="stable")]


def matched(
    values: np.ndarray,
    popularity: np.ndarray,
    noise: np.ndarray,
    *,
    pearson: Callable[[np.ndarray], float],
    wanted: float,
) -> np.ndarray:
    """Deal counts by popularity and noise, in the mixture with which `pearson` of the dealt counts is as wanted."""
    best, low, high = None, 0.0, 1.0
    for _ in range(16):
        mixture = (low + high) / 2
        dealt = arranged(values, mixture * popularity + math.sqrt(1 - mixture**2) * noise)
        found = pearson(dealt)
        if best is None or abs(found - wanted) < abs(best[0] - wanted):
            best = found, dealt
        low, high = (mixture, high) if found < wanted else (low, mixture)
    return best[1]


def exchange(values: np.ndarray, place: int, value: int) -> None:
    """Give `place` the count nearest to `value`, in exchange with the repository that has it."""
    other = int(np.abs(values - value).argmin())
    values[place], values[other] = values[other], values[place]


def swapped(values: np.ndarray, other: np.ndarray, *, wanted: float, floor: np.ndarray, among: int = 100) -> np.ndarray:
    """Swap the largest counts between repositories until their Pearson coefficient with `other` is as wanted.

    The counts themselves stay, and no repository gets one below its `floor`.
    """
    values = values.copy()
    scales = exact.mean_and_std(values)[1] * exact.mean_and_std(other)[1]
    missing = (wanted - correlation(values, other)) * (len(values) - 1) * scales
    for i, j in combinations(largest(values, min(among, len(values))).tolist(), 2):
        gain = int(values[i] - values[j]) * int(other[j] - other[i])
        if 0 < gain / missing <= 1 and values[i] >= floor[j] and values[j] >= floor[i]:
            values[[i, j]] = values[[j, i]]
            missing -= gain
    return values


def overlapped(shared: np.ndarray, room: np.ndarray, sizes: np.ndarray, *, std: float) -> np.ndarray:
    """Move shared members between unions until the unions' sizes have the standard deviation; how many stays the same.

    In, per repository: shared, how many belong to both parts; room, whether that may be changed to 0 or 1; sizes, the
    sum of both parts. A large union that no longer shares one grows, a small one that now does shrinks. Unions
    below the third quartile stay as they are, so that the quartiles do.
    """
    shared, union = shared.copy(), sizes - shared
    least = np.quantile(union, 0.75)
    missing = (std**2 - exact.mean_and_std(union)[1] ** 2) * (len(union) - 1)
    step = 1 if missing > 0 else -1
    free = np.flatnonzero(room & (union >= least) & (union.clip(max=union - step) >= least))
    free = free[np.argsort(-union[free], kind="stable")]
    gives = shared[free] == (1 if step > 0 else 0)
    for large, small in zip(free[gives].tolist(), free[~gives][::-1].tolist(), strict=False):
        gain = 2 * step * int(union[large] - union[small]) + 2
        if union[large] <= union[small] or abs(missing) < abs(gain) / 2:
            break
        shared[[large, small]] -= [step, -step]
        union[[large, small]] += [step, -step]
        missing -= gain
    return shared


# --- licences -----------------------------------------------------------------------------------------------

ANALYSED = met("rq1.models.grouped.count")
UNLICENSED = round(met("rq1.models.unlicensed_share") * MODELS)
VARIABLES = ("likes", "starters", "discussions", "committers", "commits", "downloads", "community", "usage")
U = np.array(  # Table 5: permissive against restrictive, permissive against none, restrictive against none
    [
        [used(f"rq1.models.mannwhitney.{COLUMNS[variable]}.{one}_vs_{other}.u") for one, other in PAIRS]
        for variable in VARIABLES
    ],
    dtype=np.float64,
)


def group_sizes() -> tuple[int, int]:
    """Solve Table 5 for the numbers of permissive and restrictive models.

    Where most counts are equal the superiorities are nearly additive: p over r is p over n less r over n. Of all
    divisions of the licensed models the one that fits this best over the eight variables is taken.
    """
    licensed = ANALYSED - UNLICENSED
    permissive = np.arange(1, licensed)
    s_pr, s_pn, s_rn = superiorities(permissive[:, None])
    misses = ((s_pn - s_rn) - (s_pr - 0.5)) ** 2
    best = int(permissive[misses.sum(axis=1).argmin()])
    return best, licensed - best


def superiorities(permissive) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give U / (n1 n2) of the three comparisons for a number (or numbers) of permissive models."""
    restrictive = ANALYSED - UNLICENSED - permissive
    sizes = (permissive * restrictive, permissive * UNLICENSED, restrictive * UNLICENSED)
    return tuple(U[:, column] / size for column, size in enumerate(sizes))


def deal_groups(activity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal 0 (no licence), 1 (permissive), 2 (restrictive) to repositories so that Table 5's superiorities come out.

    In: activity, repositories x the eight variables. A group's mean rank per variable is fixed by its
    superiorities; among all ways to deal, the least informative one with these means is a multinomial logit in
    the ranks (maximum entropy), found by minimising its dual (Newton).
    """
    n_p, n_r = group_sizes()
    alike = pd.DataFrame(activity).groupby(list(range(activity.shape[1])))  # few are active in a way of their own
    which, many = alike.ngroup().to_numpy(), alike.size()
    columns = [np.ones(len(many)), *(_ranks_of(many.index.to_frame().to_numpy(), many.to_numpy()).T - 0.5)]
    wanted = len(activity) * _mean_ranks(n_p, n_r)
    weights = np.zeros_like(wanted)
    many = many.to_numpy()
    for _ in range(50):
        shares = _logit_shares(_scores(columns, weights))
        misses = np.array([[(share * column * many).sum() for column in columns] for share in shares]) - wanted
        if np.abs(misses).max() < 1e-6:  # repositories
            break
        curvature = _curvature(columns, shares, many)
        weights -= np.reshape(exact.solve(curvature, misses.ravel().tolist()), weights.shape)
    scores = np.column_stack([np.zeros(len(many)), *_scores(columns, weights)])
    return _exact_groups(scores[which], (UNLICENSED, n_p, n_r), rng)


def _scores(columns: list[np.ndarray], weights: np.ndarray) -> list[np.ndarray]:
    """Logits of the permissive and of the restrictive licences; that of none is 0."""
    return [sum(weight * column for weight, column in zip(row, columns, strict=True)) for row in weights.tolist()]


def _logit_shares(scores: list[np.ndarray]) -> list[np.ndarray]:
    parts = [exact.exp(score) for score in scores]
    return [part / (1 + parts[0] + parts[1]) for part in parts]


def _curvature(columns: list[np.ndarray], shares: list[np.ndarray], many: np.ndarray) -> list[list[float]]:
    """Second derivatives of the dual: how much each sum changes with each weight."""
    p, r = shares
    spread = {(0, 0): p * (1 - p) * many, (0, 1): -p * r * many, (1, 1): r * (1 - r) * many}
    size = len(columns)
    found = np.empty((2 * size, 2 * size))
    for i, j in combinations_with_replacement(range(size), 2):
        product = columns[i] * columns[j]
        for (g, h), weight in spread.items():
            value = (product * weight).sum()
            for row, column in ((g * size + i, h * size + j), (g * size + j, h * size + i)):
                found[row, column] = found[column, row] = value
    return found.tolist()


def _ranks_of(activity: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Mid-ranks of each column, from 0 to 1, where each row stands for so many repositories."""
    ranks = np.empty(activity.shape)
    for column, values in enumerate(activity.T):
        _, inverse = np.unique(values, return_inverse=True)
        alike = np.bincount(inverse, weights=many)
        below = np.cumsum(alike) - alike
        ranks[:, column] = ((below + alike / 2) / many.sum())[inverse]
    return ranks


def _mean_ranks(n_p: int, n_r: int) -> np.ndarray:
    """Share of the repositories in each licensed group, and its mean rank times that share, per variable."""
    s_pr, s_pn, s_rn = superiorities(n_p)
    permissive = (0.5 * n_p + s_pr * n_r + s_pn * UNLICENSED) / ANALYSED - 0.5
    restrictive = (0.5 * n_r + (1 - s_pr) * n_p + s_rn * UNLICENSED) / ANALYSED - 0.5
    shares = np.array([n_p, n_r]) / ANALYSED
    return shares[:, None] * np.column_stack([[1, 1], np.vstack([permissive, restrictive])])


def _exact_groups(scores: np.ndarray, sizes: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw a group per repository from its logits, then change the least decided ones until the sizes are exact."""
    drawn = scores - exact.log(-exact.log(1 - rng.random(scores.shape)))  # by Gumbel's distribution
    groups = drawn.argmax(axis=1)
    wanted = np.round(np.array(sizes) / sum(sizes) * len(scores)).astype(int)
    wanted[0] = len(scores) - wanted[1:].sum()
    for to in range(3):
        for source in range(3):
            have = np.bincount(groups, minlength=3)
            n = min(wanted[to] - have[to], have[source] - wanted[source])
            if n > 0:
                members = np.flatnonzero(groups == source)
                gap = drawn[members, source] - drawn[members, to]
                groups[members[np.argsort(gap, kind="stable")[:n]]] = to
    return groups
