"""One snapshot as of every step of a range: which days, what is measured on each, what is refused."""

import datetime as dt
import json
import re

import pytest

from analysis import over_time
from analysis.engine import Hub
from analysis.parameters import ParameterError, Parameters


@pytest.fixture(scope="module")
def small(write_snapshot):
    """Two models: one made in January by ann, joined by bob in April; one made in May by cyd alone."""
    models = [
        {"kind": "model", "repo_id": "o/first", "owner": "o", "created_at": "2021-01-10", "likes": 3, "tags": ["a"]},
        {"kind": "model", "repo_id": "o/second", "owner": "o", "created_at": "2021-05-10", "likes": 4, "tags": ["a"]},
    ]
    commits = [
        ("o/first", "2021-01-10", ["ann"]),
        ("o/first", "2021-04-02", ["bob"]),
        ("o/second", "2021-05-10", ["cyd"]),
    ]
    rows = [{"kind": "model", "repo_id": r, "date": d, "authors": a} for r, d, a in commits]
    return write_snapshot({"repos": models, "commits": rows}, name="2023-10-15", date=dt.date(2023, 10, 15))


def days(text, loaded):
    return [day.isoformat() for day in over_time.steps(text, loaded)]


def test_the_end_is_a_step_where_a_step_falls_on_it(small):
    assert days("2021-01-01..2021-07-01/quarter", small) == ["2021-01-01", "2021-04-01", "2021-07-01"]
    assert days("2021-01-01..2021-06-30/quarter", small) == ["2021-01-01", "2021-04-01"]
    assert days("2020-02-29..2022-12-31/year", small) == ["2020-02-29", "2021-02-28", "2022-02-28"]


def test_the_last_day_of_a_month_is_followed_by_the_last_day_of_the_next(small):
    assert days("2021-01-31..2021-04-30/month", small) == ["2021-01-31", "2021-02-28", "2021-03-31", "2021-04-30"]


def test_eleven_quarters_after_the_first_make_twelve_steps(small):
    assert len(days("2021-01-01..2023-10-01/quarter", small)) == 12


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2021-01-01..2023-10-01", "expected START..END/STEP"),
        ("2021-01-01/quarter", "expected START..END/STEP"),
        ("2021-01-01..2023-10-01/quarter/x", "expected START..END/STEP"),
        ("2021-01-01...2023-10-01/quarter", "expected START..END/STEP"),
        ("2021-01-01..2023-10-01/week", "unknown step 'week'; there are month, quarter, year"),
        ("2021-13-01..2023-10-01/quarter", "'2021-13-01' is no day"),
        ("20210101..2023-10-01/quarter", "'20210101' is no day"),
        ("2021-01-01..2023-10-15/quarter", "to 2023-10-14, the day before that of 2023-10-15"),
        ("1999-01-01..2023-10-01/year", "expected days from 2005-04-07"),
        ("2023-01-01..2022-01-01/quarter", "an end at least a quarter after the start"),
        ("2023-01-01..2023-02-01/quarter", "an end at least a quarter after the start"),
        ("../quarter" + "x" * 10_000, "expected START..END/STEP"),
    ],
)
def test_a_range_that_is_none_is_refused_in_one_line(small, text, says):
    with pytest.raises(ParameterError, match=re.escape(says)) as error:
        over_time.steps(text, small)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_a_snapshot_without_commits_has_no_earlier_days(write_snapshot):
    loaded = write_snapshot({"repos": [{"kind": "model", "repo_id": "o/m", "owner": "o"}]})
    with pytest.raises(ParameterError, match="hand has no commits, so nothing is known of an earlier day"):
        over_time.steps("2021-01-01..2022-01-01/quarter", loaded)


def values(loaded, day):
    run = Parameters("2023-10-15", as_of=day)
    found = over_time.document(Hub(loaded, run))["results"]
    return {name: entry["value"] for name, entry in found.items()}


def test_a_network_grows_by_hand(small):
    """Nobody; ann alone; ann and bob, who both lead a commit, with both edges; and cyd alone beside them."""
    steps = [values(small, day) for day in ("2020-12-31", "2021-01-31", "2021-04-30", "2021-05-31")]
    assert [v["rq1.models.count"] for v in steps] == [0, 1, 1, 2]
    assert [v["rq2.all.developers"] for v in steps] == [0, 1, 2, 3]
    assert [v["rq2.all.isolates"] for v in steps] == [0, 1, 0, 1]
    assert [v["rq2.all.isolate_share"] for v in steps] == [None, 1.0, 0.0, 1 / 3]
    assert [v["rq2.all.k1.edges"] for v in steps] == [None, None, 2, 2]
    assert [v["rq2.all.kmax.k"] for v in steps] == [None, None, 2, 2]
    assert [v["rq1.models.n_commits.mean"] for v in steps] == [None, 1.0, 2.0, 1.5]
    # Of three commits, two and one, 80 per cent are 2.4: both models are needed to hold them.
    assert [v["rq1.models.n_commits.share_for_80"] for v in steps[1:]] == [1.0, 1.0, 1.0]


def test_what_has_no_history_is_missing_with_its_reason_and_never_zero(small):
    found = over_time.document(Hub(small, Parameters("2023-10-15", as_of="2021-05-31")))["results"]
    for name, why in {
        "rq1.models.n_likes.mean": "no history",
        "rq1.models.n_discussions.share_for_80": "the snapshot has no discussions",
        "rq3.all.usage.models": "the snapshot has no links",
    }.items():
        assert found[name]["value"] is None and why in found[name]["why"], name


def test_repositories_without_creation_dates_are_not_counted_as_of_an_earlier_day(write_snapshot):
    repos = [{"kind": "model", "repo_id": "o/m", "owner": "o"}]
    commits = [{"kind": "model", "repo_id": "o/m", "date": "2021-04-01", "authors": ["ann"]}]
    loaded = write_snapshot({"repos": repos, "commits": commits})
    found = over_time.document(Hub(loaded, Parameters("hand", as_of="2020-01-01")))["results"]
    assert found["rq1.models.count"] == {
        "value": None,
        "notebook": "compare_snapshots",
        "cell": None,
        "why": "the snapshot does not say the day of creation of models",
    }
    assert found["rq1.models.n_commits.share_for_80"]["value"] is None
    assert found["rq2.all.developers"]["value"] == 0


def test_every_measure_equals_that_of_a_whole_run_as_of_the_day():
    """An independent road to the same values: the functions that the three notebooks call, on demo."""
    from analysis import network
    from analysis.activity import concentrations
    from analysis.engine import activity, edges, load, repository_count

    run = Parameters("demo", as_of="2023-03-31")
    found, hub = over_time.document(load(run))["results"], load(run)
    counts = activity(hub, "dataset").value
    assert found["rq1.datasets.count"]["value"] == repository_count(hub, "dataset").value == len(counts)
    held = concentrations(counts)
    for variable in ("n_commits", "n_committers", "n_discussions", "n_community"):
        assert found[f"rq1.datasets.{variable}.share_for_80"]["value"] == held.loc["share_for_80", variable]
        assert found[f"rq1.datasets.{variable}.mean"]["value"] == pytest.approx(counts[variable].mean())
    vision = network.graph(edges(hub, "cv").value)
    assert found["rq2.cv.developers"]["value"] == len(vision)
    assert found["rq2.cv.kmax.k"]["value"] == max(network.core_numbers(vision).values())


def test_growth_of_demo_never_shrinks_and_no_name_of_a_person_leaves():
    from analysis.engine import load

    found = [over_time.document(load(Parameters("demo", as_of=day))) for day in ("2022-06-30", "2023-06-30")]
    for name in ("rq1.models.count", "rq2.all.developers", "rq2.all.k1.edges"):
        sizes = [document["results"][name]["value"] for document in found]
        assert sizes == sorted(sizes) and sizes[0] < sizes[-1], name
    names = set(load(Parameters("demo")).identities["alias"])
    texts = {e["value"] for d in found for e in d["results"].values() if isinstance(e["value"], str)}
    assert not texts & names
    json.dumps(found, allow_nan=False)
