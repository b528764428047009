"""Which of the Hub's past states can still be studied? Importers that turn published dumps into snapshots.

A dump is what somebody else collected as in section 3.3. What it lacks stays absent; bad rows are counted.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from analysis import paths, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import files, hfcommunity, readers, rows
from analysis.sources.files import Source
from analysis.sources.intake import Intake


class Kind(NamedTuple):
    """A kind of dump: what it is, what reads it, the kind of repository that it lists or None where the user may say it."""

    about: str
    read: Callable[[Intake, Source], None]
    lists: str | None = None
    any_repository: bool = False
    published: str = ""  # its row in data/sources.csv, where a dump of this kind has one publisher
    incomplete: str = ""  # why a dump of this kind never lists just the repositories that there are


_JSON = "as JSON: one object per line, an array, or an object that holds the list"
_NAMED = "under the Hub's names, or those that --column says"
_TYPED = "add :models, :datasets or :spaces where they are not models"
_TOLD = "add :models, :datasets or :spaces where the file's name does not begin so"
_LISTS, _COMMITS, _DISCUSSIONS = readers.repositories, readers.commits, readers.discussions
KINDS = {
    "models-jsonl": Kind(f"models (ModelInfo of any huggingface_hub: likes, downloads, tags) {_JSON}", _LISTS, "model"),
    "datasets-jsonl": Kind(f"datasets {_JSON}", _LISTS, "dataset"),
    "spaces-jsonl": Kind(f"spaces {_JSON}; their `models` become links", _LISTS, "space"),
    "models-csv": Kind(f"one model per row {_NAMED}; lists as JSON, Python or comma-joined text", _LISTS, "model"),
    "datasets-csv": Kind(f"one dataset per row {_NAMED}", _LISTS, "dataset"),
    "spaces-csv": Kind(f"one space per row {_NAMED}", _LISTS, "space"),
    "hub-listing-csv": Kind(f"one repository per row {_NAMED}; {_TOLD}", _LISTS, any_repository=True),
    "hub-listing-parquet": Kind(
        f"one repository per row {_NAMED}; a space's `models`, or those of its card, become links; {_TOLD}",
        _LISTS,
        any_repository=True,
    ),
    "commits-jsonl": Kind(
        "one repository per record with its list of `commits` (commit_id, authors, created_at), or one commit per "
        f"record with its repo_id; {_TYPED}",
        _COMMITS,
        any_repository=True,
    ),
    "commits-csv": Kind(
        f"one commit per row (repo_id, commit_id, date, authors) {_NAMED}; {_TYPED}", _COMMITS, any_repository=True
    ),
    "discussions-jsonl": Kind(
        "one discussion per record (repo_id, repo_type, num, author, created_at, status, is_pull_request), or one "
        f"repository per record with its list of `discussions`; {_TYPED}",
        _DISCUSSIONS,
        any_repository=True,
    ),
    "discussions-csv": Kind(
        f"one discussion per row (repo_id, num, author, created_at) {_NAMED}; {_TYPED}",
        _DISCUSSIONS,
        any_repository=True,
    ),
    "files-csv": Kind(
        f"one file that a commit changed per row (repo_id, commit_id, path) {_NAMED}, beside the commits; {_TYPED}",
        readers.changed_files,
        any_repository=True,
    ),
    "files-jsonl": Kind(
        "one file that a commit changed per record (repo_id, repo_type, commit_id, path), or one commit per record with "
        f"its list of `files`, beside the commits; {_TYPED}",
        readers.changed_files,
        any_repository=True,
    ),
    "links-csv": Kind(
        "one link per row: the columns `space` and `model` (or `space_id` and `model_id`)", readers.links
    ),
    "huggingkg": Kind(
        "HuggingKG's triples.txt: space, space_use_model, model between tabs become links", readers.triples
    ),
    "hfcommunity": Kind(
        "HFCommunity's database, v1.0 (to 2023) or v1.1, as mariadb-dump writes it (.sql, .sql.gz, .zip): "
        "repositories, commits, discussions, links",
        hfcommunity.read,
        published="hfcommunity",
        incomplete="HFCommunity keeps what was deleted",
    ),
    "hfcommunity-files": Kind(
        "the same, with the files that each commit changed: by far the largest table, for collaboration at file level",
        hfcommunity.read_with_files,
        published="hfcommunity",
        incomplete="HFCommunity keeps what was deleted",
    ),
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
            count = sum(counts.values())
            kinds = ", ".join(f"{n:,} {k if n == 1 else snapshot.PLURAL[k]}" for k, n in counts.items() if k != "all" and n)
            found.append(f"{table}: {count:,} {'row' if count == 1 else 'rows'}" + (f" ({kinds})" if kinds else ""))
        found += [f"rejected from {table}: {n:,} ({reason})" for (table, reason), n in self.rejected.items()]
        found += [f"repositories left out: {n:,} ({reason})" for reason, n in self.left_out.items()]
        found += [f"noted: {what}: {n:,}" for what, n in self.notes.items()]
        late = sum(n for (_, reason), n in self.rejected.items() if reason.endswith("after the snapshot"))
        if late:
            found.append(
                f"{late:,} of them carry a date after the snapshot's or before Git: if the dump is of a later day, import it "
                "as one of that day"
            )
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
    published: str = "",
    columns: Mapping[str, str] | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: bool = False,
) -> Summary:
    """Make the snapshot `name` from published dumps of one date (section 3.3).

    In: (kind of `KINDS`, file) per source; `published` is their row of data/sources.csv; `coverage` says whether they list
    every repository ("complete") or some ("sample", chosen by `rule`); `columns` maps a column to the files' name for it;
    `progress` reports on stderr. Out: what was written and what was not. Raises SnapshotError, one line: an unreadable
    file, an unknown choice, no usable row.
    """
    day = snapshot.new_date(snapshot.check_name(name), date)
    checked = [_source(kind, Path(path), columns or {}) for kind, path in sources]
    _check_coverage(coverage, rule, checked)
    if not checked:
        raise SnapshotError("nothing to import: expected at least one file")
    _check_named(checked, columns or {})
    _check_files(checked)
    described = _described(checked, title=title, origin=origin, licence=licence, published=published)
    described["files"] = [source.described() for source in checked]
    with suppress(_DryRun), _Meter(progress) as meter:
        writing = snapshot.Writer(name, date=day, synthetic=False, source=described, coverage={}, replace=replace)
        with writing as writer, _work_directory(name) as work:
            run = Intake(writer, Path(work), meter.at, meter.say)
            for source in checked:
                meter.start(source)
                run.read(source, KINDS[source.importer].read, KINDS[source.importer].about)
            run.finish(status=coverage, rule=rule)
            meter.say("sorting and checking")
            if dry_run:
                summary = _foreseen(run)
                raise _DryRun
        return written(snapshot.load(name))
    return summary


def _described(sources: Sequence[Source], **said: str) -> dict:
    """What the caller says of the source; where it says nothing, what is known of the only publisher of such a dump."""
    known = {"title": "Published dump", "origin": "", "licence": ""}
    for name in {KINDS[source.importer].published for source in sources} - {""}:
        row = pd.read_csv(paths.DATA / "sources.csv", index_col="name", keep_default_na=False).loc[name]
        known |= {"title": f"{row['title']} ({row['citation']})", "licence": row["licence"], "published": name}
    return known | {what: text for what, text in said.items() if text}


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


def _foreseen(run: Intake) -> Summary:
    """What a dry run met; repeats are not known yet."""
    tables: dict[str, dict[str, int]] = {}
    for table, kind in run.given():
        tables.setdefault(table, {})[kind] = run.counts[table, kind]
    return Summary(
        name=run.writer.name,
        snapshot=None,
        rows=tables,
        rejected=dict(sorted(run.writer.rejected.items())),
        left_out=dict(sorted(run.writer.left_out.items())),
        notes=dict(sorted(run.writer.notes.items())),
    )


def _source(kind: str, path: Path, columns: Mapping[str, str]) -> Source:
    importer, _, plural = kind.partition(":")
    kinds = {plural: kind for kind, plural in snapshot.PLURAL.items()}
    if importer not in KINDS:
        raise SnapshotError(f"kind {rows.shown(kind)!r}: expected one of {', '.join(KINDS)}")
    known = KINDS[importer]
    if plural and (not known.any_repository or plural not in kinds):
        choices = ", ".join(f":{plural}" for plural in kinds)
        more = f", or that with {choices}" if known.any_repository else " alone"
        raise SnapshotError(f"kind {rows.shown(kind)!r}: expected {importer}{more}")
    source = Source(importer, path, known.lists or kinds.get(plural), columns)
    source.check()
    return source


def _check_named(sources: Sequence[Source], columns: Mapping[str, str]) -> None:
    """A column that the user names is one that is read, and at least one of the files has it."""
    for column, given in columns.items():
        if column not in rows.COLUMNS:
            raise SnapshotError(f"column {rows.shown(column)!r}: expected one of {', '.join(rows.COLUMNS)}")
        if not given:
            raise SnapshotError(f"column {column}: expected the file's name for it, as in {column}=NAME")
        found = [files.columns_of(source) for source in sources]
        if not any(names is None or given in names for names in found):
            listed = rows.listing(name for names in found for name in names)
            raise SnapshotError(f"no column {rows.shown(given)!r} to be {column}; found {listed}")


def _check_files(sources: Sequence[Source]) -> None:
    """Files that commits changed are of use with the commits alone, which has to be said before all is read."""
    read = {source.importer.partition("-")[0]: source.file for source in sources}
    if "files" in read and not {"commits", "hfcommunity"} & read.keys():
        raise SnapshotError(f"{read['files']}: files that commits changed, without the commits; add --also commits-csv FILE")


def _check_coverage(coverage: str, rule: str, sources: Sequence[Source]) -> None:
    if coverage not in ("sample", "complete"):
        raise SnapshotError(f"coverage {rows.shown(coverage)!r}: expected sample or complete")
    if coverage == "complete" and rule:
        raise SnapshotError("coverage complete: expected no rule, for a rule tells how a sample was chosen")
    for why in filter(None, (KINDS[source.importer].incomplete for source in sources)):
        if coverage == "complete":
            raise SnapshotError(f"coverage complete: expected sample, for {why}")


class _Meter:
    """Progress on stderr: a bar on a terminal, else a line per tenth; no clock in the plain lines."""

    def __init__(self, shown: bool):
        self._console = Console(stderr=True, quiet=not shown, markup=False, highlight=False)
        columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn()
        self._bar = Progress(*columns, console=self._console) if shown and self._console.is_terminal else None
        self._task, self._file, self._size, self._tenth = None, "", 0, 0

    def __enter__(self):
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error):
        if self._bar:
            self._bar.stop()

    def start(self, source: Source) -> None:
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
