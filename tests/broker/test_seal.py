"""Sealed at rest, named by a keyed fingerprint, never shown."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from yett.broker.seal import Keys, SealBroken, new_master
from yett.model.secret import Secret

VALUE = Secret("sk-live-4f9d1c77aa20b6e8")


def test_what_was_sealed_opens_with_the_same_words_only() -> None:
    keys = Keys(new_master())
    sealed = keys.seal(VALUE, "name", "railway")
    assert keys.open(sealed, "name", "railway") == VALUE
    assert VALUE.reveal() not in sealed
    for words in (("other", "railway"), ("name", "github"), ("namerailway", ""), ("name",)):
        with pytest.raises(SealBroken):
            keys.open(sealed, *words)


@pytest.mark.parametrize(
    "damage", [lambda s: s[:-1], lambda s: s[:-1] + bytes((s[-1] ^ 1,)), lambda s: b"\2" + s[1:], lambda s: b""]
)
def test_changed_bytes_do_not_open(damage: object) -> None:
    keys = Keys(new_master())
    with pytest.raises(SealBroken) as broken:
        keys.open(damage(keys.seal(VALUE, "n", "p")), "n", "p")  # type: ignore[operator]  # a lambda of the table above
    assert VALUE.text() not in broken.value.diagnostics()


def test_another_master_key_opens_nothing_and_names_differently() -> None:
    one, other = Keys(new_master()), Keys(new_master())
    with pytest.raises(SealBroken):
        other.open(one.seal(VALUE, "n", "p"), "n", "p")
    assert one.fingerprint(b"x") == one.fingerprint(b"x") != other.fingerprint(b"x")


def test_the_same_value_is_sealed_differently_each_time() -> None:
    keys = Keys(new_master())
    assert keys.seal(VALUE, "n", "p") != keys.seal(VALUE, "n", "p")


def test_a_secret_shows_nothing() -> None:
    shown = [repr(VALUE), str(VALUE), f"{VALUE}", f"{VALUE:>40}", "%s" % VALUE, repr([VALUE]), repr({"a": VALUE})]  # noqa: UP031 - every way counts
    assert not any("4f9d" in text for text in shown)
    for leak in (lambda: pickle.dumps(VALUE), lambda: json.dumps(VALUE), lambda: bytes(VALUE), lambda: vars(VALUE)):  # type: ignore[call-overload]  # none of these may work
        with pytest.raises(TypeError):
            leak()
    assert copy.deepcopy(VALUE) is VALUE
    assert "4f9d" not in repr(Keys(VALUE))


def test_secrets_compare_by_value() -> None:
    assert Secret(b"a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a")} == {Secret("a")}


def test_a_secret_that_is_not_text_says_so_without_itself() -> None:
    with pytest.raises(ValueError, match="not text"):
        Secret(b"\xff\xfe").text()
