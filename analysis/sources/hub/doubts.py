"""Which refusals are believed.

A refusal says something of one repository only while the Hub answers for others. So it is kept as a doubt, and asked
again at the end: it is believed where it is heard again, and where the record then bears it out, or, of what no record
tells, where it is heard a third time. Before, between and after these a repository that anybody may see is answered for,
always the same one, so that nothing that refuses all for a while can cover them. Many refusals among the last answers, where
there were few before, end the run: something else than the repositories has changed.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from analysis.snapshot import SnapshotError
from analysis.sources.hub.journal import Journal
from analysis.sources.hub.requests import RefusedError, Requests, TransientError
from analysis.sources.hub.units import (
    FIELDS,
    TOLD_BY_RECORDS,
    Outcome,
    Unit,
    ask,
    contradiction,
    listing_path,
    new_rows,
)

IN_A_ROW = 50  # refusals, after which the Hub is asked for others at once
WINDOW = 50  # answers that are compared with all before
MANY = 10  # refusals among them that are not many yet
TIMES = 5  # by how much their share may exceed the one before
FIRST = 4 * WINDOW  # records that are compared with nothing: a list of names may be an old one
CONTROLS = 10  # repositories of a listing, the first of which that answers has to do so again
AT_ONCE = 20  # doubts that are asked again between two such answers


class Doubts:
    """What the Hub refused in this run, and how it is settled; what is decided is written to the journal."""

    def __init__(self, journal: Journal, requests: Requests, workers: int):
        self._journal, self._requests, self._workers = journal, requests, workers
        self._in_a_row: Counter = Counter()  # (name, kind) -> refusals since the last good answer
        self._recent: dict[str, deque[bool]] = {}  # name -> whether it was refused
        self._before: dict[str, list[int]] = {}  # name -> refused, all
        self._others: dict[str, list[str]] = {}  # kind -> repositories that anybody may see
        self._good: dict[tuple[str, str], str] = {}  # (name, kind) -> the one of them that was answered for

    def note(self, outcome: Outcome) -> None:
        """Take in an outcome of a first question; `listed` refusals are what the record said before."""
        unit = outcome.unit
        if outcome.state == "failed" or outcome.listed:
            return
        is_refused = outcome.state == "refused"
        self._in_a_row[unit.name, unit.kind] = is_refused * (self._in_a_row[unit.name, unit.kind] + 1)
        recent, before = self._recent.setdefault(unit.name, deque()), self._counted(unit.name)
        recent.append(is_refused)
        if len(recent) > WINDOW:
            before[0] += recent.popleft()
            before[1] += 1

    def _counted(self, name: str) -> list[int]:
        if name not in self._before:
            query = """SELECT coalesce(sum(u.state != 'done'), 0), count(*) FROM units u JOIN repos r
                ON r.kind = u.kind AND r.repo_id = u.repo_id WHERE u.unit = ? AND u.state IN ('done', 'refused', 'doubted')
                AND NOT (u.state = 'refused' AND u.reason = 'gated' AND r.gated)"""
            self._before[name] = list(self._journal.rows(query, [name])[0])
        return self._before[name]

    def check(self, name: str) -> None:
        """Raises SnapshotError where refusals are suddenly many, or where the Hub refuses what anybody may see."""
        recent, (refused, count) = self._recent.get(name, ()), self._counted(name)
        many = sum(recent)
        enough = len(recent) == WINDOW and many >= MANY and (name != "info" or count >= FIRST)
        if enough and many / WINDOW > TIMES * (refused + 1) / (count + MANY):
            raise SnapshotError(
                f"{many} of the last {WINDOW} answers about {name} were refusals, {refused:,} of {count:,} before: not "
                "believed yet. What was collected is kept. The same command asks again, and believes what it hears twice"
            )
        for (unit, kind), in_a_row in self._in_a_row.items():
            if unit == name and in_a_row >= IN_A_ROW:
                self._in_a_row[unit, kind] = 0
                if not self._answers_for_others(name, kind):
                    raise SnapshotError(
                        f"the Hub refuses to tell {name} of any {kind}, also of those that anybody may see: not believed. "
                        "What was collected is kept: give the same command later"
                    )

    def settle(self, names: Iterable[str], keep: Callable[[Outcome], None]) -> None:
        """Ask again what was refused; `keep` writes what is answered now. Raises Stopped, SnapshotError."""
        for name in names:
            query = "SELECT DISTINCT kind FROM units WHERE unit = ? AND state = 'doubted' ORDER BY 1"
            for (kind,) in self._journal.rows(query, [name]):
                self._settle(name, kind, keep)

    def _settle(self, name: str, kind: str, keep: Callable[[Outcome], None]) -> None:
        query = """SELECT r.repo_id, r.gated, r.revision FROM units u JOIN repos r ON r.kind = u.kind AND r.repo_id = u.repo_id
            WHERE u.unit = ? AND u.kind = ? AND u.state = 'doubted' ORDER BY r.rank LIMIT ?"""
        is_honest = self._answers_for_others(name, kind)
        with ThreadPoolExecutor(self._workers) as pool:
            while rows := self._journal.rows(query, [name, kind, AT_ONCE]):
                units = [Unit(name, kind, repo_id, bool(gated), revision) for repo_id, gated, revision in rows]
                outcomes = [Outcome(unit, "refused") for unit in units]
                for ask_again in (self._heard, self._borne_out):
                    outcomes = list(pool.map(ask_again, outcomes)) if is_honest else outcomes
                    is_honest = is_honest and self._answers_for_others(name, kind)
                with self._journal.step():
                    for outcome in outcomes:
                        if outcome.state != "refused":
                            keep(outcome)
                        elif is_honest:
                            self._write("state = 'refused', reason = ?", [outcome.reason], outcome.unit)
                        else:
                            words = ", as all that was asked then"
                            self._write("state = 'failed', reason = reason || ?", [words], outcome.unit)

    def _heard(self, outcome: Outcome) -> Outcome:
        return ask(self._requests, outcome.unit)

    def _borne_out(self, outcome: Outcome) -> Outcome:
        why = contradiction(self._requests, outcome.unit, outcome.reason) if outcome.state == "refused" else ""
        if why:
            return Outcome(outcome.unit, "failed", why)
        # What no record tells might be another repository's refusal, which names none: it has to be heard a third time.
        return self._heard(outcome) if outcome.state == "refused" and outcome.reason not in TOLD_BY_RECORDS else outcome

    def _write(self, become: str, values: list[str], unit: Unit) -> None:
        statement = f"UPDATE units SET {become} WHERE unit = ? AND kind = ? AND repo_id = ?"
        self._journal.write(statement, [(*values, unit.name, unit.kind, unit.repo_id)])

    def _answers_for_others(self, name: str, kind: str) -> bool:
        """Whether the Hub answers this question for one of the best liked repositories that anybody may see.

        It has to be the one that it answered for before: another one may be answered for when all were refused till now.
        """
        if known := self._good.pop((name, kind), None):
            is_good = ask(self._requests, Unit(name, kind, known)).state == "done"
            self._good |= {(name, kind): known} if is_good else {}
            return is_good
        if not self._others.get(kind):
            query = {"sort": "likes", "direction": -1, "limit": 100, "expand": FIELDS[kind].split()}
            try:
                check = new_rows(set(), "id", first=True)
                rows = self._requests.get(listing_path(kind, **query), check).value
            except (RefusedError, TransientError):
                return False
            self._others[kind] = [row["id"] for row in rows if isinstance(row.get("id"), str) and _is_open(row)]
        others = self._others[kind][:CONTROLS]
        good = next((o for o in others if ask(self._requests, Unit(name, kind, o)).state == "done"), None)
        self._good |= {(name, kind): good} if good else {}
        return good is not None


def _is_open(row: Mapping) -> bool:
    return not (row.get("private") or row.get("disabled") or row.get("gated"))
