"""Settings of servers: Tomcat, JBoss, Grafana, Prometheus, Redis, RabbitMQ, Kafka, Elasticsearch, PgBouncer, LDAP."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.histories import redis_command
from yett.inventory.formats.ini_spans import ini_entries, lines
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.line_format import line_format
from yett.inventory.formats.named_format import password_format
from yett.inventory.formats.parser import hits
from yett.inventory.formats.spaced import spaced_entries
from yett.inventory.formats.sql_secrets import in_sql
from yett.inventory.formats.toml_spans import toml_entries
from yett.inventory.formats.word import Found, Word
from yett.inventory.formats.xml_values import xml_values
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

_JAAS = re.compile(
    rb"(?P<key>username|password|user_[\w.-]{1,60}|keyTab)\s{0,8}=\s{0,8}\\?\"(?P<value>[^\"\\\r\n]{1,500})\\?\""
)
_SQL_LONGEST = 16_384


def _jaas(content: bytes) -> Iterator[Entry]:
    """KafkaServer { ... required username="x" password="y" user_alice="z"; }; also in one line of a properties file."""
    block = 0
    for found in _JAAS.finditer(content):
        key = found["key"].decode("ascii")
        block += key == "username"
        name = "password" if key.startswith("user_") else key
        yield Entry((f"#{block}", name), found["value"].decode("utf-8", "replace"), *found.span("value"))


def _redis(content: bytes) -> Iterator[Hit]:
    """redis.conf, users.acl, Sentinel: requirepass, masterauth, user NAME on >PASSWORD."""
    yield from hits(_redis_found(content), "redis-conf", "password in Redis' settings")


def _redis_found(content: bytes) -> Iterator[Found]:
    for start, end in lines(content):
        line = content[start : min(end, start + _SQL_LONGEST)]
        words = [
            Word(word[0], start + word.start(), start + word.end(), ((0, start + word.start(), len(word[0])),))
            for word in re.finditer(rb"[^\s\"']+", line)
        ]
        if not words or words[0].value[:1] == b"#":
            continue
        if words[0].value.lower() == b"user" and len(words) > 2:
            yield from (
                (word.tail(1, "password"), words[1].text)
                for word in words[2:]
                if word.value[:1] == b">" and word.tail(1).is_real
            )
        elif words[0].value.lower() == b"sentinel" and len(words) > 3 and words[1].value.lower() == b"auth-pass":
            entry = words[3].tail(0, "password")
            yield from [(entry, words[2].text)] if entry.is_real else []
        else:
            yield from ((entry, account) for entry, account in redis_command(words) if entry.is_real)


def _postgres(content: bytes) -> Iterator[Hit]:
    """primary_conninfo = 'host=... user=... password=...'"""
    found = (
        pair
        for start, end in lines(content)
        if end - start < _SQL_LONGEST
        for pair in in_sql(Word(content[start:end], start, end, ((0, start, end - start),)))
    )
    yield from hits(found, "postgresql-conf", "password in PostgreSQL's settings")


FORMATS = (
    password_format(
        "tomcat",
        "Tomcat's settings",
        xml_values,
        names=("tomcat-users.xml",),
        paths=("conf/server.xml", "tomcat*/server.xml"),
        also=("keystorepass", "certificatekeystorepassword", "truststorepass"),
    ),
    password_format(
        "jboss",
        "JBoss' settings",
        xml_values,
        names=("standalone.xml", "standalone-*.xml", "domain.xml", "host.xml", "jboss-web.xml"),
    ),
    line_format(
        "jboss-users",
        "password hash in JBoss' users",
        rb"(?P<user>[^\s=#]{1,100})=(?P<secret>[0-9a-f]{32})\s{0,4}\Z",
        names=("mgmt-users.properties", "application-users.properties"),
        severity=Severity.LOW,
    ),
    password_format(
        "grafana",
        "Grafana's settings",
        ini_entries,
        names=("grafana.ini",),
        paths=("grafana/custom.ini", "conf/defaults.ini"),
        also=("admin_password", "secret_key"),
    ),
    password_format(
        "monitoring-yaml",
        "a monitoring server's settings",
        yaml_entries,
        names=(
            "alertmanager.yml",
            "alertmanager.yaml",
            "alertmanager*.yml",
            "prometheus.yml",
            "prometheus.yaml",
            "loki.yml",
            "loki.yaml",
            "promtail.yml",
            "promtail.yaml",
            "datasources.yml",
            "datasources.yaml",
            "telegraf.yml",
            "otel-collector*.yaml",
        ),
        paths=("provisioning/datasources/*.yml", "provisioning/datasources/*.yaml"),
        also=("api_url", "slack_api_url", "service_key", "routing_key"),
    ),
    password_format("telegraf", "Telegraf's settings", toml_entries, names=("telegraf.conf", "influxdb.conf")),
    password_format(
        "elastic",
        "Elasticsearch's settings",
        yaml_entries,
        names=(
            "elasticsearch.yml",
            "kibana.yml",
            "logstash.yml",
            "filebeat.yml",
            "metricbeat.yml",
            "apm-server.yml",
            "heartbeat.yml",
            "opensearch.yml",
            "fleet-server.yml",
            "enterprise-search.yml",
        ),
    ),
    Format(
        "redis-conf",
        "password in Redis' settings",
        "password",
        _redis,
        ("redis.conf", "redis-*.conf", "sentinel.conf", "valkey.conf", "users.acl", "redis.conf.*", "keydb.conf"),
    ),
    password_format("mongod", "MongoDB's settings", yaml_entries, names=("mongod.conf", "mongos.conf", ".mongorc.yml")),
    line_format(
        "mongo-keyfile",
        "key file of a MongoDB replica set",
        rb"(?P<secret>[A-Za-z0-9+/=]{100,1024})\s{0,4}\Z",
        names=("mongodb-keyfile", "mongo-keyfile", "mongodb.key"),
        identity="signing-key",
    ),
    password_format(
        "rabbitmq",
        "RabbitMQ's settings",
        json_entries,
        names=("definitions.json", "rabbitmq-definitions.json", "rabbit_definitions.json", "load_definition.json"),
        also=("password_hash",),
    ),
    password_format(
        "rabbitmq-conf",
        "RabbitMQ's settings",
        ini_entries,
        names=("rabbitmq.conf", "rabbitmqadmin.conf"),
        also=("default_pass",),
    ),
    password_format(
        "kafka-jaas",
        "Kafka's login",
        _jaas,
        names=(
            "*jaas.conf",
            "*jaas*.config",
            "jaas.config",
            "client.properties",
            "consumer.properties",
            "producer.properties",
            "server.properties",
            "connect*.properties",
            "client-ssl.properties",
            "kafka_client*.properties",
        ),
    ),
    Format(
        "postgresql-conf",
        "password in PostgreSQL's settings",
        "password",
        _postgres,
        ("recovery.conf", "postgresql.auto.conf", "postgresql.conf", "pgpool.conf", "repmgr.conf"),
    ),
    line_format(
        "pgbouncer-users",
        "password in PgBouncer's users",
        rb"\"(?P<user>[^\"]{1,100})\"\s{1,20}\"(?P<secret>[^\"]{1,500})\"",
        names=("userlist.txt", "pool_passwd"),
    ),
    password_format("pgbouncer", "PgBouncer's settings", ini_entries, names=("pgbouncer.ini",)),
    password_format("patroni", "Patroni's settings", yaml_entries, names=("patroni.yml", "patroni.yaml")),
    password_format("php-fpm", "PHP-FPM's settings", ini_entries, paths=("php-fpm.d/*.conf", "fpm/pool.d/*.conf")),
    password_format(
        "ldap",
        "an LDAP client's settings",
        spaced_entries,
        "~/.ldaprc",
        names=(
            "slapd.conf",
            "ldap.conf",
            "nslcd.conf",
            "pam_ldap.conf",
            "libnss-ldap.conf",
            ".ldaprc",
            "ldap.secret.conf",
        ),
        also=("bindpw", "rootpw", "rootbindpw"),
    ),
    line_format(
        "ldif",
        "password in an LDIF file",
        rb"(?i)(?:userPassword|olcRootPW|unicodePwd|sambaNTPassword):{1,2}[ \t]{0,8}(?P<secret>[^\s]{4,500})",
        names=("*.ldif",),
    ),
    password_format("sssd", "SSSD's settings", ini_entries, names=("sssd.conf",), also=("ldap_default_authtok",)),
    line_format(
        "ldap-secret",
        "password of an LDAP root",
        rb"(?P<secret>[^\s#]{4,200})\s{0,4}\Z",
        names=("ldap.secret", "pam_ldap.secret", "libnss-ldap.secret"),
    ),
    line_format(
        "bind-key",
        "key of a name server",
        rb"\s{0,20}secret\s{1,8}\"(?P<secret>[A-Za-z0-9+/=]{16,200})\"",
        names=("rndc.key", "rndc.conf", "tsig.key", "*.tsig", "named.conf.keys", "ddns.key"),
        identity="signing-key",
    ),
    password_format(
        "zabbix",
        "Zabbix' settings",
        ini_entries,
        names=("zabbix_server.conf", "zabbix_proxy.conf"),
        also=("dbpassword",),
    ),
    password_format(
        "gitlab-runner",
        "GitLab Runner's settings",
        toml_entries,
        "~/.gitlab-runner/config.toml",
        paths=("gitlab-runner/config.toml",),
    ),
    password_format(
        "gitea",
        "Gitea's settings",
        ini_entries,
        paths=("gitea/conf/app.ini", "forgejo/conf/app.ini", "gitea/app.ini"),
        also=("passwd", "internal_token", "secret_key", "jwt_secret", "lfs_jwt_secret"),
    ),
    password_format(
        "jenkins",
        "Jenkins' settings",
        xml_values,
        names=("hudson.util.secret.xml", "jenkins.model.jenkinslocationconfiguration.xml"),
    ),
    password_format(
        "matrix",
        "a Matrix server's settings",
        yaml_entries,
        names=("homeserver.yaml", "dendrite.yaml"),
        also=("registration_shared_secret", "macaroon_secret_key", "form_secret"),
    ),
    password_format(
        "home-assistant",
        "Home Assistant's secrets",
        yaml_entries,
        paths=("homeassistant/secrets.yaml", ".homeassistant/secrets.yaml", "config/secrets.yaml"),
    ),
    password_format(
        "proxy-conf",
        "a proxy's settings",
        ini_entries,
        names=("frpc.ini", "frps.ini", "frpc.toml", "frps.toml", ".mitmproxy.yml"),
    ),
)
