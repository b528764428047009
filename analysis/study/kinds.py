"""Which printed values follow from others by arithmetic, and which are choices of the method: kinds *implied*, *parameter*.

A value that follows confirms nothing where what it follows from was put into the data. The formulas are those of the
study's definitions; a test derives the column `kind` of `data/published/*.csv` from them and from what the twin reads.
"""

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

import pandas as pd

from analysis.activity import PAIRS
from analysis.engine import VARIABLES
from analysis.labels import FIELDS
from analysis.snapshot import PLURAL
from analysis.study.published import LISTED, SUMMARISED, Numbers, exact_numbers

# Thresholds, dates and rows of a table by which the study selects; nothing is measured.
PARAMETERS = re.compile(
    r"snapshot\.month|rq2\.people\.(threshold|central\.min_degree)|rq1\.models\.grouped\.min_repositories"
    r"|rq2\.\w+\.k(1|5|10)\.k"
)
# Each share with the two counts that make it.
SHARES = {
    "rq2.people.same_repository.accepted_share":
        ("rq2.people.same_repository.accepted", "rq2.people.same_repository.compared"),
    "rq2.people.real_names.accepted_share": ("rq2.people.real_names.accepted", "rq2.people.real_names.compared"),
    "rq2.people.central.developer_share": ("rq2.people.central.developers", "rq2.people.developers"),
    "rq1.models.grouped.share": ("rq1.models.grouped.count", "rq1.models.count"),
}  # fmt: skip
FLOORS = {"n_committers": 1, "n_community": 1}  # least value of a repository that somebody made; of other counts 0
Follows = Iterator[tuple[str, tuple[str, ...]]]


def kinds(published: pd.DataFrame, *, met: Iterable[str], used: Iterable[str]) -> list[str]:
    """The kind of each printed value, given what the twin is made to give back and what else it is made from.

    parameter before implied, implied before calibrated (`met`) and input (`used`); emergent is what none of these is.
    A value without a result is a convention, and so a parameter, unless its note names another source's figure.
    """
    met = frozenset(met)
    known = met | frozenset(used) | {name for name in published["id"] if PARAMETERS.fullmatch(name)}
    follow = implied(exact_numbers(published), known)

    def of(name: str, note: str) -> str:
        if PARAMETERS.fullmatch(name) or (not name and not note.startswith(("Another source", "The same"))):
            return "parameter"
        if name in follow:
            return "implied"
        return "calibrated" if name in met else "input" if name in known else "emergent"

    return [of(name, note) for name, note in zip(published["id"], published["note"], strict=True)]


def implied(printed: Numbers, known: Iterable[str]) -> set[str]:
    """ids that follow by arithmetic from `known` ones, from one another, or from nothing at all (tautologies)."""
    rules = [rule for formula in FORMULAS for rule in formula(printed)]
    known, found = set(known), set()
    while new := {name for name, sources in rules if name not in found and known.issuperset(sources)}:
        found |= new
        known |= new
    return found


def tautologies(printed: Numbers) -> set[str]:
    """ids whose printed value any Hub gives: a minimum, a quartile at the least possible count, k = 1, 5 and 10."""
    always = {name for formula in (_floors, _undefined) for name, sources in formula(printed) if not sources}
    return always | {name for name in printed if PARAMETERS.fullmatch(name) and name.endswith(".k")}


# --- Tables 6-9 -------------------------------------------------------------------------------------------------------


def _sizes(printed: Numbers) -> Follows:
    """AD and DENS from nodes and edges; mean degree 2E/N and mean PageRank 1/N; a complete core's other columns."""
    undefined = set(printed.rows.loc[printed.rows["number"].isna(), "id"])
    for core, nodes, edges in printed.cores():
        sizes = (f"{core}.nodes", f"{core}.edges")
        complete = nodes > 1 and edges == nodes * (nodes - 1)
        for column in ("ad", "dens", *(("k", "recip", "mod", "com", "arcc", "ass") if complete else ())):
            if f"{core}.{column}" in printed or f"{core}.{column}" in undefined:
                yield f"{core}.{column}", sizes
    yield "rq2.all.degree.mean", ("rq2.all.k1.nodes", "rq2.all.k1.edges")
    yield "rq2.all.pagerank.mean", ("rq2.all.k1.nodes",)


def _ranges(printed: Numbers) -> Follows:
    """A range over the cores, or over the sub-fields, from the values that it is taken over."""
    cores = [core for *_, core in printed.levels("all")]
    members = {f"rq2.all.{measure}": [f"{core}.{measure}" for core in cores] for measure in ("recip", "ass", "arcc")}
    members["rq2.fields.k1.recip"] = [f"rq2.{field}.k1.recip" for field in tuple(FIELDS)[1:]]
    for name, ids in members.items():
        yield from ((f"{name}.{end}", tuple(ids)) for end in ("min", "max"))


def _people(printed: Numbers) -> Follows:
    """Shares of two counts; developers after merging, and the isolates among them (Section 3.4)."""
    yield from SHARES.items()
    people = ("rq2.people.developers", "rq2.people.merged")
    yield "rq2.all.developers", people
    yield "rq2.all.isolate_share", (*people, "rq2.all.k1.nodes")


# --- Tables 2-5 -------------------------------------------------------------------------------------------------------


def _floors(printed: Numbers) -> Follows:
    """Least values, and quartiles at the least value of such a count, unless a printed share of zeros says otherwise."""
    yield from ((f"rq1.{plural}.{variable}.min", ()) for plural in PLURAL.values() for variable in SUMMARISED)
    yield from (("rq2.all.degree.min", ()), ("rq3.all.usage.degree.median", ()))
    for plural in PLURAL.values():
        for variable in SUMMARISED:
            for number, name in enumerate(("q25", "q50", "q75"), start=1):
                for (quartile,) in printed.where(f"rq1.{plural}.{variable}.{name}"):
                    zeros = printed.get(f"rq1.{plural}.{variable}.zero_share")
                    if zeros and (zeros.low > Fraction(number, 4) or zeros.high < Fraction(number, 4)) and not quartile.value:
                        yield quartile.id, (zeros.id,)
                    elif quartile.value == FLOORS.get(variable, 0):
                        yield quartile.id, ()


def _undefined(printed: Numbers) -> Follows:
    """Spaces are not downloaded."""
    rows = printed.rows
    yield from ((name, ()) for name in rows.loc[rows["value"] == "N/A", "id"])


def _concentration(printed: Numbers) -> Follows:
    """Shares that hold 80 and 99 % bound one another; what holds 99 % lies between the non-zero less 1 % and all of them."""
    for plural in PLURAL.values():
        for variable in SUMMARISED:
            name = f"rq1.{plural}.{variable}"
            for (most,) in printed.where(f"{name}.share_for_99"):
                rows = printed.rows[(printed.rows["id"] == f"{name}.share_for_80") & (printed.rows["operator"] == "<")]
                if any(most.value * Fraction(80, 99) < Fraction(bound) for bound in rows["value"]):
                    yield f"{name}.share_for_80", (most.id,)
                for zeros, mean in printed.where(f"{name}.zero_share", f"{name}.mean"):
                    if mean.value / 100 <= 2 * (most.high - most.low):  # left open: no more than two printed units
                        yield most.id, (zeros.id, mean.id)
            for low, high in printed.where(f"{name}.q25", f"{name}.q75"):
                if low.value == high.value:
                    yield f"{name}.mode", (low.id, high.id)


def _p_values(printed: Numbers) -> Follows:
    """A p-value from its coefficient, or its U, and the number of repositories."""
    rows = printed.rows["id"]
    for name in rows[rows.str.fullmatch(r"rq[13]\..*\.p")]:
        coefficient, part = name.removesuffix(".p"), name.split(".")[1]
        if "mannwhitney" not in name:
            yield name, (coefficient, f"rq1.{part}.count" if part in PLURAL.values() else "rq1.models.count")
        else:
            yield name, (f"{coefficient}.u", *GROUPED)
    tests = (f"rq1.models.mannwhitney.{v}.{one}_vs_{other}.p" for v in VARIABLES for one, other in PAIRS)
    yield "rq1.models.mannwhitney.p.max", tuple(tests)


GROUPED = ("rq1.models.grouped.count", "rq1.models.count", "rq1.models.unlicensed_share")


# --- Section 4.3 ------------------------------------------------------------------------------------------------------


def _usage(printed: Numbers) -> Follows:
    """One model's count in two rankings, the largest degree, what organisations have together, and bounds by the median."""
    models = printed.rows[printed.rows["id"].str.fullmatch(r"rq3\.\w+\.usage\.top\.\d+\.model")]
    first: dict[str, str] = {}
    for name, model in zip(models["id"], models["value"], strict=True):
        spaces = name.replace(".model", ".spaces")
        if model in first:
            yield from ((spaces, (first[model],)), (name, (first[model].replace(".spaces", ".model"),)))
        first.setdefault(model, spaces)
    yield "rq3.all.usage.degree.max", ("rq3.all.usage.top.1.spaces",)
    yield "rq3.all.usage.degree.one_share", ("rq3.all.usage.degree.median",)
    popular = tuple(name for name in first.values() if name.startswith("rq3.all."))
    yield "rq3.all.usage.degree.count_from_1000", popular
    for network, names in LISTED.items():
        base = f"rq3.all.{network}.top100"
        counts = tuple(f"{base}.organisation.{name}" for name in names)
        yield from ((f"{base}.{joint}", counts) for joint in ("leading_count", "leading_share"))


FORMULAS = (_sizes, _ranges, _people, _floors, _undefined, _concentration, _p_values, _usage)
