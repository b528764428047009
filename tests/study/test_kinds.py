"""Each printed value's kind is what the twin's code and the study's formulas say, so that no row can be misfiled."""

from fractions import Fraction

import networkx as nx
import pandas as pd
import pytest

from analysis import references
from analysis.sources.twin import network, plan, printed
from analysis.study import kinds, published, verdicts


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return published.printed_values()


@pytest.fixture(scope="module")
def kind(values) -> dict[str, str]:
    return dict(zip(values["id"], values["kind"], strict=True))


def test_every_kind_is_derived_anew_from_the_twins_code_and_the_formulas(values):
    assert plan.TOP_MODELS and network.CORES  # both are imported, so all their values have been asked for
    derived = kinds.kinds(values, met=printed.MET, used=printed.USED)
    wrong = values.assign(derived=derived)[values["kind"] != derived]
    assert wrong[["id", "place", "kind", "derived"]].to_dict("records") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rq1.models.n_likes.mean", "calibrated"),
        ("rq2.all.k5.recip", "calibrated"),
        ("rq1.models.n_committers.one_share", "input"),  # the 0.87
        ("rq1.models.n_downloads.count_over_1000000", "input"),  # the 86
        ("rq2.all.k1.com", "input"),
        ("rq1.models.mannwhitney.n_likes.permissive_vs_none.u", "input"),
        ("rq2.nlp.k5.ad", "implied"),
        ("rq2.mm.k10.dens", "implied"),
        ("rq2.all.kmax.com", "implied"),  # a complete core
        ("rq2.nlp.kmax.com", "input"),  # six edges are missing
        ("rq1.models.mannwhitney.n_likes.permissive_vs_none.p", "implied"),
        ("rq3.correlation.all.n_likes.p", "implied"),
        ("rq1.models.n_likes.min", "implied"),
        ("rq1.models.n_committers.q50", "implied"),
        ("rq1.models.n_commits.q75", "calibrated"),
        ("rq2.all.k5.k", "parameter"),
        ("snapshot.month", "parameter"),
        ("rq2.all.k5.ass", "input"),  # the pull of busy developers was chosen by it
        ("rq2.all.k1.ass", "emergent"),
        ("rq2.mm.k5.acc", "emergent"),
        ("rq3.all.cousage.top100.organisation.meta", "emergent"),
        ("rq2.people.central.developer_share", "emergent"),  # a share of a count that the twin was not made from
    ],
)
def test_kinds_by_hand(kind, name, expected):
    assert kind[name] == expected


def test_what_the_twin_is_made_to_give_back_it_gives_back(values):
    """By the references of the twin at full size: otherwise a value would be an input, not calibrated."""
    entries = references.read(references.files_of("2023-10-15-twin")["results"])
    met = values[values["kind"] == "calibrated"]
    found = verdicts.judged({name: entry["value"] for name, entry in entries.items()}, met)
    assert set(found["verdict"]) == {verdicts.MATCHES}


def test_u_is_within_one_per_cent_of_print_under_the_studys_rule(values):
    entries = references.read(references.files_of("2023-10-15-twin")["results"])
    rows = values[values["id"].str.fullmatch(r"rq1\.models\.mannwhitney\..*\.u")]
    found = verdicts.judged({name: entry["value"] for name, entry in entries.items()}, rows)
    assert len(found) == 24 and (found["difference"].abs() / found["published"].astype(float)).max() < 0.01


def test_what_follows_is_followed_through_and_from_known_values_alone(values):
    numbers = published.exact_numbers(values)
    sizes = {"rq2.all.k5.nodes", "rq2.all.k5.edges"}
    found = kinds.implied(numbers, sizes)
    assert {"rq2.all.k5.ad", "rq2.all.k5.dens"} <= found and "rq2.all.k10.ad" not in found
    assert "rq1.models.mannwhitney.p.max" not in found
    tested = {name for name in values["id"] if name.startswith("rq1.models.mannwhitney") and name.endswith(".u")}
    assert "rq1.models.mannwhitney.p.max" in kinds.implied(numbers, tested | set(kinds.GROUPED))


def test_columns_that_are_called_implied_for_a_complete_core_hold_for_one():
    for nodes in (6, 14):
        whole = nx.complete_graph(nodes, create_using=nx.DiGraph)
        assert whole.number_of_edges() == nodes * (nodes - 1)
        assert set(nx.core_number(whole).values()) == {2 * (nodes - 1)}
        assert (nx.reciprocity(whole), nx.density(whole)) == (1, 1)
        assert len(nx.community.greedy_modularity_communities(whole)) == 1


def test_numbers_that_are_called_implied_are_what_arithmetic_gives(values):
    """AD and DENS, to the printed digits, by fractions."""
    numbers = published.exact_numbers(values)
    for core, nodes, edges in numbers.cores():
        assert numbers[f"{core}.ad"].holds(Fraction(2 * edges, nodes))
        assert numbers[f"{core}.dens"].holds(Fraction(edges, nodes * (nodes - 1)))


def test_a_tautology_is_a_minimum_a_floor_or_a_row_of_the_table(values):
    found = kinds.tautologies(published.exact_numbers(values))
    assert {"rq1.models.n_likes.min", "rq1.spaces.n_committers.q75", "rq2.cv.k5.k"} <= found
    assert not {"rq1.models.n_commits.q25", "rq1.models.n_downloads.q75", "rq2.all.kmax.k"} & found


def test_a_chosen_value_is_one_that_would_be_printed_so(tmp_path, monkeypatch):
    for row, fine in (
        ("rq1.models.n_likes.mean,1.1449,x", True),
        ("rq1.models.n_likes.mean,1.146,x", False),
        ("rq1.models.n_likes.share_for_80,0.0099,x", True),  # printed as below 1 %
        ("rq1.models.n_likes.share_for_80,0.01,x", False),
        ("rq1.models.n_nothing,1,x", False),
    ):
        file = tmp_path / "twin.csv"
        file.write_text(f"id,value,reason\n{row}\n", encoding="utf-8")
        if fine:
            assert len(printed.chosen(file)) == 1
        else:
            with pytest.raises(ValueError, match=r"twin\.csv, row 2, .* would not be printed so"):
                printed.chosen(file)
