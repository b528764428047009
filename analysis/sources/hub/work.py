"""Asking for what the journal lacks, repository by repository: records, commits and discussions."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing

from analysis.snapshot import SnapshotError
from analysis.sources.hub import clock, records
from analysis.sources.hub.choice import EVENTS, Choice
from analysis.sources.hub.doubts import Doubts
from analysis.sources.hub.journal import TO_ASK, Journal
from analysis.sources.hub.progress import Shown
from analysis.sources.hub.requests import Answer, Requests
from analysis.sources.hub.units import Outcome, Unit, ask

IN_A_ROW = 50  # failures, after which the Hub is taken to be out of order


class Work:
    """One run of a collection: asks what the journal lacks. Only this thread writes the journal."""

    def __init__(self, choice: Choice, journal: Journal, requests: Requests, shown: Shown, workers: int):
        self.choice, self.journal, self.requests, self.shown = choice, journal, requests, shown
        self.workers, self._failures = workers, 0
        self._again: set[tuple[str, str, str]] = set()  # what was asked before, and not settled
        self._doubts = Doubts(journal, requests, workers)

    @property
    def tables(self) -> list[str]:
        """Those that are asked for repository by repository."""
        return [table for table in EVENTS if table in self.choice.what]

    def left(self, unit: str) -> int:
        """How many repositories are still to be asked for it."""
        return self.journal.rows(f"SELECT count(*) FROM repos r WHERE {TO_ASK}", [unit])[0][0]

    def records(self) -> None:
        """Ask for the record of every repository that was named."""
        self._forget_failed(["info"])
        self._work(["info"], "records")

    def events(self) -> None:
        """Ask for the commits and discussions of every chosen repository; what failed is asked once more at the end."""
        self._forget_failed(self.tables)
        self._work(self.tables, " and ".join(self.tables))
        if self._forget_failed(self.tables):
            self._work(self.tables, "what failed, once more")

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
        if left := sum(self.left(unit) for unit in units):
            self.shown.begin(title, left)
        pending: dict[Future, None] = {}
        with ThreadPoolExecutor(self.workers) as pool:

            def fill() -> None:
                while len(pending) < 2 * self.workers and (unit := next(todo, None)):
                    pending[pool.submit(ask, self.requests, unit)] = None

            fill()
            with closing(self.finished(pending)) as finished:
                for future in finished:
                    done = [future, *(other for other in pending if other is not future and other.done())]
                    for one in done:
                        del pending[one]
                    self._keep([one.result() for one in done])
                    fill()
        self._doubts.settle(units, self._write)

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

    def finished(self, pending: Mapping[Future, object]) -> Iterator[Future]:
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
                    self._doubts.note(outcome)
        for o in outcomes:
            self._failures = self._failures + 1 if o.state == "failed" else 0
            self.shown.advance(1, o.reason if o.state != "done" else "")
        if self._failures >= IN_A_ROW:
            raise SnapshotError(
                f"{self._failures} repositories in a row failed ({outcomes[-1].reason}); the Hub, or something in between, "
                "is out of order. What was collected is kept: give the same command later"
            )
        for name in {o.unit.name for o in outcomes}:
            self._doubts.check(name)

    def _write(self, outcome: Outcome) -> None:
        unit, kind, repo_id = outcome.unit.name, outcome.unit.kind, outcome.unit.repo_id
        self.journal.keep(unit, kind, repo_id, enumerate(outcome.answers))
        state = "doubted" if outcome.state == "refused" and not outcome.listed else outcome.state
        row = (unit, kind, repo_id, state, outcome.reason, outcome.moved)
        self.journal.write("INSERT OR REPLACE INTO units VALUES (?, ?, ?, ?, ?, ?)", [row])
        if outcome.answers:
            self.note_hub(outcome.answers[0])
            if unit == "info":
                self._note_record(outcome)

    def _note_record(self, outcome: Outcome) -> None:
        item = outcome.answers[0].value
        records.note_links(self.journal, outcome.unit.kind, [item])
        statement = (
            "UPDATE repos SET modified = ?, left_out = ?, gated = ?, revision = ? WHERE kind = ? AND repo_id = ?"
        )
        self.journal.write(statement, [(*records.known(item), outcome.unit.kind, outcome.unit.repo_id)])

    def note_hub(self, answer: Answer) -> None:
        """What the first answers say of the Hub itself: whether it is invented, and which day it has; inside a `step`."""
        if answer.headers.get("x-synthetic") == "true" and not self.journal.is_synthetic():
            self.journal.set("synthetic", "true")
        if clock.note(self.journal, answer) == 1 and (past := clock.is_past(self.choice, self.journal)):
            self.shown.say(f"--date {self.choice.date}: the Hub shows its past no more. You get {past}")
