"""The printed values that the twin is made from; nothing that the study prints is typed a second time.

`met` marks a value that the twin is made to give back (kind *calibrated* of the ledger), `used` one that shapes it whatever
comes out (kind *input*). All are asked for when the twin's modules are imported, so a test can tell a value's kind.
"""

import csv
from fractions import Fraction
from pathlib import Path

from analysis import paths
from analysis.study.published import exact_numbers, printed_values

OVERRIDES = paths.DATA / "twin.csv"
MET: set[str] = set()
USED: set[str] = set()

_ROWS = printed_values()
_NUMBERS = exact_numbers(_ROWS)
_TEXTS = dict(zip(_ROWS["id"], _ROWS["value"], strict=True))


def met(name: str) -> float | str:
    """A printed value that the twin is made to give back; raises KeyError where none is printed."""
    MET.add(name)
    return _value(name)


def used(name: str) -> float | str:
    """A printed value that shapes the twin, which need not give it back; raises KeyError where none is printed."""
    USED.add(name)
    return _value(name)


def is_printed(name: str) -> bool:
    """Whether the study prints a value for this result."""
    return name in _TEXTS


def _value(name: str) -> float | str:
    if name in _CHOSEN:
        return _CHOSEN[name]
    if name not in _NUMBERS:
        return _TEXTS[name]
    value = _NUMBERS[name].value
    return int(value) if "." not in _NUMBERS[name].text else float(value)


def chosen(path: Path = OVERRIDES) -> dict[str, float]:
    """Values of `data/twin.csv`, which choose within what the printed digits leave open; raises ValueError for others."""
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            name, value = row["id"], Fraction(row["value"])
            bounds = _ROWS[(_ROWS["id"] == name) & _ROWS["operator"].isin(["<", ">"])]
            inside = all(
                value < Fraction(text) if operator == "<" else value > Fraction(text)
                for operator, text in zip(bounds["operator"], bounds["value"], strict=True)
            )
            exact = _NUMBERS[name].holds(value) if name in _NUMBERS else len(bounds) > 0
            if not (inside and exact):
                raise ValueError(f"{path.name}, row {number}, {name}: {value} would not be printed so")
            found[name] = float(value)
    return found


_CHOSEN = chosen()
