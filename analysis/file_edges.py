"""Who is linked where an edge needs the same file, and not only the same model? The study's own wish (section 5.3.1).

Both networks are of the same commits, those of which the snapshot says which files they changed, so that nothing but the
unit differs. Relational work on a snapshot as in `engine`; developers appear as integers only.
"""

from collections.abc import Iterable

import ibis
import pandas as pd
from ibis import _

from analysis import engine
from analysis.covered import Covered, reason
from analysis.engine import Hub
from analysis.labels import FIELDS

LEVELS = ("repository", "file")


def edges(hub: Hub, field: str = "all", *, level: str = "repository") -> Covered:
    """Collaboration edges: columns source, target (developers), weight (commits). Sorted.

    For every commit, source is its first author and target every other author of a commit that changed the same file of
    that model (`level="file"`), or any file of it ("repository"); weight is the number of such commits, each counted once
    (METHODS, 3). Nobody is linked with themselves. Bots are left out before the first author is looked for.
    """
    known, name = edges_by_level(hub, [field]), f"{field}.{level}"
    why = [reason(reasons, name) for reasons in (known.absent, known.empty)]
    return Covered(known.value[name], *({"": one} if one else {} for one in why))


def edges_by_level(hub: Hub, fields: Iterable[str] = tuple(FIELDS)) -> Covered:
    """`edges` of every field at both levels, by names such as `all.file`; the parts of the reasons are these names."""
    why = engine.field_reasons(hub, "repos", "commits", "files")
    names = [f"{field}.{level}" for field in fields for level in LEVELS]
    if "all" in why:
        nothing = pd.DataFrame({name: pd.Series(dtype="int64") for name in ("source", "target", "weight")})
        return Covered(dict.fromkeys(names, nothing), {"": why["all"]})
    commits = hub.keep("numbered_commits", _numbered(hub))
    pairs = {level: hub.keep(f"pairs_{level}", _pairs(hub, level, commits)) for level in LEVELS}
    found = {f"{field}.{level}": _summed(hub, pairs[level], field) for field in fields for level in LEVELS}
    lacking = {f"{field}.{level}": why[field] for field in fields for level in LEVELS if field in why}
    thing = {"repository": "model", "file": "file of a model"}
    alone = "no two developers changed the same {}, by commits whose files are known"
    empty = {name: alone.format(thing[name.split(".")[1]]) for name, rows in found.items() if rows.empty}
    return Covered(found, lacking, empty)


def _summed(hub: Hub, pairs: ibis.Table, field: str) -> pd.DataFrame:
    of_field = pairs if field == "all" else pairs.semi_join(engine.models_of(hub, field), "repo_id")
    return hub.frame(of_field.group_by("source", "target").agg(weight=_.weight.sum()).order_by("source", "target"))


def _pairs(hub: Hub, level: str, commits: ibis.Table) -> ibis.Table:
    """repo_id, source, target, weight: the edges of each model. Commits and files are numbers where rows are many."""
    touched = hub.keep(f"touched_{level}", _touched(hub, level, commits))
    seats = touched.inner_join(_signed(hub, commits), "commit").select("unit", "commit", "developer", "leads")
    others = seats.select("unit", target="developer").distinct()
    led = seats.filter(_.leads).select("unit", "commit", source="developer")
    met = led.inner_join(others, "unit").filter(_.source != _.target).select("commit", "source", "target").distinct()
    of_model = met.inner_join(commits.select("commit", "repo_id"), "commit")
    return of_model.group_by("repo_id", "source", "target").agg(weight=_.count())


def _shared(hub: Hub) -> ibis.Table:
    """repo_id of the models that several developers share: no other has an edge, and most files are of others."""
    taking_part = hub.contributions.filter(_.kind == "model").group_by("repo_id").agg(developers=_.count())
    return taking_part.filter(_.developers > 1).select("repo_id")


def _numbered(hub: Hub) -> ibis.Table:
    """repo_id, commit_id, authors, commit (a number): the commits of shared models."""
    commits = hub.commits.filter(_.kind == "model").semi_join(_shared(hub), "repo_id")
    return commits.select("repo_id", "commit_id", "authors").mutate(commit=hub.any_number)


def _touched(hub: Hub, level: str, commits: ibis.Table) -> ibis.Table:
    """unit, commit: which file, or at the level of repositories which model, each commit changed."""
    files = hub.table("files").filter(_.kind == "model").inner_join(commits, ["repo_id", "commit_id"])
    key = ["repo_id", "path"] if level == "file" else ["repo_id"]
    changed = files.select(*key, "commit").distinct()
    units = hub.keep(f"units_{level}", changed.select(key).distinct().mutate(unit=hub.any_number))
    return changed.inner_join(units, key).select("unit", "commit")


def _signed(hub: Hub, commits: ibis.Table) -> ibis.Table:
    """commit, developer, leads: who signed each commit, once each."""
    return hub.signers(commits, "commit").group_by("commit", "developer").agg(leads=_.leads.max())
