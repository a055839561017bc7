"""The kept inventory: what looks at a workspace leave in the store, on both databases."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from yett.inventory.finding import Acceptance, Finding
from yett.inventory.kept import inventory as rooms_of_kept
from yett.inventory.kept import rows as kept_rows
from yett.inventory.kept.acceptances import Accepted, State, counting, state_of
from yett.inventory.kept.duties import Lack, duties_of
from yett.inventory.kept.inventory import Kept, Looked
from yett.inventory.severity import Severity
from yett.ledger.journal import Journal
from yett.ledger.notes import Signer
from yett.model.credential import Credential, Location
from yett.model.secret import Secret
from yett.store import Store, tables

HERE = "/work/shop"
DAY_NS = 86_400 * 10**9


@pytest.fixture
def journal(store: Store) -> Iterator[Journal]:
    journal = Journal(store, Signer("yett/test", Ed25519PrivateKey.from_private_bytes(b"k" * 32)))
    yield journal
    journal.close()


@pytest.fixture
def kept(journal: Journal) -> Kept:
    return Kept(journal)


def value_of(number: int) -> bytes:
    letters = random.Random(number)
    return "".join(letters.choices("abcdefghijkmnpqrstuvwxyz23456789", k=32)).encode()


def finding(number: int, *paths: str, severity: Severity = Severity.HIGH, source: str = "file") -> Finding:
    value = value_of(number)
    places = tuple(Location(source, path, 3) for path in paths or (f"{HERE}/.env",))
    credential = Credential(hashlib.sha256(value).hexdigest(), "acme", "acme-key", places, value[-4:].decode())
    return Finding(credential, Secret(value), "Acme key", severity=severity, identity="api-key")


def live(kept: Kept, workspace: str = HERE) -> dict[str, kept_rows.Sighting]:
    return {one.fingerprint: one for one in kept.list(workspace) if one.gone_since is None}


def entries(store: Store) -> list[dict[str, object]]:
    rows = store.read(lambda c: c.execute(select(tables.ledger_entry.c.data)).scalars().all())
    return [one["body"] for one in map(json.loads, rows) if one["kind"] == "inventory"]


def test_a_credential_is_new_once_and_keeps_the_day_it_was_first_seen(kept: Kept) -> None:
    one, first = finding(1), time.time_ns()
    assert kept.record(HERE, [one], first).new == (one.credential.fingerprint,)
    assert not kept.record(HERE, [one], first + 5)
    row = live(kept)[one.credential.fingerprint]
    assert (row.first_seen, row.last_seen) == (first, first + 5)
    assert row.places == (kept_rows.Place("file", f"{HERE}/.env", 3),)


def test_what_a_whole_scan_misses_is_gone_and_may_come_back(kept: Kept) -> None:
    one, two, at = finding(1), finding(2), time.time_ns()
    kept.record(HERE, [one, two], at)
    assert kept.record(HERE, [two], at + 1).gone == (one.credential.fingerprint,)
    assert set(live(kept)) == {two.credential.fingerprint}
    assert kept.record(HERE, [one, two], at + 2).back == (one.credential.fingerprint,)
    assert live(kept)[one.credential.fingerprint].first_seen == at


def test_what_someone_saw_after_a_scan_began_is_not_gone_when_it_ends(kept: Kept) -> None:
    one, at = finding(1), time.time_ns()
    kept.record(HERE, [one], at + 10, Looked(frozenset({f"{HERE}/.env"})))
    assert not kept.record(HERE, [], at).gone
    assert kept.record(HERE, [], at + 20).gone


def test_a_look_at_one_file_says_nothing_about_others(kept: Kept) -> None:
    one, other, at = finding(1, f"{HERE}/a", f"{HERE}/b"), finding(2, f"{HERE}/c"), time.time_ns()
    kept.record(HERE, [one, other], at)
    assert not kept.record(HERE, [], at + 1, Looked(frozenset({f"{HERE}/a"})))
    rows = live(kept)
    assert [place.path for place in rows[one.credential.fingerprint].places] == [f"{HERE}/b"]
    assert other.credential.fingerprint in rows
    assert kept.record(HERE, [], at + 2, Looked(frozenset({f"{HERE}/b"}))).gone == (one.credential.fingerprint,)


def test_a_credential_that_moved_to_another_file_was_never_gone(kept: Kept) -> None:
    at = time.time_ns()
    kept.record(HERE, [finding(1, f"{HERE}/a")], at)
    moved = kept.record(HERE, [finding(1, f"{HERE}/b")], at + 1, Looked(frozenset({f"{HERE}/a", f"{HERE}/b"})))
    assert not moved
    assert [place.path for row in live(kept).values() for place in row.places] == [f"{HERE}/b"]


def test_a_folder_that_is_gone_takes_what_lay_below_it_and_nothing_beside_it(kept: Kept) -> None:
    below, beside, at = (
        finding(1, f"{HERE}/old/x/a.zip!/k", source="archive"),
        finding(2, f"{HERE}/older"),
        time.time_ns(),
    )
    kept.record(HERE, [below, beside], at)
    gone = kept.record(HERE, [], at + 1, Looked(folders=(f"{HERE}/old",))).gone
    assert gone == (below.credential.fingerprint,)
    assert set(live(kept)) == {beside.credential.fingerprint}


def test_history_and_variables_are_not_undone_by_a_look_at_files(kept: Kept) -> None:
    one, at = finding(1, f"{HERE}/.env", source="history"), time.time_ns()
    kept.record(HERE, [one], at)
    assert not kept.record(HERE, [], at + 1, Looked(frozenset({f"{HERE}/.env"}), (HERE,)))


def test_one_credential_in_two_workspaces_has_one_owner(kept: Kept, journal: Journal) -> None:
    one, at = finding(1), time.time_ns()
    for workspace in (HERE, "/work/other"):
        kept.record(workspace, [one], at)
    journal.commit(lambda tx: kept_rows.set_owner(tx, one.credential.fingerprint, "Ada", "2031-01-01")).result()
    assert [(row.workspace, row.owner) for row in kept.list()] == [("/work/other", "Ada"), (HERE, "Ada")]
    kept.record(HERE, [replace(one, title="Acme live key")], at + 1)
    assert {(row.title, row.owner, row.review) for row in kept.list()} == {("Acme live key", "Ada", "2031-01-01")}


def test_a_worse_severity_is_kept_and_a_lesser_one_at_one_of_two_places_is_not(kept: Kept) -> None:
    at, critical = time.time_ns(), Severity.CRITICAL
    kept.record(HERE, [finding(1, f"{HERE}/a", severity=critical)], at)
    kept.record(HERE, [finding(1, f"{HERE}/b", severity=Severity.LOW)], at + 1, Looked(frozenset({f"{HERE}/b"})))
    assert [row.severity for row in live(kept).values()] == [critical]
    kept.record(HERE, [finding(1, f"{HERE}/b", severity=Severity.LOW)], at + 2)
    assert [row.severity for row in live(kept).values()] == [Severity.LOW]


def test_five_thousand_credentials_are_kept_in_one_look(kept: Kept, store: Store) -> None:
    found, at = [finding(n, f"{HERE}/f{n}") for n in range(5000)], time.time_ns()
    began = time.monotonic()
    assert len(kept.record(HERE, found, at).new) == 5000
    assert time.monotonic() - began < 5
    assert not kept.record(HERE, found, at + 1)
    assert [entry["new"] for entry in entries(store)] == [5000, 0]


def test_a_workspace_has_a_quota_and_the_ledger_says_what_was_left_out(
    kept: Kept, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms_of_kept, "MOST_KEPT", 10)
    worst = finding(99, severity=Severity.CRITICAL)
    change = kept.record(HERE, [*(finding(n) for n in range(20)), worst], time.time_ns())
    assert change.left_out == 11
    assert worst.credential.fingerprint in live(kept)
    assert entries(store)[-1]["left_out"] == 11


def test_many_places_are_counted_beyond_those_listed(kept: Kept) -> None:
    kept.record(HERE, [finding(1, *(f"{HERE}/{n}" for n in range(500)))], time.time_ns())
    (row,) = live(kept).values()
    assert (len(row.places), row.further) == (200, 300)
    assert row.where.endswith("and 497 more")
    assert not kept.record(HERE, [], time.time_ns(), Looked(folders=(HERE,)))


@pytest.mark.parametrize(
    "path", ["{}", "backup-{}.txt", "{}/{}", "\udcff{}\udcfe", "x\n\x1b[2J\u202e{}", "y" * 3000 + "{}"]
)
def test_a_file_that_is_named_like_a_key_does_not_bring_the_key_into_the_store(
    kept: Kept, store: Store, path: str
) -> None:
    value = value_of(1)
    one = finding(1, f"{HERE}/{path.replace('{}', value.decode())}")
    kept.record(HERE, [replace(one, account=f"{value.decode()}@host", title=f"Acme {value.decode()}")], time.time_ns())
    (row,) = live(kept).values()
    assert "[secret]" in row.places[0].path
    kept_text = store.read(
        lambda c: [str(c.execute(select(table)).all()) for table in (tables.sightings, tables.credentials)]
    )
    rows = store.read(lambda c: c.execute(select(tables.ledger_entry.c.data)).scalars().all())
    assert value not in "".join(kept_text).encode() + b"".join(rows)


def test_a_token_of_a_known_form_in_a_files_name_is_hidden_though_no_file_holds_it(kept: Kept) -> None:
    token = f"sk_live_{value_of(7).decode()}"
    kept.record(HERE, [finding(1, f"{HERE}/{token}.txt")], time.time_ns())
    (row,) = live(kept).values()
    assert row.places[0].path == f"{HERE}/[secret].txt"


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\n\x1b[2J", b"plain"])
def test_a_file_of_any_name_is_gone_when_a_look_finds_nothing_in_it(kept: Kept, name: bytes) -> None:
    path, at = f"{HERE}/" + name.decode("utf-8", "surrogateescape"), time.time_ns()
    kept.record(HERE, [finding(1, path)], at)
    assert kept.record(HERE, [], at + 1, Looked(frozenset({path}))).gone


def test_an_account_with_a_nul_is_kept_on_every_database(kept: Kept) -> None:
    kept.record(HERE, [replace(finding(1), account="a\0b@host")], time.time_ns())
    (row,) = live(kept).values()
    assert row.account == "a\\x00b@host"


def test_only_whole_names_are_looked_for_when_events_were_lost(kept: Kept) -> None:
    value = value_of(1).decode()
    paths = (f"{HERE}/plain.zip!/inner", f"{HERE}/{value}", f"{HERE}/\udcff")
    kept.record(HERE, [finding(1, *paths)], time.time_ns())
    assert kept.files_of(HERE) == {f"{HERE}/plain.zip"}


def test_a_form_that_is_only_masked_is_no_credential_of_its_own(kept: Kept) -> None:
    kept.record(HERE, [replace(finding(1), title="Acme key, encoded")], time.time_ns())
    assert kept.list() == []


# ---- what a signature covers


def accepted(severity: Severity = Severity.CRITICAL, until: str = "2031-06-30") -> dict[str, tuple[Accepted, ...]]:
    return {"f": (Accepted("f", severity, Acceptance("why", until, "Ada")),)}


def ns(day: str, hour: int = 0) -> int:
    return (date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()) * DAY_NS + hour * 3600 * 10**9


@pytest.mark.parametrize(
    ("now", "counts"), [(ns("2031-06-30", 23), True), (ns("2031-07-01"), False), (ns("2031-01-01"), True)]
)
def test_an_acceptance_counts_until_the_end_of_its_last_day(now: int, counts: bool) -> None:
    assert (counting(accepted(), "f", Severity.CRITICAL, now) is not None) is counts


def test_an_acceptance_covers_nothing_worse_than_what_was_signed_and_nothing_else() -> None:
    now = ns("2031-01-01")
    assert counting(accepted(Severity.HIGH), "f", Severity.CRITICAL, now) is None
    assert counting(accepted(Severity.HIGH), "f", Severity.MEDIUM, now) is not None
    assert counting(accepted(), "another", Severity.LOW, now) is None


def test_the_state_is_new_for_a_week(kept: Kept) -> None:
    at = time.time_ns()
    kept.record(HERE, [finding(1)], at)
    (row,) = live(kept).values()
    assert state_of(row, None, at + 6 * DAY_NS) is State.NEW
    assert state_of(row, None, at + 8 * DAY_NS) is State.NOBODYS
    assert state_of(row, Acceptance("why", "2031-01-01", "Ada"), at) is State.ACCEPTED
    assert state_of(replace(row, gone_since=at), None, at) is State.GONE


@pytest.mark.parametrize(
    ("owner", "review", "lacks"),
    [
        ("", "", [Lack.OWNER, Lack.REVIEW]),
        ("Ada", "", [Lack.REVIEW]),
        ("Ada", "2030-12-31", [Lack.DUE]),
        ("", "2031-01-01", [Lack.OWNER]),
        ("Ada", "2031-01-01", []),
    ],
)
def test_what_nobody_answers_for_or_looked_at_is_a_finding_of_its_own(
    kept: Kept, owner: str, review: str, lacks: list[Lack]
) -> None:
    kept.record(HERE, [finding(1)], time.time_ns())
    (row,) = live(kept).values()
    found = duties_of(replace(row, owner=owner, review=review), date(2031, 1, 1))
    assert [duty.lack for duty in found] == lacks
    assert duties_of(replace(row, gone_since=1), date(2031, 1, 1)) == ()
