"""Figures as parts of a page: their ids are their own, their colours follow light and dark, strangers' text is text."""

import io
import re

import pytest

from analysis import canvas
from analysis.page import drawing


@pytest.fixture(scope="module")
def svg() -> str:
    """A line, a marker, a digit on a colour, in the file that matplotlib writes."""
    figure, (axis,) = canvas.canvas(1, height=1, title="A finding")
    axis.plot([0, 1], [1, 2], "o-", color=canvas.COLOURS[0])
    axis.text(0.5, 1.5, "7", color=canvas.ON_LIGHT, backgroundcolor="#cb4942")
    canvas.tips(axis, [0], [1], lambda *_: "<b> & \u202e")
    figure.savefig(file := io.StringIO(), format="svg")
    return canvas.with_tips(file.getvalue(), figure)


def test_two_figures_on_a_page_share_no_id_and_refer_to_their_own(svg):
    ids, referred = {}, {}
    for name in ("a", "b"):
        made = drawing.inline(svg, name, "Some points")
        ids[name] = re.findall(r' id="([^"]+)"', made)
        referred[name] = set(re.findall(r'href="#([^"]+)"', made)) | set(re.findall(r"url\(#([^)]+)\)", made))
        assert len(set(ids[name])) == len(ids[name]) and referred[name] == set(ids[name])
    assert referred["a"] and not set(ids["a"]) & set(ids["b"])


def test_black_white_greys_and_lines_follow_the_page_and_a_scale_with_its_digits_stays(svg):
    made = drawing.inline(svg, "a", "Some points")
    assert (
        "fill: var(--cffffff, #ffffff)" in made
        and f"stroke: var(--c{canvas.COLOURS[0][1:]}, {canvas.COLOURS[0]})" in made
    )
    assert f"fill: {canvas.ON_LIGHT}" in made and "fill: #cb4942" in made
    known = set(re.findall(r"--c([0-9a-f]{6}):", drawing.style()))
    assert set(re.findall(r"var\(--c([0-9a-f]{6})", made)) <= known


def luminance(colour: str) -> float:
    parts = [value / 255 for value in bytes.fromhex(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_in_the_dark_text_and_lines_can_be_told_from_the_ground():
    """Contrast by WCAG: text 7 to 1, lines 3 to 1."""
    dark = dict(re.findall(r"--c([0-9a-f]{6}): #([0-9a-f]{6})", drawing.style()))
    ground = luminance(dark["ffffff"])
    assert (luminance(dark["000000"]) + 0.05) / (ground + 0.05) > 7
    assert all((luminance(dark[line[1:]]) + 0.05) / (ground + 0.05) > 3 for line in canvas.COLOURS)


def test_a_drawing_has_a_name_and_neither_metadata_nor_a_style_for_the_whole_page(svg):
    made = drawing.inline(svg, "a", 'Points "of" <script>')
    assert made.startswith('<svg class="drawing" role="img" aria-label="Points &#34;of&#34; &lt;script&gt;" viewBox="')
    assert not re.search("<metadata|<!--|<style|<script|xlink|<\\?xml", made)


def test_what_a_tip_says_is_escaped(svg):
    assert "<title>&lt;b&gt; &amp; \u202e</title>" in drawing.inline(svg, "a", "")
