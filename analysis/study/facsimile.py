"""The study's values beside ours, as readers see them: in brackets in the text, and in the study's own tables.

Both come from the ledger's frame (`ledger.ledger_rows`); nothing is typed.
"""


from collections.abc import Mapping

import pandas as pd

from analysis import report
from analysis.study import ledger, verdicts
from analysis.study.words import SECTIONS, in_words

_OPERATORS = {"=": "", "<": "below ", ">": "over ", "about": "about "}
# Which kinds of value match though nothing was found out, and how that is said.
_NO_EVIDENCE = {"calibrated": "matches, as made", "input": "matches, as made", "implied": "matches, as it must",
                "parameter": "matches, as chosen"}  # fmt: skip


def beside(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """id -> what the study prints, and the verdict, both in words; where it prints several values, an exact one.

    Values without a verdict, and conventions without an id, are left out.
    """
    judged = rows[(rows["id"] != "") & (rows["verdict"] != verdicts.NOT_COVERED)]
    ordered = judged.assign(exact=judged["operator"] != "=").sort_values("exact", kind="stable").drop_duplicates("id")
    return {row["id"]: (printed_text(row), verdict_words(row)) for row in ordered.to_dict("records")}


def printed_text(row: Mapping) -> str:
    """A printed value as the text says it: 91 %, below 1 %, about 100,000, bigscience/bloom."""
    if verdicts.missing(row["decimals"]):
        return row["published"]
    value, decimals = float(row["published"]), int(row["decimals"])
    if report.is_share(row["id"]):
        return f"{_OPERATORS[row['operator']]}{100 * value:,.{max(decimals - 2, 0)}f} %"
    return _OPERATORS[row["operator"]] + _number(value, decimals)


def verdict_words(row: Mapping) -> str:
    """The verdict; a match that could not have failed says so."""
    if row["verdict"] == verdicts.MATCHES:
        return _NO_EVIDENCE.get(row["kind"], "matches")
    return ledger.SHORT[row["verdict"]]


def _number(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def emit(writer: report.Report, rows: pd.DataFrame) -> None:
    """The tables `facsimile_2` to `facsimile_9` and `unmatched` of the paper."""
    for table in facsimiles(rows):
        ledger.write_table(writer, f"facsimile_{table['number']}", template="facsimile", table=table)
    ledger.write_table(writer, "unmatched", rows=text_rows(rows))


# --- the study's tables -----------------------------------------------------------------------------------------------

TABLES = range(2, 10)


def facsimiles(rows: pd.DataFrame) -> list[dict]:
    """The study's Tables 2-9 in their own layout: number, columns, and lines of a label and cells.

    A cell has published and ours as texts, the verdict's slug, whether the value is emergent, and the id; None where the
    study prints nothing.
    """
    made = []
    for number in TABLES:
        part = rows[rows["section"] == f"Table {number}"]
        cells = [(*_place(row), _cell(row)) for row in part.to_dict("records")]
        columns = list(dict.fromkeys(column for _, column, _ in cells))
        labels = list(dict.fromkeys(label for label, _, _ in cells))
        found = {(label, column): cell for label, column, cell in cells}
        lines = [{"label": label, "cells": [found.get((label, column)) for column in columns]} for label in labels]
        made.append({"number": number, "columns": columns, "lines": lines})
    return made


def _place(row: Mapping) -> tuple[str, str]:
    """Line and column of a value: "Table 6, k=1, Nodes" is ("k=1", "Nodes"); of Table 5, column is pair and U or p."""
    _, label, column = row["place"].split(";")[0].split(", ", 2)
    return label, column


def _cell(row: Mapping) -> dict:
    return {
        "published": _published(row),
        "ours": _ours(row),
        "slug": ledger.SLUGS[row["verdict"]],
        "emergent": row["kind"] == "emergent",
        "id": row["id"],
    }


def _published(row: Mapping) -> str:
    if verdicts.missing(row["decimals"]):
        return row["published"]
    return {"<": "< ", ">": "> "}.get(row["operator"], "") + _number(float(row["published"]), int(row["decimals"]))


def _ours(row: Mapping) -> str:
    """Ours with as many decimals as are printed, or as many more as show the difference, up to two."""
    value = row["ours"]
    if value is None:
        return "--"
    if isinstance(value, str):
        return value
    if row["id"].endswith(".p"):
        return report.format_value("p", value)
    decimals = 0 if verdicts.missing(row["decimals"]) else int(row["decimals"])
    if row["operator"] in "<>" and not float(value).is_integer():
        decimals += 1
    texts = [_number(value, d) for d in range(decimals, decimals + 3)]
    if row["verdict"] == verdicts.MATCHES:
        return texts[0]
    return next((text for text in texts if text != _published(row)), texts[-1])


def text_rows(rows: pd.DataFrame) -> list[dict]:
    """The values of the study's text that do not match, in its order: place, value in words, published, ours, verdict, why.

    What the snapshot does not cover is left out; so are conventions.
    """
    text = rows[~rows["section"].str.startswith("Table") & (rows["id"] != "")]
    judged = text[~text["verdict"].isin([verdicts.MATCHES, verdicts.NOT_COVERED])]
    order = {name: number for number, name in enumerate(verdicts.sections(rows))}
    judged = judged.assign(order=judged["section"].map(order)).sort_values("order", kind="stable")
    return [
        {
            "section": row["section"],
            "about": SECTIONS.get(row["section"], ""),
            "value": in_words(row["id"]),
            "published": printed_text(row),
            "ours": ours_text(row),
            "verdict": ledger.SHORT[row["verdict"]],
            "why": row.get("why") or row["note"],
            "id": row["id"],
        }
        for row in judged.to_dict("records")
    ]


def ours_text(row: Mapping) -> str:
    """Ours in the unit that the text prints, with what decimals it takes to show a difference."""
    value = row["ours"]
    if value is None or isinstance(value, str) or not report.is_share(row["id"]):
        return _ours(row)
    decimals = max(int(row["decimals"]) - 2, 0)
    texts = [f"{_number(100 * value, d)} %" for d in range(decimals, decimals + 3)]
    return next((text for text in texts if text != printed_text(row)), texts[-1])


