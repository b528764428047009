"""One unit of a collection, all of its pages: the record, the commits or the discussions of one repository.

An answer is checked against what is known already: a history holds the revision that the record names, discussions name
their repository, and what is said to be gone or gated is so by its record too.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode

from analysis import snapshot
from analysis.sources.hub.requests import Answer, RefusedError, Requests, TransientError

FIELDS = {  # what a record is asked for: what the tables need, and the revision that its history must hold
    "model": "author createdAt disabled downloads gated lastModified library_name likes pipeline_tag private safetensors "
    "sha tags",
    "dataset": "author createdAt disabled downloads gated lastModified likes private sha tags",
    "space": "author cardData createdAt disabled lastModified likes models private sdk sha tags",  # tags name no licence
}
PAGE = 1_000  # the most repositories or commits that one page may have
FEWER, FOREIGN = "fewer than the Hub counts", "an answer for another repository"
READINGS = 3  # of a history or a list of discussions that contradicts itself


@dataclass(frozen=True)
class Unit:
    """What is asked: `name` is info, commits or discussions; `gated` and `revision` are what the record said."""

    name: str
    kind: str
    repo_id: str
    gated: bool = False
    revision: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a unit: done (with answers), refused or failed (with a reason); `moved` is a new name.

    `listed`: the refusal is what the record said before.
    """

    unit: Unit
    state: str
    reason: str = ""
    moved: str = ""
    answers: tuple[Answer, ...] = ()
    listed: bool = False


def ask(requests: Requests, unit: Unit) -> Outcome:
    """One unit with all its pages. Raises Stopped, SnapshotError."""
    fetch = {"info": record, "commits": _commits, "discussions": _discussions}[unit.name]
    try:
        answers, reason = fetch(requests, unit)
    except TransientError as error:
        return Outcome(unit, "failed", error.reason)
    except RefusedError as error:
        is_listed = unit.gated and unit.name == "commits" and error.reason == "gated"
        return Outcome(unit, "refused", error.reason, listed=is_listed)
    return Outcome(unit, "done", reason, moved(answers[0], unit), tuple(answers))


TOLD_BY_RECORDS = {  # refusals that a repository's record tells something of: whether it bears them out
    "gone": lambda item: False,
    "gated": lambda item: item.get("gated") not in (False, None) or item.get("disabled") is True,
    "disabled": lambda item: item.get("disabled") is True,
}


def contradiction(requests: Requests, unit: Unit, reason: str) -> str:
    """Why the record, asked now, does not bear a refusal out; empty where it does. Raises Stopped, SnapshotError."""
    try:
        item = record(requests, unit)[0][0].value
    except TransientError as error:
        return error.reason
    except RefusedError as error:
        return "" if error.reason == reason else f"said to be {reason}, by its record {error.reason}"
    told = TOLD_BY_RECORDS.get(reason)
    is_borne_out = told(item) if told else unit.name != "info"
    return "" if is_borne_out else f"said to be {reason}, but its record is there"


def listing_path(kind: str, **query: object) -> str:
    return f"/api/{snapshot.PLURAL[kind]}?{urlencode(query, doseq=True)}"


def path_of(kind: str, repo_id: str, rest: str = "", **query: object) -> str:
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    return f"/api/{snapshot.PLURAL[kind]}/{quote(repo_id)}{rest}{asked}"


def moved(answer: Answer, unit: Unit) -> str:
    """The repository's new name where a redirect led to one, else ''."""
    prefix = f"/api/{snapshot.PLURAL[unit.kind]}/"
    name = re.sub(r"/(commits/[^/]+|discussions)$", "", unquote(answer.final).removeprefix(prefix))
    return name if answer.final.startswith(prefix) and name.casefold() != unit.repo_id.casefold() else ""


def record(requests: Requests, unit: Unit) -> tuple[list[Answer], str]:
    """The record of a unit's repository; an answer that names another one is none. Raises RefusedError, TransientError."""
    fields = FIELDS[unit.kind].split() + (["spaces"] if unit.kind == "model" else [])

    def check(value: object) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            raise TransientError("not the shape that was asked for")

    for _ in range(READINGS):
        answer = requests.get(path_of(unit.kind, unit.repo_id, expand=fields), check)
        if _is_of(answer.value["id"], answer, unit):
            return [answer], ""
    raise TransientError(FOREIGN)


def _is_of(name: object, answer: Answer, unit: Unit) -> bool:
    """Whether an answer names the repository that was asked for, or the one that a redirect led to; case is no matter."""
    return str(name).casefold() in {unit.repo_id.casefold(), moved(answer, unit).casefold()} - {""}


def _commits(requests: Requests, unit: Unit) -> tuple[list[Answer], str]:
    """All pages; read again where they lack commits that the Hub counts, or the revision that the record names."""
    readings = []
    for _ in range(READINGS):
        answers, seen = [], set()
        path = path_of(unit.kind, unit.repo_id, "/commits/main", limit=PAGE)
        while path:
            answer = requests.get(path, new_rows(seen, "id", first=not answers))
            answers.append(answer)
            seen |= _values(answer.value, "id")
            path = answer.next
        counts = {answer.headers.get("x-total-count", "") for answer in answers}  # one, or a page is of another list
        is_whole = all(not count.isdigit() or len(seen) >= int(count) for count in counts) and len(counts) == 1
        if not _holds_revision(requests, unit, seen):
            readings.append("without the revision of the record")
        elif is_whole:
            return answers, ""
        else:
            readings.append(seen)
    return answers, _why(readings)


def _why(readings: Sequence[set | str]) -> str:
    """What to say of a list that is shorter than the Hub counts, each time the same one. Raises TransientError."""
    if isinstance(readings[-1], str):
        raise TransientError(readings[-1])
    if not readings[-1] or any(seen != readings[-1] for seen in readings):
        raise TransientError(FEWER)
    return FEWER


def _holds_revision(requests: Requests, unit: Unit, seen: set) -> bool:
    """Whether a history has the revision of its record; a push that rewrote it since is in a new record."""
    if not unit.revision or unit.revision in seen:
        return True
    now = record(requests, unit)[0][0].value.get("sha")
    return now in seen or (now is None and not seen)


def _discussions(requests: Requests, unit: Unit) -> tuple[list[Answer], str]:
    readings = []
    for _ in range(READINGS):
        answers, seen, page, more, is_own = [], set(), 0, True, True
        while more and is_own:
            path = path_of(unit.kind, unit.repo_id, "/discussions", p=page)
            answer = requests.get(path, _new_talks(seen))
            value, page = answer.value, page + 1
            answers.append(answer)
            seen |= _values(value["discussions"], "num")
            named = {row["repo"]["name"] for row in value["discussions"] if _names_repository(row)}
            is_own = all(_is_of(name, answer, unit) for name in named)
            more = bool(value["discussions"]) and value["start"] + len(value["discussions"]) < value["count"]
        if is_own and len(seen) >= value["count"]:
            return answers, ""
        readings.append(seen if is_own else FOREIGN)
    return answers, _why(readings)


def _names_repository(row: Mapping) -> bool:
    return isinstance(row.get("repo"), dict) and isinstance(row["repo"].get("name"), str)


def _values(rows: Iterable[Mapping], key: str) -> set[str]:
    return {str(row.get(key)) for row in rows}


def new_rows(seen: set, key: str, *, first: bool) -> Callable[[object], None]:
    """A check: a list of objects, and not one page twice; only a first page may be empty."""

    def check(value: object) -> None:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise TransientError("not the shape that was asked for")
        if not value and not first:
            raise TransientError("an empty page where more are to come")
        if value and _values(value, key) <= seen:
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
        new_rows(seen, "num", first=True)(rows)

    return check
