"""The sandbox's name server: only A has an answer, whatever arrives."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from yett.sandbox import dns

FAKE = bytes((198, 18, 0, 7))
HEADER = struct.Struct("!6H")
LABELS = st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), min_size=1, max_size=5)


def query(name: str, kind: int = 1, group: int = 1, flags: int = 0x0100, identity: int = 0x1234) -> bytes:
    wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return HEADER.pack(identity, flags, 1, 0, 0, 0) + wire + struct.pack("!HH", kind, group)


def ask(data: bytes, known: bytes | None = FAKE) -> tuple[int, int, bytes] | None:
    """(response code, answers, the last four bytes)."""
    reply = dns.answer(data, lambda name: known)
    if reply is None:
        return None
    _, flags, _, answers, _, _ = HEADER.unpack_from(reply)
    return flags & 15, answers, reply[-4:]


def test_a_name_gets_its_fake_address() -> None:
    assert ask(query("api.example.com")) == (0, 1, FAKE)


def test_the_callback_gets_the_name_in_lower_case() -> None:
    asked: list[str] = []
    dns.answer(query("Api.EXAMPLE.com"), lambda name: asked.append(name) or FAKE)
    assert asked == ["api.example.com"]


def test_the_answer_repeats_the_question_as_it_was_sent_and_its_identity() -> None:
    data = query("ApI.eXample.com", identity=0xBEEF)
    reply = dns.answer(data, lambda name: FAKE)
    assert reply is not None
    assert reply[:2] == b"\xbe\xef"
    assert reply[12 : len(data)] == data[12:]


def test_other_types_are_empty_and_without_error() -> None:
    for kind in (28, 65, 64, 16, 15, 33, 255, 5):  # AAAA, HTTPS, SVCB, TXT, MX, SRV, ANY, CNAME
        assert (reply := ask(query("api.example.com", kind))) is not None
        assert reply[:2] == (0, 0)


def test_what_belongs_to_this_machine_or_network_does_not_exist() -> None:
    for name in ("database", "localhost", "a.localhost", "printer.local", "db.internal", "x.home.arpa", "a.onion"):
        assert (reply := ask(query(name))) is not None
        assert reply[:2] == (3, 0), name


def test_reverse_look_ups_do_not_exist() -> None:
    assert (reply := ask(query("7.0.18.198.in-addr.arpa", 12))) is not None
    assert reply[:2] == (3, 0)


def test_a_name_that_the_gate_does_not_know_does_not_exist() -> None:
    assert (reply := ask(query("api.example.com"), known=None)) is not None
    assert reply[:2] == (3, 0)


def test_a_query_with_additional_records_is_answered() -> None:
    data = bytearray(query("api.example.com")) + b"\0\0\x29\x10\0\0\0\0\0\0\0"  # EDNS, RFC 6891
    data[11] = 1
    assert ask(bytes(data)) == (0, 1, FAKE)


def test_malformed_queries_are_ignored() -> None:
    good = query("api.example.com")
    bad = {
        "empty": b"",
        "short": good[:11],
        "cut in the name": good[:18],
        "cut in the type": good[:-3],
        "an answer": query("api.example.com", flags=0x8100),
        "two questions": HEADER.pack(1, 0x100, 2, 0, 0, 0) + good[12:],
        "no question": HEADER.pack(1, 0x100, 0, 0, 0, 0) + good[12:],
        "a compressed name": HEADER.pack(1, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",
        "another class": query("api.example.com", group=3),
        "the root": HEADER.pack(1, 0x100, 1, 0, 0, 0) + b"\0\0\1\0\1",
        "a dot in a label": HEADER.pack(1, 0x100, 1, 0, 0, 0) + b"\x03a.b\x03com\0\0\1\0\1",
        "a NUL in a label": HEADER.pack(1, 0x100, 1, 0, 0, 0) + b"\x03a\0b\x03com\0\0\1\0\1",
        "too long": query(".".join(["a" * 63] * 5)),
    }
    for what, data in bad.items():
        assert dns.answer(data, lambda name: FAKE) is None, what


def test_other_operations_are_not_implemented() -> None:
    assert (reply := ask(query("api.example.com", flags=0x2800))) is not None
    assert reply[:2] == (4, 0)


@given(st.binary(max_size=600))
def test_nothing_that_arrives_breaks_it(data: bytes) -> None:
    reply = dns.answer(data, lambda name: FAKE)
    assert reply is None or reply[:2] == data[:2]


@given(LABELS, st.sampled_from([1, 28, 16, 65]))
def test_every_host_name_is_answered_with_its_own_question(labels: list[str], kind: int) -> None:
    data = query(".".join(labels), kind)
    reply = dns.answer(data, lambda name: FAKE)
    assert reply is not None
    assert reply[12 : len(data)] == data[12:]
    assert len(reply) - len(data) in (0, 16)
