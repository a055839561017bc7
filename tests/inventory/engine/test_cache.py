"""What is cached is used only if it is whole, this user's and no link; otherwise it is made anew."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import pytest

from yett.inventory.engine import cache, engine

TEXT = b"export API_TOKEN=x7Kq92mZp4Tt81Lw0Rv6\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("YETT_HOME", str(tmp_path))
    engine.cache_clear()
    yield tmp_path / "cache"
    engine.cache_clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that was filled once: it takes two seconds."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YETT_HOME", str(folder))
        filled(folder / "cache")
    yield folder / "cache"
    engine.cache_clear()


@pytest.fixture
def files(home: Path, made: Path) -> list[Path]:
    """The files of a cache of this test's own."""
    shutil.copytree(made, home)
    return sorted(path for path in home.iterdir() if path.suffix in (".rows", ".hsdb"))


def filled(home: Path) -> list[Path]:
    engine.cache_clear()
    assert engine().hits(TEXT)
    return sorted(path for path in home.iterdir() if path.suffix in (".rows", ".hsdb"))


def test_the_cache_is_the_persons_own(home: Path) -> None:
    files = filled(home)
    assert len(files) == 2
    assert home.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def garbage(path: Path) -> None:
    path.write_bytes(b"nonsense" * 100)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def with_a_digest_but_no_database(path: Path) -> None:
    path.write_bytes(hashlib.sha256(b"x" * 500).digest() + b"x" * 500)


def linked(path: Path) -> None:
    moved = path.with_name("elsewhere")
    path.rename(moved)
    path.symlink_to(moved)


def writable_by_others(path: Path) -> None:
    path.chmod(0o666)


@pytest.mark.parametrize(
    "spoil", [garbage, truncated, empty, with_a_digest_but_no_database, linked, writable_by_others]
)
def test_what_is_not_whole_or_not_ours_is_made_anew(
    home: Path, files: list[Path], spoil: Callable[[Path], None]
) -> None:
    right = {path.name: path.read_bytes() for path in files}
    for path in files:
        spoil(path)
    assert filled(home) == files
    for path in files:
        assert not path.is_symlink()
        assert path.stat().st_mode & 0o022 == 0
        assert path.suffix == ".hsdb" or path.read_bytes() == right[path.name]


def test_what_another_user_planted_is_not_loaded(
    home: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {path.stat().st_ino for path in files}
    belong_to(os.geteuid() + 1, planted, monkeypatch)  # root alone could give the files themselves away
    assert all(cache.read(path.name) is None for path in files)
    assert filled(home) == files
    assert planted.isdisjoint(path.stat().st_ino for path in files)
    assert all(cache.read(path.name) is not None for path in files)


def belong_to(owner: int, inodes: Container[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """These files are another's, as far as the cache can see."""
    real = os.fstat

    def told(descriptor: int) -> os.stat_result:
        about = real(descriptor)
        return os.stat_result((*about[:4], owner, *about[5:])) if about.st_ino in inodes else about

    monkeypatch.setattr(os, "fstat", told)


def test_where_nothing_can_be_written_everything_is_made_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("YETT_HOME", str(file))
    engine.cache_clear()
    assert engine().hits(TEXT)
    engine.cache_clear()
