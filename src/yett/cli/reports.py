"""`yett status`, `yett report`, `yett why`: what is going on, and what happened."""

from __future__ import annotations

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command("status", help="The control plane at a glance.\n\nExample: yett status --json")(status)
    app.command("report", help="What passed, waited and was refused.\n\nExample: yett report")(report)
    app.command("why", help="The last refusal, explained.\n\nExample: yett why")(why)


def status(as_json: show.AsJson = False) -> None:
    show.facts(call("status", start=False), as_json)


def report(as_json: show.AsJson = False) -> None:
    columns = [
        ("session", "SESSION"),
        ("agent", "AGENT"),
        ("passed", "PASSED"),
        ("held", "HELD"),
        ("refused", "REFUSED"),
        ("would_hold", "WOULD HOLD"),
        ("alarms", "ALARMS"),
    ]
    show.rows(call("report", start=False)["sessions"], columns, as_json, "No agent has run yet.")


def why(as_json: show.AsJson = False) -> None:
    answer = call("why", start=False)
    if as_json:
        show.facts(answer, as_json=True)
        return
    refusal = answer.get("refusal")
    if not refusal:
        print("Nothing was refused since the daemon started.")
        return
    show.lines([refusal["summary"], f"  {refusal['reason']}", f"  {refusal['ask']}"])
    show.lines(f"  would be {change}" for change in refusal["would_be"])
