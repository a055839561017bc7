"""A container image gives its layers' files, its variables and the commands that built it."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
import zstandard
from tests.inventory.unpack.made import oci_image, saved_image, tarred, unpacked, value

FIRST = tarred({"app/.env": b"TOKEN=" + value(1), "app/old.key": value(2)})
SECOND = tarred({"app/.wh.old.key": b"", "etc/app.conf": b"password: " + value(3)})
CONFIG: dict[str, object] = {
    "architecture": "amd64",
    "config": {
        "Env": ["PATH=/usr/bin", "API_KEY=" + value(4).decode()],
        "Labels": {"built": "by hand"},
        "Entrypoint": ["/app/run"],
        "Cmd": ["--secret", value(5).decode()],
    },
    "rootfs": {"type": "layers", "diff_ids": []},
    "history": [{"created_by": 'RUN curl -u "me:' + value(6).decode() + '" x'}, {"created_by": "COPY . /app"}, 7],
}


def short(layer: bytes) -> str:
    return f"layer sha256:{hashlib.sha256(layer).hexdigest()[:12]}"


def config_name(config: dict[str, object]) -> str:
    return f"config sha256:{hashlib.sha256(json.dumps(config).encode()).hexdigest()[:12]}"


@pytest.mark.parametrize("make", [saved_image, oci_image])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_layers_variables_and_history(make: object, pack: object) -> None:
    layers = [pack(FIRST), pack(SECOND)]  # type: ignore[operator]  # one of three functions
    texts, unread = unpacked(make(layers, CONFIG), "image.tar")  # type: ignore[operator]  # as above
    assert unread == []
    assert texts[f"image.tar!/{short(layers[0])}/app/.env"] == b"TOKEN=" + value(1)
    assert texts[f"image.tar!/{short(layers[1])}/etc/app.conf"] == b"password: " + value(3)
    config = f"image.tar!/{config_name(CONFIG)}"
    assert texts[f"{config}/Env"] == b"PATH=/usr/bin\nAPI_KEY=" + value(4)
    assert texts[f"{config}/Labels"] == b"built=by hand"
    assert texts[f"{config}/Cmd"] == b"/app/run --secret " + value(5)
    assert texts[f"{config}/history"].startswith(b'RUN curl -u "me:' + value(6) + b'" x\nCOPY . /app')


def test_a_file_that_a_later_layer_deletes_is_still_found() -> None:
    texts, _ = unpacked(saved_image([FIRST, SECOND], CONFIG), "i.tar")
    assert texts[f"i.tar!/{short(FIRST)}/app/old.key"] == value(2)
    assert not any(".wh." in name for name in texts)


def test_an_image_that_is_compressed_as_a_whole() -> None:
    texts, _ = unpacked(gzip.compress(oci_image([FIRST], CONFIG)), "i.tar.gz")
    assert f"i.tar.gz!/{short(FIRST)}/app/.env" in texts


def test_layers_are_one_level_with_the_image() -> None:
    layer = tarred({"backup.tgz": tarred({"in.env": value(7)}, "w:gz")})
    texts, unread = unpacked(oci_image([layer], CONFIG), "i.tar")
    assert texts[f"i.tar!/{short(layer)}/backup.tgz!/in.env"] == value(7)
    assert unread == []


@pytest.mark.parametrize(
    "config",
    [{}, {"config": 1}, {"config": {"Env": 1, "Labels": [1], "Cmd": "x"}, "rootfs": 0, "history": 3}, {"a": [1]}],
)
def test_configurations_that_are_none(config: dict[str, object]) -> None:
    texts, unread = unpacked(oci_image([FIRST], config), "i.tar")
    assert f"i.tar!/{short(FIRST)}/app/.env" in texts
    assert unread == []


def test_a_layer_that_is_broken_leaves_the_others() -> None:
    broken = gzip.compress(tarred({"a": value(8, 20_000)}))[:5000]
    texts, unread = unpacked(saved_image([broken, SECOND], CONFIG), "i.tar")
    assert f"i.tar!/{short(SECOND)}/etc/app.conf" in texts
    assert {one.what for one in unread} == {f"i.tar!/{short(broken)}", f"i.tar!/{short(broken)}/a"}
