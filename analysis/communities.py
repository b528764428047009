"""Communities of a network by greedy modularity, and the modularity that they have (study, Table 1: MOD, COM).

The search is networkx's, on arrays and compiled: the same partition, of a network of the study's size in 0.04 s of processor
time instead of 93. Nothing is left to the compiler's choice of rounding (tests/test_machines.py).
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import networkx as nx
import numpy as np
from numba import njit

from analysis.links import Links, links

NONE = -1  # no pair of communities, no next node


def communities(network: nx.DiGraph, *, weight: str | None = None) -> list[frozenset[int]]:
    """Find communities by greedy modularity (Clauset, Newman and Moore 2004), the largest first.

    The same partition, in the same order, as `networkx.community.greedy_modularity_communities` with its
    default options: the arithmetic is the same, step by step, and so is the choice between equal gains
    (the pair with the smallest numbers). `weight` names the edge attribute (whole numbers) that the search
    uses, None for none.
    """
    arrays = links(network, weight=weight)
    ordered = sorted(network)
    last = {node: ordered[place] for node, place in zip(ordered, _search(arrays, arrays.weight).tolist(), strict=True)}
    members = {node: [] for node in network if last[node] == node}
    for node in network:
        members[last[node]].append(node)
    return sorted(map(frozenset, members.values()), key=len, reverse=True)


def _alike(low: np.ndarray, high: np.ndarray, out: np.ndarray, into: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give per node the next one that is like it: linked to the same hub only, by as much; and the pairs to keep."""
    single = np.bincount(np.concatenate([low, high]), minlength=len(out)) == 1
    pairs = np.flatnonzero(single[low] | single[high])
    leaf = np.where(single[low], low, high)[pairs]
    hub = (low + high)[pairs] - leaf
    order = np.lexsort((leaf, into[leaf], out[leaf], hub))
    pairs, leaf, hub = pairs[order], leaf[order], hub[order]
    features = np.column_stack([hub, out[leaf], into[leaf]])
    same = (features[1:] == features[:-1]).all(axis=1)
    following = np.full(len(out), NONE)
    following[leaf[:-1][same]] = leaf[1:][same]
    return following, np.delete(np.arange(len(low)), pairs[1:][same])


class _Communities(NamedTuple):
    """The communities while they are joined, each under the number of its last node, and what every two linked ones gain.

    Pairs of communities are numbered once: where u is joined to v, the pair (u, w) becomes (v, w) under its old number.
    Each has two sides, 2 p of the one and 2 p + 1 of the other community, which are chained: `first`, `last` of a community's
    chain and `after` of a side. A pair that has ended leaves a chain when this is next walked.
    Most of a hub's neighbours are linked to nobody else. Those with the same links to it have the same gain at every
    step, so that they share one pair, which stands for the first of them; `following` names the next.
    """

    out: np.ndarray  # per community: shares of the weight that leaves it,
    into: np.ndarray  # and that enters it
    gain: np.ndarray  # per pair: gain in modularity,
    ends: np.ndarray  # sum of both communities: less the one, this is the other,
    changed: np.ndarray  # and the join that changed the gain last, 0 for none yet, NONE once it has ended
    following: np.ndarray
    first: np.ndarray
    last: np.ndarray
    after: np.ndarray
    pair_with: np.ndarray  # room for a join to find the pairs of v by its neighbours; NONE in between


def _search(network: Links, weight: np.ndarray) -> np.ndarray:
    """Join the two linked communities of the largest gain until all would lose; per node, the last of its community."""
    nodes, source, target = network.nodes, network.source, network.target
    if not weight.sum():
        return np.arange(nodes)
    scale = 1 / weight.sum().item()
    out, into = (np.bincount(ends, weight, nodes) * scale for ends in (source, target))
    known, pair = np.unique(_pairs(network), return_inverse=True)
    both = np.bincount(pair, weight)
    following, kept = _alike(known // nodes, known % nodes, out, into)
    low, high = known[kept] // nodes, known[kept] % nodes
    gain = scale * both[kept] - (out[low] * into[high] + into[low] * out[high])
    state = _Communities(
        out, into, gain, low + high, np.zeros(len(low), "int64"), following, *_chains(low, high, nodes), np.full(nodes, NONE)
    )
    return _joined(low, high, np.argsort(-gain, kind="stable"), state)


def _chains(low: np.ndarray, high: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chain the sides of the pairs by community: first and last side of each, and what comes after each side."""
    community = np.column_stack([low, high]).ravel()
    sides = np.argsort(community, kind="stable")
    community = community[sides]
    same = community[1:] == community[:-1]
    first, last, after = np.full(nodes, NONE), np.full(nodes, NONE), np.full(len(sides), NONE)
    first[community[np.append(True, ~same)]] = sides[np.append(True, ~same)]
    last[community[np.append(~same, True)]] = sides[np.append(~same, True)]
    after[sides[:-1][same]] = sides[1:][same]
    return first, last, after


@njit(cache=True)
def _joined(low: np.ndarray, high: np.ndarray, order: np.ndarray, state: _Communities) -> np.ndarray:
    """Join until all would lose; `order`: of the pairs as they are at first.

    A join changes all pairs of its community but queues only the best of them, the one that can come next; where a later
    join changes that pair, the entry is outdated when it is reached, and the best of the pairs that its own join was the
    last to change takes its place. Entries: loss, the two communities, pair, number of the join.
    """
    last = np.arange(len(state.out))
    made = [NONE]  # the community that each join made
    queue = [(np.inf, NONE, NONE, NONE, NONE)]  # never reached; an empty list has no type
    place = 0
    while True:
        while place < len(order) and state.changed[order[place]] != 0:
            place += 1
        entry = queue[0]
        if place < len(order):
            pair = order[place]
            at_first = (-state.gain[pair], low[pair], high[pair], pair, 0)
            if at_first < entry:
                entry = at_first
        loss, u, v, pair, number = entry
        if loss > 0:  # if outdated, what takes its place is no better
            break
        if number:
            heapq.heappop(queue)
        if state.changed[pair] == number:
            number = len(made)
            _join(pair, u, v, number, state)
            made.append(v)
            last[u] = v
        best = _best(made[number], number, state)
        if best[0] <= 0:
            heapq.heappush(queue, best)
    for node in range(len(last) - 1, -1, -1):  # joined to a later one, which is resolved by now
        last[node] = last[last[node]]
    return last


@njit(cache=True)
def _join(pair: int, u: int, v: int, number: int, state: _Communities) -> None:
    """Join community u to v in the order and the arithmetic of networkx: sums of floats depend on them."""
    gain, ends, changed, out, into, after = state.gain, state.ends, state.changed, state.out, state.into, state.after
    pair_with = state.pair_with
    changed[pair] = NONE
    _drop_ended(v, state)
    side = state.first[v]
    while side != NONE:
        pair_with[ends[side // 2] - v] = side // 2
        side = after[side]
    side = state.first[u]
    state.first[u] = state.last[u] = NONE
    while side != NONE:
        following, own = after[side], side // 2
        if changed[own] != NONE:
            beside = ends[own] - u
            shared = pair_with[beside]
            if shared == NONE:
                gain[own] -= out[v] * into[beside] + out[beside] * into[v]
                ends[own] = v + beside
                _append(v, side, state)
            else:
                gain[shared] += gain[own]
                pair_with[beside] = NONE
                changed[own] = NONE
        side = following
    side = state.first[v]
    while side != NONE:
        own = side // 2
        beside = ends[own] - v
        if pair_with[beside] == own:  # of v alone
            gain[own] -= out[u] * into[beside] + out[beside] * into[u]
            pair_with[beside] = NONE
        changed[own] = number
        side = after[side]
    leaf = u if state.following[u] != NONE else v
    following, state.following[leaf] = state.following[leaf], NONE
    if following != NONE:  # from now on the pair is that of the next one, to which the leaf is as any third node
        gain[pair] -= out[leaf] * into[following] + out[following] * into[leaf]
        ends[pair] = v + following
        changed[pair] = number
        _append(v, 2 * pair, state)
    out[v] += out[u]
    into[v] += into[u]


@njit(cache=True)
def _drop_ended(community: int, state: _Communities) -> None:
    """Take the pairs that have ended out of a community's chain."""
    side, before = state.first[community], NONE
    while side != NONE:
        following = state.after[side]
        if state.changed[side // 2] != NONE:
            before = side
        elif before == NONE:
            state.first[community] = following
        else:
            state.after[before] = following
        side = following
    state.last[community] = before


@njit(cache=True)
def _append(community: int, side: int, state: _Communities) -> None:
    if state.first[community] == NONE:
        state.first[community] = side
    else:
        state.after[state.last[community]] = side
    state.last[community], state.after[side] = side, NONE


@njit(cache=True)
def _best(v: int, number: int, state: _Communities) -> tuple[float, int, int, int, int]:
    """Give the queue's entry for the best pair of v among those that this join changed last; an infinite loss without any."""
    gain, other, pair = -np.inf, NONE, NONE
    side = state.first[v]
    while side != NONE:
        own = side // 2
        if state.changed[own] == number:
            beside = state.ends[own] - v  # with v in all of them, the smallest pair is that of the smallest other
            if state.gain[own] > gain or (state.gain[own] == gain and beside < other):
                gain, other, pair = state.gain[own], beside, own
        side = state.after[side]
    return -gain, min(v, other), max(v, other), pair, number


def _pairs(network: Links) -> np.ndarray:
    return np.minimum(network.source, network.target) * network.nodes + np.maximum(network.source, network.target)


def modularity(network: Links, *, weighted: bool) -> tuple[float | None, int | None]:
    """Return modularity and number of communities; the score always uses the weights.

    The score is `networkx.community.modularity` to the last digit: whole numbers are exact, and the communities'
    terms are added in its order, the largest first.
    """
    weight, edges = network.weight, len(network.source)
    if not edges:
        return None, None
    return _scored(network, _search(network, weight if weighted else np.ones(edges, dtype="int64")))


def _scored(network: Links, found: np.ndarray) -> tuple[float, int]:
    """Modularity and number of communities of a partition, a number per node."""
    weight = network.weight
    names, group, sizes = np.unique(found, return_inverse=True, return_counts=True)
    if len(names) == 1:  # exactly 0 by definition; the sum of floats may miss it and print as -0.00
        return 0.0, 1
    total, source, target = weight.sum().item(), group[network.source], group[network.target]
    inner = source == target
    inside, out, into = (
        np.bincount(ends, counts, len(names))
        for ends, counts in ((source[inner], weight[inner]), (source, weight), (target, weight))
    )
    terms = inside / total - out * into * (1 / total**2)
    return sum(terms[np.argsort(-sizes, kind="stable")].tolist()), len(names)
