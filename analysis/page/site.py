"""The page of a run: what a reviewer opens first, and where every number of the paper leads (all sections).

Made of what lies in the directory of the run, never of the snapshot: results.json, the executed notebooks, figures and
tables. It is static, asks for nothing from a network, and its files may be moved together with that directory. Strangers'
text is escaped by Jinja2; what would change the direction or the lines of a text is shown as its code point.
"""

import inspect
import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Set
from importlib import resources
from pathlib import Path

import jinja2
import nbformat
import pandas as pd
from markupsafe import Markup
from nbconvert import HTMLExporter

from analysis import beside, directories, paths, report, templates
from analysis.page import colophon, drawing, explain, provenance
from analysis.parameters import Parameters
from analysis.study import audit, facsimile, ledger, published, verdict_map, verdicts
from analysis.study.words import in_words
from analysis.text import clean, visible

ASSETS = paths.PAPER / "site"
TITLE = "Development activity on the Hugging Face Hub"
LONGEST_ID = 120  # characters of a result's id that a page shows
KINDS = {"results": "result", "figures": "figure", "tables": "table"}  # of what is emitted, and of their anchors

# What is made after the notebooks: the page shows the functions in place of cells. Which results are whose follows from
# the beginning of their ids; tables and what is left belong to the first.
STEPS: dict[str, tuple[str, list[tuple[tuple[str, ...], list[Callable]]]]] = {
    ledger.LEDGER_STEP: (
        "After the notebooks: the ledger and the audit",
        list(explain.BEHIND),
    ),
    colophon.STEP: (
        "After the notebooks: what the paper says of its run",
        [((), [colophon.write, colophon.coverage, colophon.left_out, colophon.colophon])],
    ),
    beside.STEP: ("After the notebooks: the snapshot beside this one", list(explain.BESIDE)),
}


def build(out_dir: Path, *, paper_follows: bool = False) -> Path:
    """Write `site/` into the directory of a run whose results are collected; returns its `index.html`.

    An earlier page is replaced, in a directory that a run made. A link to the PDF is there if the PDF is, or if it is
    being made (`paper_follows`).
    """
    document = json.loads((out_dir / "results.json").read_text(encoding="utf-8"))
    directories.remove(out_dir, "site")
    site = out_dir / "site"
    (site / "notebooks").mkdir(parents=True)
    (site / "assets").mkdir()
    _write_assets(site / "assets")
    drawings = drawing.of_run(out_dir, document["outputs"]["figures"])
    pages = _notebook_pages(out_dir, document, drawings)
    findings = audit.audit_findings()
    rows = ledger.ledger_rows(document, findings=findings)
    made = _environment(document, rows, explain.in_one_line(document, out_dir))
    for page in pages:
        html = templates.rendered(made, "notebook.html.j2", page=page, pages=pages, root="../")
        _write(site / "notebooks" / f"{page['name']}.html", html)
    shown = _ledger(document, rows, findings) | _files(out_dir, paper_follows) | _about(out_dir, document)
    html = templates.rendered(made, "index.html.j2", pages=pages, drawings=drawings, root="", **shown)
    _write(site / "index.html", html)
    return site / "index.html"


def _write(file: Path, html: str) -> None:
    """The one place that writes HTML: no control or invisible character reaches it, wherever the text came from."""
    file.write_text(visible(html, keep="\n\t"), encoding="utf-8")


def _breakable(name: str) -> Markup:
    """An id that a line may break within."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])", clean(name, longest=LONGEST_ID)))


def _environment(document: Mapping, rows: pd.DataFrame, definitions: Mapping[str, str]) -> jinja2.Environment:
    snapshot = document["snapshot"]
    printed = facsimile.beside(rows)
    words = templates.HtmlWords(document["results"], printed, _previews(document["results"], printed, definitions))
    made = templates.environment(
        words, address=templates.address, anchor=report.anchor, title=TITLE,
        synthetic=bool(snapshot["synthetic"]), snapshot=snapshot, parameters=document["parameters"],
        before_dates=Parameters(**document["parameters"]).before_dates, results=document["results"],
        chosen=templates.chosen(snapshot),
        **ledger.about(document),
    )  # fmt: skip
    made.filters["breakable"] = _breakable
    return made


def _previews(results: Mapping, printed: Mapping[str, tuple[str, str]], definitions: Mapping[str, str]) -> dict[str, str]:
    """id -> what a number's preview says: the value in words, ours unrounded, the study's with the verdict, the definition."""
    made = {}
    for name, entry in results.items():
        value = entry["value"]
        ours = f"no value: {entry['why']}" if value is None else clean(value)
        study = f"{printed[name][0]}: {printed[name][1]}" if name in printed else "prints no such value"
        title = clean(in_words(name), longest=LONGEST_ID)
        made[name] = "\n".join(filter(None, (title, f"Ours: {ours}", f"Study: {study}", definitions.get(name))))
    return made


# --- the notebooks ----------------------------------------------------------------------------------------------------


def _notebook_pages(out_dir: Path, document: Mapping, drawings: Mapping[str, Markup]) -> list[dict]:
    """One entry a notebook, those of the questions first, then the steps after them: name, title, body, figures, count."""
    executed = {path.stem: path for path in sorted((out_dir / "notebooks").glob("*.ipynb"))}
    names = sorted(executed, key=lambda name: (not name.startswith("rq"), name))
    where = {"project": provenance.web_address(provenance.remote()), "commit": colophon.commit()}
    notebooks = {name: _notebook(name, executed[name], document, where, set(drawings)) for name in names}
    notebooks |= {name: _step(name, document, where) for name in STEPS if _emitted(name, document)}
    exporter = HTMLExporter(template_name="cells", extra_template_basedirs=[str(ASSETS)], exclude_anchor_links=True)
    return [_page(name, notebook, exporter, document, drawings) for name, notebook in notebooks.items()]


def _page(
    name: str, notebook: nbformat.NotebookNode, exporter: HTMLExporter, document: Mapping, drawings: Mapping[str, Markup]
) -> dict:
    heading, _, lead = notebook.cells[0].source.partition("\n")
    body, _ = exporter.from_notebook_node(notebook)
    figures = [
        {"name": figure, **entry}
        for figure, entry in document["outputs"]["figures"].items()
        if entry["notebook"] == name
    ]
    return {
        "name": name,
        "title": heading.lstrip("# ").strip(),
        "lead": " ".join(lead.split()),
        "body": drawing.placed(visible(body, keep="\n\t"), drawings),  # cells show strangers' text as it is
        "figures": sorted(figures, key=lambda figure: (figure["cell"] or 0, figure["name"])),
        "results": sum(entry["notebook"] == name for entry in document["results"].values()),
        "step": name in STEPS,
        "findings": f"questions/{name}.html.j2",
    }


def _notebook(
    name: str, path: Path, document: Mapping, where: Mapping, drawn: Set[str]
) -> nbformat.NotebookNode:
    """The executed notebook; each cell knows what it emitted and which lines of the source it is, and shows its drawings."""
    notebook = nbformat.read(path, as_version=4)
    emitted = _emitted(name, document)
    lines = iter(provenance.cell_lines(paths.NOTEBOOKS / f"{name}.py"))
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):  # papermill's cell, which no source has
            continue
        place = next(lines, None)
        if cell.cell_type == "code" and place:
            cell.metadata["source"] = provenance.source(f"notebooks/{name}.py", place, **where)._asdict()
            cell.metadata["emitted"] = [e for e in emitted if e["cell"] == cell.execution_count]
            _draw(cell, drawn)
    return notebook


def _draw(cell: nbformat.NotebookNode, drawn: Set[str]) -> None:
    """Give the place of a cell's image to its drawing."""
    names = [one["name"] for one in cell.metadata["emitted"] if one["kind"] == "figure" and one["name"] in drawn]
    for output in cell.outputs:
        if names and "image/png" in output.get("data", {}):
            output.data = nbformat.from_dict({"text/html": drawing.place(names.pop(0))})


def _step(name: str, document: Mapping, where: Mapping) -> nbformat.NotebookNode:
    """What is made after the notebooks, in the form of one: functions as cells, with what they emit."""
    title, blocks = STEPS[name]
    said = "These values are made after the notebooks, by the functions below."
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\n{said}", id=f"{name}-0".replace("_", "-"))]
    left = _emitted(name, document)
    for number, (prefixes, functions) in reversed(list(enumerate(blocks))):
        # The first block, which is the last to choose, takes what is left.
        own = [e for e in left if not number or (e["kind"] == "result" and e["name"].startswith(prefixes))]
        left = [e for e in left if e not in own]
        for function in reversed(functions):
            first = function is functions[0]
            cell = nbformat.v4.new_code_cell(
                inspect.getsource(function).rstrip(), id=function.__name__.replace("_", "-")
            )
            cell.metadata |= {"source": _source_of(function, where), "emitted": own if first else []}
            cells.insert(1, cell)
    return nbformat.v4.new_notebook(cells=cells)


def _source_of(function: Callable, where: Mapping) -> dict:
    text, first = inspect.getsourcelines(function)
    path = Path(inspect.getsourcefile(function)).resolve().relative_to(paths.ROOT).as_posix()
    return provenance.source(path, (first, first + len(text) - 1), **where)._asdict()


def _emitted(notebook: str, document: Mapping) -> list[dict]:
    """What a notebook emitted, results first: kind, name, anchor, cell, shown (the value as printed)."""
    words = templates.HtmlWords(document["results"])
    everything = {"results": document["results"], **document["outputs"]}
    return [
        {
            "kind": KINDS[kind],
            "name": clean(name, longest=LONGEST_ID),
            "anchor": report.anchor(KINDS[kind], name),
            "cell": entry["cell"],
            "shown": words.text(name) if kind == "results" else "",
        }
        for kind in ("figures", "tables", "results")
        for name, entry in everything[kind].items()
        if entry["notebook"] == notebook
    ]


# --- what the index shows ---------------------------------------------------------------------------------------------


def _ledger(document: Mapping, rows: pd.DataFrame, findings: pd.DataFrame) -> dict:
    """The ledger's rows and sections, counts of its verdicts by kind, the audit's findings."""
    words = templates.HtmlWords(document["results"])
    texts = ledger.as_texts(rows)
    away = verdicts.roundings(rows)
    shown = [
        {
            **text,
            "number": number,
            "words": clean(in_words(row["id"]), longest=LONGEST_ID),
            "roundings": "" if pd.isna(far) else f"{far:.1f}" if far < 10 else f"{far:,.0f}",
            "href": words.place(row["id"]),
            "place": row["place"],
            "sections": [published.section_of(part.strip()) for part in row["place"].split(";")],
            "order": {column: _order(row[column]) for column in ("published", "ours")} | {"roundings": _order(far)},
        }
        for number, (row, text, far) in enumerate(
            zip(rows.to_dict("records"), texts.to_dict("records"), away, strict=True)
        )
    ]
    shown.sort(key=_telling)
    sections = verdicts.sections(rows)
    sections += sorted({name for row in shown for name in row["sections"]} - set(sections))
    outcomes = findings["consistent"].map({True: "agree", False: "contradict", None: "leave open"}).fillna("leave open")
    return {
        "ledger": shown,
        "sections": sections,
        "map": verdict_map.drawing(rows),
        "by_section": verdicts.verdicts_by_section(rows).to_dict("records"),
        "verdicts": [(ledger.SHORT[verdict], slug, verdict) for verdict, slug in ledger.SLUGS.items()],
        "kinds": [kind for kind in published.VALUE_KINDS if (rows["kind"] == kind).any()],
        "whys": {why: words for why, words in verdicts.WHYS.items() if (rows["why"] == why).any()},
        "audit": findings.drop(columns="consistent").assign(outcome=outcomes).to_dict("records"),
        "outcomes": ("contradict", "leave open", "agree"),
    }


def _telling(row: Mapping) -> tuple[bool, int]:
    """What a reader looks for first: values that could have come out otherwise, and of them those that did."""
    ranks = (verdicts.DIFFERS, verdicts.IMPOSSIBLE, verdicts.UNDECIDED, verdicts.MATCHES, verdicts.NOT_COVERED)
    return row["kind"] != "emergent", [ledger.SHORT[verdict] for verdict in ranks].index(row["verdict"])


def _order(value: object) -> float | str:
    """What a column of numbers is sorted by; texts among them stand together."""
    number = pd.to_numeric(value, errors="coerce")
    return "" if verdicts.missing(number) else float(number)


def _files(out_dir: Path, paper_follows: bool) -> dict:
    """What may be downloaded, as addresses from the index; and the data of figures and tables."""
    return {
        "pdf": "../paper.pdf" if paper_follows or (out_dir / "paper.pdf").exists() else "",
        "figure_data": sorted(path.name for path in (out_dir / "figures").glob("*.csv")),
        "table_data": sorted(path.name for path in (out_dir / "tables").glob("*.csv")),
    }


def _about(out_dir: Path, document: Mapping) -> dict:
    """The tables about the run, the whole manifest, and the command that makes it again."""
    tables = {
        name: pd.read_csv(out_dir / "tables" / f"{name}.csv", index_col=0, dtype=str, keep_default_na=False)
        for name in ("coverage", "left_out", "colophon")
    }
    sampled = [(row.Index, row.rule) for row in tables["coverage"].itertuples() if row.status == "sample"]
    return {
        "sampled": sampled,
        "about": {name: list(frame.itertuples(name=None)) for name, frame in tables.items()},
        "manifest": json.dumps(document["snapshot"], indent=2, ensure_ascii=True, sort_keys=True),
        "command": _command(document["parameters"]),
    }


def _command(parameters: Mapping) -> str:
    """The command that repeats a run; parameters that have their default value are left out."""
    words = ["./run_all.sh", "--snapshot", parameters["snapshot_date"]]
    words += ["--as-of", parameters["as_of"]] if parameters["as_of"] else []
    for name, value in parameters.items():
        if name not in ("snapshot_date", "as_of") and value != getattr(Parameters(), name):
            words += ["-p", f"{name}={value}"]
    return shlex.join(words)


def style() -> str:
    """The style sheet of every page."""
    return (ASSETS / "site.css").read_text(encoding="utf-8") + drawing.style()


def _write_assets(directory: Path) -> None:
    """The style sheet, the script, and DataTables out of the package itables (MIT) as a script that files may load."""
    shutil.copyfile(ASSETS / "site.js", directory / "site.js")
    (directory / "site.css").write_text(style(), encoding="utf-8")
    bundle = resources.files("itables").joinpath("html/dt_bundle.js").read_text(encoding="utf-8")
    # Browsers load no module from a file, so the module becomes a plain script that leaves one name.
    script, exports = re.subn(r"export\{[^}]*?(\w+) as default[^}]*\};?", r"window.DataTable=\1;", bundle)
    if exports != 1:
        raise RuntimeError(
            "itables/html/dt_bundle.js: no default export found; another version of itables is installed"
        )
    (directory / "tables.js").write_text(f'(function(){{"use strict";{script}\n}})();\n', encoding="utf-8")
