"""A layer's text -> its rules, each checked. What is not understood is not loaded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

import cedarpy

from yett.model.canonical import digest
from yett.policy.errors import PolicyError
from yett.policy.layers import MAY, Layer, LayerKind
from yett.policy.obligations import fault
from yett.policy.reads import Est, Reads, reads_of
from yett.policy.schema import GROUPS, LEAVES, SCHEMA, UNNAMED, Entity
from yett.policy.text import MAX_RULES, check_text, hidden_character

RULE_DOMAIN = "yett/policy/rule/v1"
MAX_WHY = 300
MAX_ERROR = 400
"""Characters of Cedar's own message; a type's name alone can run to thousands."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}", re.ASCII)
ANNOTATIONS = frozenset({"id", "why", "oblige"})


@dataclass(frozen=True, slots=True)
class Scope:
    """A head's principal or resource: the type and the entity that it demands, None where it demands nothing."""

    entity_type: str | None
    entity: Entity | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy. `est` is its parsed form as JSON text; `digest` covers id, layer kind and that form."""

    id: str
    kind: LayerKind
    permits: bool
    why: str
    obliges: tuple[str, ...]
    leaves: frozenset[str]
    principal: Scope
    resource: Scope
    reads: Reads
    conditional: bool
    est: str
    digest: str


# A daemon loads the same organisation's layers at each session's start.
@lru_cache(maxsize=64)
def read_layer(layer: Layer) -> tuple[Rule, ...]:
    """Parse and check every policy of the layer.

    Raises:
        PolicyError: text that does not parse, does not fit the schema strictly, or says what its layer may not say.
    """
    check_text(layer.text)
    try:
        est = json.loads(cedarpy.policies_to_json_str(layer.text))
        verdict = cedarpy.validate_policies(layer.text, SCHEMA)
        # Slices are parsed from this form, whose reader bounds nesting more tightly than the text's.
        cedarpy.PolicySet.from_json_str(json.dumps(est))
    except (ValueError, RecursionError) as error:
        raise PolicyError(
            f"{layer.name}: {_short(error)}", "see docs/how-to-write-policy.md for the form of a policy"
        ) from None
    if est["templates"] or est["templateLinks"]:
        raise PolicyError(f"{layer.name}: templates are not supported", "write one policy for each principal or team")
    policies = est["staticPolicies"]
    if not verdict.validation_passed:
        raise _invalid(layer, policies, verdict.errors)
    if len(policies) > MAX_RULES:
        raise PolicyError(f"{layer.name}: more than {MAX_RULES:,} policies", "write them for teams and environments")
    rules = tuple(_rule(layer, policy) for policy in policies.values())
    _refuse_duplicates(rules)
    return rules


def _invalid(layer: Layer, policies: Est, errors: list[cedarpy.ValidationError]) -> PolicyError:
    # Cedar skips a policy that errs when it is evaluated: a forbid would silently be none. Hence strict, and at load.
    first = errors[0]
    name = policies.get(first.policy_id, {}).get("annotations", {}).get("id") or first.policy_id
    return PolicyError(_short(first.error), "a policy must fit yett.cedarschema strictly", rule=f"{layer.name}/{name}")


def _short(error: object) -> str:
    return " ".join(str(error).split())[:MAX_ERROR]


def _refuse_duplicates(rules: tuple[Rule, ...]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise PolicyError("the id is used twice", "every policy needs an @id of its own", rule=rule.id)
        seen.add(rule.id)


def _rule(layer: Layer, policy: Est) -> Rule:
    notes = policy.get("annotations", {})
    name = notes.get("id") or ""
    if not NAME.fullmatch(name):
        raise PolicyError(
            f"{layer.name}: the @id {name[:80]!r} is missing or not a name"
            if name
            else f"{layer.name}: a policy has no @id",
            "give every policy an @id of lower-case letters, digits, dots, dashes and underscores",
        )
    id_ = f"{layer.name}/{name}"
    _check_notes(id_, notes)
    leaves = _leaves(id_, policy["action"])
    obliges = tuple((notes.get("oblige") or "").split())
    _check_head(id_, layer.kind, policy["effect"], leaves, obliges)
    try:
        reads = reads_of(policy)
    except (AttributeError, KeyError, TypeError):
        raise PolicyError(
            "its condition is of a form that Yett does not know", "write it differently", rule=id_
        ) from None
    if any(entity[1] == UNNAMED for entity in reads.named):
        raise PolicyError(f"the name {UNNAMED!r} is Yett's own", "no real thing has it; name another", rule=id_)
    return Rule(
        id=id_,
        kind=layer.kind,
        permits=policy["effect"] == "permit",
        why=notes.get("why") or "",
        obliges=obliges,
        leaves=leaves,
        principal=_scope(id_, policy["principal"]),
        resource=_scope(id_, policy["resource"]),
        reads=reads,
        conditional=bool(policy["conditions"]),
        est=json.dumps(policy),
        digest=digest(RULE_DOMAIN, [id_, layer.kind.value, policy]),
    )


def _check_notes(id_: str, notes: dict[str, str | None]) -> None:
    if strange := sorted(set(notes) - ANNOTATIONS):
        raise PolicyError(f"@{strange[0]} means nothing here", "annotations are @id, @why and @oblige", rule=id_)
    why = notes.get("why") or ""
    if len(why) > MAX_WHY or "\n" in why or hidden_character(why):
        raise PolicyError(f"@why is not one line of at most {MAX_WHY} characters", "shorten it", rule=id_)
    for obligation in (notes.get("oblige") or "").split():
        if wrong := fault(obligation):
            raise PolicyError(wrong, "see the obligations in docs/how-to-write-policy.md", rule=id_)


def _leaves(id_: str, action: Est) -> frozenset[str]:
    """The leaf actions that a head can match."""
    if action["op"] == "All":
        return LEAVES
    if action["op"] not in ("==", "in"):
        raise PolicyError("the head's action is of an unknown form", "write action == or action in", rule=id_)
    entities = action["entities"] if "entities" in action else [action["entity"]]
    return frozenset().union(*(GROUPS.get(entity["id"], frozenset({entity["id"]})) for entity in entities)) & LEAVES


def _check_head(id_: str, kind: LayerKind, effect: str, leaves: frozenset[str], obliges: tuple[str, ...]) -> None:
    about = {"owe" if leaf in GROUPS["owe"] else "verdict" for leaf in leaves}
    if len(about) != 1:
        raise PolicyError(
            "the head is about the verdict and about what is owed at once",
            'name Action::"pass", Action::"hold" or an effect, or else Action::"owe"',
            rule=id_,
        )
    subject = about.pop()
    if (effect, subject) not in MAY[kind]:
        raise PolicyError(
            f"a {effect} about {'what is owed' if subject == 'owe' else 'the verdict'} has no place in a {kind} layer",
            _way_in(effect, subject),
            rule=id_,
        )
    if (subject == "owe") != bool(obliges):
        raise PolicyError(
            "@oblige belongs to a permit on owe, and such a permit needs it", "add or remove @oblige", rule=id_
        )


def _way_in(effect: str, subject: str) -> str:
    if subject == "owe":
        return "obligations are permits in a narrow layer; nothing takes one away"
    if effect == "permit":
        return "what lets more through goes into a widen layer, which a person signs"
    return "what lets less through goes into a narrow layer"


def _scope(id_: str, head: Est) -> Scope:
    match head["op"]:
        case "All":
            return Scope(None, None)
        case "==" | "in":
            return Scope(None, (head["entity"]["type"], head["entity"]["id"]))
        case "is":
            inside = head.get("in", {}).get("entity")
            return Scope(head["entity_type"], (inside["type"], inside["id"]) if inside else None)
        case _:
            raise PolicyError("the head is of an unknown form", "write ==, in or is", rule=id_)
