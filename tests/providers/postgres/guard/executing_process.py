"""The process that runs an agent's transaction, ended from within at a given step. Run by test_crash."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[3]))

from guarded import Agent

from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.sink import DirectorySink, Writing

STEPS = ("baseline", "statement", "measure", "writing", "file", "manifest", "captured", "commit sent", "committed")


class Process:
    """`how` is "die" (kill -9 of itself) or "wait" (until somebody ends the server)."""

    def __init__(self, step: str, how: str) -> None:
        self._step, self._how = step, how

    def at(self, step: str) -> None:
        if step != self._step:
            return
        print("at", step, flush=True)
        if self._how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)


class Watched(DirectorySink):
    """A sink that stops on the way."""

    process: Process

    def file(self, name: str) -> Any:  # Any: an async context manager around the real one
        inner, process = super().file(name), self.process

        class Opened:
            async def __aenter__(self) -> Writing:
                real = await inner.__aenter__()

                class Writer:
                    async def write(self, data: bytes) -> None:
                        await real.write(data[: len(data) // 2])
                        process.at("manifest" if name == "manifest.json" else "writing")
                        await real.write(data[len(data) // 2 :])

                return Writer()

            async def __aexit__(self, *raised: Any) -> Any:
                done = await inner.__aexit__(*raised)
                process.at("" if name == "manifest.json" else "file")
                return done

        return Opened()


class Own:
    def __init__(self, url: str) -> None:
        self._url = url

    def connection(self) -> Any:
        import contextlib

        @contextlib.asynccontextmanager
        async def opened() -> Any:
            async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                yield connection

        return opened()


async def main(url: str, folder: str, statement: str, process: Process) -> None:
    connection = await psycopg.AsyncConnection.connect(url.replace("postgres@", "agent@"), autocommit=True)
    agent = Agent(connection)
    await agent.rows("BEGIN")
    guard = Guard(agent, Own(url))
    await guard.baseline()
    process.at("baseline")
    await agent.rows(statement)
    process.at("statement")
    effects = await guard.measure()
    process.at("measure")
    sink = Watched(Path(folder))
    object.__setattr__(sink, "process", process)
    await guard.capture(effects, sink)
    process.at("captured")
    connection.pgconn.send_query(b"COMMIT")
    connection.pgconn.flush()
    process.at("commit sent")
    connection.pgconn.get_result()
    process.at("committed")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], Process(*sys.argv[4:6])))
