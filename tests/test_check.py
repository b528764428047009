"""The reviewer's check: what it finds where a result, a figure, the snapshot or the ledger is not the reference's."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from analysis import check, cli, paths, programs, references
from analysis.results import RunError

HERE = {"snapshot": "a" * 64, "platform": "Linux x86_64, CPython 3.11"}
RESULTS = {"rq1.a": {"value": 0.1, "notebook": "n", "cell": 3}, "rq1.b": {"value": 2, "notebook": "n", "cell": 4}}
REFERENCE = {"results": RESULTS, "figures": {"f.csv": "1", "f.pdf": "2"}, "made_from": HERE}


def with_value(value) -> dict:
    return RESULTS | {"rq1.a": RESULTS["rq1.a"] | {"value": value}}


def test_equal_results_hold_and_are_counted():
    found = check.results_are_the_references(RESULTS, REFERENCE)
    assert found.holds and found.state == "ok" and found.lines() == ["2 are equal, exactly"]


@pytest.mark.parametrize("value", [0.1 + 1e-12, 0.1 * (1 - 0.99e-9)])
def test_last_digits_are_a_warning_that_names_them(value):
    found = check.results_are_the_references(with_value(value), REFERENCE)
    assert found.holds and found.state == "warning"
    told = "1 results differ in their last digits, none by more than 1e-09 of its size"
    assert found.lines() == [told, f"rq1.a: 0.1 became {value!r} (n, cell 3)"]


@pytest.mark.parametrize("value", [0.1000001, 0.1 * (1 + 1.1e-9), None, "0.1", 1])
def test_another_value_is_named_with_its_cell(value):
    found = check.results_are_the_references(with_value(value), REFERENCE)
    assert not found.holds and found.state == "NO"
    assert found.lines() == ["1 results moved", f"rq1.a: 0.1 became {value!r} (n, cell 3)"]


def test_what_no_cell_made_is_named_without_one():
    results = RESULTS | {"rq1.b": {"value": 3, "notebook": "ledger", "cell": None}}
    assert check.results_are_the_references(results, REFERENCE).differences == ("rq1.b: 2 became 3 (ledger)",)


def test_where_one_result_moved_last_digits_of_others_are_not_named():
    results = with_value(0.1 + 1e-12) | {"rq1.b": RESULTS["rq1.b"] | {"value": 3}}
    assert check.results_are_the_references(results, REFERENCE).lines() == [
        "1 results moved",
        "rq1.b: 2 became 3 (n, cell 4)",
    ]


def test_a_count_has_no_last_digits():
    many = {"rq1.n": {"value": 10**12, "notebook": "n", "cell": 1}}
    one_more = {"rq1.n": many["rq1.n"] | {"value": 10**12 + 1}}
    assert not check.results_are_the_references(one_more, REFERENCE | {"results": many}).holds


def test_a_result_that_is_gone_or_new_differs():
    found = check.results_are_the_references({"rq1.c": RESULTS["rq1.b"]}, REFERENCE)
    assert len(found.differences) == 3


def test_many_differences_are_shown_in_part_and_counted():
    results = {f"rq1.{n}": RESULTS["rq1.a"] for n in range(40)}
    lines = check.results_are_the_references(results, REFERENCE | {"results": {}}).lines()
    assert len(lines) == check.SHOWN + 2 and lines[-1] == f"and {40 - check.SHOWN} more"


def test_a_figure_moved_where_its_data_did_and_is_a_warning_where_it_is_drawn_otherwise():
    drawn = check.figures_are_the_references({"f.csv": "1", "f.pdf": "x"}, REFERENCE)
    assert (drawn.state, drawn.differences) == ("warning", ("f.pdf",))
    moved = check.figures_are_the_references({"f.csv": "x", "f.pdf": "x"}, REFERENCE)
    assert (moved.state, moved.differences) == ("NO", ("f.csv",))
    assert not check.figures_are_the_references({"f.csv": "1", "f.pdf": "2", "g.csv": "3"}, REFERENCE).holds


def finding(question, *, holds, differs):
    return check.Finding(question, holds, "said", ("a difference",) if differs else ())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([finding("results", holds=True, differs=False)], ""),
        ([finding("results", holds=True, differs=True)], "nothing: every result is the same to nine digits"),
        ([finding("results", holds=True, differs=True), finding("figures", holds=False, differs=True)], "if the change"),
        ([finding("snapshot", holds=False, differs=True), finding("results", holds=False, differs=True)], "get the snapshot"),
        ([finding("environment", holds=False, differs=True)], "install the locked versions"),
        ([finding("notebooks", holds=False, differs=True)], "if the change is meant: ./run_all.sh update-references"),
    ],
)  # fmt: skip
def test_what_to_do_is_one_line_about_the_first_finding_that_does_not_hold(found, expected):
    line = check.to_do(found, "demo")
    assert line.startswith(expected) and "\n" not in line and "{" not in line


@pytest.mark.parametrize("name", references.SNAPSHOTS)
def test_the_command_that_gets_the_snapshot_of_the_references_exists(name):
    line = check.to_do([finding("snapshot", holds=False, differs=True)], name)
    commands = {f"./run_all.sh {command.name} " for command in cli.app.registered_commands}
    assert f"git checkout {(paths.DATA / 'snapshots' / name).relative_to(paths.ROOT)})" in line or any(
        command in line for command in commands
    )


def test_another_snapshot_is_no_ground_for_a_verdict():
    assert check.snapshot_is_the_references("demo", HERE, REFERENCE).holds
    assert not check.snapshot_is_the_references("demo", HERE | {"snapshot": "b" * 64}, REFERENCE).holds


def test_a_value_without_a_verdict_is_found():
    counts = {"matches": 5, "differs": 2, "undecided": 0, "not_covered": 1, "impossible": 1}
    results = {f"ledger.all.{name}": {"value": count} for name, count in counts.items()}
    whole = results | {"ledger.all.total": {"value": 9}}
    assert check.ledger_as_counted(whole).answer == "5 matches, 2 differs, 0 undecided, 1 not covered, 1 impossible"
    assert not check.ledger_as_counted(results | {"ledger.all.total": {"value": 10}}).holds


def test_an_output_that_nbval_finds_changed_is_named(monkeypatch):
    said = "F\nFAILED notebooks/rq1_activity.ipynb::Cell 3\n1 failed, 9 passed in 3.0s\n"
    monkeypatch.setattr(check.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, said, ""))
    found = check.notebooks_are_the_references()
    assert found.differences == ("FAILED notebooks/rq1_activity.ipynb::Cell 3",)


def test_nbval_that_could_not_start_is_no_success(monkeypatch):
    done = subprocess.CompletedProcess([], 4, "", "no module named nbval\n")
    monkeypatch.setattr(check.subprocess, "run", lambda *_, **__: done)
    found = check.notebooks_are_the_references()
    assert not found.holds and "no module named nbval" in found.differences


def test_a_snapshot_without_references_is_said_before_the_work():
    with pytest.raises(RunError, match="no references of 1999-01-01; there are those of .*demo"):
        references.stored("1999-01-01")


@pytest.mark.parametrize("name", sorted(file.parent.name for file in references.paths.REFERENCES.glob("*/results.json")))
def test_stored_references_are_whole(name):
    stored = references.stored(name)
    assert len(stored["results"]) > 500 and len(stored["figures"]) >= 20
    assert set(stored["made_from"]) == {"snapshot", "platform"}


def test_the_run_of_demo_holds(demo_run, monkeypatch):
    """All but nbval, which the tests run anyway."""
    passed = check.Finding("notebooks", True, "not run here")
    monkeypatch.setattr(check, "notebooks_are_the_references", lambda: passed)
    document = json.loads((demo_run / "results.json").read_text(encoding="utf-8"))
    found = {finding.question: finding for finding in check.findings(document, demo_run)}
    assert list(found) == ["environment", "snapshot", "results", "figures", "notebooks", "ledger"]
    assert all(found[name].holds for name in ("snapshot", "results", "ledger")), found


# ---- ./run_all.sh test -----------------------------------------------------------------------------------------------

EVERYTHING = [
    "ruff check .",
    "pytest -n 2 tests",
    "pytest --nbval -n 2 --dist loadfile notebooks/rq1.ipynb notebooks/rq2.ipynb",
]


class Called(list):
    """What `./run_all.sh test` called, and with which exit codes (0 unless said)."""

    def __init__(self):
        self.exit_codes = {}

    def run(self, command, *, cwd, check):
        assert command[:2] == [sys.executable, "-m"] and cwd == paths.ROOT and not check
        self.append(" ".join(command[2:]))
        return subprocess.CompletedProcess(command, self.exit_codes.get(self[-1], 0))

    def test(self, *arguments: str) -> int:
        self.clear()
        return CliRunner().invoke(cli.app, ["test", *arguments]).exit_code


@pytest.fixture
def called(tmp_path, monkeypatch) -> Called:
    calls = Called()
    (tmp_path / "notebooks").mkdir()
    for name in ("rq1", "rq2"):
        (tmp_path / f"notebooks/{name}.ipynb").touch()
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(check.subprocess, "run", calls.run)
    monkeypatch.setattr(programs, "ensure", lambda said, *, for_tests: calls.append(f"programs {for_tests}"))
    return calls


def test_test_alone_is_what_the_tests_need_then_lint_all_tests_and_the_notebooks(called):
    assert (called.test(), called) == (0, ["programs True", *EVERYTHING])
    assert (called.test("--no-paper"), called) == (0, EVERYTHING)


@pytest.mark.parametrize("failing", EVERYTHING)
def test_one_failure_of_the_three_fails_the_whole_after_all_have_run(called, failing):
    called.exit_codes[failing] = 5
    assert (called.test("--no-paper"), called) == (1, EVERYTHING)


def test_arguments_of_test_go_to_pytest_alone(called):
    words = ["tests/test_licenses.py", "-k", "a and not b", "-x", "--durations=5"]
    assert (called.test(*words, "--no-paper"), called) == (0, [f"pytest {' '.join(words)}"])
    called.exit_codes["pytest -x"] = 5
    assert (called.test("--no-paper", "-x"), called) == (1, ["pytest -x"])


def test_missing_reference_notebooks_fail_the_tests(called, tmp_path):
    for notebook in (tmp_path / "notebooks").iterdir():
        notebook.unlink()
    with pytest.raises(RunError, match="no notebooks/.* to compare with"):
        check.tests_pass()
