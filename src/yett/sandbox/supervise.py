"""Start the sandbox and stay with it: signals, terminal, listeners, masked files, until the command ends."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping

from yett.model.visible import visible
from yett.sandbox import mounts, notify, remount, seccomp
from yett.sandbox.channel import Channel
from yett.sandbox.keeper import Keeper
from yett.sandbox.loop import Loop
from yett.sandbox.machines import Machine
from yett.sandbox.masks import Masks
from yett.sandbox.process import Sandbox
from yett.sandbox.terminal import Terminal, terminal_descriptors

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Supervision:
    """One running sandbox."""

    def __init__(self, machine: Machine, channel: Channel, keeper: Keeper, masks: Masks, say: Callable[[str], None]):
        self._machine = machine
        self._channel = channel
        self._keeper = keeper
        self._masks = masks
        self._say = say
        self._loop = Loop()

    def run(self, view: mounts.View, command: tuple[str, ...], variables: Mapping[str, str]) -> int:
        """From start to end; the exit status as a shell has it."""
        descriptors = terminal_descriptors()
        terminal = Terminal(self._loop, descriptors) if descriptors else None
        data = mounts.Data()
        words = [*mounts.arguments(view, data), "--seccomp", str(data(seccomp.session_filter(self._machine)))]
        passed = list(data.descriptors)
        if terminal:
            passed.append(terminal.stub_end.fileno())
            command = terminal.through_stub(command)
        sandbox = Sandbox(words, command, variables, passed, self._before(terminal))
        data.close()
        self._watch(sandbox, terminal)
        try:
            self._loop.run()
        finally:
            if terminal:
                terminal.finish()
        return sandbox.wait()

    def _watch(self, sandbox: Sandbox, terminal: Terminal | None) -> None:
        loop = self._loop
        loop.watch(sandbox.descriptor, loop.stop)
        loop.watch(self._keeper.fileno(), self._serve_keeper)
        loop.watch(self._channel.fileno(), self._daemon_gone)
        if self._masks.descriptor >= 0:
            loop.watch(self._masks.descriptor, lambda: self._cover_again(sandbox))
        for number in _FORWARDED:
            loop.on_signal(number, terminal.forward if terminal else sandbox.signal)
        if terminal:
            terminal.attach_when_ready()
        else:
            loop.on_signal(signal.SIGTSTP, lambda number: _suspend(sandbox))

    def _cover_again(self, sandbox: Sandbox) -> None:
        for file in self._masks.take_events():
            covered = remount.lay_over(self._machine, sandbox.init_pid, file.copy, file.path)
            self._masks.keep_inside(file)
            if not covered:
                sandbox.kill()
                self._say(
                    f"{visible(file.path)} was replaced outside and could not be masked again: the run was ended."
                )
                return
            self._say(
                f"{visible(file.path)} was replaced outside. This run keeps the masked version that it had, "
                "and its edits of it stay inside."
            )

    def _before(self, terminal: Terminal | None) -> Callable[[], None]:
        """What the child does before it becomes bubblewrap."""
        notifier = self._notifier()

        def steps() -> None:
            if terminal:
                terminal.step_back()
            if notifier:
                notifier()

        return steps

    def _notifier(self) -> Callable[[], None] | None:
        """What the child does before it becomes bubblewrap, if there are files that are mounts."""
        masks = self._masks
        if not masks.places and not masks.folders:
            return None
        calls = (notify.RENAMES if masks.places else ()) + (notify.FOLDER_REMOVALS if masks.folders else ())
        calls += notify.REMOVALS if masks.any_removable else ()
        mine, theirs = socket.socketpair()
        self._loop.watch(mine.fileno(), lambda: self._take_listener(mine))
        return lambda: notify.install(self._machine, calls, theirs)

    def _take_listener(self, mine: socket.socket) -> None:
        _, descriptors, _, _ = socket.recv_fds(mine, 1, 1)
        self._loop.forget(mine.fileno())
        if not descriptors:
            return
        listener = notify.Listener(
            self._machine, descriptors[0], self._masks.places, self._masks.folders, self._masks.replacements()
        )
        self._loop.watch(descriptors[0], lambda: None if listener.serve_ready() else self._loop.forget(descriptors[0]))

    def _serve_keeper(self) -> None:
        if not self._keeper.serve_ready():
            self._loop.forget(self._keeper.fileno())

    def _daemon_gone(self) -> None:
        self._loop.forget(self._channel.fileno())
        self._say("the daemon is gone: nothing leaves this sandbox any more. Save your work and start the run again.")


def _suspend(sandbox: Sandbox) -> None:
    """Ctrl-Z on a job without a terminal inside: stop with it, go on with it."""
    import os

    sandbox.signal_all(signal.SIGSTOP)
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, lambda number, frame: None)
    sandbox.signal_all(signal.SIGCONT)
