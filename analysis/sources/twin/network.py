"""Who commits with whom in the synthetic twin: developers, links and shared repositories (study, Tables 6-9).

The network is built from the inside out. A new developer gets at least k edges, and fewer than the next core asks
for, to developers who are already there; so every core has its published size by construction. A repository of two
authors carries one link, a repository of more carries a team; both are the edge rule read backwards.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analysis import exact
from analysis.sources.twin.printed import is_printed, met, used

FIELDS = ("mm", "nlp", "cv", "other")  # `other`: models without a tag of a sub-field
FIELD_CODE = {name: code for code, name in enumerate(FIELDS)}


class Core(NamedTuple):
    """One row of Tables 6-9."""

    k: int
    nodes: int
    edges: int
    modularity: float
    communities: int
    reciprocity: float


def _printed_core(name: str) -> Core:
    """The row of Tables 6-9 whose ids start so. The inner cores' modularity and communities shape the twin, no more."""
    k, nodes, edges = (met(f"{name}.{column}") for column in ("k", "nodes", "edges"))
    return Core(k, nodes, edges, used(f"{name}.mod"), used(f"{name}.com"), met(f"{name}.recip"))


# Tables 6-9, the innermost core first.
CORES = {
    field: tuple(_printed_core(f"rq2.{field}.{core}") for core in cores)
    for field, cores in {
        "all": ("kmax", "k10", "k5", "k1"), "cv": ("kmax", "k5", "k1"), "nlp": ("kmax", "k10", "k5", "k1"),
        "mm": ("kmax", "k10", "k5", "k1"),
    }.items()
}  # fmt: skip
DEGREE_STD, DEGREE_MAX = met("rq2.all.degree.std"), met("rq2.all.degree.max")  # section 4.2.1
CENTRAL_DEGREE = 10  # section 3.4
STAR_FIELDS = ("mm", "nlp", "other")  # in a field as small as CV one star would be most of the network
# How far modularity by chance raises the links between communities: fitted, for the score also weighs each link by its
# commits, and repositories of whole teams weigh most in the inner cores.
CHANCE = {"all": {10: 1.6, 5: 0.9}, "sub-field": {10: 0.6, 5: 0.5}}
# How much more a busy developer of a core is joined, as a power of the degree: the whole number with which the inner cores'
# assortativity comes nearest to print. With 1 there are teams alone (0.26 at k = 5), with 3 hubs alone (-0.18).
HUBS = 2
_INNER = [f"rq2.{field}.{core}.ass" for field in CORES for core in ("k5", "k10")]
SHAPED_BY = [used(name) for name in _INNER if is_printed(name)]
STAR_SHARE = 0.5  # of the outer developers who join others: those who join a busy one; not published

# The 25-core of NLP: 15 developers and 204 of 210 edges, of which 4 are not returned (reciprocity 0.98). With these six
# missing, its first two members have 25 edges, and without them nobody has 26: the core ends at 25.
NLP_MISSING = ((0, 1), (1, 0), (0, 2), (1, 3), (2, 4), (3, 4))


# The repositories that the study names for their authors (section 4.1.1), with how many: teams of the 10-core of NLP with
# co-authors who lead no commit. So none of them is said to carry an innermost core; invented repositories do.
NAMED = {
    met(f"rq1.models.n_committers.top.{rank}.model"): met(f"rq1.models.n_committers.top.{rank}.committers")
    for rank in (1, 2, 3)
}


class Shell(NamedTuple):
    """Developers of a field in one core but not in the next one, and the links they bring."""

    field: str
    k: int
    cap: int  # most edges a new developer may bring: one below the next core
    nodes: int
    mutual: int
    oneway: int
    communities: int
    crossing: float  # share of the links that leave their community

    @property
    def edges(self) -> int:
        return 2 * self.mutual + self.oneway

    @property
    def second_crossing(self) -> float:
        """Outside the 5-core a developer's first link makes the community, so only further links can leave it."""
        links = self.mutual + self.oneway
        further = links - self.nodes + self.communities
        return min(1.0, max(0.0, self.crossing) * links / further) if further > 0 else 0.0


def _growing() -> array:
    """Whole numbers that more are added to, and that numpy reads where they lie."""
    return array("q")


@dataclass
class Society:
    """The network while it grows; developers are numbered from 0 in the order in which they come."""

    fields: array = field(default_factory=_growing)
    levels: array = field(default_factory=_growing)
    homes: array = field(default_factory=_growing)
    degrees: array = field(default_factory=_growing)
    neighbours: list[set[int]] = field(default_factory=list)
    communities: list[list[int]] = field(default_factory=list)
    links: dict[tuple[int, int], tuple[bool, int]] = field(default_factory=dict)  # (mutual, field), earlier name first
    teams: list[tuple[str | None, int, list[int], list[int]]] = field(default_factory=list)
    hub: int | None = None

    def community(self) -> int:
        self.communities.append([])
        return len(self.communities) - 1

    def developer(self, where: int, level: int, home: int) -> int:
        self.fields.append(where)
        self.levels.append(level)
        self.homes.append(home)
        self.degrees.append(0)
        self.neighbours.append(set())
        self.communities[home].append(len(self.fields) - 1)
        return len(self.fields) - 1

    def link(self, source: int, target: int, *, mutual: bool, where: int) -> None:
        self.links[source, target] = (mutual, where)
        self.neighbours[source].add(target)
        self.neighbours[target].add(source)
        for end in (source, target):
            self.degrees[end] += 1 + mutual

    def move(self, leaf: int, old: int, new: int) -> None:
        """Give a developer's link with `old` to `new`, in the same direction."""
        ends = (old, leaf) if (old, leaf) in self.links else (leaf, old)
        mutual, where = self.links.pop(ends)
        self.neighbours[old].remove(leaf)
        self.neighbours[leaf].remove(old)
        for end in (old, leaf):
            self.degrees[end] -= 1 + mutual
        source, target = (new if end == old else end for end in ends)
        self.link(source, target, mutual=mutual, where=where)

    def clique(self, members: list[int], where: int) -> None:
        for place, source in enumerate(members):
            for target in members[:place]:
                self.link(target, source, mutual=True, where=where)

    def __len__(self) -> int:
        return len(self.fields)


class Repositories(NamedTuple):
    """Repositories of two or more authors, flattened: i has members[start[i]:start[i + 1]], leaders first."""

    members: np.ndarray
    start: np.ndarray
    leaders: np.ndarray
    fields: np.ndarray
    names: dict[int, str]


# --- shells -----------------------------------------------------------------------------------------------


def shells(scale: float) -> list[Shell]:
    """Give the shells of all fields, the innermost level first; `other` is all models less the three sub-fields.

    This takes the fields' developers as different people, which the published sizes allow at every level.
    """
    found = []
    for k in (10, 5, 1):
        parts = [_shell(name, k) for name in ("mm", "nlp", "cv")]
        rest = _rest(_shell("all", k), parts, k)
        found += [_scaled(part, scale) for part in (*parts, rest) if part.nodes]
    return _merged_outwards(found)


def _shell(name: str, k: int) -> Shell:
    """Nodes and links of a core less those of the core inside it."""
    rows = CORES[name]
    place = next((i for i, row in enumerate(rows) if row.k == k and i), None)
    if place is None:  # the level is the innermost core itself, a team of its own
        return Shell(name, k, 0, 0, 0, 0, 0, 0.0)
    inner, outer = rows[place - 1], rows[place]
    mutual = _mutual(outer) - _mutual(inner)
    edges = outer.edges - inner.edges
    crossing = (_crossing(name, outer) - _crossing(name, inner)) / edges
    communities = max(0, outer.communities - inner.communities)
    oneway = edges - 2 * mutual
    return Shell(name, k, inner.k - 1, outer.nodes - inner.nodes, mutual, oneway, communities, crossing)


def _mutual(row: Core) -> int:
    return round(row.reciprocity * row.edges / 2)


def _crossing(name: str, row: Core) -> float:
    """Edges between communities that the modularity asks for, were the communities of equal size.

    Edges laid at random are not lost to the search, which finds communities in any network: in a random one of
    n nodes and mean degree z their modularity is (1 - 2 / sqrt(n)) (2 / z)^(2/3) (Guimera et al. 2004,
    doi:10.1103/PhysRevE.70.025101).
    """
    degree = 2 * (row.edges - _mutual(row)) / row.nodes
    by_chance = (1 - 2 / math.sqrt(row.nodes)) * float(exact.power(min(1.0, 2 / degree), 2 / 3))
    by_chance *= CHANCE["all" if name == "all" else "sub-field"].get(row.k, 0.0)
    lacking = max(0.0, 1 - 1 / row.communities - row.modularity)
    return min(1.0, lacking / max(0.2, 1 - by_chance)) * row.edges


def _rest(whole: Shell, parts: list[Shell], k: int) -> Shell:
    inside = 0
    if k == 10:  # two of the three innermost cores are not the innermost core of all
        inside = sum(CORES[name][0].nodes for name in ("nlp", "cv"))
        links = [(_mutual(CORES[name][0]), CORES[name][0].edges) for name in ("nlp", "cv")]
        whole = whole._replace(
            mutual=whole.mutual - sum(mutual for mutual, _ in links),
            oneway=whole.oneway - sum(edges - 2 * mutual for mutual, edges in links),
        )
    crossing = whole.edges * whole.crossing - math.fsum(part.edges * part.crossing for part in parts)
    edges = whole.edges - sum(part.edges for part in parts)
    return whole._replace(
        field="other",
        crossing=min(1.0, max(0.0, crossing / edges)),
        nodes=whole.nodes - inside - sum(part.nodes for part in parts),
        mutual=whole.mutual - sum(part.mutual for part in parts),
        oneway=whole.oneway - sum(part.oneway for part in parts),
        communities=max(0, whole.communities - sum(part.communities for part in parts)),
    )


def _scaled(shell: Shell, scale: float) -> Shell:
    counts = {name: round(getattr(shell, name) * scale) for name in ("nodes", "mutual", "oneway", "communities")}
    return shell._replace(**counts)


def _merged_outwards(found: list[Shell]) -> list[Shell]:
    """A shell too small for one team joins the next one of its field; only small scales have such shells."""
    kept = []
    for place, shell in enumerate(found):
        outer = next((i for i in range(place + 1, len(found)) if found[i].field == shell.field), None)
        if shell.nodes < _team_size(shell.k) and outer is not None:
            found[outer] = found[outer]._replace(
                **{n: getattr(found[outer], n) + getattr(shell, n) for n in ("nodes", "mutual", "oneway")}
            )
        else:
            kept.append(shell)
    return kept


def _team_size(k: int) -> int:
    """Smallest clique whose members have k edges, two to each other member."""
    return (k + 1) // 2 + 1


# --- growing ----------------------------------------------------------------------------------------------


def society(scale: float, rng: np.random.Generator) -> Society:
    """Grow the network of the connected developers, from the innermost teams to the stars around the busiest."""
    grown = Society()
    if scale >= 0.5:  # a team does not shrink with the Hub: in a smaller one it would be most of the network
        _innermost(grown)
    planned = shells(scale)
    for shell in planned:
        if shell.k > 1:
            _grow_core(grown, shell, rng)
    outer = [shell for shell in planned if shell.k == 1]
    exponent = _star_exponent(grown, outer, scale)
    for shell in outer:
        _grow_outside(grown, shell, rng, scale=scale, exponent=exponent)
    if scale == 1:
        _settle_degrees(grown)
    return grown


def _innermost(grown: Society) -> None:
    for name in ("mm", "nlp", "cv"):
        where, home = FIELD_CODE[name], grown.community()
        row = CORES[name][0]
        members = [grown.developer(where, row.k, home) for _ in range(row.nodes)]
        if name == "nlp":
            _nlp_core(grown, members, where)
            members = [m for m in members if m - members[0] not in {source for source, _ in NLP_MISSING}]
        else:
            grown.clique(members, where)
        grown.teams.append((None, where, members, []))


def _nlp_core(grown: Society, members: list[int], where: int) -> None:
    missing = {(members[a], members[b]) for a, b in NLP_MISSING}
    for place, v in enumerate(members):
        for u in members[:place]:
            forth, back = (u, v) not in missing, (v, u) not in missing
            if forth or back:
                source, target = (u, v) if forth else (v, u)
                grown.link(source, target, mutual=forth and back, where=where)


def _grow_core(grown: Society, shell: Shell, rng: np.random.Generator) -> None:
    """Add the teams of a shell, then its other developers one by one."""
    where = FIELD_CODE[shell.field]
    nodes, mutual, oneway = shell.nodes, shell.mutual, shell.oneway
    size = _team_size(shell.k)
    teams = shell.communities or int(not _homes(grown, shell))  # the first developers need a team to join
    teams = min(teams, nodes // size)
    for _ in range(teams):
        home = grown.community()
        members = [grown.developer(where, shell.k, home) for _ in range(size)]
        grown.clique(members, where)
        grown.teams.append((None, where, members, []))
        nodes, mutual = nodes - size, max(0, mutual - size * (size - 1) // 2)
    named = _followed(grown, shell, teams)
    presets = [leaders for _, leaders, followers in named for _ in range(followers)][: max(0, nodes)]
    given = [len(leaders) for leaders in presets]
    plan = _links_of_each(nodes, mutual, oneway - sum(given), shell, given, rng)
    homes, first = _homes(grown, shell), len(grown)
    for place, (n_mutual, n_oneway) in enumerate(plan):
        preset = presets[place] if place < len(presets) else []
        home = grown.homes[preset[0]] if preset else homes[rng.integers(len(homes))]
        _attach(grown, shell, home, n_mutual, n_oneway, preset, rng)
    for name, leaders, followers in named:
        grown.teams.append((name, where, leaders, list(range(first, min(first + followers, len(grown))))))
        first += followers


def _followed(grown: Society, shell: Shell, teams: int) -> list[tuple[str, list[int], int]]:
    """Repositories that the first new developers join as co-authors only: name, leaders, how many join."""
    if shell.k != 10 or shell.field != "nlp" or teams < len(NAMED):
        return []
    leading = grown.communities[-teams:][: len(NAMED)]
    return [(name, list(team), size - len(team)) for (name, size), team in zip(NAMED.items(), leading, strict=True)]


def _homes(grown: Society, shell: Shell) -> list[int]:
    """Communities that new developers may join: their field's, and for `other` everybody's."""
    where = FIELD_CODE[shell.field]
    homes = [c for c, members in enumerate(grown.communities) if members and grown.fields[members[0]] == where]
    return homes or list(range(len(grown.communities)))


def _links_of_each(nodes, mutual, oneway, shell, preset, rng) -> list[tuple[int, int]]:
    """Mutual and one-way links of each new developer: at least k edges, at most the cap, all links used."""
    if not nodes:
        return []
    given = np.zeros(nodes, dtype=np.int64)
    given[: len(preset)] = preset[:nodes]
    free = np.flatnonzero(given == 0) if (given == 0).any() else np.arange(nodes)
    singles = np.zeros(nodes, dtype=np.int64)
    singles[free] = max(0, oneway) // len(free)
    singles[rng.permutation(free)[: max(0, oneway) % len(free)]] += 1
    singles = np.minimum(singles, shell.cap - given)
    doubles = np.maximum(0, -(-(shell.k - given - singles) // 2))
    room = (shell.cap - given - singles) // 2
    left = mutual - doubles.sum()
    while left > 0 and (doubles < room).any():
        open_ = np.flatnonzero(doubles < room)
        chosen = rng.permutation(open_)[:left]
        doubles[chosen] += 1
        left -= len(chosen)
    return list(zip(doubles.tolist(), singles.tolist(), strict=True))


def _attach(grown, shell, home, n_mutual, n_oneway, preset, rng) -> None:
    """Add one developer of a core: most links go to the home community, the crossing ones anywhere in the field."""
    where = FIELD_CODE[shell.field]
    inside = [v for v in grown.communities[home] if v not in preset]
    is_outside = np.not_equal(grown.homes, home)
    if shell.field != "other":
        inside = [v for v in inside if grown.fields[v] == where]
        is_outside &= np.equal(grown.fields, where)
    outside = np.flatnonzero(is_outside)
    wanted = n_mutual + n_oneway
    crossing = int(rng.binomial(wanted, min(1.0, max(0.0, shell.crossing))))
    n_inside = min(len(inside), max(wanted - crossing, wanted - len(outside)))
    targets = _busiest_first(grown, inside, n_inside, rng)
    targets += _busiest_first(grown, outside, min(len(outside), wanted - n_inside), rng)
    new = grown.developer(where, shell.k, home)
    for leader in preset:
        grown.link(leader, new, mutual=False, where=where)
    for place in rng.permutation(len(targets)).tolist():
        _one_link(grown, new, targets[place], mutual=n_mutual > 0, where=where, rng=rng)
        n_mutual -= 1
    if shell.field == "other" and grown.hub is None:
        grown.hub = new


def _busiest_first(grown: Society, among: np.ndarray | list[int], n: int, rng: np.random.Generator) -> list[int]:
    """n of them, drawn by their degrees (to the power `HUBS`): few hubs have many spokes, as where one team serves many."""
    if not n:
        return []
    pull = np.asarray(grown.degrees)[among] ** HUBS
    if np.count_nonzero(pull) < n:  # in a small twin those with links may be too few
        pull += 1
    return rng.choice(among, n, replace=False, p=pull / float(pull.sum())).tolist()  # whole numbers, so the sum is exact


def _one_link(grown, new, old, *, mutual, where, rng) -> None:
    source, target = (old, new) if mutual or rng.random() < 0.5 else (new, old)
    grown.link(source, target, mutual=mutual, where=where)


def _grow_outside(grown: Society, shell: Shell, rng: np.random.Generator, *, scale: float, exponent: float) -> None:
    """Add the developers outside the 5-core: pairs of their own, and those who join a pair or a busy developer."""
    where = FIELD_CODE[shell.field]
    nodes, mutual, oneway = shell.nodes, shell.mutual, shell.oneway
    centres = _centres(grown, shell)
    if shell.field == "other" and grown.hub is not None:
        nodes, mutual, oneway = _star(grown, shell, nodes, mutual, oneway, scale)
    pairs = min(max(1, shell.communities), nodes // 2, max(1, mutual))
    communities = []
    for _ in range(pairs):
        home = grown.community()
        grown.clique([grown.developer(where, 1, home) for _ in range(2)], where)
        communities.append(home)
    if not pairs and not centres:
        return
    plan = _links_of_each(nodes - 2 * pairs, max(0, mutual - pairs), oneway, shell, [], rng)
    weights = _star_weights(len(centres), exponent if shell.field in STAR_FIELDS else 0.0)
    centres = np.array(sorted(centres, key=lambda v: (-grown.degrees[v], v)), dtype=np.int64)
    everybody = [v for v in np.flatnonzero(np.equal(grown.fields, where)).tolist() if v != grown.hub]
    for n_mutual, n_oneway in plan:
        if len(centres) and (rng.random() < STAR_SHARE or not communities):
            first = int(rng.choice(centres, p=weights))
        else:
            home = grown.communities[communities[rng.integers(len(communities))]]
            first = home[rng.integers(len(home))]
        _join(grown, shell, first, n_mutual, n_oneway, everybody, rng)


def _star(grown, shell, nodes, mutual, oneway, scale) -> tuple[int, int, int]:
    """Give the busiest developer the published largest degree; returns what is left of the shell."""
    wanted = round(DEGREE_MAX * scale) - grown.degrees[grown.hub]
    singles = max(0, min(oneway // 2, wanted))
    singles += (wanted - singles) % 2
    doubles = min((wanted - singles) // 2, mutual)
    where, home = FIELD_CODE[shell.field], grown.homes[grown.hub]
    for place in range(max(0, min(doubles + singles, nodes))):
        leaf = grown.developer(where, 1, home)
        grown.link(grown.hub, leaf, mutual=place < doubles, where=where)
    return nodes - doubles - singles, mutual - doubles, oneway - singles


def _settle_degrees(grown: Society) -> None:
    """Bring the degrees' standard deviation to its printed decimals (section 4.2.1), as the exponent only comes near.

    Developers whose one partner is busy get the second busiest of all as partner instead, if in their field, or leave
    it: that moves edges, and adds or loses no developer, no edge and no core. A busy developer stays a central one.
    """
    star = max((v for v in range(len(grown)) if v != grown.hub), key=lambda v: (grown.degrees[v], -v))
    centres = _centres_of(grown, grown.fields[star])
    missing = (DEGREE_STD**2 - exact.mean_and_std(np.array(grown.degrees))[1] ** 2) * (len(grown) - 1)
    centres.remove(star)
    centres.sort(key=lambda v: (grown.degrees[v], v))
    lonely = {v: sorted(u for u in grown.neighbours[v] if len(grown.neighbours[u]) == 1) for v in (*centres, star)}
    if missing > 0:
        moves = [(leaf, centre, star) for centre in centres for leaf in lonely[centre]]
    else:
        moves = [(leaf, star, centre) for leaf, centre in zip(lonely[star], centres, strict=False)]
    for leaf, old, new in moves:
        edges = grown.degrees[leaf]
        gain = 2 * edges * (grown.degrees[new] - grown.degrees[old] + edges)
        if grown.degrees[old] - edges < CENTRAL_DEGREE or abs(missing - gain) > abs(missing):
            continue
        grown.move(leaf, old, new)
        missing -= gain


def _star_weights(centres: int, exponent: float) -> np.ndarray:
    weights = exact.power(np.arange(1, centres + 1), -exponent)
    return weights / math.fsum(weights) if centres else weights


def _star_exponent(grown: Society, outer: list[Shell], scale: float) -> float:
    """Zipf exponent of the stars with which the degrees reach their published standard deviation (section 4.2.1)."""
    row = CORES["all"][-1]
    nodes, mean = row.nodes * scale, 2 * row.edges / row.nodes
    wanted = nodes * (DEGREE_STD**2 + mean**2) - (DEGREE_MAX * scale) ** 2
    outside = sum(shell.nodes for shell in outer)
    starred = [shell for shell in outer if shell.field in STAR_FIELDS]
    wanted -= outside * mean**2 / 2  # outer developers have two edges more often than four

    def squares(exponent: float) -> float:
        total = 0.0
        for shell in starred:
            degrees = _centre_degrees(grown, shell)
            joined = shell.nodes - 2 * min(shell.communities, shell.nodes // 2)
            brought = STAR_SHARE * joined * (2 * shell.mutual + shell.oneway) / max(1, shell.mutual + shell.oneway)
            total += math.fsum((degrees + brought * _star_weights(len(degrees), exponent)) ** 2)
        return total

    low, high = 0.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if squares(middle) < wanted else (low, middle)
    return low


def _centre_degrees(grown: Society, shell: Shell) -> np.ndarray:
    centres = [grown.degrees[v] for v in _centres(grown, shell)]
    return np.array(sorted(centres, reverse=True), dtype=np.float64)


def _centres(grown: Society, shell: Shell) -> list[int]:
    """The busier developers of a field, whom outer ones join; the hub has a star of its own."""
    return _centres_of(grown, FIELD_CODE[shell.field])


def _centres_of(grown: Society, where: int) -> list[int]:
    return [v for v in range(len(grown)) if grown.fields[v] == where and grown.levels[v] >= 5 and v != grown.hub]


def _join(grown, shell, first, n_mutual, n_oneway, everybody, rng) -> None:
    """Add one outer developer: linked to `first`, then to neighbours of `first` or, crossing, to anybody."""
    where = FIELD_CODE[shell.field]
    near = sorted(v for v in grown.neighbours[first] if grown.fields[v] == where and v != grown.hub)
    targets = [first]
    while len(targets) < n_mutual + n_oneway and len(targets) < len(everybody):
        crossing = rng.random() < shell.second_crossing or all(v in targets for v in near)
        pool = everybody if crossing else near
        target = pool[rng.integers(len(pool))]
        if target not in targets:
            targets.append(target)
    new = grown.developer(where, 1, grown.homes[first])
    for target in targets:
        _one_link(grown, new, target, mutual=n_mutual > 0, where=where, rng=rng)
        n_mutual -= 1


# --- repositories -------------------------------------------------------------------------------------------


def repositories(grown: Society, authors: np.ndarray, rng: np.random.Generator) -> Repositories:
    """Give the repositories of two or more authors that carry the network's links, and nothing else.

    In: authors, how many authors each such repository shall have. Every team and every other link gets one;
    the rest repeats what is there. Where `authors` has too few of a size, it is exceeded (small scales only).
    """
    left = np.bincount(authors, minlength=3)
    items = _team_repositories(grown, left)
    covered = {pair for members, leaders, *_ in items for pair in _pairs(members, leaders)}
    pairs = [([*pair], 1 + mutual, where, None) for pair, (mutual, where) in grown.links.items() if pair not in covered]
    left[2] -= len(pairs)
    items += pairs + _repeated(grown, left, pairs, rng)
    return _flattened(items)


def _team_repositories(grown: Society, left: np.ndarray) -> list[tuple]:
    items = []
    for name, where, leaders, followers in grown.teams:
        size = len(leaders) + len(followers)
        if name or (size < len(left) and left[size] > 0):
            items.append(([*leaders, *followers], len(leaders), where, name))
            if size < len(left):
                left[size] -= 1
    return items


def _pairs(members: list[int], leaders: int) -> Iterator[tuple[int, int]]:
    """Pairs of authors whose link the repository carries, in both orders."""
    for place, source in enumerate(members[:leaders]):
        for target in members[place + 1 :]:
            yield source, target
            yield target, source


def _repeated(grown: Society, left: np.ndarray, pairs: list[tuple], rng: np.random.Generator) -> list[tuple]:
    """More repositories of teams, of trios and of the pairs outside teams, whose links weigh as much that way."""
    items = []
    trios = _trios(grown)
    teams = [(where, leaders) for name, where, leaders, _ in grown.teams]
    for size in range(len(left) - 1, 2, -1):
        large = [team for team in teams if len(team[1]) >= size]
        for _ in range(max(0, left[size])):
            if size == 3 and trios:
                where, members = trios[rng.integers(len(trios))]
            elif large:
                where, members = large[rng.integers(len(large))]
            else:
                continue
            items.append((rng.permutation(members)[:size].tolist(), size, where, None))
    if not pairs:
        return items
    again = rng.integers(len(pairs), size=max(0, left[2]))
    return items + [pairs[place] for place in again.tolist()]


def _trios(grown: Society) -> list[tuple[int, list[int]]]:
    """Three developers of one field with all links in both directions, each trio once."""
    both = {pair: where for pair, (mutual, where) in grown.links.items() if mutual}
    partners: dict[int, set[int]] = {}
    for u, v in both:
        partners.setdefault(u, set()).add(v)
        partners.setdefault(v, set()).add(u)
    found = []
    for (u, v), where in both.items():
        for w in sorted(partners[u] & partners[v]):
            others = {both.get((a, b), both.get((b, a))) for a, b in ((u, w), (v, w))}
            if w > max(u, v) and others == {where}:
                found.append((where, [u, v, w]))
    return found


def _flattened(items: list[tuple]) -> Repositories:
    sizes = np.array([len(members) for members, *_ in items], dtype=np.int64)
    return Repositories(
        members=np.array([v for members, *_ in items for v in members], dtype=np.int64),
        start=np.concatenate([[0], np.cumsum(sizes)]),
        leaders=np.array([leaders for _, leaders, *_ in items], dtype=np.int64),
        fields=np.array([where for _, _, where, _ in items], dtype=np.int64),
        names={i: name for i, (*_, name) in enumerate(items) if name},
    )
