"""Why a value may differ, per source: each reason where it holds, and nothing of deletions where that is not the reason."""

import re

import pandas as pd
import pytest

from analysis import templates
from analysis.parameters import Parameters
from analysis.sources import fetch
from analysis.study import differences, ledger, published
from analysis.study.verdicts import DIFFERS, MATCHES


def manifest(source="hfcommunity", date="2023-10-09", status="complete", **more):
    coverage = dict.fromkeys(("model", "dataset", "space"), {"status": status})
    about = {"published": source, **more}
    return {"date": date, "source": about, "synthetic": False, "tables": {"repos": {"coverage": coverage}}}


def of(name, **about):
    rows = pd.DataFrame({"id": [name], "verdict": [DIFFERS], "note": ["as printed"]})
    return differences.noted(rows, manifest(**about))["note"][0]


def test_each_reason_belongs_to_a_source_and_to_values_of_the_study():
    table, ids = differences.table(), published.printed_values()["id"].unique()
    assert set(table["source"]) <= set(fetch.sources().index)
    for pattern in table["results"]:
        assert any(re.fullmatch(pattern, name) for name in ids), pattern
    assert not [
        text for text in table["reason"] if text.endswith(".") or ";" in text
    ]  # they are joined to one sentence


@pytest.mark.parametrize(
    ("name", "about", "said"),
    [
        ("rq2.all.developers", {}, "names that Git knows"),
        ("rq2.all.developers", {}, "belong to no repository"),
        ("rq2.all.developers", {"date": "2024-10-01"}, "belongs to the first of them alone"),
        ("rq1.models.n_discussions.mean", {}, "not asked for again"),
        ("rq1.models.count", {}, "deleted are still in it"),
        ("rq3.all.usage.links", {}, "owner of a space declared"),
        ("rq1.models.count", {"source": "castano"}, "drew a sample"),
        ("rq3.all.usage.links", {"source": "huggingkg"}, "could not place"),
    ],
)
def test_a_note_has_the_reason_of_its_source_and_of_its_value(name, about, said):
    assert said in of(name, **about) and of(name, **about).startswith("as printed; ")


@pytest.mark.parametrize(
    ("name", "about", "unsaid"),
    [
        ("rq2.all.developers", {"date": "2024-10-01"}, "belong to no repository"),
        ("rq3.all.usage.links", {"date": "2024-10-01"}, "declared"),
        ("rq1.models.count", {"only_in": "2023-10-19-weyaxi"}, "deleted"),
        ("rq1.models.count", {}, "Git"),
        ("rq1.models.n_likes.mean", {"source": "weyaxi"}, ";"),
        ("rq1.models.n_likes.mean", {"source": "twin"}, ";"),
    ],
)
def test_a_reason_that_does_not_hold_is_not_given(name, about, unsaid):
    assert unsaid not in of(name, **about)


def test_a_value_that_matches_needs_no_reason():
    rows = pd.DataFrame({"id": ["rq2.all.developers"], "verdict": [MATCHES], "note": [""]})
    assert differences.noted(rows, manifest())["note"].tolist() == [""]


def section(found):
    """The paper's section on the published values, of a run that looks at another month."""
    entry = {"notebook": "ledger", "cell": None, "value": 14}
    document = {"snapshot": found, "parameters": Parameters().recorded(), "results": _Any(entry)}
    made = templates.environment(
        templates.LatexWords(document["results"]), results=document["results"], parameters=document["parameters"],
        meta={"twin": "no"}, synthetic=found["synthetic"], **ledger.about(document),
    )  # fmt: skip
    return " ".join(templates.rendered(made, "sections/published.tex.j2").split())


class _Any(dict):
    """Results that all have one value."""

    def __init__(self, entry):
        super().__init__()
        self.entry = entry

    def __missing__(self, name):
        return self.entry

    def get(self, name, default=None):
        return self.entry


def test_what_was_created_and_deleted_is_a_reason_only_for_a_census():
    in_between = "created, changed and deleted in between"
    assert in_between in section(manifest("hub-weekly", "2025-01-01"))
    assert in_between not in section(manifest("castano", "2023-11-06", status="sample"))
    assert in_between not in section(manifest() | {"synthetic": True})
    assert in_between not in section(manifest() | {"tables": {}})


def test_a_sample_and_its_source_are_named_in_a_sentence():
    text = section(manifest("castano", "2023-11-06", status="sample"))
    assert "Its list of models, datasets and spaces is no census" in text
    assert "it is known that its makers drew a sample of models." in text
