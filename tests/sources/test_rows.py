"""One meaning under several spellings: what comes in, by hand and as properties."""

import datetime as dt
import json
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analysis import snapshot
from analysis.sources import rows
from analysis.sources.rows import UnusableError

SPAN = rows.span_of(dt.date(2024, 6, 1))
COLUMNS = snapshot.SCHEMAS["repos"].names
NOTHING = [None, float("nan"), "", " ", "None", "nan", "NaN", "null", "NULL", "NaT", "<NA>"]
COMMIT = {"commit_id": "c1", "created_at": "2023-01-01"}


def repository(record: dict, *, kind: str = "model") -> tuple[dict, Counter]:
    """The row of the record, by column, and what was noted."""
    notes = Counter()
    found = rows.repository({"id": "a/m"} | record, kind, "a/m", SPAN, notes)
    return dict(zip(COLUMNS, found, strict=True)), notes


@pytest.mark.parametrize("value", NOTHING)
@pytest.mark.parametrize("column", ["license", "pipeline_tag", "library_name", "likes", "createdAt", "tags", "gated"])
def test_the_texts_that_programs_write_for_no_value_are_missing(column, value):
    found, notes = repository({column: value})
    assert {name for name, value in found.items() if value is not None} == {"kind", "repo_id", "owner"}
    assert not notes


@pytest.mark.parametrize("value", NOTHING)
def test_they_are_no_words_no_names_and_no_ids(value):
    notes: list[str] = []
    assert rows.words(["en", value], "tags", notes) == ["en"]
    assert notes == ["empty words in tags, left out"]
    if value != "nan":  # a name, where names are listed
        assert rows.name(value, notes) is None
        assert rows.name({"user": value, "name": "Ann"}, notes) == "Ann"
    with pytest.raises(UnusableError, match="missing id"):
        rows.repository_id(value)


@pytest.mark.parametrize("name", ["Nan", "Null", "nan", "none-such"])
def test_people_who_are_called_so_keep_their_names(name):
    assert rows.name(name, []) == name


@pytest.mark.parametrize("value", [12, 12.0, "12", "12.0", "12.", " 12 ", Decimal(12), Decimal("12.00")])
def test_a_count_in_any_spelling_is_the_count(value):
    assert rows.whole_number(value, "likes") == 12


@pytest.mark.parametrize(
    "value", ["12.5", 12.5, Decimal("12.5"), Decimal("Infinity"), float("inf"), True, "1e3", "1,200"]
)
def test_what_is_no_count_is_not_made_one(value):
    with pytest.raises(UnusableError, match="likes is not a whole number"):
        rows.whole_number(value, "likes")


@pytest.mark.parametrize(
    "value",
    [
        ["transformers", "license:mit"],
        '["transformers", "license:mit"]',
        "['transformers', 'license:mit']",
        "('transformers', 'license:mit')",
        "['transformers' 'license:mit']",
        "['transformers'\n 'license:mit']",
        "transformers, license:mit",
        "transformers,license:mit",
    ],
)
def test_a_list_in_any_spelling_is_the_list(value):
    found, _ = repository({"tags": value})
    assert (found["tags"], found["license"]) == (["transformers", "license:mit"], "mit")


@pytest.mark.parametrize("words", [["en", "it's", 'a "b"', "x y"] * 20, ["license:mit"], []])
def test_arrays_as_numpy_writes_them_are_the_lists(words):
    assert rows.words(str(np.array(words, dtype=object)), "tags", []) == words


@pytest.mark.parametrize("value", ["['a' ... 'z']", "[transformers", "[1, 2]", "{'a': 1}", "[" * 5000, "(" * 5000, 7, {"a": 1}])
def test_what_is_no_list_of_text_is_refused(value):
    with pytest.raises(UnusableError, match="tags is not a list of text"):
        rows.words(value, "tags", [])


def test_python_text_is_read_up_to_a_size_and_never_executed():
    short, long = (str(["x" * 100] * n) for n in (10, 10_000))
    assert rows.unpacked(short) == ["x" * 100] * 10
    assert len(long) > rows.LONGEST_PYTHON_TEXT and rows.unpacked(long) == long
    called = "[__import__('os').getpid()]"
    assert rows.unpacked(called) == called


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=6))
def test_python_and_json_text_of_any_list_are_that_list(values):
    assert rows.unpacked(repr(values)) == rows.unpacked(json.dumps(values)) == values


SEVERAL = "repositories with several licences, of which the first is kept"


@pytest.mark.parametrize(
    ("record", "licence", "noted"),
    [
        ({"tags": ["license:mit", "license:gpl-3.0"]}, "mit", 1),
        ({"tags": ["license:mit"], "cardData": {"license": ["mit", "gpl-3.0"]}}, "mit", 1),
        (
            {"tags": ["license:other"], "cardData": {"license": "gemma"}},
            "gemma",
            0,
        ),  # a name that the Hub does not list
        ({"tags": ["license:mit"], "cardData": {"license": "MIT"}}, "MIT", 0),  # one, in two spellings
        ({"license": "['mit', 'gpl-3.0']"}, "mit", 1),
        ({"license": "mit, gpl-3.0"}, "mit", 1),
        ({"license": "Free, but see the file"}, "Free, but see the file", 0),
        ({"tags": ["license:None"]}, None, 0),
        ({"license": "None", "tags": ["license:mit"]}, "mit", 0),
    ],
)
def test_several_licences_are_noted_wherever_they_stand(record, licence, noted):
    found, notes = repository(record)
    assert (found["license"], notes[SEVERAL]) == (licence, noted)


@pytest.mark.parametrize(
    "authors",
    [
        ["X"],
        "X",
        [{"user": "X"}],
        [{"name": "X"}],
        [{"user": {"name": "X"}}],
        {"username": "X"},
        "['X']",
        '[{"user": "X"}]',
    ],
)
def test_authors_in_any_spelling_are_their_names(authors):
    notes = Counter()
    assert rows.commit(COMMIT | {"authors": authors}, SPAN, notes)[2] == ["X"]
    assert not notes


def test_a_comma_in_the_name_of_one_author_makes_no_second():
    assert rows.commit(COMMIT | {"authors": "Doe, Jane"}, SPAN, Counter())[2] == ["Doe, Jane"]


@pytest.mark.parametrize("authors", [[{"user": None}], [None], [], None, "nan", [{"user": "", "avatar": "x"}]])
def test_an_author_who_has_no_name_is_noted(authors):
    notes = Counter()
    assert rows.commit(COMMIT | {"authors": authors}, SPAN, notes)[2] == []
    assert notes == {"commits with no author": 1}


def test_authors_in_a_strange_shape_are_not_taken_for_nobody():
    with pytest.raises(UnusableError, match="authors without a name that can be read"):
        rows.commit(COMMIT | {"authors": [{"mail": "x@example.org"}]}, SPAN, Counter())


@pytest.mark.parametrize(
    "record",
    [
        {"num": 3, "author": {"name": "ann"}, "createdAt": "2023-01-01", "isPullRequest": True, "status": "open"},
        {"number": "3", "author": "ann", "created_at": "2023-01-01", "is_pull_request": "True", "status": " open"},
    ],
)
def test_discussions_have_the_hubs_names_or_the_clients(record):
    number, author, created, request, status = rows.discussion(record, SPAN, Counter())
    assert (number, author, request, status) == (3, "ann", True, "open")
    assert created == dt.datetime(2023, 1, 1, tzinfo=dt.UTC).timestamp() * 10**6


@pytest.mark.parametrize(
    ("record", "library"),
    [
        ({"sdk": "gradio"}, "gradio"),
        ({"cardData": {"sdk": "docker"}}, "docker"),
        ({"sdk": "None", "cardData": "{'sdk': 'static'}"}, "static"),
        ({}, None),
    ],
)
def test_the_library_of_a_space_is_its_sdk(record, library):
    assert repository(record, kind="space")[0]["library"] == library
    assert repository(record, kind="model")[0]["library"] is None


def test_a_card_that_can_not_be_read_is_noted():
    assert repository({"cardData": "{'license': datetime.date(2023, 1, 1)}"})[1] == {"cards that could not be read": 1}


WORDS = st.text("ab-/0:.", min_size=1, max_size=12).filter(lambda word: not rows.is_missing(word))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "license": st.sampled_from(["mit", "apache-2.0", "no", "2.0", ["mit", "other"], None]),
            "base_model": st.lists(WORDS, max_size=3) | WORDS,
            "base_model_relation": st.sampled_from(["merge", "adapter"]),
            "sdk": st.sampled_from(["gradio", "static", None]),
            "widget": st.lists(st.fixed_dictionaries({"text": st.text()})),
            "extra": st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists),
        },
    ),
    st.sampled_from(["", "---\n"]),
)
def test_a_card_says_the_same_as_yaml_and_as_a_mapping(card, opening):
    for kind in ("model", "space"):
        plain = repository({"cardData": card}, kind=kind)
        assert repository({"card_data": opening + yaml.safe_dump(card, sort_keys=False)}, kind=kind) == plain


def test_the_card_at_the_head_of_a_readme_is_read_and_not_what_follows():
    found, notes = repository({"cardData": "---\nlicense: mit\nbase_model: b/x\n---\n# A *title*\n\n`a`: [b\n"})
    assert (found["license"], found["base_models"], notes) == ("mit", [{"model": "b/x", "relation": None}], {})


@pytest.mark.parametrize(
    "card",
    [
        "a page of text without any field",
        "license: mit\nbase_model: [a/b",
        "base_model: &a [*a]",
        "a: &a [x, x]\nb: &b [*a, *a]\nbase_model: [*b, *b]",
        "license: mit\n? [a]\n: b",
        "license: \ud800",
        "base_model: " + "[" * 100_000,
        "license: mit\ntext: " + "a" * rows.LONGEST_YAML,
    ],
    ids=lambda card: card[:24],
)
def test_yaml_that_is_no_card_is_noted_and_takes_neither_time_nor_memory(card):
    found, notes = repository({"cardData": card})
    assert notes == {"cards that could not be read": 1} and found["license"] is None and found["base_models"] is None


def test_nothing_is_made_of_what_yaml_asks_for():
    found, _ = repository({"cardData": "sdk: !!timestamp never\nlicense: !!python/object/apply:os.abort []"}, kind="space")
    assert (found["license"], found["library"]) == (None, "never")


@given(st.text(max_size=60))
def test_whatever_comes_in_as_text_goes_out_as_text_that_can_be_shown(value):
    try:
        found = rows.text(value, "license", [])
    except UnusableError:
        return
    if found is not None:
        found.encode()
        assert not set(found) & {chr(n) for n in [*range(32), *range(127, 160), 0x202E, 0x2028]}


@pytest.mark.parametrize(
    ("record", "bases"),
    [
        ({"baseModels": {"models": [{"_id": "1", "id": "b/x"}], "relation": "merge"}}, ["b/x merge"]),
        ({"baseModels": '{"models": [{"id": "b/x"}], "relation": "finetune"}'}, ["b/x finetune"]),
        ({"tags": ["base_model:b/x", "base_model:quantized:b/x"]}, ["b/x quantized"]),
        ({"cardData": {"base_model": ["b/x", "gpt2"], "base_model_relation": "adapter"}}, ["b/x adapter", "gpt2 adapter"]),
        ({"base_model": "b/x", "tags": ["base_model:b/y"]}, ["b/x None", "b/y None"]),
        ({"base_model": "b/x, b/y"}, ["b/x None", "b/y None"]),
        ({"base_models": [{"model": "b/x", "relation": None}]}, ["b/x None"]),
        ({"baseModels": None, "tags": ["en"]}, []),
        ({"cardData": {"base_model": "/content/my model"}}, []),
    ],
)  # fmt: skip
def test_base_models_are_found_wherever_they_are_said(record, bases):
    found, notes = repository(record)
    assert [f"{base['model']} {base['relation']}" for base in found["base_models"] or ()] == bases
    assert bool(notes) == ("/content/my model" in str(record))


def test_downloads_of_all_time_and_the_id_that_survives_renames_are_kept():
    found, _ = repository({"_id": "642ec2fca9194f489e1cef6e", "downloads": 3, "downloadsAllTime": "40"})
    assert (found["hub_id"], found["downloads"], found["downloads_all_time"]) == ("642ec2fca9194f489e1cef6e", 3, 40)
