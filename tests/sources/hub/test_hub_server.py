"""The local Hub is one: it has the shapes that are described, and the library's clients read it."""

import gzip
import json
import re
from collections import Counter

import pytest
from huggingface_hub import HfApi

from tests.sources.hub.collecting import rows
from tests.sources.hub.hub_server import LONGEST_SPACES, Answered, HubServer


def test_a_table_that_the_snapshot_lacks_is_an_error_and_not_empty(write_snapshot):
    """And so is a repository without rows where the snapshot does not say that it has none."""
    repository = {"kind": "model", "repo_id": "lab/a", "owner": "lab", "gated": "no"}
    commit = {"kind": "model", "repo_id": "lab/b", "date": "2023-01-01", "authors": ["x"]}
    bare = write_snapshot({"repos": [repository]})
    sample = {"commits": {"model": {"status": "sample", "rule": "some"}}}
    vague = write_snapshot(
        {"repos": [repository, repository | {"repo_id": "lab/b"}], "commits": [commit]}, coverage=sample
    )
    for made, path, words in (
        (bare, "/api/models/lab/a/commits/main", "has no commits of models"),
        (bare, "/api/models/lab/a/discussions", "has no discussions of models"),
        (vague, "/api/models/lab/a/commits/main", "does not say whether models/lab/a has commits"),
    ):
        with HubServer(made) as server, pytest.raises(Answered, match=words) as refused:
            server.answer(path, {}, None)
        assert refused.value.status == 400
    with HubServer(vague) as server:
        assert len(server.answer("/api/models/lab/b/commits/main", {}, None)[0]) == 1
        with pytest.raises(Answered) as refused:
            server.answer("/api/models", {"colour": ["red"]}, None)
        assert refused.value.status == 400


def test_commits_and_discussions_have_the_shape_that_the_hub_describes(demo, dumps):
    described = json.loads(gzip.decompress((dumps / "hub-openapi.json.gz").read_bytes()))

    def schema(path: str) -> dict:
        return described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    shapes = {
        "commits/main": schema("/api/models/{namespace}/{repo}/commits/{rev}"),
        "discussions": schema("/api/{repoType}/{namespace}/{repo}/discussions"),
    }
    seen = Counter()
    with HubServer(demo) as server:
        for plural, repo_id in [(p, r) for p, records in server.hub.records.items() for r in list(records)[:40]]:
            for route, shape in shapes.items():
                try:
                    value, _ = server.answer(f"/api/{plural}/{repo_id}/{route}", {}, None)
                except Answered:
                    continue
                assert departures(value, shape, described) == []
                seen[route] += len(value if route != "discussions" else value["discussions"])
    assert min(seen[route] for route in shapes) > 50
    assert departures({"discussions": [{}], "count": 0}, shapes["discussions"], described)


def departures(value: object, shape: dict, described: dict) -> list[str]:
    """Where a JSON value is not as an OpenAPI schema says: types, required and further fields, choices, patterns."""
    if "$ref" in shape:
        return departures(value, described["components"]["schemas"][shape["$ref"].rpartition("/")[2]], described)
    if "anyOf" in shape:
        each = [departures(value, one, described) for one in shape["anyOf"]]
        return [] if [] in each else each[0]
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "integer": int}
    if not isinstance(value, types.get(shape.get("type"), object)):
        return [f"{value!r} is no {shape['type']}"]
    if "enum" in shape and value not in shape["enum"] or "const" in shape and value != shape["const"]:
        return [f"{value!r} is none of the choices"]
    if "pattern" in shape and not re.search(shape["pattern"], value):
        return [f"{value!r} does not match"]
    if isinstance(value, list):
        return [found for item in value for found in departures(item, shape["items"], described)]
    if not isinstance(value, dict):
        return []
    known = shape["properties"]
    found = [f"without {name}" for name in shape.get("required", []) if name not in value]
    found += [f"unknown {name}" for name in value if name not in known]
    return found + [each for name in known if name in value for each in departures(value[name], known[name], described)]


def test_the_client_reads_the_local_hub_and_finds_the_same_rows(demo):
    """The library's own calls as the oracle."""
    with HubServer(demo, page_size=50, discussions_per_page=3) as server:
        api = HfApi(endpoint=server.url, token=False)
        models = {m.id: m for m in api.list_models(expand=["likes", "downloads", "tags", "lastModified", "gated"])}
        spaces = {s.id: s for s in api.list_spaces(expand=["models"])}
        busiest = max((r for r in rows(demo, "discussions") if r["author"]), key=lambda r: r["number"])["repo_id"]
        commits = api.list_repo_commits(busiest)
        talks = [t for t in rows(demo, "discussions") if t["repo_id"] == busiest]
        shown = list(api.get_repo_discussions(busiest)) if all(t["author"] for t in talks) else None
        one = api.model_info("demo-base", expand=["spaces", "author"])
    listed = {r["repo_id"]: r for r in rows(demo, "repos") if r["kind"] == "model"}
    assert {i: (m.likes, m.downloads, m.last_modified) for i, m in models.items()} == {
        i: (r["likes"], r["downloads"], r["last_modified"]) for i, r in listed.items()
    }
    links = {(r["space_id"], r["model_id"]) for r in rows(demo, "usage")}
    assert {(s.id, model) for s in spaces.values() for model in s.models} == links
    assert {(c.commit_id, c.created_at, tuple(c.authors)) for c in commits} == {
        (r["commit_id"], r["date"], tuple(r["authors"])) for r in rows(demo, "commits") if r["repo_id"] == busiest
    }
    if shown is not None:
        assert sorted((d.num, d.author, d.status) for d in shown) == [
            (t["number"], t["author"], t["status"]) for t in talks
        ]
    assert len(one.spaces) == min(LONGEST_SPACES, sum(model == "demo-base" for _, model in links))
