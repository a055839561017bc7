"""The vault over a real store and ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from broker_scene import TOKEN
from sqlalchemy import select

from yett.broker.records import Kept
from yett.broker.seal import Keys, SealBroken, new_master
from yett.broker.vault import NoSuchSecret, Vault
from yett.ledger.journal import Journal
from yett.model.errors import LedgerUnavailable, YettError
from yett.store import tables


def put(vault: Vault, name: str = "token", value: str = TOKEN) -> Kept:
    return vault.put(name, "railway", "account-token", value, "manage domains", "ada", hosts=["Backboard.Railway.app."])


def test_a_secret_comes_back_after_a_restart(vault: Vault, journal: Journal, keys: Keys) -> None:
    kept = put(vault)
    again = Vault(journal, keys)
    assert again.get("token") == TOKEN
    assert again.list() == (kept,)
    assert kept.hosts == ("backboard.railway.app",)
    assert kept.last_four == TOKEN[-4:]


def test_no_file_of_the_store_holds_the_value(vault: Vault, journal: Journal, tmp_path: Path) -> None:
    put(vault)
    journal.checkpoint()
    for file in tmp_path.iterdir():
        assert TOKEN.encode() not in file.read_bytes()


def test_putting_and_removing_stand_in_the_log_by_fingerprint(vault: Vault, journal: Journal) -> None:
    kept = put(vault)
    vault.remove("token")
    log = journal.store.read(lambda c: list(c.execute(select(tables.ledger_entry.c.data)).scalars()))
    assert len(log) == 2
    assert kept.fingerprint.encode() in log[0]
    assert b"removed" in log[1]


def test_a_removed_secret_is_gone_from_the_store_too(vault: Vault, journal: Journal, keys: Keys) -> None:
    put(vault)
    vault.remove("token")
    sealed = journal.store.read(lambda c: c.execute(select(tables.secrets.c.sealed)).scalar_one())
    assert sealed is None
    assert Vault(journal, keys).list() == ()
    for gone in (vault.get, vault.secret, vault.kept, vault.remove):
        with pytest.raises(NoSuchSecret):
            gone("token")


def test_the_same_name_is_replaced(vault: Vault) -> None:
    put(vault)
    put(vault, value="another-value-of-the-token")
    assert vault.get("token") == "another-value-of-the-token"
    assert len(vault.list()) == 1


def test_a_row_that_was_moved_does_not_open(vault: Vault, journal: Journal, keys: Keys) -> None:
    put(vault)
    journal.commit(lambda tx: tx.execute(tables.secrets.update().values(name="other"))).result()
    with pytest.raises(SealBroken):
        Vault(journal, keys)


def test_another_master_key_opens_no_vault(vault: Vault, journal: Journal) -> None:
    put(vault)
    with pytest.raises(SealBroken) as broken:
        Vault(journal, Keys(new_master()))
    assert "master key" in broken.value.remedy


def test_without_a_ledger_nothing_is_kept(vault: Vault, journal: Journal) -> None:
    journal.close()
    with pytest.raises(LedgerUnavailable):
        put(vault)
    assert vault.list() == ()


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("x", "")])
def test_a_secret_needs_a_name_and_a_value(vault: Vault, name: str, value: str) -> None:
    with pytest.raises(YettError):
        put(vault, name, value)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("key", "k" * 19 + "wxyz", "wxyz"),
        ("key", "k" * 19, ""),
        ("password", "k" * 30, ""),
        ("key", "k" * 20 + "a/b=", ""),
    ],
)
def test_the_last_four_are_of_long_machine_tokens_only(vault: Vault, kind: str, value: str, shown: str) -> None:
    assert vault.put("n", "p", kind, value, "", "ada").last_four == shown
