"""`yett env`: which environment is what."""

from __future__ import annotations

from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command(
        "env",
        help="Show the map of environments, or propose a new one to sign.\n\nExample: yett env --production prod-eu",
    )(env)


def env(
    production: Annotated[list[str] | None, typer.Option(help="Name of a production environment; repeat.")] = None,
    no_production: Annotated[
        bool, typer.Option("--no-production", help="None of them is production; a person signs for that, too.")
    ] = False,
    as_json: show.AsJson = False,
) -> None:
    if production or no_production:
        answer = call("environments.set", production=production or [])
        print(f"Sign the map: {answer['sign']}")
        return
    columns = [("provider", "PROVIDER"), ("id", "ID"), ("name", "NAME"), ("class", "CLASS"), ("signed", "SIGNED")]
    show.rows(
        call("environments.list")["environments"],
        columns,
        as_json,
        "No environment is mapped: all count as production.",
    )
