"""pkt-lines: whole, in order, or refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.model.errors import Unreadable
from yett.operations.pkt_line import Command, Push, is_fetch, read_push

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
CAPABILITIES = "report-status side-band-64k agent=git/2.39.5"


def line(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return f"{len(data) + 4:04x}".encode() + data


def push(*rows: str, pack: bytes = b"PACK", capabilities: str = CAPABILITIES) -> bytes:
    first, *others = rows
    return b"".join([line(f"{first}\0{capabilities}"), *map(line, others), b"0000", pack])


REFS = st.from_regex(r"refs/heads/[a-z0-9-]{1,12}", fullmatch=True)
IDS = st.from_regex(r"[1-9a-f][0-9a-f]{39}", fullmatch=True)
COMMANDS = st.lists(st.builds(Command, IDS, IDS, REFS), min_size=1, max_size=8, unique_by=lambda c: c.ref)


@settings(max_examples=100, deadline=None)
@given(COMMANDS)
def test_what_is_sent_is_read(commands: list[Command]) -> None:
    sent = push(*(f"{c.old} {c.new} {c.ref}" for c in commands))
    assert read_push(sent).commands == tuple(commands)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(read_push(data), Push)
    assert is_fetch(data) in (True, False)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_push_with_a_changed_byte_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(push(f"{A} {B} refs/heads/one", f"{ZERO} {B} refs/heads/two"))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_push(bytes(whole))
    except Unreadable:
        return


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (push(f"{A} {B} refs/heads/x", f"{A} {ZERO} refs/heads/x"), "twice"),
        (push(f"{ZERO} {ZERO} refs/heads/x"), "neither makes nor deletes"),
        (push(f"{A} {B} refs/heads/x y"), "not old, new, ref"),
        (push(f"{A[:39]} {B} refs/heads/x"), "not old, new, ref"),
        (push(f"{A.upper()} {B} refs/heads/x"), "not old, new, ref"),
        (push(f"{A} {'b' * 64} refs/heads/x"), "not old, new, ref"),
        (push(f"{A} {B} refs/heads/x.lock"), "git refuses"),
        (push(f"{A} {B} HEAD"), "git refuses"),
        (push(f"{A} {B} refs/heads/x", f"shallow {A}"), "not old, new, ref"),
        (line(f"{A} {B} refs/heads/x\0{CAPABILITIES}"), "no end"),
        (line(f"{A} {B} refs/heads/x\0{CAPABILITIES}") + b"0001" + b"0000", "no end"),
        (b"0003", "cut off"),
        (b"ffff", "cut off"),
        (b"", "no end"),
    ],
)
def test_what_git_does_not_send_is_refused(sent: bytes, what: str) -> None:
    with pytest.raises(Unreadable, match=what):
        read_push(sent)


def test_more_commands_than_a_person_could_look_at_are_refused() -> None:
    with pytest.raises(Unreadable, match="more than 200"):
        read_push(push(*(f"{A} {B} refs/heads/{n}" for n in range(201))))


def test_a_signed_push_is_not_read() -> None:
    sent = line(f"push-cert\0{CAPABILITIES}") + line("certificate version 0.1\n") + b"0000PACK"
    assert read_push(sent).certificate


def test_push_options_come_only_where_they_were_announced() -> None:
    announced = push(f"{A} {B} refs/heads/x", pack=line("ci.skip") + b"0000PACK", capabilities="push-options")
    assert read_push(announced).options == ("ci.skip",)
    unannounced = push(f"{A} {B} refs/heads/x", pack=line("ci.skip") + b"0000PACK")
    with pytest.raises(Unreadable, match="other than a pack"):
        read_push(unannounced)


def test_a_shallow_line_before_the_commands_is_no_command() -> None:
    sent = line(f"shallow {A}") + push(f"{A} {B} refs/heads/x")
    assert [command.ref for command in read_push(sent).commands] == ["refs/heads/x"]


def test_a_delete_needs_no_pack() -> None:
    assert read_push(push(f"{A} {ZERO} refs/heads/x", pack=b"")).commands[0].deletes


def test_an_empty_push_is_a_probe() -> None:
    assert read_push(b"0000").commands == ()


def test_a_ref_that_nobody_reads_to_its_end_is_refused() -> None:
    with pytest.raises(Unreadable, match="git refuses"):
        read_push(push(f"{A} {B} refs/heads/{'x' * 300}"))


def test_too_many_options_are_refused() -> None:
    options = b"".join(line(f"o{n}") for n in range(21)) + b"0000PACK"
    with pytest.raises(Unreadable, match="too many options"):
        read_push(push(f"{A} {B} refs/heads/x", pack=options, capabilities="push-options"))
