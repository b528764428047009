"""In which order do groups stand? Licence groups, kinds, sub-fields, licences, models and organisations of several runs.

Tables 5 to 9 and sections 4.1 to 4.3 of the study; reads results.json only.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis import activity
from analysis.labels import FIELDS
from analysis.snapshot import PLURAL
from analysis.text import clean


def orders(documents: Sequence[Mapping]) -> pd.DataFrame:
    """The order of groups in every run: columns order, place, 0, 1, ... (in words), changed; only what is compared.

    Groups that a run does not cover are left out of all; a run that covers fewer than two says None.
    """
    found = []
    results = [{name: entry["value"] for name, entry in d["results"].items()} for d in documents]
    for (name, place), ranked in _ordered(results).items():
        known = [text for text in ranked if text is not None]
        if len(known) > 1:
            found.append({"order": name, "place": place, **dict(enumerate(ranked)), "changed": len(set(known)) > 1})
    return pd.DataFrame(found, columns=["order", "place", *range(len(documents)), "changed"])


def _ordered(results: Sequence[Mapping]) -> dict[tuple[str, str], list[str | None]]:
    """(what is ordered, where the study has it) -> the order in each run."""
    orders = {}
    for variable in activity.VARIABLES:
        sides = [_superiorities(values, variable) for values in results]
        for first, second in activity.PAIRS:
            pair = [{g: side.get((first, second, g)) for g in (first, second)} for side in sides]
            orders[f"{variable}, {first} v. {second}", "Table 5"] = _by_score(pair)
        wins = [_wins(side) for side in sides]
        orders[f"{variable}, licence groups", "Table 5"] = _by_score(wins)
        for statistic, title in (("share_for_80", "least concentrated"), ("zero_share", "largest share without")):
            scores = [{k: v.get(f"rq1.{k}.{variable}.{statistic}") for k in PLURAL.values()} for v in results]
            orders[f"{variable}, kinds, {title} first", "4.1.1"] = _by_score(scores)
    scored = {
        ("kinds, most repositories first", "4.1"): ("rq1.{}.count", PLURAL.values()),
        ("kinds, largest share without a licence first", "4.1.3"): ("rq1.{}.unlicensed_share", PLURAL.values()),
        ("licence groups, most models first", "4.1.3"): ("rq1.models.group.{}.count", activity.GROUPS),
        ("fields, largest share of isolates first", "4.2.1"): ("rq2.{}.isolate_share", list(FIELDS)[1:]),
        ("fields, most developers first", "4.2.1"): ("rq2.{}.developers", list(FIELDS)[1:]),
        ("fields, innermost core with the largest k first", "Tables 6-9"): ("rq2.{}.kmax.k", list(FIELDS)[1:]),
        ("fields, most used models first", "4.3.1"): ("rq3.{}.usage.models", list(FIELDS)[1:]),
    }
    for what, (pattern, groups) in scored.items():
        orders[what] = _by_score([{group: v.get(pattern.format(group)) for group in groups} for v in results])
    for what, (pattern, ranks) in _listed().items():
        orders[what] = [_by_rank(values, pattern, ranks) for values in results]
    return orders


def _listed() -> dict[tuple[str, str], tuple[str, int]]:
    listed = {
        (f"{k}, commonest licences", "4.1.3"): (f"rq1.{k}.license.rank.{{}}.identifier", 3) for k in PLURAL.values()
    }
    listed["models with most committers", "4.1.1"] = ("rq1.models.n_committers.top.{}.model", 3)
    for field, title in FIELDS.items():
        listed[f"most used models, {title}", "4.3.2"] = (f"rq3.{field}.usage.top.{{}}.model", 10)
        for network in ("usage", "cousage"):
            what = {"usage": "used", "cousage": "co-used"}[network]
            pattern = f"rq3.{field}.{network}.top100.rank.{{}}.organisation"
            listed[f"organisations of the most {what}, {title}", "4.3.2"] = (pattern, 5)
    return listed


def _superiorities(values: Mapping, variable: str) -> dict[tuple[str, str, str], float]:
    """(first, second, group) -> probability that a repository of the group is above one of the other."""
    found = {}
    for first, second in activity.PAIRS:
        share = values.get(f"rq1.models.mannwhitney.{variable}.{first}_vs_{second}.superiority")
        if share is not None:
            found |= {(first, second, first): share, (first, second, second): 1 - share}
    return found


def _wins(sides: Mapping[tuple[str, str, str], float]) -> dict[str, float | None]:
    """How many of the other groups each group is above; None where a comparison is missing."""
    if len(sides) < 2 * len(activity.PAIRS):
        return dict.fromkeys(activity.GROUPS)
    return {g: sum((s > 0.5) + (s == 0.5) / 2 for (*_, of), s in sides.items() if of == g) for g in activity.GROUPS}


def _by_score(scores: Sequence[Mapping[str, float | None]]) -> list[str | None]:
    """`a > b = c` in each run, over the groups that every run with two groups covers; None where fewer than two are."""
    known = [{group for group, score in run.items() if score is not None} for run in scores]
    usable = [groups for groups in known if len(groups) > 1]
    common = set.intersection(*usable) if usable else set()
    return [
        _in_words({g: s for g, s in run.items() if g in common}) if len(common) > 1 and groups >= common else None
        for run, groups in zip(scores, known, strict=True)
    ]


def _in_words(scores: Mapping[str, float]) -> str:
    tiers = pd.Series(scores, dtype="float64").sort_index().groupby(level=0).first()
    return " > ".join(" = ".join(tiers.index[tiers == score]) for score in sorted(set(tiers), reverse=True))


def _by_rank(values: Mapping, pattern: str, ranks: int) -> str | None:
    names = [values.get(pattern.format(rank)) for rank in range(1, ranks + 1)]
    return "; ".join(clean(name) for name in names if name is not None) or None
