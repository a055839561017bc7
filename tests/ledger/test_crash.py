"""kill -9 while appending: no acknowledged entry is lost, state and log agree, the log is whole.

YETT_KILL_CYCLES sets the number of kills on each database; 15 by default.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select

from yett.ledger.export import export
from yett.ledger.journal import Journal
from yett.ledger.notes import open_checkpoint, open_log_key
from yett.ledger.tree import Tree, leaf_hash
from yett.ledger.verify import verify_directory
from yett.store import open_store
from yett.store.tables import ledger_entry, remembered

CYCLES = int(os.environ.get("YETT_KILL_CYCLES", "15"))


def test_no_acknowledged_entry_is_lost_to_kill_9(store_url: str, tmp_path: Path) -> None:
    key, chance = tmp_path / "log.key", random.Random()
    open_store(store_url).close()
    script = Path(__file__).with_name("appender.py")
    appender = subprocess.Popen([sys.executable, script, store_url, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    acknowledged: dict[int, str] = {}
    try:
        for _ in range(CYCLES):
            acknowledged |= one_life(appender, chance.uniform(0.02, 0.15))
    finally:
        appender.stdin.close()
        appender.wait(30)
        appender.stdout.close()
    assert acknowledged
    check(store_url, key, acknowledged, tmp_path / "export")


def one_life(appender: subprocess.Popen[bytes], seconds: float) -> dict[int, str]:
    """Let a writer live for `seconds` after its first acknowledgement; what it acknowledged until it was killed."""
    appender.stdin.write(b"go\n")
    appender.stdin.flush()
    child, found, end = 0, {}, None
    while (line := appender.stdout.readline()) not in (b"", b"dead\n"):
        word, value = line.decode().split()
        if word == "pid":
            child = int(value)
            continue
        found[int(word)] = value
        end = end or time.monotonic() + seconds
        if child and time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            child = 0
    return found


def check(url: str, key: Path, acknowledged: dict[int, str], folder: Path) -> None:
    store = open_store(url)
    journal = Journal(store, open_log_key(key, "yett/crash"))  # opens: the last stored checkpoint still holds
    rows = store.read(lambda c: c.execute(select(ledger_entry).order_by(ledger_entry.c.idx)).all())
    hosts = set(store.read(lambda c: c.execute(select(remembered.c.host)).scalars()))
    logged = {row.idx: json.loads(row.data) for row in rows}
    assert list(logged) == list(range(len(rows)))
    assert {index: logged[index]["body"]["name"] for index in acknowledged} == acknowledged
    assert {entry["body"]["name"] for entry in logged.values() if entry["kind"] == "intent"} == hosts
    signer = open_log_key(key, "yett/crash")
    root = Tree().grow([leaf_hash(bytes(row.data)) for row in rows])[0].root()
    note = journal.checkpoint()
    assert (open_checkpoint(note, signer.verifier).size, open_checkpoint(note, signer.verifier).root) == (
        len(rows),
        root,
    )
    journal.close()
    export(store, folder)
    assert verify_directory(folder, str(signer.verifier), [note]).problems == ()
    store.close()
