"""Settings of frameworks and build tools: Rails, Symfony, Spring, .NET, Maven, Gradle, Ansible, Puppet, Salt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry
from yett.inventory.formats.ini_spans import ini_entries, lines
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.line_format import line_format
from yett.inventory.formats.named_format import password_format
from yett.inventory.formats.shell_words import commands
from yett.inventory.formats.toml_spans import toml_entries
from yett.inventory.formats.word import Word
from yett.inventory.formats.xml_values import xml_values
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.severity import Severity

_ENCRYPTED = re.compile(r"\{[A-Za-z0-9+/=]{20,}\}")
"""What mvn --encrypt-password writes."""
_VAULT = b"$ANSIBLE_VAULT;"


def _maven(content: bytes) -> Iterator[Entry]:
    return (entry for entry in xml_values(content) if not _ENCRYPTED.fullmatch(entry.value))


def _nuget(content: bytes) -> Iterator[Entry]:
    """Password is encrypted for its user, ClearTextPassword is what it says."""
    for entry in xml_values(content):
        if entry.key.lower() != "password":
            yield entry


def _yaml_vars(content: bytes) -> Iterator[Entry]:
    """Ansible's and Puppet's variables; a file that a vault encrypts as a whole has none."""
    if not content.lstrip().startswith(_VAULT):
        yield from yaml_entries(content)


def _inventory(content: bytes) -> Iterator[Entry]:
    """host ansible_user=x ansible_password=y: of each line its NAME=VALUE words."""
    if content.lstrip().startswith(_VAULT):
        return
    for at, (start, end) in enumerate(lines(content)):
        for _, words in commands(content, start, end):
            yield from (entry for word in words if (entry := _assignment(word, f"#{at}")))


def _assignment(word: Word, line: str) -> Entry | None:
    name, equals, value = word.value.partition(b"=")
    if not equals or not value:
        return None
    entry = word.tail(len(name) + 1)
    return Entry((line, name.decode("latin-1")), entry.value, entry.start, entry.end, entry.decoded)


FORMATS = (
    password_format(
        "rails",
        "Rails' settings",
        yaml_entries,
        names=("database.yml", "secrets.yml", "application.yml.local"),
        paths=("config/cable.yml", "config/storage.yml", "config/redis.yml", "config/mongoid.yml"),
        also=("secret_key_base",),
    ),
    line_format(
        "rails-key",
        "master key of Rails' credentials",
        rb"(?P<secret>[0-9a-f]{32})\s{0,2}\Z",
        names=("master.key",),
        paths=("config/credentials/*.key",),
        identity="signing-key",
        severity=Severity.CRITICAL,
    ),
    password_format(
        "symfony",
        "Symfony's parameters",
        yaml_entries,
        names=("parameters.yml", "parameters.yaml", "parameters_*.yml"),
        paths=("config/packages/*.yaml",),
        also=("secret",),
    ),
    password_format(
        "spring",
        "Spring's settings",
        ini_entries,
        names=("application.properties", "application-*.properties", "bootstrap.properties", "bootstrap-*.properties"),
    ),
    password_format(
        "spring-yaml",
        "Spring's settings",
        yaml_entries,
        names=(
            "application.yml",
            "application.yaml",
            "application-*.yml",
            "application-*.yaml",
            "bootstrap.yml",
            "bootstrap.yaml",
        ),
    ),
    password_format(
        "hibernate",
        "Hibernate's settings",
        xml_values,
        names=(
            "hibernate.cfg.xml",
            "persistence.xml",
            "applicationcontext*.xml",
            "context.xml",
            "web.xml",
            "*-ds.xml",
        ),
    ),
    password_format(
        "maven",
        "Maven's settings",
        _maven,
        "~/.m2/settings.xml",
        names=("settings-security.xml",),
        paths=("maven/conf/settings.xml", ".mvn/settings.xml"),
    ),
    password_format(
        "gradle",
        "Gradle's settings",
        ini_entries,
        "~/.gradle/gradle.properties",
        "~/.gradle/gradle-*.properties",
        names=("gradle.properties", "local.properties", "keystore.properties", "key.properties", "signing.properties"),
    ),
    password_format(
        "sbt", "sbt's credentials", ini_entries, "~/.sbt/.credentials", "~/.ivy2/.credentials", "~/.sbt/*/.credentials"
    ),
    password_format(
        "nuget",
        "NuGet's settings",
        _nuget,
        "~/.nuget/NuGet/NuGet.Config",
        "~/.config/NuGet/NuGet.Config",
        names=("nuget.config",),
    ),
    password_format(
        "dotnet-xml",
        ".NET settings",
        xml_values,
        names=(
            "appsettings.config",
            "secrets.config",
            "*.pubxml",
            "*.pubxml.user",
            "*.publishsettings",
        ),
        also=("userpwd",),
    ),
    password_format(
        "dotnet-json",
        ".NET settings",
        json_entries,
        "~/.microsoft/usersecrets/*/secrets.json",
        names=("secrets.json", "launchsettings.json"),
    ),
    password_format(
        "ansible-vars",
        "Ansible's variables",
        _yaml_vars,
        paths=(
            "group_vars/*",
            "host_vars/*",
            "group_vars/*/*",
            "host_vars/*/*",
            "vars/*.yml",
            "vars/*.yaml",
            "defaults/main.yml",
            "playbooks/*.yml",
        ),
        names=("playbook.yml", "site.yml", "vault.yml", "inventory.yml", "inventory.yaml", "hosts.yml", "hosts.yaml"),
    ),
    password_format(
        "ansible-inventory",
        "Ansible's inventory",
        _inventory,
        names=("inventory.ini", "hosts.ini", "ansible_hosts"),
        paths=("ansible/hosts", "inventories/*/hosts"),
    ),
    line_format(
        "ansible-vault-password",
        "password of an Ansible vault",
        rb"(?P<secret>[^\s#!][^\r\n]{3,200}?)\s{0,4}\Z",
        "~/.vault_pass",
        "~/.vault_pass.txt",
        "~/.ansible/vault_pass*",
        names=(
            ".vault_pass",
            ".vault_pass.txt",
            "vault_pass.txt",
            ".vault-password",
            ".vaultpass",
            "vault-password.txt",
            ".ansible-vault-password",
        ),
        severity=Severity.CRITICAL,
    ),
    password_format(
        "hiera",
        "Puppet's data",
        _yaml_vars,
        paths=(
            "hieradata/*.yaml",
            "hieradata/*/*.yaml",
            "hiera/*.yaml",
            "puppet/data/*.yaml",
            "puppet/data/*/*.yaml",
        ),
    ),
    password_format(
        "salt",
        "Salt's pillars",
        _yaml_vars,
        names=("*.sls",),
        paths=("pillar/*.sls", "pillar/*/*.sls", "salt/master", "salt/minion"),
    ),
    password_format(
        "chef",
        "Chef's data bags",
        json_entries,
        paths=("data_bags/*/*.json",),
    ),
    password_format(
        "streamlit",
        "Streamlit's secrets",
        toml_entries,
        "~/.streamlit/secrets.toml",
        paths=(".streamlit/secrets.toml",),
    ),
    password_format(
        "app-ini",
        "an application's settings",
        ini_entries,
        names=(
            "alembic.ini",
            "database.ini",
            "odoo.conf",
            "airflow.cfg",
            "supervisord.conf",
            "uwsgi.ini",
            "flyway.conf",
        ),
        paths=("conf/app.ini", "conf/trac.ini", "etc/sentry.conf"),
        also=("admin_passwd",),
    ),
    password_format("flyway", "Flyway's settings", toml_entries, names=("flyway.toml", "flyway.user.toml")),
    password_format(
        "liquibase",
        "Liquibase's settings",
        ini_entries,
        names=(
            "liquibase.properties",
            "persistence.properties",
            "jdbc.properties",
            "db.properties",
            "database.properties",
            "hibernate.properties",
            "kafka.properties",
            "sonar-project.properties",
        ),
    ),
)
