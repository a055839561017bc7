"""Who may answer for a hold, and how many of them it takes (design, section 5: profiles)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yett.approvals.document import Document, part, strings, text
from yett.approvals.hostile import folded


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with at least one enrolled key. `account` is the system account they are known by, "" if none."""

    id: str
    name: str
    account: str = ""

    def goes_by(self, name: str) -> bool:
        return folded(name) in {folded(self.name), folded(self.account)} - {""}


@dataclass(frozen=True, slots=True)
class Quorum:
    """What it takes: `needed` distinct persons out of `entitled`, or one of `alone`.

    `barred` says who may not, and why.
    """

    needed: int
    entitled: frozenset[str]
    barred: tuple[tuple[str, str], ...] = ()
    alone: frozenset[str] = frozenset()

    @property
    def reachable(self) -> bool:
        return len(self.entitled) >= self.needed or bool(self.alone)

    def met_by(self, signers: Iterable[str]) -> bool:
        """Whether these persons' signatures suffice. Signatures of others do not count at all."""
        signed = self.entitled & set(signers)
        return len(signed) >= self.needed or bool(signed & self.alone)

    def why_barred(self, person: str) -> str:
        return dict(self.barred).get(person, "")


def is_team(persons: Sequence[Person]) -> bool:
    """Two or more people: the team profile. Going back to solo takes both of them."""
    return len(persons) >= 2


def quorum_for_hold(document: Document, persons: Sequence[Person]) -> Quorum:
    """Apply the profile to a hold's obligations.

    An owner or asker whom nobody enrolled goes by could be any of the signers under another name: one more signature is
    then needed, so that enough of them are certainly someone else.
    """
    needed = max([1, *counts(strings(part(document, "decision"), "obligations"), "sign")])
    everyone = frozenset(person.id for person in persons)
    if not is_team(persons):
        return Quorum(needed, everyone)
    barred: dict[str, str] = {}
    strangers = set()
    for name, why in (
        (text(part(document, "principal"), "owner"), "owns the agent that asks"),
        (text(document, "asker"), "started the task that asks"),
    ):
        matching = [person.id for person in persons if name and person.goes_by(name)]
        barred |= {person: why for person in matching if person not in barred}
        if not matching:
            strangers.add(folded(name))
    return Quorum(needed + len(strangers), everyone - barred.keys(), tuple(sorted(barred.items())))


def counts(obligations: Iterable[str], name: str) -> list[int]:
    """The numbers of all obligations of that name: ("sign:2", "delay:60") with "sign" gives [2].

    One that is not a number counts as unreachable: an obligation that cannot be read is never fulfilled.
    """
    values = [value for key, _, value in (obligation.partition(":") for obligation in obligations) if key == name]
    return [int(value) if value.isascii() and value.isdigit() else 10**9 for value in values]


def quorum_for_act(kind: str, body: Document, persons: Sequence[Person], owner_keeps_key: bool) -> Quorum:
    """Who may sign an act (law 8), and how many of them it takes.

    A key for someone who is enrolled is vouched for by that person alone; a new person, or the end of one, by two in a
    team, so that nobody makes a second person of themselves or votes another out. `owner_keeps_key`: for a removal,
    whether its person has another key left.
    """
    everyone = frozenset(person.id for person in persons)
    team = is_team(persons)
    match kind:
        case "enrol-key" if text(body, "person"):
            return Quorum(1, everyone & {text(body, "person")})
        case "enrol-key":
            return Quorum(2 if team else 1, everyone)
        case "remove-key" if not team:
            return Quorum(1, everyone if owner_keeps_key else frozenset())
        case "remove-key":
            alone = everyone & {text(body, "person")} if owner_keeps_key else frozenset()
            return Quorum(2, everyone, alone=alone)
        case "lower-quorum":
            return Quorum(max(1, len(everyone)), everyone)
        case "grant" if team:
            barred = {p.id: "owns the agent that gets it" for p in persons if p.goes_by(text(body, "owner"))}
            return Quorum(1 if barred else 2, everyone - barred.keys(), tuple(sorted(barred.items())))
        case _:
            return Quorum(1, everyone)
