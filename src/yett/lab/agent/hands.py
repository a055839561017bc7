"""What the agent can do with its hands: run a program, read a file, call an API with curl or from Python."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

API = "https://backboard.railway.app/graphql/v2"
SECONDS = 20


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    status: int
    out: str
    err: str


def run(*command: str, stdin: str | bytes = b"", environ: dict[str, str] | None = None) -> Ran:
    """Run a program with a time limit; 124 stands for running out of time, 127 for not being there."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, env=environ, check=False)
    except subprocess.TimeoutExpired:
        return Ran(124, "", "out of time")
    except OSError as error:
        return Ran(127, "", str(error))
    return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def curl(*arguments: str, url: str = API, stdin: str | bytes = b"", environ: dict[str, str] | None = None) -> Ran:
    """Call curl; the answer's status code is the last line of `out`."""
    return run("curl", "-sS", "-w", "\\n%{http_code}", *arguments, url, stdin=stdin, environ=environ)


def ask(query: str, *headers: str) -> tuple[int, dict[str, Any]]:
    """Send a GraphQL document by curl as R7 has it; return the HTTP status and the parsed answer."""
    given = [part for header in headers for part in ("-H", header)]
    done = curl("-X", "POST", "-H", "Content-Type: application/json", *given, "-d", json.dumps({"query": query}))
    body, _, status = done.out.rpartition("\n")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {"errors": [{"message": (body or done.err)[:300]}]}
    return int(status) if status.strip().isdigit() else 0, answer
