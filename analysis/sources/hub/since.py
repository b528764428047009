"""What a collection takes over from an earlier snapshot; the rules are those of `collector.collect`."""

import datetime as dt
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from analysis import snapshot
from analysis.sources.hub.choice import EVENTS, Choice
from analysis.sources.hub.journal import Journal

RECENT = dt.timedelta(days=7)  # a discussion this young at the earlier snapshot means that there is talk


def compare(choice: Choice, journal: Journal) -> None:
    """Note what can be taken over from the earlier snapshot; inside a `step`."""
    earlier = snapshot.load(choice.since)
    for rows in _earlier_repositories(earlier):
        journal.write("INSERT OR REPLACE INTO before VALUES (?, ?, ?, '', 0)", rows)
    statement = "UPDATE before SET without = without || ? WHERE kind = ? AND repo_id = ?"
    journal.write(statement, _earlier_failures(earlier))
    journal.write("UPDATE before SET talks = 1 WHERE kind = ? AND repo_id = ?", _earlier_talks(earlier))
    for table in EVENTS:
        if table in choice.what:
            _take_over(choice, journal, table, earlier)


def _take_over(choice: Choice, journal: Journal, table: str, earlier: snapshot.Snapshot) -> None:
    kinds = [k for k in choice.kinds if earlier.has(table, kind=k) and earlier.knows_zeros(table, k)]
    quiet = "AND b.talks = 0" if table == "discussions" else ""
    if table == "discussions" and choice.all_discussions:
        return
    query = f"""INSERT OR IGNORE INTO units SELECT ?, r.kind, r.repo_id, 'carried', '', '' FROM repos r
        JOIN before b ON b.kind = r.kind AND b.repo_id = r.repo_id AND b.modified = r.modified
        WHERE r.kind = ? AND r.left_out = '' AND instr(b.without, ?) = 0 {quiet}"""
    journal.write(query, [(table, kind, table) for kind in kinds])


def _earlier_repositories(earlier: snapshot.Snapshot) -> Iterator[list[tuple]]:
    columns = ["kind", "repo_id", "last_modified"]
    if not earlier.has("repos", "last_modified"):
        return
    for batch in earlier.batches("repos", columns=columns, rows=10_000):
        yield [
            (row["kind"], row["repo_id"], row["last_modified"] and row["last_modified"].astimezone(dt.UTC).isoformat())
            for row in batch.to_pylist()
        ]


def _earlier_failures(earlier: snapshot.Snapshot) -> Iterator[tuple]:
    for batch in earlier.batches("rejected", rows=10_000):
        for row in batch.to_pylist():  # a row that was rejected may be better now: ask again for any of them
            if row["table"] in EVENTS and row["repo_id"]:
                yield f"{row['table']} ", row["kind"], row["repo_id"]


def _earlier_talks(earlier: snapshot.Snapshot) -> Iterator[tuple]:
    if not earlier.has("discussions"):
        return
    start = pa.scalar(dt.datetime.combine(earlier.date, dt.time(), dt.UTC) - RECENT, pa.timestamp("us", tz="UTC"))
    for batch in earlier.batches("discussions", columns=["kind", "repo_id", "created_at"], rows=50_000):
        young = batch.filter(pc.greater_equal(batch["created_at"], start))
        yield from {(row["kind"], row["repo_id"]) for row in young.to_pylist()}
