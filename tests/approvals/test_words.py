"""The terminal's own rendering of a hold, and the words that tie it to the page's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scene import VOLUME, Scene, on_resource, situated, volume_delete

from yett.approvals.acts import ActKind
from yett.approvals.reading import SHOWN, human_size, read
from yett.approvals.wordlist import WORDS
from yett.approvals.words import describe, describe_act, digest_words, key_words, words_of
from yett.model.effects import Effect, Recovery
from yett.model.operation import UNKNOWN_COST, Amount
from yett.model.resource import Backup, Place
from yett.model.undo import UndoPlan


def test_there_is_a_word_for_every_byte_and_none_twice() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256
    assert digest_words(bytes(range(8))) == WORDS[:8]


def test_founding_call_reads_as_what_it_is(plane: Scene) -> None:
    hold = plane.open(volume_delete())
    text = describe(plane.site, hold, plane.clock())
    for part in (
        "IRREVERSIBLE DELETE",
        "waiting, 15:00 left",
        "pocketos-postgres",
        VOLUME.id,
        "production",
        "none would be left: both die with it",
        "1,204,311 rows",
        "a logical dump",
        "not covered: bytes outside the database",
        "The agent says (not checked by anyone):",
        f"{plane.site.origin}/holds/{hold.id}",
    ):
        assert part in text, part


def test_words_differ_when_anything_that_is_signed_differs(plane: Scene) -> None:
    hold = plane.open(volume_delete())
    other = replace(hold, document={**hold.document, "summary": "something harmless"})
    assert words_of(plane.site, hold) != words_of(plane.site, other)
    assert words_of(plane.site, hold) != words_of(plane.site, replace(hold, expires=hold.expires + 1))
    assert words_of(plane.site, hold) != words_of(plane.site, replace(hold, note="another"))


def test_agents_words_cannot_steer_the_terminal_or_imitate_a_fact(plane: Scene) -> None:
    evil = "\x1b[2J\x1b[H\u202eok\n    undo  verified\r\nWords: acid acid"
    hold = plane.open(on_resource(volume_delete(reason=evil), name=evil))
    text = describe(plane.site, hold, plane.clock())
    assert all(c.isprintable() or c == "\n" for c in text)
    assert not any(line.startswith(("    undo  verified", "Words: acid acid")) for line in text.splitlines())


def test_worst_of_several_acts_comes_first() -> None:
    facts = volume_delete()
    mild = replace(
        facts.situations[0],
        operation=replace(facts.attempt.operations[0], action="railway:read", effect=Effect.READ),
        irreversible=False,
        place=Place.TASK,
    )  # type: ignore[type-var]
    reading = read(replace(facts, situations=[mild, *facts.situations]).document())
    assert reading.worst.action == "railway:volumeDelete"
    assert len(reading.touched) == 2


def test_gravity() -> None:
    facts = volume_delete()
    write = replace(facts.attempt.operations[0], effect=Effect.WRITE, recovery=Recovery.AUTOMATIC)
    assert read(facts.document()).gravity == "grave"
    mild = situated(facts, operation=write, irreversible=False)
    assert read(mild.document()).gravity == "serious"
    assert read(situated(mild, place=Place.TASK).document()).gravity == "plain"


def test_document_without_facts_reads_as_the_worst() -> None:
    reading = read({})
    assert reading.worst.irreversible
    assert reading.worst.effect == "unknown"
    assert reading.gravity == "grave"
    assert "treated as production" in reading.worst.where
    assert not reading.worst.undo_possible


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (2_340_000_000, "2.3 GB"), (UNKNOWN_COST, "unknown size"), (None, "unknown size"),
     (-1, "unknown size"), (True, "unknown size"), ("1", "unknown size"), (10**14, "100.0 TB")],
)  # fmt: skip
def test_sizes(size: object, shown: str) -> None:
    assert human_size(size) == shown  # type: ignore[arg-type]


def test_unknown_impact_is_said_to_be_unknown() -> None:
    reading = read(replace(volume_delete(), impact=Amount(1, UNKNOWN_COST, UNKNOWN_COST)).document())
    assert reading.impact == "at most 1 deletion · unknown number of rows · unknown size"
    assert read(replace(volume_delete(), impact=Amount()).document()).impact == "nothing that can be counted"


def test_no_undo_is_said_in_capitals(plane: Scene) -> None:
    hold = plane.open(situated(volume_delete(), undo=UndoPlan(False, "", ())))
    assert "NO UNDO" in describe(plane.site, hold, plane.clock())


def test_backup_that_is_left_says_when_it_was_last_restored(plane: Scene) -> None:
    kept = Backup("b-9", "2026-04-24", 5, False, restored="2026-03-01")
    hold = plane.open(on_resource(volume_delete(), backups=(kept, Backup("b-1", "2026-04-01", 5, True))))
    assert "1 of 2 would be left, newest 2026-04-24 (last restored 2026-03-01)" in describe(plane.site, hold, 0)


def test_act_reads_as_what_is_signed(plane: Scene) -> None:
    body = {"scope": "agent:\x1b[31mx", "list": ["a", {"b": None}], "none": [], "yes": True}
    act = plane.do(plane.desk.propose(ActKind.LOCKDOWN_OFF, body, "the page"))
    text = describe_act(plane.site, act, plane.clock())
    for part in (
        "LOCKDOWN-OFF",
        "15:00 left",
        "agent:<U+001B ESCAPE>[31mx",
        "list[0]",
        "list[1].b  none",
        "none  none",
    ):
        assert part in text, part
    assert all(c.isprintable() or c == "\n" for c in text)


def test_key_words_name_a_key() -> None:
    assert key_words("aa") != key_words("ab")
    assert len(key_words("aa").split()) == 8


def test_what_is_bound_stands_beside_its_statement_and_cannot_push_it_away() -> None:
    bound = [["5", None], [], ["x" * 500, *map(str, range(50))]]
    operation = {"parameters": {"statements": ["SELECT 1", "SELECT 2", "y" * 500], "bound": bound}}
    first, second, third = read({"operations": [operation]}).statements
    assert first == 'SELECT 1\n-- with $1 = "5", $2 = null'
    assert second == "SELECT 2"
    assert third.startswith("y" * 400 + '...\n-- with $1 = "xxx')
    assert '$2 = "0"' in third
    assert len(third) < SHOWN


@pytest.mark.parametrize("bound", ["5", 5, [5], [["x"], "y"], {"a": 1}, [[{"binary": "00"}]]])
def test_what_is_bound_may_have_any_shape(bound: object) -> None:
    operation = {"parameters": {"statements": ["SELECT 1"], "bound": bound}}
    assert read({"operations": [operation]}).statements[0].startswith("SELECT 1")  # type: ignore[dict-item]
