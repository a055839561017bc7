"""RFC 6962, section 2.1: the hashes, and the tree kept as tiles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from yett.ledger.tree import EMPTY_ROOT, Tree, leaf_hash, node_hash

# The eight leaves and their roots that Certificate Transparency implementations have in common.
LEAVES = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Tree().root() == EMPTY_ROOT


def test_leaves_and_nodes_are_told_apart() -> None:
    assert leaf_hash(b"L123456").hex() == hashlib.sha256(b"\x00L123456").hexdigest()
    assert node_hash(b"N123", b"N456").hex() == hashlib.sha256(b"\x01N123N456").hexdigest()
    assert leaf_hash(b"").hex() == ROOTS[0]


def test_the_known_roots() -> None:
    for size, root in enumerate(ROOTS, 1):
        tree, _ = Tree().grow([leaf_hash(data) for data in LEAVES[:size]])
        assert tree.root().hex() == root


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """MTH as the RFC writes it."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else EMPTY_ROOT
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(naive_root(hashes[:k]), naive_root(hashes[k:]))


@given(st.lists(st.integers(0, 600), max_size=6))
def test_however_it_grew_the_root_is_the_same(batches: list[int]) -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(sum(batches))]
    tree, tiles, done = Tree(), [], 0
    for count in batches:
        tree, filled = tree.grow(leaves[done : done + count])
        tiles += filled
        done += count
    assert tree.root() == naive_root(leaves)
    assert [tile.index for tile in tiles if tile.level == 0] == list(range(done // 256))
    for tile in tiles:
        part = leaves[tile.index * 256 : (tile.index + 1) * 256]
        assert tile.hashes == b"".join(part)
        assert tile.root == naive_root(part)


def test_tiles_are_256_wide_at_every_level() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(70_000)]
    tree, tiles = Tree().grow(leaves)
    assert len([t for t in tiles if t.level == 0]) == 273
    assert [(t.index, t.root) for t in tiles if t.level == 1] == [(0, naive_root(leaves[:65_536]))]
    assert [len(edge) for edge in tree.edges] == [112, 17, 1]
    assert tree.root() == naive_root(leaves)


def test_growing_leaves_the_old_tree_as_it_was() -> None:
    tree, _ = Tree().grow([leaf_hash(b"a")])
    before = tree.root()
    tree.grow([leaf_hash(b"b")])
    assert (tree.size, tree.root()) == (1, before)
