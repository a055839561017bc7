"""The workspace's own git directory inside: usable as ever, but nothing planted in it runs on the host later.

git starts programs that its configuration and its hooks name, and editors run `git status` unasked. So configuration
and hooks inside are copies; at the end branches, remotes and the like are merged back (gitkeys.may_leave), everything
else stays behind and is named. The directory itself is pinned as a mount, or it could be renamed and replanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from yett.model.errors import ConfigurationError
from yett.sandbox import gitconfig, gitkeys
from yett.sandbox.masks import Overlaid
from yett.sandbox.mounts import Laid
from yett.sandbox.visible import visible

_MAX_HOOK = 1 << 20
_NEW_REPOSITORY_KEYS = frozenset((
    "repositoryformatversion", "filemode", "bare", "logallrefupdates", "ignorecase",
    "precomposeunicode", "symlinks", "worktree",
))  # fmt: skip


class Settings(NamedTuple):
    """One configuration file and its copy inside. `before` is what the copy held at the start."""

    real: str
    copy: str
    before: tuple[gitconfig.Entry, ...]


class Repository(NamedTuple):
    """What is laid over the workspace for git, and what has to be looked at when the run ends."""

    laid: tuple[Laid, ...] = ()
    files: tuple[Overlaid, ...] = ()
    settings: tuple[Settings, ...] = ()
    hooks: tuple[tuple[str, str], ...] = ()
    """(real, copy) directories."""
    watched: tuple[str, ...] = ()
    """Git directories that are the host's own, in which new ones may appear."""


def prepare(root: str, folder: str, view: str | None, masked: dict[str, str]) -> Repository:
    """Lay out git for a workspace. `view` is a masked git directory that replaces the workspace's own.

    `masked` maps a path to its copy without secrets, where the daemon made one.

    Raises:
        ConfigurationError: configuration that git could not read either, or a linked work tree with a view.
    """
    dotgit = os.path.join(root, ".git")
    common = _common_directory(dotgit)
    if view is not None:
        return _with_view(dotgit, view)
    if common is None:
        return Repository(watched=(dotgit,))
    settings, hooks = [], []
    for number, directory in enumerate((common, *_modules(common))):
        place = os.path.join(folder, "git", str(number))
        os.makedirs(place, mode=0o700, exist_ok=True)
        settings.append(_copy_settings(os.path.join(directory, "config"), place, masked))
        hooks.append(_copy_hooks(os.path.join(directory, "hooks"), place))
    pinned = [Laid(common, common)] + [Laid(copy, real) for real, copy in hooks if os.path.isdir(real)]
    files = tuple(Overlaid(entry.real, entry.copy, entry.real, _kept_until_the_end) for entry in settings)
    laid = tuple(pinned) + tuple(Laid(file.copy, file.path) for file in files)
    return Repository(laid, files, tuple(settings), tuple(hooks), (common,))


def settle(repository: Repository, say: Callable[[str], None]) -> None:
    """After the run: merge back what is harmless, name what stays behind."""
    for settings in repository.settings:
        _merge(settings, say)
    for real, copy in repository.hooks:
        if changed := _changed_hooks(real, copy):
            say(f"git hooks written inside stay inside: {visible(', '.join(changed))}")
    known = {settings.real for settings in repository.settings}
    for directory in repository.watched:
        for fresh in _repositories(directory):
            if os.path.join(fresh, "config") not in known:
                _tame(fresh, say)


def _kept_until_the_end(path: str) -> None:
    """Configuration is merged once, at the end: half of an edit would be worse than none."""


def _with_view(dotgit: str, view: str) -> Repository:
    if not os.path.isdir(dotgit):
        raise ConfigurationError(
            "This is a linked work tree, and secrets were found in its git history.",
            "Run the command in the repository's main work tree.",
        )
    config = os.path.join(view, "config")
    with open(config, encoding="utf-8", errors="surrogateescape") as file:
        before = tuple(gitconfig.parse(file.read()))
    return Repository((Laid(view, dotgit),), settings=(Settings(os.path.join(dotgit, "config"), config, before),))


def _common_directory(dotgit: str) -> str | None:
    """The directory that holds configuration and hooks: for a linked work tree or a submodule it lies elsewhere."""
    if os.path.isdir(dotgit):
        return dotgit
    try:
        with open(dotgit) as file:
            name = file.readline()
    except OSError:
        return None
    if not name.startswith("gitdir: "):
        return None
    directory = os.path.normpath(os.path.join(os.path.dirname(dotgit), name[8:].rstrip("\n")))
    try:
        with open(os.path.join(directory, "commondir")) as file:
            directory = os.path.normpath(os.path.join(directory, file.readline().rstrip("\n")))
    except OSError:
        pass
    return directory if os.path.isdir(directory) else None


def _modules(common: str) -> list[str]:
    """Git directories of submodules below a git directory, at any depth."""
    return _repositories(os.path.join(common, "modules"))


def _repositories(directory: str) -> list[str]:
    found = []
    waiting = [directory]
    while waiting:
        at = waiting.pop()
        if os.path.isfile(os.path.join(at, "HEAD")):
            found.append(at)
            waiting.append(os.path.join(at, "modules"))
            continue
        try:
            waiting += [entry.path for entry in os.scandir(at) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
    return found


def _copy_settings(real: str, place: str, masked: dict[str, str]) -> Settings:
    copy = os.path.join(place, "config")
    try:
        with open(masked.get(real, real), encoding="utf-8", errors="surrogateescape") as file:
            entries = gitconfig.parse(file.read())
    except FileNotFoundError:
        entries = []
    except gitconfig.Malformed as error:
        raise ConfigurationError(f"git's configuration {real} cannot be read: {error}.", "Repair the file.") from None
    before = [entry for entry in entries if gitkeys.may_enter(entry)]
    _write(copy, before)
    return Settings(real, copy, tuple(before))


def _copy_hooks(real: str, place: str) -> tuple[str, str]:
    copy = os.path.join(place, "hooks")
    os.makedirs(copy, mode=0o700, exist_ok=True)
    for name, content, mode in _hook_files(real):
        target = os.path.join(copy, name)
        with open(target, "wb") as file:
            file.write(content)
        os.chmod(target, mode)
    return real, copy


def _hook_files(directory: str) -> list[tuple[str, bytes, int]]:
    if not os.path.isdir(directory):
        return []
    found = []
    for entry in os.scandir(directory):
        if entry.name.endswith(".sample") or not entry.is_file() or entry.stat().st_size > _MAX_HOOK:
            continue
        with open(entry.path, "rb") as file:
            found.append((entry.name, file.read(), entry.stat().st_mode & 0o777))
    return sorted(found)


def _changed_hooks(real: str, copy: str) -> list[str]:
    before = {name: content for name, content, _ in _hook_files(real)}
    after = {name: content for name, content, _ in _hook_files(copy)}
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _merge(settings: Settings, say: Callable[[str], None]) -> None:
    try:
        with open(settings.copy, encoding="utf-8", errors="surrogateescape") as file:
            after = gitconfig.parse(file.read())
    except (OSError, gitconfig.Malformed):
        say("git's configuration inside became unreadable; nothing of it was taken over.")
        return
    old, new = _by_name(settings.before), _by_name(tuple(after))
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    left = [
        name
        for name in changed
        if not all(gitkeys.may_leave(entry) for entry in (*old.get(name, ()), *new.get(name, ())))
    ]
    for name in changed:
        if name not in left:
            _git_config(settings.real, name, [entry.value or "" for entry in new.get(name, ())])
            if name in old and name.startswith("remote.") and name.endswith("url"):
                # ordinary, but the person's next push goes there
                say(f"git remote changed inside: {visible(name)} is now {visible(_last(new.get(name, [])))}")
    if left:
        say(f"git configuration written inside stays inside: {visible(', '.join(sorted(left)))}")


def _last(entries: list[gitconfig.Entry]) -> str:
    return (entries[-1].value or "") if entries else "gone"


def _by_name(entries: tuple[gitconfig.Entry, ...]) -> dict[str, list[gitconfig.Entry]]:
    named: dict[str, list[gitconfig.Entry]] = {}
    for entry in entries:
        named.setdefault(entry.name, []).append(entry)
    return named


def _git_config(real: str, name: str, values: list[str]) -> None:
    """Let git edit its own file, which keeps comments, order and locking. It runs nothing for `config --file`."""
    import subprocess

    words = ["git", "config", "--file", real]
    subprocess.run([*words, "--unset-all", name], check=False, capture_output=True, cwd="/")
    for value in values:
        subprocess.run([*words, "--add", name, value], check=False, capture_output=True, cwd="/")


def _tame(directory: str, say: Callable[[str], None]) -> None:
    """A git directory that was made inside: keep it, without anything in it that names a program."""
    config, hooks = os.path.join(directory, "config"), os.path.join(directory, "hooks")
    try:
        with open(config, encoding="utf-8", errors="surrogateescape") as file:
            entries = gitconfig.parse(file.read())
    except (OSError, gitconfig.Malformed):
        entries = []
    kept = [entry for entry in entries if gitkeys.may_leave(entry) or _is_plain_core(entry)]
    if kept != entries:
        _write(config, kept)
        dropped = sorted({entry.name for entry in entries} - {entry.name for entry in kept})
        say(f"dropped from the new repository's configuration: {visible(', '.join(dropped))}")
    for name, _, _ in _hook_files(hooks):
        os.unlink(os.path.join(hooks, name))
        say(f"dropped from the new repository: the hook {visible(name)}")


def _is_plain_core(entry: gitconfig.Entry) -> bool:
    return entry.section == "core" and not entry.subsection and entry.key in _NEW_REPOSITORY_KEYS


def _write(path: str, entries: list[gitconfig.Entry]) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(gitconfig.serialise(entries))
