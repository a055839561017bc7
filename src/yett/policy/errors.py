"""What is wrong with a policy, said to the person who wrote it."""

from __future__ import annotations

from yett.model.errors import ConfigurationError


class PolicyError(ConfigurationError):
    """A policy that is not loaded. `rule` is its id ("payments/big-writes"), "" where the whole file is meant."""

    def __init__(self, what: str, remedy: str = "", *, rule: str = "") -> None:
        super().__init__(f"{rule}: {what}" if rule else what, remedy)
        self.rule = rule
