"""Do the study's printed numbers agree with one another? No data is needed to ask.

Identities, bounds and whole-number arithmetic on Tables 2-9 and the text; group sizes solved from Table 5.
A finding is False only where no data at all could give the printed values, under the assumption it names.
"""

import math
import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from analysis.study.published import LISTED, UNDEFINED, load

COLUMNS = ("id", "place", "statement", "published", "derived", "consistent", "assumption")
KINDS = ("models", "datasets", "spaces")
FIELDS = ("all", "cv", "nlp", "mm")
SUBFIELDS = FIELDS[1:]
PROMPTED = ("same_repository", "real_names")  # the two rounds of name matching that count rejected pairs too
VARIABLES = (
    "n_likes", "n_discussions", "n_disc_starters", "n_commits", "n_committers", "n_community", "n_downloads",
)  # fmt: skip
PAIRS = ("permissive_vs_restrictive", "permissive_vs_none", "restrictive_vs_none")
TOP_SHARE = Fraction(1, 10)
ARCC_COLUMNS = (
    "id", "place", "published", "nodes", "edges", "top", "needed", "allowed", "floor", "ceiling", "nearest",
    "attainable",
)  # fmt: skip
# Each share with the two counts that make it, and where it is printed.
SHARES = (
    ("rq2.people.same_repository.accepted_share", "rq2.people.same_repository.accepted",
     "rq2.people.same_repository.compared"),
    ("rq2.people.real_names.accepted_share", "rq2.people.real_names.accepted",
     "rq2.people.real_names.compared"),
    ("rq2.people.central.developer_share", "rq2.people.central.developers", "rq2.people.developers"),
    ("rq1.models.grouped.share", "rq1.models.grouped.count", "rq1.models.count"),
)  # fmt: skip
_ROUNDING = "printed decimals are correctly rounded"
_CLUB = (
    "R is every node whose degree reaches that of the last of the top 10 %, on the row's own graph; k counts "
    "in-edges and out-edges, as 26 among 14 nodes shows"
)


class Printed(NamedTuple):
    """A printed number: its value, the interval that its decimals leave open, and where it stands."""

    value: Fraction
    low: Fraction
    high: Fraction
    text: str
    place: str


def findings(published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every check of the printed values, one row each.

    Columns: id, place, statement, published, derived, consistent (True, False; missing where the printed
    values do not decide), assumption. A check whose values are not in `published` gives no row.
    """
    published = load() if published is None else published
    rows = [row for check in CHECKS for row in check(published)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"consistent": "boolean"})


def impossible(published: pd.DataFrame | None = None) -> dict[str, str]:
    """id -> one sentence why the printed value cannot come from its own definition (ARCC, assortativity)."""
    published = load() if published is None else published
    rows = [*check_rich_club(published), *check_assortativity(published)]
    return {row["id"].split(".", 1)[1]: row["statement"] for row in rows if row["consistent"] is False}


def counts(found: pd.DataFrame) -> dict[str, int]:
    """How many `findings` there are, as `<check>.<outcome>`, and as `checks.<outcome>` over all checks.

    Outcomes: total, consistent, contradicted, undecided.
    """
    check = found["id"].str.split(".").str[0]
    outcomes = pd.DataFrame(
        {
            "total": True,
            "consistent": found["consistent"].fillna(False),
            "contradicted": ~found["consistent"].fillna(True),
            "undecided": found["consistent"].isna(),
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
    published = load() if published is None else published
    found = {}
    fit = _fit(published)
    if fit is not None:
        u, total, bounds, sizes = fit
        tightest = min(_order_attempts(u, total, bounds), key=lambda attempt: attempt["least"] - attempt["most"])
        found |= {f"groups.{name}": round(size) for name, size in sizes.items() if name != "residual"}
        found |= {f"order.{name}": round(tightest[name]) for name in ("least", "most")}
    clubs = arcc_bounds(published).set_index("id")
    if "rq2.all.k1.arcc" in clubs.index:
        found |= {f"whole.{name}": int(clubs.loc["rq2.all.k1.arcc", name]) for name in ("top", "needed", "allowed")}
    shares = _isolate_shares(numbers(published))
    if shares is not None:
        low, high, most = shares
        found |= {
            "isolates.low.share": float(low),
            "isolates.high.share": float(high),
            "isolates.most_developers": most,
        }
    return found


def numbers(published: pd.DataFrame) -> dict[str, Printed]:
    """id -> the most precise exact number printed for it (operator "=")."""
    exact = published[published["operator"].eq("=") & published["id"].ne("") & published["decimals"].notna()]
    cells = zip(exact["id"], exact["value"], exact["decimals"], exact["place"], strict=True)
    found: dict[str, Printed] = {}
    # Sorting is stable, so among equally precise printings the first counts.
    for name, value, decimals, place in sorted(cells, key=lambda cell: -cell[2]):
        if name not in found:
            found[name] = _printed(value, decimals, place)
    return found


# --- Tables 6-9 -------------------------------------------------------------------------------------------


def check_sizes(published: pd.DataFrame) -> list[dict]:
    """AD = 2E/N, DENS = E/(N(N-1)) and E <= N(N-1), least degree k (Tables 6-9)."""
    printed = numbers(published)
    rows = []
    for core in _cores(printed):
        nodes, edges = _size(printed, core)
        pairs = nodes * (nodes - 1)
        if f"{core}.ad" in printed:
            degree = Fraction(2 * edges, nodes)
            rows.append(_exact("average_degree", f"{core}.ad", printed, degree, "AD is 2E/N."))
        if f"{core}.dens" in printed and pairs:
            density = Fraction(edges, pairs)
            rows.append(_exact("density", f"{core}.dens", printed, density, "DENS is E/(N(N-1))."))
        if f"{core}.k" in printed:
            k = int(printed[f"{core}.k"].value)
            rows.append(_core_size(core, printed, k, nodes, edges, pairs))
    return rows


def check_reciprocity(published: pd.DataFrame) -> list[dict]:
    """RECIP is an even number of edges over E, and few missing edges leave few unanswered (Tables 6-9)."""
    printed = numbers(published)
    rows = []
    for core in _cores(printed):
        name = f"{core}.recip"
        if name not in printed:
            continue
        nodes, edges = _size(printed, core)
        if not 0 < edges <= nodes * (nodes - 1):
            continue
        gaps = nodes * (nodes - 1) - edges
        # An unanswered edge is one empty place; so are, two by two, the pairs without any edge.
        possible = [edges - single for single in range(gaps % 2, min(gaps, edges) + 1, 2)]
        possible = [mutual for mutual in possible if mutual % 2 == 0]
        fits = [mutual for mutual in possible if _within(Fraction(mutual, edges), printed[name])]
        derived = f"{fits[0]} of {edges}" if fits else f"no even number of {edges} edges"
        rows.append(
            _finding(
                "reciprocity",
                name,
                printed,
                derived,
                bool(fits),
                "Mutual edges come in twos, and each unanswered edge leaves one place empty.",
            )
        )
    return rows


def check_modularity(published: pd.DataFrame) -> list[dict]:
    """MOD <= 1 - 1/COM, so one community means 0 (Tables 6-9)."""
    printed = numbers(published)
    rows = []
    for core in _cores(printed):
        if {f"{core}.mod", f"{core}.com"} <= printed.keys():
            ceiling = 1 - 1 / printed[f"{core}.com"].value
            rows.append(
                _finding(
                    "modularity",
                    f"{core}.mod",
                    printed,
                    f"at most {_show(ceiling)}",
                    printed[f"{core}.mod"].low <= ceiling,
                    "A partition into COM parts has a modularity of at most 1 - 1/COM.",
                )
            )
    return rows


def check_assortativity(published: pd.DataFrame) -> list[dict]:
    """ASS is undefined exactly where the out-degrees or the in-degrees are all equal (Tables 6-9).

    Out-degrees sum to E. If fewer than N-1 edges are missing no node is without out-edges, so equal
    out-degrees need E to be a multiple of N; the same holds for in-degrees.
    """
    printed = numbers(published)
    undefined = published[published["value"].isin(UNDEFINED)].set_index("id")["place"]
    rows = []
    for core in _cores(printed):
        name = f"{core}.ass"
        nodes, edges = _size(printed, core)
        gaps = nodes * (nodes - 1) - edges
        if name in undefined.index:
            statement, derived, consistent = (
                "Equal degrees leave the coefficient undefined.",
                "undefined",
                None,
            )
            if gaps == 0:
                consistent = True
            elif gaps < nodes - 1 and edges % nodes:
                consistent, derived = False, "defined"
                statement = (
                    f"{edges} edges cannot be spread evenly over {nodes} nodes, so the degrees differ and "
                    "the coefficient is defined."
                )
            place = undefined[name]
            rows.append(_row("assortativity", name, place, statement, "undefined", derived, consistent))
        elif name in printed and gaps == 0:
            statement = "In a complete graph all degrees are equal, so the coefficient is undefined."
            rows.append(_finding("assortativity", name, printed, "undefined", False, statement))
    return rows


def check_cores(published: pd.DataFrame) -> list[dict]:
    """Cores are nested, and a sub-field's core lies within that of all models (Tables 6-9)."""
    printed = numbers(published)
    rows = []
    for field in FIELDS:
        sizes = sorted((k, *_size(printed, core)) for core, k in _levels(printed, field).items())
        if len(sizes) > 1:
            nested = all(a[1] >= b[1] and a[2] >= b[2] for a, b in zip(sizes, sizes[1:], strict=False))
            shown = ", ".join(f"k={k}: {nodes}/{edges}" for k, nodes, edges in sizes)
            rows.append(
                _row(
                    "nested",
                    f"rq2.{field}",
                    printed[f"rq2.{field}.k1.nodes"].place.split(",")[0],
                    "A core of a higher k lies within the one before.",
                    shown,
                    "falling",
                    nested,
                )
            )
    whole = {k: _size(printed, core) for core, k in _levels(printed, "all").items()}
    for field in SUBFIELDS:
        for core, k in _levels(printed, field).items():
            if k in whole:
                nodes, edges = _size(printed, core)
                rows.append(
                    _finding(
                        "subset",
                        f"{core}.nodes",
                        printed,
                        f"at most {whole[k][0]} nodes, {whole[k][1]} edges",
                        nodes <= whole[k][0] and edges <= whole[k][1],
                        "A sub-field's network is part of the whole, so its k-core is too.",
                    )
                )
    return rows


def arcc_bounds(published: pd.DataFrame) -> pd.DataFrame:
    """Bounds on the rich-club coefficient phi = E_R/(N_R(N_R-1)) of each row of Tables 6-9.

    R holds at least the top 10 % of the nodes (rounded down, at least two); ties can make it larger.
    Floor: the N(N-1) - E missing edges could all lie within R. Ceiling: outside the next printed core a node
    has core number k' - 1 or less, so it brings at most k' - 1 edges into R, and no layer brings more edges
    than the difference between two rows of the table; the innermost layer brings at most x(x-1).

    Columns: id, place, published, nodes, edges, top (least size of R), needed (edges among `top` nodes for
    the printed value), allowed (most edges among them), floor, ceiling, nearest (possible coefficient),
    attainable.
    """
    printed = numbers(published)
    rows = []
    for field in FIELDS:
        levels = sorted(_levels(printed, field).items(), key=lambda item: item[1])
        for position, (core, _) in enumerate(levels):
            if f"{core}.arcc" in printed:
                inner = [(k, *_size(printed, name)) for name, k in levels[position:]]
                rows.append(_arcc_row(f"{core}.arcc", printed[f"{core}.arcc"], inner))
    return pd.DataFrame(rows, columns=list(ARCC_COLUMNS))


def check_rich_club(published: pd.DataFrame) -> list[dict]:
    """Whether each printed ARCC can come from its definition (Table 1), given the table's sizes."""
    rows = []
    for bound in arcc_bounds(published).to_dict("records"):
        derived = " to ".join(dict.fromkeys(_show(bound[end]) for end in ("floor", "ceiling")))
        if not bound["attainable"] and bound["floor"] < bound["ceiling"]:
            derived += f"; nearest {_show(bound['nearest'])}"
        name, place, text = bound["id"], bound["place"], bound["published"]
        attainable = bool(bound["attainable"])
        rows.append(_row("rich_club", name, place, _club(bound), text, derived, attainable, _CLUB))
    return rows


def _club(bound: dict) -> str:
    pairs = bound["nodes"] * (bound["nodes"] - 1)
    gaps = pairs - bound["edges"]
    if bound["attainable"]:
        return f"{bound['top']} or more nodes of highest degree can have this coefficient."
    if gaps == 0:
        return (
            f"All {pairs} edges between the {bound['nodes']} nodes exist, so the coefficient is 1, "
            f"not {bound['published']}."
        )
    if bound["needed"] > bound["allowed"]:
        return (
            f"A coefficient of {bound['published']} among the {bound['top']} nodes of highest degree needs "
            f"{bound['needed']} edges between them, the nested cores allow {bound['allowed']}, and more "
            "nodes need still more."
        )
    return (
        f"With {gaps} of {pairs} possible edges missing, no set of nodes has a coefficient of "
        f"{bound['published']}; the nearest is {_show(bound['nearest'])}."
    )


# --- Sections 4.2.1 and 4.2.2 beside the tables -----------------------------------------------------------


def check_ranges(published: pd.DataFrame) -> list[dict]:
    """The ranges in the text beside the tables; AD "reaching" the largest k (Sections 4.2.1, 4.2.2)."""
    printed = numbers(published)
    groups = {f"rq2.all.{m}": [f"{c}.{m}" for c in _levels(printed, "all")] for m in ("recip", "ass", "arcc")}
    groups["rq2.fields.k1.recip"] = [f"rq2.{field}.k1.recip" for field in SUBFIELDS]
    rows = []
    for name, members in groups.items():
        cells = [printed[member] for member in members if member in printed]
        for end, choose in (("min", min), ("max", max)):
            if cells and f"{name}.{end}" in printed:
                value = choose(cell.value for cell in cells)
                rows.append(_exact("range", f"{name}.{end}", printed, value, "The range is that of the table."))
    for field in SUBFIELDS:
        degree, k = (printed.get(f"rq2.{field}.kmax.{measure}") for measure in ("ad", "k"))
        if degree and k:
            rows.append(
                _row(
                    "reaches_k",
                    f"rq2.{field}.kmax.ad",
                    "§4.2.2",
                    "The average degree reaches the largest k.",
                    k.text,
                    degree.text,
                    _within(k.value, degree),
                )
            )
    return rows


def check_repeats(published: pd.DataFrame) -> list[dict]:
    """Values printed more than once agree within their decimals, and with "over" and "under"."""
    rows = []
    named = published[(published["id"] != "") & published["decimals"].notna() & (published["operator"] != "about")]
    for name, group in named.groupby("id", sort=True):
        if len(group) > 1:
            cells = group.to_dict("records")
            exact = [
                _printed(cell["value"], cell["decimals"], cell["place"]) for cell in cells if cell["operator"] == "="
            ]
            low, high = max((p.low for p in exact), default=None), min((p.high for p in exact), default=None)
            if low is None:
                continue
            agree = low <= high and all(_holds(cell, low, high) for cell in cells)
            rows.append(
                _row(
                    "repeated",
                    name,
                    "; ".join(cell["place"] for cell in cells),
                    "One quantity, printed more than once.",
                    ", ".join(f"{cell['operator']} {cell['value']}" for cell in cells),
                    f"{_show(low)} to {_show(high)}" if low <= high else "no common value",
                    agree,
                    _ROUNDING,
                )
            )
    return rows


# --- Developers, Section 3.4 ------------------------------------------------------------------------------


def check_shares(published: pd.DataFrame) -> list[dict]:
    """Shares beside the counts they are made of (Sections 3.4, 3.5)."""
    printed = numbers(published)
    rows = []
    for share, part, whole in SHARES:
        if {share, part, whole} <= printed.keys():
            count, total = printed[part].value, printed[whole].value
            row = _exact("share", share, printed, count / total, f"The share is {count} of {total}.")
            if not row["consistent"]:
                row["derived"] += f"; {_whole_that_fits(count, printed[share])}"
            rows.append(row)
    return rows


def check_people(published: pd.DataFrame) -> list[dict]:
    """Names before and after merging, and accepted pairs (Sections 3.4 and 5.3.2)."""
    printed = numbers(published)
    value = {key.removeprefix("rq2.people."): p.value for key, p in printed.items() if "rq2.people." in key}
    rows = []
    if {"developers", "real_names.names", "real_names.usernames"} <= value.keys():
        total = value["real_names.names"] + value["real_names.usernames"]
        before = value["developers"]
        after = before - value.get("same_repository.accepted", 0)
        rows.append(
            _finding(
                "people",
                "rq2.people.developers",
                printed,
                f"{total} names compared; {after} left after the first merges",
                total in (before, after),
                "Real names and remaining names are all names, before or after the first merges.",
                "a merge removes one name",
            )
        )
    accepted = [value.get(f"{part}.accepted") for part in (*PROMPTED, "central")]
    if "merged" in value and None not in accepted:
        rows.append(
            _finding(
                "people",
                "rq2.people.merged",
                printed,
                f"at most {sum(accepted)}",
                value["merged"] <= sum(accepted),
                "Merged names are the accepted pairs less duplicates.",
            )
        )
    if "central.developers" in value and "rq2.all.k10.nodes" in printed:
        least = printed["rq2.all.k10.nodes"].value
        rows.append(
            _finding(
                "people",
                "rq2.people.central.developers",
                printed,
                f"at least {least}",
                value["central.developers"] >= least,
                "Everyone in the 10-core has a degree of 10 or more.",
            )
        )
    parts = [f"{part}.{end}" for part in PROMPTED for end in ("compared", "accepted")]
    if "rejected" in value and all(part in value for part in parts):
        refused = sum(value[part] * (1 if part.endswith("compared") else -1) for part in parts)
        rows.append(
            _finding(
                "people",
                "rq2.people.rejected",
                printed,
                f"at most {refused}",
                value["rejected"] <= refused,
                "Rejected for want of evidence: at most all pairs compared and not accepted.",
            )
        )
    return rows


def check_isolates(published: pd.DataFrame) -> list[dict]:
    """Share of isolates = 1 - connected developers / all developers (Sections 3.4, 4.2.1)."""
    printed = numbers(published)
    shares = _isolate_shares(printed)
    if shares is None:
        return []
    low, high, most = shares
    share = printed["rq2.all.isolate_share"]
    derived = f"{_show(low)} to {_show(high)}; the printed share needs {most} developers or fewer"
    return [
        _finding(
            "isolates",
            "rq2.all.isolate_share",
            printed,
            derived,
            share.low <= high and low <= share.high,
            "The developers outside the 1-core are the isolates.",
            "the developers are those of §3.4, before or after merging; bots removed are few",
        )
    ]


def _isolate_shares(printed: dict[str, Printed]) -> tuple[Fraction, Fraction, int] | None:
    """Least and largest share that the counts of developers give; the most developers the printed share allows."""
    names = ("rq2.all.isolate_share", "rq2.all.k1.nodes", "rq2.people.developers")
    if not set(names) <= printed.keys():
        return None
    share, connected, developers = (printed[name] for name in names)
    merged = printed["rq2.people.merged"].value if "rq2.people.merged" in printed else Fraction(0)
    low, high = (1 - connected.value / total for total in (developers.value - merged, developers.value))
    return low, high, math.floor(connected.value / (1 - share.high))


# --- Tables 2-4 -------------------------------------------------------------------------------------------


def check_spread(published: pd.DataFrame) -> list[dict]:
    """Standard deviation between what the maximum alone forces and what mean and maximum allow.

    With n values from min to max, (max - mean)^2 n/(n-1)^2 <= s^2 <= (max - mean)(mean - min) n/(n-1).
    """
    printed = numbers(published)
    rows = []
    for prefix, n in _distributions(printed):
        parts = [printed.get(f"{prefix}.{name}") for name in ("mean", "std", "max", "min")]
        if None in parts or n < 2:
            continue
        mean, std, top, least = parts
        # Counts print their extremes exactly; mean and deviation are rounded.
        floor = float(max(top.value - mean.high, 0)) * math.sqrt(n) / (n - 1)
        room = max(float((top.value - mean.low) * (mean.high - least.value)), 0.0)
        ceiling = math.sqrt(room * n / (n - 1))
        rows.append(
            _finding(
                "spread",
                f"{prefix}.std",
                printed,
                f"{_show(floor)} to {_show(ceiling)}",
                floor <= std.high and std.low <= ceiling,
                f"One value of {top.text} among {n} alone forces the lower bound.",
                "sample standard deviation",
            )
        )
    return rows


def check_means(published: pd.DataFrame) -> list[dict]:
    """The mean is at least what quartiles and maximum force on values that are not negative (Tables 2-4)."""
    printed = numbers(published)
    rows = []
    for prefix, n in _distributions(printed):
        quartiles = _quartiles(printed, prefix)
        if quartiles is None or not {f"{prefix}.mean", f"{prefix}.max"} <= printed.keys():
            continue
        floor = (_floor_sum(quartiles, n, n - 1) + printed[f"{prefix}.max"].value) / n
        rows.append(
            _finding(
                "mean",
                f"{prefix}.mean",
                printed,
                f"at least {_show(floor)}",
                printed[f"{prefix}.mean"].high >= floor,
                "Quartiles and maximum force a least mean.",
                "quartiles of counts are printed exactly",
            )
        )
    return rows


def check_unions(published: pd.DataFrame) -> list[dict]:
    """n_community lies between the larger of committers and starters and their sum (Section 3.3)."""
    printed = numbers(published)
    rows = []
    for kind in KINDS:
        for statistic in ("mean", "max"):
            names = [f"rq1.{kind}.{v}.{statistic}" for v in ("n_community", "n_committers", "n_disc_starters")]
            if set(names) <= printed.keys():
                union, committers, starters = (_bounds(printed[name], statistic) for name in names)
                low, high = max(committers[0], starters[0]), committers[1] + starters[1]
                rows.append(
                    _finding(
                        "union",
                        names[0],
                        printed,
                        f"{_show(low)} to {_show(high)}",
                        union[1] >= low and union[0] <= high,
                        "A union is at least as large as each part and at most their sum.",
                    )
                )
        names = [f"rq1.{kind}.{v}" for v in ("n_disc_starters", "n_discussions")]
        if all(f"{name}.mean" in printed for name in names):
            rows.append(
                _finding(
                    "union",
                    f"{names[0]}.mean",
                    printed,
                    f"at most {printed[f'{names[1]}.mean'].text}",
                    printed[f"{names[0]}.mean"].low <= printed[f"{names[1]}.mean"].high,
                    "Each discussion has one starter.",
                )
            )
    return rows


def check_zero_shares(published: pd.DataFrame) -> list[dict]:
    """Zero shares beside quartiles and means of counts (Section 4.1.1 and Tables 2-4)."""
    printed = numbers(published)
    rows = []
    for prefix, n in _distributions(printed):
        share = printed.get(f"{prefix}.zero_share")
        if share is None:
            continue
        for name, position in (("q25", 1), ("q50", 2), ("q75", 3)):
            if f"{prefix}.{name}" in printed:
                rows.append(_quartile_of_zeros(printed, f"{prefix}.{name}", share, n, position))
        if f"{prefix}.mean" in printed:
            rows.append(
                _finding(
                    "zeros",
                    f"{prefix}.mean",
                    printed,
                    f"at least {_show(1 - share.high)}",
                    printed[f"{prefix}.mean"].high >= 1 - share.high,
                    "A count that is not 0 is at least 1, so the mean reaches the share that is not 0.",
                )
            )
        starters = prefix.replace("n_discussions", "n_disc_starters") + ".mean"
        if prefix.endswith("n_discussions") and starters in printed:
            rows.append(
                _finding(
                    "starters",
                    starters,
                    printed,
                    f"at least {_show(1 - share.high)}",
                    printed[starters].high >= 1 - share.high,
                    f"{_show(100 * (1 - share.value))} % have a discussion, so a starter.",
                    "no repository loses all its starters when bots are removed",
                )
            )
    return rows


def check_concentration(published: pd.DataFrame) -> list[dict]:
    """Outside the most active share that holds 80 % (99 %), enough must be left (Section 4.1.1)."""
    printed = numbers(published)
    rows = []
    for prefix, n in _distributions(printed):
        mean = printed.get(f"{prefix}.mean")
        for percent in (80, 99):
            share = printed.get(f"{prefix}.share_for_{percent}")
            if share is None or mean is None:
                continue
            outside = math.floor(n * max(1 - share.high, 0))
            zeros = printed.get(f"{prefix}.zero_share")
            least = Fraction(max(outside - math.ceil(zeros.high * n), 0) if zeros else 0)
            quartiles = _quartiles(printed, prefix)
            if quartiles is not None:
                least = max(least, _floor_sum(quartiles, n, outside))
            left = Fraction(100 - percent, 100) * mean.high * n
            rows.append(
                _finding(
                    "concentration",
                    f"{prefix}.share_for_{percent}",
                    printed,
                    f"{_show(least / n)} forced outside, {_show(left / n)} left, per repository",
                    least <= left,
                    f"The others hold at most {100 - percent} % of the total.",
                )
            )
    return rows


def check_single(published: pd.DataFrame) -> list[dict]:
    """What "one contributor in 87 %" leaves for 0 and for 2 or more, given mean and deviation (4.1.1)."""
    printed = numbers(published)
    prefix = "rq1.models.n_committers"
    parts = [printed.get(f"{prefix}.{name}") for name in ("one_share", "mean", "std")]
    if None in parts:
        return []
    one, mean, std = parts
    # With a share of ones, the rest of the mean comes from values x >= 2, for which x <= x^2/2.
    least_rest, most_rest = mean.low - one.high, mean.high - one.low
    squares = std.high**2 + mean.high**2 - one.low
    none = max(Fraction(0), 1 - (one.high + mean.high) / 2)
    return [
        _finding(
            "single",
            f"{prefix}.one_share",
            printed,
            f"at least {_show(100 * none)} % without a committer",
            most_rest >= 0 and squares >= 2 * least_rest and none <= 1 - one.low,
            "Values of 2 or more carry the rest of the mean, so few repositories hold them.",
            "the 87 % speak of n_committers",
        )
    ]


def check_downloads(published: pd.DataFrame) -> list[dict]:
    """Models with more than a million downloads beside the total (Section 5.2.3, Table 2)."""
    printed = numbers(published)
    names = [f"rq1.models.n_downloads.{name}" for name in ("count_over_1000000", "mean", "max")]
    if not {*names, "rq1.models.count"} <= printed.keys():
        return []
    count, mean, top = (printed[name] for name in names)
    total = mean.high * printed["rq1.models.count"].value
    least = (count.value - 1) * 1_000_000 + top.value
    return [
        _finding(
            "downloads",
            names[0],
            printed,
            f"at least {_show(least)} of {_show(total)} downloads",
            least <= total,
            "These models alone have so many downloads.",
        )
    ]


def grim(mean: Printed, n: int, *, step: int = 1) -> bool | None:
    """Whether `n` whole counts (their total a multiple of `step`) can have the printed mean.

    None where every mean is possible: the spacing step/n is no wider than the printed digit leaves open.
    """
    if Fraction(step, n) <= mean.high - mean.low:
        return None
    return math.floor(mean.high * n / step) >= math.ceil(mean.low * n / step)


def check_whole_totals(published: pd.DataFrame) -> list[dict]:
    """Means of counts that no whole total gives (GRIM), where n is small enough to tell."""
    printed = numbers(published)
    rows, blunt = [], {}
    for prefix, n in _distributions(printed):
        name = f"{prefix}.mean"
        if name not in printed:
            continue
        verdict = grim(printed[name], n)
        if verdict is None:
            blunt.setdefault((prefix.rsplit(".", 1)[0], n), []).append(printed[name])
            continue
        nearest = Fraction(round(printed[name].value * n), n)
        rows.append(
            _finding(
                "whole_total",
                name,
                printed,
                f"nearest {_show(nearest)}",
                verdict,
                f"The total of {n} counts is whole.",
            )
        )
    for (prefix, n), means in blunt.items():
        widest = min(mean.high - mean.low for mean in means)
        rows.append(
            _row(
                "whole_total",
                prefix,
                means[0].place.split(",")[0],
                f"With {n} values every printed mean is a possible one; the test needs fewer.",
                ", ".join(mean.text for mean in means),
                f"fewer than {_show(1 / widest)} values",
                None,
            )
        )
    return rows


# --- Sections 4.1.3 and 4.3 -------------------------------------------------------------------------------


def check_licenses(published: pd.DataFrame) -> list[dict]:
    """Licence shares sum to no more than one (Section 4.1.3)."""
    printed = numbers(published)
    rows = []
    for kind in KINDS:
        shares = [p for key, p in printed.items() if key.startswith(f"rq1.{kind}.license_share.")]
        if shares:
            total = sum(p.low for p in shares)
            rows.append(
                _row(
                    "licenses",
                    f"rq1.{kind}.license_share",
                    shares[0].place,
                    "Shares of different licences sum to at most 1.",
                    ", ".join(p.text for p in shares),
                    _show(sum(p.value for p in shares)),
                    total <= 1,
                )
            )
    return rows


def check_organisations(published: pd.DataFrame) -> list[dict]:
    """The organisations that Section 4.3.2 lists, their number and their joint share."""
    printed = numbers(published)
    rows = []
    for network, names in LISTED.items():
        base = f"rq3.all.{network}.top100"
        counts = [printed.get(f"{base}.organisation.{name}") for name in names]
        if None in counts:
            continue
        values = [count.value for count in counts]
        if f"{base}.leading_count" in printed:
            said = printed[f"{base}.leading_count"]
            rows.append(
                _finding(
                    "organisations",
                    f"{base}.leading_count",
                    printed,
                    f"{len(names)} listed",
                    said.value == len(names),
                    "The number of organisations is that of the list.",
                )
            )
        if f"{base}.leading_share" in printed:
            rows.append(_joint_share(base, values, printed))
    return rows


def check_usage(published: pd.DataFrame) -> list[dict]:
    """Usage counts of one model in several networks, and the largest beside the maximum (Section 4.3)."""
    printed = numbers(published)
    models = published[published["id"].str.fullmatch(r"rq3\.\w+\.usage\.top\.\d+\.model")]
    tops = {(key.split(".")[1], name): key.replace(".model", ".spaces")
            for key, name in zip(models["id"], models["value"], strict=True)}  # fmt: skip
    rows = []
    for (field, name), key in tops.items():
        whole = tops.get(("all", name))
        if field != "all" and whole in printed and key in printed:
            rows.append(
                _finding(
                    "usage",
                    key,
                    printed,
                    printed[whole].text,
                    printed[key].value == printed[whole].value,
                    f"{name} is used by as many spaces, whichever models are looked at.",
                    "a sub-field is chosen by the model's tags; chosen otherwise, it could only be fewer",
                )
            )
    for field in SUBFIELDS:
        size, top = f"rq3.{field}.usage.models", f"rq3.{field}.usage.top.1.spaces"
        if {size, top} <= printed.keys():
            rows.append(
                _finding(
                    "spaces",
                    size,
                    printed,
                    f"its first model is used by {printed[top].text} spaces",
                    printed[size].value >= printed[top].value,
                    "No model is used by more spaces than there are.",
                    "the number printed beside 'spaces' counts spaces, not models",
                )
            )
    rows.extend(_popular_models(printed, tops))
    return rows


def check_first(published: pd.DataFrame) -> list[dict]:
    """The first of a ranking holds the maximum (Sections 4.1.1, 4.3.1; Table 2)."""
    printed = numbers(published)
    pairs = (
        ("rq1.models.n_committers.top.1.committers", "rq1.models.n_committers.max"),
        ("rq3.all.usage.top.1.spaces", "rq3.all.usage.degree.max"),
    )
    return [
        _exact("first", first, printed, printed[most].value, "The first of the ranking holds the maximum.")
        for first, most in pairs
        if {first, most} <= printed.keys()
    ]


def check_community_note(published: pd.DataFrame) -> list[dict]:
    """The note that n_community leaves out the creator, beside its quartiles (Tables 2-4)."""
    printed = numbers(published)
    rows = []
    for kind in KINDS:
        name = f"rq1.{kind}.n_community.q25"
        if name in printed and printed[name].value >= 1:
            rows.append(
                _row(
                    "community_note",
                    name,
                    printed[name].place,
                    "If n_community leaves out the creator, others took part in at least 75 % of the "
                    "repositories; if it counts the creator, only repositories without a committer have 0.",
                    printed[name].text,
                    "1 or more in at least 75 %",
                    None,
                    "the note under the table is taken at its word",
                )
            )
    return rows


def check_centrality(published: pd.DataFrame) -> list[dict]:
    """Mean PageRank = 1/N, mean degree = 2E/N (Section 4.2.1 and Table 6)."""
    printed = numbers(published)
    if not {"rq2.all.k1.nodes", "rq2.all.k1.edges"} <= printed.keys():
        return []
    nodes, edges = _size(printed, "rq2.all.k1")
    wanted = (
        ("rq2.all.degree.mean", Fraction(2 * edges, nodes), "The mean degree is 2E/N."),
        ("rq2.all.pagerank.mean", Fraction(1, nodes), "PageRank sums to 1, so its mean is 1/N."),
    )
    return [_exact("centrality", name, printed, value, text) for name, value, text in wanted if name in printed]


# --- Table 5: group sizes ---------------------------------------------------------------------------------


def u_values(published: pd.DataFrame) -> pd.DataFrame:
    """Table 5: one row per activity variable with all three U. Columns: the three pairs of groups."""
    printed = numbers(published)
    pattern = re.compile(r"rq1\.models\.mannwhitney\.(\w+)\.(\w+)\.u")
    cells = {m.groups(): float(p.value) for key, p in printed.items() if (m := pattern.fullmatch(key))}
    frame = pd.Series(cells, dtype=float).unstack() if cells else pd.DataFrame()
    return frame.reindex(columns=list(PAIRS)).dropna()


def licence_groups(published: pd.DataFrame) -> tuple[int, int, tuple[int, int]] | None:
    """Models compared, models without a licence, and the range that the printed share leaves for these."""
    printed = numbers(published)
    names = ("rq1.models.grouped.count", "rq1.models.count", "rq1.models.unlicensed_share")
    if not set(names) <= printed.keys():
        return None
    grouped, models, share = (printed[name] for name in names)
    bounds = math.ceil(share.low * models.value), math.floor(share.high * models.value)
    return int(grouped.value), round(share.value * models.value), bounds


def sizes_from_u(u: pd.DataFrame) -> dict[str, float]:
    """Group sizes from the U values alone, if probabilities of superiority add up.

    With S = U/(n1 n2): S(P,R) + S(R,N) - S(P,N) = 1/2 holds exactly for one-parameter differences and to
    first order for small ones. It is linear in 1/(pr), 1/(rn), 1/(pn), so least squares over the variables
    solves it. Keys: permissive, restrictive, none, residual (root mean square), condition (of the scaled
    system: how much an error in U grows).
    """
    system = np.column_stack([u[PAIRS[0]], u[PAIRS[2]], -u[PAIRS[1]]])
    scaled = system / np.abs(system).mean()
    solution, *_ = np.linalg.lstsq(scaled, np.full(len(u), 0.5), rcond=None)
    pr, rn, pn = 1 / (solution / np.abs(system).mean())
    residual = float(np.sqrt(np.mean((scaled @ solution - 0.5) ** 2)))
    return {
        "permissive": float(np.sqrt(pr * pn / rn)),
        "restrictive": float(np.sqrt(pr * rn / pn)),
        "none": float(np.sqrt(pn * rn / pr)),
        "residual": residual,
        "condition": float(np.linalg.cond(scaled)),
    }


def group_sizes(
    u: pd.DataFrame,
    *,
    total: int,
    none: int,
    models: int,
    nonzero: dict[str, tuple[float, float]] | None = None,
) -> dict[str, float]:
    """Sizes of the permissive and restrictive groups, given the rest of the comparison.

    total: models compared; none: models without a licence; models: all models, of which `models - total` were
    left out; nonzero: variable -> bounds on the number of all models where it is not 0.
    The estimate makes superiorities add up (`sizes_from_u`), with one unknown. The bounds assume nothing of
    the kind: superiority is 1/2 + (q1 - q2)/2 + q1 q2 t with shares q that are not 0 and |t| <= 1/2, so a
    known number of non-zero models leaves only some sizes (searched by cells, so the bounds err outwards;
    the possible sizes are taken to be one interval).
    Keys: permissive, restrictive, none, residual (root mean square), permissive_low, permissive_high.
    """
    licensed = total - none

    def misfit(permissive: float) -> float:
        s = superiority(u, permissive=permissive, restrictive=licensed - permissive, none=none)
        return float(np.sqrt(np.mean((s[PAIRS[0]] + s[PAIRS[2]] - s[PAIRS[1]] - 0.5) ** 2)))

    halves = [(1.0, licensed / 2), (licensed / 2, licensed - 1.0)]
    fits = [minimize_scalar(misfit, bounds=half, method="bounded", options={"xatol": 1e-3}) for half in halves]
    best = min(fits, key=lambda fit: fit.fun)
    limits = (1.0, licensed - 1.0)
    # The fewer values are not 0, the narrower the bounds; the rest then has little left to exclude.
    for variable, bounds in sorted((nonzero or {}).items(), key=lambda item: item[1][1]):
        if variable in u.index:
            limits = _size_bounds(u.loc[variable], best.x, limits, licensed, none, bounds, models - total)
    return {
        "permissive": float(best.x), "restrictive": licensed - float(best.x), "none": float(none),
        "residual": float(best.fun), "permissive_low": limits[0], "permissive_high": limits[1],
    }  # fmt: skip


def superiority(u: pd.DataFrame, *, permissive: float, restrictive: float, none: float) -> pd.DataFrame:
    """Probability of superiority U/(n1 n2) of the first group named. Same shape as `u`."""
    products = {PAIRS[0]: permissive * restrictive, PAIRS[1]: permissive * none, PAIRS[2]: restrictive * none}
    return u / pd.Series(products)


def claimed_order(u: pd.DataFrame, *, total: int, none: int) -> dict[str, float]:
    """Whether any group sizes let permissive > restrictive > none hold on every variable.

    The claim needs n1 n2 < 2U for each pair and variable. With the sizes fixed by `total` and `none` but for
    the split, p <= 2U(P,N)/n and r <= 2U(R,N)/n leave an interval for p; the product p r is least at one of
    its ends. Keys: low, high (of p; empty if low > high), least (of p r), most (2U(P,R)), possible.
    """
    licensed = total - none
    ceilings = 2 * u.min()
    high = min(ceilings[PAIRS[1]] / none, float(licensed))
    low = max(licensed - ceilings[PAIRS[2]] / none, 0.0)
    least = min(p * (licensed - p) for p in (low, high))
    possible = low <= high and least < ceilings[PAIRS[0]]
    return {"low": low, "high": high, "least": least, "most": ceilings[PAIRS[0]], "possible": possible}


def check_groups(published: pd.DataFrame) -> list[dict]:
    """Group sizes behind Table 5, and the order of the groups that Section 4.1.3 claims."""
    fit = _fit(published)
    if fit is None:
        return []
    u, total, none_bounds, sizes = fit
    return [
        _order_claim(u, total, none_bounds),
        _sizes_from_u_row(u, round(sizes["none"])),
        _sizes_row(sizes),
        *_superiority_rows(u, sizes, numbers(published)),
        _p_row(u, sizes),
    ]


def _fit(published: pd.DataFrame) -> tuple[pd.DataFrame, int, tuple[int, int], dict[str, float]] | None:
    """U values, models compared, bounds on those without a licence, `group_sizes`; None where a value is absent."""
    u, groups = u_values(published), licence_groups(published)
    if groups is None or len(u) < 2:
        return None
    total, none, none_bounds = groups
    printed = numbers(published)
    models = int(printed["rq1.models.count"].value)
    nonzero = {}
    for variable in u.index:
        share = printed.get(f"rq1.models.{variable}.zero_share")
        if share is not None:
            nonzero[variable] = (float((1 - share.high) * models), float((1 - share.low) * models))
    return u, total, none_bounds, group_sizes(u, total=total, none=none, models=models, nonzero=nonzero)


_SAME_GROUPS = (
    "the three comparisons use the same groups, U belongs to the first one named, and every model without a "
    "licence is among those compared"
)


def _order_attempts(u: pd.DataFrame, total: int, bounds: tuple[int, int]) -> list[dict[str, float]]:
    return [claimed_order(u, total=total, none=none) for none in range(bounds[0], bounds[1] + 1)]


def _order_claim(u: pd.DataFrame, total: int, bounds: tuple[int, int]) -> dict:
    tries = _order_attempts(u, total, bounds)
    possible = any(attempt["possible"] for attempt in tries)
    needed = next((n for n in range(bounds[0], total) if claimed_order(u, total=total, none=n)["possible"]), None)
    tightest = min(tries, key=lambda attempt: attempt["least"] - attempt["most"])
    derived = (
        f"permissive x restrictive is at least {_show(tightest['least'])}, and the claim needs less than "
        f"{_show(tightest['most'])}"
    )
    if not possible and needed:
        derived += f"; it would need {needed} models without a licence or more"
    return _row(
        "groups",
        "rq1.models.mannwhitney.order",
        "§4.1.3",
        "Permissive beats restrictive, and restrictive beats none, on every variable of Table 5.",
        "24 comparisons, one order",
        derived,
        possible,
        _SAME_GROUPS,
    )


def _sizes_from_u_row(u: pd.DataFrame, none: int) -> dict:
    free = sizes_from_u(u)
    derived = ", ".join(f"{key} {_show(free[key])}" for key in ("permissive", "restrictive", "none"))
    return _row(
        "groups",
        "rq1.models.mannwhitney.sizes_from_u",
        "Table 5",
        "U alone gives the three sizes, where superiorities add up; the size of one group is printed.",
        f"none {none}",
        f"{derived}; {_residual(free)}, condition {_show(free['condition'])}",
        None,
        "superiorities add up: the groups differ little, or in one direction",
    )


def _sizes_row(sizes: dict[str, float]) -> dict:
    least, most = sizes["permissive_low"], sizes["permissive_high"]
    # An estimate outside the bounds would speak against its assumption, not against the printed values.
    consistent = False if least > most else True if least <= sizes["permissive"] <= most else None
    possible = f"possible {least:.0f} to {most:.0f}" if least <= most else "no size possible"
    derived = f"permissive {sizes['permissive']:.0f} ({possible}), restrictive {sizes['restrictive']:.0f}"
    return _row(
        "groups",
        "rq1.models.mannwhitney.sizes",
        "Table 5",
        "The sizes of two groups follow from U, the third size and the shares of zeros; the models that were "
        "left out may hold any number of zeros.",
        f"none {_show(round(sizes['none']))}",
        f"{derived}; {_residual(sizes)}",
        consistent,
        _SAME_GROUPS,
    )


def _residual(fit: dict[str, float]) -> str:
    return f"root mean square residual {_show(fit['residual'])}"


def _superiority_rows(u: pd.DataFrame, sizes: dict[str, float], printed: dict[str, Printed]) -> list[dict]:
    none, licensed = sizes["none"], sizes["permissive"] + sizes["restrictive"]
    low, high = sizes["permissive_low"], sizes["permissive_high"]
    tried = [sizes["permissive"]]
    if low <= high:
        tried += [low, high, *([licensed / 2] if low < licensed / 2 < high else [])]
    values = [superiority(u, permissive=p, restrictive=licensed - p, none=none) for p in tried]
    rows = []
    for variable in u.index:
        for pair in PAIRS:
            cells = [value.loc[variable, pair] for value in values]
            lowest, highest = min(cells), max(cells)
            consistent = True if lowest > 0.5 else False if highest < 0.5 else None
            consistent = consistent if low <= high else None
            name = f"rq1.models.mannwhitney.{variable}.{pair}"
            rows.append(
                _row(
                    "superiority",
                    name,
                    f"{printed[f'{name}.u'].place}; §4.1.3",
                    "The first group is claimed to be the more active: its superiority exceeds 0.5.",
                    printed[f"{name}.u"].text,
                    f"{_show(cells[0])} ({_show(lowest)} to {_show(highest)})",
                    consistent,
                    _SAME_GROUPS,
                )
            )
    return rows


def _p_row(u: pd.DataFrame, sizes: dict[str, float]) -> dict:
    values = superiority(u, **{group: sizes[group] for group in ("permissive", "restrictive", "none")})
    counts = [(sizes["permissive"], sizes["restrictive"]), (sizes["permissive"], sizes["none"]),
              (sizes["restrictive"], sizes["none"])]  # fmt: skip
    # Ties only make the deviation of U smaller, so the formula without ties gives the least |z|.
    deviations = [math.sqrt((a + b + 1) / (12 * a * b)) for a, b in counts]
    least = float(((values[list(PAIRS)] - 0.5).abs() / deviations).min().min())
    return _row(
        "groups",
        "rq1.models.mannwhitney.p",
        "Table 5; §4.1.3",
        "Every p is below 0.001, at the estimated sizes.",
        "p < 0.001",
        f"|z| at least {_show(least)}",
        least > NormalDist().inv_cdf(1 - 0.0005),
        _SAME_GROUPS,
    )


def _size_bounds(
    u: pd.Series,
    start: float,
    limits: tuple[float, float],
    licensed: int,
    none: int,
    nonzero: tuple[float, float],
    left_out: int,
) -> tuple[float, float]:
    """The part of `limits` on the permissive group that one variable's zeros allow; low > high if none is."""

    def allowed(permissive: float) -> bool:
        sizes = (permissive, licensed - permissive, float(none))
        return _zeros_allow(u, sizes, max(nonzero[0] - left_out, 0.0), nonzero[1])

    low, high = limits
    tries = [start, *np.linspace(low, high, 100)] if low <= high else []
    possible = next((size for size in tries if low <= size <= high and allowed(size)), None)
    if possible is None:
        return math.inf, -math.inf
    ends = []
    for outer in limits:
        inner = outer if allowed(outer) else possible
        while abs(outer - inner) > 1:
            middle = (outer + inner) / 2
            inner, outer = (middle, outer) if allowed(middle) else (inner, middle)
        ends.append(outer)
    return ends[0], ends[1]


def _zeros_allow(u: pd.Series, sizes: tuple[float, float, float], least: float, most: float) -> bool:
    """Whether shares q of non-zero values exist for which all three U and the number of non-zeros hold.

    Cells of width `step` in (q of the first group, q of the second); every condition is relaxed to hold
    somewhere in the cell, so a possible size is never refused.
    """
    p, r, n = sizes
    step = 0.001
    a = np.arange(0, min(1.0, most / p) + step, step)[:, None]
    b = np.arange(0, min(1.0, most / r) + step, step)[None, :]
    d_pr, d_pn, d_rn = (u[pair] / product - 0.5 for pair, product in zip(PAIRS, (p * r, p * n, r * n), strict=True))
    near = np.maximum(np.abs(d_pr - (a - b) / 2) - step / 2, 0) <= (a + step) * (b + step) / 2
    low = np.maximum(np.maximum(_third(d_pn, a, 1), _third(d_rn, b, 1)), (least - p * (a + step) - r * (b + step)) / n)
    high = np.minimum(np.minimum(_third(d_pn, a + step, -1), _third(d_rn, b + step, -1)), (most - p * a - r * b) / n)
    return bool((near & (np.maximum(low, 0) <= np.minimum(high, 1))).any())


def _third(difference: float, q: np.ndarray, sign: int) -> np.ndarray:
    """Bound on the third group's q from d = (q - q3)/2 + t q q3: the lower (sign 1) or the upper (-1)."""
    gap = q / 2 - difference
    if sign > 0:
        return gap / (0.5 + 0.5 * np.minimum(q, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = gap / (0.5 - 0.5 * np.minimum(q, 1))
    return np.where(gap < 0, -1.0, np.where(q >= 1, 1.0, bound))


# --- shared -----------------------------------------------------------------------------------------------


def _printed(text: str, decimals: int, place: str) -> Printed:
    value = Fraction(text)
    half = Fraction(1, 2 * 10 ** int(decimals))
    return Printed(value, value - half, value + half, text, place)


def _row(
    check: str,
    name: str,
    place: str,
    statement: str,
    published: str,
    derived: str,
    consistent: bool | None,
    assumption: str = "",
) -> dict:
    values = (f"{check}.{name}", place, statement, published, derived, consistent, assumption)
    return dict(zip(COLUMNS, values, strict=True))


def _finding(
    check: str,
    name: str,
    printed: dict[str, Printed],
    derived: str,
    consistent: bool,
    statement: str,
    assumption: str = "",
) -> dict:
    cell = printed[name]
    return _row(check, name, cell.place, statement, cell.text, derived, bool(consistent), assumption)


def _exact(check: str, name: str, printed: dict[str, Printed], value: Fraction, statement: str) -> dict:
    return _finding(check, name, printed, _show(value), _within(value, printed[name]), statement, _ROUNDING)


def _bounds(cell: Printed, statistic: str) -> tuple[Fraction, Fraction]:
    """The values that a printed statistic of counts leaves open; a maximum is printed exactly."""
    return (cell.value, cell.value) if statistic == "max" else (cell.low, cell.high)


def _within(value: Fraction, cell: Printed) -> bool:
    return cell.low <= value <= cell.high


def _holds(cell: dict, low: Fraction, high: Fraction) -> bool:
    bound = Fraction(cell["value"])
    return {"=": True, "<": low < bound, ">": high > bound}[cell["operator"]]


def _show(value: Fraction | float) -> str:
    number = float(value)
    if number == round(number) or abs(number) >= 1e5:
        return f"{number:.0f}"
    return f"{number:.4g}" if abs(number) < 1 else f"{number:.6g}"


def _cores(printed: dict[str, Printed]) -> list[str]:
    """Rows of Tables 6-9 that print both sizes, as the common start of their ids."""
    names = [key.removesuffix(".nodes") for key in printed if re.fullmatch(r"rq2\.\w+\.k\w+\.nodes", key)]
    return sorted(name for name in names if f"{name}.edges" in printed and printed[f"{name}.nodes"].value > 0)


def _levels(printed: dict[str, Printed], field: str) -> dict[str, int]:
    """Core -> k for the rows of one field."""
    cores = [core for core in _cores(printed) if core.startswith(f"rq2.{field}.") and f"{core}.k" in printed]
    return {core: int(printed[f"{core}.k"].value) for core in cores}


def _size(printed: dict[str, Printed], core: str) -> tuple[int, int]:
    return int(printed[f"{core}.nodes"].value), int(printed[f"{core}.edges"].value)


def _core_size(core: str, printed: dict[str, Printed], k: int, nodes: int, edges: int, pairs: int) -> dict:
    low = math.ceil(Fraction(k * nodes, 2))
    return _finding(
        "edges",
        f"{core}.edges",
        printed,
        f"{low} to {pairs}",
        low <= edges <= pairs,
        f"Each of the {nodes} nodes has {k} edges or more, and no pair has more than two.",
    )


def _arcc_row(name: str, cell: Printed, inner: list[tuple[int, int, int]]) -> dict:
    _, nodes, edges = inner[0]
    top = max(2, math.floor(TOP_SHARE * nodes))
    sizes = np.arange(top, nodes + 1, dtype=np.int64)
    pairs = sizes * (sizes - 1)
    least = np.maximum(pairs - (nodes * (nodes - 1) - edges), 0)
    most = np.minimum(_most_edges(sizes, inner), pairs)
    # The possible coefficient of each size that is nearest to the printed one.
    wanted = np.clip(np.rint(float(cell.value) * pairs).astype(np.int64), least, most)
    nearest = [Fraction(int(part), int(whole)) for part, whole in zip(wanted, pairs, strict=True)]
    best = min(nearest, key=lambda value: abs(value - cell.value))
    return {
        "id": name, "place": cell.place, "published": cell.text, "nodes": nodes, "edges": edges, "top": top,
        "needed": math.ceil(cell.low * int(pairs[0])), "allowed": int(most[0]),
        "floor": float((least / pairs).min()), "ceiling": float((most / pairs).max()),
        "nearest": float(best), "attainable": _within(best, cell),
    }  # fmt: skip


def _most_edges(sizes: np.ndarray, inner: list[tuple[int, int, int]]) -> np.ndarray:
    """Largest number of edges among `sizes` nodes, given (k, nodes, edges) of this core and those within."""
    layers = [
        (following[0] - 1, here[1] - following[1], here[2] - following[2])
        for here, following in zip(inner, inner[1:], strict=False)
    ]
    core_nodes, core_edges = inner[-1][1:]
    best = np.zeros(len(sizes), dtype=np.int64)
    for taken in range(core_nodes + 1):
        left = sizes - taken
        total = np.where(left >= 0, min(taken * (taken - 1), core_edges), 0)
        for slope, nodes, edges in sorted(layers, reverse=True):
            used = np.clip(left, 0, min(nodes, math.ceil(edges / slope) if slope else nodes))
            total = total + np.minimum(slope * used, edges)
            left = left - used
        best = np.maximum(best, total)
    return best


def _distributions(printed: dict[str, Printed]) -> Iterable[tuple[str, int]]:
    """Common start of the ids of each summarised variable, with the number of its values."""
    for kind in KINDS:
        if f"rq1.{kind}.count" in printed:
            for variable in VARIABLES:
                yield f"rq1.{kind}.{variable}", int(printed[f"rq1.{kind}.count"].value)
    if "rq2.all.k1.nodes" in printed:
        yield "rq2.all.degree", int(printed["rq2.all.k1.nodes"].value)


def _quartiles(printed: dict[str, Printed], prefix: str) -> list[Fraction] | None:
    names = [f"{prefix}.{name}" for name in ("min", "q25", "q50", "q75")]
    return [printed[name].value for name in names] if set(names) <= printed.keys() else None


def _floor_sum(quartiles: list[Fraction], n: int, first: int) -> Fraction:
    """Least sum of the `first` smallest of n values with this minimum and these (interpolated) quartiles."""
    starts = [0, *(math.ceil(Fraction(part * (n - 1), 4)) for part in (1, 2, 3)), n]
    spans = [max(min(end, first) - start, 0) for start, end in zip(starts, starts[1:], strict=False)]
    return sum((value * span for value, span in zip(quartiles, spans, strict=True)), Fraction(0))


def _quartile_of_zeros(printed: dict[str, Printed], name: str, share: Printed, n: int, position: int) -> dict:
    """A quartile is 0 if the zeros reach past it, and at least 1 if they end before it."""
    place = Fraction(position * (n - 1), 4)
    value = printed[name].value
    if math.floor(share.high * n) <= math.floor(place):
        derived, consistent = "1 or more", value >= 1
    elif math.ceil(share.low * n) > math.ceil(place):
        derived, consistent = "0", value == 0
    else:
        derived, consistent = "0 or more", value >= 0
    return _finding(
        "zeros",
        name,
        printed,
        derived,
        consistent,
        f"{_show(100 * share.value)} % of the values are 0, beside {25 * position} % below this quartile.",
        "the zero share and the quartile speak of the same repositories",
    )


def _whole_that_fits(count: Fraction, share: Printed) -> str:
    fits = range(math.ceil(count / share.high), math.floor(count / share.low) + 1)
    return f"{count} of {' or '.join(map(str, fits))} gives it" if fits else f"no whole number makes it from {count}"


def _joint_share(base: str, values: list[Fraction], printed: dict[str, Printed]) -> dict:
    share = printed[f"{base}.leading_share"]
    derived = f"{_show(sum(values) / 100)} for the {len(values)} listed"
    said = printed.get(f"{base}.leading_count")
    if said is not None and said.value < len(values):
        first = sum(values[: int(said.value)])
        derived += f"; {_show(first / 100)} for the first {said.text}"
        user = printed.get(f"{base}.organisation.nitrosocke")
        if user is not None:
            derived += f"; {_show((first + user.value) / 100)} with nitrosocke"
    return _finding(
        "organisations",
        f"{base}.leading_share",
        printed,
        derived,
        _within(sum(values) / 100, share),
        "The joint share is the sum of the counts over 100.",
    )


def _popular_models(printed: dict[str, Printed], tops: dict[tuple[str, str], str]) -> list[dict]:
    name = "rq3.all.usage.degree.count_from_1000"
    if name not in printed:
        return []
    popular = {model for (_, model), key in tops.items() if key in printed and printed[key].value >= 1000}
    return [
        _finding(
            "usage",
            name,
            printed,
            f"{len(popular)} named",
            len(popular) <= printed[name].value,
            "The models named with 1,000 spaces or more are no more than the number given.",
        )
    ]


CHECKS: tuple[Callable[[pd.DataFrame], list[dict]], ...] = (
    check_sizes, check_reciprocity, check_modularity, check_assortativity, check_cores, check_rich_club,
    check_ranges, check_repeats, check_shares, check_people, check_isolates, check_spread, check_means,
    check_unions, check_zero_shares, check_concentration, check_single, check_downloads, check_whole_totals,
    check_licenses, check_organisations, check_usage, check_first, check_community_note, check_centrality,
    check_groups,
)  # fmt: skip
