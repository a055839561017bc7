"""Templates: autoescaped, undefined names are errors, every value that may be an agent's goes through `vis`."""

from __future__ import annotations

import time

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from yett.approvals.hold import SECOND
from yett.approvals.hostile import Visible, visible, visible_lines
from yett.approvals.words import backups_sentence, key_words


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
