"""RQ2: how are developers connected by their commits to model repositories?

Study: section 4.2, Figure 4, Table 1 (definitions) and Tables 6-9. Pure functions on pandas frames and
networkx graphs; where these are Covered, so is the result. Developers are integers here; no username enters this module.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from scipy import sparse

from analysis import exact
from analysis.covered import carried

LEVELS = {"k1": 1, "k5": 5, "k10": 10}
STRUCTURE = (
    "nodes", "edges", "mod", "com", "mod_weighted", "com_weighted",
    "dens", "recip", "arcc", "ass", "ad", "acc",
)  # fmt: skip
COUNTS = ("k", "nodes", "edges", "com", "com_weighted")

NONE = -1  # no pair of communities, no next node

DAMPING = 0.85
PAGERANK_ERROR = 1e-10
CENTRAL_DEGREE = 10  # from this degree on the study looked developers up by hand (section 3.4)


# --- the network ------------------------------------------------------------------------------------------


@carried()
def graph(edges: pd.DataFrame) -> nx.DiGraph:
    """Build the collaboration network (study, section 3.3; METHODS, 3).

    In: columns source, target (integer developer numbers), weight (commits, whole and positive). Rows of the
    same pair are added up. A self-loop makes its node and is then dropped, so that it marks an isolate.
    Out: directed graph, edge attribute `weight`; nodes and edges in sorted order, whatever the row order.
    Raises ValueError for a missing column, a missing value, a developer that is not an integer, or a weight
    that is not a positive whole number.
    """
    pairs = _pairs(edges)
    source, target, weight = (pairs[name].tolist() for name in ("source", "target", "weight"))
    network = nx.DiGraph()
    network.add_nodes_from(sorted({*source, *target}))
    network.add_weighted_edges_from((s, t, int(w)) for s, t, w in zip(source, target, weight, strict=True) if s != t)
    return network


def _pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Check the edges and add up the rows of the same pair, sorted."""
    _check(edges, table="edges", integers=("source", "target"), counts=("weight",), least=1)
    return edges.groupby(["source", "target"], sort=True)["weight"].sum().reset_index()


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
        pairs = _pairs(network)
        nodes, ends = np.unique(pairs[["source", "target"]].to_numpy("int64"), return_inverse=True)
        source, target = ends.reshape(-1, 2).T
        apart = source != target
        return Links(len(nodes), source[apart], target[apart], pairs["weight"].to_numpy("int64")[apart])
    place = {node: number for number, node in enumerate(sorted(network))}
    rows = [row for _, row in network.adjacency()]
    source = np.repeat(np.array([place[node] for node in network], dtype="int64"), [len(row) for row in rows])
    target = np.array([place[node] for row in rows for node in row], dtype="int64")
    weights = np.array([edge.get(weight, 1) for row in rows for edge in row.values()])
    order = np.lexsort((target, source))
    return Links(len(place), source[order], target[order], weights[order])


@carried()
def developers(network: nx.DiGraph | pd.DataFrame) -> dict[str, int | float | None]:
    """Count developers and isolates (section 4.2.1; an isolate has no edge once self-loops are dropped).

    In: the network, or its edges as for `graph`. Out: developers, isolates, isolate_share (0 to 1; None where
    there is no developer).
    """
    if isinstance(network, pd.DataFrame):
        network = graph(network)
    n_isolates = nx.number_of_isolates(network)
    share = n_isolates / len(network) if len(network) else None
    return {"developers": len(network), "isolates": n_isolates, "isolate_share": share}


@carried()
def developers_by(networks: Mapping[str, nx.DiGraph]) -> pd.DataFrame:
    """Put `developers` of several networks side by side: a row a network."""
    rows = {name: developers(network) for name, network in networks.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def without_isolates(network: nx.DiGraph) -> nx.DiGraph:
    """Return a copy of the network with the developers that have at least one edge."""
    return _part(network, {node for node, degree in network.degree if degree})


# --- cores ------------------------------------------------------------------------------------------------


def core_numbers(network: nx.DiGraph) -> dict[int, int]:
    """Give every developer's core number on in-degree + out-degree (Table 1, k-core): a 14-clique has 26."""
    return dict(zip(sorted(network), core_numbers_of(links(network)).tolist(), strict=True))


def levels(network: nx.DiGraph) -> dict[str, int | None]:
    """Give k of the levels k1, k5, k10 and kmax, the largest core that is not empty (Tables 6-9).

    A level whose core is empty is None. kmax may equal a fixed level: the study prints CV's k = 10 as its
    maximum, and both are then the same core. Without an edge every level is None.
    """
    return _levels(core_numbers_of(links(network)))


def k_core(network: nx.DiGraph, k: int) -> nx.DiGraph:
    """Return the k-core: a copy of the network with the developers of core number k or more."""
    return _part(network, {node for node, number in core_numbers(network).items() if number >= k})


def _why_no_core(table: pd.DataFrame, *_) -> dict[str, str]:
    """Why a level, or a measure of a level, has no value."""
    largest = table.loc["kmax", "k"]
    found = dict.fromkeys(table.index[table["k"].isna()], f"the innermost core is at k = {largest}")
    for name, why in (
        ("ass", "the degrees at one end are the same on every edge"),
        ("arcc", "the best connected are one developer alone"),
    ):
        missing = table.index[table["k"].notna() & table[name].isna()]
        found |= {f"{level}.{name}": why for level in missing}
    return found


@carried(needs="links", empty=_why_no_core)
def core_table(
    network: nx.DiGraph | pd.DataFrame | Links, *, searches: Iterable[str] = ("mod", "mod_weighted")
) -> pd.DataFrame:
    """Measure every core (Tables 6-9); `searches` as for `structure`.

    In: the network, its edges as for `graph`, or its `links`.
    Out: index `level` (k1, k5, k10, kmax: always these four), columns k and those of `structure`; counts are
    Int64, the rest Float64; a level that is undefined, and a measure that is undefined, is NA.
    """
    everyone = links(network)
    numbers = core_numbers_of(everyone)
    chosen = _levels(numbers)
    measured = {
        k: {"k": k, **structure(_core(everyone, numbers >= k), searches=searches)}
        for k in sorted({k for k in chosen.values() if k is not None})
    }
    columns = {
        name: pd.array(
            [None if k is None else measured[k][name] for k in chosen.values()],
            dtype="Int64" if name in COUNTS else "Float64",
        )
        for name in ("k", *STRUCTURE)
    }
    return pd.DataFrame(columns, index=pd.Index(list(chosen), name="level"))


@carried()
def core_results(table: pd.DataFrame) -> dict[str, int | float | None]:
    """Turn a `core_table` into results by the end of their id, as `k10.recip`; undefined is None."""
    values = {name: [None if pd.isna(value) else value for value in table[name].tolist()] for name in table}
    return {f"{level}.{name}": values[name][row] for row, level in enumerate(table.index) for name in table}


@carried()
def printed_cores(table: pd.DataFrame) -> pd.DataFrame:
    """Turn a `core_table` into the rows the study prints: no undefined level, none twice, k as text.

    Out: by k, which is "1", "5", "10" and, for the innermost core, its k and "(MAX)", the measures of `core_table`.
    """
    rows = table.dropna(subset="k").drop_duplicates(subset="k").reset_index(drop=True)
    largest = rows["k"].max()
    names = [f"{k} (MAX)" if k == largest else str(k) for k in rows["k"]]
    return rows.assign(k=pd.Series(names, dtype="str")).set_index("k")


def core_numbers_of(network: Links) -> np.ndarray:
    """Give the core number of every node by number: take away, all at once, whoever has too few edges, until nobody has."""
    source, target = network.source, network.target
    numbers, k = np.zeros(network.nodes, dtype="int64"), 1
    while len(source):
        degree = np.bincount(np.concatenate([source, target]), minlength=network.nodes)
        enough = degree >= k
        kept = enough[source] & enough[target]
        if kept.all():  # what is left is a core for every k up to its smallest degree
            k = int(degree[enough].min())
            numbers[enough] = k
            k += 1
        source, target = source[kept], target[kept]
    return numbers


def induced(network: Links, kept: np.ndarray) -> Links:
    """The network of the edges marked in `kept`, without the nodes that have none of them."""
    source, target = network.source[kept], network.target[kept]
    nodes, ends = np.unique(np.concatenate([source, target]), return_inverse=True)
    return Links(len(nodes), ends[: len(source)], ends[len(source) :], network.weight[kept])


def _core(network: Links, inside: np.ndarray) -> Links:
    """Cut out the nodes marked in `inside` and the edges among them."""
    kept = inside[network.source] & inside[network.target]
    place = np.cumsum(inside) - 1
    source, target = place[network.source[kept]], place[network.target[kept]]
    return Links(int(inside.sum()), source, target, network.weight[kept])


# --- measures of a core -----------------------------------------------------------------------------------


def structure(
    network: nx.DiGraph | Links, *, searches: Iterable[str] = ("mod", "mod_weighted")
) -> dict[str, int | float | None]:
    """Measure a network or a core as Tables 6-9 do (definitions: Table 1; METHODS, 3).

    Out: nodes, edges; mod, com (search without weights, score with them); mod_weighted, com_weighted (both
    with weights); dens; recip; arcc; ass; ad = 2E/N; acc. A measure that is undefined is None: mod, com and
    recip without an edge, dens and arcc as their denominators say, ass where it divides by 0, ad and acc
    without a node. Of the two searches for communities, by far the longest part, only those in `searches` are made.
    """
    network = links(network)
    nodes, edges = network.nodes, len(network.source)
    none = (None, None)
    mod, com = _modularity(network, weighted=False) if "mod" in searches else none
    mod_weighted, com_weighted = _modularity(network, weighted=True) if "mod_weighted" in searches else none
    return {
        "nodes": nodes,
        "edges": edges,
        "mod": mod,
        "com": com,
        "mod_weighted": mod_weighted,
        "com_weighted": com_weighted,
        "dens": edges / (nodes * (nodes - 1)) if nodes > 1 else None,
        "recip": _mutual(network) / edges if edges else None,
        "arcc": rich_club(network),
        "ass": assortativity(network),
        "ad": 2 * edges / nodes if nodes else None,
        "acc": average_clustering(network),
    }


def _mutual(network: Links) -> int:
    """Count the edges whose reverse exists."""
    source, target, nodes = network.source, network.target, network.nodes
    return int(np.isin(target * nodes + source, source * nodes + target).sum())


def rich_club(network: nx.DiGraph | Links, *, share: float = 0.1) -> float | None:
    """Give the rich-club coefficient of a directed network, phi = E_R / (N_R (N_R - 1)) (Table 1, ARCC).

    R: the nodes whose degree (in + out) is at least that of the last node among the top `share`, which holds
    the share rounded up and at least one node. From 0 to 1; None where R has fewer than two nodes.
    """
    network = links(network)
    if not network.nodes:
        return None
    degrees = np.bincount(np.concatenate([network.source, network.target]), minlength=network.nodes)
    # Exact arithmetic: as floats, 0.07 * 100 lies just above 7 and would be rounded up to 8.
    top = max(1, math.ceil(Fraction(str(share)) * len(degrees)))
    rich = degrees >= np.sort(degrees)[-top]
    n_rich = int(rich.sum())
    if n_rich < 2:
        return None
    return int((rich[network.source] & rich[network.target]).sum()) / (n_rich * (n_rich - 1))


def assortativity(network: nx.DiGraph | Links) -> float | None:
    """Give degree assortativity, out-degree of the source against in-degree of the target, unweighted (ASS).

    None where it is undefined: without an edge, or where one of the two is the same on every edge.
    """
    network = links(network)
    sources, targets = np.bincount(network.source)[network.source], np.bincount(network.target)[network.target]
    if not len(sources) or sources.min() == sources.max() or targets.min() == targets.max():
        return None
    return exact.correlation(sources, targets)


def average_clustering(network: nx.DiGraph | Links) -> float | None:
    """Give the mean clustering coefficient, directed and weighted (ACC; Fagiolo 2007), None without a node.

    What `networkx.average_clustering(network, weight="weight")` gives, by matrix products: triangles of the cube roots
    of the weights over the largest one.
    """
    network = links(network)
    nodes = network.nodes
    if not len(network.source):
        return 0.0 if nodes else None
    edges = (network.weight.astype("float64"), (network.source, network.target))
    weights = sparse.csr_array(edges, shape=(nodes, nodes))
    adjacent = (weights != 0).astype("int64")
    roots = exact.cube_root(weights.data / weights.max())
    strength = sparse.csr_array((roots, weights.indices, weights.indptr), shape=weights.shape)
    both_ways = strength + strength.T
    several = np.flatnonzero(np.diff(both_ways.indptr) > 1)  # the others are in no triangle, and a bot has thousands
    inner = both_ways[several][:, several]
    triangles = np.zeros(nodes)
    triangles[several] = exact.sparse_product(inner, inner).multiply(inner).sum(axis=1)
    degree, mutual = adjacent.sum(axis=0) + adjacent.sum(axis=1), adjacent.multiply(adjacent.T).sum(axis=1)
    possible = 2 * (degree * (degree - 1) - 2 * mutual)
    shares = np.divide(triangles, possible, out=np.zeros(nodes), where=triangles > 0)
    return math.fsum(shares) / nodes


# --- communities ------------------------------------------------------------------------------------------


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


class _Gains:
    """Gain in modularity of every two linked communities, while communities are joined.

    A community goes by the place of its last node. Pairs of communities are numbered once: where u is joined to v, the
    pair (u, w) becomes (v, w) under its old number, so that only the rows of u and v are touched, each as an array (a
    hub has thousands of neighbours). `changed` says which join changed the gain of a pair last, 0 for none yet.
    Most of a hub's neighbours are linked to nobody else. Those with the same links to it have the same gain at every
    step, so that they share one pair, which stands for the first of them; `following` names the next.
    """

    def __init__(self, network: Links, weight: np.ndarray):
        nodes, source, target = network.nodes, network.source, network.target
        scale = 1 / weight.sum().item()
        self.out = np.bincount(source, weight, nodes) * scale
        self.into = np.bincount(target, weight, nodes) * scale
        known, pair = np.unique(np.minimum(source, target) * nodes + np.maximum(source, target), return_inverse=True)
        both = np.bincount(pair, weight)
        self.following, first = self._alike(known // nodes, known % nodes)
        self.low, self.high = low, high = known[first] // nodes, known[first] % nodes
        expected = self.out[low] * self.into[high] + self.into[low] * self.out[high]
        self.gain = scale * both[first] - expected
        self.ends = low + high  # less one of the two communities, this is the other
        sides = np.concatenate([low, high])
        by_side = np.argsort(sides, kind="stable") % len(low)
        bounds = np.searchsorted(np.sort(sides), np.arange(nodes + 1)).tolist()
        self.rows = [by_side[start:end] for start, end in pairwise(bounds)]
        self.changed = np.zeros(len(low), dtype="int64")
        self._pair_with = np.full(nodes, NONE)

    def _alike(self, low: np.ndarray, high: np.ndarray) -> tuple[list[int], np.ndarray]:
        """Give per node the next one that is like it: linked to the same hub only, by as much; and the pairs to keep."""
        single = np.bincount(np.concatenate([low, high]), minlength=len(self.out)) == 1
        pairs = np.flatnonzero(single[low] | single[high])
        leaf = np.where(single[low], low, high)[pairs]
        hub = (low + high)[pairs] - leaf
        order = np.lexsort((leaf, self.into[leaf], self.out[leaf], hub))
        pairs, leaf, hub = pairs[order], leaf[order], hub[order]
        features = np.column_stack([hub, self.out[leaf], self.into[leaf]])
        same = (features[1:] == features[:-1]).all(axis=1)
        following = np.full(len(self.out), NONE)
        following[leaf[:-1][same]] = leaf[1:][same]
        return following.tolist(), np.delete(np.arange(len(low)), pairs[1:][same])

    def join(self, pair: int, u: int, v: int, *, number: int) -> None:
        """Join community u to v in the order and the arithmetic of networkx: sums of floats depend on them."""
        gain, ends, changed, out, into = self.gain, self.ends, self.changed, self.out, self.into
        changed[pair] = NONE
        of_u, of_v = (row[changed[row] != NONE] for row in (self.rows[u], self.rows[v]))
        beside_u, beside_v = ends[of_u] - u, ends[of_v] - v
        self._pair_with[beside_v] = of_v
        twin = self._pair_with[beside_u]
        self._pair_with[beside_v] = NONE
        shared = twin != NONE
        twin, ended = twin[shared], of_u[shared]
        sums = gain[twin] + gain[ended]
        gain[of_v] -= out[u] * into[beside_v] + out[beside_v] * into[u]
        gain[twin] = sums
        changed[ended] = NONE
        moved, beside = of_u[~shared], beside_u[~shared]
        gain[moved] -= out[v] * into[beside] + out[beside] * into[v]
        ends[moved] += v - u
        row = [of_v, moved]
        leaf = u if self.following[u] != NONE else v
        following, self.following[leaf] = self.following[leaf], NONE
        if following != NONE:  # from now on the pair is that of the next one, to which the leaf is as any third node
            gain[pair] -= out[leaf] * into[following] + out[following] * into[leaf]
            ends[pair] = v + following
            row.append(np.array([pair]))
        self.rows[u], self.rows[v] = of_u[:0], np.concatenate(row)
        changed[self.rows[v]] = number
        out[v] += out[u]
        into[v] += into[u]

    def best(self, v: int, *, number: int) -> tuple[float, int, int, int, int] | None:
        """Give the queue's entry for the best pair of v among those that this join changed last; None without any."""
        row = self.rows[v][self.changed[self.rows[v]] == number]
        if not len(row):
            return None
        gains = self.gain[row]
        largest = gains.max()
        tied = row[gains == largest]
        others = self.ends[tied] - v
        first = others.argmin()  # with v in all of them, the smallest pair is that of the smallest other
        w = others[first].item()
        return -largest.item(), min(v, w), max(v, w), tied[first].item(), number


def _search(network: Links, weight: np.ndarray) -> np.ndarray:
    """Join the two linked communities of the largest gain until all would lose; per node, the last of its community.

    The queue starts with every pair. A join changes all pairs of its community but queues only the best of them, the
    one that can come next; where a later join changes that pair, the entry is outdated when it is reached, and the best
    of the pairs that its own join was the last to change takes its place.
    """
    last = np.arange(network.nodes)
    if not weight.sum():
        return last
    state = _Gains(network, weight)
    columns = (-state.gain, state.low, state.high, np.arange(len(state.gain)), state.changed)
    queue = list(zip(*(column.tolist() for column in columns), strict=True))
    heapq.heapify(queue)
    made = [None]  # the community that each join made
    while queue and queue[0][0] <= 0:  # if outdated, what takes its place is no better
        _, u, v, pair, number = heapq.heappop(queue)
        if state.changed[pair] == number:
            number = len(made)
            state.join(pair, u, v, number=number)
            made.append(v)
            last[u] = v
        entry = state.best(made[number], number=number) if number else None
        if entry:
            heapq.heappush(queue, entry)
    for node in reversed(range(network.nodes)):  # joined to a later one, which is resolved by now
        last[node] = last[last[node]]
    return last


def _modularity(network: Links, *, weighted: bool) -> tuple[float | None, int | None]:
    """Return modularity and number of communities; the score always uses the weights.

    The score is `networkx.community.modularity` to the last digit: whole numbers are exact, and the communities'
    terms are added in its order, the largest first.
    """
    weight, edges = network.weight, len(network.source)
    if not edges:
        return None, None
    found = _search(network, weight if weighted else np.ones(edges, dtype="int64"))
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


# --- centrality (Figure 4) --------------------------------------------------------------------------------


@carried(needs="links")
def centralities(network: nx.DiGraph) -> pd.DataFrame:
    """Give degree and PageRank of every developer that is not an isolate (section 4.2.1, Figure 4).

    Out: developer, degree (edges in and out, unweighted), pagerank (weighted; sums to 1), by developer.
    """
    connected = without_isolates(network)
    ranks, degrees = _pagerank(connected), dict(connected.degree)
    return pd.DataFrame(
        {
            "developer": pd.array(list(connected), dtype="int64"),
            "degree": pd.array([degrees[node] for node in connected], dtype="int64"),
            "pagerank": pd.array([ranks[node] for node in connected], dtype="float64"),
        }
    )


@carried()
def distributions_of(central: pd.DataFrame) -> pd.DataFrame:
    """Summarise `centralities`: columns degree and pagerank, rows mean, median, std, max (section 4.2.1)."""
    return pd.DataFrame({measure: distribution(central[measure]) for measure in ("degree", "pagerank")})


@carried()
def least_degree(central: pd.DataFrame) -> int | None:
    """Give the least degree of a developer that is not an isolate; None without any."""
    return int(central["degree"].min()) if len(central) else None


def distribution(values: Iterable[float]) -> dict[str, float | int | None]:
    """Summarise values (section 4.2.1): mean, median, std (sample), max; None where undefined.

    Raises ValueError for a missing value: a measure of a developer is never missing.
    """
    ordered = np.sort(pd.Series(values).to_numpy())
    if pd.isna(ordered).any():
        raise ValueError("distribution: a value is missing; expected numbers only")
    if not len(ordered):
        return dict.fromkeys(("mean", "median", "std", "max"))
    mean, std = exact.mean_and_std(ordered)
    return {"mean": mean, "median": float(np.median(ordered)), "std": None if math.isnan(std) else std,
            "max": ordered[-1].item()}  # fmt: skip


@carried(needs="links")
def central(network: nx.DiGraph, *, least_degree: int = CENTRAL_DEGREE) -> dict[str, int | float | None]:
    """Count the developers of degree `least_degree` or more (section 3.4).

    Out: min_degree; developers; developer_share, of all developers with the isolates; edge_share, of the edges
    that start or end at one of them. A share of nothing is None.
    """
    chosen = {node for node, degree in network.degree if degree >= least_degree}
    touched = sum(source in chosen or target in chosen for source, target in network.edges)
    return {
        "min_degree": least_degree,
        "developers": len(chosen),
        "developer_share": len(chosen) / len(network) if len(network) else None,
        "edge_share": touched / network.number_of_edges() if network.number_of_edges() else None,
    }


@carried()
def developer_count(memberships: pd.DataFrame) -> int:
    """Count the developers who take part in any model (section 3.4); in: column developer."""
    return int(memberships["developer"].nunique())


def _pagerank(network: nx.DiGraph) -> dict[int, float]:
    """Converge PageRank to an L1 distance of 1e-10 from its limit.

    networkx stops when a step is shorter than N * tol, so its default is far from converged on a large
    network. Each step is at most DAMPING times the one before, so what remains is at most
    DAMPING / (1 - DAMPING) times the last one. What is beyond `exact.DIGITS` is noise, by which two developers of the
    same rank would differ; it is rounded off.
    """
    if not len(network):
        return {}
    step = PAGERANK_ERROR * (1 - DAMPING) / DAMPING
    ranks = nx.pagerank(network, alpha=DAMPING, tol=step / len(network), max_iter=1000)
    return {node: exact.rounded(rank) for node, rank in ranks.items()}


# --- what the edge rule makes by itself (METHODS, 7) ------------------------------------------------------


@carried(needs="links")
def edge_rule_reciprocity(memberships: pd.DataFrame, *, draws: int = 200, seed: int = 0) -> dict[str, float | None]:
    """Compare reciprocity with what the edge rule gives, whoever leads the commits (METHODS, 7, lead 1).

    In: repo_id, developer (integer), leads (commits of the repository that the developer leads, may be 0);
    the edges alone no longer say which repository they come from. Two authors of a repository who both lead
    have both edges, whether or not they ever worked together.
    The null model keeps every repository's authors and how many of them lead, and draws which ones lead. In
    a repository of n authors of whom l lead, (l - 1) / (n - 1) of the edges have their reverse, whoever
    leads; so only developers who share several repositories can move the observed value off the null.
    Out, shares of the edges whose reverse exists: observed (`recip` of the network); same_repository (the
    reverse comes from the same repository: the rule alone makes it); null_mean, null_low, null_high (2.5 and
    97.5 % of the draws); random (expected where as many edges fall at random among the same connected
    developers). None without an edge. Raises ValueError as `graph` does, and for less than one draw.
    """
    _check(memberships, table="memberships", integers=("developer",), counts=("leads",), others=("repo_id",))
    if draws < 1:
        raise ValueError(f"draws: {draws} is too few; expected at least 1")
    # Once as numbers, in the order of the names: every step with the names themselves would hash them again.
    numbered = memberships.assign(repository=pd.factorize(memberships["repo_id"], sort=True)[0])
    rows = numbered.groupby(["repository", "developer"], sort=True)["leads"].sum().reset_index()
    rows = rows[rows["repository"].duplicated(keep=False)].reset_index(drop=True)  # a single author makes no edge
    leads = rows["leads"].to_numpy() > 0
    first, second, pair, reverse = _author_pairs(rows)
    present = _marked(len(reverse), pair[leads[first]])
    n_edges = int(present.sum())
    if not n_edges:
        return dict.fromkeys(("observed", "same_repository", "null_mean", "null_low", "null_high", "random"))
    both = _marked(len(reverse), pair[leads[first] & leads[second]])
    null = _null_reciprocity(rows["repository"], leads, first, pair, reverse, draws=draws, seed=seed)
    linked = np.unique(rows["developer"].to_numpy()[np.r_[first[leads[first]], second[leads[first]]]])
    n_pairs = len(linked) * (len(linked) - 1)
    return {
        "observed": float((present & present[reverse]).sum() / n_edges),
        "same_repository": float(both.sum() / n_edges),
        "null_mean": math.fsum(null) / draws,
        "null_low": float(np.quantile(null, 0.025)),
        "null_high": float(np.quantile(null, 0.975)),
        "random": (n_edges - 1) / (n_pairs - 1),
    }


@carried(needs="links")
def core_repositories(memberships: pd.DataFrame, core: Iterable[int]) -> pd.DataFrame:
    """Rank repositories by how many of a core's developers they hold (METHODS, 7, lead 2).

    In: memberships with repo_id, developer (integer); the core as a graph or as developers.
    Out: repo_id, members (of the core), share (of the core's developers, 0 to 1); most members first, then by
    repo_id; a repository without any is not listed. Raises ValueError as `graph` does.
    """
    _check(memberships, table="memberships", integers=("developer",), others=("repo_id",))
    chosen = set(core)
    inside = memberships.loc[memberships["developer"].isin(chosen), ["repo_id", "developer"]].drop_duplicates()
    counted = inside.groupby("repo_id").size().rename("members").reset_index()
    counted = counted.assign(share=counted["members"] / max(1, len(chosen)))
    return counted.sort_values(["members", "repo_id"], ascending=[False, True], ignore_index=True)


@carried(needs="links")
def innermost(network: nx.DiGraph) -> nx.DiGraph:
    """Return the innermost core that is not empty; without an edge, an empty network."""
    numbers = core_numbers(network)
    largest = max(numbers.values(), default=0)
    return _part(network, {node for node, number in numbers.items() if number == largest > 0})


@carried()
def printed_carriers(ranked: pd.DataFrame, *, rows: int = 5) -> pd.DataFrame:
    """Take the first repositories of `core_repositories`, by repo_id."""
    return ranked.head(rows).set_index("repo_id")


@carried()
def first_carrier(ranked: pd.DataFrame) -> dict[str, str | int | float | None]:
    """Name the repository that holds most of a core (`core_repositories`): repository, members, share; None if none."""
    if ranked.empty:
        return dict.fromkeys(("repository", "members", "share"))
    first = ranked.iloc[0]
    return {"repository": first["repo_id"], "members": int(first["members"]), "share": float(first["share"])}


def _author_pairs(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """List the ordered pairs of authors of each repository.

    Out: row of the first, row of the second, number of the pair of developers; and, per number of a pair, the
    number of the reversed pair.
    """
    numbered = pd.DataFrame({"repository": rows["repository"], "row": np.arange(len(rows))})
    joined = numbered.merge(numbered, on="repository", suffixes=("", "_other"))
    joined = joined[joined["row"] != joined["row_other"]]
    first, second = joined["row"].to_numpy(), joined["row_other"].to_numpy()
    codes, uniques = pd.factorize(rows["developer"], sort=True)
    width = max(1, len(uniques))
    known, pair = np.unique(codes[first] * width + codes[second], return_inverse=True)
    reverse = np.searchsorted(known, known % width * width + known // width)
    return first, second, pair, reverse


def _null_reciprocity(repositories, leads, first, pair, reverse, *, draws, seed) -> np.ndarray:
    """Draw which authors lead, as many as do in each repository, and return the reciprocity of each draw."""
    generator = np.random.default_rng(seed)
    number = pd.factorize(repositories)[0]  # rows are sorted by repository: blocks stay in place
    shares = np.empty(draws)
    for draw in range(draws):
        shuffled = np.empty_like(leads)
        shuffled[np.argsort(number + generator.random(len(leads)), kind="stable")] = leads
        present = _marked(len(reverse), pair[shuffled[first]])
        shares[draw] = (present & present[reverse]).sum() / present.sum()
    return shares


def _marked(length: int, positions: np.ndarray) -> np.ndarray:
    """Return booleans, True at the positions."""
    marks = np.zeros(length, dtype=bool)
    marks[positions] = True
    return marks


# --- shared -----------------------------------------------------------------------------------------------


def _levels(numbers: np.ndarray) -> dict[str, int | None]:
    """Give k of each level from the core numbers."""
    largest = int(numbers.max(initial=0))
    fixed = {name: k if k <= largest else None for name, k in LEVELS.items()}
    return {**fixed, "kmax": largest or None}


def _part(network: nx.DiGraph, nodes: set[int]) -> nx.DiGraph:
    """Copy the part of the network on these nodes, sorted (a view of networkx follows the set's order)."""
    ordered = sorted(nodes)
    part = nx.DiGraph()
    part.add_nodes_from(ordered)
    rows = dict(network.adjacency())
    part.add_edges_from((s, t, rows[s][t]) for s in ordered for t in sorted(nodes.intersection(rows[s])))
    return part


def _check(frame, *, table, integers=(), counts=(), least=0, others=()) -> None:
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
