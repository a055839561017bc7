"""An outcome without the values that stand in the texts about it: a file named like a key, a login that is a token.

Whoever names files, accounts and authors may put a credential there; every report is made from what is left.
"""

from __future__ import annotations

from dataclasses import replace

from yett.inventory.engine import engine
from yett.inventory.finding import Acceptance, Finding
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.reports.layout import Layout
from yett.inventory.unsaid import Unsaid
from yett.model.credential import Authority


def unspoken(outcome: Outcome, layout: Layout) -> tuple[Outcome, Layout]:
    """The same; of what people read in it, no part is a value."""
    texts = Unsaid(engine(), (finding.value.reveal() for finding in outcome.findings))
    said = replace(
        outcome,
        findings=tuple(_finding(finding, texts) for finding in outcome.findings),
        unread=tuple(Unread(texts.clean(each.what), texts.clean(each.why)) for each in outcome.unread),
        targets=tuple(map(texts.clean, outcome.targets)),
    )
    return said, replace(
        layout,
        remarks=tuple(map(texts.clean, layout.remarks)),
        rates=tuple(replace(rate, agent=texts.clean(rate.agent)) for rate in layout.rates),
    )


def _finding(finding: Finding, texts: Unsaid) -> Finding:
    credential = finding.credential
    locations = tuple(
        replace(at, path=path) if (path := texts.clean(at.path)) != at.path else at for at in credential.locations
    )
    return replace(
        finding,
        credential=replace(credential, locations=locations, owner=texts.clean(credential.owner)),
        account=texts.clean(finding.account),
        title=texts.clean(finding.title),
        accepted=_acceptance(finding.accepted, texts),
        authority=_authority(finding.authority, texts),
    )


def _acceptance(accepted: Acceptance | None, texts: Unsaid) -> Acceptance | None:
    if accepted is None:
        return None
    return replace(accepted, reason=texts.clean(accepted.reason), by=texts.clean(accepted.by))


def _authority(authority: Authority | None, texts: Unsaid) -> Authority | None:
    """An issuer says names that somebody gave."""
    if authority is None:
        return None
    return replace(
        authority,
        kind=texts.clean(authority.kind),
        identity=texts.clean(authority.identity),
        permissions=tuple(
            replace(each, resource_name=texts.clean(each.resource_name)) for each in authority.permissions
        ),
    )
