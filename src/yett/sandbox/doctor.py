"""What this machine lacks for a sandbox, and the one line that mends each. Never a reason to start a weaker one.

Each check does the thing itself where it can: a setting that looks right is no proof that the kernel lets us.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from yett.model.errors import ConfigurationError
from yett.sandbox import machines, namespace

OLDEST_BUBBLEWRAP = (0, 8)
OLDEST_KERNEL = (5, 6)
"""For openat2, the youngest call that a run makes."""

_SYSCTL = Path("/proc/sys")


class Problem(NamedTuple):
    """`what` is missing; `mend` is one line for a shell, or one sentence where no line will do."""

    what: str
    mend: str


def examine() -> list[Problem]:
    """Everything that stands between this machine and a sandbox; nothing if there is none."""
    return [*_machine(), *_programs(), *_namespaces(), *_bubblewrap_works()]


def _machine() -> Iterator[Problem]:
    if not sys.platform.startswith("linux"):
        yield Problem(f"{sys.platform} has no sandbox here yet", "Run agents on Linux.")
        return
    try:
        machines.this_machine()
    except ConfigurationError as error:
        yield Problem(error.what, error.remedy)
    release = os.uname().release
    if _version(release) < OLDEST_KERNEL:
        yield Problem(f"the kernel is {release}; {'.'.join(map(str, OLDEST_KERNEL))} or newer is needed", "Update it.")
    actions = _read("kernel/seccomp/actions_avail")
    if not {"errno", "kill_process", "user_notif"} <= set(actions.split()):
        yield Problem(
            "the kernel has no seccomp filters with user notification", "Use a kernel with CONFIG_SECCOMP_FILTER."
        )


def _programs() -> Iterator[Problem]:
    for name, package in (("bwrap", "bubblewrap"), ("git", "git"), ("curl", "curl")):
        if shutil.which(name) is None:
            yield Problem(f"{package} is not installed", _install(package))
    if program := shutil.which("bwrap"):
        text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        if _version(text.rpartition(" ")[2]) < OLDEST_BUBBLEWRAP:
            wanted = ".".join(map(str, OLDEST_BUBBLEWRAP))
            yield Problem(
                f"{text.strip() or 'bubblewrap'} is too old; {wanted} or newer is needed", _install("bubblewrap")
            )


def _namespaces() -> Iterator[Problem]:
    """Enter one in a child, as a run would."""
    if _works_in_child():
        return
    if _read("user/max_user_namespaces") == "0":
        yield Problem("user namespaces are switched off", "sudo sysctl -w user.max_user_namespaces=15000")
    elif _read("kernel/unprivileged_userns_clone") == "0":
        yield Problem("user namespaces are for root only", "sudo sysctl -w kernel.unprivileged_userns_clone=1")
    elif _read("kernel/apparmor_restrict_unprivileged_userns") == "1":
        yield Problem("AppArmor takes the rights away from user namespaces of programs without a profile", _profile())
    else:
        yield Problem(
            "the kernel gives this process no network namespace of its own",
            "In a container, start it with: --security-opt seccomp=unconfined --security-opt systempaths=unconfined",
        )


def _bubblewrap_works() -> Iterator[Problem]:
    program = shutil.which("bwrap")
    if program is None:
        return
    words = [program, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--ro-bind", "/", "/", "--proc", "/proc"]
    done = subprocess.run([*words, "--dev", "/dev", "true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield Problem(
            f"bubblewrap does not start: {done.stderr.strip()}", "Mend what is named above, then run yett doctor."
        )


def _works_in_child() -> bool:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            namespace.enter()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


def _profile() -> str:
    """An AppArmor profile that only gives this program its user namespaces back; it confines nothing."""
    program = os.path.realpath(shutil.which("yett") or sys.argv[0])
    profile = f"abi <abi/4.0>,\\nprofile yett {program} flags=(unconfined) {{ userns, }}\\n"
    return f"printf '{profile}' | sudo tee /etc/apparmor.d/yett && sudo apparmor_parser -r /etc/apparmor.d/yett"


def _install(package: str) -> str:
    for program, words in (
        ("apt-get", "apt-get install"),
        ("dnf", "dnf install"),
        ("pacman", "pacman -S"),
        ("apk", "apk add"),
    ):
        if shutil.which(program):
            return f"sudo {words} {package}"
    return f"Install {package} with this system's package manager."


def _read(name: str) -> str:
    try:
        return (_SYSCTL / name).read_text().strip()
    except OSError:
        return ""


def _version(text: str) -> tuple[int, ...]:
    """The first two numbers; (0,) if there are none."""
    numbers = []
    for part in text.strip().split(".")[:2]:
        digits = "".join(letter for letter in part.partition("-")[0] if letter.isdigit())
        numbers.append(int(digits or 0))
    return tuple(numbers) or (0,)
