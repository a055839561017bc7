"""`yett doctor`: what is missing is found by trying, and each problem comes with what mends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yett.sandbox import doctor


def fake_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_nothing_is_missing_where_the_sandbox_tests_run() -> None:
    assert doctor.examine() == []


def test_missing_programs_are_named_with_the_line_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_program(tmp_path, "apt-get", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = doctor.examine()
    assert [problem.what for problem in found] == [f"{name} is not installed" for name in ("bubblewrap", "git", "curl")]
    assert found[0].mend == "sudo apt-get install bubblewrap"


def test_an_old_bubblewrap_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path, "bwrap", "echo bubblewrap 0.4.1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (problem,) = doctor.examine()
    assert "0.4.1 is too old" in problem.what


def test_a_bubblewrap_that_does_not_start_says_its_own_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path, "bwrap", '[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit; echo no rights >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (problem,) = doctor.examine()
    assert "no rights" in problem.what


@pytest.mark.parametrize(
    ("setting", "value", "mend"),
    [
        ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor_parser -r /etc/apparmor.d/yett"),
        ("kernel/other", "1", "--security-opt"),
    ],
)
def test_the_setting_that_forbids_namespaces_is_found(
    setting: str, value: str, mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kernel" / "seccomp").mkdir(parents=True)
    (tmp_path / "kernel" / "seccomp" / "actions_avail").write_text("kill_process errno user_notif")
    (tmp_path / setting).parent.mkdir(exist_ok=True)
    (tmp_path / setting).write_text(value + "\n")
    monkeypatch.setattr(doctor, "_SYSCTL", tmp_path)
    monkeypatch.setattr(doctor, "_works_in_child", lambda: False)
    (problem,) = doctor.examine()
    assert mend in problem.mend


def test_a_run_that_gets_no_namespace_refuses_and_points_to_the_doctor() -> None:
    """The kernel itself says no: a namespace limit of zero, set from inside a user namespace of its own."""
    script = (
        "import ctypes, os\n"
        "uid = os.geteuid()\n"
        "assert ctypes.CDLL(None).unshare(0x10000000) == 0\n"
        "open('/proc/self/setgroups', 'w').write('deny')\n"
        "open('/proc/self/uid_map', 'w').write(f'1000 {uid} 1')\n"
        "open('/proc/sys/user/max_net_namespaces', 'w').write('0')\n"
        "from yett.sandbox import namespace\n"
        "namespace.enter()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ConfigurationError" in done.stderr
    assert "did not give the sandbox its own network" in done.stderr
