"""What a push would start at the host: CI files that it brings, and jobs that hold more than the code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from yett.sandbox.mirror.export import LOCAL
from yett.sandbox.mirror.plumbing import ZERO, Oid, git

_CI_FILES = (
    ".github/workflows", ".github/actions", ".gitea/workflows", ".forgejo/workflows", ".gitlab-ci.yml", ".circleci",
    "Jenkinsfile", ".buildkite", "azure-pipelines.yml", "bitbucket-pipelines.yml", ".travis.yml", ".drone.yml",
    ".woodpecker.yml", ".woodpecker", "appveyor.yml", ".appveyor.yml",
)  # fmt: skip
_READ_FOR_SECRETS = (".github/", ".gitea/", ".forgejo/")
_SECRETS = re.compile(rb"secrets|id-token|github\.token|GITHUB_TOKEN|self-hosted")
"""What gives a job more than the code: secrets, a login elsewhere, the host's own token, a machine of one's own."""

_REMOTE_HAS = ("--branches", f"--glob={LOCAL}remotes/*")
"""What is at the remote already. The human's own branches do not count: an earlier session may have made them."""


def touches_ci(view: Path, old: Oid, new: Oid, env: Mapping[str, str]) -> bool:
    """Whether a commit of the push touches files that CI runs. Each commit counts, not only the last tree."""
    have = _REMOTE_HAS if old == ZERO else (old,)
    # Full history: a merge that drops the files again would hide a commit that has them, for a later push to name.
    words = ("rev-list", "--full-history", "-n", "1", new, "--not", *have, "--", *_CI_FILES)
    return bool(git(view, *words, env=env).strip())


def starts_jobs(view: Path, new: Oid, env: Mapping[str, str]) -> bool:
    """Whether CI files at the new tip use secrets. What CI does with a branch is the host's affair: no guessing."""
    names = git(view, "ls-tree", "-r", "--name-only", "-z", new, "--", *_CI_FILES, env=env)
    files = [name for name in names.decode(errors="surrogateescape").split("\0") if name]
    if any(not name.startswith(_READ_FOR_SECRETS) for name in files):
        return True
    return any(_SECRETS.search(git(view, "cat-file", "blob", f"{new}:{name}", env=env)) for name in files)
