"""Fill the disk under a running journal, give the space back, and report what happened as JSON. For test_full_disk.py.

full_disk.py FOLDER     FOLDER is a file system of a few megabytes, or the process has a file size limit
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select

from yett.ledger.journal import Entry, Journal, Transaction
from yett.ledger.notes import Signer, open_checkpoint
from yett.ledger.tree import Tree, leaf_hash
from yett.model.errors import LedgerUnavailable
from yett.store import open_store
from yett.store.tables import ledger_entry, remembered

LIMIT = 6_000_000


def main() -> None:
    folder, report = Path(sys.argv[1]), {}
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signer = Signer("yett/full", Ed25519PrivateKey.generate())
    store = open_store(f"sqlite:///{folder}/yett.db")
    journal = Journal(store, signer)
    ballast = take_space(folder)

    acknowledged, refusal = append_until_refused(journal, 0)
    report["before"] = len(acknowledged)
    report["refusal"] = refusal
    report["still_refused"] = append_until_refused(journal, 100_000)[1]
    report["checkpoint_is_of_what_is_durable"] = root_on_disk(store) == root_signed(journal, signer)

    give_space_back(ballast)
    after, refusal = append_until_refused(journal, 200_000, most=100)
    report["after"], report["refusal_after"] = len(after), refusal
    report["all_there"] = {*acknowledged, *after} <= set(names(store))
    report["state_agrees"] = store.read(
        lambda c: c.execute(select(func.count()).select_from(remembered)).scalar()
    ) == len([name for name in names(store) if name >= 0])
    report["root_is_good"] = root_on_disk(store) == root_signed(journal, signer)
    journal.close()
    Journal(store, signer).close()
    print(json.dumps(report))


def take_space(folder: Path) -> Path | None:
    """Leave little room: ballast on a small file system, else a limit on the size of any file."""
    if os.path.ismount(folder):
        ballast = folder / "ballast"
        space = os.statvfs(folder)
        ballast.write_bytes(b"x" * (space.f_bavail * space.f_frsize - 1_500_000))
        return ballast
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    return None


def give_space_back(ballast: Path | None) -> None:
    if ballast is not None:
        ballast.unlink()
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def append_until_refused(journal: Journal, first: int, most: int = 50_000) -> tuple[list[int], str]:
    acknowledged: list[int] = []
    for start in range(first, first + most, 20):
        futures = [(n, journal.commit(lambda t, n=n: work(t, n))) for n in range(start, start + 20)]
        for number, future in futures:
            try:
                future.result()
                acknowledged.append(number)
            except LedgerUnavailable as error:
                return acknowledged, str(error)
    return acknowledged, ""


def work(transaction: Transaction, number: int) -> None:
    transaction.execute(insert(remembered), {"session": "s", "host": str(number), "method": "POST"})
    transaction.append(Entry("intent", {"n": number, "padding": "x" * 1000}))


def data(store) -> list[bytes]:
    return [
        bytes(d)
        for d in store.read(
            lambda c: c.execute(select(ledger_entry.c.data).order_by(ledger_entry.c.idx)).scalars().all()
        )
    ]


def names(store) -> list[int]:
    return [json.loads(entry)["body"]["n"] for entry in data(store)]


def root_on_disk(store) -> bytes:
    return Tree().grow([leaf_hash(entry) for entry in data(store)])[0].root()


def root_signed(journal: Journal, signer: Signer) -> bytes:
    return open_checkpoint(journal.checkpoint(), signer.verifier).root


if __name__ == "__main__":
    main()
