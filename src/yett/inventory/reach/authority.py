"""verify -> authority: what a found credential can really do, asked of its provider with the credential itself.

Read-only, and only through the provider's own room: no room, no inspector or no answer means unknown, never little.
"""

from __future__ import annotations

from collections.abc import Iterable

from yett.inventory.finding import Finding
from yett.inventory.reach.blast import BlastRadius, blast_radius
from yett.inventory.reach.short import UNKNOWN
from yett.model.credential import Permission
from yett.model.errors import UpstreamFailed
from yett.model.provider import ApiClient, Inspector
from yett.model.resource import Resource, ResourceRef
from yett.providers.book import ProviderBook

_MOST_RESOURCES = 200
"""Resources whose backups are asked for; a credential that reaches more is bad enough."""


async def reach_of(finding: Finding, book: ProviderBook, api: ApiClient) -> BlastRadius:
    """The blast radius of a finding, with the backups of every resource that could be deleted."""
    room = book.named(finding.credential.provider)
    inspector = room.inspector() if room is not None else None
    if inspector is None:
        return blast_radius(finding.credential, UNKNOWN)
    try:
        secret = finding.value.text()
        authority = await inspector.authority(api, secret)
        resources = await _resources(inspector, api, secret, finding.credential.provider, authority.permissions)
    except (UpstreamFailed, ValueError):  # no answer, or a value that is no text
        return blast_radius(finding.credential, UNKNOWN)
    return blast_radius(finding.credential, authority, resources)


async def _resources(
    inspector: Inspector, api: ApiClient, secret: str, provider: str, permissions: Iterable[Permission]
) -> tuple[Resource, ...]:
    """What the provider says of each deletable thing. A kind that it cannot describe counts as without backups."""
    refs = [
        ResourceRef(provider, kind, id_)
        for kind, _, id_ in dict.fromkeys(p.resource.partition(":") for p in permissions if "elete" in p.actions)
        if id_
    ]
    return await inspector.resolve(api, secret, tuple(refs[:_MOST_RESOURCES])) if refs else ()
