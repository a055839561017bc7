"""The one door to approvals for the checkpoint, the console and the daemon: this room's functions, bound to a store."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from yett.approvals import acts, answer, grants, holds, keys, release
from yett.approvals.acts import Act, ActKind, Effect
from yett.approvals.challenge import Answer, Site, enrol_challenge
from yett.approvals.document import Document, text
from yett.approvals.errors import NotOpen, TooMany
from yett.approvals.facts import Facts
from yett.approvals.hold import SECOND, Hold
from yett.approvals.keys import Enrolled
from yett.approvals.passkeys import NewKey, registration_options, verify_new_key
from yett.approvals.people import Reader, active_keys, active_persons
from yett.approvals.quorum import Person
from yett.approvals.sealing import Seal
from yett.ledger.journal import Journal, Transaction
from yett.model.canonical import Json
from yett.store import Store

T = TypeVar("T")

CODE_TRIES = 10
CODE_TRIES_PER = 60 * SECOND
"""Wrong codes in a minute, of everyone together: 130 bits need no more, and a burst is worth refusing."""

TICKETS = 32


class Desk:
    """Holds, acts, keys and grants of one store on one page.

    Reads are synchronous and short; writes go through the journal. `effects` say what signed acts do, beside those of
    this room; `account` is the system account that the first enrolled person is known by.
    """

    def __init__(
        self,
        site: Site,
        store: Store,
        journal: Journal,
        seal: Seal,
        *,
        effects: Mapping[ActKind, Effect] | None = None,
        account: str = "",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.site = site
        self.seal = seal
        self.clock = clock
        self._store = store
        self._journal = journal
        self._account = account
        self._effects: dict[ActKind, Effect] = {**_OWN_EFFECTS, **(effects or {})}
        self._wrong_codes: deque[int] = deque()
        self._tickets: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self.on_signed: list[Callable[[Act], None]] = []

    def read(self, query: Callable[[Reader], T]) -> T:
        """Run a query of this room on a read-only snapshot."""
        return self._store.read(query)

    async def start(self) -> None:
        """Make a restarted control plane ready: settle what was lost, expire what is due, renew what waits.

        The ledger's recovery runs before.
        """
        note, now = self._journal.checkpoint(), self.clock()

        def work(tx: Transaction) -> None:
            release.settle_lost(tx)
            holds.expire_due(tx, now)
            acts.expire_acts(tx, now)
            holds.renew_nonces(tx, note, now)
            acts.renew_acts(tx, note, now)

        await self._journal.run(work)

    # Holds: the checkpoint's side.

    async def open(self, facts: Facts) -> Hold:
        """Hold an attempt, or join the hold of its earlier send. Raises TooMany."""
        note, now = self._journal.checkpoint(), self.clock()
        return await self._journal.run(lambda tx: holds.open_hold(tx, self.seal, facts, note, now))

    def live(self, session: str, digest: str) -> Hold | None:
        """The live hold of this session's request, if there is one."""
        return self.read(lambda reader: holds.live_hold(reader, self.seal, session, digest, self.clock()))

    def live_and_people(self, session: str, digest: str) -> tuple[Hold | None, tuple[Person, ...]]:
        """The same, and who is enrolled, on one snapshot: opening one costs more than the questions."""
        now = self.clock()
        return self.read(lambda r: (holds.live_hold(r, self.seal, session, digest, now), active_persons(r)))

    def approved(self, session: str, request_digest: str) -> frozenset[str]:
        """See `holds.approved_digests`."""
        return self.read(lambda reader: holds.approved_digests(reader, session, request_digest, self.clock()))

    def consume(self, tx: Transaction, hold_id: str, facts: Facts, now: int) -> Hold:
        """Spend an approval within the caller's transaction (release.consume)."""
        return release.consume(tx, self.seal, self.site, hold_id, facts, now)

    def settle(self, tx: Transaction, hold_id: str, outcome: str) -> None:
        """Note what became of it: done, refused, unknown."""
        release.settle(tx, hold_id, outcome)

    def settle_unknown(self, tx: Transaction, hold_id: str, outcome: str, why: str) -> None:
        """What became of a hold that was unknown until now: done, refused, or unknown for ever, and why."""
        release.settle_unknown(tx, hold_id, outcome, why)

    async def end_session(self, session: str, why: str) -> None:
        """Cancel a session's holds and end its grants: nothing runs after its task."""
        now = self.clock()

        def work(tx: Transaction) -> None:
            holds.cancel_session(tx, session, why)
            grants.end_grants(tx, session, now)

        await self._journal.run(work)

    async def expire(self) -> None:
        """Mark what is due; call it every few seconds."""
        now = self.clock()
        due = self.read(lambda reader: holds.any_due(reader, now) or acts.any_due(reader, now))
        if due:
            await self._journal.run(lambda tx: (holds.expire_due(tx, now), acts.expire_acts(tx, now)))

    # Holds: the person's side.

    def hold(self, hold_id: str) -> Hold:
        return self.read(lambda reader: holds.find_hold(reader, self.seal, hold_id))

    def waiting(self) -> tuple[Hold, ...]:
        return self.read(lambda reader: holds.list_live(reader, self.seal, self.clock()))

    def answer_options(self, hold_id: str, said: Answer) -> dict[str, Json]:
        now = self.clock()
        return self.read(lambda r: answer.answer_options(r, self.seal, self.site, hold_id, said, now))

    async def answer(self, hold_id: str, said: Answer, credential: Mapping[str, Json]) -> Hold:
        """Record a signed answer. Raises NotOpen, NotSigned, NotEntitled."""
        now = self.clock()
        return await self._journal.run(
            lambda tx: answer.record_answer(tx, self.seal, self.site, hold_id, said, credential, now)
        )

    async def deny(self, hold_id: str, by: str, why: str = "") -> None:
        await self._journal.run(lambda tx: holds.deny_hold(tx, hold_id, by, why))

    # Keys.

    async def first_code(self) -> str | None:
        """A code for the first key, None when someone is enrolled."""
        if self.read(active_keys):
            return None
        now = self.clock()
        return await self._journal.run(lambda tx: keys.issue_code(tx, now))

    def first_key_options(self, code: str, name: str) -> dict[str, Json]:
        now = self.clock()
        with self._counting_wrong_codes(now):
            return self.read(lambda reader: keys.first_key_options(reader, self.site, code, name, now))

    async def enrol_first(self, code: str, name: str, credential: Mapping[str, Json]) -> Enrolled:
        """Enrol the first key with the terminal's code. Raises NotEntitled, NotSigned, TooMany."""
        now = self.clock()
        with self._counting_wrong_codes(now):
            return await self._journal.run(
                lambda tx: keys.enrol_first(tx, self.site, code, name, credential, self._account, now)
            )

    def key_options(self, name: str) -> tuple[str, dict[str, Json]]:
        """A ticket, and options to register a further key with; someone enrolled then signs for it."""
        keys.check_name(name)
        ticket, secret = secrets.token_urlsafe(16), secrets.token_bytes(32)
        self._tickets[ticket] = (secret, name)
        while len(self._tickets) > TICKETS:
            self._tickets.popitem(last=False)
        known = self.read(active_keys)
        challenge = enrol_challenge(self.site, secret, name)
        return ticket, registration_options(self.site, challenge, name, [key.id for key in known])

    async def propose_key(self, ticket: str, credential: Mapping[str, Json]) -> Act:
        """Put a registered key before the people who may vouch for it. Raises NotOpen, NotSigned, TooMany."""
        secret, name = self._tickets.pop(ticket, (b"", ""))
        if not secret:
            raise NotOpen("ticket", "that page is too old", "open it again")
        key = verify_new_key(self.site, enrol_challenge(self.site, secret, name), credential)
        known = self.read(lambda reader: keys.person_named(reader, name))
        body: dict[str, Json] = {
            "name": known.name if known else name,
            "person": known.id if known else "",
            "key": key.id,
            "public_key": key.public_key.hex(),
            "sign_count": key.sign_count,
            "aaguid": key.aaguid,
        }
        return await self.propose(ActKind.ENROL_KEY, body, "the enrolment page")

    async def propose_removal(self, key_id: str, by: str) -> Act:
        """Propose to remove a key. Raises NotOpen, TooMany."""
        key = self.read(lambda reader: next((k for k in active_keys(reader) if k.id == key_id), None))
        if key is None:
            raise NotOpen("unknown-key", "that key is not enrolled", "look at the list of keys again")
        return await self.propose(ActKind.REMOVE_KEY, {"key": key.id, "person": key.person}, by)

    async def reinitialise(self, by: str) -> str:
        """All keys are lost: forget them, cancel everything that waits, mark the ledger; a new first code."""
        now = self.clock()

        def work(tx: Transaction) -> str:
            acts.cancel_acts(tx, "the keys were reinitialised")
            grants.end_grants(tx, "", now)
            return keys.reinitialise(tx, by, now)

        return await self._journal.run(work)

    # Acts.

    async def propose(self, kind: ActKind, body: Document, by: str, act_id: str = "") -> Act:
        """Put an act before people. Raises TooMany; NotSigned for a grant without bounds."""
        note, now = self._journal.checkpoint(), self.clock()
        if kind is ActKind.GRANT:
            grants.check_grant(body, now)
        return await self._journal.run(lambda tx: acts.propose(tx, kind, body, by, note, now, act_id))

    def act(self, act_id: str) -> Act:
        return self.read(lambda reader: acts.find_act(reader, act_id))

    def waiting_acts(self) -> tuple[Act, ...]:
        return self.read(lambda reader: acts.list_waiting(reader, self.clock()))

    def act_options(self, act_id: str) -> dict[str, Json]:
        now = self.clock()
        return self.read(lambda reader: acts.act_options(reader, self.site, act_id, now))

    async def sign(self, act_id: str, credential: Mapping[str, Json]) -> Act:
        """Record a signature of an act. Raises NotOpen, NotSigned, NotEntitled, or what its effect raises."""
        now = self.clock()
        act = await self._journal.run(lambda tx: acts.sign_act(tx, self.site, act_id, credential, self._effects, now))
        for signed in self.on_signed:
            signed(act)
        return act

    def spend_act(self, tx: Transaction, act_id: str, kind: ActKind, body: Document, now: int) -> tuple[str, ...]:
        """Use a signed act within the caller's transaction (acts.spend_act)."""
        return acts.spend_act(tx, self.site, act_id, kind, body, now)

    async def decline(self, act_id: str, by: str) -> None:
        await self._journal.run(lambda tx: acts.decline_act(tx, act_id, by))

    def _counting_wrong_codes(self, now: int) -> _WrongCodes:
        while self._wrong_codes and self._wrong_codes[0] <= now - CODE_TRIES_PER:
            self._wrong_codes.popleft()
        if len(self._wrong_codes) >= CODE_TRIES:
            raise TooMany("code-tries", "too many wrong codes", "wait a minute, or let yett up show a new one")
        return _WrongCodes(self._wrong_codes, now)


class _WrongCodes:
    """Notes one try when what it guards is refused for its code."""

    def __init__(self, tries: deque[int], now: int) -> None:
        self._tries = tries
        self._now = now

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if getattr(error, "code", "") == "code":
            self._tries.append(self._now)


def _enrol(tx: Transaction, act: Act, by: str, now: int) -> None:
    body = act.body
    key = NewKey(
        id=text(body, "key"),
        public_key=bytes.fromhex(text(body, "public_key")),
        sign_count=int(str(body["sign_count"])),
        aaguid=text(body, "aaguid"),
    )
    keys.add_key(tx, key, text(body, "name"), text(body, "person"), "", by, now)


def _remove(tx: Transaction, act: Act, by: str, now: int) -> None:
    keys.remove_key(tx, text(act.body, "key"), by, now)


def _grant(tx: Transaction, act: Act, by: str, now: int) -> None:
    grants.write_grant(tx, act.body, by, now)


_OWN_EFFECTS: dict[ActKind, Effect] = {
    ActKind.ENROL_KEY: _enrol,
    ActKind.REMOVE_KEY: _remove,
    ActKind.GRANT: _grant,
}
