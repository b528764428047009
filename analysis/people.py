"""Who counts as one person: bots, decisions on pairs of names, merged identities (study, sections 3.3 and 3.4).

Everything that counts people goes through `identities`; nothing else reads an author's name. Decisions are kept in
`<snapshots>/people/<name>/decisions.csv`, beside the snapshot and not inside: importing it again must not lose them.
"""

import csv
import hashlib
import io
import os
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analysis import paths
from analysis.snapshot import Snapshot, SnapshotError

DECISIONS = ("same", "different", "unsure")
COLUMNS = ("a", "b", "decision", "rule", "score", "by", "note")
AUTOMATIC = "automatic"  # who decided, where no person did
LARGEST = 10  # names of one person; a longer chain of similar names is refused
CSV_LIMIT = 10_000_000


class PeopleError(SnapshotError):
    """A file of decisions that can't be read; the message names file, row and remedy, never a username."""


# --- bots -------------------------------------------------------------------------------------------------------------


def bot_rules() -> pd.DataFrame:
    """`data/bots.csv`: columns name, rule (exact or pattern), source."""
    return pd.read_csv(paths.DATA / "bots.csv", keep_default_na=False)


def is_bot(names: pd.Series) -> pd.Series:
    """Whether each name is a service account by `data/bots.csv`; case does not matter."""
    rules = bot_rules()
    exact = set(rules.loc[rules["rule"] == "exact", "name"].str.casefold())
    patterns = rules.loc[rules["rule"] == "pattern", "name"]
    known = names.str.casefold().isin(exact)
    if patterns.empty:
        return known
    pattern = re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)
    matching = [pattern.fullmatch(name) is not None for name in names.tolist()]
    return known | pd.Series(matching, index=names.index, dtype=bool)


# --- identities -------------------------------------------------------------------------------------------------------


def identities(
    names: Iterable[str], people: pd.DataFrame | None = None, *, merge_threshold: float = 90
) -> pd.DataFrame:
    """One row per name: columns alias, developer (integer from 0, equal for the names of one person), is_bot.

    `people` has columns alias, person and perhaps score (similarity, 0 to 100): merges scored below `merge_threshold`
    are not applied, merges without a score were decided by hand and always are. Without `people` each name is a person
    of its own. Developers are numbered in the order of their merged names, so the numbers depend on the names alone.
    """
    aliases = sorted(set(names))
    merged = {}
    if people is not None:
        accepted = people[~(people["score"] < merge_threshold)] if "score" in people else people
        merged = dict(zip(accepted["alias"], accepted["person"], strict=True))
    frame = pd.DataFrame({"alias": aliases}, dtype="str")
    bots = is_bot(frame["alias"]) | frame["alias"].isin(with_bots(merged))
    return frame.assign(developer=numbered(aliases, merged), is_bot=bots)


def numbered(names: Sequence[str], person_of: Mapping[str, str]) -> np.ndarray:
    """Number of the person behind each name; persons are counted from 0 in the order of their names.

    `names` are sorted, each once. Few are merged, so that only these are looked up.
    """
    absent = sorted({person for person in person_of.values() if _place(names, person) is None})
    before = [bisect_left(names, person) for person in absent]
    own = np.arange(len(names)) + np.searchsorted(before, np.arange(len(names)), side="right")  # among names and absent ones
    key, extra = own.copy(), {person: place + number for number, (person, place) in enumerate(zip(absent, before, strict=True))}
    for alias, person in person_of.items():
        if (place := _place(names, alias)) is not None:
            key[place] = extra[person] if person in extra else own[_place(names, person)]
    named = np.zeros(len(names) + len(absent), dtype="int64")
    named[key] = 1
    return (named.cumsum() - 1)[key]


def _place(names: Sequence[str], name: str) -> int | None:
    """Where a name stands among sorted ones."""
    place = bisect_left(names, name)
    return place if place < len(names) and names[place] == name else None


def with_bots(person_of: Mapping[str, str]) -> set[str]:
    """The names that are merged with a bot."""
    persons = pd.Series(list(person_of.values()), dtype="str")
    return {name for name, bot in zip(person_of, is_bot(persons), strict=True) if bot}


# --- decisions: the file ----------------------------------------------------------------------------------------------


def directory(snapshot_name: str) -> Path:
    """Where the decisions on a snapshot's names are kept; the only place outside the snapshot that holds usernames."""
    return paths.snapshots() / "people" / snapshot_name


def decisions_of(snapshot: Snapshot) -> pd.DataFrame | None:
    """The decisions beside a snapshot, None where there are none; raises PeopleError."""
    file = _decisions_file(snapshot)
    return read_decisions(file) if file.is_file() else None


def digest_of(snapshot: Snapshot) -> str:
    """SHA-256 of the decisions beside a snapshot, which with the snapshot's own names its identities; "" for none."""
    file = _decisions_file(snapshot)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _decisions_file(snapshot: Snapshot) -> Path:
    return snapshot.path.parent / "people" / snapshot.path.name / "decisions.csv"


def no_decisions() -> pd.DataFrame:
    """A frame of decisions without a row: columns a, b, decision, rule, score, by, note."""
    return pd.DataFrame({column: pd.Series(dtype="float64" if column == "score" else "object") for column in COLUMNS})


def read_decisions(file: Path) -> pd.DataFrame:
    """Decisions on pairs: columns a, b (names), decision (same, different, unsure), rule, score, by, note.

    Raises PeopleError for a missing column, an unknown decision, a score that is none from 0 to 100, or a name that is
    paired with itself.
    """
    rows = read_rows(file, COLUMNS[:3])
    where, scores = f"people/{file.parent.name}/{file.name}", []
    for number, row in enumerate(rows, start=2):
        if row["decision"] not in DECISIONS:
            raise PeopleError(f"{where}, row {number}: expected a decision of {', '.join(DECISIONS)}; correct it")
        if row["a"] == row["b"]:
            raise PeopleError(f"{where}, row {number}: a name is paired with itself; delete the row")
        scores.append(_score(row.get("score") or "", f"{where}, row {number}"))
    frame = pd.DataFrame(
        {c: pd.Series([row.get(c) or "" for row in rows], dtype="object") for c in COLUMNS if c != "score"}
    )
    return frame.assign(score=pd.Series(scores, dtype="float64"))[list(COLUMNS)]


def _score(text: str, where: str) -> float | None:
    try:
        score = float(text) if text else None
    except ValueError:
        score = -1.0
    if score is not None and not 0 <= score <= 100:
        raise PeopleError(f"{where}: expected a score from 0 to 100, or none; correct it")
    return score


def read_rows(file: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a CSV file as they are, without taking any name for a missing value; raises PeopleError."""
    where = f"people/{file.parent.name}/{file.name}"
    csv.field_size_limit(CSV_LIMIT)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            lacking = sorted(set(needed) - set(reader.fieldnames or ()))
            if lacking:
                raise PeopleError(f"{where}: without the columns {', '.join(lacking)}; restore its first line")
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise PeopleError(f"{where}: no CSV file in UTF-8 ({type(error).__name__}); restore it") from None
    for number, row in enumerate(rows, start=2):
        if None in row or any(row[column] is None for column in needed):
            raise PeopleError(f"{where}, row {number}: as many fields as columns expected; correct or delete the row")
    return rows


def write_rows(file: Path, frame: pd.DataFrame) -> None:
    """Write a frame as CSV, whole or not at all; scores with at most two decimals."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    careful = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)  # the other one leaves \r without quotes
    writer.writerow(frame.columns)
    for row in frame.itertuples(index=False):
        cells = [_cell(value) for value in row]
        (careful if any("\r" in cell for cell in cells) else writer).writerow(cells)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_text(text.getvalue(), encoding="utf-8", newline="")
    os.replace(part, file)


def _cell(value) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def with_automatic(decisions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Decisions of people as they are, and the pairs (a, b, rule, score, parts) as automatic ones in place of earlier.

    A pair that a person decided gets no automatic decision.
    """
    by_hand = decisions[decisions["by"] != AUTOMATIC]
    known = set(map(pair_of, by_hand["a"], by_hand["b"]))
    is_open = [pair_of(a, b) not in known for a, b in zip(pairs["a"], pairs["b"], strict=True)]
    fresh = pairs[pd.Series(is_open, index=pairs.index, dtype=bool)]
    fresh = fresh.assign(decision="same", by=AUTOMATIC, note=fresh["parts"])[list(COLUMNS)]
    fresh = fresh.sort_values(["a", "b"])
    return pd.concat([f for f in (by_hand, fresh) if len(f)], ignore_index=True) if len(fresh) else by_hand


def pair_of(a: str, b: str) -> tuple[str, str]:
    """The two names in order: a decision on a pair is one on the pair turned round."""
    return (a, b) if a <= b else (b, a)


# --- decisions: from pairs to persons ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Merged:
    """What decisions come to: `people` (alias, person), `log` (why each merge happened), `refused` (what did not)."""

    people: pd.DataFrame
    log: pd.DataFrame
    refused: pd.DataFrame


def merge(
    table: pd.DataFrame | None,
    decisions: pd.DataFrame | None,
    *,
    merge_threshold: float = 90,
    largest: int = LARGEST,
) -> Merged:
    """Groups of names from a snapshot's table `people` and the decisions beside it (study, section 3.4).

    A pair counts if a person decided it, or if its score reaches the threshold and no person decided otherwise. A group
    of more than `largest` names, or with a pair decided *different*, is refused: its automatic merges are left out, and
    if what people decided still breaks the rule, that is too. Columns of log: person, a, b, rule, score, by, note; of
    refused: a, b, rule, score, by, reason.
    """
    pairs, different = _accepted(table, decisions, merge_threshold)
    kept, refused = _refuse(pairs, different, largest)
    by_hand = refused[refused["by"] != AUTOMATIC]
    again, refused_again = _refuse(by_hand.drop(columns="reason"), different, largest)
    refused = pd.concat([refused[refused["by"] == AUTOMATIC], refused_again], ignore_index=True)
    kept = pd.concat([kept, again], ignore_index=True)
    preferred = set(table["person"]) if table is not None else set()
    people = _people(kept, preferred)
    persons = dict(zip(people["alias"], people["person"], strict=True))
    log = kept.assign(person=kept["a"].map(lambda name: persons.get(name, name)))
    log = log[["person", "a", "b", "rule", "score", "by", "note"]].sort_values(["person", "a", "b"], ignore_index=True)
    refused = refused[["a", "b", "rule", "score", "by", "reason"]].sort_values(["a", "b"], ignore_index=True)
    return Merged(people, log, refused)


def merges(
    table: pd.DataFrame | None, decisions: pd.DataFrame | None, *, merge_threshold: float = 90
) -> pd.DataFrame | None:
    """Columns alias, person, as `identities` takes them: the one way by which merges enter a run; None for none."""
    if table is None and decisions is None:
        return None
    return merge(table, decisions, merge_threshold=merge_threshold).people


def _accepted(table, decisions, merge_threshold) -> tuple[pd.DataFrame, set[tuple[str, str]]]:
    """Pairs that are to be merged, and the pairs decided different; of a pair decided twice, people come first."""
    rows: dict[tuple[str, str], tuple] = {}
    if table is not None:
        scores = table["score"] if "score" in table else [None] * len(table)
        for alias, person, score in zip(table["alias"], table["person"], scores, strict=True):
            if alias != person:
                by = "snapshot" if pd.isna(score) else AUTOMATIC
                rows[pair_of(alias, person)] = ("same", "snapshot", score, by, "")
    different: set[tuple[str, str]] = set()
    if decisions is not None:
        order = decisions.sort_values("by", key=lambda by: by != AUTOMATIC, kind="stable")  # people last: they prevail
        for row in order.itertuples(index=False):
            rows[pair_of(row.a, row.b)] = (row.decision, row.rule, row.score, row.by, row.note)
        said = decisions[decisions["decision"] == "different"]
        different = set(map(pair_of, said["a"], said["b"]))
    kept = [
        (*pair, rule, None if pd.isna(score) else float(score), by, note)
        for pair, (decision, rule, score, by, note) in sorted(rows.items())
        if decision == "same" and (by != AUTOMATIC or pd.isna(score) or score >= merge_threshold)
    ]
    frame = pd.DataFrame(kept, columns=["a", "b", "rule", "score", "by", "note"], dtype="object")
    return frame.astype({"score": "float64"}), different


def groups_of(pairs: pd.DataFrame) -> dict[str, int]:
    """Number of the group of every name in the pairs (columns a, b): names that pairs connect share one."""
    names = sorted({*pairs["a"], *pairs["b"]})
    place = {name: number for number, name in enumerate(names)}
    rows, columns = pairs["a"].map(place).to_numpy("int64"), pairs["b"].map(place).to_numpy("int64")
    links = coo_array(([1] * len(rows), (rows, columns)), shape=(len(names), len(names)))
    number = connected_components(links, directed=False)[1] if names else []
    return dict(zip(names, map(int, number), strict=True))


def _refuse(pairs, different, largest) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs whose group is sound, and the others with the reason."""
    group = groups_of(pairs)
    sizes = Counter(group.values())
    reasons = {number: f"a chain of {size} names" for number, size in sizes.items() if size > largest}
    for a, b in sorted(different):
        if a in group and group.get(a) == group.get(b):
            reasons[group[a]] = "joins two names decided different"
    reason = pairs["a"].map(lambda name: reasons.get(group[name])).astype("object")
    bad = reason.notna()
    return pairs[~bad], pairs[bad].assign(reason=reason[bad])


def _people(pairs: pd.DataFrame, preferred: set[str]) -> pd.DataFrame:
    """Columns alias, person. A group goes by its bot's name, the snapshot's, one without a space, the first in order."""
    group = groups_of(pairs)
    names = pd.Series(sorted(group), dtype="str")
    bots = set(names[is_bot(names)]) if len(names) else set()
    members: dict[int, list[str]] = {}
    for name in names:
        members.setdefault(group[name], []).append(name)
    person = {
        number: min(found, key=lambda name: (name not in bots, name not in preferred, " " in name, name))
        for number, found in members.items()
    }
    rows = [(name, person[group[name]]) for name in names if name != person[group[name]]]
    return pd.DataFrame(rows, columns=["alias", "person"], dtype="str")


# --- what is written beside the snapshot ------------------------------------------------------------------------------


def near_misses(
    candidates: pd.DataFrame, decisions: pd.DataFrame, merged: Merged, *, least: float = 75
) -> pd.DataFrame:
    """Candidates that no person decided and that are not one person already, the closest first: what a review asks.

    An automatic merge that was refused is among them.
    """
    by_hand = decisions[decisions["by"] != AUTOMATIC]
    decided = set(map(pair_of, by_hand["a"], by_hand["b"]))
    person = dict(zip(merged.people["alias"], merged.people["person"], strict=True))
    is_open = [
        pair_of(a, b) not in decided and person.get(a, a) != person.get(b, b)
        for a, b in zip(candidates["a"], candidates["b"], strict=True)
    ]
    left = candidates[pd.Series(is_open, index=candidates.index, dtype=bool) & (candidates["score"] >= least)]
    return left.sort_values(["score", "a", "b"], ascending=[False, True, True], ignore_index=True)


def counts(merged: Merged, decisions: pd.DataFrame) -> Mapping[str, int]:
    """How many names were merged, merges refused, pairs decided; no name among them."""
    said = decisions["decision"].value_counts()
    return {
        "names merged": len(merged.people),
        "persons with several names": merged.people["person"].nunique(),
        "merges refused": len(merged.refused),
        **{f"decided {decision}": int(said.get(decision, 0)) for decision in DECISIONS},
        "by people": int((decisions["by"] != AUTOMATIC).sum()),
    }
