"""`yett run`: open a session at the daemon, build the sandbox, start the command in it, stay until it ends.

The supervisor stays alive for the whole run: it holds the connection whose end is the session's end, makes listeners
for the daemon, owns the terminal, and clears up. When it dies, bubblewrap and everything inside die with it.
"""

from __future__ import annotations

import os
import signal
import sys

from yett.model.errors import YettError
from yett.sandbox import arguments, clients, environment, home, keeper, machines, mounts, namespace, seccomp, workspace
from yett.sandbox.channel import Channel, DaemonGone, Message, state_directory
from yett.sandbox.loop import Loop
from yett.sandbox.process import Sandbox
from yett.sandbox.terminal import Terminal, terminal_descriptors

LAUNCH_FAILED = 125
"""Exit status when the command never started; 126 and 127 keep their meaning from the shell."""

NOT_FOUND = 127

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def main(words: list[str]) -> int:
    """Run the command line after `yett run`; the exit status of the command."""
    try:
        return run(arguments.parse(words))
    except YettError as error:
        say(error.diagnostics())
        return LAUNCH_FAILED


def say(line: str) -> None:
    """One notice on the person's terminal, which may be raw."""
    sys.stderr.write("yett: " + line.replace("\n", "\r\n") + ("\r\n" if sys.stderr.isatty() else "\n"))
    sys.stderr.flush()


def run(options: arguments.Options) -> int:
    """Raises YettError: the sandbox could not be built; nothing of the command has run."""
    machine = machines.this_machine()
    if not _is_program(options.command[0]):
        say(f"{options.command[0]}: command not found")
        return NOT_FOUND
    person = os.path.expanduser("~")
    root = workspace.find(os.getcwd(), person)
    state = state_directory()
    channel = Channel(state)
    channel.send(_opening(options, root))
    namespace.enter()
    opened = _answer(channel)
    held = keeper.Keeper(options.host_ports)
    _hand_over(channel, str(opened["session"]), held)
    client = clients.adapt(options.command)
    for notice in (*opened.get("notices", ()), *client.notices):
        say(str(notice))
    view = _view(opened, root, person, workspace.project_directory(state, root))
    variables = environment.compose(opened["environ"], person, client.switches)
    status = _supervise(channel, held, view, client.command, variables, seccomp.session_filter(machine))
    _close(channel, str(opened["session"]), status)
    return status


def _close(channel: Channel, session: str, status: int) -> None:
    """Tell the daemon, and show its summary. If it is gone, that was said already."""
    try:
        answer = channel.call({"verb": "run.end", "session": session, "status": status}, (), say)
    except DaemonGone:
        return
    for line in answer.get("summary", ()):
        say(str(line))


def _opening(options: arguments.Options, root: str) -> Message:
    return {
        "verb": "run.open",
        "task": options.task,
        "environment": options.environment,
        "observe": options.observe,
        "cwd": os.getcwd(),
        "workspace": root,
        "argv": list(options.command),
        "environ": dict(os.environ),
        "uid": os.geteuid(),
        "host_ports": list(options.host_ports),
    }


def _answer(channel: Channel) -> Message:
    while "progress" in (answer := channel.receive()):
        say(str(answer["progress"]))
    return answer


def _hand_over(channel: Channel, session: str, held: keeper.Keeper) -> None:
    """Give the daemon the session's sockets; from here on whatever arrives on them is this session."""
    made = keeper.first_sockets()
    kinds = [kind for kind, _ in made] + ["keeper"]
    sockets = [sock for _, sock in made] + [held.daemon_end]
    channel.call({"verb": "run.sockets", "session": session, "kinds": kinds}, [sock.fileno() for sock in sockets], say)
    for sock in sockets:
        sock.close()


def _view(opened: Message, root: str, person: str, project: str) -> mounts.View:
    masks = tuple(mounts.Laid(mask["masked"], mask["path"]) for mask in opened.get("masks", ()))
    private = os.path.join(project, "home")
    home.prepare(private, person, frozenset(mask.target for mask in masks))
    git = mounts.GitView(**opened["git"]) if opened.get("git") else None
    return mounts.View(root, os.getcwd(), person, private, opened["folder"], opened["ca"], masks, (), git)


def _supervise(
    channel: Channel,
    held: keeper.Keeper,
    view: mounts.View,
    command: tuple[str, ...],
    variables: dict[str, str],
    filter_program: bytes,
) -> int:
    loop = Loop()
    descriptors = terminal_descriptors()
    terminal = Terminal(loop, descriptors) if descriptors else None
    data = mounts.Data()
    words = [*mounts.arguments(view, data), "--seccomp", str(data(filter_program))]
    passed = list(data.descriptors)
    if terminal:
        passed.append(terminal.stub_end.fileno())
        command = ("/run/yett/stub", str(terminal.stub_end.fileno()), descriptors, *command)
    sandbox = Sandbox(words, command, variables, passed)
    data.close()
    loop.watch(sandbox.descriptor, loop.stop)
    loop.watch(held.fileno(), lambda: None if held.serve_ready() else loop.forget(held.fileno()))
    loop.watch(channel.fileno(), lambda: _daemon_spoke(loop, channel))
    for number in _FORWARDED:
        loop.on_signal(number, terminal.forward if terminal else sandbox.signal)
    try:
        if terminal:
            terminal.attach()
        loop.run()
    finally:
        if terminal:
            terminal.finish()
    return sandbox.wait()


def _daemon_spoke(loop: Loop, channel: Channel) -> None:
    loop.forget(channel.fileno())
    say("the daemon is gone: nothing leaves this sandbox any more. Save your work and start the run again.")


def _is_program(name: str) -> bool:
    if "/" in name or name == "yett":
        return True
    return any(os.access(os.path.join(path, name), os.X_OK) for path in os.environ.get("PATH", "").split(":") if path)
