"""What a person is told of a database's backups: what the server says, what lies where they were said to be."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from yett.gateway.databases.shown.backups import Stated, _of_server, _said, is_here

ONE, TWO = datetime(2026, 11, 19, 3, tzinfo=UTC), datetime(2026, 11, 20, 3, tzinfo=UTC)


def test_the_newest_file_counts_and_an_empty_one_is_none(tmp_path: Path) -> None:
    for name, content, at in (("old.dump", "x", 1e9), ("new.dump", "xyz", 1.2e9), ("broken.dump", "", 1.3e9)):
        (tmp_path / name).write_text(content)
        os.utime(tmp_path / name, (at, at))
    (tmp_path / "link").symlink_to("/etc/hostname")
    (said,) = _said(str(tmp_path), "")
    assert said.startswith(f"last 2008-01-10 21:20 UTC: {tmp_path}/new.dump, 3 bytes, never restored;")


def test_a_backup_on_the_databases_own_disk_shares_its_blast_radius(tmp_path: Path) -> None:
    (tmp_path / "a.dump").write_text("x")
    assert "SAME BLAST RADIUS" in _said(str(tmp_path), str(tmp_path))[0]
    assert "is not known" in _said(str(tmp_path), str(tmp_path / "gone"))[0]
    assert "the database on another" in _said(str(tmp_path), "")[0]


def test_a_backup_on_another_disk_of_the_same_machine_says_so(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one file system only")
    folder = memory / f"yett-test-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "a.dump").write_text("x")
        assert _said(str(folder), str(tmp_path))[0].endswith("on the database's own machine, on another disk")
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("path", ["", "nothing-here"])
def test_where_nothing_lies_there_is_no_backup(tmp_path: Path, path: str) -> None:
    assert _said(str(tmp_path / path), "")[0].startswith("NO backup lies in")


def test_words_are_repeated_as_words() -> None:
    assert _said("nightly in a bucket of another account", "") == (
        "said to be in nightly in a bucket of another account; Yett has not looked there",
    )


def test_what_the_server_says_is_said_with_what_it_is_worth() -> None:
    assert _of_server(Stated()) == ()
    assert _of_server(Stated(archives=True)) == ("the server archives its log: nothing so far",)
    broken = _of_server(Stated(archives=True, archived=ONE, failed=TWO, standbys=2, base=ONE))
    assert broken == (
        "a base backup ended 2026-11-19 03:00 UTC; where it lies, the server does not know",
        "the server archives its log: last 2026-11-19 03:00 UTC, and has failed since, 2026-11-20 03:00 UTC",
        "2 standbys repeat every change at once: no backup",
    )
    assert "failed" not in _of_server(Stated(archives=True, archived=TWO, failed=ONE))[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "/run/postgresql", ""])
def test_a_database_on_this_machine(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize("host", ["10.0.0.5", "db.internal"])
def test_a_database_on_another(host: str) -> None:
    assert not is_here(host)
