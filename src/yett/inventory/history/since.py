"""Objects that are new: between a revision and HEAD, or about to be pushed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from yett.inventory.history.repositories import Repository, git
from yett.model.errors import ConfigurationError

_NOTHING = re.compile(r"0+")
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def new_since(repository: Repository, revision: str) -> list[str]:
    """Ids of everything that HEAD reaches and the revision does not.

    Raises:
        ConfigurationError: it names no commit.
    """
    base = _commit(repository, revision)
    if not base:
        raise ConfigurationError(
            f"no such revision: {revision}", "Name a commit, a branch or a tag of this repository."
        )
    return _reached(repository, ["HEAD"], [base])


def to_be_pushed(repository: Repository, remote: str, lines: Iterable[str]) -> list[str]:
    """Ids of what a push would send: the lines that git gives to a pre-push hook (githooks, "pre-push").

    What any branch of the remote is known to have is not sent again.
    """
    new, old = [], []
    for line in lines:
        fields = line.split()
        if len(fields) != 4:
            continue
        _, local, _, there = fields
        if _ID.fullmatch(local) and not _NOTHING.fullmatch(local):
            new.append(local)
        if _ID.fullmatch(there) and not _NOTHING.fullmatch(there) and _commit(repository, there):
            old.append(there)
    if not new:
        return []
    known = git(
        repository.folder, repository.env, "for-each-ref", "--format=%(objectname)", f"refs/remotes/{remote}/"
    ).decode()
    return _reached(repository, new, [*old, *known.split()])


def _commit(repository: Repository, revision: str) -> str:
    """Its id. A revision that starts with - would be an option."""
    if not revision or revision.startswith("-"):
        return ""
    found = git(repository.folder, repository.env, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    return found.decode().strip()


def _reached(repository: Repository, new: Iterable[str], old: Iterable[str]) -> list[str]:
    feed = "\n".join((*new, *(f"^{each}" for each in old))).encode() + b"\n"
    listed = git(repository.folder, repository.env, "rev-list", "--objects", "--no-object-names", "--stdin", feed=feed)
    return listed.decode().split()
