"""Strangers' text where people read it: what is invisible, or turns the direction or the line, as its code point."""

import re
import textwrap
import unicodedata

LONGEST = 60  # characters of a name that a table or a sentence shows
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str, *, keep: str = "") -> str:
    """The text with each invisible character, but those of `keep`, as ⟨U+XXXX⟩."""

    def shown(found: re.Match) -> str:
        c = found[0]
        return f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in _INVISIBLE and c not in keep else c

    return re.sub(r"[^ -~]", shown, text)


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def clean(text: object, *, longest: int = LONGEST) -> str:
    """A stranger's text on one line: shortened, and what is invisible or turns the direction as its code point."""
    return visible(shortened(str(text), longest))


def fitting(text: str, width: int) -> str:
    """The text with each line that is wider broken between words, and what follows of it indented a little further."""
    if not text.strip():
        return text
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        after = indent + "  " * bool(indent)
        lines.append(textwrap.fill(line, width, subsequent_indent=after, break_on_hyphens=False))
    return "\n".join(lines)


def broken_at_dots(name: str, width: int = 32) -> str:
    """An id in lines of about that width, each of which but the last ends with a dot."""
    lines = [""]
    for part in re.split(r"(?<=\.)", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("  ")
        lines[-1] += part
    return "\n".join(lines)
