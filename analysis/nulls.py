"""What the network would look like by chance: two null models for the measures of Tables 6-9, and a test of core and periphery.

`rewired` keeps every developer's edges in and out; `seats_drawn_anew` keeps the size of every repository, how much of it
each seat leads, and in how many repositories everyone takes part. What a measure has beyond its null is a finding;
what it shares with it is made by the degrees, or by the edge rule (METHODS, 7).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit

from analysis import exact, network
from analysis.communities import modularity
from analysis.covered import carried
from analysis.links import Links, compact, innermost_k, linked_pairs, order_of

NULL_COLUMNS = ("observed", "null_mean", "null_low", "null_high", "z", "excess", "ratio", "defined", "reading")
PRINTED = ("mod", "recip", "arcc", "ass", "acc", "kmax")  # what a null model says most of
MEASURES = ("nodes", "edges", "dens", "recip", "arcc", "ass", "ad", "acc")  # of Tables 6-9, without the searches
PATTERNS = ("core_and_periphery", "hub_and_spoke", "clique")
SEARCHED = 39  # draws of a null model whose communities are searched: as many as make a range of 95 % (2.5 % of 39 + 1)
ROUNDS = 20  # of exchanges before the first draw: ten attempts an edge (Milo et al. 2003, arXiv:cond-mat/0312028)
ROUNDS_BETWEEN = 4  # before each further draw, two attempts an edge: the draws are nearly independent


class Seats(NamedTuple):
    """Who takes part in what, by seat: a repository and what its holder leads, and the developer who holds it.

    `shared` are the seats of repositories that have several; `first`, `second` the pairs of them that make an edge: the
    first leads a commit of the other's repository.
    """

    repository: np.ndarray
    developer: np.ndarray
    leads: np.ndarray
    shared: np.ndarray
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
    return Seats(repository, developer, leads, shared, first[apart], second[apart])


def linked(held: Seats, developer: np.ndarray | None = None) -> Links:
    """The network without isolates that the edge rule makes of the seats, held as they are or by other developers."""
    who = held.developer if developer is None else developer
    width = int(who.max(initial=0)) + 1
    keys = who[held.first] * width + who[held.second]
    order = order_of(keys)
    keys, leads = keys[order], held.leads[held.first[order]]
    begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, "int64")
    weight = np.add.reduceat(leads, begins) if len(keys) else leads
    return compact(width, keys[begins] // width, keys[begins] % width, weight)


@carried()
def networks(seated: Mapping[str, Seats]) -> dict[str, Links]:
    """The network of each."""
    return {name: linked(held) for name, held in seated.items()}


@carried()
def degrees(held: Seats) -> np.ndarray:
    """Edges in and out of every developer who has any, in the order of their numbers."""
    edges = linked(held)
    return np.bincount(edges.source, minlength=edges.nodes) + np.bincount(edges.target, minlength=edges.nodes)


def seats_drawn_anew(held: Seats, generator: np.random.Generator) -> np.ndarray:
    """Deal the seats to the developers anew, each as many as they have, nobody two of one repository; who gets `held.shared`.

    A draw that would seat somebody twice in a repository is mended by exchanging seats with others drawn at random. All
    deals are equally likely before that, and nearly so after it where few seats are mended (on the twin 16 of 66,088): an
    approximation, which a chain of single exchanges over all seats would not be (Strona et al. 2014, doi:10.1038/ncomms5114).
    Raises ValueError where none of a thousand rounds of exchanges does it.
    """
    n, shared = len(held.developer), held.shared
    drawn = generator.choice(n, size=len(shared), replace=False)
    dealt = np.concatenate([drawn, _others(n, drawn)])  # whose seat of before each gets: the shared ones first
    for _ in range(1000):
        who = held.developer[dealt[: len(shared)]]
        twice = _again(held.repository[shared], who)
        if not len(twice):
            return who
        with_whom = generator.choice(n, size=len(twice), replace=False)
        apart = ~np.isin(with_whom, twice)
        mine, theirs = twice[apart], with_whom[apart]
        dealt[mine], dealt[theirs] = dealt[theirs], dealt[mine]
    raise ValueError("the seats of these repositories cannot be dealt so that nobody has two of one repository")


def _again(repository: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Places of the seats whose holder has an earlier one of that repository, by repository (as given) and holder."""
    places = _seated_before(repository, who, int(who.max(initial=-1)) + 1)
    return places[np.lexsort((who[places], repository[places]))]


@njit(cache=True)
def _seated_before(repository, who, people):
    last, found = np.full(people, -1), np.zeros(len(who), np.bool_)  # repositories come one after the other
    for place in range(len(who)):
        found[place] = last[who[place]] == repository[place]
        last[who[place]] = repository[place]
    return np.flatnonzero(found)


def _others(n: int, numbers: np.ndarray) -> np.ndarray:
    left = np.ones(n, dtype=bool)
    left[numbers] = False
    return np.flatnonzero(left)


def rewired(edges: Links, generator: np.random.Generator, *, rounds: int = ROUNDS) -> Links:
    """Exchange the targets of random pairs of edges, so that everyone keeps their edges in and out; weights keep their source.

    In a round half of the edges are paired, and all pairs exchange at once. A pair stays as it is where it would make a
    loop or an edge that is there, and where what it would make, or would take away, is made by another pair: so each round
    is as likely as its reverse, and in the long run every network of these degrees is as likely as any other.
    """
    source, target, nodes = edges.source, np.array(edges.target), edges.nodes
    pairs = len(source) // 4 or len(source) // 2
    for _ in range(rounds if pairs else 0):
        if pairs == 1 and generator.random() < 0.5:
            continue  # of two edges alone each round would undo the last
        _exchange(source, target, nodes, generator.permutation(len(source)), pairs)
    order = order_of(source * nodes + target)
    return Links(nodes, source[order], target[order], edges.weight[order])


@njit(cache=True)
def _exchange(source, target, nodes, drawn, pairs):
    """One round: the edges drawn first are paired with those drawn next; `target` is changed in place."""
    slots = 4
    while slots < 4 * len(source):
        slots *= 2
    keys, there, makers = np.full(slots, -1), np.zeros(slots, np.bool_), np.zeros(slots, np.int32)
    for edge in range(len(source)):
        there[_slot(keys, source[edge] * nodes + target[edge])] = True
    made, taken = np.empty(2 * pairs, np.int64), np.empty(2 * pairs, np.int64)
    for place in range(2 * pairs):
        one, other = drawn[place], drawn[place + pairs if place < pairs else place - pairs]
        taken[place] = _slot(keys, source[one] * nodes + target[one])
        made[place] = _slot(keys, source[one] * nodes + target[other])
        makers[made[place]] += 1
    refused = np.zeros(pairs, np.bool_)
    for place in range(2 * pairs):
        key, mine = keys[made[place]], there[made[place]] or makers[made[place]] > 1 or makers[taken[place]] > 0
        refused[place % pairs] |= mine or key // nodes == key % nodes
    for place in np.flatnonzero(~refused):
        one, other = drawn[place], drawn[place + pairs]
        target[one], target[other] = target[other], target[one]


@njit(cache=True)
def _slot(keys, key):
    """The place of a key in a table whose length is a power of two; it gets one where it has none."""
    place = (key * 0x9E3779B1 >> 7) & (len(keys) - 1)
    while keys[place] != key and keys[place] != -1:
        place = (place + 1) & (len(keys) - 1)
    keys[place] = key
    return place


def draws_of(held: Seats, model: str, *, draws: int, seed: int = 0) -> Iterator[Links]:
    """Networks of a null model: `degrees`, one chain of `rewired` from the observed network on, or `seats`."""
    generator, drawn = np.random.default_rng(seed), linked(held)
    for number in range(draws):
        if model == "degrees":
            drawn = rewired(drawn, generator, rounds=ROUNDS_BETWEEN if number else ROUNDS)
        else:
            developer = held.developer.copy()
            developer[held.shared] = seats_drawn_anew(held, generator)
            drawn = linked(held, developer)
        yield drawn


def beside_null(observed: Mapping[str, float | None], null: pd.DataFrame) -> pd.DataFrame:
    """A row a measure: observed, mean, low, high (95 % of the draws), z, excess over the mean, ratio to it, defined (draws).

    z is the distance from the mean in standard deviations; NA where no two draws differ or the measure is undefined. The
    range of a measure that counts ends at whole numbers.
    `reading`: whether the observed value is `above`, `among` or `below` the draws, from low to high; missing without one.
    """
    values = null.astype("float64")
    moments = {name: exact.mean_and_std(values[name].dropna().to_numpy()) for name in values}
    mean, deviation = (pd.Series({name: pair[i] for name, pair in moments.items()}, dtype="float64") for i in (0, 1))
    seen = pd.Series(observed, dtype="Float64").reindex(values.columns).astype("float64")
    low, high = values.quantile(0.025), values.quantile(0.975)
    whole = ((values % 1 == 0) | values.isna()).all() & values.notna().any()  # a range of counts ends at counts
    low, high = low.mask(whole, np.floor(low)), high.mask(whole, np.ceil(high))
    place = pd.Series("among", index=seen.index, dtype=object).mask(seen > high, "above").mask(seen < low, "below")
    rows = {
        "observed": seen,
        "null_mean": mean,
        "null_low": low,
        "null_high": high,
        "z": (seen - mean) / deviation.where(deviation > 0),
        "excess": seen - mean,
        "ratio": seen / mean.where(mean > 0),
        "defined": values.count(),
        "reading": place.mask(seen.isna() | low.isna(), None),
    }
    return pd.DataFrame(rows)


def core_measures(edges: Links) -> dict[str, float | None]:
    """The measures of `MEASURES` over the whole network, the first row of Tables 6-9, and `kmax`, its innermost core's k."""
    measured = network.structure(edges, searches=())
    return {name: measured[name] for name in MEASURES} | {"kmax": innermost_k(edges) or None}


@carried()
def null_tables(seated: Mapping[str, Seats], model: str, *, draws: int, seed: int = 0) -> pd.DataFrame:
    """`null_table` of the seats of each field: a row a field and measure, as `nlp.recip`."""
    parts = {field: null_table(held, model, draws=draws, seed=seed) for field, held in seated.items()}
    return pd.concat([part.rename(index=lambda name, f=field: f"{f}.{name}") for field, part in parts.items()])


def null_table(held: Seats, model: str, *, draws: int, seed: int = 0) -> pd.DataFrame:
    """`beside_null` of the measures of Tables 6-9, first row, under a null model; empty where there is no edge.

    Under `degrees` core and periphery too, and `mod`, for which communities are searched anew: it takes so long that only the
    first `SEARCHED` draws have it.
    """
    if not len(held.first):
        return pd.DataFrame(columns=NULL_COLUMNS, dtype="float64")

    def measured(edges: Links, *, searched: bool = True) -> dict[str, float | None]:
        if model != "degrees":
            return core_measures(edges)
        mod = {"mod": modularity(edges, weighted=False)[0]} if searched else {}
        return mod | core_measures(edges) | core_periphery(edges)

    drawn = enumerate(draws_of(held, model, draws=draws, seed=seed))
    null = pd.DataFrame([measured(edges, searched=number < SEARCHED) for number, edges in drawn])
    return beside_null(measured(linked(held)), null)


@carried()
def printed_nulls(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `PRINTED` that the null can move: what all draws share is made by what they keep."""
    varies = (table["null_low"] < table["null_high"]).to_numpy()
    return table[varies & np.array([name.split(".")[-1] in PRINTED for name in table.index], dtype=bool)]


@carried()
def patterns_of(table: pd.DataFrame, field: str = "all") -> pd.DataFrame:
    """The rows of a field's core and periphery, as `clique.fit`."""
    rows = [name for name in table.index if name.split(".")[0] == field and name.split(".")[-2] in PATTERNS]
    return table.loc[rows].rename(index=lambda name: name.removeprefix(f"{field}."))


# --- core and periphery -----------------------------------------------------------------------------------


def core_periphery(edges: Links) -> dict[str, float | None]:
    """How well a split into core and periphery describes who is linked with whom, directions and weights aside.

    The correlation of Borgatti and Everett (2000), doi:10.1016/S0378-8733(99)00019-2, between links and an ideal pattern:
    `core_and_periphery` (all pairs inside the core, none outside; pairs between them count nowhere), `hub_and_spoke`
    (pairs between them are linked too), `clique` (no pair but those inside the core). Developers enter the core by
    degree, which for the first pattern is the best split of each size (Lip 2011, arXiv:1102.5511); of all sizes the one
    of the highest correlation is taken. Results `<pattern>.core` (developers) and `<pattern>.fit`; None without a split.
    """
    pairs = linked_pairs(edges)
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
