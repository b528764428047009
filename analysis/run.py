"""The road from a snapshot to the paper: check the parameters, run the notebooks side by side, build the PDF.

The processes of the notebooks are started before this module's own imports: what a step needs is imported in that step,
which for engine, study and page together takes 0.9 s of processor time.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import directories, kernels, paths, spark, variables
from analysis.results import RunError

if TYPE_CHECKING:
    from jupyter_client.manager import KernelManager

    from analysis.parameters import Parameters

NOTEBOOKS = ("people_sensitivity", "rq2_network", "rq1_activity", "rq3_adoption")  # the longest first
ROBUSTNESS = "robustness"  # takes longer than any other, so it is run where it is asked for
ALL = (ROBUSTNESS, *NOTEBOOKS)
NOT_FOR_TEX = set(':;,${}\\"`')  # in a path: they part, quote or expand it


def run_notebooks(
    parameters: Parameters, *, names: Sequence[str] = NOTEBOOKS, progress: kernels.Progress = lambda *_: None
) -> Path:
    """Execute the notebooks under the parameters, side by side; returns the results' directory.

    The directory is emptied first, so nothing of an earlier run is reused. The first failing cell ends the others too
    and raises RunError.
    """
    out_dir = _emptied(parameters.directory)
    if parameters.engine != "duckdb":
        spark.serve(parameters.engine, out_dir)
    one = partial(execute, directory=out_dir / "notebooks", values=replace(parameters, out_dir="").changed())
    env = variables.clean() | {paths.OF_THE_RUN: str(out_dir)}
    kernels.side_by_side(one, names, env=env, progress=progress)
    return out_dir


def run_comparison(asked: Parameters, out_dir: Path, *, said: Callable[[str], None] = lambda _: None) -> Path:
    """Execute the notebook that compares runs which are done, or steps over time; returns the directory of the results.

    `asked` names the runs or the range; `said` is given each line that the notebook prints while it works. Raises
    RunError with the failing cell.
    """
    out_dir = _emptied(out_dir)
    values = {name: value for name, value in asdict(replace(asked, out_dir="")).items() if name != "beside"}
    with variables.cleaned(), kernels.kernel() as kernel:
        os.environ[paths.OF_THE_RUN] = str(out_dir)
        execute("compare_snapshots", directory=out_dir / "notebooks", values=values, kernel=kernel, said=said)
    return out_dir


def _emptied(out_dir: Path) -> Path:
    """The directory of a run, for the whole machine, with nothing in it but a directory for the executed notebooks."""
    out_dir = out_dir.absolute()
    directories.emptied(out_dir)
    (out_dir / "notebooks").mkdir()
    paths.settle()
    return out_dir


class _Lines:
    """A file for papermill's copy of what a notebook prints: each line goes to `said`."""

    def __init__(self, said: Callable[[str], None]):
        self._said = said

    def write(self, text: str) -> None:
        for line in filter(None, text.splitlines()):
            self._said(line)

    def flush(self) -> None:
        """Nothing is kept back."""


def execute(
    name: str,
    *,
    directory: Path,
    values: Mapping,
    kernel: KernelManager,
    progress: kernels.Progress = lambda *_: None,
    said: Callable[[str], None] | None = None,
) -> Path:
    """Run one notebook's source through papermill, in the kernel given; returns the executed copy.

    `said` is given each line that the notebook prints, as it does. Raises RunError with the failing cell.
    """
    import jupytext
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source, copy = directory / f"{name}.source.ipynb", directory / f"{name}.ipynb"
    notebook = jupytext.read(paths.NOTEBOOKS / f"{name}.py")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{name.replace('_', '-')}-{number}"  # nbformat draws random ones
    nbformat.write(notebook, source)
    cells = len(notebook.cells) + bool(values)  # papermill adds a cell for the values

    def executed(cell_index: int, **_):
        progress(name, cell_index + 1, cells)

    try:
        papermill.execute_notebook(
            source, copy, parameters=dict(values), kernel_name="python3", progress_bar=False, cwd=paths.NOTEBOOKS,
            on_cell_executed=executed, autosave_cell_every=0, km=kernel, stdout_file=_Lines(said) if said else None,
        )  # fmt: skip
    except PapermillExecutionError as error:
        where = f"{name}, cell {error.exec_count}: {error.ename}: {_first_line(error.evalue)}"
        raise RunError(f"{where}\n  the executed copy shows the cell: {_shown(copy)}") from None
    finally:
        source.unlink()
    _strip(copy, name)
    return copy


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else "no message"


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def _strip(copy: Path, name: str) -> None:
    """Take what changes from run to run out of the executed copy: times, random ids, the machine's paths."""
    notebook = json.loads(copy.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key == "tags"}
        cell["id"] = f"{name.replace('_', '-')}-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook["metadata"] = {"kernelspec": kernel, "language_info": {"name": "python"}}
    copy.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def collect(parameters: Parameters) -> dict:
    """Merge what the notebooks emitted into results.json, and write numbers.tex, the ledger and the tables about the run."""
    from analysis import beside, report, templates
    from analysis.engine import load
    from analysis.page import colophon
    from analysis.study import facsimile, ledger, verdict_map

    hub = load(parameters)
    out_dir = parameters.directory
    about = {"snapshot": hub.snapshot.manifest, "parameters": parameters.recorded()}
    views = (verdict_map.emit, facsimile.emit)
    rows = ledger.write_ledger(out_dir, report.merge_results(out_dir, **about), also=views)
    colophon.write(out_dir, hub, parameters)
    if parameters.beside:
        beside.write(out_dir, hub, report.merge_results(out_dir, **about))
    document = report.merge_results(out_dir, **about)
    meta = colophon.meta(hub, parameters)
    printed = facsimile.beside(rows)
    report.write_numbers(
        out_dir, document["results"], meta, synthetic=hub.snapshot.synthetic, as_of=bool(parameters.as_of), printed=printed
    )
    templates.write_sections(out_dir, document, meta, printed=printed, **ledger.about(document))
    return document


def check_paper(parameters: Parameters) -> None:
    """Refuse, before any work, a directory that TeX can't be told of; raises RunError."""
    unreadable = sorted(NOT_FOR_TEX & set(str(parameters.directory.resolve())))
    if unreadable:
        raise RunError(
            f"{parameters.directory}: TeX reads from no directory with {unreadable[0]!r} in its path; choose another "
            "out_dir, or --no-paper"
        )


def build_paper(parameters: Parameters) -> Path:
    """Compile `paper/` against the results with latexmk; returns `paper.pdf`, also written to `paper/paper.pdf`.

    The two differ in their links alone, which are relative to where each lies.
    Raises RunError with the first error of LaTeX.
    """
    from analysis.snapshot import load

    out_dir = parameters.directory.resolve()
    build = out_dir / "build"
    build.mkdir(exist_ok=True)
    days = load(parameters.snapshot_date).date - dt.date(1970, 1, 1)
    env = variables.clean() | {
        "TEXINPUTS": f".:{out_dir}:",
        "BIBINPUTS": ".:",
        "SOURCE_DATE_EPOCH": str(days // dt.timedelta(seconds=1)),
        "FORCE_SOURCE_DATE": "1",
        "max_print_line": "10000",
    }
    command = ["latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"-outdir={build}", "main.tex"]
    done = subprocess.run(
        command, cwd=paths.PAPER, env=env, capture_output=True, text=True, errors="replace", check=False
    )
    log = build / "main.log"
    if done.returncode:
        raise RunError(f"the paper does not compile: {_latex_error(log, done.stdout)}\n  the log: {_shown(log)}")
    pdf = out_dir / "paper.pdf"
    shutil.copyfile(build / "main.pdf", pdf)
    if not parameters.out_dir and "HUB_PAPER_GENERATED" not in os.environ:
        os.replace(_copy_elsewhere(build, env, out_dir.relative_to(paths.PAPER)), paths.PAPER / "paper.pdf")
    return pdf


def _copy_elsewhere(build: Path, env: Mapping[str, str], directory: Path) -> Path:
    """The paper once more, its links to the page those of a file that lies above the run's directory."""
    text = rf"\newcommand*\sitepath{{{directory.as_posix()}/site/}}\input{{main}}"
    command = [
        "pdflatex",
        "-interaction=batchmode",
        "-halt-on-error",
        f"-output-directory={build}",
        "-jobname=copy",
        text,
    ]
    for suffix in ("aux", "bbl", "out"):
        shutil.copyfile(build / f"main.{suffix}", build / f"copy.{suffix}")
    done = subprocess.run(command, cwd=paths.PAPER, env=dict(env), capture_output=True, check=False)
    if done.returncode:
        raise RunError(f"the copy of the paper does not compile\n  the log: {_shown(build / 'copy.log')}")
    return build / "copy.pdf"


def _latex_error(log: Path, stdout: str) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else stdout
    found = re.search(r"^! (.*)$(?:.*?^(l\.\d+ .*?)$)?", text, re.MULTILINE | re.DOTALL)
    return " ".join(part for part in found.groups() if part) if found else "see the log"
