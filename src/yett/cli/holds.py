"""`yett holds`: what waits for a person."""

from __future__ import annotations

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.callback(
        invoke_without_command=True,
        help="What waits for a person: operations, and acts to sign.\n\nExample: yett holds show h-3f2a",
    )(list_)
    app.command(
        "show",
        help="Everything about one hold or act, with the words to compare.\n\nExample: yett holds show h-3f2a",
    )(show_)
    app.command("deny", help="Refuse one; no key is needed to narrow.\n\nExample: yett holds deny h-3f2a")(deny)


def list_(context: typer.Context, as_json: show.AsJson = False) -> None:
    if context.invoked_subcommand is None:
        columns = [
            ("id", "HOLD"),
            ("state", "STATE"),
            ("summary", "OPERATION"),
            ("agent", "AGENT"),
        ]
        found = call("holds.list")["holds"]
        show.rows(found, columns, as_json, "Nothing waits.")
        if found and not as_json:
            print(f"\nAnswer at {found[0]['url'].rsplit('/', 2)[0]}/, or read one here: yett holds show HOLD")


def show_(hold: str, as_json: show.AsJson = False) -> None:
    answer = call("holds.show", hold=hold)
    if as_json:
        show.facts(answer["hold"], as_json=True)
    else:
        show.lines(answer["words"])


def deny(hold: str, why: str = "") -> None:
    call("holds.deny", hold=hold, why=why)
    print(f"denied {hold}")
