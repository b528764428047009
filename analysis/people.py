"""Who counts as one person: bots and merged identities (study, sections 3.3 and 3.4).

Everything that counts people goes through `identities`; nothing else reads an author's name.
"""

import re
from collections.abc import Iterable

import pandas as pd

from analysis import paths


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
    return known | names.map(lambda name: pattern.fullmatch(name) is not None).astype(bool)


def identities(
    names: Iterable[str], people: pd.DataFrame | None = None, *, merge_threshold: float = 90
) -> pd.DataFrame:
    """One row per name: columns alias, developer (integer from 0, equal for the names of one person), is_bot.

    `people` has columns alias, person and perhaps score (similarity, 0 to 100): merges scored below `merge_threshold`
    are not applied, merges without a score were decided by hand and always are. Without `people` each name is a person
    of its own. Developers are numbered in the order of their merged names, so the numbers depend on the names alone.
    """
    frame = pd.DataFrame({"alias": sorted(set(names))}, dtype="str")
    person = frame["alias"]
    if people is not None:
        accepted = people
        if "score" in people:
            accepted = people[~(people["score"] < merge_threshold)]
        merged = dict(zip(accepted["alias"], accepted["person"], strict=True))
        person = person.map(lambda name: merged.get(name, name))
    developer = person.rank(method="dense").astype("int64") - 1 if len(frame) else pd.Series(dtype="int64")
    return frame.assign(developer=developer, is_bot=is_bot(frame["alias"]) | is_bot(person))
