"""The system directories inside: programs and configuration read-only, everything private masked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

CA_LOCATIONS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
    "/usr/local/share/ca-certificates/ca-bundle.crt",
)
"""Where distributions keep the system's roots; ours go over each that exists."""

HOSTS = "127.0.0.1\tlocalhost yett\n::1\tlocalhost ip6-localhost ip6-loopback\n"
"""Not the host's: a name that its file maps to an address would end at an unreachable literal, past the gate."""

RESOLVER = "nameserver 198.18.0.2\noptions timeout:5 attempts:2\n"

_READ_ONLY = ("/opt", "/nix", "/snap", "/home/linuxbrew/.linuxbrew", "/var/lib/dpkg", "/var/lib/rpm", "/var/lib/pacman")
_MERGED = ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")
_CPU_FACTS = ("/sys/devices/system", "/sys/fs/cgroup")

_PROC_COVERED = ("/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/sysrq-trigger")
"""Read-only, always: bubblewrap started by the real root leaves them writable, because uid 0 owns the files and its own
test looks at the directory only. A write to `core_pattern` runs a program on the host."""

_PROC_HIDDEN = ("/proc/acpi", "/proc/scsi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/timer_list")


def base() -> list[str]:
    """bubblewrap arguments for everything but HOME, the workspace and what is Yett's own."""
    arguments = ["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"]
    for path in _MERGED:
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    arguments += ["--tmpfs", "/var", "--perms", "1777", "--dir", "/var/tmp", "--symlink", "../run", "/var/run"]
    for path in (*_READ_ONLY, *_CPU_FACTS):
        if os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    return arguments


def covered_proc() -> list[str]:
    """Goes after `--proc`."""
    arguments = []
    for path in _PROC_COVERED:
        if os.path.exists(path):
            arguments += ["--ro-bind", path, path]
    for path in _PROC_HIDDEN if os.geteuid() == 0 else ():
        if os.path.exists(path):
            arguments += ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]
    return arguments


def private_etc() -> list[str]:
    """Mask what another user of this machine could not read. The kernel does it already unless root starts the run."""
    if os.geteuid() != 0:
        return []
    arguments: list[str] = []
    waiting = [path for path in ("/etc", "/usr/local/etc", *_opt()) if os.path.isdir(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                _mask_private(entry, arguments, waiting)
    return arguments


def _opt() -> list[str]:
    """Configuration folders of add-on packages (FHS, 3.13). All of /opt would take long to walk."""
    try:
        packages = os.listdir("/opt")
    except OSError:
        return []
    return [os.path.join("/opt", package, name) for package in packages for name in ("etc", "conf", "config")]


def _mask_private(entry: os.DirEntry[str], arguments: list[str], waiting: list[str]) -> None:
    if entry.is_symlink():
        return
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        if mode & 0o005 == 0o005:
            waiting.append(entry.path)
        else:
            arguments += ["--tmpfs", entry.path]
    elif not mode & 0o004:
        arguments += ["--ro-bind", "/dev/null", entry.path]


def trusted(bundle: str) -> list[str]:
    """Bind the extended bundle over the system's own roots. Links are followed, or only the link would be replaced."""
    targets = {os.path.realpath(path) for path in CA_LOCATIONS if os.path.exists(path)}
    return [word for target in sorted(targets) for word in ("--ro-bind", bundle, target)]


def names(write: Callable[[bytes], int]) -> list[str]:
    """resolv.conf, hosts and nsswitch.conf inside. resolv.conf is often a link into /run."""
    arguments = []
    for path, text in (("/etc/resolv.conf", RESOLVER), ("/etc/hosts", HOSTS), ("/etc/nsswitch.conf", _switch())):
        if text and os.path.lexists(path):
            arguments += ["--ro-bind-data", str(write(text.encode())), os.path.realpath(path)]
    return arguments


def people(write: Callable[[bytes], int], home: str, uid: int, gid: int) -> list[str]:
    """passwd and group inside: who the command is has a name there, with the HOME that it sees.

    The host's own files may lack it (a directory service), or give the number that root maps to somebody else.
    """
    name = "agent" if os.geteuid() == 0 else os.environ.get("USER", "agent")
    shell = os.environ.get("SHELL", "/bin/sh")
    person = f"{name}:x:{uid}:{gid}::{home}:{shell}"
    arguments = []
    for path, number, line in (("/etc/passwd", uid, person), ("/etc/group", gid, f"{name}:x:{gid}:")):
        text = _with_entry(path, number, line)
        arguments += ["--ro-bind-data", str(write(text.encode(errors="surrogateescape"))), path]
    return arguments


def _with_entry(path: str, number: int, line: str) -> str:
    """The file's lines with one in place of those that have the same number or name."""
    try:
        with open(path, errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    name = line.partition(":")[0]
    others = [each for each in lines if each.split(":")[2:3] != [str(number)] and each.partition(":")[0] != name]
    return "\n".join([*others, line]) + "\n"


def _switch() -> str:
    """The host's nsswitch.conf with `hosts: files dns`: its other sources ask sockets that are not there."""
    try:
        with open("/etc/nsswitch.conf") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    return "\n".join("hosts: files dns" if line.startswith("hosts:") else line for line in lines) + "\n"
