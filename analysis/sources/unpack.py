"""What is in a packed file? Streams of bytes out of gzip and zip, Deflate64 among them; nothing is unpacked to disk."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import inflate64

DEFLATE64 = 9  # the zip format's number of the method that Windows takes for large files, and Python's zipfile lacks
PACKED_AT_ONCE = 2**14  # bytes: unpacked, they are 16 MiB at most
PIECE = 2**20
LARGEST_RATIO = 200  # text packs 5 to 30 times smaller; a file made to fill the disk packs a thousand times smaller
ALWAYS_FINE = 64 * 2**20  # bytes that may come out of anything
_FOREIGN = {  # what a file is whose first bytes are these, and what to do about it
    b"Rar!": "a RAR archive; unpack it, and take the .sql in it",
    b"7z\xbc\xaf": "a 7z archive; unpack it, and take the .sql in it",
    b"BZh": "packed by bzip2; unpack it first",
    b"\xfd7zXZ": "packed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it first",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"version https://git-lfs": "a Git LFS pointer, not the data; fetch the file itself",
}


class UnpackError(ValueError):
    """A file that can't be unpacked; the message is the rest of one line that begins with the file's name."""


@dataclass(frozen=True)
class Member:
    """One file inside another, or a file that is not packed; `pieces` reads it from the beginning."""

    name: str
    pieces: Callable[[], Iterator[bytes]]


def members(path: Path, suffix: str, at: Callable[[int], None] = lambda done: None) -> list[Member]:
    """The files in a zip whose name ends with `suffix`, or the one that a gzip or plain file is.

    `at` is told how many bytes of the file itself were read. Raises UnpackError, also while a member is read.
    """
    with path.open("rb") as raw:
        start = raw.read(32)
    for beginning, what in _FOREIGN.items():
        if start.startswith(beginning):
            raise UnpackError(f"is {what}")
    if start.lstrip().startswith(b"<"):
        raise UnpackError("is an HTML page, not the dump; fetch the file itself")
    if start.startswith(b"PK"):
        return _zipped(path, suffix, at)
    packed = start.startswith(b"\x1f\x8b")
    return [Member(path.name, lambda: _broken_off(_plain(path, at, packed=packed)))]


def _plain(path: Path, at: Callable[[int], None], *, packed: bool) -> Iterator[bytes]:
    with path.open("rb") as raw:
        stream = gzip.GzipFile(fileobj=raw) if packed else raw
        done = 0
        while piece := stream.read(PIECE):
            at(raw.tell())
            yield piece
            done += len(piece)
            _check_ratio(done, raw.tell())


def _zipped(path: Path, suffix: str, at: Callable[[int], None]) -> list[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OverflowError, EOFError, ValueError, OSError):
        raise UnpackError("breaks off, or is no zip archive; fetch it again") from None
    names = [info.filename for info in found]
    for name in names:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise UnpackError(f"holds a file that would lie outside of it ({_shown(name)}); no dump does")
    wanted = [info for info in found if info.filename.lower().endswith(suffix) and not _is_resource(info.filename)]
    if not wanted:
        raise UnpackError(f"holds no {suffix}; found {', '.join(map(_shown, names[:12])) or 'nothing'}")
    for info in wanted:
        if info.flag_bits & 1:
            raise UnpackError(f"is locked with a password ({_shown(info.filename)}); unpack it first")
        _check_ratio(info.file_size, info.compress_size)
    return [Member(info.filename, lambda info=info: _broken_off(_member(path, info, at))) for info in wanted]


def _is_resource(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._")


def _member(path: Path, info: zipfile.ZipInfo, at: Callable[[int], None]) -> Iterator[bytes]:
    if info.compress_type == DEFLATE64:
        yield from _inflated(path, info, at)
        return
    with path.open("rb") as raw, zipfile.ZipFile(raw) as archive, archive.open(info) as stream:
        while piece := stream.read(PIECE):
            at(raw.tell())
            yield piece


def _inflated(path: Path, info: zipfile.ZipInfo, at: Callable[[int], None]) -> Iterator[bytes]:
    """A member packed by Deflate64, checked against its length and its checksum.

    One buffer is filled again and again: inflate64 1.0 keeps a reference to every object that it is fed.
    """
    inflater, buffer, left, done, checksum = inflate64.Inflater(), bytearray(PACKED_AT_ONCE), info.compress_size, 0, 0
    with path.open("rb") as raw:
        raw.seek(info.header_offset)
        header = raw.read(30)
        if not header.startswith(b"PK\x03\x04") or len(header) < 30:
            raise zipfile.BadZipFile
        raw.seek(sum(struct.unpack_from("<HH", header, 26)), 1)  # past the name and the extra field
        while left:
            whole = left >= len(buffer)
            read = raw.readinto(buffer if whole else memoryview(buffer)[:left])
            if not read:
                raise EOFError
            piece = inflater.inflate(buffer if read == len(buffer) else bytes(buffer[:read]))
            left, done, checksum = left - read, done + len(piece), zlib.crc32(piece, checksum)
            if done > info.file_size:
                raise zipfile.BadZipFile
            at(raw.tell())
            yield piece
    if done != info.file_size or checksum != info.CRC:
        raise zipfile.BadZipFile


@contextmanager
def _named() -> Iterator[None]:
    """Turn what the libraries say of a broken file into the rest of a line."""
    try:
        yield
    except EOFError:
        raise UnpackError("breaks off; the download is incomplete, fetch it again") from None
    except NotImplementedError:
        raise UnpackError(
            "is packed by a method that is not known; expected Deflate or Deflate64, unpack it first"
        ) from None
    except RuntimeError:
        raise UnpackError("is locked with a password; unpack it first") from None
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, ValueError, struct.error) as error:
        if isinstance(error, UnpackError):
            raise
        raise UnpackError("is damaged: its checksum or its length is wrong; fetch it again") from None
    except OSError as error:
        raise UnpackError(f"can't be read ({error.strerror or type(error).__name__})") from None


def _broken_off(pieces: Iterator[bytes]) -> Iterator[bytes]:
    while True:
        with _named():
            piece = next(pieces, None)
        if piece is None:
            return
        if piece:
            yield piece


def _check_ratio(size: int, packed: int) -> None:
    if size > ALWAYS_FINE and size > LARGEST_RATIO * packed:
        raise UnpackError(f"unpacks to more than {LARGEST_RATIO} times its size; no dump does")


def _shown(name: str) -> str:
    return ascii(name[:60])
