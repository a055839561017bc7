"""Outcomes to report on. Values are made at run time and must appear in no report."""

from __future__ import annotations

import random
import string
from dataclasses import replace

from yett.inventory.finding import Acceptance, Finding
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.severity import Severity
from yett.model.credential import Credential, Location
from yett.model.secret import Secret

NOW = 1_800_000_000.0
YEAR = 365.25 * 86_400
_CHANCE = random.Random(20)


def value() -> bytes:
    return "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=32)).encode()


def finding(
    *locations: Location,
    title: str = "Stripe secret key",
    provider: str = "stripe",
    kind: str = "stripe-secret-key",
    severity: Severity = Severity.HIGH,
    owner: str = "",
    **more: object,
) -> Finding:
    made = value()
    fingerprint = f"{_CHANCE.getrandbits(256):064x}"
    at = locations or (Location("file", "/srv/shop/.env", 3),)
    credential = Credential(fingerprint, provider, kind, at, made[-4:].decode(), owner)
    return Finding(credential, Secret(made), title, severity=severity, **more)  # type: ignore[arg-type]


def usual() -> Outcome:
    """Something of everything, as one scan would find it."""
    accepted = Acceptance("example in the documentation", "2031-01-01", "ada", audited=True)
    unaudited = Acceptance("taken over from gitleaks report", audited=False)
    findings = (
        finding(Location("file", "/srv/shop/.env", 3), severity=Severity.CRITICAL, since=NOW - 3.2 * YEAR, owner="ada"),
        finding(
            Location("history", "deploy/prod.tfvars", 12, commit="4f2a9c0de1" * 4, object_id="ab" * 20),
            title="AWS secret access key",
            provider="aws",
            kind="aws-secret-access-key",
            severity=Severity.CRITICAL,
            since=NOW - YEAR,
            environment="production",
        ),
        finding(
            Location("client-config", "/srv/shop/.mcp.json", 9),
            Location("file", "/srv/shop/docs/setup.md", 40),
            Location("file", "/srv/shop/docs/old.md", 41),
            Location("file", "/srv/shop/docs/older.md", 42),
            title="PostgreSQL password",
            provider="postgresql",
            kind="password",
            account="deploy@db.example.test",
            environment="staging",
        ),
        finding(Location("variable", "GITHUB_TOKEN"), title="GitHub token", provider="github", kind="github-token"),
        finding(Location("transcript", "/home/ada/.claude/projects/shop/1.jsonl", 80), severity=Severity.MEDIUM),
        finding(Location("file", "/srv/shop/test/a b%é.txt", 1), severity=Severity.LOW, since=NOW - 5),
        finding(Location("file", "/srv/shop/docs/example.md", 7), accepted=accepted),
        finding(Location("file", "/srv/shop/old/keys.txt", 8), accepted=unaudited),
    )
    unread = (Unread("/srv/shop/data.db", "larger than 64 MB"), Unread("/srv/shop/private", "permission denied"))
    return Outcome(findings, unread, ("/srv/shop",), files=1204, blobs=3300, read=52_000_000, seconds=0.42)


def many(number: int) -> Outcome:
    found = tuple(finding(Location("file", f"/srv/shop/fixtures/{at}.env", at + 1)) for at in range(number))
    return Outcome(found, (), ("/srv/shop",), files=number, seconds=12.0)


def hostile(text: str) -> Outcome:
    """Every field that somebody else may have written holds `text`."""
    each = finding(
        Location("file", f"/srv/shop/{text}", 1),
        Location("history", text, 2, commit=text, object_id=text),
        Location("variable", text),
        Location("client-config", text, 3),
        title=text,
        provider=text,
        kind=text,
        account=text,
        owner=text,
        environment=text,
    )
    taken = replace(each, accepted=Acceptance(text, text, text, audited=False))
    return Outcome((each, taken), (Unread(text, text),), (text,), files=1)


def values(outcome: Outcome) -> list[str]:
    return [found.value.text() for found in outcome.findings]
