"""A snapshot that can be shared: developers' names become keyed hashes, and every result stays the same.

Section 3.3 counts people by their names; what counts is which names are one person and in which order persons are
numbered. Both are kept as rows of `people`, so that nothing has to be computed from a name again.
"""

import bisect
import codecs
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import people, stored
from analysis.snapshot import Snapshot, SnapshotError, Writer, check_free, load
from analysis.sources.selection import pass_on

SHORTEST_KEY = 32  # bytes
NAMED = ("commits", "discussions")
TABLES = ("repos", "usage", "commits", "files", "discussions")


def read_key(file: Path) -> bytes:
    """The secret of a key file: 32 bytes or more, made for instance by `openssl rand -hex 32`. Raises SnapshotError."""
    try:
        key = file.read_bytes().removeprefix(codecs.BOM_UTF8).strip()
    except OSError as error:
        raise SnapshotError(f"{file.name}: can't be read ({error.strerror}); expected a file with a key") from None
    if len(key) < SHORTEST_KEY:
        raise SnapshotError(f"{file.name}: {len(key)} bytes, expected {SHORTEST_KEY} or more, drawn at random")
    return key


def pseudonym(name: str, key: bytes) -> str:
    """`p-` and 128 bits of the HMAC-SHA256 of a name: equal for equal names, not to be undone without the key."""
    return "p-" + hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[:32]


def pseudonymise(name: str, key_file: Path, to: str, *, merge_threshold: float = 90, replace: bool = False) -> Snapshot:
    """Write the snapshot `to`: `name` with its developers' names replaced, and open it.

    Names of service accounts stay, for `bots.csv` has to know them. Merges scored at `merge_threshold` or above, and
    the decisions beside the snapshot, become merges without a score. With the default parameters every result equals
    the original's to the last digit; `identities="raw"` numbers the developers in another order.

    What it can't hide: repositories keep their owners' names, so who commits to a repository of their own can be guessed;
    paths of files that commits changed stay, and some may hold a name; and `people` keeps the order of the names, from
    which somebody who knows all of them could read some. Share it with those who may see the original's counts.

    What it replaces is a pseudonymised copy too: names that are hidden cannot be had back. Raises SnapshotError, one line.
    """
    key, source = read_key(key_file), load(name)
    _check_target(source, to, replace=replace)
    merged = _merged(source, merge_threshold)
    names = sorted(_names(source) | merged.keys() | set(merged.values()))
    is_bot = dict(zip(names, people.is_bot(pd.Series(names, dtype="object")), strict=True))
    hidden = {n: n if is_bot[n] else pseudonym(n, key) for n in names}
    if len(set(hidden.values())) < len(names):
        raise SnapshotError(f"{key_file.name}: two names have one pseudonym; use another key")
    tables = source.manifest["tables"]
    coverage = {table: tables[table]["coverage"] for table in TABLES if table in tables}
    coverage["people"] = {"all": {"status": "complete"}}
    described = {**source.manifest["source"], "pseudonyms": "HMAC-SHA256 of the developers' names"}
    with Writer(
        to, date=source.date, synthetic=source.synthetic, source=described, coverage=coverage, replace=replace
    ) as writer:
        for table in TABLES:
            if table in tables:
                for batch in source.batches(table):
                    writer.add(table, _replaced(batch, hidden) if table in NAMED else batch)
        writer.add("people", list(_order(names, merged, hidden, is_bot)))
        pass_on(source, writer)
    return load(to)


def _check_target(source: Snapshot, to: str, *, replace: bool) -> None:
    if to.lower() == source.name.lower():
        raise SnapshotError(f"--to {to[:60]}: expected another name than the snapshot's own, whose names would be lost")
    check_free(to, replace=replace)
    if replace and to in stored.names() and "pseudonyms" not in load(to).manifest["source"]:
        raise SnapshotError(
            f"--to {to}: holds names and is no pseudonymised copy, so it is not replaced; choose another name"
        )


def _merged(source: Snapshot, merge_threshold: float) -> dict[str, str]:
    """alias -> person of the merges that a run applies: the snapshot's, and what was decided beside it."""
    table = pq.read_table(source.file("people")).to_pandas() if source.has("people") else None
    decisions = people.decisions_of(source)
    if decisions is not None:
        table = people.merges(table, decisions, merge_threshold=merge_threshold)
    if table is None:
        return {}
    accepted = table[~(table["score"] < merge_threshold)] if "score" in table else table
    return dict(zip(accepted["alias"], accepted["person"], strict=True))


def _names(source: Snapshot) -> set[str]:
    """Every name that commits or discussions hold."""
    found = set()
    for table, column in (("commits", "authors"), ("discussions", "author")):
        if source.has(table, column):
            for batch in source.batches(table, columns=[column]):
                values = batch[column].flatten() if column == "authors" else batch[column]
                found.update(values.unique().to_pylist())
    return found - {None}


def _replaced(batch: pa.RecordBatch, hidden: Mapping[str, str]) -> pa.Table:
    table = pa.table(batch)
    for name in {"authors", "author"} & set(table.column_names):
        values = table[name].to_pylist()
        if name == "authors":
            values = [None if row is None else [hidden.get(n, n) for n in row] for row in values]
        else:
            values = [hidden.get(n, n) for n in values]
        place = table.column_names.index(name)
        table = table.set_column(place, table.field(name), pa.array(values, table.field(name).type))
    return table


def _order(
    names: list[str], merged: Mapping[str, str], hidden: Mapping[str, str], is_bot: Mapping[str, bool]
) -> Iterable[dict]:
    """Rows of `people`: a pseudonym, and a person whose label sorts where the real name did.

    Service accounts keep their names and so their places; a label begins with the last of them that sorts before the
    real name. A blank sorts before every character that a name can have.
    """
    bots = [n for n in names if is_bot[n]]
    width = len(str(len(names)))
    for name in names:
        person = merged.get(name, name)
        if is_bot[person]:
            label = person
        else:
            before = bisect.bisect_left(bots, person)
            label = f"{bots[before - 1] if before else ''} {bisect.bisect_left(names, person):0{width}d}"
        if hidden[name] != label:
            yield {"alias": hidden[name], "person": label, "score": None}
