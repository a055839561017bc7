"""The command line's side of the operator socket: one JSON line out, lines of JSON back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.daemon.settings import default_home
from yett.model.errors import YettError

START_DEADLINE_S = 20.0
Answer = dict[str, Any]  # Any: JSON of the verb


def call(verb: str, *, home: Path | None = None, start: bool = True, **arguments: object) -> Answer:
    """Ask the daemon one thing; progress lines go to standard error, the last line is the answer.

    Raises:
        YettError: what the daemon said went wrong, or that none is running.
    """
    for message in stream(verb, home=home, start=start, **arguments):
        if "progress" in message:
            print(f"  {message['progress']}", file=sys.stderr, flush=True)
            continue
        if "error" in message:
            raise YettError(str(message["error"]), str(message.get("remedy", "")))
        return message
    raise YettError("the daemon closed the connection without an answer", "see yett doctor")


def stream(verb: str, *, home: Path | None = None, start: bool = True, **arguments: object) -> Iterator[Answer]:
    """Every line that the daemon answers with."""
    with connect(home or default_home(), start=start) as sock, sock.makefile("rwb") as file:
        file.write(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
        file.flush()
        for line in file:
            yield json.loads(line)


def connect(home: Path, *, start: bool = True) -> socket.socket:
    """A connection to the daemon of `home`; starts one if none runs."""
    sock = _try(home)
    if sock is None and start:
        start_daemon(home)
        sock = _try(home)
    if sock is None:
        raise YettError(f"no Yett daemon runs for {home}", "start one with: yett up")
    return sock


def start_daemon(home: Path) -> None:
    """Start `yett up` in the background and wait until its socket answers."""
    path = home / "daemon.log"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise YettError(f"{home} cannot be used: {error.strerror}", "check the disk and who owns it") from None
    with open(path, "ab", opener=_private) as log:
        before = log.tell()
        command = [sys.executable, "-m", "yett.cli", "up", "--home", str(home), "--background"]
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end:
        if (sock := _try(home)) is not None:
            sock.close()
            return
        if daemon.poll() is not None:
            break
        time.sleep(0.02)
    raise _not_started(path, before)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _not_started(log: Path, before: int) -> YettError:
    """What the daemon itself said since `before`, if it ended with an error of ours; else where its log is."""
    with log.open("rb") as file:
        file.seek(before)
        said = [line.strip() for line in file.read(8192).decode(errors="replace").splitlines()]
    reasons = [number for number, line in enumerate(said) if line.startswith("yett: ")]
    if not reasons:
        return YettError("the daemon did not start", f"its log: {log}")
    what, *remedy = said[reasons[-1] :]
    return YettError(f"the daemon did not start: {what.removeprefix('yett: ')}", " ".join(remedy))


def _try(home: Path) -> socket.socket | None:
    path = home / "operator.sock"
    if not path.exists():
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A unix socket's path may have 107 bytes; through the directory's descriptor any home fits.
        folder = os.open(home, os.O_PATH | os.O_DIRECTORY)
        try:
            sock.connect(f"/proc/self/fd/{folder}/operator.sock")
        finally:
            os.close(folder)
    except OSError:
        sock.close()
        return None
    return sock
