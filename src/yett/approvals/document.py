"""Reading fields of a canonical document whose types are not yet proved: what is missing or odd reads as empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yett.model.canonical import Json

Document = Mapping[str, Json]


def part(of: Document, name: str) -> Document:
    """The object at `name`, or an empty one."""
    value = of.get(name)
    return value if isinstance(value, Mapping) else {}


def parts(of: Document, name: str) -> tuple[Document, ...]:
    """The objects in the list at `name`."""
    value = of.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def strings(of: Document, name: str) -> tuple[str, ...]:
    """The items of the list at `name`, as text."""
    value = of.get(name)
    return tuple(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def text(of: Document, name: str) -> str:
    """The string at `name`, or ""."""
    value = of.get(name)
    return value if isinstance(value, str) else ""
