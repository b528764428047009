"""Strangers' text where people read it: what is invisible, or turns the direction or the line, as its code point."""

import re
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
