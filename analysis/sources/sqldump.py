"""What rows does a database dump hold? Reads the text of mariadb-dump or mysqldump as a stream; no SQL is ever executed.

Columns are those of the file's own CREATE TABLE. Text is split with numpy: a table that nobody chose is passed over.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PIECE = 4 * 2**20  # bytes of text that are split at a time
LONGEST_ROW = 64 * 2**20  # bytes: far above any row of a listing; a text whose end is missing does not fill the memory
LONGEST_STATEMENT = 2**20  # bytes, of a statement that holds no rows

_NAME = rb"(?:`((?:[^`]|``)+)`|([A-Za-z_$][\w$]*))"
_TEXT = rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_HEAD = re.compile(
    rb"(?:INSERT|REPLACE)\s+(?:(?:IGNORE|DELAYED|LOW_PRIORITY|HIGH_PRIORITY|INTO)\s+)*(?:(?:`[^`]+`|\w+)\.)?"
    + _NAME
    + rb"\s*(?:\(([^()]*)\)\s*)?(VALUES?\s*\(|\S)",
    re.IGNORECASE,
)
_CREATE = re.compile(rb"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:[^(]*\.)?" + _NAME + rb"\s*\(", re.IGNORECASE)
_COLUMN = re.compile(rb"\s*" + _NAME + rb"\s+(.*)", re.DOTALL)
_NO_COLUMN = re.compile(
    rb"\s*(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FOREIGN|FULLTEXT|SPATIAL|CHECK|PERIOD)\b", re.IGNORECASE
)
_INSIDE = re.compile(_TEXT + rb"|`[^`]*`|--[^\n]*\n|/\*.*?\*/|[(),;]", re.DOTALL)
_SPACE = re.compile(rb"\s*")
_WORDS = frozenset(
    b"ALTER ANALYZE BEGIN CHANGE COMMIT CREATE DELIMITER DROP FLUSH GRANT INSERT LOCK REPLACE SET START UNLOCK USE".split()
)
_CHARSETS = {"utf8mb4": None, "utf8mb3": None, "utf8": None, "binary": None, "ascii": None, "latin1": "cp1252"}
_ESCAPED = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a", b"%": b"\\%", b"_": b"\\_"}
_COMMON = ((b"\\'", b"'"), (b"\\n", b"\n"), (b'\\"', b'"'), (b"\\r", b"\r"))
_ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
_BYTES = re.compile(rb"0x([0-9A-Fa-f]*)|[xX]'([0-9A-Fa-f]*)'|_[A-Za-z0-9]+\s*(" + _TEXT + rb")", re.DOTALL)

_QUOTE, _COMMA, _OPEN, _CLOSE, _END = 1, 2, 3, 4, 5
_CODES = bytearray(256)
for _code, _byte in enumerate(b"',();", start=1):
    _CODES[_byte] = _code


class SqlError(ValueError):
    """A dump that can't be read on; the message is one line that names the table and the row."""


@dataclass(frozen=True)
class Table:
    """One CREATE TABLE: `columns` maps a name to its type and what follows it, `options` is what follows the columns."""

    name: str
    columns: Mapping[str, str]
    options: str


@dataclass(frozen=True)
class Rows:
    """Rows of one table: text columns (null where NULL) and `row`, the number in the table; (row, why) of unusable ones."""

    table: str
    data: pa.Table
    rejected: Sequence[tuple[int, str]]


class Reader:
    """Reads one file. `choose` says which columns of a table are wanted, none to pass over it; it may raise.

    In: pieces of the file's bytes. While it is iterated over, it gives `Rows`; `tables` holds the definitions met so far,
    `counts` the rows per chosen table, `in_utc` whether the file says that its TIMESTAMPs are. Raises SqlError.
    """

    def __init__(self, pieces: Iterator[bytes], choose: Callable[[Table], Collection[str]], tables: dict[str, Table]):
        self.tables, self.counts, self.in_utc = tables, Counter(), False
        self._pieces, self._choose = pieces, choose
        self._wanted: dict[str, list[str]] = {}
        self._text, self._ended, self._codec = b"", False, None
        self._promised: set[bytes] = set()  # what the end of the file has to say, after what its beginning said
        self._line_end = b"\n"
        self._where = "before its first table"

    def __iter__(self) -> Iterator[Rows]:
        self._begin()
        while self._skip_space():
            if head := self._insert_head():
                yield from self._insert(head)
            else:
                self._statement()
        if self._promised:
            raise SqlError(f"breaks off {self._where}: its end is missing")

    # --- bytes

    def _more(self, size: int = 0) -> bool:
        """Append to the text at hand, until it has `size` bytes, at least one piece; False at the end of the file."""
        parts, length = [self._text], len(self._text)
        while not self._ended:
            piece = self._decoded(next(self._pieces, b""))
            self._ended = not piece
            parts.append(piece)
            length += len(piece)
            if piece and length >= size:
                break
        self._text = b"".join(parts)
        return not self._ended

    def _decoded(self, piece: bytes) -> bytes:
        return piece.decode(self._codec, "replace").encode() if self._codec else piece

    def _begin(self) -> None:
        self._more(4096)
        start = self._text[:4096]
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[1:4:2] == b"\0\0":
            raise SqlError(
                "is UTF-16 text, as PowerShell writes what a command prints; make the dump with --result-file"
            )
        self._text = self._text.removeprefix(b"\xef\xbb\xbf")
        if b"\r\n" in start:
            self._line_end = b"\r\n"

    def _skip_space(self) -> bool:
        """Pass over white space; False at the end of the file."""
        while True:
            self._text = self._text[_SPACE.match(self._text).end() :]
            if self._text:
                return True
            if not self._more():
                return False

    def _until(self, mark: bytes, what: str) -> bytes:
        """Take the text up to and with the mark."""
        seen = 0
        while (found := self._text.find(mark, seen)) < 0:
            seen = max(len(self._text) - len(mark), 0)
            self._grow(what)
        taken, self._text = self._text[: found + len(mark)], self._text[found + len(mark) :]
        return taken

    def _grow(self, what: str) -> None:
        if len(self._text) > LONGEST_STATEMENT:
            raise SqlError(f"{what} of more than {LONGEST_STATEMENT // 2**20} MiB {self._where}; no dump has one")
        if self._ended:
            raise SqlError(f"breaks off {self._where}, inside {what}")
        self._more(2 * len(self._text))

    # --- statements without rows

    def _statement(self) -> None:
        if self._text.startswith((b"--", b"#")):
            if b"\n" not in self._text and self._ended:
                self._text += b"\n"
            self._heed_comment(self._until(b"\n", "a comment"))
        elif self._text.startswith(b"/*"):
            self._heed(self._until(b"*/", "a comment"))
            self._text = self._text.removeprefix(b";")
        elif self._text.startswith(b";"):
            self._text = self._text[1:]
        elif self._first_word() == b"DELIMITER":
            self._until(b"\nDELIMITER ;", "a trigger or procedure")
        else:
            statement = self._to_semicolon()
            self._heed(statement)
            if created := _CREATE.match(statement):
                self._create(statement, created)

    def _first_word(self) -> bytes:
        if len(self._text) < 64 and not self._ended:
            self._more(64)
        word = re.match(rb"[A-Za-z]*", self._text)[0].upper()
        if word not in _WORDS:
            raise SqlError(f"is no SQL text {self._where}: found {_shown(self._text[:40])}")
        return word

    def _to_semicolon(self) -> bytes:
        while True:
            for token in _INSIDE.finditer(self._text):
                if token[0] == b";":
                    taken, self._text = self._text[: token.end()], self._text[token.end() :]
                    return taken
            self._grow("a statement")

    def _heed_comment(self, comment: bytes) -> None:
        if re.match(rb"-- (?:MariaDB|MySQL) dump", comment):
            self._promised.add(b"-- Dump completed")
        elif comment.startswith(b"-- Dump completed"):
            self._promised.clear()

    def _heed(self, statement: bytes) -> None:
        """Take the encoding and the zone from a SET."""
        if found := re.search(rb"\bSET NAMES '?(\w+)", statement, re.IGNORECASE):
            name = found[1].decode().lower()
            if name not in _CHARSETS:
                raise SqlError(
                    f"is written in {name}; expected utf8mb4, make the dump with --default-character-set=utf8mb4"
                )
            self._codec = _CHARSETS[name]
            self._text = self._decoded(self._text)
        if re.search(rb"\bSET TIME_ZONE\s*=\s*'\+00:00'", statement, re.IGNORECASE):
            self.in_utc = True
        if b"@OLD_SQL_NOTES=@@SQL_NOTES" in statement:
            self._promised.add(b"SQL_NOTES=@OLD_SQL_NOTES")
        self._promised = {promise for promise in self._promised if promise not in statement}

    def _create(self, statement: bytes, created: re.Match) -> None:
        items, depth, start = [], 1, created.end()
        for token in _INSIDE.finditer(statement, start):
            depth += (token[0] == b"(") - (token[0] == b")")
            if depth == 0 or (depth == 1 and token[0] == b","):
                items.append(statement[start : token.start()])
                start = token.end()
            if depth == 0:
                break
        columns = {}
        for item in items:
            if (column := _COLUMN.match(item)) and not _NO_COLUMN.match(item):
                columns[_name(column[1], column[2])] = _plain(column[3])
        table = Table(_name(created[1], created[2]), columns, _plain(statement[start:].rstrip(b";")))
        self.tables[table.name] = table
        self._where = f"after the definition of {_shown(table.name)}"
        self._wanted[table.name] = list(self._choose(table))

    # --- statements with rows

    def _insert_head(self) -> re.Match | None:
        if self._text[:1] not in b"IiRr":
            return None
        while not (head := _HEAD.match(self._text)) and not self._ended and len(self._text) < LONGEST_STATEMENT:
            self._more(2 * len(self._text))
        if head and self._text[head.end() - 1 : head.end()] != b"(":
            raise SqlError(f"an INSERT without VALUES {self._where}; expected rows as mariadb-dump writes them")
        return head

    def _insert(self, head: re.Match) -> Iterator[Rows]:
        name = _name(head[1], head[2])
        given = [_name(*found) for found in re.findall(_NAME, head[3])] if head[3] else None
        if name not in self._wanted:
            self._wanted[name] = list(
                self._choose(self.tables.get(name, Table(name, dict.fromkeys(given or (), ""), "")))
            )
        self._where = f"in table {_shown(name)}"
        start = self._text[: head.end() - 1]
        self._text = self._text[len(start) :]
        if not self._wanted[name]:
            self._pass_over()
            return
        columns = given or (list(self.tables[name].columns) if name in self.tables else None)
        if columns is None:
            raise SqlError(f"rows of {_shown(name)} come before its CREATE TABLE, so that their columns are unknown")
        if lacking := [column for column in self._wanted[name] if column not in columns]:
            raise SqlError(f"rows of {_shown(name)} come without the column {lacking[0]}")
        yield from self._rows(name, [columns.index(column) for column in self._wanted[name]], len(columns), start)

    def _pass_over(self) -> None:
        """Leave out the rest of a statement: up to the first semicolon outside of quotes."""
        inside = False
        while True:
            hidden, at = _without_escapes(self._text), 0
            while (found := hidden.find(b";", at)) >= 0:
                inside ^= hidden.count(b"'", at, found) % 2 == 1
                at = found + 1
                if not inside:
                    self._text = self._text[at:]
                    return
            kept = (len(hidden) - len(hidden.rstrip(b"\\"))) % 2  # half an escape waits for its other half
            inside ^= hidden.count(b"'", at) % 2 == 1
            self._text = self._text[len(hidden) - kept :]
            if not self._more():
                raise SqlError(f"breaks off {self._where}, inside a statement")

    def _rows(self, name: str, places: list[int], width: int, head: bytes) -> Iterator[Rows]:
        """Rows of this statement, and of those that follow it with the same head."""
        joint, size, done = b";" + self._line_end + head, 2**16, False
        while not done:
            if len(self._text) < size and not self._ended:
                self._more(size)
            text, later = self._text[:size].replace(joint, b","), self._text[size:]
            at_end = self._ended and not later
            piece = _Piece(text, width, at_end=at_end, joint=joint)
            if piece.problem:
                raise SqlError(f"{piece.problem} {self._where}, after row {self.counts[name] + piece.n_rows:,}")
            if piece.n_rows:
                yield self._taken(name, piece, places)
            self._text, done = text[piece.end :] + later, piece.finished
            if not done and not piece.n_rows:
                if at_end:
                    raise SqlError(f"breaks off {self._where}, after row {self.counts[name]:,}")
                if size > LONGEST_ROW:
                    raise SqlError(
                        f"a row of more than {LONGEST_ROW // 2**20} MiB {self._where}, after row {self.counts[name]:,}; "
                        "its text has no end, or the file is damaged"
                    )
                size *= 2
            else:
                size = min(2 * size, PIECE)

    def _taken(self, name: str, piece: "_Piece", places: list[int]) -> Rows:
        first = self.counts[name] + 1
        self.counts[name] += piece.n_rows
        usable = np.flatnonzero(piece.whole)
        rejected = [(first + int(n), piece.width_problem(n)) for n in np.flatnonzero(~piece.whole)]
        columns, bad = {}, {}
        for column, place in zip(self._wanted[name], places, strict=True):
            columns[column], problems = piece.column(place, usable)
            bad |= {n: f"{column} {problem}" for n, problem in problems.items() if n not in bad}
        data = pa.table({"row": pa.array(usable + first, pa.int64()), **columns})
        if bad:
            rejected += [(first + int(usable[n]), why) for n, why in bad.items()]
            kept = np.ones(len(usable), bool)
            kept[list(bad)] = False
            data = data.filter(pa.array(kept))
        return Rows(name, data, sorted(rejected))


class _Piece:
    """Rows in a piece of text that begins with a row: `(…),(…),` and so on, perhaps to the statement's semicolon.

    `end` is where the text goes on that was not read: at the first row that is not whole, or after the semicolon.
    """

    def __init__(self, text: bytes, width: int, *, at_end: bool, joint: bytes):
        self.text, self.width, self.problem, self.finished = text, width, "", False
        self.bytes = np.frombuffer(text, np.uint8)
        at, code, doubled = _outside(text)
        self.marks = [mark for mark, there in ((b"\\", b"\\" in text), (b"''", doubled)) if there]
        ends = np.flatnonzero(code == _END)
        stop = int(ends[0]) if len(ends) else len(at)
        opens, closes = np.flatnonzero(code[:stop] == _OPEN), np.flatnonzero(code[:stop] == _CLOSE)
        self.n_rows = n = len(closes)
        self.opens, self.closes, self.at = opens[:n], closes, at
        if not self._is_flat(opens, closes):
            self.n_rows, self.problem = 0, "a value is an expression, or rows are not divided by commas"
            return
        self.whole = self.closes - self.opens == width
        self.end = int(at[closes[-1]]) + 1 if n else 0
        if n and len(opens) > n:
            self.end = int(at[opens[n]])
        elif n and not len(ends) and code[stop - 1] == _COMMA:
            self.end = int(at[stop - 1]) + 1
        if len(ends):
            self._finish(int(at[stop]), at_end=at_end, joint=joint)

    def _is_flat(self, opens: np.ndarray, closes: np.ndarray) -> bool:
        """One pair of parentheses per row, one comma between two rows."""
        n = len(closes)
        if not n <= len(opens) <= n + 1 or not (opens[:n] < closes).all():
            return False
        return bool((opens[1:] - closes[: len(opens) - 1] == 2).all())

    def _finish(self, semicolon: int, *, at_end: bool, joint: bytes) -> None:
        between = self.text[self.end : semicolon].strip()
        if between:
            self.problem = f"found {_shown(between[:40])} where a row or a semicolon was expected"
            return
        rest = self.text[semicolon:]
        if len(rest) < len(joint) and joint.startswith(rest) and not at_end:
            self.end = semicolon  # the next statement may go on with the same table
            return
        self.finished, self.end = True, semicolon + 1

    def width_problem(self, n: int) -> str:
        return f"{int(self.closes[n] - self.opens[n])} values for {self.width} columns"

    def column(self, place: int, rows: np.ndarray) -> tuple[pa.Array, dict[int, str]]:
        """Values of a column as text, null where NULL; what is wrong, by the number of the row among `rows`."""
        start, end = self.at[self.opens[rows] + place] + 1, self.at[self.opens[rows] + place + 1]
        start, end = self._trimmed(start, end)
        first = self.bytes[start]
        quoted = (first == ord("'")) & (self.bytes[end - 1] == ord("'")) & (end - start >= 2)
        null = (end - start == 4) & ((first | 32) == ord("n"))
        number = ((first >= ord("0")) & (first <= ord("9"))) | (first == ord("-"))
        number &= (self.bytes[np.minimum(start + 1, len(self.bytes) - 1)] | 32) != ord("x")
        found = self._cut(start + quoted, end - quoted, null)
        mended, bad = {}, {}
        for mark in self.marks:
            for n in np.flatnonzero(pc.match_substring(found, mark).fill_null(False).to_numpy(zero_copy_only=False)):
                mended[int(n)] = _unescaped(found[int(n)].as_py())
        for n in np.flatnonzero(~(quoted | null | number)):
            mended[int(n)] = _odd(self.text[start[n] : end[n]])
            if mended[int(n)] is None:
                bad[int(n)] = "is no plain value"
        if mended:
            mask = np.zeros(len(rows), bool)
            mask[list(mended)] = True
            found = pc.replace_with_mask(found, mask, pa.array([mended[n] for n in sorted(mended)], pa.binary()))
        return _as_text(found, bad)

    def _trimmed(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Without white space around the values, which mariadb-dump does not write and other tools do."""
        while (space := (start < end - 1) & (self.bytes[start] <= 32)).any():
            start = start + space
        while (space := (start < end - 1) & (self.bytes[end - 1] <= 32)).any():
            end = end - space
        return start, end

    def _cut(self, start: np.ndarray, end: np.ndarray, null: np.ndarray) -> pa.Array:
        """The text between each start and end: every other one of the parts that these cut the whole text into."""
        bounds = np.empty(2 * len(start), np.int32)
        bounds[0::2], bounds[1::2] = start, end
        parts = pa.BinaryArray.from_buffers(
            pa.binary(), max(len(bounds) - 1, 0), [None, pa.py_buffer(bounds), pa.py_buffer(self.text)]
        )
        return parts.take(pa.array(np.arange(0, len(bounds), 2, dtype=np.int32), mask=null))


def _outside(text: bytes) -> tuple[np.ndarray, np.ndarray, bool]:
    """(places, codes) of the commas, parentheses and semicolons in no quotes, and whether a quote is written twice."""
    codes = np.frombuffer(_without_escapes(text).translate(_CODES), np.uint8)
    at = np.flatnonzero(codes != 0)
    code = codes[at]
    quote = code == _QUOTE
    outside = ~(quote | (np.cumsum(quote, dtype=np.int32) & 1).astype(bool))
    quotes = at[quote]
    closing = quotes[1:-1:2]
    return at[outside], code[outside], bool((quotes[2::2][: len(closing)] - closing == 1).any())


def _without_escapes(text: bytes) -> bytes:
    """The text, as long as before, without escaped quotes and backslashes.

    A run of backslashes begins with an escape, so that going through it in pairs is right.
    """
    return text.replace(b"\\\\", b"__").replace(b"\\'", b"__") if b"\\" in text else text


def _unescaped(value: bytes) -> bytes:
    if b"''" not in value:  # as MariaDB writes it: what is left after the common escapes is rare
        parts = value.split(b"\\\\")
        for escaped, plain in _COMMON:
            parts = [part.replace(escaped, plain) for part in parts]
        if not any(b"\\" in part for part in parts):
            return b"\\".join(parts)
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else b"'", value)


def _odd(value: bytes) -> bytes | None:
    """A value in hexadecimal digits or with its encoding before it; None where it is neither."""
    found = _BYTES.fullmatch(value)
    if not found:
        return None
    if found[3]:
        return _unescaped(found[3][1:-1])
    digits = found[1] or found[2] or b""
    return bytes.fromhex(digits.decode()) if len(digits) % 2 == 0 else None


def _as_text(values: pa.Array, bad: dict[int, str]) -> tuple[pa.Array, dict[int, str]]:
    try:
        return values.cast(pa.string()), bad
    except pa.ArrowInvalid:
        pass
    texts = []
    for n, value in enumerate(values.to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            bad[n] = "is not UTF-8"
    return pa.array(texts, pa.string()), bad


def _name(quoted: bytes, bare: bytes) -> str:
    return _plain(quoted.replace(b"``", b"`") if quoted else bare)


def _plain(text: bytes) -> str:
    return text.decode(errors="replace").strip()


def _shown(text: bytes | str) -> str:
    """Strange text, fit for a message."""
    return ascii(text.decode(errors="replace") if isinstance(text, bytes) else text[:60])
