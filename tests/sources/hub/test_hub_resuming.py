"""A collection that is stopped, killed, or out of room goes on where it was."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from typer.testing import CliRunner

from analysis import cli, paths
from analysis.snapshot import SnapshotError
from analysis.sources.hub import choice as hub_choice
from analysis.sources.hub import collector, work
from analysis.sources.hub.journal import Journal, JournalError
from tests.sources.hub.collecting import DAY, FAST, digests, of, rows, small
from tests.sources.hub.hub_server import Faults, HubServer


def in_child(variables: dict, name: str, options: dict, said) -> None:
    """Collect in a process that can be killed, and that hears Ctrl-C, whoever began the one that it is forked from."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ.update(variables)
    os.environ.pop("HF_TOKEN", None)
    try:
        collector.collect(hub_choice.choose(name, date=DAY), **FAST | options)
    except SnapshotError as error:
        said.send(str(error))
        sys.exit(1)


@pytest.fixture
def child(place):
    """A function that begins a collection in a process of its own; gives the process and where its error arrives."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.sources.hub.test_hub_resuming", "pandera.ibis"])
    children = []

    def start(server: HubServer, name: str = "taken", **options):
        variables = {v: os.environ[v] for v in ("HUB_PAPER_SNAPSHOTS", "HUB_PAPER_RAW", "HF_HOME")}
        heard, said = context.Pipe(duplex=False)
        process = context.Process(target=in_child, args=(variables | {"HF_ENDPOINT": server.url}, name, options, said))
        process.start()
        children.append(process)
        return process, heard

    yield start
    for process in children:
        process.kill()
        process.join()


@pytest.mark.parametrize("seed", range(2))
def test_a_collection_killed_25_times_ends_with_the_same_bytes(demo, collected, child, seed):
    """At random points of listing, asking and building; now and then it begins anew, so that each part gets its share."""
    drawn = random.Random(seed)
    slow = Faults(rates={"slow": 0.1}, slow=0.03)
    with HubServer(small(demo), page_size=4, faults=slow) as server:
        wanted = collected(server, "whole").snapshot
        for _ in range(25):
            if drawn.random() < 0.15:
                shutil.rmtree(collector.raw("taken"), ignore_errors=True)
            process, _ = child(server)
            process.join(drawn.uniform(0.02, 0.3))
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            shutil.rmtree(wanted.path.parent / "taken", ignore_errors=True)  # where it was quicker than the kill
        made = collected(server).snapshot
    assert not list(made.path.parent.glob(".*"))
    found, whole = digests(made), digests(wanted)
    found.pop("manifest.json"), whole.pop("manifest.json")  # they differ by the name
    assert found == whole
    assert made.manifest | {"name": ""} == wanted.manifest | {"name": ""}


def test_nothing_is_asked_twice_after_an_interruption(demo, collected, monkeypatch):
    kept = work.Work._keep

    def breaking(run, outcomes):
        kept(run, outcomes)
        if run.journal.rows("SELECT count(*) FROM units")[0][0] > 40:
            raise KeyboardInterrupt

    with HubServer(small(demo)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(work.Work, "_keep", breaking)
            with pytest.raises(collector.Interrupted, match="same command and --date 2023-10-15 --name taken"):
                collected(server)
        first = server.total_asked
        collected(server)
        under_way = 16  # asked, but not kept when the first run ended
        assert server.total_asked <= 6 + 90 + under_way and first < 90


def test_ctrl_c_stops_and_says_how_to_go_on(demo, collected, child):
    with HubServer(small(demo), faults=Faults(rates={"slow": 1}, slow=0.1)) as server:
        process, heard = child(server)
        while server.asked["commits"] < 5:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        assert heard.poll(20)
        assert "Go on with the same command" in heard.recv()
        process.join()
        server.faults.rates = {}
        assert rows(collected(server).snapshot, "commits") == of(server.hub, demo, "commits")


def test_the_command_says_so_and_ends_as_a_shell_expects(monkeypatch):
    def stopped(*given, **named):
        raise collector.Interrupted("stopped; what was collected is kept")

    monkeypatch.setattr(collector, "collect", stopped)
    done = CliRunner().invoke(cli.app, ["collect", "--date", DAY, "--name", "taken"])
    assert done.exit_code == 130 and done.stdout == ""


def test_ctrl_c_while_the_program_is_still_imported_prints_nothing():
    code = """
import importlib.abc, runpy, sys
class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "analysis.run":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
runpy.run_module("analysis", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=paths.ROOT, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_second_collector_on_one_journal_is_refused(demo, child):
    with Journal(collector.raw("taken")), HubServer(small(demo)) as server:
        _, heard = child(server)
        assert heard.poll(20)
        assert heard.recv().startswith("taken/journal.sqlite: another collection is writing it")
        assert not server.total_asked


def test_a_full_disk_stops_with_one_line_and_the_journal_is_whole(demo, collected, monkeypatch):
    opened = Journal.__enter__

    def filling(journal):
        opened(journal)
        pages = journal.rows("PRAGMA page_count")[0][0]
        journal.rows(f"PRAGMA max_page_count = {pages + 12}")
        return journal

    with HubServer(small(demo)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "__enter__", filling)
            with pytest.raises(JournalError, match="the disk is full; what was collected is safe. Make room"):
                collected(server)
        with closing(sqlite3.connect(collector.raw("taken") / "journal.sqlite")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert rows(collected(server).snapshot, "commits") == of(server.hub, demo, "commits")


def test_a_journal_goes_on_only_with_what_it_was_begun_with(demo, collected):
    with HubServer(small(demo)) as server:
        collected(server)
        with pytest.raises(JournalError, match="begun with another kinds, what"):
            collected(server, kinds=["models"], options={"replace": True})
        asked = server.total_asked
        with pytest.raises(SnapshotError, match="exists"):
            collected(server)
        assert server.total_asked == asked
