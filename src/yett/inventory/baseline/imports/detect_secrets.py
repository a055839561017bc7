"""detect-secrets: .secrets.baseline (1.5, looked at in its output). It holds SHA-1 over each value, and no value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.inventory.baseline.imports.documents import child, json_documents, number, objects, word
from yett.inventory.baseline.imports.imported import Imported, digest

NAME = "detect-secrets"


def is_mine(document: Any) -> bool:  # Any: some tool's JSON
    return isinstance(child(document, "results"), dict) and isinstance(child(document, "plugins_used"), list)


def read(path: Path, text: str) -> Iterator[Imported]:
    """Raises ConfigurationError: it is not JSON."""
    for document in json_documents(path, text):
        for file, rows in (child(document, "results") or {}).items():
            for row in objects(rows):
                place = word(file), number(row.get("line_number"))
                yield Imported(
                    NAME, word(row.get("type")), *place, digest=digest(row.get("hashed_secret")), ignored=True
                )
