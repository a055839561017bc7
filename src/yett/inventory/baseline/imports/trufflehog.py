"""TruffleHog: --json, one result a line between lines of its log; fields as its pkg/output/json.go writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.inventory.baseline.imports.documents import child, json_documents, number, word
from yett.inventory.baseline.imports.imported import Imported, unmasked

NAME = "trufflehog"


def is_mine(document: Any) -> bool:  # Any: some tool's JSON
    return isinstance(child(document, "DetectorName"), str)


def read(path: Path, text: str) -> Iterator[Imported]:
    """Raises ConfigurationError: there is no JSON in it."""
    for document in json_documents(path, text):
        if is_mine(document):
            yield _imported(document)


def _imported(row: Any) -> Imported:  # Any: JSON
    """`SourceMetadata.Data` has one member named by the source: Git, Filesystem, Github, ..."""
    sources = child(row, "SourceMetadata", "Data")
    at = next((each for each in sources.values() if isinstance(each, dict)), {}) if isinstance(sources, dict) else {}
    place = word(at.get("file")), number(at.get("line")), word(at.get("commit"))
    return Imported(NAME, word(row.get("DetectorName")), *place, unmasked(row.get("Raw")))
