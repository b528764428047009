"""A snapshot without the repositories that another one does not list: HFCommunity's without what was deleted.

What is left is a snapshot of its own, with a hash of its own, so that every run, comparison and decision about people takes
it as any other, and no notebook has to know of a second snapshot.
"""

from collections import Counter
from collections.abc import Mapping

from analysis import snapshot
from analysis.schema import KEYS
from analysis.snapshot import BY_KIND, DATA_TABLES, KINDS, PLURAL, Snapshot, SnapshotError, Writer, load

ENDS = {"usage": {"space_id": "space", "model_id": "model"}}  # columns that name repositories, and of which kind


def only_in(name: str, other: str, to: str = "", *, replace: bool = False) -> Snapshot:
    """Write the snapshot `to` (`NAME-only-in-OTHER`): the repositories of `name` that `other` lists too, and open it.

    Commits, discussions and links go with their repositories; each row that goes is a row of `rejected`. A kind that
    `other` does not list stays as it is. Repositories are compared by kind and id, so one that was renamed in between goes.
    Decisions about people lie beside `name` and stay there. Raises SnapshotError, one line.
    """
    source, listing = load(name), load(other)
    to = to or f"{name}-only-in-{other}"
    if source.name == listing.name:
        raise SnapshotError(f"--only-in {other}: is the snapshot itself; expected another one")
    if listing.synthetic and not source.synthetic:
        raise SnapshotError(f"--only-in {other}: is synthetic, so it can't tell which repositories there were")
    kinds = [kind for kind in KINDS if listing.status("repos", kind) != "absent"]
    if not kinds:
        raise SnapshotError(f"--only-in {other}: lists no repositories; `snapshots` says what each covers")
    snapshot.check_free(to, replace=replace)
    snapshot.new_date(to, source.date.isoformat())
    described = {**source.manifest["source"], "only_in": f"{listing.name}, sha256 of its manifest {listing.digest}"}
    writing = Writer(to, date=source.date, synthetic=source.synthetic, source=described, coverage={}, replace=replace)
    with writing as writer:
        left = _copied(source, listing, kinds, writer)
        pass_on(source, writer)
        writer.coverage.update({table: _coverage(source, table, left, listing) for table in _tables(source)})
    return load(to)


def pass_on(source: Snapshot, writer: Writer) -> None:
    """Let a snapshot that is made of another one say what that one left out; names of developers are not among it."""
    for batch in source.batches("rejected"):
        for row in batch.to_pylist():
            if row["table"] != "people":
                writer.reject(row.pop("table"), row.pop("reason"), **row)
    writer.left_out.update(source.manifest.get("repositories_left_out", {}))
    writer.notes.update(source.manifest.get("notes", {}))


def _tables(source: Snapshot) -> list[str]:
    return [table for table in DATA_TABLES if table in source.manifest["tables"]]


def _copied(source: Snapshot, listing: Snapshot, kinds: list[str], writer: Writer) -> Counter:
    """Give the writer what stays; returns how many repositories of each kind do not."""
    con, left = snapshot.connect(), Counter()
    listed = con.read_parquet(listing.files("repos")).select("kind", "repo_id")
    for table in _tables(source):
        data = con.read_parquet(source.files(table))
        stays = data
        for column, kind in _named(table, kinds):
            ids = listed.filter(listed.kind == kind).select(listed_id="repo_id")
            of_kind = stays if table in ENDS else stays.filter(stays.kind == kind)
            goes = of_kind.anti_join(ids, [(column, "listed_id")])
            why = f"not among the {PLURAL[kind]} of {listing.name}"
            for batch in goes.order_by(KEYS[table]).select(column).to_pyarrow_batches(chunk_size=snapshot.ROWS_AT_ONCE):
                for repo_id in batch[column].to_pylist():
                    writer.reject(table, why, kind=kind, repo_id=repo_id)
                left[kind] += len(batch) * (table == "repos")
            stays = stays.anti_join(goes, KEYS[table])
        for batch in stays.order_by(KEYS[table]).to_pyarrow_batches(chunk_size=snapshot.ROWS_AT_ONCE):
            writer.add(table, batch)
    con.disconnect()
    return left


def _named(table: str, kinds: list[str]) -> list[tuple[str, str]]:
    """(column, kind) of the repositories that a table names, of kinds that the other snapshot lists."""
    if table in BY_KIND:
        return [("repo_id", kind) for kind in kinds]
    return [(column, kind) for column, kind in ENDS.get(table, {}).items() if kind in kinds]


def _coverage(source: Snapshot, table: str, left: Mapping[str, int], listing: Snapshot) -> dict:
    """What a table covers: of repositories of which some went, those that are in both."""
    coverage = source.manifest["tables"][table]["coverage"]
    if table != "repos":
        return coverage
    found = {}
    for kind, entry in coverage.items():
        there = source.manifest["tables"]["repos"].get("kinds", {}).get(kind, 0)
        rule = f"only the {there - left[kind]:,} of {there:,} that {listing.name} ({listing.date}) lists too"
        both = "; ".join(filter(None, [entry.get("rule"), rule]))
        found[kind] = entry | {"status": "sample", "rule": both} if left[kind] else entry
    return found
