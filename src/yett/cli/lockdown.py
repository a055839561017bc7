"""`yett lockdown`: stop everything, now."""

from __future__ import annotations

from typing import Annotated

import typer

from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command(
        "lockdown",
        help="Close the gate (on), or open it with your key (off).\n\nExample: yett lockdown on",
    )(lockdown)


def lockdown(
    state: Annotated[str, typer.Argument(help="on or off")],
    agent: Annotated[str, typer.Option(help="Only this agent.")] = "",
    why: Annotated[str, typer.Option(help="Written into the ledger.")] = "",
) -> None:
    scope = f"agent:{agent}" if agent else "*"
    if state == "on":
        call("lockdown.on", scope=scope, why=why)
        print("The gate is closed: every operation is refused and open connections were ended.")
    elif state == "off":
        print(f"Sign to open the gate: {call('lockdown.off', scope=scope)['sign']}")
    else:
        raise typer.BadParameter("on or off")
