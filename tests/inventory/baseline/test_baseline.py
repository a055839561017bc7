"""What a baseline accepts, what it does not, and what it says about itself."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from found import found, in_file, random_value

from yett.inventory.baseline import Allow, Baseline, rule_of
from yett.inventory.finding import Finding
from yett.model.credential import Location
from yett.model.errors import ConfigurationError

TODAY = date(2026, 11, 21)


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    return Baseline.load(tmp_path / ".yett" / "baseline.json")


def at(finding: Finding, *locations: Location) -> Finding:
    return replace(finding, credential=replace(finding.credential, locations=locations))


def is_accepted(baseline: Baseline, finding: Finding, today: date = TODAY) -> bool:
    return baseline.apply([finding], today).findings[0].accepted is not None


def test_what_was_added_is_accepted_after_a_round_trip(baseline: Baseline) -> None:
    finding = found(in_file(str(baseline.root / "a.env"), 3))
    baseline.add([finding], "a test key", until="2027-01-01", by="ada", today=TODAY).write()
    accepted = Baseline.load(baseline.path).apply([finding], TODAY).findings[0].accepted
    assert accepted is not None
    assert (accepted.reason, accepted.until, accepted.by, accepted.audited) == ("a test key", "2027-01-01", "ada", True)


def test_moved_lines_do_not_break_it(baseline: Baseline) -> None:
    finding = found(in_file("a.env", 3))
    assert is_accepted(baseline.add([finding], "known"), at(finding, in_file("a.env", 300)))


def test_another_checkout_elsewhere_is_the_same_repository(baseline: Baseline, tmp_path: Path) -> None:
    finding = found(in_file(str(baseline.root / "src" / "a.env")))
    baseline.add([finding], "known").write()
    other = tmp_path / "other"
    (other / ".yett").mkdir(parents=True)
    (other / ".yett" / "baseline.json").write_bytes(baseline.path.read_bytes())
    assert is_accepted(Baseline.load(other / ".yett" / "baseline.json"), at(finding, in_file(str(other / "src/a.env"))))


def test_another_value_in_the_same_place_is_open(baseline: Baseline) -> None:
    added = baseline.add([found(in_file("a.env", 3))], "known")
    assert not is_accepted(added, found(in_file("a.env", 3)))


def test_the_same_value_under_another_rule_is_open(baseline: Baseline) -> None:
    finding = found(in_file("a.env"))
    other = replace(finding, credential=replace(finding.credential, kind="stripe-restricted-key"))
    assert not is_accepted(baseline.add([finding], "known"), other)


def test_one_place_more_is_open_and_says_where_it_is_accepted(baseline: Baseline) -> None:
    finding = found(in_file("a.env"))
    copied = at(finding, in_file("a.env"), in_file("b.env"))
    applied = baseline.add([finding], "known").apply([copied], TODAY)
    assert applied.findings[0].accepted is None
    assert applied.elsewhere[0].uncovered == ("b.env",)
    assert applied.remarks() == ("accepted elsewhere (a.env), not in b.env: stripe stripe-key",)


def test_a_moved_file_is_open_hinted_and_its_entry_stale(baseline: Baseline) -> None:
    finding = found(in_file("a.env"))
    applied = baseline.add([finding], "known").apply([at(finding, in_file("b.env"))], TODAY)
    assert applied.findings[0].accepted is None
    assert [entry.path for entry in applied.stale if not isinstance(entry, Allow)] == ["a.env"]
    assert len(applied.remarks()) == 2


def test_a_file_and_its_own_history_have_one_entry(baseline: Baseline) -> None:
    finding = found(in_file(str(baseline.root / "a.env"), 3))
    past = at(finding, in_file(str(baseline.root / "a.env"), 3), Location("history", "a.env", 9, "c" * 40, "b" * 40))
    added = baseline.add([past], "known")
    assert len(added.entries) == 1
    assert is_accepted(added, past)


def test_a_variable_and_a_file_of_its_name_are_two_places(baseline: Baseline) -> None:
    finding = found(Location("variable", "TOKEN"))
    assert not is_accepted(baseline.add([finding], "known"), at(finding, in_file("TOKEN")))


def test_the_day_of_until_is_the_last_one(baseline: Baseline) -> None:
    finding = found(in_file("a.env"))
    added = baseline.add([finding], "until it is renewed", until="2026-11-21")
    assert is_accepted(added, finding, date(2026, 11, 21))
    applied = added.apply([finding], date(2026, 11, 22))
    assert applied.findings[0].accepted is None
    assert applied.stale == ()
    told = "ended on 2026-11-21, counts no more: stripe-key in a.env (until it is renewed)"
    assert applied.remarks() == (told,)


def test_the_earliest_end_and_the_missing_audit_speak_for_all_places(baseline: Baseline) -> None:
    one = found(in_file("a.env"))
    two = at(one, in_file("b.env"))
    added = baseline.add([one], "first", audited=False).add([two], "second", until="2027-01-01")
    accepted = added.apply([at(one, in_file("a.env"), in_file("b.env"))], TODAY).findings[0].accepted
    assert accepted is not None
    assert (accepted.reason, accepted.until, accepted.audited) == ("second", "2027-01-01", False)


def test_added_again_is_audited_not_doubled(baseline: Baseline) -> None:
    finding = found(in_file("a.env"))
    added = baseline.add([finding], "taken over", audited=False).add([finding], "looked at it", by="ada")
    assert [(entry.reason, entry.audited) for entry in added.entries] == [("looked at it", True)]


def test_stale_entries_can_be_taken_out(baseline: Baseline) -> None:
    added = baseline.add([found(in_file("a.env")), found(in_file("b.env"))], "known")
    assert added.without(added.apply([], TODAY).stale).entries == ()


@pytest.mark.parametrize(("reason", "until"), [("", ""), ("  ", ""), ("known", "soon"), ("known", "2027-13-01")])
def test_no_acceptance_without_a_reason_or_with_a_date_that_is_none(
    baseline: Baseline, reason: str, until: str
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be accepted"):
        baseline.add([found(in_file("a.env"))], reason, until=until)


def test_a_path_is_allowed_until_a_day(baseline: Baseline) -> None:
    allowed = baseline.allowing(Allow("tests/**", "stripe-*", "made for the tests", until="2026-12-31"))
    finding = found(in_file(str(baseline.root / "tests" / "deep" / "a.env")))
    assert is_accepted(allowed, finding)
    assert not is_accepted(allowed, finding, date(2027, 1, 1))
    assert not is_accepted(allowed, at(finding, in_file("src/tests.env")))
    assert not is_accepted(allowed, found(in_file("tests/a.env"), provider="aws", kind="aws-key"))


def test_one_credential_is_allowed_wherever_it_lies(baseline: Baseline) -> None:
    finding = found(in_file("x/a.env"), in_file("y/b.env"))
    fingerprint = baseline.keys.fingerprint(finding.value.reveal())
    allowed = baseline.allowing(Allow("**", rule_of(finding), "public by design", fingerprint))
    assert is_accepted(allowed, finding)
    assert not is_accepted(allowed, found(in_file("x/a.env")))


def test_masking_sees_no_difference(baseline: Baseline) -> None:
    """Law 9: what is accepted is still a finding, with its value and all its places."""
    finding = found(in_file("a.env"))
    marked = baseline.add([finding], "known").apply([finding], TODAY).findings
    assert [replace(each, accepted=None) for each in marked] == [finding]


def test_the_file_holds_no_value_and_no_plain_hash_of_it(baseline: Baseline) -> None:
    import hashlib

    value = random_value()
    baseline.add([found(in_file("a.env"), value=value)], "known").write()
    text = baseline.path.read_text()
    assert value not in text
    assert value[-4:] not in text
    assert hashlib.sha256(value.encode()).hexdigest()[:16] not in text


def test_two_baselines_name_the_same_value_differently(tmp_path: Path) -> None:
    value = random_value().encode()
    one, two = (Baseline.load(tmp_path / name / ".yett" / "baseline.json") for name in ("one", "two"))
    assert one.keys.fingerprint(value) != two.keys.fingerprint(value)
    assert len(one.keys.fingerprint(value)) == 32


def test_many_are_worked_out_as_one_by_one(baseline: Baseline) -> None:
    values = [random_value().encode() for _ in range(5)]
    baseline.keys.work_out(values)
    alone = type(baseline.keys)(baseline.keys.salt)
    assert [baseline.keys.fingerprint(each) for each in values] == [alone.fingerprint(each) for each in values]


def test_the_file_is_sorted_one_entry_a_line_for_everyone_to_read(baseline: Baseline) -> None:
    findings = [found(in_file(name)) for name in ("c.env", "a.env", "b.env")]
    baseline.add(findings, "known", today=TODAY).allowing(Allow("docs/**", "*", "examples", until="2027-01-01")).write()
    lines = baseline.path.read_text().splitlines()
    assert [json.loads(line.rstrip(","))["path"] for line in lines if line.startswith("  ")] == [
        "a.env",
        "b.env",
        "c.env",
        "docs/**",
    ]
    assert stat.S_IMODE(baseline.path.stat().st_mode) == 0o644
    assert [each.name for each in baseline.path.parent.iterdir()] == ["baseline.json"]
    written = baseline.path.read_bytes()
    Baseline.load(baseline.path).write()
    assert baseline.path.read_bytes() == written


def test_history_without_a_path_is_named_by_its_object(baseline: Baseline) -> None:
    finding = found(Location("history", "", object_id="ab" * 20))
    assert baseline.add([finding], "known").entries[0].path == f"git:{'ab' * 20}"


def test_a_scan_of_a_part_calls_no_entry_stale(baseline: Baseline) -> None:
    applied = baseline.add([found(in_file("a.env"))], "known").apply([], TODAY)
    assert applied.remarks(whole=False) == ()


def test_remarks_are_bounded_and_harmless(baseline: Baseline) -> None:
    added = baseline.add([found(in_file(f"{number}\x1b[2J.env")) for number in range(14)], "known")
    remarks = added.apply([], TODAY).remarks()
    assert len(remarks) == 11
    assert remarks[-1] == "and 4 more: stale"
    assert "\x1b" not in "".join(remarks)
