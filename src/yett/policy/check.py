"""`yett policy check`: what is wrong with the files of a folder, and what is right but surely not meant.

The second is told from heads alone, so it finds the plain cases only; it never calls a rule sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yett.policy.errors import PolicyError
from yett.policy.folder import PolicyFile, organisation_files, read_file, workspace_files
from yett.policy.layers import LayerKind, default_layers, file_digest
from yett.policy.rules import Rule, Scope, read_layer
from yett.policy.schema import EFFECTS, leaf

NEVER_SILENT = frozenset({leaf("pass", "admin"), leaf("pass", "unknown")})
"""What the floor forbids without a condition (floor/never-silent)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`refused`: the file is not loaded. Else it is loaded, and `what` is worth a look."""

    file: str
    rule: str
    what: str
    remedy: str
    refused: bool


def check(folder: Path | None, *, workspace: Path | None = None, signed: frozenset[str] | None = None) -> list[Problem]:
    """Every file's first error, and findings about the rules of those that load.

    `signed` None: a widening file is looked at as if it were signed.
    """
    problems: list[Problem] = []
    sound: list[tuple[str, Rule]] = []
    try:
        files = [*organisation_files(folder), *workspace_files(workspace)]
    except PolicyError as error:
        return [Problem(str(folder or workspace), error.rule, error.what, error.remedy, refused=True)]
    for file in files:
        try:
            sound += [(file.path, rule) for rule in read_layer(read_file(file, _accepted(file, signed)))]
        except PolicyError as error:
            problems.append(Problem(file.path, error.rule, error.what, error.remedy, refused=True))
    return problems + list(_findings(sound))


def _accepted(file: PolicyFile, signed: frozenset[str] | None) -> frozenset[str]:
    return frozenset({file_digest(file.content)}) if signed is None else signed


def _findings(rules: Sequence[tuple[str, Rule]]) -> Iterator[Problem]:
    shipped = [rule for layer in default_layers() for rule in read_layer(layer)]
    forbids = [rule for rule in shipped + [rule for _, rule in rules] if not rule.permits and not rule.conditional]
    for file, rule in rules:
        for what, remedy in _about(rule, forbids):
            yield Problem(file, rule.id, what, remedy, refused=False)


def _about(rule: Rule, forbids: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    stronger = next((f for f in forbids if f is not rule and _covers(f, rule)), None)
    if rule.kind is LayerKind.WIDEN and stronger:
        yield f"never lets anything through: {stronger.id} forbids all of it", "remove one of the two"
    elif rule.kind is LayerKind.WIDEN and rule.leaves & NEVER_SILENT:
        yield "admin and unknown operations never pass silently, whatever it says", "leave them out"
    elif not rule.permits and stronger and not (_covers(rule, stronger) and rule.id < stronger.id):
        yield f"changes nothing: {stronger.id} already forbids all of it", "remove it"
    if rule.kind is LayerKind.WIDEN and not stronger:
        yield from _broad(rule)


def _broad(rule: Rule) -> Iterator[tuple[str, str]]:
    open_ends = []
    if rule.principal.entity is None:
        open_ends.append("every agent")
    if rule.resource.entity is None and not rule.conditional:
        open_ends.append("every resource")
    if all(rule.leaves & {leaf("pass", effect), leaf("hold", effect)} for effect in EFFECTS):
        open_ends.append("every effect")
    if len(open_ends) >= 2:
        yield f"widens for {' and '.join(open_ends)}", "name a team, an environment or an effect"


def _covers(forbid: Rule, rule: Rule) -> bool:
    """Whether the unconditional `forbid` applies wherever `rule` does, told from the heads."""
    return (
        not forbid.conditional
        and forbid.leaves >= rule.leaves
        and _contains(forbid.principal, rule.principal)
        and _contains(forbid.resource, rule.resource)
    )


def _contains(outer: Scope, inner: Scope) -> bool:
    return outer.entity_type in (None, inner.entity_type) and outer.entity in (None, inner.entity)
