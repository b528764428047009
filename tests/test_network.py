"""RQ2: the collaboration network, its cores and their measures (study, section 4.2, Tables 6-9, Figure 4)."""

import gzip
import itertools
import json
import math
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from analysis import communities, links, network


def edges(*rows):
    return pd.DataFrame(rows, columns=["source", "target", "weight"]).astype("int64")


def memberships(*rows):
    frame = pd.DataFrame(rows, columns=["repo_id", "developer", "leads"])
    return frame.astype({"developer": "int64", "leads": "int64"})


def complete(n, start=0):
    return edges(*[(a, b, 1) for a, b in itertools.permutations(range(start, start + n), 2)])


def edges_of(members):
    """The edge rule, written as two loops over each repository's authors."""
    rows = []
    for _, authors in members.groupby("repo_id"):
        leads = dict(zip(authors["developer"].tolist(), authors["leads"].tolist(), strict=True))
        if len(leads) == 1:
            rows += [(a, a, max(1, n)) for a, n in leads.items()]
        rows += [(a, b, n) for a, n in leads.items() if n for b in leads if a != b]
    return edges(*rows)


random_edges = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 5)), max_size=60).map(
    lambda rows: edges(*rows)
)

random_memberships = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 7), st.integers(0, 2)),
    max_size=30,
    unique_by=lambda row: row[:2],
).map(lambda rows: memberships(*rows))


# --- the network -----------------------------------------------------------------------------------------


def test_two_authors_who_both_lead_are_one_mutual_pair():
    measured = network.structure(network.graph(edges((1, 2, 3), (2, 1, 5))))
    assert measured == {
        "nodes": 2, "edges": 2, "mod": 0.0, "com": 1, "mod_weighted": 0.0, "com_weighted": 1,
        "dens": 1.0, "recip": 1.0, "arcc": 1.0, "ass": None, "ad": 2.0, "acc": 0.0,
    }  # fmt: skip


def test_a_self_loop_makes_a_developer_and_no_edge():
    built = network.graph(edges((7, 7, 2), (1, 2, 1)))
    assert list(built) == [1, 2, 7]
    assert list(built.edges) == [(1, 2)]


def test_a_self_loop_beside_an_edge_makes_no_isolate():
    loop = edges((1, 1, 4), (1, 2, 1), (3, 3, 1))
    assert network.developers(loop) == {"developers": 3, "isolates": 1, "isolate_share": 1 / 3}
    assert network.developers(network.graph(loop)) == network.developers(loop)
    assert list(network.without_isolates(network.graph(loop))) == [1, 2]


def test_edges_of_the_same_pair_add_up():
    assert network.graph(edges((1, 2, 3), (1, 2, 4)))[1][2]["weight"] == 7


def test_nodes_and_edges_are_in_sorted_order_in_every_part():
    built = network.graph(pd.concat([complete(4, 14), edges((3, 15, 1), (14, 3, 1), (0, 0, 1))]))
    assert list({14, 15, 16, 17}) != [14, 15, 16, 17]  # the order of a set would show
    for part in (built, network.without_isolates(built), network.innermost(built)):
        assert list(part) == sorted(part)
        assert list(part.edges) == sorted(part.edges)


def test_links_are_the_edges_by_the_places_of_their_ends():
    arrays = network.links(edges((7, 7, 2), (5, 9, 3), (9, 5, 1), (5, 9, 4), (3, 9, 1)))
    assert arrays.nodes == 4  # 3, 5, 7 (alone), 9
    columns = (arrays.source, arrays.target, arrays.weight)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == [(0, 3, 1), (1, 3, 7), (3, 1, 1)]


@given(random_edges)
def test_links_of_a_network_and_of_its_edges_are_the_same(rows):
    of_network, of_edges = network.links(network.graph(rows)), network.links(rows)
    assert of_network.nodes == of_edges.nodes
    for one, other in zip(of_network[1:], of_edges[1:], strict=True):
        assert one.tolist() == other.tolist()
    one, other = network.core_table(network.graph(rows)), network.core_table(rows)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_no_edges_at_all_is_an_empty_network():
    empty = pd.DataFrame({"source": [], "target": [], "weight": []})
    assert network.developers(empty) == {"developers": 0, "isolates": 0, "isolate_share": None}
    assert network.core_table(empty).isna().all(axis=None)
    measured = network.structure(network.graph(empty))
    assert measured.pop("nodes") == measured.pop("edges") == 0
    assert set(measured.values()) == {None}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"source": [1], "target": [2]}), "edges: column weight is absent"),
        (pd.DataFrame({"source": [1, 2], "target": [2, None], "weight": 1}), "row 1, column target: missing"),
        (edges((1, 2, 1), (2, 1, 0)), "row 1, column weight: expected a whole number, at least 1"),
        (pd.DataFrame({"source": [1], "target": [2], "weight": [1.5]}), "row 0, column weight"),
        (pd.DataFrame({"source": [1], "target": [2], "weight": ["x"]}), "column weight: expected whole"),
        (pd.DataFrame({"source": ["ada"], "target": [2], "weight": 1}), "column source: expected integers"),
    ],
)
def test_wrong_edges_are_named_in_one_line_without_a_username(frame, message):
    for reader in (network.graph, network.links):
        with pytest.raises(ValueError, match=message) as caught:
            reader(frame)
        assert "\n" not in str(caught.value)
        assert "ada" not in str(caught.value)


def test_the_given_frame_is_not_changed():
    given_edges = edges((2, 1, 1), (1, 2, 3), (5, 5, 1))
    before = given_edges.copy(deep=True)
    network.core_table(network.graph(given_edges))
    pd.testing.assert_frame_equal(given_edges, before)


# --- cores -----------------------------------------------------------------------------------------------


def test_a_14_clique_is_the_innermost_core_of_table_6():
    clique = network.graph(complete(14))
    assert set(network.core_numbers(clique).values()) == {26}
    assert network.levels(clique) == {"k1": 1, "k5": 5, "k10": 10, "kmax": 26}
    innermost = network.core_table(clique).loc["kmax"]
    assert (innermost["nodes"], innermost["edges"], innermost["com"]) == (14, 182, 1)
    assert (innermost["ad"], innermost["dens"], innermost["recip"], innermost["mod"]) == (26, 1, 1, 0)
    assert innermost["arcc"] == 1
    assert pd.isna(innermost["ass"])


def test_a_level_above_the_largest_core_is_undefined():
    assert network.levels(network.graph(edges((0, 1, 1)))) == {"k1": 1, "k5": None, "k10": None, "kmax": 1}
    assert network.levels(network.graph(complete(4)))["k5"] == 5
    assert network.levels(network.graph(complete(4)))["k10"] is None


def test_without_an_edge_every_level_and_measure_is_undefined():
    table = network.core_table(network.graph(edges((1, 1, 1))))
    assert list(table.index) == ["k1", "k5", "k10", "kmax"]
    assert table.isna().all(axis=None)
    assert set(network.core_results(table).values()) == {None}
    assert network.printed_cores(table).empty


def test_a_largest_core_of_10_is_both_levels_and_printed_once():
    table = network.core_table(network.graph(pd.concat([complete(6), edges((6, 0, 1))])))
    assert table["k"].tolist() == [1, 5, 10, 10]
    assert table.loc["k10"].drop("ass").equals(table.loc["kmax"].drop("ass"))
    assert network.printed_cores(table).index.tolist() == ["1", "5", "10 (MAX)"]
    assert network.printed_cores(table)["nodes"].tolist() == [7, 6, 6]


def test_results_are_named_by_level_and_measure_and_hold_plain_numbers():
    results = network.core_results(network.core_table(network.graph(complete(4))))
    assert len(results) == 4 * 13
    assert (results["kmax.k"], results["kmax.nodes"], results["kmax.recip"]) == (6, 4, 1.0)
    assert results["k10.k"] is None
    assert results["kmax.ass"] is None
    assert {type(value) for value in results.values()} == {int, float, type(None)}
    json.dumps(results, allow_nan=False)


# --- measures of a core ----------------------------------------------------------------------------------


def test_a_star_that_only_sends_has_neither_reciprocity_nor_assortativity():
    measured = network.structure(network.graph(edges((0, 1, 1), (0, 2, 1), (0, 3, 1), (0, 4, 1))))
    assert (measured["recip"], measured["ass"], measured["acc"]) == (0.0, None, 0.0)
    assert (measured["dens"], measured["ad"]) == (4 / 20, 8 / 5)
    assert measured["arcc"] is None  # the rich are the centre alone


def test_a_mutual_star_is_disassortative():
    rows = [pair for leaf in range(1, 5) for pair in ((0, leaf, 1), (leaf, 0, 1))]
    assert network.assortativity(network.graph(edges(*rows))) == pytest.approx(-1)


def test_two_separate_pairs_are_two_communities_of_modularity_one_half():
    measured = network.structure(network.graph(pd.concat([complete(2), complete(2, 2)])))
    assert (measured["com"], measured["mod"]) == (2, pytest.approx(0.5))


def test_a_weighted_search_splits_a_clique_that_an_unweighted_one_keeps_whole():
    heavy = {(0, 1), (1, 0), (2, 3), (3, 2)}
    clique = complete(4)
    pairs = zip(clique["source"], clique["target"], strict=True)
    measured = network.structure(network.graph(clique.assign(weight=[10 if p in heavy else 1 for p in pairs])))
    assert (measured["com"], measured["mod"]) == (1, 0.0)
    # 48 commits, 40 of them inside the two pairs; each pair sends and receives half of all.
    assert (measured["com_weighted"], measured["mod_weighted"]) == (2, pytest.approx(40 / 48 - 2 * 0.25))


def test_one_community_has_modularity_zero_to_the_last_digit():
    built = network.graph(edges((1, 2, 3), (2, 1, 4)))
    assert nx.community.modularity(built, [{1, 2}]) != 0  # 49 * (1 / 49) is not 1 as a float
    assert network.structure(built)["mod"] == 0


def test_modularity_is_scored_with_weights_even_where_the_search_ignores_them():
    measured = network.structure(network.graph(pd.concat([complete(2), complete(2, 2).assign(weight=3)])))
    assert measured["mod"] == pytest.approx(1 - (2 / 8) ** 2 - (6 / 8) ** 2)


def test_clustering_of_a_directed_triangle_is_weighted():
    # Weights 8, 1, 1: the cube root of 1 * 1/8 * 1/8 is 1/4; the triangle is one of two possible ones.
    assert network.structure(network.graph(edges((0, 1, 8), (1, 2, 1), (2, 0, 1))))["acc"] == 0.125


def test_nodes_without_edges_have_density_zero_and_no_modularity():
    measured = network.structure(network.graph(edges((1, 1, 1), (2, 2, 1))))
    assert (measured["dens"], measured["ad"], measured["acc"]) == (0.0, 0.0, 0.0)
    assert measured["mod"] is measured["com"] is measured["recip"] is measured["ass"] is None


def test_the_top_share_is_rounded_up_from_its_exact_value():
    # 0.07 * 100 is 7.000000000000001 as a float. The eighth developer has a lower degree and 92 equals.
    circles = [(s, t, 1) for a in range(7, 100, 3) for s, t in ((a, a + 1), (a + 1, a + 2), (a + 2, a))]
    built = network.graph(pd.concat([complete(7), edges(*circles)]))
    assert len(built) == 100
    assert network.rich_club(built, share=0.07) == 1.0
    assert network.rich_club(built, share=0.08) < 0.1


def test_the_rich_include_everyone_of_the_last_rich_degree():
    # Of 4 developers the top 10 % is one, of degree 3; three of them have it, with 4 of 6 edges among them.
    built = network.graph(edges((0, 1, 1), (1, 0, 1), (1, 2, 1), (2, 0, 1), (3, 2, 1)))
    assert sorted(dict(built.degree).values()) == [1, 3, 3, 3]
    assert network.rich_club(built) == pytest.approx(4 / 6)


# --- centrality (Figure 4) -------------------------------------------------------------------------------


def test_degree_counts_edges_in_and_out_without_weights():
    table = network.centralities(network.graph(edges((1, 2, 9), (2, 1, 1), (1, 3, 1), (8, 8, 1))))
    assert table["developer"].tolist() == [1, 2, 3]
    assert table["degree"].tolist() == [3, 2, 1]


def test_pagerank_of_a_mutual_star_is_the_closed_form():
    rows = [pair for leaf in range(1, 5) for pair in ((0, leaf, 1), (leaf, 0, 1))]
    ranks = network.centralities(network.graph(edges(*rows, (9, 9, 1)))).set_index("developer")["pagerank"]
    centre = (0.15 / 5 + 0.85) / 1.85  # c = 0.15/5 + 0.85 (1 - c), the leaves sending all they have
    assert ranks[0] == pytest.approx(centre, abs=1e-10)
    assert ranks[3] == pytest.approx((1 - centre) / 4, abs=1e-10)


def solved_pagerank(connected):
    """PageRank as the solution of its linear equations, for the oracle."""
    matrix = nx.to_scipy_sparse_array(connected, weight="weight", dtype=float)
    out = matrix.sum(axis=1)
    sends = sparse.diags_array(np.divide(1.0, out, out=np.zeros_like(out), where=out > 0)) @ matrix
    # A dangling node's rank is spread evenly, which scales the result: solve without it, then normalise.
    solution = sparse.linalg.spsolve((sparse.eye_array(len(out)) - 0.85 * sends.T).tocsc(), np.ones(len(out)))
    return solution / solution.sum()


def test_pagerank_is_within_1e_10_of_its_limit_where_the_default_is_not():
    generated = nx.gnp_random_graph(3000, 0.001, seed=3, directed=True)
    rows = [(s, t, 1 + (s * t) % 7) for s, t in generated.edges]
    built = network.without_isolates(network.graph(edges(*rows)))
    limit = solved_pagerank(built)
    assert np.abs(network.centralities(built)["pagerank"] - limit).sum() < 1e-10
    assert np.abs(np.array(list(nx.pagerank(built).values())) - limit).sum() > 1e-6


@given(random_edges)
def test_pagerank_solves_its_equations(rows):
    built = network.without_isolates(network.graph(rows))
    if len(built):
        found = network.centralities(built)["pagerank"]
        assert np.abs(found - solved_pagerank(built)).sum() < 1e-10
        assert found.sum() == pytest.approx(1)


def test_no_developer_has_a_centrality_without_an_edge():
    table = network.centralities(network.graph(edges((1, 1, 1))))
    assert table.empty
    assert list(table.columns) == ["developer", "degree", "pagerank"]


def test_a_distribution_is_mean_median_sample_deviation_and_maximum():
    assert network.distribution([1, 2, 6]) == {"mean": 3, "median": 2, "std": math.sqrt(14 / 2), "max": 6}
    assert network.distribution([4]) == {"mean": 4, "median": 4, "std": None, "max": 4}
    assert set(network.distribution([]).values()) == {None}
    assert isinstance(network.distribution(pd.Series([3, 1]))["max"], int)
    with pytest.raises(ValueError, match="a value is missing"):
        network.distribution([1.0, None])


# --- properties ------------------------------------------------------------------------------------------


@given(random_edges)
def test_measures_stay_within_their_bounds(rows):
    measured = network.structure(network.without_isolates(network.graph(rows)))
    bounds = {"dens": (0, 1), "recip": (0, 1), "arcc": (0, 1), "acc": (0, 1), "mod": (-1, 1), "ass": (-1, 1)}
    for name, (low, high) in bounds.items():
        assert measured[name] is None or low - 1e-9 <= measured[name] <= high + 1e-9
    assert all(value is None or math.isfinite(value) for value in measured.values())
    if measured["nodes"]:
        assert measured["ad"] == 2 * measured["edges"] / measured["nodes"]
        assert 1 <= measured["com"] <= measured["nodes"]


@given(random_edges, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    one, other = network.graph(rows), network.graph(rows.iloc[order])
    assert network.core_results(network.core_table(one)) == network.core_results(network.core_table(other))
    pd.testing.assert_frame_equal(network.centralities(one), network.centralities(other), check_exact=True)


@given(random_edges)
def test_a_new_single_author_changes_only_developers_and_isolates(rows):
    one, other = network.graph(rows), network.graph(pd.concat([rows, edges((99, 99, 3))]))
    before, after = network.developers(one), network.developers(other)
    assert after["developers"] == before["developers"] + 1
    assert after["isolates"] == before["isolates"] + 1
    assert network.core_results(network.core_table(one)) == network.core_results(network.core_table(other))
    pd.testing.assert_frame_equal(network.centralities(one), network.centralities(other), check_exact=True)


@given(random_edges)
def test_every_core_is_the_one_of_the_definition(rows):
    """Oracle: drop developers of degree below k until none is left."""
    built = network.graph(rows)
    for k in (1, 2, 5, 10):
        rest = built.copy()
        while weak := [node for node, degree in rest.degree if degree < k]:
            rest.remove_nodes_from(weak)
        assert {node for node, number in network.core_numbers(built).items() if number >= k} == set(rest)


@given(random_edges)
def test_core_numbers_equal_networkx(rows):
    built = network.graph(rows)
    assert network.core_numbers(built) == nx.core_number(built)


def with_hubs(seed: int, nodes: int):
    """A network in which few developers have most of the edges out."""
    drawn = np.random.default_rng(seed)
    ends = (drawn.random((5 * nodes, 2)) ** (3, 1) * nodes).astype("int64")
    return network.graph(edges(*[(a, b, 1) for a, b in ends.tolist()]))


@given(seed=st.integers(0, 2**32 - 1), nodes=st.integers(2, 2_000))
@settings(max_examples=20)
def test_core_numbers_of_networks_with_hubs_equal_networkx(seed, nodes):
    built = with_hubs(seed, nodes)
    assert network.core_numbers(built) == nx.core_number(built)


def test_chains_and_trees_are_peeled_to_the_core_of_one_however_long():
    """A chain leaves from its two ends: by rounds over all that is left, this one would take minutes."""
    size = 40_000
    number = np.random.default_rng(0).permutation(size)
    chain = links.Links(size, number[:-1], number[1:], np.ones(size - 1))
    child = np.arange(1, size)
    tree = links.Links(size, number[(child - 1) // 2], number[child], np.ones(size - 1))
    for built in (chain, tree):
        assert set(links.core_numbers_of(built).tolist()) == {1}


# --- networkx and numpy as oracles -------------------------------------------------------------------------


@given(random_edges)
def test_structure_equals_networkx(rows):
    built = network.graph(rows)
    measured = network.structure(built)
    if not measured["edges"]:
        return
    for mod, com, weight in (("mod", "com", None), ("mod_weighted", "com_weighted", "weight")):
        found = nx.community.greedy_modularity_communities(built, weight=weight)
        assert measured[com] == len(found)
        if len(found) > 1:
            assert measured[mod] == nx.community.modularity(built, found)  # to the last digit
    assert measured["dens"] == nx.density(built)
    assert measured["recip"] == nx.reciprocity(built)
    assert measured["acc"] == pytest.approx(nx.average_clustering(built, weight="weight"), rel=1e-12, abs=1e-15)


@given(random_edges)
def test_assortativity_is_the_correlation_of_the_degrees_over_the_edges(rows):
    built = network.graph(rows)
    found = network.assortativity(built)
    x = [built.out_degree(source) for source, _ in built.edges]
    y = [built.in_degree(target) for _, target in built.edges]
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-9)


@given(random_edges)
@settings(max_examples=300, deadline=None)
def test_communities_equal_networkx_to_the_last_one(rows):
    built = network.graph(rows)
    for weight in (None, "weight"):
        expected = nx.community.greedy_modularity_communities(built, weight=weight)
        assert communities.communities(built, weight=weight) == [frozenset(part) for part in expected]


def hub_and_spokes(seed):
    """A developer linked to most others, cliques as repositories make them, and pairs apart."""
    random = np.random.default_rng(seed)
    rows = [(0, int(other), 1) for other in range(1, 120)]
    for start in range(0, 200, 5):
        group = random.choice(200, size=random.integers(2, 7), replace=False).tolist()
        rows += [(a, b, int(random.zipf(1.8) % 500 + 1)) for a, b in itertools.permutations(group, 2)]
        rows += [(1000 + start, 1001 + start, 2), (1001 + start, 1000 + start, 1)]
    return network.graph(edges(*rows))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("weight", [None, "weight"])
def test_communities_equal_networkx_on_larger_networks(seed, weight):
    sparse_graph = nx.gnp_random_graph(250, 0.006, seed=seed, directed=True)
    dense_graph = nx.gnp_random_graph(60, 0.3, seed=seed, directed=True)
    for generated in (sparse_graph, dense_graph):
        for source, target, data in generated.edges(data=True):
            data["weight"] = 1 + (source * 7 + target * 13) % 5
    for built in (sparse_graph, dense_graph, hub_and_spokes(seed)):
        expected = nx.community.greedy_modularity_communities(built, weight=weight)
        assert communities.communities(built, weight=weight) == [frozenset(part) for part in expected]


def hubs_and_leaves(seed):
    """Hubs linked to one another, and to developers who are linked to nobody else: many gains are equal."""
    random = np.random.default_rng(seed)
    names = random.permutation(200).tolist()  # a hub comes before its leaves, among them or after them
    hubs, leaves = names[:12], names[12:]
    rows = [(a, b, 1) for a, b in itertools.permutations(hubs, 2) if random.random() < 0.3]
    for leaf in leaves:
        hub = hubs[min(random.geometric(0.3), 12) - 1]
        out, back = (hub, leaf, 1), (leaf, hub, int(random.integers(1, 3)))
        rows += [[out], [back], [out, back]][random.integers(3)]
    return network.graph(edges(*rows))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weight", [None, "weight"])
def test_communities_equal_networkx_where_most_gains_are_equal(seed, weight):
    alike = nx.disjoint_union_all([nx.gnp_random_graph(5, 0.4, seed=seed, directed=True)] * 20)
    both_ways = nx.DiGraph(nx.complete_bipartite_graph(4, 12))
    for built in (hubs_and_leaves(seed), alike, both_ways, nx.DiGraph(nx.grid_2d_graph(6, 7))):
        expected = nx.community.greedy_modularity_communities(built, weight=weight)
        assert communities.communities(built, weight=weight) == [frozenset(part) for part in expected]


def test_communities_equal_networkx_where_few_of_a_team_lead():
    """Those of a team who do not lead are alike: which of them is joined first decides later ties."""
    for seed in range(150):
        random = np.random.default_rng(seed)
        teams = [random.choice(40, size=random.integers(2, 8), replace=False).tolist() for _ in range(8)]
        built = network.graph(edges(*[(team[0], other, 1) for team in teams for other in team[1:]]))
        expected = nx.community.greedy_modularity_communities(built)
        assert communities.communities(built) == [frozenset(part) for part in expected]


@pytest.mark.parametrize("weight", [None, "weight"])
def test_after_every_join_the_gains_are_those_of_the_definition(weight, monkeypatch):
    arrays = network.links(hubs_and_leaves(1), weight=weight)
    shares = np.zeros((arrays.nodes, arrays.nodes))
    shares[arrays.source, arrays.target] = arrays.weight / arrays.weight.sum()
    join, joins = communities._join, []

    def checked(pair, u, v, number, of_u, of_v, found, known):
        row = join(pair, u, v, number, of_u, of_v, found, known)
        shares[v], shares[u] = shares[v] + shares[u], 0
        shares[:, v], shares[:, u] = shares[:, v] + shares[:, u], 0
        own = known[known["changed"] == number]
        others = own["ends"] - v
        out, into = shares.sum(axis=1), shares.sum(axis=0)
        expected = shares[v, others] + shares[others, v] - (out[v] * into[others] + out[others] * into[v])
        assert own["gain"] == pytest.approx(expected, abs=1e-12)
        assert (found["pair"] == communities.NONE).all()
        joins.append(number)
        return row

    def interpreted(*arrays, joined=communities._joined.py_func):
        return joined(*arrays[:-2], *(records.view(np.recarray) for records in arrays[-2:]))

    monkeypatch.setattr(communities, "_joined", interpreted)
    monkeypatch.setattr(communities, "_join", checked)
    communities._search(arrays, arrays.weight)
    assert len(joins) > 150


def test_the_search_finds_two_cliques_and_nothing_in_nothing():
    """Two of four, 12 edges each, and one edge between them: 12/25 + 12/25 - (13 * 12 + 12 * 13) / 25^2."""
    rows = [(a, b, 1) for side in (range(4), range(4, 8)) for a, b in itertools.permutations(side, 2)]
    arrays = links.links(network.graph(edges(*rows, (0, 4, 1))))
    assert communities.modularity(arrays, weighted=False) == (pytest.approx(24 / 25 - (13 * 12 + 12 * 13) / 625), 2)
    assert communities.modularity(links.links(edges((1, 1, 1))), weighted=False) == (None, None)


@given(random_edges)
def test_the_innermost_core_is_the_largest_core_number(rows):
    built = network.graph(rows)
    assert links.innermost_k(links.links(built)) == max(nx.core_number(built).values(), default=0)


@given(seed=st.integers(0, 2**32 - 1), nodes=st.integers(2, 500))
@settings(max_examples=20)
def test_the_innermost_core_of_networks_with_hubs_is_that_of_networkx(seed, nodes):
    built = with_hubs(seed, nodes)
    assert links.innermost_k(links.links(built)) == max(nx.core_number(built).values())


@given(random_edges, st.randoms(use_true_random=False))
def test_communities_of_one_size_come_in_the_order_of_the_network(rows, random):
    built = network.graph(rows)
    nodes, pairs = list(built), list(built.edges(data=True))
    random.shuffle(nodes)
    random.shuffle(pairs)
    mixed = nx.DiGraph()
    mixed.add_nodes_from(nodes)
    mixed.add_edges_from(pairs)
    for weight in (None, "weight"):
        expected = nx.community.greedy_modularity_communities(mixed, weight=weight)
        assert communities.communities(mixed, weight=weight) == [frozenset(part) for part in expected]


@given(random_edges)
def test_the_rich_club_equals_a_count_over_all_ordered_pairs(rows):
    built = network.graph(rows)
    found = network.rich_club(built)
    ranked = sorted(built, key=built.degree, reverse=True)
    rich = [node for node in built if built.degree(node) >= built.degree(ranked[-(-len(ranked) // 10) - 1])]
    if len(rich) < 2:
        assert found is None
    else:
        pairs = list(itertools.permutations(rich, 2))
        assert found == pytest.approx(sum(built.has_edge(*pair) for pair in pairs) / len(pairs))


# --- what the edge rule makes by itself ------------------------------------------------------------------


def test_two_leaders_are_reciprocal_by_the_rule_alone():
    found = network.edge_rule_reciprocity(memberships(("r", 1, 1), ("r", 2, 40)))
    assert set(found.values()) == {1.0}


@given(st.integers(2, 9), st.data())
def test_in_one_repository_the_number_of_leaders_fixes_reciprocity(n, data):
    n_leaders = data.draw(st.integers(1, n))
    rows = memberships(*[("r", developer, int(developer < n_leaders)) for developer in range(n)])
    found = network.edge_rule_reciprocity(rows, draws=5)
    expected = pytest.approx((n_leaders - 1) / (n - 1))
    assert found["observed"] == found["same_repository"] == expected
    assert found["null_low"] == found["null_high"] == expected


def test_a_reverse_from_another_repository_is_not_made_by_the_rule_alone():
    rows = memberships(("r", 1, 1), ("r", 2, 0), ("s", 1, 0), ("s", 2, 1))
    found = network.edge_rule_reciprocity(rows, draws=400, seed=1)
    assert (found["observed"], found["same_repository"]) == (1.0, 0.0)
    # A draw is 1 where the two repositories have different leaders, and 0 where the same one leads both.
    assert (found["null_low"], found["null_high"]) == (0.0, 1.0)
    assert found["null_mean"] == pytest.approx(0.5, abs=0.1)


def test_the_null_is_the_mean_over_all_ways_to_choose_the_leaders():
    authors = {"r": ([1, 2, 3], 1), "s": ([2, 3], 1), "t": ([1, 3, 4], 2)}
    shares = []
    for chosen in itertools.product(*(itertools.combinations(who, n) for who, n in authors.values())):
        pairs = zip(authors.values(), chosen, strict=True)
        made = {(a, b) for (who, _), leaders in pairs for a in leaders for b in who if a != b}
        shares.append(sum((b, a) in made for a, b in made) / len(made))
    rows = [(repo, who, int(i < n)) for repo, (names, n) in authors.items() for i, who in enumerate(names)]
    found = network.edge_rule_reciprocity(memberships(*rows), draws=4000)
    assert found["null_mean"] == pytest.approx(np.mean(shares), abs=6 * np.std(shares) / math.sqrt(4000))


def test_random_edges_among_the_same_developers_are_seldom_mutual():
    # 3 developers, 3 edges: given one edge, 2 others fall on the 5 pairs left.
    found = network.edge_rule_reciprocity(memberships(("r", 1, 1), ("r", 2, 0), ("s", 2, 1), ("s", 3, 1)))
    assert found["observed"] == pytest.approx(2 / 3)
    assert found["random"] == pytest.approx(2 / 5)


@given(random_memberships, st.randoms(use_true_random=False))
def test_the_observed_share_is_the_reciprocity_of_the_network(rows, random):
    found = network.edge_rule_reciprocity(rows, draws=3)
    assert found["observed"] == network.structure(network.graph(edges_of(rows)))["recip"]
    if found["observed"] is not None:
        assert 0 <= found["same_repository"] <= found["observed"] <= 1
    order = list(range(len(rows)))
    random.shuffle(order)
    assert network.edge_rule_reciprocity(rows.iloc[order], draws=3) == found


def test_without_a_shared_repository_nothing_can_be_reciprocal():
    found = network.edge_rule_reciprocity(memberships(("r", 1, 3), ("s", 2, 3)))
    assert set(found.values()) == {None}


def test_wrong_memberships_are_named():
    rows = memberships(("r", 1, 1), ("r", 2, 1))
    with pytest.raises(ValueError, match="memberships: column leads is absent"):
        network.edge_rule_reciprocity(rows.drop(columns="leads"))
    with pytest.raises(ValueError, match="row 1, column leads: expected a whole number, at least 0"):
        network.edge_rule_reciprocity(rows.assign(leads=[1, -1]))
    with pytest.raises(ValueError, match="draws: 0 is too few"):
        network.edge_rule_reciprocity(rows, draws=0)


def test_the_repository_that_carries_a_core_comes_first():
    rows = memberships(("b", 1, 1), ("b", 2, 0), ("a", 3, 1), ("z", 1, 1), ("z", 2, 1), ("z", 3, 1), ("y", 9, 1))
    ranked = network.core_repositories(pd.concat([rows, rows.head(1)]), network.graph(complete(3, 1)))
    assert ranked["repo_id"].tolist() == ["z", "b", "a"]
    assert ranked["members"].tolist() == [3, 2, 1]
    assert ranked["share"].tolist() == [1.0, 2 / 3, 1 / 3]
    assert network.core_repositories(rows, [3, 9])["repo_id"].tolist() == ["a", "y", "z"]


def test_an_empty_core_is_in_no_repository():
    ranked = network.core_repositories(memberships(("a", 1, 1)), [])
    assert ranked.empty
    assert list(ranked.columns) == ["repo_id", "members", "share"]


# --- published records -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published_memberships():
    folder = os.environ.get("HUB_DUMPS")
    file = Path(folder or ".") / "top-models-2024-12-04.jsonl.gz"
    if not folder or not file.exists():
        pytest.skip("HUB_DUMPS does not name a folder with top-models-2024-12-04.jsonl.gz")
    names, counts = {}, {}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            commits = record["commits"] if isinstance(record["commits"], list) else []
            for authors in (commit["authors"] for commit in commits if commit["authors"]):
                for position, name in enumerate(dict.fromkeys(authors)):
                    key = (record["modelId"], names.setdefault(name, len(names)))
                    counts[key] = counts.get(key, 0) + (position == 0)
    return memberships(*[(*key, leads) for key, leads in counts.items()])


@pytest.mark.dumps
def test_published_commits_give_the_same_communities_as_networkx(published_memberships):
    built = network.graph(edges_of(published_memberships))
    for weight in (None, "weight"):
        expected = nx.community.greedy_modularity_communities(built, weight=weight)
        assert communities.communities(built, weight=weight) == [frozenset(part) for part in expected]


@pytest.mark.dumps
def test_published_commits_give_one_reciprocity_by_two_ways(published_memberships):
    found = network.edge_rule_reciprocity(published_memberships)
    assert found["observed"] == network.structure(network.graph(edges_of(published_memberships)))["recip"]
    assert found["random"] < found["same_repository"] <= found["observed"]


# --- central developers (section 3.4) -------------------------------------------------------------------------------------


def test_central_developers_and_the_edges_that_touch_them():
    # 0 is linked to 1 and 2 both ways (degree 4); 3 and 4 have one edge; 5 stands alone.
    rows = edges((0, 1, 1), (1, 0, 1), (0, 2, 1), (2, 0, 1), (3, 4, 1), (5, 5, 1))
    found = network.central(network.graph(rows), least_degree=4)
    assert found == {"min_degree": 4, "developers": 1, "developer_share": 1 / 6, "edge_share": 4 / 5}


def test_of_nobody_there_is_no_share():
    found = network.central(network.graph(edges()))
    assert found == {"min_degree": 10, "developers": 0, "developer_share": None, "edge_share": None}


def test_a_developer_of_two_models_counts_once():
    assert network.developer_count(pd.DataFrame({"repo_id": ["a", "b", "b"], "developer": [1, 1, 2]})) == 2


# --- how far the numbering of nodes decides -----------------------------------------------------------------------


def test_communities_that_no_tie_decides_have_no_range_and_those_that_ties_decide_have_one():
    """Two cliques that one edge joins are two communities, however they are numbered; a ring of twelve has only ties."""
    cliques = nx.disjoint_union(*(nx.complete_graph(5, create_using=nx.DiGraph) for _ in range(2)))
    cliques.add_edge(0, 5)
    found = network.numbering_ranges(cliques, draws=6)
    assert (found["k1.com_low"], found["k1.com_high"]) == (2, 2) and found["k1.mod_low"] == found["k1.mod_high"]
    assert "k10.mod_low" not in found
    ring = network.numbering_ranges(nx.cycle_graph(12, create_using=nx.DiGraph), draws=20)
    assert ring["k1.mod_low"] < ring["k1.mod_high"]


def test_a_range_holds_the_score_of_the_network_as_it_is_numbered():
    ring = nx.cycle_graph(12, create_using=nx.DiGraph)
    found, own = network.numbering_ranges(ring, draws=3), network.structure(ring)
    assert found["k1.mod_low"] <= own["mod"] <= found["k1.mod_high"]
    assert network.numbering_ranges(ring, draws=0)["k1.mod_low"] == own["mod"]
