"""The typer application: verbs, their groups, and how an error is shown."""

from __future__ import annotations

import sys

import typer

from yett.cli import (
    drill,
    environments,
    holds,
    leases,
    lockdown,
    log,
    machine,
    policy,
    reports,
    scan,
    secrets,
    undo,
    up,
)
from yett.model.errors import YettError

app = typer.Typer(
    name="yett",
    help="A gate between AI agents and everything that they can break.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for room in (up, environments, scan, reports, machine, lockdown):
    room.register(app)
for room, name, about in (
    (secrets, "secret", "Secrets that Yett holds for agents."),
    (leases, "lease", "Just-in-time credentials of running tasks."),
    (holds, "holds", "Operations that wait for a person."),
    (log, "log", "The ledger: verify it, export it."),
    (policy, "policy", "What is allowed, held and denied, and why."),
    (undo, "undo", "Bring back what an approved operation destroyed."),
    (drill, "drill", "Replay an incident with real parts against Yett."),
):
    group = typer.Typer(help=about, no_args_is_help=name != "holds", rich_markup_mode=None)
    room.register(group)
    app.add_typer(group, name=name)


@app.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
    help="Run an agent behind the gate.\n\nExample: yett run --task 'fix the staging login' --env staging -- claude",
)
def run() -> None:
    """Only for the help: `yett run` is dispatched before typer is imported."""


def run_app() -> int:
    """Run the command; an error of ours becomes two lines on standard error and status 1."""
    try:
        app()
    except YettError as error:
        print(f"yett: {error.what}", file=sys.stderr)
        if error.remedy:
            print(f"      {error.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
