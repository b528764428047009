"""A network as arrays: the form in which all its edges are counted at once.

Developers are integers here; no username enters this module.
"""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from numba import njit


class Links(NamedTuple):
    """A network as arrays, for measures over all its edges: `nodes`, how many there are; per edge, by source and
    target, the places of both among the sorted nodes, and the weight.
    """

    nodes: int
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def links(network: nx.DiGraph | pd.DataFrame | Links, *, weight: str | None = "weight") -> Links:
    """Return a network, or its edges as for `graph`, as arrays (as it is, if it is so already).

    An edge of a network that lacks the attribute `weight` counts 1. Raises ValueError as `graph` does.
    """
    if isinstance(network, Links):
        return network
    if isinstance(network, pd.DataFrame):
        rows = pairs(network)
        nodes, ends = np.unique(rows[["source", "target"]].to_numpy("int64"), return_inverse=True)
        source, target = ends.reshape(-1, 2).T
        apart = source != target
        return Links(len(nodes), source[apart], target[apart], rows["weight"].to_numpy("int64")[apart])
    place = {node: number for number, node in enumerate(sorted(network))}
    rows = [row for _, row in network.adjacency()]
    source = np.repeat(np.array([place[node] for node in network], dtype="int64"), [len(row) for row in rows])
    target = np.array([place[node] for row in rows for node in row], dtype="int64")
    weights = np.array([edge.get(weight, 1) for row in rows for edge in row.values()])
    order = np.lexsort((target, source))
    return Links(len(place), source[order], target[order], weights[order])


def pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Check the edges and add up the rows of the same pair, sorted."""
    check_rows(edges, table="edges", integers=("source", "target"), counts=("weight",), least=1)
    return edges.groupby(["source", "target"], sort=True)["weight"].sum().reset_index()


def order_of(keys: np.ndarray) -> np.ndarray:
    """The order of whole numbers of 0 or more, equal ones as they come; sorted with their places, which is quicker."""
    bits = len(keys).bit_length()
    if int(keys.max(initial=0)) >= 1 << (63 - bits):
        return np.argsort(keys, kind="stable")
    return np.sort(keys << bits | np.arange(len(keys))) & (1 << bits) - 1


def pair_keys(network: Links) -> np.ndarray:
    """Give per edge the pair that it links, whichever way: the lower number times the nodes plus the higher one."""
    return np.minimum(network.source, network.target) * network.nodes + np.maximum(network.source, network.target)


def linked_pairs(network: Links) -> np.ndarray:
    """Give the `pair_keys` of the pairs of nodes with an edge, each once, sorted."""
    keys = np.sort(pair_keys(network))
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def core_numbers_of(network: Links) -> np.ndarray:
    """Give the core number of every node by number, in time that grows with the edges (Batagelj and Zaversnik, 2003)."""
    return _core_numbers(network.nodes, network.source, network.target)


@njit(cache=True)
def _core_numbers(nodes, source, target):
    """The node of the fewest edges leaves next; each other one stands in the order by how many edges it has left."""
    degree = np.bincount(source, minlength=nodes) + np.bincount(target, minlength=nodes)
    near, first = np.empty(2 * len(source), np.int64), np.append(0, degree.cumsum())
    free = first.copy()
    for edge in range(len(source)):
        near[free[source[edge]]], near[free[target[edge]]] = target[edge], source[edge]
        free[source[edge]] += 1
        free[target[edge]] += 1
    begins = np.append(0, np.bincount(degree).cumsum())  # of the nodes with so many edges
    order, place, free = np.empty(nodes, np.int64), np.empty(nodes, np.int64), begins.copy()
    for node in range(nodes):
        place[node] = free[degree[node]]
        order[place[node]] = node
        free[degree[node]] += 1
    for node in order:
        for edge in range(first[node], first[node + 1]):
            other = near[edge]
            if degree[other] > degree[node]:
                # It changes places with the first of its degree, and the next degree begins behind it.
                begin = begins[degree[other]]
                before = order[begin]
                order[begin], order[place[other]] = other, before
                place[before], place[other] = place[other], begin
                begins[degree[other]] += 1
                degree[other] -= 1
    return degree


def innermost_k(network: Links) -> int:
    """Give k of the innermost core, 0 without an edge."""
    return int(core_numbers_of(network).max(initial=0))


def induced(network: Links, kept: np.ndarray) -> Links:
    """The network of the edges marked in `kept`, without the nodes that have none of them."""
    return compact(network.nodes, network.source[kept], network.target[kept], network.weight[kept])


def compact(nodes: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Links:
    """The network of edges between numbers below `nodes`, of which those that have an edge are numbered anew, in order."""
    there = np.zeros(nodes, dtype=bool)
    there[source] = there[target] = True
    place = there.cumsum() - 1
    return Links(int(there.sum()), place[source], place[target], weight)


def part_of(network: Links, inside: np.ndarray) -> Links:
    """Cut out the nodes marked in `inside` and the edges among them."""
    kept = inside[network.source] & inside[network.target]
    place = np.cumsum(inside) - 1
    source, target = place[network.source[kept]], place[network.target[kept]]
    return Links(int(inside.sum()), source, target, network.weight[kept])


def check_rows(frame, *, table, integers=(), counts=(), least=0, others=()) -> None:
    """Raise ValueError, in one line, at the first column or row that is not what the table should hold."""
    expected = (*integers, *counts, *others)
    for name in expected:
        if name not in frame.columns:
            raise ValueError(f"{table}: column {name} is absent; expected {', '.join(expected)}")
        missing = frame[name].isna().to_numpy()
        if missing.any():
            raise ValueError(f"{table}: row {missing.argmax()}, column {name}: missing; expected a value")
    for name in integers:
        if len(frame) and not pd.api.types.is_integer_dtype(frame[name].dtype):
            raise ValueError(f"{table}: column {name}: expected integers, developers are numbered first")
    for name in counts:
        if not len(frame):
            continue
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            raise ValueError(f"{table}: column {name}: expected whole numbers, counts of commits")
        wrong = ((frame[name] < least) | (frame[name] % 1 != 0)).to_numpy(dtype=bool)
        if wrong.any():
            where = f"{table}: row {wrong.argmax()}, column {name}"
            raise ValueError(f"{where}: expected a whole number, at least {least}")
