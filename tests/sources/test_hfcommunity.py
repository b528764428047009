"""HFCommunity's database as a snapshot: what is kept, what is said of it, what ends in a line."""

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.snapshot import SnapshotError
from analysis.sources import dumps as importers
from analysis.sources import hfcommunity
from analysis.sources.dumps import import_dumps

NAME = "2023-10-09"
COLLATED = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
V10 = {
    "author": "username, source",
    "commits": "sha, source, timestamp, message, author",
    "commit_parents": "commit_sha, parent_sha",
    "dataset": "dataset_id, description, downloads",
    "discussion": "num, repo_id, author, title, status, created_at, is_pull_request",
    "file": "id, filename, repo_id",
    "files_in_commit": "sha, file_id",
    "model": "model_id, pipeline_tag, downloads, library_name, likes, config",
    "repository": "id, name, type, author, sha, last_modified, private, card_data, gated, likes",
    "tags_in_repo": "tag_name, repo_id",
}
V11 = V10 | {
    "commits": "sha, repo_id, message, author_date, author_tz, committer_date, author_name, committer_name, source",
    "files_in_commit": "sha, modified_file_id",
    "models_in_space": "model_id, space_id",
    "modified_file": "modified_file_id, rfilename, old_path, new_path, change_type",
    "repo_file": "id, filename, repo_id",
    "repository": V10["repository"] + ", disabled",
    "space": "space_id, sdk, stage",
}
del V11["file"]

CARD = {"title": 'It\'s (a), "space"; 😀', "sdk": "gradio", "models": ["gpt2", "ann/net"], "license": "mit"}
ROWS = {  # of both versions, by name, so that the order of the columns does not matter
    "author": [{"username": "Ann O'Neil", "source": "commit"}],
    "dataset": [{"dataset_id": "datasets/ann/set", "description": "a, b); (c", "downloads": 7}],
    "discussion": [
        {"num": 1, "repo_id": "models/ann/net", "author": "bob", "status": "open", "is_pull_request": 0},
        {"num": 2, "repo_id": "models/ann/net", "author": None, "status": "merged", "is_pull_request": 1},
        {"num": 1, "repo_id": "models/gone/net", "author": "bob", "status": "open", "is_pull_request": 0},
    ],
    "model": [
        {"model_id": "models/ann/net", "pipeline_tag": "fill-mask", "downloads": 40, "library_name": "transformers"},
        {"model_id": "models/gpt2", "pipeline_tag": None, "downloads": 5, "library_name": None},
    ],
    "repository": [
        {"id": "models/ann/net", "name": "ann/net", "type": "model", "author": "ann", "likes": 3, "gated": 0},
        {"id": "models/gpt2", "name": "gpt2", "type": "model", "author": None, "likes": 9, "gated": None},
        {"id": "datasets/ann/set", "name": "ann/set", "type": "dataset", "author": "ann", "likes": 1, "gated": None},
        {
            "id": "spaces/bob/app",
            "name": "bob/app",
            "type": "space",
            "author": "bob",
            "likes": 0,
            "card_data": str(CARD),
        },
    ],
    "tags_in_repo": [
        {"tag_name": "en", "repo_id": "models/ann/net"},
        {"tag_name": "license:apache-2.0", "repo_id": "models/ann/net"},
        {"tag_name": "gradio", "repo_id": "spaces/bob/app"},
    ],
    "file": [
        {"id": 12, "filename": "README.md", "repo_id": "models/ann/net"},
        {"id": 7, "filename": "it's.md", "repo_id": "spaces/bob/app"},
        {"id": 9, "filename": "a.bin", "repo_id": "datasets/ann/set"},
    ],
    "files_in_commit": [
        {"sha": "a" * 40, "file_id": 12},
        {"sha": "b" * 40, "file_id": 12},
        {"sha": "b" * 40, "file_id": 7},  # one commit of two repositories, as of a space that was duplicated
        {"sha": "c" * 40, "file_id": 9},
    ],
    "modified_file": [
        {"modified_file_id": "m1", "new_path": "README.md"},
        {"modified_file_id": "m2", "old_path": "gone.bin"},
        {"modified_file_id": "m3", "old_path": "before.md", "new_path": "it's/after.md"},
    ],
    "models_in_space": [{"model_id": "models/gpt2", "space_id": "spaces/bob/app"}],
    "space": [{"space_id": "spaces/bob/app", "sdk": "docker"}],
}
AUTHORS = {"a": "Ann O'Neil", "b": "bob", "c": None, "d": "ann"}  # of the commits; no file leads to the last one
REPOSITORY = {"a": "models/ann/net", "b": "models/ann/net", "c": "datasets/ann/set", "d": "models/gpt2"}


def written(value: object) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    for plain, escaped in ("\\\\", "\nn", "''", '""'):
        value = value.replace(plain, "\\" + escaped)
    return f"'{value}'"


def records(tables: dict) -> dict[str, list[dict]]:
    """The rows above, with the commits as the version has them."""
    found = {table: [dict(row) for row in ROWS.get(table, [])] for table in {**V10, **tables}}
    days = dict(
        zip(
            "abcd",
            ("2023-01-02 03:04:05", "2023-02-02 00:00:00", "2023-03-02 00:00:00", "2023-04-02 00:00:00"),
            strict=True,
        )
    )
    for letter, author in AUTHORS.items():
        row = {"sha": letter * 40, "timestamp": days[letter], "author_date": days[letter], "author": author}
        row |= {
            "author_name": author,
            "author_tz": -7200,
            "repo_id": REPOSITORY[letter],
            "message": "It's (a)\n;",
            "source": "x",
        }
        found["commits"].append(row)
    for row in found["repository"]:
        row["last_modified"] = "2023-10-01 12:00:00"
    for row in found["discussion"]:
        row["created_at"] = "2023-09-01 08:00:00"
    return found


def dump(tables: dict[str, str], changed: dict[str, list[dict]] | None = None) -> str:
    """The text of a dump with these tables and the rows above, or others."""
    rows = records(tables) | (changed or {})
    text = "-- MariaDB dump 10.19  Distrib 10.3.39-MariaDB\n/*!40101 SET NAMES utf8mb4 */;\n"
    text += "/*!40103 SET TIME_ZONE='+00:00' */;\n"
    for table, columns in tables.items():
        names = columns.split(", ")
        lines = ",\n".join(f"  `{name}` varchar(256) DEFAULT NULL" for name in names)
        text += f"CREATE TABLE `{table}` (\n{lines},\n  KEY `k` (`{names[0]}`)\n) {COLLATED};\n"
        values = ",".join("(" + ",".join(written(row.get(name)) for name in names) + ")" for row in rows[table])
        text += f"INSERT INTO `{table}` VALUES {values};\n" if values else ""
    return text + "-- Dump completed on 2023-10-09 12:00:00\n"


def import_text(text: str | bytes, directory: Path, **options) -> importers.Summary:
    path = directory / "dump.sql"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return import_dumps(NAME, [("hfcommunity", path)], **options)


@pytest.fixture
def imported(tmp_path, snapshots):
    """A function that imports the text of a dump."""
    return lambda text, **options: import_text(text, tmp_path, **options)


@pytest.fixture(scope="module", params=["v1.0", "v1.1"])
def either(request, v10, v11) -> importers.Summary:
    """The rows above, imported from a dump of one version and of the other."""
    return v10 if request.param == "v1.0" else v11


@pytest.fixture(scope="module")
def v10(tmp_path_factory) -> importers.Summary:
    return imported_once(V10, tmp_path_factory, rule="as of its last month")


@pytest.fixture(scope="module")
def v11(tmp_path_factory) -> importers.Summary:
    return imported_once(V11, tmp_path_factory)


def imported_once(tables: dict[str, str], factory, **options) -> importers.Summary:
    directory = factory.mktemp("hfcommunity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_PAPER_SNAPSHOTS", str(directory / "snapshots"))
        (directory / "snapshots").mkdir()
        return import_text(dump(tables), directory, **options)


def table(summary: importers.Summary, name: str, *columns: str) -> list:
    rows = pq.read_table(summary.snapshot.file(name), columns=list(columns) or None).to_pylist()
    return [tuple(row.values()) for row in rows] if columns else rows


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


def test_every_value_reaches_its_column(either, v11):
    summary = either
    modified = utc(2023, 10, 1, 12)
    assert table(summary, "repos", "kind", "repo_id", "owner", "last_modified", "likes", "downloads") == [
        ("dataset", "ann/set", "ann", modified, 1, 7),
        ("model", "ann/net", "ann", modified, 3, 40),
        ("model", "gpt2", None, modified, 9, 5),
        ("space", "bob/app", "bob", modified, 0, None),
    ]
    assert table(summary, "repos", "license", "tags", "pipeline_tag", "library") == [
        (None, [], None, None),
        ("apache-2.0", ["en", "license:apache-2.0"], "fill-mask", "transformers"),
        (None, [], None, None),
        ("mit", ["gradio"], None, "docker" if either is v11 else "gradio"),
    ]
    assert table(summary, "discussions") == [
        {"kind": "model", "repo_id": "ann/net", "number": n, "author": author, "created_at": utc(2023, 9, 1, 8),
         "is_pull_request": n == 2, "status": status}
        for n, author, status in ((1, "bob", "open"), (2, None, "merged"))
    ]  # fmt: skip
    assert not summary.snapshot.has("repos", "created_at")
    assert not summary.snapshot.has("repos", "gated")


def test_commit_of_v10_is_with_every_repository_that_its_files_are_in(v10):
    summary = v10
    assert table(summary, "commits", "kind", "repo_id", "commit_id", "date", "authors") == [
        ("dataset", "ann/set", "c" * 40, utc(2023, 3, 2), []),
        ("model", "ann/net", "a" * 40, utc(2023, 1, 2, 3, 4, 5), ["Ann O'Neil"]),
        ("model", "ann/net", "b" * 40, utc(2023, 2, 2), ["bob"]),
        ("space", "bob/app", "b" * 40, utc(2023, 2, 2), ["bob"]),
    ]
    rule = summary.snapshot.rule("commits", "model")
    assert rule.startswith("3 of 4 commits (75.0%) reach a repository")
    assert "1 reach several" in rule
    assert summary.notes["commits that no file links to a repository, left out"] == 1
    assert summary.notes["repositories without a commit that could be linked"] == 1
    assert not summary.snapshot.knows_zeros("commits", "model")


def test_commit_of_v11_is_with_the_repository_that_it_names_and_in_utc(v11):
    assert table(v11, "commits", "kind", "repo_id", "commit_id", "date") == [
        ("dataset", "ann/set", "c" * 40, utc(2023, 3, 1, 22)),
        ("model", "ann/net", "a" * 40, utc(2023, 1, 2, 1, 4, 5)),
        ("model", "ann/net", "b" * 40, utc(2023, 2, 1, 22)),
        ("model", "gpt2", "d" * 40, utc(2023, 4, 1, 22)),
    ]


def test_links_of_v10_are_those_that_cards_declare_and_of_v11_the_hubs(v10, v11):
    assert table(v10, "usage", "space_id", "model_id") == [("bob/app", "ann/net"), ("bob/app", "gpt2")]
    assert "card declares" in v10.snapshot.rule("usage")
    assert table(v11, "usage", "space_id", "model_id") == [("bob/app", "gpt2")]
    assert "card" not in v11.snapshot.rule("usage")


def test_source_licence_and_coverage_are_said_without_being_asked_for(v10):
    made = v10.snapshot
    source = made.manifest["source"]
    assert "doi.org" in source["title"].replace("doi:", "doi.org/") and source["licence"] == "CC-BY-SA-4.0"
    assert made.status("repos", "model") == "sample"
    assert made.rule("repos", "model").endswith("were never met; as of its last month")
    assert made.status("discussions", "dataset") == "sample" and made.knows_zeros("discussions", "dataset")


def test_columns_in_another_order_give_the_same_snapshot(v10, imported):
    first = v10.snapshot
    turned = {table: ", ".join(reversed(columns.split(", "))) for table, columns in V10.items()}
    other = imported(dump(dict(reversed(turned.items())))).snapshot
    assert [first.manifest["tables"][t]["sha256"] for t in ("repos", "commits", "discussions", "usage")] == [
        other.manifest["tables"][t]["sha256"] for t in ("repos", "commits", "discussions", "usage")
    ]


def test_ids_in_another_case_are_one_repository_where_the_database_takes_them_for_one(imported):
    changed = {"file": [row | {"repo_id": row["repo_id"].upper()} for row in ROWS["file"]]}
    text = dump(V10, changed)
    assert len(table(imported(text), "commits")) == 4
    summary = imported(text.replace("_general_ci", "_bin"), replace=True)
    assert not summary.snapshot.has("commits")
    assert summary.notes["commits that no file links to a repository, left out"] == 4


def test_git_names_in_another_case_are_one_person_where_the_database_takes_them_for_one(imported):
    commits = records(V10)["commits"]
    for row, author in zip(commits, ("JOHN SMITH", "John Smith", "BOB", "John Smith"), strict=True):
        row["author"] = author
    text = dump(V10, {"commits": commits})
    summary = imported(text)
    assert {a for (authors,) in table(summary, "commits", "authors") for a in authors} == {"John Smith", "bob"}
    assert summary.notes["git names that differ from another name only in case, taken as that one"] == 2
    exact = text.replace("_general_ci", "_bin")
    written = {a for (authors,) in table(imported(exact, replace=True), "commits", "authors") for a in authors}
    assert written == {"JOHN SMITH", "John Smith", "BOB"}


@pytest.mark.parametrize("at", [0, 3])
def test_an_import_that_is_stopped_leaves_nothing(imported, snapshots, monkeypatch, at):
    """Ctrl-C in the middle of the file, and while tables are joined."""

    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(hfcommunity, ("_columns", "_open", "_read_discussions", "_write_commits")[at], stop)
    with pytest.raises(KeyboardInterrupt):
        imported(dump(V10))
    assert list(snapshots.iterdir()) == []


def test_tables_that_are_not_in_the_dump_or_empty_are_absent(imported):
    lacking = {table: columns for table, columns in V10.items() if table not in ("commits", "discussion", "model")}
    made = imported(dump(lacking)).snapshot
    assert not made.has("commits") and not made.has("discussions")
    assert not made.has("repos", "downloads", kind="model") and made.has("repos", "downloads", kind="dataset")
    assert (
        not imported(dump(V11, {"models_in_space": []}), replace=True)
        .snapshot.rule("usage")
        .startswith("models that the Hub")
    )


def test_columns_that_are_not_in_the_dump_are_absent_and_said(imported):
    summary = imported(dump(V10 | {"repository": "id, type, author"}))
    assert not summary.snapshot.has("repos", "likes")
    assert summary.notes["columns that are not in the dump (repository.likes)"] == 1
    assert table(summary, "repos", "kind", "repo_id")[0] == ("dataset", "ann/set")


def test_rows_that_can_not_be_used_are_counted_by_reason(imported):
    commits = records(V10)["commits"]
    commits[0]["timestamp"] = "0000-00-00 00:00:00"
    commits[1]["timestamp"] = "2027-01-01 00:00:00"
    commits[2]["sha"] = None
    repository = records(V10)["repository"]
    repository[1] |= {"id": "gpt2"}
    repository[2] |= {"name": "ann/other"}
    repository += [{"id": "models/a b", "name": "a b", "type": "model"}, {"id": "models/c/d", "type": "space"}]
    discussion = [row | {"created_at": None} for row in ROWS["discussion"][:1]] + [ROWS["discussion"][2]]
    summary = imported(dump(V10, {"commits": commits, "repository": repository, "discussion": discussion}))
    assert summary.rejected == {
        ("commits", "commit without a date"): 1,
        ("commits", "created_at is before 2005-04-07 or after the snapshot"): 1,
        ("commits", "commit without its id"): 1,
        ("repos", "id does not begin with models/, datasets/ or spaces/"): 1,
        ("repos", "its name is not that of its id"): 1,
        ("repos", "its type is not that of its id"): 1,
        ("repos", "not a repository id"): 1,
        ("discussions", "no date"): 1,
        ("discussions", "its repository is not in the dump"): 1,
    }


def test_card_that_is_no_python_text_is_counted_and_nothing_of_it_is_run(imported):
    cards = ["[" * 100_000, "{'a': ", "{'a': __import__('os').abort()}", "{'sdk': 'gradio', 'a': 'x' * 9}", "9" * 5000]
    spaces = [
        {"id": f"spaces/bob/{n}", "name": f"bob/{n}", "type": "space", "card_data": card + "  # 'models'"}
        for n, card in enumerate(cards)
    ]
    summary = imported(dump(V10, {"repository": [*records(V10)["repository"], *spaces]}))
    assert summary.notes["cards that could not be read"] == len(cards)
    assert len(table(summary, "usage")) == 2
    assert len(table(summary, "repos")) == 4 + len(cards)


@pytest.fixture
def with_files(tmp_path, snapshots):
    """A function that imports the text of a dump with the files that its commits changed."""

    def imported(text: str) -> importers.Summary:
        (tmp_path / "dump.sql").write_text(text, encoding="utf-8")
        return import_dumps(NAME, [("hfcommunity-files", tmp_path / "dump.sql")])

    return imported


def test_files_of_v10_are_those_by_which_a_commit_reaches_its_repositories(with_files, v10):
    made = with_files(dump(V10))
    assert table(made, "files", "kind", "repo_id", "commit_id", "path") == [
        ("dataset", "ann/set", "c" * 40, "a.bin"),
        ("model", "ann/net", "a" * 40, "README.md"),
        ("model", "ann/net", "b" * 40, "README.md"),
        ("space", "bob/app", "b" * 40, "it's.md"),
    ]
    assert made.snapshot.status("files", "model") == "sample" and "when it was crawled" in made.snapshot.rule("files", "model")
    assert table(made, "commits") == table(v10, "commits") and not v10.snapshot.has("files")


def test_files_of_v11_are_those_that_a_commit_modified_by_their_path_after_or_before_it(with_files):
    pairs = (("a", 1), ("b", 1), ("b", 2), ("d", 3), ("e", 1), ("a", 9))  # no commit e, no file m9
    changed = {"files_in_commit": [{"sha": sha * 40, "modified_file_id": f"m{n}"} for sha, n in pairs]}
    made = with_files(dump(V11, changed))
    assert table(made, "files", "kind", "repo_id", "commit_id", "path") == [
        ("model", "ann/net", "a" * 40, "README.md"),
        ("model", "ann/net", "b" * 40, "README.md"),
        ("model", "ann/net", "b" * 40, "gone.bin"),
        ("model", "gpt2", "d" * 40, "it's/after.md"),
    ]
    assert made.notes["changed files whose commit or repository is not in the dump, left out"] == 2


def test_hostile_paths_are_left_out_counted_and_not_shown(with_files):
    hostile = {12: "a\u202egpj.exe", 7: "x" * 5000, 9: ""}
    made = with_files(dump(V10, {"file": [row | {"filename": hostile[row["id"]]} for row in ROWS["file"]]}))
    assert table(made, "files") == []
    assert {reason: n for (table, reason), n in made.rejected.items() if table == "files"} == {
        "path with characters for control or direction, or that are no text": 2,
        "path is over 4096 characters": 1,
        "no path": 1,
    }
    assert "gpj" not in "".join(made.lines()) + str(table(made, "rejected"))


@pytest.mark.parametrize(("tables", "lacks"), [(V11, "modified_file"), ({"repository": V10["repository"]}, "files_in_commit")])
def test_a_dump_that_does_not_say_which_files_were_changed_is_refused(with_files, tables, lacks):
    rows = {"files_in_commit": [{"sha": "a" * 40, "modified_file_id": "m1"}], "modified_file": []}
    with pytest.raises(SnapshotError, match=f"dump.sql: no rows of {lacks}, .*; import it as hfcommunity"):
        with_files(dump(tables, rows))


def refused(imported, text: str | bytes) -> str:
    with pytest.raises(SnapshotError) as error:
        imported(text)
    said = str(error.value)
    assert "\n" not in said and len(said) < 500
    return said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            dump({"author": V10["author"]}),
            "no table repository; found the tables author; expected a dump of HFCommunity",
        ),
        ("-- no table at all\n", "no table repository; it defines no table"),
        (
            dump({k: v for k, v in V10.items() if k != "file"}),
            "commits without repo_id, and no table file through which",
        ),
        (
            dump(V10 | {"commits": "hash, timestamp, author"}),
            "the table commits has no column sha; found hash, timestamp, auth",
        ),
        (
            dump(V10 | {"commits": "sha, at, author"}),
            "the table commits has no column timestamp or author_date; found sha, at",
        ),
        (dump(V10 | {"repository": "repo_id, type"}), "the table repository has no column id; found repo_id, type"),
        (dump(V11 | {"files_in_commit": "sha, change_id"}), "the table files_in_commit has no column file_id"),
        (
            dump(V10).replace("CREATE TABLE `commits`", "CREATE TABLE `other`"),
            "rows of 'commits' come before its CREATE TABLE",
        ),
        (dump(V10) + dump(V10), "defines the table commits twice"),
        (dump(V10).encode("utf-16"), "is UTF-16 text"),
        ("<!DOCTYPE html><html></html>", "is an HTML page"),
    ],
)
def test_what_is_not_as_expected_is_said_in_a_line_that_names_what_was_found(imported, text, said):
    assert refused(imported, text).startswith(f"dump.sql: {said}")


def test_no_usable_row_is_said_with_the_reasons(imported):
    repository = [row | {"id": row["name"]} for row in ROWS["repository"]]
    assert "no usable row among 4 (4 id does not begin with" in refused(imported, dump(V10, {"repository": repository}))


def test_dump_in_a_wrong_encoding_is_rejected_row_by_row(imported):
    changed = {"discussion": [row | {"author": "Zoë"} for row in records(V10)["discussion"]]}
    summary = imported(dump(V10, changed).replace("😀", "").encode("latin1"))
    assert summary.rejected[("discussions", "discussion: author is not UTF-8")] == 3


def test_complete_coverage_and_columns_of_the_users_are_refused(imported):
    with pytest.raises(SnapshotError, match="coverage complete: expected sample, for HFCommunity keeps"):
        imported(dump(V10), coverage="complete")
    with pytest.raises(SnapshotError, match="give no --column"):
        imported(dump(V10), columns={"likes": "stars"})
