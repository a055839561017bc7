"""Roles that Yett has made in a server for one statement, so that no sweep ends one that is in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Implements `providers.postgres.once.Roles`: what is in `alive` no sweep ends."""

    alive: set[str]
    look_again: Callable[[], None]

    def made(self, name: str) -> None:
        self.alive.add(name)

    def over(self, name: str, *, gone: bool) -> None:
        self.alive.discard(name)
        if not gone:
            self.look_again()


class Unaccounted:
    """Nobody sweeps where nobody keeps account."""

    def made(self, name: str) -> None: ...
    def over(self, name: str, *, gone: bool) -> None: ...
