"""URLs that are credentials themselves (presigned, LFS, registry redirects), given to a session by a governed host.

They pass (law 3d) for that session, for exactly that URL, until they expire. Only digests are kept.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from yett.model.http import HttpRequest

MOST_A_SESSION = 4096
LONGEST_S = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class _Capability:
    expires: float
    headers: frozenset[str]


class Capabilities:
    """`clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._of: dict[str, dict[str, _Capability]] = {}

    def register(self, session: str, url: str, expires: float, headers: Mapping[str, str] | None = None) -> None:
        """Let the session use the URL until `expires`, with these header values (LFS gives an Authorization beside it).

        Anything that is not https://host/... is ignored. The oldest goes when a session has too many.
        """
        place = urlsplit(url)
        if place.scheme != "https" or not place.hostname or place.username is not None:
            return
        try:
            port = place.port or 443
        except ValueError:
            return
        key = _digest("https", place.hostname, str(port), place.path or "/", place.query)
        kept = self._of.setdefault(session, {})
        allowed = frozenset(_digest(name.lower(), value) for name, value in (headers or {}).items())
        kept[key] = _Capability(min(expires, self._clock() + LONGEST_S), allowed)
        while len(kept) > MOST_A_SESSION:
            del kept[next(iter(kept))]

    def allowed(self, session: str, request: HttpRequest) -> bool:
        """Whether the request is for a registered URL."""
        return self._find(session, request) is not None

    def allows_header(self, session: str, request: HttpRequest, name: str, value: str) -> bool:
        """Whether that header value was given to the session together with the URL."""
        found = self._find(session, request)
        return found is not None and _digest(name, value) in found.headers

    def forget(self, session: str) -> None:
        self._of.pop(session, None)

    def _find(self, session: str, request: HttpRequest) -> _Capability | None:
        kept = self._of.get(session)
        if not kept:
            return None
        key = _digest(request.scheme, request.host, str(request.port), request.path, request.query)
        found = kept.get(key)
        return found if found is not None and self._clock() < found.expires else None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
