"""What the study prints: every number of Tables 2-9 and Sections 1 and 3-6, from `data/published/*.csv`.

One row per printed number. A printed number leaves an interval open: half a unit of its last digit to each side.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis import paths
from analysis.snapshot import PLURAL

FOLDER = paths.DATA / "published"
PUBLISHED_COLUMNS = ("id", "value", "decimals", "operator", "place", "kind", "note")
OPERATORS = ("=", "<", ">", "about")
# calibrated: the twin is made to give it back; input: a constant of the twin; implied: follows from others by arithmetic, or
# from nothing; parameter: a threshold or a date of the method; emergent: none of these, so that it can confirm something.
VALUE_KINDS = ("calibrated", "input", "implied", "parameter", "emergent")
PRINTED_UNDEFINED = ("NaN", "N/A")
CORES = ("k1", "k5", "k10", "kmax")  # rows of Tables 6-9
# The organisations that Section 4.3.2 lists before it gives their joint share of the 100 first models.
LISTED = {
    "usage": ("meta", "google", "stability-ai", "openai", "microsoft", "fudan-university"),
    "cousage": ("eleutherai", "meta", "h2o-ai", "bigscience", "lmsys"),
}

_NUMBER = re.compile(r"-?\d+(?:\.(\d+))?")
_PLACE = re.compile(r"(Abstract(;.*)?|Table [2-9], \S.*|§\d[\d.]*.*)")


def printed_values(folder: Path | None = None) -> pd.DataFrame:
    """Every number that the study prints, one row per printed number.

    Columns: id (of our result; empty where nothing could compute it), value (as printed, without thousands
    separators; shares as fractions), decimals (of the value in that unit; missing for text), operator, place,
    kind (`VALUE_KINDS`; a test derives it anew by `kinds.kinds`), note, number (the value as a float, missing for text) and
    section (the table or the first section named in `place`).
    Raises FileNotFoundError where the folder holds no table, ValueError for a row that breaks these rules.
    """
    folder = FOLDER if folder is None else Path(folder)
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise FileNotFoundError(f"{folder.name}: no published values; expected *.csv with columns {PUBLISHED_COLUMNS}")
    frame = pd.concat([_table(file) for file in files], ignore_index=True)
    named = frame[frame["id"] != ""]
    twice = named[named.duplicated(["id", "place"])]
    if len(twice):
        _fail(twice.iloc[0], "a second row for the same id and place", "name the places apart or remove one")
    kinds = named.groupby("id")["kind"].transform("nunique")
    if (kinds > 1).any():
        _fail(named[kinds > 1].iloc[-1], "another kind than elsewhere", "give the id one kind")
    frame["number"] = pd.to_numeric(frame["value"].where(frame["decimals"].notna()))
    frame["section"] = frame["place"].map(section_of)
    return frame.drop(columns=["file", "row"])


def section_of(place: str) -> str:
    """The table or the first section that `place` names: "Table 6", "§4.1.1", "Abstract"."""
    return re.split(r"[,;]", place, maxsplit=1)[0].strip()


def _table(file: Path) -> pd.DataFrame:
    frame = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
    if tuple(frame.columns) != PUBLISHED_COLUMNS:
        raise ValueError(f"{file.name}: columns {list(frame.columns)}; expected {list(PUBLISHED_COLUMNS)}")
    frame = frame.assign(file=file.name, row=range(2, len(frame) + 2))
    for _, row in frame.iterrows():
        _check_row(row)
    return frame.assign(decimals=pd.to_numeric(frame["decimals"]).astype("Int64"))


def _check_row(row: pd.Series) -> None:
    if row["operator"] not in OPERATORS:
        _fail(row, f"operator {row['operator']!r}", f"use one of {', '.join(OPERATORS)}")
    if row["kind"] not in VALUE_KINDS:
        _fail(row, f"kind {row['kind']!r}", f"use one of {', '.join(VALUE_KINDS)}")
    if not _PLACE.fullmatch(row["place"]):
        _fail(row, f"place {row['place']!r}", "write 'Table 6, ...', '§4.1.1' or 'Abstract'")
    if row["value"] == "" or (row["id"] == "" and row["note"] == ""):
        _fail(row, "an empty value, or neither id nor note", "fill it in")
    number = _NUMBER.fullmatch(row["value"])
    expected = str(len(number[1] or "")) if number else ""
    if row["decimals"] != expected:
        _fail(row, f"decimals {row['decimals']!r} for the value {row['value']!r}", f"write {expected!r}")
    if not number and row["operator"] != "=":
        _fail(row, f"operator {row['operator']!r} for text", "use =")


def _fail(row: pd.Series, found: str, remedy: str) -> None:
    raise ValueError(f"{row['file']}, row {row['row']}, id {row['id']!r}: {found}; {remedy}")


# --- printed numbers as intervals -------------------------------------------------------------------------------------


class Printed(NamedTuple):
    """A printed number: its value, the interval that its decimals leave open, and where it stands."""

    id: str
    value: Fraction
    low: Fraction
    high: Fraction
    text: str
    place: str

    def holds(self, value: Fraction) -> bool:
        """Whether the value would be printed so."""
        return self.low <= value <= self.high


class Numbers(dict[str, Printed]):
    """The most precise exact number that is printed for each id; `rows` is everything printed (`printed_values`)."""

    def __init__(self, rows: pd.DataFrame):
        super().__init__()
        self.rows = rows

    def where(self, *ids: str) -> Iterator[tuple[Printed, ...]]:
        """The numbers of these ids, once, if all of them are printed: `for mean, top in numbers.where(...)`."""
        if all(name in self for name in ids):
            yield tuple(self[name] for name in ids)

    def cores(self) -> Iterator[tuple[str, int, int]]:
        """Rows of Tables 6-9 that print both sizes: the common start of their ids, nodes, edges; sorted."""
        names = (name.removesuffix(".nodes") for name in self if re.fullmatch(r"rq2\.\w+\.k\w+\.nodes", name))
        for core in sorted(names):
            for nodes, edges in self.where(f"{core}.nodes", f"{core}.edges"):
                if nodes.value > 0:
                    yield core, int(nodes.value), int(edges.value)

    def levels(self, field: str) -> list[tuple[int, int, int, str]]:
        """k, nodes, edges and start of the ids of each row of one field's table, in the order of `cores`."""
        cores = (core for core in self.cores() if core[0].startswith(f"rq2.{field}.") and f"{core[0]}.k" in self)
        return [(int(self[f"{core}.k"].value), nodes, edges, core) for core, nodes, edges in cores]

    def distributions(self) -> Iterator[tuple[str, int]]:
        """Common start of the ids of each summarised variable (Tables 2-4, degree), with the number of its values."""
        for kind in PLURAL.values():
            for (count,) in self.where(f"rq1.{kind}.count"):
                yield from ((f"rq1.{kind}.{variable}", int(count.value)) for variable in SUMMARISED)
        for (nodes,) in self.where("rq2.all.k1.nodes"):
            yield "rq2.all.degree", int(nodes.value)


SUMMARISED = (
    "n_likes", "n_discussions", "n_disc_starters", "n_commits", "n_committers", "n_community", "n_downloads",
)  # fmt: skip


def exact_numbers(published: pd.DataFrame) -> Numbers:
    """The numbers that are printed as such (operator "="), of several printings of an id the most precise."""
    exact = published[published["operator"].eq("=") & published["id"].ne("") & published["decimals"].notna()]
    cells = zip(exact["id"], exact["value"], exact["decimals"], exact["place"], strict=True)
    found = Numbers(published)
    # Sorting is stable, so among equally precise printings the first counts.
    for name, value, decimals, place in sorted(cells, key=lambda cell: -cell[2]):
        found.setdefault(name, printed_number(name, value, decimals, place))
    return found


def printed_number(name: str, text: str, decimals: int, place: str) -> Printed:
    """A number as it is printed, with the interval that its decimals leave open."""
    value, half = Fraction(text), Fraction(1, 2 * 10 ** int(decimals))
    return Printed(name, value, value - half, value + half, f"{Decimal(text):,}", place)


def zero_shares(published: pd.DataFrame | None = None) -> dict[tuple[str, str], float]:
    """The shares of repositories without an activity that the study prints: (kind, variable) -> share; exact ones alone."""
    published = printed_values() if published is None else published
    exact = published[(published["operator"] == "=") & published["id"].str.endswith(".zero_share")]
    return {tuple(name.split(".")[1:3]): number for name, number in zip(exact["id"], exact["number"], strict=True)}
