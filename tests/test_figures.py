"""Ticks of log axes and cells of heatmaps as they are drawn; that every machine draws the same bytes is in test_run.py."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager

from analysis import figures

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
    figures.canvas(1, height=1)
    files = {font.fname for font in font_manager.fontManager.ttflist if font.name == mpl.rcParams["font.family"][0]}
    assert files and all(file.startswith(mpl.get_data_path()) for file in files)


@pytest.mark.parametrize("setting", [{"axes.grid": True}, {"timezone": "Asia/Tokyo"}, {"font.size": 30}])
def test_what_a_user_sets_in_matplotlib_does_not_reach_a_figure(setting):
    figures.canvas(1, height=1)
    usual = dict(mpl.rcParams)
    mpl.rcParams.update(setting)
    figures.canvas(1, height=1)
    assert dict(mpl.rcParams) == usual


def test_a_logarithm_is_matplotlibs_but_for_the_last_digit():
    _, (axis,) = figures.canvas(1, height=1)
    axis.set_xscale("log")
    transform = axis.xaxis.get_transform()
    values = np.array([0.02, 1, 3, 1e7])
    assert transform.transform(values) == pytest.approx(np.log10(values), rel=1e-15, abs=1e-15)
    assert transform.inverted().transform(transform.transform(values)) == pytest.approx(values, rel=1e-13)
    assert transform.transform(np.array([0.0, -1, NAN, 10])).tolist()[:2] == [-1000, -1000]  # far outside


def test_a_long_log_axis_has_ticks_at_powers_of_ten_in_plain_characters():
    figure, _ = figures.distributions({"models": curve([1.0, 40, 5_000], [1.0, 0.1, 0.0005])})
    (axes,) = drawn(figure)
    assert labels(axes.xaxis) == ["10⁰", "10¹", "10²", "10³"]
    assert labels(axes.yaxis) == ["10⁻³", "10⁻²", "10⁻¹", "10⁰"]
    assert len(axes.xaxis.get_minor_ticks()) == 0


def test_a_short_log_axis_keeps_labels_between_powers_of_ten():
    figure, _ = figures.distributions({"models": curve([2.0, 3, 7], [0.9, 0.6, 0.3])})
    (axes,) = drawn(figure)
    assert len(labels(axes.xaxis)) > 2
    assert any("$" in label for label in labels(axes.xaxis))


def test_panels_that_share_an_axis_are_looked_at_together():
    short, long = curve([1.0, 2], [1.0, 0.5]), curve([1.0, 2000], [1.0, 0.0001])
    for first, second in itertools.permutations([short, long]):
        left, right = drawn(figures.distributions({"models": first, "spaces": second})[0])
        assert labels(left.yaxis) == labels(right.yaxis) == ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]


def matrix(below, above):
    names = ["n_likes", "n_downloads", "n_commits"]
    found = pd.DataFrame(np.nan, index=names, columns=names)
    found.iloc[1, 0] = found.iloc[0, 1] = below
    found.iloc[2, 1] = found.iloc[1, 2] = above
    return found


def test_a_heatmap_has_pearson_below_spearman_above_and_nothing_where_there_is_no_value():
    figure, data = figures.correlations({"models": matrix(0.123, -0.5)}, {"models": matrix(0.9, NAN)})
    (axes,) = drawn(figure)
    cells = {tuple(float(place) - 0.5 for place in text.get_position()): text for text in axes.texts}
    # (column, row), rows from the top: likes, downloads, commits
    assert {place: text.get_text() for place, text in cells.items()} == {
        (0, 1): "0.12",
        (1, 0): "0.90",
        (1, 2): "-0.50",
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["likes", "downloads", "commits"]
    assert axes.yaxis_inverted()
    assert data["pearson"].tolist() == pytest.approx([0.123, NAN, -0.5], nan_ok=True)
