"""`yett secret`: what Yett holds so that agents need not."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command(
        "add",
        help="Store a secret; its value is asked for, or piped in.\n\n"
        "Example: yett secret add railway-domains --provider railway --purpose 'custom domains'",
    )(add)
    app.command("list", help="List what is stored, never a value.\n\nExample: yett secret list --json")(list_)
    app.command("remove", help="Forget a secret and revoke its leases.\n\nExample: yett secret remove railway-domains")(
        remove
    )


def add(
    name: str,
    provider: Annotated[str, typer.Option(help="The provider it belongs to, for example railway.")],
    kind: Annotated[str, typer.Option(help="What it is; asked of the provider if not said.")] = "",
    purpose: Annotated[str, typer.Option(help="What it was made for.")] = "",
    environment: Annotated[str, typer.Option("--env", help="The environment it is for.")] = "",
    own: Annotated[bool, typer.Option("--own", help="Yett's own: to look at resources and make undos.")] = False,
) -> None:
    value = typer.prompt("Value", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    answer = call(
        "secret.add",
        name=name,
        provider=provider,
        kind=kind,
        purpose=purpose,
        environment=environment,
        own=own,
        value=value,
    )
    print(f"stored {answer['name']} ({answer['kind'] or 'kind unknown'}), fingerprint {answer['fingerprint'][:12]}")


def list_(as_json: show.AsJson = False) -> None:
    columns = [
        ("name", "NAME"),
        ("provider", "PROVIDER"),
        ("kind", "KIND"),
        ("purpose", "PURPOSE"),
        ("last_four", "ENDS IN"),
    ]
    show.rows(
        call("secret.list")["secrets"],
        columns,
        as_json,
        "Yett holds no secret. Add one: yett secret add NAME --provider railway",
    )


def remove(name: str) -> None:
    call("secret.remove", name=name)
    print(f"removed {name}; leases made from it are revoked")
