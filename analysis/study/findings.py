"""A finding of the audit, and how it is put into words (`paper/templates/audit.toml`)."""

import functools
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from string import Formatter
from typing import NamedTuple

from analysis import paths
from analysis.study.published import Printed

WORDS = paths.PAPER / "templates" / "audit.toml"


class Finding(NamedTuple):
    """What a check found: `form` names its words, as `<check>` or `<check>.<form>`, and `numbers` fill them in."""

    form: str
    id: str
    place: str
    published: str
    consistent: bool | None  # None where the printed values do not decide
    numbers: dict[str, object]


Findings = Iterator[Finding]


def on(cell: Printed, form: str, consistent: bool | None, **numbers) -> Finding:
    """A finding on one printed number."""
    return Finding(form, cell.id, cell.place, cell.text, consistent, numbers)


def equals(cell: Printed, form: str, value: Fraction) -> Finding:
    """Whether the value that follows for a printed number would be printed so."""
    return on(cell, form, cell.holds(value), value=value)


class _Words(Formatter):
    """Fills in numbers as `digits` writes them."""

    def format_field(self, value, spec: str) -> str:
        return value if isinstance(value, str) else digits(value)


@functools.cache
def _texts() -> dict:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def in_words(found: Finding) -> tuple:
    """The finding's row, in the order of `audit.AUDIT_COLUMNS`."""
    check, _, form = found.form.partition(".")
    said = {part: text if isinstance(text, str) else text.get(form, "") for part, text in _texts()[check].items()}
    numbers = {"published": found.published} | found.numbers
    asked, follows = (_Words().vformat(said[part], (), numbers) for part in ("asks", "follows"))
    assumed = _texts()["assumptions"][said["assumes"]] if said.get("assumes") else ""
    consistent = None if found.consistent is None else bool(found.consistent)
    return f"{check}.{found.id}", found.place, asked, found.published, follows, consistent, assumed


def digits(value: Fraction | float) -> str:
    """A number with thousands apart, and with four significant digits where it is not whole."""
    number = float(value)
    return f"{number:,.0f}" if number == round(number) or abs(number) >= 1e3 else f"{number:.4g}"
