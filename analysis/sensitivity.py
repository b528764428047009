"""How much the findings depend on who is merged with whom: RQ1's people counts and Table 6 over the threshold.

Every variant is the same snapshot under another set of merges, run through the same engine (study, sections 3.4, 4.1, 4.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd
from matplotlib.figure import Figure

from analysis import figures, network, people
from analysis.candidates import candidates
from analysis.engine import Hub, activity, edges, why_missing
from analysis.snapshot import KINDS, PLURAL

THRESHOLDS = (80.0, 85.0, 90.0, 95.0, 100.0)
PEOPLE_COUNTS = ("n_committers", "n_disc_starters", "n_community")
RULES = {"study": "similarity", "ours": "score"}  # the column of `candidates` that is held against the threshold
AS_RUN, UNMERGED = "as run", "no merging"


@dataclass(frozen=True)
class Variant(Hub):
    """A snapshot under merges that are given (alias, person); None merges nobody."""

    given: pd.DataFrame | None = None

    @cached_property
    def identities(self) -> pd.DataFrame:
        names = self._author_names().union(self._starter_names(), distinct=True)
        return people.identities(self.frame(names)["alias"], self.given)


def sensitivity(hub: Hub, *, thresholds: Iterable[float] = THRESHOLDS) -> pd.DataFrame:
    """One row per rule, threshold and treatment of bots: what the findings are under these merges.

    Columns rule (no merging, as run, study, ours), threshold (NaN where none applies), bots (exclude, include); names,
    merged, refused, largest (names of one person); `<kinds>.<variable>` (mean per repository, NaN where not covered);
    developers, isolates, isolate_share; `<level>.<measure>` of Table 6. `study` merges whatever its three passes find at
    the threshold, without the search by hand that followed; what people decided counts under every rule but the first.
    """
    decisions = people.decisions_of(hub.snapshot)
    decided = people.no_decisions() if decisions is None else decisions
    rows, known = [], {}
    for rule, threshold, merged in _variants(hub, decisions, decided, tuple(thresholds)):
        for bots in ("exclude", "include"):
            given = merged.people if merged else None
            variant = Variant(hub.snapshot, replace(hub.parameters, bots=bots, identities="merged"), given)
            key = (bots, variant.identities["developer"].to_numpy().tobytes())  # the names are the same throughout
            if key not in known:
                known[key] = findings(variant)
            rows.append({"rule": rule, "threshold": threshold, "bots": bots} | _sizes(variant, merged) | known[key])
    return pd.DataFrame(rows)


def _variants(hub: Hub, decisions, decided, thresholds):
    """(rule, threshold, merges) of every variant; None for no merging."""
    yield UNMERGED, float("nan"), None
    table = hub.frame(hub.table("people")) if hub.snapshot.has("people") else None
    threshold = hub.parameters.merge_threshold
    yield AS_RUN, threshold, people.merge(table, decisions, merge_threshold=threshold)
    if not thresholds:
        return
    found = candidates(hub, threshold=min(thresholds), conventions="authors")
    for rule, column in RULES.items():
        pairs = found[found["passes"] != "spelling"] if rule == "study" else found
        pairs = pairs.assign(score=pairs[column])
        for level in thresholds:
            reached = people.with_automatic(decided, pairs[pairs["score"] >= level])
            yield rule, level, people.merge(None, reached, merge_threshold=level)


def findings(hub: Hub) -> dict[str, float | int | None]:
    """RQ1's people counts (means), the developers of RQ2 and every column of Table 6, under one set of merges."""
    values: dict[str, float | int | None] = {}
    for kind in KINDS:
        covered = tuple(v for v in PEOPLE_COUNTS if not why_missing(hub, kind, v))
        counts = activity(hub, kind, variables=covered) if covered else pd.DataFrame()
        values |= {
            f"{PLURAL[kind]}.{v}": float(counts[v].mean()) if v in covered else float("nan") for v in PEOPLE_COUNTS
        }
    everyone = network.graph(edges(hub))
    return values | network.developers(everyone) | network.core_results(network.core_table(everyone))


def _sizes(hub: Hub, merged) -> dict[str, int]:
    sizes = hub.identities.groupby("developer").size()
    return {
        "names": len(hub.identities),
        "merged": len(hub.identities) - len(sizes),
        "refused": len(merged.refused) if merged else 0,
        "largest": int(sizes.max()) if len(sizes) else 0,
    }


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows by name, as `ours, 90, bots excluded`: for results and the table of the whole."""
    names = [_label(*row) for row in frame[["rule", "threshold", "bots"]].itertuples(index=False)]
    return frame.drop(columns=["rule", "threshold", "bots"]).set_axis(pd.Index(names), axis=0)


def _label(rule: str, threshold: float, bots: str) -> str:
    level = "" if pd.isna(threshold) else f", {threshold:g}"
    return f"{rule}{level}, bots {bots}d"


def results(frame: pd.DataFrame) -> dict[str, float | int | None]:
    """Results by the end of their id, as `ours-90-bots-excluded.k1.nodes`."""
    rows = labelled(frame)
    ids = [label.replace(", ", "-").replace(" ", "-") for label in rows.index]
    return {
        f"{name}.{column}": None if pd.isna(value) else value
        for name, row in zip(ids, rows.to_dict("records"), strict=True)
        for column, value in row.items()
    }


def printed(frame: pd.DataFrame, *, level: str = "k1") -> pd.DataFrame:
    """The appendix's table: per variant merged names, developers, isolates and Table 6's columns of one level."""
    rows = labelled(frame)
    columns = ["merged", "refused", "developers", "isolate_share"]
    measures = [m for m in network.STRUCTURE if f"{level}.{m}" in rows]
    chosen = rows[[*columns, *(f"{level}.{m}" for m in measures)]]
    return chosen.rename(columns={f"{level}.{m}": m for m in measures}).rename(
        columns={"isolate_share": "isolate share"}
    )


def before_and_after(frame: pd.DataFrame, *, bots: str = "exclude") -> pd.DataFrame:
    """The network's table (Table 6) with nobody merged and as the run merges: a row a level and state."""
    rows = []
    for state in (UNMERGED, AS_RUN):
        values = frame[(frame["rule"] == state) & (frame["bots"] == bots)].iloc[0]
        for level in (*network.LEVELS, "kmax"):
            measured = {name: values[f"{level}.{name}"] for name in ("k", *network.STRUCTURE)}
            rows.append({"identities": state, "level": level} | measured)
    return pd.DataFrame(rows)


def figure(frame: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Change of the people counts, the network's size and its shape against no merging, over the threshold.

    Per cent; a panel per group of findings, rules by dash, bots included by a thinner line. The data behind it: rule,
    bots, threshold, finding, value, change.
    """
    panels = {
        "people counts": [c for c in frame if c.split(".")[-1] in PEOPLE_COUNTS and frame[c].notna().any()],
        "size": ["developers", "k1.nodes", "k1.edges", "k1.com"],
        "shape": ["k1.mod", "k1.dens", "k1.recip", "k1.arcc", "k1.ass", "k1.ad", "k1.acc"],
    }
    picture, axes = figures._figure(len(panels), height=3.4)
    data = changes(frame, [column for columns in panels.values() for column in columns])
    for axis, (title, columns) in zip(axes, panels.items(), strict=True):
        for number, column in enumerate(columns):
            for rule, dash in (("study", "--"), ("ours", "-")):
                for bots, width in (("exclude", 1.2), ("include", 0.5)):
                    part = data[(data["finding"] == column) & (data["rule"] == rule) & (data["bots"] == bots)]
                    label = column.removeprefix("k1.") if (rule, bots) == ("ours", "exclude") else None
                    axis.plot(part["threshold"], part["change"], dash, linewidth=width, label=label,
                              color=figures._COLOURS[number % len(figures._COLOURS)])  # fmt: skip
        axis.set(title=title, xlabel="threshold")
        if columns:
            axis.legend(fontsize=5, frameon=False, loc="best")
    axes[0].set_ylabel("change against no merging, per cent")
    return picture, data


def changes(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Long form: rule, bots, threshold, finding, value, change (per cent against no merging, with the same bots)."""
    rows = []
    for bots, part in frame.groupby("bots", sort=True):
        base = part[part["rule"] == UNMERGED].iloc[0]
        for column in columns:
            swept = part[part["rule"].isin(RULES)]
            for row in swept[["rule", "threshold", column]].itertuples(index=False):
                known = pd.notna(row[2]) and pd.notna(base[column]) and base[column] != 0
                change = 100 * (row[2] - base[column]) / abs(base[column]) if known else float("nan")
                rows.append((row[0], bots, row[1], column, row[2], change))
    return pd.DataFrame(rows, columns=["rule", "bots", "threshold", "finding", "value", "change"])
