"""Pairs of names that may be one person's, with what the Hub says about each pair (study, section 3.4).

The study's three passes, our rule's proposals, and the evidence that a score is made of: shared repositories, owners,
dates, co-author lines. Suspects of being a bot are listed here too; nothing in this module merges or drops anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import _

from analysis import people
from analysis.engine import Hub, edges
from analysis.merging import matching

CENTRAL_DEGREE = 10  # third pass
CROWDED = 50  # people in a repository: to meet there says little
COLUMNS = (
    "a", "b", "passes", "similarity", "rule", "score", "parts", "shared_repositories", "owner", "co_authored", "days_apart",
)  # fmt: skip
_CAP = 100.0
_NULLABLE = dict.fromkeys(("kind", "repo_id", "name"), "string") | dict.fromkeys(("first", "last"), "timestamp('UTC', 6)")


@dataclass(frozen=True)
class Evidence:
    """What a snapshot says about names: `places` (name, repo, owner, events, first, last, people), co-author pairs."""

    places: pd.DataFrame
    co_authors: frozenset[tuple[str, str]]
    accounts: frozenset[str]  # owners of repositories, in one case

    @property
    def names(self) -> list[str]:
        return sorted(self.places["name"].unique().tolist())


def evidence(hub: Hub) -> Evidence:
    """Read the names of a snapshot with the repositories, dates and co-authors of each."""
    signed = hub.signed.select("kind", "repo_id", "first", "last", name="authors", events="n_commits").unnest("name")
    opened = hub.discussions.group_by("kind", "repo_id", name="author")
    opened = opened.agg(events=_.count(), first=_.created_at.min(), last=_.created_at.max())
    columns = ("kind", "repo_id", "name", "events", "first", "last")
    both = (rows.select(columns).cast(_NULLABLE) for rows in (signed, opened))  # a union wants equal types
    rows = hub.keep("seen", ibis.union(*both)).drop_null("name").group_by("kind", "repo_id", "name")
    rows = rows.agg(events=_.events.sum(), first=_["first"].min(), last=_["last"].max())
    owners = hub.repos.select("kind", "repo_id", "owner")
    rows = rows.left_join(owners, ["kind", "repo_id"]).drop("kind_right", "repo_id_right")
    places = hub.frame(rows.order_by("kind", "repo_id", "name"))
    repo = places.groupby(["kind", "repo_id"], sort=False).ngroup().to_numpy()
    places = places.assign(repo=repo, people=np.bincount(repo)[repo] if len(repo) else repo)
    several = hub.frame(hub.signed.filter(_.authors.length() > 1).select("authors").distinct())["authors"]
    together = {people.pair_of(a, b) for names in several for a in names for b in names if a != b and a and b}
    listed = hub.frame(hub.repos.filter(_.owner.notnull()).select("owner").distinct())["owner"]
    return Evidence(places, frozenset(together), frozenset(listed.str.casefold()))


# --- candidates -------------------------------------------------------------------------------------------------------


def candidates(
    hub: Hub, *, threshold: float = 90, conventions: str = "corrected", known: Evidence | None = None
) -> pd.DataFrame:
    """Pairs of names to look at: those that a pass of the study finds at the threshold, and those our rule proposes.

    Columns a < b, passes (repository, real name, degree, spelling), similarity (0 to 100), rule and score of ours with
    its parts, shared_repositories, owner (whether one commits in the other's), co_authored, days_apart. Sorted. Bots are
    left out. `conventions="authors"` compares names as the study's scripts do (METHODS, 5).
    """
    found = known or evidence(hub)
    names = pd.Series(found.names, dtype="str")
    names = names[~people.is_bot(names)].tolist() if len(names) else []
    if len(names) < 2:
        return _none()
    scorer = "study" if conventions == "authors" else "ratio"
    passes = _passes(hub, found, names, scorer=scorer, threshold=threshold, overwrite=conventions == "authors")
    ours = matching.proposals(names)
    pairs = passes.merge(ours, on=["i", "j"], how="outer", sort=True)
    if pairs.empty:
        return _none()
    both = {"a": [names[i] for i in pairs["i"]], "b": [names[j] for j in pairs["j"]], "passes": _listed(pairs)}
    pairs = pairs.assign(**{column: pd.Series(texts, dtype="object") for column, texts in both.items()})
    return with_evidence(pairs, found, scorer=scorer)


def _none() -> pd.DataFrame:
    types = {"similarity": "float64", "score": "float64", "shared_repositories": "int64", "days_apart": "float64"}
    types |= {"owner": "bool", "co_authored": "bool"}
    return pd.DataFrame({column: pd.Series(dtype=types.get(column, "str")) for column in COLUMNS})


def _listed(pairs: pd.DataFrame) -> list[str]:
    stated = zip(pairs["passes"], pairs["rule"], strict=True)
    return [", ".join(p for p in (passes if isinstance(passes, str) else "", "spelling" if isinstance(rule, str) else "") if p)
            for passes, rule in stated]  # fmt: skip


def _passes(hub, found, names, *, scorer, threshold, overwrite) -> pd.DataFrame:
    """The study's three passes: columns i < j (places in `names`), passes."""
    place = {name: number for number, name in enumerate(names)}
    normal = matching.as_study if scorer == "study" else matching.normalised
    keys = [normal(name) for name in names]
    real = [number for number, name in enumerate(names) if matching.Name(name).is_real]
    central = [place[name] for name in central_names(hub) if name in place]
    parts = {
        "repository": _within_repositories(found, place, keys, scorer=scorer, threshold=threshold, overwrite=overwrite),
        "real name": _against_all(real, keys, scorer, threshold),
        "degree": _against_all(central, keys, scorer, threshold),
    }
    rows = pd.concat([frame.assign(passes=name) for name, frame in parts.items()], ignore_index=True)
    rows = rows.drop_duplicates().groupby(["i", "j"], sort=True)["passes"].agg(", ".join)
    return rows.reset_index().astype({"i": "int64", "j": "int64"})


def _against_all(chosen: list[int], keys: list[str], scorer: str, threshold: float) -> pd.DataFrame:
    pairs = matching.pairs_alike([keys[c] for c in chosen], keys, threshold=threshold, scorer=scorer)
    i = pairs["i"].map(dict(enumerate(chosen))).astype("int64")
    ordered = pd.DataFrame({"i": i.where(i < pairs["j"], pairs["j"]), "j": pairs["j"].where(i < pairs["j"], i)})
    return ordered[ordered["i"] != ordered["j"]].drop_duplicates()


def _within_repositories(found: Evidence, place, keys, *, scorer, threshold, overwrite) -> pd.DataFrame:
    """Pairs of a repository; of names with equal keys the scripts keep one (METHODS, 5)."""
    members = found.places.loc[found.places["people"] > 1, ["repo", "name"]]
    members = members.assign(i=members["name"].map(place)).dropna(subset="i").astype({"i": "int64"})
    if overwrite:
        members = members.assign(key=[keys[i] for i in members["i"]])
        members = members.sort_values(["repo", "i"]).drop_duplicates(["repo", "key"], keep="last")
    members = members[["repo", "i"]].sort_values(["repo", "i"], ignore_index=True)
    size = members.groupby("repo")["i"].transform("size")
    few, many = members[size <= CROWDED], members[size > CROWDED]
    pairs = few.merge(few.rename(columns={"i": "j"}), on="repo").query("i < j")[["i", "j"]].drop_duplicates()
    parts = [_reaching(pairs, keys, scorer, threshold)]
    for _repo, rows in many.groupby("repo", sort=True)["i"]:
        own = rows.tolist()
        near = matching.pairs_alike([keys[i] for i in own], threshold=threshold, scorer=scorer)
        parts.append(pd.DataFrame({"i": [own[i] for i in near["i"]], "j": [own[j] for j in near["j"]]}, dtype="int64"))
    return pd.concat(parts).drop_duplicates().sort_values(["i", "j"], ignore_index=True)


def _reaching(pairs: pd.DataFrame, keys: list[str], scorer: str, threshold: float) -> pd.DataFrame:
    """The pairs (i, j) whose names are alike enough."""
    left, right = ([keys[place] for place in pairs[column].tolist()] for column in ("i", "j"))
    return pairs[_similarities(left, right, scorer) >= threshold]


def central_names(hub: Hub, *, least: int = CENTRAL_DEGREE) -> list[str]:
    """Names whose degree in the collaboration network is `least` or more before anything is merged (third pass)."""
    links = edges(hub.unmerged).value.query("source != target")
    degree = pd.concat([links["source"], links["target"]]).value_counts()
    frame = hub.unmerged.identities
    return sorted(frame.loc[frame["developer"].isin(degree.index[degree >= least]), "alias"].tolist())


# --- evidence on a pair -----------------------------------------------------------------------------------------------


def with_evidence(pairs: pd.DataFrame, found: Evidence, *, scorer: str = "ratio") -> pd.DataFrame:
    """Add to pairs (a, b, passes and perhaps rule, score, parts by the names alone) what the snapshot says, and score.

    Two names that never meet lose 12 points: a person's second name is expected where the first one works.
    """
    pairs = pairs.reset_index(drop=True).astype({"a": "str", "b": "str"})
    normal = matching.as_study if scorer == "study" else matching.normalised
    left, right = ([normal(name) for name in pairs[column]] for column in ("a", "b"))
    pairs = pairs.assign(similarity=_similarities(left, right, scorer))
    facts = _facts(pairs, found)
    rows = [_scored(row) for row in facts.itertuples(index=False)]
    scored = pd.DataFrame(rows, columns=["rule", "score", "parts"], index=facts.index, dtype="object")
    return facts.assign(**scored).astype({"score": "float64"})[list(COLUMNS)].sort_values(["a", "b"], ignore_index=True)


def _similarities(left: list[str], right: list[str], scorer: str) -> np.ndarray:
    """How alike the first two names are, the second two and so on, 0 to 100; a name without a letter is like no other."""
    compare = matching.fuzz.token_set_ratio if scorer == "study" else matching.fuzz.ratio
    found = matching.process.cpdist(left, right, scorer=compare, dtype=np.float64)
    both = np.array([bool(a and b) for a, b in zip(left, right, strict=True)], dtype=bool)
    return np.where(both, np.rint(found) if scorer == "study" else found, 0.0)


def _facts(pairs: pd.DataFrame, found: Evidence) -> pd.DataFrame:
    """shared_repositories, smallest (people in the smallest shared one), days_apart, owner, co_authored, accounts."""
    numbered = pairs[["a", "b"]].assign(pair=pairs.index)
    places = found.places[["name", "repo", "owner", "first", "last", "people"]]
    wanted = places[places["name"].isin({*pairs["a"], *pairs["b"]})]
    first = numbered[["pair", "a"]].merge(wanted, left_on="a", right_on="name")
    second = numbered[["pair", "b"]].merge(wanted, left_on="b", right_on="name")
    both = first.merge(second, on=["pair", "repo"], suffixes=("", "_b"))
    later = both[["first", "first_b"]].max(axis=1)
    gap = (later - both[["last", "last_b"]].min(axis=1)).dt.total_seconds() / 86_400
    met = both.assign(gap=gap.clip(lower=0)).groupby("pair").agg(
        shared_repositories=("repo", "nunique"), smallest=("people", "min"), days_apart=("gap", "min")
    )  # fmt: skip
    owned = [_in_others(first, "b", numbered), _in_others(second, "a", numbered)]
    alone = {name: name.casefold() in found.accounts for name in {*pairs["a"], *pairs["b"]}}
    facts = pairs.join(met)
    return facts.assign(
        shared_repositories=facts["shared_repositories"].fillna(0).astype("int64"),
        owner=facts.index.isin(set().union(*owned)),
        co_authored=[people.pair_of(a, b) in found.co_authors for a, b in zip(pairs["a"], pairs["b"], strict=True)],
        two_accounts=[alone[a] and alone[b] for a, b in zip(pairs["a"], pairs["b"], strict=True)],
    )


def _in_others(events: pd.DataFrame, other: str, numbered: pd.DataFrame) -> set[int]:
    """Pairs of which one name works in a repository that the other one owns."""
    name = events["pair"].map(numbered.set_index("pair")[other]).str.casefold()
    return set(events.loc[events["owner"].str.casefold().eq(name).fillna(False).astype(bool), "pair"])


def _scored(row) -> tuple[str, float, str]:
    proposed = isinstance(row.rule, str)
    rule = row.rule if proposed else "alike"
    base = row.score if proposed else matching.alike_score(row.similarity)
    parts = []
    if row.owner:
        parts.append(("works in the other's repository", 10))
    elif row.shared_repositories:
        parts.append(("share a repository", 3 if row.smallest > CROWDED else 6))
        if row.days_apart > 365:
            parts.append(("a year apart there", -2))
    else:
        parts.append(("never meet", -12))
    if row.co_authored:
        parts.append(("sign a commit together", -15))
    if row.two_accounts:
        parts.append(("both own repositories", -4))
    score = min(_CAP, base + sum(points for _, points in parts))
    for limit in _limits(row, rule):
        score = min(score, limit)
    text = row.parts if proposed else matching.told([("alike", base)])
    return rule, max(0.0, score), "; ".join([text, *(f"{words} {points:+g}" for words, points in parts)])


def _limits(row, rule: str) -> list[float]:
    """Upper bounds that no evidence lifts: names of many machines, disguised names, names that are merely alike."""
    pair = (matching.Name(row.a), matching.Name(row.b))
    limits = [limit for limit, _ in matching.caps(*pair)]
    return limits + ([matching.AUTOMATIC - 1] if rule in ("alike", "one letter apart") else [])


# --- suspects ---------------------------------------------------------------------------------------------------------


def suspects(found: Evidence, *, repositories: int = 20, owners: int = 10, share: float = 0.8) -> pd.DataFrame:
    """Names that behave like a bot: one event each in very many repositories of many owners, none of them their own.

    Columns name, repositories, owners, events, single_share (of the repositories, those with one event), listed (already
    in `data/bots.csv`); most repositories first. A list to look at, never applied. A snapshot holds no commit titles, so
    "one kind of commit" is read from the pattern of events.
    """
    places = found.places.assign(single=found.places["events"] == 1)
    own = places["owner"].str.casefold().eq(places["name"].str.casefold()).fillna(False).astype(bool)
    grouped = places.assign(own=own).groupby("name", sort=True)
    frame = grouped.agg(repositories=("repo", "nunique"), owners=("owner", "nunique"), events=("events", "sum"),
                        single_share=("single", "mean"), own=("own", "any")).reset_index()  # fmt: skip
    many = (frame["repositories"] >= repositories) & (frame["owners"] >= owners)
    frame = frame[many & (frame["single_share"] >= share) & ~frame["own"]]
    frame = frame.assign(listed=people.is_bot(frame["name"])).drop(columns="own")
    return frame.sort_values(["repositories", "name"], ascending=[False, True], ignore_index=True)


def shown_places(found: Evidence, name: str) -> dict[str, str | int]:
    """What the review shows of a name: repositories (how many, and the busiest), events, first and last day."""
    own: Sequence = found.places[found.places["name"] == name]
    busiest = own.sort_values(["events", "repo_id"], ascending=[False, True])["repo_id"].head(6).tolist()
    more = f" and {len(own) - len(busiest)} more" if len(own) > len(busiest) else ""
    return {
        "owns repositories": "yes" if name.casefold() in found.accounts else "no",
        "repositories": ", ".join(busiest) + more,
        "commits and discussions": int(own["events"].sum()),
        "from": str(own["first"].min())[:10],
        "to": str(own["last"].max())[:10],
    }
