"""A call is found wherever PL/pgSQL evaluates an expression, and what a function does counts where it is called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yett.model.effects import Effect
from yett.operations.sql.statement import Statement, Way

PLACES = {
    "default": "declare v int := %; begin end",
    "default of a constant": "declare v constant int default %; begin end",
    "default of a record": "declare r record := %; begin end",
    "default of a record by =": "declare r record = %; begin end",
    "default of a type of one's own": "declare c color default %; begin end",
    "default of a row": "declare r users%rowtype := %; begin end",
    "default in an inner block": "begin declare r record := %; begin end; end",
    "cursor": "declare c cursor for select %; begin open c; end",
    "cursor's argument": "declare c cursor (k int) for select k; begin open c(%); end",
    "cursor's named argument": "declare c cursor (k int) for select k; begin open c(k := %); end",
    "loop over a cursor": "declare c cursor (k int) for select k; begin for r in c(%) loop end loop; end",
    "assignment": "declare v int; begin v := %; end",
    "assignment by =": "declare v int; begin v = %; end",
    "subscript": "declare a int[]; begin a[%] := 1; end",
    "field": "declare r record; begin r.x := %; end",
    "if": "begin if % = 1 then end if; end",
    "then": "begin if true then perform %; end if; end",
    "elsif": "begin if true then elsif % = 1 then end if; end",
    "else": "begin if true then else perform %; end if; end",
    "case": "begin case % when 1 then null; end case; end",
    "when": "begin case 1 when % then null; end case; end",
    "searched case": "begin case when % = 1 then null; end case; end",
    "case else": "begin case 1 when 1 then null; else perform %; end case; end",
    "exit when": "begin loop exit when % = 1; end loop; end",
    "continue when": "begin loop continue when % = 1; end loop; end",
    "while": "begin while % = 1 loop end loop; end",
    "for from": "begin for i in %..3 loop end loop; end",
    "for to": "begin for i in 1..% loop end loop; end",
    "for by": "begin for i in 1..3 by % loop end loop; end",
    "for select": "declare r record; begin for r in select % loop end loop; end",
    "for body": "begin for i in 1..3 loop perform %; end loop; end",
    "foreach": "declare v int; begin foreach v in array array[%] loop end loop; end",
    "open for": "declare c refcursor; begin open c for select %; end",
    "fetch": "declare c refcursor; v int; begin fetch relative % from c into v; end",
    "move": "declare c refcursor; begin move forward % from c; end",
    "perform": "begin perform %; end",
    "call": "begin call tidy(); perform %; end",
    "assert": "begin assert % = 1; end",
    "assert's message": "begin assert false, %::text; end",
    "raise": "begin raise notice '%%', %; end",
    "raise using": "begin raise notice 'x' using hint = %::text; end",
    "select into": "declare v int; begin select % into v; end",
    "insert": "begin insert into plain values (%); end",
    "returning": "declare v int; begin insert into plain values (1) returning % into v; end",
    "exception handler": "begin null; exception when others then perform %; end",
    "inner do": "begin do $x$begin perform %; end$x$; end",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_call_is_found(place: str, one: Callable[[str], Statement]) -> None:
    def block(call: str) -> str:
        body = place.replace("%%", "\0").replace("%rowtype", "\1").replace("%", call)
        return "do $do$ " + body.replace("\0", "%").replace("\1", "%rowtype") + " $do$"

    assert one(block("boom(1)")).effect is Effect.UNKNOWN
    harmless = one(block("twice(1)"))
    assert harmless.way is Way.GUARD, harmless.reasons


@pytest.mark.parametrize(
    "place",
    [
        "begin execute 'x'; end",
        "declare r record; begin for r in execute 'x' loop end loop; end",
        "declare c refcursor; begin open c for execute 'x'; end",
        "begin return query execute 'x'; end",
        "begin commit; end",
        "begin rollback; end",
        "begin savepoint a; end",
        "begin prepare p as select 1; end",
        "begin execute p; end",
        "begin what; end",
        "",
    ],
)
def test_what_is_made_at_run_time_is_unknown(place: str, one: Callable[[str], Statement]) -> None:
    assert one(f"do $do$ {place} $do$").way in (Way.ASK, Way.REFUSE)


def test_functions_that_call_each_other_are_judged_whole(one: Callable[[str], Statement]) -> None:
    assert one("select even(3)").way is Way.PASS
    assert one("select odd(3)").way is Way.PASS


def test_a_body_with_a_temporary_table_of_its_own(one: Callable[[str], Statement]) -> None:
    assert one("do $$begin create temp table scratch as select 1 as a; insert into scratch values (2); end$$").way is (
        Way.GUARD
    )
    assert one("do $$begin insert into scratch values (2); end$$").way is Way.ASK


def test_ddl_in_a_body_counts_as_itself(one: Callable[[str], Statement]) -> None:
    statement = one("do $$begin drop table users; end$$")
    assert (statement.way, statement.effect, statement.defines) == (Way.DUMP, Effect.DELETE, True)
