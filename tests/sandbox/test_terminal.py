"""A person at a terminal in front of `yett run`: keys, signals, job control, size, colours."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from sandbox.conftest import Guarded
from sandbox.screen import Screen

pytestmark = pytest.mark.sandbox


def screen(guarded: Guarded, *command: str) -> Screen:
    return Screen(guarded.command(*command), str(guarded.workspace), guarded.environment)


def shell_outside(guarded: Guarded) -> Screen:
    """An interactive shell on the host, from which `yett run` is one job."""
    bash = shutil.which("bash") or "/bin/bash"
    outside = Screen(
        [bash, "--norc", "-i"], str(guarded.workspace), {**guarded.environment, "PS1": "OUT$ ", "TERM": "dumb"}
    )
    outside.expect("OUT$ ")
    return outside


def test_standard_input_output_and_error_are_terminals_inside(guarded: Guarded) -> None:
    run = screen(guarded, "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && tty")
    run.expect("/dev/pts/")
    assert run.exit_status() == 0


def test_the_exit_status_passes_through(guarded: Guarded) -> None:
    assert screen(guarded, "sh", "-c", "exit 42").exit_status() == 42
    assert screen(guarded, "sh", "-c", "kill -TERM $$").exit_status() == 143


def test_a_missing_program_is_127(guarded: Guarded) -> None:
    assert screen(guarded, "./nothing-here").exit_status() == 127


def test_what_is_typed_arrives_and_echoes_once(guarded: Guarded) -> None:
    run = screen(guarded, "sh", "-c", "echo up; read line; echo got:$line:")
    run.expect("up")
    run.type("hello\r")
    run.expect("got:hello:")
    assert run.exit_status() == 0
    assert run.seen.count("hello") == 2  # the echo and the answer


def test_ctrl_c_interrupts_the_command(guarded: Guarded) -> None:
    run = screen(guarded, "sh", "-c", "echo up; exec sleep 100")
    run.expect("up")
    run.type("\x03")
    assert run.exit_status() == 130


def test_ctrl_c_can_be_caught(guarded: Guarded) -> None:
    run = screen(guarded, "bash", "-c", "trap 'echo caught' INT; echo up; sleep 1; echo on")
    run.expect("up")
    run.type("\x03")
    run.expect("caught")
    run.expect("on")
    assert run.exit_status() == 0


def test_ctrl_d_is_end_of_file(guarded: Guarded) -> None:
    run = screen(guarded, "sh", "-c", "echo up; exec cat")
    run.expect("up")
    run.type("\x04")
    assert run.exit_status() == 0


def test_the_size_is_passed_on_and_changes_arrive(guarded: Guarded) -> None:
    run = screen(
        guarded, "bash", "-c", "trap 'stty size' WINCH; trap exit INT; stty size; while :; do sleep 0.05; done"
    )
    run.expect("24 80")
    run.resize(50, 132)
    run.expect("50 132")
    run.type("\x03")
    run.exit_status()


def test_job_control_works_in_a_shell_inside(guarded: Guarded) -> None:
    run = Screen(
        guarded.command("bash", "--norc", "-i"), str(guarded.workspace), {**guarded.environment, "PS1": "IN$ "}
    )
    run.expect("IN$ ")
    run.type("sh -c 'echo beg\"\"un; exec sleep 50'\r")
    run.expect("begun\r\n")  # a key that comes before the job has the terminal is lost
    run.type("\x1a")
    run.expect("Stopped")
    run.type("jobs; bg; kill %1; wait; echo f''in\r")
    run.expect("fin\r\n")
    run.type("exit 3\r")
    assert run.exit_status() == 3


def test_ctrl_z_gives_the_outer_shell_back_and_fg_resumes(guarded: Guarded) -> None:
    outside = shell_outside(guarded)
    outside.type(" ".join(guarded.command("bash", "-c", "'echo up; read a; echo got $a'")) + "\r")
    outside.expect("up\r\n")
    outside.type("\x1a")
    outside.expect("Stopped")
    outside.type("echo the shell is back\r")
    outside.expect("\nthe shell is back")
    outside.type("fg\r")
    outside.expect("yett")
    time.sleep(0.3)
    outside.type("later\r")
    outside.expect("got later")
    outside.expect("OUT$ ")
    outside.type("stty -a | grep -o ' echo '; exit\r")
    outside.expect(" echo ")
    outside.exit_status()


def test_the_persons_terminal_is_given_back_as_it_was(guarded: Guarded) -> None:
    outside = shell_outside(guarded)
    outside.type("stty -g > before; " + " ".join(guarded.command("stty", "raw")) + "; stty -g > after; echo f''in\r")
    outside.expect("fin\r\n")
    assert (guarded.workspace / "before").read_text() == (guarded.workspace / "after").read_text()
    outside.type("exit\r")
    outside.exit_status()


def test_nothing_inside_can_open_the_persons_own_terminal(guarded: Guarded) -> None:
    """The attack: after Ctrl-Z, read what the person types at their own shell."""
    run = screen(guarded, "bash", "-c", "ls -l /proc/[0-9]*/fd /dev/console 2>&1; echo fin")
    seen = run.expect("fin")
    assert run.exit_status() == 0
    terminals = {word for word in seen.split() if word.startswith("/dev/pts/")}
    assert terminals == {"/dev/pts/0"}
    assert "No such file" in seen


def test_large_output_arrives_whole(guarded: Guarded) -> None:
    run = screen(guarded, "bash", "-c", "seq 1 60000; echo the-end")
    run.expect("the-end", 40)
    assert run.exit_status() == 0
    assert "59999\r\n60000\r\nthe-end" in run.seen


def test_programs_see_a_terminal_that_takes_colours(guarded: Guarded) -> None:
    (guarded.workspace / "dir").mkdir()
    run = screen(guarded, "ls", "--color=auto")
    run.expect("\x1b[")
    assert run.exit_status() == 0


def test_output_to_a_file_is_no_terminal_though_input_is(guarded: Guarded) -> None:
    outside = shell_outside(guarded)
    words = " ".join(guarded.command("sh", "-c", "'test -t 0 && ! test -t 1 && echo right'"))
    outside.type(f"{words} > result; echo f''in\r")
    outside.expect("fin\r\n")
    assert (guarded.workspace / "result").read_text() == "right\n"
    outside.type("exit\r")
    outside.exit_status()


def test_input_from_a_pipe_with_output_on_the_terminal(guarded: Guarded) -> None:
    outside = shell_outside(guarded)
    words = " ".join(guarded.command("sh", "-c", "'cat; test -t 1 && echo right'"))
    outside.type(f"echo piped | {words}; echo f''in\r")
    seen = outside.expect("fin\r\n")
    assert "piped\r\n" in seen
    assert "right\r\n" in seen
    outside.type("exit\r")
    outside.exit_status()


def test_ctrl_c_reaches_the_command_when_its_input_is_a_pipe(guarded: Guarded) -> None:
    outside = shell_outside(guarded)
    words = " ".join(guarded.command("bash", "-c", "'trap \"echo caught; exit 5\" INT; echo up; sleep 60 & wait'"))
    outside.type(f"sleep 100 | {words}; echo f''in\r")
    outside.expect("up\r\n")
    outside.type("\x03")
    outside.expect("caught")
    outside.kill()
    os.waitpid(outside.pid, 0)
