"""What is in a published file? Records out of JSON, CSV and Parquet, streamed, each with the row that it stands in.

Rows are numbered as in the file, all from 1: lines of JSON lines and CSV (the header is 1), else records. A record that
can't be read comes as the UnusableError that says why; a file that can't be read raises SnapshotError, one line.
"""

import codecs
import csv
import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.snapshot import SnapshotError
from analysis.sources import jsontext, rows
from analysis.sources.rows import UnusableError

LONGEST_LINE = 64 * 2**20  # bytes: a history of 300,000 commits fits, a broken file does not fill the memory
_FOREIGN = {  # what a file is whose first bytes are these, and what to do about it
    b"PAR1": "a Parquet file; import it as hub-listing-parquet",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"BZh": "packed by bzip2; unpack it first",
    b"\xfd7zXZ": "packed by xz; unpack it first",
    b"version https://git-lfs": "a Git LFS pointer, not the data; fetch the file itself",
    codecs.BOM_UTF16_LE: "UTF-16 text; save it as UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16 text; save it as UTF-8",
    b"<": "an HTML page, not the dump; fetch the file itself",
}

Found = Iterator[tuple[int, dict | UnusableError]]
At = Callable[[int], None]
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True)
class Source:
    """One file to import: `columns` maps a column of a snapshot to the file's own name for it."""

    importer: str
    path: Path
    listed: str | None = None  # kind of repository, where the caller says it
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return rows.shown(self.path.name, limit=120)

    def check(self) -> None:
        """Raises SnapshotError where there is nothing to read."""
        if not self.path.is_file():
            raise SnapshotError(f"{self.file}: no such file; give the path of the dump itself")
        if not os.access(self.path, os.R_OK):
            raise SnapshotError(f"{self.file}: may not be read; change its permissions")
        if self.path.stat().st_size == 0:
            raise SnapshotError(f"{self.file}: empty; fetch it again")

    def described(self) -> dict:
        """What the manifest says of the file."""
        with self.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = self.path.stat().st_size
        return {"file": self.file, "importer": self.importer, "bytes": size, "sha256": digest}

    def renamed(self, found: Sequence[str]) -> list[str]:
        """The file's names, with those that the user chose under the names that `rows` knows."""
        known = {given: rows.names_of(column)[0] for column, given in self.columns.items()}
        return [known.get(name, name) for name in found]


def columns_of(source: Source) -> list[str] | None:
    """Names of a table's columns as they are in the file; None for JSON, where each record has its own."""
    if source.importer.endswith("-csv"):
        return _csv_header(source, _Lines(_lines(source, lambda done: None)))[0]
    if source.importer.endswith("-parquet"):
        with _reading(source):
            return pq.read_schema(source.path).names
    return None


def records(source: Source, at: At) -> Found:
    """The records of a file, read in the form that its importer's name ends with."""
    read = {"jsonl": _json_records, "csv": csv_records, "parquet": _parquet_records}
    return read[source.importer.rpartition("-")[2]](source, at)


# --- JSON -------------------------------------------------------------------------------------------------


def _json_records(source: Source, at: At) -> Found:
    """Objects one per line, in an array, in a list that an object holds, or over several lines each."""
    for row, record in _json_of_any_layout(source, at):
        if source.columns and isinstance(record, dict):
            record = dict(zip(source.renamed(list(record)), record.values(), strict=True))
        yield row, record


def _json_of_any_layout(source: Source, at: At) -> Found:
    row = 0
    with _opened(source, lambda: row) as (raw, stream):
        try:
            found = jsontext.records(stream, source.columns.values())
            for row, record in enumerate(found or (), start=1):
                if row % 1000 == 0:
                    at(raw.tell())
                yield row, record
        except jsontext.JsonError as error:
            raise SnapshotError(f"{source.file}, after row {row:,}: {error}") from None
    if found is None:
        yield from _json_lines(source, at)


def _json_lines(source: Source, at: At) -> Found:
    is_first = True
    for row, line in _lines(source, at):
        if line is None:
            yield row, UnusableError(f"line over {LONGEST_LINE // 2**20} MiB")
        elif line := line.strip():
            if is_first and not line.startswith(b"{"):
                raise SnapshotError(
                    f"{source.file}, row {row}: neither JSON nor gzip nor zstd; expected one JSON object per line, "
                    "fetch it again or choose the kind that fits"
                )
            is_first = False
            yield row, _record(line)


def _record(line: bytes) -> dict | UnusableError:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError:
        return UnusableError("not UTF-8")
    except json.JSONDecodeError as error:
        return UnusableError("not JSON", f"breaks at character {error.pos + 1}")
    except RecursionError:
        return UnusableError("JSON nested too deeply")
    except ValueError:  # an integer of thousands of digits
        return UnusableError("not JSON", "a number of thousands of digits")
    return record if isinstance(record, dict) else UnusableError("not a JSON object")


# --- CSV --------------------------------------------------------------------------------------------------


def csv_records(source: Source, at: At, *, breaks: bool = True) -> Found:
    """Rows as objects of text. Cells may hold line breaks, unless `breaks` is false: an open quote then spoils one line.

    Commas, semicolons or tabs part the cells. Columns without a name, such as an index, are left out.
    """
    lines = _Lines(_lines(source, at))
    header, options = _csv_header(source, lines)
    names = source.renamed(header)
    for row, cells in _csv_rows(source, lines, options, breaks=breaks):
        if fault := lines.fault(row):
            yield row, fault
        elif cells is None or len(cells) not in (0, len(names)):
            yield row, UnusableError(f"not a CSV row of {len(names)} columns")
        elif cells:
            yield row, {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}


def _csv_header(source: Source, lines: "_Lines") -> tuple[list[str], dict]:
    """Names of the columns, and how the cells are parted."""
    first = next((line for line in lines if line.strip()), "")
    if first[:1] in ("{", "["):
        raise SnapshotError(f"{source.file}: is JSON; import it as models-jsonl, or the kind of that form that fits")
    delimiter = next((mark for mark in ",\t;" if mark in first), ",")
    options = {"delimiter": delimiter, "skipinitialspace": True, "strict": True}
    return [name.strip() for name in _cells(first, options) or []], options


def _csv_rows(source: Source, lines: "_Lines", options: Mapping, *, breaks: bool) -> Iterator[tuple[int, list | None]]:
    """(number of its first line, cells) per row; None for cells where the row is no CSV, none for a blank line."""
    if not breaks:
        for line in lines:
            yield lines.row, _cells(line, options)
        return
    reader = csv.reader(lines, **options)
    while True:
        row = lines.row + 1
        try:
            yield row, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "limit" in str(error) or "end of data" in str(error):
                raise SnapshotError(
                    f"{source.file}, row {row:,}: a quote is opened and not closed; the download is incomplete, or "
                    "the file is no CSV"
                ) from None
            yield row, None


def _cells(line: str, options: Mapping) -> list[str] | None:
    try:
        return next(csv.reader([line], **options), [])
    except csv.Error:
        return None


class _Lines:
    """Lines of text with the number of the last one; it remembers which are no UTF-8 or too long."""

    def __init__(self, lines: Iterator[tuple[int, bytes | None]]):
        self.row, self._lines, self._faults = 0, lines, {}

    def __iter__(self):
        return self

    def __next__(self) -> str:
        self.row, line = next(self._lines)
        if line is None:
            self._faults[self.row] = UnusableError(f"line over {LONGEST_LINE // 2**20} MiB")
            return "\n"
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._faults[self.row] = UnusableError("not UTF-8")
            return line.decode(errors="replace")

    def fault(self, first: int) -> UnusableError | None:
        """What is wrong with the lines from the first to the last one read, if anything."""
        return next((self._faults.pop(row) for row in sorted(self._faults) if row >= first), None)


def triples(source: Source, at: At) -> Iterator[tuple[int, list[str] | None]]:
    """Tab-separated lines of three texts without a header; None where a line is not that."""
    for row, line in _lines(source, at):
        parts = (line or b"").decode(errors="replace").rstrip("\r\n").split("\t")
        if line is None or line.strip():
            yield row, parts if len(parts) == 3 else None


# --- Parquet ----------------------------------------------------------------------------------------------


def _parquet_records(source: Source, at: At) -> Found:
    """Rows with the columns that `rows` reads; a row group is streamed, for it can hold the whole file."""
    row, size = 0, source.path.stat().st_size
    wanted = rows.READ.union(source.columns.values())
    with _reading(source, lambda: row), pq.ParquetFile(source.path, buffer_size=2**20) as parquet:
        columns = [name for name in parquet.schema_arrow.names if name in wanted]
        for batch in parquet.iter_batches(batch_size=rows.ROWS_AT_ONCE // 2, columns=columns, use_threads=False):
            values = [_column_values(column) for column in batch.columns]
            names = source.renamed(batch.schema.names)
            for cells in zip(*values, strict=True):
                row += 1
                yield row, dict(zip(names, cells, strict=True))
            at(size * row // parquet.metadata.num_rows)


def _column_values(column: pa.Array) -> list:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.string())  # without a zone: Arrow keeps UTC
    if pa.types.is_floating(column.type):  # NaN is how pandas keeps a missing count
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_nan(column), None, column)
    return column.to_pylist()


# --- bytes ------------------------------------------------------------------------------------------------


def _lines(source: Source, at: At) -> Iterator[tuple[int, bytes | None]]:
    """(number, line with its end) per line; None for a line over LONGEST_LINE."""
    row = 0
    with _opened(source, lambda: row) as (raw, stream):
        while line := stream.readline(LONGEST_LINE + 1):
            row += 1
            if row % 1000 == 0:
                at(raw.tell())
            if len(line) > LONGEST_LINE:
                _skip_line(stream)
                yield row, None
            else:
                yield row, line.removeprefix(codecs.BOM_UTF8) if row == 1 else line


def _skip_line(stream: io.BufferedIOBase) -> None:
    while (rest := stream.readline(2**20)) and not rest.endswith(b"\n"):
        pass


@contextmanager
def _opened(source: Source, done: Callable[[], int]) -> Iterator[tuple[io.BufferedReader, io.BufferedIOBase]]:
    """(the file, the bytes behind gzip or zstd); SnapshotError where it is something else, or breaks off."""
    with source.path.open("rb") as raw, _reading(source, done), _unpacking(raw) as stream:
        start = stream.peek(64)[:64].lstrip()
        for beginning, what in _FOREIGN.items():
            if start.startswith(beginning):
                raise SnapshotError(f"{source.file}: is {what}")
        yield raw, stream


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
def _reading(source: Source, done: Callable[[], int] = int) -> Iterator[None]:
    """Turn what gzip, zstd, Parquet and the disk say of a broken file into one line."""
    try:
        yield
    except UnicodeDecodeError:
        raise SnapshotError(f"{source.file}, after row {done():,}: text that is not UTF-8; export it again") from None
    except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
        raise SnapshotError(f"{source.file}{_broken(source, error, done())}") from None


def _broken(source: Source, error: Exception, done: int) -> str:
    with source.path.open("rb") as stream:
        is_parquet = stream.read(4) == b"PAR1"
    if isinstance(error, pa.ArrowException) and not is_parquet:
        return ": not a Parquet file; unpack it first, or choose the kind that fits"
    if isinstance(error, EOFError) or is_parquet or "Truncated" in str(error):
        return f", after row {done:,}: breaks off; the download is incomplete, fetch it again"
    return f", after row {done:,}: can't be read ({rows.shown(error)}); fetch it again"
