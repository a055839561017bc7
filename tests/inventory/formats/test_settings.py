"""Dotenv files and connection strings: names that say secret, passwords that any text may hold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from yett.inventory.severity import Severity

Parsed = Callable[..., list[Any]]
Made = Callable[..., str]


def pairs(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.value, one.account) for one in found]


def test_dotenv(parsed: Parsed, made: Made) -> None:
    first, second, third, fourth = (made() for _ in range(4))
    pem = f"-----BEGIN {'PRIVATE'} KEY-----\n{made(64)}\n-----END {'PRIVATE'} KEY-----"
    text = (
        f"# c\nDB_HOST=db.example\nDB_USER=ann\nDB_PASSWORD=winter\nexport API_TOKEN='{first}' # x\nPORT=80\n"
        f'SIGNING="{pem}"\nDATABASE_URL=postgres://bob:{second}@h.example:5432/x\nEMPTY_SECRET=\nA_TOKEN=${{B}}\n'
        f"MAPS_KEY={third}\nNAME=value\nCONN=Server=s.example;User Id=sa;Password={fourth};\nB_SECRET=changeme\n"
    )
    found = parsed(".env.production", text)
    assert pairs(found) == [
        ("winter", "ann@db.example"),
        (first, ""),
        (pem, ""),
        (second, "bob@h.example"),
        (third, ""),
        (fourth, "sa@s.example"),
    ]
    assert found[0].hit.title == "secret in DB_PASSWORD"


def test_a_dotenv_example_counts_only_what_a_machine_made(parsed: Parsed, made: Made) -> None:
    real = made(32)
    text = f"DB_PASSWORD=winter\nAPI_KEY={real}\nTOKEN=your-token\n"
    assert pairs(parsed(".env.example", text)) == [(real, "")]


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("Server=tcp:s.example,1433;Initial Catalog=d;User ID=ann;Password={};Encrypt=True", "ann@s.example"),
        ("Data Source=s.example;Uid=ann;Pwd={}", "ann@s.example"),
        ("Driver={{X}};Server=s.example;UID=ann;PWD={{{}}};", "ann@s.example"),
        ("jdbc:sqlserver://s.example:1433;databaseName=d;user=ann;password={}", "ann@s.example:1433"),
        ("jdbc:mysql://s.example/d?user=ann&password={}&useSSL=true", "ann@s.example"),
        ("jdbc:mysql://s.example/d?user=ann&amp;password={}&amp;useSSL=true", "ann@s.example"),
        ("jdbc:oracle:thin:ann/{}@//s.example:1521/x", "ann@s.example:1521/x"),
        ("host=s.example user=ann password={} dbname=d", "ann@s.example"),
        ("DefaultEndpointsProtocol=https;AccountName=ann;AccountKey={};EndpointSuffix=x", "ann"),
        ("postgresql://ann:{}@s.example/d", "ann@s.example"),
    ],
)
def test_connection_strings(parsed_as: Parsed, made: Made, text: str, account: str) -> None:
    secret = made(30)
    for form in ("{}", 'x = "{}"\n', "<add value='{}' />", "a: {}\nb: c\n"):
        found = parsed_as("connection-string", form.format(text.format(secret)))
        assert pairs(found) == [(secret, account)], form
        assert found[0].raw == secret
    assert parsed_as("connection-string", text.format("changeme")) == []
    assert parsed_as("connection-string", text.format("${PW}")) == []


def test_a_password_alone_is_no_connection_string(parsed_as: Parsed, made: Made) -> None:
    assert parsed_as("connection-string", f"password={made()}\n") == []


def test_dotnet_settings(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(32), made()
    settings = {
        "ConnectionStrings": {"Main": f"Server=s.example;User Id=sa;Password={first};"},
        "Jwt": {"SigningKey": second},
        "AllowedHosts": "*",
    }
    found = parsed("appsettings.Production.json", json.dumps(settings))
    assert sorted(one.value for one in found) == sorted([first, second])
    text = (
        f'<configuration><connectionStrings><add name="m" connectionString="Server=s;User=u;Password={first};"/>'
        f'</connectionStrings><appSettings><add key="ApiKey" value="{second}"/>'
        f'<add key="Mode" value="x"/></appSettings><identity userName="u" password="{third}"/></configuration>'
    )
    found = parsed("Web.config", text)
    assert sorted(one.value for one in found) == sorted([first, second, third])


def test_odbc(parsed: Parsed, made: Made) -> None:
    secret = made()
    assert pairs(parsed(".odbc.ini", f"[d]\nServer = s.example\nUID=ann\nPWD = {secret}\n")) == [
        (secret, "ann@s.example")
    ]


@pytest.mark.parametrize("word", ["Password=a;", "Server=x;", "jdbc:oracle:thin:", "password="])
def test_long_lines_of_connection_words_take_no_more_than_their_length(parsed_as: Parsed, word: str) -> None:
    def took(times: int) -> float:
        began = time.process_time()
        parsed_as("connection-string", word * times)
        return time.process_time() - began

    assert took(80_000) < 10 * took(20_000)  # sixteen, if each looked at all the others


def test_logins_to_the_machine_itself_are_minor_and_documentation_is_none(parsed_as: Parsed, made: Made) -> None:
    for local in ("localhost", "127.0.0.1:5432", "host.docker.internal"):
        (one,) = parsed_as("connection-string", f"postgres://ann:{made()}@{local}/db")
        assert one.hit.severity is Severity.LOW
        (one,) = parsed_as("connection-string", f"Server={local};User=ann;Password={made()};")
        assert one.hit.severity is Severity.LOW
    assert parsed_as("connection-string", f"postgres://ann:{made()}@db.example.com/db") == []


def test_a_password_in_a_string_of_code_ends_before_its_escapes(parsed_as: Parsed, made: Made) -> None:
    secret = made()
    assert pairs(parsed_as("connection-string", f'x = "Server=s.example;User=u;Password={secret}\\n";')) == [
        (secret, "u@s.example")
    ]
