"""The pages: read the state, fill a template."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from yett.approvals import acts, holds
from yett.approvals.acts import ActKind, ActState
from yett.approvals.answer import challenge_of, quorum_of, signatures
from yett.approvals.challenge import Answer
from yett.approvals.document import fields
from yett.approvals.hold import Hold, HoldState
from yett.approvals.people import Key, Reader, active_keys, active_persons
from yett.approvals.pulse import pulse
from yett.approvals.quorum import Person, Quorum
from yett.approvals.reading import Reading, read
from yett.approvals.words import digest_words
from yett.console.plane import ConsolePlane
from yett.model.canonical import canonical

LEDGER_PAGE = 100

TITLES = {
    ActKind.ENROL_KEY: "Enrol a key",
    ActKind.REMOVE_KEY: "Remove a key",
    ActKind.LOCKDOWN_OFF: "Lift the lockdown",
    ActKind.POLICY: "Change the policy",
    ActKind.PROVIDER: "Change a provider",
    ActKind.ENVIRONMENTS: "Set what environments are for",
    ActKind.PURPOSE: "Change a credential's purpose",
    ActKind.BASELINE: "Accept findings",
    ActKind.TASK_PRODUCTION: "Let a task work in production",
    ActKind.GRANT: "Grant a set of acts to a task",
    ActKind.UNMASK: "Show masked columns to an agent",
    ActKind.WIDEN: "Let tasks do more in a database",
    ActKind.BUDGET: "Let a task read more of a database",
    ActKind.UNDO_APPLY: "Apply an undo",
    ActKind.UNINSTALL: "Uninstall Yett",
    ActKind.EXPORT_SECRET: "Export a secret",
    ActKind.LOWER_QUORUM: "Ask for fewer signatures",
}


@dataclass(frozen=True, slots=True)
class HoldCard:
    """A hold with its reading."""

    hold: Hold
    reading: Reading


@dataclass(frozen=True, slots=True)
class Signing:
    """Who has signed, who may, and whether it can come to enough."""

    quorum: Quorum
    signed: tuple[Person, ...]
    may: tuple[Person, ...]
    barred: tuple[tuple[Person, str], ...]


class Pages:
    """One method a page."""

    def __init__(self, plane: ConsolePlane, environment: Environment) -> None:
        self._plane = plane
        self._environment = environment

    async def home(self, request: Request) -> HTMLResponse:
        return await self._page("home.html", self._home)

    async def hold(self, request: Request) -> HTMLResponse:
        return await self._page("hold.html", lambda: self._hold(request.path_params["id"]))

    async def act(self, request: Request) -> HTMLResponse:
        return await self._page("act.html", lambda: self._act(request.path_params["id"]))

    async def enrol(self, request: Request) -> HTMLResponse:
        return await self._page("enrol.html", lambda: {"first": not self._plane.desk.read(active_keys)})

    async def ledger(self, request: Request) -> HTMLResponse:
        asked = request.query_params.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
        return await self._page("ledger.html", lambda: self._ledger(before))

    def refusal(self, status: int, what: str, remedy: str) -> HTMLResponse:
        """A page that says what went wrong."""
        return self._render("refusal.html", {"what": what, "remedy": remedy}, status)

    async def _page(self, name: str, facts: Any) -> HTMLResponse:  # a function that gives a template's variables
        found = await asyncio.to_thread(facts)
        return self._render(name, found, 200)

    def _render(self, name: str, facts: dict[str, Any], status: int) -> HTMLResponse:  # a template's variables
        desk = self._plane.desk
        shared = {"site": desk.site, "now": desk.clock(), "zone": time.strftime("%Z"), "titles": TITLES}
        text = self._environment.get_template(name).render({**shared, **facts})
        return HTMLResponse(text, status)

    def _home(self) -> dict[str, Any]:
        desk = self._plane.desk
        now = desk.clock()

        def look(reader: Reader) -> dict[str, Any]:
            live = holds.list_live(reader, desk.seal, now)
            return {
                "count": sum(hold.state is HoldState.WAITING for hold in live),
                "groups": _alike([_card(hold) for hold in live]),
                "unknown": [_card(hold) for hold in holds.list_unknown(reader, desk.seal)],
                "ended": [_card(hold) for hold in holds.list_ended(reader, desk.seal, 6)],
                "acts": acts.list_waiting(reader, now),
                "people": _people(active_persons(reader), active_keys(reader)),
                "pulse": pulse(reader),
            }

        log = self._plane.log_tail(6)
        return {**desk.read(look), "locked": self._plane.locked(), "log": log, "size": self._plane.log_size()}

    def _hold(self, hold_id: str) -> dict[str, Any]:
        desk = self._plane.desk

        def look(reader: Reader) -> dict[str, Any]:
            hold = holds.find_hold(reader, desk.seal, hold_id)
            challenge = challenge_of(desk.site, hold, Answer.APPROVE)
            signed = [signature.person for signature in signatures(reader, desk.site, hold)]
            return {
                "hold": hold,
                "reading": read(hold.document),
                "canonical": canonical(hold.document).decode(),
                "challenge": challenge.hex(),
                "words": digest_words(challenge),
                "signing": _signing(quorum_of(reader, hold), signed, active_persons(reader)),
                "open": hold.state is HoldState.WAITING and desk.clock() < hold.expires,
                "pulse": pulse(reader),
            }

        return desk.read(look)

    def _act(self, act_id: str) -> dict[str, Any]:
        desk = self._plane.desk

        def look(reader: Reader) -> dict[str, Any]:
            act = acts.find_act(reader, act_id)
            challenge = acts.challenge_of_act(desk.site, act)
            signed = acts.signers_of_act(reader, desk.site, act)
            people = active_persons(reader)
            named = {"person": {person.id: person.name for person in people}.get(str(act.body.get("person")), "")}
            return {
                "act": act,
                "fields": tuple(fields(act.body)),
                "named": named["person"],
                "challenge": challenge.hex(),
                "words": digest_words(challenge),
                "signing": _signing(acts.quorum_of_act(reader, act), signed, people),
                "open": act.state is ActState.WAITING and desk.clock() < act.expires,
                "pulse": pulse(reader),
            }

        return desk.read(look)

    def _ledger(self, before: int | None) -> dict[str, Any]:
        lines = self._plane.log_tail(LEDGER_PAGE, before)
        older = lines[-1].index if lines and lines[-1].index > 0 else None
        return {
            "lines": [(line, canonical(line.body).decode()) for line in lines],
            "older": older,
            "size": self._plane.log_size(),
            "note": self._plane.log_note(),
        }


def _card(hold: Hold) -> HoldCard:
    return HoldCard(hold, read(hold.document))


def _alike(cards: Sequence[HoldCard]) -> list[list[HoldCard]]:
    """Equal requests together, worst first: shown once, answered one by one (A20)."""
    groups: dict[tuple[str, ...], list[HoldCard]] = {}
    for card in cards:
        worst = card.reading.worst
        groups.setdefault((card.hold.agent, worst.action, card.reading.gravity, card.hold.state), []).append(card)
    return sorted(groups.values(), key=lambda group: group[0].reading.worst.weight, reverse=True)


def _people(persons: Sequence[Person], keys: Sequence[Key]) -> list[tuple[Person, list[Key]]]:
    return [(person, [key for key in keys if key.person == person.id]) for person in persons]


def _signing(quorum: Quorum, signed: Sequence[str], persons: Sequence[Person]) -> Signing:
    named = {person.id: person for person in persons}
    counted = tuple(named[one] for one in signed if one in quorum.entitled | quorum.alone and one in named)
    may = tuple(p for p in persons if p.id in quorum.entitled | quorum.alone and p not in counted)
    barred = tuple((named[one], why) for one, why in quorum.barred if one in named)
    return Signing(quorum, counted, may, barred)
