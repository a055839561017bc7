"""`yett scan --live` as a person runs it: through their proxy, over real TLS, with their word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inventory.live.made import value_of
from inventory.live.tunnel import Tunnel
from sandbox.screen import Screen
from yett.lab.issuers import ACCOUNT, Running

YETT = str(Path(sys.executable).with_name("yett"))


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with two tokens of DigitalOcean's, one of which works, and a way to the emulated issuer."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    works: str = field(repr=False)
    ended: str = field(repr=False)

    def scan(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*options), **self.given())  # type: ignore[call-overload, no-any-return]

    def command(self, *options: str) -> list[str]:
        return [YETT, "scan", str(self.folder), "--live", *options]

    def given(self) -> dict[str, object]:
        return {"env": self.environment, "capture_output": True, "text": True, "timeout": 60, "stdin": -3}


@pytest.fixture
def place(served: Running, tmp_path: Path) -> Iterator[Place]:
    works, ended = value_of("digitalocean-token"), value_of("digitalocean-token")
    served.issuers.living.add(works)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "deploy.sh").write_text(f"export A_TOKEN={works}\nexport B_TOKEN={ended}\n")
    tunnel = Tunnel(served.address)
    ways = {"HTTPS_PROXY": f"http://127.0.0.1:{tunnel.port}", "SSL_CERT_FILE": str(served.authority), "NO_PROXY": ""}
    yield Place(folder, {**os.environ, "YETT_HOME": str(tmp_path / "home"), "TERM": "xterm", **ways}, works, ended)
    tunnel.close()


def test_with_yes_it_asks_and_reports(place: Place) -> None:
    done = place.scan("--yes", "--json")
    found = {row["last_four"]: row for row in json.loads(done.stdout)["findings"]}
    assert (found[place.works[-4:]]["live"], found[place.works[-4:]]["account"]) == ("live", ACCOUNT)
    assert (found[place.ended[-4:]]["live"], found[place.ended[-4:]]["account"]) == ("dead", "")
    assert "2 credentials would be shown to 1 issuer:\n  api.digitalocean.com (2)\n" in done.stderr
    assert place.works not in done.stdout + done.stderr
    assert place.ended not in done.stdout + done.stderr


def test_without_a_terminal_and_without_yes_it_refuses(place: Place, served: Running) -> None:
    done = place.scan()
    assert done.returncode != 0
    assert "Add --yes" in done.stderr
    assert done.stdout == ""
    assert served.issuers.arrived == []


@pytest.mark.parametrize(("word", "arrivals"), [("n", 0), ("y", 2)])
def test_on_a_terminal_it_asks_once(place: Place, served: Running, word: str, arrivals: int) -> None:
    screen = Screen(place.command(), str(place.folder), place.environment, (40, 160))
    seen = screen.expect("Go on?")
    assert "2 credentials would be shown to 1 issuer:" in seen
    screen.type(f"{word}\r")
    seen = screen.expect("deploy.sh")
    assert "Go on?" not in seen.replace("Go on? [y/N]: ", "")
    assert len(served.issuers.arrived) == arrivals
    assert place.works not in screen.seen
