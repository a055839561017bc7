"""Delta trees from headers alone: bases that come later, that are nowhere, and that go round in circles."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from inventory.history.made import evolving, repacked, repository
from yett.inventory.history import forest as forests
from yett.inventory.history.forest import NONE, Forest, grow, open_pack
from yett.inventory.history.index import Index, Unfit, read_index


def _entry(kind: int, size: int, extra: bytes = b"") -> bytes:
    return bytes([kind << 4 | size]) + extra + b"x" * 8


def _grown(tmp_path: Path, *entries: bytes) -> Forest:
    """A pack of these entries; row i of its index is entry i, with the id of 20 bytes i."""
    offsets = array("Q")
    content = b"PACK" + (2).to_bytes(4, "big") + len(entries).to_bytes(4, "big")
    for each in entries:
        offsets.append(len(content))
        content += each
    path = tmp_path / "a.pack"
    path.write_bytes(content + b"t" * 20)
    ids = b"".join(bytes([row]) * 20 for row in range(len(entries)))
    return grow(path, Index(ids, offsets), open_pack(path))


def _offset(entry: int) -> int:
    return 12 + 9 * entry


def test_trees_are_left_out_with_all_below_them(tmp_path: Path) -> None:
    found = _grown(
        tmp_path, _entry(2, 1), _entry(3, 1), _entry(6, 1, bytes([18])), _entry(6, 1, bytes([19])), _entry(1, 1)
    )
    assert list(found.at) == [_offset(1), _offset(3) + 1, _offset(4) + 2]
    assert list(found.base) == [NONE, 0, NONE]
    assert list(found.first) == [1, NONE, NONE]
    assert found.foreign == ()


def test_a_base_that_is_no_object(tmp_path: Path) -> None:
    found = _grown(tmp_path, _entry(3, 1), _entry(6, 1, bytes([4])), _entry(3, 1))
    assert list(found.base) == [NONE, NONE]
    assert found.foreign == (_offset(1),)


def test_bases_by_id(tmp_path: Path) -> None:
    later = _entry(7, 1, bytes([1]) * 20)
    found = _grown(tmp_path, later, _entry(3, 1), _entry(7, 1, b"z" * 20), _entry(6, 1, bytes([29])))
    assert list(found.base) == [1, NONE]
    assert list(found.first) == [NONE, 0]
    assert len(found.foreign) == 2


def test_a_circle_of_bases(tmp_path: Path) -> None:
    found = _grown(tmp_path, _entry(7, 1, bytes([1]) * 20), _entry(7, 1, bytes([0]) * 20))
    assert len(found) == 0
    assert len(found.foreign) == 2


def test_kinds_that_do_not_exist(tmp_path: Path) -> None:
    assert _grown(tmp_path, _entry(0, 1), _entry(5, 1)).foreign == (12, 21)


def test_both_ways_of_growing_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(1), 40)))
    pack = next((folder / ".git/objects/pack").glob("*.pack"))
    index = read_index(pack.with_suffix(".idx"))
    quick = grow(pack, index, open_pack(pack))
    monkeypatch.setattr(forests, "_IS_UNUSUAL", bytes([1]) * 256)
    monkeypatch.setattr(forests, "_WORTH_A_PROCESS", 1)
    slow = grow(pack, index, open_pack(pack))
    assert (quick.at, quick.to, quick.base, quick.foreign) == (slow.at, slow.to, slow.base, slow.foreign)


@pytest.mark.parametrize("content", [b"", b"PACK", b"JUNK" + b"\0" * 40, b"PACK\0\0\0\x09" + b"\0" * 40])
def test_what_is_no_pack(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pack").write_bytes(content)
    with pytest.raises(Unfit):
        open_pack(tmp_path / "a.pack")


@pytest.mark.parametrize("content", [b"", b"\xfftOc\0\0\0\2", b"\0" * 2000, b"\xfftOc\0\0\0\2" + b"\xff" * 2000])
def test_what_is_no_index(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.idx").write_bytes(content)
    with pytest.raises(Unfit):
        read_index(tmp_path / "a.idx")
