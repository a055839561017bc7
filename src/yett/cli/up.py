"""`yett up` and `yett init`: the control plane, and the first questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yett.cli.operator import call
from yett.daemon.settings import default_home

Home = Annotated[Path | None, typer.Option("--home", help="Where Yett keeps its state. Default: $YETT_HOME.")]


def register(app: typer.Typer) -> None:
    app.command("up", help="Run the control plane, the gate and the pages.\n\nExample: yett up")(up)
    app.command("init", help="Set up: environments, and your first key.\n\nExample: yett init")(init)


def up(
    home: Home = None,
    port: Annotated[int | None, typer.Option(help="Port of the page on localhost.")] = None,
    background: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    from yett.daemon.main import serve  # the daemon's imports are heavy; no other verb pays for them

    serve((home or default_home()).absolute(), port, quiet=background)


def init(
    production: Annotated[
        str | None, typer.Option(help="Names of your production environments, separated by commas.")
    ] = None,
    lost_keys: Annotated[
        bool, typer.Option("--lost-keys", help="Start over with keys: forgets them all, marks the ledger.")
    ] = False,
) -> None:
    """One question on environments; then where to enrol the first key."""
    if lost_keys:
        typer.confirm("Forget every key, cancel everything that waits, and mark the ledger?", abort=True)
        fresh = call("keys.reinitialise")
        print(f"Enrol a new first key at {fresh['url']}\n  code: {fresh['code']} (15 minutes, one use)")
        return
    status = call("status")
    proposed = call("environments.propose")["environments"]
    if proposed:
        names = ", ".join(sorted({row["name"] for row in proposed}))
        print(f"Yett sees these environments: {names}")
    else:
        print("Yett sees no environment yet, so all count as production. Give it a credential to look with,")
        print("then run yett init again: yett secret add railway-own --provider railway --own")
    if proposed and production is None:
        production = typer.prompt("Which are production? (names, separated by commas)", default="production")
    wanted = {name.strip() for name in (production or "").split(",") if name.strip()}
    if proposed:
        answer = call("environments.set", production=sorted(wanted))
        print(f"Sign the map: {answer['sign']}" if "sign" in answer else "The map is unchanged.")
    if not status["people"]:
        code = call("keys.code")
        print(f"Enrol your first key at {code['url']}\n  code: {code['code']} (15 minutes, one use)")
