"""Ours beside a printed value: what follows from our results, and whether the two agree by the printed digits.

Verdicts are computed, never stored.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

import pandas as pd

from analysis import report
from analysis.activity import GROUPS, PAIRS
from analysis.engine import VARIABLES
from analysis.labels import FIELDS
from analysis.study import kinds
from analysis.study.published import CORES, LISTED, PRINTED_UNDEFINED, VALUE_KINDS, exact_numbers

MATCHES = "matches"
DIFFERS = "differs"
NOT_COVERED = "not covered by this snapshot"
IMPOSSIBLE = "cannot be computed from its definition"
UNDECIDED = "no verdict: it lies in the range that the method leaves open"
VERDICTS = (MATCHES, DIFFERS, UNDECIDED, NOT_COVERED, IMPOSSIBLE)
ABOUT = 0.05  # how far from a printed "about" still matches
LEDGER_COLUMNS = (
    "id", "section", "place", "kind", "tautology", "operator", "published", "decimals", "ours", "difference", "tolerance",
    "verdict", "why", "note",
)  # fmt: skip
# Why a value is not ours: each is established by code (`ledger.reason`), the first that holds.
WHYS = {
    "contradiction": "other values that the study prints contradict it, and the data are all of the study's month",
    "definition": "no data give it by its definition, or it has none",
    "numbering": "it lies in the range that the order of the nodes leaves open where the search meets ties",
    "convention": "this run counts bots, identities or zeros by other conventions than the default ones",
    "ties": "several have this place in the ranking",
    "design": "the data are synthetic, and their design does not fix it",
    "selection": "the snapshot is no census: a sample, or an earlier day seen from a later one",
    "date": "the data are of another month than the study's",
    "unexplained": "a census of the study's month that differs; nothing that could be checked explains it",
}
_TESTS = len(VARIABLES) * len(PAIRS)  # Table 5

_CREATIVE_COMMONS = re.compile(r"rq1\.datasets\.license_share\.cc-[a-z-]+-4\.0")
_SHARE = re.compile(r"(rq1\.\w+)\.license_share\..+")
_FAMILY = ".creative-commons-4.0"  # the study's name of several licences
_TOP_MODEL = re.compile(r"(rq[13]\..*\.top)\.(\d+)\.model")
_SEARCHED = re.compile(r"rq2\.\w+\.k\w+\.(mod|com)")
# Models that the study names without an owner, and their later names.
RENAMED = {
    "gpt2": "openai-community/gpt2", "gpt2-medium": "openai-community/gpt2-medium",
    "bert-base-uncased": "google-bert/bert-base-uncased",
}  # fmt: skip
_RANKED = re.compile(r"(rq3\.\w+\.(?:co)?usage\.top100)\.organisation\..+")


def missing(value: object) -> bool:
    """Whether a result is absent: None or NaN."""
    return value is None or value is pd.NA or value != value


# --- results that follow from others ----------------------------------------------------------------------------------


def derived(results: Mapping[str, object], ids: Iterable[str] = ()) -> dict[str, float]:
    """Results that follow from others, for the numbers that only the study's text gives.

    The ranges of Section 4.2, what the organisations listed in Section 4.3.2 have together, the models compared
    (3.5), the Creative Commons licences (4.1.3), the largest p of Table 5; and 0 for each organisation of `ids`
    that has none of the first models of a ranking that was made, and for each licence that nobody declares.
    Takes id -> value; returns only the ids that can be computed and that `results` does not hold.
    The range over k-cores ignores undefined measures; a joint share needs every organisation it sums.
    """
    ids = list(ids)
    found = _zeros(results, ids)
    known = {**found, **results}
    for part in (_groups, _creative_commons, _ranges, _joint_shares):
        found |= part(known)
    return {name: value for name, value in found.items() if name not in results}


def _all(results: Mapping[str, object], ids: Iterable[str]) -> list | None:
    """The values of all ids; None where one is missing."""
    values = [results.get(name) for name in ids]
    return None if any(map(missing, values)) else values


def _zeros(results: Mapping[str, object], ids: Iterable[str]) -> dict[str, float]:
    """0 for an organisation that a ranking does not hold and for a licence that no repository of a kind declares.

    A ranking that was not made, or a kind of which no repository declares a licence, says nothing of anybody.
    """
    found: dict[str, float] = {}
    for name in ids:
        ranked, share = _RANKED.fullmatch(name), _SHARE.fullmatch(name)
        if ranked and not missing(results.get(f"{ranked[1]}.rank.1.models")):
            found[name] = 0
        if share and not name.endswith(_FAMILY):
            unlicensed = results.get(f"{share[1]}.unlicensed_share")
            if not missing(unlicensed) and unlicensed < 1:
                found[name] = 0.0
    return {name: zero for name, zero in found.items() if name not in results}


def _groups(results: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """How many models are compared, their share, and the largest p of the tests."""
    if sizes := _all(results, [f"rq1.models.group.{group}.count" for group in GROUPS]):
        yield "rq1.models.grouped.count", sum(sizes)
        if results.get("rq1.models.count"):
            yield "rq1.models.grouped.share", sum(sizes) / results["rq1.models.count"]
    tests = [name for name in results if name.startswith("rq1.models.mannwhitney.") and name.endswith(".p")]
    if len(tests) == _TESTS and (p := _all(results, tests)):
        yield "rq1.models.mannwhitney.p.max", max(p)


def _creative_commons(results: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    unlicensed = results.get("rq1.datasets.unlicensed_share")
    if not missing(unlicensed) and unlicensed < 1:
        family = [value for name, value in results.items() if _CREATIVE_COMMONS.fullmatch(name)]
        yield f"rq1.datasets.license_share{_FAMILY}", math.fsum(family)


def _ranges(results: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """The ranges over the cores of all models, and of reciprocity over the sub-fields."""
    ranges = {"rq2.fields.k1.recip": _all(results, [f"rq2.{field}.k1.recip" for field in list(FIELDS)[1:]])}
    if _all(results, [f"rq2.all.{core}.nodes" for core in CORES]):
        for measure in ("recip", "ass", "arcc"):
            ranges[f"rq2.all.{measure}"] = [results.get(f"rq2.all.{core}.{measure}") for core in CORES]
    for name, values in ranges.items():
        if present := [value for value in values or () if not missing(value)]:
            yield from ((f"{name}.min", min(present)), (f"{name}.max", max(present)))


def _joint_shares(results: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for network, names in LISTED.items():
        first = f"rq3.all.{network}.top100"
        if counts := _all(results, [f"{first}.organisation.{name}" for name in names]):
            yield f"{first}.leading_count", sum(count > 0 for count in counts)
            yield f"{first}.leading_share", sum(counts) / 100


# --- results as the study means them ----------------------------------------------------------------------------------


def under_the_studys_rule(results: Mapping[str, object]) -> dict[str, object]:
    """U, p and what is compared as the study has it: licences of at least 100 models only (Section 3.5), where computed."""
    rule, models = "rq1.models.common_licenses.", "rq1.models."
    found = {models + name.removeprefix(rule): value for name, value in results.items() if name.startswith(rule)}
    least = found.pop(f"{models}min_repositories", None)
    return found | ({f"{models}grouped.min_repositories": least} if least is not None else {})


def by_name(results: Mapping[str, object], published: pd.DataFrame) -> dict[str, object]:
    """What the study says of a model that it names, looked up by the name and not by the rank it had.

    The count is that of the model, wherever it stands here; the name is the printed one if the model has the printed
    count, or the count of that rank. Of a model that is not in the ranking here there is no count (`unranked`).
    """
    ranked = {(found[1], value): found[2] for name, value in results.items() if (found := _TOP_MODEL.fullmatch(name))}
    counts = dict(zip(published["id"], published["number"], strict=True))
    found: dict[str, object] = {}
    for name, model in zip(published["id"], published["value"], strict=True):
        if not (top := _TOP_MODEL.fullmatch(name)):
            continue
        base, unit = top[1], "spaces" if name.startswith("rq3") else "committers"
        here = next((ranked[base, one] for one in (model, RENAMED.get(model)) if (base, one) in ranked), None)
        count = f"{base}.{top[2]}.{unit}"
        ours = results.get(f"{base}.{here}.{unit}")
        if missing(ours) and any(of == base for of, _ in ranked):
            found[count] = None
        if not missing(ours):
            found[count] = ours
            if ours in (counts.get(count), results.get(count)):
                found[name] = model
    return found


def unranked(results: Mapping[str, object], published: pd.DataFrame) -> dict[str, str]:
    """Why there is no count of a model that the study names: a ranking was made and does not hold it."""
    made = Counter(found[1] for name in results if (found := _TOP_MODEL.fullmatch(name)) and not missing(results[name]))
    names = dict(zip(published["id"], published["value"], strict=True))
    lacking = [count.rpartition(".")[0] for count, value in by_name(results, published).items() if value is None]
    counted = {stem: made[stem.rpartition(".")[0]] for stem in lacking}
    return {
        f"{stem}.{'spaces' if stem.startswith('rq3') else 'committers'}": f"{names[f'{stem}.model']} is not among the {n:,} "
        f"model{'s that are' if n > 1 else ' that is'} ranked here"
        for stem, n in counted.items()
    }


# --- verdicts ---------------------------------------------------------------------------------------------------------


def judged(
    results: Mapping[str, object],
    published: pd.DataFrame,
    *,
    proofs: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Published beside ours, one row per published value, with a verdict that is computed here.

    results: id -> value, None or NaN where there is none. published: the frame of `printed_values`.
    proofs: id -> one sentence why the printed value cannot come from its definition (`audit.impossible`);
    such a row is judged by the proof, whatever ours is. reasons: id -> why a result has no value.

    Columns: id, section, place, kind, tautology (whether any Hub gives the value), operator, published (as printed),
    decimals, ours, difference (ours less published), tolerance, verdict, why (one of `WHYS`; empty here, for
    `ledger.ledger_rows` to establish), note (the proof where there is one). Ours is None where there is no value:
    that differs from a printed number if the data are there and the definition gives none (`report.UNDEFINED`).
    A value matches if
    "=": it is within half a unit of the last printed digit (text: if it is the same text);
    "about": it is within 5 % of the printed value; "<", ">": it lies strictly below, above.
    A value printed as undefined matches if ours is undefined and the rest of its row is covered.
    """
    results = {**results, **under_the_studys_rule(results), **by_name(results, published)}
    ours = {**derived(results, published["id"]), **results}
    rows = [_judged_row(row, ours, proofs or {}, reasons or {}) for row in published.to_dict("records")]
    always = kinds.tautologies(exact_numbers(published))
    frame = pd.DataFrame(rows, columns=list(LEDGER_COLUMNS)).assign(tautology=published["id"].isin(always).to_numpy(), why="")
    ours_as_they_are = pd.Series([row["ours"] for row in rows], dtype=object)  # a whole number stays one
    return frame.assign(ours=ours_as_they_are).astype({"decimals": "Int64", "difference": float, "tolerance": float})


def tolerance(operator: str, number: float, decimals: float) -> float:
    """Largest accepted distance from a printed number: half a unit of its last digit; 5 % for "about"."""
    if operator == "=":
        return float(Fraction(10) ** -int(decimals) / 2)
    return ABOUT * abs(number) if operator == "about" else 0.0


def roundings(rows: pd.DataFrame) -> pd.Series:
    """How far ours is from print, in units of the printed rounding: up to one half rounds to what is printed.

    For "about" the unit is as wide as what is accepted; NaN for bounds, texts, and what has no value.
    """
    return (rows["difference"].abs() / (2 * rows["tolerance"].where(rows["tolerance"] > 0))).astype(float)


def _judged_row(row: Mapping, ours: Mapping[str, object], proofs: Mapping[str, str], reasons: Mapping[str, str]) -> dict:
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
    if value is None and row["value"] in PRINTED_UNDEFINED:
        return NOT_COVERED if missing(ours.get(_companion(row["id"]))) else MATCHES
    if value is None:
        return DIFFERS if why == report.UNDEFINED else NOT_COVERED
    if missing(row["number"]) or isinstance(value, str):
        return MATCHES if value == row["value"] else DIFFERS
    if (verdict := _by_range(row, ours)) is not None:
        return verdict
    return MATCHES if _agrees(row, value) else DIFFERS


def _by_range(row: Mapping, ours: Mapping[str, object]) -> str | None:
    """No verdict where ours has a range over numberings of the nodes that holds the printed value and others besides."""
    low, high = (ours.get(f"{row['id']}_{end}") for end in ("low", "high"))
    if not _SEARCHED.fullmatch(row["id"]) or missing(low) or missing(high) or (_agrees(row, low) and _agrees(row, high)):
        return None
    allowed = tolerance(row["operator"], row["number"], row["decimals"])
    return UNDECIDED if low - allowed <= row["number"] <= high + allowed else DIFFERS


def _agrees(row: Mapping, value: float) -> bool:
    if row["operator"] == "<":
        return value < row["number"]
    if row["operator"] == ">":
        return value > row["number"]
    allowed = tolerance(row["operator"], row["number"], row["decimals"])
    # Binary fractions miss a decimal bound by a few units of the last place; that is not a difference.
    return abs(value - row["number"]) <= allowed + 1e-12 * max(1.0, abs(row["number"]))


def _companion(name: str) -> str:
    """The result that is there whenever the row of `name` was computed, so that null means undefined."""
    parts = name.split(".")
    return ".".join([*parts[:3], "nodes"]) if parts[0] == "rq2" else ".".join([*parts[:2], "count"])


# --- counts of verdicts -----------------------------------------------------------------------------------------------


def sections(rows: pd.DataFrame) -> list[str]:
    """The sections of the rows in the study's order: Abstract, sections, tables."""
    return sorted(rows["section"].unique(), key=_section_order)


def _section_order(name: str) -> tuple:
    numbers = tuple(int(part) for part in re.findall(r"\d+", name))
    return (0 if name == "Abstract" else 1 if name.startswith("§") else 2, numbers)


def verdicts_by_section(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of verdicts by section and kind, then a row `all` for each kind. Columns: section, kind, verdicts, total."""
    table = pd.crosstab([rows["section"], rows["kind"]], rows["verdict"])
    table = table.reindex(columns=list(VERDICTS), fill_value=0).rename_axis(columns=None)
    table = table.assign(total=table.sum(axis=1)).reset_index()
    order = table["section"].map({name: number for number, name in enumerate(sections(rows))})
    place = table["kind"].map(VALUE_KINDS.index)
    table = table.assign(order=order, place=place).sort_values(["order", "place"]).drop(columns=["order", "place"])
    sums = table.groupby("kind").sum(numeric_only=True).reset_index().assign(section="all")
    sums = sums.sort_values("kind", key=lambda kinds: kinds.map(VALUE_KINDS.index))
    return pd.concat([table, sums[table.columns]], ignore_index=True)
