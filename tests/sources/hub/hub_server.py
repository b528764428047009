"""A local Hub for tests: serves a snapshot through the Hub's own routes, with its quota, its errors and, on demand, faults.

`python -m tests.sources.hub.hub_server --snapshot demo --port 0` prints the address to put into HF_ENDPOINT. What it
can't answer as the Hub would, it refuses with 400. Only for 127.0.0.1.
"""

import argparse
import base64
import bisect
import datetime as dt
import email.utils
import json
import math
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from analysis import snapshot
from tests.sources.hub import hub_records as records
from tests.sources.hub.hub_records import KINDS, LONGEST_SPACES, Answered, Hub, refused, switch, whole

__all__ = ["FAULTS", "LONGEST_SPACES", "LOSING", "Answered", "Faults", "Hub", "HubServer"]

PAGES = {"401": "Unauthorized", "403": "Forbidden", "404": "Not Found", "451": "Blocked"}  # of something in between
FAULTS = (
    "429 500 503 408 reset truncated slow bad_json html empty_page repeat_page redirect no_user gone away cut_char gzip "
    "error_object other case clock date 401 403 404 451 says_gone says_gated"
).split()
LOSING = ("no_user", "gone", "says_gone", "says_gated")  # after these, what is collected can't be all that is served
JUMPS = (-19_000, 41_000)  # days, of a clock that jumps


@dataclass
class Faults:
    """`rates`: share of the requests per fault. `plan`: (pattern of the path, fault, times), used up in this order.

    `storms`: (first request, last request, pattern, fault): all of them, counted from 1. `gone` deletes the repository
    that is asked for; being gated, disabled, private or renamed are states in a `Hub`.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    plan: list = field(default_factory=list)
    storms: list = field(default_factory=list)
    only: str = ""  # the rates hold for paths with this pattern
    slow: float = 0.2  # seconds that a slow body takes
    seed: int = 0
    away: str = "http://elsewhere.invalid"  # where `away` redirects to

    def __post_init__(self):
        self._asked = Counter()
        self._used = Counter()
        self._count = 0
        self._lock = threading.Lock()

    def choose(self, path: str) -> str | None:
        """The fault of this request; by rate it depends on the path and how often it was asked, not on the order."""
        with self._lock:
            self._count += 1
            for first, last, pattern, fault in self.storms:
                if first <= self._count <= last and re.search(pattern, path):
                    return fault
            for place, (pattern, fault, times) in enumerate(self.plan):
                if self._used[place] < times and re.search(pattern, path):
                    self._used[place] += 1
                    return fault
            if not self.rates or not re.search(self.only, path):
                return None
            self._asked[path] += 1
            drawn = records.number(f"{self.seed} {path} {self._asked[path]}") / 2**64
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None


ROUTES = "commits|discussions|revision|refs|tree|paths-info|auth-check"
OF_REPOSITORY = re.compile(rf"/api/({'|'.join(KINDS)})/((?:[^/]+/)?[^/]+)/({ROUTES})(?:/(.*))?")
RECORD = re.compile(rf"/api/({'|'.join(KINDS)})/((?:[^/]+/)?[^/]+)")
FILE = re.compile(r"/(?:(datasets|spaces)/)?((?:[^/]+/)?[^/]+)/resolve/([^/]+)/(.+)")


class HubServer:
    """Runs a `Hub` on 127.0.0.1; used as a context manager. `quota`: (requests, seconds) per fixed window, or None.

    `asked` counts requests by route, `refused` those over the quota, `times` holds when each was taken in. `expires`
    says after how many requests a token is no longer good, and `shrinks` after how many there is another quota.
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
        self.paging, self.total, self.omit_empty = paging, total, omit_empty
        self.expires: dict[str, int] = {bad_token: 0} if bad_token else {}
        self.shrinks: dict[int, tuple[int, float]] = {}
        self.now = dt.datetime.combine(self.hub.date, dt.time(12), dt.UTC)
        self.asked, self.refused, self.times, self.faulted = Counter(), 0, [], Counter()
        self.before_page = lambda plural, nth: None  # a test changes the Hub here, while a listing is paged
        self._pages = Counter()
        self._lock, self._local = threading.Lock(), threading.local()
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
        self._local.has_token = bool(token)
        for first, smaller in sorted(self.shrinks.items()):
            self.quota = smaller if self.total_asked >= first else self.quota
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

    def check_token(self, token: str) -> None:
        """Raises Answered for a token that is not good, or no longer."""
        secret = token.removeprefix("Bearer ")
        if secret in self.expires and self.total_asked > self.expires[secret]:
            said = 'User Access Token "mine" is expired' if self.expires[secret] else ""
            self.faulted["expired"] += 1
            raise Answered(401, "", said or "Invalid credentials in Authorization header")

    # --- routes -------------------------------------------------------------------------------------------

    def answer(self, path: str, query: Mapping[str, list[str]], fault: str | None) -> tuple[object, dict[str, str]]:
        """(JSON value or bytes, headers) of one request; raises Answered."""
        if path == "/api/whoami-v2":
            return self._whoami(query), {}
        if path.removeprefix("/api/") in KINDS:
            return self._listing(path.removeprefix("/api/"), query, fault)
        if match := OF_REPOSITORY.fullmatch(path):
            plural, repo_id, route, rest = (unquote(part) if part else "" for part in match.groups())
            fault = None if fault == "other" and query.get("p", ["0"]) != ["0"] else fault
            return self._of_repository(plural, self._other(plural, repo_id, fault, route), route, rest, query, fault)
        if match := RECORD.fullmatch(path):
            plural, repo_id = match[1], self._other(match[1], unquote(match[2]), fault)
            records.checked(query, "expand blobs redirected")
            self._check(plural, repo_id, "", f"/api/{plural}/{{}}", query, fault, states=("gone", "private"))
            record = self.hub.records[plural][repo_id]
            return records.shown(self.hub, plural, record, query, single=True, omit_empty=self.omit_empty), {}
        if match := FILE.fullmatch(path):
            plural, repo_id, revision, file = (unquote(part) if part else "" for part in match.groups())
            return self._file(plural or "models", repo_id, revision, file, query)
        if path.startswith("/api/"):
            raise refused("this route is not answered here")
        raise Answered(404, "", "Sorry, we can't find the page you are looking for.")

    def _whoami(self, query: Mapping) -> dict:
        records.checked(query, "")
        if not getattr(self._local, "has_token", False):
            raise Answered(401, "", records.MISSING)
        token = {"displayName": "mine", "role": "read", "createdAt": "2023-01-01T00:00:00.000Z"}
        about = {
            "type": "user",
            "id": f"{1:024x}",
            "name": "tester",
            "fullname": "A tester",
            "isPro": False,
            "orgs": [],
        }
        return about | {"avatarUrl": "/avatars/0.svg", "auth": {"type": "access_token", "accessToken": token}}

    def _other(self, plural: str, repo_id: str, fault: str | None, table: str = "") -> str:
        """The repository that is answered for: under the fault `other`, the next one of which there is something to say.

        An empty list and a later page of commits name no repository, so nobody could tell whose they are.
        """
        told = getattr(self.hub, table, {}) if table in ("commits", "discussions") else {}
        names = [name for name in self.hub.records[plural] if name == repo_id or not table or told.get((plural, name))]
        if fault != "other" or repo_id not in names or len(names) < 2:
            return repo_id
        return names[(names.index(repo_id) + 1) % len(names)]

    def _check(self, plural, repo_id, table, route, query, fault, *, states=(*records.STATES,)) -> None:
        """Raises Answered for a repository that is not served, or not under this name."""
        has_token = getattr(self._local, "has_token", False)
        if fault == "gone":
            with self._lock:
                self.hub.remove(plural, repo_id)
        if fault in ("says_gone", "says_gated"):
            raise records.error(fault.removeprefix("says_"), has_token=has_token)
        state, name = self.hub.states.get((plural, repo_id), ""), ""
        if state.startswith(">"):
            name = state[1:]
        elif repo_id not in self.hub.records[plural] and state not in ("gone", "private"):
            name = next((known for known in self.hub.records[plural] if known.casefold() == repo_id.casefold()), "")
        if name:
            place = route.format(quote(name)) + (f"?{urlencode(query, doseq=True)}" if query else "")
            raise Answered(307, "", "", Location=place)
        if state and state not in records.STATES:
            raise ValueError(f"unknown state {state!r}")
        state = state if state in states else self.hub.failing.get((table, plural, repo_id), "")
        if state or repo_id not in self.hub.records[plural]:
            raise records.error(state or "gone", has_token=has_token)

    def _of_repository(self, plural, repo_id, route, rest, query, fault) -> tuple[object, dict[str, str]]:
        table = route if route in ("commits", "discussions") else ""
        place = f"/api/{plural}/{{}}/{route}" + (f"/{quote(rest, safe='')}" if rest else "")
        public = ("discussions", "refs", "revision", "tree", "paths-info")  # also of gated and disabled repositories
        states = ("gone", "private") if route in public else records.STATES
        self._check(plural, repo_id, table, place, query, fault, states=states)
        if table:
            self.hub.known(table, plural, repo_id)
        if route == "discussions":
            return self._discussions(plural, repo_id, rest, query, fault)
        if route == "commits":
            return self._commits(plural, repo_id, rest, query, fault)
        if route == "revision":
            records.checked(query, "expand blobs")
            sha = self._history(plural, repo_id, rest)[:1]
            record = self.hub.records[plural][repo_id] | ({"sha": sha[0]["id"]} if sha else {})
            return records.shown(self.hub, plural, record, query, single=True), {}
        if route == "refs":
            return self._refs(plural, repo_id, query), {}
        if route in ("tree", "paths-info"):
            revision, _, path = rest.partition("/")
            return self._files(plural, repo_id, revision, path, query), {}
        return {}, {}

    def _listing(self, plural, query, fault) -> tuple[list, dict[str, str]]:
        with self._lock:
            self.before_page(plural, self._pages[plural])
            self._pages[plural] += 1
            listed = records.chosen(self.hub, plural, {n: v for n, v in query.items() if n != "redirected"})
        limit = min(whole(query, "limit", self.page_size, 1, 1000), self.page_size)
        start = self._start_of(listed, query.get("cursor", [""])[0])
        first = max(0, start - limit) if fault == "repeat_page" and start else start
        rows = [] if fault == "empty_page" else [record for _, record in listed[first : first + limit]]
        headers = {"X-Total-Count": str(len(listed))} if self.total else {}
        if start + limit < len(listed):
            again = {name: values for name, values in query.items() if name != "cursor"}
            again["cursor"] = [self._cursor(listed, start + limit)]
            headers["Link"] = f'<{self.url}/api/{plural}?{urlencode(again, doseq=True)}>; rel="next"'
        show = {"single": False, "omit_empty": self.omit_empty}
        return [records.shown(self.hub, plural, record, query, **show) for record in rows], headers

    def _cursor(self, listed: list[tuple], place: int) -> str:
        value = list(listed[place - 1][0]) if self.paging == "cursor" else place
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()

    def _start_of(self, listed: list[tuple], cursor: str) -> int:
        if not cursor:
            return 0
        try:
            value = json.loads(base64.urlsafe_b64decode(cursor))
        except ValueError:
            raise refused("Invalid cursor") from None
        if isinstance(value, int):
            return value
        last = tuple(value)  # listed is sorted downwards: the first one after the last that was shown
        return bisect.bisect_right(listed, _Down(last), key=lambda pair: _Down(pair[0]))

    def _history(self, plural: str, repo_id: str, revision: str) -> list[dict]:
        """The commits of a revision, the newest first."""
        rows = self.hub.commits.get((plural, repo_id), [])
        if revision == "main":
            return rows
        place = next((n for n, row in enumerate(rows) if row["id"] == revision), None)
        if place is None:
            raise Answered(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return rows[place:]

    def _commits(self, plural, repo_id, revision, query, fault) -> tuple[list, dict[str, str]]:
        records.checked(query, "p limit expand redirected")
        wanted = {name for value in query.get("expand", []) + query.get("expand[]", []) for name in value.split(",")}
        if wanted - {"formatted"}:
            raise refused("expand: expected formatted")
        rows = self._history(plural, repo_id, revision)
        page, limit = whole(query, "p", 0, 0, 10**9), whole(query, "limit", 50, 1, 1000)
        start = page * limit
        first = start - limit if fault == "repeat_page" and page else start
        found = [] if fault == "empty_page" else rows[first : first + limit]
        if fault == "no_user":
            found = [row | {"authors": [{"avatar": "/avatars/0.svg"}, *row["authors"]]} for row in found]
        if wanted:
            found = [row | {"formatted": {"title": row["title"], "message": row["message"]}} for row in found]
        headers = {"X-Total-Count": str(len(rows))}
        if start + limit < len(rows):
            again = {**{k: v for k, v in query.items() if k != "p"}, "p": [page + 1]}
            place = f"{self.url}/api/{plural}/{quote(repo_id)}/commits/{revision}?{urlencode(again, doseq=True)}"
            headers["Link"] = f'<{place}>; rel="next"'
        return found, headers

    def _discussions(self, plural, repo_id, num, query, fault) -> tuple[dict, dict[str, str]]:
        if num:
            return records.talk(self.hub, plural, repo_id, num, query), {}
        rows = records.talks(self.hub, plural, repo_id, {n: v for n, v in query.items() if n != "redirected"})
        page, size = whole(query, "p", 0, 0, 10**9), self.discussions_per_page
        start = page * size
        first = start - size if fault == "repeat_page" and page else start
        found = [] if fault == "empty_page" else rows[first : first + size]
        if fault == "no_user":
            found = [{name: value for name, value in row.items() if name != "author"} for row in found]
        closed = sum(row["status"] in records.CLOSED for row in rows)
        more = {} if page else {"numClosedDiscussions": closed}
        return {"discussions": found, "count": len(rows), "start": start} | more, {}

    # --- revisions and files

    def _refs(self, plural: str, repo_id: str, query: Mapping) -> dict:
        records.checked(query, "include_prs")
        head = self._history(plural, repo_id, "main")[:1]
        branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": row["id"]} for row in head]
        if switch(query, "include_prs") and any(
            r["isPullRequest"] for r in self.hub.discussions.get((plural, repo_id), [])
        ):
            raise refused("include_prs: the snapshot does not know the commits of pull requests")
        return {"tags": [], "branches": branches, "converts": []} | (
            {"pullRequests": []} if switch(query, "include_prs") else {}
        )

    def _files(self, plural: str, repo_id: str, revision: str, path: str, query: Mapping) -> list[dict]:
        """The entries of a tree, or those of `paths`; both files of a repository came with its first commit."""
        records.checked(query, "recursive expand limit paths")
        history, record = self._history(plural, repo_id, revision), self.hub.records[plural][repo_id]
        if path:
            raise Answered(404, "EntryNotFound", f'{path} does not exist on "{revision}"')
        bodies = {n: records.content(record, n) for n in records.FILES if "paths" not in query or n in query["paths"]}
        entries = [
            {"type": "file", "oid": records.blob_id(body), "size": len(body), "path": name}
            for name, body in bodies.items()
        ]
        if switch(query, "expand") and history:
            first = {name: history[-1][name] for name in ("id", "title", "date")}
            entries = [entry | {"lastCommit": first} for entry in entries]
        return entries[: whole(query, "limit", 1000, 2, 10**9)]

    def _file(
        self, plural: str, repo_id: str, revision: str, file: str, query: Mapping
    ) -> tuple[bytes, dict[str, str]]:
        records.checked(query, "download")
        prefix = "" if plural == "models" else f"/{plural}"
        self._check(plural, repo_id, "commits", f"{prefix}/{{}}/resolve/{quote(revision, safe='')}/{quote(file)}", query, None)
        history = self._history(plural, repo_id, revision)
        commit = {"X-Repo-Commit": history[0]["id"]} if history else {}
        if file not in records.FILES or not history:
            raise Answered(404, "EntryNotFound", "Entry not found", **commit)
        body = records.content(self.hub.records[plural][repo_id], file)
        etag = f'"{records.blob_id(body)}"'
        return body, commit | {
            "ETag": etag,
            "X-Linked-Etag": etag,
            "X-Linked-Size": str(len(body)),
            "Accept-Ranges": "bytes",
        }


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
    fault: str | None = None

    def log_message(self, format, *args):  # noqa: A002
        pass

    def date_time_string(self, timestamp=None):
        """The day of what is served: that is the day which this Hub has; under the fault `date` its clock jumps."""
        days = JUMPS[self.owner.total_asked % len(JUMPS)] if self.fault == "date" else 0
        return email.utils.format_datetime(self.owner.now + dt.timedelta(days=days), usegmt=True)

    def do_HEAD(self):  # noqa: N802
        self.do_GET()

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path, _, asked = self.path.partition("?")
        is_form = "json" not in self.headers.get("Content-Type", "")
        form = body if is_form else urlencode(json.loads(body or "{}"), doseq=True)
        if "/paths-info/" not in path:
            self._error(refused("this route is not answered here"), {})
            return
        self.path = f"{path}?{'&'.join(filter(None, [asked, form]))}"
        self.do_GET()

    def do_GET(self):  # noqa: N802
        parts = urlsplit(self.path)
        path, query = parts.path, parse_qs(parts.query, keep_blank_values=True)
        route = next((word for word in ("commits", "discussions") if f"/{word}" in path), "")
        route = route or ("listing" if path.count("/") == 2 else "info")
        with self.owner._lock:
            self.owner.asked[route] += 1
        token, headers, self.fault = self.headers.get("Authorization", ""), {}, None
        try:
            headers = self.owner.admit(token)
            self.fault = fault = self.owner.faults.choose(self.path)
            if fault:
                with self.owner._lock:
                    self.owner.faulted[fault] += 1
            if fault in PAGES:
                self._page(fault)
                return
            self._misbehave(fault, query)
            self.owner.check_token(token)
            value, more = self.owner.answer(path, query, fault)
        except Answered as error:
            self._error(error, headers)
            return
        if fault == "case":
            value = _in_other_case(value)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._send(
            200, body, headers | more, fault, kind="text/plain" if isinstance(value, bytes) else "application/json"
        )

    def _misbehave(self, fault: str | None, query: Mapping) -> None:
        """Raises Answered for the faults that are a status of the Hub."""
        if fault in ("408", "429", "500", "503"):
            raise Answered(
                int(fault), "", "Service is out of order", **({"Retry-After": "0"} if fault[0] != "5" else {})
            )
        if fault == "clock":
            raise Answered(503, "", "Service is out of order", **{"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"})
        if fault == "redirect":
            raise Answered(307, Location=f"{self.path}{'&' if query else '?'}redirected=1")
        if fault == "away":
            raise Answered(302, Location=f"{self.owner.faults.away}{self.path}")

    def _page(self, status: str) -> None:
        """What a firewall or a proxy says in the Hub's place."""
        body = f"<html><body>{status} {PAGES[status]}</body></html>".encode()
        self.send_response(int(status))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _error(self, error: Answered, headers: Mapping[str, str]) -> None:
        named = {"X-Error-Code": error.code, "X-Error-Message": error.message}
        named = {name: value for name, value in named.items() if value}
        body = json.dumps({"error": error.message}).encode()
        self._send(error.status, body, {**headers, **named, **error.headers}, None)

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], fault: str | None, kind="application/json"
    ) -> None:
        if fault == "bad_json":
            body = body[: len(body) // 2] + b"\x00{"
        elif fault == "cut_char":
            body = '[{"id": "caf\u00e9'.encode()[:-1]
        elif fault == "error_object":
            body = b'{"error": "Internal Error"}'
        elif fault == "html":
            body, kind = b"<!doctype html><html><body>We are down for maintenance</body></html>", "text/html"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.owner.hub.synthetic:
            self.send_header("X-Synthetic", "true")  # invented data must not pass for the Hub's
        if fault == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
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


def _in_other_case(value: object) -> object:
    """The names of repositories in capitals."""
    if isinstance(value, list):
        return [_in_other_case(item) for item in value]
    return value | {"id": value["id"].upper()} if isinstance(value, dict) and "private" in value else value


def _parsed() -> tuple[argparse.Namespace, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snapshot", required=True, help="name of the snapshot to serve")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--quota", type=int, default=0, help="requests per window; 0: none")
    parser.add_argument("--window", type=float, default=300, help="seconds of a window")
    faults = f"share of the requests, as 503=0.05; one of {', '.join(FAULTS)}"
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=RATE", help=faults)
    plan = "the first N requests with this pattern in their path"
    parser.add_argument("--plan", action="append", default=[], nargs=3, metavar=("PATTERN", "NAME", "N"), help=plan)
    storm = "all requests with this pattern from the FIRST to the LAST one"
    parser.add_argument(
        "--storm", action="append", default=[], nargs=4, metavar=("FIRST", "LAST", "PATTERN", "NAME"), help=storm
    )
    expire = "this token is good for N requests"
    parser.add_argument("--expire", action="append", default=[], nargs=2, metavar=("TOKEN", "N"), help=expire)
    states = "gated, disabled, private, gone, or >new/name; as models/owner/name=gated"
    parser.add_argument("--state", action="append", default=[], metavar="REPOSITORY=STATE", help=states)
    given = parser.parse_args()
    named = (
        [text.partition("=")[0] for text in given.fault] + [one[1] for one in given.plan] + [s[3] for s in given.storm]
    )
    if unknown := sorted(set(named) - set(FAULTS)):
        parser.error(f"{', '.join(unknown)}: expected one of {', '.join(FAULTS)}")
    return given, parser


def main() -> None:
    """Serve a snapshot until interrupted; the first line of stdout is the address."""
    given, parser = _parsed()
    quota = (given.quota, given.window) if given.quota else None
    hub = Hub(snapshot.load(given.snapshot))
    try:
        faults = Faults(
            rates={name: float(rate) for name, _, rate in (text.partition("=") for text in given.fault)},
            plan=[(pattern, fault, int(times)) for pattern, fault, times in given.plan],
            storms=[(int(first), int(last), pattern, fault) for first, last, pattern, fault in given.storm],
        )
        for text in given.state:
            repository, _, state = text.partition("=")
            hub.set_state(*repository.split("/", 1), state)
        server = HubServer(hub, quota=quota, faults=faults, port=given.port)
        server.expires = {token: int(count) for token, count in given.expire}
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    print(f"HF_ENDPOINT={server.url}", flush=True)
    try:
        server.serve()
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
