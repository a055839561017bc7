"""YAML without its surprises: maps, lists, strings, whole numbers, true and false. Nothing else is read as anything.

Built from the parser's events, which neither recurse nor expand. No aliases (a few lines of them unfold to gigabytes),
no tags, no second key of the same name (the later would win unseen), no fractions, no `no` that means false.
"""

from __future__ import annotations

import re

import yaml

from yett.policy.errors import PolicyError
from yett.policy.text import hidden_character

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]

MAX_TEXT = 500_000
MAX_DEPTH = 8
MAX_DIGITS = 15

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_FRACTION = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?|[-+]?\.(inf|nan)", re.ASCII | re.IGNORECASE)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, twenty times faster


def read_yaml(text: str) -> Plain:
    """The one document of the text.

    Raises:
        PolicyError: what is not plain, with its line.
    """
    if len(text) > MAX_TEXT:
        raise PolicyError(f"the file has more than {MAX_TEXT:,} characters", "split it into several files")
    # Some are line breaks to YAML and to nobody else (U+0085): a name would not be the one that is seen.
    if hidden := hidden_character(text):
        raise PolicyError(f"the file holds the invisible character {hidden}", 'write it as "\\uXXXX", if it is meant')
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise PolicyError(f"this is not YAML: {' '.join(str(error).split())}", "mend the line it names") from None
    return builder.value()


class _Builder:
    """Puts events together. A map under way is a list of keys and values by turns, so that a repeated key is seen."""

    def __init__(self) -> None:
        self._open: list[tuple[type, list[Plain]]] = []
        self._documents: list[Plain] = []

    def value(self) -> Plain:
        if len(self._documents) > 1:
            raise PolicyError("the file holds several YAML documents", "write each into a file of its own")
        return self._documents[0] if self._documents else None

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise PolicyError(f"line {line}: anchors and aliases are not read", "write the value where it belongs")
        match event:
            case yaml.ScalarEvent():
                self._put(_scalar(event, line))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event, line)
            case yaml.SequenceEndEvent():
                self._put(self._open.pop()[1])
            case yaml.MappingEndEvent():
                self._put(_mapping(self._open.pop()[1], line))
            case _:
                pass

    def _begin(self, event: yaml.CollectionStartEvent, line: int) -> None:
        _refuse_tag(event.tag, line)
        if len(self._open) >= MAX_DEPTH:
            raise PolicyError(f"line {line}: nested deeper than {MAX_DEPTH} levels", "a rule needs no more than four")
        self._open.append((type(event), []))

    def _put(self, value: Plain) -> None:
        (self._open[-1][1] if self._open else self._documents).append(value)


def _mapping(parts: list[Plain], line: int) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        if not isinstance(key, str):
            raise PolicyError(f"before line {line}: a key is not a word", "quote it, if it is meant to be one")
        if key in found:
            raise PolicyError(f"before line {line}: the key {key[:40]!r} stands there twice", "remove one of them")
        found[key] = value
    return found


def _scalar(event: yaml.ScalarEvent, line: int) -> Plain:
    _refuse_tag(event.tag, line)
    text: str = event.value
    if not event.implicit[0]:  # quoted, or a block: always text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text) and len(text) <= MAX_DIGITS:
        return int(text)
    if _FRACTION.fullmatch(text):
        raise PolicyError(
            f"line {line}: {text[:40]} is not a whole number of ordinary size", "quote it to mean the text"
        )
    return text


def _refuse_tag(tag: str | None, line: int) -> None:
    if tag is not None:
        raise PolicyError(f"line {line}: the tag {tag[:60]} is not read", "leave it out")
