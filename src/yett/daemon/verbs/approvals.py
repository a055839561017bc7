"""Holds, keys and the lockdown."""

from __future__ import annotations

from yett.approvals.acts import Act, ActKind, is_act
from yett.approvals.hold import Hold
from yett.approvals.people import active_persons
from yett.approvals.words import describe, describe_act
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign
from yett.model.errors import YettError


async def holds_list(plane: Plane, request: Message) -> Message:
    """Holds, and acts that ask for a signature: everything that a person could answer now."""
    acts = [_act_row(plane, act) for act in plane.desk.waiting_acts()]
    return {"holds": [_row(plane, hold) for hold in plane.desk.waiting()] + acts}


async def holds_show(plane: Plane, request: Message) -> Message:
    asked, now = str(request["hold"]), plane.desk.clock()
    if is_act(asked):
        act = plane.desk.act(asked)
        shown = {**_act_row(plane, act), "document": dict(act.body)}
        return {"hold": shown, "words": describe_act(plane.desk.site, act, now).splitlines()}
    hold = plane.desk.hold(asked)
    return {
        "hold": {**_row(plane, hold), "document": dict(hold.document)},
        "words": describe(plane.desk.site, hold, now).splitlines(),
    }


async def holds_deny(plane: Plane, request: Message) -> Message:
    asked = str(request["hold"])
    if is_act(asked):
        await plane.desk.decline(asked, plane.owner)
    else:
        await plane.desk.deny(asked, plane.owner, str(request.get("why", ""))[:300])
    return {"ok": True}


async def keys_code(plane: Plane, request: Message) -> Message:
    """A code for the first key; with people enrolled there is none to give."""
    code = await plane.desk.first_code()
    if code is None:
        raise YettError("someone is enrolled already", f"further keys: {plane.page('/enrol')}")
    return {"code": code, "url": plane.page("/enrol")}


async def keys_reinitialise(plane: Plane, request: Message) -> Message:
    """All keys are lost: forget them, mark the ledger, cancel what waits. Only for people at the machine."""
    return {"code": await plane.desk.reinitialise(plane.owner), "url": plane.page("/enrol")}


async def lockdown_on(plane: Plane, request: Message) -> Message:
    await plane.lockdown.lock(str(request.get("scope", "*")), plane.owner, str(request.get("why", ""))[:300])
    return {"ok": True}


async def lockdown_off(plane: Plane, request: Message) -> Message:
    """Opening needs a key: the act's effect opens the gate."""
    return await ask_to_sign(plane, ActKind.LOCKDOWN_OFF, {"scope": str(request.get("scope", "*"))})


async def status(plane: Plane, request: Message) -> Message:
    people = plane.desk.read(active_persons)
    profile = "team" if len(people) > 1 else "solo" if people else "nobody enrolled"
    return {
        "home": str(plane.settings.home),
        "realm": plane.settings.realm,
        "page": plane.page(),
        "profile": profile,
        "people": [person.name for person in people],
        "sessions": len(plane.runs),
        "holds_waiting": len(plane.desk.waiting()),
        "lockdown": sorted(plane.lockdown.scopes),
        "log_entries": plane.journal.size,
        "log_key": plane.vkey,
        "secrets": len(plane.vault.list()),
        "pid": plane.pid,
    }


def _row(plane: Plane, hold: Hold) -> Message:
    return {
        "id": hold.id,
        "state": hold.state.value,
        "summary": str(hold.document.get("summary", "")),
        "agent": hold.agent,
        "session": hold.session,
        "expires": hold.expires,
        "url": plane.page(f"/holds/{hold.id}"),
    }


def _act_row(plane: Plane, act: Act) -> Message:
    return {
        "id": act.id,
        "state": act.state.value,
        "summary": act.kind.value,
        "agent": "",
        "session": "",
        "expires": act.expires,
        "url": plane.page(f"/acts/{act.id}"),
    }


VERBS = {
    "holds.list": holds_list,
    "holds.show": holds_show,
    "holds.deny": holds_deny,
    "keys.code": keys_code,
    "keys.reinitialise": keys_reinitialise,
    "lockdown.on": lockdown_on,
    "lockdown.off": lockdown_off,
    "status": status,
}
