"""`yett undo`: list what can be brought back, and bring it back."""

from __future__ import annotations

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command("list", help="Undos that Yett keeps.\n\nExample: yett undo list")(list_)
    app.command("apply", help="Bring one back; asks for your key.\n\nExample: yett undo apply u-3f2a")(apply)


def list_(as_json: show.AsJson = False) -> None:
    columns = [("id", "UNDO"), ("resource", "RESOURCE"), ("how", "HOW"), ("rows", "ROWS")]
    show.rows(call("undo.list")["undos"], columns, as_json, "There is no undo yet.")


def apply(undo: str) -> None:
    answer = call("undo.apply", undo=undo)
    if "sign" in answer:
        print(f"Sign to bring it back: {answer['sign']}\nwaiting ...", flush=True)
        answer = call("undo.wait", act=answer["act"], undo=undo)
    show.lines(answer["lines"])
