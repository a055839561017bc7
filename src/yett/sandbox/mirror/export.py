"""Real repository -> view: a bare repository in which no object holds a found secret.

The lowest possible set is rewritten: a blob that holds a secret, the trees above it, the commits from there on, the
tags that name them. Everything else keeps its id and its packed delta (`--window=0` reuses deltas, and drops one whose
base is left out, instead of copying it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yett.inventory.git import read_many
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import (
    Oid,
    Reader,
    git,
    lines,
    object_id,
    text_of,
    tree_body,
    tree_entries,
    write_objects,
)

LOCAL = "refs/local/"
"""Where the view keeps the human's own refs: hidden from fetch, used to make the sandbox's repository."""

LONGEST_LOG = 64 << 20


@dataclass
class _Export:
    """One export run: what was read, what must be written."""

    real: Path
    masks: Masks
    names: IdMap
    objects: dict[str, list[Oid]]
    new: list[tuple[str, bytes]] = field(default_factory=list)
    trees: dict[Oid, bytes] = field(default_factory=dict)


def export(real: Path, view: Path, masks: Masks, names: IdMap, known: Iterable[Oid] = ()) -> list[Oid]:
    """Bring the view up to date with the real repository; the tips that it now holds.

    `known` are tips of an earlier export: what they reach is there already.
    """
    refs = real_refs(real)
    tips = sorted(set(refs.values()) | set(_stashes(real)))
    seen = set(known)
    if not view.exists():
        _make(view)
    if not masks:
        _borrow(real, view)
    elif tips and set(tips) != seen:
        run = _Export(real, masks, names, _objects(real, tips, seen))
        _mask_blobs(run)
        _rewrite_trees(run)
        _rewrite_commits(run, tips, seen)
        _rewrite_tags(run)
        _copy_rest(run, view)
        write_objects(view, run.new)
        names.save()
    _point(view, {name: names.inside(oid) for name, oid in refs.items()}, _default_branch(real))
    return tips


def real_refs(real: Path) -> dict[str, Oid]:
    """Branches, tags, remote branches and the stash; not Yett's own refs, not symbolic ones."""
    found = {}
    for line in lines(real, "for-each-ref", "--format=%(objectname) %(refname) %(symref)"):
        oid, name, *symbolic = line.split(" ")
        if not name.startswith(("refs/yett/", "refs/replace/")) and not any(symbolic):
            found[name] = oid
    return found


def _stashes(real: Path) -> list[Oid]:
    """A stash list is its reflog: older stashes are reachable from nothing else."""
    log = text_of(git_directory(real) / "logs/refs/stash", LONGEST_LOG)
    return [line.split(" ")[1] for line in log.splitlines()]


def git_directory(real: Path) -> Path:
    return Path(git(real, "rev-parse", "--absolute-git-dir").decode().rstrip("\n"))


def _objects(real: Path, tips: list[Oid], known: set[Oid]) -> dict[str, list[Oid]]:
    """Ids by type of everything that the tips reach and the known tips do not."""
    wanted = "\n".join([*tips, *("^" + oid for oid in known)]).encode()
    oids = [line.split(" ")[0] for line in lines(real, "rev-list", "--objects", "--stdin", stdin=wanted)]
    checked = lines(
        real, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin="\n".join([*oids, *tips]).encode()
    )
    found: dict[str, list[Oid]] = {"commit": [], "tree": [], "blob": [], "tag": []}
    for line in dict.fromkeys(checked):
        oid, kind = line.split(" ")
        if kind in found:
            found[kind].append(oid)
    return found


def _mask_blobs(run: _Export) -> None:
    if not run.masks:
        return
    for oid, _, body in read_many(run.real, run.objects["blob"]):
        if run.masks.holds_secret(body):
            masked = run.masks.mask(body)
            run.names.pair(oid, object_id("blob", masked))
            run.new.append(("blob", masked))


def _rewrite_trees(run: _Export) -> None:
    """Every tree that holds a changed id, directly or below; one pass over all trees finds them."""
    changed = set(run.names.changed())
    if not changed:
        return
    above: dict[Oid, list[Oid]] = {}
    hit: list[Oid] = []
    for oid, _, body in read_many(run.real, run.objects["tree"]):
        children = [child for _, _, child in tree_entries(body)]
        for child in children:
            above.setdefault(child, []).append(oid)
        if not changed.isdisjoint(children):
            hit.append(oid)
            run.trees[oid] = body
    affected = set(hit)
    while hit:
        for parent in above.get(hit.pop(), ()):
            if parent not in affected:
                affected.add(parent)
                hit.append(parent)
    missing = [oid for oid in affected if oid not in run.trees]
    run.trees.update((oid, body) for oid, _, body in read_many(run.real, missing))
    _map_trees(run, list(affected), affected)


def _map_trees(run: _Export, left: list[Oid], affected: set[Oid]) -> None:
    """The trees below a tree before it, however deep."""
    done: set[Oid] = set()
    while left:
        oid = left[-1]
        if oid in done or run.names.knows_real(oid):
            left.pop()
            continue
        entries = list(tree_entries(run.trees[oid]))
        below = {child for mode, _, child in entries if mode == b"40000" and child in affected} - done
        if first := [child for child in below if not run.names.knows_real(child)]:
            left += first
            continue
        body = tree_body((mode, name, run.names.inside(child)) for mode, name, child in entries)
        run.new.append(("tree", body))
        run.names.pair(oid, object_id("tree", body))
        done.add(oid)


def _rewrite_commits(run: _Export, tips: list[Oid], known: set[Oid]) -> None:
    wanted = "\n".join([*tips, *("^" + oid for oid in known)]).encode()
    order = lines(run.real, "rev-list", "--topo-order", "--reverse", "--stdin", stdin=wanted)
    for oid, _, body in read_many(run.real, order):
        if run.names.knows_real(oid):
            continue
        mapped = run.masks.mask(map_commit(body, run.names.inside))
        if mapped != body:
            run.new.append(("commit", mapped))
            run.names.pair(oid, object_id("commit", mapped))


def map_commit(body: bytes, rename: Callable[[Oid], Oid]) -> bytes:
    """The commit with its tree and parents renamed; every other byte as it was (no re-encoding)."""
    head, separator, message = body.partition(b"\n\n")
    mapped = []
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key in (b"tree", b"parent") and len(value) == 40:
            line = key + b" " + rename(value.decode()).encode()
        mapped.append(line)
    return b"\n".join(mapped) + separator + message


def _rewrite_tags(run: _Export) -> None:
    with Reader(run.real) as read:
        for oid in run.objects["tag"]:
            body = read(oid)[1]
            target = body[7:47].decode()
            mapped = run.masks.mask(b"object " + run.names.inside(target).encode() + body[47:])
            if mapped != body:
                run.new.append(("tag", mapped))
                run.names.pair(oid, object_id("tag", mapped))


def _copy_rest(run: _Export, view: Path) -> None:
    keep = [oid for oids in run.objects.values() for oid in oids if not run.names.knows_real(oid)]
    if keep:
        prefix = str((view / "objects/pack/pack").absolute())
        flags = ("-q", "--window=0", "--delta-base-offset")
        git(run.real, "pack-objects", *flags, prefix, stdin="\n".join(keep).encode() + b"\n")


def _make(view: Path) -> None:
    make_bare(
        view, {"receive": {"fsckObjects": "true", "autogc": "false"}, "transfer": {"hideRefs": LOCAL.rstrip("/")}}
    )


def make_bare(folder: Path, settings: Mapping[str, Mapping[str, str]]) -> None:
    """What `git init --bare` makes, without its templates and without a process: gitrepository-layout(5)."""
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    sections = {"core": {"repositoryformatversion": "0", "bare": "true"}, "gc": {"auto": "0"}, **settings}
    text = "".join(
        f"[{name}]\n" + "".join(f"\t{k} = {v}\n" for k, v in rows.items()) for name, rows in sections.items()
    )
    (folder / "config").write_text(text)


def _borrow(real: Path, view: Path) -> None:
    """Nothing has to be masked: the real objects are read where they lie, and every id is the real one."""
    (view / "objects/info/alternates").write_text(f"{git_directory(real) / 'objects'}\n")


def _point(view: Path, refs: Mapping[str, Oid], default: str) -> None:
    """What the remote shows = refs/heads and tags; the human's own refs, hidden, = refs/local."""
    wanted = {}
    for name, oid in refs.items():
        if name.startswith("refs/remotes/origin/"):
            wanted["refs/heads/" + name.removeprefix("refs/remotes/origin/")] = oid
        elif name.startswith("refs/tags/"):
            wanted[name] = oid
        wanted[LOCAL + name.removeprefix("refs/")] = oid
    stale = {
        line.split(" ")[1] for line in lines(view, "for-each-ref", "--format=%(objectname) %(refname)")
    } - wanted.keys()
    updates = [f"update {name} {oid}\n" for name, oid in wanted.items()] + [f"delete {name}\n" for name in stale]
    git(view, "update-ref", "--stdin", stdin="".join(updates).encode())
    git(view, "symbolic-ref", "HEAD", default)


def _default_branch(real: Path) -> str:
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        found = lines(real, "for-each-ref", "--format=%(symref)", name) if name != "HEAD" else []
        if found and found[0]:
            return found[0].replace("refs/remotes/origin/", "refs/heads/")
    head = text_of(git_directory(real) / "HEAD").strip()
    return head.removeprefix("ref: ") if head.startswith("ref: ") else "refs/heads/main"
