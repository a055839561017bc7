"""Somebody who may write the workspace tries to keep a credential readable there and hidden from the masking scan."""

from __future__ import annotations

import os
import random
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from yett.inventory.finding import Finding
from yett.inventory.scan import scan_workspace

RANDOM = random.Random(41)
LETTERS = string.ascii_letters + string.digits
SIGNED = "glp" + "at-" + "".join(RANDOM.choices(LETTERS, k=20))
NAMED = "".join(RANDOM.choices(LETTERS, k=40))
VALUES = {"signed": SIGNED, "named": NAMED}
FILES = {".env": "HOST=x\nSERVICE_API_KEY={}\nB=1\n", "conf.yaml": 'db:\n  service_api_key: "{}"\n'}
Made = Callable[[bytes], bytes]
COVERS: dict[str, Made] = {
    "a mark of UTF-16": lambda text: b"\xff\xfe" + text,
    "a mark of UTF-8": lambda text: b"\xef\xbb\xbf" + text,
    "a zip's first bytes": lambda text: b"PK\x03\x04\n" + text,
    "bzip2's first bytes": lambda text: b"BZh91AY&SY\n" + text,
    "a package's first bytes": lambda text: b"!<arch>\ndebian-binary\n" + text,
    "RAR's first bytes": lambda text: b"Rar!\x1a\x07\n" + text,
    "7z's first bytes": lambda text: b"7z\xbc\xaf\x27\x1c\n" + text,
    "SQLite's first bytes": lambda text: b"SQLite format 3\0\n" + text,
    "tar's mark": lambda text: b"#" + b"x" * 256 + b"ustar\n" + text,
    "a NUL": lambda text: b"# \0\n" + text,
    "a NUL behind a mark": lambda text: b"\xff\xfe# \0\n" + text,
    "128 KB before it": lambda text: b"#" * ((128 << 10) - 30) + b"\n" + text,
    "5 MB before it": lambda text: b"# filler line\n" * 375_000 + text,
    "a zip's first bytes and 5 MB": lambda text: b"PK\x03\x04\n" + b"# filler line\n" * 375_000 + text,
    "carriage returns": lambda text: text.replace(b"\n", b"\r"),
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-16 the other way": lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.decode().encode("utf-16-be"),
}


def found(workspace: Path, *, history: bool = False) -> list[Finding]:
    return scan_workspace(workspace, environ={}, home=Path(os.devnull), history=history)


def masked(path: Path, findings: list[Finding]) -> bytes:
    """What is left to read in the file, as the session's masked copy has it."""
    content = path.read_bytes()
    if any(str(path) in {at.path for at in each.credential.locations if at.source == "file"} for each in findings):
        for value in sorted((each.value.reveal() for each in findings), key=len, reverse=True):
            content = content.replace(value, b"[masked]")
    return content


def is_hidden(path: Path, value: str) -> bool:
    """Whether the value is known, and in no encoding readable in the file."""
    findings = found(path if path.is_dir() else path.parent)
    left = masked(path, findings)
    known = any(each.value.reveal() == value.encode() for each in findings)
    return known and not any(value.encode(form) in left for form in ("ascii", "utf-16-le", "utf-16-be"))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cover", COVERS.values(), ids=COVERS)
def test_nothing_around_a_value_hides_it(tmp_path: Path, cover: Made, name: str, value: str) -> None:
    path = tmp_path / name
    path.write_bytes(cover(FILES[name].format(value).encode()))
    assert is_hidden(path, value)


@pytest.mark.parametrize("name", ["x.png", "x.psd", "x.pyc", "x.ico", "x.mp4", "a\nb.txt"])
def test_no_name_of_a_file_hides_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FILES[".env"].format(NAMED))
    assert is_hidden(path, NAMED)


def test_a_picture_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\n" + FILES[".env"].format(NAMED).encode())
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "folder", ["node_modules/x", ".tox", "__pycache__", "site-packages", ".mypy_cache", "a/.git", "tests/docs", "a\nb"]
)
def test_a_folder_that_is_moved_where_nobody_looks_takes_no_env_file_with_it(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / ".env"
    path.parent.mkdir(parents=True)
    path.write_text(FILES[".env"].format(NAMED))
    findings = found(tmp_path)
    assert [each.value.reveal() for each in findings] == [NAMED.encode()]
    assert NAMED.encode() not in masked(path, findings)


def test_the_mark_of_a_virtual_environment_hides_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("")
    (folder / "app.yaml").write_text(FILES["conf.yaml"].format(NAMED))
    assert [each.value.reveal() for each in found(tmp_path)] == [NAMED.encode()]


@pytest.mark.parametrize("text", ["{junk}-{value}", "{value}-{junk}", "{junk}.{value}.{junk}"])
def test_a_known_form_beside_a_secret_does_not_hide_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".env"
    path.write_text(FILES[".env"].format(text.format(junk=SIGNED, value=NAMED)))
    left = masked(path, found(tmp_path))
    assert NAMED.encode() not in left
    assert SIGNED.encode() not in left


def test_a_value_that_only_the_past_names_is_masked_in_files(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.invalid", "-C", str(tmp_path)]
    (tmp_path / "app.yaml").write_text(FILES["conf.yaml"].format(NAMED))
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "app.yaml").unlink()
    note = tmp_path / "note.txt"
    note.write_text(f"it was {NAMED} before\n")
    assert NAMED.encode() not in masked(note, found(tmp_path, history=True))


def test_holes_cost_nothing_and_hide_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
        file.seek((1 << 40) - 4096)
        file.write(b"\n" + FILES[".env"].format(SIGNED).encode())
    findings = found(tmp_path)
    assert [each.value.reveal() for each in findings] == [SIGNED.encode()]
