"""What the analysis gives under the processor's settings of this process: a line of JSON, for test_machines.py.

The digest of a small twin and, with the argument `demo`, of that its results, and the digests of its figures' data and of
those with log axes; what processor this process takes itself to be on. The notebooks are run as scripts: what is asked is
the arithmetic, not the road.
"""

import ctypes
import hashlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from analysis import paths
from analysis.parameters import Parameters
from analysis.sources.twin import generator

NOTEBOOKS = ("rq1_activity", "rq2_network", "rq3_adoption")
DRAWN = ("rq2_distributions", "rq3_distributions")  # their SVG names its parts by their places with all digits


def main() -> None:
    found = _demo() if "demo" in sys.argv else {}
    with tempfile.TemporaryDirectory() as directory:
        os.environ["HUB_PAPER_SNAPSHOTS"] = directory
        found["twin"] = generator.make(scale=0.01).digest
    on = np._core._multiarray_umath.__cpu_features__
    print(json.dumps(found | {"features": [name for name in on if on[name]], "kernels": _kernels()}))


def _kernels() -> list[str]:
    """What OpenBLAS takes the processor for, in each copy that is loaded here."""
    files = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "openblas" in line}
    calls = ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename")
    found = [getattr(library, call) for library in map(ctypes.CDLL, files) for call in calls if hasattr(library, call)]
    for call in found:
        call.restype = ctypes.c_char_p
    return [call().decode() for call in found]


def _demo() -> dict:
    with tempfile.TemporaryDirectory() as directory:
        os.environ["HUB_PAPER_GENERATED"] = directory
        _draw_few()
        for notebook in NOTEBOOKS:
            source = (paths.NOTEBOOKS / f"{notebook}.py").read_text(encoding="utf-8")
            exec(compile(source, notebook, "exec"), {})
        out_dir = Parameters().directory
        files = sorted((out_dir / "figures").iterdir())
        figures = [file for file in files if file.suffix not in (".pdf", ".svg", ".png") or file.stem in DRAWN]
        digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in figures}
        parts = [json.loads(part.read_text(encoding="utf-8")) for part in sorted((out_dir / "parts").iterdir())]
        results = {name: entry["value"] for part in parts for name, entry in part["results"].items()}
    return {"results": results, "figures": digests}


def _draw_few() -> None:
    """Drawing takes longest. A figure's PDF comes first, and its SVG is drawn without its name."""
    draw, chosen = Figure.savefig, []

    def savefig(figure: Figure, file: Path | io.BytesIO | io.StringIO, **options) -> None:
        if isinstance(file, Path) and file.stem in DRAWN:
            chosen.append(figure)
        if figure in chosen and not isinstance(file, io.BytesIO):
            draw(figure, file, **options)

    Figure.savefig = savefig


if __name__ == "__main__":
    main()
