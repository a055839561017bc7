"""A process that appends until it is killed, for test_crash.py. Started once; forks a writer for every "go" it reads.

    appender.py STORE-URL KEY-FILE

Each writer acknowledges on standard output, a line each: "<index> <name>", only after the future has resolved.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from sqlalchemy import insert

from yett.ledger.journal import Entry, Journal, Transaction
from yett.ledger.notes import open_log_key
from yett.store import open_store
from yett.store.tables import remembered

IN_FLIGHT = 24


def append_for_ever(url: str, key: Path, cycle: int) -> None:
    journal = Journal(open_store(url), open_log_key(key, "yett/crash"))
    waiting: deque[tuple[str, Future[int]]] = deque()
    number = 0
    while True:
        name = f"{cycle}-{number}"
        waiting.append((name, journal.commit(lambda transaction, name=name: work(transaction, name))))
        journal.enqueue(Entry("read", {"n": number}))
        number += 1
        while len(waiting) >= IN_FLIGHT:
            acknowledged, future = waiting.popleft()
            os.write(1, f"{future.result()} {acknowledged}\n".encode())


def work(transaction: Transaction, name: str) -> int:
    transaction.execute(insert(remembered), {"session": "s", "host": name, "method": "POST"})
    return transaction.append(Entry("intent", {"name": name, "padding": "x" * 400}))


def main() -> None:
    url, key = sys.argv[1], Path(sys.argv[2])
    for cycle, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            append_for_ever(url, key, cycle)
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
