"""Desktop clients of databases: connections that they keep with the password in clear text or under a public key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format, Unparsable
from yett.inventory.formats.ini_spans import ini_entries, lines
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.named_format import named_format
from yett.inventory.formats.named_values import named_secrets
from yett.inventory.formats.obfuscations import dbeaver, heidisql, jetbrains, navicat
from yett.inventory.formats.parser import hits
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.word import Found
from yett.inventory.formats.xml_values import xml_values
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.hit import Hit

_MAC = "~/Library"
_HEX4 = re.compile(r"(?:[0-9a-f]{4}){1,200}", re.IGNORECASE)
_HEIDI = re.compile(
    rb"Servers\\(?P<server>[^\r\n<|]{1,200})\\(?P<key>\w{1,30})<\|\|\|>\d<\|\|\|>(?P<value>[^\r\n]{1,4096})"
)


def _hidden(entry: Entry, plain: bytes) -> Entry:
    """The entry with what its text hides."""
    return replace(entry, value=plain.decode("utf-8", "replace"), decoded=plain)


def _dbeaver(content: bytes) -> Iterator[Hit]:
    """The ciphertext's bytes of each password: masked, they decrypt to nothing."""
    plain = dbeaver(content)
    if not plain:
        raise Unparsable("not encrypted with DBeaver's common key")
    found: list[Found] = []
    for entry, account in named_secrets(json_entries(plain)):
        value = entry.value.encode("utf-8", "surrogatepass")
        found.append((replace(entry, start=entry.start + 16, end=entry.end + 16, decoded=value), account))
    yield from hits(found, "dbeaver", "password in DBeaver's connections")


def _jetbrains(content: bytes) -> Iterable[Entry]:
    """data sources with addresses; deployment servers with passwords that are xored."""
    for entry in xml_values(content):
        is_password = entry.key.lower() in ("password", "passphrase") and _HEX4.fullmatch(entry.value)
        plain = jetbrains(entry.value) if is_password else b""
        yield _hidden(entry, plain) if plain else entry


def _navicat(content: bytes) -> Iterable[Entry]:
    for entry in xml_values(content):
        is_hidden = "password" in entry.key.lower() or entry.key.lower() == "passphrase"
        plain = navicat(entry.value) if is_hidden and len(entry.value) >= 4 else b""
        if plain or not is_hidden:
            yield _hidden(entry, plain) if plain else entry


def _heidisql(content: bytes) -> Iterator[Hit]:
    """Servers\\NAME\\Password<|||>1<|||>HEX"""
    servers: dict[str, dict[str, tuple[str, int, int]]] = {}
    for start, end in lines(content):
        if found := _HEIDI.match(content, start, end):
            server, key, value = (found[name].decode("utf-8", "replace") for name in ("server", "key", "value"))
            servers.setdefault(server, {})[key] = (value, *found.span("value"))
    yield from hits(_heidisql_found(servers), "heidisql", "password in HeidiSQL's sessions")


def _heidisql_found(servers: dict[str, dict[str, tuple[str, int, int]]]) -> Iterator[Found]:
    for keys in servers.values():
        for key in ("Password", "SSHtunnelPassword", "SSHtunnelPrivateKeyPassphrase"):
            value, start, end = keys.get(key, ("", 0, 0))
            plain = heidisql(value)
            if plain and not is_placeholder(plain):
                account = account_at(keys.get("User", ("",))[0], keys.get("Host", ("",))[0])
                yield Entry((key,), plain.decode("utf-8", "replace"), start, end, plain), account


FORMATS = (
    Format(
        "dbeaver",
        "password in DBeaver's connections",
        "password",
        _dbeaver,
        names=("credentials-config.json",),
        homes=(
            "~/.local/share/DBeaverData/workspace*/*/.dbeaver/credentials-config.json",
            f"{_MAC}/DBeaverData/workspace*/*/.dbeaver/credentials-config.json",
            "~/.var/app/io.dbeaver.DBeaverCommunity/data/DBeaverData/workspace*/*/.dbeaver/credentials-config.json",
            "~/snap/dbeaver-ce/*/.local/share/DBeaverData/workspace*/*/.dbeaver/credentials-config.json",
        ),
    ),
    named_format(
        "dbeaver-sources",
        "password in DBeaver's connections",
        json_entries,
        paths=(".dbeaver/data-sources.json",),
        names=("data-sources.json",),
    ),
    named_format(
        "jetbrains",
        "password in a JetBrains connection",
        _jetbrains,
        "~/.config/JetBrains/*/options/*.xml",
        f"{_MAC}/Application Support/JetBrains/*/options/*.xml",
        names=("datasources.xml", "datasources.local.xml", "webservers.xml", "sshconfigs.xml"),
    ),
    named_format(
        "pgadmin",
        "password in pgAdmin's servers",
        json_entries,
        paths=("pgadmin4/servers.json", "pgadmin/servers.json"),
        names=("pgadmin-servers.json", "pgadmin_servers.json"),
    ),
    Format(
        "heidisql",
        "password in HeidiSQL's sessions",
        "password",
        _heidisql,
        ("portable_settings.txt",),
        sniff=rb"<\|\|\|>1<\|\|\|>",
    ),
    named_format(
        "navicat", "password in Navicat's connections", _navicat, names=("*.ncx",), sniff=rb'<Connections Ver="'
    ),
    named_format(
        "mysql-workbench",
        "password in MySQL Workbench's connections",
        xml_values,
        "~/.mysql/workbench/connections.xml",
        f"{_MAC}/Application Support/MySQL/Workbench/connections.xml",
        paths=("workbench/connections.xml",),
    ),
    named_format(
        "mongodb-compass",
        "password in Compass's connections",
        json_entries,
        "~/.config/MongoDB Compass/Connections/*.json",
        "~/.config/MongoDB Compass/*.json",
        f"{_MAC}/Application Support/MongoDB Compass/Connections/*.json",
        names=("compass-connections.json", "compass-connections*.json"),
    ),
    named_format(
        "robo3t",
        "password in Robo 3T's connections",
        json_entries,
        "~/.3T/robo-3t/*/robo3t.json",
        "~/.3T/robo-3t/*/*.json",
        "~/.config/robomongo/*/robomongo.json",
        names=("robo3t.json", "robomongo.json"),
    ),
    named_format(
        "redis-insight",
        "password in Redis Insight's databases",
        json_entries,
        names=("redisinsight_connections*.json", "redisinsight*.json", "redis-insight*.json"),
    ),
    named_format(
        "squirrel-sql",
        "password in SQuirreL's aliases",
        xml_values,
        "~/.squirrel-sql/SQLAliases*.xml",
        names=("sqlaliases*.xml",),
    ),
    named_format(
        "sql-clients",
        "password in a database client's settings",
        ini_entries,
        "~/.config/pgcli/config",
        "~/.myclirc",
        "~/.config/litecli/config",
        "~/.sqlcmdrc",
    ),
    named_format(
        "dbt",
        "password in dbt's profiles",
        yaml_entries,
        "~/.dbt/profiles.yml",
        names=("profiles.yml",),
        also=("pass",),
    ),
    named_format("usql", "password in usql's settings", yaml_entries, "~/.config/usql/config.yaml"),
    named_format(
        "orm-json",
        "password of a database in an ORM's settings",
        json_entries,
        names=("ormconfig.json", "database.json", "knexfile.json"),
        paths=("config/config.json", "config/default.json", "config/production.json", "config/development.json"),
    ),
)
