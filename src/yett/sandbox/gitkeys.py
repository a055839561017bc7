"""Which git configuration may enter a sandbox, and which may leave it.

Into the sandbox goes what git needs to behave as usual; programs and sockets of the host and anything that carries a
credential stay outside. Out comes only what describes branches and remotes: every key that names a program would run on
the host, with the person's rights, at their next git command.
"""

from __future__ import annotations

from yett.sandbox.gitconfig import Entry


def may_enter(entry: Entry) -> bool:
    """Whether an entry of the host's configuration is copied into the sandbox."""
    section, subsection, key, value = entry
    if section in ("http", "https"):
        return not subsection and key in _HTTP_KEYS
    if section == "filter":
        return subsection == "lfs"
    if section == "submodule":
        return not (key == "update" and (value or "").startswith("!"))
    if section == "remote":
        return key in _REMOTE_ENTERS
    if section == "core":
        return key in _CORE_KEYS
    return section in _SECTIONS and key not in ("gpgsign", "signingkey", "external", "command", "cmd", "credentials")


def may_leave(entry: Entry) -> bool:
    """Whether an entry that the sandbox wrote is merged into the host's configuration."""
    section, subsection, key, value = entry
    if value is None or any(ord(letter) < 32 for letter in (*value, *subsection)):
        return False
    if section == "remote" and subsection:
        return key in _REMOTE_LEAVES and (key not in ("url", "pushurl") or _is_plain_address(value))
    if section == "branch" and subsection:
        return key in ("remote", "merge", "rebase", "pushremote", "description")
    if section == "submodule" and subsection:
        return key in ("active", "branch") or (key == "url" and _is_plain_address(value))
    return (section, key) in _LEAVES


def _is_plain_address(value: str) -> bool:
    """A URL or path that only moves data: no `helper::` transport, nothing that reads as an option."""
    scheme, separator, _ = value.partition("://")
    if separator:
        return scheme in ("https", "http", "ssh", "git", "file")
    return bool(value) and not value.startswith("-") and "::" not in value


_CORE_KEYS = frozenset((
    "repositoryformatversion", "filemode", "bare", "logallrefupdates", "ignorecase", "precomposeunicode",
    "symlinks", "autocrlf", "eol", "safecrlf", "hookspath", "excludesfile", "attributesfile", "worktree",
    "sparsecheckout", "sparsecheckoutcone", "quotepath", "whitespace", "abbrev", "untrackedcache", "preloadindex",
    "multipackindex", "commitgraph", "editor", "pager", "longpaths", "protecthfs", "protectntfs", "compression",
    "checkstat", "trustctime", "splitindex", "bigfilethreshold", "sharedrepository", "warnambiguousrefs",
    "commentchar", "maxtreedepth",
))  # fmt: skip
_SECTIONS = frozenset((
    "branch", "user", "author", "committer", "pull", "push", "fetch", "rebase", "merge", "diff", "color", "status",
    "log", "init", "advice", "rerere", "stash", "blame", "column", "gc", "pack", "index", "feature", "i18n",
    "notes", "versionsort", "format", "grep", "tag", "commit", "apply", "am", "checkout", "clone", "fsck",
    "transfer", "receive", "extensions", "alias", "lfs", "url", "worktree", "maintenance", "trailer",
    "interactive", "pager", "help", "submodule", "sequence", "difftool", "mergetool", "protocol", "safe", "pretty",
    "show-branch", "repack", "bisect", "add",
))  # fmt: skip
_HTTP_KEYS = frozenset(("postbuffer", "lowspeedlimit", "lowspeedtime", "version", "maxrequests"))
_REMOTE_LEAVES = frozenset(("url", "pushurl", "fetch", "push", "tagopt", "prune", "prunetags"))
_REMOTE_ENTERS = _REMOTE_LEAVES | frozenset(
    ("mirror", "promisor", "partialclonefilter", "skipfetchall", "skipdefaultupdate")
)
_LEAVES = frozenset(
    {
        ("user", "name"),
        ("user", "email"),
        ("push", "default"),
        ("push", "autosetupremote"),
        ("pull", "rebase"),
        ("pull", "ff"),
        ("core", "sparsecheckout"),
        ("core", "sparsecheckoutcone"),
        ("lfs", "repositoryformatversion"),
    }
)
