"""A local Hub for tests: serves a snapshot through the Hub's own routes, with its quota, its errors and, on demand, faults.

`python -m tests.hub_server --snapshot demo --port 0` prints the address to put into HF_ENDPOINT. Shapes follow the Hub's
OpenAPI description (commits, discussions) and the fields that huggingface_hub reads (listings). Only for 127.0.0.1.
"""

import argparse
import base64
import bisect
import hashlib
import json
import math
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pyarrow.parquet as pq

from analysis import snapshot

KINDS = {plural: kind for kind, plural in snapshot.PLURAL.items()}
BASIC = {"_id", "id", "modelId", "likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt"}
EXPANDABLE = {  # what `expand` may name, as in huggingface_hub; other names are an error 400, as on the Hub
    "models": "author cardData createdAt disabled downloads gated lastModified library_name likes pipeline_tag private "
    "safetensors sha siblings spaces tags",
    "datasets": "author cardData createdAt disabled downloads gated lastModified likes private sha siblings tags",
    "spaces": "author cardData createdAt datasets disabled lastModified likes models private sdk sha siblings tags",
}
NOT_IN_LISTINGS = {"spaces"}
LONGEST_SPACES = 100  # where the Hub cuts a model's list of spaces
FAULTS = "429 500 503 408 reset truncated slow bad_json html empty_page repeat_page redirect no_user gone".split()
LOSING = ("no_user", "gone")  # after these, what is collected can't be all that is served


@dataclass
class Faults:
    """`rates`: share of the requests per fault. `plan`: (pattern of the path, fault, times), used up in this order.

    `gone` deletes the repository that is asked for; being gated, disabled, private or renamed are states in a `Hub`.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    plan: list = field(default_factory=list)
    only: str = ""  # the rates hold for paths with this pattern
    slow: float = 0.2  # seconds that a slow body takes
    seed: int = 0

    def __post_init__(self):
        self._asked = Counter()
        self._used = Counter()
        self._lock = threading.Lock()

    def choose(self, path: str) -> str | None:
        """The fault of this request; by rate it depends on the path and how often it was asked, not on the order."""
        with self._lock:
            for place, (pattern, fault, times) in enumerate(self.plan):
                if self._used[place] < times and re.search(pattern, path):
                    self._used[place] += 1
                    return fault
            if not self.rates or not re.search(self.only, path):
                return None
            self._asked[path] += 1
            drawn = _hash(f"{self.seed} {path} {self._asked[path]}") / 2**64
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class Hub:
    """What is served: records of one snapshot, and the state of repositories that are not simply public."""

    def __init__(self, served: snapshot.Snapshot):
        self.synthetic = served.synthetic
        self.records = {plural: {} for plural in KINDS}  # plural -> id -> JSON object with every field
        self.commits, self.discussions = defaultdict(list), defaultdict(list)
        self.states: dict[tuple[str, str], str] = {}  # (plural, id) -> gated, disabled, private, gone, or >new name
        self.failing: dict[tuple[str, str, str], str] = {}  # (table, plural, id) -> gated, gone, disabled or 500
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

    def _add(self, row: Mapping) -> None:
        plural = snapshot.PLURAL[row["kind"]]
        self.records[plural][row["repo_id"]] = _record(plural, row)
        self._sorted.pop(plural, None)

    def insert(self, plural: str, repo_id: str, **fields) -> None:
        """A repository that was not in the snapshot."""
        blank = dict.fromkeys(snapshot.SCHEMAS["repos"].names) | {"kind": KINDS[plural], "repo_id": repo_id}
        self._add(blank | {"gated": "no", "tags": []} | fields)

    def remove(self, plural: str, repo_id: str) -> None:
        """A repository that is deleted: no longer listed, and not found."""
        self.records[plural].pop(repo_id, None)
        self._sorted.pop(plural, None)
        self.states[plural, repo_id] = "gone"

    def listed(self, plural: str) -> list[tuple]:
        """(sort key, record) of every repository that a listing shows, newest first."""
        if plural not in self._sorted:
            keyed = [
                ((record.get("createdAt") or "", record["_id"]), record) for record in self.records[plural].values()
            ]
            self._sorted[plural] = sorted(keyed, key=lambda pair: pair[0], reverse=True)
        return self._sorted[plural]


def _rows(served: snapshot.Snapshot, table: str):
    if not served.file(table).is_file():
        return
    for batch in pq.ParquetFile(served.file(table)).iter_batches(batch_size=10_000):
        yield from batch.to_pylist()


def _record(plural: str, row: Mapping) -> dict:
    """Every field of a repository; what the snapshot has no value for is left out."""
    repo_id = row["repo_id"]
    gated = {None: None, "no": False}.get(row.get("gated"), row.get("gated"))
    found = {
        "author": row.get("owner"),
        "createdAt": _moment(row.get("created_at")),
        "lastModified": _moment(row.get("last_modified")),
        "likes": row.get("likes"),
        "tags": row.get("tags"),
        "cardData": {"license": row["license"]} if row.get("license") else {},
        "sha": f"{_hash('sha ' + repo_id):040x}",
    }
    if plural != "spaces":
        found |= {"downloads": row.get("downloads"), "gated": gated}
    if plural == "models":
        found |= {"pipeline_tag": row.get("pipeline_tag"), "library_name": row.get("library"), "modelId": repo_id}
        if row.get("parameters") is not None:
            found["safetensors"] = {"parameters": {"F32": row["parameters"]}, "total": row["parameters"]}
    else:
        found["sdk"] = row.get("library") if plural == "spaces" else None
    found = {name: value for name, value in found.items() if value is not None}
    found |= {"_id": f"{_hash(plural + repo_id):024x}", "id": repo_id, "private": False, "disabled": False}
    found |= {"siblings": [{"rfilename": ".gitattributes"}]}
    return found | {"models": {"spaces": []}, "spaces": {"models": [], "datasets": []}}.get(plural, {})


def _commit(row: Mapping) -> dict:
    authors = [{"user": name, "avatar": "/avatars/0.svg"} for name in row["authors"]]
    return {
        "id": row["commit_id"],
        "title": "Update",
        "message": "",
        "authors": authors,
        "date": _moment(row["date"]),
    }


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
    if row.get("author"):
        name, more = row["author"], {"isHf": False, "isHfAdmin": False, "isMod": False, "isPro": False}
        account = {"_id": f"{_hash(name):024x}", "avatarUrl": "/avatars/0.svg", "fullname": name, "name": name}
        found["author"] = account | more | {"type": "user"}
    return found


def _state(reason: str) -> str:
    said = reason.lower()
    return next((state for state in ("gated", "disabled", "gone") if state in said), "500")


def _moment(value) -> str | None:
    if value is None:
        return None
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{value.microsecond // 1000:03d}Z" if value.microsecond % 1000 == 0 else f"{value.microsecond:06d}Z"
    )


class Answered(Exception):  # noqa: N818 -- an answer that ends the handling early
    """An error of the Hub: status, X-Error-Code, X-Error-Message."""

    def __init__(self, status: int, code: str = "", message: str = "", **headers: str):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


ERRORS = {
    "gated": (403, "GatedRepo", "Access to this repository is restricted and you are not in the authorized list."),
    "disabled": (403, "", "Access to this resource is disabled."),
    "discussions disabled": (403, "", "Discussions are disabled for this repo"),
    "private": (401, "RepoNotFound", "Repository not found"),
    "gone": (404, "RepoNotFound", "Repository not found"),
    "500": (500, "", "Internal Error - We're working hard to fix this as soon as possible!"),
}


class HubServer:
    """Runs a `Hub` on 127.0.0.1; used as a context manager. `quota`: (requests, seconds) per fixed window, or None.

    `asked` counts requests by route, `refused` those over the quota, `times` holds when each was taken in.
    """

    def __init__(
        self,
        served: snapshot.Snapshot | Hub,
        *,
        quota: tuple[int, float] | None = None,
        faults: Faults | None = None,
        port: int = 0,
        page_size: int = 1000,
        discussions_per_page: int = 50,
        paging: str = "cursor",
        total: bool = False,
        bad_token: str = "",
        omit_empty: bool = False,
    ):
        self.hub = served if isinstance(served, Hub) else Hub(served)
        self.quota, self.faults = quota, faults or Faults()
        self.page_size, self.discussions_per_page = page_size, discussions_per_page
        self.paging, self.total, self.bad_token, self.omit_empty = paging, total, bad_token, omit_empty
        self.asked, self.refused, self.times, self.faulted = Counter(), 0, [], Counter()
        self.before_page = lambda plural, nth: None  # a test changes the Hub here, while a listing is paged
        self._pages = Counter()
        self._lock = threading.Lock()
        self._start, self._windows = time.monotonic(), Counter()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def total_asked(self) -> int:
        return sum(self.asked.values())

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Serve until interrupted."""
        self._server.serve_forever()

    def admit(self, token: str) -> dict[str, str]:
        """Count a request of this token against its window; the headers that tell. Raises Answered over the quota."""
        if self.quota is None:
            return {"RateLimit": '"api";r=999999;t=300', "RateLimit-Policy": '"fixed window";"api";q=1000000;w=300'}
        allowed, seconds = self.quota
        with self._lock:
            now = time.monotonic() - self._start
            self.times.append(now)
            window = int(now // seconds)
            self._windows[token, window] += 1
            left = allowed - self._windows[token, window]
            self.refused += left < 0
        until = math.ceil((window + 1) * seconds - now)
        headers = {"RateLimit": f'"api";r={max(left, 0)};t={until}'}
        headers["RateLimit-Policy"] = f'"fixed window";"api";q={allowed};w={seconds:g}'
        if left < 0:
            raise Answered(429, "", "You have exceeded the rate limit", **headers)
        return headers

    # --- routes -------------------------------------------------------------------------------------------

    def answer(self, path: str, query: Mapping[str, list[str]], fault: str | None) -> tuple[object, dict[str, str]]:
        """(JSON value, headers) of one request; raises Answered."""
        if path == "/api/whoami-v2":
            return {"type": "user", "name": "tester", "isPro": False, "auth": {}}, {}
        match = re.fullmatch(r"/api/(models|datasets|spaces)(?:/(.+))?", path)
        if not match:
            raise Answered(404, "", "Sorry, we can't find the page you are looking for.")
        plural, rest = match.groups()
        if rest and fault == "gone":
            with self._lock:
                self.hub.remove(plural, re.sub(r"/(commits/[^/]+|discussions|revision/[^/]+)$", "", rest))
        if rest is None:
            return self._listing(plural, query, fault)
        if found := re.fullmatch(r"(.+)/commits/([^/]+)", rest):
            return self._commits(plural, found[1], found[2], query, fault)
        if found := re.fullmatch(r"(.+)/discussions", rest):
            return self._discussions(plural, found[1], query, fault)
        repo_id = re.sub(r"/revision/[^/]+$", "", rest)
        self._check(plural, repo_id, "", f"/api/{plural}/{{}}", query, states=("gone", "private", "disabled"))
        return self._shown(plural, self.hub.records[plural][repo_id], query, single=True), {}

    def _check(self, plural, repo_id, table, route, query, *, states=("gone", "private", "disabled", "gated")) -> None:
        state = self.hub.states.get((plural, repo_id), "")
        if state.startswith(">"):
            place = route.format(state[1:]) + (f"?{urlencode(query, doseq=True)}" if query else "")
            raise Answered(307, "", "", Location=place)
        state = state if state in states else self.hub.failing.get((table, plural, repo_id), "")
        if state:
            raise Answered(*ERRORS[state])
        if repo_id not in self.hub.records[plural]:
            raise Answered(*ERRORS["gone"])

    def _listing(self, plural, query, fault) -> tuple[list, dict[str, str]]:
        with self._lock:
            self.before_page(plural, self._pages[plural])
            self._pages[plural] += 1
            listed = self.hub.listed(plural)
        wanted = [name for value in query.get("expand", []) + query.get("expand[]", []) for name in value.split(",")]
        unknown = set(wanted) - (set(EXPANDABLE[plural].split()) - NOT_IN_LISTINGS)
        if unknown:
            raise Answered(400, "", f"Invalid expand: {', '.join(sorted(unknown))}")
        if owner := query.get("author", [""])[0]:
            listed = [(key, record) for key, record in listed if record.get("author") == owner]
        asked = query.get("limit", ["1000"])[0]
        if not asked.isdigit() or int(asked) < 1:
            raise Answered(400, "", "limit: expected a positive whole number")
        limit = min(int(asked), self.page_size)
        start = self._start_of(listed, query.get("cursor", [""])[0])
        first = max(0, start - limit) if fault == "repeat_page" and start else start
        rows = [] if fault == "empty_page" else [record for _, record in listed[first : first + limit]]
        headers = {"X-Total-Count": str(len(listed))} if self.total else {}
        if start + limit < len(listed):
            again = {name: values for name, values in query.items() if name != "cursor"}
            again["cursor"] = [self._cursor(listed, start + limit)]
            headers["Link"] = f'<{self.url}/api/{plural}?{urlencode(again, doseq=True)}>; rel="next"'
        return [self._shown(plural, record, query) for record in rows], headers

    def _cursor(self, listed: list[tuple], place: int) -> str:
        value = list(listed[place - 1][0]) if self.paging == "cursor" else place
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()

    def _start_of(self, listed: list[tuple], cursor: str) -> int:
        if not cursor:
            return 0
        try:
            value = json.loads(base64.urlsafe_b64decode(cursor))
        except ValueError:
            raise Answered(400, "", "Invalid cursor") from None
        if isinstance(value, int):
            return value
        last = tuple(value)  # listed is sorted downwards: the first one after the last that was shown
        return bisect.bisect_right(listed, _Down(last), key=lambda pair: _Down(pair[0]))

    def _shown(self, plural: str, record: Mapping, query: Mapping, *, single: bool = False) -> dict:
        wanted = {name for value in query.get("expand", []) + query.get("expand[]", []) for name in value.split(",")}
        state = self.hub.states.get((plural, record["id"]), "")
        record = dict(record)
        record["private"], record["disabled"] = state == "private", state == "disabled"
        if state == "gated":
            record["gated"] = "manual"
        if wanted:
            names = wanted | {"_id", "id"} | ({"modelId"} if plural == "models" else set())
        elif single or "full" in query:
            names = set(record) - ({"models", "datasets"} if not single else set())
        else:
            names = BASIC
        if "linked" in query:
            names = names | {"models", "datasets"}
        if "spaces" in names and "spaces" in record:
            record["spaces"] = record["spaces"][:LONGEST_SPACES]
        left_out = {name for name in ("models", "spaces") if self.omit_empty and record.get(name) == []}
        return {name: value for name, value in record.items() if name in names - left_out}

    def _commits(self, plural, repo_id, revision, query, fault) -> tuple[list, dict[str, str]]:
        self._check(plural, repo_id, "commits", f"/api/{plural}/{{}}/commits/{revision}", query)
        if revision != "main":
            raise Answered(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        rows = self.hub.commits.get((plural, repo_id), [])
        page, limit = int(query.get("p", ["0"])[0]), min(int(query.get("limit", ["50"])[0]), 1000)
        start = page * limit
        first = start - limit if fault == "repeat_page" and page else start
        shown = [] if fault == "empty_page" else rows[first : first + limit]
        if fault == "no_user":
            shown = [row | {"authors": [{"avatar": "/avatars/0.svg"}, *row["authors"]]} for row in shown]
        headers = {"X-Total-Count": str(len(rows))}
        if start + limit < len(rows):
            again = {**{k: v for k, v in query.items() if k != "p"}, "p": [page + 1]}
            place = f"{self.url}/api/{plural}/{quote(repo_id)}/commits/{revision}?{urlencode(again, doseq=True)}"
            headers["Link"] = f'<{place}>; rel="next"'
        return shown, headers

    def _discussions(self, plural, repo_id, query, fault) -> tuple[dict, dict[str, str]]:
        self._check(plural, repo_id, "discussions", f"/api/{plural}/{{}}/discussions", query)
        rows = self.hub.discussions.get((plural, repo_id), [])
        page, size = int(query.get("p", ["0"])[0]), self.discussions_per_page
        start = page * size
        first = start - size if fault == "repeat_page" and page else start
        shown = [] if fault == "empty_page" else rows[first : first + size]
        if fault == "no_user":
            shown = [{name: value for name, value in row.items() if name != "author"} for row in shown]
        closed = sum(row["status"] in ("closed", "merged") for row in rows)
        return {"discussions": shown, "count": len(rows), "start": start, "numClosedDiscussions": closed}, {}


class _Down:
    """A key that sorts downwards."""

    def __init__(self, key: tuple):
        self.key = key

    def __lt__(self, other: "_Down") -> bool:
        return self.key > other.key


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that was killed, or a body that was cut on purpose


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    owner: HubServer

    def log_message(self, format, *args):  # noqa: A002
        pass

    def do_GET(self):  # noqa: N802
        parts = urlsplit(self.path)
        path, query = parts.path, parse_qs(parts.query, keep_blank_values=True)
        route = next((word for word in ("commits", "discussions") if f"/{word}" in path), "")
        route = route or ("listing" if path.count("/") == 2 else "info")
        with self.owner._lock:
            self.owner.asked[route] += 1
        token = self.headers.get("Authorization", "")
        try:
            headers = self.owner.admit(token)
        except Answered as error:
            self._error(error, {})
            return
        fault = self.owner.faults.choose(self.path)
        if fault:
            with self.owner._lock:
                self.owner.faulted[fault] += 1
        try:
            if self.owner.bad_token and token == f"Bearer {self.owner.bad_token}":
                raise Answered(401, "", "Invalid credentials in Authorization header")
            if fault in ("408", "429", "500", "503"):
                waits = {"Retry-After": "0"} if fault in ("429", "503") else {}
                raise Answered(int(fault), "", "Service is out of order", **waits)
            if fault == "redirect":
                raise Answered(307, Location=f"{self.path}{'&' if parts.query else '?'}redirected=1")
            value, more = self.owner.answer(path, query, fault)
        except Answered as error:
            self._error(error, headers)
            return
        self._send(200, json.dumps(value).encode(), headers | more, fault)

    def _error(self, error: Answered, headers: Mapping[str, str]) -> None:
        named = {"X-Error-Code": error.code, "X-Error-Message": error.message}
        named = {name: value for name, value in named.items() if value}
        body = json.dumps({"error": error.message}).encode()
        self._send(error.status, body, {**headers, **named, **error.headers}, None)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], fault: str | None) -> None:
        kind = "application/json; charset=utf-8"
        if fault == "bad_json":
            body = body[: len(body) // 2] + b"\x00{"
        elif fault == "html":
            body, kind = b"<!doctype html><html><body>We are down for maintenance</body></html>", "text/html"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.owner.hub.synthetic:
            self.send_header("X-Synthetic", "true")  # invented data must not pass for the Hub's
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault in ("reset", "truncated"):
            self._break_off(body, reset=fault == "reset")
        elif fault == "slow":
            self._drip(body)
        else:
            self.wfile.write(body)
        self.wfile.flush()

    def _break_off(self, body: bytes, *, reset: bool) -> None:
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _drip(self, body: bytes) -> None:
        parts = 10
        for part in range(parts):
            self.wfile.write(body[len(body) * part // parts : len(body) * (part + 1) // parts])
            self.wfile.flush()
            time.sleep(self.owner.faults.slow / parts)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snapshot", required=True, help="name of the snapshot to serve")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--quota", type=int, default=0, help="requests per window; 0: none")
    parser.add_argument("--window", type=float, default=300, help="seconds of a window")
    faults = f"share of the requests, as 503=0.05; one of {', '.join(FAULTS)}"
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=RATE", help=faults)
    plan = "the first N requests with this pattern in their path"
    parser.add_argument("--plan", action="append", default=[], nargs=3, metavar=("PATTERN", "NAME", "N"), help=plan)
    states = "gated, disabled, private, gone, or >new/name; as models/owner/name=gated"
    parser.add_argument("--state", action="append", default=[], metavar="REPOSITORY=STATE", help=states)
    given = parser.parse_args()
    named = [text.partition("=")[0] for text in given.fault] + [fault for _, fault, _ in given.plan]
    if unknown := sorted(set(named) - set(FAULTS)):
        parser.error(f"{', '.join(unknown)}: expected one of {', '.join(FAULTS)}")
    return given


def main() -> None:
    """Serve a snapshot until interrupted; the first line of stdout is the address."""
    given = _parsed()
    rates = {name: float(rate) for name, _, rate in (text.partition("=") for text in given.fault)}
    quota = (given.quota, given.window) if given.quota else None
    faults = Faults(rates=rates, plan=[(pattern, fault, int(times)) for pattern, fault, times in given.plan])
    hub = Hub(snapshot.load(given.snapshot))
    for text in given.state:
        repository, _, state = text.partition("=")
        hub.states[tuple(repository.split("/", 1))] = state
    server = HubServer(hub, quota=quota, faults=faults, port=given.port)
    print(f"HF_ENDPOINT={server.url}", flush=True)
    try:
        server.serve()
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
