"""The oracle itself: it sees what is done, it sees nothing where nothing is done, and no false verdict gets past it."""

from __future__ import annotations

import random
from collections.abc import Callable

import psycopg
import pytest

from corpus import oracle
from corpus.cases import SUPERUSER, Case, all_cases
from corpus.claims import watched
from corpus.ground import Ground
from corpus.guarding import guard
from corpus.verdicts import FEW, NOT_FREE, violations
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.statement import Way

Place = Callable[[int], tuple[Ground, Catalog]]
FLIPS = 20
OUT_OF_SIGHT = {"large object", "neighbour", "file", "notification", "session ended", "advisory lock", "shared", "slot"}


def test_case_ids_are_unique() -> None:
    ids = [case.id for case in all_cases()]
    assert len(set(ids)) == len(ids)
    assert len(ids) >= 300


def test_a_copy_of_the_world_is_as_the_world(version: int, place: Place) -> None:
    ground, _ = place(version)
    ground.discard()
    ground.renew()
    assert oracle.differences(ground.pristine, ground.state()) == []
    assert sum(area == "rows" for area, _ in ground.pristine) > 45
    assert sum(area == "catalog" for area, _ in ground.pristine) > 1000


def test_the_same_state_read_anew_is_the_same(version: int, place: Place) -> None:
    """What is remembered of catalogs whose row versions did not change is what reading them all says."""
    ground, _ = place(version)
    ground.renew()
    with psycopg.connect(ground.url(SUPERUSER), autocommit=True) as connection:
        assert oracle.differences(ground.state(), oracle.Eye(ground.eye.first_xid).database(connection)) == []


def test_nothing_done_is_nothing_seen(version: int, place: Place) -> None:
    ground, _ = place(version)
    for role in ("lease", "steward", "postgres"):
        seen = ground.run(Case("nothing", ("SELECT 1",), frozenset()), role)
        assert (seen.lasting, seen.session, seen.errors) == ((), (), ())


@pytest.mark.parametrize(
    ("statement", "area", "key"),
    [
        ("UPDATE victims SET v = 'victim 3 ' WHERE id = 3", "rows", "public.victims"),
        ("UPDATE types SET f8 = 0 WHERE id = 2", "rows", "public.types"),  # it was -0, which is equal
        (
            "UPDATE pg_description SET description = 'b' WHERE objoid = 'accounts'::regclass",
            "catalog",
            "pg_description",
        ),
        (
            "UPDATE pg_proc SET proacl = NULL, prosrc = prosrc WHERE oid = 'lower(text)'::regprocedure",
            "catalog",
            "pg_proc",
        ),
        ("SELECT lo_put(70001, 0, 'B')", "large object", "pg_largeobject"),
        ("SELECT setval('numbers', 100, true)", "sequence", "public.numbers"),
        ("ALTER ROLE stray CONNECTION LIMIT 5", "shared", "pg_authid stray"),
        ("ALTER SYSTEM SET work_mem = '5MB'", "file", "postgresql.auto.conf"),
        ("VACUUM FULL keyless", "catalog", "pg_class keyless"),
        ("CREATE TABLE of_no_columns ()", "catalog", "pg_class of_no_columns"),
    ],
)
def test_the_smallest_change_is_seen(statement: str, area: str, key: str, version: int, place: Place) -> None:
    ground, _ = place(version)
    allowed = ("SET allow_system_table_mods = on", statement)
    seen = ground.run(Case("small", allowed, frozenset()), SUPERUSER)
    assert seen.errors == ()
    assert any(one.area == area and key in one.key for one in seen.lasting), seen.lasting


@pytest.mark.parametrize("setting", sorted(NOT_FREE - {"is_superuser", "role", "session_authorization"}))
def test_a_pinned_setting_that_passed_would_be_found(setting: str, version: int, place: Place) -> None:
    ground, _ = place(version)
    other = {
        "client_encoding": "LATIN1",
        "search_path": "attic",
        "session_replication_role": "replica",
        "statement_timeout": "77",
        "standard_conforming_strings": "off",
        "track_counts": "off",
        "default_tablespace": "pg_default",
        "local_preload_libraries": "nothing",
    }.get(setting, "on")
    if setting in ("local_preload_libraries",):
        pytest.skip("only read when a session begins")
    case = Case("pinned", (f"SET {setting} = '{other}'",), frozenset())
    assert violations(case, Way.PASS, [ground.run(case, SUPERUSER)], None)


def test_verdicts_flipped_at_random_are_all_found(version: int, place: Place) -> None:
    """Twenty statements that change something, called PASS: every one is a violation."""
    ground, catalog = place(version)
    changing = [case for case in all_cases() if case.effect - FEW.keys() and case.runs_on(version, ground.features)]
    for case in random.Random(f"flipped {version}").sample(changing, FLIPS):
        outcomes, _ = watched(ground, case, catalog)
        assert violations(case, Way.PASS, outcomes, None), f"{case.id} called PASS was not found"


def test_verdicts_flipped_to_guard_are_all_found(version: int, place: Place) -> None:
    """Ten statements whose effect no guard can bring back, called GUARD: found, unless the guard itself refused it."""
    ground, catalog = place(version)
    beyond = [case for case in all_cases() if case.effect & OUT_OF_SIGHT and case.runs_on(version, ground.features)]
    for case in random.Random(f"guarded {version}").sample(beyond, FLIPS // 2):
        outcomes, session = watched(ground, case, catalog)
        (changing, *_) = [one for one in outcomes if one.areas & OUT_OF_SIGHT]
        guarded = guard(ground, case, changing.role, session.said)
        assert guarded.outcome is not None
        refused = guarded.unguardable or (guarded.outcome.errors and not guarded.outcome.lasting)
        assert refused or violations(case, Way.GUARD, outcomes, guarded), f"{case.id} called GUARD was not found"
