"""The gate that is measured: every floor below it as the daemon builds them, one session, one database, one lease.

python -m bench.postgres.gate HOME PORT URL [--bare]

Store, ledger, policy, catalog, lease role and keep are real, and lie in HOME. What no machine has is played: one person
with a key, who approves whatever waits at once, and a clock that is past the minute in which that can be called off.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from bench.postgres.bare import BareDoor

from yett.approvals.challenge import Answer
from yett.daemon.main import keep_more
from yett.daemon.plane import Plane, build
from yett.daemon.runs import _write_session
from yett.daemon.settings import Settings
from yett.daemon.verbs import databases, places
from yett.drills.authenticator import VirtualKey
from yett.gateway.databases.seat import Doors, Seat
from yett.gateway.postgres.desk import Door
from yett.gateway.postgres.front import Front
from yett.model.errors import YettError
from yett.model.identity import Principal, Session, Task

PLACEHOLDER = "yett_ph_bench"
ENVIRONMENT = "staging"
DAY_S = 86_400
RESULT_MB = 1 << 17
TIDY_EVERY_S = 0.5
"""As the daemon does."""

CALLED_OFF_S = 61


@dataclass
class Clock:
    offset: int = 0

    def __call__(self) -> int:
        return time.time_ns() + self.offset


@dataclass(frozen=True)
class Opened:
    """A plane with one person, one session and one database, all as the daemon has them."""

    plane: Plane
    person: VirtualKey
    clock: Clock
    session: Session
    seat: Seat


async def opened(home: Path, url: str) -> Opened:
    plane = await build(Settings(home, realm="drill"), 0)
    plane.desk.clock = clock = Clock()
    key = await _person(plane)
    wanted = {"name": "bench", "value": url, "environment": ENVIRONMENT, "result_mb": RESULT_MB}
    await databases.add(plane, wanted)
    await _sign(plane, key, str((await places.set_(plane, {"production": []}))["act"]))
    now = time.time()
    task = Task("t-bench", "measure", ENVIRONMENT, False, now, now + DAY_S)
    session = Session("s-bench", Principal("bench", "bench", "scripted"), task, str(home))
    await plane.journal.run(lambda tx: _write_session(tx, session))
    plane.checkpoint.open_session(session)
    seat = Seat(plane.databases, session, plane.databases.named("bench"), {"": PLACEHOLDER})
    return Opened(plane, key, clock, session, seat)


async def serve(home: Path, port: int, url: str) -> None:
    """Until it is killed."""
    made = await opened(home, url)
    _listen(made.plane.front, port, Doors([made.seat]))
    await _approve_forever(made.plane, made.person, made.clock)


async def serve_bare(port: int, url: str) -> None:
    """The same wire before a desk that is a table in memory: what the real desk adds is the difference."""
    _listen(Front(), port, BareDoor(url, PLACEHOLDER.encode()))
    await asyncio.Event().wait()


def _listen(front: Front, port: int, door: Door) -> None:
    front.listen("s-bench", socket.create_server(("127.0.0.1", port), backlog=128), door)


async def _person(plane: Plane) -> VirtualKey:
    desk, key = plane.desk, VirtualKey()
    code = await desk.first_code()
    assert code is not None, "this home has a person already"
    await desk.enrol_first(code, "Ada", key.create(desk.first_key_options(code, "Ada"), desk.site.origin))
    return key


async def _sign(plane: Plane, key: VirtualKey, act: str) -> None:
    desk = plane.desk
    await desk.sign(act, key.get(desk.act_options(act), desk.site.origin))


async def _approve_forever(plane: Plane, key: VirtualKey, clock: Clock) -> None:
    desk, answered = plane.desk, set[str]()
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        await desk.expire()
        for hold in desk.waiting():
            if hold.id in answered:
                continue
            answered.add(hold.id)
            with contextlib.suppress(YettError):
                credential = key.get(desk.answer_options(hold.id, Answer.APPROVE), desk.site.origin)
                await desk.answer(hold.id, Answer.APPROVE, credential)
                clock.offset += CALLED_OFF_S * 10**9


def main() -> None:
    home, port, url, *bare = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    keep_more()
    uvloop.run(serve_bare(int(port), url) if bare else serve(Path(home), int(port), url))


if __name__ == "__main__":
    main()
