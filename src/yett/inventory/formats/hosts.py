"""What a host's name says about a login to it."""

from __future__ import annotations

import re

from yett.inventory.severity import Severity

_DOCUMENTATION = re.compile(r"(?i)(?:.*\.)?example\.(?:com|net|org)(?::\d+)?")  # RFC 2606, section 3
_LOCAL = re.compile(
    r"(?i)(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?|\(local\)|\(localdb\)|\.|host\.docker\.internal)(?:[:\\,].*)?",
)


def is_documentation(host: str) -> bool:
    """Whether it is nobody's host."""
    return _DOCUMENTATION.fullmatch(host) is not None


def severity_at(host: str) -> Severity:
    """A login to the machine itself opens nothing from elsewhere, and is mostly a developer's."""
    return Severity.LOW if _LOCAL.fullmatch(host) else Severity.HIGH
