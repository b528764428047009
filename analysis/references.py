"""The committed references: executed notebooks and results of `demo`, against which a maintainer sees what moved."""

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

from analysis import paths, run
from analysis.parameters import Parameters

RESULTS = paths.REFERENCES / "demo" / "results.json"
FIGURES = paths.REFERENCES / "demo" / "figures.json"


def update() -> list[str]:
    """Run `demo` with the default parameters and replace the references; returns one line per change."""
    parameters = Parameters()
    out_dir = run.run_notebooks(parameters)
    results = run.collect(parameters)["results"]
    digests = figure_digests(out_dir)
    changes = differences(read(RESULTS), results)
    before = read(FIGURES)
    changed = sorted(name for name in before.keys() | digests.keys() if before.get(name) != digests.get(name))
    changes += [f"figure {name}: other bytes" for name in changed]
    _write(RESULTS, results)
    _write(FIGURES, digests)
    for name in run.NOTEBOOKS:
        changes += _replace_notebook(out_dir / "notebooks" / f"{name}.ipynb", paths.NOTEBOOKS / f"{name}.ipynb")
    return changes or ["nothing changed"]


def figure_digests(out_dir: Path) -> dict[str, str]:
    """SHA-256 of every figure's files, and of the data behind it."""
    files = sorted((out_dir / "figures").iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _write(path: Path, content: Mapping) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _replace_notebook(executed: Path, reference: Path) -> list[str]:
    if reference.exists() and reference.read_bytes() == executed.read_bytes():
        return []
    shutil.copyfile(executed, reference)
    return [f"notebook {reference.name}: other cells or outputs"]


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def differences(expected: Mapping[str, Mapping], found: Mapping[str, Mapping], *, relative: float = 0.0) -> list[str]:
    """One line per result that is new, gone or another; numbers may differ by `relative` of their size."""
    lines = [f"{name}: gone (was {expected[name]['value']!r})" for name in sorted(expected.keys() - found.keys())]
    lines += [f"{name}: new ({found[name]['value']!r})" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        was, now = expected[name]["value"], found[name]["value"]
        if not _equal(was, now, relative):
            lines.append(f"{name}: {was!r} became {now!r} ({found[name]['notebook']}, cell {found[name]['cell']})")
    return lines


def _equal(was, now, relative: float) -> bool:
    if isinstance(was, (int, float)) and isinstance(now, (int, float)):
        return math.isclose(was, now, rel_tol=relative, abs_tol=0.0)
    return type(was) is type(now) and was == now
