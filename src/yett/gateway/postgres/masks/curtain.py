"""Masking between the wire and its client: what goes to the server is noted, what comes back is rewritten.

What the wire asks for itself passes by it, both ways.
"""

from __future__ import annotations

from collections.abc import Callable

from yett.gateway.postgres.desk import Masking
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.masks.masking import Unmaskable


class Curtain:
    """`sent` and `seen` raise Malformed: something cannot be masked, and the session ends."""

    def __init__(self, masking: Masking, to_server: Callable[[bytes], None]) -> None:
        self._masking = masking
        self._to_server = to_server

    def sent(self, data: bytes) -> None:
        """Messages of the client's, on to the server."""
        try:
            self._masking.sent(data)
        except Unmaskable as error:
            raise Malformed(str(error)) from None
        self._to_server(data)

    def seen(self, data: bytes) -> bytes:
        """What the client may see of the server's answers to them."""
        try:
            return self._masking.feed(data)
        except Unmaskable as error:
            raise Malformed(str(error)) from None
