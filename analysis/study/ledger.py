"""The ledger of a run: the study's printed values beside ours (sections 1 and 3-6, Tables 2-9), and their audit.

Reads the results of a run that is done; needs no notebook. What it writes says SYNTHETIC wherever the snapshot is.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from analysis import report
from analysis.study import audit, published
from analysis.study.published import DIFFERS, IMPOSSIBLE, MATCHES, NOT_COVERED, VERDICTS

STEP = "ledger"  # what results.json names in place of a notebook
SLUGS = {MATCHES: "matches", DIFFERS: "differs", NOT_COVERED: "not_covered", IMPOSSIBLE: "impossible"}
SHORT = {MATCHES: "matches", DIFFERS: "differs", NOT_COVERED: "not covered", IMPOSSIBLE: "cannot be computed"}
COLUMNS = ("value", "published", "ours", "difference", "tolerance", "kind", "verdict", "note")
MARKS = {True: report.SYNTHETIC, False: "observed"}


# --- what is compared -------------------------------------------------------------------------------------------------


def ledger(
    document: Mapping, values: pd.DataFrame | None = None, *, findings: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The ledger of a run (`published.ledger`), with a reason in the note of every row that differs.

    document: results.json. Every verdict is computed here, from the results of the notebooks. findings:
    `audit.findings`, where they are at hand.
    """
    values = published.load() if values is None else values
    entries = {name: entry for name, entry in document["results"].items() if entry["notebook"] != STEP}
    results = {name: entry["value"] for name, entry in entries.items()} | {"snapshot.month": month(document)}
    whys = {name: entry["why"] for name, entry in entries.items() if entry["value"] is None}
    proofs = audit.impossible(values) | published.WITHOUT_DEFINITION
    rows = published.ledger(results, values, proofs=proofs, reasons=whys)
    against = is_twin(document["snapshot"]) or _is_of_the_studys_data(document, values)
    if against and findings is None:
        findings = audit.findings(values)
    found = _contradictions(findings) if against else {}
    general = general_reasons(document, values)
    notes = [
        _note(row, whys.get(row["id"]) or whys.get(relative(row["id"])), found.get(row["id"]), general[row["kind"]])
        for row in rows.to_dict("records")
    ]
    return rows.assign(note=notes)


def month(document: Mapping) -> str:
    """Year and month that the run looks at: those of `as_of` where it is given, else of the snapshot."""
    return (document["parameters"].get("as_of") or document["snapshot"]["date"])[:7]


def study_month(values: pd.DataFrame) -> str:
    """Year and month of the study's data, as it prints them."""
    return values.loc[values["id"] == "snapshot.month", "value"].iloc[0]


def months_after(document: Mapping, values: pd.DataFrame) -> int:
    """Months from the study's data to those of the run; negative where the run looks at an earlier time."""
    year, number = (
        int(a) - int(b) for a, b in zip(month(document).split("-"), study_month(values).split("-"), strict=True)
    )
    return 12 * year + number


def is_twin(manifest: Mapping) -> bool:
    """Whether the snapshot is the synthetic twin, which was made to meet the calibrated values."""
    return manifest["source"].get("name") == "twin"


def _is_of_the_studys_data(document: Mapping, values: pd.DataFrame) -> bool:
    """Whether the run looks at the Hub itself in the study's month."""
    return not document["snapshot"]["synthetic"] and months_after(document, values) == 0


def _contradictions(findings: pd.DataFrame) -> dict[str, str]:
    """id of a printed value -> what the audit has found against it."""
    against = findings[~findings["consistent"].fillna(True)]
    found: dict[str, str] = {}
    for row in against.to_dict("records"):
        name = row["id"].split(".", 1)[1]
        found.setdefault(
            name, f"the study contradicts itself: {row['statement']} From its own numbers: {row['derived']}"
        )
    return found


def relative(name: str) -> str:
    """The result that is missing for the same reason as one that is emitted only where there is something to emit."""
    parts = name.split(".")
    if parts[0] == "rq3":
        return ".".join([*parts[:3], "models"])
    return ".".join([*parts[:2], "unlicensed_share"]) if "license_share" in parts else name


def _note(row: Mapping, why: str | None, contradiction: str | None, general: str) -> str:
    parts = [row["note"]]
    if row["verdict"] == NOT_COVERED:
        parts.append(why)
    if row["verdict"] == DIFFERS:
        parts.append(contradiction or general)
        if row["ours"] is None:
            parts.append(f"ours is undefined: {report.UNDEFINED}")
    return "; ".join(part.rstrip(".") for part in parts if part)


def general_reasons(document: Mapping, values: pd.DataFrame) -> dict[str, str]:
    """Kind -> why a value of this kind may differ in this run, where nothing more is known of it."""
    return {kind: _general(kind, document, values) for kind in published.KINDS}


def _general(kind: str, document: Mapping, values: pd.DataFrame) -> str:
    manifest = document["snapshot"]
    if is_twin(manifest) and kind == "emergent":
        return "emergent: the twin was not made to meet it"
    if is_twin(manifest):
        return "the twin was made to meet it and misses it"
    if manifest["synthetic"]:
        return "invented data, which were not made to meet it"
    if months_after(document, values):
        return f"data of {month(document)}, the study's are of {study_month(values)}"
    return "other data than the study's, which are not public"


# --- results and files ------------------------------------------------------------------------------------------------


def write(out_dir: Path, document: Mapping) -> None:
    """Write the ledger's and the audit's tables, `ledger.csv`, and their results as a part of results.json."""
    values = published.load()
    findings = audit.findings(values)
    rows = ledger(document, values, findings=findings)
    synthetic = bool(document["snapshot"]["synthetic"])
    writer = report.Report(STEP, out_dir=out_dir, synthetic=synthetic)
    for name, value in results(document, rows, findings, values).items():
        writer.number(name, value)
    for name in ("audit", "ledger", "ledger_summary"):
        writer.output("tables", name)
    writer.close()
    marked = rows.assign(data=MARKS[synthetic])
    marked.to_csv(out_dir / "ledger.csv", index=False, lineterminator="\n")
    tables = out_dir / "tables"
    (tables / "ledger.tex").write_text(
        _ledger_tex(rows, general_reasons(document, values), synthetic=synthetic), encoding="utf-8"
    )
    (tables / "ledger_summary.tex").write_text(_summary_tex(rows, synthetic=synthetic), encoding="utf-8")
    (tables / "audit.tex").write_text(_audit_tex(findings), encoding="utf-8")
    findings.to_csv(tables / "audit.csv", index=False, lineterminator="\n")


def results(document: Mapping, rows: pd.DataFrame, findings: pd.DataFrame, values: pd.DataFrame) -> dict[str, object]:
    """What the ledger and the audit add to results.json: id -> value.

    The results that follow from others; `ledger.<kind>.<verdict>` and further counts, kind being calibrated,
    emergent or all; `audit.*` as `audit.counts` and `audit.quantities` name them.
    """
    own = {name: entry["value"] for name, entry in document["results"].items() if entry["notebook"] != STEP}
    after = months_after(document, values)
    return {
        **published.derived(own, values["id"]),
        "snapshot.month": month(document),
        "ledger.study_month": study_month(values),
        "ledger.months_after": after,
        "ledger.months_apart": abs(after),
        **{f"ledger.{name}": value for name, value in verdict_counts(rows).items()},
        **{f"audit.{name}": value for name, value in audit.counts(findings).items()},
        **{f"audit.{name}": value for name, value in audit.quantities(values).items()},
    }


def verdict_counts(rows: pd.DataFrame) -> dict[str, float]:
    """Counts of verdicts as `<kind>.<verdict>`; also total, compared (matches or differs) and matching.share of these."""
    found: dict[str, float] = {}
    for kind in (*published.KINDS, "all"):
        of_kind = rows if kind == "all" else rows[rows["kind"] == kind]
        counts = {SLUGS[verdict]: int((of_kind["verdict"] == verdict).sum()) for verdict in VERDICTS}
        compared = counts["matches"] + counts["differs"]
        counts |= {"total": len(of_kind), "compared": compared}
        found |= {f"{kind}.{name}": count for name, count in counts.items()}
        found[f"{kind}.matching.share"] = counts["matches"] / compared if compared else None
    return found


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of verdicts by section and kind, with a row of sums for each kind (`published.summary`)."""
    by_section = published.summary(rows)
    sums = by_section.groupby("kind", sort=True).sum(numeric_only=True).reset_index().assign(section="all")
    return pd.concat([by_section, sums[by_section.columns]], ignore_index=True)


def select(rows: pd.DataFrame, *, verdict: str = "", section: str = "") -> pd.DataFrame:
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


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The ledger as texts, in the columns `COLUMNS`; ours and the difference with two decimals more than were printed."""
    cells = [_cells(row) for row in rows.to_dict("records")]
    return pd.DataFrame(cells, columns=list(COLUMNS), index=rows.index)


def _cells(row: Mapping) -> dict[str, str]:
    decimals = 0 if published.missing(row["decimals"]) else int(row["decimals"])
    operator = "" if row["operator"] == "=" else f"{row['operator']} "
    number = not published.missing(row["decimals"])
    return {
        "value": row["id"] or "(no result)",
        "published": operator + (f"{float(row['published']):,.{decimals}f}" if number else row["published"]),
        "ours": _ours(row["ours"], decimals),
        "difference": "" if published.missing(row["difference"]) else _signed(row["difference"], decimals),
        "tolerance": _tolerance(row["tolerance"]),
        "kind": row["kind"],
        "verdict": SHORT[row["verdict"]],
        "note": row["note"],
    }


def _tolerance(value: float) -> str:
    """Without trailing zeros; empty for a bound, which has none."""
    return "" if published.missing(value) or not value else f"{value:,.8f}".rstrip("0").rstrip(".")


def _ours(value: object, decimals: int) -> str:
    if published.missing(value):
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


def _by_section(rows: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    order = published.summary(rows)["section"].drop_duplicates()
    return ((name, rows[rows["section"] == name]) for name in order)


def heading(document: Mapping) -> str:
    """The ledger's heading, which says SYNTHETIC where the manifest does."""
    manifest = document["snapshot"]
    as_of = f", as of {document['parameters']['as_of']}" if document["parameters"].get("as_of") else ""
    mark = f"{report.SYNTHETIC}: " if manifest["synthetic"] else ""
    return f"{mark}published values and snapshot {manifest['name']}{as_of}"


_LEDGER_LAYOUT = r"@{}>{\raggedright\arraybackslash}p{4.7cm}>{\raggedright\arraybackslash}p{1.7cm}" + (
    r">{\raggedright\arraybackslash}p{1.7cm}rrl>{\raggedright\arraybackslash}p{1.55cm}@{}"
)
_LEDGER_HEADER = r"\emitted{ledger}{table-ledger}{Result} & Published & Ours & Difference & Tolerance & Kind & Verdict"
_SYNTHETIC_LINE = r"\multicolumn{%d}{@{}l@{}}{\textbf{%s: not an observation of the Hub}}"


def _ledger_tex(rows: pd.DataFrame, general: Mapping[str, str], *, synthetic: bool) -> str:
    """A longtable of the whole ledger: a block a section, a note under the row it belongs to.

    The reason that holds for all values of a kind that differ is given once, at the top.
    """
    said = "; ".join(dict.fromkeys(general.values()))
    lines = [
        rf"\multicolumn{{7}}{{@{{}}p{{15.8cm}}@{{}}}}{{Where a value differs and no note says why: {_tex(said)}.}}\\"
    ]
    for section, part in _by_section(rows):
        lines.append(rf"\multicolumn{{7}}{{@{{}}l@{{}}}}{{\rule{{0pt}}{{3.2ex}}\textbf{{{_tex(section)}}}}}\\*")
        for cells in shown(part).to_dict("records"):
            own = cells["note"].removesuffix(general[cells["kind"]]).removesuffix("; ")
            first, *others = (_tex(cells[column]) for column in COLUMNS if column != "note")
            row = " & ".join([report.linked(cells["value"], first), *others])
            note = rf"\multicolumn{{7}}{{@{{\hspace{{1em}}}}p{{15.4cm}}@{{}}}}{{\emph{{{_tex(own)}}}}}"
            lines += [rf"{row}\\*", rf"{note}\\"] if own else [rf"{row}\\"]
    return _longtable(_LEDGER_LAYOUT, _LEDGER_HEADER, lines, columns=7, synthetic=synthetic)


def _longtable(
    layout: str, header: str, lines: list[str], *, columns: int, caption: str = "", synthetic: bool = False
) -> str:
    """A longtable; `caption` names the command of the paper that sets it, on the first page alone."""
    mark = [_SYNTHETIC_LINE % (columns, report.SYNTHETIC) + r"\\"] if synthetic else []
    repeated = [r"\toprule", *mark, rf"{header}\\", r"\midrule"]
    first = [caption, *repeated, r"\endfirsthead"] if caption else []
    head = [*first, *repeated, r"\endhead", r"\bottomrule", r"\endfoot"]
    return "\n".join([rf"\begin{{longtable}}{{{layout}}}", *head, *lines, r"\end{longtable}"]) + "\n"


def _summary_tex(rows: pd.DataFrame, *, synthetic: bool) -> str:
    """A row a section; the verdicts of calibrated and of emergent values apart, with their sums."""
    counts = {
        section: [
            int(((part["kind"] == kind) & (part["verdict"] == verdict)).sum())
            for kind in published.KINDS
            for verdict in VERDICTS
        ]
        for section, part in _by_section(rows)
    }
    body = [_counts_tex(_tex(section), numbers) for section, numbers in counts.items()]
    sums = [sum(column) for column in zip(*counts.values(), strict=True)]
    kinds = " & ".join(rf"\multicolumn{{4}}{{c}}{{{kind}}}" for kind in published.KINDS)
    verdicts = " & ".join(["matches", "differs", "not cov.", "cannot"] * 2)
    mark = [_SYNTHETIC_LINE % (9, report.SYNTHETIC) + r"\\"] if synthetic else []
    lines = [
        r"\begin{tabular}{@{}lrrrrrrrr@{}}", r"\toprule", *mark, rf" & {kinds}\\",
        r"\cmidrule(lr){2-5}\cmidrule(l){6-9}", rf"Section & {verdicts}\\", r"\midrule", *body, r"\midrule",
        _counts_tex("All", sums), r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    return report.emitted_tex(STEP, report.anchor("table", "ledger_summary"), "\n".join(lines) + "\n")


def _counts_tex(label: str, counts: list[int]) -> str:
    return " & ".join([label, *(f"{count:,}".replace(",", "{,}") if count else "" for count in counts)]) + r"\\"


_AUDIT_LAYOUT = (
    r"@{}>{\raggedright\arraybackslash}p{2.3cm}>{\raggedright\arraybackslash}p{5.3cm}"
    r">{\raggedright\arraybackslash}p{2.4cm}>{\raggedright\arraybackslash}p{4cm}l@{}"
)
_SETTLED = "groups."  # a check whose outcome matters though it contradicts nothing


def _audit_tex(findings: pd.DataFrame) -> str:
    """A longtable of the findings that contradict or leave open, and of the group sizes; assumptions as letters."""
    against = ~findings["consistent"].fillna(True)
    opened = findings["consistent"].isna()
    settled = findings["consistent"].fillna(False) & findings["id"].str.startswith(_SETTLED)
    blocks = {
        "The printed values contradict each other": findings[against],
        "The printed values do not decide": findings[opened],
        "The printed values agree": findings[settled],
    }
    chosen = pd.concat(blocks.values())
    assumptions = [text for text in dict.fromkeys(chosen["assumption"]) if text]
    letter = {text: chr(ord("a") + number) for number, text in enumerate(assumptions)}
    lines = []
    for title, block in blocks.items():
        if len(block):
            lines.append(rf"\multicolumn{{5}}{{@{{}}l@{{}}}}{{\rule{{0pt}}{{3.2ex}}\textbf{{{title}}}}}\\*")
        for row in block.to_dict("records"):
            cells = [_tex(row["place"]), *(_thousands(row[c]) for c in ("statement", "published", "derived"))]
            lines.append(" & ".join([*cells, letter.get(row["assumption"], "")]) + r"\\[2pt]")
    lines.append(r"\multicolumn{5}{@{}l@{}}{\rule{0pt}{3.2ex}\textbf{Assumptions}}\\*")
    lines += [
        rf"\multicolumn{{5}}{{@{{}}p{{15.8cm}}@{{}}}}{{({mark}) {_tex(text)}.}}\\" for text, mark in letter.items()
    ]
    header = r"\emitted{ledger}{table-audit}{Where} & What is asked & Published & What follows & Assumes"
    return _longtable(_AUDIT_LAYOUT, header, lines, columns=5, caption=r"\auditcaption")


def _thousands(text: str) -> str:
    """A sentence as LaTeX, its large whole numbers with separators."""
    return re.sub(r"(?<![\d.])\d{5,}(?![\d.]\d)", lambda found: f"{int(found[0]):,}".replace(",", "{,}"), _tex(text))


def _tex(text: str) -> str:
    """Text of ours, with names from results in it, as LaTeX; an id or a name may break after its dots and strokes."""
    if not text or text == "--":
        return text
    escaped = r"\S\,".join(report.latex_sentence(part) for part in text.split("§"))
    if " " not in text and any(character.isalpha() for character in text):
        for stroke in (r"\_", ".", "/", "-"):
            escaped = escaped.replace(stroke, rf"{stroke}\allowbreak{{}}")
    return "$-$" + escaped[1:] if text.startswith("-") else escaped
