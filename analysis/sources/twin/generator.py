"""A synthetic twin of the October 2023 Hub, made from the study's published aggregates alone (sections 3 and 4).

The study's raw data can't be shared. The twin holds invented commits, discussions and links with the same totals, so
every result is computed from events and none is stored. It shows that the analysis reaches the published tables;
it is no evidence about the Hub. Names are invented, but for the models and organisations that the study prints and
for service accounts, which `data/bots.csv` has to know. What was invented is kept in the table `truth`.
"""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from rapidfuzz import fuzz

from analysis import exact, licenses
from analysis.exact import correlation
from analysis.parameters import Parameters, shortest
from analysis.snapshot import PLURAL, SCHEMAS, Snapshot, SnapshotError, Writer, check_free, date_of, load, new_date
from analysis.sources.twin import counts as twin_counts
from analysis.sources.twin import network as twin_network
from analysis.sources.twin.counts import (
    MODELS,
    SIZES,
    TARGETS,
    arranged,
    exchange,
    matched,
    overlapped,
    swapped,
)
from analysis.sources.twin.network import CENTRAL_DEGREE, FIELD_CODE, FIELDS
from analysis.sources.twin.printed import met, used

CHUNK = 500_000  # commits written at once

# --- what the study prints ----------------------------------------------------------------------------------

NAMES, MERGED = met("rq2.people.developers"), met("rq2.people.merged")  # section 3.4
REAL_NAMES = used("rq2.people.real_names.names")
# Section 3.4: pairs accepted within a repository, among real names, and by degree; they overlap by 696 - 546.
FOUND_IN_REPOSITORY, FOUND_AS_REAL_NAME, FOUND_BY_DEGREE = (
    used(f"rq2.people.{found}.accepted") for found in ("same_repository", "real_names", "central")
)
REJECTED_IN_REPOSITORY = used("rq2.people.same_repository.compared") - FOUND_IN_REPOSITORY
REJECTED_AS_REAL_NAME = used("rq2.people.real_names.compared") - FOUND_AS_REAL_NAME

# Section 4.3: the most used models: field and rank where the study prints them, the field of ours, and a task. The study
# prints 1,747 and 1,748, and 1,002 and 1,001; the first of each is taken. Used in 1,162 spaces, anime-seg can't carry a
# tag of CV, whose most used model has 500.
_RANKED = (
    ("all", 1, "mm", "text-to-image"), ("all", 2, "other", None), ("all", 3, "nlp", "text-generation"),
    ("mm", 2, "mm", "text-to-image"), ("mm", 3, "mm", "text-to-image"), ("nlp", 2, "nlp", "fill-mask"),
    ("cv", 1, "cv", "image-classification"), ("cv", 2, "cv", "zero-shot-image-classification"),
    ("nlp", 3, "nlp", "text-generation"), ("cv", 3, "cv", "zero-shot-image-classification"),
)  # fmt: skip
TOP_MODELS = {
    met(f"rq3.{printed}.usage.top.{rank}.model"): (met(f"rq3.{printed}.usage.top.{rank}.spaces"), where, task)
    for printed, rank, where, task in _RANKED
}
USED_MODELS = 12_000  # not published; section 4.3.2 gives 6,805 with tags of the sub-fields
_TOP_USED = sorted((spaces for spaces, *_ in TOP_MODELS.values()), reverse=True)
USED = twin_counts.Target(  # the last one, the third of CV, lies within the tail
    met("rq3.all.usage.degree.mean"), met("rq3.all.usage.degree.std"), tuple(_TOP_USED[:-1]),
    {1: 0.55, _TOP_USED[-1]: 1 / USED_MODELS}, None, 2,
)  # fmt: skip
USED_WITH_TAGS = {field: met(f"rq3.{field}.usage.models") for field in ("nlp", "cv", "mm")}
USAGE_LIKES, USAGE_DOWNLOADS = met("rq3.correlation.all.n_likes"), met("rq3.correlation.all.n_downloads")
# Tables 2-4: mean, standard deviation and maximum of n_community; and the starters of the repository with most
# committers, so that the largest union is the published one: 240 and 18 make 246, 10 and 100 make 110, 4,684 visitors
# and an owner make 4,685.
COMMUNITY_MEANS, COMMUNITY_STDS, COMMUNITY_MAX = (
    {kind: met(f"rq1.{plural}.n_community.{of}") for kind, plural in PLURAL.items()} for of in ("mean", "std", "max")
)
COMMUNITY_STARTERS = {"model": 240, "dataset": 10, "space": 0}
COMMUNITY_LIKES = {kind: met(f"rq1.{PLURAL[kind]}.pearson.n_community.n_likes") for kind in ("model", "space")}
DISCUSSIONS_LIKES = {"space": met("rq1.spaces.pearson.n_discussions.n_likes")}

TOP_TASKS = {
    twin_network.BLOOM.repo_id: "feature-extraction",  # its leaders are the innermost core of MM, and not of NLP
    twin_network.SANTACODER.repo_id: "text-generation",
    twin_network.SQUAD.repo_id: "question-answering",
}
_OF = {"meta": "facebook", "stability-ai": "stabilityai", "fudan-university": "fnlp", "duchaiten": "DucHaiten"}


def _owned(field: str, organisations: dict[str, tuple[str, ...]], before: tuple = ()) -> tuple:
    """(owner, sub-field, how many) of the 100 most used, beside the models that are named and the owners `before`."""
    found = []
    for name, wheres in organisations.items():
        owner = _OF.get(name, name)
        named = [where for model, (_, where, _) in TOP_MODELS.items() if _MADE_BY.get(model, model.split("/")[0]) == owner]
        done = named + [where for who, where, count in before if who == owner for _ in range(count)]
        left = met(f"rq3.{field}.usage.top100.organisation.{name}") - sum(field in ("all", where) for where in done)
        found += [(owner, where, left // len(wheres)) for where in wheres]
    return tuple(one for one in found if one[2])


# Section 4.3.2: owners among the 100 most used models; and further ones among the 100 most used of a sub-field.
_MADE_BY = {"bert-base-uncased": "google", "gpt2": "openai", "gpt2-medium": "openai"}
TOP_OWNERS = _owned("all", {
    "meta": ("nlp", "other"), "google": ("nlp",), "stability-ai": ("mm",), "microsoft": ("nlp",),
    "fudan-university": ("nlp",), "nitrosocke": ("mm",), "openai": ("nlp",),
})  # fmt: skip
FIELD_OWNERS = (
    *_owned("nlp", {"google": ("nlp",), "meta": ("nlp",), "fudan-university": ("nlp",)}, TOP_OWNERS),
    *_owned("mm", {"stability-ai": ("mm",)}, TOP_OWNERS),
    *_owned("cv", {"lllyasviel": ("cv",), "meta": ("cv",), "duchaiten": ("cv",)}, TOP_OWNERS),
)

# Shares without a licence (section 5.2.2; spaces: not published) and, of the licensed, shares per licence (4.1.3).
# The published shares come first; what is left is divided among further licences of the same group.
UNLICENSED = {"dataset": met("rq1.datasets.unlicensed_share"), "space": 0.60}
PERMISSIVE = {name: met(f"rq1.models.license_share.{name}") for name in ("apache-2.0", "mit")}
PERMISSIVE_REST = {"cc-by-4.0": 6, "bsd-3-clause": 2, "afl-3.0": 2, "cc0-1.0": 2, "unlicense": 1, "wtfpl": 1}
RESTRICTIVE = {name: met(f"rq1.models.license_share.{name}") for name in ("openrail", "creativeml-openrail-m")}
RESTRICTIVE_REST = {
    "cc-by-nc-4.0": 6, "cc-by-sa-4.0": 5, "cc-by-nc-sa-4.0": 4, "gpl-3.0": 3, "llama2": 3,
    "bigscience-bloom-rail-1.0": 2, "bigscience-openrail-m": 1, "bigcode-openrail-m": 1, "agpl-3.0": 1,
}  # fmt: skip
CREATIVE_COMMONS = {"cc-by-4.0": 3, "cc-by-sa-4.0": 2, "cc-by-nc-4.0": 1, "cc-by-nc-sa-4.0": 1}  # of version 4, by weight
OTHER_LICENSES = {
    "dataset": {
        **{name: met(f"rq1.datasets.license_share.{name}") for name in ("mit", "apache-2.0", "openrail")},
        **{
            name: met("rq1.datasets.license_share.creative-commons-4.0") * weight / sum(CREATIVE_COMMONS.values())
            for name, weight in CREATIVE_COMMONS.items()
        },
        "unknown": 0.07, "other": 0.07, "cc0-1.0": 0.06,
        "afl-3.0": 0.06, "gpl-3.0": 0.05, "cc-by-sa-3.0": 0.05, "creativeml-openrail-m": 0.05,
    },
    "space": {"mit": 0.45, "apache-2.0": 0.25, "openrail": 0.15, "gpl-3.0": 0.08, "cc-by-4.0": 0.07},
}  # fmt: skip

# --- what is not published and was chosen, in plausible numbers ------------------------------------------------

# Repositories whose commits and discussions could not be had; of the datasets 35 at most: with 79,256 discussions
# of one of them, the standard deviation over fewer than 65,726 would be above 309.14 (Table 3).
FAILED_SHARES = {"model": 0.001, "dataset": 0.0002, "space": 0.001}
GATED_SHARE = 0.003
# How much more popular models of several are: n_community deviates by 1.26 only where starters and committers meet.
TEAM_POPULARITY = 1.5
BOT_SHARE = 0.05  # of the repositories with commits to spare: those whose last commit is a bot's
FIELD_SHARES = {"mm": 0.12, "nlp": 0.34, "cv": 0.06, "other": 0.48}
TASKS = {
    "mm": ("text-to-image", "feature-extraction", "image-to-text"),
    "nlp": ("text-generation", "text-classification", "token-classification", "fill-mask", "translation"),
    "cv": ("image-classification", "object-detection", "image-segmentation"),
    "other": (None, "automatic-speech-recognition", "reinforcement-learning", "text-to-speech"),
}
LIBRARIES = {"model": ("transformers", "diffusers", "peft", None), "space": ("gradio", "streamlit", "docker", "static")}
BOTS = ("system", "SFconvertbot", "librarian-bot", "parquet-converter", "twin-sync[bot]")
OPENING = dt.date(2021, 3, 2)
DATE, SEED = "2023-10-15", 2023
CATALOGUES = (800, 400, 200, 100)  # spaces that offer very many models
SPACES_WITH_MODELS = 0.2

_ONSETS, _VOWELS, _CODAS = "klmrtvzn", "aeiou", "lmnrsv"
SYLLABLES = np.array([a + b + c for a in _ONSETS for b in _VOWELS for c in _CODAS])
_STEP = 7_654_321  # shares no factor with 240 ** 3: it runs through all names before one comes back


@dataclass
class Plan:
    """Counts, people and text of all repositories of a kind; those that failed are the last `failed` ones."""

    kind: str
    n: int
    failed: int
    likes: np.ndarray
    discussions: np.ndarray
    starters: np.ndarray
    overlap: np.ndarray  # starters who also commit
    commits: np.ndarray
    committers: np.ndarray
    leaders: np.ndarray
    start: np.ndarray  # place in `members` of a repository's first committer
    members: np.ndarray
    downloads: np.ndarray | None = None
    usage: np.ndarray | None = None
    fields: np.ndarray | None = None
    names: dict[int, str] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    tasks: dict[int, str | None] = field(default_factory=dict)
    license: np.ndarray | None = None
    ids: pa.Array | None = None
    times: tuple[np.ndarray, np.ndarray] | None = None  # creation and length of work, microseconds
    replaced: dict[tuple[int, int], int] = field(default_factory=dict)  # (repository, commit) by an alias


@dataclass(frozen=True)
class Crowd:
    """Numbers of people: developers of models first (connected ones, then isolates), then everybody else."""

    connected: int
    developers: int
    aliases: int
    elsewhere: int  # commit to datasets and spaces only
    visitors: int  # open discussions only

    @property
    def first_alias(self) -> int:
        return self.developers

    @property
    def first_elsewhere(self) -> int:
        return self.developers + self.aliases

    @property
    def first_visitor(self) -> int:
        return self.first_elsewhere + self.elsewhere

    @property
    def first_bot(self) -> int:
        return self.first_visitor + self.visitors


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
    crowd = _crowd(grown, scale)
    _isolates(models, crowd, next(streams))
    others = [_others(kind, scale, crowd, next(streams)) for kind in ("dataset", "space")]
    people = _people(models, grown, crowd, next(streams), seed)
    source = {
        "name": "twin",
        "title": "SYNTHETIC twin of the Hugging Face Hub, made from the published aggregates of Osborne et al. (2024)",
        "licence": "CC0-1.0",
        "seed": seed,
        "scale": scale,
    }
    with Writer(name, date=day, synthetic=True, source=source, coverage=_coverage(), replace=replace) as writer:
        for plan in (models, *others):
            plan.ids = _ids(plan, people.names, next(streams))
            writer.add("repos", _repos(plan, day, next(streams)))
            for rows in _commits(plan, people.names, crowd, day, next(streams)):
                writer.add("commits", rows)
            writer.add("discussions", _discussions(plan, people.names, crowd, day, next(streams)))
            _leave_out(writer, plan)
        writer.add("usage", _usage(models, others[1], next(streams)))
        writer.add("people", people.merged)
        writer.add("truth", people.truth)
    return load(name)


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
    used = np.argsort(np.argsort(plan.usage + rng.random(n), kind="stable"), kind="stable")
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
    """Places in the ascending pool, one per team: a value from its number of committers upwards.

    Not far upwards in large teams, for each commit of theirs weighs on many links of the network.
    """
    order = np.argsort(-wanted, kind="stable")
    free = np.ones(len(pool), dtype=bool)
    chosen = np.empty(len(wanted), dtype=np.int64)
    for size in np.unique(wanted)[::-1]:
        teams = order[wanted[order] == size]
        low, high = np.searchsorted(pool, [size, size + 60 // size])
        open_ = np.flatnonzero(free[low:high]) + low
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
            ordered = repos[np.argsort(-score[repos], kind="stable")]
            mine = np.sort(values[fields == code])[::-1][: len(ordered)]
            usage[ordered[: len(mine)]] = mine
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
    names = _names(len(others), 0)  # twelve letters with the last syllable: no developer's name
    plan.owners.update({repo: f"{name}{SYLLABLES[-1]}" for repo, name in zip(others, names, strict=True)})


def _assign_owners(plan: Plan, repos: list[int], owners) -> None:
    for owner, name, count in owners:
        free = [
            repo for repo in repos
            if plan.fields[repo] == FIELD_CODE[name] and repo not in plan.names and repo not in plan.owners
        ]  # fmt: skip
        plan.owners.update(dict.fromkeys(free[:count], owner))


def _usage(models: Plan, spaces: Plan, rng: np.random.Generator) -> pa.Table:
    """Links: the catalogues offer many models, any other space a few; no link twice."""
    used = np.flatnonzero(models.usage)
    count = models.usage[used]
    n_ordinary = max(int(count.max(initial=1)) + 1, round(SPACES_WITH_MODELS * spaces.n))
    n_ordinary = min(n_ordinary, spaces.n - len(CATALOGUES))
    chosen = rng.permutation(spaces.n)[: n_ordinary + len(CATALOGUES)]
    catalogue = np.zeros(len(used), dtype=np.int64)
    links = []
    for place, size in enumerate(CATALOGUES):
        offered = np.flatnonzero(catalogue < count)
        offered = rng.permutation(offered)[: round(size * models.n / MODELS)]
        catalogue[offered] += 1
        links.append((np.full(len(offered), chosen[n_ordinary + place]), used[offered]))
    rest = np.minimum(count - catalogue, n_ordinary)
    repo, nth = _nth_of(rest)
    stride = rng.integers(1, n_ordinary, size=len(used)) if n_ordinary > 1 else np.ones(len(used), dtype=np.int64)
    space = _distinct(rng.integers(n_ordinary, size=len(used)), stride, n_ordinary, repo, nth)
    links.append((chosen[space], used[repo]))
    space_ids = np.concatenate([space for space, _ in links])
    model_ids = np.concatenate([model for _, model in links])
    return pa.table(
        {"space_id": spaces.ids.take(pa.array(space_ids)), "model_id": models.ids.take(pa.array(model_ids))},
        schema=SCHEMAS["usage"],
    )


def _nth_of(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per event: its repository, and how many of that repository's came before."""
    repo = np.repeat(np.arange(len(counts)), counts)
    return repo, np.arange(len(repo)) - np.repeat(np.cumsum(counts) - counts, counts)


def _distinct(first, stride, size, repo, nth) -> np.ndarray:
    """A different one of `size` per event of a repository: steps round the circle, their stride shares no factor."""
    prime = np.gcd(stride, size) == 1
    stride = np.where(prime, stride, 1)
    return (first[repo] + nth * stride[repo]) % size


# --- licences ---------------------------------------------------------------------------------------------------


def _model_licenses(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Deal licences: groups by activity (Table 5), identifiers by their published shares, the rare ones at random."""
    license_ = np.full(plan.n, None, dtype=object)
    n_rare = round((1 - twin_counts.ANALYSED / MODELS) * plan.n)
    order = rng.permutation(plan.n)
    rare, analysed = order[:n_rare], np.sort(order[n_rare:])
    license_[rare] = _rare_licenses()[np.arange(n_rare) % len(_rare_licenses())]
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


def _rare_licenses() -> np.ndarray:
    """Identifiers of `data/licenses.csv` that are not among the common ones; each stays below 100 models."""
    common = {*PERMISSIVE, *PERMISSIVE_REST, *RESTRICTIVE, *RESTRICTIVE_REST}
    return np.array([name for name in licenses.load()["identifier"] if name not in common], dtype=object)


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
    repo, nth = _nth_of(committers)
    first = (size * rng.random(len(committers)) ** 2).astype(np.int64)
    place = _distinct(first, rng.integers(1, size, size=len(committers)), size, repo, nth)
    return np.where(place < crowd.developers, place, place + crowd.aliases)


# --- people -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class People:
    """names by number; `merged` and `truth` are the tables."""

    names: pa.Array
    merged: pa.Table
    truth: pa.Table


def _crowd(grown: twin_network.Society, scale: float) -> Crowd:
    aliases = round(MERGED * scale)
    return Crowd(
        connected=len(grown),
        developers=max(len(grown) + 1, round((NAMES - MERGED) * scale)),
        aliases=aliases,
        elsewhere=round(40_000 * scale) + 500,
        visitors=round(40_000 * scale) + 6_000,
    )


def _isolates(models: Plan, crowd: Crowd, rng: np.random.Generator) -> None:
    """Models of one author: every developer without a partner has at least one, few have very many."""
    single = models.members < 0
    n = int(single.sum())
    alone = np.arange(crowd.connected, crowd.developers)[:n]
    further = (crowd.developers * exact.power(rng.random(n - len(alone)), 3)).astype(np.int64)
    models.members[single] = rng.permutation(np.concatenate([alone, further]))


def _people(models: Plan, grown, crowd: Crowd, rng: np.random.Generator, seed: int) -> People:
    """Name everybody, give some a second name, and let that name author one commit (section 3.4)."""
    names = _names(crowd.first_bot + len(BOTS), seed)
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


def _names(n: int, seed: int) -> np.ndarray:
    """n different names of nine letters: two of them differ by a ninth at least, so none are alike by 90 %."""
    base = len(SYLLABLES)
    number = (np.arange(n) * _STEP + seed) % base**3
    parts = [SYLLABLES[number // base**power % base] for power in (2, 1, 0)]
    return np.char.add(np.char.add(parts[0], parts[1]), parts[2]).astype(object)


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


# --- events -----------------------------------------------------------------------------------------------------


def _ids(plan: Plan, names: pa.Array, rng: np.random.Generator) -> pa.Array:
    """owner/name per repository; owners are the first committers, without the space of a real name."""
    owners = np.array(names.take(pa.array(_first_people(plan, rng))).to_pylist(), dtype=object)
    words = SYLLABLES[rng.integers(len(SYLLABLES), size=(2, plan.n))]
    ids = [
        f"{owner.replace(' ', '')}/{first}{second}-{number}"
        for number, (owner, first, second) in enumerate(zip(owners, *words, strict=True))
    ]
    for repo, owner in plan.owners.items():
        ids[repo] = f"{owner}/twin-{repo}"
    for repo, name in plan.names.items():
        ids[repo] = name
    return pa.array(ids, pa.string())


def _first_people(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Number of each repository's first committer, of anybody where there is none."""
    people = plan.members[rng.integers(max(1, len(plan.members)), size=plan.n)]
    has = plan.committers > 0
    people[has] = plan.members[plan.start[has]]
    return people


def _times(plan: Plan, day: dt.date, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Creation, later ones more often, and how long a repository was worked on; microseconds."""
    first, last = (np.datetime64(d, "us").astype(np.int64) for d in (OPENING, day))
    age = np.minimum(rng.exponential(0.25, size=plan.n), rng.random(plan.n)) * (last - first)
    created = (last - age).astype(np.int64)
    worked = (np.minimum(rng.exponential(0.15, size=plan.n), 1) * age).astype(np.int64)
    return created, worked


def _moments(micros: np.ndarray) -> pa.Array:
    return pa.array(micros.astype(np.int64)).cast(pa.timestamp("us", tz="UTC"))


def _repos(plan: Plan, day: dt.date, rng: np.random.Generator) -> pa.Table:
    plan.times = created, worked = _times(plan, day, rng)
    gated = np.full(plan.n, "no", dtype=object)
    gated[rng.permutation(plan.n)[: round(GATED_SHARE * plan.n)]] = "auto"
    gated[plan.n - (plan.failed + 1) // 2 :] = "manual"
    tasks, library = _tasks(plan, rng), _libraries(plan, rng)
    whole = plan.ids.to_pylist()
    columns = {
        "kind": pa.repeat(plan.kind, plan.n).cast(pa.string()),
        "repo_id": plan.ids,
        "owner": pa.array([name.split("/")[0] if "/" in name else None for name in whole], pa.string()),
        "created_at": _moments(created),
        "last_modified": _moments(created + worked),
        "likes": pa.array(plan.likes),
        "downloads": pa.nulls(plan.n, pa.int64()) if plan.downloads is None else pa.array(plan.downloads),
        "license": pa.array(plan.license.tolist(), pa.string()),
        "tags": _tags(tasks, library, plan.license),
        "pipeline_tag": pa.array(tasks.tolist(), pa.string()),
        "library": pa.array(library.tolist(), pa.string()),
        "gated": pa.array(gated.tolist(), pa.string()),
    }
    return pa.table(columns)


def _tasks(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Task of each model, which is a tag of its sub-field."""
    tasks = np.full(plan.n, None, dtype=object)
    if plan.fields is None:
        return tasks
    for name, choices in TASKS.items():
        mine = np.flatnonzero(plan.fields == FIELD_CODE[name])
        tasks[mine] = np.array(choices, dtype=object)[rng.integers(len(choices), size=len(mine))]
    tasks[list(plan.tasks)] = np.array(list(plan.tasks.values()), dtype=object)
    return tasks


def _libraries(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    choices = np.array(LIBRARIES.get(plan.kind, (None,)), dtype=object)
    return choices[rng.integers(len(choices), size=plan.n)]


def _tags(tasks: np.ndarray, library: np.ndarray, license_: np.ndarray) -> pa.Array:
    """Task, library and licence as the Hub repeats them among the tags."""
    return pa.array(
        [
            [tag for tag in (task, lib, None if lic is None else f"license:{lic}") if tag is not None]
            for task, lib, lic in zip(tasks, library, license_, strict=True)
        ],
        pa.list_(pa.string()),
    )


def _commits(plan: Plan, names: pa.Array, crowd: Crowd, day: dt.date, rng) -> Iterator[pa.Table]:
    """Commits, half a million at a time: every leader leads one, the first leader most of the rest."""
    created, worked = plan.times
    edges = np.searchsorted(np.cumsum(plan.commits), np.arange(0, plan.commits.sum() + CHUNK, CHUNK))
    bots = (rng.random(plan.n) < BOT_SHARE) & (plan.commits > plan.leaders + 2)
    serial = 0
    for low, high in zip(edges[:-1], np.maximum(edges[1:], edges[:-1]), strict=True):
        high = plan.n if high == edges[-1] else high
        repo, nth = _nth_of(plan.commits[low:high])
        repo = repo + low
        if not len(repo):
            continue
        author = _leads(plan, crowd, bots, repo, nth, rng)
        moment = created[repo] + worked[repo] * (nth + rng.random(len(repo))) / np.maximum(1, plan.commits[repo])
        yield pa.table(
            {
                "kind": pa.repeat(plan.kind, len(repo)).cast(pa.string()),
                "repo_id": plan.ids.take(pa.array(repo)),
                "commit_id": _hexadecimal(serial + np.arange(len(repo))),
                "date": _moments(moment),
                "authors": _authors(plan, names, repo, nth, author),
            },
            schema=SCHEMAS["commits"],
        )
        serial += len(repo)


def _leads(plan: Plan, crowd: Crowd, bots, repo, nth, rng) -> np.ndarray:
    """Number of the person who leads each commit; a commit without a person is the Hub's own."""
    leaders = plan.leaders[repo]
    usual = np.where(rng.random(len(repo)) < 0.6, 0, (rng.random(len(repo)) * leaders).astype(np.int64))
    place = np.where(nth < leaders, nth, usual)
    owned = leaders > 0
    author = np.full(len(repo), crowd.first_bot)
    author[owned] = plan.members[plan.start[repo[owned]] + place[owned]]
    author[bots[repo] & (nth == plan.commits[repo] - 1)] = crowd.first_bot + 1
    for (changed, commit), alias in plan.replaced.items():
        place = int(np.searchsorted(repo, changed)) + commit
        if place < len(repo) and repo[place] == changed and nth[place] == commit:
            author[place] = alias
    return author


def _authors(plan: Plan, names: pa.Array, repo, nth, author) -> pa.Array:
    """The leading author of each commit and, on a repository's first commit, those who lead none."""
    joined = np.where(nth == 0, plan.committers[repo] - plan.leaders[repo], 0)
    start = np.concatenate([[0], np.cumsum(1 + joined)])
    people = np.empty(start[-1], dtype=np.int64)
    people[start[:-1]] = author
    event, place = _nth_of(joined)
    people[start[event] + 1 + place] = plan.members[plan.start[repo[event]] + plan.leaders[repo[event]] + place]
    return pa.ListArray.from_arrays(pa.array(start, pa.int32()), names.take(pa.array(people)))


def _hexadecimal(numbers: np.ndarray) -> pa.Array:
    """Twelve hexadecimal digits per number, built as one buffer."""
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    text = digits[numbers[:, None] >> np.arange(44, -4, -4) & 15]
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * 12
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def _discussions(plan: Plan, names: pa.Array, crowd: Crowd, day: dt.date, rng) -> pa.Table:
    """Discussions: each starter opens one, further ones are theirs or a bot's; without starters all are a bot's."""
    created, _ = plan.times
    repo, nth = _nth_of(plan.discussions)
    starters = plan.starters[repo]
    further = (rng.random(len(repo)) * starters).astype(np.int64)
    place = np.where(nth < starters, nth, further)
    bot = (starters == 0) | ((nth >= starters) & (rng.random(len(repo)) < 0.3))
    stride = rng.integers(1, crowd.visitors, size=plan.n)
    visitor = _distinct(rng.integers(crowd.visitors, size=plan.n), stride, crowd.visitors, repo, place)
    own = place < plan.overlap[repo]
    author = crowd.first_visitor + visitor
    author[own] = plan.members[plan.start[repo[own]] + place[own]]
    author[bot] = crowd.first_bot + 1 + rng.integers(2, size=int(bot.sum()))
    last = np.datetime64(day, "us").astype(np.int64)
    share = (nth + rng.random(len(repo))) / plan.discussions[repo]
    pull = bot | (rng.random(len(repo)) < 0.3)
    states = np.where(
        pull, rng.choice(["open", "merged", "closed"], len(repo)), rng.choice(["open", "closed"], len(repo))
    )
    return pa.table(
        {
            "kind": pa.repeat(plan.kind, len(repo)).cast(pa.string()),
            "repo_id": plan.ids.take(pa.array(repo)),
            "number": pa.array(nth + 1),
            "author": names.take(pa.array(author)),
            "created_at": _moments(created[repo] + share * (last - created[repo])),
            "is_pull_request": pa.array(pull),
            "status": pa.array(states.tolist(), pa.string()),
        },
        schema=SCHEMAS["discussions"],
    )


def _leave_out(writer: Writer, plan: Plan) -> None:
    """Say of which repositories neither commits nor discussions could be had: half are gated, half did not answer."""
    failed = plan.ids.slice(plan.n - plan.failed).to_pylist()
    for place, repo_id in enumerate(failed):
        reason = "gated" if place >= plan.failed - (plan.failed + 1) // 2 else "HTTP 500 five times"
        for table in ("commits", "discussions"):
            writer.reject(table, reason, kind=plan.kind, repo_id=repo_id, scope="repository")
