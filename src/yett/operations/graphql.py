"""GraphQL over HTTP: a request in any of the forms that servers take -> its root fields as Operations.

POST with JSON (one request or a batch of them) or a bare document, and GET with a query string, are read and printed
anew: canonical JSON around the printed document and nothing else, so that extensions, unknown keys and second readings
stay behind. Forms that Yett does not print (multipart, url-encoded, a query string beside a body) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.model.http import HttpRequest
from yett.model.operation import Governed, Operation
from yett.operations import acts, document, shown, strict_json
from yett.operations.argument_values import arguments
from yett.operations.classified import Classified
from yett.operations.coding import payload, single
from yett.operations.confirmations import confirmations
from yett.operations.document import RootField
from yett.operations.query_string import parse_query
from yett.operations.strict_json import Parsed
from yett.providers.actions import Action
from yett.providers.room import Room

WIRE = "graphql"
MAX_BODY = 256 << 10
MAX_BATCH = 10
MAX_WORK = 512 << 10
"""Root fields times bytes of the body: each of them may use the same large variable."""

MAX_SHORT, MAX_TOTAL = 4, 40_000
"""Operations, and characters of them all, that one ledger entry of 65,000 bytes has room for."""

PERSISTED = "persistedQuery"

_INTROSPECTION = Action("introspection", Effect.READ, Recovery.AUTOMATIC, placeless=True)
_INTROSPECTED = frozenset({"__schema", "__type", "__typename"})
_PARAMETERS = frozenset({"query", "variables", "operationname", "extensions", "id", "documentid", "doc_id"})
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_DOCUMENT_TYPE = re.compile(r'application/graphql(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class _Request:
    """One request of a batch: its operations, what must leave of it, and the pointers to seal in its answer."""

    operations: tuple[Operation, ...]
    leaves: dict[str, Parsed]
    seal: tuple[str, ...]
    confirmations: tuple[str, ...]


def classify_graphql(request: HttpRequest, room: Room) -> Classified:
    """Read a request to a GraphQL endpoint of `room`.

    Raises:
        Unreadable: a form, coding, text or method that is not read with certainty.
    """
    if request.method == "GET":
        one = _read(_from_query(request), room, len(request.query))
        return _classified([one], None, _query_string(one.leaves), room, "")
    if request.method != "POST":
        raise Unreadable(f"{request.method} has no meaning in GraphQL over HTTP", "Send POST.")
    if any(name.lower() in _PARAMETERS for name in parse_query(request.query)):
        raise Unreadable("The query string and the body both carry GraphQL", "Send everything in the body.")
    body = payload(request, MAX_BODY)
    content_type = single(request, "content-type").strip()
    if _DOCUMENT_TYPE.fullmatch(content_type):
        one = _read({"query": _text(body)}, room, len(body))
        return _classified([one], str(one.leaves["query"]).encode(), "", room, "")
    if not _JSON_TYPE.fullmatch(content_type):
        raise Unreadable("The content type is not application/json in UTF-8", "Send GraphQL as application/json.")
    return _from_json(strict_json.parse(body), room, len(body))


def _from_json(parsed: Parsed, room: Room, size: int) -> Classified:
    if isinstance(parsed, dict):
        one = _read(parsed, room, size)
        return _classified([one], strict_json.dump(one.leaves), "", room, "")
    if not isinstance(parsed, list) or not 1 <= len(parsed) <= MAX_BATCH:
        raise Unreadable("The body is no GraphQL request, nor a batch of them", f"Send one, or at most {MAX_BATCH}.")
    batch = [_read(item, room, size, document.MAX_TOKENS // len(parsed)) for item in parsed if isinstance(item, dict)]
    if len(batch) != len(parsed):
        raise Unreadable("The batch holds what is no GraphQL request", "Send objects with a query.")
    return _classified(batch, strict_json.dump([one.leaves for one in batch]), "", room, "/{}")


def _from_query(request: HttpRequest) -> dict[str, Parsed]:
    if request.body != b"":
        raise Unreadable("A GET carries a body", "Send POST.")
    given: dict[str, Parsed] = dict(parse_query(request.query))
    for name in ("variables", "extensions"):
        text = given.get(name)
        if isinstance(text, str):
            given[name] = strict_json.parse_text(text) if text else None
    return given


def _query_string(leaves: Mapping[str, Parsed]) -> str:
    flat = {name: v if isinstance(v, str) else strict_json.dump(v).decode() for name, v in leaves.items()}
    return urlencode(flat, quote_via=quote)


def _read(item: dict[str, Parsed], room: Room, size: int, max_tokens: int = document.MAX_TOKENS) -> _Request:
    text, variables, name = item.get("query"), item.get("variables"), item.get("operationName")
    if variables is None:
        variables = {}
    if name is None:
        name = ""
    if not isinstance(variables, dict) or not isinstance(name, str):
        raise Unreadable("variables is no object, or operationName no text", "Send them as GraphQL over HTTP has them.")
    if text is None:
        return _persisted(item, room)
    if not isinstance(text, str) or not text.strip():
        raise Unreadable("The request has no query", "Send the document's text.")
    parsed = document.read(text, name, room.actions.secret_fields, max_tokens)
    if len(parsed.fields) * size > MAX_WORK:
        raise Unreadable("The request does more than a person could look at", "Send less at once.")
    leaves: dict[str, Parsed] = {"query": parsed.text}
    if variables:
        leaves["variables"] = variables
    if name:
        leaves["operationName"] = name
    given = [arguments(field, variables) for field in parsed.fields]
    pairs = list(zip(parsed.fields, given, strict=True))
    return _Request(
        operations=tuple(_judge(field, values, room) for field, values in pairs),
        leaves=leaves,
        seal=tuple(pointer for field in parsed.fields for pointer in _seal(field, room)),
        confirmations=tuple(path for field, values in pairs for path in confirmations(field.name, values)),
    )


def _persisted(item: dict[str, Parsed], room: Room) -> _Request:
    """A stored document by its hash alone: nobody here knows what it does, so it leaves as it is, or not at all."""
    if not item.keys() - {"variables", "operationName"}:
        raise Unreadable("The request has no query", "Send the document's text.")
    return _Request((acts.unknown(room, PERSISTED, {}, WIRE),), item, (), ())


def _judge(field: RootField, given: acts.Arguments, room: Room) -> Operation:
    if field.name in _INTROSPECTED:
        return acts.operation(room, _INTROSPECTION, {}, WIRE)
    action = _action(field, room)
    if action is None:
        return acts.unknown(room, field.name, given, WIRE)
    return acts.operation(room, action, given, WIRE, reveals=bool(field.secrets))


def _action(field: RootField, room: Room) -> Action | None:
    match field.kind:
        case "query":
            return room.actions.queries.get(field.name)
        case "mutation":
            return room.actions.mutations.get(field.name)
        case _:
            return room.actions.subscriptions.get(field.name)


def _seal(field: RootField, room: Room) -> tuple[str, ...]:
    """Pointers into the answer's data: the whole root of an act that returns secrets, else the secret fields below."""
    action = _action(field, room)
    paths = [()] if action is not None and action.returns_secret else dict.fromkeys(field.secrets)
    return tuple("/".join(("/data", field.key, *path)) for path in paths)


def _classified(requests: list[_Request], body: bytes | None, query: str, room: Room, at: str) -> Classified:
    operations = tuple(operation for one in requests for operation in one.operations)
    if len(operations) > MAX_SHORT and sum(len(repr(op.as_json())) for op in operations) > MAX_TOTAL:
        raise Unreadable("The request does more than a person could look at", "Send less at once.")
    return Classified(
        operations=operations,
        body=body,
        query=query,
        summary=_summary(operations, room),
        confirmations_ignored=tuple(dict.fromkeys(path for one in requests for path in one.confirmations)),
        provider=room.name,
        seal=tuple(at.format(n) + pointer for n, one in enumerate(requests) for pointer in one.seal),
    )


def _summary(operations: tuple[Operation, ...], room: Room) -> str:
    acts_shown = [_act(operation) for operation in operations[:_SHOWN]]
    more = f" and {len(operations) - _SHOWN} more" if len(operations) > _SHOWN else ""
    return f"{room.title}: {', '.join(acts_shown)}{more}"


def _act(operation: Operation) -> str:
    name = operation.action.partition(":")[2]
    resources = operation.target.resources if isinstance(operation.target, Governed) else ()
    on = ", ".join(shown.resource(ref) for ref in resources[:_SHOWN])
    return f"{name} on {on}" if on else name


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The document is not UTF-8", "Send GraphQL in UTF-8.") from None
