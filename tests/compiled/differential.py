"""The compiled parser against its own source: the same calls, the same answers, exceptions, questions and state.

Run by test_compiled.py in a process whose `yett` is the compiled one; the source is loaded beside it from src/.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.postgres.raw import bind, execute, parse, query
from gateway.postgres.test_framing import CONTROLS, READS, answers, cut, messages, names
from yett.gateway.postgres import answers as compiled_answers
from yett.gateway.postgres import fields as compiled_fields
from yett.gateway.postgres import framing as compiled_framing
from yett.gateway.postgres import metering as compiled_metering
from yett.gateway.postgres import waiting as compiled_waiting
from yett.gateway.postgres.desk import Told
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.messages import message

SOURCE = Path(__file__).parents[2] / "src/yett/gateway/postgres"
Step = tuple[str, bytes]


def _source(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"source_{name}", SOURCE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIELDS = (compiled_fields, _source("fields"))
WAITINGS = (compiled_waiting, _source("waiting"))
with patch.dict(sys.modules, {compiled_waiting.__name__: WAITINGS[1]}):  # what is compiled is no base for source
    FRAMINGS = (compiled_framing, _source("framing"))
ANSWERS = (compiled_answers, _source("answers"))
METERINGS = (compiled_metering, _source("metering"))
KNOWN = {one.encode() for one in READS}
STATE = (
    "rest", "held", "closing", "due", "open", "guarding", "heard", "fresh", "plain", "names", "heavy", "types",
    "touched", "controls", "special", "waiting", "_drop", "_missing", "_parts", "_tails",
)  # fmt: skip


def test_one_is_compiled_and_the_other_is_not() -> None:
    for pair in (FIELDS, WAITINGS, FRAMINGS, ANSWERS, METERINGS):
        assert [Path(str(one.__file__)).suffix == ".py" for one in pair] == [False, True]


def said(work: Callable[[], object]) -> object:
    """What it gives, or raises. Of Python's own errors the kind: their words are each interpreter's."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other one must raise it, too
        name = type(error).__name__
        return (name, str(error)) if name == "Malformed" else (name,)


class Watched:
    """One `Requests`, and what it asked of the desk."""

    def __init__(self, framing: ModuleType, mood: int, guarding: bool) -> None:
        self.asked: list[tuple[str, bytes]] = []
        limits = WireLimits(names=4, statement=200, message=300)
        self.requests = framing.Requests(self._answering("passes", mood), limits, self._answering("anew", mood >> 2))
        self.requests.alike = self._answering("alike", mood >> 4)
        self.requests.clean = self._answering("clean", mood >> 6)
        self.requests.guarding = guarding
        for sql in sorted(KNOWN)[: 3 + mood % 4]:
            self.requests.learn(sql, sql.decode() in CONTROLS)
            self.requests.name(b"a", sql)

    def _answering(self, what: str, mood: int) -> Callable[[bytes], bool]:
        def answer(sql: bytes) -> bool:
            self.asked.append((what, sql))
            return mood % 4 == 3 or (mood % 4 > 0 and sum(sql) % (mood % 4 + 1) == 0)

        return answer

    def do(self, step: Step) -> object:
        what, data = step
        call = getattr(self.requests, what)
        given = () if what in ("take", "take_copied", "failed", "calm") else (data,)
        return said(lambda: call(*given)), self.state()

    def state(self) -> tuple[object, ...]:
        found = [getattr(self.requests, name) for name in STATE]
        return *(bytes(one) if isinstance(one, bytearray) else repr(one) for one in found), tuple(self.asked)


values = st.integers(0, 30).map(bytes)
bound = st.builds(lambda name, tail: message(0x42, b"\0" + name.encode() + b"\0" + tail), names, values)
sessions = st.lists(st.one_of(messages, messages, bound), max_size=12).map(b"".join)
"""With Binds around the size from which they are searched for secrets."""

calls = st.sampled_from(["feed"] * 6 + ["gather", "take", "take_copied", "failed", "calm"])
bent = st.tuples(st.integers(0, 10_000), st.integers(0, 255))


def changed(data: bytes, bends: list[tuple[int, int]]) -> bytes:
    new = bytearray(data)
    for place, byte in bends:
        if new:
            new[place % len(new)] = byte
    return bytes(new)


@settings(max_examples=1500, deadline=None)
@given(
    sessions, st.lists(bent, max_size=3), st.lists(st.integers(0, 10_000), max_size=10), st.data(),
    st.integers(0, 255), st.booleans(),
)  # fmt: skip
def test_requests(
    data: bytes, bends: list[tuple[int, int]], places: list[int], draw: st.DataObject, mood: int, guarding: bool
) -> None:
    pieces = cut(changed(data, bends), places)
    steps = [(draw.draw(calls), piece) for piece in pieces]
    one, other = (Watched(framing, mood, guarding) for framing in FRAMINGS)
    for step in steps:
        assert one.do(step) == other.do(step)


@pytest.mark.parametrize("size", range(45))
def test_a_bind_of_every_size_is_searched_for_secrets_or_not(size: int) -> None:
    for mood in (255, 0b00111111):
        one, other = (Watched(framing, mood, False) for framing in FRAMINGS)
        step = ("feed", message(0x42, b"\0a\0" + bytes(size)))
        assert one.do(step) == other.do(step)
        assert ("clean" in dict(one.asked)) is (size > 25)


@settings(max_examples=1500, deadline=None)
@given(
    answers, st.lists(bent, max_size=2), st.lists(st.integers(0, 10_000), max_size=10), st.data(), st.booleans(),
    st.integers(0, 30), st.lists(st.booleans(), min_size=30, max_size=30),
)  # fmt: skip
def test_answers_and_what_is_counted_of_them(
    found: list[bytes],
    bends: list[tuple[int, int]],
    places: list[int],
    draw: st.DataObject,
    masked: bool,
    due: int,
    lasting: list[bool],
) -> None:
    ways = st.sampled_from(["feed", "feed", "pieces", "pieces whole", "meter", "meter"])
    steps = [(draw.draw(ways), piece) for piece in cut(changed(b"".join(found), bends), places)]
    seen = []
    for framing, reading, metering in zip(FRAMINGS, ANSWERS, METERINGS, strict=True):
        requests = Watched(framing, 255, False).requests
        requests.due = due
        settings_said: list[tuple[bytes, bytes]] = []
        read = reading.Answers(requests, lambda *one, all=settings_said: all.append(one), 400)
        allowance = Allowance(list(lasting))
        meter = metering.Meter(allowance, read, bytes.upper if masked else None)
        out: list[object] = []
        for way, piece in steps:
            out.append(said(partial(_read, read, meter, way, piece)))
            out.append((read.status, read.failed, read.cut_off, requests.due, list(settings_said), allowance.spent))
        seen.append(out)
    assert seen[0] == seen[1]


class Allowance:
    """Lasts as long as the list says."""

    def __init__(self, lasting: list[bool]) -> None:
        self._lasting = lasting
        self.open = True
        self.spent: tuple[int, int] = (0, 0)

    def spend(self, size: int, rows: int) -> None:
        self.spent = self.spent[0] + size, self.spent[1] + rows
        self.open = self._lasting.pop() if self._lasting else False

    def told(self) -> Told:
        return Told("enough", "ask")


def _read(read: Any, meter: Any, way: str, piece: bytes) -> object:
    if way == "meter":
        return meter.feed(piece)
    return read.feed(piece) if way == "feed" else read.pieces(piece, whole=way == "pieces whole")


texts = st.sampled_from(READS)
fields = st.one_of(
    st.binary(max_size=60).map(lambda body: message(0x42, body)),
    st.builds(bind, texts, texts),
    st.builds(parse, texts, texts),
    st.builds(execute, texts),
    st.builds(query, texts),
)


@settings(max_examples=1500, deadline=None)
@given(fields, st.lists(bent, max_size=3), st.integers(0, 20))
def test_fields(whole: bytes, bends: list[tuple[int, int]], short: int) -> None:
    data = changed(whole, bends)
    data = data[: max(5, len(data) - short)]
    for name in ("bind_fields", "query_text", "named", "executed"):
        one, other = (said(partial(getattr(fields, name), data)) for fields in FIELDS)
        assert one == other, name
    one, other = (said(partial(fields.parse_fields, data, 5, len(data))) for fields in FIELDS)
    assert one == other
    for size in (0, 4, 300, 301, 1 << 31):
        one, other = (said(partial(fields.check_size, data[0], size, WireLimits())) for fields in FIELDS)
        assert one == other
