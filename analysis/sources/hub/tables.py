"""The snapshot from the answers of the Hub: rows, coverage, what could not be had (study, section 3.3; METHODS, 5-6)."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from analysis import snapshot
from analysis.sources import rows
from analysis.sources.hub import clock
from analysis.sources.hub.choice import EVENTS, Choice
from analysis.sources.hub.journal import NOT_HAD, TO_ASK, Journal, chunks
from analysis.sources.hub.requests import HUB
from analysis.sources.rows import UnusableError

NOT_ASKED = {"downloads_all_time"}
NOT_LISTED = {"model": NOT_ASKED, "dataset": NOT_ASKED | {"pipeline_tag", "library", "parameters", "base_models"}}
NOT_LISTED["space"] = NOT_ASKED | {"pipeline_tag", "parameters", "downloads", "gated", "base_models"}
LINKS = {"model": "spaces", "space": "models"}
SPACES_SHOWN = 100  # a model's own list of spaces is cut there (METHODS, section 6)
PASSES = 3  # how often a listing that shifts is read again


def build(choice: Choice, journal: Journal, *, replace: bool) -> None:
    """Write the snapshot from the journal alone."""
    endpoint, synthetic = journal.get("endpoint") or "", journal.is_synthetic()
    title = "Hugging Face Hub" if endpoint == HUB else f"A Hub at {urlsplit(endpoint).netloc}"
    source = {"name": "hub", "title": title, "origin": endpoint, "licence": "", "chosen": choice.rule()}
    if synthetic:
        source["title"] = "Invented repositories, from a local Hub"
    if choice.since:
        source["since"] = choice.since
    if past := clock.is_past(choice, journal):
        source["past"] = past
    with snapshot.Writer(
        choice.name, date=choice.date, synthetic=synthetic, source=source, coverage={}, replace=replace
    ) as writer:
        _Builder(choice, journal, writer).build()


class _Builder:
    """Turns answers into rows; holds one page at a time."""

    def __init__(self, choice: Choice, journal: Journal, writer: snapshot.Writer):
        self.choice, self.journal, self.writer = choice, journal, writer
        self.past = clock.is_past(choice, journal)
        self.missing: dict[str, list[str]] = {}  # what is missing -> of which tables
        self.span = rows.span_of(choice.date)
        self.tables = {t: rows.Rows(t, lambda data, t=t: writer.add(t, data)) for t in ("repos", *EVENTS, "usage")}
        self.columns: dict[str, list[str]] = {}
        self.held: set[str] = set()  # kinds of which there is a repository
        self.lacks: Counter = Counter()  # what keeps `usage` from being complete
        self.linked = {column for column in LINKS.values() if journal.get(f"has {column}")}

    def build(self) -> None:
        self._leave_out()
        for kind in self.choice.kinds:
            self._repositories(kind)
        for table in EVENTS:
            if table in self.choice.what:
                for kind in self.choice.kinds:
                    self._events(table, kind)
                self._carry(table)
        self._refused()
        self._unasked()
        for table, collected in self.tables.items():
            if table in self.choice.what:
                collected.flush(even_empty=not collected.count)
        self._say_coverage()
        self._say_missing()

    def _leave_out(self) -> None:
        """Which repositories are not in the snapshot, each with one reason."""
        reasons = """SELECT kind, repo_id, left_out AS why, 1 AS place, 1 AS is_said FROM repos
                WHERE left_out NOT IN ('', 'not drawn')
            UNION ALL SELECT kind, repo_id, reason, 2, state = 'refused' FROM units
                WHERE (reason = 'gone' AND state = 'refused') OR (unit = 'info' AND state NOT IN ('done', 'carried'))
            UNION ALL SELECT u.kind, u.repo_id, 'renamed and listed under its new name too', 3, 1 FROM units u
                JOIN repos r ON r.kind = u.kind AND r.repo_id = u.moved WHERE u.moved != '' AND r.left_out = ''
            UNION ALL SELECT kind, repo_id, 'not asked yet', 4, 1 FROM repos r WHERE r.nth = 0 AND r.pass = 0 AND NOT EXISTS (
                SELECT 1 FROM units u WHERE u.unit = 'info' AND u.kind = r.kind AND u.repo_id = r.repo_id)"""
        self.journal.rows(
            "CREATE TEMP TABLE gone (kind TEXT, repo_id TEXT, why TEXT, is_said, PRIMARY KEY (kind, repo_id))"
        )
        columns = "kind, repo_id, why, is_said"
        self.journal.rows(f"INSERT OR IGNORE INTO gone SELECT {columns} FROM ({reasons}) ORDER BY place, why")
        for kind, repo_id, why, is_said in self.journal.stream("SELECT * FROM gone ORDER BY kind, repo_id"):
            self.writer.reject("repos", why, kind=kind, repo_id=repo_id, scope="repository")
            self.writer.left_out[_class(why) if is_said else "failed"] += 1
        renamed = """SELECT DISTINCT u.kind, u.repo_id, u.moved FROM units u WHERE u.moved != '' AND NOT EXISTS (
            SELECT 1 FROM gone g WHERE g.kind = u.kind AND g.repo_id = u.repo_id) ORDER BY 1, 2, 3"""
        for kind, repo_id, moved in self.journal.stream(renamed):
            why = "renamed meanwhile; kept under the name that was listed"
            self.writer.reject("repos", why, kind=kind, repo_id=repo_id, detail=f"now {moved}")
            self.writer.notes["repositories renamed meanwhile, kept under the name that was listed"] += 1

    # --- repositories and links

    def _repositories(self, kind: str) -> None:
        unit = "info" if self.choice.ids else "list"
        names = [name for name in snapshot.SCHEMAS["repos"].names if name not in NOT_LISTED[kind]]
        self.columns[kind] = names
        for key, nth, body in self.journal.answers(unit, kind):
            items = _values(body)
            if unit == "info":
                self._record(kind, key, items)
                continue
            shown = self._of_page(kind, nth)
            for item in items:
                repo_id = item.get("id")
                if isinstance(repo_id, str) and repo_id in shown:
                    shown.discard(repo_id)
                    self._repository(kind, repo_id, item)
                elif key == "pass 1":
                    self._nameless(kind, repo_id)

    def _of_page(self, kind: str, nth: int) -> set[str]:
        """Repositories that were first seen on this page and belong to the snapshot."""
        query = """SELECT repo_id FROM repos r WHERE kind = ? AND nth = ? AND left_out = '' AND NOT EXISTS (
            SELECT 1 FROM gone g WHERE g.kind = r.kind AND g.repo_id = r.repo_id)"""
        return {repo_id for (repo_id,) in self.journal.rows(query, [kind, nth])}

    def _nameless(self, kind: str, repo_id: object) -> None:
        try:
            rows.repository_id(repo_id)
        except UnusableError as error:
            self.writer.reject("repos", str(error), kind=kind, detail=error.detail)

    def _record(self, kind: str, repo_id: str, item: Mapping) -> None:
        gone = self.journal.rows("SELECT 1 FROM gone WHERE kind = ? AND repo_id = ?", [kind, repo_id])
        if not gone and self._repository(kind, repo_id, item) and kind == "model" and "usage" in self.choice.what:
            self._spaces(repo_id, item)

    def _repository(self, kind: str, repo_id: str, item: Mapping) -> bool:
        item = {name: value for name, value in item.items() if name not in ("modelId", "license", "parameters")}
        try:
            _check_text(item)
            values = rows.repository(item, kind, repo_id, self.span, self.writer.notes)
        except UnusableError as error:
            self.writer.reject("repos", str(error), kind=kind, repo_id=repo_id, detail=error.detail)
            return False
        self.tables["repos"].append(values)
        self.held.add(kind)
        if kind == "space" and "usage" in self.choice.what:
            self._models(repo_id, item)
        return True

    def _models(self, space: str, item: Mapping) -> None:
        models = self._list_of(item, "models")
        if models is None:
            self.writer.reject("usage", "no list of models", kind="space", repo_id=space, scope="repository")
            self.lacks["spaces without a list of models"] += 1
            return
        for model in dict.fromkeys(map(str, models)):
            self._link(space, model)

    def _spaces(self, model: str, item: Mapping) -> None:
        """A model's own list; exactly 100 entries mean that it was cut, so that none of them is taken."""
        spaces = self._list_of(item, "spaces")
        where = {"kind": "model", "repo_id": model, "scope": "repository"}
        if spaces is None:
            self.writer.reject("usage", "no list of spaces", **where)
            self.lacks["models without a list of spaces"] += 1
        elif len(spaces) == SPACES_SHOWN:
            self.writer.reject("usage", f"list of spaces cut at {SPACES_SHOWN}", **where)
            self.lacks["models whose list of spaces was cut"] += 1
        else:
            named = {repo_id for kind, repo_id in self.choice.ids if kind == "space"}
            for space in dict.fromkeys(map(str, spaces)):
                if space not in named:  # those say it themselves
                    self._link(space, model)

    def _list_of(self, item: Mapping, column: str) -> list | None:
        """The list; empty where this repository lacks it and others have theirs: the Hub leaves out what is empty."""
        if column not in item and column in self.linked:
            self.writer.notes[f"repositories without `{column}` where others have it, taken as naming none"] += 1
            return []
        return item[column] if isinstance(item.get(column), list) else None

    def _link(self, space: str, model: str) -> None:
        try:
            values = rows.repository_id(space), self._spelled("model", rows.repository_id(model))
        except UnusableError as error:
            self.writer.reject("usage", str(error), kind="space", repo_id=space, detail=error.detail)
        else:
            self.tables["usage"].append(values)

    def _spelled(self, kind: str, repo_id: str) -> str:
        """A name as the listing writes it: to the Hub, capitals make no difference."""
        found = self.journal.rows("SELECT repo_id FROM repos WHERE kind = ? AND repo_id = ?", [kind, repo_id])
        return found[0][0] if found else repo_id

    # --- commits and discussions

    def _events(self, table: str, kind: str) -> None:
        take = {"commits": rows.commit, "discussions": rows.discussion}[table]
        current, seen, wanted = None, set(), False
        for repo_id, _, body in self.journal.answers(table, kind):
            if repo_id != current:
                current, seen = repo_id, set()
                wanted = not self.journal.rows("SELECT 1 FROM gone WHERE kind = ? AND repo_id = ?", [kind, repo_id])
            value = _values(body) if wanted else []
            for row in value if isinstance(value, list) else value["discussions"]:
                try:
                    _check_text(row)
                    values = take(row, self.span, self.writer.notes)
                except UnusableError as error:
                    self.writer.reject(table, str(error), kind=kind, repo_id=repo_id)
                    continue
                if values[0] not in seen:
                    seen.add(values[0])
                    self.tables[table].append((kind, repo_id, *values))

    def _carry(self, table: str) -> None:
        """Rows of the earlier snapshot, of repositories that did not change."""
        if not self.choice.since:
            return
        earlier, schema = snapshot.load(self.choice.since), self.tables[table].schema
        if not earlier.has(table):
            return
        self.tables[table].flush()
        for batch in earlier.batches(table, rows=20_000):
            for kind in self.choice.kinds:
                rows = batch.filter(pc.equal(batch["kind"], kind))
                rows = rows.filter(pc.is_in(rows["repo_id"], value_set=self._carried(table, kind, rows["repo_id"])))
                columns = [
                    rows[f.name].cast(f.type) if f.name in rows.schema.names else pa.nulls(len(rows), f.type)
                    for f in schema
                ]
                if len(rows):
                    self.writer.add(table, pa.Table.from_arrays(columns, schema=schema))
                    self.tables[table].count += len(rows)

    def _carried(self, table: str, kind: str, repo_ids: pa.Array) -> pa.Array:
        found = []
        for chunk in chunks(pc.unique(repo_ids).to_pylist()):
            query = f"""SELECT repo_id FROM units u WHERE unit = ? AND kind = ? AND state = 'carried'
                AND repo_id IN ({",".join("?" * len(chunk))}) AND NOT EXISTS (
                SELECT 1 FROM gone g WHERE g.kind = u.kind AND g.repo_id = u.repo_id)"""
            found += [repo_id for (repo_id,) in self.journal.rows(query, [table, kind, *chunk])]
        return pa.array(found, pa.string())

    # --- what is missing

    def _unasked(self) -> None:
        """Repositories that a run which did not end has not come to."""
        for table in EVENTS:
            if table in self.choice.what:
                query = f"SELECT kind, repo_id FROM repos r WHERE {TO_ASK} ORDER BY 1, 2"
                for kind, repo_id in self.journal.stream(query, [table]):
                    self.writer.reject(table, "not asked yet", kind=kind, repo_id=repo_id, scope="repository")

    def _refused(self) -> None:
        """Repositories whose commits or discussions could not be had, by reason."""
        query = """SELECT u.kind, u.repo_id, u.unit, u.state, u.reason FROM units u WHERE u.reason != '' AND u.unit != 'info'
            AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.kind = u.kind AND g.repo_id = u.repo_id) ORDER BY 1, 2, 3"""
        last = None
        for kind, repo_id, unit, state, reason in self.journal.stream(query):
            scope = "row" if state == "done" else "repository"
            reason += ", not settled yet" if state == "doubted" else ""
            self.writer.reject(unit, reason, kind=kind, repo_id=repo_id, scope=scope)
            if (kind, repo_id) != last and state != "done":
                self.writer.left_out[_class(reason) if state == "refused" else "failed"] += 1
                last = (kind, repo_id)

    def _say_coverage(self) -> None:
        for kind in self.choice.kinds:
            unlisted = self._listing_lacks(kind)
            if self._is_absent(kind):
                for table in ("repos", *EVENTS):
                    if table in self.choice.what:
                        self._cover(table, kind, [], unlisted, is_absent=True)
                continue
            self._cover("repos", kind, [self.choice.rule(), self.past], unlisted, columns=self.columns[kind])
            for table in EVENTS:
                if table in self.choice.what:
                    taken, lacks = [self.past, self._carried_rule(table, kind)], self._event_lacks(table, kind)
                    self._cover(table, kind, taken, lacks, **({"zeros": True} if any([*taken, *lacks]) else {}))
        if "usage" in self.choice.what:
            whole = "space" in self.choice.kinds and not self.choice.rule()
            chosen = [self.past, "" if whole else f"links of {self.choice.rule() or 'the listed spaces'}"]
            lacks = [f"{count:,} {what}" for what, count in sorted(self.lacks.items())]
            lacks += self._listing_lacks("space") if "space" in self.choice.kinds else []
            self._cover("usage", "all", chosen, lacks, is_absent=self._is_absent("space") and not self.tables["usage"].count)

    def _is_absent(self, kind: str) -> bool:
        """Whether nothing is known of a kind: there is no repository of it, and not because the Hub said so."""
        return kind not in self.held and bool(self._listing_lacks(kind))

    def _cover(
        self, table: str, kind: str, chosen: Sequence[str], lacks: Sequence[str], *, is_absent=False, **more: object
    ) -> None:
        """Say of a table what was chosen and what it lacks; only the second is missing."""
        rule = "" if is_absent else "; ".join(filter(None, [*chosen, *lacks]))
        said = {"status": "absent" if is_absent else "sample" if rule else "complete", "rule": rule}
        self.writer.coverage.setdefault(table, {})[kind] = said | more
        for lack in lacks:
            where = f"{table} of {snapshot.PLURAL[kind]}" if kind in snapshot.PLURAL else table
            self.missing.setdefault(lack, []).append(where)

    def _listing_lacks(self, kind: str) -> list[str]:
        """Why the list of repositories is not whole."""
        rows = self.journal.rows("SELECT state, late, detail FROM listings WHERE kind = ?", [kind])
        begun = rows or self.journal.rows("SELECT 1 FROM repos LIMIT 1")
        lacks = [] if begun else [f"the {'list' if self.choice.ids else 'listing'} was not begun"]
        for state, late, detail in rows:
            if state != "done":
                lacks.append(f"the listing was not finished ({detail or 'interrupted'})")
            elif late:
                lacks.append(
                    f"the listing shifted while it was read: {late:,} came to light in the last of {PASSES} readings"
                )
        there, asked, _ = json.loads(self.journal.get("unlisted") or "[0, 0, 0]")
        if there and kind == "model":
            lacks.append(f"of {asked} models that spaces name and the listing lacks, the Hub has {there:,}")
        failed = f"SELECT count(*) FROM units WHERE unit = 'info' AND kind = ? AND {NOT_HAD}"
        if count := self.journal.rows(failed, [kind])[0][0]:
            lacks.append(f"the records of {_counted(count)} could not be had")
        return lacks

    def _event_lacks(self, table: str, kind: str) -> list[str]:
        """Why a table is not complete. What the Hub refuses is no reason: nobody can have it, and `rejected` names it."""
        query = "SELECT state, reason, count(*) FROM units WHERE unit = ? AND kind = ? GROUP BY 1, 2 ORDER BY 1, 2"
        lacks = []
        for state, reason, count in self.journal.rows(query, [table, kind]):
            if state == "done" and reason:
                lacks.append(f"{_counted(count)} with {reason}")
            elif state == "failed":
                lacks.append(f"those of {_counted(count)} failed ({reason})")
            elif state == "doubted":
                lacks.append(f"those of {_counted(count)} were refused ({reason}), which is not settled yet")
        left = self.journal.rows(f"SELECT count(*) FROM repos r WHERE kind = ? AND {TO_ASK}", [kind, table])[0][0]
        return [*lacks, *([f"{_counted(left)} not asked yet"] if left else [])]

    def _carried_rule(self, table: str, kind: str) -> str:
        """What was taken over from the earlier snapshot and may have grown since; empty for commits: they can't have."""
        query = "SELECT count(*) FROM units WHERE unit = ? AND kind = ? AND state = 'carried'"
        count = self.journal.rows(query, [table, kind])[0][0] if table == "discussions" else 0
        date = snapshot.load(self.choice.since).date if count else None
        return f"those of {_counted(count)} whose files did not change are of {date} at the latest" if count else ""

    def _say_missing(self) -> None:
        """Everything that is missing, in words, and what another run would ask for, in the manifest's `source`."""
        self.writer.source["missing"] = sorted(f"{', '.join(where)}: {lack}" for lack, where in self.missing.items())
        queries = [f"SELECT count(*) FROM units WHERE {NOT_HAD}", "SELECT count(*) FROM listings WHERE state != 'done'"]
        left = sum(self.journal.rows(query)[0][0] for query in queries)
        for table in EVENTS:
            if table in self.choice.what:
                left += self.journal.rows(f"SELECT count(*) FROM repos r WHERE {TO_ASK}", [table])[0][0]
        self.writer.source["left"] = left


def _counted(count: int) -> str:
    return f"{count:,} {'repository' if count == 1 else 'repositories'}"


def _values(body: bytes) -> object:
    return json.loads(body)


def _check_text(item: object) -> None:
    """Half a surrogate pair is JSON, but no text that a table can hold. Raises UnusableError."""
    if not isinstance(item, dict):
        raise UnusableError("not a JSON object")
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnusableError("text with half a surrogate pair") from None


def _class(reason: str) -> str:
    """The class of what was left out that a reason belongs to."""
    known = ("gated", "disabled", "discussions disabled", "gone", "private", "renamed", "not asked")
    return next((name for name in known if reason.startswith(name)), "failed")
