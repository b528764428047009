"""Two sources beside each other: coverage, counting and names, by hand; what is no pair is refused; what is said of it."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from analysis import beside, paths, report, run, templates
from analysis.engine import load
from analysis.parameters import ParameterError, Parameters, check
from tests import in_process

OURS = {
    "repos": [
        {"kind": "model", "repo_id": "a/both", "likes": 3},
        {"kind": "model", "repo_id": "a/other-likes", "likes": 5},
        {"kind": "model", "repo_id": "a/only-ours", "likes": 10},
    ],
    "commits": [
        {"kind": "model", "repo_id": "a/both", "commit_id": "1" * 40, "date": "2023-01-01", "authors": ["ann"]},
        {"kind": "model", "repo_id": "a/both", "commit_id": "2" * 40, "date": "2023-01-02", "authors": ["ann"]},
        {"kind": "model", "repo_id": "a/both", "commit_id": "3" * 40, "date": "2023-01-03", "authors": ["ben"]},
        {"kind": "model", "repo_id": "a/only-ours", "commit_id": "4" * 40, "date": "2023-01-04", "authors": ["cy"]},
    ],
}
THEIRS = {
    "repos": [
        {"kind": "model", "repo_id": "a/both", "likes": 3},
        {"kind": "model", "repo_id": "a/other-likes", "likes": 4},
        {"kind": "model", "repo_id": "a/only-theirs", "likes": 100},
    ],
    "commits": [  # ann signs in two ways; one commit is not there, another one is only there
        {"kind": "model", "repo_id": "a/both", "commit_id": "1" * 40, "date": "2023-01-01", "authors": ["Ann Example"]},
        {
            "kind": "model",
            "repo_id": "a/both",
            "commit_id": "2" * 40,
            "date": "2023-01-02",
            "authors": ["root of a laptop"],
        },
        {"kind": "model", "repo_id": "a/both", "commit_id": "3" * 40, "date": "2023-01-03", "authors": ["ben"]},
        {"kind": "model", "repo_id": "a/both", "commit_id": "5" * 40, "date": "2023-01-05", "authors": ["dee"]},
    ],
}
ONLY_MODELS = {table: {kind: {"status": "absent"} for kind in ("dataset", "space")} for table in ("repos", "commits")}


@pytest.fixture(scope="module")
def pair(tmp_path_factory, write_snapshot):
    """Two snapshots of one day, and a directory for results."""
    directory = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(directory / "snapshots"))
        patch.setenv("HUB_PAPER_GENERATED", str(directory / "generated"))
        for name, tables in (("2023-10-15-ours", OURS), ("2023-10-15-theirs", THEIRS)):
            write_snapshot(tables, directory=directory / "snapshots", name=name, coverage=ONLY_MODELS)
        write_snapshot(OURS, directory=directory / "snapshots", name="2023-12-01", date=dt.date(2023, 12, 1))
        yield beside.Pair.of(load(check({"snapshot_date": "2023-10-15-ours", "beside": "2023-10-15-theirs"})))


def test_coverage_and_counting_are_told_apart(pair):
    counts = beside.counted(pair, "model").value
    columns = ["first", "first_in_both", "second_in_both", "second", "repositories"]
    assert counts.loc["repositories", columns].tolist() == [3, 2, 2, 3, 2]
    assert counts.loc["n_likes", columns].tolist() == [18, 8, 7, 107, 2]  # 10 and 100 by coverage, 8 and 7 by counting
    assert counts.loc["n_commits", columns].tolist() == [4, 3, 4, 4, 2]
    assert counts["same.share"][["n_likes", "n_commits"]].tolist() == [0.5, 0.5]


def test_what_one_of_the_two_lacks_has_no_value_and_the_reason_names_it(pair):
    entries = dict(report.entries("beside.models", report.by_row(beside.counted(pair, "model"))))
    why = (
        "2023-10-15-ours: the snapshot has no discussions of models; 2023-10-15-theirs: the snapshot has no discussions"
    )
    assert entries["beside.models.n_discussions.first"]["value"] is None
    assert entries["beside.models.n_discussions.first"]["why"].startswith(why)
    assert beside.names(pair, "space").absent[""].startswith("2023-10-15-ours: the snapshot has no list")


def test_names_are_compared_over_the_commits_that_both_hold(pair):
    assert beside.names(pair, "model").value == {
        "commits": 3, "alike.share": pytest.approx(1 / 3), "first": 2, "second": 3, "people_first": 2, "people_second": 3,
        "several_first": 1, "several_second": 0,
    }  # fmt: skip


def test_a_source_beside_itself_differs_in_nothing(pair):
    same = beside.Pair(pair.first, pair.first)
    counts, signed = beside.counted(same, "model").value, beside.names(same, "model").value
    assert set(counts["same.share"].dropna()) == {1.0} and (counts["first"] == counts["second"]).all()
    assert signed["alike.share"] == 1 and signed["several_first"] == signed["several_second"] == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"beside": "2023-10-15-ours"}, "is the run's own snapshot"),
        ({"beside": "2023-10-15-their"}, "beside=2023-10-15-their: no such snapshot; did you mean 2023-10-15-theirs"),
        ({"beside": "2023-12-01"}, "is of 47 days before or after"),
        ({"beside": "2023-10-15-theirs", "as_of": "2023-10-15"}, "expected a day"),
    ],
)
def test_what_is_no_pair_is_refused(pair, values, said):
    with pytest.raises(ParameterError, match=said):
        check({"snapshot_date": "2023-10-15-ours"} | values)
    assert check(
        {"snapshot_date": "2023-10-15-ours", "beside": "2023-12-01", "as_of": "2023-06-01"}
    )  # one day for both


def test_the_run_has_a_directory_of_its_own_and_its_notebooks_do_not_know():
    both = Parameters("a", beside="b")
    assert both.run_name == "a+beside-b" and both.recorded()["beside"] == "b" and "beside" not in both.changed()
    assert both.other == Parameters("b") and "beside" not in Parameters("a").recorded()


def test_section_and_page_say_it_of_a_run_and_no_name_of_a_developer(pair, monkeypatch):
    in_process.quick_figures(monkeypatch)
    parameters = replace(pair.first.parameters, out_dir=str(paths.generated() / "both"))
    for one in (parameters.other, parameters):
        in_process.emitted(one)
        document = run.collect(one)
    values = {name: entry["value"] for name, entry in document["results"].items()}
    assert values["beside.models.n_likes.second_in_both"] == 7 and values["beside.days_apart"] == 0
    assert values["rq2.all.developers"] == 3  # as without the other snapshot
    section = (parameters.directory / "sections" / "beside.tex").read_text()
    assert "counts fewer people than" in " ".join(section.split())
    page = templates.rendered(
        templates.environment(
            templates.HtmlWords(document["results"]), parameters=document["parameters"], results=document["results"],
            synthetic=True, address=templates.address, anchor=report.anchor,
        ),
        "questions/beside.html.j2",
    )  # fmt: skip
    assert "??" not in page and "There are" in page
    written = section + page + json.dumps({n: v for n, v in values.items() if n.startswith("beside")})
    written += "".join(file.read_text() for file in (parameters.directory / "tables").glob("beside_*"))
    assert not [name for name in ("Ann Example", "laptop", "dee") if name in written]


def test_a_run_alone_has_no_such_section():
    made = templates.environment(
        templates.LatexWords({}), results={}, parameters=Parameters().recorded(), synthetic=False
    )
    assert not templates.rendered(made, "sections/beside.tex.j2").strip()
    assert "input{sections/beside}" in (paths.PAPER / "main.tex").read_text()
