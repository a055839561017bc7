"""`yett kinds`: which credentials a scan knows, whose they are, and whose issuer can be asked."""

from __future__ import annotations

from dataclasses import asdict

import typer

from yett.cli import show

_COLUMNS = (
    *(("kind", "KIND"), ("issuer", "ISSUER"), ("identity", "IDENTITY"), ("severity", "SEVERITY"), ("live", "LIVE")),
    ("page", "DOCUMENTED AT"),
)


def register(app: typer.Typer) -> None:
    app.command(
        "kinds",
        help="The kinds of credential that a scan knows.\n\n"
        "Each with its issuer, the page that documents it, the identity it stands for, its severity, and whether its\n"
        "issuer can be asked if it works (yett scan --live).\n\nExample: yett kinds --json",
    )(kinds)


def kinds(as_json: show.AsJson = False) -> None:
    """Every kind, and how many there are, counted strictly: a form with another prefix is no kind of its own."""
    import json

    from yett.inventory.kinds import load_rules
    from yett.inventory.kinds.count import counts

    rules = load_rules()
    counted = counts(rules)
    records = [
        {"kind": rule.id, "title": rule.title, "issuer": rule.provider, "identity": rule.identity,
         "severity": rule.severity.word, "live": rule.live is not None, "page": rule.page}
        for rule in sorted(rules, key=lambda rule: (rule.provider, rule.id))
    ]  # fmt: skip
    if as_json:
        print(json.dumps({"counts": asdict(counted), "kinds": records}, indent=2))
        return
    for record in records:
        record["live"] = "yes" if record["live"] else "no"
    show.rows(records, _COLUMNS, False, "no kinds")
    print(
        f"\n{counted.rules} kinds of {counted.issuers} issuers, {counted.formed} told by their own form; "
        f"{counted.distinct} differ by more than a prefix; {counted.live} can be asked whether they work; "
        f"{counted.identities} sorts of identity"
    )
