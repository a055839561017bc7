"""Verify an exported log, offline. Shares no code with what writes the log: only the standard library and Ed25519.

    python -m yett.ledger.verify FOLDER VKEY [CHECKPOINT-OR-RECEIPT ...]

What it checks: the checkpoint's signature; that the root recomputed from the raw entries is the one signed; every tile;
that each checkpoint embedded in an approval is a true prefix of this log; and, for checkpoints and receipts kept from
earlier, that this log still begins with what they signed. Every problem names its place.

Formats: RFC 6962 section 2.1 (hashes and proofs), c2sp.org/signed-note, /tlog-checkpoint, /tlog-tiles, /tlog-proof.
The verifier key must come from somewhere else than the folder: a folder can be made to agree with itself.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EMPTY_ROOT = hashlib.sha256(b"").digest()
_ENOUGH = 1000  # problems, after which reading on tells nothing new
_NUMBER = "(0|[1-9][0-9]{0,18})"


class Rejected(Exception):
    """Why a note, a key or a receipt is not good."""


@dataclass(frozen=True)
class Problem:
    """`place`: "checkpoint", "entry 17", "tile/0/000", "earlier 2", ..."""

    place: str
    what: str


@dataclass(frozen=True)
class Report:
    """`size` and `root` are what the checkpoint claims; `entries` were read. The log is good if there is no problem."""

    size: int
    root: bytes
    entries: int
    problems: tuple[Problem, ...]


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` (a leaf hash) is entry `index` of the log of `size` entries with `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or any(len(h) != 32 for h in (leaf, root, *proof)):
        return False
    fn, sn, accumulated = index, size - 1, leaf
    for h in proof:
        if sn == 0:
            return False  # more hashes than the tree has levels
        if fn & 1 or fn == sn:
            accumulated = node_hash(h, accumulated)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            accumulated = node_hash(accumulated, h)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and accumulated == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the log of `new` entries begins with the log of `old` entries (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new or any(len(h) != 32 for h in (old_root, new_root, *proof)):
        return False
    if (old == 0 and old_root != EMPTY_ROOT) or (new == 0 and new_root != EMPTY_ROOT):
        return False
    if old in (0, new) or not proof:
        return old in (0, new) and not proof and (old == 0 or old_root == new_root)
    path = [old_root, *proof] if old & (old - 1) == 0 else proof
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old_side = new_side = path[0]
    for h in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old_side, new_side = node_hash(h, old_side), node_hash(h, new_side)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new_side = node_hash(new_side, h)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old_side == old_root and new_side == new_root


def open_checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that `vkey` signed. Raises Rejected."""
    name, key_id, public = _parse_vkey(vkey)
    head, found, tail = note.rpartition("\n\n")
    if not found or not tail.endswith("\n") or any(char < " " and char != "\n" for char in note):
        raise Rejected("not a signed note")
    text, signed = head + "\n", False
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        if not match or len(raw := _base64(match[2])) < 5:
            raise Rejected("malformed signature line")
        if match[1] != name or raw[:4] != key_id:
            continue  # a signer we do not know
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
        except InvalidSignature:
            raise Rejected(f"the signature of {name} is wrong") from None
        signed = True
    origin, size, root, *more = [*text.split("\n"), "", ""]
    if not signed or origin != name or not re.fullmatch(_NUMBER, size) or "" in more[:-3]:
        raise Rejected(f"not a checkpoint signed by {name}")
    if len(_base64(root)) != 32 or (size == "0" and _base64(root) != EMPTY_ROOT):
        raise Rejected("its root hash is not one")
    return int(size), _base64(root)


def _parse_vkey(vkey: str) -> tuple[str, bytes, bytes]:
    name, key_id, encoded = [*vkey.strip().split("+", 2), "", ""][:3]
    raw = _base64(encoded)
    computed = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if not name or len(raw) != 33 or raw[0] != 1 or key_id != computed.hex():
        raise Rejected("the verifier key is malformed")
    return name, computed, raw[1:]


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("malformed base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Rejected("base64 in another than its canonical spelling")
    return raw


def open_receipt(receipt: str, vkey: str) -> tuple[int, bytes, int, bytes]:
    """A .tlog-proof that carries its entry as `extra`: index, entry, size, root. Raises Rejected."""
    head, _, note = receipt.partition("\n\n")
    match = re.fullmatch(rf"c2sp\.org/tlog-proof@v1\nextra (\S*)\nindex {_NUMBER}((?:\n\S+)*)", head)
    if not match:
        raise Rejected("not a receipt")
    entry, index, proof = _base64(match[1]), int(match[2]), [_base64(line) for line in match[3].split()]
    size, root = open_checkpoint(note, vkey)
    if not verify_inclusion(index, size, leaf_hash(entry), proof, root):
        raise Rejected("the proof does not lead from the entry to the signed root")
    return index, entry, size, root


def verify_directory(folder: Path, vkey: str, earlier: Sequence[str] = ()) -> Report:
    """Verify an export against `vkey`; `earlier` are texts of checkpoints and receipts kept from before."""
    try:
        size, root = open_checkpoint((folder / "checkpoint").read_text("utf-8"), vkey)
    except (OSError, UnicodeDecodeError, Rejected) as error:
        return Report(0, b"", 0, (Problem("checkpoint", str(error)),))
    log, read = _Log(folder, size), 0
    claims = [log.claim(f"earlier {number}", text, vkey) for number, text in enumerate(earlier, 1)]
    for index, entry in log.entries():
        read += 1
        if b"checkpoint" in entry:
            claims.append(log.claim(f"entry {index}", _embedded(entry), vkey))
    log.judge(root, sorted(filter(None, claims)))
    return Report(size, root, read, tuple(Problem(place, what) for place, what in log.problems))


def _embedded(entry: bytes) -> str | None:
    """The checkpoint that an approval was given over, if the entry is one."""
    try:
        value = json.loads(entry)
        return str(value["body"]["checkpoint"] or "") or None if value["kind"] == "approval" else None
    except (ValueError, KeyError, TypeError):
        return None


class _Log:
    """The entries of an export as they stand, and every subtree hash recomputed from them.

    `subtrees[h]` are the perfect subtrees of height 8 + h; `whole` counts the entries before the first broken bundle.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size, self.whole = folder, size, 0
        self.problems: list[tuple[str, str]] = []
        self.subtrees: list[list[bytes]] = [[]]
        self.leaf_faults: list[tuple[str, str]] = []  # tile, and the first entry that differs from it

    def claim(self, place: str, text: str | None, vkey: str) -> tuple[int, bytes, str] | None:
        """Somebody holds this checkpoint or receipt: at that size, the root was that one."""
        try:
            if text is None:
                return None
            size, root = open_receipt(text, vkey)[2:] if text.startswith("c2sp.org/") else open_checkpoint(text, vkey)
            return size, root, place
        except Rejected as error:
            self.problems.append((place, f"its checkpoint is not good: {error}"))
            return None

    def entries(self) -> Iterator[tuple[int, bytes]]:
        for number, start in enumerate(range(0, self.size, 256)):
            if len(self.problems) > _ENOUGH:
                return
            width = min(256, self.size - start)
            bundle = self._bundle(number, width)
            leaves = [leaf_hash(entry) for entry in bundle]
            fault = self._tile_fault(0, number, leaves, width)
            if fault:
                self.leaf_faults.append((fault[0], f"entry {start + fault[1]}"))
            if len(bundle) == width and self.whole == start:
                self.whole += width
                if width == 256:
                    self._push(_peaks(leaves)[0])
            yield from enumerate(bundle, start)

    def judge(self, root: bytes, claims: Sequence[tuple[int, bytes, str]]) -> None:
        """Compare with the signed root, the tiles and the claims; where the root differs, say where it begins to."""
        good = self.whole == self.size and self._root_at(self.size) == root
        faults = self.leaf_faults or list(self._upper_faults())
        for tile, place in faults:  # with the signed root the entries are genuine, and the tile is at fault
            found = (tile, "is not what the entries hash to") if good else (place, f"is not what {tile} was made from")
            self.problems.append(found)
        true, false = 0, self.size
        for size, claimed, place in claims:
            if size > self.size:
                gone = f"entries {self.size} to {size - 1} are gone: it has a checkpoint over {size} entries"
                self.problems.append((place, gone))
            elif size <= self.whole and self._root_at(size) != claimed:
                false = min(false, size)
                self.problems.append((place, f"the first {size} entries are not those of its checkpoint"))
            elif size <= self.whole and false == self.size:
                true = size
        if not good and not faults and self.whole == self.size:
            self.problems.append((f"entries {true} to {false - 1}", "do not lead to the signed root"))

    def _bundle(self, number: int, width: int) -> list[bytes]:
        """A bundle's entries: big-endian uint16 length, then as many bytes, `width` times."""
        place = f"tile/entries/{_tile_path(number, width)}"
        data, entries, at = self._read(place), [], 0
        while len(data) >= at + 2 and len(data) >= (end := at + 2 + int.from_bytes(data[at : at + 2], "big")):
            entries.append(data[at + 2 : end])
            at = end
        if at != len(data) or len(entries) != width:
            what = f"has {len(entries)} whole entries and {len(data) - at} bytes more; {width} entries were signed"
            self.problems.append((place, what))
        return entries

    def _tile_fault(self, level: int, number: int, mine: list[bytes], width: int) -> tuple[str, int] | None:
        """The tile's path and the place of the first hash in it that is not ours."""
        place = f"tile/{level}/{_tile_path(number, width)}"
        data = self._read(place)
        if data == b"".join(mine):
            return None
        theirs = [data[at : at + 32] for at in range(0, len(data), 32)]
        pairs = zip(mine, theirs, strict=False)
        return place, next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)))

    def _upper_faults(self) -> Iterator[tuple[str, str]]:
        """Tiles above the leaves: the tile, and the entries under its first wrong hash."""
        level, count = 1, self.size // 256
        while count and self.whole == self.size:
            hashes = self.subtrees[8 * (level - 1)]
            for number, start in enumerate(range(0, count, 256)):
                fault = self._tile_fault(level, number, hashes[start : start + 256], min(256, count - start))
                if fault:
                    first = (start + fault[1]) * 256**level
                    yield fault[0], f"entries {first} to {first + 256**level - 1}"
            level, count = level + 1, count // 256

    def _read(self, place: str) -> bytes:
        try:
            return (self.folder / place).read_bytes()
        except OSError as error:
            self.problems.append((place, f"cannot be read: {error.strerror}"))
            return b""

    def _push(self, root: bytes) -> None:
        for row in self.subtrees:
            row.append(root)
            if len(row) % 2:
                return
            root = node_hash(row[-2], row[-1])
        self.subtrees.append([root])

    def _root_at(self, size: int) -> bytes:
        """MTH(D[0:size]), for a size within the whole bundles."""
        full, rest = divmod(size, 256)
        entries = self._bundle(full, min(256, self.size - 256 * full))[:rest] if rest else []
        parts = _peaks([leaf_hash(entry) for entry in entries])[::-1]
        for row in self.subtrees:
            if full & 1:
                parts.append(row[full - 1])
            full >>= 1
        return functools.reduce(lambda right, left: node_hash(left, right), parts) if parts else EMPTY_ROOT


def _tile_path(number: int, width: int) -> str:
    """1234067 is x001/x234/067; a partial tile ends in .p/<width>."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups)) + (f".p/{width}" if width < 256 else "")


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of the largest perfect subtrees, left to right: a binary counter's digits."""
    stack: list[bytes] = []
    for count, h in enumerate(hashes):
        while count & 1:
            h, count = node_hash(stack.pop(), h), count >> 1
        stack.append(h)
    return stack


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong, one line a place; exit status 0 if nothing is."""
    if len(arguments) < 2:
        sys.stderr.write("usage: verify FOLDER VKEY [CHECKPOINT-OR-RECEIPT ...]\n")
        return 2
    texts = [Path(name).read_text("utf-8") for name in arguments[2:]]
    report = verify_directory(Path(arguments[0]), arguments[1], texts)
    for problem in report.problems:
        sys.stdout.write(f"{problem.place}: {problem.what}\n")
    verdict = "NOT GOOD" if report.problems else "good"
    sys.stdout.write(f"{report.entries} entries, root {report.root.hex()}: {verdict}\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
