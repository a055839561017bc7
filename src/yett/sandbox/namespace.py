"""A network namespace in which only the fake pool is routed.

RFC 2544 gives 198.18.0.0/15 to benchmarks: no real service lives there. One route makes the whole pool local
(`local 198.18.0.0/15 dev lo`), so a listener can stand on any of its addresses without being configured. Nothing else
is routed: an IP literal is unreachable, and 127.0.0.1 belongs to the application alone. A route for 0.0.0.0/0 would
hand every IP literal to whatever the application itself listens with.
"""

from __future__ import annotations

import os
import socket
import struct

from yett.model.errors import ConfigurationError
from yett.sandbox import kernel

PROXY_ADDRESS = ("198.18.0.1", 3128)
DNS_ADDRESS = ("198.18.0.2", 53)

_POOL_LENGTH = 15

_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40
_LOOPBACK_INDEX = 1

_RTM_NEWROUTE = 24
_NLM_REQUEST_ACK_CREATE = 0x1 | 0x4 | 0x400
_RT_TABLE_LOCAL = 255
_RTPROT_STATIC = 4
_RT_SCOPE_HOST = 254
_RTN_LOCAL = 2
_RTA_DST = 1
_RTA_OIF = 4


def is_fake(address: str) -> bool:
    """Whether a dotted IPv4 address lies in the pool."""
    try:
        return socket.inet_aton(address)[0] == 198 and socket.inet_aton(address)[1] & 0xFE == 18
    except OSError:
        return False


def enter() -> None:
    """Move this process into the new namespace: as root the network alone, else with a user namespace around it.

    Raises:
        ConfigurationError: the kernel, or AppArmor, does not let us.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            kernel.unshare(kernel.CLONE_NEWNET)
        else:
            # a mount namespace too: only in one of its own may it clone a mount (remount.py)
            kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNET | kernel.CLONE_NEWNS)
            _map_identity(uid, gid)
        _loopback_up()
        _route_fake_pool()
    except OSError as error:
        raise ConfigurationError(
            f"The kernel did not give the sandbox its own network ({error.strerror or error}).",
            "Run `yett doctor`: it says what is missing and prints the line that mends it.",
        ) from None


def _map_identity(uid: int, gid: int) -> None:
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _loopback_up() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


def _route_fake_pool() -> None:
    """rtnetlink(7): one RTM_NEWROUTE, and wait for its acknowledgement."""
    route = struct.pack(
        "BBBBBBBBI", socket.AF_INET, _POOL_LENGTH, 0, 0, _RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL, 0
    )
    route += struct.pack("HH4s", 8, _RTA_DST, socket.inet_aton("198.18.0.0"))
    route += struct.pack("HHI", 8, _RTA_OIF, _LOOPBACK_INDEX)
    header = struct.pack("IHHII", 16 + len(route), _RTM_NEWROUTE, _NLM_REQUEST_ACK_CREATE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.send(header + route)
        answer = sock.recv(4096)
    (error,) = struct.unpack_from("i", answer, 16)
    if error:
        raise OSError(-error, os.strerror(-error), "route for the fake pool")
