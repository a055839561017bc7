"""Kingfisher: --format json, jsonl (2.14, looked at in its output). SARIF is read by `sarif_log`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.inventory.baseline.imports.documents import child, json_documents, number, objects, word
from yett.inventory.baseline.imports.imported import Imported, unmasked

NAME = "kingfisher"


def is_mine(document: Any) -> bool:  # Any: some tool's JSON
    """One JSON document with `findings`, or a line {rule, finding}. Also where nothing was found."""
    return isinstance(child(document, "finding"), dict) or (
        isinstance(child(document, "findings"), list) and child(document, "metadata", "kingfisher_version") is not None
    )


def read(path: Path, text: str) -> Iterator[Imported]:
    """Raises ConfigurationError: it is not JSON."""
    for document in json_documents(path, text):
        rows = [document] if child(document, "finding") else objects(child(document, "findings"))
        for row in rows:
            yield _imported(row)


def _imported(row: Any) -> Imported:  # Any: JSON
    found = child(row, "finding")
    return Imported(
        NAME,
        word(child(row, "rule", "id")),
        word(child(found, "git_metadata", "file", "path")) or word(child(found, "path")),
        number(child(found, "line")),
        word(child(found, "git_metadata", "commit", "id")),
        unmasked(child(found, "snippet")),
    )
