"""Both logins of a connection: the agent proves its placeholder here, the gate proves the lease role's password there.

Towards the upstream a password goes out only as a proof (SCRAM-SHA-256, with channel binding where it is offered); as
MD5 or in clear only where nobody can listen: verified TLS, or loopback.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from yett.gateway.postgres import replies
from yett.gateway.postgres.desk import Door, Stopped, Told, Upstream
from yett.gateway.postgres.logins.scram import PLAIN, PLUS, Claiming, Proving, ScramFailed, keys
from yett.gateway.postgres.logins.startup import Startup
from yett.gateway.postgres.messages import (
    AUTHENTICATION,
    BACKEND_KEY,
    ERROR,
    INT,
    NEGOTIATE,
    NOTICE,
    PARAMETER_STATUS,
    PASSWORD,
    READY,
    message,
)
from yett.gateway.postgres.talk import Talk

_OK, _CLEAR, _MD5, _SASL, _CONTINUE, _FINAL = 0, 3, 5, 10, 11, 12
_REFUSED = "use the user, database and password that this session was given"


async def prove_client(
    door: Door, talk: Talk, write: Callable[[bytes], None], startup: Startup, binding: bytes | None
) -> None:
    """Let a client prove the session's placeholder; AuthenticationOk is still to be sent.

    Every failure looks the same: also a login that does not exist takes the whole exchange, and the same time.

    Raises:
        Stopped: it has not proved it (28P01).
        Gone, Malformed: from `talk`.
    """
    known = keys(startup.user, startup.database, door.placeholder_verifier(startup.user, startup.database))
    offered = (PLUS, PLAIN) if binding is not None else (PLAIN,)
    write(replies.authentication(_SASL, b"".join(one.encode() + b"\0" for one in offered) + b"\0"))
    sent: list[bytes] = []
    proving: Proving | None = None
    try:
        sent.append(await _password(talk))
        mechanism, first = _initial(sent[0])
        if mechanism not in offered:
            raise ScramFailed("a mechanism that was not offered")
        proving = Proving(known, mechanism, binding, offered_plus=binding is not None)
        write(replies.authentication(_CONTINUE, proving.first(first)))
        sent.append(await _password(talk))
        write(replies.authentication(_FINAL, proving.final(sent[1])))
    except ScramFailed:
        await door.refused(startup.database, b"\0".join(sent), proving.was_made_with if proving else None)
        said = f'password authentication failed for user "{startup.user}"'
        raise Stopped(Told(said, _REFUSED, replies.INVALID_PASSWORD)) from None


async def _password(talk: Talk) -> bytes:
    kind, body = await talk.message()
    if kind != PASSWORD:
        raise ScramFailed("no answer")
    return body


def _initial(body: bytes) -> tuple[str, bytes]:
    """SASLInitialResponse: mechanism, first message."""
    name, mark, rest = body.partition(b"\0")
    if not mark or len(rest) < 4 or INT.unpack_from(rest)[0] != len(rest) - 4:
        raise ScramFailed("no first message")
    return name.decode("ascii", "replace"), rest[4:]


@dataclass
class Greeting:
    """What the upstream said until it was ready. `spoken`: for the client as it is."""

    pid: int = 0
    secret: bytes = b""
    settings: dict[str, str] = field(default_factory=dict)
    spoken: list[bytes] = field(default_factory=list)
    status: int = 0


class LoginFailed(Exception):
    """The upstream did not take the lease role; `sqlstate` is its own, "" if it broke the protocol."""

    def __init__(self, said: str, sqlstate: str = "") -> None:
        super().__init__(said)
        self.sqlstate = sqlstate


async def log_in(
    upstream: Upstream, talk: Talk, write: Callable[[bytes], None], binding: bytes | None, *, tls: bool, private: bool
) -> Greeting:
    """Go through the upstream's login; the StartupMessage has been sent. `private`: nobody listens on the way.

    Raises:
        LoginFailed: it refuses, or asks for what is not given.
        Gone, Malformed: from `talk`.
    """
    password = upstream.password.encode()
    claiming: Claiming | None = None
    proved = False
    greeting = Greeting()
    while True:
        kind, body = await talk.message()
        if kind == ERROR:
            raise LoginFailed(*said(body))
        if kind == AUTHENTICATION:
            code = INT.unpack_from(body)[0]
            try:
                if code == _SASL:
                    offered = [one.decode("ascii", "replace") for one in body[4:].split(b"\0") if one]
                    claiming = Claiming(password, binding, tls=tls, offered=offered)
                    first = claiming.first()
                    write(_answer(claiming.mechanism.encode() + b"\0" + INT.pack(len(first)) + first))
                elif code == _CONTINUE and claiming is not None:
                    write(_answer(claiming.answer(body[4:])))
                elif code == _FINAL and claiming is not None:
                    claiming.check(body[4:])
                    proved = True
                elif code == _OK:
                    if claiming is not None and not proved:
                        raise ScramFailed("the server ended the login before it proved itself")
                elif code in (_CLEAR, _MD5) and private:
                    write(_answer((password if code == _CLEAR else _md5(upstream.user, password, body[4:8])) + b"\0"))
                else:
                    raise ScramFailed("the server asks for a password in a way that others could read")
            except ScramFailed as error:
                raise LoginFailed(str(error)) from None
        elif kind == BACKEND_KEY:
            greeting.pid, greeting.secret = INT.unpack_from(body)[0], body[4:]
        elif kind == PARAMETER_STATUS:
            name, _, rest = body.partition(b"\0")
            greeting.settings[name.decode("utf-8", "replace")] = rest[:-1].decode("utf-8", "replace")
            greeting.spoken.append(message(kind, body))
        elif kind == NOTICE:
            greeting.spoken.append(message(kind, body))
        elif kind == READY:
            greeting.status = body[0]
            return greeting
        elif kind != NEGOTIATE:
            raise LoginFailed("the server sent what does not belong to a login")


def said(body: bytes) -> tuple[str, str]:
    """An ErrorResponse's message and SQLSTATE."""
    fields = {one[:1]: one[1:].decode("utf-8", "replace") for one in body.split(b"\0") if one}
    return fields.get(b"M", "error"), fields.get(b"C", "")


def _answer(body: bytes) -> bytes:
    return message(PASSWORD, body)


def _md5(user: str, password: bytes, salt: bytes) -> bytes:
    inner = hashlib.md5(password + user.encode(), usedforsecurity=False).hexdigest().encode()
    return b"md5" + hashlib.md5(inner + salt, usedforsecurity=False).hexdigest().encode()
