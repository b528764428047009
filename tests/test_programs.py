"""The programs beside Python: which are missing, what apt-get is asked for, what is said where it can't help.

A test has a PATH of its own: the few real programs that the fakes need, and fakes that note how they were called.
"""

import os
import shutil

import pytest

from analysis import programs

TEX = (*programs.TEX, "kpsewhich")
FOR_TESTS = (programs.READER, programs.BROWSERS[0])
BRINGS = 'case "$*" in *install*) cp "{bin}/bibtex" "{bin}/{program}" ;; esac'


class Machine:
    """What is on the PATH, and what was called."""

    def __init__(self, tmp_path):
        self.bin, self.calls_file = tmp_path / "bin", tmp_path / "calls"
        self.bin.mkdir()
        for program in ("bash", "cp", "env"):
            (self.bin / program).symlink_to(shutil.which(program))
        self.has(*TEX, *FOR_TESTS)

    def has(self, *names: str, does: str = "exit 0") -> None:
        for name in names:
            (self.bin / name).write_text(f"#!/usr/bin/env bash\n{does}\n")
            (self.bin / name).chmod(0o755)

    def lacks(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def has_apt_get(self, does: str = "", *, brings: str = "") -> None:
        brings = BRINGS.format(bin=self.bin, program=brings) if brings else ""
        self.has("apt-get", does=f'echo "apt-get $*" >>"{self.calls_file}"\n{brings}\n{does}')

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    """A machine that has everything, used by somebody who has no rights."""
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return made


@pytest.fixture
def root(monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.mark.parametrize("for_tests", [False, True])
def test_where_nothing_is_missing_nothing_is_said_or_called(machine, root, said, for_tests):
    machine.has_apt_get()
    assert programs.ensure(said.append, for_tests=for_tests) == []
    assert (said, machine.calls) == ([], [])


def test_without_tex_and_rights_one_line_says_what_to_install(machine, said):
    machine.lacks("latexmk", "kpsewhich")
    machine.has_apt_get()
    lacking = ["latexmk", "booktabs.sty", "lmodern.sty", "phvr8t.tfm"]
    assert programs.ensure(said.append) == lacking
    assert said == [
        f"no PDF, but all else: not there: {' '.join(lacking)}. "
        "To have it: sudo apt-get install texlive-latex-base texlive-latex-recommended texlive-fonts-recommended "
        "lmodern latexmk"
    ]
    assert machine.calls == []


def test_without_apt_get_tex_live_is_named(machine, root, said):
    machine.lacks("latexmk")
    assert programs.ensure(said.append) == ["latexmk"]
    assert said == ["no PDF, but all else: not there: latexmk. To have it: install TeX Live (macOS: MacTeX)"]


def test_a_file_that_tex_does_not_find_is_missing(machine, said):
    machine.has("kpsewhich", does='[ "$1" != lmodern.sty ]')
    assert programs.missing() == ["lmodern.sty"]


@pytest.mark.parametrize("by", ["root", "sudo"])
def test_tex_is_installed_by_root_or_password_less_sudo(machine, said, monkeypatch, by):
    machine.lacks("latexmk")
    machine.has_apt_get(brings="latexmk")
    machine.has("sudo", does=f'[ "$2" = true ] || echo sudo >>"{machine.calls_file}"\nshift\n"$@"')
    monkeypatch.setattr(os, "geteuid", lambda: 0 if by == "root" else 1000)
    assert programs.ensure(said.append) == []
    assert said == ["installing TeX with apt-get, 250 MB (not there: latexmk); --no-paper does without"]
    plain = [call for call in machine.calls if call != "sudo"]
    assert plain[0] == "apt-get update -qq"
    assert plain[1].endswith(" texlive-latex-recommended texlive-fonts-recommended lmodern latexmk")
    assert ("sudo" in machine.calls) is (by == "sudo")


def test_a_failing_apt_get_is_said_in_its_own_last_line(machine, root, said):
    machine.lacks("latexmk")
    machine.has_apt_get("echo 'E: Unable to locate package latexmk' >&2; exit 100")
    assert programs.ensure(said.append) == ["latexmk"]
    assert said[1:] == ["no PDF, but all else: apt-get did not bring latexmk: E: Unable to locate package latexmk"]


@pytest.mark.parametrize(("program", "package"), [("pdftotext", "poppler-utils"), ("chromium", "chromium")])
def test_the_tests_need_a_reader_of_pdfs_and_a_browser_and_a_run_does_not(machine, said, program, package):
    machine.lacks(program)
    machine.has_apt_get()
    assert programs.ensure(said.append) == []
    assert programs.ensure(said.append, for_tests=True) == [program]
    (line,) = said
    assert line.startswith(f"some tests will be skipped: not there: {program}. To have it: sudo apt-get install ")
    assert package in line.split()


def test_any_of_the_browsers_will_do(machine):
    machine.lacks("chromium")
    machine.has("google-chrome")
    assert programs.missing(for_tests=True) == []


def test_a_browser_that_apt_get_does_not_have_leaves_tex_installed(machine, root, said):
    machine.lacks("chromium", "latexmk")
    fails = 'case "$*" in *chromium*) echo "E: Unable to locate package chromium" >&2; exit 100 ;; esac'
    machine.has_apt_get(fails, brings="latexmk")
    assert programs.ensure(said.append, for_tests=True) == ["chromium"]
    assert said == [
        "installing TeX and Chromium with apt-get, 550 MB (not there: latexmk chromium); --no-paper does without",
        "some tests will be skipped: apt-get did not bring chromium: E: Unable to locate package chromium",
    ]
    assert shutil.which("latexmk")
