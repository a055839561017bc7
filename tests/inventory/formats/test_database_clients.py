"""Connections of desktop clients; their hiding is undone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from yett.inventory.formats import Unparsable, obfuscations
from yett.inventory.formats.obfuscations import _DBEAVER, _NAVICAT_12

Parsed = Callable[..., list]
Made = Callable[..., str]


def encrypted(key: bytes, iv: bytes, plain: bytes) -> bytes:
    pad = 16 - len(plain) % 16
    encryptor = Cipher(AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()


def test_dbeaver_s_file_is_decrypted_and_masked_in_its_ciphertext(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    connections = {
        "postgres-jdbc-1": {"#connection": {"user": "app", "password": first}},
        "mysql8-2": {"#connection": {"user": "root", "password": second}, "network/ssh_tunnel": {"user": "me"}},
    }
    plain = json.dumps(connections).encode()
    iv = made(16).encode()
    content = iv + encrypted(_DBEAVER, iv, plain)
    found = parsed("h/.local/share/DBeaverData/workspace6/General/.dbeaver/credentials-config.json", content)
    assert [(each.value, each.account) for each in found] == [(first, "app"), (second, "root")]
    assert [each.hit.start for each in found] == [16 + plain.index(value.encode()) for value in (first, second)]
    with pytest.raises(Unparsable):
        parsed("p/credentials-config.json", b"x" * 64)


def test_jetbrains(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    text = (
        f'<project><component><data-source name="a"><jdbc-url>jdbc:postgresql://db/x?user=me&amp;password={first}</jdbc-url>'
        f"</data-source></component></project>"
    )
    assert [each.value for each in parsed("p/.idea/dataSources.xml", text)] == [first]
    hidden = "".join(f"{ord(sign) ^ 0xDFAA:04x}" for sign in second)
    text = f'<application><fileTransfer host="h.io" username="me" password="{hidden}" port="22"/></application>'
    [found] = parsed("p/.idea/webServers.xml", text)
    assert (found.value, found.raw, found.account) == (second, hidden, "me@h.io")


def test_heidisql(parsed: Parsed, made: Made) -> None:
    secret = made()
    hidden = "".join(f"{(ord(sign) + 7) % 256:02X}" for sign in secret) + "7"
    text = (
        "Servers\\shop\\Host<|||>1<|||>db\r\nServers\\shop\\User<|||>1<|||>root\r\n"
        f"Servers\\shop\\Password<|||>1<|||>{hidden}\r\nServers\\empty\\Password<|||>1<|||>\r\n"
    )
    [found] = parsed("p/portable_settings.txt", text)
    assert (found.value, found.raw, found.account) == (secret, hidden, "root@db")


def test_navicat(parsed: Parsed, made: Made) -> None:
    secret = made()
    hidden = encrypted(*_NAVICAT_12, secret.encode()).hex().upper()
    text = f'<Connections Ver="1.5"><Connection Host="db" UserName="root" Password="{hidden}"/></Connections>'
    [found] = parsed("p/all.ncx", text)
    assert (found.value, found.raw, found.account) == (secret, hidden, "root@db")


def test_others_write_it_as_it_is(parsed: Parsed, made: Made) -> None:
    secret = made()
    text = json.dumps({"Servers": {"1": {"Host": "db", "Username": "me", "Password": secret, "PassFile": "/pgpass"}}})
    [found] = parsed("h/pgadmin4/servers.json", text)
    assert (found.raw, found.account) == (secret, "me@db")
    text = json.dumps({"connectionInfo": {"connectionOptions": {"connectionString": f"mongodb://me:{secret}@db/x"}}})
    [found] = parsed("h/.config/MongoDB Compass/Connections/1.json", text)
    assert (found.raw, found.account) == (secret, "me@db")
    text = json.dumps([{"host": "cache", "port": 6379, "username": "me", "password": secret}])
    [found] = parsed("p/RedisInsight_connections_1.json", text)
    assert (found.raw, found.account) == (secret, "me@cache")
    text = f"shop:\n  outputs:\n    dev: {{type: postgres, host: db, user: me, password: {secret}}}\n"
    text += "    ci: {pass: '{{ env_var(1) }}'}\n"
    [found] = parsed("h/.dbt/profiles.yml", text)
    assert (found.raw, found.account) == (secret, "me@db")
    text = f'<data><value key="userName">me</value><value type="string" key="password">{secret}</value></data>'
    assert [each.raw for each in parsed("h/.mysql/workbench/connections.xml", text)] == [secret]


@pytest.mark.parametrize(
    "undo", [obfuscations.heidisql, obfuscations.jetbrains, obfuscations.navicat, obfuscations.base64_text]
)
@pytest.mark.parametrize("text", ["", "0", "zz", "é" * 9, "0" * 9_999, "ff" * 8, "00", "A3", "-" * 40])
def test_what_is_not_hidden_stays_hidden(undo: Callable[[str], bytes], text: str) -> None:
    assert isinstance(undo(text), bytes)
    assert isinstance(obfuscations.winscp(text, "u", "h"), bytes)
    assert isinstance(obfuscations.vnc(text.encode()[:8]), bytes)
