"""Blast radius and gap in words, for a terminal. Never a value."""

from __future__ import annotations

from collections.abc import Sequence

from yett.inventory.reach.blast import BlastRadius, Gap, Reached
from yett.model.credential import Credential, Permission
from yett.model.resource import Backup
from yett.model.visible import visible

_MOST_LISTED = 20


def blast_text(blast: BlastRadius) -> str:
    """credential -> environments -> resources -> backups that die with them, as an indented tree."""
    lines = [label(blast.credential)]
    if not blast.authority.known:
        return f"{lines[0]}\n  What it can do is unknown: treat it as everything.\n"
    kind = f"{blast.authority.kind} of {blast.authority.identity}" if blast.authority.identity else blast.authority.kind
    lines.append(f"  {visible(kind)}")
    lines += [f"  owns {visible(name)}: everything in it" for name in blast.whole]
    for environment in blast.environments:
        lines.append(f"  {visible(environment)}")
        for each in blast.within(environment):
            lines.append(f"    {resource_words(each)}")
            lines += [f"      {line}" for line in backup_words(each)]
    return "\n".join(lines) + "\n"


def gap_text(gap: Gap) -> str:
    """How far authority goes beyond purpose: the number, then the list."""
    purpose = f'"{visible(gap.purpose)}"' if gap.purpose else "any stated purpose"
    if not gap.known:
        return f"Beyond {purpose}: unknown, nobody could say what it can do.\n"
    lines = [f"Beyond {purpose}: {gap.number} of {gap.total} things it can do."]
    worst_first = sorted(gap.beyond, key=lambda permission: -permission.effect.harm)
    lines += [f"  {_permission_words(permission)}" for permission in worst_first[:_MOST_LISTED]]
    if gap.number > _MOST_LISTED:
        lines.append(f"  and {gap.number - _MOST_LISTED} more")
    return "\n".join(lines) + "\n"


def label(credential: Credential) -> str:
    """A credential in a few words."""
    end = f" ...{credential.last_four}" if credential.last_four else ""
    purpose = f' for "{credential.purpose}"' if credential.purpose else ""
    return visible(f"{credential.provider or 'unknown'} {credential.kind}{end}{purpose}")


def resource_words(each: Reached) -> str:
    kind = each.resource.partition(":")[0]
    fate = "nothing brings it back" if each.irreversible else each.recovery.value.replace("_", " ")
    return visible(f"{kind} {each.name}: {', '.join(each.actions)} ({each.effect.value}, {fate})")


def backup_words(each: Reached) -> list[str]:
    """What becomes of a resource's backups; nothing where it has none."""
    lines = []
    if each.dying:
        lines.append(f"{_count(each.dying)} with it: {_made(each.dying)}")
    if each.outliving:
        lines.append(f"{len(each.outliving)} outlive it: {_made(each.outliving)}")
    return lines


def _count(backups: Sequence[Backup]) -> str:
    return "1 backup dies" if len(backups) == 1 else f"{len(backups)} backups die"


def _made(backups: Sequence[Backup]) -> str:
    shown = ", ".join(visible(backup.made or backup.id, 40) for backup in backups[:3])
    return shown if len(backups) <= 3 else f"{shown}, ..."


def _permission_words(permission: Permission) -> str:
    kind = permission.resource.partition(":")[0]
    where = "" if permission.environment == "*" else f" in {permission.environment}"
    return visible(f"{permission.effect.value}: {permission.actions} on {kind} {permission.resource_name}{where}")
