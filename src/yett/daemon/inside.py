"""The agent's socket: ask, why, holds, status of its own session. Who asks is the listener it arrived on (law 8)."""

from __future__ import annotations

from sqlalchemy import update

from yett.approvals.hold import HoldState
from yett.approvals.holds import list_of_session
from yett.checkpoint.asks import MAX_REASON
from yett.checkpoint.state import SessionState
from yett.daemon.channel import Channel, Message
from yett.daemon.plane import Plane
from yett.ledger.journal import Entry, Transaction
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.store import tables

MOST_ASKS = 200
"""An agent that asks more in one session is not asking a person anything."""


class AgentDesk:
    """Answers one session's agent. Nothing here widens anything: an ask is words for a person."""

    def __init__(self, plane: Plane, session: Session, state: SessionState) -> None:
        self._plane = plane
        self._session = session
        self._state = state
        self._asks = 0

    async def serve(self, channel: Channel) -> None:
        request = await channel.receive()
        try:
            answer = await self._answer(request)
        except YettError as error:
            answer = {"error": error.what, "remedy": error.remedy}
        await channel.send(answer)

    async def _answer(self, request: Message) -> Message:
        match request.get("verb"):
            case "ask":
                return await self._ask(str(request.get("hold", "")), str(request.get("reason", ""))[:MAX_REASON])
            case "why":
                return self._why()
            case "holds":
                return self._holds()
            case "status":
                return self._status()
        raise YettError("that is not for agents", "inside a sandbox there are: ask, why, holds, status")

    async def _ask(self, about: str, reason: str) -> Message:
        self._asks += 1
        if self._asks > MOST_ASKS:
            raise YettError("too many asks in one session", "wait for a person")
        if about.startswith("r-"):
            refusal = self._state.asks.ask(about, reason)
            if not refusal.digest:
                raise YettError(f"{about} cannot be asked for: {refusal.reason}", refusal.ask)
            await self._note(about, reason)
            return {"lines": [f"noted. Send the same request again: a person will be asked for {refusal.summary}"]}
        await self._plane.journal.run(lambda tx: self._tell_hold(tx, about, reason))
        return {"lines": [f"told to whoever looks at {about}. Once it is approved, send the same request again."]}

    def _tell_hold(self, tx: Transaction, hold: str, reason: str) -> None:
        """The agent's words beside a hold of its own: shown as untrusted, not part of what is signed."""
        mine = (tables.holds.c.id == hold, tables.holds.c.session == self._session.id)
        waiting = update(tables.holds).where(*mine, tables.holds.c.state == HoldState.WAITING)
        if tx.execute(waiting.values(reason_by_agent=reason)).rowcount != 1:
            raise YettError(f"{hold} is no waiting hold of this session", "yett holds shows them")
        tx.append(Entry("hold", {"hold": hold, "state": "waiting", "asked": reason}))

    async def _note(self, refusal: str, reason: str) -> None:
        body = {"session": self._session.id, "refusal": refusal, "asked": reason}
        await self._plane.journal.run(lambda tx: tx.append(Entry("refusal", {**body, "verdict": "asked"})))

    def _why(self) -> Message:
        refusal = self._state.asks.last()
        if refusal is None:
            return {"lines": ["nothing was refused in this session"]}
        would = [f"would be {change}" for change in refusal.would_be]
        return {"lines": [refusal.summary, f"  {refusal.reason}", f"  {refusal.ask}", *(f"  {line}" for line in would)]}

    def _holds(self) -> Message:
        seal, session = self._plane.desk.seal, self._session.id
        found = self._plane.desk.read(lambda reader: list_of_session(reader, seal, session))
        rows = [f"{h.id}  {h.state.value:<9}  {h.document.get('summary', '')}" for h in found]
        return {"lines": rows or ["nothing waits"]}

    def _status(self) -> Message:
        task = self._session.task
        counts = self._state.counts
        return {
            "lines": [
                f"task         {task.purpose or '(none given)'}",
                f"environment  {task.environment or '(none named)'}",
                f"session      {self._session.id}",
                f"so far       {counts['passed']} passed, {counts['held']} held, {counts['refused']} refused",
            ]
        }
