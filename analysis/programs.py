"""The programs beside Python: TeX for the paper; a reader of PDFs and a browser for the tests. Which are missing here?

Where apt-get may be used (as root, or with password-less sudo) it installs them; elsewhere a line says what to install.
"""

import os
import shutil
import subprocess
from collections.abc import Callable

from analysis import variables

TEX = ("latexmk", "pdflatex", "bibtex")
TEX_FILES = ("booktabs.sty", "lmodern.sty", "phvr8t.tfm")  # one of each Debian package that brings no program
READER = "pdftotext"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # one of them is enough
DEBIAN_PACKAGES = (
    "texlive-latex-base", "texlive-latex-recommended", "texlive-fonts-recommended", "lmodern", "latexmk",
)  # fmt: skip


def missing_tex() -> list[str]:
    """The TeX programs that the paper needs and this machine lacks."""
    return [program for program in TEX if shutil.which(program) is None]


def missing(*, for_tests: bool = False) -> list[str]:
    """What the paper, or the tests of it and of the page, lack on this machine: programs, and files of TeX."""
    lacking = missing_tex() + [file for file in TEX_FILES if not _tex_has(file)]
    if for_tests:
        lacking += [READER] if shutil.which(READER) is None else []
        lacking += [] if any(map(shutil.which, BROWSERS)) else [BROWSERS[0]]
    return lacking


def _tex_has(file: str) -> bool:
    command, env = ["kpsewhich", file], variables.clean()
    return bool(shutil.which(command[0])) and not subprocess.run(
        command, env=env, capture_output=True, check=False
    ).returncode


def ensure(said: Callable[[str], None], *, for_tests: bool = False) -> list[str]:
    """Install what is missing, where that may be done; returns what still is. `said` is given the lines about it."""
    lacking = missing(for_tests=for_tests)
    if not lacking:
        return []
    packages = [*DEBIAN_PACKAGES, *(["poppler-utils"] if for_tests else [])]
    browser = [name for name in lacking if name in BROWSERS]
    loss = f"{'some tests will be skipped' if for_tests else 'no PDF, but all else'}:"
    as_root = _as_root()
    if as_root is not None:
        what = "TeX and Chromium with apt-get, 550 MB" if for_tests else "TeX with apt-get, 250 MB"
        said(f"installing {what} (not there: {' '.join(lacking)}); --no-paper does without")
        errors = [_install(as_root, names) for names in (packages, browser) if names]  # Ubuntu has no Chromium
        lacking = missing(for_tests=for_tests)
        if lacking:
            said(f"{loss} apt-get did not bring {' '.join(lacking)}: {' '.join(filter(None, errors))}")
    elif shutil.which("apt-get"):
        said(f"{loss} not there: {' '.join(lacking)}. To have it: sudo apt-get install {' '.join(packages + browser)}")
    else:
        also = " and Chromium" if browser else ""
        said(f"{loss} not there: {' '.join(lacking)}. To have it: install TeX Live (macOS: MacTeX){also}")
    return lacking


def _as_root() -> list[str] | None:
    """The words before apt-get; None where it is not there or may not be used."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    allowed = shutil.which("sudo") and not subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode
    return sudo if allowed else None


def _install(as_root: list[str], packages: list[str]) -> str:
    """The last line of what apt-get said where it failed. A failing update is none: the lists may be good enough."""
    apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    subprocess.run([*apt_get, "update", "-qq"], capture_output=True, check=False)
    options = ["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    command = [*apt_get, "install", *options, *packages]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()
    return lines[-1] if done.returncode and lines else ""
