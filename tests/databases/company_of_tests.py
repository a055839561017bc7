"""A company's database behind the gate, and what tests do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from law_plane import LawPlane
from sqlalchemy import update

from yett.approvals.hold import Hold
from yett.gateway.databases.seat import Seat
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.recovery.keep.budget import DAY_NS
from yett.store.tables import undos

PLACEHOLDER = "yett_ph_of_these_tests"
HOLD = "h-"


@dataclass
class Company:
    """A company's database behind the gate. `direct` is its superuser's way in, which no agent has."""

    laws: LawPlane
    direct: str
    name: str
    port: int
    session: Session
    seat: Seat

    @property
    def url(self) -> str:
        """As an agent has it."""
        return f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{self.port}/{self.name}"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, connect_timeout=10, **options)

    def run(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """One statement of an agent, in autocommit."""
        with self.connect(autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def held(self, statement: str, *parameters: object) -> Hold:
        """The hold that it waits as; nothing of it has happened."""
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            self.run(statement, *parameters)
        return self.hold_of(refused.value)

    def hold_of(self, error: psycopg.Error) -> Hold:
        words = f"{error.diag.message_hint} {error.diag.message_primary} {error.diag.message_detail}".split()
        found = [word.strip(".,:;()") for word in words if word.startswith(HOLD)]
        assert found, str(error)
        return self.laws.hold(found[0])

    def approve(self, hold: Hold) -> None:
        """By everybody who has to."""
        self.laws.approve_and_wait(hold.id)

    def approved(self, steps: Sequence[str], most: int = 9) -> int:
        """Statements that are sent one by one in a transaction of the agent's own, again and again until all of them
        have run: what is held is approved, `most` times at most. Gives how often."""
        for asked in range(most):
            hold = self.asked(steps)
            if hold is None:
                return asked
            self.approve(hold)
        assert self.asked(steps) is None, f"{most} answers were not enough"
        return most

    def asked(self, steps: Sequence[str]) -> Hold | None:
        """What is asked first about such a transaction; none where it has run."""
        with self.connect() as connection:
            try:
                for step in steps:
                    connection.execute(step)  # type: ignore[call-overload]
                connection.commit()
            except psycopg.errors.InsufficientPrivilege as error:
                if "(hold" not in str(error):
                    raise
                connection.rollback()
                return self.hold_of(error)
        return None

    def truth(self, statement: str) -> list[tuple[Any, ...]]:
        """What the server itself says, past the gate."""
        with psycopg.connect(self.direct, autocommit=True) as connection:
            return list(connection.execute(statement).fetchall())  # type: ignore[call-overload]

    def directly(self, statement: str) -> None:
        """Done by somebody else, past the gate."""
        with psycopg.connect(self.direct, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def undo_all(self) -> None:
        """The last one first."""
        for number in range(len(self.laws.plane.undos.records())):
            self.undo(-1 - number)

    def undo_back_to(self, first: int, *, newest_first: bool = True) -> list[str]:
        """All from the undo of that number on, one by one, and what has to wait for another again; what was said."""
        said = list[str]()
        left = sorted(range(first, len(self.laws.plane.undos.records())), reverse=newest_first)
        while left:
            waiting = [number for number in left if not (line := self._undone(number)) or said.append(line)]
            assert len(waiting) < len(left)
            left = waiting
        return said

    def _undone(self, number: int) -> str:
        """What was said; "": another one has to be applied first."""
        try:
            return self.undo(number)
        except YettError as error:
            if "first" not in error.remedy and "this one again" not in error.remedy:
                raise
            return ""

    def undo(self, number: int = -1) -> str:
        """Apply the newest undo, as one who has signed for it."""
        undos = self.laws.plane.undos

        async def applied() -> str:
            lines = [line async for line in undos.apply(undos.records()[number].id, "Ada")]
            return lines[-1]

        return self.laws.do(applied(), 60)

    def let_go(self, number: int) -> None:
        """An undo, as its time is over."""
        plane = self.laws.plane
        gone = plane.undos.records()[number].id
        over = update(undos).where(undos.c.id == gone).values(expires_at=DAY_NS)
        self.laws.do(plane.journal.run(lambda tx: tx.execute(over)))
        assert self.laws.do(plane.undos.prune()).removed == (gone,)
