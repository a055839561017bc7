"""A baseline's file that is broken, or that an agent wrote to do harm."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from found import found, in_file
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.inventory.baseline import Allow, Baseline
from yett.inventory.baseline.globs import matches
from yett.inventory.baseline.positions import document
from yett.inventory.baseline.storage import LARGEST
from yett.model.errors import ConfigurationError

HEAD = '{\n"version": 1,\n"fingerprints": "scrypt-16384-8-1",\n"salt": "' + "ab" * 16 + '",\n'
GOOD = {"fingerprint": "12" * 16, "rule": "stripe-key", "path": "a.env", "reason": "known"}
PATH_WIDE = {"path": "tests/**", "rule": "*", "reason": "made for tests"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / ".yett"
    folder.mkdir()
    return folder / "baseline.json"


def refused(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        Baseline.load(file)
    return caught.value.what.removeprefix(str(file))


def entries(*records: object, name: str = "entries") -> str:
    return f'{HEAD}"{name}": [\n' + ",\n".join(json.dumps(record) for record in records) + "\n]\n}\n"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({**GOOD, "reason": ""}, "it has no reason"),
        ({**GOOD, "reason": " \t"}, "it has no reason"),
        ({key: GOOD[key] for key in ("fingerprint", "rule", "path")}, "it has no reason"),
        ({**GOOD, "fingerprint": ""}, "it needs a fingerprint, a rule and a path"),
        ({**GOOD, "path": 7}, "its path is not text"),
        ({**GOOD, "audited": "yes"}, "its audited is not true or false"),
        ({**GOOD, "until": "next year"}, "its date is not a day like 2031-12-31"),
        ({**GOOD, "untill": "2031-12-31"}, "it has a key that does not exist: 'untill'"),
        ({**GOOD, "reason": "x" * 1001}, "its reason is longer than 1000 characters"),
        ("a.env", "it is not an object"),
    ],
)
def test_a_bad_entry_is_named_by_file_and_line(file: Path, record: object, why: str) -> None:
    assert refused(file, entries(GOOD, record)) == f":7: an entry of entries is refused: {why}"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (PATH_WIDE, "it is for every credential of a path and has no date until when"),
        ({**PATH_WIDE, "reason": "", "until": "2031-12-31"}, "it has no reason"),
        ({**PATH_WIDE, "path": "", "until": "2031-12-31"}, "it needs a path and a rule"),
    ],
)
def test_an_allowed_path_needs_a_reason_and_an_end(file: Path, record: object, why: str) -> None:
    assert refused(file, entries(record, name="allow")) == f":6: an entry of allow is refused: {why}"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", ":1: it is not the JSON"),
        ("[]", ":1: it is not the JSON"),
        ('{\n"version": 1\n', ":3: it is not the JSON"),
        (HEAD + '"entries": [\n{"rule": }\n]}', ":6: it is not the JSON"),
        (HEAD + '"entries": [],\n"entries": []}', ":6: it is not the JSON of a baseline: the key 'entries' a second"),
        (HEAD + '"entries": []}}', ":5: it is not the JSON"),
        (HEAD + '"entries": [],}', ":5: it is not the JSON"),
        (HEAD + '"entries": {}}', ":5: entries is not a list"),
        (HEAD + '"more": 1}', ":5: it has a key that does not exist: 'more'"),
        (HEAD.replace("1,", "2,", 1) + '"entries": []}', ":2: version must be 1"),
        (HEAD.replace("1,", "true,", 1) + '"entries": []}', ":2: version must be 1"),
        (HEAD.replace("16384", "2") + '"entries": []}', ":3: fingerprints must be 'scrypt-16384-8-1'"),
        (HEAD.replace("ab", "a", 1) + '"entries": []}', ":4: its salt is not 16 bytes in hex"),
        ('{"version": ' + "[" * 100_000, ": it is nested too deep"),
        ('{"version": ' + "9" * 10_000 + "}", ": it is not the JSON"),
    ],
)
def test_a_broken_file_is_named_by_line(file: Path, text: str, at: str) -> None:
    assert refused(file, text).startswith(at)


def test_more_bytes_than_anybody_writes_are_not_read(file: Path) -> None:
    with file.open("wb") as big:
        big.truncate(LARGEST + 1)
    with pytest.raises(ConfigurationError, match="larger than 8 MB"):
        Baseline.load(file)


def test_a_link_and_a_pipe_are_not_followed(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "other.json"
    target.write_text(entries(GOOD))
    file.symlink_to(target)
    with pytest.raises(ConfigurationError):
        Baseline.load(file)
    with pytest.raises(ConfigurationError, match="is a link"):
        Baseline(file, tmp_path).write()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        Baseline.load(file)


def test_nothing_is_written_through_a_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".yett").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="might lead out"):
        Baseline(tmp_path / ".yett" / "baseline.json", tmp_path).write()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    baseline = Baseline.load(file).add([found(in_file("a.env"))], "known")
    baseline.write()
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        baseline.add([found(in_file("b.env"))], "known").write()
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == ["baseline.json"]


def test_a_thousand_hostile_globs_come_to_an_end(file: Path) -> None:
    pattern = "/".join(["**", "*a*a*a*a*b"] * 40)
    allow = {"path": pattern, "rule": "*", "reason": "x", "until": "2031-12-31"}
    file.write_text(entries(*[allow] * 1000, name="allow"))
    baseline = Baseline.load(file)
    baseline.apply([found(in_file("/".join(["a" * 60] * 15)))])  # a backtracking regex would never come back
    file.write_text(entries(*[allow] * 1001, name="allow"))
    with pytest.raises(ConfigurationError, match="allows more than 1000"):
        Baseline.load(file)


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        ("a.env", "a.env", True),
        ("a.env", "b/a.env", False),
        ("**/a.env", "a.env", True),
        ("**/a.env", "b/c/a.env", True),
        ("tests/**", "tests/a/b", True),
        ("tests/**", "tests", True),
        ("tests/*", "tests/a/b", False),
        ("tests/*/b", "tests/a/b", True),
        ("*.env", "a.env", True),
        ("*.env", "a.envx", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("**", "", True),
        ("*", "", True),
        ("**/x/**/y", "x/x/a/y", True),
        ("a*b*c", "aXbYbZc", True),
        ("", "a", False),
    ],
)
def test_globs(pattern: str, path: str, said: bool) -> None:
    assert matches(pattern, path) is said


@given(st.dictionaries(st.text(max_size=8), st.lists(st.integers() | st.text(max_size=5)) | st.none() | st.booleans()))
def test_positions_read_what_json_reads(value: dict[str, object]) -> None:
    for indent in (None, 2):
        found_there = document(json.dumps(value, indent=indent))
        plain = {
            name: [each for _, each in inner] if isinstance(inner, list) else inner
            for name, (_, inner) in found_there.items()
        }
        assert plain == value


@settings(max_examples=200)
@given(st.text(alphabet='{}[],:"a1 \n\\', max_size=40))
def test_positions_refuse_what_json_refuses(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            document(text)
        return
    if not isinstance(value, dict):
        with pytest.raises(ValueError):
            document(text)


def test_an_allow_without_a_reason_cannot_even_be_made() -> None:
    with pytest.raises(ValueError, match="no reason"):
        Allow("a", "*", "", until="2031-12-31")
