"""How much the findings depend on who is merged with whom: RQ1's people counts and Table 6 over the threshold.

Who did what under which name is read once; every variant is another numbering of the same names (study, sections 3.4,
4.1, 4.2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
from ibis import _
from matplotlib.figure import Figure

from analysis import canvas, figures, network, people, report
from analysis.covered import Covered, carried
from analysis.engine import Hub, activity_table, why_missing, why_nobody
from analysis.merging import matching
from analysis.merging.candidates import candidates
from analysis.snapshot import KINDS, PLURAL

THRESHOLDS = (80.0, 85.0, 90.0, 95.0, 100.0)
PEOPLE_COUNTS = ("n_committers", "n_disc_starters", "n_community")
TABLE_6 = tuple(m for m in network.STRUCTURE if not m.endswith("_weighted"))
RULES = {"study": "similarity", "ours": "score"}  # the column of `candidates` that is held against the threshold
AS_RUN, UNMERGED = WHOLE = "as run", "no merging"  # of these all cores are shown, of the others the outermost
LEVELS = (*network.LEVELS, "kmax")
OUTERMOST = LEVELS[:1]


@dataclass(frozen=True)
class ByName(Hub):
    """A snapshot in which every name is a person, with other bots than those that are listed."""

    left_out: frozenset[str] = frozenset()

    @property
    def _who(self) -> tuple:
        return *super()._who, sorted(self.left_out)

    @cached_property
    def identities(self) -> pd.DataFrame:
        known = super().identities
        return known.assign(is_bot=known["alias"].isin(self.left_out))


@dataclass(frozen=True)
class Events:
    """Who did what under which name: all that a variant is computed from.

    `pairs`: per `<kinds>.<variable>` the columns repo, name of the repositories that have a value, and their number;
    `models`: repo, name, leads of the models' commits.
    """

    pairs: Mapping[str, tuple[pd.DataFrame, int]]
    models: pd.DataFrame

    @cached_property
    def teams(self) -> pd.DataFrame:
        """The models with more than one name."""
        return self.models[self.models["repo"].duplicated(keep=False)]


def counted(hub: Hub) -> dict[str, ibis.Table]:
    """Per kind a table: repo_id, repo (its number) and, for each people count that is covered, whether a repository has it."""
    tables = {}
    for kind in KINDS:
        counts = activity_table(hub, kind, variables=("n_commits", "n_discussions"))
        commits, discussions = counts.n_commits.notnull(), counts.n_discussions.notnull()
        has = dict(zip(PEOPLE_COUNTS, (commits, discussions, commits & discussions), strict=True))
        covered = {variable: value for variable, value in has.items() if not why_missing(hub, kind, variable)}
        if covered:
            tables[kind] = hub.keep(kind, counts.select("repo_id", repo=hub.any_number, **covered))
    return tables


def events(hub: Hub, repositories: Mapping[str, ibis.Table]) -> Events:
    """Read a snapshot's commits and discussions once, by name; `repositories` as `counted` gives them."""
    read, pairs = dict(zip(PEOPLE_COUNTS, (hub.contributions, hub.starters), strict=False)), {}
    for kind, known in repositories.items():
        has = known.columns[2:]
        frames = {
            variable: hub.frame(
                rows.filter(_.kind == kind).inner_join(known, "repo_id").select("repo", *has, name="developer")
            )
            for variable, rows in read.items()
        }
        frames[PEOPLE_COUNTS[-1]] = pd.concat(frames.values())
        for variable in has:
            rows = frames[variable]
            rows = rows.loc[rows[variable], ["repo", "name"]]
            once = rows if variable in read else rows.drop_duplicates()
            size = int(hub.frame(known.agg(size=known[variable].sum().fill_null(0))).loc[0, "size"])
            pairs[f"{PLURAL[kind]}.{variable}"] = once.reset_index(drop=True), size
    models = hub.frame(hub.contributions.filter(_.kind == "model").select("repo_id", "leads", name="developer"))
    return Events(pairs, models.assign(repo=pd.factorize(models["repo_id"])[0]).drop(columns="repo_id"))


def sensitivity(hub: Hub, *, thresholds: Iterable[float] = THRESHOLDS) -> Covered:
    """One row per rule, threshold and treatment of bots: what the findings are under these merges.

    Columns rule (no merging, as run, study, ours), threshold (NaN where none applies), bots (exclude, include); names,
    merged, refused, largest (names of one person); `<kinds>.<variable>` (mean per repository, NaN where not covered);
    developers, isolates, isolate_share; `<level>.<measure>` of Table 6. `study` merges whatever its three passes find at
    the threshold, without the search by hand that followed; what people decided counts under every rule but the first.
    The inner cores are those of the first two alone.
    Parts of the reasons: all of it, or the kinds and the people counts that are not covered.
    """
    raw = replace(hub.parameters, identities="raw", bots="exclude")
    first = hub.share_with(Hub(hub.snapshot, raw))
    names = first.identities["alias"].tolist()
    listed = frozenset(first.identities.loc[first.identities["is_bot"], "alias"])

    def leaving_out(bots: frozenset[str]) -> Hub:
        if bots:
            return hub.share_with(ByName(hub.snapshot, raw, bots))
        return hub.share_with(Hub(hub.snapshot, replace(raw, bots="include")))

    repositories = counted(first)
    read, known, rows = {listed: events(first, repositories)}, {}, []
    for rule, threshold, merged in _variants(first, hub, tuple(thresholds)):
        developer, bot_names = numbers(names, merged.people if merged else None, listed)
        for bots, left_out in (("exclude", bot_names), ("include", frozenset())):
            if left_out not in read:
                read[left_out] = events(leaving_out(left_out), repositories)
            key = (left_out, developer.tobytes())
            if key not in known:
                known[key] = findings(read[left_out], developer, only=LEVELS if rule in WHOLE else OUTERMOST)
            row = {"rule": rule, "threshold": threshold, "bots": bots} | _sizes(developer, merged)
            rows.append(row | known[key])
    why = why_nobody(hub)
    return Covered(pd.DataFrame(rows), {"": why} if why else reasons(hub))


def _variants(first: Hub, hub: Hub, thresholds):
    """(rule, threshold, merges) of every variant; None for no merging."""
    yield UNMERGED, float("nan"), None
    table = hub.frame(hub.table("people")) if hub.snapshot.has("people") else None
    decisions = people.decisions_of(hub.snapshot)
    if hub.parameters.identities == "merged":
        threshold = hub.parameters.merge_threshold
        yield AS_RUN, threshold, people.merge(table, decisions, merge_threshold=threshold)
    else:
        yield AS_RUN, float("nan"), None
    if not thresholds:
        return
    decided = people.no_decisions() if decisions is None else decisions
    found = candidates(first, threshold=min(thresholds), conventions="authors")
    for rule, column in RULES.items():
        pairs = found[found["passes"] != "spelling"] if rule == "study" else found
        pairs = pairs.assign(score=pairs[column])
        for level in thresholds:
            reached = people.with_automatic(decided, pairs[pairs["score"] >= level])
            yield rule, level, people.merge(None, reached, merge_threshold=level)


def numbers(names: Sequence[str], merged: pd.DataFrame | None, listed: frozenset[str]) -> tuple[np.ndarray, frozenset[str]]:
    """Number of the developer behind each name, in the order of the persons' names as in `people.identities`, and bots.

    In: the names in order, the merges (alias, person), the names listed as bots; a name merged with a bot is one.
    """
    if merged is None or merged.empty:
        return np.arange(len(names), dtype="int64"), listed
    person_of = dict(zip(merged["alias"], merged["person"], strict=True))
    return people.numbered(names, person_of), listed | people.with_bots(person_of).intersection(names)


def findings(
    read: Events, developer: np.ndarray, *, only: Iterable[str] = LEVELS
) -> dict[str, float | int | None]:
    """RQ1's people counts (means), the developers of RQ2 and Table 6 (of `only` some levels) under one numbering of names."""
    is_merged = (np.bincount(developer, minlength=1) > 1)[developer]
    values: dict[str, float | int | None] = {
        f"{PLURAL[kind]}.{variable}": _mean(read, f"{PLURAL[kind]}.{variable}", developer, is_merged)
        for kind in KINDS
        for variable in PEOPLE_COUNTS
    }
    links = network.links(collaboration(read.teams, developer))
    everyone = np.count_nonzero(np.bincount(developer[read.models["name"]]))
    alone = everyone - links.nodes
    values |= {"developers": everyone, "isolates": alone, "isolate_share": alone / everyone if everyone else None}
    return values | network.core_results(network.core_table(links, searches=("mod",), only=only))


def _mean(read: Events, name: str, developer: np.ndarray, is_merged: np.ndarray) -> float:
    """Mean number of developers per repository; two names of one person in a repository count once."""
    rows, repositories = read.pairs.get(name, (None, 0))
    if not repositories:
        return float("nan")
    several = rows[is_merged[rows["name"]]]
    once = several[["repo"]].assign(person=developer[several["name"]]).drop_duplicates()
    return (len(rows) - len(several) + len(once)) / repositories


def collaboration(teams: pd.DataFrame, developer: np.ndarray) -> pd.DataFrame:
    """Edges by the study's rule as `engine.edges` gives them, without self-loops: source, target, weight."""
    members = (
        teams.assign(developer=developer[teams["name"]]).groupby(["repo", "developer"])["leads"].sum().reset_index()
    )
    leading = members[members["leads"] > 0].rename(columns={"developer": "source", "leads": "weight"})
    others = members[["repo", "developer"]].rename(columns={"developer": "target"})
    pairs = leading.merge(others, on="repo").query("source != target")
    return pairs.groupby(["source", "target"])["weight"].sum().reset_index()


def _sizes(developer: np.ndarray, merged) -> dict[str, int]:
    sizes = np.bincount(developer, minlength=1)
    return {
        "names": len(developer),
        "merged": len(developer) - int((sizes > 0).sum()),
        "refused": len(merged.refused) if merged else 0,
        "largest": int(sizes.max()),
    }


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows by name, as `ours, 90, bots excluded`: for results and the table of the whole."""
    names = [_label(*row) for row in frame[["rule", "threshold", "bots"]].itertuples(index=False)]
    return frame.drop(columns=["rule", "threshold", "bots"]).set_axis(pd.Index(names), axis=0)


def _label(rule: str, threshold: float, bots: str) -> str:
    level = "" if pd.isna(threshold) or rule == AS_RUN else f", {threshold:g}"
    return f"{rule}{level}, bots {bots}d"


def _why_no_result(found: Mapping[str, object], *_) -> dict[str, str]:
    """Why a level of the cores, the share of isolates or a mean per repository has no value under some merges."""
    levels = dict.fromkeys(LEVELS, "no developers are linked so closely under these merges")
    means = dict.fromkeys(PEOPLE_COUNTS, "no repository of this kind has a value")
    return {**levels, **means, "isolate_share": "no developer of models is left under these merges"}


@carried(empty=_why_no_result)
def results(frame: pd.DataFrame) -> dict[str, float | int | None]:
    """Results by the end of their id, as `ours-90-bots-excluded.k1.nodes`; the inner cores for the first two rules only."""
    rows = labelled(frame)
    whole = {c: "Int64" for c in rows if c.rpartition(".")[2] in ("k", "nodes", "edges", "com")}  # where some have no value
    rows = rows.astype(whole)
    ids = [label.replace(", ", "-").replace(" ", "-") for label in rows.index]
    return {
        f"{name}.{column}": None if pd.isna(row[column]) else row[column]
        for name, row in zip(ids, rows.to_dict("records"), strict=True)
        for column in _emitted(name, row)
    }


def _emitted(name: str, row: Mapping) -> list[str]:
    inner = tuple(f"{level}." for level in LEVELS if level not in OUTERMOST)
    columns = [c for c in row if not c.endswith("_weighted")]
    return [c for c in columns if not c.startswith(inner) or name.startswith(("as-run", "no-merging"))]


def reasons(hub: Hub) -> dict[str, str]:
    """What of the people counts is not covered, and why: keys the kinds without any, and the variables without any."""
    why = {(kind, v): why_missing(hub, kind, v) for kind in KINDS for v in PEOPLE_COUNTS}
    by_kind = {PLURAL[kind]: [why[kind, v] for v in PEOPLE_COUNTS] for kind in KINDS}
    by_variable = {v: [why[kind, v] for kind in KINDS] for v in PEOPLE_COUNTS}
    return {name: given[0] for name, given in (by_kind | by_variable).items() if all(given)}


@carried()
def printed(frame: pd.DataFrame, *, level: str = "k1") -> pd.DataFrame:
    """The appendix's table: per variant merged names, developers, isolates and Table 6's columns of one level."""
    rows = labelled(frame)
    columns = ["merged", "refused", "developers", "isolate_share"]
    chosen = rows[[*columns, *(f"{level}.{m}" for m in TABLE_6)]].rename(columns={f"{level}.{m}": m for m in TABLE_6})
    return chosen.astype(dict.fromkeys((*columns[:3], "nodes", "edges"), "Int64"))


@carried()
def printed_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """The appendix's table of RQ1's people counts: per variant the mean of each per thousand repositories."""
    rows = labelled(frame)
    columns = [c for c in rows if c.split(".")[-1] in PEOPLE_COUNTS and rows[c].notna().any()]
    return (1000 * rows[columns]).rename(columns={c: c.replace(".n_", " ").replace("disc_", "") for c in columns})


@carried()
def before_and_after(frame: pd.DataFrame, *, bots: str = "exclude") -> pd.DataFrame:
    """The network's table (Table 6) with nobody merged and as the run merges: a row a state and k, the largest marked."""
    rows = []
    for state in (UNMERGED, AS_RUN):
        values = frame[(frame["rule"] == state) & (frame["bots"] == bots)].iloc[0]
        for level in LEVELS:
            k = values[f"{level}.k"]
            shown = "--" if pd.isna(k) else f"{k:.0f} (MAX)" if level == "kmax" else f"{k:.0f}"
            rows.append({"identities": state, "k": shown} | {name: values[f"{level}.{name}"] for name in TABLE_6})
    return pd.DataFrame(rows).set_index("identities")


def _why_no_change(drawn: tuple[Figure | None, pd.DataFrame], *_) -> dict[str, str]:
    return {"": "no finding has a value under no merging and under another rule"} if drawn[1].empty else {}


FARTHEST = 25  # per cent of change that the figure shows to scale
MARKS = {UNMERGED: "|", "study": "D", "ours": "o", AS_RUN: "x"}  # in the figure, each with a column of values


@carried(empty=_why_no_change)
def figure(frame: pd.DataFrame, *, threshold: float = matching.AUTOMATIC) -> tuple[Figure | None, pd.DataFrame]:
    """What merging does to each measure: a row a measure, a mark a rule, at the default threshold and without bots.

    Marks stand at the change against no merging; their values beside them are in the measure's own unit. The data behind
    it: rule, bots, threshold, finding, value, change (per cent), over all thresholds and with bots too.
    """
    people = [c for c in frame if c.split(".")[-1] in PEOPLE_COUNTS and frame[c].notna().any()]
    people = [c for c in people if c.startswith("models.")] or people
    columns = [*people, "developers", *(f"k1.{m}" for m in TABLE_6)]
    data = changes(frame, columns)
    chosen = frame[(frame["bots"] == "exclude") & (frame["threshold"].eq(threshold) | frame["rule"].isin((UNMERGED, AS_RUN)))]
    shown = chosen.drop_duplicates("rule").set_index("rule").reindex(list(MARKS))[columns].astype("float64")
    change = 100 * (shown - shown.loc[UNMERGED]) / shown.loc[UNMERGED].abs().replace(0, float("nan"))
    drawn = [c for c in columns if change[c].drop(UNMERGED).notna().any()]
    if data["change"].isna().all() or not drawn:
        return None, data.iloc[:0]
    before, after = (_shown("developers", shown.loc[rule, "developers"]) for rule in (UNMERGED, AS_RUN))
    title = f"{before} names of developers are {after} persons as run" if "--" not in (before, after) else ""
    return _drawn(shown[drawn], change[drawn], title), data


_RULE_WORDS = {UNMERGED: "none", "study": "study", "ours": "ours", AS_RUN: "as run"}


def _drawn(shown: pd.DataFrame, change: pd.DataFrame, title: str) -> Figure:
    """Marks on one scale of change, and columns of values to the right of it; what leaves the scale stands at its edge."""
    rows = range(len(shown.columns))[::-1]
    height = 0.72 + 0.18 * len(rows)
    picture = canvas.blank(height=height, title=title)
    total = picture.get_figheight()
    axis = picture.add_axes((1.45 / canvas.WIDTH, 0.42 / total, 2.1 / canvas.WIDTH, 0.18 * len(rows) / total))
    edge = min(max(float(change.abs().max().max()), 0.1), FARTHEST)
    inside = change.clip(-edge, edge)
    axis.axvline(0, color="0.3", linewidth=0.8, zorder=1)
    axis.hlines(rows, inside.min().fillna(0).clip(upper=0), inside.max().fillna(0).clip(lower=0), color="0.8", zorder=0)
    for number, rule in enumerate(MARKS):
        colour = ("0.3", *canvas.COLOURS)[number]
        hollow = {"markerfacecolor": "white"} if rule == "study" else {}
        axis.plot(inside.loc[rule], rows, MARKS[rule], color=colour, markersize=(9, 6.5, 3.5, 5)[number], linestyle="",
                  clip_on=False, **hollow)  # fmt: skip
        texts = [_shown(column.rpartition(".")[2], shown.loc[rule, column]) for column in shown]
        said = f"{{2}}, {_RULE_WORDS[rule]}: {{3}}"
        canvas.tips(axis, inside.loc[rule], rows, said.format, map(_words, shown), texts)
        for row, text in zip((*rows, len(rows)), (*texts, f"{_RULE_WORDS[rule]}"), strict=True):
            axis.text(1.24 + 0.27 * number, row, text, transform=axis.get_yaxis_transform(), ha="right", va="center",
                      fontsize=8, color=colour if row == len(rows) else "black")  # fmt: skip
        axis.plot([1.27 + 0.27 * number], [len(rows)], MARKS[rule], transform=axis.get_yaxis_transform(), color=colour,
                  markersize=(9, 6, 3.5, 5)[number], clip_on=False, **hollow)  # fmt: skip
    axis.set(ylim=(-0.6, len(rows) - 0.4), xlim=(-edge * 1.08, edge * 1.08))
    axis.set_xlabel("change against no merging, per cent" + (" (arrows: more)" if change.abs().max().max() > edge else ""))
    for row, column in zip(rows, shown, strict=True):
        if change[column].abs().max() > edge:
            to, arrow = 1.09 if change[column].max() > edge else -0.09, {"arrowstyle": "->", "color": "0.6", "linewidth": 0.8}
            axis.annotate("", (to, row), xytext=(0.5, row), xycoords=axis.get_yaxis_transform(), arrowprops=arrow)
    axis.set_yticks(rows, [_words(column) for column in shown])
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    return picture


def _shown(statistic: str, value: float) -> str:
    text = report.format_value(statistic, int(value) if value == value and float(value).is_integer() else value)
    return text.replace("-", "−") if text != "--" else text


_MEASURES = {
    "mod": "modularity", "com": "communities", "dens": "density", "recip": "reciprocity", "arcc": "rich club",
    "nodes": "linked developers", "edges": "linked edges", "ass": "assortativity", "ad": "average degree", "acc": "clustering",
}  # fmt: skip


def _words(column: str) -> str:
    """`models.n_committers` is shown as committers per model, a measure of Table 6 in words."""
    group, _, name = column.rpartition(".")
    if name in figures.LABELS:
        return f"{figures.LABELS[name]} per {group.removesuffix('s')}"
    return _MEASURES.get(name, name)


def changes(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Long form: rule, bots, threshold, finding, value, change (per cent against no merging, with the same bots)."""
    rows = []
    for bots, part in frame.groupby("bots", sort=True):
        base = part[part["rule"] == UNMERGED].iloc[0]
        for column in columns:
            swept = part[part["rule"].isin(RULES)]
            for row in swept[["rule", "threshold", column]].itertuples(index=False):
                known = pd.notna(row[2]) and pd.notna(base[column]) and base[column] != 0
                change = 100 * (row[2] - base[column]) / abs(base[column]) if known else float("nan")
                rows.append((row[0], bots, row[1], column, row[2], change))
    return pd.DataFrame(rows, columns=["rule", "bots", "threshold", "finding", "value", "change"])
