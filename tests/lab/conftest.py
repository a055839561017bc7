"""A running lab, and hands to call it with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yett.lab.incident import RunningLab, lab_folder, started_lab

API = "https://backboard.railway.app/graphql/v2"
JSON = ("-H", "content-type: application/json")


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

    def volume_folder(self, name: str) -> Path:
        return Path(self.lab.announced["dir"]) / "volumes" / self.places[f"{name}_volume"]

    def curl(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run curl; host names lead to the lab, as DNS would."""
        ways = [
            part
            for kind, port in (("tls", 443), ("http", 80))
            for part in ("--connect-to", f":{port}:127.0.0.1:{self.lab.announced['ports'][kind]}")
        ]
        command = ["curl", "-sS", "--max-time", "10", "--cacert", self.lab.announced["ca"], *ways, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, check=False)

    def answer(self, *arguments: str, url: str = API) -> Any:
        """Return the JSON that a call to the API brought."""
        return json.loads(self.curl(*arguments, url).stdout)

    def ask(self, query: str, *headers: str, **variables: object) -> dict[str, Any]:
        """Send a GraphQL document as R7 has it and return the answer."""
        given = [part for header in headers for part in ("-H", header)]
        body = json.dumps({"query": query, "variables": variables})
        answer: dict[str, Any] = self.answer(*given, *JSON, "-d", body)
        return answer

    def data(self, query: str, *headers: str, **variables: object) -> dict[str, Any]:
        """Ask, and require an answer without errors."""
        answer = self.ask(query, *headers, **variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def error(self, query: str, *headers: str, **variables: object) -> str:
        """Ask, and return the message of the first error."""
        message: str = self.ask(query, *headers, **variables)["errors"][0]["message"]
        return message

    def variables(self, environment: str, service: str = "postgres") -> dict[str, str]:
        """Return a service's variables, as the account sees them."""
        fields = "variables(environmentId: $e, projectId: $p, serviceId: $s)"
        text = f"query ($e: String!, $p: String!, $s: String) {{ {fields} }}"
        ids = {"e": self.places[environment], "p": self.places["project"], "s": self.places[service]}
        held: dict[str, str] = self.data(text, self.bearer("account"), **ids)["variables"]
        return held


@pytest.fixture(scope="session")
def hands() -> Iterator[Hands]:
    """A lab that all tests share: nothing may be destroyed in it."""
    with lab_folder() as folder, started_lab(folder / "lab") as lab:
        yield Hands(lab)


@pytest.fixture
def doomed() -> Iterator[Hands]:
    """A lab of one's own, to destroy."""
    with lab_folder() as folder, started_lab(folder / "lab") as lab:
        yield Hands(lab)


@pytest.fixture
def fresh_folder() -> Iterator[Path]:
    """A folder that the lab's user can pass through."""
    with lab_folder() as folder:
        yield folder
