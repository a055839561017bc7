"""Policy files -> layers. An organisation's folder may narrow and, signed, widen; a workspace may only narrow (law 9).

A file is `name.yaml` (short_form.py) or `name.cedar` (first line `// layer: narrow`). Anything else in the folder is an
error and not passed over: a forbid that is silently not read is a hole.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yett.policy.engine import Policies
from yett.policy.errors import PolicyError
from yett.policy.layers import RESERVED_NAMES, Layer, LayerKind, default_layers, file_digest
from yett.policy.short_form import compile_short, layer_kind

WORKSPACE_FOLDER = (".yett", "policy")
MAX_BYTES = 1_000_000
MAX_WORKSPACE_FILES = 20
SUFFIXES = (".yaml", ".cedar")
IGNORED = (".md",)

_STEM = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_CEDAR_HEAD = re.compile(r"//[ \t]*layer:[ \t]*([a-z]+)[ \t]*")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file as it stands. `workspace`: it may have been written by an agent."""

    path: str
    content: bytes
    workspace: bool


def load_policies(
    folder: Path | None, *, workspace: Path | None = None, signed: frozenset[str] = frozenset()
) -> Policies:
    """The shipped layers, the organisation's `folder`, and `workspace`/.yett/policy. An absent folder is an empty one.

    `signed` holds the digests (`layers.file_digest`) of the widening files that a person's key has signed.

    Raises:
        PolicyError: anything in the folders that is not a policy in its right layer. Nothing is loaded then (law 1).
    """
    files = [*organisation_files(folder), *workspace_files(workspace)]
    return Policies([*default_layers(), *(read_file(file, signed) for file in files)])


def organisation_files(folder: Path | None) -> list[PolicyFile]:
    if folder is None or not folder.exists():
        return []
    with _opened(str(folder), os.O_DIRECTORY, None) as fd:
        return _files(fd, str(folder), workspace=False)


def workspace_files(workspace: Path | None) -> list[PolicyFile]:
    """Files of `workspace`/.yett/policy. No link is followed: the path may have been laid out by an agent."""
    if workspace is None or not os.path.lexists(workspace.joinpath(*WORKSPACE_FOLDER)):
        return []
    outer, inner = WORKSPACE_FOLDER
    with _opened(str(workspace), os.O_DIRECTORY, None) as root:
        with _opened(outer, os.O_DIRECTORY | os.O_NOFOLLOW, root) as middle:
            with _opened(inner, os.O_DIRECTORY | os.O_NOFOLLOW, middle) as fd:
                files = _files(fd, "/".join(WORKSPACE_FOLDER), workspace=True)
    if len(files) > MAX_WORKSPACE_FILES:
        raise PolicyError(f"the workspace has more than {MAX_WORKSPACE_FILES} policy files", "put them together")
    return files


def read_file(file: PolicyFile, signed: frozenset[str]) -> Layer:
    """The layer in one file.

    Raises:
        PolicyError: it does not say its kind, may not have that kind, or is not signed for it.
    """
    name, suffix = os.path.splitext(os.path.basename(file.path))
    if not _STEM.fullmatch(name) or name in RESERVED_NAMES:
        raise PolicyError(f"{file.path}: a policy file is not named so", "use lower-case letters, digits and dashes")
    try:
        text = file.content.decode("utf-8").replace("\r\n", "\n")
        kind, cedar = compile_short(text) if suffix == ".yaml" else (_cedar_kind(text), text)
    except UnicodeDecodeError:
        raise PolicyError(f"{file.path}: not UTF-8 text", "save it as UTF-8") from None
    except PolicyError as error:
        raise PolicyError(f"{file.path}: {error.what}", error.remedy, rule=error.rule) from None
    _check_kind(file, kind, signed)
    return Layer(f"workspace.{name}" if file.workspace else name, kind, cedar)


def _check_kind(file: PolicyFile, kind: LayerKind, signed: frozenset[str]) -> None:
    if kind is not LayerKind.WIDEN:
        return
    if file.workspace:
        raise PolicyError(
            f"{file.path}: a workspace may only narrow",
            "move it to the organisation's policy folder and have it signed",
        )
    digest = file_digest(file.content)
    if digest not in signed:
        raise PolicyError(
            f"{file.path}: it widens what agents may do, and nobody has signed this text (SHA-256 {digest})",
            f"have a person sign it with a security key: yett policy sign {file.path}",
        )


def _cedar_kind(text: str) -> LayerKind:
    head = _CEDAR_HEAD.fullmatch(text.partition("\n")[0])
    if head is None:
        raise PolicyError("the first line does not say which layer it is", "begin it with `// layer: narrow`")
    return layer_kind(head.group(1))


def _files(fd: int, shown: str, *, workspace: bool) -> list[PolicyFile]:
    found = []
    for name in sorted(os.listdir(fd)):
        path = f"{shown}/{name}"
        if name.startswith(".") or name.endswith(IGNORED):
            continue
        if not name.endswith(SUFFIXES):
            raise PolicyError(f"{path}: not a policy file", "policy files end in .yaml or .cedar; move this elsewhere")
        found.append(PolicyFile(path, _read(name, fd, path, follow=not workspace), workspace))
    return found


def _read(name: str, folder: int, path: str, *, follow: bool) -> bytes:
    # O_NONBLOCK: a named pipe in a workspace must not stop the daemon.
    with _opened(name, os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW), folder, path) as fd:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise PolicyError(f"{path}: not an ordinary file", "replace it by one")
        if found.st_size > MAX_BYTES:
            raise PolicyError(f"{path}: larger than {MAX_BYTES:,} bytes", "split it")
        with os.fdopen(os.dup(fd), "rb") as stream:
            return stream.read(MAX_BYTES + 1)[:MAX_BYTES]


@contextmanager
def _opened(name: str, flags: int, folder: int | None, shown: str = "") -> Iterator[int]:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=folder)
    except OSError as error:
        raise PolicyError(
            f"{shown or name}: cannot be read ({error.strerror})",
            "make it an ordinary file or folder that Yett may read",
        ) from None
    try:
        yield fd
    finally:
        os.close(fd)
