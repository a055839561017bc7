"""The platform's tokens and their reach: as wide as the real ones, with no operation scope (R9).

Values are lower-case UUIDs without a prefix. They are looked up without regard to case, since a UUID column would.
"""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from yett.lab.railway.world import NotAuthorized, Project, Volume, World


class Kind(enum.StrEnum):
    """What a token was issued for."""

    ACCOUNT = "account"
    WORKSPACE = "workspace"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Token:
    """One live token. A project token has its project and environment, a workspace token its workspace."""

    id: str
    name: str
    kind: Kind
    value: str
    created_at: datetime.datetime
    workspace_id: str | None = None
    project_id: str | None = None
    environment_id: str | None = None
    expires_at: None = None

    @property
    def display_token(self) -> str:
        """The value as the platform shows it in lists."""
        return f"****-{self.value[-4:]}"


class Keyring:
    """All live tokens."""

    def __init__(self) -> None:
        """Start without any."""
        self._by_value: dict[str, Token] = {}

    def __iter__(self) -> Iterator[Token]:
        """Iterate over the live tokens."""
        return iter(list(self._by_value.values()))

    def issue(
        self,
        name: str,
        kind: Kind,
        workspace_id: str | None = None,
        project_id: str | None = None,
        environment_id: str | None = None,
    ) -> Token:
        """Make a token that works from now on."""
        now = datetime.datetime.now(datetime.UTC)
        made = Token(str(uuid.uuid4()), name, kind, str(uuid.uuid4()), now, workspace_id, project_id, environment_id)
        self._by_value[made.value] = made
        return made

    def find(self, value: str) -> Token | None:
        """Return the live token of this value."""
        return self._by_value.get(value.strip().lower())

    def revoke(self, token_id: str, kinds: tuple[Kind, ...]) -> bool:
        """End a token; False where there is none of that id and kind."""
        for value, token in self._by_value.items():
            if token.id == token_id and token.kind in kinds:
                del self._by_value[value]
                return True
        return False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request. Each check raises `NotAuthorized` unless the token reaches that far."""

    token: Token | None
    world: World

    def known(self) -> Token:
        """Require any live token."""
        if self.token is None:
            raise NotAuthorized
        return self.token

    def account(self) -> Token:
        """Require the authority of the person."""
        if (token := self.known()).kind is not Kind.ACCOUNT:
            raise NotAuthorized
        return token

    def workspace(self, workspace_id: str) -> Token:
        """Require authority over a whole workspace."""
        token = self.known()
        if token.kind is Kind.ACCOUNT or (token.kind is Kind.WORKSPACE and token.workspace_id == workspace_id):
            return token
        raise NotAuthorized

    def project(self, project: Project) -> Token:
        """Require that the project can be seen."""
        token = self.known()
        if token.kind is Kind.PROJECT and token.project_id == project.id:
            return token
        return self.workspace(project.workspace_id)

    def environment(self, environment_id: str) -> Token:
        """Require authority inside one environment."""
        token = self.known()
        environment = self.world.environments[environment_id]
        if token.kind is Kind.PROJECT and token.environment_id == environment_id:
            return token
        return self.workspace(self.world.projects[environment.project_id].workspace_id)

    def owner(self, project_id: str) -> Token:
        """Require authority over a project as a whole: what no project token has."""
        return self.workspace(self.world.projects[project_id].workspace_id)

    def volume(self, volume: Volume) -> Token:
        """Require authority over a volume: its project's owner. Which environment it serves plays no part (R8)."""
        return self.owner(volume.project_id)
