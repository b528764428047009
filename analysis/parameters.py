"""The parameters of every notebook: names, types, choices and the directory that a run's results go to.

papermill only warns of an unknown parameter; here each is checked before any notebook starts.
"""

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from analysis import paths, snapshot

CHOICES = {
    "conventions": ("corrected", "authors"),
    "bots": ("exclude", "include"),
    "identities": ("merged", "raw"),
}
SPARK = ("sc://", "spark://", "local")


class ParameterError(ValueError):
    """A parameter that no notebook has, or a value that it can't take; one line with the valid choices."""


@dataclass(frozen=True)
class Parameters:
    """What a run depends on besides its snapshot's bytes; the notebooks' cell `parameters` holds the same defaults."""

    snapshot_date: str = "demo"
    as_of: str = ""
    conventions: str = "corrected"
    bots: str = "exclude"
    identities: str = "merged"
    merge_threshold: float = 90
    engine: str = "duckdb"
    out_dir: str = ""

    @property
    def run_name(self) -> str:
        """`<snapshot>`, `<snapshot>@<as_of>`, and a readable suffix for each other parameter that is not the default."""
        suffixes = {
            "conventions": f"+{self.conventions}",
            "bots": "+bots",
            "identities": "+raw-identities",
            "merge_threshold": f"+threshold-{self.merge_threshold:g}",
            "engine": "+spark",
        }
        changed = [suffixes[name] for name in suffixes if getattr(self, name) != getattr(Parameters(), name)]
        return self.snapshot_date + (f"@{self.as_of}" if self.as_of else "") + "".join(changed)

    @property
    def directory(self) -> Path:
        """Where the results go: `out_dir` where given, else a directory of the run's own."""
        return Path(self.out_dir) if self.out_dir else paths.generated() / self.run_name

    @property
    def before_dates(self) -> str:
        """What to know of a run that looks at a day before the Hub kept creation dates; empty for other runs."""
        if not self.as_of or dt.date.fromisoformat(self.as_of) >= snapshot.DATES_KEPT_SINCE:
            return ""
        return (
            f"the Hub keeps creation dates since {snapshot.DATES_KEPT_SINCE}: as of an earlier day a repository of the Hub "
            "counts from its first commit, and one without commits is missing"
        )

    def changed(self) -> dict:
        """The values that differ from the notebooks' defaults: what papermill injects."""
        return {name: value for name, value in asdict(self).items() if value != getattr(Parameters(), name)}

    def recorded(self) -> dict:
        """The values that decide the results; the directory does not."""
        return {name: value for name, value in asdict(self).items() if name != "out_dir"}


def parse(pairs: Iterable[str]) -> dict:
    """`NAME=VALUE` strings as a mapping, each value in its parameter's type; raises ParameterError."""
    types = {field.name: field.type for field in fields(Parameters)}
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ParameterError(f"-p {pair}: expected NAME=VALUE, such as -p bots=include")
        if name not in types:
            close = difflib.get_close_matches(name, types, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ParameterError(f"-p {pair}: no parameter {name!r}; {hint}there are {', '.join(types)}")
        if name in values:
            raise ParameterError(f"-p {pair}: {name} is given twice")
        values[name] = _typed(name, text, types[name])
    return values


def _typed(name: str, text: str, kind: type) -> str | float:
    if kind is str:
        return text
    try:
        return kind(text)
    except ValueError:
        raise ParameterError(f"{name}={text}: expected a number, such as {getattr(Parameters(), name):g}") from None


def check(values: Mapping) -> Parameters:
    """Parameters whose every value was checked, the snapshot's existence among them; raises ParameterError."""
    parameters = Parameters(**values)
    for name, choices in CHOICES.items():
        if getattr(parameters, name) not in choices:
            raise ParameterError(f"{name}={getattr(parameters, name)}: expected {' or '.join(choices)}")
    if not 0 <= parameters.merge_threshold <= 100:
        raise ParameterError(f"merge_threshold={parameters.merge_threshold:g}: expected a similarity from 0 to 100")
    if parameters.engine != "duckdb" and not parameters.engine.startswith(SPARK):
        raise ParameterError(f"engine={parameters.engine}: expected duckdb or a Spark URL such as sc://localhost:15002")
    known = snapshot.names()
    if parameters.snapshot_date not in known:
        close = difflib.get_close_matches(parameters.snapshot_date, known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ParameterError(
            f"snapshot_date={parameters.snapshot_date[:60]}: no such snapshot; {hint}there are {', '.join(known) or 'none'}"
        )
    _check_as_of(parameters)
    return parameters


def _check_as_of(parameters: Parameters) -> None:
    if not parameters.as_of:
        return
    try:
        day = dt.date.fromisoformat(parameters.as_of)
    except ValueError:
        raise ParameterError(f"as_of={parameters.as_of[:60]}: expected an ISO date such as 2023-01-01") from None
    date = snapshot.load(parameters.snapshot_date).date
    if not snapshot.FIRST_DATE <= day < date or day.isoformat() != parameters.as_of:
        raise ParameterError(
            f"as_of={parameters.as_of}: expected a day (YYYY-MM-DD) from {snapshot.FIRST_DATE} to the day before "
            f"the snapshot's date, {date}"
        )
