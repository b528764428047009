"""Which published source lists a day: read without the packages that fetch it, so that a wrong day is refused at once."""

import csv
import datetime as dt

from analysis import paths


def with_date(day: dt.date) -> list[dict[str, str]]:
    """The rows of `data/sources.csv` that have a listing of that day, the most complete first."""
    with (paths.DATA / "sources.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["first"] <= day.isoformat() <= (row["last"] or "9999-12-31")]


def offers(name: str) -> list[str]:
    """What is said of the snapshot of a day that is not there: commands that would bring it; empty where none would."""
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return []
    commands = [f"  fetch {row['name']} {day}  ({row['size']}; {row['covers']})" for row in with_date(day)]
    first = f"snapshot {name} is not there. These sources list that day; --fetch takes the first:"
    return [first, *commands] if commands else []
