"""Which directory is the workspace, and where Yett keeps what belongs to it."""

from __future__ import annotations

import os
from _blake2 import blake2b  # hashlib's own; importing hashlib loads OpenSSL, 2 ms of every start

from yett.model.errors import ConfigurationError

_SYSTEM = ("/", "/usr", "/etc", "/home", "/root", "/var", "/opt", "/proc", "/sys", "/dev", "/run", "/boot", "/tmp")


def find(directory: str, home: str) -> str:
    """The root of the git work tree around `directory`, else `directory` itself. Symlinks are resolved.

    Raises:
        ConfigurationError: it is the home directory or a system directory, or holds one: read-write inside, that would
            hand over every credential of the person.
    """
    start = os.path.realpath(directory)
    found = _work_tree(start, os.path.realpath(home))
    for kept in (os.path.realpath(home), *_SYSTEM):
        if (kept + "/").startswith(found.rstrip("/") + "/"):
            raise ConfigurationError(
                f"The workspace {found} is a home or system directory, so the agent would reach everything in it.",
                "Change into the project's own directory and run the command there.",
            )
    return found


def project_directory(state: str, workspace: str) -> str:
    """What is kept for a workspace between runs: `<state>/projects/<hash of its path>`."""
    name = blake2b(os.fsencode(workspace), digest_size=8).hexdigest()
    return os.path.join(state, "projects", name)


def _work_tree(start: str, home: str) -> str:
    at = start
    while at != "/":
        if at != home and os.path.lexists(os.path.join(at, ".git")):
            return at
        at = os.path.dirname(at)
    return start
