"""A running lab, and hands to call it with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yett.lab.incident import RunningLab, lab_folder, started_lab


class Hands:
    """Calls a running lab by curl, under its real host names."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab = lab
        self.places: dict[str, Any] = lab.announced["places"]

    def token(self, name: str) -> str:
        return self.lab.handed_out[f"{name}_token"]

    def bearer(self, name: str) -> str:
        return f"Authorization: Bearer {self.token(name)}"

    def project_token(self, name: str) -> str:
        return f"Project-Access-Token: {self.token(name)}"

    def curl(self, *arguments: str, stdin: bytes = b"") -> str:
        """Return what curl printed; host names lead to the lab, as DNS would."""
        ports = self.lab.announced["ports"]
        ways = ["--connect-to", f":443:127.0.0.1:{ports['tls']}", "--connect-to", f":80:127.0.0.1:{ports['http']}"]
        command = ["curl", "-sS", "--max-time", "10", "--cacert", self.lab.announced["ca"], *ways, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        return done.stdout.decode(errors="replace") or done.stderr.decode(errors="replace")

    def ask(self, query: str, *headers: str, **variables: object) -> dict[str, Any]:
        """Send a GraphQL document and return the answer."""
        given = [part for header in headers for part in ("-H", header)]
        body = json.dumps({"query": query, "variables": variables})
        url = "https://backboard.railway.app/graphql/v2"
        answer: dict[str, Any] = json.loads(self.curl(*given, "-H", "content-type: application/json", "-d", body, url))
        return answer

    def last_arrival(self) -> dict[str, Any]:
        return self.lab.arrivals()[-1]


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    with lab_folder() as folder, started_lab(folder / "lab") as lab:
        yield Hands(lab)


@pytest.fixture
def fresh_folder() -> Iterator[Path]:
    with lab_folder() as folder:
        yield folder
