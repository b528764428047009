"""Relational work on a snapshot, written once as Ibis expressions: DuckDB by default, Spark for a cluster.

Counts per repository (RQ1), collaboration edges (RQ2), usage and its projection (RQ3). Functions return pandas frames
sorted by their keys, Covered: with the reasons why parts of them have no value. Developers appear as integers only.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _
from scipy.sparse import csr_array

from analysis import exact, people, shared, snapshot, spark
from analysis.covered import Covered
from analysis.labels import COLUMNS, FIELDS, LABELS
from analysis.parameters import Parameters
from analysis.snapshot import BY_KIND, DATES_KEPT_SINCE, PLURAL, SCHEMAS, Snapshot
from analysis.snapshot import load as load_snapshot

VARIABLES = tuple(LABELS)
FIELD_TAGS = {  # METHODS: the sub-fields as the study's section 3.3 takes them from the Hub's list of tasks
    "cv": (
        "computer-vision depth-estimation image-classification object-detection image-segmentation image-to-image "
        "unconditional-image-generation video-classification zero-shot-image-classification"
    ).split(),
    "nlp": (
        "text-classification token-classification table-question-answering question-answering zero-shot-classification "
        "translation summarization conversational text-generation text2text-generation fill-mask sentence-similarity"
    ).split(),
    "mm": (
        "multimodal feature-extraction text-to-image image-to-text text-to-video visual-question-answering "
        "document-question-answering graph-machine-learning"
    ).split(),
}
NARROW = {"mm_narrow": [tag for tag in FIELD_TAGS["mm"] if tag != "feature-extraction"]}  # a tag of texts too
_CONTENT = {
    "repos": "list",
    "files": "record of changed files",
    "usage": "links between spaces and models",
    "people": "merged names",
}
MEMORY = "2GB"  # of a notebook's database; what it does not hold goes to a file
_BLOCK = 1_000  # models whose pairs are counted at a time, which bounds the memory of the projection


_SHARED = ("con", "repos", "commits", "discussions", "usage", "signed")  # of a Hub, whoever is who


@dataclass(frozen=True)
class Hub:
    """A snapshot seen under the parameters of a run; what `load` returns and every question starts from."""

    snapshot: Snapshot
    parameters: Parameters

    @property
    def directory(self) -> Path:
        """Where the results of the run go."""
        return self.parameters.directory

    @property
    def synthetic(self) -> bool:
        return self.snapshot.synthetic

    @cached_property
    def con(self):
        """The backend: DuckDB in this process, or the Spark that the parameters name."""
        if self.parameters.engine == "duckdb":
            return snapshot.connect(memory_limit=MEMORY, temp_directory=shared.spill())
        rows = sum(entry["rows"] for entry in self.snapshot.manifest["tables"].values())
        return spark.connect(self.parameters.engine, self.directory, rows=rows)

    @cached_property
    def _end(self) -> dt.datetime | None:
        """First moment that is too late; the day itself belongs to the run."""
        if not self.parameters.as_of:
            return None
        return dt.datetime.combine(
            dt.date.fromisoformat(self.parameters.as_of) + dt.timedelta(days=1), dt.time(), dt.UTC
        )

    def table(self, name: str) -> ibis.Table:
        """A table as it was stored, with the columns that were not collected as nulls; empty where it is absent."""
        schema = SCHEMAS[name]
        if not self.snapshot.has(name):
            return ibis.memtable(schema.empty_table())
        one = self.parameters.engine != "duckdb"  # Spark takes a directory, DuckDB the files in it
        data = self.con.read_parquet(self.snapshot.file(name) if one else self.snapshot.files(name))
        absent = [field for field in schema if field.name not in data.columns]
        nulls = {field.name: ibis.null(ibis.dtype(field.type)) for field in absent}
        return data.mutate(**nulls).select(schema.names)

    @cached_property
    def repos(self) -> ibis.Table:
        """Repositories that existed on `as_of`; one without a creation date counts as existing.

        One that carries the first day that the Hub kept may be older: before that day it exists from its first commit.
        """
        repos = self.table("repos")
        if self._end is None:
            return repos
        existing = repos.filter(repos.created_at.isnull() | (repos.created_at < self._end))
        if not self.parameters.before_dates:
            return existing
        commits = self.table("commits")
        begun = commits.filter(commits.date < self._end).select("kind", "repo_id").distinct()
        return existing.union(self._of_first_day.semi_join(begun, ["kind", "repo_id"]))

    @property
    def _of_first_day(self) -> ibis.Table:
        """Repositories that carry the first day that the Hub kept: they may be older."""
        first, repos = dt.datetime.combine(DATES_KEPT_SINCE, dt.time(), dt.UTC), self.table("repos")
        return repos.filter((repos.created_at >= first) & (repos.created_at < first + dt.timedelta(days=1)))

    @cached_property
    def existing(self) -> dict[str, int]:
        """Repositories of each kind that existed, of kinds that had any."""
        return self._by_kind(self.repos)

    @cached_property
    def undated(self) -> dict[str, int]:
        """Repositories of each kind of which it isn't known whether they existed, of kinds of which none is known to."""
        if not self.parameters.before_dates:
            return {}
        return {kind: n for kind, n in self._by_kind(self._of_first_day).items() if kind not in self.existing}

    @cached_property
    def unnamed(self) -> dict[str, dict[str, int]]:
        """Commits and discussions of each kind, of kinds of which none says who made it."""
        names = self.signed.authors.filter(lambda name: name.notnull()).length()
        commits = self.signed.group_by("kind").agg(n=_.n_commits.sum(), named=names.sum())
        discussions = self.discussions.group_by("kind").agg(n=_.count(), named=_.author.count())
        found = {"commits": commits, "discussions": discussions}
        return {table: self._by_kind(rows.filter(rows.named == 0), "n") for table, rows in found.items()}

    def _by_kind(self, rows: ibis.Table, counted: str = "") -> dict[str, int]:
        frame = self.frame(rows if counted else rows.group_by("kind").agg(n=_.count()))
        return dict(zip(frame["kind"], frame["n"].astype(int), strict=True))

    @cached_property
    def commits(self) -> ibis.Table:
        return self._until(self.table("commits"), "date")

    @cached_property
    def discussions(self) -> ibis.Table:
        return self._until(self.table("discussions"), "created_at")

    @cached_property
    def usage(self) -> ibis.Table:
        """Links between spaces and models; they carry no date, so none is known as of an earlier day."""
        return self.table("usage") if self._end is None else ibis.memtable(SCHEMAS["usage"].empty_table())

    def _until(self, events: ibis.Table, moment: str) -> ibis.Table:
        if self._end is None:
            return events
        existing = self.repos.select("kind", "repo_id")
        return events.filter(events[moment] < self._end).semi_join(existing, ["kind", "repo_id"])

    @property
    def _events(self) -> tuple:
        """What decides which commits and discussions are seen."""
        return self.snapshot.digest, self.parameters.as_of

    @property
    def _merges(self) -> tuple:
        """What decides, beside it, whose names are merged."""
        run = self.parameters
        return (run.merge_threshold, people.digest_of(self.snapshot)) if run.identities == "merged" else ()

    @property
    def _who(self) -> tuple:
        """What decides, beside the events, who did what."""
        return *self._events, self.parameters.identities, self.parameters.bots, *self._merges

    @cached_property
    def identities(self) -> pd.DataFrame:
        """alias, developer, is_bot: the only place where names of commits and discussions are read."""
        if not shared.directory():
            return self._identities()
        made_from = *self._events, self.parameters.identities, *self._merges
        return pd.read_parquet(shared.once("identities", made_from, lambda file: self._identities().to_parquet(file)))

    def _identities(self) -> pd.DataFrame:
        names = self._author_names().union(self._starter_names(), distinct=True)
        merged = None
        if self.parameters.identities == "merged" and self.snapshot.has("people"):
            merged = self.frame(self.table("people"))
        decisions = people.decisions_of(self.snapshot) if self.parameters.identities == "merged" else None
        if decisions is not None:
            merged = people.merges(merged, decisions, merge_threshold=self.parameters.merge_threshold)
        return people.identities(self.frame(names)["alias"].tolist(), merged, merge_threshold=self.parameters.merge_threshold)

    @cached_property
    def developers(self) -> ibis.Table:
        """The identities as a table; with `bots="include"` nobody is a bot."""
        types = pa.schema([("alias", pa.string()), ("developer", pa.int64()), ("is_bot", pa.bool_())])
        frame = self.identities.assign(is_bot=self.identities["alias"].isin(self._bots))
        return ibis.memtable(pa.Table.from_pandas(frame, schema=types, preserve_index=False))

    @property
    def _bots(self) -> list[str]:
        """The names of bots, which leave a commit's list of authors."""
        known = self.identities
        return [] if self.parameters.bots == "include" else known.loc[known["is_bot"], "alias"].tolist()

    def _author_names(self) -> ibis.Table:
        return self.signed.select(alias=_.authors.unnest()).drop_null("alias").distinct()

    def _starter_names(self) -> ibis.Table:
        return self.discussions.filter(_.author.notnull()).select(alias="author").distinct()

    @cached_property
    def signed(self) -> ibis.Table:
        """kind, repo_id, authors (names in order), n_commits, first and last date of those commits.

        Few rows, as most commits of a repository are signed alike.
        """
        alike = self.commits.group_by("kind", "repo_id", "authors")
        return self.keep("signed", alike.agg(n_commits=_.count(), first=_.date.min(), last=_.date.max()), lambda: self._events)

    @cached_property
    def contributions(self) -> ibis.Table:
        """kind, repo_id, developer, leads: who committed to what, and how many commits they lead; without bots.

        Bots leave a commit's list of authors before its first author is looked for.
        """
        signed = self.signed.select("kind", "repo_id", "n_commits", authors=self._people_only(self.signed))
        first = ibis.cases((signed.authors.length() > 0, signed.authors[0]))
        # Not by places in the list, as below: to number them takes longer, on Spark much longer.
        pairs = signed.select("kind", "repo_id", "n_commits", leader=first, alias=_.authors.unique().unnest())
        led = ibis.cases((_.leader == _["alias"], _.n_commits), else_=0)
        by_name = pairs.group_by("kind", "repo_id", "alias").agg(leads=led.sum())
        by_person = by_name.inner_join(self.developers, "alias").group_by("kind", "repo_id", "developer")
        return self.keep("contributions", by_person.agg(leads=_.leads.sum()), lambda: self._who)

    def people_of(self, signed: ibis.Table) -> ibis.Value:
        """The authors of commits without bots, one a row: f1 the name, f2 their place in the list, 0 for who leads."""
        listed = self._people_only(signed)
        return listed.zip(ibis.range(0, listed.length())).unnest()

    def _people_only(self, signed: ibis.Table) -> ibis.Value:
        return signed.authors.filter(lambda name: name.notnull() & ~name.isin(self._bots))

    @property
    def dated(self) -> ibis.Table:
        """repo_id, developer, day, leads: every commit of models that several developers share, a row an author."""
        taking_part = self.contributions.filter(_.kind == "model").group_by("repo_id").agg(developers=_.count())
        models = taking_part.filter(_.developers > 1).select("repo_id")
        commits = self.commits.filter(_.kind == "model").semi_join(models, "repo_id")
        return self.signers(commits.mutate(day=(_.date.epoch_seconds() / 86_400).floor()), "repo_id", "day")

    def signers(self, commits: ibis.Table, *about: str) -> ibis.Table:
        """A row a commit and name that is no bot's: columns `about` of the commits, developer, leads (the first name)."""
        named = commits.select(*about, author=self.people_of(commits))
        rows = named.select(*about, alias=_.author.f1, leads=_.author.f2 == 0)
        return rows.inner_join(self.developers, "alias").select(*about, "developer", "leads")

    @cached_property
    def starters(self) -> ibis.Table:
        """kind, repo_id, developer: who opened a discussion, without bots."""
        opened = self.discussions.select("kind", "repo_id", alias="author")
        known = self.developers.filter(~_.is_bot)
        rows = opened.inner_join(known, "alias").select("kind", "repo_id", "developer").distinct()
        return self.keep("starters", rows, lambda: self._who)

    @cached_property
    def field_models(self) -> ibis.Table:
        """field, repo_id: the models of each sub-field, chosen by their tags (METHODS, 3)."""
        fields = FIELD_TAGS | NARROW
        tags = pd.DataFrame([(tag, field) for field, tags in fields.items() for tag in tags], columns=["tag", "field"])
        tagged = self.repos.filter(_.kind == "model").select("repo_id", tag=_.tags.unnest())
        rows = tagged.inner_join(ibis.memtable(tags), "tag").select("field", "repo_id").distinct()
        return self.keep("field_models", rows)

    @cached_property
    def is_used(self) -> bool:
        """Whether any space uses a model."""
        return len(self.frame(self.usage.limit(1))) > 0

    @cached_property
    def used_models(self) -> ibis.Table:
        """model_id, spaces, likes, downloads of the models that a space uses."""
        models = self.repos.filter(_.kind == "model").select("repo_id", "likes", "downloads")
        known = usage_degrees(self).left_join(models, [("model_id", "repo_id")]).drop("repo_id")
        return self.keep("used_models", known)

    def keep(self, name: str, rows: ibis.Table, made_from: Callable[[], tuple] | None = None) -> ibis.Table:
        """The rows as a temporary table, for what is asked more than once.

        What says what it is `made_from` is kept once for all notebooks of a run; Spark's are not shared.
        """
        if made_from and shared.directory() and self.parameters.engine == "duckdb":
            return self.con.read_parquet(shared.once(name, made_from(), partial(self._write, rows)))
        return self.con.create_table(ibis.util.gen_name(name), rows, temp=True)

    def _write(self, rows: ibis.Table, file: Path) -> None:
        """Write the rows piece by piece, in the types that they have here: DuckDB by itself makes sums real numbers."""
        schema = rows.schema().to_pyarrow()
        with pq.ParquetWriter(file, schema) as writer:
            for piece in self.con.to_pyarrow_batches(rows):
                writer.write_table(pa.Table.from_batches([piece]).cast(schema))

    @property
    def any_number(self) -> ibis.Value:
        """A whole number that no other row of a kept table has; a window over all rows would be one worker's alone."""
        over_all = ibis.row_number().over(order_by=ibis.literal(0))
        return over_all if self.parameters.engine == "duckdb" else spark.any_number()

    def share_with(self, other: "Hub") -> "Hub":
        """Give another view of this snapshot what was read for this one; only who is who may differ between the two."""
        vars(other).update({name: getattr(self, name) for name in _SHARED})
        return other

    @cached_property
    def unmerged(self) -> "Hub":
        """The same snapshot with every name a person; what was read is not read again."""
        if self.parameters.identities == "raw":
            return self
        return self.share_with(replace(self, parameters=replace(self.parameters, identities="raw")))

    def frame(self, rows: ibis.Table) -> pd.DataFrame:
        """Compute an expression on this run's backend."""
        return self.con.to_pandas(rows)

    def why_missing(self, *tables: str, kind: str | None = None, column: str | None = None) -> str | None:
        """The reason, in words for the paper, why something can't be computed; None where it can."""
        for table in tables:
            of = kind if table in BY_KIND else None
            whose = f" of {PLURAL[of]}" if of else " of repositories" if table == "repos" else ""
            if not self.snapshot.has(table, kind=of) or self.snapshot.status(table, of) == "absent":
                return f"the snapshot has no {_CONTENT.get(table, table)}{whose}"
            if table == "repos" and column and not self.snapshot.has("repos", column, kind=kind):
                return f"the snapshot does not say the {COLUMNS.get(column, column.replace('_', ' '))}{whose}"
            if table == "usage" and self.parameters.as_of:
                return "links between spaces and models carry no date, so they are not known as of an earlier day"
            if table == "repos" and kind in self.undated:
                carry = "carries" if self.undated[kind] == 1 else "carry"
                return (
                    f"{_count(self.undated[kind], kind)} {carry} {DATES_KEPT_SINCE}, the first creation that the Hub keeps, "
                    f"and none is known to be as old as {self.parameters.as_of}"
                )
        if self.parameters.as_of and column in ("likes", "downloads"):
            return f"{column} have no history, so they are not known as of an earlier day"
        return None


def load(parameters: Parameters) -> Hub:
    """Open the run's snapshot under the run's parameters; raises SnapshotError."""
    return Hub(load_snapshot(parameters.snapshot_date), parameters)


def why_missing(hub: Hub, kind: str, variable: str) -> str | None:
    """Why an activity variable of a kind of repository is not covered, in words; None where it is."""
    if kind == "space" and variable == "n_downloads":
        return "spaces can't be downloaded"
    if kind != "model" and variable == "n_usage_spaces":
        return "only models are used in spaces"
    needs = {"n_discussions": ("discussions",), "n_disc_starters": ("discussions",), "n_usage_spaces": ("usage",)}
    needs |= {"n_commits": ("commits",), "n_committers": ("commits",), "n_community": ("commits", "discussions")}
    column = {"n_likes": "likes", "n_downloads": "downloads"}.get(variable)
    people = variable in ("n_disc_starters", "n_committers", "n_community")
    unnamed = [_unnamed(hub, table, kind) for table in needs.get(variable, ()) if people and kind in hub.unnamed[table]]
    return hub.why_missing("repos", *needs.get(variable, ()), kind=kind, column=column) or next(iter(unnamed), None)


def _unnamed(hub: Hub, table: str, kind: str) -> str:
    return f"{_count(hub.unnamed[table][kind], table.removesuffix('s'))} of {PLURAL[kind]}: no author is named"


def reasons(hub: Hub, kind: str) -> dict[str, str]:
    """What of a kind of repository is not covered, and why: keys the activity variables, license, and count for all of it."""
    found = {variable: why_missing(hub, kind, variable) for variable in VARIABLES}
    found |= {"license": hub.why_missing("repos", kind=kind, column="license")}
    found |= {"count": hub.why_missing("repos", kind=kind)}
    return {name: why for name, why in found.items() if why}


def field_reasons(hub: Hub, *tables: str) -> dict[str, str]:
    """Which fields (all, cv, nlp, mm) are not covered, and why; sub-fields also need the models' tags."""
    whole = hub.why_missing(*tables, kind="model")
    part = whole or hub.why_missing("repos", kind="model", column="tags")
    return {field: why for field in (*FIELDS, *NARROW) if (why := whole if field == "all" else part)}


def repository_count(hub: Hub, kind: str) -> Covered:
    """Repositories of a kind. `conventions="authors"` counts those too that could not be had, as the study's scripts do."""
    count = hub.existing.get(kind, 0)
    if hub.parameters.conventions == "authors":
        failed = hub.table("rejected").filter(_.table == "repos", _.kind == kind, _.scope == "repository")
        count += _rows(hub, failed)
    return Covered(count, _absent(hub.why_missing("repos", kind=kind)))


def _absent(why: str | None) -> dict[str, str]:
    return {"": why} if why else {}


def _rows(hub: Hub, rows: ibis.Table) -> int:
    return int(hub.frame(rows.agg(n=_.count())).loc[0, "n"])


def activity(hub: Hub, kind: str, *, variables: tuple[str, ...] = VARIABLES) -> Covered:
    """Activity variables of every repository of a kind (study, section 3.3).

    Columns repo_id, license (identifier or None), then `variables` as float64: NaN where the value was not collected,
    0 only where it was collected as none. Sorted by repo_id. `conventions="authors"` stores a zero count of likes or
    downloads as missing and takes the licence from the first tag that contains `license:`, as the published scripts do.
    Parts of the reasons: the variables, and license.
    """
    rows = activity_table(hub, kind, variables=variables)
    columns = {variable: rows[variable].cast("float64") for variable in variables}
    counts = hub.frame(rows.select("repo_id", license=_license(hub, rows), **columns).order_by("repo_id"))
    why = reasons(hub, kind)
    absent = _absent(why.get("count")) or {part: why[part] for part in ("license", *variables) if part in why}
    return Covered(counts, absent, {} if "" in absent else _decides_nothing(hub, kind, counts, variables))


def _decides_nothing(hub: Hub, kind: str, counts: pd.DataFrame, variables: tuple[str, ...]) -> dict[str, str]:
    """What is there where there is too little of it: no repository, one, or a variable that is the same in all."""
    if len(counts) < 2:
        there = f"one {kind}" if len(counts) else f"no {kind}"
        listed = f"the snapshot lists {there}{_by_then(hub)}"
        return dict.fromkeys(variables, listed) if len(counts) else {"": listed}
    found = {}
    for variable in variables:
        known = counts[variable].dropna()
        if len(known) < 2:
            found[variable] = f"{variable} is known of {'one' if len(known) else 'none'} of {len(counts):,} {PLURAL[kind]}"
        elif known.min() == known.max():
            found[variable] = f"{variable} is {known.iloc[0]:,.0f} in all {len(known):,} {PLURAL[kind]} of which it is known"
    return found


def _by_then(hub: Hub) -> str:
    return f" that existed on {hub.parameters.as_of}" if hub.parameters.as_of else ""


def activity_table(hub: Hub, kind: str, *, variables: tuple[str, ...]) -> ibis.Table:
    """What `activity` reads: the columns of `repos` and, as whole numbers, the variables, null where not collected."""
    counts = hub.repos.filter(_.kind == kind).mutate(n_likes="likes", n_downloads="downloads")
    if hub.parameters.conventions == "authors":
        counts = counts.mutate(n_likes=_.n_likes.nullif(0), n_downloads=_.n_downloads.nullif(0))
    for table, per_repository in _event_counts(hub, kind, variables).items():
        counts = _join_counts(hub, counts, per_repository, table=table, kind=kind)
    if "n_community" in variables:
        both = counts.n_commits.notnull() & counts.n_discussions.notnull()
        counts = counts.mutate(n_community=ibis.cases((both, counts.n_community.fill_null(0))))
    return counts.mutate(**{v: ibis.null("int64") for v in variables if why_missing(hub, kind, v)})


def _event_counts(hub: Hub, kind: str, variables: tuple[str, ...]) -> dict[str, ibis.Table]:
    """Counts per repository of the events of each table that the variables need, for repositories that have any."""
    of, counts, wanted = _.kind == kind, {}, set(variables)

    def persons(rows: ibis.Table) -> ibis.Table:
        return rows.filter(of).select("repo_id", "developer")

    if wanted & {"n_commits", "n_committers", "n_community"}:
        counts["commits"] = hub.signed.filter(of).group_by("repo_id").agg(n_commits=_.n_commits.sum())
    if "n_committers" in wanted:
        counts["commits"] = _with_persons(counts["commits"], persons(hub.contributions), "n_committers")
    if wanted & {"n_discussions", "n_disc_starters", "n_community"}:
        counts["discussions"] = hub.discussions.filter(of).group_by("repo_id").agg(n_discussions=_.count())
    if "n_disc_starters" in wanted:
        counts["discussions"] = _with_persons(counts["discussions"], persons(hub.starters), "n_disc_starters")
    if "n_community" in wanted:
        everyone = persons(hub.contributions).union(persons(hub.starters), distinct=True)
        counts["community"] = everyone.group_by("repo_id").agg(n_community=_.count())
    if "n_usage_spaces" in wanted:
        counts["usage"] = usage_degrees(hub).select(repo_id="model_id", n_usage_spaces="spaces")
    return counts


def _with_persons(events: ibis.Table, persons: ibis.Table, name: str) -> ibis.Table:
    """Counts of events and of the persons behind them; bots leave events without persons."""
    joined = events.left_join(persons.group_by("repo_id").agg(**{name: _.count()}), "repo_id").drop("repo_id_right")
    return joined.mutate(**{name: joined[name].fill_null(0)})


def _join_counts(hub: Hub, counts: ibis.Table, per_repository: ibis.Table, *, table: str, kind: str) -> ibis.Table:
    """Left join; a repository without events has 0 where the table was collected for it, else a missing value."""
    values = [column for column in per_repository.columns if column != "repo_id"]
    joined = counts.left_join(per_repository, "repo_id").drop("repo_id_right")
    if table == "community" or not hub.snapshot.knows_zeros(table, kind if table != "usage" else None):
        return joined
    failed = hub.table("rejected").filter(_.table == table, _.kind == kind, _.scope == "repository")
    joined = joined.left_join(failed.select(failed_id="repo_id").distinct(), [("repo_id", "failed_id")])
    filled = {v: ibis.cases((joined.failed_id.isnull(), joined[v].fill_null(0)), else_=joined[v]) for v in values}
    return joined.mutate(**filled).drop("failed_id")


def _license(hub: Hub, repos: ibis.Table) -> ibis.Value:
    """The identifier without case: the Hub's own tag is in lower case, a card says what its author typed."""
    if hub.parameters.conventions == "authors" and hub.snapshot.has("repos", "tags"):
        tagged = repos.tags.filter(lambda tag: tag.contains("license:"))
        stated = tagged[0].re_replace("(?s)^.*?license:", "").strip().nullif("")
        return ibis.cases((tagged.length() > 0, stated.lower()))
    return repos.license.lower()


def people_counts(hub: Hub) -> Covered:
    """names in commits and discussions, bots among them, merged (names that stand for a person of another name)."""
    frame = hub.identities
    persons = frame.loc[~frame["is_bot"], "developer"]
    counts = {"names": len(frame), "bots": int(frame["is_bot"].sum()), "merged": len(persons) - persons.nunique()}
    unnamed = any(hub.unnamed.values()) and frame.empty
    return Covered(counts, _absent(why_nobody(hub) if unnamed else hub.why_missing("repos", "commits", kind="model")))


def why_nobody(hub: Hub) -> str | None:
    """Why there is nobody whose names could be merged; None where there is somebody."""
    why = hub.why_missing("repos", "commits", kind="model")
    return why or (None if len(hub.identities) else f"no commit and no discussion{_until(hub)} says who made it")


def _until(hub: Hub) -> str:
    return f" until {hub.parameters.as_of}" if hub.parameters.as_of else ""


def least_similarity(hub: Hub) -> Covered:
    """Least similarity, from 0 to 1, of a merge that was scored."""
    why = hub.why_missing("repos", "commits", kind="model") or hub.why_missing("people")
    return Covered(hub.parameters.merge_threshold / 100, _absent(why))


def models_of(hub: Hub, field: str) -> ibis.Table:
    """repo_id of the models of a sub-field, chosen by their tags (METHODS, 3); of all models for `all`."""
    if field == "all":
        return hub.repos.filter(_.kind == "model").select("repo_id")
    return hub.field_models.filter(_.field == field).select("repo_id")


def _in_field(hub: Hub, rows: ibis.Table, field: str, column: str) -> ibis.Table:
    return rows if field == "all" else rows.semi_join(models_of(hub, field), [(column, "repo_id")])


def memberships(hub: Hub, field: str = "all") -> Covered:
    """Who takes part in which model: columns repo_id, developer, leads (commits whose first author they are).

    A co-author who leads no commit has 0. Bots are left out before the first author is looked for. Sorted. A part of
    the reasons: links, where no two developers share a model.
    """
    return _with_nobody(hub, field, hub.frame(_members(hub, field).order_by("repo_id", "developer")))


def _members(hub: Hub, field: str) -> ibis.Table:
    ours = _in_field(hub, hub.contributions.filter(_.kind == "model"), field, "repo_id")
    return ours.select("repo_id", "developer", "leads")


def dated_commits(hub: Hub) -> Covered:
    """Dated commits of models that several developers share: columns repo_id, developer, day (since 1970), leads. Sorted.

    A row a commit and person; `leads` says whether they are its first one. The reasons are those of `memberships`.
    """
    return replace(memberships(hub), value=hub.frame(hub.dated.order_by("repo_id", "developer", "day", "leads")))


def is_sample(hub: Hub, kind: str) -> bool:
    """Whether the repositories of a kind are a part of those that there were."""
    return hub.snapshot.status("repos", kind) == "sample"


def about_models(hub: Hub) -> pd.DataFrame:
    """What models can be compared within: columns repo_id, owner, created_at, pipeline_tag, by repo_id."""
    models = hub.repos.filter(_.kind == "model")
    return hub.frame(models.select("repo_id", "owner", "created_at", "pipeline_tag").order_by("repo_id"))


def _with_nobody(hub: Hub, field: str, members: pd.DataFrame) -> Covered:
    """The members of models, with the reason where there are none, or where no two share a model."""
    if why := field_reasons(hub, "repos", "commits").get(field):
        return Covered(members, {"": why})
    if members.empty:
        why = {"": _why_nobody_takes_part(hub, field)}
        return Covered(members, why) if "model" in hub.unnamed["commits"] else Covered(members, {}, why)
    if members["repo_id"].duplicated().any():
        return Covered(members)
    people = members["developer"].nunique()
    who = f"no two of the {people:,} developers share a" if people > 1 else "the one developer shares no"
    return Covered(members, {}, {"links": f"{who} model{_tagged(field)}{' with another one' if people == 1 else ''}"})


def _why_nobody_takes_part(hub: Hub, field: str) -> str:
    if "model" in hub.unnamed["commits"]:
        return _unnamed(hub, "commits", "model")
    models = _rows(hub, models_of(hub, field))
    if not models:
        return f"the snapshot has no model{_tagged(field)}{_by_then(hub)}"
    rows = _in_field(hub, hub.signed.filter(_.kind == "model"), field, "repo_id")
    commits = int(hub.frame(rows.agg(n=_.n_commits.sum().fill_null(0))).loc[0, "n"])
    of_models = f"of {_count(models, 'model')}{_tagged(field)}{_until(hub)}"
    return f"{_count(commits, 'commit')} {of_models}, by service accounts" if commits else f"no commit {of_models}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}s" if number > 1 else f"one {noun}"


def _tagged(field: str) -> str:
    return "" if field == "all" else f" tagged as {FIELDS.get(field, 'multimodal, feature extraction aside')}"


def edges(hub: Hub, field: str = "all") -> Covered:
    """Collaboration edges by the study's rule: columns source, target (developers), weight (commits). Sorted.

    For every commit, source is its first author and target every other author of that model; weight is the number of
    such commits. A model with one author gives a self-loop, which marks the isolate (study, section 3.3; METHODS, 3).
    The reasons are those of `memberships`.
    """
    members = _members(hub, field)
    others = members.select("repo_id", target="developer")
    alone = members.group_by("repo_id").agg(size=_.count()).filter(_.size == 1).select("repo_id")
    pairs = members.filter(_.leads > 0).inner_join(others, "repo_id").filter(_.developer != _.target)
    loops = members.semi_join(alone, "repo_id").mutate(target="developer")
    rows = pairs.select(source="developer", target="target", weight="leads").union(
        loops.select(source="developer", target="target", weight="leads")
    )
    summed = rows.group_by("source", "target").agg(weight=_.weight.sum()).order_by("source", "target")
    return replace(memberships(hub, field), value=hub.frame(summed))


def usage_degrees(hub: Hub) -> ibis.Table:
    """model_id, spaces (how many spaces use the model): its degree in the usage network (METHODS, 4)."""
    return hub.usage.group_by("model_id").agg(spaces=_.count())


def usage(hub: Hub, field: str = "all") -> Covered:
    """Used models: columns model_id, spaces, likes, downloads (null where not collected), most used first."""
    used = _in_field(hub, hub.used_models, field, "model_id")
    return _of_links(hub, field, hub.frame(used.order_by(ibis.desc("spaces"), "model_id")))


def _of_links(hub: Hub, field: str, used: pd.DataFrame) -> Covered:
    """What was made of a field's links, with the reason where there are none."""
    if why := field_reasons(hub, "usage").get(field):
        return Covered(used, {"": why})
    of_field = _tagged(field) if hub.is_used else ""
    return Covered(used, {}, {"": f"no space uses a model{of_field}"} if used.empty else {})


def usage_by_field(hub: Hub) -> dict[str, Covered]:
    """`usage` of every field; a field that is not covered is empty."""
    return {field: usage(hub, field) for field in FIELDS}


def usage_sizes(hub: Hub) -> Covered:
    """Size of the bipartite usage network: a row a field, columns models, spaces, links."""
    sizes = {}
    for field in FIELDS:
        links = _in_field(hub, hub.usage, field, "model_id")
        counts = links.agg(models=_.model_id.nunique(), spaces=_.space_id.nunique(), links=_.count())
        sizes[field] = {name: int(value) for name, value in hub.frame(counts).loc[0].items()}
    return Covered(pd.DataFrame.from_dict(sizes, orient="index"), field_reasons(hub, "usage"))


def co_usage(hub: Hub, field: str = "all") -> Covered:
    """Projection on models: columns model_a < model_b, spaces (how many use both). Sorted (METHODS, 4).

    Both models are categorical over the used models in order of name, so that a pair takes a few bytes.
    """
    links = hub.frame(_in_field(hub, hub.usage, field, "model_id").select("space_id", "model_id"))
    model, names = pd.factorize(links["model_id"], sort=True)
    space, spaces = pd.factorize(links["space_id"])
    at = model.astype("int32"), space.astype("int32")  # of 64 bits, the numbers of all pairs would be too
    used = csr_array((np.ones(len(links), "int32"), at), shape=(len(names), len(spaces)))
    users = used.T.tocsr()
    blocks = [_shared(used, users, start) for start in range(0, max(len(names), 1), _BLOCK)]
    model_a, model_b, both = (np.concatenate(column) for column in zip(*blocks, strict=True))
    numbers = {"model_a": model_a, "model_b": model_b}
    columns = {end: pd.Categorical.from_codes(number, names, ordered=True) for end, number in numbers.items()}
    pairs = pd.DataFrame({**columns, "spaces": both}, copy=False)
    known = replace(_of_links(hub, field, links), value=pairs)
    if known.absent or known.empty or len(pairs):
        return known
    together = "no two of them in one space" if len(names) > 1 else "and no other"
    return replace(known, empty={"": f"spaces use {_count(len(names), 'model')}{_tagged(field)}, {together}"})


def _shared(used: csr_array, users: csr_array, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a block of models, from `start` on, with any model after theirs: both numbers, spaces that use both; sorted."""
    product = exact.sparse_product(used[start : start + _BLOCK], users)
    product.sort_indices()
    pairs = product.tocoo()
    a, b = pairs.coords
    later = b > a + start
    return a[later] + start, b[later], pairs.data[later]


def co_usage_by_field(hub: Hub) -> dict[str, Covered]:
    """`co_usage` of every field; a field that is not covered is empty."""
    return {field: co_usage(hub, field) for field in FIELDS}
