"""Another scanner's records, joined with what this scan found."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from yett.inventory.baseline.baseline import Baseline
from yett.inventory.baseline.entry import Allow, BadEntry, Entry
from yett.inventory.baseline.imports import gitleaks
from yett.inventory.baseline.imports.documents import text_of
from yett.inventory.baseline.imports.imported import Imported
from yett.inventory.baseline.keys import path_of, paths_of, rule_of
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import Fingerprints
from yett.model.credential import Credential, Location
from yett.model.errors import ConfigurationError

_SAY_NOTHING = frozenset({"token", "key", "secret", "api", "access", "generic", "password", "the", "string", "of", "a"})
Placed = tuple[Finding, list[str]]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """`baseline` with the new, unaudited entries; `unmatched` are records of which this scan found nothing."""

    baseline: Baseline
    added: int
    unmatched: tuple[Imported, ...]


def take_over(
    imported: Iterable[Imported],
    findings: Iterable[Finding],
    baseline: Baseline,
    *,
    until: str = "",
    by: str = "",
    today: date | None = None,
) -> TakenOver:
    """Accept, unaudited, what this scan found too: by value where the record tells it, else by path and line or issuer.

    Entries that are there already stay as they are: an import takes nobody's audit away.
    """
    search = _Search(findings, baseline.root)
    chosen: dict[tuple[str, str, str], Entry] = {}
    unmatched = []
    added = (today or date.today()).isoformat()
    for record in imported:
        pairs = search.places(record)
        if not pairs:
            unmatched.append(record)
        for finding, path in pairs:
            fingerprint = baseline.keys.fingerprint(finding.value.reveal())
            made = Entry(fingerprint, rule_of(finding), path, record.reason, until, by, audited=False, added=added)
            chosen.setdefault(made.key, made)
    known = {entry.key for entry in baseline.entries}
    new = [entry for key, entry in chosen.items() if key not in known]
    return TakenOver(baseline.including(new), len(new), tuple(unmatched))


def as_findings(imported: Iterable[Imported], keys: Fingerprints) -> list[Finding]:
    """Those records that hold the value, as findings of ours; one for each value, with all its places."""
    found: dict[bytes, Finding] = {}
    for record in imported:
        if record.value is None or not record.path:
            continue
        value = record.value.reveal()
        at = Location("history" if record.commit else "file", record.path, record.line, record.commit)
        if value in found:
            found[value] = found[value].also_at((at,))
            continue
        kind = f"{record.tool}-{record.rule}".lower().replace(" ", "-")[:120]
        credential = Credential(keys.fingerprint(value), "", kind, (at,))
        found[value] = Finding(credential, record.value, f"{record.rule} (found by {record.tool})"[:200])
    return list(found.values())


def gitleaks_allows(path: Path, until: str) -> tuple[list[Allow], list[str]]:
    """(path rules of a .gitleaks.toml, its path regexes that cannot be taken over). Path-wide, so `until` is required.

    Raises:
        ConfigurationError: it is not TOML, or `until` is no day.
    """
    globs, left = gitleaks.allowed_paths(path, text_of(path))
    try:
        return [Allow(glob, "*", "taken over from .gitleaks.toml", until=until) for glob in globs], left
    except BadEntry as error:
        raise ConfigurationError(f"paths cannot be allowed: {error}", "Say until when, like 2031-12-31.") from None


class _Search:
    """This scan's findings by path, to be asked for each record."""

    def __init__(self, findings: Iterable[Finding], root: Path) -> None:
        self._root = root
        self._every: list[Placed] = [(finding, paths_of(finding, root)) for finding in findings]
        self._by_path: dict[str, list[Finding]] = {}
        for finding, paths in self._every:
            for path in paths:
                self._by_path.setdefault(path, []).append(finding)
        self._by_value = {finding.value.reveal(): (finding, paths) for finding, paths in self._every}

    def places(self, record: Imported) -> list[tuple[Finding, str]]:
        if not record.path:
            return [(finding, path) for finding, paths in self._valued(record) for path in paths]
        path = self._path(record.path)
        there = self._by_path.get(path, [])
        if record.tells_value:
            same = [finding for finding in there if record.is_of(finding.value.reveal())]
            if same or record.value is not None:
                return [(finding, path) for finding in same]
        return [(finding, path) for finding in self._placed(record, path, there)]

    def _valued(self, record: Imported) -> list[Placed]:
        """For a value that is ignored everywhere. Looked up where possible: a report may have very many."""
        if record.value is not None:
            known = self._by_value.get(record.value.reveal())
            return [known] if known else []
        return [(finding, paths) for finding, paths in self._every if record.is_of(finding.value.reveal())]

    def _placed(self, record: Imported, path: str, there: Sequence[Finding]) -> list[Finding]:
        """Nothing but the place is known: the same line, or the one finding there of the issuer that the rule names."""
        same_line = [finding for finding in there if record.line and record.line in _lines(finding, path, self._root)]
        if len(same_line) == 1:
            return same_line
        issuer = [finding for finding in there if _words(record.rule) & _words(rule_of(finding))]
        return issuer if len(issuer) == 1 else []

    def _path(self, told: str) -> str:
        """As a baseline names it: other tools say ./a, or the whole path."""
        plain = str(PurePosixPath(os.path.normpath(told)))
        return path_of(Location("file", plain), self._root)


def _lines(finding: Finding, path: str, root: Path) -> set[int]:
    return {at.line for at in finding.credential.locations if path_of(at, root) == path}


def _words(rule: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", rule.lower())) - _SAY_NOTHING
