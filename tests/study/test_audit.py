"""The audit finds nothing in numbers that some data gave, and finds what no data can give."""

import gzip
import json
import math
import re
import tomllib
from fractions import Fraction

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from analysis import engine, paths, people
from analysis.parameters import Parameters
from analysis.study import audit, findings, groups, published, rich_club, verdicts


def table(cells: dict[str, str]) -> pd.DataFrame:
    """A published frame from id -> printed text."""
    rows = []
    for number, (name, text) in enumerate(cells.items()):
        whole = text not in published.PRINTED_UNDEFINED and not text[0].isalpha()
        decimals = len(text.partition(".")[2]) if whole else None
        place = f"Table 6, {number}"
        rows.append({"id": name, "value": text, "decimals": decimals, "operator": "=", "place": place})
    return pd.DataFrame(rows).astype({"decimals": "Int64"})


def contradictions(cells: dict[str, str]) -> set[str]:
    found = audit.audit_findings(table(cells))
    return set(found.loc[found["consistent"].eq(False).fillna(False), "id"])


def clubs(cells: dict[str, str]) -> dict[str, rich_club.RichClub]:
    printed = published.exact_numbers(table(cells))
    return {club.printed.id: club for club in rich_club.rich_clubs(printed)}


def core(name: str, **cells: str) -> dict[str, str]:
    return {f"rq2.all.{name}.{key}": text for key, text in cells.items()}


# Four nodes with all twelve edges between them; six edges at each node.
CLIQUE = core("kmax", k="6", nodes="4", edges="12", mod="0.00", com="1", dens="1.00", recip="1.00",
              arcc="1.00", ass="NaN", ad="6.00")  # fmt: skip
# Ten repositories with 0, 0, 0, 0, 0, 0, 0, 1, 2, 7 likes: sum 10, sum of squares 54, variance 44/9.
LIKES = {
    "count": "10", "n_likes.mean": "1.00", "n_likes.std": "2.21", "n_likes.min": "0", "n_likes.q25": "0",
    "n_likes.q50": "0", "n_likes.q75": "0.75", "n_likes.max": "7", "n_likes.zero_share": "0.70",
    "n_likes.share_for_80": "0.20", "n_likes.share_for_99": "0.30",
}  # fmt: skip
LIKES = {f"rq1.models.{name}": text for name, text in LIKES.items()}


def test_a_clique_and_a_list_of_ten_likes_are_consistent():
    assert contradictions(CLIQUE) == set()
    assert contradictions(LIKES) == set()


def test_no_values_give_no_findings():
    assert audit.audit_findings(table({"rq9.nothing": "1"})).empty


@pytest.mark.parametrize(
    ("cell", "text", "finding"),
    [
        ("ad", "6.01", "average_degree.rq2.all.kmax.ad"),
        ("dens", "0.99", "density.rq2.all.kmax.dens"),
        ("edges", "13", "edges.rq2.all.kmax.edges"),
        ("edges", "11", "edges.rq2.all.kmax.edges"),
        ("mod", "0.01", "modularity.rq2.all.kmax.mod"),
        ("recip", "0.97", "reciprocity.rq2.all.kmax.recip"),
        ("arcc", "0.15", "rich_club.rq2.all.kmax.arcc"),
        ("ass", "0.20", "assortativity.rq2.all.kmax.ass"),
    ],
)
def test_one_wrong_cell_of_a_clique_is_found(cell, text, finding):
    assert finding in contradictions(CLIQUE | core("kmax", **{cell: text}))


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        # 30 % are not 0, so the mean is 0.3 at least; and the largest value alone makes it 0.7.
        ("mean", "0.20", "zeros.rq1.models.n_likes.mean"),
        ("mean", "0.60", "mean.rq1.models.n_likes.mean"),
        # Ten whole numbers have a mean with one decimal.
        ("mean", "1.04", "whole_total.rq1.models.n_likes.mean"),
        # (7 - 1) sqrt(10)/9 = 2.108 and sqrt(6 * 10/9) = 2.582.
        ("std", "2.09", "spread.rq1.models.n_likes.std"),
        ("std", "2.60", "spread.rq1.models.n_likes.std"),
        ("q50", "1", "zeros.rq1.models.n_likes.q50"),
    ],
)
def test_one_wrong_cell_of_a_summary_is_found(name, text, finding):
    assert finding in contradictions(LIKES | {f"rq1.models.n_likes.{name}": text})


def test_a_quartile_of_zero_contradicts_fewer_zeros_than_three_quarters():
    cells = {"rq1.models.count": "1000", "rq1.models.n_downloads.zero_share": "0.710"}
    name = "rq1.models.n_downloads.q75"
    assert contradictions(cells | {name: "0"}) == {f"zeros.{name}"}
    assert contradictions(cells | {name: "1"}) == set()


def test_more_repositories_with_a_discussion_than_starters_is_found():
    cells = {"rq1.models.count": "1000", "rq1.models.n_discussions.zero_share": "0.84"}
    name = "rq1.models.n_disc_starters.mean"
    assert contradictions(cells | {name: "0.10"}) == {f"starters.{name}"}
    assert contradictions(cells | {name: "0.16"}) == set()


def test_concentration_leaves_at_least_one_like_to_each_repository_that_has_any():
    # Half of the repositories have a like; if a tenth holds 99 %, the others share 1 % of a mean of 2.
    cells = {"rq1.models.count": "1000", "rq1.models.n_likes.mean": "2.00"}
    cells["rq1.models.n_likes.zero_share"] = "0.50"
    name = "rq1.models.n_likes.share_for_99"
    assert contradictions(cells | {name: "0.10"}) == {f"concentration.{name}"}
    assert contradictions(cells | {name: "0.49"}) == set()


def test_a_union_is_no_larger_than_the_sum_of_its_parts():
    cells = {"rq1.models.n_committers.max": "18", "rq1.models.n_disc_starters.max": "240"}
    name = "rq1.models.n_community.max"
    assert contradictions(cells | {name: "246"}) == set()
    assert contradictions(cells | {name: "259"}) == {f"union.{name}"}
    assert contradictions(cells | {name: "239"}) == {f"union.{name}"}


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    # The textbook case (Brown and Heathers 2017): 28 whole numbers have no mean that prints 5.19.
    [
        ("5.19", 28, False),
        ("5.18", 28, True),
        ("5.21", 28, True),
        ("5.19", 100, None),
        ("5.19", 348181, None),
    ],
)
def test_a_mean_of_whole_counts_is_tested_only_where_n_is_small(text, n, expected):
    mean = published.exact_numbers(table({"a.b": text}))["a.b"]
    assert audit.grim(mean, n) is expected


def test_an_even_total_has_twice_the_spacing():
    mean = published.exact_numbers(table({"a.b": "0.33"}))["a.b"]
    assert audit.grim(mean, 3) is True
    assert audit.grim(mean, 3, step=2) is False


def test_a_share_that_its_counts_do_not_give_comes_with_the_whole_that_would():
    cells = {f"rq2.people.same_repository.{name}": text for name, text in
             {"accepted": "1", "compared": "4", "accepted_share": "0.20"}.items()}  # fmt: skip
    found = audit.audit_findings(table(cells)).iloc[0]
    assert not found["consistent"] and "1 of 5 gives it" in found["derived"]
    assert contradictions(cells | {"rq2.people.same_repository.accepted_share": "0.25"}) == set()


def test_the_share_of_isolates_is_compared_with_developers_before_and_after_merging():
    cells = {"rq2.all.k1.nodes": "10", "rq2.people.developers": "100", "rq2.people.merged": "20"}
    share = "rq2.all.isolate_share"
    # 1 - 10/80 = 0.875 and 1 - 10/100 = 0.9.
    assert contradictions(cells | {share: "0.88"}) == set()
    assert contradictions(cells | {share: "0.92"}) == {f"isolates.{share}"}


def test_five_organisations_are_not_six():
    counts = dict(zip(published.LISTED["usage"], ("8", "7", "5", "4", "4", "4"), strict=True))
    base = "rq3.all.usage.top100"
    cells = {f"{base}.organisation.{name}": count for name, count in counts.items()}
    assert contradictions(cells | {f"{base}.leading_count": "6", f"{base}.leading_share": "0.32"}) == set()
    wrong = contradictions(cells | {f"{base}.leading_count": "5", f"{base}.leading_share": "0.33"})
    assert wrong == {f"organisations.{base}.leading_count", f"organisations.{base}.leading_share"}


def test_one_model_has_one_number_of_spaces():
    cells = {"rq3.all.usage.top.1.model": "gpt2", "rq3.all.usage.top.1.spaces": "7",
             "rq3.nlp.usage.top.1.model": "gpt2", "rq3.nlp.usage.top.1.spaces": "7"}  # fmt: skip
    assert contradictions(cells) == set()
    name = "rq3.nlp.usage.top.1.spaces"
    assert contradictions(cells | {name: "6"}) == {f"usage.{name}"}


def test_two_printings_of_one_value_agree_within_their_decimals():
    for second, agrees in (("4", True), ("5", False)):
        cells = pd.concat([table({"a.b": "4.10"}), table({"a.b": second})])
        assert audit.audit_findings(cells).set_index("id").loc["repeated.a.b", "consistent"] == agrees


# --- no graph that exists is refused ----------------------------------------------------------------------


def printed_network(graph: nx.DiGraph) -> dict[str, str]:
    """The cells of a table for k = 1, 5, 10 and the largest k, made with networkx."""
    numbers = nx.core_number(graph)
    levels = {"k1": 1, "k5": 5, "k10": 10} | {"kmax": max(numbers.values())}
    cells = {}
    for name, k in levels.items():
        part = nx.k_core(graph, k, core_number=numbers)
        if name != "kmax" and (k > levels["kmax"] or not part):
            continue
        n, e = len(part), part.number_of_edges()
        cells |= core(name, k=str(k), nodes=str(n), edges=str(e), dens=f"{nx.density(part):.2f}",
                      recip=f"{nx.overall_reciprocity(part):.2f}", ad=f"{2 * e / n:.2f}")  # fmt: skip
        if (club := coefficient(part)) is not None:
            cells |= core(name, arcc=f"{club:.2f}")
        cells |= core(name, ass=printed_assortativity(part))
    return cells


def coefficient(graph: nx.DiGraph) -> float | None:
    degrees = sorted((degree for _, degree in graph.degree()), reverse=True)
    least = degrees[max(2, math.ceil(len(graph) / 10)) - 1]
    club = graph.subgraph([node for node, degree in graph.degree() if degree >= least])
    return nx.density(club) if len(club) > 1 else None


def printed_assortativity(graph: nx.DiGraph) -> str:
    out = [graph.out_degree(u) for u, _ in graph.edges]
    into = [graph.in_degree(v) for _, v in graph.edges]
    if len(set(out)) == 1 or len(set(into)) == 1:
        return "NaN"
    return f"{nx.degree_assortativity_coefficient(graph):.2f}"


@given(st.integers(3, 30), st.floats(0.03, 1.0), st.floats(0, 1), st.integers(0, 10_000))
def test_no_directed_graph_is_refused(nodes, density, mutual, seed):
    rng = np.random.default_rng(seed)
    weights = rng.pareto(1.5, nodes) + 0.2
    chance = np.clip(density * np.outer(weights, weights), 0, 1)
    edges = rng.random((nodes, nodes)) < chance
    edges |= edges.T & (rng.random((nodes, nodes)) < mutual)
    np.fill_diagonal(edges, False)
    graph = nx.from_numpy_array(edges.astype(int), create_using=nx.DiGraph)
    graph.remove_nodes_from(list(nx.isolates(graph)))
    assume(len(graph) > 1)
    assert contradictions(printed_network(graph)) == set()


@given(st.integers(4, 40), st.floats(0.05, 0.9), st.integers(0, 10_000))
def test_the_rich_club_of_a_graph_lies_within_its_bounds(nodes, density, seed):
    graph = nx.gnp_random_graph(nodes, density, seed=seed, directed=True)
    graph.remove_nodes_from(list(nx.isolates(graph)))
    assume(len(graph) > 1)
    club = clubs(printed_network(graph) | core("k1", arcc="0.00"))["rq2.all.k1.arcc"]
    assert club.floor <= coefficient(graph) <= club.ceiling


def test_a_coefficient_that_needs_more_edges_than_the_cores_allow_is_impossible():
    # 100 nodes, 200 edges, no 4-core but a clique of 3: any 10 nodes outside it have core number 3 at most,
    # so they share at most 30 edges of 90; each member of the clique would bring only 2.
    cells = core("k1", k="1", nodes="100", edges="200", arcc="0.35")
    cells |= core("kmax", k="4", nodes="3", edges="6")
    (club,) = clubs(cells).values()
    assert (club.top, club.allowed, club.needed) == (10, 30, math.ceil(Fraction("0.345") * 90))
    assert not club.attainable
    (club,) = clubs(cells | core("k1", arcc="0.33")).values()
    assert club.attainable
    assert set(audit.impossible(table(cells))) == {"rq2.all.k1.arcc"}


# --- no list of counts that exists is refused -------------------------------------------------------------


def printed_summary(values: np.ndarray, prefix: str) -> dict[str, str]:
    q25, q50, q75 = (f"{quartile:.2f}" for quartile in np.percentile(values, [25, 50, 75]))
    cells = {"mean": f"{values.mean():.2f}", "std": f"{values.std(ddof=1):.2f}", "min": str(values.min()),
             "q25": q25, "q50": q50, "q75": q75, "max": str(values.max()),
             "zero_share": f"{(values == 0).mean():.2f}"}  # fmt: skip
    held = np.cumsum(np.sort(values)[::-1])
    for percent in (80, 99):
        if held[-1]:
            first = np.argmax(100 * held >= percent * held[-1]) + 1
            cells[f"share_for_{percent}"] = f"{first / len(values):.2f}"
    return {f"{prefix}.{name}": text for name, text in cells.items()}


@given(st.lists(st.integers(0, 3) | st.integers(0, 1000), min_size=3, max_size=60))
def test_no_list_of_counts_is_refused(values):
    cells = {"rq1.models.count": str(len(values))}
    assert contradictions(cells | printed_summary(np.array(values), "rq1.models.n_likes")) == set()


@given(st.lists(st.tuples(st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6))), min_size=3, max_size=40))
def test_no_communities_made_of_committers_and_starters_are_refused(repositories):
    counts = {
        "n_committers": [len(committers) for committers, _ in repositories],
        "n_disc_starters": [len(starters) for _, starters in repositories],
        "n_discussions": [2 * len(starters) for _, starters in repositories],
        "n_community": [len(committers | starters) for committers, starters in repositories],
    }
    cells = {"rq1.models.count": str(len(repositories))}
    for name, values in counts.items():
        cells |= printed_summary(np.array(values), f"rq1.models.{name}")
    one = np.mean(np.array(counts["n_committers"]) == 1)
    cells["rq1.models.n_committers.one_share"] = f"{one:.2f}"
    assert contradictions(cells) == set()


# --- group sizes from Table 5 -----------------------------------------------------------------------------

@pytest.mark.parametrize(
    ("number", "said"),
    [(1052, "1,052"), (Fraction(182), "182"), (63159.3, "63,159"), (0.0086914, "0.008691"), (4.70121, "4.701")],
)
def test_numbers_of_the_audit_have_thousands_apart_and_four_digits(number, said):
    assert findings.digits(number) == said


def test_no_number_of_the_audit_runs_its_thousands_together():
    """Years apart, which stand in dates."""
    found = audit.audit_findings()
    texts = pd.concat([found[column] for column in ("statement", "published", "derived", "assumption")]).tolist()
    assert not [text for text in texts if re.search(r"(?<![\d.(])\d{4,}(?!\d*-\d\d)", text)]


SIZES = {"permissive": 700, "restrictive": 430, "none": 2250}


def groups_of(shares: dict[str, dict[str, float]], *, seed: int = 5) -> tuple[pd.DataFrame, dict]:
    """U of scipy for counts that are 0 or geometric; `shares` gives each group's share that is not 0."""
    rng = np.random.default_rng(seed)
    u, pooled = {}, {}
    for variable, share in shares.items():
        sample = {group: rng.geometric(0.3, size) * (rng.random(size) < share[group])
                  for group, size in SIZES.items()}  # fmt: skip
        u[variable] = {pair: mannwhitneyu(*map(sample.get, pair.split("_vs_"))).statistic for pair in groups.COMPARISONS}
        pooled[variable] = np.concatenate(list(sample.values()))
    return pd.DataFrame(u).T[list(groups.COMPARISONS)], pooled


def shares(permissive: float, restrictive: float, none: float) -> dict[str, float]:
    return {"permissive": permissive, "restrictive": restrictive, "none": none}


@pytest.fixture(scope="module")
def simulated():
    return groups_of({
        "n_likes": shares(0.12, 0.10, 0.06), "n_commits": shares(0.9, 0.6, 0.4),
        "n_downloads": shares(0.5, 0.4, 0.2), "n_discussions": shares(0.25, 0.12, 0.1),
    })  # fmt: skip


def test_superiority_is_u_over_the_number_of_pairs(simulated):
    u, _ = simulated
    found = groups.superiorities(u, **SIZES)
    assert found.loc["n_likes", "permissive_vs_none"] == u.loc["n_likes", "permissive_vs_none"] / (700 * 2250)


def test_sizes_of_simulated_groups_are_found_near_the_truth_and_within_bounds(simulated):
    u, pooled = simulated
    total = sum(SIZES.values())
    nonzero = {name: (float((values > 0).sum()),) * 2 for name, values in pooled.items()}
    permissive, *_ = groups.group_sizes(u, total=total, none=SIZES["none"])
    assert permissive == pytest.approx(SIZES["permissive"], rel=0.05)
    tested = groups.Compared(u, total, SIZES["none"], (SIZES["none"],) * 2)
    low, high = groups.size_bounds(tested, permissive, models=total, nonzero=nonzero)
    assert low <= SIZES["permissive"] <= high
    assert high - low < total / 4
    # Were every value 0, all U would be half the product of the sizes, which no split gives.
    zeros = {"n_likes": (0.0, 0.0)}
    low, high = groups.size_bounds(tested, permissive, models=total, nonzero=zeros)
    assert low > high


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000), st.floats(0.02, 0.4), st.floats(0.02, 0.4), st.floats(0.02, 0.4))
def test_the_zeros_of_existing_groups_never_exclude_their_sizes(seed, permissive, restrictive, none):
    u, pooled = groups_of({"n_likes": shares(permissive, restrictive, none)}, seed=seed)
    count = float((pooled["n_likes"] > 0).sum())
    assert groups.zeros_allow(u.loc["n_likes"], tuple(map(float, SIZES.values())), count, count)


def test_sizes_from_u_alone_are_exact_where_superiorities_add_up():
    sizes = {"permissive": 600.0, "restrictive": 400.0, "none": 2000.0}
    products = np.array([600 * 400, 600 * 2000, 400 * 2000])
    # (P>R) + (R>N) - (P>N) = 1/2 in every row.
    additive = np.array([[0.55, 0.65, 0.6], [0.5, 0.7, 0.7], [0.45, 0.5, 0.55], [0.6, 0.62, 0.52]])
    u = pd.DataFrame(additive * products, columns=list(groups.COMPARISONS), index=list("abcd"))
    found = groups.sizes_from_u(u)
    assert {key: found[key] for key in sizes} == pytest.approx(sizes, rel=1e-6)
    assert found["residual"] == pytest.approx(0, abs=1e-9)


def test_one_order_on_every_variable_can_be_excluded_without_knowing_the_split():
    products = {"permissive_vs_restrictive": 600 * 400, "permissive_vs_none": 600 * 1000,
                "restrictive_vs_none": 400 * 1000}  # fmt: skip
    fair = pd.DataFrame({pair: [0.6 * product] for pair, product in products.items()})
    assert groups.claimed_order(fair.min(), total=2000, none=1000).possible
    # p <= 624 and r <= 416, so p r is 234,624 at least; the claim needs less than 2 * 96,000.
    odd = pd.DataFrame({pair: [share * product] for (pair, product), share in
                        zip(products.items(), (0.4, 0.52, 0.52), strict=True)})  # fmt: skip
    found = groups.claimed_order(odd.min(), total=2000, none=1000)
    assert (round(found.low), round(found.high), round(found.least)) == (584, 624, 234624)
    assert not found.possible


@pytest.mark.parametrize("reverse", [False, True])
def test_a_claimed_order_is_found_wrong_exactly_where_the_groups_are_the_other_way_round(reverse):
    likes = shares(0.06, 0.3, 0.02) if reverse else shares(0.3, 0.15, 0.05)
    u, pooled = groups_of({"n_likes": likes, "n_commits": shares(0.9, 0.6, 0.4)})
    total = sum(SIZES.values())
    cells = {"rq1.models.count": str(total), "rq1.models.grouped.count": str(total),
             "rq1.models.unlicensed_share": f"{SIZES['none'] / total:.4f}"}  # fmt: skip
    for variable, values in pooled.items():
        cells[f"rq1.models.{variable}.zero_share"] = f"{(values == 0).mean():.4f}"
        for pair in groups.COMPARISONS:
            cells[f"rq1.models.mannwhitney.{variable}.{pair}.u"] = f"{u.loc[variable, pair]:.0f}"
    found = contradictions(cells)
    name = "superiority.rq1.models.mannwhitney.n_likes.permissive_vs_restrictive"
    assert {key for key in found if key.startswith("superiority")} == ({name} if reverse else set())


# --- the study itself, checked by hand --------------------------------------------------------------------


@pytest.fixture(scope="module")
def study() -> pd.DataFrame:
    return audit.audit_findings().set_index("id")


def test_every_form_of_a_check_asks_and_says_what_follows_and_every_assumption_is_used():
    texts = tomllib.loads(findings.WORDS.read_text(encoding="utf-8"))
    assumptions, used = set(texts.pop("assumptions")), set()
    for check, parts in texts.items():
        named = [set(text) for part, text in parts.items() if part != "assumes" and isinstance(text, dict)]
        assert all(forms == set.union(*named) for forms in named), check
        assert parts.keys() <= {"asks", "follows", "assumes"} and {"asks", "follows"} <= parts.keys(), check
        assumed = parts.get("assumes", {})
        used |= {assumed} if isinstance(assumed, str) else set(assumed.values())
        assert isinstance(assumed, str) or set(assumed) <= set.union(set(), *named), check
    assert used == assumptions


def test_findings_have_unique_ids_and_the_documented_columns(study):
    assert study.index.is_unique
    assert [study.index.name, *study.columns] == list(audit.AUDIT_COLUMNS)
    assert study[["place", "statement", "published", "derived"]].ne("").all(axis=None)


def test_average_degree_and_density_of_tables_6_to_9_follow_from_the_sizes(study):
    rows = study[study.index.str.match(r"(average_degree|density)\.")]
    assert len(rows) == 2 * 15
    assert rows["consistent"].all()


@pytest.mark.parametrize(
    "finding",
    [
        # 358/403 = 0.888.
        "share.rq2.people.real_names.accepted_share",
        # 1 - 10,524/101,144 = 0.896 and 1 - 10,524/100,598 = 0.895.
        "isolates.rq2.all.isolate_share",
        # 29.01 % of the models have a download, so the third quartile is not 0.
        "zeros.rq1.models.n_downloads.q75",
        # 15.5 % of the models or more have a discussion, but 0.105 starters at most.
        "starters.rq1.models.n_disc_starters.mean",
        # 8 + 7 + 5 + 4 + 4 + 4 = 32.
        "organisations.rq3.all.usage.top100.leading_count",
        "organisations.rq3.all.usage.top100.leading_share",
        # Table 6: ARCC ends at 0.15, ASS starts at 0.01.
        "range.rq2.all.arcc.max",
        "range.rq2.all.ass.min",
        # 500 spaces use one of "416 spaces".
        "spaces.rq3.cv.usage.models",
        "usage.rq3.mm.usage.top.1.spaces",
        "usage.rq3.nlp.usage.top.1.spaces",
        # AD is 27.20 at k = 25.
        "reaches_k.rq2.nlp.kmax.ad",
        "groups.rq1.models.mannwhitney.order",
    ],
)
def test_a_contradiction_that_can_be_checked_by_hand_is_found(study, finding):
    assert not study.loc[finding, "consistent"]


@pytest.mark.parametrize(
    "finding",
    [
        # 126/180 = 0.7; 339,502/348,181 = 0.975; 700/101,144 = 0.0069; 15 + 12 + 11 + 9 + 9 = 56.
        "share.rq2.people.same_repository.accepted_share",
        "share.rq1.models.grouped.share",
        "share.rq2.people.central.developer_share",
        "organisations.rq3.all.cousage.top100.leading_share",
        # 101,144 - 101,020 = 124 names, of 126 accepted pairs: three names of one person have three pairs and lose two.
        "people.rq2.people.developers",
        # 126 + 358 + 212 = 696 pairs for 546 names.
        "people.rq2.people.merged",
        # 1/10,524 = 0.000095.
        "centrality.rq2.all.pagerank.mean",
    ],
)
def test_what_agrees_by_hand_is_not_called_a_contradiction(study, finding):
    assert study.loc[finding, "consistent"]


def test_the_coefficients_that_the_definition_cannot_give_are_named_with_a_reason():
    reasons = audit.impossible()
    # Complete graphs have 1; at k = 1, 0.035 * 1052 * 1051 = 38,697 exceeds all 21,598 edges.
    for name in ("rq2.all.kmax.arcc", "rq2.cv.kmax.arcc", "rq2.mm.kmax.arcc", "rq2.all.k1.arcc"):
        assert name in reasons
    # 0.065 * 460 * 459 = 13,724 exceeds 10,010; 204 edges over 15 nodes are 13.6 each, so degrees differ.
    assert {"rq2.nlp.k1.arcc", "rq2.nlp.kmax.ass"} <= reasons.keys()
    assert not any(core in name for core in (".k5.", ".k10.") for name in reasons)
    assert all(reason.endswith(".") and "\n" not in reason for reason in reasons.values())


def test_the_ledger_says_what_cannot_be_computed():
    rows = verdicts.judged({}, published.printed_values(), proofs=audit.impossible())
    judged = rows[rows["verdict"] == verdicts.IMPOSSIBLE]
    assert set(judged["id"]) == set(audit.impossible())


def test_no_sizes_of_the_groups_make_permissive_first_on_every_variable():
    """By hand, with n = 225,169 and p + r = 114,333.

    U(P,N) of n_usage_spaces bounds p by 2 * 8,276,280,946/n = 73,512; U(R,N) of n_downloads bounds r by
    44,261, so p is 70,072 at least; p r is then 3.0008e9 at least, and U(P,R) of n_likes allows 2.9287e9.
    """
    u = groups.u_values(published.exact_numbers(published.printed_values()))
    found = groups.claimed_order(u.min(), total=339_502, none=225_169)
    assert found.high == pytest.approx(73_512, abs=1)
    assert found.low == pytest.approx(70_072, abs=1)
    assert found.least == pytest.approx(3.0008e9, rel=1e-4)
    assert found.most == 2 * 1_464_356_547
    assert not found.possible


@pytest.mark.parametrize(
    ("real", "usernames", "agree"),
    [(10, 87, True), (10, 88, True), (10, 86, False), (10, 89, False), (10, 90, True)],
)
def test_accepted_pairs_remove_as_many_names_or_fewer_where_one_person_has_several(real, usernames, agree):
    """Of 100 names, three accepted pairs remove three names (six people with two each) or two (one person with three)."""
    names = {"developers": 100, "real_names.names": real, "real_names.usernames": usernames, "same_repository.accepted": 3}
    cells = {f"rq2.people.{name}": str(count) for name, count in names.items()}
    assert ("people.rq2.people.developers" in contradictions(cells)) is not agree


def test_what_is_left_out_needs_88_licences(study):
    """348,181 - 339,502 = 8,679 = 87 * 99 + 66."""
    assert study.loc["left_out.rq1.models.grouped.count", "derived"] == "at least 88 such licences"
    assert (8_679 - 66) / 99 == 87


def test_twice_over_nodes_less_one_gives_twelve_rows_of_arcc_and_every_complete_core(study):
    found = study.loc["clique_degrees.rq2.arcc"]
    printed = [float(text) for text in found["published"].split(", ")]
    lacking = [value for value in printed if not any(abs(2 / (n - 1) - value) <= 0.005 + 1e-12 for n in range(2, 2000))]
    assert len(printed) == 15 and sorted(lacking) == [0.16, 0.26, 0.37]
    assert (round(2 / 13, 2), round(2 / 5, 2)) == (0.15, 0.40)  # 14 and 6 nodes
    assert "3 of 3 complete cores" in found["statement"] and "12 of 15 rows" in found["statement"]
    assert "stays open" in found["derived"] and pd.isna(found["consistent"])


def test_the_core_of_table_9_is_that_of_table_6_and_lies_in_no_other_field(study):
    found = study.loc["same_core.rq2.mm.kmax.nodes"]
    assert found["derived"] == "the same 14 developers; not within CV or NLP" and found["assumption"]
    assert len(study[study.index.str.startswith("same_core.")]) == 1


def test_openrail_does_not_fit_among_the_permissive(study):
    """(0.365 + 0.165 + 0.135) of the licensed, at most 35.335 % of 348,181, against the bound on the permissive group."""
    least = 0.665 * (1 - 0.64675) * 348_181
    bound = audit.quantities()["groups.permissive_high"]
    assert least > 81_000 > bound
    assert study.loc["openrail.rq1.models.license_share.openrail", "consistent"]


@pytest.fixture(scope="module")
def of_2024(import_dump):
    """The published commits of 2024-12-04 as a snapshot of their own, without decisions on names."""
    return import_dump("2024-12-04", "commits-jsonl", "top-models-2024-12-04.jsonl.gz").path.parent


@pytest.mark.parametrize("row", pd.read_csv(paths.DATA / "real_cores.csv").to_dict("records"), ids=lambda row: row["bots"])
def test_the_real_innermost_cores_are_what_networkx_finds_in_the_published_commits(row, of_2024, monkeypatch):
    """Service accounts are left out: all of them, or all but the account `system`, which is then a person like others."""
    rules = people.bot_rules()
    kept = {"exclude": rules, "all but system": rules[rules["name"] != "system"]}[row["bots"]]
    assert len(rules) - len(kept) == (row["bots"] != "exclude")
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(of_2024))
    monkeypatch.setattr(people, "bot_rules", lambda: kept)
    run = Parameters(row["snapshot"], as_of=row["as_of"])
    frame = engine.edges(engine.load(run)).value.query("source != target")
    graph = nx.from_pandas_edgelist(frame, edge_attr="weight", create_using=nx.DiGraph)
    numbers = nx.core_number(graph)
    k = max(numbers.values())
    core = graph.subgraph([node for node, number in numbers.items() if number == k])
    assert (k, len(core), core.number_of_edges()) == (row["k"], row["nodes"], row["edges"])
    assert nx.average_clustering(core, weight="weight") == pytest.approx(row["acc"], abs=0.0005)


def test_the_core_with_system_kept_is_that_of_loops_over_the_published_commits(dumps):
    """Without the engine: the file's lines, the rule of METHODS, one account more. Table 6's last row: 26, 14, 182."""
    file = dumps / "top-models-2024-12-04.jsonl.gz"
    if not file.is_file():
        pytest.skip(f"HUB_DUMPS has no {file.name}")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        listed = [model["commits"] for model in map(json.loads, lines) if isinstance(model["commits"], list)]
    models = [[c["authors"] for c in commits if c["created_at"][:10] <= "2023-10-15"] for commits in listed]
    names = pd.Series(sorted({name for commits in models for authors in commits for name in authors}))
    bots = set(names[people.is_bot(names)])
    assert core_of(models, bots) == (24, 13, 156)
    assert core_of(models, bots - {"system"}) == (26, 14, 182)


def core_of(models: list[list[list[str]]], bots: set[str]) -> tuple[int, int, int]:
    """k, developers and edges of the innermost core, from the authors of each model's commits."""
    graph = nx.DiGraph()
    for commits in models:
        signed = [[name for name in authors if name not in bots] for authors in commits]
        everyone = {name for names in signed for name in names}
        graph.add_edges_from((names[0], other) for names in signed if names for other in everyone - {names[0]})
    numbers = nx.core_number(graph)
    k = max(numbers.values())
    core = graph.subgraph([node for node, number in numbers.items() if number == k])
    return k, len(core), core.number_of_edges()


def test_outcomes_are_counted_by_check_and_in_all(study):
    found = audit.outcome_counts(study.reset_index())
    parts = ("consistent", "contradicted", "undecided")
    assert found["checks.total"] == len(study) == sum(found[f"checks.{part}"] for part in parts)
    assert (found["organisations.total"], found["organisations.contradicted"]) == (4, 2)
    assert found["average_degree.consistent"] == found["average_degree.total"] == 15


def test_quantities_of_the_text_by_hand():
    found = audit.quantities()
    assert found["groups.none"] == 225_169  # 64.67 % of 348,181
    assert found["groups.permissive"] + found["groups.restrictive"] == 339_502 - 225_169
    assert found["order.least"] > found["order.most"]
    assert (found["whole.top"], found["whole.needed"]) == (1_052, 38_698)  # 0.035 * 1052 * 1051 = 38,697.8
    assert found["isolates.high.share"] == pytest.approx(1 - 10_524 / 101_144)
    assert audit.quantities(published.printed_values().head(0)) == {}
