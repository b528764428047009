"""How much of each finding does the method make by itself? Other edge rules, other measures, other groups.

What the study decided once is decided otherwise here, one decision at a time: who is linked (section 3.3, Tables 6-9), how
concentration and correlation are measured (Tables 2-4, Figures 2 and 3), which licences count as which and who is compared
with whom (Table 5), what belongs to a sub-field, and who stands behind an account (section 4.3).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import special

from analysis import activity, adoption, coefficients, exact, licenses, network, nulls
from analysis.covered import carried
from analysis.links import Links, core_numbers_of, induced, links
from analysis.nulls import Seats

DAYS = (30, 90)
LEAST_WEIGHTS = (2, 5)
MOST_AUTHORS = 10
STRUCTURE = ("nodes", "edges", "mod", "com", "dens", "recip", "arcc", "ass", "ad", "acc")  # Tables 6-9, first row
LEAST_OWNERS = 10  # of fewer, draws say little (Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414: few clusters)
COPYLEFT = ("agpl", "cc-by-sa", "cecill", "epl", "eupl", "gfdl", "gpl", "lgpl", "mpl", "ms-rl", "odbl", "osl")
HELD = ("share_for_80", "share_for_99")  # of the study's text, beside the other measures of concentration
UNSPECIFIC = ("cc", "other")  # identifiers that name no terms


# --- the edge rule (Tables 6-9) -----------------------------------------------------------------------------


@carried()
def edge_rules(held: Seats, events: pd.DataFrame | None = None) -> dict[str, Links]:
    """The network under the study's rule and under others, one decision changed at a time.

    `events` are the dated commits of repositories that several developers share (`engine.dated_commits`: repo_id,
    developer, day, leads); without them the rules by date are left out. `weight_2`: edges of at least two commits;
    `both_lead`: both lead a commit of that repository; `within_30`: commits at most so many days apart; `authors_10`:
    repositories of at most ten developers.
    """
    study = nulls.linked(held)
    size = np.bincount(held.repository, minlength=int(held.repository.max(initial=-1)) + 1)
    few, both = size[held.repository[held.first]] <= MOST_AUTHORS, held.leads[held.second] > 0
    rules = {"study": study}
    rules |= {f"weight_{least}": induced(study, study.weight >= least) for least in LEAST_WEIGHTS}
    rules |= {
        "both_lead": nulls.linked(_paired(held, both)),
        f"authors_{MOST_AUTHORS}": nulls.linked(_paired(held, few)),
    }
    if events is not None:
        rules |= {f"within_{days}": within(events, days) for days in DAYS}
    return rules


def _paired(held: Seats, kept: np.ndarray) -> Seats:
    return held._replace(first=held.first[kept], second=held.second[kept])


def within(events: pd.DataFrame, days: int) -> Links:
    """The network of developers whose commits to a repository are at most so many days apart.

    In: repo_id, developer, day (whole number), leads (whether the developer is the commit's first author). The weight of
    an edge is the number of commits that its source leads and that have one of its target's near them.
    """
    repository = pd.factorize(events["repo_id"], sort=True)[0]
    developer, names = pd.factorize(events["developer"], sort=True)
    rows = pd.DataFrame({"repository": repository, "developer": developer, "day": events["day"].to_numpy("int64")})
    everyone = rows[["repository", "developer"]].drop_duplicates()
    led = rows[events["leads"].to_numpy(bool)].merge(everyone, on="repository", suffixes=("", "_other"))
    led = led[led["developer"] != led["developer_other"]]
    width = int(rows["day"].max()) - int(rows["day"].min()) + 2 * days + 2 if len(rows) else 1
    first = int(rows["day"].min()) - days if len(rows) else 0

    def key(frame: pd.DataFrame, who: str) -> np.ndarray:
        return (frame["repository"].to_numpy() * max(1, len(names)) + frame[who].to_numpy()) * width - first

    theirs = np.sort(key(rows, "developer") + rows["day"].to_numpy())
    earliest = key(led, "developer_other") + led["day"].to_numpy() - days
    near = np.searchsorted(theirs, earliest + 2 * days, side="right") > np.searchsorted(theirs, earliest, side="left")
    edges = led[near].groupby(["developer", "developer_other"]).size().rename("weight").reset_index()
    return links(edges.set_axis(["source", "target", "weight"], axis=1))


@carried()
def networks(edges: Mapping[str, pd.DataFrame]) -> dict[str, Links]:
    """The network of each table of edges, as those of `file_edges.edges_by_level`."""
    return {name: links(one) for name, one in edges.items()}


@carried()
def edge_rule_table(rules: Mapping[str, Links]) -> pd.DataFrame:
    """A row a rule: the columns of Tables 6-9 for k = 1, and k and developers of the innermost core; NA where undefined."""
    rows = {}
    for name, edges in rules.items():
        measured, numbers = network.structure(edges, searches=("mod",)), core_numbers_of(edges)
        k = int(numbers.max(initial=0))
        inner = {"kmax": k, "kmax_nodes": int((numbers == k).sum())} if k else dict.fromkeys(("kmax", "kmax_nodes"))
        rows[name] = {m: measured[m] for m in STRUCTURE} | inner
    counts = ("nodes", "edges", "com", "kmax", "kmax_nodes")
    return pd.DataFrame(
        {
            column: pd.array([row[column] for row in rows.values()], dtype="Int64" if column in counts else "Float64")
            for column in (*STRUCTURE, "kmax", "kmax_nodes")
        },
        index=pd.Index(list(rows), name="rule"),
    )


@carried()
def without_one_repository(held: Seats, memberships: pd.DataFrame) -> pd.DataFrame:
    """What the network owes to a single repository: a row a measure (edges, recip, kmax), of the largest change.

    Columns observed, without, repository (the first by name where several change it as much; missing where none does).
    """
    repositories = pd.Index(sorted(memberships["repo_id"].unique()))
    study = nulls.linked(held)
    width = int(held.developer.max(initial=0)) + 1
    key = held.developer[held.first] * width + held.developer[held.second]
    support = pd.DataFrame({"pair": key, "repository": held.repository[held.first]}).drop_duplicates()
    alone = support[~support["pair"].duplicated(keep=False)]
    pairs = np.unique(key)
    only = np.full(len(pairs), -1)
    only[np.searchsorted(pairs, alone["pair"].to_numpy())] = alone["repository"].to_numpy()
    lost, mutual_lost, mutual = _lost_edges(pairs, only, width, len(repositories))
    edges = len(pairs)
    with np.errstate(divide="ignore", invalid="ignore"):
        recip = np.where(edges > lost, (mutual - mutual_lost) / (edges - lost), np.nan)
    observed = {"edges": edges, "recip": mutual / edges if edges else None}
    rows = {
        "edges": _largest(observed["edges"], edges - lost, repositories),
        "recip": _largest(observed["recip"], recip, repositories),
        "kmax": _core_without(study, held, pairs, only, repositories),
    }
    return pd.DataFrame(rows, dtype=object).T


def _lost_edges(pairs: np.ndarray, only: np.ndarray, width: int, n: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Per repository the edges, and the edges with a reverse, that go with it; and how many have a reverse."""
    reverse = pairs % width * width + pairs // width
    place = np.minimum(np.searchsorted(pairs, reverse), max(len(pairs) - 1, 0))
    both = pairs[place] == reverse if len(pairs) else np.zeros(0, bool)
    mine, theirs = only[both], only[place[both]]
    either = np.concatenate([mine[mine >= 0], theirs[(theirs >= 0) & (theirs != mine)]])
    return np.bincount(only[only >= 0], minlength=n), np.bincount(either, minlength=n), int(both.sum())


def _largest(observed: float | None, without: np.ndarray, names: pd.Index) -> dict:
    change = np.abs(without - observed) if observed is not None else np.full(len(without), np.nan)
    if not np.nanmax(change, initial=0.0) > 0:
        return {"observed": observed, "without": observed, "repository": None}
    place = int(np.nanargmax(change))
    return {"observed": observed, "without": without[place].item(), "repository": names[place]}


def _core_without(study: Links, held: Seats, pairs: np.ndarray, only: np.ndarray, names: pd.Index) -> dict:
    """The innermost core's k without the repository that lowers it most; only those with an edge inside it can."""
    numbers = core_numbers_of(study)
    inner = numbers == numbers.max(initial=0)
    inside = inner[study.source] & inner[study.target]
    tried = np.unique(only[inside & (only >= 0)])
    k = int(numbers.max(initial=0)) or None
    found = {place: int(core_numbers_of(induced(study, only != place)).max(initial=0)) for place in tried}
    lower = {place: value for place, value in found.items() if value < (k or 0)}
    if not lower:
        return {"observed": k, "without": k, "repository": None}
    place = min(lower, key=lambda p: (lower[p], p))
    return {"observed": k, "without": lower[place], "repository": names[place]}


@carried()
def without_one_account(held: Seats) -> dict[str, int | None]:
    """k and developers of the innermost core as observed, and the lowest and highest k with one of its members left out."""
    study = nulls.linked(held)
    numbers = core_numbers_of(study)
    k = int(numbers.max(initial=0))
    if not k:
        return dict.fromkeys(("k", "nodes", "lowest_k", "highest_k"))
    members = np.flatnonzero(numbers == k)
    without = [
        int(core_numbers_of(induced(study, (study.source != m) & (study.target != m))).max(initial=0)) for m in members
    ]
    return {"k": k, "nodes": len(members), "lowest_k": min(without), "highest_k": max(without)}


# --- concentration (Tables 2-4) -----------------------------------------------------------------------------


def inequality(values: pd.Series) -> dict[str, float | None]:
    """Gini coefficient, Herfindahl-Hirschman index, shares of the total that the top 1 % and the top ten hold.

    Of the values that were collected, zeros among them; None where nothing was counted. Whole numbers, so the sums are
    exact; the top 1 % is rounded up to a whole repository.
    """
    known = values.dropna().astype("int64")
    counted = known.value_counts().sort_index()
    value, times = (np.array(column, dtype=object) for column in (counted.index, counted.to_numpy()))
    n, total = len(known), int((value * times).sum()) if len(known) else 0
    if not total:
        return dict.fromkeys(("gini", "hhi", "top_1_percent", "top_10"))
    last = times.cumsum()
    # The ranks of `times` equal values from last - times + 1 to last add up to times * (2 last - times + 1) / 2.
    ranked = int((value * times * (2 * last - times + 1)).sum())
    return {
        "gini": (ranked - (n + 1) * total) / (n * total),
        "hhi": int((value * value * times).sum()) / total**2,
        "top_1_percent": _held_by(value, times, math.ceil(n / 100)) / total,
        "top_10": _held_by(value, times, 10) / total,
    }


def _held_by(value: np.ndarray, times: np.ndarray, first: int) -> int:
    """Total of the `first` largest values."""
    before = times[::-1].cumsum() - times[::-1]
    taken = [min(max(first - int(b), 0), int(t)) for b, t in zip(before, times[::-1], strict=True)]
    return int(sum(v * t for v, t in zip(value[::-1], taken, strict=True)))


def _owners(counts: pd.DataFrame) -> pd.Series:
    return counts["repo_id"].str.split("/").str[0]


def _why_no_interval(counts: pd.DataFrame, owner: pd.Series, *variables: str) -> str | None:
    """Why no interval is drawn for what is known of all these variables: owners are drawn, and a few of them tell little."""
    owners = owner[counts[list(variables)].notna().all(axis="columns")].nunique()
    of = "one owner" if owners == 1 else f"{owners} owners"
    needed = f"an interval, for which owners are drawn, takes {LEAST_OWNERS} of them"
    return f"the models of which it is known are of {of}; {needed}" if owners < LEAST_OWNERS else None


def _why_no_gini_interval(table: pd.DataFrame, counts: pd.DataFrame) -> dict[str, str]:
    open_ended = table.index[table["gini_low"].isna()] if "gini_low" in table else ()
    whys = {variable: _why_no_interval(counts, _owners(counts), variable) for variable in open_ended}
    return {f"{variable}.gini_{end}": why for variable, why in whys.items() if why for end in ("low", "high")}


@carried(empty=_why_no_gini_interval)
def inequality_table(counts: pd.DataFrame, *, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """`inequality` and `activity.concentration` of every variable, a row each; with `draws`, `gini_low` and `gini_high` too.

    For a sample: owners are drawn with all their repositories (Davison and Hinkley 1997, section 3.8), where there are
    `LEAST_OWNERS`. A census has no such interval: it is the population.
    """
    owner = _owners(counts) if draws else None
    rows = {}
    for variable in activity.variables_of(counts):
        row = inequality(counts[variable])
        row |= dict(zip(HELD, activity.concentration(counts[variable], percents=(80, 99)), strict=True))
        if draws and row["gini"] is not None:
            few = _why_no_interval(counts, owner, variable)
            ends = (math.nan, math.nan) if few else _gini_interval(counts[variable], owner, draws=draws, seed=seed)
            row |= dict(zip(("gini_low", "gini_high"), ends, strict=True))
        rows[variable] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def _gini_interval(values: pd.Series, owner: pd.Series, *, draws: int, seed: int) -> tuple[float, float]:
    known = values.notna().to_numpy()
    order = np.argsort(values[known].to_numpy(), kind="stable")
    value, found = values[known].to_numpy("int64")[order], []
    for drawn in _owners_drawn(owner[known], draws=draws, seed=seed):
        times = drawn[order]
        last, n, total = times.cumsum(), int(times.sum()), int((value * times).sum())
        if total:
            ranked = float((value * times * (2 * last - times + 1)).astype("float64").cumsum()[-1])
            found.append(ranked / n / total - (n + 1) / n)
    return _middle(found)


def _owners_drawn(owner: pd.Series, *, draws: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row is in each draw of as many owners as there are, with all that they have."""
    number, owners = pd.factorize(owner, sort=True)
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(generator.integers(len(owners), size=len(owners)), minlength=len(owners))[number]


def _middle(found: list[float]) -> tuple[float, float]:
    """The quantiles that 95 % of what is defined lies between; NaN where nothing is."""
    defined = [value for value in found if not math.isnan(value)]
    return tuple(np.quantile(defined, [0.025, 0.975]).tolist()) if defined else (math.nan, math.nan)


_LORENZ = ["variable", "repositories", "held", "models"]


@carried()
def lorenz(counts: pd.DataFrame, *, points: int = 101) -> pd.DataFrame:
    """Lorenz curves: columns variable, repositories (share, from the least active), held (of the total), models (how many)."""
    parts = []
    share = np.linspace(0, 1, points)
    for variable in activity.variables_of(counts):
        values = np.sort(counts[variable].dropna().to_numpy("int64"))
        if len(values) and values[-1] > 0:
            held = np.concatenate([[0], values.cumsum()])
            at = np.arange(points) * len(values) // (points - 1)  # whole numbers: 5/7 of 7 is 5, not 4.99
            curve = {"variable": variable, "repositories": share, "held": held[at] / held[-1], "models": len(values)}
            parts.append(pd.DataFrame(curve))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_LORENZ)


# --- correlation (Figures 2 and 3) --------------------------------------------------------------------------


def _as_they_are(pairs: coefficients.Pairs) -> coefficients.Pairs:
    return pairs


# Of which pairs each coefficient is taken, what it is, and its error on Fisher's scale.
COEFFICIENTS: dict[str, tuple[Callable, Callable, Callable]] = {
    "pearson": (_as_they_are, coefficients.pearson, coefficients.pearson_error),
    "without_top": (coefficients.without_top, coefficients.pearson, coefficients.pearson_error),
    "on_logs": (coefficients.logged, coefficients.pearson, coefficients.pearson_error),
    "spearman": (_as_they_are, coefficients.spearman, coefficients.spearman_error),
    "kendall": (_as_they_are, coefficients.kendall, coefficients.kendall_error),
}
OF_RANKS = ("spearman", "kendall")


def _why_no_ends(table: pd.DataFrame, counts: pd.DataFrame) -> dict[str, str]:
    open_ended = table.index[table["spearman"].notna() & table["spearman_low"].isna()]
    whys = {_name_of(pair): _why_no_interval(counts, _owners(counts), *pair.split(", ")) for pair in open_ended}
    return {f"{pair}.{name}_{end}": why for pair, why in whys.items() for name in COEFFICIENTS for end in ("low", "high")}


@carried(empty=_why_no_ends)
def correlation_table(counts: pd.DataFrame, *, draws: int = 0, seed: int = 0) -> pd.DataFrame:
    """A row a pair of variables: n, Pearson's coefficient as the study takes it, and what other choices make of it.

    without_top: of repositories at or below the 99.9 % quantile of both variables; on_logs: of log(1 + x); kendall: tau-b,
    for ties. Each has a 95 % interval, as `pearson_low` and `pearson_high`: with `draws`, for a sample, of draws of owners
    with all their repositories (Davison and Hinkley 1997, section 3.8), NaN with fewer than `LEAST_OWNERS`; else by its
    error, as if a census were drawn from more of its kind. Pairwise complete; NaN where a coefficient is undefined.
    """
    columns = {variable: coefficients.column(counts[variable]) for variable in activity.variables_of(counts)}
    owner = _owners(counts) if draws else None
    rows = {}
    for a, b in combinations(columns, 2):
        pairs = coefficients.pairs_of(columns[a], columns[b])
        if pairs.times.sum() > 3 and len(np.unique(pairs.x)) > 1 and len(np.unique(pairs.y)) > 1:
            few = draws and _why_no_interval(counts, owner, a, b)
            owned = _owners_drawn(owner, draws=draws, seed=seed) if draws and not few else ()
            drawn = [coefficients.pairs_of(columns[a], columns[b], times) for times in owned]
            rows[f"{a}, {b}"] = _correlation_row(pairs, drawn, by_error=not draws)
    names = ["n", *(f"{name}{end}" for name in COEFFICIENTS for end in ("", "_low", "_high"))]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _correlation_row(
    pairs: coefficients.Pairs, drawn: Sequence[coefficients.Pairs], *, by_error: bool
) -> dict[str, float]:
    row = {"n": int(pairs.times.sum())}
    for name, (chosen, coefficient, error) in COEFFICIENTS.items():
        row[name] = coefficient(chosen(pairs))
        if by_error:
            half = exact.normal_quantile(0.95) * error(chosen(pairs))
            ends = _moved(row[name], -half), _moved(row[name], half)
        else:
            ends = _middle([coefficient(chosen(one)) for one in drawn])
        row[f"{name}_low"], row[f"{name}_high"] = ends
    return row


@carried()
def coefficients_of(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """The columns of `correlation_table` of `counts` or of `ranks`."""
    of_ranks = [column for column in table if column.split("_")[0] in OF_RANKS]
    return table[of_ranks] if what == "ranks" else table.drop(columns=of_ranks)


def _moved(coefficient: float, by: float) -> float:
    """The coefficient whose Fisher transform is so much higher: tanh(artanh(r) + by)."""
    if abs(coefficient) >= 1:
        return coefficient
    odds = (1 + coefficient) / (1 - coefficient) * float(exact.exp(2 * by))
    return (odds - 1) / (odds + 1)


# --- licences (Table 5) -------------------------------------------------------------------------------------


def _always(identifiers: pd.Series) -> pd.Series:
    return identifiers.notna() & False


FLIPS: dict[str, tuple[Callable[[pd.Series], pd.Series], str]] = {
    "as given": (_always, ""),
    "RAIL as permissive": (lambda name: name.str.contains("rail"), "permissive"),
    "copyleft as permissive": (lambda name: name.str.startswith(COPYLEFT), "permissive"),
    "other as restrictive": (lambda name: name.isin(UNSPECIFIC), "restrictive"),
    "other as permissive": (lambda name: name.isin(UNSPECIFIC), "permissive"),
}


@carried(needs="license")
def licence_flips(counts: pd.DataFrame) -> pd.DataFrame:
    """Superiority of permissive over restrictive under other groupings: a row a grouping, a column a variable (Table 5).

    In the last row `other` and `cc` are a group of their own, which takes the place of the restrictive one.
    """
    name = counts["license"].str.casefold().fillna("")
    given = licenses.group(counts["license"])
    alone = given.replace("restrictive", "unclassified").mask(name.isin(UNSPECIFIC), "restrictive")
    groupings = {label: given.mask(chosen(name), group) for label, (chosen, group) in FLIPS.items()}
    one = pd.Series(0, index=counts.index)
    compared = {label: (_sides(group), one) for label, group in (groupings | {"over other alone": alone}).items()}
    return _by_variable(counts, compared)["superiority"]


Sides = tuple[np.ndarray, np.ndarray]


def _sides(group: pd.Series) -> Sides:
    """The places of the permissive, and of the restrictive models."""
    return tuple(np.flatnonzero((group == name).to_numpy()) for name in activity.GROUPS[:2])


def _by_variable(
    counts: pd.DataFrame, compared: Mapping[str, tuple[Sides, pd.Series | None]]
) -> dict[str, pd.DataFrame]:
    """Superiority and its p within strata: a row a comparison, a column a variable; without strata NaN."""
    places = {variable: ranked(counts[variable]) for variable in activity.variables_of(counts)}
    blocks = {label: None if stratum is None else ranked(stratum) for label, (_, stratum) in compared.items()}
    undefined = math.nan, math.nan
    rows = {
        label: {v: undefined if blocks[label] is None else _within(p, sides, blocks[label]) for v, p in places.items()}
        for label, (sides, _) in compared.items()
    }
    return {
        what: pd.DataFrame.from_dict(
            {label: {v: pair[i] for v, pair in row.items()} for label, row in rows.items()}, orient="index", dtype="float64"
        )
        for i, what in enumerate(("superiority", "p"))
    }


def superiority(grouped: pd.DataFrame, variable: str, *, stratum: pd.Series | None = None) -> tuple[float, float]:
    """Probability that a permissive model has more than a restrictive one, ties halved, and the p of its being one half.

    Within strata where given, which are weighted as van Elteren (1960) does, n1 n2 / (n1 + n2 + 1); p is two-sided, by the
    normal approximation with ties. NaN without a stratum that has both groups.
    """
    stratum = pd.Series(0, index=grouped.index) if stratum is None else stratum
    return _within(ranked(grouped[variable]), _sides(grouped["group"]), ranked(stratum))


def ranked(values: pd.Series) -> np.ndarray:
    """The place of each value among the distinct ones, -1 where it is missing."""
    return pd.factorize(values.to_numpy(), sort=True)[0]


def _within(place: np.ndarray, sides: Sides, block: np.ndarray) -> tuple[float, float]:
    width, blocks = int(place.max(initial=0)) + 1, int(block.max(initial=-1)) + 1
    known = (side[place[side] >= 0] for side in sides)
    first, second = (np.sort(block[side] * width + place[side]) for side in known)
    n1, n2 = (np.bincount(part // width, minlength=blocks) for part in (first, second))
    # Twice the wins: restrictive ones of the stratum with less, and those with as much or less.
    wins = (
        sum(np.searchsorted(second, first, side) for side in ("left", "right")) - 2 * (n2.cumsum() - n2)[first // width]
    )
    of_block = np.append(0, wins.cumsum())[np.append(0, n1.cumsum())]
    both = (n1 > 0) & (n2 > 0)
    if not both.any():
        return math.nan, math.nan
    n1, n2, twice_u, n = n1[both], n2[both], np.diff(of_block)[both], (n1 + n2)[both]
    weight = n1 * n2 / (n + 1)
    theta = math.fsum(weight * (twice_u / (2 * n1 * n2))) / math.fsum(weight)
    tied = _ties(np.sort(np.concatenate([first, second])), width, blocks)[both]
    variance = math.fsum(weight / (n + 1) / 12 * ((n + 1) - tied / (n * (n - 1))))
    apart = math.fsum((twice_u - n1 * n2) / 2 / (n + 1))
    return theta, float(special.erfc(abs(apart) / math.sqrt(2 * variance))) if variance > 0 else 1.0


def _ties(ordered: np.ndarray, width: int, blocks: int) -> np.ndarray:
    """Per stratum the sum of t^3 - t over so many equal values."""
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    times = np.diff(np.append(begins, len(ordered))).astype("float64")
    return np.bincount(ordered[begins] // width, times * (times * times - 1), minlength=blocks)


def strata(about: pd.DataFrame) -> dict[str, pd.Series]:
    """Kinds of models to compare within: a series of numbers each, on the index of `about` (`engine.about_models`).

    In: repo_id, owner, created_at, pipeline_tag. Owners by how many models they have (1, 2-9, 10-99, 100 and more) and
    whether `data/organisations.csv` knows them; age by the quarter of creation; task by the pipeline tag. What is not
    known of one model is a kind of its own; what is known of none is left out.
    """
    number, owners = pd.factorize(about["owner"])
    owned = np.bincount(number + 1)[number + 1]
    known = np.append(pd.Index(owners).isin(set(adoption.organisations()["owner"])), False)[number]
    found = {
        "owner": np.searchsorted([2, 10, 100], owned, side="right") * 2 + known,
        "age": (about["created_at"].dt.year * 4 + about["created_at"].dt.quarter).fillna(-1).to_numpy("int64"),
        "task": pd.factorize(about["pipeline_tag"])[0],
    }
    unknown = _unknown(about)
    return {name: pd.Series(numbers, index=about.index) for name, numbers in found.items() if name not in unknown}


def _unknown(about: pd.DataFrame) -> dict[str, str]:
    """The kinds of which nothing is known of any model, and why."""
    needs = {
        "age": ("created_at", "of no model is it known when it was created"),
        "task": ("pipeline_tag", "of no model is a task known"),
    }
    return {name: why for name, (column, why) in needs.items() if about[column].isna().all()}


def _why_no_strata(_: pd.DataFrame, __: pd.DataFrame, about: pd.DataFrame) -> dict[str, str]:
    rows = {"age": "same_quarter", "task": "same_task"}
    why = {rows[name]: reason for name, reason in _unknown(about).items()}
    return why | ({"same_of_all_three": "; ".join(why.values())} if why else {})


@carried(needs="license", empty=_why_no_strata)
def stratified(counts: pd.DataFrame, about: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`superiority` of permissive over restrictive within strata, and its `p`: a row a stratification, a column a variable."""
    sides = _sides(activity.with_group(counts)["group"])
    known = strata(about.set_index("repo_id", drop=False).loc[counts["repo_id"]].set_axis(counts.index))
    if len(known) == 3:
        known["all"] = pd.DataFrame(known).groupby(list(known), sort=True).ngroup()
    rows = {"all models": pd.Series(0, index=counts.index), "same kind of owner": known["owner"],
            "same quarter": known.get("age"), "same task": known.get("task"), "same of all three": known.get("all")}
    return _by_variable(counts, {label: (sides, stratum) for label, stratum in rows.items()})


# --- organisations (section 4.3.2) --------------------------------------------------------------------------


@carried()
def owners_and_organisations(used: pd.DataFrame, *, rows: int = 10) -> pd.DataFrame:
    """The accounts, and the organisations, with most of the hundred most used models side by side, most first.

    In: the used models, most used first (`engine.usage`). Columns account, `account models`, organisation, `models`.
    """
    owners = _by_account(used).reset_index()
    mapped = adoption.top_organisations(used["model_id"])[["organisation", "models"]]
    parts = [part.head(rows).reset_index(drop=True) for part in (owners, mapped)]
    return pd.concat(parts, axis=1).set_axis(range(1, 1 + max(map(len, parts))))


def _by_account(used: pd.DataFrame) -> pd.Series:
    top = used["model_id"].head(adoption.TOP)
    account = top.where(top.str.contains("/"), "(no account)").str.split("/").str[0]
    counted = account.value_counts().rename_axis("account").reset_index(name="account models")
    return counted.sort_values(["account models", "account"], ascending=[False, True]).set_index("account")[
        "account models"
    ]


@carried()
def accounts_against_organisations(used: pd.DataFrame) -> dict[str, int]:
    """How many accounts and organisations made the hundred most used models, and how many the first of each made."""
    owners, mapped = _by_account(used), adoption.top_organisations(used["model_id"])
    owners = owners.drop("(no account)", errors="ignore")
    return {
        "models": min(len(used), adoption.TOP),
        "accounts.count": len(owners),
        "organisations.count": len(mapped),
        "accounts.first.models": int(owners.max()) if len(owners) else 0,
        "organisations.first.models": int(mapped["models"].max()) if len(mapped) else 0,
    }


@carried()
def named_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """`correlation_table` by the name that a pair has in a result's id, as `n_commits.n_likes`, in alphabetical order."""
    return table.rename(index=_name_of)


def _name_of(pair: str) -> str:
    return ".".join(sorted(pair.split(", ")))


@carried()
def named_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The table with rows as words of a result's id: `as_given` for "as given"."""
    return table.rename(index=lambda label: label.lower().replace(" ", "_"))
