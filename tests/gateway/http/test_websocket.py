"""WebSocket: an operation of its own on ungoverned hosts, its frames watched (laws 3, 10)."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.gateway.http.framing import Malformed
from yett.gateway.http.websocket import Frames

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: raw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
)


def frame(payload, first=0x81, masked=True):
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 * masked | size))
    elif size < 1 << 16:
        head = bytes((first, 0x80 * masked | 126)) + struct.pack("!H", size)
    else:
        head = bytes((first, 0x80 * masked | 127)) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class Seen:
    def __init__(self):
        self.seen = b""

    def feed(self, chunk):
        self.seen += chunk
        return chunk

    def finish(self):
        return b""


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6), st.data())
@settings(max_examples=150, deadline=None)
def test_frames_are_seen_unmasked_and_leave_as_they_came(payloads, data):
    raw = b"".join(frame(payload) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    seen, at, out = Seen(), 0, b""
    frames = Frames(seen)
    for cut in [*cuts, len(raw)]:
        out += frames.more(raw[at:cut])
        at = cut
    assert out == raw
    assert seen.seen == b"".join(payloads)


def test_a_large_frame_is_seen_whole():
    seen = Seen()
    payload = os.urandom(70_000)
    Frames(seen).more(frame(payload))
    assert seen.seen == payload


@pytest.mark.parametrize(
    "raw",
    [frame(b"x", masked=False), frame(b"x", first=0xC1), b"\x82\xff" + struct.pack("!Q", 1 << 30) + b"mask"],
    ids=["not masked", "reserved bit", "endless"],
)
def test_frames_that_hide_their_payload_are_malformed(raw):
    with pytest.raises(Malformed):
        Frames(Seen()).more(raw)


def test_an_upgrade_is_an_unknown_operation(gate, scripted):
    scripted.answers(SWITCH)
    gate.ask(UPGRADE, "raw.test", read=False)
    attempt = gate.checkpoint.attempts[0]
    assert [operation.effect for operation in attempt.operations] == ["unknown"]
    assert attempt.operations[0].target.opaque


def test_a_held_upgrade_never_leaves(gate, scripted):
    assert gate.ask(UPGRADE.replace(b"/chat", b"/held"), "raw.test").status == 403
    assert scripted.connections == 0


def switching(gate, seen):
    def script(connection):
        seen.append(gate.read_head(connection))
        connection.sendall(SWITCH + frame(b"hello", masked=False))
        while piece := connection.recv(4096):
            seen.append(piece)
            connection.sendall(frame(b"again", masked=False))

    return script


def test_an_allowed_upgrade_relays_frames_both_ways(gate, scripted):
    seen = []
    scripted.script = switching(gate, seen)
    sent = frame(b"a question")
    with gate.tunnel("raw.test") as connection:
        connection.sendall(UPGRADE)
        assert b" 101 " in gate.read_head(connection)
        assert connection.recv(7) == frame(b"hello", masked=False)
        connection.sendall(sent)
        assert connection.recv(7) == frame(b"again", masked=False)
    assert b"upgrade: websocket" in seen[0]
    assert b"permessage-deflate" not in seen[0]
    assert seen[1] == sent


def test_a_secret_in_a_frame_ends_the_connection(gate, scripted):
    seen = []
    scripted.script = switching(gate, seen)
    with gate.tunnel("raw.test") as connection:
        connection.sendall(UPGRADE)
        gate.read_head(connection)
        connection.recv(7)
        connection.sendall(frame(b'{"key":"' + gate.REAL.encode() + b'"}'))
        assert connection.recv(100) == b""
    assert len(seen) == 1


def test_an_upstream_that_does_not_switch_answers_as_ever(gate, scripted):
    scripted.answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    assert gate.ask(UPGRADE, "raw.test").status == 404
