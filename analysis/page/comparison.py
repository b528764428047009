"""The page of a comparison: the executed notebook without its code, in one file that holds all it shows.

Made of what lies in the comparison's directory. It looks as the page of a run does, asks for nothing from a network or from
another file, and is escaped in the same way.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Set
from pathlib import Path

import nbformat
from markupsafe import Markup
from nbconvert import HTMLExporter

from analysis import templates
from analysis.compare import Comparison
from analysis.labels import LABELS
from analysis.over_time import NOTEBOOK
from analysis.page import drawing, site
from analysis.study.words import PARTS, in_words
from analysis.text import visible

FILE = "comparison.html"
_HEADING = re.compile(r"<h2>\s*(.*?)\s*</h2>", re.DOTALL)
_ID = re.compile(r"<th>((?:rq[123]|people|snapshot)(?:\.[\w-]+)+)</th>")
_LABEL = re.compile(  # the end of an id
    r"<th>((?:models|datasets|spaces|network|all|cv|nlp|mm|correlation)(?: \w+)+|(?:\w+ )*[a-z]+_\w+)</th>"
)
_VARIABLE = re.compile(rf"\b(?:{'|'.join(LABELS)})\b(?=[^<>]*</td>)")  # in the place of a value of the study's tables
_NAMES_BELOW = re.compile(  # a second row of heads, with the name of the rows alone
    r"(<tr[^>]*>\s*<th>)(</th>(?:\s*<th>[^<]*</th>)+\s*</tr>)\s*<tr>\s*<th>([^<]+)</th>(?:\s*<th></th>)+\s*</tr>"
)
_WORDS_IN_CELL = re.compile(r"<td>(?=[^<]*[A-Za-z]{3})")  # of a table, so that it is set as text


def build(compared: Comparison) -> Path:
    """Write the page of a comparison that is done into its directory; returns the file."""
    out_dir = compared.directory
    about = json.loads((out_dir / "comparison.json").read_text(encoding="utf-8"))
    outputs = json.loads((out_dir / "parts" / f"{NOTEBOOK}.json").read_text(encoding="utf-8"))["outputs"]
    notebook = nbformat.read(out_dir / "notebooks" / f"{NOTEBOOK}.ipynb", as_version=4)
    drawings = drawing.of_run(out_dir, outputs["figures"])
    title, lead, notebook.cells = _without_code(notebook, outputs, set(drawings))
    exporter = HTMLExporter(
        template_name="cells", extra_template_basedirs=[str(site.ASSETS)], exclude_anchor_links=True, exclude_input=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    body = _tables_in_words(visible(body, keep="\n\t"))
    headings = _HEADING.findall(body)
    for number, heading in enumerate(headings, start=1):
        body = _HEADING.sub(f'<h2 id="part-{number}">{heading}</h2>', body, count=1)
    script = (site.ASSETS / "site.js").read_text(encoding="utf-8").strip()
    made = templates.environment(templates.HtmlWords({}), title=title, synthetic=compared.synthetic)
    html = templates.rendered(
        made, "comparison.html.j2", lead=lead, body=drawing.placed(body, drawings), contents=list(map(Markup, headings)),
        runs=[run["label"] for run in about["runs"]], counts=about["counts"], files=_files(out_dir),
        style=Markup(site.style()), script=Markup(script), hashed=_hashed(script),
    )  # fmt: skip
    (out_dir / FILE).write_text(visible(html, keep="\n\t"), encoding="utf-8")
    return out_dir / FILE


def _without_code(
    notebook: nbformat.NotebookNode, outputs: Mapping[str, Mapping], drawn: Set[str]
) -> tuple[str, str, list]:
    """Title, first paragraph, and the cells that a reader wants to see: prose, tables, drawings, reasons in their place."""
    emitted = {one["cell"]: (name, one) for kind in outputs.values() for name, one in kind.items()}
    heading, _, lead = notebook.cells[0].source.partition("\n")
    kept = []
    for cell in notebook.cells[1:]:
        name, about = emitted.get(cell.get("execution_count"), ("", {}))
        if cell.cell_type == "markdown":
            kept.append(cell)
        elif name in drawn:
            kept.append(_shown(cell, drawing.place(name)))
        elif "why" in about:
            what, why = about.get("alt") or name.removeprefix("compare_").replace("_", " "), about["why"].rstrip(".")
            kept.append(_shown(cell, str(Markup('<p class="reasons">{}: not shown, {}.</p>').format(what, why))))
        elif name:
            kept.append(cell)
    return heading.lstrip("# ").strip(), " ".join(lead.split()), kept


def _tables_in_words(body: str) -> str:
    """Ids and names of variables as readers say them; texts set as such; the name of the rows at the head of their column."""
    body = _NAMES_BELOW.sub(r"\1\3\2", _WORDS_IN_CELL.sub('<td class="text">', body))
    body = _LABEL.sub(_in_words, _ID.sub(lambda found: f"<th>{in_words(found[1])}</th>", body))
    return _VARIABLE.sub(lambda found: LABELS[found[0]], body).replace("<th>id</th>", "<th>value</th>")


def _in_words(found: re.Match) -> str:
    return f"<th>{', '.join(PARTS.get(part, part.replace('_', ' ')) for part in found[1].split(' '))}</th>"


def _shown(cell: nbformat.NotebookNode, html: str) -> nbformat.NotebookNode:
    """The cell with HTML as its only output."""
    output = nbformat.v4.new_output("execute_result", {"text/html": html}, execution_count=cell.execution_count)
    return nbformat.from_dict({**cell, "outputs": [output]})


def _files(out_dir: Path) -> list[str]:
    """What may be downloaded beside the page, as addresses from it."""
    kinds = ("*.json", "notebooks/*.ipynb", "tables/*.csv", "figures/*.csv", "figures/*.pdf", "figures/*.svg")
    return [file.relative_to(out_dir).as_posix() for kind in kinds for file in sorted(out_dir.glob(kind))]


def _hashed(script: str) -> str:
    """The digest of a script in the page, by which the page allows it and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
