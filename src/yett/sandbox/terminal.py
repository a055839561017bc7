"""The outer half of an interactive run: the person's terminal on one side, the sandbox's terminal on the other.

Raw mode, so that Ctrl-C and Ctrl-Z are keys and the line discipline inside turns them into signals; size changes are
passed on; when the command stops, this side steps back as a shell expects it (setpgid(2), "Job control").
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import termios
import tty
from typing import Any

from yett.sandbox.loop import READABLE, WRITABLE, Loop

STUB = "/run/yett/stub"
"""Where stub.py lies inside."""

_CHUNK = 65536
_MAX_PENDING = 1 << 16
_NO_SIZE = b"\0" * 8


def terminal_descriptors() -> str:
    """Which of 0, 1 and 2 are terminals: "" for pipes, which pass through untouched."""
    return "".join(str(descriptor) for descriptor in (0, 1, 2) if os.isatty(descriptor))


class Terminal:
    """Pumps bytes between the person's terminal and the one inside."""

    def __init__(self, loop: Loop, descriptors: str) -> None:
        self.descriptors = descriptors
        self._loop = loop
        self._outer = int(descriptors[0])
        self._output = int(descriptors[-1]) if descriptors != "0" else 0
        self._input = 0 if "0" in descriptors else -1
        self._saved = termios.tcgetattr(self._outer)
        self._mine, self.stub_end = socket.socketpair()
        self._said, self._said_end = os.pipe()
        os.set_blocking(self._said, False)
        self._master = -1
        self._is_raw = False
        self._pending = b""

    def through_stub(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command line that makes the terminal inside and starts the command on it."""
        return (STUB, str(self.stub_end.fileno()), self.descriptors, *command)

    def step_back(self) -> None:
        """In the child, before exec: nothing inside may hold the person's terminal.

        Whoever had it open could read what they type at their own shell after Ctrl-Z. What bubblewrap has to say goes
        through a pipe.
        """
        nothing = os.open("/dev/null", os.O_RDWR)
        for descriptor in self.descriptors:
            os.dup2(self._said_end if descriptor == "2" else nothing, int(descriptor))

    def attach_when_ready(self) -> None:
        """Call once the sandbox was started: the loop goes on until the stub has made its terminal."""
        self.stub_end.close()
        os.close(self._said_end)
        self._loop.watch(self._said, self._pass_on)
        self._loop.watch(self._mine.fileno(), self._attach)

    def _attach(self) -> None:
        """Take the master that the stub made, dress it as the person's terminal, and let the command start."""
        _, descriptors, _, _ = socket.recv_fds(self._mine, 1, 1)
        if not descriptors:
            self._loop.forget(self._mine.fileno())  # the sandbox ended before; bubblewrap has said why
            return
        self._master = descriptors[0]
        os.set_inheritable(self._master, False)
        os.set_blocking(self._master, False)
        termios.tcsetattr(self._master, termios.TCSANOW, self._dress())
        self.resize()
        self._mine.send(b"G")
        self._loop.watch(self._mine.fileno(), self._stub_spoke)
        self._loop.watch(self._master, self._read_output)
        self._enter_raw()
        self._loop.on_signal(signal.SIGWINCH, lambda number: self.resize())

    def resize(self) -> None:
        size = fcntl.ioctl(self._outer, termios.TIOCGWINSZ, _NO_SIZE)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def forward(self, number: int) -> None:
        """Send a signal on: as its key where the terminal has one, so that the foreground job gets it."""
        if self._master < 0:
            return
        keys = {signal.SIGINT: termios.VINTR, signal.SIGQUIT: termios.VQUIT}
        if number in keys:
            key = termios.tcgetattr(self._master)[6][keys[signal.Signals(number)]]
            self._write_input(key)
        else:
            self._mine.send(b"K" + bytes([number]))

    def finish(self) -> None:
        """Write out what is left, then give the person's terminal back as it was."""
        while self._master >= 0 and self._copy_output() > 0:
            pass
        self._pass_on()
        self._leave_raw()

    def _dress(self) -> list[Any]:  # Any: as termios has it
        if self._input >= 0:
            return self._saved
        # the outer terminal still turns \n into \r\n itself
        input_flags, output_flags, *rest = self._saved
        return [input_flags, output_flags & ~termios.OPOST, *rest]

    def _enter_raw(self) -> None:
        if self._input >= 0:
            tty.setraw(self._outer, termios.TCSADRAIN)
            self._is_raw = True
            self._loop.watch(self._input, self._read_input)

    def _leave_raw(self) -> None:
        if self._is_raw:
            self._is_raw = False
            self._loop.forget(self._input)
            termios.tcsetattr(self._outer, termios.TCSADRAIN, self._saved)

    def _read_input(self) -> None:
        try:
            data = os.read(self._input, 4096)
        except OSError:  # EIO: the person's terminal is gone; SIGHUP says it too
            data = b""
        if not data:
            self._loop.forget(self._input)
        self._write_input(data)

    def _write_input(self, data: bytes) -> None:
        self._pending += data
        if self._master < 0:
            return
        try:
            self._pending = self._pending[os.write(self._master, self._pending) :] if self._pending else b""
        except BlockingIOError:
            pass
        except OSError:
            self._pending = b""
        waiting = READABLE | WRITABLE if self._pending else READABLE
        self._loop.watch(self._master, self._master_ready if self._pending else self._read_output, waiting)
        if self._input >= 0 and len(self._pending) > _MAX_PENDING:
            self._loop.forget(self._input)
        elif self._input >= 0 and data and not self._pending:
            self._loop.watch(self._input, self._read_input)

    def _master_ready(self) -> None:
        self._write_input(b"")
        self._read_output()

    def _read_output(self) -> None:
        if not _takes_bytes(self._output):
            # the person stopped the terminal (Ctrl-S): a blocking write would stop the gate's listeners too
            self._loop.forget(self._master)
            self._loop.watch(self._output, self._output_ready, WRITABLE)
        elif self._copy_output() < 0:
            self._loop.forget(self._master)

    def _output_ready(self) -> None:
        self._loop.forget(self._output)
        if self._output == self._input:
            self._loop.watch(self._input, self._read_input)
        self._loop.watch(self._master, self._read_output)

    def _copy_output(self) -> int:
        """Copy one piece; how many bytes, 0 if there is nothing now, -1 if the last process inside closed it."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return 0
        except OSError:  # EIO
            return -1
        rest = data
        while rest:
            rest = rest[os.write(self._output, rest) :]
        return len(data)

    def _pass_on(self) -> None:
        """What bubblewrap or the stub said, which is why a command did not start."""
        try:
            said = os.read(self._said, 4096)
        except BlockingIOError:
            return
        if said:
            os.write(2, said.replace(b"\n", b"\r\n") if self._is_raw else said)
        else:
            self._loop.forget(self._said)

    def _stub_spoke(self) -> None:
        message = self._mine.recv(1)
        if not message:
            self._loop.forget(self._mine.fileno())
        elif message == b"S":
            self._suspend()

    def _suspend(self) -> None:
        """The command has stopped: so do we, and when the shell continues us, so does it."""
        self._leave_raw()
        # the whole job, as Ctrl-Z would; in an orphaned group nobody could continue us, and the kernel ignores it
        os.kill(0, signal.SIGTSTP)
        self._saved = termios.tcgetattr(self._outer)
        self._enter_raw()
        self.resize()
        self._mine.send(b"C")


def _takes_bytes(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))
