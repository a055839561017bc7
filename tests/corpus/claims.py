"""What is said of a statement: the server's own state before and after, held against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from corpus.cases import Case, all_cases
from corpus.ground import Ground, Outcome
from corpus.guarding import guard
from corpus.judge import Judge, judge
from corpus.verdicts import violations
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.statement import Way

Place = Callable[[int], tuple[Ground, Catalog]]


def each(version: int) -> pytest.MarkDecorator:
    """A test for every case of that version."""
    cases = [case for case in all_cases() if case.since <= version <= case.until]
    return pytest.mark.parametrize("case", [pytest.param(case, id=f"{version}-{case.id}") for case in cases])


def must_hold(case: Case, version: int, place: Place) -> None:
    """Run a case, and hold what was said of it against what the server shows. Skips what this server has not."""
    ground, catalog = place(version)
    if not case.runs_on(version, ground.features):
        pytest.skip(f"this server has no {case.needs}")
    outcomes, session = watched(ground, case, catalog)
    assert_seen(case, outcomes)
    guarded = None
    if session.way is Way.GUARD:
        changing = [one.role for one in outcomes if one.lasting]
        guarded = guard(ground, case, changing[0] if changing else "lease", session.said)
    wrong = violations(case, session.way, outcomes, guarded)
    assert not wrong, told(case, version, session, wrong)


def watched(ground: Ground, case: Case, catalog: Catalog) -> tuple[list[Outcome], Judge]:
    """Run a case as each of its roles; the classifier is asked once, beside the first."""
    session = judge(ground, case, catalog)
    first, *others = case.roles
    outcomes = [ground.run(case, first, session)]
    return [*outcomes, *(ground.run(case, role) for role in others)], session


def assert_seen(case: Case, outcomes: Sequence[Outcome]) -> None:
    """An effect that its author knows and the oracle does not see is a defect of one of them."""
    seen = frozenset().union(*(one.areas for one in outcomes))
    blind = f"{case.id}: its author says it changes {sorted(case.effect) or 'nothing'}, the oracle saw {sorted(seen)}"
    assert case.effect <= seen, blind
    assert bool(seen) == bool(case.effect), blind


def told(case: Case, version: int, session: Judge, wrong: Sequence[str]) -> str:
    """The statement, the verdict, and what the server did."""
    lines = [f"PostgreSQL {version}, {case.id}", *case.messages, f"verdict: {session.way} {list(session.reasons)}"]
    return "\n".join([*lines, *wrong])
