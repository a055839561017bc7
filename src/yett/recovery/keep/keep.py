"""The keep: undos in one place, under one master key, within one budget."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection

from yett.broker.seal import Keys
from yett.recovery.keep.budget import DAY_NS, Budget
from yett.recovery.keep.errors import Damaged, KeepError
from yett.recovery.keep.making import Making
from yett.recovery.keep.manifest import decode
from yett.recovery.keep.opened import Opened
from yett.recovery.keep.place import Place

LONGER_NS = 7 * DAY_NS


class Keep:
    """Everything here blocks: call it in a thread. Any number of undos may be made at once."""

    def __init__(self, place: Place, keys: Keys, budget: Budget, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.place = place
        self.budget = budget
        self._keys = keys
        self._clock = clock

    def begin(self, task: str) -> Making:
        """Begin an undo for a task. Use the answer as a context manager, and `finish` it.

        Raises:
            KeepFull, KeepError: the place cannot take it.
        """
        made = self._clock()
        expires = made + self.budget.limits.days * DAY_NS
        return Making(self.place, self._keys, self.budget, "u-" + secrets.token_hex(6), task, made, expires)

    def open(self, undo: str) -> Opened:
        """An undo, every byte of which has been read and checked just now.

        Raises:
            Damaged: it is not there, or not as it was written.
        """
        opened = self.look(undo)
        opened.check()
        return opened

    def look(self, undo: str) -> Opened:
        """An undo by its manifest alone; its files are checked as they are read. Raises Damaged."""
        broken: Damaged | None = None
        # More than one manifest lies there only if somebody put it there: the one that opens is ours.
        for raw in self.place.manifests(undo):
            try:
                return Opened(self.place, *decode(raw, undo, self._keys))
            except Damaged as error:
                broken = broken or error
        raise broken or Damaged(f"undo {undo} is not in {self.place.name}", "somebody removed it: look into the log")

    def let_go(self, undo: str, task: str, stored: int) -> None:
        """Remove an undo and give its bytes back. The caller has made sure that it is over."""
        self.place.remove(undo)
        self.budget.give_back(task, stored)

    def hold_on(self, undo: str) -> None:
        """Keep one that is over its time for another while, where the place would let it go."""
        self.place.extend(undo, self._clock() + LONGER_NS)

    def sweep(self, known: Collection[str]) -> int:
        """Remove what writers that died have left, and undos over their time that nobody knows of (`known`: ids).

        One that is not over its time, or does not open, is left alone: the store may be the one that is wrong.
        """
        swept = self.place.sweep()
        for undo in [undo for undo in self.place.undos() if undo not in known]:
            try:
                if self.look(undo).manifest.expires <= self._clock():
                    self.place.remove(undo)
                    swept += 1
            except KeepError:
                continue  # tried again next time
        return swept
