"""`yett scan --staged` and `--pushed`: what a commit or a push would add. For hooks, so it starts in milliseconds.

Dispatched before typer is imported. Exit status 1 stops the commit, and so does every other but 0.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yett.inventory.changes.files import Change, NoRepository, Staged, pushed, top_of
from yett.model.errors import YettError
from yett.model.visible import visible

if TYPE_CHECKING:
    from yett.inventory.changes.staged import Leak

_ASK = (
    "Take it out of the file and out of the index, keep it where agents get a placeholder (yett secret add),\n"
    "and make it anew at its issuer if it was ever pushed. If it is none: yett baseline add PATH --reason '...'"
)
_MOST_SHOWN = 50
Clean = Callable[[str], str]
"""From a text to what of it may be said."""


def main(words: Sequence[str]) -> int:
    """Options: --staged, --pushed, --remote NAME, --json, --baseline FILE, --no-baseline; the full scan has others."""
    try:
        every = _leaks(_asked(words))
        found = _unaccepted(every, words)
    except YettError as error:
        print(f"yett: {_said(error.what)}\n      {_said(error.remedy)}", file=sys.stderr)
        return 2
    if not found:
        if "--json" in words:
            print("[]")
        return 0
    clean = _cleaner(every)
    if "--json" in words:
        import json

        print(json.dumps([_record(leak, clean) for leak in found], indent=1))
    else:
        _say(found, clean, "pushed" if "--pushed" in words else "committed")
    return 1


def _cleaner(every: Sequence[Leak]) -> Clean:
    """Names may hold a value, of these or of others. Only loaded when there is something to say."""
    from yett.inventory.engine import engine
    from yett.inventory.unsaid import Unsaid

    return Unsaid(engine(light=True), (leak.value for leak in every)).clean


def _said(text: str) -> str:
    """An error, for a terminal: it names files too."""
    return visible(_cleaner(())(text))


def _leaks(changes: Callable[[], list[Change]]) -> list[Leak]:
    """git has been asked and works while the engine is loaded."""
    from yett.inventory.changes.staged import leaks
    from yett.inventory.engine import engine

    detector = engine(light=True)
    return leaks(Path(), changes(), detector)


def _asked(words: Sequence[str]) -> Callable[[], list[Change]]:
    if "--since" in words:
        raise NoRepository("--since does not go with --staged or --pushed", "leave one of them out")
    if "--pushed" not in words:
        return Staged(Path()).changes
    return lambda: pushed(Path(), *_push(words))


def _push(words: Sequence[str]) -> tuple[str, str]:
    """(the lines of a pre-push hook, the remote's name).

    The pre-commit framework reads the lines itself and says in variables what it made of them; where the remote has no
    commit of it, PRE_COMMIT_FROM_REF is missing. By hand, on a terminal, it is HEAD that would be pushed.
    """
    remote = os.environ.get("PRE_COMMIT_REMOTE_NAME", "") or _option(words, "--remote")
    if "PRE_COMMIT" not in os.environ and not sys.stdin.isatty():
        return sys.stdin.read(), remote
    local = os.environ.get("PRE_COMMIT_TO_REF") or os.environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    there = os.environ.get("PRE_COMMIT_FROM_REF") or "0" * 40
    return f"{local} {local} there {there}\n", remote


def _unaccepted(found: list[Leak], words: Sequence[str]) -> list[Leak]:
    """Without what the repository's baseline accepts. Only read when there is something to accept."""
    if not found or "--no-baseline" in words:
        return found
    top = top_of(Path()) or Path()
    named = _option(words, "--baseline")
    path = Path(named) if named else top / ".yett/baseline.json"
    if not path.exists() and not named:
        return found
    from yett.inventory.baseline import Baseline
    from yett.inventory.changes.findings import finding_of

    applied = Baseline.load(path, top).apply(finding_of(leak) for leak in found)
    return [leak for leak, finding in zip(found, applied.findings, strict=True) if finding.accepted is None]


def _option(words: Sequence[str], name: str) -> str:
    """The word behind an option, or behind its =; "" without."""
    for at, word in enumerate(words):
        if word == name and at + 1 < len(words):
            return words[at + 1]
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return ""


def _say(found: Sequence[Leak], clean: Clean, done: str) -> None:
    count = "1 credential" if len(found) == 1 else f"{len(found)} credentials"
    print(f"yett: {count} would be {done}\n", file=sys.stderr)
    for leak in found[:_MOST_SHOWN]:
        commit = f" in {leak.commit[:10]}" if leak.commit else ""
        where = f"{visible(clean(leak.path), 160)}:{leak.line}{commit}"
        print(f"  {where}  {visible(clean(_title(leak)), 80)}: {_reach(leak)}", file=sys.stderr)
    if len(found) > _MOST_SHOWN:
        print(f"  and {len(found) - _MOST_SHOWN} more", file=sys.stderr)
    print(f"\n{_ASK}", file=sys.stderr)


def _title(leak: Leak) -> str:
    issuer = f" ({leak.hit.provider})" if leak.hit.provider else ""
    return f"{leak.hit.title}{issuer}"


def _reach(leak: Leak) -> str:
    """What it can do at most, as its rule says: whoever commits it should know before it is pushed."""
    from yett.inventory.reach.short import at_most_words
    from yett.inventory.severity import Severity

    return at_most_words(leak.hit.broad, leak.hit.severity >= Severity.CRITICAL)


def _record(leak: Leak, clean: Clean) -> dict[str, object]:
    hit = leak.hit
    return {"path": clean(leak.path), "line": leak.line, "kind": hit.kind, "title": clean(hit.title),
            "provider": hit.provider, "severity": hit.severity.word, "authority": _reach(leak),
            "commit": leak.commit}  # fmt: skip
