"""How did the network grow? One snapshot as of every quarter, month or year of a range (study, section 4.2).

The study looks at one day and names that as its limitation. Commits, discussions and the creation of repositories carry
dates, so the same measures can be taken as of earlier days; likes, downloads and usage have no history.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis import activity, network, report, snapshot
from analysis.covered import Covered
from analysis.engine import Hub, edges, repository_count, usage_sizes
from analysis.engine import activity as count_activity
from analysis.labels import FIELDS
from analysis.parameters import ParameterError, Parameters
from analysis.snapshot import KINDS, PLURAL, Snapshot

MONTHS = {"month": 1, "quarter": 3, "year": 12}
NOTEBOOK = "compare_snapshots"  # what results name that are computed step by step, not by the three notebooks
_EXAMPLE = "2021-01-01..2023-10-01/quarter"


def is_range(as_of: str) -> bool:
    """Whether `as_of` was meant as a range of days."""
    return ".." in as_of


def steps(as_of: str, loaded: Snapshot) -> list[dt.date]:
    """The days of `START..END/STEP`, STEP being month, quarter or year; END is one of them where a step falls on it.

    Counted from START, so that a month's last day is followed by the next month's. Raises ParameterError.
    """
    found = re.fullmatch(r"([^./]+)\.\.([^./]+)/([^./]+)", as_of)
    if not found:
        raise ParameterError(f"as_of={as_of[:60]}: expected START..END/STEP, such as {_EXAMPLE}")
    start, end = (_day(text, as_of) for text in found.groups()[:2])
    if found[3] not in MONTHS:
        raise ParameterError(f"as_of={as_of[:60]}: unknown step {found[3][:20]!r}; there are {', '.join(MONTHS)}")
    last = loaded.date - dt.timedelta(days=1)
    if start < snapshot.FIRST_DATE or end > last:
        raise ParameterError(
            f"as_of={as_of}: expected days from {snapshot.FIRST_DATE} to {last}, the day before that of {loaded.name}"
        )
    days = list(_days(start, end, MONTHS[found[3]]))
    if len(days) < 2:
        raise ParameterError(
            f"as_of={as_of}: expected an end at least a {found[3]} after the start; for one day give --as-of {start}"
        )
    if not any(loaded.has("commits", kind=kind) for kind in KINDS):
        raise ParameterError(f"as_of={as_of}: {loaded.name} has no commits, so nothing is known of an earlier day")
    return days


def _day(text: str, as_of: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ParameterError(f"as_of={as_of[:60]}: {text[:20]!r} is no day (YYYY-MM-DD); expected such as {_EXAMPLE}")
    return day


def _days(start: dt.date, end: dt.date, months: int) -> Iterator[dt.date]:
    number, day = 0, start
    while day <= end:
        yield day
        number += 1
        day = (pd.Timestamp(start) + pd.DateOffset(months=months * number)).date()


def documents(runs: tuple[Parameters, ...], loaded: Snapshot) -> list[dict]:
    """The measures as of every step, each in the form of a run's results.json; says each step when it is done."""
    return [_said(document(Hub(loaded, run)), number, len(runs)) for number, run in enumerate(runs, start=1)]


def _said(found: dict, number: int, number_of_steps: int) -> dict:
    developers = found["results"]["rq2.all.developers"]["value"]
    size = f": {developers:,} developers" if developers is not None else ""
    print(f"step {number} of {number_of_steps}, as of {found['parameters']['as_of']}{size}", flush=True)
    return found


def document(hub: Hub) -> dict:
    """Growth, isolates, cores and concentration under a run's parameters: snapshot, parameters, results."""
    results = {}
    for kind in KINDS:
        results |= _of_kind(hub, kind)
    for field in FIELDS:
        results |= _of_network(hub, field)
    results |= _entries("rq3", report.by_row(usage_sizes(hub), "usage"))
    parameters = replace(hub.parameters, out_dir="").recorded()
    return {"snapshot": hub.snapshot.manifest, "parameters": parameters, "results": dict(sorted(results.items()))}


def _of_kind(hub: Hub, kind: str) -> dict[str, dict]:
    """Repositories of a kind; of each activity mean, quartiles, share without and concentration."""
    counts, size = count_activity(hub, kind), repository_count(hub, kind)
    if undated := hub.why_missing("repos", kind=kind, column="created_at"):
        counts, size = (replace(known, absent={"": undated}) for known in (counts, size))
    name = f"rq1.{PLURAL[kind]}"
    measured = _entries(name, activity.summary(counts)) | _entries(name, activity.concentrations(counts))
    return measured | _entries(name, replace(size, value={"count": size.value}))


def _of_network(hub: Hub, field: str) -> dict[str, dict]:
    """Developers, isolates and the cores of a field's network; of the whole also its central developers."""
    everyone = network.graph(edges(hub, field))
    found = _entries(f"rq2.{field}", network.developers(everyone))
    found |= _entries(f"rq2.{field}", network.core_results(network.core_table(everyone)))
    return found | (_entries("rq2.people.central", network.central(everyone)) if field == "all" else {})


def _entries(prefix: str, values: Covered) -> dict[str, dict]:
    """Results in the form of results.json."""
    found = report.entries(prefix, values)
    return {name: {"value": None, "notebook": NOTEBOOK, "cell": None} | entry for name, entry in found}
