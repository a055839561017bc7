"""Every way in which git keeps objects, and what is left of it after an accident."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from inventory.history.made import add, evolving, repacked, repository, run, told, whole
from inventory.history.standin import StandIn, token
from yett.inventory.git import read_many
from yett.inventory.history.forest import REF_DELTA
from yett.inventory.history.scan import scan_history


def _made(folder: Path, seed: int = 1, commits: int = 40) -> Path:
    return repository(folder, evolving(random.Random(seed), commits))


def _pack(folder: Path) -> Path:
    return next((folder / ".git/objects/pack").glob("*.pack"))


def _loosened(folder: Path) -> Path:
    """All its objects as files."""
    moved = []
    for pack in list((folder / ".git/objects/pack").glob("*.pack")):
        moved.append(shutil.move(pack, folder / pack.name))
        pack.with_suffix(".idx").unlink()
    for each in moved:
        run(folder, "unpack-objects", "-q", feed=Path(each).read_bytes())
        Path(each).unlink()
    return folder


def _same(folder: Path, engine: StandIn, workers: int = 1) -> None:
    outcome = scan_history(folder, engine, workers=workers)
    expected = whole(folder, engine)
    assert told(outcome) == expected
    assert expected
    assert not outcome.unread


def test_bases_named_by_their_id(tmp_path: Path, engine: StandIn) -> None:
    folder = _made(tmp_path / "r")
    run(folder, "config", "repack.useDeltaBaseOffset", "false")
    repacked(folder)
    pack = _pack(folder).read_bytes()
    rows = run(folder, "verify-pack", "-v", str(_pack(folder).with_suffix(".idx"))).splitlines()
    kinds = {pack[int(row.split()[4])] >> 4 & 7 for row in rows if len(row.split()) == 7}
    assert kinds == {REF_DELTA}
    _same(folder, engine)


def test_loose_objects(tmp_path: Path, engine: StandIn) -> None:
    _same(_loosened(_made(tmp_path / "r")), engine)


def test_several_packs_that_share_objects(tmp_path: Path, engine: StandIn) -> None:
    folder = repacked(_made(tmp_path / "r"))
    first = shutil.copytree(folder / ".git/objects/pack", tmp_path / "first")
    add(folder, evolving(random.Random(2), 20))
    repacked(folder)
    for each in first.iterdir():
        if not (folder / ".git/objects/pack" / each.name).exists():
            shutil.copy(each, folder / ".git/objects/pack")
    add(folder, evolving(random.Random(3), 5))
    assert len(list((folder / ".git/objects/pack").glob("*.pack"))) == 3
    outcome = scan_history(folder, engine, workers=1)
    assert told(outcome) == whole(folder, engine)
    assert len({each.oid for each in outcome.found}) == len(outcome.found)


def test_borrowed_objects(tmp_path: Path, engine: StandIn) -> None:
    origin = repacked(_made(tmp_path / "origin"))
    run(tmp_path, "clone", "-q", "--shared", str(origin), "clone")
    assert not list((tmp_path / "clone/.git/objects/pack").glob("*.pack"))
    _same(tmp_path / "clone", engine)


def test_a_linked_worktree(tmp_path: Path, engine: StandIn) -> None:
    folder = repacked(_made(tmp_path / "r"))
    run(folder, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    assert told(scan_history(tmp_path / "tree", engine)) == whole(folder, engine)


def test_a_submodule_has_its_own_history(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(5)
    secret = token(dice)
    repository(tmp_path / "part", [{"a": f"x {secret} y".encode()}, {"a": b"gone"}])
    folder = _made(tmp_path / "r")
    run(folder, "reset", "-q", "--hard")
    run(folder, "submodule", "--quiet", "add", str(tmp_path / "part"), "below/part")
    shutil.rmtree(folder / "below")  # its configuration names a work tree that is gone
    found = [each for each in scan_history(folder, engine).found if each.repository.name == "part"]
    assert [spot.value.decode() for each in found for spot in each.spots] == [secret]


def test_a_shallow_clone_says_so(tmp_path: Path, engine: StandIn) -> None:
    origin = _made(tmp_path / "origin")
    run(tmp_path, "clone", "-q", "--depth=2", f"file://{origin}", "clone")
    outcome = scan_history(tmp_path / "clone", engine)
    assert told(outcome) == whole(tmp_path / "clone", engine)
    assert [each.why for each in outcome.unread] == ["a shallow clone: older history is not here"]


def test_a_partial_clone_fetches_nothing_and_says_so(tmp_path: Path, engine: StandIn) -> None:
    origin = _made(tmp_path / "origin")
    run(origin, "config", "uploadpack.allowFilter", "true")
    run(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{origin}", "clone")
    before = sorted((tmp_path / "clone/objects").rglob("*"))
    outcome = scan_history(tmp_path / "clone", engine)
    assert ["partial clone" in each.why for each in outcome.unread] == [True]
    assert sorted((tmp_path / "clone/objects").rglob("*")) == before


def test_an_index_of_version_1(tmp_path: Path, engine: StandIn) -> None:
    folder = _made(tmp_path / "r")
    run(folder, "config", "pack.indexVersion", "1")
    repacked(folder)
    outcome = scan_history(folder, engine)
    assert told(outcome) == whole(folder, engine)
    assert ["git is asked" in each.why for each in outcome.unread] == [True]


def test_ids_of_sha_256(tmp_path: Path, engine: StandIn) -> None:
    secret = token(random.Random(6))
    folder = tmp_path / "r"
    folder.mkdir()
    run(folder, "init", "-q", "--object-format=sha256", ".")
    (folder / "a").write_text(f"a {secret} b")
    run(folder, "add", "a")
    run(folder, "commit", "-qm", "one")
    run(folder, "repack", "-adfq")
    outcome = scan_history(folder, engine)
    assert [spot.value.decode() for each in outcome.found for spot in each.spots] == [secret]


def test_no_repository_at_all(tmp_path: Path, engine: StandIn) -> None:
    assert scan_history(tmp_path, engine).blobs == 0


def test_an_empty_repository(tmp_path: Path, engine: StandIn) -> None:
    run(tmp_path, "init", "-q", ".")
    assert scan_history(tmp_path, engine).found == ()


def test_what_is_too_large_is_named(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(7)
    secret = token(dice)
    versions = [{"big": (b"%d line\n" % number) * 20_000 + b"tail", "a": secret.encode()} for number in range(3)]
    folder = repacked(repository(tmp_path / "r", versions))
    outcome = scan_history(folder, engine, largest=100_000)
    assert {spot.value.decode() for each in outcome.found for spot in each.spots} == {secret}
    assert len([each for each in outcome.unread if "more than are read" in each.why]) == 3
    loose = scan_history(_loosened(folder), engine, largest=100_000)
    assert len([each for each in loose.unread if "more than are read" in each.why]) == 3


def _readable(folder: Path, oids: set[str]) -> set[str]:
    """Those that git can still read."""
    answers = ((each, answer) for each in oids for answer in read_many(folder, [each]))
    return {each for each, (_, kind, content) in answers if _id(kind, content) == each}


def _id(kind: str, content: bytes) -> str:
    return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(content), content), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_lose_only_what_they_hit(tmp_path: Path, engine: StandIn, seed: int) -> None:
    dice = random.Random(seed)
    folder = repacked(_made(tmp_path / "r", seed, 30))
    expected = whole(folder, engine)
    pack = _pack(folder)
    content = bytearray(pack.read_bytes())
    for _ in range(3):
        content[dice.randrange(12, len(content) - 20)] ^= 1 << dice.randrange(8)
    pack.chmod(0o644)
    pack.write_bytes(content)
    outcome = scan_history(folder, engine, workers=1)
    found = told(outcome)
    readable = _readable(folder, {oid for oid, *_ in expected})
    assert {row for row in expected if row[0] in readable} <= found <= expected
    missed = {oid for oid, *_ in expected - found}
    assert missed <= {each.what.removeprefix("git object ") for each in outcome.unread}


@pytest.mark.parametrize("left", [0, 5, 31, 0.3, 0.9])
def test_a_truncated_pack(tmp_path: Path, engine: StandIn, left: float) -> None:
    folder = repacked(_made(tmp_path / "r"))
    expected = whole(folder, engine)
    pack = _pack(folder)
    pack.chmod(0o644)
    with pack.open("r+b") as file:
        file.truncate(int(left if left > 1 else left * pack.stat().st_size))
    outcome = scan_history(folder, engine, workers=1)
    assert told(outcome) <= expected
    assert outcome.unread
    if left == 0.9:
        assert told(outcome)


def test_a_broken_index_and_a_missing_pack(tmp_path: Path, engine: StandIn) -> None:
    folder = repacked(_made(tmp_path / "r"))
    index = _pack(folder).with_suffix(".idx")
    index.chmod(0o644)
    index.write_bytes(index.read_bytes()[:-30] + b"x" * 30)
    assert scan_history(folder, engine).unread
    _pack(folder).unlink()
    assert scan_history(folder, engine).found == ()


def test_broken_loose_objects(tmp_path: Path, engine: StandIn) -> None:
    folder = _loosened(_made(tmp_path / "r", commits=10))
    expected = whole(folder, engine)
    files = [path for path in (folder / ".git/objects").glob("??/*") if path.is_file()]
    for path, content in zip(sorted(files)[:3], (b"", b"x\x9c", b"not zlib at all"), strict=True):
        path.chmod(0o644)
        path.write_bytes(content)
    broken = {path.parent.name + path.name for path in sorted(files)[:3]}
    outcome = scan_history(folder, engine)
    assert told(outcome) == {row for row in expected if row[0] not in broken}
    assert {each.what.removeprefix("git object ") for each in outcome.unread} == broken


def test_a_process_that_dies_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yett.inventory.history.work._ALONE", 0)
    monkeypatch.setattr("yett.inventory.history.work._SHARE", 1000)
    monkeypatch.setattr("yett.inventory.history.packs._FEW", 0)
    folder = repacked(_made(tmp_path / "r", 2, 60))
    parent = os.getpid()

    class Deadly(StandIn):
        calls = 0

        def touches(self, buffer: bytes) -> set[int]:
            self.calls += 1
            if self.calls > 5 and os.getpid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().touches(buffer)

    engine = Deadly()
    assert told(scan_history(folder, engine, workers=2)) == whole(folder, engine)
