"""`yett scan --staged` and `--pushed`: what a commit or a push would add. For hooks, so it starts in milliseconds.

Dispatched before typer is imported. Exit status 1 stops the commit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from yett.inventory.staged import Change, Leak, NoRepository, between, leaks, pushed, staged
from yett.model.visible import visible

_ASK = (
    "Take it out of the file and out of the index, keep it where agents get a placeholder (yett secret add),\n"
    "and make it anew at its issuer if it was ever pushed. If it is none: yett baseline add PATH --reason '...'"
)


def main(words: Sequence[str]) -> int:
    """Options: --staged, --pushed, --since REV, --json; all else is the full scan's, or a hook's file names."""
    try:
        found = list(_unaccepted(list(leaks(Path(), _changes(words)))))
    except NoRepository as error:
        print(f"yett: {error.what}\n      {error.remedy}", file=sys.stderr)
        return 2
    if "--json" in words:
        print(json.dumps([_record(leak) for leak in found], indent=1))
    elif found:
        _say(found)
    return 1 if found else 0


def _changes(words: Sequence[str]) -> list[Change]:
    if "--pushed" in words:
        return pushed(Path(), sys.stdin.read())
    if "--since" in words[:-1]:
        return between(Path(), words[words.index("--since") + 1])
    return staged(Path())


def _unaccepted(found: list[Leak]) -> list[Leak]:
    """Without what the repository's baseline accepts. Only read when there is something to accept."""
    path = Path(".yett/baseline.json")
    if not found or not path.exists():
        return found
    from yett.inventory.baseline import Baseline
    from yett.inventory.staged_findings import finding_of

    applied = Baseline.load(path).apply(finding_of(leak) for leak in found)
    return [leak for leak, finding in zip(found, applied.findings, strict=True) if finding.accepted is None]


def _say(found: Sequence[Leak]) -> None:
    count = "1 credential" if len(found) == 1 else f"{len(found)} credentials"
    print(f"yett: {count} would be committed\n", file=sys.stderr)
    for leak in found:
        where = f"{visible(leak.path, 160)}:{leak.line}"
        print(f"  {where}  {visible(_title(leak), 80)}", file=sys.stderr)
    print(f"\n{_ASK}", file=sys.stderr)


def _title(leak: Leak) -> str:
    issuer = f" ({leak.hit.provider})" if leak.hit.provider else ""
    return f"{leak.hit.title}{issuer}"


def _record(leak: Leak) -> dict[str, object]:
    hit = leak.hit
    return {"path": leak.path, "line": leak.line, "kind": hit.kind, "title": hit.title, "provider": hit.provider,
            "severity": hit.severity.word}  # fmt: skip
