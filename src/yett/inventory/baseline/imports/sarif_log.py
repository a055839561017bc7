"""SARIF 2.1.0 of any scanner. The snippet is the secret itself (gitleaks, Kingfisher) or masked (ggshield)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from yett.inventory.baseline.imports.documents import child, json_documents, number, objects, word
from yett.inventory.baseline.imports.imported import Imported, unmasked


def is_mine(document: Any) -> bool:  # Any: some tool's JSON
    return isinstance(child(document, "runs"), list) and word(child(document, "version")).startswith("2.1")


def read(path: Path, text: str) -> Iterator[Imported]:
    """Raises ConfigurationError: it is not JSON."""
    for document in json_documents(path, text):
        for run in objects(child(document, "runs")):
            tool = word(child(run, "tool", "driver", "name")).lower() or "another scanner"
            for result in objects(run.get("results")):
                yield from _result(tool, result)


def _result(tool: str, result: dict[str, Any]) -> Iterator[Imported]:  # Any: JSON
    commit = word(child(result, "partialFingerprints", "commitSha"))
    for location in objects(result.get("locations")):
        physical, meta = location.get("physicalLocation"), child(location, "properties", "git_metadata")
        yield Imported(
            tool,
            word(result.get("ruleId")),
            unquote(word(child(physical, "artifactLocation", "uri"))).removeprefix("file://"),
            number(child(physical, "region", "startLine")),
            commit or word(child(meta, "commit", "id")),
            unmasked(child(physical, "region", "snippet", "text")),
        )
