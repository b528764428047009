"""How well rules find the names of one person: precision, recall and F1 over all pairs of names (study, section 3.4).

Against a file of hand-checked aliases, or against what a synthetic snapshot knows of its own people. Only counts leave
this module.
"""

import hashlib
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from analysis import canvas, exact, paths, people
from analysis.covered import Covered, carried
from analysis.engine import Hub
from analysis.merging import matching
from analysis.merging.candidates import candidates

KINDS = ("login", "name")  # the gold file's mail names are no names of commits
THRESHOLDS = (80.0, 85.0, 90.0, 95.0, 100.0)
DEFAULT = (matching.AUTOMATIC,)
MOST_NAMES = 20_000
MEASURES = ("precision", "recall", "f1")
COUNTS = ("part", "rule", "threshold", "kinds", "basis", "persons", "aliases", "positives", "predicted", "true")
WHOLE, CHOSEN, HELD_OUT = "all", "chosen on", "held out"
EVERY_THRESHOLD = tuple(float(t) for t in range(80, 101))
NAMES_OF_TRUTH = 4_000  # of a synthetic snapshot's people, in a run


def read_gold(file: Path) -> pd.DataFrame:
    """Columns person, kind (login, name), alias, in the file's order without repeats; raises PeopleError."""
    try:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (ValueError, EOFError, zlib.error, OSError) as error:  # pandas' own errors are ValueErrors
        raise people.PeopleError(
            f"{file.name}: no CSV file ({type(error).__name__}); expected person,kind,alias"
        ) from None
    lacking = [column for column in ("person", "kind", "alias") if column not in frame]
    if lacking:
        raise people.PeopleError(f"{file.name}: without the columns {', '.join(lacking)}; expected person,kind,alias")
    frame = frame.loc[frame["kind"].isin(KINDS), ["person", "kind", "alias"]].drop_duplicates(ignore_index=True)
    if not frame["person"].duplicated().any():
        raise people.PeopleError(
            f"{file.name}: no person has two aliases of kind {' or '.join(KINDS)}; nothing to find"
        )
    return frame.astype("object")


def read_truth(hub: Hub, *, most: int = MOST_NAMES) -> pd.DataFrame:
    """The people of a synthetic snapshot (table truth) as `read_gold` gives them; None of the others raises PeopleError.

    Bots are left out. Of people with one name so many are taken, by the hash of the name, that there are `most` names.
    """
    if "truth" not in hub.snapshot.manifest["tables"]:
        raise people.PeopleError(f"{hub.snapshot.name}: no table truth; score against a file of aliases instead")
    truth = pq.read_table(hub.snapshot.file("truth"), columns=["name", "person", "is_bot"]).to_pandas()
    truth = truth[~truth["is_bot"]].drop_duplicates("name")
    alone = ~truth["person"].duplicated(keep=False)
    order = truth["name"].map(lambda name: hashlib.sha256(name.encode()).hexdigest())
    chosen = truth.assign(alone=alone, order=order).sort_values(["alone", "order"]).head(max(most, int((~alone).sum())))
    kind = chosen["name"].map(lambda name: "name" if matching.Name(name).is_real else "login")
    frame = pd.DataFrame({"person": chosen["person"], "kind": kind, "alias": chosen["name"]})
    return frame.sort_values("alias", ignore_index=True).astype("object")


def pairs_under(gold: pd.DataFrame, rule: str, *, threshold: float, hub: Hub | None = None) -> pd.DataFrame:
    """Pairs of rows of `gold` under a rule: columns i < j, score. With a snapshot our rule also uses its evidence."""
    names = gold["alias"].tolist()
    if rule != "ours":
        return matching.similarity_pairs(names, rule, threshold=threshold).rename(columns={"similarity": "score"})
    if hub is None:
        return matching.proposals(names)[["i", "j", "score"]].query("score >= @threshold")
    place = {name: number for number, name in enumerate(names)}
    found = candidates(hub, threshold=min(threshold, 90))
    found = found[found["a"].isin(place) & found["b"].isin(place) & (found["score"] >= threshold)]
    i, j = found["a"].map(place), found["b"].map(place)
    both = pd.concat([i, j], axis=1)
    return pd.DataFrame({"i": both.min(axis=1), "j": both.max(axis=1), "score": found["score"]}).astype(
        {"i": "int64", "j": "int64"}
    )


def score(
    gold: pd.DataFrame,
    *,
    rules: Sequence[str] = matching.RULES,
    thresholds: Iterable[float] = THRESHOLDS,
    hub: Hub | None = None,
) -> pd.DataFrame:
    """Precision, recall and F1 of each rule at each threshold, over all pairs of names, by kind of pair.

    Columns part (all), rule, threshold, kinds (login-login, login-name), basis, persons, aliases, positives, predicted,
    true, and precision, recall, f1, each with _low and _high (95 %, Wilson; F1 through the share of true pairs among all
    that are true or predicted).
    `basis`: pairs = the rule's own pairs; groups = all pairs of the groups that merging them makes.
    """
    thresholds = sorted(thresholds)
    actual, kind = _actual(gold), gold["kind"].tolist()
    sizes = {"persons": gold["person"].nunique(), "aliases": len(gold)}
    rows = []
    for rule in rules:
        found = pairs_under(gold, rule, threshold=thresholds[0], hub=hub)
        for threshold in thresholds:
            reached = found[found["score"] >= threshold]
            pairs = set(zip(reached["i"].tolist(), reached["j"].tolist(), strict=True))
            for basis, predicted in (("pairs", pairs), ("groups", _grouped(gold, pairs))):
                rows += [
                    {"part": WHOLE, "rule": rule, "threshold": threshold, "kinds": kinds, "basis": basis}
                    | sizes
                    | measures(actual[kinds], {p for p in predicted if _kinds(kind, p) == kinds})
                    for kinds in actual
                ]
    return pd.DataFrame(rows)


def halves(gold: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The persons in two halves by the hash of the person, so that neither file order nor chance decides."""
    first = gold["person"].map(lambda person: hashlib.sha256(person.encode()).digest()[0] % 2 == 0).astype(bool)
    return gold[first].reset_index(drop=True), gold[~first].reset_index(drop=True)


def held_out(gold: pd.DataFrame, *, rules: Sequence[str] = matching.RULES) -> pd.DataFrame:
    """Each rule at the threshold that one half of the persons prefers, scored on that half and on the other.

    The threshold with the best F1 over all pairs of the first half, the lowest of several, from 80 to 100; columns as
    `score` with part = chosen on, held out. What else a rule is made of was not chosen anew.
    """
    rows = []
    first, second = halves(gold)
    for rule in rules:
        scored = score(first, rules=[rule], thresholds=EVERY_THRESHOLD)
        scored = scored[scored["basis"] == "pairs"]
        sums = scored.groupby("threshold")[["positives", "predicted", "true"]].sum()
        best = float((2 * sums["true"] / (sums["positives"] + sums["predicted"])).idxmax())
        other = score(second, rules=[rule], thresholds=[best])
        rows.append(scored[scored["threshold"] == best].assign(part=CHOSEN))
        rows.append(other[other["basis"] == "pairs"].assign(part=HELD_OUT))
    return pd.concat(rows, ignore_index=True)


def measures(actual: set, predicted: set) -> dict[str, float | int | None]:
    """Counts, precision, recall and F1 of predicted pairs against the actual ones, with 95 % intervals (Wilson)."""
    true = len(actual & predicted)
    either = len(actual | predicted)
    found = {"positives": len(actual), "predicted": len(predicted), "true": true}
    for name, of in (("precision", len(predicted)), ("recall", len(actual)), ("f1", either)):
        values = (true / of, *_wilson(true, of)) if of else (None, None, None)
        if name == "f1":  # F1 = 2J / (1 + J), J the share of true pairs among all that are true or predicted
            values = tuple(None if v is None else 2 * v / (1 + v) for v in values)
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    return found


def _wilson(true: int, of: int) -> tuple[float, float]:
    """Interval of a share by the score test (Wilson 1927)."""
    squared = exact.normal_quantile(0.95) ** 2
    middle = (2 * true + squared) / (2 * (of + squared))
    half = math.sqrt(squared * (4 * true * (of - true) / of + squared)) / (2 * (of + squared))
    return (max(middle - half, 0.0) if true else 0.0), (min(middle + half, 1.0) if true < of else 1.0)


def _kinds(kind: Sequence[str], pair: tuple[int, int]) -> str:
    return "-".join(sorted((kind[pair[0]], kind[pair[1]])))


def _actual(gold: pd.DataFrame) -> dict[str, set[tuple[int, int]]]:
    actual: dict[str, set] = {"login-login": set(), "login-name": set()}
    kind = gold["kind"].tolist()
    for rows in gold.groupby("person", sort=True).indices.values():
        ordered = sorted(map(int, rows))
        for place, i in enumerate(ordered):
            for j in ordered[place + 1 :]:
                actual.get(_kinds(kind, (i, j)), set()).add((i, j))
    return actual


def _grouped(gold: pd.DataFrame, pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """All pairs of the groups that merging makes; groups that are too large are refused, as in a run."""
    names = gold["alias"].tolist()
    rows = [
        (names[i], names[j], "same", "", 100.0, people.AUTOMATIC, "") for i, j in sorted(pairs) if names[i] != names[j]
    ]
    merged = people.merges(None, pd.DataFrame(rows, columns=list(people.COLUMNS)), merge_threshold=0)
    person = dict(zip(merged["alias"], merged["person"], strict=True))
    members: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        members.setdefault(person.get(name, name), []).append(number)
    return {(i, j) for group in members.values() for n, i in enumerate(group) for j in group[n + 1 :]}


# --- for the paper ----------------------------------------------------------------------------------------------------


def saved_file() -> Path:
    return paths.DATA / "identities_score.csv"


def save(scored: pd.DataFrame, file: Path | None = None, *, source: str = "") -> Path:
    """Keep the counts of a scoring (no name among them) and where its aliases are from, for the paper's appendix."""
    target = file or saved_file()
    scored[list(COUNTS)].assign(source=source).to_csv(target, index=False, float_format="%g", lineterminator="\n")
    return target


def saved(file: Path | None = None) -> Covered:
    """The counts that were kept, with the measures computed from them; empty where none were. Raises PeopleError."""
    source = file or saved_file()
    if not source.is_file():
        return Covered(_nothing(), {"": "no scoring of the rules was kept"})
    frame = pd.read_csv(source, keep_default_na=False)
    lacking = [column for column in (*COUNTS, "source") if column not in frame]
    if lacking:
        raise people.PeopleError(
            f"{source.name}: without the columns {', '.join(lacking)}; make it again with people score"
        )
    rows = [_from_counts(row) for row in frame.to_dict("records")]
    return Covered(pd.DataFrame(rows) if rows else _nothing())


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=[*COUNTS, *MEASURES, "source"])


def of_truth(hub: Hub) -> Covered:
    """`score` against what a synthetic snapshot knows of its people, by the names alone; empty for other snapshots."""
    if "truth" not in hub.snapshot.manifest["tables"]:
        return Covered(_nothing(), {"": "only a synthetic snapshot knows who its people are"})
    known = read_truth(hub, most=NAMES_OF_TRUTH)
    if not known["person"].duplicated().any():
        return Covered(_nothing(), {}, {"": "nobody has two names"})
    return Covered(score(known))


def _why_no_measure(found: Mapping[str, object], *_) -> dict[str, str]:
    """Why a measure of a kind of pairs has no value."""
    none = {name.removesuffix(".positives") for name, value in found.items() if name.endswith(".positives") and not value}
    return dict.fromkeys(none, "no person has two names of these kinds") | {"precision": "the rule found no pair"}


@carried(empty=_why_no_measure)
def results(scored: pd.DataFrame) -> dict[str, float | None]:
    """Results by the end of their id: `ours-90.login-name.recall`, `held-out.ours.login-name.recall`, and what was scored."""
    pairs = scored[(scored["basis"] == "pairs") & (scored["threshold"].isin(THRESHOLDS) | (scored["part"] != WHOLE))]
    found = {}
    for row in pairs.to_dict("records"):
        label = f"{row['rule']}-{row['threshold']:g}" if row["part"] == WHOLE else _half(row["part"], row["rule"])
        found |= {f"{label}.{row['kinds']}.{m}": None if pd.isna(row[m]) else row[m] for m in MEASURES}
        if row["part"] != WHOLE:
            found[f"{label}.threshold"] = row["threshold"]
        else:
            found |= {name: row[name] for name in ("persons", "aliases", "source") if row.get(name)}
            found[f"{row['kinds']}.positives"] = row["positives"]
    return found


def _half(part: str, rule: str) -> str:
    return f"{part.replace(' ', '-')}.{rule}"


def _from_counts(row: dict) -> dict:
    actual = set(range(row["positives"]))
    predicted = {*range(row["true"]), *range(-(row["predicted"] - row["true"]), 0)}
    return row | measures(actual, predicted)


@carried()
def printed(scored: pd.DataFrame, *, basis: str = "pairs", thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """The appendix's table: a row a rule and threshold, per kind of pair precision and recall with intervals."""
    chosen = scored[(scored["basis"] == basis) & (scored["threshold"].isin(thresholds) | (scored["part"] != WHOLE))]
    rows: dict[str, dict[str, str]] = {}
    for row in chosen.to_dict("records"):
        which = "" if row["part"] == WHOLE else f" ({row['part']})"
        cells = rows.setdefault(f"{row['rule']}, {row['threshold']:g}{which}", {})
        for measure in ("precision", "recall"):
            cells[f"{row['kinds']} {measure}"] = interval(row, measure)
    return pd.DataFrame.from_dict(rows, orient="index")


def interval(row: dict, measure: str) -> str:
    """A measure with its interval as text; "--" where nothing was predicted."""
    if row[measure] is None or pd.isna(row[measure]):
        return "--"
    low, high = (f"{row[f'{measure}_{end}']:.2f}".removeprefix("0") for end in ("low", "high"))
    return f"{row[measure]:.3f} ({low}, {high})"


_KIND_WORDS = {"login-login": "two usernames", "login-name": "a username and a name"}
_RULE_WORDS = {"study": "study’s rule", "ours": "our rule"}


@carried()
def curve(scored: pd.DataFrame) -> tuple[Figure | None, pd.DataFrame]:
    """Precision against recall of every rule over the thresholds, a panel per kind of pair; the default is marked."""
    chosen = scored[(scored["basis"] == "pairs") & (scored["part"] == WHOLE) & (scored["predicted"] > 0)]
    data = chosen[["rule", "kinds", "threshold", *MEASURES]].reset_index(drop=True)
    if data.empty:
        return None, data
    kinds = sorted(set(chosen["kinds"]))
    figure, axes = canvas.canvas(len(kinds), height=2.5, sharey=True, title=_recalls(data, kinds))
    for axis, kind in zip(axes, kinds, strict=True):
        for number, rule in enumerate(matching.RULES):
            part = chosen[(chosen["kinds"] == kind) & (chosen["rule"] == rule)].sort_values("threshold")
            colour = canvas.COLOURS[number]
            axis.plot(part["recall"], part["precision"], label=_RULE_WORDS.get(rule, rule), linestyle=canvas.STYLES[number],
                      color=colour, marker=".", markersize=3, linewidth=1)  # fmt: skip
            said = f"{_RULE_WORDS.get(rule, rule)}, threshold {{2:g}}: recall {{0:.1%}}, precision {{1:.1%}}"
            canvas.tips(axis, part["recall"], part["precision"], said.format, part["threshold"])
            default = part[part["threshold"] == matching.AUTOMATIC]
            axis.plot(default["recall"], default["precision"], "o", color=colour, markersize=5.5)
        canvas.heading(axis, f"pairs of {_KIND_WORDS.get(kind, kind)}")
        axis.set(xlabel="recall: share of the true pairs that are found", xlim=(0, 1.03), ylim=(0, 1.03))
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MultipleLocator(0.25))
            side.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes[0].set_ylabel("precision: share of the found that are true")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure, data


def _recalls(data: pd.DataFrame, kinds: list[str]) -> str:
    """What our rule and the study's find at the default threshold, of the kind of pair that comes last."""
    at = data[(data["threshold"] == matching.AUTOMATIC) & (data["kinds"] == kinds[-1])].set_index("rule")["recall"]
    if not {"ours", "study"} <= set(at.index):
        return ""
    words = _KIND_WORDS.get(kinds[-1], kinds[-1])
    return f"Our rule finds {100 * at['ours']:.0f} % of the pairs of {words}, the study’s {100 * at['study']:.0f} %"
