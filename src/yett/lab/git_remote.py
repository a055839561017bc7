"""git.rentals.example: the workspace's remote over smart HTTP, by git's own `git http-backend` (CGI, RFC 3875).

Basic authentication, with a token as password. Fetch and push of `/rentals.git`; everything else is not found.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
import subprocess
from pathlib import Path

from yett.lab.journal import Arrival, Journal
from yett.lab.wire import Reply, Request

HOST = "git.rentals.example"
USER = "rentals-bot"
REPOSITORY = "rentals.git"


def git(*arguments: str, cwd: Path, **environ: str) -> str:
    """Run git without anybody's settings; return what it printed."""
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env={**plain_environ(), **environ}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr[-400:]}")
    return done.stdout


def plain_environ() -> dict[str, str]:
    """Return an environment in which git reads no user or system settings and asks nothing."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


class GitRemote:
    """Answers requests for the git host."""

    def __init__(self, root: Path, token: str, journal: Journal) -> None:
        """Serve the bare repositories in `root` to whoever shows the token."""
        self._root = root
        self._expected = "Basic " + base64.b64encode(f"{USER}:{token}".encode()).decode()
        self._journal = journal

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        given = request.header("authorization")
        allowed = hmac.compare_digest(given.encode(), self._expected.encode())
        arrival = Arrival(token="git" if allowed else "unknown" if given else "none", fields=[_service(request)])
        if not request.path.startswith(f"/{REPOSITORY}/"):
            status, headers, body = 404, {}, b"not found\n"
        elif not allowed:
            status, headers, body = 401, {"www-authenticate": 'Basic realm="rentals"'}, b"authentication needed\n"
        else:
            status, headers, body = await self._backend(request)
        arrival.outcome = "done" if status == 200 else "refused"
        self._journal.record(request, arrival, status)
        await reply.send(status, body, headers.pop("content-type", "text/plain"), **headers)

    async def _backend(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend",
            env={**plain_environ(), **self._variables(request)},
            cwd=self._root,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        out, _ = await process.communicate(request.body)
        head, _, body = out.partition(b"\r\n\r\n")
        fields = (line.partition(": ") for line in head.decode("latin-1").split("\r\n"))
        headers = {name.lower(): value for name, _, value in fields}
        status = headers.pop("status", "200 OK")
        return int(status.split(" ")[0]), headers, body

    def _variables(self, request: Request) -> dict[str, str]:
        return {
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.header("git-protocol"),
            "REMOTE_USER": USER,
            "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.header("content-type"),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_CONTENT_ENCODING": request.header("content-encoding"),
        }


def _service(request: Request) -> str:
    for name in ("git-upload-pack", "git-receive-pack"):
        if name in request.target:
            return name
    return request.path.rsplit("/", 1)[-1]
