"""Put the real value in, at the one position that `examine` saw (law 4)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import quote_plus

from yett.broker.positions import AUTHORIZATION, BASIC, basic_token, is_form
from yett.model.credential import Lease
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.model.secret import Secret


def inject(request: HttpRequest, lease: Lease, value: Secret) -> HttpRequest:
    """The request with the secret in place of the lease's placeholder, everything else as it was.

    Raises:
        CredentialRefused: the host or scheme is not the lease's, the placeholder is not there exactly once, or the
            value cannot stand in a header.
    """
    if request.scheme != "https" or request.host not in lease.hosts:
        raise _cannot(lease, f"{request.scheme}://{request.host} is not where it works")
    kind, _, name = lease.position.partition(":")
    if kind == "field":
        return replace(request, body=_in_body(request, lease, value))
    name = "authorization" if kind == BASIC else name
    headers = list(request.headers)
    at = [index for index, (key, _) in enumerate(headers) if key == name]
    if len(at) != 1:
        raise _cannot(lease, f"there are {len(at)} {name} fields")
    headers[at[0]] = (name, _in_header(headers[at[0]][1].strip(), lease, value))
    # Not `replace`, which costs as much as all the rest of this function.
    return HttpRequest(
        request.method,
        request.scheme,
        request.host,
        request.port,
        request.path,
        request.query,
        tuple(headers),
        request.body,
    )


def _in_header(text: str, lease: Lease, value: Secret) -> str:
    secret = value.text()
    scheme, space, token = text.rpartition(" ")
    if lease.position in (AUTHORIZATION, BASIC) and scheme.strip().lower() == "basic":
        return f"{scheme}{space}{_in_basic(token, lease, secret)}"
    if token != lease.placeholder or (space and lease.position != AUTHORIZATION):
        raise _cannot(lease, f"it does not stand in {lease.position}")
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        # A line break would end the field and begin another (RFC 9110, 5.5).
        raise _cannot(lease, "the secret holds characters that no header may carry")
    return f"{scheme}{space}{secret}"


def _in_basic(token: str, lease: Lease, secret: str) -> str:
    parts = basic_token(token)
    if parts is None:
        raise _cannot(lease, "its Basic credentials do not decode")
    user, password, is_user = parts
    if (user if is_user else password) != lease.placeholder:
        raise _cannot(lease, "it does not stand in the Basic credentials")
    user, password = (secret, password) if is_user else (user, secret)
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _in_body(request: HttpRequest, lease: Lease, value: Secret) -> bytes:
    """Spliced in, not parsed and written anew: the rest of the body is what was decided on, to the byte."""
    secret, body = value.text(), request.body or b""
    if is_form(request):
        old, new = lease.placeholder, quote_plus(secret)
    else:
        old, new = json.dumps(lease.placeholder), json.dumps(secret)
    if body.count(lease.placeholder.encode()) != 1 or old.encode() not in body:
        raise _cannot(lease, "it does not stand in the body exactly once")
    return body.replace(old.encode(), new.encode())


def _cannot(lease: Lease, why: str) -> CredentialRefused:
    return CredentialRefused(
        f"The secret {lease.secret} cannot be put in: {why}.", "Send it as " + lease.position, position=lease.position
    )
