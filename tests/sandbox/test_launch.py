"""`yett run` for real: the command starts, sees what it should, and its end is the run's end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.conftest import Guarded
from sandbox.control_plane import ControlPlane

pytestmark = pytest.mark.sandbox


def until(claim: object, seconds: float = 10) -> bool:
    """Poll a claim until it holds; for what another process does in its own time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if claim():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_output_and_exit_status_are_the_commands(guarded: Guarded) -> None:
    done = guarded.shell("echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    assert guarded.plane.ended[0]["status"] == 7


def test_a_command_ended_by_a_signal_gives_128_and_its_number(guarded: Guarded) -> None:
    assert guarded.shell("kill -KILL $$").returncode == 137


def test_pipes_pass_through_untouched(guarded: Guarded) -> None:
    data = os.urandom(300_000)
    done = guarded.run("cat", input=data, text=False)
    assert done.stdout == data


def test_the_daemon_hears_the_task_the_environment_and_the_command(guarded: Guarded) -> None:
    guarded.run("true", options=("--task", "fix the login", "--env=staging", "--observe", "--host-port", "5432"))
    (opened,) = guarded.plane.opened
    assert opened["task"] == "fix the login"
    assert opened["environment"] == "staging"
    assert opened["observe"] is True
    assert opened["host_ports"] == [5432]
    assert opened["argv"] == ["true"]
    assert opened["workspace"] == opened["cwd"] == str(guarded.workspace)


def test_a_refused_session_starts_nothing(guarded: Guarded) -> None:
    guarded.plane.refusal = {"error": "The ledger cannot be written.", "remedy": "Free some disk space."}
    done = guarded.shell("touch ran")
    assert done.returncode == 125
    assert "The ledger cannot be written." in done.stderr
    assert "Free some disk space." in done.stderr
    assert not (guarded.workspace / "ran").exists()


def test_without_a_daemon_and_without_a_way_to_start_one_nothing_runs(guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    guarded.environment["YETT_HOME"] = str(tmp_path / "file" / "state")
    done = guarded.shell("touch ran")
    assert done.returncode != 0
    assert not (guarded.workspace / "ran").exists()


def test_a_missing_command_is_127_as_in_a_shell(guarded: Guarded) -> None:
    done = guarded.run("no-such-program")
    assert done.returncode == 127
    assert "not found" in done.stderr


@pytest.mark.parametrize(
    ("name", "status"), [("./absent", 127), ("/usr/bin/absent", 127), ("./notes", 126), ("/usr", 126)]
)
def test_a_path_that_is_no_program_has_the_shells_status(guarded: Guarded, name: str, status: int) -> None:
    (guarded.workspace / "notes").write_text("text")
    done = guarded.run(name)
    assert done.returncode == status
    assert name in done.stderr


def test_a_folder_that_is_gone_is_said(guarded: Guarded) -> None:
    gone = guarded.workspace / "gone"
    gone.mkdir()
    words = " ".join(guarded.command("true"))
    done = subprocess.run(["sh", "-c", f"cd {gone}; rmdir {gone}; {words}"], env=guarded.environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 125
    assert "folder is gone" in done.stderr


def test_a_state_directory_with_a_long_path_is_reached(plane: ControlPlane, guarded: Guarded, tmp_path: Path) -> None:
    """A unix socket's address has 107 bytes."""
    long = tmp_path / ("x" * 120)
    plane.home.rename(long)
    assert guarded.run("true", env=guarded.environment | {"YETT_HOME": str(long)}).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_command(guarded: Guarded, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    running = guarded.start("bash", "-c", f"trap 'echo got; exit 9' {name}; echo ready; while :; do sleep 0.05; done")
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(number)
    out, _ = running.communicate(timeout=20)
    assert (out, running.returncode) == ("got\n", 9)


def test_killing_the_supervisor_kills_everything_inside_and_the_daemon_sees_the_end(guarded: Guarded) -> None:
    marker = guarded.workspace / "beats"
    running = guarded.start("bash", "-c", "echo ready; (while :; do date >> beats; sleep 0.05; done) & wait")
    assert running.stdout is not None
    running.stdout.readline()
    assert until(marker.exists)
    running.kill()
    running.wait()
    assert guarded.plane.closed.wait(10)
    assert until(lambda: _is_still(marker))


def test_when_the_command_ends_what_it_left_behind_ends_too(guarded: Guarded) -> None:
    guarded.shell("(while :; do date >> beats; sleep 0.02; done) >/dev/null 2>&1 & sleep 0.2")
    assert until(lambda: _is_still(guarded.workspace / "beats"))


def test_the_gate_is_reached_through_the_proxy_and_without_any_proxy_variable(guarded: Guarded) -> None:
    done = guarded.shell("curl -sS http://a.example.com/one; env -i PATH=$PATH curl -sS http://b.example.com/two")
    assert "gate saw GET http://a.example.com/one" in done.stdout
    assert "gate saw GET /two" in done.stdout


@pytest.mark.parametrize("address", ["8.8.8.8", "169.254.169.254", "10.0.0.1", "[2606:4700:4700::1111]"])
def test_an_address_literal_is_unreachable(guarded: Guarded, address: str) -> None:
    done = guarded.shell(f"curl --noproxy '*' -sS -m 5 http://{address}/")
    assert done.returncode == 7
    assert guarded.plane.requests == []


def test_the_hosts_own_services_are_not_on_127_0_0_1(guarded: Guarded) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = guarded.shell(f"curl -sS -m 5 http://127.0.0.1:{port}/")
    assert done.returncode == 7


def test_the_applications_own_servers_work_on_localhost(guarded: Guarded) -> None:
    done = guarded.shell(
        "echo hello > page; python3 -m http.server 5432 --bind 127.0.0.1 >/dev/null 2>&1 &"
        "for i in $(seq 100); do curl -s http://localhost:5432/page && exit; sleep 0.05; done; exit 1"
    )
    assert (done.stdout, done.returncode) == ("hello\n", 0)


def test_an_application_on_all_addresses_does_not_answer_for_the_internet(guarded: Guarded) -> None:
    done = guarded.shell(
        "python3 -m http.server 3000 --bind 0.0.0.0 >/dev/null 2>&1 &"
        "for i in $(seq 100); do curl -s http://localhost:3000/ >/dev/null && break; sleep 0.05; done;"
        "curl --noproxy '*' -sS -m 3 http://8.8.8.8:3000/"
    )
    assert done.returncode == 7


def test_names_resolve_into_the_fake_pool_and_single_labels_do_not(guarded: Guarded) -> None:
    done = guarded.python(
        "import socket\n"
        "print(socket.getaddrinfo('api.example.com', 443)[0][4][0])\n"
        "try: socket.getaddrinfo('database', 5432)\n"
        "except socket.gaierror as e: print('no')\n"
    )
    address, missing = done.stdout.split()
    assert address.startswith("198.18.")
    assert missing == "no"


def test_a_replaced_variable_keeps_its_name_and_host_sockets_lose_theirs(guarded: Guarded) -> None:
    guarded.environment |= {"DEPLOY_TOKEN": "the-real-value", "MAX_TOKENS": "4096", "SSH_AUTH_SOCK": "/tmp/agent"}
    guarded.plane.replace = {"DEPLOY_TOKEN": "yett_placeholder"}
    done = guarded.shell("env -0 | tr '\\0' '\\n'")
    assert "DEPLOY_TOKEN=yett_placeholder\n" in done.stdout
    assert "MAX_TOKENS=4096\n" in done.stdout
    assert "SSH_AUTH_SOCK" not in done.stdout
    assert "the-real-value" not in done.stdout


def test_the_real_value_is_in_no_process_of_the_sandbox(guarded: Guarded) -> None:
    guarded.environment["DEPLOY_TOKEN"] = "the-real-value"
    guarded.plane.replace = {"DEPLOY_TOKEN": "yett_placeholder"}
    done = guarded.shell("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")
    assert "yett_placeholder" in done.stdout
    assert "the-real-value" not in done.stdout


def test_the_small_program_inside_speaks_to_the_sessions_own_socket(guarded: Guarded) -> None:
    done = guarded.shell("yett holds && yett ask h1 because it must")
    assert done.stdout == "heard holds\nheard ask\n"
    assert guarded.plane.asked[1] == {"verb": "ask", "hold": "h1", "reason": "because it must"}


@pytest.mark.parametrize("verb", ["approve", "run", "secret", "policy", "lockdown"])
def test_operator_verbs_are_not_available_inside(guarded: Guarded, verb: str) -> None:
    done = guarded.run("yett", verb)
    assert done.returncode == 2
    assert "operator commands are not available inside" in done.stderr


def test_a_run_from_a_folder_below_sees_the_whole_repository(guarded: Guarded) -> None:
    subprocess.run(["git", "init", "-q"], cwd=guarded.workspace, check=True)
    (guarded.workspace / "lib").mkdir()
    (guarded.workspace / "top").write_text("from above\n")
    done = guarded.shell("pwd; cat ../top", cwd=guarded.workspace / "lib")
    assert done.stdout == f"{guarded.workspace}/lib\nfrom above\n"


def test_a_workspace_that_holds_the_home_is_refused(guarded: Guarded) -> None:
    done = guarded.run("true", cwd=guarded.home)
    assert done.returncode == 125
    assert "home or system directory" in done.stderr


def test_the_daemons_death_is_said_and_the_command_goes_on(guarded: Guarded, plane: ControlPlane) -> None:
    running = guarded.start("bash", "-c", "echo ready; read line; echo $line", stdin=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()
    plane.hang_up()
    assert running.stderr is not None
    assert "the daemon is gone" in running.stderr.readline()
    out, _ = running.communicate("still here\n", timeout=20)
    assert out == "still here\n"
    assert running.returncode == 0


def _is_still(path: Path) -> bool:
    before = path.stat().st_size
    time.sleep(0.2)
    return path.stat().st_size == before


def test_the_opening_message_is_one_json_line(guarded: Guarded) -> None:
    guarded.run("true")
    json.dumps(guarded.plane.opened[0])
