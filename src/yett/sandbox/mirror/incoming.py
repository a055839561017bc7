"""Take objects and refs out of the sandbox's `.git`, which is hostile data, without running anything of it here.

The pack is made by a git that runs in a sandbox of its own without network; here it goes through `index-pack --strict`
into a quarantine. Refs are read as plain files, never through links.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from yett.inventory.git import environment
from yett.inventory.git_life import GitStalled
from yett.model.errors import YettError
from yett.sandbox.mirror.plumbing import GitFailed, Oid, git

MAX_REFS = 20_000
MAX_FILE = 4 << 20
MAX_PACK = 512 << 20
MAX_OBJECT = 256 << 20
MAX_OBJECTS = 1 << 30
_INDEX_PACK = ("index-pack", "--stdin", "--strict", "--fix-thin", f"--max-input-size={MAX_PACK}")
_OID = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"refs/(?:heads|tags)/[^\x00-\x20\x7f~^:?*\[\\]+|refs/stash")


def read_refs(gitdir: Path) -> dict[str, Oid]:
    """Branches, tags and the stash of an untrusted git directory; symbolic and malformed ones are left out."""
    found: dict[str, Oid] = {}
    for line in _text(gitdir / "packed-refs").splitlines():
        oid, _, name = line.partition(" ")
        if _OID.fullmatch(oid) and _acceptable(name):
            found[name] = oid
    for path in _files(gitdir / "refs"):
        name = path.relative_to(gitdir).as_posix()
        oid = _text(path).strip()
        if _acceptable(name) and _OID.fullmatch(oid):
            found[name] = oid
        if len(found) > MAX_REFS:
            raise YettError(f"the sandbox's repository has more than {MAX_REFS} refs", "remove what is not needed")
    return found


def read_head(gitdir: Path) -> str:
    """The branch that HEAD names ("refs/heads/x"), a detached id, or "" for anything else."""
    head = _text(gitdir / "HEAD").strip()
    if head.startswith("ref: ") and _acceptable(head[5:]):
        return head[5:]
    return head if _OID.fullmatch(head) else ""


def stash_entries(gitdir: Path) -> list[tuple[Oid, str]]:
    """(id, message) of the stash list, oldest first."""
    rows = []
    for line in _text(gitdir / "logs/refs/stash").splitlines():
        about, _, message = line.partition("\t")
        fields = about.split(" ")
        if len(fields) > 1 and _OID.fullmatch(fields[1]):
            rows.append((fields[1], message[:200]))
    return rows


@contextlib.contextmanager
def quarantine(view: Path, folder: Path) -> Iterator[dict[str, str]]:
    """An empty object directory beside the view's; yields git's environment for it. Empty again afterwards."""
    objects = folder / "quarantine"
    shutil.rmtree(objects, ignore_errors=True)
    (objects / "pack").mkdir(parents=True, mode=0o700)
    try:
        yield {"GIT_OBJECT_DIRECTORY": str(objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(view / "objects")}
    finally:
        shutil.rmtree(objects, ignore_errors=True)


def accept(view: Path, env: Mapping[str, str]) -> None:
    """Move what the quarantine holds into the view."""
    for path in sorted(Path(env["GIT_OBJECT_DIRECTORY"], "pack").iterdir(), key=lambda p: p.suffix == ".idx"):
        os.chmod(path, 0o444)
        shutil.move(path, view / "objects/pack" / path.name)


def take_pack(view: Path, pack: bytes, env: Mapping[str, str]) -> None:
    """Index a pack from a push into the quarantine; thin packs are completed from the view.

    Raises:
        GitFailed: it is no whole pack.
        YettError: it unpacks to more than one session may bring.
    """
    git(view, *_INDEX_PACK, stdin=pack, env=env)
    _bounded(view, env)


def _bounded(view: Path, env: Mapping[str, str]) -> None:
    """Some kilobytes unpack to gigabytes of zeros, and what is translated is read whole."""
    alone = {name: value for name, value in env.items() if name != "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
    words = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectsize)")
    sizes = [int(size) for size in git(view, *words, env=alone).split()]
    if sizes and (max(sizes) > MAX_OBJECT or sum(sizes) > MAX_OBJECTS):
        raise YettError(
            f"the commits unpack to more than {MAX_OBJECTS >> 20} MB, or a file of them to {MAX_OBJECT >> 20} MB",
            "leave large files out of git",
        )


def fetch_objects(
    gitdir: Path, view: Path, objects: Path, objects_inside: str, tips: list[Oid], env: Mapping[str, str]
) -> None:
    """Bring into the quarantine what the tips need and the view does not have. `objects` are what gitdir borrows."""
    known = git(view, "for-each-ref", "--format=^%(objectname)").decode().split()
    revisions = "\n".join([*tips, *known]).encode() + b"\n"
    command = [
        "bwrap", "--unshare-all", "--die-with-parent", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin",
        "--setenv", "GIT_CONFIG_NOSYSTEM", "1", "--setenv", "HOME", "/", "--ro-bind", "/usr", "/usr",
        "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", str(gitdir), "/repository",
        "--ro-bind", str(objects), objects_inside, "--chdir", "/",
        "git", "-c", "safe.directory=*", "--git-dir=/repository", "pack-objects", "--revs", "--stdout", "-q", "--thin",
    ]  # fmt: skip
    with tempfile.TemporaryFile() as wanted, tempfile.TemporaryFile() as said:
        wanted.write(revisions)
        wanted.seek(0)
        packing = subprocess.Popen(command, stdin=wanted, stdout=subprocess.PIPE, stderr=said, env=environment())
        assert packing.stdout is not None
        try:
            git(view, *_INDEX_PACK, stdin=packing.stdout, env=env, beside=(packing.pid,))
        except (GitFailed, GitStalled) as error:
            said.seek(0)
            told = said.read(300).decode(errors="replace") or error.what
            raise GitFailed(f"the session's commits could not be read: {told}") from error
        finally:
            packing.stdout.close()
            packing.kill()
            packing.wait()
    _bounded(view, env)


def _acceptable(name: str) -> bool:
    return (
        bool(_NAME.fullmatch(name)) and not re.search(r"\.\.|//|@\{|\.lock(/|$)|/\.|\.$|/$", name) and len(name) < 250
    )


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below, without following a link."""
    for base, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not Path(base, name).is_symlink()]
        for name in names:
            yield Path(base, name)


def _text(path: Path) -> str:
    """A regular file's text; "" for anything else. Never follows a link, never blocks on a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return file.read(MAX_FILE).decode(errors="replace")
