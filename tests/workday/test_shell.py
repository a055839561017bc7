"""The day at the shell: files, pipes, exit statuses, editors, interrupts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from sandbox.conftest import Guarded
from sandbox.screen import Screen

pytestmark = pytest.mark.sandbox

Script = Callable[..., str]


def at_a_terminal(day: Guarded, *command: str) -> Screen:
    return Screen(day.command(*command), str(day.workspace), {**day.environment, "PS1": "IN$ "})


def test_exit_statuses_are_what_they_are(day: Guarded) -> None:
    for wanted in (0, 1, 2, 126, 127, 200, 255):
        assert day.shell(f"exit {wanted}").returncode == wanted
    assert day.shell("false || true && ! false").returncode == 0
    assert day.shell("kill -SEGV $$").returncode == 139


def test_large_output_through_a_pipe(day: Guarded) -> None:
    done = day.run("head", "-c", "50000000", "/dev/zero", text=False, timeout=120)
    assert len(done.stdout) == 50_000_000


def test_a_reader_that_leaves_early_ends_the_writer(day: Guarded) -> None:
    assert day.shell("yes | head -2; echo ${PIPESTATUS[0]}").stdout == "y\ny\n141\n"


def test_files_links_modes_times_and_archives(script: Script, day: Guarded) -> None:
    out = script(
        "mkdir -p a/b; echo x > a/b/f; ln -s b/f a/l; ln a/b/f a/h; chmod 750 a/b/f; touch -d 2020-01-02 a/b/f;"
        " mkfifo p;"
        "tar czf t.tgz a; rm -r a; tar xzf t.tgz; stat -c '%a %h' a/b/f; date -r a/b/f +%Y; cat a/l; cp -a a c;"
        " diff -r a c; df . >/dev/null"
    )
    assert out.split() == ["750", "2", "2020", "x"]
    assert os.stat(day.workspace / "a" / "b" / "f").st_uid == os.geteuid()


def test_temporary_files_process_substitution_and_here_documents(script: Script) -> None:
    out = script(
        "f=$(mktemp); cat > $f <<'X'\nhere\nX\ncat $f; diff <(echo a) <(echo a) && echo same;"
        " echo > /dev/shm/x; nproc > /dev/null"
    )
    assert out == "here\nsame\n"


def test_an_editor_saves_by_rename(script: Script, day: Guarded) -> None:
    (day.workspace / "notes.txt").write_text("one\n")
    script(
        "vim -es -u NONE -c 'set backupcopy=no backup' -c '%s/one/two/' -c wq notes.txt; sed -i s/two/three/ notes.txt"
    )
    assert (day.workspace / "notes.txt").read_text() == "three\n"


def test_an_editor_in_full_screen(day: Guarded) -> None:
    run = at_a_terminal(day, "vim", "-u", "NONE", "notes.txt")
    run.expect("notes.txt")
    run.type("ihello\x1b:wq\r")
    assert run.exit_status() == 0
    assert (day.workspace / "notes.txt").read_text() == "hello\n"


def test_ctrl_c_stops_a_program_and_the_shell_goes_on(day: Guarded) -> None:
    run = at_a_terminal(day, "bash", "--norc", "-i")
    run.expect("IN$ ")
    run.type("sh -c 'echo beg\"\"un; exec sleep 100'\r")
    run.expect("begun\r\n")  # a key that comes before the job has the terminal is lost
    run.type("\x03")
    run.expect("IN$ ")
    run.type("echo $?; exit 0\r")
    run.expect("130")
    assert run.exit_status() == 0


def test_jobs_go_to_the_background_and_come_back(day: Guarded) -> None:
    run = at_a_terminal(day, "bash", "--norc", "-i")
    run.expect("IN$ ")
    run.type("sh -c 'echo beg\"\"un; exec sleep 100'\r")
    run.expect("begun\r\n")  # a key that comes before the job has the terminal is lost
    run.type("\x1a")
    run.expect("Stopped")
    run.type("bg %1\r")
    run.expect("IN$ ")
    run.type("fg %1\r")
    run.expect("sleep 100")
    time.sleep(0.3)
    run.type("\x03")
    run.expect("IN$ ")
    run.type("exit 0\r")
    assert run.exit_status() == 0


def test_colours_and_width_are_the_terminals(day: Guarded) -> None:
    run = at_a_terminal(
        day, "bash", "-c", "tput cols; tput colors; printf '\\033[31mred\\033[0m\\n'; ls --color=auto -d ."
    )
    run.expect("\x1b[31mred")
    assert "80\r\n8" in run.seen
    assert run.exit_status() == 0


def test_a_second_run_finds_what_the_first_left_in_the_home(day: Guarded) -> None:
    """A client's login, its history, a tool's cache."""
    day.shell(
        "mkdir -p ~/.claude ~/.cache/tool && echo token > ~/.claude/.credentials.json && echo c > ~/.cache/tool/x"
    )
    assert day.shell("cat ~/.claude/.credentials.json ~/.cache/tool/x").stdout == "token\nc\n"


def test_two_runs_side_by_side(day: Guarded) -> None:
    first = day.start("bash", "-c", "echo up; read x; cat shared")
    assert first.stdout is not None
    first.stdout.readline()
    day.shell("echo from the second > shared")
    first.stdin = None
    first.terminate()
    first.wait(20)
    assert (day.workspace / "shared").read_text() == "from the second\n"


def test_names_times_and_locale(script: Script) -> None:
    out = script(
        "whoami; hostname; getent hosts localhost; TZ=Asia/Tokyo date +%Z;"
        " LC_ALL=C.UTF-8 python3 -c 'print(\"é\")'; id -un"
    )
    assert "JST" in out
    assert "é" in out
