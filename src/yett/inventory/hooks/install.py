"""Write hooks beside what is there, and take them out again. What happened comes back in lines for a person."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from yett.inventory.hooks import place, script
from yett.model.errors import ConfigurationError

COMMIT = ("pre-commit", "pre-merge-commit")
EVERY = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg"),
    *("commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update"),
    *("proc-receive", "post-receive", "post-update", "reference-transaction", "push-to-checkout", "pre-auto-gc"),
    *("post-rewrite", "sendemail-validate", "post-index-change"),
)
"""githooks(5). A folder for all repositories hides their own hooks, so it must hand on every one of them."""
_LARGEST = 1 << 20


def install(folder: Path, *, push: bool = False) -> list[str]:
    """Into the hooks of the repository that a folder belongs to.

    Raises:
        ConfigurationError: no repository, or another program manages its hooks; says what to do instead.
    """
    hooks, top = place.hooks_of(folder)
    said = _install_into(hooks, _wanted(push))
    if hooks.is_relative_to(top) and ".git" not in hooks.relative_to(top).parts:
        said.append(f"{hooks} is part of the work tree: the hook names this machine's interpreter, so do not commit it")
    return said


def install_for_all(*, push: bool = False) -> list[str]:
    """Into the person's folder for all repositories; without one a folder is made that hands on to their own hooks."""
    hooks = place.global_hooks()
    if hooks is not None and hooks != place.own_global_hooks():
        return _install_into(hooks, _wanted(push))
    hooks = place.own_global_hooks()
    for name in EVERY:
        _write(hooks / name, script.hook_for_all(name, name in _wanted(push)))
    place.set_global_hooks(hooks)
    return [
        f"git takes the hooks of all your repositories from {hooks} now (core.hooksPath)",
        "a hook of the repository's own runs after it",
        "a repository that sets core.hooksPath itself (husky does) keeps its own hooks only",
    ]


def uninstall(folder: Path) -> list[str]:
    """Take ours out; what was there before is there again, byte for byte."""
    hooks, _ = place.hooks_of(folder)
    return _uninstall_from(hooks, script.SCANNING)


def uninstall_for_all() -> list[str]:
    hooks = place.global_hooks()
    if hooks is None:
        return ["there are no hooks for all repositories"]
    if hooks != place.own_global_hooks():
        return _uninstall_from(hooks, script.SCANNING)
    place.set_global_hooks(None)
    said = _uninstall_from(hooks, EVERY)
    if not any(hooks.iterdir()):
        hooks.rmdir()
    return said


def _wanted(push: bool) -> tuple[str, ...]:
    return (*COMMIT, "pre-push") if push else COMMIT


def _install_into(hooks: Path, names: Iterable[str]) -> list[str]:
    """All or nothing, as far as other managers go."""
    chosen = tuple(names)
    for name in chosen:
        manager = place.manager_of(hooks / name)
        if manager is not None and not _is_ours(hooks / name):
            raise ConfigurationError(f"{manager.name} manages the hooks in {hooks}", manager.advice)
    return [_one(hooks / name) for name in chosen]


def _one(hook: Path) -> str:
    if _is_ours(hook):
        text = _text(hook)
        fresh = script.block(hook.name)
        if fresh in text:
            return f"{hook}: it is there already"
        own = script.without_block(text)
        _write(hook, own.replace("#!/bin/sh\n", f"#!/bin/sh\n{fresh}", 1))
        return f"{hook}: brought up to date"
    if not os.path.lexists(hook):
        _write(hook, script.hook(hook.name))
        return f"{hook}: written"
    kept = _kept(hook)
    if os.path.lexists(kept):
        raise ConfigurationError(
            f"{kept} is in the way", f"it is an earlier hook: put it and {hook.name} together first"
        )
    os.rename(hook, kept)
    _write(hook, script.hook(hook.name))
    return f"{hook}: written; the hook that was there is {kept.name} and runs after it"


def _uninstall_from(hooks: Path, names: Iterable[str]) -> list[str]:
    said = [_take_out(hooks / name) for name in names if _is_ours(hooks / name)]
    return said or [f"no hook of Yett's is in {hooks}"]


def _take_out(hook: Path) -> str:
    left, kept = script.without_block(_text(hook)), _kept(hook)
    if left.strip() not in ("", "#!/bin/sh"):
        if os.path.lexists(kept):
            raise ConfigurationError(f"{hook} holds other lines too, and {kept.name} ran before them", "join the two")
        _write(hook, left)
        return f"{hook}: Yett's lines are out, the others stay"
    if os.path.lexists(kept):
        os.replace(kept, hook)
        return f"{hook}: as it was before"
    hook.unlink()
    return f"{hook}: removed"


def _kept(hook: Path) -> Path:
    return hook.with_name(f"{hook.name}.{script.EARLIER}")


def _is_ours(hook: Path) -> bool:
    return not hook.is_symlink() and script.BEGIN in _text(hook)


def _text(hook: Path) -> str:
    """What cannot be text of ours is "": a program, something huge, nothing."""
    try:
        raw = hook.read_bytes() if hook.is_file() and hook.stat().st_size <= _LARGEST else b""
        return raw.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _write(hook: Path, text: str) -> None:
    """Whole or not at all: git may run it at this moment."""
    try:
        hook.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(prefix=f".{hook.name}.", dir=hook.parent)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(handle, 0o755)
        os.replace(made, hook)
    except OSError as error:
        raise ConfigurationError(f"{hook} cannot be written: {error.strerror}", "check who owns the folder") from None
