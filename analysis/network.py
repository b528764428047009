"""RQ2: how are developers connected by their commits to model repositories?

Study: section 4.2, Figure 4, Table 1 (definitions) and Tables 6-9. Pure functions on pandas frames and
networkx graphs; where these are Covered, so is the result. Developers are integers here; no username enters this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

import networkx as nx
import numpy as np
import pandas as pd

from analysis import exact, triangles
from analysis.communities import modularity
from analysis.covered import carried
from analysis.links import Links, check_rows, core_numbers_of, linked_pairs, links, pairs, part_of

LEVELS = {"k1": 1, "k5": 5, "k10": 10}
STRUCTURE = (
    "nodes", "edges", "mod", "com", "mod_weighted", "com_weighted",
    "dens", "recip", "arcc", "ass", "ad", "acc",
)  # fmt: skip
COUNTS = ("k", "nodes", "edges", "com", "com_weighted")

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
    rows = pairs(edges)
    source, target, weight = (rows[name].tolist() for name in ("source", "target", "weight"))
    network = nx.DiGraph()
    network.add_nodes_from(sorted({*source, *target}))
    network.add_weighted_edges_from((s, t, int(w)) for s, t, w in zip(source, target, weight, strict=True) if s != t)
    return network


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
    network: nx.DiGraph | pd.DataFrame | Links,
    *,
    searches: Iterable[str] = ("mod", "mod_weighted"),
    only: Iterable[str] = (*LEVELS, "kmax"),
) -> pd.DataFrame:
    """Measure every core (Tables 6-9), or `only` some levels; `searches` as for `structure`.

    In: the network, its edges as for `graph`, or its `links`.
    Out: index `level` (k1, k5, k10, kmax: always these four), columns k and those of `structure`; counts are
    Int64, the rest Float64; a level that is undefined or not asked for, and a measure that is undefined, is NA.
    """
    everyone = links(network)
    numbers = core_numbers_of(everyone)
    chosen = {level: k if level in only else None for level, k in _levels(numbers).items()}
    measured = {
        k: {"k": k, **structure(part_of(everyone, numbers >= k), searches=searches)}
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
    mod, com = modularity(network, weighted=False) if "mod" in searches else none
    mod_weighted, com_weighted = modularity(network, weighted=True) if "mod_weighted" in searches else none
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


@carried(needs="links")
def numbering_ranges(network: nx.DiGraph | Links, *, draws: int = 4, seed: int = 0) -> dict[str, float]:
    """How far MOD and COM of every core depend on the order of its nodes, where greedy modularity meets ties.

    Out: `<level>.{mod,com}_{low,high}`, the range over the order as it is and `draws` random ones; a level that is
    undefined is left out.
    """
    everyone, rng = links(network), np.random.default_rng(seed)
    numbers = core_numbers_of(everyone)
    found = {}
    for level, k in _levels(numbers).items():
        if k is not None:
            core = part_of(everyone, numbers >= k)
            others = (_relabelled(core, rng.permutation(core.nodes)) for _ in range(draws))
            parts = zip(*(modularity(one, weighted=False) for one in (core, *others)), strict=True)
            for name, values in zip(("mod", "com"), parts, strict=True):
                found |= {f"{level}.{name}_low": min(values), f"{level}.{name}_high": max(values)}
    return found


def _relabelled(network: Links, order: np.ndarray) -> Links:
    source, target = order[network.source], order[network.target]
    rows = np.lexsort((target, source))
    return Links(network.nodes, source[rows], target[rows], network.weight[rows])


def _mutual(network: Links) -> int:
    """Count the edges whose reverse exists."""
    return 2 * (len(network.source) - len(linked_pairs(network)))


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
    """Give the mean clustering coefficient, directed and weighted (ACC; Fagiolo 2007), None without a node."""
    network = links(network)
    return triangles.average_clustering(network.nodes, network.source, network.target, network.weight)


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
def edge_rule_reciprocity(memberships: pd.DataFrame, *, draws: int = 99, seed: int = 0) -> dict[str, float | None]:
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
    check_rows(memberships, table="memberships", integers=("developer",), counts=("leads",), others=("repo_id",))
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
    check_rows(memberships, table="memberships", integers=("developer",), others=("repo_id",))
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
