"""What is looked through before a run: everything of the person's HOME that the command will be able to read."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from yett.broker.placeholders import new_placeholder
from yett.broker.seal import Keys
from yett.daemon.masking import Masked, home_of, mask_everything, scan
from yett.model.errors import YettError
from yett.model.secret import Secret
from yett.providers.book import ProviderBook
from yett.sandbox.home import CLIENT_SETTINGS, SHELL_FILES
from yett.sandbox.mirror.masks import Masks

KEYS, BOOK = Keys(Secret(b"k" * 32)), ProviderBook.load()
IN_FOLDERS = (".config/mise/config.toml", ".oh-my-zsh/custom/keys.zsh", ".claude/commands/deploy.md")


@pytest.mark.parametrize("name", [*SHELL_FILES, *CLIENT_SETTINGS, *IN_FOLDERS])
def test_a_key_in_what_home_shows_is_found(tmp_path: Path, name: str) -> None:
    home, workspace = tmp_path / "home", tmp_path / "workspace"
    workspace.mkdir()
    file = home / name
    file.parent.mkdir(parents=True)
    file.write_text("export SERVICE_API_KEY=x7Kq92mZp4Tt81Lw0Rv6\n")
    found = scan(KEYS, BOOK, workspace, {"HOME": str(home)})
    assert {at.path for finding in found for at in finding.credential.locations} == {str(file)}


def test_a_shell_file_that_is_a_link_is_read_where_it_leads(tmp_path: Path) -> None:
    home, workspace = tmp_path / "home", tmp_path / "workspace"
    for folder in (home, workspace):
        folder.mkdir()
    (home / "kept").write_text("export SERVICE_API_KEY=x7Kq92mZp4Tt81Lw0Rv6\n")
    (home / ".zshrc").symlink_to("kept")
    found = scan(KEYS, BOOK, workspace, {"HOME": str(home)})
    where = {at.path for finding in found for at in finding.credential.locations}
    assert where == {str(home / ".zshrc"), str(home / "kept")}, "where it is shown, and where it lies"


def test_home_is_that_of_whoever_asked() -> None:
    assert home_of({"HOME": "/home/ada"}) == Path("/home/ada")
    assert home_of({}) == Path.home()


@pytest.mark.parametrize(
    ("edited", "hidden"),
    [
        ("SERVICE_API_KEY={}\nPORT=8080\n", False),
        ("# moved down\n\nexport SERVICE_API_KEY='{}'\n", False),
        ("PORT=8080\n", False),
        ("x={}\n", True),
        ("SERVICE_API_KEY=example-{}\n", True),
        ("{}\n", True),
    ],
)
def test_an_edit_that_would_hide_a_value_from_the_next_scan_stays_inside(
    tmp_path: Path, edited: str, hidden: bool
) -> None:
    """The agent may write what it likes around a placeholder; what comes out must be found again."""
    value, placeholder = "x7Kq92mZp4Tt81Lw0Rv6", new_placeholder()
    real, copy = tmp_path / "settings.txt", tmp_path / "copy"
    before = f"SERVICE_API_KEY={value}\n".encode()
    real.write_bytes(before)
    masked = Masked({}, masks=[{"path": str(real), "masked": str(copy)}])
    masked.pairs = Masks({value.encode(): placeholder.encode()})
    masked.written[str(real)] = masked.pairs.mask(before)
    copy.write_text(edited.format(placeholder))
    with real.open("r+b") as file:
        if hidden:
            with pytest.raises(YettError, match="not be known"):
                masked.write_back(str(real), file.fileno())
        else:
            masked.write_back(str(real), file.fileno())
    assert real.read_bytes() == (before if hidden else edited.format(value).encode())


@pytest.mark.parametrize("place", ["config", "refs/heads/x", "objects/info/alternates"])
def test_nothing_starts_where_git_would_wait_for_ever(tmp_path: Path, place: str) -> None:
    """Before anything is read: a scan would wait there too, and pass the history over."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    pipe = tmp_path / ".git" / place
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    session: Any = SimpleNamespace(workspace=str(tmp_path))
    plane: Any = None

    async def say(_line: str) -> None: ...

    began = time.monotonic()
    with pytest.raises(YettError, match=f"{pipe} is a pipe"):
        asyncio.run(mask_everything(plane, session, tmp_path / "session", {}, say))
    assert time.monotonic() - began < 5
