"""The demo snapshot is invented, is what its script makes, and has everything that the paper computes on it."""

import csv
import gzip
import itertools
import json
import os
from pathlib import Path

import networkx as nx
import pandas as pd
import pyarrow.parquet as pq
import pytest
from rapidfuzz.fuzz import token_set_ratio

from analysis import paths
from analysis.snapshot import load, validate
from tests import demo_generator as demo

COMMITTED = paths.DATA / "snapshots" / "demo"
TABLES = ("repos", "commits", "discussions", "usage", "people", "rejected")
BOTS = ("SFconvertbot", "librarian-bot", "demo-sync[bot]")
GROUPS = {  # by the terms of each licence: attribution at most, or limits on use, users or redistribution
    "apache-2.0": "permissive",
    "mit": "permissive",
    "cc-by-4.0": "permissive",
    "bsd-3-clause": "permissive",
    "openrail": "restrictive",
    "creativeml-openrail-m": "restrictive",
    "cc-by-nc-4.0": "restrictive",
    "gpl-3.0": "restrictive",
}
FIELDS = {  # the tasks of each field that the demo uses
    "cv": {"image-classification", "object-detection"},
    "nlp": {"text-generation", "text-classification", "translation"},
    "mm": {"text-to-image", "image-to-text", "feature-extraction"},
}


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path_factory.mktemp("snapshots")))
        return demo.make().path


@pytest.fixture(scope="session")
def tables(made) -> dict[str, pd.DataFrame]:
    return {table: pq.read_table(made / f"{table}.parquet").to_pandas() for table in TABLES}


@pytest.fixture(scope="session")
def models(tables) -> pd.DataFrame:
    return tables["repos"][tables["repos"]["kind"] == "model"]


@pytest.fixture(scope="session")
def authorship(tables) -> pd.DataFrame:
    """kind, repo_id, commit_id, date, author (without bots, merged at 90), leads (whether it is the commit's first)."""
    rows = tables["commits"].explode("authors").rename(columns={"authors": "author"}).dropna(subset="author")
    rows = rows[~rows["author"].isin(BOTS)]
    rows = rows.assign(author=rows["author"].replace(merged(tables["people"])))
    return rows.assign(leads=~rows.duplicated(["kind", "repo_id", "commit_id"]))


def merged(people: pd.DataFrame, *, threshold: float = 90) -> dict[str, str]:
    accepted = people[people["score"].isna() | (people["score"] >= threshold)]
    return dict(zip(accepted["alias"], accepted["person"], strict=True))


def network(authorship: pd.DataFrame, repositories=None, *, until: str | None = None) -> nx.DiGraph:
    """Who leads a commit has an edge to every other author of that model; weights are numbers of such commits."""
    rows = authorship[authorship["kind"] == "model"]
    rows = rows if repositories is None else rows[rows["repo_id"].isin(repositories)]
    rows = rows if until is None else rows[rows["date"] < pd.Timestamp(until, tz="UTC") + pd.Timedelta(days=1)]
    graph = nx.DiGraph()
    for _, commits in rows.groupby("repo_id"):
        members = set(commits["author"])
        graph.add_nodes_from(members)
        for lead, n_commits in commits.loc[commits["leads"], "author"].value_counts().items():
            for other in members - {lead}:
                weight = graph.get_edge_data(lead, other, {"weight": 0})["weight"]
                graph.add_edge(lead, other, weight=weight + n_commits)
    return graph


def of_field(models: pd.DataFrame, field: str) -> set[str]:
    tagged = models[["repo_id", "tags"]].explode("tags")
    return set(tagged.loc[tagged["tags"].isin(FIELDS[field]), "repo_id"])


# --- what is committed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_the_committed_table_is_what_the_script_makes(made, table):
    committed = pq.read_table(COMMITTED / f"{table}.parquet")
    assert committed.equals(pq.read_table(made / f"{table}.parquet"), check_metadata=True)


def test_the_committed_manifest_is_what_the_script_makes(made):
    committed, new = (json.loads((path / "manifest.json").read_text(encoding="utf-8")) for path in (COMMITTED, made))
    for manifest in (committed, new):
        for entry in manifest["tables"].values():
            del entry["sha256"], entry["bytes"]  # another version of Parquet's writer may pack the same rows otherwise
    assert committed == new


def test_the_committed_snapshot_is_valid(monkeypatch):
    monkeypatch.delenv("HUB_PAPER_SNAPSHOTS", raising=False)
    snapshot = load("demo")
    validate(snapshot)
    assert snapshot.synthetic
    assert snapshot.date.isoformat() == "2023-10-15"


def test_the_script_makes_the_same_bytes_again(made, tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path))
    again = demo.make().path
    for file in sorted(made.iterdir()):
        assert (again / file.name).read_bytes() == file.read_bytes(), file.name


def test_the_snapshot_is_small(made):
    assert {file.name for file in made.iterdir()} == {"manifest.json", *(f"{table}.parquet" for table in TABLES)}
    assert sum(file.stat().st_size for file in made.iterdir()) < 300_000


def test_the_numbers_of_repositories(tables):
    assert tables["repos"]["kind"].value_counts().to_dict() == {"model": 240, "dataset": 90, "space": 130}


# --- nobody real ---------------------------------------------------------------------------------------------


def names_of_people(tables) -> set[str]:
    authors = tables["commits"]["authors"].explode().dropna()
    people = tables["people"]
    return {*authors, *tables["discussions"]["author"].dropna(), *people["alias"], *people["person"]} - {*BOTS}


def test_people_and_owners_look_invented(tables):
    invented = ("demo", "example-", "sample-", "Sample Person", "hand-", "Hand ", "ivory-badger")
    owners = set(tables["repos"]["owner"].dropna())
    assert {
        n for n in names_of_people(tables) | owners if not n.casefold().startswith(tuple(map(str.casefold, invented)))
    } == set()


def test_owners_and_identifiers_agree(tables):
    repos = tables["repos"]
    prefix = repos["repo_id"].str.extract(r"^(.*)/", expand=False)
    assert prefix.fillna("").tolist() == repos["owner"].fillna("").tolist()
    assert sorted(repos.loc[repos["owner"].isna(), "repo_id"]) == ["demo-base", "demo-base-large", "demo-tiny"]


@pytest.mark.dumps
def test_no_name_occurs_in_real_records(tables):
    folder = os.environ.get("HUB_DUMPS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HUB_DUMPS names no directory of published records")
    real = real_names(Path(folder))
    assert len(real) > 1000
    ours = names_of_people(tables) | set(tables["repos"]["owner"].dropna()) | set(demo.OWNERLESS)
    n_common = len({name.casefold() for name in ours} & real)
    assert n_common == 0  # a number, so that a failure shows no name


def real_names(folder: Path) -> set[str]:
    """Owners, authors and ownerless models of the published records, in lower case."""
    found = set()
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                found.add(str(record.get("modelId") or record.get("id")).split("/")[0])
                commits = record.get("commits")
                found.update(a for c in (commits if isinstance(commits, list) else []) for a in c.get("authors", []))
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found.update(row[c].split("/")[0] for c in ("model", "space", "alias") if c in row)
    for file in sorted(folder.glob("*.parquet")):
        found.update(name.split("/")[0] for name in pd.read_parquet(file)["dataset_name"].dropna())
    return {name.casefold() for name in found}


def test_different_people_have_dissimilar_names(tables):
    person = {**{n: n for n in names_of_people(tables)}, **merged(tables["people"], threshold=0)}
    plain = {name: "".join(c for c in name.casefold() if c.isalnum()) for name in person}
    similar = [
        (a, b)
        for a, b in itertools.combinations(sorted(plain), 2)
        if person[a] != person[b] and token_set_ratio(plain[a], plain[b], score_cutoff=90)
    ]
    assert similar == []


def test_scores_of_merges_are_the_similarity_of_the_names(tables):
    scored = tables["people"].dropna(subset="score")
    for alias, person, score in scored[["alias", "person", "score"]].itertuples(index=False):
        plain = ["".join(c for c in name.casefold() if c.isalnum()) for name in (alias, person)]
        assert round(token_set_ratio(*plain), 2) == score


# --- the part to compute by hand -----------------------------------------------------------------------------


def by_hand(tables, table: str) -> pd.DataFrame:
    frame = tables[table]
    return frame[frame["repo_id"].str.startswith("hand-count/")].assign(repo_id=frame["repo_id"].str[11:])


def test_hand_count_has_the_repositories_that_are_documented(tables):
    repos = by_hand(tables, "repos").set_index("repo_id")[["kind", "license", "likes", "downloads", "gated"]]
    assert repos.astype(object).where(repos.notna(), None).to_dict("index") == {
        "union": {"kind": "model", "license": "mit", "likes": 3, "downloads": 100, "gated": "no"},
        "pair": {"kind": "model", "license": "gpl-3.0", "likes": 1, "downloads": 10, "gated": "no"},
        "empty": {"kind": "model", "license": None, "likes": 0, "downloads": 0, "gated": "no"},
        "uncollected": {"kind": "model", "license": "other", "likes": None, "downloads": None, "gated": "manual"},
        "one": {"kind": "space", "license": "mit", "likes": 2, "downloads": None, "gated": "no"},
        "two": {"kind": "space", "license": None, "likes": 0, "downloads": None, "gated": "no"},
    }


def test_hand_count_has_the_commits_that_are_documented(tables):
    commits = by_hand(tables, "commits").sort_values(["kind", "repo_id", "date"])
    dates = commits["date"].dt.strftime("%Y-%m-%d %H:%M")
    found = [*zip(commits["repo_id"], dates, commits["authors"].map("+".join), strict=True)]
    assert found == [
        ("pair", "2022-08-01 12:00", "hand-dev-a"),
        ("pair", "2023-10-14 12:00", "hand-dev-e"),
        ("union", "2022-03-02 12:00", "hand-dev-a"),
        ("union", "2022-06-01 12:00", "hand-dev-b+hand-dev-c"),
        ("union", "2023-02-01 12:00", "Hand A"),
        ("union", "2023-03-01 12:00", "SFconvertbot"),
        ("union", "2023-04-01 12:00", ""),
        ("one", "2022-09-01 12:00", "hand-dev-a"),
        ("two", "2022-09-02 12:00", "hand-dev-f"),
        ("two", "2023-09-02 12:00", "hand-dev-ffff"),
    ]


def test_hand_count_has_the_discussions_that_are_documented(tables):
    found = by_hand(tables, "discussions").sort_values(["repo_id", "number"])
    dates = found["created_at"].dt.strftime("%Y-%m-%d")
    assert [*zip(found["repo_id"], found["number"], found["author"], dates, strict=True)] == [
        ("two", 1, "hand-dev-f", "2023-09-03"),
        ("uncollected", 1, "hand-dev-d", "2023-06-01"),
        ("union", 1, "hand-dev-b", "2022-07-01"),
        ("union", 2, "hand-dev-d", "2023-05-01"),
        ("union", 3, "SFconvertbot", "2023-03-01"),
    ]


def test_hand_count_has_the_links_and_merges_that_are_documented(tables):
    links = tables["usage"][tables["usage"].map(lambda name: name.startswith("hand-count/")).any(axis=1)]
    assert {(space[11:], model[11:]) for space, model in links.itertuples(index=False)} == {
        ("one", "union"),
        ("one", "pair"),
        ("two", "union"),
    }
    people = tables["people"].set_index("alias")
    assert people.loc["Hand A", "person"] == "hand-dev-a" and pd.isna(people.loc["Hand A", "score"])
    assert people.loc["hand-dev-ffff"].tolist() == ["hand-dev-f", 84.21]


def test_nobody_of_hand_count_works_elsewhere(tables):
    for table, column in (("commits", "authors"), ("discussions", "author")):
        rows = tables[table].explode(column).dropna(subset=column)
        theirs = rows[rows[column].str.startswith(("hand-", "Hand "))]
        assert theirs["repo_id"].str.startswith("hand-count/").all()


def test_the_commits_of_uncollected_are_missing_not_zero(tables):
    failed = tables["rejected"].query("repo_id == 'hand-count/uncollected'")
    assert failed[["table", "kind", "scope"]].to_numpy().tolist() == [["commits", "model", "repository"]]


def test_the_edges_of_hand_count_are_those_that_are_documented(tables, authorship):
    ours = authorship[authorship["repo_id"].str.startswith("hand-count/")]
    edges = {(s[-1], t[-1]): w for s, t, w in network(ours).edges(data="weight")}
    assert edges == {("a", "b"): 2, ("a", "c"): 2, ("b", "a"): 1, ("b", "c"): 1, ("a", "e"): 1, ("e", "a"): 1}
    edges = {(s[-1], t[-1]): w for s, t, w in network(ours, until="2023-01-01").edges(data="weight")}
    assert edges == {("a", "b"): 1, ("a", "c"): 1, ("b", "a"): 1, ("b", "c"): 1}


# --- everything that the paper computes ----------------------------------------------------------------------


@pytest.mark.parametrize("group", ["permissive", "restrictive", "none"])
def test_activity_varies_in_every_group_of_licences(tables, models, authorship, group):
    counted = models.assign(
        group=models["license"].map(GROUPS).where(models["license"].notna(), "none"),
        n_discussions=models["repo_id"].map(of_models(tables["discussions"]).value_counts()).fillna(0),
        n_commits=models["repo_id"].map(of_models(tables["commits"]).value_counts()).fillna(0),
        n_usage_spaces=models["repo_id"].map(tables["usage"]["model_id"].value_counts()).fillna(0),
        n_disc_starters=models["repo_id"].map(distinct(tables["discussions"], "author")).fillna(0),
        n_committers=models["repo_id"].map(distinct(authorship, "author")).fillna(0),
    )
    chosen = counted[counted["group"] == group]
    assert len(chosen) >= 20
    for variable in ("likes", "downloads", *(c for c in counted if c.startswith("n_"))):
        assert chosen[variable].nunique() >= 3, variable


def of_models(rows: pd.DataFrame) -> pd.Series:
    return rows.loc[rows["kind"] == "model", "repo_id"]


def distinct(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows[rows["kind"] == "model"].groupby("repo_id")[column].nunique()


def test_some_models_have_a_licence_of_no_group(models):
    assert models["license"].eq("other").sum() >= 3


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
@pytest.mark.parametrize("variable", ["likes", "downloads", "discussions", "commits"])
def test_activity_is_heavy_tailed(tables, kind, variable):
    repos = tables["repos"][tables["repos"]["kind"] == kind]
    if variable in repos:
        counts = repos[variable]
    else:
        events = tables[variable]
        counts = repos["repo_id"].map(events.loc[events["kind"] == kind, "repo_id"].value_counts()).fillna(0)
    if (kind, variable) == ("space", "downloads"):
        assert counts.isna().all()
        return
    assert counts.max() > 8 * counts.mean() > 0
    assert counts.mean() > counts.median()
    if variable != "commits":
        assert 0.4 < (counts.dropna() == 0).mean() < 0.9


def test_most_developers_are_isolates(authorship):
    graph = network(authorship)
    assert 0.5 < nx.number_of_isolates(graph) / len(graph) < 0.95


@pytest.mark.parametrize(("field", "largest", "size"), [("all", 16, 9), ("nlp", 12, 8), ("cv", 8, 5), ("mm", 10, 6)])
def test_the_innermost_core(models, authorship, field, largest, size):
    graph = network(authorship, None if field == "all" else of_field(models, field))
    cores = nx.core_number(graph)
    innermost = {node for node, k in cores.items() if k == max(cores.values())}
    assert (max(cores.values()), len(innermost)) == (largest, size)
    for k in (1, 5, 10):
        assert (k <= largest) == any(number >= k for number in cores.values())
    n_edges = graph.subgraph(innermost).number_of_edges()
    assert (n_edges == size * (size - 1)) == (field != "nlp")


def test_the_innermost_core_is_the_team_of_one_model(authorship):
    graph = network(authorship)
    cores = nx.core_number(graph)
    innermost = {node for node, k in cores.items() if k == 16}
    teams = authorship[authorship["kind"] == "model"].groupby("repo_id")["author"].agg(set)
    assert teams[teams.map(lambda team: team == innermost)].index.tolist() == ["demo-lab/demo_speech_wide"]


def test_the_10_core_holds_more_than_the_innermost(authorship):
    cores = nx.core_number(network(authorship))
    assert sum(k >= 10 for k in cores.values()) > 9


def test_not_every_edge_is_returned(authorship):
    assert 0.5 < nx.overall_reciprocity(network(authorship)) < 1


def test_merging_names_and_leaving_out_bots_change_the_network(tables, authorship):
    raw = tables["commits"].query("kind == 'model'")["authors"].explode().dropna()
    of_people = set(raw) - {*BOTS}
    n_merged = authorship.loc[authorship["kind"] == "model", "author"].nunique()
    assert n_merged < len(of_people) < raw.nunique()


def test_the_network_of_an_earlier_day_is_smaller(authorship):
    earlier, whole = network(authorship, until="2023-01-01"), network(authorship)
    assert 0 < earlier.number_of_edges() < whole.number_of_edges()
    assert 0 < len(earlier) < len(whole)
    assert set(earlier) < set(whole)


def test_few_models_are_in_many_spaces(tables, models):
    degrees = tables["usage"]["model_id"].value_counts()
    assert len(degrees) > 100  # so that a top 100 leaves some out
    assert degrees.max() > 10 * degrees.median()
    assert degrees.head(10).sum() > degrees.sum() / 3
    assert degrees.index[0] == "demo-base"  # a model without an owner
    likes, downloads = (models.set_index("repo_id")[column].astype(float) for column in ("likes", "downloads"))
    for frame in (degrees.reindex(likes.index, fill_value=0), degrees):
        assert frame.corr(likes) > 0.3 and frame.corr(downloads) > 0.3


@pytest.mark.parametrize("field", ["all", *FIELDS])
def test_models_are_used_together_in_every_field(tables, models, field):
    links = tables["usage"]
    links = links if field == "all" else links[links["model_id"].isin(of_field(models, field))]
    shared = links.groupby("space_id")["model_id"].nunique()
    assert (shared >= 2).sum() >= 3
    assert links["model_id"].nunique() >= 10


# --- traps ---------------------------------------------------------------------------------------------------


def test_events_span_the_time_that_as_of_is_tested_on(tables):
    for table, column in (("commits", "date"), ("discussions", "created_at")):
        days = tables[table][column].dt.date.astype(str)
        assert days.min() >= "2022-03-02" and days.max() <= "2023-10-14"
    days = tables["commits"]["date"].dt.date.astype(str)
    assert (days.min(), days.max()) == ("2022-03-02", "2023-10-14")


def test_no_event_is_older_than_its_repository(tables):
    created = tables["repos"].set_index(["kind", "repo_id"])["created_at"].rename("born")
    for table, column in (("commits", "date"), ("discussions", "created_at")):
        joined = tables[table].join(created, on=["kind", "repo_id"]).dropna(subset="born")
        assert (joined[column] >= joined["born"]).all()


@pytest.mark.parametrize("column", ["created_at", "likes", "license", "tags", "gated", "last_modified"])
def test_some_values_were_not_collected(tables, column):
    assert 0 < tables["repos"][column].isna().sum() < len(tables["repos"]) / 2


def test_spaces_have_no_downloads(tables):
    repos = tables["repos"]
    assert repos.loc[repos["kind"] == "space", "downloads"].isna().all()
    assert repos.loc[repos["kind"] != "space", "downloads"].notna().sum() == 240 + 90 - 1


def test_some_commits_name_no_author_and_some_discussions_a_deleted_one(tables):
    assert (tables["commits"]["authors"].str.len() == 0).sum() >= 2
    assert tables["discussions"]["author"].isna().sum() >= 1


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_a_repository_may_have_no_commit_at_all(tables, kind):
    failed = set(tables["rejected"].query("scope == 'repository'")["repo_id"])
    repos = tables["repos"].query("kind == @kind")["repo_id"]
    with_commits = set(tables["commits"].query("kind == @kind")["repo_id"])
    assert set(repos) - with_commits - failed
    assert not failed & with_commits


def test_bots_commit_alone_and_with_others_and_open_discussions(tables):
    authors = tables["commits"]["authors"]
    with_bot = authors[authors.map(lambda names: any(name in BOTS for name in names))]
    assert {name for names in with_bot for name in names if name in BOTS} == {*BOTS}
    assert set(with_bot.str.len()) == {1, 2}
    assert tables["discussions"]["author"].isin(BOTS).sum() >= 3


def test_every_alias_is_at_work_beside_the_name_it_belongs_to(tables):
    at_work = {*tables["commits"]["authors"].explode().dropna(), *tables["discussions"]["author"].dropna()}
    people = tables["people"]
    assert set(people["alias"]) | set(people["person"]) <= at_work
    assert people["score"].isna().sum() >= 2
    assert (people["score"] >= 90).sum() >= 2 and (people["score"] < 90).sum() >= 2


def test_gated_models_are_marked_and_some_have_commits(tables, models):
    gated = models[models["gated"].isin(["auto", "manual"])]
    assert set(gated["gated"]) == {"auto", "manual"}
    assert 0 < gated["repo_id"].isin(tables["commits"]["repo_id"]).sum() < len(gated)


def test_tags_hold_what_a_careless_reader_trips_over(models):
    tags = models["tags"].dropna().map(list)
    assert tags.map(lambda names: "text-generation-inference" in names and "text-generation" not in names).any()
    assert tags.map(lambda names: {"text-generation", "text-to-image"} <= set(names)).any()
    assert tags.map(lambda names: r"\input{x}" in names).any()
    prefixed = models.loc[
        tags.map(lambda names: "note-license:gpl-3.0" in names).reindex(models.index, fill_value=False)
    ]
    assert prefixed["license"].tolist() == ["mit"]


def test_tags_agree_with_the_licence(models):
    known = models.dropna(subset=["tags", "license"])
    for tags, identifier in zip(known["tags"], known["license"], strict=True):
        assert next(tag for tag in tags if tag.startswith("license:")) == f"license:{identifier}"


def test_what_was_left_out_is_counted(made, tables):
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    counted = tables["rejected"].groupby(["table", "reason"]).size()
    assert (
        {t: dict(counted[t]) for t in counted.index.levels[0]}
        == manifest["rejected"]
        == {
            "commits": {"HTTP 500 five times": 1, "gated": 3, "model not among the repositories": 2},
            "discussions": {"duplicate": 3, "no date": 1},
            "usage": {"model not among the repositories": 1},
        }
    )
    assert manifest["repositories_left_out"] == {"disabled": 1, "failed": 1, "gated": 3, "gone": 3}


def test_every_table_is_covered_for_every_kind(made):
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    for table in ("repos", "commits", "discussions"):
        assert manifest["tables"][table]["coverage"] == {
            kind: {"status": "complete"} for kind in ("model", "dataset", "space")
        }


def test_the_authors_conventions_depart_from_the_scripts_where_data_readme_says():
    """Commits that could not be had stay missing; a discussion without an author has none."""
    made = load("demo")
    lost = pq.read_table(made.file("rejected")).to_pylist()
    refused = {row["repo_id"] for row in lost if row["table"] == "commits" and row["scope"] == "repository"}
    talks = pq.read_table(made.file("discussions")).to_pylist()
    nobodys = {(row["kind"], row["repo_id"]) for row in talks if row["author"] is None}
    counted = [sum(kind == each for each, _ in nobodys) for kind in ("model", "dataset", "space")]
    assert (len(refused), *counted) == (4, 7, 0, 1)
