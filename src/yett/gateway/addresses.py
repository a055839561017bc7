"""Which addresses the gate may dial (law 11). Pure, but for one question to the kernel: is this address our own?"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# AWS (also ECS task roles and DNS), Alibaba, Oracle, Azure's wire server, AWS over IPv6, Google over IPv6.
_METADATA_V4 = (
    "169.254.169.254",
    "169.254.170.2",
    "169.254.169.253",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
)
_METADATA = frozenset(ip_address(text) for text in (*_METADATA_V4, "fd00:ec2::254", "fd20:ce::254"))
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_COMPATIBLE = IPv6Network("::/96")


def forbidden(text: str) -> str:
    """Say why an address must not be dialled, "" if it may be.

    Every IPv4 address that an IPv6 one carries (mapped, compatible, NAT64, 6to4, Teredo) is judged too. Private ranges
    may be dialled: a company's own services live there.
    """
    address = ip_address(text.partition("%")[0])
    for inner in _carried(address):
        reason = _reason(inner)
        if reason:
            return reason
    return ""


def is_own(text: str) -> bool:
    """Whether the address belongs to this machine: the kernel lets us bind only those."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((text, 0))
    except OSError:
        return False
    return True


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    found: list[IPv4Address | IPv6Address] = [address]
    if isinstance(address, IPv4Address):
        return found
    found += [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None]
    found += list(address.teredo or ())
    if any(address in network for network in _NAT64):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _COMPATIBLE and int(address) > 1:
        found.append(IPv4Address(int(address)))
    return found


def _reason(address: IPv4Address | IPv6Address) -> str:
    if address in _METADATA:
        return "a metadata service"
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if isinstance(address, IPv4Address) and (address in _THIS_NETWORK or address.is_reserved):
        return "not a host's address"
    if address.is_unspecified or address.is_multicast:
        return "not a host's address"
    return "an address of this machine" if is_own(str(address)) else ""
