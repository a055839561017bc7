"""What a found credential can do, as its provider's room says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from yett.inventory.finding import Finding
from yett.inventory.reach.authority import reach_of
from yett.model.credential import Authority, Credential, Permission
from yett.model.effects import Effect, Recovery
from yett.model.errors import UpstreamFailed
from yett.model.http import HttpRequest
from yett.model.provider import ApiClient, ApiResponse, Inspector
from yett.model.resource import Backup, Environment, Resource, ResourceRef
from yett.model.secret import Secret
from yett.providers.book import ProviderBook
from yett.providers.room import Room

FINDING = Finding(Credential("fp", "railway", "account"), Secret("the-token"), "account token")
VOLUME = Permission("volumeDelete", "volume:v1", "db", "production", Effect.DELETE, Recovery.FROM_BACKUP, "volumes")


class Asked:
    """An inspector that answers from memory, and notes what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.refs: tuple[ResourceRef, ...] = ()

    async def environments(self, api: ApiClient, secret: str) -> tuple[Environment, ...]:
        return ()

    async def resolve(self, api: ApiClient, secret: str, refs: tuple[ResourceRef, ...]) -> tuple[Resource, ...]:
        self.refs = refs
        backups = (Backup("b1", "today", 1, dies_with_resource=True),)
        return tuple(Resource(ref, "db", (), backups) for ref in refs)

    async def authority(self, api: ApiClient, secret: str) -> Authority:
        if self.error is not None:
            raise self.error
        assert secret == "the-token"
        return Authority(True, "account token", "ada", True, (VOLUME,))


class Nowhere:
    """A client that must not be used."""

    async def send(self, request: HttpRequest) -> ApiResponse:
        raise AssertionError("nothing may be sent")

    def address(self, host: str, port: int) -> tuple[str, int]:
        raise AssertionError("nothing may be dialled")


def book_with(inspector: Inspector | None, tmp_path: Path) -> ProviderBook:
    """The real Railway room, with this inspector in place of its own."""
    real = ProviderBook.load().named("railway")
    assert real is not None
    room = replace(real, code=tmp_path)

    class Played(Room):
        __slots__ = ()

        def inspector(self) -> Inspector | None:
            return inspector

    played = Played(**{name: getattr(room, name) for name in Room.__slots__})
    return ProviderBook([played])


def test_the_backups_that_die_are_part_of_the_blast_radius(tmp_path: Path) -> None:
    inspector = Asked()
    blast = asyncio.run(reach_of(FINDING, book_with(inspector, tmp_path), Nowhere()))
    assert inspector.refs == (ResourceRef("railway", "volume", "v1"),)
    assert blast.reached[0].irreversible
    assert [backup.id for backup in blast.reached[0].dying] == ["b1"]


@pytest.mark.parametrize("error", [UpstreamFailed("no answer"), ValueError("not text")])
def test_no_answer_is_unknown(tmp_path: Path, error: Exception) -> None:
    blast = asyncio.run(reach_of(FINDING, book_with(Asked(error), tmp_path), Nowhere()))
    assert not blast.authority.known


def test_a_provider_without_inspector_or_room_is_unknown(tmp_path: Path) -> None:
    assert not asyncio.run(reach_of(FINDING, book_with(None, tmp_path), Nowhere())).authority.known
    stranger = replace(FINDING, credential=Credential("fp", "", "generic-secret"))
    assert not asyncio.run(reach_of(stranger, book_with(None, tmp_path), Nowhere())).authority.known
