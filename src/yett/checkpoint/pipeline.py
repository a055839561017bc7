"""lockdown -> resolve -> decide -> hold -> undo -> record -> release: once, for every wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from yett.approvals.desk import Desk
from yett.approvals.document import Document
from yett.approvals.errors import ApprovalError, NotOpen
from yett.approvals.facts import Facts
from yett.approvals.grants import Grant, covering_grant
from yett.approvals.hold import Hold, HoldState
from yett.approvals.people import active_persons
from yett.approvals.quorum import Person, is_team
from yett.checkpoint import words
from yett.checkpoint.asks import Refusal
from yett.checkpoint.attempts import attempt_digest, only_reads, total_cost
from yett.checkpoint.facts import Facts as Eyes
from yett.checkpoint.facts import Situated, at_hand, at_once, situate
from yett.checkpoint.judge import Circumstances, decide, question
from yett.checkpoint.lockdown import Lockdown
from yett.checkpoint.record import Pass, read_entry, refusal_entry, write_intent, write_outcome
from yett.checkpoint.repeats import Repeats
from yett.checkpoint.settled import Unsettled, write_settled
from yett.checkpoint.state import SessionState, load_state
from yett.checkpoint.tally import Tally
from yett.ledger.journal import Encoded, Entry, Journal
from yett.model.decision import Decision, Refused
from yett.model.effects import Verdict
from yett.model.errors import StoreUnavailable, YettError
from yett.model.identity import Session
from yett.model.operation import Amount, Attempt, Operation
from yett.model.undo import UndoRecord
from yett.policy import Policies
from yett.store import Store

TEAM_FRESH_S = 1.0


class UndoMaker(Protocol):
    """Makes and verifies an undo before anything leaves (recovery/undos.py)."""

    async def capture(self, operation: Operation, hold: str) -> UndoRecord: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt with everything that was found out about it just now."""

    facts: Facts
    situations: Sequence[Situated]
    decision: Decision
    grant: Grant | None


class Checkpoint:
    """The one place that every operation passes. Sessions are opened and closed by the control plane."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        policies: Callable[[], Policies],
        desk: Desk,
        lockdown: Lockdown,
        eyes: Eyes,
        undos: UndoMaker,
    ) -> None:
        self._store = store
        self._journal = journal
        self._policies = policies
        self._desk = desk
        self._lockdown = lockdown
        self._eyes = eyes
        self._undos = undos
        self._sessions: dict[str, SessionState] = {}
        self._repeats = Repeats()
        self._tally = Tally(journal)
        self._settling: set[asyncio.Future[None]] = set()
        self._team_then, self._team_since = False, -TEAM_FRESH_S

    def open_session(self, session: Session) -> SessionState:
        state = self._store.read(lambda connection: load_state(connection, session))
        self._sessions[session.id] = state
        return state

    async def close_session(self, session_id: str, why: str) -> None:
        """Nothing of this session passes from here on; what waited is cancelled."""
        if self._sessions.pop(session_id, None) is not None:
            await self._desk.end_session(session_id, why)

    def state(self, session_id: str) -> SessionState | None:
        return self._sessions.get(session_id)

    # ---- the wires' side

    def pass_now(self, attempt: Attempt) -> Pass | None:
        """The answer without waiting, for reads that need no look at the provider; None: ask `pass_`.

        Raises:
            Refused, LedgerUnavailable.
        """
        state = self._admitted(attempt)
        policies = self._policy_of(state)
        about = self._circumstances(attempt, self._recent_team(), asked=False, granted=False)
        if attempt.resources is not None:
            return self._pass_at_hand(attempt, state, policies, about)
        known = self._repeats.find(attempt, state, policies, about)
        if known is not None:
            return self._read(attempt, state, *known)
        situations = at_once(attempt) if only_reads(attempt) else None
        if situations is None:
            return None
        known = self._repeats.decided(attempt, state, policies, about)
        if known is not None:
            return self._read(attempt, state, *known)
        decision = decide(policies, state, situations, about)
        if decision.verdict is not Verdict.ALLOW:
            return None
        return self._read(attempt, state, decision, self._repeats.keep(attempt, state, policies, about, decision))

    def _pass_at_hand(
        self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances
    ) -> Pass | None:
        if not only_reads(attempt):
            return None
        decision = decide(policies, state, at_hand(self._eyes, attempt.session.task, attempt), about)
        if decision.verdict is not Verdict.ALLOW:
            return None
        return self._read(attempt, state, decision, read_entry(attempt, decision))

    def standing(self, session: Session) -> tuple[object, ...] | None:
        """All that a decision on a read rests on besides the read itself; None: the session has ended.

        As long as it stays equal, a read that passed passes again (`again`). It changes with every second, because
        policies may speak of the time.
        """
        state = self._sessions.get(session.id)
        if state is None:
            return None
        policies, second = self._policy_of(state), self._desk.clock() // 10**9
        budget = (state.spent, state.limit, state.remembered)
        return (policies, *budget, self._eyes.standing(), self._lockdown.scopes, second)

    def again(self, session: Session, digest: str) -> None:
        """A read that passed under the standing that still holds passes once more.

        Raises:
            LedgerUnavailable: it cannot be logged.
        """
        self._tally.count((session.id, digest))
        self._sessions[session.id].counts["passed"] += 1

    def alike(self, session: Session, digest: str, request: str) -> None:
        """A read passes that is like the read `digest`, which passed under the standing that still holds, in all that
        a decision rests on. `request`: its own digest.

        Raises:
            Refused: the session has filled its part of the log.
            LedgerUnavailable: it cannot be logged.
        """
        state = self._sessions[session.id]
        if not state.quota.read():
            raise _quota_used_up()
        self._tally.like((session.id, digest), request)
        state.counts["passed"] += 1

    async def pass_(self, attempt: Attempt) -> Pass:
        """Let the attempt leave, or say why not.

        Raises:
            Refused: held or denied, with the way to ask.
            LedgerUnavailable, StoreUnavailable: nothing passes without them (law 1).
        """
        state = self._admitted(attempt)
        digest = attempt_digest(attempt)
        live, people = self._desk.live_and_people(attempt.session.id, digest)
        # Where nobody is asked there is nothing to wait for, and nothing that could change while it is looked at.
        waits = at_once(attempt) is None and attempt.resources is None
        judged = await self._judge(attempt, state, digest, fresh=live is not None, people=None if waits else people)
        if live is None and self._passes(judged) and not only_reads(attempt) and waits:
            judged = await self._judge(attempt, state, digest, fresh=True)  # law 6: what leaves, on what is true now
        if not self._passes(judged):
            return await self._stopped(judged, state, live)
        if judged.decision.verdict is not Verdict.ALLOW:
            state.counts["would_hold"] += 1
            self._journal.enqueue(refusal_entry(attempt, judged.decision, digest, "observed only: it passed"))
        if only_reads(attempt):
            return self._read(attempt, state, judged.decision, read_entry(attempt, judged.decision))
        undos = await self._capture(judged, hold="")
        if undos:  # making one takes its time
            judged = await self._judge(attempt, state, digest, fresh=True)
            if not self._passes(judged):
                return await self._stopped(judged, state, None)
        return await self._release(judged, state, hold="", undos=undos)

    async def also(self, attempt: Attempt, signed: Pass) -> Pass:
        """Let leave what an act turned out to be that persons have signed (`signed`), and within what they signed.

        It is decided anew, counted and recorded by itself; where nothing but a person is missing, that signature
        stands. The caller answers for "within".

        Raises:
            Refused: denied.
            LedgerUnavailable, StoreUnavailable.
        """
        if not signed.hold:
            return await self.pass_(attempt)
        state = self._admitted(attempt)
        judged = await self._judge(attempt, state, attempt_digest(attempt), fresh=True)
        if judged.decision.verdict is Verdict.DENY and not self._only_observed(judged):
            raise await self._deny(judged, state)
        undos = await self._capture(judged, hold=signed.hold)
        return await self._release(judged, state, hold="", undos=undos, signed=signed.hold)

    async def ask(self, attempt: Attempt) -> Verdict:
        """What would be said, before anything is known exactly: nothing is held, spent or recorded.

        A wire that can try an act without its becoming final (a transaction) asks this first, and `pass_` with the
        exact effect.

        Raises:
            Refused: denied, and recorded as such.
        """
        state = self._admitted(attempt)
        judged = await self._judge(attempt, state, attempt_digest(attempt), fresh=False)
        if judged.decision.verdict is Verdict.DENY and not self._only_observed(judged):
            raise await self._deny(judged, state)
        return judged.decision.verdict

    def approved(self, session: Session, request: str) -> frozenset[str]:
        """Attempts (their digests) of the same request bytes ("": of any) people approved and nothing has used yet.

        It permits nothing: `pass_` does, for one of them.
        """
        return self._desk.approved(session.id, request)

    def signed(self, hold: str) -> Document:
        """What people signed of that hold; its bounds hold for what the act turns out to do."""
        return self._desk.hold(hold).document

    async def finish(self, granted: Pass, outcome: str, status: int) -> None:
        """Record what became of it: done, refused (by the upstream), unknown, or record.TAKEN_BACK."""
        if granted.intent >= 0:
            await self._journal.run_later(lambda tx: write_outcome(tx, self._desk, granted, outcome, status))

    async def settle(self, one: Unsettled, outcome: str, why: str) -> None:
        """Record what the provider says became of an act that nobody knew the end of."""
        await self._journal.run(lambda tx: write_settled(tx, self._desk, one, outcome, why))

    def finish_now(self, granted: Pass, outcome: str, status: int) -> bool:
        """Whether there is nothing to record: a read's entry is its own."""
        return granted.intent < 0

    def note_refusal(self, session: Session, summary: str, error: YettError, *, alarm: bool) -> None:
        """A wire refused by law 3 or 4, or could not read a request: into the ledger, and `yett why`."""
        state = self._sessions.get(session.id)
        if state is None:
            return
        refusal = Refusal(state.asks.new_id(), "", summary, error.what, error.remedy)
        state.asks.remember(refusal)
        state.counts["refused"] += 1
        state.counts["alarms"] += alarm
        body = {"agent": session.principal.agent, "session": session.id, "summary": summary, "why": error.what}
        quota = state.alarm_quota if alarm else state.quota
        entry = quota.counted(Entry("alarm" if alarm else "refusal", {**body, "verdict": "deny"}))
        if entry is not None:
            self._journal.enqueue(entry)

    # ---- the steps

    def _admitted(self, attempt: Attempt) -> SessionState:
        if self._lockdown.stops(attempt.session):
            raise Refused(Verdict.DENY, "the gate is closed: lockdown", words.ASK_LOCKDOWN, code="lockdown")
        state = self._sessions.get(attempt.session.id)
        if state is None:
            raise Refused(Verdict.DENY, "this session has ended", "start a new one with yett run", code="ended")
        return state

    def _policy_of(self, state: SessionState) -> Policies:
        return state.policies or self._policies()

    def _team(self) -> bool:
        return is_team(self._desk.read(active_persons))

    def _recent_team(self) -> bool:
        """The profile as of the last second: enough for reads that wait for nobody."""
        now = time.monotonic()
        if now - self._team_since > TEAM_FRESH_S:
            self._team_then, self._team_since = self._team(), now
        return self._team_then

    def _circumstances(self, attempt: Attempt, team: bool, *, asked: bool, granted: bool) -> Circumstances:
        now = self._desk.clock() // 10**9
        task = attempt.session.task
        return Circumstances(asked, granted, team, task.started <= now + 1 and now < task.expires, now)

    async def _judge(
        self,
        attempt: Attempt,
        state: SessionState,
        digest: str,
        *,
        fresh: bool,
        people: tuple[Person, ...] | None = None,
    ) -> Judged:
        """Everything that is true of the attempt now. `people`: who is enrolled, if that was read just now."""
        situations = await situate(self._eyes, attempt.session.task, attempt, fresh=fresh)
        now = self._desk.clock()
        grant = None
        if people is None:
            grant, people = self._desk.read(
                lambda reader: (covering_grant(reader, attempt.session.id, situations, now), active_persons(reader))
            )
        asked = state.asks.asked(digest)
        about = self._circumstances(attempt, is_team(people), asked=asked, granted=grant is not None)
        decision = decide(self._policy_of(state), state, situations, about)
        facts = Facts(
            attempt=attempt,
            digest=digest,
            situations=situations,
            decision=decision,
            impact=total_cost(attempt),
            asker=attempt.session.principal.owner,
            reason=state.asks.reason(digest),
        )
        return Judged(facts, situations, decision, grant if decision.verdict is Verdict.ALLOW else None)

    def _passes(self, judged: Judged) -> bool:
        return judged.decision.verdict is Verdict.ALLOW or self._only_observed(judged)

    async def _stopped(self, judged: Judged, state: SessionState, live: Hold | None) -> Pass:
        """What is not allowed: refused, or on its way through a hold."""
        if judged.decision.verdict is Verdict.DENY:
            raise await self._deny(judged, state)
        return await self._held(judged, state, live)

    def _only_observed(self, judged: Judged) -> bool:
        """`yett run --observe` stops what cannot be undone, and nothing else."""
        return judged.facts.attempt.session.observe and not any(s.irreversible for s in judged.situations)

    def _read(self, attempt: Attempt, state: SessionState, decision: Decision, entry: Entry | Encoded) -> Pass:
        if not state.quota.read():
            raise _quota_used_up()
        self._journal.enqueue(entry)
        state.counts["passed"] += 1
        return Pass(attempt, -1, "", decision.obligations)

    async def _deny(self, judged: Judged, state: SessionState) -> Refused:
        """Record a deny and put it into words. An alarm is durable before the agent hears of the refusal."""
        attempt, digest = judged.facts.attempt, judged.facts.digest
        decision = judged.decision
        refusal_id = state.asks.new_id()
        about = self._circumstances(attempt, self._team(), asked=state.asks.asked(digest), granted=False)
        strict = next((s for s in judged.situations), None)
        would_be: tuple[str, ...] = ()
        if strict is not None:
            asked = self._policy_of(state).explain(question(state, strict, about, total_cost(attempt)))
            would_be = tuple(asked.would_be)
        reason = words.reason(decision)
        refusal = Refusal(refusal_id, digest, attempt.summary, reason, words.ask_for(refusal_id), would_be)
        state.asks.remember(refusal)
        state.counts["refused"] += 1
        entry = refusal_entry(attempt, decision, digest, reason)
        counted = [state.quota.counted(entry)]
        if "alarm" in decision.obligations:
            state.counts["alarms"] += 1
            counted.append(state.alarm_quota.counted(replace(entry, kind="alarm")))
        entries = [one for one in counted if one is not None]
        if entries:
            await self._journal.run(lambda tx: [tx.append(entry) for entry in entries])
        return Refused(Verdict.DENY, reason, refusal.ask, code="denied")

    async def _held(self, judged: Judged, state: SessionState, live: Hold | None) -> Pass:
        """Release an approved hold, or open or join one and refuse with its id."""
        digest = judged.facts.digest
        if live is not None and live.state is HoldState.APPROVED:
            async with state.releasing[digest]:
                try:
                    return await self._spend(judged, state, live)
                except NotOpen as error:
                    if error.code == "delayed":
                        raise self._hold_refusal(state, live, judged, error.what) from None
                    if error.code != "drifted":
                        raise Refused(Verdict.DENY, error.what, error.remedy, code=error.code) from None
                except ApprovalError as error:
                    raise Refused(Verdict.DENY, error.what, error.remedy, code=error.code) from None
            judged = await self._judge(judged.facts.attempt, state, digest, fresh=True)  # what drifted is held anew
            if judged.decision.verdict is Verdict.DENY:
                raise await self._deny(judged, state)
        try:
            hold = await self._desk.open(judged.facts)
        except ApprovalError as error:
            raise Refused(Verdict.DENY, error.what, error.remedy, code=error.code) from None
        if live is None or hold.id != live.id:
            state.counts["held"] += 1
            if "alarm" in judged.decision.obligations:
                state.counts["alarms"] += 1
                alarm = refusal_entry(judged.facts.attempt, judged.decision, digest, f"held as {hold.id}")
                await self._journal.run(lambda tx: tx.append(replace(alarm, kind="alarm")))
        raise self._hold_refusal(state, hold, judged, words.reason(judged.decision))

    async def _spend(self, judged: Judged, state: SessionState, live: Hold) -> Pass:
        """Release an approved hold, if nobody did while this waited for its turn. Raises NotOpen, NotSigned."""
        attempt, digest = judged.facts.attempt, judged.facts.digest
        now = self._desk.live(attempt.session.id, digest)
        if now is None or now.id != live.id:
            raise NotOpen("not-approved", f"hold {live.id} was used by another send", "an approval is used once")
        undos = await self._capture(judged, hold=live.id)
        if undos:  # making one takes its time: the approval must cover what is true after it (law 7)
            judged = await self._judge(attempt, state, digest, fresh=True)
            if judged.decision.verdict is Verdict.DENY:
                raise await self._deny(judged, state)
        return await self._release(judged, state, live.id, undos)

    def _hold_refusal(self, state: SessionState, hold: Hold, judged: Judged, reason: str) -> Refused:
        """The refusal of a request that waits; `yett why` shows it too, as its sender was refused all the same."""
        ask = words.ask_hold(hold.id, f"{self._desk.site.origin}/holds/{hold.id}")
        state.asks.remember(Refusal(hold.id, "", judged.facts.attempt.summary, reason, ask))
        return Refused(Verdict.HOLD, reason, ask, hold=hold.id, code="held")

    async def _capture(self, judged: Judged, hold: str) -> tuple[str, ...]:
        """Make what is owed before anything leaves: a verified undo for each operation that can have one.

        Raises:
            Refused: it could not be made. The approval, if any, is not spent.
        """
        own = judged.facts.attempt.undo
        owed = not judged.decision.obligations.isdisjoint({"snapshot", "verified-undo"})
        if own is None and not owed:  # a wire that brings its own makes it whatever a policy owes
            return ()
        made: list[str] = []
        later = False
        operations = {id(s.operation): s for s in judged.situations if s.undo.possible and own is None}
        try:
            if own is not None and own.plan.possible:
                record = await own.capture(hold)
                later = record is None
                made += [record.id] if record is not None else []
            for situated in operations.values():
                made.append((await self._undos.capture(situated.operation, hold)).id)
        except StoreUnavailable:
            raise
        except YettError as error:
            why = f"the undo could not be made: {error.what}"
            raise Refused(Verdict.HOLD if hold else Verdict.DENY, why, error.remedy, hold=hold, code="undo") from None
        if "verified-undo" in judged.decision.obligations and not (made or later):
            why = "one person alone may not do this without a verified undo, and there is none"
            raise Refused(Verdict.DENY, why, "enrol a second person, or move it outside Yett", code="undo")
        return tuple(made)

    async def _release(
        self, judged: Judged, state: SessionState, hold: str, undos: tuple[str, ...], signed: str = ""
    ) -> Pass:
        """One durable transaction: approval or grant consumed, budget reserved, intent appended.

        `signed`: the hold whose approval was consumed for the whole that this is a part of.
        """
        facts = judged.facts
        if self._lockdown.stops(facts.attempt.session) or facts.attempt.session.id not in self._sessions:
            raise Refused(Verdict.DENY, "the gate closed while this was decided", words.ASK_LOCKDOWN, code="lockdown")
        writing = asyncio.ensure_future(
            self._journal.run(lambda tx: write_intent(tx, state, self._desk, facts, hold, judged.grant, undos, signed))
        )
        try:
            intent, spent = await asyncio.shield(writing)
        except asyncio.CancelledError:
            writing.add_done_callback(lambda done: self._abandoned(done, facts.attempt, hold))
            raise
        state.spent = _larger(state.spent, spent)
        state.counts["passed"] += 1
        if hold:
            state.remembered = self._store.read(lambda c: load_state(c, state.session)).remembered
        return Pass(facts.attempt, intent, hold, judged.decision.obligations, undos)

    def _abandoned(self, writing: asyncio.Future[tuple[int, Amount]], attempt: Attempt, hold: str) -> None:
        """The agent went away while its intent was being written: nothing left, and the ledger says so."""
        if writing.cancelled() or writing.exception() is not None:
            return
        granted = Pass(attempt, writing.result()[0], hold, frozenset())
        settling = asyncio.ensure_future(self.finish(granted, "refused", 0))
        self._settling.add(settling)
        settling.add_done_callback(self._settling.discard)


def _quota_used_up() -> Refused:
    return Refused(Verdict.DENY, "this session has filled its part of the log", words.ASK_NEW, code="quota")


def _larger(one: Amount, other: Amount) -> Amount:
    return Amount(max(one.deletes, other.deletes), max(one.rows, other.rows), max(one.bytes, other.bytes))
