"""Where a snapshot's tables lie: one Parquet file each, or a directory of many where a table is large.

`commits.parquet`, or `commits/part-00000.parquet` and so on, in the order of the table's rows.
"""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.schema import SCHEMAS
from analysis.stored import SnapshotError

# Every file of a synthetic snapshot carries it, so that an edited manifest cannot make the data look observed.
SYNTHETIC_MARK = {b"synthetic": b"true"}
ROWS_A_PART = 10_000_000  # a table of more rows is written as several files of so many
ROWS_A_GROUP = 250_000  # of a file, which are packed together


def path_of(directory: Path, table: str, entry: Mapping) -> Path:
    """The table's file, or the directory of its parts; `entry` is what the manifest says of the table."""
    return directory / (table if "parts" in entry else f"{table}.parquet")


def files_of(directory: Path, table: str, entry: Mapping) -> list[Path]:
    """The table's files, in the order of its rows."""
    path = path_of(directory, table, entry)
    return [path / part["file"] for part in entry["parts"]] if "parts" in entry else [path]


def write(directory: Path, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> dict:
    """Write a table's rows, in parts where there are many; returns what the manifest says of its files."""
    with TableWriter(directory, table, schema) as writer:
        for batch in batches:
            writer.add(pa.Table.from_batches([batch]))
        return writer.finished()


class TableWriter:
    """Writes a table as its rows come, in another thread, so that the next ones are made meanwhile.

    Rows, and neither bytes nor what came together, say where a group of rows and a part end: the same rows give the same files.
    """

    def __init__(self, directory: Path, table: str, schema: pa.Schema):
        self._only, self._many, self._schema = directory / f"{table}.parquet", directory / table, _as_stored(schema)
        self._waiting, self._room = self._schema.empty_table(), ROWS_A_PART
        self._file, self._files = None, []
        self._thread, self._group = ThreadPoolExecutor(1), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """What was not finished is left to those who delete its directory, once the thread is done with it."""
        self._thread.shutdown()
        if self._file:
            with suppress(OSError, pa.ArrowException):  # a full disk has said so before
                self._file.close()

    def add(self, rows: pa.Table) -> None:
        self._waiting = pa.concat_tables([self._waiting, rows.cast(self._schema)])
        while len(self._waiting) >= min(ROWS_A_GROUP, self._room):
            self._hand_on(min(ROWS_A_GROUP, self._room))

    def finished(self) -> dict:
        """Write what waits, and close; returns what the manifest says of the files."""
        if len(self._waiting) or not self._group:
            self._hand_on(len(self._waiting))
        self._group.result()
        self._close()
        described_ = [described(file) for file in self._files]
        if len(self._files) > 1:
            return {"parts": described_, **together(described_)}
        self._files[0].rename(self._only)
        self._many.rmdir()
        return {name: described_[0][name] for name in ("rows", "bytes", "sha256")}

    def _hand_on(self, size: int) -> None:
        rows, self._waiting = self._waiting.slice(0, size).combine_chunks(), self._waiting.slice(size)
        if self._group:
            self._group.result()  # one group at a time waits, and an error comes here
        is_last = size == self._room
        self._room = ROWS_A_PART if is_last else self._room - size
        self._group = self._thread.submit(self._write, rows, is_last)

    def _write(self, rows: pa.Table, is_last: bool) -> None:
        if self._file is None:
            self._many.mkdir(exist_ok=True)
            self._files.append(self._many / f"part-{len(self._files):05d}.parquet")
            self._file = pq.ParquetWriter(self._files[-1], self._schema, compression="zstd")
        if len(rows):
            self._file.write_table(rows)
        if is_last:
            self._close()

    def _close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def _as_stored(schema: pa.Schema) -> pa.Schema:
    """The schema with the names that Parquet gives to what is in a list, as a file has them that was read before."""
    empty = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), empty)
    return pq.read_schema(pa.BufferReader(empty.getvalue()))


def described(file: Path) -> dict:
    """Name, rows, bytes and SHA-256 of one file; it is read as a stream."""
    rows = pq.read_metadata(file).num_rows
    return {"file": file.name, "rows": rows, "bytes": file.stat().st_size, "sha256": _digest(file)}


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def together(parts: Iterable[Mapping]) -> dict:
    """Rows and bytes of all parts, and the SHA-256 of a line for each: its SHA-256 and its name, as `sha256sum` writes.

    So the digest names the files, as that of a table in one file does; the same rows cut otherwise have another one.
    """
    lines = "".join(f"{part['sha256']}  {part['file']}\n" for part in parts)
    return {
        "rows": sum(part["rows"] for part in parts),
        "bytes": sum(part["bytes"] for part in parts),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def is_table(path: Path) -> bool:
    """Whether a snapshot may have put it there: a Parquet file, or a directory of nothing else."""
    if not path.is_dir():
        return path.suffix == ".parquet"
    return path.name in SCHEMAS and all(part.is_file() and part.suffix == ".parquet" for part in path.iterdir())


def rise(files: Iterable[Path], key: list[str]) -> bool:
    """Whether every row's key is above the one before it, so that none occurs twice; reads batch by batch."""
    before = None
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(columns=key, batch_size=100_000):
            rows = pa.Table.from_batches([batch]).select(key)
            if not follow(before, rows):
                return False
            before = rows.slice(len(rows) - 1) if len(rows) else before
    return True


def follow(before: pa.Table | None, rows: pa.Table) -> bool:
    """Whether each of the rows is above the one before it, and the first above the one row `before`, by all columns."""
    first = rows.slice(0, 1)
    if before is not None and len(first) and not _rises(before, first):
        return False
    return len(rows) < 2 or _rises(rows.slice(0, len(rows) - 1), rows.slice(1))


def _rises(before: pa.Table, after: pa.Table) -> bool:
    """Whether each row of the one is below that of the other, by the first column in which they differ."""
    decided = pa.scalar(False)  # by an earlier column
    for column in before.column_names:
        left, right = before[column].combine_chunks(), after[column].combine_chunks()
        is_last = column == before.column_names[-1]
        alike = pa.scalar(False) if is_last else pc.equal(left, right)
        if not is_last and pc.all(alike, skip_nulls=False).as_py():
            continue
        fits = pc.or_(pc.or_(decided, alike), pc.less(left, right))
        if not pc.all(pc.fill_null(fits, False)).as_py():
            return False
        decided = pc.or_(decided, pc.invert(alike))
    return True


# --- what is compared with the manifest whenever a snapshot is opened


def check(directory: Path, table: str, entry: Mapping, *, synthetic: bool) -> None:
    """Compare a table's files with the manifest: SHA-256, columns, rows. Raises SnapshotError with one line."""
    path = path_of(directory, table, entry)
    if "parts" not in entry:
        _check_file(path, table, entry, entry["columns"], synthetic=synthetic)
        return
    where, listed = f"{directory.name}/{table}", [part["file"] for part in entry["parts"]]
    if {name: entry[name] for name in ("rows", "bytes", "sha256")} != together(entry["parts"]):
        raise SnapshotError(f"{where}: its rows, bytes or SHA-256 are not those of its parts; restore manifest.json")
    strange = sorted({found.name for found in path.iterdir()} - set(listed)) if path.is_dir() else []
    if strange or len(set(listed)) < len(listed):
        found = repr(strange[0][:60]) if strange else "a part that is listed twice"
        raise SnapshotError(f"{where}: holds {found}, which is no part of it; move it away")
    for part in entry["parts"]:
        _check_file(path / part["file"], table, part, entry["columns"], synthetic=synthetic, under=f"{directory.name}/{table}")


def _check_file(
    path: Path, table: str, said: Mapping, columns: list[str], *, synthetic: bool, under: str = ""
) -> None:
    where = f"{under or path.parent.name}/{path.name}"
    try:
        if _digest(path) != said["sha256"]:
            raise SnapshotError(
                f"{where}: changed since it was written (its SHA-256 is not the manifest's); restore it"
            )
        parquet = pq.ParquetFile(path)
    except FileNotFoundError:
        raise SnapshotError(f"{where}: missing, though the manifest lists it; restore it") from None
    except (pa.ArrowException, OSError) as error:  # OSError also stands for a damaged footer
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0][:120]
        raise SnapshotError(f"{where}: not a Parquet file ({why}); restore it") from None
    schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
    marked = (schema.metadata or {}).items() >= SYNTHETIC_MARK.items()
    if marked and not synthetic:
        raise SnapshotError(f"{where}: holds synthetic data, but the manifest says observed; restore manifest.json")
    if table in SCHEMAS:
        check_columns(where, table, schema)
    if schema.names != columns:
        raise SnapshotError(f"{where}: its columns are not those that the manifest lists; restore it")
    if rows != said["rows"]:
        raise SnapshotError(f"{where}: {rows} rows, the manifest says {said['rows']}; restore it")


def check_columns(where: str, table: str, found: pa.Schema) -> None:
    """Compare a file's columns with those of the table. Raises SnapshotError with one line."""
    expected = SCHEMAS[table]
    for field in expected:
        if field.name not in found.names and not field.nullable:
            raise SnapshotError(f"{where}, column {field.name}: missing, expected {field.type}; import it again")
    for field in found:
        if field.name not in expected.names:
            raise SnapshotError(
                f"{where}, column {field.name[:60]}: not one of {', '.join(expected.names)}; import it again"
            )
        if not _same_type(field.type, expected.field(field.name).type):
            raise SnapshotError(
                f"{where}, column {field.name}: type {field.type}, expected {expected.field(field.name).type}; import it again"
            )


def _same_type(found: pa.DataType, expected: pa.DataType) -> bool:
    if pa.types.is_list(expected):
        return pa.types.is_list(found) and found.value_type == expected.value_type
    return found == expected
