"""The hooks for the pre-commit framework, run by the real one. Only the environment is not made anew by each test: the
hooks run in this interpreter's (`language: system`), where Yett is installed already.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from repositories import Repository, token

ROOT = Path(__file__).resolve().parents[2]
PRE_COMMIT = (sys.executable, "-m", "pre_commit")


@pytest.fixture
def hooked(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository whose pre-commit takes Yett's hooks from a repository on this disk."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    for hook in hooks:
        hook["language"] = "system"
        hook["entry"] = hook["entry"].replace("yett ", f"{sys.executable} -m yett.cli ")
    source = Repository.made(tmp_path / "source")
    revision = source.commit(".pre-commit-hooks.yaml", yaml.safe_dump(hooks))
    chosen = [{"id": "yett-scan"}, {"id": "yett-scan-push"}]
    config = {"repos": [{"repo": str(source.top), "rev": revision, "hooks": chosen}]}
    repository.commit(".pre-commit-config.yaml", yaml.safe_dump(config))
    types = ("-t", "pre-commit", "-t", "pre-merge-commit", "-t", "pre-push")
    subprocess.run([*PRE_COMMIT, "install", *types], cwd=repository.top, check=True, capture_output=True)
    return repository


def test_both_hooks_install_yett_itself_and_take_no_file_names() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {name: (hook["entry"], hook["stages"]) for name, hook in hooks.items()} == {
        "yett-scan": ("yett scan --staged", ["pre-commit", "pre-merge-commit"]),
        "yett-scan-push": ("yett scan --pushed", ["pre-push"]),
    }
    assert {(hook["language"], hook["pass_filenames"], hook["always_run"]) for hook in hooks.values()} == {
        ("python", False, True)
    }


def test_a_commit_with_a_token_is_stopped_and_one_without_passes(hooked: Repository) -> None:
    hooked.put("a.env", token())
    hooked.git("add", "-A")
    said = hooked.git("commit", "-m", "x", status=1)
    assert "a.env:1" in said
    assert hooked.commits == 1
    hooked.put("a.env", "A=1\n")
    hooked.git("add", "-A")
    hooked.git("commit", "-q", "-m", "x")
    assert hooked.commits == 2


def test_the_first_push_and_a_later_one_are_stopped(hooked: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote")], check=True)
    hooked.git("remote", "add", "origin", str(tmp_path / "remote"))
    hooked.commit("a.env", token())
    hooked.commit("a.env", "A=1\n")
    assert "would be pushed" in hooked.git("push", "origin", "main", status=1)
    hooked.git("push", "-q", "--no-verify", "origin", "main")
    hooked.commit("b.py", "1\n")
    hooked.git("push", "-q", "origin", "main")
    hooked.commit("c.env", token())
    assert "c.env:1" in hooked.git("push", "origin", "main", status=1)
    assert Repository(tmp_path / "remote").commits == 4
