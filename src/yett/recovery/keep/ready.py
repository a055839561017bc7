"""The keep when it is asked for: opened once, a bucket proven again every day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from yett.broker.seal import Keys
from yett.model.secret import Secret
from yett.recovery.keep.budget import Budget
from yett.recovery.keep.folder import open_folder
from yett.recovery.keep.keep import Keep
from yett.recovery.keep.place import Place
from yett.recovery.keep.proof import Proof, open_bucket
from yett.recovery.keep.settings import UndoSettings

PROVE_EVERY_S = 24 * 3600.0
TRY_EVERY_S = 60.0


@dataclass
class Ready:
    """Call it in a thread for the keep. Thread-safe: whoever comes while it is opened waits for it.

    `below` is Yett's home; `secret_of` gives a secret of the vault by name; `stored` what the store knows to lie there,
    by task; `proven` is told each proof, for the ledger; `apart_from` what a folder may not share a path with.
    """

    settings: UndoSettings
    below: Path
    keys: Keys
    secret_of: Callable[[str], Secret]
    stored: Callable[[], dict[str, int]]
    proven: Callable[[Proof], object]
    apart_from: Callable[[], Iterable[Path]] = lambda: ()
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _keep: Keep | None = None
    _until: float = 0.0
    _failed: Exception | None = None

    def __call__(self) -> Keep:
        """Raises KeepError, NotImmutable, ConfigurationError, NoSuchSecret: nothing can be kept now."""
        with self._lock:
            if self.clock() < self._until:
                if self._failed is not None:
                    raise self._failed
                if self._keep is not None:
                    return self._keep
            try:
                keep = self._opened()
            except Exception as error:
                self._failed, self._until = error, self.clock() + TRY_EVERY_S
                raise
            self._keep, self._failed, self._until = keep, None, self.clock() + PROVE_EVERY_S
            return keep

    def _opened(self) -> Keep:
        place = self._place()
        if self._keep is not None:  # proven again: what is counted and being written goes on
            self._keep.place = place
            return self._keep
        return Keep(place, self.keys, Budget(self.settings.limits, self.stored()))

    def _place(self) -> Place:
        settings = self.settings
        if settings.bucket is None:
            if settings.folder is None:
                return open_folder(self.below / "keep")
            return open_folder(settings.folder, apart_from=self.apart_from())
        secret, breaker = self._secret(settings.secret), self._secret(settings.breaker)
        place, proof = open_bucket(settings.bucket, secret, breaker)
        self.proven(proof)
        return place

    def _secret(self, name: str) -> Secret | None:
        return self.secret_of(name) if name else None
