"""Which files commits changed, asked of Git: repositories on this disk, and a git daemon on 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis import snapshot
from analysis.snapshot import SnapshotError
from analysis.sources import clones
from analysis.sources.clones import with_files
from tests.conftest import HAND_DATE, all_covered_but, arrow

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="not installed: git")
SECRET = "secret-user"


def git(directory: Path, *words: str) -> str:
    who = {f"GIT_{role}_{what}": f"{SECRET}@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(["git", "-C", directory, *words], env=env, check=True, capture_output=True, text=True).stdout.strip()


class Served:
    """Repositories as the Hub has them: owner/name in one directory."""

    def __init__(self, directory: Path):
        self.directory, self.commits = directory, {}
        self.url = directory.as_uri()

    def repository(self, repo_id: str, *changes: dict[bytes | str, str | None]) -> list[str]:
        """A repository with a commit per mapping of paths to contents, None for a file that is deleted; their ids."""
        place = self.directory / repo_id
        place.mkdir(parents=True)
        git(place, "init", "-q", "-b", "main")
        git(place, "config", "uploadpack.allowFilter", "true")
        for changed in changes:
            for path, content in changed.items():
                file = Path(os.fsdecode(os.path.join(os.fsencode(place), os.fsencode(path))))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content) if content is not None else file.unlink()
            git(place, "add", "-A")
            git(place, "commit", "-q", "--allow-empty", "-m", "change")
        self.commits[repo_id] = git(place, "log", "--reverse", "--format=%H").splitlines() if changes else []
        return self.commits[repo_id]

    def snapshot(self, name: str = "2023-10-15", **others: list[str]) -> snapshot.Snapshot:
        """Their commits, by two authors in turn; `others` are repositories that are not served, and their commits."""
        commits = [
            {"kind": "model", "repo_id": repo_id, "commit_id": sha, "date": "2023-01-01", "authors": [f"{SECRET}-{nth % 2}"]}
            for repo_id, ids in {**self.commits, **others}.items()
            for nth, sha in enumerate(ids)
        ]
        repos = [{"kind": "model", "repo_id": repo_id} for repo_id in {**self.commits, **others}]
        source = {"title": "by hand", "licence": "CC0-1.0"}
        with snapshot.Writer(
            name, date=HAND_DATE, synthetic=True, source=source, coverage=all_covered_but(None)
        ) as writer:
            writer.add("repos", arrow("repos", repos))
            writer.add("commits", arrow("commits", commits))
        return snapshot.load(name)


@pytest.fixture
def served(tmp_path, snapshots, monkeypatch) -> Served:
    monkeypatch.setenv("HUB_PAPER_RAW", str(tmp_path / "raw"))
    return Served(tmp_path / "served")


def files(made: snapshot.Snapshot) -> list[tuple]:
    return sorted(tuple(row.values())[1:] for row in pq.read_table(made.file("files")).to_pylist())


def test_every_commit_has_the_paths_that_it_added_changed_moved_or_deleted(served):
    added, moved = {"README.md": "a", "d/ü b.bin": "b"}, {"README.md": None, "card.md": "c"}
    ids = served.repository("lab/m", added, {"README.md": "c"}, moved, {}, {"card.md": None})
    served.snapshot()
    said = []
    made = with_files("2023-10-15", origin=served.url, said=said.append)
    snapshot.validate(made)
    assert files(made) == sorted([
        ("lab/m", ids[0], "README.md"), ("lab/m", ids[0], "d/ü b.bin"), ("lab/m", ids[1], "README.md"),
        ("lab/m", ids[2], "README.md"), ("lab/m", ids[2], "card.md"), ("lab/m", ids[4], "card.md"),
    ])  # fmt: skip
    assert made.status("files", "model") == "sample" and "1 of 1 models" in made.rule("files", "model")
    assert pq.read_table(made.file("commits")) == pq.read_table(snapshot.load("2023-10-15").file("commits"))
    assert said == [f"1 models to ask at {served.url}, 0 of them answered before", "1 of 1 repositories"]
    assert SECRET not in "".join(said) and "ü" not in "".join(said)


def test_only_commits_of_the_snapshot_have_files_and_hostile_paths_are_counted(served):
    served.repository("lab/m", {b"\xff.bin": "a", "exe.\u202egpj": "b", "a\nb": "c", "fine": "d"}, {"fine": "e"})
    served.snapshot()
    later = git(served.directory / "lab/m", "rev-parse", "HEAD")
    (served.directory / "lab/m/new").write_text("x")
    git(served.directory / "lab/m", "add", "-A")
    git(served.directory / "lab/m", "commit", "-q", "-m", "after the snapshot")
    made = with_files("2023-10-15", origin=served.url, said=lambda text: None)
    assert [(sha == later, path) for _, sha, path in files(made)].count((True, "fine")) == 1 and len(files(made)) == 2
    assert made.manifest["rejected"]["files"] == {
        "commit not among the commits": 1,
        "path with characters for control or direction, or that are no text": 3,
    }


def test_a_refusal_is_no_empty_list_and_is_asked_again(served, monkeypatch):
    served.repository("lab/m", {"a": "1"}, {"a": "2"})
    served.repository("lab/bare")  # there, without a commit
    served.snapshot(**{"lab/gone": ["a" * 40, "b" * 40], "lab/bare": ["c" * 40, "d" * 40]})
    made = with_files("2023-10-15", origin=served.url, said=lambda text: None)
    lost = [row for row in pq.read_table(made.file("rejected")).to_pylist() if row["table"] == "files"]
    assert [(row["repo_id"], row["scope"], row["reason"]) for row in lost] == [("lab/gone", "repository", "not found")]
    assert "2 of 3 models" in made.rule("files", "model")
    asked, ask = [], clones._ask
    monkeypatch.setattr(clones, "_ask", lambda address, *rest: (asked.append(address), ask(address, *rest)))
    again = with_files("2023-10-15", origin=served.url, replace=True, said=lambda text: None)
    assert asked == [f"{served.url}/lab/gone"]
    assert again.manifest["tables"] == made.manifest["tables"]


def test_what_was_stopped_goes_on_and_leaves_no_clone(served, monkeypatch, tmp_path):
    for name in "abc":
        served.repository(f"lab/{name}", {"a": "1"}, {"a": "2"})
    served.snapshot()
    ask, asked = clones._ask, []

    def stopped(address, *rest):
        asked.append(address)
        if len(asked) == 2:
            raise KeyboardInterrupt
        ask(address, *rest)

    monkeypatch.setattr(clones, "_ask", stopped)
    with pytest.raises(KeyboardInterrupt):
        with_files("2023-10-15", origin=served.url, said=lambda text: None)
    assert "2023-10-15-with-files" not in os.listdir(snapshot.paths.snapshots())
    assert [f.name for f in (tmp_path / "raw/2023-10-15-with-files/files").iterdir() if f.suffix != ".gz"] == []
    assert len(files(with_files("2023-10-15", origin=served.url, said=lambda text: None))) == 6
    assert len(asked) == 4  # the first one was not asked again


def test_a_dry_run_asks_nothing_and_a_sample_is_the_same_every_time(served):
    for name in "abcdef":
        served.repository(f"lab/{name}", {"a": "1"}, {"a": "2"})
    loaded, said = served.snapshot(), []
    assert with_files("2023-10-15", sample=2, origin="file:///nowhere", dry_run=True, said=said.append) is None
    assert said == ["2 models to ask at file:///nowhere, 0 of them answered before"]
    chosen = clones._chosen(loaded, "model", 2)
    assert chosen == clones._chosen(loaded, "model", 2) and set(chosen) < set(clones._chosen(loaded, "model", 3))


def test_what_can_not_be_asked_ends_in_one_line(served, monkeypatch, tmp_path):
    served.repository("lab/m", {"a": "1"}, {"a": "2"})
    served.snapshot()
    for options, expected in (
        ({"kind": "space"}, "no space whose commits name several authors"),
        ({"kind": "x"}, "expected one of model, dataset, space"),
        ({"origin": ""}, "is synthetic, its repositories are not on the Hub; say --origin"),
        ({"to": "2023-10-15"}, "exists; choose another name"),
        ({"origin": (tmp_path / "empty").as_uri()}, r"none of 1 repositories could be cloned \(not found 1\)"),
        ({"origin": "http://me:secret-word@127.0.0.1:9"}, r"http://127.0.0.1:9: none of 1 .* \(no answer 1\)"),
        ({"longest_wait": 0.0001}, "no answer within 0.0001 s 1"),
    ):
        with pytest.raises(SnapshotError, match=expected) as error:
            with_files("2023-10-15", **{"origin": served.url, **options}, said=lambda text: None)
        assert "\n" not in str(error.value) and "secret" not in str(error.value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SnapshotError, match="git: is not installed"):
        with_files("2023-10-15", origin=served.url)


@pytest.fixture
def daemon(served):
    """The address of a git daemon on 127.0.0.1 that serves the repositories that export themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={served.directory}"]
    served.directory.mkdir(exist_ok=True)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"git://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def test_a_git_daemon_is_asked_and_what_it_does_not_export_is_refused(served, daemon):
    ids = served.repository("lab/m", {"model.bin": "x" * 100_000}, {"README.md": "2"})
    served.repository("lab/hidden", {"a": "1"}, {"a": "2"})
    (served.directory / "lab/m/.git/git-daemon-export-ok").touch()
    served.snapshot()
    made = with_files("2023-10-15", origin=daemon, said=lambda text: None)
    assert files(made) == sorted([("lab/m", ids[0], "model.bin"), ("lab/m", ids[1], "README.md")])
    lost = [row for row in pq.read_table(made.file("rejected")).to_pylist() if row["table"] == "files"]
    assert [(row["repo_id"], row["reason"]) for row in lost] == [("lab/hidden", "not found")]
