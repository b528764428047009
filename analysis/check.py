"""The reviewer's check: do the environment, the results and the figures of a new run equal the committed references?

One finding per question. It holds where everything is the same to the last digit; it is a warning where another machine
wrote last digits or drew the same data otherwise; else something moved, and it says what, and what to do.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import environment, paths, references, variables
from analysis.results import RunError
from analysis.study import ledger

RELATIVE = 1e-9  # of its size: what a result differs by at most where only its last digits do
SHOWN = 5  # differences that a finding names; the others are counted
MOVED, WARNING = "moved", "warning"
TO_DO = {  # by the first question whose finding does not hold, where it has a remedy of its own
    "environment": "install the locked versions (without .venv ./run_all.sh makes it anew), and check again",
    "snapshot": "get the snapshot of the references ({get}), and check again",
    MOVED: "if the change is meant: ./run_all.sh update-references --snapshot {name}, and say why in the commit's message; "
    "if nothing was changed here, please report these lines with your processor's name",
    WARNING: "nothing: every result is the same to nine digits, and every figure shows the same data; if you changed how a "
    "figure is drawn: ./run_all.sh update-references --snapshot {name}",
}


@dataclass(frozen=True)
class Finding:
    """The answer to one question: what was asked, whether it holds, one line that says so, and what differs.

    What holds may differ too: in last digits, or in how the same data are drawn.
    """

    question: str
    holds: bool
    answer: str
    differences: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """One word: ok, warning, NO."""
        return ("ok" if not self.differences else WARNING) if self.holds else "NO"

    def lines(self) -> list[str]:
        """The answer, then the first differences, each on a line of its own."""
        more = len(self.differences) - SHOWN
        return [self.answer, *self.differences[:SHOWN], *([f"and {more:,} more"] if more > 0 else [])]


def environment_is_locked() -> Finding:
    """Are the direct dependencies those of requirements.txt, and the Python one that pyproject.toml asks for?"""
    lines = environment.differences(extras=["test"])
    return _finding("environment", lines, good="the locked versions", bad="packages differ from requirements.txt")


def snapshot_is_the_references(name: str, made_from: Mapping, reference: Mapping) -> Finding:
    """Was the reference made from the same bytes? If not, nothing below says anything about the code."""
    wanted, found = reference["made_from"]["snapshot"], made_from["snapshot"]
    lines = [] if wanted == found else [f"its hash is {found[:16]}, the references are of {wanted[:16]}"]
    return _finding("snapshot", lines, good=f"{name}, the one of the references", bad="other snapshot")


def results_are_the_references(results: Mapping, reference: Mapping) -> Finding:
    """Is every result there, none new, and each equal? Where all are within `RELATIVE`, only last digits differ."""
    moved = references.differences(reference["results"], results, relative=RELATIVE)
    good = f"{len(results):,} are equal, exactly"
    if moved:
        return _finding("results", moved, good=good, bad="results moved")
    lines = references.differences(reference["results"], results)
    bad = f"results differ in their last digits, none by more than {RELATIVE:g} of its size"
    return _finding("results", lines, good=good, bad=bad, holds=True)


def figures_are_the_references(digests: Mapping[str, str], reference: Mapping) -> Finding:
    """Have the figures' files the same bytes? Where the data behind them have, another library drew or packed them."""
    wanted = reference["figures"]
    changed = sorted(name for name in wanted.keys() | digests.keys() if wanted.get(name) != digests.get(name))
    good, moved = f"{len(digests)} files are equal, byte by byte", [name for name in changed if name.endswith(".csv")]
    if moved:
        return _finding("figures", moved, good=good, bad="figures show other data")
    bad = "files are drawn or packed otherwise, from the same data"
    return _finding("figures", changed, good=good, bad=bad, holds=True)


def notebooks_are_the_references() -> Finding:
    """Do the notebooks give the outputs that are stored in them, cell by cell? nbval runs them on `demo`."""
    command, env = [*_nbval(), "-q"], variables.clean()
    done = subprocess.run(
        command, cwd=paths.ROOT, env=env, capture_output=True, text=True, errors="replace", check=False
    )
    said = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    last = next((line.strip("= ") for line in reversed(done.stdout.splitlines()) if line.strip()), "nbval said nothing")
    lines = [] if not done.returncode else said or [last, *done.stderr.splitlines()[-1:]]
    return _finding("notebooks", lines, good=f"nbval: {last}", bad="cells have other outputs than the stored ones")


def _nbval() -> list[str]:
    """The command that compares the notebooks with their stored outputs; one worker each: its cells share a kernel."""
    notebooks = sorted(str(path.relative_to(paths.ROOT)) for path in paths.NOTEBOOKS.glob("*.ipynb"))
    if not notebooks:
        raise RunError("no notebooks/*.ipynb to compare with; make them with ./run_all.sh update-references")
    return [sys.executable, "-m", "pytest", "--nbval", "-n", "2", "--dist", "loadfile", *notebooks]


def tests_pass(arguments: Sequence[str] = ()) -> bool:
    """Whether the linter, all tests and the notebooks pass, each run whatever the others say; or `pytest` with arguments."""
    python = [sys.executable, "-m"]
    if arguments:
        return _succeeds([*python, "pytest", *arguments])
    passed = [_succeeds([*python, "ruff", "check", "."]), _succeeds([*python, "pytest", "-n", "2", "tests"])]
    with variables.cleaned():
        return all([*passed, _succeeds(_nbval())])


def _succeeds(command: Sequence[str]) -> bool:
    return not subprocess.run(command, cwd=paths.ROOT, check=False).returncode


def ledger_as_counted(results: Mapping) -> Finding:
    """What the ledger came to; it holds as long as every value of the study has a verdict."""
    counts = {verdict: results[f"ledger.all.{verdict}"]["value"] for verdict in ledger.SLUGS.values()}
    total = results["ledger.all.total"]["value"]
    lines = [] if sum(counts.values()) == total else [f"{total} values, {sum(counts.values())} verdicts"]
    answer = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.items())
    return _finding("ledger", lines, good=answer, bad="values without a verdict")


def _finding(question: str, lines: Iterable[str], *, good: str, bad: str, holds: bool = False) -> Finding:
    """`holds` says whether the finding does though there are differences."""
    differences = tuple(lines)
    answer = f"{len(differences)} {bad}" if differences else good
    return Finding(question, holds or not differences, answer, differences)


def to_do(found: Sequence[Finding], name: str) -> str:
    """What to do about the findings on a snapshot, in one line; empty where all is as published."""
    moved = [finding.question for finding in found if not finding.holds]
    if moved:
        get = f"git checkout data/snapshots/{name}" if name == references.NOTEBOOKS_OF else "./run_all.sh twin --force"
        return TO_DO.get(moved[0], TO_DO[MOVED]).format(name=name, get=get)
    return TO_DO[WARNING].format(name=name) if any(finding.differences for finding in found) else ""


def findings(document: Mapping, out_dir: Path) -> list[Finding]:
    """All findings on a run that is done; `document` is its results.json. Raises RunError where there are no references."""
    name = document["snapshot"]["name"]
    reference, made_from = references.stored(name), references.made_from(name)
    return [
        environment_is_locked(),
        snapshot_is_the_references(name, made_from, reference),
        results_are_the_references(document["results"], reference),
        figures_are_the_references(references.figure_digests(out_dir), reference),
        notebooks_are_the_references(),
        ledger_as_counted(document["results"]),
    ]
