"""Archives of every kind give their texts by name, however they are nested, and say what they kept."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from tests.inventory.unpack.made import debian_package, tarred, unpacked, value, zipped

from yett.inventory.unpack import HEAD, Limits, is_container, texts_of

FILES = {"conf/.env": b"TOKEN=" + value(1), "read me.md": b"nothing"}


def expected(name: str) -> dict[str, bytes]:
    return {f"{name}!/{file}": content for file, content in FILES.items()}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_members_of_every_method(tmp_path: Path, method: int) -> None:
    path = tmp_path / "backup.zip"
    path.write_bytes(zipped(FILES, method))
    assert unpacked(path, "backup.zip") == (expected("backup.zip"), [])
    assert unpacked(path.read_bytes(), "backup.zip") == (expected("backup.zip"), [])


@pytest.mark.parametrize("ending", ["jar", "war", "whl", "docx", "xlsx", "apk", "nupkg", "vsix", "bin"])
def test_a_zip_is_one_under_any_name(ending: str) -> None:
    made = zipped(FILES)
    assert is_container(f"x.{ending}", made[:HEAD])
    assert unpacked(made, f"x.{ending}")[0] == expected(f"x.{ending}")


def test_a_zip_behind_a_program_with_its_offsets_left_as_they_were() -> None:
    """As self-extracting archives are made."""
    made = zipped({"a.txt": value(2)})
    joined = zipped({"outer.txt": b"x"})[:4] + b"#" * 100 + made
    assert unpacked(joined, "x")[0] == {"x!/a.txt": value(2)}


def test_a_zip64_with_its_sizes_in_the_extra_field() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive, archive.open("a.txt", "w", force_zip64=True) as member:
        member.write(value(3))
    raw = bytearray(made.getvalue())
    at = raw.rindex(b"PK\x01\x02")
    size = len(value(3))
    assert struct.unpack_from("<LL", raw, at + 20) == (size, size)
    wide = struct.pack("<HHQQ", 1, 16, size, size)
    struct.pack_into("<LL", raw, at + 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", raw, at + 30, len(wide))
    end = raw.rindex(b"PK\x05\x06")
    struct.pack_into("<L", raw, end + 12, end - at + len(wide))
    raw[at + 46 + 5 : at + 46 + 5] = wide
    assert unpacked(bytes(raw), "x") == ({"x!/a.txt": value(3)}, [])


def test_encrypted_members_are_one_line() -> None:
    raw = bytearray(zipped({f"{number}.txt": b"x" * 50 for number in range(5)}))
    at = 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:
        raw[at + 8] |= 1
        at += 4
    texts, unread = unpacked(bytes(raw), "x.zip")
    assert texts == {}
    assert [one.why for one in unread] == ["encrypted, as others in it may be: not read"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tars_of_every_make(tmp_path: Path, mode: str, kind: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(tarred(FILES, mode, kind))
    assert is_container("x", path.read_bytes()[:HEAD])
    assert unpacked(path, "x") == (expected("x"), [])


def test_a_tar_in_zstd() -> None:
    made = zstandard.ZstdCompressor().compress(tarred(FILES))
    assert unpacked(made, "x.tar.zst") == (expected("x.tar.zst"), [])


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_names_of_other_scripts(kind: int) -> None:
    files = {"/".join(["folder"] * 40) + "/ключ.env": value(4)}
    assert unpacked(tarred(files, kind=kind), "x.tar")[0] == {f"x.tar!/{name}": text for name, text in files.items()}


def test_an_old_tar_without_a_magic_by_its_name_and_sum() -> None:
    raw = bytearray(tarred({"a": value(5)}, kind=tarfile.USTAR_FORMAT))
    raw[257:265] = bytes(8)
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    assert not is_container("x", bytes(raw[:HEAD]))
    assert unpacked(bytes(raw), "x.tar")[0] == {"x.tar!/a": value(5)}


def test_links_and_folders_in_a_tar_hold_nothing() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind in (
            ("d", tarfile.DIRTYPE),
            ("l", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("f", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("a")
        member.size = 32
        archive.addfile(member, io.BytesIO(value(6)))
    assert unpacked(made.getvalue(), "x") == ({"x!/a": value(6)}, [])


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", zstandard.ZstdCompressor().compress)],
)
def test_a_single_compressed_file(ending: str, pack: object) -> None:
    made = pack(value(7) * 1000)  # type: ignore[operator]  # one of four functions
    assert unpacked(made, f"/x/dump.sql.{ending}") == ({f"/x/dump.sql.{ending}!/dump.sql": value(7) * 1000}, [])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_streams_one_behind_the_other(pack: object) -> None:
    made = pack(b"one ") + pack(b"two ") + pack(b"three")  # type: ignore[operator]  # as above
    assert unpacked(made, "x.gz")[0] == {"x.gz!/x": b"one two three"}


def test_two_levels_are_read_and_the_third_is_reported() -> None:
    third = zipped({"deep.txt": value(8)})
    second = tarred({"third.zip": third, "second.txt": value(9)}, "w:gz")
    texts, unread = unpacked(zipped({"second.tgz": second, "first.txt": value(10)}), "a.zip")
    assert texts == {"a.zip!/second.tgz!/second.txt": value(9), "a.zip!/first.txt": value(10)}
    assert [(one.what, one.why) for one in unread] == [
        ("a.zip!/second.tgz!/third.zip", "an archive 3 levels deep: not read")
    ]


def test_the_depth_is_a_limit() -> None:
    inner = zipped({"a.txt": value(11)})
    for _ in range(4):
        inner = zipped({"n.zip": inner})
    assert unpacked(inner, "x", Limits(depth=5))[0] == {"x" + "!/n.zip" * 4 + "!/a.txt": value(11)}


@pytest.mark.parametrize("ending", ["gz", "xz", "zst", ""])
def test_a_debian_package(ending: str) -> None:
    pack = {"gz": gzip.compress, "xz": lzma.compress, "zst": zstandard.ZstdCompressor().compress, "": bytes}[ending]
    data = pack(tarred({"./etc/app.conf": value(12)}))
    name = "data.tar" + (f".{ending}" if ending else "")
    texts, unread = unpacked(debian_package({name: data}), "x.deb")
    assert texts == {"x.deb!/debian-binary": b"2.0\n", f"x.deb!/{name}/etc/app.conf": value(12)}
    assert unread == []


@pytest.mark.parametrize(
    ("magic", "word"), [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x01\0", "RAR"), (b"\xed\xab\xee\xdb\3", "RPM")]
)
def test_what_is_not_read_says_so(magic: bytes, word: str) -> None:
    texts, unread = unpacked(magic + bytes(600), "x")
    assert texts == {}
    assert word in unread[0].why
    assert len(unpacked(zipped({"in": magic + bytes(600)}), "x")[1]) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/etc/passwd", "etc/passwd"),
        ("../../up", "<..>/<..>/up"),
        ("a\u202egpj.exe", "a<U+202E>gpj.exe"),
        ("a\x1b[2Jb", "a<U+001B>[2Jb"),
        ("..\\..\\w", "<..>/<..>/w"),
        ("n" * 5000 + "/.env", "…" + "n" * 394 + "/.env"),
    ],
)
def test_hostile_names_are_harmless_to_look_at(name: str, shown: str) -> None:
    assert list(unpacked(tarred({name: value(13)}), "x")[0]) == [f"x!/{shown}"]


def test_a_nul_in_a_name() -> None:
    raw = zipped({"aXb.txt": value(14)}).replace(b"aXb.txt", b"a\0b.txt")
    assert list(unpacked(raw, "x")[0]) == ["x!/a<U+0000>b.txt"]


def test_pictures_and_installed_packages_are_passed_over() -> None:
    files = {"a.png": b"x", "node_modules/left/index.js": b"x", "lib/site-packages/p.py": b"x", "a.py": b"x"}
    assert list(unpacked(zipped(files), "x")[0]) == ["x!/a.py"]


def test_binaries_can_be_left_out() -> None:
    made = zipped({"a.class": b"\xca\xfe\0\0" + value(15), "utf16.txt": "\ufeffkey".encode("utf-16-le")})
    assert list(unpacked(made, "x", Limits(binaries=False))[0]) == ["x!/utf16.txt"]
    assert list(unpacked(made, "x")[0]) == ["x!/a.class", "x!/utf16.txt"]


@pytest.mark.parametrize(
    "head", [b"", b"P", b"PKG", b"BZhello", b"import os", b"{}", bytes(600), b"\x1f", b"Rare words"]
)
def test_plain_files_are_no_containers(head: bytes) -> None:
    assert not is_container("a.txt", head)
    assert unpacked(head, "a.txt") == ({}, [])


def test_a_path_that_is_gone_or_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone", "pipe", "."):
        texts, unread = unpacked(tmp_path / name, name)
        assert texts == {}
        assert len(unread) == 1


def test_nothing_is_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unpacked(tarred({"../out": b"x", str(tmp_path / "abs"): b"x", "here": b"x"}), "x")
    assert list(tmp_path.iterdir()) == []


def test_whoever_stops_early_leaves_no_file_open(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped(FILES))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    texts = texts_of(path, "x.zip")
    next(texts)
    texts.close()  # type: ignore[attr-defined]  # it is a generator
    assert before == (len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0)
