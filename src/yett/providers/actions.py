"""What a provider's acts do, as its `operations.toml` says: effect, recovery, the resources that they name.

    [mutation]                      # GraphQL root fields by name; [query] and [subscription] alike
    volumeDelete = { effect = "delete", recovery = "from_backup", on = ["volume:volumeId"], cascade = ["its backups"] }

    [[route]]                       # HTTP routes; `{name}` is one path segment, `/{name...}` all below
    methods = ["POST"]
    path = "/v1/messages"
    action = "messages"
    effect = "read"
    placeless = true

`on` names the resources: "kind:argument", the argument by its path ("input.environmentId"; on a route a path parameter
or "query.page"). Two ids that name a thing together are joined by "+", alternatives by "|": the first whose arguments
are all given counts. "?" at the end: it may be left out. An argument that holds a list names one resource an item.
`worse` raises effect or recovery where an argument is there; its `matches` names one of `[patterns]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from yett.model.effects import Effect, Recovery
from yett.providers.table import Table

ArgumentPath = tuple[str, ...]
Patterns = Mapping[str, re.Pattern[str]]

_REFERENCE = re.compile(r"([a-z][a-z_]*):([A-Za-z0-9_.]+(?:\+[A-Za-z0-9_.]+)*)")
_PIECE = re.compile(r"/\{(?P<rest>[a-z]\w*)\.\.\.\}|\{(?P<one>[a-z]\w*)\}|(?P<literal>[^{}]+?(?=/?\{|$))")
_NAME = r"(?!\.\.?(?:/|$))[^/%\\]+"


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource that an act names: its kind, and the arguments that hold its id (several: joined by "/")."""

    kind: str
    arguments: tuple[ArgumentPath, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an act is on: the first alternative whose arguments are all given; `optional`: none of them need be."""

    alternatives: tuple[Reference, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Worse:
    """A rule that raises an act: `argument` is there, and (if `matches` is set) a name or text in it matches.

    A value that is false counts as absent; one that cannot be matched, as matching.
    """

    argument: ArgumentPath
    matches: re.Pattern[str] | None
    effect: Effect
    recovery: Recovery | None


@dataclass(frozen=True, slots=True)
class Action:
    """What is known of one act. `placeless`: it stands in no environment, and names no resource."""

    name: str
    effect: Effect
    recovery: Recovery
    on: tuple[Subject, ...] = ()
    placeless: bool = False
    returns_secret: bool = False
    bulk: bool = False
    cascade: tuple[str, ...] = ()
    worse: tuple[Worse, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretField:
    """A field anywhere below a GraphQL root whose answer holds secrets.

    `argument`: only with that argument, unless it is a literal false. `leaf`: only without a selection of its own.
    """

    field: str
    argument: str
    leaf: bool


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP route of a provider: what a request with one of `methods` on `path` does."""

    methods: frozenset[str]
    hosts: frozenset[str]
    path: re.Pattern[str]
    action: Action

    def match(self, method: str, host: str, path: str) -> dict[str, str] | None:
        """The path's parameters, or None if the request is not this route's. No hosts: every host of the room."""
        if method not in self.methods or (self.hosts and host not in self.hosts):
            return None
        found = self.path.fullmatch(path)
        return found.groupdict(default="") if found else None


@dataclass(frozen=True, slots=True)
class Actions:
    """Everything in one `operations.toml`. `hidden`: arguments whose values are never shown or kept in clear."""

    mutations: Mapping[str, Action]
    queries: Mapping[str, Action]
    subscriptions: Mapping[str, Action]
    routes: tuple[Route, ...]
    secret_fields: tuple[SecretField, ...]
    hidden: frozenset[str]


def read_actions(table: Table) -> Actions:
    """Read an `operations.toml`.

    Raises:
        ConfigurationError: a key or value that it does not know, an effect left out, a reference it cannot read.
    """
    patterns = _patterns(table.table("patterns"))
    actions = Actions(
        mutations=_fields(table.table("mutation"), None, patterns),
        queries=_fields(table.table("query"), Effect.READ, patterns),
        subscriptions=_fields(table.table("subscription"), Effect.READ, patterns),
        routes=tuple(_route(route, patterns) for route in table.tables("route")),
        secret_fields=tuple(_secret_field(field) for field in table.tables("secret_field")),
        hidden=frozenset(table.texts("hidden")),
    )
    table.end()
    return actions


def path_pattern(template: str) -> re.Pattern[str]:
    """Compile a path template: `{name}` is one segment, `/{name...}` at the end whatever is below, or nothing.

    A parameter never matches a dot segment or anything percent-encoded: servers differ on what those mean.
    """
    pieces = []
    for piece in _PIECE.finditer(template):
        if piece["literal"]:
            pieces.append(re.escape(piece["literal"]))
        elif piece["one"]:
            pieces.append(f"(?P<{piece['one']}>{_NAME})")
        else:
            pieces.append(f"(?:/(?P<{piece['rest']}>{_NAME}(?:/{_NAME})*))?")
    return re.compile("".join(pieces))


def _patterns(table: Table) -> Patterns:
    return {name: pattern for name in table.left() if (pattern := table.pattern(name))}


def _fields(table: Table, effect: Effect | None, patterns: Patterns) -> Mapping[str, Action]:
    return MappingProxyType({name: _action(name, entry, effect, patterns) for name, entry in table.named_tables()})


def _action(name: str, table: Table, default: Effect | None, patterns: Patterns) -> Action:
    effect = table.choice("effect", Effect, default)
    recovery = table.choice("recovery", Recovery, Recovery.AUTOMATIC if effect is Effect.READ else None)
    action = Action(
        name=name,
        effect=effect,
        recovery=recovery,
        on=tuple(_subject(text, table) for text in table.texts("on")),
        placeless=table.flag("placeless"),
        returns_secret=table.flag("returns_secret"),
        bulk=table.flag("bulk"),
        cascade=table.texts("cascade"),
        worse=tuple(_worse(rule, patterns) for rule in table.tables("worse")),
    )
    table.end()
    _check(action, table)
    return action


def _check(action: Action, table: Table) -> None:
    if action.recovery is Recovery.UNKNOWN and action.effect is not Effect.UNKNOWN:
        raise table.wrong("an act whose effect is known has a known recovery")
    if action.returns_secret and action.effect is not Effect.ADMIN:
        raise table.wrong("an act whose answer holds a secret has the effect admin (law 2)")
    if action.placeless and action.on:
        raise table.wrong("an act that names a resource stands in that resource's environment, so it is not placeless")


def _worse(table: Table, patterns: Patterns) -> Worse:
    recovery, matches = table.text("recovery", ""), table.text("matches", "")
    if matches and matches not in patterns:
        raise table.wrong(f"matches is {matches!r}, which is none of [patterns]")
    rule = Worse(
        argument=tuple(table.text("argument").split(".")),
        matches=patterns.get(matches),
        effect=table.choice("effect", Effect),
        recovery=Recovery(recovery) if recovery in set(Recovery) else None,
    )
    if recovery and rule.recovery is None:
        raise table.wrong(f"recovery is {recovery!r}")
    table.end()
    return rule


def _subject(text: str, table: Table) -> Subject:
    found = []
    for alternative in text.removesuffix("?").split("|"):
        match = _REFERENCE.fullmatch(alternative)
        if match is None:
            raise table.wrong(f"on: {text!r} is not kind:argument")
        found.append(Reference(match[1], tuple(tuple(path.split(".")) for path in match[2].split("+"))))
    return Subject(tuple(found), optional=text.endswith("?"))


def _route(table: Table, patterns: Patterns) -> Route:
    methods, hosts = table.texts("methods", None), table.texts("hosts")
    path = path_pattern(table.text("path", None))
    name = table.text("action", None)
    return Route(frozenset(methods), frozenset(hosts), path, _action(name, table, None, patterns))


def _secret_field(table: Table) -> SecretField:
    field = SecretField(table.text("field"), table.text("argument", ""), table.flag("leaf"))
    table.end()
    return field
