"""What templates may say of results, by hand; a finding is the same sentence in the paper and on the page."""

import html
import re

import pytest

from analysis import paths, report, templates
from analysis.parameters import Parameters

FINDINGS = sorted(path.name for path in (paths.PAPER / "findings").glob("*.j2"))


def entry(value, why="no <b>."):
    return {"value": value, "notebook": "rq1_activity", "cell": 1} | ({} if value is not None else {"why": why})


RESULTS = {
    "a.mean": entry(1.001),
    "b.mean": entry(1.004),
    "c.mean": entry(2.0),
    "d.mean": entry(None),
    "e.mean": entry(None, "no <b>"),
    "f.mean": entry(None, report.UNDEFINED),
    "g.top.1.model": entry("x<i>\u202ey"),
}
HTML, LATEX = templates.HtmlWords(RESULTS), templates.LatexWords(RESULTS)


def text_of(markup: str) -> str:
    return html.unescape(re.sub("<.*?>", "", markup)).replace(templates.MISSING, "")


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("a.mean", "b.mean", "as"),  # both are printed as 1.00
        ("c.mean", "a.mean", "more"),
        ("a.mean", "c.mean", "less"),
        ("a.mean", 1.001, "as"),
        ("a.mean", 1, "more"),
        ("a.mean", 2, "less"),
    ],
)
def test_words_follow_the_two_values_and_equal_print_is_equal(first, second, word):
    assert HTML.compare(first, second, "more", "less", "as") == word == LATEX.compare(first, second, "more", "less", "as")


def test_a_missing_value_is_said_and_marks_its_text():
    assert HTML.has("a.mean") and not HTML.has("a.mean", "d.mean") and not HTML.has("unknown")
    assert [HTML.text(name) for name in ("a.mean", "d.mean", "f.mean", "u")] == ["1.00", "not covered", "undefined", "??"]
    for words in (HTML, LATEX):
        assert words.if_covered(words.val("a.mean") + " likes") == words.val("a.mean") + " likes"
        for marked in (words.val("d.mean"), words.compare("a.mean", "d.mean", "more", "less", "as"), words.val("unknown")):
            assert words.if_covered(f"before {marked} after") == ""


def test_a_value_is_a_link_on_the_page_and_a_macro_in_the_paper():
    assert LATEX.val("a.mean", "likes") == r"\val{a.mean}~likes"
    assert HTML.val("a.mean", "likes") == (
        '<a class="val" href="notebooks/rq1_activity.html#result-a.mean"><bdi>1.00</bdi></a>\N{NO-BREAK SPACE}likes'
    )
    shown = HTML.val("g.top.1.model")
    assert "x&lt;i&gt;⟨U+202E⟩y" in shown and "\u202e" not in shown


def test_items_with_a_missing_number_are_left_out_of_a_list():
    for words in (HTML, LATEX):
        items = words.each("{}.mean", {"a": "x", "d": "y", "b": "z", "c": "w"}, " of ")
        found = text_of(re.sub(r"\\val\{(.*?)\}", lambda match: LATEX.text(match[1]), words.listed("Of ", items, ".")))
        assert found == "Of 1.00 of x, 1.00 of z and 2.00 of w."
        assert words.listed("Of ", words.each("{}.mean", {"d": "y"}, " of "), ".") == ""
    assert LATEX.each("{}.mean", {"a": "x", "b": "y"}, " ", first=" of the ") == [r"\val{a.mean} of the x", r"\val{b.mean} y"]


def test_what_is_missing_is_listed_by_reason():
    labels = {"d.mean": "likes", "a.mean": "commits", "f.mean": "users", "e.mean": "spaces"}
    expected = f"Missing: likes and spaces (no <b>); users ({report.UNDEFINED})."
    assert text_of(HTML.missing("Missing: ", labels, ".")) == expected
    assert LATEX.missing("Missing: ", labels, ".") == expected.replace("<", r"\textless{}").replace(">", r"\textgreater{}")
    assert HTML.missing("Missing: ", {"a.mean": "commits"}, ".") == ""
    assert HTML.reasons_of("a.mean", "d.mean", "f.mean") == ["no <b>."]
    assert LATEX.why("f.mean", "e.mean") == rf"{report.UNDEFINED}; no \textless{{}}b\textgreater{{}}"


def test_an_expression_without_a_text_leaves_no_empty_line(tmp_path, monkeypatch):
    (tmp_path / "x.j2").write_text('a\n[[ if_not ]]\nb [[ if_not ]]c\n  [[ if_not ]] [[ if_not ]]\n\nd\n', encoding="utf-8")
    monkeypatch.setattr(paths, "PAPER", tmp_path)
    assert templates.rendered(templates.environment(LATEX), "x.j2", if_not="") == "a\nb c\n\nd\n"


# ---- findings ------------------------------------------------------------------------------------------------


class AllOnes(dict):
    """Results in which every id has a value."""

    def __missing__(self, name: str) -> dict:
        if name.endswith(".reading"):
            return entry("power law")
        return entry("name" if name.endswith(("model", "organisation", "repository")) else 0.25)

    def get(self, name: str, default=None) -> dict:
        return self[name]

    def __contains__(self, name: str) -> bool:
        return True


def sentences(words, name: str) -> dict[str, str]:
    """What each finding without arguments says."""
    about = {"parameters": Parameters().recorded(), "synthetic": False, "chosen": {"models": "a rule"}}
    made = templates.environment(words, results=words.results, **about)
    module = made.get_template(f"findings/{name}").make_module()
    macros = {key: macro for key, macro in vars(module).items() if hasattr(macro, "arguments") and not macro.arguments}
    return {key: str(macro()) for key, macro in macros.items()}


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_is_the_same_sentence_in_the_paper_and_on_the_page(name):
    results = AllOnes()
    page, paper = sentences(templates.HtmlWords(results), name), sentences(templates.LatexWords(results), name)
    assert page.keys() == paper.keys() and len(page) > 3
    for key, sentence in paper.items():
        plain = re.sub(r"\\val\{(.*?)\}", lambda match: templates.LatexWords(results).text(match[1]), sentence)
        plain = re.sub(r"\\method\{(.*?)\}", r"\1", plain).replace(r"\,\%", " %").replace("$k$", "k").replace("~", " ")
        assert " ".join(plain.split()) == " ".join(text_of(page[key]).split()), key
        assert plain.strip().endswith("."), key


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_without_its_numbers_is_not_said(name):
    for key, sentence in sentences(templates.HtmlWords({}), name).items():
        assert "??" not in sentence and templates.NOT_COVERED not in sentence, key


@pytest.mark.parametrize("name", FINDINGS)
def test_no_character_of_a_finding_means_something_to_latex_or_html(name):
    source = (paths.PAPER / "findings" / name).read_text(encoding="utf-8")
    tokens = list(templates.environment().lex(source))
    said = [text for _, kind, text in tokens if kind in ("data", "string")]
    assert not [text for text in said if re.search(r"[\\{}$&#^%<>~]", text) and "{}" not in text]
