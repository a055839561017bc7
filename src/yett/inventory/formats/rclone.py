"""rclone's configuration. Its passwords are obscured, not encrypted: AES-CTR with a key that is in rclone's source.

The form (rclone documentation, "rclone obscure"): base64 for URLs without padding of 16 bytes of counter and the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.basic import decoded_base64
from yett.inventory.formats.entry import Entry, account_at, by_parent, text_of
from yett.inventory.formats.format import Format, Unparsable
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.hit import Hit

TITLE = "password in rclone's configuration"

_OBSCURED = frozenset(
    {"pass", "password", "password2", "key_file_pass", "sftp_key_file_pass", "2fa_pass", "mailbox_password"}
)
_PLAIN = {
    "secret_access_key": "api-key",
    "client_secret": "oauth-client",
    "session_token": "session",
    "key": "api-key",
    "api_key": "api-key",
    "api_password": "password",
    "bearer_token": "oauth-token",
    "access_token": "oauth-token",
    "refresh_token": "oauth-token",
    "auth_token": "oauth-token",
    "sas_url": "api-key",
    "application_credential_secret": "api-key",
    "service_account_credentials": "service-account",
    "access_grant": "api-key",
    "cookies": "session",
    "user_password": "password",
}
_USERS = ("user", "username", "account", "access_key_id", "client_id", "email")
_COUNTER = 16
_KEY = (
    0x9C, 0x93, 0x5B, 0x48, 0x73, 0x0A, 0x55, 0x4D, 0x6B, 0xFD, 0x7C, 0x63, 0xC8, 0x86, 0xA9, 0x2B,
    0xD3, 0x90, 0x19, 0x8E, 0xB8, 0x12, 0x8A, 0xFB, 0xF4, 0xDE, 0x16, 0x2B, 0x8B, 0x95, 0xF6, 0x38,
)  # fmt: skip


def parse(content: bytes) -> Iterator[Hit]:
    """Each remote is a section; `token` is JSON as OAuth gave it."""
    for (remote, *_), settings in by_parent(e for e in ini_entries(content, separators="=") if len(e.path) > 1).items():
        account = account_at(text_of(settings, *_USERS), text_of(settings, "host", "url", "endpoint") or remote)
        for name, entry in settings.items():
            if name in _OBSCURED:
                yield from _password(entry, account)
            elif name == "token":
                yield from _tokens(content, entry, account)
            elif name in _PLAIN and entry.is_real:
                yield entry.hit("rclone", TITLE, identity=_PLAIN[name], account=account)


def _password(entry: Entry, account: str) -> Iterator[Hit]:
    clear = revealed(entry.value)
    if entry.value and not is_placeholder(clear or entry.value):
        yield entry.hit("rclone", TITLE, account=account, decoded=clear)


def _tokens(content: bytes, entry: Entry, account: str) -> Iterator[Hit]:
    try:
        members = list(json_entries(content[entry.start : entry.end]))
    except Unparsable:
        members = []
    for member in members:
        if member.key in ("access_token", "refresh_token") and member.is_real:
            span = Entry(
                member.path, member.value, entry.start + member.start, entry.start + member.end, member.decoded
            )
            yield span.hit("rclone", TITLE, identity="oauth-token", account=account)


def revealed(obscured: str) -> bytes:
    """The password, b"" if it was not obscured."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # rare, and slow to load

    raw = decoded_base64(obscured) if len(obscured) < 4096 else b""
    if len(raw) <= _COUNTER:
        return b""
    opened = Cipher(algorithms.AES(bytes(_KEY)), modes.CTR(raw[:_COUNTER])).decryptor()
    clear = opened.update(raw[_COUNTER:]) + opened.finalize()
    try:
        return clear if clear.decode().isprintable() else b""
    except UnicodeDecodeError:
        return b""


FORMATS = (
    Format(
        "rclone",
        TITLE,
        "password",
        parse,
        names=("rclone.conf", ".rclone.conf"),
        homes=("~/.config/rclone/rclone.conf", "~/.rclone.conf", "~/Library/Application Support/rclone/rclone.conf"),
    ),
)
