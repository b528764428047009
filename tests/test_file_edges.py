"""Edges between people who changed the same file: by hand, and against two plain loops over commits."""

from collections import Counter
from itertools import product

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import file_edges, robustness
from analysis.engine import Hub
from analysis.parameters import Parameters

ANN, BOB, CAT = "ann", "bob", "cat"


def hub_of(snapshot, **parameters) -> Hub:
    return Hub(snapshot, Parameters(snapshot_date="bare", **parameters))


@pytest.fixture
def world(bare_snapshot):
    """A function: the hub of models whose commits are (model, authors, paths), in order of their days."""

    def build(*commits, tags=(), people=(), **parameters) -> Hub:
        models = dict.fromkeys(model for model, _, _ in commits)
        ids = [f"{nth:040x}" for nth in range(len(commits))]
        dates = [f"2023-01-{nth + 1:02d}" for nth in range(len(commits))]
        tables = {
            "repos": [{"kind": "model", "repo_id": model, "tags": list(dict(tags).get(model, []))} for model in models],
            "commits": [
                {"kind": "model", "repo_id": model, "commit_id": sha, "date": date, "authors": list(authors)}
                for (model, authors, _), sha, date in zip(commits, ids, dates, strict=True)
            ],
            "files": [
                {"kind": "model", "repo_id": model, "commit_id": sha, "path": path}
                for (model, _, paths), sha in zip(commits, ids, strict=True)
                for path in paths
            ],
        }
        if people:
            tables["people"] = [{"alias": alias, "person": person} for alias, person in people]
        return hub_of(bare_snapshot(tables), **parameters)

    return build


def named(hub: Hub, edges: pd.DataFrame) -> dict[tuple[str, str], int]:
    names = hub.identities.drop_duplicates("developer").set_index("developer")["alias"]
    ends = edges.assign(source=edges["source"].map(names), target=edges["target"].map(names))
    return {(row.source, row.target): row.weight for row in ends.itertuples()}


def found(hub: Hub, level: str, field: str = "all") -> dict[tuple[str, str], int]:
    return named(hub, file_edges.edges(hub, field, level=level).value)


def test_three_authors_of_two_files_of_one_model(world):
    """ann and bob meet in the card, bob and cat in the weights; ann and cat only in the model."""
    hub = world(
        ("lab/m", [ANN], ["README.md"]),
        ("lab/m", [BOB], ["README.md", "model.bin"]),
        ("lab/m", [BOB], ["README.md"]),
        ("lab/m", [CAT], ["model.bin"]),
    )
    both = {(ANN, BOB): 1, (BOB, ANN): 2, (BOB, CAT): 1, (CAT, BOB): 1}
    assert found(hub, "file") == both
    assert found(hub, "repository") == both | {(ANN, CAT): 1, (CAT, ANN): 1, (BOB, CAT): 2}


def test_a_commit_of_several_shared_files_counts_once(world):
    hub = world(("lab/m", [ANN], ["a", "b", "c"]), ("lab/m", [BOB], ["a", "b", "c"]))
    assert found(hub, "file") == {(ANN, BOB): 1, (BOB, ANN): 1}


def test_files_of_one_name_in_two_models_are_two_files(world):
    hub = world(("lab/m", [ANN], ["a"]), ("lab/n", [BOB], ["a"]), ("lab/n", [ANN], ["b"]))
    assert found(hub, "file") == {}
    assert found(hub, "repository") == {(BOB, ANN): 1, (ANN, BOB): 1}
    lacks = file_edges.edges(hub, level="file").empty
    assert lacks == {"": "no two developers changed the same file of a model, by commits whose files are known"}


def test_a_commit_whose_files_are_not_known_makes_no_edge_at_either_level(world):
    hub = world(("lab/m", [ANN], ["a"]), ("lab/m", [BOB], ["a"]), ("lab/m", [CAT], []))
    for level in file_edges.LEVELS:
        assert found(hub, level) == {(ANN, BOB): 1, (BOB, ANN): 1}


def test_co_authors_bots_and_merged_names_are_as_in_every_network(world):
    hub = world(
        ("lab/m", ["librarian-bot", ANN, BOB], ["a"]),
        ("lab/m", ["zoe", "ann"], ["b"]),
        ("lab/m", [CAT], ["b"]),
        people=[("zoe", ANN)],
    )
    assert found(hub, "file") == {(ANN, BOB): 1, (ANN, CAT): 1, (CAT, ANN): 1}


def test_commits_after_the_day_are_ignored(world):
    hub = world(("lab/m", [ANN], ["a"]), ("lab/m", [BOB], ["a"]), ("lab/m", [CAT], ["a"]), as_of="2023-01-02")
    assert found(hub, "file") == {(ANN, BOB): 1, (BOB, ANN): 1}


def test_a_sub_field_has_the_edges_of_its_models(world):
    commits = [("lab/m", [ANN], ["a"]), ("lab/m", [BOB], ["a"]), ("lab/n", [ANN], ["a"]), ("lab/n", [CAT], ["a"])]
    hub = world(*commits, tags={"lab/m": ["fill-mask"], "lab/n": ["object-detection"]}.items())
    assert found(hub, "file", "nlp") == {(ANN, BOB): 1, (BOB, ANN): 1}
    assert found(hub, "file", "cv") == {(ANN, CAT): 1, (CAT, ANN): 1}
    assert found(hub, "file", "mm") == {}


def test_a_snapshot_without_files_says_so(bare_snapshot):
    hub = hub_of(bare_snapshot({"repos": [{"kind": "model", "repo_id": "lab/m"}], "commits": []}))
    known = file_edges.edges_by_level(hub)
    assert known.absent == {"": "the snapshot has no record of changed files of models"} and not known.empty
    assert all(list(edges.columns) == ["source", "target", "weight"] and edges.empty for edges in known.value.values())
    table = robustness.edge_rule_table(robustness.networks(known))
    assert table.absent == known.absent and len(table.value) == 8


def loops(commits, level: str) -> dict[tuple[str, str], int]:
    """The edge rule as two loops: every commit against every other one."""
    weight = Counter()
    for model, authors, paths in commits:
        met = set()
        for other_model, others, other_paths in commits:
            shared = set(paths) & set(other_paths) if level == "file" else paths and other_paths
            if model == other_model and shared:
                met |= set(others)
        for other in met - {authors[0]}:
            weight[authors[0], other] += 1
    return dict(weight)


PEOPLE = st.lists(st.sampled_from(["ann", "bob", "cat", "dan", "eve"]), min_size=1, max_size=3, unique=True)
FILES = st.lists(st.sampled_from(["a", "A", "b/a", "é"]), max_size=4, unique=True)
COMMITS = st.lists(st.tuples(st.sampled_from(["lab/m", "lab/n"]), PEOPLE, FILES), min_size=1, max_size=12)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=COMMITS)
def test_both_levels_are_what_two_loops_find(world, drawn):
    hub = world(*drawn)
    edges = file_edges.edges_by_level(hub, ["all"]).value
    for level in file_edges.LEVELS:
        assert named(hub, edges[f"all.{level}"]) == loops(drawn, level)


def test_every_field_and_level_has_its_network(world):
    hub = world(("lab/m", [ANN], ["a"]), ("lab/m", [BOB], ["a"]))
    known = file_edges.edges_by_level(hub)
    assert list(known.value) == [f"{field}.{level}" for field, level in product(("all", "cv", "nlp", "mm"), file_edges.LEVELS)]
    assert set(known.empty) == {name for name in known.value if not name.startswith("all")}


def test_the_table_has_the_measures_of_both_levels_side_by_side(world):
    """In the model all three are linked in a ring of six edges; by file ann and cat are not."""
    hub = world(
        ("lab/m", [ANN], ["README.md"]),
        ("lab/m", [BOB], ["README.md", "model.bin"]),
        ("lab/m", [CAT], ["model.bin"]),
    )
    table = robustness.edge_rule_table(robustness.networks(file_edges.edges_by_level(hub)))
    rows, columns = ["all.repository", "all.file"], ["nodes", "edges", "dens", "recip", "ad", "kmax"]
    assert table.value.loc[rows, columns].to_numpy().tolist() == [
        [3, 6, 1.0, 1.0, 4.0, 4],
        [3, 4, 4 / 6, 1.0, 4 * 2 / 3, 2],
    ]
    assert table.value.loc["cv.file", "nodes"] == 0 and pd.isna(table.value.loc["cv.file", "recip"])
