"""The keep from an event loop, as the database's guard uses it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from test_keep import NOISE, USERS

from yett.providers.postgres.guard.sink import Sink, Source
from yett.recovery.keep import AwaitedMaking, AwaitedOpened, Keep, KeepError
from yett.recovery.keep.folder import Folder
from yett.recovery.keep.making import Making


async def written(making: AwaitedMaking, name: str, content: bytes) -> None:
    async with making.file(name) as file:
        for at in range(0, len(content), 100_000):
            await file.write(content[at : at + 100_000])


def test_it_is_a_sink_and_a_source(keep: Keep, folder: Folder) -> None:
    async def run() -> str:
        async with await AwaitedMaking.begin(keep, "t1") as making:
            sink: Sink = making
            assert isinstance(sink, Source)
            await written(making, "1.0.rows", NOISE)
            assert b"".join([piece async for piece in making.read("1.0.rows")]) == NOISE
            await written(making, "1.new", USERS)
            return (await making.finish({"rows": 2})).id

    async def back(undo: str) -> bytes:
        opened = await AwaitedOpened.open(keep, undo)
        assert opened.names == ("1.0.rows", "1.new")
        assert opened.about == {"rows": 2}
        return b"".join([piece async for piece in opened.read("1.0.rows")])

    undo = asyncio.run(run())
    assert asyncio.run(back(undo)) == NOISE
    assert list(folder.undos()) == [undo]


def test_an_error_on_the_way_leaves_nothing(keep: Keep, folder: Folder) -> None:
    async def run() -> None:
        async with await AwaitedMaking.begin(keep, "t1") as making, making.file("a") as file:
            await file.write(NOISE)
            raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        asyncio.run(run())
    assert list(folder.root.iterdir()) == []


def test_cancelled_while_it_is_written_it_leaves_nothing_and_touches_nothing_else(
    keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that writes is still under way: its file is not closed under it."""
    writing, go_on = threading.Event(), threading.Event()
    truly = Making._take

    def slow(self: Making, count: int) -> None:
        if count > 1000:
            writing.set()
            go_on.wait(10)
        truly(self, count)

    monkeypatch.setattr(Making, "_take", slow)

    async def make() -> None:
        async with await AwaitedMaking.begin(keep, "t1") as making:
            await written(making, "a", NOISE * 2)
            await making.finish({})

    async def run() -> None:
        task = asyncio.create_task(make())
        await asyncio.to_thread(writing.wait, 10)
        task.cancel()
        await asyncio.sleep(0.05)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 0


def test_cancelled_while_it_is_finished_it_is_withdrawn(
    keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    finishing, go_on = threading.Event(), threading.Event()
    truly = Making.finish

    def slow(self: Making, about: dict[str, object]) -> object:
        finishing.set()
        go_on.wait(10)
        return truly(self, about)

    monkeypatch.setattr(Making, "finish", slow)

    async def make() -> None:
        async with await AwaitedMaking.begin(keep, "t1") as making:
            await written(making, "a", USERS)
            await making.finish({})

    async def run() -> None:
        task = asyncio.create_task(make())
        await asyncio.to_thread(finishing.wait, 10)
        task.cancel()
        await asyncio.sleep(0.05)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.2)

    asyncio.run(run())
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 0


def test_what_is_written_after_the_abort_is_refused(keep: Keep, folder: Folder) -> None:
    making = keep.begin("t1")
    file = making.file("a")
    making.abort()
    with pytest.raises(KeepError, match="is finished"):
        file.write(b"x")
    file.close()
    with pytest.raises(KeepError):
        next(making.read("a"))
    assert list(folder.root.iterdir()) == []
