"""`yett inventory`: the credentials within reach of agents, who answers for them, and what a person accepted."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from yett.cli import show
from yett.cli.operator import call
from yett.sandbox.workspace import find

SHORT = 12
Fingerprint = Annotated[str, typer.Argument(help="As `yett inventory` lists it; its beginning will do.")]
In = Annotated[Path | None, typer.Option("--workspace", help="Only this workspace.", exists=True)]


def register(app: typer.Typer) -> None:
    app.callback(
        invoke_without_command=True,
        help="Credentials within reach of agents: how bad, where, whose, since when.\n\nExample: yett inventory",
    )(list_)
    app.command("refresh", help="Look through a workspace again.\n\nExample: yett inventory refresh .")(refresh)
    app.command(
        "owner",
        help="Name the person who answers for a credential.\n\n"
        "Example: yett inventory owner 3f2a90c1 Ada --review 2031-12-31",
    )(owner)
    app.command(
        "accept",
        help="Let a credential stay within reach; a person signs for it.\n\n"
        "Example: yett inventory accept 3f2a90c1 --reason 'test account, no money' --until 2031-12-31",
    )(accept)
    app.command(
        "purpose",
        help="Say what a credential was made for; a person signs for it.\n\n"
        "Example: yett inventory purpose 3f2a90c1 'custom domains'",
    )(purpose)


def list_(
    context: typer.Context,
    workspace: In = None,
    gone: Annotated[bool, typer.Option("--gone", help="Also those that are no longer there.")] = False,
    as_json: show.AsJson = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    rows = call("inventory.list", workspace=root_of(workspace) if workspace else "", gone=gone)["rows"]
    if as_json:
        show.rows(rows, [], True, "")
        return
    found = [row for row in rows if row["finding"] == "credential"]
    several = len({row["workspace"] for row in found}) > 1
    columns = [
        *([("workspace", "WORKSPACE")] if several else []),
        *(("short", "FINGERPRINT"), ("title", "CREDENTIAL"), ("severity", "HOW BAD"), ("where", "WHERE")),
        *(("owner", "OWNER"), ("review", "REVIEW"), ("since", "FIRST SEEN"), ("state", "STATE")),
    ]
    show.rows([_cells(row) for row in found], columns, False, "No credential is known: yett inventory refresh .")
    show.lines(_lacks(rows))


def refresh(path: show.Workspace = Path()) -> None:
    answer = call("inventory.refresh", workspace=root_of(path), environ=dict(os.environ))
    print(f"{answer['credentials']} credentials: {answer['new']} new, {answer['gone']} gone")


def owner(
    fingerprint: Fingerprint,
    name: Annotated[str, typer.Argument(help="A person's name.")],
    review: Annotated[str, typer.Option(help="The day on which it is looked at again; else in 90 days.")] = "",
) -> None:
    answer = call("inventory.owner", fingerprint=fingerprint, name=name, review=review)
    print(f"{show.safe(answer['owner'])} answers for {show.safe(answer['title'])}; next review {answer['review']}")


def accept(
    fingerprint: Fingerprint,
    reason: Annotated[str, typer.Option(help="Why it may stay within reach of agents.")],
    until: Annotated[str, typer.Option(help="The last day, a year from now at most; else 90 days.")] = "",
    workspace: In = None,
) -> None:
    named = root_of(workspace) if workspace else ""
    answer = call("inventory.accept", fingerprint=fingerprint, reason=reason, until=until, workspace=named)
    print(f"sign to accept {show.safe(answer['title'])} until {answer['until']}: {answer['sign']}")


def purpose(fingerprint: Fingerprint, words: Annotated[str, typer.Argument(help="In a few words.")]) -> None:
    print(f"sign what it is for: {call('inventory.purpose', fingerprint=fingerprint, purpose=words)['sign']}")


def root_of(path: Path) -> str:
    """The workspace as `yett run` names it. Raises ConfigurationError: a home or system directory."""
    return find(str(path.absolute()), str(Path.home()))


def _cells(row: dict[str, Any]) -> dict[str, Any]:  # Any: a record of the daemon
    here = row["workspace"] + "/"
    until = f" until {row['accepted']['until']}" if "accepted" in row else ""
    return {
        **row,
        "short": row["fingerprint"][:SHORT],
        "where": row["where"].replace(here, ""),
        "owner": row["owner"] or "nobody",
        "review": row["review"] or "never",
        "since": time.strftime("%Y-%m-%d", time.localtime(row["first_seen"] / 1e9)),
        "state": row["state"] + until,
    }


_LACKS = (
    ("no-owner", "without a named owner"),
    ("no-review", "without a review date"),
    ("review-due", "past their review date"),
)


def _lacks(rows: Sequence[dict[str, Any]]) -> list[str]:  # Any: records of the daemon
    counts = [(sum(row["finding"] == kind for row in rows), words) for kind, words in _LACKS]
    said = [f"{count} {words}" for count, words in counts if count]
    return ["", f"{', '.join(said)}: yett inventory owner FINGERPRINT NAME --review DATE"] if said else []
