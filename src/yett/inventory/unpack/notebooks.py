"""Jupyter notebooks (nbformat 4): the cells as their author saw them, because JSON hides quotes and line ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from yett.inventory.unpack.budget import MB

LARGEST = 16 * MB
"""Of one notebook: parsed JSON takes many times its size. Larger ones are mostly pictures."""


def cells_of(content: bytes) -> Iterator[tuple[str, bytes]]:
    """("cell 3", its source) and ("cell 3 output 1", its text). What is no notebook gives nothing: it is read raw."""
    for number, cell in enumerate(_list(_dict(_json(content)).get("cells")), 1):
        said = _dict(cell)
        if source := _text(said.get("source")):
            yield f"cell {number}", source
        for place, output in enumerate(_list(said.get("outputs")), 1):
            if text := _output(_dict(output)):
                yield f"cell {number} output {place}", text


def _output(output: dict[str, Any]) -> bytes:  # Any: JSON that anyone wrote
    """Pictures are left out: only text is shown as text."""
    shown = _dict(output.get("data"))
    parts = [_text(output.get("text")), *(_text(shown[kind]) for kind in shown if kind.startswith("text/"))]
    parts.append(_text(output.get("evalue")))
    parts += [_text(line) for line in _list(output.get("traceback"))]
    return b"\n".join(part for part in parts if part)


def _json(content: bytes) -> Any:  # Any: as above
    if len(content) > LARGEST:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _text(said: Any) -> bytes:  # Any: as above
    """A string, or a list of lines that keep their line ends."""
    lines = [said] if isinstance(said, str) else [line for line in _list(said) if isinstance(line, str)]
    return "".join(lines).encode("utf-8", "replace")


def _dict(said: Any) -> dict[str, Any]:  # Any: as above
    return said if isinstance(said, dict) else {}


def _list(said: Any) -> list[Any]:  # Any: as above
    return said if isinstance(said, list) else []
