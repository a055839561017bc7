"""Where the master key lies: the OS keyring where there is one, else a file that only its owner can read.

The choice is made once. A mark in the state directory says that the keyring holds the key, so that a keyring which is
locked or gone later is an error with a remedy, not a new key that opens nothing.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Protocol

import keyring
import keyring.backends.fail
import keyring.backends.null
from keyring.errors import KeyringError

from yett.broker.seal import MASTER_BYTES, new_master
from yett.model.errors import ConfigurationError
from yett.model.secret import Secret

SERVICE = "yett"
FILE = "master.key"
MARK = "master.in-keyring"


class Keyring(Protocol):
    """The two calls of the keyring package that are used here."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...


def system_keyring() -> Keyring | None:
    """The OS keyring, None where the package found no backend that keeps anything."""
    backend = keyring.get_keyring()
    unusable = (keyring.backends.fail.Keyring, keyring.backends.null.Keyring)
    if isinstance(backend, unusable) or backend.priority <= 0:
        return None
    return backend


def master_key(home: Path, ring: Keyring | None) -> Secret:
    """The master key of this state directory, made on first use.

    Raises:
        ConfigurationError: the file has another owner or mode, or the keyring that holds the key does not give it.
    """
    file, mark = home / FILE, home / MARK
    if mark.exists():
        return _from_keyring(ring, home)
    if file.exists() or ring is None:
        return _from_file(file)
    return _new_in_keyring(ring, home, mark) or _from_file(file)


def _from_keyring(ring: Keyring | None, home: Path) -> Secret:
    kept = None
    if ring is not None:
        try:
            kept = ring.get_password(SERVICE, str(home))
        except KeyringError as error:
            raise _keyring_silent(home, type(error).__name__) from None
    if kept is None:
        raise _keyring_silent(home, "no such item")
    return _checked(bytes.fromhex(kept), f"keyring item {SERVICE}, {home}")


def _new_in_keyring(ring: Keyring, home: Path, mark: Path) -> Secret | None:
    """A new key in the keyring; None if the keyring does not keep it (locked, read-only)."""
    key = new_master()
    try:
        ring.set_password(SERVICE, str(home), key.reveal().hex())
        if ring.get_password(SERVICE, str(home)) != key.reveal().hex():
            return None
    except KeyringError:
        return None
    os.close(os.open(mark, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    return key


def _from_file(path: Path) -> Secret:
    if path.exists() or path.is_symlink():
        return _read(path)
    key = new_master()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # Written whole, then linked: of two first starts one makes the key, the other reads that one, never half of it.
        new = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(new, "wb") as file:
            file.write(key.reveal())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"The master key {path} cannot be written: {error.strerror}.", "Check that its folder exists and is yours."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return key


def _read(path: Path) -> Secret:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(
            f"The master key {path} cannot be read: {error.strerror}.", "Make it a plain file that you own."
        ) from error
    with os.fdopen(opened, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
            raise ConfigurationError(
                f"The master key {path} does not belong to you.", f"Run chown {os.geteuid()} {path} if it is yours."
            )
        if stat.S_IMODE(facts.st_mode) & 0o077:
            raise ConfigurationError(
                f"The master key {path} can be read by others.",
                f"Run chmod 600 {path}, then rotate every secret in the vault: others may have read it.",
            )
        return _checked(file.read(MASTER_BYTES + 1), str(path))


def _checked(value: bytes, where: str) -> Secret:
    if len(value) != MASTER_BYTES:
        raise ConfigurationError(
            f"The master key in {where} has {len(value)} bytes, not {MASTER_BYTES}.", "Restore it from its backup."
        )
    return Secret(value)


def _keyring_silent(home: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The master key of {home} lies in the system's keyring, which does not give it ({why}).",
        "Unlock the keyring, or start Yett in the login session that has it.",
    )
