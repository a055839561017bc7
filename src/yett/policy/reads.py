"""Which facts a policy reads, told from its parsed form (Cedar's EST JSON).

The engine sends Cedar exactly these facts and keys its cache by them, so that a cached answer is the answer to the same
input. Were a read missed here, Cedar would find the attribute absent: an error, hence a deny, never a stale allow. (The
one operator that does not err on an absent attribute is `has`; it counts as a read.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yett.policy.schema import CONTEXT_FIELDS, RESOURCE_ATTRIBUTES, Entity

Est = Any  # a JSON tree as cedarpy hands it out: dicts, lists, strings, whole numbers, booleans


@dataclass(frozen=True, slots=True)
class Reads:
    """Leaf paths of the context, attributes of the resource, and the entities that the policy names anywhere."""

    context: frozenset[str]
    attributes: frozenset[str]
    named: frozenset[Entity]

    def __or__(self, other: Reads) -> Reads:
        return Reads(self.context | other.context, self.attributes | other.attributes, self.named | other.named)


NOTHING = Reads(frozenset(), frozenset(), frozenset())


def reads_of(policy: Est) -> Reads:
    """All that one policy of an EST can look at. Goes with an own stack: depth costs memory, not Python frames."""
    paths: set[str] = set()
    attributes: set[str] = set()
    named: set[Entity] = set()
    stack: list[Est] = [policy[part] for part in ("principal", "action", "resource", "conditions")]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            if _is_entity(node):
                named.add((node["type"], node["id"]))
            elif "Record" in node:
                stack.extend(node["Record"].values())  # its keys are the author's words, not operators
            elif "." in node or "has" in node:
                stack.extend(_follow(node.get(".") or node["has"], paths, attributes))
            elif node.get("Var") == "context":
                paths.add("")
            else:
                stack.extend(node.values())
    return Reads(_leaves(paths), frozenset(attributes), frozenset(named))


def _is_entity(node: dict[str, Est]) -> bool:
    return node.keys() == {"type", "id"} and isinstance(node["type"], str) and isinstance(node["id"], str)


def _follow(access: Est, paths: set[str], attributes: set[str]) -> list[Est]:
    """Walk `a.b.c` down to its root, note what it reads, and return what is still to be looked at."""
    names = [access["attr"]]
    node = access["left"]
    while isinstance(node, dict) and "." in node:
        names.append(node["."]["attr"])
        node = node["."]["left"]
    root = node.get("Var") if isinstance(node, dict) else None
    if root == "context":
        paths.add(".".join(reversed(names)))
        return []
    # An attribute of anything else is one of the resource's, or of a record that is looked at below.
    attributes.update(RESOURCE_ATTRIBUTES.intersection(names))
    return [node]


def _leaves(paths: set[str]) -> frozenset[str]:
    """The leaf fields at or under each path. A record taken as a whole is all of its fields."""
    return frozenset(
        field for field in CONTEXT_FIELDS for path in paths if not path or field == path or field.startswith(path + ".")
    )
