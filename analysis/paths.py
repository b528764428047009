"""Every directory of the project in one place. Three of them can be moved by the environment, for tests."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
PAPER = ROOT / "paper"
REFERENCES = ROOT / "tests" / "references"


def snapshots() -> Path:
    """Directory of the snapshots; `HUB_PAPER_SNAPSHOTS` names another one."""
    return Path(os.environ.get("HUB_PAPER_SNAPSHOTS") or DATA / "snapshots")


def raw() -> Path:
    """Directory of what was collected from the Hub, one directory per snapshot; `HUB_PAPER_RAW` names another one."""
    return Path(os.environ.get("HUB_PAPER_RAW") or DATA / "raw")


def generated() -> Path:
    """Directory of the results, one directory per run; `HUB_PAPER_GENERATED` names another one."""
    return Path(os.environ.get("HUB_PAPER_GENERATED") or PAPER / "generated")
