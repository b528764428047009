"""Bad dumps of HFCommunity, kind by kind: each ends in one sentence, or its rows are counted and the others kept.

`KINDS` is the list; what is cut or changed at any byte is tried in test_sqldump.py and test_unpack.py.
"""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from analysis.snapshot import SnapshotError
from analysis.sources import sqldump, unpack
from analysis.sources.dumps import import_dumps
from tests.sources.test_hfcommunity import NAME, V10, V11, dump, records
from tests.sources.test_unpack import deflated64

GOOD = dump(V10)
INSERT = "INSERT INTO `commits` VALUES"


class Bad(NamedTuple):
    """The bytes of a file, or what writes it; the sentence that refuses it, or what is counted of its rows."""

    file: bytes | str | Callable[[Path], None]
    said: str = ""
    counted: tuple[str, str] | str = ""


def packed(text: str = GOOD, name: str = "dump.sql") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, text)

    return write


def changed(how: Callable[[bytearray], object]) -> Callable[[Path], None]:
    """A zip with other bytes."""

    def write(path: Path) -> None:
        packed()(path)
        data = bytearray(path.read_bytes())
        how(data)
        path.write_bytes(data)

    return write


def rows(table: str, number: int, **values) -> str:
    """The dump with other values in a row of a table."""
    found = records(V10)[table]
    found[number] |= values
    return dump(V10, {table: found})


def card(text: str) -> str:
    """The dump with this text as the card of a space."""
    (space, *_) = (n for n, row in enumerate(records(V10)["repository"]) if row["id"].startswith("spaces/"))
    return rows("repository", space, card_data=text)


def lock(data: bytearray) -> None:
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1


def renamed(table: str, columns: str, version: dict = V10) -> str:
    return dump(version | {table: columns})


def without(table: str) -> str:
    return dump({name: columns for name, columns in V10.items() if name != table})


KINDS = {
    # the file
    "empty": Bad(b"", said="empty; fetch it again"),
    "an HTML page": Bad("<!DOCTYPE html><html>404</html>", said="is an HTML page"),
    "an HTML page, gzipped": Bad(gzip.compress(b"<html>404</html>"), said="is no SQL text before its first table"),
    "a Git LFS pointer": Bad("version https://git-lfs.github.com/spec/v1\n", said="is a Git LFS pointer"),
    "RAR": Bad(b"Rar!\x1a\x07\x00", said="is a RAR archive"),
    "7z": Bad(b"7z\xbc\xaf\x27\x1c", said="is a 7z archive"),
    "a database of SQLite": Bad(b"SQLite format 3\0", said="is an SQLite database"),
    "what the program complained": Bad("mysqldump: [Warning] Using a password", said="is no SQL text"),
    "zeros": Bad(b"\0" * 5000, said="is"),
    # its packing
    "a zip that is cut": Bad(changed(lambda data: data.__delitem__(slice(len(data) // 2, None))), said="breaks off"),
    "a zip with another byte": Bad(changed(lambda data: data.__setitem__(60, data[60] ^ 1)), said="is damaged"),
    "a zip without SQL": Bad(packed(name="dump.csv"), said="holds no .sql; found 'dump.csv'"),
    "a zip with ../": Bad(packed(name="../dump.sql"), said="holds a file that would lie outside of it ('../dump.sql')"),
    "a zip with an absolute name": Bad(
        packed(name="/etc/dump.sql"), said="holds a file that would lie outside of it ('/etc/"
    ),
    "a locked zip": Bad(changed(lock), said="is locked with a password"),
    "a zip bomb": Bad(packed("\0" * (unpack.ALWAYS_FINE + 1)), said="unpacks to more than 200 times its size"),
    "Deflate64 with another checksum": Bad(lambda path: deflated64(path, GOOD.encode(), checksum=1), said="is damaged"),
    "gzip that is cut": Bad(gzip.compress(GOOD.encode())[:-20], said="breaks off"),
    # its text
    "UTF-16": Bad(GOOD.encode("utf-16"), said="is UTF-16 text"),
    "another encoding, and it says so": Bad(GOOD.replace("utf8mb4 */", "gbk */"), said="is written in gbk"),
    "another encoding": Bad(
        rows("discussion", 0, author="Zoë").replace("😀", "").encode("latin1"),
        counted=("discussions", "discussion: author is not UTF-8"),
    ),
    "cut in a row": Bad(GOOD[: GOOD.index(INSERT) + len(INSERT) + 20], said="breaks off in table 'commits'"),
    "cut between statements": Bad(GOOD[: GOOD.index("CREATE TABLE `commits`")], said="breaks off"),
    "a text without end": Bad(
        lambda path: path.write_bytes(
            GOOD[: GOOD.index(INSERT)].encode() + b"INSERT INTO `commits` VALUES ('" + b"a" * 2**19
        ),
        said="a row of more than 0 MiB in table 'commits'",
    ),
    "a comment without end": Bad(GOOD.replace("-- Dump completed", "/* Dump completed"), said="breaks off"),
    "an expression": Bad(GOOD.replace(f"{INSERT} (", f"{INSERT} (NOW(),"), said="a value is an expression"),
    "an INSERT of a query": Bad(
        GOOD.replace(INSERT, "INSERT INTO `commits` SELECT * FROM t; --"), said="an INSERT without VALUES"
    ),
    # its tables
    "no table": Bad("-- no table at all\n", said="no table repository; it defines no table"),
    "another database": Bad(dump({"author": V10["author"]}), said="no table repository; found the tables author"),
    "no table of files": Bad(without("file"), said="commits without repo_id, and no table file"),
    "an INSERT before its CREATE": Bad(
        GOOD.replace("CREATE TABLE `commits`", "CREATE TABLE `other`"), said="rows of 'commits' come before its CREATE"
    ),
    "a table twice": Bad(GOOD + GOOD, said="defines the table commits twice"),
    "the key renamed": Bad(renamed("repository", "repo_id, type"), said="the table repository has no column id"),
    "the commit's id renamed": Bad(
        renamed("commits", "hash, timestamp, author"), said="the table commits has no column sha"
    ),
    "the date renamed": Bad(
        renamed("commits", "sha, at, author"), said="the table commits has no column timestamp or author_date"
    ),
    "a future version": Bad(
        renamed("files_in_commit", "sha, change_id", V11), said="the table files_in_commit has no column file_id"
    ),
    "a future version that stores dates as numbers": Bad(
        rows("commits", 0, timestamp="1700000000"), counted=("commits", "commit without a date")
    ),
    "a column that is not there": Bad(
        renamed("repository", "id, type, author"), counted="columns that are not in the dump (repository.likes)"
    ),
    # its rows
    "too many values in a row": Bad(
        GOOD.replace(f"{INSERT} (", f"{INSERT} ('x','x','x','x','x','x','x'),("),
        counted=("commits", "commits: 7 values"),
    ),
    "a commit of no day": Bad(
        rows("commits", 0, timestamp="0000-00-00 00:00:00"), counted=("commits", "commit without")
    ),
    "a commit of the future": Bad(
        rows("commits", 0, timestamp="2027-01-01 00:00:00"), counted=("commits", "created_at is before")
    ),
    "a commit without its id": Bad(rows("commits", 0, sha=None), counted=("commits", "commit without its id")),
    "a repository without a prefix": Bad(rows("repository", 1, id="gpt2"), counted=("repos", "id does not begin with")),
    "a repository under two names": Bad(rows("repository", 2, name="ann/x"), counted=("repos", "its name is not that")),
    "a repository of another kind": Bad(rows("repository", 0, type="space"), counted=("repos", "its type is not that")),
    "a number of likes that is none": Bad(rows("repository", 0, likes="many"), counted=("repos", "likes is not a")),
    "a discussion of no repository": Bad(
        rows("discussion", 0, repo_id="models/no/such"), counted=("discussions", "its repository is not in the dump")
    ),
    "a card that is a program": Bad(
        card("{'models': __import__('os').abort()}"), counted="cards that could not be read"
    ),
    "a card that nests without end": Bad(card("[" * 100_000 + "'models'"), counted="cards that could not be read"),
    "quotes and parentheses in a text": Bad(rows("commits", 0, message="'); DROP TABLE x; --(((', '\\")),
}


def test_there_are_forty_kinds():
    assert len(KINDS) >= 40


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_dump_ends_in_a_sentence_or_in_counted_rows(kind, tmp_path, snapshots, monkeypatch):
    monkeypatch.setattr(sqldump, "LONGEST_ROW", 2**17)
    bad, path = KINDS[kind], tmp_path / "dump.sql"
    bad.file(path) if callable(bad.file) else path.write_bytes(
        bad.file if isinstance(bad.file, bytes) else bad.file.encode()
    )
    if bad.said:
        with pytest.raises(SnapshotError) as error:
            import_dumps(NAME, [("hfcommunity", path)], dry_run=True)
        said = str(error.value)
        assert said.startswith(f"dump.sql: {bad.said}") and "\n" not in said and len(said) < 500
    else:
        done = import_dumps(NAME, [("hfcommunity", path)], dry_run=True)
        found = [(*key, n) for key, n in done.rejected.items()] + [("", what, n) for what, n in done.notes.items()]
        table, reason = bad.counted if isinstance(bad.counted, tuple) else ("", bad.counted)
        assert not bad.counted or [n for t, why, n in found if t == table and why.startswith(reason) and n], found
        assert sum(done.rows["repos"].values()) >= 3 and sum(done.rows["commits"].values()) >= 1
    assert [entry.name for entry in snapshots.iterdir() if entry.name != ".validated"] == []


def test_a_statement_of_300_megabytes_is_read_as_it_comes():
    """One INSERT of 30,000 rows with long texts, made while it is read: never more than a few pieces of it are held."""
    row = b",('" + b"5" * 40 + b"','it\\'s; (a) b','" + b"m" * 10_000 + b"')"

    def pieces():
        yield b"CREATE TABLE `commits` (`sha` text, `author` text, `message` text);\nINSERT INTO `commits` VALUES ('1','a','b')"
        for _ in range(300):
            yield row * 100
        yield b";\n"

    reader = sqldump.Reader(pieces(), lambda table: ("sha", "author"), {})
    largest = 0
    for part in reader:
        largest = max(largest, part.data.num_rows)
    assert reader.counts["commits"] == 30_001 and largest < 2_000
