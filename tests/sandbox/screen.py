"""A person at a terminal: type, and wait for what appears."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


class Screen:
    """A program on a terminal of its own, with this process as the person in front of it."""

    def __init__(
        self, command: list[str], cwd: str, environment: dict[str, str], size: tuple[int, int] = (24, 80)
    ) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(command[0], command, environment)
        self.seen = ""
        self._mark = 0
        self.resize(*size)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        self._mark = len(self.seen)
        os.write(self.master, text.encode())

    def expect(self, text: str, seconds: float = 20) -> str:
        """Wait until `text` appears after what was last typed; what came since then."""
        end = time.monotonic() + seconds
        while text not in self.seen[self._mark :]:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"{text!r} did not appear in {self.seen[self._mark :]!r}")
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"ended before {text!r}: {self.seen!r}")
            self.seen += data.decode(errors="replace")
        return self.seen[self._mark :]

    def exit_status(self, seconds: float = 20) -> int:
        """Read to the end and reap: 128 + signal if one ended it."""
        self._drain(seconds)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.seen += data.decode(errors="replace")
        self.kill()
        raise AssertionError(f"did not end: {self.seen!r}")
