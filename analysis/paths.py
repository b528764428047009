"""Every directory of the project in one place. Three of them can be moved by the environment, for tests."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
PAPER = ROOT / "paper"
REFERENCES = ROOT / "tests" / "references"
MOVED = ("HUB_PAPER_SNAPSHOTS", "HUB_PAPER_RAW", "HUB_PAPER_GENERATED")
OF_THE_RUN = "HUB_PAPER_OUT_DIR"  # where a run's kernels write: set for them alone, so no notebook holds a path
SHARED_OF_THE_RUN = "HUB_PAPER_SHARED"  # where they share tables, set for them alone too


def snapshots() -> Path:
    """Directory of the snapshots; `HUB_PAPER_SNAPSHOTS` names another one."""
    return Path(os.environ.get("HUB_PAPER_SNAPSHOTS") or DATA / "snapshots")


def raw() -> Path:
    """Directory of what was collected from the Hub, one directory per snapshot; `HUB_PAPER_RAW` names another one."""
    return Path(os.environ.get("HUB_PAPER_RAW") or DATA / "raw")


def generated() -> Path:
    """Directory of the results, one directory per run; `HUB_PAPER_GENERATED` names another one."""
    return Path(os.environ.get("HUB_PAPER_GENERATED") or PAPER / "generated")


def of_the_run(default: Path) -> Path:
    """Where the results of this process's run go: what its kernels were told, else `default`."""
    return Path(os.environ.get(OF_THE_RUN) or default)


def settle() -> None:
    """Have what the environment names mean the directory where the command was called, from wherever it is read."""
    for name in (OF_THE_RUN, SHARED_OF_THE_RUN):
        os.environ.pop(name, None)
    for name in MOVED:
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).absolute())
