"""A provider's act with its arguments -> an Operation: effect, recovery, the resources that it names, its cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from yett.model.canonical import Json
from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.model.operation import UNKNOWN_COST, Amount, Governed, Operation
from yett.model.resource import ResourceRef
from yett.operations import shown
from yett.providers.actions import Action, ArgumentPath, Subject, Worse
from yett.providers.room import Room

MAX_RESOURCES = 100
MAX_ID = 200

Arguments = Mapping[str, Json]

_ORDER = (Recovery.AUTOMATIC, Recovery.FROM_UNDO, Recovery.FROM_BACKUP, Recovery.UNKNOWN, Recovery.NONE)


def operation(room: Room, action: Action, arguments: Arguments, wire: str, *, reveals: bool = False) -> Operation:
    """Judge a known act. `reveals`: the request asks for a field that holds secrets, whatever else the act does.

    Raises:
        Unreadable: it names more resources than a person could look at.
    """
    effects, recoveries = [action.effect], [action.recovery]
    for rule in action.worse:
        if _applies(rule, arguments):
            effects.append(rule.effect)
            recoveries.append(rule.recovery or action.recovery)
    if reveals:
        effects.append(Effect.ADMIN)
    resources = tuple(dict.fromkeys(itertools.chain(*(_refs(room, subject, arguments) for subject in action.on))))
    if len(resources) > MAX_RESOURCES:
        raise Unreadable(f"{action.name} names {len(resources)} resources", f"Name at most {MAX_RESOURCES} at once.")
    return Operation(
        action=f"{room.name}:{action.name}",
        effect=max(effects, key=lambda effect: effect.harm),
        recovery=max(recoveries, key=_ORDER.index),
        target=Governed(room.name, resources, action.placeless and not reveals),
        wire=wire,
        parameters=shown.parameters(arguments, room.actions.hidden),
        cascade=action.cascade,
        returns_secret=action.returns_secret or reveals,
        cost=_cost(effects, len(resources)),
    )


def unknown(room: Room, name: str, arguments: Arguments, wire: str) -> Operation:
    """An act that the provider's folder does not list: on the account as a whole, of unknown size."""
    return Operation(
        action=f"{room.name}:{name}",
        effect=Effect.UNKNOWN,
        recovery=Recovery.UNKNOWN,
        target=Governed(room.name),
        wire=wire,
        parameters=shown.parameters(arguments, room.actions.hidden),
        cost=Amount(deletes=UNKNOWN_COST),
    )


def _cost(effects: Sequence[Effect], resources: int) -> Amount:
    if Effect.UNKNOWN in effects:
        return Amount(deletes=UNKNOWN_COST)
    return Amount(deletes=max(1, resources)) if Effect.DELETE in effects else Amount()


def _applies(rule: Worse, arguments: Arguments) -> bool:
    value = _at(arguments, rule.argument)
    if value is None or value is False:
        return False
    if rule.matches is None:
        return True
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, Mapping) else None
    return names is None or any(rule.matches.search(name) for name in names)


def _refs(room: Room, subject: Subject, arguments: Arguments) -> Iterator[ResourceRef]:
    for reference in subject.alternatives:
        values = [_at(arguments, path) for path in reference.arguments]
        if all(value is not None and value != [] for value in values):
            yield from (ResourceRef(room.name, reference.kind, id) for id in _ids(values))
            return
    if not subject.optional:
        yield ResourceRef(room.name, subject.alternatives[-1].kind, "")


def _ids(values: Sequence[Json]) -> Iterator[str]:
    """The ids that the arguments hold; "" for what is no id. A list names one an item."""
    lists = [value if isinstance(value, list) else [value] for value in values]
    for parts in itertools.islice(itertools.product(*lists), MAX_RESOURCES + 1):
        texts = [str(part) for part in parts if isinstance(part, str | int) and not isinstance(part, bool)]
        yield "/".join(texts) if len(texts) == len(parts) and _are_ids(texts) else ""


def _are_ids(texts: Sequence[str]) -> bool:
    """Whether the texts can be ids. A "/" within one would shift the border between two that are joined."""
    if not all(0 < len(text) <= MAX_ID for text in texts):
        return False
    return len(texts) == 1 or not any("/" in text for text in texts)


def _at(arguments: Arguments, path: ArgumentPath) -> Json:
    """The value at a path; None if it is absent or null."""
    value: Json = arguments
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
