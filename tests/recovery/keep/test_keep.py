"""Undos in a folder: what was written comes back, and whatever was done to it meanwhile is noticed."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.broker.seal import Keys, new_master
from yett.recovery.keep import Budget, Damaged, Keep, KeepError, Limits, Made, TooLarge
from yett.recovery.keep.budget import DAY_NS
from yett.recovery.keep.folder import Folder

USERS = b"1\tAda\n2\tGrace\n" * 1000
NOISE = os.urandom(700_000)
ABOUT = {"resource": ["postgres", "table", "public.users"], "rows": 2000}


def make(keep: Keep, files: dict[str, bytes] | None = None, task: str = "t1") -> Made:
    with keep.begin(task) as making:
        for name, content in (files or {"public.users": USERS, "public.blobs": NOISE}).items():
            with making.file(name) as file:
                for at in range(0, len(content), 65_536):
                    file.write(content[at : at + 65_536])
        return making.finish(ABOUT)


def content(keep: Keep, undo: str) -> dict[str, bytes]:
    opened = keep.open(undo)
    return {name: b"".join(opened.read(name)) for name in opened.names}


def path_of(folder: Folder, made: Made, name: str) -> Path:
    (file,) = (file for file in made.files if file.name == name)
    return folder.root / made.id / file.blob


def test_what_was_written_comes_back(keep: Keep) -> None:
    made = make(keep)
    assert content(keep, made.id) == {"public.users": USERS, "public.blobs": NOISE}
    assert keep.open(made.id).about == ABOUT
    assert made.size == len(USERS) + len(NOISE)
    assert made.expires - made.made == 30 * DAY_NS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=40), st.binary(max_size=4000), max_size=5))
def test_any_names_and_any_bytes_come_back(keep: Keep, files: dict[str, bytes]) -> None:
    made = make(keep, files or {"": b""})
    assert content(keep, made.id) == (files or {"": b""})


def test_an_undo_without_files_is_one_too(keep: Keep) -> None:
    with keep.begin("t1") as making:
        made = making.finish({})
    assert content(keep, made.id) == {}


def test_nothing_of_it_can_be_read_without_the_master_key(keep: Keep, folder: Folder) -> None:
    made = make(keep, {"public.customers": b"Ada Lovelace, ada@example.com\n" * 50})
    for path in (folder.root / made.id).iterdir():
        lies_there = path.read_bytes()
        for word in (b"Lovelace", b"customers", b"public", b"postgres"):
            assert word not in lies_there
    with pytest.raises(Damaged, match="master key"):
        Keep(folder, Keys(new_master()), Budget(Limits())).open(made.id)


def test_only_its_owner_can_read_it(keep: Keep, folder: Folder) -> None:
    made = make(keep)
    assert stat.S_IMODE((folder.root / made.id).stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder.root / made.id).iterdir()} == {0o600}


def test_a_bit_flipped_anywhere_is_noticed_before_anything_is_used(keep: Keep, folder: Folder) -> None:
    made = make(keep, {"a": NOISE, "b": USERS})
    for path in sorted((folder.root / made.id).iterdir()):
        whole = path.read_bytes()
        step = max(1, len(whole) // 40)
        for at in {0, 8, 9, 24, 25, len(whole) - 1, *range(0, len(whole), step)}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
            with pytest.raises(Damaged):
                keep.open(made.id)
        path.write_bytes(whole)
    keep.open(made.id)


def test_a_file_cut_off_anywhere_is_noticed(keep: Keep, folder: Folder) -> None:
    made = make(keep, {"a": NOISE})
    path = path_of(folder, made, "a")
    whole = path.read_bytes()
    chunk = 256 * 1024 + 16
    for length in (0, 5, 9, 24, 25, 25 + chunk, 25 + 2 * chunk, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            keep.open(made.id)
    path.write_bytes(whole + b"\0")
    with pytest.raises(Damaged):
        keep.open(made.id)


def swap_two_files(folder: Folder, one: Made, other: Made) -> None:
    a, b = path_of(folder, one, "a"), path_of(folder, one, "b")
    kept = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(kept)


def take_a_file_of_another_undo(folder: Folder, one: Made, other: Made) -> None:
    shutil.copy(path_of(folder, other, "a"), path_of(folder, one, "a"))


def take_the_manifest_of_another_undo(folder: Folder, one: Made, other: Made) -> None:
    shutil.copy(folder.root / other.id / "manifest", folder.root / one.id / "manifest")


def take_another_undo_whole(folder: Folder, one: Made, other: Made) -> None:
    shutil.rmtree(folder.root / one.id)
    shutil.copytree(folder.root / other.id, folder.root / one.id)


def rename_the_manifest_of_another_undo(folder: Folder, one: Made, other: Made) -> None:
    take_another_undo_whole(folder, one, other)
    path = folder.root / one.id / "manifest"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"undo": one.id}))


def remove_a_file(folder: Folder, one: Made, other: Made) -> None:
    path_of(folder, one, "b").unlink()


def remove_the_manifest(folder: Folder, one: Made, other: Made) -> None:
    (folder.root / one.id / "manifest").unlink()


def remove_the_undo(folder: Folder, one: Made, other: Made) -> None:
    shutil.rmtree(folder.root / one.id)


def put_a_link_in_place_of_a_file(folder: Folder, one: Made, other: Made) -> None:
    path = path_of(folder, one, "a")
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def put_a_pipe_in_place_of_a_file(folder: Folder, one: Made, other: Made) -> None:
    path_of(folder, one, "a").unlink()
    os.mkfifo(path_of(folder, one, "a"))


def put_nonsense_in_place_of_the_manifest(folder: Folder, one: Made, other: Made) -> None:
    (folder.root / one.id / "manifest").write_text("[" * 100_000)


def change_the_format(folder: Folder, one: Made, other: Made) -> None:
    path = folder.root / one.id / "manifest"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))


@pytest.mark.parametrize(
    "attack",
    [
        swap_two_files,
        take_a_file_of_another_undo,
        take_the_manifest_of_another_undo,
        take_another_undo_whole,
        rename_the_manifest_of_another_undo,
        remove_a_file,
        remove_the_manifest,
        remove_the_undo,
        put_a_link_in_place_of_a_file,
        put_a_pipe_in_place_of_a_file,
        put_nonsense_in_place_of_the_manifest,
        change_the_format,
    ],
)
def test_what_somebody_moved_about_is_noticed(
    keep: Keep, folder: Folder, attack: Callable[[Folder, Made, Made], None]
) -> None:
    files = {"a": b"same" * 999, "b": b"same" * 999}
    one, other = make(keep, files), make(keep, files)
    attack(folder, one, other)
    with pytest.raises(KeepError) as refused:
        keep.open(one.id)
    assert refused.value.remedy or refused.value.what
    assert content(keep, other.id) == files


@pytest.mark.parametrize("undo", ["../x", "u-0123456789ab/..", "", "u-XYZ", "u-0123456789ab\n"])
def test_what_is_no_id_leads_nowhere(keep: Keep, undo: str) -> None:
    with pytest.raises(Damaged, match="no undo's id"):
        keep.open(undo)


def test_what_is_damaged_while_it_is_used_stops_there(keep: Keep, folder: Folder) -> None:
    made = make(keep, {"a": os.urandom(6_000_000)})
    reading = keep.open(made.id).read("a")
    next(reading)
    path = path_of(folder, made, "a")
    whole = bytearray(path.read_bytes())
    whole[-500_000] ^= 1
    path.write_bytes(whole)
    with pytest.raises(Damaged, match=f"undo {made.id}, a"):
        list(reading)


def test_a_small_file_full_of_zeros_is_never_in_memory_whole(keep: Keep) -> None:
    with keep.begin("t1") as making:
        with making.file("zeros") as file:
            for _ in range(256):
                file.write(bytes(1024 * 1024))
        made = making.finish({})
    assert made.stored < 100_000
    assert max(len(piece) for piece in keep.open(made.id).read("zeros")) <= 1024 * 1024


# ---- what is not finished does not count


def test_an_undo_that_is_left_without_finish_leaves_nothing(keep: Keep, folder: Folder) -> None:
    with keep.begin("t1") as making, making.file("a") as file:
        file.write(NOISE)
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 0


def test_an_error_on_the_way_leaves_nothing(keep: Keep, folder: Folder) -> None:
    def break_it() -> None:
        with keep.begin("t1") as making, making.file("a") as file:
            file.write(NOISE)
            raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        break_it()
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 0


def test_an_undo_with_a_file_still_open_is_not_finished(keep: Keep, folder: Folder) -> None:
    with keep.begin("t1") as making:
        making.file("a").write(b"x")
        with pytest.raises(KeepError, match="not finished"):
            making.finish({})
    assert list(folder.root.iterdir()) == []


def test_files_have_one_name_each_and_come_one_after_the_other(keep: Keep) -> None:
    with keep.begin("t1") as making:
        with making.file("a") as first:
            first.write(b"x")
            with pytest.raises(KeepError, match="one file at a time"):
                making.file("b")
        with pytest.raises(KeepError, match="no further file 'a'"):
            making.file("a")
        with pytest.raises(KeepError, match="is finished"):
            first.write(b"y")
        making.finish({})
        with pytest.raises(KeepError):
            making.file("c")


def test_what_does_not_read_back_does_not_count(keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes bytes and gives others back."""
    truly = os.write
    monkeypatch.setattr(os, "write", lambda file, data: truly(file, bytes(data)[:-1] + b"!"))
    with pytest.raises(Damaged):
        make(keep)
    monkeypatch.undo()
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 0


# ---- budgets


def limited(folder: Folder, keys: Keys, **limits: int) -> Keep:
    return Keep(folder, keys, Budget(Limits(**limits), {"before": 100_000}))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"undo_bytes": 500_000}, "one undo"),
        ({"task_bytes": 500_000}, "one task"),
        ({"total_bytes": 500_000}, "all undos"),
    ],
)
def test_what_goes_over_a_budget_is_refused_and_leaves_nothing(
    folder: Folder, keys: Keys, limits: dict[str, int], words: str
) -> None:
    keep = limited(folder, keys, **limits)
    with pytest.raises(TooLarge, match=words) as refused:
        make(keep, {"a": NOISE})
    assert refused.value.limit == 500_000
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 100_000
    make(keep, {"a": USERS})


def test_a_task_has_used_what_its_undos_hold_until_they_are_let_go(folder: Folder, keys: Keys) -> None:
    keep = limited(folder, keys, task_bytes=1_000_000)
    first = make(keep, {"a": NOISE})
    with pytest.raises(TooLarge, match="one task"):
        make(keep, {"a": NOISE})
    make(keep, {"a": NOISE}, task="another")
    keep.let_go(first.id, first.task, first.stored)
    make(keep, {"a": NOISE})


def test_two_undos_at_once_share_the_budget(folder: Folder, keys: Keys) -> None:
    keep = limited(folder, keys, task_bytes=1_000_000)
    with keep.begin("t1") as one, keep.begin("t1") as other:
        with one.file("a") as file:
            file.write(NOISE)
        with pytest.raises(TooLarge), other.file("a") as file:
            file.write(NOISE)
        one.finish({})
    assert keep.budget.total == one.stored + 100_000


def test_the_manifest_is_bounded(keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yett.recovery.keep.manifest.MOST_MANIFEST_BYTES", 1000)
    with pytest.raises(KeepError, match="too large"):
        make(keep, {str(number): b"" for number in range(50)})
    assert list(folder.root.iterdir()) == []


def test_letting_go_twice_is_letting_go(keep: Keep, folder: Folder) -> None:
    made = make(keep)
    keep.let_go(made.id, made.task, made.stored)
    folder.remove(made.id)
    assert list(folder.root.iterdir()) == []
    with pytest.raises(Damaged, match="is not in folder:"):
        keep.open(made.id)
