"""The verdict map: a tile per value that the study prints, a row per section and table, and how far ours is from print.

One glance at the ledger: shade says verdict and whether the value could have come out otherwise; beside each row stand the
distances in units of the printed rounding. It needs the ledger's frame alone.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis import canvas, exact, report
from analysis.study import ledger, verdicts
from analysis.study.words import SECTIONS, in_words

CONFIRMS = "emergent"  # the kind that a match confirms something of
# Verdict -> colour where the value is emergent, colour where it is not, strokes across the tile. By luminance they differ
# too: a match is dark or light without a stroke, a difference is light with one.
SHADES = {
    verdicts.MATCHES: ("#0b5394", "#a9c9e6", ""),
    verdicts.DIFFERS: ("#f0a132", "#fbe3bd", "/"),
    verdicts.IMPOSSIBLE: ("#3d3d3d", "#9a9a9a", "x"),
    verdicts.UNDECIDED: ("#ffffff", "#ffffff", "-"),
    verdicts.NOT_COVERED: ("#ffffff", "#ffffff", ""),
}
NEAREST, FARTHEST = 0.01, 1e9  # roundings that the strip shows; what is nearer or farther stands at its end
TICKS = {NEAREST: "0", 1: "1", 100: "100", 1e4: "10k", 1e6: "1M", 1e8: "100M"}
_ROW, _TILE, _LABEL, _STRIP = 0.148, 0.053, 1.42, 1.42  # inches


def tiles(rows: pd.DataFrame) -> pd.DataFrame:
    """The ledger's rows as tiles, in its order.

    Columns: number (of the ledger's row), section, row and place (from 0, left to right), slug of the verdict, emergent,
    roundings, and as words value, published, ours, verdict, why.
    """
    texts, order = ledger.as_texts(rows), {name: n for n, name in enumerate(verdicts.sections(rows))}
    whys = rows["why"].map(lambda why: verdicts.WHYS.get(why, ""))
    return pd.DataFrame(
        {
            "number": range(len(rows)),
            "section": rows["section"],
            "row": rows["section"].map(order),
            "place": rows.groupby("section", sort=False).cumcount(),
            "slug": rows["verdict"].map(ledger.SLUGS),
            "full": rows["verdict"],
            "emergent": rows["kind"] == CONFIRMS,
            "kind": rows["kind"],
            "roundings": verdicts.roundings(rows),
            "value": rows["id"].map(in_words),
            "published": texts["published"],
            "ours": texts["ours"],
            "verdict": texts["verdict"],
            "why": whys,
        }
    ).reset_index(drop=True)


def finding(rows: pd.DataFrame) -> str:
    """What the map shows, in a sentence: how many of the emergent values match, differ, and cannot be computed."""
    could = rows[rows["kind"] == CONFIRMS]
    count: Mapping[str, int] = could["verdict"].value_counts().to_dict()
    matches, differs = (count.get(verdict, 0) for verdict in (verdicts.MATCHES, verdicts.DIFFERS))
    impossible = int((rows["verdict"] == verdicts.IMPOSSIBLE).sum())
    said = f"Of {matches + differs} values that could have come out otherwise, {matches} match and {differs} differ"
    said += f"; {impossible} cannot come from their definition" if impossible else ""
    return f"{said}. The snapshot is no census" if (rows["why"] == "selection").any() else said


def draw(rows: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The map as a figure, and the tiles as its data."""
    shown = tiles(rows)
    names = verdicts.sections(rows)
    height = _ROW * len(names) + 0.88
    figure = canvas.blank(height=height, title=finding(rows))
    total, top = figure.get_figheight(), height - 0.24
    wide = _TILE * (shown["place"].max() + 1)
    area = (top - _ROW * len(names)) / total, _ROW * len(names) / total
    left = figure.add_axes((_LABEL / canvas.WIDTH, area[0], wide / canvas.WIDTH, area[1]))
    left.set(xlim=(0, shown["place"].max() + 1), ylim=(len(names), 0))
    left.set_axis_off()
    left.text(0, -0.35, "each value that the study prints", va="bottom", fontsize=8, color=canvas.GREY)
    _tiles(left, shown)
    for number, name in enumerate(names):
        for text, indent, colour in ((name, 1, "black"), (SECTIONS.get(name, ""), 42, canvas.GREY)):
            left.annotate(text, (0, number + 0.5), xytext=(indent - _LABEL * 72, 0), textcoords="offset points",
                          va="center", fontsize=8, color=colour)  # fmt: skip
    start = canvas.WIDTH - _STRIP - 0.04
    _strip(figure.add_axes((start / canvas.WIDTH, area[0], _STRIP / canvas.WIDTH, area[1])), shown, len(names))
    _key(figure.add_axes((0, 0, _LABEL / canvas.WIDTH + wide / canvas.WIDTH, 0.34 / total)), rows)
    data = shown.drop(columns=["row", "full"]).assign(section=shown["section"])
    return figure, data


def drawing(rows: pd.DataFrame) -> dict:
    """What the page draws the map from: sections, tiles, the longest row, and places on the strip (0 at its left, 1 right)."""
    shown = tiles(rows)
    far = [None if pd.isna(roundings) else _along(roundings) for roundings in shown["roundings"]]
    shown = shown.assign(distance=pd.Series(far, dtype=object))  # of numbers, pandas would make None a NaN
    return {
        "sections": [(name, SECTIONS.get(name, "")) for name in verdicts.sections(rows)],
        "tiles": shown.drop(columns=["full", "roundings"]).to_dict("records"),
        "longest": int(shown["place"].max()) + 1,
        "half": _along(0.5),
        "ticks": [(_along(far), words) for far, words in TICKS.items()],
        "finding": finding(rows),
    }


def _along(distance: float) -> float:
    """Where a distance stands on the strip: 0 at its left end, 1 at its right."""
    start, end = float(exact.log(NEAREST)), float(exact.log(FARTHEST))
    return (float(exact.log(min(max(distance, NEAREST), FARTHEST))) - start) / (end - start)


ALT = (
    "A row of tiles per section and table of the study, one tile per printed value, shaded by verdict: matches dark, differs "
    "light with a stroke, not covered empty, cannot be computed black with a cross; pale where the value could not have come "
    "out otherwise. To the right, on a log axis, how many roundings ours is away from print"
)


def emit(writer: report.Report, rows: pd.DataFrame) -> None:
    """The figure `verdict_map` of the paper."""
    writer.figure("verdict_map", draw(rows), alt=ALT)


def _tiles(axis, shown: pd.DataFrame) -> None:
    for (verdict, emergent), part in shown.groupby(["full", "emergent"], sort=True):
        strong, pale, stroke = SHADES[verdict]
        corners = [(x + 0.07, y + 0.14) for x, y in zip(part["place"].tolist(), part["row"].tolist(), strict=True)]
        _draw_tiles(axis, corners, strong if emergent else pale, stroke, light=emergent and verdict == verdicts.IMPOSSIBLE)


def _draw_tiles(axis, corners: list[tuple[float, float]], colour: str, stroke: str, *, light: bool = False) -> None:
    boxes = [Rectangle(corner, 0.86, 0.72) for corner in corners]
    edge = "0.6" if colour == "#ffffff" else colour
    axis.add_collection(PatchCollection(boxes, facecolor=colour, edgecolor=edge, linewidth=0.35))
    lines = {
        "/": [((x + 0.12, y + 0.62), (x + 0.74, y + 0.1)) for x, y in corners],
        "x": [((x + 0.12, y + 0.62), (x + 0.74, y + 0.1)) for x, y in corners]
        + [((x + 0.12, y + 0.1), (x + 0.74, y + 0.62)) for x, y in corners],
        "-": [((x + 0.2, y + 0.36), (x + 0.66, y + 0.36)) for x, y in corners],
    }.get(stroke, [])
    axis.add_collection(LineCollection(lines, colors="white" if light else "0.25", linewidths=0.5))


def _strip(axis, shown: pd.DataFrame, sections: int) -> None:
    """The distances from print on a log axis, a stroke a value; to the left of one half stands what rounds to print."""
    known = shown[shown["roundings"].notna()]
    for (verdict, emergent), part in known.groupby(["full", "emergent"], sort=True):
        strong, pale, _ = SHADES[verdict]
        x = part["roundings"].clip(NEAREST, FARTHEST)
        colour = strong if emergent else pale if verdict != verdicts.DIFFERS else "#f3c27a"
        axis.vlines(x, part["row"] + 0.2, part["row"] + 0.8, color=colour, linewidth=0.9, zorder=2 + emergent)
    axis.axvline(0.5, color="0.3", linewidth=0.7, zorder=1)
    axis.set(xscale="log", xlim=(NEAREST / 1.6, FARTHEST * 1.6), ylim=(sections, 0))
    canvas.log_ticks(axis.xaxis)
    axis.set_xticks(list(TICKS), list(TICKS.values()))
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("roundings away from print", labelpad=2)
    axis.text(0.36, -0.35, "rounds to print", ha="right", va="bottom", fontsize=8, color=canvas.GREY, clip_on=False)
    axis.text(0.8, -0.35, "does not", ha="left", va="bottom", fontsize=8, color=canvas.GREY, clip_on=False)


def _key(axis, rows: pd.DataFrame) -> None:
    """What the shades mean, for the verdicts that occur."""
    axis.set(xlim=(0, 100), ylim=(2, 0))
    axis.set_axis_off()
    occur = [verdict for verdict in verdicts.VERDICTS if (rows["verdict"] == verdict).any()]
    x = 0.0
    for verdict in occur:
        strong, pale, stroke = SHADES[verdict]
        for colour in dict.fromkeys((strong, pale)):
            axis.add_patch(Rectangle((x, 0.2), 1.5, 0.62, facecolor=colour, edgecolor="0.6" if colour == "#ffffff" else colour,
                                     linewidth=0.35))  # fmt: skip
            _key_stroke(axis, x, stroke, light=colour == "#3d3d3d")
            x += 2.1
        text = axis.text(x + 0.4, 0.52, ledger.SHORT[verdict], va="center", fontsize=8)
        x += 3 + 1.62 * len(text.get_text())
    axis.text(0, 1.62, "strong: could have come out otherwise; pale: made so, follows, or chosen", va="center", fontsize=8,
              color=canvas.GREY)  # fmt: skip


def _key_stroke(axis, x: float, stroke: str, *, light: bool) -> None:
    lines = {"/": [((x + 0.2, 0.74), (x + 1.3, 0.28))], "-": [((x + 0.4, 0.5), (x + 1.1, 0.5))]}.get(stroke, [])
    if stroke == "x":
        lines = [((x + 0.2, 0.74), (x + 1.3, 0.28)), ((x + 0.2, 0.28), (x + 1.3, 0.74))]
    axis.add_collection(LineCollection(lines, colors="white" if light else "0.25", linewidths=0.5))
