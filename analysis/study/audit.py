"""Do the study's printed numbers agree with one another? No data is needed to ask.

Identities, bounds and whole-number arithmetic on Tables 2-9 and the text; group sizes solved from Table 5. A finding is
False only where no data at all could give the printed values, under the assumption it names. A check yields what it
found in numbers; its words are in `paper/templates/audit.toml`.
"""

import itertools
import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import NamedTuple

import pandas as pd

from analysis import paths
from analysis.activity import GROUPS, PAIRS
from analysis.labels import FIELDS
from analysis.snapshot import PLURAL
from analysis.study import groups
from analysis.study.findings import Finding, Findings, digits, equals, in_words, on
from analysis.study.groups import COMPARISONS, Compared, Order
from analysis.study.kinds import SHARES
from analysis.study.published import (
    LISTED,
    PRINTED_UNDEFINED,
    Numbers,
    Printed,
    exact_numbers,
    printed_number,
    printed_values,
)
from analysis.study.rich_club import RichClub, rich_clubs

AUDIT_COLUMNS = ("id", "place", "statement", "published", "derived", "consistent", "assumption")
SUBFIELDS = tuple(FIELDS)[1:]
PROMPTED = ("same_repository", "real_names")  # the two rounds of name matching that count rejected pairs too
MILLION = 1_000_000


def audit_findings(published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every check of the printed values, one row each.

    Columns: id (`<check>.<id of a result>`), place, statement, published, derived, consistent (True, False; missing
    where the printed values do not decide), assumption. A check whose values are not in `published` gives no row.
    """
    printed = exact_numbers(printed_values() if published is None else published)
    rows = [in_words(found) for check in CHECKS for found in check(printed)]
    return pd.DataFrame(rows, columns=list(AUDIT_COLUMNS)).astype({"consistent": "boolean"})


def impossible(published: pd.DataFrame | None = None) -> dict[str, str]:
    """id -> one sentence why the printed value cannot come from its own definition (ARCC, assortativity)."""
    printed = exact_numbers(printed_values() if published is None else published)
    found = [*_rich_club(printed), *_assortativity(printed)]
    return {one.id: in_words(one)[2] for one in found if one.consistent is False}


def outcome_counts(findings: pd.DataFrame) -> dict[str, int]:
    """How many findings there are, as `<check>.<outcome>`, and as `checks.<outcome>` over all checks.

    Outcomes: total, consistent, contradicted, undecided.
    """
    check = findings["id"].str.split(".").str[0]
    outcomes = pd.DataFrame(
        {
            "total": True,
            "consistent": findings["consistent"].fillna(False),
            "contradicted": ~findings["consistent"].fillna(True),
            "undecided": findings["consistent"].isna(),
        }
    )
    table = outcomes.astype("int64").groupby(check).sum()
    table.loc["checks"] = table.sum()
    return {f"{name}.{outcome}": int(table.loc[name, outcome]) for name in table.index for outcome in table}


def quantities(published: pd.DataFrame | None = None) -> dict[str, float]:
    """Numbers behind the findings that the paper's text names.

    groups.*: sizes of the licence groups (models) and the bounds on the permissive one; order.{least,most}: product
    of two sizes that Table 5 forces, and the one that the claimed order allows; whole.{top,needed,allowed}: the
    rich club of all developers (nodes, edges); isolates.{low,high}.share: what the counts of developers
    give; isolates.most_developers: the most developers that the printed share allows.
    """
    printed = exact_numbers(printed_values() if published is None else published)
    found = {}
    if tested := groups.compared(printed):
        tightest = min(_orders(tested), key=lambda order: order.least - order.most)
        found |= {f"groups.{name}": round(size) for name, size in _solved(printed, tested)._asdict().items()}
        found |= {"order.least": round(tightest.least), "order.most": round(tightest.most)}
        found.pop("groups.residual")
    for club in rich_clubs(printed):
        if club.printed.id == "rq2.all.k1.arcc":
            found |= {f"whole.{name}": getattr(club, name) for name in ("top", "needed", "allowed")}
    for one in _isolates(printed):
        found |= {f"isolates.{end}.share": float(one.numbers[end]) for end in ("low", "high")}
        found["isolates.most_developers"] = one.numbers["most_developers"]
    return found


# --- Tables 6-9 -------------------------------------------------------------------------------------------------------


def _sizes(printed: Numbers) -> Findings:
    """AD = 2E/N, DENS = E/(N(N-1)) and E <= N(N-1), least degree k (Tables 6-9)."""
    for core, nodes, edges in printed.cores():
        pairs = nodes * (nodes - 1)
        for (degree,) in printed.where(f"{core}.ad"):
            yield equals(degree, "average_degree", Fraction(2 * edges, nodes))
        for (density,) in printed.where(f"{core}.dens") if pairs else ():
            yield equals(density, "density", Fraction(edges, pairs))
        for size, k in printed.where(f"{core}.edges", f"{core}.k"):
            least = math.ceil(k.value * nodes / 2)
            yield on(size, "edges", least <= edges <= pairs, nodes=nodes, k=k.value, least=least, pairs=pairs)


def _reciprocity(printed: Numbers) -> Findings:
    """RECIP is an even number of edges over E, and few missing edges leave few unanswered (Tables 6-9)."""
    for core, nodes, edges in printed.cores():
        gaps = nodes * (nodes - 1) - edges
        for (share,) in printed.where(f"{core}.recip") if edges and gaps >= 0 else ():
            # An unanswered edge is one empty place; so are, two by two, the pairs without any edge.
            mutual = (edges - single for single in range(gaps % 2, min(gaps, edges) + 1, 2))
            fits = [count for count in mutual if count % 2 == 0 and share.holds(Fraction(count, edges))]
            form = "reciprocity.possible" if fits else "reciprocity.impossible"
            yield on(share, form, bool(fits), mutual=fits[0] if fits else 0, edges=edges)


def _modularity(printed: Numbers) -> Findings:
    """MOD <= 1 - 1/COM, so one community means 0 (Tables 6-9)."""
    for core, *_ in printed.cores():
        for modularity, communities in printed.where(f"{core}.mod", f"{core}.com"):
            ceiling = 1 - 1 / communities.value
            yield on(modularity, "modularity", modularity.low <= ceiling, ceiling=ceiling)


def _assortativity(printed: Numbers) -> Findings:
    """ASS is undefined exactly where the out-degrees or the in-degrees are all equal (Tables 6-9).

    Out-degrees sum to E. If fewer than N-1 edges are missing no node is without out-edges, so equal
    out-degrees need E to be a multiple of N; the same holds for in-degrees.
    """
    rows = printed.rows
    undefined = rows[rows["value"].isin(PRINTED_UNDEFINED)].set_index("id")["place"]
    for core, nodes, edges in printed.cores():
        name, gaps = f"{core}.ass", nodes * (nodes - 1) - edges
        if name in undefined.index:
            differ = gaps and gaps < nodes - 1 and edges % nodes
            form = "assortativity.defined" if differ else "assortativity.undefined"
            consistent = False if differ else None if gaps else True
            yield Finding(form, name, undefined[name], "undefined", consistent, {"edges": edges, "nodes": nodes})
        elif name in printed and not gaps:
            yield on(printed[name], "assortativity.complete", False)


def _nested(printed: Numbers) -> Findings:
    """Cores are nested, and a sub-field's core lies within that of all models (Tables 6-9)."""
    for field in FIELDS:
        levels = sorted(level[:3] for level in printed.levels(field))
        if len(levels) > 1:
            falling = all(a[1] >= b[1] and a[2] >= b[2] for a, b in itertools.pairwise(levels))
            shown = ", ".join(f"k={k}: {nodes:,}/{edges:,}" for k, nodes, edges in levels)
            table = printed[f"rq2.{field}.k1.nodes"].place.split(",")[0]
            yield Finding("nested", f"rq2.{field}", table, shown, falling, {})
    whole = {k: (nodes, edges) for k, nodes, edges, _ in printed.levels("all")}
    for field in SUBFIELDS:
        for k, nodes, edges, core in printed.levels(field):
            if k in whole:
                most_nodes, most_edges = whole[k]
                within = nodes <= most_nodes and edges <= most_edges
                yield on(printed[f"{core}.nodes"], "subset", within, nodes=most_nodes, edges=most_edges)


def _rich_club(printed: Numbers) -> Findings:
    """Whether each printed ARCC can come from its definition (Table 1), given the table's sizes."""
    for club in rich_clubs(printed):
        pairs = club.nodes * (club.nodes - 1)
        bounds = " to ".join(dict.fromkeys(digits(end) for end in (club.floor, club.ceiling)))
        numbers = {"top": club.top, "needed": club.needed, "allowed": club.allowed, "nearest": club.nearest}
        numbers |= {"nodes": club.nodes, "pairs": pairs, "gaps": pairs - club.edges, "range": bounds}
        yield on(club.printed, f"rich_club.{_club_form(club, pairs)}", club.attainable, **numbers)


def _club_form(club: RichClub, pairs: int) -> str:
    if club.attainable:
        return "attainable"
    if pairs == club.edges:
        return "complete"
    return "too_few_edges" if club.needed > club.allowed else "no_set"


def _ranges(printed: Numbers) -> Findings:
    """The ranges in the text beside the tables; AD "reaching" the largest k (Sections 4.2.1, 4.2.2)."""
    cores = [core for *_, core in printed.levels("all")]
    members = {f"rq2.all.{measure}": [f"{core}.{measure}" for core in cores] for measure in ("recip", "ass", "arcc")}
    members["rq2.fields.k1.recip"] = [f"rq2.{field}.k1.recip" for field in SUBFIELDS]
    for name, ids in members.items():
        values = [printed[member].value for member in ids if member in printed]
        for end, choose in (("min", min), ("max", max)):
            for (cell,) in printed.where(f"{name}.{end}") if values else ():
                yield equals(cell, "range", choose(values))
    for field in SUBFIELDS:
        for degree, k in printed.where(f"rq2.{field}.kmax.ad", f"rq2.{field}.kmax.k"):
            yield Finding("reaches_k", degree.id, "§4.2.2", k.text, degree.holds(k.value), {"degree": degree.text})


def _repeats(printed: Numbers) -> Findings:
    """Values printed more than once agree within their decimals, and with "over" and "under"."""
    rows = printed.rows
    named = rows[(rows["id"] != "") & rows["decimals"].notna() & (rows["operator"] != "about")]
    for name, group in named[named.duplicated("id", keep=False)].groupby("id", sort=True):
        cells = group.to_dict("records")
        exact = [printed_number(name, c["value"], c["decimals"], c["place"]) for c in cells if c["operator"] == "="]
        if exact:
            low, high = max(cell.low for cell in exact), min(cell.high for cell in exact)
            form = "repeated.common" if low <= high else "repeated.apart"
            agree = low <= high and all(_leaves(cell, low, high) for cell in cells)
            places = "; ".join(cell["place"] for cell in cells)
            values = ", ".join(f"{cell['operator']} {Decimal(cell['value']):,}" for cell in cells)
            yield Finding(form, name, places, values, agree, {"low": low, "high": high})


def _leaves(cell: dict, low: Fraction, high: Fraction) -> bool:
    """Whether a printed value leaves any of the values from low to high."""
    bound = Fraction(cell["value"])
    return {"=": True, "<": low < bound, ">": high > bound}[cell["operator"]]


# --- developers, Section 3.4 ------------------------------------------------------------------------------------------


def _shares(printed: Numbers) -> Findings:
    """Shares beside the counts they are made of (Sections 3.4, 3.5)."""
    for name, counts in SHARES.items():
        for share, part, whole in printed.where(name, *counts):
            count, value = part.value, part.value / whole.value
            others = range(math.ceil(count / share.high), math.floor(count / share.low) + 1)
            form = "share.agrees" if share.holds(value) else "share.of_another" if others else "share.of_none"
            fits = " or ".join(map(str, others))
            yield on(share, form, share.holds(value), value=value, count=count, total=whole.value, others=fits)


def _people(printed: Numbers) -> Findings:
    """Names before and after merging, and accepted pairs (Sections 3.4 and 5.3.2).

    p accepted pairs remove at most p names; fewer where several are one person's, whose m names have m(m-1)/2 pairs.
    """

    def where(*names: str) -> Iterator[tuple[Printed, ...]]:
        return printed.where(*(name if name.startswith("rq") else f"rq2.people.{name}" for name in names))

    for names, real, usernames in where("developers", "real_names.names", "real_names.usernames"):
        total = real.value + usernames.value
        pairs = int(sum(first.value for (first,) in where("same_repository.accepted")))
        fewest = next(m for m in itertools.count(1) if m * (m - 1) // 2 >= pairs) - 1
        after, most = names.value - pairs, names.value - fewest
        agree = total == names.value or after <= total <= most
        numbers = {"total": total, "after": after, "most": most, "pairs": pairs, "removed": names.value - total}
        yield on(names, "people.developers", agree, **numbers)
    for merged, *accepted in where("merged", *(f"{part}.accepted" for part in (*PROMPTED, "central"))):
        most = sum(cell.value for cell in accepted)
        yield on(merged, "people.merged", merged.value <= most, most=most)
    for central, core in where("central.developers", "rq2.all.k10.nodes"):
        yield on(central, "people.central", central.value >= core.value, least=core.value)
    for rejected, *pairs in where(
        "rejected", *(f"{part}.{end}" for end in ("compared", "accepted") for part in PROMPTED)
    ):
        most = sum(cell.value for cell in pairs[:2]) - sum(cell.value for cell in pairs[2:])
        yield on(rejected, "people.rejected", rejected.value <= most, most=most)


def _isolates(printed: Numbers) -> Findings:
    """Share of isolates = 1 - connected developers / all developers (Sections 3.4, 4.2.1)."""
    for share, connected, names in printed.where("rq2.all.isolate_share", "rq2.all.k1.nodes", "rq2.people.developers"):
        merged = sum(cell.value for (cell,) in printed.where("rq2.people.merged"))
        low, high = (1 - connected.value / total for total in (names.value - merged, names.value))
        most = math.floor(connected.value / (1 - share.high))
        consistent = share.low <= high and low <= share.high
        yield on(share, "isolates", consistent, low=low, high=high, most_developers=most)


def _clique_degrees(printed: Numbers) -> Findings:
    """ARCC as 2/(N-1): what 2E/(N(N-1)) gives if nodes are counted for edges; whole N or none for each row (Tables 6-9)."""
    rows = [(core, nodes, edges) for core, nodes, edges in printed.cores() if f"{core}.arcc" in printed]
    fits = {core: _whole_sizes(printed[f"{core}.arcc"]) for core, *_ in rows}
    complete = [core for core, nodes, edges in rows if edges == nodes * (nodes - 1)]
    if complete:
        met = [core for core, nodes, _ in rows if core in complete and nodes in fits[core]]
        lacking = [printed[f"{core}.arcc"].text for core, *_ in rows if not fits[core]]
        numbers = {"rows": len(rows), "whole": len(rows) - len(lacking), "lacking": ", ".join(lacking)}
        numbers |= {"complete": len(complete), "met": len(met)}
        shown = ", ".join(printed[f"{core}.arcc"].text for core, *_ in rows)
        yield Finding("clique_degrees", "rq2.arcc", "Tables 6-9, ARCC", shown, None, numbers)


def _whole_sizes(share: Printed) -> list[int]:
    """Whole N for which 2/(N-1) would be printed so."""
    if share.low <= 0:
        return []
    low, high = (2 / bound + 1 for bound in (share.high, share.low))
    return list(range(math.ceil(low), math.floor(high) + 1))


def _same_core(printed: Numbers) -> Findings:
    """A sub-field's k-core with as many nodes and edges as that of all is the same one; a field of lower k lacks it."""
    whole = {k: (nodes, edges) for k, nodes, edges, _ in printed.levels("all")}
    last = max(whole, default=0)
    for field in SUBFIELDS:
        levels = printed.levels(field)
        if any(k == last and (nodes, edges) == whole[k] for k, nodes, edges, _ in levels):
            lacking = [one for one in SUBFIELDS if 0 < max((k for k, *_ in printed.levels(one)), default=0) < last]
            numbers = {"nodes": whole[last][0], "edges": whole[last][1], "k": last}
            numbers["lacking"] = " or ".join(name.upper() for name in lacking)
            yield on(printed[f"rq2.{field}.kmax.nodes"], "same_core", True, **numbers)


def _real_cores(printed: Numbers) -> Findings:
    """The innermost core of a real snapshot as of the study's month (`data/real_cores.csv`), beside Table 6's."""
    rows = pd.read_csv(paths.DATA / "real_cores.csv")
    names = ("k", "nodes", "edges", "acc")
    for k, nodes, edges, acc in printed.where(*(f"rq2.all.kmax.{name}" for name in names)):
        without, with_bots = (rows[rows["bots"] == bots].iloc[0] for bots in ("exclude", "all but system"))
        numbers = {name: int(without[name]) for name in ("k", "nodes", "edges")} | {"acc": float(without["acc"])}
        agree = acc.holds(Fraction(str(without["acc"])))
        yield on(acc, "real_cores.clustering", agree or None, snapshot=str(without["snapshot"]), **numbers)
        same = tuple(int(with_bots[name]) for name in names[:3]) == (k.value, nodes.value, edges.value)
        deepest = printed["rq2.nlp.kmax.k"].text if "rq2.nlp.kmax.k" in printed else "none"
        shown = f"k = {k.text}, {nodes.text} nodes, {edges.text} edges"
        found = {name: int(with_bots[name]) for name in names[:3]} | {"acc": float(with_bots["acc"]), "nlp": deepest}
        found["without"] = int(without["k"])
        yield Finding("real_cores.bots", nodes.id, nodes.place, shown, True if same else None, found)


# --- Tables 2-4 -------------------------------------------------------------------------------------------------------


def _spread(printed: Numbers) -> Findings:
    """Standard deviation between what the maximum alone forces and what mean and maximum allow.

    With n values from min to max, (max - mean)^2 n/(n-1)^2 <= s^2 <= (max - mean)(mean - min) n/(n-1).
    """
    for prefix, n in printed.distributions():
        for mean, std, top, least in printed.where(*(f"{prefix}.{name}" for name in ("mean", "std", "max", "min"))):
            if n > 1:
                # Counts print their extremes exactly; mean and deviation are rounded.
                floor = float(max(top.value - mean.high, 0)) * math.sqrt(n) / (n - 1)
                room = max(float((top.value - mean.low) * (mean.high - least.value)), 0.0)
                ceiling = math.sqrt(room * n / (n - 1))
                within = floor <= std.high and std.low <= ceiling
                yield on(std, "spread", within, top=top.text, n=n, floor=floor, ceiling=ceiling)


def _means(printed: Numbers) -> Findings:
    """The mean is at least what quartiles and maximum force on values that are not negative (Tables 2-4)."""
    for prefix, n in printed.distributions():
        for mean, top, *quartiles in printed.where(f"{prefix}.mean", f"{prefix}.max", *_quartiles(prefix)):
            floor = (_floor_sum(quartiles, n, n - 1) + top.value) / n
            yield on(mean, "mean", mean.high >= floor, floor=floor)


def _quartiles(prefix: str) -> list[str]:
    return [f"{prefix}.{name}" for name in ("min", "q25", "q50", "q75")]


def _floor_sum(quartiles: list[Printed], n: int, first: int) -> Fraction:
    """Least sum of the `first` smallest of n values with this minimum and these (interpolated) quartiles."""
    starts = [0, *(math.ceil(Fraction(part * (n - 1), 4)) for part in (1, 2, 3)), n]
    spans = [max(min(end, first) - start, 0) for start, end in itertools.pairwise(starts)]
    return sum((cell.value * span for cell, span in zip(quartiles, spans, strict=True)), Fraction(0))


def _unions(printed: Numbers) -> Findings:
    """n_community lies between the larger of committers and starters and their sum (Section 3.3)."""
    for kind in PLURAL.values():
        for statistic in ("mean", "max"):
            variables = ("n_community", "n_committers", "n_disc_starters")
            for cells in printed.where(*(f"rq1.{kind}.{variable}.{statistic}" for variable in variables)):
                exact = statistic == "max"  # a maximum of counts is printed exactly
                union, *parts = ((c.value, c.value) if exact else (c.low, c.high) for c in cells)
                low, high = max(part[0] for part in parts), sum(part[1] for part in parts)
                yield on(cells[0], "union.parts", union[1] >= low and union[0] <= high, low=low, high=high)
        for starters, discussions in printed.where(
            f"rq1.{kind}.n_disc_starters.mean", f"rq1.{kind}.n_discussions.mean"
        ):
            yield on(starters, "union.starters", starters.low <= discussions.high, most=discussions.text)


def _zero_shares(printed: Numbers) -> Findings:
    """Zero shares beside quartiles and means of counts (Section 4.1.1 and Tables 2-4)."""
    for prefix, n in printed.distributions():
        for (share,) in printed.where(f"{prefix}.zero_share"):
            for position, name in enumerate(_quartiles(prefix)[1:], start=1):
                for (quartile,) in printed.where(name):
                    yield _quartile_of_zeros(quartile, share, n, position)
            floor = 1 - share.high
            for (mean,) in printed.where(f"{prefix}.mean"):
                yield on(mean, "zeros.mean", mean.high >= floor, floor=floor)
            for (mean,) in printed.where(prefix.replace("n_discussions", "n_disc_starters") + ".mean"):
                if prefix.endswith("n_discussions"):
                    yield on(mean, "starters", mean.high >= floor, share=100 * (1 - share.value), floor=floor)


def _quartile_of_zeros(quartile: Printed, share: Printed, n: int, position: int) -> Finding:
    """A quartile is 0 if the zeros reach past it, and at least 1 if they end before it."""
    place = Fraction(position * (n - 1), 4)
    needs, consistent = "0 or more", quartile.value >= 0
    if math.floor(share.high * n) <= math.floor(place):
        needs, consistent = "1 or more", quartile.value >= 1
    elif math.ceil(share.low * n) > math.ceil(place):
        needs, consistent = "0", quartile.value == 0
    return on(quartile, "zeros.quartile", consistent, zeros=100 * share.value, below=25 * position, needs=needs)


def _concentration(printed: Numbers) -> Findings:
    """Outside the most active share that holds 80 % (99 %), enough must be left (Section 4.1.1)."""
    for prefix, n in printed.distributions():
        for percent in (80, 99):
            for share, mean in printed.where(f"{prefix}.share_for_{percent}", f"{prefix}.mean"):
                outside = math.floor(n * max(1 - share.high, 0))
                least = Fraction(0)
                for (zeros,) in printed.where(f"{prefix}.zero_share"):
                    least = Fraction(max(outside - math.ceil(zeros.high * n), 0))
                for quartiles in printed.where(*_quartiles(prefix)):
                    least = max(least, _floor_sum(quartiles, n, outside))
                left = Fraction(100 - percent, 100) * mean.high * n
                numbers = {"percent": 100 - percent, "least": least / n, "left": left / n}
                yield on(share, "concentration", least <= left, **numbers)


def _single(printed: Numbers) -> Findings:
    """What "one contributor in 87 %" leaves for 0 and for 2 or more, given mean and deviation (4.1.1)."""
    for one, mean, std in printed.where(*(f"rq1.models.n_committers.{name}" for name in ("one_share", "mean", "std"))):
        # With a share of ones, the rest of the mean comes from values x >= 2, for which x <= x^2/2.
        least_rest, most_rest = mean.low - one.high, mean.high - one.low
        squares = std.high**2 + mean.high**2 - one.low
        none = max(Fraction(0), 1 - (one.high + mean.high) / 2)
        consistent = most_rest >= 0 and squares >= 2 * least_rest and none <= 1 - one.low
        yield on(one, "single", consistent, none=100 * none)


def _downloads(printed: Numbers) -> Findings:
    """Models with more than a million downloads beside the total (Section 5.2.3, Table 2)."""
    names = [f"rq1.models.n_downloads.{name}" for name in ("count_over_1000000", "mean", "max")]
    for count, mean, top, models in printed.where(*names, "rq1.models.count"):
        total = mean.high * models.value
        least = (count.value - 1) * MILLION + top.value
        yield on(count, "downloads", least <= total, least=least, total=total)


def grim(mean: Printed, n: int, *, step: int = 1) -> bool | None:
    """Whether `n` whole counts (their total a multiple of `step`) can have the printed mean.

    None where every mean is possible: the spacing step/n is no wider than the printed digit leaves open.
    """
    if Fraction(step, n) <= mean.high - mean.low:
        return None
    return math.floor(mean.high * n / step) >= math.ceil(mean.low * n / step)


def _whole_totals(printed: Numbers) -> Findings:
    """Means of counts that no whole total gives (GRIM), where n is small enough to tell."""
    blunt: dict[tuple[str, int], list[Printed]] = {}
    for prefix, n in printed.distributions():
        for (mean,) in printed.where(f"{prefix}.mean"):
            possible = grim(mean, n)
            if possible is None:
                blunt.setdefault((prefix.rsplit(".", 1)[0], n), []).append(mean)
            else:
                yield on(mean, "whole_total.tested", possible, n=n, nearest=Fraction(round(mean.value * n), n))
    for (prefix, n), means in blunt.items():
        widest = min(mean.high - mean.low for mean in means)
        shown, table = ", ".join(mean.text for mean in means), means[0].place.split(",")[0]
        yield Finding("whole_total.blunt", prefix, table, shown, None, {"n": n, "values": 1 / widest})


# --- Sections 4.1.3, 4.2 and 4.3 --------------------------------------------------------------------------------------


def _license_shares(printed: Numbers) -> Findings:
    """Licence shares sum to no more than one (Section 4.1.3)."""
    for kind in PLURAL.values():
        name = f"rq1.{kind}.license_share"
        if shares := [cell for key, cell in printed.items() if key.startswith(f"{name}.")]:
            agree = sum(cell.low for cell in shares) <= 1
            shown, total = ", ".join(cell.text for cell in shares), sum(cell.value for cell in shares)
            yield Finding("licenses", name, shares[0].place, shown, agree, {"total": total})


def _left_out(printed: Numbers) -> Findings:
    """Models left out for a rare licence need so many of these (Section 3.5)."""
    names = ("rq1.models.count", "rq1.models.grouped.count", "rq1.models.grouped.min_repositories")
    for models, grouped, least in printed.where(*names):
        left, most = models.value - grouped.value, least.value - 1
        numbers = {"left": left, "least": least.text, "licences": math.ceil(left / most)}
        yield on(grouped, "left_out", left >= 0, **numbers)


def _organisations(printed: Numbers) -> Findings:
    """The organisations that Section 4.3.2 lists, their number and their joint share."""
    for network, names in LISTED.items():
        base = f"rq3.all.{network}.top100"
        for cells in printed.where(*(f"{base}.organisation.{name}" for name in names)):
            counts = [cell.value for cell in cells]
            for (said,) in printed.where(f"{base}.leading_count"):
                yield on(said, "organisations.number", said.value == len(names), listed=len(names))
            for (share,) in printed.where(f"{base}.leading_share"):
                yield _joint_share(printed, share, base, counts)


def _joint_share(printed: Numbers, share: Printed, base: str, counts: list[Fraction]) -> Finding:
    """The share of those listed; where fewer are said to have it, that of so many, and with the user beside them."""
    form, numbers = "share", {"share": sum(counts) / 100, "listed": len(counts)}
    for (said,) in printed.where(f"{base}.leading_count"):
        if said.value < len(counts):
            first = sum(counts[: int(said.value)])
            form, numbers = "share_of_fewer", numbers | {"first": first / 100, "said": said.text}
            for (user,) in printed.where(f"{base}.organisation.nitrosocke"):
                form, numbers = "share_with_a_user", numbers | {"with_user": (first + user.value) / 100}
    return on(share, f"organisations.{form}", share.holds(numbers["share"]), **numbers)


def _usage(printed: Numbers) -> Findings:
    """Usage counts of one model in several networks, and the largest beside the maximum (Section 4.3)."""
    models = printed.rows[printed.rows["id"].str.fullmatch(r"rq3\.\w+\.usage\.top\.\d+\.model")]
    tops = {
        (name.split(".")[1], model): name.replace(".model", ".spaces")
        for name, model in zip(models["id"], models["value"], strict=True)
    }
    for (field, model), name in tops.items():
        for spaces, whole in printed.where(name, tops.get(("all", model), "")) if field != "all" else ():
            yield on(spaces, "usage.same_model", spaces.value == whole.value, model=model, spaces=whole.text)
    for field in SUBFIELDS:
        for size, top in printed.where(f"rq3.{field}.usage.models", f"rq3.{field}.usage.top.1.spaces"):
            yield on(size, "spaces", size.value >= top.value, spaces=top.text)
    for (said,) in printed.where("rq3.all.usage.degree.count_from_1000"):
        named = {model for (_, model), name in tops.items() for (top,) in printed.where(name) if top.value >= 1000}
        yield on(said, "usage.popular", len(named) <= said.value, named=len(named))


def _first(printed: Numbers) -> Findings:
    """The first of a ranking holds the maximum (Sections 4.1.1, 4.3.1; Table 2)."""
    for names in (
        ("rq1.models.n_committers.top.1.committers", "rq1.models.n_committers.max"),
        ("rq3.all.usage.top.1.spaces", "rq3.all.usage.degree.max"),
    ):
        for first, most in printed.where(*names):
            yield equals(first, "first", most.value)


def _community_note(printed: Numbers) -> Findings:
    """The note that n_community leaves out the creator, beside its quartiles (Tables 2-4)."""
    for kind in PLURAL.values():
        for (quartile,) in printed.where(f"rq1.{kind}.n_community.q25"):
            if quartile.value >= 1:
                yield on(quartile, "community_note", None)


def _centrality(printed: Numbers) -> Findings:
    """Mean PageRank = 1/N, mean degree = 2E/N (Section 4.2.1 and Table 6)."""
    for nodes, edges in printed.where("rq2.all.k1.nodes", "rq2.all.k1.edges"):
        for (degree,) in printed.where("rq2.all.degree.mean"):
            yield equals(degree, "centrality.degree", 2 * edges.value / nodes.value)
        for (rank,) in printed.where("rq2.all.pagerank.mean"):
            yield equals(rank, "centrality.pagerank", 1 / nodes.value)


# --- Table 5 ----------------------------------------------------------------------------------------------------------

TESTS = "rq1.models.mannwhitney"


class Solved(NamedTuple):
    """Sizes of the licence groups, the fit's root mean square residual, and the bounds on the permissive group."""

    permissive: float
    restrictive: float
    none: int
    residual: float
    permissive_low: float
    permissive_high: float


def _solved(printed: Numbers, tested: Compared) -> Solved:
    permissive, restrictive, residual = groups.group_sizes(tested.u, total=tested.total, none=tested.none)
    models = int(printed["rq1.models.count"].value)
    nonzero = {
        variable: (float((1 - share.high) * models), float((1 - share.low) * models))
        for variable in tested.u.index
        for (share,) in printed.where(f"rq1.models.{variable}.zero_share")
    }
    low, high = groups.size_bounds(tested, permissive, models=models, nonzero=nonzero)
    return Solved(permissive, restrictive, tested.none, residual, low, high)


def _openrail(printed: Numbers, sizes: Solved) -> Findings:
    """Apache, MIT and openrail together beside the permissive group (Sections 4.1.3, 5.2.2; Table 5)."""
    shares = (f"rq1.models.license_share.{name}" for name in ("apache-2.0", "mit", "openrail"))
    for models, unlicensed, *parts in printed.where("rq1.models.count", "rq1.models.unlicensed_share", *shares):
        least = sum(part.low for part in parts) * (1 - unlicensed.high) * models.value
        decided = least > max(sizes.permissive, sizes.permissive_high)
        numbers = {"least": math.floor(least), "permissive": round(sizes.permissive), "high": round(sizes.permissive_high)}
        yield on(parts[-1], "openrail", True if decided else None, **numbers)


def _orders(tested: Compared) -> list[Order]:
    """The claimed order for every number of models without a licence that the printed share allows."""
    (low, high), least_u = tested.none_bounds, tested.u.min()
    return [groups.claimed_order(least_u, total=tested.total, none=none) for none in range(low, high + 1)]


def _groups(printed: Numbers) -> Findings:
    """Group sizes behind Table 5, and the order of the groups that Section 4.1.3 claims."""
    if not (tested := groups.compared(printed)):
        return
    sizes = _solved(printed, tested)
    yield _order_claim(tested)
    alone = groups.sizes_from_u(tested.u)
    yield Finding("groups.sizes_from_u", f"{TESTS}.sizes_from_u", "Table 5", f"none {digits(sizes.none)}", None, alone)
    # An estimate outside the bounds would speak against its assumption, not against the printed values.
    low, high = sizes.permissive_low, sizes.permissive_high
    form = "groups.sizes" if low <= high else "groups.no_sizes"
    consistent = False if low > high else True if low <= sizes.permissive <= high else None
    numbers = {
        "permissive": round(sizes.permissive),
        "restrictive": round(sizes.restrictive),
        "residual": sizes.residual,
    }
    numbers |= {"low": round(low), "high": round(high)} if low <= high else {}
    yield Finding(form, f"{TESTS}.sizes", "Table 5", f"none {digits(sizes.none)}", consistent, numbers)
    yield from _openrail(printed, sizes)
    yield from _superiority(printed, tested, sizes)
    yield _p_values(tested, sizes)


def _order_claim(tested: Compared) -> Finding:
    orders = _orders(tested)
    possible = any(order.possible for order in orders)
    tightest = min(orders, key=lambda order: order.least - order.most)
    numbers = {"least": tightest.least, "most": tightest.most}
    more, least_u = range(tested.none_bounds[0], tested.total), tested.u.min()
    needed = next((n for n in more if groups.claimed_order(least_u, total=tested.total, none=n).possible), None)
    form = "groups.order" if possible or not needed else "groups.order_excluded"
    claim = "24 comparisons, one order"
    return Finding(form, f"{TESTS}.order", "§4.1.3", claim, possible, numbers | {"needed": needed})


def _superiority(printed: Numbers, tested: Compared, sizes: Solved) -> Findings:
    low, high, licensed = sizes.permissive_low, sizes.permissive_high, tested.licensed
    tried = [sizes.permissive, *([low, high] if low <= high else [])]
    tried += [licensed / 2] if low < licensed / 2 < high else []
    values = [groups.superiorities(tested.u, p, licensed - p, tested.none) for p in tried]
    for variable in tested.u.index:
        for comparison in COMPARISONS:
            estimate, *_ = found = [value.loc[variable, comparison] for value in values]
            lowest, highest = min(found), max(found)
            decided = low <= high and (lowest > 0.5 or highest < 0.5)
            cell = printed[f"{TESTS}.{variable}.{comparison}.u"]
            numbers = {"estimate": estimate, "lowest": lowest, "highest": highest}
            place, name = f"{cell.place}; §4.1.3", cell.id.removesuffix(".u")
            yield Finding("superiority", name, place, cell.text, lowest > 0.5 if decided else None, numbers)


def _p_values(tested: Compared, sizes: Solved) -> Finding:
    values = groups.superiorities(tested.u, sizes.permissive, sizes.restrictive, sizes.none)
    counts = dict(zip(GROUPS, sizes[:3], strict=True))
    # Ties only make the deviation of U smaller, so the formula without ties gives the least |z|.
    deviations = [math.sqrt((counts[a] + counts[b] + 1) / (12 * counts[a] * counts[b])) for a, b in PAIRS]
    least = float(((values[list(COMPARISONS)] - 0.5).abs() / deviations).min().min())
    significant = least > NormalDist().inv_cdf(1 - 0.0005)
    return Finding("groups.p", f"{TESTS}.p", "Table 5; §4.1.3", "p < 0.001", significant, {"least": least})


CHECKS = (
    _sizes, _reciprocity, _modularity, _assortativity, _nested, _rich_club, _clique_degrees, _same_core, _real_cores,
    _ranges, _repeats, _shares, _people, _isolates,
    _spread, _means, _unions, _zero_shares, _concentration, _single, _downloads, _whole_totals, _license_shares, _left_out,
    _organisations, _usage, _first, _community_note, _centrality, _groups,
)  # fmt: skip
