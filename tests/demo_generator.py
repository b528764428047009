"""The demo snapshot: a small invented Hub on which every table and figure of the paper can be computed.

Nothing in it is a record of the real Hub; only names of bots are real, for `data/bots.csv` has to know
them. It is heavy-tailed like the study's data (section 4), reaches the cores of Tables 6-9, holds the traps
of a real collection, and one owner, `hand-count`, is small enough to compute by hand (see `_hand_count`).

The repository holds what `python -m tests.demo_generator --force` makes, from the project's directory.
"""

import datetime as dt
import hashlib
import sys

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis import exact
from analysis.snapshot import SCHEMAS, Snapshot, Writer, check_free, load

NAME, DATE, SEED = "demo", dt.date(2023, 10, 15), 2023
FIRST, LAST = pd.Timestamp("2022-03-02T09:00Z"), pd.Timestamp("2023-10-14T18:00Z")

# A colour and an animal: numbered names such as dev-017 and dev-018 would be "similar" to each other by 90 %.
COLOURS = (
    "amber azure beige coral cream ebony ivory khaki lilac mauve ochre olive pearl rusty sepia crimson"
).split()
ANIMALS = (
    "badger beetle bison falcon gecko hornet iguana jackal "
    "lemur marmot narwhal ocelot puffin quokka turtle walrus"
).split()
N_TEAMED, N_ALONE = 76, 165  # developers who share a model with others, and who never do

ORGANISATIONS = (
    "demo-lab example-org sample-university demo-institute demo-robotics sample-startup example-society"
).split()
TASKS = {  # task: (share of the models, library)
    "text-generation": (0.16, "transformers"),
    "text-classification": (0.14, "transformers"),
    "translation": (0.08, "transformers"),
    "image-classification": (0.12, "timm"),
    "object-detection": (0.06, "timm"),
    "text-to-image": (0.12, "diffusers"),
    "feature-extraction": (0.06, "sentence-transformers"),
    "automatic-speech-recognition": (0.10, "transformers"),
    "reinforcement-learning": (0.16, "stable-baselines3"),
}
LICENSES = {  # identifier, as in data/licenses.csv: (share of the repositories, factor on their popularity)
    None: (0.38, 0.6),
    "apache-2.0": (0.20, 1.8),
    "mit": (0.13, 1.5),
    "openrail": (0.08, 1.0),
    "cc-by-nc-4.0": (0.06, 0.9),
    "creativeml-openrail-m": (0.04, 1.2),
    "gpl-3.0": (0.03, 0.7),
    "cc-by-4.0": (0.03, 1.0),
    "bsd-3-clause": (0.02, 1.0),
    "other": (0.03, 1.0),
}
# Models whose teams make the cores: n developers who all lead commits are a clique of core number 2 (n - 1).
TEAMS = (  # repository, task, developers who lead commits, developers who are co-authors only
    ("demo-lab/demo_speech_wide", "automatic-speech-recognition", range(0, 9), ()),  # core 16, the innermost
    ("example-org/demo-text-large", "text-generation", range(9, 16), (16,)),  # with the next one: core 12,
    ("example-org/demo-text-chat", "text-generation", (16, 9), (10, 11, 12, 13)),  # dense but not a clique
    ("sample-university/demo-translate", "translation", (30, 31, 32, 33), (9,)),
    ("sample-university/demo-vision", "image-classification", range(17, 22), ()),  # core 8, the largest of CV
    ("demo-robotics/demo-detect", "object-detection", (22, 23, 34, 35), (17,)),
    ("demo-institute/demo-caption", "image-to-text", range(24, 30), ()),  # core 10, the largest of MM
    ("demo-institute/demo-embed", "feature-extraction", (36, 37, 38, 39), (24,)),
)
N_SMALL_TEAMS = 26
OWNERLESS = ("demo-base", "demo-base-large", "demo-tiny")
POPULAR = {"demo-base": 900.0, "demo-base-large": 400.0, "example-org/demo-text-large": 600.0}
N_MODELS, N_DATASETS, N_SPACES = 236, 90, 128  # beside those of hand-count

BOTS = ("SFconvertbot", "librarian-bot", "demo-sync[bot]")
EMPTY = (20, 60)  # of each kind: collected, and without a single commit
PREFIXED_LICENSE = 27  # a model one of whose tags only contains `license:`
GATED = {7: "manual", 45: "manual", 71: "auto", 120: "auto"}  # by place among the models of one developer
FAILED = {7: "gated", 45: "gated", 90: "HTTP 500 five times"}  # those whose commits could not be collected


def make(*, replace: bool = False) -> Snapshot:
    """Write the snapshot `demo` and open it; the same bytes every time.

    Raises SnapshotError where it exists and `replace` is false.
    """
    check_free(NAME, replace=replace)
    rng = np.random.default_rng(SEED)
    kinds = [_models(rng), _others(rng, "dataset", N_DATASETS), _others(rng, "space", N_SPACES)]
    plan = _with_traps(_with_popularity(rng, pd.concat(kinds, ignore_index=True)))
    commits = _commits(rng, plan)
    invented = {
        "repos": _repos(rng, plan, commits),
        "commits": commits,
        "discussions": _discussions(rng, plan),
        "usage": _usage(rng, plan),
        "people": _people(),
    }
    every_kind = {kind: {"status": "complete"} for kind in ("model", "dataset", "space")}
    everything = {"all": {"status": "complete"}}
    coverage = {table: everything if table in ("usage", "people") else every_kind for table in invented}
    source = {"name": "demo", "title": "Invented repositories", "licence": "CC0-1.0", "seed": SEED}
    with Writer(NAME, date=DATE, synthetic=True, source=source, coverage=coverage, replace=replace) as writer:
        for part in (_hand_count(), invented):
            for table, frame in part.items():
                writer.add(table, _arrow(table, frame))
        _leave_out(writer, plan)
    return load(NAME)


def developer(number: int) -> str:
    """Invented name of a developer, for the numbers from 0 to 255."""
    return f"demo-{COLOURS[number // len(ANIMALS)]}-{ANIMALS[number % len(ANIMALS)]}"


def _models(rng: np.random.Generator) -> pd.DataFrame:
    """Plan of the models: the teams of the cores, small teams, and models of one developer."""
    fixed = pd.DataFrame([_planned(name, task, leads, others) for name, task, leads, others in TEAMS])
    plan = pd.concat([fixed, _small_teams(rng), _models_of_one(rng)], ignore_index=True)
    return plan.assign(kind="model")


def _planned(repo_id: str, task: str | None, leads, others=()) -> dict:
    """One planned repository; `leads` and `others` are numbers of developers."""
    owner = repo_id.split("/")[0] if "/" in repo_id else None
    names = {"leads": [developer(n) for n in leads], "others": [developer(n) for n in others]}
    return {"repo_id": repo_id, "owner": owner, "task": task, **names}


def _small_teams(rng: np.random.Generator) -> pd.DataFrame:
    """Two to four developers out of 36, of whom some lead: sparse collaboration, not every edge returned."""
    rows = []
    for number, task in enumerate(_draw(rng, TASKS, N_SMALL_TEAMS)):
        team = rng.choice(np.arange(40, N_TEAMED), size=rng.integers(2, 5), replace=False).tolist()
        n_leads = int(rng.integers(1, len(team) + 1))
        owner = ORGANISATIONS[number % len(ORGANISATIONS)]
        name = OWNERLESS[number] if number < len(OWNERLESS) else f"{owner}/demo-{task}-{number:03d}"
        rows.append(_planned(name, task, team[:n_leads], team[n_leads:]))
    return pd.DataFrame(rows)


def _models_of_one(rng: np.random.Generator) -> pd.DataFrame:
    """Models with one developer each; every developer has one, a few have many."""
    n_models = N_MODELS - len(TEAMS) - N_SMALL_TEAMS
    more = np.floor(N_ALONE * exact.power(rng.random(n_models - N_ALONE), 3)).astype(int)
    numbers = N_TEAMED + np.concatenate([np.arange(N_ALONE), more])
    owners = _owners(rng, numbers)
    tasks = _draw(rng, TASKS, n_models)
    return pd.DataFrame(
        [
            _planned(f"{owner}/demo-{task}-{place:03d}", task, [number])
            for place, (owner, task, number) in enumerate(zip(owners, tasks, numbers, strict=True))
        ]
    )


def _others(rng: np.random.Generator, kind: str, n: int) -> pd.DataFrame:
    """Plan of the datasets or spaces: mostly of one developer, now and then of two."""
    first, second = rng.integers(0, N_TEAMED + N_ALONE, size=(2, n))
    alone, owners = rng.random(n) < 0.8, _owners(rng, first)
    rows = [
        _planned(f"{owner}/demo_{kind}_{place:03d}", None, [a] if single or a == b else [a, b])
        for place, (owner, a, b, single) in enumerate(zip(owners, first, second, alone, strict=True))
    ]
    return pd.DataFrame(rows).assign(kind=kind)


def _owners(rng: np.random.Generator, numbers: np.ndarray) -> list[str]:
    """An organisation for two of five repositories, else the developer's own account."""
    organisations = rng.integers(0, len(ORGANISATIONS), size=len(numbers))
    own = rng.random(len(numbers)) < 0.6
    return [
        developer(number) if mine else ORGANISATIONS[place]
        for number, place, mine in zip(numbers, organisations, own, strict=True)
    ]


def _draw(rng: np.random.Generator, shares: dict, n: int) -> list:
    """Draw n keys by the first value of each."""
    weights = np.array([share for share, _ in shares.values()])
    return [list(shares)[i] for i in rng.choice(len(shares), size=n, p=weights / weights.sum())]


def _with_popularity(rng: np.random.Generator, plan: pd.DataFrame) -> pd.DataFrame:
    """Add licence, creation time and a popularity with a power-law tail, from which every count is drawn."""
    licenses = _draw(rng, LICENSES, len(plan))
    factor = np.array([LICENSES[identifier][1] for identifier in licenses])
    teams = plan["leads"].str.len() + plan["others"].str.len()
    popularity = (exact.power(rng.random(len(plan)), -0.9) - 1) * factor * teams
    popularity = plan["repo_id"].map(POPULAR).fillna(popularity)
    created = FIRST + (pd.Timestamp("2023-09-15T00:00Z") - FIRST) * pd.Series(rng.random(len(plan)))
    more = np.floor(1.5 * (exact.power(rng.random(len(plan)), -0.8) - 1)).clip(max=150).astype(int)
    return plan.assign(
        license=pd.Series(licenses, dtype=object),
        popularity=popularity,
        created=created.dt.floor("s"),
        n_commits=np.where(teams > 1, 2 * teams, 1) + more,
    )


def _with_traps(plan: pd.DataFrame) -> pd.DataFrame:
    """Add `place`, by which single repositories are made special, and take away the commits of some.

    `place` counts the repositories of a kind, from 0 at the first model of one developer; `failed` says why
    the commits of a model could not be collected.
    """
    model = plan["kind"] == "model"
    place = plan.groupby("kind").cumcount() - np.where(model, len(TEAMS) + N_SMALL_TEAMS, 0)
    failed = place.map(FAILED).where(model)
    permissive = plan["repo_id"].isin(POPULAR) | (model & place.eq(PREFIXED_LICENSE))
    return plan.assign(
        place=place,
        failed=failed,
        n_commits=plan["n_commits"].mask(failed.notna() | place.isin(EMPTY), 0),
        license=plan["license"].mask(permissive, "mit"),
    )


def _repos(rng: np.random.Generator, plan: pd.DataFrame, commits: pd.DataFrame) -> pd.DataFrame:
    """The table repos; null is not collected: some likes, dates and tags, all downloads of spaces."""
    last = commits.groupby(["kind", "repo_id"])["date"].max().rename("last_modified")
    plan = plan.merge(last, on=["kind", "repo_id"], how="left")
    place, popularity, model = plan["place"], plan["popularity"], plan["kind"] == "model"
    noise = exact.exp(0.5 * rng.standard_normal((2, len(plan))))
    likes = np.floor(0.5 * popularity * noise[0]).astype("Int64")
    downloads = (40 * exact.power(popularity.clip(1), 1.2) * pd.Series(noise[1])).mask(popularity < 1.2, 0)
    parameters = pd.Series(10 ** rng.integers(6, 11, size=len(plan)) * rng.integers(1, 10, size=len(plan)))
    return plan.assign(
        created_at=plan["created"].mask(place % 23 == 5),
        likes=likes.mask(place.isin([11, 33, 52])),
        downloads=np.floor(downloads).astype("Int64").mask(plan["kind"] == "space"),
        tags=_tags(plan),
        pipeline_tag=plan["task"].mask(place % 19 == 3),
        library=plan["task"].map(lambda task: TASKS.get(task, (0, None))[1]),
        parameters=parameters.astype("Int64").where(model & (place % 3 == 0)),
        gated=place.map(GATED).where(model).fillna("no").mask(place == 88),
    )


def _tags(plan: pd.DataFrame) -> pd.Series:
    """Tags as the Hub gives them; field and licence have to be read from them with care."""
    special = {
        3: ["text-generation-inference"],  # not the task text-generation
        12: ["text-generation", "text-to-image"],  # a model of two fields
        PREFIXED_LICENSE: ["note-license:gpl-3.0", "license:mit"],  # only the second says the licence
        31: ["50% & more_{tags}", r"\input{x}", "<b>bold</b>", "=1+1"],  # an output format might obey
    }
    task = plan["task"].mask(plan["place"] % 19 == 3).map(lambda name: [name], na_action="ignore")
    license_ = plan["license"].map(lambda identifier: [f"license:{identifier}"], na_action="ignore")
    extra = plan["place"].map(special).where(plan["kind"] == "model")
    parts = zip(extra, task, license_, strict=True)
    tags = [[tag for part in row if isinstance(part, list) for tag in part] for row in parts]
    return pd.Series(tags, dtype=object).mask(plan["place"] == 40, None)


def _commits(rng: np.random.Generator, plan: pd.DataFrame) -> pd.DataFrame:
    """The table commits: everyone who leads does so at least once, the first commit names all co-authors."""
    rows = plan.loc[plan.index.repeat(plan["n_commits"])].reset_index(drop=True)
    nth = rows.groupby(["kind", "repo_id"]).cumcount()
    n_leads = rows["leads"].str.len()
    lead = np.where(nth < n_leads, nth, np.floor(n_leads * rng.random(len(rows)) ** 2)).astype(int)
    spread = np.where(nth == 0, 0, rng.random(len(rows)) ** 2)
    aliases = _people().set_index("person")["alias"].to_dict()
    authors = [
        [aliases.get(name, name) if turn % 2 else name for name in [leads[i], *(others if turn == 0 else [])]]
        for leads, others, i, turn in zip(rows["leads"], rows["others"], lead, nth, strict=True)
    ]
    dates = (rows["created"] + (LAST - rows["created"]) * pd.Series(spread)).dt.floor("s")
    commits = rows[["kind", "repo_id"]].assign(date=dates, authors=pd.Series(authors, dtype=object))
    strays = commits.head(2).assign(repo_id="demo-lab/demo-gone")  # no such model: the writer counts them
    return _with_ids(pd.concat([commits, _odd_commits(plan), strays], ignore_index=True))


def _odd_commits(plan: pd.DataFrame) -> pd.DataFrame:
    """Commits by bots, alone or with a developer as co-author, and commits that name no author."""
    chosen = plan[(plan["n_commits"] > 0) & plan["place"].mod(13).eq(4)]
    nameless = plan[plan["place"] == 9]
    authors = [
        [BOTS[i % len(BOTS)], *(leads[:1] if i % 4 == 0 else [])] for i, leads in enumerate(chosen["leads"])
    ]
    authors += [[]] * len(nameless)
    odd = pd.concat([chosen, nameless], ignore_index=True)[["kind", "repo_id", "created"]]
    half_way = odd["created"] + (LAST - odd["created"]) / 2
    commits = odd.assign(date=half_way.dt.floor("s"), authors=pd.Series(authors, dtype=object))
    return commits.drop(columns="created")


def _with_ids(commits: pd.DataFrame) -> pd.DataFrame:
    """Add commit_id, 40 hexadecimal digits as in Git, from the repository and the commit's place in it."""
    nth = commits.groupby(["kind", "repo_id"]).cumcount().astype(str)
    texts = commits["kind"] + " " + commits["repo_id"] + " " + nth
    return commits.assign(commit_id=texts.map(lambda text: hashlib.sha1(text.encode()).hexdigest()))


def _discussions(rng: np.random.Generator, plan: pd.DataFrame) -> pd.DataFrame:
    """The table discussions: by the repository's developer, others, a bot, or a deleted account (null)."""
    counts = rng.poisson(np.minimum(0.15 * plan["popularity"], 60))
    rows = plan.loc[plan.index.repeat(counts)].reset_index(drop=True)
    n = len(rows)
    others = np.floor((N_TEAMED + N_ALONE) * rng.random(n) ** 2).astype(int)
    who = rng.random(n)
    own, other = rows["leads"].str[0], pd.Series(others).map(developer)
    author = other.mask(who < 0.25, own).mask(who < 0.06, "librarian-bot").mask(who < 0.02, None)
    pull, closed = rng.random(n) < 0.4, rng.random(n) < 0.5
    moment = rows["created"] + (LAST - rows["created"]) * pd.Series(rng.random(n))
    opened = rows[["kind", "repo_id"]].assign(
        number=rows.groupby(["kind", "repo_id"]).cumcount() + 1,
        author=author,
        created_at=moment.dt.floor("s"),
        is_pull_request=pull,
        status=np.where(closed, np.where(pull, "merged", "closed"), "open"),
    )
    read_twice = opened.tail(3)  # a page that came twice: the writer counts three duplicates
    return pd.concat([opened, read_twice], ignore_index=True)


def _usage(rng: np.random.Generator, plan: pd.DataFrame) -> pd.DataFrame:
    """The table usage: spaces choose models by popularity, so few models are in many spaces."""
    models, spaces = plan[plan["kind"] == "model"], plan[plan["kind"] == "space"]
    weights = exact.power(models["popularity"] + 0.5, 0.7)
    sizes = rng.geometric(0.28, size=len(spaces)) - 1
    links = [
        (space, model)
        for space, size in zip(spaces["repo_id"], sizes, strict=True)
        for model in rng.choice(models["repo_id"], size=size, replace=False, p=weights / weights.sum())
    ]
    stray = [(spaces["repo_id"].iloc[0], "demo-lab/demo-gone")]  # a model that was deleted since
    return pd.DataFrame(links + stray, columns=["space_id", "model_id"])


def _people() -> pd.DataFrame:
    """The table people: spellings with their similarity, one weak, and names that only a person can match."""
    rows = [
        ("Demo-Amber-Badger", "demo-amber-badger", 100.0),
        ("demo_amber_hornet", "demo-amber-hornet", 100.0),
        ("Demo Azure Beetle", "demo-azure-beetle", 100.0),
        ("demoazurebison2", "demo-azure-bison", 96.55),
        ("Sample Person One", "demo-amber-jackal", None),
        ("Sample Person Two", "demo-cream-beetle", None),
        ("ivory-badger", "demo-ivory-badger", 84.62),
    ]
    return pd.DataFrame(rows, columns=["alias", "person", "score"])


def _hand_count() -> dict[str, pd.DataFrame]:
    """Four models and two spaces whose results can be computed by hand; nobody else works in them.

    Developers are `hand-dev-a` to `hand-dev-f`. "Hand A" is a, by a decision without a score. ff, written
    `hand-dev-ffff`, is f with a score of 84.21, below the usual threshold of 90. SFconvertbot is a bot. Every
    event is at 12:00 UTC.

    - model union (mit, text-classification, 3 likes, 100 downloads). Commits: 2022-03-02 a; 2022-06-01 b
      with c; 2023-02-01 Hand A; 2023-03-01 SFconvertbot; 2023-04-01 nobody. Discussions: 1 by b,
      2022-07-01; 2 by d, 2023-05-01; 3 by SFconvertbot, 2023-03-01.
    - model pair (gpl-3.0, image-classification, 1 like, 10 downloads). Commits: 2022-08-01 a; 2023-10-14 e.
    - model empty (no licence, no like, no download): collected, without a commit or a discussion.
    - model uncollected (other, gated; creation, likes, downloads and commits could not be collected).
      Discussion: 1 by d, 2023-06-01.
    - space one (mit), uses union and pair. Commit: 2022-09-01 a.
    - space two (no licence), uses union. Commits: 2022-09-02 f; 2023-09-02 ff. Discussion: 1 by f,
      2023-09-03.

    Without bots, with merged identities: union has 5 commits, 3 committers (a, b, c), 3 discussions, 2
    starters (b, d) and a community of 4 (a, b, c, d). pair has 2 commits and 2 committers. empty has 0 of
    everything. uncollected has 1 discussion and 1 starter; its commits, committers and community are
    missing. Edges: a-b 2, a-c 2, b-a 1, b-c 1, a-e 1, e-a 1. Spaces that use union: 2, pair: 1, both: 1. On
    2023-01-01 union has 2 commits, 3 committers, 1 starter and a community of 3; edges a-b, a-c, b-a and
    b-c have weight 1, and pair only gives the self-loop of a.
    """
    return {
        "repos": _hand_repos(),
        "commits": _hand_commits(),
        "discussions": _hand_discussions(),
        "usage": pd.DataFrame(
            [("one", "union"), ("one", "pair"), ("two", "union")], columns=["space_id", "model_id"]
        ).map("hand-count/{}".format),
        "people": pd.DataFrame(
            [("Hand A", "hand-dev-a", None), ("hand-dev-ffff", "hand-dev-f", 84.21)],
            columns=["alias", "person", "score"],
        ),
    }


def _hand_repos() -> pd.DataFrame:
    rows = [
        ("model", "union", "2022-03-02", 3, 100, "mit", ["text-classification", "license:mit"], "no"),
        ("model", "pair", "2022-08-01", 1, 10, "gpl-3.0", ["image-classification", "license:gpl-3.0"], "no"),
        ("model", "empty", "2022-10-01", 0, 0, None, [], "no"),
        ("model", "uncollected", None, None, None, "other", ["license:other"], "manual"),
        ("space", "one", "2022-09-01", 2, None, "mit", ["license:mit"], "no"),
        ("space", "two", "2022-09-02", 0, None, None, [], "no"),
    ]
    names = ["kind", "repo_id", "created_at", "likes", "downloads", "license", "tags", "gated"]
    repos = pd.DataFrame(rows, columns=names)
    return repos.assign(
        repo_id="hand-count/" + repos["repo_id"],
        owner="hand-count",
        created_at=pd.to_datetime(repos["created_at"], utc=True),
        likes=repos["likes"].astype("Int64"),
        downloads=repos["downloads"].astype("Int64"),
        pipeline_tag=repos["tags"].str[0].where(repos["repo_id"].isin(["union", "pair"])),
    )


def _hand_commits() -> pd.DataFrame:
    rows = [
        ("model", "union", "2022-03-02", ["hand-dev-a"]),
        ("model", "union", "2022-06-01", ["hand-dev-b", "hand-dev-c"]),
        ("model", "union", "2023-02-01", ["Hand A"]),
        ("model", "union", "2023-03-01", ["SFconvertbot"]),
        ("model", "union", "2023-04-01", []),
        ("model", "pair", "2022-08-01", ["hand-dev-a"]),
        ("model", "pair", "2023-10-14", ["hand-dev-e"]),
        ("space", "one", "2022-09-01", ["hand-dev-a"]),
        ("space", "two", "2022-09-02", ["hand-dev-f"]),
        ("space", "two", "2023-09-02", ["hand-dev-ffff"]),
    ]
    commits = pd.DataFrame(rows, columns=["kind", "repo_id", "date", "authors"])
    noon = pd.to_datetime(commits["date"], utc=True) + pd.Timedelta(hours=12)
    return _with_ids(commits.assign(repo_id="hand-count/" + commits["repo_id"], date=noon))


def _hand_discussions() -> pd.DataFrame:
    rows = [
        ("model", "union", 1, "hand-dev-b", "2022-07-01", False, "closed"),
        ("model", "union", 2, "hand-dev-d", "2023-05-01", False, "open"),
        ("model", "union", 3, "SFconvertbot", "2023-03-01", True, "merged"),
        ("model", "uncollected", 1, "hand-dev-d", "2023-06-01", False, "open"),
        ("space", "two", 1, "hand-dev-f", "2023-09-03", True, "open"),
    ]
    discussions = pd.DataFrame(rows, columns=SCHEMAS["discussions"].names)
    noon = pd.to_datetime(discussions["created_at"], utc=True) + pd.Timedelta(hours=12)
    return discussions.assign(repo_id="hand-count/" + discussions["repo_id"], created_at=noon)


def _leave_out(writer: Writer, plan: pd.DataFrame) -> None:
    """Record what a collection would have missed: whole repositories, the commits of some, one discussion."""
    failed = plan.dropna(subset="failed")
    reasons = [*zip(failed["repo_id"], failed["failed"], strict=True), ("hand-count/uncollected", "gated")]
    for repo_id, reason in reasons:
        writer.reject("commits", reason, kind="model", repo_id=repo_id, scope="repository")
    undated = plan.loc[plan["kind"] == "dataset", "repo_id"].iloc[0]
    writer.reject("discussions", "no date", kind="dataset", repo_id=undated, row=1)
    n_gated = sum(reason == "gated" for _, reason in reasons)
    writer.left_out.update({"gated": n_gated, "failed": len(reasons) - n_gated, "disabled": 1, "gone": 3})


def _arrow(table: str, frame: pd.DataFrame) -> pa.Table:
    """The frame with the table's columns and types; columns it lacks are null."""
    schema = SCHEMAS[table]
    if table == "repos":  # the snapshot that the repository holds is older than the columns after `gated`
        schema = pa.schema(list(schema)[: schema.get_field_index("gated") + 1])
    frame = frame.assign(**{column: None for column in schema.names if column not in frame})
    data = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    return data.replace_schema_metadata(None)


if __name__ == "__main__":
    print(f"{make(replace='--force' in sys.argv[1:]).name}: written")
