"""A secret's value, wrapped so that it cannot show itself by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Bytes that only `reveal` and `text` give out: repr, str, format, pickle, copy and comparison show nothing.

    Equality takes the same time for every wrong guess of the same length.
    """

    __slots__ = ("__value",)

    def __init__(self, value: bytes | str) -> None:
        self.__value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The value. Whoever calls this answers for where it goes."""
        return self.__value

    def text(self) -> str:
        """The value as text.

        Raises:
            ValueError: it is not UTF-8. The message does not hold the value.
        """
        try:
            return self.__value.decode()
        except UnicodeDecodeError:
            raise ValueError("this secret is not text") from None

    def __len__(self) -> int:
        return len(self.__value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value, other.__value)

    def __hash__(self) -> int:
        return hash(self.__value)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __str__(self) -> str:
        return "Secret(hidden)"

    def __format__(self, spec: str) -> str:
        return "Secret(hidden)"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")
