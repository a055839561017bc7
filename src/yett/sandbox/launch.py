"""`yett run`: open a session at the daemon, build the sandbox, start the command in it, stay until it ends.

The supervisor stays alive for the whole run: it holds the connection whose end is the session's end, makes listeners
for the daemon, owns the terminal, and clears up. When it dies, bubblewrap and everything inside die with it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from yett.model.errors import ConfigurationError, YettError
from yett.sandbox import arguments, clients, environment, keeper, machines, namespace, owner, plan, sockets, workspace
from yett.sandbox.channel import Channel, DaemonGone, Message, state_directory
from yett.sandbox.supervise import Supervision

LAUNCH_FAILED = 125
"""Exit status when the command never started; 126 and 127 keep their meaning from the shell."""

NOT_STARTABLE, NOT_FOUND = 126, 127

if TYPE_CHECKING:
    from pathlib import Path

Start = Callable[["Path"], None]


def main(words: list[str], start: Start) -> int:
    """Run the command line after `yett run`; the exit status of the command. `start` starts a daemon for a home."""
    try:
        return run(arguments.parse(words), start)
    except YettError as error:
        say(error.diagnostics())
    except OSError as error:
        say(f"the sandbox could not be built: {error}\n  Run `yett doctor`: it says what this machine lacks.")
    return LAUNCH_FAILED


def leave(status: int) -> NoReturn:
    """End the process as it is: taking the interpreter down in order would cost another 3 ms."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def say(line: str) -> None:
    """One notice on the person's terminal, which may be raw."""
    end = "\r\n" if sys.stderr.isatty() else "\n"
    sys.stderr.write("yett: " + line.replace("\n", end) + end)
    sys.stderr.flush()


def run(options: arguments.Options, start: Start) -> int:
    """Raises YettError: the sandbox could not be built; nothing of the command has run."""
    machine = machines.this_machine()
    place, becoming = _place()
    if status := _unstartable(options.command[0], place):
        return status
    channel = _daemon(place.state, start)
    channel.send(_opening(options, place, becoming))
    opened = _answer(channel)
    if becoming:
        staged = owner.step_down(becoming, opened, place.project, place.root)
        opened, place = staged.opened, place._replace(project=staged.project)
    namespace.enter()
    held = keeper.Keeper((*options.host_ports, *opened.get("ports", ())))
    _hand_over(channel, str(opened["session"]), held)
    client = clients.adapt(options.command)
    for notice in (*opened.get("notices", ()), *client.notices):
        say(str(notice))
    drawn = plan.draw(place, opened, channel, say)
    variables = environment.compose(opened["environ"], place.person, client.switches)
    clients.prepare(options.command, drawn.view.private_home, place.person, os.environ, variables)
    status = Supervision(machine, channel, held, drawn.masks, say).run(drawn.view, client.command, variables)
    plan.settle(drawn, place, say)
    _close(channel, str(opened["session"]), status)
    return status


def _daemon(state: str, start: Start) -> Channel:
    """A connection to the daemon; if none runs, one is started in the background and stays."""
    try:
        return Channel(state)
    except ConfigurationError:
        say("no daemon is running: starting one (yett up)")
        from pathlib import Path

        start(Path(state))
        return Channel(state)


def _place() -> tuple[plan.Place, owner.Owner | None]:
    """Where the run happens, and whom root becomes for it."""
    try:
        directory = os.path.realpath(os.getcwd())
    except FileNotFoundError:
        raise ConfigurationError("The current folder is gone.", "Change into one that exists.") from None
    root = workspace.find(directory, os.path.expanduser("~"))
    becoming = owner.of(root)
    person = becoming.home if becoming else os.path.expanduser("~")
    state = os.path.realpath(state_directory())
    project = workspace.project_directory(state, root)
    return plan.Place(root, directory, person, state, sockets.listening(root), project, project), becoming


def _opening(options: arguments.Options, place: plan.Place, becoming: owner.Owner | None) -> Message:
    return {
        "verb": "run.open",
        "task": options.task,
        "environment": options.environment,
        "observe": options.observe,
        "strict": options.strict,
        "cwd": place.directory,
        "workspace": place.root,
        "argv": list(options.command),
        "environ": {**os.environ, "HOME": place.person},
        "uid": becoming.uid if becoming else os.geteuid(),
        "host_ports": list(options.host_ports),
        "database": options.database,
    }


def _answer(channel: Channel) -> Message:
    while "progress" in (answer := channel.receive()):
        say(str(answer["progress"]))
    return answer


def _hand_over(channel: Channel, session: str, held: keeper.Keeper) -> None:
    """Give the daemon the session's sockets; from here on whatever arrives on them is this session."""
    made = keeper.first_sockets()
    kinds = [kind for kind, _ in made] + ["keeper"]
    given = [sock for _, sock in made] + [held.daemon_end]
    message = {"verb": "run.sockets", "session": session, "kinds": kinds}
    channel.call(message, [sock.fileno() for sock in given], say)
    for sock in given:
        sock.close()


def _close(channel: Channel, session: str, status: int) -> None:
    """Tell the daemon, and show its summary. If it is gone, that was said already."""
    try:
        answer = channel.call({"verb": "run.end", "session": session, "status": status}, (), say)
    except DaemonGone:
        return
    for line in answer.get("summary", ()):
        say(str(line))


def _unstartable(name: str, place: plan.Place) -> int:
    """The shell's status for a command that cannot start, said why; 0 if it may."""
    if "/" not in name:
        return 0 if name == "yett" or _on_path(name) else _refused(f"{name}: command not found", NOT_FOUND)
    path = os.path.realpath(name)
    if not (path + "/").startswith((place.root.rstrip("/") + "/", "/usr/", "/etc/", "/opt/", "/nix/")):
        return 0  # it may be another file inside, or one that only a sandbox has
    if not os.path.exists(path):
        return _refused(f"{name}: no such file", NOT_FOUND)
    if os.path.isdir(path) or not os.access(path, os.X_OK):
        return _refused(f"{name}: not a program that you may start", NOT_STARTABLE)
    return 0


def _on_path(name: str) -> bool:
    return any(os.access(os.path.join(path, name), os.X_OK) for path in os.environ.get("PATH", "").split(":") if path)


def _refused(why: str, status: int) -> int:
    say(why)
    return status
