"""Question -> Decision: slice, project, look up, else ask Cedar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import cedarpy

from yett.model.canonical import digest
from yett.model.decision import Decision
from yett.policy.answer import SILENT, Answer, combine, join, read_answer, unsound
from yett.policy.bounded import Bounded
from yett.policy.errors import PolicyError
from yett.policy.explain import Explanation, explain
from yett.policy.layers import Layer
from yett.policy.question import Question
from yett.policy.rules import Rule, read_layer
from yett.policy.scenes import Scene, Scenes
from yett.policy.schema import QUESTIONS
from yett.policy.slices import Slices, Values

SET_DOMAIN = "yett/policy/set/v1"
DECISIONS_KEPT = 16_384


class Policies:
    """A set of layers, checked and parsed once, never changed. Safe from any thread.

    The decision cache is keyed by exactly what is sent to Cedar, so a cached answer is the answer to the same input.
    `cached` False asks Cedar each time.
    """

    def __init__(self, layers: Sequence[Layer], *, cached: bool = True) -> None:
        self.layers = tuple(layers)
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise PolicyError("two layers have the same name", "rename one of the files")
        self.rules: Mapping[str, Rule] = MappingProxyType(
            {rule.id: rule for layer in self.layers for rule in read_layer(layer)}
        )
        self.digest = digest(SET_DOMAIN, sorted(rule.digest for rule in self.rules.values()))
        self._scenes = Scenes(Slices(self.rules.values()))
        self._decisions: Bounded[tuple[Scene, Values], Decision] = Bounded(DECISIONS_KEPT)
        self._cached = cached

    def decide(self, q: Question) -> Decision:
        """The verdict with its obligations and reasons. Whatever goes wrong in here is a deny with an alarm (law 1)."""
        try:
            if q.faults:
                return unsound(q.faults)
            scene = self._scenes.of(q)
            key = (scene, scene.slice.read(q.context))
            found = self._decisions.get(key)
            return found if found is not None else self._decide(key)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a Rust panic is no Exception, and must be a deny too
            return unsound((f"{type(error).__name__}: {error}",))

    def explain(self, q: Question) -> Explanation:
        """The decision in words, by which rules, and what would make it less strict."""
        return explain(self, q)

    def _decide(self, key: tuple[Scene, Values]) -> Decision:
        decision = combine(_ask(*key), self.rules, key[0].slice.effect)
        if self._cached and not decision.errors:
            self._decisions.put(key, decision)
        return decision


def _ask(scene: Scene, values: Values) -> dict[str, Answer]:
    facts = dict(zip(scene.slice.paths, values, strict=True))
    answers = dict.fromkeys(QUESTIONS, SILENT)
    for inquiry, request in zip(scene.slice.inquiries, scene.requests, strict=True):
        asked = {**request, "context": inquiry.write_context(facts)}
        result = cedarpy.is_authorized(asked, inquiry.policies, scene.entities)
        answers[inquiry.question] = join(answers[inquiry.question], read_answer(result))
    return answers
