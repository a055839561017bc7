"""`yett undo`: list what can be brought back, look at it, check it, bring it back, let old ones go."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from yett.cli import show as showing
from yett.cli.operator import call

Row = dict[str, Any]  # Any: JSON of the verb
COLUMNS = [
    ("id", "UNDO"),
    ("age", "AGE"),
    ("purpose", "TASK"),
    ("what", "WHAT"),
    ("resource", "RESOURCE"),
    ("size", "SIZE"),
    ("where", "WHERE"),
    ("act", "ACT"),
    ("verified", "VERIFIED"),
    ("expires", "EXPIRES"),
]
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def register(app: typer.Typer) -> None:
    app.command("list", help="Undos that Yett keeps.\n\nExample: yett undo list")(list_)
    app.command("show", help="All that is known of one.\n\nExample: yett undo show u-3f2a")(show)
    app.command(
        "verify", help="Read one, or all, from end to end: is it what was written?\n\nExample: yett undo verify u-3f2a"
    )(verify)
    app.command("apply", help="Bring one back; asks for your key.\n\nExample: yett undo apply u-3f2a")(apply)
    app.command(
        "prune", help="Let go of those whose time is over, and of what crashes left.\n\nExample: yett undo prune"
    )(prune)


def list_(as_json: showing.AsJson = False) -> None:
    found = call("undo.list")["undos"]
    showing.rows(found if as_json else [_said(row) for row in found], COLUMNS, as_json, "There is no undo yet.")


def show(undo: str, as_json: showing.AsJson = False) -> None:
    row = call("undo.show", undo=undo)["undo"]
    if as_json:
        print(json.dumps(row, indent=1))
        return
    said = _said(row)
    names = ("id", "resource", "what", "purpose", "task", "hold", "how", "size", "where", "act")
    facts = {name: said[name] for name in names}
    facts |= {name: _day(row[f"{name}_at"]) for name in ("made", "verified", "checked", "applied", "expires")}
    showing.facts({**facts, "does not cover": row["gaps"]}, as_json=False)


def verify(
    undo: Annotated[str, typer.Argument(help="Which one; all if none is named.")] = "",
    as_json: showing.AsJson = False,
) -> None:
    checked = call("undo.verify", undo=undo)["checked"]
    columns = [("id", "UNDO"), ("good", "GOOD"), ("bytes", "BYTES"), ("why", "WHY")]
    showing.rows(checked, columns, as_json, "There is no undo to read.")
    if not all(row["good"] for row in checked):
        raise typer.Exit(1)


def apply(undo: str) -> None:
    answer = call("undo.apply", undo=undo)
    if "sign" in answer:
        if answer["applied_at"]:
            print(f"{undo} was brought back already, {_day(answer['applied_at'])}: this does it again")
        print(f"Sign to bring it back: {answer['sign']}\nwaiting ... (Ctrl-C: nothing is brought back)", flush=True)
        answer = call("undo.wait", act=answer["act"], undo=undo)
    showing.lines(answer["lines"])


def prune(as_json: showing.AsJson = False) -> None:
    pruned = call("undo.prune")
    if as_json:
        print(json.dumps(pruned, indent=1))
    else:
        showing.lines([f"{undo} is gone: its time was over" for undo in pruned["removed"]])
        showing.lines([f"{undo} stays: its hold is still open" for undo in pruned["needed"]])
        showing.lines([f"{row['id']} could not be removed: {row['why']}" for row in pruned["failed"]])
        print(f"{len(pruned['removed'])} removed, {pruned['swept']} leftovers swept.")
    if pruned["failed"]:
        raise typer.Exit(1)


def _said(row: Row) -> Row:
    now = time.time_ns()
    expires = row["expires_at"]
    return {
        **row,
        "age": _span(now - row["made_at"]),
        "size": _size(row["size"]),
        "what": " ".join(str(one) for one in (row["what"], row["rows"]) if one),
        "where": row["store"],
        "act": _act(row),
        "verified": "yes" if row["verified_at"] else "NO",
        "expires": "never" if expires is None else "over" if expires <= now else f"in {_span(expires - now)}",
    }


def _act(row: Row) -> str:
    """What is known of the act that it undoes, or of bringing it back."""
    if row["applying"]:
        return "undone? the database is being asked"
    if row["applied_at"]:
        return "undone"
    if row["became"] == "unknown":
        return "UNKNOWN: look in the database whether it took effect"
    plain = row["expires_at"] is None  # a folder of its own: its provider's code made it, and nobody can be asked
    return "done" if row["became"] or plain else "not known yet"


def _span(nanoseconds: int) -> str:
    seconds = max(0, nanoseconds // 10**9)
    for step, unit in _STEPS:
        if seconds >= step:
            return f"{seconds // step} {unit}"
    return f"{seconds} s"


def _size(count: int) -> str:
    for step, unit in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def _day(nanoseconds: int | None) -> str:
    return "never" if nanoseconds is None else f"{datetime.fromtimestamp(nanoseconds // 10**9, UTC):%Y-%m-%d %H:%M UTC}"
