"""Importers of published dumps: what becomes a snapshot, what is rejected and counted, what stops with one line."""

import csv
import datetime as dt
import gzip
import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import paths, snapshot, stored
from analysis.snapshot import SnapshotError
from analysis.sources import dumps as importers
from analysis.sources import files
from analysis.sources import rows as row_builders
from analysis.sources.dumps import KINDS, import_dumps

NAME = "2024-06-01"
RANGE = "is before 2005-04-07 or after the snapshot"
COMMIT = {"commit_id": "a" * 40, "authors": ["ann"], "created_at": "2024-01-01T00:00:00.000Z", "title": "Add it"}


@pytest.fixture
def models(tmp_path, snapshots):
    """A function that writes records (or raw bytes) as lines of JSON and imports them."""

    def imported(*lines, kind="models-jsonl", file="some.jsonl", **options) -> importers.Summary:
        return import_dumps(NAME, [(kind, written(tmp_path / file, *lines))], **options)

    return imported


def written(path: Path, *lines) -> Path:
    encoded = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(b"".join(line + b"\n" for line in encoded))
    return path


def rows(summary: importers.Summary, table: str) -> list[dict]:
    return pq.read_table(summary.snapshot.file(table)).to_pylist()


def one(summary: importers.Summary) -> dict:
    (row,) = rows(summary, "repos")
    return row


def rejections(summary: importers.Summary) -> list[tuple]:
    return [(r["table"], r["reason"], r["row"]) for r in rows(summary, "rejected")]


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


def whole(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# --- models -----------------------------------------------------------------------------------------------


def test_every_field_of_a_record_reaches_its_column(models):
    record = {
        "id": "ann/net",
        "author": "ann",
        "createdAt": "2024-01-02T03:04:05.678Z",
        "lastModified": "2024-02-03T00:00:00+02:00",
        "likes": 3,
        "downloads": 40,
        "tags": ["en", "license:mit"],
        "pipeline_tag": "fill-mask",
        "library_name": "transformers",
        "safetensors": {"parameters": {"F32": 5}, "total": 5},
        "gated": False,
        "private": False,
    }
    assert one(models(record)) == {
        "kind": "model",
        "repo_id": "ann/net",
        "owner": "ann",
        "created_at": utc(2024, 1, 2, 3, 4, 5, 678_000),
        "last_modified": utc(2024, 2, 2, 22),
        "likes": 3,
        "downloads": 40,
        "license": "mit",
        "tags": ["en", "license:mit"],
        "pipeline_tag": "fill-mask",
        "library": "transformers",
        "parameters": 5,
        "gated": "no",
    }


@pytest.mark.parametrize(
    ("key", "value", "column", "expected"),
    [
        ("modelId", "a/b", "repo_id", "a/b"),
        ("id", "gpt2", "repo_id", "gpt2"),
        ("last_modified", "2024-01-01T00:00:00.000Z", "last_modified", utc(2024, 1, 1)),
        ("updated_at", "2024-01-01", "last_modified", utc(2024, 1, 1)),
        ("created_at", "2023-03-11T22:21:22.0000Z", "created_at", utc(2023, 3, 11, 22, 21, 22)),
        ("downloads_30d", 7, "downloads", 7),
        ("downloads", "578464", "downloads", 578464),
        ("likes", 12.0, "likes", 12),  # pandas writes counts so
        ("library", "keras", "library", "keras"),
        ("parameters", 19_980_000_000_000_000, "parameters", 19_980_000_000_000_000),
    ],
)
def test_older_and_newer_names_mean_the_same_column(models, key, value, column, expected):
    record = {key: value} if column == "repo_id" else {"id": "a/b", key: value}
    assert one(models(record))[column] == expected


@pytest.mark.parametrize(
    ("record", "owner"),
    [
        ({"id": "ann/net"}, "ann"),
        ({"id": "gpt2"}, None),
        ({"id": "gpt2", "author": None}, None),
        ({"id": "super_glue", "author": "huggingface"}, "huggingface"),
        ({"id": "ann/net", "author": "Ann <ann@example.org>"}, "ann"),
    ],
)
def test_owner_is_the_author_or_the_part_before_the_slash(models, record, owner):
    assert one(models(record))["owner"] == owner


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"tags": ["en", "license:mit", "license:gpl-3.0"]}, "mit"),
        ({"tags": ["note-license:gpl-3.0", "license:mit"]}, "mit"),  # the first that *starts* with license:
        ({"tags": ["license:mit"], "cardData": {"license": "apache-2.0"}}, "apache-2.0"),
        ({"tags": ["license:mit"], "card_data": {"license": ["bsd-3-clause", "mit"]}}, "bsd-3-clause"),
        ({"tags": ["license:mit"], "license": "openrail"}, "openrail"),
        ({"tags": ["license:mit"], "cardData": {"license": None}}, "mit"),
        ({"tags": ["license:mit"], "cardData": {"license": ["", None]}}, "mit"),
        ({"tags": ["license:mit"], "cardData": "license: gpl\nlanguage:\n- en"}, "gpl"),  # YAML
        ({"tags": ["license:mit"], "cardData": "its licence is gpl"}, "mit"),
        ({"tags": ["en"]}, None),
    ],
)
def test_licence_comes_from_the_card_then_the_record_then_the_first_tag(models, fields, licence):
    assert one(models({"id": "a/b"} | fields))["license"] == licence


@pytest.mark.parametrize(
    ("value", "expected"),
    [(False, "no"), ("auto", "auto"), ("manual", "manual"), (True, "manual"), ("False", "no"), ("True", "manual")],
)
def test_gated_true_without_a_manner_becomes_manual_and_is_noted(models, value, expected):
    summary = models({"id": "a/b", "gated": value})
    assert one(summary)["gated"] == expected
    noted = "repositories gated without saying how, taken as manual"
    assert summary.notes == ({noted: 1} if str(value) == "True" else {})


def test_a_column_that_never_occurs_is_absent_and_not_null(models):
    summary = models({"id": "a/b", "likes": 1, "downloads": None, "created_at": ""}, {"id": "a/c"})
    assert summary.snapshot.manifest["tables"]["repos"]["columns"] == ["kind", "repo_id", "owner", "likes"]
    assert [row["likes"] for row in rows(summary, "repos")] == [1, None]


def test_a_column_that_occurs_in_the_last_batch_only_is_kept(models, monkeypatch):
    monkeypatch.setattr(row_builders, "ROWS_AT_ONCE", 2)
    summary = models(*({"id": f"a/{n}"} for n in range(6)), {"id": "a/6", "pipeline_tag": "fill-mask"})
    assert [row["pipeline_tag"] for row in rows(summary, "repos")] == [None] * 6 + ["fill-mask"]


def test_without_tags_and_licences_nothing_is_unlicensed(models):
    assert not models({"id": "a/b", "tags": []}).snapshot.has("repos", "license")
    assert models({"id": "a/b", "tags": ["en"]}, replace=True).snapshot.has("repos", "license")


def test_a_repository_whose_licence_is_unknown_is_noted(models):
    summary = models({"id": "a/b", "tags": ["en"]}, {"id": "a/c", "license": "mit"}, {"id": "a/d"})
    assert list(summary.notes.values()) == [1]


def test_repeated_models_are_kept_once_and_counted(models):
    summary = models({"id": "a/b", "likes": 1}, {"id": "a/b", "likes": 2}, {"id": "a/b", "likes": 3})
    assert one(summary)["likes"] == 1
    assert summary.rejected == {("repos", "duplicate"): 2}


def test_blank_lines_are_no_rows(models):
    summary = models(b"", {"id": "a/b"}, b"  \r", {"id": "a/c"})
    assert summary.rows == {"repos": {"model": 2, "dataset": 0, "space": 0}}
    assert not summary.rejected


def test_a_byte_order_mark_is_passed_over(models):
    assert one(models(b"\xef\xbb\xbf" + json.dumps({"id": "a/b"}).encode()))["repo_id"] == "a/b"


# --- commits ----------------------------------------------------------------------------------------------


def test_a_list_of_commits_fills_repos_and_commits(models):
    second = COMMIT | {"commit_id": "b" * 40, "authors": ["bob", "ann"], "created_at": "2024-03-01T00:00:00.0000Z"}
    summary = models({"id": "a/b", "likes": "3", "commits": [COMMIT, second]}, kind="commits-jsonl")
    assert one(summary)["likes"] == 3
    assert rows(summary, "commits") == [
        {"kind": "model", "repo_id": "a/b", "commit_id": "a" * 40, "date": utc(2024, 1, 1), "authors": ["ann"]},
        {"kind": "model", "repo_id": "a/b", "commit_id": "b" * 40, "date": utc(2024, 3, 1), "authors": ["bob", "ann"]},
    ]
    assert summary.snapshot.status("commits", "model") == "complete"


@pytest.mark.parametrize(
    ("authors", "kept", "noted"),
    [
        (["ann", None, "", " ", "bob"], ["ann", "bob"], "commits with an author's name missing; the others are kept"),
        ([None], [], "commits with no author"),
        ([], [], "commits with no author"),
        (None, [], "commits with no author"),
        (["x" * 600, "ann"], ["ann"], "commits with an author's name missing; the others are kept"),
    ],
)
def test_a_commit_stays_without_its_missing_authors(models, authors, kept, noted):
    summary = models({"id": "a/b", "commits": [COMMIT | {"authors": authors}]}, kind="commits-jsonl")
    assert [commit["authors"] for commit in rows(summary, "commits")] == [kept]
    assert summary.notes == {noted: 1}


@pytest.mark.parametrize(
    ("commits", "reason", "left_out"),
    [
        ("not authorized", "not authorized", "gated"),
        ("403 Client Error for ann", "not authorized", "gated"),
        ("404 not found", "not found", "gone"),
        ("timeout", "an error text instead of commits", "failed"),
        (None, "no list of commits", "failed"),
        (7, "no list of commits", "failed"),
    ],
)
def test_a_model_without_its_commits_stays_and_its_counts_are_missing(models, commits, reason, left_out):
    summary = models({"id": "a/b", "commits": [COMMIT]}, {"id": "a/c", "commits": commits}, kind="commits-jsonl")
    assert [row["repo_id"] for row in rows(summary, "repos")] == ["a/b", "a/c"]
    (rejected,) = rows(summary, "rejected")
    assert (rejected["scope"], rejected["repo_id"], rejected["reason"]) == ("repository", "a/c", reason)
    assert rejected["detail"] is None  # an error text can name people
    assert summary.left_out == {left_out: 1}
    assert summary.snapshot.status("commits", "model") == "sample"
    assert summary.snapshot.rule("commits", "model") == "1 of 2 models have a list of commits"


@pytest.mark.parametrize(
    ("commit", "reason"),
    [
        ("text", "commit is not a JSON object"),
        (COMMIT | {"commit_id": None}, "commit without its id"),
        (COMMIT | {"commit_id": "../x y"}, "commit without its id"),
        (COMMIT | {"created_at": None}, "commit without a date"),
        (COMMIT | {"created_at": "yesterday"}, "created_at is not a date"),
        (COMMIT | {"created_at": "1970-01-01T00:00:00Z"}, "created_at is before 2005-04-07 or after the snapshot"),
        (COMMIT | {"created_at": "2150-01-01T00:00:00Z"}, "created_at is before 2005-04-07 or after the snapshot"),
        (COMMIT | {"authors": 7}, "authors is not a list"),
        (COMMIT | {"authors": [{"mail": "x"}, 3]}, "authors without a name that can be read"),
    ],
)
def test_a_bad_commit_is_rejected_and_the_history_is_no_longer_complete(models, commit, reason):
    good = COMMIT | {"commit_id": "f" * 40}
    summary = models({"id": "a/b", "commits": [good, commit]}, kind="commits-jsonl")
    assert summary.rejected == {("commits", reason): 1}
    assert [row["commit_id"] for row in rows(summary, "commits")] == ["f" * 40]
    assert summary.snapshot.status("commits", "model") == "sample"


def test_commits_of_a_rejected_model_are_counted_with_it(models):
    bad = {"id": "a/c", "likes": -1, "commits": [COMMIT]}
    summary = models({"id": "a/b", "commits": []}, bad, kind="commits-jsonl")
    assert summary.rejected == {("repos", "likes is negative"): 1, ("commits", "its repository was rejected"): 1}
    assert summary.snapshot.has("commits", kind="model")  # collected and empty
    assert rows(summary, "commits") == []


def test_titles_of_commits_are_not_stored(models):
    summary = models({"id": "a/b", "commits": [COMMIT | {"title": "A TITLE"}]}, kind="commits-jsonl")
    assert all(b"A TITLE" not in data for data in whole(summary.snapshot.path).values())


# --- links ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["space,model", "model_id,task,space_id", "\ufeffspace,model"])
def test_links_are_read_under_either_name_and_order(tmp_path, snapshots, header):
    names = header.strip("\ufeff").split(",")
    cells = {"space": "s/x", "space_id": "s/x", "model": "m/y", "model_id": "m/y", "task": '"a, b"'}
    lines = [header, *[",".join(cells[name] for name in names)] * 3]
    path = tmp_path / "links.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    summary = import_dumps(NAME, [("links-csv", path)])
    assert rows(summary, "usage") == [{"space_id": "s/x", "model_id": "m/y"}]
    assert summary.rejected == {("usage", "duplicate"): 2}
    assert summary.snapshot.status("repos", "model") == "absent"


def test_bad_links_are_rejected_by_their_line(tmp_path, snapshots):
    path = tmp_path / "links.csv"
    path.write_bytes(b's/1,x\ns/2\n"s/3,m\n,m\ns/\xff,m\ns/\x00,m\ns/7,m/7\n'.join([b"space,model\n", b""]))
    summary = import_dumps(NAME, [("links-csv", path)])
    assert rows(summary, "usage") == [{"space_id": "s/1", "model_id": "x"}, {"space_id": "s/7", "model_id": "m/7"}]
    assert rejections(summary) == [
        ("usage", "missing id", 5),
        ("usage", "not UTF-8", 6),
        ("usage", "not a CSV row of 2 columns", 3),
        ("usage", "not a CSV row of 2 columns", 4),
        ("usage", "not a repository id", 7),
    ]


# --- listings ---------------------------------------------------------------------------------------------


@pytest.fixture
def listing(tmp_path, snapshots):
    """A function that writes columns as Parquet and imports them."""

    def imported(columns, *, kind="hub-listing-parquet", file="models.parquet", **options):
        path = tmp_path / file
        pq.write_table(pa.table(columns), path, row_group_size=2)
        return import_dumps(NAME, [(kind, path)], **options)

    return imported


@pytest.mark.parametrize(
    "dates",
    [
        pa.array(["2024-01-02T03:04:05.000Z"]),
        pa.array([utc(2024, 1, 2, 3, 4, 5)], pa.timestamp("ns", tz="UTC")),
        pa.array([utc(2024, 1, 2, 3, 4, 5)], pa.timestamp("ms", tz="America/New_York")),
        pa.array([dt.datetime(2024, 1, 2, 3, 4, 5)], pa.timestamp("s")),
        pa.array(["2024-01-02T03:04:05Z"]).dictionary_encode(),
    ],
)
def test_dates_of_a_listing_may_be_text_or_timestamps(listing, dates):
    assert one(listing({"id": ["a/b"], "createdAt": dates}))["created_at"] == utc(2024, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "tags",
    [
        pa.array([["en", "license:mit"]]),
        pa.array([["en", "license:mit"]], pa.large_list(pa.large_string())),
        pa.array(['["en", "license:mit"]']),
    ],
)
def test_tags_of_a_listing_may_be_a_list_or_json(listing, tags):
    row = one(listing({"id": ["a/b"], "tags": tags}))
    assert (row["tags"], row["license"]) == (["en", "license:mit"], "mit")


def test_a_missing_count_of_a_listing_is_missing_and_not_zero(listing):
    summary = listing({"id": ["a/b", "a/c", "a/d"], "downloads": [5.0, math.nan, 0.0]})
    assert [row["downloads"] for row in rows(summary, "repos")] == [5, None, 0]


@pytest.mark.parametrize("card", [[{"license": "mit", "x": 1}], ['{"license": "mit"}']])
def test_cards_of_a_listing_may_be_structs_or_json(listing, card):
    assert one(listing({"id": ["a/b"], "cardData": card}))["license"] == "mit"


@pytest.mark.parametrize(
    "models_", [pa.array([["m/1", "m/2", "m/1"], None, []]), ['["m/1", "m/2", "m/1"]', None, "[]"]]
)
def test_spaces_name_their_models(listing, models_):
    summary = listing({"id": ["s/1", "s/2", "s/3"], "likes": [1, 2, 3], "models": models_}, file="spaces.parquet")
    assert rows(summary, "usage") == [{"space_id": "s/1", "model_id": "m/1"}, {"space_id": "s/1", "model_id": "m/2"}]
    assert summary.rows["repos"] == {"model": 0, "dataset": 0, "space": 3}
    assert summary.rejected == {("usage", "duplicate"): 1}
    assert not summary.snapshot.has("repos", "downloads")


def test_links_of_a_bad_list_or_a_rejected_space_are_counted(listing):
    columns = {"id": ["s/1", "s/2", "s/3"], "likes": [1, -2, 3], "models": ["[nonsense", '["m/1"]', '["m 1", "m/1"]']}
    summary = listing(columns, file="spaces.parquet")
    assert rows(summary, "usage") == [{"space_id": "s/3", "model_id": "m/1"}]
    assert summary.rejected == {
        ("repos", "likes is negative"): 1,
        ("usage", "its repository was rejected"): 1,
        ("usage", "models is not a list of text"): 1,
        ("usage", "not a repository id"): 1,
    }


@pytest.mark.parametrize(
    ("kind", "file", "columns", "expected"),
    [
        ("hub-listing-parquet:datasets", "models.parquet", {}, "dataset"),
        ("hub-listing-parquet", "Datasets-2024.parquet", {}, "dataset"),
        ("hub-listing-parquet", "x.parquet", {"sdk": ["gradio"]}, "space"),
        ("hub-listing-parquet", "x.parquet", {"pipeline_tag": ["fill-mask"]}, "model"),
        ("hub-listing-parquet", "x.parquet", {"citation": [""]}, "dataset"),
    ],
)
def test_the_kind_of_a_listing_is_said_or_named_or_told_by_its_columns(listing, kind, file, columns, expected):
    assert one(listing({"id": ["a/b"]} | columns, kind=kind, file=file))["kind"] == expected


def test_bad_rows_of_a_listing_are_rejected_by_their_number(listing):
    year_33658 = 10**12  # more than a date in Python can say
    dates = pa.array([0, year_33658, 1_700_000_000, 1_700_000_000, None], pa.int64()).cast(pa.timestamp("s"))
    summary = listing({"id": ["a/1", "a/2", "a/3", None, "a b"], "createdAt": dates})
    assert [row["repo_id"] for row in rows(summary, "repos")] == ["a/3"]
    assert sorted(rejections(summary), key=lambda found: found[2]) == [
        ("repos", f"created_at {RANGE}", 1),
        ("repos", "created_at is not a date", 2),
        ("repos", "missing id", 4),
        ("repos", "not a repository id", 5),
    ]


# --- several sources, coverage ----------------------------------------------------------------------------


def test_several_dumps_of_one_day_fill_one_snapshot(tmp_path, snapshots):
    for plural, columns in {
        "models": {"id": ["m/1"], "likes": [1], "tags": [["en"]]},
        "datasets": {"id": ["d/1"], "downloads": [4]},
        "spaces": {"id": ["s/1"], "likes": [2], "models": [["m/1", "m/gone"]]},
    }.items():
        pq.write_table(pa.table(columns), tmp_path / f"{plural}.parquet")
    sources = [("hub-listing-parquet", tmp_path / f"{plural}.parquet") for plural in snapshot.PLURAL.values()]
    (tmp_path / "links.csv").write_text("space,model\ns/1,m/1\n")
    made = import_dumps(NAME, [*sources, ("links-csv", tmp_path / "links.csv")], coverage="complete")
    found = [(row["kind"], row["repo_id"], row["likes"], row["downloads"]) for row in rows(made, "repos")]
    assert found == [("dataset", "d/1", None, 4), ("model", "m/1", 1, None), ("space", "s/1", 2, None)]
    assert made.rejected == {("usage", "duplicate"): 1, ("usage", "model not among the repositories"): 1}
    assert {made.snapshot.status("repos", kind) for kind in snapshot.KINDS} == {"complete"}
    assert made.snapshot.status("usage") == "complete"
    covered = made.snapshot.manifest["tables"]["repos"]["coverage"]
    assert "license" in covered["model"]["columns"]
    assert "license" not in covered["dataset"]["columns"]  # so no dataset may be called unlicensed
    snapshot.validate(made.snapshot)


def test_commits_of_some_models_only_are_a_sample(tmp_path, snapshots):
    listed = written(tmp_path / "all.jsonl", {"id": "a/b"}, {"id": "a/c"})
    histories = written(tmp_path / "some.jsonl", {"id": "a/b", "commits": [COMMIT]})
    made = import_dumps(NAME, [("models-jsonl", listed), ("commits-jsonl", histories)], coverage="complete").snapshot
    assert (made.status("repos", "model"), made.status("commits", "model")) == ("complete", "sample")


def test_coverage_is_a_sample_unless_the_caller_says_otherwise(models):
    made = models({"id": "a/b"}).snapshot
    assert made.status("repos", "model") == "sample"
    assert made.rule("repos", "model") == "as published in some.jsonl; the rule is not stated"
    assert [made.status("repos", kind) for kind in ("dataset", "space")] == ["absent", "absent"]
    assert [made.status(table, "model") for table in ("commits", "discussions")] == ["absent", "absent"]
    assert models({"id": "a/b"}, replace=True, rule="the top 10").snapshot.rule("repos", "model") == "the top 10"
    whole_hub = models({"id": "a/b"}, replace=True, coverage="complete").snapshot
    assert (whole_hub.status("repos", "model"), whole_hub.rule("repos", "model")) == ("complete", "")


def test_the_manifest_names_the_source_and_no_directory(models, tmp_path):
    made = models({"id": "a/b"}, title="A dump", origin="https://example.org", licence="CC0-1.0").snapshot
    source = made.manifest["source"]
    assert (source["title"], source["origin"], source["licence"]) == ("A dump", "https://example.org", "CC0-1.0")
    assert [file["file"] for file in source["files"]] == ["some.jsonl"]
    assert not made.synthetic
    assert str(tmp_path) not in (made.path / "manifest.json").read_text()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)])
@pytest.mark.parametrize("ending", ["jsonl", "gz", "zst"])
def test_compression_is_told_by_the_bytes_and_not_by_the_name(tmp_path, snapshots, pack, ending):
    path = tmp_path / f"models.{ending}"
    path.write_bytes(pack(b'{"id": "a/b"}\n' * 2) + pack(b'{"id": "a/c"}'))  # two members, as some tools write
    made = import_dumps(NAME, [("models-jsonl", path)])
    assert [row["repo_id"] for row in rows(made, "repos")] == ["a/b", "a/c"]


def test_two_imports_of_one_file_are_the_same_bytes(models):
    records = [{"id": f"a/{n % 700}", "likes": n, "tags": [f"t{n}"]} for n in range(1000)]
    first = whole(models(*records).snapshot.path)
    assert whole(models(*records, replace=True).snapshot.path) == first


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(models, snapshots):
    summary = models({"id": "a/b", "commits": [COMMIT]}, {"id": ""}, kind="commits-jsonl", dry_run=True)
    assert summary.snapshot is None
    assert summary.rows == {"repos": {"model": 1}, "commits": {"model": 1}}
    assert summary.rejected == {("repos", "missing id"): 1, ("commits", "its repository was rejected"): 1}
    assert list(snapshots.iterdir()) == []


def test_the_summary_says_how_many_rows_were_rejected_and_why(models):
    lines = models({"id": "a/b"}, {"id": "a/b"}, {"id": "a/c", "likes": -1}).lines()
    assert "repos: 1 row (1 model)" in lines
    assert "rejected from repos: 1 (duplicate)" in lines
    assert "rejected from repos: 1 (likes is negative)" in lines


def test_progress_goes_to_stderr_in_plain_lines(models, capsys):
    models(*({"id": f"a/{n}"} for n in range(3000)), progress=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[0] == "reading some.jsonl"
    assert "\x1b" not in told.err
    models({"id": "a/b"}, replace=True)
    assert capsys.readouterr().err == ""


# --- bad rows ---------------------------------------------------------------------------------------------

BAD_LINES = {
    b'{"id": "a/c", "likes": 3': "not JSON",
    b'{"id": "a/c", "likes": 1' + b"0" * 5000 + b"}": "not JSON",
    b'{"id": "a/c", "tags": ["\x00"]}': "not JSON",
    b'{"id": "a/c", "pipeline_tag": "\xff\xfe"}': "not UTF-8",
    b"[" * 100_000: "JSON nested too deeply",
    b"[1, 2]": "not a JSON object",
    b"null": "not a JSON object",
    b'{"likes": 3}': "missing id",
    b'{"id": null, "modelId": ""}': "missing id",
    b'{"id": 12}': "not a repository id",
    b'{"id": "a/c", "likes": -1}': "likes is negative",
    b'{"id": "a/c", "likes": "-1"}': "likes is negative",
    b'{"id": "a/c", "likes": Infinity}': "likes is not a whole number",
    b'{"id": "a/c", "likes": 1.5}': "likes is not a whole number",
    b'{"id": "a/c", "likes": true}': "likes is not a whole number",
    b'{"id": "a/c", "likes": "many"}': "likes is not a whole number",
    b'{"id": "a/c", "likes": [3]}': "likes is not a whole number",
    b'{"id": "a/c", "downloads": 1e300}': "downloads is too large",
    b'{"id": "a/c", "downloads": 9007199254740993}': "downloads is too large",
    b'{"id": "a/c", "parameters": 9223372036854775808}': "parameters is too large",
    b'{"id": "a/c", "createdAt": "1970-01-01T00:00:00.000Z"}': f"created_at {RANGE}",
    b'{"id": "a/c", "createdAt": "2150-01-01T00:00:00.000Z"}': f"created_at {RANGE}",
    b'{"id": "a/c", "createdAt": "0001-01-01T00:00:00+23:59"}': f"created_at {RANGE}",
    b'{"id": "a/c", "lastModified": "2024-06-03T00:00:00Z"}': f"last_modified {RANGE}",
    b'{"id": "a/c", "lastModified": "last week"}': "last_modified is not a date",
    b'{"id": "a/c", "lastModified": 17000000}': "last_modified is not a date",
    b'{"id": "a/c", "lastModified": true}': "last_modified is not a date",
    b'{"id": "a/c", "tags": "[en, de"}': "tags is not a list of text",
    b'{"id": "a/c", "tags": ["%s"]}' % (b"x" * 10_000): "a word of tags is over 512 characters",
    b'{"id": "a/c", "license": "%s"}' % (b"x" * 10_000): "license is over 512 characters",
    b'{"id": "a/c", "tags": ["en", 3]}': "tags is not a list of text",
    b'{"id": "a/c", "pipeline_tag": {"x": 1}}': "pipeline_tag is not text",
    b'{"id": "a/c", "library": "' + b"x" * 10_000 + b'"}': "library is over 512 characters",
    b'{"id": "a/c", "gated": "perhaps"}': "gated is not false, true, auto or manual",
}


def test_bad_lines_are_rejected_each_with_its_reason_and_row(models):
    summary = models({"id": "a/b"}, *BAD_LINES)
    assert one(summary)["repo_id"] == "a/b"
    found = {row["row"]: (row["reason"], row["file"]) for row in rows(summary, "rejected")}
    assert found == {n: (reason, "some.jsonl") for n, reason in enumerate(BAD_LINES.values(), start=2)}
    assert sum(summary.rejected.values()) == len(BAD_LINES)


@pytest.mark.parametrize(
    "name",
    [
        r"a/\input{/etc/passwd}",
        "<script>alert(1)</script>",
        "a/b\u202egnp.exe",
        "a/" + "x" * 10_000,
        "a/b/c",
        "a/",
        "/b",
        "a/b\n",
        "a b",
        "ä/b",
        "x" * 257,
        "x" * 256 + "/" + "y" * 256,  # 513 characters: one more than any name may have
    ],
)
def test_a_name_that_is_no_repository_id_is_rejected_and_shown_safely(models, name):
    summary = models({"id": "a/b"}, {"id": name})
    (rejected,) = rows(summary, "rejected")
    assert (rejected["reason"], rejected["repo_id"]) == ("not a repository id", None)
    assert len(rejected["detail"]) <= 60
    assert rejected["detail"].isascii() and rejected["detail"].isprintable()


@pytest.mark.parametrize("name", ["x" * 256 + "/" + "y" * 255, "a..b/c--d", "gpt2", "A.b_c-d/0"])
def test_long_and_dotted_names_of_earlier_years_are_repository_ids(models, name):
    assert one(models({"id": name}))["repo_id"] == name


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_line_longer_than_the_limit_is_rejected_and_the_next_one_read(models, monkeypatch, pack, tmp_path):
    monkeypatch.setattr(files, "LONGEST_LINE", 2**20)
    path = tmp_path / "long.jsonl"
    path.write_bytes(pack(b'{"id": "a/b"}\n{"id": "' + b"x" * (3 * 2**20) + b'"}\n{"id": "a/c"}\n'))
    summary = import_dumps(NAME, [("models-jsonl", path)])
    assert [row["repo_id"] for row in rows(summary, "repos")] == ["a/b", "a/c"]
    assert rejections(summary) == [("repos", "line over 1 MiB", 2)]


def test_what_no_text_may_hold_is_taken_out_and_noted(models):
    summary = models(
        {"id": "a/b", "tags": ["a\0b", "\U0001f917"], "license": "m\x1bit", "pipeline_tag": "x\ud800\u202ey"}
    )
    found = one(summary)
    assert (found["tags"], found["license"], found["pipeline_tag"]) == (["ab", "\U0001f917"], "mit", "xy")
    assert summary.notes == {"texts with control characters, which were taken out": 3}


# --- bad files --------------------------------------------------------------------------------------------

LINES = b"".join(b'{"id": "a/%d", "likes": %d}\n' % (n, n * n) for n in range(20_000))
GZ = gzip.compress(LINES, mtime=0)
ZST = pa.compress(LINES, "zstd", asbytes=True)


def _parquet(**columns) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


PARQUET = _parquet(id=[f"a/{n}" for n in range(1000)], likes=list(range(1000)))


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("models-jsonl", b"", "empty; fetch it again"),
        ("models-jsonl", b"\n \n", "has no rows"),
        ("models-jsonl", gzip.compress(b"", mtime=0), "has no rows"),
        ("models-jsonl", GZ[: len(GZ) // 2], "the download is incomplete"),
        ("models-jsonl", GZ[:-4], "the download is incomplete"),
        ("models-jsonl", GZ[:5], "the download is incomplete"),
        ("models-jsonl", ZST[: len(ZST) // 2], "the download is incomplete"),
        ("models-jsonl", ZST[:-1], "the download is incomplete"),
        ("models-jsonl", GZ + b"garbage", "can't be read"),
        ("models-jsonl", GZ[:500] + b"\xff" * 50 + GZ[550:], "can't be read"),
        ("models-jsonl", b"<!DOCTYPE html><html>", "is an HTML page, not the dump; fetch the file itself"),
        ("models-jsonl", gzip.compress(b"\n<html>", mtime=0), "is an HTML page"),
        ("models-jsonl", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("models-jsonl", b"PK\x03\x04xxxx", "is a zip archive; unpack it first"),
        ("models-jsonl", b"\xfd7zXZ\x00", "packed by xz; unpack it first"),
        ("models-jsonl", PARQUET, "is a Parquet file; import it as hub-listing-parquet"),
        ("models-jsonl", b"\x00\x9c\xff\x01garbage", "row 1: neither JSON nor gzip nor zstd"),
        (
            "models-jsonl",
            b'{"name": "x"}\n{"name": "y"}\n',
            "no usable row among 2 (2 missing id); expected models-jsonl",
        ),
        ("commits-jsonl", b'{"id": "a/b"}\n', "no row has `commits`; found id; import it as models-jsonl"),
        ("links-csv", b"space,modell\ns/1,m/1\n", "row 1: no column model; found space, modell; expected space and"),
        ("links-csv", b"a;b\n", "no column space and no model; found a, b"),
        ("links-csv", b"space,model\n", "has no rows"),
        ("links-csv", b"<html>\n", "is an HTML page"),
        ("links-csv", b"space,model\n x,y z\n", "no usable row among 1 (1 not a repository id)"),
        ("hub-listing-parquet", PARQUET[:-100], "the download is incomplete"),
        ("hub-listing-parquet", LINES, "not a Parquet file"),
        ("hub-listing-parquet", GZ, "not a Parquet file; unpack it first, or choose the kind that fits"),
        (
            "hub-listing-parquet:models",
            _parquet(dataset_name=["x"]),
            "no column id; found dataset_name; expected the Hub's",
        ),
        ("hub-listing-parquet", _parquet(id=["x"]), "models, datasets or spaces? found id; say it as"),
        ("hub-listing-parquet:models", _parquet(id=pa.array([], pa.string())), "has no rows"),
    ],
)
def test_a_bad_file_stops_with_one_line_and_leaves_nothing(tmp_path, snapshots, kind, data, said):
    path = tmp_path / "the-file"
    path.write_bytes(data)
    with pytest.raises(SnapshotError) as caught:
        import_dumps(NAME, [(kind, path)])
    message = str(caught.value)
    assert message.startswith("the-file")
    assert said in message
    assert "\n" not in message and str(tmp_path) not in message
    assert list(snapshots.iterdir()) == []


def test_text_of_a_listing_that_is_not_utf8_stops_with_one_line(tmp_path, snapshots):
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    pq.write_table(pa.table({"id": broken}), tmp_path / "models.parquet")
    with pytest.raises(SnapshotError, match="models.parquet, after row 0: text that is not UTF-8; export it again"):
        import_dumps(NAME, [("hub-listing-parquet", tmp_path / "models.parquet")])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"kind": "models"},
            "kind 'models': expected one of models-jsonl, datasets-jsonl",
        ),
        ({"kind": "models-jsonl:models"}, "expected models-jsonl alone"),
        ({"kind": "hub-listing-parquet:papers"}, "hub-listing-parquet, or that with :models, :datasets, :spaces"),
        ({"coverage": "all"}, "coverage 'all': expected sample or complete"),
        ({"coverage": "complete", "rule": "the top 10"}, "expected no rule"),
        ({"date": "yesterday"}, "expected an ISO date"),
        ({"file": "missing\x1b[31m.jsonl"}, r"missing\x1b[31m.jsonl: no such file"),
        ({"file": ""}, "no such file; give the path of the dump itself"),  # a directory
    ],
)
def test_a_wrong_choice_is_refused_before_anything_is_read(tmp_path, snapshots, options, said):
    written(tmp_path / "some.jsonl", {"id": "a/b"})
    chosen = {"kind": "models-jsonl", "file": "some.jsonl"} | options
    source = chosen.pop("kind"), tmp_path / chosen.pop("file")
    with pytest.raises(SnapshotError) as caught:
        import_dumps(NAME, [source], **chosen)
    assert said in str(caught.value)
    assert list(snapshots.iterdir()) == []


def test_an_existing_snapshot_is_only_replaced_when_asked(models):
    before = whole(models({"id": "a/b"}).snapshot.path)
    with pytest.raises(SnapshotError, match="exists; choose another name, or replace it with --force"):
        models({"id": "a/c"})
    assert whole(paths.snapshots() / NAME) == before
    assert one(models({"id": "a/c"}, replace=True))["repo_id"] == "a/c"


def test_no_message_and_no_rejection_shows_a_username(models):
    secret = "jane-roe-the-author"
    bad = [
        {"id": "a/c", "author": secret, "likes": secret},
        {"id": "a/d", "author": secret, "createdAt": secret, "commits": [COMMIT]},
        {"id": "a/e", "commits": f"403 for {secret}"},
        {"id": "a/f", "commits": [COMMIT | {"authors": [{"mail": secret}]}, COMMIT | {"created_at": secret}]},
        b'{"id": "a/g", "author": "' + secret.encode(),
    ]
    summary = models({"id": "a/b", "commits": [COMMIT]}, *bad, kind="commits-jsonl")
    assert len(rows(summary, "rejected")) == 8
    assert secret not in "\n".join(summary.lines()) + json.dumps(rows(summary, "rejected"))
    with pytest.raises(SnapshotError) as caught:
        models(*bad[:2], kind="commits-jsonl", replace=True)
    assert secret not in str(caught.value)


# --- a snapshot is whole or not there ---------------------------------------------------------------------


class Trouble(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("step", ["add", "_settle", "_write_rejected", "_swap"])
def test_an_exception_at_any_step_leaves_the_directory_as_it_was(models, snapshots, monkeypatch, step):
    before = whole(models({"id": "a/b"}).snapshot.path)

    def fail(*args, **options):
        raise Trouble

    monkeypatch.setattr(snapshot.Writer, step, fail)
    with pytest.raises(Trouble):
        models({"id": "a/c"}, replace=True)
    assert [path.name for path in snapshots.iterdir()] == [NAME]
    assert whole(snapshots / NAME) == before


KILLED = """
import sys, time
from pathlib import Path
from analysis import snapshot, stored
from analysis.sources.dumps import import_dumps

def wait(*args, **options):
    print("there", flush=True)
    time.sleep(600)

setattr(snapshot.Writer, sys.argv[1], wait)
import_dumps(sys.argv[2], [("commits-jsonl", Path(sys.argv[3]))], replace=True)
"""


@pytest.mark.parametrize("step", ["add", "_settle", "_swap"])
def test_a_killed_import_leaves_no_snapshot_and_can_be_repeated(tmp_path, snapshots, step):
    path = written(tmp_path / "some.jsonl", {"id": "a/b", "commits": [COMMIT]})
    command = [sys.executable, "-c", KILLED, step, NAME, str(path)]
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as child:
        assert child.stdout.readline() == "there\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert stored.names() == []
    with pytest.raises(SnapshotError, match="does not exist"):
        snapshot.load(NAME)
    assert import_dumps(NAME, [("commits-jsonl", path)]).rows["commits"]["model"] == 1
    assert stored.names() == [NAME]


# --- properties -------------------------------------------------------------------------------------------

IDS = st.from_regex(r"[A-Za-z0-9._-]{1,8}(/[A-Za-z0-9._-]{1,8})?", fullmatch=True).filter(
    lambda text: not {".", ".."} & {*text.split("/")}  # which lead out of a directory, and are no repository's id
)
COUNTS = st.one_of(st.none(), st.integers(0, 2**53))
MOMENTS = st.datetimes(dt.datetime(2005, 4, 7), dt.datetime(2024, 6, 2), timezones=st.just(dt.UTC))


@given(st.one_of(COUNTS.filter(lambda n: n is not None), st.integers()))
def test_a_count_is_itself_as_number_and_as_digits_or_no_count(number):
    for value in (number, str(number)):
        if 0 <= number <= 2**53:
            assert row_builders.whole_number(value, "likes") == number
        else:
            with pytest.raises(row_builders.UnusableError):
                row_builders.whole_number(value, "likes")


@given(MOMENTS, st.sampled_from([-720, -210, 0, 60, 345]))
def test_a_moment_is_the_same_in_every_zone_and_as_pandas_reads_it(date, minutes):
    text = date.astimezone(dt.timezone(dt.timedelta(minutes=minutes))).isoformat()
    found = row_builders.moment(text, "created_at", (0, 2**60))
    assert found == pd.Timestamp(text).value // 1000


@given(st.text(max_size=40))
def test_whatever_is_taken_for_an_id_is_plain_ascii(text):
    try:
        found = row_builders.repository_id(text)
    except row_builders.UnusableError as error:
        assert error.detail is None or error.detail.isascii()
    else:
        assert found == text and text.isascii() and text.count("/") <= 1 and text.strip("/") == text


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(IDS, COUNTS, MOMENTS), min_size=1, max_size=30), st.integers(1, 7))
def test_what_goes_in_comes_out_once_sorted_by_id(tmp_path_factory, records, at_once):
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("property")
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(directory / "snapshots"))
        patch.setattr(row_builders, "ROWS_AT_ONCE", at_once)
        lines = [{"id": i, "likes": likes, "created_at": date.isoformat()} for i, likes, date in records]
        summary = import_dumps(NAME, [("models-jsonl", written(directory / "some.jsonl", *lines))])
        found = [(row["repo_id"], row.get("likes"), row["created_at"]) for row in rows(summary, "repos")]
    first = {record[0]: record for record in reversed(records)}
    assert found == sorted(first.values())
    assert sum(summary.rejected.values()) == len(records) - len(first)


# --- files that commits changed ---------------------------------------------------------------------------

COMMITS = [{"repo_id": "a/b", **COMMIT, "commit_id": sha * 40} for sha in "cd"]
CHANGED = [("a/b", "c" * 40, "README.md"), ("a/b", "c" * 40, "w, 1.bin"), ("a/b", "d" * 40, "nan")]


@pytest.fixture
def with_commits(tmp_path, snapshots):
    """A function that imports a file of changed files beside two commits of one model."""

    def imported(kind: str, file: str, content: str) -> importers.Summary:
        (tmp_path / file).write_text(content, encoding="utf-8")
        commits = written(tmp_path / "commits.jsonl", *COMMITS)
        return import_dumps(NAME, [(kind, tmp_path / file), ("commits-jsonl", commits)])

    return imported


def as_csv(changed: list[tuple]) -> str:
    return pd.DataFrame(changed, columns=["repo_id", "sha", "path"]).to_csv(index=False)


def as_records(changed: list[tuple]) -> str:
    return "\n".join(json.dumps({"repo_id": repo, "commit_id": sha, "path": path}) for repo, sha, path in changed)


def as_lists(changed: list[tuple]) -> str:
    commits = {(repo, sha): [path for *one, path in changed if (repo, sha) == tuple(one)] for repo, sha, _ in changed}
    return "\n".join(json.dumps({"repo_id": r, "oid": sha, "files": paths_}) for (r, sha), paths_ in commits.items())


@pytest.mark.parametrize(
    ("kind", "form"), [("files-csv", as_csv), ("files-jsonl", as_records), ("files-jsonl", as_lists)]
)
def test_files_that_commits_changed_reach_their_table(with_commits, kind, form):
    summary = with_commits(kind, "changed.csv", form(CHANGED))
    assert [tuple(row.values()) for row in rows(summary, "files")] == [("model", *row) for row in CHANGED]
    assert summary.rows["files"] == {"model": 3, "dataset": 0, "space": 0} and not summary.rejected
    assert "as published in changed.csv" in summary.snapshot.rule("files", "model")


def test_files_that_can_not_be_used_are_counted_by_reason_and_their_paths_not_shown(with_commits):
    hostile = ["", "a\0", "exe.\u202egpj", "x" * 5000]
    changed = [*CHANGED, CHANGED[0], ("a/b", "e" * 40, "x"), ("a/b", "", "x"), ("a b", "c" * 40, "x")]
    summary = with_commits("files-jsonl", "f.jsonl", as_records([*changed, *(("a/b", "c" * 40, path) for path in hostile)]))
    assert len(rows(summary, "files")) == 3
    assert {why: n for (table, why), n in summary.rejected.items() if table == "files"} == {
        "duplicate": 1,
        "commit not among the commits": 1,
        "commit without its id": 1,
        "not a repository id": 1,
        "no path": 1,
        "path with characters for control or direction, or that are no text": 2,
        "path is over 4096 characters": 1,
    }
    assert "gpj" not in str(rows(summary, "rejected")) + str(summary.lines())


def test_files_without_commits_or_without_their_columns_are_refused_at_once(tmp_path, with_commits):
    (tmp_path / "f.csv").write_text(as_csv(CHANGED))
    with pytest.raises(SnapshotError, match="f.csv: files that commits changed, without the commits; add --also"):
        import_dumps(NAME, [("files-csv", tmp_path / "f.csv")])
    with pytest.raises(SnapshotError, match="row 1: no column path; found repo_id, sha, where; say .* --column path=NAME"):
        with_commits("files-csv", "g.csv", as_csv(CHANGED).replace("path", "where"))


BROKEN = {"models-jsonl": [LINES[:3000], GZ[:3000], ZST[:3000]], "links-csv": [b"space,model\na/b,c\n" * 9]}
BROKEN |= {
    "commits-jsonl": [json.dumps({"id": "a/b", "commits": [COMMIT]}).encode()],
    "hub-listing-parquet:spaces": [PARQUET],
    "models-csv": [b',id,tags,likes\n0,a/b,"[\'en\']",3\n1,a/c,"two\nlines",\n' * 3],
    "discussions-jsonl": [b'[{"repo_id": "a/b", "num": 1, "createdAt": "2023-01-01"}]'],
    "huggingkg": [b"s/1\tspace_use_model\tm/1\n" * 3],
}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_bytes_end_in_a_snapshot_or_in_one_line(tmp_path_factory, data):
    kind = data.draw(st.sampled_from(sorted(BROKEN)))
    whole_file = data.draw(st.sampled_from(BROKEN[kind]))
    at = data.draw(st.integers(0, len(whole_file)))
    noise = data.draw(st.binary(max_size=20))
    cut = data.draw(st.integers(at, len(whole_file)))
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("noise")
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(directory / "snapshots"))
        (directory / "file").write_bytes(whole_file[:at] + noise + whole_file[cut:])
        try:
            summary = import_dumps(NAME, [(kind, directory / "file")])
        except SnapshotError as error:
            assert "\n" not in str(error)
            assert stored.names() == []
        else:
            snapshot.validate(summary.snapshot)


# --- published records ------------------------------------------------------------------------------------


@pytest.fixture
def published(dumps, snapshots):
    """A function that imports a published file, and gives the summary and the file."""

    def imported(name: str, kind: str, file: str, **options) -> tuple[importers.Summary, Path]:
        if not (dumps / file).is_file():
            pytest.skip(f"HUB_DUMPS has no {file}")
        return import_dumps(name, [(kind, dumps / file)], **options), dumps / file

    return imported


def raw_records(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.dumps
def test_published_models_of_2022_are_all_there(published):
    summary, path = published("2022-02-21", "models-jsonl", "models-2022-02-21.jsonl.gz", coverage="complete")
    found = pd.read_parquet(summary.snapshot.file("repos"))
    assert len(found) == 29_432 and not summary.rejected
    assert found["downloads"].isna().sum() == 212
    raw = raw_records(path)
    unlicensed = sum(not any(tag.startswith("license:") for tag in record["tags"]) for record in raw)
    assert 0 < unlicensed < 29_432
    assert found["license"].isna().sum() == unlicensed
    by_id = {record["modelId"]: record for record in raw}
    dates = pd.to_datetime([by_id[repo_id]["lastModified"] for repo_id in found["repo_id"]])
    assert (found["last_modified"].array == dates.array).all()
    assert found["likes"].tolist() == [by_id[repo_id]["likes"] for repo_id in found["repo_id"]]
    assert list(found["repo_id"]) == sorted(by_id)
    assert not summary.snapshot.has("repos", "created_at")  # this dump is older than that field


@pytest.mark.dumps
def test_published_histories_of_2024_are_complete_but_for_four_models(published):
    summary, path = published("2024-12-04", "commits-jsonl", "top-models-2024-12-04.jsonl.gz")
    raw = raw_records(path)
    commits = [commit for record in raw if isinstance(record["commits"], list) for commit in record["commits"]]
    assert summary.rows["repos"]["model"] == 363
    assert summary.rejected == {("commits", "not authorized"): 4}
    assert summary.left_out == {"gated": 4}
    found = pd.read_parquet(summary.snapshot.file("commits"))
    assert len(found) == len(commits)
    names = Counter(name for authors in found["authors"] for name in authors)
    assert names == Counter(name for commit in commits for name in commit["authors"])
    assert found["repo_id"].nunique() == 359
    assert summary.snapshot.rule("commits", "model") == "359 of 363 models have a list of commits"


@pytest.mark.dumps
def test_published_links_of_2024_are_kept_once(published):
    summary, path = published("2024-01-19", "links-csv", "space-links-2024-01-19.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        raw = [(row["space"], row["model"]) for row in csv.DictReader(lines)]
    found = pd.read_parquet(summary.snapshot.file("usage"))
    assert len(raw) == 8_901
    assert list(found.itertuples(index=False, name=None)) == sorted(set(raw))
    assert (len(found), found["model_id"].nunique()) == (3_772, 38)
    assert summary.rejected == {("usage", "duplicate"): 8_901 - 3_772}


@pytest.mark.dumps
def test_published_selection_of_2026_keeps_its_licences_and_sizes(published):
    summary, path = published("2026-08-22", "models-jsonl", "curated-models-2026-08-22.jsonl.gz")
    raw = {record["id"]: record for record in raw_records(path)}
    found = pd.read_parquet(summary.snapshot.file("repos"), dtype_backend="numpy_nullable")
    assert len(found) == 15_156 and not summary.rejected
    sizes = [raw[repo_id]["parameters"] for repo_id in found["repo_id"]]
    assert found["parameters"].astype(object).where(found["parameters"].notna(), None).tolist() == sizes
    said = {repo_id: record["license"] for repo_id, record in raw.items() if record["license"]}
    licensed = found[found["repo_id"].isin(list(said))]
    assert dict(zip(licensed["repo_id"], licensed["license"], strict=True)) == said
    assert Counter(found["gated"]) == Counter("manual" if record["gated"] else "no" for record in raw.values())


@pytest.mark.dumps
@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("models-jsonl", "models-2022-02-21.jsonl.gz"),
        ("commits-jsonl", "top-models-2024-12-04.jsonl.gz"),
        ("links-csv", "space-links-2024-01-19.csv.gz"),
    ],
)
def test_two_imports_of_a_published_file_are_the_same_bytes(published, kind, file):
    first = whole(published("2024-12-05", kind, file)[0].snapshot.path)
    assert whole(published("2024-12-05", kind, file, replace=True)[0].snapshot.path) == first


@pytest.mark.dumps
def test_a_published_table_with_other_columns_is_refused_by_name(dumps, snapshots):
    path = dumps / "datasets-2024.parquet"
    if not path.is_file():
        pytest.skip("HUB_DUMPS has no datasets-2024.parquet")
    with pytest.raises(
        SnapshotError, match="no column id; found dataset_name, author, .*; expected the Hub's field names"
    ):
        import_dumps(NAME, [("hub-listing-parquet", path)])


def test_every_kind_says_in_one_line_what_it_reads():
    assert {"models-jsonl", "datasets-csv", "commits-csv", "discussions-jsonl", "huggingkg", "hfcommunity"} < set(KINDS)
    assert all(kind.about and "\n" not in kind.about for kind in KINDS.values())
