"""The events of the synthetic twin: repositories, commits, discussions and links, as tables of a snapshot."""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.snapshot import SCHEMAS, Writer
from analysis.sources.twin.counts import MODELS
from analysis.sources.twin.network import FIELD_CODE
from analysis.sources.twin.plan import (
    BOT_SHARE,
    CATALOGUES,
    CHUNK,
    GATED_SHARE,
    LIBRARIES,
    OPENING,
    SPACES_WITH_MODELS,
    SYLLABLES,
    TASKS,
    Crowd,
    Plan,
    distinct,
    nth_of,
)


def ids_of(plan: Plan, names: pa.Array, rng: np.random.Generator) -> pa.Array:
    """owner/name per repository; owners are the first committers, without the space of a real name."""
    owners = pc.replace_substring(names.take(pa.array(_first_people(plan, rng))), " ", "")
    first, second = (pa.array(SYLLABLES).take(pa.array(row)) for row in rng.integers(len(SYLLABLES), size=(2, plan.n)))
    words = pc.binary_join_element_wise(first, second, "")
    numbered = pc.binary_join_element_wise(words, pa.array(np.arange(plan.n)).cast(pa.string()), "-")
    ids = pc.binary_join_element_wise(owners, numbered, "/")
    known = {repo: f"{owner}/twin-{repo}" for repo, owner in plan.owners.items()} | plan.names
    places = sorted(known)
    mask = np.zeros(plan.n, dtype=bool)
    mask[places] = True
    return pc.replace_with_mask(ids, mask, pa.array([known[place] for place in places], pa.string()))


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


def repos_of(plan: Plan, day: dt.date, rng: np.random.Generator) -> pa.Table:
    plan.times = created, worked = _times(plan, day, rng)
    gated = np.full(plan.n, "no", dtype=object)
    gated[rng.permutation(plan.n)[: round(GATED_SHARE * plan.n)]] = "auto"
    gated[plan.n - (plan.failed + 1) // 2 :] = "manual"
    tasks, library, licenses = (
        pa.array(column, pa.string()) for column in (_tasks(plan, rng), _libraries(plan, rng), plan.license)
    )
    owners = pc.list_element(pc.split_pattern(plan.ids, "/", max_splits=1), 0)
    columns = {
        "kind": pa.repeat(plan.kind, plan.n).cast(pa.string()),
        "repo_id": plan.ids,
        "owner": pc.if_else(pc.match_substring(plan.ids, "/"), owners, None),
        "created_at": _moments(created),
        "last_modified": _moments(created + worked),
        "likes": pa.array(plan.likes),
        "downloads": pa.nulls(plan.n, pa.int64()) if plan.downloads is None else pa.array(plan.downloads),
        "license": licenses,
        "tags": _tags(tasks, library, licenses),
        "pipeline_tag": tasks,
        "library": library,
        "gated": pa.array(gated, pa.string()),
    }
    return pa.table(columns).take(pa.array(plan.order))


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


def _tags(*columns: pa.Array) -> pa.Array:
    """Task, library and licence as the Hub repeats them among the tags."""
    coded = [column.dictionary_encode(null_encoding="encode") for column in columns]
    sizes = [max(1, len(column.dictionary)) for column in coded]
    found, which = np.unique(np.ravel_multi_index([c.indices.to_numpy() for c in coded], sizes), return_inverse=True)
    chosen = zip(coded, np.unravel_index(found, sizes), strict=True)
    kinds = [
        [tag for tag in (task, lib, None if lic is None else f"license:{lic}") if tag is not None]
        for task, lib, lic in zip(*(c.dictionary.take(pa.array(places)).to_pylist() for c, places in chosen), strict=True)
    ]
    return pa.array(kinds, pa.list_(pa.string())).take(pa.array(which))


def _chunks(commits: np.ndarray) -> Iterator[slice]:
    """Repositories, so many at a time as have half a million commits."""
    edges = np.searchsorted(np.cumsum(commits), np.arange(0, commits.sum() + CHUNK, CHUNK))
    edges[-1] = len(commits)
    return (slice(low, high) for low, high in pairwise(np.unique(edges).tolist()))


def commits_of(plan: Plan, names: pa.Array, crowd: Crowd, rng: np.random.Generator) -> Iterator[pa.Table]:
    """Commits, half a million at a time: every leader leads one, the first leader most of the rest."""
    authors, moments = _drawn(plan, crowd, rng)
    start = np.cumsum(plan.commits) - plan.commits
    for chunk in _chunks(plan.commits[plan.order]):
        mine = plan.order[chunk]
        place, nth = nth_of(plan.commits[mine])
        repo = mine[place]
        commit = start[repo] + nth
        yield pa.table(
            {
                "kind": pa.repeat(plan.kind, len(repo)).cast(pa.string()),
                "repo_id": plan.ids.take(pa.array(repo)),
                "commit_id": _hexadecimal(commit),
                "date": _moments(moments[commit]),
                "authors": _authors(plan, names, repo, nth, authors[commit]),
            },
            schema=SCHEMAS["commits"],
        )


def _drawn(plan: Plan, crowd: Crowd, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Who leads each commit and when it was made, in microseconds, in the order of the plan's repositories."""
    created, worked = plan.times
    bots = (rng.random(plan.n) < BOT_SHARE) & (plan.commits > plan.leaders + 2)
    end = np.cumsum(plan.commits)
    authors, moments = np.empty(plan.commits.sum(), dtype=np.int32), np.empty(plan.commits.sum(), dtype=np.int64)
    for chunk in _chunks(plan.commits):
        repo, nth = nth_of(plan.commits[chunk])
        repo += chunk.start
        events = slice(int(end[chunk.start] - plan.commits[chunk.start]), int(end[chunk.stop - 1]))
        authors[events] = _leads(plan, crowd, bots, repo, nth, rng)
        moments[events] = created[repo] + worked[repo] * (nth + rng.random(len(repo))) / np.maximum(1, plan.commits[repo])
    for (repo, commit), alias in plan.replaced.items():
        authors[end[repo] - plan.commits[repo] + commit] = alias
    return authors, moments


def _leads(plan: Plan, crowd: Crowd, bots, repo, nth, rng) -> np.ndarray:
    """Number of the person who leads each commit; a commit without a person is the Hub's own."""
    leaders = plan.leaders[repo]
    usual = np.where(rng.random(len(repo)) < 0.6, 0, (rng.random(len(repo)) * leaders).astype(np.int64))
    place = np.where(nth < leaders, nth, usual)
    owned = leaders > 0
    author = np.full(len(repo), crowd.first_bot)
    author[owned] = plan.members[plan.start[repo[owned]] + place[owned]]
    author[bots[repo] & (nth == plan.commits[repo] - 1)] = crowd.first_bot + 1
    return author


def _authors(plan: Plan, names: pa.Array, repo, nth, author) -> pa.Array:
    """The leading author of each commit and, on a repository's first commit, those who lead none."""
    joined = np.where(nth == 0, plan.committers[repo] - plan.leaders[repo], 0)
    start = np.concatenate([[0], np.cumsum(1 + joined)])
    people = np.empty(start[-1], dtype=np.int64)
    people[start[:-1]] = author
    event, place = nth_of(joined)
    people[start[event] + 1 + place] = plan.members[plan.start[repo[event]] + plan.leaders[repo[event]] + place]
    return pa.ListArray.from_arrays(pa.array(start, pa.int32()), names.take(pa.array(people)))


_OCTETS = np.frombuffer(b"".join(b"%02x" % octet for octet in range(256)), dtype=np.uint16)  # two digits each


def _hexadecimal(numbers: np.ndarray) -> pa.Array:
    """Twelve hexadecimal digits per number, built as one buffer."""
    text = _OCTETS[numbers.astype(">i8").view(np.uint8).reshape(-1, 8)[:, 2:]]
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * 12
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def discussions_of(plan: Plan, names: pa.Array, crowd: Crowd, day: dt.date, rng) -> pa.Table:
    """Discussions: each starter opens one, further ones are theirs or a bot's; without starters all are a bot's."""
    created, _ = plan.times
    repo, nth = nth_of(plan.discussions)
    starters = plan.starters[repo]
    further = (rng.random(len(repo)) * starters).astype(np.int64)
    place = np.where(nth < starters, nth, further)
    bot = (starters == 0) | ((nth >= starters) & (rng.random(len(repo)) < 0.3))
    stride = rng.integers(1, crowd.visitors, size=plan.n)
    visitor = distinct(rng.integers(crowd.visitors, size=plan.n), stride, crowd.visitors, repo, place)
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
    first, place = (np.cumsum(plan.discussions) - plan.discussions)[plan.order], nth_of(plan.discussions[plan.order])
    rows = pa.table(
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
    return rows.take(pa.array(first[place[0]] + place[1]))


def leave_out(writer: Writer, plan: Plan) -> None:
    """Say of which repositories neither commits nor discussions could be had: half are gated, half did not answer."""
    failed = plan.ids.slice(plan.n - plan.failed).to_pylist()
    for place, repo_id in enumerate(failed):
        reason = "gated" if place >= plan.failed - (plan.failed + 1) // 2 else "HTTP 500 five times"
        for table in ("commits", "discussions"):
            writer.reject(table, reason, kind=plan.kind, repo_id=repo_id, scope="repository")


def usage_of(models: Plan, spaces: Plan, rng: np.random.Generator) -> pa.Table:
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
    repo, nth = nth_of(rest)
    stride = rng.integers(1, n_ordinary, size=len(used)) if n_ordinary > 1 else np.ones(len(used), dtype=np.int64)
    space = distinct(rng.integers(n_ordinary, size=len(used)), stride, n_ordinary, repo, nth)
    links.append((chosen[space], used[repo]))
    space_ids = np.concatenate([space for space, _ in links])
    model_ids = np.concatenate([model for _, model in links])
    links = pa.table(
        {"space_id": spaces.ids.take(pa.array(space_ids)), "model_id": models.ids.take(pa.array(model_ids))},
        schema=SCHEMAS["usage"],
    )
    return links.sort_by([(column, "ascending") for column in links.column_names])
