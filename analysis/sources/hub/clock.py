"""When a collection was begun: by the Hub's clock, for this machine's may be wrong, and the date of a single answer too."""

import datetime as dt
import email.utils
import json

from analysis.snapshot import SnapshotError
from analysis.sources.hub.choice import Choice
from analysis.sources.hub.journal import Journal
from analysis.sources.hub.requests import Answer

NOTED = 15  # of so many first answers the date is kept; the one in the middle counts
DAY = dt.timedelta(days=1)


def note(journal: Journal, answer: Answer) -> int:
    """Keep the date of an answer, if it is one of the first; which one that is, else 0. Inside a `step`."""
    dates = _noted(journal)
    if len(dates) >= NOTED:
        return 0
    try:
        date = email.utils.parsedate_to_datetime(answer.headers.get("date", "")).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return 0
    journal.set("dates", json.dumps([*dates, date.isoformat()]))
    return len(dates) + 1


def _noted(journal: Journal) -> list[str]:
    return json.loads(journal.get("dates") or "[]")


def begun(choice: Choice, journal: Journal) -> dt.datetime:
    """When the collection was begun; its day where neither the Hub nor this machine has said."""
    dates = sorted(_noted(journal)) or [journal.get("started") or choice.date.isoformat()]
    return dt.datetime.fromisoformat(dates[len(dates) // 2])


def is_past(choice: Choice, journal: Journal) -> str:
    """What a collection for a day that had passed is, in words; empty where it was begun on its day, or the next."""
    day = begun(choice, journal).date()
    return (
        f"the Hub of {day} without what was created or changed after {choice.date}" if day > choice.date + DAY else ""
    )


def check(choice: Choice, journal: Journal) -> None:
    """Raises SnapshotError where the day is still to come by the Hub's clock."""
    day = begun(choice, journal).date()
    if day < choice.date - DAY:
        raise SnapshotError(
            f"date {choice.date}: still to come, for the Hub has {day}; give that, or set this machine's clock"
        )
