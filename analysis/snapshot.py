"""The only data model: a snapshot of the Hub as Parquet tables and a manifest that says what they cover.

Sources write snapshots through `Writer`; everything else reads them through `load`. Usernames stay in here: no message
of this module shows one.
"""

import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _

from analysis import __version__, parts, paths
from analysis.manifest import fault
from analysis.schema import FIRST_DATE, KEYS, KINDS, LONGEST_NAME, PLACE, SCHEMAS, is_broken, rules
from analysis.stored import SnapshotError, check_name, directory_of

PLURAL = {"model": "models", "dataset": "datasets", "space": "spaces"}
LAST_DATE = dt.date(2999, 12, 31)  # later ones are slips, and the last days of the calendar have no day after them
DATES_KEPT_SINCE = dt.date(2022, 3, 2)  # the Hub gives this day as the creation of every repository that is older
ROWS_AT_ONCE = parts.ROWS_A_GROUP
_PLACE = [*PLACE.names, "source_order"]

DATA_TABLES = tuple(KEYS)
BY_KIND = ("repos", "commits", "files", "discussions")
MEANINGS = {
    "likes": "likes on the day of the snapshot",
    "downloads": "downloads of the last 30 days, as the Hub counts them; undefined for spaces",
    "commits": "commits of the default branch",
    "files": "files that a commit changed, by their paths",
    "discussions": "discussions and pull requests opened on the Hub",
    "usage": "models that a space names in its card or its code, as the Hub lists them",
}


@dataclass(frozen=True)
class Snapshot:
    """One snapshot on disk: `path` holds the Parquet files, `manifest` says what they are."""

    path: Path
    manifest: Mapping

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @property
    def date(self) -> dt.date:
        return dt.date.fromisoformat(self.manifest["date"])

    @property
    def synthetic(self) -> bool:
        return self.manifest["synthetic"]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the manifest, which holds the SHA-256 of every file: it names the data exactly."""
        return hashlib.sha256((self.path / "manifest.json").read_bytes()).hexdigest()

    def status(self, table: str, kind: str | None = None) -> str:
        """`complete`, `sample` or `absent`; of commits and discussions, relative to the repositories in `repos`."""
        coverage = self.manifest["tables"].get(table, {}).get("coverage", {})
        return coverage.get(kind or "all", {}).get("status", "absent")

    def rule(self, table: str, kind: str | None = None) -> str:
        """How the rows were chosen, in words; empty for a complete or an absent table."""
        return self.manifest["tables"].get(table, {}).get("coverage", {}).get(kind or "all", {}).get("rule", "")

    def knows_zeros(self, table: str, kind: str | None = None) -> bool:
        """Whether a repository without rows has none: all were asked, and `rejected` names those that gave no answer.

        So it is in a complete table, and in a sample whose source says so by `zeros` in its coverage.
        """
        coverage = self.manifest["tables"].get(table, {}).get("coverage", {}).get(kind or "all", {})
        return coverage.get("status") == "complete" or coverage.get("zeros") is True

    def has(self, table: str, column: str | None = None, *, kind: str | None = None) -> bool:
        """Whether the table (with this column, of this kind) was collected at all."""
        if table not in self.manifest["tables"]:
            return False
        if kind is not None and self.status(table, kind) == "absent":
            return False
        entry = self.manifest["tables"][table]
        columns = entry.get("coverage", {}).get(kind, {}).get("columns", entry["columns"])
        return column is None or column in columns

    def file(self, table: str) -> Path:
        """The table's Parquet file, or the directory of its parts."""
        return parts.path_of(self.path, table, self.manifest["tables"].get(table, {}))

    def files(self, table: str) -> list[Path]:
        """The table's Parquet files, in the order of its rows."""
        return parts.files_of(self.path, table, self.manifest["tables"].get(table, {}))

    def batches(self, table: str, *, columns: list[str] | None = None, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """The table's rows, so many at a time at most."""
        for file in self.files(table):
            yield from pq.ParquetFile(file).iter_batches(columns=columns, batch_size=rows)


def check_free(name: str, *, replace: bool = False) -> None:
    """Refuse a name that is taken, and with `replace` a directory that holds anything but a snapshot; SnapshotError."""
    target = paths.snapshots() / check_name(name)
    if not os.path.lexists(target):
        return
    if not replace:
        raise SnapshotError(f"snapshot {name!r} exists; choose another name, or replace it with --force")
    found = {entry.name for entry in target.iterdir() if not entry.name.startswith(".")} if target.is_dir() else {name}
    strange = sorted(entry for entry in found - {"manifest.json"} if not parts.is_table(target / entry))
    if strange or "manifest.json" not in found:
        why = f"it holds {strange[0][:60]!r}" if strange else "it has no manifest.json"
        raise SnapshotError(
            f"{name}: is no snapshot ({why}), so it is not replaced; choose another name, or move it away"
        )


def date_of(name: str, date: str = "") -> dt.date:
    """The snapshot's date: `date` where given, else the ISO date that the name starts with; raises SnapshotError."""
    text = date or name[:10]
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        remedy = "" if date else "; name the snapshot after its date or give --date"
        raise SnapshotError(f"date {text[:60]!r}: expected an ISO date such as 2023-10-15{remedy}") from None
    if not FIRST_DATE <= found <= LAST_DATE:
        raise SnapshotError(f"date {text}: expected a day from {FIRST_DATE} (no commit is older) to {LAST_DATE}")
    return found


def new_date(name: str, date: str = "") -> dt.date:
    """`date_of` for a snapshot that is to be made: the day has come, and a name that begins with a day begins with it."""
    day, today = date_of(name, date), dt.datetime.now(dt.UTC).date()
    if day > today + dt.timedelta(days=1):  # one more, where the day begins earlier than in UTC
        raise SnapshotError(f"date {day}: has not come yet; expected a day up to {today}")
    begins = re.match(r"\d{4}-\d\d-\d\d(?!\d)", name)
    if begins and begins[0] != day.isoformat():
        raise SnapshotError(f"date {day}: the name {name[:60]!r} begins with another day; give one of the two")
    return day


def load(name: str) -> Snapshot:
    """Open a snapshot: its manifest is read, and every file's size, SHA-256 and columns are compared with it.

    `validate` also reads the values. Raises SnapshotError with one line.
    """
    path = directory_of(name)
    snapshot = Snapshot(path, _read_manifest(path))
    for table, entry in snapshot.manifest["tables"].items():
        parts.check(path, table, entry, synthetic=snapshot.synthetic)
    return snapshot


def _read_manifest(path: Path) -> dict:
    where = f"{path.name}/manifest.json"
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SnapshotError(f"{where}: missing; the snapshot is not whole, import or make it again") from None
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{where}: not JSON ({error}); import or make the snapshot again") from None
    except OSError as error:
        raise SnapshotError(f"{where}: can't be read ({error.strerror}); import or make the snapshot again") from None
    if isinstance(manifest, dict) and manifest.get("schema", 1) != 1:
        raise SnapshotError(f"{where}: schema {manifest['schema']!r}, this tool reads schema 1; use a newer tool")
    if wrong := fault(manifest):
        raise SnapshotError(f"{where}{wrong}; import or make the snapshot again")
    if manifest["name"] != path.name:
        raise SnapshotError(f"{where}: names {manifest['name'][:60]!r}, not its directory; rename the directory back")
    date_of(path.name, manifest["date"])
    return manifest


def validate(snapshot: Snapshot, *, again: bool = True) -> None:
    """Read every value: column rules, keys, references, dates. Raises SnapshotError, one line per problem.

    With `again=False` a snapshot that was found valid before is believed: its digest, which names every byte of it, is
    kept in a file beside the snapshots.
    """
    mark = snapshot.path.parent / ".validated" / f"{snapshot.digest}-{__version__}"
    if not again and mark.exists():
        return
    problems = _problems(snapshot.path, snapshot.date, snapshot.manifest["tables"], label=snapshot.name)
    if problems:
        raise SnapshotError("\n".join(problems))
    with suppress(OSError):  # snapshots may be shared and read-only
        mark.parent.mkdir(exist_ok=True)
        mark.touch()


def _problems(
    directory: Path, date: dt.date, tables: Mapping, *, label: str, keys: bool = True, references: bool = True
) -> list[str]:
    """One line per problem; `keys` and `references` are not looked at where the Writer has just seen to them itself."""
    con = _connect(directory)
    found, readable = [], {}
    for table in tables:
        if table in KEYS:
            path = parts.path_of(directory, table, tables[table])
            files, where = parts.files_of(directory, table, tables[table]), f"{label}/{path.name}"
            try:
                data = con.read_parquet(files)
                found += _value_problems(data, table, date, where)
                found += _key_problems(data, table, where, files) if keys else []
                found += _chain_problems(data, table, where)
                readable[table] = tables[table]
            except duckdb.Error as error:  # its text holds the absolute path
                found.append(f"{where}: damaged ({type(error).__name__}); restore it")
    if "files" in tables and "commits" not in tables:
        found.append(f"{label}/files: without the table commits, whose commits it is about; import both together")
    found += _reference_problems(con, directory, readable, label) if references else []
    con.disconnect()
    return found


def _value_problems(data: ibis.Table, table: str, date: dt.date, where: str) -> list[str]:
    if not is_broken(data, table, date).execute():  # of no rows it is null
        return []
    from pandera.errors import SchemaErrors

    try:
        rules(table, date).validate(data, lazy=True)
    except SchemaErrors as error:
        return [_value_problem(failure, data, where) for failure in error.schema_errors]
    return []


def _value_problem(failure, data: ibis.Table, where: str) -> str:
    """One line from one broken rule; the value itself is not shown, for it may be a username."""
    if isinstance(failure.failure_cases, pd.DataFrame):
        rows = sorted(failure.failure_cases["index"])
    else:  # a null: pandera gives the rows without their place
        numbered = data.mutate(nth=ibis.row_number())
        rows = sorted(numbered.filter(numbered[failure.schema.name].isnull()).nth.execute())
    row = f", row {rows[0] + 1}" if rows else ""
    more = f" ({len(rows)} rows in all)" if len(rows) > 1 else ""
    expected = getattr(failure.check, "error", None) or "a value, not null"
    return f"{where}{row}, column {failure.schema.name}: expected {expected}{more}; import or make the snapshot again"


def _repeated_keys(data: ibis.Table, table: str) -> int:
    """How many keys occur more than once."""
    counted = data.group_by(KEYS[table]).agg(rows=lambda t: t.count())
    return int(counted.filter(counted.rows > 1).count().execute())


def _key_problems(data: ibis.Table, table: str, where: str, files: Iterable[Path]) -> list[str]:
    twice = 0 if parts.rise(files, KEYS[table]) else _repeated_keys(data, table)
    if not twice:
        return []
    return [f"{where}, columns {', '.join(KEYS[table])}: {twice} keys occur more than once; import it again"]


def _chain_problems(data: ibis.Table, table: str, where: str) -> list[str]:
    if table != "people":
        return []
    chained = data.semi_join(data.view().select(other="alias"), [("person", "other")]).count().execute()
    if not chained:
        return []
    return [f"{where}, column person: {chained} rows name an alias, expected the merged name itself; merge again"]


def _reference_problems(con, directory: Path, tables: Mapping, label: str) -> list[str]:
    read = {table: con.read_parquet(parts.files_of(directory, table, entry)) for table, entry in tables.items()}
    coverage = tables["repos"]["coverage"] if "repos" in tables else {}
    problems = []
    for table in ("commits", "files", "discussions", "usage"):
        for what, column, rows in _dangling(table, read, coverage) if table in tables else ():
            count = rows.count().execute()
            if count:
                file = parts.path_of(directory, table, tables[table]).name
                problems.append(
                    f"{label}/{file}, column {column}: {count} rows name a {what} that "
                    f"{'commits' if table == 'files' else 'repos'} does not have; import it again"
                )
    return problems


def _dangling(table: str, read: Mapping[str, ibis.Table], coverage: Mapping):
    """(what, column, rows without it) per reference of a table that can be checked; `read` are the tables that there are.

    A sample of repositories can't say that a link's other end does not exist; commits and discussions belong to
    repositories that are there, and the files that a commit changed to commits.
    """
    data = read[table]
    if table == "files":
        if "commits" in read:
            yield "commit", "commit_id", data.anti_join(read["commits"], KEYS["commits"])
        return
    for kind in KINDS if "repos" in read else ():
        status = coverage.get(kind, {}).get("status", "absent")
        ids = read["repos"].filter(_.kind == kind).select(known="repo_id")
        if table in BY_KIND and status != "absent":
            rows = data.filter(data.kind == kind)
            yield kind, "repo_id", rows.anti_join(ids, rows.repo_id == ids.known)
        elif table == "usage" and status == "complete" and kind in ("model", "space"):
            yield kind, f"{kind}_id", data.anti_join(ids, data[f"{kind}_id"] == ids.known)


def connect(**options):
    """DuckDB through Ibis, without DuckDB's own progress bar."""
    con = ibis.duckdb.connect(**options)
    with suppress(duckdb.InvalidInputException):  # a notebook without ipywidgets shows none, and refuses the setting
        con.raw_sql("SET enable_progress_bar = false")
    return con


def _connect(directory: Path):
    """DuckDB with bounded memory that spills beside the data."""
    return connect(memory_limit="2GB", temp_directory=str(directory / ".spill"), preserve_insertion_order=True)


def remove_leftovers(name: str) -> None:
    """Delete what a process that was killed left of writing a snapshot; one that lives holds what it writes."""
    for left in paths.snapshots().glob(f".{check_name(name)}.partial-*"):
        with suppress(OSError), (left / ".held").open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


class Writer:
    """Writes one snapshot; used as a context manager, it appears whole at the end or not at all.

    `add` takes rows in any order and with repeats: the first row of a key stays, later ones are counted as rejected, and
    so are commits, discussions and links of repositories that are not there. `coverage` maps a table to
    {kind or "all": {"status": ..., "rule": ...}}. `replace` puts it in the place of a snapshot, and of nothing else.
    `in_order`: the rows of each table come in the order of their keys, each key once, so that they are written as they
    come; others are an error. Raises SnapshotError.
    """

    def __init__(
        self,
        name: str,
        *,
        date: dt.date,
        synthetic: bool,
        source: Mapping,
        coverage: Mapping[str, Mapping],
        replace: bool = False,
        in_order: bool = False,
    ):
        self.name, self.date, self.synthetic = check_name(name), date, synthetic
        self.source, self.coverage, self.replace, self.in_order = dict(source), coverage, replace, in_order
        self.left_out = Counter()  # repositories that failed, were gated, disabled or gone, by reason
        self.notes = Counter()  # what was mended rather than left out, by what it was
        self._target = paths.snapshots() / self.name
        self._writers: dict[str, pq.ParquetWriter | parts.TableWriter] = {}
        self._last: dict[str, pa.Table] = {}  # the key of the last row, of those that come in order
        self._columns: dict[str, list[str]] = {}
        self._rows = Counter()
        self._rejected = Counter()
        self._pending: list[tuple] = []  # rejected rows that are not written yet

    def __enter__(self):
        check_free(self.name, replace=self.replace)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._work = Path(tempfile.mkdtemp(prefix=f".{self.name}.partial-", dir=self._target.parent))
        self._work.chmod(0o755)
        self._held = (self._work / ".held").open("w")
        fcntl.flock(self._held, fcntl.LOCK_EX)  # says that the process lives
        self._out = self._work / "out"
        self._out.mkdir()
        self._open = ExitStack()
        self._rejections = pq.ParquetWriter(self._work / "rejected.raw", SCHEMAS["rejected"], compression="zstd")
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if not self.in_order:
                self._open.close()
            if kind is None:
                self._publish()
        finally:
            self._open.close()
            self._rejections.close()
            shutil.rmtree(self._work, ignore_errors=True)
            self._held.close()

    def add(self, table: str, rows: pa.Table | pa.RecordBatch | Iterable[Mapping]) -> None:
        """Append rows; columns that are absent from the first call are absent from the table.

        An Arrow table may also have `source_file` and `source_row`: where a row that is set aside was read.
        """
        if table not in DATA_TABLES and table != "truth":
            raise SnapshotError(f"{self.name}: no table {table[:60]!r} to add to; there are {', '.join(DATA_TABLES)}")
        if not isinstance(rows, (pa.Table, pa.RecordBatch)):
            rows = list(rows)
            if not rows:
                return
            rows = self._from_mappings(table, rows)
        data = pa.table(rows) if isinstance(rows, pa.RecordBatch) else rows
        columns = [name for name in data.column_names if name not in PLACE.names]
        if table in SCHEMAS:
            parts.check_columns(f"{self.name}/{table}.parquet", table, data.select(columns).schema)
        expected = self._columns.setdefault(table, columns)
        if columns != expected:
            raise SnapshotError(
                f"{self.name}/{table}.parquet: columns {', '.join(columns)}; expected those of the first rows, "
                f"{', '.join(expected)}"
            )
        if self.in_order:
            self._write_in_order(table, data.select(columns))
        else:
            self._write_raw(table, data)
        self._rows[table] += len(data)

    def _write_in_order(self, table: str, data: pa.Table) -> None:
        """Write rows as they stay; they have to come in the order of the table's key."""
        if table in KEYS and len(data):
            keys = data.select(KEYS[table])
            if not parts.follow(self._last.get(table), keys):
                raise SnapshotError(
                    f"{self.name}/{table}.parquet: rows from {self._rows[table] + 1} on are not in the order of "
                    f"{', '.join(KEYS[table])}, each once; sort them before they are added"
                )
            self._last[table] = keys.slice(len(keys) - 1)
        if table not in self._writers:
            writer = parts.TableWriter(self._out, table, self._marked(data.schema))
            self._writers[table] = self._open.enter_context(writer)
        self._writers[table].add(data)

    def _write_raw(self, table: str, data: pa.Table) -> None:
        """Put rows aside, each with its place, until all are there and can be sorted."""
        for place in PLACE:
            if place.name not in data.column_names:
                data = data.append_column(place, pa.nulls(len(data), place.type))
        order = np.arange(self._rows[table], self._rows[table] + len(data), dtype="int64")
        data = data.append_column("source_order", pa.array(order))
        if table not in self._writers:
            file = pq.ParquetWriter(self._work / f"{table}.raw", data.schema, compression="zstd")
            self._writers[table] = self._open.enter_context(file)
        self._writers[table].write_table(data)

    def _from_mappings(self, table: str, rows: list[Mapping]) -> pa.Table:
        """The rows as an Arrow table: with the columns of the first call, or of any row where this is the first."""
        schema = SCHEMAS[table]
        known = self._columns.get(table) or {name for row in rows for name in row if name in schema.names}
        columns = [name for name in schema.names if name in known]
        for nth, row in enumerate(rows, start=self._rows[table] + 1):
            for name in row:
                if name not in columns:
                    raise SnapshotError(
                        f"{self.name}/{table}.parquet, row {nth}, column {str(name)[:60]}: expected one of "
                        f"{', '.join(columns)}; say all columns in the first rows"
                    )
        arrays = []
        for name in columns:
            try:
                arrays.append(pa.array([row.get(name) for row in rows], type=schema.field(name).type))
            except (pa.ArrowException, OverflowError, UnicodeError):  # their texts hold the value, perhaps a username
                raise SnapshotError(
                    f"{self.name}/{table}.parquet, column {name}: a value is no {schema.field(name).type}; "
                    "convert or reject it before it is added"
                ) from None
        return pa.table(arrays, schema=_optional(pa.schema([schema.field(name) for name in columns])))

    def reject(
        self,
        table: str,
        reason: str,
        *,
        kind: str | None = None,
        repo_id: str | None = None,
        scope: str = "row",
        file: str | None = None,
        row: int | None = None,
        detail: str | None = None,
    ) -> None:
        """Record what was left out and why; `scope="repository"`: nothing of this table could be had for it."""
        repo_id = repo_id[:LONGEST_NAME] if repo_id is not None else None
        detail = detail[:200] if detail is not None else None
        self._pending.append((table, kind, repo_id, scope, reason, file, row, detail))
        self._rejected[table, reason] += 1
        if len(self._pending) >= ROWS_AT_ONCE:
            self._write_pending()

    @property
    def rejected(self) -> Counter:
        """How many rows were left out so far, by (table, reason)."""
        return self._rejected.copy()

    def _write_pending(self) -> None:
        if self._pending:
            columns = zip(*self._pending, strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMAS["rejected"], strict=True)]
            self._rejections.write_table(pa.Table.from_arrays(arrays, schema=SCHEMAS["rejected"]))
            self._pending = []

    def _publish(self) -> None:
        out, con = self._out, _connect(self._work)
        tables = {}
        for table in DATA_TABLES:
            if table in self._writers:
                tables[table] = self._settle(con, table, out, tables)
        if "truth" in self._writers:
            tables["truth"] = self._settle(con, "truth", out, tables)
        if not any(tables[t]["rows"] for t in tables if t in DATA_TABLES):
            raise SnapshotError(f"snapshot {self.name!r}: no usable row at all{self._reasons()}; nothing was written")
        tables["rejected"] = self._write_rejected(con, out)
        con.disconnect()
        manifest = self._manifest(tables)
        if wrong := fault(manifest):
            raise SnapshotError(f"{self.name}/manifest.json{wrong}; nothing was written")
        problems = _problems(out, self.date, tables, label=self.name, keys=False, references=self.in_order)
        if problems:
            raise SnapshotError("\n".join(problems))
        shutil.rmtree(out / ".spill", ignore_errors=True)
        text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True)
        (out / "manifest.json").write_text(text + "\n", encoding="utf-8")
        self._swap(out)

    def _reasons(self) -> str:
        counts = [f"{count} {table}: {reason}" for (table, reason), count in sorted(self.rejected.items())]
        return f" ({'; '.join(counts)})" if counts else ""

    def _settle(self, con, table: str, out: Path, settled: Mapping) -> dict:
        """Sort by key, keep the first row of each key, set aside rows without what they belong to; the manifest's entry."""
        if self.in_order:
            return self._described(con, table, out, self._columns[table], self._writers[table].finished())
        data = con.read_parquet(self._work / f"{table}.raw")
        if table in KEYS:
            if _repeated_keys(data, table):
                first = data.mutate(nth=ibis.row_number().over(group_by=KEYS[table], order_by="source_order"))
                self._set_aside(first.filter(first.nth > 0), table, "duplicate")
                data = first.filter(first.nth == 0).drop("nth")
            data = self._without_dangling(con, data, table, out, settled).order_by(KEYS[table])
        else:
            data = data.order_by("source_order")
        data = data.drop(*_PLACE)
        schema = pq.read_schema(self._work / f"{table}.raw")
        schema = self._marked(pa.schema([f for f in schema if f.name not in _PLACE], metadata=schema.metadata))
        return self._written(con, table, out, schema, data)

    def _without_dangling(self, con, data: ibis.Table, table: str, out: Path, settled: Mapping) -> ibis.Table:
        if table == "files" and "commits" not in settled:
            raise SnapshotError(f"{self.name}: files that commits changed, but no commits; import both together")
        if table not in ("commits", "files", "discussions", "usage"):
            return data
        read = {t: con.read_parquet(parts.files_of(out, t, entry)) for t, entry in settled.items()} | {table: data}
        for what, _column, rows in _dangling(table, read, self.coverage.get("repos", {})):
            rows = rows.semi_join(data, ["source_order"])  # a link whose two ends are unknown counts once
            if not rows.count().execute():
                continue
            self._set_aside(rows, table, f"{what} not among the {'commits' if table == 'files' else 'repositories'}")
            data = data.anti_join(rows, ["source_order"])
        return data

    def _set_aside(self, rows: ibis.Table, table: str, reason: str) -> None:
        repository = "model_id" if table == "usage" else "repo_id"  # people has none: an alias is a username
        null = ibis.null("string")
        shown = {
            "table": ibis.literal(table),
            "kind": rows.kind if "kind" in rows.columns else null,
            "repo_id": rows[repository] if repository in rows.columns else null,
            "scope": ibis.literal("row"),
            "reason": ibis.literal(reason),
            "file": rows.source_file,
            "row": rows.source_row,
            "detail": ibis.cases((rows.source_row.isnull(), "usable row " + (rows.source_order + 1).cast("string"))),
        }
        for batch in rows.order_by("source_order").select(**shown).to_pyarrow_batches(chunk_size=ROWS_AT_ONCE):
            self._rejections.write_table(pa.Table.from_batches([batch]).cast(SCHEMAS["rejected"]))
            self._rejected[table, reason] += len(batch)

    def _write_rejected(self, con, out: Path) -> dict:
        self._write_pending()
        self._rejections.close()
        rows = con.read_parquet(self._work / "rejected.raw").order_by(SCHEMAS["rejected"].names)
        return self._written(con, "rejected", out, self._marked(SCHEMAS["rejected"]), rows)

    def _marked(self, schema: pa.Schema) -> pa.Schema:
        return schema.with_metadata(parts.SYNTHETIC_MARK) if self.synthetic else schema

    def _written(self, con, table: str, out: Path, schema: pa.Schema, rows: ibis.Table) -> dict:
        """Write a table as it stays; returns its entry in the manifest."""
        entry = parts.write(out, table, schema, rows.to_pyarrow_batches(chunk_size=ROWS_AT_ONCE))
        return self._described(con, table, out, schema.names, entry)

    def _described(self, con, table: str, out: Path, columns: list[str], entry: dict) -> dict:
        """The manifest's entry of a table: its files, columns, coverage and rows of each kind."""
        if table in DATA_TABLES and table not in self.coverage:
            raise SnapshotError(f"{self.name}: the coverage of {table} is not given; say complete or sample")
        entry["columns"] = columns
        if table in DATA_TABLES:
            entry["coverage"] = {k: dict(v) for k, v in self.coverage[table].items()}
        if table in BY_KIND:
            counted = con.read_parquet(parts.files_of(out, table, entry)).group_by("kind").agg(n=_.count()).execute()
            kinds = dict(zip(counted["kind"], counted["n"], strict=True))
            entry["kinds"] = {kind: int(kinds.get(kind, 0)) for kind in KINDS}
        return entry

    def _manifest(self, tables: Mapping) -> dict:
        rejected: dict[str, dict[str, int]] = {}
        for (table, reason), count in sorted(self.rejected.items()):
            rejected.setdefault(table, {})[reason] = count
        return {
            "schema": 1,
            "name": self.name,
            "date": self.date.isoformat(),
            "synthetic": self.synthetic,
            "source": self.source,
            "tables": tables,
            "meanings": {what: text for what, text in MEANINGS.items() if what != "files" or what in tables},
            "repositories_left_out": dict(sorted(self.left_out.items())),
            "rejected": rejected,
            "notes": dict(sorted(self.notes.items())),
            "tool": f"analysis {__version__}",
        }

    def _swap(self, out: Path) -> None:
        """Put the snapshot in its place. What it replaces is moved aside first, and back where that fails."""
        aside = self._target.with_name(self._work.name.replace(".partial-", ".replaced-"))
        check_free(self.name, replace=self.replace)  # another run may have written it since this one began
        replaces = os.path.lexists(self._target)
        if replaces:
            self._target.rename(aside)
        try:
            out.rename(self._target)
        except OSError as error:
            if replaces and not self._target.exists():
                aside.rename(self._target)
            raise SnapshotError(
                f"snapshot {self.name!r}: can't be put in place ({error.strerror}); another run may have written it meanwhile"
            ) from None
        finally:
            if replaces and self._target.exists():
                aside.unlink() if aside.is_symlink() else shutil.rmtree(aside, ignore_errors=True)


def _optional(schema: pa.Schema) -> pa.Schema:
    """The schema with every field nullable: Parquet written in batches keeps one schema that way."""
    return pa.schema([field.with_nullable(True) for field in schema])
