"""What changes when the date changes? The results of several runs side by side: snapshot against snapshot, or over time.

The ledger (ledger.py) sets one run beside the study; this sets runs beside each other. It reads results.json only,
but for the repositories that came and went. Runs are columns 0, 1, ... in the order in which they were named.
"""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
from ibis import _

from analysis import figures, over_time, paths, snapshot
from analysis.covered import Covered
from analysis.engine import Hub
from analysis.labels import FIELDS
from analysis.page import colophon as front_matter
from analysis.parameters import ParameterError, Parameters, absolute, check
from analysis.results import RunError, read_results
from analysis.snapshot import BY_KIND, DATA_TABLES, KINDS, PLURAL, Snapshot
from analysis.study import ledger, published
from analysis.study.verdicts import DIFFERS, MATCHES
from analysis.study.words import in_words

ABOUT_THE_RUN = ("audit", "beside", "ledger", "snapshot")  # results that say nothing of the Hub
LONGEST_NAME = 150  # of a directory; file systems end at 255 bytes
SHOWN_RUNS = 4  # more columns than these do not fit a page: the first and the last are shown
QUESTIONS = {
    "rq1": "RQ1, activity", "rq2": "RQ2, network", "rq3": "RQ3, adoption", "people": "who is who", "robustness": "the method",
}  # fmt: skip


# --- what is compared -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """The runs that are compared, in the order given; `asked` is what was asked for, `over_time` one snapshot by steps."""

    asked: Parameters
    runs: tuple[Parameters, ...]
    over_time: bool

    @property
    def name(self) -> str:
        """`compare-A--B`, or `A@START..END-by-quarter`; a readable beginning and a number where it would be too long."""
        if self.over_time:
            return replace(self.asked, as_of=self.asked.as_of.replace("/", "-by-")).run_name
        name = "compare-" + "--".join(run.run_name for run in self.runs)
        if len(name) <= LONGEST_NAME:
            return name
        return f"{name[: LONGEST_NAME - 13]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"

    @property
    def directory(self) -> Path:
        own = Path(self.asked.out_dir) if self.asked.out_dir else paths.generated() / self.name
        return paths.of_the_run(own)

    @property
    def synthetic(self) -> bool:
        """Whether any of the snapshots is synthetic: then every figure says so."""
        return any(loaded.synthetic for loaded in _loaded(self))


def wants(values: Mapping) -> bool:
    """Whether a run's values ask for several runs: snapshots parted by commas, or a range of days."""
    return "," in str(values.get("snapshot_date", "")) or over_time.is_range(str(values.get("as_of", "")))


def plan(asked: Parameters) -> Comparison:
    """The runs of `A,B,...` (each a snapshot, or SNAPSHOT@DATE), or the steps of a range; raises ParameterError.

    The other parameters hold for every run.
    """
    if asked.beside:
        raise ParameterError(f"beside={asked.beside[:60]}: goes with one run; these are compared already")
    asked = replace(asked, out_dir=absolute(asked.out_dir))
    names = [name.strip() for name in asked.snapshot_date.split(",")]
    if not all(names):
        raise ParameterError(f"{asked.snapshot_date[:60]}: a name between the commas is empty; expected A,B")
    if over_time.is_range(asked.as_of):
        if len(names) > 1:
            raise ParameterError(f"as_of={asked.as_of[:60]}: a range goes with one snapshot, not with {len(names)}")
        one = check(asdict(replace(asked, as_of="", out_dir="")))
        days = over_time.steps(asked.as_of, snapshot.load(one.snapshot_date))
        return Comparison(asked, tuple(replace(one, as_of=day.isoformat()) for day in days), over_time=True)
    if len(names) < 2:
        raise ParameterError(f"{asked.snapshot_date[:60]}: expected two snapshots or more, or --as-of START..END/STEP")
    return Comparison(asked, tuple(_run(name, asked) for name in names), over_time=False)


def _run(name: str, asked: Parameters) -> Parameters:
    snapshot_name, at, day = name.partition("@")
    if at and not day:
        raise ParameterError(f"{name[:60]}: expected a day after the @, such as {snapshot_name[:60]}@2023-01-01")
    if at and asked.as_of:
        raise ParameterError(f"{name[:60]}: a date is given by --as-of too; give it once")
    as_of = day if at else asked.as_of
    return check(asdict(replace(asked, snapshot_date=snapshot_name, as_of=as_of, out_dir="")))


def why_run(run: Parameters) -> str | None:
    """Why a run has to be made (again) before it can be compared; None where its results are there and of today.

    Of today: of the same snapshot, parameters, decisions about people and versions of packages, and younger than
    every source file of the analysis.
    """
    results, colophon = (run.directory / name for name in ("results.json", "tables/colophon.csv"))
    if not results.is_file() or not colophon.is_file():
        return "not there yet"
    hub = Hub(snapshot.load(run.snapshot_date), run)
    try:
        document = read_results(run.run_name)
    except RunError:
        return "not readable"
    if document["snapshot"] != hub.snapshot.manifest:
        return "of another state of the snapshot"
    now = front_matter.colophon(hub, run).drop("commit").to_csv(lineterminator="\n")
    if _without_commit(colophon) != now or document["parameters"] != run.recorded():
        return "of other parameters, decisions about people or packages"
    changed = [file for file in _sources() if file.stat().st_mtime > results.stat().st_mtime]
    return f"older than {os.path.relpath(changed[0], paths.ROOT)}" if changed else None


def _without_commit(colophon: Path) -> str:
    """The colophon of a run but for its commit, which a change of a text moves too."""
    lines = colophon.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("commit,"))


def _sources() -> list[Path]:
    """The files that a result depends on beside its snapshot."""
    data = [file for file in paths.DATA.glob("**/*.csv") if "snapshots" not in file.parts]
    return sorted([*paths.ROOT.glob("analysis/**/*.py"), *paths.NOTEBOOKS.glob("*.py"), *data])


def documents(compared: Comparison) -> list[dict]:
    """results.json of every run, in order; over time, the measures computed here. Raises RunError for an absent run."""
    if compared.over_time:
        return over_time.documents(compared.runs, snapshot.load(compared.runs[0].snapshot_date))
    return [read_results(run.run_name) for run in compared.runs]


def headers(compared: Comparison) -> list[dict]:
    """The documents without their results: enough for `warnings` and `labels`, before anything has run."""
    loaded = zip(_loaded(compared), compared.runs, strict=True)
    return [{"snapshot": one.manifest, "parameters": run.recorded(), "results": {}} for one, run in loaded]


def _loaded(compared: Comparison) -> list[Snapshot]:
    opened = {name: snapshot.load(name) for name in dict.fromkeys(run.snapshot_date for run in compared.runs)}
    return [opened[run.snapshot_date] for run in compared.runs]


# --- which runs, and whether they are comparable ----------------------------------------------------------------------


def days(documents: Sequence[Mapping]) -> list[dt.date]:
    """The day that each run looks at."""
    return [dt.date.fromisoformat(d["parameters"].get("as_of") or d["snapshot"]["date"]) for d in documents]


def labels(documents: Sequence[Mapping]) -> list[str]:
    """A name for each run, with what every table and figure has to say of it: a sample, synthetic; no two alike."""
    if is_over_time(documents):
        return [day.isoformat() for day in days(documents)]
    found: list[str] = []
    for document in documents:
        marks = [mark for mark, holds in (("sample", samples(document)), ("synthetic", _synthetic(document))) if holds]
        name = Parameters(**document["parameters"]).run_name
        taken = 1 + sum(label.split(" (")[0] == name for label in found)
        marks += [f"no. {taken}"] if taken > 1 else []
        found.append(f"{name} ({', '.join(marks)})" if marks else name)
    return found


def is_over_time(documents: Sequence[Mapping]) -> bool:
    """Whether the runs are one snapshot as of different days."""
    as_of = {document["parameters"].get("as_of") or "" for document in documents}
    return len({d["snapshot"]["name"] for d in documents}) == 1 and "" not in as_of and len(as_of) == len(documents)


def _synthetic(document: Mapping) -> bool:
    return bool(document["snapshot"]["synthetic"])


def samples(document: Mapping) -> dict[str, str]:
    """What of a run's snapshot is a sample and not a census: `models` or `usage` -> the rule by which it was chosen."""
    found = {}
    for table in DATA_TABLES:
        coverage = document["snapshot"]["tables"].get(table, {}).get("coverage", {})
        for part in KINDS if table in BY_KIND else ("all",):
            entry = coverage.get(part, {})
            if entry.get("status") == "sample":
                what = {"repos": PLURAL.get(part)}.get(table) or " of ".join(filter(None, (table, PLURAL.get(part))))
                found[what] = entry.get("rule", "")
    return found


def warnings(documents: Sequence[Mapping]) -> list[str]:
    """What a reader has to know before any number: samples, synthetic data, dates that the Hub did not keep."""
    found = []
    for document in documents:
        name = document["snapshot"]["name"]
        if _synthetic(document):
            found.append(f"{name} is synthetic: no observation of the Hub")
        if samples(document):
            parts = [f"{what}{f' ({rule})' if rule else ''}" for what, rule in samples(document).items()]
            found.append(
                f"{name} is not a census but a sample of {'; '.join(parts)}: a change may be one of who was chosen, "
                "not of the Hub"
            )
        found += filter(None, [Parameters(**document["parameters"]).before_dates])
    return list(dict.fromkeys(found))


def warning_table(documents: Sequence[Mapping]) -> pd.DataFrame:
    """The warnings as a table, numbered; one row that says so where there is none."""
    found = warnings(documents) or ["none: every snapshot is a census of what it covers"]
    return pd.DataFrame({"warning": found}, index=pd.RangeIndex(1, len(found) + 1))


def run_table(documents: Sequence[Mapping]) -> pd.DataFrame:
    """A row a run: day, data (observed or SYNTHETIC DATA), coverage of the repositories by kind."""
    rows = [
        {
            "day": day.isoformat(),
            "data": ledger.DATA_MARKS[_synthetic(document)],
            **{PLURAL[kind]: _status(document, kind) for kind in KINDS},
            "parameters": ", ".join(f"{k}={v}" for k, v in document["parameters"].items() if k in _CHOSEN and v),
        }
        for document, day in zip(documents, days(documents), strict=True)
    ]
    return pd.DataFrame(rows, index=pd.Index(labels(documents), name="run"))


_CHOSEN = ("conventions", "bots", "identities")


def _status(document: Mapping, kind: str) -> str:
    coverage = document["snapshot"]["tables"].get("repos", {}).get("coverage", {})
    return {"complete": "census"}.get(found := coverage.get(kind, {}).get("status", "absent"), found)


# --- values -----------------------------------------------------------------------------------------------------------


def side_by_side(documents: Sequence[Mapping]) -> pd.DataFrame:
    """Every result id of any run: columns 0, 1, ... (its value in each run, None where not covered), covered, change,
    relative, changed.

    covered: how many runs have a value; compared is what at least two have. change: the last value less the first, of
    numbers; relative: that over the size of the first; changed: whether any two values differ, None where not compared.
    """
    ids = sorted({name for d in documents for name in d["results"] if name.split(".")[0] not in ABOUT_THE_RUN})
    rows = [[document["results"].get(name, {}).get("value") for document in documents] for name in ids]
    values = pd.DataFrame(rows, index=pd.Index(ids, name="id"), columns=range(len(documents)), dtype="object")
    derived = [_change([value for value in row if value is not None]) for row in rows]
    columns = ["covered", "change", "relative", "changed"]
    return values.join(pd.DataFrame(derived, index=values.index, columns=columns, dtype="object"))


def _change(known: list) -> tuple[int, float | None, float | None, bool | None]:
    if len(known) < 2:
        return len(known), None, None, None
    changed = any(value != known[0] for value in known)
    if any(isinstance(value, str) for value in known):
        return len(known), None, None, changed
    change = known[-1] - known[0]
    return len(known), change, change / abs(known[0]) if known[0] else None, changed


def compared_only(values: pd.DataFrame) -> pd.DataFrame:
    """The rows that at least two runs have a value for."""
    return values[values["covered"] >= 2]


def summary(values: pd.DataFrame) -> pd.DataFrame:
    """A row a question, and their sum: results, compared, same, changed, not compared."""
    rows = {}
    for prefix in [*dict.fromkeys(values.index.str.split(".").str[0]), ""]:
        part = values[values.index.str.startswith(f"{prefix}.")] if prefix else values
        changed = part["changed"].eq(True)
        known = part["covered"] >= 2
        rows[QUESTIONS.get(prefix, prefix) or "all"] = {
            "results": len(part),
            "compared": int(known.sum()),
            "same": int((known & ~changed).sum()),
            "changed": int(changed.sum()),
            "not compared": int((~known).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def not_compared(documents: Sequence[Mapping], values: pd.DataFrame) -> pd.DataFrame:
    """What a run has no value for, though another may: columns id, run, why."""
    names = labels(documents)
    rows = [
        {"id": name, "run": names[number], "why": _why(document["results"], name)}
        for number, document in enumerate(documents)
        for name, value in values[number].items()
        if value is None
    ]
    return pd.DataFrame(rows, columns=["id", "run", "why"])


def _why(results: Mapping, name: str) -> str:
    known = results.get(name) or results.get(ledger.relative(name)) or {}
    return known.get("why") or "this run has no such name or rank: nothing of it occurs there"


def reasons(lacking: pd.DataFrame) -> pd.DataFrame:
    """Why results are not covered: a row a run and reason, with how many results, most first."""
    counted = lacking.groupby(["run", "why"], sort=True).size().rename("results").reset_index()
    ordered = counted.sort_values(["run", "results", "why"], ascending=[True, False, True], kind="stable")
    return _or_none(ordered.set_index("run")[["results", "why"]])


# --- verdicts ---------------------------------------------------------------------------------------------------------


def verdicts(documents: Sequence[Mapping]) -> pd.DataFrame:
    """The ledger's verdict on every printed value in each run: columns id, place, published, 0, 1, ..., changed.

    changed: whether two runs that cover the value differ in their verdicts, None where fewer than two cover it.
    """
    printed = published.printed_values()
    ledgers = [ledger.ledger_rows(document, printed) for document in documents]
    both = ledgers[0][["id", "place", "published"]]
    both = both.assign(**{str(number): rows["verdict"].to_numpy() for number, rows in enumerate(ledgers)})
    both = both.rename(columns={str(number): number for number in range(len(ledgers))})
    changed = [_verdict_changed(row) for row in both[list(range(len(ledgers)))].itertuples(index=False)]
    return both.assign(changed=pd.Series(changed, index=both.index, dtype="object"))


def _verdict_changed(row: Iterable[str]) -> bool | None:
    known = [verdict for verdict in row if verdict in (MATCHES, DIFFERS)]
    return len(set(known)) > 1 if len(known) > 1 else None


# --- repositories -----------------------------------------------------------------------------------------------------


def repositories(compared: Comparison) -> pd.DataFrame:
    """From each run to the next, by kind: columns from, to, kind, before, after, both, came, went, note.

    came and went only where both list every repository; else the note says why they can't be told. A repository that was
    renamed counts as gone and as new.
    """
    hubs = [Hub(loaded, run) for loaded, run in zip(_loaded(compared), compared.runs, strict=True)]
    known = [{kind: _repositories(hub, kind) for kind in KINDS} for hub in hubs]
    rows = [
        {"from": one.parameters.run_name, "to": other.parameters.run_name, "kind": PLURAL[kind]}
        | _moved(before[kind], after[kind], _census_note(one, other, kind))
        for (one, before), (other, after) in pairwise(zip(hubs, known, strict=True))
        for kind in KINDS
    ]
    counts = dict.fromkeys(("before", "after", "both", "came", "went"), "Int64")
    return pd.DataFrame(rows).astype(counts)


def printed_repositories(compared: Comparison) -> Covered:
    """`repositories` as a table, a row a step and kind; a count that can't be told is empty. Over time it has no row."""
    if compared.over_time:
        return Covered(pd.DataFrame(), {"": "one snapshot does not hold what was gone when it was taken"})
    rows = repositories(compared)
    counted = rows.assign(step=rows["from"] + " to " + rows["to"]).drop(columns=["from", "to"])
    columns = ["kind", "before count", "after count", "both count", "came count", "went count", "note"]
    counted = counted.rename(columns={c.split()[0]: c for c in columns if " " in c})
    return Covered(counted.set_index("step")[columns])


def _repositories(hub: Hub, kind: str) -> pd.Index | None:
    """repo_id of every repository of a kind; None where the kind was not collected."""
    if hub.why_missing("repos", kind=kind):
        return None
    return pd.Index(hub.frame(hub.repos.filter(_.kind == kind).select("repo_id"))["repo_id"])


def _moved(before: pd.Index | None, after: pd.Index | None, note: str) -> dict:
    sizes = {"before": None if before is None else len(before), "after": None if after is None else len(after)}
    if before is None or after is None:
        return sizes | {"both": None, "came": None, "went": None, "note": note}
    both = len(before.intersection(after))
    told = {"came": len(after) - both, "went": len(before) - both} if not note else {"came": None, "went": None}
    return sizes | {"both": both} | told | {"note": note}


def _census_note(one: Hub, other: Hub, kind: str) -> str:
    """Why it can't be told what came and what went; empty where it can."""
    absent = [hub.snapshot.name for hub in (one, other) if hub.why_missing("repos", kind=kind)]
    if absent:
        return f"{' and '.join(dict.fromkeys(absent))}: no list of {PLURAL[kind]}"
    partial = [hub.snapshot.name for hub in (one, other) if hub.snapshot.status("repos", kind) != "complete"]
    if partial:
        return f"{' and '.join(dict.fromkeys(partial))}: a sample, so what it lacks may have been on the Hub"
    return ""


# --- tables for the reader --------------------------------------------------------------------------------------------

_PER_KIND = r"rq1\.{}\.(count|unlicensed_share|n_\w+\.(mean|q50|max|zero_share|share_for_80)|group\.\w+\.count)"
SECTIONS = {
    **{kind: _PER_KIND.format(kind) for kind in PLURAL.values()},
    "correlations": r"rq1\.\w+\.pearson\.\w+\.\w+|rq3\.correlation\.\w+\.\w+",
    "licence_groups": r"rq1\.models\.mannwhitney\.\w+\.\w+\.superiority",
    "network": r"rq2\.all\.(developers|isolates|isolate_share|k\w+\.(k|nodes|edges|mod|com|dens|recip|arcc|ass|ad|acc))",
    "fields": r"rq2\.(cv|nlp|mm)\.(developers|isolates|isolate_share|k1\.(nodes|edges|mod|com|recip|acc)|kmax\.(k|nodes))",
    "usage": r"rq3\.\w+\.(usage\.(models|spaces|links|degree\.\w+)|cousage\.(models|edges))",
}


def section(documents: Sequence[Mapping], values: pd.DataFrame, name: str) -> Covered:
    """The rows of one of `SECTIONS` that are compared: a column a run (more than four: the first and the last), change,
    and the change in per cent. The last word of a row's label decides how it is printed."""
    return _section(documents, values, SECTIONS[name])


def headline(documents: Sequence[Mapping], values: pd.DataFrame) -> Covered:
    """The same of the results that the figure of changes shows (`SHIFTS`)."""
    return _section(documents, values, SHIFTS)


def _section(documents: Sequence[Mapping], values: pd.DataFrame, ids: str) -> Covered:
    rows = compared_only(values)
    rows = rows[rows.index.str.fullmatch(ids)]
    shown = _columns(documents, rows).join(rows[["change"]]).assign(relative=_percent(rows["relative"]))
    shown = shown.set_axis(pd.Index([_title(result_id) for result_id in rows.index], dtype="object"), axis=0)
    return Covered(shown, {} if len(rows) else {"": "fewer than two of the runs have such results"})


def _columns(documents: Sequence[Mapping], rows: pd.DataFrame) -> pd.DataFrame:
    """The runs' columns under the runs' names; the first and the last of many."""
    names = labels(documents)
    shown = range(len(names)) if len(names) <= SHOWN_RUNS else (0, len(names) - 1)
    return rows[list(shown)].rename(columns=dict(enumerate(names)))


def _title(result_id: str) -> str:
    """`rq1.models.n_likes.mean` as `models n_likes mean`; the network is named, because its ids do not."""
    question, *rest = result_id.split(".")
    return " ".join(["network", *rest] if question == "rq2" else rest)


def _percent(relative: pd.Series) -> pd.Series:
    return relative.map(lambda value: "" if value is None else f"{100 * value:+,.1f} %")


def changed_verdicts(documents: Sequence[Mapping], found: pd.DataFrame) -> pd.DataFrame:
    """The printed values whose verdict changed: where, published, the verdict in each run."""
    rows = found[found["changed"].eq(True)]
    shown = _columns(documents, rows).assign(place=rows["place"], published=rows["published"])
    columns = ["place", "published", *(c for c in shown if c not in ("place", "published"))]
    return _or_none(shown[columns].set_axis(pd.Index(rows["id"], name="id"), axis=0))


def printed_orders(documents: Sequence[Mapping], found: pd.DataFrame, *, changed: bool) -> pd.DataFrame:
    """The orders that changed, or those that did not (then one column holds them)."""
    rows = found[found["changed"] == changed]
    shown = _columns(documents, rows) if changed else rows[list(range(len(documents)))].bfill(axis=1)[[0]]
    shown = shown.rename(columns={0: "order in every run"}).fillna("--")
    return _or_none(shown.assign(study=rows["place"]).set_axis(pd.Index(rows["order"], name="order"), axis=0))


OVER_TIME = {
    "models": "rq1.models.count",
    "developers": "rq2.all.developers",
    "isolates": "rq2.all.isolates",
    "isolate_share": "rq2.all.isolate_share",
    "linked nodes": "rq2.all.k1.nodes",
    "edges": "rq2.all.k1.edges",
    "reciprocity": "rq2.all.k1.recip",
    "largest k": "rq2.all.kmax.k",
    "innermost nodes": "rq2.all.kmax.nodes",
    "commits share_for_80": "rq1.models.n_commits.share_for_80",
    "likes share_for_80": "rq1.models.n_likes.share_for_80",
    "downloads share_for_80": "rq1.models.n_downloads.share_for_80",
    "unlicensed_share": "rq1.models.unlicensed_share",
}


def over_time_table(documents: Sequence[Mapping], values: pd.DataFrame) -> pd.DataFrame:
    """A row a run, a column a measure of `OVER_TIME` that at least two runs cover; the first column says what data."""
    known = {title: name for title, name in OVER_TIME.items() if name in compared_only(values).index}
    runs = list(range(len(documents)))
    table = pd.DataFrame({title: values.loc[name, runs].to_numpy() for title, name in known.items()}, dtype="object")
    names = labels(documents)
    if is_over_time(documents):
        names = [f"{name} (sample)" if samples(d) else name for name, d in zip(names, documents, strict=True)]
    return table.set_axis(pd.Index(names, name="run"), axis=0)


# --- figures' data ----------------------------------------------------------------------------------------------------


def _each(pattern: str, names: Mapping[str, str]) -> dict[str, str]:
    return {pattern.format(name): title for name, title in names.items()}


_KINDS = {kind: kind for kind in PLURAL.values()}
_CORES = {"k1": "k = 1", "k5": "k = 5", "k10": "k = 10", "kmax": "innermost"}
TRENDS = {  # figure -> panel -> result id -> name of the line; a panel whose title ends in (log) has a log axis
    "network": {
        "developers and edges (log)": {
            "rq2.all.developers": "developers",
            "rq2.all.isolates": "isolates",
            "rq2.all.k1.nodes": "linked",
            "rq2.all.k1.edges": "edges",
        },
        "share of isolates": _each("rq2.{}.isolate_share", FIELDS),
        "developers in the core (log)": _each("rq2.all.{}.nodes", _CORES),
        "largest k": _each("rq2.{}.kmax.k", FIELDS),
        "modularity": _each("rq2.all.{}.mod", _CORES),
        "reciprocity": _each("rq2.all.{}.recip", _CORES),
    },
    "repositories": {
        "repositories (log)": _each("rq1.{}.count", _KINDS),
        "share without a licence": _each("rq1.{}.unlicensed_share", _KINDS),
        "mean per model (log)": _each("rq1.models.{}.mean", figures.LABELS),
        "share of models without": _each("rq1.models.{}.zero_share", figures.LABELS),
    },
    "concentration": {
        f"{kind}: share that holds 80 %": _each(f"rq1.{kind}.{{}}.share_for_80", figures.LABELS)
        for kind in PLURAL.values()
    },
    "usage": {
        "usage (log)": {f"rq3.all.usage.{part}": part for part in ("models", "spaces", "links")},
        "mean number of spaces": _each("rq3.{}.usage.degree.mean", FIELDS),
    },
}


def trend(documents: Sequence[Mapping], values: pd.DataFrame, figure: str) -> Covered:
    """The points of a figure of `TRENDS`: columns panel, line, id, run, snapshot, day, sample, value; by panel, line and day.

    Only results that at least two runs cover; none where fewer than three runs are compared.
    """
    columns = ["panel", "line", "id", "run", "snapshot", "day", "sample", "value"]
    known = compared_only(values)
    names, dates = labels(documents), days(documents)
    about = [
        (name, document["snapshot"]["name"], day.isoformat(), bool(samples(document)))
        for name, document, day in zip(names, documents, dates, strict=True)
    ]
    order = sorted(range(len(documents)), key=lambda number: (dates[number], number))
    rows = [
        (panel, line, name, *about[number], float(value))
        for panel, lines in TRENDS[figure].items()
        for name, line in lines.items()
        if name in known.index and len(documents) > 2
        for number in order
        if (value := known.loc[name, number]) is not None
    ]
    few = "a trend needs more than two runs" if len(documents) < 3 else "fewer than two runs cover what it shows"
    return Covered(pd.DataFrame(rows, columns=columns), {} if rows else {"": few})


SHIFTS = (
    r"rq1\.\w+\.(count|unlicensed_share|n_(likes|downloads|discussions|commits|committers)\.(mean|share_for_80))"
    r"|rq2\.all\.(developers|isolate_share|k1\.(nodes|edges)|kmax\.k)|rq3\.all\.(usage\.(models|spaces|links))"
)


def shifts(documents: Sequence[Mapping], values: pd.DataFrame) -> Covered:
    """How many times its first value each headline result (`SHIFTS`) has in the last run: id, result, first, last, ratio.

    Results whose two values are above zero.
    """
    last = len(documents) - 1
    rows = values[values.index.str.fullmatch(SHIFTS) & values[0].notna() & values[last].notna()]
    rows = rows[(rows[0] > 0) & (rows[last] > 0)]
    known = pd.DataFrame(
        {
            "id": rows.index,
            "result": [in_words(name) for name in rows.index],
            "first": rows[0].astype("float64").to_numpy(),
            "last": rows[last].astype("float64").to_numpy(),
            "ratio": (rows[last] / rows[0]).astype("float64").to_numpy(),
        }
    )
    return Covered(known, {} if len(known) else {"": "the first and the last run have no headline result in common"})


def _or_none(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows; where there is none, one that says so."""
    return pd.DataFrame({"": ["none"]}, index=pd.Index(["--"], name=rows.index.name)) if rows.empty else rows


# --- what is written --------------------------------------------------------------------------------------------------


def results(values: pd.DataFrame, verdict_rows: pd.DataFrame, order_rows: pd.DataFrame) -> dict[str, int]:
    """The comparison's own results: counts of results, verdicts and orders that were compared and that changed."""
    counts = summary(values).loc["all"]
    return {f"results.{name.replace(' ', '_')}": int(counts[name]) for name in counts.index} | {
        f"{what}.{name}": int(count)
        for what, rows in (("verdicts", verdict_rows), ("orders", order_rows))
        for name, count in (("compared", rows["changed"].notna().sum()), ("changed", rows["changed"].eq(True).sum()))
    }


def write(
    compared: Comparison,
    documents: Sequence[Mapping],
    values: pd.DataFrame,
    verdict_rows: pd.DataFrame,
    order_rows: pd.DataFrame,
) -> str:
    """Write comparison.json (every result of every run, unrounded) and the whole of the tables as CSV; says how many.

    The CSV files: compare_all (results), compare_not_compared, compare_verdicts, compare_orders.
    """
    names, out_dir = labels(documents), compared.directory
    runs = [
        {"label": name, "snapshot": d["snapshot"], "parameters": d["parameters"], "samples": samples(d)}
        for name, d in zip(names, documents, strict=True)
    ]
    numbered = list(range(len(documents)))
    found = {
        name: {"values": row[:-4], "change": row[-3], "relative": row[-2], "changed": row[-1]}
        for name, row in zip(values.index, values.to_numpy(dtype="object").tolist(), strict=True)
    }
    about = {"schema": 1, "over_time": is_over_time(documents), "warnings": warnings(documents), "runs": runs}
    own = results(values, verdict_rows, order_rows)
    orders = [
        {"order": row["order"], "place": row["place"], "runs": [row[n] for n in numbered], "changed": row["changed"]}
        for row in order_rows.astype("object").where(order_rows.notna(), None).to_dict("records")
    ]
    whole = about | {"counts": own, "results": found, "orders": orders}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (out_dir / "comparison.json").write_text(text, encoding="utf-8")
    tables = {
        "compare_all": values.reset_index(),
        "compare_not_compared": not_compared(documents, values),
        "compare_verdicts": verdict_rows,
        "compare_orders": order_rows,
    }
    for name, table in tables.items():
        named = table.rename(columns=dict(enumerate(names)))
        named.to_csv(out_dir / "tables" / f"{name}.csv", index=False, lineterminator="\n")
    return f"{len(found)} results of {len(documents)} runs"
