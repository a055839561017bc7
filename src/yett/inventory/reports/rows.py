"""Findings as lines of a table: the same cells for the terminal, the page and the pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yett.inventory.finding import Finding
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.places import nearest, places
from yett.inventory.reports.words import age, count
from yett.inventory.severity import Severity
from yett.model.visible import visible

GROUPED_FROM = 30
"""More lines than fit on a screen: findings of one kind in one sort of place become one line."""
_PLACES_SHOWN = 3
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Row:
    """One line: one credential, or `number` of a kind. Every text is made visible, none is escaped for markup."""

    severity: Severity
    title: str
    provider: str
    where: str
    age: str = ""
    account: str = ""
    owner: str = ""
    environment: str = ""
    ends_in: str = ""
    live: str = ""
    authority: str = ""
    number: int = 1

    @property
    def credential(self) -> str:
        """The title, the provider where it does not name it already, and what the provider said of it."""
        told = f"{self.number:,} x {self.title}" if self.number > 1 else self.title
        named = not self.provider or self.provider.replace("-", " ").lower() in self.title.replace("-", " ").lower()
        issued = told if named else f"{told} ({self.provider})"
        return f"{issued}: {self.live}" if self.live else issued


def rows(findings: Sequence[Finding], layout: Layout) -> list[Row]:
    """In the findings' order."""
    return [_row([finding], layout) for finding in findings]


def grouped(findings: Sequence[Finding], layout: Layout) -> list[Row]:
    """`rows`, or one row a kind and sort of place where there would be too many."""
    if len(findings) < GROUPED_FROM:
        return rows(findings, layout)
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        kind = finding.credential
        key = (finding.severity, kind.provider, finding.title, nearest(finding), finding.environment)
        groups.setdefault(key, []).append(finding)
    return [_row(group, layout) for group in groups.values()]


def _row(group: Sequence[Finding], layout: Layout) -> Row:
    first = group[0]
    return Row(
        severity=first.severity,
        title=visible(first.title, 60),
        provider=visible(first.credential.provider, 30),
        where=_where(group, layout),
        age=_oldest(group, layout.now),
        account=_same((finding.account for finding in group), 60),
        owner=_same((finding.credential.owner for finding in group), 40),
        environment=visible(first.environment, 30),
        ends_in=visible(first.credential.last_four, 4) if len(group) == 1 else "",
        live=_same((finding.live for finding in group), 10),
        authority=_same((finding.reach for finding in group), _LONGEST),
        number=len(group),
    )


def _where(group: Sequence[Finding], layout: Layout) -> str:
    every = list(dict.fromkeys(place for finding in group for place in places(finding, layout.root)))
    shown = ", ".join(visible(each, _LONGEST) for each in every[:_PLACES_SHOWN])
    more = len(every) - _PLACES_SHOWN
    return f"{shown} and {count(more, 'more', 'more')}" if more > 0 else shown


def _oldest(group: Sequence[Finding], now: float) -> str:
    known = [finding.since for finding in group if finding.since > 0]
    if not known:
        return ""
    return age(min(known), now) if len(group) == 1 else f"up to {age(min(known), now)}"


def _same(told: Iterable[str], longest: int) -> str:
    """What all of a group have in common, else how many there are."""
    values = set(told)
    if len(values) == 1:
        return visible(values.pop(), longest)
    return f"{len(values - {''})} different"
