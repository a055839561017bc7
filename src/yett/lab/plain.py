"""Run a command with nothing in its way: the lab under its real host names on port 443, every file as it is.

A network namespace of its own holds listeners on 127.0.0.1:443 and :80 that are handed to the lab; bubblewrap binds an
/etc/hosts that names them and the lab's certificate authority. This is the world without a guard, for comparison.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yett.lab.attach import hand_over

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # <linux/sched.h>
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40  # <linux/sockios.h>, <linux/if.h>
PORTS = {"tls": 443, "http": 80}
AUTHORITY = "/run/lab-ca.pem"
TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
INSIDE_UID = "1000"


def run_plainly(
    command: Sequence[str], announced: Mapping[str, Any], workspace: Path, environ: Mapping[str, str]
) -> int:
    """Run `command` in `workspace` (writable) and return its status. The calling process changes network namespace.

    `announced` is what `serve` printed; `environ` is all that the command gets besides TMPDIR and the trust variables.
    """
    attach = Path(str(announced["attach"]))
    _enter_namespace()
    listeners = {kind: _listen(port) for kind, port in PORTS.items()}
    with hand_over(attach, listeners), tempfile.TemporaryDirectory() as scratch:
        names = Path(scratch) / "hosts"
        names.write_text("".join(f"127.0.0.1 {host}\n" for host in ("localhost", *announced["hosts"])))
        rights = ["--unshare-user", "--unshare-pid", "--uid", INSIDE_UID, "--gid", INSIDE_UID, "--die-with-parent"]
        done = subprocess.run(
            ["bwrap", *rights, *_mounts(announced, workspace, scratch), "--", *command],
            env={**environ, **dict.fromkeys(TRUST, AUTHORITY), "TMPDIR": scratch},
            check=False,
        )
    return done.returncode


def _mounts(announced: Mapping[str, Any], workspace: Path, scratch: str) -> list[str]:
    """Return the view of the machine: all of it to read, but not the lab's own folder; two folders to write."""
    return [
        "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--tmpfs", announced["dir"],
        # Else root could write the machine's core_pattern from inside: capabilities go, ownership stays.
        "--ro-bind", "/proc/sys", "/proc/sys",
        "--bind", scratch, scratch, "--bind", str(workspace), str(workspace),
        "--ro-bind", f"{scratch}/hosts", "/etc/hosts", "--ro-bind", announced["ca"], AUTHORITY,
        "--chdir", str(workspace),
    ]  # fmt: skip


def _enter_namespace() -> None:
    """Move this process into a fresh network namespace with loopback up (as root no user namespace is needed)."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET if uid == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"no network namespace to be had: {os.strerror(code)}")
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    with socket.socket() as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING))


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
