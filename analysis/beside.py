"""What does the source change? A run beside a second snapshot of about the same day, from another source.

Three things are told apart: coverage (repositories that only one of the two lists), counting (what each counts of the
repositories that both list) and names (how each signs the commits that both hold). Study, section 3.3.

What draws and compares is imported where it is needed (0.7 s of processor time): `explain` reads the docstrings of this.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from ibis import _

from analysis import report
from analysis.covered import Covered
from analysis.engine import Hub, activity, load
from analysis.results import read_results
from analysis.snapshot import KINDS, PLURAL

STEP = "beside"  # what results.json names in place of a notebook
COUNTED = ("n_likes", "n_downloads", "n_discussions", "n_commits", "n_committers", "n_usage_spaces")


@dataclass(frozen=True)
class Pair:
    """A run's snapshot and the one beside it, read through one connection."""

    first: Hub
    second: Hub

    @classmethod
    def of(cls, hub: Hub) -> "Pair":
        other = load(hub.parameters.other)
        vars(other)["con"] = hub.con
        return cls(hub, other)

    def why_missing(self, *tables: str, kind: str) -> str | None:
        """Why one of the two has nothing of a kind's tables, and which; None where both have it."""
        found = [(hub.snapshot.name, hub.why_missing(*tables, kind=kind)) for hub in (self.first, self.second)]
        return "; ".join(f"{name}: {why}" for name, why in found if why) or None


def about(pair: Pair) -> dict[str, object]:
    """Name, day and source of both snapshots, and the days between them."""
    found: dict[str, object] = {}
    for place, hub in (("first", pair.first), ("second", pair.second)):
        source = hub.snapshot.manifest["source"]
        found |= {f"{place}.snapshot": hub.snapshot.name, f"{place}.date": hub.snapshot.date.isoformat()}
        found |= {f"{place}.source": source.get("title", "").partition(" (")[0] or "a source that is not named"}
    days = {hub.snapshot.date for hub in (pair.first, pair.second)}
    return found | {"days_apart": 0 if pair.first.parameters.as_of else (max(days) - min(days)) // dt.timedelta(days=1)}


def counted(pair: Pair, kind: str) -> Covered:
    """Repositories of a kind and totals of their activity: a row each, in either snapshot and of what is in both.

    Columns first, second (over all repositories), repositories (in both, with a value in both), first_in_both,
    second_in_both (over those), same.share (of those, with one value in both). The first two and the in-both ones
    differ by coverage, the in-both ones from each other by counting.
    """
    known = [activity(hub, kind, variables=COUNTED) for hub in (pair.first, pair.second)]
    names = [hub.snapshot.name for hub in (pair.first, pair.second)]
    why: dict[str, list[str]] = {}
    for name, one in zip(names, known, strict=True):
        for part, reason in one.absent.items():
            why.setdefault(part, []).append(f"{name}: {reason}")
    first, second = (one.value.set_index("repo_id").assign(repositories=1.0) for one in known)
    both = first.merge(second, how="inner", left_index=True, right_index=True, suffixes=(" first", " second"))
    rows = {name: _counted(first, second, both, name) for name in ("repositories", *COUNTED)}
    return Covered(pd.DataFrame.from_dict(rows, orient="index"), {part: "; ".join(said) for part, said in why.items()})


def _counted(first: pd.DataFrame, second: pd.DataFrame, both: pd.DataFrame, name: str) -> dict[str, float | None]:
    ours, theirs = both[f"{name} first"], both[f"{name} second"]
    known = ours.notna() & theirs.notna()
    ours, theirs = ours[known], theirs[known]
    totals = {"first": first[name], "second": second[name], "first_in_both": ours, "second_in_both": theirs}
    sums = {column: int(values.sum()) for column, values in totals.items()}
    same = int((ours == theirs).sum())
    return sums | {"repositories": len(ours), "same.share": same / len(ours) if len(ours) else None}


def names(pair: Pair, kind: str) -> Covered:
    """How the two sign the commits to a kind of repository that both hold; a mapping.

    commits (in both), alike.share (of them, with the same names in the same order), first and second (names that sign
    them), people_first and people_second (persons, by the run's merges and without service accounts), several_first
    (names of the first snapshot that stand for two or more of the second, over commits with one author in both) and
    several_second (the other way round).
    """
    if why := pair.why_missing("repos", "commits", kind=kind):
        return Covered(dict.fromkeys(_NAMES), {"": why})
    hub, key = pair.first, ["repo_id", "commit_id"]
    ours, theirs = (one.commits.filter(_.kind == kind).select(*key, "authors") for one in (pair.first, pair.second))
    joined = ours.rename(first="authors").inner_join(theirs.rename(second="authors"), key)
    both = hub.keep("both", joined.select(*key, "first", "second"))
    alike = both.first == both.second
    size = hub.frame(both.agg(commits=both.count(), alike=alike.sum(), compared=alike.count())).loc[0]
    single = both.filter(_.first.length() == 1, _.second.length() == 1)
    pairs = hub.frame(single.select(first=_.first[0], second=_.second[0]).distinct()).dropna()
    found = {"commits": int(size["commits"]), "alike.share": size["alike"] / size["compared"] if size["compared"] else None}
    for place, other, one in (("first", "second", pair.first), ("second", "first", pair.second)):
        alias = both.select(alias=both[place].unnest()).drop_null("alias").distinct()
        people = alias.inner_join(one.developers.filter(~_.is_bot), "alias")
        counts = hub.frame(alias.agg(n=_.count())), hub.frame(people.agg(n=_.developer.nunique()))
        found[place], found[f"people_{place}"] = (int(count.loc[0, "n"]) for count in counts)
        found[f"several_{place}"] = int((pairs.groupby(place)[other].nunique() > 1).sum())
    return Covered({name: found[name] for name in _NAMES})


# Columns of the table of the two runs: run, day, data, three kinds, parameters, together as wide as the text block.
_RUNS = "@{}" + r">{\raggedright\arraybackslash}p{3.3cm}lp{1.9cm}lll>{\raggedright\arraybackslash}p{4cm}" + "@{}"
_NAMES = {  # what `names` counts, and how the table calls it
    "commits": "commits in both",
    "alike.share": "signed alike, share",
    "first": "names of the first",
    "second": "names of the second",
    "people_first": "people of the first",
    "people_second": "people of the second",
    "several_first": "names of the first that are several of the second",
    "several_second": "names of the second that are several of the first",
}


def write(out_dir: Path, hub: Hub, document: Mapping) -> None:
    """Write what the source changes as a part of results.json: numbers, tables and the figure of the section.

    `document` is results.json of the run; that of the run of the other snapshot has to be there. Raises RunError.
    """
    from analysis import compare, figures, ranking

    pair = Pair.of(hub)
    alone = document | {"parameters": replace(hub.parameters, beside="").recorded()}
    documents = [alone, read_results(hub.parameters.other.run_name)]
    writer = report.Report(STEP, out_dir=out_dir, synthetic=hub.synthetic)
    writer.numbers("beside", about(pair))
    labels = compare.labels(documents)
    values, verdicts = compare.side_by_side(documents), compare.verdicts(documents)
    writer.numbers("beside", compare.results(values, verdicts, ranking.orders(documents)))
    of_kinds = {PLURAL[kind]: (counted(pair, kind), names(pair, kind)) for kind in KINDS}
    for kinds, (counts, signed) in of_kinds.items():
        writer.numbers(f"beside.{kinds}", report.by_row(counts))
        writer.numbers(f"beside.{kinds}.names", signed)
    writer.table("beside_runs", compare.run_table(documents), prose=True, align=_RUNS)
    writer.table("beside_counts", _count_table({kinds: of[0] for kinds, of in of_kinds.items()}))
    writer.table("beside_names", _name_table({kinds: of[1] for kinds, of in of_kinds.items()}), statistics="index")
    writer.table("beside_results", compare.headline(documents, values), statistics="index")
    writer.table("beside_verdicts", compare.changed_verdicts(documents, verdicts), prose=True)
    drawn = figures.shifts(compare.shifts(documents, values), first=labels[0], last=labels[-1])
    alt = "How many times its value in the first snapshot each headline result has in the second"
    writer.figure("beside_shifts", drawn, alt=alt)
    writer.close()


def _count_table(of_kinds: Mapping[str, Covered]) -> Covered:
    """`counted` of every kind, without the rows that one of the two does not cover. Names of runs would be too wide here."""
    frames = []
    for kinds, known in of_kinds.items():
        rows = known.value if "" not in known.absent else known.value.iloc[:0]
        rows = rows.drop(index=[name for name in known.absent if name in rows.index])
        frames.append(rows.rename(index=lambda name, kinds=kinds: kinds if name == "repositories" else f"{kinds} {name}"))
    table = pd.concat(frames)
    columns = {"first": "first", "first_in_both": "first, in both", "second_in_both": "second, in both", "second": "second"}
    columns |= {"repositories": "compared", "same.share": "share of same"}
    shown = table[list(columns)].rename(columns=columns)
    return Covered(shown, {} if len(shown) else {"": "the two have no kind of repository in common"})


def _name_table(of_kinds: Mapping[str, Covered]) -> Covered:
    """`names` of the kinds of which both have commits, a column each."""
    known = {kinds: one.value for kinds, one in of_kinds.items() if "" not in one.absent}
    table = pd.DataFrame(known, index=list(_NAMES), dtype="object").rename(index=_NAMES)
    whys = dict.fromkeys(one.absent[""] for one in of_kinds.values() if "" in one.absent)
    return Covered(table, {} if known else {"": "; ".join(whys)})
