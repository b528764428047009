"""What the figures are drawn on: one look, the same bytes on every machine.

matplotlib's own defaults and the fonts that it ships, whatever its user has set; a log scale without numpy's logarithm;
ticks that read as numbers (1, 100, 10k; 1 in 1,000); a title that says the finding; labels at the ends of lines.
"""

import html
import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager, scale
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from analysis import exact

STYLES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)))
COLOURS = (  # seaborn's palette "colorblind"
    "#0173b2 #de8f05 #029e73 #d55e00 #cc78bc #ca9161 #fbafe4 #949494 #ece133 #56b4e9".split()
)
GREY = "0.45"  # of words that explain, and of what is not the point
FAINT = "0.86"  # of what stands behind
SMALLEST = 7.5  # points; the paper prints figures at their size
_RC = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral"],  # the paper's text is Times too, of which matplotlib ships this one
    "mathtext.fontset": "stix",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlepad": 4,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.solid_capstyle": "butt",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "hub-activity-paper",
    "svg.fonttype": "path",  # a page has none of these fonts: where another took their place, labels ran into the drawing
    "timezone": "UTC",  # this and the next are what matplotlib's own defaults leave as they are
    "date.epoch": "1970-01-01T00:00:00",
}
_LOG_10 = float(exact.log(10))
_FAR_OUTSIDE = -1000  # where matplotlib draws what has no logarithm
WIDTH = 5.9  # inches: the paper's text block
_TITLE_POINTS, _TITLE_LINE, _TITLE_CHARACTERS = 9.5, 0.158, 94
_ROOM_FOR_MARK = 18  # characters of the first line
ON_LIGHT, ON_DARK = "#010101", "#fefefe"  # of digits on a colour that stays: a page in the dark turns black and white round
MOST_TIPS = 2000  # points of a figure that all get a tip; of more, those that can be told apart
_TIPS_APART = 4.0  # typographic points
_LARGE = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


def canvas(columns: int, *, height: float, rows: int = 1, sharey: bool = False, title: str = "", **options):
    """A figure with a title that says its finding, and its axes; height in inches, without the title.

    Every machine and every user's settings give the same bytes. Further options are matplotlib's `subplots`.
    """
    figure = blank(height=height, title=title, layout="constrained")
    return figure, figure.subplots(rows, columns, sharey=sharey, squeeze=False, **options).ravel()


def blank(*, height: float, title: str = "", layout: str | None = None) -> Figure:
    """A figure with a title and no axes; what is drawn goes below the title (`body`)."""
    _settle()
    lines = _even_lines(title)
    above = _TITLE_LINE * len(lines) + 0.04 * bool(lines)
    figure = Figure(figsize=(WIDTH, height + above), layout=layout)
    if layout:
        figure.get_layout_engine().set(rect=(0, 0, 1, height / (height + above)))
    if lines:
        figure.text(0, 1, "\n".join(lines).lstrip(), ha="left", va="top", fontsize=_TITLE_POINTS, fontweight="bold",
                    linespacing=1.15, parse_math=False)  # fmt: skip
    return figure


def _even_lines(title: str) -> list[str]:
    """The title in as few lines as hold it, about as long as each other, the first with room for a mark."""
    widths = range(_TITLE_CHARACTERS, _TITLE_CHARACTERS // 2, -2)
    ways = [textwrap.wrap(title, width, initial_indent=" " * _ROOM_FOR_MARK) for width in widths]
    return [way for way in ways if len(way) == len(ways[0])][-1]


def title_of(figure: Figure) -> str:
    """The finding that stands above a figure."""
    return " ".join(figure.texts[0].get_text().split()) if figure.texts else ""


def mark(figure: Figure, words: str) -> None:
    """Put words before the title of a figure, in its first line, which has room for them."""
    if figure.texts:
        figure.texts[0].set_text(f"{words}. {figure.texts[0].get_text()}")
    else:
        figure.text(0.004, 0.992, words, ha="left", va="top", fontsize=SMALLEST, fontweight="bold")


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

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
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


# --- ticks and words --------------------------------------------------------------------------------------------------


def plain(value: float, _=None) -> str:
    """A number of an axis: 1, 100, 10k, 1M; below 1 as it is."""
    for size, letter in _LARGE:
        if value >= size * (1 if size > 1e3 else 10):  # four digits are read as they are
            return f"{value / size:,.10g}{letter}"
    return f"{value:,.10g}"


def one_in(value: float, _=None) -> str:
    """A share of an axis: all, 1 in 2, 1 in 1,000, 1 in 10k."""
    return "all" if value == 1 else f"1 in {plain(round(1 / value))}" if value < 1 else f"{value:g}"


def log_ticks(axis, words=plain, *, most: int = 5) -> None:
    """Ticks of a log axis as numbers; at 1, 2 and 5 where the axis spans less than two powers of ten."""
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 100 * low else (1, 3) if high < 300 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=most))
    axis.set_major_formatter(FuncFormatter(words))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def heading(axis, text: str) -> None:
    """The title of a panel, at its left."""
    axis.set_title(text, loc="left")


def say(axis, text: str) -> None:
    """Words in the place of a panel."""
    axis.set_axis_off()
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=GREY)


def point_out(axis, x: float, y: float, text: str, *, right: bool = True, up: bool = True, colour: str = "black") -> None:
    """A marked point with words beside it, above or below."""
    axis.plot([x], [y], "o", color=colour, markersize=4, zorder=5)
    axis.annotate(
        text, (x, y), xytext=(5 if right else -5, 4 if up else -4), textcoords="offset points", color=colour,
        ha="left" if right else "right", va="bottom" if up else "top", fontsize=8, parse_math=False,
    )  # fmt: skip


def tips(axis, x: Iterable, y: Iterable, say: Callable[..., str], *also: Iterable) -> None:
    """What the SVG says of points in data coordinates, to whoever points at them: `say(x, y, ...)`, with a value of each of
    `also`. A point without a place has none."""
    figure = axis.get_figure()
    known = [point for point in zip(x, y, *also, strict=True) if point[0] == point[0] and point[1] == point[1]]
    if known:
        across, up = zip(*[point[:2] for point in known], strict=True)
        figure.tips = [*getattr(figure, "tips", []), (axis, list(across), list(up), [say(*point) for point in known])]


def with_tips(svg: str, figure: Figure) -> str:
    """The SVG of a figure that was just drawn, with an invisible circle and a title where it has tips."""
    given = [(axis, place, text) for axis, x, y, words in getattr(figure, "tips", [])
             for place, text in zip(_places(axis, x, y), words, strict=True)]  # fmt: skip
    if not given:
        return svg
    kept = given if len(given) < MOST_TIPS else list(_told_apart(given))
    circles = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_TIPS_APART / 2:g}"><title>{html.escape(text)}</title></circle>'
        for _, (x, y), text in kept
    ]
    start, end, _ = svg.rpartition("</svg>")
    return start + '<g class="tips" fill="none" pointer-events="all">\n' + "\n".join(circles) + "\n</g>\n" + end + "\n"


def _places(axis, x: list, y: list) -> list[tuple[float, float]]:
    """Data coordinates as points from the upper left corner of the figure."""
    figure = axis.get_figure()
    pixels = axis.transData.transform(np.column_stack([axis.convert_xunits(x), axis.convert_yunits(y)]).astype("float64"))
    inches = figure.dpi_scale_trans.inverted().transform(pixels)
    return [(72 * across, 72 * (figure.get_figheight() - up)) for across, up in inches.tolist()]


def _told_apart(given: list) -> Iterable[tuple]:
    """Of points that follow each other, the first, and each that is far enough from the one before it."""
    last: tuple = (None, (math.inf, math.inf))
    for one in given:
        axis, (x, y), _ = one
        if axis is not last[0] or math.hypot(x - last[1][0], y - last[1][1]) >= _TIPS_APART:
            last = one[:2]
            yield one


def label_ends(axis, ends: Sequence[tuple[float, float, str, object]], *, inches: float) -> None:
    """Words to the right of a panel at the heights where lines end, moved apart where they would overlap.

    `ends`: place and height of the end, words, colour; a thin line leads from there to the words. The limits of the axis
    become final; `inches` is the panel's height.
    """
    axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())
    for x, y, _, colour in ends:
        axis.hlines(y, x, axis.get_xlim()[1], color=colour, linewidth=0.5, linestyle=(0, (1, 2)))
    low, high = (_position(axis, limit) for limit in axis.get_ylim())
    wanted = sorted(((_position(axis, y) - low) / (high - low), text, colour) for _, y, text, colour in ends)
    for place, (_, text, colour) in zip(apart([y for y, *_ in wanted], 0.135 / inches), wanted, strict=True):
        axis.annotate(text, (1, place), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
                      va="center", ha="left", color=colour, annotation_clip=False, parse_math=False)  # fmt: skip


def _position(axis, value: float) -> float:
    return float(exact.log(value)) if axis.get_yscale() == "log" else float(value)


def apart(places: Iterable[float], least: float) -> list[float]:
    """Ascending places, none closer to the next than `least`; a group that was too close stays about its middle."""
    groups: list[list[float]] = []  # each: its places as they were
    for place in places:
        groups.append([place])
        while len(groups) > 1 and _first(groups[-1], least) - _last(groups[-2], least) < least:
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_first(group, least) + least * number for group in groups for number in range(len(group))]


def _first(group: list[float], least: float) -> float:
    return math.fsum(group) / len(group) - least * (len(group) - 1) / 2


def _last(group: list[float], least: float) -> float:
    return _first(group, least) + least * (len(group) - 1)
