"""Passwords that everybody knows: what products ship with, what examples are written with."""

from __future__ import annotations

import re
from functools import lru_cache

_KNOWN = frozenset(
    word
    for line in """password passwd passw pass pwd secret key token admin administrator root user username
    guest test testing tester demo welcome letmein qwerty default change changeme monitor stats public private
    server client proxy vagrant ubuntu debian linux oracle postgres mysql maria redis mongo rabbit docker local
    localhost dev develop development prod production staging stage login auth super superuser strong very long pre
    shared sharedkey value sample example foo bar baz my your our the new old some any this that is not for and app
    application web site data database base service system master slave node cluster cloud lab net network company
    corp temp tmp hello world shadow dragon monkey sunshine iloveyou football baseball trustno abc xyz aaa pw db api
    ldap snmp ssh ftp vpn wifi mail email backup replication repl replica reader writer reading writing read write
    owner account solution solutions manager operator support privacy encryption enc aux first last hunter tiger
    scott sa a an i one two three""".splitlines()
    for word in line.split()
)
_LEET = str.maketrans("013457@$!", "oieastasi")
_SHAPE = re.compile(
    r"[^A-Za-z0-9]{0,2}(?P<word>[A-Za-z](?:[\x21-\x7e]*[A-Za-z@$])?)(?P<rest>[\x21-\x2f:-@\[-`{-~]{0,2}[0-9]{0,5}[\x21-\x7e]{0,2})"
)
_WORDS = re.compile(r"[a-z]{3,}")
_COUNTING = "12345678901234567890"
LONGEST = 40


def is_guessable(password: bytes, around: str) -> bool:
    """Whether it is made of such words, of those of its own place (`around`: a path, a user, a host) and a few digits.

    Cisco#123 in a file about Cisco's devices is what every such example has.
    """
    if len(password) > LONGEST or not password.isascii():
        return False
    text = password.decode("ascii")
    if text.isdigit():
        return text in _COUNTING or len(set(text)) <= 2
    found = _SHAPE.fullmatch(text)
    if found is None:
        return False
    words = _KNOWN | _of_place(around)
    return any(_is_made_of(re.sub("[^a-z]", "", letters), words) for letters in _readings(found["word"]))


def _readings(word: str) -> tuple[str, str]:
    lower = word.lower()
    return lower, lower.translate(_LEET)


@lru_cache(maxsize=256)
def _of_place(around: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(around.lower()))


def _is_made_of(letters: str, words: frozenset[str]) -> bool:
    """Whether words follow one another from its first letter to its last."""
    reached = {0}
    for end in range(1, len(letters) + 1):
        if any(start in reached and letters[start:end] in words for start in range(max(0, end - 14), end)):
            reached.add(end)
    return len(letters) in reached
