"""The parameters of every notebook: names, types, choices and the directory that a run's results go to.

papermill only warns of an unknown parameter; here each is checked before any notebook starts. What reads a snapshot is
imported where it is needed, so that a wrong word is refused at once and not after 1.0 s of processor time.
"""

import datetime as dt
import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from analysis import paths, spark, stored
from analysis.text import visible

CHOICES = {
    "conventions": ("corrected", "authors"),
    "bots": ("exclude", "include"),
    "identities": ("merged", "raw"),
}
MOST_DAYS_APART = 31  # of a snapshot beside another one
DRAWS = range(19, 10_000)  # fewer bound less than nine tenths of what a null model gives


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
    draws: int = 99
    engine: str = "duckdb"
    out_dir: str = ""
    beside: str = ""  # of the run and not of the notebooks: a second snapshot, whose results the paper sets beside these

    @property
    def run_name(self) -> str:
        """`<snapshot>`, `<snapshot>@<as_of>`, and a readable suffix for each other parameter that is not the default."""
        suffixes = {
            "conventions": f"+{self.conventions}",
            "bots": "+bots",
            "identities": "+raw-identities",
            "merge_threshold": f"+threshold-{shortest(self.merge_threshold)}",
            "draws": f"+draws-{self.draws}",
            "engine": f"+spark-{hashlib.sha256(self.engine.encode()).hexdigest()[:8]}",
            "beside": f"+beside-{self.beside}",
        }
        changed = [suffixes[name] for name in suffixes if getattr(self, name) != getattr(Parameters(), name)]
        return self.snapshot_date + (f"@{self.as_of}" if self.as_of else "") + "".join(changed)

    @property
    def directory(self) -> Path:
        """Where the results go: `out_dir` where given, else a directory of the run's own."""
        return paths.of_the_run(Path(self.out_dir) if self.out_dir else paths.generated() / self.run_name)

    @property
    def other(self) -> "Parameters":
        """The run of the snapshot beside this one."""
        return replace(self, snapshot_date=self.beside, beside="", out_dir="")

    @property
    def before_dates(self) -> str:
        """What to know of a run that looks at a day before the Hub kept creation dates; empty for other runs."""
        from analysis import snapshot

        if not self.as_of or dt.date.fromisoformat(self.as_of) >= snapshot.DATES_KEPT_SINCE:
            return ""
        return (
            f"the Hub keeps creation dates since {snapshot.DATES_KEPT_SINCE}: as of an earlier day a repository of the Hub "
            "counts from its first commit, and one without commits is missing"
        )

    def changed(self) -> dict:
        """The notebooks' values that differ from their defaults: what papermill injects."""
        own = asdict(replace(self, beside=""))
        return {name: value for name, value in own.items() if value != getattr(Parameters(), name)}

    def recorded(self) -> dict:
        """The values that decide the results; the directory does not. A snapshot beside it is there where there is one."""
        return {name: value for name, value in asdict(self).items() if name != "out_dir" and (name != "beside" or value)}


def shortest(number: float) -> str:
    """The number in as few digits as tell it from every other one."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def absolute(out_dir: str) -> str:
    """The directory as it is named from anywhere: a relative one is the caller's; empty for none."""
    return str(Path(out_dir).expanduser().absolute()) if out_dir else ""


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
        if not text.strip():
            raise ParameterError(f"-p {pair}: the value is empty; for the default leave it out")
        values[name] = _typed(name, text, types[name])
    return values


def _typed(name: str, text: str, kind: type) -> str | float | int:
    if kind is str:
        return text
    try:
        return kind(text)
    except ValueError:
        word = "whole number" if kind is int else "number"
        raise ParameterError(f"{name}={text}: expected a {word}, such as {getattr(Parameters(), name):g}") from None


def check(values: Mapping) -> Parameters:
    """Parameters whose every value was checked, the snapshot's existence among them; raises ParameterError."""
    parameters = check_values(values)
    check_stored(parameters.snapshot_date)
    _check_as_of(parameters)
    if parameters.beside:
        _check_beside(parameters)
    return parameters


def check_stored(name: str) -> None:
    """Refuse the name of a snapshot that is not there; raises ParameterError."""
    known = stored.names()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ParameterError(
            f"snapshot_date={name[:60]}: no such snapshot; {hint}there are {', '.join(known) or 'none'}"
        )


def _check_beside(parameters: Parameters) -> None:
    """The snapshot beside it is another one, and looks at about the same day."""
    if parameters.beside == parameters.snapshot_date:
        raise ParameterError(f"beside={parameters.beside}: is the run's own snapshot; expected another one of about its day")
    try:
        check(asdict(parameters.other))
    except ParameterError as error:
        raise ParameterError(str(error).replace("snapshot_date=", "beside=", 1)) from None
    from analysis import snapshot

    own, other = (snapshot.load(name) for name in (parameters.snapshot_date, parameters.beside))
    if own.synthetic != other.synthetic:
        raise ParameterError(f"beside={other.name}: one of the two is synthetic; no source is compared with invented data")
    days = abs(other.date - own.date).days
    if days > MOST_DAYS_APART and not parameters.as_of:
        raise ParameterError(
            f"beside={parameters.beside}: is of {days} days before or after, so that what changed on the Hub would be taken "
            f"for the source's doing; expected at most {MOST_DAYS_APART}, or --as-of a day for both. `compare` sets dates "
            "side by side"
        )


def check_values(values: Mapping) -> Parameters:
    """The parameters, as far as they can be checked without their snapshot; raises ParameterError."""
    parameters = Parameters(**values)
    for name, choices in CHOICES.items():
        if getattr(parameters, name) not in choices:
            raise ParameterError(f"{name}={getattr(parameters, name)}: expected {' or '.join(choices)}")
    if not 0 <= parameters.merge_threshold <= 100:
        raise ParameterError(f"merge_threshold={parameters.merge_threshold:g}: expected a similarity from 0 to 100")
    if parameters.draws not in DRAWS:
        raise ParameterError(f"draws={parameters.draws}: expected {DRAWS[0]} to {DRAWS[-1]} networks of each null model")
    _check_engine(parameters.engine)
    if visible(parameters.out_dir) != parameters.out_dir:
        raise ParameterError(f"out_dir={parameters.out_dir[:60]}: expected a name without control characters")
    if parameters.as_of and ".." not in parameters.as_of:
        _day(parameters.as_of)
    try:
        return replace(parameters, out_dir=absolute(parameters.out_dir))
    except RuntimeError:  # ~name of nobody
        raise ParameterError(f"out_dir={parameters.out_dir[:60]}: no such home; give the whole path") from None


def _check_engine(engine: str) -> None:
    if engine == "duckdb":
        return
    if not spark.URL.fullmatch(engine):
        raise ParameterError(
            f"engine={engine[:60]}: expected duckdb or a Spark URL: sc://localhost:15002, spark://host:7077 or local[2]"
        )
    if why := spark.check(engine):
        raise ParameterError(f"engine={engine[:60]}: {why}")


def _day(as_of: str) -> dt.date:
    try:
        return dt.date.fromisoformat(as_of)
    except ValueError:
        raise ParameterError(f"as_of={as_of[:60]}: expected an ISO date such as 2023-01-01") from None


def _check_as_of(parameters: Parameters) -> None:
    if not parameters.as_of:
        return
    from analysis import snapshot

    day, date = _day(parameters.as_of), snapshot.load(parameters.snapshot_date).date
    if not snapshot.FIRST_DATE <= day < date or day.isoformat() != parameters.as_of:
        raise ParameterError(
            f"as_of={parameters.as_of}: expected a day (YYYY-MM-DD) from {snapshot.FIRST_DATE} to the day before "
            f"the snapshot's date, {date}"
        )
