"""Scanning deltas by what they change finds exactly what scanning every object whole finds, object by object."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from inventory.history.made import evolving, repacked, repository, told, whole
from inventory.history.standin import StandIn, letters, private_key, token, web_token
from yett.inventory.history import delta as deltas
from yett.inventory.history.forest import NONE, grow, open_pack
from yett.inventory.history.index import read_index
from yett.inventory.history.scan import scan_history


@pytest.mark.parametrize("seed", range(24))
def test_random_histories(tmp_path: Path, engine: StandIn, seed: int) -> None:
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(seed), 60)))
    outcome = scan_history(folder, engine, workers=1)
    assert told(outcome) == whole(folder, engine)
    assert not outcome.unread


def test_the_histories_have_deltas_and_hits_below_clean_bases(tmp_path: Path, engine: StandIn) -> None:
    """Otherwise the test above would prove nothing."""
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(1), 60)))
    pack = next((folder / ".git/objects/pack").glob("*.pack"))
    forest = grow(pack, read_index(pack.with_suffix(".idx")), open_pack(pack))
    assert sum(base != NONE for base in forest.base) > 50
    assert len(whole(folder, engine)) > 20


def test_less_is_screened_than_read(tmp_path: Path) -> None:
    dice = random.Random(3)
    text = letters(dice, 100_000, "abcdef \n")
    versions = [{"a": (text[:at] + "x" + text[at:]).encode()} for at in range(1000, 90_000, 1000)]
    engine = StandIn()
    folder = repacked(repository(tmp_path / "r", versions))
    outcome = scan_history(folder, engine, workers=1)
    assert outcome.read > 80 * 100_000
    assert engine.screened < outcome.read / 5


def test_windows_cut_short_are_noticed(tmp_path: Path, engine: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: windows without their start, as if a text had none."""
    folders = [repacked(repository(tmp_path / str(seed), evolving(random.Random(seed), 60))) for seed in range(6)]
    real, real_in = deltas.changes, deltas.changes_in
    monkeypatch.setattr("yett.inventory.history.walk.changes", lambda *given: real(*given)[600:])
    monkeypatch.setattr("yett.inventory.history.walk.changes_in", lambda *given: real_in(*given)[600:])
    assert any(told(scan_history(each, engine, workers=1)) != whole(each, engine) for each in folders)


@pytest.mark.parametrize("part", ["reach", "long"])
def test_a_promise_of_the_engine_that_is_broken_is_noticed(
    tmp_path: Path, engine: StandIn, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Sabotage: a smaller reach than the rules have, or no long rules."""
    folders = [repacked(repository(tmp_path / str(seed), evolving(random.Random(seed), 60))) for seed in range(6)]
    monkeypatch.setattr(StandIn, part, 20 if part == "reach" else frozenset())
    assert any(told(scan_history(each, engine, workers=1)) != whole(each, engine) for each in folders)


def _same(folder: Path, engine: StandIn, least: int) -> None:
    found = told(scan_history(repacked(folder), engine, workers=1))
    assert found == whole(folder, engine)
    assert len({value for _, _, value, _ in found}) >= least


def test_a_private_key_edited_in_the_middle(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(5)
    lines = private_key(random.Random(11)).split("\n")
    versions = []
    for _ in range(30):
        lines[dice.randrange(1, len(lines) - 1)] = letters(dice, 64)
        versions.append({"key": ("# notes\n" * 300 + "\n".join(lines) + "\n# more" * 300).encode()})
    _same(repository(tmp_path / "r", versions), engine, 30)


def test_a_key_that_becomes_whole_in_its_middle(tmp_path: Path, engine: StandIn) -> None:
    """No version but one holds a hit, and the change lies far from both ends of it."""
    key = private_key(random.Random(11)) + "\n"
    broken = key[: len(key) // 2] + "!" + key[len(key) // 2 :]
    text = "a line\n" * 500
    versions = [{"k": (text + broken + text + "x" * number).encode()} for number in range(6)]
    versions.insert(3, {"k": (text + key + text + "x").encode()})
    _same(repository(tmp_path / "r", versions), engine, 1)


def test_a_long_token_whose_parts_come_apart(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(8)
    head, body, tail = web_token(dice).split(".")
    text = "\n".join(letters(dice, 60) for _ in range(200))
    shapes = [f"{head}.{body}.{tail}", f"{head} {body}.{tail}", f"{head}.{body} {tail}", f"{head}.\n{body}.{tail}"]
    versions = [{"t": f"{text}\n{shape}\n{text}{number}".encode()} for number, shape in enumerate(shapes * 3)]
    _same(repository(tmp_path / "r", versions), engine, 1)


def test_a_token_of_two_copied_halves(tmp_path: Path, engine: StandIn) -> None:
    """Nothing is inserted: what stood between the halves went."""
    dice = random.Random(9)
    secret = token(dice)
    text = "".join(letters(dice, 60) + "\n" for _ in range(100))
    between = "".join(letters(dice, 60) + "\n" for _ in range(100))
    apart = f"{text} {secret[:20]}{between}{secret[20:]} {text}"
    _same(repository(tmp_path / "r", [{"a": apart.encode()}, {"a": apart.replace(between, "").encode()}]), engine, 1)


def test_at_the_very_ends_of_a_text(tmp_path: Path, engine: StandIn) -> None:
    """A letter that touched the token goes, at the start and at the end of the file."""
    dice = random.Random(10)
    one, two = token(dice), token(dice)
    text = "\n" + "".join(letters(dice, 60) + "\n" for _ in range(100))
    versions = [{"a": f"{before}{one}{text}{two}{behind}".encode()} for before in ("x", "") for behind in ("x", "")]
    _same(repository(tmp_path / "r", versions), engine, 2)


def test_one_large_text(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(12)
    lines = [letters(dice, 90) for _ in range(30_000)]
    versions = []
    for _ in range(8):
        lines[dice.randrange(len(lines))] = token(dice)
        versions.append({"big": "\n".join(lines).encode()})
    _same(repository(tmp_path / "r", versions), engine, 8)


def test_messages_of_commits_and_tags(tmp_path: Path, engine: StandIn) -> None:
    from inventory.history.made import run

    dice = random.Random(13)
    one, two = token(dice), token(dice)
    folder = repository(tmp_path / "r", evolving(dice, 3), ["first", f"take {one} out"])
    run(folder, "tag", "-a", "v1", "-m", f"made with {two}")
    outcome = scan_history(repacked(folder), engine, workers=1)
    kinds = {spot.value.decode(): each.kind for each in outcome.found for spot in each.spots}
    assert kinds[one] == "commit"
    assert kinds[two] == "tag"


def test_several_processes_find_the_same(tmp_path: Path, engine: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yett.inventory.history.work._ALONE", 0)
    monkeypatch.setattr("yett.inventory.history.work._SHARE", 1000)
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(2), 80, files=8)))
    seen: list[tuple[int, int]] = []
    outcome = scan_history(folder, engine, workers=3, progress=lambda done, total: seen.append((done, total)))
    assert told(outcome) == whole(folder, engine)
    assert seen
    assert seen[-1][0] == seen[-1][1]


def test_bases_are_let_go_and_made_again(tmp_path: Path, engine: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yett.inventory.history.walk._HELD", 1)
    monkeypatch.setattr("yett.inventory.history.walk._DENSE", 10)
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(4), 60)))
    assert told(scan_history(folder, engine, workers=1)) == whole(folder, engine)
