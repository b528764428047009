"""RQ1: what activity looks like in models, datasets and spaces (study, section 4.1, Tables 2-5, Figures 1-3).

Every function takes the counts of `engine.activity`: one row per repository, NaN where a value was not collected.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis import licenses
from analysis.engine import VARIABLES

GROUPS = ("permissive", "restrictive", "none")
PAIRS = tuple(combinations(GROUPS, 2))  # the first of a pair is the one whose U is given
COMMON_LICENSE = 100  # the study labels only licences that at least so many models carry (section 3.5)
MANY_DOWNLOADS = 1_000_000  # section 5.2.3 counts the models above it


def variables_of(counts: pd.DataFrame) -> list[str]:
    """The activity variables among the columns, in the study's order."""
    return [variable for variable in VARIABLES if variable in counts]


def summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Tables 2-4: rows n, mean, std (sample), min, q25, q50, q75 (linear interpolation), max, zero_share; a column a variable.

    `n` is the number of repositories whose value was collected; the other rows are NaN where there is none.
    """
    values = counts[variables_of(counts)]
    quartiles = values.quantile([0.25, 0.5, 0.75]).set_axis(["q25", "q50", "q75"])
    moments = values.agg(["mean", "std", "min", "max"])
    zero_share = (values == 0).sum() / values.notna().sum().replace(0, np.nan)
    rows = {"n": values.notna().sum(), **moments.T, **quartiles.T, "zero_share": zero_share}
    return pd.DataFrame(rows).T.loc[["n", "mean", "std", "min", "q25", "q50", "q75", "max", "zero_share"]]


def concentration_table(kinds: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """A row a kind and variable that was collected: zero_share, share_for_80, share_for_99, from summary and shares."""
    rows = {
        f"{kind}, {variable}": pd.concat([summaries.loc[["zero_share"], variable], shares[variable]])
        for kind, (summaries, shares) in kinds.items()
        for variable in shares
        if summaries.loc["n", variable] > 0
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["zero_share", "share_for_80", "share_for_99"])


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
    return counts[variables_of(counts)].corr(method=method, min_periods=2)


def correlations_by(panels: Mapping[str, pd.DataFrame], *, method: str) -> dict[str, pd.DataFrame]:
    """`correlations` of each panel."""
    return {name: correlations(counts, method=method) for name, counts in panels.items()}


def pairs(pearson: pd.DataFrame, spearman: pd.DataFrame) -> dict[str, float]:
    """Results by the end of their id, as `pearson.n_commits.n_likes`: the two variables in alphabetical order."""
    return {
        f"{method}.{a}.{b}": matrix.loc[a, b]
        for method, matrix in (("pearson", pearson), ("spearman", spearman))
        for a, b in combinations(sorted(matrix.columns), 2)
    }


def p_values(counts: pd.DataFrame) -> dict[str, float]:
    """Two-sided p of every Pearson coefficient, as `pearson.n_commits.n_likes.p` (section 4.1.2).

    NaN where the coefficient is undefined, or where fewer than three repositories have both values.
    """
    return {
        f"pearson.{a}.{b}.p": pearson_p(counts[a], counts[b]) for a, b in combinations(sorted(variables_of(counts)), 2)
    }


def pearson_p(x: pd.Series, y: pd.Series) -> float:
    """Two-sided p of Pearson's coefficient over the pairs that are both there; NaN where it is undefined."""
    both = pd.DataFrame({"x": x, "y": y}).dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        return np.nan
    return float(stats.pearsonr(both["x"], both["y"]).pvalue)


def landmarks(counts: pd.DataFrame) -> dict[str, float]:
    """What the text says of single values: the most common community, one committer, very many downloads.

    `n_community.mode` (the smallest where several are equally common), `n_committers.one_share` (section 4.1.1) and
    `n_downloads.count_over_1000000` (section 5.2.3); NaN where nothing was collected.
    """
    community, committers, downloads = (counts[v].dropna() for v in ("n_community", "n_committers", "n_downloads"))
    many = int((downloads > MANY_DOWNLOADS).sum()) if len(downloads) else np.nan
    return {
        "n_community.mode": float(community.mode().min()),
        "n_committers.one_share": float((committers == 1).mean()),
        f"n_downloads.count_over_{MANY_DOWNLOADS}": many,
    }


def top_committers(counts: pd.DataFrame, *, ranks: int = 3) -> dict[str, str | float]:
    """The repositories with most committers as `<rank>.model` and `<rank>.committers`, ties by name (section 4.1.1)."""
    known = counts.dropna(subset="n_committers").astype({"n_committers": "int64"})
    known = known.sort_values(["n_committers", "repo_id"], ascending=[False, True])
    first = dict(enumerate(known.head(ranks).to_dict("records"), start=1))
    return {
        f"{rank}.{name}": first[rank][column] if rank in first else None
        for rank in range(1, ranks + 1)
        for name, column in (("model", "repo_id"), ("committers", "n_committers"))
    }


def license_shares(counts: pd.DataFrame) -> pd.Series:
    """Share of each licence identifier among the licensed repositories, largest first, ties by name (section 4.1.3)."""
    shares = counts["license"].dropna().value_counts(normalize=True)
    return shares.rename_axis("license").sort_index().sort_values(ascending=False, kind="stable")


def top_licenses(counts: pd.DataFrame, *, ranks: int = 3) -> dict[str, str | float]:
    """The most common licences as results by the end of their id, `<rank>.identifier` and `<rank>.share`."""
    shares = license_shares(counts).head(ranks)
    return {
        f"{rank}.{name}": value
        for rank, (identifier, share) in enumerate(shares.items(), start=1)
        for name, value in (("identifier", identifier), ("share", share))
    }


def license_table(panels: Mapping[str, pd.DataFrame], *, rows: int = 12) -> pd.DataFrame:
    """The most common licences over all panels: a row a licence, a column `share of <panel>`, most common first."""
    shares = pd.DataFrame({f"share of {name}": license_shares(counts) for name, counts in panels.items()})
    order = shares.mean(axis=1).sort_index().sort_values(ascending=False, kind="stable").index
    covered = [column for column in shares if shares[column].notna().any()]
    return shares.loc[order[:rows], covered].fillna(0.0)


def unlicensed_share(counts: pd.DataFrame) -> float:
    """Share of repositories without a licence; NaN where there is no repository."""
    return counts["license"].isna().mean()


def with_group(counts: pd.DataFrame, *, conventions: str = "corrected") -> pd.DataFrame:
    """The counts with column group: permissive, restrictive, none, or unclassified (in no group of Table 5).

    `conventions="authors"` classifies only licences that at least `COMMON_LICENSE` repositories carry, as the study did.
    """
    group = licenses.group(counts["license"])
    if conventions == "authors":
        rare = counts.groupby("license")["license"].transform("size") < least_repositories(conventions)
        group = group.mask(rare, "unclassified")
    return counts.assign(group=group)


def least_repositories(conventions: str) -> int:
    """How many models have to carry a licence for it to be classified (section 3.5)."""
    return COMMON_LICENSE if conventions == "authors" else 1


def groups(grouped: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The counts of each licence group of Table 5."""
    return {group: grouped[grouped["group"] == group] for group in GROUPS}


def group_sizes(grouped: pd.DataFrame) -> dict[str, int]:
    """Repositories in each group, as `<group>.count`; unclassified ones are counted too."""
    sizes = grouped["group"].value_counts()
    return {f"{group}.count": int(sizes.get(group, 0)) for group in (*GROUPS, "unclassified")}


def mann_whitney(grouped: pd.DataFrame) -> pd.DataFrame:
    """Table 5: two-sided Mann-Whitney U test per variable and pair of licence groups, tie-corrected normal approximation.

    Columns variable, pair, u (of the first group named), p, p_holm (Holm 1979, over all tests that could be made),
    superiority U/(n1 n2) with its 95 % interval superiority_low, superiority_high (DeLong et al. 1988), n1, n2.
    A test whose variable was not collected, or with a group of fewer than two, has NaN.
    """
    rows = [
        {"variable": variable, "pair": f"{first}_vs_{second}"}
        | _test(_values(grouped, variable, first), _values(grouped, variable, second))
        for variable in variables_of(grouped)
        for first, second in PAIRS
    ]
    tests = pd.DataFrame(rows)
    tests.insert(tests.columns.get_loc("p") + 1, "p_holm", holm(tests["p"]))
    return tests


def _values(grouped: pd.DataFrame, variable: str, group: str) -> np.ndarray:
    return grouped.loc[grouped["group"] == group, variable].dropna().to_numpy()


def _test(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    names = ("u", "p", "superiority", "superiority_low", "superiority_high")
    if min(len(x), len(y)) < 2:
        return dict.fromkeys(names, np.nan) | {"n1": len(x), "n2": len(y)}
    u, p = stats.mannwhitneyu(x, y, alternative="two-sided", method="asymptotic")
    low, high = superiority_interval(x, y)
    values = (u, p, u / (len(x) * len(y)), low, high)
    return dict(zip(names, values, strict=True)) | {"n1": len(x), "n2": len(y)}


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


def test_table(tests: pd.DataFrame) -> pd.DataFrame:
    """Table 5 with the probability of superiority: a row a test that could be made."""
    made = tests.dropna(subset="u")
    index = [f"{row.variable}, {row.pair.replace('_vs_', ' v. ')}" for row in made.itertuples()]
    columns = ["u", "p", "p_holm", "superiority", "superiority_low", "superiority_high"]
    return made[columns].set_axis(index, axis="index")


def superiority_interval(x: np.ndarray, y: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of P(x > y) + P(x = y)/2, from the variance of the placements, ties halved (DeLong et al. 1988)."""
    ranks = stats.rankdata(np.concatenate([x, y]))
    above_y = (ranks[: len(x)] - stats.rankdata(x)) / len(y)
    below_x = 1 - (ranks[len(x) :] - stats.rankdata(y)) / len(x)
    variance = above_y.var(ddof=1) / len(x) + below_x.var(ddof=1) / len(y)
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
    middle = above_y.mean()
    return max(middle - half, 0.0), min(middle + half, 1.0)


def holm(p: pd.Series) -> pd.Series:
    """p-values adjusted by Holm's step-down procedure (1979) over those that are not NaN."""
    ordered = p.dropna().sort_values(kind="stable")
    steps = np.arange(len(ordered), 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(ordered.to_numpy() * steps), 1.0)
    return pd.Series(adjusted, index=ordered.index).reindex(p.index)
