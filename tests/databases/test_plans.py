"""A text that was signed as a whole: what its statements are when their turn comes is what was signed, or less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yett.gateway.databases.statements.plans import Plan
from yett.model.effects import Effect, Recovery
from yett.operations.sql.statement import Statement, Way

CALL = Statement("SELECT f()", "SELECT", Way.ASK, Effect.ADMIN, Recovery.NONE, reasons=("reads a file",))


@pytest.mark.parametrize(
    ("now", "covered"),
    [
        (CALL, True),
        (replace(CALL, way=Way.PASS, reasons=()), True),
        (replace(CALL, way=Way.GUARD, reasons=("deletes rows",)), True),
        (replace(CALL, reasons=()), True),
        (replace(CALL, reasons=("reads a file", "runs a program")), False),
        (replace(CALL, way=Way.DUMP), False),
        (replace(CALL, way=Way.ALONE), False),
        (replace(CALL, text="SELECT g()"), False),
    ],
)
def test_what_waits_for_a_person_has_the_reasons_that_were_signed(now: Statement, covered: bool) -> None:
    assert Plan((CALL,), {}, alone=True).covers(now, ()) is covered
