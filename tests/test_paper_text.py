"""The paper's text holds no typed-in result, and reads correctly whatever the snapshot covers.

Renders paper/sections/ and paper/findings/ with made-up results (DESIGN: results, ids), scans them and paper/main.tex, then
compiles the macros of hubpaper.sty and the whole paper.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis import paths, report, templates
from analysis.parameters import Parameters

PAPER = paths.PAPER

TABLES = set(
    """coverage left_out rq1_concentration rq1_licenses rq1_mannwhitney rq2_developers rq2_centrality rq2_core_repositories
    rq3_degree rq3_organisations_usage rq3_organisations_cousage rq3_correlation colophon ledger_summary audit unmatched
    people_before_after people_score people_score_truth
    robustness_edge_rules robustness_file_edges robustness_null_degrees robustness_null_seats robustness_core_periphery
    robustness_tails robustness_concentration robustness_correlations robustness_rank_correlations robustness_licences
    robustness_strata
    robustness_multimodal robustness_organisations beside_runs beside_counts beside_names beside_results""".split()
) | {f"facsimile_{number}" for number in range(2, 10)}
FIGURES = set(
    "verdict_map rq1_distributions rq1_correlations rq1_license_correlations rq2_distributions rq3_distributions "
    "people_sensitivity people_score beside_shifts robustness_lorenz".split()
)
META = set(
    """snapshot date as_of source origin licence commit hash parameters conventions bots identities
    python twin before_dates""".split()
)

# The only digits the text may show as \method{...}: choices of the method, with their place in the study.
CONSTANTS = {
    "80": "share of the total that concentration asks for (section 4.1.1), and the least threshold of a merge",
    "99": "the second such share (section 4.1.1)",
    "95": "level of the confidence intervals, a choice of this project",
    "99.9": "quantile of the values that correlations are given without, a choice of this project",
    "90": "threshold of a merge, as in the authors' scripts",
    "100": "the largest similarity of two names",
    "1": "k of the whole network without isolates (Table 6)",
    "5": "k of a core (Table 6)",
    "10": "k of a core (Table 6), and the top share of the rich-club coefficient (Table 1)",
}
THRESHOLDS = {  # what `compare` sets a result beside
    "0": "sign of a coefficient, or of a difference in months",
    "0.5": "no tendency, for a probability of superiority; most, for a share",
    "0.1": "a tenth of the repositories, for a concentration",
    "1": "one month, which takes the singular",
}

# What \method, \study (a section of the study) and \studytable may hold.
FIXED = {"method": "|".join(CONSTANTS), "study": r"[1-6](\.[1-9]){0,2}", "studytable": "[1-9]"}
HARMLESS = (r"\bRQ[1-3]\b", r"\bF1\b", r"\\\\\[[\d.]+(pt|em|cm)\]", r"\\[a-z]+=-?[\d.]+(em|pt)?", r"\.\d+\\linewidth")

# -------------------------------------------------------------------------------- reading LaTeX
# Leading arguments that hold no text: ids, keys, labels, file names, lengths, column layouts.
SILENT = {
    **dict.fromkeys(["val", "meta", "multicolumn"], 1),
    **dict.fromkeys(["setlength", "setcounter", "multicolumn"], 2),
    **dict.fromkeys(["cite", "citet", "citep", "ref", "label", "input", "includegraphics", "bibliography"], 1),
    **dict.fromkeys(["bibliographystyle", "documentclass", "usepackage", "parbox", "hspace", "vspace", "beside"], 1),
}
ENVIRONMENT_LAYOUT = {"tabular": 1, "tabularx": 2, "tabular*": 2}
LAYOUT_COMMANDS = set("arraystretch topfraction bottomfraction textfraction floatpagefraction headrulewidth".split())


def without_comments(text: str) -> str:
    """The text with each comment replaced by blanks (an escaped percent sign starts none)."""
    return re.sub(r"(?<!\\)%.*", lambda match: " " * len(match.group()), text)


def group_end(text: str, start: int) -> int:
    """Position after the brace group or option that opens at start; ValueError where it never closes."""
    opening, closing = text[start], {"{": "}", "[": "]"}[text[start]]
    depth = 0
    for position in range(start, len(text)):
        if text[position - 1] == "\\" and text[position - 2] != "\\":
            continue
        depth += (text[position] == opening) - (text[position] == closing)
        if depth == 0:
            return position + 1
    raise ValueError(f"group at {text[start : start + 30]!r} does not close")


def arguments(text: str, position: int, count: int) -> list[tuple[int, int]]:
    """Spans (inside the braces) of up to count arguments from position on; options are passed over."""
    spans: list[tuple[int, int]] = []
    while len(spans) < count:
        position += len(text[position:]) - len(text[position:].lstrip())
        if text[position : position + 1] not in ("{", "["):
            break
        end = group_end(text, position)
        if text[position] == "{":
            spans.append((position + 1, end - 1))
        position = end
    return spans


def commands(text: str):
    """Pairs (name, position after the name) of the commands in the text."""
    return ((match.group(1), match.end()) for match in re.finditer(r"\\([A-Za-z]+)\*?", text))


def typed_results(source: str) -> list[str]:
    """What stands around each digit of the source that does not come from results.json."""
    text = without_comments(source)
    shown = list(text)

    def hide(start: int, end: int) -> None:
        shown[start:end] = " " * (end - start)

    for name, position in commands(text):
        if name in SILENT:
            spans = arguments(text, position, SILENT[name])
            hide(position, spans[-1][1] if spans else position)
        elif name in ("method", "study", "studytable"):
            ((start, end),) = arguments(text, position, 1)
            if re.fullmatch(FIXED[name], text[start:end]):
                hide(start, end)
        elif name == "begin":
            (start, end), *_ = arguments(text, position, 1)
            layout = arguments(text, end + 1, ENVIRONMENT_LAYOUT.get(text[start:end], 0))
            hide(position, layout[-1][1] if layout else end)
        elif name == "renewcommand":
            (start, end), (body, body_end) = arguments(text, position, 2)
            if text[start:end].lstrip("\\") in LAYOUT_COMMANDS:
                hide(body, body_end)
    rest = "".join(shown)
    for harmless in HARMLESS:
        rest = re.sub(harmless, lambda match: " " * len(match.group()), rest)
    places = [match.span() for match in re.finditer(r"\d[\d.,]*", rest)]
    return [source[max(0, start - 30) : end + 20].replace("\n", " ") for start, end in places]


def named(command: str, text: str) -> list[str]:
    """Arguments of a one-argument command, a comma list split."""
    spans = [arguments(text, position, 1)[0] for name, position in commands(text) if name == command]
    return [part.strip() for start, end in spans for part in text[start:end].split(",")]


# -------------------------------------------------------------------------------- made-up results
ALWAYS = ("snapshot.", "ledger.", "audit.")  # these need no table of the snapshot
TEXTS = (".source", ".model", ".organisation", ".identifier", ".repository")


class MadeUp(dict):
    """Results for every id that is asked for: a value where has_value takes the id, else a reason."""

    def __init__(self, has_value):
        super().__init__()
        self.has_value = has_value

    def __missing__(self, name: str) -> dict:
        entry = {"notebook": "rq1_activity", "cell": 1, "value": len(self) + 0.25}
        if not (self.has_value(name) or name.startswith(ALWAYS)):
            entry |= {"value": None, "why": "REASON"}
        elif name.endswith("month"):
            entry |= {"value": "a month"}
        elif name.endswith(TEXTS):
            entry |= {"value": "some_owner/some-model"}
        self[name] = entry
        return entry

    def get(self, name: str, default=None) -> dict:
        return self[name]

    def __contains__(self, name: str) -> bool:
        return True


def everything(name: str) -> bool:
    return True


def nothing(name: str) -> bool:
    return False


def document(has_value, *, synthetic: bool = False, **parameters) -> dict:
    values = Parameters(snapshot_date="a-snapshot", **parameters).recorded()
    return {"results": MadeUp(has_value), "parameters": values, "snapshot": {"synthetic": synthetic}}


SOURCE = {"census": True, "samples": "models", "source_reasons": ["a reason"]}
META_TEXTS = {key: key.replace("_", "-") for key in META}


def words(has_value):
    """The environment of the sections, with made-up results."""
    return templates.environment(
        templates.LatexWords(MadeUp(has_value)), parameters=Parameters().recorded(), meta=META_TEXTS, synthetic=False,
        **SOURCE,
    )  # fmt: skip


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> dict[str, tuple[dict, dict[str, str]]]:
    """Variant -> document and the LaTeX of main.tex and every section; together they take every branch."""
    variants = {
        "everything": document(everything),
        "nothing": document(nothing, synthetic=True, as_of="2023-01-01"),
        "otherwise": document(everything, synthetic=True, conventions="authors", bots="include", identities="raw"),
    }
    found = {}
    for variant, made in variants.items():
        folder = tmp_path_factory.mktemp(variant)
        meta = META_TEXTS | {"twin": "yes" if variant == "nothing" else "no"}
        templates.write_sections(folder, made, meta, **SOURCE)
        files = [PAPER / "main.tex", *PAPER.glob("sections/*.tex"), *folder.glob("sections/*.tex")]
        found[variant] = made, {file.name: file.read_text(encoding="utf-8") for file in sorted(files)}
    return found


@pytest.fixture(scope="session")
def sources(rendered) -> dict[str, str]:
    """The LaTeX of a paper in which everything is covered."""
    return rendered["everything"][1]


@pytest.fixture(scope="session")
def whole(sources) -> str:
    return "\n".join(without_comments(source) for source in sources.values())


# -------------------------------------------------------------------------------- the grammar of ids
KIND = "(models|datasets|spaces)"
VARIABLES = sorted(
    """n_likes n_downloads n_discussions n_disc_starters n_commits n_committers n_community
    n_usage_spaces""".split()
)
VARIABLE = f"({'|'.join(VARIABLES)})"
PAIR = "(" + "|".join(f"{a}\\.{b}" for i, a in enumerate(VARIABLES) for b in VARIABLES[i + 1 :]) + ")"
GROUPS = "(permissive_vs_restrictive|permissive_vs_none|restrictive_vs_none)"
FIELD = "(all|cv|nlp|mm)"
GRAMMAR = [
    rf"rq1\.{KIND}\.count",
    rf"rq1\.{KIND}\.{VARIABLE}\.(n|mean|std|min|q25|q50|q75|max|zero_share|share_for_80|share_for_99)",
    rf"rq1\.{KIND}\.(pearson|spearman)\.{PAIR}",
    rf"rq1\.models\.(permissive|restrictive|none)\.pearson\.{PAIR}",
    rf"rq1\.{KIND}\.(unlicensed_share|license_share\..+)",
    rf"rq1\.models\.mannwhitney\.{VARIABLE}\.{GROUPS}\.(u|p|p_holm|superiority)",
    rf"rq2\.{FIELD}\.(developers|isolates|isolate_share)",
    rf"rq2\.{FIELD}\.(k1|k5|k10|kmax)\."
    "(k|nodes|edges|mod|com|mod_weighted|com_weighted|dens|recip|arcc|ass|ad|acc)",
    r"rq2\.all\.(degree|pagerank)\.(mean|median|std|max)",
    rf"rq3\.{FIELD}\.usage\.(models|spaces|links)",
    rf"rq3\.{FIELD}\.usage\.degree\.(mean|median|std|max)",
    rf"rq3\.{FIELD}\.usage\.top\.[1-9]\d*\.(model|spaces)",
    rf"rq3\.{FIELD}\.cousage\.(models|edges)",
    rf"rq3\.{FIELD}\.(usage|cousage)\.top100\.organisation\..+",
    r"rq3\.correlation\.(all|used)\.(n_likes|n_downloads)",
]
EXTRAS = [  # ids that the paper needs beside those of DESIGN
    rf"rq1\.models\.mannwhitney\.{VARIABLE}\.{GROUPS}\.superiority_(low|high)",
    rf"rq1\.models\.mannwhitney\.{GROUPS}\.(tested|higher)",
    r"rq1\.models\.group\.(permissive|restrictive|none)\.count",
    r"rq2\.all\.edge_rule\.(observed|same_repository|null_mean|null_low|null_high)",
    r"rq2\.all\.kmax\.carrier\.(repository|members|share)",
    rf"rq1\.{KIND}\.license\.rank\.[1-3]\.(identifier|share)",
    rf"rq3\.{FIELD}\.(usage|cousage)\.top100\.rank\.[1-5]\.(organisation|models)",
    r"people\.sensitivity\.(no-merging|as-run|(study|ours)-(80|85|90|95|100))-bots-(excluded|included)\."
    "(names|merged|refused|largest|developers|isolates|isolate_share"
    "|k1\\.(k|nodes|edges|mod|com|dens|recip|arcc|ass|ad|acc))",
    r"people\.score\.(truth\.)?((study|ratio|jaro-winkler|ours)-(80|85|90|95|100)|(chosen-on|held-out)\.(study|ours))"
    r"\.login-(login|name)\.(precision|recall|f1)",
    r"people\.score\.(persons|aliases|source|login-(login|name)\.positives)",
    r"snapshot\.month",
    r"robustness\.edge_rule\.[a-z_0-9]+\.(nodes|recip|kmax)",
    r"robustness\.file_edges\.all\.(repository|file)\.(nodes|edges|recip|kmax)",
    rf"robustness\.null\.(degrees|seats)\.{FIELD}\.[a-z_.]+\.(observed|excess|null_low|null_high|reading)",
    r"robustness\.without_(repository\.kmax\.(repository|without|observed)|account\.(lowest|highest)_k)",
    rf"robustness\.tails\.models\.({VARIABLE}|degree)\.reading",
    rf"robustness\.concentration\.models\.{VARIABLE}\.(gini|gini_low|gini_high|top_10)",
    rf"robustness\.correlation\.models\.{PAIR}\.(pearson|without_top|on_logs|spearman|kendall)(_low|_high)?",
    rf"robustness\.(licences|strata|strata_p)\.[a-z_]+\.{VARIABLE}",
    r"robustness\.mm\.(as_given|without_feature_extraction)\.(nodes|recip)",
    r"robustness\.top100\.(models|(accounts|organisations)\.(count|first\.models))",
    r"ledger\.(study_month|months_after|months_apart)",
    r"ledger\.(calibrated|input|implied|parameter|emergent|all)\.(matches|differs|undecided|not_covered|impossible|total|compared)",
    r"ledger\.(emergent\.matching\.share|tautologies\.total)",
    r"ledger\.why\.[a-z]+",
    rf"beside\.{KIND}\.(repositories|{VARIABLE})\.(first|second|first_in_both|second_in_both|repositories|same\.share)",
    rf"beside\.{KIND}\.names\.(commits|alike\.share|(people_|several_)?(first|second))",
    r"beside\.((first|second)\.(snapshot|date|source)|days_apart|results\.(compared|same)|(verdicts|orders)\.(compared|changed))",
    r"audit\.[a-z_]+\.(total|consistent|contradicted|undecided)",
    r"audit\.groups\.(permissive|restrictive|none|permissive_low|permissive_high)",
    r"audit\.(order\.(least|most)|whole\.(top|needed|allowed)|isolates\.((low|high)\.share|most_developers))",
]
ID = re.compile("|".join(f"(?:{rule})" for rule in GRAMMAR + EXTRAS))


@pytest.mark.parametrize(
    "name",
    [
        "rq1.models.count",
        "rq1.spaces.n_disc_starters.q75",
        "rq1.datasets.spearman.n_disc_starters.n_discussions",
        "rq1.models.license_share.apache-2.0",
        "rq2.nlp.kmax.com_weighted",
        "rq3.mm.usage.top.12.model",
    ],
)
def test_grammar_takes_the_ids_of_the_design(name):
    assert ID.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        "rq1.model.count",
        "rq1.models.pearson.n_likes.n_community",  # not in alphabetical order
        "rq1.models.pearson.n_likes.n_likes",
        "rq2.cv.degree.mean",  # given for all models only
        "rq2.all.k2.nodes",
        "rq3.all.usage.top.0.model",
    ],
)
def test_grammar_refuses_what_the_design_does_not_name(name):
    assert not ID.fullmatch(name)


def test_every_id_in_the_text_follows_the_grammar(rendered):
    asked = {name for made, _ in rendered.values() for name in made["results"]}
    assert [name for name in sorted(asked) if not ID.fullmatch(name)] == []
    assert {name.split(".")[0] for name in asked} == {
        "rq1", "rq2", "rq3", "people", "robustness", "snapshot", "ledger", "audit", "beside",
    }  # fmt: skip


def test_every_meta_key_in_the_text_is_one_that_the_build_writes(rendered):
    text = "\n".join(without_comments(source) for _, files in rendered.values() for source in files.values())
    assert set(named("meta", text)) <= META


# -------------------------------------------------------------------------------- no typed-in result
def test_no_result_is_typed_into_the_text(rendered):
    for variant, (_, files) in rendered.items():
        for name, source in files.items():
            assert typed_results(source) == [], (variant, name)


@pytest.mark.parametrize(
    "sentence",
    [
        r"91\,\% of the models have no likes.",
        r"In \textbf{0.75} of all cases.",
        r"The correlation is $\rho = 0.66$.",
        r"\caption{Activity ($n$ = 348,181).}",
        '[% if has("rq1.models.count") %]348,181 models[% endif %]',
        '[[ listed("Of the ", ["7 models"], ".") ]]',
        '[[ listed("Of the 7 ", [val("rq1.models.count", "models")], ".") ]]',
        '[[ compare("rq1.models.count", "rq1.spaces.count", "7 more", "7 fewer", "7 equal") ]]',
        "[[ method(348181) ]]",
        "[[ percent(42) ]]",
        r"\study{0.75}",
        r"\studytable{12}",
        '[[ val("rq1.models.count") ]]7',
        r"a share of \% 42 of all",
        r"RQ4 or RQ12",
        r"\footnote{Measured 3 times.}",
        r"\begin{tabular}{lr} likes & 12 \end{tabular}",
    ],
)
def test_scanner_finds_a_typed_result(sources, sentence):
    text, wrong = sources["activity.tex"], words(everything).from_string(sentence).render()
    assert typed_results(text + "\n" + wrong + "\n")
    assert typed_results(wrong + "\n" + text)


@pytest.mark.parametrize(
    "sentence",
    [
        r"a word % 91 in a comment",
        '[[ val("rq1.models.n_likes.share_for_80") ]] hold [[ percent(80) ]] of the total.',
        r"As in \study{4.1.3} and \studytable{5} \citep[see][]{holm1979}.",
        r"RQ1 to RQ3, Section~\ref{sec:part2}.",
        '[[ compare("rq2.all.k1.ass", 0, "positive", "negative", "zero") ]]',
        r"\begin{tabularx}{.5\linewidth}{p{3cm}X} likes & \val{rq1.models.count} \end{tabularx}",
    ],
)
def test_scanner_passes_what_is_not_a_result(sentence):
    assert typed_results(words(everything).from_string(sentence).render()) == []


def test_scanner_finds_each_value_that_is_replaced_by_its_number(sources):
    for name, source in sources.items():
        plain = without_comments(source)
        for match in re.finditer(r"\\val\{[^}]*\}", plain):
            assert typed_results(plain[: match.start()] + "0.31" + plain[match.end() :]), (name, match.group())


def test_each_constant_of_the_method_is_used_and_has_its_reason(whole):
    assert set(named("method", whole)) == set(CONSTANTS)
    assert all(CONSTANTS.values())


def test_a_result_is_compared_with_nothing_but_thresholds_that_have_a_reason():
    files = [*PAPER.glob("sections/*.j2"), *PAPER.glob("findings/*.j2")]
    calls = [call for file in files for call in re.findall(r"compare\([^,]+, ([\d.]+),", file.read_text(encoding="utf-8"))]
    assert set(calls) == set(THRESHOLDS)


# -------------------------------------------------------------------------------- structure
def test_all_generated_tables_and_figures_are_shown_once(whole):
    files = [name for name in named("input", whole) if "/" in name and not name.startswith("sections/")]
    assert sorted(files) == sorted([f"tables/{name}" for name in TABLES] + [f"figures/{name}" for name in FIGURES])


def test_main_reads_every_section(sources):
    inputs = {name for name in named("input", without_comments(sources["main.tex"])) if name.startswith("sections/")}
    assert inputs == {f"sections/{path.name.split('.')[0]}" for path in PAPER.glob("sections/*")}


def test_braces_and_environments_are_balanced(rendered):
    for variant, (_, files) in rendered.items():
        for name, source in files.items():
            text = re.sub(r"\\[\\{}]", "  ", without_comments(source))
            depth = 0
            for character in text:
                depth += (character == "{") - (character == "}")
                assert depth >= 0, (variant, name)
            assert depth == 0, (variant, name)
            for environment in set(re.findall(r"\\begin\{(\w+\*?)\}", text)):
                assert text.count(rf"\begin{{{environment}}}") == text.count(rf"\end{{{environment}}}"), environment
            assert len(re.findall(r"\\if(?:synthetic|asof)\b", text)) == len(re.findall(r"\\fi(?![a-z])", text))


def test_every_reference_has_its_label(whole):
    assert set(named("ref", whole)) <= set(named("label", whole))
    labels = named("label", whole)
    assert len(labels) == len(set(labels))


def test_citations_and_bibliography_agree(whole):
    cited = {key for command in ("cite", "citet", "citep") for key in named(command, whole)}
    bibliography = (PAPER / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{([^,]+),", bibliography, flags=re.MULTILINE)
    assert len(entries) == len(set(entries))
    assert set(entries) == cited


# -------------------------------------------------------------------------------- compiled with TeX
def needs_tex(test):
    """Mark a test that compiles; it is skipped where a program is absent."""
    absent = [program for program in ("pdflatex", "pdftotext") if not shutil.which(program)]
    return pytest.mark.tex(pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")(test))


def compiled(folder: Path, main: Path, *, passes: int = 1, clock: int = 0) -> tuple[str, str]:
    """Text of the PDF that pdflatex makes of main with folder's files, and the log; fails where TeX does."""
    environment = {
        **os.environ,
        "TEXINPUTS": f"{folder}:{PAPER}:",
        "SOURCE_DATE_EPOCH": str(clock),
        "max_print_line": "1000",
    }
    command = [
        "pdflatex",
        "-interaction=nonstopmode",
        "-halt-on-error",
        f"-output-directory={folder}",
        str(main),
    ]
    for last in [False] * (passes - 1) + [True]:
        call = command if last else [command[0], "-draftmode", *command[1:]]
        done = subprocess.run(call, env=environment, cwd=PAPER, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    pdf = folder / f"{main.stem}.pdf"
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True)
    return done.stdout.decode(), (folder / f"{main.stem}.log").read_text(encoding="utf-8", errors="replace")


MACROS = r"""
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage[paperwidth=60cm,textwidth=50cm]{geometry}
\usepackage{hubpaper}
\usepackage[hidelinks]{hyperref}
\defval{rq1.models.count}{348,181}
\defval{odd@id-with.n_x}{-0.49}
\defval{rq3.all.usage.top.1.model}{a\_b/\allowbreak{}c\%\#\&\$\{\}\textbackslash{}é}
\defmissing{x.a}{the table n\_x is absent.}
\defmeta{conventions}{corrected}
\defmeta{source}{A dump. }
\setlength{\parindent}{0pt}
\begin{document}
\section{S0[\val{rq1.models.count} \val{x.a} \val{no.such_id}]}
\defbeside{rq1.models.count}{about 348,000}{matches, as made}
B0[\val{rq1.models.count}\beside{rq1.models.count}] B1[\val{x.a}\beside{x.a}]
A0[\val{rq1.models.count}] A1[\val{x.a}] A2[\val{no.such_id}] A3[\val{odd@id-with.n_x}]
E0[\val{rq3.all.usage.top.1.model}] E1[\meta{conventions}] E2[\meta{source}] E3[\meta{nothing}]
E4[\ifsynthetic yes\else no\fi] E5[\ifasof yes\else no\fi]
\begin{table}[h]\caption{F0[\val{rq1.models.count}]}\end{table}
\begin{table}[h]\fittable{\begin{tabular}{l}%
\hubcell{matches}{strong}{C0[1]}\\ \hubcell{impossible}{pale}{C1[2]}\end{tabular}}\end{table}
\begin{table}[h]\fittable{F1[a sentence in place of a table]}\end{table}
\synthetictrue G0[\ifsynthetic yes\else no\fi] \asoftrue G1[\ifasof yes\else no\fi]
\end{document}
"""
EXPECTED = {
    "S0": "348,181 not covered ??",
    "A0": "348,181",
    "B0": "348,181 (study: about 348,000, matches, as made)",
    "B1": "not covered",
    "C0": "1",
    "C1": "2",
    "A1": "not covered",
    "A2": "??",
    "A3": "-0.49",
    "E0": "a_b/c%#&${}\\é",
    "E1": "corrected",
    "E2": "A dump",
    "E3": "??",
    "E4": "no",
    "E5": "no",
    "F0": "348,181",
    "F1": "a sentence in place of a table",
    "G0": "yes",
    "G1": "yes",
}


@needs_tex
def test_macros_print_values_and_texts(tmp_path):
    (tmp_path / "macros.tex").write_text(MACROS, encoding="utf-8")
    text, log = compiled(tmp_path, tmp_path / "macros.tex", passes=2)
    text = text.replace("ﬁ", "fi")
    found = re.findall(r"\b([A-Z]\d)\[(.*?)\]", text, flags=re.DOTALL)
    assert {key: " ".join(value.split()) for key, value in found} == EXPECTED
    unknown = set(re.findall(r"numbers\.tex does not define '([^']+)'", log))
    assert unknown == {"no.such_id", "nothing"}
    assert "Overfull" not in log


def made_up_run(folder: Path, has_value, *, synthetic: bool = False) -> None:
    """Write sections, numbers.tex, tables and figures of a run with made-up results."""
    made = document(has_value, synthetic=synthetic)
    templates.write_sections(folder, made, META_TEXTS, **SOURCE)
    report.write_numbers(folder, made["results"], META_TEXTS, synthetic=synthetic, as_of=False)
    # A guard that lets a missing value into a sentence would print this word.
    with (folder / "numbers.tex").open("a", encoding="utf-8") as file:
        file.write("\\renewcommand*\\notcoveredtext{FALLBACK}\n")
    for kind, names in (("tables", TABLES), ("figures", FIGURES)):
        (folder / kind).mkdir()
        for name in names:
            (folder / kind / f"{name}.tex").write_text("\\begin{tabular}{l}a table or figure\\end{tabular}\n")
    for name in ("audit", "unmatched"):  # as long as they are, they set their captions themselves
        text = f"\\begin{{longtable}}{{l}}\\{name}caption a table\\end{{longtable}}\n"
        (folder / "tables" / f"{name}.tex").write_text(text)


def all_but_what_can_be_undefined(name: str) -> bool:
    """No value for the measures that a small or degenerate snapshot leaves undefined one by one."""
    measures = "ass|arcc|recip|dens|mod|com|mod_weighted|com_weighted|acc|std|zero_share|share_for_80|share_for_99"
    tests = "isolate_share|superiority_low|superiority_high|p|p_holm"
    return not re.search(rf"\.({measures}|{tests})$|pearson|spearman|correlation", name)


def models_without_commits(name: str) -> bool:
    return name.startswith("rq1.models.") and not re.search("commit|community|disc|usage", name)


@needs_tex
@pytest.mark.parametrize(
    ("has_value", "says", "says_not"),
    [
        pytest.param(everything, "innermost core", "by this snapshot", id="everything"),
        pytest.param(nothing, "Activity is not covered by this snapshot", "models hold", id="nothing"),
        pytest.param(
            models_without_commits,
            "network of collaboration is not covered",
            "isolates:",
            id="models-without-commits",
        ),
        pytest.param(
            lambda name: name.startswith("rq3."),
            "Activity is not covered",
            "On average a model has",
            id="links-only",
        ),
        pytest.param(
            lambda name: name.startswith(("rq2.all.developers", "rq2.all.isolate")),
            "There is no network without them: REASON",
            "innermost core",
            id="isolates-only",
        ),
        pytest.param(
            all_but_what_can_be_undefined,
            "innermost core",
            "assortativity of the whole",
            id="undefined-measures",
        ),
    ],
)
def test_paper_reads_correctly_whatever_the_snapshot_covers(tmp_path, has_value, says, says_not):
    made_up_run(tmp_path, has_value)
    text, log = compiled(tmp_path, PAPER / "main.tex", passes=2)
    text = " ".join(text.replace("ﬁ", "fi").split())
    assert "??" not in text
    assert "FALLBACK" not in text
    assert says in text
    assert says_not not in text
    assert "does not define" not in log
    assert [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(width) > 10] == []


@needs_tex
def test_synthetic_data_is_said_on_every_page(tmp_path):
    made_up_run(tmp_path, everything, synthetic=True)
    text, _ = compiled(tmp_path, PAPER / "main.tex")
    pages = [page for page in text.split("\f") if page.strip()]
    assert len(pages) > 5
    assert all("Synthetic data: not an observation of the Hub" in page for page in pages)
    assert "was generated by a program" in pages[0]


@needs_tex
def test_same_input_gives_the_same_bytes_in_any_folder_on_any_day(tmp_path):
    made = []
    for name, clock in (("first", 0), ("second", 1_700_000_000)):
        (tmp_path / name).mkdir()
        made_up_run(tmp_path / name, everything)
        compiled(tmp_path / name, PAPER / "main.tex", clock=clock)
        made.append((tmp_path / name / "main.pdf").read_bytes())
    assert made[0] == made[1]
