"""git over smart HTTP (gitprotocol-http(5)) -> GitRef operations: one a ref that a push creates, moves or deletes.

The pkt-lines say old, new and ref. Whether `new` contains `old`, whose remote it is, and what a push starts there, is
the caller's knowledge (`GitKnowledge`); without it a move counts as forced, the remote as somebody else's, and every
branch as one that starts jobs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.model.http import HttpRequest
from yett.model.operation import UNKNOWN_COST, Amount, GitRef, Operation
from yett.operations import shown
from yett.operations.classified import Classified
from yett.operations.coding import MAX_DECODED, payload, single
from yett.operations.pkt_line import Command, Push, is_fetch, read_push
from yett.operations.query_string import parse_query

WIRE = "git"
_FETCH_LIMIT = 4 << 20
_SHOWN = 4
_SERVICE = re.compile(r"(/[^?#]*?)/(info/refs|git-upload-pack|git-receive-pack)")
_REPOSITORY = re.compile(r"(?:/[A-Za-z0-9._~+@-]{1,100}){1,12}")
_PROTECTED = re.compile(
    r"refs/heads/(?:main|master|trunk|default|prod|production|live|stable|gh-pages|(?:release|releases|hotfix)(?:/.+|-.+)?)"
)


@dataclass(frozen=True, slots=True)
class GitKnowledge:
    """What the wire itself does not say. Each answers None where it does not know.

    `own(remote)`: the workspace's own remote. `contains(new, old)`: new has old among its ancestors. `triggers(remote,
    ref)`: a push to it starts a job with secrets. `workflow(old, new)`: it touches files that configure such jobs.
    """

    own: Callable[[str], bool] = lambda remote: False
    contains: Callable[[str, str], bool | None] = lambda new, old: None
    triggers: Callable[[str, str], bool | None] = lambda remote, ref: None
    workflow: Callable[[str, str], bool | None] = lambda old, new: None
    protected: Callable[[str, str], bool] = lambda remote, ref: False


NOTHING_KNOWN = GitKnowledge()


def classify_git(request: HttpRequest, knowledge: GitKnowledge = NOTHING_KNOWN) -> Classified | None:
    """Read a request if it is git's, else None.

    Raises:
        Unreadable: a push that is not what git sends, or one whose head cannot be read.
    """
    found = _SERVICE.fullmatch(request.path)
    if found is None or not _REPOSITORY.fullmatch(found[1]):
        return None
    remote = f"https://{request.host}{found[1].removesuffix('.git')}"
    match request.method, found[2]:
        case "GET", "info/refs":
            return _discovery(request, remote)
        case "POST", "git-upload-pack" if _is_fetch(request):
            return _reading(request, remote, "git:fetch")
        case "POST", "git-receive-pack":
            return _push(request, remote, knowledge)
    return None


def _discovery(request: HttpRequest, remote: str) -> Classified | None:
    if request.body != b"" or parse_query(request.query).get("service") not in ("git-upload-pack", "git-receive-pack"):
        return None
    return _reading(request, remote, "git:ls-remote")


def _is_fetch(request: HttpRequest) -> bool:
    """Only what a fetch says: otherwise this would be a POST of anything to anyone, passing as a read."""
    if request.body is None or single(request, "content-type") != "application/x-git-upload-pack-request":
        return False
    return is_fetch(payload(request, _FETCH_LIMIT))


def _reading(request: HttpRequest, remote: str, action: str) -> Classified:
    operation = Operation(action, Effect.READ, Recovery.AUTOMATIC, GitRef(remote, ""), WIRE)
    return Classified((operation,), None, request.query, f"git: {action[4:]} {shown.path(remote)}")


def _push(request: HttpRequest, remote: str, knowledge: GitKnowledge) -> Classified:
    if single(request, "content-type") != "application/x-git-receive-pack-request":
        raise Unreadable("The push does not have git's content type", "Push with git.")
    push = read_push(payload(request, max(MAX_DECODED, len(request.body or b""))))
    if push.certificate:
        operations: tuple[Operation, ...] = (_unknown(remote),)
    elif not push.commands:
        # git sends an empty push first, to see whether it may authenticate.
        return _reading(request, remote, "git:probe")
    else:
        operations = tuple(_operation(command, push, remote, knowledge) for command in push.commands)
    names = ", ".join(_named(operation) for operation in operations[:_SHOWN])
    more = f" and {len(operations) - _SHOWN} more" if len(operations) > _SHOWN else ""
    return Classified(operations, None, request.query, f"git: push to {shown.path(remote)}: {names}{more}")


def _operation(command: Command, push: Push, remote: str, knowledge: GitKnowledge) -> Operation:
    change = _change(command, knowledge)
    workflow = not command.deletes and knowledge.workflow(command.old, command.new) is not False
    target = GitRef(
        remote=remote,
        ref=command.ref,
        change=change,
        own=knowledge.own(remote),
        protected=_PROTECTED.fullmatch(command.ref) is not None or knowledge.protected(remote, command.ref),
        # Push options may open and merge requests on the server, and start what they start.
        triggers=bool(push.options) or knowledge.triggers(remote, command.ref) is not False,
        workflow=workflow,
    )
    destroys = change in ("force", "delete")
    return Operation(
        action="git:push",
        effect=Effect.ADMIN if workflow else Effect.DELETE if destroys else Effect.WRITE,
        recovery=Recovery.FROM_BACKUP if destroys else Recovery.AUTOMATIC,
        target=target,
        wire=WIRE,
        parameters={"old": command.old, "new": command.new, "options": list(push.options)},
        cost=Amount(deletes=1 if destroys else 0),
    )


def _change(command: Command, knowledge: GitKnowledge) -> str:
    if command.deletes:
        return "delete"
    if command.ref.startswith("refs/tags/"):
        return "tag"
    if command.creates:
        return "create"
    return "fast-forward" if knowledge.contains(command.new, command.old) is True else "force"


def _unknown(remote: str) -> Operation:
    cost = Amount(deletes=UNKNOWN_COST)
    return Operation("git:signed-push", Effect.UNKNOWN, Recovery.UNKNOWN, GitRef(remote, ""), WIRE, cost=cost)


def _named(operation: Operation) -> str:
    target = operation.target
    return f"{target.change} {shown.path(target.ref)}".strip() if isinstance(target, GitRef) else operation.action
