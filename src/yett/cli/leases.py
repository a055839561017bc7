"""`yett lease`: what running tasks may use."""

from __future__ import annotations

import typer

from yett.cli import show
from yett.cli.operator import call


def register(app: typer.Typer) -> None:
    app.command("list", help="Leases of running tasks.\n\nExample: yett lease list")(list_)
    app.command("revoke", help="End a lease now.\n\nExample: yett lease revoke l-3f2a")(revoke)


def list_(as_json: show.AsJson = False) -> None:
    columns = [
        ("id", "LEASE"),
        ("session", "SESSION"),
        ("provider", "PROVIDER"),
        ("secret", "SECRET"),
        ("position", "POSITION"),
    ]
    show.rows(call("lease.list", start=False)["leases"], columns, as_json, "No lease is open.")


def revoke(lease: str) -> None:
    call("lease.revoke", lease=lease)
    print(f"revoked {lease}")
