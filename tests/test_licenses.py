"""Licence identifiers and groups: hand-made cases, properties, a second implementation, real records."""

import datetime as dt
import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import activity, engine, licenses
from analysis.parameters import Parameters
from analysis.schema import SCHEMAS
from analysis.sources import rows

TAGS = ["pytorch", "dataset:license:x", "license:mit", "license:gpl-3.0"]
identifiers = st.sampled_from(["mit", "gpl-3.0", "other", "apache-2.0", "creativeml-openrail-m"])


@pytest.fixture
def dumps() -> Path:
    folder = os.environ.get("HUB_DUMPS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HUB_DUMPS names no directory of published records")
    return Path(folder)


def identifier(field: object, tags: object) -> str | None:
    """The licence of a record with this field and these tags."""
    record = {"license": field, "tags": tags}
    values = rows.repository(record, "model", "a/m", rows.span_of(dt.date(2024, 6, 1)), Counter())
    return values[SCHEMAS["repos"].names.index("license")]


def test_the_first_tag_that_starts_with_license_counts():
    assert identifier(None, TAGS) == "mit"


@pytest.mark.parametrize("field", ["apache-2.0", ["apache-2.0", "mit"], "('apache-2.0',)"])
def test_the_field_goes_before_the_tags_and_of_a_list_the_first_counts(field):
    assert identifier(field, TAGS) == "apache-2.0"


@pytest.mark.parametrize("field", [None, float("nan"), "", "  ", [], [""], [None]])
def test_an_empty_field_gives_way_to_the_tags(field):
    assert identifier(field, TAGS) == "mit"


@pytest.mark.parametrize("tags", [None, float("nan"), [], ["pytorch"], ["license:"]])
def test_a_repository_without_licence_has_no_identifier(tags):
    assert identifier(None, tags) is None


def test_the_identifier_keeps_its_sources_spelling():
    assert identifier("Apache-2.0", None) == "Apache-2.0"


@pytest.mark.parametrize("conventions", ["corrected", "authors"])
def test_two_spellings_are_one_licence_in_shares_and_ranks(bare_snapshot, conventions):
    stated = ["MIT", "mit", "apache-2.0", "Apache-2.0", "mit"]
    licensed = [{"license": one, "tags": [f"license:{one}"]} for one in stated]
    repos = [{"kind": "model", "repo_id": f"a/m{n}"} | one for n, one in enumerate(licensed)]
    made = bare_snapshot({"repos": repos})
    hub = engine.Hub(made, Parameters(snapshot_date=made.name, conventions=conventions))
    counts = engine.activity(hub, "model", variables=()).value
    assert activity.license_shares(counts).to_dict() == {"mit": 0.6, "apache-2.0": 0.4}
    ranks = {"1.identifier": "mit", "1.share": 0.6, "2.identifier": "apache-2.0", "2.share": 0.4}
    assert activity.top_licenses(counts).items() >= ranks.items()


def test_each_group_has_its_identifiers():
    found = licenses.group(pd.Series(["mit", "gpl-3.0", "creativeml-openrail-m", "other", None]))
    assert found.tolist() == ["permissive", "restrictive", "restrictive", "unclassified", "none"]


def test_an_identifier_outside_the_table_is_unclassified_and_not_none():
    assert licenses.group(pd.Series(["made-up-terms-of-nobody"])).tolist() == ["unclassified"]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, "", " "])
def test_a_missing_licence_is_none(missing):
    assert licenses.group(pd.Series([missing], dtype=object)).tolist() == ["none"]


def test_groups_keep_the_index_and_leave_the_input_alone():
    given_ = pd.Series(["MIT", None], index=[7, 3], dtype=object)
    before = given_.copy()
    found = licenses.group(given_)
    assert found.index.tolist() == [7, 3]
    assert found.name == "group"
    pd.testing.assert_series_equal(given_, before)


def test_no_repositories_give_no_groups():
    assert licenses.group(pd.Series([], dtype=object)).empty


def test_another_table_gives_other_groups():
    table = pd.DataFrame({"identifier": ["mit"], "group": ["restrictive"]})
    assert licenses.group(pd.Series(["mit", "gpl"]), table=table).tolist() == ["restrictive", "unclassified"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["identifier,group", "mit,permissive"], r"l\.csv row 1: expected the columns identifier, spdx"),
        (["mit,MIT,permissive,a,s", "mit,MIT,permissive,b,s"], r"l\.csv row 3: 'mit': expected .* listed once"),
        (["gpl,,restrictive,a", "MIT,MIT,permissive,b,s"], r"l\.csv row 3: 'MIT': expected .* lower case"),
        (["mit,MIT,permisive,a,s"], r"l\.csv row 2: 'mit': expected a group of permissive, restrictive"),
    ],
)
def test_a_broken_table_is_refused_with_its_row(tmp_path, lines, message):
    head = [] if lines[0].startswith("identifier") else ["identifier,spdx,group,reason,source"]
    path = tmp_path / "l.csv"
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message) as refusal:
        licenses.load(path)
    assert "\n" not in str(refusal.value)


def test_the_identifiers_na_and_null_are_text(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("identifier,spdx,group,reason,source\nna,,unclassified,a,s\nnull,,unclassified,b,s\n", encoding="utf-8")
    assert licenses.load(path)["identifier"].tolist() == ["na", "null"]


@given(identifiers, st.sampled_from([str.upper, str.title, lambda text: f" {text} "]))
def test_case_and_surrounding_space_do_not_change_the_group(identifier, spelling):
    plain, spelt = licenses.group(pd.Series([identifier, spelling(identifier)]))
    assert plain == spelt


@given(st.lists(st.one_of(st.none(), identifiers, st.text(max_size=8))))
def test_the_groups_of_a_list_are_the_groups_of_its_members(values):
    table = licenses.load()
    together = licenses.group(pd.Series(values, dtype=object), table=table)
    alone = [licenses.group(pd.Series([value], dtype=object), table=table).iloc[0] for value in values]
    assert together.tolist() == alone


@given(st.lists(st.text(max_size=6).map(lambda text: text.replace("license:", ""))), identifiers)
def test_other_tags_before_the_licence_do_not_matter(others, licence):
    assert identifier(None, [*others, f"license:{licence}"]) == licence


def test_groups_equal_a_join_with_the_table():
    table = licenses.load()
    asked = pd.DataFrame({"identifier": [*table["identifier"], "made-up", *table["identifier"]]})
    joined = asked.merge(table, how="left", on="identifier")["group"].fillna("unclassified")
    assert licenses.group(asked["identifier"]).tolist() == joined.tolist()


@pytest.mark.dumps
def test_first_tags_of_all_models_of_2022_equal_those_of_a_group_by(dumps):
    with gzip.open(dumps / "models-2022-02-21.jsonl.gz", "rt", encoding="utf-8") as lines:
        tags = pd.Series([json.loads(line).get("tags") for line in lines])
    ours = tags.map(lambda one: identifier(None, one)).dropna()
    single = tags.explode().dropna()
    first = single[single.str.startswith("license:")].groupby(level=0).first().str.removeprefix("license:")
    assert ours.index.equals(first.index)
    assert (ours == first).all()


@pytest.mark.dumps
@pytest.mark.parametrize("file", ["models-2022-02-21", "curated-models-2026-08-22"])
def test_every_model_gets_one_of_four_groups_and_none_means_no_licence(dumps, file):
    with gzip.open(dumps / f"{file}.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    found = [identifier(one.get("license"), one.get("tags")) for one in records]
    found = pd.Series(found, dtype=object)
    groups = licenses.group(found)
    assert set(groups) == {"permissive", "restrictive", "unclassified", "none"}
    assert ((groups == "none") == found.isna()).all()
