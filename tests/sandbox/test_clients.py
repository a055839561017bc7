"""What a client is spared: questions that the person has answered by starting it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from yett.sandbox import clients

KEY = "sk-ant-api03-" + "0123456789" * 9
PLACEHOLDER = "yett_ph_abcdefghijklmnopqrstuvwxyz"
REAL, GIVEN = {"ANTHROPIC_API_KEY": KEY}, {"ANTHROPIC_API_KEY": PLACEHOLDER}


class Homes:
    """The person's HOME and the project's."""

    def __init__(self, folder: Path) -> None:
        self.home, self.private = folder / "home", folder / "private"
        self.home.mkdir()
        self.private.mkdir()

    def prepare(self, *command: str, given: dict[str, str] = GIVEN) -> None:
        clients.prepare(command or ("claude",), str(self.private), str(self.home), REAL, given)

    @property
    def state(self) -> Any:
        path = self.private / ".claude.json"
        return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    return Homes(tmp_path)


def test_claude_does_not_ask_about_a_placeholder(homes: Homes) -> None:
    homes.prepare("/usr/bin/claude", "-p", "hello")
    assert homes.state == {"customApiKeyResponses": {"approved": [PLACEHOLDER[-20:]]}}


def test_what_the_client_keeps_stays(homes: Homes) -> None:
    held = {"theme": "dark", "customApiKeyResponses": {"approved": ["old"], "rejected": ["other"]}}
    (homes.private / ".claude.json").write_text(json.dumps(held))
    homes.prepare()
    answers = {"approved": ["old", PLACEHOLDER[-20:]], "rejected": ["other"]}
    assert homes.state == {"theme": "dark", "customApiKeyResponses": answers}


def test_answers_do_not_pile_up(homes: Homes) -> None:
    for number in range(20):
        homes.prepare(given={"ANTHROPIC_API_KEY": f"{PLACEHOLDER}{number}"})
    assert len(homes.state["customApiKeyResponses"]["approved"]) == 8


def test_a_key_that_the_person_said_no_to_is_not_approved(homes: Homes) -> None:
    answers = {"customApiKeyResponses": {"approved": [], "rejected": [KEY[-20:]]}}
    (homes.home / ".claude.json").write_text(json.dumps(answers))
    homes.prepare()
    assert homes.state is None


@pytest.mark.parametrize(("command", "given"), [("bash", GIVEN), ("claude", {}), ("claude", REAL)])
def test_nothing_is_written_for_others(homes: Homes, command: str, given: dict[str, str]) -> None:
    homes.prepare(command, given=given)
    assert homes.state is None


def test_a_file_under_a_mask_stays_empty(homes: Homes) -> None:
    """It is the mount point: replaced, it would uncover the name in another run."""
    path = homes.private / ".claude.json"
    path.touch()
    inode = path.stat().st_ino
    homes.prepare()
    assert (path.read_bytes(), path.stat().st_ino) == (b"", inode)


@pytest.mark.parametrize("content", ["[]", "no json", "[" * 100_000, '{"customApiKeyResponses": 7}'])
def test_whatever_the_agent_left_there_is_read(homes: Homes, content: str) -> None:
    (homes.private / ".claude.json").write_text(content)
    homes.prepare()
    assert homes.state["customApiKeyResponses"]["approved"] == [PLACEHOLDER[-20:]]


def test_a_link_that_the_agent_left_there_is_not_followed(homes: Homes, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text('{"a": 1}')
    (homes.private / ".claude.json").symlink_to(tmp_path / "precious")
    homes.prepare()
    assert (tmp_path / "precious").read_text() == '{"a": 1}'
    assert "a" not in homes.state
