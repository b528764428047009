"""Who counts as one person: bots, merged names, numbers that depend on the names alone."""

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import people

some = settings(deadline=None, max_examples=60)
HOSTILE = [
    "",
    " ",
    "x" * 10_000,
    "👩‍💻🧪",
    "\u202egnp.exe",  # right to left
    "אבגד",
    "é",
    "e\u0301",
    ".*",
    "[bot",
    "a|b",
    "(?:",
    "\\",
    "';--",
    "line\nbreak",
    "tab\t",
    "\0",
    "ǅ",
    "İ",
]


def numbers(frame):
    return dict(zip(frame["alias"], frame["developer"], strict=True))


def merges(*rows):
    return pd.DataFrame(rows, columns=["alias", "person", "score"]).astype({"score": "float64"})


# --- bots ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["SFconvertbot", "sfconvertbot", "SFCONVERTBOT", "librarian-bot", "ci[bot]", "CI[Bot]", "system"]
)
def test_service_accounts_are_bots_whatever_their_case(name):
    assert people.is_bot(pd.Series([name])).tolist() == [True]


@pytest.mark.parametrize(
    "name",
    [
        "talbot",
        "abbot",
        "robot",
        "elbot",
        "bot",
        "my-bot",
        "SFconvertbot2",
        "xSFconvertbot",
        "ci[bot]x",
        "cibot",
        "syst",
    ],
)
def test_names_that_only_look_like_a_bot_are_people(name):
    assert people.is_bot(pd.Series([name])).tolist() == [False]


def test_every_exact_name_of_the_list_is_a_bot_and_with_a_letter_more_is_none():
    rules = people.bot_rules()
    names = rules.loc[rules["rule"] == "exact", "name"]
    assert len(names)
    assert people.is_bot(names).all()
    assert people.is_bot(names.str.upper()).all()
    assert not people.is_bot(names + "x").any()
    assert not people.is_bot("x" + names).any()


def test_no_names_are_no_bots():
    assert people.is_bot(pd.Series([], dtype="str")).tolist() == []
    assert people.identities([]).empty
    assert people.identities([], merges(("a", "b", None))).empty


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_developers_are_numbered_in_the_order_of_their_names():
    frame = people.identities(["cat", "ann", "bob", "ann"])
    assert list(frame.columns) == ["alias", "developer", "is_bot"]
    assert numbers(frame) == {"ann": 0, "bob": 1, "cat": 2}
    assert frame["developer"].dtype == "int64"


def test_names_differ_by_case_unless_somebody_merged_them():
    assert numbers(people.identities(["Ann", "ann"])) == {"Ann": 0, "ann": 1}


@pytest.mark.parametrize("order", [*itertools.permutations(["cat", "Ann B.", "ann"])])
def test_numbers_do_not_depend_on_the_order_of_names(order):
    frame = people.identities(order, merges(("Ann B.", "ann", None)))
    assert numbers(frame) == {"Ann B.": 0, "ann": 0, "cat": 1}


# --- merged names ----------------------------------------------------------------------------------------------------


def test_merged_names_share_a_number():
    frame = people.identities(["zoe", "Zoe Z.", "zz"], merges(("Zoe Z.", "zoe", 95.0), ("zz", "zoe", None)))
    assert set(numbers(frame).values()) == {0}


def test_names_that_stand_for_somebody_who_is_not_among_them_share_a_number_too():
    frame = people.identities(["a1", "a2", "m"], merges(("a1", "nobody else", 99.0), ("a2", "nobody else", 99.0)))
    assert numbers(frame) == {"a1": 1, "a2": 1, "m": 0}


@pytest.mark.parametrize(("threshold", "merged"), [(84, True), (84.21, True), (84.22, False), (90, False), (0, True)])
def test_a_merge_below_the_threshold_is_not_applied(threshold, merged):
    frame = people.identities(["ann", "anne"], merges(("anne", "ann", 84.21)), merge_threshold=threshold)
    assert (frame["developer"].nunique() == 1) is merged


def test_a_merge_without_a_score_was_decided_by_hand():
    frame = people.identities(["ann", "x"], merges(("x", "ann", None)), merge_threshold=100)
    assert frame["developer"].nunique() == 1


def test_a_table_without_scores_is_applied_as_a_whole():
    table = pd.DataFrame({"alias": ["x"], "person": ["ann"]})
    assert people.identities(["ann", "x"], table, merge_threshold=100)["developer"].nunique() == 1


def test_an_empty_table_of_people_changes_nothing():
    pd.testing.assert_frame_equal(people.identities(["b", "a"], merges()), people.identities(["b", "a"]))


def test_a_name_merged_with_a_bot_is_a_bot():
    frame = people.identities(["converter", "ann"], merges(("converter", "SFconvertbot", None)))
    assert dict(zip(frame["alias"], frame["is_bot"], strict=True)) == {"ann": False, "converter": True}


# --- any text --------------------------------------------------------------------------------------------------------


def test_hostile_names_are_names_like_others():
    frame = people.identities(HOSTILE, merges(*[(name, "ann", 95.0) for name in HOSTILE[:3]]))
    found = numbers(frame)
    assert len(found) == len(HOSTILE)
    assert len({found[name] for name in HOSTILE[:3]}) == 1
    assert frame["developer"].nunique() == len(HOSTILE) - 2
    assert not frame["is_bot"].any()


@some
@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=12))
def test_every_name_has_one_number_and_no_two_names_share_it(names):
    frame = people.identities(names)
    assert frame["alias"].tolist() == sorted(set(names))
    assert frame["developer"].tolist() == list(range(len(set(names))))
    pd.testing.assert_frame_equal(frame, people.identities(reversed(names)))


@some
@given(
    names=st.lists(st.sampled_from("abcdefgh"), max_size=10),
    table=st.dictionaries(
        st.sampled_from("abcd"), st.tuples(st.sampled_from("efghxy"), st.none() | st.floats(0, 100)), max_size=4
    ),
    threshold=st.floats(0, 100),
)
def test_two_names_share_a_number_if_and_only_if_they_stand_for_one_person(names, table, threshold):
    def person(name):
        other, score = table.get(name, (name, None))
        return other if score is None or score >= threshold else name

    rows = merges(*[(alias, *rest) for alias, rest in table.items()])
    found = numbers(people.identities(names, rows, merge_threshold=threshold))
    ranks = {p: rank for rank, p in enumerate(sorted({person(name) for name in names}))}
    assert found == {name: ranks[person(name)] for name in names}
