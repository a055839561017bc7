"""Settings in the workspace that make an editor or an agent client run programs on the host, unasked.

Inside they are copies that may be changed freely; what changed is kept beside the project's state and named at the end,
for the person to read and take over. A folder that is absent is laid over too where an editor would react at once; an
absent file is moved away at the end, because a place-holder file would show in `git status` and confuse clients.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from yett.model.visible import visible
from yett.sandbox import beneath
from yett.sandbox.keep import move
from yett.sandbox.masks import Overlaid
from yett.sandbox.mounts import Laid

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
    ".husky",
)
_FILES = (
    ".mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    "opencode.json",
    "opencode.jsonc",
)


class Protected(NamedTuple):
    """`copies` are (path in the workspace, copy) of what is laid over; `created` are mount points to be removed.

    `links` are top-level names that were links at the start: the person's own arrangement.
    """

    laid: tuple[Laid, ...]
    files: tuple[Overlaid, ...]
    copies: tuple[tuple[str, str], ...]
    created: tuple[str, ...]
    links: frozenset[str]


def prepare(root: str, kept: str, masked: dict[str, str]) -> Protected:
    """Make or refresh the copies under `kept`, where the last run's changes still are."""
    laid, files, copies, created = [], [], [], []
    may_make = _may_make(root)
    for name in _FOLDERS:
        real, copy = os.path.join(root, name), os.path.join(kept, name)
        present = _is_plain(root, name, os.path.isdir)
        if not present and (name not in _LIVE_FOLDERS or not may_make or os.path.lexists(real)):
            continue
        beneath.directory_made(kept, name)
        _refresh(root, name, kept, masked)
        laid.append(Laid(copy, real))
        copies.append((name, copy))
        if not present:
            created.append(real)
    for name in _FILES:
        real, copy = os.path.join(root, name), os.path.join(kept, name)
        if _is_plain(root, name, os.path.isfile) and real not in masked:
            _refresh(root, name, kept, masked)
            laid.append(Laid(copy, real))
            files.append(Overlaid(real, copy, root, name, _stays))
            copies.append((name, copy))
    links = frozenset(name for name in _tops() if os.path.islink(os.path.join(root, name)))
    return Protected(tuple(laid), tuple(files), tuple(copies), tuple(created), links)


def settle(root: str, kept: str, shown: str, protected: Protected, say: Callable[[str], None]) -> None:
    """After the run: move away what appeared, and name what is kept back. `shown` is `kept` as people know it."""
    changed = [name for top, copy in protected.copies for name in _differences(root, top, copy)]
    covered = {name for name, _ in protected.copies}
    planted = [name for name in _tops() if name not in protected.links and os.path.islink(os.path.join(root, name))]
    for name in (*planted, *_FOLDERS, *_FILES):
        if name not in covered and name.split("/")[0] not in protected.links:
            changed += [name] * move(root, name, os.path.join(kept, name))
    if changed:
        say(
            "these settings would run programs on this machine, so changes to them were kept back: "
            + visible(", ".join(sorted(changed)))
            + f"\n  read them in {shown} and copy what you want."
        )


def _tops() -> list[str]:
    return sorted({name.split("/")[0] for name in (*_FOLDERS, *_FILES)})


def _may_make(root: str) -> bool:
    """Whether anything can appear in the workspace at all, for whoever runs this or for the command."""
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        return False
    return os.access(root, os.W_OK) or os.stat(root).st_uid == os.geteuid()


def _is_plain(root: str, name: str, kind: Callable[[str], bool]) -> bool:
    """Whether a path is of a kind, with no link in it."""
    path = os.path.join(root, name)
    return kind(path) and os.path.realpath(path) == path


def _stays(path: str, real: int) -> None:
    """A change to a protected file is not carried out."""


def _refresh(root: str, name: str, kept: str, masked: dict[str, str]) -> None:
    """Bring newer files of the host into the copy. Both sides may hold what an agent wrote."""
    real = os.path.join(root, name)
    if os.path.islink(real):
        return
    if os.path.isdir(real):
        for entry in os.listdir(real):
            _refresh(root, os.path.join(name, entry), kept, masked)
        return
    content = _masked_content(masked[real]) if real in masked else beneath.read(root, name)
    if content is None:
        return
    status = os.stat(real, follow_symlinks=False)
    above, last = os.path.split(name)
    with beneath.directory(kept, above, make=True) as at:
        if beneath.modified(at, last) >= status.st_mtime_ns:
            return
        beneath.write(kept, name, content, status.st_mode & 0o777)
        os.utime(last, ns=(status.st_mtime_ns, status.st_mtime_ns), dir_fd=at, follow_symlinks=False)


def _masked_content(copy: str) -> bytes:
    with open(copy, "rb") as file:
        return file.read()


def _differences(root: str, top: str, copy: str) -> list[str]:
    kept = copy[: -len(top) - 1]
    if not os.path.isdir(copy):
        return [top] if beneath.read(kept, top) != beneath.read(root, top) else []
    found = []
    for directory, _, names in os.walk(copy):
        for name in names:
            inside = os.path.relpath(os.path.join(directory, name), kept)
            if beneath.read(kept, inside) != beneath.read(root, inside):
                found.append(inside)
    return found
