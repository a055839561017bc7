"""All of the lab in one process: prepare as the starter, become another user, then serve until told to stop.

The starter reads one JSON line on standard output (`Announcement`); token values are only in `handed-out.json`, 0600 of
the starter. The volumes belong to the user that the lab runs as, and nobody else can open them.
"""

from __future__ import annotations

import asyncio
import encodings.idna  # noqa: F401  # asyncio's dialling needs it after root is given up, when it may be out of reach
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from yett.lab import echo, git_remote, login, messages, postgres, process, wire, workspace
from yett.lab.attach import Attachments
from yett.lab.certificates import make_server_context
from yett.lab.journal import Journal
from yett.lab.railway import endpoint, mutations, queries, seed
from yett.lab.railway.execution import Api, Platform
from yett.lab.railway.machine import Machine
from yett.lab.railway.tokens import Keyring, Token
from yett.lab.railway.world import World

HOSTS = (*endpoint.HOSTS, git_remote.HOST, echo.HOST, messages.HOST, login.HOST)


class Lab:
    """A prepared lab: everything that needs the starter's rights is done when this is made."""

    def __init__(self, folder: Path, user: str | None) -> None:
        """Lay out `folder` (made if absent, else empty) and give up root.

        Raises:
            LabFailed: the folder cannot be used, or the user.
            PostgresFailed: no PostgreSQL is installed.
        """
        account = process.choose_user(user)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise process.LabFailed(f"{folder} is not empty: give the lab a --dir of its own")
        process.open_to(account, folder)
        self.folder = folder = folder.resolve()
        self._context = make_server_context(HOSTS, folder / "ca.pem")
        volumes = process.own_folder(account, folder / "volumes")
        self._git_root = process.own_folder(account, folder / "git")
        binaries = postgres.reachable_binaries(postgres.find_binaries(), account.pw_uid, folder / "postgresql")
        self._handed_out = _private(folder / "handed-out.json")
        self.platform = Platform(World(), Machine(volumes, binaries), Keyring())
        self._git_token = secrets.token_hex(20)
        self._model_key = login.credential("api03")
        self._login = login.Login()
        self._heard = _private(folder / "heard.jsonl")
        self._journal = Journal(_private(folder / "journal.jsonl"), self._secrets)
        self._attachments = Attachments(folder / "attach.sock", self._serve)
        process.become(account)

    def plant(self) -> dict[str, object]:
        """Make the world and the repository; hand the tokens out; return the ids."""
        places = seed.plant(self.platform)
        tokens = seed.issue_tokens(self.platform, places)
        cluster = self.platform.machine.cluster(places.database_volume)
        assert cluster is not None
        handed_out = {f"{name}_token": token.value for name, token in _by_name(tokens)}
        handed_out |= {"git_token": self._git_token, "database_url": cluster.url}
        handed_out |= {"model_key": self._model_key}
        handed_out |= {"model_login": self._login.access, "model_refresh": self._login.refresh}
        values = workspace.workspace_values(handed_out, asdict(places))
        source = workspace.make_workspace(self._git_root / "source", values)
        git_remote.git("clone", "-q", "--bare", str(source), git_remote.REPOSITORY, cwd=self._git_root)
        shutil.rmtree(source)
        json.dump(handed_out, self._handed_out, indent=1)
        self._handed_out.close()
        return asdict(places)

    async def run(self, parent: int) -> None:
        """Serve until SIGTERM, SIGINT or the end of `parent`."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        process.watch_parent(loop, parent, stopped.set)
        self._hosts = self._make_hosts()
        try:
            places = self.plant()
            listeners = {kind: _listen() for kind in ("tls", "http")}
            for kind, listener in listeners.items():
                await self._serve(listener, kind)
            ports = {kind: listener.getsockname()[1] for kind, listener in listeners.items()}
            print(json.dumps(self._announcement(ports, places)), flush=True)
            attaching = asyncio.create_task(self._attachments.run())
            await stopped.wait()
            attaching.cancel()
        finally:
            self.platform.machine.stop()

    def _announcement(self, ports: dict[str, int], places: dict[str, object]) -> dict[str, object]:
        return {
            "ready": True,
            "dir": str(self.folder),
            "pid": os.getpid(),
            "uid": os.getuid(),
            "ports": ports,
            "hosts": list(HOSTS),
            "ca": str(self.folder / "ca.pem"),
            "handed_out": str(self.folder / "handed-out.json"),
            "journal": str(self.folder / "journal.jsonl"),
            "heard": str(self.folder / "heard.jsonl"),
            "attach": str(self.folder / "attach.sock"),
            "remote": workspace.REMOTE,
            "places": places,
        }

    def _make_hosts(self) -> dict[str, wire.Handler]:
        api = Api({"Query": queries.QUERIES, "Mutation": mutations.MUTATIONS, **queries.OBJECTS})
        railway = endpoint.Endpoint(api, self.platform, self._journal)
        remote = git_remote.GitRemote(self._git_root, self._git_token, self._journal)
        model = messages.Messages(self._model_key, self._login, self._journal, self._heard)
        hosts: dict[str, wire.Handler] = dict.fromkeys(endpoint.HOSTS, railway.handle)
        hosts |= {git_remote.HOST: remote.handle, messages.HOST: model.handle}
        hosts |= {login.HOST: login.LoginHost(self._login, self._journal).handle}
        return {**hosts, echo.HOST: echo.Echo(self._journal).handle}

    async def _serve(self, listener: socket.socket, kind: str) -> asyncio.Server:
        context: ssl.SSLContext | None = self._context if kind == "tls" else None
        return await asyncio.start_server(self._connected, sock=listener, ssl=context)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await wire.serve_connection(reader, writer, self._answer)
        except Exception as error:
            # Whatever it was, it arrived: a drill must not take a failure of the lab for silence.
            encrypted = writer.get_extra_info("ssl_object") is not None
            self._journal.record_unreadable(encrypted, f"{type(error).__name__}: {error}")
            writer.transport.abort()
            if not isinstance(error, wire.Unreadable):
                raise

    async def _answer(self, request: wire.Request, reply: wire.Reply) -> None:
        # The real edge would not route an IP address or a made-up name; here the API answers, so that a drill sees it.
        await self._hosts.get(request.host, self._hosts[endpoint.HOSTS[0]])(request, reply)

    def _secrets(self) -> Iterator[str]:
        yield from (token.value for token in self.platform.keyring)
        yield from (self._git_token, self._model_key, *self._login.issued)


def serve(folder: Path, user: str | None, parent: int) -> None:
    """Prepare a lab and run it; return when it has stopped."""
    asyncio.run(Lab(folder, user).run(parent))


def _by_name(tokens: seed.Tokens) -> Iterator[tuple[str, Token]]:
    yield from (("account", tokens.account), ("workspace", tokens.workspace))
    yield from (("staging", tokens.staging), ("production", tokens.production))


def _private(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")


def _listen() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
