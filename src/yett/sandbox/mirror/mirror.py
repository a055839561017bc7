"""One session's mirror: made at its start, fetched and pushed through while it runs, brought home at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from yett.inventory.git_places import refuse_strange, refuse_strange_inside
from yett.inventory.history import made_inside
from yett.model.errors import YettError
from yett.sandbox.mirror import incoming, jobs
from yett.sandbox.mirror.attach import attach
from yett.sandbox.mirror.export import export, git_directory, real_refs
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import ZERO, GitFailed, Oid, git, present, text_of, write_objects
from yett.sandbox.mirror.restage import restage
from yett.sandbox.mirror.translate import Objects, Translation, TranslationRefused

OBJECTS_INSIDE = "/run/yett/view/objects"


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """What the mirror knows of one ref of a push, with ids as the agent sees them.

    `contains`: the new tip has the old one among its ancestors. `workflow`: a commit of the push touches files that CI
    runs. `triggers`: the new tip holds CI files that use secrets.
    """

    ref: str
    old: Oid
    new: Oid
    contains: bool
    workflow: bool
    triggers: bool


class Mirror:
    """The masked repository of one workspace. Its methods block; callers use a thread."""

    def __init__(self, real: Path, folder: Path, masks: Masks, session: str, agent: str = "agent") -> None:
        self.real = real
        self.made: list[Oid] = []
        """The commits that were made inside and came out, by their real ids."""
        self.view = folder / "view.git"
        self.gitdir = folder / "git"
        self._folder = folder
        self._masks = masks
        self._session = session
        self._agent = agent
        self._names = IdMap(folder / "ids")
        self._tips: list[Oid] = []
        self._start: dict[str, Oid] = {}
        self._lock = threading.Lock()

    @property
    def objects(self) -> Path:
        """The objects that the sandbox may read: the view's, or the real ones if none of them is masked."""
        return self.view / "objects" if self._masks else git_directory(self.real) / "objects"

    def make(self) -> None:
        """Export and attach. `gitdir` is what the sandbox sees as `.git`."""
        refuse_strange(self.real)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tips = export(self.real, self.view, self._masks, self._names)
        attach(self.real, self.view, self.gitdir, self._masks, self._names, OBJECTS_INSIDE)
        self._start = real_refs(self.real)

    def refresh(self) -> None:
        """Bring what the real repository gained (a fetch of its remote) into the view."""
        with self._lock:
            self._tips = export(self.real, self.view, self._masks, self._names, self._tips)

    # ---- push

    def push(
        self,
        commands: Iterable[tuple[str, Oid, Oid]],
        pack: bytes,
        decide: Callable[[list[RefUpdate]], None],
        send: Callable[[list[tuple[str, Oid, Oid]]], None],
    ) -> None:
        """Take a push of the workspace's remote: check, let `decide` refuse, translate, `send` on with real ids.

        `commands` are (ref, old, new); `decide` raises to refuse; `send` gets (ref, old, new) in real ids and raises if
        the real remote says no. Nothing is kept unless all of it worked.
        """
        wanted = list(commands)
        with self._lock, incoming.quarantine(self.view, self._folder) as env:
            if pack:
                incoming.take_pack(self.view, pack, env)
            updates = [self._describe(ref, old, new, env) for ref, old, new in wanted]
            decide(updates)
            self._translate([new for _, _, new in wanted if new != ZERO], env)
            send([(ref, self._names.real(old), self._names.real(new)) for ref, old, new in wanted])
            incoming.accept(self.view, env)
            self._move_view(wanted)

    def _describe(self, ref: str, old: Oid, new: Oid, env: dict[str, str]) -> RefUpdate:
        if new == ZERO:
            return RefUpdate(ref, old, new, contains=False, workflow=False, triggers=False)
        self._connected(new, env)
        contains = old != ZERO and self._is_ancestor(old, new, env)
        triggers = jobs.starts_jobs(self.view, new, env)
        return RefUpdate(ref, old, new, contains, jobs.touches_ci(self.view, old, new, env), triggers)

    def _connected(self, new: Oid, env: dict[str, str]) -> None:
        """Everything that the new tip needs is here; git would take a pack with holes."""
        git(self.view, "rev-list", "--objects", "--quiet", new, "--not", "--all", env=env)

    def _is_ancestor(self, old: Oid, new: Oid, env: dict[str, str]) -> bool:
        try:
            git(self.view, "merge-base", "--is-ancestor", old, new, env=env)
        except GitFailed:
            return False
        return True

    def _move_view(self, commands: list[tuple[str, Oid, Oid]]) -> None:
        text = "".join(f"delete {ref}\n" if new == ZERO else f"update {ref} {new}\n" for ref, _, new in commands)
        git(self.view, "update-ref", "--stdin", stdin=text.encode())

    # ---- the end of the session

    def bring_home(self) -> list[str]:
        """Import the session's local commits into the real repository; what happened, in words.

        A branch that nobody moved outside moves; otherwise its commits stand at refs/yett/SESSION/. What a rewrite or a
        deletion would have dropped is kept there too, so nothing is lost by it.

        Raises:
            StrangeRepository: in one of the two is a pipe or a device, at which git would wait for ever.
        """
        refuse_strange(self.real)
        refuse_strange_inside(self.gitdir)
        with self._lock, incoming.quarantine(self.view, self._folder) as env:
            refs = incoming.read_refs(self.gitdir)
            stashes = incoming.stash_entries(self.gitdir)
            here = present(self.view, {*refs.values(), *(oid for oid, _ in stashes)})
            stashes = [row for row in stashes if row[0] not in here]
            tips = sorted({oid for oid in refs.values() if oid not in here} | {oid for oid, _ in stashes})
            refused: dict[Oid, TranslationRefused] = {}
            if tips:
                incoming.fetch_objects(self.gitdir, self.view, self.objects, OBJECTS_INSIDE, tips, env)
                objects, refused = self._translated(tips, env)
                self._keep(objects)
            said = self._keep_refused(refs, refused, env)
            incoming.accept(self.view, env)
            said += self._move_branches(refs, {name for name, oid in refs.items() if oid in refused})
            said += self._store_stashes([row for row in stashes if row[0] not in refused])
            said += self._move_head()
            said += restage(self.real, self.view, self.gitdir, self._masks, self._names)
        return said

    def _translate(self, tips: list[Oid], env: dict[str, str]) -> None:
        """All or nothing. Raises TranslationRefused."""
        mark = self._names.mark()
        objects, refused = self._translated(tips, env)
        for error in refused.values():
            self._names.forget(mark)
            raise error
        self._keep(objects)

    def _translated(self, tips: list[Oid], env: dict[str, str]) -> tuple[Objects, dict[Oid, TranslationRefused]]:
        """What each tip reaches, as real objects; the tips that may not cross, of which nothing is among them."""
        known = git(self.view, "for-each-ref", "--format=%(objectname)").decode().split()
        translation = Translation(self.view, self._masks, self._names, env)
        refused = {}
        try:
            for tip in tips:
                try:
                    translation.tip(tip, known)
                except TranslationRefused as error:
                    refused[tip] = error
        finally:
            translation.close()
        return translation.translated, refused

    def _keep(self, objects: Objects) -> None:
        """Store them in the real repository, then what they are called inside."""
        if self._masks or objects:
            write_objects(self.real, list(objects.values()))
            made = [oid for oid, (kind, _) in objects.items() if kind == "commit"]
            made_inside.record(git_directory(self.real), made, self._agent)
            self.made += made
            self._names.save()

    def _keep_refused(
        self, refs: dict[str, Oid], refused: dict[Oid, TranslationRefused], env: dict[str, str]
    ) -> list[str]:
        """What may not cross as commits stays as patches beside the repository, masked: no work is lost."""
        said = []
        for name, oid in sorted(refs.items()):
            if oid not in refused:
                continue
            short = name.removeprefix("refs/heads/").removeprefix("refs/")
            patch = git_directory(self.real) / "yett" / f"{self._session}-{short.replace('/', '-')}.patch"
            patch.parent.mkdir(mode=0o700, exist_ok=True)
            commits = git(self.view, "format-patch", "--stdout", oid, "--not", "--all", env=env)
            patch.write_bytes(self._masks.mask(commits))
            why = refused[oid]
            said.append(f"{short}: not brought home. {why.what} ({why.remedy}); its commits are patches in {patch}")
        return said

    def _move_branches(self, refs: dict[str, Oid], left: set[str]) -> list[str]:
        """Every branch and tag but those that are `left` as they were."""
        said = []
        mine = {name: oid for name, oid in self._start.items() if name.startswith(("refs/heads/", "refs/tags/"))}
        here = {name: oid for name, oid in refs.items() if name.startswith(("refs/heads/", "refs/tags/"))}
        for name in sorted((mine.keys() | here.keys()) - left):
            old = mine.get(name, ZERO)
            new = self._names.real(here[name]) if name in here else ZERO
            if new != old:
                said.append(self._move_ref(name, old, new))
        return said

    def _move_ref(self, name: str, old: Oid, new: Oid) -> str:
        short = name.removeprefix("refs/heads/").removeprefix("refs/")
        aside = f"refs/yett/{self._session}/{name.removeprefix('refs/')}"
        if real_refs(self.real).get(name, ZERO) != old:
            if new == ZERO:
                return f"{short}: deleted inside, but it moved outside; left as it is"
            git(self.real, "update-ref", aside, new)
            return f"{short}: it moved outside too; the session's commits are at {aside}"
        if old != ZERO and (new == ZERO or not self._is_real_ancestor(old, new)):
            git(self.real, "update-ref", f"{aside}.before", old)
        if new == ZERO:
            git(self.real, "update-ref", "-d", name, old)
            return f"{short}: deleted; kept at {aside}.before"
        git(self.real, "update-ref", "--create-reflog", "-m", f"yett: session {self._session}", name, new, old)
        return f"{short}: now at {new[:12]}"

    def _is_real_ancestor(self, old: Oid, new: Oid) -> bool:
        try:
            git(self.real, "merge-base", "--is-ancestor", old, new)
        except GitFailed:
            return False
        return True

    def _store_stashes(self, stashes: list[tuple[Oid, str]]) -> list[str]:
        for oid, message in stashes:
            git(self.real, "stash", "store", "-m", self._masks.blank(message.encode()).decode(), self._names.real(oid))
        return [f"{len(stashes)} stash entries brought home"] if stashes else []

    def _move_head(self) -> list[str]:
        head = incoming.read_head(self.gitdir)
        now = text_of(git_directory(self.real) / "HEAD").strip().removeprefix("ref: ")
        if head.startswith("refs/heads/") and head != now and head in real_refs(self.real):
            git(self.real, "symbolic-ref", "-m", f"yett: session {self._session}", "HEAD", head)
            return [f"HEAD: on {head.removeprefix('refs/heads/')}"]
        return []


def find_repository(workspace: Path) -> Path | None:
    """The work tree whose `.git` lies in the workspace itself; None if there is none.

    Raises:
        YettError: a linked worktree or a submodule, whose git directory is elsewhere.
    """
    dot = workspace / ".git"
    if dot.is_dir():
        return workspace
    if dot.exists():
        raise YettError(
            f"{workspace} is a linked worktree or a submodule, which Yett cannot mirror yet",
            "run the agent in the main work tree",
        )
    return None
