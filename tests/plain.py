"""The stages of a run done the plain way: as a careful analyst would write them from the text, with pandas and networkx.

They are the oracle of whole stages: on any snapshot both ways give the same. tests/bench times one against the other.
"""

import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import activity, communities, engine, licenses, network, paths
from analysis.engine import FIELD_TAGS, VARIABLES
from analysis.parameters import Parameters
from analysis.people import is_bot

KINDS = ("model", "dataset", "space")
FIELDS = ("all", "cv", "nlp", "mm")
LEVELS = {"k1": 1, "k5": 5, "k10": 10}  # of cores, and kmax


@dataclass(frozen=True)
class Inputs:
    """A snapshot, and what the stages start from; what they have in common is kept in a directory."""

    snapshot: str
    work: Path

    @cached_property
    def hub(self):
        return engine.load(Parameters(snapshot_date=self.snapshot, out_dir=str(self.work / "results")))

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The snapshot's tables: where every plain stage starts."""
        names = ("repos", "commits", "discussions", "usage", "people", "rejected")
        return {name: pd.read_parquet(paths.snapshots() / self.snapshot / f"{name}.parquet") for name in names}

    @cached_property
    def people(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Who did what, the plain way."""
        return people_of(self.tables)

    @cached_property
    def hub_of_people(self):
        """The snapshot once it is known who did what, our way."""
        _ = self.hub.contributions, self.hub.starters
        return self.hub

    @cached_property
    def prepared(self) -> dict:
        """counts by kind and edges by field: what later stages start from, on both sides."""
        file = self.work / "prepared.pkl"
        if not file.exists():
            counts = {kind: engine.activity(self.hub, kind).value for kind in KINDS}
            edges = {field: engine.edges(self.hub, field).value for field in FIELDS}
            file.write_bytes(pickle.dumps({"counts": counts, "edges": edges}))
        return pickle.loads(file.read_bytes())

    @cached_property
    def graphs(self) -> dict[str, nx.DiGraph]:
        return {field: network.graph(edges) for field, edges in self.prepared["edges"].items()}

    @cached_property
    def cores(self) -> dict[tuple[str, str], nx.DiGraph]:
        """The network of every field at every level of Tables 6-9, by (field, level)."""
        return {(field, level): core for field, graph in self.graphs.items() for level, core in cores_of(graph).items()}


class Stage(NamedTuple):
    """A stage both ways, what of `Inputs` each way finds in memory, and how either result is brought into one form."""

    ours: Callable[[Inputs], Any]
    plain: Callable[[Inputs], Any]
    ours_has: str = ""
    plain_has: str = ""
    in_one_form: Callable = lambda result: result


def assert_same(ours, plain, where: str = "result") -> None:
    """Both results are equal, however deep: floats to 1e-9 of their size, all else exactly."""
    if isinstance(ours, pd.DataFrame):
        pd.testing.assert_frame_equal(
            ours, plain, rtol=1e-9, atol=1e-12, check_dtype=False, check_like=True, check_names=False,
            check_index_type=False, check_column_type=False, obj=where,
        )  # fmt: skip
    elif isinstance(ours, Mapping):
        assert ours.keys() == plain.keys(), where
        for key in ours:
            assert_same(ours[key], plain[key], f"{where}, {key}")
    elif isinstance(ours, float) and isinstance(plain, float):
        assert ours == pytest.approx(plain, rel=1e-9, abs=1e-12, nan_ok=True), where
    else:
        assert ours == plain, where


# --- load: the rows by kind -------------------------------------------------------------------------------------------


def load_ours(inputs: Inputs) -> dict:
    """Open the snapshot, compare every file with its hash, count the rows; values are read when they are needed."""
    hub, counted = inputs.hub, {}
    for name in ("repos", "commits", "discussions"):
        kinds = hub.frame(hub.table(name).group_by("kind").agg(rows=lambda t: t.count()))
        counted[name] = {row.kind: int(row.rows) for row in kinds.itertuples()}
    return counted | {"usage": int(hub.frame(hub.usage.agg(rows=lambda t: t.count()))["rows"].iloc[0])}


def load_plain(inputs: Inputs) -> dict:
    """Read every table into memory and count the rows."""
    tables = inputs.tables
    counted = {name: tables[name]["kind"].value_counts().to_dict() for name in ("repos", "commits", "discussions")}
    return counted | {"usage": len(tables["usage"])}


# --- people: who is who, without bots, and who committed to and discussed what ----------------------------------------


def people_of(tables: Mapping) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Authors of commits, a row an author and the commit as index, and starters of discussions; numbered, no bots."""
    commits, opened = tables["commits"], tables["discussions"][["kind", "repo_id", "author"]].dropna()
    authors = commits[["kind", "repo_id", "authors"]].explode("authors").rename(columns={"authors": "author"}).dropna()
    names = pd.Series(sorted(set(authors["author"].unique()) | set(opened["author"].unique())), dtype="str")
    merged = tables["people"]
    merged = merged[~(merged["score"] < 90)].set_index("alias")["person"]
    person = names.map(merged).fillna(names)
    developer = dict(zip(names, person.rank(method="dense").astype("int64") - 1, strict=True))
    bots = set(names[is_bot(names) | is_bot(person)])
    authors, opened = (rows[~rows["author"].isin(bots)] for rows in (authors, opened))
    return tuple(
        rows.assign(developer=rows["author"].map(developer).astype("int64")).drop(columns="author")
        for rows in (authors, opened)
    )


def people_in_one_form(found) -> dict:
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


# --- counts: the activity of every repository -------------------------------------------------------------------------


def counts_ours(inputs: Inputs) -> dict:
    return {kind: engine.activity(inputs.hub_of_people, kind).value for kind in KINDS}


def counts_plain(inputs: Inputs) -> dict:
    """Group by repository, merge the counts."""
    return {kind: _activity(inputs.tables, *inputs.people, kind) for kind in KINDS}


def _activity(tables: Mapping, authors: pd.DataFrame, starters: pd.DataFrame, kind: str) -> pd.DataFrame:
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
        frame.loc[missing, [*columns, "n_community"]] = np.nan
    if kind == "space":
        frame["n_downloads"] = np.nan
    return frame


def counts_in_one_form(counts: Mapping) -> dict:
    """Frames with the same columns in the same order, missing values written the same way."""

    def one(frame):
        frame = frame.reindex(columns=["repo_id", "license", *VARIABLES])
        values = {name: pd.to_numeric(frame[name]).astype("float64") for name in VARIABLES}
        text = {name: frame[name].astype("object").where(frame[name].notna(), None) for name in ("repo_id", "license")}
        return pd.DataFrame(text | values).sort_values("repo_id", ignore_index=True)

    return {kind: one(frame) for kind, frame in counts.items()}


# --- edges: the collaboration networks of all models and of three fields ----------------------------------------------


def edges_ours(inputs: Inputs) -> dict:
    return {field: network.graph(engine.edges(inputs.hub_of_people, field).value) for field in FIELDS}


def edges_plain(inputs: Inputs) -> dict:
    """Merge the first author of every commit with the repository's authors; count; make a graph."""
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

    return {field: network_of(authors[authors["repo_id"].isin(_models(tables, field))]) for field in FIELDS}


def _models(tables: Mapping, field: str):
    models = tables["repos"][tables["repos"]["kind"] == "model"]
    if field == "all":
        return models["repo_id"]
    tags = models[["repo_id", "tags"]].explode("tags")
    return tags.loc[tags["tags"].isin(FIELD_TAGS[field]), "repo_id"].unique()


def edges_in_one_form(graphs: Mapping) -> dict:
    return {
        field: {
            "nodes": sorted(map(int, graph)),
            "edges": sorted((int(s), int(t), int(w)) for s, t, w in graph.edges(data="weight")),
        }
        for field, graph in graphs.items()
    }


# --- cores: core numbers, the cores, and their measures but for communities (Tables 6-9) ------------------------------


def cores_ours(inputs: Inputs) -> dict:
    """With clustering besides, which the plain way has as a stage of its own."""
    names = ("nodes", "edges", "dens", "recip", "arcc", "ass")

    def of(graph):
        found = network.core_results(network.core_table(graph, searches=()))
        levels = [level for level in (*LEVELS, "kmax") if found[f"{level}.k"]]
        return {level: {name: found[f"{level}.{name}"] for name in names} for level in levels}

    return {field: of(graph) for field, graph in inputs.graphs.items()}


def cores_plain(inputs: Inputs) -> dict:
    return {
        field: {level: _measures(core) for level, core in cores_of(graph).items()}
        for field, graph in inputs.graphs.items()
    }


def cores_of(graph: nx.DiGraph) -> dict[str, nx.DiGraph]:
    """`networkx.k_core` per level that the network reaches."""
    numbers = nx.core_number(graph)
    largest = max(numbers.values(), default=0)
    levels = LEVELS | {"kmax": largest}
    return {level: nx.k_core(graph, k, core_number=numbers) for level, k in levels.items() if 0 < k <= largest}


def _measures(core: nx.DiGraph) -> dict:
    ranked = sorted((degree for _, degree in core.degree), reverse=True)
    least = ranked[max(1, math.ceil(len(ranked) / 10)) - 1]
    rich = core.subgraph([node for node, degree in core.degree if degree >= least])
    sources = {core.out_degree(source) for source, _ in core.edges}
    targets = {core.in_degree(target) for _, target in core.edges}
    varied = min(len(sources), len(targets)) > 1
    return {
        "nodes": core.number_of_nodes(),
        "edges": core.number_of_edges(),
        "dens": nx.density(core),
        "recip": nx.reciprocity(core),
        "arcc": nx.density(rich) if len(rich) > 1 else None,
        "ass": nx.degree_assortativity_coefficient(core) if varied else None,
    }


# --- communities: greedy modularity in every core, searched with and without weights (Tables 6-9) ---------------------


def _communities(inputs: Inputs, search: Callable) -> dict:
    def of(core, weight):
        found = search(core, weight=weight)
        return {"groups": [sorted(group) for group in found], "mod": nx.community.modularity(core, found)}

    return {(*key, weight): of(core, weight) for key, core in inputs.cores.items() for weight in (None, "weight")}


def communities_in_one_form(found: Mapping) -> dict:
    """Groups of one size may come in any order."""
    return {key: value | {"groups": sorted(value["groups"])} for key, value in found.items()}


# --- pagerank: degree and PageRank of the developers of all models, without isolates (Figure 4) -----------------------


def pagerank_plain(inputs: Inputs) -> pd.DataFrame:
    """`networkx.pagerank` on the linked developers, run until it is as near to its limit as ours has to be."""
    linked = inputs.graphs["all"].copy()
    linked.remove_nodes_from(list(nx.isolates(linked)))
    tolerance = network.PAGERANK_ERROR * (1 - network.DAMPING) / network.DAMPING / len(linked)
    ranks = nx.pagerank(linked, alpha=network.DAMPING, tol=tolerance, max_iter=1000)
    rows = [(node, degree, ranks[node]) for node, degree in linked.degree]
    return pd.DataFrame(rows, columns=["developer", "degree", "pagerank"])


# --- projection: co-usage of models, for all models and three fields (section 4.3) ------------------------------------


def projection_plain(inputs: Inputs) -> dict:
    """`networkx.bipartite.weighted_projected_graph` on the graph of spaces and models."""
    links = inputs.tables["usage"]

    def projected(links):
        graph = nx.Graph()
        models = [("model", name) for name in links["model_id"]]
        graph.add_edges_from(zip(models, (("space", name) for name in links["space_id"]), strict=True))
        return nx.bipartite.weighted_projected_graph(graph, dict.fromkeys(models))

    fields = {field: links["model_id"].isin(_models(inputs.tables, field)) for field in FIELDS[1:]}
    return {"all": projected(links), **{field: projected(links[inside]) for field, inside in fields.items()}}


def projection_in_one_form(found: Mapping) -> dict:
    """Frames model_a < model_b, spaces, from a frame or from a graph."""

    def one(pairs):
        if not isinstance(pairs, pd.DataFrame):
            rows = [(*sorted((a[1], b[1])), weight) for a, b, weight in pairs.edges(data="weight")]
            pairs = pd.DataFrame(rows, columns=["model_a", "model_b", "spaces"])
        pairs = pairs.astype({"model_a": "object", "model_b": "object", "spaces": "int64"})
        return pairs.sort_values(["model_a", "model_b"], ignore_index=True)

    return {field: one(pairs) for field, pairs in found.items()}


# --- tests: summaries, concentration, correlations with p-values, Mann-Whitney (Tables 2-5, Figures 2 and 3) ----------


def tests_ours(inputs: Inputs) -> dict:
    counts = inputs.prepared["counts"]
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


def tests_plain(inputs: Inputs) -> dict:
    """`describe`, sorted sums, and scipy's tests, one variable and one pair at a time."""
    counts = inputs.prepared["counts"]
    groups = licenses.load().set_index("identifier")["group"]
    identifiers = counts["model"]["license"]
    group = identifiers.str.strip().str.casefold().map(groups).fillna("unclassified").where(identifiers.notna(), "none")
    by_group = {name: counts["model"][group == name] for name in ("permissive", "restrictive", "none")}
    return {
        "summaries": {kind: _summary(frame[list(VARIABLES)]) for kind, frame in counts.items()},
        "shares": {kind: pd.DataFrame({v: _shares(frame[v]) for v in VARIABLES}) for kind, frame in counts.items()},
        "correlations": {name: _correlations(frame) for name, frame in {**counts, **by_group}.items()},
        "p": {kind: _p_values(frame) for kind, frame in counts.items()},
        "tests": _mann_whitney(by_group),
    }


def _summary(values: pd.DataFrame) -> pd.DataFrame:
    described, known = values.describe(), values.notna().sum()
    names = {"n": "count", "mean": "mean", "std": "std", "min": "min", "q25": "25%", "q50": "50%", "q75": "75%", "max": "max"}
    rows = {name: described.loc[theirs] for name, theirs in names.items()}
    return pd.DataFrame(rows | {"zero_share": ((values == 0).sum() / known).where(known > 0)}).T


def _shares(values: pd.Series) -> pd.Series:
    known = values.dropna().sort_values(ascending=False).astype("int64")
    held = known.cumsum().to_numpy()
    shares = {}
    for percent in (80, 99):
        enough = -(-int(held[-1]) * percent // 100) if len(held) and held[-1] else None  # rounded up
        shares[f"share_for_{percent}"] = None if enough is None else (held.searchsorted(enough) + 1) / len(held)
    return pd.Series(shares, dtype="float64")


def _variable_pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(combinations(sorted(v for v in VARIABLES if v in frame), 2))


def _correlations(frame: pd.DataFrame) -> dict:
    return {
        f"{method}.{a}.{b}": frame[a].corr(frame[b], method=method, min_periods=2)
        for method in ("pearson", "spearman")
        for a, b in _variable_pairs(frame)
    }


def _p_values(frame: pd.DataFrame) -> dict:
    found = {}
    for a, b in _variable_pairs(frame):
        both = frame[[a, b]].dropna()
        defined = len(both) > 2 and both[a].nunique() > 1 and both[b].nunique() > 1
        found[f"pearson.{a}.{b}.p"] = stats.pearsonr(both[a], both[b]).pvalue if defined else float("nan")
    return found


def _mann_whitney(by_group: Mapping) -> pd.DataFrame:
    """With the interval of the placements' variance, and Holm's adjustment step by step."""

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


def tests_in_one_form(found: Mapping) -> dict:
    columns = ["variable", "pair", "u", "p", "p_holm", "superiority", "superiority_low", "superiority_high", "n1", "n2"]
    return {**found, "tests": found["tests"][columns].astype({"variable": "object", "pair": "object"})}


# --- all of them ------------------------------------------------------------------------------------------------------

STAGES = {
    "load": Stage(load_ours, load_plain),
    "people": Stage(lambda i: i.hub_of_people, lambda i: i.people, "", "tables", people_in_one_form),
    "counts": Stage(counts_ours, counts_plain, "hub_of_people", "people", counts_in_one_form),
    "edges": Stage(edges_ours, edges_plain, "hub_of_people", "people", edges_in_one_form),
    "cores": Stage(cores_ours, cores_plain, "graphs", "graphs"),
    "communities": Stage(
        lambda i: _communities(i, communities.communities),
        lambda i: _communities(i, nx.community.greedy_modularity_communities),
        "cores",
        "cores",
        communities_in_one_form,
    ),
    "clustering": Stage(
        lambda i: {key: network.average_clustering(core) for key, core in i.cores.items()},
        lambda i: {key: nx.average_clustering(core, weight="weight") for key, core in i.cores.items()},
        "cores",
        "cores",
    ),
    "pagerank": Stage(
        lambda i: network.centralities(i.graphs["all"]),
        pagerank_plain,
        "graphs",
        "graphs",
        lambda frame: frame.sort_values("developer", ignore_index=True),
    ),
    "projection": Stage(
        lambda i: {field: pairs.value for field, pairs in engine.co_usage_by_field(i.hub).items()},
        projection_plain,
        "hub",
        "tables",
        projection_in_one_form,
    ),
    "tests": Stage(tests_ours, tests_plain, "prepared", "prepared", tests_in_one_form),
}
