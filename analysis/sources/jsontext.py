"""Records out of JSON that is no file of lines: an array, an object that holds the list, objects over several lines.

Python's own decoder reads one value at a time out of a buffer that grows as needed, so that no more than one record is
held. It reads NaN, which pandas writes and ijson's fast backends refuse, and it is as fast as for lines.
"""

import codecs
import io
import json
import re
from collections.abc import Collection, Iterator, Set

from analysis.sources import rows
from analysis.sources.rows import UnusableError

PIECE = 2**18
LONGEST_VALUE = 64 * 2**20  # characters: a history of 300,000 commits fits, a broken file does not fill the memory
MOST_NAMES = 1000  # of one record; an object that maps ids to records has more
MOST_VALUES = 1_000_000  # of a list in one record: spaces have some thousand models
_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
_COLUMN = re.compile(r'\{\s*"[0-9]+"\s*:')
_CUT = "breaks off; the download is incomplete, fetch it again"
_AS_RECORDS = "write it as records, with pandas by to_json(FILE, orient='records', lines=True)"
_MAP = "an object of objects; expected an array of records, with jq by `jq -c 'to_entries[] | {id: .key} + .value'`"
_OF_ONE_RECORD = ("commits", "discussions", "siblings", "spaces")  # lists that belong to one record
_IDS = frozenset(rows.names_of("repo_id") + rows.names_of("commit_id") + rows.names_of("number"))


class JsonError(ValueError):
    """JSON that can't be read on, or whose shape is not taken; the message is the rest of a line."""


class _BrokenError(JsonError):
    pass


def records(stream: io.BufferedIOBase, ids: Collection[str] = ()) -> Iterator[dict | UnusableError] | None:
    """The records, or None for a file of lines (of which each that is no JSON can be rejected alone).

    `ids` are names by which a record is known beside the usual ones. Raises JsonError for a shape that is not taken, and
    where the text breaks.
    """
    text = _Text(stream)
    if text.next() == "[":
        return _checked(_array(text))
    text.broke_lines = False
    try:
        return _object(text, _IDS.union(ids)) if text.next() == "{" else None
    except _BrokenError:
        return None


def _object(text: "_Text", ids: Set[str]) -> Iterator[dict | UnusableError] | None:
    """The records of the list that the first object holds, or it and those that follow where they run over lines."""
    first: dict = {}
    members = text.members()
    for name in members:
        if text.matches(_COLUMN) or (text.next() == "[" and name in (*rows.names_of("repo_id"), "columns")):
            raise JsonError(f"column-wise JSON ({rows.shown(name)} holds the values of all rows); {_AS_RECORDS}")
        if text.next() != "[":
            first[name] = text.value()
            if len(first) > MOST_NAMES:
                raise JsonError(_MAP)
            continue
        values = text.values()
        head = next(values, None)
        if isinstance(head, dict) and ids & head.keys() and not ids & first.keys() and name not in _OF_ONE_RECORD:
            return _held(text, name, head, values, members, ids)
        first[name] = [] if head is None else [head, *_few(name, values)]
    if len(first) > 1 and not ids & first.keys() and all(isinstance(value, dict) for value in first.values()):
        raise JsonError(_MAP)
    return _objects(text, first) if text.broke_lines else None


def _few(name: str, values: Iterator) -> Iterator:
    for nth, value in enumerate(values):
        if nth > MOST_VALUES:
            raise JsonError(
                f"a list of over {MOST_VALUES:,} values that are no records ({rows.shown(name)}); {_AS_RECORDS}"
            )
        yield value


def _held(
    text: "_Text", held: str, head: dict, values: Iterator, members: Iterator[str], ids: Set[str]
) -> Iterator[dict | UnusableError]:
    yield head
    yield from map(_as_record, values)
    for name in members:
        for value in text.values() if text.next() == "[" else [text.value()]:
            if isinstance(value, dict) and ids & value.keys():
                raise JsonError(
                    f"an object that holds several lists ({rows.shown(held)}, {rows.shown(name)}); take them apart, "
                    f"with jq by `jq -c '.{held}[]'`"
                )
    if text.next():
        raise JsonError(f"several objects that hold a list ({rows.shown(held)}); expected one, or one record per line")


def _array(text: "_Text") -> Iterator:
    yield from text.values()
    if text.next():
        raise JsonError("text after the end of the JSON array; expected one array, or one object per line")


def _checked(values: Iterator) -> Iterator[dict | UnusableError]:
    """The values, unless the first says that they are no records."""
    for nth, value in enumerate(values):
        if nth == 0 and not isinstance(value, (dict, UnusableError)):
            raise JsonError(
                f"a JSON array of {'lists' if isinstance(value, list) else 'bare values'}, not of objects; {_AS_RECORDS}"
            )
        yield _as_record(value)


def _objects(text: "_Text", first: dict) -> Iterator[dict | UnusableError]:
    yield first
    while text.take(",") or text.next():
        yield _as_record(text.value())


def _as_record(value: object) -> dict | UnusableError:
    return value if isinstance(value, (dict, UnusableError)) else UnusableError("not a JSON object")


class _Text:
    """JSON text of a stream, taken token by token. `broke_lines`: whether a line ended inside of what was taken."""

    def __init__(self, stream: io.BufferedIOBase):
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._buffer, self._place, self._ended = "", 0, False
        self.broke_lines = False

    def next(self) -> str:
        """The next character that is no blank; it stays. Empty at the end."""
        while True:
            end = _BLANK.match(self._buffer, self._place).end()
            self.broke_lines |= "\n" in self._buffer[self._place : end]
            self._place = end
            if end < len(self._buffer) or not self._read():
                return self._buffer[end : end + 1]

    def take(self, char: str) -> bool:
        """Whether this character comes next; then it is taken."""
        found = self.next() == char
        self._place += found
        return found

    def matches(self, pattern: re.Pattern) -> bool:
        """Whether what comes next matches, as far as it is in the buffer."""
        if len(self._buffer) - self._place < 100:
            self._read()
        return self.next() != "" and pattern.match(self._buffer, self._place) is not None

    def value(self) -> object:
        """The next value whole; an UnusableError in its place where its text is not UTF-8."""
        if not self.next():
            raise _BrokenError(_CUT)
        while True:
            try:
                found, end = _DECODER.raw_decode(self._buffer, self._place)
            except json.JSONDecodeError as error:
                # What ends within the buffer may be whole in the next piece; what breaks well before its end may not.
                if error.pos + 16 < len(self._buffer) and not error.msg.startswith("Unterminated string"):
                    raise _BrokenError("not JSON; fetch it again, or write it as one object per line") from None
                if not self._read():
                    raise _BrokenError(_CUT) from None
            except RecursionError:
                raise _BrokenError("JSON nested too deeply") from None
            except ValueError:
                raise _BrokenError("a number of thousands of digits") from None
            else:
                if end < len(self._buffer) or self._buffer[end - 1] in '}]"' or not self._read():
                    return self._taken(found, end)

    def _taken(self, found: object, end: int) -> object:
        text, self._place = self._buffer[self._place : end], end
        self.broke_lines |= "\n" in text
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                return UnusableError("not UTF-8")
        return found

    def values(self) -> Iterator:
        """The values of the array that comes next."""
        self._expect("[")
        if self.take("]"):
            return
        while True:
            yield self.value()
            if self.take("]"):
                return
            self._expect(",")

    def members(self) -> Iterator[str]:
        """The names in the object that comes next; the caller takes each value."""
        self._expect("{")
        if self.take("}"):
            return
        while True:
            name = self.value()
            self._expect(":")
            yield str(name)
            if self.take("}"):
                return
            self._expect(",")

    def _expect(self, char: str) -> None:
        if not self.take(char):
            raise _BrokenError("not JSON; fetch it again, or write it as one object per line" if self.next() else _CUT)

    def _read(self) -> bool:
        """Read on; false where the stream has ended."""
        left = len(self._buffer) - self._place
        if left > LONGEST_VALUE:
            raise _BrokenError(f"a record over {LONGEST_VALUE // 2**20} MiB")
        piece = b"" if self._ended else self._stream.read(max(PIECE, left))
        self._ended = not piece
        self._buffer = self._buffer[self._place :] + self._decode(piece, self._ended)
        self._place = 0
        return not self._ended
