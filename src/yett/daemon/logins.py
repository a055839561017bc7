"""A client renews its login inside: what the renewal brought goes into the person's own file, and nothing else does.

A refresh token works once. Kept inside, the new pair would be lost with the session, and the person logged out of
their client and of every later run. The copy inside is the agent's to write, so it is only asked which of its
placeholders stand where a token stood; the values come from the login host's answer, which the broker sealed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yett.model.errors import YettError
from yett.model.secret import Secret
from yett.providers.book import ProviderBook

LARGEST = 1 << 20
"""Login files are a few hundred bytes; the copy is the agent's, and may be anything."""

Renewed = Callable[[str, str], tuple[str, Secret] | None]
"""(provider, placeholder) -> the field of the answer and the value, if a renewal in this session brought it."""


@dataclass
class LoginFile:
    """One client's login. `places` are the dotted paths of its tokens; `real` is the file as it was last seen."""

    provider: str
    copy: Path
    places: list[str]
    real: bytes


class Logins:
    """The login files of one session."""

    def __init__(self, book: ProviderBook, home: Path, masks: Iterable[Mapping[str, str]], renewed: Renewed) -> None:
        self._renewed = renewed
        self._files: dict[str, LoginFile] = {}
        copies = {mask["path"]: Path(mask["masked"]) for mask in masks}
        for room in book.rooms:
            declared = (file for kind in room.credentials for file in kind.files if room.token_endpoints)
            for file in declared:
                path = str(home / file.path.removeprefix("~/"))
                if path not in copies:
                    continue
                if path not in self._files:
                    self._files[path] = LoginFile(room.name, copies[path], [], Path(path).read_bytes())
                self._files[path].places.append(file.at)

    def carry(self, path: str) -> bool:
        """Bring the person's file up to date with its copy inside; whether anything was new.

        Raises:
            YettError: the file was changed outside meanwhile. It stays as it is.
        """
        file = self._files.get(path)
        if file is None:
            return False
        content = self._brought_up_to_date(file)
        if content is None:
            return False
        _replace(path, file.real, content)
        file.real = content
        return True

    def _brought_up_to_date(self, file: LoginFile) -> bytes | None:
        """The real file with the tokens that are new in its copy; None if none is."""
        with file.copy.open("rb") as opened:
            copy, real = _json(opened.read(LARGEST)), _json(file.real)
        changed = False
        for place in file.places:
            *above, name = place.split(".")
            inside, outside = _object(copy, above), _object(real, above)
            brought = self._renewed(file.provider, str(inside.get(name))) if name in outside else None
            if brought is None or not _is_field(name, brought[0]) or outside[name] == brought[1].text():
                continue
            outside[name] = brought[1].text()
            outside |= _expiry(inside, outside)
            changed = True
        indent = 2 if b"\n " in file.real else None
        return json.dumps(real, ensure_ascii=False, indent=indent).encode() if changed else None


def _is_field(name: str, field: str) -> bool:
    """Whether a file keeps this field of the answer under this name: accessToken and access are access_token."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return words in (field, field.removesuffix("_token"))


def _expiry(inside: Mapping[str, Any], outside: Mapping[str, Any]) -> dict[str, int]:
    """When the tokens end: a client that reads the old time would renew again at once. Numbers only."""
    return {
        key: inside[key]
        for key in outside
        if "expir" in key.lower() and type(outside[key]) is int and type(inside.get(key)) is int
    }


def _object(value: Any, path: Iterable[str]) -> dict[str, Any]:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _json(content: bytes) -> Any:  # Any: whatever a client, or an agent, wrote
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _replace(path: str, expected: bytes, content: bytes) -> None:
    """Put content into the file, whose owner and mode stay. Raises YettError: it is not what it was."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise YettError(f"{path} cannot be written: {error.strerror}", "log in again outside") from error
    with open(descriptor, "r+b") as file:
        if file.read() != expected:
            raise YettError(f"{path} was changed outside meanwhile", "it stays as it is")
        file.seek(0)
        file.write(content)
        file.truncate()
