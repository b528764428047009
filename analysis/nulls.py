"""What the network would look like by chance: two null models for the measures of Tables 6-9, and a test of core and periphery.

`rewired` keeps every developer's edges in and out; `seats_drawn_anew` keeps the size of every repository, how much of it
each seat leads, and in how many repositories everyone takes part. What a measure has beyond its null is a finding;
what it shares with it is made by the degrees, or by the edge rule (METHODS, 7).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import exact, network
from analysis.covered import carried
from analysis.links import Links, core_numbers_of

NULL_COLUMNS = ("observed", "null_mean", "null_low", "null_high", "z", "defined")
MEASURES = ("nodes", "edges", "dens", "recip", "arcc", "ass", "ad", "acc")  # of Tables 6-9, without the searches
SWAPS_PER_EDGE = (
    10  # attempted exchanges per edge (Milo et al. 2003, arXiv:cond-mat/0312028, discuss how many are enough)
)


class Seats(NamedTuple):
    """Who takes part in what, by seat: a repository and what its holder leads, and the developer who holds it.

    `first`, `second` are the pairs of seats that make an edge: the first leads a commit of the other's repository.
    """

    repository: np.ndarray
    developer: np.ndarray
    leads: np.ndarray
    first: np.ndarray
    second: np.ndarray


@carried(needs="links")
def seats(memberships: pd.DataFrame) -> Seats:
    """The seats of `engine.memberships` (repo_id, developer, leads), one row each."""
    repository = pd.factorize(memberships["repo_id"], sort=True)[0]
    order = np.argsort(repository, kind="stable")
    repository, leads = repository[order], memberships["leads"].to_numpy("int64")[order]
    size = np.bincount(repository)
    start = np.cumsum(size) - size
    shared = np.flatnonzero(size[repository] > 1)
    leading = shared[leads[shared] > 0]
    others = size[repository[leading]]
    first = np.repeat(leading, others)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(others) - others, others)
    second = start[repository[first]] + offset
    apart = first != second
    developer = pd.factorize(memberships["developer"], sort=True)[0][order]
    return Seats(repository, developer, leads, first[apart], second[apart])


def linked(held: Seats, developer: np.ndarray | None = None) -> Links:
    """The network without isolates that the edge rule makes of the seats, held as they are or by other developers."""
    who = held.developer if developer is None else developer
    source, target = who[held.first], who[held.second]
    width = int(who.max(initial=0)) + 1
    pairs, place = np.unique(source * width + target, return_inverse=True)
    weight = np.bincount(place, held.leads[held.first], minlength=len(pairs)).astype("int64")
    nodes, ends = np.unique(np.concatenate([pairs // width, pairs % width]), return_inverse=True)
    return Links(len(nodes), ends[: len(pairs)], ends[len(pairs) :], weight)


def seats_drawn_anew(held: Seats, generator: np.random.Generator) -> np.ndarray:
    """Deal the seats to the developers anew, each as many as they have, nobody two of one repository.

    A draw that would seat somebody twice in a repository is mended by exchanging seats with others drawn at random.
    Raises ValueError where none of a thousand rounds of exchanges does it.
    """
    dealt = generator.permutation(held.developer)
    width = int(dealt.max(initial=0)) + 1
    for _ in range(1000):
        order = np.argsort(held.repository * width + dealt, kind="stable")
        keys = (held.repository * width + dealt)[order]
        twice = order[1:][keys[1:] == keys[:-1]]
        if not len(twice):
            return dealt
        with_whom = generator.choice(len(dealt), size=len(twice), replace=False)
        apart = ~np.isin(with_whom, twice)
        mine, theirs = twice[apart], with_whom[apart]
        dealt[mine], dealt[theirs] = dealt[theirs], dealt[mine]
    raise ValueError("the seats of these repositories cannot be dealt so that nobody has two of one repository")


def rewired(edges: Links, generator: np.random.Generator, *, swaps_per_edge: int = SWAPS_PER_EDGE) -> Links:
    """Exchange the targets of random pairs of edges, so that everyone keeps their edges in and out; weights keep their source.

    In a round half of the edges are paired, and all pairs exchange at once. A pair stays as it is where it would make a
    loop or an edge that is there, and where what it would make, or would take away, is made by another pair: so each round
    is as likely as its reverse, and in the long run every network of these degrees is as likely as any other.
    """
    source, target, weight = (np.array(column) for column in (edges.source, edges.target, edges.weight))
    pairs = len(source) // 4 or len(source) // 2
    for _ in range(2 * swaps_per_edge if pairs else 0):
        drawn = generator.permutation(len(source))
        one, other = drawn[:pairs], drawn[pairs : 2 * pairs]
        if pairs == 1 and generator.random() < 0.5:
            continue  # of two edges alone each round would undo the last
        there = np.sort(source * edges.nodes + target)
        made = np.stack([source[one] * edges.nodes + target[other], source[other] * edges.nodes + target[one]])
        taken = np.stack([source[one] * edges.nodes + target[one], source[other] * edges.nodes + target[other]])
        all_made = np.sort(made, axis=None)
        twice = np.searchsorted(all_made, made, "right") - np.searchsorted(all_made, made) > 1
        refused = _among(there, made) | twice | _among(all_made, taken)
        refused |= np.stack([source[one] == target[other], source[other] == target[one]])
        one, other = one[~refused.any(axis=0)], other[~refused.any(axis=0)]
        target[one], target[other] = target[other], target[one]
    order = np.lexsort((target, source))
    return Links(edges.nodes, source[order], target[order], weight[order])


def _among(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which of the values are in a sorted array."""
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def draws_of(held: Seats, model: str, *, draws: int, seed: int = 0) -> Iterator[Links]:
    """Networks of a null model, `degrees` (rewired) or `seats`; each draw has a generator of its own."""
    observed = linked(held)
    for draw in range(draws):
        generator = np.random.default_rng([seed, draw])
        if model == "degrees":
            yield rewired(observed, generator)
        else:
            yield linked(held, seats_drawn_anew(held, generator))


def beside_null(observed: Mapping[str, float | None], null: pd.DataFrame) -> pd.DataFrame:
    """A row a measure: observed, mean, low, high (95 % of the draws), z, defined (draws that have a value).

    z is the distance from the mean in standard deviations; NA where no two draws differ or the measure is undefined.
    """
    values = null.astype("float64")
    moments = {name: exact.mean_and_std(values[name].dropna().to_numpy()) for name in values}
    mean, deviation = (pd.Series({name: pair[i] for name, pair in moments.items()}, dtype="float64") for i in (0, 1))
    seen = pd.Series(observed, dtype="Float64").reindex(values.columns).astype("float64")
    rows = {
        "observed": seen,
        "null_mean": mean,
        "null_low": values.quantile(0.025),
        "null_high": values.quantile(0.975),
        "z": (seen - mean) / deviation.where(deviation > 0),
        "defined": values.count(),
    }
    return pd.DataFrame(rows)


def core_measures(edges: Links) -> dict[str, float | None]:
    """The measures of `MEASURES` over the whole network, the first row of Tables 6-9, and `kmax`, its innermost core's k."""
    measured = network.structure(edges, searches=())
    largest = int(core_numbers_of(edges).max(initial=0))
    return {name: measured[name] for name in MEASURES} | {"kmax": largest or None}


@carried()
def null_tables(seated: Mapping[str, Seats], model: str, *, draws: int, seed: int = 0) -> pd.DataFrame:
    """`null_table` of the seats of each field: a row a field and measure, as `nlp.recip`."""
    parts = {field: null_table(held, model, draws=draws, seed=seed) for field, held in seated.items()}
    return pd.concat([part.rename(index=lambda name, f=field: f"{f}.{name}") for field, part in parts.items()])


def null_table(held: Seats, model: str, *, draws: int, seed: int = 0) -> pd.DataFrame:
    """`beside_null` of the measures of Tables 6-9, first row, under a null model; empty where there is no edge."""
    if not len(held.first):
        return pd.DataFrame(columns=NULL_COLUMNS, dtype="float64")
    null = pd.DataFrame([core_measures(drawn) for drawn in draws_of(held, model, draws=draws, seed=seed)])
    return beside_null(core_measures(linked(held)), null)


@carried()
def printed_nulls(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that the null can move: what all draws share is made by what they keep."""
    return table[table["null_low"] < table["null_high"]]


# --- core and periphery -----------------------------------------------------------------------------------

PATTERNS = ("core_and_periphery", "hub_and_spoke", "clique")


def core_periphery(edges: Links) -> dict[str, float | None]:
    """How well a split into core and periphery describes who is linked with whom, directions and weights aside.

    The correlation of Borgatti and Everett (2000), doi:10.1016/S0378-8733(99)00019-2, between links and an ideal pattern:
    `core_and_periphery` (all pairs inside the core, none outside; pairs between them count nowhere), `hub_and_spoke`
    (pairs between them are linked too), `clique` (no pair but those inside the core). Developers enter the core by
    degree, which for the first pattern is the best split of each size (Lip 2011, arXiv:1102.5511); of all sizes the one
    of the highest correlation is taken. Results `<pattern>.core` (developers) and `<pattern>.fit`; None without a split.
    """
    low, high = np.minimum(edges.source, edges.target), np.maximum(edges.source, edges.target)
    pairs = np.unique(low * edges.nodes + high)
    ends = np.stack([pairs // edges.nodes, pairs % edges.nodes]) if len(pairs) else np.empty((2, 0), "int64")
    degree = np.bincount(ends.ravel(), minlength=edges.nodes)
    place = np.empty(edges.nodes, "int64")
    place[np.argsort(-degree, kind="stable")] = np.arange(edges.nodes)
    inside = _entered(place[ends].max(axis=0), edges.nodes)
    touched = _entered(place[ends].min(axis=0), edges.nodes)
    size = np.arange(1, edges.nodes)
    possible_inside, everything = size * (size - 1) / 2, edges.nodes * (edges.nodes - 1) / 2
    possible_touched = everything - (edges.nodes - size) * (edges.nodes - size - 1) / 2
    outside, possible_outside = len(pairs) - touched, everything - possible_touched
    fits = {
        "core_and_periphery": _phi(inside, possible_inside, inside + outside, possible_inside + possible_outside),
        "hub_and_spoke": _phi(touched, possible_touched, len(pairs), everything),
        "clique": _phi(inside, possible_inside, len(pairs), everything),
    }
    found = {}
    for pattern, fit in fits.items():
        best = int(np.nanargmax(fit)) if np.isfinite(fit).any() else None
        found |= {f"{pattern}.core": None if best is None else best + 1}
        found |= {f"{pattern}.fit": None if best is None else float(fit[best])}
    return found


def _entered(place: np.ndarray, nodes: int) -> np.ndarray:
    """How many of the pairs are reached with a core of 1 to nodes - 1 developers."""
    return np.bincount(place, minlength=nodes)[: nodes - 1].cumsum()


def _phi(both: np.ndarray, ideal: np.ndarray, linked_pairs: np.ndarray | int, pairs: np.ndarray | float) -> np.ndarray:
    """Correlation of two yes-or-no marks of pairs, from how many have both, either one, and how many there are."""
    spread = ideal * (pairs - ideal) * linked_pairs * (pairs - linked_pairs)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            spread > 0, (both * pairs - ideal * linked_pairs) / np.sqrt(np.where(spread > 0, spread, 1)), np.nan
        )


@carried()
def core_periphery_table(held: Seats, *, draws: int, seed: int = 0) -> pd.DataFrame:
    """`beside_null` of `core_periphery` against networks of the same degrees; empty where there is no edge."""
    if not len(held.first):
        return pd.DataFrame(columns=NULL_COLUMNS, dtype="float64")
    null = pd.DataFrame([core_periphery(drawn) for drawn in draws_of(held, "degrees", draws=draws, seed=seed)])
    return beside_null(core_periphery(linked(held)), null)
