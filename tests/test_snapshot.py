"""Snapshots: what is written comes back, and whatever is wrong with one is told in a line without any name."""

import datetime as dt
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import paths
from analysis.schema import last_moment, readme
from analysis.snapshot import (
    KEYS,
    KINDS,
    SCHEMAS,
    Snapshot,
    SnapshotError,
    Writer,
    check_name,
    date_of,
    load,
    validate,
)
from analysis.stored import names

NAME, DAY = "2023-10-15", dt.date(2023, 10, 15)
NOON = dt.datetime(2023, 1, 1, 12, tzinfo=dt.UTC)
SECRET = "secret-user"  # a username: no message may show it
EVERY_KIND = {kind: {"status": "complete"} for kind in KINDS}
EVERYTHING = {"all": {"status": "complete"}}
COVERAGE = {
    "repos": EVERY_KIND,
    "commits": EVERY_KIND,
    "files": EVERY_KIND,
    "discussions": EVERY_KIND,
    "usage": EVERYTHING,
    "people": EVERYTHING,
}

MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they turn the direction of text
OF = {"files": ("commits",)}  # tables without which there is none of these rows


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def written_once(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path_factory.mktemp("snapshots")))
        return write().path


@pytest.fixture
def snapshot(written_once, directory) -> Snapshot:
    """The snapshot of `rows`, for tests that read or damage it."""
    return load(Path(shutil.copytree(written_once, directory / NAME)).name)


@pytest.fixture
def with_rows(snapshot):
    """A function: the snapshot with one table that has exactly these rows, whatever the writer would say.

    Other tables than this one and those `beside` it are taken out, which only saves time.
    """

    def build(table: str, *content: dict, beside: tuple[str, ...] = ()) -> Snapshot:
        def keep(manifest):
            manifest["tables"] = {t: e for t, e in manifest["tables"].items() if t in (table, *beside)}

        change_manifest(snapshot, keep)
        schema = SCHEMAS[table]
        collected = [name for name in schema.names if any(name in row for row in content)]
        fields = pa.schema([schema.field(name).with_nullable(True) for name in collected])
        behind_the_writers_back(snapshot, table, pa.Table.from_pylist(list(content), schema=fields))
        return load(NAME)

    return build


def rows() -> dict[str, list[dict]]:
    """A snapshot of a model that a space uses: one row of each table, two of repos."""
    return {
        "repos": [
            {
                "kind": "model",
                "repo_id": "lab/m",
                "owner": "lab",
                "created_at": NOON,
                "likes": 1,
                "gated": "no",
            },
            {
                "kind": "space",
                "repo_id": "lab/s",
                "owner": "lab",
                "created_at": NOON,
                "likes": None,
                "gated": None,
            },
        ],
        "commits": [{"kind": "model", "repo_id": "lab/m", "commit_id": "c1", "date": NOON, "authors": [SECRET]}],
        "files": [{"kind": "model", "repo_id": "lab/m", "commit_id": "c1", "path": "a/b.bin"}],
        "discussions": [{"kind": "model", "repo_id": "lab/m", "number": 1, "author": SECRET, "created_at": NOON}],
        "usage": [{"space_id": "lab/s", "model_id": "lab/m"}],
        "people": [{"alias": f"{SECRET}-2", "person": SECRET, "score": 95.0}],
    }


def writer(name: str = NAME, **options) -> Writer:
    defaults = {"date": DAY, "synthetic": True, "source": {"name": "test"}, "coverage": COVERAGE}
    return Writer(name, **{**defaults, **options})


def write(tables: dict | None = None, *, name: str = NAME, **options) -> Snapshot:
    with writer(name, **options) as target:
        for table, content in (rows() if tables is None else tables).items():
            target.add(table, content)
    return load(name)


def read(snapshot: Snapshot, table: str) -> list[dict]:
    return pq.read_table(snapshot.file(table)).to_pylist()


def message(call) -> str:
    """What the error says: without a username, a directory of this machine or an empty line."""
    with pytest.raises(SnapshotError) as caught:
        call()
    text = str(caught.value)
    assert SECRET not in text
    assert str(paths.snapshots()) not in text
    assert all(line.strip() for line in text.split("\n"))
    return text


def one_line(call) -> str:
    text = message(call)
    assert "\n" not in text
    return text


def change_manifest(snapshot: Snapshot, change) -> None:
    file = snapshot.path / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    change(manifest)
    file.write_text(json.dumps(manifest), encoding="utf-8")


def vouch(snapshot: Snapshot, table: str) -> None:
    """Make the manifest fit the file, as a careful forger or a faulty tool would."""

    def change(manifest):
        entry = manifest["tables"][table]
        entry["sha256"] = hashlib.sha256(snapshot.file(table).read_bytes()).hexdigest()
        try:
            parquet = pq.ParquetFile(snapshot.file(table))
        except (pa.ArrowException, OSError):
            return
        entry["rows"], entry["columns"] = parquet.metadata.num_rows, parquet.schema_arrow.names

    change_manifest(snapshot, change)


def behind_the_writers_back(snapshot: Snapshot, table: str, data: pa.Table) -> None:
    pq.write_table(data, snapshot.file(table))
    vouch(snapshot, table)


def changed(table: str, **values) -> dict:
    return {**rows()[table][0], **values}


def test_the_readme_describes_the_columns_as_they_are_declared():
    assert readme() in (paths.DATA / "README.md").read_text(encoding="utf-8")


# --- what is written comes back ------------------------------------------------------------------------------


def test_a_snapshot_holds_the_rows_that_were_added(snapshot):
    validate(snapshot)
    for table, content in rows().items():
        assert read(snapshot, table) == content
    assert read(snapshot, "rejected") == []
    assert (snapshot.name, snapshot.date, snapshot.synthetic) == (NAME, DAY, True)
    assert {file.name for file in snapshot.path.iterdir()} == {
        "manifest.json",
        *(f"{table}.parquet" for table in [*KEYS, "rejected"]),
    }


def test_the_manifest_describes_the_files(snapshot):
    for table, entry in snapshot.manifest["tables"].items():
        content = snapshot.file(table).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["rows"] == len(read(snapshot, table))
    assert snapshot.manifest["tables"]["repos"]["kinds"] == {"model": 1, "dataset": 0, "space": 1}
    assert snapshot.manifest["source"] == {"name": "test"}


def test_the_digest_names_the_data(snapshot):
    assert write(replace=True).digest == snapshot.digest
    assert write({**rows(), "people": []}, replace=True).digest != snapshot.digest


def test_columns_that_were_not_collected_are_absent(snapshot):
    assert snapshot.manifest["tables"]["repos"]["columns"] == list(rows()["repos"][0])
    assert snapshot.has("repos", "likes") and not snapshot.has("repos", "downloads")


def test_a_column_of_any_of_the_first_rows_is_collected():
    tables = {"repos": rows()["repos"]}
    tables["repos"][1]["downloads"] = 5
    assert [row["downloads"] for row in read(write(tables), "repos")] == [None, 5]


def test_later_rows_may_lack_a_column():
    with writer() as target:
        target.add("repos", [{"kind": "model", "repo_id": "lab/a", "likes": 3}])
        target.add("repos", [{"kind": "model", "repo_id": "lab/b"}])
    assert [row["likes"] for row in read(load(NAME), "repos")] == [3, None]


def test_arrow_data_and_mappings_give_the_same_snapshot(snapshot):
    tables = {}
    for table, content in rows().items():
        schema = pa.schema([SCHEMAS[table].field(c).with_nullable(True) for c in content[0]])
        tables[table] = pa.RecordBatch.from_pylist(content, schema=schema)
    assert write(tables, replace=True).digest == snapshot.digest


def test_the_order_of_the_rows_does_not_change_the_bytes():
    tables = {table: rows()[table] for table in ("repos", "commits")}
    tables["repos"] += [{"kind": "model", "repo_id": f"lab/m{i}", "likes": i} for i in range(15)]
    tables["commits"] += [changed("commits", commit_id=f"c{i}", repo_id=f"lab/m{i % 7}") for i in range(2, 30)]
    first = write(tables).digest
    backwards = {table: content[:1] + content[:0:-1] for table, content in reversed(tables.items())}
    assert write(backwards, replace=True).digest == first
    with writer(replace=True) as target:
        for table, content in tables.items():
            for row in content[:1] + content[:0:-1]:
                target.add(table, [row])
    assert load(NAME).digest == first


def test_the_order_of_more_rows_than_one_batch_does_not_change_the_bytes():
    names_ = pa.array([f"lab/{i:06d}" for i in range(260_000)])
    links = pa.table({"space_id": names_, "model_id": names_})
    coverage = {"usage": EVERYTHING}
    first = write({"usage": links}, coverage=coverage).digest
    assert (
        write({"usage": links.take(pa.array(range(259_999, -1, -1)))}, coverage=coverage, replace=True).digest == first
    )


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_MOMENT = st.datetimes(dt.datetime(2005, 4, 7), dt.datetime(2023, 10, 16, 23, 59, 59), timezones=st.just(dt.UTC))
_COUNT = st.none() | st.integers(0, 2**63 - 1)


@st.composite
def valid_tables(draw) -> dict[str, list[dict]]:
    repos = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "kind": st.sampled_from(KINDS),
                    "repo_id": _TEXT,
                    "owner": st.none() | _TEXT,
                    "created_at": st.none() | _MOMENT,
                    "likes": _COUNT,
                    "tags": st.none() | st.lists(st.none() | _TEXT, max_size=3),
                    "gated": st.sampled_from([None, "no", "auto", "manual"]),
                }
            ),
            min_size=1,
            max_size=6,
            unique_by=lambda row: (row["kind"], row["repo_id"]),
        )
    )
    repository = st.sampled_from([(row["kind"], row["repo_id"]) for row in repos])
    commits = draw(
        st.dictionaries(st.tuples(repository, _TEXT), st.tuples(_MOMENT, st.lists(_TEXT, max_size=3)), max_size=6)
    )
    discussions = draw(
        st.dictionaries(st.tuples(repository, st.integers(0, 99)), st.tuples(st.none() | _TEXT, _MOMENT), max_size=6)
    )
    of = {kind: [row["repo_id"] for row in repos if row["kind"] == kind] for kind in KINDS}
    links = st.tuples(st.sampled_from(of["space"] or ["-"]), st.sampled_from(of["model"] or ["-"]))
    usage = draw(st.sets(links, max_size=4)) if of["space"] and of["model"] else set()
    people = draw(st.dictionaries(_TEXT, st.tuples(_TEXT, st.none() | st.floats(0, 100)), max_size=4))
    return {
        "repos": repos,
        "commits": [
            {"kind": kind, "repo_id": repo_id, "commit_id": commit_id, "date": date, "authors": authors}
            for ((kind, repo_id), commit_id), (date, authors) in commits.items()
        ],
        "discussions": [
            {"kind": kind, "repo_id": repo_id, "number": number, "author": author, "created_at": created_at}
            for ((kind, repo_id), number), (author, created_at) in discussions.items()
        ],
        "usage": [{"space_id": space, "model_id": model} for space, model in sorted(usage)],
        "people": [
            {"alias": alias, "person": person, "score": score}
            for alias, (person, score) in people.items()
            if person not in people
        ],
    }


def in_order(table: str, content: list[dict]) -> list[dict]:
    return sorted(content, key=lambda row: [str(row[k]).encode() if k != "number" else row[k] for k in KEYS[table]])


@settings(max_examples=10, deadline=None)  # the writer validates what it writes, which takes a second
@given(tables=valid_tables())
def test_any_valid_rows_come_back_sorted_by_key(tables):
    snapshot = write(tables, replace=True)
    for table, content in tables.items():
        if content:
            assert read(snapshot, table) == in_order(table, content)
    assert read(snapshot, "rejected") == []


# --- what the writer sets aside ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", list(KEYS))
def test_the_first_row_of_a_key_stays_and_the_others_are_counted(table):
    tables = {name: rows()[name] for name in dict.fromkeys(["repos", *OF.get(table, ()), table])}
    first = tables[table][0]
    free = {"repos": "likes", "commits": "date", "discussions": "author", "people": "score"}.get(table)
    other = {"likes": 7, "date": NOON.replace(day=2), "author": "x", "score": 1.0}
    tables[table] = [first, {**first, free: other[free]} if free else first, first, *tables[table][1:]]
    with writer() as target:
        for name, content in tables.items():
            target.add(name, content)
    assert read(load(NAME), table) == rows()[table]
    assert target.rejected == {(table, "duplicate"): 2}
    assert load(NAME).manifest["rejected"] == {table: {"duplicate": 2}}
    assert [row["detail"] for row in read(load(NAME), "rejected")] == ["usable row 2", "usable row 3"]


@pytest.mark.parametrize("table", ["commits", "discussions", "usage"])
def test_rows_of_unknown_repositories_are_counted(table):
    tables = {name: rows()[name] for name in ("repos", table)}
    tables[table] += [changed(table, **{"model_id" if table == "usage" else "repo_id": "lab/gone"})]
    snapshot = write(tables)
    assert read(snapshot, table) == rows()[table]
    assert snapshot.manifest["rejected"] == {table: {"model not among the repositories": 1}}
    assert [(row["repo_id"], row["detail"]) for row in read(snapshot, "rejected")] == [("lab/gone", "usable row 2")]


def test_a_link_whose_two_ends_are_unknown_counts_once():
    tables = {table: rows()[table] for table in ("repos", "usage")}
    tables["usage"] += [
        {"space_id": "lab/gone", "model_id": "lab/gone"},
        {"space_id": "lab/gone", "model_id": "lab/m"},
    ]
    assert write(tables).manifest["rejected"] == {
        "usage": {"model not among the repositories": 1, "space not among the repositories": 1}
    }


def test_a_rejected_merge_does_not_tell_a_username():
    tables = {"people": rows()["people"] * 2}
    [row] = read(write(tables), "rejected")
    assert SECRET not in str(row)


def test_what_a_source_leaves_out_is_in_the_snapshot():
    with writer() as target:
        target.add("repos", rows()["repos"])
        target.reject("commits", "gated", kind="model", repo_id="lab/m", scope="repository")
        target.reject("repos", "no name", file="dump.jsonl", row=7, detail="d" * 500)
        target.left_out["gone"] += 2
        target.notes["names mended"] += 1
    snapshot = load(NAME)
    assert snapshot.manifest["rejected"] == {"commits": {"gated": 1}, "repos": {"no name": 1}}
    assert snapshot.manifest["repositories_left_out"] == {"gone": 2}
    assert snapshot.manifest["notes"] == {"names mended": 1}
    of_commits, of_repos = read(snapshot, "rejected")
    assert (of_commits["scope"], of_commits["repo_id"]) == ("repository", "lab/m")
    assert (of_repos["file"], of_repos["row"], len(of_repos["detail"])) == ("dump.jsonl", 7, 200)


# --- absent, empty, complete ---------------------------------------------------------------------------------


def test_an_empty_table_has_no_rows_and_is_not_absent():
    tables = {"repos": rows()["repos"], "commits": SCHEMAS["commits"].empty_table()}
    snapshot = write(tables)
    validate(snapshot)
    assert snapshot.manifest["tables"]["commits"]["rows"] == 0
    assert read(snapshot, "commits") == []
    assert snapshot.has("commits", "authors") and snapshot.status("commits", "model") == "complete"
    assert not snapshot.has("discussions") and snapshot.status("discussions", "model") == "absent"
    assert not snapshot.file("discussions").exists()


def test_a_table_all_of_whose_rows_are_set_aside_is_empty():
    tables = {"repos": rows()["repos"], "commits": [changed("commits", repo_id="lab/gone")]}
    snapshot = write(tables)
    validate(snapshot)
    assert snapshot.manifest["tables"]["commits"]["rows"] == 0


def test_a_snapshot_without_any_row_is_not_written(directory):
    text = one_line(lambda: write({"usage": SCHEMAS["usage"].empty_table()}))
    assert "no usable row" in text
    assert list(directory.iterdir()) == []


def test_a_snapshot_without_a_usable_row_says_what_was_wrong():
    def only_rejects():
        with writer() as target:
            target.reject("repos", "no name")
            target.reject("repos", "no name")

    assert "2 repos: no name" in one_line(only_rejects)


def test_status_and_rule_are_told_by_kind(snapshot):
    assert snapshot.status("usage") == "complete" and snapshot.has("usage", "space_id")
    sample = {"model": {"status": "sample", "rule": "the most liked"}, "space": {"status": "complete"}}
    snapshot = write({"repos": rows()["repos"]}, coverage={"repos": sample}, replace=True)
    assert [snapshot.status("repos", kind) for kind in KINDS] == ["sample", "absent", "complete"]
    assert [snapshot.rule("repos", kind) for kind in KINDS] == ["the most liked", "", ""]
    assert [snapshot.has("repos", kind=kind) for kind in KINDS] == [True, False, True]
    assert snapshot.has("repos", "likes", kind="model") and not snapshot.has("repos", "likes", kind="dataset")
    assert snapshot.status("usage") == "absent" and not snapshot.has("usage")


# --- all or nothing ------------------------------------------------------------------------------------------


def test_an_exception_leaves_nothing(directory):
    with pytest.raises(ZeroDivisionError), writer() as target:
        target.add("repos", rows()["repos"])
        1 / 0  # noqa: B018
    assert list(directory.iterdir()) == []


def test_invalid_rows_leave_nothing(directory):
    assert "row 1, column likes" in one_line(lambda: write({"repos": [changed("repos", likes=-1)]}))
    assert list(directory.iterdir()) == []


def test_an_existing_snapshot_is_refused(snapshot):
    assert "--force" in one_line(lambda: write({"repos": rows()["repos"]}))
    assert load(NAME).digest == snapshot.digest


def test_a_snapshot_that_another_run_wrote_meanwhile_is_refused(written_once, directory):
    def slow():
        with writer() as target:
            target.add("repos", rows()["repos"])
            shutil.copytree(written_once, directory / NAME)

    assert "exists" in one_line(slow)
    assert load(NAME).has("commits")


def test_replacing_puts_the_new_snapshot_in_place_of_the_old(snapshot, directory):
    new = write({"repos": rows()["repos"]}, replace=True)
    assert not new.has("commits") and not new.file("commits").exists()
    assert [path.name for path in directory.iterdir()] == [NAME]


def test_a_failed_replacement_keeps_the_old_snapshot(snapshot):
    message(lambda: write({"repos": [changed("repos", likes=-1)]}, replace=True))
    assert load(NAME).digest == snapshot.digest


_KILLED = """
import os, signal, sys, datetime
from analysis.snapshot import Writer
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "before it appears":
    Writer._swap = die
day = datetime.date(2023, 10, 15)
with Writer("2023-10-15", date=day, synthetic=True, source={}, coverage={"repos": {}}, replace=True) as writer:
    writer.add("repos", [{"kind": "model", "repo_id": "lab/other"}])
    if sys.argv[1] == "while rows are added":
        die()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", ["while rows are added", "before it appears"])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_killed_run_leaves_no_visible_snapshot(moment, replaced, written_once, directory):
    if replaced:
        shutil.copytree(written_once, directory / NAME)
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT)}
    run = subprocess.run([sys.executable, "-c", _KILLED, moment], env=environment, capture_output=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert names() == ([NAME] if replaced else [])
    if replaced:
        assert read(load(NAME), "commits") == rows()["commits"]
    else:
        assert "none yet" in one_line(lambda: load(NAME))
        assert read(write({"repos": rows()["repos"]}), "repos") == rows()["repos"]


def test_names_lists_whole_snapshots_only(directory):
    assert names() == []
    for name in ("2023-11-01", "2023-10-15-twin"):
        write({"repos": rows()["repos"]}, name=name)
    half = directory / f".{NAME}.partial-x"
    half.mkdir()
    (half / "manifest.json").write_text("{}")
    (directory / "without-manifest").mkdir()
    (directory / "manifest.json").write_text("{}")
    assert names() == ["2023-10-15-twin", "2023-11-01"]


def test_names_of_a_directory_that_is_not_there(directory, monkeypatch):
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(directory / "nowhere"))
    assert names() == []


# --- what the writer refuses ---------------------------------------------------------------------------------


def test_a_misspelt_column_is_refused_not_dropped():
    assert "row 2, column lieks" in one_line(lambda: write({"repos": [changed("repos"), changed("repos", lieks=1)]}))


def test_a_column_that_comes_too_late_is_refused_not_dropped():
    def late():
        with writer() as target:
            target.add("repos", [{"kind": "model", "repo_id": "lab/a"}])
            target.add("repos", [{"kind": "model", "repo_id": "lab/b", "likes": 1}])

    assert "row 2, column likes" in one_line(late)


def test_arrow_data_with_other_columns_than_before_are_refused():
    def late():
        with writer() as target:
            target.add("usage", pa.table({"space_id": ["lab/s"], "model_id": ["lab/m"]}))
            target.add("usage", pa.table({"model_id": ["lab/m"], "space_id": ["lab/s"]}))

    assert "expected those of the first rows, space_id, model_id" in one_line(late)


@pytest.mark.parametrize("value", [SECRET, 2**70, [1]])
def test_a_value_of_another_type_is_refused_and_not_shown(value):
    text = one_line(lambda: write({"discussions": [changed("discussions", number=value)]}))
    assert "discussions.parquet, column number" in text and "int64" in text


def test_text_that_is_no_unicode_is_refused():
    assert "column author" in one_line(
        lambda: write({"discussions": [changed("discussions", author=f"{SECRET}\ud800")]})
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            pa.table({"kind": ["model"], "repo_id": ["a"], "likes": ["1"]}),
            "column likes: type string, expected int64",
        ),
        (
            pa.table({"kind": ["model"], "repo_id": ["a"], "stars": [1]}),
            "column stars: not one of kind, repo_id",
        ),
        (pa.table({"kind": ["model"]}), "column repo_id: missing"),
    ],
)
def test_arrow_data_of_another_schema_are_refused(data, expected, directory):
    assert expected in one_line(lambda: write({"repos": data}))
    assert list(directory.iterdir()) == []


def test_an_unknown_table_is_refused():
    assert "no table 'stars'" in one_line(lambda: write({"stars": [{"a": 1}]}))


def test_a_table_whose_coverage_is_not_said_is_refused():
    assert "coverage of commits" in one_line(lambda: write(coverage={"repos": EVERY_KIND}))


def test_an_unknown_coverage_status_is_refused(directory):
    coverage = {**COVERAGE, "repos": {"model": {"status": "complet"}}}
    assert "tables.repos.coverage.model.status: expected one of" in one_line(lambda: write(coverage=coverage))
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc",
        "a\\b",
        ".hidden",
        "-x",
        "x" * 101,
        "x" * 200,
        "x\n",
        "a b",
        "é",
        "\0",
    ],
)
def test_a_name_that_is_no_directory_name_is_refused(name, directory):
    for call in (lambda: check_name(name), lambda: load(name), lambda: write(name=name)):
        text = one_line(call)
        assert text.startswith("snapshot name") and len(text) < 250
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("name", ["2023-10-15", "2023-10-15-twin", "demo", "a", "0", "A.b_c-9", "x" * 100])
def test_a_name_of_letters_digits_and_dots_is_accepted(name):
    assert check_name(name) == name


def test_the_date_is_the_beginning_of_the_name_or_given():
    assert date_of("2023-10-15-twin") == DAY
    assert date_of("demo", "2023-10-15") == DAY
    assert date_of("2022-01-01", "2023-10-15") == DAY


@pytest.mark.parametrize(
    ("date", "why"),
    [(date, "expected an ISO date") for date in ("demo", "2023-02-30", "x" * 300)]
    + [(date, "expected a day from 2005-04-07") for date in ("0001-01-01", "2005-04-06", "3000-01-01", "9999-12-31")],
)
def test_another_date_is_refused(date, why):
    text = one_line(lambda: date_of("demo", date))
    assert why in text and len(text) < 250


def test_the_last_moment_is_the_end_of_the_next_day():
    assert last_moment(DAY) == dt.datetime(2023, 10, 16, 23, 59, 59, 999_999, tzinfo=dt.UTC)


# --- a manifest or a file that is not what was written -------------------------------------------------------


def test_an_unknown_snapshot_is_named_with_those_that_exist():
    write({"repos": rows()["repos"]}, name="2022-01-01")
    text = one_line(lambda: load(NAME))
    assert text == f"snapshot '{NAME}' does not exist; there are: 2022-01-01"


def test_a_missing_manifest_is_told(snapshot):
    (snapshot.path / "manifest.json").unlink()
    assert one_line(lambda: load(NAME)).startswith(f"{NAME}/manifest.json: missing")


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe{", b"[" * 100_000, b'{"a": 1'])
def test_a_manifest_that_is_no_json_is_told(content, snapshot):
    (snapshot.path / "manifest.json").write_bytes(content)
    assert one_line(lambda: load(NAME)).startswith(f"{NAME}/manifest.json: not JSON")


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"[]", "an object"), (b'"text"', "an object"), (b"null", "an object"), (b"{}", "without date, name, rejected")],
)
def test_json_that_is_no_manifest_is_told(content, expected, snapshot):
    (snapshot.path / "manifest.json").write_bytes(content)
    assert expected in one_line(lambda: load(NAME))


def test_a_manifest_that_is_a_directory_is_told(snapshot):
    file = snapshot.path / "manifest.json"
    file.unlink()
    file.mkdir()
    assert "can't be read" in one_line(lambda: load(NAME))


@pytest.mark.parametrize("key", ["schema", "name", "date", "synthetic", "source", "tables", "rejected", "tool"])
def test_a_manifest_that_lacks_a_key_is_told(key, snapshot):
    change_manifest(snapshot, lambda manifest: manifest.pop(key))
    assert f"manifest.json: without {key};" in one_line(lambda: load(NAME))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("schema", 2, "schema 2, this tool reads schema 1"),
        ("name", "2022-01-01", "names '2022-01-01', not its directory"),
        ("synthetic", 1, "synthetic: expected true or false"),
        ("synthetic", "false", "synthetic: expected true or false"),
        ("date", 20231015, "date: expected a text"),
        ("date", "", "date: expected a text"),
        ("date", None, "date: expected a text"),
        ("date", "2023-13-01", "expected an ISO date"),
        ("date", "9999-12-31", "expected a day from 2005-04-07"),
        ("tables", [], "tables: expected an object"),
        ("tables", None, "tables: expected an object"),
        ("tables", {"repos": None}, "tables.repos: expected an object"),
        ("tables", {"stars": {}}, "tables: has 'stars'; expected some of repos, commits"),
        ("tables", {"../../x": {}}, "tables: has '../../x'"),
        ("tables", {"repos": {}}, "tables.repos: without bytes, columns, coverage, rows, sha256"),
        ("source", None, "source: expected an object"),
        ("source", "a dump", "source: expected an object"),
        ("source", {"title": 5}, "source.title: expected a text"),
        ("rejected", [], "rejected: expected an object"),
        ("rejected", {"repos": 3}, "rejected.repos: expected an object"),
        ("rejected", {"repos": {"no name": -1}}, "rejected.repos.no name: expected 0 or more"),
        ("repositories_left_out", {"gone": True}, "repositories_left_out.gone: expected a whole number"),
        ("notes", [], "notes: expected an object"),
        ("tool", None, "tool: expected a text"),
    ],
)
def test_a_manifest_with_another_value_is_told(key, value, expected, snapshot):
    change_manifest(snapshot, lambda manifest: manifest.update({key: value}))
    assert expected in one_line(lambda: load(NAME))


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        ([], ": expected an object"),
        ("complete", ": expected an object"),
        ({"model": "complete"}, ".model: expected an object"),
        ({"model": {}}, ".model: without status"),
        ({"model": {"status": "all"}}, ".model.status: expected one of complete, sample, absent"),
        ({"model": {"status": "sample", "rule": 5}}, ".model.rule: expected a text"),
        ({"model": {"status": "sample", "zeros": "yes"}}, ".model.zeros: expected true or false"),
        ({"model": {"status": "sample", "columns": "likes"}}, ".model.columns: expected a list"),
    ],
)
def test_an_unknown_coverage_is_told(coverage, expected, snapshot):
    change_manifest(snapshot, lambda manifest: manifest["tables"]["repos"].update(coverage=coverage))
    assert f"{NAME}/manifest.json, tables.repos.coverage{expected};" in one_line(lambda: load(NAME))


def test_a_renamed_snapshot_is_told(snapshot):
    snapshot.path.rename(snapshot.path.with_name("2022-01-01"))
    assert "rename the directory back" in one_line(lambda: load("2022-01-01"))


@pytest.mark.parametrize("table", [*KEYS, "rejected"])
def test_a_changed_byte_of_any_file_is_told(table, snapshot):
    file = snapshot.file(table)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert one_line(lambda: load(NAME)).startswith(f"{NAME}/{table}.parquet: changed since it was written")


@pytest.mark.parametrize("table", [*KEYS, "rejected"])
def test_a_missing_file_is_told(table, snapshot):
    snapshot.file(table).unlink()
    assert one_line(lambda: load(NAME)).startswith(f"{NAME}/{table}.parquet: missing")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>" * 50, b"PAR1" * 20])
def test_a_file_that_is_no_parquet_is_told(content, snapshot):
    snapshot.file("commits").write_bytes(content)
    vouch(snapshot, "commits")
    assert one_line(lambda: load(NAME)).startswith(f"{NAME}/commits.parquet: not a Parquet file")


@pytest.mark.parametrize("keep", [slice(None, -1), slice(None, 200), slice(None, 4)])
def test_a_truncated_file_is_told(keep, snapshot):
    snapshot.file("commits").write_bytes(snapshot.file("commits").read_bytes()[keep])
    assert "commits.parquet: changed" in one_line(lambda: load(NAME))
    vouch(snapshot, "commits")
    assert "commits.parquet: not a Parquet file" in one_line(lambda: load(NAME))


def test_damaged_values_are_told_by_validate(snapshot):
    content = bytearray(snapshot.file("commits").read_bytes())
    content[4:60] = b"\xff" * 56
    snapshot.file("commits").write_bytes(content)
    vouch(snapshot, "commits")
    assert one_line(lambda: validate(load(NAME))).startswith(f"{NAME}/commits.parquet: damaged")


def test_a_directory_in_place_of_a_file_is_told(snapshot):
    file = snapshot.file("usage")
    file.unlink()
    file.mkdir()
    assert "usage.parquet: not a Parquet file" in one_line(lambda: load(NAME))


def test_another_number_of_rows_is_told(snapshot):
    change_manifest(snapshot, lambda manifest: manifest["tables"]["repos"].update(rows=3))
    assert "repos.parquet: 2 rows, the manifest says 3" in one_line(lambda: load(NAME))


def test_columns_that_the_manifest_does_not_list_are_told(snapshot):
    change_manifest(snapshot, lambda manifest: manifest["tables"]["repos"]["columns"].append("downloads"))
    assert "repos.parquet: its columns are not those that the manifest lists" in one_line(lambda: load(NAME))


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("likes", pa.array([1.0, 2.0]), "column likes: type double, expected int64"),
        ("owner", pa.array(["a", "b"]).dictionary_encode(), "column owner: type dictionary"),
        ("tags", pa.array(["a", "b"]), "column tags: type string, expected list"),
        ("tags", pa.array([[1], None]), "column tags: type list<"),
        (
            "created_at",
            pa.array([NOON, None], pa.timestamp("us")),
            "column created_at: type timestamp[us], expected",
        ),
        (
            "created_at",
            pa.array([NOON, None], pa.timestamp("ns", "UTC")),
            "column created_at: type timestamp[ns",
        ),
        ("stars", pa.array([1, 2]), "column stars: not one of kind, repo_id"),
    ],
)
def test_a_column_of_another_name_or_type_is_told(column, values, expected, snapshot):
    data = pa.table({"kind": ["model", "space"], "repo_id": ["lab/m", "lab/s"]}).append_column(column, values)
    behind_the_writers_back(snapshot, "repos", data)
    assert f"{NAME}/repos.parquet, {expected}" in one_line(lambda: load(NAME))


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, field.name) for table in SCHEMAS for field in SCHEMAS[table] if not field.nullable],
)
def test_a_missing_required_column_is_told(table, column, snapshot):
    data = pq.read_table(snapshot.file(table)).drop_columns([column])
    behind_the_writers_back(snapshot, table, data)
    assert f"{table}.parquet, column {column}: missing" in one_line(lambda: load(NAME))


# --- values that can't be true -------------------------------------------------------------------------------

A_DATE = "expected a date from 2005-04-07 to the snapshot's"


@pytest.mark.parametrize(
    ("table", "values", "column", "expected"),
    [
        ("repos", {"likes": -1}, "likes", "expected a whole number of 0 or more"),
        ("repos", {"downloads": -1}, "downloads", "expected a whole number of 0 or more"),
        ("repos", {"parameters": -5}, "parameters", "expected a whole number of 0 or more"),
        ("repos", {"kind": "modell"}, "kind", "expected one of model, dataset, space"),
        ("repos", {"kind": None}, "kind", "expected a value, not null"),
        ("repos", {"repo_id": None}, "repo_id", "expected a value, not null"),
        ("repos", {"repo_id": ""}, "repo_id", "expected 1 to 512 characters"),
        ("repos", {"repo_id": "x" * 513}, "repo_id", "expected 1 to 512 characters"),
        ("repos", {"owner": ""}, "owner", "expected 1 to 512 characters"),
        ("repos", {"gated": "True"}, "gated", "expected one of no, auto, manual"),
        ("repos", {"created_at": dt.datetime(1970, 1, 1, tzinfo=dt.UTC)}, "created_at", A_DATE),
        ("repos", {"last_modified": dt.datetime(2150, 1, 1, tzinfo=dt.UTC)}, "last_modified", A_DATE),
        ("commits", {"date": dt.datetime(1970, 1, 1, tzinfo=dt.UTC)}, "date", A_DATE),
        ("commits", {"date": dt.datetime(2150, 1, 1, tzinfo=dt.UTC)}, "date", A_DATE),
        ("commits", {"date": dt.datetime(2023, 10, 17, tzinfo=dt.UTC)}, "date", A_DATE),
        ("commits", {"date": None}, "date", "expected a value, not null"),
        ("commits", {"commit_id": None}, "commit_id", "expected a value, not null"),
        ("commits", {"authors": None}, "authors", "expected a value, not null"),
        (
            "commits",
            {"authors": [SECRET, None]},
            "authors",
            "expected a list of names, none of them null or empty",
        ),
        (
            "commits",
            {"authors": [SECRET, ""]},
            "authors",
            "expected a list of names, none of them null or empty",
        ),
        ("discussions", {"number": None}, "number", "expected a value, not null"),
        ("discussions", {"number": -1}, "number", "expected a whole number of 0 or more"),
        ("discussions", {"created_at": None}, "created_at", "expected a value, not null"),
        ("discussions", {"author": ""}, "author", "expected 1 to 512 characters"),
        ("usage", {"model_id": None}, "model_id", "expected a value, not null"),
        ("usage", {"space_id": ""}, "space_id", "expected 1 to 512 characters"),
        ("people", {"alias": None}, "alias", "expected a value, not null"),
        ("people", {"person": None}, "person", "expected a value, not null"),
        ("people", {"person": SECRET * 60}, "person", "expected 1 to 512 characters"),
        ("people", {"score": 100.5}, "score", "expected a similarity from 0 to 100, or null"),
        ("people", {"score": -0.5}, "score", "expected a similarity from 0 to 100, or null"),
        ("people", {"score": float("nan")}, "score", "expected a similarity from 0 to 100, or null"),
    ],
)
def test_a_value_that_cannot_be_true_is_told_with_its_row(table, values, column, expected, with_rows):
    snapshot = with_rows(table, changed(table, **values))
    told = message(lambda: validate(snapshot)).split("\n")
    place = f"{NAME}/{table}.parquet, row 1, column {column}: {expected}; import or make the snapshot again"
    assert told.count(place) == 1


def test_the_first_row_is_named_and_the_others_counted(with_rows):
    repos = [{"kind": "model", "repo_id": f"lab/{i}", "likes": -1 if i in (3, 7) else i} for i in range(10)]
    text = one_line(lambda: validate(with_rows("repos", *repos)))
    assert "row 4, column likes: expected a whole number of 0 or more (2 rows in all)" in text


def test_the_row_of_a_null_is_named(with_rows):
    merges = [{"alias": f"a{i}", "person": None if i in (4, 5) else SECRET} for i in range(6)]
    text = one_line(lambda: validate(with_rows("people", *merges)))
    assert "row 5, column person: expected a value, not null (2 rows in all)" in text


def test_nulls_where_nothing_was_collected_are_valid(with_rows):
    nothing = dict.fromkeys(SCHEMAS["repos"].names)
    validate(with_rows("repos", *({**nothing, "kind": kind, "repo_id": "lab/x"} for kind in KINDS)))


def test_a_merge_decided_by_hand_needs_no_score(with_rows):
    validate(with_rows("people", changed("people", score=None)))


@pytest.mark.parametrize("moment", [dt.datetime(2005, 4, 7), dt.datetime(2023, 10, 16, 23, 59, 59)])
def test_dates_from_the_first_git_to_the_day_after_the_snapshot_are_valid(moment, with_rows):
    validate(with_rows("commits", changed("commits", date=moment.replace(tzinfo=dt.UTC))))


@pytest.mark.parametrize("score", [0.0, 100.0])
def test_scores_from_0_to_100_are_valid(score, with_rows):
    validate(with_rows("people", changed("people", score=score)))


@pytest.mark.parametrize("table", list(KEYS))
def test_a_key_that_occurs_twice_is_told(table, with_rows):
    text = one_line(lambda: validate(with_rows(table, *rows()[table], rows()[table][0], beside=OF.get(table, ()))))
    assert text.startswith(f"{NAME}/{table}.parquet, columns {', '.join(KEYS[table])}: 1 keys occur more than once")


@pytest.mark.parametrize("table", ["repos", "commits", "discussions"])
def test_the_same_identifier_may_occur_in_every_kind(table):
    tables = {"repos": [{"kind": kind, "repo_id": "lab/x"} for kind in KINDS]}
    if table != "repos":
        tables[table] = [changed(table, kind=kind, repo_id="lab/x") for kind in KINDS]
    snapshot = write(tables)
    assert snapshot.manifest["tables"][table]["kinds"] == dict.fromkeys(KINDS, 1)
    assert snapshot.manifest["rejected"] == {}


def test_a_chain_of_merges_is_told(with_rows):
    chain = with_rows("people", {"alias": "a", "person": "b"}, {"alias": "b", "person": SECRET})
    text = one_line(lambda: validate(chain))
    assert "column person: 1 rows name an alias, expected the merged name itself" in text


def test_a_name_merged_with_itself_is_told(with_rows):
    circle = with_rows("people", {"alias": SECRET, "person": SECRET})
    assert "column person: 1 rows name an alias" in one_line(lambda: validate(circle))


def test_two_aliases_of_one_person_are_valid(with_rows):
    validate(with_rows("people", {"alias": "a", "person": SECRET}, {"alias": "b", "person": SECRET}))


@pytest.mark.parametrize("table", ["commits", "discussions"])
@pytest.mark.parametrize("status", ["complete", "sample"])
def test_a_commit_or_discussion_without_its_repository_is_told(table, status, with_rows):
    snapshot = with_rows(table, changed(table, repo_id="lab/gone"), beside=("repos",))
    everywhere = {kind: {"status": status} for kind in KINDS}
    change_manifest(snapshot, lambda manifest: manifest["tables"]["repos"].update(coverage=everywhere))
    text = one_line(lambda: validate(load(NAME)))
    assert text.startswith(f"{NAME}/{table}.parquet, column repo_id: 1 rows name a model that repos does not have")


def test_commits_of_a_kind_without_repositories_are_valid(with_rows):
    datasets = changed("commits", kind="dataset", repo_id="lab/d")
    snapshot = with_rows("commits", datasets, beside=("repos",))
    only_others = {"model": {"status": "complete"}, "space": {"status": "complete"}}
    change_manifest(snapshot, lambda manifest: manifest["tables"]["repos"].update(coverage=only_others))
    validate(load(NAME))


def test_a_file_of_an_unknown_commit_is_told(with_rows):
    snapshot = with_rows("files", changed("files", repo_id="lab/other"), beside=("commits",))
    text = one_line(lambda: validate(snapshot))
    assert text.startswith(f"{NAME}/files.parquet, column commit_id: 1 rows name a commit that commits does not have")
    alone = with_rows("files", *rows()["files"])
    assert one_line(lambda: validate(alone)).startswith(f"{NAME}/files: without the table commits")


def test_files_of_unknown_commits_are_counted_and_files_without_commits_refused():
    tables = {name: rows()[name] for name in ("repos", "commits", "files")}
    tables["files"] += [changed("files", commit_id="c2"), changed("files", repo_id="lab/s", kind="space")]
    made = write(tables)
    assert read(made, "files") == rows()["files"]
    assert made.manifest["rejected"] == {"files": {"commit not among the commits": 2}}
    assert "import both together" in one_line(lambda: write({"files": rows()["files"]}, name="2023-10-14"))


PATHS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=10)
@given(paths_=st.lists(PATHS, min_size=1, max_size=30, unique=True))
def test_a_path_is_valid_where_no_character_of_it_is_for_control_or_direction(paths_):
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", place)
        harmful = [p for p in paths_ if not p or any(unicodedata.category(c) == "Cc" or c in MARKS for c in p)]
        files = [changed("files", path=path) for path in paths_]
        tables = {name: rows()[name] for name in ("repos", "commits")} | {"files": files}
        if harmful:
            assert "column path: expected 1 to 4096 characters" in one_line(lambda: write(tables))
        good = [one for one in files if one["path"] not in harmful]
        if good:
            validate(write(tables | {"files": good}))


@pytest.mark.parametrize("path", ["", "a\0b", "a\nb", "exe.\u202egpj", "a\u200f", "x" * 4097])
def test_a_hostile_path_is_told_and_not_shown(path, with_rows):
    text = one_line(lambda: validate(with_rows("files", changed("files", path=path), beside=("commits",))))
    assert "row 1, column path: expected 1 to 4096 characters, none of them for control or direction" in text
    assert text.isprintable() and "exe" not in text


@pytest.mark.parametrize("path", ["x" * 4096, "мир/模型 (1).bin", "a'b\"c;--.md", "..", "$(rm -rf)"])
def test_a_strange_path_is_a_path(path, with_rows):
    validate(with_rows("files", changed("files", path=path), beside=("commits",)))


@pytest.mark.parametrize(("column", "kind"), [("model_id", "model"), ("space_id", "space")])
def test_a_link_to_an_unknown_repository_is_told_where_the_repositories_are_complete(column, kind, with_rows):
    snapshot = with_rows("usage", changed("usage", **{column: "lab/gone"}), beside=("repos",))
    text = one_line(lambda: validate(snapshot))
    assert text.startswith(f"{NAME}/usage.parquet, column {column}: 1 rows name a {kind} that repos does not have")
    sample = {kind: {"status": "sample"}}
    change_manifest(snapshot, lambda manifest: manifest["tables"]["repos"]["coverage"].update(sample))
    validate(load(NAME))


def test_links_without_a_table_of_repositories_are_valid():
    validate(write({"usage": rows()["usage"]}))  # and the writer keeps them
    assert read(load(NAME), "usage") == rows()["usage"]


def test_every_problem_has_its_line(with_rows):
    wrong = {"alias": SECRET, "person": SECRET, "score": 101.0}
    with_rows("people", wrong, wrong, beside=("repos",))
    snapshot = with_rows("repos", *(changed("repos", kind=kind, likes=-1) for kind in KINDS), beside=("people",))
    lines = message(lambda: validate(snapshot)).split("\n")
    expected = ["column score", "1 keys occur more than once", "2 rows name an alias", "column likes"]
    assert [what in line for what, line in zip(expected, lines, strict=True)] == [True] * 4


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (1, 3, 2)])
@pytest.mark.parametrize("at_once", [True, False])
def test_rows_that_were_said_to_come_in_order_and_do_not_are_refused(directory, numbers, at_once):
    several = [{**rows()["discussions"][0], "number": number} for number in numbers]
    told = r"discussions.parquet: rows from \d on are not in the order of kind, repo_id, number"
    with pytest.raises(SnapshotError, match=told), writer(in_order=True) as target:
        target.add("repos", rows()["repos"])
        for some in [several] if at_once else [[row] for row in several]:
            target.add("discussions", some)
    assert not list(directory.iterdir())


@pytest.mark.parametrize(
    ("wrong", "told"), [({"repo_id": "lab/x"}, "1 rows name a model that repos does"), ({"number": -1}, "column number")]
)
def test_rows_in_order_without_what_they_belong_to_or_with_a_wrong_value_are_refused(directory, wrong, told):
    with pytest.raises(SnapshotError, match=told), writer(in_order=True) as target:
        target.add("repos", rows()["repos"])
        target.add("discussions", [{**rows()["discussions"][0], **wrong}])
    assert not list(directory.iterdir())


def test_validate_leaves_the_snapshot_as_it_was(snapshot):
    before = {file.name: file.read_bytes() for file in snapshot.path.iterdir()}
    validate(snapshot)
    assert {file.name: file.read_bytes() for file in snapshot.path.iterdir()} == before


def test_a_snapshot_holds_no_trace_of_the_machine(written_once, directory, snapshot):
    content = b"".join(file.read_bytes() for file in snapshot.path.iterdir())
    for trace in (written_once.parent, directory, paths.ROOT):
        assert str(trace).encode() not in content


def test_a_valid_snapshot_is_believed_until_a_byte_changes(snapshot, monkeypatch):
    from analysis import snapshot as module

    validate(snapshot)
    monkeypatch.setattr(module, "_problems", lambda *_, **__: ["read again"])
    validate(snapshot, again=False)
    with pytest.raises(SnapshotError, match="read again"):
        validate(snapshot)
    manifest = snapshot.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema": 1', '"schema":  1'))
    with pytest.raises(SnapshotError, match="read again"):
        validate(load(snapshot.name), again=False)
