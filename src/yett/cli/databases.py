"""`yett database`: the databases whose agents' statements Yett reads, decides and can take back."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from yett.cli import show
from yett.cli.operator import call
from yett.model.visible import visible


def register(app: typer.Typer) -> None:
    app.command(
        "add",
        help="Give Yett a database: agents then reach it through Yett, under a role made for their task.\n\n"
        "The connection string of Yett's own login (a superuser, or the tables' owner with CREATEROLE) is asked for, or"
        " piped in; agents never see it.\n\nExample: yett database add saastr --env staging --mask users.email",
    )(add)
    app.command(
        "show",
        help="Ask to show masked columns to a running task; a person signs it.\n\n"
        "Example: yett database show saastr users.email --minutes 30",
    )(show_)
    app.command(
        "allow",
        help="Ask to let a running task read or change more of a database; a person signs it.\n\n"
        "Example: yett database allow saastr --mb 512",
    )(allow)
    app.command("list", help="List the databases.\n\nExample: yett database list --json")(list_)
    app.command(
        "remove", help="Forget a database and its login; leases on it end.\n\nExample: yett database remove saastr"
    )(remove)


def add(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    environment: Annotated[str, typer.Option("--env", help="The environment it is: staging, production, ...")] = "",
    schema: Annotated[
        list[str] | None, typer.Option(help="A schema that leases may touch; all of the application's if not said.")
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(help="A column that agents may not read, as table.column or schema.table.column."),
    ] = None,
    veil: Annotated[
        list[str] | None,
        typer.Option(help="A column that agents see as ***, so that SELECT * works: weaker than --mask."),
    ] = None,
    backup: Annotated[
        str, typer.Option(help="Where its backups lie, for whoever is asked: a folder of this machine, or in words.")
    ] = "",
    result_mb: Annotated[int, typer.Option(help="How many MB a task may be sent of it; 1024 if not said.")] = 0,
    result_rows: Annotated[
        int, typer.Option(help="How many rows a task may be sent of it; 5,000,000 if not said.")
    ] = 0,
    statement_seconds: Annotated[int, typer.Option(help="How long a statement may take; 30 s if not said.")] = 0,
    deleted_rows: Annotated[
        int, typer.Option(help="Rows of a table that a task may delete before a person is asked; 1,000 if not said.")
    ] = 0,
    changed_rows: Annotated[
        int, typer.Option(help="Rows of a table that a task may change before a person is asked; 10,000 if not said.")
    ] = 0,
    share_percent: Annotated[
        int, typer.Option(help="The same of a larger table, in percent of its rows; 10 if not said.")
    ] = 0,
    changed_tables: Annotated[
        int, typer.Option(help="Tables that a task may change before a person is asked; 50 if not said.")
    ] = 0,
    read_only: Annotated[bool, typer.Option("--read-only", help="Leases may read, and nothing else.")] = False,
) -> None:
    tty = sys.stdin.isatty()
    value = typer.prompt("Connection string (postgresql://...)", hide_input=True) if tty else sys.stdin.readline()
    answer = call(
        "database.add",
        name=name,
        environment=environment,
        schemas=schema or [],
        masked=mask or [],
        veiled=veil or [],
        result_mb=result_mb,
        result_rows=result_rows,
        statement_seconds=statement_seconds,
        deleted_rows=deleted_rows,
        changed_rows=changed_rows,
        share_percent=share_percent,
        changed_tables=changed_tables,
        read_only=read_only,
        backup=backup,
        value=value.strip(),
    )
    if "sign" in answer:
        print(f"tasks could do more in {visible(name)} than before: a person signs that at {answer['sign']}")
        for one in answer["wider"]:
            print(f"  {visible(one)}")
        print("then run the same command again")
        raise typer.Exit(1)
    database = answer["database"]
    where = f"{database['host']}:{database['port']}/{database['dbname']}"
    print(f"{visible(name)}: {visible(where)}, in {visible(database['environment'])}")
    for warning in answer["warnings"]:
        print(f"  note: {visible(warning)}")
    print("next: yett env --production NAME, or --no-production (a person signs it); then yett run --env ... -- AGENT")


def show_(
    name: str,
    columns: Annotated[list[str], typer.Argument(help="table.column or schema.table.column.")],
    session: Annotated[str, typer.Option(help="The session, if several have the database.")] = "",
    minutes: Annotated[float, typer.Option(help="For how long; until the task ends if not said.")] = 0,
) -> None:
    answer = call("database.show", start=False, name=name, columns=columns, session=session, minutes=minutes)
    print(f"nothing is shown yet; sign it at {answer['sign']}")


def allow(
    name: str,
    mb: Annotated[int, typer.Option(help="How many MB more.")] = 0,
    rows: Annotated[int, typer.Option(help="How many rows more.")] = 0,
    deleted: Annotated[int, typer.Option(help="Rows of each table that it may delete without a person, more.")] = 0,
    changed: Annotated[int, typer.Option(help="Rows of each table that it may change without a person, more.")] = 0,
    tables: Annotated[int, typer.Option(help="Tables that it may change without a person, more.")] = 0,
    session: Annotated[str, typer.Option(help="The session, if several have the database.")] = "",
) -> None:
    answer = call(
        "database.allow",
        start=False,
        name=name,
        session=session,
        result_mb=mb,
        result_rows=rows,
        deleted_rows=deleted,
        changed_rows=changed,
        changed_tables=tables,
    )
    print(f"nothing has changed yet; sign it at {answer['sign']}")


def list_(as_json: show.AsJson = False) -> None:
    rows = [{**one, "at": f"{one['host']}:{one['port']}/{one['dbname']}", **_scope(one)} for one in _databases()]
    columns = [("name", "NAME"), ("at", "AT"), ("environment", "ENVIRONMENT"), ("leases", "LEASES")]
    columns += [("masks", "MASKS"), ("veils", "SHOWN MASKED"), ("sent", "MAY BE SENT"), ("small", "WITHOUT A PERSON")]
    columns += [("backup", "BACKUPS")]
    show.rows(rows, columns, as_json, "No database yet: yett database add NAME")


def remove(name: str) -> None:
    call("database.remove", name=name)
    print(f"removed {visible(name)}; leases on it have ended")


def _databases() -> list[dict[str, object]]:
    return list(call("database.list")["databases"])


def _scope(database: dict[str, object]) -> dict[str, str]:
    scope = database["scope"]
    assert isinstance(scope, dict)
    veils, said = scope.get("veiled", []), database["limits"]
    assert isinstance(said, dict)
    return {
        "leases": f"{scope['mode']} {', '.join(scope['schemas'])}",
        "masks": ", ".join(scope["masked"]),
        "veils": ", ".join(veils),
        "sent": f"{said['result_mb']:,} MB, {said['result_rows']:,} rows; {said['statement_seconds']:,} s a statement",
        "small": f"a table: {said['deleted_rows']:,} rows deleted, {said['changed_rows']:,} changed, or"
        f" {said['share_percent']}%; {said['changed_tables']:,} tables",
        "backup": scope.get("backup", ""),
    }
