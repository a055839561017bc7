"""The entry of an explicit proxy: read a CONNECT head off the socket, and not one byte more.

Bytes behind the head (a TLS hello sent early) stay in the kernel for whoever takes the socket over: nothing is lost.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from yett.gateway import refusal
from yett.gateway.http.framing import MAX_HEAD, Malformed, parse_request
from yett.gateway.http.judge import Route
from yett.gateway.http.preface import PREFACE, http2_refusal
from yett.gateway.names import NameRefused, authority
from yett.gateway.refusal import Problem
from yett.model.errors import YettError

PLAIN = Route("http", "", 0)
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_TLS_HANDSHAKE = b"\x16"


class Entry:
    """Waits on one accepted socket until it is known where it leads, then gives itself back.

    `on_route(entry, route, held)` owns the socket from then on, `held` is what was read of it: nothing, for a tunnel.
    `on_end(entry)`: the socket is closed.
    """

    def __init__(
        self,
        accepted: socket.socket,
        deadline: float,
        on_route: Callable[[Entry, Route, bytes], None],
        on_end: Callable[[Entry], None],
        on_refusal: Callable[[YettError], None],
    ) -> None:
        self.socket = accepted
        self.deadline = deadline
        self._on_route = on_route
        self._on_end = on_end
        self._on_refusal = on_refusal
        self._head = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(accepted, self._readable)

    def abort(self) -> None:
        """Give the socket up."""
        self._loop.remove_reader(self.socket)
        self.socket.close()
        self._on_end(self)

    def expire(self) -> None:
        """The head did not arrive in time."""
        self._answer(Problem("Refused by Yett", 408, "The request did not arrive in time", "timeout"))

    def _readable(self) -> None:
        try:
            ahead = self.socket.recv(MAX_HEAD, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            ahead = b""
        if ahead:
            self._look(ahead)
        else:
            self.abort()

    def _look(self, ahead: bytes) -> None:
        """Take the head from the socket once it is complete, or what there is of it."""
        known = self._head + ahead
        if not known.startswith(b"CONNECT"[: len(known)]):
            self._plain(known)
            return
        end = known.find(_END_OF_HEAD)
        taken = len(ahead) if end < 0 else end + 4 - len(self._head)
        self.socket.recv(taken)
        self._head = known[: len(self._head) + taken]
        if end >= 0:
            self._connect(known[:end])
        elif len(known) > MAX_HEAD:
            self._refuse(Malformed("The head is too long"))

    def _connect(self, head: bytes) -> None:
        try:
            route = tunnel_route(head)
        except YettError as error:
            self._refuse(error)
            return
        self._loop.remove_reader(self.socket)
        self._on_route(self, route, b"")

    def _plain(self, known: bytes) -> None:
        if known.startswith(_TLS_HANDSHAKE):
            self._refuse(Malformed("The proxy port speaks http", "Write the proxy as http://."))
        elif known.startswith(PREFACE[:14]):
            self._say(http2_refusal())
        else:
            self._loop.remove_reader(self.socket)
            self._on_route(self, PLAIN, self._head)

    def _refuse(self, error: YettError) -> None:
        self._on_refusal(error)
        self._answer(refusal.problem(error, 403, ""))

    def _answer(self, said: Problem) -> None:
        self._say(refusal.response(said, closes=True))

    def _say(self, answer: bytes) -> None:
        """A last word into the empty send buffer. What has arrived is read first, or closing would reset the answer."""
        with suppress(OSError):  # the client may be gone: then there is nobody to tell
            self.socket.recv(MAX_HEAD)
        with suppress(OSError):
            self.socket.send(answer)
        self.abort()


def tunnel_route(head: bytes) -> Route:
    """Where a CONNECT head leads (RFC 9110, 9.3.6).

    Raises:
        Malformed: the head is broken, has a body, or its Host is another.
        NameRefused: an address, an odd spelling, this machine.
    """
    request = parse_request(_without_old_version(head))
    if request.method != "CONNECT":
        raise Malformed("The proxy expected CONNECT")
    if request.length:
        raise Malformed("CONNECT has a body")
    name, port = authority(request.target)
    if authority(request.host, port) != (name, port):
        raise NameRefused("Host is not the host of CONNECT", "Send one host.")
    return Route("https", name, port)


def _without_old_version(head: bytes) -> bytes:
    """As HTTP/1.1: Python up to 3.11 (and pip with it) opens tunnels in HTTP/1.0, and the target says all of Host."""
    line, separator, fields = head.partition(b"\r\n")
    words = line.split(b" ")
    if len(words) != 3 or words[0] != b"CONNECT" or words[2] != b"HTTP/1.0":
        return head
    named = any(field.lower().startswith(b"host:") for field in fields.split(b"\r\n"))
    host = b"" if named else b"\r\nHost: " + words[1]
    return b"CONNECT " + words[1] + b" HTTP/1.1" + host + separator + fields


def established(accepted: socket.socket) -> bool:
    """Tell the client that the tunnel stands. False if it has gone."""
    try:
        return accepted.send(_ESTABLISHED) == len(_ESTABLISHED)
    except OSError:
        return False
