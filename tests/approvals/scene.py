"""A scene for the tests of approvals and console: a real store and journal, a founding incident, people with keys."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Executable, select

from yett.approvals.acts import Act, ActKind
from yett.approvals.challenge import Answer, Site
from yett.approvals.desk import Desk
from yett.approvals.facts import Facts
from yett.approvals.hold import SECOND, Hold
from yett.approvals.sealing import Seal
from yett.checkpoint.lockdown import open_again
from yett.drills.authenticator import VirtualKey
from yett.ledger.journal import Journal
from yett.ledger.notes import Signer
from yett.model.canonical import Json
from yett.model.decision import Decision
from yett.model.effects import Effect, Recovery, Verdict
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Amount, Attempt, Governed, Operation
from yett.model.resource import Backup, Environment, Place, Resource, ResourceRef
from yett.model.undo import UndoPlan
from yett.store import Store, open_store
from yett.store.tables import ledger_entry

T = TypeVar("T")

PORT = 4663
VOLUME = ResourceRef("railway", "volume", "3d2c42fb-9b7e-4a1c-8f52-6f1f0c8f7a11")


@dataclass(frozen=True)
class Situated:
    """What the checkpoint hands in: see approvals.facts.Situation."""

    operation: Operation
    resource: Resource | None
    place: Place
    irreversible: bool
    undo: UndoPlan


@dataclass
class Clock:
    now: int = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@dataclass
class Scene:
    """A control plane without its wires. `ada` and whoever is enrolled later sign with virtual keys."""

    folder: Path
    site: Site
    store: Store
    journal: Journal
    desk: Desk
    clock: Clock
    people: dict[str, VirtualKey] = field(default_factory=dict)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def enrol_first(self, name: str = "Ada") -> VirtualKey:
        code = self.do(self.desk.first_code())
        assert code is not None
        key = self.people[name] = VirtualKey()
        options = self.desk.first_key_options(code, name)
        self.do(self.desk.enrol_first(code, name, key.create(options, self.site.origin)))
        return key

    def ask_to_enrol(self, name: str, key: VirtualKey) -> Act:
        ticket, options = self.desk.key_options(name)
        return self.do(self.desk.propose_key(ticket, key.create(options, self.site.origin)))

    def enrol(self, name: str, *vouchers: str) -> VirtualKey:
        key = VirtualKey()
        act = self.ask_to_enrol(name, key)
        for voucher in vouchers:
            self.sign(act.id, voucher)
        self.people[name] = key
        return key

    def team(self) -> None:
        """Ada, Bo and Cy: three people."""
        self.enrol_first("Ada")
        self.enrol("Bo", "Ada")
        self.enrol("Cy", "Ada", "Bo")

    def sign(self, act_id: str, name: str) -> Act:
        options = self.desk.act_options(act_id)
        return self.do(self.desk.sign(act_id, self.people[name].get(options, self.site.origin)))

    def open(self, facts: Facts) -> Hold:
        return self.do(self.desk.open(facts))

    def assertion(self, hold_id: str, name: str, said: Answer = Answer.APPROVE) -> dict[str, Json]:
        return self.people[name].get(self.desk.answer_options(hold_id, said), self.site.origin)

    def answer(self, hold_id: str, credential: Mapping[str, Json], said: Answer = Answer.APPROVE) -> Hold:
        return self.do(self.desk.answer(hold_id, said, credential))

    def approve(self, hold_id: str, name: str) -> Hold:
        return self.answer(hold_id, self.assertion(hold_id, name))

    def consume(self, hold_id: str, facts: Facts) -> Hold:
        now = self.clock()
        return self.do(self.journal.run(lambda tx: self.desk.consume(tx, hold_id, facts, now)))

    def write(self, statement: Executable) -> None:
        """Change the store behind everyone's back, as its owner could."""
        self.do(self.journal.run(lambda tx: tx.execute(statement).rowcount))

    def entries(self) -> str:
        """The whole ledger as text, for what must (or must not) stand there."""
        rows = self.store.read(lambda c: c.execute(select(ledger_entry.c.data).order_by(ledger_entry.c.idx)).all())
        return "\n".join(bytes(row.data).decode() for row in rows)


@contextmanager
def scene(folder: Path, realm: str = "drill", port: int = PORT, url: str = "") -> Iterator[Scene]:
    store = open_store(url or f"sqlite:///{folder / 'yett.db'}", realm)
    clock = Clock()
    journal = Journal(store, Signer("yett.test/log", _log_key(folder)), clock=clock)
    site = Site(store.id, port, drill=realm == "drill")
    desk = Desk(
        site, store, journal, Seal(b"s" * 32), effects={ActKind.LOCKDOWN_OFF: open_again}, account="ada", clock=clock
    )
    try:
        yield Scene(folder, site, store, journal, desk, clock)
    finally:
        journal.close()
        store.close()


def _log_key(folder: Path) -> Ed25519PrivateKey:
    path = folder / "log.key"
    if not path.exists():
        path.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def volume_delete(
    *,
    owner: str = "Ada",
    asker: str = "Ada",
    obligations: tuple[str, ...] = ("snapshot",),
    session: str = "s-1",
    volume: ResourceRef = VOLUME,
    reason: str = "The staging volume is corrupted, deleting it lets me recreate it cleanly.",
) -> Facts:
    """The founding call: a production volume whose backups die with it."""
    operation = Operation(
        action="railway:volumeDelete",
        effect=Effect.DELETE,
        recovery=Recovery.FROM_BACKUP,
        target=Governed("railway", (volume,)),
        wire="graphql",
        parameters={"volumeId": volume.id},
        cost=Amount(deletes=1),
    )
    resource = Resource(
        ref=volume,
        name="pocketos-postgres",
        environments=(Environment("railway", "env-prod", "production"),),
        backups=(
            Backup("b-1", "2026-01-24T03:00Z", 2_100_000_000, True),
            Backup("b-2", "2026-04-23T03:00Z", 2_300_000_000, True),
        ),
        size_bytes=2_340_000_000,
        dependants=("web", "worker"),
    )
    undo = UndoPlan(True, "a logical dump over the database's own wire", ("bytes outside the database",))
    principal = Principal("cursor/7f3a", owner, "cursor", ("agents",))
    task = Task("t-1", "fix the staging login", "staging", False, 0.0, 10.0**10)
    return Facts(
        attempt=Attempt(
            session=Session(session, principal, task, "/home/ada/pocketos"),
            wire="graphql",
            operations=(operation,),
            request_digest="ab" * 32,
            lease="l-1",
            summary=f"POST backboard.railway.app volumeDelete {volume.id}",
        ),
        digest=f"digest-{session}-{volume.id}",
        situations=(Situated(operation, resource, Place.ELSEWHERE, True, undo),),
        decision=Decision(
            Verdict.HOLD,
            frozenset(obligations),
            ("base/irreversible",),
            ("cannot be undone by the provider",),
            "p" * 64,
        ),
        impact=Amount(deletes=1, rows=1_204_311, bytes=2_340_000_000),
        asker=asker,
        reason=reason,
    )


def situated(facts: Facts, **change: Any) -> Facts:
    """The same facts in another situation."""
    return replace(facts, situations=[replace(one, **change) for one in facts.situations])  # type: ignore[type-var]


def on_resource(facts: Facts, **change: Any) -> Facts:
    """The same facts about a changed resource."""
    return situated(facts, resource=replace(facts.situations[0].resource, **change))  # type: ignore[type-var]


def decided(facts: Facts, **change: Any) -> Facts:
    """The same facts under another decision."""
    return replace(facts, decision=replace(facts.decision, **change))
