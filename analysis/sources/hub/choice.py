"""Which repositories and tables a collection of the live Hub is to have (study, section 3.3)."""

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import rows
from analysis.sources.rows import UnusableError

WHAT = ("repos", "commits", "discussions", "usage")
EVENTS = ("commits", "discussions")
KINDS = {plural: kind for kind, plural in snapshot.PLURAL.items()}


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
    today = dt.datetime.now(dt.UTC).date()
    day = snapshot.new_date(name, today.isoformat() if date == "today" else date)
    if day > today:
        raise SnapshotError(f"date {day}: still to come; the Hub shows its present alone, today {today} (UTC)")
    asked = bool(what)
    kinds, what = ([word.strip() for word in words if word.strip()] for words in (kinds, what))
    if (unknown := sorted(set(kinds) - set(KINDS))) or not kinds:
        raise SnapshotError(f"kinds {', '.join(unknown)[:60]!r}: expected some of {', '.join(KINDS)}")
    if (unknown := sorted(set(what) - set(WHAT))) or (asked and not what):
        raise SnapshotError(f"what {', '.join(unknown)[:60]!r}: expected some of {', '.join(WHAT)}")
    if sum(map(bool, (sample, ids, owner))) > 1 and not (sample and owner):
        raise SnapshotError("--ids names the repositories; give it without --sample and --owner")
    if sample is not None and sample < 1:
        raise SnapshotError(f"sample {sample}: expected 1 or more")
    if owner and not re.fullmatch(r"[A-Za-z0-9._-]{1,96}", owner):
        raise SnapshotError(f"owner {owner[:60]!r}: expected the name of an account on the Hub")
    if all_discussions and not since:
        raise SnapshotError("--all-discussions: goes with --since; without it all discussions are asked for anyway")
    if since and (earlier := snapshot.load(since).date) > day:
        raise SnapshotError(
            f"--since {since}: is of {earlier}, after {day}; expected a snapshot of that day or before it"
        )
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
        lines = file.read_text(encoding="utf-8-sig").splitlines()
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
            repo_id = rows.repository_id(rest)
        except UnusableError as error:
            raise SnapshotError(f"{file.name}, row {row}: {error}; expected models/owner/name") from None
        if plural not in kinds:
            raise SnapshotError(f"{file.name}, row {row}: expected {'/..., '.join(kinds)}/... in front of the name")
        found.append((KINDS[plural], repo_id))
    if not found:
        raise SnapshotError(f"{file.name}: names no repository; expected one a line")
    return tuple(sorted(set(found)))
