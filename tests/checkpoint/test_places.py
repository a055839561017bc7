"""Where a resource stands, seen from the task. Every doubt falls towards ELSEWHERE (law 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations_of_tests import PRODUCTION, STAGING, resource, session

from yett.checkpoint.places import EnvironmentMap, KnownEnvironment
from yett.model.resource import Environment, EnvironmentClass, Place

MAP = EnvironmentMap(
    {
        ("railway", "env-prod"): KnownEnvironment("production", EnvironmentClass.PRODUCTION),
        ("railway", "env-stag"): KnownEnvironment("staging", EnvironmentClass.NON_PRODUCTION),
    }
)
NOBODYS = Environment("railway", "env-x", "staging")


def place(environment: str | None, *stands_in: Environment, production: bool = False) -> Place:
    return MAP.place(session(environment=environment, production=production).task, resource(*stands_in))


def test_in_the_tasks_environment() -> None:
    assert place("staging", STAGING) is Place.TASK


def test_in_production_only_where_a_key_signed_for_it() -> None:
    assert place("production", PRODUCTION) is Place.ELSEWHERE
    assert place("production", PRODUCTION, production=True) is Place.PRODUCTION


def test_a_signature_for_production_does_not_make_staging_production() -> None:
    assert place("staging", STAGING, production=True) is Place.TASK


@pytest.mark.parametrize("stands_in", [(), (NOBODYS,), (STAGING, NOBODYS), (STAGING, PRODUCTION), (PRODUCTION,)])
def test_whatever_is_not_wholly_the_tasks_own_is_elsewhere(stands_in: tuple[Environment, ...]) -> None:
    assert place("staging", *stands_in) is Place.ELSEWHERE


def test_without_an_environment_everything_is_elsewhere() -> None:
    assert place(None, STAGING) is Place.ELSEWHERE


def test_the_providers_name_is_never_consulted() -> None:
    assert place("staging", replace(PRODUCTION, name="staging")) is Place.ELSEWHERE
    assert place("staging", replace(STAGING, name="production")) is Place.TASK


def test_the_same_id_at_another_provider_is_another_environment() -> None:
    assert place("staging", replace(STAGING, provider="render")) is Place.ELSEWHERE


def test_a_label_that_stands_for_both_kinds_counts_as_production() -> None:
    both = EnvironmentMap(
        {
            ("railway", "a"): KnownEnvironment("live", EnvironmentClass.NON_PRODUCTION),
            ("render", "b"): KnownEnvironment("live", EnvironmentClass.PRODUCTION),
        }
    )
    assert both.kind_of_label("live") is EnvironmentClass.PRODUCTION
    assert both.kind_of_label("nothing") is None


@given(st.lists(st.sampled_from([STAGING, PRODUCTION, NOBODYS]), max_size=4), st.booleans())
def test_one_more_environment_never_makes_it_milder(stands_in: list[Environment], production: bool) -> None:
    order = [Place.TASK, Place.PRODUCTION, Place.ELSEWHERE]
    for more in (STAGING, PRODUCTION, NOBODYS):
        for label in ("staging", "production"):
            before = place(label, *stands_in, production=production)
            after = place(label, *stands_in, more, production=production)
            assert not stands_in or order.index(after) >= order.index(before)
