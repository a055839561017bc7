"""The keep: where pre-images and dumps lie, outside the blast radius of what they undo.

An undo is a set of named files, written once: compressed (zstd, level 1), encrypted under a key of its own that the
master key wraps, flushed, read back, and only then given its manifest. `Keep.begin` writes one, `Keep.open` checks all
of it before the first byte is used. Where it lies is a `Place`: a folder of this machine, or S3 with Object Lock.

It promises that an undo without a whole manifest never counts; that bytes which were changed, cut off, put in another
order, moved between files or between undos are noticed; that a bucket whose lock was not seen to refuse is not used;
and that budgets and full disks refuse an undo whole. It will not help without the master key: keep a copy of that
elsewhere. It proves nothing about what is inside: whoever makes an undo restores it beside and compares.
"""

from yett.recovery.keep.awaited import AwaitedMaking, AwaitedOpened
from yett.recovery.keep.budget import Budget, Limits
from yett.recovery.keep.errors import Damaged, KeepError, KeepFull, NotImmutable, TooLarge
from yett.recovery.keep.keep import Keep
from yett.recovery.keep.making import Made, Making, Writing
from yett.recovery.keep.opened import Opened
from yett.recovery.keep.place import Place

__all__ = [
    "AwaitedMaking",
    "AwaitedOpened",
    "Budget",
    "Damaged",
    "Keep",
    "KeepError",
    "KeepFull",
    "Limits",
    "Made",
    "Making",
    "NotImmutable",
    "Opened",
    "Place",
    "TooLarge",
    "Writing",
]
