"""Reading fields of a canonical document whose types are not yet proved: what is missing or odd reads as empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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


def fields(body: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A document as name and value, nested names joined by dots, in the order in which it is signed."""
    for name in sorted(body):
        value = body[name]
        if isinstance(value, Mapping):
            yield from fields(value, f"{prefix}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _items(value, f"{prefix}{name}")
        else:
            yield f"{prefix}{name}", _scalar(value)


def _items(values: Sequence[Json], name: str) -> Iterator[tuple[str, str]]:
    if not values:
        yield name, "none"
    for place, value in enumerate(values):
        if isinstance(value, Mapping):
            yield from fields(value, f"{name}[{place}].")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _items(value, f"{name}[{place}]")
        else:
            yield f"{name}[{place}]", _scalar(value)


def _scalar(value: Json) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
