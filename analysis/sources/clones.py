"""Which files did each commit change? Asked of Git itself, for a sample of the repositories of a snapshot (section 5.3.1).

A blobless clone has every commit and every folder, and no content: some kilobytes of a repository of gigabytes.
"""

import gzip
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ibis import _

from analysis import paths, snapshot
from analysis.snapshot import PLURAL, Snapshot, SnapshotError, Writer, load
from analysis.sources import rows, selection
from analysis.sources.hub.requests import without_account

HUB = "https://huggingface.co"
LONGEST_WAIT = 600  # seconds for one repository
_PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}
# Nothing of the user's own configuration, no question for a password, messages that can be told apart.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "https:http:git:file",
}  # fmt: skip
_REFUSALS = {
    "not found": ("not found", "does not exist", "error: 404", "does not appear to be a git repository", "not exported"),
    "not authorized": ("authentication failed", "could not read username", "error: 401", "error: 403", "access denied"),
    "no answer": ("could not resolve", "unable to connect", "failed to connect", "connection refused", "timed out"),
}


class _RefusedError(Exception):
    """A repository could not be cloned; its text is the reason that is counted."""


def with_files(
    name: str,
    to: str = "",
    *,
    kind: str = "model",
    sample: int | None = None,
    origin: str = "",
    longest_wait: float = LONGEST_WAIT,
    dry_run: bool = False,
    replace: bool = False,
    said: Callable[[str], None] = print,
) -> Snapshot | None:
    """Write the snapshot `to` (`NAME-with-files`): `name`, and which files its commits changed; None for a dry run.

    Asked are repositories of a kind whose commits name several authors, for no other has an edge: all, or the `sample`
    with the smallest SHA-256 of kind and name. Answers are kept under data/raw/, so that the same call goes on where
    one was stopped; who refused is asked again, and is in `rejected`. Raises SnapshotError, one line.
    """
    source, to, origin = load(name), to or f"{name}-with-files", (origin or os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    _check(source, to, kind, origin, replace=replace)
    asked = _chosen(source, kind, sample)
    if not asked:
        raise SnapshotError(f"{name}: no {kind} whose commits name several authors, so no edge depends on files")
    answers = paths.raw() / to / "files"
    shown = without_account(origin)
    there = [repo_id for repo_id in asked if _answer(answers, kind, repo_id).is_file()]
    said(f"{len(asked):,} {PLURAL[kind]} to ask at {shown}, {len(there):,} of them answered before")
    if dry_run:
        return None
    answers.mkdir(parents=True, exist_ok=True)
    refused = _ask_all(asked, kind, answers, origin, longest_wait, said)
    if len(refused) == len(asked):
        raise SnapshotError(f"{shown}: none of {len(asked):,} repositories could be cloned ({_counted(refused.values())})")
    rule = f"{len(asked) - len(refused):,} of {len(asked):,} {PLURAL[kind]} whose commits name several authors"
    rule += f", the {sample:,} with the smallest SHA-256 of kind and name" if sample else ""
    covered = {kind: {"status": "sample", "rule": f"{rule}; merges apart, as of the day of the clone"}}
    tables = {t: source.manifest["tables"][t]["coverage"] for t in snapshot.DATA_TABLES if source.has(t)} | {"files": covered}
    described = {**source.manifest["source"], "files": f"git clone --filter=blob:none of {len(asked):,} {PLURAL[kind]}"}
    writing = Writer(
        to, date=source.date, synthetic=source.synthetic, source=described, coverage=tables, replace=replace
    )
    with writing as writer:
        for table in tables.keys() - {"files"}:
            for batch in source.batches(table):
                writer.add(table, batch)
        selection.pass_on(source, writer)
        _add(writer, kind, answers, [repo_id for repo_id in asked if repo_id not in refused])
        for repo_id, why in refused.items():
            writer.reject("files", why, kind=kind, repo_id=repo_id, scope="repository")
    return load(to)


def _check(source: Snapshot, to: str, kind: str, origin: str, *, replace: bool) -> None:
    snapshot.check_free(to, replace=replace)
    snapshot.new_date(to, source.date.isoformat())
    if to == source.name:
        raise SnapshotError(f"--to {to}: is the snapshot itself; choose another name")
    if kind not in _PREFIX:
        raise SnapshotError(f"kind {kind[:60]!r}: expected one of {', '.join(_PREFIX)}")
    if not source.has("commits", kind=kind):
        raise SnapshotError(f"{source.name}: has no commits of {PLURAL[kind]}, whose files could be asked for")
    if source.has("files"):
        raise SnapshotError(f"{source.name}: says already which files commits changed")
    if source.synthetic and origin == HUB:
        raise SnapshotError(f"{source.name}: is synthetic, its repositories are not on the Hub; say --origin")
    if shutil.which("git") is None:
        raise SnapshotError("git: is not installed, and the files of commits are asked of it (on Debian: apt-get install git)")


def _chosen(source: Snapshot, kind: str, sample: int | None) -> list[str]:
    """Ids of the repositories of a kind whose commits name several authors, or the sample of them; sorted."""
    con = snapshot.connect()
    commits = con.read_parquet(source.files("commits")).filter(_.kind == kind)
    names = commits.select("repo_id", name=_.authors.unnest()).group_by("repo_id").agg(n=_.name.nunique())
    found = names.filter(_.n > 1).select("repo_id").order_by("repo_id").execute()["repo_id"].tolist()
    con.disconnect()
    if sample is not None and len(found) > sample:
        found = sorted(found, key=lambda repo_id: hashlib.sha256(f"{kind} {repo_id}".encode()).digest())[:sample]
    return sorted(found)


# --- asking Git -------------------------------------------------------------------------------------------


def _answer(answers: Path, kind: str, repo_id: str) -> Path:
    return answers / f"{hashlib.sha256(f'{kind} {repo_id}'.encode()).hexdigest()}.jsonl.gz"


def _ask_all(
    asked: list[str], kind: str, answers: Path, origin: str, longest_wait: float, said: Callable[[str], None]
) -> dict[str, str]:
    """Ask for every repository without an answer; returns those that refused, with the reason. A line per tenth."""
    refused: dict[str, str] = {}
    for nth, repo_id in enumerate(asked, start=1):
        answer = _answer(answers, kind, repo_id)
        if not answer.is_file():
            try:
                _ask(f"{origin}/{_PREFIX[kind]}{rows.repository_id(repo_id)}", answer, longest_wait)
            except _RefusedError as error:
                refused[repo_id] = str(error)
        if nth * 10 // len(asked) > (nth - 1) * 10 // len(asked):
            why = f", not had: {_counted(refused.values())}" if refused else ""
            said(f"{nth:,} of {len(asked):,} repositories{why}")
    return refused


def _counted(reasons: Iterable[str]) -> str:
    found = sorted(reasons)
    return ", ".join(f"{why} {found.count(why):,}" for why in dict.fromkeys(found))


def _ask(address: str, answer: Path, longest_wait: float) -> None:
    """Clone a repository without its files' contents, and keep which paths each commit changed. Raises _RefusedError."""
    with tempfile.TemporaryDirectory(prefix=".clone-", dir=answer.parent) as work:
        clone, kept = Path(work) / "clone", Path(work) / "answer"
        options = ["--quiet", "--bare", "--filter=blob:none", "--no-tags", "--single-branch"]
        _git(["clone", *options, "--", address, str(clone)], longest_wait)
        empty = not _git(["-C", str(clone), "for-each-ref", "--count=1"], longest_wait)
        mark = secrets.token_hex(8)  # a path can't be taken for a commit
        log = ["-C", str(clone), "log", "-z", "--name-only", "--no-renames", f"--format={mark}%H", "HEAD"]
        with gzip.open(kept, "wt", encoding="ascii", compresslevel=1) as lines, tempfile.TemporaryFile() as found:
            if not empty:
                _git(log, longest_wait, found)
                found.seek(0)
            for commit in _commits(_tokens(found), mark):
                lines.write(json.dumps(commit) + "\n")
        kept.replace(answer)


def _git(words: list[str], longest_wait: float, out=subprocess.PIPE) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *words], env=_environment(), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.PIPE, timeout=longest_wait, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _RefusedError(f"no answer within {longest_wait:g} s") from None
    if done.returncode:
        text = done.stderr.decode(errors="replace").lower()
        raise _RefusedError(next((why for why, words in _REFUSALS.items() if any(w in text for w in words)), "git failed"))
    return done.stdout


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ENVIRONMENT


def _tokens(file) -> Iterator[str]:
    """The texts between NULs, a part of the file at a time; bytes that are no UTF-8 as halves of surrogate pairs."""
    rest = b""
    while part := file.read(1 << 20):
        *whole, rest = (rest + part).split(b"\0")
        yield from (text.decode(errors="surrogateescape") for text in whole)
    if rest:
        yield rest.decode(errors="surrogateescape")


def _commits(tokens: Iterable[str], mark: str) -> Iterator[tuple[str, list[str]]]:
    """(commit, paths) of `git log -z --name-only`: before a commit's first path there is a line break."""
    commit, changed = "", []
    for token in tokens:
        if token.startswith(mark):
            if commit:
                yield commit, changed
            commit, changed = token.removeprefix(mark), []
        else:
            changed.append(token if changed else token.removeprefix("\n"))
    if commit:
        yield commit, changed


# --- what was answered ------------------------------------------------------------------------------------


def _add(writer: Writer, kind: str, answers: Path, repositories: Iterable[str]) -> None:
    """Hand the answers on, some rows at a time; a path that a snapshot does not take is counted."""
    table = rows.Rows("files", lambda data: writer.add("files", data))
    for repo_id in repositories:
        with gzip.open(_answer(answers, kind, repo_id), "rt", encoding="ascii") as lines:
            for line in lines:
                commit, changed = json.loads(line)
                for path in changed:
                    if problem := rows.path_problem(path):
                        writer.reject("files", problem, kind=kind, repo_id=repo_id)
                    else:
                        table.append((kind, repo_id, commit, path))
    table.flush(even_empty=not table.count)
