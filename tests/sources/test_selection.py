"""A snapshot restricted to the repositories that another one lists: what stays, what goes, and what is said of it."""

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from analysis import cli, engine, snapshot
from analysis.parameters import Parameters
from analysis.snapshot import SnapshotError
from analysis.sources import selection

WHOLE = {
    "repos": [
        {"kind": "model", "repo_id": "a/kept", "likes": 3},
        {"kind": "model", "repo_id": "a/deleted", "likes": 9},
        {"kind": "dataset", "repo_id": "a/deleted", "likes": 1},  # of another kind: not the same repository
        {"kind": "space", "repo_id": "s/kept", "likes": 0},
        {"kind": "space", "repo_id": "s/deleted", "likes": 0},
    ],
    "commits": [
        {"kind": "model", "repo_id": "a/kept", "date": "2023-01-01", "authors": ["ann"]},
        {"kind": "model", "repo_id": "a/deleted", "date": "2023-01-02", "authors": ["ben"]},
        {"kind": "model", "repo_id": "a/deleted", "date": "2023-01-03", "authors": ["ben"]},
    ],
    "discussions": [{"kind": "dataset", "repo_id": "a/deleted", "author": "cy", "created_at": "2023-02-01"}],
    "usage": [
        {"space_id": "s/kept", "model_id": "a/kept"},
        {"space_id": "s/kept", "model_id": "a/deleted"},
        {"space_id": "s/deleted", "model_id": "a/deleted"},
    ],
}
LISTED = {
    "repos": [
        {"kind": "model", "repo_id": "a/kept"},
        {"kind": "model", "repo_id": "a/new"},
        {"kind": "space", "repo_id": "s/kept"},
    ]
}
NO_DATASETS = {"repos": {"dataset": {"status": "absent"}}}


@pytest.fixture
def selected(snapshots, write_snapshot):
    write_snapshot(WHOLE, directory=snapshots, name="2023-10-15-whole", coverage={"usage": {"all": {"status": "complete"}}})
    write_snapshot(LISTED, directory=snapshots, name="2023-10-15-list", coverage=NO_DATASETS)
    return selection.only_in("2023-10-15-whole", "2023-10-15-list")


def rows(loaded, table):
    return pq.read_table(loaded.file(table)).to_pylist()


def test_repositories_that_the_other_lists_stay_with_what_belongs_to_them(selected):
    assert [(row["kind"], row["repo_id"]) for row in rows(selected, "repos")] == [
        ("dataset", "a/deleted"),  # the other snapshot has no list of datasets, so nothing is known against it
        ("model", "a/kept"),
        ("space", "s/kept"),
    ]
    assert [row["authors"] for row in rows(selected, "commits")] == [["ann"]]
    assert len(rows(selected, "discussions")) == 1
    assert [(row["space_id"], row["model_id"]) for row in rows(selected, "usage")] == [("s/kept", "a/kept")]


def test_what_goes_is_counted_once_and_named(selected):
    models, spaces = "not among the models of 2023-10-15-list", "not among the spaces of 2023-10-15-list"
    assert selected.manifest["rejected"] == {
        "repos": {models: 1, spaces: 1}, "commits": {models: 2}, "usage": {models: 1, spaces: 1},
    }  # fmt: skip
    assert {row["repo_id"] for row in rows(selected, "rejected")} == {"a/deleted", "s/deleted"}


def test_a_census_of_which_some_went_is_none_any_more_and_says_by_which_rule(selected):
    assert selected.status("repos", "model") == selected.status("repos", "space") == "sample"
    assert selected.rule("repos", "model") == "only the 1 of 2 that 2023-10-15-list (2023-10-15) lists too"
    assert selected.status("repos", "dataset") == "complete" and not selected.rule("repos", "dataset")
    assert selected.status("commits", "model") == "complete"  # of the repositories that are there
    assert selected.manifest["source"]["only_in"].startswith("2023-10-15-list, sha256")
    snapshot.validate(selected)


def test_a_run_counts_what_is_left(selected):
    counts = engine.activity(engine.Hub(selected, Parameters(selected.name)), "model", variables=("n_commits", "n_likes"))
    assert counts.value[["n_commits", "n_likes"]].to_numpy().tolist() == [[1, 3]]


def test_a_snapshot_with_more_repositories_changes_no_table(snapshots, write_snapshot):
    whole = write_snapshot(WHOLE, directory=snapshots, name="2023-10-15-whole")
    more = {"repos": [*WHOLE["repos"], {"kind": "model", "repo_id": "z/more"}]}
    write_snapshot(more, directory=snapshots, name="2023-10-15-list")
    same = selection.only_in(whole.name, "2023-10-15-list")
    for table in snapshot.DATA_TABLES:
        if table in whole.manifest["tables"]:
            assert same.manifest["tables"][table] == whole.manifest["tables"][table], table


@pytest.mark.parametrize(
    ("name", "other", "to", "said"),
    [
        ("2023-10-15-whole", "2023-10-15-whole", "", "is the snapshot itself"),
        ("2023-10-15-whole", "2023-10-15-links", "", "lists no repositories"),
        ("2023-10-15-whole", "2023-10-15-none", "", "does not exist"),
        ("2023-10-15-whole", "2023-10-15-list", "2023-10-15-list", "exists; choose another"),
        ("2023-10-15-whole", "2023-10-15-list", "2023-10-16-x", "begins with another day"),
        ("2023-10-15-whole", "2023-10-15-other", "", "no usable row at all"),
    ],
)
def test_what_cannot_be_selected_is_said_in_one_line(snapshots, write_snapshot, name, other, to, said):
    write_snapshot(WHOLE, directory=snapshots, name="2023-10-15-whole")
    write_snapshot(LISTED, directory=snapshots, name="2023-10-15-list")
    everything = {"repos": [{"kind": k, "repo_id": "nobody/nothing"} for k in snapshot.KINDS]}
    write_snapshot(everything, directory=snapshots, name="2023-10-15-other")
    nothing = {"repos": dict.fromkeys(snapshot.KINDS, {"status": "absent"})}
    write_snapshot({"usage": WHOLE["usage"]}, directory=snapshots, name="2023-10-15-links", coverage=nothing)
    with pytest.raises(SnapshotError, match=said) as raised:
        selection.only_in(name, other, to)
    assert "\n" not in str(raised.value)


def test_the_command_says_what_went_and_the_name(selected):
    done = CliRunner().invoke(cli.app, ["select", "2023-10-15-whole", "--only-in", "2023-10-15-list", "--to", "2023-10-15-b"])
    assert done.exit_code == 0
    assert "rejected from repos: 1 (not among the models of 2023-10-15-list)" in done.output
    assert done.output.splitlines()[-1] == "2023-10-15-b"
