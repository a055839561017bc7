"""C2SP signed-note and tlog-checkpoint, and the key file."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yett.ledger import verify
from yett.ledger.notes import (
    Checkpoint,
    NoteRefused,
    Signer,
    VerifierKey,
    open_checkpoint,
    open_log_key,
    open_note,
)
from yett.model.errors import ConfigurationError

CHECKPOINT = Checkpoint("yett/test", 7, b"r" * 32)


def test_a_public_logs_key_is_read() -> None:
    """The Go checksum database's verifier key: its id fits its name and key."""
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    key = VerifierKey.parse(text)
    assert (key.name, key.id.hex(), str(key)) == ("sum.golang.org", "033de0ae", text)


def test_a_checkpoint_stands_in_a_note_line_by_line(signer: Signer) -> None:
    note = signer.sign(CHECKPOINT.text())
    root = base64.b64encode(b"r" * 32).decode()
    head, _, line = note.rpartition("\n\n")
    assert head == f"yett/test\n7\n{root}"
    assert line.startswith("— yett/test ")
    assert base64.b64decode(line.split(" ")[2])[:4] == signer.verifier.id
    assert open_checkpoint(note, signer.verifier) == CHECKPOINT
    assert verify.open_checkpoint(note, str(signer.verifier)) == (7, b"r" * 32)


def test_other_signers_lines_are_ignored(signer: Signer) -> None:
    other = Signer("witness.example", Ed25519PrivateKey.generate())
    note = other.sign(CHECKPOINT.text()) + signer.sign(CHECKPOINT.text()).rpartition("\n\n")[2]
    assert open_checkpoint(note, signer.verifier) == CHECKPOINT
    assert verify.open_checkpoint(note, str(signer.verifier)) == (7, b"r" * 32)
    with pytest.raises(NoteRefused):
        open_checkpoint(note, VerifierKey("elsewhere", other.verifier.public))


def alterations(note: str) -> list[str]:
    """Every character of the note changed once, and the shapes that parsers get wrong."""
    swapped = [note[:i] + ("A" if c != "A" else "B") + note[i + 1 :] for i, c in enumerate(note)]
    return [
        *swapped,
        note.replace("\n7\n", "\n07\n"),
        note.replace("\n7\n", "\n+7\n"),
        note.replace("\n7\n", "\n 7\n"),
        note.replace("\n", "\r\n"),
        note[:-1],
        note + "\n",
        note + "— yett/test AAAA\n",
        note.replace("— ", "- "),
        note.rpartition("\n\n")[0] + "\n\n",
        "",
        "\n\n",
    ]


def test_any_altered_character_is_refused(signer: Signer) -> None:
    note = signer.sign(CHECKPOINT.text())
    for altered in alterations(note):
        with pytest.raises(NoteRefused):
            open_checkpoint(altered, signer.verifier)
        with pytest.raises(verify.Rejected):
            verify.open_checkpoint(altered, str(signer.verifier))


@pytest.mark.parametrize(
    "text",
    [
        "yett/test\n7\n",
        "yett/test\n07\n" + base64.b64encode(b"r" * 32).decode() + "\n",
        "yett/test\n-1\n" + base64.b64encode(b"r" * 32).decode() + "\n",
        "yett/test\n7\n" + base64.b64encode(b"r" * 31).decode() + "\n",
        "elsewhere\n7\n" + base64.b64encode(b"r" * 32).decode() + "\n",
        "yett/test\n7\n" + base64.b64encode(b"r" * 32).decode() + "\n\nmore\n",
        "yett/test\n7\n" + base64.b64encode(b"r" * 32).decode()[:-2] + "/=\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(signer: Signer, text: str) -> None:
    note = signer.sign(text)
    with pytest.raises(NoteRefused):
        open_checkpoint(note, signer.verifier)
    with pytest.raises(verify.Rejected):
        verify.open_checkpoint(note, str(signer.verifier))


def test_extension_lines_are_allowed(signer: Signer) -> None:
    note = signer.sign(CHECKPOINT.text() + "extension\n")
    assert open_checkpoint(note, signer.verifier) == CHECKPOINT
    assert verify.open_checkpoint(note, str(signer.verifier)) == (7, b"r" * 32)


def test_a_notes_text_may_hold_blank_lines(signer: Signer) -> None:
    assert open_note(signer.sign("one\n\ntwo\n"), signer.verifier) == "one\n\ntwo\n"


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+00000000+", "a b+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"]
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        VerifierKey.parse(text)
    with pytest.raises(verify.Rejected):
        verify.open_checkpoint("", text)


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    first = open_log_key(path, "yett/x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("PRIVATE+KEY+yett/x+")
    assert open_log_key(path, "yett/x").verifier == first.verifier


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    open_log_key(path, "yett/x")
    path.chmod(0o640)
    with pytest.raises(ConfigurationError) as refused:
        open_log_key(path, "yett/x")
    assert refused.value.remedy == f"chmod 600 {path}"


def test_another_logs_key_or_a_torn_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    open_log_key(path, "yett/x")
    with pytest.raises(ConfigurationError, match="signs for yett/x"):
        open_log_key(path, "yett/y")
    for torn in ("", "PRIVATE+KEY+yett/x", path.read_text()[:-9]):
        path.write_text(torn)
        with pytest.raises(ConfigurationError):
            open_log_key(path, "yett/x")


def test_the_empty_log_has_one_root(signer: Signer) -> None:
    note = signer.sign(Checkpoint("yett/test", 0, b"r" * 32).text())
    with pytest.raises(verify.Rejected, match="root hash"):
        verify.open_checkpoint(note, str(signer.verifier))
