"""Google Cloud: service-account keys, application default credentials, OAuth clients, gcloud's databases."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.entry import Entry, by_parent, text_of
from yett.inventory.formats.format import Format
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

KEY = "Google Cloud service-account key"
LOGIN = "Google Cloud login"
CLIENT = "Google OAuth client secret"

DATABASES: tuple[tuple[str, str, str, str], ...] = (
    ("gcloud/credentials.db", "credentials", "account_id", "value"),
    ("gcloud/access_tokens.db", "access_tokens", "account_id", "access_token"),
    ("gcloud/access_tokens.db", "access_tokens", "account_id", "id_token"),
    ("gcloud/access_tokens.db", "access_tokens", "account_id", "rapt_token"),
)
"""(path ending, table, column of the account, column of the credential) of gcloud's SQLite files. `credentials.value`
is JSON that `parse` reads; the others are tokens as they are."""

_KEYS = {
    "private_key": ("google-service-account", KEY, "service-account", Severity.CRITICAL),
    "refresh_token": ("google-login", LOGIN, "oauth-token", Severity.HIGH),
    "access_token": ("google-login", LOGIN, "oauth-token", Severity.HIGH),
    "id_token": ("google-login", LOGIN, "oauth-token", Severity.MEDIUM),
    "client_secret": ("google-oauth-client", CLIENT, "oauth-client", Severity.MEDIUM),
}
_WHOSE = ("client_email", "account", "quota_project_id", "client_id")


def parse(content: bytes) -> Iterator[Hit]:
    """Service-account keys, authorized users, workload logins and clients, at the root or within."""
    quoted = (entry for entry in json_entries(content) if entry.quoted)
    for login in by_parent(quoted).values():
        for name in _KEYS.keys() & login.keys():
            if login[name].is_real and _is_secret(login[name]):
                kind, title, identity, severity = _KEYS[name]
                account = text_of(login, *_WHOSE)
                yield login[name].hit(
                    kind, title, provider="google", identity=identity, account=account, severity=severity
                )


def _is_secret(entry: Entry) -> bool:
    return entry.key != "private_key" or "PRIVATE KEY" in entry.value


FORMATS = (
    Format(
        "google-service-account",
        KEY,
        "service-account",
        parse,
        names=(
            "*service-account*.json",
            "*service_account*.json",
            "*serviceaccount*.json",
            "gcp-key*.json",
            "gcp_key*.json",
            "*-gcp.json",
            "*firebase-adminsdk*.json",
            "gha-creds-*.json",
        ),
        sniff=rb'"type"[ \t]{0,4}:[ \t]{0,4}"(?:service_account|authorized_user|impersonated_service_account)"',
        severity=Severity.CRITICAL,
    ),
    Format(
        "google-login",
        LOGIN,
        "oauth-token",
        parse,
        names=("application_default_credentials.json", "adc.json"),
        paths=("gcloud/legacy_credentials/*/adc.json", "gcloud/configurations/*.json"),
        homes=(
            "~/.config/gcloud/application_default_credentials.json",
            "~/.config/gcloud/legacy_credentials/*/adc.json",
        ),
    ),
    Format(
        "google-oauth-client",
        CLIENT,
        "oauth-client",
        parse,
        names=("client_secret*.json", "client-secret*.json"),
        sniff=rb'"(?:installed|web)"[ \t]{0,4}:[ \t]{0,4}\{[ \t\r\n]{0,40}"client_id"',
    ),
)
