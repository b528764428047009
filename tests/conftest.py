"""What tests share: a directory for snapshots, snapshots made by hand, the demo snapshot, published records."""

import datetime as dt
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import settings

from analysis import paths, programs, snapshot

# How fast a machine is proves nothing. Each run draws anew; --hypothesis-profile thorough draws more at once.
settings.register_profile("quick", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("quick")

HAND_DATE = dt.date(2023, 10, 15)
TEX = pytest.mark.skipif(bool(programs.missing_tex()), reason=f"not installed: {', '.join(programs.missing_tex())}")


@pytest.fixture
def snapshots(tmp_path, monkeypatch) -> Path:
    """An empty directory that takes the place of data/snapshots during one test."""
    directory = tmp_path / "snapshots"
    directory.mkdir()
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(directory))
    return directory


@pytest.fixture(scope="session")
def write_snapshot(tmp_path_factory):
    """A function that writes a snapshot from rows through `snapshot.Writer` and opens it; see `_written`."""

    def write(tables: Mapping[str, Iterable[Mapping]], *, directory: Path | None = None, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HUB_PAPER_SNAPSHOTS", str(directory or tmp_path_factory.mktemp("snapshots")))
            return _written(tables, **options)

    return write


def _written(
    tables: Mapping[str, Iterable[Mapping]],
    *,
    name: str = "hand",
    date: dt.date = HAND_DATE,
    coverage: Mapping[str, Mapping] | None = None,
    rejected: Iterable[Mapping] = (),
) -> snapshot.Snapshot:
    """A snapshot from rows: dates are ISO texts (UTC), ids of commits and numbers of discussions given where absent.

    A column is collected if any row has it; a table without rows is collected and empty. Every table is complete
    unless `coverage` says otherwise, as {table: {kind or "all": {"status": ...}}}; `rejected` is passed to `reject`.
    """
    source = {"name": "hand", "title": "Written by a test", "licence": "CC0-1.0"}
    with snapshot.Writer(name, date=date, synthetic=True, source=source, coverage=all_covered_but(coverage)) as writer:
        for table, rows in tables.items():
            writer.add(table, arrow(table, rows))
        for row in rejected:
            writer.reject(**row)
    return snapshot.load(name)


@pytest.fixture(scope="session")
def bare_snapshot(tmp_path_factory):
    """A function like `write_snapshot` without the Writer's checks: fast enough for a hundred drawn snapshots."""
    base = tmp_path_factory.mktemp("bare")

    def write(tables: Mapping[str, Iterable[Mapping]], *, coverage=None, rejected=()) -> snapshot.Snapshot:
        path, covered = Path(tempfile.mkdtemp(dir=base)), all_covered_but(coverage)
        manifest = {"name": "bare", "date": HAND_DATE.isoformat(), "synthetic": True, "tables": {}}
        for table, rows in {**tables, "rejected": rejected}.items():
            data = arrow(table, rows)
            pq.write_table(data, path / f"{table}.parquet")
            manifest["tables"][table] = {"columns": data.column_names, "coverage": covered.get(table, {})}
        (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return snapshot.Snapshot(path, manifest)

    return write


def all_covered_but(changes: Mapping[str, Mapping] | None) -> dict[str, dict]:
    """Coverage in which everything is complete but for the changes."""
    covered = {table: {"all": {"status": "complete"}} for table in ("usage", "people")}
    covered |= {table: {kind: {"status": "complete"} for kind in snapshot.KINDS} for table in snapshot.BY_KIND}
    return covered | {table: covered[table] | statuses for table, statuses in (changes or {}).items()}


def arrow(table: str, rows: Iterable[Mapping]) -> pa.Table:
    """Rows as a table with the schema's types; columns that no row has are absent."""
    rows = [_row(table, number, row) for number, row in enumerate(rows, start=1)]
    given = set().union(*rows) if rows else set(snapshot.SCHEMAS[table].names)
    fields = [field.with_nullable(True) for field in snapshot.SCHEMAS[table] if field.name in given]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _row(table: str, number: int, row: Mapping) -> dict:
    given = {"commits": {"commit_id": f"{number:040x}"}, "discussions": {"number": number}}.get(table, {}) | row
    return given | {c: moment(given[c]) for c in ("date", "created_at", "last_modified") if given.get(c)}


def moment(text: str) -> dt.datetime:
    """A moment of the ISO text, in UTC; a day alone is its noon."""
    found = dt.datetime.fromisoformat(text if "T" in text else f"{text}T12:00")
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def demo() -> snapshot.Snapshot:
    """The demo snapshot that comes with the repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(paths.DATA / "snapshots"))
        return snapshot.load("demo")


def run_of_demo(directory: Path, **changed) -> Path:
    """Results of `demo` (with the default parameters, where none is given) under a directory, its paper where there is
    TeX, and its page.
    """
    from analysis import run
    from analysis.page import site
    from analysis.parameters import Parameters

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_GENERATED", str(directory))
        parameters = Parameters(**changed)
        run.run_notebooks(parameters, names=run.ALL)
        run.collect(parameters)
        if not programs.missing_tex():
            run.build_paper(parameters)
        site.build(parameters.directory)
        return parameters.directory


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory, worker_id) -> Path:
    """The directory of a finished run of `demo`, made once for all workers. Tests leave it as it is."""
    base = tmp_path_factory.getbasetemp()
    directory = (base if worker_id == "master" else base.parent) / "a run of demo"
    with FileLock(f"{directory}.lock"):
        done = directory / "demo"
        return done if (done / "results.json").exists() else run_of_demo(directory)


@pytest.fixture(scope="session")
def document(demo_run) -> dict:
    """results.json of the finished run of `demo`."""
    return json.loads((demo_run / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def dumps() -> Path:
    """The directory of published records that HUB_DUMPS names."""
    folder = os.environ.get("HUB_DUMPS")
    if not folder:
        pytest.skip("HUB_DUMPS is not set: no published records to read")
    if not Path(folder).is_dir():
        pytest.skip("HUB_DUMPS names no directory of published records")
    return Path(folder)


@pytest.fixture(scope="session")
def import_dump(dumps, tmp_path_factory):
    """A function that imports one published file into a snapshot of its own; skips where the file is not there."""
    from analysis.sources.dumps import import_dumps

    def imported(name: str, kind: str, file: str) -> snapshot.Snapshot:
        if not (dumps / file).is_file():
            pytest.skip(f"HUB_DUMPS has no {file}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path_factory.mktemp("imported")))
            return import_dumps(name, [(kind, dumps / file)]).snapshot

    return imported


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Directories of one test's snapshots and journals; no token of the machine is used."""
    from analysis.sources.hub import requests

    for variable, part in (("HUB_PAPER_SNAPSHOTS", "snapshots"), ("HUB_PAPER_RAW", "raw"), ("HF_HOME", "home")):
        monkeypatch.setenv(variable, str(tmp_path / part))
        (tmp_path / part).mkdir()
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(requests, "get_token", lambda: None)
    return tmp_path


@pytest.fixture
def collected(place, monkeypatch):
    """A function that collects from a server into this test's directories: (server, choice..., options...).

    What it writes is not validated: a test that wants that calls `snapshot.validate`.
    """
    from analysis.sources.hub import choice as hub_choice
    from analysis.sources.hub import collector
    from tests.sources.hub.collecting import DAY, FAST

    def run(server, name: str = "taken", *, options: dict | None = None, **choice):
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        with monkeypatch.context() as patch:  # the Writer's own check takes longer than all the rest
            patch.setattr(snapshot, "_problems", lambda *given, **named: [])
            return collector.collect(hub_choice.choose(name, **{"date": DAY} | choice), **FAST | (options or {}))

    return run
