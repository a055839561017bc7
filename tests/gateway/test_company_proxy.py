"""Out through a company's own TLS-breaking proxy, a real one: its authority counts where config.toml names it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from listening import free_port
from yett.daemon.plane import _dial_settings
from yett.daemon.settings import load_settings
from yett.gateway.dial import Dialer

HERE = Path(__file__).parent
PEERS = HERE.parent.parent / "bench" / ".peers"
MITMDUMP = PEERS / "mitmproxy" / "bin" / "mitmdump"
GateThrough = Callable[[Dialer], Any]  # Any: the gate's conftest is no module that can be imported


@dataclass(frozen=True)
class Company:
    """A running proxy. `authority` signs what it shows; `seen` lists what went through it."""

    url: str
    authority: Path
    seen: Path

    def requests(self) -> list[str]:
        return self.seen.read_text().splitlines() if self.seen.exists() else []


@pytest.fixture(scope="session")
def mitmdump() -> Path:
    """Installed once a machine, beside the bench, which measures against the same one."""
    PEERS.mkdir(exist_ok=True)
    with (PEERS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not MITMDUMP.exists():
            subprocess.run(["sh", str(HERE.parent.parent / "bench" / "peers" / "mitmproxy.sh")], check=True)
    return MITMDUMP


@pytest.fixture(scope="module")
def company(mitmdump: Path, echo: Any, roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    port = free_port()
    settings = (f"confdir={folder}", f"ssl_verify_upstream_trusted_ca={roots / 'certificate.pem'}")
    command = [str(mitmdump), "-q", "--listen-host", "127.0.0.1", "-p", str(port), "-s", str(HERE / "company_addon.py")]
    command += [word for setting in settings for word in ("--set", setting)]
    variables = {"COMPANY_UPSTREAM": str(echo.server_address[1]), "COMPANY_SEEN": str(folder / "seen")}
    process = subprocess.Popen(command, env={**os.environ, **variables})
    try:
        _wait_for(port, process)
        yield Company(f"http://127.0.0.1:{port}", folder / "mitmproxy-ca-cert.pem", folder / "seen")
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "mitmdump ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("mitmdump does not listen")


def dialer_behind(company: Company, home: Path, config: str, monkeypatch: pytest.MonkeyPatch) -> Dialer:
    """What a daemon goes out through that finds the company's proxy in its environment, and `config` in its home."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", company.url)
    home.mkdir()
    (home / "config.toml").write_text(config)
    return Dialer(_dial_settings(load_settings(home)))


def ask(gate: Any) -> Any:
    head = f"GET /v1/things HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {gate.PLACEHOLDER}\r\n\r\n"
    return gate.ask(head.encode())


def test_a_request_goes_through_the_company_with_its_real_credential(
    company: Company, gate_through: GateThrough, tmp_path: Path, echo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo.seen.clear()
    config = f"extra_ca = {json.dumps(str(company.authority))}\n"
    gate = gate_through(dialer_behind(company, tmp_path / "home", config, monkeypatch))
    answer = ask(gate)
    assert answer.status == 200
    [arrived] = echo.seen
    assert arrived["headers"]["x-company"] == "was here"
    assert arrived["headers"]["authorization"] == f"Bearer {gate.REAL}"
    assert gate.REAL.encode() not in answer.body
    assert company.requests() == ["GET api.test/v1/things"]


def test_a_company_whose_authority_nobody_named_is_refused_in_clear_words(
    company: Company, gate_through: GateThrough, tmp_path: Path, echo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo.seen.clear()
    before = company.requests()
    answer = ask(gate_through(dialer_behind(company, tmp_path / "home", "", monkeypatch)))
    assert answer.status == 502
    assert "The certificate of api.test is not valid" in str(answer.problem["detail"])
    assert "extra_ca" in str(answer.problem["ask"])
    assert company.requests() == before
    assert echo.seen == []
