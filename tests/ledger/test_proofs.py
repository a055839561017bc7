"""Inclusion and consistency proofs: true ones verify, anything altered does not."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.ledger import tree, verify
from yett.ledger.entries import Entry, encode
from yett.ledger.notes import Signer
from yett.ledger.proofs import NoProof, consistency_proof, inclusion_proof, root_at
from yett.ledger.verify import EMPTY_ROOT, verify_consistency, verify_inclusion
from yett.ledger.writer import Line, Writer
from yett.store import Store, open_store
from yett.store.tables import ledger_entry

SIZE = 66_000  # past one full tile of the second level (65,536), and off every boundary
EDGES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, SIZE - 1, SIZE]
sizes = st.sampled_from(EDGES) | st.integers(0, SIZE)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('log')}/yett.db")
    writer = Writer(store, signer, lambda: 1)
    writer.open()
    for start in range(0, SIZE, 10_000):
        writer.write([Line(encode(Entry("read", {"n": n})), 0) for n in range(start, min(start + 10_000, SIZE))])
    yield store
    store.close()


@pytest.fixture(scope="module")
def leaves(log: Store) -> list[bytes]:
    return log.read(lambda c: [verify.leaf_hash(row.data) for row in c.execute(ledger_entry.select())])


def root_of(hashes: list[bytes]) -> bytes:
    grown, _ = tree.Tree().grow(hashes)
    return grown.root()


@settings(max_examples=30, deadline=None)
@given(sizes)
def test_every_size_has_the_root_it_had(log: Store, leaves: list[bytes], size: int) -> None:
    assert log.read(lambda c: root_at(c, size)) == root_of(leaves[:size])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_entry_is_proved_in_every_later_size(log: Store, leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(sizes.filter(bool))
    index = data.draw(st.integers(0, size - 1))
    proof, root = log.read(lambda c: (inclusion_proof(c, index, size), root_at(c, size)))
    assert verify_inclusion(index, size, leaves[index], proof, root)


@settings(max_examples=60, deadline=None)
@given(sizes, sizes)
def test_every_size_is_a_prefix_of_every_later_one(log: Store, one: int, other: int) -> None:
    old, new = sorted((one, other))
    proof, old_root, new_root = log.read(lambda c: (consistency_proof(c, old, new), root_at(c, old), root_at(c, new)))
    assert len(proof) <= 63
    assert verify_consistency(old, new, proof, old_root, new_root)


def test_what_is_not_in_the_log_has_no_proof(log: Store) -> None:
    for index, size in [(-1, 5), (5, 5), (0, 0)]:
        with pytest.raises(NoProof):
            log.read(lambda c, index=index, size=size: inclusion_proof(c, index, size))
    for old, new in [(-1, 5), (6, 5)]:
        with pytest.raises(NoProof):
            log.read(lambda c, old=old, new=new: consistency_proof(c, old, new))


def altered_hash(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def altered_paths(path: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    """Each element changed, dropped, doubled, shortened, swapped; and one too many at either end."""
    yield (*path, bytes(32))
    yield (bytes(32), *path)
    for at, value in enumerate(path):
        before, after = path[:at], path[at + 1 :]
        yield (*before, altered_hash(value), *after)
        yield (*before, *after)
        yield (*before, value, value, *after)
        yield (*before, value[:31], *after)
        yield (*before, value + b"\0", *after)
        if after and after[0] != value:
            yield (*before, after[0], value, *after[1:])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_an_altered_inclusion_proof_is_rejected(log: Store, leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(sizes.filter(bool))
    index = data.draw(st.integers(0, size - 1))
    path, root = log.read(lambda c: (inclusion_proof(c, index, size), root_at(c, size)))
    leaf = leaves[index]
    assert verify_inclusion(index, size, leaf, path, root)
    assert not verify_inclusion(index, size, altered_hash(leaf), path, root)
    assert not verify_inclusion(index, size, leaf, path, altered_hash(root))
    assert not verify_inclusion(index, size, leaf[:31], path, root)
    assert not verify_inclusion(index, size, leaf, path, root + b"\0")
    assert not verify_inclusion(-index - 1, size, leaf, path, root)
    assert not verify_inclusion(index, -size, leaf, path, root)
    for other in {index + 1, index - 1, index ^ 1, size} - {index}:
        assert not verify_inclusion(other, size, leaf, path, root)
    for altered in altered_paths(path):
        assert not verify_inclusion(index, size, leaf, altered, root)


@settings(max_examples=25, deadline=None)
@given(sizes, sizes)
def test_an_altered_consistency_proof_is_rejected(log: Store, one: int, other: int) -> None:
    old, new = sorted((one, other))
    path, old_root, new_root = log.read(lambda c: (consistency_proof(c, old, new), root_at(c, old), root_at(c, new)))
    assert not verify_consistency(old, new, path, altered_hash(old_root), new_root)
    assert not verify_consistency(old, new, path, old_root[:31], new_root)
    assert not verify_consistency(old, new, path, old_root, new_root + b"\0")
    assert not verify_consistency(new + 1, new, path, old_root, new_root)
    assert not verify_consistency(-1, new, path, old_root, new_root)
    if old:  # from the empty log every root follows: there is nothing that it could contradict
        assert not verify_consistency(old, new, path, old_root, altered_hash(new_root))
    for altered in altered_paths(path):
        assert not verify_consistency(old, new, altered, old_root, new_root)


def test_the_edges_where_verifiers_go_wrong() -> None:
    leaf = verify.leaf_hash(b"")
    assert verify_inclusion(0, 1, leaf, [], leaf)
    assert not verify_inclusion(0, 0, leaf, [], leaf)
    assert not verify_inclusion(0, 0, leaf, [], EMPTY_ROOT)
    assert not verify_inclusion(0, 1, leaf, [], EMPTY_ROOT)
    assert not verify_inclusion(0, 1, leaf, [leaf], verify.node_hash(leaf, leaf))
    assert not verify_inclusion(1, 1, leaf, [], leaf)
    assert verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    assert verify_consistency(0, 1, [], EMPTY_ROOT, leaf)
    assert verify_consistency(1, 1, [], leaf, leaf)
    assert not verify_consistency(0, 0, [], leaf, leaf)
    assert not verify_consistency(0, 1, [], leaf, leaf)
    assert not verify_consistency(0, 1, [leaf], EMPTY_ROOT, leaf)
    assert not verify_consistency(1, 1, [leaf], leaf, leaf)
    assert not verify_consistency(1, 2, [], leaf, leaf)
    assert not verify_consistency(2, 1, [], leaf, leaf)
    assert not verify_consistency(0, 0, [], b"", b"")


def test_a_proof_reads_few_hashes_whatever_the_size(log: Store) -> None:
    lengths = [len(log.read(lambda c: inclusion_proof(c, random.randrange(SIZE), SIZE))) for _ in range(20)]
    assert max(lengths) <= 17
