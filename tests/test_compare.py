"""Runs side by side: changes, verdicts, orders, repositories that came and went, what is said of samples."""

import contextlib
import datetime as dt
import io
import json
import os
import re
from dataclasses import asdict

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis import cli, figures, paths, ranking, references, report, run
from analysis import compare as compared
from analysis.page import comparison, site
from analysis.parameters import ParameterError, Parameters
from analysis.results import RunError, read_results

HOSTILE = "\\input{/etc/passwd}<script>\u202egpj"


def document(results, *, name="2023-10-15", date="", status="complete", as_of="", synthetic=False, **parameters):
    """What results.json of a run holds, by hand; a value given as a tuple is missing for that reason."""
    entry = {"status": status} | ({"rule": "the first five"} if status == "sample" else {})
    coverage = {"repos": {"rows": 1, "columns": [], "coverage": {"model": entry}}}
    manifest = {"name": name, "date": date or name[:10], "synthetic": synthetic, "source": {}, "tables": coverage}
    entries = {
        key: {"value": None, "why": value[0]} if isinstance(value, tuple) else {"value": value}
        for key, value in results.items()
    }
    entries = {key: value | {"notebook": "rq1_activity", "cell": 1} for key, value in entries.items()}
    recorded = Parameters(name, as_of, **parameters).recorded()
    return {"schema": 1, "snapshot": manifest, "parameters": recorded, "results": entries}


def two(first, second):
    return [document(first, name="2022-01-01"), document(second, name="2023-01-01")]


@pytest.fixture(scope="module")
def of_demo():
    """The committed results of demo, as a run would have them."""
    manifest = json.loads((paths.DATA / "snapshots/demo/manifest.json").read_text(encoding="utf-8"))
    return {"snapshot": manifest, "parameters": Parameters().recorded(), "results": references.read(references.RESULTS)}


# --- values -----------------------------------------------------------------------------------------------------------


def test_a_change_is_the_last_value_less_the_first_and_its_share_of_the_first():
    found = compared.side_by_side(two({"rq1.models.count": 40, "rq1.a": 0}, {"rq1.models.count": 50, "rq1.a": 3}))
    assert found.loc["rq1.models.count"].tolist() == [40, 50, 2, 10, 0.25, True]
    assert found.loc["rq1.a"].tolist() == [0, 3, 2, 3, None, True]


def test_a_negative_value_that_rises_has_risen_in_per_cent_too():
    found = compared.side_by_side(two({"rq1.a": -0.5}, {"rq1.a": -0.25}))
    assert found.loc["rq1.a", ["change", "relative"]].tolist() == [0.25, 0.5]


def test_a_text_can_change_and_has_no_difference():
    found = compared.side_by_side(two({"rq3.a": "Meta", "rq3.b": "x"}, {"rq3.a": "Google", "rq3.b": "x"}))
    assert found["changed"].tolist() == [True, False] and found["change"].tolist() == [None, None]


def test_what_one_run_lacks_is_not_compared_but_listed_with_its_reason():
    runs = two({"rq1.a": 1, "rq1.b": ("no commits",)}, {"rq1.a": 1, "rq1.b": 5, "rq1.c": 7})
    values = compared.side_by_side(runs)
    assert list(compared.compared_only(values).index) == ["rq1.a"]
    assert values.loc["rq1.b", ["change", "changed"]].tolist() == [None, None]
    lacking = compared.not_compared(runs, values)
    assert lacking.to_dict("split")["data"] == [
        ["rq1.b", "2022-01-01", "no commits"],
        ["rq1.c", "2022-01-01", "this run has no such name or rank: nothing of it occurs there"],
    ]
    assert compared.summary(values).loc["all"].tolist() == [3, 1, 1, 0, 2]


def test_a_licence_that_a_run_does_not_name_is_missing_for_the_reason_that_licences_are():
    share, covered = "rq1.models.license_share.mit", "rq1.models.unlicensed_share"
    runs = two({covered: ("the snapshot does not say the license",)}, {covered: 0.5, share: 1.0})
    lacking = compared.not_compared(runs, compared.side_by_side(runs)).set_index("id")
    assert lacking.loc[share, "why"] == "the snapshot does not say the license"


def test_of_three_runs_the_change_goes_from_the_first_that_has_it_to_the_last():
    runs = [document({"rq1.a": v}, name=f"202{n}-01-01") for n, v in enumerate([("no",), 4, 6])]
    assert compared.side_by_side(runs).loc["rq1.a"].tolist() == [None, 4, 6, 2, 2, 0.5, True]


def test_results_about_the_run_are_no_results_about_the_hub():
    runs = two({"ledger.all.matches": 1, "audit.x": 1, "snapshot.month": "2022-01"}, {"rq1.a": 1})
    assert list(compared.side_by_side(runs).index) == ["rq1.a"]


def test_a_run_against_itself_has_no_change_at_all(of_demo):
    values = compared.side_by_side([of_demo, of_demo])
    verdicts, orders = compared.verdicts([of_demo, of_demo]), ranking.orders([of_demo, of_demo])
    counts = compared.results(values, verdicts, orders)
    assert {name: count for name, count in counts.items() if name.endswith("changed")} == {
        "results.changed": 0,
        "verdicts.changed": 0,
        "orders.changed": 0,
    }
    known = sum(e["value"] is not None for n, e in of_demo["results"].items() if n[:2] in ("rq", "pe", "ro"))
    assert counts["results.compared"] == counts["results.same"] == known > 1000
    assert counts["verdicts.compared"] > 100 and counts["orders.compared"] > 50
    assert set(compared.shifts([of_demo, of_demo], values).value["ratio"]) == {1.0}


@given(st.lists(st.tuples(*[st.none() | st.integers(-9, 9) | st.sampled_from(["a", "b"])] * 2), max_size=6))
def test_the_other_way_round_the_change_has_the_other_sign(pairs):
    runs = two(*({f"rq1.{n}": ("no",) if p[side] is None else p[side] for n, p in enumerate(pairs)} for side in (0, 1)))
    there, back = compared.side_by_side(runs), compared.side_by_side(runs[::-1])
    assert there["changed"].tolist() == back["changed"].tolist()
    assert [None if c is None else -c for c in there["change"]] == back["change"].tolist()
    assert there["covered"].tolist() == [sum(v is not None for v in pair) for pair in pairs]


# --- verdicts and orders ----------------------------------------------------------------------------------------------


def test_a_verdict_changes_where_one_value_matches_what_the_study_prints_and_the_other_does_not():
    """Table 2 prints a mean of 1.14 likes and of 7.28 commits per model."""
    likes, commits = "rq1.models.n_likes.mean", "rq1.models.n_commits.mean"
    runs = two({likes: 1.141, commits: ("no commits",)}, {likes: 2.0, commits: 7.28})
    found = compared.verdicts(runs).drop_duplicates("id").set_index("id")
    assert found.loc[likes, [0, 1, "changed"]].tolist() == ["matches", "differs", True]
    assert found.loc[commits, "changed"] is None
    shown = compared.changed_verdicts(runs, compared.verdicts(runs))
    assert set(shown.index) == {likes} and list(shown) == ["place", "published", "2022-01-01", "2023-01-01"]


def superiority(variable, first, second, value):
    return {f"rq1.models.mannwhitney.{variable}.{first}_vs_{second}.superiority": value}


def order_of(runs, name):
    return ranking.orders(runs).set_index("order").loc[name]


def test_the_order_of_two_licence_groups_turns_where_superiority_crosses_one_half():
    runs = two(*(superiority("n_likes", "permissive", "restrictive", value) for value in (0.6, 0.4)))
    found = order_of(runs, "n_likes, permissive v. restrictive")
    assert found[[0, 1, "changed"]].tolist() == ["permissive > restrictive", "restrictive > permissive", True]
    same = two(*(superiority("n_likes", "permissive", "restrictive", value) for value in (0.6, 0.9)))
    assert not order_of(same, "n_likes, permissive v. restrictive")["changed"]
    even = order_of(two(*[superiority("n_likes", "permissive", "none", 0.5)] * 2), "n_likes, permissive v. none")
    assert even[0] == "none = permissive"


def test_three_licence_groups_are_ordered_by_how_many_of_the_others_each_is_above():
    first = (
        superiority("n_likes", "permissive", "restrictive", 0.6)
        | superiority("n_likes", "permissive", "none", 0.7)
        | superiority("n_likes", "restrictive", "none", 0.4)
    )
    assert order_of(two(first, first), "n_likes, licence groups")[0] == "permissive > none > restrictive"
    circle = (
        first | superiority("n_likes", "permissive", "none", 0.3) | superiority("n_likes", "restrictive", "none", 0.8)
    )
    assert order_of(two(circle, circle), "n_likes, licence groups")[0] == "none = permissive = restrictive"


def test_an_order_holds_only_the_groups_that_every_run_covers():
    runs = two(
        {"rq1.models.count": 9, "rq1.datasets.count": 5, "rq1.spaces.count": 7},
        {"rq1.models.count": 8, "rq1.datasets.count": 9, "rq1.spaces.count": ("no list",)},
    )
    found = order_of(runs, "kinds, most repositories first")
    assert found[[0, 1, "changed"]].tolist() == ["models > datasets", "datasets > models", True]
    alone = two({"rq1.models.count": 9, "rq1.datasets.count": 5}, {"rq1.models.count": 8})
    assert ranking.orders(alone).empty


def test_the_order_of_the_organisations_in_the_top_changes_with_a_name():
    ranks = "rq3.all.usage.top100.rank.{}.organisation"
    runs = two(
        {ranks.format(1): "Meta", ranks.format(2): "Google"}, {ranks.format(1): "Google", ranks.format(2): "Meta"}
    )
    found = order_of(runs, "organisations of the most used, all models")
    assert found[[0, 1, "changed"]].tolist() == ["Meta; Google", "Google; Meta", True]


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), min_size=2))
def test_an_order_in_words_has_the_ranks_that_scipy_gives(scores):
    from scipy.stats import rankdata

    tiers = [tier.split(" = ") for tier in ranking._in_words(scores).split(" > ")]
    ranks = {group: number for number, tier in enumerate(tiers, start=1) for group in tier}
    assert ranks == dict(zip(scores, rankdata([-s for s in scores.values()], method="dense").tolist(), strict=True))


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_is_named_in_the_warnings_and_in_every_label():
    runs = [document({}, name="2022-02-21"), document({}, name="2026-08-22", status="sample")]
    assert compared.labels(runs) == ["2022-02-21", "2026-08-22 (sample)"]
    (line,) = compared.warnings(runs)
    assert line.startswith("2026-08-22 is not a census but a sample of models (the first five)")
    assert compared.warning_table(runs[:1])["warning"].tolist() == [
        "none: every snapshot is a census of what it covers"
    ]


def test_no_two_runs_have_one_label():
    runs = [document({}, name="demo", date="2023-10-15", synthetic=True)] * 3
    assert compared.labels(runs) == ["demo (synthetic)", "demo (synthetic, no. 2)", "demo (synthetic, no. 3)"]
    steps = [document({}, as_of=day) for day in ("2021-01-01", "2021-04-01")]
    assert compared.labels(steps) == ["2021-01-01", "2021-04-01"]


def test_an_earlier_day_than_the_hub_kept_dates_is_warned_of():
    early, late = (document({}, as_of=day) for day in ("2021-01-01", "2022-04-01"))
    assert any("keeps creation dates since 2022-03-02" in line for line in compared.warnings([early]))
    assert not compared.warnings([late])


MODELS = [{"kind": "model", "repo_id": f"o/m{n}", "owner": "o", "created_at": f"2021-0{n + 1}-01"} for n in range(5)]


@pytest.fixture(scope="module")
def written(write_snapshot, tmp_path_factory):
    """Two censuses and a sample: m0-m3; m2-m4 and so one new and two gone; m0 alone."""
    directory = tmp_path_factory.mktemp("snapshots")
    sample = {"repos": {"model": {"status": "sample", "rule": "the oldest"}}}
    commits = [{"kind": "model", "repo_id": "o/m3", "date": "2021-05-05", "authors": ["ann"]}]
    days = {"2022-01-01": MODELS[:4], "2023-01-01": MODELS[2:], "2024-01-01": MODELS[:1]}
    for name, rows in days.items():
        tables = {"repos": rows} | ({"commits": commits} if name < "2024" else {})
        options = {"coverage": sample} if name == "2024-01-01" else {}
        write_snapshot(tables, directory=directory, name=name, date=dt.date.fromisoformat(name), **options)
    return directory


@pytest.fixture
def stored(written, monkeypatch, tmp_path):
    monkeypatch.setenv("HUB_PAPER_SNAPSHOTS", str(written))
    monkeypatch.setenv("HUB_PAPER_GENERATED", str(tmp_path / "generated"))


@pytest.fixture(scope="module")
def grown(written, tmp_path_factory):
    """One snapshot over three quarters, compared twice: the directories of the results, and what was said."""
    asked, found = Parameters("2022-01-01", "2021-01-31..2021-07-31/quarter"), []
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(written))
        for name in ("generated", "another name"):
            patch.setenv("HUB_PAPER_GENERATED", str(tmp_path_factory.mktemp(name)))
            found.append(executed_here(asked))
    return *found, said.getvalue().splitlines()


def plan(names, as_of="", **others):
    return compared.plan(Parameters(names, as_of, **others))


def moved(names):
    found = compared.repositories(plan(names))
    return found[found["kind"] == "models"].iloc[0]


def test_between_two_censuses_it_is_counted_what_came_and_what_went(stored):
    row = moved("2022-01-01,2023-01-01")
    assert row[["before", "after", "both", "came", "went", "note"]].tolist() == [4, 3, 2, 1, 2, ""]


def test_a_sample_tells_what_is_in_both_and_neither_what_came_nor_what_went(stored):
    row = moved("2022-01-01,2024-01-01")
    assert row[["before", "after", "both"]].tolist() == [4, 1, 1]
    assert pd.isna(row["came"]) and pd.isna(row["went"])
    assert row["note"] == "2024-01-01: a sample, so what it lacks may have been on the Hub"


def test_repositories_as_of_an_earlier_day_are_those_of_that_day(stored):
    row = moved("2022-01-01@2021-02-15,2022-01-01")
    assert row[["before", "after", "both", "came", "went"]].tolist() == [2, 4, 2, 2, 0]


# --- which runs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "as_of", "says"),
    [
        ("2022-01-01", "", "expected two snapshots or more, or --as-of START..END/STEP"),
        ("2022-01-01,2023-01-01", "2021-01-01..2021-10-01/quarter", "a range goes with one snapshot, not with 2"),
        ("2022-01-01,2032-01-01", "", "no such snapshot; did you mean"),
        ("2022-01-01,", "", "a name between the commas is empty"),
        ("2022-01-01,../2023-01-01", "", "no such snapshot"),
        ("2022-01-01@2021-05-05,2023-01-01", "2021-06-06", "a date is given by --as-of too; give it once"),
        ("2022-01-01,2023-01-01", "2022-06-01", "to the day before the snapshot's date, 2022-01-01"),
        ("2024-01-01", "2021-01-01..2023-10-01/quarter", "has no commits, so nothing is known of an earlier day"),
        ("2022-01-01", "2021-01-01..2021-10-01/week", "unknown step 'week'"),
    ],
)
def test_what_can_t_be_compared_is_refused_in_one_line(stored, names, as_of, says):
    with pytest.raises(ParameterError, match=re.escape(says)) as error:
        plan(names, as_of)
    assert "\n" not in str(error.value)


def test_every_comparison_has_a_directory_of_its_own(stored):
    assert plan("2022-01-01,2023-01-01").name == "compare-2022-01-01--2023-01-01"
    assert plan("2022-01-01@2021-06-01,2023-01-01", bots="include").name == (
        "compare-2022-01-01@2021-06-01+bots--2023-01-01+bots"
    )
    assert plan("2022-01-01", "2021-01-01..2021-10-01/quarter").name == "2022-01-01@2021-01-01..2021-10-01-by-quarter"
    many, more = plan(",".join(["2022-01-01"] * 40)).name, plan(",".join(["2022-01-01"] * 41)).name
    assert len(many) == len(more) == compared.LONGEST_NAME and many != more


def test_a_run_is_made_again_where_its_snapshot_its_parameters_or_the_code_changed(stored):
    asked = Parameters("2022-01-01")
    assert compared.why_run(asked) == "not there yet"
    out_dir = asked.directory
    (out_dir / "notebooks").mkdir(parents=True)
    (out_dir / "parts").mkdir()
    run.collect(asked)
    assert compared.why_run(asked) is None
    os.utime(out_dir / "results.json", (0, 0))
    assert compared.why_run(asked).startswith("older than ")
    os.utime(out_dir / "results.json")
    colophon = out_dir / "tables" / "colophon.csv"
    colophon.write_text(colophon.read_text().replace("none beside the snapshot", "0123"))
    assert compared.why_run(asked) == "of other parameters, decisions about people or packages"
    (out_dir / "results.json").write_text('{"snapshot":')
    assert compared.why_run(asked) == "not readable"
    run.collect(asked)
    document = json.loads((out_dir / "results.json").read_text())
    document["snapshot"]["tables"]["repos"]["sha256"] = "0" * 64
    (out_dir / "results.json").write_text(json.dumps(document))
    assert compared.why_run(asked) == "of another state of the snapshot"


# --- trends and texts -------------------------------------------------------------------------------------------------


def test_a_trend_needs_three_runs_and_is_drawn_by_day_whatever_the_order_of_the_runs():
    runs = [document({"rq2.all.developers": n}, name=f"202{n}-01-01") for n in (3, 1, 2)]
    points = compared.trend(runs, compared.side_by_side(runs), "network").value
    assert points["value"].tolist() == [1.0, 2.0, 3.0] and points["line"].tolist() == ["developers"] * 3
    pair = compared.trend(runs[:2], compared.side_by_side(runs[:2]), "network")
    assert pair.value.empty and pair.why == "a trend needs more than two runs"
    assert figures.trends(pair).why == pair.why


def test_the_figures_of_a_trend_draw_a_sample_hollow_and_leave_zeros_off_a_log_axis():
    runs = [
        document({"rq2.all.developers": n, "rq2.all.isolates": 0}, name=f"202{n}-01-01", status=status)
        for n, status in ((1, "complete"), (2, "sample"), (3, "complete"))
    ]
    figure, data = figures.trends(compared.trend(runs, compared.side_by_side(runs), "network")).value
    drawn = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(drawn["developers"].get_ydata()) == [1, 2, 3] and "isolates" not in drawn
    hollow = [line for line in figure.axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert [list(line.get_ydata()) for line in hollow] == [[2]]
    assert len(data) == 6 and "not a census" in figure.get_supxlabel()


def test_hostile_names_reach_the_table_as_harmless_text(tmp_path):
    name = "rq1.models.license.rank.1.identifier"
    runs = two({name: HOSTILE}, {name: "x" * 10_000})
    found = ranking.orders(runs)
    writer = report.Report("compare_snapshots", out_dir=tmp_path, synthetic=False)
    shown = writer.table("orders", compared.printed_orders(runs, found, changed=True), prose=True)
    text = (tmp_path / "tables" / "orders.tex").read_text(encoding="utf-8")
    assert r"\textbackslash{}input\{" in text and r"\input" not in text and "\u202e" not in text and len(text) < 1500
    assert "<script>" not in shown.to_html()


def test_nothing_in_common_is_said_and_breaks_nothing(tmp_path):
    runs = two({"rq1.models.count": 1}, {"rq3.all.usage.models": 1})
    values, verdicts, orders = compared.side_by_side(runs), compared.verdicts(runs), ranking.orders(runs)
    shifts = compared.shifts(runs, values)
    assert shifts.value.empty and "no headline result in common" in shifts.why
    assert compared.changed_verdicts(runs, verdicts).iloc[0].tolist() == ["none"]
    assert compared.section(runs, values, "models").why == "fewer than two of the runs have such results"
    (tmp_path / "tables").mkdir()
    comparison = compared.Comparison(Parameters(out_dir=str(tmp_path)), (), over_time=False)
    assert compared.write(comparison, runs, values, verdicts, orders) == "2 results of 2 runs"
    assert json.loads((tmp_path / "comparison.json").read_text())["counts"]["results.compared"] == 0


# --- the notebook and the commands ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(tmp_path_factory, of_demo):
    """Results of a run of demo, and the comparison of demo with itself."""
    directory = tmp_path_factory.mktemp("generated")
    (directory / "demo").mkdir()
    (directory / "demo" / "results.json").write_text(json.dumps(of_demo), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_GENERATED", str(directory))
        compared = plan("demo,demo")
        run.run_comparison(compared.asked, compared.directory)
        comparison.build(compared)
        yield directory


def executed_here(asked):
    """Run the notebook's cells in this process, which is faster than a kernel; returns the directory of the results."""
    import jupytext

    cells = [c for c in jupytext.read(paths.NOTEBOOKS / "compare_snapshots.py").cells if c.cell_type == "code"]
    names = asdict(asked)
    for cell in cells:
        if "parameters" in cell.metadata.get("tags", []):
            names |= asdict(asked)
        else:
            exec(cell.source, names)
    return compared.plan(asked).directory


def test_the_notebook_finds_no_change_in_demo_against_itself(generated):
    found = json.loads((generated / "compare-demo--demo" / "comparison.json").read_text(encoding="utf-8"))
    assert found["counts"]["results.changed"] == found["counts"]["verdicts.changed"] == 0
    assert found["counts"]["orders.changed"] == 0 and found["counts"]["results.same"] > 1000
    assert all(entry["changed"] in (None, False) for entry in found["results"].values())
    assert [entry["label"] for entry in found["runs"]] == ["demo (synthetic)", "demo (synthetic, no. 2)"]
    assert (generated / "compare-demo--demo" / "figures" / "compare_shifts.svg").is_file()


def test_the_notebook_shows_growth_over_time_in_its_tables_and_figures(grown):
    """Models are made on the first of January to April; ann commits to the fourth in May."""
    out_dir, _, said = grown
    table = pd.read_csv(out_dir / "tables" / "compare_over_time.csv", index_col=0)
    assert list(table.index) == ["2021-01-31", "2021-04-30", "2021-07-31"]
    assert table["models"].tolist() == [1, 4, 4] and table["developers"].tolist() == [0, 0, 1]
    for suffix in ("pdf", "svg", "png", "csv"):
        assert (out_dir / "figures" / f"compare_trend_network.{suffix}").stat().st_size > 0
    assert "SYNTHETIC DATA" in (out_dir / "figures" / "compare_trend_network.svg").read_text(encoding="utf-8")
    assert said[:3] == [
        "step 1 of 3, as of 2021-01-31: 0 developers",
        "step 2 of 3, as of 2021-04-30: 0 developers",
        "step 3 of 3, as of 2021-07-31: 1 developers",
    ]


def test_two_comparisons_give_the_same_bytes_wherever_they_lie(generated, grown):
    first, second, _ = grown
    files = sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file()) and len(files) > 30
    assert first != second and all((first / file).read_bytes() == (second / file).read_bytes() for file in files)
    for file in [*second.rglob("*.*"), *(generated / "compare-demo--demo").rglob("*.*")]:
        data = file.read_bytes()
        assert str(generated.parent).encode() not in data and str(paths.ROOT).encode() not in data, file


def test_no_file_of_a_comparison_shows_a_username(generated):
    from analysis.engine import load

    hub = load(Parameters())
    owners = set(hub.frame(hub.repos.select("owner"))["owner"].dropna())
    people = {name for name in hub.identities["alias"] if len(name) > 3} - owners
    assert len(people) > 50
    any_of_them = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(people)))})(?![\w-])")
    for path in (generated / "compare-demo--demo").rglob("*"):
        if path.is_file() and path.suffix in {".json", ".tex", ".csv", ".svg", ".ipynb", ".html"}:
            text = path.read_text(encoding="utf-8").replace((site.ASSETS / "site.js").read_text().strip(), "")
            assert not any_of_them.search(text), path.name


def test_a_comparison_is_no_run_that_the_ledger_reads(generated, monkeypatch):
    monkeypatch.setenv("HUB_PAPER_GENERATED", str(generated))
    with pytest.raises(RunError, match="there are: demo;"):
        read_results("compare-demo--demo")


def invoke(*arguments):
    return CliRunner().invoke(cli.app, list(arguments))


def test_a_dry_run_lists_the_steps_and_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("HUB_PAPER_GENERATED", str(tmp_path))
    done = invoke("compare", "demo", "--as-of", "2023-01-01..2023-07-01/quarter", "--dry-run")
    assert done.exit_code == 0 and "2023-01-01, 2023-04-01, 2023-07-01" in done.stderr
    same = invoke("run", "--snapshot", "demo", "--as-of", "2023-01-01..2023-07-01/quarter", "--dry-run")
    assert same.stderr == done.stderr and not list(tmp_path.iterdir())
    pair = invoke("run", "--snapshot", "demo,demo@2023-01-01", "--dry-run")
    assert pair.stderr == invoke("compare", "demo", "demo@2023-01-01", "--dry-run").stderr
    assert "demo@2023-01-01: its results are not there yet" in pair.stderr and not list(tmp_path.iterdir())


def test_bad_input_on_the_command_line_ends_with_code_2_and_one_line(monkeypatch, capsys):
    for arguments in (
        ["compare", "demo"],
        ["compare", "demo", "-p", "snapshot_date=x"],
        ["run", "--as-of", "2023..2022"],
    ):
        monkeypatch.setattr("sys.argv", ["analysis", *arguments, "--dry-run"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: ")


def test_the_notebook_has_every_parameter_and_no_other_no_loop_and_no_path():
    import ast

    source = (paths.NOTEBOOKS / "compare_snapshots.py").read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    assert not [n for n in nodes if isinstance(n, (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp))]
    cell = source.split('tags=["parameters"]')[1].split("# %%")[0]
    assert [line.split(" = ")[0] for line in cell.strip().splitlines()] == [n for n in asdict(Parameters()) if n != "beside"]
