"""Real repositories of a person with settings of their own, and the real command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yett's own home for all tests of one process: compiling the rules takes seconds, once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home: nothing of whoever runs the tests decides what git does."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "XDG_CONFIG_HOME", "PRE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("YETT_HOME", str(state))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (folder / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.test\n[init]\ndefaultBranch = main\n")
    return folder


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> object:
    from repositories import Repository  # only found once this file has been read

    return Repository.made(tmp_path / "shop")
