"""A credential that was found: what it is, where it lies, and its value, which stays in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from yett.model.credential import Credential, Location
from yett.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Finding:
    """`title` is for people. `position` is where a placeholder for it works, "" for the room's first."""

    credential: Credential
    value: Secret
    title: str
    broad: bool = False
    position: str = ""

    @property
    def where(self) -> str:
        """The places in short: file:line, commit, variable."""
        places = [_place(location) for location in self.credential.locations]
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        return ", ".join(places[:3]) + more

    def also_at(self, locations: tuple[Location, ...]) -> Finding:
        """The same credential, found in further places."""
        known = dict.fromkeys((*self.credential.locations, *locations))
        return replace(self, credential=replace(self.credential, locations=tuple(known)))

    def as_record(self) -> dict[str, Any]:  # Any: JSON for `yett scan --json`
        """Never the value."""
        credential = self.credential
        return {
            "provider": credential.provider,
            "kind": credential.kind,
            "title": self.title,
            "broad": self.broad,
            "where": self.where,
            "locations": [
                {"source": at.source, "path": at.path, "line": at.line, "commit": at.commit, "object": at.object_id}
                for at in credential.locations
            ],
            "last_four": credential.last_four,
            "fingerprint": credential.fingerprint,
        }


def _place(location: Location) -> str:
    match location.source:
        case "history":
            return f"git {location.object_id[:10]} ({location.path or 'in history'})"
        case "variable":
            return f"${location.path}"
    return f"{location.path}:{location.line}" if location.line else location.path
