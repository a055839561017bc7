"""The agent's own upstream connection, between two of its messages."""

from __future__ import annotations

from typing import Protocol


class ServerError(Exception):
    """The server answered ErrorResponse; the agent's transaction is aborted by it."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message


class Executing(Protocol):
    """In a transaction, as the lease's role, idle. What is run here is part of the agent's transaction."""

    pid: int

    async def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run one statement and answer its rows in text form. Raises ServerError."""
        ...
