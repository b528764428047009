"""Which refusals are believed.

A refusal says something of one repository only where the Hub answers for others. So it is kept as a doubt until a good
answer to a later question of the same kind; where none comes, repositories of a fresh listing are asked. Many refusals
among the last answers, where there were few before, end the run: something else than the repositories has changed.
"""

from collections import deque
from collections.abc import Callable, Mapping

from analysis.snapshot import SnapshotError
from analysis.sources.hub.journal import Journal
from analysis.sources.hub.requests import RefusedError, Requests, TransientError
from analysis.sources.hub.units import FIELDS, Outcome, Unit, ask, listing_path, new_rows

IN_A_ROW = 50  # refusals, after which the Hub is asked for others at once
WINDOW = 50  # answers that are compared with all before
MANY = 10  # refusals among them that are not many yet
TIMES = 5  # by how much their share may exceed the one before
FIRST = 4 * WINDOW  # records that are compared with nothing: a list of names may be an old one
CONTROLS = 3  # repositories of a fresh listing, one of which has to answer


class Doubts:
    """What is not settled yet; every change is written to the journal. Methods but `settle` belong into a `step`."""

    def __init__(self, journal: Journal, requests: Requests, *, again: Callable[[Unit], bool]):
        self._journal, self._requests, self._again = journal, requests, again
        self._open: dict[tuple[str, str], deque[tuple[float, str]]] = {}  # (name, kind) -> (when it ended, repo_id)
        self._recent: dict[str, deque[bool]] = {}  # name -> whether it was refused
        self._before: dict[str, list[int]] = {}  # name -> refused, all

    def note(self, outcome: Outcome) -> None:
        """Take in an outcome that was written; a good one settles the doubts that are older than its question."""
        unit = outcome.unit
        doubts = self._open.setdefault((unit.name, unit.kind), deque())
        if outcome.state == "done":
            older = []
            while doubts and doubts[0][0] < outcome.began:
                older.append(doubts.popleft()[1])
            self._believe(unit.name, unit.kind, older)
        elif outcome.state == "doubted":
            doubts.append((outcome.ended, unit.repo_id))
        if outcome.state == "failed" or outcome.listed or self._again(unit):
            return
        recent, before = self._recent.setdefault(unit.name, deque()), self._counted(unit.name)
        recent.append(outcome.state == "doubted")
        if len(recent) > WINDOW:
            before[0] += recent.popleft()
            before[1] += 1

    def _counted(self, name: str) -> list[int]:
        if name not in self._before:
            query = """SELECT coalesce(sum(u.state = 'refused'), 0), count(*) FROM units u JOIN repos r
                ON r.kind = u.kind AND r.repo_id = u.repo_id WHERE u.unit = ? AND u.state IN ('done', 'refused')
                AND NOT (u.state = 'refused' AND u.reason = 'gated' AND r.gated)"""
            self._before[name] = list(self._journal.rows(query, [name])[0])
        return self._before[name]

    def _believe(self, name: str, kind: str, repo_ids: list[str]) -> None:
        statement = (
            "UPDATE units SET state = 'refused' WHERE state = 'doubted' AND unit = ? AND kind = ? AND repo_id = ?"
        )
        self._journal.write(statement, [(name, kind, repo_id) for repo_id in repo_ids])

    def check(self, name: str) -> None:
        """Raises SnapshotError where refusals are suddenly many; all there were are asked again by the next run."""
        recent, (refused, count) = self._recent.get(name, ()), self._counted(name)
        many = sum(recent)
        if len(recent) < WINDOW or many < MANY or (name == "info" and count < FIRST):
            return
        if many / WINDOW <= TIMES * (refused + 1) / (count + MANY):
            return
        statement = """UPDATE units AS u SET state = 'doubted' WHERE state = 'refused' AND unit = ? AND NOT (reason = 'gated'
            AND EXISTS (SELECT 1 FROM repos r WHERE r.kind = u.kind AND r.repo_id = u.repo_id AND r.gated))"""
        with self._journal.step():
            self._journal.write(statement, [(name,)])
        raise SnapshotError(
            f"{many} of the last {WINDOW} answers about {name} were refusals, {refused:,} of {count:,} before: not believed "
            "yet. What was collected is kept. The same command asks again, and believes what it hears twice"
        )

    def are_many(self) -> bool:
        """Whether there were many refusals in a row of one kind."""
        return any(len(doubts) >= IN_A_ROW for doubts in self._open.values())

    def settle(self) -> list[str]:
        """Ask for other repositories where refusals were the last answers; what is not borne out counts as failed.

        Out: what the Hub refuses altogether, in words. Raises Stopped, SnapshotError.
        """
        found = []
        for (name, kind), doubts in self._open.items():
            if not doubts:
                continue
            is_honest = self._answers_for_others(name, kind)
            repo_ids = [repo_id for _, repo_id in doubts]
            with self._journal.step():
                if is_honest:
                    self._believe(name, kind, repo_ids)
                else:
                    statement = """UPDATE units SET state = 'failed', reason = reason || ', as all that was asked later'
                        WHERE state = 'doubted' AND unit = ? AND kind = ? AND repo_id = ?"""
                    self._journal.write(statement, [(name, kind, repo_id) for repo_id in repo_ids])
            doubts.clear()
            found += [] if is_honest else [f"{name} of {kind}s"]
        return found

    def _answers_for_others(self, name: str, kind: str) -> bool:
        """Whether the Hub answers this question for one of the best liked repositories that anybody may see."""
        query = {"sort": "likes", "direction": -1, "limit": 20, "expand": FIELDS[kind].split()}
        try:
            rows = self._requests.get(listing_path(kind, **query), new_rows(set(), "id", first=True)).value
        except (RefusedError, TransientError):
            return False
        others = [row["id"] for row in rows if isinstance(row.get("id"), str) and _is_open(row)]
        return any(ask(self._requests, Unit(name, kind, repo_id)).state == "done" for repo_id in others[:CONTROLS])


def _is_open(row: Mapping) -> bool:
    return not (row.get("private") or row.get("disabled") or row.get("gated"))
