"""Spark: one application for all notebooks of a run, the results of DuckDB, and plans that a cluster can carry out.

Whole notebooks run on `local[2]`, once; where pyspark or Java is not there, what needs them is skipped and says so.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import ibis
import pandas as pd
import pytest

from analysis import engine, paths, run, spark
from analysis.engine import Hub
from analysis.parameters import ParameterError, Parameters, check
from analysis.results import RunError

LARGEST = 100_000_000  # bytes that a query may bring back


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, demo):
    """The URL of a Spark of two workers in one process, which writes its event log into a directory; and that directory."""
    if why := spark.check("local[2]"):
        pytest.skip(f"no Spark: {why}")
    events, settings = tmp_path_factory.mktemp("events"), tmp_path_factory.mktemp("settings")
    lines = ("spark.eventLog.enabled true", "spark.eventLog.compress false", f"spark.eventLog.dir {events.as_uri()}")
    (settings / "spark-defaults.conf").write_text("\n".join(lines))
    (snapshots := tmp_path_factory.mktemp("snapshots")).joinpath("demo").symlink_to(demo.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(settings))
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(snapshots))
        yield "local[2]", events
        spark.end()


@pytest.fixture(scope="module")
def done(cluster, tmp_path_factory) -> Parameters:
    """A run of the notebooks that is done."""
    parameters = Parameters(engine=cluster[0], out_dir=str(tmp_path_factory.mktemp("run")))
    run.run_notebooks(parameters)
    return parameters


def emitted(directory) -> dict:
    """Value of every result that the notebooks emitted, by id."""
    parts = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((directory / "parts").glob("*.json"))]
    return {name: entry["value"] for part in parts for name, entry in part["results"].items()}


def test_the_notebooks_give_every_result_that_they_give_with_duckdb(done):
    stored = json.loads((paths.REFERENCES / "demo" / "results.json").read_text(encoding="utf-8"))
    found = emitted(done.directory)
    notebooks = {name for name, entry in stored.items() if entry["notebook"] in run.NOTEBOOKS}
    assert found.keys() == notebooks and len(found) > 3_000
    assert [name for name, value in found.items() if value != stored[name]["value"]] == []


def test_a_run_says_nothing_of_spark_but_in_its_log(done):
    assert "WARN" in (done.directory / "spark.log").read_text(encoding="utf-8")
    shown = [file.read_text(encoding="utf-8") for file in (done.directory / "notebooks").glob("*.ipynb")]
    assert len(shown) == len(run.NOTEBOOKS)
    assert not any('"name": "stderr"' in text for text in shown)


@pytest.fixture(scope="module")
def log(cluster, done) -> list[dict]:
    """Spark's own events of the run, of the one application that there was."""
    (file,) = [file for file in cluster[1].rglob("*") if file.is_file() and not file.name.startswith((".", "appstatus"))]
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def plans(log: list[dict]) -> list[str]:
    """Physical plan of every query, those that it was given while it ran too."""
    return [event["physicalPlanDescription"] for event in log if "physicalPlanDescription" in event]


def test_all_notebooks_ask_one_application(log):
    kinds = Counter(event["Event"].rpartition(".")[2] for event in log)
    assert kinds["SparkListenerApplicationStart"] == 1
    assert kinds["SparkListenerConnectSessionStarted"] >= len(run.NOTEBOOKS)


def test_no_table_is_sent_to_all_workers_and_no_window_gathers_all_rows_in_one(log):
    assert len(plans(log)) > 50
    assert not [plan for plan in plans(log) if re.search(r"Broadcast(Exchange|HashJoin|NestedLoopJoin)|CartesianProduct", plan)]
    windows = [line for plan in plans(log) for line in re.findall(r"(?:^|\+- |:- )\*?(?:\(\d+\) )?Window .*", plan)]
    assert not [line for line in windows if line.endswith(", []") or "windowspecdefinition(" not in line]


def test_no_frame_goes_through_the_driver(log):
    scans = [line for plan in plans(log) for line in plan.splitlines() if re.search(r"LocalTableScan|LocalRelation", line)]
    assert not [line for line in scans if "<empty>" not in line]
    assert all("Scan parquet" in plan or "<empty>" in plan for plan in plans(log) if "Scan " in plan)


def test_no_query_brings_back_more_than_a_hundred_megabytes(log):
    sizes = Counter()
    for event in log:
        if event["Event"] == "SparkListenerTaskEnd":
            sizes[event["Stage ID"]] += event["Task Metrics"]["Result Size"]
    assert 0 < max(sizes.values()) < LARGEST


def test_two_runs_on_one_spark_do_not_disturb_each_other(demo, cluster, tmp_path):
    changed = {"as_of": "2023-01-01", "conventions": "authors"}
    first = Hub(demo, Parameters(engine=cluster[0], out_dir=str(tmp_path)))
    second = Hub(demo, replace(first.parameters, **changed))
    before = engine.memberships(first).value
    assert len(engine.memberships(second).value) < len(before)
    pd.testing.assert_frame_equal(engine.memberships(first).value, before)
    expected = engine.activity(Hub(demo, Parameters(**changed)), "model").value
    pd.testing.assert_frame_equal(engine.activity(second, "model").value, expected)


def test_what_is_kept_is_computed_once_and_of_other_rows_anew(cluster, tmp_path, monkeypatch):
    one = spark.connect(cluster[0], tmp_path)
    monkeypatch.setattr(spark, "_sessions", {})  # as in another notebook
    other = spark.connect(cluster[0], tmp_path)
    assert one is not other
    tables = spark.serve(cluster[0], tmp_path)[1]

    def kept(con, numbers):
        rows = ibis.memtable({"n": numbers})
        return con.to_pandas(con.create_table("sums", rows.agg(total=rows.n.sum()), temp=True))["total"].tolist()

    before = set(tables.glob("kept-*.lock"))
    assert [kept(con, [1, 2, 3]) for con in (one, other)] == [[6], [6]]
    assert len(set(tables.glob("kept-*.lock")) - before) == 1
    assert kept(one, [1, 2, 4]) == [7]


def test_queries_of_few_rows_are_carried_out_as_they_stand_and_those_of_many_compiled(cluster, tmp_path):
    for rows, compiled in ((spark.FEW - 1, "false"), (spark.FEW, "true")):
        numbers = ibis.memtable({"n": [1, 2, 3]})
        con = spark.connect(cluster[0], tmp_path, rows=rows)
        assert con._session.conf.get("spark.sql.codegen.wholeStage") == compiled
        assert con.to_pandas(numbers.agg(total=numbers.n.sum()))["total"].tolist() == [6]


def test_nothing_is_left_beside_the_snapshots_and_what_a_killed_run_left_goes(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(tmp_path))
    monkeypatch.delenv(spark.OF_THE_RUN)
    (tmp_path / ".spark-killed").mkdir()
    (tmp_path / ".spark-killed" / "held").touch()
    (tmp_path / ".spark-of-somebody").mkdir()
    code = "from analysis import spark; from pathlib import Path; print(spark._tables().exists())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.ROOT)
    assert said.stdout == "True\n"
    assert [file.name for file in tmp_path.iterdir()] == [".spark-of-somebody"]


# --- where Spark can't be had ------------------------------------------------------------------------------------------


def test_without_java_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(spark.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ParameterError, match=r"^engine=local\[2\]: no Java was found; .*openjdk-17-jre-headless\)$"):
        check({"engine": "local[2]"})
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ParameterError, match="no Java was found in JAVA_HOME="):
        check({"engine": "spark://localhost:7077"})
    assert spark.check("sc://localhost") is None  # its Java is elsewhere


@pytest.mark.parametrize("absent", ["pyspark", "grpc", "grpc_status"])
def test_without_its_packages_one_line_says_how_to_install_them(monkeypatch, absent):
    monkeypatch.setattr(spark.importlib.util, "find_spec", lambda name: None if name == absent else name)
    with pytest.raises(ParameterError, match=rf"^engine=sc://host: {absent} is not installed; pip install '\.\[spark\]'"):
        check({"engine": "sc://host"})


@pytest.mark.parametrize("url", ["sc://127.0.0.1:{}", "spark://127.0.0.1:{}", "sc://127.0.0.1:{}/;token=secret"])
def test_an_address_where_nothing_answers_is_refused_in_one_line_without_its_secret(url, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RunError, match=rf"127\.0\.0\.1:{port}: nothing answers there") as refused:
        spark.serve(url.format(port), tmp_path)
    assert "secret" not in str(refused.value) and "\n" not in str(refused.value)
    assert spark.OF_THE_RUN not in os.environ
