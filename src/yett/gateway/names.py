"""Host names as the gate accepts them: one spelling each, and never an address in disguise (law 11)."""

from __future__ import annotations

import re
from functools import lru_cache

from yett.model.errors import YettError

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")

# The last label alone decides whether a lenient resolver reads the name as an IPv4 address: 127.1, 0x7f.1, 2130706433,
# 0177.0.0.1 (WHATWG URL, 3.5, "ends in a number").
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_OWN_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "metadata", "instance-data")
_OWN_SUFFIXES = (".localhost", ".localdomain", ".google.internal")


class NameRefused(YettError):
    """A host that the gate will not connect to, by its name or by an address behind it."""


@lru_cache(maxsize=4096)
def host_name(raw: str) -> str:
    """Give the lower-case name. Raises NameRefused: an address in any spelling, a trailing dot, not a DNS name."""
    # Not `lower()` first: it turns the Kelvin sign into a k.
    name = raw.lower() if raw.isascii() else raw
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]) or ":" in name or "[" in name:
        raise NameRefused("The host is an address, not a name", "Use the service's name: the gate decides by names.")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise NameRefused("The host is not a plain DNS name", "Write it in ASCII (xn--...), without a trailing dot.")
    if not all(_is_valid_idna(label) for label in labels):
        raise NameRefused("The host holds an invalid xn-- label", "Check the name's spelling.")
    if name in _OWN_NAMES or name.endswith(_OWN_SUFFIXES):
        raise NameRefused(
            f"{name} names this machine or its metadata service", "Name a host service with --host-port when you start."
        )
    return name


def authority(raw: str, default_port: int | None = None) -> tuple[str, int]:
    """Split and check `name:port`; without a default the port is required. Raises NameRefused."""
    name, colon, port = raw.rpartition(":")
    if not colon and default_port is not None:
        return host_name(raw), default_port
    if not _PORT.fullmatch(port) or int(port) > 65535:
        if raw.count(":") > 1:
            host_name(raw)
        raise NameRefused("The port is not a number from 1 to 65535", "Write the host as name:port.")
    return host_name(name), int(port)


def _is_valid_idna(label: str) -> bool:
    """An A-label must decode, to something that is not ASCII: else it is a second spelling of another name."""
    if not label.startswith("xn--"):
        return True
    try:
        return not label[4:].encode("ascii").decode("punycode").isascii()
    except UnicodeError:
        return False
