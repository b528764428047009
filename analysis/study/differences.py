"""Why may a value differ from the study's, or from another source's? What each source leaves out or counts otherwise.

`data/source_differences.csv` says it by source and by results; nothing else of a reason depends on a source.
"""

import re
from collections.abc import Mapping

import pandas as pd

from analysis import paths
from analysis.snapshot import KINDS, PLURAL
from analysis.study.verdicts import DIFFERS


def table() -> pd.DataFrame:
    """`data/source_differences.csv`: source (of `data/sources.csv`), results (pattern of ids), since and until (dates of
    snapshots, "" for any), unless (what of a manifest's `source` takes the reason away), reason."""
    return pd.read_csv(paths.DATA / "source_differences.csv", keep_default_na=False)


def of_source(manifest: Mapping) -> pd.DataFrame:
    """The rows that hold for a snapshot; none for one that no known source published."""
    source, rows = manifest.get("source", {}), table()
    rows = rows[rows["source"] == source.get("published", "none")]
    day = manifest.get("date", "")
    in_time = (rows["since"] <= day) & ((rows["until"] == "") | (day <= rows["until"]))
    return rows[in_time & ~rows["unless"].isin([key for key in source if source[key]])]


def reasons(manifest: Mapping) -> list[str]:
    """What keeps a snapshot of its source from being the Hub of its day, each reason once."""
    return list(dict.fromkeys(of_source(manifest)["reason"]))


def noted(rows: pd.DataFrame, manifest: Mapping) -> pd.DataFrame:
    """The ledger's rows, those that differ with what their source has to do with it at the end of their notes."""
    known = of_source(manifest)
    if known.empty:
        return rows
    whys = {name: _of_result(name, known) for name in rows["id"].unique()}
    notes = [
        "; ".join(filter(None, [note, *(whys[name] if verdict == DIFFERS else [])]))
        for name, verdict, note in zip(rows["id"], rows["verdict"], rows["note"], strict=True)
    ]
    return rows.assign(note=notes)


def _of_result(name: str, known: pd.DataFrame) -> list[str]:
    return [why for pattern, why in zip(known["results"], known["reason"], strict=True) if re.fullmatch(pattern, name)]


def samples(manifest: Mapping) -> str:
    """Kinds of repositories that are there and no census, in words; empty for none."""
    coverage = manifest.get("tables", {}).get("repos", {}).get("coverage", {})
    *first, last = ["", *(PLURAL[kind] for kind in KINDS if coverage.get(kind, {}).get("status") == "sample")]
    return " and ".join(filter(None, [", ".join(first[1:]), last]))
