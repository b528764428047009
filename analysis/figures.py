"""The paper's figures: each takes frames and returns a matplotlib figure and the data behind it.

Where there is nothing to draw, the figure is None and the data have no row; where the frames are Covered, so is the pair.
Vector, legible in print and in greyscale: lines differ in dash and marker, not in colour alone; tails on log axes.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager, scale
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, PercentFormatter

from analysis import exact
from analysis.covered import carried, covered

LABELS = {
    "n_likes": "likes",
    "n_downloads": "downloads",
    "n_discussions": "discussions",
    "n_disc_starters": "discussion starters",
    "n_commits": "commits",
    "n_committers": "committers",
    "n_community": "community",
    "n_usage_spaces": "spaces using it",
}
STYLES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)))
COLOURS = (  # seaborn's palette "colorblind"
    "#0173b2 #de8f05 #029e73 #d55e00 #cc78bc #ca9161 #fbafe4 #949494 #ece133 #56b4e9".split()
)
_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "hub-activity-paper",
    "svg.fonttype": "none",
    "timezone": "UTC",  # this and the next are what matplotlib's own defaults leave as they are
    "date.epoch": "1970-01-01T00:00:00",
}
_LOG_10 = float(exact.log(10))
_FAR_OUTSIDE = -1000  # where matplotlib draws what has no logarithm
WIDTH = 6.4  # inches: the paper's text block


def canvas(columns: int, *, height: float, rows: int = 1, sharey: bool = False):
    """A figure and its axes, of which every machine and every user's settings give the same bytes."""
    _settle()
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, sharey=sharey, squeeze=False).ravel()


def _settle() -> None:
    """Matplotlib's own defaults, whatever its user has set; the fonts that it ships; our logarithm on log axes."""
    shipped, manager = mpl.get_data_path(), font_manager.fontManager
    manager.ttflist = [font for font in manager.ttflist if font.fname.startswith(shipped)]
    if not manager.ttflist:  # the list that matplotlib keeps in the user's cache may lack its own files
        for file in sorted(Path(shipped, "fonts", "ttf").glob("*.ttf")):
            manager.addfont(file)
    mpl.rcdefaults()
    mpl.rcParams.update(_RC)
    scale.register_scale(_LogScale)


class _LogScale(scale.LogScale):
    """matplotlib's of base 10, without numpy's logarithms and powers, whose last digit depends on the processor."""

    name = "log"

    def __init__(self, axis=None, **options):
        super().__init__(axis, **options)
        self._transform = _LogTransform(self.base)


class _LogTransform(scale.LogTransform):
    def transform_non_affine(self, values):
        values = np.asarray(values, dtype="float64")
        inside = values > 0
        known = exact.log(values if inside.all() else np.where(inside, values, 1)) / _LOG_10
        return known if inside.all() else np.where(inside, known, np.where(np.isnan(values), np.nan, _FAR_OUTSIDE))

    def inverted(self):
        return _PowerTransform(self.base)


class _PowerTransform(scale.InvertedLogTransform):
    def transform_non_affine(self, values):
        return exact.exp(values * _LOG_10)

    def inverted(self):
        return _LogTransform(self.base)


def distributions(frames: Mapping[str, pd.DataFrame]) -> tuple[Figure | None, pd.DataFrame]:
    """Figure 1: per kind of repository, the share with at least so many of each activity (`activity.distribution`)."""
    return _distributions(frames, {kind: "not covered" for kind, frame in frames.items() if covered(frame).absent})


@carried()
def _distributions(frames: Mapping[str, pd.DataFrame], lacking: Mapping[str, str]) -> tuple[Figure | None, pd.DataFrame]:
    data = pd.concat([f.assign(kind=kind) for kind, f in frames.items()], ignore_index=True)
    if data.empty:
        return None, data
    figure, axes = canvas(len(frames), height=2.9, sharey=True)
    place = {variable: number for number, variable in enumerate(LABELS)}
    for axis, (kind, frame) in zip(axes, frames.items(), strict=True):
        for variable, part in frame.groupby("variable", sort=False):
            number = place[variable]
            axis.plot(
                part["value"], part["share"], label=LABELS[variable], linestyle=STYLES[number], color=COLOURS[number],
                linewidth=1.1, drawstyle="steps-pre",
            )  # fmt: skip
        axis.set(xscale="log", yscale="log", title=kind, xlabel="at least so many per repository")
        if frame.empty:
            _say(axis, lacking.get(kind, "none above 0"))
    _powers_of_ten(axes)
    axes[0].set_ylabel("share of repositories")
    handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False)
    return figure, data


@carried()
def correlations(
    pearson: Mapping[str, pd.DataFrame], spearman: Mapping[str, pd.DataFrame]
) -> tuple[Figure | None, pd.DataFrame]:
    """Figures 2 and 3: per panel a heatmap, Pearson below the diagonal and Spearman above; grey where there is no value.

    A variable without a value in any panel is left out.
    """
    rows, columns = [], ["panel", "a", "b", "pearson", "spearman"]
    known = {v for matrix in pearson.values() for v in matrix if matrix[v].drop(v).notna().any()}
    order = [v for v in LABELS if v in known]
    if not order:
        return None, pd.DataFrame(columns=columns)
    figure, axes = canvas(len(pearson), height=2.9, sharey=True)
    for axis, name in zip(axes, pearson, strict=True):
        below, above = pearson[name], spearman[name]
        axis.set_title(name)
        matrix = pd.DataFrame(
            [[_cell(below, above, i, j, order) for j in range(len(order))] for i in range(len(order))],
            index=[LABELS[v] for v in order],
            columns=[LABELS[v] for v in order],
            dtype="float64",
        )
        _heatmap(axis, matrix)
        rows += [
            {"panel": name, "a": a, "b": b, "pearson": below.loc[a, b], "spearman": above.loc[a, b]}
            for i, a in enumerate(order)
            for b in order[i + 1 :]
        ]
    return figure, pd.DataFrame(rows, columns=columns)


def _heatmap(axis, matrix: pd.DataFrame) -> None:
    """A square per coefficient with its value, blue for -1 and red for 1, grey where there is none."""
    import seaborn as sns  # here, because it takes a second to import and only this figure needs it

    sns.heatmap(
        matrix, ax=axis, vmin=-1, vmax=1, cmap="RdBu_r", square=True, cbar=False, annot=True, fmt=".2f",
        annot_kws={"size": 5.2}, linewidths=0.3, xticklabels=True, yticklabels=True,
    )  # fmt: skip
    axis.set_facecolor("0.88")
    axis.tick_params(length=0, labelsize=6.5)


def _cell(below: pd.DataFrame, above: pd.DataFrame, i: int, j: int, order: list[str]) -> float:
    if i == j:
        return float("nan")
    return (below if i > j else above).loc[order[i], order[j]]


@carried()
def centralities(frame: pd.DataFrame) -> tuple[Figure | None, pd.DataFrame]:
    """Figure 4: share of developers with at least a degree, and with at least a PageRank, isolates left out.

    `frame` has columns degree and pagerank, one row per developer; the data behind it hold each distinct value once.
    """
    if frame.empty:
        return None, pd.DataFrame(columns=["measure", "value", "share"])
    figure, axes = canvas(2, height=2.6)
    parts = []
    for axis, (column, label) in zip(axes, (("degree", "degree"), ("pagerank", "PageRank")), strict=True):
        counted = frame[column].value_counts().sort_index(ascending=False)
        share = counted.cumsum() / max(int(counted.sum()), 1)
        axis.plot(share.index, share, ".", color="black", markersize=3)
        axis.set(xscale="log", yscale="log", title=label, xlabel=f"at least this {label}", ylabel="share of developers")
        axis.xaxis.set_minor_formatter(NullFormatter())
        parts.append(pd.DataFrame({"measure": column, "value": share.index, "share": share.to_numpy()}).iloc[::-1])
    _powers_of_ten(axes)
    return figure, pd.concat(parts, ignore_index=True)


@carried()
def adoption(
    usage: Mapping[str, pd.DataFrame], co_usage: Mapping[str, pd.DataFrame]
) -> tuple[Figure | None, pd.DataFrame]:
    """Figure 5: share of models with at least a degree, in the usage and in the co-usage network, a line per field."""
    if not usage and not co_usage:
        return None, pd.DataFrame(columns=["degree", "models", "share", "network", "field"])
    figure, axes = canvas(2, height=2.8, sharey=True)
    parts = []
    titles = {"usage": "usage: spaces per model", "co-usage": "co-usage: models per model"}
    for axis, (network, frames) in zip(axes, (("usage", usage), ("co-usage", co_usage)), strict=True):
        for number, (field, frame) in enumerate(frames.items()):
            axis.plot(
                frame["degree"], frame["share"], label=field, linestyle=STYLES[number], color=COLOURS[number],
                marker="os^D"[number % 4], markersize=2, linewidth=0.9,
            )  # fmt: skip
            parts.append(frame.assign(network=network, field=field))
        axis.set(xscale="log", yscale="log", title=titles[network], xlabel="at least this degree")
    _powers_of_ten(axes)
    axes[0].set_ylabel("share of models")
    handles, labels = axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure, pd.concat(parts, ignore_index=True)


@carried()
def trends(data: pd.DataFrame, *, logarithmic: str = "(log)") -> tuple[Figure | None, pd.DataFrame]:
    """Values over time, a panel each group of measures, a line a measure; a hollow point is of a sample.

    `data` has columns panel, line, snapshot, day (ISO), sample, value, ordered by day; a panel whose title ends in
    `logarithmic` has a log axis, on which zeros have no place and are left out. What joins samples of different
    snapshots is faint: it is no course of the Hub's.
    """
    if data.empty:
        return None, data
    dates = ["%Y", "%Y-%m", "%Y-%m-%d", "%H:%M", "%H:%M", "%S"]
    different = data["sample"].any() and data["snapshot"].nunique() > 1
    panels = list(dict.fromkeys(data["panel"]))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = canvas(columns, height=2.5 * rows, rows=rows)
    _leave_room_above(figure)
    for axis, panel in zip(axes, panels, strict=False):
        is_log, shown = panel.endswith(logarithmic), data[data["panel"] == panel]
        axis.set_title(panel.removesuffix(logarithmic).strip())
        if is_log and not (shown["value"] > 0).any():
            _say(axis, "none above 0")
            continue
        for number, (line, points) in enumerate(shown.groupby("line", sort=False)):
            points = points[points["value"] > 0] if is_log else points
            days, colour = pd.to_datetime(points["day"]), COLOURS[number % len(COLOURS)]
            marks = {"marker": "os^Dv<>p"[number % 8], "markersize": 3.2, "color": colour, "markeredgewidth": 0.8}
            axis.plot(days, points["value"], label=line, linestyle=STYLES[number % 8], linewidth=0.4 if different else 1.1,
                      **marks)  # fmt: skip
            hollow = points["sample"].to_numpy(dtype=bool)
            axis.plot(days[hollow], points["value"][hollow], linestyle="", markerfacecolor="white", **marks)
        if is_log:
            axis.set_yscale("log")
            _plain_log(axis.yaxis, "{:,.10g}")
        elif "share" in panel:
            axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        elif (shown["value"] % 1 == 0).all():
            axis.yaxis.set_major_locator(MaxNLocator(integer=True))
        axis.xaxis.set_major_locator(locator := AutoDateLocator(minticks=3, maxticks=6))
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, formats=dates, show_offset=False))
        axis.legend(
            fontsize=6, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, columnspacing=1.0
        )
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if data["sample"].any():
        faint = "; thin lines join different samples" if different else ""
        figure.supxlabel(f"hollow points: from a sample, not a census{faint}", fontsize=7)
    return figure, data


@carried()
def shifts(data: pd.DataFrame, *, first: str, last: str) -> tuple[Figure | None, pd.DataFrame]:
    """How many times its first value each result has at last: a dot a result, on a log axis; no change is 1.

    `data` has columns result and ratio, in the order in which they are drawn from the top.
    """
    if data.empty:
        return None, data
    figure, (axis,) = canvas(1, height=1.1 + 0.19 * len(data))
    _leave_room_above(figure)
    places = range(len(data))[::-1]
    axis.hlines(places, 1, data["ratio"], color="0.7", linewidth=0.8)
    axis.plot(data["ratio"], places, "o", color="black", markersize=3.5)
    axis.axvline(1, color="0.4", linewidth=0.8)
    low, high = min(data["ratio"].min(), 0.5), max(data["ratio"].max(), 2)
    axis.set(xscale="log", xlim=(low / 1.2, high * 1.2), ylim=(-0.8, len(data) - 0.2))
    axis.set_yticks(places, data["result"])
    axis.tick_params(axis="y", length=0)
    _plain_log(axis.xaxis, "\N{MULTIPLICATION SIGN} {:,.10g}")
    axis.grid(axis="x", color="0.92", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel(f"{last}, times the value of {first}")
    return figure, data


def _leave_room_above(figure: Figure, inches: float = 0.16) -> None:
    """A strip at the top for the words that mark synthetic data."""
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - inches / figure.get_figheight()))


def _plain_log(axis, pattern: str) -> None:
    """Ticks of a log axis as plain numbers; at 1, 2 and 5 where the axis spans less than three powers of ten."""
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 1_000 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: pattern.format(value)))
    axis.set_minor_formatter(NullFormatter())


def _powers_of_ten(axes: Iterable) -> None:
    """Ticks of log axes at powers of ten only, in plain characters: ticks between and formulas take most of the drawing.

    An axis that spans less than three powers keeps matplotlib's own.
    """
    for axis in (axis for pair in axes for axis in (pair.xaxis, pair.yaxis)):
        low, high = axis.get_view_interval()
        if high >= 1_000 * low:
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(_power_of_ten))


def _power_of_ten(value: float, _) -> str:
    return "10" + f"{math.log10(value):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _say(axis, text: str) -> None:
    """Words in the place of a panel."""
    axis.set_axis_off()
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.4")
