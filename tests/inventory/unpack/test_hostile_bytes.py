"""Whatever is done to an archive: no exception, no more than the limits, and what is whole is still read."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import tarfile
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inventory.unpack.made import (
    database,
    debian_package,
    oci_image,
    saved_image,
    tarred,
    unpacked,
    value,
    zipped,
)

from yett.inventory.unpack import Limits, is_container

LIMITS = Limits(total=1 << 20, member=1 << 18, members=2000, ratio_from=1 << 20, steps=2_000_000)
FILES = {"conf/.env": b"A=" + value(1), "deep/" * 30 + "name": value(2, 3000), "n.zip": zipped({"x": value(3)})}
CONFIG: dict[str, object] = {"config": {"Env": ["A=B"]}, "rootfs": {}, "history": [{"created_by": "RUN x"}]}


@lru_cache(maxsize=1)
def wholes() -> list[tuple[str, bytes]]:
    tar = tarred(FILES)
    return [
        ("a.zip", zipped(FILES)),
        ("b.zip", zipped(FILES, zipfile.ZIP_BZIP2)),
        ("l.zip", zipped(FILES, zipfile.ZIP_LZMA)),
        ("a.tar", tar),
        ("g.tar", tarred(FILES, kind=tarfile.GNU_FORMAT)),
        ("a.tgz", gzip.compress(tar)),
        ("a.tbz", bz2.compress(tar)),
        ("a.txz", lzma.compress(tar)),
        ("a.tzst", zstandard.ZstdCompressor().compress(tar)),
        ("a.deb", debian_package({"control.tar.gz": gzip.compress(tar), "data.tar.xz": lzma.compress(tar)})),
        ("i.tar", saved_image([tar, gzip.compress(tar)], CONFIG)),
        ("o.tar", oci_image([gzip.compress(tar)], CONFIG)),
        ("s.db", _database()),
        ("n.ipynb", json.dumps({"cells": [{"source": ["a\n", "b"], "outputs": [{"text": "c"}]}]}).encode()),
    ]


def _database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        rows = [("INSERT INTO t VALUES (?, ?)", (str(number), value(number, 900).decode())) for number in range(40)]
        statements = ("CREATE TABLE t (key TEXT, v TEXT)", "CREATE INDEX i ON t (v)", *rows)
        return database(Path(folder) / "x", *statements).read_bytes()


CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), max_size=6)


def changed(whole: bytes, changes: list[tuple[float, bytes]], cut: float) -> bytes:
    raw = bytearray(whole)
    for where, new in changes:
        at = int(where * len(raw))
        raw[at : at + len(new)] = new
    return bytes(raw[: int(cut * len(raw))])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(which=st.integers(0, 13), changes=CHANGES, cut=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_changed_archives(which: int, changes: list[tuple[float, bytes]], cut: float) -> None:
    name, whole = wholes()[which]
    texts, unread = unpacked(changed(whole, changes, cut), name, LIMITS)
    assert sum(map(len, texts.values())) <= 2 * LIMITS.total
    assert len(unread) <= 21
    assert all(text_name.isprintable() for text_name in texts)


@settings(max_examples=150, deadline=None)
@given(which=st.integers(0, 13), content=st.binary(max_size=2000))
def test_the_first_bytes_of_an_archive_and_then_anything(which: int, content: bytes) -> None:
    name, whole = wholes()[which]
    unpacked(whole[:300] + content, name, LIMITS)
    unpacked(content, name, LIMITS)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=600), name=st.text(max_size=20))
def test_telling_containers_never_fails(content: bytes, name: str) -> None:
    is_container(name, content)


@settings(max_examples=150, deadline=None)
@given(pages=st.lists(st.tuples(st.integers(100, 40_000), st.binary(min_size=1, max_size=40)), max_size=20))
def test_changed_databases_on_disk(pages: list[tuple[int, bytes]]) -> None:
    raw = bytearray(wholes()[12][1])
    for at, new in pages:
        raw[at % len(raw) : at % len(raw) + len(new)] = new
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        path.write_bytes(raw)
        unpacked(path, "x.db", LIMITS)
        assert path.read_bytes() == bytes(raw)
        assert [entry.name for entry in Path(folder).iterdir()] == ["x.db"]


def test_a_whole_one_of_each_is_read_without_a_report() -> None:
    assert sqlite3.sqlite_version_info >= (3, 31)  # trusted_schema
    for name, whole in wholes():
        texts, unread = unpacked(whole, name)
        assert texts
        assert unread == []
