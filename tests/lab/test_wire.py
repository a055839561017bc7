"""Whatever arrives at the lab is in its journal, whole or not, and none of it stops the lab."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import Hands


def send(hands: Hands, data: bytes) -> None:
    """Send bytes in clear, end the sending side, and wait for the other's end."""
    with socket.create_connection(("127.0.0.1", hands.lab.announced["ports"]["http"]), timeout=5) as stream:
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        while stream.recv(4096):
            pass


def arrived_after(hands: Hands, count: int) -> list[dict[str, Any]]:
    """Return the arrivals beyond the first `count`; the lab may need a moment to write one."""
    deadline = time.monotonic() + 5
    while len(hands.lab.arrivals()) <= count and time.monotonic() < deadline:
        time.sleep(0.01)
    return hands.lab.arrivals()[count:]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\x16\x03 nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: echo.rentals.example\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST / HTTP/1.1\r\nHost: echo.rentals.example\r\nContent-Length: 10\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: echo",
    ],
)
def test_what_is_no_whole_request_is_journalled(hands: Hands, data: bytes) -> None:
    before = len(hands.lab.arrivals())
    send(hands, data)
    assert [line["outcome"] for line in arrived_after(hands, before)] == ["unreadable"]


def test_a_connection_without_a_byte_is_nothing(hands: Hands) -> None:
    before = len(hands.lab.arrivals())
    send(hands, b"")
    hands.curl("https://echo.rentals.example/after")
    assert [line["path"] for line in arrived_after(hands, before)] == ["/after"]


def test_a_launcher_that_talks_nonsense_does_not_end_the_attaching(hands: Hands, fresh_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(hands.lab.announced["attach"])
        stream.sendall(b"nonsense\n")
        assert stream.recv(16) == b""
    (fresh_folder / "announced.json").write_text(json.dumps(hands.lab.announced))
    (fresh_folder / "work").mkdir()
    command = [sys.executable, "-m", "yett.lab", "plain", "--announcement", str(fresh_folder / "announced.json")]
    command += [
        "--workspace",
        str(fresh_folder / "work"),
        "--",
        "curl",
        "-s",
        "https://echo.rentals.example/status/200",
    ]
    assert subprocess.run(command, capture_output=True, check=False).stdout == b"{}"


def test_the_workspace_verb_makes_all_that_a_drill_needs(hands: Hands, fresh_folder: Path) -> None:
    (fresh_folder / "announced.json").write_text(json.dumps(hands.lab.announced))
    made = {name: str(fresh_folder / name) for name in ("rentals", "home", "agent")}
    command = [sys.executable, "-m", "yett.lab", "workspace", "--announcement", str(fresh_folder / "announced.json")]
    command += ["--to", made["rentals"], "--home", made["home"], "--agent", made["agent"]]
    assert subprocess.run(command, check=False).returncode == 0
    assert hands.token("account") in (fresh_folder / "rentals/ops/domains/add-domain.sh").read_text()
    assert hands.token("git") in (fresh_folder / "home/.git-credentials").read_text()
    listed = subprocess.run(
        [sys.executable, "-I", f"{made['agent']}/rogue.py", "attempts", "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "routes: any route" in listed.stdout.splitlines()
