"""text.py: texts of strangers and long lines as they are shown."""

import re

from hypothesis import given
from hypothesis import strategies as st

from analysis.text import LONGEST, broken_at_dots, clean, fitting


def test_a_long_or_hostile_name_is_shortened_and_its_invisible_characters_are_shown():
    assert clean("a\u202eb") == "a⟨U+202E⟩b"
    assert clean("x" * 100) == "x" * (LONGEST - 1) + "…" and clean("x" * LONGEST) == "x" * LONGEST


def test_a_line_is_broken_between_words_and_goes_on_indented():
    assert fitting("  one two three", 9) == "  one two\n    three"
    assert fitting("one two three\nfour", 8) == "one two\nthree\nfour"
    assert fitting("", 5) == "" and fitting("fits", 5) == "fits"


@given(st.lists(st.text("ab-", min_size=1, max_size=12), min_size=1, max_size=12), st.integers(12, 40))
def test_breaking_between_words_keeps_them_and_no_line_is_wider(words, width):
    lines = fitting(" ".join(words), width).split("\n")
    assert " ".join(lines).split() == words and max(map(len, lines)) <= width


@given(st.lists(st.text("abc_", min_size=1, max_size=20), min_size=1, max_size=8))
def test_an_id_is_broken_after_dots_alone(parts):
    broken = broken_at_dots(".".join(parts))
    assert re.sub(r"\n  ", "", broken) == ".".join(parts)
    assert all(line.endswith(".") and len(line) <= 34 for line in broken.split("\n")[:-1])
