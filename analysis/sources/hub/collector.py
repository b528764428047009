"""A snapshot of the live Hub: which repositories there are, who commits and discusses, which models spaces use.

The road of section 3.3, made to survive quotas, faults and interruptions. Everything that was asked is in a journal
under `data/raw/<name>/`; the snapshot is built from the journal alone, so `replay` gives the same one without the Hub.
"""

import datetime as dt
import hashlib
import json
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis import paths, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import dumps
from analysis.sources.hub.choice import EVENTS, Choice
from analysis.sources.hub.doubts import Doubts
from analysis.sources.hub.journal import TO_ASK, Journal, JournalError, chunks, date_kept
from analysis.sources.hub.progress import Shown, span
from analysis.sources.hub.requests import (
    Answer,
    RefusedError,
    Requests,
    Stopped,
    Token,
    TransientError,
    read_token,
    without_account,
)
from analysis.sources.hub.tables import LINKS, PASSES, build, is_past
from analysis.sources.hub.units import FIELDS, PAGE, Outcome, Unit, ask, listing_path, new_rows
from analysis.sources.rows import UnusableError, repository_id

IN_A_ROW = 50  # failures, after which the Hub is taken to be out of order
LINKED = 20  # of the models that spaces name and the listing lacks, how many are looked at
RECENT = dt.timedelta(days=7)  # a discussion this young at the earlier snapshot means that there is talk


class Interrupted(SnapshotError):  # noqa: N818 -- the user's wish, told as one line
    """The run was stopped by Ctrl-C; the message says how to go on."""


@dataclass(frozen=True)
class Plan:
    """What a dry run found: requests per part, the quota, and what they take."""

    choice: Choice
    requests: Mapping[str, int]
    listing: int
    carried: int
    limit: int
    window: float
    rate: float

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    def lines(self) -> list[str]:
        """As plain text, one fact per line."""
        found = [f"listing: {self.listing:,} requests, done; the run does not repeat them"]
        found += [f"{part}: {n:,} requests" for part, n in self.requests.items()]
        if self.carried:
            found.append(f"taken over from {self.choice.since}: {self.carried:,} answers")
        found.append(f"to ask: at least {self.total:,} requests (long histories and many discussions take more)")
        found.append(f"quota: {self.limit:,} requests in {self.window:g} s; time: about {span(self.total / self.rate)}")
        return found


def raw(name: str) -> Path:
    """Directory of a collection's journal and log."""
    return paths.raw() / snapshot.check_name(name)


def collect(
    choice: Choice,
    *,
    token_from: str = "",
    dry_run: bool = False,
    replay: bool = False,
    replace: bool = False,
    progress: bool = False,
    workers: int = 8,
    attempts: int = 6,
    pause: float = 1.0,
    patience: float = 12 * 3600,
) -> dumps.Summary | Plan:
    """Collect a snapshot, or go on with one that was interrupted (section 3.3).

    In: `attempts` per request, the first wait between two of them in seconds (`pause`), and for how many seconds an
    unreachable Hub is waited for (`patience`). Out: what was written, or the plan of a dry run. `replay` builds from the
    journal alone. With `since`, an earlier snapshot, only what changed is asked:

    - Commits: every push moves `lastModified`, also one that rewrites history. Where it is that of the earlier
      snapshot, the commits are, too, and are taken over.
    - Discussions do not move it, and no listing tells of new ones. They are asked where `lastModified` moved, and
      where the earlier snapshot has a discussion from its own last 7 days. Others are taken over as of that day;
      the manifest then calls them a sample and says so. `all_discussions` asks all of them.

    Raises SnapshotError, one line; Interrupted on Ctrl-C.
    """
    if not dry_run:
        snapshot.check_free(choice.name, replace=replace)
    directory = raw(choice.name)
    if choice.since:
        snapshot.load(choice.since)
    token = Token(None) if replay else read_token(token_from)
    stop = threading.Event()
    with Journal(directory, must_exist=replay) as journal, _log(directory, token) as log, _stoppable(choice, stop):
        journal.settle(choice.parameters())
        snapshot.remove_leftovers(choice.name)
        if not replay:
            asking = {"workers": workers, "attempts": attempts, "wait": pause, "patience": patience}
            with Requests(token, log=log, stop=stop, **asking) as requests, Shown(progress, log, requests) as shown:
                _settle_endpoint(journal, without_account(requests.endpoint))
                run = _Run(choice, journal, requests, shown, workers)
                run.find()
                if dry_run:
                    return run.plan()
                run.ask()
        log.info("building the snapshot")
        with _telling(choice.name):
            build(choice, journal, replace=replace)
    return dumps.written(snapshot.load(choice.name))


def _settle_endpoint(journal: Journal, endpoint: str) -> None:
    kept = journal.get("endpoint")
    if kept is None:
        with journal.step():
            journal.set("endpoint", endpoint)
    elif kept != endpoint:
        raise JournalError(
            f"{journal.where}: begun with HF_ENDPOINT={kept}; give that, or another --name for a new one"
        )


def unfinished(*, besides: str) -> str:
    """Collections that have a journal and no snapshot yet, with their dates, in words; '' for none."""
    found = []
    for path in sorted(paths.raw().glob("*/journal.sqlite")):
        name = path.parent.name
        if name != besides and not (paths.snapshots() / name).exists():
            found.append(f"{name} (of {date_kept(path) or 'a day that its run knows'})")
    more = [f"{len(found) - 3} more"] if len(found) > 3 else []
    return ", ".join(found[:3] + more)


def last_lines(made: snapshot.Snapshot) -> list[str]:
    """What a collection lacks, and how to get it, in words."""
    source = made.manifest["source"]
    found = [f"missing: {what}" for what in source["missing"]]
    if source["left"]:
        found.append(
            f"The same command with --force asks for what is missing, {source['left']:,} times, and nothing else."
        )
    return found


@contextmanager
def _stoppable(choice: Choice, stop: threading.Event) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, Stopped):
        raise Interrupted(
            f"stopped; what was collected is kept. Go on with the same command and --date {choice.date}"
            + (f" --name {choice.name}" if choice.name != choice.date.isoformat() else "")
        ) from None
    finally:
        stop.set()


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """A full disk while the snapshot is built, as one line."""
    again = "the journal is whole. Make room, then give the same command"
    try:
        yield
    except (OSError, duckdb.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise SnapshotError(f"snapshot {name!r} can't be written ({said}); {again}") from None


class _Hiding(logging.Formatter):
    def __init__(self, token: Token):
        super().__init__("%(asctime)s %(message)s")
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        return self._token.hidden_in(super().format(record))


@contextmanager
def _log(directory: Path, token: Token) -> Iterator[logging.Logger]:
    """The log file of a collection; the token is cut out of every line."""
    logger = logging.Logger("collect", logging.INFO)
    try:
        handler = logging.FileHandler(directory / "collect.log", encoding="utf-8")
    except OSError as error:
        raise SnapshotError(f"{directory.name}/collect.log: can't be written ({error.strerror})") from None
    handler.setFormatter(_Hiding(token))
    handler.handleError = lambda record: None  # a full disk is told by the journal
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        handler.close()


# --- asking -----------------------------------------------------------------------------------------------


class _Run:
    """One run of a collection: asks what the journal lacks. Only this thread writes the journal."""

    def __init__(self, choice: Choice, journal: Journal, requests: Requests, shown: "Shown", workers: int):
        self.choice, self.journal, self.requests, self.shown = choice, journal, requests, shown
        self.workers, self._failures = workers, 0
        self._again: set[tuple[str, str, str]] = set()  # what was asked before, and not settled
        self.doubts = Doubts(journal, requests, workers)

    # --- listings

    def find(self) -> None:
        """Read the listings (or the records of the ids) to their end, and choose the repositories."""
        if self.journal.get("listed"):
            return
        if self.journal.get("started") is None:
            with self.journal.step():
                self.journal.set("started", dt.datetime.now(dt.UTC).isoformat())
        if self.choice.ids:
            self._name_ids()
        else:
            self._read_listings()
        broken = self.journal.rows("SELECT detail FROM listings WHERE state != 'done' ORDER BY kind")
        self._check_listings([why for (why,) in broken])
        if not broken and {"model", "space"} <= {*self.choice.kinds} and not self.choice.ids:
            self._check_links()
        with self.journal.step():
            if self.choice.sample:
                self._draw()
            if self.choice.since:
                self._compare()
            if not broken and not self.journal.rows(
                "SELECT 1 FROM units WHERE unit = 'info' AND state = 'failed' LIMIT 1"
            ):
                self.journal.set("listed", "yes")

    def _check_listings(self, broken: Sequence[str]) -> None:
        """Raises SnapshotError where nothing can be done with what the listings gave."""
        if broken and self.choice.sample:
            raise SnapshotError(
                f"a listing was not finished ({broken[0]}), so no sample can be drawn; give the same command later"
            )
        if self.journal.rows("SELECT 1 FROM repos LIMIT 1"):
            return
        if broken:
            raise SnapshotError(
                f"no listing could be read ({broken[0]}); check HF_ENDPOINT, or give the same command later"
            )
        with self.journal.step():
            self.journal.write("DELETE FROM listings", [()])  # to be read anew the next time
        raise SnapshotError(f"owner {self.choice.owner!r}: the Hub lists nothing for that account; check the name")

    def _check_links(self) -> None:
        """Look at some models that spaces name and the listing of models lacks: one that is there contradicts it."""
        named: set[str] = set()
        for _, _, body in self.journal.answers("list", "space"):
            named.update(m for item in json.loads(body) if isinstance(item.get("models"), list) for m in item["models"])
        missing = {name for name in named if _listed([{"id": name}]) and self._is_wanted(name)}
        for chunk in chunks(sorted(missing)):
            query = f"SELECT repo_id FROM repos WHERE kind = 'model' AND repo_id IN ({','.join('?' * len(chunk))})"
            listed = {repo_id.casefold() for (repo_id,) in self.journal.rows(query, chunk)}
            missing -= {name for name in chunk if name.casefold() in listed}
        there = 0
        asked = sorted(missing, key=lambda name: _rank("model", name))[:LINKED]
        for name in asked:
            outcome = ask(self.requests, Unit("info", "model", name))
            if outcome.state == "done" and not outcome.moved:
                item = outcome.answers[0].value
                there += self._is_old(item) and not _left_out(item)
        with self.journal.step():
            self.journal.set("unlisted", json.dumps([there, len(asked), len(missing)]))

    def _is_wanted(self, name: str) -> bool:
        return not self.choice.owner or name.casefold().startswith(f"{self.choice.owner.casefold()}/")

    def _name_ids(self) -> None:
        with self.journal.step():
            rows = [(kind, repo_id, 0, 0, None, "", _rank(kind, repo_id), 0, "") for kind, repo_id in self.choice.ids]
            self.journal.write("INSERT OR IGNORE INTO repos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._forget_failed(["info"])
        self._work(["info"], "records")

    def _read_listings(self) -> None:
        with self.journal.step():
            rows = [(kind, 1, 0, self._first_page(kind), "running", 0, "") for kind in self.choice.kinds]
            self.journal.write("INSERT OR IGNORE INTO listings VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self.journal.write("UPDATE listings SET state = 'running' WHERE state = ?", [("broken",)])
        self.shown.begin("listing", None)
        tries: Counter = Counter()
        with ThreadPoolExecutor(self.workers) as pool:
            pending = {self._submit_page(pool, kind): kind for kind in self.choice.kinds}
            with closing(self._finished(pending)) as finished:
                for future in finished:
                    kind = pending.pop(future)
                    if self._take_page(kind, future, tries):
                        pending[self._submit_page(pool, kind)] = kind

    def _first_page(self, kind: str) -> str:
        query = {"limit": PAGE, "sort": "createdAt", "expand": FIELDS[kind].split()}
        return listing_path(kind, **query, **({"author": self.choice.owner} if self.choice.owner else {}))

    def _submit_page(self, pool: ThreadPoolExecutor, kind: str) -> Future:
        ((path,),) = self.journal.rows("SELECT next FROM listings WHERE kind = ?", [kind])
        if path is None:
            return pool.submit(lambda: None)
        return pool.submit(self.requests.get, path, self._check_page)

    def _check_page(self, value: object) -> None:
        new_rows(set(), "id", first=True)(value)
        owner = self.choice.owner.casefold()
        if owner and any(str(row.get("author", owner)).casefold() != owner for row in value):
            raise TransientError("repositories of other accounts")

    def _take_page(self, kind: str, future: Future, tries: Counter) -> bool:
        """Keep a page; whether the listing goes on. A page that can't be right is asked again."""
        try:
            answer = future.result()
        except (TransientError, RefusedError) as error:
            return self._break(kind, str(error))
        if answer is None:
            return False
        ((number, nth),) = self.journal.rows("SELECT pass, nth FROM listings WHERE kind = ?", [kind])
        items = _listed(answer.value)
        is_empty = not answer.value and (answer.next or not (nth or self.choice.owner))
        is_repeated = items and self._seen(kind, number, items) == len(items)
        if (is_empty or is_repeated) and tries[answer.path] < 3:
            tries[answer.path] += 1
            self.requests.faults["a page without anything new"] += 1
            return True
        if is_empty:
            return self._break(
                kind, "an empty page where more are to come" if answer.next else "it shows nothing at all"
            )
        if is_repeated:
            return self._break(kind, "the same page again and again")
        with self.journal.step():
            return self._keep_page(kind, number, nth, answer, items)

    def _break(self, kind: str, why: str) -> bool:
        """The listing goes no further in this run, and is not complete."""
        with self.journal.step():
            self.journal.write("UPDATE listings SET state = 'broken', detail = ? WHERE kind = ?", [(why, kind)])
        return False

    def _seen(self, kind: str, number: int, items: Mapping[str, Mapping]) -> int:
        """How many of the repositories this pass has shown already."""
        count = 0
        for chunk in chunks(list(items)):
            marks = ",".join("?" * len(chunk))
            query = f"SELECT count(*) FROM repos WHERE kind = ? AND pass = ? AND repo_id IN ({marks})"
            count += self.journal.rows(query, [kind, number, *chunk])[0][0]
        return count

    def _keep_page(self, kind: str, number: int, nth: int, answer: Answer, items: Mapping[str, Mapping]) -> bool:
        self._note_hub(answer)
        self._note_links(kind, items.values())
        before = self._rows_of(kind)
        old = self._count_old(kind, items) if number > 1 else 0
        self.journal.keep("list", kind, f"pass {number}", [(nth, answer)])
        rows = [
            (kind, repo_id, nth, number, modified, left_out, _rank(kind, repo_id), gated, revision)
            for repo_id, item in items.items()
            for modified, left_out, gated, revision in [_known(item)]
        ]
        statement = """INSERT INTO repos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET pass = excluded.pass"""
        self.journal.write(statement, rows)
        ((late,),) = self.journal.rows("SELECT late FROM listings WHERE kind = ?", [kind])
        late, path, state = late + old, answer.next, "running"
        if path is None and number < PASSES and (number == 1 or late):
            number, path, late = number + 1, self._first_page(kind), 0
        elif path is None:
            state = "done"
        values = [(number, nth + 1, path, state, late, kind)]
        self.journal.write("UPDATE listings SET pass=?, nth=?, next=?, state=?, late=? WHERE kind=?", values)
        self.shown.advance(self._rows_of(kind) - before)
        return state == "running"

    def _note_hub(self, answer: Answer) -> None:
        """What the first answers say of the Hub itself: whether it is invented, and which day it has."""
        if answer.headers.get("x-synthetic") == "true" and not self.journal.is_synthetic():
            self.journal.set("synthetic", "true")
        if self.requests.day and self.journal.get("day") is None:
            self.journal.set("day", self.requests.day.isoformat())
            if past := is_past(self.choice, self.journal):
                self.shown.say(f"--date {self.choice.date}: the Hub shows its past no more. You get {past}")

    def _note_links(self, kind: str, items: Iterable[Mapping]) -> None:
        column = LINKS.get(kind, "")
        if any(isinstance(item.get(column), list) for item in items):
            self.journal.set(f"has {column}", "true")

    def _rows_of(self, kind: str) -> int:
        return self.journal.rows("SELECT count(*) FROM repos WHERE kind = ?", [kind])[0][0]

    def _count_old(self, kind: str, items: Mapping[str, Mapping]) -> int:
        """How many were missed by the passes before this one, though they existed when the first began."""
        known = set()
        for chunk in chunks(list(items)):
            query = f"SELECT repo_id FROM repos WHERE kind = ? AND repo_id IN ({','.join('?' * len(chunk))})"
            known.update(repo_id.casefold() for (repo_id,) in self.journal.rows(query, [kind, *chunk]))
        return sum(self._is_old(item) for name, item in items.items() if name.casefold() not in known)

    def _is_old(self, item: Mapping) -> bool:
        """Whether a repository was there when the listings were begun."""
        return (_instant(item.get("createdAt")) or "") < self.journal.get("started")

    def _draw(self) -> None:
        """Leave out all but the sample; the rule depends on names alone, so it is the same for everyone."""
        query = """UPDATE repos SET left_out = 'not drawn' WHERE left_out = '' AND kind = ? AND rank >= (
            SELECT rank FROM repos WHERE kind = ? AND left_out = '' ORDER BY rank LIMIT 1 OFFSET ?)"""
        self.journal.write(query, [(kind, kind, self.choice.sample) for kind in self.choice.kinds])

    # --- since

    def _compare(self) -> None:
        """Note what can be taken over from the earlier snapshot; see `collect`."""
        earlier = snapshot.load(self.choice.since)
        for rows in _earlier_repositories(earlier):
            self.journal.write("INSERT OR REPLACE INTO before VALUES (?, ?, ?, '', 0)", rows)
        statement = "UPDATE before SET without = without || ? WHERE kind = ? AND repo_id = ?"
        self.journal.write(statement, _earlier_failures(earlier))
        self.journal.write("UPDATE before SET talks = 1 WHERE kind = ? AND repo_id = ?", _earlier_talks(earlier))
        for table in EVENTS:
            if table in self.choice.what:
                self._take_over(table, earlier)

    def _take_over(self, table: str, earlier: snapshot.Snapshot) -> None:
        kinds = [k for k in self.choice.kinds if earlier.has(table, kind=k) and earlier.knows_zeros(table, k)]
        quiet = "AND b.talks = 0" if table == "discussions" else ""
        if table == "discussions" and self.choice.all_discussions:
            return
        query = f"""INSERT OR IGNORE INTO units SELECT ?, r.kind, r.repo_id, 'carried', '', '' FROM repos r
            JOIN before b ON b.kind = r.kind AND b.repo_id = r.repo_id AND b.modified = r.modified
            WHERE r.kind = ? AND r.left_out = '' AND instr(b.without, ?) = 0 {quiet}"""
        self.journal.write(query, [(table, kind, table) for kind in kinds])

    # --- commits and discussions

    def plan(self) -> Plan:
        """What is still to be asked."""
        requests = {unit: self._left(unit) for unit in self._units()}
        carried = self.journal.rows("SELECT count(*) FROM units WHERE state = 'carried'")[0][0]
        listing = self.journal.rows("SELECT count(*) FROM answers WHERE unit IN ('list', 'info')")[0][0]
        quota = self.requests.quota
        return Plan(self.choice, requests, listing, carried, quota.limit, quota.window, quota.rate)

    def _units(self) -> list[str]:
        return [table for table in EVENTS if table in self.choice.what]

    def _left(self, unit: str) -> int:
        return self.journal.rows(f"SELECT count(*) FROM repos r WHERE {TO_ASK}", [unit])[0][0]

    def ask(self) -> None:
        """Ask for the commits and discussions of every chosen repository; what failed is asked once more at the end."""
        units = self._units()
        self._forget_failed(units)
        self._work(units, " and ".join(units))
        if self._forget_failed(units):
            self._work(units, "what failed, once more")

    def _forget_failed(self, units: Sequence[str]) -> int:
        count = 0
        with self.journal.step():
            for unit in units:
                failed = "FROM units WHERE unit = ? AND state = 'failed'"
                rows = self.journal.rows(f"SELECT unit, kind, repo_id {failed}", [unit])
                self._again.update(rows)
                self.journal.write(f"DELETE {failed}", [(unit,)])
                count += len(rows)
        return count

    def _work(self, units: Sequence[str], title: str) -> None:
        """Ask all that is not settled; what is refused is then asked again."""
        todo, self._failures = self._todo(units), 0
        if left := sum(self._left(unit) for unit in units):
            self.shown.begin(title, left)
        pending: dict[Future, None] = {}
        with ThreadPoolExecutor(self.workers) as pool:

            def fill() -> None:
                while len(pending) < 2 * self.workers and (unit := next(todo, None)):
                    pending[pool.submit(ask, self.requests, unit)] = None

            fill()
            with closing(self._finished(pending)) as finished:
                for future in finished:
                    done = [future, *(other for other in pending if other is not future and other.done())]
                    for one in done:
                        del pending[one]
                    self._keep([one.result() for one in done])
                    fill()
        self.doubts.settle(units, self._write)

    def _todo(self, units: Sequence[str]) -> Iterator[Unit]:
        """All that is still to be asked, read from the journal a few at a time.

        In the order of a hash: neighbours in it have nothing in common, so that a run of refusals means something.
        """
        for unit in units:
            last = ""
            query = f"""SELECT kind, repo_id, gated, revision, rank FROM repos r WHERE rank > ? AND {TO_ASK}
                ORDER BY rank LIMIT 200"""
            while rows := self.journal.rows(query, [last, unit]):
                yield from (Unit(unit, kind, repo_id, bool(gated), sha) for kind, repo_id, gated, sha, _ in rows)
                last = rows[-1][-1]

    def _finished(self, pending: Mapping[Future, object]) -> Iterator[Future]:
        """Futures as they are done; on Ctrl-C or an error the others are called off and what is under way is awaited."""
        try:
            while pending:
                done, _ = wait(list(pending), timeout=0.5, return_when=FIRST_COMPLETED)
                self.shown.tick()
                if done:
                    yield next(iter(done))
        finally:
            if pending:
                self.requests.stop.set()
                for future in pending:
                    future.cancel()

    def _keep(self, outcomes: Sequence[Outcome]) -> None:
        with self.journal.step():
            for outcome in outcomes:
                self._write(outcome)
                if (outcome.unit.name, outcome.unit.kind, outcome.unit.repo_id) not in self._again:
                    self.doubts.note(outcome)
        for o in outcomes:
            self._failures = self._failures + 1 if o.state == "failed" else 0
            self.shown.advance(1, o.reason if o.state != "done" else "")
        if self._failures >= IN_A_ROW:
            raise SnapshotError(
                f"{self._failures} repositories in a row failed ({outcomes[-1].reason}); the Hub, or something in between, "
                "is out of order. What was collected is kept: give the same command later"
            )
        for name in {o.unit.name for o in outcomes}:
            self.doubts.check(name)

    def _write(self, outcome: Outcome) -> None:
        unit, kind, repo_id = outcome.unit.name, outcome.unit.kind, outcome.unit.repo_id
        self.journal.keep(unit, kind, repo_id, enumerate(outcome.answers))
        state = "doubted" if outcome.state == "refused" and not outcome.listed else outcome.state
        row = (unit, kind, repo_id, state, outcome.reason, outcome.moved)
        self.journal.write("INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?)", [row])
        if outcome.answers:
            self._note_hub(outcome.answers[0])
            if unit == "info":
                self._note_record(outcome)

    def _note_record(self, outcome: Outcome) -> None:
        item = outcome.answers[0].value
        self._note_links(outcome.unit.kind, [item])
        statement = (
            "UPDATE repos SET modified = ?, left_out = ?, gated = ?, revision = ? WHERE kind = ? AND repo_id = ?"
        )
        self.journal.write(statement, [(*_known(item), outcome.unit.kind, outcome.unit.repo_id)])


def _listed(page: Iterable[Mapping]) -> dict[str, Mapping]:
    """Repositories of a page by name, without those whose name is none."""
    found = {}
    for item in page:
        try:
            found.setdefault(repository_id(item.get("id")), item)
        except UnusableError:
            continue  # counted when the snapshot is built
    return found


def _instant(text: object) -> str | None:
    """A date of the Hub in one form, in UTC; None for none."""
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC).isoformat()
    except (TypeError, ValueError):
        return None


def _known(item: Mapping) -> tuple[str | None, str, int, str]:
    """What a record says that later questions need: last modified, why it is left out, whether gated, its revision."""
    revision = item.get("sha")
    gated = item.get("gated") not in (None, False)
    return _instant(item.get("lastModified")), _left_out(item), gated, revision if isinstance(revision, str) else ""


def _left_out(item: Mapping) -> str:
    return "private" if item.get("private") is True else "disabled" if item.get("disabled") is True else ""


def _rank(kind: str, repo_id: str) -> str:
    return hashlib.sha256(f"{kind}/{repo_id}".encode()).hexdigest()


def _earlier_repositories(earlier: snapshot.Snapshot) -> Iterator[list[tuple]]:
    columns = ["kind", "repo_id", "last_modified"]
    if not earlier.has("repos", "last_modified"):
        return
    for batch in pq.ParquetFile(earlier.file("repos")).iter_batches(columns=columns, batch_size=10_000):
        yield [
            (row["kind"], row["repo_id"], row["last_modified"] and row["last_modified"].astimezone(dt.UTC).isoformat())
            for row in batch.to_pylist()
        ]


def _earlier_failures(earlier: snapshot.Snapshot) -> Iterator[tuple]:
    for batch in pq.ParquetFile(earlier.file("rejected")).iter_batches(batch_size=10_000):
        for row in batch.to_pylist():  # a row that was rejected may be better now: ask again for any of them
            if row["table"] in EVENTS and row["repo_id"]:
                yield f"{row['table']} ", row["kind"], row["repo_id"]


def _earlier_talks(earlier: snapshot.Snapshot) -> Iterator[tuple]:
    if not earlier.has("discussions"):
        return
    start = pa.scalar(dt.datetime.combine(earlier.date, dt.time(), dt.UTC) - RECENT, pa.timestamp("us", tz="UTC"))
    for batch in pq.ParquetFile(earlier.file("discussions")).iter_batches(
        columns=["kind", "repo_id", "created_at"], batch_size=50_000
    ):
        young = batch.filter(pc.greater_equal(batch["created_at"], start))
        yield from {(row["kind"], row["repo_id"]) for row in young.to_pylist()}
