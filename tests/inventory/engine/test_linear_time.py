"""Hostile texts take time in proportion to their length: ten times the bytes may take thirty times as long, no more."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from yett.inventory.engine import engine
from yett.inventory.look import Look

SMALL, TIMES, SLACK = 50_000, 10, 40
"""Squares would take a hundred times as long. This is a bound on growth, not on time."""

HOSTILE: dict[str, Callable[[int], bytes]] = {
    "names": lambda size: b"token=" * (size // 6),
    "names and quotes": lambda size: b'token="' * (size // 7),
    "names in a line": lambda size: b"key_" * (size // 4) + b"=" + b"a1" * 40,
    "one value": lambda size: b"secret=" + b"a1B2" * (size // 4),
    "tokens": lambda size: b"eyJ" * (size // 3),
    "base64": lambda size: base64.b64encode(b"ghp_" + b"\7" * size),
    "keys that never end": lambda size: b"-----BEGIN PRIVATE KEY-----\n" * (size // 28),
    "keys that never begin": lambda size: b"-----END PRIVATE KEY-----\n" * (size // 26),
    "addresses": lambda size: b"a://b:" * (size // 6),
    "bearers": lambda size: b"bearer " * (size // 7),
    "percents": lambda size: b"%3A%2F%2Ftoken%3D" * (size // 17),
    "quotes": lambda size: b"'''" * (size // 3),
    "blanks": lambda size: b"password" + b" " * size + b"= x",
    "dollars": lambda size: b"$6$" * (size // 3),
    "types": lambda size: b"key: a" * (size // 6),
    "hits": lambda size: b"".join(b'API_TOKEN="x7Kq92mZp4Tt81Lw0R%05d"\n' % (n % 99991) for n in range(size // 36)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_time_in_proportion(name: str) -> None:
    look = Look(engine(), unpack=False)
    small, large = HOSTILE[name](SMALL), HOSTILE[name](SMALL * TIMES)
    assert taken(look, large) <= SLACK * max(taken(look, small), 0.005)


def test_a_line_of_ten_megabytes_is_looked_at() -> None:
    look = Look(engine(), unpack=False)
    line = b"x" * (10 << 20) + b' API_TOKEN="x7Kq92mZp4Tt81Lw0Rv6"'
    assert [seen.value for seen in look.text("a.txt", line, "file", print)] == [b"x7Kq92mZp4Tt81Lw0Rv6"]


def taken(look: Look, text: bytes) -> float:
    """The least of three, in seconds of this thread's processor time: another's work is not in it."""
    times = []
    for _ in range(3):
        begun = time.thread_time()
        look.text("src/a.py", text, "file", lambda _unread: None)
        times.append(time.thread_time() - begun)
        if times[-1] > 5:
            break
    return min(times)
