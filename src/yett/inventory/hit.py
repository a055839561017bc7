"""A credential's value within a text, before anyone knows whose text that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from yett.inventory.severity import Severity


class Told(Enum):
    """What says that a value is a credential, from least to most: where it stands, what it is assigned to, its issuer's
    own form.
    """

    PLACE = "place"
    NAME = "name"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Hit:
    """By byte offsets: text[start:end] is what must be masked there.

    `decoded` is the credential itself where the text holds it encoded (base64, JSON escapes, percent), else b"".
    `account`: whom it logs in and where ("deploy@db.example"), as far as the text says so.
    """

    provider: str
    kind: str
    title: str
    broad: bool
    start: int
    end: int
    severity: Severity = Severity.HIGH
    identity: str = ""
    account: str = ""
    decoded: bytes = b""
    told: Told = Told.PLACE

    def value_in(self, text: bytes) -> bytes:
        """The credential."""
        return self.decoded or text[self.start : self.end]
