"""Calls of mining scripts to a Hub, in whatever huggingface_hub is installed; prints what came back as JSON.

Run by test_hub_clients.py in environments of their own: `python calls.py ENDPOINT TOKEN '{"model": ..., ...}'`.
"""

import inspect
import json
import sys
from pathlib import Path

import huggingface_hub
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.utils import HfHubHTTPError

FOUND = {}


def shown(value):
    """A plain form of what the library gives: names, numbers, texts."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, (list, tuple, set)):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {str(name): shown(item) for name, item in value.items()}
    return {name: shown(item) for name, item in vars(value).items() if not name.startswith("_")}


def call(name, function, *given, **named):
    """One call, unless the library is too old (or too new) for one of its arguments."""
    known = inspect.signature(function).parameters
    if not set(named) <= set(known) and not any(p.kind == p.VAR_KEYWORD for p in known.values()):
        return
    try:
        value = function(*given, **named)
        FOUND[name] = shown(list(value) if inspect.isgenerator(value) or hasattr(value, "__next__") else value)
    except (HfHubHTTPError, OSError, ValueError) as error:  # what a client raises of an answer is a result
        response = getattr(error, "response", None)
        if response is None:  # 0.17 says some errors anew, without the answer that they are about
            response = getattr(error.__cause__, "response", None)
        FOUND[name] = {
            "error": [one.__name__ for one in type(error).__mro__],
            "status": getattr(response, "status_code", None),
        }


def listings(api, asked):
    """list_models, list_datasets, list_spaces with each argument that they have."""
    for kind in ("models", "datasets", "spaces"):
        function = getattr(api, f"list_{kind}")
        has_direction = "direction" in inspect.signature(function).parameters
        falling = {"direction": -1} if has_direction else {}
        call(f"{kind}", function)
        for name, given in {
            "full": {"full": True}, "author": {"author": asked["owner"]}, "search": {"search": asked["search"]},
            "tag": {"filter": asked["tag"]}, "tags": {"filter": asked["tags"]}, "limit": {"limit": 7},
            "likes": {"sort": "likes", **falling}, "downloads": {"sort": "downloads", **falling},
            "modified": {"sort": "lastModified", **falling}, "created": {"sort": "createdAt", **falling},
            "modified_": {"sort": "last_modified", **falling}, "trending": {"sort": "trendingScore"},
            "card": {"cardData": True}, "config": {"fetch_config": True}, "gated": {"gated": True}, "free": {"gated": False},
            "task": {"pipeline_tag": asked["task"]}, "expand": {"expand": ["likes", "gated", "sha", "lastModified"]},
            "odd expand": {"expand": ["nonsense"]}, "inference": {"inference": "warm"},
            "provider": {"inference_provider": "all"}, "apps": {"apps": "vllm"}, "size": {"num_parameters": "max:1B"},
            "trained on": {"trained_dataset": "imdb"}, "library": {"library": asked["library"]},
            "named": {"model_name": asked["search"]}, "dataset named": {"dataset_name": asked["search"]},
            "sizes": {"size_categories": "10K<n<100K"}, "language": {"language": "en"},
            "linked": {"linked": True}, "using": {"models": asked["model"]}, "of data": {"datasets": "imdb"},
            "odd sort": {"sort": "nonsense"}, "rising": {"sort": "likes", "direction": 1},
        }.items():  # fmt: skip
            call(f"{kind} {name}", function, **given)
    if hasattr(huggingface_hub, "ModelFilter"):
        chosen = huggingface_hub.ModelFilter(task=asked["task"], author=asked["owner"])
        call("models by filter object", api.list_models, filter=chosen)


def repositories(api, asked, folder):
    """Records, histories, discussions, references, files of one repository of each kind."""
    for kind in ("model", "dataset", "space"):
        repo_id, about = asked[kind], getattr(api, f"{kind}_info")
        where = {"repo_id": repo_id, "repo_type": kind}
        call(f"{kind} info", about, repo_id)
        call(f"{kind} info files", about, repo_id, files_metadata=True)
        call(f"{kind} info main", about, repo_id, revision="main")
        call(f"{kind} info then", about, repo_id, revision=asked[f"{kind} revision"])
        call(f"{kind} info odd", about, repo_id, revision="no-such-branch")
        call(f"{kind} info expand", about, repo_id, expand=["likes", "author", "tags"])
        call(f"{kind} info missing", about, "nobody/nothing")
        call(f"{kind} exists", api.repo_exists, **where)
        call(f"{kind} commits", api.list_repo_commits, **where)
        call(f"{kind} commits formatted", api.list_repo_commits, formatted=True, **where)
        call(f"{kind} commits then", api.list_repo_commits, revision=asked[f"{kind} revision"], **where)
        call(f"{kind} commits odd", api.list_repo_commits, revision="no-such-branch", **where)
        call(f"{kind} discussions", api.get_repo_discussions, **where)
        for name, given in {"pull": {"discussion_type": "pull_request"}, "talk": {"discussion_type": "discussion"},
                            "open": {"discussion_status": "open"}, "closed": {"discussion_status": "closed"},
                            "by": {"author": asked[f"{kind} starter"]}}.items():  # fmt: skip
            call(f"{kind} discussions {name}", api.get_repo_discussions, **where, **given)
        call(f"{kind} details", api.get_discussion_details, discussion_num=asked[f"{kind} number"], **where)
        call(f"{kind} details missing", api.get_discussion_details, discussion_num=999999, **where)
        call(f"{kind} refs", api.list_repo_refs, **where)
        call(f"{kind} files", api.list_repo_files, **where)
        if hasattr(api, "list_repo_tree"):
            call(f"{kind} tree", api.list_repo_tree, recursive=True, expand=True, **where)
        paths = getattr(api, "get_paths_info", None) or api.list_files_info
        call(f"{kind} paths", paths, paths=["README.md"], **where)
        call(f"{kind} file", api.file_exists, filename="README.md", **where)
        call(f"{kind} no file", api.file_exists, filename="no-such-file", **where)
        for way, get in (("download", hf_hub_download), ("snapshot", snapshot_download)):
            given = {"filename": "README.md"} if way == "download" else {"allow_patterns": "README.md"}
            call(f"{kind} {way}", got, get, folder / way / kind, **where, **given)
    call("model security", api.model_info, asked["model"], securityStatus=True)
    call("renamed", api.model_info, asked["renamed"])
    call("renamed commits", api.list_repo_commits, asked["renamed"])
    call("other case", api.model_info, asked["model"].upper())
    call("gated info", api.model_info, asked["gated"])
    call("gated commits", api.list_repo_commits, asked["gated"])
    call("gated file", got, hf_hub_download, folder / "gated", repo_id=asked["gated"], filename="README.md")
    call("missing table", api.list_repo_commits, "nobody/nothing")
    call("whoami", api.whoami)
    call("likers", getattr(api, "list_repo_likers", lambda name: []), asked["model"])


def got(get, folder, **where):
    """The text that a download brings."""
    place = Path(get(cache_dir=str(folder), **where))
    return (place if place.is_file() else place / "README.md").read_text()


def study(api, asked):
    """What the study's scripts read (facts of their published code): links of the record, edges of the history."""
    FOUND["study"] = {}
    for repo_id in asked["study"]:
        try:
            authors = [list(commit.authors) for commit in api.list_repo_commits(repo_id)]
            talks = [talk.author for talk in api.get_repo_discussions(repo_id)]
        except HfHubHTTPError:  # the scripts count nothing then
            continue
        everybody = {name for names in authors for name in names}
        edges = sorted({(names[0], other) for names in authors if names for other in everybody if other != names[0]})
        counts = [len(authors), len(everybody), len(talks), len(set(talks)), len(everybody | set(talks))]
        FOUND["study"][repo_id] = {"edges": edges, "counts": counts, "spaces": api.model_info(repo_id).spaces or []}


def main():
    """Make every call, and print what came back."""
    endpoint, token, asked, folder = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), Path(sys.argv[4])
    api = HfApi(endpoint=endpoint, token=token)
    listings(api, asked)
    repositories(api, asked, folder)
    study(api, asked)
    bad = HfApi(endpoint=endpoint, token="hf_bad")
    call("bad token", bad.whoami)
    print(json.dumps({"version": huggingface_hub.__version__, "found": FOUND}))


if __name__ == "__main__":
    main()
