"""Do attempts one after another, each with one JSON line; a token that an answer holds is not printed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

from .attempts import Attempt, listed
from .attempts.outcome import REFUSED, Result
from .targets import Targets

SHOWN = 600


def chosen(targets: Targets, only: Path | None, names: Iterable[str]) -> list[tuple[str, Attempt]]:
    """Return the attempts to make: those whose name starts with one of `names` or of the file's lines; else all."""
    wanted = [*names, *(only.read_text().splitlines() if only else ())]
    wanted = [name.strip() for name in wanted if name.strip()]
    return [(name, attempt) for name, attempt in listed(targets) if not wanted or name.startswith(tuple(wanted))]


def make(targets: Targets, attempts: Iterable[tuple[str, Attempt]]) -> int:
    """Make the attempts; return how many of them got what they wanted."""
    raw, succeeded = targets.raw(), 0
    for name, attempt in attempts:
        began = time.monotonic()
        result = _safely(attempt)
        succeeded += result.outcome == "done"
        body = result.body.replace(raw, "(the token)") if raw else result.body
        line = {
            "attempt": name,
            "outcome": result.outcome,
            "status": result.status,
            "seconds": round(time.monotonic() - began, 3),
            "body": body[:SHOWN],
        }
        print(json.dumps(line), flush=True)
    return succeeded


def _safely(attempt: Attempt) -> Result:
    """Make one attempt; a failure of the script itself is an outcome too, named so, and the next one follows."""
    try:
        return attempt()
    except Exception as error:  # noqa: BLE001  # one broken attempt must not end the list
        return Result(REFUSED, -1, f"the attempt itself broke: {type(error).__name__}: {error}")
