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
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EMPTY_ROOT = hashlib.sha256(b"").digest()


class Rejected(Exception):
    """The reason why a note, a key, a receipt or a bundle is not good."""


@dataclass(frozen=True)
class Problem:
    """`place`: "checkpoint", "entry 17", "tile/0/000", "receipt 2", ..."""

    place: str
    what: str


@dataclass(frozen=True)
class Report:
    """`size` and `root` are what the checkpoint claims; `entries` were read. The log is good if no problem is named."""

    size: int
    root: bytes
    entries: int
    problems: tuple[Problem, ...]

    @property
    def good(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class _Claim:
    """Somebody holds a checkpoint: at `size` the root was `root`."""

    place: str
    size: int
    root: bytes


# RFC 6962: hashes and proofs


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
    if old in (0, new):
        return not proof and (old == 0 or old_root == new_root)
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof or not path:
        return False
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


# Notes


def open_checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that `vkey` signed. Raises Rejected."""
    name, key_id, public = _parse_vkey(vkey)
    head, found, tail = note.rpartition("\n\n")
    if not found or not tail.endswith("\n") or any(char < " " and char != "\n" for char in note):
        raise Rejected("not a signed note")
    text, signed = head + "\n", False
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        if not match:
            raise Rejected("malformed signature line")
        raw = _base64(match[2])
        if match[1] != name or raw[:4] != key_id:
            continue  # another signer's: unknown, ignored
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
        except InvalidSignature:
            raise Rejected(f"the signature of {name} is wrong") from None
        signed = True
    if not signed:
        raise Rejected(f"not signed by {name}")
    lines = text.split("\n")
    if len(lines) < 4 or lines[0] != name or "" in lines[:-1] or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise Rejected("signed, but not a checkpoint of this log")
    root = _base64(lines[2])
    if len(root) != 32 or (lines[1] == "0" and root != EMPTY_ROOT):
        raise Rejected("the root hash is not one")
    return int(lines[1]), root


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


def verify_receipt(receipt: str, vkey: str) -> tuple[int, bytes]:
    """Check a .tlog-proof file that carries its entry as `extra`: the entry's index and bytes. Raises Rejected."""
    index, entry, _, _ = _open_receipt(receipt, vkey)
    return index, entry


def _open_receipt(receipt: str, vkey: str) -> tuple[int, bytes, int, bytes]:
    head, _, note = receipt.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra "):
        raise Rejected("not a receipt")
    number = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[2])
    if not number:
        raise Rejected("no index")
    size, root = open_checkpoint(note, vkey)
    entry, index = _base64(lines[1].removeprefix("extra ")), int(number[1])
    if not verify_inclusion(index, size, leaf_hash(entry), [_base64(line) for line in lines[3:]], root):
        raise Rejected("the proof does not lead from the entry to the signed root")
    return index, entry, size, root


# The exported folder


def verify_directory(folder: Path, vkey: str, earlier: Sequence[str] = ()) -> Report:
    """Verify an export against `vkey`; `earlier` are texts of checkpoints and receipts kept from before."""
    try:
        size, root = open_checkpoint((folder / "checkpoint").read_text("utf-8"), vkey)
    except (OSError, UnicodeDecodeError, Rejected) as error:
        return Report(0, b"", 0, (Problem("checkpoint", str(error)),))
    problems: list[Problem] = []
    claims = list(_earlier_claims(earlier, vkey, problems))
    log, read = _Log(folder, size, problems), 0
    for index, entry in log.entries():
        read += 1
        if b"checkpoint" in entry:
            claims += _embedded_claim(index, entry, vkey, problems)
    log.judge(root, sorted(claims, key=lambda claim: claim.size))
    return Report(size, root, read, tuple(problems))


def _earlier_claims(earlier: Sequence[str], vkey: str, problems: list[Problem]) -> Iterator[_Claim]:
    for number, text in enumerate(earlier, 1):
        place = f"earlier {number}"
        try:
            size, root = _open_receipt(text, vkey)[2:] if text.startswith("c2sp.org/") else open_checkpoint(text, vkey)
            yield _Claim(place, size, root)
        except Rejected as error:
            problems.append(Problem(place, str(error)))


def _embedded_claim(index: int, entry: bytes, vkey: str, problems: list[Problem]) -> Iterator[_Claim]:
    """The checkpoint that an approval was given over: signed, and older than the approval itself."""
    try:
        value = json.loads(entry)
        if value["kind"] != "approval" or not value["body"].get("checkpoint"):
            return
        size, root = open_checkpoint(value["body"]["checkpoint"], vkey)
        if size > index:
            raise Rejected(f"it was signed over {size} entries, which were not there yet")
        yield _Claim(f"entry {index}", size, root)
    except (ValueError, KeyError, TypeError, AttributeError, Rejected) as error:
        problems.append(Problem(f"entry {index}", f"its embedded checkpoint is not good: {error}"))


class _Log:
    """The entries of an export as they stand, and every subtree hash recomputed from them.

    `subtrees[h]` are the perfect subtrees of height 8 + h; `whole` counts the entries before the first broken bundle.
    """

    def __init__(self, folder: Path, size: int, problems: list[Problem]) -> None:
        self.folder = folder
        self.size = size
        self.problems = problems
        self.whole = 0
        self.subtrees: list[list[bytes]] = [[]]
        self.leaf_faults: list[tuple[str, int]] = []  # tile, and the first entry that differs from it

    def entries(self) -> Iterator[tuple[int, bytes]]:
        for number, start in enumerate(range(0, self.size, 256)):
            width = min(256, self.size - start)
            bundle = self._bundle(number, width)
            leaves = [leaf_hash(entry) for entry in bundle]
            self._compare_leaves(f"tile/0/{_tile_path(number, width)}", start, leaves, width)
            if len(bundle) == width and self.whole == start:
                self.whole += width
                if width == 256:
                    self._push(_peaks(leaves)[0])
            yield from enumerate(bundle, start)

    def judge(self, root: bytes, claims: Sequence[_Claim]) -> None:
        """Compare with the signed root, the tiles and the claims; where the root differs, say where it begins to."""
        good = self.whole == self.size and self._root_at(self.size) == root
        faults = [(tile, f"entry {entry}") for tile, entry in self.leaf_faults] or list(self._upper_faults())
        if good:  # the entries are what was signed: whatever differs from them is the tile's fault
            self._report((tile, "is not what the entries hash to") for tile, _ in faults)
        else:
            self._report((place, f"is not what {tile} was made from") for tile, place in faults)
        true, false = 0, self.size
        for claim in claims:
            if claim.size > self.size:
                what = f"entries {self.size} to {claim.size - 1} are gone: a checkpoint of size {claim.size} exists"
                self._report([(claim.place, what)])
            elif claim.size <= self.whole and self._root_at(claim.size) != claim.root:
                false = min(false, claim.size)
                self._report([(claim.place, f"the first {claim.size} entries are not those of its checkpoint")])
            elif claim.size <= self.whole and false == self.size:
                true = claim.size
        if not good and not faults and self.whole == self.size:
            self._report([(f"entries {true} to {false - 1}", "the signed root does not follow from the entries")])

    def _report(self, found: Iterable[tuple[str, str]]) -> None:
        self.problems.extend(Problem(place, what) for place, what in found)

    def _bundle(self, number: int, width: int) -> list[bytes]:
        """A bundle's entries: big-endian uint16 length, then as many bytes, `width` times."""
        place = f"tile/entries/{_tile_path(number, width)}"
        data, entries, at = self._read(place), [], 0
        while data is not None and at + 2 <= len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            if end > len(data):
                break
            entries.append(data[at + 2 : end])
            at = end
        if data is not None and (at != len(data) or len(entries) != width):
            what = f"has {len(entries)} whole entries and {len(data) - at} bytes more; {width} entries were signed"
            self._report([(place, what)])
        return entries

    def _compare_leaves(self, place: str, start: int, leaves: list[bytes], width: int) -> None:
        data = self._read(place)
        if data is not None and data != b"".join(leaves):
            stored = _split(data)
            if len(data) != 32 * width:
                self._report([(place, f"has {len(data)} bytes, not {32 * width}")])
            self.leaf_faults.append((place, start + _first_difference(leaves, stored)))

    def _upper_faults(self) -> Iterator[tuple[str, str]]:
        """Tiles above the leaves, lowest level first: the tile, and the entries below its first wrong hash."""
        level, count = 1, self.size // 256
        while count and self.whole == self.size:
            hashes = self.subtrees[8 * (level - 1)]
            for number, start in enumerate(range(0, count, 256)):
                expected = hashes[start : min(start + 256, count)]
                place = f"tile/{level}/{_tile_path(number, len(expected))}"
                data = self._read(place)
                if data is not None and data != b"".join(expected):
                    first = (start + _first_difference(expected, _split(data))) * 256**level
                    yield place, f"entries {first} to {first + 256**level - 1}"
            level, count = level + 1, count // 256

    def _read(self, place: str) -> bytes | None:
        try:
            return (self.folder / place).read_bytes()
        except OSError as error:
            self._report([(place, f"cannot be read: {error.strerror}")])
            return None

    def _push(self, root: bytes) -> None:
        height = 0
        while True:
            if height == len(self.subtrees):
                self.subtrees.append([])
            row = self.subtrees[height]
            row.append(root)
            if len(row) % 2:
                return
            root, height = node_hash(row[-2], row[-1]), height + 1

    def _root_at(self, size: int) -> bytes:
        """MTH(D[0:size]), for a size within the whole bundles."""
        full, rest = divmod(size, 256)
        leaves = [leaf_hash(e) for e in self._bundle(full, min(256, self.size - 256 * full))[:rest]] if rest else []
        parts = _peaks(leaves)[::-1]
        height = 0
        while full:
            if full & 1:
                parts.append(self.subtrees[height][full - 1])
            full, height = full >> 1, height + 1
        accumulated = parts[0] if parts else EMPTY_ROOT
        for part in parts[1:]:
            accumulated = node_hash(part, accumulated)
        return accumulated


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


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _first_difference(mine: Sequence[bytes], theirs: Sequence[bytes]) -> int:
    pairs = zip(mine, theirs, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)))


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong, one line a place; exit status 0 if nothing is."""
    if len(arguments) < 2:
        sys.stderr.write("usage: verify FOLDER VKEY [CHECKPOINT-OR-RECEIPT ...]\n")
        return 2
    vkey = Path(arguments[1]).read_text("utf-8") if Path(arguments[1]).is_file() else arguments[1]
    report = verify_directory(Path(arguments[0]), vkey, [Path(a).read_text("utf-8") for a in arguments[2:]])
    for problem in report.problems:
        sys.stdout.write(f"{problem.place}: {problem.what}\n")
    sys.stdout.write(f"{report.entries} entries, root {report.root.hex()}: {'good' if report.good else 'NOT GOOD'}\n")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
