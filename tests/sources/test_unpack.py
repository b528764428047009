"""Archives as they are found: gzip, zip by every method, and what is broken, locked or made to do harm."""

import gzip
import random
import shutil
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import inflate64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.sources import unpack
from analysis.sources.unpack import UnpackError, members

TEXT = "".join(f"INSERT INTO `commits` VALUES ('{n:040x}','John Smith');\n" for n in range(3000)).encode()


def read(path: Path) -> dict[str, bytes]:
    return {member.name: b"".join(member.pieces()) for member in members(path, ".sql")}


def refused(path: Path) -> str:
    with pytest.raises(UnpackError) as error:
        read(path)
    return str(error.value)


def zipped(path: Path, method: int = zipfile.ZIP_DEFLATED, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def deflated64(
    path: Path, text: bytes, *, name: bytes = b"dump.sql", checksum: int | None = None, size: int | None = None
):
    """A zip as 7z or Windows make it, put together by hand: its one member is packed by Deflate64."""
    packer = inflate64.Deflater()
    packed = packer.deflate(text) + packer.flush()
    checksum = zlib.crc32(text) if checksum is None else checksum
    sizes = struct.pack("<LLLHH", checksum, len(packed), len(text) if size is None else size, len(name), 0)
    local = b"PK\3\4" + struct.pack("<HHHHH", 21, 0, 9, 0, 0) + sizes + name
    entry = b"PK\1\2" + struct.pack("<HHHHHH", 21, 21, 0, 9, 0, 0) + sizes + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), len(local) + len(packed), 0)
    path.write_bytes(local + packed + entry + end)
    return path


def test_plain_text_is_its_own_member(tmp_path):
    path = tmp_path / "dump.sql"
    path.write_bytes(TEXT)
    assert read(path) == {"dump.sql": TEXT}


def test_gzip_is_told_by_its_beginning_and_not_by_its_name(tmp_path):
    path = tmp_path / "dump.sql"
    path.write_bytes(gzip.compress(TEXT))
    assert read(path) == {"dump.sql": TEXT}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_of_every_method_of_zipfile(tmp_path, method):
    assert read(zipped(tmp_path / "a.zip", method, **{"a/dump.sql": TEXT})) == {"a/dump.sql": TEXT}


def test_deflate64_by_hand(tmp_path):
    assert read(deflated64(tmp_path / "a.zip", TEXT)) == {"dump.sql": TEXT}


@pytest.mark.skipif(not shutil.which("7z"), reason="7z is not installed")
def test_deflate64_of_7z(tmp_path):
    (tmp_path / "dump.sql").write_bytes(TEXT)
    subprocess.run(["7z", "a", "-mm=Deflate64", "a.zip", "dump.sql"], cwd=tmp_path, check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.infolist()[0].compress_type == unpack.DEFLATE64
    assert read(tmp_path / "a.zip") == {"dump.sql": TEXT}


def test_memory_does_not_grow_with_what_deflate64_is_fed(tmp_path):
    """inflate64 1.0 keeps every object that it is given: 2 MiB that do not pack must not stay in memory."""
    (member,) = members(deflated64(tmp_path / "a.zip", random.Random(1).randbytes(2**21)), ".sql")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for piece in member.pieces():
        del piece
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 2**18


def test_only_the_named_suffix_is_read_and_all_of_it(tmp_path):
    files = {"README.txt": b"no", "a.sql": b"1", "b/C.SQL": b"2", "__MACOSX/._a.sql": b"no"}
    assert read(zipped(tmp_path / "a.zip", **files)) == {"a.sql": b"1", "b/C.SQL": b"2"}


def test_progress_is_in_bytes_of_the_file_itself(tmp_path):
    path, seen = zipped(tmp_path / "a.zip", **{"dump.sql": TEXT}), []
    (member,) = members(path, ".sql", seen.append)
    assert b"".join(member.pieces()) == TEXT
    assert seen == sorted(seen) and 0 < seen[-1] <= path.stat().st_size


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"Rar!\x1a\x07", "is a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        (b"\n  <!DOCTYPE html><html>", "is an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"PK\x03\x04 and no more", "breaks off, or is no zip archive"),
        (b"\x1f\x8b\x08 no gzip", "breaks off"),
        (b"SQLite format 3\0", "is an SQLite database"),
    ],
)
def test_what_is_no_dump_is_named(tmp_path, start, said):
    (tmp_path / "dump.zip").write_bytes(start)
    assert refused(tmp_path / "dump.zip").startswith(said)


def test_zip_without_sql_names_what_it_holds(tmp_path):
    assert refused(zipped(tmp_path / "a.zip", **{"a.csv": b"1"})) == "holds no .sql; found 'a.csv'"


@pytest.mark.parametrize("name", ["../dump.sql", "/etc/dump.sql", "a/../../dump.sql", "..\\dump.sql"])
def test_member_that_lies_outside_is_refused_and_nothing_is_written(tmp_path, name):
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "a.zip", **{name: TEXT})
    assert "would lie outside" in refused(path)
    assert [found.name for found in tmp_path.rglob("*")] == ["in", "a.zip"]


def test_bomb_is_refused_before_it_is_read(tmp_path):
    path = zipped(tmp_path / "a.zip", **{"dump.sql": b"\0" * (unpack.ALWAYS_FINE + 1)})
    assert refused(path).startswith("unpacks to more than 200 times its size")


def test_bomb_of_gzip_is_stopped_on_the_way(tmp_path):
    with gzip.open(tmp_path / "dump.sql.gz", "wb") as stream:
        for _ in range(unpack.ALWAYS_FINE // 2**20 + 2):
            stream.write(b"a" * 2**20)
    assert refused(tmp_path / "dump.sql.gz").startswith("unpacks to more than 200 times its size")


def test_bomb_of_deflate64_that_lies_about_its_size_is_stopped(tmp_path):
    assert refused(deflated64(tmp_path / "a.zip", b"a" * 2**20, size=100)).startswith("is damaged")


def test_wrong_checksum_of_deflate64(tmp_path):
    assert refused(deflated64(tmp_path / "a.zip", TEXT, checksum=1)).startswith("is damaged")


def test_locked_zip(tmp_path):
    path = zipped(tmp_path / "a.zip", **{"dump.sql": TEXT})
    packed = bytearray(path.read_bytes())
    packed[6] |= 1
    packed[packed.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(packed)
    assert refused(path).startswith("is locked with a password")


@pytest.mark.parametrize("made", ["gzip", "zip", "deflate64"])
@given(cut=st.floats(0, 1, exclude_max=True), flipped=st.none() | st.floats(0, 1, exclude_max=True))
def test_archive_that_is_cut_or_changed_anywhere_ends_in_a_line_or_unharmed(tmp_path_factory, made, cut, flipped):
    path = tmp_path_factory.mktemp("cut") / "a"
    text = TEXT[:20_000]
    if made == "gzip":
        path.write_bytes(gzip.compress(text))
    elif made == "zip":
        zipped(path, **{"dump.sql": text})
    else:
        deflated64(path, text)
    packed = bytearray(path.read_bytes())
    if flipped is None:
        packed = packed[: max(int(len(packed) * cut), 4)]
    else:
        packed[int(len(packed) * flipped)] ^= 1 << int(cut * 8)
    path.write_bytes(packed)
    try:
        found = list(read(path).values())
    except UnpackError as error:
        assert "\n" not in str(error)
    else:
        assert found == [text] or not found or bytes(packed[:2]) not in (b"PK", b"\x1f\x8b")
