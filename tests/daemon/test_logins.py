"""What of a client's renewed login goes from the copy inside into the person's file, and what never does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yett.daemon.logins import Logins
from yett.model.errors import YettError
from yett.model.secret import Secret
from yett.providers.book import ProviderBook

BOOK = ProviderBook.load()
BROUGHT = {
    "yett_ph_access": ("access_token", "the new access token"),
    "yett_ph_refresh": ("refresh_token", "the new refresh token"),
}
LENT = {"accessToken": "yett_ph_old1", "refreshToken": "yett_ph_old2", "expiresAt": 1, "scopes": ["a"]}
HELD = {"accessToken": "old access", "refreshToken": "old refresh", "expiresAt": 1, "scopes": ["a"]}


def renewed(provider: str, placeholder: str) -> tuple[str, Secret] | None:
    if provider != "anthropic" or placeholder not in BROUGHT:
        return None
    field, value = BROUGHT[placeholder]
    return field, Secret(value)


class Scene:
    """A person's login file, and its masked copy."""

    def __init__(self, home: Path) -> None:
        self.real = home / ".claude/.credentials.json"
        self.real.parent.mkdir()
        self.real.write_text(json.dumps({"claudeAiOauth": HELD, "mcpOAuth": {}}))
        self.real.chmod(0o600)
        self.copy = home / "copy"
        self.write({})
        masks = [{"path": str(self.real), "masked": str(self.copy)}]
        self.logins = Logins(BOOK, home, masks, renewed)

    def write(self, changes: dict[str, Any]) -> None:
        self.copy.write_text(json.dumps({"claudeAiOauth": LENT | changes, "mcpOAuth": {}}))

    def carry(self) -> bool:
        return self.logins.carry(str(self.real))

    @property
    def held(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(self.real.read_text())["claudeAiOauth"]
        return held


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_renewal_arrives_with_its_time(scene: Scene) -> None:
    scene.write({"accessToken": "yett_ph_access", "refreshToken": "yett_ph_refresh", "expiresAt": 99})
    assert scene.carry()
    assert scene.held == {
        "accessToken": "the new access token",
        "refreshToken": "the new refresh token",
        "expiresAt": 99,
        "scopes": ["a"],
    }
    assert scene.real.stat().st_mode & 0o777 == 0o600
    assert not scene.carry()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expiresAt": 99},
        {"accessToken": "sk-ant-oat01-mine"},
        {"accessToken": "yett_ph_old2", "refreshToken": "yett_ph_old1"},
        {"accessToken": "yett_ph_refresh", "refreshToken": "yett_ph_access"},
        {"accessToken": ["yett_ph_access"]},
        {"scopes": ["everything"], "apiKeyHelper": "a program"},
    ],
    ids=["nothing new", "a time alone", "a value", "swapped", "in each other's place", "no text", "other fields"],
)
def test_nothing_else_leaves_the_copy(scene: Scene, changes: dict[str, Any]) -> None:
    scene.write(changes)
    assert not scene.carry()
    assert scene.held == HELD


def test_beside_a_token_only_its_time_is_taken(scene: Scene) -> None:
    scene.write({"accessToken": "yett_ph_access", "scopes": ["everything"], "expiresAt": "soon", "expiresIn": 5})
    assert scene.carry()
    assert scene.held == {**HELD, "accessToken": "the new access token"}


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"claudeAiOauth": 7}', "[" * 100_000])
def test_a_copy_that_is_no_login_changes_nothing(scene: Scene, content: str) -> None:
    scene.copy.write_text(content)
    assert not scene.carry()
    assert scene.held == HELD


def test_what_was_changed_outside_meanwhile_stays(scene: Scene) -> None:
    scene.real.write_text('{"claudeAiOauth": {"accessToken": "renewed outside"}}')
    scene.write({"accessToken": "yett_ph_access"})
    with pytest.raises(YettError, match="changed outside"):
        scene.carry()
    assert "renewed outside" in scene.real.read_text()


@pytest.mark.parametrize("replace", [Path.unlink, lambda path: (path.rename(f"{path}.1"), path.symlink_to("x"))])
def test_a_file_that_is_gone_or_a_link_is_not_made_anew(scene: Scene, replace: Callable[[Path], object]) -> None:
    replace(scene.real)
    scene.write({"accessToken": "yett_ph_access"})
    with pytest.raises(YettError, match="cannot be written"):
        scene.carry()


def test_other_masked_files_are_no_logins(scene: Scene) -> None:
    assert not scene.logins.carry("/somewhere/else")
