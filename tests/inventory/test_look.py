"""A file is read whole, whatever its size: what stands at its end is found, and what an earlier file left is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from yett.inventory.engine import engine
from yett.inventory.engine.expressions import Place
from yett.inventory.look import BUFFER, OVERLAP, WINDOW, Look
from yett.inventory.outcome import Unread
from yett.inventory.severity import Severity

MADE = "x7Kq92mZp4Tt81Lw0Rv6"
LINE = f"\nAPI_TOKEN={MADE}\n".encode()
SIZES = [
    1,
    *(limit + more for limit in (BUFFER, 1 << 20, WINDOW) for more in (-len(LINE) - 1, -len(LINE), -1, 0, 1)),
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


def test_every_window_of_a_large_file_tells_each_value_once_with_its_line(tmp_path: Path) -> None:
    """At the start, across the end of a window, in what two windows share, and behind windows that hold nothing."""
    line = b"the quick brown fox\n"
    content = bytearray(line * (5 * WINDOW // len(line) + 1))
    places = [0, WINDOW - len(LINE) // 2, WINDOW + 500, 2 * WINDOW - OVERLAP // 2, 5 * WINDOW - 7]
    for number, place in enumerate(places):
        content[place : place + len(LINE)] = LINE.replace(b"x7Kq", b"x7K%d" % number)
    (tmp_path / "a.txt").write_bytes(content)
    look = Look(engine())
    for _ in range(2):
        found = look.file(str(tmp_path / "a.txt"), refused)
        assert [seen.hit.start for seen in found] == [place + LINE.index(b"x7Kq") for place in places]
        assert [seen.line for seen in found] == [content.count(b"\n", 0, seen.hit.start) + 1 for seen in found]
        assert all(content[seen.hit.start : seen.hit.end] == seen.value for seen in found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'class A:\n    """It\'s \'\' here.\n\n    API_TOKEN = \'VALUE\'\n    """\n', True),
        (b'x = """ a """\nAPI_TOKEN = \'VALUE\'\n', False),
        (b"''' a \"\"\" b '''\nAPI_TOKEN = 'VALUE'\n", False),
        (b"\"\"\" a ''' b \"\"\"\nAPI_TOKEN = 'VALUE'\nx = ''' '''\n", False),
        (b'""" a """\n\'\'\' never closed\nAPI_TOKEN = \'VALUE\'\n', True),
        (b"x = ''''''\n\"\"\"\"\"\"\nAPI_TOKEN = 'VALUE'\n", False),
        (b"EXAMPLES = r'''\nAPI_TOKEN: 'VALUE'\n'''\n", True),
    ],
)
def test_what_a_module_says_about_itself_is_an_example(tmp_path: Path, text: bytes, told: bool) -> None:
    (tmp_path / "a.py").write_bytes(text.replace(b"VALUE", MADE.encode()))
    (seen,) = Look(engine()).file(str(tmp_path / "a.py"), refused)
    assert (seen.hit.severity is Severity.LOW) == told


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
