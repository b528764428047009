"""Strangers' text where people read it: what is invisible, or turns the direction or the line, as its code point."""

import re
import unicodedata

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str, *, keep: str = "") -> str:
    """The text with each invisible character, but those of `keep`, as ⟨U+XXXX⟩."""

    def shown(found: re.Match) -> str:
        c = found[0]
        return f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in _INVISIBLE and c not in keep else c

    return re.sub(r"[^ -~]", shown, text)
