"""The real page: uvicorn on the loopback, in a thread with a loop of its own, over a real store."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scene import Scene, scene

from yett.checkpoint.lockdown import Lockdown
from yett.console.app import make_app
from yett.console.plane import StorePlane
from yett.console.serve import listen, serving
from yett.drills.person import VirtualPerson


@dataclass
class Answered:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])


@dataclass
class Page:
    scene: Scene
    port: int

    @property
    def origin(self) -> str:
        return self.scene.site.origin

    def person(self, name: str) -> VirtualPerson:
        return VirtualPerson(name, self.origin)

    def enrolled(self, name: str = "Ada") -> VirtualPerson:
        code = self.scene.do(self.scene.desk.first_code())
        assert code is not None
        person = self.person(name)
        person.enrol_first(code)
        return person

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        address: str = "127.0.0.1",
    ) -> Answered:
        """One request byte for byte as given: with the page's own Host unless `headers` has one."""
        connection = http.client.HTTPConnection(address, self.port, timeout=10)
        try:
            given = {name.lower(): value for name, value in (headers or {}).items()}
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"host": f"localhost:{self.port}", **given}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


class WallClock:
    def __call__(self) -> int:
        return time.time_ns()


@contextmanager
def page(folder: Path, realm: str = "drill") -> Iterator[Page]:
    sockets = listen(0)
    port = int(sockets[0].getsockname()[1])
    with scene(folder, realm, port) as found:
        found.desk.clock = WallClock()
        app = make_app(StorePlane(found.desk, found.journal, Lockdown(found.store, found.journal).lock))
        up, down = threading.Event(), threading.Event()

        async def serve() -> None:
            async with serving(app, sockets):
                up.set()
                while not down.is_set():
                    await asyncio.sleep(0.02)

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            assert up.wait(10)
            yield Page(found, port)
        finally:
            down.set()
            thread.join(10)
