"""Every statement on PostgreSQL 15; a file a version, so that each worker starts one server."""

from __future__ import annotations

from corpus.cases import Case
from corpus.claims import Place, each, must_hold


@each(15)
def test_what_is_said_of_a_statement_holds(case: Case, place: Place) -> None:
    must_hold(case, 15, place)
