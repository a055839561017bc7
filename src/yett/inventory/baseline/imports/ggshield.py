"""ggshield: `secret scan --json` (fields as its 1.5x schemas declare them), the ignored matches of .gitguardian.yaml.

Values are masked unless it ran with --show-secrets; the `ignore_sha` is SHA-256 over "value,type" of every match of a
secret, so one of a single match can be compared without the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.inventory.baseline.imports.documents import child, json_documents, number, objects, word, yaml_document
from yett.inventory.baseline.imports.imported import Imported, digest, unmasked

NAME = "ggshield"
_TYPES = ("apikey", "api_key", "client_secret", "password", "token", "secret", "private_key", "connection_uri", "uri")
_ENDINGS = ("", *(f",{each}" for each in _TYPES))
_DEEPEST = 20


def is_mine(document: Any) -> bool:  # Any: some tool's JSON
    return child(document, "total_occurrences") is not None and child(document, "total_incidents") is not None


def read(path: Path, text: str) -> Iterator[Imported]:
    """Raises ConfigurationError: it is not JSON."""
    for document in json_documents(path, text):
        yield from _scan(document, 0)


def ignored(path: Path, text: str) -> Iterator[Imported]:
    """`secret.ignored_matches` of version 2, `matches_ignore` of version 1: each is a hash or the value itself."""
    settings = yaml_document(path, text)
    listed = child(settings, "secret", "ignored_matches") or child(settings, "matches_ignore")
    for row in objects([{"match": each} if isinstance(each, str) else each for each in listed or ()]):
        told = row.get("match")
        sha = digest(told)
        value = None if sha else unmasked(told)
        if sha or value:
            yield Imported(NAME, "", "", value=value, digest=sha, endings=_ENDINGS, ignored=True)


def _scan(scan: Any, depth: int) -> Iterator[Imported]:  # Any: JSON
    """Scans nest: a repository's is one of commits."""
    for entity in objects(child(scan, "entities_with_incidents")):
        for incident in objects(entity.get("incidents")):
            yield from _incident(word(entity.get("filename")), incident)
    if depth < _DEEPEST:
        for inner in objects(child(scan, "scans")):
            yield from _scan(inner, depth + 1)


def _incident(path: str, incident: dict[str, Any]) -> Iterator[Imported]:  # Any: JSON
    """Each unmasked match by its value; a masked secret once, by its hash and its first line."""
    matches = list(objects(incident.get("occurrences")))
    rule, sha = word(incident.get("type")), digest(incident.get("ignore_sha"))
    told = [(match, unmasked(match.get("match"))) for match in matches]
    for match, value in told:
        if value is not None:
            yield Imported(NAME, rule, path, number(match.get("line_start")), value=value)
    if matches and all(value is None for _, value in told):
        endings = ("", *(f",{word(match.get('type'))}" for match in matches))
        line = number(matches[0].get("line_start"))
        yield Imported(NAME, rule, path, line, digest=sha, endings=tuple(dict.fromkeys(endings)))
