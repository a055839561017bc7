"""A drill's own control plane: its home, its daemon, its `yett` commands, all as a user would start them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yett.lab.git_remote import USER
from yett.lab.incident import RunningLab
from yett.model.errors import YettError

UP_DEADLINE_S = 30.0
COMMAND = (sys.executable, "-m", "yett.cli")
_CODE = re.compile(r"with the code (\S+)")
_PAGE = re.compile(r"yett is up: (http://localhost:\d+)")
_SIGN = re.compile(r"/acts/(\S+)")


@dataclass(frozen=True)
class Stage:
    """A running control plane. `origin` is its page, `code` what its terminal showed for the first key."""

    home: Path
    origin: str
    code: str
    daemon: subprocess.Popen[str]

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a person at this stage: nothing of the caller's own credentials or proxies."""
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "USER", "TERM", "VIRTUAL_ENV")}
        return kept | {"YETT_HOME": str(self.home)} | dict(extra or {})

    def yett(self, *words: str, stdin: str = "") -> str:
        """Run one command of the owner; its standard output.

        Raises:
            YettError: it failed; its standard error is the message.
        """
        done = subprocess.run(
            [*COMMAND, *words], env=self.environ(), input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise YettError(f"yett {' '.join(words[:2])} failed: {done.stderr.strip()[-600:]}")
        return done.stdout

    def act_of(self, said: str) -> str:
        """The id of the act that a command asked to be signed."""
        found = _SIGN.search(said)
        if found is None:
            raise YettError(f"no act to sign in: {said!r}")
        return found[1]

    def run_agent(
        self, workspace: Path, command: Sequence[str], extra: Mapping[str, str], *options: str
    ) -> subprocess.Popen[str]:
        """Start `yett run OPTIONS -- COMMAND` in the workspace."""
        return subprocess.Popen(
            [*COMMAND, "run", *options, "--", *command],
            cwd=workspace,
            env=self.environ(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def write_settings(home: Path, lab: RunningLab) -> None:
    """The drill's config.toml: its realm, the lab's names on loopback, the lab's certificate authority."""
    home.mkdir(mode=0o700, parents=True)
    ports = lab.announced["ports"]
    rows = ['realm = "drill"', f"extra_ca = {json.dumps(lab.announced['ca'])}"]
    for host in lab.announced["hosts"]:
        for port, kind in ((443, "tls"), (80, "http")):
            rows += [
                "",
                "[[resolve]]",
                f"name = {json.dumps(host)}",
                f'address = "127.0.0.1:{ports[kind]}"',
                f"port = {port}",
            ]
    rows += ["", "[git]", *_git_settings(home.parent, lab)]
    (home / "config.toml").write_text("\n".join(rows) + "\n")


def _git_settings(folder: Path, lab: RunningLab) -> list[str]:
    """How the drill's daemon reaches the lab's git host as a person would: address, trust, the person's credential."""
    remote = urllib.parse.urlsplit(lab.announced["remote"])
    place = f"{remote.hostname}:{lab.announced['ports']['tls']}"
    credentials = folder / "git-credentials"
    credentials.write_text(f"https://{USER}:{lab.handed_out['git_token']}@{place}\n")
    credentials.chmod(0o600)
    settings = {
        f"url.https://{place}/.insteadOf": f"https://{remote.hostname}/",
        "http.curloptResolve": f"{place}:127.0.0.1",
        "http.sslCAInfo": str(lab.announced["ca"]),
        "credential.helper": f"store --file={credentials}",
    }
    return [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in settings.items()]


@contextlib.contextmanager
def started(home: Path) -> Iterator[Stage]:
    """Start `yett up` for a home that has its settings; stop it at the end."""
    log = (home / "daemon.log").open("w")
    daemon = subprocess.Popen(
        [*COMMAND, "up", "--home", str(home), "--port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=os.environ | {"YETT_HOME": str(home), "PYTHONUNBUFFERED": "1"},
    )
    try:
        origin, code = _greeting(daemon, home)
        yield Stage(home, origin, code, daemon)
    finally:
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(15)
        daemon.kill()
        daemon.wait()
        log.close()


def _greeting(daemon: subprocess.Popen[str], home: Path) -> tuple[str, str]:
    """The page's address and the first code, as the terminal shows them."""
    assert daemon.stdout is not None
    origin, end = "", time.monotonic() + UP_DEADLINE_S
    for line in daemon.stdout:
        if found := _PAGE.search(line):
            origin = found[1]
        if found := _CODE.search(line):
            return origin, found[1]
        if time.monotonic() > end:
            break
    raise YettError("the drill's daemon did not start", (home / "daemon.log").read_text()[-800:])
