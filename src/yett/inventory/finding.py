"""A credential that was found: what it is, where it lies, and its value, which stays in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from yett.inventory.reach.short import ENDED_WORDS, authority_words, is_documented
from yett.inventory.severity import Severity
from yett.model.credential import Authority, Credential, Location
from yett.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Why a finding does not count: who said so, and until when (ISO date, "" for ever).

    `audited` False: it was taken over in bulk and nobody has looked at it; such a one is shown every time.
    """

    reason: str
    until: str = ""
    by: str = ""
    audited: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """`title` is for people. `position` is where a placeholder for it works, "" for the room's first.

    `identity` is the kind of non-human identity (api-key, oauth-client, service-account, ...), `account` whom it logs
    in where ("deploy@db.example"), `since` when it was first there (unix seconds, 0 unknown), `environment` what its
    place or name says (a hint for people, never for a decision), `authority` what it can do (None: nobody looked).
    """

    credential: Credential
    value: Secret
    title: str
    broad: bool = False
    position: str = ""
    severity: Severity = Severity.HIGH
    identity: str = ""
    account: str = ""
    since: float = 0.0
    environment: str = ""
    live: str = ""
    accepted: Acceptance | None = None
    authority: Authority | None = None

    @property
    def reach(self) -> str:
        """What it can do, in a few words; "" where nobody looked."""
        if self.authority is None:
            return ""
        return ENDED_WORDS if self.live == "dead" else authority_words(self.authority)

    @property
    def where(self) -> str:
        """The places in short: file:line, commit, variable."""
        places = [place_words(location) for location in self.credential.locations]
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        return ", ".join(places[:3]) + more

    @property
    def rank(self) -> tuple[int, int, str, int, int, str]:
        """What findings are sorted by: the worst first, then by the path and the line of their first place; variables
        stand before files, history behind them.
        """
        first = next(iter(self.credential.locations), Location("", ""))
        near = ("variable", first.source, "history").index(first.source)
        return -self.severity, near, first.path, first.line, first.start, self.where

    def also_at(self, locations: tuple[Location, ...]) -> Finding:
        """The same credential, found in further places."""
        known = dict.fromkeys((*self.credential.locations, *locations))
        return replace(self, credential=replace(self.credential, locations=tuple(known)))

    def as_record(self) -> dict[str, Any]:  # Any: JSON for `yett scan --json`
        """Never the value."""
        credential = self.credential
        record: dict[str, Any] = {
            "provider": credential.provider,
            "kind": credential.kind,
            "title": self.title,
            "severity": self.severity.word,
            "broad": self.broad,
            "identity": self.identity,
            "account": self.account,
            "owner": credential.owner,
            "environment": self.environment,
            "since": self.since,
            "live": self.live,
            "where": self.where,
            "locations": [
                {"source": at.source, "path": at.path, "line": at.line, "commit": at.commit, "object": at.object_id}
                for at in credential.locations
            ],
            "last_four": credential.last_four,
            "fingerprint": credential.fingerprint,
        }
        if self.authority is not None:
            record["authority"] = {
                "known": self.authority.known,
                "words": self.reach,
                "kind": self.authority.kind,
                "identity": self.authority.identity,
                "blanket": self.authority.blanket,
                "asked": self.authority.known and not is_documented(self.authority),
            }
        if self.accepted is not None:
            record["accepted"] = {
                "reason": self.accepted.reason,
                "until": self.accepted.until,
                "by": self.accepted.by,
                "audited": self.accepted.audited,
            }
        return record


def place_words(location: Location) -> str:
    """One place in short: file:line, a commit's file, a variable."""
    match location.source:
        case "history":
            commit = location.commit or location.object_id
            at = f":{location.line}" if location.line and location.path else ""
            return f"git {commit[:10]} ({location.path or 'in history'}{at})"
        case "variable":
            return f"${location.path}"
    return f"{location.path}:{location.line}" if location.line else location.path
