"""Hostile histories of a collection, each made of its seed: faults, storms, tokens that expire, quotas that shrink, kills.

`play` runs the collector through one and judges what it hands over against the truth, name by name: it is equal, or what
is missing is named. After the last hostile run the Hub is itself again, and then nothing may be missing.
"""

import copy
import multiprocessing
import os
import random
import re
import signal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from analysis.snapshot import SnapshotError
from analysis.sources.hub import choice as hub_choice
from analysis.sources.hub import collector, doubts, listings, tables, units, work
from analysis.sources.hub import requests as hub_requests
from tests.sources.hub.hub_records import KINDS
from tests.sources.hub.hub_server import Faults, Hub, HubServer

EVENTS = ("commits", "discussions")
SCATTERED = (
    "429 500 503 408 reset truncated bad_json html empty_page repeat_page redirect away cut_char gzip error_object other "
    "case clock date 401 403 404 451 gone"
).split()
STORMS = "401 403 404 451 500 503 html away empty_page error_object reset says_gone says_gated".split()
RUNS = 4  # hostile ones, at most
_PLACES = ("HUB_PAPER_SNAPSHOTS", "HUB_PAPER_RAW", "HF_HOME")
KILLED = 0.4  # share of the runs whose process is killed, if they last until then
NEVER = 10**9


class Killed(BaseException):
    """The end of a run in the midst of it: nothing after it happens."""


class Built(Exception):  # noqa: N818 -- no error: the run came to its end
    """Carries what the collector handed over."""

    def __init__(self, kept: "Kept"):
        super().__init__()
        self.kept = kept


class Kept:
    """Stands for `snapshot.Writer`: keeps in memory what it is given."""

    def __init__(self, name, *, source, coverage, **options):
        self.name, self.source, self.coverage = name, dict(source), coverage
        self.left_out, self.notes, self.rejects = Counter(), Counter(), []
        self.rows: dict[str, list[dict]] = defaultdict(list)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            raise Built(self)

    def add(self, table, rows) -> None:
        """Rows, as an Arrow table."""
        self.rows[table] += pa.table(rows).to_pylist()

    def reject(self, table, reason, *, kind=None, repo_id=None, scope="row", **where) -> None:
        """What was left out, and why."""
        self.rejects.append((table, kind, repo_id, scope, reason))


# --- the truth ----------------------------------------------------------------------------------------------


@dataclass
class Truth:
    """What can be collected at best: rows by kind and name, what is gone or gated, links."""

    repos: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, name in small letters) -> state
    rows: dict[tuple[str, str, str], list] = field(default_factory=dict)  # (table, kind, name) -> rows
    links: set[tuple[str, str]] = field(default_factory=set)


def truth_of(hub: Hub) -> Truth:
    """Read from what is served, before anything is asked."""
    found = Truth()
    for plural, kind in KINDS.items():
        for name, record in hub.records[plural].items():
            key = kind, name.lower()
            found.repos[key] = hub.states.get((plural, name), "") or hub.failing.get(("discussions", plural, name), "")
            commits = [(r["id"], r["date"], [a["user"] for a in r["authors"]]) for r in hub.commits[plural, name]]
            found.rows["commits", *key] = sorted(commits)
            talks = [(r["num"], r.get("author", {}).get("name"), r["status"]) for r in hub.discussions[plural, name]]
            found.rows["discussions", *key] = sorted(talks)
            if kind == "space":
                found.links |= {(name.lower(), model.lower()) for model in record["models"]}
    return found


def judge(kept: Kept, truth: Truth, hub: Hub, *, is_whole: bool) -> list[str]:
    """What is wrong with a result; `is_whole`: nothing may be missing but what the Hub refuses."""
    rejected = defaultdict(set)
    for table, kind, name, scope, reason in kept.rejects:
        rejected[table, kind, (name or "").lower()].add((scope, reason))
    found = []
    have = {(row["kind"], row["repo_id"].lower()) for row in kept.rows["repos"]}
    if len(have) != len(kept.rows["repos"]):
        found.append("a repository twice")
    vanished = {(KINDS[plural], name.lower()) for (plural, name), state in hub.states.items() if state == "gone"}
    for key, state in truth.repos.items():
        said = {reason for _, reason in rejected["repos", *key]}
        is_gone = key in vanished
        if key not in have:
            status = kept.coverage["repos"][key[0]]
            told = status["rule"] if status["status"] == "sample" else "; ".join(kept.source["missing"])
            broken = status["status"] != "complete" and re.search("listing was not|list was not|the Hub has", told)
            wrong = ("gone" in said and not is_gone) or (not said and not broken)
            if wrong or (is_whole and not is_gone):
                found.append(f"{key}: not there, said {sorted(said)}, {status}")
            continue
        for table in EVENTS:
            found += _judged_events(kept, truth, table, key, state, rejected, is_gone=is_gone, is_whole=is_whole)
    found += [f"{key}: invented" for key in have - set(truth.repos)]
    links = {(row["space_id"].lower(), row["model_id"].lower()) for row in kept.rows["usage"]}
    found += [f"link {link}: invented" for link in links - truth.links]
    status = kept.coverage["usage"]["all"]
    lacking = {(space, model) for space, model in truth.links - links if ("space", space) in have}
    if lacking and (is_whole or status["status"] == "complete"):
        found.append(f"links are missing: {len(lacking)}, {status}")
    if is_whole:
        # Where nobody else of a kind could be answered for, no refusal is believed: it stays a failure, which is said.
        lonely = {kind for plural, kind in KINDS.items() if not any(_is_open(hub, plural, n) for n in hub.records[plural])}
        wanting = {
            table: one
            for table, kinds in kept.coverage.items()
            for kind, one in kinds.items()
            if one["status"] != "complete" and not (table in EVENTS and kind in lonely)
        }
        if kept.source["chosen"]:  # names that were listed: a sample of the Hub in any case
            wanting = {t: c for t, c in wanting.items() if t in EVENTS}
        found += [f"{wanting}"] if wanting or (kept.source["left"] and not lonely) else []
    return found


def _is_open(hub: Hub, plural: str, name: str) -> bool:
    return not hub.states.get((plural, name)) and ("discussions", plural, name) not in hub.failing


def _judged_events(kept, truth, table, key, state, rejected, *, is_gone, is_whole) -> list[str]:
    rows = [row for row in kept.rows[table] if (row["kind"], row["repo_id"].lower()) == key]
    if table == "commits":
        got = sorted((r["commit_id"], _written(r["date"]), r["authors"]) for r in rows)
    else:
        got = sorted((r["number"], r["author"], r["status"]) for r in rows)
    said = rejected[table, *key]
    refused = {"gated": "commits", "discussions disabled": "discussions"}.get(state) == table
    if refused and not got and ("repository", state) in said:
        return []
    status = kept.coverage[table][key[0]]["status"]
    believed = said & {("repository", reason) for reason in ("gone", "gated", "disabled", "discussions disabled")}
    if got == truth.rows[table, *key] and not refused:
        return [f"{table} of {key}: there, and called {sorted(said)}"] if said and got else []
    if is_gone or (said and not believed and status == "sample" and not is_whole):
        partial = bool(got) and not any(reason == units.FEWER for _, reason in said)
        return [f"{table} of {key}: wrong rows"] if partial and not is_gone else []
    return [f"{table} of {key}: {len(got)} of {len(truth.rows[table, *key])} rows, said {sorted(said)}, {status}"]


def _written(moment) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# --- a history ----------------------------------------------------------------------------------------------


def drawn_hub(base: Hub, drawn: random.Random) -> Hub:
    """A few repositories of each kind, some of them gated, gone, renamed or without discussions."""
    hub = copy.copy(base)
    hub.records, hub.states, hub.failing, hub._sorted = {}, {}, {}, {}
    hub.commits, hub.discussions = defaultdict(list), defaultdict(list)
    for plural in KINDS:
        whole = sorted(name for name in base.records[plural] if base.commits[plural, name])  # as on the Hub all have
        names = drawn.sample(whole, drawn.randint(3, 7))
        hub.records[plural] = {name: copy.copy(base.records[plural][name]) for name in names}
        for name in names:
            hub.records[plural][name] |= {"gated": False} if plural != "spaces" else {}
            hub.commits[plural, name] = base.commits[plural, name][-drawn.randint(1, 9) :]
            hub.discussions[plural, name] = base.discussions[plural, name][: drawn.randint(0, 5)]
            if hub.commits[plural, name]:
                hub.records[plural][name]["sha"] = hub.commits[plural, name][0]["id"]
    models = sorted(hub.records["models"])
    for record in hub.records["spaces"].values():
        record["models"] = drawn.sample(models, drawn.randint(0, 3))
    for name, record in hub.records["models"].items():
        record["spaces"] = [space for space, one in hub.records["spaces"].items() if name in one["models"]]
    for plural in KINDS:
        for name in list(hub.records[plural])[2:]:
            state = drawn.choice(["", "", "", "", "gated" if plural != "spaces" else "", "gone", "no talks"])
            if state == "no talks":
                hub.failing["discussions", plural, name] = "discussions disabled"
            elif state:
                hub.states[plural, name] = state
    return hub


def drawn_faults(seed: int, run: int) -> Faults:
    """A mixture: some faults at a rate, some that hold for all requests of a stretch of time."""
    drawn = random.Random(f"{seed}, run {run}")
    rates = {fault: drawn.choice([0.02, 0.05, 0.1, 0.2]) for fault in drawn.sample(SCATTERED, drawn.randint(0, 5))}
    rates |= {"gone": 0.01} if "gone" in rates else {}
    storms = []
    for _ in range(drawn.choice([0, 0, 1, 1, 2])):
        first = drawn.randint(1, 90)
        pattern = drawn.choice(["", "/commits", "/discussions", "/api/models", r"/api/\w+\?"])
        last = first + drawn.choice([5, 20, 60, NEVER])
        storms.append((first, last, pattern, drawn.choice(STORMS)))
    return Faults(rates=rates, storms=storms, seed=seed * RUNS + run, slow=0.01)


@contextmanager
def small_measures(drawn: random.Random) -> Iterator[None]:
    """Limits that a few repositories reach; the writer in memory; a kill at a step of the journal, now and then."""
    kill = drawn.choice([None, None, drawn.randint(1, 25), drawn.randint(10, 60)])
    step, page = collector.Journal.step, drawn.randint(2, 5)
    count = Counter()

    @contextmanager
    def killing(journal):
        count["steps"] += 1
        with step(journal):
            yield
            if count["steps"] == kill and drawn.random() < 0.5:
                raise Killed
        if count["steps"] == kill:
            raise Killed

    patches = [
        (work, "IN_A_ROW", 8), (doubts, "IN_A_ROW", 8), (doubts, "WINDOW", 16), (doubts, "MANY", 6),
        (units, "PAGE", page), (listings, "PAGE", page),
        (hub_requests, "LONGEST_WAIT", 0.01), (tables.snapshot, "Writer", Kept), (collector.Journal, "step", killing),
    ]  # fmt: skip
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


@dataclass
class Played:
    """A history that was played: what is wrong, how its runs ended, and what was done to them."""

    seed: int
    wrong: list[str]
    endings: list[str]
    done: Counter


def run_once(
    server: HubServer, token: str, drawn: random.Random, *, replay: bool = False, killed: float = 0, seed: int = 0
) -> Kept | str:
    """One run: what it handed over, or how it ended; `killed`: how likely in a process that is killed."""
    os.environ["HF_ENDPOINT"], os.environ["HISTORY_TOKEN"] = server.url, token
    options = {"pause": 0.0005, "attempts": drawn.choice([2, 3, 5]), "workers": drawn.choice([1, 2, 4])}
    options |= {"token_from": "HISTORY_TOKEN" if token else "", "replay": replay}
    if drawn.random() < killed:
        return _killed(server, drawn, (seed, str(server.hub.date), options))
    return _collected(str(server.hub.date), options)


def _killed(server: HubServer, drawn: random.Random, given: tuple) -> Kept | str:
    """One run in a process that is killed some requests later, whatever it does then; where it ends before, as it ended."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    heard, said = context.Pipe(duplex=False)
    variables = {name: os.environ[name] for name in (*_PLACES, "HF_ENDPOINT", "HISTORY_TOKEN")}
    process = context.Process(target=_in_process, args=(variables, said, *given), daemon=True)
    last, moment = server.total_asked + drawn.randint(1, 60), drawn.choice([0, drawn.uniform(0, 0.03)])
    process.start()
    said.close()
    while server.total_asked < last and not heard.poll(0.001):
        pass
    if not heard.poll(moment):
        process.kill()
    try:
        return heard.recv()
    except EOFError:
        process.join()
        assert process.exitcode == -signal.SIGKILL, "a run that ended in an error"
        return "killed by SIGKILL"


def _in_process(variables: dict, said, seed: int, date: str, options: dict) -> None:
    os.environ.update(variables)
    os.environ.pop("HF_TOKEN", None)
    with small_measures(random.Random(seed)):
        said.send(_collected(date, options))


def _collected(date: str, options: dict) -> Kept | str:
    named = Path(os.environ["HF_HOME"]) / "ids.txt"
    choice = hub_choice.choose("history", date=date, ids=named if named.exists() else None)
    try:
        collector.collect(choice, **options, replace=True)
    except Built as built:
        return built.kept
    except Killed:
        return "killed at a step of the journal"
    except SnapshotError as stopped:
        return str(stopped)
    raise AssertionError("a run that neither built nor ended")


def play(base: Hub, seed: int) -> Played:
    """One history in directories of its own."""
    drawn = random.Random(seed)
    hub = drawn_hub(base, drawn)
    truth = truth_of(hub)
    token = drawn.choice(["", "", "hf_first"])
    before = {name: os.environ.get(name) for name in (*_PLACES, "HF_ENDPOINT", "HISTORY_TOKEN", "HF_TOKEN")}
    with tempfile.TemporaryDirectory() as place, small_measures(random.Random(seed)):
        for variable in _PLACES:
            (Path(place) / variable).mkdir()
            os.environ[variable] = str(Path(place) / variable)
        os.environ.pop("HF_TOKEN", None)
        try:
            if drawn.random() < 0.15:  # not the listings, but names
                named = [f"{plural}/{name}\n" for plural, names in hub.records.items() for name in names]
                (Path(os.environ["HF_HOME"]) / "ids.txt").write_text("".join(named))
            paging = {"discussions_per_page": drawn.randint(1, 3), "paging": drawn.choice(["cursor", "offset"])}
            with HubServer(hub, **paging) as server:
                return _played(server, truth, token, drawn, seed)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def _played(server: HubServer, truth: Truth, token: str, drawn: random.Random, seed: int) -> Played:
    found, endings, done = [], [], Counter()
    for number in range(drawn.randint(1, RUNS)):
        server.faults = drawn_faults(seed, number)
        server.expires = {token: server.total_asked + drawn.randint(5, 80)} if token and drawn.random() < 0.5 else {}
        server.quota = drawn.choice([(60, 1), (200, 1)]) if drawn.random() < 0.1 else None
        server.shrinks = {server.total_asked + drawn.randint(1, 60): (40, 1)} if drawn.random() < 0.15 else {}
        ended = run_once(server, token, drawn, killed=KILLED, seed=seed)
        done["quota that shrank"] += server.quota == (40, 1)
        if isinstance(ended, Kept):
            found += [f"run {number}: {each}" for each in judge(ended, truth, server.hub, is_whole=False)]
        if isinstance(ended, str) and "token" in ended:
            token += "x"
        endings.append(ended if isinstance(ended, str) else "built")
        if isinstance(ended, str) and (collector.raw("history") / "journal.sqlite").exists():
            replayed = run_once(server, "", drawn, replay=True)
            if isinstance(replayed, Kept):
                found += [f"replay {number}: {each}" for each in judge(replayed, truth, server.hub, is_whole=False)]
    server.faults, server.expires, server.shrinks, server.quota = Faults(), {}, {}, None
    for _ in range(3):  # a run may still stop once: refusals that are believed when they are heard twice
        ended = run_once(server, token, drawn)
        endings.append(ended if isinstance(ended, str) else "built")
        if isinstance(ended, Kept):
            found += [f"healed: {each}" for each in judge(ended, truth, server.hub, is_whole=True)]
            break
    else:
        found.append(f"does not end though the Hub is itself again: {endings[-1]}")
    done += server.faulted + Counter({"over the quota": server.refused})
    done += Counter(ending for ending in endings if ending.startswith("killed"))
    return Played(seed, found, endings, done)


def told(played: Played) -> str:
    """A history on one line."""
    endings = ", ".join(ending[:40] for ending in played.endings)
    return f"seed {played.seed}: {'; '.join(played.wrong) or 'all is well'} [{endings}]"
