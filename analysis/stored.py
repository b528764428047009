"""Which snapshots are stored here, by name: told without the packages that read them, so a wrong name is refused at once."""

import re
from pathlib import Path

from analysis import paths


class SnapshotError(ValueError):
    """A snapshot that can't be read, written or trusted; its message is one line, or one line per problem."""


def check_name(name: str) -> str:
    """The name itself, where it may name a directory; raises SnapshotError otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise SnapshotError(
            f"snapshot name {name[:60]!r}: expected letters, digits, '.', '_' and '-', such as 2023-10-15 or 2023-10-15-twin"
        )
    if name.lower() == "people":
        raise SnapshotError("snapshot name 'people': the decisions about people lie there; choose another name")
    return name


def names() -> list[str]:
    """Names of the snapshots on disk, sorted."""
    directory = paths.snapshots()
    if not directory.is_dir():
        return []
    return sorted(p.parent.name for p in directory.glob("*/manifest.json") if not p.parent.name.startswith("."))


def directory_of(name: str) -> Path:
    """Where the snapshot of this name lies; raises SnapshotError, with those that there are, where it does not."""
    path = paths.snapshots() / check_name(name)
    if not path.is_dir():
        known = ", ".join(names()) or "none yet"
        left = [
            f"; {path.name} is what a broken-off replacement left of it: rename it back" for path in _replaced(name)
        ]
        raise SnapshotError(f"snapshot {name!r} does not exist; there are: {known}{''.join(left[:1])}")
    return path


def _replaced(name: str) -> list[Path]:
    return sorted(paths.snapshots().glob(f".{name}.replaced-*"))
