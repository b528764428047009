"""How a section of a notebook ends: what the study prints of it (sections 3.4 to 4.3, Tables 2-9), ours, and the verdict.

The verdicts are those of the ledger, of the results that the notebook has emitted so far.
"""

import html
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import pandas as pd

from analysis import report
from analysis.covered import SHOWN
from analysis.engine import Hub
from analysis.study import audit, facsimile, ledger, verdicts
from analysis.study.published import printed_values
from analysis.study.words import in_words

MOST = 12  # rows of a table
_SAID = {  # the verdicts in the order in which a reader looks for them: after one value, after several
    verdicts.DIFFERS: ("differs", "differ"),
    verdicts.IMPOSSIBLE: ("cannot be computed from its definition", "cannot be computed from their definition"),
    verdicts.UNDECIDED: ("has no verdict", "have no verdict"),
    verdicts.MATCHES: ("matches", "match"),
    verdicts.NOT_COVERED: ("is not covered by this snapshot", "are not covered by this snapshot"),
}


class Beside(NamedTuple):
    """A sentence, and a table where there is something to compare; as a notebook shows them."""

    sentence: str
    table: pd.DataFrame

    def __repr__(self) -> str:
        return self.sentence if self.table.empty else f"{self.sentence}\n\n{self.table.to_string()}"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            table = "" if self.table.empty else self.table.to_html(border=0, classes="in-print")
        return f"<p>{html.escape(self.sentence)}</p>{table}"


def expectation(hub: Hub) -> Beside:
    """What to expect of the verdicts on a snapshot, in a sentence."""
    return Beside(f"What to expect: {ledger.expectation(_document(hub, {}))}.", pd.DataFrame())


def compared(
    writer: report.Report, hub: Hub, *places: str, ids: Sequence[str] = ("",), under: Mapping[str, str] | None = None
) -> Beside:
    """What the study prints at these places beside the results emitted so far: published, ours, verdict; at most `MOST` rows.

    places: as in the ledger, `4.2` with all that it holds, `Table 6`. ids: how the ids of those that are meant begin.
    under: beginning of our results -> that of the study's which they are to be held against, where ours stand under another
    name. Values of the study's text go before those of its tables, those that differ before those that match.
    """
    results = _renamed(writer.results, under) if under else writer.results
    published = printed_values_of(places, tuple(ids))
    if published.empty:
        return Beside("The study prints no value of this.", pd.DataFrame())
    rows = ledger.verdict_rows(_document(hub, results), published, proofs=_proofs())
    in_tables = rows["section"].str.startswith("Table")
    shown = rows[~in_tables] if len(rows) > MOST and not in_tables.all() else rows
    shown = shown.sort_values("verdict", key=lambda found: found.map(list(_SAID).index), kind="stable").head(MOST)
    table = pd.DataFrame(
        {
            "published": [facsimile.printed_text(row) for row in shown.to_dict("records")],
            "ours": [facsimile.ours_text(row) for row in shown.to_dict("records")],
            "verdict": [facsimile.verdict_words(row) for row in shown.to_dict("records")],
        },
        index=shown["id"].map(in_words).rename(index=None),
    )
    return Beside(_sentence(rows, results, shown=len(shown), synthetic=writer.synthetic), table)


@cache
def _printed() -> pd.DataFrame:
    return printed_values()


@cache
def _proofs() -> dict[str, str]:
    return audit.impossible(_printed())


def printed_values_of(places: Sequence[str], ids: tuple[str, ...]) -> pd.DataFrame:
    """The study's values that stand at one of the places and have a result of ours, each id and value once."""
    rows = _printed()
    rows = rows[rows["id"].ne("") & rows["id"].str.startswith(ids)]
    chosen = pd.concat([ledger.select_rows(rows, section=place) for place in places])
    return chosen[~chosen.index.duplicated()].drop_duplicates(["id", "value", "operator"]).sort_index()


def _renamed(results: Mapping[str, Mapping], under: Mapping[str, str]) -> dict[str, Mapping]:
    return {
        studys + name.removeprefix(own): entry
        for own, studys in under.items()
        for name, entry in results.items()
        if name.startswith(own)
    }


def _document(hub: Hub, results: Mapping[str, Mapping]) -> dict:
    """The results in the form of results.json."""
    return {"snapshot": hub.snapshot.manifest, "parameters": hub.parameters.recorded(), "results": results}


def _sentence(rows: pd.DataFrame, results: Mapping[str, Mapping], *, shown: int, synthetic: bool) -> str:
    counts = rows["verdict"].value_counts()
    found = [
        f"{counts[verdict]} {words[bool(counts[verdict] > 1)]}" for verdict, words in _SAID.items() if verdict in counts
    ]
    values = f"{len(rows)} values" if len(rows) > 1 else "one value"
    said = f"Of {values} that the study prints here, {', '.join(found)}."
    absent = rows.loc[rows["verdict"] == verdicts.NOT_COVERED, "id"]
    named = (results.get(name) or results.get(ledger.relative(name)) or {} for name in absent)
    whys = list(dict.fromkeys(entry["why"].rstrip(".") for entry in named if entry.get("why")))
    said += f" Not covered: {'; '.join(whys[:SHOWN])}." if whys else ""
    said += f" The table shows {shown}; the page has all." if shown < len(rows) else ""
    return f"{report.SYNTHETIC}. {said}" if synthetic else said
