"""A snapshot of the live Hub: which repositories there are, who commits and discusses, which models spaces use.

The road of section 3.3, made to survive quotas, faults and interruptions. Everything that was asked is in a journal
under `data/raw/<name>/`; the snapshot is built from the journal alone, so `replay` gives the same one without the Hub.
"""

import datetime as dt
import hashlib
import json
import logging
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

from analysis import paths, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import dumps
from analysis.sources.dumps import UnusableError
from analysis.sources.hub_journal import Journal
from analysis.sources.hub_requests import (
    HUB,
    Answer,
    RefusedError,
    Requests,
    Stopped,
    Token,
    TransientError,
    read_token,
)

WHAT = ("repos", "commits", "discussions", "usage")
EVENTS = ("commits", "discussions")
FIELDS = {  # what a listing is asked for: no more than the tables need
    "model": "author createdAt disabled downloads gated lastModified library_name likes pipeline_tag private safetensors tags",
    "dataset": "author createdAt disabled downloads gated lastModified likes private tags",
    "space": "author cardData createdAt disabled lastModified likes models private sdk tags",  # tags name no licence here
}
NOT_LISTED = {"dataset": {"pipeline_tag", "library", "parameters"}}
NOT_LISTED["space"] = {"pipeline_tag", "parameters", "downloads", "gated"}
LINKS = {"model": "spaces", "space": "models"}
PAGE = 1_000  # the most repositories or commits that one page may have
SPACES_SHOWN = 100  # a model's own list of spaces is cut there (METHODS, section 6)
PASSES = 3  # how often a listing that shifts is read again
IN_A_ROW = 50  # failures, after which the Hub is taken to be out of order
RECENT = dt.timedelta(days=7)  # a discussion this young at the earlier snapshot means that there is talk
KINDS = {plural: kind for kind, plural in snapshot.PLURAL.items()}


class Interrupted(SnapshotError):  # noqa: N818 -- the user's wish, told as one line
    """The run was stopped by Ctrl-C; the message says how to go on."""


@dataclass(frozen=True)
class Choice:
    """What to collect: a day, kinds, tables, and which repositories; the journal keeps it and refuses another one."""

    name: str
    date: dt.date
    kinds: tuple[str, ...]
    what: tuple[str, ...]
    sample: int | None = None
    ids: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    since: str = ""
    all_discussions: bool = False

    def parameters(self) -> dict[str, object]:
        """For the journal."""
        ids = hashlib.sha256(repr(self.ids).encode()).hexdigest() if self.ids else ""
        since = snapshot.load(self.since).digest if self.since else ""
        return {
            "date": self.date.isoformat(), "kinds": self.kinds, "what": self.what, "sample": self.sample, "ids": ids,
            "owner": self.owner, "since": since, "all-discussions": self.all_discussions,
        }  # fmt: skip

    def rule(self) -> str:
        """How the repositories were chosen, in words; empty for all of them."""
        if self.ids:
            return f"{len(self.ids):,} repositories named in a list"
        parts = [f"repositories of {self.owner}"] if self.owner else []
        if self.sample:
            parts.append(f"the {self.sample:,} of each kind with the smallest SHA-256 of kind and name")
        return ", ".join(parts)


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
        found.append(
            f"quota: {self.limit:,} requests in {self.window:g} s; time: about {_span(self.total / self.rate)}"
        )
        return found


def raw(name: str) -> Path:
    """Directory of a collection's journal and log."""
    return paths.raw() / snapshot.check_name(name)


def choose(
    name: str = "",
    *,
    date: str = "today",
    kinds: Sequence[str] = tuple(KINDS),
    what: Sequence[str] = (),
    sample: int | None = None,
    ids: Path | None = None,
    owner: str = "",
    since: str = "",
    all_discussions: bool = False,
) -> Choice:
    """Check what is to be collected. Raises SnapshotError, one line."""
    day = dt.datetime.now(dt.UTC).date() if date == "today" else snapshot.date_of("", date)
    if (unknown := sorted(set(kinds) - set(KINDS))) or not kinds:
        raise SnapshotError(f"kinds {', '.join(unknown)[:60]!r}: expected some of {', '.join(KINDS)}")
    if unknown := sorted(set(what) - set(WHAT)):
        raise SnapshotError(f"what {', '.join(unknown)[:60]!r}: expected some of {', '.join(WHAT)}")
    if sum(map(bool, (sample, ids, owner))) > 1 and not (sample and owner):
        raise SnapshotError("--ids names the repositories; give it without --sample and --owner")
    if sample is not None and sample < 1:
        raise SnapshotError(f"sample {sample}: expected 1 or more")
    if owner and not re.fullmatch(r"[A-Za-z0-9._-]{1,96}", owner):
        raise SnapshotError(f"owner {owner[:60]!r}: expected the name of an account on the Hub")
    named = _read_ids(ids, kinds) if ids else ()
    chosen = tuple(kind for kind in snapshot.KINDS if snapshot.PLURAL[kind] in kinds)
    chosen = tuple(kind for kind in chosen if not named or any(k == kind for k, _ in named))
    can_link = "space" in chosen or bool(named)
    if "usage" in what and not can_link:
        raise SnapshotError("usage is read from the listing of spaces; add spaces to --kinds, or name models by --ids")
    tables = tuple(table for table in WHAT if table in (what or WHAT) and (table != "usage" or can_link))
    name = snapshot.check_name(name or day.isoformat())
    return Choice(
        name, day, chosen, ("repos", *(t for t in tables if t != "repos")), sample, named, owner, since, all_discussions
    )


def _read_ids(file: Path, kinds: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(kind, repo_id) per line: `models/owner/name`, or `owner/name` where --kinds names one kind. `#` begins a comment."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SnapshotError(f"{file.name}: can't be read as text; expected one repository a line") from None
    found = []
    for row, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        plural, _, rest = text.partition("/")
        if plural not in KINDS:
            plural, rest = (kinds[0], text) if len(kinds) == 1 else ("", text)
        if not text:
            continue
        try:
            repo_id = dumps.repository_id(rest)
        except UnusableError as error:
            raise SnapshotError(f"{file.name}, row {row}: {error}; expected models/owner/name") from None
        if plural not in kinds:
            raise SnapshotError(f"{file.name}, row {row}: expected {'/..., '.join(kinds)}/... in front of the name")
        found.append((KINDS[plural], repo_id))
    if not found:
        raise SnapshotError(f"{file.name}: names no repository; expected one a line")
    return tuple(sorted(set(found)))


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
    _check_free(choice.name, replace or dry_run)
    directory = raw(choice.name)
    if choice.since:
        snapshot.load(choice.since)
    token = Token(None) if replay else read_token(token_from)
    stop = threading.Event()
    with Journal(directory, must_exist=replay) as journal, _log(directory, token) as log, _stoppable(choice, stop):
        journal.settle(choice.parameters())
        _remove_leftovers(choice.name)
        if not replay:
            asking = {"workers": workers, "attempts": attempts, "wait": pause, "patience": patience}
            with Requests(token, log=log, stop=stop, **asking) as requests, _Shown(progress, log, requests) as shown:
                run = _Run(choice, journal, requests, shown, workers)
                run.find()
                if dry_run:
                    return run.plan()
                run.ask()
        log.info("building the snapshot")
        with _telling(choice.name):
            _build(choice, journal, replace=replace)
    return dumps._written(snapshot.load(choice.name))


def unfinished() -> list[str]:
    """Names of collections that have a journal and no snapshot yet, sorted."""
    found = (path.parent.name for path in paths.raw().glob("*/journal.sqlite"))
    return sorted(name for name in found if not (paths.snapshots() / name).exists())


def _check_free(name: str, replace: bool) -> None:
    if (paths.snapshots() / name).exists() and not replace:
        raise SnapshotError(f"snapshot {name!r} exists; choose another --name or replace it with --force")


def _remove_leftovers(name: str) -> None:
    """What a killed run left beside the snapshots; this run holds the journal, so it is nobody's."""
    for left in paths.snapshots().glob(f".{name}.partial-*"):
        shutil.rmtree(left, ignore_errors=True)


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


@dataclass(frozen=True)
class _Outcome:
    """What became of one unit: done (with answers), refused or failed (with a reason); `moved` is a new name."""

    unit: str
    kind: str
    repo_id: str
    state: str
    reason: str = ""
    moved: str = ""
    answers: tuple[Answer, ...] = ()


def _path(kind: str, repo_id: str, rest: str = "", **query: object) -> str:
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    return f"/api/{snapshot.PLURAL[kind]}/{quote(repo_id)}{rest}{asked}"


def _moved(answer: Answer, kind: str, repo_id: str) -> str:
    """The repository's new name where a redirect led to one, else ''."""
    prefix = f"/api/{snapshot.PLURAL[kind]}/"
    name = re.sub(r"/(commits/[^/]+|discussions)$", "", unquote(answer.final).removeprefix(prefix))
    return name if answer.final.startswith(prefix) and name != repo_id else ""


def _ask(requests: Requests, unit: str, kind: str, repo_id: str) -> _Outcome:
    """One unit with all its pages. Raises Stopped, SnapshotError."""
    fetch = {"info": _info, "commits": _commits, "discussions": _discussions}[unit]
    try:
        answers, reason = fetch(requests, kind, repo_id)
    except RefusedError as error:
        return _Outcome(unit, kind, repo_id, "refused", error.reason)
    except TransientError as error:
        return _Outcome(unit, kind, repo_id, "failed", error.reason)
    return _Outcome(unit, kind, repo_id, "done", reason, _moved(answers[0], kind, repo_id), tuple(answers))


def _info(requests: Requests, kind: str, repo_id: str) -> tuple[list[Answer], str]:
    fields = FIELDS[kind].split() + (["spaces"] if kind == "model" else [])

    def check(value: object) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            raise TransientError("not the shape that was asked for")

    return [requests.get(_path(kind, repo_id, expand=fields), check)], ""


def _commits(requests: Requests, kind: str, repo_id: str) -> tuple[list[Answer], str]:
    """All pages; read again where they have fewer commits than the Hub counts, for the history may have moved on."""
    for _ in range(3):
        answers, seen = [], set()
        path = _path(kind, repo_id, "/commits/main", limit=PAGE)
        while path:
            answer = requests.get(path, _new_rows(seen, "id", first=not answers))
            answers.append(answer)
            seen.update(row.get("id") for row in answer.value)
            path = answer.next
        count = answers[-1].headers.get("x-total-count", "")
        if not count.isdigit() or len(seen) >= int(count):
            return answers, ""
    return answers, "fewer than the Hub counts"


def _discussions(requests: Requests, kind: str, repo_id: str) -> tuple[list[Answer], str]:
    for _ in range(3):
        answers, seen, page, more = [], set(), 0, True
        while more:
            answer = requests.get(_path(kind, repo_id, "/discussions", p=page), _new_talks(seen))
            value, page = answer.value, page + 1
            answers.append(answer)
            seen.update(row.get("num") for row in value["discussions"])
            more = bool(value["discussions"]) and value["start"] + len(value["discussions"]) < value["count"]
        if len(seen) >= value["count"]:
            return answers, ""
    return answers, "fewer than the Hub counts"


def _new_rows(seen: set, key: str, *, first: bool) -> Callable[[object], None]:
    """A check: a list of objects, and not one page twice; only a first page may be empty."""

    def check(value: object) -> None:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise TransientError("not the shape that was asked for")
        if not value and not first:
            raise TransientError("an empty page where more are to come")
        if value and seen.issuperset(row.get(key) for row in value):
            raise TransientError("a page that was shown before")

    return check


def _new_talks(seen: set) -> Callable[[object], None]:
    def check(value: object) -> None:
        rows = value.get("discussions") if isinstance(value, dict) else None
        counts = [value.get(name) for name in ("count", "start")] if isinstance(value, dict) else [None]
        if not isinstance(rows, list) or not all(isinstance(n, int) for n in counts):
            raise TransientError("not the shape that was asked for")
        if not rows and counts[0] > counts[1]:
            raise TransientError("an empty page where more are to come")
        _new_rows(seen, "num", first=True)(rows)

    return check


class _Run:
    """One run of a collection: asks what the journal lacks. Only this thread writes the journal."""

    def __init__(self, choice: Choice, journal: Journal, requests: Requests, shown: "_Shown", workers: int):
        self.choice, self.journal, self.requests, self.shown = choice, journal, requests, shown
        self.workers, self._failures = workers, 0

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
        if broken and not self.journal.rows("SELECT 1 FROM repos LIMIT 1"):
            raise SnapshotError(
                f"no listing could be read ({broken[0][0]}); check HF_ENDPOINT, or give the same command later"
            )
        if broken and self.choice.sample:
            raise SnapshotError(
                f"a listing was not finished ({broken[0][0]}), so no sample can be drawn; try again later"
            )
        with self.journal.step():
            if self.choice.sample:
                self._draw()
            if self.choice.since:
                self._compare()
            if not broken:
                self.journal.set("listed", "yes")

    def _name_ids(self) -> None:
        with self.journal.step():
            rows = [(kind, repo_id, 0, 0, None, "", "") for kind, repo_id in self.choice.ids]
            self.journal.write("INSERT OR IGNORE INTO repos VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._forget_failed(["info"])
        self._work(["info"], "records")

    def _read_listings(self) -> None:
        self._began = dt.datetime.fromisoformat(self.journal.get("started"))
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
        query |= {"author": self.choice.owner} if self.choice.owner else {}
        return f"/api/{snapshot.PLURAL[kind]}?{urlencode(query, doseq=True)}"

    def _submit_page(self, pool: ThreadPoolExecutor, kind: str) -> Future:
        ((path,),) = self.journal.rows("SELECT next FROM listings WHERE kind = ?", [kind])
        if path is None:
            return pool.submit(lambda: None)
        return pool.submit(self.requests.get, path, _new_rows(set(), "id", first=True))

    def _take_page(self, kind: str, future: Future, tries: Counter) -> bool:
        """Keep a page; whether the listing goes on. A page that can't be right is asked again."""
        try:
            answer = future.result()
        except (TransientError, RefusedError) as error:
            with self.journal.step():
                self.journal.write(
                    "UPDATE listings SET state = 'broken', detail = ? WHERE kind = ?", [(str(error), kind)]
                )
            return False
        if answer is None:
            return False
        ((number, nth),) = self.journal.rows("SELECT pass, nth FROM listings WHERE kind = ?", [kind])
        items = _listed(answer.value)
        repeated = self._seen(kind, number, items)
        if (not answer.value or (items and repeated == len(items))) and tries[answer.path] < 3:
            tries[answer.path] += 1
            self.requests.faults["a page without anything new"] += 1
            return True
        if items and repeated == len(items):
            with self.journal.step():
                what = "the listing shows the same page again and again"
                self.journal.write("UPDATE listings SET state = 'broken', detail = ? WHERE kind = ?", [(what, kind)])
            return False
        with self.journal.step():
            return self._keep_page(kind, number, nth, answer, items)

    def _seen(self, kind: str, number: int, items: Mapping[str, Mapping]) -> int:
        """How many of the repositories this pass has shown already."""
        count = 0
        for chunk in _chunks(list(items)):
            marks = ",".join("?" * len(chunk))
            query = f"SELECT count(*) FROM repos WHERE kind = ? AND pass = ? AND repo_id IN ({marks})"
            count += self.journal.rows(query, [kind, number, *chunk])[0][0]
        return count

    def _keep_page(self, kind: str, number: int, nth: int, answer: Answer, items: Mapping[str, Mapping]) -> bool:
        if answer.headers.get("x-synthetic") == "true":
            self.journal.set("synthetic", "true")
        self._note_links(kind, items.values())
        before = self._rows_of(kind)
        old = self._count_old(kind, items) if number > 1 else 0
        self.journal.keep("list", kind, f"pass {number}", [(nth, answer)])
        rows = [
            (kind, repo_id, nth, number, _instant(item.get("lastModified")), _left_out(item), _rank(kind, repo_id))
            for repo_id, item in items.items()
        ]
        statement = "INSERT INTO repos VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pass = excluded.pass"
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

    def _note_links(self, kind: str, items: Iterable[Mapping]) -> None:
        column = LINKS.get(kind, "")
        if any(isinstance(item.get(column), list) for item in items):
            self.journal.set(f"has {column}", "true")

    def _rows_of(self, kind: str) -> int:
        return self.journal.rows("SELECT count(*) FROM repos WHERE kind = ?", [kind])[0][0]

    def _count_old(self, kind: str, items: Mapping[str, Mapping]) -> int:
        """How many were missed by the passes before this one, though they existed when the first began."""
        known = set()
        for chunk in _chunks(list(items)):
            query = f"SELECT repo_id FROM repos WHERE kind = ? AND repo_id IN ({','.join('?' * len(chunk))})"
            known.update(repo_id for (repo_id,) in self.journal.rows(query, [kind, *chunk]))
        began = self._began.isoformat()
        return sum((_instant(item.get("createdAt")) or "") < began for name, item in items.items() if name not in known)

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
        return self.journal.rows(f"SELECT count(*) FROM repos r WHERE {_TO_ASK}", [unit])[0][0]

    def ask(self) -> None:
        """Ask for the commits and discussions of every chosen repository; what failed is asked once more at the end."""
        units = self._units()
        self._forget_failed(units)
        if any(self._left(unit) for unit in units):
            self._work(units, " and ".join(units))
        if self._forget_failed(units):
            self._work(units, "what failed, once more")

    def _forget_failed(self, units: Sequence[str]) -> int:
        count = 0
        with self.journal.step():
            for unit in units:
                query = "SELECT count(*) FROM units WHERE unit = ? AND state = 'failed'"
                count += self.journal.rows(query, [unit])[0][0]
                self.journal.write("DELETE FROM units WHERE unit = ? AND state = 'failed'", [(unit,)])
        return count

    def _work(self, units: Sequence[str], title: str) -> None:
        todo = self._todo(units)
        self.shown.begin(title, sum(self._left(unit) for unit in units))
        pending: dict[Future, None] = {}
        with ThreadPoolExecutor(self.workers) as pool:

            def fill() -> None:
                while len(pending) < 2 * self.workers and (unit := next(todo, None)):
                    pending[pool.submit(_ask, self.requests, *unit)] = None

            fill()
            with closing(self._finished(pending)) as finished:
                for future in finished:
                    done = [future, *(other for other in pending if other is not future and other.done())]
                    for one in done:
                        del pending[one]
                    self._keep([one.result() for one in done])
                    fill()

    def _todo(self, units: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """(unit, kind, repo_id) of all that is still to be asked, read from the journal a few at a time."""
        for unit in units:
            last = ("", "")
            query = f"SELECT kind, repo_id FROM repos r WHERE (kind, repo_id) > (?, ?) AND {_TO_ASK} ORDER BY 1, 2 LIMIT 200"
            while rows := self.journal.rows(query, [*last, unit]):
                yield from ((unit, kind, repo_id) for kind, repo_id in rows)
                last = rows[-1]

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

    def _keep(self, outcomes: Sequence[_Outcome]) -> None:
        with self.journal.step():
            for o in outcomes:
                self.journal.keep(o.unit, o.kind, o.repo_id, enumerate(o.answers))
                if o.answers and o.answers[0].headers.get("x-synthetic") == "true" and not self.journal.is_synthetic():
                    self.journal.set("synthetic", "true")
                row = (o.unit, o.kind, o.repo_id, o.state, o.reason, o.moved)
                self.journal.write("INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?)", [row])
                if o.unit == "info" and o.answers:
                    self._note_record(o)
        for o in outcomes:
            self._failures = self._failures + 1 if o.state == "failed" else 0
            self.shown.advance(1, o.reason if o.state != "done" else "")
        if self._failures >= IN_A_ROW:
            raise SnapshotError(
                f"{self._failures} repositories in a row failed ({outcomes[-1].reason}); the Hub seems to be out of order. "
                "What was collected is kept: give the same command later"
            )

    def _note_record(self, outcome: _Outcome) -> None:
        item = outcome.answers[0].value
        self._note_links(outcome.kind, [item])
        values = [(_instant(item.get("lastModified")), _left_out(item), outcome.kind, outcome.repo_id)]
        self.journal.write("UPDATE repos SET modified = ?, left_out = ? WHERE kind = ? AND repo_id = ?", values)


# a chosen repository for which a unit is not settled; what its record (or another unit) called gone is not asked again
_TO_ASK = """left_out = '' AND NOT EXISTS (SELECT 1 FROM units u WHERE u.kind = r.kind AND u.repo_id = r.repo_id
    AND (u.unit = ? OR u.reason = 'gone' OR (u.unit = 'info' AND u.state != 'done')))"""


def _chunks(values: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _listed(page: Iterable[Mapping]) -> dict[str, Mapping]:
    """Repositories of a page by name, without those whose name is none."""
    found = {}
    for item in page:
        try:
            found.setdefault(dumps.repository_id(item.get("id")), item)
        except UnusableError:
            continue  # counted when the snapshot is built
    return found


def _instant(text: object) -> str | None:
    """A date of the Hub in one form, in UTC; None for none."""
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC).isoformat()
    except (TypeError, ValueError):
        return None


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


# --- building ---------------------------------------------------------------------------------------------


def _build(choice: Choice, journal: Journal, *, replace: bool) -> None:
    """Write the snapshot from the journal alone."""
    source = {"name": "hub", "title": "Hugging Face Hub", "origin": HUB, "licence": "", "chosen": choice.rule()}
    synthetic = journal.is_synthetic()
    if synthetic:
        source |= {"title": "Invented repositories, from a local Hub", "origin": ""}
    if choice.since:
        source["since"] = choice.since
    with snapshot.Writer(
        choice.name, date=choice.date, synthetic=synthetic, source=source, coverage={}, replace=replace
    ) as writer:
        _Builder(choice, journal, writer).build()


class _Builder:
    """Turns answers into rows; holds one page at a time."""

    def __init__(self, choice: Choice, journal: Journal, writer: snapshot.Writer):
        self.choice, self.journal, self.writer = choice, journal, writer
        first = dt.datetime.combine(snapshot.FIRST_DATE, dt.time(), dt.UTC)
        last = snapshot.last_moment(choice.date)
        micro, epoch = dt.timedelta(microseconds=1), dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        self.span = ((first - epoch) // micro, (last - epoch) // micro)
        self.tables = {t: dumps._Rows(t, lambda data, t=t: writer.add(t, data)) for t in ("repos", *EVENTS, "usage")}
        self.columns: dict[str, list[str]] = {}
        self.lacks: Counter = Counter()  # what keeps `usage` from being complete
        self.linked = {column for column in LINKS.values() if journal.get(f"has {column}")}

    def build(self) -> None:
        self._leave_out()
        for kind in self.choice.kinds:
            self._repositories(kind)
        for table in EVENTS:
            if table in self.choice.what:
                for kind in self.choice.kinds:
                    self._events(table, kind)
                self._carry(table)
        self._refused()
        self._unasked()
        for table, rows in self.tables.items():
            if table in self.choice.what:
                rows.flush(even_empty=not rows.count)
        self._say_coverage()
        self._say_missing()

    def _leave_out(self) -> None:
        """Which repositories are not in the snapshot, each with one reason."""
        reasons = """SELECT kind, repo_id, left_out AS why, 1 AS place FROM repos WHERE left_out NOT IN ('', 'not drawn')
            UNION ALL SELECT kind, repo_id, reason, 2 FROM units
                WHERE reason = 'gone' OR (unit = 'info' AND state IN ('refused', 'failed'))
            UNION ALL SELECT u.kind, u.repo_id, 'renamed and listed under its new name too', 3 FROM units u
                JOIN repos r ON r.kind = u.kind AND r.repo_id = u.moved WHERE u.moved != '' AND r.left_out = ''
            UNION ALL SELECT kind, repo_id, 'not asked yet', 4 FROM repos r WHERE r.nth = 0 AND r.pass = 0 AND NOT EXISTS (
                SELECT 1 FROM units u WHERE u.unit = 'info' AND u.kind = r.kind AND u.repo_id = r.repo_id)"""
        self.journal.rows("CREATE TEMP TABLE gone (kind TEXT, repo_id TEXT, why TEXT, PRIMARY KEY (kind, repo_id))")
        self.journal.rows(f"INSERT OR IGNORE INTO gone SELECT kind, repo_id, why FROM ({reasons}) ORDER BY place, why")
        for kind, repo_id, why in self.journal.stream("SELECT * FROM gone ORDER BY kind, repo_id"):
            self.writer.reject("repos", why, kind=kind, repo_id=repo_id, scope="repository")
            self.writer.left_out[why if why in ("gone", "gated", "disabled", "private") else _class(why)] += 1
        renamed = """SELECT DISTINCT u.kind, u.repo_id, u.moved FROM units u WHERE u.moved != '' AND NOT EXISTS (
            SELECT 1 FROM gone g WHERE g.kind = u.kind AND g.repo_id = u.repo_id) ORDER BY 1, 2, 3"""
        for kind, repo_id, moved in self.journal.stream(renamed):
            why = "renamed meanwhile; kept under the name that was listed"
            self.writer.reject("repos", why, kind=kind, repo_id=repo_id, detail=f"now {moved}")
            self.writer.notes["repositories renamed meanwhile, kept under the name that was listed"] += 1

    # --- repositories and links

    def _repositories(self, kind: str) -> None:
        unit = "info" if self.choice.ids else "list"
        names = [name for name in snapshot.SCHEMAS["repos"].names if name not in NOT_LISTED.get(kind, ())]
        self.columns[kind] = names
        for key, nth, body in self.journal.answers(unit, kind):
            items = _values(body)
            if unit == "info":
                self._record(kind, key, items)
                continue
            shown = self._of_page(kind, nth)
            for item in items:
                repo_id = item.get("id")
                if isinstance(repo_id, str) and repo_id in shown:
                    shown.discard(repo_id)
                    self._repository(kind, repo_id, item)
                elif key == "pass 1":
                    self._nameless(kind, repo_id)

    def _of_page(self, kind: str, nth: int) -> set[str]:
        """Repositories that were first seen on this page and belong to the snapshot."""
        query = """SELECT repo_id FROM repos r WHERE kind = ? AND nth = ? AND left_out = '' AND NOT EXISTS (
            SELECT 1 FROM gone g WHERE g.kind = r.kind AND g.repo_id = r.repo_id)"""
        return {repo_id for (repo_id,) in self.journal.rows(query, [kind, nth])}

    def _nameless(self, kind: str, repo_id: object) -> None:
        try:
            dumps.repository_id(repo_id)
        except UnusableError as error:
            self.writer.reject("repos", str(error), kind=kind, detail=error.detail)

    def _record(self, kind: str, repo_id: str, item: Mapping) -> None:
        gone = self.journal.rows("SELECT 1 FROM gone WHERE kind = ? AND repo_id = ?", [kind, repo_id])
        if not gone and self._repository(kind, repo_id, item) and kind == "model" and "usage" in self.choice.what:
            self._spaces(repo_id, item)

    def _repository(self, kind: str, repo_id: str, item: Mapping) -> bool:
        item = {name: value for name, value in item.items() if name not in ("modelId", "license", "parameters")}
        item |= {"library_name": item.get("sdk")} if kind == "space" else {}  # what a space is built with
        try:
            _check_text(item)
            values = dumps._repository(item, kind, repo_id, self.span, self.writer.notes)
        except UnusableError as error:
            self.writer.reject("repos", str(error), kind=kind, repo_id=repo_id, detail=error.detail)
            return False
        self.tables["repos"].append(values)
        if kind == "space" and "usage" in self.choice.what:
            self._models(repo_id, item)
        return True

    def _models(self, space: str, item: Mapping) -> None:
        models = self._list_of(item, "models")
        if models is None:
            self.writer.reject("usage", "no list of models", kind="space", repo_id=space, scope="repository")
            self.lacks["spaces without a list of models"] += 1
            return
        for model in dict.fromkeys(map(str, models)):
            self._link(space, model)

    def _spaces(self, model: str, item: Mapping) -> None:
        """A model's own list; exactly 100 entries mean that it was cut, so that none of them is taken."""
        spaces = self._list_of(item, "spaces")
        where = {"kind": "model", "repo_id": model, "scope": "repository"}
        if spaces is None:
            self.writer.reject("usage", "no list of spaces", **where)
            self.lacks["models without a list of spaces"] += 1
        elif len(spaces) == SPACES_SHOWN:
            self.writer.reject("usage", f"list of spaces cut at {SPACES_SHOWN}", **where)
            self.lacks["models whose list of spaces was cut"] += 1
        else:
            named = {repo_id for kind, repo_id in self.choice.ids if kind == "space"}
            for space in dict.fromkeys(map(str, spaces)):
                if space not in named:  # those say it themselves
                    self._link(space, model)

    def _list_of(self, item: Mapping, column: str) -> list | None:
        """The list; empty where this repository lacks it and others have theirs: the Hub leaves out what is empty."""
        if column not in item and column in self.linked:
            self.writer.notes[f"repositories without `{column}` where others have it, taken as naming none"] += 1
            return []
        return item[column] if isinstance(item.get(column), list) else None

    def _link(self, space: str, model: str) -> None:
        try:
            self.tables["usage"].append((dumps.repository_id(space), dumps.repository_id(model)))
        except UnusableError as error:
            self.writer.reject("usage", str(error), kind="space", repo_id=space, detail=error.detail)

    # --- commits and discussions

    def _events(self, table: str, kind: str) -> None:
        take = {"commits": self._commit, "discussions": self._discussion}[table]
        current, seen, wanted = None, set(), False
        for repo_id, _, body in self.journal.answers(table, kind):
            if repo_id != current:
                current, seen = repo_id, set()
                wanted = not self.journal.rows("SELECT 1 FROM gone WHERE kind = ? AND repo_id = ?", [kind, repo_id])
            value = _values(body) if wanted else []
            for row in value if isinstance(value, list) else value["discussions"]:
                try:
                    _check_text(row)
                    values = take(row)
                except UnusableError as error:
                    self.writer.reject(table, str(error), kind=kind, repo_id=repo_id)
                    continue
                if values[0] not in seen:
                    seen.add(values[0])
                    self.tables[table].append((kind, repo_id, *values))

    def _commit(self, row: Mapping) -> tuple:
        authors = row.get("authors")
        users = [a.get("user") if isinstance(a, dict) else None for a in authors] if isinstance(authors, list) else None
        found = {"commit_id": row.get("id"), "created_at": row.get("date"), "authors": users}
        commit_id, date, users = dumps._commit(found, self.span)
        usable = [name for name in users if isinstance(name, str) and 0 < len(name.strip()) <= snapshot.LONGEST_NAME]
        if len(usable) < len(users) or not users:
            what = "no author" if not usable else "an author's name missing; the others are kept"
            self.writer.notes[f"commits with {what}"] += 1
        return commit_id, date, usable

    def _discussion(self, row: Mapping) -> tuple:
        number = dumps.whole_number(row.get("num"), "num")
        created = dumps.moment(row.get("createdAt"), "createdAt", self.span)
        if number is None or created is None:
            raise UnusableError("no number" if number is None else "no date")
        author = row.get("author")
        name = author.get("name") if isinstance(author, dict) else None
        is_name = isinstance(name, str) and 0 < len(name.strip()) <= snapshot.LONGEST_NAME
        if not is_name:
            self.writer.notes["discussions without an author"] += 1
        request, status = row.get("isPullRequest"), row.get("status")
        return (
            number,
            name if is_name else None,
            created,
            request if isinstance(request, bool) else None,
            status if isinstance(status, str) else None,
        )

    def _carry(self, table: str) -> None:
        """Rows of the earlier snapshot, of repositories that did not change."""
        if not self.choice.since:
            return
        earlier, schema = snapshot.load(self.choice.since), self.tables[table].schema
        if not earlier.has(table):
            return
        self.tables[table].flush()
        for batch in pq.ParquetFile(earlier.file(table)).iter_batches(batch_size=20_000):
            for kind in self.choice.kinds:
                rows = batch.filter(pc.equal(batch["kind"], kind))
                rows = rows.filter(pc.is_in(rows["repo_id"], value_set=self._carried(table, kind, rows["repo_id"])))
                columns = [
                    rows[f.name].cast(f.type) if f.name in rows.schema.names else pa.nulls(len(rows), f.type)
                    for f in schema
                ]
                if len(rows):
                    self.writer.add(table, pa.Table.from_arrays(columns, schema=schema))
                    self.tables[table].count += len(rows)

    def _carried(self, table: str, kind: str, repo_ids: pa.Array) -> pa.Array:
        found = []
        for chunk in _chunks(pc.unique(repo_ids).to_pylist()):
            query = f"""SELECT repo_id FROM units u WHERE unit = ? AND kind = ? AND state = 'carried'
                AND repo_id IN ({",".join("?" * len(chunk))}) AND NOT EXISTS (
                SELECT 1 FROM gone g WHERE g.kind = u.kind AND g.repo_id = u.repo_id)"""
            found += [repo_id for (repo_id,) in self.journal.rows(query, [table, kind, *chunk])]
        return pa.array(found, pa.string())

    # --- what is missing

    def _unasked(self) -> None:
        """Repositories that a run which did not end has not come to."""
        for table in EVENTS:
            if table in self.choice.what:
                query = f"SELECT kind, repo_id FROM repos r WHERE {_TO_ASK} ORDER BY 1, 2"
                for kind, repo_id in self.journal.stream(query, [table]):
                    self.writer.reject(table, "not asked yet", kind=kind, repo_id=repo_id, scope="repository")

    def _refused(self) -> None:
        """Repositories whose commits or discussions could not be had, by reason."""
        query = """SELECT u.kind, u.repo_id, u.unit, u.state, u.reason FROM units u WHERE u.reason != '' AND u.unit != 'info'
            AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.kind = u.kind AND g.repo_id = u.repo_id) ORDER BY 1, 2, 3"""
        last = None
        for kind, repo_id, unit, state, reason in self.journal.stream(query):
            scope = "row" if state == "done" else "repository"
            self.writer.reject(unit, reason, kind=kind, repo_id=repo_id, scope=scope)
            if (kind, repo_id) != last and state != "done":
                self.writer.left_out[_class(reason)] += 1
                last = (kind, repo_id)

    def _say_coverage(self) -> None:
        coverage = self.writer.coverage
        for kind in self.choice.kinds:
            lacks = self._listing_lacks(kind)
            rule = "; ".join([*filter(None, [self.choice.rule()]), *lacks])
            said = {"status": "sample" if rule else "complete", "rule": rule, "columns": self.columns[kind]}
            coverage.setdefault("repos", {})[kind] = said
            for table in EVENTS:
                if table in self.choice.what:
                    lacks = self._event_lacks(table, kind)
                    said = {"status": "sample", "rule": "; ".join(lacks), "zeros": True} if lacks else {}
                    coverage.setdefault(table, {})[kind] = said or {"status": "complete", "rule": ""}
        if "usage" in self.choice.what:
            lacks = [f"{count:,} {what}" for what, count in sorted(self.lacks.items())]
            whole = "space" in self.choice.kinds and not self.choice.rule()
            lacks += [] if whole else [f"links of {self.choice.rule() or 'the listed spaces'}"]
            lacks += self._listing_lacks("space") if "space" in self.choice.kinds else []
            coverage["usage"] = {"all": {"status": "sample" if lacks else "complete", "rule": "; ".join(lacks)}}

    def _listing_lacks(self, kind: str) -> list[str]:
        """Why the list of repositories is not whole."""
        rows = self.journal.rows("SELECT state, late, detail FROM listings WHERE kind = ?", [kind])
        lacks = [] if rows or self.choice.ids else ["the listing was not begun"]
        for state, late, detail in rows:
            if state != "done":
                lacks.append(f"the listing was not finished ({detail or 'interrupted'})")
            elif late:
                lacks.append(
                    f"the listing shifted while it was read: {late:,} came to light in the last of {PASSES} readings"
                )
        failed = "SELECT count(*) FROM units WHERE unit = 'info' AND kind = ? AND state = 'failed'"
        if count := self.journal.rows(failed, [kind])[0][0]:
            lacks.append(f"{count:,} records could not be had")
        return lacks

    def _event_lacks(self, table: str, kind: str) -> list[str]:
        """Why a table is not complete. What the Hub refuses is no reason: nobody can have it, and `rejected` names it."""
        query = "SELECT state, reason, count(*) FROM units WHERE unit = ? AND kind = ? GROUP BY 1, 2 ORDER BY 1, 2"
        lacks = []
        for state, reason, count in self.journal.rows(query, [table, kind]):
            if state == "done" and reason:
                lacks.append(f"{count:,} repositories have {reason}")
            elif state == "failed":
                lacks.append(f"those of {count:,} repositories failed ({reason})")
            elif state == "carried" and table == "discussions":
                earlier = snapshot.load(self.choice.since).date
                lacks.append(
                    f"those of {count:,} repositories whose files did not change are of {earlier} at the latest"
                )
        left = self.journal.rows(f"SELECT count(*) FROM repos r WHERE kind = ? AND {_TO_ASK}", [kind, table])[0][0]
        return [*lacks, *([f"{left:,} repositories were not asked yet"] if left else [])]

    def _say_missing(self) -> None:
        """Everything that another run could still add, in words, in the manifest's `source`."""
        found = []
        for table, kinds in sorted(self.writer.coverage.items()):
            for kind, said in sorted(kinds.items()):
                if said["rule"] and said["rule"] != self.choice.rule():
                    found.append(f"{table} of {snapshot.PLURAL.get(kind, kind)}: {said['rule']}")
        self.writer.source["missing"] = found


def _values(body: bytes) -> object:
    return json.loads(body)


def _check_text(item: object) -> None:
    """Half a surrogate pair is JSON, but no text that a table can hold. Raises UnusableError."""
    if not isinstance(item, dict):
        raise UnusableError("not a JSON object")
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnusableError("text with half a surrogate pair") from None


def _class(reason: str) -> str:
    """The class of what was left out that a reason belongs to."""
    known = ("gated", "disabled", "discussions disabled", "gone", "private", "renamed", "not asked")
    return next((name for name in known if reason.startswith(name)), "failed")


# --- progress ---------------------------------------------------------------------------------------------


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    days, hours = minutes // 1440, minutes % 1440 // 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{why} {count:,}" for why, count in sorted(reasons.items()))


class _Shown:
    """Progress on stderr and in the log: a bar on a terminal, else a line every 10 seconds."""

    def __init__(self, shown: bool, log: logging.Logger, requests: Requests):
        self._log, self._requests = log, requests
        self._console = Console(stderr=True, quiet=not shown, markup=False, highlight=False, soft_wrap=True)
        whole, rest = Column(no_wrap=True), Column(ratio=1, overflow="fold")
        columns = (
            TextColumn("{task.description}", markup=False, table_column=whole),
            BarColumn(bar_width=10),
            MofNCompleteColumn(table_column=whole),
            TextColumn("{task.fields[more]}", markup=False, table_column=rest),
        )
        is_drawn = shown and self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, expand=True) if is_drawn else None
        self._title, self._total, self._done, self._reasons = "", None, 0, Counter()
        self._task, self._sent, self._began, self._told = None, 0, 0.0, 0.0

    def __enter__(self):
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error):
        if self._title:
            self._tell()
        if self._bar:
            self._bar.stop()

    def begin(self, title: str, total: int | None) -> None:
        """A part begins; `total` is how many steps it has, None where that is not known."""
        if self._title:
            self._tell()
        self._title, self._total, self._done, self._reasons = title, total, 0, Counter()
        self._sent, self._began = self._requests.quota.sent, time.monotonic()
        self._told = self._began
        if self._bar:
            self._task = self._bar.add_task(title, total=total, more="")
        else:
            self._say(f"{title}: " + (f"{total:,} to ask" if total is not None else "begins"))

    def advance(self, steps: int, reason: str = "") -> None:
        self._done += steps
        if reason:
            self._reasons[reason] += 1

    def tick(self) -> None:
        now = time.monotonic()
        if self._bar:
            self._bar.update(self._task, completed=self._done, more=self._state())
        if now - self._told > (60 if self._bar else 10):
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        of = f" of {self._total:,}" if self._total is not None else " repositories"
        text = f"{self._title}: {self._done:,}{of}, {self._state()}"
        self._log.info("%s", text) if self._bar else self._say(text)

    def _state(self) -> str:
        quota, passed = self._requests.quota, max(time.monotonic() - self._began, 1e-3)
        rate = (quota.sent - self._sent) / passed
        parts = [f"{rate:.1f} requests/s", f"quota left {quota.left:,} of {quota.limit:,}"]
        if self._total is not None and self._done:
            parts.append(f"{_span((self._total - self._done) * passed / self._done)} to go")
        if self._reasons:
            parts.append(f"not had: {_counted(self._reasons)}")
        if self._requests.faults:
            parts.append(f"retried: {_counted(dict(self._requests.faults))}")  # a copy: other threads count on
        return ", ".join(parts)

    def _say(self, text: str) -> None:
        self._log.info("%s", text)
        self._console.print(text)
