"""A scene for the tests of approvals and console: a real store and journal, a founding incident, people with keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yett.approvals.challenge import Answer, Site
from yett.approvals.desk import Desk
from yett.approvals.facts import Facts
from yett.approvals.hold import SECOND, Hold
from yett.approvals.sealing import Seal
from yett.drills.authenticator import VirtualKey
from yett.ledger.journal import Journal
from yett.ledger.notes import Signer
from yett.model.canonical import Json
from yett.model.decision import Decision
from yett.model.effects import Effect, Recovery, Verdict
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Amount, Attempt, Governed, Operation
from yett.model.provider import UndoPlan
from yett.model.resource import Backup, Environment, Place, Resource, ResourceRef
from yett.store import Store, open_store

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

    async def enrol_first(self, name: str = "Ada") -> VirtualKey:
        code = await self.desk.first_code()
        assert code is not None
        key = VirtualKey()
        options = self.desk.first_key_options(code, name)
        await self.desk.enrol_first(code, name, key.create(options, self.site.origin))
        self.people[name] = key
        return key

    async def enrol(self, name: str, *vouchers: str) -> VirtualKey:
        key = VirtualKey()
        ticket, options = self.desk.key_options(name)
        act = await self.desk.propose_key(ticket, key.create(options, self.site.origin))
        for voucher in vouchers:
            await self.sign(act.id, voucher)
        self.people[name] = key
        return key

    async def sign(self, act_id: str, name: str) -> None:
        options = self.desk.act_options(act_id)
        await self.desk.sign(act_id, self.people[name].get(options, self.site.origin))

    def assertion(self, hold_id: str, name: str, said: Answer = Answer.APPROVE) -> dict[str, Json]:
        return self.people[name].get(self.desk.answer_options(hold_id, said), self.site.origin)

    async def approve(self, hold_id: str, name: str) -> Hold:
        return await self.desk.answer(hold_id, Answer.APPROVE, self.assertion(hold_id, name))

    async def consume(self, hold_id: str, facts: Facts) -> Hold:
        now = self.clock()
        return await self.journal.run(lambda tx: self.desk.consume(tx, hold_id, facts, now))

    def entries(self) -> str:
        """The whole ledger as text, for what must (or must not) stand there."""
        from sqlalchemy import select

        from yett.store.tables import ledger_entry

        rows = self.store.read(lambda c: c.execute(select(ledger_entry.c.data).order_by(ledger_entry.c.idx)).all())
        return "\n".join(bytes(row.data).decode() for row in rows)


@contextmanager
def scene(folder: Path, realm: str = "drill", port: int = PORT) -> Iterator[Scene]:
    store = open_store(f"sqlite:///{folder / 'yett.db'}", realm)
    clock = Clock()
    journal = Journal(store, Signer("yett.test/log", _log_key(folder)), clock=clock)
    site = Site(store.id, port, drill=realm == "drill")
    desk = Desk(site, store, journal, Seal(b"s" * 32), account="ada", clock=clock)
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


def changed(facts: Facts, **situation: object) -> Facts:
    """The same facts with another situation."""
    return replace(facts, situations=tuple(replace(one, **situation) for one in facts.situations))
