"""What each kind of dump holds: its records become repositories, commits, discussions and links."""

from collections.abc import Mapping, Sequence

from analysis import snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import files, rows
from analysis.sources.files import Source
from analysis.sources.intake import Intake
from analysis.sources.rows import UnusableError

SPACES_SHOWN = 100  # a model's own list of spaces is cut there (METHODS, section 6)
_STANDS_ALONE = {"commits": {"commit_id", "oid"}, "discussions": {"num", "number"}}  # and not in a repository's list
_NEEDED = {
    "commits": ("of_repo", "commit_id", "date"),
    "files": ("of_repo", "commit_id", "path"),
    "discussions": ("of_repo", "number", "created_at"),
}
_DECLARED = "links that the cards of spaces declare, not those that the Hub finds in their code"
_OWNED_ONLY = "no link to a model without an owner, such as gpt2, is among them"


def _names(source: Source) -> list[str] | None:
    """Names of a table's columns, as `rows` knows them; None for JSON."""
    found = files.columns_of(source)
    return None if found is None else source.renamed(found)


# --- repositories -----------------------------------------------------------------------------------------


def repositories(run: Intake, source: Source) -> None:
    """A listing of one kind of repository; of spaces their models, of models their spaces become links."""
    names = _names(source)
    kind = source.listed or _kind_told(source, names or ())
    if names is not None:
        _check_listing(source, names)
    run.gives("repos", kind)
    if kind == "space" and {"models", *rows.names_of("card")} & set(names or ()):
        run.gives("usage", "all")
    for row, record in run.records(files.records(source, run.at), "repos", kind):
        record = _with_metadata(record)
        repo_id = run.repository(record, kind, row)
        if kind == "space":
            space_links(run, record, repo_id, row)
        elif kind == "model":
            _model_links(run, record, repo_id, row)
    if cut := run.counts.pop("cut lists", 0):
        run.only_rule["usage", "all"].append(f"without those of {cut:,} models whose list of spaces was cut")


def _check_listing(source: Source, names: Sequence[str]) -> None:
    if not {*rows.names_of("repo_id"), "metadata"} & set(names):
        raise SnapshotError(
            f"{source.file}: no column id; found {rows.listing(names)}; expected the Hub's field names (id, likes, "
            "downloads, tags, createdAt), rename the columns or say --column repo_id=NAME"
        )


def _kind_told(source: Source, names: Sequence[str]) -> str:
    """The kind of a listing, by the file's name or by columns that only one kind has."""
    for kind, plural in snapshot.PLURAL.items():
        if source.path.name.lower().startswith(plural):
            return kind
    told_by = {"space": {"sdk", "models"}, "model": {"modelId", "pipeline_tag", "library_name"}}
    told_by["dataset"] = {"paperswithcode_id", "citation"}
    for kind, only in told_by.items():
        if only & set(names):
            return kind
    raise SnapshotError(
        f"{source.file}: models, datasets or spaces? found {rows.listing(names)}; "
        f"say it as {source.importer}:models, :datasets or :spaces"
    )


def _with_metadata(record: dict) -> dict:
    """The record, with what a column `metadata` holds of the repository itself."""
    held = rows.unpacked(record.get("metadata"))
    return record | held if isinstance(held, dict) else record


def space_links(run: Intake, record: dict, repo_id: str | None, row: int) -> None:
    """The models that a listing names, or where it names none those of the space's card."""
    listed = "models" in record
    models = record["models"] if listed else (rows.card(record) or {}).get("models")
    if not listed and rows.first(record, "card") is None:
        return
    run.gives("usage", "all")
    if not listed and _DECLARED not in run.only_rule["usage", "all"]:
        run.only_rule["usage", "all"].append(_DECLARED)
    for model in _linked(run, models, "models", "space", repo_id, row):
        run.link(repo_id, model, row)


def _model_links(run: Intake, record: dict, repo_id: str | None, row: int) -> None:
    """A model's own list of spaces; exactly 100 of them mean that it was cut, so that none is taken."""
    spaces = rows.unpacked(record.get("spaces"))
    if not isinstance(spaces, list):
        return
    run.gives("usage", "all")
    if len(spaces) == SPACES_SHOWN:
        run.counts["cut lists"] += 1
        reason = f"list of spaces cut at {SPACES_SHOWN}"
        run.reject("usage", reason, row, kind="model", repo_id=repo_id, scope="repository")
        return
    for space in _linked(run, spaces, "spaces", "model", repo_id, row):
        run.link(space, repo_id, row)


def _linked(run: Intake, value: object, column: str, kind: str, repo_id: str | None, row: int) -> list[str]:
    """The ids in a list of links; none where the list or its repository can't be used, which is counted."""
    where = {"kind": kind, "repo_id": repo_id, "scope": "repository"}
    said: list[str] = []
    try:
        named = rows.words(value, column, said) or []
    except UnusableError as error:
        run.reject("usage", error, row, **where)
        return []
    run.writer.notes.update(said)
    if repo_id is None and named:
        run.reject("usage", "its repository was rejected", row, **where)
    return named if repo_id is not None else []


# --- commits and discussions ------------------------------------------------------------------------------


def commits(run: Intake, source: Source) -> None:
    """Repositories with their list of `commits`, or commits that stand alone and name their repository."""
    _events(run, source, "commits")


def discussions(run: Intake, source: Source) -> None:
    """Repositories with their list of `discussions`, or discussions that stand alone and name their repository."""
    _events(run, source, "discussions")


def _events(run: Intake, source: Source, table: str) -> None:
    names = _names(source)
    alone = names is not None and table not in names
    if alone:
        _check_events(source, names, table)
    kind, found, listed = source.listed or "model", [], 0
    for row, record in run.records(files.records(source, run.at), "repos", kind):
        found = found or list(record)
        listed += table in record
        if alone or (table not in record and _STANDS_ALONE[table] & record.keys()):
            _event_alone(run, record, table, kind, row)
            continue
        run.gives("repos", kind)
        run.gives(table, kind)
        repo_id = run.repository(record, kind, row)
        _history(run, record.get(table), table, kind, repo_id, row)
    if not alone and found and not listed and not run.counts[table, "alone"]:
        raise SnapshotError(
            f"{source.file}: no row has `{table}`; found {rows.listing(found)}; import it as {snapshot.PLURAL[kind]}-jsonl"
        )


def changed_files(run: Intake, source: Source) -> None:
    """One file that a commit changed per row, or a commit with its list of `files`."""
    names = _names(source)
    if names is not None:
        _check_events(source, names, "files")
    kind = source.listed or "model"
    for row, record in run.records(files.records(source, run.at), "files", kind):
        listed = record.get("files")
        for path in listed if isinstance(listed, list) else (None,):
            _event_alone(run, record if path is None else {**record, "path": path}, "files", kind, row)


def _check_events(source: Source, names: Sequence[str], table: str) -> None:
    missing = [column for column in _NEEDED[table] if not set(rows.names_of(column)) & set(names)]
    if missing:
        named = [column.replace("of_repo", "repo_id") for column in missing]
        raise SnapshotError(
            f"{source.file}, row 1: no column {' and no '.join(named)}; found {rows.listing(names)}; "
            f"say which it is by --column {named[0]}=NAME"
        )


def _event_alone(run: Intake, record: Mapping, table: str, kind: str, row: int) -> None:
    said = record.get("repo_type")
    kind = said if said in snapshot.KINDS else kind
    run.gives(table, kind)
    run.counts[table, "alone"] += 1
    try:
        repo_id = rows.repository_id(rows.first(record, "of_repo"))
    except UnusableError as error:
        run.reject(table, error, row, kind=kind)
        return
    run.named(table, kind, repo_id)
    run.event(table, record, kind, repo_id, row)


def _history(run: Intake, events: object, table: str, kind: str, repo_id: str | None, row: int) -> None:
    """The list of one repository's events; where it has none, that counts as refused and not as empty."""
    where = {"kind": kind, "repo_id": repo_id, "scope": "repository"}
    events = rows.unpacked(events)
    if repo_id is None:
        run.reject(table, "its repository was rejected", row, **where)
    elif isinstance(events, list):
        run.asked[table, kind].add(repo_id)
        for event in events:
            run.event(table, event, kind, repo_id, row)
    else:
        reason, left_out = _failure(events, table)
        run.refused[table, kind].add(repo_id)
        run.writer.left_out[left_out] += 1
        run.reject(table, reason, row, **where)


def _failure(events: object, table: str) -> tuple[str, str]:
    """(reason, class of what was left out) of an error text; the text may name people and is not kept."""
    if not isinstance(events, str):
        return f"no list of {table}", "failed"
    said = events.lower()
    if said.startswith("["):
        return f"a list of {table} that can't be read", "failed"
    if any(word in said for word in ("not authorized", "unauthorized", "gated", "forbidden", "401", "403")):
        return "not authorized", "gated"
    if any(word in said for word in ("not found", "404")):
        return "not found", "gone"
    return f"an error text instead of {table}", "failed"


# --- links ------------------------------------------------------------------------------------------------


def links(run: Intake, source: Source) -> None:
    """One link per row of a table."""
    names = _names(source)
    space, model = (
        next((name for name in rows.names_of(column) if name in names), None) for column in ("space_id", "model_id")
    )
    missing = [name for name, found in (("space", space), ("model", model)) if found is None]
    if missing:
        raise SnapshotError(
            f"{source.file}, row 1: no column {' and no '.join(missing)}; found {rows.listing(names)}; "
            "expected space and model (or space_id and model_id), rename the columns or say --column space_id=NAME"
        )
    run.gives("usage", "all")
    # Ids hold no line breaks; a quote that is opened and not closed must not swallow what follows.
    for row, record in run.records(files.csv_records(source, run.at, breaks=False), "usage", None):
        run.link(record.get(space), record.get(model), row)


def triples(run: Intake, source: Source) -> None:
    """HuggingKG's triples, of which only those that say which space uses which model are read."""
    run.gives("usage", "all")
    ownerless = False
    for row, parts in files.triples(source, run.at):
        if parts is not None and parts[1] != "space_use_model":
            run.tally.read += 1
            run.writer.notes["triples of other relations, passed over"] += 1
            continue
        run.tally.read += 1
        if parts is None:
            run.reject("usage", "not three texts between tabs", row)
        else:
            ownerless |= "/" not in parts[2]
            run.link(parts[0], parts[2], row)
    if not ownerless:
        run.only_rule["usage", "all"].append(_OWNED_ONLY)
