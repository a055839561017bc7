"""Names under which something secret is kept (DB_PASSWORD, apiKey, x-auth-token), and whether the value fits."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from yett.inventory.formats.placeholder import is_placeholder

LONGEST_NAME = 120
LONGEST_VALUE = 16_384
MADE_SHORTEST = 16
MADE_BITS = 3.0
"""Shannon bits a character: words and paths lie below, 16 random hexadecimal digits mostly above."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BEHIND = (
    r"(?:_?\d+|_(?:VALUE|TEXT|PLAIN|DEV|DEVELOPMENT|PROD|PRODUCTION|STAGING|STAGE|TEST|LIVE|OLD|NEW|PRIMARY"
    r"|SECONDARY|BASE64|B64|ADMIN|HEX|CURRENT|PREVIOUS|DEFAULT))?"
)
_STRONG = re.compile(
    r"(?:.*_)?(?:PASS|PWD|PSWD|PW|PSK|PAT|JWT|CREDENTIALS?|AUTHORIZATION|PASSCODE|BEARER|PASSKEY|REQUIREPASS|MASTERAUTH|AUTHPASS|BINDPW|ROOTPW|STOREPASS|KEYPASS"
    r"|\w*PASSWORD|\w*PASSWD|\w*PASSPHRASE|\w*PASSWORT|\w*SECRET|\w*TOKEN|\w*API_?KEY|\w*ACCESS_?KEY|\w*SECRET_?KEY"
    r"|\w*PRIVATE_?KEY|\w*AUTH_?KEY|\w*ENCRYPTION_?KEY|\w*SIGNING_?KEY|\w*ACCOUNT_?KEY|\w*MASTER_?KEY|\w*SERVICE_KEY"
    r"|\w*DBPASS|\w*USERPASS|\w*DBPWD|\w*USERPWD|\w*SHARED_KEY|\w*SESSION_KEY|\w*LICENSE_KEY|SECRET_ACCESS_KEY\w*)"
    + _BEHIND
)
_WEAK = re.compile(
    r"(?:.*_)?(?:\w*KEY|AUTH|CREDS|COOKIES?|SALT|SEED|SIGNATURE|WEBHOOK(?:_URL)?|SECRETS|SECRET_\w+)" + _BEHIND
)
_NEVER = re.compile(
    r"(?:.*_)?(?:PUBLIC_?KEY|PUBLISHABLE_KEY|(?:PRIMARY|FOREIGN|SORT|PARTITION|CACHE|HOST|ROW|HASH|OBJECT|GROUP|DICT|SSH_PUB"
    r"|TRANSLATION|SHORTCUT|HOT|ANSWER|LOOKUP|INDEX|BUCKET|UNIQUE|COMPOSITE|SIDE|MERGE|DEDUP\w*|RECAPTCHA_SITE|SITE|CLIENT_ID)"
    r"_?KEY|(?:NEXT|PAGE|CONTINUATION|EOS|BOS|PAD|UNK|MAX|STOP|SEP|CLS|MASK|CANCELLATION|SYNC|NUM|TOTAL|START|END|SPECIAL)"
    r"_TOKEN|PROMPT_PASSWORD|(?:SHOW|HIDE|NO|FORGOT|RESET|CHANGE|ALLOW|REQUIRE|SAVE|ASK|USE|REMEMBER|DISABLE|ENABLE)"
    r"_(?:[A-Z]+_)?(?:PASSWORD|PASS|TOKEN|SECRET|API_KEY|AUTH)|OLDPWD|SECRET_(?:NAME|ID|ARN|REF|PATH|FILE|KEY_REF|TYPE)"
    r"|(?:LOAD|IMPORT|SET)_CREDENTIAL(?:_ENCRYPTED)?|USER_SIGNING_?KEY|BYPASS|FROM_SECRET|COMPASS|PASS_?THROUGH)"
)
_TELLING = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|PAT|JWT|CRED|AUTH|BEARER|COOKIE|SALT|SEED|SIGNATURE|WEBHOOK|PSK|PW")
_PATHLIKE = re.compile(
    r"(?:~|\.{1,2}|/(?:run|etc|home|var|usr|opt|tmp|app|secrets?|root|mnt|srv|data|Users|vault|config|keys|certs?|dev|proc))/.*",
    re.DOTALL,
)
_FOLDERS = re.compile(r"[/.]*(?:[a-z0-9_.-]+/){2}|.*\.(?:json|ya?ml|txt|pem|key|py|js|sh|php|html?|md|com|org|net|io)$")
_REFERENCE = re.compile(r"\{(?:env|file|cmd|cred|vault):[^{}]*\}|os\.environ/.*")
_WORD = r"(?:[A-Za-z]{2,}[0-9]{0,2}|[A-Za-z]|[0-9]{1,4})"
_WORDS_JOINED = re.compile(rf"{_WORD}(?:[_.-]{_WORD})+")
"""ui_login_content_2, SERVICE-KEY-2023.pub: the name of something."""
_SHORT_WORD = re.compile(r"[a-z]{1,11}|[A-Za-z]{1,7}|[a-z]+(?:_[a-z]+)+")
"""A machine makes keys and tokens; this is somebody's name for one."""
_TEXTUAL = re.compile(r"[A-Za-z0-9+/_.~=@!#%^:-]+")


@lru_cache(maxsize=8192)
def normal_name(name: str) -> str:
    """In capitals with _ between the words: apiKey, api-key and spring.api.key all become ..._API_KEY."""
    return re.sub(r"[^A-Za-z0-9]+", "_", _CAMEL.sub("_", name[-LONGEST_NAME:])).strip("_").upper()


@lru_cache(maxsize=8192)
def names_a_secret(name: str) -> bool:
    """Whether what is kept under that name is a credential whatever it looks like (a password, a token)."""
    normal = normal_name(name)
    return bool(_TELLING.search(normal) and _STRONG.fullmatch(normal)) and not _NEVER.fullmatch(normal)


@lru_cache(maxsize=8192)
def may_name_a_secret(name: str) -> bool:
    """Whether it is one if it also looks like one (MAPS_KEY, AUTH)."""
    normal = normal_name(name)
    return bool(_TELLING.search(normal) and _WEAK.fullmatch(normal)) and not _NEVER.fullmatch(normal)


def is_no_value(value: str | bytes) -> bool:
    """As `is_placeholder`, with the references of agents' own settings: {env:NAME}, {file:path}, os.environ/NAME."""
    return is_placeholder(value) or (isinstance(value, str) and _REFERENCE.fullmatch(value) is not None)


def is_secret(name: str, value: str) -> bool:
    """Whether this value under this name is a credential."""
    sure = names_a_secret(name)
    if not sure and not may_name_a_secret(name):
        return False  # nearly every name: before its value is looked at
    if len(value) > LONGEST_VALUE or is_no_value(value) or _PATHLIKE.fullmatch(value):
        return False
    return not _is_no_credential(normal_name(name), value) if sure else looks_made(value)


def looks_made(value: str, shortest: int = MADE_SHORTEST) -> bool:
    """Whether a machine made it: long, mixed, no word, no path, no address."""
    if not shortest <= len(value) <= LONGEST_VALUE or not _TEXTUAL.fullmatch(value) or "://" in value:
        return False
    if not any(sign.isdigit() for sign in value) or not any(sign.isalpha() for sign in value):
        return False
    if _FOLDERS.match(value) or _WORDS_JOINED.fullmatch(value):
        return False
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values()) >= MADE_BITS


def _is_no_credential(normal: str, value: str) -> bool:
    """Counts (MAX_TOKEN=300), directories ($PWD), permissions (id-token: write), sentences."""
    if value.lower() in ("write", "read", "none", "string", "text", "hidden", "test", "testing"):
        return True
    if normal == "PWD" and "/" in value:
        return True
    if value.isdigit() and len(value) < 10 and "TOKEN" in normal:
        return True
    if normal.endswith(("KEY", "TOKEN")) and _SHORT_WORD.fullmatch(value):
        return True
    return value.count(" ") > 2 and "PASSPHRASE" not in normal and "KEY" not in normal
