"""What is recorded: notebooks, dumps, logs, archives, databases."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Leaky, as_env, as_json, as_yaml

Make = Callable[[Chance], Leaky]


def _notebook(chance: Chance) -> Leaky:
    key, shown = chance.openai(), chance.opaque()
    cells = [
        {"cell_type": "code", "source": ["import openai\n", f'openai.api_key = "{key}"\n'], "outputs": []},
        {
            "cell_type": "code",
            "source": ["client.login()"],
            "outputs": [{"output_type": "stream", "text": [f"api_token = {shown}\n"]}],
        },
    ]
    return Leaky(
        "notebooks/model.ipynb",
        json.dumps({"cells": cells, "nbformat": 4, "metadata": {"id": chance.hex(32)}}, indent=1),
        [key, shown],
    )


def _dump(chance: Chance) -> Leaky:
    password, token = chance.password("_-"), chance.github()
    text = f"""-- dump
CREATE ROLE app WITH LOGIN PASSWORD '{password}';
INSERT INTO settings VALUES (1, 'github_token', '{token}'), (2, 'theme', 'dark');
INSERT INTO builds VALUES ('{chance.uuid()}', '{chance.hex(40)}');
"""
    return Leaky("db/dump.sql", text, [password, token])


def _log(chance: Chance) -> Leaky:
    token, password = chance.jwt(), chance.password("_-")
    text = f"""2026-11-20T10:00:00Z INFO request id={chance.uuid()}
2026-11-20T10:00:01Z DEBUG Authorization: Bearer {token}
2026-11-20T10:00:02Z ERROR cannot reach amqp://app:{password}@{chance.host()}:5672
"""
    return Leaky("var/app.log", text, [token, password])


def _har(chance: Chance) -> Leaky:
    token = chance.opaque()
    request = {
        "method": "GET",
        "url": f"https://{chance.host()}/v1",
        "headers": [{"name": "Authorization", "value": f"Bearer {token}"}],
    }
    return Leaky(
        "var/session.har", as_json(chance, {"log": {"version": "1.2", "entries": [{"request": request}]}}), [token]
    )


def _postman(chance: Chance) -> Leaky:
    token = chance.opaque()
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": token, "type": "string"}]}
    return Leaky(
        "api/service.postman_collection.json",
        as_json(chance, {"info": {"_postman_id": chance.uuid()}, "auth": auth, "item": []}),
        [token],
    )


def _http(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky(
        "api/requests.http",
        f"GET https://{chance.host()}/v1/me\nX-Api-Key: {token}\nAccept: application/json\n",
        [token],
    )


def _zip(chance: Chance) -> Leaky:
    key, password = chance.api_key(), chance.password()
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app/.env", as_env(chance, {"API_KEY": key, "DB_PASSWORD": password, "MODE": "live"}))
    return Leaky("old/backup.zip", raw.getvalue(), [key, password])


def _tar(chance: Chance) -> Leaky:
    token = chance.opaque()
    raw, content = io.BytesIO(), as_yaml(chance, {"api": {"token": token, "url": "https://x.internal"}}).encode()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        about = tarfile.TarInfo("app/config.yml")
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
    return Leaky("old/release.tar.gz", raw.getvalue(), [token])


def _sqlite(chance: Chance) -> Leaky:
    token = chance.stripe()
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE settings (name TEXT, value TEXT)")
    connection.executemany(
        "INSERT INTO settings VALUES (?, ?)", [("stripe_key", token), ("theme", "dark"), ("id", chance.uuid())]
    )
    connection.commit()
    return Leaky("var/app.sqlite", connection.serialize(), [token])


RECORDS: tuple[Make, ...] = (_notebook, _dump, _log, _har, _postman, _http, _zip, _tar, _sqlite)
