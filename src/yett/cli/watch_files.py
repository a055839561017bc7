"""`yett watch-files`: one line for every credential that appears in a workspace, until Ctrl-C."""

from __future__ import annotations

import os
import time
from pathlib import Path

import typer

from yett.cli import show
from yett.cli.inventory import SHORT, root_of
from yett.cli.operator import Answer, stream
from yett.model.errors import YettError
from yett.model.visible import visible


def register(app: typer.Typer) -> None:
    app.command(
        "watch-files",
        help="Say within seconds which credentials are written into a workspace.\n\nExample: yett watch-files .",
    )(watch_files)


def watch_files(path: show.Workspace = Path()) -> None:
    from yett.inventory.unsaid import unsaid

    for message in stream("inventory.watch", workspace=root_of(path), environ=dict(os.environ)):
        if "error" in message:
            raise YettError(str(message["error"]), str(message.get("remedy", "")))
        print(visible(unsaid(_line(message))), flush=True)  # one line: a file's name may hold line feeds
    raise YettError("the daemon stopped watching", "see yett status")


def _line(message: Answer) -> str:
    if "watching" in message:
        return f"watching {message['watching']}: {message['credentials']} credentials so far"
    if "found" not in message:
        return str(message["line"])
    found = message["found"]
    ends = f" ending in {found['last_four']}" if found["last_four"] else ""
    where = found["where"].replace(found["workspace"] + "/", "")
    said = f"{found['severity']}: {found['title']}{ends} in {where}"
    return f"{time.strftime('%H:%M:%S')} {said}  {found['fingerprint'][:SHORT]}"
