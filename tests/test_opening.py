"""What a command says and refuses before its packages are imported."""

import ast
import shlex
import subprocess
import sys

import pytest
import typer

from analysis import cli, opening, paths

HEAVY = {"pandas", "pyarrow", "duckdb", "ibis", "numpy", "scipy", "matplotlib", "typer", "rich", "jinja2", "httpx2"}


@pytest.fixture(autouse=True)
def there(tmp_path, monkeypatch):
    """A snapshot and a run, as far as their names go."""
    for name in paths.MOVED:
        monkeypatch.setenv(name, str(tmp_path / name))
    for made in (paths.snapshots() / "demo/manifest.json", paths.generated() / "demo/results.json"):
        made.parent.mkdir(parents=True)
        made.write_text("{}")


def test_it_imports_no_package_that_takes_time():
    code = "import sys, analysis.opening; print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) & HEAVY == set()


def test_nothing_is_imported_before_ctrl_c_is_caught():
    outside = [
        line
        for line in ast.parse((paths.ROOT / "analysis/__main__.py").read_text()).body
        if not isinstance(line, ast.Try)
    ]
    imported = [name.name for line in outside if isinstance(line, ast.Import) for name in line.names]
    assert imported == ["_signal", "sys"] and len(outside) == 3  # with its docstring
    code = "import _signal, runpy; _signal.signal(2, _signal.SIG_IGN)\ntry: runpy.run_module('analysis', run_name='__main__')\n"
    code += "finally: print(_signal.getsignal(2) is _signal.default_int_handler)"
    for told, hears in ((["-X", "hears"], "True\n"), ([], "False\n")):
        words = [sys.executable, *told, "-c", code, "--nosuch"]
        assert subprocess.run(words, cwd=paths.ROOT, capture_output=True, text=True, check=False).stdout == hears


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        ("run --snapshot demmo", 2, "no such snapshot; did you mean demo?"),
        ("run --snapshot=demmo --no-paper", 2, "did you mean demo?"),
        ("run -p snapshot_date=demmo", 2, "did you mean demo?"),
        ("run -p bot=include", 2, "did you mean bots?"),
        ("run -pbots=some", 2, "expected exclude or include"),
        ("run --snapshot ''", 2, "the value is empty"),
        ("compare demo@2023-01-01", 0, ""),
        ("compare nosuch demo", 2, "no such snapshot"),
        ("validate nosuch", 1, "does not exist"),
        ("ledger nosuch", 1, "no results of a run"),
        ("explain rq2 --run nosuch", 1, "no results of a run"),
        ("check --snapshot nosuch", 1, "no references"),
        ("update-references --snapshot nosuch", 2, "references are kept of"),
        ("run --snapshot demo -p bots=include", 0, ""),
        ("run --snapshot 2022-02-21", 2, "no such snapshot"),
        ("run --snapshot 2022-02-21 --fetch", 0, ""),  # which a source may list
        ("run --snapshot nosuch --help", 0, ""),
        ("explain rq2 --run demo", 0, ""),
    ],
)
def test_a_wrong_word_is_refused_in_one_line_and_a_right_one_is_not(call, code, said, capsys):
    try:
        opening.begin(shlex.split(call))
        ended = 0
    except SystemExit as error:
        ended = error.code
    lines = capsys.readouterr().err
    assert ended == code and said in lines
    assert lines.count("\n") == bool(code)  # where no terminal is, nothing but errors is said


def test_of_a_day_that_is_not_there_it_says_at_once_who_lists_it(capsys):
    with pytest.raises(SystemExit):
        opening.begin(shlex.split("run --snapshot 2023-10-19"))
    first, *offers, last = capsys.readouterr().err.splitlines()
    assert first.startswith("snapshot 2023-10-19 is not there") and "no such snapshot" in last
    assert [line.split()[:3] for line in offers] == [["fetch", name, "2023-10-19"] for name in ("hfcommunity", "weyaxi")]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("run --snapshot demo", "reading snapshot demo"),
        ("validate demo", "reading snapshot demo"),
        ("check --snapshot demo", "reading snapshot demo"),
        ("ledger demo", "reading the results of demo"),
        ("explain rq2 --run demo", "reading the results of demo"),
        ("compare a b", "starting compare"),
        ("run --help", "looking up the help"),
        ("", "looking up the help"),
    ],
)
def test_what_is_begun_is_said(call, said):
    assert opening.first_words(shlex.split(call)) == said


@pytest.mark.parametrize("above", ["", "people"])
def test_the_help_has_a_line_of_80_columns_for_each_command(above, monkeypatch, capsys):
    monkeypatch.setattr("rich.console.Console.width", 80)
    with pytest.raises(SystemExit):
        cli.main([*above.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    group = typer.main.get_command(cli.app)
    for name, command in (group.commands[above] if above else group).commands.items():
        assert [line for line in lines if line.startswith(f"│ {name} ") and f" {command.short_help} " in line], name


def commands(group=None, before=()):
    """The words of each command and sub-command."""
    for name, command in (group or typer.main.get_command(cli.app)).commands.items():
        yield [*before, name]
        if hasattr(command, "commands"):
            yield from commands(command, [*before, name])


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_no_help_is_cut_at_80_columns(words, monkeypatch, capsys):
    monkeypatch.setattr("rich.console.Console.width", 80)
    with pytest.raises(SystemExit):
        cli.main([*words, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5 and not [line for line in lines if "…" in line or len(line) > 80]
