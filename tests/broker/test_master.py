"""The master key: in the OS keyring, or in a file that only its owner reads."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import keyring.errors
import pytest

from yett.broker.master import FILE, MARK, master_key, system_keyring
from yett.model.errors import ConfigurationError


class Ring:
    """A keyring in memory."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked
        self.items[(service, username)] = password


def test_without_a_keyring_the_key_is_a_private_file_made_once(tmp_path: Path) -> None:
    key = master_key(tmp_path, None)
    assert master_key(tmp_path, None) == key
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused_with_a_remedy(tmp_path: Path, mode: int) -> None:
    master_key(tmp_path, None)
    (tmp_path / FILE).chmod(mode)
    with pytest.raises(ConfigurationError) as refused:
        master_key(tmp_path, None)
    assert "chmod 600" in refused.value.remedy


def test_a_key_of_another_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master_key(tmp_path, None)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ConfigurationError) as refused:
        master_key(tmp_path, None)
    assert "chown 12345" in refused.value.remedy


def test_a_link_in_the_keys_place_is_refused(tmp_path: Path) -> None:
    master_key(tmp_path, None)
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError):
        master_key(tmp_path, None)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_key_of_the_wrong_length_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(ConfigurationError):
        master_key(tmp_path, None)


def test_a_keyring_holds_the_key_and_no_file_does(tmp_path: Path) -> None:
    ring = Ring()
    key = master_key(tmp_path, ring)
    assert master_key(tmp_path, ring) == key
    assert not (tmp_path / FILE).exists()
    assert (tmp_path / MARK).exists()


def test_a_keyring_that_is_gone_later_is_an_error_not_a_new_key(tmp_path: Path) -> None:
    ring = Ring()
    master_key(tmp_path, ring)
    with pytest.raises(ConfigurationError):
        master_key(tmp_path, None)
    ring.locked = True
    with pytest.raises(ConfigurationError) as refused:
        master_key(tmp_path, ring)
    assert "Unlock" in refused.value.remedy


def test_a_keyring_that_keeps_nothing_gives_way_to_the_file(tmp_path: Path) -> None:
    ring = Ring()
    ring.locked = True
    key = master_key(tmp_path, ring)
    assert (tmp_path / FILE).exists()
    assert master_key(tmp_path, ring) == key


def test_a_key_in_a_file_stays_there_when_a_keyring_appears(tmp_path: Path) -> None:
    key = master_key(tmp_path, None)
    assert master_key(tmp_path, Ring()) == key


def test_a_machine_without_a_keyring_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import fail

    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    assert system_keyring() is None
