"""The sandbox's own `.git`: objects borrowed read-only from the view, everything else its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from yett.sandbox.mirror.export import LOCAL, LONGEST_LOG, git_directory, make_bare
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import Oid, git, lines, text_of

HARMLESS = re.compile(
    r"""^(
      user\.(name|email) | branch\..*\.(remote|merge|rebase|description) | remote\..*\.(url|pushurl|fetch|prune|tagopt)
    | core\.(autocrlf|eol|safecrlf|ignorecase|filemode|symlinks|quotepath|precomposeunicode|abbrev)
    | pull\.(rebase|ff) | push\.(default|autosetupremote|followtags)
    | merge\.(conflictstyle|ff) | rebase\.(autosquash|autostash)
    | diff\.(algorithm|renames|mnemonicprefix|colormoved) | init\.defaultbranch | fetch\.(prune|prunetags)
    | rerere\.enabled | color\..* | column\..* | log\.date | status\..*
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Keys that name no program, path or host of git's own choosing. Everything else stays outside (findings: git-view)."""

_USERINFO = re.compile(r"(?<=:)//[^/@\s]*@")
"""Credentials in a remote's address stay outside: the gate pushes with them, the agent without."""

_OID = re.compile(r"\b[0-9a-f]{40}\b")


def attach(real: Path, view: Path, gitdir: Path, masks: Masks, names: IdMap, objects_inside: str) -> None:
    """Make `gitdir`. `objects_inside` is where the view's objects are seen from within the sandbox."""
    make_bare(gitdir, {"core": {"repositoryformatversion": "0", "bare": "false", "logallrefupdates": "true"}})
    (gitdir / "objects/info/alternates").write_text(objects_inside + "\n")
    _refs(view, gitdir)
    _head(real, gitdir, names)
    _stash(real, gitdir, masks, names)
    _configuration(real, gitdir, masks)
    _index(real, gitdir, view, names)
    _exclude(real, gitdir)


def harmless_configuration(repository: Path) -> Iterator[tuple[str, str]]:
    """The repository's own keys and values that may cross the wall."""
    for item in git(repository, "config", "--local", "--list", "-z").decode(errors="replace").split("\0"):
        key, _, value = item.partition("\n")
        if HARMLESS.match(key):
            yield key, value


def _refs(view: Path, gitdir: Path) -> None:
    """The human's refs under their own names, packed."""
    rows = lines(view, "for-each-ref", "--format=%(objectname) %(refname)", LOCAL)
    packed = sorted((line.split(" ")[1].replace(LOCAL, "refs/", 1), line.split(" ")[0]) for line in rows)
    text = "# pack-refs with: sorted \n" + "".join(f"{oid} {name}\n" for name, oid in packed)
    (gitdir / "packed-refs").write_text(text)


def _head(real: Path, gitdir: Path, names: IdMap) -> None:
    head = text_of(git_directory(real) / "HEAD").strip()
    (gitdir / "HEAD").write_text((head if head.startswith("ref: ") else names.inside(head)) + "\n")


def _stash(real: Path, gitdir: Path, masks: Masks, names: IdMap) -> None:
    if log := text_of(git_directory(real) / "logs/refs/stash", LONGEST_LOG):
        mapped = _OID.sub(lambda found: names.inside(found[0]), log)
        (gitdir / "logs/refs").mkdir(parents=True, exist_ok=True)
        (gitdir / "logs/refs/stash").write_bytes(masks.mask(mapped.encode(errors="surrogateescape")))


def _configuration(real: Path, gitdir: Path, masks: Masks) -> None:
    for key, value in harmless_configuration(real):
        git(gitdir, "config", "--add", key, masks.mask(_USERINFO.sub("//", value).encode()).decode())


def _index(real: Path, gitdir: Path, view: Path, names: IdMap) -> None:
    """What is staged stays staged."""
    entries = staged(real)
    text = "".join(f"{mode} {names.inside(oid)} {stage}\t{path}\0" for mode, oid, stage, path in entries)
    seen = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(view / "objects")}
    git(gitdir, "update-index", "-z", "--index-info", stdin=text.encode(errors="surrogateescape"), env=seen)


def staged(repository: Path, env: dict[str, str] | None = None) -> list[tuple[str, Oid, str, str]]:
    """(mode, id, stage, path) of the index."""
    found = []
    listing = git(repository, "ls-files", "-s", "-z", env=env).decode(errors="surrogateescape")
    for line in filter(None, listing.split("\0")):
        about, path = line.split("\t", 1)
        mode, oid, stage = about.split(" ")
        found.append((mode, oid, stage, path))
    return found


def _exclude(real: Path, gitdir: Path) -> None:
    if exclude := text_of(git_directory(real) / "info/exclude"):
        (gitdir / "info").mkdir(exist_ok=True)
        (gitdir / "info/exclude").write_bytes(exclude.encode(errors="surrogateescape"))
