"""Which files a commit or a push changes, as git tells: each with the blob that it becomes and those that it was.

Everybody who commits waits for this, so it imports the standard library only and asks git as little as possible.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yett.inventory.git import GIT, environment
from yett.inventory.git_life import Running
from yett.model.errors import YettError

_RAW = ("--raw", "-z", "--abbrev=64", "-M", "--no-ext-diff", "--diff-filter=AMTR")
_COMMIT_OF = ("rev-parse", "--verify", "--quiet")
_GITLINK = "160000"
_AT_ONCE = 500
"""Paths in one command line."""
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_OF_A_HOOK = ("GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


@dataclass(frozen=True, slots=True)
class Change:
    """One changed file: its path, its new blob ("" if only the disk has it), and the blob in each parent that has it.

    A renamed file was there before, under its other name.
    """

    path: str
    before: tuple[str, ...]
    after: str
    commit: str = ""


class NoRepository(YettError):
    """git has nothing to say here."""


class Staged:
    """What the next commit adds or changes. git is asked when this is made, and answers when it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Raises NoRepository: there is no git."""
        self._folder = folder
        self._changes = _asked(folder, "diff", "--cached", *_RAW)
        self._merged = None if _told_by_git() else _asked(folder, *_COMMIT_OF, "MERGE_HEAD^{commit}")

    def changes(self) -> list[Change]:
        """The files that the next commit adds or changes. Of a merge, those that are new to every parent.

        Raises:
            NoRepository: the folder is in no repository.
        """
        found = list(_rows(_answer(self._folder, self._changes)))
        for head in self._heads() if found else ():
            other = {change.path: change for change in _rows(git(self._folder, "diff", "--cached", *_RAW, head))}
            found = [
                replace(change, before=change.before + other[change.path].before)
                for change in found
                if change.path in other
            ]
        return found

    def _heads(self) -> list[str]:
        """The other parents of the commit that is being made.

        `git merge` names them to its hooks in variables GITHEAD_<id>, because MERGE_HEAD is not written yet; `git
        commit` after conflicts finds one there.
        """
        if self._merged is None:
            return _told_by_git()
        done = self._merged.answer()
        return [] if done.returncode else done.stdout.decode().split()


def staged(folder: Path) -> list[Change]:
    """See `Staged`, where nothing else is to be done meanwhile."""
    return Staged(folder).changes()


def pushed(folder: Path, lines: str, remote: str = "") -> list[Change]:
    """The files that a push adds or changes: `lines` as git hands them to a pre-push hook (githooks(5)).

    Of every commit that the remote does not have: a secret that a later one removes is pushed too.
    """
    found: dict[tuple[str, str], Change] = {}
    known = ["--not", f"--remotes={remote}" if remote and not remote.startswith("-") else "--remotes"]
    for line in lines.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[1].strip("0"):
            old = [f"^{fields[3]}"] if _is_here(folder, fields[3]) else []
            for change in of_commits(folder, commits(folder, _checked(fields[1]), *old, *known)):
                found.setdefault((change.path, change.after), change)
    return list(found.values())


def commits(folder: Path, *revisions: str) -> list[str]:
    """The commits that these revisions reach, as git-rev-list(1) reads them."""
    return git(folder, "rev-list", *revisions, "--").decode().split()


def of_commits(folder: Path, ids: Sequence[str]) -> Iterator[Change]:
    """What each of these commits changes. Of a merge, what differs from every parent."""
    if ids:
        words = ("diff-tree", "--stdin", "-r", "-c", "--root", *_RAW)
        yield from _rows(git(folder, *words, feed="\n".join(ids).encode() + b"\n"))


def unsaved(folder: Path) -> list[Change]:
    """What the work tree has and HEAD has not: edited, staged, and new files that are not ignored."""
    edited = [replace(change, after="") for change in _rows(git(folder, "diff", *_RAW, "HEAD"))]
    listed = git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z").decode(
        "utf-8", "surrogateescape"
    )
    return edited + [Change(path, (), "") for path in listed.split("\0") if path and not path.endswith("/")]


def blobs_at(folder: Path, commit: str, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What these paths are in a commit; those that it has."""
    found: dict[str, tuple[str, ...]] = {}
    wanted = list(dict.fromkeys(paths))
    for at in range(0, len(wanted), _AT_ONCE):
        words = ("--literal-pathspecs", "ls-tree", "-z", commit, "--", *wanted[at : at + _AT_ONCE])
        for row in git(folder, *words).decode("utf-8", "surrogateescape").split("\0"):
            about, _, path = row.partition("\t")
            if path:
                found[path] = (about.split(" ")[2],)
    return found


def commit_of(folder: Path, revision: str) -> str:
    """The id of a revision's commit, "" if it names none. One that begins with - would be an option."""
    if not revision or revision.startswith("-"):
        return ""
    try:
        return git(folder, *_COMMIT_OF, f"{revision}^{{commit}}").decode().strip()
    except NoRepository:
        return ""


def top_of(folder: Path) -> Path | None:
    """The root of the work tree that a folder belongs to."""
    try:
        said = git(folder, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape")
    except NoRepository:
        return None
    return Path(said.removesuffix("\n")) if said.strip() else None


def is_shallow(folder: Path) -> bool:
    """Whether older commits were left out when it was cloned."""
    return git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"


def hook_environment() -> dict[str, str]:
    """What git tells a hook: GIT_INDEX_FILE is what is committed (`git commit -a`, `git commit PATH`)."""
    return {name: os.environ[name] for name in _OF_A_HOOK if name in os.environ}


def git(folder: Path, *words: str, feed: bytes | None = None) -> bytes:
    """git's answer.

    Raises:
        NoRepository: it has none; says why.
        GitStalled: it waits for something that does not come.
    """
    return _answer(folder, _asked(folder, *words, feed=feed))


def _asked(folder: Path, *words: str, feed: bytes | None = None) -> Running:
    try:
        return Running([*GIT, *words], cwd=folder, env=environment(hook_environment()), stdin=feed)
    except OSError as error:
        raise NoRepository(f"git cannot be run: {error.strerror}", "install git") from None


def _answer(folder: Path, asked: Running) -> bytes:
    done = asked.answer()
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise NoRepository(f"git has no answer in {folder}: {said[:200]}", "run this inside a git repository")
    return done.stdout


def _told_by_git() -> list[str]:
    told = [name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")]
    return [each for each in told if _ID.fullmatch(each)]


def _is_here(folder: Path, revision: str) -> bool:
    """Whether the remote's commit was ever fetched; a forced push may replace one that never was."""
    return bool(revision.strip("0") and _ID.fullmatch(revision) and commit_of(folder, revision))


def _checked(revision: str) -> str:
    if revision.startswith("-"):
        raise NoRepository(f"no such revision: {revision}", "this is for a pre-push hook: git tells it what is pushed")
    return revision


def _rows(raw: bytes) -> Iterator[Change]:
    """`[COMMIT NUL] :MODES IDS KIND NUL path NUL [path NUL]` ... (git-diff-tree(1), raw output and "-c")."""
    words: Iterable[str] = raw.decode("utf-8", "surrogateescape").split("\0")
    left, commit = iter(words), ""
    for word in left:
        if not word.startswith(":"):
            commit = word.strip() or commit
            continue
        parents = len(word) - len(word.lstrip(":"))
        fields = word.lstrip(":").split(" ")
        modes, ids, kind = fields[: parents + 1], fields[parents + 1 : -1], fields[-1]
        path = next(left)
        if parents == 1 and kind[0] in "RC":
            path = next(left)
        if modes[-1] != _GITLINK and modes[-1].strip("0"):
            before = tuple(
                oid for mode, oid in zip(modes, ids[:-1], strict=False) if mode.strip("0") and oid.strip("0")
            )
            yield Change(path, before, ids[-1], commit)
