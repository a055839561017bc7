"""`yett install-git-hook`: scan what is committed here, before it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yett.cli import show

_HELP = """Scan what is committed here, before it is.

Writes a pre-commit hook (and pre-merge-commit) into this repository; a hook that is there already is kept and runs
after it. `git commit --no-verify` passes a hook, also for an agent: let a pipeline scan too.

Example: yett install-git-hook --pre-push
         yett install-git-hook --uninstall
"""


def register(app: typer.Typer) -> None:
    app.command("install-git-hook", help=_HELP)(install_git_hook)


def install_git_hook(
    pre_push: Annotated[bool, typer.Option("--pre-push", help="Scan what is pushed, too.")] = False,
    for_all: Annotated[bool, typer.Option("--global", help="For all your repositories (core.hooksPath).")] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take it out again.")] = False,
) -> None:
    from yett.inventory import hooks
    from yett.inventory.unsaid import unsaid

    if uninstall:
        said = hooks.uninstall_for_all() if for_all else hooks.uninstall(Path())
    elif for_all:
        said = hooks.install_for_all(push=pre_push)
    else:
        said = hooks.install(Path(), push=pre_push)
    show.lines(map(unsaid, said))
