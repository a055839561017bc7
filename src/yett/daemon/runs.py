"""The life of one `yett run`: scanned, masked, opened; served while its connection lives; ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import insert, update

from yett.approvals.acts import ActKind
from yett.approvals.people import active_persons
from yett.checkpoint.state import SessionState
from yett.daemon.addresses import Addresses
from yett.daemon.channel import Channel, ChannelClosed, Message
from yett.daemon.databases import RunDatabases
from yett.daemon.hostports import HostPorts
from yett.daemon.inside import AgentDesk
from yett.daemon.leftovers import forget_found
from yett.daemon.lines import LineServer
from yett.daemon.logins import Logins
from yett.daemon.masking import Masked, home_of, mask_everything
from yett.daemon.nameserver import NameServer
from yett.daemon.plane import Plane
from yett.daemon.remotes import Remotes
from yett.daemon.signing import wait_signed
from yett.daemon.watching import Watching
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.credential import Lease
from yett.model.errors import StoreUnavailable, YettError
from yett.model.identity import Principal, Session, Task
from yett.model.resource import EnvironmentClass
from yett.store import tables

_log = logging.getLogger("yett.daemon")

Say = Callable[[str], Coroutine[None, None, None]]
MOST_COMMITS = 500
"""Ids in one entry of the ledger."""


@dataclass
class Run:
    """One open session with everything that ends with it."""

    plane: Plane
    session: Session
    folder: Path
    state: SessionState
    masked: Masked
    agent_socket: LineServer
    logins: Logins
    watching: Watching
    notices: list[str] = field(default_factory=list)
    addresses: Addresses | None = None
    nameserver: NameServer | None = None
    keeper: Channel | None = None
    remotes: Remotes | None = None
    host_ports: HostPorts | None = None
    databases: RunDatabases | None = None
    wanted_ports: tuple[int, ...] = ()

    @property
    def leases(self) -> tuple[Lease, ...]:
        return self.masked.leases

    def counts(self) -> Message:
        """One row of `yett report`."""
        names = ("passed", "held", "refused", "would_hold", "alarms")
        row = {name: self.state.counts.get(name, 0) for name in names}
        return {"session": self.session.id, "agent": self.session.principal.agent, **row}

    def last_refusal(self) -> Message | None:
        refusal = self.state.asks.last()
        return {**asdict(refusal), "would_be": list(refusal.would_be)} if refusal else None


async def serve_run(plane: Plane, channel: Channel, request: Message) -> None:
    """Open a run, keep it while the connection lives, end it: what `run.open` starts (law 10)."""

    async def say(line: str) -> None:
        await channel.send({"progress": line})

    run, over = await open_run(plane, request, say), False
    try:
        await channel.send(_opened(run))
        while True:
            message = await channel.receive()
            if message.get("verb") == "run.sockets":
                await _take_sockets(run, message, channel.take_descriptors())
                await channel.send({"ok": True})
            elif message.get("verb") == "run.unmask":
                await channel.send(await _unmask(run, str(message.get("path")), channel.take_descriptors()))
            elif message.get("verb") == "run.end":
                over, summary = True, await end_run(run, "the command ended")
                await channel.send({"ok": True, "summary": summary})
                return
            else:
                raise YettError(f"a run knows no {message.get('verb')!r}")
    except ChannelClosed:
        over = True
    finally:
        await end_run(run, "its connection closed")
        if over:  # else the command goes on, cut off, on what lies in the folder
            shutil.rmtree(run.folder, ignore_errors=True)


async def open_run(plane: Plane, request: Message, say: Say) -> Run:
    """Everything before the command starts. Raises YettError; nothing of the session is left then."""
    workspace = Path(str(request.get("workspace") or request["cwd"]))
    task = await _task(plane, request, say)
    argv = [str(word) for word in request.get("argv", [])]
    client = os.path.basename(argv[0]) if argv else "agent"
    session_id = "s-" + secrets.token_hex(5)
    principal = Principal(agent=f"{client}.{plane.owner}", owner=plane.owner, client=client)
    session = Session(session_id, principal, task, str(workspace), observe=bool(request.get("observe")))
    await plane.journal.run(lambda tx: _write_session(tx, session))
    policies = plane.maps.load(workspace) if (workspace / ".yett/policy").exists() else None
    state = plane.checkpoint.open_session(session)
    state.policies = policies
    folder = plane.settings.home / "sessions" / session_id
    folder.mkdir(mode=0o700, parents=True)
    try:
        environ = {str(k): str(v) for k, v in dict(request.get("environ", {})).items()}
        strict = plane.settings.strict or bool(request.get("strict"))
        masked = await mask_everything(plane, session, folder, environ, say, strict=strict)
        databases = RunDatabases(plane, session, masked, str(request.get("database") or ""))
        logins = _logins(plane, session, masked, environ)
        desk = AgentDesk(plane, session, state)
        agent_socket = LineServer(folder / "agent.sock", desk.serve, mode=0o666)
    except BaseException:
        await plane.checkpoint.close_session(session_id, "it could not be opened")
        await asyncio.to_thread(plane.broker.revoke, session_id)
        await asyncio.to_thread(forget_found, plane, session_id)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    watching = _watching(plane, session, masked)
    run = Run(plane, session, folder, state, masked, agent_socket, logins, watching, _notices(plane, session, masked))
    if masked.mirror is not None:
        run.remotes = Remotes(session, masked.mirror, plane.checkpoint, plane.settings.git)
    run.databases = databases
    run.wanted_ports = tuple(int(port) for port in request.get("host_ports", ()))
    plane.runs[session_id] = run
    watching.start()
    return run


async def end_run(run: Run, why: str) -> list[str]:
    """Close everything of the session: tunnels at once, then leases and holds, then its local commits come home."""
    plane = run.plane
    if plane.runs.pop(run.session.id, None) is None:
        return []
    plane.gate.close_session(run.session.id)
    if run.nameserver is not None:
        run.nameserver.close()
    if run.host_ports is not None:
        run.host_ports.close()
    if run.databases is not None:
        await run.databases.close()
    if run.keeper is not None:
        run.keeper.close()
    run.agent_socket.close()
    run.watching.stop()
    plane.ended(run.counts(), run.last_refusal())
    try:
        await plane.checkpoint.close_session(run.session.id, why)
        await asyncio.to_thread(plane.broker.revoke, run.session.id)
        await asyncio.to_thread(forget_found, plane, run.session.id)
        await plane.journal.run(lambda tx: _write_end(tx, run, why))
    except StoreUnavailable as error:  # it has ended all the same: the first two end it in memory first
        _log.error("the end of %s was not recorded: %s", run.session.id, error.what)
        await asyncio.to_thread(_revoke_in_memory, plane, run.session.id)
    said = await asyncio.to_thread(run.masked.close)
    await _record_commits(run)
    return said + _summary(run)


async def _record_commits(run: Run) -> None:
    """Which commits an agent made, for whoever audits (R79)."""
    made = run.masked.mirror.made if run.masked.mirror is not None else []
    for at in range(0, len(made), MOST_COMMITS):
        oids: list[Json] = [*made[at : at + MOST_COMMITS]]
        entry = Entry("session", {"session": run.session.id, "state": "imported", "commits": oids})
        try:
            await run.plane.journal.run(lambda tx, entry=entry: tx.append(entry))  # type: ignore[misc]  # a bound default
        except StoreUnavailable as error:
            _log.error("the commits of %s were not recorded: %s", run.session.id, error.what)
            return


def _revoke_in_memory(plane: Plane, session: str) -> None:
    """Leases end even where their end cannot be written."""
    with contextlib.suppress(StoreUnavailable):
        plane.broker.revoke(session)


async def _task(plane: Plane, request: Message, say: Say) -> Task:
    """The task; one with a production environment needs a person's key (law 8)."""
    purpose = str(request.get("task") or "")[:500]
    environment = request.get("environment")
    label = str(environment) if environment else None
    now = time.time()
    task_id = "t-" + secrets.token_hex(5)
    kind = plane.maps.environments.kind_of_label(label) if label else None
    production = kind is EnvironmentClass.PRODUCTION
    if production:
        body: dict[str, Json] = {"task": task_id, "purpose": purpose, "environment": label}
        act = await plane.desk.propose(ActKind.TASK_PRODUCTION, body, plane.owner)
        await say(f"{label} is production: a person signs for it at {plane.page(f'/acts/{act.id}')}")
        await wait_signed(plane.desk, act.id)
        signed = plane.desk.clock()
        await plane.journal.run(lambda tx: plane.desk.spend_act(tx, act.id, ActKind.TASK_PRODUCTION, body, signed))
    return Task(task_id, purpose, label, production, now, now + plane.settings.task_hours * 3600)


def _watching(plane: Plane, session: Session, masked: Masked) -> Watching:
    """Placeholders that the agent writes down are no findings: they are what it is meant to have."""

    def is_ours(value: bytes) -> bool:
        return bool(masked.pairs.placeholders_in(value)) or plane.broker.is_placeholder(value)

    return Watching(plane, session.workspace, masked.scanned_at, session.id, is_ours)


def _logins(plane: Plane, session: Session, masked: Masked, environ: Mapping[str, str]) -> Logins:
    return Logins(plane.book, home_of(environ), masked.masks, partial(plane.broker.renewed, session))


def _notices(plane: Plane, session: Session, masked: Masked) -> list[str]:
    said = []
    label = session.task.environment
    if label and plane.maps.environments.kind_of_label(label) is None:
        said.append(f"no environment is mapped as {label!r}, so everything counts as another's: yett env shows the map")
    if session.observe:
        said.append("OBSERVING ONLY: what would be held passes, except what cannot be undone. You are not protected.")
    if masked.findings:
        places = f"{_count(masked.files, 'file')}, {_count(masked.variables, 'variable')}{masked.git_words}"
        said.append(f"masked, so that {session.principal.client} cannot read them: {places}")
    if not plane.desk.read(active_persons):
        said.append("nobody has enrolled a key, so what is held stays held: yett init")
    if plane.lockdown.stops(session):
        said.append(f"the gate is locked down: everything is refused until someone lifts it at {plane.page()}")
    return said


def _summary(run: Run) -> list[str]:
    counts, said = run.counts(), []
    if run.watching.found:
        said = [f"{_count(run.watching.found, 'credential')} came into reach meanwhile, unmasked: yett inventory"]
    if not counts["held"] and not counts["refused"]:
        return said
    passed = _count(counts["passed"], "operation")
    return [*said, f"{passed} passed, {counts['held']} held, {counts['refused']} refused: yett report, yett why"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _opened(run: Run) -> Message:
    return {
        "session": run.session.id,
        "folder": str(run.folder),
        "ca": str(run.plane.bundle),
        "environ": run.masked.environ,
        "masks": run.masked.masks,
        "git": run.masked.git,
        "notices": run.notices,
        "ports": run.databases.loopback_ports if run.databases is not None else [],
    }


async def _unmask(run: Run, path: str, descriptors: list[int]) -> Message:
    """Carry an edit of a masked file out; a refusal is an answer, not the end of the run."""
    try:
        if len(descriptors) != 1:
            return {"ok": True, "changed": await asyncio.to_thread(run.logins.carry, path)}
        return await asyncio.to_thread(run.masked.write_back, path, descriptors[0])
    except YettError as error:
        return {"error": error.what, "remedy": error.remedy}
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


async def _take_sockets(run: Run, message: Message, descriptors: list[int]) -> None:
    """The listeners that the supervisor made inside the session's network namespace."""
    kinds = [str(kind) for kind in message.get("kinds", [])]
    if len(kinds) != len(descriptors):
        for descriptor in descriptors:
            os.close(descriptor)
        raise YettError("the supervisor sent another number of sockets than it said")
    sockets = {kind: socket.socket(fileno=number) for kind, number in zip(kinds, descriptors, strict=True)}
    if not {"proxy", "dns", "keeper"} <= sockets.keys():
        raise YettError("the supervisor did not send a proxy, dns and keeper socket")
    run.keeper = Channel(sockets["keeper"])
    assert run.databases is not None, "open_run sets it"
    run.addresses = Addresses(run.session, run.keeper, run.plane.gate, run.databases)
    run.nameserver = NameServer(sockets["dns"], sockets.get("dns-tcp"), run.addresses.address)
    run.host_ports = HostPorts(run.session, run.plane.checkpoint)
    run.host_ports.open_soon(run.addresses, run.wanted_ports)
    run.databases.open_soon(run.addresses)
    await run.plane.gate.serve(run.session, sockets["proxy"], "proxy")


def _write_session(tx: Transaction, session: Session) -> None:
    task = session.task
    tx.execute(
        insert(tables.sessions).values(
            id=session.id,
            agent=session.principal.agent,
            owner=session.principal.owner,
            client=session.principal.client,
            teams=list(session.principal.teams),
            workspace=session.workspace,
            observe=session.observe,
            task=task.id,
            purpose=task.purpose,
            environment=task.environment,
            production=task.production,
            started_at=int(task.started * 1e9),
            expires_at=int(task.expires * 1e9),
        )
    )
    body: dict[str, Json] = {"session": session.id, "state": "opened", "agent": session.principal.agent}
    about: dict[str, Json] = {"task": task.id, "purpose": task.purpose, "environment": task.environment}
    tx.append(Entry("session", {**body, **about, "owner": session.principal.owner, "observe": session.observe}))


def _write_end(tx: Transaction, run: Run, why: str) -> None:
    ended = update(tables.sessions).where(tables.sessions.c.id == run.session.id)
    tx.execute(ended.values(ended_at=time.time_ns()))
    counts: dict[str, Json] = {k: v for k, v in run.counts().items() if k not in ("session", "agent")}
    tx.append(Entry("session", {"session": run.session.id, "state": "ended", "why": why, "counts": counts}))
