"""Keep a workspace's inventory current while something runs in it: a thread that looks at what was just written.

What it finds is known to law 3 before it is listed. A value that this product made up itself is no finding.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from yett.daemon.plane import Plane
from yett.inventory.engine import engine
from yett.inventory.finding import Finding
from yett.inventory.gather import Gathering
from yett.inventory.kept.inventory import Change, Looked
from yett.inventory.kept.rows import Sighting
from yett.inventory.look import Look
from yett.inventory.outcome import Unread
from yett.inventory.watching.folders import is_inside
from yett.inventory.watching.watch import Changes, Watch
from yett.ledger.journal import Entry
from yett.model.canonical import Json
from yett.model.errors import StoreUnavailable

AT_ONCE = 1000
"""Files a look, three events each: the kernel's queue has 16,384 places as it is delivered, and is read in between."""
MOST_LEARNT = 1000
"""Values that one watch makes known: the search for them is built anew each time, and an agent can write any number."""
OWN_SECRETS = frozenset({"password", "signing-key", "session"})
"""Kinds that programs make for themselves."""

_log = logging.getLogger("yett.daemon")

New = Callable[[Sequence[Sighting]], None]


@dataclass
class Watching:
    """One workspace. `since` (ns): what changed from then on is looked at first. Start it once, stop it once.

    `on_new` hears, in this thread, of credentials that were not in the inventory before; `say` of a change of method.
    """

    plane: Plane
    workspace: str
    since: int
    session: str = ""
    is_ours: Callable[[bytes], bool] = lambda value: False
    on_new: New | None = None
    say: Callable[[str], None] = lambda line: None
    found: int = 0
    """Credentials that were new or back so far."""
    learnt: set[str] = field(default_factory=set)
    _full: bool = False
    _watch: Watch | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"yett-watch-{self.session}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns at once; what is being looked at is finished."""
        self._stopped.set()
        if (watch := self._watch) is not None:
            watch.stop()

    def _run(self) -> None:
        try:
            self._watch = watch = Watch(self.workspace, self._told, self.since)
        except OSError as error:
            self._told(f"{self.workspace} is not watched: {error.strerror}")
            return
        look = Look(engine())
        try:
            while not self._stopped.is_set():
                if changes := watch.wait(AT_ONCE):
                    self._take(watch, look, changes)
        finally:
            watch.close()
            if not self._stopped.is_set():  # what went wrong is reported by whoever reports on threads
                self._told(f"{self.workspace} is no longer watched: start it again")

    def _take(self, watch: Watch, look: Look, changes: Changes) -> None:
        started = time.time_ns()
        gathering = Gathering(engine(), lambda: self.plane.book, self.plane.keys)
        gathering.roots = (watch.root,)
        for path in changes.files:
            began = time.monotonic()
            if is_inside(watch.root, path):
                self._look(look, gathering, path)
            watch.looked(path, time.monotonic() - began)
        findings = [one for one in gathering.findings.values() if not self.is_ours(one.value.reveal())]
        self._learn(findings)
        gone = changes.gone | (self._missing(watch.root) if changes.lost else frozenset())
        looked = Looked(gone | frozenset(changes.files), changes.gone_folders)
        try:
            change = self.plane.kept.record(self.workspace, findings, started, looked, self.session)
        except StoreUnavailable as error:  # law 3 knows them; the list follows once the store is back
            _log.error("what was found in %s is not listed yet: %s", self.workspace, error.what)
            watch.again((*changes.files, *gone))
            return
        self._tell(change)

    def _look(self, look: Look, gathering: Gathering, path: str) -> None:
        try:
            for seen in look.file(path, _unheard):
                gathering.add(seen)
        except Exception as error:  # noqa: BLE001 - or an agent ends the watch with one file that breaks a parser
            _log.error("a file in %s could not be looked through: %s", self.workspace, type(error).__name__)

    def _learn(self, findings: Sequence[Finding]) -> None:
        """Law 3: from now on these are refused to every host."""
        issued = {one.credential.fingerprint: one.value for one in findings if is_issued(one)}
        new = {each: value for each, value in issued.items() if each not in self.learnt}
        room = MOST_LEARNT - len(self.learnt)
        if len(new) > room and not self._full:
            self._full = True
            self._alarm()
        if taken := dict(islice(new.items(), room)):
            self.learnt.update(taken)
            self.plane.broker.known(taken)

    def _alarm(self) -> None:
        """Once: from here on an agent writes faster than the gate learns."""
        _log.error(
            "more than %d credentials were written in %s: no further ones are learnt", MOST_LEARNT, self.workspace
        )
        body: dict[str, Json] = {"event": "not-learnt", "session": self.session, "most": MOST_LEARNT}
        try:
            self.plane.journal.enqueue(Entry("alarm", body))
        except StoreUnavailable as error:
            _log.error("and that could not be recorded: %s", error.what)

    def _missing(self, root: str) -> frozenset[str]:
        """Files of the inventory that no longer exist: events of their end may have been lost."""
        paths = self.plane.kept.files_of(self.workspace)
        return frozenset(path for path in paths if path.startswith(root + "/") and not os.path.lexists(path))

    def _tell(self, change: Change) -> None:
        self.found += len(change.fresh)
        if change.fresh and self.on_new is not None:
            self.on_new(change.fresh)

    def _told(self, line: str) -> None:
        _log.warning("%s", line)
        self.say(line)


def is_issued(finding: Finding) -> bool:
    """Whether someone else gave it out: a provider, a server with accounts.

    A framework's new project writes keys of its own into its settings, and an agent has read them by the time they are
    found: refused from then on to the model's host too, they would end every session that starts a project. They are
    listed at once, and masked and refused from the next start.
    """
    if finding.identity in OWN_SECRETS:
        return "@" in finding.account
    return bool(finding.credential.provider)


def _unheard(_unread: Unread) -> None:
    """What cannot be read now is looked at again when it changes."""
