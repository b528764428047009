"""Counts per repository, collaboration edges, usage and concentration: by hand, by properties, by other means."""

import csv
import gzip
import json
from collections import Counter

import networkx as nx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import activity, engine, network, paths
from analysis.engine import Hub
from analysis.parameters import Parameters

few = settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])


def hub(snapshot, **parameters) -> Hub:
    return Hub(snapshot, Parameters(snapshot_date=snapshot.name, **parameters))


def repo(repo_id, kind="model", **values):
    return {"kind": kind, "repo_id": repo_id, **values}


def commit(repo_id, date, *authors, kind="model"):
    return {"kind": kind, "repo_id": repo_id, "date": date, "authors": list(authors)}


def discussion(repo_id, date, author, kind="model"):
    return {"kind": kind, "repo_id": repo_id, "created_at": date, "author": author}


def link(space, model):
    return {"space_id": space, "model_id": model}


def alias(name, person, score=None):
    return {"alias": name, "person": person, "score": score}


def counted(hub, kind="model"):
    """{repository: {variable: count}} with None for what is missing."""
    frame = engine.activity(hub, kind).value.set_index("repo_id").drop(columns="license")
    return frame.astype(object).where(frame.notna(), None).to_dict("index")


def licenses(hub, kind="model"):
    frame = engine.activity(hub, kind, variables=()).value.set_index("repo_id")["license"]
    return frame.astype(object).where(frame.notna(), None).to_dict()


# --- a Hub small enough to count by hand -----------------------------------------------------------------------------

REPOS = [
    repo("lab/union", created_at="2022-03-02", likes=3, downloads=100, license="mit", tags=["license:mit"]),
    repo("lab/empty", created_at="2022-03-02", likes=0, downloads=0, tags=[]),
    repo("lab/failed", created_at="2022-03-02", license="other", tags=["license:other"]),
    repo("lab/scored", created_at="2022-03-02", likes=1, downloads=7, tags=["x", "base:license:mit", "license:gpl"]),
    repo("lab/undated", likes=2, downloads=5, tags=["license:"]),
    repo("lab/midnight", created_at="2023-01-01T23:59:59.999999", likes=1, downloads=1, license="mit"),
    repo("lab/late", created_at="2023-01-02T00:00:00", likes=1, downloads=1),
    repo("lab/union", "dataset", created_at="2022-03-02", likes=5, downloads=0),
    repo("lab/union", "space", created_at="2022-03-02", likes=0),
    repo("lab/other", "space", created_at="2022-03-02", likes=0),
]
COMMITS = [
    commit("lab/union", "2022-03-02", "ann"),
    commit("lab/union", "2022-06-01", "bob", "cat"),
    commit("lab/union", "2023-02-01", "Ann B."),  # ann, as somebody decided
    commit("lab/union", "2023-03-01", "SFconvertbot"),
    commit("lab/union", "2023-04-01"),
    commit("lab/scored", "2022-04-01", "eve"),
    commit("lab/scored", "2022-04-02", "eve84"),  # eve, by a score of 84
    commit("lab/scored", "2022-04-03", "eve90"),  # eve, by a score of 90
    commit("lab/undated", "2022-05-01", "fay"),
    commit("lab/midnight", "2023-01-01T23:59:59.999999", "gus"),
    commit("lab/midnight", "2023-01-02T00:00:00", "hal"),
    commit("lab/late", "2023-01-02T00:00:00", "hal"),
    commit("lab/union", "2022-03-03", "ida", kind="dataset"),
]
DISCUSSIONS = [
    discussion("lab/union", "2022-07-01", "bob"),
    discussion("lab/union", "2023-05-01", "dan"),
    discussion("lab/union", "2023-05-02", "dan"),
    discussion("lab/union", "2023-03-01", "librarian-bot"),
    discussion("lab/union", "2023-03-02", None),  # a deleted account
    discussion("lab/failed", "2023-06-01", "dan"),
    discussion("lab/midnight", "2023-01-01T23:59:59.999999", "gus"),
    discussion("lab/midnight", "2023-01-02T00:00:00", "gus"),
]
WORLD = {
    "repos": REPOS,
    "commits": COMMITS,
    "discussions": DISCUSSIONS,
    "usage": [link("lab/union", "lab/union"), link("lab/other", "lab/union"), link("lab/other", "lab/empty")],
    "people": [alias("Ann B.", "ann"), alias("eve84", "eve", 84.0), alias("eve90", "eve", 90.0)],
}
REJECTED = [
    {"table": "commits", "reason": "gated", "kind": "model", "repo_id": "lab/failed", "scope": "repository"},
    {"table": "discussions", "reason": "no date", "kind": "model", "repo_id": "lab/union", "scope": "row"},
    {"table": "commits", "reason": "no date", "kind": "model", "repo_id": "lab/empty", "scope": "row"},
    {"table": "repos", "reason": "not found", "kind": "model", "repo_id": "lab/gone", "scope": "repository"},
]


@pytest.fixture(scope="module")
def world(write_snapshot):
    return write_snapshot(WORLD, rejected=REJECTED)


@pytest.fixture(scope="module")
def models(world):
    return counted(hub(world))


def test_community_is_a_union_not_a_sum(models):
    union = models["lab/union"]
    assert (union["n_committers"], union["n_disc_starters"]) == (3, 2)  # ann, bob, cat; bob, dan
    assert union["n_community"] == 4


def test_a_commit_by_a_bot_counts_as_a_commit_and_in_no_count_of_people(models, world):
    assert models["lab/union"]["n_commits"] == 5
    assert models["lab/union"]["n_discussions"] == 5
    included = counted(hub(world, bots="include"))["lab/union"]
    assert included["n_commits"] == 5
    assert (included["n_committers"], included["n_disc_starters"], included["n_community"]) == (4, 3, 6)


def test_a_commit_without_an_author_counts_as_a_commit(bare_snapshot):
    rows = {"repos": [repo("a"), repo("b")], "commits": [commit("a", "2023-01-01"), commit("b", "2023-01-01", "ann")]}
    nobody = hub(bare_snapshot(rows))
    assert counted(nobody)["a"]["n_commits"] == 1
    assert counted(nobody)["a"]["n_committers"] == 0


def test_where_no_commit_names_its_author_nobody_is_counted_which_is_no_zero(bare_snapshot):
    rows = {"repos": [repo("a")], "commits": [commit("a", "2023-01-01"), commit("a", "2023-01-02", None)]}
    nobody = hub(bare_snapshot(rows))
    assert counted(nobody)["a"]["n_commits"] == 2
    assert counted(nobody)["a"]["n_committers"] is None
    assert engine.reasons(nobody, "model")["n_committers"] == "2 commits of models: no author is named"
    assert engine.edges(nobody).absent == {"": "2 commits of models: no author is named"}


def test_an_author_who_is_null_is_nobody(bare_snapshot):
    rows = [commit("a", "2023-01-01", None, "bob"), commit("a", "2023-01-02", None)]
    with_null = hub(bare_snapshot({"repos": [repo("a")], "commits": rows}))
    assert counted(with_null)["a"]["n_commits"] == 2
    assert counted(with_null)["a"]["n_committers"] == 1


def test_a_co_author_is_a_committer(bare_snapshot):
    pair = bare_snapshot({"repos": [repo("a")], "commits": [commit("a", "2023-01-01", "bob", "cat")]})
    assert counted(hub(pair))["a"]["n_committers"] == 2


def test_merged_names_are_one_person_unless_identities_are_raw(models, world):
    assert models["lab/union"]["n_committers"] == 3
    raw = counted(hub(world, identities="raw"))
    assert raw["lab/union"]["n_committers"] == 4  # Ann B. beside ann
    assert raw["lab/scored"]["n_committers"] == 3


@pytest.mark.parametrize(("threshold", "people"), [(90, 2), (90.5, 3), (84, 1), (0, 1), (100, 3)])
def test_a_merge_is_applied_from_its_score_on(world, threshold, people):
    assert counted(hub(world, merge_threshold=threshold))["lab/scored"]["n_committers"] == people


@pytest.mark.parametrize("threshold", [0, 90, 100])
def test_a_merge_without_a_score_is_always_applied(world, threshold):
    assert counted(hub(world, merge_threshold=threshold))["lab/union"]["n_committers"] == 3


def test_commits_that_could_not_be_collected_are_missing_not_zero(models):
    failed = models["lab/failed"]
    assert [failed[v] for v in ("n_commits", "n_committers", "n_community")] == [None, None, None]
    assert [failed[v] for v in ("n_discussions", "n_disc_starters")] == [1, 1]
    assert [failed[v] for v in ("n_likes", "n_downloads")] == [None, None]


def test_what_was_collected_as_none_is_zero(models):
    assert models["lab/empty"] == dict.fromkeys(engine.VARIABLES, 0) | {"n_usage_spaces": 1}
    assert models["lab/union"]["n_usage_spaces"] == 2
    assert models["lab/scored"]["n_usage_spaces"] == 0


def test_kinds_that_share_a_name_are_kept_apart(models, world):
    dataset = counted(hub(world), "dataset")["lab/union"]
    assert (dataset["n_commits"], dataset["n_likes"], dataset["n_discussions"]) == (1, 5, 0)
    assert counted(hub(world), "space")["lab/union"]["n_commits"] == 0
    assert models["lab/union"]["n_likes"] == 3


def test_spaces_have_no_downloads_and_only_models_are_used(world):
    assert {row["n_downloads"] for row in counted(hub(world), "space").values()} == {None}
    assert engine.reasons(hub(world), "space").keys() == {"n_downloads", "n_usage_spaces"}
    assert engine.reasons(hub(world), "dataset").keys() == {"n_usage_spaces"}
    assert counted(hub(world), "dataset")["lab/union"]["n_usage_spaces"] is None
    assert counted(hub(world), "space")["lab/union"]["n_usage_spaces"] is None


def test_there_is_one_row_per_repository_by_name_with_the_variables_asked_for(world):
    counts = engine.activity(hub(world), "model", variables=("n_likes", "n_community")).value
    assert list(counts.columns) == ["repo_id", "license", "n_likes", "n_community"]
    assert counts["repo_id"].tolist() == sorted(r["repo_id"] for r in REPOS if r["kind"] == "model")
    assert counts.set_index("repo_id").loc["lab/union", "n_community"] == 4


def test_authors_store_no_likes_and_no_downloads_as_missing(world):
    authors = hub(world, conventions="authors")
    empty = counted(authors)["lab/empty"]
    assert (empty["n_likes"], empty["n_downloads"]) == (None, None)
    assert (empty["n_commits"], empty["n_discussions"]) == (0, 0)
    assert counted(authors)["lab/union"]["n_likes"] == 3


def test_authors_take_the_licence_from_the_first_tag_that_contains_it(world):
    found = licenses(hub(world, conventions="authors"))
    assert found["lab/scored"] == "mit"  # base:license:mit comes before license:gpl
    assert found["lab/union"] == "mit"
    assert found["lab/midnight"] is None  # tags are not known, and the card is not read
    assert found["lab/undated"] is None  # the tag names none


def test_the_licence_is_the_identifier_that_was_collected(world):
    found = licenses(hub(world))
    assert found["lab/midnight"] == "mit"
    assert found["lab/scored"] is None


def test_authors_count_repositories_that_could_not_be_had(world):
    assert engine.repository_count(hub(world), "model").value == 7
    assert engine.repository_count(hub(world, conventions="authors"), "model").value == 8
    assert engine.repository_count(hub(world, conventions="authors"), "space").value == 2


def test_people_are_counted_as_names_bots_and_merges(world):
    # ann bob cat eve fay gus hal ida dan, Ann B. eve84 eve90, SFconvertbot librarian-bot
    assert engine.people_counts(hub(world)).value == {"names": 14, "bots": 2, "merged": 2}
    assert engine.people_counts(hub(world, identities="raw")).value["merged"] == 0


# --- as of an earlier day --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def earlier(world):
    return hub(world, as_of="2023-01-01")


def test_commits_and_discussions_after_the_day_are_ignored(earlier):
    union = counted(earlier)["lab/union"]
    assert (union["n_commits"], union["n_committers"]) == (2, 3)
    assert (union["n_discussions"], union["n_disc_starters"], union["n_community"]) == (1, 1, 3)


def test_the_day_itself_belongs_to_the_run(earlier):
    midnight = counted(earlier)["lab/midnight"]
    assert [midnight[v] for v in ("n_commits", "n_committers", "n_discussions", "n_community")] == [1, 1, 1, 1]


def test_repositories_created_later_are_gone(earlier):
    assert "lab/late" not in counted(earlier)
    assert engine.repository_count(earlier, "model").value == 6


@pytest.mark.parametrize(
    ("as_of", "count", "why"),
    [
        ("2022-03-02", 2, None),
        ("2022-03-01", 1, None),
        ("2021-12-31", 1, None),
        ("2020-01-01", 1, None),
        ("2019-05-04", 0, "2 models carry 2022-03-02, the first creation that the Hub keeps, and none is known to be as old"),
    ],
)
def test_a_repository_older_than_the_dates_that_the_hub_kept_exists_from_its_first_commit(bare_snapshot, as_of, count, why):
    rows = {
        "repos": [repo("m", created_at="2022-03-02T23:29:04"), repo("n", created_at="2022-03-02T23:29:04")],
        "commits": [commit("m", "2019-05-05", "ann"), commit("m", "2021-05-05", "bob"), commit("n", "2022-03-02", "cat")],
    }
    then = hub(bare_snapshot(rows), as_of=as_of)
    found = engine.repository_count(then, "model")
    assert found.value == count and (found.absent.get("") or "").startswith(why or "") == bool(found.absent or not why)
    commits = {"2022-03-02": 3, "2022-03-01": 2, "2021-12-31": 2, "2020-01-01": 1, "2019-05-04": 0}
    assert engine.activity(then, "model").value["n_commits"].sum() == commits[as_of]
    assert len(network.graph(engine.edges(then)).value) == {3: 3, 2: 2, 1: 1, 0: 0}[commits[as_of]]


def test_before_dates_were_kept_a_source_with_dates_of_its_own_knows_that_there_was_none(bare_snapshot):
    then = hub(bare_snapshot({"repos": [repo("m", created_at="2021-06-01")]}), as_of="2020-01-01")
    assert (engine.repository_count(then, "model").value, engine.repository_count(then, "model").absent) == (0, {})
    assert then.parameters.before_dates


def test_a_repository_without_a_creation_date_stays(earlier):
    assert counted(earlier)["lab/undated"]["n_commits"] == 1


def test_events_of_a_repository_created_later_do_not_count(bare_snapshot):
    rows = {
        "repos": [repo("a", created_at="2023-02-01")],
        "commits": [commit("a", "2022-01-01", "ann")],  # pushed with its history
        "discussions": [discussion("a", "2022-01-01", "bob")],
    }
    earlier = hub(bare_snapshot(rows), as_of="2023-01-01")
    assert engine.edges(earlier).value.empty
    assert engine.people_counts(earlier).value["names"] == 0


def test_what_has_no_history_is_not_covered_as_of_an_earlier_day(earlier):
    reasons = engine.reasons(earlier, "model")
    assert reasons.keys() == {"n_likes", "n_downloads", "n_usage_spaces"}
    assert "no history" in reasons["n_likes"]
    assert "no date" in reasons["n_usage_spaces"]
    for counts in counted(earlier).values():
        assert [counts[v] for v in reasons] == [None, None, None]


def test_usage_is_empty_as_of_an_earlier_day(earlier):
    assert engine.usage(earlier).value.empty
    assert engine.co_usage(earlier).value.empty
    assert set(engine.field_reasons(earlier, "usage")) == {*engine.FIELDS, *engine.NARROW}


# --- what a snapshot does not cover ----------------------------------------------------------------------------------


def test_of_a_sample_a_repository_without_rows_is_missing(bare_snapshot):
    sample = {"status": "sample", "rule": "the first hundred"}
    rows = {
        "repos": [repo("a"), repo("b"), repo("c", "dataset")],
        "commits": [commit("a", "2023-01-01", "ann")],
        "discussions": [],
        "usage": [link("s", "a")],
    }
    part = hub(bare_snapshot(rows, coverage={"commits": {"model": sample}, "usage": {"all": sample}}))
    found = counted(part)
    assert (found["a"]["n_commits"], found["a"]["n_community"], found["a"]["n_usage_spaces"]) == (1, 1, 1)
    assert (found["b"]["n_commits"], found["b"]["n_community"], found["b"]["n_usage_spaces"]) == (None, None, None)
    assert found["b"]["n_discussions"] == 0
    assert counted(part, "dataset")["c"]["n_commits"] == 0  # of datasets the table is complete
    assert engine.reasons(part, "model").keys() == {"n_likes", "n_downloads", "license"}


def test_absent_tables_give_missing_values_and_a_reason_never_zero(bare_snapshot):
    bare = hub(bare_snapshot({"repos": [repo("a"), repo("b", "space")]}))
    assert counted(bare) == {"a": dict.fromkeys(engine.VARIABLES)}
    reasons = engine.reasons(bare, "model")
    assert reasons.keys() == {*engine.VARIABLES, "license"}
    assert reasons["n_commits"] == "the snapshot has no commits of models"
    assert reasons["n_disc_starters"] == "the snapshot has no discussions of models"
    assert reasons["n_usage_spaces"] == "the snapshot has no links between spaces and models"
    assert reasons["n_likes"] == "the snapshot does not say the likes of models"
    assert engine.reasons(bare, "space")["n_downloads"] == "spaces can't be downloaded"


def test_a_table_that_lacks_one_kind_is_absent_for_it_alone(bare_snapshot):
    rows = {"repos": [repo("a"), repo("b", "dataset")], "commits": [commit("a", "2023-01-01", "ann")]}
    some_kinds = hub(bare_snapshot(rows, coverage={"commits": {"dataset": {"status": "absent"}}}))
    assert counted(some_kinds, "dataset")["b"]["n_commits"] is None
    assert engine.reasons(some_kinds, "dataset")["n_commits"] == "the snapshot has no commits of datasets"
    assert "n_commits" not in engine.reasons(some_kinds, "model")


def test_a_column_that_one_kind_lacks_is_not_covered_for_it_alone(bare_snapshot):
    rows = {"repos": [repo("a", license="mit", likes=1), repo("b", "dataset", likes=2)]}
    columns = {"status": "sample", "columns": ["kind", "repo_id", "likes"]}
    listed = hub(bare_snapshot(rows, coverage={"repos": {"dataset": columns}}))
    assert engine.reasons(listed, "dataset")["license"] == "the snapshot does not say the licence of datasets"
    assert "license" not in engine.reasons(listed, "model")
    assert "n_likes" not in engine.reasons(listed, "dataset")


def test_no_licence_is_told_from_a_licence_that_was_not_collected(bare_snapshot):
    stated = hub(bare_snapshot({"repos": [repo("a", license=None), repo("b", license="mit")]}))
    assert "license" not in engine.reasons(stated, "model")
    assert activity.unlicensed_share(engine.activity(stated, "model").value) == 0.5
    unknown = hub(bare_snapshot({"repos": [repo("a", likes=1)]}))
    assert engine.reasons(unknown, "model")["license"] == "the snapshot does not say the licence of models"


def test_a_snapshot_of_links_alone_still_answers_about_usage(bare_snapshot):
    links = hub(bare_snapshot({"usage": [link("s", "a"), link("t", "a")]}))
    assert engine.usage(links).value[["model_id", "spaces"]].values.tolist() == [["a", 2]]
    assert engine.activity(links, "model").value.empty
    assert engine.reasons(links, "model")["count"] == "the snapshot has no list of models"
    assert engine.edges(links).value.empty


def test_without_tags_only_the_sub_fields_are_not_covered(bare_snapshot):
    plain = hub(bare_snapshot({"repos": [repo("a")], "commits": [commit("a", "2023-01-01", "ann")]}))
    assert engine.field_reasons(plain, "repos", "commits").keys() == {*engine.FIELDS, *engine.NARROW} - {"all"}
    assert engine.memberships(plain, "cv").value.empty


# --- collaboration ---------------------------------------------------------------------------------------------------


def together(bare_snapshot, repositories, *, merged=(), tags=None, **parameters) -> Hub:
    """A Hub of models whose commits have these authors: {model: [authors of a commit, ...]}."""
    rows = {
        "repos": [repo(name, tags=(tags or {}).get(name, [])) for name in repositories],
        "commits": [commit(name, "2023-01-01", *who) for name, commits in repositories.items() for who in commits],
        "people": [alias(*row) for row in merged],
    }
    return hub(bare_snapshot(rows), **parameters)


def named(hub, *columns):
    """Names in place of the developers' numbers; of several names of a person the first."""
    first = hub.identities.groupby("developer")["alias"].min().to_dict()
    return [column.map(first).tolist() for column in columns]


def edges(hub, field="all"):
    frame = engine.edges(hub, field).value
    return dict(zip(zip(*named(hub, frame["source"], frame["target"]), strict=True), frame["weight"], strict=True))


def test_the_first_author_of_a_commit_leads_and_weights_count_commits(bare_snapshot):
    team = together(bare_snapshot, {"m": [["ann", "bob"], ["ann"], ["ann", "bob"]]})
    assert edges(team) == {("ann", "bob"): 3}  # every commit counts, whether bob has a part in it or not


def test_a_co_author_who_never_leads_has_only_edges_towards_them(bare_snapshot):
    team = together(bare_snapshot, {"m": [["ann", "cat"], ["bob"]]})
    assert edges(team) == {("ann", "bob"): 1, ("ann", "cat"): 1, ("bob", "ann"): 1, ("bob", "cat"): 1}


def test_two_leaders_have_both_edges(bare_snapshot):
    team = together(bare_snapshot, {"m": [["ann"], ["bob"], ["bob"]]})
    assert edges(team) == {("ann", "bob"): 1, ("bob", "ann"): 2}


def test_weights_add_up_over_models(bare_snapshot):
    team = together(bare_snapshot, {"m": [["ann"], ["bob"]], "n": [["ann"], ["ann", "bob"]]})
    assert edges(team) == {("ann", "bob"): 3, ("bob", "ann"): 1}


def test_a_model_of_one_author_gives_a_self_loop(bare_snapshot):
    assert edges(together(bare_snapshot, {"m": [["ann"], ["ann"]]})) == {("ann", "ann"): 2}


def test_bots_are_dropped_before_the_first_author_is_looked_for(bare_snapshot):
    models = {"m": [["SFconvertbot", "ann", "bob"], ["SFconvertbot"]]}
    assert edges(together(bare_snapshot, models)) == {("ann", "bob"): 1}
    with_bot = edges(together(bare_snapshot, models, bots="include"))
    assert with_bot == {("SFconvertbot", "ann"): 2, ("SFconvertbot", "bob"): 2}


def test_a_model_of_bots_alone_has_no_developer(bare_snapshot):
    assert edges(together(bare_snapshot, {"m": [["SFconvertbot"], []]})) == {}


def test_one_person_under_two_names_is_one_developer(bare_snapshot):
    models, merged = {"m": [["ann"], ["Ann B.", "ann"], ["bob"]]}, [("Ann B.", "ann")]
    team = together(bare_snapshot, models, merged=merged)
    assert edges(team) == {("Ann B.", "bob"): 2, ("bob", "Ann B."): 1}
    assert len(edges(together(bare_snapshot, models, merged=merged, identities="raw"))) == 6
    alone = together(bare_snapshot, {"m": [["ann"], ["Ann B."]]}, merged=merged)
    assert edges(alone) == {("Ann B.", "Ann B."): 2}


def test_only_models_make_the_network(bare_snapshot):
    rows = {
        "repos": [repo("m"), repo("m", "dataset"), repo("s", "space")],
        "commits": [
            commit("m", "2023-01-01", "ann"),
            commit("m", "2023-01-01", "bob", kind="dataset"),
            commit("s", "2023-01-01", "cat", "dan", kind="space"),
        ],
    }
    assert edges(hub(bare_snapshot(rows))) == {("ann", "ann"): 1}


def test_the_same_commit_in_two_models_counts_in_both(bare_snapshot):
    fork = [commit(name, "2023-01-01", "ann", "bob") | {"commit_id": "0" * 40} for name in ("m", "n")]
    assert edges(hub(bare_snapshot({"repos": [repo("m"), repo("n")], "commits": fork}))) == {("ann", "bob"): 2}


def test_fields_are_chosen_by_tags_and_a_model_may_be_in_two(bare_snapshot):
    models = {"c": [["ann"], ["bob"]], "n": [["cat"]], "both": [["ann"], ["dan"]], "near": [["eve"]]}
    tags = {"c": ["image-classification"], "n": ["fill-mask", "translation"], "near": ["text-generation-inference"]}
    tags["both"] = ["text-generation", "text-to-image"]
    hub_ = together(bare_snapshot, models, tags=tags)
    assert edges(hub_, "cv") == {("ann", "bob"): 1, ("bob", "ann"): 1}
    assert edges(hub_, "nlp") == {("cat", "cat"): 1, ("ann", "dan"): 1, ("dan", "ann"): 1}
    assert edges(hub_, "mm") == {("ann", "dan"): 1, ("dan", "ann"): 1}
    assert len(edges(hub_)) == 6  # eve alone in no field


def test_memberships_say_how_many_commits_each_developer_leads(bare_snapshot):
    hub_ = together(bare_snapshot, {"m": [["ann", "bob"], ["ann"]], "n": [["SFconvertbot", "bob"]]})
    members = engine.memberships(hub_).value
    assert list(members.columns) == ["repo_id", "developer", "leads"]
    (names,) = named(hub_, members["developer"])
    assert list(zip(members["repo_id"], names, members["leads"], strict=True)) == [
        ("m", "ann", 2),
        ("m", "bob", 0),
        ("n", "bob", 1),
    ]


NAMES = ["ann", "Ann B.", "bob", "bob2", "cat", "dan", "SFconvertbot", "ci[bot]"]
PEOPLE = [alias("Ann B.", "ann"), alias("bob2", "bob", 84.0)]
authors = st.lists(st.sampled_from(NAMES), max_size=3)
teams = st.dictionaries(st.sampled_from("mnopq"), st.lists(authors, max_size=5), max_size=5)


def person_of(name, *, identities="merged", threshold=90):
    """Whom a name stands for, by PEOPLE."""
    merged = {"Ann B.": "ann"} | ({"bob2": "bob"} if threshold <= 84 else {})
    return merged.get(name, name) if identities == "merged" else name


def is_robot(name):
    return name in ("SFconvertbot", "ci[bot]")


def edge_rule(repositories):
    """The rule as loops: {(first author, other author of the model): commits}, over {model: [authors, ...]}."""
    found = Counter()
    for commits in repositories.values():
        everybody = {name for who in commits for name in who}
        for who in commits:
            for other in everybody - set(who[:1]) if who else ():
                found[who[0], other] += 1
            if who and len(everybody) == 1:
                found[who[0], who[0]] += 1
    return dict(found)


@few
@given(repositories=teams, merge_threshold=st.sampled_from([80, 90]), bots=st.sampled_from(["exclude", "include"]))
def test_edges_are_those_of_the_rule_written_as_loops(bare_snapshot, repositories, merge_threshold, bots):
    merged = [tuple(row.values()) for row in PEOPLE]
    hub_ = together(bare_snapshot, repositories, merged=merged, merge_threshold=merge_threshold, bots=bots)
    kept = {
        model: [
            [person_of(name, threshold=merge_threshold) for name in who if bots == "include" or not is_robot(name)]
            for who in commits
        ]
        for model, commits in repositories.items()
    }
    persons = {person_of(name, threshold=merge_threshold): number for name, number in numbers(hub_).items()}
    expected = {(persons[a], persons[b]): weight for (a, b), weight in edge_rule(kept).items()}
    frame = engine.edges(hub_).value
    assert dict(zip(zip(frame["source"], frame["target"], strict=True), frame["weight"], strict=True)) == expected
    assert frame[["source", "target"]].values.tolist() == sorted(map(list, expected))


def numbers(hub):
    return dict(zip(hub.identities["alias"], hub.identities["developer"], strict=True))


@few
@given(data=st.data(), repositories=teams)
def test_the_order_of_the_commits_does_not_matter(bare_snapshot, data, repositories):
    rows = [
        commit(model, "2023-01-01", *who) | {"commit_id": f"{place:040x}"}
        for model, commits in repositories.items()
        for place, who in enumerate(commits)
    ]
    repos = [repo(model) for model in repositories]
    shuffled = data.draw(st.permutations(rows))
    first, second = (hub(bare_snapshot({"repos": repos, "commits": commits})) for commits in (rows, shuffled))
    pd.testing.assert_frame_equal(engine.edges(first).value, engine.edges(second).value)
    pd.testing.assert_frame_equal(engine.memberships(first).value, engine.memberships(second).value)


# --- every count against an implementation in loops ------------------------------------------------------------------

days = st.integers(1, 6).map("2023-01-0{}".format)
maybe = st.none() | st.integers(0, 3)
statuses = st.sampled_from(["complete", "complete", "sample", "absent"])
TAGS = ["license:mit", "x:license:gpl", "license:", "fill-mask"]


@st.composite
def hubs(draw):
    """Tables, coverage, rejected rows and parameters of a small Hub with everything that can go wrong."""
    ids = [(kind, name) for kind in ("model", "space") for name in "abcde"]
    present = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    repos = [
        repo(
            name,
            kind,
            created_at=draw(st.none() | days),
            likes=draw(maybe),
            downloads=draw(maybe),
            license=draw(st.sampled_from([None, "mit"])),
            tags=draw(st.none() | st.lists(st.sampled_from(TAGS), max_size=3)),
        )
        for kind, name in present
    ]
    where = st.sampled_from(present)
    events = draw(st.lists(st.tuples(where, days, authors), max_size=20))
    opened = draw(st.lists(st.tuples(where, days, st.none() | st.sampled_from(NAMES)), max_size=12))
    links = draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcde")), max_size=8, unique=True))
    failed = draw(st.lists(st.tuples(st.sampled_from(["commits", "discussions"]), where), max_size=3, unique=True))
    with_rows = {("commits", place) for place, *_ in events} | {("discussions", place) for place, *_ in opened}
    failed = [(table, place) for table, place in failed if (table, place) not in with_rows]
    tables = {
        "repos": repos,
        "commits": [commit(name, day, *who, kind=kind) for (kind, name), day, who in events],
        "discussions": [discussion(name, day, who, kind) for (kind, name), day, who in opened],
        "usage": [link(space, model) for space, model in links],
        "people": PEOPLE,
    }
    coverage = {
        "commits": {kind: {"status": draw(statuses)} for kind in ("model", "space")},
        "discussions": {kind: {"status": draw(statuses)} for kind in ("model", "space")},
        "usage": {"all": {"status": draw(st.sampled_from(["complete", "sample"]))}},
    }
    rejected = [
        {"table": table, "kind": kind, "repo_id": name, "scope": "repository", "reason": "HTTP 500"}
        for table, (kind, name) in failed
    ]
    parameters = {
        "as_of": draw(st.sampled_from(["", "", "2023-01-03"])),
        "conventions": draw(st.sampled_from(["corrected", "authors"])),
        "bots": draw(st.sampled_from(["exclude", "include"])),
        "identities": draw(st.sampled_from(["merged", "raw"])),
        "merge_threshold": draw(st.sampled_from([80, 90])),
    }
    return tables, coverage, rejected, parameters


def looped(tables, coverage, rejected, parameters, kind):
    """`engine.activity` once more, a repository at a time."""
    return {
        row["repo_id"]: _looped(row, tables, coverage, rejected, parameters)
        for row in tables["repos"]
        if row["kind"] == kind and _before(row["created_at"], parameters)
    }


def _before(day, parameters):
    return not parameters["as_of"] or day is None or day <= parameters["as_of"]


def _names_nobody(table, row, tables, parameters):
    """Whether there are commits (discussions) of repositories of this kind, and none says who made it."""
    kept = [r for r in tables["repos"] if r["kind"] == row["kind"] and _before(r["created_at"], parameters)]
    there, day = {r["repo_id"] for r in kept}, {"commits": "date", "discussions": "created_at"}[table]
    own = [e for e in tables[table] if e["kind"] == row["kind"] and e["repo_id"] in there]
    own = [e["authors"] if table == "commits" else [e["author"]] for e in own if _before(e[day], parameters)]
    return bool(own) and all(name is None for names in own for name in names)


def _looped(row, tables, coverage, rejected, parameters):
    def rows_of(table, day):
        own = [e for e in tables[table] if (e["kind"], e["repo_id"]) == (row["kind"], row["repo_id"])]
        own = [e for e in own if _before(e[day], parameters)]
        status = coverage[table][row["kind"]]["status"]
        failed = any((r["table"], r["kind"], r["repo_id"]) == (table, row["kind"], row["repo_id"]) for r in rejected)
        is_unknown = status == "absent" or (not own and (status == "sample" or failed))
        return None if is_unknown else own

    def persons(names):
        kept = [n for n in names if n is not None and (parameters["bots"] == "include" or not is_robot(n))]
        options = {"identities": parameters["identities"], "threshold": parameters["merge_threshold"]}
        return {person_of(n, **options) for n in kept}

    commits, opened = rows_of("commits", "date"), rows_of("discussions", "created_at")
    committers = persons(name for c in commits or () for name in c["authors"])
    starters = persons(d["author"] for d in opened or ())
    tags = [tag.split("license:", 1)[1] for tag in row["tags"] or () if "license:" in tag]
    is_authors, spaces = (
        parameters["conventions"] == "authors",
        sum(used["model_id"] == row["repo_id"] for used in tables["usage"]),
    )
    found = {
        "license": ((tags or [None])[0] or None) if is_authors else row["license"],
        "n_likes": row["likes"] or (None if is_authors else row["likes"]),
        "n_downloads": row["downloads"] or (None if is_authors else row["downloads"]),
        "n_discussions": None if opened is None else len(opened),
        "n_disc_starters": None if opened is None else len(starters),
        "n_commits": None if commits is None else len(commits),
        "n_committers": None if commits is None else len(committers),
        "n_community": None if commits is None or opened is None else len(committers | starters),
        "n_usage_spaces": spaces or (0 if coverage["usage"]["all"]["status"] == "complete" else None),
    }
    gone = {"n_usage_spaces", "n_downloads"} if row["kind"] == "space" else set()
    gone |= {"n_likes", "n_downloads", "n_usage_spaces"} if parameters["as_of"] else set()
    for table, variable in (("commits", "n_committers"), ("discussions", "n_disc_starters")):
        gone |= {variable, "n_community"} if _names_nobody(table, row, tables, parameters) else set()
    return found | dict.fromkeys(gone)


@few
@given(drawn=hubs())
def test_every_count_is_that_of_loops_over_the_records(bare_snapshot, drawn):
    tables, coverage, rejected, parameters = drawn
    hub_ = hub(bare_snapshot(tables, coverage=coverage, rejected=rejected), **parameters)
    for kind in ("model", "space"):
        frame = engine.activity(hub_, kind).value.set_index("repo_id")
        found = frame.astype(object).where(frame.notna(), None).to_dict("index")
        assert found == looped(*drawn, kind)


# --- usage -----------------------------------------------------------------------------------------------------------


def test_models_are_ranked_by_the_spaces_that_use_them_ties_by_name(bare_snapshot):
    rows = {
        "repos": [repo("a", likes=1), repo("b", likes=2), repo("unused", likes=3)],
        "usage": [link("s", "b"), link("s", "a"), link("t", "c"), link("s", "c")],
    }
    used = engine.usage(hub(bare_snapshot(rows))).value
    assert used["model_id"].tolist() == ["c", "a", "b"]
    assert used["spaces"].tolist() == [2, 1, 1]
    assert used["likes"].tolist()[1:] == [1, 2]
    assert pd.isna(used["likes"][0])  # c is used, and not among the repositories
    assert used["downloads"].isna().all()


def test_two_models_are_linked_by_the_spaces_that_use_both(bare_snapshot):
    links = [link("s", "b"), link("s", "a"), link("t", "a"), link("t", "b"), link("t", "c"), link("u", "d")]
    pairs = engine.co_usage(hub(bare_snapshot({"usage": links}))).value
    assert pairs.values.tolist() == [["a", "b", 2], ["a", "c", 1], ["b", "c", 1]]


def test_a_pair_of_models_takes_a_few_bytes(bare_snapshot):
    links = [link("s", f"owner/a-long-name-of-a-model-{number}") for number in range(200)]
    pairs = engine.co_usage(hub(bare_snapshot({"usage": links}))).value
    assert len(pairs) == 200 * 199 / 2
    assert pairs.memory_usage(index=False, deep=True).sum() < 12 * len(pairs)


def test_a_model_with_two_tags_of_a_field_is_in_it_once_and_may_be_in_another(bare_snapshot):
    tags = ["fill-mask", "translation", "text-to-image", "pytorch"]
    hub_ = hub(bare_snapshot({"repos": [repo("a", tags=tags), repo("b", tags=None), repo("c", kind="space", tags=tags)]}))
    found = {field: hub_.frame(engine.models_of(hub_, field))["repo_id"].tolist() for field in engine.FIELDS}
    assert found == {"all": ["a", "b"], "cv": [], "nlp": ["a"], "mm": ["a"]}


used_links = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefghij")), max_size=30, unique=True)
FIELD_OF = {"a": "fill-mask", "b": "fill-mask", "c": "fill-mask", "d": "object-detection", "e": "object-detection"}


@few
@given(links=used_links)
def test_usage_and_its_projection_are_those_of_networkx(bare_snapshot, links):
    rows = {
        "repos": [repo(model, tags=[tag]) for model, tag in FIELD_OF.items()],
        "usage": [link(space, model) for space, model in links],
    }
    hub_ = hub(bare_snapshot(rows))
    sizes = engine.usage_sizes(hub_).value
    for field, tag in (("all", None), ("nlp", "fill-mask"), ("cv", "object-detection"), ("mm", "text-to-image")):
        kept = [(s, m) for s, m in links if tag is None or FIELD_OF.get(m) == tag]
        models, spaces = {m for _, m in kept}, {s for s, _ in kept}
        bipartite = nx.Graph([(f"space {s}", m) for s, m in kept])
        used = engine.usage(hub_, field).value
        assert dict(zip(used["model_id"], used["spaces"], strict=True)) == {m: bipartite.degree(m) for m in models}
        assert sizes.loc[field].to_dict() == {"models": len(models), "spaces": len(spaces), "links": len(kept)}
        projected = nx.bipartite.weighted_projected_graph(bipartite, models) if kept else nx.Graph()
        expected = sorted([*sorted((a, b)), weight] for a, b, weight in projected.edges(data="weight"))
        for block in (engine._BLOCK, 3):  # models at a time
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(engine, "_BLOCK", block)
                found = engine.co_usage(hub_, field).value
            assert found.values.tolist() == expected
            assert found["model_a"].cat.categories.tolist() == found["model_b"].cat.categories.tolist() == sorted(models)


# --- the demo snapshot ------------------------------------------------------------------------------------------------


def hand_count(frame, column="repo_id"):
    own = frame[frame[column].str.startswith("hand-count/")]
    return own.assign(**{column: own[column].str.removeprefix("hand-count/")}).set_index(column)


def test_the_hand_counted_models_of_the_demo_have_the_counts_of_its_description(demo):
    counts = hand_count(engine.activity(hub(demo), "model").value)
    people = ["n_commits", "n_committers", "n_discussions", "n_disc_starters", "n_community", "n_usage_spaces"]
    assert counts.loc["union", people].tolist() == [5, 3, 3, 2, 4, 2]
    assert counts.loc["pair", people].tolist() == [2, 2, 0, 0, 2, 1]
    assert counts.loc["empty", people].tolist() == [0] * 6
    assert counts.loc["uncollected", people[2:4]].tolist() == [1, 1]
    assert counts.loc["uncollected", [*people[:2], "n_community"]].isna().all()


def test_the_hand_counted_models_of_the_demo_as_of_an_earlier_day(demo):
    counts = hand_count(engine.activity(hub(demo, as_of="2023-01-01"), "model").value)
    assert counts.loc["union", ["n_commits", "n_committers", "n_disc_starters", "n_community"]].tolist() == [2, 3, 1, 3]


# --- published records -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def histories(import_dump):
    return import_dump("2024-12-04", "commits-jsonl", "top-models-2024-12-04.jsonl.gz")


@pytest.fixture(scope="module")
def records(dumps):
    """{model: (created, {commit: (date, authors without bots)} or None)} straight from the file; dates are days."""
    with gzip.open(dumps / "top-models-2024-12-04.jsonl.gz", "rt", encoding="utf-8") as file:
        models = [json.loads(line) for line in file]
    with (paths.DATA / "bots.csv").open(encoding="utf-8") as file:
        bots = {row["name"].lower() for row in csv.DictReader(file) if row["rule"] == "exact"}

    def human(name):
        return name.lower() not in bots and not name.lower().endswith("[bot]")

    def history(commits):
        if not isinstance(commits, list):
            return None
        return {c["commit_id"]: (c["created_at"][:10], [*filter(human, c["authors"])], c["authors"]) for c in commits}

    return {model["modelId"]: (model["created_at"][:10], history(model["commits"])) for model in models}


def existing(records, last_day):
    """{model: [(authors without bots, authors), ...] or None} on a day."""
    return {
        model: None if commits is None else [who for day, *who in commits.values() if day <= last_day]
        for model, (created, commits) in records.items()
        if created <= last_day
    }


as_of_days = pytest.mark.parametrize(("as_of", "last_day"), [("", "2024-12-04"), ("2023-10-15", "2023-10-15")])


@pytest.mark.dumps
@as_of_days
def test_commits_and_committers_of_real_models_are_those_of_the_file(histories, records, as_of, last_day):
    models = existing(records, last_day)
    expected = {
        model: (len(commits), len({name for humans, _ in commits for name in humans}))
        for model, commits in models.items()
        if commits  # the coverage is a sample: no list of commits, or none so early, is missing
    }
    counts = engine.activity(hub(histories, as_of=as_of), "model").value.set_index("repo_id")
    assert set(counts.index) == set(models)
    known = counts.dropna(subset="n_commits")[["n_commits", "n_committers"]]
    assert {model: tuple(row) for model, row in zip(known.index, known.to_numpy(), strict=True)} == expected


@pytest.mark.dumps
@as_of_days
def test_edges_of_real_models_are_those_of_the_rule_written_as_loops(histories, records, as_of, last_day):
    models = {model: commits for model, commits in existing(records, last_day).items() if commits}
    names = sorted({name for commits in models.values() for _, everyone in commits for name in everyone})
    number = {name: place for place, name in enumerate(names)}  # in no message a name
    rule = edge_rule({model: [humans for humans, _ in commits] for model, commits in models.items()})
    expected = sorted([number[a], number[b], weight] for (a, b), weight in rule.items())
    found = engine.edges(hub(histories, as_of=as_of)).value.values.tolist()
    assert len(found) == len(expected)
    assert found == expected
