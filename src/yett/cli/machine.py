"""`yett doctor`, `yett protect`, `yett uninstall`: this machine."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call
from yett.daemon.settings import default_home
from yett.model.errors import YettError


def register(app: typer.Typer) -> None:
    app.command("doctor", help="What this machine lacks, and the one line that mends it.\n\nExample: yett doctor")(
        doctor
    )
    app.command("protect", help="Move found keys into Yett and leave placeholders on disk.\n\nExample: yett protect")(
        protect
    )
    app.command(
        "uninstall", help="Remove everything that Yett keeps here; asks for your key.\n\nExample: yett uninstall"
    )(uninstall)


def doctor(as_json: show.AsJson = False) -> None:
    from yett.sandbox.doctor import examine

    found = [{"what": p.what, "mend": p.mend} for p in examine()]
    show.rows(
        found, [("what", "MISSING"), ("mend", "MEND WITH")], as_json, "Nothing is missing: agents can be guarded here."
    )
    if found:
        raise typer.Exit(1)


def protect(path: str = ".") -> None:
    from pathlib import Path

    answer = call("protect", path=str(Path(path).absolute()))
    show.lines(answer["lines"])


def uninstall(yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False) -> None:
    home = default_home()
    if not home.exists():
        print("There is nothing to remove.")
        return
    try:
        answer = call("uninstall", start=False)
    except YettError:
        answer = {}
    if "sign" in answer:
        print(f"Sign to remove Yett from this machine: {answer['sign']}\nwaiting ...", flush=True)
        call("uninstall.wait", act=answer["act"], start=False)
    if not yes:
        typer.confirm(f"Remove {home} with its ledger, undos and secrets?", abort=True)
    shutil.rmtree(home)
    print(f"removed {home}; nothing of Yett is left but the program itself")
