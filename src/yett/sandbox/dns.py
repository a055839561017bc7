"""The sandbox's name server as a pure function: query in, answer out (RFC 1035).

Only A has an answer, from the fake pool: AAAA, HTTPS and SVCB are empty (an HTTPS record would turn on ECH and HTTP/3,
and hide the name from the gate), and so is every other type, so that nothing leaves in a query either. Single labels
and what RFC 6761 and RFC 8375 keep local do not exist.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

A = 1
_IN = 1
_HEADER = struct.Struct("!6H")
_RESPONSE = 0x8000
_RECURSION_AVAILABLE = 0x0080
_KEPT_OF_QUERY = 0x7900
"""Opcode and RD come back as they were sent (RFC 1035, 4.1.1)."""
_NXDOMAIN = 3
_NOT_IMPLEMENTED = 4
_POINTER_TO_QUESTION = 0xC00C
_LOCAL = ("localhost", "local", "internal", "home.arpa", "invalid", "onion", "localdomain", "in-addr.arpa", "ip6.arpa")

TTL_SECONDS = 5
MAX_QUERY = 512


class Question(NamedTuple):
    """One question. `name` is lower-case without the last dot; `wire` is its bytes as they were sent."""

    name: str
    type: int
    wire: bytes


def answer(query: bytes, address_of: Callable[[str], bytes | None]) -> bytes | None:
    """The datagram to send back, None for one that is to be ignored.

    `address_of` gives the four bytes of a name's fake address, None if the name shall not exist.
    """
    if not _HEADER.size < len(query) <= MAX_QUERY:
        return None
    identity, flags, questions, answers, authorities, _ = _HEADER.unpack_from(query)
    if flags & _RESPONSE or questions != 1 or answers or authorities:
        return None
    question = _read_question(query)
    if question is None:
        return None
    if flags & 0x7800:
        return _reply(identity, flags, question, _NOT_IMPLEMENTED)
    if "." not in question.name or is_local(question.name):
        return _reply(identity, flags, question, _NXDOMAIN)
    address = address_of(question.name)
    if address is None:
        return _reply(identity, flags, question, _NXDOMAIN)
    record = struct.pack("!HHHIH4s", _POINTER_TO_QUESTION, A, _IN, TTL_SECONDS, 4, address)
    return _reply(identity, flags, question, 0, record if question.type == A else b"")


def is_local(name: str) -> bool:
    """Whether a name belongs to this machine or its network alone, and never to the gate."""
    return any(name == suffix or name.endswith("." + suffix) for suffix in _LOCAL)


def _reply(identity: int, flags: int, question: Question, code: int, record: bytes = b"") -> bytes:
    answered = _RESPONSE | (flags & _KEPT_OF_QUERY) | _RECURSION_AVAILABLE | code
    return _HEADER.pack(identity, answered, 1, 1 if record else 0, 0, 0) + question.wire + record


def _read_question(query: bytes) -> Question | None:
    """The question behind the header, None if it is malformed. A query's own name is never compressed."""
    labels: list[str] = []
    at = _HEADER.size
    while at < len(query) and (length := query[at]):
        label = query[at + 1 : at + 1 + length]
        if length > 63 or len(label) < length or not _is_host_label(label):
            return None
        labels.append(label.decode("ascii").lower())
        at += 1 + length
    end = at + 5
    if end > len(query) or not labels or at - _HEADER.size > 254:
        return None
    kind, group = struct.unpack_from("!HH", query, at + 1)
    if group != _IN:
        return None
    return Question(".".join(labels), kind, query[_HEADER.size : end])


def _is_host_label(label: bytes) -> bool:
    """Letters, digits, hyphen and underscore (SRV and DKIM names); else two parsers may differ."""
    return all(byte in _LABEL_BYTES for byte in label)


_LABEL_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
