"""No client can tell the local Hub from the Hub: five versions of huggingface_hub make the calls of mining scripts.

Each version has an environment of its own, made from the registry and kept under pytest's cache. Expected values come
from the snapshot; what the snapshot can't tell has to be refused.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import huggingface_hub
import pytest
from filelock import FileLock

from analysis import paths, snapshot
from tests.sources.hub.collecting import rows
from tests.sources.hub.hub_records import Hub, blob_id
from tests.sources.hub.hub_server import LONGEST_SPACES, HubServer

VERSIONS = ("0.17.3", "0.20.3", "0.26.5", "1.16.4", "locked")
TOKEN = "hf_a_token_of_nobody"
KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}
MISSING = ("RepositoryNotFoundError", 404)


def python_of(version: str, place: Path) -> Path:
    """The interpreter of an environment with that version, made where it is absent; skips where it can't be had."""
    if version == "locked":
        return Path(sys.executable)
    home = place / f"{version}-{sys.version_info[0]}.{sys.version_info[1]}"
    python, made = home / "bin" / "python", home / "made"
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    with FileLock(f"{home}.lock"):
        if made.exists():
            return python
        if not uv:
            pytest.skip(f"there is no uv to install huggingface_hub {version} with")
        shutil.rmtree(home, ignore_errors=True)
        packages = [f"huggingface_hub=={version}", "setuptools<81"]
        for command in (["venv", "-p", sys.executable, home], ["pip", "install", "-p", python, *packages]):
            try:
                subprocess.run([uv, *command, "--quiet"], capture_output=True, check=True, timeout=120)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                pytest.skip(f"huggingface_hub {version} can't be installed here")
        made.touch()
    return python


@pytest.fixture(scope="module")
def served(demo) -> Hub:
    """`demo`, with one repository renamed."""
    hub_ = Hub(demo)
    hub_.set_state("models", renamed(demo), ">new-owner/new-name")
    return hub_


def renamed(demo) -> str:
    taken = {row["model_id"] for row in rows(demo, "usage")} | {row["repo_id"] for row in rows(demo, "rejected")}
    return next(r["repo_id"] for r in rows(demo, "repos") if r["kind"] == "model" and r["repo_id"] not in taken)


@pytest.fixture(scope="module")
def truth(demo) -> dict[str, dict]:
    """Repositories by kind and name, as the snapshot has them; the renamed one under its new name."""
    found = {plural: {} for plural in KINDS}
    for row in rows(demo, "repos"):
        found[snapshot.PLURAL[row["kind"]]][row["repo_id"]] = row
    moved = found["models"].pop(renamed(demo))
    found["models"]["new-owner/new-name"] = moved | {"repo_id": "new-owner/new-name", "owner": "new-owner"}
    return found


@pytest.fixture(scope="module")
def events(demo) -> dict[str, dict]:
    """Rows of commits (newest first) and discussions by (kind, name)."""
    found = {"commits": defaultdict(list), "discussions": defaultdict(list)}
    for table, by in found.items():
        for row in rows(demo, table):
            by[row["kind"], row["repo_id"]].append(row)
    return found


@pytest.fixture(scope="module")
def asked(demo, truth, events) -> dict:
    """What is asked for: repositories with a history of some length and discussions of both sorts."""
    found = {"renamed": renamed(demo), "gated": "demo-ebony-falcon/demo-object-detection-007", "search": "DEMO-SPACE"}
    failing = {r["repo_id"] for r in rows(demo, "rejected")}
    for kind in KINDS.values():
        talks = {n: t for (k, n), t in events["discussions"].items() if k == kind and all(r["author"] for r in t)}
        talks = {n: t for n, t in talks.items() if len(t) <= 50}  # one page: 0.20 asks for the first again and again
        name = max(
            (n for n in talks if n not in failing), key=lambda n: (len(events["commits"][kind, n]) > 2, len(talks[n]))
        )
        history = sorted(events["commits"][kind, name], key=lambda row: row["date"])
        found[kind], found[f"{kind} revision"] = name, history[0]["commit_id"]
        found[f"{kind} number"], found[f"{kind} starter"] = talks[name][0]["number"], talks[name][0]["author"]
    models = truth["models"]
    found["owner"] = max(
        (r["owner"] for r in models.values() if r["owner"]), key=[r["owner"] for r in models.values()].count
    )
    tags = [tag for row in models.values() for tag in row["tags"] or []]
    found["tag"] = max(sorted(set(tags)), key=tags.count)
    found["tags"] = [found["tag"], max(sorted({*tags} - {found["tag"]}), key=tags.count)]
    found["task"] = next(row["pipeline_tag"] for row in models.values() if row["pipeline_tag"])
    found["library"] = next(row["library"] for row in models.values() if row["library"])
    found["study"] = [found["model"], "demo-base", "demo-tiny", *sorted(models)[:20]]
    return found


@pytest.fixture(scope="module")
def answers(served, asked, request, tmp_path_factory):
    """A function: what the calls of a version gave; each version is run once."""
    place, found = request.config.cache.mkdir("hub-clients"), {}

    def of(version: str) -> dict:
        if version not in found:
            python, folder = python_of(version, Path(place)), tmp_path_factory.mktemp("downloads")
            with HubServer(served, page_size=100) as server:
                server.expires["hf_bad"] = 0
                variables = {"HF_ENDPOINT": server.url, "HF_HOME": str(folder), "HF_HUB_DISABLE_TELEMETRY": "1",
                             "HF_HUB_DISABLE_PROGRESS_BARS": "1", "no_proxy": "127.0.0.1"}  # fmt: skip
                script = paths.ROOT / "tests" / "sources" / "hub" / "clients" / "calls.py"
                command = [python, "-W", "ignore", script, server.url, TOKEN, json.dumps(asked), folder]
                done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr[-2000:]
            told = json.loads(done.stdout.splitlines()[-1])
            assert told["version"] == (huggingface_hub.__version__ if version == "locked" else version)
            found[version] = told["found"]
        return found[version]

    return of


def ids(listed) -> list[str]:
    assert isinstance(listed, list), listed
    return [record.get("id") or record.get("modelId") for record in listed]


def is_error(answer, *, name: str, status: int | None) -> bool:
    return isinstance(answer, dict) and name in answer.get("error", []) and answer["status"] == status


def tags_of(row) -> set:
    return {*(row["tags"] or []), row["pipeline_tag"], row["library"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_listings_are_those_of_the_snapshot(version, answers, truth, asked, demo):
    found = answers(version)
    for plural in KINDS:
        repos = truth[plural]
        assert set(ids(found[plural])) == set(repos) and len(found[plural]) == len(repos)
        wanted = {
            "full": lambda row: True,
            "author": lambda row: row["owner"] == asked["owner"],
            "search": lambda row: "demo-space" in row["repo_id"].lower(),
            "named": lambda row: "demo-space" in row["repo_id"].lower(),
            "dataset named": lambda row: "demo-space" in row["repo_id"].lower(),
            "tag": lambda row: asked["tag"] in tags_of(row),
            "tags": lambda row: {*asked["tags"]} <= tags_of(row),
            "trained on": lambda row: "dataset:imdb" in tags_of(row),
            "library": lambda row: asked["library"] in tags_of(row),
            "language": lambda row: {"en", "language:en"} & tags_of(row),
            "sizes": lambda row: "size_categories:10K<n<100K" in tags_of(row),
            "card": lambda row: True,
            "config": lambda row: True,
            "gated": lambda row: row["gated"] in ("auto", "manual"),
            "free": lambda row: row["gated"] not in ("auto", "manual"),
            "task": lambda row: row["pipeline_tag"] == asked["task"],
            "expand": lambda row: True,
        }
        for name, wants in wanted.items():
            if (answer := found.get(f"{plural} {name}")) is not None and not (plural == "spaces" and name == "expand"):
                assert set(ids(answer)) == {n for n, row in repos.items() if wants(row)}, (plural, name)
        assert len(found[f"{plural} limit"]) == 7
        for name, column in {"likes": "likes", "downloads": "downloads"}.items():
            if plural == "spaces" and name == "downloads":
                assert is_error(found["spaces downloads"], name="HTTPError", status=400)
                continue
            values = [repos[each][column] for each in ids(found[f"{plural} {name}"])]
            assert values == sorted(values, key=lambda v: (v is not None, v), reverse=True) and len(values) == len(
                repos
            )
        for name, column in {"modified": "last_modified", "created": "created_at"}.items():
            values = [repos[each][column] for each in ids(found[f"{plural} {name}"])]
            floor = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
            assert values == sorted(values, key=lambda v: v or floor, reverse=True) and len(values) == len(repos)


@pytest.mark.parametrize("version", VERSIONS)
def test_records_of_a_listing_have_the_values_of_the_snapshot(version, answers, truth):
    found = answers(version)
    for plural in KINDS:
        for record in found[plural]:
            row = truth[plural][record.get("id") or record["modelId"]]
            assert {name: record[name] for name in ("likes", "tags")} == {"likes": row["likes"], "tags": row["tags"]}
            assert record["private"] is False
            if plural != "spaces":
                assert record["downloads"] == row["downloads"]
        for record in found[f"{plural} full"]:
            assert record["author"] == truth[plural][record.get("id") or record["modelId"]]["owner"]


@pytest.mark.parametrize("version", VERSIONS)
def test_links_are_those_of_the_snapshot(version, answers, asked, demo):
    found, links = answers(version), {(r["space_id"], r["model_id"]) for r in rows(demo, "usage")}
    assert {(s["id"], model) for s in found["spaces linked"] for model in s["models"]} == links
    assert set(ids(found["spaces using"])) == {space for space, model in links if model == asked["model"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_snapshot_can_not_tell_is_refused(version, answers):
    found = answers(version)
    names = ["inference", "provider", "apps", "size", "odd expand", "odd sort", "rising", "trending", "of data"]
    for name in [f"{plural} {name}" for plural in KINDS for name in names] + ["model security"]:
        if name in found:
            assert is_error(found[name], name="HfHubHTTPError", status=400), (name, str(found[name])[:200])
    assert "models odd sort" in found and "spaces of data" in found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS.values())
def test_a_repository_is_the_one_of_the_snapshot(version, kind, answers, truth, events, asked):
    found, name = answers(version), asked[kind]
    row = truth[snapshot.PLURAL[kind]][name]
    history = sorted(events["commits"][kind, name], key=lambda r: r["date"], reverse=True)
    for call in ("info", "info files", "info main", "info then"):
        record = found[f"{kind} {call}"]
        assert (record.get("id") or record["modelId"]) == name and record["likes"] == row["likes"], call
        assert record["sha"] == (history[-1] if call == "info then" else history[0])["commit_id"], call
        assert [s["rfilename"] for s in record["siblings"]] == [".gitattributes", "README.md"]
    assert all(file["size"] > 0 for file in found[f"{kind} info files"]["siblings"])
    if f"{kind} info expand" in found:
        assert found[f"{kind} info expand"]["author"] == row["owner"]
    assert is_error(found[f"{kind} info odd"], name="RevisionNotFoundError", status=404)
    assert is_error(found[f"{kind} info missing"], name=MISSING[0], status=MISSING[1])
    assert found[f"{kind} exists"] is True
    wanted = [[r["commit_id"], r["authors"], r["date"].isoformat()] for r in history]
    for call in ("commits", "commits formatted"):
        assert [[c["commit_id"], c["authors"], c["created_at"]] for c in found[f"{kind} {call}"]] == wanted
    assert [c["commit_id"] for c in found[f"{kind} commits then"]] == [history[-1]["commit_id"]]
    assert is_error(found[f"{kind} commits odd"], name="RevisionNotFoundError", status=404)
    refs = found[f"{kind} refs"]
    assert [b["target_commit"] for b in refs["branches"]] == [history[0]["commit_id"]] and refs["tags"] == []
    assert sorted(found[f"{kind} files"]) == [".gitattributes", "README.md"]
    assert found[f"{kind} file"] is True and found[f"{kind} no file"] is False
    card = found[f"{kind} download"]
    assert card == found[f"{kind} snapshot"] and f"# {name}\n" in card
    assert ("license: " in card) == bool(row["license"])
    (file,) = found[f"{kind} paths"]
    assert file["size"] == len(card) and (file.get("blob_id") or file["blobId"]) == blob_id(card.encode())
    if f"{kind} tree" in found:
        assert [entry["path"] for entry in found[f"{kind} tree"]] == [".gitattributes", "README.md"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS.values())
def test_discussions_are_those_of_the_snapshot(version, kind, answers, events, asked):
    found, talks = answers(version), events["discussions"][kind, asked[kind]]
    closed = ("closed", "merged")
    wanted = {
        "": lambda row: True,
        " pull": lambda row: row["is_pull_request"],
        " talk": lambda row: not row["is_pull_request"],
        " open": lambda row: row["status"] not in closed,
        " closed": lambda row: row["status"] in closed,
        " by": lambda row: row["author"] == asked[f"{kind} starter"],
    }
    for name, wants in wanted.items():
        if (answer := found.get(f"{kind} discussions{name}")) is not None:
            got = sorted((t["num"], t["author"], t["status"], t["is_pull_request"]) for t in answer)
            assert got == sorted(
                (r["number"], r["author"], r["status"], r["is_pull_request"]) for r in talks if wants(r)
            )
    details, row = found[f"{kind} details"], next(r for r in talks if r["number"] == asked[f"{kind} number"])
    assert (details["num"], details["author"], details["status"]) == (row["number"], row["author"], row["status"])
    assert details["created_at"] == row["created_at"].isoformat() and details["events"][0]["author"] == row["author"]
    assert found[f"{kind} details missing"]["status"] == 404


@pytest.mark.parametrize("version", VERSIONS)
def test_states_are_answered_as_the_hub_does(version, answers, asked):
    found = answers(version)
    assert found["renamed"].get("id", found["renamed"].get("modelId")) == "new-owner/new-name"
    assert isinstance(found["renamed commits"], list) and found["renamed commits"]
    assert (found["other case"].get("id") or found["other case"]["modelId"]) == asked["model"]
    assert (found["gated info"].get("id") or found["gated info"]["modelId"]) == asked["gated"]
    assert is_error(found["gated commits"], name="GatedRepoError", status=403)
    assert is_error(found["gated file"], name="GatedRepoError", status=401)  # asked without the token
    assert found["whoami"]["name"] == "tester" and found["bad token"]["status"] == 401
    assert found["likers"] == [] or found["likers"]["status"] == 400


@pytest.mark.parametrize("version", VERSIONS)
def test_the_studys_scripts_find_the_same_edges_counts_and_links(version, answers, asked, demo, events):
    """The rule of their published code, worked out on the rows of the snapshot: METHODS, section 5."""
    found, links = answers(version)["study"], defaultdict(list)
    for row in rows(demo, "usage"):
        links[row["model_id"]].append(row["space_id"])
    assert len(found) > 10
    for repo_id, told in found.items():
        authors = [row["authors"] for row in events["commits"]["model", repo_id]]
        everybody = {name for names in authors for name in names}
        edges = {(names[0], other) for names in authors if names for other in everybody - {names[0]}}
        assert {tuple(edge) for edge in told["edges"]} == edges, repo_id
        starters = [row["author"] or "deleted" for row in events["discussions"]["model", repo_id]]
        counts = [len(authors), len(everybody), len(starters), len({*starters}), len(everybody | {*starters})]
        assert told["counts"] == counts, repo_id
        assert set(told["spaces"]) <= {*links[repo_id]} and len(told["spaces"]) == min(
            LONGEST_SPACES, len(links[repo_id])
        )
