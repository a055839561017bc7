"""What of the person's HOME is shown inside holds placeholders where their keys are, in folders of settings too."""

from __future__ import annotations

import pytest

from integration.conftest import Desk

KEY = "x7Kq92mZp4Tt81Lw0Rv6"


@pytest.mark.parametrize("name", [".config/mise/config.toml", ".tmux.conf", ".claude/commands/deploy.md"])
def test_a_key_in_a_file_of_home_is_masked_inside(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    workspace = desk.workspace()
    home = workspace.parent / "home"
    (home / name).parent.mkdir(parents=True)
    (home / name).write_text(f'SERVICE_API_KEY = "{KEY}"\n')
    monkeypatch.setenv("HOME", str(home))
    said = desk.run(workspace, f'cat "$HOME/{name}"')
    assert said.status == 0, said.err
    assert said.out.startswith('SERVICE_API_KEY = "yett_ph_'), said.out
    assert (home / name).read_text() == f'SERVICE_API_KEY = "{KEY}"\n'


def test_a_key_in_a_shell_file_that_is_a_link_is_masked_inside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those have it who keep their settings in a repository of their own."""
    workspace = desk.workspace()
    home = workspace.parent / "home"
    (home / "dotfiles").mkdir(parents=True)
    (home / "dotfiles/bashrc").write_text(f'export SERVICE_API_KEY="{KEY}"\n')
    (home / ".bashrc").symlink_to("dotfiles/bashrc")
    monkeypatch.setenv("HOME", str(home))
    said = desk.run(workspace, 'cat "$HOME/.bashrc"; echo more >> "$HOME/.bashrc" || true')
    assert said.status == 0, said.err
    assert said.out.startswith('export SERVICE_API_KEY="yett_ph_'), said.out
    assert (home / ".bashrc").is_symlink()
    assert (home / "dotfiles/bashrc").read_text() == f'export SERVICE_API_KEY="{KEY}"\n'
