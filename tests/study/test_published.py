"""The study's numbers are transcribed as printed, and the ledger judges ours by their printed digits."""

import math
import os
import random
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import report
from analysis.study import published, verdicts

STUDY = Path(os.environ.get("HUB_STUDY", "")) / "osborne-2024.txt"
needs_study = pytest.mark.skipif(
    not os.environ.get("HUB_STUDY") or not STUDY.is_file(),
    reason="HUB_STUDY does not name a folder with osborne-2024.txt",
)
HEADER = "id,value,decimals,operator,place,kind,note\n"
ROW = "rq1.models.count,348181,0,=,§1,calibrated,"


def book(folder: Path, *rows: str) -> pd.DataFrame:
    (folder / "rows.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return published.printed_values(folder)


def entry(folder: Path, row: str, results: dict, **options) -> pd.Series:
    return verdicts.judged(results, book(folder, row), **options).iloc[0]


# --- the ledger's rules, by hand --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "decimals", "operator", "ours", "verdict"),
    [
        ("348181", 0, "=", 348181, verdicts.MATCHES),
        ("348181", 0, "=", 348182, verdicts.DIFFERS),
        ("4.10", 2, "=", 4.1045, verdicts.MATCHES),
        ("4.10", 2, "=", 4.105, verdicts.MATCHES),
        ("4.10", 2, "=", 4.0949, verdicts.DIFFERS),
        ("0.91", 2, "=", 0.9149, verdicts.MATCHES),
        ("0.6467", 4, "=", 0.6468, verdicts.DIFFERS),
        ("-0.00", 2, "=", -0.004, verdicts.MATCHES),
        ("0.001", 3, "<", 0.0009, verdicts.MATCHES),
        ("0.001", 3, "<", 0.001, verdicts.DIFFERS),
        ("0.70", 2, ">", 0.7099, verdicts.MATCHES),
        ("0.70", 2, ">", 0.70, verdicts.DIFFERS),
        ("100000", 0, "about", 105000, verdicts.MATCHES),
        ("100000", 0, "about", 94999, verdicts.DIFFERS),
    ],
)
def test_a_value_is_judged_by_its_operator_and_printed_digits(tmp_path, value, decimals, operator, ours, verdict):
    row = f"rq1.models.count,{value},{decimals},{operator},§1,calibrated,"
    found = entry(tmp_path, row, {"rq1.models.count": ours})
    assert found["verdict"] == verdict
    assert found["difference"] == pytest.approx(ours - float(value))


@pytest.mark.parametrize(
    ("value", "decimals", "operator", "expected"),
    [("4.10", 2, "=", 0.005), ("348181", 0, "=", 0.5), ("100000", 0, "about", 5000), ("0.001", 3, "<", 0)],
)
def test_tolerance_is_half_a_unit_of_the_last_printed_digit(tmp_path, value, decimals, operator, expected):
    row = f"rq1.models.count,{value},{decimals},{operator},§1,calibrated,"
    assert entry(tmp_path, row, {})["tolerance"] == pytest.approx(expected)


@pytest.mark.parametrize("results", [{}, {"rq1.models.count": None}, {"rq1.models.count": math.nan}])
def test_an_absent_result_is_not_covered_and_has_no_difference(tmp_path, results):
    found = entry(tmp_path, ROW, results)
    assert found["verdict"] == verdicts.NOT_COVERED
    assert math.isnan(found["difference"])


def test_text_matches_only_the_same_text(tmp_path):
    row = "rq3.all.usage.top.1.model,gpt2,,=,§4.3.1,calibrated,"
    assert entry(tmp_path, row, {"rq3.all.usage.top.1.model": "gpt2"})["verdict"] == verdicts.MATCHES
    assert entry(tmp_path, row, {"rq3.all.usage.top.1.model": "gpt3"})["verdict"] == verdicts.DIFFERS


def test_an_undefined_value_matches_only_where_the_rest_of_its_row_is_covered(tmp_path):
    row = 'rq2.all.kmax.ass,NaN,,=,"Table 6, k=26, ASS",emergent,'
    covered = {"rq2.all.kmax.nodes": 14, "rq2.all.kmax.ass": None}
    assert entry(tmp_path, row, covered)["verdict"] == verdicts.MATCHES
    assert entry(tmp_path, row, {"rq2.all.kmax.ass": None})["verdict"] == verdicts.NOT_COVERED
    assert entry(tmp_path, row, covered | {"rq2.all.kmax.ass": 0.1})["verdict"] == verdicts.DIFFERS


def test_downloads_of_spaces_are_undefined_where_spaces_are_covered(tmp_path):
    row = 'rq1.spaces.n_downloads.mean,N/A,,=,"Table 4, mean, n_downloads",calibrated,'
    assert entry(tmp_path, row, {"rq1.spaces.count": 5})["verdict"] == verdicts.MATCHES


def test_a_proof_outranks_our_value_and_is_shown(tmp_path):
    proofs = {"rq1.models.count": "No such number exists."}
    found = entry(tmp_path, ROW, {"rq1.models.count": 348181}, proofs=proofs)
    assert (found["verdict"], found["note"]) == (verdicts.IMPOSSIBLE, "No such number exists.")


def test_a_row_without_id_stays_in_the_ledger(tmp_path):
    assert entry(tmp_path, ',30,0,=,§5.2.3,emergent,"days"', {})["verdict"] == verdicts.NOT_COVERED


def test_the_ledger_leaves_its_input_as_it_was(tmp_path):
    frame = book(tmp_path, ROW)
    before = frame.copy()
    verdicts.judged({"rq1.models.count": 1}, frame)
    pd.testing.assert_frame_equal(frame, before)


def test_summary_counts_every_row_once_by_section_and_kind(tmp_path):
    frame = book(
        tmp_path,
        ROW,
        'rq2.all.k1.nodes,5,0,=,"Table 6, k=1, Nodes",calibrated,',
        'rq2.all.k1.com,2,0,=,"Table 6, k=1, COM",emergent,',
        'rq2.all.k1.acc,0.10,2,=,"Table 6, k=1, ACC",emergent,',
    )
    table = verdicts.verdicts_by_section(verdicts.judged({"rq2.all.k1.com": 2, "rq2.all.k1.acc": 0.2}, frame))
    assert list(table["section"]) == ["§1", "Table 6", "Table 6", "all", "all"]
    assert list(table["kind"]) == ["calibrated", "calibrated", "emergent", "calibrated", "emergent"]
    assert list(table[verdicts.MATCHES]) == [0, 0, 1, 0, 1]
    assert list(table[verdicts.DIFFERS]) == [0, 0, 1, 0, 1]
    assert list(table["total"]) == [1, 1, 2, 2, 2]


def test_ranges_over_cores_skip_the_undefined_but_need_every_core():
    cores = {f"rq2.all.{core}.nodes": 9 for core in ("k1", "k5", "k10", "kmax")}
    values = {"rq2.all.k1.ass": 0.1, "rq2.all.k5.ass": -0.2, "rq2.all.k10.ass": 0.0, "rq2.all.kmax.ass": None}
    found = verdicts.derived({**cores, **values})
    assert (found["rq2.all.ass.min"], found["rq2.all.ass.max"]) == (-0.2, 0.1)
    assert "rq2.all.ass.min" not in verdicts.derived({**cores, **values, "rq2.all.k5.nodes": None})


def test_a_joint_share_needs_every_organisation_and_never_replaces_a_result():
    names = published.LISTED["cousage"]
    counts = {f"rq3.all.cousage.top100.organisation.{name}": 10 for name in names}
    share = "rq3.all.cousage.top100.leading_share"
    assert verdicts.derived(counts)[share] == 0.5
    assert share not in verdicts.derived(dict(list(counts.items())[1:]))
    assert share not in verdicts.derived({**counts, share: 0.4})


def test_an_organisation_that_a_ranking_does_not_hold_has_no_model_and_without_a_ranking_it_is_not_covered(tmp_path):
    row = "rq3.all.usage.top100.organisation.meta,8,0,=,§4.3.2,calibrated,"
    ranked = entry(tmp_path, row, {"rq3.all.usage.top100.rank.1.models": 60})
    assert (ranked["ours"], ranked["verdict"]) == (0, verdicts.DIFFERS)
    assert entry(tmp_path, row, {"rq3.all.usage.top100.rank.1.models": None})["verdict"] == verdicts.NOT_COVERED
    assert entry(tmp_path, row, {})["verdict"] == verdicts.NOT_COVERED


def test_a_licence_that_nobody_declares_has_the_share_0_where_any_licence_is_declared(tmp_path):
    row = "rq1.models.license_share.openrail,0.14,2,=,§4.1.3,calibrated,"
    found = entry(tmp_path, row, {"rq1.models.unlicensed_share": 0.6})
    assert (found["ours"], found["verdict"]) == (0, verdicts.DIFFERS)
    for unlicensed in (None, 1.0):
        assert entry(tmp_path, row, {"rq1.models.unlicensed_share": unlicensed})["verdict"] == verdicts.NOT_COVERED


def test_organisations_that_are_listed_count_where_they_have_a_model():
    counts = {f"rq3.all.cousage.top100.organisation.{name}": 7 for name in published.LISTED["cousage"]}
    counts["rq3.all.cousage.top100.organisation.lmsys"] = 0
    assert verdicts.derived(counts)["rq3.all.cousage.top100.leading_count"] == 4


def test_models_compared_are_those_of_the_three_groups():
    sizes = {f"rq1.models.group.{group}.count": n for group, n in (("permissive", 3), ("restrictive", 2), ("none", 4))}
    found = verdicts.derived({**sizes, "rq1.models.count": 12, "rq1.models.group.unclassified.count": 3})
    assert found == {"rq1.models.grouped.count": 9, "rq1.models.grouped.share": 0.75}
    assert verdicts.derived({**sizes, "rq1.models.group.none.count": None}) == {}


def test_creative_commons_is_a_family_of_version_4():
    shares = {"cc-by-4.0": 0.1, "cc-by-nc-sa-4.0": 0.2, "cc-by-sa-3.0": 0.4, "cc0-1.0": 0.3}
    values = {f"rq1.datasets.license_share.{name}": share for name, share in shares.items()}
    name = "rq1.datasets.license_share.creative-commons-4.0"
    assert verdicts.derived({**values, "rq1.datasets.unlicensed_share": 0.5})[name] == pytest.approx(0.3)
    assert verdicts.derived({"rq1.datasets.unlicensed_share": 0.5})[name] == 0
    assert name in verdicts.derived({"rq1.datasets.unlicensed_share": 0.5}, [name])
    assert name not in verdicts.derived({"rq1.datasets.unlicensed_share": None})
    assert name not in verdicts.derived({"rq1.datasets.unlicensed_share": 1.0})  # shares of nothing


def test_the_largest_p_needs_all_24_tests():
    p = {f"rq1.models.mannwhitney.v{i}.permissive_vs_none.p": i / 100 for i in range(24)}
    assert verdicts.derived(p)["rq1.models.mannwhitney.p.max"] == 0.23
    assert "rq1.models.mannwhitney.p.max" not in verdicts.derived(dict(list(p.items())[1:]))
    assert "rq1.models.mannwhitney.p.max" not in verdicts.derived(
        p | {"rq1.models.mannwhitney.v0.permissive_vs_none.p": None}
    )


@pytest.mark.parametrize(
    ("printed", "low", "high", "verdict"),
    [
        ("0.52", 0.507, 0.542, verdicts.UNDECIDED),  # NLP, k = 10
        ("0.52", 0.517, 0.523, verdicts.MATCHES),  # however the nodes are numbered
        ("0.50", 0.507, 0.542, verdicts.DIFFERS),
        ("0.55", 0.507, 0.546, verdicts.UNDECIDED),  # 0.546 prints as 0.55
        ("0.56", 0.507, 0.546, verdicts.DIFFERS),
    ],
)
def test_where_the_numbering_of_nodes_leaves_print_open_there_is_no_verdict(tmp_path, printed, low, high, verdict):
    name = "rq2.nlp.k10.mod"
    results = {name: 0.52, f"{name}_low": low, f"{name}_high": high}
    assert entry(tmp_path, f'{name},{printed},2,=,"Table 8, k=10, MOD",input,', results)["verdict"] == verdict


def test_a_model_that_the_study_names_is_looked_up_by_its_name(tmp_path):
    rows = (
        "rq1.models.n_committers.top.3.model,a/x,,=,§4.1.1,calibrated,",
        "rq1.models.n_committers.top.3.committers,15,0,=,§4.1.1,calibrated,",
        "rq3.nlp.usage.top.1.model,gpt2,,=,§4.3.2,calibrated,",
        "rq3.nlp.usage.top.1.spaces,1001,0,=,§4.3.2,calibrated,",
        "rq3.cv.usage.top.1.model,a/gone,,=,§4.3.2,calibrated,",
        "rq3.cv.usage.top.1.spaces,500,0,=,§4.3.2,calibrated,",
    )
    committers, nlp = "rq1.models.n_committers.top", "rq3.nlp.usage.top"
    results = {
        f"{committers}.3.model": "a/w", f"{committers}.3.committers": 17,
        f"{committers}.7.model": "a/x", f"{committers}.7.committers": 15,
        f"{nlp}.1.model": "b/y", f"{nlp}.1.spaces": 2000,
        f"{nlp}.2.model": "openai-community/gpt2", f"{nlp}.2.spaces": 900,  # its later name
        "rq3.cv.usage.top.1.model": "c/z", "rq3.cv.usage.top.1.spaces": 500,
    }  # fmt: skip
    found = verdicts.judged(results, book(tmp_path, *rows)).set_index("id")
    assert found["ours"].to_dict() == {
        f"{committers}.3.model": "a/x", f"{committers}.3.committers": 15,
        f"{nlp}.1.model": "b/y", f"{nlp}.1.spaces": 900,  # it is no longer the first
        "rq3.cv.usage.top.1.model": "c/z", "rq3.cv.usage.top.1.spaces": None,  # 500 are those of another model
    }  # fmt: skip
    assert found.loc["rq3.cv.usage.top.1.spaces", "verdict"] == verdicts.NOT_COVERED
    why = {"rq3.cv.usage.top.1.spaces": "a/gone is not among the 1 model that is ranked here"}
    assert verdicts.unranked(results, book(tmp_path, *rows)) == why
    assert verdicts.unranked({}, book(tmp_path, *rows)) == {}  # no ranking was made: that has a reason of its own


def test_u_is_compared_under_the_studys_rule_where_that_was_computed(tmp_path):
    name = "rq1.models.mannwhitney.n_likes.permissive_vs_none"
    row = f'{name}.u,40,0,=,"Table 5, n_likes, U",input,'
    both = {f"{name}.u": 50, "rq1.models.common_licenses.mannwhitney.n_likes.permissive_vs_none.u": 40}
    assert entry(tmp_path, row, both)["verdict"] == verdicts.MATCHES
    assert entry(tmp_path, row, {f"{name}.u": 50})["ours"] == 50
    sizes = {f"rq1.models.common_licenses.group.{group}.count": n for group, n in
             (("permissive", 3), ("restrictive", 2), ("none", 4), ("unclassified", 3))}  # fmt: skip
    count = entry(tmp_path, "rq1.models.grouped.count,9,0,=,§3.5,calibrated,", sizes)
    assert (count["ours"], count["verdict"]) == (9, verdicts.MATCHES)


def test_what_our_data_leave_undefined_differs_from_a_printed_number(tmp_path):
    reasons = {"rq1.models.count": report.UNDEFINED}
    assert entry(tmp_path, ROW, {"rq1.models.count": None}, reasons=reasons)["verdict"] == verdicts.DIFFERS
    lacking = {"rq1.models.count": "the snapshot has no list of models"}
    assert entry(tmp_path, ROW, {"rq1.models.count": None}, reasons=lacking)["verdict"] == verdicts.NOT_COVERED


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_what_rounds_to_the_printed_value_matches_and_a_whole_unit_off_does_not(x, decimals):
    row = {"id": "a.b", "value": f"{x:.{decimals}f}", "decimals": decimals, "operator": "=", "place": "§1",
           "kind": "emergent", "note": "", "section": "§1"}  # fmt: skip
    frame = pd.DataFrame([row]).assign(number=lambda f: f["value"].astype(float))
    assert verdicts.judged({"a.b": x}, frame)["verdict"].item() == verdicts.MATCHES
    off = float(row["value"]) + 10.0**-decimals
    assert verdicts.judged({"a.b": off}, frame)["verdict"].item() == verdicts.DIFFERS


# --- the tables on disk are checked -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a.b,1,0,~,§1,calibrated,", "operator"),
        ("a.b,1.0,0,=,§1,calibrated,", "decimals"),
        ("a.b,1,,=,§1,calibrated,", "decimals"),
        ('a.b,"1,000",0,=,§1,calibrated,', "decimals"),
        ("a.b,gpt2,,<,§1,calibrated,", "text"),
        ("a.b,1,0,=,§1,made up,", "kind"),
        ("a.b,1,0,=,somewhere,calibrated,", "place"),
        ("a.b,,,=,§1,calibrated,", "empty value"),
        (",1,0,=,§1,emergent,", "neither id nor note"),
        (ROW, "second row"),
        ("rq1.models.count,348181,0,=,§6,emergent,", "another kind"),
    ],
)
def test_a_bad_row_is_refused_by_one_line_with_file_row_and_remedy(tmp_path, row, words):
    with pytest.raises(ValueError, match=words) as caught:
        book(tmp_path, ROW, row)
    message = str(caught.value)
    assert "rows.csv, row 3" in message and "\n" not in message and ";" in message


def test_unexpected_columns_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no published values"):
        published.printed_values(tmp_path)
    (tmp_path / "x.csv").write_text("id,value\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.csv: columns"):
        published.printed_values(tmp_path)


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return published.printed_values()


def test_every_cell_of_tables_2_to_9_has_a_row(values):
    cells = values["section"].value_counts()
    # Rows times columns as printed; Table 5 prints a U and a p in each of its 8 x 3 cells.
    sizes = {2: 7 * 7, 3: 7 * 7, 4: 7 * 7, 5: 8 * 3 * 2, 6: 4 * 11, 7: 3 * 11, 8: 4 * 11, 9: 4 * 11}
    assert {number: cells[f"Table {number}"] for number in sizes} == sizes


def test_without_results_nothing_matches_and_nothing_differs(values):
    assert set(verdicts.judged({}, values)["verdict"]) == {verdicts.NOT_COVERED}


def test_the_studys_own_values_match_themselves_where_it_does_not_contradict_itself(values):
    exact = values[(values["operator"] == "=") & (values["id"] != "") & values["number"].notna()]
    first = exact.sort_values("decimals", ascending=False, kind="stable").drop_duplicates("id")
    rows = verdicts.judged(dict(zip(first["id"], first["number"], strict=True)), values)
    own = rows[(rows["operator"] == "=") & rows["id"].isin(first["id"])]
    assert set(own["verdict"]) == {verdicts.MATCHES}


# --- an independent reading of the study ------------------------------------------------------------------

TABLE_ROWS = {6: "all", 7: "cv", 8: "nlp", 9: "mm"}
WORDS = {"1": ("single", "unity"), "3": ("three",), "5": ("five",)}


def study_tables() -> dict[str, str]:
    """place -> cell, read from the tab-separated tables of the study's text."""
    cells, table, header, label = {}, 0, [], ""
    for line in STUDY.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"Table (\d):", line):
            table, header = int(found[1]), []
        elif table >= 2 and "\t" in line:
            first, *rest = line.split("\t")
            if not header:
                header = rest
            elif table == 5 and first in ("-", ""):
                for name, cell in zip(study_pairs(), rest, strict=True):
                    if first == "":
                        cells[f"Table 5, {label}, {name}, p"] = cell
            else:
                label = re.sub(r" \(MAX\)", "", first)
                names = study_pairs() if table == 5 else header
                for name, cell in zip(names, rest, strict=True):
                    if table == 5:
                        place = f"Table 5, {label}, {name}, U"
                    elif table > 5:
                        place = f"Table {table}, k={label}, {name}"
                    else:
                        place = f"Table {table}, {label}, {name}"
                    cells[place] = cell
                if table > 5:
                    cells[f"Table {table}, k={label}, k-core"] = label
    return cells


def study_pairs() -> tuple[str, ...]:
    return "Permissive vs. Restrictive", "Permissive vs. No license", "Restrictive vs. No license"


def study_sections() -> dict[str, str]:
    """section -> its text without reference marks."""
    sections, name = {}, ""
    for line in STUDY.read_text(encoding="utf-8").splitlines():
        if line.strip() == "ABSTRACT":
            name = "Abstract"
        elif found := re.match(r"(\d(?:\.\d){0,2}) [A-Z\"]", line):
            name = f"§{found[1]}"
        elif line.startswith(("Acknowledgements", "Table ", "Keywords")):
            name = ""
        else:
            sections[name] = sections.get(name, "") + line + "\n"
    # The text runs "339,502" and "98%" together.
    split = {key: re.sub(r"(?<=\d{3}),(?=\d\d\\?%)", ", ", text) for key, text in sections.items()}
    return {key: re.sub(r"\[[\d, ]+\]", "", text) for key, text in split.items()}


def names_section(place: str, section: str) -> bool:
    return any(part.split(",")[0] == section for part in place.split("; "))


def printed_forms(row: pd.Series) -> list[str]:
    """The ways in which the study may print a value: separators, per cent, words, its own spelling."""
    spelled = re.search(r"Printed (?!as |in )([^;\s]+)", row["note"])
    if row["id"] == "snapshot.month":
        return ["October 2023"]
    if pd.isna(row["number"]):
        return [row["value"]] + ([spelled[1]] if spelled else [])
    decimals = int(row["decimals"])
    forms = [row["value"], f"{row['number']:,.{decimals}f}", *WORDS.get(row["value"], ())]
    if decimals >= 2:
        forms.append(f"{100 * row['number']:.{decimals - 2}f}%")
    if row["value"].startswith("0."):
        forms.append(row["value"][1:])
    return forms


def occurs(form: str, text: str) -> bool:
    plain = text.replace("\\%", "%")
    return re.search(rf"(?<![\w.]){re.escape(form)}(?!\d|[.,]\d)", plain, re.IGNORECASE) is not None


@needs_study
def test_every_table_cell_is_what_the_study_prints(values):
    cells = study_tables()
    rows = values[values["section"].str.startswith("Table")]
    assert set(rows["place"]) == set(cells)
    for row in rows.itertuples():
        cell = cells[row.place].replace(",", "")
        printed = re.fullmatch(r"\(p < ([\d.]+)\)", cell)
        assert (printed[1] if printed else cell) == row.value, row.place


@needs_study
def test_every_value_of_the_text_is_printed_in_every_section_that_its_row_names(values):
    sections = study_sections()
    rows = values[~values["section"].str.startswith("Table")]
    for _, row in rows.iterrows():
        for name in re.findall(r"Abstract|§[\d.]*\d", row["place"]):
            forms = printed_forms(row)
            assert any(occurs(form, sections[name]) for form in forms), (row["id"], name, forms)


@needs_study
def test_a_fixed_choice_of_rows_is_near_the_words_that_name_it(values):
    """Beyond the number: the sentence around it speaks of the same thing."""
    words = {
        "zero_share": "have 0|0 likes|0 discussions|0 downloads|downloaded once",
        "license_share": "license",
        "unlicensed_share": "license",
        "pearson": "correlation",
        "top100": "developed|developer|most",
        "usage.top.": "models",
        "rq2.people": "user|developer|pair",
        "kmax": "k",
        "degree": "degree|models",
    }
    rows = values[values["section"].str.startswith("§4") & values["number"].notna()]
    sections = study_sections()
    chosen = random.Random(20231015).sample(range(len(rows)), 60)
    checked = 0
    for _, row in rows.iloc[chosen].iterrows():
        pattern = next((text for key, text in words.items() if key in row["id"]), None)
        if pattern is None or row["id"].endswith(".p"):
            continue
        section = sections[row["section"]].replace("\\%", "%")
        near = [
            section[max(found.start() - 250, 0) : found.end() + 250]
            for form in printed_forms(row)
            for found in re.finditer(rf"(?<![\w.]){re.escape(form)}(?!\d|[.,]\d)", section)
        ]
        assert any(re.search(pattern, text) for text in near), row["id"]
        checked += 1
    assert checked > 20


# Numbers of Sections 1 and 3.3-6 that are no results: thresholds and ranks named in an id, cross-references.
NOT_RESULTS = {
    "§3.3": {"5.3"},
    "§4": {"3.3", "4.1", "4.2", "4.3"},
    "§4.1": {"4.1.1", "4.1.2", "4.1.3"},
    "§4.1.1": {"80%", "99%", "75", "0", "2-4", "1", "2"},
    "§4.1.2": {"3.3", "2", "1"},
    "§4.1.3": {"2.0", "4.0", "3", "5", "2"},
    "§4.2": {"4.2.1", "4.2.2", "4"},
    "§4.2.1": {"6", "4"},
    "§4.2.2": {"7,8", "9", "1", "5"},
    "§4.3": {"4.3.1", "4.3.2"},
    "§4.3.1": {"1,000", "5"},
    "§4.3.2": {"100"},
    "§4.3.3": {"3.3"},
    "§5": {"5.1.1", "5.1.2", "5.1.3", "5.2"},
    "§5.1.1": {"80%"},
    "§5.1.3": {"2-4", "1", "2", "3", "4", "5"},
    "§5.2.3": {"99%", "4.1"},
    "§5.3.1": {"5.1.3"},
    "§5.3.2": {"3.4"},
    "§3.5": {"1"},
    "§6": {"0", "99%"},
    "Abstract": {"0", "99%"},
}


@needs_study
def test_no_number_of_the_text_is_left_out(values):
    rows = values[~values["section"].str.startswith("Table")]
    missing = []
    for name, text in study_sections().items():
        if name != "Abstract" and not re.match(r"§(1|3\.[345]|[456].*)$", name):
            continue
        here = rows[rows["place"].map(lambda place, name=name: names_section(place, name))]
        known = {form for _, row in here.iterrows() for form in printed_forms(row)}
        known |= NOT_RESULTS.get(name, set())
        plain = re.sub(r"stable-diffusion-v?[\d-]+|patch\d+|patch\d\d|squad2|gpt2\w*|h20ai|v\d\.\d", " ", text)
        plain = plain.replace("\\%", "%").replace(" %", "%").replace("October 2023", "")
        tokens = re.findall(r"(?<![\w.])-?\d[\d,]*(?:[.-]\d+)*%?|(?<![\w.])\.\d+", plain)
        for token in tokens:
            token = token.rstrip(",")
            if token not in known and token.lstrip("-") not in known:
                missing.append((name, token))
    assert missing == [], missing
