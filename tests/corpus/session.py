"""An agent's session: messages of the simple protocol, and what only the session itself can say about itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import pq

_SETTINGS = """
SELECT 'setting', name, setting FROM pg_catalog.pg_settings
WHERE source OPERATOR(pg_catalog.=) 'session' AND setting IS DISTINCT FROM reset_val
UNION ALL SELECT 'setting', 'role', CURRENT_USER::pg_catalog.text
UNION ALL SELECT 'setting', 'session_authorization', SESSION_USER::pg_catalog.text
UNION ALL SELECT 'prepared statement', name, statement FROM pg_catalog.pg_prepared_statements
UNION ALL SELECT 'cursor', name, statement FROM pg_catalog.pg_cursors WHERE name OPERATOR(pg_catalog.<>) ''
UNION ALL SELECT 'listening', c, 'yes' FROM pg_catalog.pg_listening_channels() c"""


@dataclass(slots=True)
class Session:
    """One connection. `errors` are SQLSTATEs with the server's words, in order."""

    connection: psycopg.Connection[tuple[object, ...]]
    errors: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    @property
    def alive(self) -> bool:
        return bool(self.connection.pgconn.status == pq.ConnStatus.OK)

    def send(self, text: str, stdin: str = "") -> None:
        """One Query message, whatever number of statements it has; `stdin` feeds every COPY FROM STDIN."""
        raw = self.connection.pgconn
        if not self.alive:
            return
        try:
            raw.send_query(text.encode())
            while (result := raw.get_result()) is not None:
                self._take(raw, result, stdin)
        except psycopg.OperationalError as error:
            self.errors.append(f"closed {error}")

    def facts(self) -> dict[tuple[str, str], str]:
        """The session's settings, prepared statements, cursors, channels; nothing of that if it is gone."""
        if not self.alive:
            return {("connection", "it"): "gone"}
        result = self.connection.pgconn.exec_(_SETTINGS.encode())
        rows = range(result.ntuples)
        return {(_text(result, n, 0), _text(result, n, 1)): _text(result, n, 2) for n in rows}

    def end_transaction(self) -> None:
        """COMMIT what is open, so that its effect shows."""
        if self.alive and self.connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            self.send("COMMIT")

    def _take(self, raw: pq.abc.PGconn, result: pq.abc.PGresult, stdin: str) -> None:
        if result.status == pq.ExecStatus.COPY_IN:
            raw.put_copy_data(stdin.encode())
            raw.put_copy_end()
        elif result.status == pq.ExecStatus.COPY_OUT:
            while raw.get_copy_data(0)[0] > 0:
                pass
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
            words = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
            self.errors.append(f"{state.decode()} {words.decode()}")


@contextlib.contextmanager
def opened(url: str, name: str, channels: Sequence[str] = (), options: str = "") -> Iterator[Session]:
    connection = psycopg.connect(url, autocommit=True, application_name=name, options=options)
    try:
        for channel in channels:
            connection.execute(f"LISTEN {channel}")  # type: ignore[call-overload]
        yield Session(connection)
    finally:
        connection.close()


def _text(result: pq.abc.PGresult, row: int, column: int) -> str:
    return (result.get_value(row, column) or b"").decode()
