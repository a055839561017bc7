"""The part of SARIF 2.1.0 that Yett writes, as a closed JSON schema, made from the standard's text.

Stricter than the standard's own schema: what is not named here is refused, so that every new property is looked up
first. What this schema took (the hostile outcomes too), the standard's own took as well when both were compared.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "minLength": 1}
BAG = {"type": "object"}  # 3.8: a property bag holds anything
NATURAL = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}  # 3.27.10


def closed(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def some(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


MESSAGE = closed("text", text=TEXT)  # 3.11.8
ARTIFACT = closed("", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT, description=MESSAGE)  # 3.4
LOGICAL = closed("name", name=TEXT, fullyQualifiedName=TEXT, kind=TEXT)  # 3.33
PHYSICAL = closed("artifactLocation", artifactLocation=ARTIFACT, region=closed("startLine", startLine=NATURAL))  # 3.29
SUPPRESSION = closed(  # 3.35
    "kind",
    kind={"enum": ["inSource", "external"]},
    status={"enum": ["accepted", "underReview", "rejected"]},
    justification=TEXT,
)
RESULT = closed(  # 3.27
    "message ruleId",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=some(closed("", physicalLocation=PHYSICAL, logicalLocations=some(LOGICAL))),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    baselineState={"enum": ["new", "unchanged", "updated", "absent"]},
    suppressions=some(SUPPRESSION),
    properties=BAG,
)
RULE = closed(  # 3.49
    "id",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    helpUri={"type": "string", "format": "uri", "pattern": "^https://"},
    defaultConfiguration=closed("level", level=LEVEL),
    properties=closed(
        "security-severity tags",
        **{"security-severity": {"type": "string", "pattern": r"^\d\.\d$"}, "tags": some(TEXT)},
    ),
)
NOTIFICATION = closed("message", message=MESSAGE, level=LEVEL, descriptor=closed("id", id=TEXT))  # 3.58
INVOCATION = closed(  # 3.20
    "executionSuccessful", executionSuccessful={"type": "boolean"}, toolExecutionNotifications=some(NOTIFICATION)
)
RUN = closed(  # 3.14
    "tool",
    tool=closed("driver", driver=closed("name", name=TEXT, semanticVersion=TEXT, rules=some(RULE))),
    invocations=some(INVOCATION),
    originalUriBaseIds={"type": "object", "additionalProperties": ARTIFACT},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=some(RESULT),
    properties=BAG,
)
LOG = closed("version runs", **{"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": some(RUN)})  # 3.13
