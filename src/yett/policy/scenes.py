"""A scene: who asks about what, reduced to what the slice can tell apart.

Two resources that no policy of the slice distinguishes share one scene, hence one parsed set of entities and one cached
answer. Ids that no policy names are replaced, so that nothing of them can reach the answer by accident.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import cedarpy

from yett.policy.bounded import Bounded
from yett.policy.question import Question
from yett.policy.schema import ACTION_ENTITIES, UNNAMED, Entity, leaf, uid
from yett.policy.slices import Slice, Slices

QUESTIONS_KEPT = 8192
SCENES_KEPT = 4096
LONGEST_KEPT = 256
"""Characters of an id that is remembered: ids come from agents, who could fill the memory with long ones."""


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """Parsed entities, and one request for each question of the slice. Equal only to itself: it is a cache key."""

    slice: Slice
    entities: cedarpy.Entities
    requests: tuple[dict[str, Any], ...]  # Any: as cedarpy takes them


class Scenes:
    """Scenes of one rule set: found by the question, shared by what they have in common."""

    def __init__(self, slices: Slices) -> None:
        self._slices = slices
        self._by_standing: Bounded[tuple[object, ...], Scene] = Bounded(QUESTIONS_KEPT)
        self._by_projection: Bounded[tuple[object, ...], Scene] = Bounded(SCENES_KEPT)

    def of(self, q: Question) -> Scene:
        scene = self._by_standing.get(q.standing)
        if scene is None:
            scene = self._situate(q)
            if len(q.id) <= LONGEST_KEPT:
                self._by_standing.put(q.standing, scene)
        return scene

    def _situate(self, q: Question) -> Scene:
        agent, thing = ("Agent", q.agent), (q.kind, q.id)
        teams = frozenset(("Team", team) for team in q.teams)
        slice_ = self._slices.of(q.effect.value, q.kind, teams | {agent}, frozenset(q.parents) | {thing})
        seen = (
            slice_,
            _told_apart(agent, slice_),
            teams & slice_.named,
            _told_apart(thing, slice_),
            frozenset(q.parents) & slice_.named,
            tuple(sorted(pair for pair in q.attributes if pair[0] in slice_.attributes)),
        )
        scene = self._by_projection.get(seen)
        if scene is None:
            scene = _make(*seen)
            self._by_projection.put(seen, scene)
        return scene


def _told_apart(entity: Entity, slice_: Slice) -> Entity:
    return entity if entity in slice_.named else (entity[0], UNNAMED)


def _make(
    slice_: Slice,
    agent: Entity,
    teams: frozenset[Entity],
    thing: Entity,
    parents: frozenset[Entity],
    attributes: tuple[tuple[str, bool], ...],
) -> Scene:
    who = {"uid": uid(agent), "attrs": {}, "parents": [uid(team) for team in sorted(teams)]}
    what = {"uid": uid(thing), "attrs": dict(attributes), "parents": [uid(parent) for parent in sorted(parents)]}
    entities = ",".join([json.dumps(who), json.dumps(what), *ACTION_ENTITIES[slice_.effect]])
    requests = tuple(
        {"principal": uid(agent), "action": uid(("Action", leaf(i.question, slice_.effect))), "resource": uid(thing)}
        for i in slice_.inquiries
    )
    return Scene(slice_, cedarpy.Entities.from_json_str(f"[{entities}]"), requests)
