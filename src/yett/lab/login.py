"""platform.claude.com: where a client renews a person's login. A refresh token works once and brings the next pair.

POST /v1/oauth/token with JSON, as Claude Code sends it (RFC 6749, 6, but for the body's form).
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from yett.lab.journal import Arrival, Journal
from yett.lab.wire import Reply, Request

HOST = "platform.claude.com"
PATH = "/v1/oauth/token"
SCOPES = ("user:inference", "user:profile")
LIFE_SECONDS = 8 * 3600


def credential(kind: str) -> str:
    """Make a value of the real length and shape: `kind` is api03 (a key), oat01 (access) or ort01 (refresh)."""
    return f"sk-ant-{kind}-{secrets.token_hex(46)}_AA"


class Login:
    """One person's login: the pair that works now, and every value that ever did."""

    def __init__(self) -> None:
        """Issue the first pair."""
        self.issued: list[str] = []
        self.renew()

    def renew(self) -> None:
        """Issue a new pair; the old one ends at once."""
        self.access, self.refresh = credential("oat01"), credential("ort01")
        self.issued += [self.access, self.refresh]


class LoginHost:
    """Answers requests for the login's host."""

    def __init__(self, login: Login, journal: Journal) -> None:
        """Renew `login` for whoever shows its refresh token."""
        self._login = login
        self._journal = journal

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request and write it into the journal, done before the answer leaves."""
        status, answer, arrival = self._answer(request)
        self._journal.record(request, arrival, status)
        await reply.send(status, b"" if request.method == "HEAD" else json.dumps(answer).encode())

    def _answer(self, request: Request) -> tuple[int, dict[str, Any], Arrival]:
        if (request.method, request.path) == ("GET", "/v1/oauth/hello"):
            return 200, {"message": "hello"}, Arrival()
        if (request.method, request.path) != ("POST", PATH):
            return 404, {"error": "not_found"}, Arrival()
        if _refresh_token(request) != self._login.refresh:
            return 400, {"error": "invalid_grant"}, Arrival("unknown")
        self._login.renew()
        answer = {
            "token_type": "Bearer",
            "access_token": self._login.access,
            "refresh_token": self._login.refresh,
            "expires_in": LIFE_SECONDS,
            "scope": " ".join(SCOPES),
        }
        return 200, answer, Arrival("model-login", done=["renewal"])


def _refresh_token(request: Request) -> object:
    try:
        body = json.loads(request.payload())
    except ValueError:
        return None
    return body.get("refresh_token") if isinstance(body, dict) else None
