"""HOME inside: toolchains and settings as the person has them, nothing that is theirs alone, and it lasts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox


def test_a_toolchain_in_the_home_works_and_cannot_be_changed(guarded: Guarded) -> None:
    tool = guarded.home / ".local" / "bin" / "greet"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho hello from a tool\n")
    tool.chmod(0o755)
    done = guarded.shell("~/.local/bin/greet; echo x >> ~/.local/bin/greet; touch ~/.local/bin/new")
    assert done.stdout == "hello from a tool\n"
    assert done.returncode != 0
    assert sorted(os.listdir(tool.parent)) == ["greet"]


def test_the_shells_start_files_are_read(guarded: Guarded) -> None:
    (guarded.home / ".bashrc").write_text("alias hi='echo aliased'\nexport FROM_RC=yes\n")
    done = guarded.run("bash", "-ic", "hi; echo $FROM_RC")
    assert "aliased\nyes\n" in done.stdout


def test_the_interpreter_of_a_virtual_environment_is_there(guarded: Guarded) -> None:
    """Wherever its base lies: under a home directory, for one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=guarded.workspace, check=True)
    assert guarded.shell(".venv/bin/python -c 'import json, ssl; print(1)'").stdout == "1\n"


def test_what_a_client_writes_is_there_in_the_next_run(guarded: Guarded) -> None:
    guarded.shell("mkdir -p ~/.claude && echo transcript > ~/.claude/one && echo '{}' > ~/t && mv ~/t ~/.claude.json")
    assert guarded.shell("cat ~/.claude/one ~/.claude.json").stdout == "transcript\n{}\n"
    assert not (guarded.home / ".claude").exists()
    assert not (guarded.home / ".claude.json").exists()


def test_another_project_has_another_home(guarded: Guarded) -> None:
    guarded.shell("echo mine > ~/note")
    other = Guarded(guarded.plane, guarded.workspace.with_name("second"), guarded.home)
    other.workspace.mkdir()
    assert other.shell("cat ~/note").returncode != 0


def test_the_persons_client_settings_come_along_and_newer_ones_win(guarded: Guarded) -> None:
    settings = guarded.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"model": "one"}')
    assert guarded.run("cat", str(settings)).stdout == '{"model": "one"}'
    assert guarded.shell(f"echo changed > {settings} && cat {settings}").stdout == "changed\n"
    assert guarded.run("cat", str(settings)).stdout == "changed\n"
    settings.write_text('{"model": "two"}')
    os.utime(settings, (2**31, 2**31))
    assert guarded.run("cat", str(settings)).stdout == '{"model": "two"}'


def test_a_login_is_shown_only_masked(guarded: Guarded) -> None:
    login = guarded.home / ".claude" / ".credentials.json"
    login.parent.mkdir()
    login.write_text("real-login")
    assert guarded.run("cat", str(login)).returncode != 0
    copy = guarded.plane.home / "copy"
    copy.write_text("placeholder")
    guarded.plane.masks = [{"path": str(login), "masked": str(copy)}]
    assert guarded.run("cat", str(login)).stdout == "placeholder"


def test_a_planted_link_is_not_followed_out_of_the_private_home(guarded: Guarded) -> None:
    """The attack: in one run, link what the next run's supervisor will write to a file of the person's."""
    target = guarded.home / "important"
    target.write_text("keep me\n")
    (guarded.home / ".codex").mkdir()
    (guarded.home / ".codex" / "config.toml").write_text("model = 1\n")
    copy = guarded.plane.home / "copy"
    copy.write_text("placeholder")
    guarded.shell(
        f"ln -s {target} ~/.gitconfig.x; rm -rf ~/.gitconfig ~/.codex; ln -s {target} ~/.gitconfig;"
        f"mkdir ~/.codex; ln -s {target} ~/.codex/config.toml; ln -s {target} ~/.codex/auth.json"
    )
    guarded.plane.masks = [{"path": str(guarded.home / ".codex" / "auth.json"), "masked": str(copy)}]
    done = guarded.run("cat", ".codex/config.toml", cwd=guarded.workspace)
    assert done.returncode != 125
    assert target.read_text() == "keep me\n"


def test_a_folder_replaced_by_a_link_is_mended_and_not_followed(guarded: Guarded) -> None:
    outside = guarded.home / "outside"
    outside.mkdir()
    (guarded.home / ".codex").mkdir()
    (guarded.home / ".codex" / "config.toml").write_text("model = 1\n")
    guarded.shell(f"rm -rf ~/.codex; ln -s {outside} ~/.codex")
    assert guarded.shell("cat ~/.codex/config.toml").stdout == "model = 1\n"
    assert list(outside.iterdir()) == []


def test_who_one_is_has_a_name_and_the_right_home(guarded: Guarded) -> None:
    done = guarded.python(
        "import os, pwd; p = pwd.getpwuid(os.getuid()); print(p.pw_name, p.pw_dir, os.environ['HOME'])"
    )
    name, directory, variable = done.stdout.split()
    assert name != "root"
    assert directory == variable == str(guarded.home)


def test_caches_last_from_run_to_run(guarded: Guarded) -> None:
    guarded.shell("mkdir -p ~/.cache/pip && echo wheel > ~/.cache/pip/x")
    assert guarded.run("cat", str(Path(guarded.home, ".cache/pip/x"))).stdout == "wheel\n"
