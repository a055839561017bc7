"""Somebody whose branch is reviewed brings a credential under bytes that say the file is something else."""

from __future__ import annotations

import gzip
import io
import os
import random
import string
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from yett.inventory.changes.branch import brought
from yett.inventory.changes.files import staged
from yett.inventory.changes.staged import leaks
from yett.inventory.finding import Finding

RANDOM = random.Random(47)
LETTERS = string.ascii_letters + string.digits
SIGNED = "glp" + "at-" + "".join(RANDOM.choices(LETTERS, k=20))
NAMED = "".join(RANDOM.choices(LETTERS, k=40))
VALUES = {"signed": SIGNED, "named": NAMED}
Made = Callable[[bytes], bytes]


def zipped(text: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/.env", text)
    return whole.getvalue()


def tarred(text: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        about = tarfile.TarInfo("deep/.env")
        about.size = len(text)
        archive.addfile(about, io.BytesIO(text))
    return whole.getvalue()


COVERS: dict[str, Made] = {
    "nothing": lambda text: text,
    "a zip's first bytes": lambda text: b"PK\x03\x04\n" + text,
    "gzip's first bytes": lambda text: b"\x1f\x8b\x08\n" + text,
    "bzip2's first bytes": lambda text: b"BZh91AY&SY\n" + text,
    "7z's first bytes": lambda text: b"7z\xbc\xaf\x27\x1c\n" + text,
    "SQLite's first bytes": lambda text: b"SQLite format 3\0\n" + text,
    "tar's mark": lambda text: b"#" + b"x" * 256 + b"ustar\n" + text,
    "a real archive before it": lambda text: zipped(b"nothing") + b"\n" + text,
    "a NUL": lambda text: b"# \0\n" + text,
    "a mark of UTF-16": lambda text: b"\xff\xfe" + text,
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.decode().encode("utf-16-be"),
    "a zip around it": zipped,
    "a tar around it": tarred,
    "gzip around it": gzip.compress,
}
PLAIN = [name for name in COVERS if not name.endswith("around it")]
"""A hook opens no archive: nobody waits for that."""


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """git in a repository whose branch main has one commit."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)

    def run(*words: str) -> None:
        one = ["git", "-c", "user.name=A", "-c", "user.email=a@b.invalid", "-C", str(tmp_path), *words]
        subprocess.run(one, check=True, capture_output=True)

    run("init", "-q", "-b", "main")
    run("commit", "-q", "--allow-empty", "-m", "first")
    run("tag", "base")
    return run


def commit(git: Callable[..., None], path: Path, content: bytes) -> None:
    path.write_bytes(content)
    git("add", "-A")
    git("commit", "-q", "-m", "a change")


def values(findings: tuple[Finding, ...]) -> list[bytes]:
    return [each.value.reveal() for each in findings]


def text(value: str) -> bytes:
    return f"HOST=x\nSERVICE_API_KEY={value}\nB=1\n".encode()


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("cover", COVERS.values(), ids=COVERS)
@pytest.mark.parametrize("left", ["it stays", "a later commit changes it", "a later commit removes it"])
def test_nothing_around_a_value_takes_it_past_a_review(
    tmp_path: Path, git: Callable[..., None], cover: Made, value: str, left: str
) -> None:
    file = tmp_path / ".env"
    commit(git, file, cover(text(value)))
    if left == "a later commit changes it":
        commit(git, file, b"A=1\n")
    if left == "a later commit removes it":
        file.unlink()
        commit(git, tmp_path / "a.txt", b"1\n")
    (finding,) = brought(tmp_path, "base").findings
    assert values((finding,)) == [value.encode()]
    sources = {at.source for at in finding.credential.locations}
    assert "history" not in sources if left == "it stays" else sources == {"history"}
    assert all(at.path.removeprefix(f"{tmp_path}/").startswith(".env") for at in finding.credential.locations)


@pytest.mark.parametrize("cover", COVERS.values(), ids=COVERS)
def test_what_the_file_held_before_is_no_news_under_any_bytes(
    tmp_path: Path, git: Callable[..., None], cover: Made
) -> None:
    file = tmp_path / ".env"
    commit(git, file, cover(text(NAMED)))
    git("tag", "-f", "base")
    commit(git, file, cover(b"# one more line\n" + text(NAMED)))
    file.write_bytes(cover(b"# and one that is not committed\n" + text(NAMED)))
    assert values(brought(tmp_path, "base").findings) == []


def test_an_archive_that_a_later_commit_changed_is_opened_as_it_was(tmp_path: Path, git: Callable[..., None]) -> None:
    file = tmp_path / "a.zip"
    commit(git, file, zipped(text(NAMED)))
    commit(git, file, zipped(text(SIGNED)))
    outcome = brought(tmp_path, "base")
    places = {
        each.value.reveal().decode(): [(at.source, at.path) for at in each.credential.locations]
        for each in outcome.findings
    }
    assert places == {NAMED: [("history", "a.zip!/deep/.env")], SIGNED: [("archive", f"{file}!/deep/.env")]}
    assert outcome.unread == ()


def test_a_notebook_is_looked_at_in_every_version(tmp_path: Path, git: Callable[..., None]) -> None:
    file = tmp_path / "a.ipynb"
    notebook = '{"cells": [{"cell_type": "code", "source": ["key = \\"%s\\"\\n"], "outputs": []}], "nbformat": 4}'
    commit(git, file, (notebook % SIGNED).encode())
    commit(git, file, (notebook % "x").encode())
    assert values(brought(tmp_path, "base").findings) == [SIGNED.encode()]


def test_what_only_looks_like_an_archive_is_told_as_unread(tmp_path: Path, git: Callable[..., None]) -> None:
    commit(git, tmp_path / ".env", COVERS["a zip's first bytes"](text(NAMED)))
    assert [each.what for each in brought(tmp_path, "base").unread] == [f"{tmp_path}/.env"]


def test_a_folder_where_the_file_was_and_odd_names_end_nothing(tmp_path: Path, git: Callable[..., None]) -> None:
    file = tmp_path / "a{0}.zip"
    commit(git, file, b"PK\x03\x04\n" + text(SIGNED))
    file.unlink()
    commit(git, tmp_path / "a.txt", b"1\n")
    file.mkdir()
    outcome = brought(tmp_path, "base")
    assert values(outcome.findings) == [SIGNED.encode()]
    assert [each.what.partition(" (")[2] for each in outcome.unread] == ["a{0}.zip)"]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("cover", PLAIN)
def test_nothing_before_a_value_takes_it_past_the_hook_of_a_commit(
    tmp_path: Path, git: Callable[..., None], cover: str, value: str
) -> None:
    file = tmp_path / ".env"
    commit(git, file, COVERS[cover](text("x")))
    file.write_bytes(COVERS[cover](text(value)))
    git("add", "-A")
    assert [leak.value for leak in leaks(tmp_path, staged(tmp_path))] == [value.encode()]
    commit(git, file, COVERS[cover](text(value)))
    file.write_bytes(COVERS[cover](b"# one more line\n" + text(value)))
    git("add", "-A")
    assert leaks(tmp_path, staged(tmp_path)) == []
