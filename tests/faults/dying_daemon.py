"""`yett up` in processes that come to a step of their work and die there as by kill -9, or wait there.

Run as a program it has everything imported and forks: one JSON line {"home", "port", "step", "how"} on its input is one
daemon, whose pid it answers; {"wait": pid} answers how that one ended. Nothing of this is in the product: a step is a
function of it that is replaced in the child.

Where it waits it writes `at` into the home and goes on when there is a file `go`.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yett.checkpoint.pipeline import Checkpoint
from yett.daemon import housework
from yett.daemon.channel import Message
from yett.daemon.main import serve
from yett.daemon.plane import Plane
from yett.daemon.runs import _write_session
from yett.daemon.verbs import VERBS
from yett.gateway.databases import lending
from yett.gateway.databases.guarded.transaction import GuardedTransaction
from yett.gateway.databases.seat import Doors, Seat
from yett.gateway.databases.undos import undoing
from yett.gateway.postgres.lockstep import Lockstep
from yett.model.identity import Principal, Session, Task
from yett.providers.postgres.guard import restore
from yett.providers.postgres.guard.guard import Guard
from yett.recovery.keep import AwaitedMaking
from yett.recovery.undos import Undos

_numbers = itertools.count(1)
PLACEHOLDER = "yett_ph_of_these_tests"
BEFORE, AFTER = "before", "after"

STEPS: dict[str, tuple[Any, str, str]] = {
    "measured": (Guard, "capture", BEFORE),
    "rows written": (AwaitedMaking, "finish", BEFORE),
    "kept, not recorded": (AwaitedMaking, "finish", AFTER),
    "recorded, no intent": (Undos, "record_kept", AFTER),
    "intent": (Checkpoint, "_release", AFTER),
    "committed": (GuardedTransaction, "committed", BEFORE),
    "outcome": (Checkpoint, "finish", AFTER),
    "rights lent": (lending, "elevate", AFTER),
    "dumped": (Guard, "dump", AFTER),
    "defined": (GuardedTransaction, "settle", BEFORE),
    "rows taken back": (restore, "_must_hold", BEFORE),
    "undo announced": (Undos, "applying", AFTER),
    "undo committed": (undoing, "restore", AFTER),
}
COMMIT_SENT = "commit sent"


def armed(step: str, how: Callable[[], None]) -> None:
    """The first time that this process comes to `step`, `how` happens; "step/2": the second time."""
    step, _, time_ = step.partition("/")
    left = itertools.count(1 - int(time_ or 1))

    def now() -> None:
        if next(left) == 0:
            how()

    if step == COMMIT_SENT:
        return _armed_commit(now)
    owner, name, when = STEPS[step]
    original = getattr(owner, name)

    @functools.wraps(original)
    async def replaced(*args: Any, **options: Any) -> Any:
        if when == BEFORE:
            now()
        result = await original(*args, **options)
        if when == AFTER:
            now()
        return result

    setattr(owner, name, replaced)


def _armed_commit(how: Callable[[], None]) -> None:
    """The COMMIT is in the socket, the wire's own or the agent's, and nobody has read an answer."""
    own, agents = Lockstep.send_own, Lockstep.send

    def send_own(step: Lockstep, sql: str) -> Any:
        group = own(step, sql)
        if sql == "COMMIT":
            how()
        return group

    def send(step: Lockstep, messages: bytes, **options: Any) -> Any:
        group = agents(step, messages, **options)
        if b"COMMIT" in messages:
            how()
        return group

    Lockstep.send_own, Lockstep.send = send_own, send  # type: ignore[method-assign]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def waiting(home: Path) -> Callable[[], None]:
    def wait() -> None:
        if (home / "at").exists():
            return
        (home / "at").touch()
        end = time.monotonic() + 60
        while not (home / "go").exists() and time.monotonic() < end:
            time.sleep(0.01)

    return wait


# ---- what a test asks of the plane, past the sandbox and the signatures


async def seat(plane: Plane, request: Message) -> Message:
    """A session with a door into the database, as `yett run` makes them."""
    number, now = next(_numbers), time.time()
    task = Task(f"t-{os.getpid()}-{number}", "tidy up", "staging", False, now, now + 3600)
    session = Session(f"s-{os.getpid()}-{number}", Principal("scripted", "ada", "scripted"), task, "/nowhere", False)
    await plane.journal.run(lambda tx: _write_session(tx, session))
    plane.checkpoint.open_session(session)
    made = Seat(plane.databases, session, plane.databases.named("company"), {"": PLACEHOLDER})
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    plane.front.listen(session.id, listener, Doors([made]))
    return {"port": int(listener.getsockname()[1])}


async def undo(plane: Plane, request: Message) -> Message:
    """Apply one, as somebody who has signed for it."""
    lines = [line async for line in plane.undos.apply(str(request["undo"]), "Ada")]
    return {"said": lines[-1]}


async def minute(plane: Plane, request: Message) -> Message:
    """The minute in which one person's approval can be called off is over."""
    plane.desk.clock = lambda: time.time_ns() + 61 * 10**9
    return {"ok": True}


async def settled(plane: Plane, request: Message) -> Message:
    """How many databases could not be asked."""
    return {"left": await plane.settling.once()}


VERBS |= {"test.seat": seat, "test.undo": undo, "test.minute": minute, "test.settled": settled}


def daemon(home: Path, port: int, step: str, how: str) -> None:
    housework.SETTLE_EVERY_S = housework.SWEEP_EVERY_S = 0.2
    log = os.open(home / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if step:
        armed(step, die if how == "die" else waiting(home))
    serve(home, port, quiet=True)


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(int(asked["wait"]), 0)[1])
        elif (answer := os.fork()) == 0:
            try:
                daemon(Path(asked["home"]), int(asked["port"]), str(asked["step"]), str(asked["how"]))
            finally:
                os._exit(1)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
