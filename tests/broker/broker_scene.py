"""Two rooms, a session and requests for the broker's tests."""

from __future__ import annotations

from yett.model.http import HttpRequest
from yett.model.identity import Principal, Session, Task
from yett.providers.actions import Actions

CLOUD = "api.cloud.test"
LOGIN = "auth.cloud.test"
MODEL = "model.test"
TOKEN = "5f1c9e02-7d43-4b8a-9c55-0a1b2c3d4e5f"
"""A Railway-like token: a UUID, which no rule could tell from an id."""

NO_ACTIONS = Actions({}, {}, {}, (), (), frozenset())


def session_of(name: str = "s-1", agent: str = "agent", task: str = "t-1", expires: float = 2000.0) -> Session:
    return Session(
        name, Principal(agent, "ada", "scripted"), Task(task, "fix a bug", "staging", False, 0.0, expires), "/workspace"
    )


def request(
    host: str = CLOUD, path: str = "/v1/things", query: str = "", *, body: bytes | None = b"", **headers: str
) -> HttpRequest:
    """A GET with header names as keywords (underscores for hyphens)."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpRequest("POST" if body else "GET", "https", host, 443, path, query, named, body)


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now
