"""What a user has set does not reach a run: one by one as variables, all at once in a kernel, in LaTeX, and in a command."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import kernels, paths, programs, run, variables

HOSTILE = {
    "MATPLOTLIBRC": "/tmp/matplotlibrc",
    "MPLBACKEND": "nonsense",
    "MPLCONFIGDIR": "/tmp",
    "IPYTHONDIR": "/tmp",
    "JUPYTER_PATH": "/tmp",
    "JUPYTER_CONFIG_DIR": "/tmp",
    "JUPYTER_DATA_DIR": "/tmp",
    "XDG_CONFIG_HOME": "/tmp",
    "XDG_CACHE_HOME": "/tmp",
    "XDG_DATA_HOME": "/tmp",
    "LANG": "de_DE.UTF-8",
    "LC_ALL": "C",
    "LC_NUMERIC": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "TZ": "Asia/Tokyo",
    "PYTHONSTARTUP": "/tmp/startup.py",
    "PYTHONPATH": "/tmp",
    "PYTHONHASHSEED": "7",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "latin-1",
    "PANDERA_VALIDATION_ENABLED": "False",
    "IBIS_DEFAULT_BACKEND": "nonsense",
    "ARROW_USER_SIMD_LEVEL": "NONE",
    "OMP_NUM_THREADS": "2",
    "PYTEST_ADDOPTS": "--collect-only",
    "TEXINPUTS": "/tmp:",
    "BSTINPUTS": "/tmp:",
    "TEXMFHOME": "/tmp",
    "max_print_line": "20",
    "SOURCE_DATE_EPOCH": "1",
    "GIT_DIR": "/nonexistent",
    "HOME": "/nonexistent",
    "HF_TOKEN": "hf_secret",
    "COLUMNS": "20",
}
KEPT = {
    "PATH": os.defpath,
    "TMPDIR": "/tmp",
    "HUB_PAPER_SNAPSHOTS": "/data",
    "JAVA_HOME": "/java",
    "SPARK_HOME": "/spark",
    "https_proxy": "http://127.0.0.1:1",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
}


def exactly(monkeypatch, given: dict[str, str]) -> None:
    """Make these the variables of this process during one test."""
    for name in [*os.environ]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_users_setting_changes_no_variable_of_a_run(monkeypatch, tmp_path, name):
    exactly(monkeypatch, {"PATH": os.defpath})
    without = variables.clean(tmp_path)
    exactly(monkeypatch, {"PATH": os.defpath, name: HOSTILE[name]})
    assert variables.clean(tmp_path) == without


@pytest.mark.parametrize("name", KEPT)
def test_where_things_are_and_what_processor_to_pass_for_reaches_a_run(monkeypatch, tmp_path, name):
    exactly(monkeypatch, {name: KEPT[name]})
    assert variables.clean(tmp_path)[name] == KEPT[name]


def test_variables_come_back_after_a_block_that_failed(monkeypatch):
    exactly(monkeypatch, {"PATH": os.defpath, "TZ": "Asia/Tokyo"})
    with pytest.raises(ZeroDivisionError), variables.cleaned():
        assert os.environ["TZ"] == "UTC" and Path(os.environ["HOME"]).is_dir()
        raise ZeroDivisionError
    assert dict(os.environ) == {"PATH": os.defpath, "TZ": "Asia/Tokyo"}


# --- a kernel ---------------------------------------------------------------------------------------------------------

NOTEBOOK = """# %%
import json, locale, os, sys, time
import pandas as pd
from analysis import figures
figure, (axis,) = figures.canvas(1, height=1)
axis.plot([1, 10], [1, 10])
axis.set(xscale="log", title="drawn")
figure.savefig("drawn.svg", metadata={"Date": None})

# %%
seen = {
    "svg": open("drawn.svg").read(), "options": pd.describe_option(_print_desc=False), "zone": time.tzname,
    "flags": str(sys.flags), "hash": hash("a"), "encoding": locale.getpreferredencoding(),
    "variables": {name: value for name, value in os.environ.items() if name != "HOME" and not name.startswith("JPY_")},
}
print(json.dumps(seen, default=str))

# %%
pd.Series(range(100))
"""
STARTUP = 'import pandas\npandas.set_option("display.max_rows", 3)\n'
CONFIGURED = f"c.InteractiveShellApp.exec_lines = {STARTUP.splitlines()!r}\n"
FILES = {
    ".config/matplotlib/matplotlibrc": "axes.grid: True\nfont.size: 30\n",
    ".ipython/profile_default/startup/00.py": STARTUP,
    ".ipython/profile_default/ipython_config.py": CONFIGURED,
    ".ipython/profile_default/ipython_kernel_config.py": CONFIGURED,
    ".jupyter/jupyter_config.json": '{"KernelManager": {"kernel_name": "nonsense"}}',
    ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "", "env": {"TZ": "Asia/Tokyo"}}',
    ".latexmkrc": "$pdflatex = 'false';\n",
    "texmf/tex/latex/booktabs.sty": "\\errmessage{the user's own package}\n",
}


@pytest.fixture
def settings_of_a_user(tmp_path, monkeypatch) -> Path:
    """All of `HOSTILE`, but for where Python looks for modules, and a home full of settings, for one test."""
    home = tmp_path / "home"
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    for name in ("MATPLOTLIBRC", "MPLCONFIGDIR", "XDG_CONFIG_HOME", "IPYTHONDIR", "JUPYTER_PATH", "JUPYTER_CONFIG_DIR"):
        monkeypatch.delenv(name)  # so that the home counts
    monkeypatch.setenv("HOME", str(home))
    return home


def executed(directory: Path, monkeypatch) -> list:
    """The outputs of the notebook above, in a kernel as a run has it."""
    directory.mkdir()
    (directory / "settings.py").write_text(NOTEBOOK, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(paths, "NOTEBOOKS", directory)
        with variables.cleaned(), kernels.kernel() as kernel:
            copy = run.execute("settings", directory=directory, values={}, kernel=kernel)
    return [cell.get("outputs") for cell in json.loads(copy.read_text(encoding="utf-8"))["cells"]]


def test_what_a_user_has_set_does_not_reach_a_kernel(tmp_path, monkeypatch, request):
    usual = executed(tmp_path / "usual", monkeypatch)
    request.getfixturevalue("settings_of_a_user")
    assert executed(tmp_path / "hostile", monkeypatch) == usual


def _rows_of_a_forked_kernel(directory) -> None:
    """In a process without threads, as a run forks its kernels: a thread of pytest's would not be in the copy."""
    paths.NOTEBOOKS = directory
    waiting = kernels.Forked()
    waiting.start()
    with kernels.kernel(waiting) as kernel:
        run.execute("rows", directory=directory, values={}, kernel=kernel)


def test_a_forked_kernel_reads_no_file_of_settings_wherever_it_lies(tmp_path, monkeypatch):
    """IPython reads some outside of a home, which no test may write; those of a home are read in the same way."""
    if not kernels.FORKS:
        pytest.skip("kernels are forked on Linux alone")
    for name in (".ipython/profile_default/ipython_config.py", ".ipython/profile_default/ipython_kernel_config.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CONFIGURED, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "rows.py").write_text("# %%\nimport pandas as pd\nprint(pd.Series(range(50)))\n", encoding="utf-8")
    process = multiprocessing.get_context("spawn").Process(target=_rows_of_a_forked_kernel, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    (copy,) = tmp_path.rglob("rows.ipynb")
    assert "25    25" in copy.read_text(encoding="utf-8")  # the middle, which is cut from a long series


# --- LaTeX, and a command's own process -------------------------------------------------------------------------------


@pytest.mark.tex
def test_what_a_user_has_set_does_not_reach_latex(tmp_path, settings_of_a_user):
    if programs.missing_tex():
        pytest.skip("no TeX here")
    text = r"\documentclass{article}\usepackage{booktabs}\begin{document}\today\end{document}"
    (tmp_path / "main.tex").write_text(text, encoding="utf-8")
    (tmp_path / "latexmkrc").write_text(FILES[".latexmkrc"], encoding="utf-8")
    command = ["latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, env=variables.clean(), capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout[-500:]
    log = (tmp_path / "main.log").read_text(encoding="utf-8", errors="replace")
    assert str(settings_of_a_user) not in log


@pytest.mark.parametrize("name", ["PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONPATH", "TZ", "LC_ALL", "GIT_DIR"])
def test_a_command_drops_what_could_change_its_output(name, tmp_path):
    """Python reads its own variables once: `python -m analysis` starts again without them."""
    code = "from analysis import variables; variables.settle(); import json, os, sys"
    said = "print(json.dumps([dict(os.environ), str(sys.flags)], sort_keys=True))"
    given = {"PATH": os.defpath, "HOME": "/nonexistent", "HF_TOKEN": "hf_secret", "TERM": "dumb"}
    command = [sys.executable, "-c", f"{code}; {said}"]
    plain, hostile = (
        subprocess.run(command, cwd=paths.ROOT, env=given | more, capture_output=True, text=True, check=True).stdout
        for more in (variables.FIXED, {name: HOSTILE[name]})
    )
    assert hostile == plain
    kept = json.loads(plain)[0].items()  # of its user what it needs to talk to them and to the Hub
    assert kept >= given.items()
