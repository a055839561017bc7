"""Answers that wait until their transaction is final."""

from __future__ import annotations


class Held:
    """Bytes for the client, in order, up to a bound; past it nothing more is kept and `spilled` says so."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._parts: list[bytes] = []
        self.spilled = False

    def keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._most:
            self.spilled = True
            self._parts.clear()
            return
        self._parts.append(part)

    def release(self) -> bytes:
        """All of it; from here on it is empty again."""
        whole = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return whole
