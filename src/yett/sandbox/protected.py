"""Settings in the workspace that make an editor or an agent client run programs on the host, unasked.

Inside they are copies that may be changed freely; what changed is kept beside the project's state and named at the end,
for the person to read and take over. A folder that is absent is laid over too where an editor would react at once; an
absent file is moved away at the end, because a place-holder file would show in `git status` and confuse clients.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from yett.sandbox.masks import Overlaid
from yett.sandbox.mounts import Laid
from yett.sandbox.visible import visible

_LIVE_FOLDERS = (".vscode", ".idea", ".cursor")
"""Read by running editors whenever they change."""

_FOLDERS = (
    *_LIVE_FOLDERS,
    ".gemini",
    ".codex",
    ".devcontainer",
    ".claude/hooks",
    ".opencode/plugin",
    ".opencode/plugins",
    ".github/hooks",
)
_FILES = (
    ".mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    "opencode.json",
    "opencode.jsonc",
)
_MAX_FILE = 4 << 20


class Protected(NamedTuple):
    """`copies` are (path in the workspace, copy) of what is laid over; `created` are mount points to be removed."""

    laid: tuple[Laid, ...]
    files: tuple[Overlaid, ...]
    copies: tuple[tuple[str, str], ...]
    created: tuple[str, ...]


def prepare(root: str, kept: str, masked: dict[str, str]) -> Protected:
    """Make or refresh the copies under `kept`, where the last run's changes still are."""
    laid, files, copies, created = [], [], [], []
    for name in _FOLDERS:
        real, copy = os.path.join(root, name), os.path.join(kept, name)
        present = os.path.isdir(real)
        if not present and (name not in _LIVE_FOLDERS or os.path.lexists(real)):
            continue
        os.makedirs(copy, mode=0o700, exist_ok=True)
        _refresh(real, copy, masked)
        laid.append(Laid(copy, real))
        copies.append((name, copy))
        if not present:
            created.append(real)
    for name in _FILES:
        real, copy = os.path.join(root, name), os.path.join(kept, name)
        if os.path.isfile(real) and real not in masked:
            _refresh(real, copy, masked)
            laid.append(Laid(copy, real))
            files.append(Overlaid(real, copy, real, _stays))
            copies.append((name, copy))
    return Protected(tuple(laid), tuple(files), tuple(copies), tuple(created))


def settle(root: str, kept: str, protected: Protected, say: Callable[[str], None]) -> None:
    """After the run: move away what appeared, and name what is kept back."""
    changed = [name for top, copy in protected.copies for name in _differences(root, top, copy)]
    covered = {name for name, _ in protected.copies}
    for name in (*_FOLDERS, *_FILES):
        real = os.path.join(root, name)
        if name not in covered and os.path.lexists(real):
            _move(real, os.path.join(kept, name))
            changed.append(name)
    if changed:
        say(
            "these settings would run programs on this machine, so changes to them were kept back: "
            + visible(", ".join(sorted(changed)))
            + f"\n  read them in {kept} and copy what you want."
        )


def _stays(path: str) -> None:
    """A change to a protected file is not carried out."""


def _refresh(real: str, copy: str, masked: dict[str, str]) -> None:
    """Bring newer files of the host into the copy."""
    if os.path.islink(real):
        return
    if os.path.isdir(real):
        for entry in os.scandir(real):
            _refresh(entry.path, os.path.join(copy, entry.name), masked)
        return
    if not os.path.isfile(real) or os.path.getsize(real) > _MAX_FILE:
        return
    newer = os.stat(real).st_mtime_ns
    if os.path.exists(copy) and os.stat(copy).st_mtime_ns >= newer:
        return
    os.makedirs(os.path.dirname(copy), mode=0o700, exist_ok=True)
    with open(masked.get(real, real), "rb") as reading, open(copy, "wb") as writing:
        writing.write(reading.read(_MAX_FILE))
    os.chmod(copy, os.stat(real).st_mode & 0o777)
    os.utime(copy, ns=(newer, newer))


def _differences(root: str, top: str, copy: str) -> list[str]:
    if os.path.isfile(copy):
        return [top] if _content(copy) != _content(os.path.join(root, top)) else []
    found = []
    for directory, _, names in os.walk(copy):
        for name in names:
            path = os.path.join(directory, name)
            inside = os.path.join(top, os.path.relpath(path, copy))
            if _content(path) != _content(os.path.join(root, inside)):
                found.append(inside)
    return found


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_FILE)
    except OSError:
        return None


def _move(real: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    while os.path.lexists(target):
        target += ".new"
    try:
        os.rename(real, target)
    except OSError:  # another file system
        import shutil

        shutil.move(real, target)
