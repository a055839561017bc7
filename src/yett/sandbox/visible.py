"""Agent-written text for a person's terminal: no control character or bidirectional override passes (law 13)."""

from __future__ import annotations

_BIDIRECTIONAL = frozenset(range(0x202A, 0x202F)) | frozenset(range(0x2066, 0x206A)) | {0x200E, 0x200F, 0x061C}


def visible(text: str) -> str:
    """Replace what a terminal would act on, or not show, by its code."""
    return "".join(letter if _shows(letter) else f"\\u{ord(letter):04x}" for letter in text)


def _shows(letter: str) -> bool:
    code = ord(letter)
    return 0x20 <= code < 0x7F or (code >= 0xA0 and code not in _BIDIRECTIONAL and not 0xD800 <= code < 0xE000)
