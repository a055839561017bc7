"""bubblewrap as a child: started in a session of its own, watched, signalled, and gone when the supervisor goes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from yett.model.errors import ConfigurationError

_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores them; a child would inherit that, and `yes | head` would not end."""


class Sandbox:
    """The running bubblewrap. `descriptor` becomes readable when it has ended."""

    def __init__(
        self,
        arguments: Sequence[str],
        command: Sequence[str],
        environment: Mapping[str, str],
        passed: Sequence[int],
        before: Callable[[], None] | None = None,
    ) -> None:
        """Start it. `passed` stay open across exec; `before` runs in the child just before.

        Raises:
            ConfigurationError: bubblewrap is not installed.
        """
        program = _bubblewrap()
        self._info, info = os.pipe()
        options = os.memfd_create("bwrap", 0)
        os.write(options, b"\0".join(os.fsencode(word) for word in (*arguments, "--info-fd", str(info))) + b"\0")
        os.lseek(options, 0, os.SEEK_SET)
        words = [program, "--args", str(options), "--", *command]
        self._pid = os.fork()
        if self._pid == 0:
            _become(words, environment, (*passed, options, info), before)
        for descriptor in (options, info):
            os.close(descriptor)
        self.descriptor = os.pidfd_open(self._pid)
        self._command = 0
        self._init = -1

    def wait(self) -> int:
        """Exit status as a shell has it: 128 + signal if a signal ended it."""
        _, status = os.waitpid(self._pid, 0)
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal to the command alone: bubblewrap itself would not pass it on, but die."""
        if pid := self._command_pid():
            os.kill(pid, number)
        else:
            os.kill(self._pid, number)

    def signal_all(self, number: int) -> None:
        """Send a signal to the command's whole process group."""
        if pid := self._command_pid():
            os.killpg(os.getpgid(pid), number)

    @property
    def init_pid(self) -> int:
        """The first process of the sandbox's own process namespace, as bubblewrap reports it; 0 if it never started."""
        if self._init < 0:
            text = os.read(self._info, 4096)
            self._init = int(json.loads(text)["child-pid"]) if text else 0
        return self._init

    def _command_pid(self) -> int:
        """The command is the first child of the sandbox's init."""
        if not self._command:
            try:
                with open(f"/proc/{self.init_pid}/task/{self.init_pid}/children") as file:
                    self._command = int((file.read().split() or ["0"])[0])
            except OSError:
                return 0
        return self._command


def _become(
    words: list[str], environment: Mapping[str, str], passed: Sequence[int], before: Callable[[], None] | None
) -> None:
    try:
        os.setsid()
        for number in _RESTORED:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        _keep_only(passed)
        if before:
            before()
        os.execve(words[0], words, environment)
    finally:
        os._exit(126)


def _keep_only(passed: Sequence[int]) -> None:
    """Whatever the person's shell left open must not get inside: a directory's descriptor leads out of any root."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            os.set_inheritable(int(name), int(name) in (0, 1, 2, *passed))


def _bubblewrap() -> str:
    for directory in ("/usr/bin", "/usr/local/bin", "/bin", *os.environ.get("PATH", "").split(":")):
        if os.access(path := os.path.join(directory, "bwrap"), os.X_OK):
            return path
    raise ConfigurationError(
        "bubblewrap is not installed.", "Install it: apt install bubblewrap (or your system's way)."
    )
