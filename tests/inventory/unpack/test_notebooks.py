"""A notebook gives its cells as their author saw them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.inventory.unpack.made import unpacked, value, zipped

from yett.inventory.unpack import is_container

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": "# Title"},
        {
            "cell_type": "code",
            "source": ['key = "' + value(1).decode() + '"\n', "print(key)"],
            "outputs": [
                {"output_type": "stream", "text": [value(2).decode() + "\n"]},
                {"output_type": "display_data", "data": {"text/html": "<b>x</b>", "image/png": "iVBORw0KGgo="}},
                {"output_type": "error", "ename": "E", "evalue": "bad key", "traceback": ["line 1", "line 2"]},
            ],
        },
    ]
}
CELLS = {
    "cell 1": b"# Title",
    "cell 2": b'key = "' + value(1) + b'"\nprint(key)',
    "cell 2 output 1": value(2) + b"\n",
    "cell 2 output 2": b"<b>x</b>",
    "cell 2 output 3": b"bad key\nline 1\nline 2",
}


def test_cells_and_outputs(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(NOTEBOOK))
    assert is_container("a.ipynb", path.read_bytes()[:512])
    assert unpacked(path, "a.ipynb") == ({f"a.ipynb!/{name}": text for name, text in CELLS.items()}, [])


def test_one_in_an_archive_is_given_raw_as_well() -> None:
    raw = json.dumps(NOTEBOOK).encode()
    texts, _ = unpacked(zipped({"a.ipynb": raw}), "x.zip")
    assert texts == {"x.zip!/a.ipynb": raw, **{f"x.zip!/a.ipynb!/{name}": text for name, text in CELLS.items()}}


@pytest.mark.parametrize(
    "content", ["{", '{"cells": 1}', '{"cells": [1, {"source": 2, "outputs": [3, {"data": 4}]}]}', "{" * 9]
)
def test_what_is_no_notebook_gives_nothing(content: str) -> None:
    assert unpacked(content.encode(), "a.ipynb") == ({}, [])


def test_nesting_without_end() -> None:
    assert unpacked(b'{"cells":' + b"[" * 200_000, "a.ipynb") == ({}, [])
