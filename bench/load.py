"""A load client for gates: keep-alive requests over TLS, straight or through CONNECT, on uvloop. Prints a JSON line."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import socket
import ssl
import time
from collections.abc import Iterator

import uvloop


class Connection(asyncio.Protocol):
    """Sends the next request as soon as one is answered."""

    def __init__(self, requests: Iterator[bytes], until: float, took: list[float]) -> None:
        self.requests, self.until, self.took = requests, until, took
        self.done = asyncio.get_running_loop().create_future()
        self.refused = 0
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(next(self.requests))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        refused = not self.buffer.startswith(b"HTTP/1.1 200")
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        size = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + size:
            return
        self.buffer = b""
        now = time.perf_counter()
        if refused:
            self.refused += 1
        else:
            self.took.append(now - self.sent)
        if now < self.until:
            self.send()
        else:
            self.done.set_result(None)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(str(exc)))


async def connect(options: argparse.Namespace) -> socket.socket:
    """A TCP connection, through CONNECT if asked."""
    loop = asyncio.get_running_loop()
    opened = socket.socket()
    opened.setblocking(False)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await loop.sock_connect(opened, ("127.0.0.1", options.port))
    if options.connect:
        target = f"{options.name}:{options.connect}"
        await loop.sock_sendall(opened, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += await loop.sock_recv(opened, 1)
        if b" 200 " not in answer:
            raise ConnectionError(answer)
    return opened


async def run(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cafile=options.roots)
    body = b"x" * options.body
    lines = [f"Host: {options.name}", "User-Agent: load/1", "Accept: */*", *options.header]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    rest = "\r\n".join(lines)
    paths = [options.path, *(f"{options.path}-{number}" for number in range(1, options.vary))]
    heads = [f"{options.method} {path} HTTP/1.1\r\n{rest}\r\n\r\n".encode() for path in paths]
    requests = itertools.cycle([head + body for head in heads])
    took: list[float] = []
    until = time.perf_counter() + options.seconds
    connections = []
    for _ in range(options.connections):
        _, protocol = await loop.create_connection(
            lambda: Connection(requests, until, took),
            sock=await connect(options),
            ssl=context,
            server_hostname=options.name,
        )
        connections.append(protocol)
    began = time.perf_counter()
    await asyncio.gather(*(connection.done for connection in connections))
    spent = time.perf_counter() - began
    took.sort()
    if not took:
        raise SystemExit("every request was refused")
    print(
        json.dumps(
            {
                "rate": round(len(took) / spent),
                "count": len(took),
                "refused": sum(connection.refused for connection in connections),
                "p50_us": round(took[len(took) // 2] * 1e6),
                "p99_us": round(took[int(len(took) * 0.99)] * 1e6),
            }
        )
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="api.test")
    parser.add_argument("--connect", type=int, default=0, help="CONNECT to this port first")
    parser.add_argument("--roots", required=True)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--method", default="GET")
    parser.add_argument("--path", default="/v1/things")
    parser.add_argument("--vary", type=int, default=1, help="so many paths, one after another")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--body", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(run(options()))
