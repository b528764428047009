"""What the tables of a snapshot hold: each column declared once, with its type, its rule and its words.

The Parquet schemas (`SCHEMAS`), the rules that `snapshot.validate` checks (`rules`) and the table in data/README.md
(`readme`) follow from it.
"""

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

KINDS = ("model", "dataset", "space")
FIRST_DATE = dt.date(2005, 4, 7)  # Git's first release: no commit on the Hub can be older
LONGEST_NAME = 512
LONGEST_PATH = 4096  # PATH_MAX on Linux
# Control characters, and marks that turn the direction of what follows, in regular expressions of Python and of DuckDB.
NOT_IN_PATHS = r"[\x00-\x1f\x7f-\x9f" "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"

_MOMENT = pa.timestamp("us", tz="UTC")
_TEXT, _WHOLE, _WORDS = pa.string(), pa.int64(), pa.list_(pa.string())
_BASES = pa.list_(pa.struct([("model", pa.string()), ("relation", pa.string())]))

# Where a row was read, beside the columns of its table until it is written; rows that are set aside are named by it.
PLACE = pa.schema([("source_file", pa.string()), ("source_row", pa.int64())])

# Rules of a column's values, by name; what each asks for is said in `rules`. A tuple of texts is a choice.
NAME, COUNT, DATE, NAMES, SCORE, PATH = "name", "count", "date", "names", "score", "path"


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, the rule of its values, whether it must be there and never null, a word about it."""

    name: str
    type: pa.DataType
    rule: str | tuple[str, ...] | None = None
    required: bool = False
    about: str = ""


def _key(name: str, kind: pa.DataType = _TEXT, rule=NAME, about: str = "") -> Column:
    return Column(name, kind, rule, required=True, about=about)


COLUMNS = {
    "repos": (
        _key("kind", rule=KINDS, about="model, dataset, space"),
        _key("repo_id"),
        Column("owner", _TEXT, NAME),
        Column("created_at", _MOMENT, DATE),
        Column("last_modified", _MOMENT, DATE),
        Column("likes", _WHOLE, COUNT),
        Column("downloads", _WHOLE, COUNT, about="of the last 30 days"),
        Column("license", _TEXT, NAME, about="the identifier as its source writes it"),
        Column("tags", _WORDS),
        Column("pipeline_tag", _TEXT, NAME),
        Column("library", _TEXT, NAME, about="of spaces: the SDK"),
        Column("parameters", _WHOLE, COUNT),
        Column("gated", _TEXT, ("no", "auto", "manual")),
        Column("downloads_all_time", _WHOLE, COUNT),
        Column(
            "base_models", _BASES, about="a list of model and relation: finetune, adapter, quantized, merge, or null"
        ),
        Column("hub_id", _TEXT, NAME, about="the Hub's `_id`, which survives renames"),
    ),
    "commits": (
        _key("kind", rule=KINDS),
        _key("repo_id"),
        _key("commit_id"),
        _key("date", _MOMENT, DATE),
        _key("authors", _WORDS, NAMES, about="a list; the first leads"),
    ),
    "files": (
        _key("kind", rule=KINDS),
        _key("repo_id"),
        _key("commit_id", about="of a commit in `commits`"),
        _key("path", rule=PATH, about="of a file that the commit changed: after it, or before where it was deleted"),
    ),
    "discussions": (
        _key("kind", rule=KINDS),
        _key("repo_id"),
        _key("number", _WHOLE, COUNT),
        Column("author", _TEXT, NAME),
        _key("created_at", _MOMENT, DATE),
        Column("is_pull_request", pa.bool_()),
        Column("status", _TEXT),
    ),
    "usage": (_key("space_id"), _key("model_id")),
    "people": (
        _key("alias"),
        _key("person"),
        Column("score", pa.float64(), SCORE, about="similarity from 0 to 100; empty where a person decided"),
    ),
    "rejected": (
        _key("table", rule=None),
        Column("kind", _TEXT),
        Column("repo_id", _TEXT),
        _key("scope", rule=None, about="`row`, or `repository`: nothing of the table could be had for it"),
        _key("reason", rule=None),
        Column("file", _TEXT),
        Column("row", _WHOLE),
        Column("detail", _TEXT),
    ),
}
KEYS = {
    "repos": ["kind", "repo_id"],
    "commits": ["kind", "repo_id", "commit_id"],
    "files": ["kind", "repo_id", "commit_id", "path"],
    "discussions": ["kind", "repo_id", "number"],
    "usage": ["space_id", "model_id"],
    "people": ["alias"],
}
_ONE_ROW_PER = {
    "repos": "repository",
    "commits": "commit",
    "files": "file that a commit changed",
    "discussions": "discussion or pull request",
    "usage": "link",
    "people": "merged name",
    "rejected": "record left out",
}

SCHEMAS = {
    table: pa.schema([pa.field(column.name, column.type, nullable=not column.required) for column in columns])
    for table, columns in COLUMNS.items()
}


def readme() -> str:
    """The table of data/README.md that describes the tables, a row each."""
    lines = ["| table | one row per | columns |", "|---|---|---|"]
    for table, columns in COLUMNS.items():
        said = (f"{column.name} ({column.about})" if column.about else column.name for column in columns)
        lines.append(f"| `{table}` | {_ONE_ROW_PER[table]} | {', '.join(said)} |")
    return "\n".join(lines)


def last_moment(date: dt.date) -> dt.datetime:
    """Latest time that a record of a snapshot of this day may carry: the end of the next day, for clocks east of UTC."""
    return dt.datetime.combine(date + dt.timedelta(days=2), dt.time(), dt.UTC) - dt.timedelta(microseconds=1)


def _held(date: dt.date) -> dict[str, tuple]:
    """Of each rule by its name: what a column's values that keep it give true for (Ibis), and what is expected, in words."""
    first = dt.datetime.combine(FIRST_DATE, dt.time(), dt.UTC)

    def harmless(path):
        return (path.length() <= LONGEST_PATH) & (path.length() > 0) & ~path.re_search(NOT_IN_PATHS)

    def unnamed(names):
        return names.filter(lambda name: name.isnull() | (name.length() == 0)).length() == 0

    return {
        NAME: (lambda names: names.length().between(1, LONGEST_NAME), f"1 to {LONGEST_NAME} characters"),
        COUNT: (lambda counts: counts >= 0, "a whole number of 0 or more"),
        DATE: (
            lambda moments: moments.between(first, last_moment(date)), f"a date from {FIRST_DATE} to the snapshot's"
        ),
        NAMES: (unnamed, "a list of names, none of them null or empty"),
        PATH: (harmless, f"1 to {LONGEST_PATH} characters, none of them for control or direction"),
        SCORE: (lambda scores: scores.between(0, 100), "a similarity from 0 to 100, or null"),
    } | {
        column.rule: (lambda values, choice=column.rule: values.isin(choice), f"one of {', '.join(column.rule)}")
        for columns in COLUMNS.values() for column in columns if isinstance(column.rule, tuple)
    }  # fmt: skip


def is_broken(data, table: str, date: dt.date):
    """Whether any row of a table breaks a rule (an Ibis expression, for one pass over all columns); `rules` finds which."""
    import ibis

    held, faults = _held(date), []
    for column in COLUMNS[table]:
        if column.rule and column.name in data.columns:
            faults.append(~held[column.rule][0](data[column.name]))
            faults += [data[column.name].isnull()] if column.required else []
    return ibis.or_(*faults).any()


def rules(table: str, date: dt.date):
    """The pandera schema of one table's values in a snapshot of this day; types are compared with SCHEMAS before.

    pandera is imported here, because only what is wrong needs it: half a second of processor time (0.5 s).
    """
    import pandera.ibis as pandera

    held = _held(date)

    def column_of(column: Column):
        holds, expected = held[column.rule]
        check = pandera.Check(lambda column: holds(column.table[column.key]), error=expected)
        return pandera.Column(checks=check, nullable=not column.required, required=column.required)

    return pandera.DataFrameSchema({column.name: column_of(column) for column in COLUMNS[table] if column.rule})
