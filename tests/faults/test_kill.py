"""The daemon is killed in the middle of holding, releasing and committing, again and again.

Nothing is released twice, no acknowledged entry is lost, what is held stays held, and what was under way is `unknown`.
Six deaths here; YETT_FAULT_CYCLES=100 for a night.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException

from real_daemon import Agent, Home

from yett.model.errors import YettError

CYCLES = int(os.environ.get("YETT_FAULT_CYCLES", "6"))
AGENTS = 3
SEED = 20260424


@dataclass
class Told:
    """What somebody outside was told: nothing of it may be taken back."""

    held: dict[str, int] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    done: dict[int, str] = field(default_factory=dict)


def work(home: Home, agent: Agent, numbers: list[int], told: Told, stop: threading.Event) -> None:
    """Ask, have it approved, send it again, until the daemon is gone."""
    person = home.person()
    with contextlib.suppress(OSError, ValueError, HTTPException):  # the daemon is gone, before or within an answer
        for number in numbers:
            if stop.is_set():
                return
            first = agent.act(number)
            assert first.status == 403, first
            hold = str(first.problem["hold"])
            told.held[hold] = number
            if number % 5 == 0:
                continue  # nobody answers this one
            try:
                person.approve(hold)
            except YettError:
                continue
            told.approved.add(hold)
            if agent.act(number).status == 200:
                told.done[number] = hold


def arrivals(home: Home) -> Counter[str]:
    return Counter(number for request in home.upstream.seen for number in re.findall(r"n\d+n", request.decode()))


def check(home: Home, told: Told) -> None:
    """After a restart: the store and the log against what people and agents were told, and what the upstream saw."""
    states = dict(home.rows("SELECT id, state FROM holds"))
    arrived = arrivals(home)
    intents = home.entries("intent")
    outcomes = {body["intent"]: body["outcome"] for body in home.entries("outcome")}
    consumed = Counter(body["hold"] for body in home.entries("hold") if body["state"] == "consumed")

    assert not [number for number, times in arrived.items() if times > 1], "released twice"
    assert told.held.keys() <= states.keys(), "an acknowledged hold is lost"
    assert all(states[hold] != "waiting" for hold in told.approved), "an acknowledged approval is lost"
    assert all(times == 1 for times in consumed.values()), "an approval was spent twice"
    assert len(consumed) == len({body["hold"] for body in intents}) == len(intents)
    assert len(arrived) <= len(intents), "something left before its intent was durable"
    for hold in told.done.values():
        assert states[hold] in ("released", "unknown")
    open_ones = home.rows("SELECT intent FROM inflight WHERE state = 'open'")
    assert not open_ones, "after a restart nothing is left open"
    assert len(outcomes) == len(intents)
    for hold, state in states.items():
        if state in ("waiting", "approved"):
            assert f"n{told.held.get(hold, -1)}n" not in arrived or hold not in consumed, "held, and it left"
    unknown = {body["hold"] for body in home.entries("outcome") if body["outcome"] == "unknown"}
    assert all(states[hold] == "unknown" for hold in unknown)


def test_killed_again_and_again_it_releases_nothing_twice_and_forgets_nothing(home: Home) -> None:
    chance, told, numbers = random.Random(SEED), Told(), iter(range(1, 10**9))
    home.start()
    home.enrol()
    for cycle in range(CYCLES):
        daemon = home.daemon
        assert daemon is not None
        agents = [Agent(home, f"agent{cycle}-{n}") for n in range(AGENTS)]  # new ones: what waits counts
        stop = threading.Event()
        mine = [[next(numbers) for _ in range(40)] for _ in agents]
        threads = [
            threading.Thread(target=work, args=(home, agent, some, told, stop), daemon=True)
            for agent, some in zip(agents, mine, strict=True)
        ]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.15, 0.9))
        end = time.monotonic() + 20
        while cycle == 0 and not told.done and time.monotonic() < end:  # a slow machine gets as far as a release, too
            time.sleep(0.02)
        daemon.kill()
        stop.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive(), "an agent hangs on a dead daemon"
        for agent in agents:
            agent.close()
        home.start()
        check(home, told)
        waiting = {hold for hold, state in home.rows("SELECT id, state FROM holds") if state in ("waiting", "approved")}
        assert waiting <= {str(hold["id"]) for hold in home.person().holds()} | waiting
    assert told.done, "the test never got as far as a release"
    assert home.tell({"verb": "log.export", "folder": str(home.workspace / "log")})["size"] > 0
