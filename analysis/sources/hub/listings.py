"""Which repositories there are: the listings of the Hub, read until they no longer shift, or the names that were given."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from analysis.snapshot import SnapshotError
from analysis.sources.hub import clock, records, since
from analysis.sources.hub.journal import chunks
from analysis.sources.hub.requests import Answer, RefusedError, TransientError
from analysis.sources.hub.tables import PASSES
from analysis.sources.hub.units import FIELDS, PAGE, Unit, ask, listing_path, new_rows
from analysis.sources.hub.work import Work

LINKED = 20  # of the models that spaces name and the listing lacks, how many are looked at


class Listings:
    """Finds the repositories of a collection, and chooses among them."""

    def __init__(self, work: Work):
        self._work = work
        self.choice, self.journal, self.requests, self.shown = work.choice, work.journal, work.requests, work.shown

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
        broken = [
            why for (why,) in self.journal.rows("SELECT detail FROM listings WHERE state != 'done' ORDER BY kind")
        ]
        self._check(broken)
        if not broken and {"model", "space"} <= {*self.choice.kinds} and not self.choice.ids:
            self._check_links()
        with self.journal.step():
            if self.choice.sample:
                self._draw()
            if self.choice.since:
                since.compare(self.choice, self.journal)
            if not broken and not self.journal.rows(
                "SELECT 1 FROM units WHERE unit = 'info' AND state = 'failed' LIMIT 1"
            ):
                self.journal.set("listed", "yes")

    def _check(self, broken: Sequence[str]) -> None:
        """Raises SnapshotError where nothing can be done with what was read."""
        try:
            clock.check(self.choice, self.journal)
        except SnapshotError:
            self.journal.forget()
            raise
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
        self.journal.forget()
        raise SnapshotError(f"owner {self.choice.owner!r}: the Hub lists nothing for that account; check the name")

    def _check_links(self) -> None:
        """Look at some models that spaces name and the listing of models lacks: one that is there contradicts it."""
        named: set[str] = set()
        for _, _, body in self.journal.answers("list", "space"):
            named.update(m for item in json.loads(body) if isinstance(item.get("models"), list) for m in item["models"])
        missing = {name for name in named if records.listed([{"id": name}]) and self._is_wanted(name)}
        for chunk in chunks(sorted(missing)):
            query = f"SELECT repo_id FROM repos WHERE kind = 'model' AND repo_id IN ({','.join('?' * len(chunk))})"
            listed = {repo_id.casefold() for (repo_id,) in self.journal.rows(query, chunk)}
            missing -= {name for name in chunk if name.casefold() in listed}
        there = 0
        asked = sorted(missing, key=lambda name: records.rank("model", name))[:LINKED]
        for name in asked:
            outcome = ask(self.requests, Unit("info", "model", name))
            if outcome.state == "done" and not outcome.moved:
                item = outcome.answers[0].value
                there += self._is_old(item) and not records.left_out(item)
        with self.journal.step():
            self.journal.set("unlisted", json.dumps([there, len(asked), len(missing)]))

    def _is_wanted(self, name: str) -> bool:
        return not self.choice.owner or name.casefold().startswith(f"{self.choice.owner.casefold()}/")

    def _name_ids(self) -> None:
        with self.journal.step():
            rows = [
                (kind, repo_id, 0, 0, None, "", records.rank(kind, repo_id), 0, "") for kind, repo_id in self.choice.ids
            ]
            self.journal.write("INSERT OR IGNORE INTO repos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._work.records()

    def _read_listings(self) -> None:
        with self.journal.step():
            rows = [(kind, 1, 0, self._first_page(kind), "running", 0, "") for kind in self.choice.kinds]
            self.journal.write("INSERT OR IGNORE INTO listings VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self.journal.write("UPDATE listings SET state = 'running' WHERE state = ?", [("broken",)])
        self.shown.begin("listing", None)
        tries: Counter = Counter()
        with ThreadPoolExecutor(self._work.workers) as pool:
            pending = {self._submit_page(pool, kind): kind for kind in self.choice.kinds}
            with closing(self._work.finished(pending)) as finished:
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
        items = records.listed(answer.value)
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
        self._work.note_hub(answer)
        records.note_links(self.journal, kind, items.values())
        before = self._rows_of(kind)
        old = self._count_old(kind, items) if number > 1 else 0
        self.journal.keep("list", kind, f"pass {number}", [(nth, answer)])
        rows = [
            (kind, repo_id, nth, number, modified, left_out, records.rank(kind, repo_id), gated, revision)
            for repo_id, item in items.items()
            for modified, left_out, gated, revision in [records.known(item)]
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
        return (records.instant(item.get("createdAt")) or "") < clock.begun(self.choice, self.journal).isoformat()

    def _draw(self) -> None:
        """Leave out all but the sample; the rule depends on names alone, so it is the same for everyone."""
        query = """UPDATE repos SET left_out = 'not drawn' WHERE left_out = '' AND kind = ? AND rank >= (
            SELECT rank FROM repos WHERE kind = ? AND left_out = '' ORDER BY rank LIMIT 1 OFFSET ?)"""
        self.journal.write(query, [(kind, kind, self.choice.sample) for kind in self.choice.kinds])
