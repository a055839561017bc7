"""The gate against nginx (TLS to TLS) and mitmproxy: requests a second, added latency, memory. Real policy and ledger.

python -m bench.gateway [--seconds 4] [--only read|write|memory]     see bench/RESULTS.md

Every proxy gets the same client, upstream and request, in one run: trust the ratios and the processor time a request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from yett.daemon.plane import build
from yett.daemon.settings import Settings
from yett.gateway.ca import open_authority
from yett.model.identity import Principal, Session, Task

HERE = Path(__file__).parent
HOST = "api.anthropic.com"  # a room with placeless reads and writes; every connection leads to loopback
READ = "/v1/models/claude"
WRITE = "/v1/messages/batches"
ANSWER = '{"data":{"id":"0123456789","name":"thing","ok":true,"list":[1,2,3,4,5]}}'
MITMDUMP = HERE / ".peers" / "mitmproxy" / "bin" / "mitmdump"
IDLE_TUNNELS = 300
PATHS = "20000"
"""More than anything in the gate remembers: what a read costs that is not like the last ones."""


@dataclass(frozen=True)
class Peer:
    """One way to the upstream. `connect`: it is an explicit proxy. `process`: whose processor time is counted."""

    name: str
    port: int
    roots: Path
    connect: bool
    process: psutil.Process


# -- the processes


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def certificates(folder: Path) -> Path:
    """An authority for the upstream and nginx; gives its certificate."""
    authority, key = open_authority(folder / "ca"), ec.generate_private_key(ec.SECP256R1())
    pem = authority.issue(HOST, key).public_bytes(serialization.Encoding.PEM) + authority.pem
    (folder / "upstream.pem").write_bytes(pem)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "upstream.key").write_bytes(encoded)
    return folder / "ca" / "certificate.pem"


@contextmanager
def nginx(folder: Path, name: str, listen: int, upstream: int, location: str) -> Iterator[psutil.Process]:
    text = (HERE / "peers" / "nginx.conf").read_text()
    values = {"NAME": name, "FOLDER": str(folder), "LISTEN": str(listen), "UPSTREAM": str(upstream), "HOST": HOST}
    for key, value in {**values, "PROXY": str(listen), "LOCATION": location}.items():
        text = text.replace(f"@{key}@", value)
    path = folder / f"{name}.conf"
    path.write_text(text)
    process = subprocess.Popen(["nginx", "-c", str(path), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        wait_for(listen)
        yield psutil.Process(process.pid).children()[0]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def child(command: list[str], port: int, **variables: str) -> Iterator[psutil.Process]:
    environment = {**os.environ, **variables, "PYTHONPATH": str(HERE.parent)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        wait_for(port)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


async def serve(folder: Path, port: int, upstream: int) -> None:
    """The gate with every floor below it, one session, one lease: what the daemon runs, without its sockets."""
    home = folder / "home"
    settings = Settings(
        home, realm="drill", resolve={(HOST, 443): ("127.0.0.1", upstream)}, extra_ca=str(folder / "ca/certificate.pem")
    )
    plane = await build(settings, 0)
    now = time.time()
    task = Task("t-bench", "measure", None, False, now, now + 3600)
    session = Session("s-bench", Principal("bench", "bench", "scripted"), task, "/")
    plane.checkpoint.open_session(session)
    key = "sk-ant-api03-" + "bench" * 18
    plane.vault.put("bench", "anthropic", "api-key", key, "measure", "bench", position="header:x-api-key")
    (folder / "placeholder").write_text(plane.broker.lease(session, "bench").placeholder)
    shutil.copy(home / "ca" / "certificate.pem", folder / "gate.pem")
    await plane.gate.serve(session, socket.create_server(("127.0.0.1", port), backlog=1024), "proxy")
    await asyncio.Event().wait()


# -- the rows


def load(peer: Peer, connections: int, seconds: float, placeholder: str, *more: str) -> dict[str, float]:
    """Run the client against one peer; its numbers, and the proxy's own processor time a request."""
    command = [sys.executable, str(HERE / "load.py"), "--port", str(peer.port), "--name", HOST]
    command += ["--roots", str(peer.roots), "--connections", str(connections), "--seconds", str(seconds)]
    command += ["--header", f"X-Api-Key: {placeholder}", *(("--connect", "443") if peer.connect else ()), *more]
    before = sum(peer.process.cpu_times()[:2])
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    if out.returncode:
        raise SystemExit(f"{peer.name}: {out.stderr[-500:]}")
    found: dict[str, float] = json.loads(out.stdout)
    found["cpu_us"] = round((sum(peer.process.cpu_times()[:2]) - before) / found["count"] * 1e6, 1)
    return found


def reads(peers: list[Peer], seconds: float, placeholder: str) -> None:
    print(f"{'GET reads':28} {'c':>3} {'req/s':>8} {'p50 us':>8} {'p99 us':>8} {'cpu us':>8}")
    rates: dict[tuple[str, int], dict[str, float]] = {}
    for connections in (1, 16):
        for peer in peers:
            row = rates[peer.name, connections] = load(peer, connections, seconds, placeholder, "--path", READ)
            show(peer.name, connections, row)
    gate, ceiling = rates["yett", 16], rates["nginx", 16]
    anew = load(next(p for p in peers if p.name == "yett"), 16, seconds, placeholder, "--path", READ, "--vary", PATHS)
    show("yett, no path twice", 16, anew)
    verdict("GET at 16 connections against nginx", gate["rate"] / ceiling["rate"], 0.5, "x")
    if ("mitmproxy", 16) in rates:
        verdict("GET at 16 connections against mitmproxy", gate["rate"] / rates["mitmproxy", 16]["rate"], 20, "x")
    added = rates["yett", 1]["p50_us"] - rates["direct", 1]["p50_us"]
    verdict("added p50 at one connection", added, 300, " us", most=True)


def writes(gate: Peer, direct: Peer, seconds: float, placeholder: str, folder: Path) -> None:
    disk = fdatasync_us(folder)
    print(f"\ndurable POST; fdatasync of this disk: p50 {disk:.0f} us")
    more = ("--method", "POST", "--path", WRITE, "--body", "2")
    rows = {c: load(gate, c, seconds, placeholder, *more) for c in (1, 16)}
    plain = load(direct, 1, seconds, placeholder, *more)
    for connections, row in rows.items():
        show("yett", connections, row)
    verdict("added p50 of a durable POST", rows[1]["p50_us"] - plain["p50_us"], 1.5 * disk + 300, " us", most=True)
    verdict("durable POST at 16 connections", rows[16]["rate"], 5000, "/s")


def memory(gate: Peer, folder: Path, placeholder: str, seconds: float) -> None:
    print("\nmemory")
    load(gate, 16, seconds, placeholder, "--path", READ)
    before = gate.process.memory_info().rss
    tunnels = [idle_tunnel(gate, placeholder) for _ in range(IDLE_TUNNELS)]
    time.sleep(1)
    held = (gate.process.memory_info().rss - before) / IDLE_TUNNELS / 1024
    for tunnel in tunnels:
        tunnel.close()
    verdict("idle tunnel with its upstream", held, 80, " KiB", most=True)
    load(gate, 16, seconds * 2, placeholder, "--path", READ)
    start = gate.process.memory_info().rss
    row = load(gate, 16, seconds * 5, placeholder, "--path", READ)
    growth = (gate.process.memory_info().rss - start) / 1e6
    verdict(f"growth over {row['count']:.0f} requests", growth, 5, " MB", most=True)


def idle_tunnel(gate: Peer, placeholder: str) -> ssl.SSLSocket:
    """A tunnel that has carried one request and waits for the next."""
    raw = socket.create_connection(("127.0.0.1", gate.port))
    raw.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
    raw.recv(4096)
    tunnel = ssl.create_default_context(cafile=gate.roots).wrap_socket(raw, server_hostname=HOST)
    tunnel.sendall(f"GET {READ} HTTP/1.1\r\nHost: {HOST}\r\nX-Api-Key: {placeholder}\r\n\r\n".encode())
    assert b" 200 " in tunnel.recv(4096)
    return tunnel


def fdatasync_us(folder: Path) -> float:
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)[100] * 1e6


def show(name: str, connections: int, row: dict[str, float]) -> None:
    print(
        f"{name:28} {connections:3} {row['rate']:8.0f} {row['p50_us']:8.0f} {row['p99_us']:8.0f} {row['cpu_us']:8.1f}"
        + (f"   {row['refused']:.0f} refused" if row["refused"] else ""),
        flush=True,
    )


def verdict(what: str, value: float, target: float, unit: str, *, most: bool = False) -> None:
    reached = value <= target if most else value >= target
    side = "at most" if most else "at least"
    print(f"  {'ok ' if reached else 'NOT'} {what}: {value:.2f}{unit} (target: {side} {target:g}{unit})", flush=True)


@contextmanager
def peers_in(folder: Path) -> Iterator[list[Peer]]:
    """Everybody, running."""
    roots = certificates(folder)
    upstream, proxy, gate, mitm = (free_port() for _ in range(4))
    answer = f"default_type application/json; return 200 '{ANSWER}';"
    passes = (
        'proxy_pass https://upstream; proxy_http_version 1.1; proxy_set_header Connection ""; '
        f"proxy_set_header Host {HOST}; proxy_ssl_name {HOST}; proxy_ssl_server_name on; proxy_ssl_verify on; "
        f"proxy_ssl_trusted_certificate {roots};"
    )
    serve_gate = [sys.executable, "-m", "bench.gateway", "--serve", str(folder), str(gate), str(upstream)]
    with (
        nginx(folder, "upstream", upstream, upstream, answer) as first,
        nginx(folder, "proxy", proxy, upstream, passes) as second,
        child(serve_gate, gate) as third,
    ):
        found = [
            Peer("direct", upstream, roots, False, first),
            Peer("nginx", proxy, roots, False, second),
            Peer("yett", gate, folder / "gate.pem", True, third),
        ]
        if not MITMDUMP.exists():
            yield found
            return
        settings = (f"confdir={folder / 'mitm'}", "connection_strategy=lazy", "ssl_insecure=true")
        command = [str(MITMDUMP), "-q", "-p", str(mitm), "-s", str(HERE / "peers" / "mitmproxy_addon.py")]
        command += [part for setting in settings for part in ("--set", setting)]
        with child(command, mitm, BENCH_UPSTREAM=str(upstream)) as fourth:
            time.sleep(2)
            yield [*found, Peer("mitmproxy", mitm, folder / "mitm" / "mitmproxy-ca-cert.pem", True, fourth)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", choices=("read", "write", "memory"))
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        import uvloop

        folder, port, upstream = options.serve
        uvloop.run(serve(Path(folder), int(port), int(upstream)))
        return
    with tempfile.TemporaryDirectory() as name, peers_in(Path(name)) as peers:
        folder = Path(name)
        placeholder = (folder / "placeholder").read_text()
        by_name = {peer.name: peer for peer in peers}
        if options.only in (None, "read"):
            reads(peers, options.seconds, placeholder)
        if options.only in (None, "write"):
            writes(by_name["yett"], by_name["direct"], options.seconds, placeholder, folder)
        if options.only in (None, "memory"):
            memory(by_name["yett"], folder, placeholder, options.seconds)


if __name__ == "__main__":
    main()
