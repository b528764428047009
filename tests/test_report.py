"""report.py: one emission per number, formats, and strangers' text that must stay text."""

import json
import math
import re
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import figures, report
from analysis.covered import Covered
from analysis.report import Report, ReportError, format_value, latex, latex_value, plain
from analysis.text import LONGEST

HOSTILE = [
    r"\input{/etc/passwd}",
    r"\write18{rm -rf ~}",
    "<script>alert(1)</script>",
    "a_b%c#d$e&f{g}h^i~j\\k",
    "‮drowssap‬",
    "x" * 10_000,
    "",
    "模型",
    "🤗",
    "\x00\x1b[31m",
    "--verbatim``''",
]


@pytest.fixture
def emitting(tmp_path):
    return Report("rq1_activity", out_dir=tmp_path, synthetic=False)


def emitted(directory, name="rq1_activity"):
    return json.loads((directory / "parts" / f"{name}.json").read_text(encoding="utf-8"))["results"]


def test_a_number_is_emitted_once(emitting):
    emitting.number("rq1.models.count", 3)
    with pytest.raises(ReportError, match=r"rq1\.models\.count: emitted twice"):
        emitting.number("rq1.models.count", 3)


def test_nan_becomes_null_with_the_reason_why(emitting, tmp_path):
    emitting.number("a", float("nan"))
    emitting.number("b", Covered(5, {"": "the snapshot has no commits of models"}))
    emitting.number("c", Covered(None, {}, {"": "one model"}))
    emitting.number("d", Covered(0, {}, {"": "one model"}))
    assert emitting.close() == "4 results, 3 without a value"
    found = emitted(tmp_path)
    assert found["a"]["value"] is None and found["a"]["why"] == report.UNDEFINED
    assert found["b"]["value"] is None and found["b"]["why"] == "the snapshot has no commits of models"
    assert found["c"]["value"] is None and found["c"]["why"] == "one model"
    assert found["d"]["value"] == 0 and "why" not in found["d"]
    assert [report.is_undefined(found[name]) for name in "abcd"] == [True, False, True, False]


def test_a_reason_belongs_to_the_part_of_the_id_that_it_names(emitting, tmp_path):
    frame = pd.DataFrame({"n_likes": {"mean": 1.5}, "n_commits": {"mean": 0.0}})
    emitting.numbers("rq1.models", Covered(frame, {"n_commits": "the snapshot has no commits of models"}))
    emitting.numbers("rq1.models", Covered({"pearson.n_commits.n_likes": 0.9}, {"n_commits": "none"}))
    emitting.close()
    values = {name: entry["value"] for name, entry in emitted(tmp_path).items()}
    assert values == {
        "rq1.models.n_likes.mean": 1.5,
        "rq1.models.n_commits.mean": None,
        "rq1.models.pearson.n_commits.n_likes": None,
    }


@pytest.mark.parametrize("value", [np.int64(3), np.float64(2.5), 7, "text", True])
def test_numpy_values_become_json_values(value):
    assert json.loads(json.dumps(plain(value))) == value


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), pd.Timestamp("2023-01-01")])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ReportError):
        plain(value)


@pytest.mark.parametrize(
    ("statistic", "value", "expected"),
    [
        ("count", 348181, "348,181"),
        ("q50", 2.0, "2"),
        ("q75", 1.25, "1.25"),
        ("mean", 1693.934, "1,693.93"),
        ("mean", 0.00009502, "0.000095"),
        ("mean", -0.004, "-0.0040"),
        ("mean", -0.0, "0.00"),
        ("zero_share", 0.7099, "71.0 %"),
        ("share_for_80", 0.0004, "0.040 %"),
        ("zero_share", 0.0, "0.0 %"),
        ("zero_share", 1.0, "100.0 %"),
        ("p", 0.0, "< 0.001"),
        ("p", 0.001, "0.001"),
        ("p_holm", 0.0123, "0.012"),
        ("u", 1464356547.0, "1,464,356,547"),
        ("ass", None, "--"),
        ("mean", math.nan, "--"),
        ("mean", math.inf, "infinite"),
        ("model", "gpt2", "gpt2"),
    ],
)
def test_formats_by_statistic(statistic, value, expected):
    assert format_value(statistic, value) == expected


def test_latex_keeps_thousands_and_percents():
    assert latex_value("count", 1234567) == "1{,}234{,}567"
    assert latex_value("zero_share", 0.5) == r"50.0\,\%"
    assert latex_value("p", 0.0) == r"$<$\,0.001"
    assert latex_value("ass", -0.25) == "$-$0.25"


def test_a_name_may_break_where_it_is_joined_and_a_number_not():
    assert latex("a/b.c") == r"a/\allowbreak{}b.\allowbreak{}c"
    assert latex("1,693.93") == "1,693.93"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_has_no_live_latex(text):
    escaped = latex(text)
    assert escaped.isascii() and escaped.isprintable()
    for command in (r"\input", r"\write", r"\k"):
        assert command not in escaped
    assert len(escaped) < 40 * LONGEST


@given(st.text(max_size=80))
def test_every_special_character_of_any_text_is_escaped(text):
    bare = latex(text)
    for known in [*report._LATEX.values(), r"\allowbreak{}", r"\dots{}", r"\textlangle{}", r"\textrangle{}", "-{}-"]:
        bare = bare.replace(known, "")
    assert not set(bare) & set("\\{}$&%#_~^")


@pytest.mark.skipif(
    subprocess.run(["which", "pdflatex"], capture_output=True).returncode != 0, reason="pdflatex is not installed"
)
def test_hostile_text_compiles(tmp_path):
    body = "\n\n".join(f"[{latex(text)}]" for text in HOSTILE)
    source = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{textcomp}\\begin{document}" + body
    (tmp_path / "t.tex").write_text(source + "\\end{document}", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-500:]


def test_a_table_drops_what_is_not_covered_and_says_when_nothing_is_left(emitting, tmp_path):
    frame = pd.DataFrame({"n_likes": [1.0], "n_commits": [0.0]}, index=["mean"])
    shown = emitting.table("t", Covered(frame, {"n_commits": "no commits"}), statistics="index")
    assert list(shown.columns) == ["n_likes"] and shown.loc["mean", "n_likes"] == "1.00"
    emitting.table("u", Covered(frame, {"n_commits": "no commits", "n_likes": "no likes"}), statistics="index")
    assert "Not covered by this snapshot: no commits; no likes." in (tmp_path / "tables" / "u.tex").read_text()
    emitting.table("v", Covered(frame, {"": "no list"}), statistics="index")
    assert "no list" in (tmp_path / "tables" / "v.tex").read_text()
    emitting.table("w", Covered(frame, {}, {"": "one model"}), statistics="index")
    assert "one model" in (tmp_path / "tables" / "w.tex").read_text()


def test_a_table_of_one_statistic_is_set_in_its_form(emitting):
    """Probabilities beside one half have three decimals, whatever rows and columns are called."""
    frame = pd.DataFrame({"n_likes": [0.4996]}, index=["as given"])
    assert emitting.table("one", frame, statistics="superiority").iloc[0, 0] == "0.500"
    assert emitting.table("each", frame).iloc[0, 0] == "0.50"


def test_a_table_is_booktabs_and_escapes_names(emitting, tmp_path):
    frame = pd.DataFrame({"spaces": [3]}, index=[r"evil/\input{x}"])
    emitting.table("t", frame)
    text = (tmp_path / "tables" / "t.tex").read_text()
    assert r"\toprule" in text and r"\input" not in text and r"\textbackslash{}input" in text


def a_figure():
    return figures.centralities(pd.DataFrame({"degree": [1, 2, 2], "pagerank": [0.2, 0.3, 0.5]}))[0]


def test_a_synthetic_figure_says_so(tmp_path):
    for name, synthetic in (("twin", True), ("real", False)):
        writer = Report("n", out_dir=tmp_path / name, synthetic=synthetic)
        writer.figure("f", (a_figure(), pd.DataFrame({"x": [1]})))
        assert ("SYNTHETIC DATA" in (tmp_path / name / "figures" / "f.svg").read_text()) is synthetic


def test_a_figure_of_real_things_is_not_called_synthetic(tmp_path):
    Report("n", out_dir=tmp_path, synthetic=True).figure("f", (a_figure(), pd.DataFrame({"x": [1]})), real=True)
    assert "SYNTHETIC DATA" not in (tmp_path / "figures" / "f.svg").read_text()


def test_the_same_figure_twice_is_the_same_bytes(tmp_path, capsys):
    for name in ("a", "b"):
        Report("n", out_dir=tmp_path / name, synthetic=True).figure("f", (a_figure(), pd.DataFrame({"x": [0.1]})))
    for suffix in ("pdf", "svg", "png", "csv", "tex"):
        first, second = ((tmp_path / n / "figures" / f"f.{suffix}").read_bytes() for n in ("a", "b"))
        assert first == second, suffix
    assert capsys.readouterr().out == ""


def test_the_data_behind_a_figure_move_with_it(tmp_path):
    writer = Report("n", out_dir=tmp_path, synthetic=False)
    writer.figure("f", (a_figure(), pd.DataFrame({"x": [0.1]})))
    before = (tmp_path / "figures" / "f.csv").read_bytes()
    writer.figure("f", (a_figure(), pd.DataFrame({"x": [0.2]})))
    assert (tmp_path / "figures" / "f.csv").read_bytes() != before


def test_a_list_of_values_is_emitted_and_shown_in_words(tmp_path):
    writer = Report("n", out_dir=tmp_path, synthetic=False)
    values = Covered({"n_likes.mode": 1.0, "edge_share": 0.25, "isolates": 3}, {"isolates": "no commits"})
    assert dict(writer.listed("a", values)["value"]) == {
        "likes, mode": "1.00", "edge share": "0.25", "isolates": "not covered: no commits",
    }  # fmt: skip
    assert writer.results["a.edge_share"]["value"] == 0.25


def test_what_a_snapshot_lacks_is_a_table_of_parts_and_reasons():
    one = Covered(None, {"n_likes": "no likes", "": "no list"})
    found = report.lacking({"models": one, "spaces": Covered(1)})
    assert list(found.itertuples(name=None)) == [("likes", "models", "no likes"), ("everything", "models", "no list")]
    assert "nothing is missing" in report.lacking({"models": Covered(1)}).to_string()


def test_the_results_say_where_each_table_and_figure_was_emitted(tmp_path):
    writer = Report("n", out_dir=tmp_path, synthetic=False)
    writer.figure("f", (a_figure(), pd.DataFrame({"x": [1]})), alt="Some points")
    writer.table("t", pd.DataFrame({"n": [1]}))
    writer.table("u", Covered(pd.DataFrame({"n": [1]}), {"": "no list"}))
    writer.close()
    outputs = report.merge_results(tmp_path, snapshot={}, parameters={})["outputs"]
    place = {"notebook": "n", "cell": None}  # no kernel runs this test
    tables = {"t": place, "u": place | {"why": "no list"}}
    title = "Half of the linked developers have a degree of 2 or less, and none has more"
    assert outputs == {"figures": {"f": place | {"alt": f"{title}. Some points", "title": title}}, "tables": tables}
    assert (tmp_path / "tables" / "t.tex").read_text().startswith("\\emitted{n}{table-t}{")
    assert (tmp_path / "figures" / "f.tex").read_text().startswith("\\emitted{n}{figure-f}{")


@pytest.mark.parametrize("name", HOSTILE)
def test_an_anchor_is_plain_whatever_the_name(name):
    assert re.fullmatch(r"result-[A-Za-z0-9._+@-]*", report.anchor("result", name))


def test_two_notebooks_may_not_emit_the_same_number(tmp_path):
    for name in ("one", "two"):
        writer = Report(name, out_dir=tmp_path, synthetic=False)
        writer.number("rq1.models.count", 1)
        writer.close()
    with pytest.raises(ReportError, match=r"rq1\.models\.count: emitted by two notebooks"):
        report.merge_results(tmp_path, snapshot={}, parameters={})


def test_results_are_sorted_and_unrounded(tmp_path):
    writer = Report("one", out_dir=tmp_path, synthetic=False)
    writer.number("b", 1 / 3)
    writer.number("a", 2)
    writer.close()
    document = report.merge_results(tmp_path, snapshot={"name": "x"}, parameters={"bots": "exclude"})
    assert list(document["results"]) == ["a", "b"]
    assert json.loads((tmp_path / "results.json").read_text())["results"]["b"]["value"] == 1 / 3
    assert document["schema"] == 1


def test_numbers_tex_holds_values_texts_reasons_and_no_live_command(tmp_path):
    results = {
        "rq1.models.count": {"value": 1234, "notebook": "rq1_activity"},
        "rq2.all.kmax.ass": {"value": None, "why": "it's 100 % absent", "notebook": "rq2_network"},
        "rq3.all.usage.top.1.model": {"value": r"x/\input{y}", "notebook": "rq3_adoption"},
        r"rq1.models.license_share.\evil{}": {"value": 0.5, "notebook": "rq1_activity"},
    }
    report.write_numbers(tmp_path, results, {"snapshot": "demo_1"}, synthetic=True, as_of=False)
    text = (tmp_path / "numbers.tex").read_text()
    assert text.startswith("\\synthetictrue\n") and r"\asoftrue" not in text
    assert r"\defval{rq1.models.count}{1{,}234}" in text
    assert r"\defplace{rq1.models.count}{rq1_activity}" in text
    assert r"\defmissing{rq2.all.kmax.ass}{it's 100 \% absent}" in text
    assert r"\defmeta{snapshot}{demo\_1}" in text
    assert r"\input" not in text and r"\evil" not in text


def test_no_control_or_invisible_character_reaches_a_table(emitting, tmp_path):
    hostile = "mit\0\x1b[2J\x7f\u202e\u2028\rx"
    emitting.table("t", pd.DataFrame({"count": [1], "license": [hostile]}, index=[hostile]))
    for suffix in ("tex", "csv"):
        written = (tmp_path / "tables" / f"t.{suffix}").read_bytes().decode()
        assert "U+0000" in written and "U+202E" in written
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]", written)


def test_names_of_western_europe_are_spelled_as_they_are():
    assert report.latex("Cánovas Söderström, Straße") == "Cánovas Söderström, Straße"
    assert report.latex("×Ł") == r"\textlangle{}U+00D7\textrangle{}\textlangle{}U+0141\textrangle{}"


def test_a_table_says_its_rows_and_columns_in_words_and_leaves_names_of_others_alone(emitting, tmp_path):
    rows = ["models, n_disc_starters", "all.mod", "weight_2"]
    emitting.table("t", pd.DataFrame({"share_for_80": [0.5, 0.5, 0.5], "p_holm": [0.5, 0.5, 0.5]}, index=rows))
    text = (tmp_path / "tables" / "t.tex").read_text()
    for words in (
        "models, discussion starters &",
        "all models, MOD &",
        "weight 2 &",
        r"share that holds 80 \% & p (Holm)",
    ):
        assert words in text
    assert "n_disc_starters" in (tmp_path / "tables" / "t.csv").read_text()
    emitting.table("u", pd.DataFrame({"share": [0.5]}, index=pd.Index(["std"], name="license")))
    assert "\nstd &" in (tmp_path / "tables" / "u.tex").read_text()


def test_heads_of_a_wide_table_are_broken_and_no_others():
    wide, narrow = (pd.DataFrame([["1"] * n], columns=[f"two words{i}" for i in range(n)]) for n in (12, 3))
    assert r"\shortstack[r]{two\\words11}" in report._tabular(wide, None)
    assert "shortstack" not in report._tabular(narrow, None)


def test_a_reason_of_a_sentence_is_printed_whole_and_a_strangers_is_not():
    reason = "repositories gated without saying how, taken as manual"
    body = pd.DataFrame({"rows": ["1", "2"]}, index=[f"mended: {reason}", "x" * 500])
    table = report._tabular(body, "p{12cm}r", text=report.latex_sentence)
    assert reason in table and "x" * 119 + r"\dots{}" in table and "x" * 120 not in table
