"""The plain way to decide: every policy, every fact, the schema on each call, nothing remembered.

Too slow to be used, and so simple that it can be believed: tests and bench hold `engine.Policies` to it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import attrgetter

import cedarpy

from yett.model.decision import Decision
from yett.policy.answer import combine, read_answer, unsound
from yett.policy.layers import Layer
from yett.policy.question import Question
from yett.policy.request import context_writer
from yett.policy.rules import Rule, read_layer
from yett.policy.schema import CONTEXT_FIELDS, QUESTIONS, SCHEMA, leaf, uid

_write_context = context_writer(tuple(CONTEXT_FIELDS))


class PlainPolicies:
    """All layers as one policy set."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.rules: dict[str, Rule] = {rule.id: rule for layer in layers for rule in read_layer(layer)}
        policies = {rule.id: json.loads(rule.est) for rule in self.rules.values()}
        self._set = cedarpy.PolicySet.from_json_str(
            json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
        )

    def decide(self, q: Question) -> Decision:
        if q.faults:
            return unsound(q.faults)
        agent, thing = ("Agent", q.agent), (q.kind, q.id)
        entities: list[dict[str, object]] = [
            {"uid": uid(agent), "attrs": {}, "parents": [uid(("Team", team)) for team in q.teams]},
            {"uid": uid(thing), "attrs": dict(q.attributes), "parents": [uid(parent) for parent in q.parents]},
        ]
        context = _write_context({path: attrgetter(path)(q.context) for path in CONTEXT_FIELDS})
        requests = [
            {
                "principal": uid(agent),
                "action": uid(("Action", leaf(question, q.effect.value))),
                "resource": uid(thing),
                "context": context,
            }
            for question in QUESTIONS
        ]
        results = cedarpy.is_authorized_batch(requests, self._set, entities, SCHEMA)
        answers = {question: read_answer(result) for question, result in zip(QUESTIONS, results, strict=True)}
        return combine(answers, self.rules, q.effect.value)
