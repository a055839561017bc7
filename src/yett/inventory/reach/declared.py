"""declare -> authority: what a credential of a kind can do at most, as its issuer's room or its rule says.

Nobody is asked. A room knows its kinds; a rule says `broad` where all that the owner can do is lost, and `critical`
where a whole account, production data or money is. Of everything else the authority is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from yett.inventory.finding import Finding
from yett.inventory.formats import Format, all_formats
from yett.inventory.kinds import Rule, load_rules
from yett.inventory.outcome import Outcome
from yett.inventory.reach.short import DOCUMENTED, OWNERS, UNKNOWN, WORST
from yett.inventory.severity import Severity
from yett.model.credential import Authority, Permission
from yett.model.effects import Effect, Recovery
from yett.providers.book import ProviderBook
from yett.providers.room import CredentialKind, Room


def with_authority(outcome: Outcome, book: ProviderBook) -> Outcome:
    """The outcome with what each credential can do, as far as that is known. What its issuer said stays."""
    declared = Declared(book, load_rules(), all_formats())
    return replace(outcome, findings=tuple(_told(finding, declared) for finding in outcome.findings))


class Declared:
    """What rooms, rules and formats say of their kinds."""

    def __init__(self, book: ProviderBook, rules: Iterable[Rule], formats: Iterable[Format]) -> None:
        self._book = book
        self._rules = {(rule.provider, rule.id): rule for rule in rules}
        self._formats = {form.id: form for form in formats}

    def of(self, finding: Finding) -> Authority:
        """`UNKNOWN` where nobody says."""
        credential = finding.credential
        room = self._book.named(credential.provider)
        kind = next((each for each in room.credentials if each.id == credential.kind), None) if room else None
        if room is not None and kind is not None:
            return _of_room(room, kind, finding)
        rule, form = self._rules.get((credential.provider, credential.kind)), self._formats.get(credential.kind)
        if finding.broad or (rule is not None and rule.broad):
            return _at_most(OWNERS, finding, blanket=True)
        worst = max((each.severity for each in (rule, form) if each is not None), default=Severity.LOW)
        return _at_most(WORST, finding) if worst >= Severity.CRITICAL else UNKNOWN


def _of_room(room: Room, kind: CredentialKind, finding: Finding) -> Authority:
    """A form that several kinds have is that of the broadest: its name alone would make it small."""
    if kind.broad:
        return _at_most(OWNERS, finding, blanket=True)
    if kind.distinctive:
        return _at_most(kind.title, finding)
    if any(other.broad and _has_form(finding, other) for other in room.credentials):
        return _at_most(f"{OWNERS}, for its form is also that of an account's token", finding, blanket=True)
    return _at_most(kind.title, finding)


def _has_form(finding: Finding, kind: CredentialKind) -> bool:
    try:
        return kind.value.fullmatch(finding.value.text()) is not None
    except ValueError:  # no text
        return True


def _at_most(words: str, finding: Finding, *, blanket: bool = False) -> Authority:
    account = finding.account
    everything = Permission("*", "account:", account, "*", Effect.ADMIN, Recovery.NONE, DOCUMENTED)
    return Authority(True, words, account, blanket, (everything,))


def _told(finding: Finding, declared: Declared) -> Finding:
    return finding if finding.authority is not None else replace(finding, authority=declared.of(finding))
