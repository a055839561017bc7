"""What the command sees: one list of bubblewrap arguments, from the system up to the masks.

Later arguments lie over earlier ones, so the order is the argument: system, HOME, workspace, git, what is protected,
what is masked, Yett's own files, and last what must never be uncovered.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from yett.model.errors import ConfigurationError
from yett.sandbox import home, system
from yett.sandbox.environment import CA_BUNDLE

INSIDE_UID = 1000


class Laid(NamedTuple):
    """One path bound over another. `source` is on the host."""

    source: str
    target: str
    writable: bool = True


class View(NamedTuple):
    """Everything that decides what the command sees. `over` lies above the workspace, in order; `hidden` is emptied.

    `objects` are the masked git objects that the session's `.git` borrows (sandbox/mirror).
    """

    workspace: str
    directory: str
    home: str
    private_home: str
    session: str
    ca: str
    over: tuple[Laid, ...]
    hidden: tuple[str, ...]
    objects: Laid | None = None


class Data:
    """Small files handed to bubblewrap as descriptors."""

    def __init__(self) -> None:
        self.descriptors: list[int] = []

    def __call__(self, content: bytes) -> int:
        descriptor = os.memfd_create("yett", 0)
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        self.descriptors.append(descriptor)
        return descriptor

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


def arguments(view: View, data: Data) -> list[str]:
    """The whole bubblewrap command line up to, not including, `--` and the command."""
    return [
        *_namespaces(),
        *system.base(),
        *system.private_etc(),
        *system.trusted(view.ca),
        *system.names(data),
        *system.people(data, view.home, *_identity()),
        *_home(view),
        *_bind(Laid(view.workspace, view.workspace)),
        *(word for laid in view.over for word in _bind(laid)),
        *(word for path in view.hidden for word in _hide(path)),
        *_own(view, data),
        *system.covered_proc(),
        "--chdir",
        view.directory,
    ]


def interpreter() -> str:
    """The Python that runs Yett's own small programs inside: ours, if the user we are may start it.

    Raises:
        ConfigurationError: root stepped down, and the interpreters here are root's alone.
    """
    for path in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        if os.access(path, os.X_OK):
            return path
    raise ConfigurationError(
        "The owner of the workspace may not start any Python of this machine.", "Install one for everybody in /usr/bin."
    )


def _namespaces() -> list[str]:
    words = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--die-with-parent", "--cap-drop", "ALL", "--hostname", "yett"]
    if os.geteuid() == 0:
        words += ["--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]
    return words


def _identity() -> tuple[int, int]:
    """The user and group inside: the person's own, never root's."""
    return (INSIDE_UID, INSIDE_UID) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def _home(view: View) -> list[str]:
    shown = home.read_only(view.home)
    base = sys.base_prefix
    if not base.startswith(("/usr", "/opt", "/nix", *shown)) and os.access(base, os.X_OK):
        shown.append(base)
    return [*_bind(Laid(view.private_home, view.home)), *(word for path in shown for word in ("--ro-bind", path, path))]


def _own(view: View, data: Data) -> list[str]:
    """/run/yett, read-only in the end: the trusted bundle, the agent's socket, the small programs."""
    words = ["--tmpfs", "/run/yett", "--ro-bind", view.ca, CA_BUNDLE]
    agent_socket = os.path.join(view.session, "agent.sock")
    if os.path.exists(agent_socket):
        words += ["--bind", agent_socket, "/run/yett/agent.sock"]
    for name, target in (("inside.py", "/run/yett/bin/yett"), ("stub.py", "/run/yett/stub")):
        words += ["--perms", "0755", "--file", str(data(_program(name))), target]
    if view.objects:
        words += _bind(view.objects)
    return [*words, "--remount-ro", "/run/yett"]


def _program(name: str) -> bytes:
    with open(os.path.join(os.path.dirname(__file__), name), "rb") as file:
        return b"#!" + os.fsencode(interpreter()) + b" -ISB\n" + file.read()


def _bind(laid: Laid) -> list[str]:
    return ["--bind" if laid.writable else "--ro-bind", laid.source, laid.target]


def _hide(path: str) -> list[str]:
    return ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]
