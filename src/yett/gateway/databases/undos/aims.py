"""From a transaction's statements to where its undo looks for changed rows first (`providers.postgres.guard.aim`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from yett.gateway.databases.statements.attempts import Ran
from yett.gateway.postgres.messages import Binary
from yett.operations.sql.aimed import aimed
from yett.operations.sql.statement import Way
from yett.providers.postgres.guard.rows.aim import Aim

MOST_STATEMENTS, MOST_BYTES = 200, 64 << 10
"""Of one transaction, read again at its end on the event loop: some twenty milliseconds."""


def aims_of(statements: Sequence[Ran]) -> Mapping[int, tuple[Aim, ...]]:
    """By table (oid); nothing of a table that a statement changes without such words."""
    found: dict[int, list[Aim] | None] = {}
    if len(statements) > MOST_STATEMENTS or sum(len(one.statement.text) for one in statements) > MOST_BYTES:
        return {}
    for one in statements:
        if one.statement.way is Way.PASS or one.statement.tag == "INSERT":
            continue
        parameters = [_text(value) for value in one.parameters]
        columns = () if one.statement.executes else aimed(one.statement.text.encode(), parameters)
        for oid in one.statement.named:
            so_far = found.setdefault(oid, [])
            if not columns or so_far is None:
                found[oid] = None
            else:
                so_far.append(Aim(columns))
    return {oid: tuple(aims) for oid, aims in found.items() if aims}


def _text(value: bytes | None) -> bytes | None:
    """A binary value as whole number or UUID by its length: where it is another type, nothing is found by it."""
    if not isinstance(value, Binary):
        return value
    if len(value) in (2, 4, 8):
        return b"%d" % int.from_bytes(value, "big", signed=True)
    return str(UUID(bytes=bytes(value))).encode() if len(value) == 16 else bytes(value)
