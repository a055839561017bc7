"""What found credentials can really do: asked of their providers, because someone asked for it (A1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from yett.daemon.channel import Message
from yett.daemon.masking import scan
from yett.daemon.plane import Plane
from yett.inventory.reach.authority import reach_of
from yett.inventory.reach.blast import gap
from yett.inventory.reach.drawing import blast_svg
from yett.inventory.reach.words import blast_text, gap_text


async def blast(plane: Plane, request: Message) -> AsyncIterator[Message]:
    """Per finding of the workspace: authority, blast radius as text and SVG, and the gap to its purpose."""
    workspace, purpose = Path(str(request["path"])), str(request.get("purpose", ""))
    environ = {str(k): str(v) for k, v in dict(request.get("environ", {})).items()}
    found = await asyncio.to_thread(scan, plane.keys, plane.book, workspace, environ)
    rows = []
    for finding in found:
        if plane.book.named(finding.credential.provider) is None:
            continue
        yield {"progress": f"asking {finding.credential.provider} what the {finding.title} can do"}
        reach = await reach_of(finding, plane.book, plane.api)
        said = blast_text(reach) + (gap_text(gap(reach.authority, purpose)) if purpose else "")
        kind = reach.authority.kind
        row = {
            **finding.as_record(),
            "authority": kind,
            "known": reach.authority.known,
            "blanket": reach.authority.blanket,
        }
        rows.append({**row, "text": said, "svg": blast_svg(reach)})
    yield {"found": rows}


PROGRESS = {"blast": blast}
