"""What the records of repositories say that later questions need, and how it is kept."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping

from analysis.sources.hub.journal import Journal
from analysis.sources.hub.tables import LINKS
from analysis.sources.rows import UnusableError, repository_id


def listed(page: Iterable[Mapping]) -> dict[str, Mapping]:
    """Repositories of a page by name, without those whose name is none."""
    found = {}
    for item in page:
        try:
            found.setdefault(repository_id(item.get("id")), item)
        except UnusableError:
            continue  # counted when the snapshot is built
    return found


def instant(text: object) -> str | None:
    """A date of the Hub in one form, in UTC; None for none."""
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC).isoformat()
    except (TypeError, ValueError):
        return None


def known(item: Mapping) -> tuple[str | None, str, int, str]:
    """What a record says that later questions need: last modified, why it is left out, whether gated, its revision."""
    revision = item.get("sha")
    gated = item.get("gated") not in (None, False)
    return instant(item.get("lastModified")), left_out(item), gated, revision if isinstance(revision, str) else ""


def left_out(item: Mapping) -> str:
    return "private" if item.get("private") is True else "disabled" if item.get("disabled") is True else ""


def rank(kind: str, repo_id: str) -> str:
    return hashlib.sha256(f"{kind}/{repo_id}".encode()).hexdigest()


def note_links(journal: Journal, kind: str, items: Iterable[Mapping]) -> None:
    """Keep whether any record has the list of its links; inside a `step`."""
    column = LINKS.get(kind, "")
    if any(isinstance(item.get(column), list) for item in items):
        journal.set(f"has {column}", "true")
