"""The headline and the words in it."""

from __future__ import annotations

import pytest
from made import NOW, YEAR, finding, usual

from yett.inventory.finding import Acceptance
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.reports import exit_status, headline
from yett.inventory.reports.words import age, count, duration, listed, size
from yett.inventory.severity import Severity
from yett.model.credential import Location

DAY = 86_400.0


def test_headline_says_how_many_how_bad_and_where() -> None:
    assert headline(usual()) == (
        "6 credentials, 2 critical, 2 in files an agent reads, 1 in an agent's configuration, 1 in a variable, "
        "1 in a transcript, 1 in history; 2 accepted, 1 of them unaudited; 2 could not be read"
    )


def test_one_is_not_many() -> None:
    assert headline(Outcome((finding(),))) == "1 credential, 1 in a file an agent reads"
    two = Outcome((finding(Location("client-config", "a")), finding(Location("client-config", "b"))))
    assert headline(two) == "2 credentials, 2 in agents' configuration"


def test_a_credential_in_many_places_counts_once_at_the_nearest() -> None:
    found = finding(Location("history", "a"), Location("file", "/b", 1), Location("variable", "C"))
    assert headline(Outcome((found,))) == "1 credential, 1 in a variable"


def test_nothing_found_says_what_was_looked_at() -> None:
    looked = Outcome((), files=1, blobs=2, read=1_500_000, seconds=0.04)
    assert headline(looked) == "No credential was found in 1 file and 2 objects of history (1.5 MB) in 0.0 seconds"


def test_all_accepted_is_not_nothing_found() -> None:
    found = finding(accepted=Acceptance("known"))
    assert headline(Outcome((found,), files=2, seconds=30)) == "No open credential in 2 files in 30 seconds; 1 accepted"


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (3.4 * YEAR, "3 years"),
        (1.1 * YEAR, "1 year"),
        (70 * DAY, "2 months"),
        (15 * DAY, "2 weeks"),
        (3 * DAY, "3 days"),
        (1.5 * DAY, "1 day"),
        (60, "today"),
        (-500, "today"),
    ],
)
def test_age(passed: float, said: str) -> None:
    assert age(NOW - passed, NOW) == said


def test_unknown_age_is_not_said() -> None:
    assert age(0, NOW) == ""


def test_numbers() -> None:
    assert [count(1, "file"), count(0, "file"), count(1204, "file")] == ["1 file", "0 files", "1,204 files"]
    assert [size(1), size(999), size(52_000_000), size(3_210_000_000)] == ["1 byte", "999 bytes", "52 MB", "3.21 GB"]
    assert [duration(0.42), duration(12.3), duration(600)] == ["0.4 seconds", "12 seconds", "10 minutes"]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_exit_status_counts_open_findings_from_the_threshold() -> None:
    high = Outcome((finding(severity=Severity.HIGH),))
    assert exit_status(high, Severity.HIGH) == 1
    assert exit_status(high, Severity.CRITICAL) == 0
    assert exit_status(Outcome((finding(accepted=Acceptance("known")),)), Severity.LOW) == 0


def test_exit_status_of_a_hole_counts_only_when_asked() -> None:
    unread = (Unread("/x", "permission denied"),)
    assert exit_status(Outcome((), unread), Severity.LOW) == 0
    assert exit_status(Outcome((), unread), Severity.LOW, strict_read=True) == 3
    assert exit_status(Outcome((finding(),), unread), Severity.LOW, strict_read=True) == 1
