"""The book of providers: every room by the hosts that it governs. A folder with a `provider.toml` is a room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from yett.model.errors import ConfigurationError
from yett.providers.actions import path_pattern, read_actions
from yett.providers.hosts import read_hosts
from yett.providers.room import HERE, CredentialKind, FilePlace, Room, Side, SideCall, TokenEndpoint, Wire
from yett.providers.table import Table

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_POSITION = re.compile(r"header:[a-z0-9-]+|basic|field:[A-Za-z_][\w.]*")


class ProviderBook:
    """All rooms. Immutable; a host belongs to one room."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self.rooms = tuple(rooms)
        by_host: dict[str, Room] = {}
        for room in self.rooms:
            for host in room.hosts:
                if host in by_host:
                    raise ConfigurationError(f"{host} is governed by both {by_host[host].name} and {room.name}")
                by_host[host] = room
        self._by_host: Mapping[str, Room] = MappingProxyType(by_host)

    @classmethod
    def load(cls, folder: Path = HERE) -> ProviderBook:
        """Read every `<name>/provider.toml` with its `operations.toml`, and `hosts.toml`; Yett's own once a process.

        Raises:
            ConfigurationError: a file that cannot be read whole, or a host in two rooms. Nothing is skipped.
        """
        return _shipped() if folder == HERE else cls._read(folder)

    @classmethod
    def _read(cls, folder: Path) -> ProviderBook:
        named = (read_room(path.parent) for path in sorted(folder.glob("*/provider.toml")))
        hosts = folder / "hosts.toml"
        return cls((*named, *(read_hosts(hosts) if hosts.is_file() else ())))

    def room(self, host: str) -> Room | None:
        """The room that governs a lower-case host name, None if the host is ungoverned."""
        return self._by_host.get(host)

    def named(self, name: str) -> Room | None:
        return self._by_name.get(name)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(self._by_host)

    @cached_property
    def _by_name(self) -> Mapping[str, Room]:
        return {room.name: room for room in self.rooms}


@cache
def _shipped() -> ProviderBook:
    return ProviderBook._read(HERE)


def read_room(folder: Path) -> Room:
    """Read one provider's folder. Raises ConfigurationError."""
    table = Table.of_file(folder / "provider.toml")
    room = Room(
        name=folder.name,
        title=table.text("title"),
        wire=table.choice("wire", Wire),
        hosts=table.texts("hosts", None),
        paths=frozenset(table.texts("paths")),
        positions=table.texts("positions"),
        credentials=tuple(_credential(kind) for kind in table.tables("credential")),
        token_endpoints=tuple(_token_endpoint(endpoint) for endpoint in table.tables("token_endpoint")),
        side_calls=tuple(_side_call(call) for call in table.tables("side_call")),
        upgrade_status=table.whole("upgrade_status", 0),
        refusal_status=table.whole("refusal_status", 403),
        can=frozenset(table.texts("can")),
        actions=read_actions(Table.of_file(folder / "operations.toml")),
        code=folder,
    )
    table.end()
    _check(room, table)
    return room


def _check(room: Room, table: Table) -> None:
    for host in room.hosts:
        if not _HOST.fullmatch(host):
            raise table.wrong(f"{host!r} is not a lower-case host name")
    for position in room.positions:
        if not _POSITION.fullmatch(position):
            raise table.wrong(f"{position!r} is not header:NAME, basic or field:NAME")
    named = [endpoint.host for endpoint in room.token_endpoints] + [call.host for call in room.side_calls]
    named += [host for route in room.actions.routes for host in route.hosts]
    if strange := sorted(set(named) - set(room.hosts)):
        raise table.wrong(f"{', '.join(strange)} is not one of the room's hosts")
    if room.wire is Wire.GRAPHQL and not room.paths:
        raise table.wrong("a GraphQL room names the paths of its endpoints")


def _credential(table: Table) -> CredentialKind:
    value = table.pattern("value")
    if value is None:
        raise table.wrong("value is missing")
    kind = CredentialKind(
        id=table.text("id"),
        title=table.text("title"),
        value=value,
        distinctive=table.flag("distinctive"),
        broad=table.flag("broad"),
        names=table.texts("names"),
        files=tuple(_file(place) for place in table.tables("files")),
    )
    table.end()
    return kind


def _file(table: Table) -> FilePlace:
    place = FilePlace(table.text("path"), table.text("format"), table.text("at"))
    table.end()
    return place


def _token_endpoint(table: Table) -> TokenEndpoint:
    endpoint = TokenEndpoint(
        table.text("host"), table.text("path"), table.texts("request"), table.texts("answer", None)
    )
    table.end()
    return endpoint


def _side_call(table: Table) -> SideCall:
    call = SideCall(
        methods=frozenset(table.texts("methods", None)),
        host=table.text("host"),
        path=path_pattern(table.text("path")),
        do=table.choice("do", Side),
        status=table.whole("status", 0),
        body=table.text("body", ""),
    )
    table.end()
    if call.do is Side.ANSWER and not call.status:
        raise table.wrong("a side call that is answered has a status")
    return call
