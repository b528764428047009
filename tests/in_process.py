"""Tiny snapshots, and the notebooks' sources run on them in this process, without kernels: quick enough to try many."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import jupytext
import nbformat
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from analysis import directories, parts, paths, run, snapshot
from analysis.parameters import Parameters, check
from tests.conftest import HAND_DATE, all_covered_but, arrow


def write(name: str, tables: Mapping, *, coverage: Mapping | None = None) -> None:
    """A snapshot on disk from rows, without the Writer's checks; a table without rows is there and empty."""
    path, statuses = paths.snapshots() / name, all_covered_but(coverage)
    path.mkdir(parents=True)
    source = {"name": "hand", "title": "Written by a test", "licence": "CC0-1.0"}
    manifest = {"schema": 1, "name": name, "date": HAND_DATE.isoformat(), "synthetic": True, "source": source}
    manifest |= {"tables": {}, "rejected": {}, "tool": "a test"}
    for table, rows in {**tables, "rejected": []}.items():
        data, file = arrow(table, rows), path / f"{table}.parquet"
        pq.write_table(data.replace_schema_metadata(parts.SYNTHETIC_MARK), file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        size = file.stat().st_size
        entry = {"rows": len(data), "bytes": size, "sha256": digest, "columns": data.column_names}
        if table in snapshot.BY_KIND:
            entry["kinds"] = {kind: sum(row["kind"] == kind for row in rows) for kind in snapshot.KINDS}
        manifest["tables"][table] = entry | {"coverage": statuses.get(table, {})}
    (path / "manifest.json").write_text(json.dumps(manifest))


def emitted(parameters: Parameters, *, only: Iterable[str] = run.NOTEBOOKS) -> tuple[dict, dict]:
    """Run the notebooks' sources; returns what they emitted: results by id, and figures and tables by name."""
    directories.emptied(parameters.directory)
    for name in only:
        _execute(name, parameters)
    parts = [json.loads((parameters.directory / "parts" / f"{name}.json").read_text()) for name in only]
    results = {result_id: entry for part in parts for result_id, entry in part["results"].items()}
    return results, {name: shown for part in parts for kind in part["outputs"].values() for name, shown in kind.items()}


def _execute(name: str, parameters: Parameters) -> None:
    notebook, known = jupytext.read(paths.NOTEBOOKS / f"{name}.py"), {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{name}.py", "exec"), known)  # noqa: S102
        if "parameters" in cell.metadata.get("tags", []):
            known |= parameters.changed()
    (parameters.directory / "notebooks").mkdir(exist_ok=True)
    nbformat.write(notebook, parameters.directory / "notebooks" / f"{name}.ipynb")


def quick_figures(patch) -> None:
    """Draw every figure once, at once and without a layout, in place of its files and of what a cell shows, all blank."""
    blank = {}
    for suffix in (".pdf", ".svg", ".png"):
        Figure(figsize=(1, 1)).savefig(file := io.BytesIO(), format=suffix[1:])
        blank[suffix] = file.getvalue()

    def save(figure: Figure, file: Path | io.BytesIO | io.StringIO, **_):
        if isinstance(file, io.StringIO):
            file.write(blank[".svg"].decode())
            return
        if isinstance(file, io.BytesIO):
            file.write(blank[".png"])
            return
        if file.suffix == ".png":
            figure.set_layout_engine("none")
            figure.set_dpi(20)
            figure.canvas.draw()
        file.write_bytes(blank[file.suffix])

    patch.setattr(Figure, "savefig", save)


def parameters(name: str, **values) -> Parameters:
    """The parameters of a run, checked as a run does."""
    return check({"snapshot_date": name, **values})
