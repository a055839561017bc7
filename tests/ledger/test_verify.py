"""The verifier: a true export is good; every edit, drop, reordering and truncation is named by its place."""

from __future__ import annotations

import ast
import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yett.ledger import verify
from yett.ledger.export import export, tile_path
from yett.ledger.journal import Entry, Journal
from yett.ledger.notes import Checkpoint, Signer
from yett.ledger.proofs import NoProof
from yett.ledger.receipts import receipt
from yett.ledger.tree import Tree, leaf_hash, subtree_hash
from yett.ledger.verify import Report, verify_directory
from yett.store import Store, open_store

SIZE = 700  # two full bundles and one of 188
APPROVAL = 600  # this entry embeds a checkpoint of an earlier size


@dataclass(frozen=True)
class Log:
    store: Store
    folder: Path
    signer: Signer
    notes: dict[int, str]

    @property
    def vkey(self) -> str:
        return str(self.signer.verifier)


@pytest.fixture(scope="module")
def true_log(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Iterator[Log]:
    folder = tmp_path_factory.mktemp("true")
    store = open_store(f"sqlite:///{folder}/yett.db")
    journal, notes = Journal(store, signer), {}
    for number in range(SIZE):
        if number in (0, 300, 500, 512):
            journal.commit(lambda _: None).result()
            notes[number] = journal.checkpoint()
        body = {"n": number, "checkpoint": notes[500]} if number == APPROVAL else {"n": number}
        journal.enqueue(Entry("approval" if number == APPROVAL else "read", body))
    journal.commit(lambda _: None).result()
    notes[SIZE] = journal.checkpoint()
    journal.close()
    export(store, folder / "export", notes[SIZE])
    yield Log(store, folder / "export", signer, notes)
    store.close()


@pytest.fixture
def log(true_log: Log, tmp_path: Path) -> Log:
    """A copy to tamper with."""
    shutil.copytree(true_log.folder, tmp_path / "export")
    return Log(true_log.store, tmp_path / "export", true_log.signer, true_log.notes)


def check(log: Log, *earlier: str) -> Report:
    return verify_directory(log.folder, log.vkey, earlier)


def places(report: Report) -> list[str]:
    return [problem.place for problem in report.problems]


def bundle_path(log: Log, number: int) -> Path:
    return log.folder / "tile" / "entries" / tile_path(number, min(256, SIZE - number * 256))


def read_bundle(log: Log, number: int) -> list[bytes]:
    data, entries = bundle_path(log, number).read_bytes(), []
    while data:
        length = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


def write_bundle(log: Log, number: int, entries: list[bytes]) -> None:
    bundle_path(log, number).write_bytes(b"".join(len(e).to_bytes(2, "big") + e for e in entries))


def rebuild_tiles(log: Log, level: int = 0) -> None:
    """What a careful forger does: make every tile fit the forged entries."""
    leaves = [leaf_hash(entry) for number in range(3) for entry in read_bundle(log, number)]
    roots = []
    for number in range(3):
        part = leaves[number * 256 : (number + 1) * 256]
        (log.folder / "tile/0" / tile_path(number, len(part))).write_bytes(b"".join(part))
        roots += [subtree_hash(part)] if len(part) == 256 else []
    if level:
        (log.folder / "tile/1/000.p/2").write_bytes(b"".join(roots))


def sign_again(log: Log) -> None:
    """What a thief of the log key does."""
    leaves = [leaf_hash(entry) for number in range(3) for entry in read_bundle(log, number)]
    tree, _ = Tree().grow(leaves)
    note = log.signer.sign(Checkpoint(log.signer.name, tree.size, tree.root()).text())
    (log.folder / "checkpoint").write_text(note)


def edit(log: Log, index: int) -> None:
    entries = read_bundle(log, index // 256)
    entries[index % 256] = entries[index % 256].replace(b'"kind":"read"', b'"kind":"rEad"')
    write_bundle(log, index // 256, entries)


def test_a_true_log_is_good(log: Log) -> None:
    report = check(log, *log.notes.values())
    assert report.problems == ()
    assert (report.size, report.entries) == (SIZE, SIZE)


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, 699])
def test_an_edited_entry_is_named(log: Log, index: int) -> None:
    edit(log, index)
    assert places(check(log))[0] == f"entry {index}"


@pytest.mark.parametrize("index", [0, 100, 255, 256, 600, 699])
def test_a_dropped_entry_is_named(log: Log, index: int) -> None:
    entries = read_bundle(log, index // 256)
    del entries[index % 256]
    write_bundle(log, index // 256, entries)
    found = places(check(log))
    assert f"entry {index}" in found
    assert f"tile/entries/{tile_path(index // 256, min(256, SIZE - index // 256 * 256))}" in found


def test_a_dropped_entry_whose_place_the_next_one_takes_is_named(log: Log) -> None:
    everything = [entry for number in range(3) for entry in read_bundle(log, number)]
    del everything[300]
    for number in range(3):
        write_bundle(log, number, everything[number * 256 : (number + 1) * 256])
    assert "entry 300" in places(check(log))


@pytest.mark.parametrize(("one", "other"), [(3, 4), (0, 255), (520, 521)])
def test_reordered_entries_are_named(log: Log, one: int, other: int) -> None:
    entries = read_bundle(log, one // 256)
    entries[one % 256], entries[other % 256] = entries[other % 256], entries[one % 256]
    write_bundle(log, one // 256, entries)
    assert places(check(log))[0] == f"entry {one}"


def test_swapped_bundles_are_named(log: Log) -> None:
    zero, one = read_bundle(log, 0), read_bundle(log, 1)
    write_bundle(log, 0, one)
    write_bundle(log, 1, zero)
    assert places(check(log))[:2] == ["entry 0", "entry 256"]


@pytest.mark.parametrize("cut", [1, 2, 3, 40, 5000])
def test_a_truncated_bundle_is_named(log: Log, cut: int) -> None:
    path = bundle_path(log, 2)
    path.write_bytes(path.read_bytes()[:-cut])
    found = places(check(log))
    assert "tile/entries/002.p/188" in found
    assert any(place.startswith("entry ") for place in found)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_missing_bundle_is_named(log: Log, number: int) -> None:
    bundle_path(log, number).unlink()
    report = check(log)
    assert f"tile/entries/{tile_path(number, 256 if number < 2 else 188)}" in places(report)
    assert f"entry {number * 256}" in places(report)


def test_an_added_entry_is_named(log: Log) -> None:
    write_bundle(log, 2, [*read_bundle(log, 2), b"{}"])
    assert "tile/entries/002.p/188" in places(check(log))


@pytest.mark.parametrize("tile", ["0/000", "0/001", "0/002.p/188", "1/000.p/2"])
def test_an_edited_or_missing_tile_is_named(log: Log, tile: str) -> None:
    path = log.folder / "tile" / tile
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    assert places(check(log)) == [f"tile/{tile}"]
    path.write_bytes(data[:-1])
    assert places(check(log)) == [f"tile/{tile}"]
    path.unlink()
    assert f"tile/{tile}" in places(check(log))


def test_an_entry_and_its_tile_edited_together_are_named_by_the_tile_above(log: Log) -> None:
    edit(log, 300)
    rebuild_tiles(log)
    assert places(check(log)) == ["entries 256 to 511", f"entry {APPROVAL}"]


def test_a_log_whose_every_tile_was_rebuilt_still_fails_and_checkpoints_narrow_it_down(log: Log) -> None:
    edit(log, 400)
    rebuild_tiles(log, level=1)
    report = check(log, log.notes[300], log.notes[512])
    assert "entries 300 to 499" in places(report)
    assert f"entry {APPROVAL}" in places(report)
    assert "earlier 2" in places(report)


def test_a_log_signed_again_with_its_own_key_is_betrayed_by_the_approval_in_it(log: Log) -> None:
    edit(log, 400)
    rebuild_tiles(log, level=1)
    sign_again(log)
    assert places(check(log)) == [f"entry {APPROVAL}"]


def test_a_log_signed_again_is_betrayed_by_a_receipt_kept_elsewhere(log: Log) -> None:
    kept = log.store.read(lambda c: receipt(c, 650, log.notes[SIZE], log.signer.verifier))
    edit(log, 690)  # after the approval's checkpoint
    rebuild_tiles(log, level=1)
    sign_again(log)
    assert places(check(log)) == []
    assert places(check(log, kept)) == ["earlier 1"]


def test_a_log_rolled_back_to_an_older_true_state_is_betrayed_by_a_later_checkpoint(log: Log, tmp_path: Path) -> None:
    export(log.store, tmp_path / "old", log.notes[300])
    assert verify_directory(tmp_path / "old", log.vkey).problems == ()
    [problem] = verify_directory(tmp_path / "old", log.vkey, [log.notes[500]]).problems
    assert problem.place == "earlier 1"
    assert "entries 300 to 499 are gone" in problem.what


def test_an_approval_over_a_checkpoint_of_the_future_or_of_another_log_is_named(tmp_path: Path, signer: Signer) -> None:
    store = open_store(f"sqlite:///{tmp_path}/yett.db")
    journal = Journal(store, signer)
    stranger = Signer(signer.name, Ed25519PrivateKey.generate())
    future = signer.sign(Checkpoint(signer.name, 5, b"x" * 32).text())
    foreign = stranger.sign(Checkpoint(signer.name, 0, verify.EMPTY_ROOT).text())
    false = signer.sign(Checkpoint(signer.name, 2, b"x" * 32).text())
    for note in (future, foreign, false, "not a note", journal.checkpoint()):
        journal.commit(lambda t, note=note: t.append(Entry("approval", {"checkpoint": note}))).result()
    journal.close()
    export(store, tmp_path / "export")
    found = places(verify_directory(tmp_path / "export", str(signer.verifier)))
    assert sorted(found) == ["entry 0", "entry 1", "entry 2", "entry 3"]
    store.close()


def test_another_key_or_a_changed_checkpoint_is_named(log: Log) -> None:
    other = str(Signer(log.signer.name, Ed25519PrivateKey.generate()).verifier)
    assert places(verify_directory(log.folder, other)) == ["checkpoint"]
    assert places(verify_directory(log.folder, "nonsense")) == ["checkpoint"]
    note = log.folder / "checkpoint"
    note.write_text(note.read_text().replace("\n700\n", "\n699\n"))
    assert places(check(log)) == ["checkpoint"]
    note.write_bytes(b"\xff")
    assert places(check(log)) == ["checkpoint"]
    note.unlink()
    assert places(check(log)) == ["checkpoint"]


def test_a_bad_earlier_checkpoint_or_receipt_is_named(log: Log) -> None:
    kept = log.store.read(lambda c: receipt(c, 5, log.notes[300], log.signer.verifier))
    bad = kept.replace("\nindex 5\n", "\nindex 6\n")
    assert places(check(log, log.notes[300], "nonsense", kept, bad)) == ["earlier 2", "earlier 4"]


def _alter_each(text: str) -> Iterator[str]:
    lines = text.split("\n")
    for at, line in enumerate(lines):
        yield "\n".join([*lines[:at], *lines[at + 1 :]])
        yield "\n".join([*lines[:at], line + "A", *lines[at + 1 :]])
        if line:
            yield "\n".join([*lines[:at], line[:-1] + ("A" if line[-1] != "A" else "B"), *lines[at + 1 :]])


def test_a_receipt_verifies_offline_and_no_altered_one_does(log: Log) -> None:
    for index, size in [(0, SIZE), (299, 300), (511, 512), (699, SIZE)]:
        kept = log.store.read(lambda c, i=index, s=size: receipt(c, i, log.notes[s], log.signer.verifier))
        found, entry, signed, _ = verify.open_receipt(kept, log.vkey)
        assert (found, signed) == (index, size)
        assert b'"n":%d' % index in entry
        for altered in _alter_each(kept):
            with pytest.raises(verify.Rejected):
                verify.open_receipt(altered, log.vkey)


def test_no_receipt_is_made_over_a_checkpoint_of_another_log(log: Log) -> None:
    stray = log.signer.sign(Checkpoint(log.signer.name, 300, b"x" * 32).text())
    with pytest.raises(NoProof, match="not one of the log"):
        log.store.read(lambda c: receipt(c, 5, stray, log.signer.verifier))
    with pytest.raises(NoProof, match="not in a log of 300"):
        log.store.read(lambda c: receipt(c, 300, log.notes[300], log.signer.verifier))


def test_a_receipt_of_one_entry_in_a_log_of_one(tmp_path: Path, signer: Signer) -> None:
    store = open_store(f"sqlite:///{tmp_path}/yett.db")
    journal = Journal(store, signer)
    journal.commit(lambda t: t.append(Entry("x", {}))).result()
    kept = store.read(lambda c: receipt(c, 0, journal.checkpoint(), signer.verifier))
    assert kept.split("\n")[0] == "c2sp.org/tlog-proof@v1"
    assert base64.b64decode(kept.split("\n")[1].removeprefix("extra ")).endswith(b'"kind":"x","v":1}')
    assert kept.split("\n")[2:4] == ["index 0", ""]
    assert verify.open_receipt(kept, str(signer.verifier))[0] == 0
    journal.close()
    store.close()


def test_an_empty_log_is_good(tmp_path: Path, signer: Signer) -> None:
    store = open_store(f"sqlite:///{tmp_path}/yett.db")
    Journal(store, signer).close()
    export(store, tmp_path / "export")
    report = verify_directory(tmp_path / "export", str(signer.verifier))
    assert (report.size, report.root, report.problems) == (0, verify.EMPTY_ROOT, ())
    store.close()


def test_the_verifier_runs_alone_as_one_file(log: Log, tmp_path: Path) -> None:
    alone = tmp_path / "alone.py"
    shutil.copy(verify.__file__, alone)
    command = [sys.executable, "-I", alone, log.folder, log.vkey]
    good = subprocess.run(command, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith(": good\n")
    edit(log, 3)
    bad = subprocess.run(command, capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stdout.startswith("entry 3: ")


def test_the_verifier_reads_in_ten_minutes_and_needs_only_ed25519() -> None:
    source = Path(verify.__file__).read_text()
    assert len([line for line in source.splitlines() if line.strip()]) < 300
    modules = {n.module for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)} | {
        alias.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import) for alias in n.names
    }
    foreign = {str(module).partition(".")[0] for module in modules} - sys.stdlib_module_names
    assert foreign == {"cryptography"}


@pytest.mark.parametrize(
    "tamper",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\xff\xff" + data[2:],
        lambda data: b"\0\0" + data,
        lambda data: b"",
        lambda data: b"\0",
    ],
)
def test_a_bundle_of_nonsense_is_named_and_never_breaks_the_verifier(
    log: Log, tamper: Callable[[bytes], bytes]
) -> None:
    path = bundle_path(log, 1)
    path.write_bytes(tamper(path.read_bytes()))
    assert "tile/entries/001" in places(check(log))
