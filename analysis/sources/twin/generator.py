"""A synthetic twin of the October 2023 Hub, made from the study's published aggregates alone (sections 3 and 4).

The study's raw data can't be shared. The twin holds invented commits, discussions and links with the same totals, so
every result is computed from events and none is stored. It shows that the analysis reaches the published tables;
it is no evidence about the Hub. Names are invented, but for the models and organisations that the study prints and
for service accounts, which `data/bots.csv` has to know. What was invented is kept in the table `truth`.
"""

import datetime as dt
import math

import numpy as np
from pyarrow.compute import sort_indices

from analysis.exact import correlation
from analysis.parameters import shortest
from analysis.snapshot import Snapshot, SnapshotError, Writer, check_free, date_of, load, new_date
from analysis.sources.twin import counts as twin_counts
from analysis.sources.twin import network as twin_network
from analysis.sources.twin.counts import (
    MODELS,
    SIZES,
    TARGETS,
    arranged,
    exchange,
    largest,
    matched,
    overlapped,
    swapped,
)
from analysis.sources.twin.events import commits_of, discussions_of, ids_of, leave_out, repos_of, usage_of
from analysis.sources.twin.network import FIELD_CODE, FIELDS
from analysis.sources.twin.people import crowd_of, isolates, people_of
from analysis.sources.twin.plan import (
    COMMUNITY_LIKES,
    COMMUNITY_MAX,
    COMMUNITY_MEANS,
    COMMUNITY_STARTERS,
    COMMUNITY_STDS,
    DATE,
    DISCUSSIONS_LIKES,
    FAILED_SHARES,
    FIELD_OWNERS,
    FIELD_SHARES,
    LARGEST_ALONE,
    OPENING,
    OTHER_LICENSES,
    PERMISSIVE,
    PERMISSIVE_REST,
    RARE_LICENSES,
    RESTRICTIVE,
    RESTRICTIVE_REST,
    SEED,
    SYLLABLES,
    TEAM_POPULARITY,
    TOP_MODELS,
    TOP_OWNERS,
    TOP_TASKS,
    UNLICENSED,
    USAGE_DOWNLOADS,
    USAGE_LIKES,
    USED,
    USED_MODELS,
    USED_WITH_TAGS,
    Crowd,
    Plan,
    distinct,
    invented_names,
    nth_of,
)


def check(*, date: str, scale: float, seed: int, replace: bool) -> tuple[str, dt.date]:
    """Name and day of the twin that `make` would write.

    Raises SnapshotError: for a day that has not come or on which the twin has no repository yet, a scale that is not
    positive, a seed that is none, and where the snapshot exists and `replace` is false.
    """
    if not 0 < scale < math.inf:
        raise SnapshotError(f"scale {scale!r}: expected a positive number, 1 for the size of the study's Hub")
    if not 0 <= seed < 2**32:
        raise SnapshotError(f"seed {seed}: expected a whole number from 0 to {2**32 - 1}")
    day = date_of("", date) if date == DATE else new_date("", date)  # the default asks no clock
    if day <= OPENING:
        raise SnapshotError(f"date {day}: expected a day after {OPENING}, on which the twin's first repository is made")
    name = f"{day}-twin" + ("" if scale == 1 else f"-x{shortest(scale)}") + ("" if seed == SEED else f"-s{seed}")
    check_free(name, replace=replace)
    return name, day


def make(*, date: str = DATE, scale: float = 1.0, seed: int = SEED, replace: bool = False) -> Snapshot:
    """Write the twin `<date>-twin` (with `-x<scale>` and `-s<seed>` where they are not the defaults) and open it.

    The same seed gives the same bytes. `scale` multiplies the numbers of repositories and people; largest values
    keep their place only at scale 1 and above. Raises SnapshotError, before any work, as `check` does.
    """
    name, day = check(date=date, scale=scale, seed=seed, replace=replace)
    streams = iter(np.random.default_rng(seed).spawn(20))
    models, grown = _models(scale, next(streams))
    crowd = crowd_of(grown, scale)
    isolates(models, crowd, next(streams))
    others = [_others(kind, scale, crowd, next(streams)) for kind in ("dataset", "space")]
    people = people_of(models, grown, crowd, next(streams), seed)
    source = {
        "name": "twin",
        "title": "SYNTHETIC twin of the Hugging Face Hub, made from the published aggregates of Osborne et al. (2024)",
        "licence": "CC0-1.0",
        "seed": seed,
        "scale": scale,
    }
    drawn = {plan.kind: [next(streams) for _ in range(4)] for plan in (models, *others)}
    with Writer(
        name, date=day, synthetic=True, source=source, coverage=_coverage(), replace=replace, in_order=True
    ) as writer:
        for plan in sorted((models, *others), key=lambda plan: plan.kind):
            _write(writer, plan, people.names, crowd, day, drawn[plan.kind])
        writer.add("usage", usage_of(models, others[1], next(streams)))
        writer.add("people", people.merged.sort_by("alias"))
        writer.add("truth", people.truth)
    return load(name)


def _write(writer: Writer, plan: Plan, names, crowd: Crowd, day: dt.date, streams: list[np.random.Generator]) -> None:
    """Name the repositories of a kind, and write them and what happened in them in the order of their names."""
    of_ids, of_repos, of_commits, of_discussions = streams
    plan.ids = ids_of(plan, names, of_ids)
    plan.order = sort_indices(plan.ids).to_numpy()
    writer.add("repos", repos_of(plan, day, of_repos))
    for rows in commits_of(plan, names, crowd, of_commits):
        writer.add("commits", rows)
    writer.add("discussions", discussions_of(plan, names, crowd, day, of_discussions))
    leave_out(writer, plan)


def _coverage() -> dict:
    kinds = {kind: {"status": "complete"} for kind in SIZES}
    whole = {"all": {"status": "complete"}}
    return {"repos": kinds, "commits": kinds, "discussions": kinds, "usage": whole, "people": whole}


# --- models -------------------------------------------------------------------------------------------------


def _models(scale: float, rng: np.random.Generator) -> tuple[Plan, twin_network.Society]:
    """Plan the models: first those of several authors, which carry the network, then those of one and of none."""
    n = round(MODELS * scale)
    failed = round(FAILED_SHARES["model"] * n)
    collected = n - failed
    grown = twin_network.society(scale, rng)
    authors = _fitted("model", "committers", collected)
    teams = twin_network.repositories(grown, authors[authors > 1], rng)
    several = len(teams.leaders)
    single = max(0, min(int((authors == 1).sum()), collected - several))
    committers = np.zeros(n, dtype=np.int64)
    committers[:several] = np.diff(teams.start)
    committers[several : several + single] = 1
    leaders = np.minimum(committers, 1)
    leaders[:several] = teams.leaders
    fields = rng.choice(len(FIELDS), size=n, p=[FIELD_SHARES[name] for name in FIELDS])
    fields[:several] = teams.fields
    plan = Plan(
        "model", n, failed, committers=committers, leaders=leaders, fields=fields, names=dict(teams.names),
        start=np.cumsum(committers) - committers, members=np.concatenate([teams.members, np.full(single, -1)]),
        likes=np.empty(0), discussions=np.empty(0), starters=np.empty(0), overlap=np.empty(0), commits=np.empty(0),
    )  # fmt: skip
    plan.tasks.update({i: TOP_TASKS[name] for i, name in plan.names.items()})
    _model_activity(plan, rng)
    plan.license = _model_licenses(plan, rng)
    return plan, grown


def _fitted(kind: str, variable: str, n: int) -> np.ndarray:
    """Counts of n repositories: likes are known of all, what events make only of those that were collected."""
    size = SIZES[kind]
    if variable not in ("likes", "downloads"):
        size -= round(FAILED_SHARES[kind] * size)
    return twin_counts.resized(twin_counts.counts(TARGETS[kind][variable], size), n)


def _model_activity(plan: Plan, rng: np.random.Generator) -> None:
    n, collected = plan.n, plan.n - plan.failed
    popularity = rng.normal(size=n) + TEAM_POPULARITY * (plan.committers > 1)
    popularity[collected:] -= 10  # what failed has no people to correlate with
    named = _place_top_models(plan, popularity)
    plan.likes = arranged(_fitted("model", "likes", n), popularity)
    plan.starters, plan.overlap = _starters(plan, popularity, rng)
    plan.discussions = _discussion_counts(plan, rng)
    plan.commits = _commit_counts(plan, popularity, rng)
    plan.usage = _usage_counts(plan, popularity, named, rng)
    downloads = twin_counts.resized(twin_counts.model_downloads(MODELS), n)
    used = np.empty(n, dtype=np.int64)
    used[np.argsort(plan.usage + rng.random(n), kind="stable")] = np.arange(n)
    dealt = matched(
        downloads,
        0.5 * popularity + 0.5 * (used / n - 0.5) * 6,
        rng.normal(size=n),
        pearson=lambda dealt: correlation(dealt, plan.usage),
        wanted=USAGE_DOWNLOADS,
    )
    plan.downloads = swapped(dealt, plan.usage, wanted=USAGE_DOWNLOADS, floor=np.zeros(n, dtype=np.int64))


def _place_top_models(plan: Plan, popularity: np.ndarray) -> dict[int, int]:
    """Give the models that the study names to repositories of one author, with the popularity of the most used.

    Returns their usage by repository.
    """
    single = np.flatnonzero(plan.committers == 1)
    named = dict(zip(single[: len(TOP_MODELS)].tolist(), TOP_MODELS, strict=False))
    for place, (repo, name) in enumerate(named.items()):
        spaces, where, task = TOP_MODELS[name]
        plan.names[repo], plan.tasks[repo], plan.fields[repo] = name, task, FIELD_CODE[where]
        popularity[repo] = 8 - place / 4
    for repo in plan.names:
        if repo not in named:
            popularity[repo] = 5
    return {repo: TOP_MODELS[name][0] for repo, name in named.items()}


def _starters(plan: Plan, popularity: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Deal how many people open discussions, and how many of them commit as well.

    The second follows from the means of Tables 2-4: starters and committers less the community, their union.
    """
    target = TARGETS[plan.kind]
    collected = plan.n - plan.failed
    values = np.concatenate([_fitted(plan.kind, "starters", collected), np.zeros(plan.failed, dtype=np.int64)])
    both = target["starters"].mean + target["committers"].mean - COMMUNITY_MEANS[plan.kind]
    chance = rng.random(plan.n) < both * plan.n / max(1, (values > 0).sum())

    def overlap(starters: np.ndarray) -> np.ndarray:
        return _overlap(plan, starters, chance)

    def community_likes(starters: np.ndarray) -> float:
        return correlation(plan.committers + starters - overlap(starters), plan.likes)

    noise = rng.normal(size=plan.n)
    noise[collected:] -= 100
    score = popularity.copy()
    score[collected:] -= 100
    largest = int(plan.committers.argmax())
    # Most starters: in the model with most committers, so that the largest community is 246; and in the space with most
    # likes, which then has half of the covariance (with less, the published 0.76 is out of reach).
    first = {"model": largest, "space": int(popularity.argmax())}.get(plan.kind)
    if first is not None:
        noise[first] = score[first] = 100
    if plan.kind in COMMUNITY_LIKES:
        dealt = matched(values, score, noise, pearson=community_likes, wanted=COMMUNITY_LIKES[plan.kind])
    else:
        dealt = arranged(values, 0.5 * score + noise)
    exchange(dealt, largest, COMMUNITY_STARTERS[plan.kind])
    return dealt, overlap(dealt)


def _overlap(plan: Plan, starters: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Starters who also commit: one where `chance` has it, as many as the largest community's published size leaves.

    The other communities then have the published standard deviation, at full size only: without the largest
    repositories it would be another one.
    """
    possible = (starters > 0) & (plan.committers > 0)
    shared = (possible & chance).astype(np.int64)
    for repo in {int(plan.committers.argmax()), int(starters.argmax())}:
        exact = plan.committers[repo] + starters[repo] - COMMUNITY_MAX[plan.kind]
        shared[repo] = max(0, min(exact, plan.committers[repo], starters[repo]))
        possible[repo] = False
    if plan.n < SIZES[plan.kind]:
        return shared
    seen = slice(0, plan.n - plan.failed)
    sizes = (plan.committers + starters)[seen]
    shared[seen] = overlapped(shared[seen], possible[seen], sizes, std=COMMUNITY_STDS[plan.kind])
    return shared


def _discussion_counts(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Deal discussions: most to those with most starters; the others that have any were opened by bots."""
    collected = plan.n - plan.failed
    values = np.concatenate([_fitted(plan.kind, "discussions", collected), np.zeros(plan.failed, dtype=np.int64)])
    score = plan.starters + rng.random(plan.n)
    score[collected:] -= 1
    dealt = np.maximum(arranged(values, score), plan.starters)
    if plan.kind in DISCUSSIONS_LIKES:
        wanted = DISCUSSIONS_LIKES[plan.kind]
        seen = slice(0, collected)
        dealt[seen] = swapped(dealt[seen], plan.likes[seen], wanted=wanted, floor=plan.starters[seen])
    return dealt


def _commit_counts(plan: Plan, popularity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal commits: the smallest to repositories without a person, at least one per leader to those of several."""
    collected = plan.n - plan.failed
    pool = _fitted(plan.kind, "commits", collected)[::-1]
    none = np.flatnonzero(plan.committers[:collected] == 0)
    several = np.flatnonzero(plan.committers[:collected] > 1)
    single = np.flatnonzero(plan.committers[:collected] == 1)
    dealt = np.zeros(plan.n, dtype=np.int64)
    dealt[none] = rng.permutation(pool[: len(none)])
    left = pool[len(none) :]
    chosen = _chosen_for_teams(left, plan.committers[several], rng)
    dealt[several] = left[chosen]
    rest = np.delete(left, chosen)[::-1]
    dealt[single] = arranged(rest, 0.3 * popularity[single] + rng.normal(size=len(single)))
    return dealt


def _chosen_for_teams(pool: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places in the ascending pool, one per team: as heavy-tailed as everybody's, from its number of committers upwards.

    But for the largest of all: the link of two people that weighed tens of thousands would be most of the network.
    """
    order = np.argsort(-wanted, kind="stable")
    free = np.ones(len(pool), dtype=bool)
    free[len(pool) - math.ceil(LARGEST_ALONE * len(pool)) :] = False
    chosen = np.empty(len(wanted), dtype=np.int64)
    for size in np.unique(wanted)[::-1]:
        teams = order[wanted[order] == size]
        low = np.searchsorted(pool, size)
        open_ = np.flatnonzero(free[low:]) + low
        if len(open_) < len(teams):
            open_ = np.flatnonzero(free)
            open_ = open_[np.argsort(np.abs(open_ - low), kind="stable")[: len(teams)]]
        chosen[teams] = rng.choice(open_, size=len(teams), replace=False)
        free[chosen[teams]] = False
    return chosen


# --- usage of models ------------------------------------------------------------------------------------------


def _usage_counts(plan: Plan, popularity, named: dict[int, int], rng: np.random.Generator) -> np.ndarray:
    """Deal how many spaces use each model, per sub-field, and the owners of the most used."""
    n_used = max(len(named), round(USED_MODELS * plan.n / MODELS))
    values = twin_counts.resized(twin_counts.counts(USED, USED_MODELS), n_used)
    for count in named.values():
        values = np.delete(values, np.abs(values - count).argmin())
    fields = _fields_of_used(values, plan, named, rng)
    open_ = np.ones(plan.n, dtype=bool)
    open_[list(plan.names)] = False
    noise = rng.normal(size=plan.n)

    def dealt(mixture: float) -> np.ndarray:
        usage = np.zeros(plan.n, dtype=np.int64)
        score = mixture * popularity + math.sqrt(1 - mixture**2) * noise
        for code in range(len(FIELDS)):
            repos = np.flatnonzero(open_ & (plan.fields == code))
            mine = np.sort(values[fields == code])[::-1][: len(repos)]
            usage[repos[largest(score[repos], len(mine))]] = mine
        usage[list(named)] = list(named.values())
        return usage

    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if correlation(dealt(middle), plan.likes) < USAGE_LIKES else (low, middle)
    usage = dealt((low + high) / 2)
    _own_the_most_used(plan, usage)
    return usage


def _fields_of_used(values: np.ndarray, plan: Plan, named: dict[int, int], rng: np.random.Generator) -> np.ndarray:
    """Sub-field of each used model that the study does not name; none is used more than the named ones of its field."""
    codes = np.full(len(values), FIELD_CODE["other"])
    order = rng.permutation(len(values))
    limits = {"cv": 277, "nlp": 445, "mm": 854}
    for name, limit in limits.items():
        mine = sum(plan.fields[repo] == FIELD_CODE[name] for repo in named)
        count = max(0, round(USED_WITH_TAGS[name] * plan.n / MODELS) - mine)
        free = order[(codes[order] == FIELD_CODE["other"]) & (values[order] < limit)]
        codes[free[:count]] = FIELD_CODE[name]
    return codes


def _own_the_most_used(plan: Plan, usage: np.ndarray) -> None:
    """Give the most used models to the organisations that the study counts among the first 100 (section 4.3.2).

    Each of the others gets an owner of its own: the busiest of the invented developers would come before Meta.
    """
    ranked = np.argsort(-usage, kind="stable")
    ranked = ranked[usage[ranked] > 0]
    top = ranked[:100].tolist()
    _assign_owners(plan, top, TOP_OWNERS)
    taken = set(top)
    for name in ("nlp", "cv", "mm"):
        best = ranked[plan.fields[ranked] == FIELD_CODE[name]][:100].tolist()
        _assign_owners(plan, [repo for repo in best if repo not in taken], [o for o in FIELD_OWNERS if o[1] == name])
        taken.update(best)
    others = sorted(taken - plan.owners.keys() - plan.names.keys())
    names = invented_names(len(others), 0)  # twelve letters with the last syllable: no developer's name
    plan.owners.update({repo: f"{name}{SYLLABLES[-1]}" for repo, name in zip(others, names, strict=True)})


def _assign_owners(plan: Plan, repos: list[int], owners) -> None:
    for owner, name, count in owners:
        free = [
            repo for repo in repos
            if plan.fields[repo] == FIELD_CODE[name] and repo not in plan.names and repo not in plan.owners
        ]  # fmt: skip
        plan.owners.update(dict.fromkeys(free[:count], owner))


# --- licences ---------------------------------------------------------------------------------------------------


def _model_licenses(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Deal licences: groups by activity (Table 5), identifiers by their published shares, the rare ones at random."""
    license_ = np.full(plan.n, None, dtype=object)
    n_rare = round((1 - twin_counts.ANALYSED / MODELS) * plan.n)
    order = rng.permutation(plan.n)
    rare, analysed = order[:n_rare], np.sort(order[n_rare:])
    invented = np.array([f"twin-license-{number:03}" for number in range(RARE_LICENSES)], dtype=object)
    license_[rare] = invented[np.arange(n_rare) % RARE_LICENSES]
    community = plan.committers + plan.starters - plan.overlap
    activity = np.column_stack([
        plan.likes, plan.starters, plan.discussions, plan.committers, plan.commits, plan.downloads, community,
        plan.usage,
    ])  # fmt: skip
    groups = twin_counts.deal_groups(activity[analysed], rng)
    licensed = plan.n - (groups == 0).sum()
    for code, printed, rest in ((1, PERMISSIVE, PERMISSIVE_REST), (2, RESTRICTIVE, RESTRICTIVE_REST)):
        members = rng.permutation(analysed[groups == code])
        license_[members] = _divided(len(members), licensed, printed, rest)
    return license_


def _divided(n: int, licensed: int, printed: dict[str, float], rest: dict[str, int]) -> np.ndarray:
    """n identifiers: the printed ones by their share of all licensed models, what is left by weight."""
    counts = {name: round(share * licensed) for name, share in printed.items()}
    left = max(0, n - sum(counts.values()))
    counts |= {name: left * weight // sum(rest.values()) for name, weight in rest.items()}
    names = [name for name, count in counts.items() for _ in range(count)][:n]
    return np.array(names + [next(iter(printed))] * (n - len(names)), dtype=object)


def _other_licenses(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    shares = OTHER_LICENSES[kind]
    licensed = round((1 - UNLICENSED[kind]) * n)
    names = np.repeat(np.array(list(shares), dtype=object), [round(share * licensed) for share in shares.values()])
    names = np.concatenate([names, np.full(licensed, next(iter(shares)), dtype=object)])[:licensed]
    return rng.permutation(np.concatenate([names, np.full(n - licensed, None, dtype=object)]))


# --- datasets and spaces ----------------------------------------------------------------------------------------


def _others(kind: str, scale: float, crowd: Crowd, rng: np.random.Generator) -> Plan:
    """Plan the datasets or the spaces; who shares them is free, for the study's network is of models only."""
    n = round(SIZES[kind] * scale)
    failed = round(FAILED_SHARES[kind] * n)
    committers = np.concatenate([_fitted(kind, "committers", n - failed), np.zeros(failed, dtype=np.int64)])
    committers[: n - failed] = rng.permutation(committers[: n - failed])
    popularity = rng.normal(size=n)
    if kind == "space":
        _lead_with_an_owner(popularity, committers)
    plan = Plan(
        kind, n, failed, committers=committers, leaders=committers, start=np.cumsum(committers) - committers,
        members=_free_members(committers, crowd, rng), likes=arranged(_fitted(kind, "likes", n), popularity),
        discussions=np.empty(0), starters=np.empty(0), overlap=np.empty(0), commits=np.empty(0),
    )  # fmt: skip
    plan.starters, plan.overlap = _starters(plan, popularity, rng)
    plan.discussions = _discussion_counts(plan, rng)
    plan.commits = _commit_counts(plan, popularity, rng)
    plan.leaders = np.minimum(committers, plan.commits)
    if kind == "dataset":
        plan.downloads = arranged(_fitted(kind, "downloads", n), 0.3 * popularity + rng.normal(size=n))
    plan.license = _other_licenses(kind, n, rng)
    return plan


def _lead_with_an_owner(popularity: np.ndarray, committers: np.ndarray) -> None:
    """Let the most popular space have one committer: its starters and host are the largest community (Table 4)."""
    leader, owned = int(popularity.argmax()), int((committers == 1).argmax())
    popularity[[leader, owned]] = popularity[[owned, leader]]


def _free_members(committers: np.ndarray, crowd: Crowd, rng: np.random.Generator) -> np.ndarray:
    """Different people per repository, the first ones in line far more often."""
    size = crowd.developers + crowd.elsewhere
    repo, nth = nth_of(committers)
    first = (size * rng.random(len(committers)) ** 2).astype(np.int64)
    place = distinct(first, rng.integers(1, size, size=len(committers)), size, repo, nth)
    return np.where(place < crowd.developers, place, place + crowd.aliases)


