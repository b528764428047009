"""Fetch what others published of the Hub: which sources there are, what a date of one consists of, and its files.

`data/sources.csv` lists the sources. The Hub's files come through `huggingface_hub`, Zenodo's through a small client below;
both go on where they were stopped, and a file whose digest is not the published one is not kept. Nothing is fetched unasked.
"""

import datetime as dt
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx2
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tenacity
from huggingface_hub import HfApi, HfFileSystem, constants, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

from analysis import __version__, paths
from analysis.snapshot import SnapshotError
from analysis.sources import rows

ZENODO = "https://zenodo.org"
TRIES = 5
CHUNK = 1 << 20  # bytes of a file of the Hub that are asked for at a time
WEEK = 8  # days: to the week's end, and one for clocks east of UTC
_MADE_FROM = b"made from"
SPARE = 1.05  # of the size: what has to be free on the disk
LISTED = {"model": "models", "dataset": "datasets", "space": "spaces"}
_FOLDER = re.compile(r"(\d{2})-(\d{2})-(\d{4}) (\d{2})-(\d{2})")  # of weyaxi: day, month, year, hour, minute


class Remote(NamedTuple):
    """A file that can be had: its name here, what `import` calls it ("" if it is not imported), bytes, digest, address.

    `digest` is `md5:...` or `sha256:...`; "" where none is published. `place` is (repository, path, revision) of the Hub
    or an address of Zenodo.
    """

    name: str
    kind: str
    size: int | None
    digest: str
    place: tuple[str, str, str] | str


@dataclass(frozen=True)
class Plan:
    """What one date of a source consists of."""

    source: pd.Series
    date: dt.date
    files: tuple[Remote, ...]
    licence: str
    note: str = ""
    days: int = 0  # how many days after `date` the files may have been taken; `taken` reads it from them

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where one does not say."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(sizes)

    @property
    def name(self) -> str:
        """The name of the snapshot."""
        return f"{self.date.isoformat()}-{self.source.name}"

    @property
    def directory(self) -> Path:
        """Where the files are kept."""
        return paths.raw() / self.name


def sources() -> pd.DataFrame:
    """`data/sources.csv` by name: title, service, place, first, last, rhythm, covers, lacks, licence, size, citation,
    attribution (what has to be said where something made of it is passed on)."""
    return pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, index_col="name")


def plan(name: str, date: str) -> Plan:
    """What a date of a source consists of; `date` is YYYY-MM-DD, or YYYY-MM for a source with a few dates.

    Raises SnapshotError in one line: unknown source, no such date (with those there are), service out of reach.
    """
    table = sources()
    if name not in table.index:
        raise SnapshotError(f"source {name[:60]!r}: expected one of {', '.join(table.index)}")
    return _PLANS[name](table.loc[name], date)


# --- the Hub ------------------------------------------------------------------------------------------------


def _api() -> HfApi:
    return HfApi(library_name="hub-activity-paper", library_version=__version__)


def _day(date: str, source: pd.Series) -> dt.date:
    try:
        return dt.date.fromisoformat(date)
    except ValueError:
        raise SnapshotError(f"{source.name} {date[:40]!r}: expected a date as 2025-01-01") from None


def _asked(source: pd.Series, question: Callable[[], object]) -> object:
    """The Hub's answer about a source's repository; what it says instead becomes one line."""
    try:
        return question()
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no"
        gone = (
            "is gone, was renamed, or cannot be read without a token" if status in (401, 403, 404) else "gave no answer"
        )
        raise SnapshotError(f"{source.name}: datasets/{source.place} {gone} (status {status})") from None
    except (httpx2.HTTPError, OSError) as error:
        raise SnapshotError(
            f"{source.name}: the Hub is out of reach ({type(error).__name__}); is there a network?"
        ) from None


def _remotes(source: pd.Series, kinds: dict[str, str], revision: str) -> tuple[Remote, ...]:
    """The files of a repository with sizes and digests; kinds: path -> what `import` calls it."""
    found = _asked(
        source, lambda: _api().get_paths_info(source.place, list(kinds), repo_type="dataset", revision=revision)
    )
    known = {file.path: file for file in found}
    if lacking := [path for path in kinds if path not in known]:
        raise SnapshotError(f"{source.name}: {lacking[0]} is not in the repository any more")
    return tuple(
        Remote(
            name=Path(path).name if len({Path(p).name for p in kinds}) == len(kinds) else path.replace("/", "-"),
            kind=kinds[path],
            size=known[path].size,
            digest=f"sha256:{known[path].lfs.sha256}" if known[path].lfs else "",
            place=(source.place, path, revision),
        )
        for path in kinds
    )


def _revision(source: pd.Series) -> str:
    return _asked(source, lambda: _api().dataset_info(source.place)).sha


def _weekly(source: pd.Series, date: str) -> Plan:
    """The week that contains the date: its label is the week's first day, its files are of the end of that week.

    So the snapshot's day is that of their newest record (`taken`): taken for the label's, the week's own changes would be
    records of the future.
    """
    day, revision = _day(date, source), _revision(source)
    files = _asked(source, lambda: _api().list_repo_files(source.place, repo_type="dataset", revision=revision))
    labels = sorted(
        {match[1] for file in files if (match := re.fullmatch(r"models/(\d{4}-\d{2}-\d{2})/models\.parquet", file))}
    )
    chosen = [
        label
        for label in labels
        if label <= day.isoformat() < (dt.date.fromisoformat(label) + dt.timedelta(7)).isoformat()
    ]
    if not chosen:
        raise SnapshotError(f"{source.name} {date}: no week holds that day; there are {_span(labels)}")
    wanted = {f"{kinds}/{chosen[0]}/{kinds}.parquet": f"hub-listing-parquet:{kinds}" for kinds in LISTED.values()}
    kinds = {path: kind for path, kind in wanted.items() if path in files}
    note = f"the files of the week from {chosen[0]} are of its end, up to seven days later"
    return Plan(source, dt.date.fromisoformat(chosen[0]), _remotes(source, kinds, revision), source.licence, note, WEEK)


def _span(labels: list[str]) -> str:
    return f"{labels[0]} to {labels[-1]}" if labels else "none"


def _daily(source: pd.Series, date: str) -> Plan:
    """The last revision of that UTC day, or the one before it."""
    day = _day(date, source)
    commits = _asked(source, lambda: _api().list_repo_commits(source.place, repo_type="dataset"))
    until = [commit for commit in commits if commit.created_at.astimezone(dt.UTC).date() <= day]
    if not until:
        first = min((commit.created_at for commit in commits), default=None)
        since = f"; its first revision is of {first.date()}" if first else ""
        raise SnapshotError(f"{source.name} {date}: no revision is as old{since}")
    chosen = max(until, key=lambda commit: commit.created_at)
    kinds = {f"{kinds}.parquet": f"hub-listing-parquet:{kinds}" for kinds in LISTED.values()}
    taken = chosen.created_at.astimezone(dt.UTC).date()
    return Plan(source, taken, _remotes(source, kinds, chosen.commit_id), source.licence)


def _folders(source: pd.Series, date: str) -> Plan:
    """The folder nearest to the date; of several the first."""
    day, revision = _day(date, source), _revision(source)
    entries = _asked(
        source,
        lambda: list(_api().list_repo_tree(source.place, repo_type="dataset", revision=revision, recursive=False)),
    )
    folders = {entry.path: match for entry in entries if (match := _FOLDER.fullmatch(entry.path))}
    if not folders:
        raise SnapshotError(f"{source.name}: no folder is called as 19-10-2023 12-46; the repository was laid out anew")
    taken = {path: dt.datetime(*(int(match[i]) for i in (3, 2, 1, 4, 5))) for path, match in folders.items()}
    chosen = min(taken, key=lambda path: (abs((taken[path].date() - day).days), taken[path]))
    kinds = {f"{chosen}/{kinds}_df.csv": f"hub-listing-csv:{kinds}" for kinds in LISTED.values()}
    found = taken[chosen].date()
    note = "" if found == day else f"the nearest to {day} is of {found}"
    return Plan(source, found, _remotes(source, kinds, revision), source.licence, note)


def _triples(source: pd.Series, date: str) -> Plan:
    """The one date that there is; only the triples, since the rest holds what people like and follow."""
    revision = _revision(source)
    files = _remotes(source, {"triples.txt": "huggingkg"}, revision)
    return Plan(source, _only_date(source, date), files, source.licence)


def _only_date(source: pd.Series, date: str) -> dt.date:
    if date and not source["first"].startswith(date):
        raise SnapshotError(f"{source.name} {date[:40]}: there is one date, {source['first']}")
    return dt.date.fromisoformat(source["first"])


# --- Zenodo -------------------------------------------------------------------------------------------------


def zenodo() -> str:
    """Address of Zenodo; `HUB_PAPER_ZENODO` names another one."""
    return os.environ.get("HUB_PAPER_ZENODO", ZENODO).rstrip("/")


def _record(source: pd.Series, record: str) -> dict:
    """What Zenodo says of a record: files with key, size, checksum, links.self; metadata.license.id."""
    address = f"{zenodo()}/api/records/{record}"
    try:
        answer = httpx2.get(address, timeout=60, follow_redirects=True)
    except httpx2.HTTPError as error:
        raise SnapshotError(
            f"{source.name}: Zenodo is out of reach ({type(error).__name__}); is there a network?"
        ) from None
    if answer.status_code != 200:
        raise SnapshotError(f"{source.name}: Zenodo has no record {record} any more (status {answer.status_code})")
    try:
        found = answer.json()
        files = [(file["key"], int(file["size"]), file["checksum"], file["links"]["self"]) for file in found["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"{source.name}: Zenodo's record {record} is not as expected (no {error})") from None
    return {"files": files, "licence": (found.get("metadata", {}).get("license") or {}).get("id", "")}


def _hfcommunity(source: pd.Series, date: str) -> Plan:
    dumps = pd.read_csv(paths.DATA / "hfcommunity_records.csv", dtype=str)
    chosen = dumps[dumps["date"].str.startswith(date)] if date else dumps.iloc[:0]
    if len(chosen) != 1:
        raise SnapshotError(f"{source.name} {date[:40]}: expected one of {', '.join(dumps['date'])}")
    (row,) = chosen.to_dict("records")
    about = _record(source, row["record"])
    files = tuple(
        Remote(key, "hfcommunity", size, checksum, address)
        for key, size, checksum, address in about["files"]
        if key == row["file"]
    )
    if not files:
        held = ", ".join(key for key, *_ in about["files"])
        raise SnapshotError(f"{source.name}: Zenodo's record {row['record']} holds {held}, and no {row['file']}")
    return Plan(source, dt.date.fromisoformat(row["date"]), files, about["licence"] or source.licence)


def _castano(source: pd.Series, date: str) -> Plan:
    """All CSV files of the record: whoever imports them names their columns."""
    about = _record(source, source.place)
    files = tuple(Remote(key, "", *rest) for key, *rest in about["files"] if key.endswith((".csv", ".csv.gz")))
    if not files:
        held = ", ".join(key for key, *_ in about["files"])
        raise SnapshotError(f"{source.name}: Zenodo's record {source.place} holds {held}, and no CSV file")
    note = "import what you need of it with commits-csv or models-csv, and name its columns"
    return Plan(source, _only_date(source, date), files, about["licence"] or source.licence, note)


_PLANS: dict[str, Callable[[pd.Series, str], Plan]] = {
    "hfcommunity": _hfcommunity,
    "hub-weekly": _weekly,
    "hub-stats": _daily,
    "weyaxi": _folders,
    "huggingkg": _triples,
    "castano": _castano,
}


# --- files --------------------------------------------------------------------------------------------------


def fetch(planned: Plan, *, progress: Callable[[str, int, int | None], None] | None = None) -> Iterator[Path]:
    """Download the files that are not there yet, and check each; yields their paths.

    `progress` is told a file's name, the bytes done and the bytes in all. Raises SnapshotError in one line: no space, a
    digest or a size that is not the published one, a file that is gone. What was downloaded in part stays, so that the
    same call goes on with it.
    """
    if strange := [file.name for file in planned.files if not re.fullmatch(r"[\w+-][\w .+-]*", file.name)]:
        raise SnapshotError(f"{planned.source.name}: publishes a file {strange[0][:60]!r}, which is no plain name")
    planned.directory.mkdir(parents=True, exist_ok=True)
    waiting = [file for file in planned.files if not _is_there(planned.directory / file.name, file)]
    _check_space(planned.directory, sum(file.size or 0 for file in waiting))
    for file in planned.files:
        target = planned.directory / file.name
        if file in waiting:
            (_from_zenodo if isinstance(file.place, str) else _from_hub)(file, target, progress)
            if not _is_there(target, file):
                _check(target, file)
        yield target


def taken(planned: Plan, files: list[Path]) -> dt.date:
    """The day of the snapshot: the plan's, or where that is the first of some days, that of the files' newest record."""
    last = planned.date + dt.timedelta(days=planned.days)
    newest = [planned.date, *(day for file in files if planned.days for day in _newest(file) if day <= last)]
    return max(newest)


def _newest(file: Path) -> Iterator[dt.date]:
    """The last day in each column of times of a Parquet file; none for another file, or for texts that are no dates."""
    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowInvalid:
        return
    for name in sorted({"lastModified", "last_modified", "createdAt", "created_at"} & set(parquet.schema_arrow.names)):
        with suppress(ValueError):
            yield dt.date.fromisoformat(str(pc.max(parquet.read([name])[name]).as_py())[:10])


def _is_there(target: Path, file: Remote) -> bool:
    if target.is_file() and target.suffix == ".parquet" and target.stat().st_size != file.size:
        return _made_from(target) == _stamp(file)
    return target.is_file() and target.stat().st_size == file.size and _digest(target, file.digest) == file.digest


def _check_space(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if needed * SPARE > free:
        raise SnapshotError(f"{directory}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB free; make room")


def _check(target: Path, file: Remote) -> None:
    """Raises SnapshotError, and forgets the file, where it is not the one that was published."""
    size, found = target.stat().st_size, _digest(target, file.digest)
    if file.size not in (None, size) or found != file.digest:
        target.unlink()
        what = f"{size:,} bytes" if file.size not in (None, size) else found
        raise SnapshotError(
            f"{file.name}: came with {what}, published with {file.size or 0:,} bytes and {file.digest}; fetch it again"
        )


def _digest(path: Path, published: str) -> str:
    """The file's digest of the kind that was published; "" where none was."""
    if not published:
        return ""
    kind = published.split(":")[0]
    with open(path, "rb") as stream:
        return f"{kind}:{hashlib.file_digest(stream, kind).hexdigest()}"


def _from_hub(file: Remote, target: Path, progress) -> None:
    """The whole file or the columns of it that are read; the client goes on with what it has in part."""
    repository, path, revision = file.place
    try:
        if target.suffix == ".parquet" and _columns_from_hub(file, target, progress):
            return
        whole = {"repo_type": "dataset", "revision": revision, "library_version": __version__}
        got = hf_hub_download(repository, path, local_dir=target.parent / ".hub", **whole)
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise _broken_off(file, error) from None
    os.replace(got, target)
    shutil.rmtree(target.parent / ".hub")
    if progress:
        progress(file.name, target.stat().st_size, file.size)


def _stamp(file: Remote) -> bytes:
    return f"{file.size} {file.digest}".encode()


def _made_from(target: Path) -> bytes:
    """The stamp of the published file that a file with some of its columns was made from; empty for any other file."""
    try:
        return (pq.read_metadata(target).metadata or {}).get(_MADE_FROM, b"")
    except (pa.ArrowInvalid, OSError):
        return b""


def _columns_from_hub(file: Remote, target: Path, progress) -> bool:
    """Read only the columns that the importer reads, by ranges, where they are less than half of a Parquet file.

    Whether they are. What is written has the size and the digest of the published file in its metadata, since they can't
    be checked against a part of it.
    """
    repository, path, revision = file.place
    part = target.with_name(target.name + ".part")
    with HfFileSystem(endpoint=constants.ENDPOINT, skip_instance_cache=True).open(
        f"datasets/{repository}@{revision}/{path}", block_size=CHUNK
    ) as stream:
        try:
            remote = pq.ParquetFile(stream, pre_buffer=True)
        except pa.ArrowInvalid:  # no Parquet: it comes whole, and `import` says what it is
            return False
        sizes = _column_sizes(remote.metadata)
        wanted = [column for column in remote.schema_arrow.names if column in rows.READ]
        needed, total = sum(sizes[column] for column in wanted), sum(sizes.values())
        if not wanted or needed * 2 > total:
            return False
        schema = pa.schema(
            [remote.schema_arrow.field(column) for column in wanted], metadata={_MADE_FROM: _stamp(file)}
        )
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for group in range(remote.num_row_groups):
                writer.write_table(remote.read_row_group(group, columns=wanted).cast(schema))
                if progress:
                    progress(
                        f"{file.name}, {len(wanted)} of {len(sizes)} columns",
                        needed * (group + 1) // remote.num_row_groups,
                        needed,
                    )
    os.replace(part, target)
    return True


def _column_sizes(metadata: pq.FileMetaData) -> dict[str, int]:
    """Compressed bytes of every column, all of what is nested in it together."""
    sizes: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            name = column.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    return sizes


def _broken_off(file: Remote, error: Exception) -> SnapshotError:
    response = getattr(error, "response", None)
    why = f"status {response.status_code}" if response is not None else _why(error)
    return SnapshotError(f"{file.name}: broken off ({why}); the same command goes on")


def _why(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__


def _from_zenodo(file: Remote, target: Path, progress) -> None:
    """Download by parts: an interruption loses nothing, a file that changed meanwhile is begun anew."""
    part = target.with_name(target.name + ".part")
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(httpx2.TransportError),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=tenacity.wait_exponential(multiplier=0.5, max=30),
        reraise=True,
    )
    try:
        attempts(_download_rest, file, part, progress)
    except (httpx2.HTTPError, OSError) as error:
        raise _broken_off(file, error) from None
    os.replace(part, target)


def _download_rest(file: Remote, part: Path, progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None and have >= file.size:
        if have == file.size:
            return
        have = 0  # of another file
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx2.stream("GET", file.place, headers=headers, timeout=60, follow_redirects=True) as answer:
        if answer.status_code not in (200, 206):
            raise SnapshotError(f"{file.name}: Zenodo does not give it (status {answer.status_code})")
        goes_on = answer.status_code == 206 and answer.headers.get("content-range", "").startswith(f"bytes {have}-")
        have = have if goes_on else 0
        with open(part, "ab" if goes_on else "wb") as stream:
            for chunk in answer.iter_raw():
                stream.write(chunk)
                have += len(chunk)
                if progress:
                    progress(file.name, have, file.size)
                if file.size is not None and have > file.size:
                    break
    if file.size is not None and have > file.size:
        part.unlink()
        raise SnapshotError(
            f"{file.name}: longer than the {file.size:,} bytes published; it was replaced, fetch it again"
        )
    if file.size is not None and have < file.size:
        raise httpx2.ReadError(f"{have:,} of {file.size:,} bytes")
