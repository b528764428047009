"""One import: rows of all its files on their way into a snapshot, and what they cover (study, section 3.3).

What can't be used is rejected with its reason, file and row; nothing is dropped without being counted.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis import schema, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import rows
from analysis.sources.files import Found, Source
from analysis.sources.rows import UnusableError

EVENTS = {"commits": rows.commit, "files": rows.changed_file, "discussions": rows.discussion}
_ALWAYS = ("kind", "repo_id", "owner")
_MOST_WORDS = 500_000  # tags that are held before rows are written: some 40 MB


@dataclass
class _Tally:
    """What was met in one file."""

    read: int = 0
    usable: int = 0
    reasons: Counter = field(default_factory=Counter)
    columns: set = field(default_factory=set)
    licence_unknown: int = 0
    any_tag: bool = False


class Intake:
    """Takes records of any file. Repositories wait on disk until it is known which columns occur, the rest is written on.

    A reader calls `records`, `gives`, `repository`, `event`, `many`, `link` and `reject`; `source` is the file that is read.
    """

    def __init__(
        self,
        writer: snapshot.Writer,
        work: Path,
        at: Callable[[int], None],
        say: Callable[[str], None] = lambda text: None,
    ):
        self.writer, self.work, self.at, self.say = writer, work, at, say
        self.span = rows.span_of(writer.date)
        self.counts: Counter = Counter()  # rows taken, by (table, kind)
        self.only_rule: dict[tuple[str, str], list[str]] = defaultdict(list)  # what keeps a table from being complete
        self.covered: dict[tuple[str, str], dict] = {}  # (table, kind) -> coverage that the source itself has
        self.asked: dict[tuple[str, str], set] = defaultdict(set)  # (events, kind) -> repositories that gave their list
        self.refused: dict[tuple[str, str], set] = defaultdict(set)  # those that gave none
        self._flat: dict[tuple[str, str], set] = defaultdict(set)  # repositories that events themselves name
        self._files: dict[tuple[str, str], list[str]] = {}  # (table, kind) -> the files that gave it
        self._columns: dict[str, set] = {}  # kind -> columns that occur
        sinks = {"repos": self._keep} | {t: lambda data, t=t: writer.add(t, data) for t in (*EVENTS, "usage")}
        self._tables = {table: rows.Rows(table, sink, placed=True) for table, sink in sinks.items()}
        self._waiting, self._kept, self._words = work / "repos.parquet", None, 0

    def read(self, source: Source, reader: Callable[["Intake", Source], None], about: str) -> None:
        """Read one file to its end; raises SnapshotError where nothing in it could be used."""
        self.source, self.tally = source, _Tally()
        reader(self, source)
        self.flush()
        tally = self.tally
        reasons = "; ".join(f"{n:,} {reason}" for reason, n in tally.reasons.most_common(5))
        if not tally.read:
            raise SnapshotError(f"{source.file}: has no rows; fetch it again")
        if not tally.usable:
            raise SnapshotError(
                f"{source.file}: no usable row among {tally.read:,} ({reasons}); expected {source.importer}: {about}"
            )
        if tally.reasons["not JSON"] * 2 > tally.read:
            raise SnapshotError(
                f"{source.file}: most of its {tally.read:,} lines are not JSON ({reasons}); expected one object per line, "
                "or one array of objects"
            )
        if "license" in tally.columns and tally.licence_unknown:
            what = "repositories with neither tags nor a licence, where others of the file have them"
            self.writer.notes[what] += tally.licence_unknown

    def flush(self) -> None:
        """Hand on what is held."""
        self._words = 0
        for table in self._tables.values():
            table.flush()

    def given(self) -> list[tuple[str, str]]:
        """(table, kind) of everything that the files gave."""
        return list(self._files)

    # --- what a reader calls

    def records(self, found: Found, table: str, kind: str | None) -> Iterator[tuple[int, dict]]:
        """(row, record) of those that could be read; the others are rejected from the table."""
        for row, record in found:
            self.tally.read += 1
            if isinstance(record, UnusableError):
                self.reject(table, record, row, kind=kind)
            else:
                yield row, record

    def gives(self, table: str, kind: str) -> None:
        """Note that this file has (or should have had) rows of the table."""
        files = self._files.setdefault((table, kind), [])
        if self.source.file not in files:
            files.append(self.source.file)

    def reject(self, table: str, error: UnusableError | str, row: int, **where) -> None:
        """Count a row that can't be used, with its reason, file and number."""
        self.tally.reasons[str(error)] += 1
        detail = getattr(error, "detail", None)
        self.writer.reject(table, str(error), file=self.source.file, row=row, detail=detail, **where)

    def repository(self, record: Mapping, kind: str, row: int) -> str | None:
        """Take one repository; gives its id, or None where the row was rejected."""
        repo_id = None
        try:
            repo_id = rows.repository_id(rows.first(record, "repo_id"))
            values = rows.repository(record, kind, repo_id, self.span, self.writer.notes)
        except UnusableError as error:
            self.reject("repos", error, row, kind=kind, repo_id=repo_id)
            return None
        self._take("repos", kind, values, row)
        self._words += len(values[_TAGS] or ())
        if self._words > _MOST_WORDS:
            self.flush()
        return repo_id

    def event(self, table: str, record: object, kind: str, repo_id: str, row: int) -> None:
        """Take one commit or discussion of a repository."""
        try:
            values = EVENTS[table](record, self.span, self.writer.notes)
        except UnusableError as error:
            self.counts["rejected", table, kind] += 1
            self.reject(table, error, row, kind=kind, repo_id=repo_id)
            return
        self._take(table, kind, (kind, repo_id, *values), row)

    def many(self, table: str, data: pa.Table) -> None:
        """Take many commits or files that can be used, as a table with the columns of a snapshot and of `schema.PLACE`."""
        for counted in pc.value_counts(data["kind"]).to_pylist():
            self.counts[table, counted["values"]] += counted["counts"]
        self._tables[table].count += len(data)
        self.writer.add(table, data)

    def named(self, table: str, kind: str, repo_id: str) -> None:
        """Note the repository of an event that stands alone: where no file lists repositories, these are all."""
        self._flat[table, kind].add(repo_id)

    def link(self, space: object, model: object, row: int) -> None:
        """Take one link between a space and a model."""
        try:
            ids = rows.repository_id(space), rows.repository_id(model)
        except UnusableError as error:
            self.reject("usage", error, row)
            return
        self._take("usage", "all", ids, row)

    def _take(self, table: str, kind: str, values: tuple, row: int) -> None:
        self._tables[table].append((*values, self.source.file, row))
        self.counts[table, kind] += 1
        self.tally.usable += 1

    # --- repositories, until all files are read

    def _keep(self, data: pa.Table) -> None:
        """Put repositories aside, and note which columns hold anything."""
        kinds = pc.unique(data["kind"]).to_pylist()
        for kind in kinds:
            self._note_columns(kind, data.filter(pc.equal(data["kind"], kind)) if len(kinds) > 1 else data)
        if self._kept is None:
            self._kept = pq.ParquetWriter(self._waiting, data.schema, compression="zstd")
        self._kept.write_table(data)

    def _note_columns(self, kind: str, data: pa.Table) -> None:
        tally = self.tally
        columns = {name for name in schema.SCHEMAS["repos"].names if data[name].null_count < len(data)}
        tally.any_tag |= any(len(chunk.flatten()) for chunk in data["tags"].chunks)
        if tally.any_tag:  # a licence was looked for even where none was found
            columns.add("license")
        tally.columns |= columns
        self._columns.setdefault(kind, set()).update(columns)
        both = pc.and_(pc.is_null(data["tags"]), pc.is_null(data["license"]))
        tally.licence_unknown += pc.sum(both).as_py() or 0

    def finish(self, *, status: str, rule: str) -> None:
        """Hand the repositories over, with the columns that occur, and say what the tables cover."""
        self._add_named()
        self.flush()
        if self._kept is not None:
            self._kept.close()
            occurs = set(_ALWAYS).union(*self._columns.values())
            names = [
                name for name in self._kept.schema.names if name in occurs or name not in schema.SCHEMAS["repos"].names
            ]
            for batch in pq.ParquetFile(self._waiting).iter_batches(batch_size=rows.ROWS_AT_ONCE, columns=names):
                self.writer.add("repos", pa.Table.from_batches([batch]))
        for table in (*EVENTS, "usage"):
            if any(given == table for given, _ in self._files) and not self._tables[table].count:
                self._tables[table].flush(even_empty=True)  # collected and empty is not absent
        for (table, kind), files in self._files.items():
            self.writer.coverage.setdefault(table, {})[kind] = self._covered(table, kind, files, status, rule)

    def _add_named(self) -> None:
        """Repositories that only their own commits or discussions name, where no file lists that kind."""
        for kind in snapshot.KINDS:
            tables = [table for table in EVENTS if self._flat[table, kind]]
            if not tables or ("repos", kind) in self._files:
                continue
            for repo_id in sorted(set().union(*(self._flat[table, kind] for table in tables))):
                self.repository({"id": repo_id}, kind, 0)
            self.gives("repos", kind)
            self.only_rule["repos", kind].append(f"only those that have {' or '.join(tables)}")

    # --- coverage

    def _covered(self, table: str, kind: str, files: list[str], status: str, rule: str) -> dict:
        if (table, kind) in self.covered:
            said = dict(self.covered[table, kind])
            return (
                said | {"rule": f"{said['rule']}; {rule}" if rule else said["rule"]} | self._columns_said(table, kind)
            )
        lacks = list(self.only_rule[table, kind])
        asked = bool(self.asked[table, kind] or self.refused[table, kind])
        if status == "sample" and not asked:
            lacks.insert(0, rule or f"as published in {', '.join(files)}; the rule is not stated")
        if table in EVENTS:
            lacks += self._lacking(table, kind, files if asked else None)
        said = {"status": "sample" if lacks else "complete", "rule": "; ".join(lacks)}
        return said | self._columns_said(table, kind)

    def _columns_said(self, table: str, kind: str) -> dict:
        """Of several kinds of repository, one may lack what another has."""
        if table != "repos":
            return {}
        occurs = self._columns.get(kind, set()).union(_ALWAYS)
        return {"columns": [name for name in schema.SCHEMAS["repos"].names if name in occurs]}

    def _lacking(self, table: str, kind: str, asked: list[str] | None) -> list[str]:
        """What keeps the commits (or discussions) of the repositories from being complete; `asked`: files of lists."""
        have, lost = self.asked[table, kind], self.refused[table, kind] - self.asked[table, kind]
        plural = snapshot.PLURAL[kind]
        lacks = [f"{len(have):,} of {len(have) + len(lost):,} {plural} have a list of {table}"] if lost else []
        if rejected := self.counts["rejected", table, kind]:
            lacks.append(f"{rejected:,} {table} were rejected")
        elsewhere = [file for file in self._files.get(("repos", kind), []) if asked and file not in asked]
        if elsewhere:
            lacks.append(f"only {plural} of {', '.join(asked)}, not those of {', '.join(elsewhere)}")
        return lacks


_TAGS = schema.SCHEMAS["repos"].names.index("tags")
