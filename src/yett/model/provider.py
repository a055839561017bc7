"""What a provider folder can do, as protocols (design, section 6). A room implements those it can, and says which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yett.model.credential import Authority
from yett.model.http import HttpRequest
from yett.model.operation import Operation
from yett.model.resource import Environment, Resource, ResourceRef
from yett.model.undo import UndoPlan, UndoRecord


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A provider's answer to Yett's own call."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ApiClient(Protocol):
    """Yett's own way to a provider: dials through the gate's resolver, with the gate's trust roots."""

    async def send(self, request: HttpRequest) -> ApiResponse: ...

    def address(self, host: str, port: int) -> tuple[str, int]:
        """Where a data wire (a database) of that name is reached."""
        ...


class Inspector(Protocol):
    """Ask the provider about resources, environments and credentials. Never changes anything."""

    async def environments(self, api: ApiClient, secret: str) -> tuple[Environment, ...]: ...

    async def resolve(self, api: ApiClient, secret: str, refs: tuple[ResourceRef, ...]) -> tuple[Resource, ...]:
        """Describe each resource. One that does not exist or cannot be seen comes back with no environments."""
        ...

    async def authority(self, api: ApiClient, secret: str) -> Authority: ...


class Undoer(Protocol):
    """Capture, verify and restore, with nothing but what a customer of the provider has."""

    async def plan(self, api: ApiClient, secret: str, operation: Operation) -> UndoPlan: ...

    async def capture(self, api: ApiClient, secret: str, operation: Operation, folder: Path) -> UndoRecord:
        """Make the undo in `folder` and verify it by restoring beside. Raises YettError if either fails."""
        ...

    def restore(self, api: ApiClient, secret: str, record: UndoRecord) -> AsyncIterator[str]:
        """Bring it back, yielding one line of progress a step; the last line names what was made."""
        ...
