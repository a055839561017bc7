"""A dump in clear does not outlive the process that made it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from yett.providers.postgres.guard import scratch
from yett.providers.postgres.guard.scratch import sweep

_HOLDS_ONE = """
import sys, time
from yett.providers.postgres.guard.scratch import scratch
with scratch() as folder:
    (folder / "rows").write_text("in clear")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "_JUST_MADE_S", 0.0)


def test_only_its_owner_reads_it_and_it_is_gone_at_the_end() -> None:
    with scratch.scratch() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLDS_ONE], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        assert sweep() == 0
        assert (folder / "rows").read_text() == "in clear"
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    assert folder.exists()
    assert sweep() == 1
    assert not folder.exists()


def test_a_link_is_not_followed_and_a_new_folder_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "yett-dump-link").symlink_to(elsewhere)
    assert sweep() == 0
    assert elsewhere.exists()
    monkeypatch.undo()
    new = Path(tempfile.mkdtemp(prefix="yett-dump-", dir=tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sweep()
    assert new.exists()
    os.rmdir(new)
