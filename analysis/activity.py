"""RQ1: what activity looks like in models, datasets and spaces (study, section 4.1, Tables 2-5, Figures 1-3).

Every function takes the counts of `engine.activity`: one row per repository, NaN where a value was not collected. Where
they are Covered, so is the result.
"""

import math
from collections.abc import Callable, Mapping
from itertools import combinations, combinations_with_replacement

import numpy as np
import pandas as pd
from scipy import special

from analysis import exact, licenses
from analysis.covered import carried
from analysis.engine import VARIABLES

GROUPS = ("permissive", "restrictive", "none")
PAIRS = tuple(combinations(GROUPS, 2))  # the first of a pair is the one whose U is given
COMMON_LICENSE = 100  # the study labels only licences that at least so many models carry (section 3.5)
MANY_DOWNLOADS = 1_000_000  # section 5.2.3 counts the models above it


def variables_of(counts: pd.DataFrame) -> list[str]:
    """The activity variables among the columns, in the study's order."""
    return [variable for variable in VARIABLES if variable in counts]


@carried()
def summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Tables 2-4: rows n, mean, std (sample), min, q25, q50, q75 (linear interpolation), max, zero_share; a column a variable.

    `n` is the number of repositories whose value was collected; the other rows are NaN where there is none.
    """
    values = counts[variables_of(counts)]
    quartiles = values.quantile([0.25, 0.5, 0.75]).set_axis(["q25", "q50", "q75"])
    n = values.count()
    moments = pd.DataFrame({v: exact.mean_and_std(values[v].dropna().to_numpy()) for v in values}, index=["mean", "std"])
    zero_share = (values == 0).sum() / n.replace(0, np.nan)
    rows = {"n": n, **moments.T, "min": values.min(), "max": values.max(), **quartiles.T, "zero_share": zero_share}
    return pd.DataFrame(rows).T.loc[["n", "mean", "std", "min", "q25", "q50", "q75", "max", "zero_share"]]


@carried()
def concentrations(counts: pd.DataFrame) -> pd.DataFrame:
    """Rows share_for_80 and share_for_99, a column a variable: `concentration` of each."""
    held = {v: concentration(counts[v], percents=(80, 99)) for v in variables_of(counts)}
    return pd.DataFrame(held, index=["share_for_80", "share_for_99"], dtype="float64")


def concentration(values: pd.Series, *, percents: tuple[int, ...]) -> list[float | None]:
    """Smallest share of repositories, from the most to the least active, that holds each per cent of the total (METHODS, 2).

    None where nothing was counted. Whole numbers of any size are compared, so the shares are exact.
    """
    collected = values.dropna().astype("int64")
    repositories = collected[collected > 0].value_counts().sort_index(ascending=False).astype(object)
    if repositories.empty:
        return [None for _ in percents]
    value = repositories.index.to_numpy().astype(object)
    ranked, held = repositories.to_numpy().cumsum(), (value * repositories.to_numpy()).cumsum()
    shares = []
    for percent in percents:
        place = int(np.argmax(held * 100 >= held[-1] * percent))
        # Of several that tie at the end, not all may be needed.
        surplus = (held[place] * 100 - held[-1] * percent) // (value[place] * 100)
        shares.append((ranked[place] - surplus) / len(collected))
    return shares


@carried()
def concentration_table(summaries: Mapping[str, pd.DataFrame], held: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a kind and variable that was collected: zero_share, and share_for_80, share_for_99 of `concentrations`."""
    rows = {
        f"{kind}, {variable}": pd.concat([summary.loc[["zero_share"], variable], held[kind][variable]])
        for kind, summary in summaries.items()
        for variable in summary
        if summary.loc["n", variable] > 0
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["zero_share", "share_for_80", "share_for_99"])


@carried()
def distribution(counts: pd.DataFrame) -> pd.DataFrame:
    """Figure 1: columns variable, value (above 0), share of the repositories with at least that value; by variable, value."""
    parts = []
    for variable in variables_of(counts):
        values = counts[variable].dropna()
        repositories = values[values > 0].value_counts().sort_index(ascending=False)
        share = repositories.cumsum() / max(len(values), 1)
        part = pd.DataFrame({"variable": variable, "value": share.index, "share": share.to_numpy()})
        parts.append(part.iloc[::-1])
    return pd.concat(parts, ignore_index=True)


def correlations(counts: pd.DataFrame, *, method: str) -> pd.DataFrame:
    """Correlation of every pair of variables over the raw counts, pairwise complete; `method` pearson or spearman.

    Square, in the study's order of variables; NaN where a variable is constant or was not collected (Figures 2 and 3).
    """
    values = counts[variables_of(counts)]
    return _pairwise(values, _rank_deviations) if method == "spearman" else pearson(values)


def pearson(values: pd.DataFrame) -> pd.DataFrame:
    """Pearson's coefficient of every two columns, pairwise complete: square, NaN where it is undefined."""
    return _pairwise(values, pd.Series.to_numpy)


def _pairwise(values: pd.DataFrame, numbers: Callable[[pd.Series], np.ndarray]) -> pd.DataFrame:
    """Correlation of the `numbers` of every two columns; taken once over the same rows, whatever is correlated with it."""
    known = values.notna().to_numpy().T
    pairs_over: dict[bytes, list[tuple[int, int]]] = {}
    for a, b in combinations_with_replacement(range(len(known)), 2):
        pairs_over.setdefault((known[a] & known[b]).tobytes(), []).append((a, b))
    found = np.full((len(known), len(known)), np.nan)
    for rows, pairs in pairs_over.items():
        places = sorted({place for pair in pairs for place in pair})
        complete = values.iloc[np.frombuffer(rows, dtype=bool), places]
        if complete.empty:
            continue
        block = exact.correlations([numbers(column) for _, column in complete.items()])
        block = pd.DataFrame(block, index=places, columns=places)
        for a, b in pairs:
            found[a, b] = found[b, a] = block.at[a, b]
    return pd.DataFrame(found, index=values.columns, columns=values.columns)


def _rank_deviations(values: pd.Series) -> np.ndarray:
    """Twice the distance of every rank, ties at their middle, from the mean rank: whole numbers."""
    place, distinct = pd.factorize(values, sort=True)
    repositories = np.bincount(place, minlength=len(distinct))
    return (2 * repositories.cumsum() - repositories - len(values))[place]


@carried()
def correlations_by(panels: Mapping[str, pd.DataFrame], *, method: str) -> dict[str, pd.DataFrame]:
    """`correlations` of each panel."""
    return {name: correlations(counts, method=method) for name, counts in panels.items()}


_NO_PAIR = "too few repositories have both values, or one of the two is the same in all of them"


def _why_no_coefficient(found: Mapping[str, float], pearson: pd.DataFrame, _) -> dict[str, str]:
    """Why a pair has no coefficient though both variables vary; one that does not has none with itself."""
    varies = {variable for variable in pearson if pd.notna(pearson.loc[variable, variable])}
    return {name: _NO_PAIR for name, r in found.items() if pd.isna(r) and varies.issuperset(name.split(".")[1:])}


@carried(empty=_why_no_coefficient)
def pairs(pearson: pd.DataFrame, spearman: pd.DataFrame) -> dict[str, float]:
    """Results by the end of their id, as `pearson.n_commits.n_likes`: the two variables in alphabetical order."""
    return {
        f"{method}.{a}.{b}": matrix.loc[a, b]
        for method, matrix in (("pearson", pearson), ("spearman", spearman))
        for a, b in combinations(sorted(matrix.columns), 2)
    }


def _why_no_p(found: Mapping[str, float], counts: pd.DataFrame) -> dict[str, str]:
    varies = {variable for variable in variables_of(counts) if counts[variable].nunique() > 1}
    return {name: _NO_PAIR for name, p in found.items() if pd.isna(p) and varies.issuperset(name.split(".")[1:3])}


@carried(empty=_why_no_p)
def p_values(counts: pd.DataFrame) -> dict[str, float]:
    """Two-sided p of every Pearson coefficient, as `pearson.n_commits.n_likes.p` (section 4.1.2).

    NaN where the coefficient is undefined, or where fewer than three repositories have both values.
    """
    p = pearson_p(counts[variables_of(counts)])
    return {f"pearson.{a}.{b}.p": float(p.loc[a, b]) for a, b in combinations(sorted(p), 2)}


def pearson_p(values: pd.DataFrame) -> pd.DataFrame:
    """Two-sided p of Pearson's coefficient of every pair of columns, pairwise complete: square, NaN where it is undefined.

    Of n pairs that have nothing to do with each other, it has a beta distribution on -1 to 1 with both parameters n/2 - 1.
    """
    known = values.notna().to_numpy().T
    n = pd.DataFrame([[(a & b).sum() for b in known] for a in known], values.columns, values.columns)
    r = pearson(values).where(n > 2).abs()
    return 2 * special.betaincc(n / 2 - 1, n / 2 - 1, (1 + r) / 2)


@carried()
def landmarks(counts: pd.DataFrame) -> dict[str, float]:
    """What the text says of single values: the most common community, one committer, very many downloads.

    `n_community.mode` (the smallest where several are equally common), `n_committers.one_share` (section 4.1.1) and
    `n_downloads.count_over_1000000` (section 5.2.3); NaN where nothing was collected.
    """
    community, committers, downloads = (counts[v].dropna() for v in ("n_community", "n_committers", "n_downloads"))
    many = int((downloads > MANY_DOWNLOADS).sum()) if len(downloads) else np.nan
    return {
        "n_community.mode": float(community.mode().min()),
        "n_committers.one_share": _share(committers == 1),
        f"n_downloads.count_over_{MANY_DOWNLOADS}": many,
    }


def _why_no_rank(found: Mapping[str, object], *_) -> dict[str, str]:
    ranked = sum(value is not None for name, value in found.items() if name.endswith(".model"))
    return {"": f"the committers of {ranked or 'no'} {'model is' if ranked < 2 else 'models are'} known"}


@carried(needs="n_committers", empty=_why_no_rank)
def top_committers(counts: pd.DataFrame, *, ranks: int = 100) -> dict[str, str | float]:
    """The repositories with most committers as `<rank>.model` and `<rank>.committers`, ties by name (section 4.1.1).

    The first three always, though there be fewer; further ones, so that a model can be found by its name.
    """
    leading = counts["n_committers"].dropna().nlargest(ranks, keep="all").index
    known = counts.loc[leading, ["repo_id", "n_committers"]]
    known = known.astype({"n_committers": "int64"}).sort_values(["n_committers", "repo_id"], ascending=[False, True])
    first = dict(enumerate(known.head(ranks).to_dict("records"), start=1))
    return {
        f"{rank}.{name}": first[rank][column] if rank in first else None
        for rank in range(1, max(3, len(first)) + 1)
        for name, column in (("model", "repo_id"), ("committers", "n_committers"))
    }


@carried(needs="license")
def license_shares(counts: pd.DataFrame) -> pd.Series:
    """Share of each licence identifier among the licensed repositories, largest first, ties by name (section 4.1.3)."""
    shares = counts["license"].dropna().value_counts(normalize=True)
    return shares.rename_axis("license").sort_index().sort_values(ascending=False, kind="stable")


@carried(needs="license")
def top_licenses(counts: pd.DataFrame, *, ranks: int = 3) -> dict[str, str | float]:
    """The most common licences as results by the end of their id, `<rank>.identifier` and `<rank>.share`."""
    shares = license_shares(counts).head(ranks)
    return {
        f"{rank}.{name}": value
        for rank, (identifier, share) in enumerate(shares.items(), start=1)
        for name, value in (("identifier", identifier), ("share", share))
    }


def _why_no_license(table: pd.DataFrame, *_) -> dict[str, str]:
    return {"": "no repository declares a licence"} if table.empty else {}


@carried(empty=_why_no_license)
def license_table(panels: Mapping[str, pd.DataFrame], *, rows: int = 12) -> pd.DataFrame:
    """The most common licences over all panels: a row a licence, a column `share of <panel>`, most common first."""
    shares = pd.DataFrame({f"share of {name}": license_shares(counts) for name, counts in panels.items()})
    order = (shares.sum(axis=1) / shares.count(axis=1)).sort_index().sort_values(ascending=False, kind="stable").index
    covered = [column for column in shares if shares[column].notna().any()]
    return shares.loc[order[:rows], covered].fillna(0.0)


@carried(needs="license")
def unlicensed_share(counts: pd.DataFrame) -> float:
    """Share of repositories without a licence; NaN where there is no repository."""
    return _share(counts["license"].isna())


def _share(holds: pd.Series) -> float:
    return int(holds.sum()) / len(holds) if len(holds) else math.nan


@carried(needs="license")
def with_group(counts: pd.DataFrame, *, conventions: str = "corrected") -> pd.DataFrame:
    """The counts with column group: permissive, restrictive, none, or unclassified (in no group of Table 5).

    `conventions="authors"` classifies only licences that at least `COMMON_LICENSE` repositories carry, as the study did.
    """
    group = licenses.group(counts["license"])
    if conventions == "authors":
        rare = counts.groupby("license")["license"].transform("size") < COMMON_LICENSE
        group = group.mask(rare, "unclassified")
    return counts.assign(group=group)


@carried()
def least_repositories(_: pd.DataFrame, *, conventions: str) -> int:
    """How many of the models have to carry a licence for it to be classified (section 3.5)."""
    return COMMON_LICENSE if conventions == "authors" else 1


def _why_no_group(found: Mapping[str, pd.DataFrame], *_) -> dict[str, str]:
    few = {group: len(counts) for group, counts in found.items() if len(counts) < 2}
    return {group: f"{size or 'no'} model is in the group {group}" for group, size in few.items()}


@carried(empty=_why_no_group)
def groups(grouped: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The counts of each licence group of Table 5."""
    return {group: grouped[grouped["group"] == group] for group in GROUPS}


@carried()
def group_sizes(grouped: pd.DataFrame) -> dict[str, int]:
    """Repositories in each group, as `<group>.count`; unclassified ones are counted too."""
    sizes = grouped["group"].value_counts()
    return {f"{group}.count": int(sizes.get(group, 0)) for group in (*GROUPS, "unclassified")}


def _why_no_test(tests: pd.DataFrame, *_) -> dict[str, str]:
    return {
        f"{row.variable}.{row.pair}": f"{row.variable} of models is known of {row.n1:,} ({first}) and {row.n2:,} ({second}); "
        "a test needs two of each"
        for row in tests[tests["u"].isna()].itertuples()
        for first, second in (row.pair.split("_vs_"),)
    }


@carried(empty=_why_no_test)
def mann_whitney(grouped: pd.DataFrame) -> pd.DataFrame:
    """Table 5: two-sided Mann-Whitney U test per variable and pair of licence groups, tie-corrected normal approximation.

    Columns variable, pair, u (of the first group named), p, p_holm (Holm 1979, over all tests that could be made),
    superiority U/(n1 n2) with its 95 % interval superiority_low, superiority_high (DeLong et al. 1988), n1, n2.
    A test whose variable was not collected, or with a group of fewer than two, has NaN.
    """
    rows = [
        {"variable": variable, "pair": f"{first}_vs_{second}"} | _test(frequencies[first], frequencies[second])
        for variable in variables_of(grouped)
        for frequencies in (_frequencies(grouped, variable),)
        for first, second in PAIRS
    ]
    tests = pd.DataFrame(rows)
    tests.insert(tests.columns.get_loc("p") + 1, "p_holm", holm(tests["p"]))
    return tests


def _frequencies(grouped: pd.DataFrame, variable: str) -> dict[str, np.ndarray]:
    """How many repositories of each group have each value of the variable, from the lowest value to the highest."""
    place, values = pd.factorize(grouped[variable], sort=True)  # -1 where the value was not collected
    return {
        group: np.bincount(place[(grouped["group"] == group) & (place >= 0)], minlength=len(values)) for group in GROUPS
    }


def _test(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The test of two groups by the frequencies of their values."""
    names = ("u", "p", "superiority", "superiority_low", "superiority_high")
    n1, n2 = int(x.sum()), int(y.sum())
    if min(n1, n2) < 2:
        return dict.fromkeys(names, np.nan) | {"n1": n1, "n2": n2}
    u = exact.dot(x, twice_below(y)) / 2
    values = (u, mann_whitney_p(u, x, y), u / (n1 * n2), *superiority_interval(x, y))
    return dict(zip(names, values, strict=True)) | {"n1": n1, "n2": n2}


def twice_below(frequencies: np.ndarray) -> np.ndarray:
    """Twice how many repositories have less than each value, those with the same counted as half."""
    return 2 * frequencies.cumsum() - frequencies


def mann_whitney_p(u: float, x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p of U by the normal approximation, corrected for ties and continuity (as `scipy.stats.mannwhitneyu`).

    x and y are the frequencies of both groups' values, in ascending order of the values.
    """
    n1, n2 = int(x.sum()), int(y.sum())
    n, ties = n1 + n2, sum(tied * (tied * tied - 1) for tied in (x + y).tolist())
    deviation = math.sqrt(n1 * n2 / 12 * ((n + 1) - ties / (n * (n - 1))))
    if deviation == 0:  # all values are the same
        return 1.0
    z = (max(u, n1 * n2 - u) - n1 * n2 / 2 - 0.5) / deviation
    return min(2 * float(special.ndtr(-z)), 1.0)


@carried()
def test_results(tests: pd.DataFrame) -> dict[str, float]:
    """Results by the end of their id, as `n_likes.permissive_vs_none.u`.

    `<pair>.tested` and `<pair>.higher` count the variables that were tested, and those whose superiority is above 1/2.
    """
    measures = ("u", "p", "p_holm", "superiority", "superiority_low", "superiority_high")
    results = {
        f"{row['variable']}.{row['pair']}.{measure}": row[measure]
        for row in tests.to_dict("records")
        for measure in measures
    }
    for pair, rows in tests.dropna(subset="u").groupby("pair"):
        results |= {f"{pair}.tested": len(rows), f"{pair}.higher": int((rows["superiority"] > 0.5).sum())}
    return results


@carried()
def u_and_p(tests: pd.DataFrame) -> dict[str, float]:
    """U and p of the tests as results by the end of their id, as `n_likes.permissive_vs_none.u`."""
    rows = tests.to_dict("records")
    return {f"{row['variable']}.{row['pair']}.{measure}": row[measure] for row in rows for measure in ("u", "p")}


def _why_no_row(table: pd.DataFrame, _) -> dict[str, str]:
    return {"": "no two groups of licences hold two models each"} if table.empty else {}


@carried(empty=_why_no_row)
def test_table(tests: pd.DataFrame) -> pd.DataFrame:
    """Table 5 with the probability of superiority: a row a test that could be made."""
    made = tests.dropna(subset="u")
    index = [f"{row.variable}, {row.pair.replace('_vs_', ' v. ')}" for row in made.itertuples()]
    columns = ["u", "p", "p_holm", "superiority", "superiority_low", "superiority_high"]
    return made[columns].set_axis(index, axis="index")


def superiority_interval(x: np.ndarray, y: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of P(x > y) + P(x = y)/2, from the variance of the placements, ties halved (DeLong et al. 1988).

    x and y are the frequencies of both groups' values, in ascending order of the values.
    """
    n1, n2 = int(x.sum()), int(y.sum())
    above_y, below_x = twice_below(y), twice_below(x)
    twice_u = exact.dot(x, above_y)  # the sum of the placements of either group, times two
    squares = (
        exact.dot(group, placements * placements) * size - exact.dot(group, placements) ** 2
        for group, placements, size in ((x, above_y, n1), (y, below_x, n2))
    )
    of_x, of_y = (square / (4 * n1 * n1 * n2 * n2 * (size - 1)) for square, size in zip(squares, (n1, n2), strict=True))
    half = exact.normal_quantile(level) * math.sqrt(of_x + of_y)
    middle = twice_u / (2 * n1 * n2)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def holm(p: pd.Series) -> pd.Series:
    """p-values adjusted by Holm's step-down procedure (1979) over those that are not NaN."""
    ordered = p.dropna().sort_values(kind="stable")
    steps = np.arange(len(ordered), 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(ordered.to_numpy() * steps), 1.0)
    return pd.Series(adjusted, index=ordered.index).reindex(p.index)
