"""One finding a line, for programs that read as it comes. What could not be read is a line of its own sort."""

from __future__ import annotations

import json

from yett.inventory.outcome import Outcome
from yett.inventory.reports.layout import Layout


def render(outcome: Outcome, _layout: Layout) -> str:
    """Lines {"type": "finding", ...}, then lines {"type": "unread", "what", "why"}."""
    accepted = (finding for finding in outcome.findings if finding.accepted is not None)
    lines = [{"type": "finding", **finding.as_record()} for finding in (*outcome.open, *accepted)]
    lines += [{"type": "unread", "what": each.what, "why": each.why} for each in outcome.unread]
    return "".join(json.dumps(line) + "\n" for line in lines)
