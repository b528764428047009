"""Tables that the notebooks of one run share: whoever needs one first makes it, the others read it.

They lie in the run's own working directory, which is gone when the run ends, since they hold developers' names; a notebook
that is run by hand has none and makes its own. A table goes by what it was made from, so an older one is never read.
"""

import fcntl
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from analysis import paths

MAKERS = ("engine.py", "people.py", "schema.py", "snapshot.py")  # whose text decides what is in the tables


def directory() -> Path | None:
    """Where this run's tables lie; None outside of a run."""
    place = os.environ.get(paths.SHARED_OF_THE_RUN)
    return Path(place) if place else None


def once(name: str, made_from: Sequence, write: Callable[[Path], object]) -> Path:
    """The file of a table made from these values (strings, numbers), written by `write` where it is not there yet.

    One process writes it while others wait. A file that is not as it was written is made anew, with a warning.
    """
    file = directory() / f"{name}-{_key(made_from)}.parquet"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = file.with_suffix(".sha256")
    with file.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if digest.is_file():
            if file.is_file() and _sha256(file) == digest.read_text(encoding="ascii"):
                return file
            warnings.warn(f"{name}: the table that this run's notebooks share is damaged; it is made anew", stacklevel=2)
        part = file.with_suffix(".part")
        write(part)
        os.replace(part, file)
        digest.write_text(_sha256(file), encoding="ascii")
    return file


def spill() -> str:
    """A new directory for what a database's memory does not hold, which is gone when this process ends, or its run."""
    return tempfile.mkdtemp(dir=_spill().name)


@cache
def _spill() -> tempfile.TemporaryDirectory:
    run = directory()
    return tempfile.TemporaryDirectory(prefix="spill-", dir=run.parent if run else None)


def _key(made_from: Sequence) -> str:
    return hashlib.sha256(json.dumps([*made_from, _code()]).encode()).hexdigest()[:20]


@cache
def _code() -> str:
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in MAKERS)).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
