"""The typer application: verbs, their groups, and how an error is shown."""

from __future__ import annotations

from typing import Annotated

import typer

from yett.cli import (
    baseline,
    databases,
    drill,
    environments,
    git_hook,
    holds,
    inventory,
    kinds,
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
    watch_files,
)
from yett.cli.failures import status_of

app = typer.Typer(
    name="yett",
    help="A gate between AI agents and everything that they can break.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata  # heavy: it brings the parser of mail

        built = " (PostgreSQL parser compiled)" if _parser_is_compiled() else ""
        print(f"yett {importlib.metadata.version('yett')}{built}")
        raise typer.Exit


def _parser_is_compiled() -> bool:
    """What would be imported: the wire's own parser, or what mypyc made of it (docs/decisions/0022)."""
    import importlib.util

    found = importlib.util.find_spec("yett.gateway.postgres.framing")
    return found is not None and not str(found.origin).endswith(".py")


@app.callback()
def yett(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Only for the options that stand before a command."""


for room in (up, environments, scan, kinds, git_hook, watch_files, reports, machine, lockdown):
    room.register(app)
for room, name, about in (
    (baseline, "baseline", baseline.ABOUT),
    (secrets, "secret", "Secrets that Yett holds for agents."),
    (databases, "database", "Databases that agents reach through Yett."),
    (leases, "lease", "Just-in-time credentials of running tasks."),
    (inventory, "inventory", "Credentials within reach of agents, and who answers for them."),
    (holds, "holds", "Operations that wait for a person."),
    (log, "log", "The ledger: verify it, export it."),
    (policy, "policy", "What is allowed, held and denied, and why."),
    (undo, "undo", "Bring back what an approved operation destroyed."),
    (drill, "drill", "Replay an incident with real parts against Yett."),
):
    group = typer.Typer(help=about, no_args_is_help=name not in ("holds", "inventory"), rich_markup_mode=None)
    room.register(group)
    app.add_typer(group, name=name)


@app.command("run", help="Run an agent behind the gate.\n\nExample: yett run --env staging -- claude")
def run(
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
    task: Annotated[str, typer.Option(help="What it is for, in a few words.")] = "",
    env: Annotated[str, typer.Option(help="The environment it works in, as `yett env` names it.")] = "",
    database: Annotated[str, typer.Option(help="Where DATABASE_URL and PGHOST lead, if nothing else says so.")] = "",
    observe: Annotated[
        bool, typer.Option("--observe", help="Hold only what cannot be undone; record the rest.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse while a critical credential is accepted by nobody.")
    ] = False,
    host_port: Annotated[
        list[int] | None, typer.Option(help="A port of this machine it may reach, once signed.")
    ] = None,
) -> None:
    """Only for the help: `yett run` is dispatched before typer is imported."""


def run_app() -> int:
    """Run the command; an error of ours becomes two lines on standard error and status 1."""

    def command() -> int:
        app()
        return 0

    return status_of(command)
