"""`yett doctor`, `yett protect`, `yett uninstall`: this machine."""

from __future__ import annotations

import fcntl
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call
from yett.daemon.settings import default_home
from yett.model.errors import YettError

STOP_DEADLINE_S = 15

OURS = (
    *("yett.db", "master.key", "log.key", "documents.key", "config.toml", "operator.sock", "daemon.pid", "daemon.log"),
    *("ca", "policy", "projects", "sessions", "undo"),
)
"""How the names in a home begin."""


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


def protect(path: show.Workspace = Path()) -> None:
    answer = call("protect", path=str(path.absolute()))
    show.lines(answer["lines"])


def uninstall(yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False) -> None:
    home = default_home()
    if not home.exists():
        print("There is nothing to remove.")
        return
    _check_ours(home)
    if not yes:
        typer.confirm(f"Remove {home} with its ledger, undos and secrets?", abort=True)
    if (home / "yett.db").exists():
        _stop_daemon(home)
    shutil.rmtree(home)
    print(f"removed {home}; nothing of Yett is left but the program itself")


def _stop_daemon(home: Path) -> None:
    """Stop it with a signature if anyone is enrolled; a home without a daemon starts one to ask."""
    answer = call("uninstall", home=home)
    if "sign" in answer:
        print(f"Sign to remove Yett from this machine: {answer['sign']}\nwaiting ...", flush=True)
        call("uninstall.wait", home=home, act=answer["act"])
    with (home / "daemon.pid").open("a") as lock:
        for _ in range(STOP_DEADLINE_S * 10):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.1)
    raise YettError("the daemon does not stop", f"its log: {home / 'daemon.log'}")


def _check_ours(home: Path) -> None:
    """Raises YettError: the folder holds what Yett did not make, for $YETT_HOME may name any."""
    others = sorted(path.name for path in home.iterdir() if not path.name.startswith(OURS))
    if others:
        named = show.safe(", ".join(others[:5]) + (" ..." if len(others) > 5 else ""))
        raise YettError(f"{home} holds what is not Yett's: {named}", "move that away first")
