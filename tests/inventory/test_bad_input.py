"""What a scan meets on real machines, and what somebody plants: a line each, the scan goes on, memory is bounded."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import resource
import secrets
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from yett.inventory.formats import all_formats
from yett.inventory.outcome import Outcome
from yett.inventory.survey import Wanted, survey

MADE = "x7Kq92mZp4Tt81Lw0Rv6"
LINE = f"API_TOKEN={MADE}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with one credential that must be found whatever lies beside it."""
    made = tmp_path / "workspace"
    made.mkdir()
    (made / "app.env").write_text(LINE)
    return made


def scanned(folder: Path, **options: object) -> Outcome:
    outcome = survey(Wanted(targets=(folder,), **options))  # type: ignore[arg-type]  # the test's own words
    paths = {at.path for finding in outcome.findings for at in finding.credential.locations}
    assert str(folder / "app.env") in paths, "the scan did not go on"
    return outcome


def told(outcome: Outcome) -> dict[str, str]:
    assert all("\n" not in each.what + each.why for each in outcome.unread)
    return {each.what: each.why for each in outcome.unread}


@contextlib.contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Root may read everything; the tests of what may not be read are an ordinary user's."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder.parent, *folder.parent.parents):
        if path.stat().st_uid == 0 and path != Path("/") and path.stat().st_mode & 0o055 != 0o055:
            path.chmod(path.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_and_a_file_that_may_not_be_read_are_named(folder: Path) -> None:
    all_formats()  # they are imported by root, who may read them
    (folder / "closed").mkdir(mode=0o000)
    (folder / "private.env").write_text(LINE)
    (folder / "private.env").chmod(0o000)
    with as_nobody(folder):
        outcome = scanned(folder, history=False)
    assert told(outcome) == {
        str(folder / "closed"): "Permission denied",
        str(folder / "private.env"): "Permission denied",
    }


def test_links_in_a_circle_are_not_followed(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "back").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "dangling").symlink_to("nowhere")
    assert scanned(folder, history=False).files == 1


def test_a_pipe_and_a_socket_do_not_stop_the_scan(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    outcome = scanned(folder, history=False)
    assert outcome.files == 1


def test_binary_garbage_is_looked_at_for_forms_only(folder: Path) -> None:
    noise = random.Random(7)
    token = f"glpat-{''.join(noise.choices('abcdefghijkmnopqrstuvwxyzABCDEFGH0123456789', k=20))}".encode()
    body = noise.randbytes(200_000).replace(b"/", b"\0")
    other = LINE.replace(MADE, MADE[::-1]).encode()
    (folder / "program").write_bytes(b"\x7fELF\0\0" + body + b"\0" + token + b"\0" + other + body)
    kinds = {f.credential.kind for f in scanned(folder, history=False).findings if "program" in f.where}
    assert kinds == {"gitlab-token"}


def test_lines_of_ten_megabytes_are_read_in_bounded_memory_and_time(folder: Path) -> None:
    for number, unit in enumerate(
        (b"a", b"token=", b"eyJ", b"key: ", b"://a:", b"-----BEGIN PRIVATE KEY-----", b"%3A%2F%2F")
    ):
        (folder / f"{number}.txt").write_bytes(unit * (10_000_000 // len(unit)) + b"; " + LINE.encode())
    before = time.process_time()
    outcome = scanned(folder, history=False)
    assert time.process_time() - before < 60, "quadratic: minutes"
    found = {at.path for f in outcome.findings for at in f.credential.locations if f.value.text() == MADE}
    assert len(found) == 8, "behind every long line its own credential"


def test_a_huge_file_is_read_in_windows(folder: Path) -> None:
    """In a process of its own, whose peak is its own: getrusage carries the parent's over an exec."""
    huge = folder / "huge.log"
    with huge.open("wb") as file:
        block = b"a line of an ordinary log, nothing in it\n" * 25_000
        for _ in range(300):
            file.write(block)
        file.write(LINE.encode())
    code = (
        "import sys, pathlib; from yett.inventory.survey import Wanted, survey;"
        "o = survey(Wanted(targets=(pathlib.Path(sys.argv[1]),), history=False));"
        "places = o.findings[0].credential.locations;"
        "print(len(o.findings), max(at.line for at in places), len(places),"
        "int(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    findings, line, places, megabytes = map(int, done.stdout.split())
    assert (findings, line, places) == (1, 300 * 25_000 + 1, 2)
    assert megabytes < 200


def test_hostile_names_reach_no_terminal(folder: Path) -> None:
    from yett.inventory.reports import Layout, render

    for name in ("\x1b[2Jgone", "line\nbreak", "rtl\u202etxt.exe", "a" * 250, "<img src=x onerror=alert(1)>", "|pipe|"):
        (folder / name).write_text(LINE)
    outcome = scanned(folder, history=False)
    text = render(outcome, "table", Layout(folder))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<img" not in render(outcome, "html", Layout(folder)).replace("&lt;img", "")


def test_a_name_that_is_no_text_is_scanned(folder: Path) -> None:
    path = os.fsencode(folder) + b"/\xff\xfe.env"
    with open(path, "wb") as file:
        file.write(LINE.encode())
    outcome = scanned(folder, history=False)
    assert len(outcome.findings[0].credential.locations) == 2
    from yett.inventory.reports import Layout, render

    for form in ("table", "json", "jsonl", "sarif", "html", "markdown"):
        render(outcome, form, Layout(folder)).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".docker/config.json", b'{"auths": {"r.test": {"auth": '),
        (".codex/config.toml", b"[mcp_servers.x\nkey = "),
        (".kube/config", b"users: [\n  - {name: "),
        ("deep.tfstate", b"[" * 200_000),
        ("settings.xml", b"<settings><servers><server>"),
        ("state.vscdb", b"SQLite format 3\0" + b"\xff" * 4000),
        ("broken.zip", b"PK\x03\x04" + b"\0" * 100),
        ("broken.tar.gz", gzip.compress(b"x" * 5000, mtime=0)[:-20]),
        ("broken.ipynb", b'{"cells": ['),
        ("image.tar", b"manifest.json" + b"\0" * 244 + b"ustar\x0000" + b"\xff" * 300),
    ],
)
def test_a_broken_file_costs_one_line_at_most(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content + LINE.encode())
    outcome = scanned(folder, history=False)
    assert len([what for what in told(outcome) if str(path) in what]) <= 1


def test_an_archive_that_unpacks_to_terabytes_stops_early(folder: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.txt", b"\0" * (64 << 20))
    (folder / "bomb.zip").write_bytes(inner.getvalue())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = scanned(folder, history=False)
    assert str(folder / "bomb.zip") in " ".join(told(outcome))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 << 10


def test_a_database_is_read_and_not_changed(folder: Path) -> None:
    path = folder / "app.sqlite3"
    token = f"k7Qm2vX9{secrets.token_urlsafe(18)}1a"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("create table settings (name text, value text)")
        database.execute("insert into settings values ('api_token', ?)", (token,))
    before = path.read_bytes()
    outcome = scanned(folder, history=False)
    assert any("app.sqlite3!/" in finding.where for finding in outcome.findings)
    assert path.read_bytes() == before
    assert sorted(each.name for each in folder.iterdir()) == ["app.env", "app.sqlite3"]


def test_files_that_vanish_and_change_while_they_are_read(folder: Path) -> None:
    churn = folder / "churn"
    churn.mkdir()
    stop = threading.Event()

    def rewrite() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            path = churn / str(number % 300)
            path.write_text(LINE * (number % 50))
            with contextlib.suppress(FileNotFoundError):
                (churn / str((number * 7) % 300)).unlink()

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        for _ in range(5):
            assert not told(scanned(folder, history=False))
    finally:
        stop.set()
        thread.join()


def test_a_broken_pack_is_named_and_the_rest_is_read(folder: Path) -> None:
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.test"]

    def run(*words: str) -> None:
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)

    run("init", "-q")
    run("add", ".")
    run("commit", "-q", "-m", "x")
    run("gc", "-q")
    pack = next((folder / ".git/objects/pack").glob("*.pack"))
    pack.chmod(0o644)
    body = bytearray(pack.read_bytes())
    body[40:80] = b"\xff" * 40
    pack.write_bytes(body)
    assert scanned(folder).unread


def test_json_that_is_very_deep_or_very_long_is_survived(folder: Path) -> None:
    (folder / "package.json").write_text('{"a":' * 50_000 + "1" + "}" * 50_000)
    (folder / "settings.json").write_text(json.dumps({f"k{n}": n for n in range(200_000)}))
    scanned(folder, history=False)
