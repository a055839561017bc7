"""The workspace's own git remotes, served by Yett out of the masked mirror (design, section 8).

A fetch brings the remote's news into the real repository first, masked into the view; a push is decided ref by ref,
translated, and sent on with the person's own way to the remote. No credential of a remote enters the sandbox.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from yett.checkpoint.pipeline import Checkpoint
from yett.checkpoint.record import Pass
from yett.gateway.floors import Answering, OwnAnswer
from yett.gateway.http.digest import request_digest
from yett.model.decision import Refused
from yett.model.effects import Effect
from yett.model.errors import Unreadable, YettError
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.model.operation import Attempt
from yett.operations.git import GitKnowledge, classify_git
from yett.operations.pkt_line import read_push
from yett.sandbox.mirror.mirror import Mirror, RefUpdate
from yett.sandbox.mirror.pktline import FLUSH, line, pack_of, report
from yett.sandbox.mirror.plumbing import ZERO, git, lines

FETCH_FRESH_S = 2.0
DEADLINE_S = 300.0
PACKS_AT_ONCE = 2
"""Each is a thread, a process and a whole answer in memory: one session must not take them from the others."""
_SCP = re.compile(r"^(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w.-]+):(?!/)(?P<path>.+)$")
_SERVICES = ("git-upload-pack", "git-receive-pack")
_NOT_BESIDE = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "maintenance.auto": "false",
}


@dataclass(frozen=True, slots=True)
class Remote:
    """One remote of the real repository, by the https address that the agent sees."""

    name: str
    host: str
    path: str


class Remotes:
    """Serves the remotes of one session. `extra` is git configuration that a drill needs to reach its lab."""

    def __init__(self, session: Session, mirror: Mirror, checkpoint: Checkpoint, extra: Mapping[str, str]) -> None:
        self._session = session
        self._mirror = mirror
        self._checkpoint = checkpoint
        self._extra = dict(extra)
        self._fetched = 0.0
        self._lock = asyncio.Lock()
        self._packing = asyncio.Semaphore(PACKS_AT_ONCE)
        self._remotes = own_remotes(mirror.real)

    def match(self, request: HttpRequest) -> tuple[Remote, str] | None:
        """The remote and the service path that a request is for; None: not a remote of this workspace."""
        for remote in self._remotes:
            if request.host == remote.host and request.path.startswith(remote.path + "/"):
                return remote, request.path[len(remote.path) + 1 :]
            bare = remote.path.removesuffix(".git")
            if request.host == remote.host and request.path.startswith(bare + "/"):
                return remote, request.path[len(bare) + 1 :]
        return None

    def answering(self, request: HttpRequest) -> Answering | None:
        """How the mirror answers a request, None if it is not for a remote of this workspace."""
        found = self.match(request)
        if found is None:
            return None
        remote, service = found
        return lambda whole: self.serve(remote, service, whole)

    async def serve(self, remote: Remote, service: str, request: HttpRequest) -> OwnAnswer:
        """Answer one request of a git client."""
        if service == "info/refs" and request.method == "GET":
            await self._read(request)
            return await self._advertise(remote, request)
        if service == "git-upload-pack" and request.method == "POST":
            await self._read(request)
            return await self._rpc(service, request)
        if service == "git-receive-pack" and request.method == "POST":
            return await self._push(remote, request)
        return OwnAnswer(404, "text/plain", b"git over smart HTTP only\n")

    async def _read(self, request: HttpRequest) -> None:
        """Decide and record a fetch like every other read: the person's credential is used for it (law 10).

        Raises:
            Refused: lockdown, the end of the session, a policy.
            Unreadable: it says more than a fetch says.
        """
        found = classify_git(request)
        if found is None or not all(operation.effect is Effect.READ for operation in found.operations):
            raise Unreadable("this is no fetch", "use git.")
        attempt = Attempt(self._session, "git", found.operations, request_digest(request), "", found.summary)
        await self._checkpoint.pass_(attempt)

    async def _advertise(self, remote: Remote, request: HttpRequest) -> OwnAnswer:
        service = request.query.removeprefix("service=")
        if service not in _SERVICES:
            return OwnAnswer(403, "text/plain", b"the dumb protocol is not served\n")
        await self._fetch(remote)
        command = [service, "--stateless-rpc", "--advertise-refs", str(self._mirror.view)]
        told = await asyncio.to_thread(self._run, command, b"", request)
        announced = line(f"# service={service}\n".encode()) + FLUSH
        return OwnAnswer(200, f"application/x-{service}-advertisement", announced + told)

    async def _rpc(self, service: str, request: HttpRequest) -> OwnAnswer:
        command = [service, "--stateless-rpc", str(self._mirror.view)]
        async with self._packing:
            told = await asyncio.to_thread(self._run, command, request.body or b"", request)
        return OwnAnswer(200, f"application/x-{service}-result", told)

    async def _push(self, remote: Remote, request: HttpRequest) -> OwnAnswer:
        """Decide in this loop, do git's work in a thread."""
        body = request.body or b""
        try:
            push = read_push(body)
        except Unreadable as error:
            return OwnAnswer(400, "text/plain", f"yett: {error.what}\n".encode())
        if push.certificate or push.options:
            return OwnAnswer(403, "text/plain", b"yett: push certificates and push options are not supported here\n")
        commands = [(command.ref, command.old, command.new) for command in push.commands]
        loop = asyncio.get_running_loop()
        decided: list[Pass] = []

        def decide(updates: list[RefUpdate]) -> None:
            attempt = self._attempt(request, updates)
            granted = asyncio.run_coroutine_threadsafe(self._checkpoint.pass_(attempt), loop).result(DEADLINE_S)
            decided.append(granted)

        def send(rows: list[tuple[str, str, str]]) -> None:
            self._send(remote, rows)

        try:
            async with self._lock:
                await asyncio.to_thread(self._mirror.push, commands, pack_of(body, push), decide, send)
        except Refused as error:
            words = [f"yett: {error.reason}", f"yett: {error.ask}"]
            return self._told(report(push, f"{error.verdict.value} by yett: {error.reason}"[:200], words))
        except YettError as error:
            await self._finish(decided, "refused")
            return self._told(
                report(push, f"yett: {error.what}"[:200], [f"yett: {error.remedy}"] if error.remedy else [])
            )
        await self._finish(decided, "done")
        return self._told(report(push, ""))

    async def _finish(self, decided: list[Pass], outcome: str) -> None:
        for granted in decided:
            await self._checkpoint.finish(granted, outcome, 0)

    def _told(self, body: bytes) -> OwnAnswer:
        return OwnAnswer(200, "application/x-git-receive-pack-result", body)

    def _attempt(self, request: HttpRequest, updates: list[RefUpdate]) -> Attempt:
        """The push as operations, with what the mirror knows of it."""
        known = {(update.new, update.old): update for update in updates}
        by_ref = {update.ref: update for update in updates}
        knowledge = GitKnowledge(
            own=lambda remote: True,
            contains=lambda new, old: known[(new, old)].contains,
            triggers=lambda remote, ref: by_ref[ref].triggers,
            workflow=lambda old, new: known[(new, old)].workflow,
        )
        found = classify_git(request, knowledge)
        if found is None:
            raise Unreadable("this is no push")
        digest = hashlib.sha256(request.body or b"").hexdigest()
        return Attempt(self._session, "git", found.operations, digest, "", found.summary)

    def _send(self, remote: Remote, rows: list[tuple[str, str, str]]) -> None:
        """Push with the person's own configuration and credentials; only if the remote is where the agent thinks."""
        leases = [f"--force-with-lease={ref}:{'' if old == ZERO else old}" for ref, old, _ in rows]
        specs = [f"{'' if new == ZERO else new}:{ref}" for ref, _, new in rows]
        only = ("--no-verify", "--no-follow-tags", "--recurse-submodules=no")  # the refs decided on, and nothing beside
        self._person("push", "--porcelain", *only, *leases, remote.name, *specs)

    async def _fetch(self, remote: Remote) -> None:
        """News of the real remote, into the real repository and the view."""
        async with self._lock:
            if time.monotonic() - self._fetched < FETCH_FRESH_S:
                return
            only = ("--quiet", "--no-auto-gc", "--no-recurse-submodules")
            await asyncio.to_thread(self._person, "fetch", *only, remote.name)
            await asyncio.to_thread(self._mirror.refresh)
            self._fetched = time.monotonic()

    def _person(self, *words: str) -> None:
        """git in the real repository as the person runs it, but for hooks, prompts and submodules.

        A submodule's `.git` lies in the workspace: an agent can put a repository of its own there, whose configuration
        names programs, and git would run them out here.
        """
        settings = {**_NOT_BESIDE, "safe.directory": "*", **self._extra}
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environ |= {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        done = subprocess.run(
            ["git", *words], cwd=self._mirror.real, env=environ, capture_output=True, timeout=DEADLINE_S, check=False
        )
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace").strip()
            raise YettError(f"the remote refused: {said[-300:]}", "look at it from outside the sandbox")

    def _run(self, command: list[str], body: bytes, request: HttpRequest) -> bytes:
        env = {"GIT_PROTOCOL": _protocol(request)} if _protocol(request) else None
        return git(self._mirror.view, command[0].removeprefix("git-"), *command[1:], stdin=body, env=env)


def own_remotes(real: Path) -> tuple[Remote, ...]:
    """The https and ssh remotes of the repository; ssh ones are seen as https inside."""
    found = []
    for row in lines(real, "config", "--local", "--get-regexp", r"^remote\..*\.url$") if _has_remotes(real) else []:
        key, _, url = row.partition(" ")
        place = https_place(url)
        if place is not None:
            found.append(Remote(key.split(".", 1)[1].removesuffix(".url"), *place))
    return tuple(found)


def https_place(url: str) -> tuple[str, str] | None:
    """(host, path) of an https or ssh address; None for anything else."""
    if scp := _SCP.match(url):
        return scp["host"].lower(), "/" + scp["path"].rstrip("/")
    parts = urlsplit(url)
    if parts.scheme in ("https", "ssh") and parts.hostname:
        return parts.hostname.lower(), parts.path.rstrip("/")
    return None


def _has_remotes(real: Path) -> bool:
    return "[remote " in (real / ".git/config").read_text(errors="replace")


def _protocol(request: HttpRequest) -> str:
    said = dict(request.headers).get("git-protocol", "")
    return said if said in ("version=1", "version=2") else ""
