"""What is sent all day and must not be held: written down by us, or recorded live from psql, pg_dump, SQLAlchemy."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator

import psycopg
import sqlalchemy

from corpus.cases import HERE, SUPERUSER
from corpus.ground import WORLD, Ground
from postgres_versions import binaries

META = r"""
\d \d+ \dt \dt+ \dt+ *.* \dS \dv \dv+ \dm+ \di \di+ \ds+ \dE+
\d accounts|\d+ accounts|\d+ orders|\d+ events|\d+ events_2023
\d v_totals|\d+ v_checked|\d+ mv_totals|\d accounts_pkey|\d numbers|\d+ watched|\d+ ruled|\d+ policed|\d+ staff|\d+ made
\df \df+ \dfa \dfn+ \dfp \dft \dfw \df clean*|\df+ purge*|\da \da+ \do \do+ \dT \dT+ \dTS \dD
\dD+ \dC \dC+ \dc+ \db \db+ \dn \dn+ \dnS+ \du \du+ \dg
\dp \z \z accounts|\ddp \dx \dx+ \dy \dy+ \dF \dF+ \dFd+ \dFp+ \dFt+ \dL
\dL+ \dO \dO+ \dP \dP+ \dPi \dPn+ \dA \dA+ \dAc \dAf \dAo \dAp \drds \dRp \dRp+
\dRs \dX \dl \dl+ \lo_list \l \l+ \des \des+ \deu
\det \det+ \dew+ \dconfig \dconfig+ work*|\sf clean(int)|\sf+ purge()|\sv v_totals|\sv+ v_checked
\encoding \conninfo \dd
"""
_STATEMENT = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] LOG:  (?:statement|execute [^:]*): (.*?)(?=^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[)",
    re.DOTALL | re.MULTILINE,
)


def written() -> Iterator[tuple[str, str]]:
    """Family and statement of those that stand in the file."""
    for path in sorted((HERE / "everyday").glob("*.toml")):
        for family, group in tomllib.loads(path.read_text()).items():
            yield from ((family, statement) for statement in group["statements"])


def meta_commands() -> list[str]:
    """psql's commands that ask the server: one a word, or between bars where they have an argument."""
    found = []
    for line in META.strip().splitlines():
        for part in line.split("|"):
            words = part.strip()
            found += [words] if re.search(r"\s[^\\]", words) and words.count("\\") == 1 else _split(words)
    return [command for command in found if command]


def _split(words: str) -> list[str]:
    """Several commands in a row, the last of which may have an argument."""
    return [command.strip() for command in re.findall(r"\\\S+(?:\s+[^\\\s]\S*)?", words)]


def recorded(ground: Ground) -> Iterator[tuple[str, list[str]]]:
    """By program: what it sent, in order, as the server wrote it into its log."""
    for command in meta_commands():
        yield f"psql {command}", _logged(ground, lambda command=command: _psql(ground, command))  # type: ignore[misc]
    yield "pg_dump", _logged(ground, lambda: _run(ground, "pg_dump", "-Fp", "-t", "public.*"))
    yield "pg_dump schema", _logged(ground, lambda: _run(ground, "pg_dump", "-s"))
    yield "sqlalchemy", _logged(ground, lambda: _reflect(ground))


def _logged(ground: Ground, work: Callable[[], None]) -> list[str]:
    log = ground.data.parent / "log"
    start = log.stat().st_size
    work()
    last = "-c log_statement=all"  # one more line, behind which nothing of the recording can stand
    with psycopg.connect(ground.url(SUPERUSER, WORLD), autocommit=True, options=last) as connection:
        connection.execute("SELECT 'end of recording'")
        connection.execute("SELECT 'end of recording'")
    text = log.read_bytes()[start:].decode()
    found = [one.replace("\n\t", "\n").strip() for one in _STATEMENT.findall(text)]
    return [one for one in found if "end of recording" not in one]


def _psql(ground: Ground, command: str) -> None:
    _run(ground, "psql", "-X", "-q", "-c", command)


def _run(ground: Ground, program: str, *arguments: str) -> None:
    programs = binaries(ground.version)
    assert programs is not None
    where = [programs / program, *arguments, "-d", f"{ground.url(SUPERUSER, WORLD)}"]
    environment = {**os.environ, "PGOPTIONS": "-c log_statement=all"}
    subprocess.run(where, env=environment, check=False, capture_output=True, timeout=60)


def _reflect(ground: Ground) -> None:
    url = ground.url(SUPERUSER, WORLD).replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url, connect_args={"options": "-c log_statement=all"})
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        inspector.get_multi_columns(schema="public")
        inspector.get_multi_foreign_keys(schema="public")
        inspector.get_multi_indexes(schema="public")
        inspector.get_multi_pk_constraint(schema="public")
        inspector.get_multi_check_constraints(schema="public")
        inspector.get_multi_table_comment(schema="public")
        inspector.get_view_names()
        inspector.get_sequence_names()
        inspector.get_schema_names()
        inspector.get_view_definition("v_totals")
        sqlalchemy.MetaData().reflect(connection, only=["accounts", "orders", "items"])
        connection.execute(sqlalchemy.text("SELECT * FROM accounts WHERE id = :id"), {"id": 3}).all()
    engine.dispose()
