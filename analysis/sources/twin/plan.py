"""What the synthetic twin is made of: printed values, choices, and the plan of its repositories and people."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from analysis.snapshot import PLURAL
from analysis.sources.twin import counts as twin_counts
from analysis.sources.twin.network import NAMED
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

TOP_TASKS = dict(zip(NAMED, ("text-generation", "text-generation", "question-answering"), strict=True))
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
RARE_LICENSES = 100  # invented identifiers, each of fewer than 100 models: what section 3.5 leaves out
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
LARGEST_ALONE = 0.0005  # of the models: those with most commits, which no team has
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
    order: np.ndarray | None = None  # of the repositories by their ids, in which they are written
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


# --- helpers of all parts ---------------------------------------------------------------------------------------


def invented_names(n: int, seed: int) -> np.ndarray:
    """n different names of nine letters: two of them differ by a ninth at least, so none are alike by 90 %."""
    base = len(SYLLABLES)
    number = (np.arange(n) * _STEP + seed) % base**3
    parts = [SYLLABLES[number // base**power % base] for power in (2, 1, 0)]
    return np.char.add(np.char.add(parts[0], parts[1]), parts[2]).astype(object)


def nth_of(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per event: its repository, and how many of that repository's came before."""
    repo = np.repeat(np.arange(len(counts)), counts)
    return repo, np.arange(len(repo)) - np.repeat(np.cumsum(counts) - counts, counts)


def distinct(first, stride, size, repo, nth) -> np.ndarray:
    """A different one of `size` per event of a repository: steps round the circle, their stride shares no factor."""
    prime = np.gcd(stride, size) == 1
    stride = np.where(prime, stride, 1)
    return (first[repo] + nth * stride[repo]) % size
