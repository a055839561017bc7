"""What would make a verdict wrong, given only what the server showed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from corpus.cases import Case
from corpus.ground import Outcome
from corpus.guarding import Guarded
from corpus.oracle import Difference
from yett.operations.sql.statement import Way

FREE = frozenset({"setting", "prepared statement", "cursor", "listening", "temporary"})
"""What ends with the session and may be done without a word."""

FEW = {"advisory lock": 3}
"""What reaches others and may be done without a word all the same, and how many of it a statement may do.

An advisory lock says nothing about any row: it means what its takers agree on, is gone with the session, and nothing is
lost by it. Migration tools take one at every start. A read must not fill the memory in which all sessions' locks lie.
"""

NOT_FREE = frozenset(
    [
        "standard_conforming_strings",
        "backslash_quote",
        "client_encoding",
        "search_path",
        "role",
        "session_authorization",
        "session_replication_role",
        "is_superuser",
        "allow_system_table_mods",
        "transform_null_equals",
        "statement_timeout",
        "default_tablespace",
        "track_counts",
        "local_preload_libraries",
    ]
)
"""Settings by which the next text, or name, or right means something else."""

STATISTICS = ("pg_statistic ", "pg_statistic_ext_data ")
"""What ANALYZE finds out: figures for the planner, which the server replaces by itself."""


def violations(case: Case, way: Way, outcomes: Sequence[Outcome], guarded: Guarded | None) -> list[str]:
    """Why this verdict on this case is wrong; empty if it is not."""
    if case.held and way in (Way.PASS, Way.GUARD):
        return [f"{way}, though it {case.held}"]
    if way is Way.PASS:
        return [f"passes as {one.role}, and changes {_told(bad)}" for one in outcomes if (bad := list(_changed(one)))]
    if way is Way.ALONE:
        return [
            f"is known to touch no row, and as {one.role} changes {_told(bad)}"
            for one in outcomes
            if (bad := _beside(one))
        ]
    if way is Way.GUARD and guarded is not None:
        return list(_not_undone(guarded))
    return []


def _changed(outcome: Outcome) -> Iterable[Difference]:
    counted = Counter(one.area for one in outcome.lasting)
    yield from (one for one in outcome.lasting if counted[one.area] > FEW.get(one.area, 0))
    for one in outcome.session:
        if one.area not in FREE or (one.area == "setting" and one.key in NOT_FREE):
            yield one


def _beside(outcome: Outcome) -> list[Difference]:
    """What a statement outside of a transaction may not do, whoever signs it: nothing measures it, or takes it back."""
    return [one for one in outcome.lasting if one.area != "catalog"]


def _not_undone(guarded: Guarded) -> Iterable[str]:
    if guarded.broken:
        yield f"guarded and not brought back: {guarded.broken}"
    assert guarded.outcome is not None
    left = [one for one in guarded.outcome.lasting if not _expected(one, guarded)]
    if left:
        how = f"rolled back ({guarded.unguardable})" if guarded.unguardable else "restored"
        yield f"guarded, {how}, and not as before: {_told(left)}"


def _expected(one: Difference, guarded: Guarded) -> bool:
    """Numbers that were drawn stay drawn, in PostgreSQL too; a sequence that went back did not only draw."""
    if one.area == "sequence" and one.before and one.after:
        forward = int(one.after.split()[0]) >= int(one.before.split()[0])
        return forward and (one.key in guarded.gaps or bool(guarded.unguardable))
    return one.area == "catalog" and one.key.startswith(STATISTICS)


def _told(differences: Sequence[Difference]) -> str:
    more = f" and {len(differences) - 4} more" if len(differences) > 4 else ""
    return "; ".join(map(str, differences[:4])) + more
