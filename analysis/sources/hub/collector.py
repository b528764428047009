"""A snapshot of the live Hub: which repositories there are, who commits and discusses, which models spaces use.

The road of section 3.3, made to survive quotas, faults and interruptions. Everything that was asked is in a journal
under `data/raw/<name>/`; the snapshot is built from the journal alone, so `replay` gives the same one without the Hub.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from analysis import paths, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import dumps
from analysis.sources.hub.choice import Choice
from analysis.sources.hub.journal import Journal, JournalError, date_kept
from analysis.sources.hub.listings import Listings
from analysis.sources.hub.progress import Shown, span
from analysis.sources.hub.requests import (
    Requests,
    Stopped,
    Token,
    read_token,
    without_account,
)
from analysis.sources.hub.tables import build
from analysis.sources.hub.work import Work


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


def _plan(work: Work) -> Plan:
    """What is still to be asked."""
    carried = work.journal.rows("SELECT count(*) FROM units WHERE state = 'carried'")[0][0]
    listing = work.journal.rows("SELECT count(*) FROM answers WHERE unit IN ('list', 'info')")[0][0]
    quota = work.requests.quota
    return Plan(
        work.choice,
        {table: work.left(table) for table in work.tables},
        listing,
        carried,
        quota.limit,
        quota.window,
        quota.rate,
    )


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
                work = Work(choice, journal, requests, shown, workers)
                Listings(work).find()
                if dry_run:
                    return _plan(work)
                work.events()
        log.info("building the snapshot")
        with _telling(choice.name):
            build(choice, journal, replace=replace)
    return dumps.written(snapshot.load(choice.name))


def _settle_endpoint(journal: Journal, endpoint: str) -> None:
    kept = journal.get("endpoint")
    if kept not in (None, endpoint) and journal.holds_anything():
        raise JournalError(
            f"{journal.where}: begun with HF_ENDPOINT={kept}; give that, or another --name for a new one"
        )
    with journal.step():
        journal.set("endpoint", endpoint)


def unfinished(*, besides: str) -> str:
    """Collections that have a journal and no snapshot yet, with their dates, in words; '' for none."""
    found = []
    for path in sorted(paths.raw().glob("*/journal.sqlite")):
        name = path.parent.name
        if name == besides or (paths.snapshots() / name).exists() or (day := date_kept(path)) is None:
            continue
        found.append(f"{name} (of {day or 'a day that its run knows'})")
    more = [f"{len(found) - 3} more"] if len(found) > 3 else []
    return ", ".join(found[:3] + more)


def last_lines(made: snapshot.Snapshot) -> list[str]:
    """What a collection lacks, and how to get it, in words."""
    source = made.manifest["source"]
    found = [f"a sample: {source['past']}"] if source.get("past") else []
    found += [f"missing: {what}" for what in source["missing"]]
    if source["left"]:
        again = f"the same command with --force asks for that again (requests: {source['left']:,}), and for nothing else"
        found.append(f"to go on: {again}")
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
        said = os.strerror(error.errno) if getattr(error, "errno", None) else type(error).__name__
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
