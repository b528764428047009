"""The clustering of a weighted, directed network (ACC of Tables 6-9; Fagiolo 2007, doi:10.1103/PhysRevE.76.026107).

Triangles are listed, not multiplied out: each is found once, at its two best connected corners' common edge, so that a
hub of thousands costs nothing (Chiba and Nishizeki 1985, doi:10.1137/0214017).
"""

import math

import numpy as np
from numba import njit

from analysis import exact
from analysis.links import order_of


def average_clustering(nodes: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float | None:
    """Mean clustering coefficient of the nodes, 0 to 1; None without a node.

    In: how many nodes, and the edges, none twice and none a loop, as numbers of nodes below `nodes` and positive weights.
    What `networkx.average_clustering(network, weight="weight")` gives: triangles of the cube roots of the weights over
    the largest one, over twice the triangles that the edges of a node could make.
    """
    if not len(source):
        return 0.0 if nodes else None
    strength = _strengths(weight)
    keys = np.minimum(source, target) * nodes + np.maximum(source, target)
    order = order_of(keys)  # of the two edges between the same two either may come first: their sum is the same
    low, high, both_ways, mutual = _merged(keys[order], strength[order], nodes)
    found = _triangles(nodes, low, high, both_ways)
    degree = np.bincount(source, minlength=nodes) + np.bincount(target, minlength=nodes)
    possible = degree * (degree - 1) - 2 * mutual
    return math.fsum(found[found > 0] / possible[found > 0]) / nodes


@njit(cache=True)
def _merged(keys, strength, nodes):
    """Both ends of each linked pair and what its edges come to, and how many links of each node go both ways.

    In: the pairs of all edges, sorted. Whoever is linked to one other is in no triangle, and such pairs are left out.
    """
    low, high, both_ways = np.empty(len(keys), np.int64), np.empty(len(keys), np.int64), np.empty(len(keys))
    linked_to, mutual = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    pairs = 0
    for edge in range(len(keys)):
        if edge and keys[edge] == keys[edge - 1]:
            both_ways[pairs - 1] += strength[edge]
            mutual[low[pairs - 1]] += 1
            mutual[high[pairs - 1]] += 1
        else:
            low[pairs], both_ways[pairs] = keys[edge] // nodes, strength[edge]
            high[pairs] = keys[edge] - low[pairs] * nodes
            linked_to[low[pairs]] += 1
            linked_to[high[pairs]] += 1
            pairs += 1
    kept = 0
    for pair in range(pairs):
        if linked_to[low[pair]] > 1 and linked_to[high[pair]] > 1:
            low[kept], high[kept], both_ways[kept] = low[pair], high[pair], both_ways[pair]
            kept += 1
    return low[:kept], high[:kept], both_ways[:kept], mutual


def _strengths(weight: np.ndarray) -> np.ndarray:
    """Cube roots of the weights over the largest one; weights are few, and each root is taken once."""
    largest = weight.max()
    if largest > len(weight) or weight.dtype.kind != "i":
        return exact.cube_root(weight.astype("float64") / largest)
    return exact.cube_root(np.arange(1, largest + 1) / largest)[weight - 1]


def _triangles(nodes: int, low: np.ndarray, high: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Per node the sum over its triangles of the product of the three strengths; pairs are given once, low before high."""
    degree = np.bincount(low, minlength=nodes) + np.bincount(high, minlength=nodes)
    rank = np.empty(nodes, dtype="int64")
    by_rank = np.argsort(degree, kind="stable")
    rank[by_rank] = np.arange(nodes)
    one, other = np.minimum(rank[low], rank[high]), np.maximum(rank[low], rank[high])
    order = order_of(one * nodes + other)
    begins = np.append(0, np.bincount(one, minlength=nodes).cumsum())
    return _at_corners(begins, other[order], strength[order])[rank]


@njit(cache=True)
def _at_corners(begins, other, strength):
    """Per node the sum over its triangles; the neighbours of a node, those of a higher number alone, are sorted."""
    nodes = len(begins) - 1
    found = np.zeros((3, nodes))  # by place of the node in the triangle
    edge_to = np.full(nodes, -1)
    for one in range(nodes):
        for edge in range(begins[one], begins[one + 1]):
            edge_to[other[edge]] = edge
        for first in range(begins[one], begins[one + 1]):
            middle = other[first]
            for closing in range(begins[middle], begins[middle + 1]):
                second = edge_to[other[closing]]
                if second >= 0:
                    product = strength[first] * strength[second] * strength[closing]
                    found[0, one] += product
                    found[1, middle] += product
                    found[2, other[closing]] += product
        for edge in range(begins[one], begins[one + 1]):
            edge_to[other[edge]] = -1
    return found[0] + found[1] + found[2]
