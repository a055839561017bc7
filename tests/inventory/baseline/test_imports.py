"""Reports and ignore lists of other scanners, in the form that those write, with values made at run time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from found import found, in_file, random_value

from yett.inventory.baseline import Allow, Baseline
from yett.inventory.baseline.imports import as_findings, gitleaks_allows, read_report, take_over
from yett.inventory.fingerprints import temporary
from yett.model.credential import Location
from yett.model.errors import ConfigurationError

TODAY = date(2026, 11, 21)
VALUE = random_value()
KINGFISHER = Path(sys.executable).with_name("kingfisher")


def gitleaks(secret: str, file: str = "a.env", commit: str = "") -> list[dict[str, Any]]:
    place = {"StartLine": 3, "EndLine": 3, "StartColumn": 5, "EndColumn": 9, "File": file, "SymlinkFile": ""}
    told = {"RuleID": "stripe-access-token", "Description": "x", "Match": f"k={secret}", "Secret": secret}
    return [{**told, **place, "Commit": commit, "Entropy": 4.2, "Author": "", "Fingerprint": f"{file}:x:3"}]


def trufflehog(secret: str) -> str:
    source = {"Data": {"Git": {"commit": "c" * 40, "file": "a.env", "line": 3, "email": "a@example.test"}}}
    result = {"SourceMetadata": source, "SourceID": 1, "DetectorName": "Stripe", "Verified": False}
    log = json.dumps({"level": "info-0", "msg": "running source"})
    return f"{log}\n{json.dumps({**result, 'Raw': secret, 'RawV2': '', 'Redacted': ''})}\n"


def kingfisher(secret: str) -> dict[str, Any]:
    rule = {"id": "kingfisher.stripe.1", "name": "Stripe"}
    at = {"snippet": secret, "line": 3, "path": "./a.env", "fingerprint": "1"}
    return {"findings": [{"rule": rule, "finding": at}], "metadata": {"kingfisher_version": "2.14.0"}}


def ggshield(secret: str, sha: str) -> dict[str, Any]:
    match = {"match": secret, "type": "apikey", "line_start": 3, "line_end": 3, "index_start": 2, "index_end": 9}
    incident = {"policy": "Secrets detection", "occurrences": [match], "type": "Stripe Keys", "ignore_sha": sha}
    entity = {"mode": "FILE", "filename": "a.env", "incidents": [{**incident, "total_occurrences": 1}]}
    inner = {"id": "x", "type": "path_scan", "entities_with_incidents": [entity]}
    return {"scans": [inner], "total_incidents": 1, "total_occurrences": 1}


def sarif(secret: str) -> dict[str, Any]:
    region = {"startLine": 3, "snippet": {"text": secret}}
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.env"}, "region": region}}
    result = {"ruleId": "stripe", "message": {"text": "x"}, "locations": [place]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "gitleaks"}}, "results": [result]}]}


def detect_secrets(secret: str) -> dict[str, Any]:
    row = {"type": "Secret Keyword", "filename": "a.env", "line_number": 3, "is_verified": False}
    sha = hashlib.sha1(secret.encode()).hexdigest()
    return {"version": "1.5.0", "plugins_used": [], "results": {"a.env": [{**row, "hashed_secret": sha}]}}


def ignore_sha(secret: str) -> str:
    return hashlib.sha256(f"{secret},apikey".encode()).hexdigest()


REPORTS: dict[str, Any] = {
    "gitleaks": gitleaks(VALUE),
    "trufflehog": trufflehog(VALUE),
    "kingfisher": kingfisher(VALUE),
    "kingfisher-jsonl": json.dumps(kingfisher(VALUE)["findings"][0]) + "\n",
    "ggshield": ggshield(VALUE, ignore_sha(VALUE)),
    "ggshield-masked": ggshield("sk_****************xyz", ignore_sha(VALUE)),
    "detect-secrets": detect_secrets(VALUE),
    "sarif": sarif(VALUE),
}


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    return Baseline.load(tmp_path / "repo" / ".yett" / "baseline.json")


def written(folder: Path, report: object, name: str = "report") -> Path:
    path = folder / name
    path.write_text(report if isinstance(report, str) else json.dumps(report))
    return path


@pytest.mark.parametrize("name", REPORTS)
def test_what_this_scan_found_too_becomes_an_unaudited_entry(name: str, baseline: Baseline, tmp_path: Path) -> None:
    imported = read_report(written(tmp_path, REPORTS[name]))
    other = found(in_file(str(baseline.root / "a.env"), 9), provider="aws", kind="aws-key")
    same = found(in_file(str(baseline.root / "a.env"), 4), value=VALUE)
    taken = take_over(imported, [other, same], baseline, today=TODAY)
    assert (taken.added, taken.unmatched) == (1, ())
    entry = taken.baseline.entries[0]
    assert (entry.rule, entry.path, entry.audited, entry.added) == ("stripe-key", "a.env", False, "2026-11-21")
    assert entry.reason.startswith(("taken over from ", "ignored by "))
    applied = taken.baseline.apply([other, same], TODAY)
    assert [each.accepted is not None for each in applied.findings] == [False, True]


@pytest.mark.parametrize("name", REPORTS)
def test_the_baseline_never_holds_what_the_report_held(name: str, baseline: Baseline, tmp_path: Path) -> None:
    imported = read_report(written(tmp_path, REPORTS[name]))
    take_over(imported, [found(in_file("a.env", 3), value=VALUE)], baseline).baseline.write()
    text = baseline.path.read_text()
    assert VALUE not in text
    assert hashlib.sha1(VALUE.encode()).hexdigest() not in text
    assert VALUE not in repr(imported)


@pytest.mark.parametrize("name", ["gitleaks", "trufflehog", "kingfisher", "ggshield", "sarif"])
def test_another_value_at_the_same_place_is_not_taken_over(name: str, baseline: Baseline, tmp_path: Path) -> None:
    imported = read_report(written(tmp_path, REPORTS[name]))
    taken = take_over(imported, [found(in_file("a.env", 3))], baseline)
    assert taken.added == 0
    assert len(taken.unmatched) == 1


@pytest.mark.parametrize("masked", ["REDACTED", "[REDACTED:deddde98]", "abc***xyz"])
def test_a_masked_value_is_matched_by_its_line(masked: str, baseline: Baseline, tmp_path: Path) -> None:
    imported = read_report(written(tmp_path, gitleaks(masked)))
    assert imported[0].value is None
    near = found(in_file("a.env", 4), provider="aws", kind="aws-key")
    taken = take_over(imported, [near, found(in_file("a.env", 3))], baseline)
    assert [entry.rule for entry in taken.baseline.entries] == ["stripe-key"]


def test_a_masked_value_whose_line_moved_is_matched_by_its_issuer(baseline: Baseline, tmp_path: Path) -> None:
    imported = read_report(written(tmp_path, gitleaks("REDACTED")))
    moved = [found(in_file("a.env", 80)), found(in_file("a.env", 90), provider="aws", kind="aws-key")]
    assert take_over(imported, moved, baseline).baseline.entries[0].rule == "stripe-key"
    ambiguous = [found(in_file("a.env", 80)), found(in_file("a.env", 90))]
    assert take_over(imported, ambiguous, baseline).added == 0


def test_an_import_takes_nobodys_audit_away(baseline: Baseline, tmp_path: Path) -> None:
    finding = found(in_file("a.env", 3), value=VALUE)
    audited = baseline.add([finding], "looked at it", by="ada")
    taken = take_over(read_report(written(tmp_path, gitleaks(VALUE))), [finding], audited)
    assert taken.added == 0
    assert taken.baseline.entries == audited.entries


def test_history_is_history(tmp_path: Path) -> None:
    commit = "4f2a9c0d" * 5
    imported = read_report(written(tmp_path, gitleaks(VALUE, commit=commit) + gitleaks(VALUE, "b.env")))
    findings = as_findings(imported, temporary())
    assert [each.value.text() for each in findings] == [VALUE]
    assert [(at.source, at.path, at.commit) for at in findings[0].credential.locations] == [
        ("history", "a.env", commit),
        ("file", "b.env", ""),
    ]
    assert findings[0].title == "stripe-access-token (found by gitleaks)"
    assert VALUE not in json.dumps(findings[0].as_record())


def test_an_absolute_path_and_a_dotted_one_are_the_same(baseline: Baseline, tmp_path: Path) -> None:
    finding = found(in_file(str(baseline.root / "src" / "a.env"), 3), value=VALUE)
    for told in ("./src/a.env", "src/../src/a.env", str(baseline.root / "src" / "a.env")):
        imported = read_report(written(tmp_path, gitleaks(VALUE, told)))
        assert take_over(imported, [finding], baseline).added == 1


def test_gitleaksignore(baseline: Baseline, tmp_path: Path) -> None:
    commit = "4f2a9c0d" * 5
    text = f"# known\n\na.env:stripe-access-token:3\n{commit}:b.env:stripe-access-token:7 # old\nnonsense\n"
    imported = read_report(written(tmp_path, text, ".gitleaksignore"))
    assert [(each.path, each.rule, each.line, each.commit) for each in imported] == [
        ("a.env", "stripe-access-token", 3, ""),
        ("b.env", "stripe-access-token", 7, commit),
    ]
    past = found(Location("history", "b.env", 7, commit))
    taken = take_over(imported, [found(in_file("a.env", 3)), past], baseline)
    assert {entry.reason for entry in taken.baseline.entries} == {"ignored by gitleaks before"}
    assert taken.added == 2


def test_gitguardian_ignored_matches_count_at_every_path(baseline: Baseline, tmp_path: Path) -> None:
    other = random_value()
    text = f"version: 2\nsecret:\n  ignored_matches:\n  - name: a\n    match: {ignore_sha(VALUE)}\n  - match: {other}\n"
    imported = read_report(written(tmp_path, text, ".gitguardian.yaml"))
    both = [found(in_file("a.env"), in_file("b.env"), value=VALUE), found(in_file("c.env"), value=other)]
    taken = take_over(imported, both, baseline)
    assert sorted(entry.path for entry in taken.baseline.entries) == ["a.env", "b.env", "c.env"]


def test_gitleaks_path_allow_lists_become_globs_with_an_end(tmp_path: Path) -> None:
    text = (
        "[allowlist]\npaths = ['''^tests/data/.*''', '''go\\.sum$''', '''(a|b).env''', '''x.y''', '''vendor''']\n"
        "[[allowlists]]\npaths = ['''^docs/api\\.md$''']\n"
    )
    allows, left = gitleaks_allows(written(tmp_path, text, ".gitleaks.toml"), "2031-12-31")
    assert [allow.path for allow in allows] == ["tests/data/**", "**/go.sum", "**/vendor/**", "docs/api.md"]
    assert left == ["(a|b).env", "x.y"]
    assert allows[0] == Allow("tests/data/**", "*", "taken over from .gitleaks.toml", until="2031-12-31")
    with pytest.raises(ConfigurationError, match="no date until when"):
        gitleaks_allows(tmp_path / ".gitleaks.toml", "")


def test_a_report_without_findings_is_empty(tmp_path: Path) -> None:
    assert read_report(written(tmp_path, "[]\n")) == []
    assert read_report(written(tmp_path, {**kingfisher(""), "findings": []})) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no JSON in it"),
        ("hello\n", "there is no JSON in it"),
        ("{}", "no scanner that is known wrote it"),
        ('[{"RuleID": "a",\n "File": }]', "report:2: its JSON is broken"),
        ("[" * 100_000, "report:1: its JSON is nested too deep"),
        ('{"version": "2.1.0", "runs": {}}', "no scanner that is known wrote it"),
    ],
)
def test_a_broken_report_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_report(written(tmp_path, text))
    assert why in caught.value.what


def test_no_such_report_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read_report(tmp_path / "none")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], {"a": 1}])
def test_odd_types_raise_nothing_else(name: str, odd: object, tmp_path: Path) -> None:
    """Every member of a report, one after another, replaced by something of another type."""
    report = REPORTS[name]
    documents = [json.loads(line) for line in report.splitlines()] if isinstance(report, str) else [report]
    for document in documents:
        for broken in variants(document, odd):
            path = written(tmp_path, broken)
            with suppress(ConfigurationError):
                read_report(path)


def variants(value: Any, odd: object) -> list[Any]:
    if isinstance(value, dict):
        items = [{**value, key: each} for key, inner in value.items() for each in variants(inner, odd)]
        return [odd, *items]
    if isinstance(value, list):
        return [
            odd,
            *([*value[:at], each, *value[at + 1 :]] for at in range(len(value)) for each in variants(value[at], odd)),
        ]
    return [odd]


def test_yaml_aliases_are_refused(tmp_path: Path) -> None:
    text = "a: &a [x, x]\nb: &b [*a, *a]\nsecret: [*b, *b]\n"
    with pytest.raises(ConfigurationError, match="uses aliases"):
        read_report(written(tmp_path, text, ".gitguardian.yml"))


@pytest.mark.parametrize("form", ["json", "jsonl", "sarif"])
def test_a_real_kingfisher_report(form: str, baseline: Baseline, tmp_path: Path) -> None:
    token = "gh" + "p_" + random_value(36)
    repo = tmp_path / "real"
    repo.mkdir()
    (repo / "a.env").write_text(f"X=1\nTOKEN={token}\n")
    command = [str(KINGFISHER), "scan", "--no-validate", "--no-update-check", "--format", form, "."]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=120, check=False)
    imported = read_report(written(tmp_path, done.stdout))
    assert {each.path.removeprefix("./") for each in imported} == {"a.env"}
    taken = take_over(imported, [found(in_file("a.env", 2), value=token, provider="github")], baseline)
    assert taken.added == 1
