"""A file is read whole, whatever its size: what stands at its end is found, and what an earlier file left is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from yett.inventory.engine import engine
from yett.inventory.engine.expressions import Place
from yett.inventory.look import BUFFER, IN_PLACE, WINDOW, Look
from yett.inventory.outcome import Unread

MADE = "x7Kq92mZp4Tt81Lw0Rv6"
LINE = f"\nAPI_TOKEN={MADE}\n".encode()
SIZES = [
    1,
    *(limit + more for limit in (BUFFER, IN_PLACE, WINDOW) for more in (-len(LINE) - 1, -len(LINE), -1, 0, 1)),
    2 * WINDOW,
]


def refused(unread: Unread) -> None:
    pytest.fail(str(unread))


@pytest.mark.parametrize("size", SIZES)
def test_what_stands_at_the_end_of_a_file_is_found_at_its_place(tmp_path: Path, size: int) -> None:
    filler = b"the quick brown fox\n" * (size // 20 + 1)
    content = filler[:size] + LINE
    (tmp_path / "a.txt").write_bytes(content)
    (seen,) = Look(engine()).file(str(tmp_path / "a.txt"), refused)
    assert (seen.value, seen.hit.start) == (MADE.encode(), content.index(MADE.encode()))
    assert seen.line == content.count(b"\n", 0, seen.hit.start) + 1


def test_a_shorter_file_is_not_told_what_a_longer_one_before_it_held(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_bytes(b"x\n" * BUFFER + LINE)
    (tmp_path / "short.txt").write_bytes(b"x\n")
    (tmp_path / "empty.txt").write_bytes(b"")
    look = Look(engine())
    assert len([*look.file(str(tmp_path / "long.txt"), refused)]) == 1
    assert not [*look.file(str(tmp_path / "short.txt"), refused)]
    assert not [*look.file(str(tmp_path / "empty.txt"), refused)]
    assert look.files == 3
    assert look.bytes == 2 * BUFFER + len(LINE) + 2


@pytest.mark.parametrize("length", [199, 200, 201, 4000])
def test_a_long_value_is_told_to_the_history_wherever_it_was_seen(length: int) -> None:
    value = (MADE * 200)[:length]
    ids = engine().touches(f"API_TOKEN={value}\n".encode())
    assert Place.ASSIGNED in ids
    assert length < 200 or Place.LONG_ASSIGNED in ids
    assert not engine().long.isdisjoint(ids) or length < 200


def test_many_blanks_before_a_value_hide_nothing() -> None:
    (hit,) = engine().hits(f'API_TOKEN{" " * 30}={" " * 30}"{MADE}"\n'.encode())
    assert hit.end - hit.start == len(MADE)
