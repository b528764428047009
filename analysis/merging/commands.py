"""The commands `people ...`: candidates, automatic decisions, review by a person, what came of them, and the score.

Usernames appear on the terminal of whoever reviews and in the files beside the snapshot; summaries hold counts only.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis import directories, people
from analysis.engine import load
from analysis.merging import candidates, matching
from analysis.parameters import check
from analysis.snapshot import check_name
from analysis.text import visible

# Imported by the commands that need them, in seconds of processor time: score 0.9, sensitivity 0.5 (matplotlib, scipy).

ANSWERS = {"s": "same", "d": "different", "u": "unsure"}
WORDS = {**ANSWERS, "n": "next", "q": "quit"}
LONGEST_SHOWN = 300
app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode="markdown")
_out = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 180)

Name = Annotated[str, typer.Argument(help="Name of the snapshot.")]


@app.command("candidates", short_help="find pairs of names that may be one person's")
def candidates_(
    name: Name,
    threshold: Annotated[float, typer.Option(min=50, max=100, help="Least similarity of the study's passes.")] = 90,
    conventions: Annotated[str, typer.Option(help="`authors` compares names as the study's scripts do.")] = "corrected",
) -> None:
    """Find pairs of names that may be one person's, and names that behave like a bot; merges nothing."""
    hub = _hub(name, conventions=conventions)
    known = candidates.evidence(hub)
    found = candidates.candidates(hub, threshold=threshold, conventions=conventions, known=known)
    suspects = candidates.suspects(known)
    people.write_rows(people.directory(name) / "candidates.csv", found)
    people.write_rows(people.directory(name) / "suspects.csv", suspects)
    passes = found["passes"].str.split(", ").explode().value_counts().sort_index()
    _out.print(f"{len(found)} pairs: " + ", ".join(f"{pass_} {count}" for pass_, count in passes.items()))
    _out.print(
        f"{len(suspects)} suspected bots, {int(suspects['listed'].sum())} of them listed; none is applied by itself"
    )
    _out.print(f"written to {_shown_directory(name)}: candidates.csv, suspects.csv")


@app.command("suspects", short_help="names that behave like a bot")
def suspects_(name: Name) -> None:
    """Show names with one event each in very many repositories; data/bots.csv stays as it is."""
    frame = candidates.suspects(candidates.evidence(_hub(name)))
    table = _columns(*frame.columns)
    for row in frame.itertuples(index=False):
        table.add_row(*(Text(shown(f"{v:.2f}" if isinstance(v, float) else str(v))) for v in row))
    _out.print(table if len(frame) else "no suspect")


@app.command("decide", short_help="decide the clear pairs automatically")
def decide(
    name: Name,
    rule: Annotated[str, typer.Option(help="`ours` or `study`: whose score decides.")] = "ours",
    threshold: Annotated[float, typer.Option(min=0, max=100, help="Least score of an automatic merge.")] = (
        matching.AUTOMATIC
    ),
) -> None:
    """Decide the clear candidates automatically; what a person decided stays. Then as `apply`."""
    if rule not in ("ours", "study"):
        raise people.PeopleError(f"--rule {rule[:30]}: expected ours or study")
    found = _candidates(name)
    if rule == "study":
        found = found[found["passes"] != "spelling"].assign(score=found["similarity"], rule="study", parts="similarity")
    with _alone(name):
        decided = people.with_automatic(_decisions(name), found[found["score"] >= threshold])
        people.write_rows(people.directory(name) / "decisions.csv", decided)
    apply(name, threshold)


@app.command("apply", short_help="write what the decisions come to")
def apply(
    name: Name,
    threshold: Annotated[float, typer.Option(min=0, max=100, help="The run's merge_threshold.")] = 90,
) -> None:
    """Write what the decisions come to: map.csv, log.csv, refused.csv, near_misses.csv. Prints counts."""
    found, table, decisions = _candidates(name), _table(_hub(name)), _decisions(name)
    merged = people.merge(table, decisions, merge_threshold=threshold)
    near = people.near_misses(found, decisions, merged)
    files = {"map": merged.people, "log": merged.log, "refused": merged.refused, "near_misses": near}
    for file, frame in files.items():
        people.write_rows(people.directory(name) / f"{file}.csv", frame)
    for what, count in people.counts(merged, decisions).items():
        _out.print(f"{what}: {count}")
    _out.print(f"near misses: {len(near)}")
    _out.print(f"written to {_shown_directory(name)}: {', '.join(f'{file}.csv' for file in files)}")


@app.command("review", short_help="decide the undecided pairs by hand")
def review(
    name: Name,
    by: Annotated[str, typer.Option(help="Who decides: kept with each answer.")] = "reviewer",
    least: Annotated[float, typer.Option(min=0, max=100, help="Least score of a pair that is asked about.")] = 75,
    automatic: Annotated[bool, typer.Option("--automatic", help="Ask about the automatic decisions too.")] = False,
    unsure: Annotated[bool, typer.Option("--unsure", help="Ask again about pairs left unsure.")] = False,
) -> None:
    """Walk through the undecided pairs, both names side by side. Each answer is saved at once; leave with q, go on later."""
    if not by.strip() or by == people.AUTOMATIC:
        raise people.PeopleError(f"--by {by[:30]!r}: expected who decides, not {people.AUTOMATIC!r} and not empty")
    found, hub = _candidates(name), _hub(name)
    with _alone(name):
        _review(name, hub, found, by=by, least=least, automatic=automatic, unsure=unsure)
    _out.print(f"`people apply {name}` writes the map and the log anew")


def _alone(name: str):
    """Each answer writes the whole file: two at work at once would lose the answers of one of them."""
    busy = f"another `people review` or `people decide` of {name} is at work: waiting for it to end"
    return directories.alone(people.directory(name) / ".lock", busy=busy, said=_out.print)


def _review(name: str, hub, found: pd.DataFrame, *, by: str, least: float, automatic: bool, unsure: bool) -> None:
    from analysis.merging import candidates

    decisions = _decisions(name)
    again = (automatic & (decisions["by"] == people.AUTOMATIC)) | (unsure & (decisions["decision"] == "unsure"))
    settled = decisions[~again]
    waiting = people.near_misses(found, settled, people.merge(_table(hub), settled), least=least)
    known = candidates.evidence(hub) if len(waiting) else None
    for number, pair in enumerate(waiting.itertuples(index=False), start=1):
        _out.print(f"\npair {number} of {len(waiting)}, score {pair.score:g} ({pair.parts})")
        _out.print(_side_by_side(known, pair))
        answer = _ask()
        if answer is None:
            _out.print(f"left; {len(waiting) - number + 1} pairs wait. `people review {name}` goes on.")
            break
        if answer in ANSWERS:
            decisions = _answered(decisions, pair, ANSWERS[answer], by)
            people.write_rows(people.directory(name) / "decisions.csv", decisions)
    else:
        _out.print("no pair left to decide" if not len(waiting) else "all pairs seen")


def _side_by_side(known, pair) -> Table:
    table = Table("")
    for one in (pair.a, pair.b):
        table.add_column(Text(shown(one)), overflow="fold")
    left, right = candidates.shown_places(known, pair.a), candidates.shown_places(known, pair.b)
    for what in left:
        table.add_row(what, Text(shown(str(left[what]))), Text(shown(str(right[what]))))
    return table


def _ask() -> str | None:
    """s, d, u, or "" for later; None to leave, which the end of the input is too."""
    while True:
        try:
            said = input("[s]ame  [d]ifferent  [u]nsure  [n]ext  [q]uit: ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            return None
        answer = next((letter for letter, word in WORDS.items() if said in (letter, word)), None)
        if answer in ANSWERS:
            return answer
        if answer:
            return "" if answer == "n" else None


def _answered(decisions: pd.DataFrame, pair, decision: str, by: str) -> pd.DataFrame:
    """The decisions with this answer in place of an earlier one on the pair."""
    key = people.pair_of(pair.a, pair.b)
    kept = [people.pair_of(a, b) != key for a, b in zip(decisions["a"], decisions["b"], strict=True)]
    row = {"a": key[0], "b": key[1], "decision": decision, "rule": pair.rule, "score": pair.score, "by": by, "note": ""}
    earlier = decisions[pd.Series(kept, index=decisions.index, dtype=bool)]
    fresh = pd.DataFrame([row], columns=list(people.COLUMNS)).astype({"score": "float64"})
    return pd.concat([earlier, fresh], ignore_index=True) if len(earlier) else fresh


def shown(text: str) -> str:
    """A name as a terminal may show it: no control, no direction, no invisible character, not too long."""
    return visible(text[:LONGEST_SHOWN]) + ("…" if len(text) > LONGEST_SHOWN else "")


@app.command("score", short_help="precision, recall and F1 of the merging")
def score_(
    gold: Annotated[
        str, typer.Argument(help="CSV (person, kind, alias; plain or gz), or a snapshot with a table truth.")
    ],
    rule: Annotated[str, typer.Option(help=f"One of {', '.join(matching.RULES)}; all where not given.")] = "",
    threshold: Annotated[
        float | None, typer.Option(min=50, max=100, help="One threshold; 80 to 100 where not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All counts and intervals, as JSON.")] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the counts, and a hold-out, in data/ for the paper's appendix.")
    ] = False,
    source: Annotated[str, typer.Option(help="With --save: where the aliases are from; the file's name if none.")] = "",
) -> None:
    """Precision, recall and F1 over all pairs of names, by kind of pair, with 95 % intervals.

    With --save also the hold-out: half of the persons choose each rule's threshold, the other half score it.
    """
    from analysis.merging import score as people_score

    if rule and rule not in matching.RULES:
        raise people.PeopleError(f"--rule {rule[:30]}: expected one of {', '.join(matching.RULES)}")
    file = Path(gold)
    if save and (rule or threshold is not None or not file.is_file()):
        raise people.PeopleError("--save: keeps all rules and thresholds of a file of aliases; leave out the others")
    hub = None if file.is_file() else _hub(gold)
    truth = people_score.read_gold(file) if hub is None else people_score.read_truth(hub)
    levels = [threshold] if threshold is not None else [float(t) for t in range(80, 101, 1 if save or as_json else 5)]
    scored = people_score.score(truth, rules=[rule] if rule else matching.RULES, thresholds=levels, hub=hub)
    if save:
        scored = pd.concat([scored, people_score.held_out(truth)], ignore_index=True)
        people_score.save(scored, source=source or file.name)
    if as_json:
        print(json.dumps(json.loads(scored.to_json(orient="records", double_precision=15)), indent=1))
        return
    pairs = scored[scored["basis"] == "pairs"].sort_values(["kinds", "part", "rule", "threshold"])
    for kinds, rows in pairs.groupby("kinds", sort=False):
        table = _columns("rule", "level", "true/found", "precision", "recall", "F1", title=kinds, title_justify="left")
        for row in rows.to_dict("records"):
            values = [people_score.interval(row, measure) for measure in people_score.MEASURES]
            part = "" if row["part"] == people_score.WHOLE else f" ({row['part']})"
            table.add_row(row["rule"] + part, f"{row['threshold']:g}", f"{row['true']}/{row['predicted']}", *values)
        _out.print(table)


@app.command("effect", short_help="the network with and without merging")
def effect(name: Name) -> None:
    """The network's table (Table 6) with nobody merged, and with the snapshot's merges and decisions."""
    from analysis.merging import sensitivity
    from analysis.report import format_value

    known = sensitivity.before_and_after(sensitivity.sensitivity(_hub(name), thresholds=()))
    if "" in known.absent:
        raise people.PeopleError(f"{name}: {known.why}")
    for state, rows in known.value.groupby("identities", sort=False):
        table = _columns(*rows.columns, title=state, title_justify="left")
        for row in rows.to_dict("records"):
            table.add_row(*(value if key == "k" else format_value(key, value) for key, value in row.items()))
        _out.print(table)


def _columns(*names: str, **options) -> Table:
    """A table whose cells are broken where the terminal is narrow, never cut."""
    table = Table(box=None, pad_edge=False, collapse_padding=True, **options)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _hub(name: str, **values):
    return load(check({"snapshot_date": name, **values}))


def _table(hub) -> pd.DataFrame | None:
    """The snapshot's own merges, None where it has none."""
    return hub.frame(hub.table("people")) if hub.snapshot.has("people") else None


def _candidates(name: str) -> pd.DataFrame:
    """The candidates as they were written; raises PeopleError where they were not."""
    file = people.directory(check_name(name)) / "candidates.csv"
    if not file.is_file():
        raise people.PeopleError(
            f"people/{name[:60]}/candidates.csv: missing; run `people candidates {name[:60]}` first"
        )
    needed = ("a", "b", "passes", "similarity", "rule", "score", "parts")
    frame = pd.DataFrame(people.read_rows(file, needed), columns=list(needed), dtype="object")
    try:
        return frame.astype({"score": "float64", "similarity": "float64"})
    except ValueError:
        raise people.PeopleError(f"people/{name}/candidates.csv: a score is no number; make the file again") from None


def _decisions(name: str) -> pd.DataFrame:
    file = people.directory(name) / "decisions.csv"
    return people.read_decisions(file) if file.is_file() else people.no_decisions()


def _shown_directory(name: str) -> str:
    return f"people/{name} beside the snapshots"
