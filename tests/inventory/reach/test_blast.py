"""Blast radius and gap: what a credential reaches, what dies with it, and what it was for."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from yett.inventory.reach.blast import blast_radius, gap
from yett.inventory.reach.drawing import blast_svg
from yett.inventory.reach.words import blast_text, gap_text
from yett.model.credential import Authority, Credential, Permission
from yett.model.effects import Effect, Recovery
from yett.model.resource import Backup, Environment, Resource, ResourceRef

TOKEN = Credential("fp", "railway", "account", last_four="4e5f", purpose="manage custom domains")
PRODUCTION = Environment("railway", "e1", "production")


def permission(actions: str, resource: str, name: str, environment: str, effect: Effect, left: Recovery) -> Permission:
    return Permission(actions, resource, name, environment, effect, left, "test")


AUTHORITY = Authority(
    True,
    "account token",
    "ada@example.test",
    True,
    (
        permission("*", "account:a1", "ada@example.test", "*", Effect.ADMIN, Recovery.NONE),
        permission("customDomainCreate", "service:s1", "web", "staging", Effect.WRITE, Recovery.AUTOMATIC),
        permission("environmentDelete", "environment:e2", "staging", "staging", Effect.DELETE, Recovery.FROM_BACKUP),
        permission("volumeDelete", "volume:v1", "api/postgres", "production", Effect.DELETE, Recovery.NONE),
        permission("variables", "environment:e1", "production", "production", Effect.ADMIN, Recovery.AUTOMATIC),
    ),
)
VOLUME = Resource(
    ResourceRef("railway", "volume", "v1"),
    "api/postgres",
    (PRODUCTION,),
    (Backup("b1", "2026-01-01", 10, True), Backup("b2", "2026-01-02", 10, True), Backup("b3", "2025-12-01", 9, False)),
)


def test_the_production_volume_and_its_backups_are_in_the_blast_radius() -> None:
    blast = blast_radius(TOKEN, AUTHORITY, [VOLUME])
    assert blast.whole == ("account ada@example.test",)
    assert blast.environments == ("production", "staging")
    worst = blast.within("production")[0]
    assert (worst.name, worst.irreversible) == ("api/postgres", True)
    assert [backup.id for backup in worst.dying] == ["b1", "b2"]
    assert [backup.id for backup in worst.outliving] == ["b3"]


def test_a_resource_whose_every_backup_dies_with_it_is_irreversible() -> None:
    fate = permission("volumeDelete", "volume:v1", "v", "production", Effect.DELETE, Recovery.FROM_BACKUP)
    authority = Authority(True, "token", "", False, (fate,))
    assert not blast_radius(TOKEN, authority, [VOLUME]).reached[0].irreversible
    dying = Resource(VOLUME.ref, "v", (PRODUCTION,), VOLUME.backups[:2])
    assert blast_radius(TOKEN, authority, [dying]).reached[0].irreversible
    assert blast_radius(TOKEN, authority).reached[0].irreversible


def test_the_gap_is_authority_minus_purpose() -> None:
    found = gap(AUTHORITY, TOKEN.purpose)
    assert [each.actions for each in found.beyond] == ["*", "environmentDelete", "volumeDelete", "variables"]
    assert (found.number, found.total) == (4, 5)
    declared = gap(AUTHORITY, TOKEN.purpose, needed=["customDomain*", "variables"])
    assert declared.number == 3


@pytest.mark.parametrize("purpose", ["", "manage the access token", "x"])
def test_a_purpose_that_says_nothing_covers_nothing(purpose: str) -> None:
    assert gap(AUTHORITY, purpose).number == 5


def test_the_words() -> None:
    text = blast_text(blast_radius(TOKEN, AUTHORITY, [VOLUME]))
    assert "railway account ...4e5f" in text
    assert "volume api/postgres: volumeDelete (delete, nothing brings it back)" in text
    assert "2 backups die with it" in text
    assert text.index("production") < text.index("staging")
    assert 'Beyond "manage custom domains": 4 of 5 things it can do.' in gap_text(gap(AUTHORITY, TOKEN.purpose))


def test_an_unknown_authority_is_never_drawn_as_small() -> None:
    unknown = Authority(False, "", "", False)
    blast = blast_radius(TOKEN, unknown)
    assert "unknown: treat it as everything" in blast_text(blast)
    assert "unknown: treat it as everything" in blast_svg(blast)
    assert "unknown" in gap_text(gap(unknown, "domains"))


def test_the_drawing_is_one_wellformed_svg_without_script_or_style() -> None:
    drawing = blast_svg(blast_radius(TOKEN, AUTHORITY, [VOLUME]))
    root = ET.fromstring(drawing)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = "".join(root.itertext())
    for shown in ("postgres", "production", "2 backups die with it", "1 outlive it"):
        assert shown in texts
    assert not re.search(r"<(script|style|foreignObject|a|image)\b|\bon\w+=|style=|href", drawing)


HOSTILE = '"><script>alert(1)</script>\u202e\x1b[2J\ud800'


def test_hostile_names_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """Law 13: whoever named the volume wrote this."""
    hostile = permission("volumeDelete", "volume:v1", HOSTILE, HOSTILE, Effect.DELETE, Recovery.NONE)
    authority = Authority(True, HOSTILE, HOSTILE, False, (hostile,))
    credential = Credential("fp", "railway", "account", purpose=HOSTILE)
    blast = blast_radius(credential, authority)
    drawing = blast_svg(blast)
    ET.fromstring(drawing)
    assert "<script" not in drawing
    for shown in (drawing, blast_text(blast), gap_text(gap(authority, HOSTILE))):
        assert not set(shown) & {"\u202e", "\x1b", "\ud800"}
