"""The way to the upstream: dial, TLS, startup, login; and the short one of a cancel request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from yett.gateway.postgres.desk import Stopped, Told, Upstream
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.logins import tls
from yett.gateway.postgres.logins.login import Greeting, LoginFailed, log_in
from yett.gateway.postgres.logins.startup import Startup, cancel_request, upstream_startup
from yett.gateway.postgres.messages import INT, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST
from yett.gateway.postgres.replies import CONNECTION_FAILURE
from yett.gateway.postgres.sides import ServerSide
from yett.gateway.postgres.talk import Gone, Talk
from yett.model.errors import ConfigurationError

_OLD = frozenset(("0A000", "08P01"))
_SSL = INT.pack(8) + INT.pack(SSL_REQUEST)


async def reach(
    make: Callable[[], ServerSide], upstream: Upstream, startup: Startup, limits: WireLimits
) -> tuple[ServerSide, Greeting]:
    """Log in as the lease role on a new connection, which is then ready for the first statement.

    Raises:
        Stopped: it cannot be reached, is not who it should be, or refuses. Nothing of the password is said.
    """
    try:
        async with asyncio.timeout(limits.dial_seconds):
            try:
                return await _log_in(make(), upstream, startup, PROTOCOL_3_2)
            except (Gone, LoginFailed) as error:
                if isinstance(error, LoginFailed) and error.sqlstate not in _OLD:
                    raise
                return await _log_in(make(), upstream, startup, PROTOCOL_3_0)  # a pooler that knows no 3.2
    except TimeoutError:
        raise _failed("the database did not answer in time", "try again later") from None
    except ssl.SSLCertVerificationError as error:
        hint = "name its authority's file where the database was added"
        raise _failed(f"the database's certificate is not valid: {error.verify_message}", hint) from None
    except LoginFailed as error:
        raise _failed(f"the database refused the lease: {error}", "ask for a new session", error.sqlstate) from None
    except (OSError, Gone, Malformed, ConfigurationError) as error:
        said = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        raise _failed(f"the database cannot be reached: {said}", "try again later") from None


async def _log_in(side: ServerSide, upstream: Upstream, startup: Startup, version: int) -> tuple[ServerSide, Greeting]:
    try:
        await _dial(side, upstream)
        binding = await _encrypt(side, upstream)
        encrypted = side.transport is not side.wire
        private = tls.is_loopback(upstream.address[0]) or encrypted
        side.transport.write(upstream_startup(version, upstream.user, upstream.database, startup))
        write = side.transport.write
        return side, await log_in(upstream, _talk(side), write, binding, tls=encrypted, private=private)
    except BaseException:
        side.abort()
        raise


async def cancel(upstream: Upstream, pid: int, secret: bytes, limits: WireLimits) -> None:
    """Ask the upstream to cancel what that backend does. Nobody answers; failing is no error."""
    side = ServerSide(limits.startup)
    try:
        async with asyncio.timeout(limits.cancel_seconds):
            await _dial(side, upstream)
            await _encrypt(side, upstream)
            side.transport.write(cancel_request(pid, secret))
            await _talk(side).exactly(1)
    except (OSError, Gone, Malformed, ConfigurationError, TimeoutError, Stopped):
        return
    finally:
        side.abort()


async def _dial(side: ServerSide, upstream: Upstream) -> None:
    loop, (host, port) = asyncio.get_running_loop(), upstream.address
    make: Callable[[], ServerSide] = lambda: side  # noqa: E731
    if host.startswith("/"):
        await loop.create_unix_connection(make, f"{host}/.s.PGSQL.{port}")
        return
    await loop.create_connection(make, host, port)


async def _encrypt(side: ServerSide, upstream: Upstream) -> bytes | None:
    """TLS if it must or can be; gives what a login is bound to. Raises Stopped: the server has none."""
    host = upstream.address[0]
    if upstream.tls == "disable" or host.startswith("/"):
        return None
    talk = _talk(side)
    side.transport.write(_SSL)
    answer = await talk.exactly(1)
    if talk.unread:
        raise Malformed("the server said more than it was asked before TLS")  # CVE-2021-23222
    if answer != b"S":
        if upstream.tls in ("prefer", "allow") and tls.is_loopback(host):
            return None
        raise _failed("the database offers no TLS", "switch it on there, or have it added with sslmode=disable")
    context = tls.upstream_context(host, upstream.roots)
    above = await asyncio.get_running_loop().start_tls(
        side.wire, side, context, server_hostname=upstream.server_name or host
    )
    if above is None:
        raise ConnectionAbortedError("closed in the handshake")
    side.transport = above
    shown = above.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return tls.end_point(shown) if shown else None


def _talk(side: ServerSide) -> Talk:
    assert side.talk is not None
    return side.talk


def _failed(what: str, hint: str, sqlstate: str = "") -> Stopped:
    return Stopped(Told(f"yett: {what}", hint, sqlstate or CONNECTION_FAILURE))
