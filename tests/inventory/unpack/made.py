"""Archives, images and databases made at run time, of random values."""

from __future__ import annotations

import hashlib
import io
import json
import random
import sqlite3
import string
import tarfile
import zipfile
from pathlib import Path

from yett.inventory.outcome import Unread
from yett.inventory.unpack import Limits, texts_of


def value(seed: int = 0, length: int = 32) -> bytes:
    """Some random word."""
    rng = random.Random(seed)
    return "".join(rng.choices(string.ascii_letters + string.digits, k=length)).encode()


def unpacked(
    source: Path | bytes, name: str = "a", limits: Limits | None = None
) -> tuple[dict[str, bytes], list[Unread]]:
    """Content by name, and what was reported."""
    unread: list[Unread] = []
    texts = {text.name: text.content for text in texts_of(source, name, limits, unread.append)}
    return texts, unread


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w", kind: int = tarfile.PAX_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode, format=kind) as archive:  # type: ignore[call-overload]  # mode by argument
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def database(path: Path, *statements: str | tuple[str, tuple[object, ...]]) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(*((statement,) if isinstance(statement, str) else statement))
    connection.commit()
    connection.close()
    return path


def saved_image(layers: list[bytes], config: dict[str, object]) -> bytes:
    """As `docker save` wrote it before version 25."""
    told = json.dumps(config).encode()
    files = {f"{_digest(told)}.json": told}
    for layer in layers:
        files[f"{_digest(layer)}/layer.tar"] = layer
    named = [f"{_digest(layer)}/layer.tar" for layer in layers]
    files["manifest.json"] = json.dumps([{"Config": f"{_digest(told)}.json", "Layers": named}]).encode()
    return tarred(files)


def oci_image(layers: list[bytes], config: dict[str, object]) -> bytes:
    """An OCI image layout in a tar."""
    told = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{_digest(told)}"},
        "layers": [{"digest": f"sha256:{_digest(layer)}"} for layer in layers],
    }
    listed = json.dumps(manifest).encode()
    files = {f"blobs/sha256/{_digest(blob)}": blob for blob in (*layers, told, listed)}
    index = {"schemaVersion": 2, "manifests": [{"digest": f"sha256:{_digest(listed)}"}]}
    return tarred({**files, "index.json": json.dumps(index).encode(), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'})


def debian_package(members: dict[str, bytes]) -> bytes:
    made = b"!<arch>\n"
    for name, content in {"debian-binary": b"2.0\n", **members}.items():
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        made += b"\n" * (len(content) % 2)
    return made


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
