"""Ticks of log axes and cells of heatmaps as they are drawn; that every machine draws the same bytes is in test_run.py."""

import io
import itertools
import math
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager

from analysis import canvas, figures
from analysis.covered import Covered

NAN = float("nan")


def drawn(figure):
    figure.draw_without_rendering()
    return figure.axes


def labels(axis):
    """Texts of the ticks within the axis."""
    low, high = axis.get_view_interval()
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_text()]


def curve(values, shares):
    return pd.DataFrame({"variable": "n_likes", "value": values, "share": shares})


def test_figures_have_matplotlibs_own_fonts_where_its_kept_list_lacks_them(monkeypatch):
    others = [f for f in font_manager.fontManager.ttflist if not f.fname.startswith(mpl.get_data_path())]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", others)
    canvas.canvas(1, height=1)
    files = {font.fname for font in font_manager.fontManager.ttflist if font.name == mpl.rcParams["font.serif"][0]}
    assert files and all(file.startswith(mpl.get_data_path()) for file in files)


@pytest.mark.parametrize("setting", [{"axes.grid": True}, {"timezone": "Asia/Tokyo"}, {"font.size": 30}])
def test_what_a_user_sets_in_matplotlib_does_not_reach_a_figure(setting):
    canvas.canvas(1, height=1)
    usual = dict(mpl.rcParams)
    mpl.rcParams.update(setting)
    canvas.canvas(1, height=1)
    assert dict(mpl.rcParams) == usual


def test_a_logarithm_is_matplotlibs_but_for_the_last_digit():
    _, (axis,) = canvas.canvas(1, height=1)
    axis.set_xscale("log")
    transform = axis.xaxis.get_transform()
    values = np.array([0.02, 1, 3, 1e7])
    assert transform.transform(values) == pytest.approx(np.log10(values), rel=1e-15, abs=1e-15)
    assert transform.inverted().transform(transform.transform(values)) == pytest.approx(values, rel=1e-13)
    assert transform.transform(np.array([0.0, -1, NAN, 10])).tolist()[:2] == [-1000, -1000]  # far outside


def test_a_long_log_axis_has_ticks_that_read_as_numbers():
    figure, _ = figures.distributions({"models": curve([1.0, 40, 5_000_000], [1.0, 0.1, 0.0005])})
    (axes,) = drawn(figure)
    assert labels(axes.xaxis) == ["1", "100", "10k", "1M"]
    assert labels(axes.yaxis) == ["1 in 1,000", "1 in 100", "1 in 10", "all"]


def test_a_short_log_axis_has_labels_between_powers_of_ten():
    figure, _ = figures.distributions({"models": curve([2.0, 3, 70], [0.9, 0.6, 0.3])})
    (axes,) = drawn(figure)
    assert labels(axes.xaxis) == ["2", "5", "10", "20", "50"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0.5, "0.5"), (1_000, "1,000"), (9_999, "9,999"), (10_000, "10k"), (2_500_000, "2.5M"), (3e9, "3bn")],
)
def test_a_number_of_an_axis_is_short(value, text):
    assert canvas.plain(value) == text


@pytest.mark.parametrize(("share", "text"), [(1, "all"), (0.5, "1 in 2"), (0.001, "1 in 1,000"), (1e-5, "1 in 100k")])
def test_a_share_of_an_axis_is_one_in_so_many(share, text):
    assert canvas.one_in(share) == text


def test_a_title_is_read_in_one_line_and_leaves_room_for_the_mark():
    figure = canvas.blank(height=1, title="What was found " * 12)
    assert canvas.title_of(figure) == ("What was found " * 12).strip()
    lines = len(figure.texts[0].get_text().splitlines())
    canvas.mark(figure, "SYNTHETIC DATA")
    assert canvas.title_of(figure).startswith("SYNTHETIC DATA. What was found")
    figure.draw_without_rendering()
    assert len(figure.texts[0].get_text().splitlines()) == lines
    extent = figure.texts[0].get_window_extent()
    assert extent.x1 <= figure.bbox.x1


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.2))
def test_labels_that_were_moved_apart_keep_their_order_and_distance(places, least):
    moved = canvas.apart(sorted(places), least)
    assert len(moved) == len(places)
    assert all(b - a >= least * (1 - 1e-9) for a, b in itertools.pairwise(moved))


def test_labels_that_are_far_enough_apart_stay():
    assert canvas.apart([0.1, 0.5, 0.9], 0.2) == [0.1, 0.5, 0.9]
    assert canvas.apart([0.5, 0.5], 0.2) == pytest.approx([0.4, 0.6])


def test_a_staircase_holds_each_share_up_to_its_value():
    x, y = figures._steps(pd.DataFrame({"value": [1, 3, 7], "share": [1.0, 0.4, 0.1]}))
    assert list(zip(x, y, strict=True)) == [(1, 1.0), (1, 0.4), (3, 0.4), (3, 0.1), (7, 0.1)]


def test_the_title_of_figure_1_says_how_many_have_none_and_claims_most_only_of_most():
    few, many = curve([1.0, 9], [0.2, 0.1]), curve([1.0, 9], [0.7, 0.1])
    assert canvas.title_of(figures.distributions({"models": few})[0]) == (
        "Most repositories go unnoticed: 80.0 % of models have no like"
    )
    both = figures.distributions({"models": few, "spaces": many})[0]
    assert canvas.title_of(both) == "80.0 % of models and 30.0 % of spaces have no like"


def matrix(below, above):
    names = ["n_likes", "n_downloads", "n_commits"]
    found = pd.DataFrame(np.nan, index=names, columns=names)
    found.iloc[1, 0] = found.iloc[0, 1] = below
    found.iloc[2, 1] = found.iloc[1, 2] = above
    return found


def test_a_heatmap_has_pearson_below_spearman_above_and_nothing_where_there_is_no_value():
    figure, data = figures.correlations({"models": matrix(0.123, -0.5)}, {"models": matrix(0.9, NAN)})
    axes, _ = drawn(figure)
    cells = {tuple(float(place) - 0.5 for place in text.get_position()): text for text in axes.texts}
    # (column, row), rows from the top: likes, downloads, commits
    assert {place: text.get_text() for place, text in cells.items()} == {(0, 1): ".12", (1, 0): ".90", (1, 2): "−.50"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["likes", "downloads", "commits"]
    assert axes.yaxis_inverted()
    assert data["pearson"].tolist() == pytest.approx([0.123, NAN, -0.5], nan_ok=True)


@pytest.mark.parametrize(
    ("value", "text"), [(0.8, ".80"), (-0.05, "−.05"), (0.004, "0"), (-0.001, "0"), (1.0, "1"), (0.999, "1")]
)
def test_a_coefficient_is_short_and_never_minus_zero(value, text):
    assert figures.coefficient(value) == text


def test_digits_are_read_against_what_is_behind_them():
    assert [figures._readable_on(c) for c in ((1, 1, 1), (0, 0, 0), (0.4, 0, 0.1), (0.97, 0.97, 0.9))] == [
        canvas.ON_LIGHT, canvas.ON_DARK, canvas.ON_DARK, canvas.ON_LIGHT
    ]  # fmt: skip


def test_what_has_no_value_in_a_panel_has_no_row_in_it():
    panels = {"a": matrix(0.5, 0.5), "b": matrix(0.5, NAN)}
    figure, _ = figures.correlations(panels, panels)
    first, second, _ = drawn(figure)
    assert [len(axis.get_yticks()) for axis in (first, second)] == [3, 2]


def test_a_title_of_two_lines_has_lines_alike_and_no_last_word_alone():
    lines = canvas._even_lines("word " * 20 + "end")
    assert len(lines) == 2 and abs(len(lines[0]) - len(lines[1])) <= 10
    assert canvas._even_lines("") == [] and len(canvas._even_lines("short")) == 1


def test_the_title_of_the_lorenz_curves_says_who_holds_what():
    share = [0, 0.5, 0.99, 1]
    curves = pd.concat(
        pd.DataFrame({"variable": v, "repositories": share, "held": held, "models": 100})
        for v, held in (("n_likes", [0, 0.1, 0.4, 1]), ("n_commits", [0, 0.5, 0.99, 1]))
    )
    figure, _ = figures.lorenz(curves)
    assert canvas.title_of(figure) == "The most active 1 % of models hold 60.0 % of all likes, and 1.0 % of all commits"
    assert {"likes", "commits"} <= {text.get_text() for text in figure.axes[0].texts}
    assert canvas.title_of(figures.lorenz(curves[curves["variable"] == "n_likes"])[0]).endswith("60.0 % of all likes")
    few = figures.lorenz(curves.assign(models=38))[0]
    assert canvas.title_of(few) == "The most active of 38 models holds 60.0 % of all likes, and 1.0 % of all commits"


@pytest.mark.parametrize(
    ("likes", "title"),
    [
        ([0.9, 0.4], "Likes go most with downloads in models (0.90)"),
        ([0.1, 0.4], "Likes go most with commits in models (0.40)"),
        ([0.9, NAN], "Likes and downloads correlate at 0.90 in models"),
        ([NAN, -0.2], "Likes and commits correlate at -0.20 in models"),
        ([-0.3, -0.2], "Likes and commits correlate most, at -0.20 in models"),
        ([NAN, NAN], ""),
    ],
)
def test_the_title_of_correlations_says_most_only_of_several_and_goes_with_only_of_what_does(likes, title):
    names = ["n_likes", "n_downloads", "n_commits"]
    known = pd.DataFrame(NAN, index=names, columns=names)
    known.loc["n_likes", names[1:]] = known.loc[names[1:], "n_likes"] = likes
    assert figures._partners({"models": known}, {"models": names}) == title


def test_the_title_of_correlations_parts_panels_with_several_pairs_from_those_with_one():
    one, several = matrix(0.5, NAN), matrix(0.7, NAN)
    several.loc["n_likes", "n_commits"] = 0.2
    panels, names = {"models": several, "spaces": one, "permissive": one}, list(one)
    assert figures._partners(panels, dict.fromkeys(panels, names)) == (
        "Likes go most with downloads in models (0.70); likes and downloads correlate at 0.50 in spaces and 0.50 under a "
        "permissive licence"
    )


@pytest.mark.parametrize(
    ("degrees", "title"),
    [
        ([1, 1, 5], "Half of the linked developers have a degree of 1 or less, one has 5"),
        ([1, 5, 5], "Half of the linked developers have a degree of 5 or less, and none has more"),
        ([2, 2], "Every linked developer has a degree of 2"),
    ],
)
def test_the_title_of_degrees_names_a_hub_only_where_there_is_one(degrees, title):
    assert figures._linked_to(pd.Series(degrees)) == title


# --- tips -----------------------------------------------------------------------------------------------------------------


def svg_with_tips(figure) -> str:
    figure.savefig(file := io.StringIO(), format="svg")
    return canvas.with_tips(file.getvalue(), figure)


def circles(svg) -> list[tuple[float, float, str]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="2"><title>(.*?)</title>', svg)
    return [(float(x), float(y), text) for x, y, text in found]


def test_a_tip_lies_where_matplotlib_draws_the_point():
    figure, axes = canvas.canvas(2, height=2, title="A title that moves the panels down")
    for axis, x in zip(axes, ([1, 30, 4000], [1, 2, 3]), strict=True):
        axis.plot(x, [0.5, 0.01, 0.002], "s", color="#123456")
        axis.set(yscale="log", xscale="log" if x[-1] > 9 else "linear")
        canvas.tips(axis, x, [0.5, 0.01, 0.002], lambda x, y: f"{x}: {y}")
    svg = svg_with_tips(figure)
    drawn = re.findall(r'<use xlink:href="#\w+" x="([\d.]+)" y="([\d.]+)" style="fill: #123456', svg)
    assert [(x, y) for x, y, _ in circles(svg)] == [pytest.approx((float(x), float(y)), abs=0.06) for x, y in drawn]
    assert [text for *_, text in circles(svg)][0] == "1: 0.5" and len(drawn) == 6


def test_all_points_have_tips_where_there_are_few_and_those_that_can_be_told_apart_where_there_are_many():
    for size, expected in ((canvas.MOST_TIPS - 1, canvas.MOST_TIPS - 1), (50_000, None)):
        figure, (axis,) = canvas.canvas(1, height=2)
        axis.plot(range(size), range(size))
        canvas.tips(axis, range(size), range(size), lambda x, _: str(x))
        found = circles(svg_with_tips(figure))
        if expected:
            assert len(found) == expected
        else:
            assert 50 < len(found) < canvas.MOST_TIPS and found[0][2] == "0"
            assert all(math.dist(a[:2], b[:2]) >= 3.8 for a, b in itertools.pairwise(found))


def test_a_point_without_a_place_has_no_tip_and_a_figure_without_tips_stays_as_it_is():
    figure, (axis,) = canvas.canvas(1, height=1)
    axis.plot([1, 2], [1, NAN])
    assert "<circle" not in svg_with_tips(figure)
    canvas.tips(axis, [1, 2], [1, NAN], lambda x, y, z: z, ["a", "b"])
    assert [text for *_, text in circles(svg_with_tips(figure))] == ["a"]


def test_figure_1_names_every_kind_also_those_that_lack_an_activity():
    one = curve([1, 2], [0.5, 0.25])
    frames = {
        "models": one,
        "spaces": Covered(one, {"n_downloads": "spaces can't be downloaded"}),
        "datasets": Covered(one.iloc[:0], {"": "no list"}),
    }
    figure, _ = figures.distributions(frames).value
    assert [text.get_text() for text in drawn(figure)[0].get_legend().get_texts()] == ["models", "spaces"]
