"""A stand-in for where snapshots of the Hub are published: dataset repositories of the Hub, and records of Zenodo.

It serves files of a folder as both services do, as far as the clients ask: `datasets/<owner>/<name>/` and
`records/<number>/`. Faults can be set for the next answers.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

SHA = "5" * 40  # the one revision that every repository has


@dataclass
class Published:
    """What is served, and what goes wrong: `cut` (bytes after which an answer breaks off, once each), `digest` (said in
    place of the right one), `status` (for every download), `grown` (bytes that follow a file's end).
    """

    folder: Path
    address: str = ""
    cut: list[int] = field(default_factory=list)
    digest: str = ""
    status: int = 200
    grown: int = 0
    commits: dict[str, str] = field(default_factory=dict)  # day of each revision of a repository
    asked: list[str] = field(default_factory=list)
    sent: int = 0  # bytes of files

    def files(self, root: Path) -> list[dict]:
        """Entries of a tree, as the Hub lists them."""
        entries = []
        for path in sorted(root.rglob("*")):
            about = {
                "path": path.relative_to(root).as_posix(),
                "type": "directory" if path.is_dir() else "file",
                "oid": "0" * 40,
            }
            if path.is_file():
                digest = self.digest or hashlib.sha256(path.read_bytes()).hexdigest()
                size = path.stat().st_size
                about |= {"size": size, "lfs": {"oid": digest, "sha256": digest, "size": size, "pointerSize": 134}}
            entries.append(about)
        return entries


def _handler(published: Published) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):  # noqa: N802 -- the library's name
            self._answer(body=False)

        def do_GET(self):  # noqa: N802
            self._answer(body=True)

        def do_POST(self):  # noqa: N802
            length = int(self.headers.get("content-length", 0))
            sent = self.rfile.read(length)
            wanted = set(json.loads(sent)["paths"] if sent.startswith(b"{") else parse_qs(sent.decode())["paths"])
            *_, owner, name, _, _ = urlsplit(self.path).path.split("/")
            entries = published.files(published.folder / "datasets" / owner / name)
            self._json([entry for entry in entries if entry["path"] in wanted])

        def _answer(self, *, body: bool):
            parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
            published.asked.append(f"{self.command} {'/'.join(parts)}")
            match parts:
                case ["api", "records", number]:
                    self._record(published.folder / "records" / number, number)
                case ["api", "records", number, "files", name, "content"]:
                    self._file(published.folder / "records" / number / name, body=body)
                case ["api", "datasets", owner, name] | ["api", "datasets", owner, name, "revision", _]:
                    self._json(
                        {"id": f"{owner}/{name}", "_id": "0", "sha": SHA, "private": False, "tags": [], "siblings": []}
                    )
                case ["api", "datasets", owner, name, "tree", _, *_]:
                    entries = published.files(published.folder / "datasets" / owner / name)
                    if "recursive=True" not in self.path and "recursive=true" not in self.path:
                        entries = [entry for entry in entries if "/" not in entry["path"]]
                    self._json(entries)
                case ["api", "datasets", owner, name, "commits", _]:
                    days = published.commits
                    self._json([
                        {"id": sha, "title": "", "message": "", "date": f"{day}T03:00:00.000Z", "authors": []}
                        for sha, day in sorted(days.items(), key=lambda item: item[1], reverse=True)
                    ])  # fmt: skip
                case ["datasets", owner, name, "resolve", revision, *path]:
                    file = published.folder / "datasets" / owner / name / "/".join(path)
                    self._file(file, body=body, revision=revision)
                case _:
                    self._json({"error": "not found"}, status=404)

        def _record(self, folder: Path, number: str):
            if not folder.is_dir():
                self._json({"status": 404, "message": "The persistent identifier does not exist."}, status=404)
                return
            files = [
                {
                    "key": path.name, "size": path.stat().st_size,
                    "checksum": f"md5:{published.digest or hashlib.md5(path.read_bytes()).hexdigest()}",
                    "links": {"self": f"{published.address}/api/records/{number}/files/{path.name}/content"},
                }
                for path in sorted(folder.iterdir())
            ]  # fmt: skip
            self._json({"id": int(number), "metadata": {"license": {"id": "cc-by-sa-4.0"}}, "files": files})

        def _json(self, document: object, *, status: int = 200):
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _file(self, path: Path, *, body: bool, revision: str = ""):
            if published.status != 200 or not path.is_file():
                self._json({"error": "Entry not found"}, status=published.status if published.status != 200 else 404)
                return
            data = path.read_bytes() + b"x" * published.grown
            first, _, last = self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data)), len(data) - 1)
            self.send_response(206 if "range" in self.headers else 200)
            if "range" in self.headers:
                self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
            digest = hashlib.sha256(data).hexdigest()
            for name, value in (("X-Repo-Commit", revision or SHA), ("ETag", f'"{digest}"'), ("X-Linked-Etag", f'"{digest}"'),
                                ("X-Linked-Size", str(len(data))), ("Accept-Ranges", "bytes")):  # fmt: skip
                self.send_header(name, value)
            rest = data[start : end + 1]
            published.sent += len(rest) if body else 0
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if not body:
                return
            if published.cut:
                self.wfile.write(rest[: published.cut.pop(0)])
                self.wfile.flush()
                self.connection.close()
                self.close_connection = True
                return
            self.wfile.write(rest)

    return Handler


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Published]:
    """Serve the folder on a port of this machine alone, as long as the block lasts."""
    published = Published(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(published))
    published.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield published
    finally:
        server.shutdown()
        server.server_close()
