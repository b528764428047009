"""The text of mariadb-dump as rows: every way of writing it gives the same rows, and a broken one ends in a line."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.sources import sqldump
from analysis.sources.sqldump import Reader, SqlError, Table

HEADER = b"""/*M!999999\\- enable the sandbox mode */\x20
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: it's nobody's    Database: hf
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
"""
FOOTER = b"""/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2023-10-09 12:00:00
"""
CREATE = b"""DROP TABLE IF EXISTS `author`;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `author` (
  `id` int(11) NOT NULL DEFAULT 0 COMMENT 'it''s; a (number)',
  `na``me` varchar(256) DEFAULT NULL,
  `note` enum('a,b','c)') DEFAULT 'c)',
  PRIMARY KEY (`id`),
  KEY `by name` (`na``me`(10)),
  CONSTRAINT `one` FOREIGN KEY (`note`) REFERENCES `b` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
LOCK TABLES `author` WRITE;
/*!40000 ALTER TABLE `author` DISABLE KEYS */;
"""
AFTER = b"/*!40000 ALTER TABLE `author` ENABLE KEYS */;\nUNLOCK TABLES;\n"


def reader(text: bytes, *columns: str, piece: int = 2**16) -> Reader:
    pieces = (text[at : at + piece] for at in range(0, len(text), piece))
    return Reader(pieces, lambda table: columns if table.name == "author" else (), {})


def rows(text: bytes, *columns: str, piece: int = 2**16) -> list[tuple]:
    """Every usable row of `author`: its number and the columns, as text."""
    found = []
    for part in reader(text, *(columns or ("id", "na`me")), piece=piece):
        found += zip(*(column.to_pylist() for column in part.data.columns), strict=True)
    return found


def refused(text: bytes, *columns: str) -> str:
    with pytest.raises(SqlError) as error:
        rows(text, *columns)
    assert "\n" not in str(error.value)
    return str(error.value)


def dump(*statements: bytes) -> bytes:
    return HEADER + CREATE + b"".join(statements) + AFTER + FOOTER


ONE = b"INSERT INTO `author` VALUES (1,'ann','a,b');\n"


# --- one row -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"'ann'", "ann"),
        (b"''", ""),
        (b"NULL", None),
        (b"null", None),
        (b"'NULL'", "NULL"),
        (b"17", "17"),
        (b"-1.5e3", "-1.5e3"),
        (rb"'it\'s'", "it's"),
        (b"'it''s'", "it's"),
        (b"''''", "'"),
        (rb"'\''", "'"),
        (rb"'a\\'", "a\\"),
        (rb"'\\\\\'\\'", "\\\\'\\"),
        (rb"'\n\r\t\b\0\Z\"\x\%\_'", '\n\r\t\b\0\x1a"x\\%\\_'),
        (b"'a,(b);c'", "a,(b);c"),
        (b"'(1,''x''),(2'", "(1,'x'),(2"),
        ("'Zoë 😀 \u2028\u0085 語'".encode(), "Zoë 😀 \u2028\u0085 語"),
        (b"'\t\x0b\x0c'", "\t\x0b\x0c"),
        (b"'-- no comment'", "-- no comment"),
        (b"0x416E6E", "Ann"),
        (b"0x", ""),
        (b"X'416E6E'", "Ann"),
        (b"_binary 'ann\\'s'", "ann's"),
        (b"_utf8mb4'ann'", "ann"),
        (b" 'ann' ", "ann"),
        (b"'INSERT INTO `author` VALUES (9,''x'',''y'');'", "INSERT INTO `author` VALUES (9,'x','y');"),
    ],
)
def test_a_value_in_every_way_that_it_is_written(value, expected):
    assert rows(dump(b"INSERT INTO `author` VALUES (1,%s,'a'),(2,'next',NULL);\n" % value)) == [
        (1, "1", expected),
        (2, "2", "next"),
    ]


def test_columns_are_those_of_the_file_in_any_order():
    text = dump(ONE)
    assert rows(text, "note", "id") == [(1, "a,b", "1")]
    table = {}
    for _ in Reader(iter([text]), lambda found: table.update({found.name: found}) or (), {}):
        pass
    assert table["author"].columns["na`me"] == "varchar(256) DEFAULT NULL"
    assert list(table["author"].columns) == ["id", "na`me", "note"]
    assert "COLLATE=utf8mb4_general_ci" in table["author"].options


@pytest.mark.parametrize(
    "statement",
    [
        b"INSERT INTO `author` VALUES (1,'ann','x'),(2,NULL,'y'),(3,'bob','z');\n",
        b"INSERT INTO `author` VALUES\n(1,'ann','x'),\n(2,NULL,'y'),\n(3,'bob','z');\n",
        b"INSERT INTO `author` (`note`, `na``me`, `id`) VALUES ('x','ann',1),('y',NULL,2),('z','bob',3);\n",
        b"INSERT INTO `author` VALUES (1,'ann','x');\nINSERT INTO `author` VALUES (2,NULL,'y');\n"
        b"INSERT INTO `author` VALUES (3,'bob','z');\n",
        b"INSERT  IGNORE INTO `author` VALUES (1,'ann','x');\nREPLACE INTO `hf`.`author` VALUES (2,NULL,'y');\n\n"
        b"insert into author values (3, 'bob', 'z') ;",
        b"INSERT INTO `author` VALUES (1,'ann','x');\nINSERT INTO `other` VALUES ('it''s (;');\n"
        b"-- it's a comment\n/* and it's another; */\nINSERT INTO `author` VALUES (2,NULL,'y'),(3,'bob','z');\n",
    ],
    ids=["one line", "a row a line", "complete insert", "a row a statement", "other words", "between other tables"],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_every_form_of_statement_gives_the_same_rows(statement, line_end):
    text = dump(statement).replace(b"\n", line_end)
    assert rows(text) == [(1, "1", "ann"), (2, "2", None), (3, "3", "bob")]


def test_tables_that_nobody_wants_are_passed_over():
    other = b"INSERT INTO `other` VALUES ('it\\'s \\\\',1),(2,';\nINSERT INTO `author` VALUES (9,''x'',''y'');');\n"
    assert rows(dump(other, ONE, other)) == [(1, "1", "ann")]


def test_triggers_and_views_are_passed_over():
    trigger = b"DELIMITER ;;\n/*!50003 CREATE TRIGGER t BEFORE INSERT ON author FOR EACH ROW SET @a = 'it;' */;;\nDELIMITER ;\n"
    view = b"/*!50001 CREATE VIEW `v` AS SELECT 1 AS `id` */;\n"
    assert rows(dump(trigger, ONE, view)) == [(1, "1", "ann")]


def test_latin1_is_what_windows_calls_it():
    text = dump(b"INSERT INTO `author` VALUES (1,'Zo\xeb \x80','a');\n").replace(b"utf8mb4 */", b"latin1 */")
    assert rows(text) == [(1, "1", "Zoë €")]


def test_zone_of_timestamps_is_told_by_the_header():
    for text, expected in ((dump(ONE), True), (dump(ONE).replace(b"SET TIME_ZONE", b"SET NO_ZONE"), False)):
        read = reader(text, "id")
        assert len(list(read)) == 1
        assert read.in_utc is expected


# --- what is wrong ----------------------------------------------------------------------------------------------


def test_rows_that_do_not_fit_are_counted_and_the_others_kept():
    lines = b"(1,'ann','x'),(2,'bob'),(3,'\xff','z'),(4,NOW,'z'),(5,'eve','z',1),(6,'zoe','z');\n"
    (part,) = reader(dump(b"INSERT INTO `author` VALUES " + lines), "id", "na`me")
    assert part.data["row"].to_pylist() == [1, 6]
    assert part.rejected == [
        (2, "2 values for 3 columns"),
        (3, "na`me is not UTF-8"),
        (4, "na`me is no plain value"),
        (5, "4 values for 3 columns"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + ONE + FOOTER, "rows of 'author' come before its CREATE TABLE, so that their columns are unknown"),
        (dump(b"INSERT INTO `author` (`note`) VALUES ('x');\n"), "rows of 'author' come without the column id"),
        (dump(b"INSERT INTO `author` SELECT 1;\n"), "an INSERT without VALUES"),
        (dump(b"INSERT INTO `author` VALUES (1,CONCAT('a'),'x');\n"), "a value is an expression"),
        (dump(b"INSERT INTO `author` VALUES (1,'a','x') ON DUPLICATE KEY UPDATE id=1;\n"), "found 'ON DUPLICATE KEY"),
        (b"<html><body>not found</body></html>", "is no SQL text before its first table: found '<html>"),
        (b"mysqldump: [Warning] Using a password", "is no SQL text before its first table: found 'mysqldump:"),
        (dump(ONE).decode().encode("utf-16"), "is UTF-16 text"),
        (dump(ONE).decode().encode("utf-16-le"), "is UTF-16 text"),
        (dump(ONE).replace(b"NAMES utf8mb4", b"NAMES gbk"), "is written in gbk; expected utf8mb4"),
        (b"\0" * 5000, "is"),
        (HEADER + b"SET @a = '" + b"a" * (sqldump.LONGEST_STATEMENT + 2**17), "a statement of more than 1 MiB"),
    ],
)
def test_what_can_not_be_read_is_said_in_a_line(text, said):
    assert refused(text).startswith(said)


def test_byte_order_mark_is_no_text():
    assert rows(b"\xef\xbb\xbf" + dump(ONE)) == [(1, "1", "ann")]


def test_text_without_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(sqldump, "LONGEST_ROW", 2**18)
    text = dump(ONE, b"INSERT INTO `author` VALUES (2,'" + b"a" * 2**20)
    assert refused(text).startswith("a row of more than 0 MiB in table 'author', after row 1")


def test_row_that_is_longer_than_a_piece(monkeypatch):
    monkeypatch.setattr(sqldump, "PIECE", 2**17)
    name = "é" * 2**19
    statement = f"INSERT INTO `author` VALUES (1,'{name}','a'),(2,'b','c');\n".encode()
    assert rows(dump(statement, ONE)) == [(1, "1", name), (2, "2", "b"), (3, "1", "ann")]


WHOLE = dump(
    b"INSERT INTO `other` VALUES ('it\\'s (;');\n",
    b"INSERT INTO `author` VALUES (1,'an\\'n','x'),\n(2,'b''b','y;');\n",
    b"INSERT INTO `author` VALUES (3,'c\\\\','z');\n",
)


def test_dump_that_is_cut_anywhere_breaks_off():
    """From the second line, which promises an end, to the line that keeps the promise; what was read before is right."""
    for cut in range(WHOLE.index(b" 10.19"), WHOLE.index(b"-- Dump completed")):
        found = []
        with pytest.raises(SqlError, match="breaks off|is no SQL text|without VALUES"):
            for part in reader(WHOLE[:cut], "na`me"):
                found += part.data["na`me"].to_pylist()
        assert found == ["an'n", "b'b", "c\\"][: len(found)]


# --- properties ------------------------------------------------------------------------------------------------

_TEXTS = st.text(st.sampled_from("ab'\"\\,();`\n\r\0\x1a é😀-/*#N"), max_size=12)
_VALUES = st.none() | st.integers(-(10**12), 10**12) | _TEXTS


def written(value: None | int | str, *, doubled: bool) -> bytes:
    """As MariaDB's client writes a value; `doubled`: as other tools do."""
    if not isinstance(value, str):
        return b"NULL" if value is None else b"%d" % value
    if doubled:
        return b"'" + value.replace("\\", "\\\\").replace("'", "''").encode() + b"'"
    for plain, escaped in ("\\\\", "\0" + "0", "\nn", "\rr", "\x1aZ", "''", '""'):
        value = value.replace(plain, "\\" + escaped)
    return b"'" + value.encode() + b"'"


@settings(max_examples=100)
@given(
    table=st.lists(st.tuples(_VALUES, _VALUES, _VALUES), min_size=1, max_size=12),
    per_statement=st.integers(1, 5),
    piece=st.integers(1, 64),
    doubled=st.booleans(),
    joint=st.sampled_from([b",", b",\n"]),
)
@example(table=[("\\", "'", "\\'")] * 4, per_statement=2, piece=1, doubled=False, joint=b",")
def test_what_was_written_is_read_however_it_is_divided(table, per_statement, piece, doubled, joint):
    lines = [b"(%s)" % b",".join(written(value, doubled=doubled) for value in row) for row in table]
    statements = [
        b"INSERT INTO `author` VALUES " + joint.join(lines[at : at + per_statement]) + b";\n"
        for at in range(0, len(lines), per_statement)
    ]
    expected = [(n, *(None if value is None else str(value) for value in row)) for n, row in enumerate(table, start=1)]
    assert rows(dump(*statements), "id", "na`me", "note", piece=piece) == expected


@settings(max_examples=150)
@given(st.binary(max_size=60), st.integers(0, len(WHOLE)), st.integers(0, 60))
def test_strange_bytes_anywhere_end_in_a_line_or_in_rows(strange, at, lost):
    text = WHOLE[:at] + strange + WHOLE[at + lost :]
    try:
        rows(text)
    except SqlError as error:
        assert re.fullmatch(r"[^\n]{5,400}", str(error))


def test_definition_in_another_file_is_known():
    tables: dict[str, Table] = {}
    for _ in Reader(iter([HEADER + CREATE + FOOTER]), lambda table: (), tables):
        pass
    (part,) = Reader(iter([HEADER + ONE + FOOTER]), lambda table: ("id",), tables)
    assert part.data.to_pylist() == [{"row": 1, "id": "1"}]
