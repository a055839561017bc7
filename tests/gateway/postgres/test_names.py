"""Attacks on what a name, a portal or a text stands for: nothing that was not decided reaches the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.postgres.conftest import Place
from gateway.postgres.raw import (
    FLUSH,
    SYNC,
    Raw,
    Recorder,
    bind,
    close,
    describe,
    execute,
    fields,
    parse,
    query,
)
from yett.gateway.postgres.desk import Told
from yett.gateway.postgres.messages import message

NO = Told("yett: not this one", "ask for it", hold="h123")


@pytest.fixture(params=[True, False], ids=["at once", "after a look"])
def raw(place: Place, request: pytest.FixtureRequest) -> Iterator[Raw]:
    place.desk.at_once = request.param
    made = Raw(place.port).log_in(place.door.upstream.database)
    yield made
    made.close()


def errors(found: list[tuple[bytes, bytes]]) -> list[str]:
    return [fields(body)["C"] for kind, body in found if kind == b"E"]


@pytest.mark.parametrize("name", ["", "s"])
def test_a_parse_that_the_server_skips_does_not_rename_a_write(place: Place, raw: Raw, name: str) -> None:
    """Between an ERROR and the next Sync nothing happens: the name still stands for the DELETE."""
    place.desk.stops["admit", "delete"] = NO
    raw.send(query("select 1"), parse("div", "select 1/0"), SYNC, parse(name, "delete from t"), SYNC)
    assert raw.kinds(3) == "TDCZ1Z1Z"
    raw.send(bind("", "div"), execute(), close("S", name), parse(name, "select 1"), SYNC)
    assert "E" in raw.kinds()
    raw.send(bind("", name), execute(), SYNC)
    assert errors(raw.until_ready()) in (["42501"], ["26000"])
    assert place.count() == 10


def test_a_pipelined_parse_that_is_skipped_does_not_rename_a_write(place: Place, raw: Raw) -> None:
    place.desk.stops["admit", "delete"] = NO
    raw.send(query("select 1"), parse("div", "select 1/0"), SYNC, parse("s", "delete from t"), SYNC)
    raw.until_ready(3)
    raw.send(
        bind("", "div"), execute(), close("S", "s"), SYNC,
        bind("", "div"), execute(), close("S", "s"), parse("s", "select 1"), SYNC,
        bind("", "s"), execute(), SYNC,
    )  # fmt: skip
    assert errors(raw.until_ready(3))[-1] in ("42501", "26000")
    assert place.count() == 10


def test_a_name_that_is_taken_keeps_its_text(place: Place, raw: Raw) -> None:
    place.desk.stops["admit", "delete"] = NO
    raw.send(parse("s", "delete from t"), SYNC, parse("s", "select 1"), SYNC, bind("", "s"), execute(), SYNC)
    assert errors(raw.until_ready(3)) in (["42P05", "42501"], ["42P05", "26000"])
    raw.send(parse("r", "select 1"), SYNC, parse("r", "delete from t"), SYNC, bind("", "r"), execute(), SYNC)
    raw.until_ready(3)
    assert place.count() == 10


def test_a_closed_name_may_be_used_again(place: Place, raw: Raw) -> None:
    raw.send(parse("s", "delete from t where id = 1"), bind("", "s"), execute(), close("S", "s"), SYNC)
    assert raw.kinds() == "12C3Z"
    raw.send(parse("s", "select 1"), bind("", "s"), execute(), SYNC)
    assert raw.kinds() == "12DCZ"
    raw.send(close("S", "s"), parse("s", "delete from t where id = 2"), bind("", "s"), execute(), SYNC)
    assert raw.kinds() == "312CZ"
    assert place.desk.moments().count("committed") == 2
    assert place.count() == 8


def test_a_bind_of_a_name_that_nobody_parsed_is_refused_here(place: Place, raw: Raw) -> None:
    raw.send(bind("", "nobody"), execute(), SYNC, query("select 1"))
    assert errors(raw.until_ready(2)) == ["26000"]


def test_prepare_and_parse_share_their_names(place: Place, raw: Raw) -> None:
    place.desk.stops["admit", "EXECUTE"] = NO
    place.desk.stops["admit", "execute"] = NO
    raw.send(query("prepare p as delete from t"), query("execute p"), bind("", "p"), execute(), SYNC)
    found = raw.until_ready(3)
    assert errors(found) == ["42501", "42501"]
    raw.send(query("deallocate p"), bind("", "p"), execute(), SYNC, query("prepare p as select 1"), query("execute p"))
    assert errors(raw.until_ready(4)) == ["26000"]
    raw.send(parse("q", "delete from t"), SYNC, query("execute q"))
    assert errors(raw.until_ready(2)) == ["42501"]
    raw.send(query("discard all"), query("execute q"))
    assert len(errors(raw.until_ready(2))) == 1
    assert place.count() == 10


def test_no_portal_of_execute_waits_for_its_name_to_change(place: Place, raw: Raw) -> None:
    place.desk.stops["admit", "execute"] = NO
    raw.send(query("begin"), query("prepare p as select 1"), parse("e", "execute p"), bind("x", "e"), SYNC)
    assert raw.kinds(3) == "CZCZ1EZ"
    raw.send(query("deallocate p"), query("prepare p as delete from t"), execute("x"), SYNC)
    assert errors(raw.until_ready(3))[-1] in ("34000", "25P02")
    raw.send(query("commit"))
    raw.until_ready()
    assert place.count() == 10


@pytest.mark.parametrize("how", ["hot", "guarded", "unsynced"])
def test_a_commit_that_was_bound_before_the_write_is_settled(place: Place, raw: Raw, how: str) -> None:
    place.desk.stops["settle", ""] = NO
    raw.send(query("begin"), query("commit"), query("begin"), parse("c", "commit"), SYNC)
    raw.until_ready(4)
    if how == "guarded":
        raw.send(query("delete from t where id = 1"), bind("x", "c"), SYNC, query("select 1"), query("select 1"))
        raw.until_ready(4)
    else:
        raw.send(bind("x", "c"), SYNC, query("delete from t where id = 1"))
        raw.until_ready(2)
    if how == "unsynced":
        raw.send(parse("", "delete from t where id = 2"), bind("", ""), execute(), execute("x"), SYNC)
    else:
        raw.send(execute("x"), SYNC)
    found = raw.until_ready()
    assert errors(found) == ["42501"]
    assert found[-1] == (b"Z", b"I")
    assert place.count() == 10
    assert place.desk.moments()[-1] == "rolled back"


def test_a_portal_of_a_write_that_is_executed_later_is_still_measured(place: Place, raw: Raw) -> None:
    raw.send(query("begin"), parse("d", "delete from t"), bind("x", "d"), SYNC, query("select 1"), execute("x"), SYNC)
    raw.until_ready(4)
    raw.send(query("commit"))
    raw.until_ready()
    assert place.desk.moments() == ["begin", "admit", "settle", "committed"]
    assert place.count() == 0


def test_rows_by_and_by(place: Place, raw: Raw) -> None:
    """PortalSuspended, outside a transaction and inside the wire's own."""
    raw.send(parse("", "select id from t"), bind("", ""), describe("P", ""), FLUSH)
    assert [raw.message()[0] for _ in range(3)] == [b"1", b"2", b"T"]
    raw.send(execute("", 4), FLUSH)
    assert [raw.message()[0] for _ in range(5)] == [b"D", b"D", b"D", b"D", b"s"]
    raw.send(execute("", 4), execute("", 4), SYNC)
    assert raw.kinds() == "DDDDsDDCZ"
    raw.send(parse("", "delete from t returning id"), bind("", ""), execute("", 4), execute("", 40), SYNC)
    assert raw.kinds() == "12DDDDsDDDDDDCZ"
    assert place.count() == 0


def test_an_error_skips_to_sync_and_undoes_the_whole_unit(place: Place, raw: Raw) -> None:
    unit = (parse("", "delete from t"), bind("", ""), execute(), parse("", "select 1/0"), bind("", ""), execute())
    raw.send(*unit, parse("", "select 1"), bind("", ""), execute(), SYNC, query("select 1"))
    assert raw.kinds(2) == "12C1EZTDCZ"
    assert place.count() == 10


def test_begin_in_a_unit_keeps_the_transaction_open(place: Place, raw: Raw) -> None:
    raw.send(parse("", "delete from t"), bind("", ""), execute(), parse("", "begin"), bind("", ""), execute(), SYNC)
    assert raw.until_ready()[-1] == (b"Z", b"T")
    assert place.count() == 10
    raw.send(query("commit"))
    raw.until_ready()
    assert place.desk.moments() == ["begin", "admit", "settle", "committed"]
    assert place.count() == 0


def test_commit_in_a_unit_is_settled(place: Place, raw: Raw) -> None:
    place.desk.stops["settle", ""] = NO
    raw.send(parse("", "delete from t"), bind("", ""), execute(), parse("", "commit"), bind("", ""), execute(), SYNC)
    found = raw.until_ready()
    assert (errors(found), found[-1]) == (["42501"], (b"Z", b"I"))
    assert place.count() == 10


def test_function_calls_are_refused(place: Place, raw: Raw) -> None:
    raw.send(message(0x46, b"\0\0\4\xd2\0\0\0\0\0\0"), query("select 1"))
    assert raw.kinds(2) == "EZTDCZ"
    assert "refused" in place.desk.moments()


@pytest.mark.parametrize(
    "broken",
    [
        b"Q\0\0\0\x0cselect 1",
        b"Q\0\0\0\x0dselect 1x",
        b"Q\0\0\0\x1cselect 1\0drop table t;\0",
        b"P\0\0\0\x10s\0select 1\0\0\1",
        b"P\0\0\0\x12s\0select 1\0\0\0xx",
        b"Q\0\0\0\3",
        b"Q\xff\xff\xff\xff",
        b"Q\x7f\xff\xff\xff",
        b"S\0\0\0\5x",
        b"B\0\0\0\7abc",
        b"?\0\0\0\4",
        b"\0\0\0\0\0",
        b"p\0\0\0\5x",
        b"F\0\0\0\4" * 3,
    ],
)
def test_what_is_not_the_protocol_ends_the_session(place: Place, raw: Raw, broken: bytes) -> None:
    raw.send(query("select 1"))
    raw.until_ready()
    raw.send(broken + query("delete from t"))
    if broken[:1] == b"F":
        assert errors(raw.until_ready(4)) == ["0A000"] * 3
        return
    assert raw.ends() == "08P01"
    assert place.count() == 10
    assert place.desk.moments() == ["refused"]


def test_own_names_are_refused(place: Place, raw: Raw) -> None:
    raw.send(parse("_yett_1", "select 1"), SYNC, query("prepare _yett_p as select 1"))
    assert errors(raw.until_ready(2)) == ["42602", "42501"]


LONG = "n" * 63
ODD = pytest.mark.parametrize(
    ("name", "alias"), [(LONG, LONG + "2"), (LONG + "1", LONG + "2"), ("\u301c", "\uff5e")], ids=["63", "64", "odd"]
)


@ODD
def test_two_names_that_the_server_takes_for_one_are_none_here(place: Place, raw: Raw, name: str, alias: str) -> None:
    """It tells prepared statements apart by 63 bytes: closed and parsed by one, executed by the other."""
    place.desk.stops["admit", "delete"] = NO
    raw.send(parse(name, "select 1"), SYNC, close("S", alias), SYNC, parse(alias, "delete from t"), SYNC)
    found = errors(raw.until_ready(3))
    assert found[-2:] == ["42602", "42602"]
    raw.send(bind("", name), execute(), SYNC, bind("", alias), execute(), SYNC)
    raw.until_ready(2)
    assert place.count() == 10


@ODD
def test_two_portals_that_the_server_takes_for_one_are_none_here(place: Place, raw: Raw, name: str, alias: str) -> None:
    place.desk.stops["settle", ""] = NO
    raw.send(query("begin"), query("delete from t"), parse("c", "commit"), bind(name, "c"), execute(alias), SYNC)
    assert errors(raw.until_ready(3)) == ["42602"]
    raw.send(describe("P", alias), SYNC, close("P", alias), SYNC)
    assert errors(raw.until_ready(2)) == ["42602", "42602"]
    assert place.count() == 10


def test_a_name_of_63_characters_is_one(place: Place, raw: Raw) -> None:
    raw.send(parse(LONG, "select 1"), bind(LONG, LONG), execute(LONG), SYNC)
    raw.send(bind(LONG, LONG), execute(LONG), close("P", LONG), close("S", LONG), SYNC)
    assert raw.kinds(2) == "12DCZ2DC33Z"


def test_nothing_goes_on_behind_what_is_being_decided(place: Place, raw: Raw, each_recorder: Recorder) -> None:
    """The server sees the next text only after the answer to the one before it."""
    place.door.upstream = replace(place.door.upstream, address=("127.0.0.1", each_recorder.port))
    through = Raw(place.port).log_in(place.door.upstream.database)
    place.desk.stops["admit", "delete"] = NO
    through.send(query("begin"), query("delete from t"), query("select 'behind'"), query("commit"))
    found = through.until_ready(4)
    assert errors(found) == ["42501", "25P02"]
    assert b"delete from t" not in each_recorder.texts
    assert b"select 'behind'" in each_recorder.texts  # the failed transaction's own answer is the server's
    through.close()


@pytest.fixture
def each_recorder(place: Place) -> Iterator[Recorder]:
    made = Recorder(place.door.upstream.address[1])
    yield made
    made.close()


@pytest.mark.parametrize("extended", [False, True])
def test_a_row_that_a_failed_copy_cuts_off_swallows_nothing_of_ours(
    place: Place, raw: Raw, each_recorder: Recorder, extended: bool
) -> None:
    """The server takes what comes next for the rest of the row: the wire's own ROLLBACK must not be that."""
    place.door.upstream = replace(place.door.upstream, address=("127.0.0.1", each_recorder.port))
    through = Raw(place.port).log_in(place.door.upstream.database)
    copy = "copy t from stdin"
    through.send(*((parse("", copy), bind("", ""), execute(), SYNC) if extended else (query(copy),)))
    if extended:
        assert [through.message()[0] for _ in range(2)] == [b"1", b"2"]
    assert through.message()[0] == b"G"
    row = message(0x64, b"100\tx\n" + b"y" * 20_000)
    through.send(message(0x64, b"no row\n") * 20_000 + row[:1000])
    found = [through.message()[0]]
    through.send(row[1000:], message(0x63, b""), *((SYNC,) if extended else ()), query("select 1"))
    found += [kind for kind, _ in through.until_ready(2)]
    assert b"".join(found) == b"EZTDCZ"
    assert place.count() == 10
    assert place.desk.moments()[-1] == "rolled back"
    assert each_recorder.broken == []
    through.send(query("delete from t where id = 1"))
    assert through.kinds() == "CZ"
    assert place.desk.moments()[-4:] == ["begin", "admit", "settle", "committed"]
    through.close()
