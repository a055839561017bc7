"""The short form for people: YAML -> Cedar.

    layer: narrow                    # or widen, which a person signs
    rules:
      - rule: big-writes             # a name of its own
        verdict: hold                # deny, hold: narrow.  may-hold, may-pass: widen
        who: {team: payments}        # or {agent: ...}; left out: everyone
        effects: [write, delete]     # left out: every effect
        where: {environment: prod}   # or place, provider, resource, host; left out: everywhere
        when: {rows_over: 100}       # see conditions.py; several must all hold
        why: more than 100 rows at once
      - rule: two-people
        oblige: ["sign:2", snapshot] # instead of a verdict
        effects: [delete]

It compiles to Cedar's parsed form as data and is then loaded like any Cedar text, through the same checks.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import lru_cache

import cedarpy

from yett.policy.conditions import CONDITIONS
from yett.policy.errors import PolicyError
from yett.policy.expressions import Est, entity
from yett.policy.layers import LayerKind
from yett.policy.obligations import COUNTED, KNOWN
from yett.policy.plain_yaml import Plain, read_yaml
from yett.policy.rules import NAME
from yett.policy.schema import EFFECTS, PLACES, leaf

Mapping = dict[str, Plain]

VERDICTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "deny": ("forbid", ("pass", "hold")),
    "hold": ("forbid", ("pass",)),
    "may-hold": ("permit", ("hold",)),
    "may-pass": ("permit", ("pass", "hold")),
}
"""Verdict -> the Cedar effect, and the questions that it answers."""

OWED: tuple[str, tuple[str, ...]] = ("permit", ("owe",))

WHO = {"team": ("in", "Team"), "agent": ("==", "Agent")}
WHERE = {
    "environment": ("in", "Environment"),
    "place": ("in", "Place"),
    "provider": ("in", "Provider"),
    "resource": ("in", "Resource"),
    "host": ("==", "Host"),
}
"""Word -> how the head names it. A resource counts with all that it contains."""

FILE_KEYS = ("layer", "rules")
RULE_KEYS = ("rule", "verdict", "oblige", "who", "effects", "where", "when", "why")


# A daemon reads the same organisation's files at each session's start.
@lru_cache(maxsize=64)
def compile_short(text: str) -> tuple[LayerKind, str]:
    """The layer's kind, and its rules as Cedar text.

    Raises:
        PolicyError: anything that is not understood to the letter, with the rule's name.
    """
    head = _mapping(read_yaml(text), FILE_KEYS, "the file")
    kind = layer_kind(head.get("layer"))
    rules = head.get("rules")
    if not isinstance(rules, list) or not rules:
        raise PolicyError("the file has no list of rules", "write `rules:` and the rules below it")
    policies: dict[str, Est] = {}
    for number, given in enumerate(rules, 1):
        name, policy = _rule(given, number)
        if name in policies:
            raise PolicyError("the name is used twice", "give each rule a name of its own", rule=name)
        policies[name] = policy
    est = {"staticPolicies": policies, "templates": {}, "templateLinks": []}
    try:
        return kind, str(cedarpy.policies_from_json_str(json.dumps(est)))
    except ValueError as error:
        raise PolicyError(f"Cedar does not take the rules: {error}", "write them differently") from None


def layer_kind(given: Plain) -> LayerKind:
    """The kind that a file's head names.

    Raises:
        PolicyError: neither narrow nor widen; floor and base are not for files.
    """
    if given in (LayerKind.NARROW.value, LayerKind.WIDEN.value):
        return LayerKind(str(given))
    raise PolicyError("the file does not say which layer it is", "begin it with `layer: narrow` or `layer: widen`")


def _rule(given: Plain, number: int) -> tuple[str, Est]:
    name = given.get("rule") if isinstance(given, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PolicyError(
            f"rule {number} has no proper name", "write `rule:` and lower-case letters, digits and dashes"
        )
    try:
        return name, _policy(name, _mapping(given, RULE_KEYS, "a rule"))
    except PolicyError as error:
        raise PolicyError(error.what, error.remedy, rule=name) from None


def _policy(name: str, rule: Mapping) -> Est:
    if ("verdict" in rule) == ("oblige" in rule):
        raise PolicyError("it needs a verdict or what it obliges to, one of the two", "write `verdict:` or `oblige:`")
    notes = {"id": name}
    if "why" in rule:
        notes["why"] = _text("why", rule["why"])
    if "oblige" in rule:
        effect, questions = OWED
        notes["oblige"] = " ".join(_obligations(rule["oblige"]))
    else:
        effect, questions = VERDICTS[_one_of("verdict", rule["verdict"], tuple(VERDICTS))]
    actions = [entity("Action", leaf(question, e)) for question in questions for e in _effects(rule.get("effects"))]
    return {
        "effect": effect,
        "principal": _head("who", rule.get("who"), WHO),
        "action": {"op": "in", "entities": actions},
        "resource": _head("where", rule.get("where"), WHERE),
        "conditions": _conditions(rule.get("when")),
        "annotations": notes,
    }


def _head(key: str, given: Plain, words: dict[str, tuple[str, str]]) -> Est:
    if given is None:
        return {"op": "All"}
    named = _mapping(given, tuple(words), key)
    if len(named) != 1:
        raise PolicyError(
            f"{key} names {len(named)} things",
            f"name one of {', '.join(words)}, as in {key}: {{{next(iter(words))}: x}}",
        )
    ((word, name),) = named.items()
    operator, type_ = words[word]
    id_ = _one_of(word, name, tuple(sorted(PLACES))) if word == "place" else _text(word, name)
    return {"op": operator, "entity": entity(type_, id_)}


def _conditions(given: Plain) -> list[Est]:
    if given is None:
        return []
    named = _mapping(given, tuple(CONDITIONS), "when")
    return [{"kind": "when", "body": CONDITIONS[word](word, wanted)} for word, wanted in named.items()]


def _effects(given: Plain) -> tuple[str, ...]:
    if given is None:
        return EFFECTS
    if not isinstance(given, list) or not given:
        raise PolicyError("effects is not a list", "write effects: [delete]")
    return tuple(dict.fromkeys(_one_of("effects", effect, EFFECTS) for effect in given))


def _obligations(given: Plain) -> list[str]:
    if not isinstance(given, list) or not given:
        raise PolicyError("oblige is not a list", "write oblige: [snapshot]")
    known = (*KNOWN, *(f"{name}:2" for name in COUNTED))
    return [o if isinstance(o, str) and o.partition(":")[0] in COUNTED else _one_of("oblige", o, known) for o in given]


def _mapping(given: Plain, keys: tuple[str, ...], what: str) -> Mapping:
    if not isinstance(given, dict):
        raise PolicyError(f"{what} is not a set of keys and values", f"the keys are {', '.join(keys)}")
    for key in given:
        if key not in keys:
            raise PolicyError(f"{what}: the key {key[:40]!r} is unknown", _hint(key, keys))
    return given


def _one_of(key: str, given: Plain, words: tuple[str, ...]) -> str:
    if isinstance(given, str) and given in words:
        return given
    raise PolicyError(f"{key}: {repr(given)[:60]} is unknown", _hint(str(given), words))


def _text(key: str, given: Plain) -> str:
    if not isinstance(given, str) or not given:
        raise PolicyError(f"{key}: {repr(given)[:60]} is not text", "quote it, if it is meant as text")
    return given


def _hint(given: str, words: tuple[str, ...]) -> str:
    close = [word for word in words if given and word.startswith(given)] or get_close_matches(given, words, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(words)}"
