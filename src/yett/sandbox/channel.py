"""The supervisor's side of operator.sock: one JSON object a line, descriptors beside it (SCM_RIGHTS)."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from yett.model.errors import ConfigurationError, YettError

Message = dict[str, Any]  # Any: JSON as it stands on the socket; every reader checks what it takes


class DaemonGone(YettError):
    """The daemon closed the connection: without it nothing may start, and nothing leaves."""

    def __init__(self) -> None:
        super().__init__(
            "Yett's daemon closed the connection.", "See its log, start it again, then run the command again."
        )


def state_directory() -> str:
    """Where Yett keeps its state: $YETT_HOME, else the place that XDG names. The daemon's settings say the same."""
    if said := os.environ.get("YETT_HOME"):
        return os.path.abspath(said)
    return os.path.join(os.path.expanduser(os.environ.get("XDG_STATE_HOME") or "~/.local/state"), "yett")


class Channel:
    """One connection to the daemon. Its life is the session's life: end of file ends the session."""

    def __init__(self, home: str) -> None:
        """Connect to `home`/operator.sock.

        Raises:
            ConfigurationError: nothing listens there.
        """
        self._socket = socket.socket(socket.AF_UNIX)
        self._buffer = b""
        try:
            self._connect(home)
        except OSError as error:
            raise ConfigurationError(
                f"Yett's daemon does not answer at {home}/operator.sock ({error.strerror}).", "Start it with: yett up"
            ) from None

    def _connect(self, home: str) -> None:
        """Through the directory's descriptor: a unix address has 107 bytes, a home may be longer."""
        folder = os.open(home, os.O_PATH | os.O_DIRECTORY)
        try:
            self._socket.connect(f"/proc/self/fd/{folder}/operator.sock")
        finally:
            os.close(folder)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        data = json.dumps(message).encode() + b"\n"
        try:
            sent = socket.send_fds(self._socket, [data], list(descriptors))
            self._socket.sendall(data[sent:])
        except OSError:
            raise DaemonGone from None

    def receive(self) -> Message:
        """Next message.

        Raises:
            DaemonGone: end of file, or what is not a JSON object.
            YettError: the daemon answered with an error of its own.
        """
        while b"\n" not in self._buffer:
            try:
                data = self._socket.recv(65536)
            except OSError:
                raise DaemonGone from None
            if not data:
                raise DaemonGone
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return _checked(line)

    def call(
        self, message: Message, descriptors: Sequence[int] = (), progress: Callable[[str], None] = print
    ) -> Message:
        """Send, then wait for the answer; lines of progress on the way go to `progress`."""
        self.send(message, descriptors)
        while "progress" in (answer := self.receive()):
            progress(str(answer["progress"]))
        return answer

    def close(self) -> None:
        self._socket.close()


def _checked(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except ValueError:
        raise DaemonGone from None
    if not isinstance(message, dict):
        raise DaemonGone
    if "error" in message:
        raise YettError(str(message["error"]), str(message.get("remedy", "")))
    return message
