"""One request, one answer: within a time, within a size, following nothing."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from typing import Any, cast

from yett.inventory.live.call import Request
from yett.inventory.live.limits import Limits
from yett.inventory.live.network import Dialler, Network, left
from yett.inventory.live.verdict import Answer


class NoAnswer(Exception):
    """The host was reached and had the request, but what came back is no answer. The text never quotes it."""


class Client:
    """Asks hosts, from several threads at once, each host from one thread."""

    def __init__(self, network: Network, limits: Limits) -> None:
        self._dialler = Dialler(network)
        self._limits = limits

    def ask(self, request: Request) -> Answer:
        """Send it over a connection of its own.

        What the libraries say is not passed on: it may quote the answer, and an answer may quote the credential.

        Raises:
            UpstreamFailed: the host was not reached; nothing was sent.
            NoAnswer: it was sent.
        """
        deadline = time.monotonic() + self._limits.within_s
        with self._dialler.connect(request.host, request.port, deadline) as wire:
            try:
                wire.settimeout(left(deadline))
                wire.sendall(request.octets)
                return _answer(wire, request, deadline, self._limits.body)
            except TimeoutError:
                raise NoAnswer("did not answer in time") from None
            except (OSError, http.client.HTTPException, ValueError):
                raise NoAnswer("gave no answer that is HTTP") from None


_HEADS = 128 << 10
"""Octets of a head, and of the framing of a body."""


def _answer(wire: ssl.SSLSocket, request: Request, deadline: float, most: int) -> Answer:
    source = _Source(_Bounded(wire, deadline, most + _HEADS))
    response = http.client.HTTPResponse(cast(socket.socket, source), method=request.method)
    response.begin()
    retry_after = response.getheader("retry-after") or ""
    if not request.reads_body:
        return Answer(response.status, None, retry_after)
    body = response.read(most + 1)
    return Answer(response.status, body if len(body) <= most else None, retry_after)


class _Source:
    """What `HTTPResponse` wants of a socket."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Bounded(io.RawIOBase):
    """A socket to read from until a time, and so much of it: a host that drips holds up nothing."""

    def __init__(self, wire: ssl.SSLSocket, deadline: float, most: int) -> None:
        super().__init__()
        self._wire = wire
        self._deadline = deadline
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: as the base class has it
        self._wire.settimeout(left(self._deadline))
        size = self._wire.recv_into(buffer)
        self._left -= size
        if self._left < 0:
            raise OSError("too much")
        return size
