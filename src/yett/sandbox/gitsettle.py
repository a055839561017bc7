"""When a run has ended: what leaves the sandbox of git's configuration and hooks, and what stays behind and is named.

Everything here reads what an agent wrote. Files are opened without following links; git itself edits the host's
configuration, and runs nothing while it does (`git config --file`).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from yett.model.visible import visible
from yett.sandbox import beneath, gitconfig, gitkeys
from yett.sandbox.keep import move
from yett.sandbox.repository import Hooks, Repository, Settings, git_directories, hook_files, nature

Say = Callable[[str], None]

PLANTED = ("commondir", "config.worktree")
"""Files that lead git to configuration elsewhere."""

_CORE = (
    "repositoryformatversion",
    "filemode",
    "bare",
    "logallrefupdates",
    "ignorecase",
    "precomposeunicode",
    "worktree",
)


def settle(repository: Repository, kept: str, say: Say) -> None:
    """Merge back what is harmless; move what is not into `kept`; say each once."""
    _restore_dotgit(repository, kept, say)
    for settings in repository.settings:
        _merge(settings, say)
    for hooks in repository.hooks:
        name_changed(hooks, kept, say)
    if repository.common:
        _tame_fresh(repository, repository.common, kept, say)
    elif not repository.was and nature(repository.dotgit) == "directory":
        _tame_fresh(repository, repository.dotgit, kept, say)


def _restore_dotgit(repository: Repository, kept: str, say: Say) -> None:
    """`.git` must be what it was: a link or a file in its place would lead the person's git elsewhere."""
    now = nature(repository.dotgit)
    if now == repository.was or (not repository.was and now == "directory"):
        return
    if now:
        move(os.path.dirname(repository.dotgit), ".git", os.path.join(kept, ".git"))
        say("`.git` was replaced inside; what replaced it was moved away.")
    if repository.was.startswith("link:"):
        os.symlink(repository.was[5:], repository.dotgit)
    elif repository.was and repository.was != "directory":
        above, name = os.path.split(repository.dotgit)
        beneath.write(above, name, os.fsencode(repository.was), 0o644)


def _merge(settings: Settings, say: Say) -> None:
    above, name = os.path.split(settings.copy)
    content = beneath.read(above, name)
    if content is None:  # taken away inside, or with the session's folder: no wish to empty the real one
        say("git's configuration inside is gone; nothing of it was taken over.")
        return
    try:
        text = content.decode("utf-8", "surrogateescape")
        after = tuple(gitconfig.parse(text))
    except gitconfig.Malformed:
        say("git's configuration inside became unreadable; nothing of it was taken over.")
        return
    old, new = _by_name(settings.before), _by_name(after)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    stays = [name for name in changed if not _may_leave((*old.get(name, ()), *new.get(name, ())))]
    for name in changed:
        if name not in stays:
            _git_config(settings.real, name, [entry.value or "" for entry in new.get(name, ())])
            _say_moved_remote(name, old, new, say)
    if stays:
        say(f"git configuration written inside stays inside: {visible(', '.join(sorted(stays)))}")


def _may_leave(entries: tuple[gitconfig.Entry, ...]) -> bool:
    return all(gitkeys.may_leave(entry) for entry in entries)


def _say_moved_remote(
    name: str, old: dict[str, list[gitconfig.Entry]], new: dict[str, list[gitconfig.Entry]], say: Say
) -> None:
    """An ordinary change, but the person's next push goes there."""
    if name in old and name.startswith("remote.") and name.endswith("url"):
        now = (new[name][-1].value or "") if name in new else "gone"
        say(f"git remote changed inside: {visible(name)} is now {visible(now)}")


def _by_name(entries: tuple[gitconfig.Entry, ...]) -> dict[str, list[gitconfig.Entry]]:
    named: dict[str, list[gitconfig.Entry]] = {}
    for entry in entries:
        named.setdefault(entry.name, []).append(entry)
    return named


def _git_config(real: str, name: str, values: list[str]) -> None:
    """Let git edit its own file: it keeps comments, order and locking."""
    import subprocess

    words = ["git", "config", "--file", real]
    subprocess.run([*words, "--unset-all", name], check=False, capture_output=True, cwd="/")
    for value in values:
        subprocess.run([*words, "--add", name, value], check=False, capture_output=True, cwd="/")


def name_changed(hooks: Hooks, kept: str, say: Say) -> None:
    """Say which hooks the run wrote; without a copy that lay over them they are moved away."""
    if not hooks.copy:
        real = os.path.join(hooks.directory, "hooks")
        if nature(real) == "directory" and hook_files(real):
            move(hooks.directory, "hooks", os.path.join(kept, "hooks"))
            say("git hooks were written inside; they were moved away.")
        return
    after = hook_files(hooks.copy)
    changed = sorted(name for name in {*hooks.before, *after} if hooks.before.get(name) != after.get(name))
    if changed:
        say(f"git hooks written inside stay inside: {visible(', '.join(changed))}")


def _tame_fresh(repository: Repository, common: str, kept: str, say: Say) -> None:
    """Git directories and files that were made inside: keep them, without anything in them that names a program."""
    known = {settings.real for settings in repository.settings}
    known_hooks = {hooks.directory for hooks in repository.hooks}
    for directory in git_directories(common):
        is_work_tree = os.path.basename(os.path.dirname(directory)) == "worktrees"
        for name in PLANTED:
            path = os.path.join(directory, name)
            if path not in known and os.path.lexists(path) and not (is_work_tree and name == "commondir"):
                move(directory, name, os.path.join(kept, name))
                say(f"git's {name} was written inside; it was moved away.")
        if os.path.join(directory, "config") not in known and not is_work_tree:
            tame(common, directory, say)
        if directory not in known_hooks:
            name_changed(Hooks(directory, ""), kept, say)


def tame(common: str, directory: str, say: Say) -> None:
    """Rewrite `directory`'s configuration without what names a program. `common` is a directory above that is sound."""
    below = os.path.relpath(os.path.join(directory, "config"), common)
    content = beneath.read(common, below)
    if content is None:
        return
    try:
        entries = gitconfig.parse(content.decode("utf-8", "surrogateescape"))
    except gitconfig.Malformed:
        entries = []
    harmless = [entry for entry in entries if gitkeys.may_leave(entry) or _is_plain_core(entry)]
    if harmless == entries:
        return
    beneath.write(common, below, gitconfig.serialise(harmless).encode("utf-8", "surrogateescape"), 0o644)
    dropped = sorted({entry.name for entry in entries} - {entry.name for entry in harmless})
    say(f"dropped from the new repository's configuration: {visible(', '.join(dropped))}")


def _is_plain_core(entry: gitconfig.Entry) -> bool:
    if entry.section == "extensions":
        return entry.key in ("objectformat", "refstorage")
    return entry.section == "core" and not entry.subsection and entry.key in _CORE
