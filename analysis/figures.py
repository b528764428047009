"""The paper's figures: each takes frames and returns a matplotlib figure and the data behind it.

Where there is nothing to draw, the figure is None and the data have no row; where the frames are Covered, so is the pair.
A title says the finding, in words and numbers of the data. Vector, legible in print and in greyscale: lines differ in
dash or place, not in colour alone; tails on log axes.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from analysis import exact
from analysis.canvas import (
    COLOURS,
    FAINT,
    GREY,
    ON_DARK,
    ON_LIGHT,
    SMALLEST,
    STYLES,
    WIDTH,
    blank,
    canvas,
    heading,
    label_ends,
    log_ticks,
    one_in,
    plain,
    point_out,
    say,
    tips,
)
from analysis.covered import carried, covered
from analysis.labels import FIELDS, LABELS

_NONE_OF = {v: f"no {words.removesuffix('s')}" for v, words in LABELS.items()} | {
    "n_community": "no community", "n_usage_spaces": "no space that uses them"
}  # fmt: skip
_PANELS = {"permissive": "permissive licence", "restrictive": "restrictive licence", "none": "no licence"}


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if value >= 0.001 or value == 0 else f"{100 * value:.2g} %"


def _joined(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


# --- Figure 1 ---------------------------------------------------------------------------------------------------------


def distributions(
    frames: Mapping[str, pd.DataFrame], *, zero_shares: Mapping[tuple[str, str], float] | None = None
) -> tuple[Figure | None, pd.DataFrame]:
    """Figure 1: a panel per activity, the share of repositories with at least so many (`activity.distribution`), a line a kind.

    Behind each stand the first kind's other activities. `zero_shares`: what the study prints, by kind and variable; marked
    as the share that has one at least.
    """
    lacking = {kind: "" for kind, frame in frames.items() if "" in covered(frame).absent or covered(frame).value.empty}
    return _distributions(frames, lacking, zero_shares or {})


@carried()
def _distributions(
    frames: Mapping[str, pd.DataFrame], lacking: Mapping[str, str], zero_shares: Mapping[tuple[str, str], float]
) -> tuple[Figure | None, pd.DataFrame]:
    data = pd.concat([f.assign(kind=kind) for kind, f in frames.items()], ignore_index=True)
    if data.empty:
        return None, data
    curves = dict(iter(data.groupby(["variable", "kind"], sort=False)))
    shown = [v for v in LABELS if any((v, kind) in curves for kind in frames)]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = canvas(columns, height=0.25 + 1.45 * rows, rows=rows, sharey=True, title=_rare(curves, frames))
    first = next((kind for kind in frames if kind not in lacking), None)
    for axis, variable in zip(axes, shown, strict=False):
        for other in shown:
            if other != variable and (other, first) in curves:
                axis.plot(*_steps(curves[other, first]), color=FAINT, linewidth=0.7, zorder=1)
        for number, kind in enumerate(frames):
            if (variable, kind) in curves:
                axis.plot(*_steps(curves[variable, kind]), color=COLOURS[number], linestyle=STYLES[number], label=kind)
                _say_shares(axis, curves[variable, kind], kind, LABELS[variable])
            if (kind, variable) in zero_shares and (variable, kind) in curves:
                printed = 1 - zero_shares[kind, variable]
                axis.plot([1], [printed], "D", markersize=4.5, color=COLOURS[number], markerfacecolor="white", zorder=6)
        axis.set(xscale="log", yscale="log")
        axis.margins(x=0.06)
        heading(axis, LABELS[variable])
    for axis in axes:
        log_ticks(axis.xaxis)
        log_ticks(axis.yaxis, one_in)
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    _kinds(axes[0], [kind if kind not in lacking else "" for kind in frames], marked=bool(zero_shares))
    figure.supxlabel("at least so many per repository", fontsize=8.5)
    figure.supylabel("share of repositories", fontsize=8.5)
    return figure, data


def _say_shares(axis, curve: pd.DataFrame, of: str, what: str) -> None:
    """What each value of a staircase says."""
    tips(axis, curve["value"], curve["share"], lambda x, y: f"{_share(y)} of {of} have {x:,.10g} {what} or more")


def _kinds(axis, kinds: list[str], *, marked: bool) -> None:
    """The names of the kinds, those without lines empty, in the corner that no distribution reaches, and the study's mark."""
    named = [(number, kind) for number, kind in enumerate(kinds) if kind]
    handles = [axis.plot([], [], color=COLOURS[n], linestyle=STYLES[n], label=kind)[0] for n, kind in named]
    if marked:
        handles += axis.plot([], [], "D", markersize=4.5, color="black", markerfacecolor="white", label="study")
    legend = axis.legend(handles=handles, loc="upper right", frameon=False, handlelength=1.5, labelspacing=0.15,
                         borderaxespad=0, handletextpad=0.5, fontsize=SMALLEST)  # fmt: skip
    for text, handle in zip(legend.get_texts(), handles, strict=True):
        text.set_color(handle.get_color())


def _steps(curve: pd.DataFrame) -> tuple:
    """A staircase as the corners of its steps: the share holds from the value before up to each value."""
    x, y = curve["value"].tolist(), curve["share"].tolist()
    corners = [(x[0], y[0])]
    for number in range(1, len(x)):
        corners += [(x[number - 1], y[number]), (x[number], y[number])] if y[number] != y[number - 1] else []
    return tuple(zip(*corners, strict=True))


def _rare(curves: Mapping, frames: Mapping) -> str:
    """How many repositories have none of the first activity that a kind has."""
    variable = next(v for v in LABELS if any((v, kind) in curves for kind in frames))
    zero = {kind: 1 - curves[variable, kind]["share"].iloc[0] for kind in frames if (variable, kind) in curves}
    said = _joined([f"{_share(share)} of {kind}" for kind, share in zero.items()]) + f" have {_NONE_OF[variable]}"
    return f"Most repositories go unnoticed: {said}" if min(zero.values()) > 0.5 else said


# --- Figures 2 and 3 --------------------------------------------------------------------------------------------------


@carried()
def correlations(
    pearson: Mapping[str, pd.DataFrame], spearman: Mapping[str, pd.DataFrame]
) -> tuple[Figure | None, pd.DataFrame]:
    """Figures 2 and 3: per panel a heatmap, Pearson below the diagonal and Spearman above; empty where there is no value.

    A variable without a value in any panel is left out, and in a panel one without a value in it.
    """
    columns = ["panel", "a", "b", "pearson", "spearman"]
    known = {name: [v for v in matrix if matrix[v].drop(v).notna().any()] for name, matrix in pearson.items()}
    panels_with = {v: sum(v in names for names in known.values()) for v in LABELS}
    order = sorted((v for v in LABELS if panels_with[v]), key=lambda v: -panels_with[v])  # so that squares keep their corner
    if not order:
        return None, pd.DataFrame(columns=columns)
    rows = [
        {"panel": name, "a": a, "b": b, "pearson": pearson[name].loc[a, b], "spearman": spearman[name].loc[a, b]}
        for name in pearson
        for i, a in enumerate(order)
        for b in order[i + 1 :]
        if {a, b} <= set(pearson[name])
    ]
    data = pd.DataFrame(rows, columns=columns)
    shown = {name: [v for v in order if v in names] for name, names in known.items() if len(names) > 1}
    return _heatmaps(pearson, spearman, shown, order), data


def _heatmaps(pearson: Mapping, spearman: Mapping, shown: Mapping[str, list[str]], order: list[str]) -> Figure:
    """Panels of squares of one size side by side, the names of the rows before the first, the colour bar at the end."""
    left, gap, right, names, bar = 1.02, 0.16, 0.05, 0.95, 0.42
    cells = sum(len(v) for v in shown.values())
    side = min((WIDTH - left - right - gap * (len(shown) - 1)) / cells, 0.34)
    height = 0.2 + side * len(order) + names + bar
    figure = blank(height=height, title=_partners(pearson, shown))
    total, x = figure.get_figheight(), left
    for name, variables in shown.items():
        wide = side * len(variables)
        axis = figure.add_axes((x / WIDTH, (height - 0.2 - wide) / total, wide / WIDTH, wide / total))
        heading(axis, _PANELS.get(name, name))
        image = _heatmap(axis, pearson[name], spearman[name], variables, named=x == left)
        x += max(wide, 1.1) + gap  # room for the name of a small panel
    bottom = figure.add_axes((left / WIDTH, 0.27 / total, 1.7 / WIDTH, 0.08 / total))
    colours = figure.colorbar(image, cax=bottom, orientation="horizontal", ticks=[-1, -0.5, 0, 0.5, 1])
    colours.outline.set_visible(False)
    bottom.tick_params(length=0, labelsize=SMALLEST, pad=1.5)
    bottom.text(1.04, 0.5, "◣ Pearson’s coefficient   ◥ Spearman’s, of ranks", transform=bottom.transAxes,
                va="center", fontsize=8, color=GREY)  # fmt: skip
    return figure


def _heatmap(axis, below: pd.DataFrame, above: pd.DataFrame, variables: list[str], *, named: bool):
    """A square per coefficient with its value, blue for -1 and red for 1; digits black or white, whichever is read better."""
    size = len(variables)
    values = [[_cell(below, above, i, j, variables) for j in range(size)] for i in range(size)]
    image = axis.pcolormesh(pd.DataFrame(values).to_numpy(), cmap="RdBu_r", vmin=-1, vmax=1, edgecolor="white", linewidth=0.6)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if value == value:
                axis.text(j + 0.5, i + 0.5, coefficient(value), ha="center", va="center_baseline", fontsize=7,
                          color=_readable_on(image.cmap(image.norm(value))))  # fmt: skip
                said = f"{LABELS[variables[i]]} and {LABELS[variables[j]]}: {'Pearson' if i > j else 'Spearman'} {value:.3f}"
                tips(axis, [j + 0.5], [i + 0.5], lambda _x, _y, said: said, [said])
    ticks, labels = [n + 0.5 for n in range(size)], [LABELS[v] for v in variables]
    axis.set_xticks(ticks, labels, rotation=90)
    axis.set_yticks(ticks, labels if named else [])
    axis.tick_params(length=0, pad=2)
    axis.invert_yaxis()
    axis.spines[:].set_visible(False)
    return image


def coefficient(value: float) -> str:
    """A correlation with two decimals, without the zero before the point: .80, −.05, 1."""
    text = f"{value:.2f}"
    if text.strip("-0.") == "":
        return "0"
    return text.replace("-", "−").replace("0.", ".", 1).replace("1.00", "1")


def _readable_on(colour: tuple[float, ...]) -> str:
    """Black or white: the one with more contrast, by the colour's relative luminance (WCAG)."""
    linear = [c / 12.92 if c <= 0.03928 else float(exact.power((c + 0.055) / 1.055, 2.4)) for c in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return ON_LIGHT if luminance > 0.179 else ON_DARK


def _cell(below: pd.DataFrame, above: pd.DataFrame, i: int, j: int, order: list[str]) -> float:
    if i == j:
        return float("nan")
    return (below if i > j else above).loc[order[i], order[j]]


def _partners(pearson: Mapping[str, pd.DataFrame], shown: Mapping[str, list[str]]) -> str:
    """With which activity the first one goes most, panel by panel, by Pearson's coefficient; of one pair alone only its own."""
    most: dict[str, dict[str, list[str]]] = {}
    alone: dict[str, list[str]] = {}
    for name, variables in shown.items():
        first, *others = variables
        known = pearson[name].loc[first, others].astype("float64").dropna()
        if known.empty:
            continue
        partner, place = known.index[known.argmax()], _PANELS.get(name, f"in {name}").replace("no licence", "without a licence")
        place = f"under a {place}" if place.endswith("ive licence") else place
        value, highest = f"{place} ({known.max():.2f})", f"{LABELS[first]} and {LABELS[partner]}"
        if len(known) == 1 or known.max() <= 0:
            said = "correlate at" if len(known) == 1 else "correlate most, at"
            alone.setdefault(f"{highest} {said}", []).append(f"{known.max():.2f} {place}")
        else:
            most.setdefault(LABELS[first], {}).setdefault(LABELS[partner], []).append(value)
    said = [
        f"{first} go most " + _joined([f"with {other} {_joined(places)}" for other, places in partners.items()])
        for first, partners in most.items()
    ]
    return "; ".join([*said, *(f"{pair} {_joined(places)}" for pair, places in alone.items())]).capitalize()


# --- Figure 4 ---------------------------------------------------------------------------------------------------------


@carried()
def centralities(frame: pd.DataFrame) -> tuple[Figure | None, pd.DataFrame]:
    """Figure 4: share of developers with at least a degree, and with at least a PageRank, isolates left out.

    `frame` has columns degree and pagerank, one row per developer; the data behind it hold each distinct value once.
    """
    if frame.empty:
        return None, pd.DataFrame(columns=["measure", "value", "share"])
    degrees = frame["degree"]
    figure, axes = canvas(2, height=2.3, sharey=True, title=_linked_to(degrees))
    parts = []
    for axis, column in zip(axes, ("degree", "pagerank"), strict=True):
        counted = frame[column].value_counts().sort_index(ascending=False)
        share = counted.cumsum() / max(int(counted.sum()), 1)
        part = pd.DataFrame({"measure": column, "value": share.index, "share": share.to_numpy()}).iloc[::-1]
        axis.plot(*_steps(part), color=COLOURS[0])
        said = "{} of developers have a " + ("degree of {:,.10g}" if column == "degree" else "PageRank of {:.2g}") + " or more"
        tips(axis, part["value"], part["share"], lambda x, y, said=said: said.format(_share(y), x))
        axis.set(xscale="log", yscale="log")
        axis.margins(x=0.08, y=0.14)
        parts.append(part)
    _say_hub_and_median(axes, frame)
    heading(axes[0], "degree: edges in and out")
    heading(axes[1], "PageRank: share of a random walk")
    axes[0].set(xlabel="at least this degree", ylabel="share of developers")
    axes[1].set_xlabel("at least this PageRank")
    log_ticks(axes[0].xaxis)
    log_ticks(axes[1].xaxis, one_in, most=4)
    log_ticks(axes[0].yaxis, one_in)
    return figure, pd.concat(parts, ignore_index=True)


def _linked_to(degrees: pd.Series) -> str:
    """The degree of half of the developers, and the largest where it is another one."""
    half, largest = degrees.median(), degrees.max()
    if degrees.min() == largest:
        return f"Every linked developer has a degree of {largest:,}"
    end = f"one has {largest:,}" if largest > half else "and none has more"
    return f"Half of the linked developers have a degree of {half:,g} or less, {end}"


def _say_hub_and_median(axes, frame: pd.DataFrame) -> None:
    for axis, column, words in zip(axes, ("degree", "pagerank"), ("{:,g}", "1 in {:,.0f}"), strict=True):
        values = frame[column]
        half, top = values.median(), values.max()
        shown = (half, top) if column == "degree" else (1 / half, 1 / top)
        point_out(axis, half, (values >= half).sum() / len(values), f"median {words.format(shown[0])}")
        point_out(axis, top, 1 / len(values), f"hub {words.format(shown[1])}", right=False, up=False)


# --- Figure 5 ---------------------------------------------------------------------------------------------------------


@carried()
def lorenz(curves: pd.DataFrame) -> tuple[Figure | None, pd.DataFrame]:
    """Lorenz curves: share of the total that the least active share of repositories holds (`robustness.lorenz`)."""
    if curves.empty:
        return None, curves
    figure, (axis,) = canvas(1, height=3.0, title=_most_unequal(curves))
    ends = []
    for (variable, part), style, colour in zip(curves.groupby("variable", sort=False), STYLES, COLOURS, strict=False):
        axis.plot(part["repositories"], part["held"], linestyle=style, color=colour)
        said = f"The least active {{}} of models hold {{}} of all {LABELS[variable]}"
        tips(axis, part["repositories"], part["held"], lambda x, y, said=said: said.format(_share(x), _share(y)))
        ends.append((0.99, _held_below(part, 0.99), LABELS[variable], colour))
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.6)
    axis.set(xlabel="share of models, from the least active", ylabel="share of the total", xlim=(0, 1), ylim=(0, 1))
    axis.text(0.4, 0.43, "all alike", color=GREY, ha="right", fontsize=8)
    for limit in (axis.xaxis, axis.yaxis):
        limit.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    label_ends(axis, ends, inches=2.5)
    return figure, curves


def _most_unequal(curves: pd.DataFrame) -> str:
    """What the most active 1 % hold, or of fewer than a hundred models the one that has most."""
    top = {v: 1 - _held_below(part, 0.99) for v, part in curves.groupby("variable", sort=False)}
    most, least = max(top, key=top.get), min(top, key=top.get)
    models = curves.loc[curves["variable"] == most, "models"].iloc[0]
    who = "The most active 1 % of models hold" if models >= 100 else f"The most active of {models} models holds"
    return f"{who} {_share(top[most])} of all {LABELS[most]}" + (
        f", and {_share(top[least])} of all {LABELS[least]}" if most != least else ""
    )


def _held_below(curve: pd.DataFrame, share: float) -> float:
    """What the least active `share` of repositories holds of the total; the last point at or before it."""
    return float(curve.loc[curve["repositories"] <= share + 1e-9, "held"].iloc[-1])


@carried()
def adoption(
    usage: Mapping[str, pd.DataFrame], co_usage: Mapping[str, pd.DataFrame]
) -> tuple[Figure | None, pd.DataFrame]:
    """Figure 5: share of models with at least a degree, in the usage and in the co-usage network, a line per field."""
    if not usage and not co_usage:
        return None, pd.DataFrame(columns=["degree", "models", "share", "network", "field"])
    figure, axes = canvas(2, height=2.5, sharey=True, title=_most_used(usage))
    parts = []
    for axis, (network, frames) in zip(axes, (("usage", usage), ("co-usage", co_usage)), strict=True):
        for number, (field, frame) in enumerate(frames.items()):
            curve, what = frame.rename(columns={"degree": "value"}), "spaces" if network == "usage" else "models beside them"
            axis.plot(*_steps(curve), linestyle=STYLES[number], color=COLOURS[number])
            _say_shares(axis, curve, FIELDS.get(field, field), what)
            parts.append(frame.assign(network=network, field=field))
        axis.set(xscale="log", yscale="log")
    for axis, text, below in zip(
        axes,
        ("usage: spaces that use the model", "co-usage: models it shares a space with"),
        ("at least so many spaces", "at least so many models"),
        strict=True,
    ):
        heading(axis, text)
        axis.set_xlabel(below)
        log_ticks(axis.xaxis)
    log_ticks(axes[0].yaxis, one_in)
    axes[0].set_ylabel("share of the models that spaces use")
    for axis, frames in zip(axes, (usage, co_usage), strict=True):
        ends = [
            (frame["degree"].iloc[-1], frame["share"].iloc[-1], FIELDS.get(field, field), COLOURS[number])
            for number, (field, frame) in enumerate(frames.items())
        ]
        label_ends(axis, ends, inches=1.8)
    return figure, pd.concat(parts, ignore_index=True)


def _most_used(usage: Mapping[str, pd.DataFrame]) -> str:
    """How many of the used models are in as few spaces as any, and in how many the first is."""
    if not usage:
        return ""
    frame = next(iter(usage.values()))
    least, most = frame["degree"].iloc[0], frame["degree"].iloc[-1]
    if least == most:
        return f"Every model that spaces use is used by {least:,}"
    fewest = "a single space" if least == 1 else f"{least:,} spaces"
    return f"{_share(1 - frame['share'].iloc[1])} of the models in use are used by {fewest}; the first is used by {most:,}"


# --- over time, and two runs ------------------------------------------------------------------------------------------


@carried()
def trends(data: pd.DataFrame, *, logarithmic: str = "(log)") -> tuple[Figure | None, pd.DataFrame]:
    """Values over time, a panel each group of measures, a line a measure; a hollow point is of a sample.

    `data` has columns panel, line, snapshot, day (ISO), sample, value, ordered by day; a panel whose title ends in
    `logarithmic` has a log axis, on which zeros have no place and are left out. What joins samples of different
    snapshots is faint: it is no course of the Hub's.
    """
    if data.empty:
        return None, data
    different = data["sample"].any() and data["snapshot"].nunique() > 1
    panels = list(dict.fromkeys(data["panel"]))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = canvas(columns, height=2.1 * rows + 0.2, rows=rows, title=_moved_most(data))
    for axis, panel in zip(axes, panels, strict=False):
        is_log, shown = panel.endswith(logarithmic), data[data["panel"] == panel]
        heading(axis, panel.removesuffix(logarithmic).strip())
        shown = shown[shown["value"] > 0] if is_log else shown
        if shown.empty:
            say(axis, "none above 0")
            continue
        for number, (_, points) in enumerate(shown.groupby("line", sort=False)):
            _course(axis, points, number, faint=different)
        _value_ticks(axis, shown, is_log)
        ends = [
            (pd.Timestamp(points["day"].iloc[-1]), points["value"].iloc[-1], line, COLOURS[number % len(COLOURS)])
            for number, (line, points) in enumerate(shown.groupby("line", sort=False))
        ]
        label_ends(axis, ends, inches=1.6)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if data["sample"].any():
        also = "; thin lines join different samples" if different else ""
        figure.supxlabel(f"hollow points: from a sample, not a census{also}", fontsize=8, color=GREY)
    return figure, data


def _course(axis, points: pd.DataFrame, number: int, *, faint: bool) -> None:
    days, colour, hollow = pd.to_datetime(points["day"]), COLOURS[number % len(COLOURS)], points["sample"].to_numpy(dtype=bool)
    marks = {"marker": "os^Dv<>p"[number % 8], "markersize": 3.4, "color": colour, "markeredgewidth": 0.8}
    line, width = points["line"].iloc[0], 0.4 if faint else 1.1
    axis.plot(days, points["value"], label=line, linestyle=STYLES[number % 8], linewidth=width, **marks)
    axis.plot(days[hollow], points["value"][hollow], linestyle="", markerfacecolor="white", **marks)
    tips(axis, days, points["value"], lambda _, value, day: f"{line}, {day}: {_short(value)}", points["day"])


def _value_ticks(axis, shown: pd.DataFrame, is_log: bool) -> None:
    """Ticks of a course: values by what they are, days in ISO."""
    if is_log:
        axis.set_yscale("log")
        log_ticks(axis.yaxis)
    elif "share" in shown["panel"].iloc[0]:
        axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    elif (shown["value"] % 1 == 0).all():
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    dates = ["%Y", "%Y-%m", "%Y-%m-%d", "%H:%M", "%H:%M", "%S"]
    axis.xaxis.set_major_locator(locator := AutoDateLocator(minticks=2, maxticks=4))
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, formats=dates, show_offset=False))


def _moved_most(data: pd.DataFrame) -> str:
    """The line that changed by the largest factor between its first day and its last."""
    first, last = (data.groupby(["panel", "line"], sort=False)[["day", "value"]].nth(n) for n in (0, -1))
    ends = [(b / a, data.loc[x, "line"], a, b, data.loc[x, "day"], data.loc[y, "day"])
            for x, y, a, b in zip(first.index, last.index, first["value"], last["value"], strict=True)
            if a > 0 and b > 0]  # fmt: skip
    if not ends:
        return ""
    ratio, line, a, b, start, end = max(ends, key=lambda found: max(found[0], 1 / found[0]))
    if ratio == 1:
        return f"Nothing changed from {start} to {end}"
    went = "changed most:" if len(ends) > 1 else "went"
    return f"{line[0].upper()}{line[1:]} {went} from {_short(a)} ({start}) to {_short(b)} ({end})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.3g}"


@carried()
def shifts(data: pd.DataFrame, *, first: str, last: str) -> tuple[Figure | None, pd.DataFrame]:
    """How many times its first value each result has at last: a dot a result, on a log axis; no change is 1.

    `data` has columns result and ratio, in the order in which they are drawn from the top.
    """
    if data.empty:
        return None, data
    more, less = int((data["ratio"] > 1).sum()), int((data["ratio"] < 1).sum())
    of = f"of {len(data)} results" if len(data) > 1 else "of one result"
    title = f"From {first} to {last}, {more} {of} rose and {less} fell"
    figure, (axis,) = canvas(1, height=0.6 + 0.17 * len(data), title=title)
    places = range(len(data))[::-1]
    axis.hlines(places, 1, data["ratio"], color="0.75", linewidth=0.8)
    axis.plot(data["ratio"], places, "o", color=COLOURS[0], markersize=4)
    tips(axis, data["ratio"], places, lambda ratio, _, *said: "{}: {} to {}, {:,.3g} times".format(*said, ratio),
         data["result"], data["first"].map(_short), data["last"].map(_short))  # fmt: skip
    axis.axvline(1, color=GREY, linewidth=0.8)
    low, high = min(data["ratio"].min(), 0.5), max(data["ratio"].max(), 2)
    axis.set(xscale="log", xlim=(low / 1.2, high * 1.2), ylim=(-0.8, len(data) - 0.2))
    axis.set_yticks(places, data["result"])
    axis.tick_params(axis="y", length=0)
    log_ticks(axis.xaxis, lambda value, _: f"\N{MULTIPLICATION SIGN} {plain(value)}", most=9)
    axis.grid(axis="x", color="0.92", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel(f"{last}, times the value of {first}")
    return figure, data
