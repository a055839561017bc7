"""kill -9 at every step, of the executing process and of the server: before, or after with a whole undo; never half."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from executing_process import STEPS
from guarded import VERSIONS, Database, cluster, guarded, read_back, run

from yett.providers.postgres.guard.captured import MANIFEST
from yett.providers.postgres.guard.restore import restore, settle

TABLES = """
CREATE TABLE parents (id int PRIMARY KEY, v text);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE, v text);
INSERT INTO parents SELECT g, 'p' FROM generate_series(1, 50) g;
INSERT INTO children SELECT g, 1 + g % 50, 'c' FROM generate_series(1, 500) g;
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
"""
STATEMENT = "DELETE FROM parents WHERE id < 20; UPDATE children SET v = 'x'; INSERT INTO parents VALUES (900, 'new')"


def started(database: Database, folder: Path, step: str, how: str) -> subprocess.Popen[str]:
    """A process that has come to `step`."""
    script = Path(__file__).with_name("executing_process.py")
    process = subprocess.Popen(
        [sys.executable, script, database.url, str(folder), STATEMENT, step, how], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == f"at {step}\n"
    return process


def undone(database: Database, folder: Path, before: object) -> str:
    """What became of it; the data is as before, if need be after the undo."""
    if not (folder / MANIFEST).exists():
        assert database.digest() == before
        return "no undo"
    try:
        captured = read_back(folder)
    except ValueError:  # cut off in the middle: COMMIT was not sent
        assert database.digest() == before
        return "half an undo"
    became = str(run(settle(database, captured.xid)))
    if became == "committed":
        assert database.digest() != before
        run(restore(database, captured, verify=True))
    assert database.digest() == before
    return became


def expected(step: str) -> set[str]:
    if step == "commit sent":
        return {"committed", "aborted"}
    if step == "committed":
        return {"committed"}
    return {"aborted"} if step == "captured" else {"half an undo"} if step == "manifest" else {"no undo"}


def agents(database: Database) -> int:
    return int(database.ask("SELECT count(*) FROM pg_stat_activity WHERE usename = 'agent'")[0][0])


@pytest.mark.parametrize("step", STEPS)
def test_the_executing_process_is_killed(database: Database, tmp_path: Path, step: str) -> None:
    database.run(TABLES)
    before = database.digest()
    process = started(database, tmp_path, step, "die")
    assert process.wait(60) == -9
    for _ in range(200):
        if not agents(database):
            break
        time.sleep(0.05)
    assert undone(database, tmp_path, before) in expected(step)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_server_is_killed(version: int, tmp_path: Path) -> None:
    with cluster(version, "fsync=on", "wal_writer_delay=10s") as server:
        for number, step in enumerate(STEPS):
            database = server.database()
            database.run(TABLES)
            before = database.digest()
            folder = tmp_path / str(number)
            folder.mkdir()
            process = started(database, folder, step, "wait")
            server.crash()
            process.kill()
            process.wait()
            server.start()
            assert undone(database, folder, before) in expected(step), step


@pytest.mark.parametrize("version", VERSIONS)
def test_no_other_transaction_is_taken_for_one_that_was_lost(version: int, tmp_path: Path) -> None:
    """A server that is killed gives out again the ids of which nothing was flushed."""
    with cluster(version, "fsync=on", "wal_writer_delay=10s") as server:
        database = server.database()
        database.run(TABLES)
        before = database.digest()
        process = started(database, tmp_path, "captured", "wait")
        server.crash()
        process.kill()
        process.wait()
        server.start()
        captured = read_back(tmp_path)
        for number in range(5):
            database.run(f"INSERT INTO parents VALUES ({1000 + number}, 'later')")
        assert database.ask("SELECT max(xmin::text::int8) FROM parents WHERE id >= 1000")[0][0] > captured.xid
        assert run(settle(database, captured.xid)) == "aborted"
        database.run("DELETE FROM parents WHERE id >= 1000")
        assert database.digest() == before


def test_an_undo_that_is_broken_off_changes_nothing(database: Database, tmp_path: Path) -> None:
    database.run(TABLES)
    _, captured = run(guarded(database, tmp_path / "u", STATEMENT))
    after = database.digest()
    script = f"""
import asyncio, sys, os
sys.path[:0] = {sys.path!r}
from executing_process import Own
from guarded import read_back
from pathlib import Path
from yett.providers.postgres.guard import restore
async def killed(*_): os.kill(os.getpid(), 9)
restore._must_hold = killed
asyncio.run(restore.restore(Own({database.url!r}), read_back(Path({str(tmp_path / "u")!r})), verify=True))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    time.sleep(0.3)
    assert database.digest() == after
    run(restore(database, captured, verify=True))
