"""The people of the synthetic twin: names, second names, and what the study found when it merged them (section 3.4)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from rapidfuzz import fuzz

from analysis import exact
from analysis.parameters import Parameters
from analysis.snapshot import SCHEMAS
from analysis.sources.twin.network import CENTRAL_DEGREE, Society
from analysis.sources.twin.plan import (
    BOTS,
    FOUND_AS_REAL_NAME,
    FOUND_BY_DEGREE,
    FOUND_IN_REPOSITORY,
    MERGED,
    NAMES,
    REAL_NAMES,
    REJECTED_AS_REAL_NAME,
    REJECTED_IN_REPOSITORY,
    SYLLABLES,
    Crowd,
    Plan,
    invented_names,
)


@dataclass(frozen=True)
class People:
    """names by number; `merged` and `truth` are the tables."""

    names: pa.Array
    merged: pa.Table
    truth: pa.Table


def crowd_of(grown: Society, scale: float) -> Crowd:
    aliases = round(MERGED * scale)
    return Crowd(
        connected=len(grown),
        developers=max(len(grown) + 1, round((NAMES - MERGED) * scale)),
        aliases=aliases,
        elsewhere=round(40_000 * scale) + 500,
        visitors=round(40_000 * scale) + 6_000,
    )


def isolates(models: Plan, crowd: Crowd, rng: np.random.Generator) -> None:
    """Models of one author: every developer without a partner has at least one, few have very many."""
    single = models.members < 0
    n = int(single.sum())
    alone = np.arange(crowd.connected, crowd.developers)[:n]
    further = (crowd.developers * exact.power(rng.random(n - len(alone)), 3)).astype(np.int64)
    models.members[single] = rng.permutation(np.concatenate([alone, further]))


def people_of(models: Plan, grown, crowd: Crowd, rng: np.random.Generator, seed: int) -> People:
    """Name everybody, give some a second name, and let that name author one commit (section 3.4)."""
    names = invented_names(crowd.first_bot + len(BOTS), seed)
    names[crowd.first_bot :] = BOTS
    kinds = np.full(len(names), "developer", dtype=object)
    kinds[crowd.first_elsewhere : crowd.first_visitor] = "developer elsewhere"
    kinds[crowd.first_visitor : crowd.first_bot] = "visitor"
    kinds[crowd.first_bot :] = "bot"
    persons = np.arange(len(names))
    found_by = np.full(len(names), None, dtype=object)
    _second_names(models, grown, crowd, names, kinds, persons, found_by, rng)
    _look_alikes(models, crowd, names, kinds, persons, rng)
    aliases = np.arange(crowd.first_alias, crowd.first_elsewhere)
    scores = [_score(names[a], names[persons[a]]) for a in aliases]
    text = pa.array(names.tolist(), pa.string())
    merged = pa.table(
        {"alias": text.take(pa.array(aliases)), "person": text.take(pa.array(persons[aliases])), "score": scores},
        schema=SCHEMAS["people"],
    )
    truth = pa.table(
        {
            "name": text,
            "person": text.take(pa.array(persons)),
            "is_bot": pa.array(kinds == "bot"),
            "kind": pa.array(kinds.tolist(), pa.string()),
            "found_by": pa.array(found_by.tolist(), pa.string()),
        }
    )
    return People(text, merged, truth)


def _real_name(number: int, rng: np.random.Generator) -> str:
    """Two words of six letters; twelve in all, so unlike any username of nine."""
    first, second, third, fourth = SYLLABLES[rng.integers(len(SYLLABLES), size=4)]
    return f"{first}{second} {third}{fourth}".title()


def _second_names(models, grown, crowd, names, kinds, persons, found_by, rng) -> None:
    aliases = np.arange(crowd.first_alias, crowd.first_elsewhere)
    share = len(aliases) / MERGED
    n_real, n_shared, n_central = (
        round(found * share) for found in (FOUND_AS_REAL_NAME, FOUND_IN_REPOSITORY, FOUND_BY_DEGREE)
    )
    real = np.arange(len(aliases)) < n_real
    central = np.arange(len(aliases)) >= len(aliases) - n_central
    # What the rounds found twice: 150 of 696, here shared evenly between the two neighbouring rounds.
    shared_first = max(0, n_real - round(60 * share))
    shared = (np.arange(len(aliases)) >= shared_first) & (np.arange(len(aliases)) < shared_first + n_shared)
    owners = _owners_of_aliases(models, grown, crowd, central, rng)
    for place, (alias, (repo, person)) in enumerate(zip(aliases, owners, strict=False)):
        persons[alias], kinds[alias] = person, "alias"
        if real[place]:
            names[alias] = _real_name(place, rng)
            names[person] = names[alias].replace(" ", "").lower()
        elif shared[place]:
            names[alias] = f"{names[person]}{place % 10}"
        rounds = zip(("repository", "real name", "degree"), (shared[place], real[place], central[place]), strict=True)
        found_by[alias] = ", ".join(word for word, found in rounds if found)
        models.replaced[repo, int(models.leaders[repo])] = int(alias)
    _more_real_names(crowd, names, kinds, persons, n_real, share, rng)


def _owners_of_aliases(models: Plan, grown, crowd: Crowd, central: np.ndarray, rng) -> list[tuple[int, int]]:
    """A repository per alias and its leading author, who has a commit to spare there; every person once."""
    spare = np.flatnonzero((models.commits > models.leaders + 1) & (models.leaders > 0))
    spare = rng.permutation(spare[[repo not in models.names for repo in spare.tolist()]])
    persons = models.members[models.start[spare]]
    degrees = np.concatenate([grown.degrees, np.zeros(crowd.developers - crowd.connected, dtype=np.int64)])
    _, first = np.unique(persons, return_index=True)
    spare, persons = spare[np.sort(first)], persons[np.sort(first)]
    busy = degrees[persons] >= CENTRAL_DEGREE
    pools = {True: iter(np.flatnonzero(busy).tolist()), False: iter(np.flatnonzero(~busy).tolist())}
    places = [next(pools[bool(wanted)], None) for wanted in central]
    places = [next(pools[False]) if place is None else place for place in places]
    return [(int(spare[place]), int(persons[place])) for place in places]


def _more_real_names(crowd, names, kinds, persons, n_real, share, rng) -> None:
    """Names with a space that nobody merged: 1,979 less those among the aliases; some are like a stranger's name."""
    merged = set(persons[crowd.first_alias : crowd.first_elsewhere].tolist())
    free = [p for p in rng.permutation(np.arange(crowd.connected, crowd.developers)).tolist() if p not in merged]
    wanted = round(REAL_NAMES * share) - n_real
    alike = round(REJECTED_AS_REAL_NAME * share)
    for place, person in enumerate(free[:wanted]):
        names[person] = _real_name(place, rng)
        if place < alike:
            names[free[-1 - place]] = names[person].replace(" ", "").lower()
            kinds[person] = kinds[free[-1 - place]] = "look-alike"


def _look_alikes(models, crowd, names, kinds, persons, rng) -> None:
    """Different people of one repository whose names are alike: candidates that have to be turned down."""
    merged = set(persons[crowd.first_alias : crowd.first_elsewhere].tolist())  # their names have to stay as they are
    wanted = round(REJECTED_IN_REPOSITORY * crowd.aliases / MERGED)
    pairs = rng.permutation(np.flatnonzero(models.committers == 2)).tolist()
    for repo in pairs:
        first, second = models.members[models.start[repo] : models.start[repo] + 2].tolist()
        alone = first not in merged and second not in merged and kinds[first] == kinds[second] == "developer"
        if wanted and alone and len(names[first]) == len(names[second]) == 9:
            names[second] = names[first] + "x"
            kinds[first] = kinds[second] = "look-alike"
            wanted -= 1


def _score(alias: str, person: str) -> float | None:
    """Similarity of two names as the study's scripts compare them (METHODS, section 5).

    None below the study's threshold: what names alone could not show was decided by hand (section 3.4).
    """
    plain = ["".join(c for c in name.lower() if c.isalnum()) for name in (alias, person)]
    score = float(round(fuzz.token_set_ratio(*plain)))
    return score if score >= Parameters.merge_threshold else None
