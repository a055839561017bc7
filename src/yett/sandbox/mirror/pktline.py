"""The answers of git's smart protocol in pkt-lines, and where a push's pack begins (gitprotocol-pack(5))."""

from __future__ import annotations

from collections.abc import Iterable

from yett.operations.pkt_line import Mark, Push, lines

FLUSH = b"0000"
_MAX_PAYLOAD = 65_515


def line(payload: bytes) -> bytes:
    return b"%04x" % (len(payload) + 4) + payload


def pack_of(body: bytes, push: Push) -> bytes:
    """What follows the commands, and the push options if there are any; b"" if every command deletes."""
    sections = 2 if "push-options" in push.capabilities else 1
    for content, end in lines(body):
        sections -= content is Mark.FLUSH
        if not sections:
            return body[end:]
    return b""


def report(push: Push, refused: str, notes: Iterable[str] = ()) -> bytes:
    """The answer of git-receive-pack: every ref ok, or every ref refused for one reason; notes go to the terminal."""
    status = line(b"unpack ok\n")
    for command in push.commands:
        said = f"ng {command.ref} {refused}\n" if refused else f"ok {command.ref}\n"
        status += line(said.encode()[: _MAX_PAYLOAD - 1])
    status += FLUSH
    if push.capabilities.isdisjoint({"report-status", "report-status-v2"}):
        status = b""
    if "side-band-64k" not in push.capabilities:
        return status
    words = b"".join(line(b"\x02" + note.encode()[:900] + b"\n") for note in notes)
    return words + (line(b"\x01" + status) if status else b"") + FLUSH
