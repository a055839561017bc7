"""One family of errors. A message says what happened, to what, and what to do."""

from __future__ import annotations


class YettError(Exception):
    """Anything that Yett reports to a person. `remedy` is one sentence: what to do about it."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def diagnostics(self) -> str:
        """The message for a terminal: what happened, then what to do."""
        return f"{self.what}\n  {self.remedy}" if self.remedy else self.what


class ConfigurationError(YettError):
    """A file, flag or installed part that Yett cannot work with."""


class StoreUnavailable(YettError):
    """The store cannot be read or written; the enforcement path refuses (law 1)."""


class LedgerUnavailable(StoreUnavailable):
    """The ledger cannot take an entry now: queue full, writer dead, or flush older than a second (laws 1 and 2)."""


class Unreadable(YettError):
    """Bytes that Yett cannot turn into operations with certainty. On a governed route this is a refusal."""


class CredentialRefused(YettError):
    """Laws 3, 4: in a credential's place, not this session's placeholder; or a known secret, wherever it sits."""

    def __init__(self, what: str, remedy: str = "", *, fingerprint: str = "", position: str = "") -> None:
        super().__init__(what, remedy)
        self.fingerprint = fingerprint
        self.position = position


class UpstreamFailed(YettError):
    """The upstream could not be reached, hung, reset, or answered what is not HTTP."""
