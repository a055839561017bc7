"""How a command that failed says so: two lines on standard error, and status 1."""

from __future__ import annotations

import sys
from collections.abc import Callable

from yett.model.errors import YettError

_SCANS = frozenset({"scan", "blast", "baseline", "install-git-hook", "watch-files"})
"""Verbs whose errors name what was found somewhere: a file may be named like a credential."""


def status_of(command: Callable[[], int]) -> int:
    """The command's own status, or that of an error of ours."""
    try:
        return command()
    except YettError as error:
        return _failed(error.what, error.remedy)
    except BrokenPipeError:
        return 1  # whoever read the output has seen enough
    except OSError as error:  # of files that a person named
        named = f"{error.filename}: " if error.filename else ""
        return _failed(f"{named}{error.strerror or error}")
    except UnicodeDecodeError:
        return _failed("a file that was named is no text", "it must be UTF-8")
    except KeyboardInterrupt:
        return 130


def _failed(what: str, remedy: str = "") -> int:
    print(f"yett: {_said(what)}", file=sys.stderr)
    if remedy:
        print(f"      {_said(remedy)}", file=sys.stderr)
    return 1


def _said(text: str) -> str:
    from yett.cli.show import safe

    if not _SCANS.isdisjoint(sys.argv[1:2]):
        from yett.inventory.unsaid import unsaid

        text = unsaid(text)
    return safe(text)
