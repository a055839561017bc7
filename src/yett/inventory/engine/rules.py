"""All rows: those of the kinds files, and those of the providers' rooms, which come first."""

from __future__ import annotations

import hashlib
from pathlib import Path

from yett.inventory.engine.row import Row, leading
from yett.inventory.severity import Severity

_KINDS = Path(__file__).parent.parent / "kinds"
_ROOMS = Path(__file__).parents[2] / "providers"


def stamp() -> str:
    """What the rows are made from, in short: it changes when any declaration does."""
    digest = hashlib.sha256()
    for file in (*sorted(_KINDS.glob("*.toml")), *sorted(_ROOMS.glob("*/provider.toml"))):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def rows() -> tuple[Row, ...]:
    """Every row. Reads and checks all declarations, which takes a moment: `cache` keeps the outcome."""
    from yett.inventory.kinds import load_rules
    from yett.providers.book import ProviderBook

    found: list[Row] = []
    for room in ProviderBook.load().rooms:
        for kind in room.credentials:
            severity = Severity.CRITICAL if kind.broad else Severity.HIGH
            identity = "oauth-token" if kind.id.startswith("login") else "api-key"
            shared = {
                "kind": kind.id,
                "provider": room.name,
                "title": kind.title,
                "identity": identity,
                "severity": int(severity),
                "broad": kind.broad,
                "near": (),
                "entropy": 0.0,
                "checksum": "",
            }
            form = kind.value.pattern
            if kind.distinctive:
                found.append(Row(**shared, pattern=form, names=(), value="", anchors=leading(form)))  # type: ignore[arg-type]  # one dict for both
            if kind.names:
                found.append(Row(**shared, pattern="", names=kind.names, value=form, anchors=()))  # type: ignore[arg-type]  # as above
    for rule in load_rules():
        found.append(
            Row(
                kind=rule.id,
                provider=rule.provider,
                title=rule.title,
                identity=rule.identity,
                severity=int(rule.severity),
                broad=rule.broad,
                pattern=rule.pattern,
                near=tuple(word.lower() for word in rule.near),
                entropy=rule.entropy,
                checksum=rule.checksum,
                names=rule.names,
                value=rule.value,
                anchors=rule.prefixes or leading(rule.pattern),
            )
        )
    return tuple(found)
