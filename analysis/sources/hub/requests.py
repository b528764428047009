"""How the Hub is asked: at the caller's quota and never over it, patiently, and without showing the token.

Every request of `huggingface_hub` goes through `PacedTransport`; the collector's own go through `Requests.get`, which
also retries what the library doesn't (single calls, broken bodies) and checks that an answer is what it should be.
"""

import email.utils
import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import tenacity
from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils import build_hf_headers, get_session, get_token, parse_ratelimit_headers
from huggingface_hub.utils._http import default_client_factory  # the library has no public way back to it

from analysis import __version__
from analysis.snapshot import SnapshotError

HUB = "https://huggingface.co"
ANONYMOUS, WITH_TOKEN, WINDOW = 500, 1_000, 300  # requests per seconds where no header tells (METHODS, section 6)
USED = 0.98  # share of the quota that is used: late packets may fall into the next window
TIMEOUT = httpx2.Timeout(30, connect=15)
LONGEST_ANSWER = 180  # seconds for a whole body: one that drips keeps within any time-out of a single read
LARGEST_ANSWER = 256 * 2**20
LONGEST_WAIT = 600  # seconds that an answer may ask for: a clock that jumped asks for years
REDIRECTS = {301, 302, 303, 307, 308}
STORED_IN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # variables in which the library looks for a token
MISSING = "Invalid username or password."  # said without a token of what is missing or private, with 401 and no code
KEPT_HEADERS = ("date", "link", "x-total-count", "x-error-code", "x-error-message", "x-synthetic")


class Stopped(Exception):  # noqa: N818 -- no error: the run was asked to stop
    """Raised in a worker that waits, once the run is to end."""


class TransientError(Exception):
    """An answer that may be better next time. `after`: seconds to wait; `blameless`: it says nothing of what was asked.

    `detail` is for the log alone.
    """

    def __init__(self, reason: str, *, after: float = 0, blameless: bool = False, detail: str = ""):
        super().__init__(reason)
        self.reason, self.after, self.blameless, self.detail = reason, after, blameless, detail


class RefusedError(Exception):
    """A refusal in words that only the Hub uses; `reason` is what is counted."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Token:
    """An access token that no text shows: `repr`, `str` and formatting give a placeholder. `place`: where it was found."""

    def __init__(self, secret: str | None, place: str = ""):
        self._secret, self.place = secret or None, place

    def __repr__(self) -> str:
        return "<token>" if self._secret else "<no token>"

    def __bool__(self) -> bool:
        return self._secret is not None

    def headers(self) -> dict[str, str]:
        """The library's headers, with the token where there is one; never the one that is stored on the machine."""
        return build_hf_headers(
            token=self._secret or False, library_name="hub-activity-paper", library_version=__version__
        )

    def hidden_in(self, text: str) -> str:
        """The text without the token."""
        return text.replace(self._secret, "<token>") if self._secret else text


def read_token(source: str = "") -> Token:
    """The token of the environment variable or the file `source`; without one, the token that the library finds.

    Raises SnapshotError where `source` names neither, or what it holds could not stand in a header.
    """
    found, where = (
        (os.environ.get(source), "--token-from") if source else (get_token(), "the stored token (or HF_TOKEN)")
    )
    place = f"of the variable {source}"
    if not source:
        place = next((f"of the variable {name}" for name in STORED_IN if os.environ.get(name)), "of `hf auth login`")
    if source and found is None:
        try:
            found, place = Path(source).expanduser().read_text(encoding="utf-8-sig"), f"of the file {Path(source).name}"
        except (OSError, RuntimeError, ValueError):  # also ~nobody, a NUL, bytes that are no text
            raise SnapshotError(
                "--token-from: neither a variable of the environment that is set nor a file that can be read"
            ) from None
    if not source and not found:
        return Token(None)
    found = found.strip()
    if not found or not found.isascii() or not found.isprintable() or " " in found:
        raise SnapshotError(f"{where}: holds no token; expected one line that begins with hf_")
    return Token(found, place)


def endpoint() -> str:
    """The Hub's address: HF_ENDPOINT, or the library's own. Raises SnapshotError."""
    found = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    try:
        parts = urlsplit(found)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:
        raise SnapshotError(f"HF_ENDPOINT: expected an address such as {HUB}; correct it, or unset it")
    return found


def without_account(address: str) -> str:
    """An address without a user's name and password, fit to be shown."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _proxy(address: str) -> str | None:
    """The proxy that the environment names for an address; a client with a transport of its own does not look."""
    parts = urlsplit(address)
    return None if proxy_bypass(parts.netloc.rpartition("@")[2]) else getproxies().get(parts.scheme)


class Quota:
    """Gives every request its turn: evenly, `USED` of what the headers allow, and none where a window is used up.

    Evenly spaced requests can't exceed a fixed window wherever it begins, so its edge, which the headers give in whole
    seconds, need not be known. What others use of the same quota shows in the headers and ends in waiting.
    """

    def __init__(self, *, has_token: bool, stop: threading.Event, clock: Callable[[], float] = time.monotonic):
        self._lock, self._stop, self._clock = threading.Lock(), stop, clock
        self.limit, self.window = (WITH_TOKEN if has_token else ANONYMOUS), float(WINDOW)
        self._known = False  # until the first answer, one request goes alone
        self._alone = False
        self._next = self._closed = float("-inf")
        self._left: float = self.limit
        self._end: float | None = None  # of the window, as the headers say it
        self.sent = self.refused = 0

    @property
    def rate(self) -> float:
        """Requests per second that are aimed at."""
        return USED * self.limit / self.window

    @property
    def left(self) -> int:
        """Requests that the running window still allows."""
        return max(0, int(self._left))

    def wait(self) -> None:
        """Return when the next request may go; raises Stopped."""
        while (pause := self._turn()) > 0:
            if self._stop.wait(min(pause, 1)):
                raise Stopped
        if self._stop.is_set():
            raise Stopped

    def _turn(self) -> float:
        """Seconds to wait, 0 where the request may go now (and is counted)."""
        with self._lock:
            now = self._clock()
            margin = min(1, self.window / 100)
            while self._end is not None and now > self._end + margin:
                self._end += self.window
                self._left = self.limit
            if not self._known and self._alone:
                return 0.02
            at = max(self._next, self._closed)
            if self._left < 1 and self._end is not None:
                at = max(at, self._end + 2 * margin)
            if at > now:
                return at - now
            spacing = 1 / self.rate
            late = min(8, 0.015 * self.limit) * spacing  # turns that were missed for a moment may be made up for
            self._next = max(self._next, now - late) + spacing
            self._left -= 1
            self._alone = True
            self.sent += 1
            return 0

    def told(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer's RateLimit, RateLimit-Policy and Retry-After."""
        info = parse_ratelimit_headers(headers)
        with self._lock:
            now = self._clock()
            self._known, self._alone = True, False
            if info is not None:
                if info.limit and info.window_seconds:
                    self.limit, self.window = info.limit, float(info.window_seconds)
                end = now + min(info.reset_in_seconds, self.window)
                if self._end is None or end > self._end + self.window / 2:
                    self._end, self._left = end, info.remaining
                elif end >= self._end - self.window / 2:
                    self._end, self._left = min(self._end, end), min(self._left, info.remaining)
            if status == 429:
                self.refused += 1
                used_up = info is not None and info.remaining == 0
                wait = min(info.reset_in_seconds, self.window) if used_up else retry_after(headers)
                self._closed = max(self._closed, now + wait + min(1, self.window / 100))

    def lost(self) -> None:
        """A request that got no answer: the next may go alone."""
        with self._lock:
            self._alone = False


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After header, given as a number or as a date, at most `LONGEST_WAIT`; 0 where there is none."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = (
            float(value) if value.isdigit() else email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        )
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), LONGEST_WAIT)


class PacedTransport(httpx2.BaseTransport):
    """Lets every request wait for its turn, redirects and the library's own retries too."""

    def __init__(self, quota: Quota, connections: int, proxy: str | None):
        self._quota = quota
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._inner = httpx2.HTTPTransport(limits=limits, proxy=proxy)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._quota.wait()
        try:
            response = self._inner.handle_request(request)
        except httpx2.TransportError:
            self._quota.lost()
            raise
        self._quota.told(response.status_code, response.headers)
        return response

    def close(self) -> None:
        self._inner.close()


@dataclass(frozen=True)
class Answer:
    """A good answer: the path that was asked, the one that answered (another after a redirect), headers, JSON, bytes."""

    path: str
    final: str
    headers: Mapping[str, str]
    value: object
    body: bytes

    @property
    def next(self) -> str | None:
        """Path of the next page from the Link header; whatever host and path it names, this list goes on."""
        links = httpx2.Response(200, headers={"Link": self.headers.get("link", "")}).links
        url = links.get("next", {}).get("url")
        if not url:
            return None
        parts = urlsplit(url)
        return self.final + (f"?{parts.query}" if parts.query else "")


class Requests:
    """The way to the Hub during one run; a context manager. `attempts` and `wait` (seconds, grows) are of one request."""

    def __init__(
        self,
        token: Token,
        *,
        log: logging.Logger,
        workers: int,
        attempts: int,
        wait: float,
        patience: float,
        stop: threading.Event,
    ):
        self.endpoint, self.stop, self.log = endpoint(), stop, log
        self.quota = Quota(has_token=bool(token), stop=stop)
        self.faults: Counter = Counter()  # what was retried, by reason
        self._token, self._workers = token, workers
        self._attempts, self._wait, self._patience = attempts, wait, patience
        self._headers = token.headers()
        self._was_met = False  # whether this run has had any answer at all
        self._checking, self._known_at = threading.Lock(), float("-inf")  # when the token was last found good

    def __enter__(self):
        proxy = _proxy(self.endpoint)

        def client() -> httpx2.Client:
            paced = PacedTransport(self.quota, self._workers, proxy)
            return httpx2.Client(transport=paced, timeout=TIMEOUT)

        set_client_factory(client)
        return self

    def __exit__(self, *error):
        set_client_factory(default_client_factory)

    def get(self, path: str, check: Callable[[object], None] = lambda value: None) -> Answer:
        """One answer, after retries; `check` raises TransientError on a value that can't be right.

        Raises RefusedError for a final refusal, TransientError where patience ended, Stopped; SnapshotError where the
        token is not known, or where nothing answers from the start.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=self._is_enough,
            wait=self._pause,
            sleep=self._sleep,
            before_sleep=lambda state: self._note(path, state),
            reraise=True,
        )
        try:
            return retrying(self._once, path, check)
        except TransientError as error:
            if error.blameless and not self._was_met:
                raise SnapshotError(
                    f"{urlsplit(self.endpoint).hostname}: {error.reason}; check the network and HF_ENDPOINT, then give "
                    "the same command"
                ) from None
            raise

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        """Whether to give up: by attempts, or by hours where a network that was there or the quota is to blame."""
        if state.outcome.exception().blameless and self._was_met:
            return state.seconds_since_start > self._patience
        return state.attempt_number >= self._attempts

    def _pause(self, state: tenacity.RetryCallState) -> float:
        jitter = tenacity.wait_random_exponential(multiplier=self._wait, max=60 * self._wait)
        return state.outcome.exception().after + jitter(state)

    def _sleep(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped

    def _note(self, path: str, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception()
        self.faults[error.reason] += 1
        said = f"{error.reason} ({error.detail})" if error.detail else error.reason
        self.log.info("retry %d of %s: %s", state.attempt_number, urlsplit(path).path, said)

    def _once(self, path: str, check: Callable[[object], None]) -> Answer:
        response, body = self._exchange(path)
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        self._check_status(response, headers)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise TransientError(_not_json(response)) from None
        check(value)
        return Answer(path, response.url.path.removeprefix(urlsplit(self.endpoint).path), headers, value, body)

    def _exchange(self, path: str) -> tuple[httpx2.Response, bytes]:
        """A response and its whole body; redirects are followed by hand, and only within the endpoint."""
        started, address = time.monotonic(), httpx2.URL(self.endpoint + path)
        for _ in range(5):
            try:
                with get_session().stream("GET", address, headers=self._headers) as response:
                    self._was_met = True
                    body = self._read(response, started)
            except httpx2.TransportError as error:
                raise _transient(error) from None
            except httpx2.DecodingError as error:
                raise TransientError(_words(error)) from None
            if response.status_code not in REDIRECTS:
                return response, body
            address = self._redirected(response)
        raise TransientError("redirects without end")

    def _redirected(self, response: httpx2.Response) -> httpx2.URL:
        """Where a redirect leads; what another host would say is not the Hub's word, and nobody waits for it."""
        try:
            address = response.url.join(response.headers.get("location", ""))
        except httpx2.InvalidURL:
            raise TransientError("a redirect to no address") from None
        own = httpx2.URL(self.endpoint)
        if (address.scheme, address.host, address.port) != (own.scheme, own.host, own.port):
            raise TransientError("a redirect to another host", detail=address.host)
        return address

    def _read(self, response: httpx2.Response, started: float) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if self.stop.is_set():
                raise Stopped
            if time.monotonic() - started > LONGEST_ANSWER:
                raise TransientError("an answer that did not end in time")
            if size > LARGEST_ANSWER:
                raise TransientError("an answer without end")
            parts.append(part)
        return b"".join(parts)

    def _check_status(self, response: httpx2.Response, headers: Mapping[str, str]) -> None:
        """Raises RefusedError only for what the Hub alone says; whoever else refuses may do otherwise the next time."""
        status = response.status_code
        if status == 200:
            return
        if status == 401 and self._token:
            self._check_token(time.monotonic())
        if reason := _refusal(status, headers, has_token=bool(self._token)):
            raise RefusedError(reason)
        wait = 0 if status == 429 else retry_after(response.headers)  # the quota waits for all at 429
        raise TransientError(f"HTTP {status}", after=wait, blameless=status == 429)

    def _check_token(self, since: float) -> None:
        """Ask the Hub who the token's owner is, unless that was asked after `since`.

        Raises SnapshotError where it knows nobody, TransientError where it does not say.
        """
        with self._checking:
            if self._known_at > since:
                return
            began = time.monotonic()
            response, body = self._exchange("/api/whoami-v2")
            if response.status_code == 401:
                raise SnapshotError(
                    f"the Hub does not accept the token {self._token.place} (any more): expired, or withdrawn. What was "
                    "collected is kept. Put a new one there (https://huggingface.co/settings/tokens), or give another by "
                    "--token-from, and go on with the same command"
                )
            try:
                is_known = response.status_code == 200 and isinstance(json.loads(body).get("name"), str)
            except (ValueError, AttributeError):
                is_known = False
            if not is_known:
                raise TransientError("HTTP 401, and no word of the token")
            self._known_at = began


def _transient(error: httpx2.TransportError) -> TransientError:
    unreachable = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError))
    return TransientError(_words(error), blameless=unreachable)


def _words(error: Exception) -> str:
    """A reason to count; the error's own text may hold addresses."""
    names = {
        "ConnectError": "the Hub can't be reached",
        "ConnectTimeout": "the Hub can't be reached",
        "ReadTimeout": "timed out",
        "ReadError": "the connection broke",
        "RemoteProtocolError": "the answer broke off",
        "DecodingError": "a body that can't be unpacked",
    }
    return names.get(type(error).__name__, type(error).__name__)


def _not_json(response: httpx2.Response) -> str:
    return "HTML instead of JSON" if "html" in response.headers.get("content-type", "") else "a body that is not JSON"


def _refusal(status: int, headers: Mapping[str, str], *, has_token: bool) -> str:
    """gated, disabled, gone (deleted or made private: the Hub does not say which), no main branch; empty for no refusal.

    An owner can also switch off the discussions of a repository alone. A status alone is nobody's word.
    """
    code, message = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    if status not in (401, 403, 404):
        return ""
    if code == "GatedRepo":
        return "gated"
    if code == "DisabledRepo" or message == "Access to this resource is disabled.":
        return "disabled"
    if message.startswith("Discussions are disabled"):
        return "discussions disabled"
    if code == "RepoNotFound" or (status == 401 and message == MISSING and not has_token):
        return "gone"
    if code == "RevisionNotFound":
        return "no main branch"
    return ""
