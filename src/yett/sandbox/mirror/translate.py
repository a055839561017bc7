"""Commits made inside -> commits of the real repository.

Four rules. A placeholder turns back into its secret only in a path where a parent commit has it, or that a removed
path had (a rename), and no more often than there. A secret that turned back is found there by a scan, as it was before:
or the next session would see it in clear. A raw secret in a new object is refused. Placeholders in messages become
"[masked]". Signatures made inside are dropped: they sign other ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from yett.model.errors import YettError
from yett.sandbox.mirror.known import STAYS, UNKNOWN, hides_committed
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import Oid, Reader, lines, object_id, tree_body, tree_entries

Tree = dict[bytes, tuple[bytes, Oid]]
Place = tuple[bytes, Oid]
"""A path, and the file that a commit has there."""
Objects = dict[Oid, tuple[str, bytes]]
"""Type and body of what is to be stored, by id."""
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
        self._holds: dict[Oid, Counter[bytes]] = {}
        self._known: set[tuple[Oid, bytes, frozenset[Place]]] = set()
        self.translated: Objects = {}

    def close(self) -> None:
        self._read.close()

    def tip(self, tip: Oid, known: Iterable[Oid]) -> None:
        """Translate everything that a tip reaches and the known tips do not: all of it or nothing.

        Raises:
            TranslationRefused: a raw secret, a placeholder where its secret never was, or a secret that no scan would
                find any more.
        """
        count, mark = len(self.translated), self._names.mark()
        try:
            self._commits(tip, known)
            self._tag(tip)
        except BaseException:
            self._names.forget(mark)
            while len(self.translated) > count:
                self.translated.popitem()
            raise

    def _commits(self, tip: Oid, known: Iterable[Oid]) -> None:
        """Parents first."""
        wanted = "\n".join([tip, *("^" + oid for oid in known)]).encode()
        order = ("rev-list", "--topo-order", "--reverse", "--stdin")
        for oid in lines(self._source, *order, stdin=wanted, env=self._env):
            if not self._names.knows_inside(oid):
                self._commit(oid)

    def _tag(self, oid: Oid) -> None:
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
        if not has:
            return self._keep("blob", body, oid)
        places = [(where, known) for known in before]
        if has - self._most(places):
            places += self._moved(oid, has, moved.value())
        if has - self._most(places):
            raise TranslationRefused(
                f"{commit[:12]} {where.decode(errors='replace')}: a masked value was copied to a new place",
                "write what the code needs without the secret; a person can put the secret there",
            )
        real = self._masks.unmask(body)
        self._refuse_hidden(real, (oid, where, frozenset(places)), commit)
        return self._keep("blob", real, oid)

    def _refuse_hidden(self, real: bytes, case: tuple[Oid, bytes, frozenset[Place]], commit: Oid) -> None:
        """Each case is looked at once: a file that comes and goes in a thousand commits costs one scan."""
        oid, where, places = case
        if case in self._known:
            return
        secrets = {self._masks.unmask(held) for held in self._held(oid)}
        earlier = ((_text(path), self._masks.unmask(self._read(known)[1])) for path, known in places)
        if hides_committed(_text(where), earlier, real, secrets):
            raise TranslationRefused(f"{commit[:12]} {where.decode(errors='replace')}: {UNKNOWN}", STAYS)
        self._known.add(case)

    def _moved(self, oid: Oid, has: Iterable[bytes], lost: Mapping[bytes, list[Place]]) -> list[Place]:
        """Where a renamed file may have its placeholders from: the same file, if it was one."""
        places = list(dict.fromkeys(place for each in has for place in lost.get(each, ())))
        return [place for place in places if place[1] == oid] or places

    def _most(self, places: Iterable[Place]) -> Counter[bytes]:
        """Of each placeholder, as many as one of these files has."""
        most: Counter[bytes] = Counter()
        for _, oid in places:
            most |= self._held(oid)
        return most

    def _lost(self, tree: Oid, parents: Iterable[Oid]) -> dict[bytes, list[Place]]:
        """By placeholder: the files that the parents have and this tree has not, where a rename may take it from."""
        found: dict[bytes, list[Place]] = {}
        for place in self._gone(tree, parents, b""):
            for placeholder in self._held(place[1]):
                found.setdefault(placeholder, []).append(place)
        return found

    def _gone(self, tree: Oid | None, parents: Iterable[Oid], path: bytes) -> Iterator[Place]:
        here = self._tree(tree) if tree else {}
        for parent in parents:
            if parent == tree:
                continue
            for name, (mode, oid) in self._tree(parent).items():
                now = here.get(name)
                if mode == _GITLINK or (now and now[1] == oid):
                    continue
                if mode == _SUBTREE:
                    below = now[1] if now and now[0] == _SUBTREE else None
                    yield from self._gone(below, [oid], path + name + b"/")
                elif not now:
                    yield path + name, oid

    def _held(self, oid: Oid) -> Counter[bytes]:
        if oid not in self._holds:
            self._holds[oid] = self._masks.placeholders_in(self._read(oid)[1])
        return self._holds[oid]

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


_Lost = dict[bytes, list[Place]]


class _Once:
    """A value that is worked out only if it is asked for, and only once."""

    def __init__(self, work: Callable[[], _Lost]) -> None:
        self._work = work
        self._value: _Lost | None = None

    def value(self) -> _Lost:
        if self._value is None:
            self._value = self._work()
        return self._value


def _text(path: bytes) -> str:
    return path.decode(errors="surrogateescape")


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
