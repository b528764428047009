"""Other rules, measures and groups: by hand, by loops over the records, and against scipy and networkx."""

from collections import Counter
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import network, nulls, report, robustness
from analysis.covered import Covered
from analysis.links import core_numbers_of


def members(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["repo_id", "developer", "leads"])


def clique(repository: str, people: range, leads: int = 1) -> list[tuple[str, int, int]]:
    return [(repository, person, leads) for person in people]


# ---- edge rules ---------------------------------------------------------------------------------------------


def test_every_rule_by_hand():
    """In a, 1 leads five commits, 2 one, 3 none; in b there are twelve people who lead one each."""
    held = nulls.seats(members(("a", 101, 5), ("a", 102, 1), ("a", 103, 0), *clique("b", range(12))))
    sizes = {name: (edges.nodes, len(edges.source)) for name, edges in robustness.edge_rules(held).items()}
    assert sizes["study"] == (3 + 12, 4 + 12 * 11)
    assert sizes["weight_2"] == sizes["weight_5"] == (3, 2)  # 101 to 102 and to 103
    assert sizes["both_lead"] == (2 + 12, 2 + 12 * 11)
    assert sizes["authors_10"] == (3, 4)


days = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 100), st.booleans()), min_size=1, max_size=12
)


@given(days, st.sampled_from([1, 30, 90]))
@settings(max_examples=60, deadline=None)
def test_commits_near_each_other_are_those_of_loops_over_the_records(rows, most):
    events = pd.DataFrame(rows, columns=["repo_id", "developer", "day", "leads"])
    expected = Counter()
    for repo, who, day, leads in rows:
        near = {o for r, o, d, _ in rows if r == repo and o != who and abs(d - day) <= most}
        expected.update((who, other) for other in near if leads)
    found = robustness.within(events, most)
    names = sorted({end for pair in expected for end in pair})
    pairs = zip(found.source.tolist(), found.target.tolist(), found.weight.tolist(), strict=True)
    assert {(names[s], names[t]): w for s, t, w in pairs} == dict(expected)


def test_the_table_of_rules_is_that_of_networkx():
    held = nulls.seats(members(*clique("a", range(5)), *clique("b", range(3, 9)), ("c", 1, 3), ("c", 8, 0)))
    rules = robustness.edge_rules(held)
    table = robustness.edge_rule_table(rules)
    graph = nx.DiGraph(list(zip(rules["study"].source.tolist(), rules["study"].target.tolist(), strict=True)))
    assert table.loc["study", "recip"] == pytest.approx(nx.reciprocity(graph))
    assert table.loc["study", "kmax"] == max(nx.core_number(graph).values())
    assert table.loc["study", "ass"] == pytest.approx(nx.degree_assortativity_coefficient(graph))


def test_a_rule_that_leaves_no_edge_has_no_core():
    held = nulls.seats(members(("a", 1, 1), ("a", 2, 0)))
    row = robustness.edge_rule_table(robustness.edge_rules(held)).loc["weight_2"]
    assert row["nodes"] == 0 and pd.isna(row["kmax"]) and pd.isna(row["recip"])


some_members = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 2)), min_size=2, max_size=16,
    unique_by=lambda row: row[:2],
).map(lambda rows: members(*rows))  # fmt: skip


@given(some_members)
@settings(max_examples=60, deadline=None)
def test_leaving_one_repository_out_is_a_new_network_each_time(rows):
    """The largest change is found by making the network anew without each repository."""
    names, held = sorted(rows["repo_id"].unique()), nulls.seats(rows)
    study = nulls.linked(held)
    if not len(study.source):
        return
    found = robustness.without_one_repository(held, rows)
    whole = network.structure(study, searches=())
    parts = {}
    for name in names:
        edges = nulls.linked(nulls.seats(rows[rows["repo_id"] != name]))
        parts[name] = {
            "edges": len(edges.source), "recip": network.structure(edges, searches=())["recip"],
            "kmax": int(core_numbers_of(edges).max(initial=0)),
        }  # fmt: skip
    for measure, observed in (("edges", whole["edges"]), ("recip", whole["recip"])):
        changes = [abs(part[measure] - observed) for part in parts.values() if part[measure] is not None]
        row = found.loc[measure]
        assert abs(row["without"] - row["observed"]) == pytest.approx(max(changes, default=0))
        assert row["observed"] == pytest.approx(observed)
    assert found.loc["kmax", "without"] == min(part["kmax"] for part in parts.values())


def test_leaving_one_account_of_a_clique_out():
    held = nulls.seats(members(*clique("a", range(5)), *clique("b", range(10, 13))))
    assert robustness.without_one_account(held) == {"k": 8, "nodes": 5, "lowest_k": 6, "highest_k": 6}


# ---- concentration ------------------------------------------------------------------------------------------


def test_inequality_by_hand():
    found = robustness.inequality(pd.Series([0, 0, 1, 3, np.nan]))
    assert found["gini"] == pytest.approx(2 * (3 * 1 + 4 * 3) / (4 * 4) - 5 / 4)
    assert found["hhi"] == pytest.approx(10 / 16)
    assert (found["top_1_percent"], found["top_10"]) == (0.75, 1)


def test_nothing_is_unequal_where_nothing_was_counted():
    assert set(robustness.inequality(pd.Series([0.0, 0.0])).values()) == {None}
    assert set(robustness.inequality(pd.Series([], dtype="float64")).values()) == {None}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(any))
@settings(max_examples=60, deadline=None)
def test_gini_is_the_mean_difference(values):
    """Half the mean absolute difference of all pairs over the mean; for equal values nothing."""
    array = np.array(values)
    expected = np.abs(array[:, None] - array[None, :]).mean() / 2 / array.mean()
    assert robustness.inequality(pd.Series(values))["gini"] == pytest.approx(expected, abs=1e-12)
    curve = robustness.lorenz(pd.DataFrame({"n_likes": values}), points=len(values) + 1)
    assert curve["held"].tolist() == pytest.approx([0, *(np.sort(array).cumsum() / array.sum())])


def test_an_interval_holds_the_coefficient_and_moves_with_the_owners():
    counts = pd.DataFrame({"repo_id": [f"o{i // 3}/r{i}" for i in range(90)], "n_likes": [i % 7 for i in range(90)]})
    row = robustness.inequality_table(counts, draws=99).loc["n_likes"]
    assert row["gini_low"] < row["gini"] < row["gini_high"]


@pytest.mark.parametrize("owners", [1, 2, 5, 9, 10])
def test_of_few_owners_no_interval_is_drawn_and_the_reason_says_how_many_there_are(owners):
    """Draws of one owner are all alike, and those of a few tell of these few; a model whose count is unknown adds no owner."""
    known = heavy(4, owners=owners)
    unknown = pd.DataFrame({"repo_id": [f"u{i}/r" for i in range(20)], "n_likes": np.nan, "n_commits": np.nan})
    counts = Covered(pd.concat([known, unknown], ignore_index=True))
    of = "one owner" if owners == 1 else f"{owners} owners"
    why = f"the models of which it is known are of {of}; an interval, for which owners are drawn, takes 10 of them"
    gini = dict(report.entries("c", report.by_row(robustness.inequality_table(counts, draws=19))))
    pairs = robustness.named_pairs(robustness.correlation_table(counts, draws=19))
    found = gini | dict(report.entries("c", report.by_row(pairs)))
    ends = {name: entry for name, entry in found.items() if name.endswith(("_low", "_high"))}
    assert len(ends) == 2 * 2 + 2 * 5 and all(entry["value"] for name, entry in found.items() if name not in ends)
    assert all((entry["value"] is None) == (owners < 10) for entry in ends.values())
    assert all(entry.get("why") == (why if owners < 10 else None) for entry in ends.values())


def test_a_census_has_no_interval_of_gini_and_those_of_coefficients_by_their_errors():
    assert "gini_low" not in robustness.inequality_table(heavy(4))
    assert robustness.correlation_table(heavy(4, owners=1)).notna().all(axis=None)


# ---- correlation --------------------------------------------------------------------------------------------


def test_coefficients_are_those_of_scipy():
    made = np.random.default_rng(0)
    likes = made.poisson(2, 300)
    counts = pd.DataFrame(
        {"repo_id": [f"a/{i}" for i in range(300)], "n_likes": likes, "n_commits": likes + made.poisson(1, 300)}
    )
    row = robustness.correlation_table(counts.astype({"n_likes": "float64", "n_commits": "float64"})).loc[
        "n_likes, n_commits"
    ]
    x, y = counts["n_likes"], counts["n_commits"]
    assert row["pearson"] == pytest.approx(stats.pearsonr(x, y).statistic)
    assert row["on_logs"] == pytest.approx(stats.pearsonr(np.log1p(x), np.log1p(y)).statistic)
    assert row["spearman"] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert row["kendall"] == pytest.approx(stats.kendalltau(x, y).statistic)
    assert row["spearman_low"] < row["spearman"] < row["spearman_high"]


def test_one_large_repository_makes_a_coefficient_that_goes_with_it():
    """A thousand repositories whose likes and commits have nothing in common, and one with a million of both."""
    made = np.random.default_rng(1)
    counts = pd.DataFrame({"n_likes": made.poisson(5, 1001), "n_commits": made.poisson(5, 1001)}).astype("float64")
    counts.iloc[0] = 1e6
    row = robustness.correlation_table(counts).iloc[0]
    assert row["pearson"] > 0.99 and abs(row["without_top"]) < 0.15


def test_on_counts_that_are_nearly_normal_the_interval_is_fishers():
    made = np.random.default_rng(2).multivariate_normal([50, 50], [[60, 30], [30, 60]], 4_000).round().clip(0)
    counts = pd.DataFrame(made, columns=["n_likes", "n_commits"])
    row = robustness.correlation_table(counts).iloc[0]
    fisher = stats.pearsonr(*made.T).confidence_interval(0.95)
    assert [row["pearson_low"], row["pearson_high"]] == pytest.approx([fisher.low, fisher.high], abs=2e-3)


def heavy(seed: int, owners: int = 0) -> pd.DataFrame:
    made = np.random.default_rng(seed)
    shared = made.lognormal(1, 1, 600)
    counts = pd.DataFrame({"n_likes": made.poisson(shared), "n_commits": made.poisson(shared * made.lognormal(0, 0.5, 600))})
    return counts.assign(repo_id=[f"o{i % owners if owners else i}/r{i}" for i in range(600)])


def test_on_heavy_tails_the_interval_is_that_of_scipys_bootstrap_and_not_fishers():
    counts = heavy(3)
    row = robustness.correlation_table(counts).iloc[0]
    of_all = stats.pearsonr(counts["n_likes"], counts["n_commits"])
    drawn = of_all.confidence_interval(0.95, method=stats.BootstrapMethod(n_resamples=1_000, rng=np.random.default_rng(0)))
    fisher = of_all.confidence_interval(0.95)
    width, theirs = row["pearson_high"] - row["pearson_low"], drawn.high - drawn.low
    assert width == pytest.approx(theirs, rel=0.3) and width > 1.5 * (fisher.high - fisher.low)


def test_for_a_sample_whose_owners_have_one_each_both_intervals_are_scipys_percentiles():
    counts = heavy(4)
    row = robustness.correlation_table(counts, draws=1_000).iloc[0]
    x, y = counts["n_likes"].to_numpy(), counts["n_commits"].to_numpy()
    for name, coefficient in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr), ("kendall", stats.kendalltau)):
        theirs = stats.bootstrap(
            (x, y), lambda a, b, of=coefficient: of(a, b).statistic, paired=True, vectorized=False, n_resamples=600,
            method="percentile", rng=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        assert row[f"{name}_low"] == pytest.approx(theirs.low, abs=0.03)
        assert row[f"{name}_high"] == pytest.approx(theirs.high, abs=0.03)


def test_of_a_sample_owners_are_drawn_with_all_their_models():
    """Where models of an owner are alike, each coefficient's interval is wider than if all had owners of their own."""
    made = np.random.default_rng(5)
    groups = pd.DataFrame({"n_likes": made.poisson(20, 12), "n_commits": made.poisson(20, 12)})
    counts = pd.concat([groups] * 30, ignore_index=True).assign(repo_id=[f"o{i % 12}/r{i}" for i in range(360)])
    apart = counts.assign(repo_id=[f"o{i}/r" for i in range(360)])
    drawn, alone = (robustness.correlation_table(of, draws=99).iloc[0] for of in (counts, apart))
    for name in robustness.COEFFICIENTS:
        assert drawn[f"{name}_high"] - drawn[f"{name}_low"] > 2 * (alone[f"{name}_high"] - alone[f"{name}_low"])


def test_intervals_by_error_are_about_as_wide_as_those_of_draws():
    """Of models of an owner each, the two come near each other; but each draw has a top of its own."""
    counts = heavy(6)
    by_error, drawn = (robustness.correlation_table(counts, draws=draws).iloc[0] for draws in (0, 400))
    for name in set(robustness.COEFFICIENTS) - {"without_top"}:
        widths = [row[f"{name}_high"] - row[f"{name}_low"] for row in (by_error, drawn)]
        assert widths[0] == pytest.approx(widths[1], rel=0.3), name


# ---- licences -----------------------------------------------------------------------------------------------


def licensed(*rows: tuple[str | None, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["license", "n_likes"])
    return frame.assign(repo_id=[f"a/{i}" for i in range(len(frame))])


def test_a_flip_moves_a_family_to_the_other_group():
    """mit 5, openrail 9, gpl-3.0 1, other 2: as given 1/2; openrail as permissive, all; gpl as permissive, none.

    With `other` restrictive, 5 is above two of three; with it permissive, 5 and 2 are above 1; 5 is above `other` alone.
    """
    rows = licensed(("mit", 5), ("openrail", 9), ("gpl-3.0", 1), (None, 3), ("other", 2))
    assert robustness.licence_flips(rows)["n_likes"].to_dict() == {
        "as given": 0.5, "RAIL as permissive": 1.0, "copyleft as permissive": 0.0, "other as restrictive": 2 / 3,
        "other as permissive": 0.5, "over other alone": 1.0,
    }  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["permissive", "restrictive"]), st.integers(0, 4)), min_size=2, max_size=30))
@settings(max_examples=50, deadline=None)
def test_superiority_is_that_of_mann_whitney(rows):
    grouped = pd.DataFrame(rows, columns=["group", "n_likes"])
    first, second = (grouped.loc[grouped["group"] == g, "n_likes"] for g in ("permissive", "restrictive"))
    found, p = robustness.superiority(grouped, "n_likes")
    if first.empty or second.empty:
        assert np.isnan(found) and np.isnan(p)
    else:
        theirs = stats.mannwhitneyu(first, second, use_continuity=False, method="asymptotic")
        assert found == pytest.approx(theirs.statistic / len(first) / len(second))
        assert p == pytest.approx(1 if grouped["n_likes"].nunique() == 1 else theirs.pvalue)


strata = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.booleans()), min_size=3, max_size=9)


@given(strata)
@settings(max_examples=60, deadline=None)
def test_the_p_within_strata_is_that_of_all_ways_to_deal_the_licences_within_each(rows):
    """Mean and deviation of van Elteren's sum over every dealing of the groups; each stratum keeps how many it has."""
    parts = [(np.array([v for s, v, _ in rows if s == of]), [g for s, _, g in rows if s == of]) for of in "ab"]
    parts = [(values, groups) for values, groups in parts if 0 < sum(groups) < len(groups)]
    frame = pd.DataFrame(rows, columns=["stratum", "n_likes", "permissive"])
    grouped = frame.assign(group=np.where(frame["permissive"], "permissive", "restrictive"))
    _, p = robustness.superiority(grouped, "n_likes", stratum=frame["stratum"])
    if not parts:
        assert np.isnan(p)
        return

    def wins(values, chosen):
        rest = [i for i in range(len(values)) if i not in chosen]
        return sum((values[i] > values[j]) + (values[i] == values[j]) / 2 for i in chosen for j in rest) / (len(values) + 1)

    seen = variance = 0.0
    for values, groups in parts:
        dealt = [wins(values, chosen) for chosen in combinations(range(len(values)), sum(groups))]
        seen += wins(values, tuple(np.flatnonzero(groups))) - np.mean(dealt)
        variance += np.var(dealt)
    assert p == pytest.approx(2 * stats.norm.sf(abs(seen) / np.sqrt(variance)) if variance > 1e-12 else 1)


def test_within_strata_what_the_stratum_makes_is_gone():
    """Large owners have more likes and permissive licences; among owners of a kind the licence makes no difference."""
    rows = [("permissive", 9)] * 8 + [("restrictive", 9)] * 2 + [("permissive", 1)] * 2 + [("restrictive", 1)] * 8
    grouped = pd.DataFrame(rows, columns=["group", "n_likes"])
    owner = pd.Series(["large"] * 10 + ["small"] * 10)
    assert robustness.superiority(grouped, "n_likes")[0] > 0.7
    assert robustness.superiority(grouped, "n_likes", stratum=owner)[0] == 0.5


def test_what_is_known_of_no_model_makes_no_strata():
    """Of nobody is a day of creation known: neither the comparison within quarters nor that within all three can be made."""
    counts = pd.DataFrame({"repo_id": list("abcd"), "license": ["mit", "gpl-3.0", "mit", "gpl-3.0"], "n_likes": [2, 1, 1, 0]})
    about = pd.DataFrame({"repo_id": list("abcd"), "owner": "o", "created_at": pd.NaT, "pipeline_tag": ["t", "t", None, None]})
    about["created_at"] = pd.to_datetime(about["created_at"])
    found = robustness.stratified(Covered(counts), about)
    values = found["superiority"].value["n_likes"]
    assert values["same task"] == 1 and values["all models"] == values["same kind of owner"] == 7 / 8
    assert values[["same quarter", "same of all three"]].isna().all()
    assert found.empty == dict.fromkeys(("same_quarter", "same_of_all_three"), "of no model is it known when it was created")


def test_strata_are_weighted_by_their_sizes():
    """One stratum of 1 and 1 (theta 1, weight 1/3), one of 2 and 2 (theta 0, weight 4/5).

    U is 1/2 above its mean, with a variance of 3/12, and 2 below, with 4/12 (5 - 12/12); each is divided by N + 1.
    """
    grouped = pd.DataFrame(
        [
            ("permissive", 2),
            ("restrictive", 1),
            ("permissive", 1),
            ("permissive", 1),
            ("restrictive", 2),
            ("restrictive", 2),
        ],
        columns=["group", "n_likes"],
    )
    found, p = robustness.superiority(grouped, "n_likes", stratum=pd.Series(list("aabbbb")))
    assert found == pytest.approx((1 / 3) / (1 / 3 + 4 / 5))
    assert p == pytest.approx(2 * stats.norm.sf((2 / 5 - 1 / 6) / np.sqrt(1 / 36 + 4 / 75)))
