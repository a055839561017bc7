"""YAML is read as plain values, or not at all."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from yett.policy import PolicyError
from yett.policy import plain_yaml as module
from yett.policy.plain_yaml import read_yaml


@pytest.fixture(params=["SafeLoader", "CSafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of the library: which one is there depends on how it was built."""
    monkeypatch.setattr(module, "_Loader", getattr(yaml, request.param))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("a: [true, false, null, ~]", {"a": [True, False, None, None]}),
        ("a: -5", {"a": -5}),
        # Words that YAML 1.1 turns into something else.
        ("a: [no, yes, on, off, NO, True, 0x1F, 0o17, 1_000, 12:30:45, 2026-12-01, 2026-12-01T00:00:00Z, 1.2.3]",
         {"a": ["no", "yes", "on", "off", "NO", "True", "0x1F", "0o17", "1_000", "12:30:45", "2026-12-01",
                "2026-12-01T00:00:00Z", "1.2.3"]}),
        ("a: '1'", {"a": "1"}),
        ('a: "true"', {"a": "true"}),
        ("a: |\n  x\n  y", {"a": "x\ny"}),
        ("<<: x", {"<<": "x"}),
        ("- 1\n- [2, {b: c}]", [1, [2, {"b": "c"}]]),
        ("10.0.0.0/8", "10.0.0.0/8"),
    ],
)  # fmt: skip
def test_plain_values(text: str, value: object) -> None:
    assert read_yaml(text) == value


BOMB = "a: &a [x, x]\n" + "\n".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]" for i in range(24)
)

REFUSED = {
    "an alias bomb": BOMB,
    "an anchor": "a: &x 1",
    "an alias": "a: *x",
    "a merge of an alias": "a: &x {b: 1}\nc: {<<: *x}",
    "a tag that makes an object": "a: !!python/object/apply:os.system [id]",
    "a standard tag": "a: !!str 1",
    "a tag on a map": "a: !!map {b: c}",
    "a tag on a list": "!!set [a]",
    "a number with a nought before it": "a: 012",
    "a fraction": "a: 1.5",
    "a fraction in disguise": "a: 1e3",
    "a fraction without a head": "a: .5",
    "not a number": "a: .nan",
    "endless": "a: -.inf",
    "a number without end": "a: " + "9" * 400,
    "a key twice": "a: 1\nb: 2\na: 3",
    "a key twice, quoted": "a: 1\n'a': 3",
    "a key that is a number": "1: a",
    "a key that is a list": "? [a]\n: b",
    "a key that is nothing": ": b",
    "two documents": "a: 1\n---\na: 2",
    "deep lists": "[" * 5_000 + "]" * 5_000,
    "deep maps": "{a: " * 5_000 + "}" * 5_000,
    "deep blocks": "".join("  " * i + "a:\n" for i in range(200)),
    "not YAML": "a: [1",
    "a tab for a blank": "a:\n\t- b",
    "a control character": "a: \x07",
    "a line break that only YAML sees": "a: 'x\x85y'",
    "another": "a: x\u2028y",
    "text that turns around": "a: \u202ex",
    "a blank that is not a space": "a: 'x\u00a0y'",
    "more than anybody reads": "a: " + "x" * 500_001,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_plain_is_refused(name: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_yaml(REFUSED[name])
    assert caught.value.remedy
    assert len(str(caught.value)) < 700


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(PolicyError):
        read_yaml(text)
