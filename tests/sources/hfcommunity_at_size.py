"""Does an import of HFCommunity's database give back what is in it, at size?  python -m tests.sources.hfcommunity_at_size NAME

A snapshot is put into a real MariaDB in HFCommunity's schema, dumped by mariadb-dump, packed by Deflate64, imported, and
compared: every row with what the database can hold of the snapshot, and every result of the notebooks with the snapshot's
own. Where a result differs, it is because of one of `LOSSES`, which are applied to the snapshot one after the other.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import duckdb
import pyarrow as pa

from analysis import paths, snapshot
from tests.sources import mariadb

LOST = 1000  # commits of v1.0 that no file leads to, beside those of the snapshot
ONE_AUTHOR = "a commit has one author in the database, and a co-author is lost"
ONE_SPELLING = "the database takes names that differ only in case for one: a discussion author's, else the usual one"
NO_ZEROS = "a repository without a commit in the database is not known to have none"
ALL_ASKED = "the database does not say which repositories' discussions could not be had; they count as none"
NO_DATES = "the database lacks creation dates, gates, parts of a second, and whether a repository's tags are known"
_SECOND = "date_trunc('second', {0}) AS {0}"
_WHERE_KNOWN = "SELECT kind, repo_id FROM rejected WHERE \"table\" = 'discussions' AND scope = 'repository'"


def losses(version: str) -> dict[str, Callable[[dict[str, str], dict], None]]:
    """What gets lost, in order: each changes the query of a table, or what the manifest says of it."""

    def one_author(queries: dict, coverage: dict) -> None:
        queries["commits"] = "SELECT * REPLACE (authors[:1] AS authors) FROM ({commits})"

    def one_spelling(queries: dict, coverage: dict) -> None:
        spelt = """SELECT author AS name, 0 AS rank, 0 AS n FROM ({discussions}) WHERE author IS NOT NULL UNION ALL
            SELECT authors[1], 1, count(*) FROM ({commits}) WHERE len(authors) > 0 GROUP BY 1"""
        usual = f"SELECT lower(name) AS folded, first(name ORDER BY rank, n DESC, name) AS name FROM ({spelt}) GROUP BY 1"
        queries["commits"] = f"""SELECT c.* REPLACE (if(len(c.authors) > 0, [s.name], c.authors) AS authors)
            FROM ({{commits}}) c LEFT JOIN ({usual}) s ON s.folded = lower(c.authors[1])"""

    def no_zeros(queries: dict, coverage: dict) -> None:
        coverage["commits"] = {kind: {"status": "sample", "rule": "in the database"} for kind in snapshot.KINDS}

    def all_asked(queries: dict, coverage: dict) -> None:
        queries["rejected"] = "SELECT * FROM ({rejected}) WHERE \"table\" <> 'discussions'"

    def no_dates(queries: dict, coverage: dict) -> None:
        queries["commits"] = f"SELECT * REPLACE ({_SECOND.format('date')}) FROM ({{commits}})"
        queries["discussions"] = f"SELECT * REPLACE ({_SECOND.format('created_at')}) FROM ({{discussions}})"
        queries["repos"] = (
            "SELECT kind, repo_id, owner, date_trunc('second', last_modified) AS last_modified, likes, downloads, license, "
            "list_sort(list_distinct(coalesce(tags, []))) AS tags, pipeline_tag, library FROM ({repos})"
        )

    return {ONE_AUTHOR: one_author, ONE_SPELLING: one_spelling, NO_ZEROS: no_zeros, ALL_ASKED: all_asked, NO_DATES: no_dates}


class Reduced:
    """A snapshot with one loss after the other; each step can be written as a snapshot of its own."""

    def __init__(self, original: snapshot.Snapshot):
        self.original = original
        self.tables = [t for t in (*snapshot.DATA_TABLES, "rejected") if original.has(t)]
        self.queries = {t: f"SELECT * FROM read_parquet('{original.file(t)}')" for t in self.tables}
        self.coverage = {t: original.manifest["tables"][t].get("coverage", {}) for t in self.tables}

    def lose(self, change: Callable[[dict, dict], None]) -> None:
        changed: dict[str, str] = {}
        change(changed, self.coverage)
        for table, query in changed.items():
            if table in self.queries:
                self.queries[table] = query.format(**self.queries)

    def rows(self, table: str) -> pa.Table:
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            keys = ", ".join(snapshot.KEYS.get(table, ["ALL"]))
            return con.execute(f"SELECT * FROM ({self.queries[table]}) ORDER BY {keys}").to_arrow_table()

    def write(self, name: str) -> str:
        tables = [table for table in self.tables if table not in ("people", "rejected")]
        options = {"date": self.original.date, "synthetic": self.original.synthetic, "source": {"title": "reduced"}}
        coverage = {table: self.coverage[table] for table in tables}
        with snapshot.Writer(name, coverage=coverage, replace=True, **options) as writer:
            for table in tables:
                writer.add(table, _cast(self.rows(table), table))
            for row in self.rows("rejected").to_pylist():
                writer.reject(**row)
        return name


def _cast(data: pa.Table, table: str) -> pa.Table:
    fields = [snapshot.SCHEMAS[table].field(name).with_nullable(True) for name in data.column_names]
    return data.cast(pa.schema(fields))


def differing_rows(reduced: Reduced, imported: snapshot.Snapshot) -> dict[str, int]:
    """Rows per table that only one of the two has, by all their columns; commits by the id that they have in the dump."""
    found = {}
    for table in ("repos", "commits", "discussions", "usage"):
        if table not in reduced.queries:
            continue
        expected = reduced.queries[table]
        if table == "commits":
            made = "sha1(kind || '/' || repo_id || '/' || commit_id) AS commit_id"
            expected = f"SELECT * REPLACE ({made}) FROM ({expected})"
        with duckdb.connect(config={"memory_limit": "2GB"}) as con:
            con.execute("SET TimeZone = 'UTC'")
            names = ", ".join(con.execute(f"SELECT * FROM ({expected}) LIMIT 0").to_arrow_table().column_names)
            one, other = (
                f"SELECT {names} FROM ({expected})",
                f"SELECT {names} FROM read_parquet('{imported.file(table)}')",
            )
            query = f"SELECT count(*) FROM (({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one}))"
            found[table] = con.execute(query).fetchone()[0]
    return found


def results(name: str, work: Path) -> dict[str, object]:
    """Values of every result of the notebooks on a snapshot, without merges of names; neither paper nor page is made."""
    script = (
        "import json, sys; from analysis import run; from analysis.parameters import check\n"
        "asked = check({'snapshot_date': sys.argv[1], 'identities': 'raw'})\n"
        "run.run_notebooks(asked); print(json.dumps(run.collect(asked)['results']))"
    )
    environ = os.environ | {"HUB_PAPER_GENERATED": str(work)}
    command = [sys.executable, "-c", script, name]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environ)
    found = json.loads(ran.stdout.splitlines()[-1])
    return {key: entry["value"] for key, entry in found.items() if key.startswith(("rq1.", "rq2.", "rq3."))}


def imported_in(name: str, archive: Path) -> tuple[snapshot.Snapshot, dict[str, float]]:
    """Import a dump in a process of its own: the snapshot, seconds of processor time, and the most memory in MiB."""
    script = (
        "import resource, sys; from pathlib import Path; from analysis.sources.dumps import import_dumps\n"
        "done = import_dumps(sys.argv[1], [('hfcommunity', Path(sys.argv[2]))], replace=True, progress=True)\n"
        "print(*done.lines(), sep='\\n', file=sys.stderr); used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    start = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", script, name, str(archive)], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, memory = map(float, ran.stdout.split())
    return snapshot.load(name), {"processor": seconds, "elapsed": time.monotonic() - start, "MiB": memory}


def packed(name: str, version: str, work: Path) -> tuple[Path, int]:
    """The snapshot as a packed dump, and the bytes of its text."""
    with mariadb.server(work) as server:
        server.load(snapshot.load(name).path, version, work, lost=LOST if version == "1.0" else 0)
        text = server.dump(work / "dump.sql")
    size = text.stat().st_size
    archive = mariadb.pack(text)
    text.unlink()
    return archive, size


def compare(name: str, version: str, work: Path, *, with_results: bool) -> bool:
    """One round trip; prints what was compared. True where all is equal that the database can hold."""
    original = snapshot.load(name)
    archive, size = packed(name, version, work)
    imported, used = imported_in(f"{original.date}-hfcommunity", archive)
    speed = size / 1e6 / used["processor"]
    print(f"v{version}: {size / 1e6:,.0f} MB of SQL in {used['processor']:.1f} s of processor time ({speed:.0f} MB/s), "
          f"{used['elapsed']:.1f} s elapsed, {used['MiB']:,.0f} MiB")  # fmt: skip
    reduced, changes = Reduced(original), losses(version)
    values = [results(name, work)] if with_results else []
    for change in changes.values():
        reduced.lose(change)
        if with_results:
            values.append(results(reduced.write(f"{original.date}-reduced"), work))
    rows = differing_rows(reduced, imported)
    print(f"v{version}: rows that differ: " + ", ".join(f"{table} {n:,}" for table, n in rows.items()))
    return not any(rows.values()) and (not with_results or _compare_results(values, list(changes), imported, work))


def _compare_results(values: list[dict], why: list[str], imported: snapshot.Snapshot, work: Path) -> bool:
    found = results(imported.name, work)
    kept = [key for key in values[0] if values[0][key] == found.get(key)]
    print(f"{len(values[0]):,} results, of which {len(kept):,} equal the snapshot's own:")
    _list(kept)
    for before, after, reason in zip(values, values[1:], why, strict=False):
        lost = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
        print(f"{len(lost):,} are lost because {reason}:")
        _list(lost)
    wrong = sorted(key for key in values[-1].keys() | found.keys() if values[-1].get(key) != found.get(key))
    print(f"{len(wrong):,} differ without a reason:")
    _list(wrong)
    return not wrong


def _list(keys: list[str]) -> None:
    """Ids, one line for all that share their first two words."""
    for family, same in groupby(sorted(keys), lambda key: ".".join(key.split(".")[:2])):
        ends = [key.removeprefix(f"{family}.") for key in same]
        print(f"  {family} ({len(ends)}): {', '.join(ends)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="a snapshot in the directory of snapshots (HUB_PAPER_SNAPSHOTS)")
    parser.add_argument("--version", choices=sorted(mariadb.SCHEMAS), action="append", help="default: both")
    parser.add_argument("--rows-only", action="store_true", help="compare rows, and run no notebooks")
    given = parser.parse_args()
    if lacking := mariadb.missing():
        print(
            f"not installed: {', '.join(lacking)} (Debian: apt-get install mariadb-server-core mariadb-client p7zip-full)"
        )
        return 2
    equal = True
    for version in given.version or sorted(mariadb.SCHEMAS):
        with tempfile.TemporaryDirectory(prefix="hfcommunity-", dir=paths.snapshots()) as work:
            equal &= compare(given.name, version, Path(work), with_results=not given.rows_only)
    print("equal" if equal else "NOT equal")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
