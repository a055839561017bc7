"""Commits made inside -> commits of the real repository.

Three rules. A placeholder turns back into its secret only in a path where a parent commit has it, or that a removed
path had (a rename), and no more often than there. A raw secret in a new object is refused. Placeholders in messages
become "[masked]". Signatures made inside are dropped: they sign other ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from yett.model.errors import YettError
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import Oid, Reader, lines, object_id, tree_body, tree_entries

Tree = dict[bytes, tuple[bytes, Oid]]
_SUBTREE, _GITLINK = b"40000", b"160000"


class TranslationRefused(YettError):
    """A commit that may not cross: it names the commit and the path."""


class Translation:
    """One import. `translated` collects the real objects to store, by real id."""

    def __init__(self, source: Path, masks: Masks, names: IdMap, env: Mapping[str, str] | None = None) -> None:
        self._source = source
        self._env = env
        self._masks = masks
        self._names = names
        self._read = Reader(source, env)
        self._trees: dict[Oid, Tree] = {}
        self.translated: dict[Oid, tuple[str, bytes]] = {}

    def close(self) -> None:
        self._read.close()

    def commits(self, tips: Iterable[Oid], known: Iterable[Oid]) -> None:
        """Translate everything that the tips reach and the known tips do not, parents first.

        Raises:
            TranslationRefused: a raw secret, or a placeholder where its secret never was.
        """
        wanted = "\n".join([*tips, *("^" + oid for oid in known)]).encode()
        order = ("rev-list", "--topo-order", "--reverse", "--stdin")
        for oid in lines(self._source, *order, stdin=wanted, env=self._env):
            if not self._names.knows_inside(oid):
                self._commit(oid)

    def tag(self, oid: Oid) -> None:
        """Translate an annotated tag; anything else is left alone."""
        kind, body = self._read(oid)
        if kind != "tag":
            return
        target = self._names.real(body[7:47].decode())
        real = self._masks.blank(b"object " + target.encode() + _without_signature(body[47:]))
        self._refuse_secret(real, f"tag {oid[:12]}")
        self._keep("tag", real, oid)

    def _commit(self, oid: Oid) -> None:
        body = self._read(oid)[1]
        head, _, message = body.partition(b"\n\n")
        tree, parents = _tree_and_parents(head)
        roots = [_tree_and_parents(self._read(parent)[1].partition(b"\n\n")[0])[0] for parent in parents]
        moved = _Once(lambda: self._lost(tree, roots))
        real_tree = self._back(tree, roots, b"", moved, oid)
        mapped = []
        for line in _unsigned(head):
            key, _, value = line.partition(b" ")
            if key == b"tree":
                line = b"tree " + real_tree.encode()
            elif key == b"parent":
                line = b"parent " + self._names.real(value.decode()).encode()
            mapped.append(line)
        real = b"\n".join(mapped) + b"\n\n" + self._masks.blank(message)
        self._refuse_secret(real, f"the message of {oid[:12]}")
        self._keep("commit", real, oid)

    def _back(self, tree: Oid, parents: list[Oid], path: bytes, moved: _Once, commit: Oid) -> Oid:
        """The tree with real ids, given the same directory in the parent commits."""
        if tree in parents:
            return self._names.real(tree)
        entries = []
        for name, (mode, oid) in self._tree(tree).items():
            before = [entry for parent in parents if (entry := self._tree(parent).get(name))]
            where = path + name
            if mode == _GITLINK or oid in [known for _, known in before]:
                real = self._names.real(oid)
            elif mode == _SUBTREE:
                below = [known for kind, known in before if kind == _SUBTREE]
                real = self._back(oid, below, where + b"/", moved, commit)
            else:
                real = self._blob(oid, [known for kind, known in before if kind != _SUBTREE], where, moved, commit)
            entries.append((mode, name, real))
        return self._keep("tree", tree_body(entries), tree)

    def _blob(self, oid: Oid, before: list[Oid], where: bytes, moved: _Once, commit: Oid) -> Oid:
        body = self._read(oid)[1]
        self._refuse_secret(body, f"{commit[:12]} {where.decode(errors='replace')}")
        has = self._masks.placeholders_in(body)
        if has:
            allowed: Counter[bytes] = Counter()
            for known in before:
                allowed |= self._held(known)
            if has - allowed:
                allowed |= moved.value()
            if has - allowed:
                raise TranslationRefused(
                    f"{commit[:12]} {where.decode(errors='replace')}: a masked value was copied to a new place",
                    "write what the code needs without the secret; a person can put the secret there",
                )
        return self._keep("blob", self._masks.unmask(body), oid)

    def _lost(self, tree: Oid | None, parents: Iterable[Oid]) -> Counter[bytes]:
        """Placeholders of files that the parents have and this tree has not: where a rename may take them from."""
        found: Counter[bytes] = Counter()
        here = self._tree(tree) if tree else {}
        for parent in parents:
            if parent == tree:
                continue
            for name, (mode, oid) in self._tree(parent).items():
                now = here.get(name)
                if mode == _GITLINK or (now and now[1] == oid):
                    continue
                if mode == _SUBTREE:
                    found |= self._lost(now[1] if now and now[0] == _SUBTREE else None, [oid])
                elif not now:
                    found |= self._held(oid)
        return found

    def _held(self, oid: Oid) -> Counter[bytes]:
        return self._masks.placeholders_in(self._read(oid)[1])

    def _tree(self, oid: Oid) -> Tree:
        if oid not in self._trees:
            self._trees[oid] = {name: (mode, child) for mode, name, child in tree_entries(self._read(oid)[1])}
        return self._trees[oid]

    def _keep(self, kind: str, body: bytes, inside: Oid) -> Oid:
        real = object_id(kind, body)
        self.translated[real] = (kind, body)
        self._names.pair(real, inside)
        return real

    def _refuse_secret(self, body: bytes, where: str) -> None:
        if self._masks.holds_secret(body):
            raise TranslationRefused(f"{where}: it holds a raw secret", "take the secret out of it")


class _Once:
    """A value that is worked out only if it is asked for, and only once."""

    def __init__(self, work: Callable[[], Counter[bytes]]) -> None:
        self._work = work
        self._value: Counter[bytes] | None = None

    def value(self) -> Counter[bytes]:
        if self._value is None:
            self._value = self._work()
        return self._value


def _tree_and_parents(head: bytes) -> tuple[Oid, list[Oid]]:
    tree, parents = "", []
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode()
        elif key == b"parent":
            parents.append(value.decode())
    return tree, parents


def _unsigned(head: bytes) -> list[bytes]:
    """Header lines without gpgsig and its continuation lines."""
    kept, skipping = [], False
    for line in head.split(b"\n"):
        skipping = line.startswith(b"gpgsig") or (skipping and line.startswith(b" "))
        if not skipping:
            kept.append(line)
    return kept


def _without_signature(body: bytes) -> bytes:
    for marker in (b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN SSH SIGNATURE-----"):
        if (at := body.find(b"\n" + marker)) >= 0:
            return body[: at + 1]
    return body
