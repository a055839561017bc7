"""One question for each accepted finding that nobody has looked at, with the lines around it and without its value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from yett.cli import show
from yett.inventory.baseline import Baseline, Entry, rule_of
from yett.inventory.baseline.keys import path_of
from yett.inventory.engine import engine
from yett.inventory.finding import Finding
from yett.inventory.git import read_many
from yett.inventory.sources import read_text
from yett.inventory.unsaid import Unsaid
from yett.model.credential import Location
from yett.model.visible import visible

_AROUND = 2
_LONGEST_LINE = 160
_MASK = b"[masked]"
_SHORTEST = 6
"""A shorter value is masked where it was found only: it stands in ordinary words as well."""
_ASK = "[k]eep: no danger, [r]eject: it counts again, [s]kip, [q]uit"


class Audit:
    """A round of questions. Each answer is written at once, so that leaving loses nothing."""

    def __init__(self, baseline: Baseline, root: Path, findings: Sequence[Finding], person: str) -> None:
        self._baseline = baseline
        self._root = root
        self._findings = findings
        self._person = person
        self._clean = Unsaid(engine(), (finding.value.reveal() for finding in findings)).clean

    def run(self, waiting: Sequence[Entry]) -> None:
        found = self._located({entry.rule for entry in waiting})
        for number, entry in enumerate(waiting, 1):
            print(f"\n{number} of {len(waiting)}")
            if not self._ask(entry, found.get(entry.key)):
                break
        left = sum(not entry.audited for entry in self._baseline.entries)
        print(f"\n{left} left that nobody has looked at" if left else "\nSomebody has looked at everything now.")

    def _located(self, rules: set[str]) -> dict[tuple[str, str, str], tuple[Finding, Location]]:
        chosen = [finding for finding in self._findings if rule_of(finding) in rules]
        keys = self._baseline.keys
        keys.work_out(finding.value.reveal() for finding in chosen)
        return {
            (keys.fingerprint(finding.value.reveal()), rule_of(finding), path_of(at, self._root)): (finding, at)
            for finding in chosen
            for at in reversed(finding.credential.locations)
        }

    def _ask(self, entry: Entry, found: tuple[Finding, Location] | None) -> bool:
        """Whether to go on."""
        self._say(f"{entry.rule} in {entry.path}", f"  {entry.reason}{f', by {entry.by}' if entry.by else ''}")
        if found is None:
            print("  It is not found any more: yett baseline prune")
            return True
        finding, at = found
        self._say(f"  {finding.severity.word}: {finding.title}{f' of {finding.account}' if finding.account else ''}")
        show.lines(f"    {line}" for line in self.context(at))
        match typer.prompt(_ASK, default="s", show_default=False).strip().lower()[:1]:
            case "k":
                reason = typer.prompt(
                    "Why is it no danger? (empty: as above)", default=entry.reason, show_default=False
                )
                kept = replace(entry, reason=reason, audited=True, by=self._person)
                self._write(self._baseline.including([kept]))
            case "r":
                self._write(self._baseline.without([entry]))
            case "q":
                return False
        return True

    def _say(self, *lines: str) -> None:
        """A path, a login or a reason may be a credential itself."""
        show.lines(map(self._clean, lines))

    def _write(self, baseline: Baseline) -> None:
        self._baseline = baseline
        baseline.write()

    def context(self, at: Location) -> list[str]:
        """The lines around a place with every value that was found masked; nothing of a variable or an archive."""
        content = self._content(at)
        if not content or at.start < 0:
            return []
        lines = self._masked(content, at).decode("utf-8", "replace").split("\n")
        line = content.count(b"\n", 0, at.start)
        first = max(0, line - _AROUND)
        return [
            f"{number:>5}{'>' if number == line + 1 else ' '} {visible(text, _LONGEST_LINE)}"
            for number, text in enumerate(lines[first : line + _AROUND + 1], first + 1)
        ]

    def _content(self, at: Location) -> bytes:
        if at.source == "history":
            return next((body for _, _, body in read_many(self._root, [at.object_id])), b"") if at.object_id else b""
        return b"" if at.source == "variable" else read_text(at.path) or b""

    def _masked(self, content: bytes, at: Location) -> bytes:
        """Line by line the same: the line ends within a value stay."""
        here = [
            other
            for finding in self._findings
            for other in finding.credential.locations
            if (other.source, other.path, other.object_id) == (at.source, at.path, at.object_id)
        ]
        masked = _without(content, ((other.start, other.end) for other in here))
        for finding in self._findings:
            value = finding.value.reveal()
            if len(value) >= _SHORTEST and value in masked:
                masked = masked.replace(value, _MASK + b"\n" * value.count(b"\n"))
        return masked


def _without(content: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    parts, done = [], 0
    for start, end in sorted(spans):
        start = max(start, done)
        if start < end:
            parts += [content[done:start], _MASK, b"\n" * content.count(b"\n", start, end)]
            done = end
    return b"".join([*parts, content[done:]])
