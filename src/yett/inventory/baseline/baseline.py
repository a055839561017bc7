"""A baseline in memory: apply it to findings, add to it, write it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from yett.inventory.baseline import storage
from yett.inventory.baseline.applied import Applied, Elsewhere
from yett.inventory.baseline.entry import Allow, BadEntry, Entry, day, expired
from yett.inventory.baseline.globs import matches
from yett.inventory.baseline.keys import paths_of, rule_of
from yett.inventory.baseline.stretched import Stretched
from yett.inventory.finding import Acceptance, Finding
from yett.model.errors import ConfigurationError

USUAL = Path(".yett") / "baseline.json"


@dataclass(frozen=True, slots=True)
class Baseline:
    """`root` is the folder that its paths are relative to: the repository's top."""

    path: Path
    root: Path
    entries: tuple[Entry, ...] = ()
    allows: tuple[Allow, ...] = ()
    keys: Stretched = field(default_factory=Stretched.fresh)

    @classmethod
    def load(cls, path: Path, root: Path | None = None) -> Baseline:
        """An empty one with a fresh salt where there is no file. `root`: above .yett, unless told.

        Raises:
            ConfigurationError: it is not a baseline; names file and line.
        """
        path = path.absolute()
        top = (root or path.parent.parent).absolute()
        found = storage.read(path)
        if found is None:
            return cls(path, top)
        return cls(path, top, found.entries, found.allows, Stretched(found.salt))

    def apply(self, findings: Iterable[Finding], today: date | None = None) -> Applied:
        """Mark as accepted those that are covered at every path where they lie. What lies in one place more is open."""
        return _Application(self, today or date.today()).run(tuple(findings))

    def add(
        self,
        findings: Iterable[Finding],
        reason: str,
        *,
        until: str = "",
        by: str = "",
        audited: bool = True,
        today: date | None = None,
    ) -> Baseline:
        """With these findings accepted wherever they lie; an entry that is there already is written anew.

        Raises:
            ConfigurationError: no reason, or `until` is no day.
        """
        chosen = tuple(findings)
        self.keys.work_out(finding.value.reveal() for finding in chosen)
        added = (today or date.today()).isoformat()
        try:
            new = [
                Entry(self.keys.fingerprint(finding.value.reveal()), rule, path, reason, until, by, audited, added)
                for finding in chosen
                for rule in (rule_of(finding),)
                for path in paths_of(finding, self.root)
            ]
        except BadEntry as error:
            raise ConfigurationError(f"this cannot be accepted: {error}", "Say why, and until when.") from None
        return self.including(new)

    def including(self, new: Iterable[Entry]) -> Baseline:
        """Later entries replace earlier ones of the same key."""
        merged = {entry.key: entry for entry in (*self.entries, *new)}
        return replace(self, entries=tuple(merged.values()))

    def allowing(self, allow: Allow) -> Baseline:
        return replace(self, allows=(*self.allows, allow))

    def without(self, gone: Iterable[Entry | Allow]) -> Baseline:
        """Without these, as `Applied.stale` names them."""
        left = set(gone)
        kept = tuple(entry for entry in self.entries if entry not in left)
        return replace(self, entries=kept, allows=tuple(allow for allow in self.allows if allow not in left))

    def write(self) -> None:
        """Raises ConfigurationError: it cannot be written there."""
        storage.write(self.path, storage.Contents(self.keys.salt, self.entries, self.allows))


class _Application:
    """One run of a baseline over one scan's findings."""

    def __init__(self, baseline: Baseline, today: date) -> None:
        self._baseline = baseline
        self._today = today
        self._by_key = {entry.key: entry for entry in baseline.entries}
        self._paths: dict[tuple[str, str], list[str]] = {}
        for entry in baseline.entries:
            self._paths.setdefault((entry.fingerprint, entry.rule), []).append(entry.path)
        self._rules = {entry.rule for entry in baseline.entries}
        self._matched: set[Entry | Allow] = set()
        self._elsewhere: list[Elsewhere] = []

    def run(self, findings: tuple[Finding, ...]) -> Applied:
        self._baseline.keys.work_out(each.value.reveal() for each in findings if self._is_keyed(rule_of(each)))
        marked = tuple(self._marked(finding) for finding in findings)
        every: tuple[Entry | Allow, ...] = (*self._baseline.entries, *self._baseline.allows)
        ended = tuple(each for each in every if each in self._matched and expired(each.until, self._today))
        stale = tuple(each for each in every if each not in self._matched)
        return Applied(marked, ended, stale, tuple(self._elsewhere))

    def _is_keyed(self, rule: str) -> bool:
        """Whether any entry could name such a credential: a fingerprint takes 25 ms."""
        return rule in self._rules or any(
            allow.fingerprint and matches(allow.rule, rule) for allow in self._baseline.allows
        )

    def _marked(self, finding: Finding) -> Finding:
        rule = rule_of(finding)
        keyed = self._is_keyed(rule)
        fingerprint = self._baseline.keys.fingerprint(finding.value.reveal()) if keyed else ""
        paths = paths_of(finding, self._baseline.root)
        covers = [self._cover(fingerprint, rule, path) for path in paths]
        found = [cover for cover in covers if cover is not None]
        if found and len(found) == len(covers):
            return replace(finding, accepted=_weakest(found))
        self._hint(finding, (fingerprint, rule), [p for p, cover in zip(paths, covers, strict=True) if cover is None])
        return finding

    def _cover(self, fingerprint: str, rule: str, path: str) -> Acceptance | None:
        """The entry's or the allow-list's word for that path, if it still counts. Notes all that match."""
        entry = self._by_key.get((fingerprint, rule, path))
        matching: list[Entry | Allow] = [entry] if entry is not None else []
        matching += [
            allow
            for allow in self._baseline.allows
            if allow.fingerprint in ("", fingerprint) and allow.covers(rule, path)
        ]
        self._matched.update(matching)
        return next((each.acceptance for each in matching if not expired(each.until, self._today)), None)

    def _hint(self, finding: Finding, key: tuple[str, str], uncovered: Sequence[str]) -> None:
        """The same credential under another path: moved, or copied. The paths of ended entries are no hint."""
        others = [path for path in self._paths.get(key, ()) if path not in uncovered]
        if others:
            self._elsewhere.append(Elsewhere(finding, tuple(others), tuple(uncovered)))


def _weakest(covers: Sequence[Acceptance]) -> Acceptance:
    """The word that is first to go speaks for all; unaudited if any is."""
    first = min(covers, key=lambda cover: day(cover.until))
    return replace(first, audited=all(cover.audited for cover in covers))
