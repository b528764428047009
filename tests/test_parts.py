"""Tables in several Parquet files: the same rows and results as in one, and whatever is wrong with a part is told."""

import hashlib
import json
import tempfile
import threading
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import engine, parts, snapshot
from analysis.engine import Hub
from analysis.parameters import Parameters
from analysis.snapshot import DATA_TABLES, SnapshotError
from analysis.sources import pseudonyms, selection

MANY = ("repos", "commits", "discussions", "usage")  # of demo, tables of more than 300 rows


def copied(source: snapshot.Snapshot, name: str, *, rows_a_part: int, in_order: bool = False) -> snapshot.Snapshot:
    """The snapshot written anew, in parts of so many rows; `in_order`: as its rows come, which are in order already."""
    coverage = {table: source.manifest["tables"][table]["coverage"] for table in DATA_TABLES if source.has(table)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "ROWS_A_PART", rows_a_part)
        described = {"source": source.manifest["source"], "coverage": coverage, "in_order": in_order}
        with snapshot.Writer(name, date=source.date, synthetic=source.synthetic, **described) as writer:
            for table in coverage:
                for batch in source.batches(table, rows=1_000):
                    writer.add(table, batch)
            selection.pass_on(source, writer)
    return snapshot.load(name)


@pytest.fixture(scope="module")
def both(demo, tmp_path_factory):
    """Demo written anew, in one file a table and in parts of 300 rows, in a directory of snapshots of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path_factory.mktemp("both")))
        yield copied(demo, "2023-10-15", rows_a_part=10**9), copied(demo, "2023-10-15-parts", rows_a_part=300)


@pytest.fixture
def parted(both, tmp_path, monkeypatch) -> snapshot.Snapshot:
    """A copy of the one in parts, to be damaged."""
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path))
    source = both[1].path
    for file in source.rglob("*"):
        if file.is_file():
            place = tmp_path / source.name / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    return snapshot.load(source.name)


def whole(made: snapshot.Snapshot, table: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in made.files(table)])


def test_a_table_in_parts_has_the_rows_of_one_file_in_their_order(both):
    single, many = both
    for table in single.manifest["tables"]:
        assert whole(many, table).equals(whole(single, table), check_metadata=True), table
    assert {t for t, entry in many.manifest["tables"].items() if "parts" in entry} >= set(MANY)
    assert not any("parts" in entry for entry in single.manifest["tables"].values())
    counted = [entry["rows"] for entry in many.manifest["tables"]["commits"]["parts"]]
    assert set(counted[:-1]) == {300} and 0 < counted[-1] <= 300
    assert many.digest != single.digest and snapshot.load(many.name).digest == many.digest


def test_rows_that_come_in_order_are_written_as_those_that_were_sorted(both, demo, tmp_path, monkeypatch):
    for sorted_, rows_a_part in zip(both, (10**9, 300), strict=True):
        monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path))
        in_order = copied(demo, sorted_.name, rows_a_part=rows_a_part, in_order=True)
        assert in_order.digest == sorted_.digest  # which names every byte of every file
        snapshot.validate(in_order)


def test_results_of_a_table_in_parts_are_those_of_one_file(both):
    single, many = (Hub(one, Parameters(snapshot_date=one.name)) for one in both)
    for kind in snapshot.KINDS:
        pd.testing.assert_frame_equal(engine.activity(many, kind).value, engine.activity(single, kind).value)
    for function in (engine.memberships, engine.edges, engine.usage, engine.co_usage, engine.dated_commits):
        pd.testing.assert_frame_equal(function(many).value, function(single).value)
    assert engine.people_counts(many).value == engine.people_counts(single).value


def test_what_is_made_of_a_snapshot_in_parts_is_what_is_made_of_one_file(both, tmp_path):
    single, many = both
    key = tmp_path / "key"
    key.write_text("k" * 64)
    hidden = [pseudonyms.pseudonymise(one.name, key, f"{one.name}-shared") for one in both]
    chosen = [selection.only_in(one.name, hidden[0].name) for one in both]
    for first, second in (hidden, chosen):
        for table in first.manifest["tables"]:
            assert whole(first, table).equals(whole(second, table)), table


def test_a_snapshot_in_parts_is_valid_and_its_parts_are_compared_with_the_manifest(parted):
    snapshot.validate(parted)
    entry = parted.manifest["tables"]["commits"]
    lines = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in parted.files("commits"))
    assert entry["sha256"] == hashlib.sha256(lines.encode()).hexdigest()  # what `sha256sum * | sha256sum` prints
    assert entry["bytes"] == sum(file.stat().st_size for file in parted.files("commits"))


def damage(snapshot_: snapshot.Snapshot, how: str) -> None:
    directory, file = snapshot_.path / "commits", snapshot_.files("commits")[1]
    manifest = json.loads((snapshot_.path / "manifest.json").read_text())
    listed = manifest["tables"]["commits"]["parts"]
    if how == "changed":
        file.write_bytes(file.read_bytes() + b"x")
    elif how == "missing":
        file.unlink()
    elif how == "more":
        (directory / "part-x.parquet").write_bytes(file.read_bytes())
    elif how == "twice":
        listed[0] = listed[1]
        manifest["tables"]["commits"] |= parts.together(listed)
    elif how == "sum":
        manifest["tables"]["commits"]["rows"] += 1
    elif how == "elsewhere":
        listed[0]["file"] = "../repos/part-00000.parquet"
    elif how == "none":
        manifest["tables"]["commits"]["parts"] = []
    (snapshot_.path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("changed", "/commits/part-00001.parquet: changed since it was written"),
        ("missing", "/commits/part-00001.parquet: missing, though the manifest lists it; restore it"),
        ("more", "/commits: holds 'part-x.parquet', which is no part of it; move it away"),
        ("twice", "/commits: holds 'part-00000.parquet', which is no part of it; move it away"),
        ("sum", "/commits: its rows, bytes or SHA-256 are not those of its parts; restore manifest.json"),
        ("elsewhere", "/manifest.json, tables.commits.parts.0.file: expected the plain name of a Parquet file"),
        ("none", "/manifest.json, tables.commits.parts: expected one or more"),
    ],
)
def test_whatever_is_wrong_with_a_part_is_told_in_one_line(parted, how, said):
    damage(parted, how)
    with pytest.raises(SnapshotError) as error:
        snapshot.load(parted.name)
    assert str(error.value).startswith(f"{parted.name}{said}") and "\n" not in str(error.value)


def test_a_snapshot_in_parts_is_replaced_and_a_directory_of_something_else_is_not(parted):
    snapshot.check_free(parted.name, replace=True)
    (parted.path / "commits" / "notes.txt").write_text("mine")
    with pytest.raises(SnapshotError, match=r"it holds 'commits'\), so it is not replaced"):
        snapshot.check_free(parted.name, replace=True)


@settings(max_examples=60)
@given(sizes=st.lists(st.integers(0, 9), max_size=8), rows_a_part=st.integers(1, 12))
def test_batches_of_any_size_are_written_in_parts_of_one_size(sizes, rows_a_part):
    schema, start, batches = pa.schema([("n", pa.int64())]), 0, []
    for size in sizes:
        batches.append(pa.record_batch([pa.array(range(start, start + size), pa.int64())], schema=schema))
        start += size
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "ROWS_A_PART", rows_a_part)
        entry = parts.write(Path(place), "t", schema, batches)
        files = parts.files_of(Path(place), "t", entry)
        assert [n for file in files for n in pq.read_table(file)["n"].to_pylist()] == list(range(start))
        counts = [pq.read_metadata(file).num_rows for file in files]
        assert counts == [rows_a_part] * (start // rows_a_part) + [start % rows_a_part] * bool(start % rows_a_part or not start)
        assert ("parts" in entry) == (len(files) > 1) and entry["rows"] == start


def test_what_goes_wrong_in_the_writing_thread_is_told_and_ends_it(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fails)
    table = pa.table({"n": [1, 2]})
    with pytest.raises(OSError, match="No space"), parts.TableWriter(tmp_path, "t", table.schema) as writer:
        writer.add(table)
        writer.finished()
    assert not any(thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate())


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abé"), st.integers(0, 3)), max_size=12),
    cut=st.integers(0, 12),
    in_order=st.booleans(),
)
def test_keys_rise_where_a_sorted_list_without_repeats_is_the_list_itself(rows, cut, in_order):
    rows = sorted(rows) if in_order else rows
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / name for name in ("a.parquet", "b.parquet")]
        for file, some in zip(files, (rows[:cut], rows[cut:]), strict=True):
            names, numbers = ([row[place] for row in some] for place in (0, 1))
            pq.write_table(pa.table([pa.array(names, pa.string()), pa.array(numbers, pa.int64())], names=["k", "n"]), file)
        assert parts.rise(files, ["k", "n"]) == (rows == sorted(set(rows)))
