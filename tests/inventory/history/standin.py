"""A small engine for tests of the history: hyperscan as the screen, `re` as the detector, forty kinds."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from functools import cache

import hyperscan

from yett.inventory.hit import Hit

_PREFIXES = (
    "ghp_", "gho_", "ghs_", "ghu_", "glpat-", "sk_live_", "rk_live_", "sk-ant-", "xoxb-", "xoxp-", "npm_", "pypi-",
    "dop_v1_", "doo_v1_", "SG.", "hf_", "AIza", "ya29.", "sq0atp-", "shpat_", "shpss_", "dckr_pat_", "tfe.", "hvs.",
    "nvapi-", "lin_api_", "PMAK-", "figd_", "ntn_", "EAAC", "r8_", "sbp_", "pat-", "tok-", "ak_", "rd_",
)  # fmt: skip
_TAIL = rb"[A-Za-z0-9]{24,60}"
_PEM = (
    rb"-----BEGIN (?:[A-Z]{1,8} )?PRIVATE KEY-----[A-Za-z0-9+/=\s]{60,8000}?-----END (?:[A-Z]{1,8} )?PRIVATE KEY-----"
)
_JWT = rb"eyJ[A-Za-z0-9_-]{15,4000}\.eyJ[A-Za-z0-9_-]{15,4000}\.[A-Za-z0-9_-]{15,1000}"
_ASSIGNED = rb"(?i:token|secret|api_key|password)[\"']?[ ]{0,2}[=:][ ]{0,2}[\"']([A-Za-z0-9+/_.-]{16,100})[\"']"
_NEAR = rb"[0-9a-f]{32}"
_RULES: list[tuple[str, bytes, bytes]] = [
    ("private-key", rb"PRIVATE KEY", _PEM),
    ("jwt", rb"eyJ", _JWT),
    ("assigned", rb"(?i)(?:token|secret|api_key|password)[\"']?[ ]{0,2}[=:]", _ASSIGNED),
    ("near", rb"[0-9a-f]{32}", _NEAR),
    *((prefix, re.escape(prefix.encode()) + rb"[A-Za-z0-9]{24}", re.escape(prefix.encode()) + _TAIL)
      for prefix in _PREFIXES),
]  # fmt: skip


class StandIn:
    """`near` counts only with a word within 200 bytes before it, others only where no word character touches them."""

    reach = 512
    long = frozenset({0, 1})
    version = "stand-in 1"

    def __init__(self) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[expression for _, expression, _ in _RULES],
            ids=list(range(len(_RULES))),
            flags=[hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL] * len(_RULES),
        )
        self._scratch = hyperscan.Scratch(self._database)
        self._confirm = [re.compile(pattern) for _, _, pattern in _RULES]
        self.screened = 0

    def touches(self, buffer: bytes) -> set[int]:
        ids: set[int] = set()
        self.screened += len(buffer)
        self._database.scan(buffer, match_event_handler=lambda i, *_: ids.add(i), scratch=self._scratch)
        return ids

    def hits(self, text: bytes) -> Iterator[Hit]:
        for rule in sorted(self.touches(text)):
            for found in self._confirm[rule].finditer(text):
                start, end = found.span(1) if found.re.groups else found.span()
                if rule == 3 and b"provider" not in text[max(0, start - 200) : start]:
                    continue
                if not _is_word(text[start - 1 : start]) and not _is_word(text[end : end + 1]):
                    yield Hit("", _RULES[rule][0], _RULES[rule][0], False, start, end)


@cache
def stand_in() -> StandIn:
    """Compiling takes a moment, so once is enough."""
    return StandIn()


def _is_word(byte: bytes) -> bool:
    return byte.isalnum() or byte == b"_"


def letters(dice: random.Random, count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(dice.choices(alphabet, k=count))


def token(dice: random.Random) -> str:
    return dice.choice(_PREFIXES) + letters(dice, dice.randrange(24, 50))


def assignment(dice: random.Random) -> str:
    name = dice.choice(("token", "SECRET", "api_key", "Password"))
    return f'{name}{dice.choice((" = ", ": ", "="))}"{letters(dice, dice.randrange(16, 60))}"'


def private_key(dice: random.Random) -> str:
    kind = dice.choice(("RSA ", "EC ", ""))
    rows = "\n".join(letters(dice, 64) for _ in range(dice.randrange(4, 60)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{rows}\n-----END {kind}PRIVATE KEY-----"


def web_token(dice: random.Random) -> str:
    return (
        f"eyJ{letters(dice, dice.randrange(20, 1500))}.eyJ{letters(dice, dice.randrange(20, 3000))}.{letters(dice, 43)}"
    )


def of_provider(dice: random.Random) -> str:
    """A value that only counts because of a word before it."""
    filler = " ".join(letters(dice, 7) for _ in range(dice.randrange(0, 20)))
    return f"provider {filler}: {letters(dice, 32, '0123456789abcdef')}"


SHORT = (token, assignment, of_provider)
SECRETS = (token, assignment, private_key, web_token, of_provider)
