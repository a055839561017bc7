"""Listening sockets on fake addresses, made inside the sandbox's network namespace and handed to the daemon.

The process that stays in the namespace is the supervisor itself. The daemon asks for a listener over a socketpair when
it has answered a name with a fake address, so a port is taken on that address only and 127.0.0.1 stays free.
"""

from __future__ import annotations

import json
import socket

from yett.sandbox.namespace import DNS_ADDRESS, PROXY_ADDRESS, is_fake

_BACKLOG = 512
_MAX_REQUEST = 4096


def first_sockets() -> list[tuple[str, socket.socket]]:
    """The sockets that every session starts with, by kind: the proxy's listener, DNS over UDP and over TCP."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(DNS_ADDRESS)
    return [("proxy", _listen(PROXY_ADDRESS)), ("dns", udp), ("dns-tcp", _listen(DNS_ADDRESS))]


class Keeper:
    """Answers the daemon's requests for listeners. `host_ports` are the only ports it opens on 127.0.0.1."""

    def __init__(self, host_ports: tuple[int, ...]) -> None:
        self._host_ports = host_ports
        self._socket, self.daemon_end = socket.socketpair()
        self._buffer = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    def serve_ready(self) -> bool:
        """Answer what has arrived. False: the daemon closed its end."""
        try:
            data = self._socket.recv(_MAX_REQUEST)
        except OSError:
            return False
        self._buffer += data
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            self._answer(line)
        return bool(data) and len(self._buffer) < _MAX_REQUEST

    def _answer(self, line: bytes) -> None:
        try:
            address, port = json.loads(line)["listen"]
            made = self._open(str(address), int(port))
        except (OSError, ValueError, TypeError, KeyError) as error:
            self._socket.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
            return
        with made:
            socket.send_fds(self._socket, [b'{"ok": true}\n'], [made.fileno()])

    def _open(self, address: str, port: int) -> socket.socket:
        if not is_fake(address) and not (address == "127.0.0.1" and port in self._host_ports):
            raise ValueError(f"{address}:{port} is not an address of the sandbox's gate")
        return _listen((address, port))


def _listen(address: tuple[str, int]) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
