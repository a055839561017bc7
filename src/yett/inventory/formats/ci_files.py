"""Pipelines and compose files: literal values where a reference should be, and the commands that they run."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.engine.filters import is_code
from yett.inventory.formats.code_values import code_entries
from yett.inventory.formats.command_secrets import assigned, in_command
from yett.inventory.formats.entry import Entry, Path
from yett.inventory.formats.format import Format
from yett.inventory.formats.named_values import account_of, named_secret, named_secrets, siblings
from yett.inventory.formats.parser import hits, read_all
from yett.inventory.formats.secret_names import is_secret
from yett.inventory.formats.shell_files import shell_text
from yett.inventory.formats.word import Found, Word
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.hit import Hit

_COMMANDS = frozenset(
    {
        "run",
        "script",
        "before_script",
        "after_script",
        "command",
        "commands",
        "entrypoint",
        "args",
        "sh",
        "bash",
        "shell",
    }
    | {"cmd", "powershell", "pwsh", "install", "before_install", "after_success", "deploy", "test", "inlinescript"}
    | {"inline", "pre_build", "build", "post_build", "post_start", "steps"}
)
_OF_WORDS = frozenset({"command", "entrypoint", "args", "cmd", "test"})
"""Lists of one command's words; a list under any other key is of commands."""
_NAMES = ("name", "key", "variable", "envvar")


def yaml_secrets(content: bytes, entries: list[Entry]) -> Iterator[Found]:
    """Values under a secret's name, `name: X, value: Y`, `- X=Y`, and whatever stands in commands."""
    families = siblings(entries)
    names = _pair_names(entries)
    words: dict[Path, list[Word]] = {}
    for entry in entries:
        if entry.key.isdigit() and len(entry.path) > 1 and entry.path[-2].lower() in _OF_WORDS:
            words.setdefault(entry.parent, []).append(Word.of(entry))
        if _is_command(entry.path):
            yield from shell_text(content, entry.start, entry.end)
        elif entry.key == "value" and (name := _name_of(entry, names)):
            if is_secret(name, entry.value):
                yield entry, ""
        elif entry.key.isdigit():
            yield from assigned(Word.of(entry))
            yield from named_secret(entry)
        else:
            for found, account in named_secret(entry):
                yield found, account or account_of(entry, families[entry.parent])
    for command in words.values():
        yield from in_command(command)


def _is_command(path: Path) -> bool:
    for key in reversed(path):
        if not key.isdigit():
            return key.lower() in _COMMANDS
    return False


def _pair_names(entries: list[Entry]) -> dict[Path, str]:
    """By object what its `name` says."""
    return {entry.parent: entry.value for entry in entries if entry.key.lower() in _NAMES}


def _name_of(entry: Entry, names: dict[Path, str]) -> str:
    """GitLab writes X: {value: Y}, others - name: X, value: Y."""
    return names.get(entry.parent) or (entry.path[-2] if len(entry.path) > 1 else "")


def _pipeline(name: str, what: str, *, names: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> Format:
    title = f"credential in {what}"

    def parse(content: bytes) -> Iterator[Hit]:
        entries, failure = read_all(yaml_entries, content)
        real = ((entry, account) for entry, account in yaml_secrets(content, entries) if entry.is_real)
        yield from hits(real, name, title)
        if failure is not None:
            raise failure

    return Format(name, title, "password", parse, names, paths)


def _jenkinsfile(content: bytes) -> Iterator[Hit]:
    """Groovy: assignments, and shell within sh '...'. A credentialsId is a reference, as are Groovy's own variables."""
    in_shell = (found for found in shell_text(content) if not is_code(found[0].value.encode()))
    real = ((entry, account) for entry, account in (*named_secrets(code_entries(content)), *in_shell) if entry.is_real)
    yield from hits(real, "jenkinsfile", "credential in a Jenkinsfile")


FORMATS = (
    _pipeline(
        "github-actions",
        "a workflow",
        paths=(".github/workflows/*.yml", ".github/workflows/*.yaml", "action.yml", "action.yaml"),
    ),
    _pipeline(
        "gitlab-ci",
        "a pipeline",
        names=(".gitlab-ci.yml", ".gitlab-ci.yaml", "*.gitlab-ci.yml"),
        paths=(".gitlab/ci/*.yml",),
    ),
    _pipeline("circleci", "a pipeline", paths=(".circleci/config.yml", ".circleci/*.yml")),
    _pipeline("travis", "a pipeline", names=(".travis.yml",)),
    _pipeline(
        "azure-pipelines",
        "a pipeline",
        names=("azure-pipelines*.yml", "azure-pipelines*.yaml"),
        paths=(".azure-pipelines/*.yml", ".azuredevops/*.yml"),
    ),
    _pipeline("bitbucket-pipelines", "a pipeline", names=("bitbucket-pipelines.yml",)),
    _pipeline(
        "drone",
        "a pipeline",
        names=(".drone.yml", ".drone.yaml", ".woodpecker.yml", ".woodpecker.yaml"),
        paths=(".woodpecker/*.yml", ".woodpecker/*.yaml"),
    ),
    _pipeline("buildkite", "a pipeline", paths=(".buildkite/*.yml", ".buildkite/*.yaml")),
    _pipeline(
        "ci",
        "a pipeline",
        names=(
            "appveyor.yml",
            ".appveyor.yml",
            "buildspec.yml",
            "buildspec*.yml",
            "cloudbuild.yaml",
            "cloudbuild.yml",
            ".cirrus.yml",
            "codefresh.yml",
            "wercker.yml",
            "semaphore.yml",
            "bitrise.yml",
            ".scrutinizer.yml",
            "concourse*.yml",
            "skaffold.yaml",
            "screwdriver.yaml",
        ),
        paths=(
            ".gitea/workflows/*.yml",
            ".gitea/workflows/*.yaml",
            ".forgejo/workflows/*.yml",
            ".forgejo/workflows/*.yaml",
            ".semaphore/*.yml",
            ".teamcity/*.yml",
            ".tekton/*.yaml",
        ),
    ),
    _pipeline(
        "compose",
        "a compose file",
        names=(
            "docker-compose*.yml",
            "docker-compose*.yaml",
            "compose.yml",
            "compose.yaml",
            "compose.*.yml",
            "compose.*.yaml",
            "docker-stack*.yml",
            "stack.yml",
        ),
    ),
    _pipeline(
        "app-manifest",
        "an application's manifest",
        names=(
            "app.yaml",
            "app.yml",
            "manifest.yml",
            "serverless.yml",
            "serverless.yaml",
            "render.yaml",
            "samconfig.yaml",
            "copilot.yml",
            "zeabur.yaml",
            "captain-definition",
        ),
    ),
    Format(
        "jenkinsfile",
        "credential in a Jenkinsfile",
        "password",
        _jenkinsfile,
        ("jenkinsfile", "jenkinsfile.*", "*.jenkinsfile"),
    ),
)
