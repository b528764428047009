"""The environment variables of a run's processes: what a user has set for Python, matplotlib, Jupyter or TeX stays outside.

One list of names says what comes in: where programs are found, where the project's directories were moved, what kind of
processor to pass for. The rest is fixed here. A directory of the process's own takes the place of the user's home, and so
of the settings that programs look for there. Only the standard library is imported: this comes before everything else.
"""

import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_KEPT = re.compile(
    r"PATH|TMPDIR|TMP|TEMP|LD_LIBRARY_PATH|DYLD_\w+|HUB_\w+"
    r"|(?:JAVA|SPARK|PYSPARK|HADOOP|YARN)_\w+|KRB5\w+|(?:http|https|no|all)_proxy"  # for a cluster
    r"|OPENBLAS_(?:CORETYPE|VERBOSE)|NPY_\w+|GLIBC_TUNABLES",  # which processor to pass for: results are the same
    re.IGNORECASE,
)
FIXED = {
    "PYTHONPATH": str(ROOT),
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this Python before one of the same name elsewhere
    "MPL_IGNORE_SYSTEM_FONTS": "1",  # figures have the fonts that matplotlib ships; a search for others takes seconds
    "OMP_NUM_THREADS": "1",  # as many notebooks run side by side as there are processors
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
# matplotlib multiplies its matrices of three rows by BLAS; this is a kernel that every x86-64 processor can run.
_DRAWING = {"OPENBLAS_CORETYPE": "Prescott"} if platform.machine() in ("x86_64", "AMD64") else {}
# Of a command's own process, which talks to its user, to Git and to the Hub, only what could change an output.
_FOREIGN = re.compile(
    r"PYTHON(?!UNBUFFERED|DONTWRITEBYTECODE|PYCACHEPREFIX)|PANDERA_|IBIS_|ARROW_|MPL|MATPLOTLIB|LC_|LANGUAGE"
    r"|GIT_(?:DIR|WORK_TREE|INDEX_FILE)"
)


def clean(home: Path | None = None) -> dict[str, str]:
    """The variables of a process whose output a user's settings must not change: a kernel, LaTeX, nbval.

    `home`: a directory without a file of the user's; by default one that is deleted when this process ends.
    """
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    return _DRAWING | kept | FIXED | {"JUPYTER_NO_CONFIG": "1", "HOME": str(home or _home().name)}


@cache
def _home() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="home-")


@contextmanager
def cleaned() -> Iterator[None]:
    """Let this process, and what it starts meanwhile, have `clean` variables for the length of a block."""
    before = dict(os.environ)
    try:
        become(clean())
        yield
    finally:
        become(before)


def become(variables: Mapping[str, str]) -> None:
    """Make these this process's variables, and no others."""
    os.environ.clear()
    os.environ.update(variables)
    if hasattr(time, "tzset"):
        time.tzset()


def settle() -> None:
    """For a command's own process: drop what could change its output. Python reads its own variables at its start only:
    where they are others, the process is started once more.
    """
    wanted = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)} | FIXED
    pythons, wanted_pythons = (
        {name: value for name, value in side.items() if name.startswith("PYTHON")} for side in (os.environ, wanted)
    )
    if pythons != wanted_pythons:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)
    become(wanted)
