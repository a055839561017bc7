"""gitleaks: its JSON report (an array; fields as its report template documents them), .gitleaksignore, .gitleaks.toml.

SARIF is read by `sarif_log`. Of the settings only `paths` of allow-lists can be taken over, where the regex is a plain
path: their `regexes` and `stopwords` allow values nobody has looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.inventory.baseline.imports.documents import json_documents, number, objects, toml_document, word
from yett.inventory.baseline.imports.imported import Imported, unmasked

NAME = "gitleaks"
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_PLAIN = re.compile(r"(?:[A-Za-z0-9_/ -]|\\[./-]|\.\*\??)+")


def is_mine(document: Any) -> bool:  # Any: some tool's JSON
    first = next(objects(document), None)
    return first is not None and "RuleID" in first


def read(path: Path, text: str) -> Iterator[Imported]:
    """Raises ConfigurationError: it is not JSON."""
    for document in json_documents(path, text):
        for row in objects(document):
            secret = unmasked(row.get("Secret"))
            place = word(row.get("File")), number(row.get("StartLine")), word(row.get("Commit"))
            yield Imported(NAME, word(row.get("RuleID")), *place, secret)


def ignored(_path: Path, text: str) -> Iterator[Imported]:
    """.gitleaksignore: `commit:file:rule:line` or `file:rule:line`, # for comments."""
    for line in text.splitlines():
        entry = line.partition("#")[0].strip()
        parts = entry.rsplit(":", 2)
        if len(parts) == 3 and number(parts[2]):
            commit, colon, rest = parts[0].partition(":")
            if not colon or not _COMMIT.fullmatch(commit):
                commit, rest = "", parts[0]
            yield Imported(NAME, parts[1], rest, number(parts[2]), commit, ignored=True)


def allowed_paths(path: Path, text: str) -> tuple[list[str], list[str]]:
    """(globs, regexes that are no plain path) of every allow-list in a .gitleaks.toml.

    Raises:
        ConfigurationError: it is not TOML.
    """
    settings = toml_document(path, text)
    tables = [settings.get("allowlist"), *objects(settings.get("allowlists"))]
    patterns = [each for table in tables if isinstance(table, dict) for each in _texts(table.get("paths"))]
    made = [(pattern, _glob(pattern)) for pattern in dict.fromkeys(patterns)]
    return [glob for _, glob in made if glob], [pattern for pattern, glob in made if not glob]


def _texts(value: object) -> list[str]:
    return [word(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _glob(pattern: str) -> str:
    """A regex of letters, escaped dots and `.*` as a glob of ours; "" where it says more than that."""
    body = pattern.removeprefix("(?i)").removeprefix("^").removesuffix("$")
    if not _PLAIN.fullmatch(body):
        return ""
    plain = re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\.\*\??", "\0", body)).strip("/")
    if "\0" in plain.replace("/\0", "").replace("\0/", ""):
        return ""  # `.*` within a name: it may cross folders there, and our * does not
    glob = plain.replace("\0", "**")
    before = "" if pattern.startswith("^") else "**/"
    after = "" if pattern.endswith("$") or glob.endswith("**") else "/**"
    return f"{before}{glob}{after}"
