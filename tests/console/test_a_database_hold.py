"""A held transaction on the page, in a real browser: what it did to which table, the statements, the bounds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import Browser, Tab, browser
from page import Page
from scene import volume_delete

from yett.approvals.facts import Facts
from yett.model.effects import Effect, Recovery
from yett.model.operation import Amount, Governed, Operation, Rows, Via
from yett.model.resource import Environment, Place, Resource, ResourceRef
from yett.model.undo import UndoPlan

pytestmark = pytest.mark.browser

EVIL = "DELETE FROM users WHERE id <= 10 /* </code><script>document.title='owned'</script>\u202e */"
COPIES = (
    "last 2026-11-20 03:00 UTC: /var/backups/saas/saas.dump, 81,920 bytes, never restored; "
    "SAME BLAST RADIUS: on the database's own disk",
    "1 standby repeats every change at once: no backup",
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    opened = chromium.tab()
    opened.screen(390, 844)
    yield opened
    opened.call("Page.close")


def database_delete() -> Facts:
    """A DELETE that cascades, as the database's wire puts it."""
    model = volume_delete()
    users = ResourceRef("postgres", "table", "7/5/101")
    rows = (
        Rows("public.bookings", deleted=1240, via=Via.CASCADE),
        Rows("public.cars", updated=3, via=Via.DETACH),
        Rows("public.users", deleted=10),
    )
    operation = Operation(
        "postgres:delete.beyond",
        Effect.DELETE,
        Recovery.FROM_UNDO,
        Governed("postgres", (users,)),
        "postgres",
        {"statements": [EVIL], "changes": [[one.table, "delete"] for one in rows]},
        cost=Amount(rows=1253),
        rows=rows,
    )
    stands = (Environment("postgres", "7/5", "staging"),)
    hang = ("bookings (foreign key, deletes with it)",)
    resource = Resource(users, "public.users", stands, size_bytes=81920, dependants=hang, copies=COPIES)
    gaps = (
        "sequences keep the numbers that were drawn or set: public.users_id_seq",
        "messages that it sent with NOTIFY",
    )
    undo = UndoPlan(True, "the rows as they were, kept before COMMIT", gaps)
    situation = replace(
        model.situations[0], operation=operation, resource=resource, place=Place.TASK, irreversible=False, undo=undo
    )
    attempt = replace(model.attempt, wire="postgres", operations=(operation,), summary="saastr: DELETE FROM users ...")
    return replace(model, attempt=attempt, situations=(situation,), impact=Amount(rows=1253))


def test_a_person_sees_the_statement_its_effect_and_the_bounds(live: Page, tab: Tab, chromium: Browser) -> None:
    hold = live.scene.open(database_delete())
    tab.open(f"{live.origin}/holds/{hold.id}")
    text = tab.text()
    assert "deletes 10 users, cascades to 1,240 bookings, detaches 3 cars" in text
    assert "cascades to 1,240 rows of public.bookings (exact; signed up to 1,302)" in text
    assert "detaches 3 rows of public.cars (exact; signed up to 13)" in text
    assert "deletes 10 rows of public.users (exact; signed up to 20)" in text
    assert "DELETE FROM users WHERE id <= 10" in text
    assert "public.users is 81.9 kB" in text
    assert "bookings (foreign key, deletes with it)" in text
    assert "SAME BLAST RADIUS" in text
    assert "not covered: sequences keep the numbers" in text
    assert tab.evaluate("document.title") != "owned"
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert chromium.problems == []
    if kept := os.environ.get("YETT_KEEP_PICTURES"):
        tab.screenshot(Path(kept) / "database-hold.png")


def test_an_estimate_on_the_page_is_told_from_a_count(live: Page, tab: Tab, chromium: Browser) -> None:
    facts = database_delete()
    rows = (Rows("public.events", deleted=1_234_567, estimated=True), Rows("public.users", deleted=1_240))
    operation = replace(facts.attempt.operations[0], action="postgres:drop.beyond", rows=rows)
    situation = replace(facts.situations[0], operation=operation)  # type: ignore[type-var]
    attempt = replace(facts.attempt, operations=(operation,))
    hold = live.scene.open(replace(facts, attempt=attempt, situations=(situation,), digest="another"))
    tab.open(f"{live.origin}/holds/{hold.id}")
    text = tab.text()
    assert "deletes about 1.2 million events and 1,240 users" in text
    assert "about 1.2 million rows of public.events (estimate; signed up to 2,469,144, counted before" in text
    assert "1,240 rows of public.users (exact; signed up to 1,302)" in text
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert chromium.problems == []
    if kept := os.environ.get("YETT_KEEP_PICTURES"):
        tab.screenshot(Path(kept) / "database-estimate.png")
