"""`snapshots`, `sources`, `fetch` and `select` on the command line, and what a run says of a snapshot that is not there."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from analysis import directories, snapshot, stored
from analysis.snapshot import SnapshotError
from analysis.sources import dumps, fetch, listed, selection

ORIGINS = {"hub": "https://huggingface.co/datasets/{}", "zenodo": "https://zenodo.org"}
said = Console(stderr=True, highlight=False, soft_wrap=True)


def snapshots() -> None:
    """List the snapshots: date, source, what they cover, rows and size."""
    table = Table("name", "date", "source", "covers", "rows", "size", box=None)
    for column in table.columns:
        column.no_wrap, column.overflow = column.header not in ("source", "covers"), "fold"  # a name is never cut
    broken = []
    for name in stored.names():
        try:
            loaded = snapshot.load(name)
        except SnapshotError as error:
            broken.append(str(error))
            continue
        tables = loaded.manifest["tables"].values()
        size = sum(entry["bytes"] for entry in tables)
        mark = "SYNTHETIC: " if loaded.synthetic else ""
        title = mark + str(loaded.manifest["source"].get("title", ""))
        rows = sum(entry["rows"] for entry in tables)
        table.add_row(name, str(loaded.date), title, _covers(loaded), f"{rows:,}", f"{size / 1e6:,.1f} MB")
    Console(highlight=False, markup=False).print(table if table.rows else "no snapshot yet: see `import --help`")
    for line in broken:
        said.print(f"error: {line}", style="red", markup=False)
    if broken:
        raise typer.Exit(1)


def _covers(loaded: snapshot.Snapshot) -> str:
    """Tables and kinds that are there, a sample marked with ~."""
    parts = []
    for name in snapshot.DATA_TABLES:
        kinds = snapshot.KINDS if name in snapshot.BY_KIND else (None,)
        there = [kind for kind in kinds if loaded.status(name, kind) != "absent"]
        if there:
            shown = [("~" if loaded.status(name, k) == "sample" else "") + snapshot.PLURAL.get(k, "") for k in there]
            parts.append(f"{name} ({', '.join(shown)})" if any(shown) else name)
    return "; ".join(parts)


def sources() -> None:
    """List what others published of the Hub and can be fetched: dates, what it covers, licence, size, citation."""
    out = Console(highlight=False, markup=False)
    for name, source in fetch.sources().iterrows():
        dates = f"{source['first']} to {source['last'] or 'today'}, {source['rhythm']}"
        facts = {
            "dates": source["first"] if source["first"] == source["last"] else dates,
            "covers": source["covers"],
            "lacks": source["lacks"],
            "licence": f"{source['licence']}; size: {source['size']}",
            "cite": source["citation"],
        }
        out.print(f"{name}: {source['title']}")
        grid = Table.grid(padding=(0, 2))
        for fact, text in facts.items():
            grid.add_row("", fact, text)
        out.print(grid)
    out.print("fetch NAME DATE downloads and imports one date; data/SOURCES.md says what each cannot tell.")


def fetch_(
    name: Annotated[str, typer.Argument(help="A source, as `sources` names them.")],
    date: Annotated[str, typer.Argument(help="YYYY-MM-DD, or YYYY-MM where a source has a few dates.")] = "",
    to: Annotated[str, typer.Option(help="Name of the snapshot; default: DATE-NAME.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what there is, how large, and on which terms.")
    ] = False,
    import_it: Annotated[bool, typer.Option("--import/--no-import", help="Whether to make a snapshot of it.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a snapshot of that name.")] = False,
) -> None:
    """Download one date of a published source, check it, and import it as a snapshot.

    Needs a network. What is downloaded is kept under data/raw/DATE-NAME/, and the same command goes on where it was
    stopped.

    Examples: `fetch hfcommunity 2023-10`, `fetch weyaxi 2023-10-19`, `fetch hub-weekly 2025-01-01`, `fetch huggingkg`
    """
    planned = fetch.plan(name, date)
    if import_it and (to or not planned.days):
        snapshot.check_free(to or planned.name, replace=force)
    if import_it and not planned.days:
        snapshot.new_date(to or planned.name, planned.date.isoformat())
    say(planned)
    if not dry_run:
        made = brought(planned, to=to, import_it=import_it, replace=force)
        print(made or planned.directory)


def select(
    name: Annotated[str, typer.Argument(help="Name of the snapshot.")],
    other: Annotated[str, typer.Option("--only-in", metavar="OTHER", help="The snapshot whose repositories stay.")],
    to: Annotated[str, typer.Option(help="Name of the new snapshot; default: NAME-only-in-OTHER.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a snapshot of that name.")] = False,
) -> None:
    """Make a snapshot of those repositories of another one that a second one lists too, with what belongs to them.

    What goes is counted, by kind, in the new snapshot, and listed in its `rejected.parquet`.

    Example, HFCommunity without what had been deleted: `select 2023-10-09-hfcommunity --only-in 2023-10-19-weyaxi`
    """
    made = selection.only_in(name, other, to, replace=force)
    print("\n".join(dumps.written(made).lines()))
    print(made.name)


def changed_files(
    name: Annotated[str, typer.Argument(help="Name of a snapshot with commits.")],
    to: Annotated[str, typer.Option(help="Name of the new snapshot; default: NAME-with-files.")] = "",
    kind: Annotated[str, typer.Option(help="model, dataset or space.")] = "model",
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many repositories, drawn.")] = None,
    origin: Annotated[str, typer.Option(help="Where the repositories are cloned from; default: the Hub, or HF_ENDPOINT.")] = "",
    wait: Annotated[int, typer.Option(min=1, help="Seconds that one repository may take.")] = 600,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many repositories would be asked, and stop.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a snapshot of that name.")] = False,
) -> None:
    """Make a snapshot that also says which files each commit changed, from blobless clones of its repositories.

    Needs git and a network. Asked are repositories whose commits name several authors. Answers are kept under
    data/raw/NAME-with-files/files/, and the same command goes on where it was stopped; who refused is asked again.

    Example: `changed-files 2024-12-04 --sample 1000`
    """
    from analysis.sources import clones  # imported here: the Hub's client takes 0.1 s of processor time

    def line(text: str) -> None:
        said.print(text, markup=False)

    made = clones.with_files(
        name, to, kind=kind, sample=sample, origin=origin, longest_wait=wait, dry_run=dry_run, replace=force, said=line
    )
    if made:
        print("\n".join(dumps.written(made).lines()))
        print(made.name)


def say(planned: fetch.Plan) -> None:
    """Size and licence, before anything is downloaded."""
    size = f"{planned.size / 1e6:,.1f} MB" if planned.size is not None else "a size that is not said"
    said.print(
        f"{planned.source['title']}, {planned.date}: {len(planned.files)} files, {size}; licence: {planned.licence}"
    )
    said.print(f"cite: {planned.source['citation']}", markup=False)
    if planned.note:
        said.print(f"note: {planned.note}", markup=False)


def brought(planned: fetch.Plan, *, to: str = "", import_it: bool = True, replace: bool = False) -> str:
    """Download and import; returns the snapshot's name, "" where nothing was imported. Raises SnapshotError."""
    files = _downloaded(planned)
    if not import_it or not all(file.kind for file in planned.files):
        return ""
    day = fetch.taken(planned, files).isoformat()
    name = to or f"{day}-{planned.source.name}"
    return _imported(planned, files, name, "" if name.startswith(day) else day, replace=replace)


def _downloaded(planned: fetch.Plan) -> list[Path]:
    """The files, with bars on a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=said, disable=not said.is_terminal) as bars:
        tasks: dict[str, int] = {}

        def progress(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        planned.directory.mkdir(parents=True, exist_ok=True)
        busy = f"another fetch writes to {planned.directory}: waiting for it to end"
        with directories.alone(planned.directory / ".lock", busy=busy, said=said.print):
            files = list(fetch.fetch(planned, progress=progress))
    said.print(f"{len(files)} files are in {planned.directory}", markup=False)
    return files


def _imported(planned: fetch.Plan, files: list[Path], name: str, date: str, *, replace: bool) -> str:
    """Make the snapshot; returns its name."""
    kinds = [file.kind for file in planned.files]
    done = dumps.import_dumps(
        name,
        list(zip(kinds, files, strict=True)),
        date=date,
        coverage="complete" if any(kind.startswith("hub-listing") for kind in kinds) else "sample",
        title=f"{planned.source['title']} ({planned.source['citation']})",
        origin=ORIGINS[planned.source["service"]].format(planned.source["place"]),
        licence=planned.licence,
        published=planned.source.name,
        replace=replace,
        progress=True,
    )
    said.print("\n".join(done.lines()), markup=False)
    return name


def fetched(name: str) -> str:
    """Fetch the snapshot of a day from the first source that lists it; returns the snapshot's name. Raises SnapshotError.

    What was taken on another day, as a week's listing at its end, is named after that day; where that is there already it
    is not made again.
    """
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        raise SnapshotError(f"--fetch: {name[:60]!r} is no day; expected --snapshot YYYY-MM-DD") from None
    if not (there := listed.with_date(day)):
        raise SnapshotError(f"--fetch: no source lists {day}; `sources` says which days there are")
    planned = fetch.plan(there[0]["name"], name)
    say(planned)
    files = _downloaded(planned)
    found = fetch.taken(planned, files)
    made = name if found == day else f"{found}-{planned.source.name}"
    if found != day:
        said.print(f"{planned.source.name}: what covers {day} was taken on {found}, so the snapshot is {made}", markup=False)
    return made if made in stored.names() else _imported(planned, files, made, "", replace=False)
