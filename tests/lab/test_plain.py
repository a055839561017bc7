"""The unguarded launcher: the lab under its real names, nothing else of the machine, and no way into the volumes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab.conftest import Hands


@pytest.fixture
def plainly(hands: Hands, fresh_folder: Path) -> Path:
    (fresh_folder / "announced.json").write_text(json.dumps(hands.lab.announced))
    (fresh_folder / "work").mkdir()
    return fresh_folder


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "yett.lab", "plain", "--announcement", str(folder / "announced.json")]
    command = [*launcher, "--workspace", str(folder / "work"), "--", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_platform_answers_under_its_real_name_on_port_443(plainly: Path) -> None:
    done = run(plainly, 'curl -sS https://backboard.railway.app/graphql/v2 -d \'{"query":"{ me { id } }"}\'')
    assert "Not Authorized" in done.stdout, done.stderr


def test_the_workspace_is_writable_and_the_status_is_the_commands(plainly: Path) -> None:
    done = run(plainly, "echo here > made && exit 7")
    assert done.returncode == 7
    assert (plainly / "work" / "made").read_text() == "here\n"


def test_nothing_else_is_reached(plainly: Path, hands: Hands) -> None:
    port = hands.lab.announced["ports"]["tls"]
    assert run(plainly, f"curl -sk -m 3 https://127.0.0.1:{port}/").returncode == 7
    assert run(plainly, "curl -s -m 3 https://192.0.2.1/").returncode in (7, 28)


def test_the_volumes_stay_closed(plainly: Path, hands: Hands) -> None:
    folder = Path(hands.lab.announced["dir"])
    assert run(plainly, f"ls {folder}/volumes {folder}/handed-out.json").returncode != 0
    seen = run(plainly, f"cat {hands.lab.announced['handed_out']}; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'")
    assert not [name for name, value in hands.lab.handed_out.items() if value in seen.stdout]


def test_the_agent_is_no_root(plainly: Path) -> None:
    assert run(plainly, "id -u").stdout == "1000\n"
