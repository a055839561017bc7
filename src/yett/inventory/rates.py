"""How often commits of agents bring a credential, and how often those of people do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from yett.inventory.finding import Finding
from yett.inventory.history import LeakRate, Repository, leak_rates, repositories
from yett.inventory.history.commits import commits
from yett.inventory.history.made_inside import recorded
from yett.inventory.severity import Severity


def rates_of(folder: Path, findings: Iterable[Finding]) -> tuple[LeakRate, ...]:
    """One row for people and one for each agent; none where there is no repository.

    A credential counts against the commit that brought it, not against later ones that changed the file around it. What
    is accepted does not count, nor what is hardly one (low).
    """
    found = repositories(folder)
    if not found:
        return ()
    chosen = [each for each in findings if each.accepted is None and each.severity > Severity.LOW]
    return leak_rates(found[0], _bringing(found[0], chosen), recorded(found[0].stores[0].parent))


def _bringing(repository: Repository, findings: Iterable[Finding]) -> set[str]:
    """The oldest commit of each."""
    places = [
        {at.commit for at in finding.credential.locations if at.source == "history" and at.commit}
        for finding in findings
    ]
    told = commits(repository, sorted(set().union(*places)))
    made = {commit.oid: (commit.committer.at, commit.author.at) for commit in told}
    known = [[oid for oid in each if oid in made] for each in places]
    return {min(each, key=lambda oid: made[oid]) for each in known if each}
