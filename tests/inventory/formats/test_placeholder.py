"""What stands in a credential's place and is none."""

from __future__ import annotations

import random
import string

import pytest

from yett.inventory.engine.filters import is_example
from yett.inventory.formats.placeholder import is_placeholder


@pytest.mark.parametrize(
    "value",
    [
        "", "  ", "....", "abc", "null", "None", "changeme", "CHANGE_ME", "password", "Password", "xxxxxxxx",
        "********", "${DB_PASSWORD}", "$DB_PASSWORD", "$(pass show db)", "%DB_PASSWORD%", "%(password)s",
        "{{ db_password }}", "<your token>", "<%= ENV['X'] %>", "#{token}#", "@password@", "__TOKEN__",
        "[your password]", "your-api-key", "my_token", "ghp_xxxxxxxxxxxx", "insert-your-key-here", "process.env.TOKEN",
        "os.environ['TOKEN']",
        "secrets.TOKEN", "op://vault/item/field", "env:TOKEN", "ENC[AES256_GCM,data:abc]", "vault:v1:abcdef",
        "AKIAIOSFODNN7EXAMPLE", "example-password", "placeholder", "REDACTED", "'${X}'", b"${X}", b"\xff\xff",
        ".*/PASSWORD=.../", ".+$", "[^ ]*/x/g",
    ],
)  # fmt: skip
def test_references_examples_and_masks_are_placeholders(value: str | bytes) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["winter", "Passw0rd!", "pa$$word1", "letmein", "correct horse", "admin1"])
def test_what_a_person_might_choose_is_none(value: str) -> None:
    assert not is_placeholder(value)


def test_random_values_are_none() -> None:
    rng = random.Random(3)
    values = ["".join(rng.choices(string.ascii_letters + string.digits, k=24)) for _ in range(2000)]
    assert not [value for value in values if is_placeholder(value)]


LONG = "Qr{}xB2R6uSopyQ4rOUTH7k7Xn4xc5HCpZCUAZvpEnuSYLa0sY1QMtnDO1Fbfe4Q9Va"


@pytest.mark.parametrize("word", ["xxxx", "Xxxxx", "your", "YOUR", "Dummy", "lorem"])
def test_a_word_of_a_few_letters_says_nothing_within_a_long_value(word: str) -> None:
    """Chance writes one into every ten thousandth token."""
    assert not is_placeholder(LONG.format(word))
    assert not is_example(LONG.format(word).encode())


@pytest.mark.parametrize("word", ["xxxxxx", "XXXXXXXX", ".xxxx.", "-your-"])
def test_one_that_stands_alone_or_is_long_does(word: str) -> None:
    assert is_example(LONG.format(word).encode())
    assert is_placeholder(LONG.format(word))
