"""A hold from its opening to its one use."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from scene import Scene, changed, volume_delete

from yett.approvals.challenge import Answer
from yett.approvals.errors import ApprovalError, TooMany
from yett.approvals.hold import HoldState
from yett.approvals.holds import WAITING_PER_AGENT
from yett.model.operation import Amount
from yett.model.provider import UndoPlan
from yett.model.resource import Place


def code(raised: pytest.ExceptionInfo[ApprovalError]) -> str:
    return raised.value.code


def test_approved_hold_is_consumed_once(plane: Scene) -> None:
    async def story() -> None:
        await plane.enrol_first()
        facts = volume_delete()
        hold = await plane.desk.open(facts)
        assert hold.state is HoldState.WAITING
        assert (await plane.approve(hold.id, "Ada")).state is HoldState.APPROVED
        assert (await plane.consume(hold.id, facts)).state is HoldState.CONSUMED
        with pytest.raises(ApprovalError) as again:
            await plane.consume(hold.id, facts)
        assert code(again) == "not-approved"
        await plane.journal.run(lambda tx: plane.desk.settle(tx, hold.id, "done"))
        assert plane.desk.hold(hold.id).state is HoldState.RELEASED

    asyncio.run(story())
