"""A real Ceph object gateway on loopback: monitor, one object store in memory, gateway; gone when its user is.

The steps and the settings that matter are Ceph's manual deployment (docs.ceph.com, install/manual-deployment), cut down
to one node without systemd. Access control between the daemons stays on: without it the gateway does not start.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool")
DEADLINE_S = 60.0

SETTINGS = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{v2}/0,v1:127.0.0.1:{v1}/0]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
ms bind port min = {low}
ms bind port max = {high}
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 8
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = 1G
mon data avail warn = 1
mon data avail crit = 1
run dir = {folder}/run
admin socket = {folder}/run/$name.sock
log file = {folder}/log/$name.log
keyring = {folder}/keyring
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{http}
rgw relaxed s3 bucket names = true
"""


def is_installed() -> bool:
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def running() -> Iterator[Ceph]:
    """Start it (about 15 s); what it holds is in memory only."""
    folder = Path(tempfile.mkdtemp(prefix="yett-ceph-"))
    try:
        with ExitStack() as stack:
            ceph = Ceph(folder, stack)
            ceph.start()
            yield ceph
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Ceph:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._http = _free_port()
        self.endpoint = f"http://127.0.0.1:{self._http}"

    def start(self) -> None:
        fsid, low = str(uuid.uuid4()), _free_range(64)
        for name in ("mon", "osd", "run", "log", "rgw"):
            (self._folder / name).mkdir()
        self._conf = self._folder / "ceph.conf"
        v2, v1 = low, low + 1
        settings = SETTINGS.format(
            fsid=fsid, v2=v2, v1=v1, low=low + 2, high=low + 63, folder=self._folder, http=self._http
        )
        self._conf.write_text(settings)
        self._make_keys()
        both = f"[v2:127.0.0.1:{v2}/0,v1:127.0.0.1:{v1}/0]"
        monmap = str(self._folder / "monmap")
        _run("monmaptool", "--create", "--addv", "a", both, "--fsid", fsid, monmap)
        keyring = str(self._folder / "keyring")
        _run("ceph-mon", "-c", str(self._conf), "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._serve("ceph-mon", "-i", "a")
        self._until(lambda: self._ask("mon", "stat"))
        osd = str(uuid.uuid4())
        self._ask("osd", "create", osd)
        _run("ceph-osd", "-c", str(self._conf), "-i", "0", "--mkfs", "--osd-uuid", osd, "--osd-objectstore", "memstore")
        self._serve("ceph-osd", "-i", "0", "--osd-uuid", osd)
        self._until(lambda: "1 up" in self._ask("osd", "stat"))
        self._serve("radosgw", "-n", "client.rgw")
        self._until(lambda: urllib.request.urlopen(self.endpoint, timeout=2).status == 200)

    def user(self, name: str, secret: str) -> None:
        _run(
            "radosgw-admin", "-c", str(self._conf), "-n", "client.admin", "user", "create", "--uid", name,
            "--display-name", name, "--access-key", name, "--secret-key", secret,
        )  # fmt: skip

    def _make_keys(self) -> None:
        keyring = str(self._folder / "keyring")
        everything = ("--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        osd = ("--cap", "mon", "allow profile osd", "--cap", "mgr", "allow profile osd", "--cap", "osd", "allow *")
        _run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        for name, caps in (("client.admin", everything), ("osd.0", osd), ("client.rgw", everything)):
            _run("ceph-authtool", keyring, "--gen-key", "-n", name, *caps)

    def _serve(self, *command: str) -> None:
        log = self._stack.enter_context((self._folder / "log" / f"{command[0]}.out").open("w"))
        process = subprocess.Popen([*command, "-c", str(self._conf), "-f"], stdout=log, stderr=log, cwd=self._folder)
        self._stack.callback(_stop, process)

    def _ask(self, *words: str) -> str:
        return _run("ceph", "-c", str(self._conf), "-n", "client.admin", "--connect-timeout", "5", *words)

    def _until(self, holds: object) -> None:
        end, last = time.monotonic() + DEADLINE_S, ""
        while time.monotonic() < end:
            try:
                if holds():  # type: ignore[operator]
                    return
            except (OSError, subprocess.CalledProcessError) as error:
                last = str(getattr(error, "stderr", error))
            time.sleep(0.2)
        logs = "".join(path.read_text()[-1500:] for path in sorted((self._folder / "log").glob("*.out")))
        raise AssertionError(f"Ceph did not start: {last}\n{logs}")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "CEPH_ARGS": ""})
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command[0], done.stdout, done.stderr[-2000:])
    return done.stdout + done.stderr


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free_range(count: int) -> int:
    """A port below the ephemeral ones after which `count` are free now."""
    for low in range(17000 + os.getpid() % 97 * 100, 30000, 100):
        with ExitStack() as stack:
            try:
                for port in range(low, low + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return low
    raise AssertionError("no free ports for Ceph")
