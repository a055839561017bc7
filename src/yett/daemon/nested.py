"""Repositories below the workspace's own: the mirror does not cover them, so none may hold a credential in its history.

Their work trees are masked like every file, but git would give the raw value back out of their objects.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from yett.inventory import scan_workspace
from yett.inventory.fingerprints import Fingerprints
from yett.inventory.sources import git_objects
from yett.model.errors import YettError
from yett.providers.book import ProviderBook
from yett.sandbox.mirror.masks import Masks

_IN_GIT = frozenset({"history", "client-config"})
_BARE = {"HEAD", "objects", "refs"}
_PASSED_OVER = frozenset({".git", "node_modules", "site-packages"})
"""Of installed packages nothing is a person's."""


def refuse_secrets_in_nested(workspace: Path, known: Masks, keys: Fingerprints, book: ProviderBook) -> None:
    """Raises YettError: a repository below the workspace has a credential in its objects."""
    for repository in nested_repositories(workspace):
        if _holds_secret(repository, known, keys, book):
            raise YettError(
                f"{repository} is a repository of its own with credentials in its history, which are not masked yet",
                "move it out of the workspace, or run the agent in it",
            )


def nested_repositories(workspace: Path) -> Iterator[Path]:
    """Work trees and bare repositories below the workspace. A `.git` that is a file leads into the workspace's own."""
    for base, folders, names in os.walk(workspace):
        here = Path(base)
        if here != workspace and (".git" in folders or {*folders, *names} >= _BARE):
            yield here
        folders[:] = [name for name in folders if name not in _PASSED_OVER]


def _holds_secret(repository: Path, known: Masks, keys: Fingerprints, book: ProviderBook) -> bool:
    nowhere = Path(os.devnull)
    found = scan_workspace(repository, environ={}, home=nowhere, history=True, keys=keys, book=book)
    if any(place.source in _IN_GIT for finding in found for place in finding.credential.locations):
        return True
    return any(known.holds_secret(content) for _, _, content in git_objects(repository))
