"""Every floor put together for one home: what `yett up` runs, and what the operator's verbs act on."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import secrets
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, select

from yett.approvals.acts import ActKind, Effect
from yett.approvals.challenge import Site
from yett.approvals.desk import Desk
from yett.approvals.sealing import Seal
from yett.broker.broker import Broker
from yett.broker.master import master_key, system_keyring
from yett.broker.seal import Keys
from yett.broker.vault import Vault
from yett.checkpoint.lockdown import Lockdown, open_again
from yett.checkpoint.pipeline import Checkpoint
from yett.checkpoint.places import EnvironmentMap
from yett.daemon import environments, inventory
from yett.daemon.channel import Message
from yett.daemon.eyes import Eyes
from yett.daemon.settings import Settings
from yett.gateway import floors
from yett.gateway.api import Api
from yett.gateway.ca import Leaves, open_authority
from yett.gateway.company import company_proxy
from yett.gateway.databases.allowed import sending, unmasking, widening
from yett.gateway.databases.registry import POSTGRES
from yett.gateway.databases.service import Databases
from yett.gateway.databases.undos.settling import Settling
from yett.gateway.databases.undos.undoing import bring_back
from yett.gateway.dial import Dialer, DialSettings, Mapped
from yett.gateway.floors import Answering
from yett.gateway.gate import Gate
from yett.gateway.limits import Limits
from yett.gateway.postgres.front import Front
from yett.inventory.kept.inventory import Kept
from yett.ledger.journal import Journal
from yett.ledger.notes import open_log_key
from yett.ledger.recovery import recover_inflight
from yett.model.errors import YettError
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.model.provider import ApiClient
from yett.operations.classify import classify
from yett.policy import Policies, load_policies
from yett.providers.book import ProviderBook
from yett.recovery.keep.ready import Ready
from yett.recovery.keep.settings import read_settings
from yett.recovery.kept import proof_entry, stored_by_task
from yett.recovery.undos import Means, Undos
from yett.store import Store, open_store, tables

if TYPE_CHECKING:
    from yett.daemon.runs import Run

OWN = "yett's own"
"""The purpose of a secret that Yett looks at resources with, and makes undos with; never leased to an agent."""


@dataclass
class Plane:
    """The parts. `environments` and `policies` are replaced whole when something signed changes them."""

    settings: Settings
    store: Store
    journal: Journal
    keys: Keys
    vault: Vault
    broker: Broker
    book: ProviderBook
    desk: Desk
    lockdown: Lockdown
    undos: Undos
    checkpoint: Checkpoint
    gate: Gate
    api: ApiClient
    bundle: Path
    vkey: str
    maps: Maps
    kept: Kept
    databases: Databases
    settling: Settling
    front: Front
    runs: dict[str, Run]
    ended_counts: list[Message] = field(default_factory=list)
    last_refusal: Message | None = None
    pid: int = field(default_factory=os.getpid)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def owner(self) -> str:
        """The person whom this machine knows as the owner of what runs on it."""
        return getpass.getuser()

    def page(self, path: str = "/") -> str:
        return self.desk.site.origin + path

    def own_secret(self, provider: str) -> str | None:
        return _own_secret(self.vault, provider)

    def ended(self, counts: Message, refusal: Message | None) -> None:
        """Keep what a run leaves for `yett report` and `yett why`."""
        self.ended_counts = [*self.ended_counts[-99:], counts]
        self.last_refusal = refusal or self.last_refusal

    async def close(self) -> None:
        self.gate.close_all()
        with contextlib.suppress(YettError, TimeoutError):
            async with asyncio.timeout(5):
                await self.front.close()
                await self.gate.settled()
        await self.databases.close()
        with contextlib.suppress(YettError):
            self.checkpoint.close()
        with contextlib.suppress(YettError):
            self.journal.close()
        self.store.close()


class Maps:
    """What changes by signature while the daemon runs."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self.environments: EnvironmentMap = store.read(environments.read_map)
        self.policies: Policies = self.load()

    def load(self, workspace: Path | None = None) -> Policies:
        """The shipped layers, the home's own and, for one run, what its workspace narrows (law 9)."""
        signed = self._store.read(_signed_policies)
        return load_policies(self._folder if self._folder.is_dir() else None, workspace=workspace, signed=signed)

    def reload_policies(self) -> None:
        self.policies = self.load()

    def reload_environments(self) -> None:
        self.environments = self._store.read(environments.read_map)


async def build(settings: Settings, console_port: int) -> Plane:
    """Open or make everything under `settings.home`.

    Raises:
        YettError: something there cannot be used; nothing is served then (law 1).
    """
    home = settings.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(f"sqlite:///{home / 'yett.db'}", settings.realm)
    signer = open_log_key(home / "log.key", f"yett.local/{settings.realm}/{store.id}")
    journal = Journal(store, signer)
    recover_inflight(journal)
    master = master_key(home, system_keyring() if settings.realm == "real" else None)
    keys = Keys(master)
    vault = Vault(journal, keys)
    book = ProviderBook.load()
    broker = Broker(vault, journal, book)
    dialer = Dialer(_dial_settings(settings))
    api = Api(dialer, keeps_loopback=settings.realm == "drill")
    undos = Undos(
        store,
        journal,
        home / "undo",
        api,
        lambda provider: _means(book, vault, provider),
        _keep(settings, store, journal, keys, vault),
        lambda provider: partial(bring_back, databases, undos) if provider == POSTGRES else None,
    )
    maps = Maps(store, home / "policy")
    lockdown = Lockdown(store, journal)
    site = Site(store.id, console_port, drill=settings.realm == "drill")
    desk = Desk(site, store, journal, _document_seal(home), effects=_EFFECTS, account=getpass.getuser())
    eyes = Eyes(book, api, lambda provider: _own_secret(vault, provider), lambda: maps.environments, undos)
    checkpoint = Checkpoint(store, journal, lambda: maps.policies, desk, lockdown, eyes, undos)
    databases = Databases(store, journal, vault, broker, checkpoint, undos, desk)
    settling = Settling(databases, store, checkpoint, undos)
    authority, front = open_authority(home / "ca"), Front()
    runs: dict[str, Run] = {}
    gate = Gate(
        cast(floors.Checkpoint, checkpoint),
        broker,
        book,
        Leaves(authority),
        dialer,
        Limits(),
        classify=classify,
        service=lambda session, request: _own_answer(runs, session, request),
    )
    lockdown.on_lock += [
        lambda _scope: gate.drop_tunnels(),
        lambda _scope: _drop_host_ports(runs),
        lambda _scope: front.drop(),
    ]
    bundle = home / "ca" / "bundle.pem"
    bundle.write_bytes(authority.bundle())
    bundle.chmod(0o644)
    desk.on_signed += [lambda _act: maps.reload_environments(), lambda _act: lockdown.reload(), databases.signed]
    await desk.start()
    return Plane(
        settings, store, journal, keys, vault, broker, book, desk, lockdown, undos, checkpoint, gate, api, bundle,
        str(signer.verifier), maps, Kept(journal), databases, settling, front, runs,
    )  # fmt: skip


def _signed_policies(connection: Connection) -> frozenset[str]:
    """Digests of the widening files that a person's key has signed."""
    rows = connection.execute(select(tables.meta.c.key).where(tables.meta.c.key.like("policy:%")))
    return frozenset(key.removeprefix("policy:") for key in rows.scalars())


def _dial_settings(settings: Settings) -> DialSettings:
    mapped = tuple(Mapped(name, port, *to) for (name, port), to in settings.resolve.items())
    extra = Path(settings.extra_ca) if settings.extra_ca else None
    return DialSettings(settings.realm, mapped, company_proxy(os.environ), extra)


def _own_secret(vault: Vault, provider: str) -> str | None:
    for kept in vault.list():
        if kept.provider == provider and kept.purpose == OWN:
            return vault.get(kept.name)
    return None


def _means(book: ProviderBook, vault: Vault, provider: str) -> Means | None:
    room, secret = book.named(provider), _own_secret(vault, provider)
    undoer = room.undoer() if room else None
    return Means(undoer, secret) if undoer and secret else None


def _keep(settings: Settings, store: Store, journal: Journal, keys: Keys, vault: Vault) -> Ready:
    """The keep of undos; its place is looked at when the first undo needs it. Raises ConfigurationError."""
    return Ready(
        read_settings(settings.undo),
        settings.home,
        keys,
        vault.secret,
        stored=lambda: store.read(stored_by_task),
        proven=lambda proof: journal.commit(lambda tx: tx.append(proof_entry(proof))).result(),
        apart_from=lambda: store.read(_workspaces),
    )


def _workspaces(connection: Connection) -> list[Path]:
    rows = connection.execute(select(tables.sessions.c.workspace).distinct())
    return [Path(workspace) for workspace in rows.scalars() if workspace]


def _document_seal(home: Path) -> Seal:
    """The key that documents of holds are sealed with; apart from the vault's, so that either can be destroyed."""
    path = home / "documents.key"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return Seal(path.read_bytes())


_EFFECTS: dict[ActKind, Effect] = {
    ActKind.ENVIRONMENTS: environments.write_signed,
    ActKind.LOCKDOWN_OFF: open_again,
    ActKind.BASELINE: inventory.write_acceptance,
    ActKind.PURPOSE: inventory.write_purpose,
    ActKind.UNMASK: unmasking.write_signed,
    ActKind.WIDEN: widening.write_signed,
    ActKind.BUDGET: sending.write_allowed,
}
"""What a signed act does in the transaction of its last signature; the rest is spent where the work is done."""


def _own_answer(runs: dict[str, Run], session: Session, request: HttpRequest) -> Answering | None:
    """The workspace's own git remotes are answered by the mirror."""
    run = runs.get(session.id)
    return run.remotes.answering(request) if run is not None and run.remotes is not None else None


def _drop_host_ports(runs: dict[str, Run]) -> None:
    for run in runs.values():
        if run.host_ports is not None:
            run.host_ports.drop()
