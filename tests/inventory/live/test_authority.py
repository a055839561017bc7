"""What a credential really does, asked of a running Railway through its room: at one host, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from inventory.live.made import FakeClock
from yett.inventory.finding import Finding
from yett.inventory.live import Limits, Network, Plan, ask_all
from yett.inventory.live.authority import authority_of
from yett.inventory.live.call import Request
from yett.inventory.live.client import Client, NoAnswer
from yett.inventory.live.limits import Pace
from yett.inventory.live.plan import planned
from yett.inventory.live.verdict import Answer
from yett.inventory.outcome import Outcome
from yett.inventory.reach.declared import with_authority
from yett.inventory.reach.short import is_documented
from yett.inventory.scan import rooms
from yett.lab.incident import RunningLab, lab_folder, started_lab
from yett.model.credential import Authority, Credential, Location
from yett.model.errors import UpstreamFailed
from yett.model.secret import Secret

AGREED = "backboard.railway.com"


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    with lab_folder() as folder, started_lab(folder / "lab") as lab:
        yield lab


@pytest.fixture
def network(lab: RunningLab) -> Network:
    """The agreed name leads to the lab, and no other name leads anywhere."""
    return Network(mapped={AGREED: ("127.0.0.1", lab.announced["ports"]["tls"])}, roots=lab.announced["ca"])


def finding(lab: RunningLab, token: str, kind: str) -> Finding:
    credential = Credential("f" * 64, "railway", kind, (Location("file", "/srv/shop/.env", 1),))
    return Finding(credential, Secret(lab.handed_out[f"{token}_token"].encode()), "a token")


def asked(one: Finding, network: Network) -> Finding:
    outcome = ask_all(Outcome((one,)), lambda _: None, lambda _: True, network=network, clock=FakeClock())
    return with_authority(outcome, rooms()).findings[0]


def test_an_account_token_is_told_with_all_that_it_reaches(lab: RunningLab, network: Network) -> None:
    one = asked(finding(lab, "account", "account"), network)
    assert one.authority is not None
    assert one.authority.blanket
    assert not is_documented(one.authority)
    assert one.live == "live"
    assert one.reach.startswith(f"account token of {one.authority.identity}: everything in account ")
    assert "for good" in one.reach


def test_what_only_its_name_calls_a_project_token_is_found_out(lab: RunningLab, network: Network) -> None:
    one = asked(finding(lab, "account", "project"), network)
    assert one.authority is not None
    assert (one.live, one.authority.blanket) == ("live", True)
    assert one.reach.startswith("account token of ")


def test_a_project_token_reaches_one_environment(lab: RunningLab, network: Network) -> None:
    one = asked(finding(lab, "production", "project"), network)
    assert one.authority is not None
    assert not one.authority.blanket
    assert "everything in environment " in one.reach


def test_without_consent_nothing_is_asked(lab: RunningLab, network: Network) -> None:
    before = len(lab.arrivals())
    given = Outcome((finding(lab, "account", "account"),))
    assert ask_all(given, lambda _: None, lambda _: False, network=network) == given
    assert len(lab.arrivals()) == before


def test_only_queries_are_asked_and_only_of_the_agreed_host(lab: RunningLab, network: Network) -> None:
    before = len(lab.arrivals())
    plans: list[Plan] = []

    def yes(plan: Plan) -> bool:
        plans.append(plan)
        return True

    given = Outcome((finding(lab, "account", "account"),))
    ask_all(given, lambda _: None, yes, network=network, clock=FakeClock())
    assert list(plans[0].issuers) == [AGREED]
    arrived = lab.arrivals()[before:]
    assert len(arrived) > 3
    assert "mutation" not in json.dumps(arrived)


@dataclass
class Failing:
    """A client that fails at the nth question; with `instead`, that answer comes."""

    client: Client
    at: int
    instead: Callable[[], Answer]
    asked: list[Request] = field(default_factory=list)

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.instead() if len(self.asked) >= self.at else self.client.ask(request)


def lost() -> Answer:
    raise NoAnswer("did not answer in time")


def gone() -> Answer:
    raise UpstreamFailed("could not be reached")


FAILURES: dict[str, Callable[[], Answer]] = {
    "no answer": lost,
    "not reached": gone,
    "busy": lambda: Answer(429, b"{}"),
    "too long": lambda: Answer(200, None),
}


@pytest.mark.parametrize("at", [1, 2, 3, 5])
@pytest.mark.parametrize("instead", FAILURES.values(), ids=FAILURES)
def test_a_part_of_an_authority_is_none(
    lab: RunningLab, network: Network, at: int, instead: Callable[[], Answer]
) -> None:
    one = finding(lab, "account", "account")
    (question,) = planned(Outcome((one,)), 10).questions
    client = Failing(Client(network, Limits()), at, instead)
    assert authority_of(one, question, rooms(), client, Pace(0, FakeClock())) is None
    assert len(client.asked) == at, "nothing more is asked once something failed"
    assert {request.host for request in client.asked} == {AGREED}


def test_a_list_that_did_not_come_is_no_empty_list(lab: RunningLab, network: Network) -> None:
    """A room may take a question without an answer for one with nothing in it."""
    one = finding(lab, "account", "account")
    (question,) = planned(Outcome((one,)), 10).questions
    page = {"projects": {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}
    said = [{"me": {"id": "1", "email": "ada@shop.test"}}, page]
    answers = iter([Answer(200, json.dumps({"data": data}).encode()) for data in said])
    client = Failing(Client(network, Limits()), 1, lambda: next(answers, None) or lost())
    assert authority_of(one, question, rooms(), client, Pace(0, FakeClock())) is None
    assert len(client.asked) == 3


def test_more_questions_than_anybody_waits_for_end_it(lab: RunningLab, network: Network) -> None:
    one = finding(lab, "account", "account")
    (question,) = planned(Outcome((one,)), 10).questions
    client = Failing(Client(network, Limits()), 1000, lost)
    assert authority_of(one, question, rooms(), client, Pace(0, FakeClock()), most=3) is None
    assert len(client.asked) == 3


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 1}', b'{"data": {"me": 1}}', b'{"data": {"me": {}}}', b"\xff"])
def test_an_answer_of_another_shape_is_none(lab: RunningLab, network: Network, body: bytes) -> None:
    one = finding(lab, "account", "account")
    (question,) = planned(Outcome((one,)), 10).questions
    client = Failing(Client(network, Limits()), 1, lambda: Answer(200, body))
    assert authority_of(one, question, rooms(), client, Pace(0, FakeClock())) is None


def test_whoever_cannot_be_asked_keeps_what_is_known_of_the_kind(lab: RunningLab, network: Network) -> None:
    dead = replace(finding(lab, "account", "account"), value=Secret(b"00000000-0000-4000-8000-000000000000"))
    one = asked(dead, network)
    assert one.reach == "at most all that its owner can do"
    away = Network(mapped={AGREED: ("127.0.0.1", 1)})
    assert asked(finding(lab, "account", "account"), away).reach == "at most all that its owner can do"


def test_an_issuer_without_a_room_is_asked_nothing_more(lab: RunningLab, network: Network) -> None:
    one = finding(lab, "account", "account")
    (question,) = planned(Outcome((one,)), 10).questions
    stranger = replace(one, credential=replace(one.credential, provider="gitlab"))
    client = Failing(Client(network, Limits()), 1, lost)
    assert authority_of(stranger, question, rooms(), client, Pace(0, FakeClock())) is None
    assert client.asked == []
    assert isinstance(asked(one, network).authority, Authority)
