"""The reviewer's check: do the environment, the results and the figures of a new run equal the committed references?

One finding per question; a finding that fails says what differs. Results are compared exactly on the platform that the
references were made on, elsewhere within 1e-9 of their size.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import environment, paths, references
from analysis.results import RunError
from analysis.study import ledger

RELATIVE = 1e-9  # how far a result may be off on another platform than the references'
SHOWN = 5  # differences that a finding names; the others are counted


@dataclass(frozen=True)
class Finding:
    """The answer to one question: what was asked, whether it holds, one line that says so, and what differs."""

    question: str
    holds: bool
    answer: str
    differences: tuple[str, ...] = ()

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


def results_are_the_references(results: Mapping, reference: Mapping, *, exact: bool) -> Finding:
    """Is every result there, none new, and each equal?"""
    lines = references.differences(reference["results"], results, relative=0.0 if exact else RELATIVE)
    how = "exactly" if exact else f"within {RELATIVE:g} of their size: {_elsewhere(reference)}"
    return _finding("results", lines, good=f"{len(results):,} are equal, {how}", bad="results differ")


def figures_are_the_references(digests: Mapping[str, str], reference: Mapping, *, exact: bool) -> Finding:
    """Have the figures' files the same bytes? On another platform only the data behind them have to."""
    wanted, found = (
        {name: digest for name, digest in side.items() if exact or name.endswith(".csv")}
        for side in (reference["figures"], digests)
    )
    changed = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    how = "byte by byte" if exact else f"only the data behind them were compared: {_elsewhere(reference)}"
    return _finding("figures", changed, good=f"{len(found)} files are equal, {how}", bad="files differ")


def _elsewhere(reference: Mapping) -> str:
    return f"the references were made on {reference['made_from']['platform']}"


def notebooks_are_the_references() -> Finding:
    """Do the notebooks give the outputs that are stored in them, cell by cell? nbval runs them on `demo`."""
    done = subprocess.run(
        [*_nbval(), "-q"], cwd=paths.ROOT, capture_output=True, text=True, errors="replace", check=False
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
    everything = [[*python, "ruff", "check", "."], [*python, "pytest", "-n", "2", "tests"], _nbval()]
    commands = [[*python, "pytest", *arguments]] if arguments else everything
    exit_codes = [subprocess.run(command, cwd=paths.ROOT, check=False).returncode for command in commands]
    return not any(exit_codes)


def ledger_as_counted(results: Mapping) -> Finding:
    """What the ledger came to; it holds as long as every value of the study has a verdict."""
    counts = {verdict: results[f"ledger.all.{verdict}"]["value"] for verdict in ledger.SLUGS.values()}
    total = results["ledger.all.total"]["value"]
    lines = [] if sum(counts.values()) == total else [f"{total} values, {sum(counts.values())} verdicts"]
    answer = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.items())
    return _finding("ledger", lines, good=answer, bad="values without a verdict")


def _finding(question: str, lines: Iterable[str], *, good: str, bad: str) -> Finding:
    differences = tuple(lines)
    return Finding(question, not differences, f"{len(differences)} {bad}" if differences else good, differences)


def findings(document: Mapping, out_dir: Path) -> list[Finding]:
    """All findings on a run that is done; `document` is its results.json. Raises RunError where there are no references."""
    name = document["snapshot"]["name"]
    reference, made_from = references.stored(name), references.made_from(name)
    exact = reference["made_from"]["platform"] == made_from["platform"]
    return [
        environment_is_locked(),
        snapshot_is_the_references(name, made_from, reference),
        results_are_the_references(document["results"], reference, exact=exact),
        figures_are_the_references(references.figure_digests(out_dir), reference, exact=exact),
        notebooks_are_the_references(),
        ledger_as_counted(document["results"]),
    ]
