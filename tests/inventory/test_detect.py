"""Credentials in text: by form, by name, by place; and what is none. All values here are made up."""

from __future__ import annotations

import json
import random
import secrets
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.inventory.engine import engine
from yett.inventory.hit import Hit

DETECTOR = engine()
UUID = "5f1c9e02-7d43-4b8a-9c55-0a1b2c3d4e5f"
MADE = "x7Kq92mZp4Tt81Lw0Rv6"


def found(text: str) -> list[tuple[str, str, str]]:
    """(provider, kind, value) of every hit."""
    raw = text.encode()
    return [(hit.provider, hit.kind, raw[hit.start : hit.end].decode()) for hit in DETECTOR.hits(raw)]


def one(text: str) -> tuple[str, str, str]:
    hits = found(text)
    assert len(hits) == 1, hits
    return hits[0]


@pytest.mark.parametrize(
    ("text", "provider", "kind"),
    [
        (f"RAILWAY_TOKEN={UUID}\n", "railway", "project"),
        (f"export RAILWAY_API_TOKEN='{UUID}'", "railway", "account"),
        (f'{{"railway_workspace_token": "{UUID}"}}', "railway", "workspace"),
        (f"railway:\n  domains:\n    token: {UUID}\n", "railway", "project"),
        (f"curl https://backboard.railway.app/graphql/v2 -H 'Authorization: Bearer {UUID}'", "railway", "account"),
        (f"const client = new Railway({{ apiToken: '{UUID}' }})", "railway", "account"),
        (f"curl -H 'Authorization: Bearer {UUID}' https://else.where/", "", "bearer-token"),
        ("aws_secret_access_key = wJ4lrXUtnF7MI/K7MDoNG/bPxRf3CYz9zw2zzKEY", "aws", "aws-secret-access-key"),
        (f"SIGNING_KEY: {MADE}", "", "generic-secret"),
        (f'password = "{MADE}"', "", "generic-secret"),
        (f'"args": ["serve", "--api-key", "{MADE}"]', "", "generic-secret"),
        (f"    - 'X_API_TOKEN={MADE}'", "", "generic-secret"),
        (f'"args": ["--token={MADE}"]', "", "generic-secret"),
        (f"serve --token {MADE}\n", "", "generic-secret"),
        (f"serve --token={MADE}\n", "", "generic-secret"),
        (f"fetch('https://a.test/?x=1&access_token={MADE}&y=2')", "", "generic-secret"),
        ("DATABASE_URL=postgres://app:s3cr3tpw@db.internal:5432/app", "", "url-password"),
        ("redis://:s3cr3tpw9@cache.internal/0", "", "url-password"),
        (json.dumps({"text": f"then\nexport SERVICE_TOKEN={MADE}\nrun"}), "", "generic-secret"),
        (json.dumps({"text": f"I set API_TOKEN={MADE}"}), "", "generic-secret"),
        ("PGPASSWORD=correcthorse42", "databases", "database-password"),
    ],
)
def test_what_a_name_or_place_tells(text: str, provider: str, kind: str) -> None:
    hit = one(text)
    assert hit[:2] == (provider, kind)


REST = "a1B2-_c3D4" * 9 + "eF_AA"


@pytest.mark.parametrize(
    ("value", "provider", "kind"),
    [
        (f"sk-ant-api03-{REST}", "anthropic", "api-key"),
        (f"sk-ant-admin01-{REST}", "anthropic", "admin-key"),
        (f"sk-ant-oat01-{REST}", "anthropic", "login-token"),
        (f"sk-ant-ort01-{REST}", "anthropic", "login-token"),
        (f"sk-proj-{REST}", "openai", "api-key"),
        (f"sk-{MADE}{MADE}", "openai", "api-key"),
        (f"sk-admin-{REST}", "openai", "admin-key"),
        (f"sk-or-v1-{random.Random(5).randbytes(32).hex()}", "openrouter", "openrouter-key"),
    ],
)
@pytest.mark.parametrize("text", ["key: {}\n", "{}", 'ANYTHING = "{}"', "OPENAI_KEY={}\n"])
def test_keys_that_begin_alike_are_told_apart(text: str, value: str, provider: str, kind: str) -> None:
    """A placeholder for a key that was taken for another provider's is refused at its own host."""
    assert one(text.format(value)) == (provider, kind, value)


def test_only_the_value_is_marked() -> None:
    assert one(f"https://a.test/?access_token={MADE}&y=2")[2] == MADE
    assert one("DATABASE_URL=postgres://app:s3cr3tpw@db.internal/app")[2] == "s3cr3tpw"
    assert one(f'{{"x": {{"api_key": "{MADE}"}}}}')[2] == MADE


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH])
def test_a_private_key_is_found_whole_also_on_one_line(form: PrivateFormat) -> None:
    made = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, form, NoEncryption()).decode().strip()
    assert one(f"# my key\n{made}\n")[1:] == ("private-key", made)
    joined = made.replace("\n", "\\n")
    assert one(f'KEY="{joined}"')[1:] == ("private-key", joined)
    indented = made.replace("\n", "\n    ")
    assert one(f"tls:\n  key: |\n    {indented}\n")[1:] == ("private-key", indented)


def test_half_a_private_key_as_documentation_shows_it_is_none() -> None:
    made = (
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )
    lines = made.splitlines()
    assert not found("\n".join([*lines[:4], lines[-1]]))


@pytest.mark.parametrize(
    "text",
    [
        f"id: {UUID}",
        f"volume_id = '{UUID}'",
        "commit = 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "API_KEY=your_api_key_goes_here_12345",
        "API_KEY=${API_KEY_FROM_THE_ENVIRONMENT_1}",
        'token = os.environ["SOME_TOKEN_NAME_2"]',
        "private_key: PKCS7PrivateKeyTypes",
        "secret = settings.credentials.the_secret2",
        "key = lambda item: item.something_long",
        "PASSWORD=changeme",
        "postgres://user:password@db.internal/x",
        "postgres://app:s3cr3tpw@localhost:5432/app",
        "postgres://app:s3cr3tpw@127.0.0.1/app",
        "yett_ph_abcdefghijklmnopqrstuvwxyz",
        "RAILWAY_TOKEN=yett_ph_abcdefghijklmnopqrstuvwxyz",
        "max_tokens: 1234567890123456789012a",
        "nextPageToken: CAUQAA8f7a6b5c4d3e2f1a0b9c",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + "A" * 200 + "\n-----END PUBLIC KEY-----",
        "task-risk-disk-sk-short",
        "AKIAIOSFODNN7EXAMPLE",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $RAILWAY_TOKEN",
        "token, 'abcdefghij0123456789xy'",
        "load(token=read_it_from_2_places(here))",
    ],
)
def test_what_is_no_credential(text: str) -> None:
    """Law 9's other side: a scanner that cries at ids and examples is switched off."""
    assert found(text) == []


def test_variables_tell_by_name_and_by_form() -> None:
    def kind(name: str, value: str) -> tuple[str, str] | None:
        hit: Hit | None = DETECTOR.named(name, value.encode())
        return (hit.provider, hit.kind) if hit else None

    assert kind("RAILWAY_TOKEN", UUID) == ("railway", "project")
    assert kind("ANYTHING", f"glpat-{MADE}") == ("gitlab", "gitlab-token")
    assert kind("DATABASE_URL", "postgres://a:s3cr3tpw@db.internal/x") == ("", "url-password")
    assert kind("ANYTHING", f"sk-ant-api03-{REST}") == ("anthropic", "api-key")
    assert kind("ANTHROPIC_API_KEY", f"sk-ant-api03-{REST}") == ("anthropic", "api-key")
    assert kind("ANTHROPIC_AUTH_TOKEN", f"sk-ant-api03-{REST}") == ("anthropic", "login")
    assert kind("VOLUME_ID", UUID) is None
    assert kind("HOME", "/root") is None


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=300))
def test_any_bytes_are_read(text: bytes) -> None:
    for hit in DETECTOR.hits(text):
        assert 0 <= hit.start < hit.end <= len(text)


def test_a_file_that_is_all_hits_takes_no_more_for_each() -> None:
    """An agent may leave it behind, so that the next start waits. Sixteen times the text: not 256 times the work."""

    def spent(times: int) -> float:
        text = b"".join(b"sk-proj-%s\n" % secrets.token_hex(12).encode() for _ in range(100)) * times
        before = time.process_time()
        assert DETECTOR.hits(text)
        return time.process_time() - before

    assert spent(320) < 64 * spent(20)


def test_blanks_behind_a_name_are_read_once() -> None:
    before = time.process_time()
    assert not found("password" + " " * 200_000)
    assert time.process_time() - before < 10, "quadratic: minutes"
