"""Mutated requests over real sockets: whatever reaches an upstream was decided on, in the form in which it arrived."""

from __future__ import annotations

import random
import time
from contextlib import suppress

SEEDS = [
    b"GET /a HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /c HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"PUT /d HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
]
PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"\0",
        b":",
        b",",
        b"0",
        b"5",
        b";x",
        b"\x0b",
        b"\xff",
        b"chunked",
        b"HTTP/1.1",
    ),
    *(b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Host: other.test\r\n", b"\r\n\r\n", b"/../", b"%2f"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"),
    b"GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n",
]
SECONDS = 4


def mutated(chance):
    raw = bytearray(b"".join(chance.choices(SEEDS, k=chance.randint(1, 3))))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(4):
            case 0:
                raw[at:at] = chance.choice(PIECES)
            case 1:
                del raw[at : at + chance.randint(1, 6)]
            case 2:
                raw[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                raw[at : at + chance.randint(1, 10)] = chance.choice(PIECES)
    return bytes(raw)


def sent(gate, raw, chance):
    """Send it in pieces, read until the gate has nothing more to say."""
    with gate.tunnel() as connection:
        connection.settimeout(0.05)
        with suppress(OSError):
            at = 0
            while at < len(raw):
                size = chance.randint(1, len(raw))
                connection.sendall(raw[at : at + size])
                at += size
            while connection.recv(65536):
                pass


def test_mutated_requests_reach_the_upstream_as_they_were_decided_or_not_at_all(gate, echo):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        sent(gate, mutated(chance), chance)
    time.sleep(0.3)
    left = [f"{seen['method']} api.test{seen['path']}" for seen in list(echo.seen)]  # first what left, then what may
    decided = [attempt.summary for attempt in gate.checkpoint.attempts]
    assert left, seed
    assert all(decided.count(one) >= left.count(one) for one in set(left)), seed
    assert all(seen["headers"]["host"] == "api.test" for seen in echo.seen), seed
    assert not any("transfer-encoding" in seen["headers"] for seen in echo.seen), seed
    assert all(int(seen["headers"].get("content-length", 0)) == seen["size"] for seen in echo.seen), seed
