"""Templates: autoescaped, undefined names are errors, every value that may be an agent's goes through `vis`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from yett.approvals.hold import SECOND
from yett.approvals.hostile import Visible, visible, visible_lines
from yett.approvals.words import backups_sentence, key_words
from yett.model.canonical import Json


def templates() -> Environment:
    """The environment of all pages."""
    environment = Environment(
        loader=PackageLoader("yett.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        vis=vis,
        vis_lines=vis_lines,
        clock=clock,
        milliseconds=lambda at: at // 1_000_000,
        key_words=key_words,
        backups=backups_sentence,
    )
    return environment


def vis(text: object, limit: int = 240) -> Markup:
    """A value as HTML: isolated from the text around it, nothing invisible, nothing that could be markup."""
    return _bdi(visible(str(text), limit))


def vis_lines(text: str, limit: int = 2000) -> Markup:
    """A block of text as HTML, one element a line."""
    line = Markup('<span class="line">{}</span>')
    return Markup("").join(line.format(_bdi(shown)) for shown in visible_lines(text, limit))


def _bdi(shown: Visible) -> Markup:
    parts = [
        Markup('<span class="named">{}</span>').format(piece.text) if piece.named else escape(piece.text)
        for piece in shown.pieces
    ]
    if shown.cut:
        told = f"… {shown.cut:,} more characters, SHA-256 {shown.cut_sha256[:16]}"
        parts.append(Markup('<span class="cut">{}</span>').format(told))
    parts += [Markup('<span class="warn">{}</span>').format(warning) for warning in shown.warnings]
    return Markup('<bdi class="v">{}</bdi>').format(Markup("").join(parts))


def clock(at: int) -> str:
    """A time of the store in the words of this machine's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at / SECOND))


def fields(body: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A document as name and value, nested names joined by dots, in the order in which it is signed."""
    for name in sorted(body):
        value = body[name]
        if isinstance(value, Mapping):
            yield from fields(value, f"{prefix}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _items(value, f"{prefix}{name}")
        else:
            yield f"{prefix}{name}", _scalar(value)


def _items(values: Sequence[Json], name: str) -> Iterator[tuple[str, str]]:
    if not values:
        yield name, "none"
    for place, value in enumerate(values):
        if isinstance(value, Mapping):
            yield from fields(value, f"{name}[{place}].")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _items(value, f"{name}[{place}]")
        else:
            yield f"{name}[{place}]", _scalar(value)


def _scalar(value: Json) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
