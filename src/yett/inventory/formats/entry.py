"""A value in a structured file: where it stands in the structure, and at which bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

DEEPEST = 200
"""Levels of nesting. No configuration comes near; a path a level would make a planted file quadratic."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """content[start:end] is the raw text of the value, without its quotes.

    `path` are the keys (and positions in lists, as digits) from the root, the value's own key last. `value` is what
    the text says, unescaped; `decoded` the same in bytes where the raw text is something else, else b"".
    """

    path: Path
    value: str
    start: int
    end: int
    decoded: bytes = b""
    quoted: bool = False

    @property
    def key(self) -> str:
        return self.path[-1] if self.path else ""

    @property
    def parent(self) -> Path:
        return self.path[:-1]

    @property
    def is_real(self) -> bool:
        """Whether it could be a credential at all: no placeholder, no reference, not empty."""
        return not is_placeholder(self.value)

    def hit(
        self,
        kind: str,
        title: str,
        *,
        provider: str = "",
        identity: str = "password",
        account: str = "",
        severity: Severity = Severity.HIGH,
        broad: bool = False,
        decoded: bytes = b"",
    ) -> Hit:
        """The value as a credential. `decoded` where the value holds it in a further encoding."""
        return Hit(
            provider, kind, title, broad, self.start, self.end, severity, identity, account, decoded or self.decoded
        )


def by_parent(entries: Iterable[Entry]) -> dict[Path, dict[str, Entry]]:
    """The entries of each object (section, mapping) by their lower-case key; of a key given twice, the last."""
    objects: dict[Path, dict[str, Entry]] = {}
    for entry in entries:
        objects.setdefault(entry.parent, {})[entry.key.lower()] = entry
    return objects


def text_of(siblings: Mapping[str, Entry], *keys: str) -> str:
    """The first of these keys that is there and says something real, else ""."""
    return next((siblings[key].value for key in keys if key in siblings and siblings[key].value.strip()), "")


def account_at(user: str, host: str) -> str:
    """ "user@host", or what of it is known."""
    return f"{user}@{host}" if user and host else user or host
