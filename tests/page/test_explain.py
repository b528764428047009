"""From a result's id to its cells and definitions: on notebooks written here, then on a run of `demo`."""

import re

import nbformat.v4
import pytest

from analysis import network
from analysis.page import explain
from analysis.page.explain import Cell
from analysis.results import RunError

SETUP = "from analysis import network\nfrom analysis.engine import edges"


def cells(*sources: str) -> list[Cell]:
    return [Cell(number, source) for number, source in enumerate(sources, start=1)]


def test_lineage_holds_the_cell_and_what_assigned_its_names_and_nothing_else():
    made = cells(SETUP, "x = edges(hub)", "y = 2 * 2", "z = f(x)", "show(z)", "after = z")
    assert [cell.number for cell in explain.lineage(made, 5)] == [2, 4, 5]


def test_lineage_takes_the_last_assignment_before_the_cell():
    made = cells("a = f()", "a = g()", "show(a)", "a = h()")
    assert [cell.number for cell in explain.lineage(made, 3)] == [2, 3]


def test_lineage_follows_a_name_that_is_read_and_assigned_by_one_cell():
    made = cells("a = f()", "a = g(a)", "show(a)")
    assert [cell.number for cell in explain.lineage(made, 3)] == [1, 2, 3]


def test_parameters_and_imports_are_no_steps():
    made = cells('as_of = ""', SETUP, "x = edges(as_of)", "show(x)")
    assert [cell.number for cell in explain.lineage(made, 4)] == [3, 4]


def test_a_cell_that_is_not_there_has_no_lineage():
    assert explain.lineage(cells("a = 1"), 7) == []


def test_a_docstring_brings_those_that_it_names():
    names = [name for name, _ in explain.definitions([network.core_table])]
    assert names == [*(f"analysis.network.{name}" for name in ("core_table", "structure", "graph")), "analysis.links.links"]


def test_cells_that_were_not_run_do_not_count(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("words"),
        nbformat.v4.new_code_cell("a = 1", execution_count=1),
        nbformat.v4.new_code_cell("b = 2"),
    ]
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert explain.cells_of(tmp_path / "n.ipynb") == [Cell(1, "a = 1")]


def test_a_lost_notebook_is_said_in_one_line(tmp_path):
    with pytest.raises(RunError, match=r"n\.ipynb: not beside the results"):
        explain.cells_of(tmp_path / "n.ipynb")


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("rq2.all.k1", "rq2.all.k1.acc"),  # the beginning of ids
        ("rq2.all.k1.recipe", "rq2.all.k1.recip"),  # a slip
        (r"\input{/etc/passwd}", "no result"),
        ("x" * 10_000, "no result"),
    ],
)
def test_an_unknown_id_offers_near_ones_in_one_short_line(document, demo_run, asked, offered):
    with pytest.raises(RunError) as error:
        explain.explain(document, demo_run, asked)
    assert offered in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 400


def test_the_reciprocity_of_the_network_leads_to_its_cell_definition_and_place(document, demo_run):
    told = explain.explain(document, demo_run, "rq2.all.k1.recip")
    text = "\n".join(told.lines())
    assert told.notebook == "rq2_network" and "cores = network.core_table(everyone)" in told.steps[-1].source
    assert any("everyone = network.graph(edges(hub))" in step.source for step in told.steps[:-1])
    assert any(place.startswith("Table 6, k=1") for place in told.place)
    assert "recip" in dict(told.definitions)["analysis.network.structure"]
    assert repr(document["results"]["rq2.all.k1.recip"]["value"]) in text and "SYNTHETIC" in text


def test_every_result_of_a_run_can_be_explained(document, demo_run):
    first_of_each_cell = {(entry["notebook"], entry["cell"]): name for name, entry in document["results"].items()}
    assert len(first_of_each_cell) > 20
    for name in first_of_each_cell.values():
        told = explain.explain(document, demo_run, name)
        assert told.definitions, name
        assert (told.cell is None) == (not told.steps), name
        assert told.cell is None or re.search(r"report\.(number|listed)", told.steps[-1].source), name


def test_a_missing_value_says_why(document, demo_run):
    missing = next(name for name, entry in document["results"].items() if entry["value"] is None)
    told = explain.explain(document, demo_run, missing)
    assert told.value == f"no value: {document['results'][missing]['why']}"
