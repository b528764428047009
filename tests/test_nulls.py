"""The null models: what they keep, what they draw, and measures by hand and by networkx."""

import random
from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import network, nulls
from analysis.network import Links


def members(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["repo_id", "developer", "leads"])


def as_pairs(edges: Links) -> list[tuple[int, int]]:
    return list(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


some_members = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=25,
    unique_by=lambda row: row[:2],
).map(lambda rows: members(*rows))  # fmt: skip


def test_the_edges_of_two_repositories_by_hand():
    """In a, 1 leads 3 commits and 2 leads none; in b, both lead one: 1 -> 2 has 3 + 1, 2 -> 1 has 1; 5 works alone."""
    linked = nulls.linked(nulls.seats(members(("a", 1, 3), ("a", 2, 0), ("b", 1, 1), ("b", 2, 1), ("c", 5, 9))))
    assert linked.nodes == 2
    assert as_pairs(linked) == [(0, 1), (1, 0)]
    assert linked.weight.tolist() == [4, 1]


@given(some_members)
@settings(max_examples=60, deadline=None)
def test_the_network_is_that_of_the_edge_rule(rows):
    """By loops over the records, as METHODS states the rule; without isolates."""
    expected = Counter()
    for mine in rows.itertuples():
        for other in rows.itertuples():
            if mine.repo_id == other.repo_id and mine.developer != other.developer and mine.leads:
                expected[mine.developer, other.developer] += mine.leads
    linked = nulls.linked(nulls.seats(rows))
    names = sorted({end for pair in expected for end in pair})
    found = {(names[s], names[t]): w for (s, t), w in zip(as_pairs(linked), linked.weight.tolist(), strict=True)}
    assert found == dict(expected)


@given(some_members, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_dealt_seats_keep_sizes_and_activity_and_seat_nobody_twice(rows, seed):
    held = nulls.seats(rows)
    dealt = nulls.seats_drawn_anew(held, np.random.default_rng(seed))
    assert Counter(dealt.tolist()) <= Counter(held.developer.tolist())  # the others sit where they are alone
    assert len({*zip(held.repository[held.shared].tolist(), dealt.tolist(), strict=True)}) == len(held.shared)


def test_seats_that_can_be_dealt_in_one_way_only_stay():
    """Both are in both repositories, and each repository has two seats."""
    held = nulls.seats(members(("a", 1, 1), ("a", 2, 0), ("b", 1, 1), ("b", 2, 0)))
    for seed in range(5):
        dealt = nulls.seats_drawn_anew(held, np.random.default_rng(seed))
        assert sorted(dealt[:2]) == sorted(dealt[2:]) == [0, 1]


def directed(seed: int, nodes: int = 14, p: float = 0.25) -> Links:
    made = nx.gnp_random_graph(nodes, p, seed=seed, directed=True)
    edges = np.array(sorted(made.edges)).reshape(-1, 2)
    return Links(nodes, edges[:, 0], edges[:, 1], np.arange(1, len(edges) + 1))


@given(st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_rewiring_keeps_degrees_in_and_out_and_makes_no_loop_and_no_edge_twice(seed):
    before = directed(seed)
    after = nulls.rewired(before, np.random.default_rng(seed))
    pairs = as_pairs(after)
    assert len(set(pairs)) == len(pairs) and all(s != t for s, t in pairs)
    for ends in ("source", "target"):
        assert Counter(getattr(after, ends).tolist()) == Counter(getattr(before, ends).tolist())
    for node in range(before.nodes):  # a developer's weights go with the edges that they lead
        assert sorted(after.weight[after.source == node]) == sorted(before.weight[before.source == node])


def test_rewiring_reaches_every_network_of_the_same_degrees_about_equally_often():
    """Four developers with one edge out and in each: of the 9 permutations without a fixed point, each is one in nine."""
    start = Links(4, np.arange(4), np.array([1, 2, 3, 0]), np.ones(4, "int64"))
    drawn = (nulls.rewired(start, np.random.default_rng(seed), rounds=40) for seed in range(900))
    seen = Counter(tuple(made.target.tolist()) for made in drawn)
    assert len(seen) == 9
    assert (
        sum((times - 100) ** 2 / 100 for times in seen.values()) < 26.1
    )  # chi-square, 8 degrees of freedom, p = 0.001


def test_beside_null_by_hand():
    table = nulls.beside_null(
        {"a": 5.0, "b": None, "c": 1.0}, pd.DataFrame({"a": [1.5, 3.5], "b": [1.0, 2.0], "c": [1, 1]})
    )
    assert table.loc["a", ["observed", "null_mean", "z"]].tolist() == [5.0, 2.5, pytest.approx(2.5 / 2**0.5)]
    assert table.loc["a", ["null_low", "null_high"]].tolist() == [pytest.approx(1.55), pytest.approx(3.45)]
    assert np.isnan(table.loc["b", "z"]) and np.isnan(table.loc["c", "z"])


def test_a_range_of_counts_ends_at_counts():
    """Of 1 to 11 the outer 2.5 % end at 1.25 and 10.75; a count beyond is above only beyond the next whole number."""
    null = pd.DataFrame({"kmax": range(1, 12), "recip": np.arange(1, 12) / 2, "ass": [np.nan] * 11})
    found = nulls.beside_null({"kmax": 11, "recip": 5.5, "ass": None}, null)
    assert found.loc["kmax", ["null_low", "null_high", "reading"]].tolist() == [1, 11, "among"]
    assert found.loc["recip", ["null_low", "null_high", "reading"]].tolist() == [0.625, 5.375, "above"]
    assert pd.isna(found.loc["ass", "null_low"])


def test_a_null_table_of_nothing_is_empty():
    assert nulls.null_table(nulls.seats(members(("a", 1, 1))), "seats", draws=3).empty


def test_the_same_seed_gives_the_same_table():
    rows = members(*((f"r{i % 5}", i % 7, i % 3) for i in range(30) if (i % 5, i % 7)))
    pd.testing.assert_frame_equal(*(nulls.null_table(nulls.seats(rows), "degrees", draws=4) for _ in range(2)))


# ---- core and periphery -------------------------------------------------------------------------------------


def test_a_star_is_a_hub_and_its_spokes():
    """All five leaves are linked with the centre alone: the pattern holds exactly."""
    star = Links(6, np.zeros(5, int), np.arange(1, 6), np.ones(5, int))
    found = nulls.core_periphery(star)
    assert (found["hub_and_spoke.core"], found["hub_and_spoke.fit"]) == (1, pytest.approx(1))


def test_a_clique_among_strangers_is_a_clique():
    source, target = np.array([(a, b) for a in range(4) for b in range(a)]).T
    found = nulls.core_periphery(Links(9, source, target, np.ones(6, int)))
    assert (found["clique.core"], found["clique.fit"]) == (4, pytest.approx(1))
    # Three of the four fit as well: what links them with the fourth is left out.
    assert found["core_and_periphery.core"] in (3, 4) and found["core_and_periphery.fit"] == pytest.approx(1)


@given(st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_the_fit_is_the_correlation_of_two_lists_of_pairs(seed):
    edges = directed(seed, nodes=9)
    found = nulls.core_periphery(edges)
    adjacent = np.zeros((9, 9))
    adjacent[edges.source, edges.target] = adjacent[edges.target, edges.source] = 1
    order = np.argsort(-adjacent.sum(axis=0), kind="stable")
    pairs = [(i, j) for i in range(9) for j in range(i)]
    seen = np.array([adjacent[order[i], order[j]] for i, j in pairs])
    for pattern, ideal in (("hub_and_spoke", lambda i, j, c: j < c), ("clique", lambda i, j, c: i < c)):
        sizes = [c for c in range(1, 9) if len({ideal(i, j, c) for i, j in pairs}) == 2]
        fits = [np.corrcoef(seen, [ideal(i, j, c) for i, j in pairs])[0, 1] for c in sizes]
        if seen.std():
            assert found[f"{pattern}.fit"] == pytest.approx(np.nanmax(fits))


def test_the_measures_are_those_of_the_first_and_the_last_row_of_the_core_table():
    edges = directed(5)
    ours, table = nulls.core_measures(edges), network.core_table(edges)
    assert ours["recip"] == table.loc["k1", "recip"] and ours["kmax"] == table.loc["kmax", "k"]


def exchanged_one_by_one(edges: Links, seed: int, steps: int) -> Links:
    """The plain chain: two edges at a time exchange their targets, unless that makes a loop or an edge that is there."""
    drawn, pairs = random.Random(seed), as_pairs(edges)
    for _ in range(steps):
        i, j = drawn.randrange(len(pairs)), drawn.randrange(len(pairs))
        (a, b), (c, d) = pairs[i], pairs[j]
        if a != d and c != b and not {(a, d), (c, b)} & set(pairs):
            pairs[i], pairs[j] = (a, d), (c, b)
    source, target = np.array(sorted(pairs)).T
    return Links(edges.nodes, source, target, edges.weight)


def test_networks_with_hubs_are_as_likely_as_by_single_exchanges():
    """Where hubs are linked, what one pair makes is often what another takes away: assortativity tells a bias there."""
    degrees = sorted(nx.barabasi_albert_graph(24, 3, seed=1).edges)
    source, target = np.array(sorted({*degrees, *((b, a) for a, b in degrees[::2])})).T
    start = Links(24, source, target, np.ones(len(source), "int64"))
    plain = [network.assortativity(exchanged_one_by_one(start, seed, 1_500)) for seed in range(60)]
    ours = [network.assortativity(nulls.rewired(start, np.random.default_rng(seed))) for seed in range(400)]
    error = (np.var(plain) / len(plain) + np.var(ours) / len(ours)) ** 0.5
    assert abs(np.mean(plain) - np.mean(ours)) < 4 * error
