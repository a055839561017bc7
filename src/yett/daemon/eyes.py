"""The checkpoint's eyes: what providers say of resources, asked with Yett's own credential, remembered briefly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from yett.checkpoint.facts import NO_UNDO, unseen
from yett.checkpoint.places import EnvironmentMap
from yett.model.effects import Effect
from yett.model.errors import YettError
from yett.model.identity import Task
from yett.model.operation import Governed, Operation
from yett.model.provider import ApiClient
from yett.model.resource import Place, Resource, ResourceRef
from yett.model.undo import UndoPlan
from yett.providers.book import ProviderBook
from yett.recovery.undos import Undos

REMEMBER_S = 15.0
"""For decisions on reads and first looks; a release asks again (law 7)."""

LOOK_DEADLINE_S = 20.0
MOST_REMEMBERED = 4096


class Eyes:
    """Implements `checkpoint.facts.Facts`. `own_secret` is None where Yett has no credential of its own."""

    def __init__(
        self,
        book: ProviderBook,
        api: ApiClient,
        own_secret: Callable[[str], str | None],
        environments: Callable[[], EnvironmentMap],
        undos: Undos,
    ) -> None:
        self._book = book
        self._api = api
        self._own_secret = own_secret
        self._environments = environments
        self._undos = undos
        self._seen: dict[ResourceRef, tuple[float, Resource]] = {}

    async def resources(self, operation: Operation, *, fresh: bool) -> tuple[Resource, ...]:
        """Each resource as its provider describes it; one that cannot be looked at stands in no environment."""
        assert isinstance(operation.target, Governed)
        refs = operation.target.resources
        since = float("inf") if fresh else time.monotonic() - REMEMBER_S
        known = {ref: seen for ref in refs if (seen := self._seen.get(ref)) is not None and seen[0] >= since}
        missing = tuple(ref for ref in refs if ref not in known)
        if missing:
            now = time.monotonic()
            found = await self._look(operation.target.provider, missing)
            known |= {ref: (now, resource) for ref, resource in zip(missing, found, strict=True)}
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.clear()
        self._seen |= known
        return tuple(known[ref][1] for ref in refs)

    async def undo_plan(self, operation: Operation, resources: tuple[Resource, ...]) -> UndoPlan:
        if operation.effect not in (Effect.DELETE, Effect.WRITE):
            return NO_UNDO
        try:
            async with asyncio.timeout(LOOK_DEADLINE_S):
                return await self._undos.plan(operation)
        except (YettError, TimeoutError) as error:
            return UndoPlan(False, "", (f"no undo: {error}",))

    def place(self, task: Task, resource: Resource) -> Place:
        return self._environments().place(task, resource)

    def labels(self, resource: Resource) -> tuple[str, ...]:
        found = (self._environments().label(environment) for environment in resource.environments)
        return tuple(label for label in found if label is not None)

    def standing(self) -> object:
        return self._environments()

    async def _look(self, provider: str, refs: tuple[ResourceRef, ...]) -> tuple[Resource, ...]:
        room = self._book.named(provider)
        inspector = room.inspector() if room else None
        secret = self._own_secret(provider)
        if inspector is None or secret is None:
            return tuple(unseen(ref) for ref in refs)
        try:
            async with asyncio.timeout(LOOK_DEADLINE_S):
                found = await inspector.resolve(self._api, secret, refs)
        except (YettError, TimeoutError):
            return tuple(unseen(ref) for ref in refs)
        by_ref = {resource.ref: resource for resource in found}
        return tuple(by_ref.get(ref) or unseen(ref) for ref in refs)
