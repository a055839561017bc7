"""What looks like a credential and is none: placeholders, words, paths, references, patterns of a keyboard."""

from __future__ import annotations

import math
import re
from collections import Counter

LEAST_BITS = 2.5
"""Shannon bits a character of a value of 16 characters or more: nothing that a machine made lies below."""
LONGEST_WITHOUT_RUNS = 96
GENERIC_SHORTEST, GENERIC_LONGEST = 20, 500
GENERIC_BITS = 3.2
"""Words and paths lie below, random base62 of 20 characters above 3.5."""

EXAMPLE = re.compile(
    rb"(?i:example|changeme|change[_-]me|placeholder|\*\*\*|redacted|not[_-]?a?[_-]?real|insert[_-]"
    rb"|replace[_-]|<|\$\{|\$\(|%\(|\{\{|^\$|\.\.\.|foobar|sanitized|REMOVED|s[e3]cr[e3]t[_-]?(?:here|key$))"
    rb"|x{6}|X{6}|(?<![A-Za-z0-9])(?:(?i:your|dummy|lorem|yett_)|x{4}|X{4})"
)
_SHORT_WORD = re.compile(rb"x{4}|X{4}|[yY]our|YOUR|[dD]ummy|DUMMY|[lL]orem|LOREM")
"""One in ten thousand machine-made values of 86 signs holds such a word in some case: in a long one it says nothing."""
LONGEST_WITH_SHORT_WORDS = 40
_SEQUENCE = re.compile(
    rb"(?i)01234567|12345678|23456789|98765432|87654321|abcdefgh|hijklmno|qrstuvwx|qwertyui|asdfghjk|zyxwvuts"
    rb"|(?:asdf.?){2}|(.)\1{7}|(..)\2{5}|(...)\3{4}|deadbeefdeadbeef|cafebabecafebabe"
)
_ATTRIBUTE = re.compile(rb"[~:@&]?[A-Za-z_]\w*(?:\.[A-Za-z_$]\w*)+")
_IDENTIFIER = re.compile(rb"[A-Za-z_]+\d?[A-Za-z_]*")
_PARTS = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""The words of an identifier: myAPIKey has three."""
LETTERS_A_WORD = 2.8
"""Identifiers have more on average; random letters of both cases change it every second one."""
_TEXTUAL = re.compile(rb"[A-Za-z0-9+/_.~=@!#%^$&*|:-]+")
_WORDLIKE = re.compile(rb"[a-z]*(?:[._-]+[a-z]+)+|[A-Z]*(?:[._-]+[A-Z]+)+")
_JOINTS = re.compile(rb"[._-]+")
_OPERATOR = re.compile(rb"&&|\|\||==.")
_ESCAPED = re.compile(rb"\\[nrtbfv0]\Z|\\u[0-9a-fA-F]{4}\Z|\\x[0-9a-fA-F]{2}\Z|%[0-9A-Fa-f]{2}\Z|\x1b\[[0-9;]{0,9}m\Z")
_LONG_RUN = 64
_BASE64_BEFORE = re.compile(rb"[A-Za-z0-9+/]{64}")
TAUGHT = frozenset(
    {b"password", b"passwd", b"secret", b"pass", b"tiger", b"hunter2", b"postgres", b"mysecretpassword", b"changeit"}
)
"""Passwords of documentation, not of anyone."""


def stands_alone(text: bytes, start: int, end: int) -> bool:
    """Whether no letter, digit or _ touches the value: the middle of something longer is no token.

    What an escape ends with (\\n, %3D, a colour) is no letter. Within a long run of base64, + and / are.
    """
    if end < len(text) and _is_word(text[end]):
        return False
    if start == 0:
        return True
    if not _is_word(text[start - 1]):
        return text[start - 1] not in b"+/" or _BASE64_BEFORE.match(text, max(0, start - _LONG_RUN), start) is None
    return _ESCAPED.search(text, max(0, start - 12), start) is not None


def is_example(value: bytes) -> bool:
    """Whether it stands for a value: a documentation's placeholder, a reference, a run of neighbours.

    Runs say nothing in a long value: what encodes a structure (a macaroon, a session token) is full of zeros.
    """
    if EXAMPLE.search(value) is not None:
        return True
    if len(value) <= LONGEST_WITH_SHORT_WORDS and _SHORT_WORD.search(value) is not None:
        return True
    return len(value) <= LONGEST_WITHOUT_RUNS and _SEQUENCE.search(value) is not None


def is_made(value: bytes, bits_least: float = LEAST_BITS) -> bool:
    """Whether a value of a known form was made by a machine, and not written as an example of that form."""
    if is_example(value):
        return False
    if len(value) < 16:
        return True
    return bits(value) >= bits_least and not _is_of_words(value)


def _is_of_words(value: bytes) -> bool:
    """Whether words are joined. Four parts of one length or more are what programs make for people to type."""
    if not _WORDLIKE.fullmatch(value):
        return False
    lengths = [len(part) for part in _JOINTS.split(value)]
    return len(lengths) < 4 or len(set(lengths)) > 1


def looks_made(value: bytes, shortest: int = GENERIC_SHORTEST) -> bool:
    """Whether a machine made a value of no known form: long, mixed, no word, no path, no reference to something."""
    if not shortest <= len(value) <= GENERIC_LONGEST or is_example(value) or not _TEXTUAL.fullmatch(value):
        return False
    if not re.search(rb"\d", value) or not re.search(rb"[A-Za-z]", value) or _is_reference(value):
        return False
    if value.count(b"/") > 3 or value.startswith((b"/", b"./", b"http")) or _OPERATOR.search(value):
        return False
    return bits(value) >= GENERIC_BITS


def looks_typed(value: bytes) -> bool:
    """Whether a person or a password manager made it: shorter than what machines make, of signs of three sorts."""
    if not TYPED_SHORTEST <= len(value) < GENERIC_SHORTEST or is_example(value) or is_code(value) or is_taught(value):
        return False
    if _is_reference(value) or _JOINED.fullmatch(value) or not _TEXTUAL.fullmatch(value):
        return False
    return sum(sort.search(value) is not None for sort in _SORTS) >= 3 and bits(value) >= TYPED_BITS


TYPED_SHORTEST, TYPED_BITS = 12, 3.0
_SORTS = tuple(re.compile(sort) for sort in (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^A-Za-z0-9]"))
_JOINED = re.compile(rb"(?:[A-Za-z]{2,}[0-9]{0,2}|[0-9]{1,3})(?:[_./:-](?:[A-Za-z]{2,}[0-9]{0,2}|[0-9]{1,3}))+")
"""Names of things: server-password-2, Auth/Password1."""


def _is_reference(value: bytes) -> bool:
    """Whether it is an attribute or an identifier: words with at most one digit."""
    if _ATTRIBUTE.fullmatch(value):
        return True
    if not _IDENTIFIER.fullmatch(value):
        return False
    words = _PARTS.findall(value)
    return sum(map(len, words)) >= LETTERS_A_WORD * max(1, len(words))


def is_taught(password: bytes) -> bool:
    """Whether a password is one that documentation uses: oplog_reader_password, secret1."""
    return password.lower() in TAUGHT or _TAUGHT.fullmatch(password) is not None


_TAUGHT = re.compile(rb"(?i)[a-z_-]*(?:pass(?:word|wd|phrase)?|secret|pwd|key)[_-]?[a-z]{0,4}[0-9]{0,4}")


def is_code(value: bytes) -> bool:
    """Whether a program or a manual page stands where a password would: self.password, user_pw, getpass(, \\(aq."""
    return _CODE.fullmatch(value.rstrip(b",;)]'\"")) is not None


_CODE = re.compile(
    rb"[a-z_]+[0-9]?|[A-Z_]+[0-9]?|[a-z]{2,}(?:[A-Z][a-z]+)+|[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+|[^(]*[(\\].*|[{$%<&].*"
    rb"|\W*"
)


def is_weak(value: bytes) -> bool:
    """Whether what stands in a secret's place is rather an id, a hash of a secret or encoded JSON."""
    return _ID_OR_HASH.fullmatch(value) is not None


_ID_OR_HASH = re.compile(
    rb"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|md5[0-9a-f]{32}|\*[0-9a-f]{40}|0x[0-9a-f]{16,}|sha(?:1|256|512)[:-].*"
    rb"|\$(?:1|2[aby]|5|6|y|argon2id?)\$.*|eyJ[a-z0-9_-]+={0,2}"
)


def bits(value: bytes) -> float:
    """Shannon entropy, bits a byte."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values()) if total else 0.0


def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95
