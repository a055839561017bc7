"""An export is a C2SP tlog-tiles folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from yett.ledger.export import export, tile_path
from yett.ledger.journal import Entry, Journal
from yett.ledger.notes import NoteRefused, Signer
from yett.ledger.verify import verify_directory
from yett.model.errors import ConfigurationError
from yett.store import Store


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "000"),
        (7, 1, "007.p/1"),
        (999, 256, "999"),
        (1000, 256, "x001/000"),
        (1234067, 256, "x001/x234/067"),
        (1234067, 255, "x001/x234/067.p/255"),
    ],
)
def test_tile_paths(index: int, width: int, path: str) -> None:
    assert tile_path(index, width) == path


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, {"0/000.p/1", "entries/000.p/1"}),
        (255, {"0/000.p/255", "entries/000.p/255"}),
        (256, {"0/000", "entries/000", "1/000.p/1"}),
        (600, {"0/000", "0/001", "0/002.p/88", "entries/000", "entries/001", "entries/002.p/88", "1/000.p/2"}),
    ],
)
def test_the_files_of_an_export(store: Store, signer: Signer, tmp_path: Path, size: int, expected: set[str]) -> None:
    journal = Journal(store, signer)
    for number in range(size):
        journal.enqueue(Entry("read", {"n": number}))
    journal.close()
    folder = tmp_path / "out" / "export"
    assert export(store, folder).size == size
    tiles = {str(path.relative_to(folder / "tile")) for path in (folder / "tile").rglob("*") if path.is_file()}
    assert tiles == expected
    assert (folder / "vkey").read_text() == f"{signer.verifier}\n"
    assert verify_directory(folder, str(signer.verifier)).problems == ()


def test_an_export_never_overwrites(journal: Journal, store: Store, tmp_path: Path) -> None:
    journal.commit(lambda t: t.append(Entry("x", {}))).result()
    folder = tmp_path / "export"
    export(store, folder, journal.checkpoint())
    with pytest.raises(ConfigurationError, match="not empty"):
        export(store, folder, journal.checkpoint())


def test_a_log_that_was_never_signed_or_a_strangers_checkpoint_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no checkpoint"):
        export(store, tmp_path / "export")


def test_a_checkpoint_of_another_log_is_refused(journal: Journal, store: Store, tmp_path: Path) -> None:
    journal.commit(lambda t: t.append(Entry("x", {}))).result()
    with pytest.raises(NoteRefused):
        export(store, tmp_path / "export", journal.checkpoint().replace("\n1\n", "\n2\n"))
