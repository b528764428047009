"""Calls of the command line with something wrong: each ends in one line that says what, before anything is written.

`CALLS` is the table: a call with a gap, what goes into the gap, and words of the line that has to come.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from analysis import cli, opening, paths
from analysis.parameters import Parameters
from analysis.snapshot import load

ESC, BIDI, LONG = "\x1b[31mred", "\u202edemo", "x" * 300
IMPORT = "import models-jsonl models.jsonl --name 2022-02-21"
RUN, COLLECT = "run --snapshot demo --no-paper", "collect --name 2023-10-20"

CALLS: dict[str, dict[str, str]] = {
    "{}": {
        "nosuch": "No such command",
        "RUN": "No such command",
        "twni": "Did you mean",
        "demo": "No such command",
        "--version": "No such option",
        "''": "the value is empty",
        "' '": "the value is empty",
    },
    # --- run
    "run {}": {
        "--nosuch": "No such option",
        "demo": "unexpected extra argument",
        "--snapshot": "requires an argument",
        "--as-of": "requires an argument",
        "-p": "requires an argument",
        "--dry-run=1": "does not take a value",
        "--snapshot ''": "--snapshot: the value is empty",
        "--snapshot=": "--snapshot: the value is empty",
        "--snapshot ' '": "--snapshot: the value is empty",
        "--as-of ''": "--as-of: the value is empty",
        "-p bots=some": "bots=some: expected exclude or include",  # and the twin is not made before that is said
        "--as-of 2023-02-30": "as_of=2023-02-30",
        "-p out_dir=/proc/x": "/proc/x: can't be written",
    },
    "run --no-paper --snapshot {}": {
        "demo --snapshot other": "--snapshot: is given 2 times",
        "demo --as-of=2023-01-01 --as-of 2023-02-01": "--as-of: is given 2 times",
        "nosuch": "no such snapshot",
        "demmo": "did you mean demo?",
        "DEMO": "no such snapshot",
        "../demo": "no such snapshot",
        "/etc": "no such snapshot",
        "demo/": "no such snapshot",
        "people": "no such snapshot",
        "demo@2023-01-01": "no such snapshot",
        f"'{ESC}'": "⟨U+001B⟩[31mred: no such snapshot",
        f"'{BIDI}'": "⟨U+202E⟩demo: no such snapshot",
        "'a\nb'": "a⟨U+000A⟩b: no such snapshot",
        LONG: "no such snapshot",
        "demo,": "a name between the commas is empty",
        ",demo": "a name between the commas is empty",
        "demo,nosuch": "snapshot_date=nosuch: no such snapshot",
        "demo,demo@yesterday": "as_of=yesterday: expected an ISO date",
        "demo,demo@": "demo@: expected a day after the @",
        "source-null": "source-null/manifest.json, source: expected an object",
        "no-json": "no-json/manifest.json: not JSON",
        "demo -p snapshot_date=demo": "give it once",
        "demo --as-of 2023-01-01 -p as_of=2023-01-01": "give it once",
    },
    RUN + " --beside {}": {
        "''": "--beside: the value is empty",
        "nosuch": "beside=nosuch: no such snapshot",
        "demo": "is the run's own snapshot",
        "source-null": "source: expected an object",
        "other -p beside=other": "give it once",
    },
    RUN + " --as-of {}": {
        "yesterday": "expected an ISO date",
        "2023-02-30": "expected an ISO date",
        "2023-1-1": "expected an ISO date",
        "20230101": "YYYY-MM-DD",
        "2023-W01-1": "YYYY-MM-DD",
        "2023-01-01T00:00": "expected an ISO date",
        "1999-01-01": "from 2005-04-07",
        "2023-10-15": "the day before the snapshot's date, 2023-10-15",
        "2150-01-01": "the day before the snapshot's date, 2023-10-15",
        "..": "expected START..END/STEP",
        "2021-01-01..": "expected START..END/STEP",
        "2021-01-01..2021-10-01": "expected START..END/STEP",
        "2021-01-01..2021-10-01/week": "unknown step 'week'",
        "2021-10-01..2021-01-01/month": "an end at least a month after the start",
        "2021-13-01..2022-01-01/month": "is no day",
        "2021-01-01..2030-01-01/year": "the day before that of demo",
        "1999-01-01..2021-01-01/year": "expected days from 2005-04-07",
    },
    RUN + " -p {}": {
        "bots": "expected NAME=VALUE",
        "=x": "no parameter ''",
        "bot=include": "did you mean bots?",
        "Bots=include": "no parameter 'Bots'",
        "nonsense=1": "there are snapshot_date, as_of",
        "bots=": "the value is empty",
        "bots=Include": "expected exclude or include",
        "conventions=mine": "expected corrected or authors",
        "identities=RAW": "expected merged or raw",
        "merge_threshold=ninety": "expected a number, such as 90",
        "merge_threshold=101": "from 0 to 100",
        "merge_threshold=-1": "from 0 to 100",
        "merge_threshold=nan": "from 0 to 100",
        "merge_threshold=1e999": "from 0 to 100",
        "engine=localhost": "expected duckdb or a Spark URL",
        "engine=DuckDB": "expected duckdb or a Spark URL",
        "engine=postgres": "expected duckdb or a Spark URL",
        "engine=local[]": "expected duckdb or a Spark URL",
        "engine=local[two]": "expected duckdb or a Spark URL",
        "engine=sc://": "expected duckdb or a Spark URL",
        "'engine=sc://a b'": "expected duckdb or a Spark URL",
        "engine=spark:host": "expected duckdb or a Spark URL",
        "engine=local[2]": "pyspark is not installed",
        "engine=sc://localhost:15002": "is not installed",
        "out_dir=": "the value is empty",
        "out_dir=/dev/null": "can't be written",
        "out_dir=/proc/1/x": "can't be written",
        "out_dir=a-file": "can't be written",
        "out_dir=a-file/below": "can't be written",
        f"out_dir={LONG}": "can't be written",
        "out_dir=project": "no run wrote; nothing was deleted",
        "out_dir=.": "no run wrote; nothing was deleted",
        "out_dir=~nobody-of-this-name/x": "no such home",
        "'out_dir=a\nb'": "without control characters",
        f"'out_dir={ESC}'": "without control characters",
        "bots=include -p bots=exclude": "bots is given twice",
        "bots=include -p bots=include": "bots is given twice",
    },
    "run --snapshot demo -p out_dir={}": {
        "a:b": "TeX reads from no directory with ':'",
        "a,b": "TeX reads from no directory with ','",
        "'a$HOME'": "TeX reads from no directory with '$'",
    },
    # --- import
    "import {}": {
        "models-jsonl": "Missing argument",
        "models-jsonl models.jsonl": "Missing option '--name'",
        "nosuch models.jsonl --name 2022-02-21": "expected one of models-jsonl",
        "models-jsonl:models models.jsonl --name 2022-02-21": "expected models-jsonl",
        "hub-listing-parquet:cats models.jsonl --name 2022-02-21": "expected hub-listing-parquet",
        "models-jsonl absent.jsonl --name 2022-02-21": "does not exist",
        "models-jsonl project --name 2022-02-21": "is a directory",
        "models-jsonl empty --name 2022-02-21": "empty: empty",
        "models-jsonl /dev/null --name 2022-02-21": "no such file",
        "models-jsonl models.jsonl --names 2022-02-21": "No such option",
        "models-jsonl models.jsonl models.jsonl --name 2022-02-21": "1 kinds for 2 files",
    },
    "import models-jsonl models.jsonl --name {}": {
        "''": "the value is empty",
        "../x": "expected letters, digits",
        "'a b'": "expected letters, digits",
        "/tmp/x": "expected letters, digits",
        ".hidden": "expected letters, digits",
        LONG: "expected letters, digits",
        "mine": "name the snapshot after its date or give --date",
        "2022-13-01": "expected an ISO date",
        "2999-01-01": "has not come yet",
        "1999-01-01": "expected a day from 2005-04-07",
        "people --date 2022-02-21": "the decisions about people lie there",
        "demo --date 2022-02-21": "exists; choose another name",
        "theirs --date 2022-02-21 --force": "is no snapshot",
        "2022-02-21 --date 2022-02-22": "begins with another day",
    },
    IMPORT + " {}": {
        "--date 2023-02-30": "expected an ISO date",
        "--date today": "expected an ISO date",
        "--date 9999-12-31": "expected a day from 2005-04-07",
        "--date ''": "--date: the value is empty",
        "--coverage all": "expected sample or complete",
        "--coverage complete --rule 'the first'": "expected no rule",
        "--also links-csv": "2 kinds for 1 files",
        "--title ''": "--title: the value is empty",
        "--rule": "requires an argument",
    },
    # --- what is fetched: nothing is asked of anybody
    "sources {}": {"now": "unexpected extra argument"},
    "fetch {}": {
        "": "Missing argument",
        "nosuch": "expected one of hfcommunity",
        "hub-weekly": "expected a date as 2025-01-01",
        "hub-weekly yesterday": "expected a date as 2025-01-01",
        "hub-stats 2023-02-30": "expected a date as 2025-01-01",
        "weyaxi ../x": "expected a date as 2025-01-01",
        "hfcommunity 1999-01": "expected one of",
        "hub-weekly 2025-01-01 --to": "requires an argument",
    },
    "run --no-paper --fetch --snapshot {}": {
        "nosuch": "--fetch: 'nosuch' is no day",
        "1999-01-01": "no source lists 1999-01-01",
        "2022-02-21 -p bots=some": "expected exclude or include",
        "2022-02-21 -p out_dir=/proc/x": "can't be written",
    },
    # --- collect: nothing is asked of a Hub
    "collect {}": {
        "--date 2023-02-30": "expected an ISO date",
        "--date 1999-01-01": "expected a day from 2005-04-07",
        "--date 2999-01-01": "has not come yet",
        "--date yesterday": "expected an ISO date",
        "--name 2023-10-20 --date 2023-10-21": "begins with another day",
        "--name 2021-10-20": "begins with another day",  # and --date is today
        "--name ../x": "expected letters, digits",
        "--name people": "the decisions about people lie there",
        "--name demo --date 2023-10-15": "exists; choose another name",
        "--name theirs --date 2023-10-15 --force": "is no snapshot",
        "demo": "unexpected extra argument",
    },
    COLLECT + " --date 2023-10-20 {}": {
        "--kinds ''": "--kinds: the value is empty",
        "--kinds ,": "expected some of models, datasets, spaces",
        "--kinds cats": "expected some of models, datasets, spaces",
        "--kinds models,cats": "kinds 'cats'",
        "--what stars": "expected some of repos, commits",
        "--what ,": "expected some of repos, commits",
        "--what usage --kinds models": "usage is read from the listing of spaces",
        "--sample 0": "greater than or equal to 1",
        "--sample many": "valid integer",
        "--owner a/b": "expected the name of an account",
        "--owner ' '": "--owner: the value is empty",
        "--ids absent": "can't be read",
        "--ids project": "is a directory",
        "--ids empty": "names no repository",
        "--ids latin1": "can't be read as text",
        "--ids no-ids": "no-ids, row 2",
        "--ids ids --sample 5": "give it without --sample and --owner",
        "--ids ids --owner lab": "give it without --sample and --owner",
        "--all-discussions": "goes with --since",
        "--since nosuch": "'nosuch' does not exist",
        "--since ../demo": "expected letters, digits",
        "--since source-null": "source: expected an object",
        "--token-from nosuch": "neither a variable",
        "--token-from empty": "holds no token",
        "--token-from a-file": "holds no token",
        "--replay": "collect first, without --replay",
    },
    "collect --name early --date 2023-10-14 --since {}": {"demo": "is of 2023-10-15, after 2023-10-14"},
    # --- twin
    "twin {}": {
        "--date 2023-02-30": "expected an ISO date",
        "--date 1999-01-01": "expected a day from 2005-04-07",
        "--date 2021-01-01": "expected a day after 2021-03-02",
        "--date 2999-01-01": "has not come yet",
        "--date today": "expected an ISO date",
        "--seed -5": "greater than or equal to 0",
        "--seed 1 --seed 2": "--seed: is given 2 times",
        "--seed 1.5": "valid integer",
        "--seed x": "valid integer",
        "--seed 99999999999999999999": "less than or equal to",
        "--scale 0": "greater than or equal to 0.001",
        "--scale -1": "greater than or equal to 0.001",
        "--scale 1000": "less than or equal to 100",
        "--scale nan": "--scale",
        "--scale inf": "less than or equal to 100",
        "--scale big": "valid number",
        "--date 2023-10-14": "exists; choose another name",
        "now": "unexpected extra argument",
    },
    # --- snapshots
    "select {}": {
        "": "Missing argument",
        "demo": "Missing option '--only-in'",
        "demo --only-in ''": "--only-in: the value is empty",
        "nosuch --only-in demo": "'nosuch' does not exist",
        "demo --only-in nosuch": "'nosuch' does not exist",
        "demo --only-in demo": "is the snapshot itself",
        "demo --only-in source-null": "source: expected an object",
        "demo --only-in other --to ../x": "expected letters, digits",
        "demo --only-in other --to people": "the decisions about people lie there",
        "demo --only-in other --to other": "exists; choose another name",
        "demo --only-in other --to theirs --force": "is no snapshot",
        "demo --only-in other --to 2021-01-01": "begins with another day",
    },
    "snapshots {}": {"demo": "unexpected extra argument", "--all": "No such option"},
    "validate {}": {
        "": "Missing argument",
        "''": "the value is empty",
        "nosuch": "does not exist; there are",
        "../demo": "expected letters, digits",
        "demo nosuch": "unexpected extra argument",
        "no-json": "no-json/manifest.json: not JSON",
        "no-source": "no-source/manifest.json: without source",
        "source-null": "source-null/manifest.json, source: expected an object",
        "rule-5": "rule-5/manifest.json, tables.repos.coverage.model.rule: expected a text",
        "rejected-list": "rejected-list/manifest.json, rejected: expected an object",
        "schema-2": "this tool reads schema 1",
        "renamed": "rename the directory back",
        "no-table": "no-table/repos.parquet: missing",
        "theirs": "theirs/manifest.json: missing",
    },
    "changed-files {}": {
        "": "Missing argument",
        "nosuch": "'nosuch' does not exist",
        "demo --origin https://huggingface.co/": "is synthetic, its repositories are not on the Hub; say --origin",
        "demo --origin file:///x --kind models": "expected one of model, dataset, space",
        "demo --origin file:///x --sample 0": "--sample",
        "demo --origin file:///x --wait nan": "--wait",
        "demo --origin file:///x --to demo --force": "is the snapshot itself",
        "demo --origin file:///x --to other": "exists; choose another name",
        "demo --origin file:///x --to theirs --force": "is no snapshot",
        "demo --origin file:///x --to ../x": "expected letters, digits",
    },
    "pseudonymise {}": {
        "demo": "Missing option '--key-file'",
        "demo --key-file absent": "absent: can't be read",
        "demo --key-file project": "project: can't be read",
        "demo --key-file empty": "0 bytes, expected 32",
        "demo --key-file a-file": "expected 32 or more",
        "nosuch --key-file key": "'nosuch' does not exist",
        "demo --key-file key --to demo": "another name than the snapshot's own",
        "demo --key-file key --to demo --force": "another name than the snapshot's own",
        "demo --key-file key --to Demo --force": "another name than the snapshot's own",
        "demo --key-file key --to ../x": "expected letters, digits",
        "demo --key-file key --to ''": "--to: the value is empty",
        "demo --key-file key --to other": "exists; choose another name",
        "demo --key-file key --to other --force": "is no pseudonymised copy",
        "demo --key-file key --to theirs --force": "is no snapshot",
        "demo --key-file key --to people --force": "the decisions about people lie there",
    },
    # --- people
    "people {}": {
        "nosuch": "No such command",
        "candidates": "Missing argument",
        "candidates nosuch": "no such snapshot",
        "candidates demo --threshold 40": "greater than or equal to 50",
        "candidates demo --threshold nan": "--threshold",
        "candidates demo --conventions mine": "expected corrected or authors",
        "suspects nosuch": "no such snapshot",
        "suspects ../demo": "no such snapshot",
        "decide demo": "run `people candidates demo` first",
        "decide demo --rule best": "expected ours or study",
        "decide demo --threshold 101": "less than or equal to 100",
        "decide demo --threshold nan": "--threshold",
        "apply demo": "run `people candidates demo` first",
        "apply ../demo": "expected letters, digits",
        "review demo": "run `people candidates demo` first",
        "review demo --by ''": "--by: the value is empty",
        "review demo --by automatic": "expected who decides",
        "review demo --least nan": "--least",
        "score nosuch": "no such snapshot",
        "score nosuch.csv": "no such snapshot",
        "score models.jsonl": "without the columns person, kind, alias",
        "score empty": "no CSV file",
        "score broken.csv.gz": "no CSV file",
        "score demo --rule best": "expected one of",
        "score demo --threshold 10": "greater than or equal to 50",
        "score demo --save": "--save: keeps all rules",
        "score models.jsonl --save --threshold 90": "--save: keeps all rules",
        "effect nosuch": "no such snapshot",
    },
    # --- what reads runs
    "ledger {}": {
        "": "Missing argument",
        "nosuch": "no results of a run 'nosuch'; there are: demo",
        "../demo": "no results of a run",
        "project": "no results of a run",
        "half": "half/results.json: not the results of a run",
        "demo --verdict wrong": "expected one of matches",
        "demo --verdict ''": "--verdict: the value is empty",
        "demo --section 9.9": "no value is printed there",
    },
    "explain {}": {
        "": "Missing argument",
        "rq2.all.k1.recip": "no results of a run '2023-10-15-twin'",
        "rq2.all.k1.recip --run nosuch": "no results of a run 'nosuch'",
        "rq2.all.k1.recipe --run demo": "rq2.all.k1.recip",
        "rq9 --run demo": "no result 'rq9'",
        "'' --run demo": "the value is empty",
    },
    "archive {}": {
        "": "no results of a run '2023-10-15-twin'",
        "nosuch": "no results of a run 'nosuch'",
        "demo": "the paper was not built",
        "demo demo": "unexpected extra argument",
        "half": "not the results of a run",
    },
    "compare {}": {
        "": "Missing argument",
        "demo": "expected two snapshots or more",
        "demo nosuch": "no such snapshot",
        "demo ''": "the value is empty",
        "demo demo@2023-02-30": "as_of=2023-02-30",
        "demo demo --as-of 2021-01-01..2021-10-01/month": "a range goes with one snapshot",
        "demo other -p snapshot_date=demo": "give it once",
        "demo other --as-of 2022-01-01 -p as_of=2022-01-01": "give it once",
        "demo other -p bots=all": "expected exclude or include",
        "demo other -p out_dir=project": "no run wrote; nothing was deleted",
        "demo other -p out_dir=/proc/x": "can't be written",
        "demo source-null": "source: expected an object",
    },
    "check {}": {
        "--snapshot nosuch": "no references of nosuch",
        "--snapshot ../demo": "no references of",
        "--snapshot ''": "--snapshot: the value is empty",
        "demo": "unexpected extra argument",
    },
    "lab {}": {
        "--port x": "valid integer",
        "--port 70000": "less than or equal to 65535",
        "--port -1": "greater than or equal to 1",
        "demo": "unexpected extra argument",
    },
    "update-references {}": {
        "--snapshot nosuch": "references are kept of demo and 2023-10-15-twin alone",
        "--snapshot other": "references are kept of demo and 2023-10-15-twin alone",
        "--snapshot ../x": "references are kept of demo and 2023-10-15-twin alone",
        "--snapshot 2023-10-15-twin": "no such snapshot",
        "--snapshot demo --force": "No such option",
        "--snapshot ''": "--snapshot: the value is empty",
        "demo": "unexpected extra argument",
    },
}
TABLE = [(call.format(value).strip(), expected) for call, values in CALLS.items() for value, expected in values.items()]
NEEDS_NO_SPARK = {"pyspark is not installed", "is not installed"}


@pytest.fixture(scope="module")
def place(demo, tmp_path_factory) -> Path:
    """The directory that the calls are made in, with files of all kinds, snapshots, and results of `demo`."""
    top = tmp_path_factory.mktemp("hostile")
    work, snapshots = top / "work", top / "snapshots"
    for directory in (work / "project" / "notebooks", snapshots / "theirs", snapshots / "people", top / "generated/half"):
        directory.mkdir(parents=True)
    files = {
        "a-file": b"not a token", "empty": b"", "key": b"k" * 32, "latin1": b"models/caf\xe9/x\n", "ids": b"models/lab/a\n",
        "no-ids": b"models/lab/a\nmodels/../x\n", "no-json": b"{", "models.jsonl": b'{"id": "lab/a", "likes": 1}\n',
        "broken.csv.gz": b"\x1f\x8b\x08\x00broken", "project/thesis.tex": b"x", "project/notebooks/mine.ipynb": b"{}",
    }  # fmt: skip
    for name, data in files.items():
        (work / name).write_bytes(data)
    (snapshots / "theirs" / "raw.txt").write_text("x")
    (top / "generated/half/results.json").write_text("{}")
    _write_snapshots(demo.path, snapshots)
    results = json.loads((paths.REFERENCES / "demo/results.json").read_text(encoding="utf-8"))
    document = {"schema": 1, "snapshot": demo.manifest, "parameters": Parameters().recorded(), "results": results}
    (top / "generated/demo").mkdir()
    (top / "generated/demo/results.json").write_text(json.dumps(document))
    return top


def _write_snapshots(demo: Path, snapshots: Path) -> None:
    """`demo`, a copy of another name, a twin of 2023-10-14, and copies whose manifests are each wrong in one way."""
    wrong = {
        "demo": {},
        "other": {},
        "2023-10-14-twin": {},
        "source-null": {"source": None},
        "rejected-list": {"rejected": []},
        "schema-2": {"schema": 2},
        "renamed": {"name": "demo"},
        "no-source": {},
        "rule-5": {},
        "no-table": {},
        "no-json": {},
    }
    for name, changes in wrong.items():
        (snapshots / name).mkdir()
        for file in demo.glob("*.parquet"):
            os.link(file, snapshots / name / file.name) if _same_disk(file, snapshots) else shutil.copy(file, snapshots / name)
        manifest = json.loads((demo / "manifest.json").read_text(encoding="utf-8")) | {"name": name} | changes
        if name == "no-source":
            del manifest["source"]
        if name == "rule-5":
            manifest["tables"]["repos"]["coverage"]["model"]["rule"] = 5
        if name == "no-table":
            (snapshots / name / "repos.parquet").unlink()
        (snapshots / name / "manifest.json").write_text("{" if name == "no-json" else json.dumps(manifest))


def _same_disk(file: Path, directory: Path) -> bool:
    return file.stat().st_dev == directory.stat().st_dev


@pytest.fixture
def called_in(place, monkeypatch) -> Path:
    monkeypatch.chdir(place / "work")
    for name in paths.MOVED:
        monkeypatch.setenv(name, str(place / name.removeprefix("HUB_PAPER_").lower()))
    monkeypatch.setenv("HF_HOME", str(place / "no-home"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return place


def state(place: Path) -> set[tuple]:
    """What is there, and the source tree's places that a command may write to."""
    tops = (place, paths.NOTEBOOKS, paths.REFERENCES, paths.DATA)
    found = (path for top in tops for path in top.rglob("*") if "snapshots" not in path.parts or top == place)
    # Of a directory only that it is there: whether it can be written is tried.
    return {(str(path), *((s.st_mtime_ns, s.st_size) if path.is_file() else ())) for path in found for s in [path.stat()]}


def test_the_table_is_long_enough_and_reaches_every_command():
    calls = [call for call, _ in TABLE]
    assert len(calls) == len(set(calls)) >= 200
    commands = {command.name for command in cli.app.registered_commands} | {"people"}
    assert commands - {"test"} <= {call.split()[0] for call in calls}  # `test` hands all it is given to pytest


@pytest.mark.parametrize(("call", "expected"), TABLE, ids=[f"{n}" for n in range(len(TABLE))])
def test_a_hostile_call_ends_in_one_line_and_writes_nothing(call, expected, called_in, capsys):
    if expected in NEEDS_NO_SPARK and find_spec("pyspark"):
        pytest.skip("pyspark is installed here, so this call is right")
    before = state(called_in)
    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(call))
    said = capsys.readouterr()
    assert ended.value.code in (1, 2), said
    assert said.err.startswith("error: ") and said.err.count("\n") == 1, said.err
    assert expected in said.err and "Traceback" not in said.err
    assert said.err[:-1].isprintable()
    assert said.out == ""
    assert state(called_in) == before


@pytest.mark.parametrize(
    "call",
    ["run --snapshot ''", "run --snapshot demo -p out_dir=project", "people decide demo"],
)
def test_so_it_does_through_run_all(call, called_in):
    if not _is_set_up():
        pytest.skip("there is no .venv here that run_all.sh has made from the present lock: it would be made now")
    before = state(called_in)
    environment = {name: value for name, value in os.environ.items() if name != "CONDA_PREFIX"}
    done = subprocess.run(
        [paths.ROOT / "run_all.sh", *shlex.split(call)], cwd=called_in / "work", env=environment, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert done.stdout == "" and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert state(called_in) == before


def test_options_that_may_be_given_several_times_are_those_that_take_several_values():
    def options(command):
        yield from (name for option in command.params if getattr(option, "multiple", False) for name in option.opts)
        for below in getattr(command, "commands", {}).values():
            yield from options(below)

    assert set(options(typer.main.get_command(cli.app))) == {*opening.REPEATABLE, "-p"}


def _is_set_up() -> bool:
    stamp, lock = paths.ROOT / ".venv" / "made-from", (paths.ROOT / "requirements.txt").read_bytes()
    return stamp.is_file() and hashlib.sha256(lock).hexdigest() in stamp.read_text()


def test_the_snapshots_that_the_calls_take_as_whole_are(called_in):
    assert {load(name).name for name in ("demo", "other", "2023-10-14-twin")} == {"demo", "other", "2023-10-14-twin"}
