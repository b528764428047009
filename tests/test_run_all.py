"""run_all.sh: what it hands over, what it installs and when, what it says where it can't.

Each test has a copy of the script in a directory of its own, and a PATH of its own. The programs on it are the few real
ones that the script needs, and fakes that note how they were called. Its Python is real and has no package; the program
that it is handed over to notes how it was called. Nothing is installed.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis import environment
from analysis.paths import ROOT
from tests import bsd

REAL = "awk bash cat chmod cp dirname env ln mkdir mktemp mv readlink rm sleep tail touch tr wc".split()
BASE = Path(sys._base_executable).resolve()
VERSION = "{}.{}".format(*sys.version_info[:2])

PROGRAM = """
import os, sys
with open(os.environ["CALLS"], "a") as calls:
    print("analysis", *sys.argv[1:], file=calls)
print(*sys.argv[1:], sep="\\n")
if "SHOW_ENVIRONMENT" in os.environ:
    print(*(f"{name}={value}" for name, value in os.environ.items()), sep="\\n")
sys.exit(int(os.environ.get("PROGRAM_EXIT", 0)))
"""

# Makes an environment of the real Python without a package: `uv venv ... DIRECTORY` and `python3 -m venv ... DIRECTORY`.
MAKES_VENV = f"""
  mkdir -p "${{@: -1}}/bin" "${{@: -1}}/lib/python{VERSION}/site-packages" && ln -sf {BASE} "${{@: -1}}/bin/python"
  case "$*" in *"--prompt run_all.sh"*) prompt=run_all.sh ;; *) prompt=other ;; esac
  printf 'home = %s\\ninclude-system-site-packages = false\\nprompt = %s\\n' {BASE.parent} "$prompt" >"${{@: -1}}/pyvenv.cfg"
"""

# Makes an environment; breaks off at the packages if told to.
UV = f"""#!/usr/bin/env bash
echo "uv $*" >>"$CALLS"
case "$1" in
  venv) sleep "${{UV_SLEEP:-0}}"; {MAKES_VENV} ;;
  pip) [ -z "${{UV_FAILS:-}}" ] || {{ echo "no route to the index" >&2; exit 1; }} ;;
esac
"""

SAYS_CALL = """#!/usr/bin/env bash
echo "${0##*/} $*" >>"$CALLS"
"""


class Sandbox:
    """A copy of the repository's script and a PATH of its own."""

    def __init__(self, tmp_path: Path, name: str = "repository"):
        self.root, self.bin, self.tmp = tmp_path / name, tmp_path / "bin", tmp_path / "tmp"
        self.calls_file, self.venv = tmp_path / "calls", self.root / ".venv"
        for directory in (self.root / "analysis", self.bin, self.tmp):
            directory.mkdir(parents=True)
        shutil.copy(ROOT / "run_all.sh", self.root)
        for module in ("__init__.py", "paths.py", "environment.py"):
            shutil.copy(ROOT / "analysis" / module, self.root / "analysis")
        (self.root / "analysis/__main__.py").write_text(PROGRAM)
        self.write_lock("numpy==2.4.6 \\\n    --hash=sha256:00\n")
        self.write_project()
        for program in REAL:
            (self.bin / program).symlink_to(shutil.which(program))
        (self.bin / "python3").symlink_to(BASE)
        self.user(1000)

    def program(self, name: str, text: str, *, directory: Path | None = None) -> Path:
        path = (directory or self.bin) / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def replace_python(self, case: str) -> None:
        """A python3 that does what the shell's case says, and is the real one in every other case."""
        known = f'*_base_executable*) echo "{self.bin}/python3" ;;\n*) exec {BASE} "$@" ;;'
        self.program("python3", f'#!/usr/bin/env bash\ncase "$*" in\n{case}\n{known}\nesac\n')

    def user(self, number: int) -> None:
        """Root (0), or somebody whom sudo asks for a password."""
        self.program("id", f"#!/usr/bin/env bash\necho {number}\n")
        self.program("sudo", "#!/usr/bin/env bash\nexit 1\n")

    def write_lock(self, text: str) -> None:
        (self.root / "requirements.txt").write_text(text)

    def write_project(self, *dependencies: str) -> None:
        project = f'requires-python = ">=3.11,<3.14"\ndependencies = {list(dependencies)}\n'
        extra = "[project.optional-dependencies]\ntest = []\n"
        (self.root / "pyproject.toml").write_text(f"[project]\n{project}{extra}")

    def make_environment(self, directory: Path) -> Path:
        """An environment of the real Python without a package, as uv or conda would make it."""
        subprocess.run(["bash", "-c", MAKES_VENV, "_", "--prompt", "run_all.sh", directory], check=True)
        return directory

    def environment(self, **extra: str) -> dict[str, str]:
        fixed = {"PATH": self.bin, "HOME": self.tmp, "TMPDIR": self.tmp, "CALLS": self.calls_file}
        return {name: str(value) for name, value in fixed.items()} | {"PYTHONDONTWRITEBYTECODE": "1"} | extra

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

    def says(self, *command: str | Path) -> str:
        """What a command prints, somewhere else and without a variable that names the project."""
        done = subprocess.run(command, env=self.environment(), cwd=self.tmp, capture_output=True, text=True, check=True)
        return done.stdout

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def sandbox(tmp_path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def ready(sandbox) -> Sandbox:
    """Everything is installed already."""
    settle(sandbox)
    return sandbox


def settle(sandbox: Sandbox) -> None:
    """What a set-up that ran to its end leaves behind."""
    sandbox.make_environment(sandbox.venv)
    sandbox.says("bash", "-c", f'cd "{sandbox.root}" && .venv/bin/python -m analysis.environment settle')


@pytest.fixture
def mac(sandbox) -> Sandbox:
    """The tools of macOS in place of GNU's; what is not in REAL (flock, timeout, realpath) is missing anyway."""
    bsd.fill(sandbox.bin, [name for name in REAL if name in bsd.REFUSED])
    return sandbox


# ---- where it runs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["run_all.sh", ".binder/postBuild"])
def test_bash_3_of_macos_knows_all_that_the_scripts_use(script):
    text = (ROOT / script).read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert bsd.after_bash_3(text) == []


NEW_IN_BASH = {
    "declare -A of": "associative array", "local -n other=$1": "name reference", 'echo "${word^^}"': "case of letters",
    "mapfile -t lines": "mapfile", "make &>>log": "&>>", "make |& tee log": "|&", "wait -n": "wait -n",
    "echo ${word:1:-1}": "negative length", "[[ -v name ]]": "[[ -v", "exec {lock}>file": "{fd}>",
    'printf "%(%F)T"': "time in printf", 'run "${options[@]}"': "empty array", "echo ${list[-1]}": "negative index",
    "text=$(case $1 in a) echo b ;; esac)": "case in $( )", 'for name in "${!PYTHON@}"': "names in quotes",
}  # fmt: skip


@pytest.mark.parametrize("line", NEW_IN_BASH)
def test_what_came_after_bash_3_is_found(line):
    assert [found.split(": ")[1] for found in bsd.after_bash_3(f"# {line}\n{line}\n")] == [NEW_IN_BASH[line]]


def test_what_bash_3_knows_is_not_complained_of():
    text = 'run ${quiet[@]+"${quiet[@]}"} "$@" >>log 2>&1; exec 9>>"$lock"; echo "${name%%.*}" "${text:1:2}" "${*:2}"'
    assert bsd.after_bash_3(text) == []


def test_with_the_tools_of_macos_it_sets_up_and_runs(mac, tmp_path):
    mac.program("uv", UV)
    (tmp_path / "link").symlink_to(mac.root / "run_all.sh")
    first, second = mac.run(program=tmp_path / "link"), mac.run()
    assert first.stderr == "run_all.sh: installing the packages of requirements.txt into .venv (300 MB to download)\n"
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert [call.split()[0] for call in mac.calls] == ["uv", "uv", "analysis", "analysis"]


def test_with_the_tools_of_macos_a_conda_environment_that_differs_is_said(mac, tmp_path):
    settle(mac)
    prefix = mac.make_environment(tmp_path / "conda/envs/hub")
    mac.write_project("numpy", "rich")
    done = mac.run(CONDA_PREFIX=str(prefix))
    assert "in 2 points (numpy: not installed" in done.stderr  # its `wc` pads the number


@pytest.mark.parametrize("command", [["readlink", "-f", "/"], ["wc", "--lines", "/etc/passwd"], ["cp", "-u", "a", "b"]])
def test_the_tools_of_macos_refuse_what_only_gnus_know(mac, command):
    done = subprocess.run(command, env=mac.environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (64, f"{command[0]}: illegal option {command[1]}\n")


# ---- what it teaches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_before_anything_is_installed_help_is_the_scripts_own_and_needs_nothing_but_the_shell(sandbox, option):
    for name in set(os.listdir(sandbox.bin)) - {"bash", "dirname", "env"}:
        (sandbox.bin / name).unlink()
    done = sandbox.run(option)
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "./run_all.sh test",
        "./run_all.sh COMMAND",
        "--no-paper",
        "paper/generated",
        ".venv",
        "environment.yml",
    ):
        assert text in done.stdout
    assert re.search(r"0 .* 1 failed, 2 wrong usage, 3 ", done.stdout)
    assert not sandbox.venv.exists()


def test_once_all_is_there_help_is_the_programs(ready):
    assert ready.run("--help").stdout.splitlines() == ["--help"]


# ---- what it hands over ----------------------------------------------------------------------------------


OPTIONS = ["--snapshot", "2024-12-04", "-p", "out_dir=a  b", "-p", "engine=$HOME;*", "--no-paper", ""]


@pytest.mark.parametrize(
    ("given", "handed"),
    [
        ([], ["run"]),
        (OPTIONS, ["run", *OPTIONS]),
        (["run", *OPTIONS], ["run", *OPTIONS]),
        (["-p", "bots=include", "--help"], ["run", "-p", "bots=include", "--help"]),
        (["test", "-k", "a and not b"], ["test", "-k", "a and not b"]),
        (["people", "score", "--help"], ["people", "score", "--help"]),
    ],
)
def test_words_and_options_arrive_as_they_were_given(ready, given, handed):
    done = ready.run(*given)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "\n".join(handed) + "\n")


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_exit_code_is_that_of_the_program(ready, code):
    assert ready.run(PROGRAM_EXIT=str(code)).returncode == code


def test_works_through_links_and_with_spaces_in_the_path(tmp_path):
    sandbox = Sandbox(tmp_path, "a b/the  repository")
    settle(sandbox)
    (tmp_path / "links/analysis").mkdir(parents=True)  # of the caller, and not to be imported
    (tmp_path / "links/analysis/__init__.py").write_text("1 / 0")
    (tmp_path / "links/relative").symlink_to("../a b/the  repository/run_all.sh")
    (tmp_path / "to link").symlink_to(tmp_path / "links/relative")
    done = sandbox.run(program=tmp_path / "to link", cwd=tmp_path / "links", SHOW_ENVIRONMENT="1")
    assert (done.returncode, done.stderr) == (0, "")
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert shown["PYTHONPATH"] == str(sandbox.root)
    assert shown["PWD"] == str(tmp_path / "links")  # file names on the command line mean what the caller means


def test_the_environment_of_a_run_does_not_depend_on_the_callers(ready):
    """What Python reads at its start; of all else test_variables.py."""
    fixed = {"PYTHONPATH": str(ready.root), "PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    others = {"PYTHONHOME": "/elsewhere", "PYTHONOPTIMIZE": "2", "PYTHONSTARTUP": "/elsewhere/startup.py"}
    done = ready.run(SHOW_ENVIRONMENT="1", **others, **dict.fromkeys(fixed, "7"))
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {name: shown[name] for name in fixed} == fixed
    assert not others.keys() & shown.keys()


HOW_IT_STARTS = """
import signal, sys
deaf = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
print(deaf, signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []), "hears" in sys._xoptions)
"""


@pytest.mark.parametrize("tools", ["GNU", "macOS"])
@pytest.mark.parametrize("deaf", [False, True])
def test_python_starts_deaf_to_ctrl_c_and_is_told_to_hear_unless_its_caller_wants_it_deaf(ready, deaf, tools):
    """Where it hears, Ctrl-C in its first moments prints a traceback."""
    if tools == "macOS":
        ready.program("env", bsd.refusing("env", shutil.which("env")))
    (ready.root / "analysis/__main__.py").write_text(HOW_IT_STARTS)
    command = ["bash", "-c", ("trap '' INT; " if deaf else "") + f"exec bash '{ready.root}/run_all.sh' demo"]
    expected = "True False False" if deaf else "False True True" if tools == "GNU" else "True False True"
    assert ready.says(*command) == expected + "\n"


# ---- the Python environment ------------------------------------------------------------------------------


def test_the_second_run_installs_nothing(sandbox):
    sandbox.program("uv", UV)
    first = sandbox.run()
    assert first.returncode == 0, first.stderr
    made, filled, ran = sandbox.calls
    assert made.startswith("uv venv --quiet --python /") and made.endswith(f" {sandbox.venv}")
    assert filled.startswith("uv pip sync ") and filled.endswith(f"--require-hashes {sandbox.root}/requirements.txt")
    assert ran == "analysis run"
    assert "installing the packages of requirements.txt" in first.stderr
    second = sandbox.run()
    assert (second.returncode, second.stderr) == (0, "")
    assert sandbox.calls[3:] == ["analysis run"]


def test_the_last_line_of_stdout_is_the_programs_own_also_on_the_first_run(sandbox):
    sandbox.program("uv", UV.replace("case", "echo chatter\ncase", 1))
    assert sandbox.run().stdout.splitlines() == ["run"]


def test_a_set_up_that_was_broken_off_is_made_anew(sandbox):
    sandbox.program("uv", UV)
    broken = sandbox.run(UV_FAILS="1")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.splitlines()[-1].startswith("run_all.sh: could not install the packages of requirements.txt")
    left_over = sandbox.venv / "half"
    left_over.touch()
    again = sandbox.run()
    assert again.returncode == 0
    assert "making .venv anew" in again.stderr
    assert not left_over.exists()


def test_a_deletion_that_is_broken_off_leaves_nothing_that_could_be_somebody_elses(sandbox):
    sandbox.program("uv", UV)
    sandbox.run(UV_FAILS="1")
    sandbox.program("rm", f'#!/usr/bin/env bash\n{shutil.which("rm")} "$@"\n[ -e "{sandbox.venv}" ] || exit 130\n')
    assert sandbox.run().returncode == 130
    assert not sandbox.venv.exists()
    sandbox.program("rm", f'#!/usr/bin/env bash\nexec {shutil.which("rm")} "$@"\n')
    assert (sandbox.run().returncode, sandbox.calls[-1]) == (0, "analysis run")


def test_ctrl_c_while_another_run_sets_up_prints_no_traceback(sandbox):
    with (sandbox.root / ".venv.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sandbox.root / "run_all.sh"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        with subprocess.Popen(command, env=sandbox.environment(), **pipes) as run:
            said = run.stderr.readline()
            time.sleep(0.3)
            os.killpg(run.pid, signal.SIGINT)
            assert (run.stderr.read(), run.wait(timeout=20)) == ("", -signal.SIGINT)
    assert said == "run_all.sh: another run_all.sh is setting up: waiting for it\n"


@pytest.mark.parametrize("settings", ["home = /usr/bin\nprompt = 'theirs'\n", None])
def test_a_venv_that_somebody_else_made_is_not_deleted(sandbox, settings):
    sandbox.program("uv", UV)
    theirs = sandbox.venv / "lib/theirs.py"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    if settings:
        (sandbox.venv / "pyvenv.cfg").write_text(settings)
    done = sandbox.run()
    assert (done.returncode, done.stdout, sandbox.calls) == (1, "", [])
    assert done.stderr.startswith("run_all.sh: .venv was not made by this script") and done.stderr.count("\n") == 1
    assert theirs.exists()


@pytest.mark.parametrize("change", ["python", "no python"])
def test_a_venv_of_another_python_is_made_anew(ready, change):
    ready.program("uv", UV)
    if change == "python":
        stamp = ready.venv / environment.STAMP
        stamp.write_text(f"3.10 {stamp.read_text().split(' ', 1)[1]}")
    else:
        (ready.venv / "bin/python").unlink()
        (ready.venv / "bin/python").symlink_to("/gone/python3")
    done = ready.run()
    assert done.returncode == 0
    assert "making .venv anew" in done.stderr
    assert [call.split()[:2] for call in ready.calls] == [["uv", "venv"], ["uv", "pip"], ["analysis", "run"]]


@pytest.mark.parametrize("stamp", ["of another lock", "of a version that noted no directory"])
def test_a_venv_of_another_lock_is_brought_up_to_it_in_place(ready, stamp):
    ready.program("uv", UV)
    ready.write_lock("numpy==2.4.7 \\\n    --hash=sha256:11\n")
    if stamp == "of a version that noted no directory":
        file = ready.venv / environment.STAMP
        file.write_text(" ".join(file.read_text().split()[:2]) + "\n")
    done = ready.run()
    assert (done.returncode, done.stderr) == (0, "run_all.sh: bringing .venv up to requirements.txt\n")
    assert [call.split()[:2] for call in ready.calls] == [["uv", "pip"], ["analysis", "run"]]
    assert ready.run().stderr == ""


def test_the_scripts_of_a_copied_clone_lead_to_the_copy(ready, tmp_path):
    """Both ways in which a script names its Python, and `activate`; the package is found at once, from anywhere."""
    scripts = ready.venv / "bin"
    body = "import analysis, sys\nprint(sys.prefix, analysis.__path__[0])\n"
    ready.program("plain", f"#!{scripts}/python\n{body}", directory=scripts)
    ready.program(
        "by-shell", f"#!/bin/sh\n'''exec' \"{scripts}/python\" \"$0\" \"$@\"\n' '''\n{body}", directory=scripts
    )
    ready.program("activate", f'VIRTUAL_ENV="{ready.venv}"\nexport VIRTUAL_ENV\n', directory=scripts)
    copy = Path(shutil.copytree(ready.root, tmp_path / "a copy/of it", symlinks=True))
    assert ready.says(copy / ".venv/bin/python", "-c", body) == f"{copy}/.venv {copy}/analysis\n"
    done = ready.run(program=copy / "run_all.sh")
    assert (done.returncode, done.stderr, ready.calls) == (0, "", ["analysis run"])
    for script in ("plain", "by-shell"):
        for root in (ready.root, copy):
            assert ready.says(root / ".venv/bin" / script) == f"{root}/.venv {root}/analysis\n"
    assert f'VIRTUAL_ENV="{copy}/.venv"' in (copy / ".venv/bin/activate").read_text()
    before = {path: path.read_bytes() for path in (copy / ".venv/bin").iterdir()}
    assert ready.run(program=copy / "run_all.sh").stderr == ""
    assert before == {path: path.read_bytes() for path in (copy / ".venv/bin").iterdir()}


def test_two_runs_at_once_make_one_venv(sandbox):
    sandbox.program("uv", UV)
    command, env = [sandbox.root / "run_all.sh"], sandbox.environment(UV_SLEEP="1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen(command, env=env, **pipes) for _ in range(2)]
    said = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert [call.split()[0] for call in sandbox.calls] == ["uv", "uv", "analysis", "analysis"]
    assert sum("another run_all.sh is setting up" in text for text in said) == 1


def test_without_uv_the_locked_one_installs_the_rest(sandbox):
    """`python -m venv` makes the environment; pip gets uv by its own lines of the lock, and nothing else."""
    uv_lines = "uv==0.13.9 \\\n    --hash=sha256:22 \\\n    --hash=sha256:33\n"
    sandbox.write_lock(
        f"numpy==2.4.6 \\\n    --hash=sha256:00\n{uv_lines}    # via nobody\nzzz==1 \\\n    --hash=sha256:44\n"
    )
    sandbox.program("uv", UV, directory=sandbox.tmp)
    pip = f"""
import pathlib, shutil, sys
pathlib.Path({str(sandbox.tmp / "asked-for")!r}).write_text(pathlib.Path(sys.argv[-1]).read_text())
shutil.copy({str(sandbox.tmp / "uv")!r}, pathlib.Path(sys.prefix, "bin/uv"))
"""
    sandbox.program("pip.py", pip, directory=sandbox.tmp)
    brings_pip = (
        f'cp {sandbox.tmp}/pip.py "${{@: -1}}/lib/python{VERSION}/site-packages/" && touch "${{@: -1}}/bin/pip"'
    )
    sandbox.replace_python(f'"-m venv "*) {MAKES_VENV}\n{brings_pip} && chmod +x "${{@: -1}}/bin/pip" ;;')
    done = sandbox.run()
    assert done.returncode == 0, done.stderr
    assert (sandbox.tmp / "asked-for").read_text() == uv_lines
    installed, ran = sandbox.calls
    assert installed.startswith("uv pip sync ") and installed.endswith(f" {sandbox.root}/requirements.txt")
    assert ran == "analysis run"


def test_no_python_is_said_in_one_line(sandbox):
    sandbox.replace_python("*) exit 1 ;;")  # there, and too old
    done = sandbox.run()
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
    package = f"python{VERSION}-venv"
    assert done.returncode == 1
    if installs:
        assert f"installing {package} with apt-get" in done.stderr
        assert f"apt-get could not install {package}" in done.stderr  # the fake brings nothing
        assert any(call.startswith("apt-get install") and call.endswith(package) for call in sandbox.calls)
    else:
        assert done.stderr.endswith(f"which .venv is made with: sudo apt-get install {package}\n")
        assert (done.stderr.count("\n"), sandbox.calls) == (1, [])


def test_a_conda_environment_with_the_locked_versions_is_used_and_finds_the_package(sandbox, tmp_path):
    prefix = sandbox.make_environment(tmp_path / "conda/envs/hub")
    for _ in range(2):
        done = sandbox.run(CONDA_PREFIX=str(prefix))
        assert (done.stderr, done.stdout) == ("run_all.sh: using the conda environment hub\n", "run\n")
    assert not sandbox.venv.exists()
    where = "import analysis; print(analysis.__path__[0])"
    assert sandbox.says(prefix / "bin/python", "-c", where) == f"{sandbox.root}/analysis\n"


def test_a_conda_environment_with_other_versions_is_not_used(ready, tmp_path):
    prefix = ready.make_environment(tmp_path / "conda/envs/hub")
    ready.write_project("numpy", "rich")
    done = ready.run(CONDA_PREFIX=str(prefix))
    assert done.returncode == 0
    assert "not using the conda environment hub" in done.stderr
    assert "in 2 points (numpy: not installed, requirements.txt has 2.4.6)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert ready.calls == ["analysis run"]
