"""Which commits were made in a sandbox of `yett run`, and by which agent: a list in the repository's own git folder.

A trailer in the message would tell it to everybody who clones, but it would change the commit's id, and an agent must
find outside the ids that it has seen inside. The ledger has the same list for whoever audits; this one is for a scan,
which asks no daemon. It is a statistic: a process of the person's own could write it, and nothing is decided by it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

_NAME = Path("yett") / "commits"
_LINE = re.compile(r"([0-9a-f]{40}(?:[0-9a-f]{24})?) ([a-z0-9._-]{1,40})")
_LARGEST = 32 << 20


def record(git_folder: Path, oids: Iterable[str], agent: str) -> None:
    """Add commits. A list that cannot be written must not keep a session's work from coming home."""
    name = re.sub(r"[^a-z0-9._-]", "-", agent.lower())[:40] or "agent"
    text = "".join(f"{oid} {name}\n" for oid in oids)
    path = git_folder / _NAME
    if not text:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "a", encoding="ascii") as file:
            file.write(text)


def recorded(git_folder: Path) -> dict[str, str]:
    """The agent of each commit that was made inside."""
    try:
        with open(os.open(git_folder / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            lines = file.read(_LARGEST).decode("ascii", "replace").splitlines()
    except OSError:
        return {}
    return {found[1]: found[2] for line in lines if (found := _LINE.fullmatch(line))}
