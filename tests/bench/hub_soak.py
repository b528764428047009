"""Long runs of the collector against the local Hub: equality, kills, faults, rate, memory, little to ask after changes.

`python -m tests.bench.hub_soak [PART ...]` prints a line per figure. The tests have short forms of most parts; this takes
more than an hour in all. Everything is written to a temporary directory and removed.
"""

import argparse
import datetime as dt
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import paths, snapshot
from analysis.sources.hub import choice, collector
from tests.sources.hub import histories as hostile
from tests.sources.hub.hub_server import FAULTS, LOSING, Faults, Hub, HubServer

DAY = "2026-06-01"
FAST = {"pause": 0.005, "attempts": 8}
TABLES = ("repos", "commits", "discussions", "usage")


def invented(name: str, repositories: int) -> snapshot.Snapshot:
    """An invented snapshot of this many repositories: half models, a quarter datasets, a quarter spaces; heavy tails."""
    drawn = np.random.default_rng(repositories)
    source = {"name": "invented", "title": "Invented for a soak", "licence": "CC0-1.0"}
    coverage = {"usage": {"all": {"status": "complete"}}}
    coverage |= {table: {kind: {"status": "complete"} for kind in snapshot.KINDS} for table in snapshot.BY_KIND}
    day = dt.date.fromisoformat(DAY)
    start = int(dt.datetime(2022, 1, 1, tzinfo=dt.UTC).timestamp())
    end = int(dt.datetime.combine(day - dt.timedelta(days=30), dt.time(), dt.UTC).timestamp())
    models = repositories // 2
    sizes = {"model": models, "dataset": repositories // 4, "space": repositories - models - repositories // 4}

    def moment(seconds) -> dt.datetime:
        return dt.datetime.fromtimestamp(int(seconds), dt.UTC)

    with snapshot.Writer(name, date=day, synthetic=True, source=source, coverage=coverage, replace=True) as writer:
        for kind, size in sizes.items():
            repos, commits, talks = [], [], []
            for n in range(size):
                repo_id = f"owner-{n % (size // 3 + 1)}/{kind}-{n:06d}"
                dates = np.sort(drawn.integers(start, end, 1 + min(int(drawn.pareto(1.2)), 2500)))
                license_ = drawn.choice(["mit", "apache-2.0", ""])
                repos.append(
                    {
                        "kind": kind, "repo_id": repo_id, "owner": repo_id.partition("/")[0], "created_at": moment(dates[0]),
                        "last_modified": moment(dates[-1]), "likes": int(drawn.pareto(1)), "license": license_ or None,
                        "downloads": None if kind == "space" else int(drawn.pareto(0.8)),
                        "tags": [f"license:{license_}"] if license_ and kind != "space" else [],
                        "gated": None if kind == "space" else "no",
                    }
                )  # fmt: skip
                who = [f"dev-{d:05d}" for d in drawn.integers(0, repositories, 3)]
                commits += [
                    {
                        "kind": kind,
                        "repo_id": repo_id,
                        "commit_id": f"{n:020x}{m:020x}",
                        "date": moment(d),
                        "authors": who[:1],
                    }
                    for m, d in enumerate(dates)
                ]
                talks += [
                    {"kind": kind, "repo_id": repo_id, "number": m + 1, "author": who[m % 3],
                     "created_at": moment(dates[0] + m),
                     "is_pull_request": bool(m % 2), "status": "open"}
                    for m in range(min(int(drawn.pareto(1.5)), 300))
                ]  # fmt: skip
            writer.add("repos", repos)
            writer.add("commits", commits)
            if talks:
                writer.add("discussions", talks)
        space = [f"owner-{n % (sizes['space'] // 3 + 1)}/space-{n:06d}" for n in range(sizes["space"])]
        used = drawn.integers(0, models, (sizes["space"], 2)) ** 2 // max(models, 1)
        links = {
            (s, f"owner-{m % (models // 3 + 1)}/model-{m:06d}")
            for s, pair in zip(space, used, strict=True)
            for m in pair
        }
        writer.add("usage", [{"space_id": s, "model_id": m} for s, m in sorted(links)])
    return snapshot.load(name)


def collect(name: str, url: str, **options) -> dict:
    """Collect in a process of its own; seconds and the peak of its memory in MB, before and after the snapshot is built."""
    command = [sys.executable, "-m", "tests.bench.hub_soak", "--one", json.dumps([name, options])]
    done = subprocess.run(command, env=os.environ | {"HF_ENDPOINT": url}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _peak() -> float:
    """MB. Not getrusage: its peak begins with that of the process which started this one, and that holds the served Hub."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def _one(name: str, options: dict) -> None:
    build, peaks, started = collector.build, [], time.monotonic()

    def measured(*args, **more):
        peaks.append(_peak())
        build(*args, **more)

    collector.build = measured
    since = options.pop("since", "")
    collector.collect(choice.choose(name, date=DAY, since=since), **FAST | options)
    peaks.append(_peak())
    print(json.dumps({"seconds": time.monotonic() - started, "asking": peaks[0], "all": peaks[1]}))


def same(made: snapshot.Snapshot, served: snapshot.Snapshot) -> bool:
    """Whether the collected tables have the served rows."""

    def table(of: snapshot.Snapshot, name: str) -> pa.Table:
        found = pq.read_table(of.file(name))
        if name == "repos":
            names = [n for n in found.column_names if n not in ("pipeline_tag", "library", "parameters")]
            found = found.select(names)
        return pa.Table.from_arrays(found.columns, names=found.column_names)

    return all(table(made, name).equals(table(served, name)) for name in TABLES)


def say(text: str) -> None:
    print(text, flush=True)


def equality() -> None:
    """5,000 repositories, straight and with 5 % of every fault."""
    served = invented("served", 5_000)
    with HubServer(served) as server:
        took = collect("straight", server.url)
        rate = server.total_asked / took["seconds"]
        say(
            f"equal at 5,000: {same(snapshot.load('straight'), served)} ({server.total_asked:,} requests, {rate:,.0f}/s)"
        )
    for fault in FAULTS:
        with HubServer(served, quota=(10**7, 2), faults=Faults(rates={fault: 0.05}, slow=0.02)) as server:
            collect(f"with-{fault}", server.url)
        made = snapshot.load(f"with-{fault}")
        missing = made.manifest["source"]["missing"] or "nothing"
        text = f"5 % {fault} ({server.faulted[fault]:,} times): equal {same(made, served)}; missing: {missing}"
        if fault in LOSING:
            text += f"; left out {made.manifest['repositories_left_out']}, noted {made.manifest['notes']}"
        say(text)


def kills() -> None:
    """50 collections, each killed once at a random point and resumed."""
    served, drawn, equal = invented("served", 300), random.Random(0), 0
    with HubServer(served, page_size=20) as server:
        length = collect("whole", server.url)["seconds"]
        whole = {f.name: f.read_bytes() for f in snapshot.load("whole").path.glob("*.parquet")}
        environment = os.environ | {"HF_ENDPOINT": server.url}
        command = [sys.executable, "-m", "tests.bench.hub_soak", "--one", json.dumps(["taken", {}])]
        for _ in range(50):
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not collector.raw("taken").exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(drawn.uniform(0, length))
            process.send_signal(signal.SIGKILL)
            process.wait()
            if not (paths.snapshots() / "taken").exists():
                collect("taken", server.url)
            equal += {f.name: f.read_bytes() for f in snapshot.load("taken").path.glob("*.parquet")} == whole
            _forget(collector.raw("taken"))
            _forget(paths.snapshots() / "taken")
    say(f"killed and resumed: {equal} of 50 equal byte by byte")


def _forget(directory: Path) -> None:
    """Delete what a part has made, which lies in the place that `main` made for it, and nothing else."""
    if Path(tempfile.gettempdir()).resolve() not in directory.resolve().parents:
        raise SystemExit(f"{directory}: lies in no temporary directory, so it is not deleted")
    shutil.rmtree(directory)


def histories(seeds: range = range(1_000)) -> None:
    """A thousand hostile histories, judged against the truth name by name; those that went wrong, with their seeds."""
    base, wrong, endings, done = Hub(_demo()), 0, Counter(), Counter()
    for seed in seeds:
        played = hostile.play(base, seed)
        endings.update(re.sub(r"\d+", "N", ending)[:60] for ending in played.endings)
        done += played.done
        if played.wrong:
            wrong += 1
            say(hostile.told(played))
        if (count := seed - seeds.start + 1) % 50 == 0 or count == len(seeds):
            say(f"histories, seeds {seeds.start} to {seed}: {wrong} of {count:,} went wrong")
    say(f"how their runs ended: {dict(endings.most_common())}; what was done to them: {dict(done.most_common())}")


def quota() -> None:
    """The Hub's own quota in windows of 30 s instead of 300: the share that is used, and refusals."""
    served, (allowed, seconds) = invented("served", 800), (250, 30)
    with HubServer(served, quota=(allowed, seconds)) as server:
        collect("paced", server.url)
        steady = server.times[4:]
    share = (len(steady) - 1) / (steady[-1] - steady[0]) / (allowed / seconds)
    say(
        f"rate: {share:.1%} of {allowed} requests per {seconds} s over {len(steady):,} requests; refused: {server.refused}"
    )


def memory() -> None:
    """Peak memory of the collector at 5,000 and at 50,000 repositories."""
    for size in (5_000, 50_000):
        served = invented("served", size)
        with HubServer(served) as server:
            took = collect(f"size-{size}", server.url)
        text = f"asking {took['asking']:.0f} MB, with the building {took['all']:.0f} MB, {took['seconds']:.0f} s"
        say(f"memory at {size:,}: {text}; equal {same(snapshot.load(f'size-{size}'), served)}")


def since() -> None:
    """5,000 repositories, 2 % of which have a new commit and a new discussion."""
    hub_ = Hub(invented("served", 5_000))
    with HubServer(hub_) as server:
        collect("before", server.url)
        full = server.total_asked
        names = [(plural, repo_id) for plural, records in hub_.records.items() for repo_id in records][::50]
        for n, (plural, repo_id) in enumerate(names):
            hub_.records[plural][repo_id]["lastModified"] = f"{DAY}T01:00:00.000Z"
            news = {"authors": [{"user": "a-newcomer"}], "date": f"{DAY}T01:00:00.000Z", "title": "", "message": ""}
            hub_.commits[plural, repo_id].insert(0, news | {"id": f"{n:040x}"})
        server.asked.clear()
        collect("after", server.url, since="before")
        share = server.total_asked / full
        collect("again", server.url)
    after, again = snapshot.load("after"), snapshot.load("again")
    say(f"since, after 2 % changes: {share:.1%} of the requests; equal {same(after, again)}")


def notebooks() -> None:
    """The three notebooks on a collected `demo`."""
    with HubServer(_demo()) as server:
        os.environ["HF_ENDPOINT"] = server.url
        collector.collect(choice.choose("notebooks", date="2023-10-15"), **FAST)
    command = [sys.executable, "-m", "analysis", "run", "--snapshot", "notebooks", "--no-paper"]
    done = subprocess.run(command, capture_output=True, text=True)
    say(f"notebooks on the collected demo: exit code {done.returncode} {done.stderr[-300:] if done.returncode else ''}")


def _demo() -> snapshot.Snapshot:
    shutil.copytree(paths.DATA / "snapshots" / "demo", paths.snapshots() / "demo", dirs_exist_ok=True)
    return snapshot.load("demo")


PARTS = {part.__name__: part for part in (equality, kills, histories, quota, memory, since, notebooks)}


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    shown = {"metavar": ("FIRST", "LAST"), "help": "of the histories"}
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 999), **shown)
    given = parser.parse_args()
    parts = PARTS | {"histories": partial(histories, range(given.seeds[0], given.seeds[1] + 1))}
    if given.one:
        _one(*json.loads(given.one))
        return
    if unknown := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"{', '.join(unknown)}: expected some of {', '.join(PARTS)}")
    for name in given.parts or PARTS:
        with tempfile.TemporaryDirectory() as place:
            for variable in ("SNAPSHOTS", "RAW", "GENERATED"):
                os.environ[f"HUB_PAPER_{variable}"] = str(Path(place) / variable.lower())
                (Path(place) / variable.lower()).mkdir()
            os.environ["HF_HOME"] = place
            parts[name]()


if __name__ == "__main__":
    main()
