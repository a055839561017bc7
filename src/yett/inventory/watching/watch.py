"""Watch a tree for files that change: by inotify, or by listing it where that cannot be had.

It says which files to look at, and when: one that was closed or moved here at once, one that is being written when it
rests, and none so often that looking takes more than a fifth of the time. What inotify cannot tell (a queue that ran
over, a mapped file, a mount) is found by its change time.
"""

from __future__ import annotations

import heapq
import math
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from yett.inventory.watching.inotify import own_share
from yett.inventory.watching.notified import Noticed, Notified, NoWatchLeft
from yett.inventory.watching.polled import Polled, changed_since

SWEEP_S = 30.0
"""Between two listings beside inotify, and a fiftieth of the time at most."""
POLL_S = 1.0
"""Between two listings without inotify, and a fifth of the time at most."""
STILL_OPEN_S, LONGEST_OPEN_S = 0.5, 2.0
"""A file that is being written is looked at when it rests, at the latest so long after: half a value is another one."""
AGAIN_S = 0.3
_PATIENCE = 4
_REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Changes:
    """`files` to look at now; files and folders that are no more; `lost`: further ones may be gone."""

    files: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    gone_folders: tuple[str, ...] = ()
    lost: bool = False

    def __bool__(self) -> bool:
        return bool(self.files or self.gone or self.gone_folders or self.lost)


class Watch:
    """One tree, used by one thread; `stop` may be called from any. `say` gets one line when it has to poll."""

    def __init__(self, root: str, say: Callable[[str], None], since: int, share: int | None = None) -> None:
        """`since` (ns): what changed from then on is given first, for whoever scanned before."""
        self.root = os.path.realpath(root)
        self._say = say
        self._share = own_share() if share is None else share
        self._due = Due()
        self._gone = Gone()
        self._wake_out, self._wake_in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stopped = self._closed = False
        self._ending = threading.Lock()
        self._source: Notified | Polled = self._best(since)
        self._sweep_at, self._swept = 0.0, time.time_ns()
        if isinstance(self._source, Notified):
            self._sweep_at = time.monotonic() + SWEEP_S
            self._due.now(changed_since(self.root, since))

    @property
    def by(self) -> str:
        return "inotify" if isinstance(self._source, Notified) else "listing"

    def wait(self, most: int, seconds: float = 60.0) -> Changes:
        """The next changes, `most` files at once; none when the time is over or it was stopped."""
        end = time.monotonic() + seconds
        while not self._stopped:
            noticed = self._read()
            self._gone.noticed(noticed)
            files = self._due.take(most)
            gone = self._gone.take(self._due)
            changes = Changes(files, gone, tuple(noticed.gone_folders), noticed.lost)
            if changes or time.monotonic() >= end:
                return changes
            self._sleep(min(end, self._due.first(), self._gone.first(), self._sweep_at))
        return Changes()

    def looked(self, path: str, seconds: float) -> None:
        """How long a look took: a large file that is written all the time is looked at less often."""
        self._due.looked(path, seconds)

    def again(self, paths: tuple[str, ...], seconds: float = 1.0) -> None:
        """These could not be dealt with: give them out later."""
        self._due.later(paths, seconds)

    @property
    def is_stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        self._stopped = True
        with self._ending:
            if not self._closed:
                os.write(self._wake_in, b"x")

    def close(self) -> None:
        with self._ending:
            self._closed = True
            os.close(self._wake_out)
            os.close(self._wake_in)
        if isinstance(self._source, Notified):
            self._source.close()

    def _best(self, since: int) -> Notified | Polled:
        try:
            return Notified(self.root, self._share)
        except NoWatchLeft:
            self._say(f"{self.root} has more folders than may be watched: listing it every few seconds")
        except OSError as error:
            self._say(f"{self.root} cannot be watched ({error.strerror}): listing it every few seconds")
        return Polled(self.root, since)

    def _read(self) -> Noticed:
        now = time.monotonic()
        if isinstance(self._source, Polled):
            return self._listed(self._source, now) if now >= self._sweep_at else Noticed()
        try:
            noticed = self._source.read()
        except NoWatchLeft:
            self._give_up_inotify()
            return Noticed(lost=True)
        if noticed.lost or now >= self._sweep_at or self.root in noticed.gone_folders:
            self._sweep(self._source, noticed)
        self._due.now(noticed.written)
        self._due.soon(noticed.open)
        return noticed

    def _sweep(self, source: Notified, noticed: Noticed) -> None:
        """Whatever changed since the last time, however it changed; and folders that no event told of."""
        began, at = time.monotonic(), time.time_ns()
        pause = SWEEP_S
        try:
            noticed.written.update(source.unseen())
        except NoWatchLeft:
            self._give_up_inotify()
            return
        except OSError:
            pause = POLL_S  # the root itself is gone; it may come back
        noticed.written.update(changed_since(self.root, self._swept))
        self._swept = at
        self._sweep_at = time.monotonic() + max(pause, 50 * (time.monotonic() - began))

    def _give_up_inotify(self) -> None:
        assert isinstance(self._source, Notified)
        self._source.close()
        self._say(f"{self.root} has more folders than may be watched: listing it every few seconds")
        self._source, self._sweep_at = Polled(self.root, self._swept), 0.0

    def _listed(self, source: Polled, now: float) -> Noticed:
        noticed = source.read()
        self._due.now(noticed.written)
        self._sweep_at = time.monotonic() + max(POLL_S, _PATIENCE * (time.monotonic() - now))
        return noticed

    def _sleep(self, until: float) -> None:
        waiting = select.poll()  # select(2) takes no descriptor above 1023
        waiting.register(self._wake_out, select.POLLIN)
        if isinstance(self._source, Notified):
            waiting.register(self._source.descriptor, select.POLLIN)
        waiting.poll(max(0.0, until - time.monotonic()) * 1000)


class Due:
    """Files that wait for a look, by the moment at which it is due (monotonic seconds)."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._order: list[tuple[float, str]] = []
        self._open_since: dict[str, float] = {}
        self._rest: dict[str, float] = {}
        """When a file that was looked at may be looked at again."""

    def now(self, paths: Iterable[str]) -> None:
        moment = time.monotonic()
        for path in paths:
            self._put(path, moment)

    def soon(self, paths: Iterable[str]) -> None:
        """They are being written: what closes them comes before, or nothing does."""
        now = time.monotonic()
        for path in paths:
            if self._at.get(path, math.inf) > now:
                first = self._open_since.setdefault(path, now)
                self._at.pop(path, None)
                self._put(path, min(now + STILL_OPEN_S, first + LONGEST_OPEN_S))

    def later(self, paths: Iterable[str], seconds: float) -> None:
        moment = time.monotonic() + seconds
        for path in paths:
            self._put(path, moment)

    def take(self, most: int) -> tuple[str, ...]:
        moment = time.monotonic()
        taken: list[str] = []
        while self._order and self._order[0][0] <= moment and len(taken) < most:
            at, path = heapq.heappop(self._order)
            if self._at.get(path) == at:
                del self._at[path]
                self._open_since.pop(path, None)
                taken.append(path)
        return tuple(taken)

    def has_any(self, paths: Iterable[str]) -> bool:
        return any(path in self._at for path in paths)

    def first(self) -> float:
        """When the next one is due; never if none is."""
        while self._order and self._at.get(self._order[0][1]) != self._order[0][0]:
            heapq.heappop(self._order)
        return self._order[0][0] if self._order else math.inf

    def looked(self, path: str, seconds: float) -> None:
        moment = time.monotonic()
        if len(self._rest) > _REMEMBERED:
            self._rest = {path: at for path, at in self._rest.items() if at > moment}
        self._rest[path] = moment + max(AGAIN_S, _PATIENCE * seconds)

    def _put(self, path: str, moment: float) -> None:
        moment = max(moment, self._rest.get(path, 0.0))
        known = self._at.get(path)
        if known is None or moment < known:
            self._at[path] = moment
            heapq.heappush(self._order, (moment, path))


class Gone:
    """Files that are no more. What was renamed is gone at one name and there at another, which may have to rest before
    it is looked at again: told first, it would be a credential that went and came back."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, set[str], frozenset[str]]] = []
        """Until when at most, what is gone, and the files that are looked at before."""

    def noticed(self, noticed: Noticed) -> None:
        there = frozenset(noticed.written | noticed.open)
        for _, gone, _ in self._waiting:
            gone -= there
        if noticed.gone:
            self._waiting.append((time.monotonic() + LONGEST_OPEN_S, set(noticed.gone), there))

    def take(self, due: Due) -> frozenset[str]:
        now = time.monotonic()
        over = [one for one in self._waiting if one[0] <= now or not due.has_any(one[2])]
        self._waiting = [one for one in self._waiting if one not in over]
        return frozenset(path for _, gone, _ in over for path in gone)

    def first(self) -> float:
        """When the next ones are told at the latest; never if none are."""
        return min((until for until, _, _ in self._waiting), default=math.inf)
