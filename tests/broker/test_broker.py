"""Leases, sealing and the streams, through the broker's front door."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from broker_scene import CLOUD, LOGIN, TOKEN, request, session_of
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from yett.broker.broker import Broker
from yett.broker.escapes import is_plain
from yett.broker.minting import AnswerWithheld
from yett.broker.needles import Needles
from yett.broker.vault import NoSuchSecret, Vault
from yett.ledger.journal import Journal
from yett.model.errors import CredentialRefused, LedgerUnavailable
from yett.model.secret import Secret
from yett.providers.book import ProviderBook
from yett.providers.room import Room
from yett.store import tables

SESSION = session_of()
MINTED = "minted-by-the-upstream-0123456789"


@pytest.fixture
def room(book: ProviderBook) -> Room:
    found = book.named("cloud")
    assert found is not None
    return found


def seal(broker: Broker, room: Room, paths: tuple[str, ...], answer: object, status: int = 200) -> object:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return json.loads(asyncio.run(broker.seal(SESSION, room, paths, body, status)))


# -- leases


def test_a_lease_is_in_the_store_and_the_log_without_its_placeholder(broker: Broker, journal: Journal) -> None:
    lease = broker.lease(SESSION, "cloud-token")
    assert lease.placeholder.startswith("yett_ph_")
    assert lease.expires == SESSION.task.expires
    assert lease.hosts == (CLOUD, LOGIN)
    row = journal.store.read(lambda c: c.execute(select(tables.leases)).one())
    log = journal.store.read(lambda c: list(c.execute(select(tables.ledger_entry.c.data)).scalars()))
    assert lease.placeholder not in str(row)
    assert not any(lease.placeholder.encode() in entry for entry in log)
    assert any(lease.id.encode() in entry for entry in log)


def test_a_session_has_one_lease_a_secret(broker: Broker) -> None:
    lease = broker.lease(SESSION, "cloud-token")
    assert broker.lease(SESSION, "cloud-token") == lease
    assert broker.lease(session_of("s-2"), "cloud-token").placeholder != lease.placeholder
    broker.revoke(lease.id)
    assert broker.lease(SESSION, "cloud-token").placeholder != lease.placeholder


def test_no_lease_without_a_ledger(broker: Broker, journal: Journal) -> None:
    journal.close()
    with pytest.raises(LedgerUnavailable):
        broker.lease(SESSION, "cloud-token")


def test_a_revocation_holds_even_where_it_cannot_be_recorded(broker: Broker, journal: Journal, room: Room) -> None:
    lease = broker.lease(SESSION, "cloud-token")
    journal.close()
    with pytest.raises(LedgerUnavailable):
        broker.revoke(SESSION.id)
    with pytest.raises(CredentialRefused):
        broker.examine(SESSION, request(authorization=f"Bearer {lease.placeholder}"), room)


def test_a_removed_secret_ends_its_leases_and_stays_refused(broker: Broker, room: Room) -> None:
    lease = broker.lease(SESSION, "cloud-token")
    broker.remove("cloud-token")
    for header in (f"Bearer {lease.placeholder}", f"Bearer {TOKEN}"):
        with pytest.raises(CredentialRefused):
            broker.examine(SESSION, request(authorization=header), room)
    with pytest.raises(CredentialRefused):
        broker.examine(SESSION, request("else.where", query=TOKEN), None)
    with pytest.raises(NoSuchSecret):
        broker.lease(SESSION, "cloud-token")


def test_a_jwt_is_lent_as_a_jwt_with_its_own_claims(broker: Broker, vault: Vault) -> None:
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({"alg": "RS256"}, {"exp": 9})
    ]
    vault.put("id", "cloud", "id_token", ".".join([*parts, "the-real-signature"]), "login", "ada")
    lease = broker.lease(SESSION, "id")
    assert lease.placeholder.split(".")[:2] == parts
    assert "real" not in lease.placeholder


# -- answers


def test_an_echoed_credential_comes_back_as_the_placeholder(broker: Broker, room: Room) -> None:
    lease = broker.lease(SESSION, "cloud-token")
    scrub = broker.scrubber(SESSION, room)
    assert scrub.feed(f"you sent {TOKEN[:9]}".encode()) == b"you sent "
    assert scrub.feed(f"{TOKEN[9:]}!".encode()) + scrub.finish() == f"{lease.placeholder}!".encode()


def test_a_secret_that_the_session_has_no_lease_on_is_hidden(broker: Broker, vault: Vault) -> None:
    out = broker.scrubber(SESSION).clean(TOKEN.encode())
    assert out == b"yett_hidden_" + vault.kept("cloud-token").fingerprint[:12].encode()


def test_a_secret_that_becomes_known_during_an_answer_is_scrubbed_from_the_rest(broker: Broker) -> None:
    scrub = broker.scrubber(SESSION)
    assert scrub.feed(b"a found-later-0123456789 ") == b"a found-later-0123456789 "
    broker.known({"fp": b"found-later-0123456789"})
    assert b"later" not in scrub.feed(b"b found-later-0123456789 ") + scrub.finish()


def test_minted_tokens_are_sealed_and_their_placeholders_work(broker: Broker, room: Room, vault: Vault) -> None:
    answer = {"access_token": MINTED, "refresh_token": "refresh-" + MINTED, "expires_in": 1.5, "echo": f"x{MINTED}x"}
    endpoint = room.token_endpoints[0]
    body = json.dumps(answer).encode()
    sealed = asyncio.run(broker.seal(SESSION, room, endpoint.answer, body, 200, endpoint))
    assert MINTED.encode() not in sealed
    out = json.loads(sealed)
    assert out["expires_in"] == 1.5
    access = request(authorization=f"Bearer {out['access_token']}")
    lease = broker.examine(SESSION, access, room)
    assert lease is not None
    assert broker.inject(access, lease).header("authorization") == f"Bearer {MINTED}"
    again = request(LOGIN, "/oauth/token", body=json.dumps({"refresh_token": out["refresh_token"]}).encode())
    lease = broker.examine(SESSION, again, room)
    assert lease is not None
    assert json.loads(broker.inject(again, lease).body or b"") == {"refresh_token": "refresh-" + MINTED}
    with pytest.raises(CredentialRefused):
        broker.examine(SESSION, request(authorization=f"Bearer {out['refresh_token']}"), room)
    assert {kept.kind for kept in vault.list()} >= {"access_token", "refresh_token"}


def test_what_a_login_host_gives_out_is_a_bearer_token_whatever_else_the_room_takes(broker: Broker, room: Room) -> None:
    keys_first = replace(room, positions=("header:project-key", "header:authorization"))
    endpoint = room.token_endpoints[0]
    body = json.dumps({"access_token": MINTED}).encode()
    out = json.loads(asyncio.run(broker.seal(SESSION, keys_first, endpoint.answer, body, 200, endpoint)))
    assert broker.examine(SESSION, request(authorization=f"Bearer {out['access_token']}"), keys_first) is not None


def test_only_what_a_login_brought_to_this_session_is_named_as_renewed(broker: Broker, room: Room) -> None:
    endpoint = room.token_endpoints[0]
    body = json.dumps({"access_token": MINTED}).encode()
    brought = json.loads(asyncio.run(broker.seal(SESSION, room, endpoint.answer, body, 200, endpoint)))["access_token"]
    found = broker.renewed(SESSION, "cloud", brought)
    assert found is not None
    assert (found[0], found[1].text()) == ("access_token", MINTED)
    assert broker.renewed(SESSION, "model", brought) is None
    assert broker.renewed(replace(SESSION, id="s-other"), "cloud", brought) is None
    assert broker.renewed(SESSION, "cloud", broker.lease(SESSION, "cloud-token").placeholder) is None
    minted = seal(broker, room, ("token",), {"token": "another-" + MINTED})
    assert isinstance(minted, dict)
    assert broker.renewed(SESSION, "cloud", minted["token"]) is None


def test_a_raw_minted_token_is_refused_afterwards(broker: Broker, room: Room) -> None:
    seal(broker, room, ("token",), {"token": MINTED})
    with pytest.raises(CredentialRefused):
        broker.examine(SESSION, request("else.where", query=MINTED), None)


def test_every_string_is_sealed_where_the_room_names_no_field(broker: Broker, room: Room, vault: Vault) -> None:
    before = len(vault.list())
    out = seal(broker, room, (), {"vars": {"KEY": MINTED, "NAME": "short", "n": 5, "ok": True, "no": None}})
    assert isinstance(out, dict)
    assert out["vars"]["KEY"].startswith("yett_ph_")
    assert out["vars"]["NAME"] == "yett_hidden"
    assert (out["vars"]["n"], out["vars"]["ok"], out["vars"]["no"]) == (5, True, None)
    assert len(vault.list()) == before + 1


@pytest.mark.parametrize(
    "answer", [b"<html>", {"other": MINTED}, {"token": {"inner": MINTED}}, {"token": 123456}, [], b"[" * 100_000]
)
def test_an_answer_that_is_not_as_declared_is_withheld(broker: Broker, room: Room, answer: object) -> None:
    with pytest.raises(AnswerWithheld) as withheld:
        seal(broker, room, ("token",), answer)
    assert MINTED not in withheld.value.diagnostics()


def test_a_refusal_of_the_upstream_passes(broker: Broker, room: Room) -> None:
    assert seal(broker, room, ("token",), {"error": "no"}, 400) == {"error": "no"}
    assert seal(broker, room, ("token",), {"token": None}) == {"token": None}
    assert asyncio.run(broker.seal(SESSION, room, ("token",), b"<html>", 502)) == b"<html>"


def test_nothing_minted_goes_on_if_it_cannot_be_kept(broker: Broker, room: Room, journal: Journal) -> None:
    journal.close()
    with pytest.raises(LedgerUnavailable):
        seal(broker, room, ("token",), {"token": MINTED})


def test_a_dump_of_credentials_is_withheld(broker: Broker, room: Room) -> None:
    with pytest.raises(AnswerWithheld):
        seal(broker, room, ("*",), [f"{MINTED}{n}" for n in range(500)])


# -- bodies that stream out


def test_a_known_secret_in_a_streamed_body_ends_it_before_its_last_byte(broker: Broker) -> None:
    watch = broker.watch_stream(SESSION)
    sent = watch.feed(b"x" * 100 + TOKEN[:20].encode())
    assert TOKEN[:20].encode() not in sent
    with pytest.raises(CredentialRefused) as refused:
        watch.feed(TOKEN[20:].encode())
    assert refused.value.fingerprint
    assert TOKEN not in refused.value.diagnostics()


@pytest.mark.parametrize(
    "write", [str, str.upper, lambda t: t[:9] + "\r\n" + t[9:], lambda t: "".join(f"%{ord(c):02x}" for c in t)]
)
def test_a_known_secret_in_a_text_that_goes_out_whole_is_refused(broker: Broker, write: Callable[[str], str]) -> None:
    with pytest.raises(CredentialRefused) as refused:
        broker.watch(b"SELECT 7 -- " + write(TOKEN).encode())
    assert refused.value.fingerprint
    broker.watch(b"SELECT 7 -- " + write(TOKEN[:-1]).encode())


def test_a_streamed_body_without_one_is_unchanged(broker: Broker) -> None:
    watch = broker.watch_stream(SESSION)
    body = bytes(range(256)) * 50 + TOKEN[:-1].encode()
    out = b"".join(watch.feed(body[at : at + 37]) for at in range(0, len(body), 37)) + watch.finish()
    assert out == body


@given(st.binary(min_size=15, max_size=40), st.integers(0, 30), st.binary(max_size=40))
def test_a_needle_that_stands_in_a_text_is_never_said_to_be_absent(value: bytes, before: int, after: bytes) -> None:
    known = Needles({"f": Secret(value + b"x"), "g": Secret(b"another one of them")})
    for needle in known._all:
        assert not known.are_absent(b"." * before + needle.text + after)


@pytest.mark.parametrize("size", [0, 7, 8, 1023, 1024, 1031, 1032, 5000])
def test_absence_is_said_of_short_texts_only_and_never_of_one_that_ends_with_the_secret(size: int) -> None:
    known = Needles({"f": Secret(b"abcdefghijklmnopqrst")})
    assert known.are_absent(b"." * size) is (size < 1032)
    assert size < 20 or not known.are_absent(b"." * (size - 20) + b"abcdefghijklmnopqrst")


@given(st.binary(max_size=40), st.sampled_from([0, 980, 1000, 1024]))
def test_a_text_is_plain_if_nothing_in_it_begins_an_escape_or_a_line(tail: bytes, before: int) -> None:
    assert is_plain(b"." * before + tail) is (not set(tail) & set(b"\n\r\\%&"))


def test_nothing_is_said_to_be_absent_where_a_needle_is_too_short_for_that() -> None:
    assert Needles({"f": Secret(b"abcdefghijklmnopqrst")}).are_absent(b"SELECT 1 FROM something")
    assert not Needles({"f": Secret(b"abcdefgh" + b"\n" * 12)}).are_absent(b"SELECT 1 FROM something")
