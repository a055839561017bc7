"""A service of the host that was named with --host-port: held, signed once, then reached; others stay unreachable."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.daemon.conftest import Plane

import listening

SCRIPT = """
import socket, sys, time
for port in map(int, sys.argv[1:]):
    for _ in range(60):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=3) as s:
                s.sendall(b"hello")
                said = s.recv(100)
        except OSError as error:
            said = b""
            print("refused", port, flush=True)
            if port != int(sys.argv[1]):
                break
        if said:
            print(said.decode(), port, flush=True)
            break
        print("closed", port, flush=True)
        time.sleep(0.25)
"""


def _answer(listener: socket.socket) -> None:
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        with accepted, contextlib.suppress(OSError):
            accepted.sendall(b"echo " + accepted.recv(100))


@pytest.fixture
def services() -> Iterator[tuple[int, int]]:
    """Two services of the host; the person names the first."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for listener in listeners:
        threading.Thread(target=_answer, args=(listener,), daemon=True).start()
    yield listeners[0].getsockname()[1], listeners[1].getsockname()[1]
    for listener in listeners:
        listening.close(listener)


@pytest.mark.sandbox
def test_a_named_port_waits_for_a_signature_and_another_is_not_there(
    plane: Plane, services: tuple[int, int], tmp_path: Path
) -> None:
    named, other = services
    (tmp_path / "ask.py").write_text(SCRIPT)
    command = ["python3", "ask.py", str(named), str(other)]
    agent = plane.stage.run_agent(tmp_path, command, {}, "--task", "t", "--host-port", str(named))
    hold = plane.owner.wait_for_hold("host-port:connect", 20)
    assert "not read" in str(hold["document"])
    plane.owner.approve(str(hold["id"]))
    try:
        said, _ = agent.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        agent.kill()
        raise
    assert f"echo hello {named}" in said
    assert said.splitlines()[-1] == f"refused {other}"
