"""From a cell to the line of the source that made it, on the project's host; for the page of a run.

The address comes from Git's remote `origin`, without what may be secret in it; where there is none, text takes its place.
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from analysis import paths

_HOST = r"(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
_FORMS = (
    re.compile(rf"(?P<scheme>https?)://(?:[^/@]*@)?{_HOST}(?P<port>:\d+)?/(?P<path>[\w./~+-]+)"),
    re.compile(rf"(?:ssh|git)://(?:[^/@]*@)?{_HOST}(?::\d+)?/(?P<path>[\w./~+-]+)"),
    re.compile(rf"(?:[^/@:]*@)?{_HOST}:(?P<path>[\w./~+-]+)"),  # git@host:owner/name.git
)
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
# Where a host shows lines of a file at a commit; anywhere else as GitHub does.
_LAYOUTS = {
    "gitlab": ("/-/blob/{commit}/{path}", "#L{first}-{last}"),
    "bitbucket": ("/src/{commit}/{path}", "#lines-{first}:{last}"),
    "codeberg": ("/src/commit/{commit}/{path}", "#L{first}-L{last}"),
    "gitea": ("/src/commit/{commit}/{path}", "#L{first}-L{last}"),
    "forgejo": ("/src/commit/{commit}/{path}", "#L{first}-L{last}"),
}
_LAYOUT = ("/blob/{commit}/{path}", "#L{first}-L{last}")


class Source(NamedTuple):
    """Lines of a file of the repository: what a reader sees, and the address ("" where there is none)."""

    text: str
    url: str


def remote() -> str:
    """Git's address of `origin`; empty outside of Git and where there is none."""
    command = ["git", "-C", str(paths.ROOT), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def web_address(address: str) -> str:
    """The project's page of a remote, without user, password or query; empty for a directory and for what is none."""
    found = next((match for form in _FORMS if (match := form.fullmatch(address.split("?")[0].split("#")[0]))), None)
    if not found:
        return ""
    parts = found.groupdict()
    scheme, port = parts.get("scheme") or "https", parts.get("port") or ""
    return f"{scheme}://{parts['host'].lower()}{port}/{parts['path'].strip('/').removesuffix('.git')}"


def source(path: str, lines: tuple[int, int], *, project: str, commit: str) -> Source:
    """Lines of a file of the repository; with an address where the project has one and the tree is that of a commit."""
    first, last = lines
    text = f"{path}, lines {first} to {last}"
    if not project or not _COMMIT.fullmatch(commit):
        return Source(f"{text} ({commit})", "")
    host = project.split("/")[2]
    page, fragment = next((layout for name, layout in _LAYOUTS.items() if name in host), _LAYOUT)
    url = project + page.format(commit=commit, path=quote(path)) + fragment.format(first=first, last=last)
    return Source(text, url)


def cell_lines(path: Path) -> list[tuple[int, int]]:
    """First and last line of every cell of a py:percent notebook, without the marker and blank lines at the end."""
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines, start=1) if line.startswith("# %%")]
    found = []
    for start, after in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        last = max((n for n in range(start, after) if lines[n - 1].strip()), default=start)
        found.append((min(start + 1, last), last))
    return found
