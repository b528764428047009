"""The study's own numbers, and the ledger that puts ours beside them.

Which values does the study print (Tables 2-9, Sections 1 and 3-6), and which of them come out again?
The values are in `data/published/*.csv`, one row per printed number; verdicts are computed, never stored.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis import paths, report

FOLDER = paths.DATA / "published"
COLUMNS = ("id", "value", "decimals", "operator", "place", "kind", "note")
OPERATORS = ("=", "<", ">", "about")
KINDS = ("calibrated", "emergent")
UNDEFINED = ("NaN", "N/A")
ABOUT = 0.05

MATCHES = "matches"
DIFFERS = "differs"
NOT_COVERED = "not covered by this snapshot"
IMPOSSIBLE = "cannot be computed from its definition"
VERDICTS = (MATCHES, DIFFERS, NOT_COVERED, IMPOSSIBLE)

LEDGER_COLUMNS = (
    "id", "section", "place", "kind", "operator", "published", "decimals", "ours", "difference", "tolerance",
    "verdict", "note",
)  # fmt: skip

_NUMBER = re.compile(r"-?\d+(?:\.(\d+))?")
_PLACE = re.compile(r"(Abstract(;.*)?|Table [2-9], \S.*|§\d[\d.]*.*)")
_CORES = ("k1", "k5", "k10", "kmax")
_FIELDS = ("all", "cv", "nlp", "mm")
_GROUPS = ("permissive", "restrictive", "none")
_TESTS = 24  # Table 5: eight variables, three pairs of groups
_CREATIVE_COMMONS = re.compile(r"rq1\.datasets\.license_share\.cc-[a-z-]+-4\.0")
_SHARE = re.compile(r"(rq1\.\w+)\.license_share\..+")
_FAMILY = ".creative-commons-4.0"  # the study's name of several licences
_RANKED = re.compile(r"(rq3\.\w+\.(?:co)?usage\.top100)\.organisation\..+")
# The organisations that Section 4.3.2 lists before it gives their joint share of the 100 first models.
LISTED = {
    "usage": ("meta", "google", "stability-ai", "openai", "microsoft", "fudan-university"),
    "cousage": ("eleutherai", "meta", "h2o-ai", "bigscience", "lmsys"),
}
# What the study prints without saying how it comes about, so that nothing can be computed.
WITHOUT_DEFINITION = {
    "rq3.all.cousage.degree.modes": "No rule says what counts as a cluster: they were seen in a figure.",
}


def load(folder: Path | None = None) -> pd.DataFrame:
    """Every number that the study prints, one row per printed number.

    Columns: id (of our result; empty where nothing could compute it), value (as printed, without thousands
    separators; shares as fractions), decimals (of the value in that unit; missing for text), operator, place,
    kind (calibrated: the synthetic twin is made to meet it; emergent: it is not), note, number (the value as
    a float, missing for text) and section (the table or the first section named in `place`).
    Raises FileNotFoundError where the folder holds no table, ValueError for a row that breaks these rules.
    """
    folder = FOLDER if folder is None else Path(folder)
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise FileNotFoundError(f"{folder.name}: no published values; expected *.csv with columns {COLUMNS}")
    frame = pd.concat([_read(file) for file in files], ignore_index=True)
    named = frame[frame["id"] != ""]
    twice = named[named.duplicated(["id", "place"])]
    if len(twice):
        _fail(twice.iloc[0], "a second row for the same id and place", "name the places apart or remove one")
    kinds = named.groupby("id")["kind"].transform("nunique")
    if (kinds > 1).any():
        _fail(named[kinds > 1].iloc[-1], "calibrated here, emergent elsewhere", "give the id one kind")
    frame["number"] = pd.to_numeric(frame["value"].where(frame["decimals"].notna()))
    frame["section"] = frame["place"].map(section)
    return frame.drop(columns=["file", "row"])


def section(place: str) -> str:
    """The table or the first section that `place` names: "Table 6", "§4.1.1", "Abstract"."""
    return re.split(r"[,;]", place, maxsplit=1)[0].strip()


def derived(results: Mapping[str, object], ids: Iterable[str] = ()) -> dict[str, float]:
    """Results that follow from others, for the numbers that only the study's text gives.

    The ranges of Section 4.2, what the organisations listed in Section 4.3.2 have together, the models compared
    (3.5), the Creative Commons licences (4.1.3), the largest p of Table 5; and 0 for each organisation of `ids`
    that has none of the first models of a ranking that was made, and for each licence that nobody declares.
    Takes id -> value; returns only the ids that can be computed and that `results` does not hold.
    The range over k-cores ignores undefined measures; a joint share needs every organisation it sums.
    """
    ids = list(ids)
    given, found = results, _without_models(results, ids) | _undeclared(results, ids)
    results = {**found, **given}
    found |= _compared(results)
    for measure in ("recip", "ass", "arcc"):
        values = [results.get(f"rq2.all.{core}.{measure}") for core in _CORES]
        covered = [not missing(results.get(f"rq2.all.{core}.nodes")) for core in _CORES]
        found |= _range(f"rq2.all.{measure}", values if all(covered) else [])
    shares = [results.get(f"rq2.{field}.k1.recip") for field in _FIELDS[1:]]
    found |= _range("rq2.fields.k1.recip", [] if any(map(missing, shares)) else shares)
    for network, names in LISTED.items():
        counts = [results.get(f"rq3.all.{network}.top100.organisation.{name}") for name in names]
        if not any(map(missing, counts)):
            found[f"rq3.all.{network}.top100.leading_count"] = sum(count > 0 for count in counts)
            found[f"rq3.all.{network}.top100.leading_share"] = sum(counts) / 100
    return {key: value for key, value in found.items() if key not in given}


def _without_models(results: Mapping[str, object], ids: Iterable[str]) -> dict[str, int]:
    """0 for each organisation that a ranking does not hold; a ranking that was not made says nothing of anybody."""
    rankings = {name: found[1] for name in ids if (found := _RANKED.fullmatch(name))}
    return {
        name: 0
        for name, ranking in rankings.items()
        if name not in results and not missing(results.get(f"{ranking}.rank.1.models"))
    }


def _undeclared(results: Mapping[str, object], ids: Iterable[str]) -> dict[str, float]:
    """0 for each licence that no repository of a kind declares, where any declares one."""
    kinds = {name: found[1] for name in ids if (found := _SHARE.fullmatch(name)) and not name.endswith(_FAMILY)}
    unlicensed = {kind: results.get(f"{kind}.unlicensed_share") for kind in kinds.values()}
    declared = {kind for kind, share in unlicensed.items() if not missing(share) and share < 1}
    return {name: 0.0 for name, kind in kinds.items() if name not in results and kind in declared}


def _compared(results: Mapping[str, object]) -> dict[str, float]:
    """What follows for licences: models compared and their share, a family of licences, the largest p of the tests."""
    found = {}
    sizes = [results.get(f"rq1.models.group.{group}.count") for group in _GROUPS]
    if not any(map(missing, sizes)):
        found["rq1.models.grouped.count"] = sum(sizes)
        if results.get("rq1.models.count"):
            found["rq1.models.grouped.share"] = sum(sizes) / results["rq1.models.count"]
    licensed = results.get("rq1.datasets.unlicensed_share")
    if not missing(licensed) and licensed < 1:
        family = [value for name, value in results.items() if _CREATIVE_COMMONS.fullmatch(name)]
        found[f"rq1.datasets.license_share{_FAMILY}"] = float(sum(family))
    p = [v for name, v in results.items() if name.startswith("rq1.models.mannwhitney.") and name.endswith(".p")]
    if len(p) == _TESTS and not any(map(missing, p)):
        found["rq1.models.mannwhitney.p.max"] = max(p)
    return found


def ledger(
    results: Mapping[str, object],
    published: pd.DataFrame,
    *,
    proofs: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Published beside ours, one row per published value, with a verdict that is computed here.

    results: id -> value, None or NaN where there is none. published: the frame of `load`.
    proofs: id -> one sentence why the printed value cannot come from its definition (`audit.impossible`);
    such a row is judged by the proof, whatever ours is. reasons: id -> why a result has no value.

    Columns: id, section, place, kind, operator, published (as printed), decimals, ours, difference (ours less
    published), tolerance, verdict, note (the proof where there is one). Ours is None where there is no value:
    that differs from a printed number if the data are there and the definition gives none (`report.UNDEFINED`).
    A value matches if
    "=": it is within half a unit of the last printed digit (text: if it is the same text);
    "about": it is within 5 % of the printed value; "<", ">": it lies strictly below, above.
    A value printed as undefined matches if ours is undefined and the rest of its row is covered.
    """
    ours = {**derived(results, published["id"]), **results}
    rows = [_entry(row, ours, proofs or {}, reasons or {}) for row in published.to_dict("records")]
    frame = pd.DataFrame(rows, columns=list(LEDGER_COLUMNS))
    ours_as_they_are = pd.Series([row["ours"] for row in rows], dtype=object)  # a whole number stays one
    return frame.assign(ours=ours_as_they_are).astype({"decimals": "Int64", "difference": float, "tolerance": float})


def summary(ledger: pd.DataFrame) -> pd.DataFrame:
    """Counts of verdicts by section and kind. Columns: section, kind, one per verdict, total."""
    table = pd.crosstab([ledger["section"], ledger["kind"]], ledger["verdict"])
    table = table.reindex(columns=list(VERDICTS), fill_value=0).rename_axis(columns=None)
    table = table.assign(total=table.sum(axis=1)).reset_index()
    table["order"] = table["section"].map(_section_order)
    return table.sort_values(["order", "kind"], ignore_index=True).drop(columns="order")


def tolerance(operator: str, number: float, decimals: float) -> float:
    """Largest accepted distance from a printed number: half a unit of its last digit; 5 % for "about"."""
    if operator == "=":
        return 0.5 * 10.0 ** -int(decimals)
    return ABOUT * abs(number) if operator == "about" else 0.0


def missing(value: object) -> bool:
    """Whether a result is absent: None or NaN."""
    return value is None or value is pd.NA or value != value


def _read(file: Path) -> pd.DataFrame:
    frame = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
    if tuple(frame.columns) != COLUMNS:
        raise ValueError(f"{file.name}: columns {list(frame.columns)}; expected {list(COLUMNS)}")
    frame = frame.assign(file=file.name, row=range(2, len(frame) + 2))
    for _, row in frame.iterrows():
        _check(row)
    return frame.assign(decimals=pd.to_numeric(frame["decimals"]).astype("Int64"))


def _check(row: pd.Series) -> None:
    if row["operator"] not in OPERATORS:
        _fail(row, f"operator {row['operator']!r}", f"use one of {', '.join(OPERATORS)}")
    if row["kind"] not in KINDS:
        _fail(row, f"kind {row['kind']!r}", f"use one of {', '.join(KINDS)}")
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


def _range(name: str, values: list) -> dict[str, float]:
    present = [value for value in values if not missing(value)]
    return {f"{name}.min": min(present), f"{name}.max": max(present)} if present else {}


def _entry(row: Mapping, ours: Mapping[str, object], proofs: Mapping[str, str], reasons: Mapping[str, str]) -> dict:
    value = ours.get(row["id"])
    value = None if missing(value) else value
    numeric = not missing(row["number"])
    comparable = numeric and value is not None and not isinstance(value, str)
    proof = proofs.get(row["id"], "")
    return {
        **{column: row[column] for column in ("id", "section", "place", "kind", "operator", "decimals")},
        "published": row["value"],
        "ours": value,
        "difference": value - row["number"] if comparable else None,
        "tolerance": tolerance(row["operator"], row["number"], row["decimals"]) if numeric else None,
        "verdict": IMPOSSIBLE if proof else _verdict(row, value, ours, reasons.get(row["id"])),
        "note": proof or row["note"],
    }


def _verdict(row: Mapping, value: object, ours: Mapping[str, object], why: str | None) -> str:
    if value is None and row["value"] in UNDEFINED:
        return NOT_COVERED if missing(ours.get(_companion(row["id"]))) else MATCHES
    if value is None:
        return DIFFERS if why == report.UNDEFINED else NOT_COVERED
    if missing(row["number"]) or isinstance(value, str):
        return MATCHES if value == row["value"] else DIFFERS
    return MATCHES if _agrees(row, value) else DIFFERS


def _agrees(row: Mapping, value: float) -> bool:
    if row["operator"] == "<":
        return value < row["number"]
    if row["operator"] == ">":
        return value > row["number"]
    allowed = tolerance(row["operator"], row["number"], row["decimals"])
    # Binary fractions miss a decimal bound by a few units of the last place; that is not a difference.
    return abs(value - row["number"]) <= allowed + 1e-12 * max(1.0, abs(row["number"]))


def _companion(key: str) -> str:
    """The result that is there whenever the row of `key` was computed, so that null means undefined."""
    parts = key.split(".")
    return ".".join([*parts[:3], "nodes"]) if parts[0] == "rq2" else ".".join([*parts[:2], "count"])


def _section_order(name: str) -> tuple:
    numbers = tuple(int(part) for part in re.findall(r"\d+", name))
    return (0 if name == "Abstract" else 1 if name.startswith("§") else 2, numbers)
