"""The study's values beside ours: in brackets in the text, in its own tables, and as tiles of the verdict map."""

import itertools
from xml.etree import ElementTree

import pandas as pd
import pytest

from analysis import canvas, report
from analysis.engine import VARIABLES
from analysis.study import facsimile, ledger, published, verdict_map, verdicts, words

NAN = float("nan")


def judged(results: dict, *rows: tuple) -> pd.DataFrame:
    """Published values as id, value, decimals, operator, place, kind; judged against the results."""
    columns = ["id", "value", "decimals", "operator", "place", "kind"]
    frame = pd.DataFrame(rows, columns=columns).assign(note="")
    numeric = frame["decimals"].notna()
    frame = frame.assign(
        number=pd.to_numeric(frame["value"].where(numeric)), decimals=pd.to_numeric(frame["decimals"]).astype("Int64"),
        section=frame["place"].map(published.section_of),
    )  # fmt: skip
    return verdicts.judged(results, frame)


ZEROS = ("rq1.models.n_likes.zero_share", "0.91", 2, "=", "§4.1.1", "calibrated")


@pytest.mark.parametrize(
    ("row", "ours", "text", "verdict"),
    [
        (ZEROS, 0.911, "91 %", "matches, as made"),
        ((*ZEROS[:5], "emergent"), 0.911, "91 %", "matches"),
        (ZEROS, 0.5, "91 %", "differs"),
        ((ZEROS[0], "0.7099", 4, *ZEROS[3:]), 0.7, "70.99 %", "differs"),
        ((ZEROS[0], "0.70", 2, ">", *ZEROS[4:]), 0.71, "over 70 %", "matches, as made"),
        ((ZEROS[0], "0.01", 2, "<", *ZEROS[4:]), 0.001, "below 1 %", "matches, as made"),
        (("rq2.all.developers", "100000", 0, "about", "§3.1", "implied"), 99_000, "about 100,000", "matches, as it must"),
        (("rq2.cv.k5.ass", "-0.00", 2, "=", "Table 7, k=5, ASS", "emergent"), 0.0, "0.00", "matches"),
        (("rq3.all.usage.top.1.model", "gpt2", None, "=", "§4.3.1", "emergent"), "bert", "gpt2", "differs"),
    ],
)
def test_the_brackets_say_print_in_its_unit_and_what_a_match_is_worth(row, ours, text, verdict):
    assert facsimile.beside(judged({row[0]: ours}, row)) == {row[0]: (text, verdict)}


def test_of_several_printed_values_the_exact_one_is_shown_and_none_without_a_verdict():
    rows = judged(
        {"rq2.all.developers": 101_000},
        ("rq2.all.developers", "100000", 0, ">", "§5.1.2", "implied"),
        ("rq2.all.developers", "101144", 0, "=", "§3.4", "implied"),
        ("rq1.models.count", "348181", 0, "=", "§1", "calibrated"),
        ("", "0", 0, "=", "§3.3", "parameter"),
    )
    assert facsimile.beside(rows) == {"rq2.all.developers": ("101,144", "differs")}


def test_a_table_has_the_studys_lines_and_columns_with_ours_in_each_cell():
    rows = judged(
        {"rq2.all.k1.nodes": 10_525, "rq2.all.k1.ass": 0.0849, "rq2.all.kmax.nodes": 14},
        ("rq2.all.k1.nodes", "10524", 0, "=", "Table 6, k=1, Nodes", "calibrated"),
        ("rq2.all.k1.ass", "0.08", 2, "=", "Table 6, k=1, ASS", "emergent"),
        ("rq2.all.kmax.nodes", "14", 0, "=", "Table 6, k=26, Nodes", "calibrated"),
    )
    table = next(table for table in facsimile.facsimiles(rows) if table["number"] == 6)
    assert table["columns"] == ["Nodes", "ASS"] and [line["label"] for line in table["lines"]] == ["k=1", "k=26"]
    (nodes, ass), (inner, nothing) = (line["cells"] for line in table["lines"])
    assert (nodes["published"], nodes["ours"], nodes["slug"], nodes["emergent"]) == ("10,524", "10,525", "differs", False)
    assert (ass["published"], ass["ours"], ass["slug"], ass["emergent"]) == ("0.08", "0.08", "matches", True)
    assert inner["ours"] == "14" and nothing is None


@pytest.mark.parametrize(
    ("value", "ours", "shown"),
    [("0.08", 0.0851, "0.09"), ("0.08", 0.07499, "0.07"), ("0.10", -0.0, "0.00"), ("1.00", 1.006, "1.01"), ("2", None, "--")],
)
def test_ours_has_the_printed_decimals_and_never_minus_zero(value, ours, shown):
    rows = judged({"rq2.all.k1.ass": ours}, ("rq2.all.k1.ass", value, 2, "=", "Table 6, k=1, ASS", "emergent"))
    (table,) = (table for table in facsimile.facsimiles(rows) if table["number"] == 6)
    assert table["lines"][0]["cells"][0]["ours"] == shown


def test_a_difference_that_rounds_away_is_shown_with_more_decimals():
    row = ("rq1.models.mannwhitney.n_likes.permissive_vs_none.u", "100", 0, "=", "Table 5, n_likes, A vs. B, U", "emergent")
    rows = judged({row[0]: 100.4}, row).assign(verdict=verdicts.DIFFERS)
    cell = next(t for t in facsimile.facsimiles(rows) if t["number"] == 5)["lines"][0]["cells"][0]
    assert (cell["published"], cell["ours"]) == ("100", "100.4")


@pytest.mark.parametrize(("ours", "shown"), [(6_006.0, "6,006"), (6_006, "6,006"), (6_006.25, "6,006.2")])
def test_a_whole_number_beside_a_bound_has_no_decimals(ours, shown):
    rows = judged({"rq1.models.n_likes.max": ours}, ("rq1.models.n_likes.max", "9000", 0, ">", "§4.1.1", "calibrated"))
    assert facsimile.text_rows(rows)[0]["ours"] == shown


def test_the_texts_rows_are_those_that_do_not_match_in_words_and_in_its_unit():
    rows = judged(
        {ZEROS[0]: 0.5, "rq1.models.count": 348181, "rq2.all.k1.ass": 3.0},
        ZEROS,
        ("rq1.models.count", "348181", 0, "=", "§1", "calibrated"),
        ("rq1.spaces.count", "156642", 0, "=", "§1", "calibrated"),
        ("rq2.all.k1.ass", "0.08", 2, "=", "Table 6, k=1, ASS", "emergent"),
    )
    (row,) = facsimile.text_rows(rows)
    assert (row["value"], row["published"], row["ours"]) == ("Models, likes, share without", "91 %", "50 %")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rq1.models.n_likes.mean", "Models, likes, mean"),
        ("rq1.models.license_share.apache-2.0", "Models, share of licence apache-2.0"),
        ("rq2.nlp.k5.recip", "Network of natural language processing, k = 5, reciprocity"),
        ("rq3.all.usage.top.1.model", "All models, usage, rank 1, model"),
        ("rq3.cv.cousage.top100.organisation.meta", "Computer vision, co-usage, first 100, of meta"),
        ("", "A convention"),
    ],
)
def test_an_id_is_said_in_words(name, said):
    assert words.in_words(name) == said


def test_every_printed_value_and_every_section_has_words():
    rows = published.printed_values()
    said = rows["id"].map(words.in_words)
    assert not said.str.contains("_").any() and not said.str.contains("rq[123]").any()
    assert set(rows["section"]) <= set(words.SECTIONS)
    assert not [v for v in VARIABLES if v not in words.PARTS]


# --- the map ----------------------------------------------------------------------------------------------------------


def test_a_distance_is_in_units_of_the_printed_rounding():
    rows = judged(
        {ZEROS[0]: 0.915, "rq2.all.developers": 105_000, "rq1.models.count": 348_181, "rq1.models.n_likes.max": 10_000},
        ZEROS,
        ("rq2.all.developers", "100000", 0, "about", "§3.1", "implied"),
        ("rq1.models.count", "348181", 0, "=", "§1", "calibrated"),
        ("rq1.models.n_likes.max", "9000", 0, ">", "§4.1.1", "calibrated"),
        ("rq1.spaces.count", "156642", 0, "=", "§1", "calibrated"),
    )
    assert verdicts.roundings(rows).tolist() == pytest.approx([0.5, 0.5, 0, NAN, NAN], nan_ok=True)


def test_what_matches_an_exact_value_is_half_a_rounding_away_at_most():
    values = {row["id"]: row["number"] * 1.01 for row in published.printed_values().dropna(subset="number").to_dict("records")}
    rows = verdicts.judged(values, published.printed_values())
    exact = rows[rows["operator"].isin(["=", "about"]) & rows["difference"].notna()]
    near = verdicts.roundings(exact) <= 0.5 + 1e-6
    assert (near == (exact["verdict"] == verdicts.MATCHES)).all()


def everything() -> pd.DataFrame:
    """The ledger's frame with every verdict, from results that are partly there."""
    values = published.printed_values()
    made = {row["id"]: row["number"] * (1 + n % 2) for n, row in enumerate(values.dropna(subset="number").to_dict("records"))}
    rows = verdicts.judged(made, values)
    return rows.assign(verdict=list(itertools.islice(itertools.cycle(verdicts.VERDICTS), len(rows))))


def test_each_printed_value_has_one_tile_of_its_own():
    rows = everything()
    tiles = verdict_map.tiles(rows)
    assert tiles["number"].tolist() == list(range(len(rows)))
    assert not tiles.duplicated(["row", "place"]).any()
    assert tiles.groupby("section")["row"].nunique().eq(1).all()
    assert (tiles["slug"] == rows["verdict"].map(ledger.SLUGS)).all()


def test_the_maps_finding_counts_the_emergent_values():
    rows = judged(
        {"rq2.all.k1.ass": 0.08, "rq2.all.k1.acc": 3.0, "rq2.all.k1.nodes": 1},
        ("rq2.all.k1.ass", "0.08", 2, "=", "Table 6, k=1, ASS", "emergent"),
        ("rq2.all.k1.acc", "0.00", 2, "=", "Table 6, k=1, ACC", "emergent"),
        ("rq2.all.k1.nodes", "10524", 0, "=", "Table 6, k=1, Nodes", "calibrated"),
    )
    said = "Of 2 values that could have come out otherwise, 1 match and 1 differ"
    assert verdict_map.finding(rows) == said
    figure, data = verdict_map.draw(rows)
    assert canvas.title_of(figure) == said and len(data) == 3


def test_shades_are_told_apart_in_grey():
    """Relative luminance: a match is far from a difference, and verdicts that are near have another stroke."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    shades = [(luminance(colour), stroke) for *colours, stroke in verdict_map.SHADES.values() for colour in colours]
    for (a, one), (b, other) in itertools.combinations(set(shades), 2):
        assert one != other or (max(a, b) + 0.05) / (min(a, b) + 0.05) > 1.4


def test_the_pages_map_has_a_tile_and_a_place_on_the_strip_for_each_value():
    rows = everything()
    drawing = verdict_map.drawing(rows)
    assert len(drawing["tiles"]) == len(rows)
    known = verdicts.roundings(rows).notna().sum()
    places = [tile["distance"] for tile in drawing["tiles"] if tile["distance"] is not None]
    assert len(places) == known > 0
    assert min(places) >= 0 and max(places) <= 1 and 0 < drawing["half"] < 1


def test_the_same_ledger_gives_the_same_map(tmp_path):
    for name in ("a", "b"):
        verdict_map.emit(report.Report("n", out_dir=tmp_path / name, synthetic=True), everything())
    for suffix in ("pdf", "svg", "png", "csv"):
        first, second = ((tmp_path / name / "figures" / f"verdict_map.{suffix}").read_bytes() for name in ("a", "b"))
        assert first == second, suffix
    ElementTree.fromstring((tmp_path / "a" / "figures" / "verdict_map.svg").read_text(encoding="utf-8"))
