"""What deletes, replaces or renames: only after proof that it is the tool's own. CONTRIBUTING.md lists the places."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import directories, paths, people, run, snapshot
from analysis.directories import MARK, WRITTEN
from analysis.merging import commands
from analysis.page import site
from analysis.parameters import Parameters
from analysis.results import RunError, find
from analysis.snapshot import SnapshotError
from analysis.sources import pseudonyms
from tests.bench import hub_soak

REPOSITORY = {"kind": "model", "repo_id": "lab/a", "owner": "lab"}
RESULTS = json.dumps({"schema": 1, "snapshot": {}, "parameters": {}, "results": {"rq1.models.count": {"value": 3}}})


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, by its path there."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def filled(directory: Path, files) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


# --- the directory of a run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"notebooks/mine.ipynb": "{}", "thesis/ch1.tex": "x", "README.md": "x"},
        {"notebooks/mine.ipynb": "{}"},
        {"parts/engine.json": '{"results": 5}', "tables/mine.csv": "a"},
        {"figures/mine.png": "x", "paper.pdf": "x"},
        {"results.json": '{"accuracy": 0.9}', "notebooks/mine.ipynb": "{}"},
        {"results.json": RESULTS, "thesis.tex": "x"},  # results that were copied to where one works
        {MARK: "", "thesis.tex": "x"},
        {".git/HEAD": "x", "notebooks/mine.ipynb": "{}"},
    ],
)
def test_a_directory_that_no_run_made_is_refused_and_stays_as_it_is(tmp_path, files):
    before = tree(filled(tmp_path, files))
    for refuses in (directories.check, directories.emptied, lambda d: run.run_notebooks(Parameters(out_dir=str(d)))):
        with pytest.raises(RunError, match="nothing was deleted") as error:
            refuses(tmp_path)
        assert "\n" not in str(error.value)
    with pytest.raises(RunError, match="nothing was deleted"), directories.claimed(tmp_path, said=print):
        pass
    assert tree(tmp_path) == before


@pytest.mark.parametrize("files", [None, {}, {MARK: ""}, {"results.json": RESULTS}, {"parts/a.json": RESULTS}])
def test_a_directory_that_is_absent_empty_or_of_a_run_is_emptied_and_marked(tmp_path, files):
    directory = tmp_path / "results"
    if files is not None:
        directory.mkdir()
        filled(directory, files | {"tables/old.csv": "x", "site/index.html": "x"} if files else {})
    directories.check(directory)
    directories.emptied(directory)
    assert [path.name for path in directory.iterdir()] == [MARK]
    assert tree(directory).keys() == {MARK}


@given(st.sets(st.sampled_from([*sorted(WRITTEN), MARK, ".DS_Store", "thesis", "notebooks2", "Results.json"])))
def test_whatever_lies_there_only_what_runs_write_goes_and_only_beside_a_mark(tmp_path_factory, names):
    directory = filled(tmp_path_factory.mktemp("any"), {f"{name}": "{}" for name in names})
    try:
        directories.emptied(directory)
    except RunError:
        left = names
    else:
        left = {MARK, *(name for name in names if name not in WRITTEN)}
        assert not names or MARK in names
        assert not {name for name in names if not name.startswith(".")} - WRITTEN
    assert {path.name for path in directory.iterdir()} == left


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    mine = filled(tmp_path / "mine", {"ch1.tex": "x"})
    directory = filled(tmp_path / "run", {MARK: ""})
    (directory / "notebooks").symlink_to(mine)
    directories.emptied(directory)
    assert tree(mine) == {"ch1.tex": b"x"}


@pytest.mark.parametrize("name", ["thesis", "..", "notebooks/../../x", MARK])
def test_nothing_but_what_runs_write_can_be_removed(tmp_path, name):
    directory = filled(tmp_path / "run", {MARK: "", "thesis/ch1.tex": "x"})
    with pytest.raises(RunError, match="delete it yourself"):
        directories.remove(directory, name)
    assert (directory / "thesis/ch1.tex").exists()


def test_the_page_of_a_directory_without_a_mark_is_not_replaced(tmp_path):
    filled(tmp_path, {"results.json": RESULTS, "site/index.html": "mine"})
    with pytest.raises(RunError, match="nothing proves"):
        site.build(tmp_path)
    assert (tmp_path / "site/index.html").read_text() == "mine"


def test_a_run_writes_nothing_that_the_next_one_would_not_know(demo_run):
    assert {path.name for path in demo_run.iterdir()} <= WRITTEN | {MARK}


@pytest.mark.parametrize("place", ["/proc/x", "/dev/null", "/dev/null/x", "a file", "a file/below", "x" * 300, "a\0b"])
def test_a_directory_that_cannot_be_written_is_said_in_one_line_and_leaves_nothing(tmp_path, place):
    (tmp_path / "a file").write_text("x")
    with pytest.raises(RunError, match="can't be written") as error:
        directories.check(tmp_path / place)
    assert "\n" not in str(error.value)
    assert tree(tmp_path) == {"a file": b"x"}


def test_a_check_leaves_nothing_behind(tmp_path):
    directories.check(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_of_a_directory_says_that_it_waits_and_does(tmp_path):
    events, waits, order = [], threading.Event(), []

    def second():
        with directories.claimed(tmp_path / "run", said=lambda line: (events.append(line), waits.set())):
            order.append("second")

    with directories.claimed(tmp_path / "run", said=events.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(timeout=30)
        order.append("first")
    thread.join(timeout=30)
    assert order == ["first", "second"]
    assert events == [f"another run writes to {tmp_path / 'run'}: waiting for it to end"]
    with directories.claimed(tmp_path / "run", said=events.append):  # and nobody waits for a run that has ended
        assert len(events) == 1


def test_the_results_of_a_run_with_an_out_dir_are_found_by_its_path(tmp_path, monkeypatch):
    filled(tmp_path / "generated" / "demo", {"results.json": RESULTS})
    filled(tmp_path / "mine", {"results.json": RESULTS})
    monkeypatch.setenv("HUB_PAPER_GENERATED", str(tmp_path / "generated"))
    monkeypatch.chdir(tmp_path)
    assert find("demo") == tmp_path / "generated" / "demo"
    assert find("mine") == find("./mine") == find(str(tmp_path / "mine")) == tmp_path / "mine"
    for name in ("../demo", "x\0", "x" * 5_000):
        with pytest.raises(RunError, match="no results of a run"):
            find(name)


# --- snapshots --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.tex": "x"},
        {"manifest.json": "{}", "thesis.tex": "x"},
        {"manifest.json": "{}", "raw/dump.jsonl": "x"},
        {"my-dump.parquet": "x"},  # no manifest: somebody put a dump there
        {},
    ],
)
def test_what_is_no_snapshot_is_not_replaced(snapshots, write_snapshot, files):
    (snapshots / "mine").mkdir()
    before = tree(filled(snapshots / "mine", files))
    with pytest.raises(SnapshotError, match="is no snapshot") as error:
        snapshot.check_free("mine", replace=True)
    assert "\n" not in str(error.value)
    with pytest.raises(SnapshotError, match="is no snapshot"), _writer("mine", replace=True):
        pass
    assert tree(snapshots / "mine") == before
    assert [path.name for path in snapshots.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["people", "People"])
def test_the_decisions_about_people_are_no_snapshot_to_replace(snapshots, name):
    decisions = filled(snapshots, {"people/demo/decisions.csv": "a,b,decision\n"})
    with pytest.raises(SnapshotError, match="the decisions about people lie there"), _writer(name, replace=True):
        pass
    assert tree(decisions) == {"people/demo/decisions.csv": b"a,b,decision\n"}


def _writer(name: str, *, replace: bool = False):
    covered = {"repos": {"model": {"status": "complete"}}}
    return snapshot.Writer(
        name, date=snapshot.date_of("2023-10-15"), synthetic=True, source={}, coverage=covered, replace=replace
    )


def test_a_snapshot_that_cannot_be_put_in_place_leaves_the_one_that_was_there(snapshots, write_snapshot, monkeypatch):
    made = write_snapshot({"repos": [REPOSITORY]}, directory=snapshots)
    rename = Path.rename

    def full(self, target):
        if self.name == "out":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(SnapshotError, match="No space left"), _writer("hand", replace=True) as writer:
        writer.add("repos", [REPOSITORY | {"repo_id": "lab/b"}])
    assert snapshot.load("hand").digest == made.digest
    assert [path.name for path in snapshots.iterdir()] == ["hand"]


_KILLED = """
import datetime, os, signal
from pathlib import Path
from analysis.snapshot import Writer
rename = Path.rename
def killed(self, target):
    if self.name == "out":
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.rename = killed
covered = {"repos": {"model": {"status": "complete"}}}
with Writer("hand", date=datetime.date(2023, 10, 15), synthetic=True, source={}, coverage=covered, replace=True) as writer:
    writer.add("repos", [{"kind": "model", "repo_id": "lab/b"}])
"""


def test_a_replacement_that_is_killed_half_way_loses_nothing_and_says_where_it_is(snapshots, write_snapshot):
    made = write_snapshot({"repos": [REPOSITORY]}, directory=snapshots)
    environment = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    done = subprocess.run([sys.executable, "-c", _KILLED], env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with pytest.raises(SnapshotError, match="rename it back") as error:
        snapshot.load("hand")
    (left,) = (snapshots / name for name in re.findall(r"\.hand\.replaced-\w+", str(error.value)))
    left.rename(snapshots / "hand")
    assert snapshot.load("hand").digest == made.digest


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(snapshots, write_snapshot):
    filled(snapshots, {".hand.partial-dead/.held": "", ".hand.partial-dead/repos.raw": "x", ".handy.partial-x/.held": ""})
    with _writer("hand") as writer:
        writer.add("repos", [REPOSITORY])
        snapshot.remove_leftovers("hand")
        assert not (snapshots / ".hand.partial-dead").exists()
        assert (snapshots / ".handy.partial-x").exists()  # another snapshot's
    assert snapshot.load("hand").manifest["tables"]["repos"]["rows"] == 1


# --- names that cannot be had back, and decisions that are final ------------------------------------------------------


@pytest.fixture
def named(snapshots, write_snapshot) -> Path:
    """The file of a key, beside a snapshot `hand` with a developer's name and another one, `other`."""
    commit = {"kind": "model", "repo_id": "lab/a", "date": "2023-01-01", "authors": ["ann"]}
    for name in ("hand", "other"):
        write_snapshot({"repos": [REPOSITORY], "commits": [commit]}, directory=snapshots, name=name)
    key = snapshots.parent / "key"
    key.write_bytes(b"k" * 32)
    return key


@pytest.mark.parametrize("to", ["hand", "HAND", "other"])
@pytest.mark.parametrize("force", [False, True])
def test_names_are_never_replaced_by_their_pseudonyms(named, snapshots, to, force):
    before = tree(snapshots)
    with pytest.raises(SnapshotError, match="another name|exists") as error:
        pseudonyms.pseudonymise("hand", named, to, replace=force)
    assert "\n" not in str(error.value)
    assert {name: data for name, data in tree(snapshots).items() if "validated" not in name} == before


def test_a_pseudonymised_copy_may_be_replaced_and_a_byte_order_mark_is_no_part_of_the_key(named, snapshots):
    first = pseudonyms.pseudonymise("hand", named, "copy").digest
    named.write_bytes(b"\xef\xbb\xbf" + b"k" * 32 + b"\n")
    assert pseudonyms.pseudonymise("hand", named, "copy", replace=True).digest == first


@pytest.mark.parametrize("said", ["skip", "stop", "done", "sa", "sd", "uns", "nexts", "no", "yes", "same different", "1", ""])
def test_a_word_that_is_no_answer_is_asked_again(monkeypatch, said):
    answers = iter([said, said.upper(), "quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert commands._ask() is None
    assert next(answers, "all were read") == "all were read"


@pytest.mark.parametrize(
    ("said", "answer"),
    [("s", "s"), ("Same", "s"), (" different ", "d"), ("U", "u"), ("unsure", "u"), ("next", ""), ("n", ""), ("q", None)],
)
def test_a_letter_or_a_whole_word_is_an_answer(monkeypatch, said, answer):
    monkeypatch.setattr("builtins.input", lambda _: said)
    assert commands._ask() == answer


def test_two_reviews_at_a_time_lose_no_answer(snapshots, monkeypatch):
    """Each has all decisions in memory and writes the whole file: the second reads them when the first is done."""
    waits = threading.Event()
    monkeypatch.setattr(commands._out, "print", lambda _: waits.set())
    people.directory("hand").mkdir(parents=True)

    def decide(a: str, b: str, meanwhile=lambda: None):
        with commands._alone("hand"):
            decisions = commands._decisions("hand")
            meanwhile()
            pair = SimpleNamespace(a=a, b=b, rule="ours", score=99.0)
            people.write_rows(people.directory("hand") / "decisions.csv", commands._answered(decisions, pair, "same", "me"))

    second = threading.Thread(target=decide, args=("c", "d"))
    decide("a", "b", meanwhile=lambda: (second.start(), waits.wait(timeout=30)))
    second.join(timeout=30)
    assert waits.is_set()
    assert commands._decisions("hand")[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["c", "d"]]


def test_a_long_run_of_the_collector_deletes_nothing_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(hub_soak.tempfile, "tempdir", str(tmp_path / "temporary"))
    mine, own = filled(tmp_path / "mine", {"x": ""}), filled(tmp_path / "temporary" / "taken", {"x": ""})
    with pytest.raises(SystemExit, match="is not deleted"):
        hub_soak._forget(mine)
    hub_soak._forget(own)
    assert mine.exists() and not own.exists()


# --- the whole --------------------------------------------------------------------------------------------------------

# What deletes, replaces or renames, in each language that the project has.
DESTROYS = re.compile(
    r"\brmtree\(|\.unlink\(|\.rmdir\(|os\.(remove|unlink|rename|replace|rmdir|truncate)\(|shutil\.move\(|\brm -|\bmv "
    r"|\.rename\((?!\w+=|\"|')|\.replace\((?=[a-z_]+\))|copyfile\(|\bDELETE FROM\b"
)


def test_every_place_that_deletes_replaces_or_renames_is_listed():
    listed = (paths.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = [*paths.ROOT.glob("analysis/**/*.py"), *paths.ROOT.glob("tests/bench/*.py"), paths.ROOT / "run_all.sh"]
    found = {file.relative_to(paths.ROOT).as_posix() for file in files if DESTROYS.search(file.read_text(encoding="utf-8"))}
    assert len(found) > 4
    assert [name for name in sorted(found) if f"`{name}" not in listed] == []


def test_the_tests_that_hold_the_guards_exist():
    listed = (paths.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named_tests = re.findall(r"`(test_\w+)`", listed)
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (paths.ROOT / "tests").rglob("test_*.py"))
    assert len(named_tests) > 8
    assert [name for name in named_tests if f"def {name}(" not in sources] == []
