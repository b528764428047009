"""What the paper says about its own run: coverage of the snapshot, what was left out, versions, parameters, commit."""

import platform
import subprocess
from pathlib import Path

import pandas as pd

from analysis import environment, paths, people, report
from analysis.engine import Hub
from analysis.parameters import Parameters
from analysis.snapshot import BY_KIND, DATA_TABLES, PLURAL, Snapshot, load
from analysis.study import ledger

STEP = "front_matter"  # what results.json names in place of a notebook


def write(out_dir: Path, hub: Hub, parameters: Parameters) -> None:
    """Write the tables coverage, left_out and colophon, and their places as a part of results.json."""
    writer = report.Report(STEP, out_dir=out_dir, synthetic=hub.snapshot.synthetic)
    writer.table("coverage", coverage(hub), align=r"llr>{\raggedright\arraybackslash}p{7.2cm}", prose=True)
    writer.table("left_out", left_out(hub), align="p{12cm}r", prose=True)
    writer.table("colophon", colophon(hub, parameters), prose=True, align=r"l>{\raggedright\arraybackslash}p{9cm}")
    writer.close()


def coverage(hub: Hub) -> pd.DataFrame:
    """One row per table and kind of repository: columns status, rows, rule."""
    rows = {}
    for table in DATA_TABLES:
        if table == "files" and not hub.snapshot.has(table):  # an extra, which few sources have
            continue
        for kind in PLURAL if table in BY_KIND else (None,):
            entry = hub.snapshot.manifest["tables"].get(table, {})
            count = entry.get("kinds", {}).get(kind) if kind else entry.get("rows")
            status = hub.snapshot.status(table, kind)
            label = f"{table}, {PLURAL[kind]}" if kind else table
            rows[label] = {
                "status": status,
                "rows": count if status != "absent" else None,
                "rule": hub.snapshot.rule(table, kind),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def left_out(hub: Hub) -> pd.DataFrame:
    """One row per table and reason: column rows, how many records the snapshot could not take, or mended."""
    manifest = hub.snapshot.manifest
    rows = {f"{t}: {reason}": n for t, reasons in manifest["rejected"].items() for reason, n in reasons.items()}
    rows |= {f"repositories: {reason}": n for reason, n in manifest.get("repositories_left_out", {}).items()}
    rows |= {f"mended: {what}": n for what, n in manifest.get("notes", {}).items()}
    return pd.DataFrame({"rows": rows or {"nothing": 0}}, dtype="int64")


def colophon(hub: Hub, parameters: Parameters) -> pd.DataFrame:
    """Column value: snapshot and its hash, parameters, commit, versions; no clock, no machine."""
    installed = environment.installed(environment.direct())
    rows = {
        "snapshot": f"{hub.snapshot.name} ({hub.snapshot.date})",
        "snapshot hash": hub.snapshot.digest[:32],
        "decisions about people": people.digest_of(hub.snapshot)[:32] or "none beside the snapshot",
        **_sources(hub.snapshot, parameters),
        "commit": commit(),
        **{f"parameter {name}": f"{value}" or "(none)" for name, value in parameters.recorded().items()},
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version or '(not installed)'}" for name, version in installed.items()),
    }
    return pd.DataFrame({"value": rows})


def _sources(snapshot: Snapshot, parameters: Parameters) -> dict[str, str]:
    """What has to be said of where the snapshot comes from, and of the one beside it."""
    found, known = {}, pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, index_col="name")["attribution"]
    beside = [load(parameters.beside)] if parameters.beside else []
    for whose, one in zip(("", "beside it: "), (snapshot, *beside), strict=False):
        source = one.manifest["source"]
        found |= {f"{whose}snapshot": f"{one.name} ({one.date})", f"{whose}snapshot hash": one.digest[:32]} if whose else {}
        found |= {f"{whose}source": source.get("title"), f"{whose}published at": source.get("origin")}
        found |= {f"{whose}terms": source.get("licence"), f"{whose}attribution": known.get(source.get("published"))}
        found |= {f"{whose}only in": source.get("only_in")}
    return {what: text for what, text in found.items() if text}


def commit() -> str:
    """Commit of the working tree, marked where the tree was changed; empty outside of Git."""
    command = ["git", "-C", str(paths.ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not under version control"
    return done.stdout.strip() if done.returncode == 0 else "not under version control"


def meta(hub: Hub, parameters: Parameters) -> dict[str, str]:
    """Texts for the paper's `\\meta{key}`."""
    source = hub.snapshot.manifest["source"]
    changed = ", ".join(f"{name} = {value}" for name, value in parameters.recorded().items() if name != "snapshot_date")
    return {
        "snapshot": hub.snapshot.name,
        "date": hub.snapshot.date.isoformat(),
        "hash": hub.snapshot.digest[:16],
        "commit": commit(),
        "source": source.get("title", ""),
        "origin": source.get("origin", ""),
        "licence": source.get("licence", ""),
        "python": platform.python_version(),
        "parameters": changed,
        "before_dates": parameters.before_dates,
        "twin": "yes" if ledger.is_twin(hub.snapshot.manifest) else "no",
        **{name: str(value) for name, value in parameters.recorded().items()},
    }
