"""The rows of one COPY FROM STDIN: watched for real secrets, and digested for what is signed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from yett.gateway.databases.place import Place
from yett.gateway.databases.statements.attempts import Ran
from yett.gateway.databases.telling import told
from yett.gateway.postgres.desk import Stopped, Told
from yett.model.errors import CredentialRefused
from yett.operations.sql.statement import Statement


class Copying:
    """Implements `gateway.postgres.desk.Copy`. `ran`: what its transaction admitted; the digest goes in there."""

    def __init__(self, place: Place, ran: list[Ran], statement: Statement) -> None:
        self._place = place
        self._ran = ran
        self._statement = statement
        self._watched = place.watch_rows()
        self._digest = hashlib.sha256()

    def feed(self, rows: bytes) -> None:
        try:
            self._watched.feed(rows)
        except CredentialRefused as error:
            place = self._place
            place.checkpoint.note_refusal(place.session, f"{place.database.name}: rows of a COPY", error, alarm=True)
            raise Stopped(told(error)) from None
        self._digest.update(rows)

    def end(self) -> None:
        for n, one in enumerate(self._ran):
            if one.statement is self._statement and not one.copied:
                self._ran[n] = replace(one, copied=self._digest.hexdigest())
                return
        raise Stopped(Told("yett: rows came for a COPY that was not admitted", "send it again", "57014"))
