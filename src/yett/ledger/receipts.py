"""Receipts: one entry with its proof, offline, in the C2SP tlog-proof format (https://c2sp.org/tlog-proof).

The format's `extra` line carries the entry itself, so a receipt is whole: its leaf hash is recomputed from it, which
is what authenticates it.
"""

from __future__ import annotations

import base64

from sqlalchemy import Connection, select

from yett.ledger.notes import VerifierKey, open_checkpoint
from yett.ledger.proofs import NoProof, inclusion_proof, root_at
from yett.store.tables import ledger_entry

HEADER = "c2sp.org/tlog-proof@v1"


def receipt(connection: Connection, index: int, note: str, key: VerifierKey) -> str:
    """The proof that entry `index` is in the log that `note` (a checkpoint of `key`) signed.

    Raises:
        NoProof: the entry is not under that checkpoint, or the checkpoint is not of the log on disk.
        NoteRefused: not a checkpoint of `key`.
    """
    signed = open_checkpoint(note, key)
    path = inclusion_proof(connection, index, signed.size)
    if root_at(connection, signed.size) != signed.root:
        raise NoProof("The checkpoint is not one of the log on disk.", "Run yett log verify.")
    entry = connection.execute(select(ledger_entry.c.data).where(ledger_entry.c.idx == index)).scalar_one()
    hashes = "".join(base64.b64encode(h).decode() + "\n" for h in path)
    return f"{HEADER}\nextra {base64.b64encode(bytes(entry)).decode()}\nindex {index}\n{hashes}\n{note}"
