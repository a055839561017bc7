"""First program of an interactive sandbox: makes the terminal inside, starts the command on it, does job control.

It stands alone: the launcher copies it into the sandbox, so it imports nothing of Yett. The terminal has to be made
here, not outside: `tty`, tmux, gpg and screen look theirs up in the /dev/pts that they see. And the command's process
group needs a parent of its own session in another group, or the kernel drops every Ctrl-Z (an orphaned group).

Arguments: the socket to the supervisor, which of the descriptors 0, 1, 2 become the terminal ("012"), the command.
To the supervisor: the terminal's master descriptor, then b"S" whenever the command has stopped.
From it: b"G" start, b"C" continue, b"K" and a signal's number: send that signal.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import signal
import socket
import sys
import termios


def main() -> int:
    supervisor = socket.socket(fileno=int(sys.argv[1]))
    supervisor.set_inheritable(False)
    os.setsid()
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))
    supervisor.sendmsg([b"M"], [rights])
    os.close(master)
    if supervisor.recv(1) != b"G":
        return 125
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    child = start(slave, sys.argv[2], sys.argv[3:])
    return watch(child, slave, supervisor, wake_read)


def start(slave: int, terminal_descriptors: str, command: list[str]) -> int:
    child = os.fork()
    if child:
        lead(slave, child)
        return child
    lead(slave, os.getpid())
    for descriptor in terminal_descriptors:
        os.dup2(slave, int(descriptor))
    for number in (signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"yett: {command[0]}: {error.strerror}\n")
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def lead(slave: int, child: int) -> None:
    """Give the child its own process group, in the foreground. Both sides do it: neither may be too late."""
    with contextlib.suppress(OSError):  # the other side was first, and the child has already started its program
        os.setpgid(child, child)
    os.tcsetpgrp(slave, child)


def watch(child: int, slave: int, supervisor: socket.socket, woken: int) -> int:
    """Until the command ends; its exit status, 128 + signal if one ended it."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            supervisor.send(b"S")
        elif pid:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        ready, _, _ = select.select([woken, supervisor.fileno()], [], [])
        if woken in ready:
            os.read(woken, 4096)
        if supervisor.fileno() in ready:
            obey(supervisor.recv(1), child, slave, supervisor)


def obey(order: bytes, child: int, slave: int, supervisor: socket.socket) -> None:
    if order == b"C":
        os.tcsetpgrp(slave, child)
        os.killpg(child, signal.SIGCONT)
    elif order == b"K":
        os.kill(child, supervisor.recv(1)[0])
    elif not order:
        os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
