"""The clustering of a weighted, directed network (ACC of Tables 6-9; Fagiolo 2007, doi:10.1103/PhysRevE.76.026107).

Triangles are listed, not multiplied out: each is found once, at its two best connected corners' common edge, so that a
hub of thousands costs nothing (Chiba and Nishizeki 1985, doi:10.1137/0214017).
"""

import math

import numpy as np

from analysis import exact

BLOCK = 2_000_000  # pairs of edges that are looked at together


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
    order = np.argsort(keys)  # of the two edges between the same two either may come first: their sum is the same
    keys = keys[order]
    first = np.append(True, keys[1:] != keys[:-1])
    both_ways = np.add.reduceat(strength[order], np.flatnonzero(first))
    low, high = keys[first] // nodes, keys[first] % nodes
    linked_to = np.bincount(low, minlength=nodes) + np.bincount(high, minlength=nodes)
    several = (linked_to[low] > 1) & (linked_to[high] > 1)  # whoever is linked to one other is in no triangle
    found = _triangles(nodes, low[several], high[several], both_ways[several])
    degree = np.bincount(source, minlength=nodes) + np.bincount(target, minlength=nodes)
    of_two = np.flatnonzero(~np.append(first, True)[1:])  # of two edges between the same two: one each way
    mutual = np.bincount(keys[of_two] // nodes, minlength=nodes) + np.bincount(keys[of_two] % nodes, minlength=nodes)
    possible = degree * (degree - 1) - 2 * mutual
    return math.fsum(found[found > 0] / possible[found > 0]) / nodes


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
    order = np.argsort(one * nodes + other)
    one, other, strength = one[order], other[order], strength[order]
    keys = one * nodes + other
    following = np.bincount(one, minlength=nodes).cumsum()[one] - np.arange(1, len(one) + 1)
    found = np.zeros(nodes)
    for block in np.split(np.arange(len(one)), np.flatnonzero(np.diff(following.cumsum() // BLOCK)) + 1):
        first = np.repeat(block, following[block])
        ends = following[block].cumsum()
        second = first + 1 + np.arange(len(first)) - np.repeat(ends - following[block], following[block])
        wanted = other[first] * nodes + other[second]
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        closed = keys[place] == wanted
        first, second, place = first[closed], second[closed], place[closed]
        product = strength[first] * strength[second] * strength[place]
        for corner in (one[first], other[first], other[second]):
            found += np.bincount(corner, product, minlength=nodes)
    return found[rank]
