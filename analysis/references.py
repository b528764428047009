"""The committed references, against which a reviewer and a maintainer see what moved.

The executed notebooks and results of `demo`, and the results of the full-size synthetic twin.
"""

import hashlib
import json
import math
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from analysis import paths, run
from analysis.parameters import ParameterError, Parameters, check
from analysis.results import RunError

NOTEBOOKS_OF = "demo"  # the snapshot whose executed notebooks are stored
SNAPSHOTS = (NOTEBOOKS_OF, "2023-10-15-twin")  # those that there are references of
RESULTS = paths.REFERENCES / NOTEBOOKS_OF / "results.json"
FIGURES = paths.REFERENCES / NOTEBOOKS_OF / "figures.json"


def update(name: str = NOTEBOOKS_OF) -> list[str]:
    """Run a snapshot with the default parameters and replace its references; returns one line per change."""
    parameters = check_name(name)
    out_dir = run.run_notebooks(parameters, names=notebooks_of(name))
    results = run.collect(parameters)["results"]
    files = files_of(name)
    found = {"results": results, "figures": figure_digests(out_dir), "made_from": made_from(name)}
    changes = differences(read(files["results"]), results)
    before, digests = read(files["figures"]), found["figures"]
    changed = sorted(name for name in before.keys() | digests.keys() if before.get(name) != digests.get(name))
    changes += [f"figure {name}: other bytes" for name in changed]
    for part, content in found.items():
        _write(files[part], content)
    for notebook in run.ALL if name == NOTEBOOKS_OF else ():
        file = f"{notebook}.ipynb"
        changes += _replace_notebook(out_dir / "notebooks" / file, paths.NOTEBOOKS / file)
    return changes or ["nothing changed"]


def notebooks_of(name: str) -> tuple[str, ...]:
    """The notebooks whose results are kept as references: those of a default run, of `demo` all."""
    return run.ALL if name == NOTEBOOKS_OF else run.NOTEBOOKS


def check_name(name: str) -> Parameters:
    """The run whose results become references; raises ParameterError for a snapshot that none are kept of."""
    if name not in SNAPSHOTS:
        raise ParameterError(f"--snapshot {name[:60]}: references are kept of {' and '.join(SNAPSHOTS)} alone")
    return check({"snapshot_date": name})


def files_of(name: str) -> dict[str, Path]:
    """The files that hold a snapshot's references: results, figures, made_from."""
    return {part: paths.REFERENCES / name / f"{part}.json" for part in ("results", "figures", "made_from")}


def made_from(name: str) -> dict[str, str]:
    """What the results of a snapshot may depend on: its hash, and the platform that they are computed on."""
    from analysis import snapshot  # imported here, or a wrong name would be refused after 1.0 s of processor time

    python = ".".join(platform.python_version_tuple()[:2])
    here = f"{platform.system()} {platform.machine()}, {platform.python_implementation()} {python}"
    return {"snapshot": snapshot.load(name).digest, "platform": here}


def stored(name: str) -> dict[str, dict]:
    """The references of a snapshot, by the names of `files_of`; raises RunError where there are none."""
    if not files_of(name)["made_from"].exists():
        there = sorted(file.parent.name for file in paths.REFERENCES.glob("*/made_from.json"))
        raise RunError(f"no references of {name[:60]}; there are those of {', '.join(there)}")
    return {part: read(file) for part, file in files_of(name).items()}


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
    """One line per result that is new, gone or another; numbers that are no counts may differ by `relative` of their size."""
    lines = [f"{name}: gone (was {expected[name]['value']!r})" for name in sorted(expected.keys() - found.keys())]
    lines += [f"{name}: new ({found[name]['value']!r})" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        was, now = expected[name]["value"], found[name]["value"]
        if not _equal(was, now, relative):
            cell = found[name]["cell"]  # none, of what is counted after the notebooks
            place = found[name]["notebook"] if cell is None else f"{found[name]['notebook']}, cell {cell}"
            lines.append(f"{name}: {was!r} became {now!r} ({place})")
    return lines


def _equal(was, now, relative: float) -> bool:
    if {type(was), type(now)} <= {int, float} and float in (type(was), type(now)):
        return math.isclose(was, now, rel_tol=relative, abs_tol=0.0)
    return type(was) is type(now) and was == now
