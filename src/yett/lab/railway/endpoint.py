"""The HTTP face of the API: `/graphql/v2`, generous in what it takes.

POST with JSON (an object, or an array of them), with a bare document as application/graphql, or as a form; the same in
the query string of a GET, mutations included; automatic persisted queries. Whether the real server takes all of these
is not known; a guard has to stand as if it did.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from yett.lab.journal import Arrival, Journal
from yett.lab.railway.execution import Api, Call, Platform, root_fields
from yett.lab.railway.tokens import Caller, Token
from yett.lab.wire import Reply, Request

HOSTS = ("backboard.railway.app", "backboard.railway.com")
PATHS = ("/graphql/v2", "/graphql/internal")
# The `operations` part of a GraphQL multipart request.
OPERATIONS_PART = re.compile(rb'name="operations"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)
PERSISTED_MISSING = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
}


class Endpoint:
    """Answers requests for the API's hosts."""

    def __init__(self, api: Api, platform: Platform, journal: Journal) -> None:
        """Serve `platform` through `api`."""
        self._api = api
        self._platform = platform
        self._journal = journal
        self._persisted: dict[str, str] = {}

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request and write it into the journal, done before the answer leaves."""
        token = self._token(request)
        arrival = Arrival(token=token.kind.value if token else "unknown" if _credential(request) else "none")
        if not request.encrypted:
            self._journal.record(request, arrival, 301)
            await reply.send(301, b"", location=f"https://{request.host}{request.path}")
        elif _plain_path(request.path) not in PATHS:
            self._journal.record(request, arrival, 404)
            await reply.send(404, b"Not Found", "text/plain")
        else:
            status, body = self._answer(request, token, arrival)
            self._journal.record(request, arrival, status)
            await reply.send(status, json.dumps(body).encode())

    def _answer(self, request: Request, token: Token | None, arrival: Arrival) -> tuple[int, object]:
        try:
            payload = _payload(request)
        except ValueError as error:
            arrival.outcome = "unreadable"
            return 400, {"errors": [{"message": f"{error}"}]}
        many = payload if isinstance(payload, list) else [payload]
        results = [self._run(one if isinstance(one, dict) else {}, token, arrival) for one in many]
        return 200, results if isinstance(payload, list) else results[0]

    def _run(self, payload: dict[str, Any], token: Token | None, arrival: Arrival) -> dict[str, Any]:
        text = self._persisted_text(payload)
        if text is None:
            arrival.outcome = arrival.outcome or "persisted query unknown"
            return PERSISTED_MISSING
        call = Call(Caller(token, self._platform.world), self._platform)
        answer = self._api.run({**payload, "query": text}, call)
        arrival.fields += call.asked or root_fields(text)
        arrival.done += call.done
        arrival.outcome = "done" if arrival.done else _failure(answer)
        return answer

    def _persisted_text(self, payload: dict[str, Any]) -> Any:
        """Return the document text, learning or looking up a hash (Apollo's automatic persisted queries)."""
        text = payload.get("query")
        extensions = payload.get("extensions")
        persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
        if not isinstance(persisted, dict):
            return text if text is not None else ""
        digest = str(persisted.get("sha256Hash"))
        if isinstance(text, str) and hashlib.sha256(text.encode()).hexdigest() == digest:
            self._persisted[digest] = text
        return text or self._persisted.get(digest)

    def _token(self, request: Request) -> Token | None:
        return next((t for value in _credential(request) if (t := self._platform.keyring.find(value))), None)


def _credential(request: Request) -> list[str]:
    """Return all that stands in the API's credential positions: bearers of any case, the project token's own header."""
    written = [value.partition(" ") for name, value in request.headers if name.lower() == "authorization"]
    bearers = [value for scheme, _, value in written if scheme.lower() == "bearer"]
    own = [value for name, value in request.headers if name.lower() == "project-access-token"]
    return [*bearers, *own]


def _plain_path(path: str) -> str:
    """Read a path as a forgiving router does: percent-decoded, dots resolved, slashes collapsed."""
    return posixpath.normpath("/" + urllib.parse.unquote(path).lstrip("/"))


def _payload(request: Request) -> object:
    asked = dict(urllib.parse.parse_qsl(request.query))
    body = request.payload()
    if not body.strip():
        return _from_form(asked)
    kind = request.header("content-type").split(";")[0].strip().lower()
    if kind == "application/graphql":
        return {**_from_form(asked), "query": body.decode()}
    if kind == "application/x-www-form-urlencoded" and not body.lstrip().startswith((b"{", b"[")):
        return _from_form(dict(urllib.parse.parse_qsl(body.decode())))
    if kind == "multipart/form-data":
        part = OPERATIONS_PART.search(body)
        body = part[1] if part else b""
    try:
        return json.loads(body)
    except ValueError:
        raise ValueError("Unexpected token in JSON") from None


def _from_form(form: dict[str, str]) -> dict[str, Any]:
    return dict(_form_fields(form))


def _form_fields(form: dict[str, str]) -> Iterator[tuple[str, Any]]:
    for name, value in form.items():
        yield name, json.loads(value) if name in ("variables", "extensions") and value else value


def _failure(answer: dict[str, Any]) -> str:
    refused = any(error.get("message") == "Not Authorized" for error in answer.get("errors", ()))
    return "not authorized" if refused else "error"
