"""The directories that runs write: known by a mark, emptied only where it is found, written by one run at a time."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analysis.results import RunError

MARK = ".made-by-a-run"
_MARK_SAYS = (
    "A run of ./run_all.sh made this directory and empties it when it runs again: keep nothing of your own here.\n"
)
WRITTEN = frozenset({  # what runs, comparisons, papers, pages and archives write; nothing else is ever deleted
    "notebooks", "parts", "sections", "tables", "figures", "site", "build", "results.json", "numbers.tex", "ledger.csv",
    "comparison.json", "comparison.html", "paper.pdf", "archive.zip", "spark.log",
})  # fmt: skip


def check(directory: Path) -> None:
    """Refuse, before any work, a directory that can't be written or whose files are not a run's. Changes nothing."""
    _refuse_foreign(directory)
    there = next(place for place in (directory, *directory.parents) if os.path.lexists(place))
    with _saying(directory):
        with suppress(FileNotFoundError):
            os.lstat(directory)  # too long a name, a file on the way
        os.rmdir(tempfile.mkdtemp(prefix=".probe-", dir=there))  # what permissions say is not what holds for root


def _refuse_foreign(directory: Path) -> None:
    """Raise RunError for a directory with files of which nothing proves that a run wrote them."""
    if not os.path.lexists(directory):
        return
    with _saying(directory):
        names = {entry.name for entry in directory.iterdir()}
    strange = sorted(name for name in names - WRITTEN if not name.startswith("."))
    if strange:
        raise RunError(
            f"{directory}: holds {strange[0][:60]!r}, which no run wrote; nothing was deleted. Choose an empty directory"
        )
    if names and MARK not in names and not _is_of_earlier_version(directory):
        raise RunError(
            f"{directory}: nothing in it proves that a run made it; nothing was deleted. Choose an empty directory, or "
            "delete this one yourself"
        )


def _is_of_earlier_version(directory: Path) -> bool:
    """Whether the directory holds the results of a run, which earlier versions wrote without a mark."""
    return any(_is_result(file) for file in (directory / "results.json", directory / "comparison.json",
                                             *sorted(directory.glob("parts/*.json"))))  # fmt: skip


def _is_result(file: Path) -> bool:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and isinstance(document.get("results"), dict) and len(document) > 1


@contextmanager
def claimed(directory: Path, *, said: Callable[[str], None]) -> Iterator[None]:
    """Hold a directory for one run, made and marked; a second run says that it waits, and does.

    The lock is the mark's own: it goes with the process, however that ends. Raises RunError.
    """
    with alone(_marked(directory), busy=f"another run writes to {directory}: waiting for it to end", said=said):
        yield


@contextmanager
def alone(file: Path, *, busy: str, said: Callable[[str], None]) -> Iterator[None]:
    """Hold a file that stands for something only one process may change; where another one holds it, say so and wait."""
    with _saying(file):
        held = file.open("a")
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said(busy)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def emptied(directory: Path) -> None:
    """Make and mark the directory; delete what an earlier run wrote into it. Raises RunError."""
    _marked(directory)
    for name in WRITTEN:
        remove(directory, name)


def _marked(directory: Path) -> Path:
    _refuse_foreign(directory)
    mark = directory / MARK
    with _saying(directory):
        directory.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            mark.write_text(_MARK_SAYS, encoding="utf-8")
    return mark


def remove(directory: Path, name: str) -> None:
    """Delete one of the things that runs write, from a directory with a run's mark; raises RunError for others."""
    if name not in WRITTEN or not (directory / MARK).is_file():
        raise RunError(f"{directory / name}: nothing proves that a run wrote it; delete it yourself")
    path = directory / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _saying(directory: Path) -> Iterator[None]:
    """Turn what the system says of a directory into one line."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no name of a directory"
        raise RunError(f"{directory}: can't be written ({why}); choose another directory") from None
