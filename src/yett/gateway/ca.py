"""The gate's own certificate authority: made once a home, trusted inside its sandboxes only.

The authority's key (P-256) lies in `<home>/ca/key.pem`, 0600, and never leaves the daemon. Leaves share one key that
lives in memory only, name one host each, and are valid for days (RFC 5280; CA/Browser Forum names only in SAN).
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yett.model.errors import ConfigurationError

UNRECOGNIZED_NAME = bytes((21, 3, 3, 0, 2, 2, ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME))
"""The fatal alert record that answers a wrong SNI, in the clear as it is before any key exists (RFC 8446, 6)."""

AUTHORITY_LIFE = timedelta(days=365)
LEAF_LIFE = timedelta(days=3)
_RENEW_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(hours=1)
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its certificate, and the key that signs leaves."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def bundle(self, system_roots: bytes | None = None) -> bytes:
        """The system's roots and this one: what a sandbox is given as its trust store."""
        roots = _system_roots() if system_roots is None else system_roots
        return roots.rstrip(b"\n") + b"\n" + self.pem

    def issue(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        """Sign a server certificate for one DNS name."""
        now = datetime.now(UTC)
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=False, crl_sign=False, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        issuer = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(_name("Yett session leaf"))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SKEW)
            .not_valid_after(now + LEAF_LIFE)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
            .sign(self.key, hashes.SHA256())
        )


class ServerContexts(Protocol):
    """Where the wires get a TLS context for a name."""

    def context(self, name: str) -> ssl.SSLContext: ...


class Leaves:
    """One cached TLS context a name. It refuses another SNI in the handshake and offers http/1.1 only."""

    def __init__(self, authority: Authority, size: int = 512, life: timedelta = timedelta(days=1)) -> None:
        self.authority = authority
        self._size = size
        self._life = life
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: OrderedDict[str, tuple[ssl.SSLContext, datetime]] = OrderedDict()

    def context(self, name: str) -> ssl.SSLContext:
        """The context that serves `name`, minted or from the cache."""
        found = self._contexts.get(name)
        now = datetime.now(UTC)
        if found is not None and found[1] > now:
            self._contexts.move_to_end(name)
            return found[0]
        context = self._mint(name)
        self._contexts[name] = (context, now + self._life)
        self._contexts.move_to_end(name)
        if len(self._contexts) > self._size:
            self._contexts.popitem(last=False)
        return context

    def _mint(self, name: str) -> ssl.SSLContext:
        certificate = self.authority.issue(name, self._key).public_bytes(serialization.Encoding.PEM)
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        load_pem(context, certificate + key)
        context.sni_callback = _only(name)
        return context


def open_authority(folder: Path) -> Authority:
    """Load the authority of a home, or make it. One that ends within a month is replaced.

    Raises:
        ConfigurationError: the files are broken, or others may read the key.
    """
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    if key_file.exists() and certificate_file.exists():
        authority = _read(key_file, certificate_file)
        if authority.certificate.not_valid_after_utc - datetime.now(UTC) > _RENEW_BEFORE:
            return authority
    authority = _make()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_pem = authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_file, key_pem, 0o600)
    _write(certificate_file, authority.pem, 0o644)
    return authority


def _make() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = _name(f"Yett gate {os.urandom(4).hex()}")
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _read(key_file: Path, certificate_file: Path) -> Authority:
    if key_file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{key_file} can be read by others", f"Delete {key_file.parent}; a new one is made.")
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except ValueError as error:
        raise ConfigurationError(
            f"{key_file.parent} does not hold a certificate authority", "Delete the folder; a new one is made."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigurationError(
            f"The key and the certificate in {key_file.parent} do not match", "Delete the folder; a new one is made."
        )
    return Authority(certificate, key)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write beside and rename, so that no reader sees half a file."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)


def load_pem(context: ssl.SSLContext, pem: bytes) -> None:
    """`load_cert_chain` takes only a path: give it one that no other process can open, and that no disk ever holds."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("yett-leaf", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


def _only(name: str):  # type: ignore[no-untyped-def]  # typeshed gives the callback no name to annotate with
    def check(_connection: ssl.SSLObject, server_name: str | None, _context: ssl.SSLContext) -> int | None:
        """CONNECT name = SNI (law 11). A missing SNI is refused too: fronting needs only one that is absent."""
        if server_name is not None and server_name.lower() == name:
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    return check


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _system_roots() -> bytes:
    for candidate in (os.environ.get("SSL_CERT_FILE", ""), ssl.get_default_verify_paths().cafile, *_SYSTEM_BUNDLES):
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    raise ConfigurationError("No system certificate bundle was found", "Install ca-certificates.")
