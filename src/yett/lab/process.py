"""Who the lab runs as (another user than its starter, where possible) and how long (never longer than its starter)."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path

ORDINARY_USERS = ("postgres", "nobody")


class LabFailed(RuntimeError):
    """The lab cannot start or go on; the message says why and what to do."""


def choose_user(name: str | None) -> pwd.struct_passwd:
    """Return the account that the lab is to run as: the caller's own, or when root an ordinary one.

    Raises:
        LabFailed: the named account does not exist, or is another than the caller's while the caller is not root.
    """
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid())
        if name not in (None, own.pw_name):
            raise LabFailed(f"only root can run the lab as {name!r}: leave --user out")
        return own
    for candidate in (name,) if name else ORDINARY_USERS:
        try:
            account = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if account.pw_uid == 0:
            raise LabFailed("PostgreSQL refuses to run as root: name another --user")
        return account
    raise LabFailed(f"no such account: {name or ', '.join(ORDINARY_USERS)}. Name one with --user")


def open_to(account: pwd.struct_passwd, folder: Path) -> None:
    """Check that `account` can enter `folder` through all its parents, and let it through `folder` itself.

    Raises:
        LabFailed: a parent folder is closed to that account.
    """
    if os.geteuid() != 0:
        return
    folder.chmod(0o711)
    for parent in folder.resolve().parents:
        state = parent.stat()
        if not (state.st_mode & 0o001 or state.st_uid == account.pw_uid):
            raise LabFailed(f"{account.pw_name} cannot enter {parent}: choose a --dir under /tmp or /var/tmp")


def own_folder(account: pwd.struct_passwd, folder: Path) -> Path:
    """Make a folder that only `account` can open."""
    folder.mkdir(mode=0o700)
    shutil.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def become(account: pwd.struct_passwd) -> None:
    """Give up root for good; does nothing when not root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
        os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)


def watch_parent(loop: asyncio.AbstractEventLoop, parent: int, ended: Callable[[], None]) -> None:
    """Call `ended` when the process `parent` ends.

    A pidfd instead of PR_SET_PDEATHSIG: that signal fires when the parent's *thread* ends, and a drill may well start
    the lab from a worker thread.
    """
    if os.getppid() != parent:
        ended()
        return
    loop.add_reader(os.pidfd_open(parent), ended)
