"""Frames: however they are cut, cut off or changed, they neither desynchronise, nor crash, nor pass undecided."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.postgres.conftest import Place
from gateway.postgres.raw import FLUSH, SYNC, Raw, Recorder, bind, close, describe, execute, parse, query
from yett.gateway.postgres.answers import Answers
from yett.gateway.postgres.fields import Malformed, bind_fields, parse_fields
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.messages import message
from yett.gateway.postgres.names import Prepared
from yett.model.effects import Effect, Recovery
from yett.operations.sql.statement import Statement, Way

READS = ["select 1", "select 'a;b'", "", "show x", "begin", "commit"]
CONTROLS = {"begin", "commit"}
WRITES = ["delete from t", "select 1 ", "drop table t; select 1", "select 1\0drop table t"]


def texts(data: bytes) -> list[bytes]:
    """Every Query and Parse in a stream of whole messages, read once more, by nothing of the wire's."""
    found = []
    pos = 0
    while pos < len(data):
        kind, size = struct.unpack_from(">BI", data, pos)
        assert size >= 4
        assert pos + 1 + size <= len(data)
        body = data[pos + 5 : pos + 1 + size]
        if kind == 0x51:
            assert body[-1:] == b"\0"
            found.append(body[:-1])
        elif kind == 0x50:
            found.append(body.split(b"\0")[1])
        pos += 1 + size
    return found


def requests(passing: set[bytes] | None = None, guarding: bool = False) -> Requests:
    known = {one.encode() for one in READS} if passing is None else passing
    made = Requests(lambda sql: sql in known, WireLimits())
    for sql in known:
        made.learn(sql, sql.decode() in CONTROLS)
    made.guarding = guarding
    return made


def fed(made: Requests, pieces: list[bytes]) -> bytes:
    out = b""
    for piece in pieces:
        if made.held or made.closing:
            made.gather(piece)
        else:
            out += made.feed(piece)
    return out


names = st.sampled_from(["", "a", "b", "_yett_1"])
some_text = st.sampled_from(READS + WRITES)
valid = st.one_of(
    some_text.map(query),
    st.builds(parse, names, some_text),
    st.builds(bind, names, names),
    st.builds(lambda name: describe("S", name), names),
    st.builds(lambda name: close("S", name), names),
    st.builds(execute, names),
    st.sampled_from([SYNC, FLUSH, message(0x64, b"row\n"), message(0x63, b""), message(0x46, b"\0" * 10)]),
)
messages = st.one_of(valid, st.builds(message, st.integers(0, 255), st.binary(max_size=20)))
sessions = st.lists(messages, max_size=12).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(data) + 1) for place in places})
    return [data[a:b] for a, b in zip([0, *marks], [*marks, len(data)], strict=True)]


@settings(max_examples=600, deadline=None)
@given(sessions, st.lists(st.integers(0, 10_000), max_size=10), st.booleans())
def test_a_cut_changes_nothing(data: bytes, places: list[int], guarding: bool) -> None:
    """In one piece, in several, byte by byte: the same goes on, and the same stays. Or each is malformed."""
    seen = []
    for pieces in ([data], cut(data, places), [data[n : n + 1] for n in range(len(data))]):
        made = requests(guarding=guarding)
        try:
            out = fed(made, pieces)
        except Malformed:
            seen.append(None)
            continue
        parts = b"".join(made._parts)
        left = b"" if made.closing else bytes(made.rest) + parts  # behind a Terminate nothing is read
        seen.append((out, left, made.held, made.due, made.open, made.names, made._drop))
    malformed = [one for one in seen if one is None]
    assert len(malformed) in (0, 3)
    assert seen[0] == seen[1] == seen[2]


@settings(max_examples=600, deadline=None)
@given(sessions, st.data())
def test_only_what_passes_goes_on(data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(0, 3))):
        if changed:
            changed[draw.draw(st.integers(0, len(changed) - 1))] = draw.draw(st.integers(0, 255))
    passing = {one.encode() for one in READS if draw.draw(st.booleans())}
    made = requests(passing, guarding=draw.draw(st.booleans()))
    out = b""
    with suppress(Malformed):
        for piece in cut(bytes(changed), draw.draw(st.lists(st.integers(0, 10_000), max_size=4))):
            out += b"" if made.held or made.closing else made.feed(piece)
    assert set(texts(out)) <= passing
    if made.guarding:
        queries = [one for one in texts(out) if one.decode() in CONTROLS]
        assert not [one for one in queries if message(0x51, one + b"\0") in out]


behind = st.lists(
    st.one_of(
        st.builds(execute, st.sampled_from(["", "a"])),
        st.sampled_from(
            [SYNC, SYNC, describe("P", ""), FLUSH, close("S", "b"), query("select 1"), message(0x64, b"x")]
        ),
    ),
    max_size=4,
).map(b"".join)
usual = st.sampled_from(
    [execute("a") + SYNC, describe("P", "") + execute("") + SYNC, execute("") + execute("a") + SYNC]
)
turns = st.builds(
    lambda portal, name, rest: bind(portal, name) + rest, st.sampled_from(["", "a"]), names, st.one_of(behind, usual)
)


@settings(max_examples=600, deadline=None)
@given(st.lists(turns, min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=12), st.booleans(), st.data())
def test_what_was_seen_behind_a_bind_passes_again_as_it_passed_then(
    several: list[bytes], order: list[int], guarding: bool, draw: st.DataObject
) -> None:
    """One that remembers against one that forgets, over the same turns, some portals being watched meanwhile."""
    remembers, forgets = requests(guarding=guarding), requests(guarding=guarding)
    for n in order:
        for made in (remembers, forgets):
            made.held = False
            made.rest.clear()
            for name, sql in ((b"", b"select 1"), (b"a", b"select 1"), (b"b", b"begin")):
                made.name(name, sql)
        if draw.draw(st.booleans()):
            remembers.special.add(b"a")
            forgets.special.add(b"a")
        seen = []
        for made in (remembers, forgets):
            forgets._tails.clear()
            try:
                out = made.feed(several[n % len(several)])
            except Malformed:
                return
            seen.append((out, bytes(made.rest), made.held, made.due, made.open, made.fresh, made.controls, made.names))
        assert seen[0] == seen[1]


@settings(max_examples=300, deadline=None)
@given(st.lists(valid, max_size=12), st.integers(0, 40))
def test_taking_gives_the_messages_as_they_are(found: list[bytes], short: int) -> None:
    """Whole ones, in order; what belongs to no COPY is left out; the last is not given before it is there."""
    data = b"".join(found)
    made = requests(set())
    made.held = True
    made.gather(data[: len(data) - short])
    taken = []
    while (one := made.take()) is not None:
        taken.append(one)
    made.gather(data[len(data) - short :] if short else b"")
    while (one := made.take()) is not None:
        taken.append(one)
    if short <= len(data):
        assert taken == [one for one in found if one[:1] not in b"dcf"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_fields_are_read_or_refused(body: bytes) -> None:
    for read in (lambda: parse_fields(message(0x50, body), 5, len(body) + 5), lambda: bind_fields(message(0x42, body))):
        with suppress(Malformed):
            read()


answers = st.lists(
    st.one_of(
        st.builds(lambda body: message(0x44, body), st.binary(max_size=300)),
        st.builds(lambda body: message(0x64, body), st.binary(max_size=300)),
        st.sampled_from([message(0x5A, b"I"), message(0x5A, b"T"), message(0x5A, b"E"), message(0x43, b"SELECT 1\0")]),
        st.sampled_from([message(0x53, b"TimeZone\0UTC\0"), message(0x45, b"SERROR\0\0"), message(0x31, b"")]),
        # A row that looks like ReadyForQuery and a setting.
        st.just(message(0x44, b"Z\0\0\0\5I" + message(0x53, b"standard_conforming_strings\0off\0"))),
    ),
    max_size=20,
)


@settings(max_examples=600, deadline=None)
@given(answers, st.lists(st.integers(0, 10_000), max_size=10), st.booleans())
def test_answers_are_the_same_however_they_are_cut(found: list[bytes], places: list[int], by_pieces: bool) -> None:
    data = b"".join(found)
    ready = [one for one in found if one[:1] == b"Z"]
    settings_said: list[bytes] = []
    made = requests(set())
    made.due = len(ready)
    read = Answers(made, lambda name, value: settings_said.append(name), 1 << 20)
    out = b""
    for piece in cut(data, places):
        if by_pieces:
            out += b"".join(one for _, one in read.pieces(piece, whole=False))
        else:
            out += read.feed(piece)
    assert out == data
    assert made.due == 0
    assert settings_said == [b"TimeZone"] * sum(one[:1] == b"S" for one in found)
    if ready:
        assert read.status == ready[-1][5]


short_answers = st.lists(
    st.sampled_from(
        [
            message(0x44, b"\0\1\0\0\0\1x"),
            message(0x43, b"SELECT 1\0"),
            message(0x5A, b"T"),
            message(0x32, b""),
            message(0x53, b"TimeZone\0UTC\0"),
            message(0x45, b"SERROR\0\0"),
            message(0x47, b"\0\0\0"),
        ]
    ),
    max_size=4,
).map(lambda found: [*found, message(0x5A, b"I")])


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.one_of(short_answers, answers), min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=2, max_size=12),
    st.data(),
)
def test_an_answer_that_lies_as_one_before_is_taken_as_that_one(
    several: list[list[bytes]], order: list[int], draw: st.DataObject
) -> None:
    """One that remembers layouts against one that forgets them: what goes on, rows, state, settings. Some are cut or
    have a byte changed."""
    pairs = []
    for _ in range(2):
        said: list[bytes] = []
        made = requests(set())
        pairs.append((made, said, Answers(made, lambda name, value, said=said: said.append(name + value), 1 << 20)))
    for n in order:
        data, places = bytearray(b"".join(several[n % len(several)])), list[int]()
        if data and draw.draw(st.integers(0, 3)) == 0:
            data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
            places = draw.draw(st.lists(st.integers(0, 10_000), max_size=2))
        for piece in cut(bytes(data), places):
            seen: list[object] = []
            for made, said, read in pairs:
                made.due = 100
                made.heavy.clear()
                made.touched.add(b"a")
                pairs[1][2]._layouts.clear()
                try:
                    out = read.feed(piece)
                except (Malformed, IndexError) as error:
                    seen.append(type(error))
                    continue
                state = (made.due, read.counted(), read.status, read.failed, read.cut_off, read._part)
                seen.append((out, state, [*said], dict(made.heavy)))
            assert seen[0] == seen[1]
            if isinstance(seen[0], type):
                return


@pytest.mark.parametrize("message", [parse("a", "select 1"), close("S", "a")], ids=["Parse", "Close"])
def test_a_name_that_was_under_way_when_the_server_failed_stands_for_nothing_certain(message: bytes) -> None:
    made = requests()
    made.feed(parse("a", "select 1") + SYNC)
    made.calm()
    made.feed(message)
    made.failed()
    assert "a" not in {name.decode() for name in made.names}
    made.feed(SYNC)
    made.feed(bind("", "a"))
    assert made.held


def test_long_texts_are_not_remembered_in_thousands() -> None:
    """By connection: what passes again without a look, and what may be parsed under a name."""
    made = Requests(lambda sql: True, replace(WireLimits(), text_bytes=1_000))
    for n in range(50):
        made.learn(b"%d" % n + b" " * 100, False)
        made.learn(b"%d" % n + b" " * 100, False)
        assert sum(map(len, made.plain)) <= 1_000
    assert len(made.plain) > 1


def test_texts_without_a_name_make_room_and_those_with_one_have_an_end() -> None:
    made = Requests(lambda sql: True, WireLimits())
    prepared = Prepared(made, 8 << 20)
    statement = Statement("SELECT 1", "SELECT", Way.PASS, Effect.READ, Recovery.AUTOMATIC, (), (), "SELECT ?")
    made.name(b"kept", b"kept")
    prepared.learn(b"kept", statement)
    for n in range(100):
        prepared.learn(b"%d" % n + b" " * (1 << 20), statement)
    assert "kept" in prepared
    assert sum(map(len, prepared.read)) <= 8 << 20
    for n in range(8):
        made.name(b"%d" % n, b"%d" % n + b" " * (1 << 20))
    texts = [*made.names.values()]
    with pytest.raises(Malformed, match="too long together"):
        [prepared.learn(text, statement) for text in texts]


def test_a_name_whose_text_was_forgotten_stands_for_nothing_that_is_known() -> None:
    """Parsed anew under a name from what passes again without a look: an EXECUTE of it is unknown, and waits."""
    made = Requests(lambda sql: True, WireLimits())
    prepared = Prepared(made, 2 << 20)
    statement = Statement("SELECT 1", "SELECT", Way.PASS, Effect.READ, Recovery.AUTOMATIC, (), (), "SELECT ?")
    made.learn(b"select 1", False)
    prepared.learn(b"select 1", statement)
    for n in range(3):
        prepared.learn(b"%d" % n + b" " * (1 << 20), statement)
    made.feed(parse("s", "select 1"))
    assert not made.held
    assert "s" not in prepared
    assert not [*prepared]


@pytest.fixture
def recorded(place: Place) -> Iterator[Recorder]:
    made = Recorder(place.door.upstream.address[1])
    place.door.upstream = replace(place.door.upstream, address=("127.0.0.1", made.port))
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_reaches_the_server_was_decided(place: Place, recorded: Recorder, seed: int) -> None:
    """Sessions of random messages, cut, changed and cut off, against the real server; what reached it is counted."""
    dice = random.Random(seed)
    reads = ["select 1", "select count(*) from t", "select 1/0", "begin", "commit", "rollback", "savepoint x"]
    writes = ["delete from t where id = 1", "update t set name = 'x'", "insert into t values (1)", "copy t from stdin"]
    several = [
        "select 1; select 2",
        "begin; delete from t where id = 2; commit",
        "commit; delete from t",
        "prepare p as select 1",
    ]
    every = [*reads, *writes, *several, "execute p", "deallocate p", "load 'x'", "do $$begin end$$", "vacuum t"]
    for _ in range(40):
        raw = Raw(place.port).log_in(place.door.upstream.database)
        raw.socket.settimeout(0.3)  # from here on silence is the end
        stream = b""
        for _ in range(dice.randrange(1, 25)):
            name, sql = dice.choice(["", "a", "b"]), dice.choice(every)
            stream += dice.choice(
                [query(sql), parse(name, sql), parse(name, sql) + bind("", name) + execute() + SYNC, bind(name, name),
                 execute(name), SYNC, FLUSH, close("S", name), describe("S", name), message(0x64, b"9\tx\n"),
                 message(0x63, b""), message(0x66, b"no\0")]
            )  # fmt: skip
        if dice.random() < 0.4:
            changed = bytearray(stream)
            for _ in range(dice.randrange(1, 4)):
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            stream = bytes(changed)
        if dice.random() < 0.3:
            stream = stream[: dice.randrange(len(stream))]
        with suppress(OSError, EOFError):
            for piece in cut(stream, [dice.randrange(len(stream) + 1) for _ in range(4)] if stream else []):
                raw.send(piece)
            raw.send(SYNC, b"X\0\0\0\4")
            while True:
                raw.message()
        raw.close()
    with place.connect() as c:
        assert c.execute("select 1").fetchone() == (1,)
    texts = list(recorded.texts)  # first what left: what leaves between two looks was decided before both
    decided = set(place.desk.decided)
    own = (
        b"BEGIN",
        b"COMMIT",
        b"ROLLBACK",
        b"RELEASE SAVEPOINT _yett",
        b"SELECT pg_catalog.current_setting(",
        b"SELECT pg_catalog.set_config('synchronous_commit', 'on', true) WHERE",
        b"SELECT 1, NULL",
        b"SELECT txid",
    )
    undecided = [one for one in texts if one not in decided and not one.startswith(own)]
    assert undecided == []
    assert recorded.broken == []
    admitted = {text for moment, text in place.desk.events if moment in ("admit", "alone")}
    assert {one.decode() for one in recorded.queries} & set(writes) <= admitted
    if "committed" not in place.desk.moments():
        assert place.count() == 10
