"""Tables that are there and hold nothing to describe: every notebook ends, with a reason and never with a zero for it."""

import json
import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter

from analysis import paths, programs, run
from analysis.merging import score
from analysis.page import site
from analysis.snapshot import KINDS, PLURAL
from tests.in_process import emitted, parameters, quick_figures, write

TINY = "2023-10-15-tiny"
BOT, PEOPLE = "SFconvertbot", ("ann-of-the-lab", "bob-of-the-lab")
ANN, BOB = PEOPLE
EXAMPLES = int(os.environ.get("HUB_PAPER_EXAMPLES", "3"))  # each takes three seconds of a processor


def repo(repo_id, kind="model", **values):
    known = {"created_at": "2022-06-01", "likes": 0, "downloads": 0, "license": "mit", "tags": []}
    return {"kind": kind, "repo_id": repo_id, **known, **values}


def commit(repo_id, *authors, date="2023-01-05", kind="model"):
    return {"kind": kind, "repo_id": repo_id, "date": date, "authors": list(authors)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Directories of this module's own, quick figures, and the scoring of the rules read once: it is the same for all."""
    with pytest.MonkeyPatch.context() as patch:
        base, scored = tmp_path_factory.mktemp("tiny"), score.saved()
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(base / "snapshots"))
        patch.setenv("HUB_PAPER_GENERATED", str(base / "generated"))
        patch.setattr(score, "saved", lambda: scored)
        quick_figures(patch)
        yield base


@pytest.fixture
def of(place, request):
    """A function that runs some notebooks on rows: results by id, figures and tables by name."""
    number = iter(range(9))

    def found(tables, *notebooks, coverage=None, **values):
        name = f"{TINY}-{abs(hash(request.node.name))}-{next(number)}"
        write(name, tables, coverage=coverage)
        results, shown = emitted(parameters(name, **values), only=notebooks)
        hold(results, shown)
        return {key: entry["value"] for key, entry in results.items()}, results, shown

    return found


def hold(results, shown) -> None:
    """What holds of every run: each result has a value or a reason, each figure and table that is absent a reason."""
    for name, entry in results.items():
        assert entry["value"] is not None or entry["why"].strip(), name
    whys = [entry["why"] for entry in (*results.values(), *shown.values()) if "why" in entry]
    assert not [why for why in whys for name in PEOPLE if name in why]
    assert not [why for why in whys if "nan" in why.split() or "<NA>" in why]


# --- by hand: what is there, what lacks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commits", "developers", "why"),
    [
        ([commit("o/a", ANN)], 1, "the one developer shares no model with another one"),
        ([commit("o/a", ANN), commit("o/b", BOB)], 2, "no two of the 2 developers share a model"),
        ([commit("o/a", ANN), commit("o/a", ANN)], 1, "the one developer shares no model with another one"),
        ([commit("o/a", BOT), commit("o/b", BOT)], 0, "2 commits of 2 models, by service accounts"),
        ([commit("o/a"), commit("o/b", None)], None, "2 commits of models: no author is named"),
        ([], 0, "no commit of 2 models"),
    ],
    ids=["one developer", "nobody shares", "only self-loops", "bots only", "no author", "no commit"],
)
def test_a_network_without_an_edge_has_developers_at_most(of, commits, developers, why):
    tables = {"repos": [repo("o/a"), repo("o/b")], "commits": commits}
    values, results, shown = of(tables, "rq2_network")
    assert values["rq2.all.developers"] == values["rq2.all.isolates"] == developers
    for name in ("k1.nodes", "kmax.k", "degree.mean", "edge_rule.observed", "kmax.carrier.repository"):
        assert (values[f"rq2.all.{name}"], results[f"rq2.all.{name}"]["why"]) == (None, why)
    for name in ("rq2_distributions", "rq2_structure_all", "rq2_centrality", "rq2_core_repositories"):
        assert shown[name]["why"] == why
    no_vision = why if developers is None else "the snapshot has no model tagged as computer vision"
    assert results["rq2.cv.k1.nodes"]["why"] == no_vision


def test_a_field_without_a_model_and_links_that_are_none_are_empty_for_their_own_reason(of):
    models = [repo("o/a", tags=["summarization"]), repo("o/b", tags=["summarization"])]
    tables = {"repos": models, "commits": [commit("o/a", ANN, BOB)], "usage": []}
    values, results, shown = of(tables, "rq2_network", "rq3_adoption")
    assert (values["rq2.nlp.k1.nodes"], values["rq2.cv.developers"], values["rq2.cv.isolate_share"]) == (2, 0, None)
    assert results["rq2.cv.k1.nodes"]["why"] == "the snapshot has no model tagged as computer vision"
    assert results["rq2.nlp.k10.nodes"]["why"] == "the innermost core is at k = 1"
    assert values["rq3.all.usage.links"] == values["rq3.all.cousage.edges"] == 0
    assert results["rq3.all.usage.degree.mean"]["why"] == shown["rq3_top_models"]["why"] == "no space uses a model"
    assert results["rq3.mm.usage.degree.mean"]["why"] == shown["rq3_distributions"]["why"] == "no space uses a model"
    assert results["rq3.correlation.all.n_likes"]["why"] == "n_usage_spaces is 0 in all 2 models of which it is known"


def test_models_that_are_all_alike_have_means_and_no_correlation_and_one_group_no_test(of):
    values, results, shown = of({"repos": [repo("o/a"), repo("o/b"), repo("o/c")]}, "rq1_activity")
    assert values["rq1.models.n_likes.mean"] == 0 and values["rq1.models.n_likes.std"] == 0
    alike = "n_downloads is 0 in all 3 models of which it is known"
    for name in ("n_downloads.share_for_80", "pearson.n_downloads.n_likes", "pearson.n_downloads.n_likes.p"):
        assert (values[f"rq1.models.{name}"], results[f"rq1.models.{name}"]["why"]) == (None, alike)
    assert alike in shown["rq1_correlations"]["why"] and shown["rq1_distributions"]["why"]
    assert values["rq1.models.group.permissive.count"] == 3 and values["rq1.models.group.none.count"] == 0
    test = "mannwhitney.n_likes.permissive_vs_restrictive.u"
    assert results[f"rq1.models.{test}"]["why"] == (
        "n_likes of models is known of 3 (permissive) and 0 (restrictive); a test needs two of each"
    )
    assert shown["rq1_mannwhitney"]["why"] == "no two groups of licences hold two models each"
    assert values["rq1.datasets.count"] == 0 and shown["rq1_summary_datasets"]["why"] == "the snapshot lists no dataset"
    assert values["rq1.models.n_commits.mean"] is None
    assert results["rq1.models.n_commits.mean"]["why"] == "the snapshot has no commits of models"


def test_before_anybody_is_named_nobody_is_merged(of):
    tables = {"repos": [repo("o/a")], "commits": [commit("o/a", ANN)], "people": [{"alias": ANN, "person": BOB}]}
    values, results, shown = of(tables, "people_sensitivity", as_of="2022-12-31")
    why = "no commit and no discussion until 2022-12-31 says who made it"
    own = [name for name in values if name.startswith("people.sensitivity.")]
    assert len(own) > 100 and {values[name] for name in own} == {None} and {results[name]["why"] for name in own} == {why}
    assert shown["people_before_after"]["why"] == shown["people_sensitivity_counts"]["why"] == why


# --- what is made of the results -------------------------------------------------------------------------------------

WORLDS = {
    "every table without a row": ({"repos": [], "commits": [], "discussions": [], "usage": [], "people": []}, {}),
    "one model before dates were kept": (
        {
            "repos": [repo("o/m", created_at="2022-03-02", tags=["summarization"]), repo("o/s", "space")],
            "commits": [commit("o/m", ANN, date="2021-05-05")],
            "usage": [{"space_id": "o/s", "model_id": "o/m"}],
        },
        {"as_of": "2021-12-31"},
    ),
}


@pytest.fixture(scope="module", params=sorted(WORLDS))
def done(request, place):
    """A run of each of `WORLDS` with all that follows the notebooks, but for the cells on the pages; its parameters."""
    tables, values = WORLDS[request.param]
    name = f"{TINY}-{request.param.replace(' ', '-')}"
    write(name, tables)
    run_of = parameters(name, **values)
    hold(*emitted(run_of))
    run.collect(run_of)
    return run_of


def test_the_page_shows_reasons_in_place_of_what_is_not_there(done, monkeypatch):
    monkeypatch.setattr(HTMLExporter, "from_notebook_node", lambda *_: ("", {}))  # nine of ten parts of the time
    text = site.build(done.directory).read_text(encoding="utf-8")
    assert "not covered" in text and "??" not in text and "nan" not in text.lower().split()
    assert ("keeps creation dates since 2022-03-02" in text) == bool(done.as_of)
    document = json.loads((done.directory / "results.json").read_text())
    hold(document["results"], {})


TOOLS = ", ".join(programs.missing_tex())


@pytest.mark.tex
@pytest.mark.skipif(bool(TOOLS), reason=f"not installed: {TOOLS}")
def test_the_paper_is_set_and_no_sentence_lacks_its_value(done):
    numbers = (done.directory / "numbers.tex").read_text()
    assert (r"\defmeta{before_dates}{the Hub keeps creation dates since 2022-03-02" in numbers) == bool(done.as_of)
    fallback = r"\renewcommand*\notcoveredtext{\errmessage{a sentence without its value}}"
    (done.directory / "numbers.tex").write_text(f"{numbers}{fallback}\n")
    env = os.environ | {"TEXINPUTS": f".:{done.directory.resolve()}:"}
    options = ["-draftmode", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={done.directory}"]
    made = subprocess.run(
        ["pdflatex", *options, "main.tex"], cwd=paths.PAPER, env=env, capture_output=True, text=True, errors="replace",
        check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-2000:]


# --- any tiny snapshot -----------------------------------------------------------------------------------------------

NAMES = (*PEOPLE, BOT)
DAYS = ("2021-05-05", "2022-03-02", "2023-01-05")
COLUMNS = ("created_at", "likes", "downloads", "license", "tags")


def rows_of(draw, least, **columns):
    return draw(st.lists(st.fixed_dictionaries(columns), min_size=least, max_size=5))


@st.composite
def tiny_snapshots(draw):
    """Tables of at most five rows, any of them or their columns absent, with a coverage and the parameters of a run."""
    listed = st.tuples(st.sampled_from(KINDS), st.sampled_from(["o/a", "o/b", "p/c"]))
    known = draw(st.lists(listed, unique=True, max_size=5))
    columns = {
        "created_at": st.sampled_from([None, *DAYS]),
        "likes": st.sampled_from([None, 0, 0, 1, 7]),
        "downloads": st.sampled_from([None, 0, 5]),
        "license": st.sampled_from([None, "mit", "gpl-3.0", "other"]),
        "tags": st.sampled_from([None, [], ["summarization"], ["multimodal", "depth-estimation"]]),
    }
    kept = {name: columns[name] for name in draw(st.lists(st.sampled_from(COLUMNS), unique=True))}
    repos = [{"kind": kind, "repo_id": name} | draw(st.fixed_dictionaries(kept)) for kind, name in known]
    of = {name: [key for key in known if key[0] == name] for name in KINDS}
    tables = {"repos": repos}
    some = st.sampled_from(known or [("model", "o/a")])
    authors = st.lists(st.sampled_from([*NAMES, None]), max_size=3)
    named = st.sampled_from(draw(st.sampled_from([NAMES, (BOT,), (None,)])))
    tables["commits"] = [
        commit(key[1], *names, date=day, kind=key[0])
        for key, names, day in draw(st.lists(st.tuples(some, authors | st.lists(named), st.sampled_from(DAYS)), max_size=5))
        if known
    ]
    tables["discussions"] = [
        {"kind": key[0], "repo_id": key[1], "created_at": day, "author": name}
        for key, name, day in draw(st.lists(st.tuples(some, named, st.sampled_from(DAYS)), max_size=5))
        if known
    ]
    links = {(s, m) for _, s in of["space"] for _, m in of["model"] if draw(st.booleans())}
    tables["usage"] = [{"space_id": space, "model_id": model} for space, model in sorted(links)]
    tables["people"] = [{"alias": ANN, "person": BOB, "score": 95.0}] * draw(st.integers(0, 1))
    absent = draw(st.lists(st.sampled_from(["commits", "discussions", "usage", "people"]), unique=True))
    statuses = st.sampled_from(["complete", "complete", "sample", "absent"])
    by_kind = {table: {kind: {"status": draw(statuses)} for kind in KINDS} for table in ("commits", "discussions")}
    values = {
        "as_of": draw(st.sampled_from(["", "", "2021-12-31", "2022-03-02", "2022-12-31"])),
        "bots": draw(st.sampled_from(["exclude", "include"])),
        "identities": draw(st.sampled_from(["merged", "raw"])),
        "conventions": draw(st.sampled_from(["corrected", "authors"])),
    }
    return {table: rows for table, rows in tables.items() if table not in absent}, by_kind, values


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=tiny_snapshots())
def test_any_tiny_snapshot_ends_with_values_and_reasons(place, drawn):
    tables, coverage, values = drawn
    name = f"{TINY}-{len(list(place.glob('snapshots/*')))}"
    write(name, tables, coverage=coverage)
    results, shown = emitted(parameters(name, **values), only=(*run.NOTEBOOKS, run.ROBUSTNESS))
    hold(results, shown)
    lacking = ["rq2."] if "commits" not in tables or coverage["commits"]["model"]["status"] == "absent" else []
    lacking += ["rq3."] if "usage" not in tables or values["as_of"] else []
    lacking += [f"rq1.{PLURAL[kind]}.n_commits." for kind in KINDS if "commits" not in tables]
    for result_id, entry in results.items():
        assert entry["value"] is None or not result_id.startswith(tuple(lacking)), result_id
