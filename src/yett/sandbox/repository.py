"""The workspace's own git directory inside: usable as ever, but nothing planted in it runs on the host later.

git starts programs that its configuration and its hooks name, and editors run `git status` unasked. So configuration
and hooks inside are copies, and what leaves of them is settled at the end (gitsettle.py). The directory itself is
pinned as a mount, or it could be renamed and replanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from yett.model.errors import ConfigurationError
from yett.sandbox import beneath, gitconfig, gitkeys
from yett.sandbox.masks import Overlaid
from yett.sandbox.mounts import Laid

CONFIGURATIONS = ("config", "config.worktree")
_MAX_HOOK = 1 << 20


class Settings(NamedTuple):
    """One configuration file (`directory`/`name`) and its copy inside. `before` is what the copy held at the start."""

    directory: str
    name: str
    copy: str
    before: tuple[gitconfig.Entry, ...]

    @property
    def real(self) -> str:
        return os.path.join(self.directory, self.name)


class Hooks(NamedTuple):
    """A git directory's hooks. `copy` is laid over them, and held `before`; "" if there was no directory to cover."""

    directory: str
    copy: str
    before: Mapping[str, tuple[bytes, int]] = MappingProxyType({})


class Repository(NamedTuple):
    """What is laid over the workspace for git, and what has to be looked at when the run ends.

    `dotgit` is the workspace's `.git` and `was` what it was at the start: "directory", the text of a file, "link:" and
    its target, or "" for nothing. `common` is the host's own git directory if the sandbox writes to it.
    """

    dotgit: str
    was: str
    common: str = ""
    laid: tuple[Laid, ...] = ()
    files: tuple[Overlaid, ...] = ()
    settings: tuple[Settings, ...] = ()
    hooks: tuple[Hooks, ...] = ()


def prepare(root: str, folder: str, view: str | None, masked: dict[str, str]) -> Repository:
    """Lay out git for a workspace. `view` is a masked git directory that replaces the workspace's own.

    `masked` maps a path to its copy without secrets, where the daemon made one.

    Raises:
        ConfigurationError: configuration that git could not read either, or a linked work tree with a view.
    """
    dotgit = os.path.join(root, ".git")
    was = nature(dotgit)
    common = _common_directory(dotgit, was)
    if view is not None:
        return _with_view(dotgit, was, view, folder, masked)
    if not common:
        return Repository(dotgit, was)
    settings: list[Settings] = []
    hooks: list[Hooks] = []
    for number, directory in enumerate(git_directories(common)):
        copies = os.path.join(folder, "git", str(number))
        os.makedirs(copies, mode=0o700, exist_ok=True)
        for name in CONFIGURATIONS:
            if os.path.isfile(os.path.join(directory, name)):
                settings.append(_copy_settings(directory, name, copies, masked))
        hooks.append(_copy_hooks(directory, copies, masked))
    files = tuple(Overlaid(entry.real, entry.copy, entry.directory, entry.name, _at_the_end) for entry in settings)
    over = [Laid(hook.copy, os.path.join(hook.directory, "hooks")) for hook in hooks if hook.copy]
    laid = (Laid(common, common), *over, *(Laid(file.copy, file.path) for file in files))
    return Repository(dotgit, was, common, laid, files, tuple(settings), tuple(hooks))


def nature(path: str) -> str:
    """What lies at a path: "directory", a file's text, "link:" and its target, "" for nothing."""
    if os.path.islink(path):
        return "link:" + os.readlink(path)
    if os.path.isdir(path):
        return "directory"
    above, name = os.path.split(path)
    return os.fsdecode(beneath.read(above, name) or b"")


def git_directories(common: str) -> list[str]:
    """A git directory, those of its submodules at any depth, and those of its linked work trees."""
    found = [common]
    waiting = [os.path.join(common, "modules")]
    while waiting:
        at = waiting.pop()
        if os.path.isfile(os.path.join(at, "HEAD")):
            found.append(at)
            waiting.append(os.path.join(at, "modules"))
        else:
            waiting += _folders(at)
    return found + [path for each in found for path in _folders(os.path.join(each, "worktrees"))]


def hook_files(directory: str) -> dict[str, tuple[bytes, int]]:
    """Content and mode of the hooks in a directory, by name."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return {}
    found = {}
    for name in names:
        content = None if name.endswith(".sample") else beneath.read(directory, name)
        if content is not None and len(content) <= _MAX_HOOK:
            found[name] = (content, os.stat(os.path.join(directory, name)).st_mode & 0o777)
    return found


def _at_the_end(path: str, real: int) -> None:
    """Configuration is merged once, at the end: half of an edit would be worse than none."""


def _with_view(dotgit: str, was: str, view: str, folder: str, masked: dict[str, str]) -> Repository:
    """The real directory is covered whole; the person's hooks go with the view, as everything else of theirs does."""
    if was != "directory":
        raise ConfigurationError(
            "This is a linked work tree, and secrets were found in its git history.",
            "Run the command in the repository's main work tree.",
        )
    before = tuple(gitconfig.parse(os.fsdecode(beneath.read(view, "config") or b"")))
    copied = Settings(dotgit, "config", os.path.join(view, "config"), before)
    copies = os.path.join(folder, "git", "0")
    os.makedirs(copies, mode=0o700, exist_ok=True)
    hooks = _copy_hooks(dotgit, copies, masked)
    laid = [Laid(view, dotgit)]
    if hooks.copy:
        os.makedirs(os.path.join(view, "hooks"), mode=0o700, exist_ok=True)
        laid.append(Laid(hooks.copy, os.path.join(dotgit, "hooks")))
    return Repository(dotgit, was, laid=tuple(laid), settings=(copied,), hooks=(hooks,) if hooks.copy else ())


def _common_directory(dotgit: str, was: str) -> str:
    """The directory that holds configuration and hooks: for a linked work tree or a submodule it lies elsewhere."""
    if was == "directory" or was.startswith("link:"):
        return os.path.realpath(dotgit) if os.path.isdir(dotgit) else ""
    if not was.startswith("gitdir: "):
        return ""
    directory = os.path.realpath(os.path.join(os.path.dirname(dotgit), was[8:].rstrip("\n")))
    above = beneath.read(directory, "commondir") if os.path.isdir(directory) else None
    if above is None:
        return directory if _is_of_submodule(directory, dotgit) else ""
    # a `.git` file that an agent planted could name any repository; git's own link back cannot be planted from inside
    back = os.fsdecode(beneath.read(directory, "gitdir") or b"").rstrip("\n")
    common = os.path.realpath(os.path.join(directory, os.fsdecode(above).rstrip("\n")))
    return common if os.path.realpath(back) == dotgit else ""


def _is_of_submodule(directory: str, dotgit: str) -> bool:
    try:
        entries = gitconfig.parse(os.fsdecode(beneath.read(directory, "config") or b""))
    except (gitconfig.Malformed, OSError):
        return False
    trees = [entry.value or "" for entry in entries if entry.name == "core.worktree"]
    return bool(trees) and os.path.realpath(os.path.join(directory, trees[-1])) == os.path.dirname(dotgit)


def _folders(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _copy_settings(directory: str, name: str, copies: str, masked: dict[str, str]) -> Settings:
    real, copy = os.path.join(directory, name), os.path.join(copies, name)
    try:
        content = b""
        if os.path.exists(real):
            with open(masked.get(real, real), "rb") as file:
                content = file.read()
        entries = gitconfig.parse(content.decode("utf-8", "surrogateescape"))
    except gitconfig.Malformed as error:
        raise ConfigurationError(f"git's configuration {real} cannot be read: {error}.", "Repair the file.") from None
    before = [entry for entry in entries if gitkeys.may_enter(entry)]
    beneath.write(copies, name, gitconfig.serialise(before).encode("utf-8", "surrogateescape"))
    return Settings(directory, name, copy, tuple(before))


def _copy_hooks(directory: str, copies: str, masked: dict[str, str]) -> Hooks:
    real = os.path.join(directory, "hooks")
    if os.path.islink(real) or not os.path.isdir(real):
        return Hooks(directory, "")
    copy = os.path.join(copies, "hooks")
    os.makedirs(copy, mode=0o700, exist_ok=True)
    for name, (content, mode) in hook_files(real).items():
        if (path := os.path.join(real, name)) in masked:
            with open(masked[path], "rb") as file:
                content = file.read()
        beneath.write(copy, name, content, mode)
    return Hooks(directory, copy, hook_files(copy))
