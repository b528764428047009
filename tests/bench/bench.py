"""How long does each stage take, how much memory, and how does that compare with the plain way?

Every stage is done twice on the synthetic twin: by this project, and as an analyst would write it with pandas and
networkx. Each run has a process of its own; the two results must be equal, whatever the speed.
"""

import importlib
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis import paths  # noqa: E402  # the rest of the analysis is imported by the measured processes only

# This process imports little on purpose: a child's peak memory is at least that of the process that started it.

DATE = "2023-10-15"
KINDS = ("model", "dataset", "space")
FIELDS = ("all", "cv", "nlp", "mm")
SIDES = ("ours", "plain")
RELATIVE, ABSOLUTE = 1e-9, 1e-12  # floats are equal within one of the two

CLOCKS = {"wall": "seconds", "cpu": "cpu"}
IMPORTS = (  # by every measured process before its clock starts
    "networkx", "scipy.sparse.linalg", "scipy.stats", "matplotlib.pyplot", "seaborn", "analysis.activity",
    "analysis.adoption", "analysis.figures", "analysis.network", "analysis.report", "analysis.run",
)  # fmt: skip

Timed = Callable[[], Any]


class BenchError(RuntimeError):
    """A stage failed or its two results differ; one line."""


# --- what the stages start from ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inputs:
    """A snapshot and a directory for what the stages make of it."""

    snapshot: str
    work: Path

    @cached_property
    def parameters(self):
        from analysis.parameters import Parameters

        return Parameters(snapshot_date=self.snapshot, out_dir=str(self.work / "results"))

    @cached_property
    def hub(self):
        from analysis.engine import load

        return load(self.parameters)

    @cached_property
    def tables(self) -> dict:
        """The snapshot's tables as pandas frames: where every plain stage starts."""
        import pandas as pd

        directory = paths.snapshots() / self.snapshot
        names = ("repos", "commits", "discussions", "usage", "people", "rejected")
        return {name: pd.read_parquet(directory / f"{name}.parquet") for name in names}

    @cached_property
    def people(self) -> tuple:
        """Who did what, the plain way: `_people_of` the tables."""
        return _people_of(self.tables)

    @cached_property
    def hub_of_people(self):
        """The snapshot once it is known who did what, our way."""
        _ = self.hub.contributions, self.hub.starters
        return self.hub

    @cached_property
    def prepared(self) -> dict:
        """counts by kind, edges, used and co_used by field, central: what later stages start from, on both sides."""
        file = self.work / "prepared.pkl"
        if not file.exists():
            file.write_bytes(pickle.dumps(_prepare(self.hub)))
        return pickle.loads(file.read_bytes())

    @cached_property
    def graphs(self) -> dict:
        from analysis import network

        return {field: network.graph(edges) for field, edges in self.prepared["edges"].items()}

    @cached_property
    def cores(self) -> dict:
        """The network of every field at every level of Tables 6-9, by (field, level)."""
        from analysis import network

        levels = {field: network.levels(graph) for field, graph in self.graphs.items()}
        return {
            (field, level): network.k_core(self.graphs[field], k)
            for field, chosen in levels.items()
            for level, k in chosen.items()
            if k is not None
        }


def _prepare(hub) -> dict:
    from analysis import adoption, engine, network

    edges = {field: engine.edges(hub, field) for field in FIELDS}
    used = engine.usage_by_field(hub)
    return {
        "counts": {kind: engine.activity(hub, kind) for kind in KINDS},
        "edges": edges,
        "central": network.centralities(network.graph(edges["all"])),
        "used": {field: frame.astype({"spaces": "int64"}) for field, frame in used.items()},
        "co_used": adoption.co_usage_degrees_by(engine.co_usage_by_field(hub)),
    }


# --- load -------------------------------------------------------------------------------------------------------------


def load_ours(inputs: Inputs) -> Timed:
    """Open the snapshot, compare every file with its hash, count the rows; values are read when they are needed."""

    def timed():
        hub = inputs.hub
        counted = {}
        for name in ("repos", "commits", "discussions"):
            kinds = hub.frame(hub.table(name).group_by("kind").agg(rows=lambda t: t.count()))
            counted[name] = {row.kind: int(row.rows) for row in kinds.itertuples()}
        return counted | {"usage": int(hub.frame(hub.usage.agg(rows=lambda t: t.count()))["rows"].iloc[0])}

    return timed


def load_plain(inputs: Inputs) -> Timed:
    """Read every table into memory and count the rows."""

    def timed():
        tables = inputs.tables
        names = ("repos", "commits", "discussions")
        counted = {name: tables[name]["kind"].value_counts().to_dict() for name in names}
        return counted | {"usage": len(tables["usage"])}

    return timed


# --- people -----------------------------------------------------------------------------------------------------------


def people_ours(inputs: Inputs) -> Timed:
    """Who is who among all names, without bots, and who committed to and discussed what."""
    return lambda: inputs.hub_of_people


def people_plain(inputs: Inputs) -> Timed:
    """Explode the authors, number the names, drop the bots."""
    _ = inputs.tables
    return lambda: inputs.people


def _people_of(tables: Mapping) -> tuple:
    """Authors of commits, a row an author and the commit as index, and starters of discussions; numbered, no bots."""
    import pandas as pd

    from analysis.people import is_bot

    commits, opened = tables["commits"], tables["discussions"][["kind", "repo_id", "author"]].dropna()
    authors = commits[["kind", "repo_id", "authors"]].explode("authors").rename(columns={"authors": "author"}).dropna()
    names = pd.Series(sorted(set(authors["author"].unique()) | set(opened["author"].unique())), dtype="str")
    merged = tables["people"]
    merged = merged[~(merged["score"] < 90)].set_index("alias")["person"]
    person = names.map(merged).fillna(names)
    developer = dict(zip(names, person.rank(method="dense").astype("int64") - 1, strict=True))
    bots = set(names[is_bot(names) | is_bot(person)])
    authors = authors[~authors["author"].isin(bots)]
    opened = opened[~opened["author"].isin(bots)]
    return tuple(
        rows.assign(developer=rows["author"].map(developer).astype("int64")).drop(columns="author")
        for rows in (authors, opened)
    )


def people_same(found) -> dict:
    """kind, repo_id, developer, leads of the commits and kind, repo_id, developer of the discussions, sorted."""
    keys = ["kind", "repo_id", "developer"]
    if isinstance(found, tuple):
        authors, opened = found
        authors = authors.assign(leads=(~authors.index.duplicated()).astype("int64"))
        authors = authors.groupby(keys)["leads"].sum().reset_index()
    else:
        authors, opened = found.frame(found.contributions), found.frame(found.starters)
    commits = authors[[*keys, "leads"]].sort_values(keys, ignore_index=True)
    return {"commits": commits, "discussions": opened[keys].drop_duplicates().sort_values(keys, ignore_index=True)}


# --- counts -----------------------------------------------------------------------------------------------------------


def counts_ours(inputs: Inputs) -> Timed:
    """Activity of every repository of each kind."""
    from analysis import engine

    hub = inputs.hub_of_people
    return lambda: {kind: engine.activity(hub, kind) for kind in KINDS}


def counts_plain(inputs: Inputs) -> Timed:
    """Group by repository, merge the counts."""
    import numpy as np

    tables, people = inputs.tables, inputs.people
    return lambda: {kind: _plain_activity(tables, *people, kind, np.nan) for kind in KINDS}


def _plain_activity(tables, authors, starters, kind, nan):
    import pandas as pd

    def of(frame):
        return frame[frame["kind"] == kind]

    persons = {"n_committers": of(authors), "n_disc_starters": of(starters)}
    both = pd.concat([rows[["repo_id", "developer"]] for rows in persons.values()])
    counted = {
        "n_discussions": of(tables["discussions"]).groupby("repo_id").size(),
        "n_commits": of(tables["commits"]).groupby("repo_id").size(),
        **{name: rows.groupby("repo_id")["developer"].nunique() for name, rows in persons.items()},
        "n_community": both.groupby("repo_id")["developer"].nunique(),
    }
    if kind == "model":
        counted["n_usage_spaces"] = tables["usage"].groupby("model_id").size().rename_axis("repo_id")
    frame = of(tables["repos"])[["repo_id", "license", "likes", "downloads"]]
    frame = frame.rename(columns={"likes": "n_likes", "downloads": "n_downloads"})
    for name, values in counted.items():
        frame = frame.merge(values.rename(name).reset_index(), on="repo_id", how="left")
    frame = frame.fillna(dict.fromkeys(counted, 0))
    failed = of(tables["rejected"])
    failed = failed[failed["scope"] == "repository"]
    for table, columns in (
        ("commits", ["n_commits", "n_committers"]),
        ("discussions", ["n_discussions", "n_disc_starters"]),
    ):
        missing = frame["repo_id"].isin(failed.loc[failed["table"] == table, "repo_id"])
        frame.loc[missing, [*columns, "n_community"]] = nan
    if kind == "space":
        frame["n_downloads"] = nan
    return frame


def counts_same(counts: Mapping) -> dict:
    """Frames with the same columns in the same order, missing values written the same way."""
    import pandas as pd

    from analysis.engine import VARIABLES

    def one(frame):
        frame = frame.reindex(columns=["repo_id", "license", *VARIABLES])
        values = {name: pd.to_numeric(frame[name]).astype("float64") for name in VARIABLES}
        text = {name: frame[name].astype("object").where(frame[name].notna(), None) for name in ("repo_id", "license")}
        return pd.DataFrame(text | values).sort_values("repo_id", ignore_index=True)

    return {kind: one(frame) for kind, frame in counts.items()}


# --- edges ------------------------------------------------------------------------------------------------------------


def edges_ours(inputs: Inputs) -> Timed:
    """The collaboration networks of all models and of three fields, as graphs."""
    from analysis import engine, network

    hub = inputs.hub_of_people
    return lambda: {field: network.graph(engine.edges(hub, field)) for field in FIELDS}


def edges_plain(inputs: Inputs) -> Timed:
    """Merge the first author of every commit with the repository's authors; count; make a graph."""
    import networkx as nx

    tables, (authors, _) = inputs.tables, inputs.people
    authors = authors[authors["kind"] == "model"]

    def network_of(authors):
        first = authors[~authors.index.duplicated()]
        team = authors[["repo_id", "developer"]].drop_duplicates()
        pairs = first.merge(team, on="repo_id", suffixes=("", "_other"))
        pairs = pairs[pairs["developer"] != pairs["developer_other"]]
        weights = pairs.groupby(["developer", "developer_other"]).size().rename("weight").reset_index()
        graph = nx.from_pandas_edgelist(weights, "developer", "developer_other", "weight", create_using=nx.DiGraph)
        graph.add_nodes_from(team["developer"].unique().tolist())
        return graph

    def timed():
        fields = {field: authors["repo_id"].isin(_plain_models(tables, field)) for field in FIELDS}
        return {field: network_of(authors[inside]) for field, inside in fields.items()}

    return timed


def _plain_models(tables: Mapping, field: str):
    from analysis.engine import FIELD_TAGS

    models = tables["repos"][tables["repos"]["kind"] == "model"]
    if field == "all":
        return models["repo_id"]
    tags = models[["repo_id", "tags"]].explode("tags")
    return tags.loc[tags["tags"].isin(FIELD_TAGS[field]), "repo_id"].unique()


def edges_same(graphs: Mapping) -> dict:
    return {
        field: {
            "nodes": sorted(map(int, graph)),
            "edges": sorted((int(s), int(t), int(w)) for s, t, w in graph.edges(data="weight")),
        }
        for field, graph in graphs.items()
    }


# --- cores, communities, clustering, PageRank -------------------------------------------------------------------------


def cores_ours(inputs: Inputs) -> Timed:
    """Core numbers, the cores, and their measures but for communities (Tables 6-9), with clustering besides."""
    from analysis import network

    names = ("nodes", "edges", "dens", "recip", "arcc", "ass")

    def of(graph):
        found = network.core_results(network.core_table(graph, searches=()))
        levels = [level for level in (*network.LEVELS, "kmax") if found[f"{level}.k"]]
        return {level: {name: found[f"{level}.{name}"] for name in names} for level in levels}

    graphs = inputs.graphs
    return lambda: {field: of(graph) for field, graph in graphs.items()}


def cores_plain(inputs: Inputs) -> Timed:
    """`networkx.k_core` per level, and networkx's measures."""
    import math

    import networkx as nx

    graphs = inputs.graphs

    def rich_club(core):
        ranked = sorted((degree for _, degree in core.degree), reverse=True)
        least = ranked[max(1, math.ceil(len(ranked) / 10)) - 1]
        rich = core.subgraph([node for node, degree in core.degree if degree >= least])
        return nx.density(rich) if len(rich) > 1 else None

    def assortativity(core):
        sources = {core.out_degree(source) for source, _ in core.edges}
        targets = {core.in_degree(target) for _, target in core.edges}
        return nx.degree_assortativity_coefficient(core) if min(len(sources), len(targets)) > 1 else None

    def measured(core):
        return {
            "nodes": core.number_of_nodes(),
            "edges": core.number_of_edges(),
            "dens": nx.density(core),
            "recip": nx.reciprocity(core),
            "arcc": rich_club(core),
            "ass": assortativity(core),
        }

    def of(graph):
        numbers = nx.core_number(graph)
        largest = max(numbers.values(), default=0)
        levels = {"k1": 1, "k5": 5, "k10": 10, "kmax": largest}
        cores = {level: nx.k_core(graph, k, core_number=numbers) for level, k in levels.items() if 0 < k <= largest}
        return {level: measured(core) for level, core in cores.items()}

    return lambda: {field: of(graph) for field, graph in graphs.items()}


def _communities(inputs: Inputs, search: Callable) -> Timed:
    import networkx as nx

    cores = inputs.cores

    def of(core, weight):
        found = search(core, weight=weight)
        return {"groups": [sorted(group) for group in found], "mod": nx.community.modularity(core, found)}

    return lambda: {(*key, weight): of(core, weight) for key, core in cores.items() for weight in (None, "weight")}


def communities_ours(inputs: Inputs) -> Timed:
    """Greedy modularity in every core, searched with and without weights (Tables 6-9)."""
    from analysis import network

    return _communities(inputs, network.communities)


def communities_plain(inputs: Inputs) -> Timed:
    """`networkx.community.greedy_modularity_communities`."""
    import networkx as nx

    return _communities(inputs, nx.community.greedy_modularity_communities)


def communities_same(found: Mapping) -> dict:
    """Groups of one size may come in any order."""
    return {key: value | {"groups": sorted(value["groups"])} for key, value in found.items()}


def clustering_ours(inputs: Inputs) -> Timed:
    """Weighted average clustering of every core, by matrix products."""
    from analysis import network

    cores = inputs.cores
    return lambda: {key: network.average_clustering(core) for key, core in cores.items()}


def clustering_plain(inputs: Inputs) -> Timed:
    """`networkx.average_clustering` of every core."""
    import networkx as nx

    cores = inputs.cores
    return lambda: {key: nx.average_clustering(core, weight="weight") for key, core in cores.items()}


def pagerank_ours(inputs: Inputs) -> Timed:
    """Degree and PageRank of the developers of all models, without isolates (Figure 4)."""
    from analysis import network

    graph = inputs.graphs["all"]
    return lambda: network.centralities(graph)


def pagerank_plain(inputs: Inputs) -> Timed:
    """`networkx.pagerank` on the linked developers, run until it is as near to its limit as ours has to be."""
    import networkx as nx
    import pandas as pd

    from analysis.network import DAMPING, PAGERANK_ERROR

    graph = inputs.graphs["all"]

    def timed():
        linked = graph.copy()
        linked.remove_nodes_from(list(nx.isolates(graph)))
        tolerance = PAGERANK_ERROR * (1 - DAMPING) / DAMPING / len(linked)
        ranks = nx.pagerank(linked, alpha=DAMPING, tol=tolerance, max_iter=1000)
        rows = [(node, degree, ranks[node]) for node, degree in linked.degree]
        return pd.DataFrame(rows, columns=["developer", "degree", "pagerank"])

    return timed


def pagerank_same(frame):
    return frame.sort_values("developer", ignore_index=True)


# --- projection -------------------------------------------------------------------------------------------------------


def projection_ours(inputs: Inputs) -> Timed:
    """Co-usage of models, for all models and three fields (section 4.3)."""
    from analysis import engine

    hub = inputs.hub
    return lambda: engine.co_usage_by_field(hub)


def projection_plain(inputs: Inputs) -> Timed:
    """`networkx.bipartite.weighted_projected_graph` on the graph of spaces and models."""
    import networkx as nx

    tables = inputs.tables

    def projected(links):
        graph = nx.Graph()
        models = [("model", name) for name in links["model_id"]]
        graph.add_edges_from(zip(models, (("space", name) for name in links["space_id"]), strict=True))
        return nx.bipartite.weighted_projected_graph(graph, dict.fromkeys(models))

    def timed():
        links = tables["usage"]
        fields = {field: links["model_id"].isin(_plain_models(tables, field)) for field in FIELDS[1:]}
        return {"all": projected(links), **{field: projected(links[inside]) for field, inside in fields.items()}}

    return timed


def projection_same(found: Mapping) -> dict:
    """Frames model_a < model_b, spaces, from a frame or from a graph."""
    import pandas as pd

    def one(pairs):
        if not isinstance(pairs, pd.DataFrame):
            rows = [(*sorted((a[1], b[1])), weight) for a, b, weight in pairs.edges(data="weight")]
            pairs = pd.DataFrame(rows, columns=["model_a", "model_b", "spaces"])
        pairs = pairs.astype({"model_a": "object", "model_b": "object", "spaces": "int64"})
        return pairs.sort_values(["model_a", "model_b"], ignore_index=True)

    return {field: one(pairs) for field, pairs in found.items()}


# --- tests ------------------------------------------------------------------------------------------------------------


def tests_ours(inputs: Inputs) -> Timed:
    """Summaries, concentration, correlations with p-values, Mann-Whitney tests (Tables 2-5, Figures 2 and 3)."""
    from analysis import activity

    counts = inputs.prepared["counts"]

    def timed():
        grouped = activity.with_group(counts["model"])
        panels = {**counts, **activity.groups(grouped)}
        pearson, spearman = (activity.correlations_by(panels, method=m) for m in ("pearson", "spearman"))
        return {
            "summaries": {kind: activity.summary(frame) for kind, frame in counts.items()},
            "shares": {kind: activity.concentrations(frame) for kind, frame in counts.items()},
            "correlations": {name: activity.pairs(pearson[name], spearman[name]) for name in panels},
            "p": {kind: activity.p_values(frame) for kind, frame in counts.items()},
            "tests": activity.mann_whitney(grouped),
        }

    return timed


def tests_plain(inputs: Inputs) -> Timed:
    """`describe`, sorted sums, and scipy's tests, one variable and one pair at a time."""
    import pandas as pd

    from analysis import licenses
    from analysis.engine import VARIABLES

    counts = inputs.prepared["counts"]

    def timed():
        groups = licenses.load().set_index("identifier")["group"]
        identifiers = counts["model"]["license"]
        group = (
            identifiers.str.strip().str.casefold().map(groups).fillna("unclassified").where(identifiers.notna(), "none")
        )
        by_group = {name: counts["model"][group == name] for name in ("permissive", "restrictive", "none")}
        return {
            "summaries": {kind: _plain_summary(frame[list(VARIABLES)]) for kind, frame in counts.items()},
            "shares": {
                kind: pd.DataFrame({v: _plain_shares(frame[v]) for v in VARIABLES}) for kind, frame in counts.items()
            },
            "correlations": {name: _plain_pairs(frame) for name, frame in {**counts, **by_group}.items()},
            "p": {kind: _plain_p(frame) for kind, frame in counts.items()},
            "tests": _plain_tests(by_group),
        }

    return timed


def _plain_summary(values):
    described = values.describe()
    rows = {"n": described.loc["count"], **{name: described.loc[name] for name in ("mean", "std", "min")}}
    rows |= {new: described.loc[old] for new, old in (("q25", "25%"), ("q50", "50%"), ("q75", "75%"))}
    known = values.notna().sum()
    rows |= {"max": described.loc["max"], "zero_share": ((values == 0).sum() / known).where(known > 0)}
    import pandas as pd

    return pd.DataFrame(rows).T


def _plain_shares(values):
    import pandas as pd

    known = values.dropna().sort_values(ascending=False).astype("int64")
    held = known.cumsum().to_numpy()
    shares = {}
    for percent in (80, 99):
        enough = -(-int(held[-1]) * percent // 100) if len(held) and held[-1] else None  # rounded up
        shares[f"share_for_{percent}"] = None if enough is None else (held.searchsorted(enough) + 1) / len(held)
    return pd.Series(shares, dtype="float64")


def _variable_pairs(frame) -> list:
    from itertools import combinations

    from analysis.engine import VARIABLES

    return list(combinations(sorted(v for v in VARIABLES if v in frame), 2))


def _plain_pairs(frame) -> dict:
    return {
        f"{method}.{a}.{b}": frame[a].corr(frame[b], method=method, min_periods=2)
        for method in ("pearson", "spearman")
        for a, b in _variable_pairs(frame)
    }


def _plain_p(frame) -> dict:
    from scipy import stats

    found = {}
    for a, b in _variable_pairs(frame):
        both = frame[[a, b]].dropna()
        defined = len(both) > 2 and both[a].nunique() > 1 and both[b].nunique() > 1
        found[f"pearson.{a}.{b}.p"] = stats.pearsonr(both[a], both[b]).pvalue if defined else float("nan")
    return found


def _plain_tests(by_group: Mapping):
    """Mann-Whitney with the interval of the placements' variance, and Holm's adjustment step by step."""
    from itertools import combinations

    import numpy as np
    import pandas as pd
    from scipy import stats

    from analysis.engine import VARIABLES

    def placements(values, others):
        others = np.sort(others)
        below, upto = (np.searchsorted(others, values, side=side) for side in ("left", "right"))
        return (below + upto) / 2 / len(others)

    rows = []
    for variable in VARIABLES:
        for first, second in combinations(by_group, 2):
            x, y = (by_group[name][variable].dropna().to_numpy() for name in (first, second))
            row = {"variable": variable, "pair": f"{first}_vs_{second}", "n1": len(x), "n2": len(y)}
            if min(len(x), len(y)) > 1:
                u, p = stats.mannwhitneyu(x, y, alternative="two-sided", method="asymptotic")
                superiority = u / (len(x) * len(y))
                error = np.sqrt(placements(x, y).var(ddof=1) / len(x) + (1 - placements(y, x)).var(ddof=1) / len(y))
                half = stats.norm.ppf(0.975) * error
                row |= {"u": u, "p": p, "superiority": superiority}
                row |= {"superiority_low": max(superiority - half, 0), "superiority_high": min(superiority + half, 1)}
            rows.append(row)
    frame = pd.DataFrame(rows)
    least = 0.0
    made = frame.dropna(subset="p").sort_values("p", kind="stable")
    for place, (row, p) in enumerate(made["p"].items()):
        least = max(least, min(p * (len(made) - place), 1.0))
        frame.loc[row, "p_holm"] = least
    return frame


def tests_same(found: Mapping) -> dict:
    columns = ["variable", "pair", "u", "p", "p_holm", "superiority", "superiority_low", "superiority_high", "n1", "n2"]
    return {**found, "tests": found["tests"][columns].astype({"variable": "object", "pair": "object"})}


# --- figures ----------------------------------------------------------------------------------------------------------


def figures_ours(inputs: Inputs) -> Timed:
    """The five figures as PDF, SVG and PNG, each distinct value drawn once."""
    from analysis import activity, adoption, figures
    from analysis.report import Report

    counts, matrices = inputs.prepared["counts"], _matrices(inputs.prepared["counts"])
    central, used, co_used = (inputs.prepared[name] for name in ("central", "used", "co_used"))
    report = Report("bench", out_dir=inputs.work / "figures_ours", synthetic=True)

    def timed():
        drawn = {
            "rq1_distributions": figures.distributions({k: activity.distribution(f) for k, f in counts.items()}),
            "rq1_correlations": figures.correlations(*matrices["kinds"]),
            "rq1_license_correlations": figures.correlations(*matrices["groups"]),
            "rq2_distributions": figures.centralities(central),
            "rq3_distributions": figures.adoption(
                adoption.degree_distributions(used, "spaces"), adoption.degree_distributions(co_used, "degree")
            ),
        }
        for name, (figure, data) in drawn.items():
            report.figure(name, figure, data, alt=name)
        return {name: data for name, (_, data) in drawn.items()}

    return timed


def _matrices(counts: Mapping) -> dict:
    """Pearson and Spearman matrices of the kinds and of the licence groups."""
    from analysis import activity

    panels = {"kinds": counts, "groups": activity.groups(activity.with_group(counts["model"]))}
    return {
        name: tuple(activity.correlations_by(frames, method=method) for method in ("pearson", "spearman"))
        for name, frames in panels.items()
    }


def figures_plain(inputs: Inputs) -> Timed:
    """The five figures with matplotlib and seaborn, every repository, developer and model drawn."""
    counts, matrices = inputs.prepared["counts"], _matrices(inputs.prepared["counts"])
    central, used, co_used = (inputs.prepared[name] for name in ("central", "used", "co_used"))
    directory = inputs.work / "figures_plain"
    directory.mkdir(exist_ok=True)

    def timed():
        from analysis.engine import VARIABLES

        by_kind = {kind: {v: frame[v] for v in VARIABLES} for kind, frame in counts.items()}
        measures = {name: {name: central[name]} for name in ("degree", "pagerank")}
        adopted = {"usage": (used, "spaces"), "co-usage": (co_used, "degree")}
        degrees = {n: {f: frames[f][c] for f in frames if len(frames[f])} for n, (frames, c) in adopted.items()}
        return {
            "rq1_distributions": _plain_tails(directory / "rq1_distributions", by_kind),
            "rq1_correlations": _plain_heatmaps(directory / "rq1_correlations", *matrices["kinds"]),
            "rq1_license_correlations": _plain_heatmaps(directory / "rq1_license_correlations", *matrices["groups"]),
            "rq2_distributions": _plain_tails(directory / "rq2_distributions", measures, style="."),
            "rq3_distributions": _plain_tails(directory / "rq3_distributions", degrees),
        }

    return timed


def _plain_tails(file: Path, panels: Mapping, *, style: str = "-") -> list:
    """A panel each, a line each: the share with at least each value, a point per observation."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure, axes = plt.subplots(1, len(panels), figsize=(6.4, 2.9), layout="constrained")
    lines = []
    for axis, (panel, series) in zip(axes, panels.items(), strict=True):
        for name, column in series.items():
            values = np.sort(column.dropna().to_numpy())
            share = np.arange(len(values), 0, -1) / max(len(values), 1)
            above = values > 0
            if above.any():
                axis.plot(
                    values[above], share[above], style, label=name, drawstyle="steps-pre" if style == "-" else None
                )
                lines.append((panel, name, values[above], share[above]))
        axis.set(xscale="log", yscale="log", title=panel)
    axes[-1].legend(fontsize=5)
    _plain_save(figure, file)
    return lines


def _plain_heatmaps(file: Path, pearson: Mapping, spearman: Mapping) -> list:
    import matplotlib.pyplot as plt
    import numpy as np
    import seaborn as sns

    figure, axes = plt.subplots(1, len(pearson), figsize=(6.4, 2.9), layout="constrained", sharey=True)
    for axis, name in zip(axes, pearson, strict=True):
        matrix = pearson[name].where(np.tril(np.ones(pearson[name].shape, dtype=bool)), spearman[name])
        matrix = matrix.mask(np.eye(len(matrix), dtype=bool))
        sns.heatmap(matrix, ax=axis, vmin=-1, vmax=1, cmap="RdBu_r", annot=True, fmt=".2f", cbar=False, square=True,
                    annot_kws={"size": 5.2})  # fmt: skip
        axis.set_title(name)
    _plain_save(figure, file)
    return [(name, pearson[name], spearman[name]) for name in pearson]


def _plain_save(figure, file: Path) -> None:
    import matplotlib.pyplot as plt

    for ending in (".pdf", ".svg", ".png"):
        figure.savefig(file.with_suffix(ending), dpi=150)
    plt.close(figure)


def figures_same(drawn: Mapping) -> dict:
    """What is behind each figure as {(panel, line, value): share} or {(panel, a, b): (pearson, spearman)}."""
    import pandas as pd

    same = {}
    for name, data in drawn.items():
        if not isinstance(data, pd.DataFrame):
            same[name] = _points_of(data)
        elif "pearson" in data:
            same[name] = {(r.panel, r.a, r.b): (r.pearson, r.spearman) for r in data.itertuples()}
        else:
            columns = {"kind": "panel", "network": "panel", "variable": "line", "field": "line"}
            columns |= {"measure": "line", "degree": "value"}
            rows = data.rename(columns=columns)
            rows = rows if "panel" in rows else rows.assign(panel=rows["line"])
            same[name] = {(r.panel, r.line, float(r.value)): r.share for r in rows.itertuples()}
    return same


def _points_of(lines: list) -> dict:
    """Of the points with one value the highest: the share with at least it."""
    from itertools import combinations

    points = {}
    if lines and not isinstance(lines[0][1], str):
        known = [v for v in lines[0][1] if any(p[v].drop(v).notna().any() for _, p, _ in lines)]
        return {
            (panel, a, b): (pearson.loc[a, b], spearman.loc[a, b])
            for panel, pearson, spearman in lines
            for a, b in combinations(known, 2)
        }
    for panel, name, values, shares in lines:
        for value, share in zip(values.tolist(), shares.tolist(), strict=True):
            points.setdefault((panel, name, float(value)), share)
    return points


# --- notebooks and paper ----------------------------------------------------------------------------------------------


def papermill_ours(inputs: Inputs) -> Timed:
    """The notebooks side by side through papermill, as a run does it, with the kernels' start."""
    from analysis import run

    def timed():
        run.run_notebooks(inputs.parameters)
        return inputs.work / "results"

    return timed


def papermill_plain(inputs: Inputs) -> Timed:
    """The same cells as plain scripts side by side: what is left of the difference is papermill's."""
    from analysis import run

    out = inputs.work / "scripts"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    scripts = [_script(name, inputs.snapshot, out) for name in run.NOTEBOOKS]
    env = os.environ | {"PYTHONPATH": str(ROOT)}

    def timed():
        running = [
            subprocess.Popen([sys.executable, file], cwd=paths.NOTEBOOKS, env=env, stdout=subprocess.DEVNULL)
            for file in scripts
        ]
        failed = [file.stem for file, process in zip(scripts, running, strict=True) if process.wait()]
        if failed:
            raise BenchError(f"as scripts, these failed: {', '.join(failed)}")
        return out

    return timed


def _script(name: str, snapshot_name: str, out: Path) -> Path:
    """A notebook's source with this run's parameters."""
    source = (paths.NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    for default, value in (('snapshot_date = "demo"', snapshot_name), ('out_dir = ""', str(out))):
        if source.count(f"\n{default}") != 1:
            raise BenchError(f"notebooks/{name}.py: expected one line {default}")
        source = source.replace(f"\n{default}", f"\n{default.split(' = ')[0]} = {value!r}")
    file = out / f"{name}.py"
    file.write_text(source, encoding="utf-8")
    return file


def papermill_same(out: Path) -> dict:
    """The values and reasons of every result; a script has no numbered cells."""
    parts = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted((out / "parts").glob("*.json"))}
    return {
        name: {result: {key: value for key, value in entry.items() if key != "cell"} for result, entry in emitted.items()}
        for name, part in parts.items()
        for emitted in [part["results"]]
    }


def _results(inputs: Inputs) -> Path:
    """The directory of a run that is done up to the paper."""
    from analysis import run

    if not (inputs.work / "results" / "parts").is_dir():
        run.run_notebooks(inputs.parameters)
    run.collect(inputs.parameters)
    return inputs.work / "results"


def latex_ours(inputs: Inputs) -> Timed:
    """The PDF with latexmk, from nothing."""
    from analysis import run

    results = _results(inputs)
    shutil.rmtree(results / "build", ignore_errors=True)

    def timed():
        run.build_paper(inputs.parameters)
        return results / "build"

    return timed


def latex_plain(inputs: Inputs) -> Timed:
    """The PDF with pdflatex, bibtex, pdflatex, pdflatex."""
    results, build = _results(inputs), inputs.work / "latex"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir()
    env = os.environ | {"TEXINPUTS": f".:{results}:", "BIBINPUTS": f"{paths.PAPER}:", "max_print_line": "10000"}
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={build}", "main.tex"]
    bibtex = ["bibtex", "main"]

    def timed():
        for command in (latex, bibtex, latex, latex):
            where = build if command is bibtex else paths.PAPER
            done = subprocess.run(command, cwd=where, env=env, capture_output=True, check=False)
            if done.returncode:
                raise BenchError(f"{command[0]} ended with {done.returncode}; see {build.name}/main.log")
        return build

    return timed


def latex_same(build: Path) -> dict:
    """Labels, page numbers and references: equal where both have run to the end."""
    return {ending: (build / f"main{ending}").read_text(encoding="utf-8") for ending in (".aux", ".bbl")}


def whole_ours(inputs: Inputs) -> Timed:
    """All of `./run_all.sh` once everything is installed, in a process of its own, with every import."""
    out = inputs.work / "whole"
    command = [sys.executable, "-m", "analysis", "run", "--snapshot", inputs.snapshot, "-p", f"out_dir={out}"]

    def timed():
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)

    return timed


# --- stages -----------------------------------------------------------------------------------------------------------


def as_it_is(result):
    return result


@dataclass(frozen=True)
class Stage:
    """A stage done two ways; `same` brings either result into one form, outside the clock."""

    ours: Callable[[Inputs], Timed]
    plain: Callable[[Inputs], Timed] | None
    same: Callable = as_it_is
    computes: bool = True  # belongs to the computation, whose sum is shown
    needs_tex: bool = False


STAGES = {
    "load": Stage(load_ours, load_plain),
    "people": Stage(people_ours, people_plain, people_same),
    "counts": Stage(counts_ours, counts_plain, counts_same),
    "edges": Stage(edges_ours, edges_plain, edges_same),
    "cores": Stage(cores_ours, cores_plain),
    "communities": Stage(communities_ours, communities_plain, communities_same),
    "clustering": Stage(clustering_ours, clustering_plain),
    "pagerank": Stage(pagerank_ours, pagerank_plain, pagerank_same),
    "projection": Stage(projection_ours, projection_plain, projection_same),
    "tests": Stage(tests_ours, tests_plain, tests_same),
    "figures": Stage(figures_ours, figures_plain, figures_same, computes=False),
    "papermill": Stage(papermill_ours, papermill_plain, papermill_same, computes=False),
    "latex": Stage(latex_ours, latex_plain, latex_same, computes=False, needs_tex=True),
    "whole": Stage(whole_ours, None, computes=False),
}


def differences(ours, plain, where: str = "result") -> list[str]:
    """Where two results differ, in words: floats beyond 1e-9 (relative), anything else at all; empty where equal."""
    import math

    import pandas as pd

    if isinstance(ours, pd.DataFrame) and isinstance(plain, pd.DataFrame):
        try:
            pd.testing.assert_frame_equal(
                ours, plain, rtol=RELATIVE, atol=ABSOLUTE, check_dtype=False, check_like=True, check_names=False,
                check_index_type=False, check_column_type=False,
            )  # fmt: skip
        except AssertionError as error:
            return [f"{where}: {' '.join(str(error).split())[:300]}"]
        return []
    if isinstance(ours, Mapping) and isinstance(plain, Mapping):
        if ours.keys() != plain.keys():
            return [f"{where}: {len(ours)} and {len(plain)} keys, {len(ours.keys() ^ plain.keys())} only in one"]
        return [line for key in ours for line in differences(ours[key], plain[key], f"{where}, {key}")]
    if isinstance(ours, (list, tuple)) and isinstance(plain, (list, tuple)):
        if len(ours) != len(plain):
            return [f"{where}: {len(ours)} and {len(plain)} entries"]
        pairs = enumerate(zip(ours, plain, strict=True))
        return [line for place, (a, b) in pairs for line in differences(a, b, f"{where}[{place}]")]
    if isinstance(ours, float) and isinstance(plain, float):
        both_nan = math.isnan(ours) and math.isnan(plain)
        equal = both_nan or math.isclose(ours, plain, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    else:
        equal = ours == plain
    return [] if equal else [f"{where}: {str(ours)[:80]} and {str(plain)[:80]}"]


# --- processes of their own -------------------------------------------------------------------------------------------


def _child(*arguments: str) -> str:
    """Run a hidden command of this script in a fresh Python; returns what it printed last. Raises BenchError."""
    env = os.environ | {"HUB_PAPER_SNAPSHOTS": str(paths.snapshots().resolve())}
    done = subprocess.run([sys.executable, __file__, *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise BenchError(f"{' '.join(arguments[:3])}: {lines[-1][:500]}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _peak_mib() -> float:
    """Most memory of this process, in MiB (Linux counts KiB, macOS bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


class Watch(threading.Thread):
    """Looks at all processes below this one while it lasts: the largest one's memory, and what each has computed.

    The kernels of a run are no children of the process that waits for them, so nothing else adds them up.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self._over = threading.Event()
        self._seconds: dict[tuple[int, float], float] = {}
        self.peak_mib = 0.0

    def run(self) -> None:
        import psutil

        this = psutil.Process()
        while not self._over.wait(0.1):
            for process in this.children(recursive=True):
                with suppress(psutil.Error):  # it has just ended
                    spent = process.cpu_times()
                    self._seconds[process.pid, process.create_time()] = spent.user + spent.system
                    self.peak_mib = max(self.peak_mib, process.memory_info().rss / 2**20)

    def seconds(self) -> float:
        """Processor seconds of those processes, but for what each did after it was last looked at."""
        self._over.set()
        self.join()
        return sum(self._seconds.values())


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
said = Console(stderr=True, highlight=False)


@app.command("make", hidden=True)
def make_(scale: float) -> None:
    from analysis.sources.twin import generator

    generator.make(date=DATE, scale=scale)


@app.command("prepare", hidden=True)
def prepare_(snapshot_name: str, work: Path) -> None:
    _ = Inputs(snapshot_name, work).prepared


@app.command("measure", hidden=True)
def measure_(snapshot_name: str, stage: str, side: str, work: Path) -> None:
    """Time one side of one stage; keeps its result for `compare` and prints seconds and peak memory as JSON."""
    for module in IMPORTS:
        importlib.import_module(module)
    timed = getattr(STAGES[stage], side)(Inputs(snapshot_name, work))
    watch = None if STAGES[stage].computes else Watch()
    if watch:
        watch.start()
    start, worked = time.perf_counter(), time.process_time()
    result = timed()
    found = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - worked, "peak_mib": _peak_mib()}
    if watch:
        found["cpu"] += watch.seconds()
        found["peak_mib"] = max(found["peak_mib"], watch.peak_mib)
    (work / f"{stage}.{side}.pkl").write_bytes(pickle.dumps(STAGES[stage].same(result)))
    print(json.dumps(found))


@app.command("compare", hidden=True)
def compare_(snapshot_name: str, stage: str, work: Path) -> None:
    found = differences(*(pickle.loads((work / f"{stage}.{side}.pkl").read_bytes()) for side in SIDES))
    if found:
        sys.exit(f"{stage} on {snapshot_name}: the two ways differ in {len(found)} places; first {found[0]}")


# --- the command ------------------------------------------------------------------------------------------------------


def snapshot_at(scale: float) -> str:
    """Name of the twin of this scale."""
    return f"{DATE}-twin" + ("" if scale == 1 else f"-x{scale:g}")


def measure(scale: float, stages: list[str], *, repeat: int, plain: bool, work: Path) -> Iterator[dict]:
    """Yield rows scale, stage, side, seconds and cpu (one per repeat), peak_mib; a repeat's two sides in turn."""
    name, tex = snapshot_at(scale), all(shutil.which(tool) for tool in ("latexmk", "pdflatex", "bibtex"))
    if not (paths.snapshots() / name / "manifest.json").is_file():
        said.print(f"making {name}")
        _child("make", str(scale))
    _child("prepare", name, str(work))
    for stage in stages:
        if STAGES[stage].needs_tex and not tex:
            said.print(f"{stage}: left out, this machine has no LaTeX")
            continue
        sides = [side for side in SIDES if getattr(STAGES[stage], side) and (plain or side == "ours")]
        found = {side: [] for side in sides}
        for _ in range(repeat):
            for side in sides:
                said.print(f"{name}: {stage}, {side}")
                found[side].append(json.loads(_child("measure", name, stage, side, str(work))))
            if len(sides) == 2:
                _child("compare", name, stage, str(work))
        for side, runs in found.items():
            clocks = {clock: [run[clock] for run in runs] for clock in CLOCKS.values()}
            peak = max(run["peak_mib"] for run in runs)
            yield {"scale": scale, "stage": stage, "side": side, **clocks, "peak_mib": peak}


def _by_stage(rows: list[dict], scale: float, clock: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Median seconds and peak per stage and side, then their sum over the computation where both sides are there."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for row in rows:
        if row["scale"] == scale:
            found.setdefault(row["stage"], {})[row["side"]] = (median(row[CLOCKS[clock]]), row["peak_mib"])
    computed = [sides for stage, sides in found.items() if STAGES[stage].computes]
    if len(computed) > 1:
        found["computation"] = {
            side: (sum(sides[side][0] for sides in computed), max(sides[side][1] for sides in computed))
            for side in SIDES
            if all(side in sides for sides in computed)
        }
    return found


def table_of(rows: list[dict], scale: float, *, clock: str = "wall") -> Table:
    """Seconds, ratio and peak memory of every stage at one scale."""
    table = Table("stage", title=f"scale {scale:g}, {clock} time, results equal")
    for column in ("ours, s", "plain, s", "plain / ours", "ours, MiB", "plain, MiB"):
        table.add_column(column, justify="right")
    for stage, sides in _by_stage(rows, scale, clock).items():
        ours, plain = sides.get("ours"), sides.get("plain")
        if stage == "computation":
            table.add_section()
        ratio = f"{plain[0] / ours[0]:.1f}" if ours and plain else "-"
        seconds = [f"{side[0]:.2f}" if side else "-" for side in (ours, plain)]
        table.add_row(stage, *seconds, ratio, *(f"{side[1]:.0f}" if side else "-" for side in (ours, plain)))
    if not any(row["side"] == "plain" for row in rows):
        table.title = f"scale {scale:g}, {clock} time"
    return table


def growth_of(rows: list[dict], scales: list[float], *, clock: str = "wall") -> Table:
    """Seconds and peak memory of our side, a column a scale."""
    table = Table("stage", title=f"growth of our side: seconds, {clock} time (and MiB)")
    by_scale = {scale: _by_stage(rows, scale, clock) for scale in scales}
    for scale in scales:
        table.add_column(f"scale {scale:g}", justify="right")
    for stage in (*STAGES, "computation"):
        cells = [by_scale[scale].get(stage, {}).get("ours") for scale in scales]
        if any(cells):
            table.add_row(stage, *(f"{cell[0]:.2f} ({cell[1]:.0f})" if cell else "-" for cell in cells))
    return table


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    scale: Annotated[
        list[float] | None,
        typer.Option(help="Size of the twin, 1 being the Hub of October 2023; repeatable. [default: 1]", min=0.001),
    ] = None,
    stages: Annotated[str, typer.Option(metavar="A,B", help=f"Only these, of {', '.join(STAGES)}.")] = "",
    repeat: Annotated[int, typer.Option(help="How often each side runs; medians are shown.", min=1)] = 1,
    skip_plain: Annotated[bool, typer.Option("--skip-plain", help="Time our side only; nothing is compared.")] = False,
    clock: Annotated[
        str, typer.Option(help="`wall`, or `cpu`: processor time, for a machine that is busy with other work.")
    ] = "wall",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write every measurement to this file.")] = None,
) -> None:
    """Time each stage of a run, beside the same work done the plain way, and compare the results.

    Our side is the project's own code. The plain side is what a careful analyst would write with pandas and networkx.
    Where both call the same library function the ratio is about 1. A twin that is not there is made, into
    `data/snapshots` or the directory that `HUB_PAPER_SNAPSHOTS` names.

    Each side of each stage has a process of its own. Its imports and its input are read before the clock starts; a
    plain stage finds the snapshot's tables in memory (`load` is their reading), ours reads the files. `peak` is the
    largest process, input included. `papermill`, `latex` and `whole` start further processes; theirs is counted.

    - A first look, in seconds: `python tests/bench/bench.py --scale 0.01`
    - The full size: `python tests/bench/bench.py --repeat 3 --json bench.json`
    - Growth: `python tests/bench/bench.py --scale 0.1 --scale 1 --scale 10 --skip-plain`
    - Two stages: `python tests/bench/bench.py --stages edges,communities`

    Exit code 1: a stage failed, or its two results differ.
    """
    if context.invoked_subcommand:
        return
    chosen = [name.strip() for name in stages.split(",") if name.strip()] or list(STAGES)
    unknown = [name for name in chosen if name not in STAGES]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such stage; there are {', '.join(STAGES)}")
    if clock not in CLOCKS:
        raise typer.BadParameter(f"--clock {clock}: expected {' or '.join(CLOCKS)}")
    chosen = [name for name in STAGES if name in chosen]
    scales = sorted(set(scale or [1.0]))
    rows, failure = [], None
    for size in scales:
        with tempfile.TemporaryDirectory(prefix="bench-") as work:
            try:
                for row in measure(size, chosen, repeat=repeat, plain=not skip_plain, work=Path(work)):
                    rows.append(row)
            except BenchError as error:
                failure = error
        Console().print(table_of(rows, size, clock=clock))
        if failure:
            break
    if len(scales) > 1:
        Console().print(growth_of(rows, scales, clock=clock))
    if json_file:
        about = {"python": sys.version.split()[0], "processors": os.cpu_count(), "date": DATE}
        json_file.write_text(json.dumps(about | {"measurements": rows}, indent=1) + "\n", encoding="utf-8")
    if failure:
        said.print(f"error: {failure}", style="red", markup=False)
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
