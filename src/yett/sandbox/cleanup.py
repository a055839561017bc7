"""What a run leaves behind on the host: mount points that bubblewrap made for paths that did not exist.

Runs in one workspace share them: removing one would lift the mount in another run's sandbox. So each run holds a shared
lock, and only the last one removes; what a killed supervisor left is in the list for the next.
"""

from __future__ import annotations

import fcntl
import os


class MountPoints:
    """The list of one project's mount points."""

    def __init__(self, project: str, created: tuple[str, ...]) -> None:
        """Take the shared lock and add `created` to the list, before anything is mounted."""
        os.makedirs(project, mode=0o700, exist_ok=True)
        self._list = os.path.join(project, "mountpoints")
        self._lock = os.open(os.path.join(project, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        if created:
            with open(self._list, "a") as file:
                file.write("".join(f"{path}\0" for path in created))

    def is_last(self) -> bool:
        """Whether no other run is in this project; if so, none can start before `release`."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go; the last one removes the mount points that are still empty."""
        if self.is_last():
            for path in self._listed():
                _remove_empty(path)
            if os.path.exists(self._list):
                os.unlink(self._list)
        os.close(self._lock)

    def _listed(self) -> list[str]:
        try:
            with open(self._list) as file:
                return [path for path in file.read().split("\0") if path]
        except FileNotFoundError:
            return []


def _remove_empty(path: str) -> None:
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
    except OSError:
        return  # somebody put something in it: it is theirs now
