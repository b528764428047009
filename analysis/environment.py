"""Which versions the results belong to, and which are installed here.

Answers the colophon's question (what did this run use?) and run_all.sh's (will this conda environment do?).
Only the standard library is imported, and an older Python can read the file: both may be all that is there.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from analysis.paths import ROOT

PROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.txt"


def canonical(name: str) -> str:
    """Name of a distribution in the one spelling that indexes compare (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path = LOCK) -> dict[str, str]:
    """Version of every package in the lock, by canonical name, in the order of the file.

    Raises ValueError where a line pins nothing or a package has two versions.
    """
    versions: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith((" ", "#")):
            continue
        pin = re.match(r"([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", line)
        if not pin:
            raise ValueError(f"{path.name}, line {number}: expected NAME==VERSION, found {line!r}; make the lock anew")
        name, version = canonical(pin[1]), pin[2]
        if versions.setdefault(name, version) != version:
            raise ValueError(
                f"{path.name}, line {number}: {name} has two versions, {versions[name]} and {version}; "
                f"bound it in the lock extra of {PROJECT.name}"
            )
    return versions


def direct(*, extras: Iterable[str] = (), path: Path = PROJECT) -> list[str]:
    """Canonical names of the packages that pyproject.toml asks for, with those of the named extras, sorted.

    Raises KeyError for an extra that pyproject.toml does not have.
    """
    import tomllib  # here, not above: Pythons before 3.11 lack it, and are refused by name

    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return sorted({canonical(re.match(r"[\w.-]+", requirement)[0]) for requirement in wanted})


def installed(names: Iterable[str]) -> dict[str, str | None]:
    """Version of each named package in the running Python; None where it is not installed."""
    return {name: _version(name) for name in names}


def differences(
    *,
    extras: Iterable[str] = (),
    project: Path = PROJECT,
    lock: Path = LOCK,
    python: tuple[int, int] | None = None,
) -> list[str]:
    """One line for each direct dependency that is not installed here in the locked version.

    A Python (major, minor; default: the running one) outside `requires-python` gives that line alone.
    """
    line = _python_difference(project, python or sys.version_info[:2])
    if line:
        return [line]
    wanted = locked(lock)
    lines = (
        _difference(name, found, wanted.get(name), lock.name)
        for name, found in installed(direct(extras=extras, path=project)).items()
    )
    return [line for line in lines if line]


def _difference(name: str, found: str | None, wanted: str | None, lock: str) -> str | None:
    if wanted is None:
        return f"{name}: not in {lock}; make the lock anew"
    if found is None:
        return f"{name}: not installed, {lock} has {wanted}"
    return None if found == wanted else f"{name}: {found} installed, {lock} has {wanted}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _python_difference(project: Path, python: tuple[int, int]) -> str | None:
    """The line for a Python outside `requires-python`, which is read without tomllib: older ones lack it."""
    asked = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', project.read_text(encoding="utf-8"), re.M)
    if not asked:
        raise ValueError(f'{project.name}: expected a line requires-python = ">=3.A,<3.B"')
    if (3, int(asked[1])) <= python < (3, int(asked[2])):
        return None
    return f"python: {python[0]}.{python[1]} is running, {project.name} asks for >=3.{asked[1]},<3.{asked[2]}"


def main(arguments: list[str] | None = None) -> int:
    """Print the differences, one a line; exit code 0 if there are none, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m analysis.environment", description=main.__doc__)
    parser.add_argument("--extra", action="append", default=[], choices=["test", "lock"], dest="extras")
    lines = differences(extras=parser.parse_args(arguments).extras)
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
