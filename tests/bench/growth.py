"""How each stage grows with the snapshot: exponents fitted to what the benchmarks measured, as a table and a drawing.

`python -m tests.bench.growth BENCH.json ... [--drawing FILE.png]` reads what `--benchmark-json` wrote, one file or several.
"""

import argparse
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

STEEP = 1.1  # a stage that grows faster is named, with its reason, in data/SCALE.md
Measured = Mapping[str, Mapping[float, tuple[float, float]]]  # stage, scale: processor seconds and peak MiB


def read(files: list[Path]) -> Measured:
    """Our side of every stage: processor seconds and peak memory in MiB by scale; of several runs, the least time."""
    found: dict[str, dict[float, tuple[float, float]]] = defaultdict(dict)
    for file in files:
        for row in json.loads(file.read_text(encoding="utf-8"))["benchmarks"]:
            stage, scale = re.fullmatch(r"(\w+), scale ([\d.]+)", row["group"]).groups()
            if row["name"].startswith("ours"):
                measured = row["extra_info"]["processor_seconds"], row["extra_info"]["peak_mib"]
                found[stage][float(scale)] = min(measured, found[stage].get(float(scale), measured))
    return found


def exponent(by_scale: Mapping[float, float]) -> float | None:
    """Slope of the straight line, by least squares, through the logarithms; None below two scales."""
    if len(by_scale) < 2:
        return None
    x, y = (np.array([math.log(value) for value in values]) for values in (by_scale, by_scale.values()))
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())


def table(measured: Measured) -> str:
    """In Markdown: a row a stage, seconds and MiB at each scale, the exponents of both; `*` marks a steep one."""
    scales = sorted({scale for by_scale in measured.values() for scale in by_scale})
    lines = ["| stage | " + " | ".join(f"{scale:g}" for scale in scales) + " | time grows as | memory grows as |"]
    lines.append("|---" * (len(scales) + 3) + "|")
    for stage, by_scale in measured.items():
        cells = [f"{by_scale[s][0]:.1f} s, {by_scale[s][1]:,.0f} MiB" if s in by_scale else "" for s in scales]
        fitted = [exponent({s: values[kind] for s, values in by_scale.items()}) for kind in (0, 1)]
        shown = ["" if value is None else f"n^{value:.2f}{' *' if value > STEEP else ''}" for value in fitted]
        lines.append(f"| {stage} | " + " | ".join(cells + shown) + " |")
    return "\n".join(lines)


def draw(measured: Measured, file: Path) -> None:
    """Seconds against scale on log axes, a line a stage, its exponent beside its end."""
    figure, axes = plt.subplots(figsize=(7, 5))
    for stage, by_scale in measured.items():
        scales = sorted(by_scale)
        seconds = [by_scale[scale][0] for scale in scales]
        axes.plot(scales, seconds, marker="o")
        fitted = exponent(dict(zip(scales, seconds, strict=True)))
        label = stage if fitted is None else f"{stage}, n^{fitted:.2f}"
        axes.annotate(label, (scales[-1], seconds[-1]), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="size against the Hub of October 2023", ylabel="processor seconds")
    axes.margins(x=0.3)
    figure.savefig(file, dpi=150, bbox_inches="tight")


def main() -> None:
    """Print the table; draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="BENCH.json")
    parser.add_argument("--drawing", type=Path, help="a picture of it, PNG")
    given = parser.parse_args()
    measured = read(given.files)
    print(table(measured))
    if given.drawing:
        draw(measured, given.drawing)


if __name__ == "__main__":
    main()
