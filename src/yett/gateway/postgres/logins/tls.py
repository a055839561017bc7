"""TLS on both sides: the gate's own leaf towards the agent, verification towards the upstream."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from yett.gateway.ca import Authority, load_pem
from yett.model.errors import ConfigurationError

ALPN = "postgresql"
"""Registered with IANA for this protocol; a client that starts TLS at once must offer it (54.2.12)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a listener shows to its clients, and what binds a login to it (tls-server-end-point, RFC 5929)."""

    context: ssl.SSLContext
    binding: bytes


def leaf(authority: Authority, name: str) -> Leaf:
    """A certificate of the gate's own authority for one name, with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue(name, key).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    load_pem(context, certificate + private)
    return Leaf(context, end_point(ssl.PEM_cert_to_DER_cert(certificate.decode())))


def end_point(certificate: bytes) -> bytes:
    """tls-server-end-point of a certificate in DER: hashed as its own signature is, MD5 and SHA-1 as SHA-256."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    name = algorithm.name if algorithm is not None else "sha256"
    return hashlib.new("sha256" if name in ("md5", "sha1") else name, certificate).digest()


def is_loopback(host: str) -> bool:
    """Whether an address, as it is dialled, never leaves this machine."""
    if host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def upstream_context(host: str, roots: Path | None) -> ssl.SSLContext:
    """Certificate and name are verified, but on loopback without a root of its own: nobody is in between there.

    Raises:
        ConfigurationError: `roots` is not a PEM bundle.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    if roots is not None:
        try:
            context.load_verify_locations(roots)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"{roots} is not a PEM bundle", "Correct the database's root file.") from error
    elif is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
