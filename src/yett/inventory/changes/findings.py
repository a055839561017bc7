"""A staged credential as a finding, for whoever compares it with a baseline."""

from __future__ import annotations

from yett.inventory.changes.staged import Leak
from yett.inventory.finding import Finding
from yett.model.credential import Credential, Location
from yett.model.secret import Secret


def finding_of(leak: Leak) -> Finding:
    """Without a fingerprint: the baseline makes its own of the value."""
    at = Location("file", leak.path, leak.line, start=leak.hit.start, end=leak.hit.end)
    credential = Credential("", leak.hit.provider, leak.hit.kind, (at,))
    return Finding(credential, Secret(leak.value), leak.hit.title, leak.hit.broad, severity=leak.hit.severity)
