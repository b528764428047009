"""RQ1 in frames: summaries, correlations, licence groups and the tests of Table 5, by hand and against scipy."""

import gzip
import itertools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import activity, engine
from analysis.engine import Hub
from analysis.parameters import Parameters

NAN = float("nan")

small = st.integers(0, 4).map(float)
collected = st.lists(small, min_size=1, max_size=25)
with_gaps = st.lists(st.just(NAN) | small | st.integers(0, 10**6).map(float), max_size=25)
two_groups = st.tuples(st.lists(small, min_size=2, max_size=9), st.lists(small, min_size=2, max_size=9))


def counts(**columns):
    frame = pd.DataFrame({name: pd.Series(values, dtype="float64") for name, values in columns.items()})
    return frame.assign(repo_id=[f"r{i:04d}" for i in range(len(frame))], license=None)


def licensed(*identifiers):
    return pd.DataFrame({"repo_id": [str(i) for i in range(len(identifiers))], "license": list(identifiers)})


# --- summary ---------------------------------------------------------------------------------------------------------


def test_the_summary_of_five_counts():
    found = activity.summary(counts(n_likes=[0, 0, 1, 2, 7]))["n_likes"]
    assert found.index.tolist() == ["n", "mean", "std", "min", "q25", "q50", "q75", "max", "zero_share"]
    assert found.drop("std").tolist() == [5, 2, 0, 0, 1, 2, 7, 0.4]
    assert found["std"] == pytest.approx(math.sqrt((4 + 4 + 1 + 0 + 25) / 4))  # over n - 1


def test_quartiles_between_two_counts_are_interpolated():
    found = activity.summary(counts(n_likes=[0, 10, 20, 40]))["n_likes"]
    assert found[["q25", "q50", "q75"]].tolist() == [7.5, 15, 25]


def test_missing_counts_are_neither_counted_nor_zero():
    found = activity.summary(counts(n_likes=[NAN, 0, 4, NAN]))["n_likes"]
    assert found[["n", "mean", "zero_share"]].tolist() == [2, 2, 0.5]


@pytest.mark.parametrize("values", [[], [NAN, NAN]])
def test_a_variable_that_was_not_collected_has_n_0_and_nothing_else(values):
    found = activity.summary(counts(n_likes=values))["n_likes"]
    assert found["n"] == 0
    assert found.drop("n").isna().all()


def test_one_repository_has_no_standard_deviation():
    assert math.isnan(activity.summary(counts(n_likes=[3]))["n_likes"]["std"])


@given(values=with_gaps)
def test_the_summary_is_that_of_describe_and_numpy(values):
    found = activity.summary(counts(n_likes=values))["n_likes"]
    described = pd.Series(values, dtype="float64").describe().to_numpy()
    np.testing.assert_allclose(found.drop("zero_share").to_numpy(), described, rtol=1e-12)
    known = np.array([v for v in values if not math.isnan(v)])
    if len(known):
        assert found["zero_share"] == np.count_nonzero(known == 0) / len(known)


def test_a_frame_is_not_changed():
    frame = counts(n_likes=[1, 2, NAN]).assign(license=["mit", None, "gpl-3.0"])
    before = frame.copy()
    activity.mann_whitney(activity.with_group(frame, conventions="authors"))
    activity.summary(frame)
    pd.testing.assert_frame_equal(frame, before)


# --- distribution ----------------------------------------------------------------------------------------------------


def test_the_distribution_is_the_share_with_at_least_so_much():
    found = activity.distribution(counts(n_likes=[0, 1, 1, 5, NAN]))
    assert found.values.tolist() == [["n_likes", 1.0, 0.75], ["n_likes", 5.0, 0.25]]


@given(values=with_gaps)
def test_the_distribution_is_that_of_counting_one_value_at_a_time(values):
    known = [v for v in values if not math.isnan(v)]
    found = activity.distribution(counts(n_likes=values))
    expected = {v: sum(other >= v for other in known) / len(known) for v in known if v > 0}
    assert dict(zip(found["value"], found["share"], strict=True)) == pytest.approx(expected)
    assert found["value"].is_monotonic_increasing


def test_the_table_of_concentration_leaves_out_what_was_not_collected():
    frame = counts(n_likes=[0, 4], n_commits=[NAN, NAN])
    shares = pd.DataFrame({"n_likes": [0.5, 0.5], "n_commits": [NAN, NAN]}, index=["share_for_80", "share_for_99"])
    table = activity.concentration_table({"models": activity.summary(frame)}, {"models": shares})
    assert table.to_dict("index") == {"models, n_likes": {"zero_share": 0.5, "share_for_80": 0.5, "share_for_99": 0.5}}


# --- concentration ---------------------------------------------------------------------------------------------------


def share(values, percent):
    (found,) = activity.concentration(pd.Series(values, dtype="float64"), percents=(percent,))
    return found


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([5, 0, 0, 0], 80, 1 / 4),  # one repository has all
        ([5, 5, 5, 5], 80, 4 / 4),  # three ties hold 75 % only
        ([5, 5, 5, 5, 5], 80, 4 / 5),  # four of five hold exactly 80 %
        ([8, 1, 1], 80, 1 / 3),
        ([79, 11, 10], 80, 2 / 3),
        ([98, 1, 1], 99, 2 / 3),
        ([6, 2, 2, 0, 0], 80, 2 / 5),  # one of two ties is enough
        ([3], 99, 1.0),
        ([1, None, None, 1], 80, 2 / 2),  # what was not collected is no repository
    ],
)
def test_the_smallest_share_of_repositories_that_holds_the_total(values, percent, expected):
    assert share(values, percent) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("values", [[], [0, 0], [None], [0, None]])
def test_concentration_of_nothing_is_undefined(values):
    assert share(values, 80) is None


def test_sums_beyond_what_a_hundredfold_of_64_bits_holds_are_exact():
    assert share([2**53] * 100, 80) == 0.8  # the total times 100 is above 2**63


def naive_share(values, percent):
    ordered = sorted((v for v in values if v is not None), reverse=True)
    held, total = 0, sum(ordered)
    for taken, value in enumerate(ordered, start=1):
        held += value
        if total and held * 100 >= total * percent:
            return taken / len(ordered)
    return None


@given(
    values=st.lists(st.none() | st.integers(0, 6) | st.integers(0, 10**6) | st.just(2**53), max_size=30),
    percent=st.sampled_from([80, 99, 50, 100]),
)
def test_concentration_is_that_of_a_loop_from_the_most_active_on(values, percent):
    assert share(values, percent) == naive_share(values, percent)


def test_concentrations_has_two_shares_of_every_variable():
    counts = pd.DataFrame({"repo_id": list("abcd"), "n_likes": [8.0, 1, 1, 0], "n_commits": [np.nan] * 4})
    held = activity.concentrations(counts)
    assert held["n_likes"].to_dict() == {"share_for_80": 0.25, "share_for_99": 0.75}
    assert held["n_commits"].isna().all()


def test_what_two_shares_hold_is_asked_at_once():
    values = pd.Series([98.0, 1, 1, 0, NAN])
    assert activity.concentration(values, percents=(80, 99)) == [1 / 4, 2 / 4]


# --- correlations ----------------------------------------------------------------------------------------------------


def test_pearson_and_spearman_of_a_few_counts():
    frame = counts(n_likes=[1, 2, 3, 4], n_downloads=[2, 4, 6, 8], n_commits=[0, 0, 0, 16])
    pearson, spearman = (activity.correlations(frame, method=method) for method in ("pearson", "spearman"))
    assert pearson.loc["n_likes", "n_downloads"] == pytest.approx(1)
    # deviations -1.5 -.5 .5 1.5 and -4 -4 -4 12: 24 / sqrt(5 * 192)
    assert pearson.loc["n_likes", "n_commits"] == pytest.approx(24 / math.sqrt(960))
    # ranks 1 2 3 4 and 2 2 2 4: 3 / sqrt(5 * 3)
    assert spearman.loc["n_likes", "n_commits"] == pytest.approx(3 / math.sqrt(15))


def test_a_pair_uses_the_repositories_where_both_were_collected():
    frame = counts(n_likes=[1, 2, 3, 100, NAN], n_downloads=[1, 2, 3, NAN, 100])
    assert activity.correlations(frame, method="pearson").loc["n_likes", "n_downloads"] == pytest.approx(1)


def test_a_constant_or_missing_variable_has_no_correlation():
    frame = counts(n_likes=[1, 2, 3], n_commits=[4, 4, 4], n_downloads=[NAN, NAN, NAN])
    for method in ("pearson", "spearman"):
        assert activity.correlations(frame, method=method).drop("n_likes").isna().all(axis=None)


@given(rows=st.lists(st.tuples(small | st.just(NAN), small | st.just(NAN), small), min_size=1, max_size=20))
def test_correlations_are_those_of_scipy_over_complete_pairs(rows):
    frame = counts(**dict(zip(("n_likes", "n_downloads", "n_commits"), zip(*rows, strict=True), strict=True)))
    for method, oracle in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        found = activity.correlations(frame, method=method)
        for a, b in itertools.combinations(found.columns, 2):
            both = frame[[a, b]].dropna()
            if len(both) < 2 or both[a].nunique() == 1 or both[b].nunique() == 1:
                assert math.isnan(found.loc[a, b])
            else:
                expected = oracle(both[a], both[b]).statistic
                assert found.loc[a, b] == found.loc[b, a] == pytest.approx(expected, abs=1e-9)


gaps = st.lists(st.tuples(*[st.just(NAN) | small] * 4), max_size=15)


@given(rows=gaps)
def test_spearman_is_that_of_pandas_whatever_is_missing(rows):
    names = ("n_likes", "n_downloads", "n_discussions", "n_commits")
    frame = counts(**{name: [row[place] for row in rows] for place, name in enumerate(names)})
    expected = frame[list(names)].corr(method="spearman", min_periods=2)
    found = activity.correlations(frame, method="spearman")
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12, atol=1e-12)


def test_spearman_of_many_ranks_is_the_exact_quotient_of_whole_numbers():
    rng = np.random.default_rng(3)
    values = {"n_likes": rng.permutation(150_000) % 90_001, "n_commits": rng.permutation(150_000) % 7}
    found = activity.correlations(counts(**values), method="spearman").loc["n_likes", "n_commits"]
    x, y = ([int(rank) for rank in 2 * stats.rankdata(v) - 150_001] for v in values.values())
    xy, xx, yy = (sum(a * b for a, b in zip(*pair, strict=True)) for pair in ((x, y), (x, x), (y, y)))
    assert found == pytest.approx(xy / math.sqrt(xx * yy), rel=1e-15)


def test_results_name_the_two_variables_in_alphabetical_order():
    matrix = activity.correlations(counts(n_likes=[1, 2], n_downloads=[2, 1], n_commits=[1, 2]), method="pearson")
    found = activity.pairs(matrix, -matrix)
    assert found == {
        "pearson.n_commits.n_downloads": pytest.approx(-1),
        "pearson.n_commits.n_likes": pytest.approx(1),
        "pearson.n_downloads.n_likes": pytest.approx(-1),
        "spearman.n_commits.n_downloads": pytest.approx(1),
        "spearman.n_commits.n_likes": pytest.approx(-1),
        "spearman.n_downloads.n_likes": pytest.approx(1),
    }


# --- licences --------------------------------------------------------------------------------------------------------


def test_shares_are_among_the_licensed_largest_first_ties_by_name():
    shares = activity.license_shares(licensed("openrail", "mit", None, "mit", "apache-2.0", "mit", None, "gpl-3.0"))
    assert shares.index.tolist() == ["mit", "apache-2.0", "gpl-3.0", "openrail"]
    assert shares.tolist() == pytest.approx([3 / 6, 1 / 6, 1 / 6, 1 / 6])
    assert activity.unlicensed_share(licensed("mit", None, None, None)) == 0.75


def test_without_a_licence_there_are_no_shares():
    assert activity.license_shares(licensed(None, None)).empty
    assert activity.unlicensed_share(licensed(None, None)) == 1
    assert math.isnan(activity.unlicensed_share(licensed()))


def test_the_table_of_licences_orders_by_their_mean_share_and_shows_zero_where_nobody_has_one():
    panels = {"models": licensed("mit", "mit", "gpl-3.0"), "datasets": licensed("mit"), "spaces": licensed(None)}
    table = activity.license_table(panels)
    assert table.columns.tolist() == ["share of models", "share of datasets"]  # no space has a licence
    assert table.index.tolist() == ["mit", "gpl-3.0"]
    assert table.loc["gpl-3.0"].tolist() == pytest.approx([1 / 3, 0])
    assert activity.license_table(panels, rows=1).index.tolist() == ["mit"]
    assert activity.license_table({"models": licensed(None)}).empty


def test_a_repository_without_a_licence_is_in_the_group_none():
    grouped = activity.with_group(licensed("mit", "gpl-3.0", None, "other"))
    assert grouped["group"].tolist() == ["permissive", "restrictive", "none", "unclassified"]
    assert activity.group_sizes(grouped) == {
        "permissive.count": 1,
        "restrictive.count": 1,
        "none.count": 1,
        "unclassified.count": 1,
    }


def test_authors_classify_only_licences_of_at_least_a_hundred_models():
    frame = licensed(*["mit"] * 100, *["gpl-3.0"] * 99, *[None] * 3)
    grouped = activity.with_group(frame, conventions="authors")
    assert grouped.groupby("group").size().to_dict() == {"none": 3, "permissive": 100, "unclassified": 99}
    assert "unclassified" not in set(activity.with_group(frame)["group"])


def test_groups_leave_the_unclassified_out():
    grouped = activity.with_group(licensed("mit", None, "other", "mit"))
    assert {group: len(frame) for group, frame in activity.groups(grouped).items()} == {
        "permissive": 2,
        "restrictive": 0,
        "none": 1,
    }


# --- Mann-Whitney ----------------------------------------------------------------------------------------------------


def grouped(**values):
    """Counts of likes per licence group."""
    return pd.DataFrame([{"group": group, "n_likes": v} for group, likes in values.items() for v in likes])


def table_5(**values):
    return activity.mann_whitney(grouped(**values)).set_index("pair")


def frequencies(x, y):
    """How often each group has each value, from the lowest value on."""
    values = np.unique(np.concatenate([x, y]))
    return [np.array([np.count_nonzero(np.asarray(group) == value) for value in values]) for group in (x, y)]


def pairs_won(x, y):
    """How many pairs the first group wins; a tie is half a win."""
    return sum((a > b) + (a == b) / 2 for a in x for b in y)


def test_u_belongs_to_the_first_group_and_ties_count_half():
    tests = table_5(permissive=[3.0, 4, 5], restrictive=[1.0, 2, 4], none=[0.0, 0])
    # 3 wins two pairs, 4 wins two and ties one, 5 wins three
    assert tests.loc["permissive_vs_restrictive", "u"] == 7.5
    assert tests.loc["permissive_vs_restrictive", "superiority"] == pytest.approx(7.5 / 9)
    assert tests.loc["permissive_vs_none", "u"] == 6
    assert tests[["n1", "n2"]].values.tolist() == [[3, 3], [3, 2], [3, 2]]


def test_the_pairs_are_those_of_table_5_for_every_variable():
    frame = grouped(permissive=[1.0, 2], restrictive=[1.0, 2], none=[1.0, 2]).assign(n_commits=1.0)
    tests = activity.mann_whitney(frame)
    pairs = ["permissive_vs_restrictive", "permissive_vs_none", "restrictive_vs_none"]
    expected = [(variable, pair) for variable in ("n_likes", "n_commits") for pair in pairs]
    assert list(zip(tests["variable"], tests["pair"], strict=True)) == expected


@given(groups=two_groups)
def test_u_is_the_number_of_pairs_won_and_p_that_of_scipy(groups):
    x, y = groups
    tests = table_5(permissive=x, restrictive=y)
    row = tests.loc["permissive_vs_restrictive"]
    assert row["u"] == pairs_won(x, y)
    assert row["superiority"] == pytest.approx(pairs_won(x, y) / (len(x) * len(y)))
    expected = stats.mannwhitneyu(x, y, alternative="two-sided", method="asymptotic").pvalue
    assert row["p"] == pytest.approx(expected, rel=1e-12)


def test_u_and_p_of_many_ties_are_those_of_scipy():
    rng = np.random.default_rng(5)
    x, y = rng.poisson(0.3, 4000).astype(float), rng.poisson(0.4, 3000).astype(float)
    row = table_5(permissive=x, restrictive=y).loc["permissive_vs_restrictive"]
    expected = stats.mannwhitneyu(x, y, alternative="two-sided", method="asymptotic")
    assert row["u"] == expected.statistic
    assert row["p"] == pytest.approx(expected.pvalue, rel=1e-12)


def test_a_million_equal_counts_differ_in_nothing():
    equal = np.array([1_000_003])
    assert activity.mann_whitney_p(1_000_003**2 / 2, equal, equal) == 1
    assert activity.superiority_interval(equal, equal) == (0.5, 0.5)


@given(groups=two_groups)
def test_p_is_the_tie_corrected_normal_approximation(groups):
    x, y = groups
    n1, n2, n = len(x), len(y), len(x) + len(y)
    ties = sum(t**3 - t for t in np.unique(x + y, return_counts=True)[1].tolist())
    deviation = math.sqrt(n1 * n2 / 12 * ((n + 1) - ties / (n * (n - 1))))
    p = table_5(permissive=x, restrictive=y).loc["permissive_vs_restrictive", "p"]
    if deviation == 0:
        assert p == 1  # all values are the same
    else:
        z = (abs(pairs_won(x, y) - n1 * n2 / 2) - 0.5) / deviation  # with the correction for continuity
        assert p == pytest.approx(min(1, 2 * stats.norm.sf(z)))


@given(groups=two_groups)
def test_the_superiority_of_either_group_is_one_less_that_of_the_other(groups):
    x, y = groups
    forth, back = table_5(permissive=x, restrictive=y), table_5(permissive=y, restrictive=x)
    one, other = (tests.loc["permissive_vs_restrictive"] for tests in (forth, back))
    assert one["superiority"] + other["superiority"] == pytest.approx(1)
    assert one["p"] == pytest.approx(other["p"])
    assert one["superiority_low"] == pytest.approx(1 - other["superiority_high"])
    assert 0 <= one["superiority_low"] <= one["superiority"] + 1e-12
    assert one["superiority"] - 1e-12 <= one["superiority_high"] <= 1


def test_the_interval_of_delong_by_hand():
    low, high = activity.superiority_interval(*frequencies([3.0, 4, 5], [1.0, 2, 4]))
    # placements of x: 2/3, 5/6, 1 with variance 1/36; of y: 1, 1, 1/2 with variance 1/12
    half = 1.959964 * math.sqrt(1 / 36 / 3 + 1 / 12 / 3)
    assert (low, high) == (pytest.approx(5 / 6 - half, abs=1e-6), 1.0)


@given(groups=two_groups, level=st.sampled_from([0.8, 0.95]))
def test_the_interval_is_that_of_placements_counted_pair_by_pair(groups, level):
    x, y = groups
    above = [pairs_won([a], y) / len(y) for a in x]
    below = [pairs_won(x, [b]) / len(x) for b in y]
    half = stats.norm.interval(level)[1] * math.sqrt(np.var(above, ddof=1) / len(x) + np.var(below, ddof=1) / len(y))
    expected = (max(np.mean(above) - half, 0), min(np.mean(above) + half, 1))
    assert activity.superiority_interval(*frequencies(x, y), level=level) == pytest.approx(expected, abs=1e-9)


def test_the_interval_is_about_that_of_a_bootstrap():
    rng = np.random.default_rng(7)
    x, y = rng.poisson(3.0, 120).astype(float), rng.poisson(2.2, 90).astype(float)
    wins = np.sign(x[:, None] - y[None, :]) / 2 + 0.5
    drawn = [wins[np.ix_(rng.integers(0, len(x), len(x)), rng.integers(0, len(y), len(y)))].mean() for _ in range(2000)]
    found = activity.superiority_interval(*frequencies(x, y))
    assert found == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.015)


@pytest.mark.parametrize("first", [[], [1.0], [NAN, 1.0]])
def test_a_group_of_fewer_than_two_gives_no_test_and_no_warning(first):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        tests = table_5(permissive=first, restrictive=[1.0, 2, 3], none=[2.0, 3])
    assert tests.loc["permissive_vs_restrictive", ["u", "p", "p_holm", "superiority", "superiority_low"]].isna().all()
    assert tests.loc["permissive_vs_restrictive", ["n1", "n2"]].tolist() == [len(pd.Series(first).dropna()), 3]
    assert tests.loc["restrictive_vs_none", "u"] == 2  # 2 ties with 2, 3 wins over 2 and ties with 3
    assert activity.test_table(tests.reset_index()).index.tolist() == ["n_likes, restrictive v. none"]


def test_missing_counts_take_no_part_in_a_test():
    tests = table_5(permissive=[NAN, 3.0, 4, NAN], restrictive=[1.0, NAN, 2])
    assert tests.loc["permissive_vs_restrictive", ["u", "n1", "n2"]].tolist() == [4, 2, 2]


# --- Holm ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([0.01, 0.02, 0.03], [0.03, 0.04, 0.04]),
        ([0.03, 0.01, 0.02], [0.04, 0.03, 0.04]),
        ([0.01, 0.01, 0.04], [0.03, 0.03, 0.04]),
        ([0.5, 0.4], [0.8, 0.8]),
        ([0.9, 0.6], [1.0, 1.0]),
        ([0.01, NAN, 0.02], [0.02, NAN, 0.02]),  # a test that was not made does not count
        ([0.2], [0.2]),
        ([NAN], [NAN]),
        ([], []),
    ],
)
def test_holm_by_hand(p, adjusted):
    found = activity.holm(pd.Series(p, dtype="float64"))
    np.testing.assert_allclose(found.to_numpy(), adjusted, rtol=1e-12)


@given(p=st.lists(st.floats(0, 1), max_size=24))
def test_holm_is_the_largest_of_the_steps_so_far(p):
    found = activity.holm(pd.Series(p, dtype="float64")).tolist()
    order = sorted(range(len(p)), key=lambda i: p[i])
    expected = [0.0] * len(p)
    for place, i in enumerate(order):
        expected[i] = min(1.0, max((len(p) - k) * p[order[k]] for k in range(place + 1)))
    assert found == pytest.approx(expected)
    assert all(adjusted >= raw for adjusted, raw in zip(found, p, strict=True))


def test_p_values_are_adjusted_over_all_tests_of_the_table():
    values = {"permissive": [3.0, 4, 5, 9], "restrictive": [1.0, 2, 4, 4], "none": [0.0, 0, 1, 5]}
    frame = grouped(**values).assign(n_commits=lambda f: 10 - f["n_likes"])
    tests = activity.mann_whitney(frame)
    assert tests["p_holm"].tolist() == activity.holm(tests["p"]).tolist()
    assert tests["p_holm"].min() == pytest.approx(6 * tests["p"].min())


def test_results_have_every_measure_of_every_test():
    tests = activity.mann_whitney(grouped(permissive=[3.0, 4, 5], restrictive=[1.0, 2, 4]))
    found = activity.test_results(tests)
    assert found["n_likes.permissive_vs_restrictive.u"] == 7.5
    assert math.isnan(found["n_likes.permissive_vs_none.p_holm"])
    assert len([name for name in found if name.startswith("n_likes.")]) == 3 * 6


def test_results_count_the_variables_on_which_the_first_group_is_higher():
    frame = grouped(permissive=[3.0, 4, 5], restrictive=[1.0, 2, 4]).assign(
        n_commits=lambda f: 10 - f["n_likes"], n_discussions=1.0
    )
    found = activity.test_results(activity.mann_whitney(frame))
    assert found["permissive_vs_restrictive.tested"] == 3
    assert found["permissive_vs_restrictive.higher"] == 1  # likes; commits are lower, discussions equal
    assert "permissive_vs_none.tested" not in found


# --- single values that the study's text names ------------------------------------------------------------------------


def test_landmarks_of_five_models():
    frame = counts(n_community=[1, 1, 2, 3, NAN], n_committers=[1, 1, 1, 2, NAN], n_downloads=[0, 1e6, 1e6 + 1, 5e6, NAN])
    expected = {"n_community.mode": 1, "n_committers.one_share": 0.75, "n_downloads.count_over_1000000": 2}
    assert activity.landmarks(frame) == expected


def test_landmarks_of_nothing_are_missing_and_not_zero():
    frame = counts(n_community=[NAN], n_committers=[NAN], n_downloads=[NAN])
    assert all(math.isnan(value) for value in activity.landmarks(frame).values())


def test_of_two_communities_equally_common_the_smaller_is_named():
    frame = counts(n_community=[3, 3, 2, 2], n_committers=[NAN] * 4, n_downloads=[NAN] * 4)
    assert activity.landmarks(frame)["n_community.mode"] == 2


def test_most_committers_first_and_ties_by_name():
    found = activity.top_committers(counts(n_committers=[2, 9, NAN, 9]))
    names = [found[f"{rank}.model"] for rank in (1, 2, 3)]
    assert names == ["r0001", "r0003", "r0000"]
    assert [found[f"{rank}.committers"] for rank in (1, 2, 3)] == [9, 9, 2]


def test_ranks_that_no_repository_has_are_missing():
    assert set(activity.top_committers(counts(n_committers=[NAN])).values()) == {None}


def p_of(x, y):
    return activity.pearson_p(pd.DataFrame({"x": x, "y": y}, dtype="float64")).loc["x", "y"]


def test_p_of_a_correlation_by_hand():
    # r = 0.5 over four pairs: t = r sqrt(2 / (1 - r^2)) on two degrees of freedom, where p = 1 - |r|.
    x, y = pd.Series([0.0, 1, 2, 3, NAN]), pd.Series([0.0, 2, 0.5, 1.5, 7])
    assert p_of(x, y) == pytest.approx(1 - abs(x.corr(y)))
    assert p_of(x, -y) == pytest.approx(1 - abs(x.corr(y)))


@pytest.mark.parametrize("y", [[1, 1, 1], [1, 2, NAN], [NAN] * 3])
def test_p_is_missing_where_the_coefficient_says_nothing(y):
    assert math.isnan(p_of([1, 2, 3], y))


@given(rows=st.lists(st.tuples(small | st.just(NAN), small), min_size=3, max_size=20))
def test_p_is_that_of_scipy_over_complete_pairs(rows):
    both = pd.DataFrame(rows, columns=["x", "y"]).dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        assert math.isnan(p_of(*zip(*rows, strict=True)))
    else:
        assert p_of(*zip(*rows, strict=True)) == pytest.approx(stats.pearsonr(both["x"], both["y"]).pvalue, abs=1e-7)


def test_p_of_many_pairs_is_that_of_scipy_however_small():
    rng = np.random.default_rng(11)
    x = rng.poisson(2.0, 20_000).astype(float)
    y = x / 5 + rng.poisson(3.0, 20_000)
    assert 0 < p_of(x, y) < 1e-100
    assert p_of(x, y) == pytest.approx(stats.pearsonr(x, y).pvalue, rel=1e-9)


def test_p_values_bear_the_ids_of_their_coefficients():
    frame = counts(n_likes=[0, 1, 2, 4], n_commits=[1, 1, 3, 3])
    assert [*activity.p_values(frame)] == ["pearson.n_commits.n_likes.p"]


def test_only_the_authors_ask_for_a_hundred_repositories_of_a_licence():
    grouped = activity.with_group(counts(n_likes=[1.0]).assign(license="mit"))
    assert activity.least_repositories(grouped, conventions="authors") == 100
    assert activity.least_repositories(grouped, conventions="corrected") == 1


# --- published records -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def census(import_dump):
    return import_dump("2022-02-21", "models-jsonl", "models-2022-02-21.jsonl.gz")


@pytest.mark.dumps
def test_zero_shares_and_concentration_of_a_real_day_are_those_of_a_loop(census, dumps: Path):
    with gzip.open(dumps / "models-2022-02-21.jsonl.gz", "rt", encoding="utf-8") as file:
        models = [json.loads(line) for line in file]
    counts = engine.activity(Hub(census, Parameters()), "model", variables=("n_likes", "n_downloads")).value
    summary, held = activity.summary(counts), activity.concentrations(counts)
    for variable, column in (("n_likes", "likes"), ("n_downloads", "downloads")):
        values = [model.get(column) for model in models]
        known = [value for value in values if value is not None]
        assert summary.loc["n", variable] == len(known)
        assert summary.loc["zero_share", variable] == pytest.approx(known.count(0) / len(known), rel=1e-12)
        assert held.loc["share_for_80", variable] == naive_share(values, 80)
        assert held.loc["share_for_99", variable] == naive_share(values, 99)
