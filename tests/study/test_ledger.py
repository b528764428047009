"""The ledger of a run: wrong estimators turn its rows, every difference has a reason, and SYNTHETIC stays."""

import csv
import dataclasses
import datetime as dt
import io
import json

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from analysis import activity, cli, engine, network, references, report, snapshot
from analysis.parameters import ParameterError, Parameters, parse
from analysis.results import RunError, read_results
from analysis.snapshot import SnapshotError
from analysis.study import facsimile, ledger, published, verdict_map, verdicts

STUDY_DATE = "2023-10-15"


# --- deliberate errors: the demo's own values stand for the published ones ------------------------------------------------


def results_of(hub: engine.Hub) -> dict:
    """A part of what the notebooks emit: the summary of models, and the cores of all models."""
    models = activity.summary(engine.activity(hub, "model").value)
    found = {f"rq1.models.{column}.{row}": models.loc[row, column] for column in models for row in models.index}
    cores = network.core_results(network.core_table(network.graph(engine.edges(hub).value)))
    return found | {f"rq2.all.{name}": value for name, value in cores.items()}


@pytest.fixture(scope="module")
def hub(demo):
    return engine.Hub(demo, Parameters())


@pytest.fixture(scope="module")
def book(hub, tmp_path_factory):
    """The study's rows that these results can meet, with the demo's right values in the place of the printed ones."""
    right = results_of(hub)
    rows = published.printed_values().drop_duplicates("id")
    rows = rows[rows["id"].map(lambda name: not verdicts.missing(right.get(name)))]
    values = rows["id"].map(lambda name: f"{right[name]:.2f}")
    folder = tmp_path_factory.mktemp("published")
    rows = rows.assign(value=values, decimals=2, operator="=")[list(published.PUBLISHED_COLUMNS)]
    rows.to_csv(folder / "own.csv", index=False, encoding="utf-8")
    return published.printed_values(folder)


def turned(hub, book) -> set[str]:
    """ids of the rows that differ."""
    results = results_of(hub)
    undefined = {name: report.UNDEFINED for name, value in results.items() if verdicts.missing(value)}
    found = verdicts.judged(results, book, reasons=undefined)
    assert set(found["verdict"]) <= {verdicts.MATCHES, verdicts.DIFFERS}
    return set(found.loc[found["verdict"] == verdicts.DIFFERS, "id"])


def test_right_estimators_match_every_row(hub, book):
    assert len(book) > 60
    assert turned(hub, book) == set()


def test_a_sum_in_place_of_the_union_turns_rows_of_the_community_and_no_others(hub, book, monkeypatch):
    right = engine.activity

    def wrong(*arguments, **options):
        known = right(*arguments, **options)
        counts = known.value
        return dataclasses.replace(known, value=counts.assign(n_community=counts["n_committers"] + counts["n_disc_starters"]))

    monkeypatch.setattr(engine, "activity", wrong)
    found = turned(hub, book)
    assert "rq1.models.n_community.mean" in found
    assert all(name.startswith("rq1.models.n_community.") for name in found)


def test_cores_of_the_undirected_graph_turn_rows_of_the_cores_and_not_of_the_whole_network(hub, book, monkeypatch):
    def wrong(links):
        graph = nx.empty_graph(links.nodes)
        graph.add_edges_from(zip(links.source.tolist(), links.target.tolist(), strict=True))
        numbers = nx.core_number(graph)
        return np.array([numbers[node] for node in range(links.nodes)])

    monkeypatch.setattr(network, "core_numbers_of", wrong)
    found = turned(hub, book)
    assert {"rq2.all.kmax.k", "rq2.all.k5.nodes"} <= found
    assert all(name.startswith(("rq2.all.k5.", "rq2.all.k10.", "rq2.all.kmax.")) for name in found)


def test_a_population_deviation_in_place_of_the_samples_turns_deviations_alone(hub, book, monkeypatch):
    right = activity.summary

    def wrong(counts):
        table = right(counts)
        n = table.loc["n"]
        return pd.concat([table.drop(index="std"), (table.loc[["std"]] * ((n - 1) / n) ** 0.5)])

    monkeypatch.setattr(activity, "summary", wrong)
    found = turned(hub, book)
    assert found
    assert all(name.endswith(".std") for name in found)


# --- what a run's ledger says ---------------------------------------------------------------------------------------------


def document(values: dict, *, date=STUDY_DATE, synthetic=False, source="dump", as_of="", whys=None, census=True) -> dict:
    """results.json of a run with these results."""
    whys = whys or {}
    results = {
        name: {"value": value, "notebook": "rq1_activity", "cell": 1}
        | ({} if value is not None else {"why": whys.get(name, "the snapshot has no commits of models")})
        for name, value in values.items()
    }
    coverage = {kind: {"status": "complete" if census else "sample"} for kind in snapshot.PLURAL}
    manifest = {"name": "made-up", "date": date, "synthetic": synthetic, "source": {"name": source}}
    manifest["tables"] = {"repos": {"coverage": coverage}}
    return {"snapshot": manifest, "parameters": {"as_of": as_of}, "results": results}


TWIN = {"synthetic": True, "source": "twin"}


def row_of(found: pd.DataFrame, name: str) -> pd.Series:
    return found[found["id"] == name].iloc[0]


@pytest.mark.parametrize(
    ("options", "name", "reason"),
    [
        ({"date": "2022-02-21"}, "rq1.models.count", "date"),
        ({"date": "2022-02-21", "census": False}, "rq1.models.count", "selection"),
        ({"date": "2024-12-04", "as_of": "2023-10-15"}, "rq1.models.count", "selection"),
        ({}, "rq1.models.count", "unexplained"),
        ({"synthetic": True}, "rq1.models.count", "design"),
        (TWIN, "rq1.models.count", "design"),
        (TWIN, "rq2.all.k1.com", "design"),
        # 29.01 % of the models have a download, so no data meet both this quartile and the zero share.
        (TWIN, "rq1.models.n_downloads.q75", "contradiction"),
        ({}, "rq1.models.n_downloads.q75", "contradiction"),
        ({"census": False}, "rq1.models.n_downloads.q75", "selection"),  # a sample differs by what was chosen first
        ({"date": "2022-02-21"}, "rq1.models.n_downloads.q75", "date"),
    ],
)
def test_every_row_that_differs_has_a_reason(options, name, reason):
    found = ledger.ledger_rows(document({name: 7}, **options))
    assert row_of(found, name)["verdict"] == verdicts.DIFFERS
    assert row_of(found, name)["why"] == reason
    unmet = found["verdict"].isin([verdicts.DIFFERS, verdicts.UNDECIDED, verdicts.IMPOSSIBLE])
    assert set(found.loc[unmet, "why"]) <= set(verdicts.WHYS)
    assert found.loc[~unmet, "why"].eq("").all()


def test_a_row_that_is_not_covered_says_what_the_snapshot_lacks():
    found = row_of(ledger.ledger_rows(document({"rq1.models.n_commits.mean": None})), "rq1.models.n_commits.mean")
    assert (found["verdict"], found["note"]) == (verdicts.NOT_COVERED, "the snapshot has no commits of models")


@pytest.mark.parametrize(
    ("name", "relative"),
    [
        ("rq3.all.usage.top100.organisation.meta", "rq3.all.usage.models"),
        ("rq3.cv.usage.top.1.model", "rq3.cv.usage.models"),
        ("rq1.datasets.license_share.mit", "rq1.datasets.unlicensed_share"),
    ],
)
def test_what_was_not_even_emitted_has_the_reason_of_its_relative(name, relative):
    found = row_of(ledger.ledger_rows(document({relative: None}, whys={relative: "no such table"})), name)
    assert (found["verdict"], found["note"].rsplit("; ", 1)[-1]) == (verdicts.NOT_COVERED, "no such table")


def test_a_core_that_ours_does_not_have_differs_from_a_printed_one():
    undefined = document({"rq2.all.k10.nodes": None}, whys={"rq2.all.k10.nodes": report.UNDEFINED})
    found = row_of(ledger.ledger_rows(undefined), "rq2.all.k10.nodes")
    assert found["verdict"] == verdicts.DIFFERS
    assert "ours is undefined" in found["note"]


def test_what_cannot_be_computed_has_its_proof_whatever_ours_is():
    found = ledger.ledger_rows(document({"rq2.all.kmax.arcc": 0.15}))
    judged = found[found["verdict"] == verdicts.IMPOSSIBLE]
    assert {"rq2.all.kmax.arcc", "rq3.all.cousage.degree.modes"} <= set(judged["id"])
    assert judged["note"].ne("").all()


def test_the_month_is_that_of_the_day_looked_at():
    early = document({}, date="2024-12-04", as_of="2022-01-31")
    assert ledger.month(early) == "2022-01"
    assert ledger.months_after(early, published.printed_values()) == -21
    assert ledger.months_after(document({}, date="2024-01-19"), published.printed_values()) == 3
    assert ledger.months_after(document({}), published.printed_values()) == 0


def test_a_value_of_the_ledger_itself_is_never_compared():
    stored = document({"rq1.models.count": 348181})
    stored["results"]["rq2.all.recip.min"] = {"value": 0.81, "notebook": ledger.LEDGER_STEP, "cell": None}
    assert row_of(ledger.ledger_rows(stored), "rq2.all.recip.min")["verdict"] == verdicts.NOT_COVERED


def test_counts_of_verdicts_are_apart_and_add_up():
    values = {"rq1.models.count": 348181, "rq2.all.k1.com": 1, "rq2.all.k1.ass": 0.08, "rq2.cv.k1.ass": 0.5}
    rows = ledger.ledger_rows(document(values, **TWIN))
    found, share = ledger.verdict_counts(rows), ledger_share(values, **TWIN)
    # Table 6 prints two COM and two ASS of these; the month matches; the range of ASS needs all cores.
    assert (found["calibrated.matches"], found["input.differs"], found["parameter.matches"]) == (1, 1, 1)
    assert (found["emergent.matches"], found["emergent.differs"], share) == (1, 1, 0.5)
    for name in ("total", *ledger.SLUGS.values()):
        assert found[f"all.{name}"] == sum(found[f"{kind}.{name}"] for kind in published.VALUE_KINDS)
    assert ledger_share(values, census=False).why == "the snapshot is no census, so a share of matches would say nothing"
    assert ledger_share({}, **TWIN).why == "no value is compared"


def ledger_share(values: dict, **options):
    """The one share that the ledger gives."""
    book, run = published.printed_values(), document(values, **options)
    found = ledger.ledger_results(run, ledger.ledger_rows(run), ledger.audit.audit_findings(), book)
    shares = [name for name in found if name.startswith("ledger.") and name.endswith("share")]
    assert shares == ["ledger.emergent.matching.share"]
    return found[shares[0]]


def test_data_that_were_not_made_from_the_studys_values_are_calibrated_to_none():
    assert row_of(ledger.ledger_rows(document({}, **TWIN)), "rq1.models.count")["kind"] == "calibrated"
    found = ledger.ledger_rows(document({}))
    assert row_of(found, "rq1.models.count")["kind"] == row_of(found, "rq2.all.k1.com")["kind"] == "emergent"
    assert set(found["kind"]) == {"emergent", "implied", "parameter"}


@pytest.mark.parametrize(
    ("options", "census"),
    [({}, True), (TWIN, True), ({"synthetic": True}, False), ({"census": False}, False), ({"as_of": "2023-10-15"}, False)],
)
def test_only_all_repositories_of_a_day_are_a_census(options, census):
    assert ledger.is_census(document({}, **options)) is census


@pytest.mark.parametrize(
    ("covered", "census"),
    [
        ({"model": "complete"}, True),
        ({"model": "complete", "space": "sample"}, False),
        ({"model": "absent"}, False),
        ({}, False),
    ],
)
def test_a_list_of_all_models_alone_is_a_census_of_models(covered, census):
    alone = document({})
    alone["snapshot"]["tables"]["repos"]["coverage"] = {kind: {"status": status} for kind, status in covered.items()}
    assert ledger.is_census(alone) is census


@pytest.mark.parametrize(
    ("section", "places"),
    [
        ("4.1.1", {"§4.1.1"}),
        ("§4.1", {"§4.1", "§4.1.1", "§4.1.2", "§4.1.3"}),
        ("Table 6", {"Table 6"}),
        ("table 6", {"Table 6"}),
        ("abstract", {"Abstract"}),
        ("4.10", set()),
    ],
)
def test_a_section_selects_the_values_printed_there_and_below(section, places):
    rows = verdicts.judged({}, published.printed_values())
    chosen = ledger.select_rows(rows, section=section)
    printed = chosen["place"].str.split("; ").map(lambda parts: {part.split(",")[0] for part in parts})
    assert all(found & places for found in printed)
    everywhere = rows["place"].str.split("; ").map(lambda parts: {part.split(",")[0] for part in parts})
    assert len(chosen) == sum(bool(found & places) for found in everywhere)


def test_a_row_is_shown_with_two_decimals_more_than_were_printed():
    values = {"rq1.models.count": 348182, "rq1.models.n_likes.mean": 1.13951, "rq1.models.n_downloads.zero_share": 0.5}
    found = ledger.ledger_rows(document(values))
    texts = ledger.as_texts(found).assign(place=found["place"]).set_index(["value", "place"])
    count, likes = (texts.xs(name, level="value").iloc[0] for name in ("rq1.models.count", "rq1.models.n_likes.mean"))
    assert [*count[["published", "ours", "difference", "tolerance"]]] == ["348,181", "348,182", "+1", "0.5"]
    assert [*likes[["published", "ours", "difference", "tolerance"]]] == ["1.14", "1.1395", "-0.0005", "0.005"]
    bound = texts.loc[("rq1.models.n_downloads.zero_share", "Abstract; §6")]
    assert [*bound[["published", "tolerance", "verdict"]]] == ["> 0.70", "", "differs"]


# --- files and the command line -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo_document(demo):
    results = references.read(references.RESULTS)
    return {"snapshot": dict(demo.manifest), "parameters": Parameters().recorded(), "results": results}


@pytest.fixture
def done(demo_document, tmp_path, monkeypatch):
    """A run directory `demo` that holds results.json alone."""
    monkeypatch.setenv("HUB_PAPER_GENERATED", str(tmp_path))
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "results.json").write_text(json.dumps(demo_document), encoding="utf-8")
    return tmp_path / "demo"


def test_the_files_hold_every_row_and_the_numbers_of_the_text(done, demo_document):
    ledger.write_ledger(done, demo_document)
    stored = pd.read_csv(done / "ledger.csv", keep_default_na=False, dtype=str)
    assert len(stored) == len(published.printed_values())
    emitted = json.loads((done / "parts" / "ledger.json").read_text(encoding="utf-8"))["results"]
    assert {entry["notebook"] for entry in emitted.values()} == {"ledger"}
    assert emitted["ledger.all.total"]["value"] == len(stored)
    for name, slug in ledger.SLUGS.items():
        assert emitted[f"ledger.all.{slug}"]["value"] == (stored["verdict"] == name).sum()
    assert emitted["audit.checks.total"]["value"] == len(pd.read_csv(done / "tables" / "audit.csv"))


def test_the_same_results_give_the_same_bytes_again(done, demo_document):
    ledger.write_ledger(done, demo_document)
    first = {path.name: path.read_bytes() for path in sorted(done.rglob("*")) if path.is_file()}
    ledger.write_ledger(done, demo_document)
    assert first == {path.name: path.read_bytes() for path in sorted(done.rglob("*")) if path.is_file()}


def test_the_command_prints_rows_and_a_summary(done):
    said = CliRunner().invoke(cli.app, ["ledger", "demo", "--section", "Table 6", "--verdict", "differs"])
    assert said.exit_code == 0
    assert "rq2.all.k1.nodes" in said.stdout and "10,524" in said.stdout
    assert "summary" in said.stdout
    assert "Table 7" not in said.stdout and "rq1." not in said.stdout


def test_the_command_writes_csv_that_can_be_read_again(done):
    said = CliRunner().invoke(cli.app, ["ledger", "demo", "--verdict", "not-covered", "--csv"])
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    assert {row["verdict"] for row in rows} == {verdicts.NOT_COVERED}
    assert {row["data"] for row in rows} == {report.SYNTHETIC}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            ["2022-02-21"],
            RunError,
            "no results of a run '2022-02-21'; there are: demo; make them with ./run_all.sh",
        ),
        (["../demo"], RunError, "no results of a run"),
        (["demo", "--verdict", "wrong"], ParameterError, "--verdict wrong: expected one of matches, differs"),
        (["demo", "--section", "9"], ParameterError, "--section 9: no value is printed there"),
    ],
)
def test_what_the_command_cannot_do_is_said_in_one_line_with_the_remedy(done, arguments, error, words):
    said = CliRunner().invoke(cli.app, ["ledger", *arguments])
    assert isinstance(said.exception, error)
    assert words in str(said.exception) and "\n" not in str(said.exception)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"results": {}}'])
def test_a_damaged_results_file_is_told(done, content):
    (done / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"demo/results\.json: not the results of a run; make them anew"):
        read_results("demo")


# --- SYNTHETIC cannot be switched off ---------------------------------------------------------------------------------------


def test_no_parameter_and_no_option_takes_the_mark_away():
    assert not [field.name for field in dataclasses.fields(Parameters) if "synthetic" in field.name]
    with pytest.raises(ParameterError, match="no parameter 'synthetic'"):
        parse(["synthetic=false"])
    for command in ("run", "ledger", "import", "demo"):
        assert "synthetic" not in CliRunner().invoke(cli.app, [command, "--help"]).stdout.lower().replace(
            "(synthetic)", ""
        )


def small_snapshot(*, synthetic: bool) -> snapshot.Snapshot:
    options = {"date": dt.date(2023, 10, 15), "source": {"title": "Two models"}}
    coverage = {"repos": {"model": {"status": "complete"}}}
    with snapshot.Writer("2023-10-15", synthetic=synthetic, coverage=coverage, **options) as writer:
        writer.add("repos", [{"kind": "model", "repo_id": f"a/{i}", "likes": i} for i in range(2)])
    return snapshot.load("2023-10-15")


def test_a_manifest_that_calls_synthetic_data_observed_is_refused(snapshots):
    made = small_snapshot(synthetic=True)
    manifest = made.path / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"synthetic": true', '"synthetic": false'))
    with pytest.raises(SnapshotError, match="holds synthetic data, but the manifest says observed; restore") as error:
        snapshot.load("2023-10-15")
    assert "\n" not in str(error.value)


def test_every_file_of_a_synthetic_snapshot_says_so_and_none_of_an_observed_one(snapshots, demo):
    observed = small_snapshot(synthetic=False)
    for found, marked in ((demo, True), (observed, False)):
        for table in found.manifest["tables"]:
            mark = (pq.read_schema(found.file(table)).metadata or {}).get(b"synthetic")
            assert mark == (b"true" if marked else None), table


@pytest.mark.parametrize("synthetic", [True, False])
def test_the_ledgers_heading_and_files_follow_the_manifest(done, demo_document, synthetic):
    shown = demo_document | {"snapshot": demo_document["snapshot"] | {"synthetic": synthetic}}
    assert ledger.heading(shown).startswith(report.SYNTHETIC) is synthetic
    ledger.write_ledger(done, shown, also=(facsimile.emit, verdict_map.emit))
    tables = ["ledger_summary", "unmatched", *(f"facsimile_{number}" for number in range(2, 10))]
    files = [done / "ledger.csv", done / "figures" / "verdict_map.svg", *(done / "tables" / f"{t}.tex" for t in tables)]
    for file in files:
        assert (report.SYNTHETIC in file.read_text(encoding="utf-8")) is synthetic, file.name


def test_what_does_not_match_says_synthetic_on_each_of_its_pages(demo_document, done):
    ledger.write_ledger(done, demo_document, also=(facsimile.emit,))
    text = (done / "tables" / "unmatched.tex").read_text(encoding="utf-8")
    head = text[text.index(r"\endfirsthead") : text.index(r"\endhead")]
    assert report.SYNTHETIC in head


def test_the_commands_heading_says_synthetic(done):
    said = CliRunner().invoke(cli.app, ["ledger", "demo", "--section", "3.5"])
    assert said.stdout.startswith(report.SYNTHETIC)


@pytest.mark.parametrize(
    ("synthetic", "source", "said"),
    [(True, "demo", "nothing here should match"), (True, "twin", "proves nothing"), (False, "hub", "October 2023")],
)
def test_a_run_says_what_to_expect_of_its_verdicts(demo_document, synthetic, source, said):
    manifest = demo_document["snapshot"] | {"synthetic": synthetic, "source": {"name": source}}
    line = ledger.expectation(demo_document | {"snapshot": manifest})
    assert line.startswith(f"{manifest['name']} is ") and said in line
