"""A snapshot as HFCommunity's database in a real MariaDB, and that as a dump: what the importer has to give back.

The server is private: a data directory of its own, a socket and no port; only the process started here is ended.
"""

import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump", "7z")
DATABASE = "hfcommunity"
_COLLATED = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
_ID = "VARCHAR(256)"
_BOTH = {  # columns and keys of both versions, in MariaDB's words
    "tag": f"name {_ID} PRIMARY KEY",
    "author": f"username {_ID} PRIMARY KEY, avatar_url TEXT, is_pro INTEGER, fullname TEXT, type VARCHAR(64), source {_ID}",
    "repository": f"id {_ID} PRIMARY KEY, name TEXT, type VARCHAR(7), author {_ID}, sha TEXT, last_modified DATETIME, "
    "private INTEGER, card_data LONGTEXT, gated INTEGER, likes INTEGER",
    "tags_in_repo": f"tag_name {_ID}, repo_id {_ID}, PRIMARY KEY (tag_name, repo_id)",
    "model": f"model_id {_ID} PRIMARY KEY, pipeline_tag TEXT, downloads INTEGER, library_name TEXT, likes INTEGER, "
    "config LONGTEXT",
    "dataset": f"dataset_id {_ID} PRIMARY KEY, description LONGTEXT, citation TEXT, paperswithcode_id TEXT, "
    "downloads INTEGER",
    "discussion": f"num INTEGER, repo_id {_ID}, author {_ID}, title TEXT, status TEXT, created_at DATETIME, "
    "is_pull_request INTEGER, PRIMARY KEY (num, repo_id)",
    "commit_parents": f"commit_sha {_ID}, parent_sha {_ID}, PRIMARY KEY (commit_sha, parent_sha)",
}
SCHEMAS = {
    "1.0": _BOTH
    | {
        # with the column that the program fills and its own CREATE TABLE lacks
        "commits": f"sha {_ID} PRIMARY KEY, source {_ID}, timestamp TIMESTAMP NULL, message LONGTEXT, author {_ID}",
        "file": f"id INTEGER AUTO_INCREMENT PRIMARY KEY, filename VARCHAR(500), repo_id {_ID}, "
        "UNIQUE KEY (filename, repo_id)",
        "files_in_commit": f"sha {_ID}, file_id INTEGER, PRIMARY KEY (sha, file_id)",
    },
    "1.1": _BOTH
    | {
        "repository": _BOTH["repository"] + ", disabled INTEGER",
        "space": f"space_id {_ID} PRIMARY KEY, sdk VARCHAR(128), stage VARCHAR(32), runtime_raw TEXT",
        "models_in_space": f"model_id {_ID}, space_id {_ID}, PRIMARY KEY (model_id, space_id)",
        "commits": f"sha {_ID} PRIMARY KEY, repo_id {_ID}, message LONGTEXT, author_date DATETIME, author_tz INTEGER, "
        f"committer_date DATETIME, in_main_branch INTEGER, author_name {_ID}, committer_name {_ID}, source VARCHAR(32)",
        "repo_file": f"id CHAR(64) PRIMARY KEY, filename TEXT, repo_id {_ID}, size BIGINT",
        "files_in_commit": f"sha {_ID}, modified_file_id CHAR(64), PRIMARY KEY (sha, modified_file_id)",
    },
}
# What each table is filled with: a query over the snapshot's tables, its columns in the order of the names given.
# `sha` of a commit is made from its repository too: a snapshot's own ids may repeat, git's do not.
_REPO = "CASE kind WHEN 'model' THEN 'models' WHEN 'dataset' THEN 'datasets' ELSE 'spaces' END || '/' || repo_id"
_PREPARED = f"""
CREATE VIEW r AS SELECT {_REPO} AS id, row_number() OVER (ORDER BY kind, repo_id) AS n, * FROM repos;
CREATE TABLE c AS SELECT sha1(kind || '/' || repo_id || '/' || commit_id) AS sha, {_REPO} AS id, date, authors[1] AS author,
    row_number() OVER (ORDER BY kind, repo_id, commit_id) AS n FROM commits;
CREATE TABLE lost AS SELECT sha1('lost ' || i) AS sha, i, authors[1] AS author, date FROM range(({{lost}})) t(i)
    JOIN (SELECT authors, date FROM commits ORDER BY kind, repo_id, commit_id LIMIT 1) ON true;
CREATE VIEW f AS SELECT 3 * n + k AS file, id, k FROM r, range(3) t(k);
"""
_FILLED = {
    "tag": ("name", "SELECT DISTINCT unnest(tags) FROM repos"),
    "author": ("username, type, source", "SELECT DISTINCT author, 'user', 'commit' FROM c"),
    "repository": (
        "id, name, type, author, sha, last_modified, private, card_data, gated, likes",
        "SELECT id, repo_id, kind, owner, sha1(id), last_modified, 0, card, NULL, likes FROM r JOIN cards USING (id)",
    ),
    "tags_in_repo": ("tag_name, repo_id", "SELECT DISTINCT unnest(tags), id FROM r"),
    "model": (
        "model_id, pipeline_tag, downloads, library_name, config",
        "SELECT id, pipeline_tag, downloads, library, '{''a'': [''it\\''s'', None], \"b\": (1,)}' FROM r WHERE kind = 'model'",
    ),
    "dataset": (
        "dataset_id, description, downloads",
        "SELECT id, 'It''s (a), \"set\"; 😀' || chr(10) || chr(9) || '\\', downloads FROM r WHERE kind = 'dataset'",
    ),
    "discussion": (
        "num, repo_id, author, title, status, created_at, is_pull_request",
        f"SELECT number, {_REPO}, author, 'What''s (this); \\', status, created_at, is_pull_request::INT FROM discussions",
    ),
    "commit_parents": ("commit_sha, parent_sha", "SELECT sha, sha1(sha) FROM c WHERE n % 1000 = 0"),
    "space": ("space_id, sdk, stage", "SELECT id, library, 'RUNNING' FROM r WHERE kind = 'space'"),
    "models_in_space": ("model_id, space_id", "SELECT 'models/' || model_id, 'spaces/' || space_id FROM usage"),
    "repo_file": ("id, filename, repo_id, size", "SELECT sha256('f' || file), 'it''s.bin', id, file FROM f"),
    "file": ("id, filename, repo_id", "SELECT file, 'it''s (a), no. ' || k || '.bin', id FROM f"),
}
_MESSAGE = "'Update ''README.md'' (' || n || '); \"\\' || chr(10) || 'Co-authored-by: 😀'"
_OF_VERSION = {
    "1.0": {
        "commits": (
            "sha, source, timestamp, message, author",
            f"SELECT sha, 'pydriller', date, {_MESSAGE}, author FROM c UNION ALL "
            "SELECT sha, 'pydriller', date, 'Delete a file', author FROM lost",
        ),
        "files_in_commit": (  # two files a commit
            "sha, file_id",
            "SELECT c.sha, 3 * r.n + k.k FROM c JOIN r USING (id), (VALUES (0), (1)) k(k)",
        ),
    },
    "1.1": {
        "commits": (
            "sha, repo_id, message, author_date, author_tz, in_main_branch, author_name, source",
            f"SELECT sha, id, {_MESSAGE}, date - INTERVAL 2 HOUR, 7200, 1, author, 'pydriller' FROM c",
        ),
        "files_in_commit": ("sha, modified_file_id", "SELECT sha, sha256('m' || n) FROM c"),
    },
}


def missing() -> list[str]:
    """The programs that are not installed (Debian: mariadb-server-core, mariadb-client, p7zip-full)."""
    return [name for name in PROGRAMS if not shutil.which(name)]


@contextmanager
def server(directory: Path) -> Iterator["Server"]:
    """A MariaDB of its own in the directory, reached by a socket; ended, and only it, at the end."""
    data, log = directory / "data", directory / "log"
    common = ["--no-defaults", f"--datadir={data}", f"--user={getpass.getuser()}"]
    with (
        log.open("wb") as out,
        tempfile.TemporaryDirectory(prefix="mariadb-") as short,
    ):  # a socket's path has 107 letters
        socket = Path(short) / "socket"
        install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, stdout=out, stderr=out, timeout=120)
        quick = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--innodb-buffer-pool-size=256M"]
        process = subprocess.Popen(
            ["mariadbd", *common, f"--socket={socket}", "--skip-networking", f"--pid-file={directory / 'pid'}", *quick],
            stdout=out, stderr=out,
        )  # fmt: skip
        try:
            started = Server(socket)
            started.wait(process)
            yield started
        finally:
            process.terminate()
            process.wait(60)


class Server:
    """The client's side of one running server."""

    def __init__(self, socket: Path):
        self.options = ["--no-defaults", f"--socket={socket}", "--user=root", "--default-character-set=utf8mb4"]

    def wait(self, process: subprocess.Popen) -> None:
        """Until it answers, half a minute at most."""
        for _ in range(300):
            asked = subprocess.run(["mariadb", *self.options, "-e", "SELECT 1"], capture_output=True)
            if asked.returncode == 0:
                return
            if process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("MariaDB did not start; its log is in its directory")

    def run(self, statements: str) -> str:
        """Run statements in the database; gives what it answers, columns divided by tabs."""
        command = ["mariadb", *self.options, "--local-infile=1", "-N", DATABASE]
        return subprocess.run(command, input=statements, check=True, stdout=subprocess.PIPE, text=True).stdout

    def empty(self) -> None:
        """Make the database anew, without a table."""
        made = f"DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"
        subprocess.run(["mariadb", *self.options, "-e", made], check=True)

    def load(self, snapshot: Path, version: str, work: Path, *, lost: int = 0) -> None:
        """Fill HFCommunity's tables from a snapshot's directory; of v1.0 also `lost` commits that no file leads to."""
        schema, filled = SCHEMAS[version], _FILLED | _OF_VERSION[version]
        subprocess.run(
            ["mariadb", *self.options, "-e", f"DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE}"],
            check=True,
        )
        with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(work / "spill")}) as con:
            con.execute("SET TimeZone = 'UTC'")
            for path in snapshot.glob("*.parquet"):
                con.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM read_parquet('{path}')")
            con.execute(_PREPARED.replace("{lost}", str(lost)))
            _make_cards(con, linked=version == "1.0")
            for table, columns in schema.items():
                self.run(f"CREATE TABLE {table} ({columns}) {_COLLATED}")
                names, query = filled[table]
                _write(con, query, work / "rows.tsv")
                self.run(
                    f"SET NAMES utf8mb4; SET time_zone = '+00:00'; SET foreign_key_checks = 0; SET unique_checks = 0; "
                    f"LOAD DATA LOCAL INFILE '{work / 'rows.tsv'}' IGNORE INTO TABLE {table} "
                    f"CHARACTER SET utf8mb4 ({names})"
                )
                (work / "rows.tsv").unlink()
            for table in ("file", "discussion"):  # keys of other tables, as they stand in a dump's CREATE TABLE
                if table in schema:
                    self.run(
                        f"SET foreign_key_checks = 0; ALTER TABLE {table} ADD CONSTRAINT {table}_in FOREIGN KEY (repo_id) "
                        "REFERENCES repository (id)"
                    )

    def dump(self, path: Path, *options: str) -> Path:
        """What mariadb-dump writes of the database."""
        command = ["mariadb-dump", *self.options, *options, f"--result-file={path}", DATABASE]
        subprocess.run(command, check=True)
        return path


def pack(path: Path, *, level: int = 1) -> Path:
    """A zip beside the file, packed by Deflate64, as HFCommunity's are."""
    archive = path.with_suffix(".zip")
    archive.unlink(missing_ok=True)
    command = ["7z", "a", "-tzip", "-mm=Deflate64", f"-mx={level}", archive.name, path.name]
    subprocess.run(command, cwd=path.parent, check=True, capture_output=True)
    return archive


def _make_cards(con: duckdb.DuckDBPyConnection, *, linked: bool) -> None:
    """Table `cards`: id, card, which is the text of a Python dict; a space's names its models where `linked`."""
    query = """SELECT id, kind, library, license, models FROM r LEFT JOIN (SELECT 'spaces/' || space_id AS id,
               list(model_id ORDER BY model_id) AS models FROM usage GROUP BY 1) USING (id)"""
    con.execute("CREATE TABLE cards (id VARCHAR, card VARCHAR)")
    reader = con.cursor().execute(query)
    while rows := reader.fetchmany(50_000):
        cards = {"id": [row[0] for row in rows], "card": [_card(*row[1:], linked=linked) for row in rows]}
        con.register("made", pa.table(cards))
        con.execute("INSERT INTO cards SELECT * FROM made")


def _card(kind: str, library: str | None, licence: str | None, models: list | None, *, linked: bool) -> str | None:
    card = {"title": 'It\'s a "card" (v1); \\ 😀', "language": ["en"], "widget": [{"text": "a\nb"}]}
    card |= {"license": licence} if licence else {}
    if kind == "space":
        card |= {"sdk": library, "emoji": "🔥"} | ({"models": models} if models and linked else {})
    return str(card)


def _write(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Rows as LOAD DATA reads them: tabs between columns, backslashes before what would divide them, \\N for NULL."""
    columns = [(name, kind) for name, kind, *_ in con.execute(f"DESCRIBE {query}").fetchall()]
    shown = []
    for n, (_, kind) in enumerate(columns):
        text = f"c{n}::VARCHAR" if "TIMESTAMP" not in kind else f"strftime(c{n}::TIMESTAMP, '%Y-%m-%d %H:%M:%S')"
        for plain, escaped in (("'\\'", "'\\\\'"), ("chr(9)", "'\\t'"), ("chr(10)", "'\\n'")):
            text = f"replace({text}, {plain}, {escaped})"
        shown.append(f"coalesce({text}, '\\N')")
    names = ", ".join(f"c{n}" for n in range(len(columns)))
    con.execute(
        f"COPY (SELECT concat_ws(chr(9), {', '.join(shown)}) FROM ({query}) t({names})) TO '{path}' "
        "(FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')"
    )
