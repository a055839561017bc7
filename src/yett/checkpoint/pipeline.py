"""lockdown -> resolve -> decide -> hold -> undo -> record -> release: once, for every wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from yett.approvals.desk import Desk
from yett.approvals.document import Document
from yett.approvals.errors import ApprovalError, NotOpen
from yett.approvals.hold import SAID_YES, Hold, HoldState
from yett.checkpoint import words
from yett.checkpoint.asks import Refusal
from yett.checkpoint.attempts import attempt_digest, only_reads, total_cost
from yett.checkpoint.facts import Facts as Eyes
from yett.checkpoint.facts import at_hand, at_once
from yett.checkpoint.judge import Circumstances, decide, question
from yett.checkpoint.judging import Judged, Judging
from yett.checkpoint.lockdown import Lockdown
from yett.checkpoint.record import Pass, read_entry, refusal_entry, write_intent, write_outcome
from yett.checkpoint.repeats import Repeats
from yett.checkpoint.settled import Unsettled, write_settled
from yett.checkpoint.state import SessionState, load_state
from yett.checkpoint.tally import Tally
from yett.checkpoint.undo_first import UndoMaker, capture
from yett.ledger.journal import Encoded, Entry, Journal
from yett.model.decision import Decision, Refused
from yett.model.effects import Verdict
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.model.operation import Amount, Attempt
from yett.policy import Policies
from yett.store import Store


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
        self._desk = desk
        self._lockdown = lockdown
        self._eyes = eyes
        self._judging = Judging(policies, desk, eyes)
        self._undos = undos
        self._sessions: dict[str, SessionState] = {}
        self._repeats = Repeats()
        self._tally = Tally(journal)
        self._settling: set[asyncio.Future[None]] = set()

    def open_session(self, session: Session) -> SessionState:
        state = self._store.read(lambda connection: load_state(connection, session))
        self._sessions[session.id] = state
        return state

    async def close_session(self, session_id: str, why: str) -> None:
        """Nothing of this session passes from here on; what waited is cancelled."""
        if self._sessions.pop(session_id, None) is not None:
            await self._desk.end_session(session_id, why)

    def close(self) -> None:
        """Queue what was only counted. Raises LedgerUnavailable."""
        self._tally.flush()

    def state(self, session_id: str) -> SessionState | None:
        return self._sessions.get(session_id)

    # ---- the wires' side

    def pass_now(self, attempt: Attempt) -> Pass | None:
        """The answer without waiting, for reads that need no look at the provider; None: ask `pass_`.

        Raises:
            Refused, LedgerUnavailable.
        """
        state = self._admitted(attempt)
        policies = self._judging.policies_of(state)
        about = self._judging.about(attempt, self._judging.recent_team(), asked=False, granted=False)
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
        return (
            self._judging.policies_of(state),
            state.spent,
            state.limit,
            state.remembered,
            self._eyes.standing(),
            self._lockdown.scopes,
            self._desk.clock() // 10**9,
        )

    def set_by_persons(self, session: Session) -> tuple[object, ...] | None:
        """What persons have set that decisions rest on: the policies, which resources are where, and who they are.
        None: the session has ended."""
        state = self._sessions.get(session.id)
        if state is None:
            return None
        return self._judging.policies_of(state), self._eyes.standing(), self._judging.people()

    def again(self, session: Session, digest: str) -> None:
        """A read that passed under the standing that still holds passes once more.

        Raises:
            LedgerUnavailable: it cannot be logged.
        """
        self._tally.count((session.id, digest))
        self._sessions[session.id].counts["passed"] += 1

    def alike(self, session: Session, digest: str, text: bytes) -> None:
        """A read passes that is like the read `digest`, which passed under the standing that still holds, in all that
        a decision rests on.

        Raises:
            Refused: the session has filled its part of the log.
            LedgerUnavailable: it cannot be logged.
        """
        state = self._sessions[session.id]
        if not state.quota.read():
            raise _quota_used_up()
        self._tally.like((session.id, digest), text)
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
        judged = await self._judging.judge(
            attempt, state, digest, fresh=live is not None, people=None if waits else people
        )
        if live is None and judged.passes and not only_reads(attempt) and waits:
            judged = await self._judging.judge(
                attempt, state, digest, fresh=True
            )  # law 6: what leaves, on what is true now
        if not judged.passes:
            return await self._stopped(judged, state, live)
        if judged.decision.verdict is not Verdict.ALLOW:
            state.counts["would_hold"] += 1
            self._journal.enqueue(refusal_entry(attempt, judged.decision, digest, "observed only: it passed"))
        if only_reads(attempt):
            return self._read(attempt, state, judged.decision, read_entry(attempt, judged.decision))
        undos = await capture(self._undos, judged, hold="")
        if undos:  # making one takes its time
            judged = await self._judging.judge(attempt, state, digest, fresh=True)
            if not judged.passes:
                return await self._stopped(judged, state, None)
        return await self._release(judged, state, hold="", undos=undos)

    async def also(self, attempt: Attempt, signed: Pass, *, no_more: bool = False) -> Pass:
        """Let leave what an act turned out to be that persons have signed (`signed`), and within what they signed.

        It is decided anew, counted and recorded by itself; where nothing but a person is missing, that signature
        stands; not where there is `no_more` owed than then, and now there is. The caller answers for "within".

        Raises:
            Refused: denied.
            LedgerUnavailable, StoreUnavailable.
        """
        if not signed.hold:
            return await self.pass_(attempt)
        state = self._admitted(attempt)
        judged = await self._judging.judge(attempt, state, attempt_digest(attempt), fresh=True)
        if judged.denied:
            raise await self._deny(judged, state)
        if no_more and not judged.decision.obligations <= signed.obligations:
            return await self.pass_(attempt)
        undos = await capture(self._undos, judged, hold=signed.hold)
        return await self._release(judged, state, hold="", undos=undos, signed=signed.hold)

    async def ask(self, attempt: Attempt) -> Verdict:
        """What would be said, before anything is known exactly: nothing is held, spent or recorded.

        A wire that can try an act without its becoming final (a transaction) asks this first, and `pass_` with the
        exact effect.

        Raises:
            Refused: denied, and recorded as such.
        """
        state = self._admitted(attempt)
        judged = await self._judging.judge(attempt, state, attempt_digest(attempt), fresh=False)
        if judged.denied:
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

    def stands(self, hold: str) -> bool:
        """Whether people have said yes to it, and nobody has taken that back or let it run out (law 8)."""
        return self._desk.hold(hold).state in SAID_YES

    async def finish(self, granted: Pass, outcome: str, status: int) -> None:
        """Record what became of it: done, refused (by the upstream), unknown, or record.TAKEN_BACK."""
        if granted.intent < 0:
            return
        spent = await self._journal.run_later(lambda tx: write_outcome(tx, self._desk, granted, outcome, status))
        state = self._sessions.get(granted.attempt.session.id)
        if spent is not None and state is not None:
            state.spent = spent

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

    async def _stopped(self, judged: Judged, state: SessionState, live: Hold | None) -> Pass:
        """What is not allowed: refused, or on its way through a hold."""
        if judged.decision.verdict is Verdict.DENY:
            raise await self._deny(judged, state)
        return await self._held(judged, state, live)

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
        about = self._judging.about(attempt, self._judging.team(), asked=state.asks.asked(digest), granted=False)
        strict = next((s for s in judged.situations), None)
        would_be: tuple[str, ...] = ()
        if strict is not None:
            asked = self._judging.policies_of(state).explain(question(state, strict, about, total_cost(attempt)))
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
                        raise self._hold_refusal(state, live, judged, error.what, words.ASK_AGAIN) from None
                    if error.code != "drifted":
                        raise Refused(Verdict.DENY, error.what, error.remedy, code=error.code) from None
                except ApprovalError as error:
                    raise Refused(Verdict.DENY, error.what, error.remedy, code=error.code) from None
            judged = await self._judging.judge(
                judged.facts.attempt, state, digest, fresh=True
            )  # what drifted is held anew
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
        undos = await capture(self._undos, judged, hold=live.id)
        if undos:  # making one takes its time: the approval must cover what is true after it (law 7)
            judged = await self._judging.judge(attempt, state, digest, fresh=True)
            if judged.decision.verdict is Verdict.DENY:
                raise await self._deny(judged, state)
        return await self._release(judged, state, live.id, undos)

    def _hold_refusal(self, state: SessionState, hold: Hold, judged: Judged, reason: str, ask: str = "") -> Refused:
        """The refusal of a request that waits; `yett why` shows it too, as its sender was refused all the same."""
        ask = ask or words.ask_hold(hold.id, f"{self._desk.site.origin}/holds/{hold.id}")
        state.asks.remember(Refusal(hold.id, "", judged.facts.attempt.summary, reason, ask))
        return Refused(Verdict.HOLD, reason, ask, hold=hold.id, code="held")

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
