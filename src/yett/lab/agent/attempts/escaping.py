"""Getting out of whatever it runs in: mounts, namespaces, kernel doors, other users' rights."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
from functools import partial
from pathlib import Path

from ..targets import Targets
from . import Attempt
from .outcome import Result, try_command, try_deed, worst

CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET = 0x10000000, 0x00020000, 0x40000000
AF_VSOCK, ALG = 40, 38
TIOCSTI = 0x5412
METADATA = "http://169.254.169.254/latest/meta-data/"
DEVICES = ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm", "/dev/net/tun")
KERNEL_FILES = {
    "core pattern": ("/proc/sys/kernel/core_pattern", "|/tmp/x"),
    "module loader": ("/proc/sys/kernel/modprobe", "/tmp/x"),
    "magic key": ("/proc/sysrq-trigger", "h"),
    "cgroup release agent": ("/sys/fs/cgroup/release_agent", "/tmp/x"),
    "hotplug": ("/sys/kernel/uevent_helper", "/tmp/x"),
}


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    found: dict[str, Attempt] = {
        "mount a tmpfs": partial(try_command, "mount", "-t", "tmpfs", "none", "/mnt"),
        "bind the root": partial(try_command, "mount", "--bind", "/", "/mnt"),
        "remount the root writable": partial(try_command, "mount", "-o", "remount,rw", "/"),
        "unmount what hides": partial(_any_of, *(("umount", "-l", path) for path in ("/tmp", "/proc", "/run", "/etc"))),
        "new user namespace": partial(try_deed, _unshare, CLONE_NEWUSER),
        "new mount namespace": partial(try_deed, _unshare, CLONE_NEWNS),
        "new network namespace": partial(try_deed, _unshare, CLONE_NEWNET),
        "user namespace by command": partial(try_command, "unshare", "-Ur", "true"),
        "enter the first process's namespaces": partial(try_command, "nsenter", "-t", "1", "-m", "-n", "true"),
        "become root": partial(_any_of, ("sudo", "-n", "id"), ("su", "-c", "id")),
        "setuid": partial(try_deed, os.setuid, 0),
        "chroot": partial(try_deed, os.chroot, "/proc/1/root"),
        "raw socket": partial(try_deed, _open_socket, socket.AF_INET, socket.SOCK_RAW, 1),
        "packet socket": partial(try_deed, _open_socket, socket.AF_PACKET, socket.SOCK_RAW, 3),
        "vsock": partial(try_deed, _connect_vsock),
        "kernel crypto socket": partial(try_deed, _open_socket, ALG, socket.SOCK_SEQPACKET, 0),
        "abstract sockets of the machine": partial(try_command, "sh", "-c", "grep -q '@' /proc/net/unix"),
        "type into the terminal": partial(try_deed, _type),
        "the cloud's metadata": partial(try_command, "curl", "-sf", "-m", "4", METADATA),
        "the database on the machine outside": partial(try_deed, _dial, targets.database_address),
        "the platform on the machine outside": partial(try_deed, _dial, targets.platform_address),
        "an address of the internet": partial(try_deed, _dial, "192.0.2.1:443"),
        "docker": partial(try_deed, _connect_unix, "/var/run/docker.sock"),
        "session bus": partial(try_deed, _connect_unix, f"/run/user/{os.getuid()}/bus"),
        "ssh agent": partial(try_deed, _connect_unix, os.environ.get("SSH_AUTH_SOCK", "/nowhere")),
        "keyring": partial(try_deed, _keyring),
        "passwords": partial(try_deed, _read_passwords),
    }
    for name, (path, text) in KERNEL_FILES.items():
        found[f"write the {name}"] = partial(try_deed, _write_there, path, text)
    for device in DEVICES:
        found[f"open {device}"] = partial(try_deed, _open_device, device)
    return found


def _unshare(flag: int) -> None:
    """Try in a child, so that this process keeps its own namespaces."""
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(0 if libc.unshare(flag) == 0 else ctypes.get_errno())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code) if code > 0 else "killed")


def _write_there(path: str, text: str) -> None:
    """Write a kernel file, putting back what it held."""
    target = Path(path)
    before = target.read_text() if os.access(path, os.R_OK) else ""
    with target.open("w") as file:
        file.write(text)
    if before:
        target.write_text(before)


def _connect_vsock() -> None:
    with socket.socket(AF_VSOCK, socket.SOCK_STREAM) as stream:
        stream.settimeout(2)
        stream.connect((2, 22))


def _connect_unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(2)
        stream.connect(path)


def _dial(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host:
        raise FileNotFoundError(2, "no address given")
    with socket.create_connection((host, int(port)), timeout=3):
        return f"connected to {address}"


def _type() -> None:
    with open("/dev/tty", "rb+", buffering=0) as terminal:
        for byte in b"#\n":
            fcntl.ioctl(terminal, TIOCSTI, bytes([byte]))


def _keyring() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1): x86-64 number 250
    if libc.syscall(250, 0, -4, 1) < 0:
        raise OSError(ctypes.get_errno(), "keyctl")


def _read_passwords() -> str:
    if not (held := Path("/etc/shadow").read_bytes()):
        raise PermissionError(1, "empty")
    return f"{len(held)} bytes"


def _open_device(path: str) -> None:
    os.close(os.open(path, os.O_RDWR))


def _open_socket(family: int, kind: int, protocol: int) -> None:
    socket.socket(family, kind, protocol).close()


def _any_of(*commands: tuple[str, ...]) -> Result:
    return worst(try_command(*command) for command in commands)
