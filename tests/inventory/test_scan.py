"""The whole scan over a real workspace, a real git repository and a home full of clients' files."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from yett.inventory import Finding, scan_workspace

UUID = "5f1c9e02-7d43-4b8a-9c55-0a1b2c3d4e5f"
MADE = "x7Kq92mZp4Tt81Lw0Rv6"
OTHER = "q3Wd81nBv6Yy27Hs5Jf0"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def scan(workspace: Path, home: Path) -> Callable[..., dict[str, Finding]]:
    """Scan, and give the findings by value."""

    def run(**options: object) -> dict[str, Finding]:
        given = {"environ": {}, "home": home, **options}
        found = scan_workspace(workspace, **given)  # type: ignore[arg-type]  # the test's own words
        return {finding.value.text(): finding for finding in found}

    return run


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.test", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


Scan = Callable[..., dict[str, Finding]]


# -- files


def test_the_founding_token_is_found_where_it_lay(workspace: Path, scan: Scan) -> None:
    path = put(workspace, "config/domains.yaml", f"# custom domains\nrailway:\n  token: {UUID}\n")
    finding = scan()[UUID]
    assert (finding.credential.provider, finding.credential.kind) == ("railway", "project")
    location = finding.credential.locations[0]
    assert (location.source, location.path, location.line) == ("file", str(path), 3)
    assert path.read_bytes()[location.start : location.end] == UUID.encode()
    assert finding.credential.last_four == UUID[-4:]


def test_no_report_of_a_finding_holds_its_value(workspace: Path, scan: Scan) -> None:
    put(workspace, ".env", f"SECRET_TOKEN={MADE}\n")
    finding = scan()[MADE]
    assert MADE not in json.dumps(finding.as_record()) + repr(finding) + str(finding)


def test_one_value_is_one_finding_with_all_its_places(workspace: Path, scan: Scan) -> None:
    for name in ("a.env", "b.env"):
        put(workspace, name, f"API_TOKEN={MADE}\n")
    finding = scan(environ={"API_TOKEN": MADE})[MADE]
    assert sorted(location.source for location in finding.credential.locations) == ["file", "file", "variable"]


def test_what_is_no_text_or_not_here_is_not_read(workspace: Path, scan: Scan, tmp_path: Path) -> None:
    line = f"API_TOKEN={MADE}\n".encode()
    put(workspace, "binary", b"\0" + line)
    put(workspace, "node_modules/package/index.js", line)
    put(workspace, "venv/pyvenv.cfg", b"")
    put(workspace, "venv/lib/a.py", line)
    (workspace / "link").symlink_to(put(tmp_path, "outside", line))
    os.mkfifo(workspace / "pipe")
    assert scan() == {}


def test_a_large_file_is_read_too_also_across_its_windows(workspace: Path, scan: Scan) -> None:
    for size in (3 << 20, (4 << 20) - 30, 9 << 20):
        put(workspace, f"{size}.txt", b"line of a log\n" * (size // 14) + f"API_TOKEN={MADE}\n".encode())
    finding = scan()[MADE]
    lines = {at.path: at.line for at in finding.credential.locations}
    assert sorted(lines.values()) == sorted(size // 14 + 1 for size in (3 << 20, (4 << 20) - 30, 9 << 20))
    for at in finding.credential.locations:
        assert Path(at.path).read_bytes()[at.start : at.end] == MADE.encode()


def test_further_folders_are_read_when_asked_for(scan: Scan, tmp_path: Path) -> None:
    folder = put(tmp_path, "more/.env", f"API_TOKEN={MADE}\n").parent
    file = put(tmp_path, "one.env", f"API_TOKEN={OTHER}\n")
    assert set(scan(also=[folder, file])) == {MADE, OTHER}


def test_the_fingerprints_are_the_callers(workspace: Path, scan: Scan) -> None:
    class Keys:
        def fingerprint(self, value: bytes) -> str:
            return f"named-{len(value)}"

    put(workspace, ".env", f"API_TOKEN={MADE}\n")
    assert scan(keys=Keys())[MADE].credential.fingerprint == f"named-{len(MADE)}"


def test_progress_is_told_and_holds_no_value(workspace: Path, scan: Scan) -> None:
    put(workspace, ".env", f"API_TOKEN={MADE}\n")
    told: list[str] = []
    scan(progress=told.append)
    assert told[-1] == "1 credentials found"
    assert MADE not in "".join(told)


def test_a_password_that_only_its_place_told_is_found_wherever_else_it_lies(workspace: Path, scan: Scan) -> None:
    put(workspace, ".env", "DB_PASSWORD=blue7-kettle-river\n")
    note = put(workspace, "notes/todo.txt", "log in with blue7-kettle-river, then look\n")
    locations = scan()["blue7-kettle-river"].credential.locations
    assert [(at.path, at.line) for at in locations][1:] == [(str(note), 1)]


def test_an_ordinary_word_as_a_password_is_not_looked_for_elsewhere(workspace: Path, scan: Scan) -> None:
    put(workspace, ".env", "DB_PASSWORD=administrator\n")
    put(workspace, "README.md", "ask the administrator\n")
    assert all(len(finding.credential.locations) == 1 for finding in scan().values())


# -- git


@pytest.fixture
def repository(workspace: Path) -> Path:
    git(workspace, "init", "-q")
    put(workspace, "README", "hello\n")
    git(workspace, "add", ".")
    git(workspace, "commit", "-q", "-m", "first")
    return workspace


def sources(finding: Finding) -> set[str]:
    return {location.source for location in finding.credential.locations}


def test_a_file_that_was_deleted_long_ago_is_found_in_history(repository: Path, scan: Scan) -> None:
    put(repository, "config/old.env", f"RAILWAY_TOKEN={UUID}\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "oops")
    git(repository, "rm", "-q", "config/old.env")
    git(repository, "commit", "-q", "-m", "gone")
    finding = scan()[UUID]
    assert sources(finding) == {"history"}
    assert finding.credential.locations[0].path == "config/old.env"
    assert scan(history=False) == {}


@pytest.mark.parametrize("where", ["packed", "stash", "amended away", "commit message", "tag message", "other branch"])
def test_every_corner_of_git_is_read(repository: Path, scan: Scan, where: str) -> None:
    line = f"API_TOKEN={MADE}\n"
    put(repository, "x.env", line if where not in ("commit message", "tag message") else "nothing\n")
    git(repository, "add", ".")
    match where:
        case "stash":
            git(repository, "stash", "-q")
        case "tag message":
            git(repository, "commit", "-q", "-m", "x")
            git(repository, "tag", "-a", "v1", "-m", line)
        case _:
            git(repository, "commit", "-q", "-m", line if where == "commit message" else "x")
    match where:
        case "packed":
            git(repository, "gc", "-q", "--aggressive", "--prune=now")
        case "amended away":
            put(repository, "x.env", "clean\n")
            git(repository, "commit", "-q", "--amend", "-a", "-m", "clean")
        case "other branch":
            git(repository, "checkout", "-q", "-b", "side", "HEAD~1")
    assert "history" in sources(scan()[MADE])


def test_a_file_that_only_its_name_tells_is_parsed_in_history_too(repository: Path, scan: Scan) -> None:
    put(repository, "deploy/.pgpass", "db.internal:5432:app:ada:plainword9\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "x")
    git(repository, "rm", "-q", "deploy/.pgpass")
    git(repository, "commit", "-q", "-m", "gone")
    finding = scan()["plainword9"]
    assert [(at.source, at.path) for at in finding.credential.locations] == [("history", "deploy/.pgpass")]


def test_a_workspace_below_the_repository_has_its_history_too(repository: Path, home: Path) -> None:
    put(repository, "old.env", f"API_TOKEN={MADE}\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "x")
    below = put(repository, "app/main.py", "pass\n").parent
    found = scan_workspace(below, environ={}, home=home)
    assert [sources(finding) for finding in found] == [{"history"}]


def test_a_worktree_has_the_history_of_its_repository(repository: Path, home: Path, tmp_path: Path) -> None:
    put(repository, "old.env", f"API_TOKEN={MADE}\n")
    git(repository, "add", ".")
    git(repository, "stash", "-q")
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    found = scan_workspace(tmp_path / "tree", environ={}, home=home)
    assert [sources(finding) for finding in found] == [{"history"}]


def test_the_password_in_a_remote_is_found(repository: Path, scan: Scan) -> None:
    git(repository, "remote", "add", "origin", f"https://ada:{MADE}@git.example-host.net/x.git")
    assert sources(scan()[MADE]) == {"client-config"}


def test_the_scan_runs_no_program_of_the_repository(repository: Path, scan: Scan, tmp_path: Path) -> None:
    trap = put(tmp_path, "trap.sh", f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand", "core.hooksPath"):
        git(repository, "config", key, str(trap))
    put(repository, "README", "changed\n")
    scan()
    assert not (tmp_path / "sprung").exists()


def test_the_scan_changes_nothing(repository: Path, scan: Scan) -> None:
    put(repository, ".env", f"API_TOKEN={MADE}\n")
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    scan()
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == before


# -- clients


AUTH = base64.b64encode(b"ada:the-docker-password").decode()


@pytest.mark.parametrize(
    ("path", "content", "values"),
    [
        (".railway/config.json", {"user": {"token": MADE}}, {MADE}),
        (".aws/credentials", f"[default]\naws_access_key_id = AKIAZ7QK4WXYZ2345ABC\naws_secret_access_key={MADE * 2}\n",
         {"AKIAZ7QK4WXYZ2345ABC", MADE * 2}),
        (".config/gh/hosts.yml", "github.com:\n    user: ada\n    oauth_token: gho_short_odd\n", {"gho_short_odd"}),
        (".npmrc", "//npm.example.com/:_authToken=plainword\n", {"plainword"}),
        (".netrc", "machine api.heroku.com\n  login ada\n  password plainword\n", {"plainword"}),
        (".netrc", "machine a login b password one-line-pw", {"one-line-pw"}),
        (".pgpass", "# hosts\ndb.internal:5432:app:ada:pass word\\:here\n", {"pass word\\:here", "pass word:here"}),
        (".my.cnf", "[client]\nuser=ada\npassword=\"plainword\"\n", {"plainword"}),
        (".git-credentials", "https://ada:plainword@github.com\n", {"plainword"}),
        (".pypirc", "[pypi]\nusername = __token__\npassword = plainword\n", {"plainword"}),
        (".docker/config.json", {"auths": {"r.test": {"auth": AUTH}}}, {AUTH, "the-docker-password"}),
        (".kube/config", "users:\n- name: ada\n  user:\n    token: plainword\n    client-key-data: bm90IGEga2V5\n",
         {"plainword", "bm90IGEga2V5", "not a key"}),
        (".claude/.credentials.json", {"claudeAiOauth": {"accessToken": MADE, "refreshToken": OTHER, "expiresAt": 1}},
         {MADE, OTHER}),
        (".codex/auth.json", {"tokens": {"access_token": MADE, "refresh_token": OTHER}}, {MADE, OTHER}),
        (".gemini/oauth_creds.json", {"access_token": "plainword", "refresh_token": "1//x-y0z1"},
         {"plainword", "1//x-y0z1"}),
        (".copilot/config.json", '// note\n{"copilotTokens": {"https://github.com:ada": "plainword"}, "x": "other"}',
         {"plainword"}),
        (".local/share/opencode/auth.json", {"anthropic": {"type": "api", "key": "plainword"}}, {"plainword"}),
        (".vault-token", "plainword\n", {"plainword"}),
        (".claude.json", {"mcpServers": {"gh": {"env": {"GITHUB_TOKEN": MADE}}}}, {MADE}),
        (".cursor/mcp.json", {"mcpServers": {"x": {"headers": {"Authorization": f"Bearer {MADE}"}}}}, {MADE}),
        (".codex/config.toml", f'[mcp_servers.x.env]\nX_API_KEY = "{MADE}"\n', {MADE}),
        (".bashrc", f"export SOME_API_KEY={MADE}\n", {MADE}),
        (".aws/sso/cache/0a.json", {"accessToken": "plainword"}, {"plainword"}),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith(".") else "",
)  # fmt: skip
def test_a_clients_file_is_read_by_its_form(
    home: Path, scan: Scan, path: str, content: object, values: set[str]
) -> None:
    """A password there looks like any word; scanners that look for shapes miss it."""
    put(home, path, content if isinstance(content, str) else json.dumps(content))
    assert set(scan()) == values


def test_an_empty_place_holds_nothing(home: Path, scan: Scan) -> None:
    put(home, ".config/gh/hosts.yml", "github.com:\n    oauth_token: null\n")
    put(home, ".npmrc", "//npm.example.com/:_authToken=${NPM_TOKEN_OF_THE_JOB}\nregistry=https://r.test\n")
    put(home, ".codex/auth.json", "not json")
    assert "null" not in scan()


def test_credential_files_count_by_name_in_a_workspace_too(workspace: Path, scan: Scan) -> None:
    put(workspace, "deploy/.pgpass", "db:5432:app:ada:plainword\n")
    put(workspace, "deploy/.netrc", "machine a login b password netrc-word\n")
    assert set(scan()) == {"plainword", "netrc-word"}


def test_a_login_knows_where_its_placeholder_works(home: Path, scan: Scan) -> None:
    put(home, ".claude/.credentials.json", json.dumps({"claudeAiOauth": {"accessToken": MADE, "refreshToken": OTHER}}))
    found = scan()
    assert found[MADE].position == "header:authorization"
    assert found[OTHER].position == "field:refresh_token"
    assert found[MADE].credential.provider == "anthropic"


@pytest.mark.parametrize(
    ("name", "value", "position"),
    [
        ("ANTHROPIC_API_KEY", "sk-ant-api03-", "header:x-api-key"),
        ("ANTHROPIC_AUTH_TOKEN", "sk-ant-api03-", "header:authorization"),
        ("ANTHROPIC_AUTH_TOKEN", "", "header:authorization"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-", "header:authorization"),
    ],
)
def test_what_claude_code_reads_from_a_variable_works_where_it_sends_it(
    scan: Scan, name: str, value: str, position: str
) -> None:
    value += "a1B2-_c3D4" * 9 + "eF_AA"
    finding = scan(environ={name: value})[value]
    assert (finding.credential.provider, finding.position) == ("anthropic", position)


def test_variables_keep_their_names_and_lose_only_their_secret_part(scan: Scan) -> None:
    found = scan(environ={"DATABASE_URL": "postgres://app:s3cr3tpw@db.internal/x", "HOME": "/root"})
    location = found["s3cr3tpw"].credential.locations[0]
    assert (location.source, location.path) == ("variable", "DATABASE_URL")
    assert (location.start, location.end) == (15, 23)
