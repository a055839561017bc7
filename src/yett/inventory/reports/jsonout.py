"""One JSON document for programs. Fields are only ever added under one `schema_version`."""

from __future__ import annotations

import json

from yett.inventory.mcp_offers import mcp_offers
from yett.inventory.outcome import Outcome
from yett.inventory.reports.headline import headline
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.leak_rates import rate_records
from yett.inventory.scan import rooms

SCHEMA_VERSION = 1


def render(outcome: Outcome, layout: Layout) -> str:
    """Findings of every severity, the worst first; the accepted ones, marked, at the end."""
    accepted = [finding for finding in outcome.findings if finding.accepted is not None]
    document = {
        "schema_version": SCHEMA_VERSION,
        "targets": list(outcome.targets),
        "headline": headline(outcome),
        "stats": {
            "findings": len(outcome.findings),
            "open": len(outcome.open),
            "accepted": len(accepted),
            "unread": len(outcome.unread),
            "files": outcome.files,
            "blobs": outcome.blobs,
            "bytes": outcome.read,
            "seconds": round(outcome.seconds, 3),
        },
        "findings": [finding.as_record() for finding in (*outcome.open, *accepted)],
        "mcp": [offer.as_record() for offer in (mcp_offers(outcome.open, rooms()) if outcome.open else ())],
        "unread": [{"what": each.what, "why": each.why} for each in outcome.unread],
        "baseline": list(layout.remarks),
        "leak_rates": rate_records(layout.rates),
    }
    return json.dumps(document, indent=1) + "\n"
