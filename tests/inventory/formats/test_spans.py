"""The readers of structured text: every value with its path and its exact bytes, and nothing hostile stops them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest

from yett.inventory.formats import Unparsable
from yett.inventory.formats.entry import Entry
from yett.inventory.formats.env_spans import env_entries
from yett.inventory.formats.hcl_spans import hcl_entries
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.toml_spans import toml_entries
from yett.inventory.formats.xml_spans import xml_entries
from yett.inventory.formats.yaml_spans import yaml_documents, yaml_entries

Reader = Callable[[bytes], Iterable[Entry]]
READERS: list[Reader] = [
    json_entries,
    yaml_entries,
    ini_entries,
    env_entries,
    xml_entries,
    toml_entries,
    hcl_entries,
]


def read(reader: Reader, text: str) -> dict[str, str]:
    """path -> value, after checking that the bytes say the same."""
    content = text.encode()
    made = {}
    for entry in reader(content):
        raw = content[entry.start : entry.end]
        assert entry.decoded or raw == entry.value.encode(), entry
        assert entry.decoded in (b"", entry.value.encode())
        made[".".join(entry.path)] = raw.decode()
    return made


def test_json_with_comments_trailing_commas_bare_keys_and_escapes() -> None:
    text = '\ufeff// c\n{"a": "b\\u00e9", k: \'x\', /* "no": 1 */ "l": [1, {"q": "z"},], "n": null,}\n{"second": "v"}'
    assert read(json_entries, text) == {
        "a": "b\\u00e9",
        "k": "x",
        "l.0": "1",
        "l.1.q": "z",
        "n": "null",
        "second": "v",
    }
    (first, *_) = json_entries(text.encode())
    assert first.value == "bé"
    assert first.decoded == "bé".encode()


def test_json_of_a_duplicate_key_gives_both() -> None:
    assert [entry.value for entry in json_entries(b'{"a": "1", "a": "2"}')] == ["1", "2"]


@pytest.mark.parametrize("text", ["{", '{"a"}', "[}", "{]", '{"a": }', '{"a": "b', "words of prose", "{/* open"])
def test_what_is_no_json_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        list(json_entries(text.encode()))


def test_yaml_styles_anchors_and_documents() -> None:
    text = 'é: ö\nq: "a\\n"\nb: |\n  one\n  two\n\n'
    text += "t: &x !!str hello # no\ns: *x\nv: !vault no\nl: [a, {h: i}]\n---\nk: w\n"
    assert read(yaml_entries, text) == {
        "é": "ö",
        "q": "a\\n",
        "b": "one\n  two",
        "t": "hello",
        "l.0": "a",
        "l.1.h": "i",
        "k": "w",
    }
    assert [number for number, _ in yaml_documents(b"a: b\n---\nc: d\n")] == [0, 1]


def test_yaml_aliases_are_not_followed() -> None:
    lines = ["l0: &l0 [x, x]"] + [f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 60)]
    assert len(list(yaml_entries("\n".join(lines).encode()))) == 2


def test_ini_sections_quotes_continuations_and_git_sections() -> None:
    text = 'top=1\r\n[a]\r\nk = "v x" ; c\r\nu: v\r\n; no=1\r\nlist =\r\n  one\r\n[url "h\\"i"]\r\n\tpw = z\r\n'
    assert read(ini_entries, text) == {"top": "1", "a.k": "v x", "a.u": "v", "a.list": "one", 'url.h"i.pw': "z"}


def test_env_export_quotes_and_lines() -> None:
    text = 'export A=b; c\nB = "x\ny" # c\nC=\'q\'\nD=a b # c\nset -gx E foo\nnot this one\nF="open\nG=1\n'
    assert read(env_entries, text) == {"A": "b", "B": "x\ny", "C": "q", "D": "a b", "E": "foo", "G": "1"}


def test_toml_tables_strings_and_inline_tables() -> None:
    text = 'a = 1\n[b."c d"]\nk = "v\\n" # c\nz = """\nfoo"bar"""\ny=\'lit\'\n'
    text += 'l=["a",{x="y", q.r="s"}]\n[[t]]\nn=1\n[[t]]\nn=2'
    assert read(toml_entries, text) == {
        "a": "1",
        "b.c d.k": "v\\n",
        "b.c d.z": 'foo"bar',
        "b.c d.y": "lit",
        "b.c d.l.0": "a",
        "b.c d.l.1.x": "y",
        "b.c d.l.1.q.r": "s",
        "t.0.n": "1",
        "t.1.n": "2",
    }


def test_hcl_blocks_maps_lists_and_here_documents() -> None:
    text = 'b "l" {\n  k = "v" # c\n}\nx = { a = "b", "c" : "d" }\nl = ["1", {q="z"}]\nh = <<EOT\nhello\nEOT\n'
    assert read(hcl_entries, text) == {
        "b.l.k": "v",
        "x.a": "b",
        "x.c": "d",
        "l.0": "1",
        "l.1.q": "z",
        "h": "hello\n",
    }


def test_xml_attributes_texts_and_cdata() -> None:
    text = "<a x=\"1\" n:y='é&amp;'><b> text </b><c><![CDATA[a<b]]></c><d>a&lt;b</d><!-- <e>no</e> --></a>"
    assert read(xml_entries, text) == {
        "a.@x": "1",
        "a.@y": "é&amp;",
        "a.b": "text",
        "a.c": "a<b",
        "a.d": "a&lt;b",
    }


def test_xml_that_declares_entities_is_refused() -> None:
    with pytest.raises(Unparsable):
        list(xml_entries(b'<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]><a>&y;</a>'))


HOSTILE = {
    "brackets": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "elements": b"<a>" * 100_000,
    "dashes": b"- " * 100_000,
    "one line": b"a" * 5_000_000,
    "quotes": b'"' * 100_000,
    "open quotes": b"A='\n" * 100_000,
    "open strings": b'a = """\n' * 50_000,
    "open comments": b"/* " * 100_000,
    "blanks": b" " * 1_000_000,
    "keys": b"a=" * 200_000,
    "nul": b"\0" * 100_000,
    "not utf-8": b"\xff\xfe" * 100_000,
    "here documents": b"a = <<E\n" * 50_000,
}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read_or_refused_quickly(reader: Reader, content: bytes) -> None:
    began = time.monotonic()
    with suppress(Unparsable):
        for entry in reader(content):
            assert 0 <= entry.start <= entry.end <= len(content)
    assert time.monotonic() - began < 10  # quadratic time would take minutes
