"""Files of commands and variables: a shell's start files, scripts, crontabs, units, Dockerfiles, Makefiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.command_secrets import TELLING, in_shell
from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.named_values import named_secret
from yett.inventory.formats.parser import hits
from yett.inventory.formats.shell_words import LONGEST_LINE
from yett.inventory.formats.word import Found
from yett.inventory.hit import Hit

_LINE = re.compile(rb"[^\n]*+(?:(?<=\\)\n[^\n]*+|(?<=\\\r)\n[^\n]*+)*+")
_SPACED = re.compile(
    rb"[ \t]*+(?:(?:export|override|global|set|setq|let)[ \t]+)?"
    rb"(?P<name>[A-Za-z_][\w.-]{1,100}+)[ \t]*(?:[:?+]|::)?=[ \t]+"
    rb"(?P<quote>[\"']?)(?P<value>[^\s\"'#][^\r\n\"'#]{2,2000})"
)


def shell_text(content: bytes, start: int = 0, end: int | None = None) -> Iterator[Found]:
    """Of each line, with those that a backslash joins to it, the credentials of its commands. Comments count."""
    end = len(content) if end is None else end
    for found in _LINE.finditer(content, start, end):
        first, last = found.span()
        if first == last or last - first > LONGEST_LINE or not TELLING.search(content, first, last):
            continue
        if spaced := _SPACED.match(content, first, last):
            yield from _spaced(spaced)
        yield from in_shell(content, first + _comment(content, first, last), last)


def _spaced(found: re.Match[bytes]) -> Iterator[Found]:
    """NAME = value, as make and units allow it."""
    value = found["value"].rstrip()
    start = found.start("value")
    entry = Entry((found["name"].decode("ascii"),), value.decode("utf-8", "replace"), start, start + len(value))
    yield from named_secret(entry)


def _comment(content: bytes, start: int, end: int) -> int:
    """A password in a comment was a password."""
    line = content[start : min(end, start + 100)]
    return len(line) - len(line.lstrip(b" \t#"))


def _shell(name: str, what: str, *homes: str, names: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> Format:
    kind, title = name, f"credential in {what}"

    def parse(content: bytes) -> Iterator[Hit]:
        real = ((entry, account) for entry, account in shell_text(content) if entry.is_real)
        yield from hits(real, kind, title)

    return Format(kind, title, "password", parse, names, paths, homes)


_START = (
    *(
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_aliases",
        ".bash_logout",
        ".bashrc.local",
        ".profile",
        ".zshrc",
    ),
    *(".zshenv", ".zprofile", ".zlogin", ".zshrc.local", ".kshrc", ".cshrc", ".tcshrc", ".login", ".xprofile"),
    *(".xsessionrc", ".xinitrc", ".exports", ".aliases", ".extra", ".functions", ".path", ".env.sh"),
)

FORMATS = (
    _shell(
        "shell-start",
        "a shell's start file",
        *(f"~/{name}" for name in _START),
        "~/.config/fish/config.fish",
        "~/.config/fish/conf.d/*.fish",
        "~/.config/fish/fish_variables",
        "~/.config/zsh/.zshrc",
        "~/.config/zsh/.zshenv",
        "~/.config/environment.d/*.conf",
        "~/.config/powershell/*.ps1",
        "~/.oh-my-zsh/custom/*.zsh",
        "~/.pam_environment",
        "~/.envrc",
        "~/.config/direnv/direnvrc",
        names=(*_START, "config.fish", ".envrc", ".pam_environment"),
        paths=("etc/environment", "etc/profile", "etc/bash.bashrc", "etc/profile.d/*.sh", "etc/default/*"),
    ),
    _shell(
        "shell-script",
        "a script",
        "~/bin/*.sh",
        "~/.local/bin/*.sh",
        names=("*.sh", "*.bash", "*.zsh", "*.fish", "*.ksh"),
    ),
    _shell(
        "crontab",
        "a crontab",
        names=("crontab", "crontab.txt", "*.crontab"),
        paths=("etc/cron.d/*", "spool/cron/*", "cron/crontabs/*"),
    ),
    _shell(
        "systemd-unit",
        "a systemd unit",
        "~/.config/systemd/user/*.service",
        "~/.config/systemd/user/*.service.d/*.conf",
        names=("*.service",),
        paths=("*.service.d/*.conf", "systemd/system.conf", "systemd/user.conf"),
    ),
    _shell("dockerfile", "a Dockerfile", names=("dockerfile", "dockerfile.*", "*.dockerfile", "containerfile")),
    _shell("procfile", "a Procfile", names=("procfile", "procfile.*")),
    _shell("makefile", "a Makefile", names=("makefile", "gnumakefile", "*.mk", "justfile", "vagrantfile")),
)
