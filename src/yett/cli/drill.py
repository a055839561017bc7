"""`yett drill`: an incident, replayed with real parts."""

from __future__ import annotations

from typing import Annotated

import typer

from yett.cli import show


def register(app: typer.Typer) -> None:
    app.command("list", help="The drills.\n\nExample: yett drill list")(list_)
    app.command(
        "pocketos",
        help="The founding incident: unguarded, guarded, with a human, and the ledger.\n\nExample: yett drill pocketos",
    )(pocketos)

    app.command(
        "saastr",
        help="An agent with a database task: held, signed, undone to the byte.\n\nExample: yett drill saastr",
    )(saastr)


def list_(as_json: show.AsJson = False) -> None:
    from yett.drills import DRILLS

    show.rows(
        [{"name": name, "about": about} for name, about in DRILLS.items()],
        [("name", "DRILL"), ("about", "ABOUT")],
        as_json,
        "",
    )


def pocketos(
    only: Annotated[list[str] | None, typer.Option(help="Only this attempt of step 2; repeat.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the drill's folder.")] = False,
) -> None:
    from yett.drills.pocketos import run

    raise typer.Exit(run(only=only or [], keep=keep))


def saastr(keep: Annotated[bool, typer.Option(help="Keep the drill's folder.")] = False) -> None:
    from yett.drills.saastr import run

    raise typer.Exit(run(keep=keep))
