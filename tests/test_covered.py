"""A value and the reasons for what is lacking in it: which reason is about what, and what functions do with them."""

import pandas as pd

from analysis.covered import UNDEFINED, Covered, carried, covered, reason

NO_LIKES, ONE = {"n_likes": "no likes"}, {"": "one model"}


@carried()
def doubled(values):
    return {name: 2 * value for name, value in values.items()}


@carried(needs="n_likes")
def total(values):
    return sum(values.values())


@carried(empty=lambda result, values: {"": f"{len(values)} values"} if not result else {})
def large(values):
    return {name: value for name, value in values.items() if value > 10}


@carried()
def joined(panels):
    return {f"{name}.{part}": value for name, values in panels.items() for part, value in values.items()}


def test_the_reason_of_most_words_is_about_a_result_and_half_a_word_is_about_none():
    reasons = {"k1": "level", "k1.ass": "measure", "n_likes": "likes", "n_commits": "commits"}
    assert reason(reasons, "k1.ass") == "measure"
    assert reason(reasons, "k1.acc") == "level"
    assert reason(reasons, "pearson.n_commits.n_likes.p") == "commits"  # the first of two
    assert reason(reasons, "k10.acc") is None
    assert reason(reasons | {"": "all"}, "k1.ass") == "all"


def test_a_function_of_plain_values_gives_a_plain_value():
    assert doubled({"a": 1}) == {"a": 2}
    assert total({"n_likes": 1, "b": 2}) == 3


def test_a_result_has_the_reasons_of_what_it_was_computed_from():
    found = doubled(Covered({"n_likes": 1}, NO_LIKES, {"b": "nothing"}))
    assert (found.value, found.absent, found.empty) == ({"n_likes": 2}, NO_LIKES, {"b": "nothing"})


def test_where_the_part_lacks_that_all_depends_on_everything_does():
    assert total(Covered({"n_likes": 1}, NO_LIKES)).why == "no likes"
    assert total(Covered({"n_likes": 1}, {}, {"n_likes": "the same in all"})).empty[""] == "the same in all"
    assert "" not in total(Covered({"n_likes": 1}, {"n_commits": "no commits"})).absent


def test_a_function_says_what_it_found_too_little_of_unless_more_is_known():
    assert large(Covered({"a": 1})).why == "1 values"
    assert large(Covered({"a": 11})).empty == {}
    assert large(Covered({"a": 1}, {}, ONE)).why == "one model"
    assert large(Covered({"a": 1}, {"": "no list"})).why == "no list"


def test_reasons_of_named_values_begin_with_the_name_and_lose_it_again():
    found = joined({"models": Covered({"n_likes": 1}, NO_LIKES), "spaces": Covered({}, {"": "no spaces"}), "plain": {}})
    assert found.absent == {"models.n_likes": "no likes", "spaces": "no spaces"}
    kinds = Covered({"models": 1, "spaces": 2}, {"models.n_likes": "no likes", "spaces": "none", "n_commits": "no commits"})
    assert kinds["models"].absent == {"n_likes": "no likes", "n_commits": "no commits"}
    assert kinds["spaces"].why == "none"


def test_why_there_is_nothing_at_all():
    assert Covered({}).why == UNDEFINED
    assert Covered({}, NO_LIKES, {"a": "one model", "b": "one model"}).why == "one model; no likes"
    assert Covered({}, {}, {name: name for name in "abcde"}).why == "a; b; c (and more)"


def test_what_is_covered_already_stays_as_it_is():
    one = Covered(3, NO_LIKES)
    assert covered(one) is one and covered(3).value == 3


def test_what_a_reader_of_a_notebook_sees_is_the_value_and_what_is_absent():
    assert repr(Covered({"a": 1})) == "{'a': 1}"
    assert repr(Covered({"a": 1}, {"b": "no b"})) == "{'a': 1}\nb: no b"
    assert repr(Covered(pd.DataFrame({"a": [0]}), {"": "no list"})) == "all: no list"
