"""The only way out: resolve once, check every address, dial that address, verify the name (law 11)."""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from yett.gateway.addresses import forbidden
from yett.gateway.company import CompanyProxy
from yett.gateway.http.framing import Malformed, parse_response
from yett.gateway.names import NameRefused
from yett.gateway.resolving import Resolver
from yett.model.errors import ConfigurationError, UpstreamFailed

P = TypeVar("P", bound=asyncio.BaseProtocol)

DRILL_REALM = "drill"
_MAX_PROXY_ANSWER = 16 * 1024


@dataclass(frozen=True, slots=True)
class Mapped:
    """A name that a drill maps to an address of its lab. Addresses are not checked for it."""

    name: str
    port: int
    address: str
    address_port: int


@dataclass(frozen=True, slots=True)
class DialSettings:
    """How to get out. `mapped` is for drills only; `extra_roots` is a PEM file of a company's own authority."""

    realm: str = "default"
    mapped: tuple[Mapped, ...] = ()
    company: CompanyProxy | None = None
    extra_roots: Path | None = None
    connect_seconds: float = 10.0


class Dialer:
    """Opens connections for the wires."""

    def __init__(self, settings: DialSettings) -> None:
        if settings.mapped and settings.realm != DRILL_REALM:
            raise ConfigurationError(
                "Names are mapped to addresses outside a drill", "Remove [[resolve]], or start the daemon for a drill."
            )
        self._settings = settings
        self._mapped = {(entry.name, entry.port): (entry.address, entry.address_port) for entry in settings.mapped}
        self._tls = client_context(settings.extra_roots)
        self._resolver = Resolver()

    async def connect(
        self, make: Callable[[], P], host: str, port: int, *, tls: bool, who: str = ""
    ) -> tuple[P, asyncio.Transport]:
        """Open a connection to a checked name within the time limit; the transport is the TCP one, below TLS.

        `who`: the session that it is for, "" for Yett itself: each waits for its own lookups only.

        Slow a connection down there: uvloop drops what it holds of a paused TLS transport when the peer closes.

        Raises:
            NameRefused: the name leads where the gate must not go.
            UpstreamFailed: it could not be reached, or its certificate does not fit.
        """
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                return await self._connect(make, host, port, tls, who)
        except TimeoutError:
            raise UpstreamFailed(
                f"{host} did not answer within {self._settings.connect_seconds:g} seconds", "Try again later."
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise UpstreamFailed(
                f"The certificate of {host} is not valid: {error.verify_message}",
                "If the host uses a company's own authority, name its file in config.toml (extra_ca).",
            ) from None
        except OSError as error:
            raise UpstreamFailed(
                f"{host} could not be reached: {_said(error)}", "Check the name and try again."
            ) from None

    def address(self, host: str, port: int) -> tuple[str, int]:
        """Where a data wire of that name is dialled: a checked address. Blocks while the system resolves.

        Raises:
            NameRefused: the name leads where the gate must not go.
            UpstreamFailed: it does not resolve.
        """
        mapped = self._mapped.get((host, port))
        if mapped is not None:
            return mapped
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UpstreamFailed(f"{host} does not resolve: {_said(error)}", "Check the name.") from None
        return check(host, [str(entry[4][0]) for entry in found])[0], port

    async def _connect(
        self, make: Callable[[], P], host: str, port: int, tls: bool, who: str
    ) -> tuple[P, asyncio.Transport]:
        company = self._settings.company
        if company is not None and (host, port) not in self._mapped and company.serves(host):
            tunnel = await _open((await self._resolver.addresses(who, company.host, company.port))[0], company.port)
            dialled = await _through(tunnel, company, host, port)
        else:
            dialled = await self._dial(host, port, who)
        loop, protocol = asyncio.get_running_loop(), make()
        try:
            if not tls:
                wire, _ = await loop.create_connection(lambda: protocol, sock=dialled)
                return protocol, wire
            wire, _ = await loop.create_connection(asyncio.Protocol, sock=dialled)
            above = await loop.start_tls(wire, protocol, self._tls, server_hostname=host)
        except BaseException:
            dialled.close()
            raise
        if above is None:
            raise ConnectionAbortedError("closed in the handshake")
        protocol.connection_made(above)  # start_tls leaves that to its caller
        return protocol, wire

    async def _dial(self, host: str, port: int, who: str) -> socket.socket:
        mapped = self._mapped.get((host, port))
        if mapped is not None:
            return await _open(*mapped)
        addresses = check(host, await self._resolver.addresses(who, host, port))
        for address in addresses[:-1]:
            # An IPv6 route that swallows packets must not take the whole limit.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._settings.connect_seconds / 4):
                    return await _open(address, port)
        return await _open(addresses[-1], port)


def check(host: str, addresses: list[str]) -> list[str]:
    """Give the addresses, once each. One forbidden address among them refuses the name: rebinding mixes them.

    Raises:
        NameRefused: an address is forbidden.
        UpstreamFailed: there is none.
    """
    unique = list(dict.fromkeys(addresses))
    if not unique:
        raise UpstreamFailed(f"{host} has no address", "Check the name.")
    for address in unique:
        reason = forbidden(address)
        if reason:
            raise NameRefused(f"{host} leads to {reason}", "Name a host service with --host-port when you start.")
    return unique


def client_context(extra_roots: Path | None = None) -> ssl.SSLContext:
    """Verify upstreams against the system's roots and, if there is one, a company's; offer http/1.1 only."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if extra_roots is not None:
        try:
            context.load_verify_locations(extra_roots)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"{extra_roots} is not a PEM bundle", "Correct extra_ca.") from error
    return context


async def _open(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    dialled = socket.socket(family, socket.SOCK_STREAM)
    try:
        dialled.setblocking(False)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await _connected(dialled, (address, port))
    except BaseException:
        dialled.close()
        raise
    return dialled


async def _connected(dialled: socket.socket, address: tuple[str, int]) -> None:
    """As `loop.sock_connect`, that would send even a literal address through the loop's own lookups."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    number = dialled.connect_ex(address)
    if number == errno.EINPROGRESS:
        loop.add_writer(dialled, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(dialled)
        number = dialled.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


async def _through(dialled: socket.socket, company: CompanyProxy, host: str, port: int) -> socket.socket:
    """Open a tunnel through the company's proxy (RFC 9110, 9.3.6). The proxy resolves the name."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(dialled, _connect_head(company, host, port))
        status = parse_response(await _answer_head(dialled), "CONNECT").status
        if status != 200:
            raise UpstreamFailed(
                f"The company's proxy answered {status} for {host}", "Ask for the host to be opened, or set NO_PROXY."
            )
    except Malformed as error:
        dialled.close()
        raise UpstreamFailed("The company's proxy did not answer in HTTP", "Check HTTPS_PROXY.") from error
    except BaseException:
        dialled.close()
        raise
    return dialled


def _connect_head(company: CompanyProxy, host: str, port: int) -> bytes:
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"host: {host}:{port}"]
    if company.credentials:
        lines.append("proxy-authorization: Basic " + base64.b64encode(company.credentials.encode()).decode())
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


async def _answer_head(dialled: socket.socket) -> bytes:
    """Read the head of the proxy's answer and nothing behind it: TLS follows on the same socket, we speak first."""
    loop = asyncio.get_running_loop()
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        piece = await loop.sock_recv(dialled, 4096)
        answer += piece
        if not piece or len(answer) > _MAX_PROXY_ANSWER:
            raise UpstreamFailed("The company's proxy closed the connection", "Check HTTPS_PROXY.")
    return answer[:-4]


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__
