"""Every sentence of the paper of very different snapshots: patterns that no reader should meet, and what a sample may say.

The references of `demo` and the twin are rendered as they are; real dumps, a day in their past and a snapshot of two models are
run in this process. Without LaTeX: `sentences.paper_text`.
"""

import re
from collections import Counter
from types import SimpleNamespace

import pytest

from analysis import references, run, snapshot, stored
from analysis.engine import load
from analysis.page import colophon
from analysis.parameters import check
from analysis.sources.dumps import import_dumps
from analysis.sources.twin import generator
from tests import sentences
from tests.in_process import emitted, quick_figures, write

SAMPLE = "2024-12-04"  # the most downloaded models of each organisation, with their whole history
QUESTIONS = ("rq1_activity", "rq2_network", "rq3_adoption")
KINDS = ("pearson", "without_top", "on_logs", "spearman", "kendall")
WHERE = ("observed", "null_low", "null_high")
PATTERNS = {
    "a Gini coefficient of one": r"Gini coefficient.{0,80}\b1\.000?\b",
    "the degree of developers, of whom there are none": r"(?s)collaboration is not covered.*degree of developers",
    "an id that no result has": r"\?\?",
    "a value that is none": r"\bnan\b|\bNone\b(?! of)|\binf\b",
    "a word is missing before a stop": r"\b((?<!there )is|are|has|and|than|the|an|between)\s*[.;]",
    "a space before a stop": r"\s[.,;](?=\s|$)",
    "nothing in brackets": r"\(\s*\)",
    "one of many": r"(?<![\d.,])1 (models|datasets|spaces|developers|edges|links|months|repositories|organisations|accounts)\b",
    "an interval set beside one half with two decimals": r"interval.{0,40}\b0\.\d\d\b(?!\d).{0,60}one half",
    "a probability set beside one half with two decimals": r"\b0\.\d\d, which is (above|below|exactly) one half",
    "a share of nothing": r"% of the total is held by|The share that holds",
    "a direction of none": r"above one half for 0 of",
    "a range without a width": r"\((-?[\d.,]+) to \1\)",
    "a count with decimals": r"k = \d+\.\d",
    "a power law without its test": r"(?i)pareto(?! tail\))",
}


def rendered(document, parameters, folder) -> SimpleNamespace:
    folder.mkdir(exist_ok=True)
    meta = colophon.meta(load(parameters), parameters)
    text = sentences.paper_text(document, meta, folder)
    del text["audit"], text["methods"]  # the same for all: they hold no result of the snapshot
    if "people.sensitivity.as-run-bots-excluded.names" not in document["results"]:
        del text["appendix"]  # its notebook was not run
    if "ledger.tautologies.total" not in document["results"]:
        del text["published"]  # of references that are older than the ledger's kinds
    return SimpleNamespace(text=text, results=document["results"], document=document)


def of_references(name, folder) -> SimpleNamespace:
    if name not in stored.names():
        pytest.skip(f"the snapshot {name} is not there")
    parameters = check({"snapshot_date": name})
    document = {"results": references.stored(name)["results"], "parameters": parameters.recorded()}
    return rendered(document | {"snapshot": snapshot.load(name).manifest}, parameters, folder)


def of_run(place, name, *, notebooks=run.ALL, **values) -> SimpleNamespace:
    folder = place / f"{name}{values.get('as_of', '')}"
    parameters = check({"snapshot_date": name, "out_dir": str(folder), **values})
    emitted(parameters, only=notebooks)
    return rendered(run.collect(parameters), parameters, folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("read")


def two_models() -> dict[str, list[dict]]:
    def repo(name, kind="model", **values):
        return {"kind": kind, "repo_id": name, "created_at": "2022-06-01", "likes": 1, "downloads": 2, "tags": []} | values

    def commit(name, *authors):
        return {"kind": "model", "repo_id": name, "date": "2023-01-05", "authors": list(authors)}

    repos = [repo("a/one", license="mit"), repo("a/two", license="openrail"), repo("a/space", kind="space", downloads=None)]
    commits = [commit("a/one", "ann-of-it", "bob-of-it"), commit("a/two", "bob-of-it")]
    return {"repos": repos, "commits": commits, "usage": [{"space_id": "a/space", "model_id": "a/one"}]}


@pytest.fixture(scope="module", params=["demo", "2023-10-15-twin", "small twin", "two models", "sample", "sample as of"])
def paper(request, place):
    if request.param in references.SNAPSHOTS:
        return of_references(request.param, place / request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(place / "snapshots"))
        quick_figures(patch)
        if request.param == "small twin":  # the references of the twin are those of a default run, without robustness
            return of_run(place, generator.make(scale=0.003).path.name, notebooks=(*QUESTIONS, run.ROBUSTNESS), draws=19)
        if request.param == "two models":
            write("2023-10-15-two", two_models())
            return of_run(place, "2023-10-15-two", draws=19)
        file = request.getfixturevalue("dumps") / "top-models-2024-12-04.jsonl.gz"
        if not file.is_file():
            pytest.skip(f"HUB_DUMPS has no {file.name}")
        if SAMPLE not in stored.names():
            import_dumps(SAMPLE, [("commits-jsonl", file)])
        if request.param == "sample as of":
            return of_run(place, SAMPLE, notebooks=(*QUESTIONS, run.ROBUSTNESS), draws=19, as_of="2023-10-15")
        return of_run(place, SAMPLE, draws=19)


@pytest.mark.parametrize("what", PATTERNS)
def test_no_sentence_of_any_snapshot_has_this(paper, what):
    found = [
        f"{section}: {text[max(0, hit.start() - 80) : hit.end() + 40]}"
        for section, text in paper.text.items()
        for hit in re.finditer(PATTERNS[what], text)
    ]
    assert found == []


def test_a_sample_is_called_one_in_the_abstract(paper):
    coverage = paper.document["snapshot"]["tables"]["repos"].get("coverage", {})
    sampled = any(about.get("status") == "sample" for about in coverage.values())
    assert ("are a sample of the Hub's" in paper.text["abstract"]) == sampled


def test_only_a_hundred_are_called_a_hundred(paper):
    used = paper.results["rq3.all.usage.models"]["value"] or 0
    assert ("Among the hundred most used models" in paper.text["adoption"]) == (used >= 100)


def test_two_coefficients_are_compared_on_a_hundred_models_or_more(paper):
    known = [paper.results[f"rq1.models.{name}.n"]["value"] or 0 for name in ("n_likes", "n_community")]
    if min(known) < 100:
        assert "The rank correlation is" not in paper.text["activity"]


def test_a_figure_shows_pairs_only_where_one_has_a_coefficient(paper):
    pairs = [e["value"] for name, e in paper.results.items() if re.match(r"rq1\.(models|datasets|spaces)\.pearson\.", name)]
    assert ("shows all pairs" in paper.text["activity"]) == any(value is not None for value in pairs)


def test_each_finding_says_whether_it_stands_or_the_section_on_it_that_this_was_not_run(paper):
    ran = "robustness.top100.models" in paper.results
    text = " ".join(paper.text[section] for section in ("activity", "collaboration", "adoption"))
    assert ran or ("Does it stand?" not in text and "Looked at otherwise:" not in text)
    assert ("whether its findings stand is open here" in paper.text["robustness"]) == (not ran)


def value_of(paper, name: str) -> float | str | None:
    return paper.results.get(name, {"value": None})["value"]


def test_a_finding_that_its_tests_do_not_establish_does_not_stand(paper):
    """Found from the results again, for each line that says yes: what an adjusted p, five intervals and two null models say."""
    yes = Counter(re.findall(r"Does it stand\? Yes, ([a-z ]+)", " ".join(paper.text.values())))
    of_all = value_of(paper, "rq1.models.mannwhitney.n_likes.permissive_vs_restrictive.p_holm")
    likes = of_all, value_of(paper, "robustness.strata_p.same_of_all_three.n_likes")
    assert yes["among models of a kind too"] <= all(p is not None and p < 0.05 for p in likes)
    signs = 0
    for pair in ("n_community.n_likes", "n_likes.n_usage_spaces"):
        name = f"robustness.correlation.models.{pair}"
        ends = [value_of(paper, f"{name}.{kind}_{end}") for kind in KINDS for end in ("low", "high")]
        signs += None not in ends and (min(ends) > 0 or max(ends) < 0)
    assert yes["in its sign"] == signs
    beyond = 0
    for measure in ("recip", "arcc", "ass", "kmax"):
        of_nulls = [f"robustness.null.{model}.all.{measure}" for model in ("degrees", "seats")]
        seen, low, high = zip(*([value_of(paper, f"{null}.{what}") for what in WHERE] for null in of_nulls), strict=True)
        stands = None not in (*seen, *low) and (seen[0] > max(0, *high) or seen[0] < min(0, *low))
        if measure == "recip" and stands:  # a third null model: leaders drawn anew in each repository
            mine, most = (value_of(paper, f"rq2.all.edge_rule.{what}") for what in ("observed", "null_high"))
            stands = None in (mine, most) or mine > most
        beyond += stands
    assert yes["beyond both null models"] == beyond


@pytest.mark.parametrize(
    ("sentence", "what"),
    [
        ("Its 95 % interval, 0.50 to 0.55, excludes one half.", "an interval set beside one half with two decimals"),
        ("80 % of the total is held by 52.8 % for commits.", "a share of nothing"),
        ("The network has 1 edges.", "one of many"),
        ("above one half for 0 of 2 (permissive against none)", "a direction of none"),
        ("The largest number is .", "a word is missing before a stop"),
    ],
)
def test_the_patterns_find_what_they_are_for(sentence, what):
    assert re.search(PATTERNS[what], sentence)
