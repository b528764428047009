"""The templates of the paper, its tables and the page (Jinja2, in `paper/`), and what they may say of the results.

Paper and page share the sentences of `paper/findings/`. In LaTeX braces mean too much to be Jinja's, so everywhere a value
is `[[ value ]]`, a statement `[% if value %]`, a comment `[# ... #]`. Strangers' text is escaped for its format here.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup

from analysis import paths, report
from analysis.text import clean

MISSING = "\0"  # marks a text in which a number has no value, until the text is written
EMPTY = "\x1c"  # marks an expression without a text: alone on its line it leaves no empty line, which would end a paragraph
NOT_COVERED = "not covered"
LONGEST_SENTENCE = 10_000


def address(notebook: str, anchor: str, *, root: str = "") -> str:
    """The place of an emission in the pages, seen from the index."""
    return f"{root}notebooks/{notebook}.html#{anchor}"


class Words:
    """What templates may say of results (id -> entry of results.json): values, and words that two values decide.

    A value that is missing is said to be "not covered" and marks the text that it stands in, so that `if_covered` and
    `listed` can leave that text out.
    """

    markup: type[str] = str
    nbsp = "\N{NO-BREAK SPACE}"
    k = "k"

    def __init__(
        self,
        results: Mapping[str, Mapping],
        printed: Mapping[str, tuple[str, str]] | None = None,
        previews: Mapping[str, str] | None = None,
    ):
        self.results, self.printed, self.previews = results, printed or {}, previews or {}

    def has(self, *ids: str) -> bool:
        """Whether every id has a value."""
        return all(self.results.get(name, {}).get("value") is not None for name in ids)

    def text(self, name: str) -> str:
        """The value as it is printed; "undefined" or "not covered" where there is none, "??" for an unknown id."""
        entry = self.results.get(name)
        if entry is None:
            return "??"
        if entry["value"] is None:
            return "undefined" if report.is_undefined(entry) else NOT_COVERED
        return clean(report.formatted(name, entry["value"]))

    def val(self, name: str, unit: str = "") -> str:
        """The value, linked to the cell that emitted it, and its unit, in the singular after one."""
        found = self.linked(name) + (self.nbsp + self._counted(name, unit) if unit else "")
        return found if self.has(name) else self.markup(MISSING) + found

    def _counted(self, name: str, unit: str) -> str:
        """A unit in the plural as it stands after the value."""
        return unit.removesuffix("s") if self.text(name) == "1" else unit

    def linked(self, name: str) -> str:
        raise NotImplementedError

    def in_print(self, name: str) -> str:
        """What the study prints for a result and the verdict, in brackets after a blank; empty where it prints nothing."""
        return self.brackets(name) if name in self.printed and self.has(name) else self.markup("")

    def brackets(self, name: str) -> str:
        raise NotImplementedError

    def against(self, name: str, unit: str = "") -> str:
        """The value with its unit, and beside it the study's."""
        return self.val(name, unit) + self.in_print(name)

    def reasons_of(self, *ids: str) -> list[str]:
        """Why those ids that have no value have none, each reason once; an undefined value has no reason of its own."""
        missing = [self.results[name]["why"] for name in ids if name in self.results and not self.has(name)]
        return sorted({self.sentence(reason) for reason in missing if reason != report.UNDEFINED})

    def why(self, *ids: str) -> str:
        """The reasons of those ids that have no value, in a sentence without its full stop."""
        whys = (self.results[name]["why"] for name in ids if name in self.results and not self.has(name))
        return self.markup("; ").join(dict.fromkeys(self.sentence(why.rstrip(". ")) for why in whys))

    def sentence(self, text: object) -> str:
        raise NotImplementedError

    def compare(self, first: str, second: str | float, more: str, less: str, same: str) -> str:
        """The word that two results, or a result and a constant, decide; values printed alike are the same."""
        names = [first, second] if isinstance(second, str) else [first]
        if not self.has(*names):
            return self.markup(MISSING) + NOT_COVERED
        if isinstance(second, str) and self.text(first) == self.text(second):
            return same
        a, b = self.results[first]["value"], self.results[second]["value"] if isinstance(second, str) else second
        return more if a > b else less if a < b else same

    def each(self, pattern: str, words: Mapping[str, str], between: str = "", *, first: str | None = None) -> list[str]:
        """`<value><between><words>` and the study's value for each key that fills the pattern of an id.

        `first` is between the first two.
        """
        joints = [between if first is None else first, *[between] * len(words)]
        pairs = zip(words.items(), joints, strict=False)
        found = [(pattern.format(key), joint, word) for (key, word), joint in pairs]
        return [
            (self.val(name) + joint + word if joint else self.val(name, word)) + self.in_print(name)
            for name, joint, word in found
        ]

    def listed(self, before: str, items: Iterable[str], after: str) -> str:
        """`before a, b and c after` of those items in which no number is missing; empty for none."""
        return self._joined(before, [item for item in items if MISSING not in item], after)

    def missing(self, before: str, labels: Mapping[str, str], after: str) -> str:
        """`before likes and commits (reason); users (reason) after` of the ids that have no value; empty for none."""
        by_reason: dict[str, list[str]] = {}
        for name, label in labels.items():
            if not self.has(name):
                by_reason.setdefault(self.why(name), []).append(label)
        parts = [self._joined("", labels, self.markup(" (") + why + ")") for why, labels in by_reason.items()]
        return self.markup(before) + self.markup("; ").join(parts) + after if parts else self.markup("")

    def _joined(self, before: str, parts: list[str], after: str) -> str:
        if not parts:
            return self.markup("")
        text = self.markup(", ").join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
        return self.markup(before) + text + after

    def if_covered(self, text: str) -> str:
        """The text, or nothing where a number in it is missing."""
        return self.markup("") if MISSING in text else text

    def method(self, constant: float) -> str:
        """A constant of the method, which is no result."""
        return str(constant)

    def percent(self, constant: float) -> str:
        return self.method(constant) + " %"


class HtmlWords(Words):
    """For the page: a value is a link into the page of its notebook, seen from the index."""

    markup = Markup

    def linked(self, name: str) -> Markup:
        if name not in self.results:
            return Markup("??")
        preview = Markup(' data-preview="{}"').format(self.previews[name]) if name in self.previews else ""
        return Markup('<a class="val" href="{}"{}><bdi>{}</bdi></a>').format(self.place(name), preview, self.text(name))

    def brackets(self, name: str) -> Markup:
        text, verdict = self.printed[name]
        shown = Markup(' <span class="beside">(study:&nbsp;{}, <span class="{}">{}</span>)</span>')
        return shown.format(text, verdict.partition(" ")[0].rstrip(","), verdict)

    def place(self, name: str) -> str:
        """Where a result was emitted; empty for a result that the run does not have."""
        entry = self.results.get(name)
        return address(entry["notebook"], report.anchor("result", name)) if entry else ""

    def sentence(self, text: object) -> str:
        return clean(text, longest=LONGEST_SENTENCE)


class LatexWords(Words):
    """For the paper: a value is the macro `\\val`, which numbers.tex defines."""

    nbsp = "~"
    k = "$k$"

    def linked(self, name: str) -> str:
        return f"\\val{{{name}}}"

    def brackets(self, name: str) -> str:
        return f"\\beside{{{name}}}"

    def sentence(self, text: object) -> str:
        return report.latex_sentence(str(text))

    def method(self, constant: float) -> str:
        return f"\\method{{{constant}}}"

    def percent(self, constant: float) -> str:
        return self.method(constant) + r"\,\%"


def environment(words: Words | None = None, **about) -> jinja2.Environment:
    """The environment of the templates; an unknown name in one of them is an error. `about` are further names in them."""
    html = isinstance(words, HtmlWords)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([paths.PAPER, paths.PAPER / "site"]), undefined=jinja2.StrictUndefined,
        autoescape=html, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=not html, finalize=_expression,
        variable_start_string="[[", variable_end_string="]]", block_start_string="[%", block_end_string="%]",
        comment_start_string="[#", comment_end_string="#]",
    )  # fmt: skip
    made.filters |= {"tex": tex, "linked": report.linked}
    if words:
        names = ("has", "val", "why", "reasons_of", "compare", "each", "listed", "missing", "method", "percent", "k",
                 "in_print", "against")  # fmt: skip
        made.globals |= {name: getattr(words, name) for name in names}
        made.filters |= {"if_covered": words.if_covered, "clean": clean, "sentence": words.sentence}
    made.globals |= {"mark": report.SYNTHETIC, "chosen": {}, **about}
    return made


def chosen(manifest: Mapping) -> dict[str, str]:
    """Kinds of repositories, in the plural, of which a snapshot has a sample alone: how they were chosen, in words."""
    coverage = manifest.get("tables", {}).get("repos", {}).get("coverage", {})
    sampled = {kind: about for kind, about in sorted(coverage.items()) if about.get("status") == "sample"}
    return {f"{kind}s": about.get("rule", "").rstrip(". ") for kind, about in sampled.items()}


def _expression(value: object) -> object:
    """What stands for the value of an expression: a text without the line's end that a macro brings."""
    return (value.rstrip("\n") or EMPTY) if isinstance(value, str) else value


def rendered(made: jinja2.Environment, name: str, **about) -> str:
    """A template's text."""
    text = made.get_template(name).render(**about)
    return re.sub(rf"^[ ]*(?:{EMPTY}[ ]*)+\n|{EMPTY}|{MISSING}", "", text, flags=re.MULTILINE)


def write_sections(
    out_dir: Path, document: Mapping, meta: Mapping[str, str], *, printed: Mapping[str, tuple[str, str]] | None = None, **about
) -> None:
    """The paper's sections as LaTeX, from `paper/sections/*.tex.j2`.

    `document` is results.json; `printed`: id -> what the study prints, and the verdict, both in words; `about` further
    names.
    """
    made = environment(
        LatexWords(document["results"], printed), results=document["results"], parameters=document["parameters"], meta=meta,
        synthetic=bool(document["snapshot"]["synthetic"]), chosen=chosen(document["snapshot"]), **about,
    )  # fmt: skip
    (out_dir / "sections").mkdir(exist_ok=True)
    for source in sorted((paths.PAPER / "sections").glob("*.tex.j2")):
        text = rendered(made, f"sections/{source.name}")
        (out_dir / "sections" / source.name.removesuffix(".j2")).write_text(text, encoding="utf-8")


def tex(text: str) -> str:
    """Text of ours, with names from results in it, as LaTeX; an id or a name may break after its dots and strokes."""
    if not text or text == "--":
        return text
    escaped = r"\S\,".join(report.latex_sentence(part) for part in text.split("§"))
    if " " not in text and any(character.isalpha() for character in text):
        for stroke in (r"\_", ".", "/", "-"):
            escaped = escaped.replace(stroke, rf"{stroke}\allowbreak{{}}")
    return "$-$" + escaped[1:] if text.startswith("-") else escaped
