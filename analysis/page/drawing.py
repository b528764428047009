"""The figures as parts of a page: inline SVG that follows light and dark, with names of its own for what it refers to.

matplotlib's files stay as they are; what a page holds is made of them. Black, white, greys and the colours of lines become
variables of the style sheet; the colours of a scale stay, and so do the digits on them (`canvas.ON_LIGHT`, `ON_DARK`).
"""

import colorsys
import re
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup, escape

from analysis.canvas import COLOURS, ON_DARK, ON_LIGHT

_PLACE = "in-place-of-a-drawing"
_LIGHTEST_GREY = 0xF0  # a lighter one is the middle of a scale, or white
_COLOUR = re.compile(r"#([0-9a-f]{6})")
_DROPPED = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>|<defs>\s*</defs>", re.DOTALL)
_REFERRED = re.compile(r'xlink:href="#([^"]+)"|url\(#([^)]+)\)')


def inline(svg: str, name: str, alt: str) -> Markup:
    """A figure's file as an element of a page: `name` begins its ids, `alt` is what it is called."""
    body = _DROPPED.sub("", svg[svg.index("<svg") :])
    head, body = body.split(">", 1)
    box = re.search(r'viewBox="[^"]+"', head)[0]
    referred = {found for pair in _REFERRED.findall(body) for found in pair if found}
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in referred else "", body)
    body = re.sub(r'xlink:href="#', f'href="#{name}-', body).replace("url(#", f"url(#{name}-").replace("xlink:", "")
    body = re.sub(r"\s*\n\s*", "\n", _COLOUR.sub(_variable, body))
    return Markup('<svg class="drawing" role="img" aria-label="{}" {}>{}').format(escape(alt), Markup(box), Markup(body))


def place(name: str) -> str:
    """What stands for a figure in a notebook until it is a page (`placed`): nbconvert would parse every stroke."""
    return f'<div class="{_PLACE}-{name}"></div>'


def placed(body: str, drawings: Mapping[str, Markup]) -> Markup:
    """The page of a notebook with the drawings in their places."""
    pattern = re.compile(f'<div class="{_PLACE}-([^"]+)"></div>')
    return Markup(pattern.sub(lambda found: str(drawings[found[1]]), body))


def of_run(out_dir: Path, figures: Mapping[str, Mapping]) -> dict[str, Markup]:
    """The figures that were drawn, as parts of a page, by name; `figures` as results.json has them."""
    files = {name: out_dir / "figures" / f"{name}.svg" for name in figures}
    return {
        name: inline(file.read_text(encoding="utf-8"), name, figures[name].get("alt", name))
        for name, file in files.items()
        if file.exists()
    }


def _variable(found: re.Match) -> str:
    colour = found[0]
    return f"var(--c{found[1]}, {colour})" if _follows(colour) else colour


def _follows(colour: str) -> bool:
    """Whether a colour is another one in the dark."""
    if colour in (ON_LIGHT, ON_DARK):
        return False
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    grey = red == green == blue and (red < _LIGHTEST_GREY or red == 0xFF)
    return grey or colour in COLOURS


def _in_the_dark(colour: str) -> str:
    """Greys turned round between the page's ground and its text; the colours of lines lighter, of the same hue."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    light = 0.9 - 0.795 * light if strength == 0 else min(max(1 - 0.9 * light, 0.6), 0.78)
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, light, 0.8 * strength))


def style() -> str:
    """The colours of figures in the dark, for the style sheet: every grey and every colour of a line."""
    greys = [f"#{level:02x}{level:02x}{level:02x}" for level in range(256)]
    names = [colour for colour in (*greys, *COLOURS) if _follows(colour)]
    lines = " ".join(f"--c{colour[1:]}: {_in_the_dark(colour)};" for colour in names)
    return f"@media (prefers-color-scheme: dark) {{ :root {{ {lines} }} }}\n"
