"""RQ3 in frames: degrees, the most used models and the organisations behind them."""

import math
import re

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import adoption, engine
from analysis.engine import Hub
from analysis.parameters import Parameters
from analysis.report import by_row

owners = st.text(st.characters(codec="utf-8"), max_size=40).filter(lambda name: "/" not in name)


def used(**spaces):
    frame = pd.DataFrame({"model_id": list(spaces), "spaces": list(spaces.values())})
    frame = frame.astype({"model_id": "str", "spaces": "int64"})
    return frame.sort_values(["spaces", "model_id"], ascending=[False, True], ignore_index=True)


def pairs(*rows):
    frame = pd.DataFrame(rows, columns=["model_a", "model_b", "spaces"]).astype({"spaces": "int32"})
    names = pd.Index(sorted({*frame["model_a"], *frame["model_b"], "used alone"}), dtype="str")
    return frame.astype(dict.fromkeys(["model_a", "model_b"], pd.CategoricalDtype(names, ordered=True)))


def developer(model_id):
    return adoption.developers_of(pd.Series([model_id])).loc[0, ["organisation", "slug"]].tolist()


# --- degrees ---------------------------------------------------------------------------------------------------------


def test_the_summary_of_four_degrees():
    found = adoption.degree_summary(pd.Series([1, 1, 2, 8]))
    assert found == {"mean": 3, "median": 1.5, "std": pytest.approx(math.sqrt(34 / 3)), "max": 8}


def test_the_distribution_counts_models_and_their_share_from_a_degree_on():
    found = adoption.degree_distribution(pd.Series([1, 1, 2, 8, 0]))
    assert found.values.tolist() == [[1, 2, 1.0], [2, 1, 0.5], [8, 1, 0.25]]


def test_a_table_has_a_row_a_field():
    table = adoption.degree_table({"all": used(a=3, b=1), "cv": used()})
    assert table.loc["all"].to_dict() == {"mean": 2, "median": 2, "std": pytest.approx(math.sqrt(2)), "max": 3}
    assert table.loc["cv"].isna().all()
    assert by_row(table, "usage.degree")["all.usage.degree.max"] == 3
    assert list(by_row(table))[0] == "all.mean"


def test_co_usage_degrees_count_models_and_weights_count_spaces():
    found = adoption.co_usage_degrees(pairs(("a", "b", 5), ("a", "c", 1), ("c", "d", 1)))
    assert found.values.tolist() == [["a", 2, 6], ["c", 2, 2], ["b", 1, 5], ["d", 1, 1]]


def test_ties_in_degree_go_by_weight_and_then_by_name():
    found = adoption.co_usage_degrees(pairs(("d", "e", 2), ("a", "c", 1), ("b", "z", 1)))
    assert found["model_id"].tolist() == ["d", "e", "a", "b", "c", "z"]


edges = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")).filter(lambda pair: pair[0] < pair[1]),
    st.integers(1, 9),
    max_size=20,
)


@given(weights=edges)
def test_co_usage_degrees_and_sizes_are_those_of_networkx(weights):
    graph = nx.Graph()
    graph.add_weighted_edges_from((a, b, weight) for (a, b), weight in weights.items())
    frame = pairs(*[(a, b, weight) for (a, b), weight in weights.items()])
    found = adoption.co_usage_degrees(frame).set_index("model_id")
    assert found["degree"].to_dict() == dict(graph.degree())
    assert found["weight"].to_dict() == dict(graph.degree(weight="weight"))
    sizes = adoption.co_usage_sizes({"all": frame}).loc["all"]
    assert sizes.to_dict() == {"models": graph.number_of_nodes(), "edges": graph.number_of_edges()}


# --- organisations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["facebook", "FacebookAI", "meta-llama"])
def test_several_accounts_are_one_organisation(owner):
    assert developer(f"{owner}/some-model") == ["Meta", "meta"]


@pytest.mark.parametrize("model", ["gpt2", "gpt2-xl", "openai-community/gpt2"])
def test_a_model_without_an_owner_belongs_to_who_developed_it(model):
    assert developer(model) == ["OpenAI", "openai"]


def test_the_row_of_a_model_goes_before_that_of_its_owner():
    known = adoption.organisations()
    models = known[known["model"].str.contains("/")]
    assert len(models)
    for row in models.itertuples():
        owner = known[known["owner"] == row.model.split("/")[0]]
        assert developer(row.model) == [row.organisation, row.slug]
        assert [row.organisation] != owner["organisation"].tolist()  # else the row would not be needed


def test_an_owner_who_is_not_listed_stands_for_themselves():
    assert developer("sample-owner/some-model") == ["sample-owner", "sample-owner"]
    assert developer("sample-model") == ["sample-model", "sample-model"]


def test_an_account_named_like_somebody_elses_model_is_not_its_developer():
    assert developer("gpt2/some-model") == ["gpt2", "gpt2"]


def test_an_account_named_like_an_organisations_slug_is_not_that_organisation():
    listed = adoption.organisations()
    assert "meta" not in set(listed["owner"])
    assert developer("meta/some-model") == ["meta", "@meta"]
    results = adoption.organisation_results("usage", {"all": used(**{"meta/a": 3, "facebook/b": 2, "facebook/c": 1})})
    assert results["all.usage.top100.organisation.meta"] == 2
    assert results["all.usage.top100.organisation.@meta"] == 1


@given(owner=owners)
def test_the_slug_of_any_owner_is_one_harmless_part_of_an_id(owner):
    slug = developer(f"{owner}/some-model")[1]
    assert re.fullmatch(r"@?[A-Za-z0-9_%-]*", slug)


@given(names=st.lists(owners, unique=True, max_size=6))
def test_two_owners_who_are_not_listed_never_share_a_slug(names):
    known = set(adoption.organisations()["owner"])
    slugs = adoption.developers_of(pd.Series([f"{n}/x" for n in names if n not in known], dtype="str"))["slug"]
    assert slugs.is_unique


def test_organisations_are_ranked_by_their_models_ties_by_slug():
    models = pd.Series(["facebook/a", "google/b", "FacebookAI/c", "someone/d", "anyone/e", "openai/f"])
    found = adoption.top_organisations(models)
    assert found["slug"].tolist() == ["meta", "anyone", "google", "openai", "someone"]
    assert found["models"].tolist() == [2, 1, 1, 1, 1]


def test_only_the_first_hundred_models_count():
    models = pd.Series([f"someone/m{i:03d}" for i in range(100)] + ["facebook/a"])
    assert adoption.top_organisations(models)[["slug", "models"]].values.tolist() == [["someone", 100]]


def test_results_name_five_organisations_by_rank_and_count_all():
    frame = used(**{f"{owner}/m": 9 - place for place, owner in enumerate(["f", "e", "d", "c", "b", "a"])})
    results = adoption.organisation_results("cousage", {"nlp": frame})
    assert results["nlp.cousage.top100.rank.1.organisation"] == "a"
    assert results["nlp.cousage.top100.rank.5.models"] == 1
    assert "nlp.cousage.top100.rank.6.organisation" not in results
    assert results["nlp.cousage.top100.organisation.f"] == 1


# --- the most used ---------------------------------------------------------------------------------------------------


def test_the_first_models_by_rank():
    results = adoption.top_results({"all": used(b=2, a=2, c=5)})
    assert results == {
        "all.usage.top.1.model": "c",
        "all.usage.top.1.spaces": 5,
        "all.usage.top.2.model": "a",
        "all.usage.top.2.spaces": 2,
        "all.usage.top.3.model": "b",
        "all.usage.top.3.spaces": 2,
        "all.usage.top100.tied": 0,
    }


@pytest.mark.parametrize(
    ("scores", "tied"),
    [([], 0), ([5] * 100, 0), ([5] * 103, 3), ([5] * 99 + [4, 4, 4, 3], 2), ([5] * 100 + [4, 4], 0)],
)
def test_models_outside_that_tie_with_the_hundredth_are_counted(scores, tied):
    assert adoption.tied_at_the_end(pd.Series(scores, dtype="int64")) == tied


def test_the_table_shows_fields_side_by_side_and_leaves_out_empty_ones():
    table = adoption.top_table({"all": used(a=3, b=2), "cv": used(), "nlp": used(b=2)}, rows=10)
    assert table.columns.tolist() == ["all", "all spaces", "nlp", "nlp spaces"]
    assert table.index.tolist() == [1, 2]
    assert table["all"].tolist() == ["a", "b"]
    assert table.loc[1, "nlp"] == "b"
    assert table.loc[2, ["nlp", "nlp spaces"]].isna().all()
    assert adoption.organisation_table({"all": used(**{"facebook/a": 1}), "cv": used()}).values.tolist() == [
        ["Meta", 1]
    ]


# --- correlations ----------------------------------------------------------------------------------------------------


def test_usage_is_correlated_over_all_models_and_over_used_ones():
    frame = pd.DataFrame(
        {"n_usage_spaces": [0.0, 0, 1, 2], "n_likes": [9.0, 9, 1, 2], "n_downloads": [0.0, 0, float("nan"), 5]}
    )
    found = adoption.correlations(frame)
    assert found.loc["used", "n_likes"] == pytest.approx(1)
    # deviations -.75 -.75 .25 1.25 and 3.75 3.75 -4.25 -3.25
    assert found.loc["all", "n_likes"] == pytest.approx(-10.75 / math.sqrt(2.75 * 56.75))
    assert found.loc["all", "n_downloads"] == pytest.approx(1)
    assert math.isnan(found.loc["used", "n_downloads"])  # one model is left


def test_a_model_whose_usage_is_missing_is_not_taken_for_unused():
    frame = pd.DataFrame({"n_usage_spaces": [float("nan"), 1, 2], "n_likes": [50.0, 1, 2], "n_downloads": [1.0, 2, 3]})
    assert adoption.correlations(frame).loc["all"].tolist() == pytest.approx([1, 1])


def test_reasons_say_which_side_is_not_covered(bare_snapshot):
    def reasons(columns, **tables):
        repos = [{"kind": "model", "repo_id": "a", **columns}]
        return adoption.correlations(engine.activity(Hub(bare_snapshot({"repos": repos, **tables}), Parameters()), "model"))

    links = [{"space_id": "s", "model_id": "a"}]
    assert not {"", "n_likes", "n_downloads"} & reasons({"likes": 1, "downloads": 1}, usage=links).absent.keys()
    no_downloads = reasons({"likes": 1}, usage=links).absent
    assert no_downloads["n_downloads"] == "the snapshot does not say the downloads of models"
    assert not {"", "n_likes"} & no_downloads.keys()
    assert reasons({"likes": 1, "downloads": 1}).absent[""] == "the snapshot has no links between spaces and models"


# --- nothing at all --------------------------------------------------------------------------------------------------


def test_without_links_nothing_fails_and_nothing_is_made_up():
    nothing, no_pairs = used(), pairs()
    fields = {"all": nothing, "cv": nothing}
    assert adoption.degree_table(fields).isna().all(axis=None)
    assert adoption.degree_distribution(nothing["spaces"]).empty
    assert adoption.degree_distributions(fields, "spaces") == {}
    assert adoption.co_usage_degrees(no_pairs).empty
    assert adoption.co_usage_sizes({"all": no_pairs}).loc["all"].tolist() == [0, 0]
    assert adoption.top_results(fields) == {"all.usage.top100.tied": 0, "cv.usage.top100.tied": 0}
    assert adoption.top_table(fields).empty
    assert adoption.organisation_table(fields).empty
    assert adoption.organisation_results("usage", fields) == {}
    assert adoption.top_organisations(nothing["model_id"]).empty
    none = pd.DataFrame({"n_usage_spaces": [], "n_likes": [], "n_downloads": []}, dtype="float64")
    assert adoption.correlations(none).isna().all(axis=None)


def test_a_hub_without_links_gives_empty_frames_that_adoption_takes(bare_snapshot):
    hub = Hub(bare_snapshot({"repos": [{"kind": "model", "repo_id": "a"}]}), Parameters())
    by_field, pairs_by_field = engine.usage_by_field(hub), engine.co_usage_by_field(hub)
    assert engine.usage_sizes(hub).value.to_numpy().sum() == 0
    assert adoption.degree_table(by_field).value.isna().all(axis=None)
    assert adoption.organisation_results("cousage", adoption.co_usage_degrees_by(pairs_by_field)).value == {}


def test_landmarks_of_usage():
    assert adoption.landmarks(used(a=1, b=1, c=999, d=1000)) == {"count_from_1000": 1, "one_share": 0.5}
    assert set(adoption.landmarks(used()).values()) == {None}


def test_p_of_usage_is_that_of_its_correlation():
    frame = pd.DataFrame({"n_usage_spaces": [0.0, 1, 2, 3], "n_likes": [0.0, 2, 0.5, 1.5], "n_downloads": [1.0] * 4})
    found = adoption.p_values(frame)
    r = adoption.correlations(frame).loc["all", "n_likes"]
    assert found["all.n_likes.p"] == pytest.approx(1 - abs(r))  # four pairs: two degrees of freedom
    assert math.isnan(found["all.n_downloads.p"])
