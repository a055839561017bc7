"""Settings that make an editor or client run programs: free to change inside, kept back from the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox

PATHS = (
    ".vscode/tasks.json",
    ".idea/workspace.xml",
    ".cursor/mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks/run.sh",
    ".mcp.json",
    ".gemini/settings.json",
    ".codex/config.toml",
    ".devcontainer/devcontainer.json",
    ".opencode/plugin/x.ts",
    ".github/hooks/x.json",
    "opencode.json",
)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("present", [True, False], ids=["present", "absent"])
def test_a_change_works_inside_and_does_not_arrive(guarded: Guarded, name: str, present: bool) -> None:
    path = guarded.workspace / name
    if present:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("original")
    done = guarded.shell(f"mkdir -p $(dirname {name}) && echo planted > {name} && cat {name}")
    assert done.stdout == "planted\n"
    assert path.exists() == present
    if present:
        assert path.read_text() == "original"
    assert name in done.stderr or name.rpartition("/")[0] in done.stderr
    assert "kept back" in done.stderr


@pytest.mark.parametrize("name", [".mcp.json", ".claude/settings.json", ".vscode/settings.json"])
def test_saving_by_rename_works_too(guarded: Guarded, name: str) -> None:
    path = guarded.workspace / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("original")
    done = guarded.shell(f"sed -i s/original/changed/ {name} && cat {name}")
    assert (done.stdout, done.returncode) == ("changed", 0)
    assert path.read_text() == "original"


def test_what_was_kept_back_can_be_read(guarded: Guarded) -> None:
    done = guarded.shell("echo planted > .mcp.json")
    (kept,) = [
        line.split("read them in ")[1].split(" and copy")[0] for line in done.stderr.splitlines() if "read" in line
    ]
    assert Path(kept, ".mcp.json").read_text() == "planted\n"


def test_untouched_settings_say_nothing_and_leave_nothing(guarded: Guarded) -> None:
    (guarded.workspace / ".vscode").mkdir()
    (guarded.workspace / ".vscode" / "settings.json").write_text("{}")
    before = sorted(os.listdir(guarded.workspace))
    done = guarded.shell("ls -A .vscode .cursor")
    assert done.stdout == ".cursor:\n\n.vscode:\nsettings.json\n"
    assert done.stderr == ""
    assert sorted(os.listdir(guarded.workspace)) == before


def test_mount_points_of_a_killed_run_are_removed_by_the_next(guarded: Guarded) -> None:
    running = guarded.start("bash", "-c", "echo up; sleep 60")
    assert running.stdout is not None
    running.stdout.readline()
    assert (guarded.workspace / ".vscode").exists()
    running.kill()
    running.wait()
    guarded.run("true")
    assert os.listdir(guarded.workspace) == []


def test_a_second_run_does_not_lift_the_firsts_protection(guarded: Guarded) -> None:
    running = guarded.start(
        "bash", "-c", "echo up; read x; echo planted > .vscode/tasks.json; cat .vscode/tasks.json", stdin=-1
    )
    assert running.stdout is not None
    running.stdout.readline()
    guarded.run("true")
    out, _ = running.communicate("go\n", timeout=20)
    assert out == "planted\n"
    assert os.listdir(guarded.workspace) == []


@pytest.mark.parametrize("name", [".claude", ".vscode", ".github", ".mcp.json"])
def test_a_link_planted_in_its_place_is_moved_away_and_not_followed(guarded: Guarded, name: str) -> None:
    """The attack: let the supervisor, or the person's editor, follow a link to settings of the agent's choosing."""
    theirs = guarded.home / "theirs"
    theirs.mkdir()
    (theirs / "settings.json").write_text("the person's own")
    (theirs / "hooks").mkdir()
    guarded.shell(f"rmdir {name} 2>/dev/null; ln -s {theirs} {name}")
    assert not os.path.lexists(guarded.workspace / name)
    assert (theirs / "settings.json").read_text() == "the person's own"
    assert (theirs / "hooks").is_dir()


def test_a_pipe_in_its_place_does_not_hang_the_supervisor(guarded: Guarded) -> None:
    (guarded.workspace / ".vscode").mkdir()
    done = guarded.shell("mkfifo .vscode/tasks.json; mkfifo .mcp.json", timeout=20)
    assert done.returncode == 0
    assert guarded.run("true", timeout=20).returncode == 0


def test_an_ordinary_file_beside_them_is_saved_as_ever(guarded: Guarded) -> None:
    done = guarded.shell(
        "mkdir -p .claude .github/workflows && echo x > .claude/notes.md && echo y > .github/workflows/ci.yml"
    )
    assert done.returncode == 0
    assert (guarded.workspace / ".claude" / "notes.md").read_text() == "x\n"
    assert (guarded.workspace / ".github" / "workflows" / "ci.yml").read_text() == "y\n"
