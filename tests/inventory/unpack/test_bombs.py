"""A hostile archive costs no more than its limits, whatever it says about itself."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard
from tests.inventory.unpack.made import oci_image, tarred, unpacked, value, zipped

from yett.inventory.outcome import Unread
from yett.inventory.unpack import Limits, texts_of

MB = 1 << 20
SMALL = Limits(total=32 * MB, member=4 * MB, ratio_from=16 * MB)
ZEROS = bytes(MB)


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def read(source: Path | bytes, name: str, limits: Limits = SMALL) -> tuple[int, list[Unread]]:
    """(bytes of all texts, reports), a text at a time as the scan does it."""
    unread: list[Unread] = []
    return sum(len(text.content) for text in texts_of(source, name, limits, unread.append)), unread


def gzip_of(chunks: int, path: Path) -> Path:
    with gzip.open(path, "wb", 9) as file:
        for _ in range(chunks):
            file.write(ZEROS)
    return path


def test_a_file_of_zeros_is_cut_at_a_member(tmp_path: Path) -> None:
    with memory_below(16 * MB):
        size, unread = read(gzip_of(100, tmp_path / "bomb.gz"), "bomb.gz")
    assert size == 4 * MB
    assert [one.why for one in unread] == ["only its first 4 MB were read"]


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress],
    ids=["gz", "bz2", "xz", "zst"],
)
def test_a_tar_of_zeros_is_a_bomb(pack: Callable[[bytes], bytes]) -> None:
    made = pack(tarred({f"{number}.txt": ZEROS for number in range(60)}))
    with memory_below(24 * MB):
        size, unread = read(made, "bomb")
    assert size <= 32 * MB
    assert len(unread) == 1
    assert "the rest was not read" in unread[0].why


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_zeros_is_a_bomb(tmp_path: Path, method: int) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped({f"{number}.txt": ZEROS for number in range(60)}, method))
    with memory_below(24 * MB):
        size, unread = read(path, "bomb.zip")
    assert size <= 32 * MB
    assert len(unread) == 1


def test_the_ratio_tells_a_bomb_before_the_total_does(tmp_path: Path) -> None:
    made = zipped({f"{number}.txt": ZEROS for number in range(40)})
    _, unread = read(made, "x", Limits(total=1 << 40, ratio_from=8 * MB))
    assert [one.why for one in unread] == ["unpacks to more than 200 times its size: the rest was not read"]


def test_archives_within_archives_without_end() -> None:
    inner = zipped({"a.txt": b"x"})
    for _ in range(60):
        inner = zipped({f"{number}.zip": inner for number in range(2)}, zipfile.ZIP_STORED)[: 4 * MB]
        if len(inner) > MB:
            break
    size, unread = read(inner, "x.zip")
    assert size == 0
    assert {one.why for one in unread} == {"an archive 3 levels deep: not read"}
    assert len(unread) == 4


def test_members_that_all_share_the_same_bytes() -> None:
    """As in the bombs of D. Fifield, "A better zip bomb" (WOOT 2019): one body, many entries."""
    whole = zipped({"a.txt": ZEROS})
    directory = whole.index(b"PK\x01\x02")
    end = whole.rindex(b"PK\x05\x06")
    many = whole[directory:end] * 2000
    closing = whole[end : end + 12] + struct.pack("<LLH", len(many), directory, 0)
    with memory_below(16 * MB):
        size, unread = read(whole[:directory] + many + closing, "x.zip")
    assert size <= 32 * MB
    assert len(unread) == 1


def test_members_without_number() -> None:
    made = zipped({f"{number}": b"some text" for number in range(300)})
    _, unread = read(made, "x", Limits(members=100))
    assert [one.why for one in unread] == ["more than 100 members: the rest was not read"]
    _, unread = read(tarred({f"{number}": b"some text" for number in range(300)}), "x", Limits(members=100))
    assert [one.why for one in unread] == ["more than 100 members: the rest was not read"]


def test_an_image_may_be_larger_than_an_archive() -> None:
    layer = tarred({f"{number}.txt": b"some text" for number in range(150)})
    limits = Limits(members=100, total=MB // 8)
    size, unread = read(oci_image([layer], {}), "i.tar", limits)
    assert (size > 150 * 9, unread) == (True, [])


def test_many_broken_members_are_few_lines() -> None:
    raw = zipped({f"{number}.txt": value(number, 100) for number in range(500)}).replace(b"PK\x03\x04", b"PK\x03\x05")
    _, unread = read(b"PK\x03\x04" + raw[4:], "x.zip")
    assert len(unread) == 21
    assert unread[-1] == Unread("x.zip", "479 more parts of it could not be read")


def header(name: bytes, kind: bytes, size: bytes, more: bytes = b"") -> bytes:
    """A tar header with a field that no library would write."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar  \0"
    block[386 : 386 + len(more)] = more
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    "size", [b"77777777777\0", b"\x80" + b"\x7f" * 11, b"\xff" * 12, b"-1\0", b"9\0", b"\x80" + bytes(11)]
)
def test_sizes_that_cannot_be(tmp_path: Path, size: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(header(b"a", b"0", size) + bytes(4096))
    for source in (path, path.read_bytes(), gzip.compress(path.read_bytes())):
        with memory_below(16 * MB):
            unpacked(source, "x.tar", SMALL)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_headers_that_announce_gigabytes(kind: bytes) -> None:
    made = gzip.compress(header(b"a", kind, b"77777777777\0") + bytes(40 * MB))
    with memory_below(16 * MB):
        size, unread = read(made, "x.tgz")
    assert size == 0
    assert [one.why for one in unread] == ["a header of the archive is too large: the rest was not read"]


def test_holes_of_a_terabyte() -> None:
    """Old GNU sparse files: the header names a real size of 8 TB and goes on in further headers."""
    first = header(b"a", b"S", b"00000001000\0", more=b"0" * 96 + b"\x01" + b"\xff" * 12)
    maps = (bytes(504) + b"\1" + bytes(7)) * 3 + bytes(512)
    body = value(1, 512)
    texts, unread = unpacked(first + maps + body + bytes(1024), "x.tar")
    assert (texts, unread) == ({"x.tar!/a": body}, [])
    endless = gzip.compress(first + (bytes(504) + b"\1" + bytes(7)) * (40 * MB // 512))
    with memory_below(16 * MB):
        assert len(read(endless, "x.tgz")[1]) == 1


def test_a_pax_header_that_says_a_petabyte() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.pax_headers = {"size": str(10**15), "GNU.sparse.realsize": str(10**15)}
        archive.addfile(member)
    with memory_below(16 * MB):
        unpacked(made.getvalue(), "x.tar", SMALL)


def test_empty_streams_without_number() -> None:
    texts, unread = unpacked(gzip.compress(b"") * 300_000, "x.gz")
    assert texts == {}
    assert [one.why for one in unread] == ["holds more than 20000 compressed streams: the rest was not read"]


def test_dictionaries_of_gigabytes() -> None:
    made = bytearray(zipped({"a": b"some text"}, zipfile.ZIP_LZMA))
    at = made.index(b"\x05\x00\x5d") + 3
    made[at : at + 4] = b"\xff\xff\xff\xff"
    with memory_below(16 * MB):
        texts, unread = unpacked(bytes(made), "x")
    assert texts == {}
    assert len(unread) == 1
    wide = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=29))
    packer = wide.compressobj()
    made = bytearray(packer.compress(b"some text") + packer.flush())
    texts, unread = unpacked(bytes(made), "x.zst")
    assert texts == {}
    assert len(unread) == 1


def test_time_is_limited_and_stands_still_while_the_scan_works() -> None:
    _, unread = read(zipped({"a": b"x", "b": b"x"}), "x", Limits(seconds=-1.0))
    assert [one.why for one in unread] == ["took longer than -1 s: the rest was not read"]
