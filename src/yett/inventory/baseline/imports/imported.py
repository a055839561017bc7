"""One finding of another scanner, as far as its report tells."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from yett.model.secret import Secret

_MASKED = re.compile(rb"\*{3,}|^\[?redacted", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Imported:
    """`path` is "" where the tool ignores a value everywhere. `value` only if the report holds it unmasked.

    `digest` is a SHA-1 or SHA-256 in hex over the value, with one of `endings` behind it.
    """

    tool: str
    rule: str
    path: str
    line: int = 0
    commit: str = ""
    value: Secret | None = None
    digest: str = ""
    endings: tuple[str, ...] = ("",)
    ignored: bool = False

    @property
    def reason(self) -> str:
        """For the entry of a baseline."""
        return f"ignored by {self.tool} before" if self.ignored else f"taken over from {self.tool} report"

    @property
    def tells_value(self) -> bool:
        """Whether a finding can be compared by its value, not only by its place."""
        return self.value is not None or bool(self.digest)

    def is_of(self, value: bytes) -> bool:
        """Whether it is that credential. A report may quote more around it, or a part."""
        if self.value is not None:
            told = self.value.reveal()
            return hmac.compare_digest(told, value) or value in told or (len(told) >= 16 and told in value)
        return bool(self.digest) and any(self._digest(value, ending) for ending in self.endings)

    def _digest(self, value: bytes, ending: str) -> bool:
        made = hashlib.sha1 if len(self.digest) == 40 else hashlib.sha256
        return hmac.compare_digest(made(value + ending.encode()).hexdigest(), self.digest.lower())


def unmasked(text: object) -> Secret | None:
    """The value, unless the tool has masked it ("REDACTED", "abc***xyz") or it is too short to be one."""
    if not isinstance(text, str):
        return None
    value = text.strip().encode("utf-8", "surrogatepass")
    return None if len(value) < 6 or _MASKED.search(value) else Secret(value)


def digest(text: object) -> str:
    """A SHA-1 or SHA-256 in hex, else ""."""
    return text if isinstance(text, str) and _HEX.fullmatch(text) else ""
