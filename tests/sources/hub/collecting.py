"""What tests of the collector share: a small Hub, and how rows are compared."""

import hashlib

import pyarrow.parquet as pq

from analysis import snapshot
from tests.sources.hub.hub_server import Hub

TABLES = ("repos", "commits", "discussions", "usage")
DAY = "2023-10-15"
FAST = {"pause": 0.002, "attempts": 8}
QUICK = (1_000_000, 2)  # a short window: the second that a 429 adds is a part of it
SECRET = "hf_" + "s3cretTokenThatNobodySees"


def rows(made: snapshot.Snapshot, table: str) -> list[dict]:
    return pq.read_table(made.file(table)).to_pylist()


def served(made: snapshot.Snapshot, table: str) -> list[dict]:
    """Rows as a collection can have them: the Hub's listing of spaces does not say whether they are gated."""
    return [
        {**row, "gated": None} if row.get("kind") == "space" and "gated" in row else row for row in rows(made, table)
    ]


def as_served(made: snapshot.Snapshot, demo: snapshot.Snapshot, table: str) -> list[dict]:
    """Rows of a collection in the columns that were served: it also keeps the Hub's own ids."""
    columns = demo.manifest["tables"][table]["columns"]
    return [{column: row[column] for column in columns} for row in rows(made, table)]


def digests(made: snapshot.Snapshot) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(made.path.iterdir())}


def reasons(made: snapshot.Snapshot) -> set[tuple]:
    return {(r["table"], r["kind"], r["repo_id"], r["scope"], r["reason"]) for r in rows(made, "rejected")}


def small(served_: snapshot.Snapshot, each: int = 15) -> Hub:
    """A Hub with the first repositories of each kind."""
    small_ = Hub(served_)
    small_.records = {plural: dict(list(records.items())[:each]) for plural, records in small_.records.items()}
    for record in small_.records["spaces"].values():
        record["models"] = [model for model in record["models"] if model in small_.records["models"]]
    small_.failing = {}
    return small_


def of(hub_: Hub, made: snapshot.Snapshot, table: str) -> list[dict]:
    """Rows of the repositories that a Hub has."""
    names = {(kind, repo_id) for kind, plural in snapshot.PLURAL.items() for repo_id in hub_.records[plural]}
    return [row for row in served(made, table) if (row["kind"], row["repo_id"]) in names]
