"""The LaTeX templates of the paper (Jinja2, in `paper/`), and how texts are escaped in them.

In LaTeX braces mean too much to be Jinja's: a value is `[[ value ]]`, a statement `[% if value %]`, a comment `[# ... #]`.
"""

import re

import jinja2

from analysis import paths, report


def latex_environment() -> jinja2.Environment:
    """The environment of the paper's templates; an unknown name in one of them is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([paths.PAPER / "templates", paths.PAPER]), undefined=jinja2.StrictUndefined,
        variable_start_string="[[", variable_end_string="]]", block_start_string="[%", block_end_string="%]",
        comment_start_string="[#", comment_end_string="#]", trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"tex": tex, "thousands": thousands, "linked": report.linked}
    environment.globals |= {"mark": report.SYNTHETIC}
    return environment


def tex(text: str) -> str:
    """Text of ours, with names from results in it, as LaTeX; an id or a name may break after its dots and strokes."""
    if not text or text == "--":
        return text
    escaped = r"\S\,".join(report.latex_sentence(part) for part in text.split("§"))
    if " " not in text and any(character.isalpha() for character in text):
        for stroke in (r"\_", ".", "/", "-"):
            escaped = escaped.replace(stroke, rf"{stroke}\allowbreak{{}}")
    return "$-$" + escaped[1:] if text.startswith("-") else escaped


def thousands(text: str) -> str:
    """`tex` of a sentence, its large whole numbers with separators."""
    return re.sub(r"(?<![\d.])\d{5,}(?![\d.]\d)", lambda found: f"{int(found[0]):,}".replace(",", "{,}"), tex(text))
