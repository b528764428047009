"""What a collection has so far: an SQLite file that survives being killed, and from which the snapshot is built.

It holds the Hub's answers as they came (compressed), the repositories that were listed, and for each of them what became
of its commits and discussions. A step is one transaction, so that a run goes on exactly where another one ended.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from analysis.snapshot import SnapshotError
from analysis.sources.hub.requests import Answer

SCHEMA = 2
AT_ONCE = 500
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE answers (unit TEXT NOT NULL, kind TEXT NOT NULL, repo_id TEXT NOT NULL, nth INTEGER NOT NULL,
    path TEXT NOT NULL, headers TEXT NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX answers_by_unit ON answers (unit, kind, repo_id, nth);
CREATE TABLE listings (kind TEXT PRIMARY KEY, pass INTEGER NOT NULL, nth INTEGER NOT NULL, next TEXT, state TEXT NOT NULL,
    late INTEGER NOT NULL, detail TEXT NOT NULL);
CREATE TABLE repos (kind TEXT NOT NULL, repo_id TEXT NOT NULL COLLATE NOCASE, nth INTEGER NOT NULL, pass INTEGER NOT NULL,
    modified TEXT, left_out TEXT NOT NULL, rank TEXT NOT NULL, gated INTEGER NOT NULL, revision TEXT NOT NULL,
    PRIMARY KEY (kind, repo_id)) WITHOUT ROWID;
CREATE INDEX repos_by_page ON repos (kind, nth);
CREATE INDEX repos_by_rank ON repos (rank);
CREATE TABLE units (unit TEXT NOT NULL, kind TEXT NOT NULL, repo_id TEXT NOT NULL, state TEXT NOT NULL,
    reason TEXT NOT NULL, moved TEXT NOT NULL, PRIMARY KEY (kind, repo_id, unit)) WITHOUT ROWID;
CREATE TABLE before (kind TEXT NOT NULL, repo_id TEXT NOT NULL, modified TEXT, without TEXT NOT NULL,
    talks INTEGER NOT NULL, PRIMARY KEY (kind, repo_id)) WITHOUT ROWID;
"""


# a chosen repository for which a unit is not settled; what is gone is not asked again, nor what has no record
TO_ASK = """left_out = '' AND NOT EXISTS (SELECT 1 FROM units u WHERE u.kind = r.kind AND u.repo_id = r.repo_id
    AND (u.unit = ? OR (u.state = 'refused' AND u.reason = 'gone') OR (u.unit = 'info' AND u.state != 'done')))"""
NOT_HAD = "state IN ('failed', 'doubted')"  # doubted: refused, and nothing shows yet that the Hub answers at all


class JournalError(SnapshotError):
    """The journal can't be opened or written; its message is one line that says how to go on."""


class Journal:
    """The journal of one snapshot; a context manager. Only one process at a time can have it open.

    `parameters` are kept at the first opening; a later one with others is refused. Raises JournalError.
    """

    def __init__(self, directory: Path, *, must_exist: bool = False):
        self.path = directory / "journal.sqlite"
        self.where = f"{directory.name}/journal.sqlite"
        if must_exist and not self.path.is_file():
            raise JournalError(f"{self.where}: there is none; collect first, without --replay")
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"{directory.name}: a directory for the journal can't be made ({error.strerror}); check the disk and its "
                "permissions"
            ) from None

    def __enter__(self):
        with self._saying():
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=0)
            # the lock is the file's own: it is held from the first write on and ends with the process, however it ends
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("BEGIN IMMEDIATE")
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _TABLES.split(";")[:-1]:
                    self._db.execute(statement)
                self._db.execute("INSERT INTO meta VALUES ('schema', ?)", [str(SCHEMA)])
            self._db.execute("COMMIT")
            found = self.get("schema")
        if found != str(SCHEMA):
            raise JournalError(
                f"{self.where}: schema {found}, this tool reads {SCHEMA}; move it away and collect anew, or use the tool "
                "that wrote it"
            )
        return self

    def __exit__(self, *error):
        self._db.close()

    @contextmanager
    def _saying(self) -> Iterator[None]:
        """Turn what SQLite says into one line."""
        try:
            yield
        except sqlite3.OperationalError as error:
            said = str(error)
            if "locked" in said:
                raise JournalError(f"{self.where}: another collection is writing it; wait for it, or stop it") from None
            if "full" in said or "disk I/O" in said:
                raise JournalError(
                    f"{self.where}: the disk is full; what was collected is safe. Make room, then give the same command"
                ) from None
            raise JournalError(f"{self.where}: can't be used ({said}); check the disk and its permissions") from None
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{self.where}: damaged ({error}); move it away and collect anew") from None

    @contextmanager
    def step(self) -> Iterator[None]:
        """One transaction: all of it is kept, or nothing."""
        with self._saying():
            self._db.execute("BEGIN")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Iterable = ()) -> list[tuple]:
        """All rows of a query."""
        with self._saying():
            return self._db.execute(query, list(values)).fetchall()

    def stream(self, query: str, values: Iterable = ()) -> Iterator[tuple]:
        """Rows of a query, a few at a time."""
        with self._saying():
            cursor = self._db.execute(query, list(values))
            while rows := cursor.fetchmany(AT_ONCE):
                yield from rows

    def write(self, statement: str, rows: Iterable[Iterable]) -> None:
        """Run a statement for every row; inside a `step`."""
        self._db.executemany(statement, rows)

    # --- what is kept -------------------------------------------------------------------------------------

    def get(self, name: str) -> str | None:
        found = self.rows("SELECT value FROM meta WHERE name = ?", [name])
        return found[0][0] if found else None

    def set(self, name: str, value: str) -> None:
        self.write("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(name, value)])

    def settle(self, parameters: Mapping[str, object]) -> None:
        """Keep the parameters, or compare them with those that were kept. Raises JournalError."""
        wanted = {name: json.dumps(value, sort_keys=True) for name, value in parameters.items()}
        kept = json.loads(self.get("parameters") or "{}")
        other = sorted(name for name, value in kept.items() if wanted.get(name, "null") != value)
        if other and self.holds_anything():
            raise JournalError(
                f"{self.where}: begun with another {', '.join(other)}; give the same, or another --name for a new one"
            )
        if other:
            self.forget()
        with self.step():
            self.set("parameters", json.dumps(wanted, sort_keys=True))

    def holds_anything(self) -> bool:
        """Whether there is an answer of the Hub in it."""
        return bool(self.rows("SELECT 1 FROM answers LIMIT 1"))

    def forget(self) -> None:
        """Empty it: what was answered is of no use, and the next run may begin with other parameters."""
        with self.step():
            for table in ("answers", "listings", "repos", "units", "before"):
                self.write(f"DELETE FROM {table}", [()])
            self.write("DELETE FROM meta WHERE name != ?", [("schema",)])

    def keep(self, unit: str, kind: str, repo_id: str, answers: Iterable[tuple[int, Answer]]) -> None:
        """Archive answers (number, answer) of a unit; inside a `step`."""
        statement = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        packed = (
            (unit, kind, repo_id, nth, a.path, json.dumps(a.headers, sort_keys=True), len(a.body), _packed(a.body))
            for nth, a in answers
        )
        self.write(statement, packed)

    def answers(self, unit: str, kind: str) -> Iterator[tuple[str, int, bytes]]:
        """(repo_id, number, body) of the archived answers, in the order of repositories and pages."""
        query = "SELECT repo_id, nth, size, body FROM answers WHERE unit = ? AND kind = ? ORDER BY repo_id, nth"
        for repo_id, nth, size, body in self.stream(query, [unit, kind]):
            yield repo_id, nth, pa.decompress(body, size, codec="zstd", asbytes=True) if size else b""

    def is_synthetic(self) -> bool:
        """Whether the answers said that they are invented."""
        return self.get("synthetic") == "true"


def date_kept(file: Path) -> str | None:
    """The date that a journal was begun with; '' where it can't be read now, None where it holds no answer."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=0)) as db:
            if not db.execute("SELECT 1 FROM answers LIMIT 1").fetchone():
                return None
            found = db.execute("SELECT value FROM meta WHERE name = 'parameters'").fetchone()
        return json.loads(json.loads(found[0])["date"]) if found else ""
    except (sqlite3.Error, ValueError, KeyError):
        return ""


def _packed(body: bytes) -> bytes:
    return pa.compress(body, codec="zstd", asbytes=True)


def chunks(values: Sequence[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    """The values in parts, each of which is one question to the journal."""
    return (values[start : start + size] for start in range(0, len(values), size))
