"""run_all.sh: what it forwards, what it installs and when, what it says where it can't.

Each test has a copy of the script in a directory of its own, and a PATH of its own. The programs on it are
the few real ones that the script needs, and fakes that note how they were called. Nothing is installed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.paths import ROOT

REAL = "awk bash cat chmod cp dirname env ln mkdir mktemp readlink rm sleep tail tr wc".split()
TEX = ("latexmk", "pdflatex", "bibtex", "kpsewhich", "pdftotext", "chromium")

# Stands for a Python in which everything is installed: real for one-liners, else it says how it was called.
PYTHON = f"""#!/usr/bin/env bash
case "$1" in -c) exec {sys.executable} "$@" ;; esac
printf '%s\\n' "$@"
printf '%s\\n' "python $*" >>"$CALLS"
[ -z "${{SHOW_ENVIRONMENT:-}}" ] || env
exit "${{PYTHON_EXIT:-0}}"
"""

# Makes an environment whose Python is the fake above; breaks off at the packages if told to.
UV = """#!/usr/bin/env bash
echo "uv $*" >>"$CALLS"
case "$1" in
  venv)
    sleep "${UV_SLEEP:-0}"
    mkdir -p "${@: -1}/bin" && cp "$FAKES/venv-python" "${@: -1}/bin/python"
    case "$*" in *--prompt*) echo "prompt = run_all.sh" >"${@: -1}/pyvenv.cfg" ;; esac
    ;;
  pip) [ -z "${UV_FAILS:-}" ] || { echo "no route to the index" >&2; exit 1; } ;;
esac
"""

SAYS_CALL = """#!/usr/bin/env bash
echo "${0##*/} $*" >>"$CALLS"
"""


class Sandbox:
    """A copy of the repository's script and a PATH of its own."""

    def __init__(self, tmp_path: Path, name: str = "repository"):
        self.root, self.bin, self.fakes = tmp_path / name, tmp_path / "bin", tmp_path / "fakes"
        self.calls_file, self.tmp = tmp_path / "calls", tmp_path / "tmp"
        for directory in (self.root, self.bin, self.fakes, self.tmp):
            directory.mkdir(parents=True)
        shutil.copy(ROOT / "run_all.sh", self.root)
        self.write_lock("numpy==2.4.6 \\\n    --hash=sha256:00\n")
        for name_ in REAL:
            self.link(name_, shutil.which(name_))
        self.link("python3", sys.executable)
        self.program("venv-python", PYTHON, directory=self.fakes)
        self.user(1000)
        for name_ in TEX:
            self.program(name_, SAYS_CALL.replace("echo", ": echo"))

    def program(self, name: str, text: str, *, directory: Path | None = None) -> Path:
        path = (directory or self.bin) / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def link(self, name: str, target: str) -> None:
        (self.bin / name).symlink_to(target)

    def remove(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def replace_python(self, case: str) -> None:
        """A python3 that does what the shell's case says, and is the real one in every other case."""
        known = f'*_base_executable*) echo "{self.bin}/python3" ;;\n*) exec {sys.executable} "$@" ;;'
        self.program("python3", f'#!/usr/bin/env bash\ncase "$*" in\n{case}\n{known}\nesac\n')

    def user(self, number: int) -> None:
        """Root (0), or somebody whom sudo asks for a password."""
        self.program("id", f"#!/usr/bin/env bash\necho {number}\n")
        self.program("sudo", "#!/usr/bin/env bash\nexit 1\n")

    def write_lock(self, text: str) -> None:
        (self.root / "requirements.txt").write_text(text)

    @property
    def venv_python(self) -> Path:
        return self.root / ".venv/bin/python"

    def finished_venv(self) -> None:
        """What a set-up that ran to its end leaves behind."""
        self.venv_python.parent.mkdir(parents=True)
        shutil.copy(self.fakes / "venv-python", self.venv_python)
        lock = hashlib.sha256((self.root / "requirements.txt").read_bytes()).hexdigest()
        (self.root / ".venv/made-from").write_text("{}.{} {}\n".format(*sys.version_info[:2], lock))

    def environment(self, **extra: str) -> dict[str, str]:
        fixed = {"PATH": self.bin, "HOME": self.tmp, "TMPDIR": self.tmp}
        fixed |= {"CALLS": self.calls_file, "FAKES": self.fakes}
        return {name: str(value) for name, value in fixed.items()} | extra

    def run(self, *arguments: str, program: Path | None = None, cwd: Path | None = None, **extra: str):
        return subprocess.run(
            [program or self.root / "run_all.sh", *arguments],
            env=self.environment(**extra),
            cwd=cwd or self.tmp,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def sandbox(tmp_path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def ready(sandbox) -> Sandbox:
    """Everything is installed already."""
    sandbox.finished_venv()
    return sandbox


def words() -> list[str]:
    return re.search(r'^words="(.*)"$', (ROOT / "run_all.sh").read_text(), re.MULTILINE)[1].split()


# ---- what it teaches and refuses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["--snapshot", "demo", "--help"], ["run", "-h"], ["test", "--help"]]
)
def test_help_needs_nothing_but_the_shell(sandbox, arguments):
    sandbox.remove(*(set(os.listdir(sandbox.bin)) - {"bash", "cat", "env"}))
    done = sandbox.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    options = ("--snapshot NAME", "--as-of DATE", "-p NAME=VALUE", "--no-paper", "--dry-run")
    for text in (*words(), *options, "paper/generated", ".venv"):
        assert text in done.stdout
    assert re.search(r"0 .* 1 failed +2 wrong usage +3 ", done.stdout)
    assert not (sandbox.root / ".venv").exists()


@pytest.mark.parametrize("word", ["tset", "run test", "tests"])
def test_an_unknown_word_is_refused_in_one_line_before_anything_is_installed(sandbox, word):
    done = sandbox.run(word)
    assert (done.returncode, done.stdout, sandbox.calls) == (2, "", [])
    assert done.stderr.startswith(f"run_all.sh: unknown word '{word}'; expected one of: {' '.join(words())}")
    assert done.stderr.count("\n") == 1
    assert not (sandbox.root / ".venv").exists()


def test_every_command_of_the_command_line_is_a_word():
    from analysis.cli import app

    commands = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert commands | {"test"} == set(words())


# ---- what it forwards ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [[], ["run"]])
def test_options_of_a_run_arrive_as_they_were_given(ready, word):
    options = ["--snapshot", "2024-12-04", "-p", "out_dir=a  b", "-p", "engine=$HOME;*", "--no-paper", ""]
    done = ready.run(*word, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["-P", "-m", "analysis", "run", *options]


def test_no_argument_at_all_is_a_run(ready):
    assert ready.run().stdout.splitlines() == ["-P", "-m", "analysis", "run"]


@pytest.mark.parametrize("word", [word for word in words() if word not in ("run", "test")])
def test_other_commands_and_their_help_are_forwarded(ready, word):
    assert ready.run(word, "--help").stdout.splitlines() == ["-P", "-m", "analysis", word, "--help"]


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_exit_code_is_that_of_the_run(ready, code):
    assert ready.run(PYTHON_EXIT=str(code)).returncode == code


def test_works_through_links_and_with_spaces_in_the_path(tmp_path):
    sandbox = Sandbox(tmp_path, "a b/the  repository")
    sandbox.finished_venv()
    (tmp_path / "links").mkdir()
    (tmp_path / "links/relative").symlink_to("../a b/the  repository/run_all.sh")
    (tmp_path / "to link").symlink_to(tmp_path / "links/relative")
    done = sandbox.run(program=tmp_path / "to link", cwd=tmp_path / "links", SHOW_ENVIRONMENT="1")
    assert (done.returncode, done.stderr) == (0, "")
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert shown["PYTHONPATH"] == str(sandbox.root)
    assert shown["PWD"] == str(tmp_path / "links")  # file names on the command line mean what the caller means


def test_the_environment_of_a_run_does_not_depend_on_the_callers(ready):
    fixed = {"PYTHONPATH": str(ready.root), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    fixed |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    done = ready.run(SHOW_ENVIRONMENT="1", PYTHONHOME="/elsewhere", **dict.fromkeys(fixed, "7"))
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {name: shown[name] for name in fixed} == fixed
    assert "PYTHONHOME" not in shown


# ---- the Python environment ------------------------------------------------------------------------------


def test_the_second_run_installs_nothing(sandbox):
    sandbox.program("uv", UV)
    first = sandbox.run()
    assert first.returncode == 0, first.stderr
    made, filled, ran = sandbox.calls
    assert made.startswith("uv venv --quiet --python /") and made.endswith(f" {sandbox.root}/.venv")
    assert "pip install" in filled and "--require-hashes -r requirements.txt" in filled
    assert ran == "python -P -m analysis run"
    assert "installing the packages of requirements.txt" in first.stderr
    second = sandbox.run()
    assert (second.returncode, second.stderr) == (0, "")
    assert sandbox.calls[3:] == ["python -P -m analysis run"]


def test_the_last_line_of_stdout_is_the_programs_own_also_on_the_first_run(sandbox):
    sandbox.program("uv", UV.replace("case", "echo chatter\ncase", 1))
    assert sandbox.run().stdout.splitlines() == ["-P", "-m", "analysis", "run"]


def test_a_set_up_that_was_broken_off_is_made_anew(sandbox):
    sandbox.program("uv", UV)
    broken = sandbox.run(UV_FAILS="1")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.splitlines()[-1].startswith("run_all.sh: could not install the packages of requirements.txt")
    assert sandbox.venv_python.exists()
    left_over = sandbox.root / ".venv/half"
    left_over.touch()
    again = sandbox.run()
    assert again.returncode == 0
    assert "making .venv anew" in again.stderr
    assert not left_over.exists()
    assert list(sandbox.tmp.iterdir()) == []  # no log left behind


@pytest.mark.parametrize("settings", ["home = /usr/bin\nprompt = 'theirs'\n", None])
def test_a_venv_that_somebody_else_made_is_not_deleted(sandbox, settings):
    sandbox.program("uv", UV)
    theirs = sandbox.root / ".venv/lib/theirs.py"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    if settings:
        (sandbox.root / ".venv/pyvenv.cfg").write_text(settings)
    done = sandbox.run("--no-paper")
    assert (done.returncode, done.stdout, sandbox.calls) == (1, "", [])
    assert done.stderr.startswith("run_all.sh: .venv was not made by this script") and done.stderr.count("\n") == 1
    assert theirs.exists()


@pytest.mark.parametrize("change", ["lock", "python", "no python"])
def test_a_venv_of_another_lock_or_python_is_made_anew(ready, change):
    ready.program("uv", UV)
    if change == "lock":
        ready.write_lock("numpy==2.4.7 \\\n    --hash=sha256:11\n")
    elif change == "python":
        stamp = ready.root / ".venv/made-from"
        stamp.write_text("3.10 " + stamp.read_text().split()[1] + "\n")
    else:
        ready.venv_python.unlink()
        ready.venv_python.symlink_to("/gone/python3")
    done = ready.run()
    assert done.returncode == 0
    assert "making .venv anew" in done.stderr
    assert [call.split()[1] for call in ready.calls] == ["venv", "pip", "-P"]


def test_two_runs_at_once_make_one_venv(sandbox):
    sandbox.program("uv", UV)
    command = [sandbox.root / "run_all.sh"]
    runs = [
        subprocess.Popen(
            command,
            env=sandbox.environment(UV_SLEEP="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert [call.split()[0] for call in sandbox.calls] == ["uv", "uv", "python", "python"]
    assert sum("another run_all.sh is setting up" in text for text in said) == 1


def test_without_uv_the_locked_one_installs_the_rest(sandbox):
    """`python -m venv` makes the environment; pip gets uv by its own lines of the lock, and nothing else."""
    before, after = (
        "numpy==2.4.6 \\\n    --hash=sha256:00\n",
        "    # via nobody\nzzz==1 \\\n    --hash=sha256:44\n",
    )
    uv_lines = "uv==0.13.9 \\\n    --hash=sha256:22 \\\n    --hash=sha256:33\n"
    sandbox.write_lock(before + uv_lines + after)
    sandbox.program("uv", UV, directory=sandbox.fakes)
    pip = """case "$*" in *pip*uv.txt*)
  cat "${@: -1}" >"$FAKES/asked-for" && cp "$FAKES/uv" "${0%/*}/uv"; exit ;;
esac
"""
    sandbox.program("venv-python", PYTHON.replace("printf", pip + "printf", 1), directory=sandbox.fakes)
    sandbox.replace_python('"-m venv "*) mkdir -p "$5/bin" && cp "$FAKES/venv-python" "$5/bin/python" ;;')
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert (sandbox.fakes / "asked-for").read_text() == uv_lines
    installed, ran = sandbox.calls
    assert installed.startswith("uv pip install") and installed.endswith("--require-hashes -r requirements.txt")
    assert ran == "python -P -m analysis run"


def test_no_python_is_said_in_one_line(sandbox):
    sandbox.replace_python("*) exit 1 ;;")  # there, and too old
    done = sandbox.run("--no-paper")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("run_all.sh: found no Python 3.11, 3.12 or 3.13; install one")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("user", "installs"), [(1000, False), (0, True)])
def test_a_python_without_venv_is_mended_by_root_and_named_to_others(sandbox, user, installs):
    """Debian ships the module in a package of its own."""
    sandbox.user(user)
    sandbox.program("apt-get", SAYS_CALL)
    sandbox.replace_python("*ensurepip*) exit 1 ;;")
    done = sandbox.run()
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    assert done.returncode == 1
    if installs:
        assert f"installing {package} with apt-get" in done.stderr
        assert f"apt-get could not install {package}" in done.stderr  # the fake brings nothing
        assert any(call.startswith("apt-get install") and call.endswith(package) for call in sandbox.calls)
    else:
        assert done.stderr.endswith(f"which .venv is made with: sudo apt-get install {package}\n")
        assert (done.stderr.count("\n"), sandbox.calls) == (1, [])


def conda(sandbox, *, differences: str) -> dict[str, str]:
    prefix = sandbox.root.parent / "conda/envs/hub"
    (prefix / "bin").mkdir(parents=True)
    check = 'case "$*" in *analysis.environment*) '
    check += f'printf "{differences}"; exit {1 if differences else 0} ;; esac\n'
    sandbox.program("python", PYTHON.replace("printf", check + "printf", 1), directory=prefix / "bin")
    return {"CONDA_PREFIX": str(prefix)}


def test_a_conda_environment_with_the_locked_versions_is_used(sandbox):
    done = sandbox.run(**conda(sandbox, differences=""))
    assert done.stderr == "run_all.sh: using the conda environment hub\n"
    assert done.stdout.splitlines() == ["-P", "-m", "analysis", "run"]
    assert not (sandbox.root / ".venv").exists()


def test_a_conda_environment_with_other_versions_is_not_used(ready):
    found = "numpy: 1.26.4 installed, requirements.txt has 2.4.6"
    done = ready.run(**conda(ready, differences=f"{found}\\nrich: not installed\\n"))
    assert done.returncode == 0
    assert "not using the conda environment hub" in done.stderr
    assert f"in 2 points ({found})" in done.stderr
    assert done.stderr.count("\n") == 1
    assert ready.calls == ["python -P -m analysis run"]


# ---- TeX -------------------------------------------------------------------------------------------------


def test_without_tex_and_rights_one_line_says_what_to_install_and_the_run_goes_on(ready):
    ready.remove("latexmk", "kpsewhich")
    ready.program("apt-get", SAYS_CALL)
    done = ready.run()
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["-P", "-m", "analysis", "run"]
    assert done.stderr.startswith("run_all.sh: no PDF, but all else: not there: latexmk booktabs.sty lmodern.sty phvr8t.tfm.")
    assert "sudo apt-get install texlive-latex-base" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not [call for call in ready.calls if "apt-get" in call]


def test_without_tex_and_apt_get_tex_live_is_named(ready):
    ready.remove("latexmk")
    ready.user(0)
    done = ready.run()
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "no PDF, but all else: not there: latexmk." in done.stderr and "TeX Live" in done.stderr


COMPARISONS = [
    ["--snapshot", "demo,demo"],
    ["run", "--snapshot=demo,demo"],
    ["--as-of", "2021-01-01..2022-01-01/year"],
    ["--as-of=2021-01-01..2022-01-01/year"],
    ["compare", "demo", "demo"],
]


@pytest.mark.parametrize(
    "arguments", [["--no-paper"], ["--snapshot", "demo", "--no-paper"], ["--dry-run"], ["snapshots"], *COMPARISONS]
)
def test_tex_is_not_looked_for_where_no_paper_is_built(ready, arguments):
    ready.remove("latexmk")
    ready.user(0)
    ready.program("apt-get", SAYS_CALL)
    done = ready.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(ready.calls) == 1


@pytest.mark.parametrize("by", ["root", "sudo"])
def test_tex_is_installed_by_root_or_password_less_sudo(ready, by):
    ready.remove("latexmk")
    if by == "root":
        ready.user(0)
    else:
        log = '[ "$2" = true ] || echo "sudo $*" >>"$CALLS"'
        ready.program("sudo", f'#!/usr/bin/env bash\n{log}\nshift\n"$@"\n')
    brings = 'case "$*" in *install*) cp "$FAKES/venv-python" "${0%/*}/latexmk" ;; esac\n'
    ready.program("apt-get", SAYS_CALL + brings)
    done = ready.run()
    assert done.returncode == 0
    assert "installing TeX with apt-get, 250 MB (not there: latexmk)" in done.stderr
    assert "no PDF" not in done.stderr
    plain = [call for call in ready.calls if call.startswith("apt-get")]
    assert plain[0] == "apt-get update -qq"
    assert plain[1].endswith(" texlive-latex-recommended texlive-fonts-recommended lmodern latexmk")
    assert bool([call for call in ready.calls if call.startswith("sudo")]) is (by == "sudo")


def test_a_failing_apt_get_is_said_and_the_run_goes_on(ready):
    ready.remove("latexmk")
    ready.user(0)
    ready.program("apt-get", "#!/usr/bin/env bash\necho 'E: Unable to locate package latexmk' >&2\nexit 100\n")
    done = ready.run()
    assert done.returncode == 0
    last = "run_all.sh: no PDF, but all else: apt-get did not bring latexmk: E: Unable to locate package latexmk"
    assert done.stderr.splitlines()[-1] == last
    assert ready.calls == ["python -P -m analysis run"]
    assert list(ready.tmp.iterdir()) == []


# ---- test ------------------------------------------------------------------------------------------------


@pytest.fixture
def notebooks(ready) -> Sandbox:
    (ready.root / "notebooks").mkdir()
    for name in ("rq1", "rq2"):
        (ready.root / f"notebooks/{name}.ipynb").touch()
    return ready


EVERYTHING = [
    "python -m ruff check .",
    "python -m pytest -n 2 tests",
    "python -m pytest --nbval -n 2 --dist loadfile notebooks/rq1.ipynb notebooks/rq2.ipynb",
]


@pytest.mark.parametrize("arguments", [[], ["--no-paper"]])
def test_test_alone_is_lint_all_tests_and_the_notebooks(notebooks, arguments):
    done = notebooks.run("test", *arguments)
    assert (done.returncode, notebooks.calls) == (0, EVERYTHING)


@pytest.mark.parametrize("failing", EVERYTHING)
def test_one_failure_of_the_three_fails_the_whole_after_all_have_run(notebooks, failing):
    fails = f'case "$*" in "{failing.removeprefix("python ")}") PYTHON_EXIT=5 ;; esac\n'
    text = PYTHON.replace("printf", fails + "printf", 1)
    notebooks.program("python", text, directory=notebooks.venv_python.parent)
    assert notebooks.run("test").returncode == 1
    assert notebooks.calls == EVERYTHING


def test_arguments_of_test_go_to_pytest_alone(notebooks):
    done = notebooks.run("test", "tests/test_licenses.py", "-k", "a and not b", "--no-paper")
    assert done.returncode == 0
    assert notebooks.calls == ["python -m pytest tests/test_licenses.py -k a and not b"]
    assert notebooks.run("test", "-x", PYTHON_EXIT="5").returncode == 1


def test_missing_reference_notebooks_fail_the_tests(ready):
    done = ready.run("test")
    assert done.returncode == 1
    assert "no notebooks/*.ipynb to compare with" in done.stderr


def test_the_tests_of_the_pdf_need_its_reader_too(notebooks):
    notebooks.remove("pdftotext")
    notebooks.program("apt-get", SAYS_CALL)
    done = notebooks.run("test")
    assert "not there: pdftotext." in done.stderr
    assert "poppler-utils" in done.stderr
    assert "pdftotext" not in notebooks.run().stderr  # a run does not read the PDF


def test_the_tests_of_the_page_need_a_browser_and_a_run_does_not(notebooks):
    notebooks.remove("chromium")
    notebooks.program("apt-get", SAYS_CALL)
    done = notebooks.run("test")
    assert done.stderr.startswith("run_all.sh: some tests will be skipped: not there: chromium.")
    assert (done.returncode, notebooks.run().stderr) == (0, "")
    assert notebooks.run("test", "--no-paper").stderr == ""
    notebooks.program("google-chrome", SAYS_CALL)
    assert notebooks.run("test").stderr == ""


def test_a_browser_that_apt_get_does_not_have_leaves_tex_installed(notebooks):
    notebooks.remove("chromium", "latexmk")
    notebooks.user(0)
    brings = """case "$*" in
  *chromium*) echo "E: Unable to locate package chromium" >&2; exit 100 ;;
  *install*) cp "$FAKES/venv-python" "${0%/*}/latexmk" ;;
esac
"""
    notebooks.program("apt-get", SAYS_CALL + brings)
    done = notebooks.run("test")
    assert "installing TeX and Chromium with apt-get, 550 MB (not there: latexmk chromium)" in done.stderr
    last = "some tests will be skipped: apt-get did not bring chromium: E: Unable to locate package chromium"
    assert last in done.stderr.splitlines()[-1]
    assert (notebooks.bin / "latexmk").exists() and done.returncode == 0
