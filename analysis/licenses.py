"""Which licence does a repository carry, and does it restrict its users? (study §4.1.3; Table 5, Figure 3).

`data/licenses.csv` names the group of every identifier, with a reason per row. The study's own grouping is
not published, so this is the rule:

- permissive: terms that allow use, change and redistribution, with attribution at most;
- restrictive: copyleft or share-alike, non-commercial, no derivatives, limits on use or users (RAIL, Llama,
  Gemma, community licences), proprietary terms; of several named licences the strictest counts;
- unclassified: the identifier names no terms, or a publisher's own licence that could not be read. It is
  counted and shown, and belongs to no group;
- none: the repository states no licence.

A family (`gpl`, `bsd`) is grouped where all its members agree. `spdx` is empty for families and for licences
outside the SPDX list; a GNU version without "or later" takes the `-only` identifier, as in SPDX's renaming.
"""

from pathlib import Path

import pandas as pd

from analysis.paths import DATA

COLUMNS = ["identifier", "spdx", "group", "reason", "source"]
GROUPS = ("permissive", "restrictive", "unclassified")


def load(path: Path = DATA / "licenses.csv") -> pd.DataFrame:
    """Read the licence table: identifier, spdx ("" if none), group, reason, source; one row per identifier.

    source: where the terms stand (SPDX's entry, the publisher's text), or that the identifier alone was read.

    Raises ValueError for other columns, an identifier repeated or not in lower case, or an unknown group.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    if list(table.columns) != COLUMNS:
        raise ValueError(f"{path.name} row 1: expected the columns {', '.join(COLUMNS)}; restore them")
    folded = table["identifier"].str.casefold()
    _refuse(path, table, folded.duplicated(), "an identifier listed once; delete the second row")
    _refuse(path, table, table["identifier"] != folded, "an identifier in lower case; rewrite it")
    _refuse(path, table, ~table["group"].isin(GROUPS), f"a group of {', '.join(GROUPS)}; correct the group")
    return table


def _refuse(path: Path, table: pd.DataFrame, wrong: pd.Series, expected: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        found = table["identifier"].iloc[row]
        raise ValueError(f"{path.name} row {row + 2}: {found!r}: expected {expected}")


def group(identifiers: pd.Series, *, table: pd.DataFrame | None = None) -> pd.Series:
    """Group of each identifier: permissive, restrictive, unclassified, or none where it is missing.

    Case is folded and an identifier outside the table is unclassified (study §3.5; METHODS §2). Same index;
    `table` defaults to `load()`.
    """
    table = load() if table is None else table
    known = dict(zip(table["identifier"], table["group"], strict=True))
    place, distinct = pd.factorize(identifiers)  # -1 where it is missing
    folded = [value.strip().casefold() if isinstance(value, str) else "" for value in distinct]
    groups = [known.get(value, "unclassified") if value else "none" for value in folded]
    return pd.Series([*groups, "none"], dtype="str", name="group").take(place).set_axis(identifiers.index)
