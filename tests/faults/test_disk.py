"""A disk that is full, a home that is read-only, files that are not what they were: refused, said clearly, no hang."""

from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path

import pytest
from real_daemon import Agent, Home

from listening import free_port

NO_LIMIT = resource.RLIM_INFINITY


def disk(home: Home, *, full: bool) -> None:
    """From here on no file of the daemon grows (or: again as it likes)."""
    assert home.daemon is not None
    size = (home.path / "yett.db-wal").stat().st_size if full else NO_LIMIT
    limit = min(size, 1024) if full else NO_LIMIT
    resource.prlimit(home.daemon.process.pid, resource.RLIMIT_FSIZE, (limit, NO_LIMIT))


def test_on_a_full_disk_nothing_passes_nothing_hangs_and_it_heals(home: Home) -> None:
    home.start()
    home.enrol()
    agent = Agent(home)
    assert agent.read().status == 200
    held = agent.act(1).problem["hold"]
    home.person().approve(held)
    before = len(home.upstream.seen)
    disk(home, full=True)

    began = time.monotonic()
    refused = agent.act(1)
    assert refused.status == 403
    assert refused.problem["code"] == "unavailable"
    assert agent.act(2).status == 403
    assert time.monotonic() - began < 12
    assert len(home.upstream.seen) == before, "no write left"

    agent.read()  # one may pass: its entry is in the queue, and the queue is younger than a second
    time.sleep(1.2)
    left = len(home.upstream.seen)
    assert agent.read().status == 403
    assert len(home.upstream.seen) == left, "no read that cannot be written down leaves either"
    assert home.tell({"verb": "status"})["pid"], "and it answers its owner"
    assert "error" in home.tell({"verb": "lockdown.off"})

    disk(home, full=False)
    end = time.monotonic() + 10
    while agent.read().status != 200:
        assert time.monotonic() < end, "it did not heal"
        time.sleep(0.1)
    assert agent.act(1).status == 200, "the approval was not lost"
    assert agent.act(1).status == 403, "and was spent once"
    agent.close()


def test_a_lockdown_on_a_full_disk_holds_though_it_cannot_be_written(home: Home) -> None:
    home.start()
    agent = Agent(home)
    assert agent.read().status == 200
    disk(home, full=True)
    home.tell({"verb": "lockdown.on", "scope": "*"})
    disk(home, full=False)
    assert agent.read().problem["code"] == "lockdown"
    agent.close()


def test_a_run_ends_on_a_full_disk_too(home: Home) -> None:
    home.start()
    agent = Agent(home)
    disk(home, full=True)
    agent.close()
    end = time.monotonic() + 15
    while home.tell({"verb": "status"})["sessions"]:
        assert time.monotonic() < end, "the session did not end"
        time.sleep(0.1)
    with pytest.raises(OSError):
        agent.read()


def test_a_read_only_home_serves_nothing(home: Home) -> None:
    home.start()
    home.end()
    (home.path / "operator.sock").unlink(missing_ok=True)
    if os.geteuid() == 0:  # modes mean nothing to root: a mount of its own does
        mounting = f"mount --bind {home.path} {home.path} && mount -o remount,ro,bind {home.path}"
        said = home.fails_to_start("unshare", "-m", "sh", "-c", f'{mounting} && exec "$@"', "sh")
    else:
        home.path.chmod(0o500)
        (home.path / "yett.db").chmod(0o400)
        said = home.fails_to_start()
        home.path.chmod(0o700)
    assert_clear(said)


def assert_clear(said: str) -> None:
    """A person reads what happened, not where in the program."""
    assert said.strip()
    assert "Traceback" not in said, said


def corrupt_store(home: Home) -> None:
    (home.path / "yett.db").write_bytes(b"this is no database" * 100)
    forget_the_write_ahead_log(home)


def half_a_store(home: Home) -> None:
    content = (home.path / "yett.db").read_bytes()
    (home.path / "yett.db").write_bytes(content[: len(content) // 2])
    forget_the_write_ahead_log(home)


def forget_the_write_ahead_log(home: Home) -> None:
    """With it, SQLite would mend the store by itself."""
    for name in ("yett.db-wal", "yett.db-shm"):
        (home.path / name).unlink(missing_ok=True)


def another_log_key(home: Home) -> None:
    (home.path / "log.key").unlink()


def another_master_key(home: Home) -> None:
    (home.path / "master.key").write_bytes(b"x" * 3)


def corrupt_config(home: Home) -> None:
    (home.path / "config.toml").write_text('realm = "drill\n')


def unknown_setting(home: Home) -> None:
    with (home.path / "config.toml").open("a") as file:
        file.write("[git2]\n")


def corrupt_policy(home: Home) -> None:
    (home.path / "policy").mkdir(exist_ok=True)
    (home.path / "policy" / "mine.cedar").write_text("// layer: narrow\nforbid (principal,")


def unsigned_widening(home: Home) -> None:
    (home.path / "policy").mkdir(exist_ok=True)
    text = '// layer: widen\n@id("x")\npermit (principal, action in Action::"pass", resource);\n'
    (home.path / "policy" / "mine.cedar").write_text(text)


FAULTS = [
    corrupt_store,
    half_a_store,
    another_log_key,
    another_master_key,
    corrupt_config,
    unknown_setting,
    corrupt_policy,
    unsigned_widening,
]


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory, law_roots: Path) -> Path:
    """A home that has been lived in: keys, a log, a session."""
    from law_plane import upstream_context
    from law_world import Upstream
    from real_daemon import made_home

    host = Upstream(upstream_context(law_roots))
    home = made_home(tmp_path_factory.mktemp("used"), law_roots, host)
    home.start()
    home.enrol()
    agent = Agent(home)
    agent.act(1)
    agent.close()
    home.end()
    host.close()
    (home.path / "operator.sock").unlink(missing_ok=True)
    return home.path


@pytest.mark.parametrize("fault", FAULTS)
def test_what_it_cannot_trust_it_does_not_serve(home: Home, used_home: Path, fault) -> None:  # type: ignore[no-untyped-def]
    shutil.rmtree(home.path)
    shutil.copytree(used_home, home.path, ignore=shutil.ignore_patterns("*.sock"))
    fault(home)
    assert_clear(home.fails_to_start())


def test_two_daemons_do_not_serve_one_home(home: Home) -> None:
    import subprocess

    home.start()
    other = subprocess.run(home.command(free_port()), capture_output=True, text=True, timeout=30, check=False)
    assert other.returncode != 0
    assert_clear(other.stderr)
    assert home.tell({"verb": "status"})["pid"]
