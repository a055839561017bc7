"""A second scan reads what is new, and still tells everything."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from inventory.history.made import add, evolving, repacked, repository, run, told, whole
from inventory.history.standin import StandIn, token
from yett.inventory.history.scan import scan_history


def _scan(folder: Path, engine: StandIn, state: Path) -> tuple[set[tuple[str, str, bytes, int]], int]:
    before = engine.screened
    outcome = scan_history(folder, engine, state=state, workers=1)
    return told(outcome), engine.screened - before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repacked(repository(tmp_path / "r", evolving(random.Random(1), 60)))


def test_nothing_new(tmp_path: Path, folder: Path, engine: StandIn) -> None:
    first, much = _scan(folder, engine, tmp_path / "state")
    again, little = _scan(folder, engine, tmp_path / "state")
    assert again == first == whole(folder, engine)
    assert little < much / 4


def test_a_new_pack_and_loose_objects(tmp_path: Path, folder: Path, engine: StandIn) -> None:
    _scan(folder, engine, tmp_path / "state")
    add(folder, evolving(random.Random(2), 5))
    (folder / "new").write_text(token(random.Random(3)))
    run(folder, "add", "new")
    again, _ = _scan(folder, engine, tmp_path / "state")
    assert again == whole(folder, engine)
    assert _scan(folder, engine, tmp_path / "state")[0] == again


def test_packing_anew_reads_nothing_anew(tmp_path: Path, folder: Path, engine: StandIn) -> None:
    first, much = _scan(folder, engine, tmp_path / "state")
    add(folder, evolving(random.Random(2), 3))
    _scan(folder, engine, tmp_path / "state")
    repacked(folder)
    again, little = _scan(folder, engine, tmp_path / "state")
    assert again == whole(folder, engine)
    assert first <= again
    assert little < much / 4


def test_many_new_objects_in_a_pack_of_old_ones(
    tmp_path: Path, folder: Path, engine: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yett.inventory.history.packs._FEW", 0)
    _scan(folder, engine, tmp_path / "state")
    add(folder, evolving(random.Random(2), 20))
    repacked(folder)
    assert _scan(folder, engine, tmp_path / "state")[0] == whole(folder, engine)


def test_other_rules_read_everything(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = StandIn()
    first, much = _scan(folder, engine, tmp_path / "state")
    monkeypatch.setattr(StandIn, "version", "other rules")
    assert _scan(folder, engine, tmp_path / "state") == (first, much)


def test_what_was_pruned_is_forgotten(tmp_path: Path, folder: Path, engine: StandIn) -> None:
    _scan(folder, engine, tmp_path / "state")
    run(folder, "checkout", "-q", "--orphan", "fresh")
    run(folder, "commit", "-qm", "one", "--allow-empty")
    run(folder, "branch", "-qD", "main")
    run(folder, "reflog", "expire", "--expire=now", "--all")
    run(folder, "gc", "-q", "--prune=now")
    outcome = scan_history(folder, engine, state=tmp_path / "state")
    assert told(outcome) == whole(folder, engine)
    assert not outcome.unread


def test_the_state_holds_no_value(tmp_path: Path, folder: Path, engine: StandIn) -> None:
    found, _ = _scan(folder, engine, tmp_path / "state")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert kept
    assert not [value for _, _, value, _ in found if value in kept]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"layout": 2}', b"\xff", None])
def test_a_state_that_makes_no_sense_means_a_full_scan(
    tmp_path: Path, folder: Path, engine: StandIn, content: bytes | None
) -> None:
    first, _ = _scan(folder, engine, tmp_path / "state")
    place = next((tmp_path / "state").rglob("scanned.json"))
    if content is None:
        (place.parent / "known.ids").write_bytes(b"short")
    else:
        place.write_bytes(content)
    assert _scan(folder, engine, tmp_path / "state")[0] == first
