"""What one container may cost: bytes, members and time, whatever it says about itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from yett.model.errors import YettError

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """`total`, `member`, `image` in bytes after unpacking; `image*` hold instead once a container image is recognised.

    A container that unpacks to more than `ratio` times its own size is a bomb, once it is past `ratio_from` bytes: text
    that is repeated a lot reaches 200 too while it is small. `steps` are of SQLite's virtual machine. `binaries`:
    whether members with a NUL near their start are given.
    """

    total: int = 256 * MB
    member: int = 64 * MB
    members: int = 50_000
    depth: int = 2
    seconds: float = 60.0
    ratio: int = 200
    ratio_from: int = 64 * MB
    image: int = 4096 * MB
    image_members: int = 500_000
    steps: int = 200_000_000
    binaries: bool = True


class Exhausted(YettError):
    """A limit is reached: the container is left where it is."""


class Broken(YettError):
    """These bytes are not what they should be. The rest of the container may be whole."""


class Budget:
    """What is left of the limits. The clock stands still while whoever asked works on a text."""

    def __init__(self, limits: Limits, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.unpacked = 0
        self.members = 0
        self._bytes = limits.total
        self._members = limits.members
        self._bomb_from = max(limits.ratio_from, limits.ratio * size)
        self._clock = clock
        self._spent = 0.0
        self._since = clock()

    def spend(self, size: int) -> None:
        """Raises Exhausted: these bytes were too many, or came too late."""
        self.unpacked += size
        if self.unpacked > self._bytes:
            raise Exhausted(f"more than {self._bytes // MB} MB unpacked: the rest was not read")
        if self.unpacked > self._bomb_from:
            raise Exhausted(f"unpacks to more than {self.limits.ratio} times its size: the rest was not read")
        self.check_time()

    def count_member(self) -> None:
        """Raises Exhausted: one member too many."""
        self.members += 1
        if self.members > self._members:
            raise Exhausted(f"more than {self._members} members: the rest was not read")
        self.check_time()

    def allow_image(self) -> None:
        """A container image is as large as a system, and people scan it on purpose."""
        self._bytes = max(self._bytes, self.limits.image)
        self._members = max(self._members, self.limits.image_members)

    def check_time(self) -> None:
        """Raises Exhausted."""
        if self.out_of_time:
            raise Exhausted(f"took longer than {self.limits.seconds:g} s: the rest was not read")

    @property
    def out_of_time(self) -> bool:
        return self._spent + self._clock() - self._since > self.limits.seconds

    def pause(self) -> None:
        self._spent += self._clock() - self._since

    def resume(self) -> None:
        self._since = self._clock()
