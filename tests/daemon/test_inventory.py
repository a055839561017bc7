"""The kept inventory as its owner meets it: the real daemon, the real commands, real sandboxes."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.conftest import Plane

from yett.daemon.settings import load_settings
from yett.drills.stage import COMMAND
from yett.model.errors import ConfigurationError

LETTERS = "BCDFGHJKMNPQRSTVWZbcdfghjkmnpqrstvwz0123456789"
"""In which no word stands that the detector takes for a placeholder's."""

SOON_S = 5.0
"""R30: a secret that is written is in the inventory within that time."""


def token() -> str:
    return "sk_live_" + "".join(secrets.choice(LETTERS) for _ in range(32))


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


@dataclass
class Shop:
    """A workspace and a person's HOME; `values` is everything that was ever written there."""

    plane: Plane
    folder: Path
    home: Path
    values: list[str] = field(default_factory=list)

    def token(self) -> str:
        self.values.append(token())
        return self.values[-1]

    def write(self, name: str, text: str = "") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or f"pay with {self.token()}\n")

    def yett(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = self.plane.stage.environ({"HOME": str(self.home)})
        return subprocess.run([*COMMAND, *words], env=environ, cwd=self.folder, capture_output=True, text=True)

    def rows(self, *words: str) -> list[dict[str, Any]]:
        said = self.yett("inventory", "--workspace", ".", "--json", *words)
        assert said.returncode == 0, said.stderr
        rows = json.loads(said.stdout)
        assert isinstance(rows, list)
        return [row for row in rows if row["finding"] == "credential"]

    def run(self, *options: str, command: tuple[str, ...] = ("true",)) -> subprocess.CompletedProcess[str]:
        return self.yett("run", *options, "--", *command)

    def sign(self, *words: str) -> str:
        said = self.yett(*words)
        assert said.returncode == 0, said.stderr
        self.plane.owner.sign(self.plane.stage.act_of(said.stdout.strip()))
        return said.stdout


@pytest.fixture
def shop(plane: Plane, tmp_path: Path) -> Shop:
    for name in ("shop", "person"):
        (tmp_path / name).mkdir()
    return Shop(plane, tmp_path / "shop", tmp_path / "person")


def test_the_inventory_says_what_lies_where_how_bad_it_is_and_that_nobody_answers_for_it(shop: Shop) -> None:
    shop.write("conf/pay.txt")
    assert "1 new" in shop.yett("inventory", "refresh").stdout
    said = shop.yett("inventory", "--workspace", ".").stdout
    for words in ("Stripe", "critical", "conf/pay.txt:1", "nobody", "new", "1 without a named owner"):
        assert words in said
    assert shop.values[0] not in said


def test_an_owner_and_a_review_date_end_the_findings_about_it(shop: Shop) -> None:
    shop.write("pay.txt")
    shop.yett("inventory", "refresh")
    fingerprint = shop.rows()[0]["fingerprint"]
    assert "Ada answers for" in shop.yett("inventory", "owner", fingerprint[:8], "Ada", "--review", "2099-12-31").stdout
    rows = json.loads(shop.yett("inventory", "--workspace", ".", "--json").stdout)
    assert [(row["finding"], row["owner"], row["review"]) for row in rows] == [("credential", "Ada", "2099-12-31")]
    assert shop.yett("inventory", "owner", fingerprint, "Ada", "--review", "2001-01-01").returncode == 1


def test_what_is_gone_is_shown_when_asked_for(shop: Shop) -> None:
    shop.write("pay.txt")
    shop.yett("inventory", "refresh")
    (shop.folder / "pay.txt").unlink()
    assert "1 gone" in shop.yett("inventory", "refresh").stdout
    assert shop.rows() == []
    assert [row["state"] for row in shop.rows("--gone")] == ["gone"]


def test_a_folder_of_the_workspace_means_the_workspace(shop: Shop) -> None:
    subprocess.run(["git", "init", "-q", str(shop.folder)], check=True)
    shop.write("deep/down/pay.txt")
    assert "1 new" in shop.yett("inventory", "refresh", "deep/down").stdout
    assert {row["workspace"] for row in shop.rows()} == {str(shop.folder)}


def test_the_page_shows_every_fact_of_an_acceptance_and_obeys_none(shop: Shop) -> None:
    shop.write("<script>alert(1)<\u2044script>\u202egnp.txt")
    shop.yett("inventory", "refresh")
    (row,) = shop.rows()
    words = ("inventory", "accept", row["fingerprint"], "--reason", "<b>fine</b>", "--until", in_days(30))
    act = shop.plane.stage.act_of(shop.yett(*words).stdout.strip())
    with urllib.request.urlopen(f"{shop.plane.stage.origin}/acts/{act}") as answer:
        page = answer.read().decode()
    for fact in ("critical", row["fingerprint"], str(shop.folder), "&lt;b&gt;fine&lt;/b&gt;", in_days(30), "nobody"):
        assert fact in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    shop.yett("holds", "deny", act)
    assert shop.rows()[0]["state"] == "new"


@pytest.mark.sandbox
def test_a_strict_run_waits_for_a_signed_acceptance_and_for_a_new_one_when_it_has_ended(shop: Shop) -> None:
    shop.write("pay.txt")
    refused = shop.run("--strict")
    assert refused.returncode == 125
    assert "1 critical credential within reach that nobody has accepted" in refused.stderr
    assert "pay.txt:1" in refused.stderr
    (row,) = shop.rows()
    words = ("inventory", "accept", row["fingerprint"][:12], "--reason", "a test account without money")
    assert shop.yett(*words).returncode == 0
    assert shop.run("--strict").returncode == 125, "proposed is not signed"
    shop.sign(*words)
    done = shop.run("--strict", command=("echo", "started"))
    assert (done.returncode, done.stdout) == (0, "started\n"), done.stderr
    assert shop.rows()[0]["accepted"]["reason"] == "a test account without money"
    with sqlite3.connect(shop.plane.stage.home / "yett.db") as store:  # its time goes by
        store.execute("UPDATE acceptances SET until = '2020-01-01' WHERE workspace = ?", (str(shop.folder),))
    assert shop.run("--strict").returncode == 125
    assert shop.run().returncode == 0


def test_strict_is_a_setting_of_the_home(tmp_path: Path) -> None:
    assert not load_settings(tmp_path).strict
    (tmp_path / "config.toml").write_text("strict = true\n")
    assert load_settings(tmp_path).strict
    (tmp_path / "config.toml").write_text('strict = "no"\n')
    with pytest.raises(ConfigurationError, match="strict is 'no'"):
        load_settings(tmp_path)


@pytest.mark.sandbox
def test_a_run_makes_the_inventory_of_a_workspace_that_has_none(shop: Shop) -> None:
    shop.write("pay.txt")
    assert shop.rows() == []
    assert shop.run().returncode == 0
    assert [row["where"] for row in shop.rows()] == [f"{shop.folder}/pay.txt:1"]


@pytest.mark.sandbox
def test_what_an_agent_writes_is_in_the_inventory_while_it_still_runs(shop: Shop) -> None:
    value = shop.token()
    script = f"echo 'pay with {value[:20]}'\"{value[20:]}\" > new.txt; echo written; sleep {SOON_S + 5}"
    environ = shop.plane.stage.environ({"HOME": str(shop.home)})
    command = [*COMMAND, "run", "--", "sh", "-c", script]
    with subprocess.Popen(command, cwd=shop.folder, env=environ, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == "written\n"
        began = time.monotonic()
        while not shop.rows() and time.monotonic() - began < SOON_S:
            time.sleep(0.1)
        assert time.monotonic() - began < SOON_S
        agent.terminate()
    assert [row["severity"] for row in shop.rows()] == ["critical"]


# ---- yett watch-files


class Watcher:
    """`yett watch-files` in the foreground; when each of its lines came."""

    def __init__(self, shop: Shop) -> None:
        environ = shop.plane.stage.environ({"HOME": str(shop.home), "PYTHONUNBUFFERED": "1"})
        command = [*COMMAND, "watch-files", str(shop.folder)]
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[tuple[float, str]] = []
        assert self.process.stdout is not None
        assert "watching" in self.process.stdout.readline()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))

    def latency(self, act: Callable[[], None], count: int = 1) -> float:
        """Seconds from the end of `act` to the last of so many lines."""
        before = len(self.lines)
        act()
        began = time.monotonic()
        while len(self.lines) < before + count and time.monotonic() - began < 3 * SOON_S:
            time.sleep(0.01)
        assert len(self.lines) == before + count, self.lines[-9:]
        return max(0.0, self.lines[-1][0] - began)


@pytest.fixture
def watcher(shop: Shop) -> Iterator[Watcher]:
    found = Watcher(shop)
    yield found
    found.process.terminate()
    found.process.wait(10)


def test_whatever_way_a_secret_is_written_it_is_told_within_seconds(shop: Shop, watcher: Watcher) -> None:
    folder = shop.folder

    def append() -> None:
        with (folder / "created.txt").open("a") as file:
            file.write(f"and {shop.token()}\n")

    def rename() -> None:
        (folder / ".created.txt.swp").write_text(f"{shop.token()}\n")
        os.replace(folder / ".created.txt.swp", folder / "created.txt")

    def slowly() -> None:
        value = shop.token()
        with (folder / "slow.txt").open("w") as file:
            for start in range(0, len(value), 10):
                file.write(value[start : start + 10])
                file.flush()
                time.sleep(0.01)

    def moved_in() -> None:
        (folder.parent / "unpacked/deep").mkdir(parents=True)
        (folder.parent / "unpacked/deep/pay.txt").write_text(f"{shop.token()}\n")
        os.rename(folder.parent / "unpacked", folder / "unpacked")

    acts: dict[str, Callable[[], None]] = {
        "create": lambda: shop.write("created.txt"),
        "append": append,
        "rename": rename,
        "slowly": slowly,
        "new folders": lambda: shop.write("a/b/c/d/e.txt"),
        "moved in": moved_in,
    }
    took = {name: watcher.latency(act) for name, act in acts.items()}
    print({name: round(seconds, 2) for name, seconds in took.items()}, file=sys.stderr)
    assert max(took.values()) < SOON_S
    assert all(value not in line for value in shop.values for _, line in watcher.lines)


def test_a_burst_of_five_thousand_files_with_a_secret_each_is_told_within_seconds(shop: Shop, watcher: Watcher) -> None:
    def burst() -> None:
        for number in range(5000):
            shop.write(f"many/d{number % 40}/f{number}.txt")

    took = watcher.latency(burst, 5000)
    print(f"5,000 files: {took:.2f} s after the last", file=sys.stderr)
    assert took < SOON_S
    assert len(shop.rows()) == 5000


def test_a_secret_in_a_hostile_name_is_told_in_one_harmless_line(shop: Shop, watcher: Watcher) -> None:
    watcher.latency(lambda: shop.write("a\x1b[2J\u202e\nb.txt"))
    (_, line) = watcher.lines[-1]
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert "critical" in line


def test_the_watch_ends_with_its_command(shop: Shop, watcher: Watcher) -> None:
    watcher.process.terminate()
    watcher.process.wait(10)
    time.sleep(2)
    shop.write("pay.txt")
    time.sleep(2)
    assert shop.rows() == []


# ---- nothing of a value is kept


def test_no_value_is_in_any_file_of_the_home(shop: Shop) -> None:
    """Whatever was found, owned, proposed, signed or watched: the store, its log, its ledger, the daemon's log."""
    value = shop.token()
    shop.write("pay.txt", f"{value}\n")
    shop.write(f"{value}.txt", f"postgres://app:{secrets.token_hex(12)}@db.acme.io/x\n{shop.token()}\n")
    shop.yett("inventory", "refresh")
    shop.run("--strict")
    shop.run(command=("cat", "pay.txt"))
    row = next(row for row in shop.rows() if row["where"].endswith("pay.txt:1"))
    shop.sign("inventory", "accept", row["fingerprint"], "--reason", "a test account")
    shop.yett("inventory", "owner", row["fingerprint"], "Ada")
    watcher = Watcher(shop)
    watcher.latency(lambda: shop.write(f"later-{shop.token()}.txt"))
    watcher.process.terminate()
    watcher.process.wait(10)
    files = [path for path in shop.plane.stage.home.rglob("*") if path.is_file()]
    assert {"yett.db", "yett.db-wal", "daemon.log"} <= {path.name for path in files}
    forms = [form for value in shop.values for form in _forms(value.encode())]
    for path in files:
        content = path.read_bytes()
        assert not [form for form in forms if form in content], path


def _forms(value: bytes) -> tuple[bytes, ...]:
    return value, value[8:], value.hex().encode(), base64.b64encode(value)[:-4]
