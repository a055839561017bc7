"""C2SP signed-note and tlog-checkpoint with Ed25519, and the log's key file.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from yett.model.errors import ConfigurationError, YettError

_ED25519 = b"\x01"
_SECRET_KEY = "PRIVATE+KEY"
_MOST_SIGNATURES = 64
_MOST_BYTES = 1_000_000
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteRefused(YettError):
    """Not a note, or not one that the given key signed."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half: who signs, and with what. Its text form is `name+key id+base64(0x01 || public key)`."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || public key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises NoteRefused: malformed, another algorithm, or an id that does not fit."""
        name, _, rest = text.strip().partition("+")
        claimed, _, encoded = rest.partition("+")
        key = cls(_key_name(name), _ed25519(encoded))
        if claimed != key.id.hex():
            raise NoteRefused("The verifier key's id does not fit its name and key.", "Copy the whole key again.")
        return key


@dataclass(frozen=True, slots=True)
class Signer:
    """The log's own key. Its name is the log's origin."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """A note: `text` (which ends in a newline), a blank line, one signature line."""
        signature = base64.b64encode(self.verifier.id + self.key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many entries, which root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def open_log_key(path: Path, name: str) -> Signer:
    """Read the log's key from `path`, making it (mode 0600) if there is none.

    Raises:
        ConfigurationError: readable by others, malformed, or the key of a log of another name.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return _read_log_key(path, name)
    signer = Signer(_key_name(name), Ed25519PrivateKey.generate())
    encoded = base64.b64encode(_ED25519 + signer.key.private_bytes_raw()).decode()
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{_SECRET_KEY}+{name}+{signer.verifier.id.hex()}+{encoded}\n")
        file.flush()
        os.fsync(file.fileno())
    return signer


def open_note(note: str, key: VerifierKey) -> str:
    """The text of a note that `key` signed. Lines of other signers are ignored, as the specification asks.

    Raises:
        NoteRefused: malformed, not signed by `key`, or with a signature of `key` that is wrong.
    """
    text, signatures = _parse_note(note)
    ours = [raw[4:] for name, raw in signatures if name == key.name and raw[:4] == key.id]
    if not ours:
        raise NoteRefused(f"The note is not signed by {key.name}.", "Check that this is the log's verifier key.")
    public = Ed25519PublicKey.from_public_bytes(key.public)
    for signature in ours:
        try:
            public.verify(signature, text.encode())
        except InvalidSignature as error:
            raise NoteRefused(f"The note's signature by {key.name} is wrong.", "Do not trust what it says.") from error
    return text


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that `key` signed for the log of the same name. Raises NoteRefused."""
    lines = open_note(note, key).split("\n")
    if len(lines) < 4 or lines.pop() != "" or "" in lines or not _SIZE.fullmatch(lines[1]):
        raise NoteRefused("The note is not a checkpoint.", "A checkpoint is origin, size and root hash, a line each.")
    root = _base64(lines[2])
    if lines[0] != key.name or len(root) != 32:
        raise NoteRefused(f"The checkpoint is not one of the log {key.name}.", "Check which log it came from.")
    return Checkpoint(lines[0], int(lines[1]), root)


def _parse_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > _MOST_BYTES or any(char < " " and char != "\n" for char in note):
        raise NoteRefused("The note is too large or holds control characters.", "Get it again from its source.")
    head, found, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not found or lines.pop() != "" or not 1 <= len(lines) <= _MOST_SIGNATURES:
        raise NoteRefused("That is not a signed note.", "A note is text, a blank line, and signature lines.")
    signatures = []
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        raw = _base64(match[2]) if match else b""
        if not match or len(raw) < 5:
            raise NoteRefused("The note has a malformed signature line.", "Get it again from its source.")
        signatures.append((match[1], raw))
    return head + "\n", signatures


def _read_log_key(path: Path, name: str) -> Signer:
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"The log key {path} can be read by others.", f"chmod 600 {path}")
    parts = path.read_text().strip().split("+", 4)
    try:
        if "+".join(parts[:2]) != _SECRET_KEY or len(parts) != 5:
            raise NoteRefused("it does not begin with PRIVATE+KEY")
        signer = Signer(parts[2], Ed25519PrivateKey.from_private_bytes(_ed25519(parts[4])))
    except NoteRefused as error:
        raise ConfigurationError(f"The log key {path} is not a signing key.", "Restore it from a backup.") from error
    if signer.name != name or signer.verifier.id.hex() != parts[3]:
        raise ConfigurationError(
            f"The log key {path} signs for {signer.name}, not for {name}.", "Put back the key of this store's log."
        )
    return signer


def _key_name(name: str) -> str:
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise NoteRefused(f"{name!r} cannot name a key.", "Use a name without spaces and plus signs.")
    return name


def _ed25519(encoded: str) -> bytes:
    raw = _base64(encoded)
    if len(raw) != 33 or raw[:1] != _ED25519:
        raise NoteRefused("That is not an Ed25519 note key.", "Copy the whole key again.")
    return raw[1:]


def _base64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling: other spellings of the same bytes are refused."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefused("A base64 value is malformed.", "Get it again from its source.") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteRefused("A base64 value is not in its canonical spelling.", "Get it again from its source.")
    return raw
