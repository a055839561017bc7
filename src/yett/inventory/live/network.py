"""The way to an issuer: its name resolved once, every address checked, TLS in the name's own right (law 11)."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from yett.model.errors import ConfigurationError, UpstreamFailed

_NAT64 = IPv6Network("64:ff9b::/96")
_AZURE_WIRE_SERVER = IPv4Address("168.63.129.16")
"""A metadata service at an address that looks public."""
_MOST_OF_A_HEAD = 16 << 10


@dataclass(frozen=True, slots=True)
class Proxy:
    """The person's own way out. `login` is `user:password`, "" if none; `direct` the suffixes of NO_PROXY."""

    host: str
    port: int
    login: str = field(default="", repr=False)
    direct: tuple[str, ...] = ()

    def serves(self, name: str) -> bool:
        return not any(entry == "*" or name == entry or name.endswith(f".{entry}") for entry in self.direct)


@dataclass(frozen=True, slots=True)
class Network:
    """How to get out. `mapped` and `roots` are for tests: a name's address is then neither resolved nor checked."""

    proxy: Proxy | None = None
    mapped: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    roots: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Network:
        """With the proxy that HTTPS_PROXY names, if it is set; no other variable leads anywhere.

        Raises:
            ConfigurationError: it is not http://host:port. The message does not hold its password.
        """
        url = environ.get("HTTPS_PROXY") or environ.get("https_proxy") or ""
        if not url:
            return cls()
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host = None
        if not host or parts.scheme != "http":
            raise ConfigurationError("HTTPS_PROXY is not http://host:port", "Set it to your proxy, or unset it.")
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        return cls(Proxy(host, port, login, _suffixes(environ.get("NO_PROXY") or environ.get("no_proxy") or "")))


class Dialler:
    """Opens connections to issuers; knows the addresses of every name that it has resolved."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._resolved: dict[tuple[str, int], list[tuple[str, int]]] = {}
        self._tls = _context(network.roots)

    def connect(self, host: str, port: int, deadline: float) -> ssl.SSLSocket:
        """A connection to the host that its certificate names. `deadline` by `time.monotonic`.

        Raises:
            UpstreamFailed: there is none to be had; the message says why in a few words.
        """
        try:
            wire = self._wire(host, port, deadline)
            try:
                wire.settimeout(left(deadline))
                return self._tls.wrap_socket(wire, server_hostname=host)
            except BaseException:
                wire.close()
                raise
        except ssl.SSLCertVerificationError as error:
            raise UpstreamFailed(f"its certificate is not valid: {error.verify_message}") from None
        except TimeoutError:
            raise UpstreamFailed("did not answer in time") from None
        except (OSError, ValueError) as error:
            raise UpstreamFailed(f"could not be reached: {_said(error)}") from None

    def _wire(self, host: str, port: int, deadline: float) -> socket.socket:
        proxy = self._network.proxy
        if proxy is not None and proxy.serves(host):
            return _through(proxy, host, port, deadline)
        return _first_of(self._addresses(host, port), deadline)

    def _addresses(self, host: str, port: int) -> list[tuple[str, int]]:
        mapped = self._network.mapped.get(host)
        if mapped is not None:
            return [mapped]
        known = self._resolved.get((host, port))
        if known is None:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
            known = [(address, port) for address in checked(found)]
            self._resolved[host, port] = known
        return known


def checked(addresses: list[str]) -> list[str]:
    """The addresses, once each. One that is not public refuses the name: who rebinds mixes them.

    Raises:
        UpstreamFailed: an address is not public, or there is none.
    """
    if not addresses:
        raise UpstreamFailed("has no address")
    for address in addresses:
        if not _is_public(address):
            raise UpstreamFailed("leads to an address that is not public")
    return list(dict.fromkeys(addresses))


def left(deadline: float) -> float:
    """Seconds until then. Raises TimeoutError: none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _is_public(text: str) -> bool:
    """Neither loopback, link-local, private, shared nor multicast, and no such IPv4 address inside an IPv6 one."""
    address = ip_address(text.partition("%")[0])
    inner = _carried(address) if isinstance(address, IPv6Address) else ()
    return all(
        each.is_global and not each.is_multicast and not each.is_reserved and each != _AZURE_WIRE_SERVER
        for each in (inner or (address,))
    )


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    found = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    return tuple(each for each in found if each is not None)


def _context(roots: Path | None) -> ssl.SSLContext:
    """Not `create_default_context`: that would write the session's keys where SSLKEYLOGFILE says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks names and certificates
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_default_certs()
    if roots is not None:
        context.load_verify_locations(roots)
    return context


def _first_of(addresses: list[tuple[str, int]], deadline: float) -> socket.socket:
    for address in addresses[:-1]:
        try:  # an IPv6 route that swallows packets must not take the whole time
            return socket.create_connection(address, min(left(deadline), 4.0))
        except OSError:
            continue
    return socket.create_connection(addresses[-1], left(deadline))


def _through(proxy: Proxy, host: str, port: int, deadline: float) -> socket.socket:
    """A tunnel (RFC 9110, 9.3.6). The proxy resolves the name; the certificate still has to be the host's."""
    wire = socket.create_connection((proxy.host, proxy.port), left(deadline))
    try:
        wire.settimeout(left(deadline))
        wire.sendall(_connect(proxy, host, port))
        first = _head(wire, deadline).partition(b"\r\n")[0].split(b" ")
        if len(first) < 2 or first[1] != b"200":
            raise UpstreamFailed("is not let through by the proxy of HTTPS_PROXY")
    except BaseException:
        wire.close()
        raise
    return wire


def _connect(proxy: Proxy, host: str, port: int) -> bytes:
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"host: {host}:{port}"]
    if proxy.login:
        lines.append("proxy-authorization: Basic " + base64.b64encode(proxy.login.encode()).decode())
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _head(wire: socket.socket, deadline: float) -> bytes:
    """The proxy's answer and nothing behind it: TLS follows on the same socket, and we speak first."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        wire.settimeout(left(deadline))
        piece = wire.recv(4096)
        head += piece
        if not piece or len(head) > _MOST_OF_A_HEAD:
            raise UpstreamFailed("is not let through by the proxy of HTTPS_PROXY")
    return head


def _suffixes(value: str) -> tuple[str, ...]:
    entries = (entry.strip().lower() for entry in value.split(","))
    return tuple(entry.lstrip("*").lstrip(".") or "*" for entry in entries if entry)


def _said(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
