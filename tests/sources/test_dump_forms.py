"""Files in the forms that people publish: JSON of any layout, CSV, triples; each taken whole or refused in one line."""

import csv
import gzip
import io
import json
import sqlite3
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import files, jsontext
from analysis.sources.dumps import Summary, import_dumps
from analysis.sources.readers import SPACES_SHOWN
from analysis.sources.rows import UnusableError

NAME = "2024-06-01"
THREE = [
    {"id": "a/m", "likes": 1},
    {"id": "a/n", "likes": 2, "tags": ["ü]}", "license:mit"]},
    {"id": "a/o", "likes": 3},
]
LINES = "".join(json.dumps(record) + "\n" for record in THREE)
COMMITS = [
    {"commit_id": "c1", "authors": [{"user": "ann"}], "created_at": "2023-01-01"},
    {"commit_id": "c2", "authors": ["bob", "ann"], "created_at": "2023-01-02"},
]


@pytest.fixture
def imported(tmp_path, snapshots):
    """A function that writes text or bytes to a file and imports it."""

    def run(kind: str, data: str | bytes, *, file: str = "the-file", **options) -> Summary:
        path = tmp_path / file
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return import_dumps(NAME, [(kind, path)], replace=True, **options)

    return run


def rows(made: Summary, table: str = "repos") -> list[dict]:
    return pq.read_table(made.snapshot.file(table)).to_pylist()


def refused(run, *args, **options) -> str:
    with pytest.raises(SnapshotError) as caught:
        run(*args, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- JSON -------------------------------------------------------------------------------------------------

LAYOUTS = {
    "lines": LINES,
    "lines, the last without its end": LINES.rstrip(),
    "array": json.dumps(THREE),
    "array, one a line": "[\n" + ",\n".join(map(json.dumps, THREE)) + "\n]\n",
    "array, indented": json.dumps(THREE, indent=2),
    "array, marked": "\ufeff  " + json.dumps(THREE),
    "held": json.dumps({"models": THREE}),
    "held, one a line": '{"models": [\n' + ",\n".join(map(json.dumps, THREE)) + "\n]}\n",
    "held, indented, among others": json.dumps(
        {"date": "x", "n": 3, "of": [1], "models": THREE, "z": {}, "y": [7]}, indent=2
    ),
    "objects, indented": "\n".join(json.dumps(record, indent=1) for record in THREE),
    "objects, indented, with commas": ",\n".join(json.dumps(record, indent=1) for record in THREE),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("piece", [7, 2**18])
def test_the_same_records_come_out_of_every_layout(imported, monkeypatch, layout, piece):
    monkeypatch.setattr(jsontext, "PIECE", piece)
    found = rows(imported("models-jsonl", LAYOUTS[layout]))
    assert [(row["repo_id"], row["likes"], row["license"]) for row in found] == [
        ("a/m", 1, None),
        ("a/n", 2, "mit"),
        ("a/o", 3, None),
    ]


@pytest.mark.parametrize("layout", ["array", "held"])
@pytest.mark.parametrize("pack", [gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)])
def test_packed_arrays_are_read_too(imported, layout, pack):
    assert len(rows(imported("models-jsonl", pack(LAYOUTS[layout].encode())))) == 3


def test_bad_records_of_an_array_are_rejected_by_their_number(imported):
    data = b'[{"id": "a/m"}, 7, {"id": "a/n", "likes": -1}, {"id": "a/\xff"}, {"id": "a/o", "likes": NaN}, null]'
    made = imported("models-jsonl", data)
    assert [row["repo_id"] for row in rows(made)] == ["a/m", "a/o"]
    assert sorted((row["row"], row["reason"]) for row in rows(made, "rejected")) == [
        (2, "not a JSON object"),
        (3, "likes is negative"),
        (4, "not UTF-8"),
        (6, "not a JSON object"),
    ]


COLUMNWISE = "column-wise JSON"
AS_RECORDS = "write it as records, with pandas by to_json(FILE, orient='records', lines=True)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (pd.DataFrame(THREE).to_json(), COLUMNWISE),
        (pd.DataFrame(THREE).to_json(orient="split"), COLUMNWISE),
        (json.dumps({"likes": [1, 2], "id": ["a/m", "a/n"]}), COLUMNWISE),
        (pd.DataFrame(THREE).to_json(orient="values"), "a JSON array of lists, not of objects"),
        (json.dumps(["a/m", "a/n"]), "a JSON array of bare values, not of objects"),
        (json.dumps({"models": THREE, "spaces": THREE}), "an object that holds several lists (models, spaces)"),
        (
            json.dumps({"models": THREE}) + "\n" + json.dumps({"models": THREE}),
            "several objects that hold a list (models)",
        ),
        (json.dumps(THREE) + json.dumps(THREE), "text after the end of the JSON array"),
        (json.dumps(THREE)[:-3], "after row 2: breaks off; the download is incomplete, fetch it again"),
        (json.dumps({"models": THREE})[:-3], "after row 2: breaks off"),
        ('[{"id": "a/m"}, {"id": "a/n" "likes": 2}, {"id": "a/o"}, {"id": "a/p"}]', "after row 1: not JSON"),
        ("[" + '{"id": ' * 100_000, "after row 0: JSON nested too deeply"),
        ('[{"id": "a/m", "likes": 1' + "0" * 5000 + "}]", "after row 0: a number of thousands of digits"),
        (json.dumps({"a/m": {"likes": 1}, "a/n": {"likes": 2}}), "an object of objects; expected an array of records"),
        (json.dumps({f"a/{n}": {"likes": n} for n in range(2000)}, indent=1), "an object of objects"),
        ("[]", "has no rows"),
        (
            "".join(line + ",\n" for line in LINES.splitlines()) + json.dumps(THREE[0]),
            "most of its 4 lines are not JSON",
        ),
    ],
)
def test_a_shape_that_is_not_taken_is_named_with_the_remedy(imported, snapshots, text, said):
    message = refused(imported, "models-jsonl", text)
    assert message.startswith("the-file") and said in message
    assert (COLUMNWISE not in said and "of lists" not in said) or AS_RECORDS in message
    assert list(snapshots.iterdir()) == []


def test_records_that_pandas_writes_are_read_with_their_dates(imported):
    frame = pd.DataFrame(THREE).assign(created_at=pd.to_datetime(["2023-01-02T03:04:05", None, "2024-01-01T00:00:00"]))
    found = rows(imported("models-jsonl", frame.to_json(orient="records", lines=True)))
    dates = [row["created_at"] and row["created_at"].isoformat() for row in found]
    assert dates == ["2023-01-02T03:04:05+00:00", None, "2024-01-01T00:00:00+00:00"]


def test_a_held_list_is_known_by_the_id_that_the_user_names(imported):
    text = json.dumps({"found": [{"slug": "a/m"}, {"slug": "a/n"}]})
    assert len(rows(imported("models-jsonl", text, columns={"repo_id": "slug"}))) == 2


def test_lists_that_belong_to_a_record_hold_no_records(imported):
    record = {"commits": COMMITS, "siblings": [{"id": "x"}], "modelId": "a/m"}
    made = imported("commits-jsonl", json.dumps(record, indent=1))
    assert len(rows(made, "commits")) == 2


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.text() | st.integers() | st.lists(st.floats(allow_nan=False))),
        max_size=8,
    ),
    st.integers(1, 40),
    st.sampled_from([None, 0, 3]),
)
def test_an_array_is_what_the_whole_text_decodes_to_however_it_is_cut(values, piece, indent):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsontext, "PIECE", piece)
        stream = io.BytesIO(json.dumps(values, indent=indent, ensure_ascii=False).encode(errors="surrogatepass"))
        found = [one for one in jsontext.records(stream) if not isinstance(one, UnusableError)]
    assert len(found) <= len(values) and all(one in values for one in found)
    if json.dumps(values, ensure_ascii=False).isprintable():
        assert found == values


@given(st.integers(0, 10**6), st.sampled_from(["array", "held", "objects, indented"]))
def test_an_array_cut_anywhere_ends_in_an_error_and_never_in_fewer_records(at, layout):
    text = LAYOUTS[layout][: at % len(LAYOUTS[layout])]
    try:
        found = list(jsontext.records(io.BytesIO(text.encode())) or ())
    except jsontext.JsonError:
        return
    assert layout == "objects, indented" or found == []  # whole objects in a row may end anywhere between them


# --- CSV --------------------------------------------------------------------------------------------------


def test_a_listing_with_an_index_python_lists_and_line_breaks_in_quotes_is_read(imported):
    text = (
        ",id,author,createdAt,downloads,likes,tags,description\n"
        '0,a/m,a,2023-10-01 10:00:00+00:00,12.0,3,"[\'en\', \'license:mit\']","two\nlines, ""quoted"""\n'
        "1,a/n,,,,4,[],\n"
        "\n"
        "2,a/o,a,nan,nan,x,\"['en']\",plain\n"
        "3,a/p\n"
    )
    made = imported("hub-listing-csv:models", text)
    found = [(row["repo_id"], row["downloads"], row["likes"], row["license"], row["tags"]) for row in rows(made)]
    assert found == [("a/m", 12, 3, "mit", ["en", "license:mit"]), ("a/n", None, 4, None, [])]
    assert sorted((row["row"], row["reason"]) for row in rows(made, "rejected")) == [
        (6, "likes is not a whole number"),
        (7, "not a CSV row of 8 columns"),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_part_the_cells(imported, mark):
    made = imported(
        "models-csv", mark.join(["\ufeffid", " likes", "tags"]) + "\n" + mark.join(["a/m", " 3", '"en, de"'])
    )
    assert [(row["repo_id"], row["likes"], row["tags"]) for row in rows(made)] == [("a/m", 3, ["en", "de"])]


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("models-csv", "name,likes\na/m,1\n", "no column id; found name, likes; expected the Hub's field names"),
        ("models-csv", 'id,likes\na/m,"1\na/n,2\n', "row 2: a quote is opened and not closed"),
        ("models-csv", LINES, "is JSON; import it as models-jsonl"),
        ("models-csv", LINES.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("models-csv", "id,likes\n", "has no rows"),
        ("hub-listing-csv", "id,likes\na/m,1\n", "say it as hub-listing-csv:models, :datasets or :spaces"),
        (
            "commits-csv",
            "model_id,when\na/m,x\n",
            "no column commit_id and no date; found model_id, when; say which it is by",
        ),
        ("discussions-csv", "x\n1\n", "no column repo_id and no number and no created_at"),
    ],
)
def test_a_table_that_is_not_taken_is_refused_in_one_line(imported, kind, data, said):
    assert said in refused(imported, kind, data)


def test_the_user_can_name_the_columns(imported):
    named = {"repo_id": "dataset", "created_at": "made"}
    found = rows(imported("datasets-csv", "dataset,made,likes\na/d,2023-01-01,4\n", columns=named))
    assert [(row["kind"], row["repo_id"], row["created_at"].year, row["likes"]) for row in found] == [
        ("dataset", "a/d", 2023, 4)
    ]
    assert (
        rows(imported("datasets-jsonl", '{"dataset": "a/d", "made": "2023-01-01", "likes": 4}', columns=named)) == found
    )
    table = pa.BufferOutputStream()
    pq.write_table(pa.table({"dataset": ["a/d"], "made": ["2023-01-01"], "likes": [4]}), table)
    assert rows(imported("hub-listing-parquet:datasets", table.getvalue().to_pybytes(), columns=named)) == found
    said = refused(imported, "datasets-csv", "dataset,likes\na/d,4\n", columns={"repo_id": "data"})
    assert said == "no column 'data' to be repo_id; found dataset, likes"
    assert refused(imported, "datasets-csv", "id\na/d\n", columns={"likes": ""}).startswith(
        "column likes: expected the"
    )
    assert "expected one of repo_id" in refused(imported, "datasets-csv", "id\na/d\n", columns={"colour": "id"})


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_table_reads_as_the_csv_module_of_sqlite_and_pandas_reads_it(imported, ending):
    frame = pd.DataFrame(
        {"id": [f"a/{n}" for n in range(50)], "likes": range(50), "text": ['x, "y"\n z', "ä\t;", "", "'", " "] * 10}
    )
    text = frame.to_csv(lineterminator=ending)
    found = rows(imported("models-csv", text))
    with sqlite3.connect(":memory:") as db:  # another implementation, told the same numbers
        frame.to_sql("m", db, index=False)
        expected = db.execute("SELECT id, likes FROM m ORDER BY id").fetchall()
    assert [(row["repo_id"], row["likes"]) for row in found] == expected


# --- events -----------------------------------------------------------------------------------------------

ALONE = [{"model_id": "a/m"} | commit for commit in COMMITS] + [{"model_id": "a/n"} | COMMITS[0]]
AS_CSV = "model_id,commit_id,authors,created_at,title\n" + "".join(
    f'{one["model_id"]},{one["commit_id"]},"{one["authors"]}",{one["created_at"]},"a\nb"\n' for one in ALONE
)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("commits-csv", AS_CSV),
        ("commits-jsonl", json.dumps(ALONE)),
        ("commits-jsonl", "".join(json.dumps(one) + "\n" for one in ALONE)),
        ("commits-jsonl", json.dumps([{"id": "a/m", "commits": COMMITS}, {"id": "a/n", "commits": COMMITS[:1]}])),
        ("commits-csv", f'id,commits\na/m,"{COMMITS}"\na/n,"{COMMITS[:1]}"\n'),
    ],
)
def test_commits_come_in_lists_or_alone_and_are_the_same(imported, kind, data):
    made = imported(kind, data, coverage="complete")
    found = [(row["repo_id"], row["commit_id"], row["authors"]) for row in rows(made, "commits")]
    assert found == [("a/m", "c1", ["ann"]), ("a/m", "c2", ["bob", "ann"]), ("a/n", "c1", ["ann"])]
    assert [row["repo_id"] for row in rows(made)] == ["a/m", "a/n"]
    assert made.snapshot.status("commits", "model") == "complete"
    snapshot.validate(made.snapshot)


def test_commits_that_stand_alone_say_that_others_are_unknown(imported):
    made = imported("commits-csv:datasets", AS_CSV, rule="drawn").snapshot
    assert (made.status("commits", "dataset"), made.rule("commits", "dataset")) == ("sample", "drawn")
    assert made.rule("repos", "dataset") == "drawn; only those that have commits"
    assert not made.knows_zeros("commits", "dataset")


def test_commits_beside_a_listing_belong_to_it(tmp_path, snapshots):
    (tmp_path / "models.csv").write_text("modelId,likes\na/m,1\na/x,2\n")
    (tmp_path / "commits.csv").write_text(AS_CSV)
    sources = [("models-csv", tmp_path / "models.csv"), ("commits-csv", tmp_path / "commits.csv")]
    made = import_dumps(NAME, sources, coverage="complete")
    assert [row["repo_id"] for row in rows(made)] == ["a/m", "a/x"]
    assert made.rejected == {("commits", "model not among the repositories"): 1}
    assert (made.snapshot.status("repos", "model"), made.snapshot.status("commits", "model")) == (
        "complete",
        "complete",
    )


def test_commits_of_datasets_are_commits_of_datasets(imported):
    made = imported("commits-jsonl:datasets", json.dumps({"id": "a/d", "commits": COMMITS}))
    assert [(row["kind"], row["commit_id"]) for row in rows(made, "commits")] == [("dataset", "c1"), ("dataset", "c2")]
    assert made.snapshot.status("commits", "model") == "absent"


def test_a_commit_whose_authors_nobody_can_read_leaves_the_count_missing_and_not_zero(imported):
    strange = COMMITS[0] | {"authors": [{"mail": "x@example.org"}]}
    made = imported(
        "commits-jsonl", json.dumps([{"id": "a/m", "commits": COMMITS}, {"id": "a/n", "commits": [strange]}])
    )
    assert made.rejected == {("commits", "authors without a name that can be read"): 1}
    assert not made.snapshot.knows_zeros("commits", "model")


DISCUSSION = {"num": 1, "author": {"name": "ann"}, "createdAt": "2023-01-01", "isPullRequest": True, "status": "open"}
FLAT = {
    "repo_id": "a/m",
    "num": 1,
    "author": "ann",
    "created_at": "2023-01-01",
    "is_pull_request": True,
    "status": "open",
}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("discussions-jsonl", json.dumps({"id": "a/m", "discussions": [DISCUSSION]})),
        ("discussions-jsonl", json.dumps(FLAT)),
        ("discussions-jsonl:datasets", json.dumps([FLAT | {"repo_type": "model"}])),
        ("discussions-csv", ",".join(FLAT) + "\n" + ",".join(map(str, FLAT.values()))),
    ],
)
def test_discussions_come_in_lists_or_alone(imported, kind, data):
    made = imported(kind, data)
    (found,) = rows(made, "discussions")
    assert (found["kind"], found["repo_id"], found["number"], found["author"]) == ("model", "a/m", 1, "ann")
    assert (found["is_pull_request"], found["status"]) == (True, "open")
    assert [row["repo_id"] for row in rows(made)] == ["a/m"]


def test_a_model_that_is_listed_twice_is_one_model(imported):
    """Seven models, of which three have their commits; one of them comes twice."""
    lists = [{"id": f"a/{n}", "commits": COMMITS if n < 3 else "503"} for n in [0, 1, 2, 2, 3, 4, 5, 6]]
    made = imported("commits-jsonl", json.dumps(lists))
    assert made.snapshot.rule("commits", "model") == "3 of 7 models have a list of commits"


def test_what_comes_twice_is_named_by_file_and_row(imported):
    made = imported(
        "commits-jsonl", LINES.replace("}\n", ', "commits": []}\n') + json.dumps({"id": "a/m", "commits": []})
    )
    (row,) = rows(made, "rejected")
    assert (row["table"], row["reason"], row["file"], row["row"], row["detail"]) == (
        "repos",
        "duplicate",
        "the-file",
        4,
        None,
    )


# --- links ------------------------------------------------------------------------------------------------

BY_CARD = "links that the cards of spaces declare, not those that the Hub finds in their code"


def test_spaces_without_a_list_of_models_link_to_those_of_their_cards(imported):
    spaces = [
        {"id": "s/1", "sdk": "gradio", "cardData": {"models": ["m/1", "gpt2"], "sdk": "gradio"}},
        {"id": "s/2", "cardData": '{"sdk": "static"}'},
        {"id": "s/3", "cardData": "{'models': ['m/1'], 'sdk': 'docker'}"},
        {"id": "s/4", "cardData": {"models": 7}},
    ]
    made = imported("spaces-jsonl", json.dumps(spaces), coverage="complete")
    assert [row["library"] for row in rows(made)] == ["gradio", "static", "docker", None]
    assert [tuple(row.values()) for row in rows(made, "usage")] == [("s/1", "gpt2"), ("s/1", "m/1"), ("s/3", "m/1")]
    assert made.rejected == {("usage", "models is not a list of text"): 1}
    assert (made.snapshot.status("usage"), made.snapshot.rule("usage")) == ("sample", BY_CARD)


def test_a_listing_that_names_the_models_needs_no_card(imported):
    table = pa.BufferOutputStream()
    columns = {
        "id": ["s/1", "s/2"],
        "models": [["m/1"], None],
        "cardData": ['{"models": ["m/2"]}'] * 2,
        "sdk": ["gradio", None],
    }
    pq.write_table(pa.table(columns), table)
    made = imported("hub-listing-parquet:spaces", table.getvalue().to_pybytes(), coverage="complete")
    assert [tuple(row.values()) for row in rows(made, "usage")] == [("s/1", "m/1")]
    assert made.snapshot.status("usage") == "complete"


def test_both_eras_of_the_daily_listing_are_read(imported):
    """Dates as text or as timestamps, cards absent or as JSON, base models and all downloads of the later one."""
    early = {
        "_id": ["1"],
        "id": ["a/m"],
        "createdAt": ["2024-01-01T00:00:00.000Z"],
        "downloads": [3],
        "tags": [["license:mit"]],
    }
    late = early | {
        "createdAt": pa.array([1704067200000], pa.timestamp("ms")),
        "downloadsAllTime": [30],
        "cardData": ['{"x": 1}'],
    }
    late |= {"baseModels": [{"models": [{"_id": "2", "id": "b/x"}], "relation": "finetune"}], "gguf": [{"total": 7}]}
    found = []
    for columns in (early, late):
        table = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), table)
        found += rows(imported("hub-listing-parquet:models", table.getvalue().to_pybytes()))
    assert found[1] == found[0] | {"downloads_all_time": 30, "base_models": [{"model": "b/x", "relation": "finetune"}]}
    assert (found[0]["hub_id"], found[0]["created_at"].isoformat()) == ("1", "2024-01-01T00:00:00+00:00")


def test_a_models_own_list_of_spaces_is_taken_unless_it_was_cut(imported):
    models = [
        {"id": "m/1", "spaces": ["s/1", "s/2"]},
        {"id": "m/2", "spaces": [f"s/{n}" for n in range(100)]},
        {"id": "m/3"},
    ]
    made = imported("models-jsonl", json.dumps(models), coverage="complete")
    assert [tuple(row.values()) for row in rows(made, "usage")] == [("s/1", "m/1"), ("s/2", "m/1")]
    assert made.rejected == {("usage", "list of spaces cut at 100"): 1}
    assert made.snapshot.rule("usage") == "without those of 1 models whose list of spaces was cut"


def test_triples_that_say_which_space_uses_which_model_become_links(imported):
    text = "s/1\tspace_use_model\tm/1\nu\tuser_like_model\tm/1\ns/2\tspace_use_model\tm/1\ns/2\tspace_use_model\n"
    made = imported("huggingkg", text, coverage="complete")
    assert [tuple(row.values()) for row in rows(made, "usage")] == [("s/1", "m/1"), ("s/2", "m/1")]
    assert made.rejected == {("usage", "not three texts between tabs"): 1}
    assert made.notes == {"triples of other relations, passed over": 1}
    assert made.snapshot.rule("usage") == "no link to a model without an owner, such as gpt2, is among them"
    assert (
        imported("huggingkg", text + "s/1\tspace_use_model\tgpt2\n", coverage="complete").snapshot.status("usage")
        == "complete"
    )


# --- published records ------------------------------------------------------------------------------------


@pytest.fixture
def published(dumps, snapshots):
    """A function that imports a published file; gives the summary and the file's text."""

    def run(kind: str, file: str, **options) -> tuple[Summary, str]:
        if not (dumps / file).is_file():
            pytest.skip(f"HUB_DUMPS has no {file}")
        made = import_dumps("2026-08-22", [(kind, dumps / file)], **options)
        snapshot.validate(made.snapshot)
        return made, gzip.decompress((dumps / file).read_bytes()).decode() if file.endswith(".gz") else ""

    return run


@pytest.mark.dumps
@pytest.mark.parametrize("day", ["01", "09"])
def test_published_arrays_of_one_account_are_all_there(published, day):
    made, text = published("models-jsonl", f"thebloke-2023-10-{day}.json.gz")
    raw = sorted(json.loads(text), key=lambda record: record["id"])
    assert not made.rejected and not made.notes
    found = [(row["repo_id"], row["hub_id"], row["likes"], row["downloads"], row["tags"]) for row in rows(made)]
    assert found == [(one["id"], one["_id"], one["likes"], one["downloads"], one["tags"]) for one in raw]


@pytest.mark.dumps
@pytest.mark.parametrize(
    ("kind", "file", "held"),
    [
        ("models-jsonl", "trending-2026-08-15.json.gz", "models"),
        ("datasets-jsonl", "huggingface_datasets.json.gz", None),
    ],
)
def test_published_indented_json_is_all_there(published, kind, file, held):
    made, text = published(kind, file)
    raw = json.loads(text)[held] if held else json.loads(text)
    assert {(row["repo_id"], row["likes"]) for row in rows(made)} == {(one["id"], one["likes"]) for one in raw}
    assert not made.rejected


@pytest.mark.dumps
def test_a_published_tree_of_models_gives_models_bases_and_links(published):
    made, text = published("models-csv", "model-tree-2025-04-05.csv.gz")
    raw = [json.loads(row["metadata"]) for row in csv.DictReader(io.StringIO(text))]
    assert [row["repo_id"] for row in rows(made)] == sorted(one["id"] for one in raw)
    named = {(space, one["id"]) for one in raw for space in one["spaces"] or [] if len(one["spaces"]) != SPACES_SHOWN}
    assert {tuple(row.values()) for row in rows(made, "usage")} == named
    bases = {row["repo_id"]: {base["model"] for base in row["base_models"] or ()} for row in rows(made)}
    for one in raw:
        tagged = {tag.rpartition(":")[2] for tag in one["tags"] if tag.startswith("base_model:")}
        assert tagged <= bases[one["id"]]
    assert "cards that could not be read" not in made.notes
    tags = {one["id"]: [tag[len("license:") :] for tag in one["tags"] if tag.startswith("license:")] for one in raw}
    assert {row["repo_id"]: [row["license"]] if row["license"] else [] for row in rows(made)} == tags


@pytest.mark.dumps
def test_a_published_table_with_python_lists_keeps_its_counts(published):
    made, text = published("models-csv", "HFCO2.csv.gz")
    raw = pd.read_csv(io.StringIO(text)).drop_duplicates("modelId").set_index("modelId").sort_index()
    found = pd.DataFrame(rows(made)).set_index("repo_id")
    assert found["downloads"].tolist() == raw["downloads"].tolist() and found["likes"].tolist() == raw["likes"].tolist()
    assert made.rejected == {("repos", "duplicate"): 4}
    libraries = Counter(names[2:-2].split("', '")[0] for names in raw["library_name"] if names != "[]")
    assert Counter(found["library"].dropna()) == libraries


@pytest.mark.dumps
def test_a_published_table_of_datasets_is_read_by_the_names_that_the_user_gives(published, dumps):
    made, _ = published("hub-listing-parquet:datasets", "datasets-2024.parquet", columns={"repo_id": "dataset_name"})
    raw = pq.read_table(dumps / "datasets-2024.parquet").to_pandas()
    assert {row["repo_id"] for row in rows(made)} == set(raw["dataset_name"])


def test_cells_and_lines_have_the_same_limit():
    assert csv.field_size_limit() == files.LONGEST_LINE >= Path(__file__).stat().st_size
