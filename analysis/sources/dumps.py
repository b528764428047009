"""Which of the Hub's past states can still be studied? Importers that turn published dumps into snapshots.

A dump is what somebody else collected as in section 3.3. What it lacks stays absent; bad rows are counted.
Rows are numbered as in the file: lines of JSONL and CSV (the header is 1), rows of Parquet, all from 1.
"""

import codecs
import csv
import gzip
import hashlib
import io
import json
import os
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from analysis import paths, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import rows
from analysis.sources.rows import UnusableError

KINDS = {
    "models-jsonl": "one model per line, a ModelInfo of any huggingface_hub: likes, downloads, tags",
    "commits-jsonl": "one model per line with its list of `commits` (commit_id, authors, created_at)",
    "links-csv": "one link per row: the columns `space` and `model` (or `space_id` and `model_id`)",
    "hub-listing-parquet": "one repository per row under the Hub's names; `models` of a space become links; "
    "add :models, :datasets or :spaces where the file's name does not begin so",
}

LONGEST_LINE = 64 * 2**20  # bytes: a history of 300,000 commits fits, a broken file does not fill the memory
BYTES_AT_ONCE = 64 * 2**20

_ALWAYS = ("kind", "repo_id", "owner")
_FOREIGN = {  # what a file is whose first bytes are these, and what to do about it
    b"PAR1": "a Parquet file; import it as hub-listing-parquet",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"BZh": "packed by bzip2; unpack it first",
    b"\xfd7zXZ": "packed by xz; unpack it first",
    b"version https://git-lfs": "a Git LFS pointer, not the data; fetch the file itself",
}


@dataclass(frozen=True)
class Summary:
    """What an import did: rows per table and kind, `rejected` per (table, reason); no snapshot if dry."""

    name: str
    snapshot: snapshot.Snapshot | None
    rows: Mapping[str, Mapping[str, int]]
    rejected: Mapping[tuple[str, str], int]
    left_out: Mapping[str, int]
    notes: Mapping[str, int]

    def lines(self) -> list[str]:
        """The summary as plain text, one fact per line."""
        found = []
        for table, counts in self.rows.items():
            kinds = ", ".join(f"{n:,} {snapshot.PLURAL[k]}" for k, n in counts.items() if k != "all" and n)
            found.append(f"{table}: {sum(counts.values()):,} rows" + (f" ({kinds})" if kinds else ""))
        found += [f"rejected from {table}: {n:,} ({reason})" for (table, reason), n in self.rejected.items()]
        found += [f"repositories left out: {n:,} ({reason})" for reason, n in self.left_out.items()]
        found += [f"noted: {n:,} {what}" for what, n in self.notes.items()]
        if self.snapshot is None:
            found.append("dry run: nothing was written; repeats are only found by the import itself")
        return found


def import_dumps(
    name: str,
    sources: Sequence[tuple[str, Path]],
    *,
    date: str = "",
    coverage: str = "sample",
    rule: str = "",
    title: str = "",
    origin: str = "",
    licence: str = "",
    replace: bool = False,
    dry_run: bool = False,
    progress: bool = False,
) -> Summary:
    """Make the snapshot `name` from published dumps of one date (section 3.3).

    In: (kind of `KINDS`, file) per source; `coverage` says whether the dumps list every repository
    ("complete") or some ("sample", chosen by `rule`); `progress` reports on stderr. Out: what was written and
    what was not. Raises SnapshotError, one line: an unreadable file, an unknown choice, no usable row.
    """
    day = snapshot.date_of(snapshot.check_name(name), date)
    _check_coverage(coverage, rule)
    checked = [_source(kind, Path(path)) for kind, path in sources]
    if not checked:
        raise SnapshotError("nothing to import: expected at least one file")
    described = {"title": title or "Published dump", "origin": origin, "licence": licence}
    described["files"] = [source.described() for source in checked]
    with suppress(_DryRun), _Meter(progress) as meter:
        writing = snapshot.Writer(name, date=day, synthetic=False, source=described, coverage={}, replace=replace)
        with writing as writer, _work_directory(name) as work:
            run = _Import(writer, Path(work), meter)
            for source in checked:
                run.read(source)
            run.finish(status=coverage, rule=rule)
            if dry_run:
                summary = run.summary()
                raise _DryRun
        return written(snapshot.load(name))
    return summary


class _DryRun(Exception):  # noqa: N818 -- no error: it makes the Writer forget what it was given
    pass


def _work_directory(name: str) -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix=f".{name}.reading-", dir=paths.snapshots())


def written(made: snapshot.Snapshot) -> Summary:
    """The summary of a snapshot that was written, from its manifest."""
    manifest = made.manifest
    tables = {table: entry for table, entry in manifest["tables"].items() if table in snapshot.DATA_TABLES}
    return Summary(
        name=made.name,
        snapshot=made,
        rows={table: entry.get("kinds", {"all": entry["rows"]}) for table, entry in tables.items()},
        rejected={(t, why): n for t, reasons in manifest["rejected"].items() for why, n in reasons.items()},
        left_out=manifest["repositories_left_out"],
        notes=manifest["notes"],
    )


# --- sources ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    importer: str
    path: Path
    listed: str | None = None  # kind of repository of a listing, where the caller says it

    @property
    def file(self) -> str:
        return rows.shown(self.path.name, limit=120)

    def described(self) -> dict:
        with self.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = self.path.stat().st_size
        return {"file": self.file, "importer": self.importer, "bytes": size, "sha256": digest}


def _source(kind: str, path: Path) -> _Source:
    importer, _, plural = kind.partition(":")
    kinds = {plural: kind for kind, plural in snapshot.PLURAL.items()}
    if importer not in KINDS:
        raise SnapshotError(f"kind {rows.shown(kind)!r}: expected one of {', '.join(KINDS)}")
    if plural and (importer != "hub-listing-parquet" or plural not in kinds):
        choices = ", ".join(f":{plural}" for plural in kinds)
        raise SnapshotError(f"kind {rows.shown(kind)!r}: expected {importer}, or hub-listing-parquet with {choices}")
    source = _Source(importer, path, kinds.get(plural))
    if not path.is_file():
        raise SnapshotError(f"{source.file}: no such file; give the path of the dump itself")
    if not os.access(path, os.R_OK):
        raise SnapshotError(f"{source.file}: may not be read; change its permissions")
    if path.stat().st_size == 0:
        raise SnapshotError(f"{source.file}: empty; fetch it again")
    return source


def _check_coverage(coverage: str, rule: str) -> None:
    if coverage not in ("sample", "complete"):
        raise SnapshotError(f"coverage {rows.shown(coverage)!r}: expected sample or complete")
    if coverage == "complete" and rule:
        raise SnapshotError("coverage complete: expected no rule, for a rule tells how a sample was chosen")


# --- one import -------------------------------------------------------------------------------------------


@dataclass
class _Tally:
    """What was met in one source."""

    read: int = 0
    usable: int = 0
    reasons: Counter = field(default_factory=Counter)
    columns: set = field(default_factory=set)
    licence_unknown: int = 0
    any_tag: bool = False


class _Import:
    """One import. Repositories wait on disk until it is known which columns occur, the rest is written on."""

    def __init__(self, writer: snapshot.Writer, work: Path, meter: "_Meter"):
        self.writer, self.meter = writer, meter
        self.span = rows.span_of(writer.date)
        self.repos = rows.Rows("repos", self._keep)
        self.commits = rows.Rows("commits", lambda data: writer.add("commits", data))
        self.usage = rows.Rows("usage", lambda data: writer.add("usage", data))
        self.files: dict[tuple[str, str], list[str]] = {}  # (table, kind) -> the files that gave it
        self.columns: dict[str, set] = {}  # kind -> columns that occur
        self.counts = Counter()
        self._waiting = work / "repos.parquet"
        self._kept: pq.ParquetWriter | None = None

    def read(self, source: _Source) -> None:
        """Read one source to its end; raises SnapshotError where nothing in it could be used."""
        self.source, self.tally = source, _Tally()
        self.meter.start(source)
        _READERS[source.importer](self, source)
        self.flush()
        tally = self.tally
        if not tally.read:
            raise SnapshotError(f"{source.file}: has no rows; fetch it again")
        if not tally.usable:
            reasons = "; ".join(f"{n:,} {reason}" for reason, n in tally.reasons.most_common(5))
            raise SnapshotError(
                f"{source.file}: no usable row among {tally.read:,} ({reasons}); "
                f"expected {source.importer}: {KINDS[source.importer]}"
            )
        if "license" in tally.columns and tally.licence_unknown:
            what = "repositories with neither tags nor a licence, where others of the file have them"
            self.writer.notes[what] += tally.licence_unknown

    def flush(self) -> None:
        for table in (self.repos, self.commits, self.usage):
            table.flush()

    def gives(self, table: str, kind: str) -> None:
        """Note that this source has (or should have had) rows of the table."""
        files = self.files.setdefault((table, kind), [])
        if self.source.file not in files:
            files.append(self.source.file)

    def reject(self, table: str, reason: str, row: int, **where) -> None:
        self.tally.reasons[reason] += 1
        self.writer.reject(table, reason, file=self.source.file, row=row, **where)

    def repository(self, record: Mapping, kind: str, row: int) -> str | None:
        """Take one repository; gives its id, or None where the row was rejected."""
        repo_id = None
        try:
            repo_id = rows.repository_id(rows.first(record, "repo_id"))
            values = rows.repository(record, kind, repo_id, self.span, self.writer.notes)
        except UnusableError as error:
            self.reject("repos", str(error), row, kind=kind, repo_id=repo_id, detail=error.detail)
            return None
        self.repos.append(values)
        self.tally.usable += 1
        return repo_id

    def _keep(self, data: pa.Table) -> None:
        """Put repositories aside, and note which columns hold anything."""
        tally, kind = self.tally, data["kind"][0].as_py()
        columns = {name for name in data.column_names if data[name].null_count < len(data)}
        tally.any_tag |= any(len(chunk.flatten()) for chunk in data["tags"].chunks)
        if tally.any_tag:  # a licence was looked for even where none was found
            columns.add("license")
        tally.columns |= columns
        self.columns.setdefault(kind, set()).update(columns)
        both = pc.and_(pc.is_null(data["tags"]), pc.is_null(data["license"]))
        tally.licence_unknown += pc.sum(both).as_py() or 0
        if self._kept is None:
            self._kept = pq.ParquetWriter(self._waiting, data.schema, compression="zstd")
        self._kept.write_table(data)

    def link(self, space: object, model: object, row: int) -> None:
        try:
            ids = rows.repository_id(space), rows.repository_id(model)
        except UnusableError as error:
            self.reject("usage", str(error), row, detail=error.detail)
            return
        self.usage.append(ids)
        self.tally.usable += 1

    def commit(self, commit: object, repo_id: str, row: int) -> None:
        where = {"kind": "model", "repo_id": repo_id}
        try:
            values = rows.commit(commit, self.span, self.writer.notes)
        except UnusableError as error:
            self.counts["commits rejected"] += 1
            self.reject("commits", str(error), row, **where)
            return
        self.commits.append(("model", repo_id, *values))

    def finish(self, *, status: str, rule: str) -> None:
        """Hand the repositories over, with the columns that occur, and say what the tables cover."""
        if self._kept is not None:
            self._kept.close()
            occurs = set(_ALWAYS).union(*self.columns.values())
            names = [name for name in snapshot.SCHEMAS["repos"].names if name in occurs]
            parquet = pq.ParquetFile(self._waiting)
            for batch in parquet.iter_batches(batch_size=rows.ROWS_AT_ONCE, columns=names):
                self.writer.add("repos", pa.Table.from_batches([batch]))
        for table, collected in (("commits", self.commits), ("usage", self.usage)):
            if any(given == table for given, _ in self.files) and not collected.count:
                collected.flush(even_empty=True)  # collected and empty is not absent
        for (table, kind), files in self.files.items():
            self.writer.coverage.setdefault(table, {})[kind] = self._covered(table, kind, files, status, rule)
        self.meter.say("sorting and checking")

    def _covered(self, table: str, kind: str, files: list[str], status: str, rule: str) -> dict:
        if table == "commits":
            return self._commits_covered(files)
        said = {"status": status, "rule": ""}
        if status == "sample":
            said["rule"] = rule or f"as published in {', '.join(files)}; the rule is not stated"
        if table == "repos":  # of several kinds, one may lack what another has
            occurs = self.columns.get(kind, set()).union(_ALWAYS)
            said["columns"] = [name for name in snapshot.SCHEMAS["repos"].names if name in occurs]
        return said

    def _commits_covered(self, files: list[str]) -> dict:
        """Complete where every model that was listed came with its commits, and none of them was lost."""
        elsewhere = [file for file in self.files.get(("repos", "model"), []) if file not in files]
        have, failed = self.counts["commit lists"], self.counts["commit lists missing"]
        lacks = [f"{have:,} of {have + failed:,} models have a list of commits"] if failed else []
        if self.counts["commits rejected"]:
            lacks.append(f"{self.counts['commits rejected']:,} commits were rejected")
        if elsewhere:
            lacks.append(f"only models of {', '.join(files)}, not those of {', '.join(elsewhere)}")
        return {"status": "sample" if lacks else "complete", "rule": "; ".join(lacks)}

    def summary(self) -> Summary:
        """What a dry run met; repeats are not known yet."""
        found = {"repos": {}, "commits": {"model": self.commits.count}, "usage": {"all": self.usage.count}}
        found["repos"] = {kind: self.counts[kind] for kind in snapshot.KINDS if self.counts[kind]}
        given = {table for table, _ in self.files}
        return Summary(
            name=self.writer.name,
            snapshot=None,
            rows={table: counts for table, counts in found.items() if table in given},
            rejected=dict(sorted(self.writer.rejected.items())),
            left_out=dict(sorted(self.writer.left_out.items())),
            notes=dict(sorted(self.writer.notes.items())),
        )


# --- readers ----------------------------------------------------------------------------------------------


def _read_models(run: _Import, source: _Source) -> None:
    run.gives("repos", "model")
    for row, record in _records(run, source):
        run.counts["model"] += run.repository(record, "model", row) is not None


def _read_commits(run: _Import, source: _Source) -> None:
    run.gives("repos", "model")
    run.gives("commits", "model")
    found: list[str] = []
    for row, record in _records(run, source):
        found = found or list(record)
        repo_id = run.repository(record, "model", row)
        run.counts["model"] += repo_id is not None
        run.counts["records with commits"] += "commits" in record
        _read_history(run, record.get("commits"), repo_id, row)
    if found and not run.counts["records with commits"]:
        raise SnapshotError(
            f"{source.file}: no row has `commits`; found {rows.listing(found)}; import it as models-jsonl"
        )


def _read_history(run: _Import, commits: object, repo_id: str | None, row: int) -> None:
    where = {"kind": "model", "repo_id": repo_id, "scope": "repository"}
    if repo_id is None:
        run.reject("commits", "its repository was rejected", row, **where)
    elif isinstance(commits, list):
        run.counts["commit lists"] += 1
        for commit in commits:
            run.commit(commit, repo_id, row)
    else:
        reason, left_out = _failure(commits)
        run.counts["commit lists missing"] += 1
        run.writer.left_out[left_out] += 1
        run.reject("commits", reason, row, **where)


def _failure(commits: object) -> tuple[str, str]:
    """(reason, class of what was left out) of an error text; the text may name people and is not kept."""
    if not isinstance(commits, str):
        return "no list of commits", "failed"
    said = commits.lower()
    if any(word in said for word in ("not authorized", "unauthorized", "gated", "forbidden", "401", "403")):
        return "not authorized", "gated"
    if any(word in said for word in ("not found", "404")):
        return "not found", "gone"
    return "an error text instead of commits", "failed"


def _read_links(run: _Import, source: _Source) -> None:
    run.gives("usage", "all")
    header: list[str] | None = None
    for row, line in _lines(run, source):
        cells = _cells(line)
        if header is None:
            _check_start(source, line or b"")
            header = cells
            chosen = _link_columns(source, header)
            continue
        run.tally.read += 1
        if len(cells) != len(header):
            run.reject("usage", f"not a CSV row of {len(header)} columns", row)
        else:
            run.link(*(cells[place] for place in chosen), row)


def _cells(line: bytes | None) -> list[str]:
    """Cells of one line, none where it is no CSV. Ids hold no line breaks; an open quote must not run on."""
    try:
        return next(csv.reader([(line or b"").decode(errors="replace")], strict=True), [])
    except csv.Error:
        return []


def _link_columns(source: _Source, header: list[str]) -> list[int]:
    wanted = [("space", "space_id"), ("model", "model_id")]
    chosen = [next((header.index(name) for name in names if name in header), None) for names in wanted]
    missing = [names[0] for names, place in zip(wanted, chosen, strict=True) if place is None]
    if missing:
        raise SnapshotError(
            f"{source.file}, row 1: no column {' and no '.join(missing)}; found {rows.listing(header)}; "
            "expected space and model (or space_id and model_id), rename the columns"
        )
    return chosen


def _read_listing(run: _Import, source: _Source) -> None:
    with _reading(source):
        found = pq.read_schema(source.path).names
    kind = source.listed or _listed_kind(source, found)
    if not set(rows.names_of("repo_id")) & set(found):
        raise SnapshotError(
            f"{source.file}: no column id; found {rows.listing(found)}; "
            "expected the Hub's field names (id, likes, downloads, tags, createdAt), rename the columns"
        )
    run.gives("repos", kind)
    linked = kind == "space" and "models" in found
    if linked:
        run.gives("usage", "all")
    for row, record in _listed_records(run, source):
        run.tally.read += 1
        repo_id = run.repository(record, kind, row)
        run.counts[kind] += repo_id is not None
        if linked:
            _read_space_links(run, record["models"], repo_id, row)


def _read_space_links(run: _Import, models: object, repo_id: str | None, row: int) -> None:
    where = {"kind": "space", "repo_id": repo_id, "scope": "repository"}
    try:
        said: list[str] = []
        named = rows.words(models, "models", said) or []
    except UnusableError as error:
        run.reject("usage", str(error), row, **where)
        return
    run.writer.notes.update(said)
    if repo_id is None and named:
        run.reject("usage", "its repository was rejected", row, **where)
    elif repo_id is not None:
        for model in named:
            run.link(repo_id, model, row)


def _listed_kind(source: _Source, columns: Sequence[str]) -> str:
    for kind, plural in snapshot.PLURAL.items():
        if source.path.name.lower().startswith(plural):
            return kind
    told_by = {"space": {"sdk", "models"}, "model": {"modelId", "pipeline_tag", "library_name"}}
    told_by["dataset"] = {"paperswithcode_id", "citation"}
    for kind, names in told_by.items():
        if names & set(columns):
            return kind
    raise SnapshotError(
        f"{source.file}: models, datasets or spaces? found {rows.listing(columns)}; "
        "say it as hub-listing-parquet:models, :datasets or :spaces"
    )


def _listed_records(run: _Import, source: _Source) -> Iterator[tuple[int, dict]]:
    """(row number, columns that matter) per row; a row group is streamed, for it can hold the whole file."""
    row, size = 0, source.path.stat().st_size
    with _reading(source, lambda: row), pq.ParquetFile(source.path, buffer_size=2**20) as parquet:
        columns = [name for name in parquet.schema_arrow.names if name in rows.READ]
        for batch in parquet.iter_batches(batch_size=rows.ROWS_AT_ONCE // 2, columns=columns, use_threads=False):
            values = [_column_values(column) for column in batch.columns]
            for cells in zip(*values, strict=True):
                row += 1
                yield row, dict(zip(batch.schema.names, cells, strict=True))
            run.meter.at(size * row // parquet.metadata.num_rows)


def _column_values(column: pa.Array) -> list:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.string())  # without a zone: Arrow keeps UTC
    if pa.types.is_floating(column.type):  # NaN is how pandas keeps a missing count
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_nan(column), None, column)
    return column.to_pylist()


_READERS = {
    "models-jsonl": _read_models,
    "commits-jsonl": _read_commits,
    "links-csv": _read_links,
    "hub-listing-parquet": _read_listing,
}


# --- bytes ------------------------------------------------------------------------------------------------


def _records(run: _Import, source: _Source) -> Iterator[tuple[int, dict]]:
    """(line number, JSON object) per line; lines that are none are rejected, blank ones passed over."""
    size = 0
    for row, line in _lines(run, source):
        run.tally.read += 1
        if run.tally.read == 1 and line is not None:
            _check_start(source, line)
            _check_json(source, row, line)
        try:
            yield row, _record(line)
        except UnusableError as error:
            run.reject("repos", str(error), row, kind="model", detail=error.detail)
        size += len(line or b"")
        if size > BYTES_AT_ONCE:
            run.flush()
            size = 0


def _record(line: bytes | None) -> dict:
    if line is None:
        raise UnusableError(f"line over {LONGEST_LINE // 2**20} MiB")
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        raise UnusableError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise UnusableError("not JSON", f"breaks at character {error.pos + 1}") from None
    except RecursionError:
        raise UnusableError("JSON nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise UnusableError("not JSON", "a number of thousands of digits") from None
    if not isinstance(record, dict):
        raise UnusableError("not a JSON object")
    return record


def _lines(run: _Import, source: _Source) -> Iterator[tuple[int, bytes | None]]:
    """(number, line without its end) per line that is not blank; None for a line over LONGEST_LINE."""
    row = 0
    with source.path.open("rb") as raw, _reading(source, lambda: row), _unpacking(raw) as stream:
        while line := stream.readline(LONGEST_LINE + 1):
            row += 1
            if row == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if row % 1000 == 0:
                run.meter.at(raw.tell())
            if len(line) > LONGEST_LINE:
                _skip_line(stream)
                yield row, None
            elif line := line.strip(b" \t\r\n"):
                yield row, line


def _skip_line(stream: io.BufferedIOBase) -> None:
    while (rest := stream.readline(2**20)) and not rest.endswith(b"\n"):
        pass


@contextmanager
def _unpacking(raw: io.BufferedReader) -> Iterator[io.BufferedIOBase]:
    """The bytes behind gzip or zstd, told by how the file begins and not by its name."""
    start = raw.peek(4)[:4]
    if start[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=raw) as stream:
            yield stream
    elif start == b"\x28\xb5\x2f\xfd" or (start[1:] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F):
        with io.BufferedReader(pa.CompressedInputStream(raw, "zstd"), 2**20) as stream:
            yield stream
    else:
        yield raw


@contextmanager
def _reading(source: _Source, done: Callable[[], int] = int) -> Iterator[None]:
    """Turn what gzip, zstd, Parquet and the disk say of a broken file into one line."""
    try:
        yield
    except UnicodeDecodeError:
        raise SnapshotError(f"{source.file}, after row {done():,}: text that is not UTF-8; export it again") from None
    except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
        raise SnapshotError(f"{source.file}{_broken(source, error, done())}") from None


def _broken(source: _Source, error: Exception, done: int) -> str:
    with source.path.open("rb") as stream:
        is_parquet = stream.read(4) == b"PAR1"
    if isinstance(error, pa.ArrowException) and not is_parquet:
        return ": not a Parquet file; unpack it first, or choose the kind that fits"
    if isinstance(error, EOFError) or is_parquet or "Truncated" in str(error):
        return f", after row {done:,}: breaks off; the download is incomplete, fetch it again"
    return f", after row {done:,}: can't be read ({rows.shown(error)}); fetch it again"


def _check_start(source: _Source, line: bytes) -> None:
    for start, what in _FOREIGN.items():
        if line.startswith(start):
            raise SnapshotError(f"{source.file}: is {what}")
    if line.startswith(b"<"):
        raise SnapshotError(f"{source.file}: is an HTML page, not the dump; fetch the file itself")


def _check_json(source: _Source, row: int, line: bytes) -> None:
    if line.startswith(b"["):
        raise SnapshotError(f"{source.file}, row {row}: a JSON array; expected one JSON object per line")
    if not line.startswith(b"{"):
        raise SnapshotError(
            f"{source.file}, row {row}: neither JSON nor gzip nor zstd; expected one JSON object per line, "
            "fetch it again or choose the kind that fits"
        )


class _Meter:
    """Progress on stderr: a bar on a terminal, else a line per tenth; no clock in the plain lines."""

    def __init__(self, shown: bool):
        self._console = Console(stderr=True, quiet=not shown, markup=False, highlight=False)
        columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()
        self._bar = Progress(*columns, console=self._console) if shown and self._console.is_terminal else None
        self._task, self._file, self._size, self._tenth = None, "", 0, 0

    def __enter__(self):
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error):
        if self._bar:
            self._bar.stop()

    def start(self, source: _Source) -> None:
        self._file, self._size, self._tenth = source.file, source.path.stat().st_size, 0
        if self._bar:
            self._task = self._bar.add_task(self._file, total=self._size)
        else:
            self.say(f"reading {self._file}")

    def at(self, done: int) -> None:
        if self._bar:
            self._bar.update(self._task, completed=done)
        elif done * 10 // self._size > self._tenth:
            self._tenth = done * 10 // self._size
            self.say(f"{self._file}: {self._tenth * 10} %")

    def say(self, text: str) -> None:
        self._console.print(text)
