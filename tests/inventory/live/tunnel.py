"""A company's proxy: CONNECT, and then bytes both ways, always to one address."""

from __future__ import annotations

import contextlib
import socket
import threading

import listening


class Tunnel:
    """Listens on loopback. `heads` are the requests that it was given; `refuses` makes it answer 403."""

    def __init__(self, address: tuple[str, int], refuses: bool = False) -> None:
        self.heads: list[bytes] = []
        self._address = address
        self._refuses = refuses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        _thread(self._accept)

    def close(self) -> None:
        listening.close(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                _thread(self._serve, self._listener.accept()[0])

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += near.recv(1)
            self.heads.append(head)
            if self._refuses:
                near.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            with socket.create_connection(self._address) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = _thread(_pump, far, near)
                _pump(near, far)
                back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def _thread(work: object, *given: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]  # any callable
    thread.start()
    return thread
