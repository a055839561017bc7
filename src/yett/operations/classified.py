"""What a request would do, and the form in which it must leave."""

from __future__ import annotations

from dataclasses import dataclass

from yett.model.operation import Operation


@dataclass(frozen=True, slots=True)
class Classified:
    """The operations of one request, in its own order; never empty.

    `body`: the payload that must leave, without a content coding; None: as it came. `query` replaces the request's.
    `summary` is one line for people: names and ids, no values. `provider` is "" for an ungoverned host. `bulk`: the
    body may be too large to read (law 3e). `seal` holds JSON pointers (RFC 6901) into the answer, a list being walked
    through where the next part is no number: every string below is a credential, to become a placeholder (law 5).
    """

    operations: tuple[Operation, ...]
    body: bytes | None
    query: str
    summary: str
    confirmations_ignored: tuple[str, ...] = ()
    provider: str = ""
    bulk: bool = False
    seal: tuple[str, ...] = ()
