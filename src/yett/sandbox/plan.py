"""From the daemon's answer to what the command will see, and what has to be settled when it has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from yett.model.errors import YettError
from yett.model.visible import visible
from yett.sandbox import gitglobal, gitsettle, home, nestedgit, protected, repository
from yett.sandbox.channel import Channel, Message
from yett.sandbox.cleanup import MountPoints
from yett.sandbox.masks import Masks, Overlaid
from yett.sandbox.mounts import Laid, View

Say = Callable[[str], None]
Carry = Callable[[str, int], None]


class Place(NamedTuple):
    """Where a run happens: the workspace, the person's HOME, Yett's state, the sockets to be covered.

    `project` is what is kept for the workspace, as this process sees it; `project_shown` is its path for people.
    """

    root: str
    directory: str
    person: str
    state: str
    sockets: tuple[str, ...]
    project: str
    project_shown: str


class Plan(NamedTuple):
    """One run's view, and the parts of it that outlive the command."""

    view: View
    masks: Masks
    repository: repository.Repository
    protected: protected.Protected
    mount_points: MountPoints
    began: int


def draw(place: Place, opened: Message, channel: Channel, say: Say) -> Plan:
    """Build the view of a session. Raises YettError."""
    given = {mask["path"]: mask["masked"] for mask in opened.get("masks", ())}
    folder = opened["folder"]
    private = os.path.join(place.project, "home")
    home.prepare(private, place.person, frozenset(given))
    git = opened.get("git") or {}
    for notice in gitglobal.write(private, place.person, place.root, given, git.get("config", {})):
        say(notice)
    repo = repository.prepare(place.root, folder, git.get("gitdir"), given)
    kept_back = protected.prepare(place.root, os.path.join(place.project, "kept"), given)
    mount_points = MountPoints(place.project, kept_back.created)
    # what lies in a git directory that is replaced, or in a protected folder, has its copy already
    taken = [repo.dotgit] if git.get("gitdir") else []
    taken += [laid.target for laid in (*kept_back.laid, *(Laid(f.copy, f.path) for f in repo.files))]
    files, shown = _masked(place, private, given, taken, _unmask(channel, str(opened["session"]), say))
    laid_masks = (*(Laid(file.copy, file.path) for file in files), *shown)
    folders = tuple((laid.target, laid.source) for laid in kept_back.laid if os.path.isdir(laid.source))
    over = (*repo.laid, *kept_back.laid, *laid_masks)
    hidden = (*place.sockets, *((place.state,) if place.state.startswith(place.root + "/") else ()))
    objects = Laid(git["objects"], git["objects_inside"], writable=False) if git.get("objects") else None
    view = View(place.root, place.directory, place.person, private, folder, opened["ca"], over, hidden, objects)
    return Plan(
        view, Masks((*repo.files, *kept_back.files, *files), folders), repo, kept_back, mount_points, time.time_ns()
    )


def settle(plan: Plan, place: Place, say: Say) -> None:
    """After the command has ended, and everything inside with it."""
    alone = plan.mount_points.is_last()
    for path in plan.masks.finish(alone):
        say(
            f"{visible(path)} was removed and remade, and still holds placeholders: another run could read it. "
            "End that run, then save the file again inside one."
        )
    kept = os.path.join(place.project, "kept")
    gitsettle.settle(plan.repository, kept, say)
    nestedgit.settle(place.root, plan.began, kept, say)
    protected.settle(place.root, kept, os.path.join(place.project_shown, "kept"), plan.protected, say)
    plan.mount_points.release()


def _masked(
    place: Place, private: str, given: dict[str, str], taken: list[str], carry: Carry
) -> tuple[list[Overlaid], list[Laid]]:
    """Masked files whose edits are carried out, and masked files that are only shown.

    Carried out are edits in the workspace and of a client's own login, which rotates. Anything else of the person's is
    not the agent's to change: a masked `~/.bashrc` would otherwise be a way to write the real one.
    """
    logins = {os.path.join(place.person, name) for name in home.LOGINS}
    files, shown = [], []
    for path, copy in given.items():
        if any(path == over or path.startswith(over + "/") for over in taken):
            continue
        if path.startswith(place.root + "/"):
            files.append(Overlaid(path, copy, place.root, os.path.relpath(path, place.root), carry, True))
        elif path in logins:
            below = os.path.relpath(path, place.person)
            files.append(Overlaid(path, copy, private, below, lambda path, _: carry(path, -1), True))
        else:
            shown.append(Laid(copy, path, writable=False))
    return files, shown


def _unmask(channel: Channel, session: str, say: Say) -> Carry:
    """Ask the daemon to turn a copy's placeholders back and write the real file, which goes with the request.

    A descriptor, not a path: the agent could put a link in the path's way and have the secret written elsewhere.
    """

    def carry(path: str, real: int) -> None:
        message = {"verb": "run.unmask", "session": session, "path": path}
        try:
            channel.call(message, (real,) if real >= 0 else (), say)
        except YettError as error:
            say(f"the edit of {visible(path)} was not carried out of the sandbox: {error.what}")

    return carry
