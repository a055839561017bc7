"""A scripted agent with a database task. It sends what its list says, through psql and psycopg.

`statements.py STEPS GO`: STEPS is a JSON file with a list of {"name", "client", "sql": [...]}; GO a file with the
number of the last step that may run; whoever watches raises it, and once more to let it leave. What is refused with a
hold's id is sent again until it passes or ninety seconds are over: an agent that was told to wait for a person. One
JSON line an answer.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

AGAIN_S = 0.5
PATIENCE_S = 90.0
_HELD = re.compile(r"\bh-[0-9a-z]+")
_STATE = re.compile(r"(?:ERROR|FATAL):\s+([0-9A-Z]{5}):")


def main() -> None:
    steps, go = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    for number, step in enumerate(steps):
        _wait_for(go, number)
        _until_done(step)
    _wait_for(go, len(steps))


def _wait_for(go: Path, number: int) -> None:
    while int(go.read_text() or "-1") < number:
        time.sleep(0.05)


def _until_done(step: dict[str, Any]) -> None:
    end, told = time.monotonic() + PATIENCE_S, ""
    while True:
        answer = {"psql": _psql, "psycopg": _psycopg}[step["client"]](step["sql"])
        hold = found[0] if (found := _HELD.search(answer["said"])) else ""
        if answer["ok"] or not hold or time.monotonic() > end:
            _say(step, answer, hold, final=True)
            return
        if hold != told:
            _say(step, answer, hold, final=False)
            told = hold
        time.sleep(AGAIN_S)


def _psql(statements: list[str]) -> dict[str, Any]:
    words = [word for statement in statements for word in ("-c", statement)]
    command = [os.environ["PSQL"], "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
    # Several -c are one connection, each its own transaction: as somebody types them.
    done = subprocess.run(
        [*command, *words, os.environ["DATABASE_URL"]], capture_output=True, text=True, check=False, timeout=60
    )
    state = found[1] if (found := _STATE.search(done.stderr)) else ""
    return {"ok": done.returncode == 0, "said": done.stdout + done.stderr, "sqlstate": state}


def _psycopg(statements: list[str]) -> dict[str, Any]:
    import psycopg

    rows: list[str] = []
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:  # one transaction, committed at its end
            for statement in statements:
                cursor = connection.execute(statement)
                rows += [str(row) for row in cursor.fetchall()] if cursor.description else [str(cursor.statusmessage)]
    except psycopg.Error as error:
        said = f"{error} {error.diag.message_hint or ''}"
        return {"ok": False, "said": said, "sqlstate": error.sqlstate or ""}
    return {"ok": True, "said": "\n".join(rows), "sqlstate": ""}


def _say(step: dict[str, Any], answer: dict[str, Any], hold: str, *, final: bool) -> None:
    print(json.dumps({"step": step["name"], "final": final, "hold": hold, **answer}), flush=True)


if __name__ == "__main__":
    main()
