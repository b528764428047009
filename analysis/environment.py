"""Which versions the results belong to, and which are installed here.

Answers the colophon's question (what did this run use?) and run_all.sh's (will this environment do?), and settles a
.venv that run_all.sh has filled or that was moved. Only the standard library is imported, and an older Python can read
the file: both may be all that is there.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from analysis.paths import ROOT

PROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.txt"
VENV = ROOT / ".venv"
STAMP = "made-from"  # in .venv, written last
LINK = "hub-activity-paper.pth"  # in site-packages; Python looks for packages in the directory that it names

# How a script in .venv names its Python: plainly, or through the shell where the path is long or has a space.
_NAMES_PYTHON = re.compile(rb"\A#!(?:/bin/sh\n'''exec' \")?(/[^\n\"]*/\.venv)/bin/(python[\d.]*)[^\n]*\n(?:' '''\n)?")
_NAMES_VENV = re.compile(rb"(VIRTUAL_ENV[ =]+[\"']?)(/[^\n\"']*/\.venv)")  # in bin/activate and its like


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


def stamp() -> str:
    """What .venv has to be made from, and where: Python's version, the lock's hash, the project's directory."""
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{python} {hashlib.sha256(LOCK.read_bytes()).hexdigest()} {ROOT}"


def state() -> str:
    """What its stamp says of .venv: ready; moved; outdated, by the lock; unusable: unfinished, or of another Python."""
    file, wanted = VENV / STAMP, stamp().split(" ", 2)
    found = file.read_text(encoding="utf-8").rstrip("\n").split(" ", 2) if file.exists() else []
    if found[:1] != wanted[:1]:
        return "unusable"
    if found[:2] != wanted[:2]:
        return "outdated"
    return "ready" if found == wanted else "moved"


def settle() -> None:
    """Let the package be found in .venv, let its scripts name it where they name the one it was copied from; stamp it."""
    link()
    here = os.fsencode(VENV)
    for script in sorted((VENV / "bin").iterdir()):
        if script.is_symlink() or not script.is_file():
            continue
        text = script.read_bytes()
        named = _NAMES_PYTHON.match(text)
        if named and named[1] != here:
            text = b"#!/bin/sh\n'''exec' \"%s/bin/%s\" \"$0\" \"$@\"\n' '''\n" % (here, named[2]) + text[named.end() :]
        if script.name.startswith("activate"):
            text = _NAMES_VENV.sub(lambda found: found[1] + here, text)
        if text != script.read_bytes():
            script.write_bytes(text)
    (VENV / STAMP).write_text(f"{stamp()}\n", encoding="utf-8")


def link() -> None:
    """Let the running Python find the package from any directory; from an environment inside the project after a move too.

    Where site-packages can't be written to, a line says so: a run needs no link, a notebook that is run by hand does.
    """
    packages = Path(sysconfig.get_path("purelib"))
    text = f"{os.path.relpath(ROOT, packages) if packages.is_relative_to(ROOT) else ROOT}\n"
    file = packages / LINK
    try:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{file}: {error.strerror}; notebooks that are run by hand will not find the package", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Print how the packages differ from the lock (exit code 1 if they do) or the state of .venv; link or settle it."""
    parser = argparse.ArgumentParser(prog="python -m analysis.environment", description=main.__doc__)
    parser.add_argument("asked", choices=["differences", "state", "link", "settle"])
    asked = parser.parse_args(arguments).asked
    if asked in ("link", "settle"):
        {"link": link, "settle": settle}[asked]()
        return 0
    lines = [state()] if asked == "state" else differences(extras=["test"])
    for line in lines:
        print(line)
    return 1 if lines and asked == "differences" else 0


if __name__ == "__main__":
    sys.exit(main())
