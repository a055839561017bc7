"""Running processes show what they were started with; those that are gone or guarded stop nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yett.inventory.outcome import Unread
from yett.inventory.processes import process_environments


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    return tmp_path


def process(proc: Path, number: int, environ: bytes, uid: int = 1000, name: str = "python") -> Path:
    folder = proc / str(number)
    folder.mkdir()
    (folder / "environ").write_bytes(environ)
    (folder / "comm").write_text(name + "\n")
    (folder / "status").write_text(f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    return folder


def found(proc: Path, uid: int = 1000) -> tuple[dict[str, dict[str, bytes]], list[Unread]]:
    unread: list[Unread] = []
    return dict(process_environments(unread.append, proc, uid)), unread


def test_a_real_process() -> None:
    given = {"SOME_TOKEN": "t\n=x", "PATH": os.environ["PATH"]}
    with subprocess.Popen(["cat"], env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"x")
        child.stdin.flush()
        child.stdout.read(1)  # it runs: its own variables are in place
        read = dict(process_environments(lambda _unread: None))
        child.stdin.close()
    own = {"SOME_TOKEN": b"t\n=x", "PATH": os.environ["PATH"].encode()}
    shown = {f"cat[{child.pid}]": own} if sys.platform == "linux" else {}  # macOS shows none
    assert {label: variables for label, variables in read.items() if label.endswith(f"[{child.pid}]")} == shown
    assert not any(label.endswith(f"[{os.getpid()}]") for label in read)


def test_only_those_of_this_user_but_all_for_root(proc: Path) -> None:
    process(proc, 12, b"A=own\0", 1000)
    process(proc, 13, b"A=other\0", 1001)
    assert found(proc, 1000)[0] == {"python[12]": {"A": b"own"}}
    assert set(found(proc, 0)[0]) == {"python[12]", "python[13]"}


def test_odd_entries(proc: Path) -> None:
    process(proc, 12, b"A=1\0\0=no name\0no value\0B=\0\xff=\xfe\0A=2")
    assert found(proc)[0] == {"python[12]": {"A": b"2", "B": b"", "\udcff": b"\xfe"}}


def test_a_name_that_is_hostile_to_a_terminal(proc: Path) -> None:
    process(proc, 12, b"A=1\0", name="a\x1b]0;")
    assert set(found(proc)[0]) == {"a<U+001B>]0;[12]"}


def test_kernel_threads_and_processes_that_ended(proc: Path) -> None:
    process(proc, 2, b"")
    (process(proc, 12, b"A=1\0") / "environ").unlink()
    (proc / "self").mkdir()
    (proc / "meminfo").write_text("x")
    assert found(proc) == ({}, [])
    assert found(proc / "gone") == ({}, [])


def test_a_process_that_the_kernel_guards_is_told(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process(proc, 12, b"A=1\0", 1000, "ssh-agent")
    process(proc, 13, b"A=1\0", 1001)
    process(proc, 14, b"A=1\0", 1000)
    real = open

    def guarded(path: object, mode: str = "r") -> object:
        if str(path).endswith(("12/environ", "13/environ")):
            raise PermissionError(13, "Permission denied")
        return real(path, mode)  # type: ignore[call-overload]  # the test's own arguments

    monkeypatch.setattr("builtins.open", guarded)
    read, unread = found(proc)
    assert set(read) == {"python[14]"}
    assert unread == [Unread("ssh-agent[12]", "its environment may not be read")]
