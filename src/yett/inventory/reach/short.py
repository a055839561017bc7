"""Authority in a few words, for a line of a review. What nobody knows is called unknown, never little.

A hook of git says it too, so this imports nothing that a commit would wait for.
"""

from __future__ import annotations

from yett.model.credential import Authority, Permission
from yett.model.effects import Recovery

DOCUMENTED = "documentation"
"""`Permission.proof` of what a room or a rule says of a kind: at most this, and nobody was asked."""
UNKNOWN = Authority(known=False, kind="", identity="", blanket=False)
UNKNOWN_WORDS = "authority unknown"
ENDED_WORDS = "none any more: its issuer refuses it"
OWNERS = "all that its owner can do"
WORST = "a whole account, production data or money"
_EVERYTHING = "*"
_NAMED = 3


def authority_words(authority: Authority) -> str:
    """ "at most all that its owner can do", or what the issuer said: "account token of a: everything in account a"."""
    if not authority.known:
        return UNKNOWN_WORDS
    if is_documented(authority):
        return f"at most {authority.kind}"
    first = f"{authority.kind} of {authority.identity}" if authority.identity else authority.kind
    return ": ".join(filter(None, (first, ", ".join(_reached(authority.permissions)))))


def at_most_words(broad: bool, worst: bool) -> str:
    """What a rule says of its kind. `worst`: it is rated critical, whatever the place where this one lies."""
    return f"at most {OWNERS}" if broad else f"at most {WORST}" if worst else UNKNOWN_WORDS


def is_documented(authority: Authority) -> bool:
    """Whether it is said of the kind, and nobody was asked about this one."""
    return bool(authority.permissions) and all(each.proof == DOCUMENTED for each in authority.permissions)


def _reached(permissions: tuple[Permission, ...]) -> list[str]:
    whole = list(dict.fromkeys(_named(each) for each in permissions if each.actions == _EVERYTHING))
    said = [f"everything in {name}" for name in whole[:_NAMED]]
    if len(whole) > _NAMED:
        said.append(f"and in {len(whole) - _NAMED} more")
    other = [each for each in permissions if each.actions != _EVERYTHING]
    lost = sum(each.recovery is Recovery.NONE for each in other)
    if other:
        said.append(f"{len(other)} further acts, {lost} of them for good" if lost else f"{len(other)} further acts")
    return said


def _named(permission: Permission) -> str:
    return f"{permission.resource.partition(':')[0]} {permission.resource_name}"
