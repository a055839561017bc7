"""Unix sockets of host programs that lie where the sandbox can see them: each would be a way out, so each is covered.

An address bound by path is reached through the file system, which the network namespace does not isolate: a debugger of
an editor, git's file monitor, a database started in the workspace.
"""

from __future__ import annotations

import os
import stat

_RELATIVE_PLACES = ("", ".git", ".vscode", "tmp", "run")


def listening(root: str) -> tuple[str, ...]:
    """Sockets below `root` that a process of this network namespace has bound. Call it before leaving the namespace."""
    found = set()
    for name in _bound_names():
        candidates = [name] if name.startswith("/") else [os.path.join(root, place, name) for place in _RELATIVE_PLACES]
        for path in candidates:
            real = os.path.realpath(path)
            if real.startswith(root + "/") and _is_socket(real):
                found.add(real)
    return tuple(sorted(found))


def _bound_names() -> list[str]:
    """Paths in /proc/net/unix; abstract names start with @."""
    try:
        with open("/proc/net/unix", errors="surrogateescape") as file:
            lines = file.read().splitlines()[1:]
    except OSError:
        return []
    fields = [line.split(maxsplit=7) for line in lines]
    return [field[7] for field in fields if len(field) == 8 and not field[7].startswith("@")]


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False
