"""Clustering of a weighted, directed network: triangles by hand, by loops over three nodes, and networkx."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import triangles


def clustering(nodes: int, *edges: tuple[int, int, int]) -> float | None:
    source, target, weight = (np.array([edge[i] for edge in edges], dtype="int64") for i in range(3))
    return triangles.average_clustering(nodes, source, target, weight)


some_edges = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 60)).filter(lambda edge: edge[0] != edge[1]),
    max_size=40, unique_by=lambda edge: edge[:2],
)  # fmt: skip


def test_without_a_node_nothing_is_known_and_without_an_edge_nobody_is_clustered():
    assert clustering(0) is None
    assert clustering(3) == 0


def test_a_circle_of_three_has_one_of_two_triangles():
    """Each has two edges, which could make two directed triangles; one is there, its edges of the largest weight."""
    assert clustering(3, (0, 1, 5), (1, 2, 5), (2, 0, 5)) == pytest.approx(1 / 2)


def test_all_edges_of_one_weight_among_three_make_all_triangles():
    edges = [(a, b, 2) for a, b in itertools.permutations(range(3), 2)]
    assert clustering(3, *edges) == pytest.approx(1)
    assert clustering(6, *edges) == pytest.approx(1 / 2)  # three developers more, with no triangle


def test_a_triangle_counts_the_cube_root_of_its_weights():
    """1, 8 and 64 over 64: (1/64)^(1/3) (8/64)^(1/3) 1 = 1/4 * 1/2; half of it, as of a circle of equal weights."""
    assert clustering(3, (0, 1, 1), (1, 2, 8), (2, 0, 64)) == pytest.approx(1 / 16)


def test_a_star_and_two_who_answer_each_other_make_no_triangle():
    assert clustering(5, *((0, leaf, 3) for leaf in range(1, 5))) == 0
    assert clustering(2, (0, 1, 3), (1, 0, 1)) == 0


def test_a_weight_that_is_larger_than_the_number_of_edges_is_taken_as_it_is():
    """The table of roots is only made where it is short; a weight of a million among three edges has its own root."""
    assert clustering(3, (0, 1, 1), (1, 2, 1_000_000), (2, 0, 1_000_000)) == pytest.approx(1 / 200)


@given(some_edges)
@settings(deadline=None)
def test_it_is_that_of_networkx(edges):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(8))
    graph.add_weighted_edges_from(edges)
    assert clustering(8, *edges) == pytest.approx(nx.average_clustering(graph, weight="weight"), rel=1e-12, abs=1e-15)


@given(some_edges.filter(bool), st.permutations(range(8)))
@settings(deadline=None)
def test_numbering_and_order_of_the_edges_do_not_matter(edges, places):
    moved = [(places[source], places[target], weight) for source, target, weight in reversed(edges)]
    assert clustering(8, *moved) == pytest.approx(clustering(8, *edges), rel=1e-12, abs=1e-15)


@given(some_edges)
@settings(max_examples=40, deadline=None)
def test_triangles_are_those_of_loops_over_three_nodes(edges):
    """The sum over a node's triangles of the product of its pairs' strengths, each pair once."""
    pairs = {tuple(sorted(edge[:2])): float(edge[2]) for edge in edges}
    expected = np.zeros(8)
    for corners in itertools.combinations(range(8), 3):
        sides = [pairs.get(pair) for pair in itertools.combinations(corners, 2)]
        if None not in sides:
            expected[list(corners)] += sides[0] * sides[1] * sides[2]
    low, high = (np.array([pair[i] for pair in pairs], dtype="int64") for i in (0, 1))
    assert triangles._triangles(8, low, high, np.array(list(pairs.values()))) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_that_of_networkx_on_networks_with_hubs(seed):
    graph = nx.DiGraph(nx.scale_free_graph(80, seed=seed))
    graph.remove_edges_from(nx.selfloop_edges(graph))
    edges = [(s, t, 1 + (s * 7 + t) % 9) for s, t in graph.edges]
    nx.set_edge_attributes(graph, {(s, t): weight for s, t, weight in edges}, "weight")
    assert clustering(80, *edges) == pytest.approx(nx.average_clustering(graph, weight="weight"), rel=1e-12)
