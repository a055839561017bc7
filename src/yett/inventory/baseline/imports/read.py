"""Which tool wrote a file, and its records."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

from yett.inventory.baseline.imports import detect_secrets, ggshield, gitleaks, kingfisher, sarif_log, trufflehog
from yett.inventory.baseline.imports.documents import MOST, json_documents, text_of
from yett.inventory.baseline.imports.imported import Imported
from yett.inventory.baseline.storage import broken

TOOLS = ("gitleaks", "trufflehog", "kingfisher", "ggshield", "detect-secrets", "any scanner's SARIF")


class Reader(Protocol):
    """A module of this package."""

    def is_mine(self, document: object) -> bool: ...
    def read(self, path: Path, text: str) -> Iterator[Imported]: ...


_READERS: tuple[Reader, ...] = (sarif_log, kingfisher, gitleaks, trufflehog, ggshield, detect_secrets)


def read_report(path: Path) -> list[Imported]:
    """By its name for lists of what to ignore, by its content for reports. At most 100,000 records.

    Raises:
        ConfigurationError: no such file, no tool's that is known, or broken; names the line.
    """
    text = text_of(path)
    return list(islice(_records(path, text), MOST))


def _records(path: Path, text: str) -> Iterator[Imported]:
    if path.name == ".gitleaksignore":
        return gitleaks.ignored(path, text)
    if path.name.startswith(".gitguardian.y"):
        return ggshield.ignored(path, text)
    documents = json_documents(path, text)
    if documents == [[]]:  # gitleaks and others, having found nothing
        return iter(())
    for reader in _READERS:
        if any(reader.is_mine(document) for document in documents):
            return reader.read(path, text)
    raise broken(path, 0, f"no scanner that is known wrote it ({', '.join(TOOLS)})")
