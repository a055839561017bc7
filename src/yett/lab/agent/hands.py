"""What the agent can do with its hands: run a program, call an API with curl, or speak to a host byte by byte."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

API = "https://backboard.railway.app/graphql/v2"
JSON = ("-H", "Content-Type: application/json")
SECONDS = 15
SILENCE_SECONDS = 1
"""How long nothing must come before what came counts as all: a second answer may follow on a connection."""


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP; status 0 where nothing did, with the reason as body."""

    status: int
    body: str

    def parsed(self) -> dict[str, Any]:
        """Return the body as a JSON object, {} where it is none."""
        try:
            held = json.loads(self.body)
        except ValueError:
            return {}
        return held if isinstance(held, dict) else {"list": held}


def run(*command: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Ran:
    """Run a program with a time limit; 124 stands for running out of time, 127 for not being there."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=SECONDS, env=environ, check=False)
    except subprocess.TimeoutExpired:
        return Ran(124, "", "out of time")
    except OSError as error:
        return Ran(127, "", str(error))
    return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def curl(
    *arguments: str, url: str = API, stdin: bytes = b"", environ: Mapping[str, str] | None = None, program: str = "curl"
) -> Answer:
    """Call a URL with curl. A last argument "hex:..." is a body of any bytes."""
    if arguments and arguments[-1].startswith("hex:"):
        stdin = bytes.fromhex(arguments[-1][4:])
        arguments = (*arguments[:-1], "--data-binary", "@-")
    limits = ("--max-time", str(SECONDS - 3), "-sS", "-w", "\\n%{http_code}")
    ran = run(*program.split(), *limits, *arguments, url, stdin=stdin, environ=environ)
    body, _, status = ran.out.rpartition("\n")
    number = int(status) if status.isdigit() else 0
    return Answer(number, body if number else ran.err)


def document(query: str, **more: Any) -> str:
    """Return a GraphQL request body."""
    return json.dumps({"query": query, **more})


def ask(query: str, *headers: str) -> Answer:
    """Send a GraphQL document by curl, as R7 has it."""
    given = [part for header in headers for part in ("-H", header)]
    return curl("-X", "POST", *JSON, *given, "-d", document(query))


def proxy() -> str:
    """Return the proxy that the environment names, "" where none is."""
    return next((os.environ[n] for n in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY") if os.environ.get(n)), "")


def exchange(host: str, data: bytes, *, connect_to: str = "", name: str = "") -> Answer:
    """Send bytes over TLS to a host and read one answer, through the proxy where there is one.

    `connect_to` (host:port) is where the connection goes if not to `host`, `name` the TLS server name if not `host`.
    """
    try:
        with _dial(connect_to or f"{host}:443") as plain, _wrap(plain, name or host) as stream:
            stream.sendall(data)
            return read_answer(stream)
    except (OSError, ValueError) as error:
        return Answer(0, str(error))


def read_answer(stream: socket.socket) -> Answer:
    """Read until the other side ends, or says nothing more for a moment; return the last answer that it gave."""
    stream.settimeout(SECONDS)
    held = b""
    try:
        while piece := stream.recv(65536):
            held += piece
            stream.settimeout(SILENCE_SECONDS)
    except OSError:
        pass
    head, _, body = held.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    status = head.split(b" ", 1)[0]
    return Answer(int(status) if status.isdigit() else 0, body.decode(errors="replace"))


def _dial(address: str) -> socket.socket:
    way = urllib.parse.urlsplit(proxy())
    host, _, port = address.rpartition(":")
    if not way.hostname:
        return socket.create_connection((host, int(port)), timeout=SECONDS)
    stream = socket.create_connection((way.hostname, way.port or 3128), timeout=SECONDS)
    stream.sendall(f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        piece = stream.recv(1)
        if not piece:
            raise OSError("the proxy closed the connection")
        said += piece
    if said.split(b" ")[1] != b"200":
        rest = stream.recv(2000)
        raise OSError(f"the proxy said {said.split(b' ')[1].decode()} {rest.decode(errors='replace')[:200]}")
    return stream


def _wrap(stream: socket.socket, name: str) -> ssl.SSLSocket:
    # A hostile client does not care who answers it.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(stream, server_hostname=name)
