"""HTTP messages as values: what the framing has already proved (RFC 9112), shared by wires, operations and broker."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One canonical request. `headers` have lower-case names, hop-by-hop ones are gone; `body` is the decoded payload.

    `path` starts with "/" and is still percent-encoded; `query` has no "?". `host` is lower-case without port or dot.
    `body` is None while the payload streams (ungoverned hosts, declared `bulk` operations).
    """

    method: str
    scheme: str
    host: str
    port: int
    path: str
    query: str
    headers: Headers
    body: bytes | None = b""

    def header(self, name: str) -> str | None:
        """The single value of a header, None if absent.

        Raises:
            ValueError: the header occurs more than once.
        """
        found = [value for key, value in self.headers if key == name]
        if len(found) > 1:
            raise ValueError(f"header {name} occurs {len(found)} times")
        return found[0] if found else None
