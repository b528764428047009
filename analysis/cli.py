"""From a snapshot of the Hub to the paper. Without a command: `run`, with the options that `run --help` names.

Results go to stdout (the last line of `run` is the directory of its results), everything else to stderr. Exit codes: 0
done, 1 failed, 2 wrong usage, 3 done but for the PDF. What the first call installs, and where, stands at the head of
`run_all.sh`.
"""

import math
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from analysis import directories, opening, paths, programs, references, run, snapshot, stored
from analysis import lab as lab_
from analysis.merging import commands
from analysis.page import archive as archives
from analysis.parameters import ParameterError, Parameters, check, check_values, parse
from analysis.results import RunError, find, read_results
from analysis.snapshot import SnapshotError
from analysis.sources import commands as source_commands
from analysis.sources import dumps, listed, pseudonyms
from analysis.text import broken_at_dots, fitting, visible

if TYPE_CHECKING:
    from analysis.compare import Comparison

# Imported by the commands that need them, in seconds of processor time: compare 0.7 (matplotlib), site 0.5 (nbconvert),
# the ledger, check, explain and the twin 0.2 each (scipy), the collector 0.1. All of them would double every start.

WITHOUT_PDF = 3
INTERRUPTED = 130  # as a shell reports a command that Ctrl-C ended
DEFAULT_SNAPSHOT = "2023-10-15-twin"  # what a run without --snapshot reads
WIDE = 150  # columns that a table with sentences in it needs
_KINDS = "\n".join(f"- `{name}`: {kind.about}" for name, kind in dumps.KINDS.items())
_IMPORT_HELP = f"""Make a snapshot from published dumps of one day.

Kinds of dump:

{_KINDS}

Examples: `./run_all.sh import models-jsonl models.jsonl.gz --name 2022-02-21 --also links-csv links.csv`

`./run_all.sh import commits-csv commits.csv --name 2023-11-06 --column repo_id=model --column date=when`
"""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=__doc__,
)
SNAPSHOTS, RESULTS, BY_HAND = "Snapshots", "Results", "Tests and notebooks"  # the parts of the list of commands
app.add_typer(commands.app, name="people", short_help="which names are one person's", rich_help_panel=SNAPSHOTS)
app.command("snapshots", short_help="list the snapshots", rich_help_panel=SNAPSHOTS)(source_commands.snapshots)
app.command("sources", short_help="what others published of the Hub", rich_help_panel=SNAPSHOTS)(source_commands.sources)
app.command("fetch", short_help="a snapshot from a published source", rich_help_panel=SNAPSHOTS)(source_commands.fetch_)
app.command("select", short_help="those repositories that another snapshot lists too", rich_help_panel=SNAPSHOTS)(
    source_commands.select
)
app.command("changed-files", short_help="ask Git which files commits changed", rich_help_panel=SNAPSHOTS)(
    source_commands.changed_files
)
said = Console(stderr=True, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what the user can mend is said in one line, with exit code 1 (2 for wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    paths.settle()
    try:
        opening.check(arguments)
        sys.exit(app(arguments, prog_name="./run_all.sh", standalone_mode=False))
    except ParameterError as error:
        _fail(visible(str(error)), 2)
    except typer.TyperException as error:  # what Typer itself finds wrong
        context = getattr(error, "ctx", None)
        more = f" ({context.command_path} --help says more)" if context else ""
        _fail(visible(" ".join(error.format_message().split())) + more if error.format_message() else "", 2)
    except (SnapshotError, RunError) as error:
        _fail(visible(str(error), keep="\n"), 1)
    except OSError as error:
        if not error.strerror:
            raise
        _fail(visible(f"{error.filename or 'the system says'}: {error.strerror}"), 1)
    except typer.Abort:
        sys.exit(INTERRUPTED)


def _fail(text: str, code: int) -> NoReturn:
    if text:  # none where the help was shown
        _say(f"error: {text}", style="red")
    sys.exit(code)


def _a_number(value: float | None) -> float | None:
    """For options that take a number: "nan" is one for Python, and lies in every range."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan is no number")
    return value


def _say(text: str, *, style: str = "") -> None:
    """A line on stderr; a terminal breaks it between words."""
    said.print(text, style=style, markup=False, soft_wrap=not said.is_terminal)


def _print(lines: Iterable[str]) -> None:
    """Lines on stdout; a terminal breaks them between words, and what goes on is indented."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in lines:
        print(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) if width else line)


@contextmanager
def _bars():
    """Progress bars on a terminal; elsewhere nothing is drawn and the caller prints lines."""
    state = TextColumn("{task.fields[state]}")
    columns = (TextColumn("{task.description}"), BarColumn(20), state, TimeElapsedColumn())  # in 80 columns
    with Progress(*columns, console=said, disable=not said.is_terminal) as progress:
        yield progress


@app.command("run", short_help="run the notebooks on a snapshot, build paper and page", rich_help_panel=RESULTS)
def run_(
    snapshot_name: Annotated[str, typer.Option("--snapshot", help="Name of the snapshot (see `snapshots`).")] = "",
    as_of: Annotated[str, typer.Option("--as-of", help="Ignore what happened after this day (YYYY-MM-DD).")] = "",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="Any parameter of the notebooks; repeatable.")
    ] = None,
    paper: Annotated[bool, typer.Option("--paper/--no-paper", help="Whether to build the PDF.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would run, and stop.")] = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch the snapshot of a day that is not there from a source that lists it.")
    ] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Run the notebook `robustness` too: other rules, null models, tails.")
    ] = False,
    beside: Annotated[
        str, typer.Option(metavar="NAME", help="Say what a second snapshot of about the same day, of another source, changes.")
    ] = "",
) -> None:
    """Run the notebooks on a snapshot, build the paper and the page of the run.

    Several snapshots (`A,B`), or a range of days (`START..END/quarter`), are compared instead: see `compare`.

    Prints the directory of the results as the last line. Exit codes: 0 done; 1 failed; 2 wrong usage; 3 all but the PDF.
    """
    values = parse(parameter or [])
    options = {"snapshot_date": snapshot_name, "as_of": as_of, "beside": beside}
    given = {name: value for name, value in options.items() if value}
    for name in given.keys() & values.keys():
        raise ParameterError(f"-p {name}={values[name]}: {name} is given by an option too; give it once")
    if "snapshot_date" not in given | values:
        given["snapshot_date"] = _default_snapshot(values | given, make=not dry_run)
    asked = _asked(values | given, fetch=fetch and not dry_run)
    if not isinstance(asked, Parameters):
        _compare(asked, anew=False, dry_run=dry_run)
        return
    if paper:
        run.check_paper(asked)
    loaded = snapshot.load(asked.snapshot_date)
    snapshot.validate(loaded, again=False)
    synthetic = " (SYNTHETIC)" if loaded.synthetic else ""
    _say(f"snapshot {loaded.name}{synthetic}, {loaded.date}: valid; results go to {_relative(asked.directory)}")
    if asked.before_dates:
        said.print(f"note: {asked.before_dates}", style="yellow")
    notebooks = run.ALL if robustness else run.NOTEBOOKS
    if dry_run:
        _say(f"would run {', '.join(notebooks)}{' and build the paper' if paper else ''}")
        return
    if asked.beside:
        snapshot.validate(snapshot.load(asked.beside), again=False)
        _make(asked.other)
    with directories.claimed(asked.directory, said=_say):
        _whole_run(asked, notebooks=notebooks, paper=paper)


def _asked(values: Mapping, *, fetch: bool = False) -> "Parameters | Comparison":
    """The run, or the comparison, that the values ask for, and whose directory can be written; nothing is made yet."""
    from analysis import compare as snapshots_compared

    asked = check_values(values)
    if snapshots_compared.wants(values):
        asked = snapshots_compared.plan(asked)
    else:
        if asked.out_dir:  # before anything is fetched
            directories.check(asked.directory)
        asked = check({**values, "snapshot_date": _snapshot_of(asked.snapshot_date, fetch=fetch)})
    directories.check(asked.directory)
    if isinstance(asked, Parameters) and asked.beside:
        directories.check(asked.other.directory)
    return asked


def _whole_run(parameters: Parameters, *, notebooks: Sequence[str], paper: bool) -> None:
    from analysis.page import site

    with ThreadPoolExecutor(1) as beside:  # apt-get and LaTeX are processes of their own: work goes on here meanwhile
        tex = beside.submit(programs.ensure, _warn) if paper else None
        _run_notebooks(parameters, notebooks)
        document = run.collect(parameters)
        lacking = tex.result() if tex else []
        _say_verdicts(document)
        compiled = beside.submit(run.build_paper, parameters) if paper and not lacking else None
        page = site.build(parameters.directory, paper_follows=compiled is not None)
    if compiled:
        said.print(f"paper: {_relative(compiled.result())}")
    said.print(f"page: {_relative(page)}")
    print(parameters.directory)
    if lacking:
        raise typer.Exit(WITHOUT_PDF)


def _warn(line: str) -> None:
    said.print(line, style="yellow", markup=False)


def _snapshot_of(name: str, *, fetch: bool) -> str:
    """The snapshot's name; of a day that is not there, it says who lists that day, or fetches it where that was asked."""
    if name in stored.names():
        return name
    if fetch:
        return source_commands.fetched(name)
    for line in listed.offers(name):
        said.print(line, markup=False)
    return name


def _default_snapshot(values: Mapping, *, make: bool) -> str:
    """The full-size synthetic twin, made where it is absent and the other values are right; a dry run takes demo."""
    if DEFAULT_SNAPSHOT in stored.names():
        return DEFAULT_SNAPSHOT
    check_values(values)
    if "demo" in stored.names():
        _asked({**values, "snapshot_date": "demo"})  # of the same day: what is wrong is said before the twin is made
    if not make:
        said.print(f"{DEFAULT_SNAPSHOT} is absent and would be made; checking with demo")
        return "demo"
    twin()
    return DEFAULT_SNAPSHOT


def _run_notebooks(parameters: Parameters, names: Sequence[str] = run.NOTEBOOKS) -> None:
    with _bars() as bars:
        tasks = {name: bars.add_task(name, total=1, state="waiting") for name in names}

        def progress(name: str, done: int, cells: int) -> None:
            if not done:
                bars.reset(tasks[name])  # its time counts from here
            state = f"{done} of {cells} cells" if cells else "starting"
            bars.update(tasks[name], completed=done, total=cells or 1, state=state)
            if done == cells > 0 and not said.is_terminal:
                said.print(f"{name}: {cells} cells done")

        run.run_notebooks(parameters, names=names, progress=progress)


def _say_verdicts(document: Mapping) -> None:
    """The ledger in three lines: verdicts by kind."""
    import pandas as pd

    from analysis.study import ledger, published

    values = {name: entry["value"] for name, entry in document["results"].items()}
    counted = pd.DataFrame(
        {
            ledger.SHORT[verdict]: {kind: values[f"ledger.{kind}.{slug}"] for kind in published.VALUE_KINDS}
            for verdict, slug in ledger.SLUGS.items()
        }
    )
    said.print(_rich(counted.rename_axis("values of the study").reset_index(), title=ledger.heading(document)))
    _say(ledger.expectation(document))


def _relative(path: Path) -> str:
    """The path as the user would type it."""
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)


@app.command("import", short_help="a snapshot from published dumps", rich_help_panel=SNAPSHOTS, help=_IMPORT_HELP)
def import_(
    kind: Annotated[str, typer.Argument(help="What the dump is: see the list below.")],
    file: Annotated[
        list[Path], typer.Argument(help="The file: plain, gz or zst. One per kind.", exists=True, dir_okay=False)
    ],
    name: Annotated[str, typer.Option(help="Name of the snapshot: its ISO date, with a suffix where needed.")],
    also: Annotated[
        list[str] | None, typer.Option(metavar="KIND FILE", help="Another dump of the same day; repeatable.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=NAME", help="The file's own name for a column, as repo_id=model; repeatable."),
    ] = None,
    date: Annotated[str, typer.Option(help="The snapshot's date, where its name does not begin with it.")] = "",
    coverage: Annotated[
        str, typer.Option(help="`complete`: the dumps list every repository; `sample`: some.")
    ] = "sample",
    rule: Annotated[str, typer.Option(help="How a sample was chosen, in words.")] = "",
    title: Annotated[str, typer.Option(help="What the dump is called; the paper names it.")] = "",
    origin: Annotated[str, typer.Option(help="Where it was published; the paper names it.")] = "",
    licence: Annotated[str, typer.Option(help="Terms of the dump; the paper names them.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a snapshot of that name.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, say what would be written, write nothing.")
    ] = False,
) -> None:
    kinds = [kind, *(also or [])]
    if len(kinds) != len(file):
        raise ParameterError(
            f"{len(kinds)} kinds for {len(file)} files: expected KIND FILE, then --also KIND FILE for each further one"
        )
    columns = dict(one.partition("=")[::2] for one in column or [])
    summary = dumps.import_dumps(
        name, list(zip(kinds, file, strict=True)), columns=columns, date=date, coverage=coverage, rule=rule, title=title,
        origin=origin, licence=licence, replace=force, dry_run=dry_run, progress=True,
    )  # fmt: skip
    print("\n".join(summary.lines()))


@app.command("collect", short_help="a snapshot from the live Hub", rich_help_panel=SNAPSHOTS)
def collect(
    date: Annotated[str, typer.Option(help="The snapshot's date (YYYY-MM-DD), or `today` (UTC).")] = "today",
    name: Annotated[str, typer.Option(help="Name of the snapshot, where it is not the date.")] = "",
    kinds: Annotated[str, typer.Option(help="Some of models, datasets, spaces, with commas.")] = "models,datasets,spaces",
    what: Annotated[str, typer.Option(help="Some of repos, commits, discussions, usage, with commas; default: all.")] = "",
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many repositories of each kind, drawn.")] = None,
    ids: Annotated[
        Path | None, typer.Option(help="Only the repositories of this file: models/owner/name, one a line.", dir_okay=False)
    ] = None,
    owner: Annotated[str, typer.Option(help="Only the repositories of this account.")] = "",
    since: Annotated[str, typer.Option(metavar="SNAPSHOT", help="Ask only what changed since this snapshot.")] = "",
    all_discussions: Annotated[
        bool, typer.Option("--all-discussions", help="With --since: ask for the discussions of every repository.")
    ] = False,
    token_from: Annotated[
        str, typer.Option(metavar="ENV|FILE", help="Variable or file that holds the token; default: the stored one.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the listings, say how many requests and how long it takes, and stop.")
    ] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Build the snapshot from the journal alone, offline.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a snapshot of that name.")] = False,
) -> None:
    """Collect a snapshot from the live Hub, or go on with one that was interrupted; the same command does both.

    HF_ENDPOINT names another Hub. Progress and answers are kept under data/raw/NAME/.
    """
    from analysis.sources.hub import choice as hub_choice
    from analysis.sources.hub import collector

    choice = hub_choice.choose(
        name, date=date, kinds=kinds.split(","), what=what.split(",") if what else (), sample=sample, ids=ids,
        owner=owner, since=since, all_discussions=all_discussions,
    )  # fmt: skip
    if others := collector.unfinished(besides=choice.name):
        _say(f"unfinished: {others}; go on with one by --name NAME --date DATE")
    try:
        done = collector.collect(choice, token_from=token_from, dry_run=dry_run, replay=replay, replace=force, progress=True)
    except collector.Interrupted as stopped:
        _say(f"{stopped}")
        raise typer.Exit(INTERRUPTED) from None
    _print([*done.lines(), *([] if dry_run else collector.last_lines(done.snapshot))])


@app.command("pseudonymise", short_help="a snapshot that can be shared", rich_help_panel=SNAPSHOTS)
def pseudonymise(
    name: Annotated[str, typer.Argument(help="Name of the snapshot.")],
    key_file: Annotated[Path, typer.Option(help="File with the secret key, 32 bytes or more; keep it to yourself.")],
    to: Annotated[str, typer.Option(help="Name of the new snapshot; default: NAME-shared.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a snapshot of that name.")] = False,
) -> None:
    """Make a snapshot that can be shared: developers' names become keyed hashes, every result stays the same."""
    made = pseudonyms.pseudonymise(name, key_file, to or f"{name}-shared", replace=force)
    print(f"{made.name}: written")


@app.command("twin", short_help="make the SYNTHETIC twin of the Hub of October 2023", rich_help_panel=SNAPSHOTS)
def twin(
    date: Annotated[str, typer.Option(help="The day that the twin stands for.")] = "2023-10-15",
    scale: Annotated[
        float,
        typer.Option(min=0.001, max=100, callback=_a_number, help="Size against the Hub of October 2023; same shape."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed, another twin of that shape.")] = 2023,
    force: Annotated[bool, typer.Option("--force", help="Replace a twin of that name.")] = False,
) -> None:
    """Make the SYNTHETIC twin of the Hub of October 2023 from the study's published aggregates alone.

    At full size it takes about twenty seconds and 0.6 GiB. data/README.md says what may be concluded from it.
    """
    from analysis.sources.twin import generator as source

    source.check(date=date, scale=scale, seed=seed, replace=force)
    said.print("making the synthetic twin: about twenty seconds at full size")
    made = source.make(date=date, scale=scale, seed=seed, replace=force)
    rows = ", ".join(f"{table} {entry['rows']:,}" for table, entry in made.manifest["tables"].items())
    said.print(f"{made.name}: written ({rows})")


@app.command("ledger", short_help="the study's values beside those of a run", rich_help_panel=RESULTS)
def ledger(
    name: Annotated[str, typer.Argument(help="A run: its name in paper/generated, as demo, or the path of its out_dir.")],
    verdict: Annotated[str, typer.Option(help="Only these: matches, differs, undecided, not_covered or impossible.")] = "",
    section: Annotated[str, typer.Option(help="Only this place of the study: 4.1 (with 4.1.1 ...), 'Table 6'.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="The rows as CSV, unrounded, without the summary.")] = False,
) -> None:
    """Put the study's printed values beside those of a run: verdicts, and a summary by section."""
    from analysis.study import ledger
    from analysis.study.verdicts import verdicts_by_section

    if verdict.replace("-", "_") not in ("", *ledger.SLUGS.values()):
        raise ParameterError(f"--verdict {verdict[:60]}: expected one of {', '.join(ledger.SLUGS.values())}")
    document = read_results(name)
    whole = ledger.ledger_rows(document)
    rows = ledger.select_rows(whole, verdict=verdict.replace("-", "_"), section=section)
    if section and ledger.select_rows(whole, section=section).empty:
        raise ParameterError(f"--section {section[:60]}: no value is printed there; try 4.1, 'Table 6' or Abstract")
    if csv:
        mark = ledger.DATA_MARKS[document["snapshot"]["synthetic"]]
        print(rows.assign(data=mark).to_csv(index=False, lineterminator="\n"), end="")
        return
    out = Console(highlight=False, markup=False)
    out.width = out.width if out.is_terminal else WIDE
    texts = ledger.as_texts(rows)
    if out.width < WIDE:
        texts = texts.drop(columns=["difference", "tolerance", "kind", "why", "note"])
        texts = texts.assign(value=texts["value"].map(broken_at_dots), verdict=texts["verdict"].replace(ledger.SHORT))
        said.print(f"kinds, reasons and notes need {WIDE} columns; --csv has them too")
    most = {"published": 13, "ours": 13} if out.width < WIDE else None  # names of strangers, which the ids leave no more room
    out.print(_rich(texts, title=ledger.heading(document), most=most))
    summary = verdicts_by_section(rows).rename(columns=ledger.SHORT)
    out.print(_rich(summary, title=f"{ledger.heading(document)}: summary"))


def _rich(frame, *, title: str, most: Mapping[str, int] | None = None) -> Table:
    """A frame as a table for the terminal; columns of numbers to the right. `most`: characters of a column's lines."""
    table = Table(title=title, box=None, title_justify="left", title_style="bold")
    for column in frame.columns:
        is_count = frame[column].dtype.kind in "iu"
        share = 1 if column == "note" else None
        justify = "right" if is_count else "left"
        table.add_column(str(column), justify=justify, overflow="fold", ratio=share, max_width=(most or {}).get(column))
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    return table


@app.command("compare", short_help="snapshots side by side, or one over time", rich_help_panel=RESULTS)
def compare(
    snapshots: Annotated[
        list[str], typer.Argument(help="Snapshots, or one with a range; NAME@DATE is one as of a day.")
    ],
    as_of: Annotated[str, typer.Option(help="A day for all of them, or START..END/STEP for one.")] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="Any other parameter, for every run; repeatable."),
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Make the runs again, also those that are of today.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would run, and stop.")] = False,
) -> None:
    """Set the results of snapshots side by side, or those of one snapshot over time.

    Values, verdicts, orders of groups, repositories that came and went, trends. Runs that are absent or out of date are
    made first. STEP is month, quarter or year: `compare 2024-12-04 --as-of 2021-01-01..2023-10-01/quarter`.
    Prints the directory of the results as the last line.
    """
    from analysis import compare as snapshots_compared

    values = parse(parameter or [])
    for name in {"snapshot_date", *(["as_of"] if as_of else [])} & values.keys():
        raise ParameterError(f"-p {name}={values[name]}: {name} is given already; give it once")
    given = {"snapshot_date": ",".join(snapshots), **({"as_of": as_of} if as_of else {})}
    compared = snapshots_compared.plan(check_values(values | given))
    directories.check(compared.directory)
    _compare(compared, anew=anew, dry_run=dry_run)


def _compare(compared: "Comparison", *, anew: bool, dry_run: bool) -> None:
    """Make the runs that are absent or out of date, compare them, and say what a reader has to know first."""
    from analysis import compare as snapshots_compared

    for parameters in compared.runs if not compared.over_time else ():
        directories.check(parameters.directory)
    loaded = [snapshot.load(name) for name in dict.fromkeys(parameters.snapshot_date for parameters in compared.runs)]
    said.print(f"{len(compared.runs)} runs are compared; results go to {_relative(compared.directory)}", markup=False)
    for one in loaded:
        snapshot.validate(one, again=False)
    if compared.over_time:
        said.print(f"as of {', '.join(parameters.as_of for parameters in compared.runs)}")
    else:
        for parameters in dict.fromkeys(compared.runs):
            _make(parameters, anew=anew, dry_run=dry_run)
    if dry_run:
        return
    from analysis.page import comparison

    for line in snapshots_compared.warnings(snapshots_compared.headers(compared)):
        said.print(f"warning: {line}", style="yellow", markup=False)
    with directories.claimed(compared.directory, said=_say):
        run.run_comparison(compared.asked, compared.directory, said=_say)
        _say(f"page: {_relative(comparison.build(compared))}")
    print(compared.directory)


def _make(parameters: Parameters, *, anew: bool = False, dry_run: bool = False) -> None:
    """The results of a run, without paper and page: made where they are absent or out of date."""
    from analysis import compare as snapshots_compared

    with nullcontext() if dry_run else directories.claimed(parameters.directory, said=_say):
        why = "to be made anew" if anew else snapshots_compared.why_run(parameters)
        _say(f"{parameters.run_name}: {f'its results are {why}; it is run' if why else 'its results are there'}")
        if why and not dry_run:
            _run_notebooks(parameters)
            run.collect(parameters)


@app.command("validate", short_help="read every value of a snapshot", rich_help_panel=SNAPSHOTS)
def validate(name: Annotated[str, typer.Argument(help="Name of the snapshot.")]) -> None:
    """Read every value of a snapshot: schema, keys, references, dates, counts. One line per problem, exit code 1."""
    loaded = snapshot.load(name)
    snapshot.validate(loaded)
    rows = ", ".join(f"{table} {entry['rows']:,}" for table, entry in loaded.manifest["tables"].items())
    print(f"{name}: valid ({rows})")


@app.command(
    "test",
    short_help="lint, all tests, the notebooks against their results",
    rich_help_panel=BY_HAND,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def test(
    context: typer.Context,
    no_paper: Annotated[
        bool, typer.Option("--no-paper", help="Install neither TeX nor a browser; what needs them is skipped.")
    ] = False,
) -> None:
    """Run the linter, all tests, and the notebooks against their stored outputs: exit code 1 if one of them fails.

    With arguments it runs `pytest ARGUMENTS` in the project's directory instead, as in
    `./run_all.sh test tests/test_licenses.py -k groups`.
    """
    from analysis import check as checks

    if not no_paper:
        programs.ensure(_warn, for_tests=True)
    if not checks.tests_pass(context.args):
        raise typer.Exit(1)


@app.command("lab", short_help="JupyterLab on a copy of the notebooks", rich_help_panel=BY_HAND)
def lab(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of 127.0.0.1; the next free one if it is taken.")] = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    anew: Annotated[bool, typer.Option("--anew", help="Copy the notebooks again, over what you changed.")] = False,
) -> None:
    """Open JupyterLab on a copy of the notebooks, in `notebooks/lab/`; the stored ones are references and stay clean.

    A copy that is there already is kept. What you run there writes its results to `notebooks/lab/results/`. The server
    listens on 127.0.0.1 alone.
    """
    lab_.serve(lab_.copy(anew=anew, said=_warn), port=port, browser=browser)


@app.command("update-references", short_help="store the results of demo as the tests' references", rich_help_panel=BY_HAND)
def update_references(
    snapshot_name: Annotated[
        str, typer.Option("--snapshot", help="demo, or the twin (2023-10-15-twin), whose results alone are stored.")
    ] = "demo",
) -> None:
    """Rewrite the executed notebooks and the reference results of `demo`, or the twin's results; say what changed."""
    parameters = references.check_name(snapshot_name)
    directories.check(parameters.directory)
    with directories.claimed(parameters.directory, said=_say):
        for line in references.update(snapshot_name):
            print(line)


@app.command("check", short_help="run anew: is everything as published?", rich_help_panel=RESULTS)
def check_(
    snapshot_name: Annotated[
        str, typer.Option("--snapshot", help="Of the snapshots with references: demo and the twin.")
    ] = DEFAULT_SNAPSHOT,
) -> None:
    """Run anew and say, in one screen, whether everything is as published: exit code 0 if it is, 1 if something moved.

    Where another machine writes last digits otherwise, or draws the same data otherwise, that is said, with exit code 0.
    The environment against the lock; results and figures against the committed references; the notebooks' stored
    outputs (nbval); the ledger's counts.
    """
    from analysis import check as checks
    from analysis.study import ledger

    references.stored(snapshot_name)  # before the work, not after it
    directory = paths.generated() / f"{snapshot_name}.check"  # a finished run of the snapshot stays as it is
    directories.check(directory)
    if snapshot_name == DEFAULT_SNAPSHOT:
        _default_snapshot({"out_dir": str(directory)}, make=True)
    parameters = check({"snapshot_date": snapshot_name, "out_dir": str(directory)})
    snapshot.validate(snapshot.load(snapshot_name), again=False)
    with directories.claimed(directory, said=_say):
        _run_notebooks(parameters, references.notebooks_of(snapshot_name))
        document = run.collect(parameters)
        said.print("nbval: runs the notebooks on demo and compares every output")
        found = checks.findings(document, parameters.directory)
    table = Table("", "question", "answer", box=None, pad_edge=False)
    for finding in found:
        table.add_row(finding.state, finding.question, "\n".join(finding.lines()))
    out = Console(highlight=False, markup=False)
    out.print(ledger.heading(document))
    out.print(table)
    if line := checks.to_do(found, snapshot_name):
        out.print(f"what to do: {line}", soft_wrap=True)
    if not all(finding.holds for finding in found):
        raise typer.Exit(1)


@app.command("explain", short_help="what a number is and where it comes from", rich_help_panel=RESULTS)
def explain(
    result_id: Annotated[str, typer.Argument(help="Id of a result, as rq2.all.k1.recip.")],
    run_name: Annotated[str, typer.Option("--run", help="A run: its name, or the path of its out_dir.")] = DEFAULT_SNAPSHOT,
) -> None:
    """Say of one result what it is: value, definition, place in the study, notebook, cell, and what went in.

    `./run_all.sh explain rq2` (or any beginning of an id) names ids that begin so.
    """
    from analysis.page import explain as explaining

    told = explaining.explain(read_results(run_name), find(run_name), result_id)
    out = Console(highlight=False, markup=False, soft_wrap=True)
    for line in told.lines():
        out.print(fitting(line, out.width) if out.is_terminal else line)


@app.command("archive", short_help="a paper's sources in one zip", rich_help_panel=RESULTS)
def archive(
    run_name: Annotated[
        str, typer.Argument(help="A run whose paper was built: its name, or the path of its out_dir.")
    ] = DEFAULT_SNAPSHOT,
) -> None:
    """Make one zip of a paper for an editor or an archive, and compile it in an empty folder with plain pdflatex."""
    read_results(run_name)
    directory = find(run_name)
    archives.bibliography_of(directory)
    with directories.claimed(directory, said=_say):
        made = archives.write(directory)
    size = made.stat().st_size / 1e6
    said.print(f"{_relative(made)}: {size:.1f} MB; compiling it in an empty folder")
    said.print(f"compiles alone: {archives.compile_alone(made)} pages")
    print(_relative(made))
