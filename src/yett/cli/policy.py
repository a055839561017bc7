"""`yett policy`: check it before it counts, explain what it decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call
from yett.model.errors import YettError


def register(app: typer.Typer) -> None:
    app.command("check", help="Check policy files before they count.\n\nExample: yett policy check ./policy")(check)
    app.command(
        "sign",
        help="Have a policy file signed that lets agents do more.\n\nExample: yett policy sign ./policy/eu.yaml",
    )(sign)
    app.command(
        "explain",
        help="Why something would pass, wait or be refused.\n\n"
        "Example: yett policy explain --effect delete --place production",
    )(explain)


def sign(file: Path) -> None:
    """Put a widening file before people; it counts once they have signed it."""
    text = file.read_text()
    answer = call("policy.sign", name=file.name, text=text)
    print(f"Sign it: {answer['sign']}\nwaiting ...", flush=True)
    call("policy.wait", act=answer["act"], name=file.name, text=text)
    print(f"{file.name} is signed and counts from now on")


def check(folder: Path) -> None:
    from yett.policy import check as check_folder

    if not folder.is_dir():
        raise YettError(f"{folder} is no folder", "name the folder that the policy files lie in")
    problems = check_folder(folder)
    for problem in problems:
        place = f"{problem.file}{f', rule {problem.rule}' if problem.rule else ''}"
        what = problem.what.removeprefix(f"{problem.file}: ")
        show.lines([f"{place}: {what}", f"  {problem.remedy}"])
    if any(problem.refused for problem in problems):
        raise typer.Exit(1)
    print(f"{folder}: every rule loads")


def explain(
    effect: Annotated[str, typer.Option(help="read, write, delete, admin or unknown")] = "delete",
    place: Annotated[str, typer.Option(help="task, production or elsewhere")] = "task",
    irreversible: Annotated[bool, typer.Option(help="Nothing would be left.")] = False,
    undo: Annotated[str, typer.Option(help="none, possible or verified")] = "possible",
    as_json: show.AsJson = False,
) -> None:
    answer = call("policy.explain", effect=effect, place=place, irreversible=irreversible, undo=undo)
    if as_json:
        show.facts(answer, as_json=True)
        return
    print(answer["verdict"] + (f", owing {', '.join(answer['obligations'])}" if answer["obligations"] else ""))
    for reason in answer["because"]:
        print(f"  because {reason}")
    for change in answer["would_be"]:
        print(f"  would be {change}")
