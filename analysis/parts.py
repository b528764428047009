"""Where a snapshot's tables lie: one Parquet file each, or a directory of many where a table is large.

`commits.parquet`, or `commits/part-00000.parquet` and so on, in the order of the table's rows.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.schema import SCHEMAS
from analysis.stored import SnapshotError

# Every file of a synthetic snapshot carries it, so that an edited manifest cannot make the data look observed.
SYNTHETIC_MARK = {b"synthetic": b"true"}
ROWS_A_PART = 10_000_000  # a table of more rows is written as several files of so many


def path_of(directory: Path, table: str, entry: Mapping) -> Path:
    """The table's file, or the directory of its parts; `entry` is what the manifest says of the table."""
    return directory / (table if "parts" in entry else f"{table}.parquet")


def files_of(directory: Path, table: str, entry: Mapping) -> list[Path]:
    """The table's files, in the order of its rows."""
    path = path_of(directory, table, entry)
    return [path / part["file"] for part in entry["parts"]] if "parts" in entry else [path]


def write(directory: Path, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> dict:
    """Write a table's rows, in parts where there are many; returns what the manifest says of its files.

    Rows, and not bytes, say where a part ends, so that the same rows give the same files.
    """
    parts, many = [], directory / table
    for number, rows in enumerate(_in_parts(batches)):
        many.mkdir(exist_ok=True)
        file = many / f"part-{number:05d}.parquet"
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in rows:
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))
        parts.append(described(file))
    if len(parts) > 1:
        return {"parts": parts, **together(parts)}
    only = directory / f"{table}.parquet"
    (many / parts[0]["file"]).rename(only)
    many.rmdir()
    return {name: parts[0][name] for name in ("rows", "bytes", "sha256")}


def _in_parts(batches: Iterable[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """The batches in groups of ROWS_A_PART rows, a batch cut where it reaches over; one group at least."""
    left, rest = (batch for batch in batches if len(batch)), None

    def group() -> Iterator[pa.RecordBatch]:
        nonlocal rest
        room = ROWS_A_PART
        while room and (batch := rest if rest is not None else next(left, None)) is not None:
            rest = batch.slice(room) if len(batch) > room else None
            yield batch.slice(0, room)
            room -= min(room, len(batch))

    yield group()
    while rest is not None or (rest := next(left, None)) is not None:
        yield group()


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
            rows = pa.concat_tables([before, rows]) if before is not None else rows
            before = rows.slice(len(rows) - 1) if len(rows) else before
            if len(rows) > 1 and not _rises(rows.slice(0, len(rows) - 1), rows.slice(1)):
                return False
    return True


def _rises(before: pa.Table, after: pa.Table) -> bool:
    """Whether each row of the one is below that of the other, by the first column in which they differ."""
    below, alike = pa.scalar(False), pa.scalar(True)
    for column in before.column_names:
        left, right = before[column].combine_chunks(), after[column].combine_chunks()
        below = pc.or_(below, pc.and_(alike, pc.less(left, right)))
        alike = pc.and_(alike, pc.equal(left, right))
    return pc.all(pc.fill_null(below, False)).as_py()


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
