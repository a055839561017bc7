"""Root starts a run in somebody's workspace: from here on it is that somebody, not root.

Files made inside then belong to the workspace's owner, and what escaped would have their rights only. Yett's state
stays root's and closed to them, so the session's folder and the project's are given to the owner and shown to this
process at a place of its own: bind mounts in a private mount namespace, which nobody else sees and which end with it.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from yett.model.errors import ConfigurationError
from yett.sandbox import kernel
from yett.sandbox.channel import Message

_UNUSED = ("/media", "/mnt", "/srv")
"""Directories of every Linux system that a run does not show: one is covered, in this process's view alone."""

_SESSION, _PROJECT, _BUNDLE = "session", "project", "ca.pem"


class Owner(NamedTuple):
    """The owner of a workspace. `home` is where their HOME is; it need not exist."""

    uid: int
    gid: int
    home: str


class Staged(NamedTuple):
    """The daemon's answer and the project's folder, with paths as they are seen after stepping down."""

    opened: Message
    project: str


def of(root: str) -> Owner | None:
    """Whom to become for a workspace; None if we are not root, or root owns it."""
    status = os.stat(root)
    if os.geteuid() != 0 or status.st_uid == 0:
        return None
    import pwd

    try:
        entry = pwd.getpwuid(status.st_uid)
    except KeyError:
        return Owner(status.st_uid, status.st_gid, "/home/agent")
    return Owner(entry.pw_uid, entry.pw_gid, entry.pw_dir)


def step_down(owner: Owner, opened: Message, project: str, root: str) -> Staged:
    """Become the owner for good, with the session's and the project's folders at hand.

    Raises:
        ConfigurationError: there is no place to show them at.
    """
    os.makedirs(project, mode=0o700, exist_ok=True)
    for folder in (opened["folder"], project):
        _give(folder, owner)
    stage = _stage(root)
    for name, source in ((_SESSION, opened["folder"]), (_PROJECT, project)):
        os.mkdir(os.path.join(stage, name))
        kernel.mount(source, os.path.join(stage, name), kernel.MS_BIND)
    with open(os.path.join(stage, _BUNDLE), "w"):
        pass
    kernel.mount(opened["ca"], os.path.join(stage, _BUNDLE), kernel.MS_BIND)
    _become(owner)
    seen = {opened["folder"]: os.path.join(stage, _SESSION), opened["ca"]: os.path.join(stage, _BUNDLE)}
    return Staged(_moved(opened, seen), os.path.join(stage, _PROJECT))


def _stage(root: str) -> str:
    """An empty file system that only this process sees."""
    for place in _UNUSED:
        if os.path.isdir(place) and not (root + "/").startswith(place + "/"):
            kernel.unshare(kernel.CLONE_NEWNS)
            kernel.mount("none", "/", kernel.MS_REC | kernel.MS_PRIVATE)
            kernel.mount_new("tmpfs", place, "mode=0711")
            return place
    raise ConfigurationError(
        f"None of {', '.join(_UNUSED)} can be used to step down from root.", "Start the run as the workspace's owner."
    )


def _give(folder: str, owner: Owner) -> None:
    """Hand over a folder. Links are not followed; it was root's and closed until now, but the owner's from then on."""
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(above, name), owner.uid, owner.gid, follow_symlinks=False)
    os.chown(folder, owner.uid, owner.gid)


def _become(owner: Owner) -> None:
    import pwd

    try:
        os.initgroups(pwd.getpwuid(owner.uid).pw_name, owner.gid)
    except KeyError:
        os.setgroups([])
    os.setresgid(owner.gid, owner.gid, owner.gid)
    os.setresuid(owner.uid, owner.uid, owner.uid)
    # the kernel takes it away with the user id, and /proc/self/uid_map then belongs to root
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)


def _moved(value: Any, seen: dict[str, str]) -> Any:  # Any: JSON of the daemon's answer
    """The same value with every path below a key of `seen` as it is seen now."""
    if isinstance(value, dict):
        return {key: _moved(item, seen) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, seen) for item in value]
    if isinstance(value, str):
        for before, now in seen.items():
            if value == before or value.startswith(before + "/"):
                return now + value[len(before) :]
    return value
