"""The command line of `yett run`. Not argparse: importing it costs a sixth of the time a run may take to start."""

from __future__ import annotations

from typing import NamedTuple

from yett.model.errors import ConfigurationError

USAGE = (
    "usage: yett run [--task TEXT] [--env NAME] [--database NAME] [--strict] [--observe] [--host-port N]..."
    " [--] COMMAND..."
)


class Options(NamedTuple):
    """What the person asked for. `environment` None means that the task named none."""

    command: tuple[str, ...]
    task: str = ""
    environment: str | None = None
    observe: bool = False
    host_ports: tuple[int, ...] = ()
    strict: bool = False
    database: str = ""


def parse(arguments: list[str]) -> Options:
    """Read options up to `--` or the first word that is no option; the rest is the command, untouched.

    Raises:
        ConfigurationError: an unknown option, a missing value, a port that is none, or no command.
    """
    words = list(arguments)
    options = Options(())
    while words and words[0].startswith("-") and words[0] != "--":
        options = _take(words, options)
    if words and words[0] == "--":
        words.pop(0)
    if not words:
        raise ConfigurationError("yett run was given no command.", USAGE)
    return options._replace(command=tuple(words))


def _take(words: list[str], options: Options) -> Options:
    name, equals, attached = words.pop(0).partition("=")
    if name == "--observe" and not equals:
        return options._replace(observe=True)
    if name == "--strict" and not equals:
        return options._replace(strict=True)
    if name not in ("--task", "--env", "--database", "--host-port"):
        raise ConfigurationError(f"yett run does not know the option {name}.", USAGE)
    if not equals and not words:
        raise ConfigurationError(f"The option {name} needs a value.", USAGE)
    value = attached if equals else words.pop(0)
    if name == "--task":
        return options._replace(task=value)
    if name == "--env":
        return options._replace(environment=value)
    if name == "--database":
        return options._replace(database=value)
    return options._replace(host_ports=(*options.host_ports, _port(value)))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise ConfigurationError(f"--host-port {text!r} is not a port number.", "Give a number from 1 to 65535.")
    return int(text)
