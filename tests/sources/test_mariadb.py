"""A real MariaDB as the oracle: what it dumps is read as it holds it, and HFCommunity's tables come back as they went in."""

import random

import pytest

from analysis import snapshot
from analysis.sources import sqldump
from analysis.sources.dumps import import_dumps
from tests.sources import hfcommunity_at_size, mariadb

pytestmark = pytest.mark.skipif(
    bool(mariadb.missing()), reason=f"a real MariaDB is needed; not installed: {', '.join(mariadb.missing())}"
)
FORMS = {  # of mariadb-dump
    "as it is": (),
    "a row a statement": ("--skip-extended-insert", "--complete-insert", "--hex-blob"),
    "bare": ("--skip-opt", "--skip-comments", "--insert-ignore", "--tz-utc", "--default-character-set=utf8mb4"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mariadb.server(tmp_path_factory.mktemp("mariadb")) as started:
        yield started


@pytest.mark.parametrize("form", FORMS)
def test_strange_texts_are_read_as_the_server_holds_them(server, tmp_path, form):
    drawn = random.Random(form)
    letters = "ab'\"\\,();`\n\r\t\0\x1a\b é😀-/*#N%_\u2028\u0085"
    texts = ["".join(drawn.choices(letters, k=drawn.randrange(12))) for _ in range(400)]
    texts += ["NULL", "\\N", "');\nINSERT INTO `t` VALUES (9,'x','x');\n", "x" * 2_000_000]
    server.empty()
    server.run("CREATE TABLE t (id INT PRIMARY KEY, text LONGTEXT, bytes LONGBLOB, none TEXT) CHARSET utf8mb4")
    rows = ",".join(
        f"({n}, CONVERT(X'{text.encode().hex()}' USING utf8mb4), X'{text.encode().hex()}', NULL)"
        for n, text in enumerate(texts)
    )
    server.run(f"SET NAMES utf8mb4; INSERT INTO t VALUES {rows}")
    text = server.dump(tmp_path / "t.sql", *FORMS[form]).read_bytes()
    found = []
    for part in sqldump.Reader(iter([text]), lambda table: ("id", "text", "bytes", "none"), {}):
        assert not part.rejected
        found += part.data.drop_columns("row").to_pylist()
    assert found == [{"id": str(n), "text": text, "bytes": text, "none": None} for n, text in enumerate(texts)]


@pytest.mark.parametrize(("version", "form"), [("1.0", "as it is"), ("1.0", "a row a statement"), ("1.1", "bare")])
def test_tables_of_hfcommunity_come_back_as_they_went_in(server, demo, tmp_path, snapshots, version, form):
    server.load(demo.path, version, tmp_path, lost=30 if version == "1.0" else 0)
    archive = mariadb.pack(server.dump(tmp_path / "dump.sql", *FORMS[form]))
    summary = import_dumps("2023-10-15", [("hfcommunity", archive)])
    reduced = hfcommunity_at_size.Reduced(demo)
    for change in hfcommunity_at_size.losses(version).values():
        reduced.lose(change)
    tables = dict.fromkeys(("repos", "commits", "discussions", "usage"), 0)
    assert hfcommunity_at_size.differing_rows(reduced, summary.snapshot) == tables
    assert not summary.rejected
    lost = {"commits that no file links to a repository, left out": 30} if version == "1.0" else {}
    assert {what: n for what, n in summary.notes.items() if "left out" in what} == lost
    assert snapshot.validate(summary.snapshot) is None
