"""Real repositories, made while a test runs: random texts that change in every way that a delta can tell."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from inventory.history.standin import SECRETS, SHORT, StandIn, letters, stand_in
from yett.inventory.git import read_many
from yett.inventory.history.screening import HistoryOutcome

Kinds = Sequence[Callable[[random.Random], str]]
_WHO = b"Someone <someone@example.com> %d +0000\n"


def run(folder: Path, *words: str, feed: bytes = b"") -> str:
    """git, with nothing of the person's who runs the tests."""
    settings = ("gc.auto=0", "protocol.file.allow=always", "user.name=a", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *(word for each in settings for word in ("-c", each)), *words],
        cwd=folder, input=feed, capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    return done.stdout.decode()


def repository(folder: Path, versions: Iterable[Mapping[str, bytes]], messages: Iterable[str] = ()) -> Path:
    """A commit for each version of its files, all in one go."""
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, "init", "-q", "-b", "main", ".")
    add(folder, versions, messages)
    return folder


def add(folder: Path, versions: Iterable[Mapping[str, bytes]], messages: Iterable[str] = ()) -> None:
    """More commits on main."""
    said = iter(messages)
    parent = subprocess.run(
        ["git", "rev-parse", "-q", "--verify", "refs/heads/main"], cwd=folder, capture_output=True, check=False
    ).stdout.strip()
    stream = [b"feature done\n"]
    for number, files in enumerate(versions):
        message = next(said, f"change {number}").encode()
        stream.append(b"commit refs/heads/main\ncommitter " + _WHO % (1_700_000_000 + number))
        stream.append(b"data %d\n%s\n" % (len(message), message))
        if number == 0 and parent:
            stream.append(b"from " + parent + b"\n")
        stream.append(b"deleteall\n")
        for path, content in files.items():
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    stream.append(b"done\n")
    run(folder, "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--force", feed=b"".join(stream))


def repacked(folder: Path, *options: str) -> Path:
    """One pack with as many deltas as git can make."""
    run(folder, "repack", "-adfq", "--depth=50", "--window=50", *options)
    return folder


def whole(folder: Path, engine: StandIn) -> set[tuple[str, str, bytes, int]]:
    """What scanning every object whole finds: the reference."""
    ids = run(folder, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    return {
        (oid, hit.kind, hit.value_in(content), hit.start)
        for oid, kind, content in read_many(folder, ids)
        if kind != "tree"
        for hit in engine.hits(content)
    }


def told(outcome: HistoryOutcome) -> set[tuple[str, str, bytes, int]]:
    """What a scan found, comparable with `whole`."""
    return {(each.oid, spot.hit.kind, spot.value, spot.hit.start) for each in outcome.found for spot in each.spots}


def evolving(dice: random.Random, commits: int, files: int = 8, kinds: Kinds | None = None) -> list[dict[str, bytes]]:
    """Versions of a few files, each made from the one before by one to four random changes.

    What holds a credential is scanned whole, so most changes bring none, and credentials go again: the newest version,
    which git makes the base of the others, is often clean. In every second history there are no long ones.
    """
    texts = {f"dir/file{number}.txt": _text(dice, dice.randrange(20, 400)) for number in range(files)}
    kinds = kinds or (SECRETS if dice.random() < 0.5 else SHORT)
    versions = []
    for number in range(commits):
        for _ in range(dice.randrange(1, 5)):
            path = dice.choice(list(texts))
            change = dice.choices(CHANGES, _WEIGHTS)[0]
            texts[path] = change(dice, texts[path], kinds)[:200_000]
        if number > commits * 0.8:
            texts = {path: _cleaned(dice, text, kinds) for path, text in texts.items()}
        versions.append({path: text.encode() for path, text in texts.items()})
    return versions


def _text(dice: random.Random, lines: int) -> str:
    return "".join(f"{letters(dice, dice.randrange(0, 70))} {letters(dice, 5)}\n" for _ in range(lines))


def _at(dice: random.Random, text: str) -> int:
    """Mostly where a line starts, sometimes within one, sometimes at an end."""
    at = dice.randrange(len(text) + 1)
    if dice.random() < 0.1:
        return dice.choice((0, len(text)))
    return text.rfind("\n", 0, at) + 1 if dice.random() < 0.6 else at


def _planted(dice: random.Random, text: str, kinds: Kinds) -> str:
    at = _at(dice, text)
    return f"{text[:at]}{dice.choice(kinds)(dice)}{dice.choice((chr(10), ' ', ''))}{text[at:]}"


def _part_planted(dice: random.Random, text: str, kinds: Kinds) -> str:
    """The rest may come with a later change."""
    at, secret = _at(dice, text), dice.choice(kinds)(dice)
    return text[:at] + secret[: dice.randrange(len(secret))] + text[at:]


def _cut(dice: random.Random, text: str, kinds: Kinds) -> str:
    """Something inserted anywhere: half of a token copied, half inserted."""
    at = dice.randrange(len(text) + 1)
    return text[:at] + letters(dice, dice.choice((1, 3, 20, 700))) + text[at:]


def _removed(dice: random.Random, text: str, kinds: Kinds) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + text[at + dice.choice((1, 2, 10, 100, 2000)) :]


def _moved(dice: random.Random, text: str, kinds: Kinds) -> str:
    one, two = sorted((_at(dice, text), _at(dice, text)))
    rest = text[:one] + text[two:]
    at = _at(dice, rest)
    return rest[:at] + text[one:two] + rest[at:]


def _doubled(dice: random.Random, text: str, kinds: Kinds) -> str:
    one, two = sorted((_at(dice, text), _at(dice, text)))
    return text[:two] + text[one : one + 3000] + text[two:]


def _renamed(dice: random.Random, text: str, kinds: Kinds) -> str:
    """The name before a value changes, the value stays."""
    pairs = (
        ("token", "other"),
        ("other", "token"),
        ("SECRET", "nothing"),
        ("nothing", "SECRET"),
        ("provider", "maker"),
    )
    old, new = dice.choice(pairs)
    return text.replace(old, new, dice.choice((1, -1)))


def _appended(dice: random.Random, text: str, kinds: Kinds) -> str:
    return text + _text(dice, 3) + dice.choice(("", dice.choice(kinds)(dice)))


def _line_ends(dice: random.Random, text: str, kinds: Kinds) -> str:
    return text.replace("\r\n", "\n") if "\r\n" in text else text.replace("\n", "\r\n", dice.choice((5, -1)))


def _key_edited(dice: random.Random, text: str, kinds: Kinds) -> str:
    """A letter or a line in the middle of a private key, far from both ends."""
    start = text.find("PRIVATE KEY-----")
    end = text.find("-----END", start)
    if start < 0 or end < 0:
        return _planted(dice, text, kinds)
    at = dice.randrange(start + 16, max(start + 17, end))
    return text[:at] + dice.choice(("A", "\n" + letters(dice, 64), "!")) + text[at + dice.choice((0, 1)) :]


def _grown(dice: random.Random, text: str, kinds: Kinds) -> str:
    at = _at(dice, text)
    return text[:at] + _text(dice, 300) + text[at:]


def _cleaned(dice: random.Random, text: str, kinds: Kinds) -> str:
    """Without its credentials, and with few other changes."""
    for found in sorted(stand_in().hits(text.encode()), key=lambda hit: -hit.start):
        text = text[: found.start] + "gone" + text[found.end :]
    return text.replace("PRIVATE KEY", "key").replace("eyJ", "")


CHANGES = (
    _planted, _part_planted, _key_edited, _cleaned, _cut, _removed, _moved, _doubled, _renamed, _appended, _line_ends,
    _grown,
)  # fmt: skip
_WEIGHTS = (3, 4, 1, 6, 9, 8, 4, 4, 4, 4, 2, 3)
