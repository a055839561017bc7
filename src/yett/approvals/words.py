"""The second renderer: a hold as text for a terminal, and its digest as words to compare with the page's.

The words are computed here from the canonical document, not taken from the page: a console that shows A and has B
signed shows other words than `yett holds show`.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator

from yett.approvals.acts import Act, ActState, challenge_of_act
from yett.approvals.answer import challenge_of
from yett.approvals.challenge import Answer, Site
from yett.approvals.document import fields
from yett.approvals.hold import SECOND, Hold
from yett.approvals.hostile import one_line, visible_lines
from yett.approvals.reading import SHOWN, Reading, Touched, read
from yett.approvals.wordlist import WORDS

WORDS_SHOWN = 8
"""64 bits: too many to find a second operation with the same words within a hold's life."""


def digest_words(digest: bytes) -> tuple[str, ...]:
    """The first bytes of a digest, a word each."""
    return tuple(WORDS[byte] for byte in digest[:WORDS_SHOWN])


def key_words(public_key: str) -> str:
    """A public key's fingerprint: what the screen that made it and the screen that vouches for it both show."""
    return " ".join(digest_words(hashlib.sha256(public_key.encode()).digest()))


def words_of(site: Site, hold: Hold) -> tuple[str, ...]:
    """The words of what a key would sign to approve this hold."""
    return digest_words(challenge_of(site, hold, Answer.APPROVE))


def describe(site: Site, hold: Hold, now: int) -> str:
    """The whole hold for a terminal: printable characters and line feeds, whatever the agent wrote."""
    reading = read(hold.document)
    lines = [
        f"{reading.headline.upper()}   hold {hold.id}   {hold.state.value}{_time_left(hold, now)}",
        "",
        *_facts(reading),
        "",
        f"Words: {' '.join(words_of(site, hold))}",
        f"Page:  {site.origin}/holds/{hold.id}",
    ]
    if hold.reason:
        lines += ["", "The agent says (not checked by anyone):"]
        lines += [f"  | {line.plain()}" for line in visible_lines(hold.reason, limit=1000, lines=12)]
    return "\n".join(lines)


def describe_act(site: Site, act: Act, now: int) -> str:
    """An act for a terminal, with the words of what a key would sign."""
    left = (act.expires - now) // SECOND
    time_left = f", {left // 60}:{left % 60:02d} left" if act.state is ActState.WAITING and left > 0 else ""
    lines = [f"{act.kind.value.upper()}   act {act.id}   {act.state.value}{time_left}", ""]
    lines += [_row(one_line(name, 40), one_line(value, 400)) for name, value in fields(act.body)]
    lines += [
        "",
        f"Words: {' '.join(digest_words(challenge_of_act(site, act)))}",
        f"Page:  {site.origin}/acts/{act.id}",
    ]
    return "\n".join(lines)


def _facts(reading: Reading) -> Iterator[str]:
    if reading.sentence:
        yield _row("does", one_line(reading.sentence, 400))
    yield _row("request", one_line(reading.summary))
    for touched in reading.touched[:5]:
        yield from _touched(touched)
    if len(reading.touched) > 5:
        yield _row("and", f"{len(reading.touched) - 5} more operations or resources: see the page")
    for statement in reading.statements[:5]:
        yield _row("sql", one_line(statement, SHOWN))
    for change in reading.changes[:8]:
        yield _row("effect", one_line(change))
    yield _row("impact", reading.impact)
    yield _row(
        "agent", f"{one_line(reading.agent, 60)} ({one_line(reading.client, 30)}) of {one_line(reading.owner, 60)}"
    )
    yield _row("task", f"{one_line(reading.purpose)} [{one_line(reading.environment, 60) or 'no environment'}]")
    for reason in reading.reasons[:4]:
        yield _row("held", one_line(reason))


def _touched(touched: Touched) -> Iterator[str]:
    effect = f"{touched.effect}{', irreversible' if touched.irreversible else ''}"
    yield _row("act", f"{one_line(touched.action, 80)}: {effect}")
    if touched.id or touched.name:
        size = f", {touched.size}" if touched.size else ""
        yield _row(
            "on", f"{one_line(touched.kind, 40)} {one_line(touched.name, 80)} ({one_line(touched.id, 80)}){size}"
        )
    environments = ", ".join(one_line(name, 40) for name in touched.environments[:4]) or "unknown environment"
    yield _row("where", f"{environments}: {touched.where}")
    if touched.backups or not touched.copies:
        yield _row("backups", backups_sentence(touched))
    for place, copy in enumerate(touched.copies[:4]):
        yield _row("" if place or touched.backups else "backups", one_line(copy, 300))
    undo = one_line(touched.undo_how) if touched.undo_possible else "NO UNDO"
    yield _row("undo", undo)
    for gap in touched.undo_gaps[:4]:
        yield _row("", f"not covered: {one_line(gap)}")


def backups_sentence(touched: Touched) -> str:
    """Which copies would be left, in one sentence."""
    if not touched.backups:
        return "no backup is known"
    left = [backup for backup in touched.backups if backup.left]
    total = len(touched.backups)
    if not left:
        return f"none would be left: {('it dies', 'both die')[total - 1] if total < 3 else f'all {total} die'} with it"
    newest = max(left, key=lambda backup: backup.made)
    tested = f"last restored {one_line(newest.restored, 40)}" if newest.restored else "never restored"
    return f"{len(left)} of {total} would be left, newest {one_line(newest.made, 40)} ({tested})"


def _row(label: str, value: str) -> str:
    return textwrap.fill(value, 100, initial_indent=f"{label:>9}  ", subsequent_indent=" " * 11)


def _time_left(hold: Hold, now: int) -> str:
    left = (hold.expires - now) // SECOND
    if not hold.is_live or left <= 0:
        return ""
    return f", {left // 60}:{left % 60:02d} left"
