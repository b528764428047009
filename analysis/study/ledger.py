"""The ledger of a run: the study's printed values beside ours (sections 1 and 3-6, Tables 2-9), and their audit.

Reads the results of a run that is done; needs no notebook. What it writes says SYNTHETIC wherever the snapshot is.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis import report, templates
from analysis.covered import Covered
from analysis.labels import LABELS
from analysis.snapshot import PLURAL
from analysis.study import audit, differences, verdicts
from analysis.study.published import VALUE_KINDS, printed_values
from analysis.study.verdicts import (
    DIFFERS,
    IMPOSSIBLE,
    MATCHES,
    NOT_COVERED,
    UNDECIDED,
    VERDICTS,
    WHYS,
    missing,
)

LEDGER_STEP = "ledger"  # what results.json names in place of a notebook
SLUGS = {
    MATCHES: "matches", DIFFERS: "differs", UNDECIDED: "undecided", NOT_COVERED: "not_covered", IMPOSSIBLE: "impossible",
}  # fmt: skip
SHORT = {
    MATCHES: "matches", DIFFERS: "differs", UNDECIDED: "no verdict", NOT_COVERED: "not covered",
    IMPOSSIBLE: "cannot be computed",
}  # fmt: skip
SHOWN_COLUMNS = ("value", "published", "ours", "difference", "tolerance", "kind", "verdict", "why", "note")
Shown = Callable[[report.Report, pd.DataFrame], None]  # emits a view of the ledger
DATA_MARKS = {True: report.SYNTHETIC, False: "observed"}
# What the study prints without saying how it comes about, so that nothing can be computed.
WITHOUT_DEFINITION = {
    "rq3.all.cousage.degree.modes": "No rule says what counts as a cluster: they were seen in a figure.",
}


# --- what is compared -------------------------------------------------------------------------------------------------


def ledger_rows(
    document: Mapping, published: pd.DataFrame | None = None, *, findings: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The ledger of a run (`verdicts.judged`), with a reason, one of `verdicts.WHYS`, for every row that does not match.

    document: results.json. Every verdict is computed here, from the results of the notebooks. findings:
    `audit.audit_findings`, where they are at hand. Kinds are the twin's: data that were not made from the study's values
    are calibrated to none of them, so there what the twin was made to meet, or from, is emergent.
    """
    published = printed_values() if published is None else published
    missing_for = {name: entry["why"] for name, entry in _own(document).items() if entry["value"] is None}
    rows = verdict_rows(document, published, proofs=audit.impossible(published))
    against = is_twin(document["snapshot"]) or _is_of_the_studys_data(document, published)
    if against and findings is None:
        findings = audit.audit_findings(published)
    found = _contradictions(findings) if against else {}
    records = rows.to_dict("records")
    whys = [reason(row, document, published, found) for row in records]
    rule = verdicts.under_the_studys_rule(missing_for)
    rule |= verdicts.unranked({name: entry["value"] for name, entry in _own(document).items()}, published)
    lacks = [rule.get(row["id"]) or missing_for.get(row["id"]) or missing_for.get(relative(row["id"])) for row in records]
    notes = [_note(row, why, lack, found) for row, why, lack in zip(records, whys, lacks, strict=True)]
    return differences.noted(rows.assign(why=whys, note=notes), document["snapshot"])


def verdict_rows(document: Mapping, published: pd.DataFrame, *, proofs: Mapping[str, str]) -> pd.DataFrame:
    """`verdicts.judged` on the results of the notebooks, with the kinds that hold for the snapshot (`ledger_rows`).

    proofs: `audit.impossible`.
    """
    entries = _own(document)
    results = {name: entry["value"] for name, entry in entries.items()} | {"snapshot.month": month(document)}
    lacking = {name: entry["why"] for name, entry in entries.items() if entry["value"] is None}
    lacking |= {name: report.UNDEFINED for name in lacking if report.is_undefined(entries[name])}
    lacking |= verdicts.under_the_studys_rule(lacking)
    rows = verdicts.judged(results, published, proofs=proofs | WITHOUT_DEFINITION, reasons=lacking)
    if is_twin(document["snapshot"]):
        return rows
    return rows.assign(kind=rows["kind"].replace({"calibrated": "emergent", "input": "emergent"}))


def _own(document: Mapping) -> dict[str, Mapping]:
    """The results that the notebooks emitted."""
    return {name: entry for name, entry in document["results"].items() if entry["notebook"] != LEDGER_STEP}


def reason(row: Mapping, document: Mapping, published: pd.DataFrame, contradictions: Mapping[str, str]) -> str:
    """Why a row does not match, one of `verdicts.WHYS`; empty where it matches or is not covered."""
    if row["verdict"] not in (DIFFERS, UNDECIDED, IMPOSSIBLE):
        return ""
    manifest, census, months = document["snapshot"], is_census(document), months_after(document, published)
    checks = {
        "numbering": row["verdict"] == UNDECIDED,
        "definition": row["verdict"] == IMPOSSIBLE,
        "contradiction": row["id"] in contradictions and census and not months,  # else what was looked at differs first
        "convention": any(
            document["parameters"].get(name, default) != default
            for name, default in (("conventions", "corrected"), ("bots", "exclude"), ("identities", "merged"))
        ),
        "ties": _is_tied(row["id"], document["results"]),
        "design": manifest["synthetic"],
        "selection": not census,
        "date": months != 0,
    }
    return next((why for why, holds in checks.items() if holds), "unexplained")


def _is_tied(name: str, results: Mapping) -> bool:
    """Whether the model at this rank has as many as the one before or after it."""
    base, _, part = name.rpartition(".")
    if part != "model" or not (stem := base.rpartition("."))[2].isdigit():
        return False
    unit, rank = "spaces" if name.startswith("rq3") else "committers", int(stem[2])
    here, *others = (results.get(f"{stem[0]}.{near}.{unit}", {}).get("value") for near in (rank, rank - 1, rank + 1))
    return here is not None and here in others


def is_census(document: Mapping) -> bool:
    """Whether the run looks at all repositories of its day of the kinds that it covers; the twin stands for a census."""
    manifest = document["snapshot"]
    coverage = manifest.get("tables", {}).get("repos", {}).get("coverage", {})
    covered = {coverage.get(kind, {}).get("status", "absent") for kind in PLURAL} - {"absent"}
    of_its_day = not document["parameters"].get("as_of")
    return covered == {"complete"} and of_its_day and (is_twin(manifest) or not manifest["synthetic"])


def about(document: Mapping) -> dict:
    """What paper and page say of a run's data beside its values: whether they are a census, of which kinds they are a
    sample, what their source leaves out or counts otherwise. Only a census lacks what was deleted since."""
    manifest = document["snapshot"]
    return {
        "census": is_census(document), "samples": differences.samples(manifest),
        "source_reasons": differences.reasons(manifest),
    }  # fmt: skip


def month(document: Mapping) -> str:
    """Year and month that the run looks at: those of `as_of` where it is given, else of the snapshot."""
    return (document["parameters"].get("as_of") or document["snapshot"]["date"])[:7]


def study_month(published: pd.DataFrame) -> str:
    """Year and month of the study's data, as it prints them."""
    return published.loc[published["id"] == "snapshot.month", "value"].iloc[0]


def months_after(document: Mapping, published: pd.DataFrame) -> int:
    """Months from the study's data to those of the run; negative where the run looks at an earlier time."""
    ours, studys = (pd.Period(text, freq="M") for text in (month(document), study_month(published)))
    return (ours - studys).n


def is_twin(manifest: Mapping) -> bool:
    """Whether the snapshot is the synthetic twin, which was made to meet the calibrated values."""
    return manifest["source"].get("name") == "twin"


def _is_of_the_studys_data(document: Mapping, published: pd.DataFrame) -> bool:
    """Whether the run looks at the Hub itself in the study's month."""
    return not document["snapshot"]["synthetic"] and months_after(document, published) == 0


def _contradictions(findings: pd.DataFrame) -> dict[str, str]:
    """id of a printed value -> the first that the audit has found against it."""
    against = findings[~findings["consistent"].fillna(True)]
    said = "the study contradicts itself: " + against["statement"] + " From its own numbers: " + against["derived"]
    names = against["id"].str.partition(".")[2]
    return dict(zip(names[::-1], said[::-1], strict=True))


def relative(name: str) -> str:
    """The result that is missing for the same reason as one that is emitted only where there is something to emit."""
    parts = name.split(".")
    if parts[0] == "rq3":
        return ".".join([*parts[:3], "models"])
    return ".".join([*parts[:2], "unlicensed_share"]) if "license_share" in parts else name


def _note(row: Mapping, why: str, lack: str | None, contradictions: Mapping[str, str]) -> str:
    parts = [row["note"]]
    if row["verdict"] == NOT_COVERED:
        parts.append(lack)
    if why == "contradiction":
        parts.append(contradictions[row["id"]])
    if row["verdict"] == DIFFERS and row["ours"] is None:
        parts.append(f"ours is undefined: {lack or report.UNDEFINED}")
    return "; ".join(part.rstrip(".") for part in parts if part)


# --- results and files ------------------------------------------------------------------------------------------------


def write_ledger(out_dir: Path, document: Mapping, *, also: Iterable[Shown] = ()) -> pd.DataFrame:
    """Write the ledger's and the audit's tables, `ledger.csv`, and their results as a part of results.json.

    `also` emits further views of the ledger's frame, which is returned.
    """
    published = printed_values()
    findings = audit.audit_findings(published)
    rows = ledger_rows(document, published, findings=findings)
    synthetic = bool(document["snapshot"]["synthetic"])
    writer = report.Report(LEDGER_STEP, out_dir=out_dir, synthetic=synthetic)
    for name, value in ledger_results(document, rows, findings, published).items():
        writer.number(name, value)
    marked = rows.assign(data=DATA_MARKS[synthetic])
    marked.to_csv(out_dir / "ledger.csv", index=False, lineterminator="\n")
    findings.to_csv(out_dir / "tables" / "audit.csv", index=False, lineterminator="\n")
    write_table(writer, "audit", **_audit_table(findings))
    write_table(writer, "ledger_summary", **_summary_table(rows))
    for emit in also:
        emit(writer, rows)
    writer.close()
    return rows


def write_table(writer: report.Report, name: str, *, template: str = "", **shown) -> None:
    """Emit `tables/<name>.tex` from its template in paper/templates, which has its name unless another is given."""
    writer.output("tables", name)
    source = f"templates/{template or name}.tex.j2"
    text = templates.rendered(templates.environment(), source, synthetic=writer.synthetic, **shown)
    (writer.out_dir / "tables" / f"{name}.tex").write_text(text, encoding="utf-8")


def ledger_results(
    document: Mapping, rows: pd.DataFrame, findings: pd.DataFrame, published: pd.DataFrame
) -> dict[str, object]:
    """What the ledger and the audit add to results.json: id -> value.

    The results that follow from others; `ledger.<kind>.<verdict>` and further counts (`verdict_counts`, `why_counts`),
    kind being one of `VALUE_KINDS` or all; `audit.*` as `audit.outcome_counts` and `audit.quantities` name them.
    """
    own = {name: entry["value"] for name, entry in _own(document).items()}
    after = months_after(document, published)
    return {
        **verdicts.derived(own, published["id"]),
        "snapshot.month": month(document),
        "ledger.study_month": study_month(published),
        "ledger.months_after": after,
        "ledger.months_apart": abs(after),
        **{f"ledger.{name}": value for name, value in verdict_counts(rows).items()},
        "ledger.emergent.matching.share": _matching_share(rows, document),
        **{f"ledger.{name}": value for name, value in why_counts(rows).items()},
        **{f"audit.{name}": value for name, value in audit.outcome_counts(findings).items()},
        **{f"audit.{name}": value for name, value in audit.quantities(published).items()},
    }


def verdict_counts(rows: pd.DataFrame) -> dict[str, int]:
    """Counts of verdicts as `<kind>.<verdict>`, of all kinds as `all.<verdict>`; also total and compared (with a verdict).

    `tautologies.total` counts the values that any Hub gives.
    """
    found: dict[str, int] = {}
    for kind in (*VALUE_KINDS, "all"):
        of_kind = rows if kind == "all" else rows[rows["kind"] == kind]
        counts = {SLUGS[verdict]: int((of_kind["verdict"] == verdict).sum()) for verdict in VERDICTS}
        counts |= {"total": len(of_kind), "compared": counts["matches"] + counts["differs"]}
        found |= {f"{kind}.{name}": count for name, count in counts.items()}
    return found | {"tautologies.total": int(rows["tautology"].sum())}


def _matching_share(rows: pd.DataFrame, document: Mapping) -> float | Covered:
    """The share that matches of the emergent values with a verdict: of no other kind, and not where there is no census."""
    known = rows.loc[(rows["kind"] == "emergent") & rows["verdict"].isin([MATCHES, DIFFERS]), "verdict"]
    if not is_census(document):
        return Covered(None, empty={"": "the snapshot is no census, so a share of matches would say nothing"})
    return int((known == MATCHES).sum()) / len(known) if len(known) else Covered(None, empty={"": "no value is compared"})


def why_counts(rows: pd.DataFrame) -> dict[str, int]:
    """How many rows do not match for each reason, as `why.<reason>`."""
    return {f"why.{why}": int((rows["why"] == why).sum()) for why in WHYS}


def _summary_table(rows: pd.DataFrame) -> dict:
    """Counts of verdicts by kind, and their sums."""
    kinds, found = (pd.Categorical(rows[c], words) for c, words in (("kind", VALUE_KINDS), ("verdict", VERDICTS)))
    counts = pd.crosstab(kinds, found, dropna=False)
    lines = list(zip(map(str, counts.index), counts.to_numpy().tolist(), strict=True))
    return {"kinds": lines, "sums": counts.sum().tolist()}


def _audit_table(findings: pd.DataFrame) -> dict:
    """What contradicts, what is left open, and the group sizes, which matter though they contradict nothing."""
    consistent = findings["consistent"]
    findings = findings.replace({rf"\b{variable}\b": words for variable, words in LABELS.items()}, regex=True)
    blocks = {
        "The printed values contradict each other": findings[~consistent.fillna(True)],
        "The printed values do not decide": findings[consistent.isna()],
        "The printed values agree": findings[consistent.fillna(False) & findings["id"].str.startswith("groups.")],
    }
    assumptions = [text for text in pd.concat(blocks.values())["assumption"].unique() if text]
    letters = {text: chr(ord("a") + number) for number, text in enumerate(assumptions)}
    shown = [(title, block.to_dict("records")) for title, block in blocks.items()]
    return {"blocks": shown, "letters": {"": ""} | letters}


def select_rows(rows: pd.DataFrame, *, verdict: str = "", section: str = "") -> pd.DataFrame:
    """Rows of a verdict (as in `SLUGS`) and of a section: `4.1` with what it holds, `Table 6`, `Abstract`.

    A value printed at several places belongs to each of them.
    """
    if verdict:
        names = {slug: name for name, slug in SLUGS.items()}
        rows = rows[rows["verdict"] == names[verdict]]
    if section:
        rows = rows[[_stands_in(place, section) for place in rows["place"]]]
    return rows


def _stands_in(place: str, section: str) -> bool:
    wanted = section.casefold().removeprefix("§").strip()
    places = [part.split(",")[0].strip().casefold().removeprefix("§") for part in place.split(";")]
    return any(part == wanted or part.startswith(f"{wanted}.") for part in places)


# --- how it is shown --------------------------------------------------------------------------------------------------


def as_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """The ledger as texts, in the columns `SHOWN_COLUMNS`; ours and the difference with two decimals more than printed."""
    cells = [_cells(row) for row in rows.to_dict("records")]
    return pd.DataFrame(cells, columns=list(SHOWN_COLUMNS), index=rows.index)


def _cells(row: Mapping) -> dict[str, str]:
    number = not missing(row["decimals"])
    decimals = int(row["decimals"]) if number else 0
    operator = "" if row["operator"] == "=" else f"{row['operator']} "
    return {
        "value": row["id"] or "(no result)",
        "published": operator + (f"{float(row['published']):,.{decimals}f}" if number else row["published"]),
        "ours": _ours(row["ours"], decimals),
        "difference": "" if missing(row["difference"]) else _signed(row["difference"], decimals),
        "tolerance": _tolerance(row["tolerance"]),
        "kind": row["kind"],
        "verdict": SHORT[row["verdict"]],
        "why": row["why"],
        "note": row["note"],
    }


def _tolerance(value: float) -> str:
    """Without trailing zeros; empty for a bound, which has none."""
    return "" if missing(value) or not value else f"{value:,.8f}".rstrip("0").rstrip(".")


def _ours(value: object, decimals: int) -> str:
    if missing(value):
        return "--"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else _number(value, decimals + 2)


def _number(value: float, decimals: int) -> str:
    if value and abs(value) < 10**-decimals:
        return f"{value:.1e}"
    if float(value).is_integer() and abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:,.{decimals}f}"


def _signed(value: float, decimals: int) -> str:
    if not value:
        return "0"
    return ("+" if value > 0 else "") + _number(value, 0 if float(value).is_integer() else decimals + 2)


def heading(document: Mapping) -> str:
    """The ledger's heading, which says SYNTHETIC where the manifest does."""
    manifest = document["snapshot"]
    as_of = f", as of {document['parameters']['as_of']}" if document["parameters"].get("as_of") else ""
    mark = f"{report.SYNTHETIC}: " if manifest["synthetic"] else ""
    return f"{mark}published values and snapshot {manifest['name']}{as_of}"


def expectation(document: Mapping) -> str:
    """What to expect of a run's verdicts, in a line, from what its snapshot is."""
    manifest = document["snapshot"]
    if not manifest["synthetic"]:
        return (
            f"{manifest['name']} is of {manifest['date']}, the study of October 2023: where their days or what they cover "
            "differ, values will, and the ledger says why"
        )
    if manifest["source"].get("name") == "twin":
        return (
            f"{manifest['name']} is made from the study's own aggregates: what is calibrated matches by construction, which "
            "proves nothing"
        )
    return f"{manifest['name']} is invented: nothing here should match; what does is arithmetic (implied, parameter) or chance"
