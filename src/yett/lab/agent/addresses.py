"""The many ways to write a loopback address: filters that compare text know one of them."""

from __future__ import annotations

import ipaddress


def spellings(host: str) -> dict[str, str]:
    """Return host parts for URLs that all mean `host`, an IPv4 loopback address, or the same machine."""
    number = int(ipaddress.IPv4Address(host))
    return {
        "dotted": host,
        "decimal": str(number),
        "hexadecimal": hex(number),
        "short": "127.1",
        "octal": "0177.0.0.1",
        "any address": "0.0.0.0",
        "name": "localhost",
        "name that means loopback": "localhost.localdomain",
        "IPv6": "[::1]",
        "IPv4 in IPv6": f"[::ffff:{host}]",
    }
