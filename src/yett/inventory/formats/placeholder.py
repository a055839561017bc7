"""Values that stand where a credential will stand: references, examples, masks, words of documentation."""

from __future__ import annotations

import re

SHORTEST = 4
"""Shorter values are no findings even in a credential's place: masked, they would take every second line with them."""

_WORDS = frozenset(
    word
    for line in """null none nil true false undefined unset empty default todo tbd fixme n/a na void yes no on off
    password passwd passphrase passwort secret pass passw0rd pwd token apikey api_key api-key accesstoken access_token
    auth_token authtoken secret_key secretkey private_key my_password mypassword mysecret mysecretpassword
    my-secret-password my-secret-pw my_secret_key supersecret topsecret top-secret super-secret keyboardcat
    tiger hunter2 postgres foobar foo bar baz qux fake dummy sample string value secretvalue key
    username user email prompt ask keyring keychain vault inherit optional required ignored disabled enabled
    credential credentials""".splitlines()
    for word in line.split()
)
"""Passwords of documentation, names of types and switches: nobody's credential."""

_NO_SIGN = re.compile("[^a-z0-9]")
_IN_ORDER = "abcdefghijklmnopqrstuvwxyz 01234567890"
"""abcd-efgh-ijkl-mnop, 12345678."""
_REFERENCE = re.compile(
    r"""
      \$\{.* | \$\(.* | \$\$?[A-Za-z_]\w* | \$\d | \$\[.* | `.*             # shell, make, docker compose
    | %[A-Za-z_]\w*% | %\(\w+\)s | %[sdv] | %\{.*                          # Windows, Python, printf
    | .*\{\{.* | \{%.* | <%.* | \{[A-Za-z_][\w.]*\} | \#\{.* | @\{?[A-Za-z_][\w.]*\}?@ | __[A-Za-z_]+__ | ~\{.*
    | <[^<>]*> | \[[A-Za-z _-]+\] | \([A-Za-z _-]+\)                       # <your token>
    | (?:process\.env|os\.environ|os\.getenv|import\.meta\.env|env|secrets|vars?|local|data|module|inputs|params)
      (?:\.|\[|\()[\w.\[\]"'()-]*
    | !(?:env|secret|ref|sub|var|vault|file|getatt)\b.*                    # YAML tags read as text
    | (?:env|file|op|vault|secret|secrets|keyring|keychain|awssm|gcpsm|akv|ssm|arn|ref\+\w+|aws-sm|doppler|bws|pass)
      (?:env)?:[/\w{].*
    | ENC(?:\[|\().* | \{cipher\}.* | \$ANSIBLE_VAULT;.* | vault:v\d+:.* | sops:.*  # encrypted where it stands
    | \.[*+].* | \[\^[^\]]+\][*+].*                                       # what sed and grep look for
    | yett_\w+                                                            # Yett's own placeholder
    """,
    re.VERBOSE | re.DOTALL,
)

_EXAMPLE = re.compile(
    r"""(?i)
      .*(?:change[\W_]?(?:me|this|it)|place[\W_]?holder|redacted|replace[\W_]?(?:me|this|with)|not[\W_]?a[\W_]?real
        |insert[\W_]?(?:your|here)|put[\W_]?your|enter[\W_]?your|goes[\W_]here|fill[\W_]?(?:me|in)|to[\W_]be[\W_]).*
    | (?:.*[\W_])?your[\W_].* | your[a-z]+
    | my[\W_]?(?:super[\W_]?)?(?:(?:secret|access|api|private|auth)[\W_]?)?(?:secret|password|token|key)
    | (?:enter|insert)[\W_].*
    | (?:.*[\W_])?(?:example|dummy|sample)(?:[\W_].*)? | (?:example|dummy)\w* | .*EXAMPLE(?:KEY)?
    | .*(?-i:x{6}|X{6}).* | (?:.*[\W_])?x{4,}(?:[\W_].*)? | [^\W_]{0,36}(?-i:x{4}|X{4})[^\W_]{0,36}
    | .*(?:\*{3,}|\.{4,}|\u2022{2,}|\u2026|_{5,}).* | \.\.\.
    | some[\W_]?(?:secret|password|token|key|value)\w* | (?:fake|dummy|mock|stub)[\W_].*
    """,
    re.VERBOSE | re.DOTALL,
)

LONGEST = 300
"""Longer ones (keys, certificates) are no placeholders; nor are the patterns above run over them."""


def is_placeholder(value: str | bytes) -> bool:
    """Whether the value in a credential's place is none."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    text = text.strip().strip("\"'")
    if len(text) > LONGEST:
        return len(set(text)) <= 2
    if len(text) < SHORTEST or len(set(text)) <= 2 or text.lower() in _WORDS:
        return True
    if (signs := _NO_SIGN.sub("", text.lower())) and signs in _IN_ORDER:
        return True
    return _REFERENCE.fullmatch(text) is not None or _EXAMPLE.fullmatch(text) is not None
