"""What did HFCommunity see of the Hub? A dump of its database becomes a snapshot (the study's reference 71).

The database: Ait, Canovas Izquierdo and Cabot, doi:10.1109/SANER56733.2023.00080, schema v1.0 (to 2023) and v1.1 (2024).
Names of tables and columns come from the file; what the database can't tell is said in the snapshot's coverage.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import schema, snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import readers, rows, sqldump, unpack
from analysis.sources.files import Source
from analysis.sources.intake import Intake

MEMORY = "1200MB"  # of the joins; what does not fit waits on disk

# Of each table: what its rows are for, the columns without which it is of no use, those that may be absent, each
# by its names in v1.0 and v1.1. Other tables and columns are passed over.
_TABLES = {
    "repository": ("repos", ("id",), ("type", "name", "author", "last_modified", "likes", "gated", "card_data")),
    "model": ("repos", ("model_id",), ("pipeline_tag", "library_name", "downloads")),
    "dataset": ("repos", ("dataset_id",), ("downloads",)),
    "space": ("repos", ("space_id",), ("sdk",)),
    "tags_in_repo": ("repos", ("tag_name", "repo_id"), ()),
    "commits": ("commits", ("sha", "timestamp author_date", "author author_name"), ("repo_id", "author_tz")),
    "file": ("commits", ("id", "repo_id"), ()),
    "files_in_commit": ("commits", ("sha", "file_id"), ()),
    "discussion": ("discussions", ("num", "repo_id", "created_at"), ("author", "is_pull_request", "status")),
    "models_in_space": ("usage", ("model_id", "space_id"), ()),
}
# What is read beside them where the files that commits changed are asked for.
_FILES = {
    "file": ("commits", ("id", "repo_id", "filename"), ()),
    "files_in_commit": ("files", ("sha", "file_id modified_file_id"), ()),
    "modified_file": ("files", ("modified_file_id", "new_path"), ("old_path",)),
}
_ONLY_V11 = {("space", "sdk"), ("commits", "repo_id"), ("commits", "author_tz")}
_LINKS = ("file", "files_in_commit")  # how a commit of v1.0 reaches its repository
_KINDS = {plural: kind for kind, plural in snapshot.PLURAL.items()}
_KIND = "CASE k.plural " + " ".join(f"WHEN '{plural}' THEN '{kind}'" for plural, kind in _KINDS.items()) + " END"
_CARD_KEYS = ("'license'", "'models'", "'sdk'", "'base_model'")  # why a card is read at all

_KEPT = "repositories that were deleted or renamed before the dump remain, with the counts of their last crawl"
_REPOS = f"repositories that HFCommunity's crawls met; {_KEPT}; private ones, and many gated ones, were never met"
_DISCUSSIONS = (
    "as of each repository's last crawl; a new discussion alone did not lead to a crawl, so that recent ones on "
    "repositories without a change are missing"
)
_DECLARED = "models that a space's card declares: fewer than the Hub finds, which also reads the space's code"
_LISTED = "models that the Hub listed for a space at its last crawl; links to models that were not crawled are missing"


_CHANGED = {
    False: "files that the repository still had when it was crawled",
    True: "files by the path after the commit, or before it where they were deleted",
}


def read_with_files(run: Intake, source: Source) -> None:
    """`read`, and which files each commit changed."""
    read(run, source, _TABLES | _FILES)


def read(run: Intake, source: Source, wanted: Mapping[str, tuple] = _TABLES) -> None:
    """Read one dump into an import of `dumps`. Raises SnapshotError, which names what was found in the file."""
    if source.columns:
        raise SnapshotError(f"{source.file}: the columns of a database are those of its tables; give no --column")
    work = run.work / "hfcommunity"
    work.mkdir()
    tables = _spill(run, source, work, wanted)
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(work / "spill")}) as con:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET preserve_insertion_order = false")
        try:
            _open(con, work, tables, wanted)
            _read_tables(run, con, tables)
            if wanted is not _TABLES:
                run.say("linking files to commits")
                _read_files(run, con, tables)
        except duckdb.Error as error:  # no space on the disk, above all
            why = rows.shown(str(error).partition("\n")[0], limit=120)
            raise SnapshotError(f"{source.file}: its tables could not be joined ({why})") from None


def _read_tables(run: Intake, con: duckdb.DuckDBPyConnection, tables: Mapping[str, "_Spilled"]) -> None:
    _read_repositories(run, con, tables)
    if "discussion" in tables:
        _read_discussions(run, con)
    if "commits" in tables:
        run.say("linking commits to repositories")
        _read_commits(run, con, tables)
    if "models_in_space" in tables:
        _read_links(run, con)


# --- the file ---------------------------------------------------------------------------------------------


def _spill(run: Intake, source: Source, work: Path, wanted: Mapping[str, tuple]) -> dict[str, "_Spilled"]:
    """Write the wanted columns of every table that is of use to a Parquet file; gives the tables that have rows."""
    spilled: dict[str, _Spilled] = {}
    defined: dict[str, sqldump.Table] = {}

    def choose(table: sqldump.Table) -> list[str]:
        if table.name not in wanted:
            return []
        if not table.columns:  # the reader refuses rows without a definition, if anything in them is wanted
            return list(wanted[table.name][1])
        if table.name in spilled:
            raise SnapshotError(f"{source.file}: defines the table {table.name} twice; expected one dump of one day")
        columns = _columns(run, source, table, wanted)
        if columns:
            spilled[table.name] = _Spilled(work / f"{table.name}.parquet", table, columns)
        return list(columns.values())

    try:
        for member in unpack.members(source.path, ".sql", run.at):
            reader = sqldump.Reader(member.pieces(), choose, defined)
            for part in reader:
                spilled[part.table].add(part)
                for row, why in part.rejected:
                    run.reject(wanted[part.table][0], f"{part.table}: {why}", row)
            for table in spilled.values():
                table.in_utc &= reader.in_utc
    except (unpack.UnpackError, sqldump.SqlError) as error:
        raise SnapshotError(f"{source.file}: {error}") from None
    _check_tables(source, defined, spilled)
    return {name: table for name, table in spilled.items() if table.close()}


def _columns(run: Intake, source: Source, table: sqldump.Table, wanted: Mapping[str, tuple]) -> dict[str, str]:
    """The file's name of each column that is wanted, by its first name here; none where the table is of no use."""
    _, needed, welcome = wanted[table.name]
    found = {}
    for names in (*needed, *welcome):
        present = [name for name in names.split() if name in table.columns]
        if present:
            found[names.split()[0]] = present[0]
        elif names in needed:
            if table.name == "files_in_commit" and "modified_file_id" in table.columns:  # v1.1: not needed
                return {}
            raise SnapshotError(
                f"{source.file}: the table {table.name} has no column {names.replace(' ', ' or ')}; found "
                f"{rows.listing(table.columns)}; expected HFCommunity's schema v1.0 or v1.1"
            )
        elif (table.name, names) not in _ONLY_V11:
            run.writer.notes[f"columns that are not in the dump ({table.name}.{names})"] += 1
    return found


def _check_tables(source: Source, defined: Mapping, spilled: Mapping[str, "_Spilled"]) -> None:
    if "repository" not in spilled:
        found = f"found the tables {rows.listing(sorted(defined))}" if defined else "it defines no table"
        raise SnapshotError(f"{source.file}: no table repository; {found}; expected a dump of HFCommunity")
    if "commits" in spilled and "repo_id" not in spilled["commits"].columns:
        lacking = [name for name in _LINKS if name not in spilled]
        if lacking:
            raise SnapshotError(
                f"{source.file}: commits without repo_id, and no table {lacking[0]} through which they reach their "
                f"repository; found {rows.listing(sorted(defined))}; expected HFCommunity's schema v1.0 or v1.1"
            )


class _Spilled:
    """The wanted columns of one table as a Parquet file, under the names that they have here."""

    def __init__(self, path: Path, table: sqldump.Table, columns: Mapping[str, str]):
        self.path, self.columns, self.rows, self.in_utc = path, columns, 0, True
        # Whether texts that differ only in case are one to the server: its default, and that of HFCommunity's tables.
        self.folds = not re.search(r"_(bin|cs)\b", table.options.lower())
        schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in columns)])
        self._writer = pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False)

    def add(self, part: sqldump.Rows) -> None:
        self._writer.write_table(part.data.rename_columns(self._writer.schema.names))
        self.rows += len(part.data)

    def close(self) -> int:
        """Close the file; gives the number of rows, none being no sign that there was nothing: it may not be filled."""
        self._writer.close()
        return self.rows


def _open(con: duckdb.DuckDBPyConnection, work: Path, tables: Mapping[str, _Spilled], wanted: Mapping[str, tuple]) -> None:
    """Every table as a view with all columns of `wanted`; `same(id)` is equal for ids that the database held equal."""
    folds = "repository" in tables and tables["repository"].folds
    con.execute(f"CREATE MACRO same(id) AS {'lower(id)' if folds else 'id'}")
    for name, (_, needed, welcome) in wanted.items():
        asked = ["row", *(names.split()[0] for names in (*needed, *welcome))]
        if name in tables:
            given = ["row", *tables[name].columns]
            shown = ", ".join(c if c in given else f"NULL::VARCHAR AS {c}" for c in asked)
            con.execute(f"CREATE VIEW {name} AS SELECT {shown} FROM read_parquet('{_quoted(tables[name].path)}')")
        else:
            con.execute(f"CREATE VIEW {name} AS SELECT {', '.join(f'NULL::VARCHAR AS {c}' for c in asked)} LIMIT 0")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


# --- repositories, discussions, links ------------------------------------------------------------------------


def _read_repositories(run: Intake, con: duckdb.DuckDBPyConnection, tables: Mapping[str, _Spilled]) -> None:
    cards = " OR ".join(f"contains(card_data, '{key.replace(chr(39), chr(39) * 2)}')" for key in _CARD_KEYS)
    declared = "models_in_space" not in tables
    tags = "coalesce(t.tags, [])" if "tags_in_repo" in tables else "t.tags"  # a repository without rows there has none
    con.execute(f"""
        CREATE TABLE known AS SELECT row, same(id) AS same, split_part(id, '/', 1) AS plural,
        substr(id, position('/' IN id) + 1) AS repo_id FROM repository;
        CREATE TABLE tagged AS SELECT same(repo_id) AS same, list(tag_name ORDER BY tag_name) AS tags,
        bool_or(starts_with(tag_name, 'license:')) AS licensed FROM tags_in_repo WHERE tag_name IS NOT NULL GROUP BY 1;
        CREATE VIEW listed AS
        SELECT r.row, k.plural, k.repo_id AS id, r.type, r.name, r.author, r.likes, {tags} AS tags, m.pipeline_tag,
        m.library_name, coalesce(m.downloads, d.downloads) AS downloads, s.sdk,
        CASE WHEN r.last_modified NOT LIKE '0000-%' THEN r.last_modified END AS last_modified,
        CASE r.gated WHEN '0' THEN NULL WHEN '1' THEN 'true' ELSE r.gated END AS gated,
        CASE WHEN ({cards}) AND (k.plural = 'spaces' OR contains(card_data, 'base_model') OR t.licensed IS NULL
        OR NOT t.licensed) THEN r.card_data END AS card_data
        FROM repository r JOIN known k ON k.row = r.row
        LEFT JOIN model m ON same(m.model_id) = k.same LEFT JOIN dataset d ON same(d.dataset_id) = k.same
        LEFT JOIN space s ON same(s.space_id) = k.same LEFT JOIN tagged t ON t.same = k.same
        ORDER BY r.row""")
    for record in _records(con, "SELECT * FROM listed"):
        run.tally.read += 1
        _read_repository(run, record, declared=declared)
    for kind in _kinds(run):
        run.gives("repos", kind)
        run.covered["repos", kind] = {"status": "sample", "rule": _REPOS}
    if declared and ("usage", "all") in run.given():
        run.covered["usage", "all"] = {"status": "sample", "rule": _DECLARED, "zeros": True}


def _kinds(run: Intake) -> list[str]:
    return [kind for kind in snapshot.KINDS if run.counts["repos", kind]]


def _read_repository(run: Intake, record: dict, *, declared: bool) -> None:
    row, kind = record["row"], _KINDS.get(record.pop("plural"))
    said, name = record.pop("type"), record.pop("name")
    if kind is None:
        run.reject("repos", "id does not begin with models/, datasets/ or spaces/", row)
    elif said not in (None, kind, snapshot.PLURAL[kind]):
        run.reject("repos", "its type is not that of its id", row, kind=kind)
    elif name is not None and name.lower() != record["id"].lower():
        run.reject("repos", "its name is not that of its id", row, kind=kind)
    else:
        card = rows.unpacked(record["card_data"])
        record["card_data"] = card if isinstance(card, dict) else record["card_data"]  # so that it is parsed once
        repo_id = run.repository(record, kind, row)
        if kind == "space" and declared:
            readers.space_links(run, record, repo_id, row)


def _read_discussions(run: Intake, con: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT d.row, k.plural, k.repo_id, d.num, d.author, d.created_at, d.is_pull_request, d.status
               FROM discussion d LEFT JOIN known k ON k.same = same(d.repo_id) ORDER BY d.row"""
    for record in _records(con, query):
        kind = _KINDS.get(record["plural"])
        if kind is None:
            run.reject("discussions", "its repository is not in the dump", record["row"])
        else:
            run.event("discussions", record, kind, record["repo_id"], record["row"])
    for kind in _kinds(run):
        run.gives("discussions", kind)
        run.covered["discussions", kind] = {"status": "sample", "rule": _DISCUSSIONS, "zeros": True}


def _read_links(run: Intake, con: duckdb.DuckDBPyConnection) -> None:
    run.gives("usage", "all")
    run.covered["usage", "all"] = {"status": "sample", "rule": _LISTED, "zeros": True}
    for record in _records(con, "SELECT row, space_id, model_id FROM models_in_space ORDER BY row"):
        space, model = record["space_id"] or "", record["model_id"] or ""
        run.link(space.removeprefix("spaces/"), model.removeprefix("models/"), record["row"])


def _records(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict]:
    for batch in con.execute(query).to_arrow_reader(rows.ROWS_AT_ONCE):
        yield from batch.to_pylist()


# --- commits ----------------------------------------------------------------------------------------------


def _read_commits(run: Intake, con: duckdb.DuckDBPyConnection, tables: Mapping[str, _Spilled]) -> None:
    direct = "repo_id" in tables["commits"].columns
    _date_commits(run, con)
    _name_authors(run, con, folded=tables["commits"].folds)
    if direct:
        con.execute("""CREATE TABLE linked AS SELECT c.row, k.row AS repo FROM dated c
                       JOIN commits x ON x.row = c.row JOIN known k ON k.same = same(x.repo_id)""")
    else:
        con.execute("""
            CREATE TABLE files AS SELECT try_cast(f.id AS BIGINT) AS id, k.row AS repo FROM file f
            JOIN known k ON k.same = same(f.repo_id);
            CREATE TABLE linked AS SELECT DISTINCT c.row, f.repo FROM files_in_commit x
            JOIN files f ON f.id = try_cast(x.file_id AS BIGINT) JOIN dated c ON c.sha = x.sha""")
    found, linked, several = con.execute("""
        SELECT (SELECT count(*) FROM dated), count(*), count(*) FILTER (WHERE n > 1)
        FROM (SELECT count(*) AS n FROM linked GROUP BY row)""").fetchone()
    if not linked:
        run.writer.notes["commits that no file links to a repository, left out"] += found
        return
    _write_commits(run, con)
    nameless = "SELECT count(*) FROM dated c LEFT JOIN named n ON n.author = c.author WHERE n.name IS NULL"
    if without := con.execute(nameless).fetchone()[0]:
        run.writer.notes["commits with no author"] += without
    _cover_commits(run, con, (found, linked, several), direct=direct, in_utc=tables["commits"].in_utc)


def _date_commits(run: Intake, con: duckdb.DuckDBPyConnection) -> None:
    """Table `dated`: row, sha, date (UTC, microseconds since 1970), author of the commits that can be used."""
    first, last = run.span
    con.execute(f"""
        CREATE TABLE timed AS SELECT row, sha, author, epoch_us(try_cast(timestamp AS TIMESTAMPTZ))
        + coalesce(try_cast(author_tz AS BIGINT), 0) * 1000000 AS date FROM commits;
        CREATE VIEW judged AS SELECT *, CASE
        WHEN sha IS NULL OR NOT regexp_full_match(sha, '[A-Za-z0-9._-]{{1,256}}') THEN 'commit without its id'
        WHEN date IS NULL THEN 'commit without a date'
        WHEN date NOT BETWEEN {first} AND {last} THEN
        'created_at is before {snapshot.FIRST_DATE} or after the snapshot' END AS problem FROM timed;
        CREATE VIEW dated AS SELECT row, sha, author, date FROM judged WHERE problem IS NULL""")
    for row, problem in con.execute(
        "SELECT row, problem FROM judged WHERE problem IS NOT NULL ORDER BY row"
    ).fetchall():
        run.reject("commits", problem, row)


def _name_authors(run: Intake, con: duckdb.DuckDBPyConnection, *, folded: bool) -> None:
    """Table `named`: author as it is written, name as it is kept; a git name is cleaned as any other source's.

    Where the database takes names that differ only in case for one (`folded`), so does the snapshot: by the login of
    whoever opens discussions, else by the spelling of most commits.
    """
    query = "SELECT author, count(*) FROM dated WHERE author IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    notes: list[str] = []
    named = {author: rows.name(author, notes) for author, _ in con.execute(query).fetchall()}
    run.writer.notes.update(notes)
    if folded:
        logins = [login for (login,) in con.execute("SELECT DISTINCT author FROM discussion ORDER BY 1").fetchall()]
        first: dict[str, str] = {}
        for name in (*filter(None, logins), *filter(None, named.values())):
            first.setdefault(name.casefold(), name)
        kept = {author: name and first[name.casefold()] for author, name in named.items()}
        if other := sum(kept[author] != name for author, name in named.items()):
            run.writer.notes["git names that differ from another name only in case, taken as that one"] += other
        named = kept
    types = pa.schema([("author", pa.string()), ("name", pa.string())])
    con.register("cleaned", pa.table([list(named), list(named.values())], schema=types))
    con.execute("CREATE TABLE named AS SELECT * FROM cleaned")


def _write_commits(run: Intake, con: duckdb.DuckDBPyConnection) -> None:
    query = f"""SELECT {_KIND} AS kind, k.repo_id, c.sha AS commit_id, make_timestamp(c.date) AS date,
                CASE WHEN n.name IS NULL THEN [] ELSE [n.name] END AS authors, ? AS source_file, c.row AS source_row
                FROM linked l JOIN dated c ON c.row = l.row JOIN known k ON k.row = l.repo
                LEFT JOIN named n ON n.author = c.author WHERE k.plural IN {tuple(_KINDS)}"""
    columns = pa.schema([field.with_nullable(True) for field in (*schema.SCHEMAS["commits"], *schema.PLACE)])
    for batch in con.execute(query, [run.source.file]).to_arrow_reader(snapshot.ROWS_AT_ONCE):
        run.many("commits", pa.Table.from_batches([batch]).cast(columns))


def _cover_commits(
    run: Intake, con: duckdb.DuckDBPyConnection, counts: tuple[int, int, int], *, direct: bool, in_utc: bool
) -> None:
    found, linked, several = counts
    if direct:
        rule = "a commit that several repositories share is with the one that was crawled first"
    else:
        rule = (
            f"{linked:,} of {found:,} commits ({linked / found:.1%}) reach a repository, through a file that it had when "
            f"it was crawled; {several:,} reach several; the others are left out"
        )
    rule += "; one author per commit, by the name that git has"
    if not in_utc:
        rule += "; the dump does not say in which time zone it gives times"
    notes = {
        "commits that no file links to a repository, left out": found - linked,
        "repositories without a commit that could be linked": con.execute(
            "SELECT count(*) FROM known WHERE row NOT IN (SELECT repo FROM linked)"
        ).fetchone()[0],
        "commits in the repository that has most": con.execute(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM linked GROUP BY repo)"
        ).fetchone()[0],
    }
    run.writer.notes.update({what: n for what, n in notes.items() if n})
    for kind in _kinds(run):
        run.gives("commits", kind)
        run.covered["commits", kind] = {"status": "sample", "rule": rule}


# --- files ------------------------------------------------------------------------------------------------


def _read_files(run: Intake, con: duckdb.DuckDBPyConnection, tables: Mapping[str, _Spilled]) -> None:
    """Which files the commits changed: v1.0 knows them by `file`, v1.1 by `modified_file`."""
    known = tables.get("files_in_commit")
    by_change = known is not None and "file" not in tables
    if known is None or "commits" not in tables or (by_change and "modified_file" not in tables):
        lacks = "modified_file" if by_change else "files_in_commit" if known is None else "commits"
        raise SnapshotError(
            f"{run.source.file}: no rows of {lacks}, so which files were changed is not in it; import it as hfcommunity"
        )
    if not any(table == "commits" for table, _ in run.given()):  # none that could be linked
        return
    if by_change:
        path, link = "coalesce(f.new_path, f.old_path)", "JOIN modified_file f ON f.modified_file_id = x.file_id"
        link += " JOIN dated c ON c.sha = x.sha JOIN linked l ON l.row = c.row JOIN known k ON k.row = l.repo"
    else:
        path, link = "f.filename", "JOIN file f ON try_cast(f.id AS BIGINT) = try_cast(x.file_id AS BIGINT)"
        link += " JOIN known k ON k.same = same(f.repo_id) JOIN dated c ON c.sha = x.sha"
    con.execute(f"""
        CREATE TABLE changed AS SELECT x.row, {_KIND} AS kind, k.repo_id, c.sha AS commit_id, {path} AS path
        FROM files_in_commit x {link} WHERE k.plural IN {tuple(_KINDS)};
        CREATE VIEW judged_files AS SELECT *, CASE WHEN path IS NULL OR path = '' THEN 'no path'
        WHEN length(path) > {schema.LONGEST_PATH} THEN '{rows.LONG_PATH}'
        WHEN regexp_matches(path, '{schema.NOT_IN_PATHS}') THEN '{rows.HARMFUL_PATH}' END AS problem FROM changed""")
    _write_files(run, con)
    (linked,) = con.execute("SELECT count(DISTINCT row) FROM changed").fetchone()
    if lost := known.rows - linked:
        run.writer.notes["changed files whose commit or repository is not in the dump, left out"] += lost
    for kind in _kinds(run):
        run.gives("files", kind)
        run.covered["files", kind] = {"status": "sample", "rule": _CHANGED[by_change]}


def _write_files(run: Intake, con: duckdb.DuckDBPyConnection) -> None:
    for record in _records(con, "SELECT row, kind, repo_id, problem FROM judged_files WHERE problem IS NOT NULL ORDER BY row"):
        run.reject("files", record["problem"], record["row"], kind=record["kind"], repo_id=record["repo_id"])
    query = """SELECT kind, repo_id, commit_id, path, ? AS source_file, row AS source_row FROM judged_files
               WHERE problem IS NULL"""
    columns = pa.schema([field.with_nullable(True) for field in (*schema.SCHEMAS["files"], *schema.PLACE)])
    for batch in con.execute(query, [run.source.file]).to_arrow_reader(snapshot.ROWS_AT_ONCE):
        run.many("files", pa.Table.from_batches([batch]).cast(columns))
