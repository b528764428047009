"""One meaning, whatever its spelling: rows of a snapshot from the records of any source (study, section 3.3).

Every importer and the collector build their rows here, so that a missing value, a list, a count or a name that one of
them understands is understood by all. What can't be used raises UnusableError with the reason that is counted.
"""

import ast
import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import takewhile

import pyarrow as pa
import yaml

from analysis import schema

LARGEST = 2**53  # above it a count is no longer exact as a float, and sums of a few would leave 64 bits
LARGEST_SIZE = 2**63 - 1  # parameters are what an owner declares: a model of 2026 claims 2e16
LONGEST_PYTHON_TEXT = 2**18  # characters; Python's parser takes some 500 bytes of memory for each
LONGEST_YAML = 2**20
ROWS_AT_ONCE = 20_000

# Looser than the Hub is today: ids of 2022 are longer than 96 characters, and hold '..'.
_PART = re.compile(r"[A-Za-z0-9._-]{1,256}")
_ID = re.compile(rf"(?!\.\.?(?:/|$)){_PART.pattern}(/(?!\.\.?$){_PART.pattern})?")  # . and .. are places in a path
_DIGITS = re.compile(r"(-?[0-9]{1,19})(\.0*)?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
# What pandas, json and str() write where there is no value. Not "Nan" or "Null": people are called so.
_NO_VALUE = frozenset(("", "None", "none", "nan", "NaN", "null", "NULL", "NaT", "<NA>"))
_NO_NAME = _NO_VALUE - {"nan"}  # people sign as "nan": where names are listed it is one, alone in a cell it is none
_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
# Control characters, marks that turn the direction of what follows, halves of surrogate pairs.
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HARMFUL = re.compile(rf"{schema.NOT_IN_PATHS}|[\ud800-\udfff]")  # half a surrogate pair: bytes that were no UTF-8
LONG_PATH = f"path is over {schema.LONGEST_PATH} characters"
HARMFUL_PATH = "path with characters for control or direction, or that are no text"
_IDENTIFIERS = re.compile(r"[\w.+-]+(\s*,\s*[\w.+-]+)+")
# numpy writes ['a' 'b'], which Python takes for the one text 'ab'.
_UNPARTED = re.compile(r"(?<=['\"])\s+(?=['\"])")
_YAML = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every value is text, nothing is made of it; C where it was built
_LICENSE_TAG, _BASE_TAG = "license:", "base_model:"

_NAMES = {  # the Hub's, huggingface_hub's and publishers' names for one thing, over the years
    "repo_id": ("modelId", "id", "model_id", "repo_id", "datasetId", "dataset_id", "space_id"),
    "created_at": ("createdAt", "created_at"),
    "last_modified": ("lastModified", "last_modified", "updated_at"),
    "likes": ("likes",),
    "downloads": ("downloads", "downloads_30d"),
    "pipeline_tag": ("pipeline_tag",),
    "library": ("library_name", "library"),
    "sdk": ("sdk",),
    "parameters": ("parameters",),
    "gated": ("gated",),
    "author": ("author",),
    "tags": ("tags",),
    "license": ("license", "licenses"),
    "card": ("cardData", "card_data"),
    "safetensors": ("safetensors",),
    "downloads_all_time": ("downloadsAllTime", "downloads_all_time"),
    "base_models": ("baseModels", "base_models", "base_model"),
    "hub_id": ("_id",),
    "models": ("models",),
    "spaces": ("spaces",),
}
READ = frozenset(name for names in _NAMES.values() for name in names)  # of a table with more columns, only these
_NAMES |= {
    "commit_id": ("commit_id", "id", "oid", "sha"),
    "date": ("created_at", "date", "createdAt", "timestamp", "author_date"),
    "authors": ("authors", "author", "author_name"),
    "number": ("num", "number"),
    "is_pull_request": ("isPullRequest", "is_pull_request"),
    "status": ("status",),
    "path": ("path", "filename", "file"),
    "of_repo": (
        "repo_id",
        "modelId",
        "model_id",
        "datasetId",
        "dataset_id",
        "space_id",
    ),  # where "id" is the event's own
    "space_id": ("space", "space_id"),
    "model_id": ("model", "model_id"),
}
COLUMNS = tuple(name for name in _NAMES if name != "of_repo")  # what a user may say the name of
_OF_A_PERSON = ("user", "name", "username", "login")
_GATES = {"no": "no", "false": "no", "auto": "auto", "manual": "manual", "true": "manual"}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class UnusableError(ValueError):
    """A value that spoils its row; the message is the reason that is counted."""

    def __init__(self, reason: str, detail: str | None = None):
        super().__init__(reason)
        self.detail = detail


# --- values -----------------------------------------------------------------------------------------------


def is_missing(value: object) -> bool:
    """Whether there is no value: None, NaN, or a text that programs write in its place."""
    return value is None or value != value or (isinstance(value, str) and value.strip() in _NO_VALUE)


def names_of(column: str) -> tuple[str, ...]:
    """The names under which sources have the column, the preferred one first."""
    return _NAMES[column]


def first(record: Mapping, column: str) -> object:
    """The first value under any name of the column, or None."""
    for name in _NAMES[column]:
        value = record.get(name)
        if value is not None and not is_missing(value):
            return value
    return None


def unpacked(value: object) -> object:
    """Lists and mappings that a table keeps as JSON or Python text; anything else, and what can't be read, as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{", "("):
        return value
    with suppress(ValueError, RecursionError):
        return json.loads(value)
    if len(value) <= LONGEST_PYTHON_TEXT:
        # Literals only, nothing is executed; brackets in thousands end in different errors by version of Python.
        with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            found = ast.literal_eval(_UNPARTED.sub(", ", value.strip()) if value.lstrip()[0] == "[" else value.strip())
            return list(found) if isinstance(found, tuple) else found
    return value


def mapping(record: Mapping, column: str) -> Mapping:
    """The mapping of a column that holds one, as itself, JSON or Python text; empty where it is none."""
    value = unpacked(first(record, column))
    return value if isinstance(value, dict) else {}


def card(record: Mapping) -> dict | None:
    """A repository's card as its fields, from a mapping, JSON, Python text or YAML; None where it can't be read.

    YAML is what `str()` makes of the cards of huggingface_hub, and the head of a README.
    """
    value = unpacked(first(record, "card"))
    if value is None:
        return {}
    if isinstance(value, str) and value.lstrip()[:1] not in ("[", "{", "("):
        value = _from_yaml(value)
    return value if isinstance(value, dict) else None


def _from_yaml(text: str) -> object:
    """The first document of a text, its values as text; None where it is none, or repeats a part by reference."""
    if len(text) > LONGEST_YAML:
        return None
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        document = takewhile(lambda e: not isinstance(e, yaml.DocumentEndEvent), yaml.parse(text, _YAML))
        if not any(isinstance(event, yaml.AliasEvent) for event in document):  # a few lines of them grow without end
            return next(yaml.load_all(text, _YAML), None)
    return None


def whole_number(value: object, column: str, *, largest: int = LARGEST) -> int | None:
    """A count from a number, a decimal or its digits; None where missing. Raises UnusableError, also above `largest`."""
    if type(value) is int:
        number = value
    elif is_missing(value):
        return None
    elif isinstance(value, str) and (digits := _DIGITS.fullmatch(value.strip())):
        number = int(digits[1])
    elif isinstance(value, (float, Decimal)) and value == value // 1 and abs(value) < float("inf"):
        number = int(value)  # pandas turns counts into floats where one of them is missing
    else:
        raise UnusableError(f"{column} is not a whole number")
    if number < 0:
        raise UnusableError(f"{column} is negative")
    if number > largest:
        raise UnusableError(f"{column} is too large")
    return number


def span_of(date: dt.date) -> tuple[int, int]:
    """The first and the last moment that a record of a snapshot of this day may carry, in microseconds since 1970."""
    first_moment = dt.datetime.combine(schema.FIRST_DATE, dt.time(), dt.UTC)
    return (first_moment - _EPOCH) // _MICROSECOND, (schema.last_moment(date) - _EPOCH) // _MICROSECOND


def moment(value: object, column: str, span: tuple[int, int]) -> int | None:
    """Microseconds since 1970 of an ISO date (without a zone: UTC) or of a count of seconds (or a thousandth, or a
    millionth) since then, as pandas writes them; None where missing. Raises UnusableError.
    """
    if is_missing(value):
        return None
    if type(value) in (int, float):
        # No two of these units give a day after Git's first release for one number.
        found = [int(value * factor) for factor in (10**6, 10**3, 1) if span[0] <= value * factor <= span[1]]
        if not found:
            raise UnusableError(f"{column} is not a date")
        return found[0]
    try:
        date = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise UnusableError(f"{column} is not a date") from None
    if date.tzinfo is None:
        date = date.replace(tzinfo=dt.UTC)
    found = (date - _EPOCH) // _MICROSECOND
    if not span[0] <= found <= span[1]:
        raise UnusableError(f"{column} is before {schema.FIRST_DATE} or after the snapshot")
    return found


def repository_id(value: object) -> str:
    """The id itself: ASCII letters, digits, '.', '_', '-', one slash at most. Raises UnusableError."""
    if is_missing(value):
        raise UnusableError("missing id")
    if not isinstance(value, str) or len(value) > schema.LONGEST_NAME or not _ID.fullmatch(value):
        raise UnusableError("not a repository id", shown(value) if isinstance(value, str) else None)
    return value


def text(value: object, column: str, notes: list[str]) -> str | None:
    """A name or identifier without control characters, or None; of a list the first. Raises UnusableError."""
    if value is None:
        return None
    value = unpacked(value)
    if isinstance(value, list):
        given = [one for one in value if not is_missing(one)]
        if len(given) > 1:
            notes.append(f"lists in {column}, of which the first is kept")
        value = given[0] if given else None
    if is_missing(value):
        return None
    if not isinstance(value, str):
        raise UnusableError(f"{column} is not text")
    if len(value) > schema.LONGEST_NAME:
        raise UnusableError(f"{column} is over {schema.LONGEST_NAME} characters")
    value = _clean(value, notes).strip()
    return None if value in _NO_VALUE else value


def words(value: object, column: str, notes: list[str]) -> list[str] | None:
    """Tags or ids from a list, its JSON or Python text, or a text joined by commas; None where missing."""
    value = unpacked(value)
    if is_missing(value):
        return None
    if isinstance(value, str) and value.lstrip()[:1] not in ("[", "{", "("):
        value = [word.strip() for word in value.split(",")]
    if not isinstance(value, list):
        raise UnusableError(f"{column} is not a list of text")
    given = value
    if set(map(type, given)) - {str} or not _NO_VALUE.isdisjoint(map(str.strip, given)):
        given = [word for word in value if not is_missing(word)]
        if not all(type(word) is str for word in given):
            raise UnusableError(f"{column} is not a list of text")
        if len(given) < len(value):
            notes.append(f"empty words in {column}, left out")
    if given and len(max(given, key=len)) > schema.LONGEST_NAME:
        raise UnusableError(f"a word of {column} is over {schema.LONGEST_NAME} characters")
    return given if "".join(given).isprintable() else [_clean(word, notes) for word in given]


def _clean(value: str, notes: list[str]) -> str:
    """The text without what no text may hold; line breaks and tabs become blanks."""
    if value.isprintable():
        return value
    clean = _NOT_TEXT.sub("", _BREAKS.sub(" ", value))
    if clean != value:
        notes.append("texts with control characters, which were taken out")
    return clean


def name(value: object, notes: list[str]) -> str | None:
    """The name of a person or an account, also from an object such as {"user": "X"}; None where there is none."""
    if isinstance(value, Mapping):
        found = (value[key] for key in _OF_A_PERSON if key in value)
        return next(filter(None, (name(one, notes) for one in found)), None)
    if not isinstance(value, str) or value.strip() in _NO_NAME or len(value) > schema.LONGEST_NAME:
        return None
    return _clean(value, notes).strip() or None


def flag(value: object) -> bool | None:
    """True or False from itself, 1 or 0, or their text; None for anything else."""
    return _FLAGS.get(str(value).strip().lower()) if isinstance(value, (bool, int, str)) else None


# --- rows -------------------------------------------------------------------------------------------------


def repository(record: Mapping, kind: str, repo_id: str, span: tuple[int, int], notes: Counter) -> tuple:
    """One row of `repos`, in the order of its columns; `notes` counts what was mended. Raises UnusableError.

    A row that is rejected leaves no note.
    """
    said: list[str] = []
    tags = words(first(record, "tags"), "tags", said)
    fields = card(record)
    if fields is None:
        said.append("cards that could not be read")
        fields = {}
    parameters = first(record, "parameters")
    if parameters is None:
        parameters = mapping(record, "safetensors").get("total")
    values = {
        "kind": kind,
        "repo_id": repo_id,
        "owner": _owner(record, repo_id, said),
        "created_at": moment(first(record, "created_at"), "created_at", span),
        "last_modified": moment(first(record, "last_modified"), "last_modified", span),
        "likes": whole_number(first(record, "likes"), "likes"),
        "downloads": _downloads(record, kind, "downloads"),
        "license": _license(record, fields, tags, said),
        "tags": tags,
        "pipeline_tag": text(first(record, "pipeline_tag"), "pipeline_tag", said),
        "library": _sdk(record, fields, said) if kind == "space" else text(first(record, "library"), "library", said),
        "parameters": whole_number(parameters, "parameters", largest=LARGEST_SIZE),
        "gated": _gated(first(record, "gated"), said),
        "downloads_all_time": _downloads(record, kind, "downloads_all_time"),
        "base_models": _base_models(record, fields, tags, said),
        "hub_id": text(first(record, "hub_id"), "hub_id", said),
    }
    if said:
        notes.update(said)
    return tuple(values[column] for column in schema.SCHEMAS["repos"].names)


def _license(record: Mapping, card: Mapping, tags: list[str] | None, notes: list[str]) -> str | None:
    """The identifier as it is written: the card's, else the record's, else the first tag that starts with `license:`."""
    tagged = [tag[len(_LICENSE_TAG) :] for tag in tags or () if tag.startswith(_LICENSE_TAG)]
    places = [_identifiers(value) for value in (card.get("license"), first(record, "license"), tagged)]
    if any(len({identifier.casefold() for identifier in place}) > 1 for place in places):
        notes.append("repositories with several licences, of which the first is kept")
    return next((text(place[0], "license", notes) for place in places if place), None)


def _identifiers(value: object) -> list[str]:
    if value is None:
        return []
    value = unpacked(value)
    if isinstance(value, str):
        value = value.split(",") if _IDENTIFIERS.fullmatch(value.strip()) else [value]
    given = value if isinstance(value, list) else []
    return [one.strip() for one in given if isinstance(one, str) and not is_missing(one)]


def _owner(record: Mapping, repo_id: str, notes: list[str]) -> str | None:
    author = first(record, "author")
    prefix = repo_id.partition("/")[0] if "/" in repo_id else None
    if author is None:
        return prefix
    owner = name(author, [])
    if owner is not None and _PART.fullmatch(owner):
        return owner
    notes.append("authors that are no account name, replaced by the part before the slash")
    return prefix


def _downloads(record: Mapping, kind: str, column: str) -> int | None:
    """Undefined for spaces, whatever a listing puts there."""
    return None if kind == "space" else whole_number(first(record, column), column)


def _base_models(record: Mapping, card: Mapping, tags: list[str] | None, notes: list[str]) -> list[dict] | None:
    """What a model was made from, and how where that is said; None where nothing is said of it.

    The Hub says it as {"models": [{"id": ...}], "relation": ...}, cards by `base_model` and `base_model_relation`, tags
    as base_model:ID and base_model:RELATION:ID.
    """
    said: dict[str, str | None] = {}
    given = unpacked(first(record, "base_models"))
    for one in given if isinstance(given, list) else [given]:
        for found, relation in _bases_of(one):
            said[found] = said.get(found) or relation
    for found, _ in _bases_of(unpacked(card.get("base_model"))):
        said[found] = said.get(found) or text(card.get("base_model_relation"), "base_model_relation", notes)
    for tag in tags or ():
        if tag.startswith(_BASE_TAG):
            relation, _, found = tag[len(_BASE_TAG) :].rpartition(":")
            said[found] = said.get(found) or relation or None
    usable = {found: relation for found, relation in said.items() if _ID.fullmatch(found)}
    if len(usable) < len(said):
        notes.append("base models that are no repository id, left out")
    known = {found: relation if relation and _PART.fullmatch(relation) else None for found, relation in usable.items()}
    return [{"model": found, "relation": relation} for found, relation in known.items()] or None


def _bases_of(value: object) -> list[tuple[str, str | None]]:
    """(id, relation) of each model in one of the forms that base models are given in."""
    if isinstance(value, Mapping) and isinstance(listed := value.get("models"), list):
        relation = value.get("relation")
        return [
            (found, relation if isinstance(relation, str) else None) for one in listed for found, _ in _bases_of(one)
        ]
    if isinstance(value, Mapping):
        value = value.get("id", value.get("model"))
    if isinstance(value, list):
        return [found for one in value for found in _bases_of(one)]
    return [] if is_missing(value) else [(one.strip(), None) for one in str(value).split(",")]


def _sdk(record: Mapping, card: Mapping, notes: list[str]) -> str | None:
    """What a space is built with."""
    for value in (first(record, "sdk"), card.get("sdk"), first(record, "library")):
        if not is_missing(value):
            return text(value, "library", notes)
    return None


def _gated(value: object, notes: list[str]) -> str | None:
    """no, auto or manual. A bare `true` does not say how: it becomes manual, the stricter, and is noted."""
    if value is None:
        return None
    said = str(value).lower() if isinstance(value, (bool, str)) else ""
    if said not in _GATES:
        raise UnusableError("gated is not false, true, auto or manual")
    if said == "true":
        notes.append("repositories gated without saying how, taken as manual")
    return _GATES[said]


def commit(record: object, span: tuple[int, int], notes: Counter) -> tuple[str, int, list[str]]:
    """commit_id, date and authors of one commit; `notes` counts authors without a name. Raises UnusableError."""
    if not isinstance(record, Mapping):
        raise UnusableError("commit is not a JSON object")
    commit_id = first(record, "commit_id")
    if not isinstance(commit_id, str) or not _PART.fullmatch(commit_id):
        raise UnusableError("commit without its id")
    date = moment(first(record, "date"), "created_at", span)
    if date is None:
        raise UnusableError("commit without a date")
    said: list[str] = []
    given = _listed_authors(first(record, "authors"))
    authors = [found for found in (name(one, said) for one in given) if found]
    if given and not authors and not all(map(_is_nobody, given)):
        raise UnusableError("authors without a name that can be read")
    if len(authors) < len(given) or not given:
        said.append(
            "commits with an author's name missing; the others are kept" if authors else "commits with no author"
        )
    if said:
        notes.update(said)
    return commit_id, date, authors


def _listed_authors(value: object) -> list:
    value = unpacked(value)
    if is_missing(value):
        return []
    if isinstance(value, (str, Mapping)):  # one; a comma may be part of a name
        return [value]
    if not isinstance(value, list):
        raise UnusableError("authors is not a list")
    return value


def _is_nobody(author: object) -> bool:
    """Whether an author is known to be without a name, as those whose account was deleted; not one in a strange shape."""
    if isinstance(author, Mapping):
        return any(key in author for key in _OF_A_PERSON)
    return is_missing(author) or isinstance(author, str)


def discussion(record: object, span: tuple[int, int], notes: Counter) -> tuple:
    """number, author, created_at, is_pull_request and status of one discussion. Raises UnusableError."""
    if not isinstance(record, Mapping):
        raise UnusableError("discussion is not a JSON object")
    said: list[str] = []
    number = whole_number(first(record, "number"), "num")
    created = moment(first(record, "created_at"), "createdAt", span)
    if number is None or created is None:
        raise UnusableError("no number" if number is None else "no date")
    author = name(first(record, "author"), said)
    if author is None:
        said.append("discussions without an author")
    status = first(record, "status")
    status = text(status, "status", said) if isinstance(status, str) else None
    if said:
        notes.update(said)
    return number, author, created, flag(first(record, "is_pull_request")), status


def changed_file(record: object, span: tuple[int, int], notes: Counter) -> tuple[str, str]:
    """commit_id and path of one file that a commit changed; the path as it is, for it is what tells files apart."""
    if not isinstance(record, Mapping):
        raise UnusableError("changed file is not a JSON object")
    commit_id = first(record, "commit_id")
    if not isinstance(commit_id, str) or not _PART.fullmatch(commit_id):
        raise UnusableError("commit without its id")
    path = next((record[name] for name in _NAMES["path"] if record.get(name) is not None), None)
    if not isinstance(path, str) or not path:
        raise UnusableError("no path")
    if problem := path_problem(path):
        raise UnusableError(problem)
    return commit_id, path


def path_problem(path: str) -> str | None:
    """Why a snapshot does not take the path of a file; None where it does."""
    if len(path) > schema.LONGEST_PATH:
        return LONG_PATH
    return HARMFUL_PATH if _HARMFUL.search(path) else None


class Rows:
    """Collects rows as tuples and hands them on as Arrow tables of a bounded size.

    `placed`: each row ends with the file and the number under which it was read.
    """

    def __init__(self, table: str, sink: Callable[[pa.Table], None], *, placed: bool = False):
        columns = [*schema.SCHEMAS[table], *(schema.PLACE if placed else ())]
        self.schema = pa.schema([column.with_nullable(True) for column in columns])
        self.sink, self.count, self._rows = sink, 0, []

    def append(self, row: tuple) -> None:
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= ROWS_AT_ONCE:
            self.flush()

    def flush(self, *, even_empty: bool = False) -> None:
        if self._rows or even_empty:
            columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self.schema)
            arrays = [_array(values, kind) for values, kind in zip(columns, self.schema.types, strict=True)]
            self._rows = []
            self.sink(pa.Table.from_arrays(arrays, schema=self.schema))


def _array(values: Sequence, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):  # from whole microseconds: Arrow is slow on datetimes
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


# --- messages ---------------------------------------------------------------------------------------------


def shown(strange: object, *, limit: int = 60) -> str:
    """Strange text, fit for a message: escaped to ASCII and cut."""
    said = ascii(str(strange)[: limit + 1])[1:-1]
    return said if len(said) <= limit else said[: limit - 3] + "..."


def listing(found: Iterable[object]) -> str:
    """Names that were found in a file, fit for a message."""
    names = [shown(one, limit=30) for one in found]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "") or "none"
