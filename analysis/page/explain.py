"""From a result's id back to what it is: its value, its definition, its place in the study, the cells that made it.

The definition is read where it stands: in the docstrings of the functions that the notebook's cell calls.
"""

import ast
import difflib
import importlib
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

from analysis import beside, report
from analysis.results import RunError
from analysis.study import audit, ledger, verdicts

PACKAGE = "analysis"
BEHIND = (  # what is made after the notebooks: which functions are behind the results whose ids begin so
    (("ledger.", "snapshot."), [ledger.ledger_results, ledger.ledger_rows, ledger.reason, ledger.verdict_counts]),
    (("audit.",), [audit.outcome_counts, audit.quantities]),
    (("rq",), [verdicts.derived]),
)
BESIDE = (  # of them, what a snapshot beside the run's adds
    (("beside.",), [beside.write, beside.about, beside.counted, beside.names]),
)
NEAR = 5  # ids that are offered in place of one that does not exist


@dataclass(frozen=True)
class Cell:
    """A code cell of an executed notebook: its number as Jupyter shows it, and its source."""

    number: int
    source: str


@dataclass(frozen=True)
class Explanation:
    """What there is to say of a result; `steps` are the cells that led to it, the emitting one last."""

    result_id: str
    value: str
    place: tuple[str, ...]
    notebook: str
    cell: int | None
    steps: tuple[Cell, ...]
    definitions: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]

    def lines(self) -> list[str]:
        """What a reader sees in a terminal, from the value outwards."""
        where = f"{self.notebook}, cell {self.cell}" if self.cell is not None else f"the step {self.notebook} of a run"
        cells = [line for step in self.steps for line in (f"  [{step.number}]", *_indented(step.source, 4))]
        texts = [line for name, text in self.definitions for line in (f"  {name}", *_indented(text, 4))]
        return [
            f"{self.result_id} = {self.value}",
            "study: " + (self.place[0] if self.place else "prints no such value"),
            *(f"       {place}" for place in self.place[1:]),
            f"made in: {where}",
            *cells,
            "defined as:",
            *texts,
            "inputs:",
            *(f"  {line}" for line in self.inputs),
        ]


def _indented(text: str, by: int) -> list[str]:
    return textwrap.indent(text, " " * by).splitlines()


def explain(document: Mapping, out_dir: Path, result_id: str) -> Explanation:
    """Explain one result of a run that is done; `document` is its results.json. Raises RunError for an unknown id."""
    results = document["results"]
    if result_id not in results:
        raise RunError(_unknown(result_id, results))
    entry = results[result_id]
    cells = cells_of(out_dir / "notebooks" / f"{entry['notebook']}.ipynb") if entry["cell"] is not None else []
    steps = lineage(cells, entry["cell"])
    functions = _functions(_imported(cells), steps) if steps else _of_the_road(result_id)
    return Explanation(
        result_id=result_id,
        value=_value(result_id, entry),
        place=tuple(_places(document, result_id)),
        notebook=entry["notebook"],
        cell=entry["cell"],
        steps=tuple(steps),
        definitions=tuple(definitions(functions)),
        inputs=tuple(_inputs(document)),
    )


def in_one_line(document: Mapping, out_dir: Path) -> dict[str, str]:
    """id -> the function that computes a result and the first line of its docstring, for results of the notebooks' cells."""
    read = {file.stem: cells_of(file) for file in (out_dir / "notebooks").glob("*.ipynb")}
    imported = {name: _imported(cells) for name, cells in read.items()}
    lines: dict[tuple, str] = {}
    for entry in document["results"].values():
        place = entry["notebook"], entry["cell"]
        if place not in lines and entry["cell"] is not None and entry["notebook"] in read:
            steps = lineage(read[entry["notebook"]], entry["cell"])
            found = next(definitions(_functions(imported[entry["notebook"]], steps)), None)
            lines[place] = f"{found[0].removeprefix('analysis.')}: {found[1].splitlines()[0]}" if found else ""
    return {name: lines.get((entry["notebook"], entry["cell"]), "") for name, entry in document["results"].items()}


def _unknown(result_id: str, results: Mapping) -> str:
    """Say what the reader may have meant: the ids that begin so, else those that are spelt alike."""
    shown = result_id[:80]
    below = [name for name in results if name.startswith(f"{result_id}.")]
    near = below or difflib.get_close_matches(result_id, results, n=NEAR, cutoff=0.5)
    more = f" and {len(near) - NEAR} more" if len(near) > NEAR else ""
    offered = f"; there are {', '.join(near[:NEAR])}{more}" if near else ""
    return f"no result {shown!r}{offered}; results.json lists them all"


def _value(result_id: str, entry: Mapping) -> str:
    if entry["value"] is None:
        return f"no value: {entry['why']}"
    printed = report.formatted(result_id, entry["value"])
    return printed if isinstance(entry["value"], str) else f"{printed} (unrounded: {entry['value']!r})"


def _places(document: Mapping, result_id: str) -> Iterator[str]:
    """Where the study prints the value, what it prints, and the ledger's verdict."""
    rows = ledger.ledger_rows(document)
    rows = rows[rows["id"] == result_id]
    for row, texts in zip(rows.to_dict("records"), ledger.as_texts(rows).to_dict("records"), strict=True):
        note = "".join(f"; {said}" for said in (row["why"] and verdicts.WHYS[row["why"]], row["note"]) if said)
        yield f"{row['place']}: {texts['published']} ({row['kind']}), {texts['verdict']}{note}"


def _inputs(document: Mapping) -> Iterator[str]:
    manifest = document["snapshot"]
    mark = f", {report.SYNTHETIC}" if manifest["synthetic"] else ""
    yield f"snapshot {manifest['name']} of {manifest['date']}{mark}"
    for table, entry in sorted(manifest["tables"].items()):
        yield f"{table}{'/' if 'parts' in entry else '.parquet'}: {entry['rows']:,} rows, sha256 {entry['sha256'][:16]}"
    changed = ", ".join(f"{name}={value}" for name, value in document["parameters"].items() if value not in ("", None))
    yield f"parameters {changed}"


# --- the cells that led to it -----------------------------------------------------------------------------------------


def cells_of(path: Path) -> list[Cell]:
    """The code cells of an executed notebook that were run. Raises RunError where the file is not there."""
    if not path.exists():
        raise RunError(f"{path.name}: not beside the results; make the run anew with ./run_all.sh")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["execution_count"]]
    return [Cell(cell["execution_count"], "".join(cell["source"])) for cell in code]


def lineage(cells: Sequence[Cell], number: int | None) -> list[Cell]:
    """The cell, and before it those that assigned what it reads, and so on; without imports and parameters."""
    chosen: dict[int, Cell] = {}
    wanted: set[str] = set()
    for cell in reversed(cells):
        assigned, read = _names(cell.source)
        if cell.number == number or (chosen and assigned & wanted and not _is_setup(cell.source)):
            chosen[cell.number] = cell
            wanted = (wanted - assigned) | read
    return [chosen[n] for n in sorted(chosen)]


def _names(source: str) -> tuple[set[str], set[str]]:
    """Names that a cell assigns, and names that it reads."""
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    assigned = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return assigned, {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _is_setup(source: str) -> bool:
    """Whether a cell imports, or only gives names to constants, as the parameters do."""
    body = ast.parse(source).body
    constants = all(isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) for node in body)
    return constants or any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body)


# --- the definitions --------------------------------------------------------------------------------------------------


def _functions(imported: Mapping[str, object], steps: Sequence[Cell]) -> list[FunctionType]:
    """The functions of `analysis` that the steps call, in the order of the calls, the last step's first."""
    found = [function for step in reversed(steps) for function in _called(step.source, imported)]
    return list(dict.fromkeys(found))


def _imported(cells: Sequence[Cell]) -> dict[str, object]:
    """Name in the notebook -> module or object of `analysis` that it was imported as."""
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.ImportFrom)]
    ours = [(node.module, alias) for node in nodes if _is_ours(node.module) for alias in node.names]
    return {alias.asname or alias.name: _attribute(module, alias.name) for module, alias in ours}


def _is_ours(module: str | None) -> bool:
    return module is not None and module.split(".")[0] == PACKAGE


def _attribute(module: str, name: str) -> object:
    found = getattr(importlib.import_module(module), name, None)
    return found if found is not None else importlib.import_module(f"{module}.{name}")


def _called(source: str, imported: Mapping[str, object]) -> Iterator[FunctionType]:
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name):
            found = imported.get(called.id)
        elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            found = getattr(imported.get(called.value.id), called.attr, None)
        else:
            continue
        if isinstance(found, FunctionType):
            yield found


def _of_the_road(result_id: str) -> list[FunctionType]:
    """The functions behind what no notebook emits: the ledger's counts, the audit, and what follows from other results."""
    return next((functions for starts, functions in BEHIND + BESIDE if result_id.startswith(starts)), [])


def definitions(functions: Sequence[FunctionType]) -> Iterator[tuple[str, str]]:
    """Name and docstring of each function, then of those that the docstring names in backticks."""
    seen: set[FunctionType] = set()
    for function in functions:
        module = inspect.getmodule(function)
        named = [getattr(module, name, None) for name in re.findall(r"`(\w+)`", function.__doc__ or "")]
        for one in (function, *named):
            if isinstance(one, FunctionType) and one.__doc__ and one not in seen:
                seen.add(one)
                yield f"{one.__module__}.{one.__qualname__}", inspect.cleandoc(one.__doc__)
