"""What the local Hub holds: the repositories of a snapshot as the Hub describes them, and its answers to questions.

Every route names its parameters; another one, or a value that the snapshot can't answer, is refused and never ignored.
Shapes follow the Hub's OpenAPI description (commits, discussions, refs, trees), the fields that huggingface_hub reads
(records), and what others noted of the live Hub (errors, redirects).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping

import pyarrow.parquet as pq

from analysis import snapshot

KINDS = {plural: kind for kind, plural in snapshot.PLURAL.items()}
BASIC = {
    "_id",
    "id",
    "modelId",
    "likes",
    "private",
    "downloads",
    "tags",
    "pipeline_tag",
    "library_name",
    "createdAt",
    "sdk",
}
EXPANDABLE = {  # what `expand` may name, as in huggingface_hub; a field that nothing is known of stays out of the record
    "models": "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults "
    "gated gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index pipeline_tag "
    "private resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData "
    "xetEnabled",
    "datasets": "author cardData citation createdAt description disabled downloads downloadsAllTime gated lastModified likes "
    "mainSize paperswithcode_id private resourceGroup sha siblings tags trendingScore usedStorage xetEnabled",
    "spaces": "author cardData createdAt datasets disabled lastModified likes models private region resourceGroup runtime sdk "
    "sha siblings subdomain tags trendingScore usedStorage xetEnabled",
}
LONGEST_SPACES = 100  # where the Hub cuts a model's list of spaces
STATES = ("gated", "disabled", "private", "gone")  # besides `>owner/name`, a new name
SORTS = {"createdAt", "lastModified", "likes", "downloads"}
CLOSED = ("closed", "merged")
MISSING = "Invalid username or password."


class Answered(Exception):  # noqa: N818 -- an answer that ends the handling early
    """An answer that is no 200: its status, X-Error-Code, X-Error-Message and further headers."""

    def __init__(self, status: int, code: str = "", message: str = "", **headers: str):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def refused(message: str) -> Answered:
    """What can't be answered right is a bad request."""
    return Answered(400, "", message)


def error(state: str, *, has_token: bool) -> Answered:
    """The Hub's answer for a repository in a state; without a token it says 401 where it says 403 or 404 with one."""
    if state == "gated":
        message = "Access to this repository is restricted and you are not in the authorized list."
        return Answered(403 if has_token else 401, "GatedRepo", message)
    if state in ("gone", "private"):
        return Answered(404, "RepoNotFound", "Repository not found") if has_token else Answered(401, "", MISSING)
    found = {
        "disabled": Answered(403, "", "Access to this resource is disabled."),
        "discussions disabled": Answered(403, "", "Discussions are disabled for this repo"),
        "500": Answered(500, "", "Internal Error - We're working hard to fix this as soon as possible!"),
    }
    return found[state]


def number(text: str) -> int:
    """The 64 bits of a digest of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class Hub:
    """What is served: records of one snapshot, and the state of repositories that are not simply public."""

    def __init__(self, served: snapshot.Snapshot):
        self.synthetic, self.date = served.synthetic, served.date
        self.records = {plural: {} for plural in KINDS}  # plural -> id -> JSON object with every field
        self.commits, self.discussions = defaultdict(list), defaultdict(list)
        self.states: dict[tuple[str, str], str] = {}  # (plural, id) -> one of STATES, or >new name
        self.failing: dict[tuple[str, str, str], str] = {}  # (table, plural, id) -> gated, gone, disabled or 500
        self.absent = {(table, plural) for plural, kind in KINDS.items() for table in snapshot.BY_KIND
                       if not served.has(table, kind=kind)}  # fmt: skip
        self.absent |= {("usage", plural) for plural in KINDS if not served.has("usage")}
        self.vague = {
            (t, p) for p, k in KINDS.items() for t in ("commits", "discussions") if not served.knows_zeros(t, k)
        }
        self._sorted: dict[str, list] = {}
        for row in _rows(served, "repos"):
            self._add(row)
        for row in _rows(served, "usage"):
            if row["space_id"] in self.records["spaces"]:
                self.records["spaces"][row["space_id"]]["models"].append(row["model_id"])
            if row["model_id"] in self.records["models"]:
                self.records["models"][row["model_id"]]["spaces"].append(row["space_id"])
        for row in _rows(served, "commits"):
            self.commits[snapshot.PLURAL[row["kind"]], row["repo_id"]].append(_commit(row))
        for row in _rows(served, "discussions"):
            self.discussions[snapshot.PLURAL[row["kind"]], row["repo_id"]].append(_discussion(row))
        for row in _rows(served, "rejected"):
            if row["scope"] == "repository" and row["table"] in ("commits", "discussions"):
                self.failing[row["table"], snapshot.PLURAL[row["kind"]], row["repo_id"]] = _state(row["reason"])
        for rows in (*self.commits.values(), *self.discussions.values()):
            rows.sort(key=lambda item: (item.get("date") or item["createdAt"], item.get("num", 0)), reverse=True)
        for (plural, repo_id), rows in self.commits.items():
            if repo_id in self.records[plural]:
                self.records[plural][repo_id]["sha"] = rows[0]["id"]

    def _add(self, row: Mapping) -> None:
        plural = snapshot.PLURAL[row["kind"]]
        self.records[plural][row["repo_id"]] = _record(plural, row)
        self._sorted.pop(plural, None)

    def insert(self, plural: str, repo_id: str, **fields) -> None:
        """A repository that was not in the snapshot."""
        blank = dict.fromkeys(snapshot.SCHEMAS["repos"].names) | {"kind": KINDS[plural], "repo_id": repo_id}
        self._add(blank | {"owner": _owner(repo_id), "gated": "no", "tags": []} | fields)

    def remove(self, plural: str, repo_id: str) -> None:
        """A repository that is deleted: no longer listed, and not found."""
        self.records[plural].pop(repo_id, None)
        self._sorted.pop(plural, None)
        self.states[plural, repo_id] = "gone"

    def set_state(self, plural: str, repo_id: str, state: str) -> None:
        """gated, disabled, private, gone, or `>owner/name`: the new name, under which all of it is served then."""
        if repo_id not in self.records.get(plural, {}):
            raise ValueError(f"{plural}/{repo_id}: not in the snapshot")
        if not state.startswith(">") and state not in STATES:
            raise ValueError(f"{state}: expected {', '.join(STATES)} or >owner/name")
        self.states[plural, repo_id] = state
        if state.startswith(">"):
            name = state[1:]
            self.records[plural][name] = self.records[plural].pop(repo_id) | {"id": name, "author": _owner(name)}
            if plural == "models":
                self.records[plural][name]["modelId"] = name
            for table in (self.commits, self.discussions):
                table[plural, name] = table.pop((plural, repo_id), [])
            for row in self.discussions[plural, name]:
                row["repo"] = row["repo"] | {"name": name}
            self._sorted.pop(plural, None)

    def listed(self, plural: str) -> list[tuple]:
        """(sort key, record) of every repository that a listing shows, newest first."""
        if plural not in self._sorted:
            keyed = [
                ((record.get("createdAt") or "", record["_id"]), record) for record in self.records[plural].values()
            ]
            self._sorted[plural] = sorted(keyed, key=lambda pair: pair[0], reverse=True)
        return self._sorted[plural]

    def known(self, table: str, plural: str, repo_id: str = "") -> None:
        """Raises Answered where the snapshot has nothing of a table, or does not say that a repository has no rows."""
        if (table, plural) in self.absent:
            raise refused(f"the snapshot that is served has no {table} of {plural}")
        rows = getattr(self, table, {}).get((plural, repo_id))
        if repo_id and not rows and (table, plural) in self.vague:
            raise refused(f"the snapshot that is served does not say whether {plural}/{repo_id} has {table}")


def _rows(served: snapshot.Snapshot, table: str):
    if not served.file(table).is_file():
        return
    for batch in pq.ParquetFile(served.file(table)).iter_batches(batch_size=10_000):
        yield from batch.to_pylist()


def _owner(repo_id: str) -> str | None:
    return repo_id.partition("/")[0] if "/" in repo_id else None


def _record(plural: str, row: Mapping) -> dict:
    """Every field of a repository. What the Hub always has, and the snapshot does not know, is null; the rest is left out."""
    repo_id = row["repo_id"]
    gated = {None: None, "no": False}.get(row.get("gated"), row.get("gated"))
    found = {
        "author": row.get("owner"),
        "createdAt": _moment(row.get("created_at")),
        "lastModified": _moment(row.get("last_modified")),
        "cardData": {"license": row["license"]} if row.get("license") else {},
        "gated": gated if plural != "spaces" else None,
        "downloadsAllTime": row.get("downloads_all_time"),
    }
    if plural == "models":
        found |= {"pipeline_tag": row.get("pipeline_tag"), "library_name": row.get("library"), "modelId": repo_id}
        if row.get("parameters") is not None:
            found["safetensors"] = {"parameters": {"F32": row["parameters"]}, "total": row["parameters"]}
    if plural == "spaces":
        found["sdk"] = row.get("library")
    found = {name: value for name, value in found.items() if value is not None}
    found |= {"likes": row.get("likes"), "tags": row.get("tags")}
    found |= {"downloads": row.get("downloads")} if plural != "spaces" else {}
    found |= {"_id": row.get("hub_id") or f"{number(plural + repo_id):024x}", "id": repo_id}
    found |= {"private": False, "disabled": False}
    found |= {"siblings": [{"rfilename": name} for name in FILES]}
    return found | {"models": {"spaces": []}, "spaces": {"models": []}}.get(plural, {})


def _commit(row: Mapping) -> dict:
    authors = [{"user": name, "avatar": "/avatars/0.svg"} for name in row["authors"]]
    about = {"title": "Update", "message": "", "authors": authors, "date": _moment(row["date"])}
    return {"id": row["commit_id"]} | about


def account(name: str) -> dict:
    """An account as discussions show it."""
    more = {"isHf": False, "isHfAdmin": False, "isMod": False, "isPro": False, "type": "user"}
    return {"_id": f"{number(name):024x}", "avatarUrl": "/avatars/0.svg", "fullname": name, "name": name} | more


def _discussion(row: Mapping) -> dict:
    found = {
        "num": row["number"],
        "repo": {"name": row["repo_id"], "type": row["kind"]},
        "title": "A question",
        "createdAt": _moment(row["created_at"]),
        "topReactions": [],
        "status": row.get("status") or "open",
        "isPullRequest": bool(row.get("is_pull_request")),
        "numComments": 1,
        "numReactionUsers": 0,
        "pinned": False,
    }
    return found | ({"author": account(row["author"])} if row.get("author") else {})


def _state(reason: str) -> str:
    said = reason.lower()
    return next((state for state in ("gated", "disabled", "gone") if state in said), "500")


def _moment(value) -> str | None:
    if value is None:
        return None
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{value.microsecond // 1000:03d}Z" if value.microsecond % 1000 == 0 else f"{value.microsecond:06d}Z"
    )


# --- files: every repository has the two that each one on the Hub begins with ---------------------------------

FILES = (".gitattributes", "README.md")


def content(record: Mapping, path: str) -> bytes:
    """A file's bytes. The card says what the record says of the licence."""
    if path == FILES[0]:
        return b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
    card = "".join(f"{name}: {value}\n" for name, value in record["cardData"].items())
    return f"---\n{card}---\n# {record['id']}\n".encode()


def blob_id(body: bytes) -> str:
    """A blob's name in git."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


# --- questions --------------------------------------------------------------------------------------------


def checked(query: Mapping[str, list[str]], allowed: str) -> None:
    """Raises Answered for a parameter that a route does not have."""
    unknown = sorted({name.removesuffix("[]") for name in query} - set(allowed.split()))
    if unknown:
        raise refused(f"parameter {', '.join(unknown)}: not one that is answered here ({allowed or 'none'})")


def whole(query: Mapping, name: str, default: int, least: int, most: int) -> int:
    """A whole number among the parameters, or the default."""
    text = query.get(name, [str(default)])[0]
    if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
        raise refused(f"{name}: expected a whole number from {least} to {most}")
    return int(text)


def switch(query: Mapping, name: str) -> bool:
    """Whether a parameter that is true or false is true; clients write True, true and 1."""
    text = query.get(name, ["false"])[0].lower()
    if text not in ("true", "false", "1", "0"):
        raise refused(f"{name}: expected true or false")
    return text in ("true", "1")


def expanded(plural: str, query: Mapping) -> set[str]:
    """The fields that `expand` names."""
    wanted = {name for value in query.get("expand", []) + query.get("expand[]", []) for name in value.split(",")}
    if unknown := wanted - set(EXPANDABLE[plural].split()):
        raise refused(f"expand: {', '.join(sorted(unknown))} is none of {EXPANDABLE[plural]}")
    if wanted and {"full", "cardData", "config", "blobs"} & set(query):
        raise refused("expand: not together with full, cardData, config or blobs")
    return wanted


LISTING = "author cardData config cursor direction expand filter full gated limit search sort tags"
LISTING_OF = {"models": f"{LISTING} pipeline_tag", "datasets": LISTING, "spaces": f"{LISTING} linked models"}


def chosen(hub: Hub, plural: str, query: Mapping[str, list[str]]) -> list[tuple]:
    """(sort key, record) of the repositories that a listing's parameters ask for, in their order."""
    checked(query, LISTING_OF[plural])
    hub.known("repos", plural)
    if query.get("direction", ["-1"])[0] != "-1":
        raise refused("direction: only -1, descending, is answered")
    listed = hub.listed(plural)
    for wants in _conditions(plural, query):
        listed = [pair for pair in listed if wants(pair[1])]
    sort = query.get("sort", ["createdAt"])[0]
    if sort not in SORTS - ({"downloads"} if plural == "spaces" else set()):
        raise refused(f"sort: {sort} is none of {', '.join(sorted(SORTS))}")
    if sort != "createdAt":
        keyed = [((_order(record.get(sort)), *key), record) for key, record in listed]
        listed = sorted(keyed, key=lambda pair: pair[0], reverse=True)
    return listed


def _order(value: object) -> object:
    return [] if value is None else [value]  # what is not known comes last


def _conditions(plural: str, query: Mapping[str, list[str]]) -> list[Callable[[Mapping], bool]]:
    found: list[Callable[[Mapping], bool]] = []
    if owner := query.get("author", [""])[0]:
        found.append(lambda record: record.get("author") == owner)
    for text in filter(None, query.get("search", [])):
        found.append(lambda record, text=text: text.lower() in record["id"].lower())
    for tag in filter(None, [*query.get("filter", []), *query.get("tags", [])]):
        found.append(lambda record, tag=tag: tag in _tags(record))
    if "gated" in query:
        is_gated = switch(query, "gated")
        if plural == "spaces":
            raise refused("gated: spaces are not")
        found.append(lambda record: (record.get("gated") not in (None, False)) == is_gated)
    if task := query.get("pipeline_tag", [""])[0]:
        found.append(lambda record: record.get("pipeline_tag") == task)
    for model in query.get("models", []):
        found.append(lambda record, model=model: model in record["models"])
    return found


def _tags(record: Mapping) -> set[str]:
    """What `filter` looks at: the tags, among which the Hub has the task and the library."""
    return {*(record.get("tags") or []), record.get("pipeline_tag"), record.get("library_name"), record.get("sdk")}


def shown(hub: Hub, plural: str, record: Mapping, query: Mapping, *, single: bool, omit_empty: bool = False) -> dict:
    """A record with the fields that were asked for."""
    wanted = expanded(plural, query)
    state = hub.states.get((plural, record["id"]), "")
    record = dict(record)
    record["private"], record["disabled"] = state == "private", state == "disabled"
    if state == "gated":
        record["gated"] = "manual"
    if wanted:
        names = wanted | {"_id", "id"} | ({"modelId"} if plural == "models" else set())
    elif single or switch(query, "full"):
        names = set(record) - (set() if single else {"models", "spaces", "cardData"})
    else:
        names = BASIC
    names = names | ({"cardData"} if switch(query, "cardData") else set())
    if switch(query, "linked"):
        names = names | {"models"}
    if names & {"models", "spaces"} and (wanted or not single):
        hub.known("usage", plural)
    if "spaces" in record:
        record["spaces"] = record["spaces"][:LONGEST_SPACES]
    if switch(query, "blobs"):
        bodies = {name: content(record, name) for name in FILES}
        record["siblings"] = [
            {"rfilename": name, "size": len(body), "blobId": blob_id(body)} for name, body in bodies.items()
        ]
    left_out = {name for name in ("models", "spaces") if omit_empty and record.get(name) == []}
    left_out |= {"models", "spaces"} if ("usage", plural) in hub.absent else set()
    return {name: value for name, value in record.items() if name in names - left_out}


def talks(hub: Hub, plural: str, repo_id: str, query: Mapping[str, list[str]]) -> list[dict]:
    """The discussions that the parameters ask for, the newest first."""
    checked(query, "p page_index type status author sort")  # `page_index`: huggingface_hub 0.20, which meant `p`
    if query.get("page_index", ["0"]) != ["0"]:
        raise refused("page_index: the Hub has no such parameter; the first page would come again and again")
    choices = {"type": ("all", "discussion", "pull_request"), "status": ("all", "open", "closed")}
    choices["sort"] = ("recently-created",)
    for name, known in choices.items():
        if query.get(name, known)[0] not in known:
            raise refused(f"{name}: expected one of {', '.join(known)}")
    rows = hub.discussions.get((plural, repo_id), [])
    if (wanted := query.get("type", ["all"])[0]) != "all":
        rows = [row for row in rows if row["isPullRequest"] == (wanted == "pull_request")]
    if (wanted := query.get("status", ["all"])[0]) != "all":
        rows = [row for row in rows if (row["status"] in CLOSED) == (wanted == "closed")]
    if author := query.get("author", [""])[0]:
        rows = [row for row in rows if row.get("author", {}).get("name") == author]
    return rows


def talk(hub: Hub, plural: str, repo_id: str, num: str, query: Mapping) -> dict:
    """One discussion with its events: the comment that began it."""
    checked(query, "diff")
    rows = [row for row in hub.discussions.get((plural, repo_id), []) if str(row["num"]) == num]
    if not rows:
        raise Answered(404, "", "This discussion does not exist")
    names = ("num", "author", "repo", "title", "createdAt", "status", "isPullRequest", "pinned")
    found = {name: rows[0][name] for name in names if name in rows[0]}
    latest = {"raw": "A question", "html": "<p>A question</p>", "updatedAt": found["createdAt"]}
    data = {"edited": False, "hidden": False, "latest": latest, "numEdits": 0, "reactions": []}
    data |= {"editors": [], "editorAvatarUrls": []}
    event = {
        "id": f"{number(f'{repo_id} {num}'):024x}",
        "type": "comment",
        "createdAt": found["createdAt"],
        "data": data,
    }
    event |= {"author": found["author"]} if "author" in found else {}
    found |= {"_id": f"{number(f'{plural} {repo_id} {num}'):024x}", "events": [event], "locked": False}
    found |= {"collection": "discussions"}
    if found["isPullRequest"]:
        return found | {"changes": {"base": "refs/heads/main"}, "filesWithConflicts": []}
    return found | {"isReport": False}
