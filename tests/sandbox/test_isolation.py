"""The ways out, tried from inside: each is closed, and by the layer that closes it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import yett
from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox

PRELUDE = "import ctypes, os, socket, fcntl, struct, sys; libc = ctypes.CDLL(None, use_errno=True)\n"


def attempt(guarded: Guarded, call: str) -> tuple[int, int]:
    """(result, errno) of one C call made inside."""
    done = guarded.python(PRELUDE + f"r = {call}\nprint(r, ctypes.get_errno())")
    result, number = done.stdout.split()
    return int(result), int(number)


X86 = {
    "ptrace": "libc.syscall(101, 16, 1, 0, 0)",
    "process_vm_readv": "libc.syscall(310, 1, 0, 0, 0, 0, 0)",
    "pidfd_getfd": "libc.syscall(438, 0, 0, 0)",
    "io_uring_setup": "libc.syscall(425, 1, 0)",
    "bpf": "libc.syscall(321, 0, 0, 0)",
    "perf_event_open": "libc.syscall(298, 0, 0, -1, -1, 0)",
    "userfaultfd": "libc.syscall(323, 0)",
    "keyctl": "libc.syscall(250, 0, -3, 0)",
    "add_key": "libc.syscall(248, 0, 0, 0, 0, -3)",
    "mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
    "umount": "libc.umount2(b'/tmp', 2)",
    "open_tree": "libc.syscall(428, -100, b'/', 1)",
    "fsopen": "libc.syscall(430, b'tmpfs', 0)",
    "mount_setattr": "libc.syscall(442, -100, b'/', 0, 0, 0)",
    "pivot_root": "libc.syscall(155, b'/', b'/')",
    "chroot": "libc.chroot(b'/tmp')",
    "setns": "libc.setns(0, 0)",
    "unshare user": "libc.unshare(0x10000000)",
    "unshare mount": "libc.unshare(0x20000)",
    "unshare net": "libc.unshare(0x40000000)",
    "clone new user": "libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",
    "open_by_handle_at": "libc.syscall(304, 0, 0, 0)",
    "name_to_handle_at": "libc.syscall(303, 0, 0, 0, 0, 0)",
    "kexec_load": "libc.syscall(246, 0, 0, 0, 0)",
    "init_module": "libc.syscall(175, 0, 0, 0)",
    "syslog": "libc.syscall(103, 3, 0, 0)",
    "reboot": "libc.syscall(169, 0, 0, 0, 0)",
    "swapon": "libc.syscall(167, b'/tmp', 0)",
}


@pytest.mark.parametrize("call", X86)
def test_a_call_that_could_leave_is_refused(guarded: Guarded, call: str) -> None:
    assert attempt(guarded, X86[call]) == (-1, 1)  # EPERM


def test_clone3_is_missing_so_that_libc_uses_what_a_filter_can_read(guarded: Guarded) -> None:
    assert attempt(guarded, "libc.syscall(435, 0, 0)") == (-1, 38)


def test_foreign_calling_conventions_are_killed(guarded: Guarded) -> None:
    done = guarded.python(PRELUDE + "libc.syscall(0x40000000 | 39); print('alive')")
    assert done.stdout == ""
    assert done.returncode == 128 + 31


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_PACKET", "AF_ALG", "AF_BLUETOOTH"])
def test_socket_families_that_leave_the_namespace_are_refused(guarded: Guarded, family: str) -> None:
    number = {"AF_VSOCK": 40, "AF_PACKET": 17, "AF_ALG": 38, "AF_BLUETOOTH": 31}[family]
    assert attempt(guarded, f"libc.socket({number}, 1, 0)") == (-1, 97)


@pytest.mark.parametrize("request_number", [0x5412, 0x541C, 0x1_0000_5412])
def test_nothing_can_be_typed_into_a_terminal(guarded: Guarded, request_number: int) -> None:
    """The kernel reads 32 bits of the request: the high half must not get it past the filter."""
    assert attempt(guarded, f"libc.ioctl(0, ctypes.c_ulong({request_number}), b'x')") == (-1, 1)


def test_unix_sockets_work(guarded: Guarded) -> None:
    done = guarded.python(
        "import multiprocessing as m\n"
        "if __name__ == '__main__':\n"
        "    m.set_start_method('forkserver')\n"
        "    with m.Manager() as manager:\n"
        "        d = manager.dict(a=1)\n"
        "        print(d['a'])\n"
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_there_is_no_capability_and_no_way_to_gain_one(guarded: Guarded) -> None:
    status = guarded.run("cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert guarded.run("id", "-u").stdout.strip() != "0"


@pytest.mark.parametrize(
    "path",
    ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches"],
)
def test_the_kernels_settings_are_read_only(guarded: Guarded, path: str) -> None:
    assert guarded.shell(f"echo x > {path}").returncode != 0


def test_host_processes_are_invisible(guarded: Guarded) -> None:
    done = guarded.shell("ls /proc | grep -c '^[0-9]'")
    assert int(done.stdout) < 6
    assert guarded.shell(f"kill -0 {os.getpid()}").returncode != 0


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/etc/sudoers"])
def test_what_another_user_could_not_read_is_masked(guarded: Guarded, path: str) -> None:
    done = guarded.shell(f"cat {path} 2>/dev/null; ls -A {path} 2>/dev/null | grep -v '^{path}$'")
    assert done.stdout == ""


def test_the_rest_of_the_home_is_not_there(guarded: Guarded) -> None:
    for name in (".ssh/id_ed25519", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", "other-project/.env"):
        path = guarded.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret-of-the-person\n")
    done = guarded.shell("grep -r secret-of-the-person ~ ; ls -A ~")
    assert "secret-of-the-person" not in done.stdout
    assert ".ssh" not in done.stdout


def test_yetts_own_state_is_not_there(guarded: Guarded) -> None:
    done = guarded.shell(
        f"ls {guarded.plane.home} {guarded.home}/.local/state/yett; find / -name operator.sock 2>/dev/null"
    )
    assert done.stdout == ""


def test_state_inside_the_workspace_is_hidden(guarded: Guarded) -> None:
    inner = Guarded(guarded.plane, guarded.plane.home.parent, guarded.plane.home.parent.parent / "away")
    inner.home.mkdir(exist_ok=True)
    done = inner.run("ls", "-A", str(guarded.plane.home))
    assert (done.stdout, done.returncode) == ("", 0)


def test_sockets_of_host_programs_in_the_workspace_are_covered(guarded: Guarded) -> None:
    path = guarded.workspace / "editor.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        done = guarded.python("import socket; s = socket.socket(socket.AF_UNIX); s.connect('editor.sock')")
    assert done.returncode != 0
    assert "ConnectionRefused" in done.stderr


def test_abstract_sockets_of_the_host_are_out_of_reach(guarded: Guarded) -> None:
    name = f"yett-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        done = guarded.python(f"import socket; socket.socket(socket.AF_UNIX).connect('\\0{name}')")
    assert "ConnectionRefused" in done.stderr


@pytest.mark.parametrize("path", ["/usr/bin/true", "/etc/passwd", "/run/yett/bin/yett", "/run/yett/ca.pem", "/opt"])
def test_what_the_system_and_yett_brought_cannot_be_changed(guarded: Guarded, path: str) -> None:
    assert guarded.shell(f"touch {path}/x 2>/dev/null || echo x >> {path}").returncode != 0


def test_the_name_server_answers_nothing_but_fake_addresses(guarded: Guarded) -> None:
    done = guarded.python(
        "import socket\n"
        "q = bytes.fromhex('123401000001000000000000') + b'\\x04data\\x07example\\x03com\\0' + bytes([0, 16, 0, 1])\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)\n"
        "s.sendto(q, ('198.18.0.2', 53)); print(s.recv(512)[6:8].hex())\n"
    )
    assert done.stdout == "0000\n"


def test_descriptors_that_the_shell_left_open_are_not_inherited(guarded: Guarded) -> None:
    """The attack: an open directory of the host leads out of any root."""
    away = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        done = guarded.shell("ls /proc/self/fd", pass_fds=(away,))
    finally:
        os.close(away)
    assert done.stdout.split() == ["0", "1", "2", "3"]  # 3 is the listing itself


def test_the_sandbox_of_the_root_user_is_not_root_inside(guarded: Guarded) -> None:
    done = guarded.shell("id -u; cat /proc/self/uid_map")
    uid, inside, outside, count = done.stdout.split()
    assert uid == inside != "0"
    assert (outside, count) == (str(os.geteuid()) if os.geteuid() else "0", "1")


def test_it_starts_for_an_ordinary_user_too(tmp_path: Path) -> None:
    """The rest of these tests may run as root; without privileges the same promises hold."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        place = Path(folder)
        os.chmod(place, 0o755)
        shutil.copytree(Path(yett.__file__).parent, place / "code" / "yett", ignore=shutil.ignore_patterns("lab"))
        shutil.copy(Path(__file__).with_name("control_plane.py"), place / "code")
        (place / "code" / "ordinary.py").write_text(ORDINARY)
        words = [_python_for_everybody(), str(place / "code" / "ordinary.py"), folder]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    identity, gate, unreachable, refused, status = done.stdout.splitlines()
    assert identity != "0"
    assert gate == "gate saw GET http://a.example.com/ HTTP/1.1"
    assert (unreachable, refused, status) == ("7", "refused", "0")


def _python_for_everybody() -> str:
    """An interpreter that a user without a home can start."""
    for path in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        above = list(Path(path).parents)
        if os.path.exists(path) and all(os.stat(folder).st_mode & 0o001 for folder in above):
            return path
    raise AssertionError("no interpreter that everybody may start")


ORDINARY = """
import os, sys, subprocess
from pathlib import Path
from control_plane import ControlPlane
place = Path(sys.argv[1])
for name in ("home", "project", "state"):
    (place / name).mkdir()
if os.geteuid() == 0:
    for name in ("home", "project", "state"):
        os.chown(place / name, 65534, 65534)
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
plane = ControlPlane(place / "state")
environment = {"PATH": os.environ["PATH"], "HOME": str(place / "home"), "YETT_HOME": str(place / "state")}
script = "id -u; curl -sS http://a.example.com/; curl -s --noproxy '*' http://8.8.8.8/; echo $?;"
script += "mount -t tmpfs x /tmp 2>/dev/null || echo refused"
start = f"import sys; sys.path.insert(0, {str(place / 'code')!r})"
start += "; from yett.sandbox.launch import main; sys.exit(main(sys.argv[1:], print))"
done = subprocess.run(
    [sys.executable, "-c", start, "--", "sh", "-c", script], cwd=place / "project", env=environment
)
sys.stdout.flush()
print(done.returncode)
"""
