"""Before a command starts: find and record what is within its reach, lend placeholders, mask files and git."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yett.broker.placeholders import new_placeholder
from yett.broker.seal import Keys
from yett.daemon.nested import refuse_secrets_in_nested
from yett.daemon.plane import OWN, Plane
from yett.inventory import Finding, scan_workspace
from yett.inventory.git_places import refuse_strange
from yett.inventory.kept.acceptances import open_critical
from yett.model.credential import Lease
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.model.visible import visible
from yett.providers.book import ProviderBook
from yett.sandbox.home import shown
from yett.sandbox.mirror.known import UNKNOWN, hides
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.mirror import OBJECTS_INSIDE, Mirror, find_repository

Say = Callable[[str], Coroutine[None, None, None]]
FOUND = "found/"
"""Names of secrets that were found in a workspace and are lent to one session."""

NAMED, MOST_WHERE = 3, 160
SHORT = 12
"""Characters of a fingerprint that people type."""
LARGEST_MASKED = 256 << 20
"""Bytes of a file: a masked copy is made in memory, and a planted file may say that it has terabytes."""
SHORTEST_MASKED = 8
"""A shorter value would mask ordinary words; it is protected by its position only (law 3c)."""


@dataclass
class Masked:
    """What the command gets instead of secrets, and the way back."""

    environ: dict[str, str]
    masks: list[dict[str, str]] = field(default_factory=list)
    git: dict[str, str] | None = None
    leases: tuple[Lease, ...] = ()
    findings: int = 0
    variables: int = 0
    pairs: Masks = field(default_factory=lambda: Masks({}))
    mirror: Mirror | None = None
    written: dict[str, bytes] = field(default_factory=dict)
    scanned_at: int = 0
    """When the scan began (ns): what is written from then on, the watcher looks at."""

    @property
    def files(self) -> int:
        return len(self.masks)

    @property
    def git_words(self) -> str:
        return ", git history" if self.mirror is not None and self.pairs else ""

    def write_back(self, path: str, real: int) -> dict[str, Any]:  # Any: an answer of the operator protocol
        """Write an edited masked file to the real one (`real`, open for writing), its placeholders turned back.

        A placeholder that was not in this file, or more often than before, is not translated: the edit stays inside.
        So does one that takes a value's name away: the next session's scan would leave the value in clear.
        """
        mask = next((m for m in self.masks if m["path"] == path), None)
        if mask is None:
            raise YettError(f"{path} is not masked in this session")
        now = Path(mask["masked"]).read_bytes()
        if now == self.written.get(path):
            return {"ok": True, "changed": False}
        before = self.pairs.placeholders_in(self.written.get(path, b""))
        if self.pairs.placeholders_in(now) - before:
            raise YettError(f"{path}: a masked value was copied into it", "take the placeholder out")
        if self.pairs.holds_secret(now):
            raise YettError(f"{path}: it holds a raw secret", "take it out")
        new = self.pairs.unmask(now)
        if hides(path, self.pairs.unmask(self.written.get(path, b"")), new):
            raise YettError(
                f"{path}: {UNKNOWN}", "leave the name before its placeholder, and the placeholder as it stands"
            )
        _overwrite(real, new)
        self.written[path] = now
        return {"ok": True, "changed": True}

    def close(self) -> list[str]:
        """Bring home what the session left; what happened, in words."""
        said: list[str] = []
        if self.mirror is not None:
            try:
                said += self.mirror.bring_home()
            except YettError as error:
                said.append(f"git: the session's commits were not imported: {error.what}")
        return said


async def mask_everything(
    plane: Plane, session: Session, folder: Path, environ: dict[str, str], say: Say, *, strict: bool = False
) -> Masked:
    """Scan, record, lend, mask. Raises YettError: then nothing starts.

    `strict`: nothing starts either while a critical finding is accepted by nobody.
    """
    workspace, started = Path(session.workspace), time.time_ns()
    await asyncio.to_thread(refuse_strange, workspace)
    findings = await asyncio.to_thread(scan, plane.keys, plane.book, workspace, environ)
    plane.broker.known({f.credential.fingerprint: f.value for f in findings})
    await asyncio.to_thread(plane.kept.record, session.workspace, findings, started, None, session.id)
    if strict:
        await asyncio.to_thread(refuse_critical, plane, session.workspace, findings)
    if findings:
        count = "1 credential" if len(findings) == 1 else f"{len(findings)} credentials"
        await say(f"{count} within reach of {session.principal.client}: masking")
    stand_ins, leases = await asyncio.to_thread(_lend, plane, session, findings)
    pairs = Masks(stand_ins)
    await asyncio.to_thread(refuse_secrets_in_nested, workspace, pairs, plane.keys, plane.book)
    masked = Masked(_variables(environ, pairs), leases=leases, findings=len(findings), pairs=pairs, scanned_at=started)
    masked.variables = sum(masked.environ[name] != value for name, value in environ.items())
    links = frozenset(shown(str(home_of(environ))))
    await asyncio.to_thread(_mask_files, masked, findings, folder, links)
    await asyncio.to_thread(_mask_git, masked, workspace, folder, session)
    return masked


def refuse_critical(plane: Plane, workspace: str, findings: Sequence[Finding]) -> None:
    """Raises YettError: a critical finding is accepted by nobody's key (R27). No file of the workspace is asked."""
    left = open_critical(findings, plane.kept.accepted(workspace), plane.desk.clock())
    if not left:
        return
    count = "1 critical credential" if len(left) == 1 else f"{len(left)} critical credentials"
    kept = {one.fingerprint: one for one in plane.kept.list(workspace)}
    shown = [kept[one.credential.fingerprint] for one in left[:NAMED] if one.credential.fingerprint in kept]
    named = "; ".join(f"{visible(one.title)} in {visible(one.where, MOST_WHERE)}" for one in shown)
    more = f"; and {len(left) - NAMED} more" if len(left) > NAMED else ""
    raise YettError(
        f"nothing was started: {count} within reach that nobody has accepted: {named}{more}",
        f"take them out of reach, or have a person sign for each: "
        f"yett inventory accept {left[0].credential.fingerprint[:SHORT]} --reason '...'",
    )


def scan(keys: Keys, book: ProviderBook, workspace: Path, environ: Mapping[str, str]) -> Sequence[Finding]:
    """What an agent that is started here could read: the workspace, its history, the variables, what HOME shows."""
    home = home_of(environ)
    also = map(Path, shown(str(home)))
    return scan_workspace(workspace, environ=environ, home=home, history=True, keys=keys, book=book, also=also)


def home_of(environ: Mapping[str, str]) -> Path:
    """The HOME of whoever gave these variables."""
    return Path(environ.get("HOME") or "~").expanduser()


def _lend(plane: Plane, session: Session, findings: Sequence[Finding]) -> tuple[dict[bytes, bytes], tuple[Lease, ...]]:
    """A placeholder for every value: a working one where a provider's room takes it, else dead text.

    A value that the vault holds as Yett's own is never lent.
    """
    own = {kept.fingerprint for kept in plane.vault.list() if kept.purpose == OWN}
    stand_ins: dict[bytes, bytes] = {}
    leases = []
    for number, finding in enumerate(findings):
        value = finding.value.reveal()
        if len(value) < SHORTEST_MASKED or value in stand_ins:
            continue
        room = plane.book.named(finding.credential.provider)
        if room is None or not room.positions or finding.credential.fingerprint in own:
            stand_ins[value] = new_placeholder().encode()
            continue
        name = f"{FOUND}{session.id}/{number}"
        plane.vault.put(
            name,
            room.name,
            finding.credential.kind,
            finding.value,
            finding.credential.purpose,
            session.principal.owner,
            hosts=room.hosts,
            position=finding.position or room.positions[0],
            environment=session.task.environment,
        )
        lease = plane.broker.lease(session, name)
        leases.append(lease)
        stand_ins[value] = lease.placeholder.encode()
    return stand_ins, tuple(leases)


def _variables(environ: dict[str, str], pairs: Masks) -> dict[str, str]:
    """Names stay; only the secret part of a value changes."""
    encoded = {name: value.encode("utf-8", "surrogateescape") for name, value in environ.items()}
    return {name: pairs.mask(value).decode("utf-8", "surrogateescape") for name, value in encoded.items()}


def _mask_files(masked: Masked, findings: Sequence[Finding], folder: Path, links: Collection[str]) -> None:
    """A masked copy of every file that holds a finding; the sandbox lays it over the file.

    Only `links` are followed, which are the person's own: one in the workspace could lead to a file that is not shown.
    """
    target = folder / "masked"
    target.mkdir(mode=0o700)
    paths = {location.path for f in findings for location in f.credential.locations if location.source == "file"}
    for number, path in enumerate(sorted(paths)):
        real = Path(path)
        if not real.is_file() or (real.is_symlink() and path not in links):
            continue
        if real.stat().st_size > LARGEST_MASKED:
            size = LARGEST_MASKED >> 20
            raise YettError(
                f"{path} holds a credential and is larger than {size} MB: it cannot be masked", "move it away"
            )
        content = masked.pairs.mask(real.read_bytes())
        copy = target / str(number)
        copy.write_bytes(content)
        copy.chmod(real.stat().st_mode & 0o777 | 0o600)
        masked.written[path] = content
        masked.masks.append({"path": path, "masked": str(copy)})


def _mask_git(masked: Masked, workspace: Path, folder: Path, session: Session) -> None:
    real = find_repository(workspace)
    if real is None:
        return
    masked.mirror = Mirror(real, folder / "mirror", masked.pairs, session.id, session.principal.client)
    masked.mirror.make()
    masked.git = {
        "gitdir": str(masked.mirror.gitdir),
        "objects": str(masked.mirror.objects),
        "objects_inside": OBJECTS_INSIDE,
    }


def _overwrite(descriptor: int, content: bytes) -> None:
    """Write the real file in place: its owner, mode and links stay."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.truncate(descriptor, 0)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
