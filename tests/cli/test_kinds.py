"""`yett kinds` tells what a scan knows, and how strictly that was counted."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from yett.cli.app import app


def test_every_kind_names_its_issuer_and_the_page_that_documents_it() -> None:
    told = json.loads(CliRunner().invoke(app, ["kinds", "--json"]).output)
    assert len(told["kinds"]) == told["counts"]["rules"]
    for kind in told["kinds"]:
        assert kind["issuer"]
        assert kind["page"].startswith("https://")
        assert kind["severity"] in ("low", "medium", "high", "critical")


def test_the_table_ends_with_the_counts() -> None:
    result = CliRunner().invoke(app, ["kinds"])
    assert result.exit_code == 0
    assert "differ by more than a prefix" in result.output.splitlines()[-1]
