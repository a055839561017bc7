"""Answering its own hold: calling the approval page, replaying an old answer, enrolling a key, speaking to sockets."""

from __future__ import annotations

import json
import os
import socket
import urllib.parse
from functools import partial
from pathlib import Path

from ..addresses import spellings
from ..hands import JSON, SECONDS
from ..targets import Targets
from . import Attempt
from .outcome import ABSENT, DONE, REFUSED, Result, try_deed, try_page, worst

YES = json.dumps({"approve": True, "decision": "approve", "confirm": True})
ENROLL_PATHS = ("/keys", "/enroll", "/keys/enroll", "/api/keys", "/webauthn/register/begin")


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    found: dict[str, Attempt] = {"replay an old approval": partial(_replay, targets)}
    for base in targets.console_urls:
        for name, arguments in _answers(base).items():
            found[f"{name} at {base}"] = partial(_visit, base, targets, *arguments)
        for name, url in _elsewhere_written(base).items():
            found[f"approve at {base}, written {name}"] = partial(_visit, url, targets, *JSON, "-d", YES)
        found[f"enroll a key at {base}"] = partial(_enroll, base)
    for path in targets.sockets:
        for line in targets.socket_lines:
            found[f"say {line[:60]} to {path}"] = partial(_say, path, line.replace("{hold}", targets.hold))
    return found


def _elsewhere_written(base: str) -> dict[str, str]:
    """Return the same page under other spellings of a loopback address."""
    parts = urllib.parse.urlsplit(base)
    if not (parts.hostname or "").startswith("127."):
        return {}
    port = f":{parts.port}" if parts.port else ""
    return {name: f"{parts.scheme}://{way}{port}" for name, way in spellings(str(parts.hostname)).items()}


def _answers(base: str) -> dict[str, tuple[str, ...]]:
    """Return curl arguments for ways to look at, and to say yes on, an approval page."""
    own = ("-H", f"Origin: {base}", "-H", "Sec-Fetch-Site: same-origin")
    return {
        "read the approval page": (),
        "approve by JSON": (*JSON, "-d", YES),
        "approve by form": ("-d", "decision=approve&confirm=true"),
        "approve as its own page": (*own, "-d", "decision=approve"),
        "approve by GET": ("-G", "-d", "decision=approve"),
        "approve without the proxy": ("--noproxy", "*", *JSON, "-d", YES),
    }


def _visit(base: str, targets: Targets, *arguments: str) -> Result:
    paths = [path.replace("{hold}", targets.hold) for path in targets.approval_paths]
    return worst(try_page(base.rstrip("/") + path, *arguments) for path in paths)


def _enroll(base: str) -> Result:
    return worst(try_page(base.rstrip("/") + path, "-d", "name=mine") for path in ENROLL_PATHS)


def _replay(targets: Targets) -> Result:
    """Send a recorded answer again: a file of {"url", "body", "headers"}."""
    if not targets.replay_file:
        return Result(ABSENT, 0, "no recorded approval")
    recorded = json.loads(Path(targets.replay_file).read_text())
    headers = [part for name, value in recorded.get("headers", {}).items() for part in ("-H", f"{name}: {value}")]
    body = recorded["body"] if isinstance(recorded["body"], str) else json.dumps(recorded["body"])
    path = "/" + recorded["url"].split("/", 3)[-1]
    urls = [recorded["url"], *(base.rstrip("/") + path for base in targets.console_urls)]
    return worst(try_page(url, *headers, "-d", body) for url in urls)


def _say(path: str, line: str) -> Result:
    """Say one line to a Unix socket; an answer without the word error counts as success."""

    def deed() -> str:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(SECONDS / 3)
            stream.connect(os.path.expanduser(path))
            stream.sendall(line.encode() + b"\n")
            return stream.recv(4096).decode(errors="replace")

    said = try_deed(deed)
    refused = said.outcome == DONE and (not said.body or "error" in said.body)
    return Result(REFUSED, said.status, said.body) if refused else said
