"""How a notebook emits a number, a table, a figure; how the emitted numbers become the paper's macros.

Text from strangers (repository names, licences, tags) is escaped here, at the one place that writes LaTeX and file names.
Results have the same bytes on every machine. Those of `INEXACT` can't be computed so; they are rounded here, to
`exact.DIGITS` significant digits (`emitted`), and PageRank before its distribution is taken (`network.centralities`).
What is drawn on is imported where a figure is written: 0.6 s of processor time that commands without one need not wait.
"""

import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Image

from analysis import exact
from analysis.covered import UNDEFINED, Covered, carried, covered, reason
from analysis.labels import COLUMNS, FIELDS, LABELS, MEASURES
from analysis.text import shortened, visible

SYNTHETIC = "SYNTHETIC DATA"

_INTEGERS = {
    "count", "n", "n1", "n2", "min", "q25", "q50", "q75", "max", "median", "u", "developers", "isolates", "k", "nodes",
    "edges", "members", "tested", "higher",
    "names", "merged", "refused", "largest", "persons", "aliases", "positives", "threshold", "level",
    "com", "com_weighted", "models", "spaces", "links", "degree", "weight", "rows", "repositories",
    "positive", "xmin", "tail", "observed", "null_low", "null_high", "defined",
}  # fmt: skip
_SHARES = {
    "top_10", "top_1_percent", "zero_share", "share_for_80", "share_for_99", "isolate_share", "unlicensed_share", "share",
}  # fmt: skip
_FINE = {  # set beside one half, or near one: three decimals
    "superiority", "superiority_low", "superiority_high", "gini", "gini_low", "gini_high",
}  # fmt: skip
_P_VALUES = {"p", "p_holm", "gof_p"}
INEXACT = {  # statistics by the last part of their id
    *_P_VALUES,  # the C library's exponentials and logarithms
    "acc",  # sums of products, which a compiler may round once or twice
    "mod", "mod_weighted",  # Python adds floats in another way from 3.12 on
}  # fmt: skip
_SAID = LABELS | COLUMNS | FIELDS | MEASURES | {
    **{measure: measure.upper() for measure in ("mod", "com", "dens", "recip", "arcc", "ass", "ad", "acc", "hhi", "u")},
    "p_holm": "p (Holm)", "superiority_low": "from", "superiority_high": "to", "top_1_percent": "top 1 %",
    "top_10": "top ten", "gini": "Gini", "kendall": "Kendall",
    **{f"{name}_{end}": word for name in ("gini", "pearson", "without_top", "on_logs", "spearman", "kendall")
       for end, word in (("low", "from"), ("high", "to"))},
    "kmax": "largest k", "kmax_nodes": "its nodes", "jaro-winkler": "Jaro-Winkler", "identities": "names",
    **{f"login-{of} {what}": f"{pair}: {what}" for of, pair in (("login", "usernames"), ("name", "username, name"))
       for what in ("precision", "recall")},
}  # fmt: skip
_SHORT = {f"{field} models": "models" for field in FIELDS} | {  # columns that stand beside the one that they belong to
    **{f"{other}.p": "p" for other in ("lognormal", "stretched_exponential", "truncated_power_law")},
    "stretched_exponential.ratio": "stretched exp.", "truncated_power_law.ratio": "truncated power", "xmin": "from",
    "lognormal.ratio": "log normal", "gof_p": "fit p", "alpha": "exponent",
}  # fmt: skip
_WIDE = 75  # characters of all heads of a table; where there are more, they are broken at blanks
_OF_STRANGERS = ("license", "repo_id")  # what an index is called whose labels are names that others gave
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
}  # fmt: skip


class ReportError(ValueError):
    """A number emitted twice or in a form that results.json can't hold."""


def plain(value) -> int | float | str | None:
    """The JSON value of a number: NaN and missing become None, whole counts int. Raises ReportError for anything else."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(value)
    raise ReportError(f"a result must be a number or a text, not {type(value).__name__}")


def emitted(statistic: str, value) -> int | float | str | None:
    """What results.json and a table's CSV hold of a value: rounded, if it is one of `INEXACT`; as it is otherwise."""
    value = plain(value)
    return exact.rounded(value) if statistic in INEXACT and isinstance(value, float) else value


def format_value(statistic: str, value) -> str:
    """A value as the paper prints it; `statistic` is the last part of its id and decides the format. Plain text, no LaTeX.

    Counts in whole numbers (two decimals where a quartile falls between), shares in per cent, p-values down to 0.001, all
    else with two decimals, below 0.01 with two significant digits. A missing value is "--".
    """
    value = plain(value)
    if value is None:
        return "--"
    if isinstance(value, str):
        return value
    if statistic in _P_VALUES:
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    if statistic in _SHARES:
        return f"{_significant(100 * value, 1)} %"
    if statistic in _FINE:
        return f"{value:.3f}"
    if isinstance(value, int) or (statistic in _INTEGERS and value.is_integer()):
        return f"{int(value):,}"
    return _significant(value, 2)


def _significant(value: float, decimals: int) -> str:
    if math.isinf(value):
        return "infinite"
    if value == 0 or abs(value) >= 10**-decimals:
        text = f"{value:,.{decimals}f}"
    else:
        text = (
            np.format_float_positional(value, precision=2, unique=False, fractional=False, trim="k")
            if abs(value) > 1e-7
            else f"{value:.1e}"
        )
    return "0" + text[2:] if text.startswith("-0") and not text.strip("-0.") else text


def _statistic(result_id: str) -> str:
    strangers = {".license_share.": "share", ".organisation.": "models"}  # what follows is a name, not a statistic
    strangers |= {f"robustness.{part}.": "superiority" for part in ("strata", "licences")} | {"robustness.strata_p.": "p"}
    return next((s for part, s in strangers.items() if part in result_id), result_id.rsplit(".", 1)[-1])


def formatted(result_id: str, value) -> str:
    """A result as the paper prints it, as plain text (`format_value`)."""
    return format_value(_statistic(result_id), value)


def latex(text: str) -> str:
    """Any text as harmless LaTeX: shortened, specials escaped, characters that the fonts lack as their code point."""
    escaped = "".join(_latex_character(c) for c in shortened(text)).replace("--", "-{}-")
    return re.sub(r"/|(?<!\d)\.|\.(?!\d)", r"\g<0>\\allowbreak{}", escaped)  # not within a number


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii() and character.isprintable():
        return character
    if character == "…":
        return r"\dots{}"
    if "À" <= character <= "ÿ" and character.isalpha():  # letters of Western Europe, which the fonts have: names of authors
        return character
    letter = unicodedata.normalize("NFKD", character)
    if letter.isascii() and letter.isalnum():
        return letter
    return r"\textlangle{}U+" + f"{ord(character):04X}" + r"\textrangle{}"


def latex_value(statistic: str, value, *, text: Callable[[str], str] | None = None) -> str:
    """A value as LaTeX; negative numbers with a minus sign, per cent with a thin space, texts escaped by `text`."""
    shown = format_value(statistic, value)
    if isinstance(value, str):
        return (text or latex)(shown)
    if shown == "--":
        return shown
    shown = shown.replace(",", "{,}").replace(" %", r"\,\%").replace("< ", r"$<$\,")
    return "$-$" + shown[1:] if shown.startswith("-") else shown


@carried()
def by_row(table: pd.DataFrame, part: str = "") -> dict[str, object]:
    """A table as results by the end of their id, `<row>.<part>.<column>`; without a part `<row>.<column>`."""
    middle = f".{part}." if part else "."
    return {f"{row}{middle}{column}": table.loc[row, column] for row in table.index for column in table}


def entries(prefix: str, values: object) -> Iterator[tuple[str, dict]]:
    """Results as results.json holds them: id, and value or else why there is none and whether it is undefined.

    `values`: a mapping, or a frame, whose ids are `<prefix>.<column>.<row>`; mostly Covered. What is absent has no value,
    whatever was computed from nothing. Raises ReportError for a value that is neither number nor text.
    """
    known = covered(values)
    yield from ((f"{prefix}.{name}", _entry(f"{prefix}.{name}", value, known, name)) for name, value in _flat(known.value))


def _entry(result_id: str, value: object, known: Covered, name: str = "") -> dict:
    """The value of a result, or the reason why it has none; the reasons know it by its name, the end of its id."""
    if why := reason(known.absent, name):
        return {"value": None, "why": why}
    if (found := emitted(_statistic(result_id), value)) is not None:
        return {"value": found}
    return {"value": None, "why": reason(known.empty, name) or UNDEFINED, "undefined": True}


def is_undefined(entry: Mapping) -> bool:
    """Whether a result has no value though what it needs is there: its definition gives none."""
    return entry["value"] is None and (entry.get("undefined", False) or entry["why"] == UNDEFINED)


class Whole(pd.DataFrame):
    """A table that a notebook shows with all its rows, columns and words, whatever pandas is set to."""

    @property
    def _constructor(self):
        return Whole

    def __repr__(self) -> str:
        return self.to_string(max_colwidth=None)

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            return self.to_html()


class Report:
    """What one notebook emits: numbers into `parts/<notebook>.json`, tables and figures into their directories.

    Each call is one station: a number is emitted once, with the cell that emitted it.
    """

    def __init__(self, notebook: str, *, out_dir: str | Path, synthetic: bool):
        self.notebook, self.out_dir, self.synthetic = notebook, Path(out_dir), synthetic
        self._results: dict[str, dict] = {}
        self._outputs: dict[str, dict[str, dict]] = {"figures": {}, "tables": {}}
        for directory in ("parts", "tables", "figures"):
            (self.out_dir / directory).mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, notebook: str, made_from) -> "Report":
        """The report of a notebook that reads an `engine.Hub` or a `compare.Comparison`: either knows its directory."""
        return cls(notebook, out_dir=made_from.directory, synthetic=made_from.synthetic)

    @property
    def results(self) -> dict[str, dict]:
        """What was emitted so far, as results.json holds it."""
        return dict(self._results)

    def number(self, result_id: str, value: object) -> None:
        """Emit one result, Covered or not; raises ReportError."""
        known = covered(value)
        self._emit(result_id, _entry(result_id, known.value, known))

    def _emit(self, result_id: str, entry: dict) -> None:
        if result_id in self._results:
            raise ReportError(f"{result_id}: emitted twice")
        self._results[result_id] = {"value": entry["value"], **self._place(), **entry}

    def _place(self) -> dict[str, str | int | None]:
        return {"notebook": self.notebook, "cell": _cell()}

    def output(self, kind: str, name: str, **about) -> None:
        """Note where one of the `figures` or `tables` was emitted, for results.json; `table` and `figure` call it."""
        self._outputs[kind][name] = self._place() | {key: text for key, text in about.items() if text}

    def numbers(self, prefix: str, values: object) -> None:
        """Emit a mapping, or a frame as `<prefix>.<column>.<row>`, Covered or not (`entries`)."""
        for result_id, entry in entries(prefix, values):
            self._emit(result_id, entry)

    def listed(self, prefix: str, values: object) -> pd.DataFrame:
        """Emit a mapping, Covered or not; returns it as a reader sees it: names in words, values as the paper prints them."""
        self.numbers(prefix, values)
        shown = {_in_words(name.removeprefix(f"{prefix}.")): _shown(name, entry) for name, entry in entries(prefix, values)}
        return Whole({"value": shown}, dtype=object)

    def table(
        self,
        name: str,
        frame: pd.DataFrame | Covered,
        *,
        statistics: str = "columns",
        align: str | None = None,
        prose: bool = False,
    ) -> pd.DataFrame:
        """Write `tables/<name>.tex` (booktabs) and `.csv`; returns the frame as the paper prints it.

        `statistics` says whether the `columns` or the `index` name the statistics that decide the format, or else names
        the one of all cells; `align` is LaTeX's column specification where the default (texts left, numbers right) will not
        do; with `prose` texts are sentences, which are not shortened. Columns and rows that are absent are left out; where
        nothing is left, or nothing is there, only the reason is written.
        """
        path, known = self.out_dir / "tables" / name, covered(frame)
        lacking = [label for label in (*known.value.columns, *known.value.index) if label in known.absent]
        frame = known.value.drop(columns=lacking, index=lacking, errors="ignore")
        if frame.empty or "" in known.absent or "" in known.empty:
            return self._not_covered("tables", path, known.why)
        self.output("tables", name)
        cells = {
            column: [
                (_last_word({"columns": column, "index": row}.get(statistics, statistics)), value)
                for row, value in zip(frame.index, frame[column].astype(object), strict=True)
            ]
            for column in frame.columns
        }
        data = {c: [emitted(*cell) if cell[0] in INEXACT else cell[1] for cell in cells[c]] for c in cells}
        text = pd.DataFrame(data, index=frame.index, dtype=object).to_csv(lineterminator="\n")
        path.with_suffix(".csv").write_text(visible(text, keep="\n"), encoding="utf-8")
        own = latex_sentence if prose else None
        body = pd.DataFrame({c: [latex_value(*cell, text=own) for cell in cells[c]] for c in cells}, index=frame.index)
        self._write_tex("tables", path, _tabular(body, align, text=own or latex))
        return Whole({c: [format_value(*cell) for cell in cells[c]] for c in cells}, index=frame.index)

    def figure(self, name: str, drawn: tuple | Covered, *, alt: str = "", real: bool = False):
        """Write `figures/<name>` as PDF, SVG and PNG with the data behind it as CSV; returns the picture for display.

        `drawn`: a figure and its data, as the functions of `figures` give them; where the data have no row, only the
        reason is written. `alt` describes what is drawn; the figure's title, which says the finding, is put before it.
        `real`: what it shows is not of the snapshot, so that it is not marked synthetic.
        """
        path, known = self.out_dir / "figures" / name, covered(drawn)
        figure, data = known.value
        if data.empty or "" in known.absent:
            return self._not_covered("figures", path, known.why, alt=alt)
        from analysis import canvas

        title = canvas.title_of(figure)
        alt = f"{title}. {alt}" if title and alt else title or alt
        self.output("figures", name, alt=alt, title=title)
        text = data.to_csv(index=False, float_format="%.9g", lineterminator="\n")
        path.with_suffix(".csv").write_text(text, encoding="utf-8")
        if self.synthetic and not real:
            canvas.mark(figure, SYNTHETIC)
        figure.savefig(
            path.with_suffix(".pdf"), metadata={"CreationDate": None, "Producer": None, "Creator": None, "Subject": alt}
        )
        figure.savefig(drawing := io.StringIO(), format="svg", metadata={"Date": None, "Creator": None, "Description": alt})
        path.with_suffix(".svg").write_text(canvas.with_tips(drawing.getvalue(), figure), encoding="utf-8")
        figure.savefig(path.with_suffix(".png"), metadata={"Software": None, "Description": alt}, dpi=300)
        self._write_tex("figures", path, f"\\includegraphics[width=\\linewidth]{{figures/{name}.pdf}}\n")
        figure.savefig(shown := io.BytesIO(), format="png", metadata={"Software": None, "Description": alt}, dpi=110)
        return Image(shown.getvalue(), alt=alt)

    def _not_covered(self, kind: str, path: Path, why: str, **about) -> pd.DataFrame:
        self.output(kind, path.name, why=why, **about)
        sentence = f"Not covered by this snapshot: {why}."
        self._write_tex(kind, path, f"\\notcoveredblock{{{latex_sentence(sentence)}}}\n")
        return Whole({"not covered": [why]})

    def _write_tex(self, kind: str, path: Path, body: str) -> None:
        """What the paper inputs: the body as a link to the place of its emission."""
        text = emitted_tex(self.notebook, anchor(kind.removesuffix("s"), path.name), body)
        path.with_suffix(".tex").write_text(text, encoding="utf-8")

    def close(self) -> str:
        """Write the numbers and the places; the notebook's last cell. Returns how many there are and how many are missing."""
        part = {
            "outputs": {kind: dict(sorted(made.items())) for kind, made in self._outputs.items()},
            "results": dict(sorted(self._results.items())),
        }
        text = json.dumps(part, indent=1, ensure_ascii=False) + "\n"
        (self.out_dir / "parts" / f"{self.notebook}.json").write_text(text, encoding="utf-8")
        missing = sum(entry["value"] is None for entry in self._results.values())
        return f"{len(self._results)} results, {missing} without a value"


def lacking(named: Mapping[str, Covered]) -> pd.DataFrame:
    """What the snapshot lacks of several values, and why: a row a part, the columns of and why."""
    rows = [(_in_words(part or "everything"), of, why) for of, known in named.items() for part, why in known.absent.items()]
    return Whole(rows, columns=["", "of", "why"]).set_index("") if rows else Whole({"": ["nothing is missing"]})


def _shown(result_id: str, entry: Mapping) -> str:
    if entry["value"] is not None:
        return formatted(result_id, entry["value"])
    return f"{'undefined' if is_undefined(entry) else 'not covered'}: {entry['why']}"


def anchor(kind: str, name: str) -> str:
    """The id in a notebook's page of what was emitted: `result-<id>`, `table-<name>`, `figure-<name>`.

    Letters, digits and `._+@-` stay; what else a stranger's name holds becomes its code point.
    """
    return f"{kind}-{_macro_name(name)}"


def emitted_tex(notebook: str, anchor: str, body: str) -> str:
    """LaTeX of something emitted, as a link to its place in the notebook's page."""
    return f"\\emitted{{{notebook}}}{{{anchor}}}{{%\n{body.rstrip()}%\n}}\n"  # no blank, which would be a link too


def linked(result_id: str, body: str) -> str:
    """LaTeX that links to the place of a result, where the run has emitted it."""
    return f"\\fromcell{{{_macro_name(result_id)}}}{{{body}}}"


def latex_sentence(text: str) -> str:
    """A sentence of ours as LaTeX: escaped like a name, but not shortened."""
    return "".join(_latex_character(c) if c not in "/.'-" else c for c in text)


def latex_words(text: str) -> str:
    """A number with words around it (`below 1 %`), or a name, as LaTeX."""
    return latex(text).replace(r" \%", r"\,\%").replace("-{}-", "--") if len(text) > 1 else latex(text)


def is_share(result_id: str) -> bool:
    """Whether a result is printed in per cent."""
    return _statistic(result_id) in _SHARES


def _in_words(label: object) -> str:
    """The label of a row or a column as a reader says it: `models, n_likes` is "models, likes"."""
    return ", ".join(_SAID.get(part, part.replace("_", " ")) for part in re.split(r", |\.(?=[a-z])", str(label)))


def _head(text: str, broken: bool) -> str:
    """The head of a column as LaTeX, in as many lines as words where it is to be broken."""
    lines = [latex(word) for word in text.split()] if broken else []
    return "\\shortstack[r]{" + r"\\".join(lines) + "}" if len(lines) > 1 else latex(text)


def _last_word(label) -> str:
    """`cv spaces` is formatted as spaces, `lognormal.p` as a p-value, `share of models` as a share."""
    text = str(label)
    return "share" if text.startswith("share of") else re.split("[ .]", text)[-1]


def _flat(values) -> Iterator[tuple[str, object]]:
    if isinstance(values, pd.DataFrame):
        yield from ((f"{column}.{row}", values.loc[row, column]) for column in values for row in values.index)
    else:
        yield from values.items()


def _tabular(body: pd.DataFrame, align: str | None, *, text: Callable[[str], str] = latex) -> str:
    """booktabs tabular; the index is the first column, texts left, numbers right. Cells are LaTeX already."""
    own = str if body.index.name in _OF_STRANGERS else _in_words
    heads = [_SHORT.get(c) or _in_words(c) for c in body]
    broken = sum(map(len, heads)) > _WIDE
    shown = body.rename(index=lambda i: text(shortened(own(i), 120))).set_axis([_head(head, broken) for head in heads], axis=1)
    shown.columns.name = latex(_in_words(body.index.name or "")) or None
    shown.index.name = None
    numeric = [not body[c].str.contains(r"[A-Za-z]{2}", regex=True).any() for c in body]
    default = "l" + "".join("r" if is_number else "l" for is_number in numeric)
    return shown.style.to_latex(hrules=True, column_format=align or default)


def _cell() -> int | None:
    """Number of the executed cell, from the kernel that runs the notebook; None outside of one."""
    from IPython import get_ipython

    shell = get_ipython()
    # Not execution_count: newer versions of IPython count a cell up before it runs, older ones after.
    return len(shell.history_manager.input_hist_raw) - 1 if shell else None


def merge_results(out_dir: Path, *, snapshot: Mapping, parameters: Mapping) -> dict:
    """`results.json` from the notebooks' parts; returns it. Raises ReportError where two notebooks emit one id or name."""
    parts = [json.loads(part.read_text(encoding="utf-8")) for part in sorted((out_dir / "parts").glob("*.json"))]
    document = {
        "schema": 1,
        "snapshot": snapshot,
        "parameters": dict(parameters),
        "results": _union(part["results"] for part in parts),
        "outputs": {kind: _union(part["outputs"][kind] for part in parts) for kind in ("figures", "tables")},
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (out_dir / "results.json").write_text(text, encoding="utf-8")
    return document


def _union(mappings: Iterable[Mapping[str, dict]]) -> dict[str, dict]:
    """All entries by name, sorted; raises ReportError where a name is in two of the mappings."""
    found: dict[str, dict] = {}
    for emitted in mappings:
        twice = sorted(found.keys() & emitted.keys())
        if twice:
            raise ReportError(f"{twice[0]}: emitted by two notebooks")
        found |= emitted
    return dict(sorted(found.items()))


def write_numbers(
    out_dir: Path,
    results: Mapping[str, Mapping],
    meta: Mapping[str, str],
    *,
    synthetic: bool,
    as_of: bool,
    printed: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """`numbers.tex`: one macro per result id, its place, and one per key of `meta`, for `paper/hubpaper.sty`.

    `printed`: id -> what the study prints, and the verdict, both in words.
    """
    lines = [r"\synthetictrue"] * synthetic + [r"\asoftrue"] * as_of
    lines += [f"\\defmeta{{{key}}}{{{latex_sentence(text)}}}" for key, text in sorted(meta.items())]
    for result_id, entry in sorted(results.items()):
        value, name = entry["value"], _macro_name(result_id)
        lines.append(f"\\defplace{{{name}}}{{{entry['notebook']}}}")
        if value is None:
            lines.append(f"\\defmissing{{{name}}}{{{latex_sentence(entry['why'])}}}")
        else:
            lines.append(f"\\defval{{{name}}}{{{latex_value(_statistic(result_id), value)}}}")
    for result_id, (text, verdict) in sorted((printed or {}).items()):
        lines.append(f"\\defbeside{{{_macro_name(result_id)}}}{{{latex_words(text)}}}{{{verdict}}}")
    (out_dir / "numbers.tex").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _macro_name(result_id: str) -> str:
    """The id as it may stand in a macro's name: anything but letters, digits and `._+@-` becomes its code point."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._+@-") else f"U{ord(c):04X}" for c in result_id)
