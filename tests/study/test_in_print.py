"""The tables at the end of a notebook's sections: the study's value, ours, and the ledger's verdict."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis import run
from analysis.covered import Covered
from analysis.parameters import Parameters
from analysis.report import Report
from analysis.study import facsimile, in_print, ledger
from analysis.study.words import in_words

REAL = {"name": "2023-10-15", "date": "2023-10-15", "synthetic": False, "source": {"name": "list"}, "tables": {}}
TWIN = REAL | {"name": "2023-10-15-twin", "synthetic": True, "source": {"name": "twin"}}


def hub(manifest: dict) -> SimpleNamespace:
    return SimpleNamespace(snapshot=SimpleNamespace(manifest=manifest), parameters=Parameters())


@pytest.fixture
def report(tmp_path) -> Report:
    """4.3.3 prints 0.66 with p below 0.001 and 0.29 with p below 0.001; of the last p nothing was emitted."""
    writer = Report("n", out_dir=tmp_path, synthetic=False)
    writer.number("rq3.correlation.all.n_likes", 0.6649)
    writer.number("rq3.correlation.all.n_likes.p", 0.0001)
    writer.number("rq3.correlation.all.n_downloads", 0.31)
    writer.number("rq3.correlation.all.n_downloads.p", Covered(None, {"": "downloads were not collected"}))
    return writer


def test_what_is_printed_stands_beside_ours_with_the_verdict_and_what_differs_comes_first(report):
    found = in_print.compared(report, hub(REAL), "4.3.3")
    assert list(found.table.itertuples(name=None)) == [
        ("Usage and all, downloads", "0.29", "0.31", "differs"),
        ("Usage and all, likes", "0.66", "0.66", "matches"),
        ("Usage and all, likes, p", "below 0.001", "< 0.001", "matches, as it must"),
        ("Usage and all, downloads, p", "below 0.001", "--", "not covered"),
    ]
    assert found.sentence == (
        "Of 4 values that the study prints here, 1 differs, 2 match, 1 is not covered by this snapshot. "
        "Not covered: downloads were not collected."
    )


def test_a_match_that_the_twin_was_made_to_give_says_so_and_the_sentence_that_it_is_synthetic(tmp_path):
    writer = Report("n", out_dir=tmp_path, synthetic=True)
    writer.number("rq3.correlation.all.n_likes", 0.66)
    found = in_print.compared(writer, hub(TWIN), "4.3.3", ids=["rq3.correlation.all.n_likes"])
    assert found.table["verdict"].iloc[0] == "matches, as made"
    assert found.sentence.startswith("SYNTHETIC DATA. Of 2 values")


def test_where_the_study_prints_nothing_a_sentence_says_so(report):
    found = in_print.compared(report, hub(REAL), "4.3.3", ids=["robustness."])
    assert repr(found) == "The study prints no value of this."
    assert "<table" not in found._repr_html_()


def test_no_more_rows_than_a_reader_takes_in_and_the_sentence_says_how_many_there_are(report):
    found = in_print.compared(report, hub(REAL), "4.3", ids=["rq3."])
    assert len(found.table) == in_print.MOST
    printed = in_print.printed_values_of(("4.3",), ("rq3.",))
    assert f"Of {len(printed)} values" in found.sentence and f"The table shows {in_print.MOST}" in found.sentence


def test_results_under_another_name_are_held_against_the_studys(tmp_path):
    writer = Report("n", out_dir=tmp_path, synthetic=False)
    writer.numbers("variant.k1", {"nodes": 10_524, "edges": 1})
    found = in_print.compared(writer, hub(REAL), "Table 6", ids=["rq2.all.k1.nodes", "rq2.all.k1.edges"],
                              under={"variant": "rq2.all"})  # fmt: skip
    assert dict(found.table["verdict"]) == {
        "Network of all models, k = 1, edges": "differs",
        "Network of all models, k = 1, nodes": "matches",
    }


def test_what_strangers_wrote_is_escaped(tmp_path):
    writer = Report("n", out_dir=tmp_path, synthetic=False)
    writer.numbers("rq3.all.usage.top.1", {"model": "<script>x</script>/m", "spaces": 5})
    shown = in_print.compared(writer, hub(REAL), "4.3.1", ids=["rq3.all.usage.top.1."])._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (REAL, "is of 2023-10-15, the study of October 2023"),
        (TWIN, "made from the study's own aggregates"),
        (TWIN | {"source": {"name": "hand"}}, "is invented: nothing here should match"),
    ],
)
def test_a_notebook_says_what_to_expect_of_its_snapshot(manifest, said):
    found = in_print.expectation(hub(manifest))
    assert said in found.sentence and found.table.empty


# --- the notebooks of demo ------------------------------------------------------------------------------------------------


def tables_of(notebook) -> list[pd.DataFrame]:
    """The tables at the end of the sections of an executed notebook: value, published, ours, verdict."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    shown = ["".join(o.get("data", {}).get("text/html", "")) for c in cells for o in c.get("outputs", [])]
    found = []
    for table in (table for text in shown for table in BeautifulSoup(text, "html.parser").select("table.in-print")):
        rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in table.select("tbody tr")]
        found.append(pd.DataFrame(rows, columns=["value", "published", "ours", "verdict"]))
    return found


@pytest.mark.parametrize("name", ["rq1_activity", "rq2_network", "rq3_adoption"])
def test_every_verdict_of_a_notebook_is_the_ledgers(name, demo_run, document):
    """A section is judged by what was emitted until then, the ledger by everything: the two must not part."""
    rows = ledger.ledger_rows(document)
    known = {
        (in_words(row["id"]), facsimile.printed_text(row)): (facsimile.ours_text(row), facsimile.verdict_words(row))
        for row in rows[rows["id"] != ""].to_dict("records")
    }
    tables = tables_of(demo_run / "notebooks" / f"{name}.ipynb")
    assert len(tables) >= 4
    for row in pd.concat(tables).itertuples():
        assert (row.ours, row.verdict) == known[row.value, row.published], row.value


@pytest.mark.parametrize("name", run.ALL)
def test_a_notebook_is_held_against_print_in_one_call_at_a_time(name):
    from analysis import paths

    source = (paths.NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    assert source.count("in_print.compared(") >= 2 and source.count("in_print.expectation(") == 1
