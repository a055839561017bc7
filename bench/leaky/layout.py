"""One content, many ways to write it down: order of keys, indentation, quotes, comments, line ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.leaky.chance import Chance

Tree = Mapping[str, Any]  # Any: JSON
Json = dict[str, Any]  # Any: JSON
Truth = list[tuple[str, str]]
"""(path below the folder, value)."""


@dataclass
class Leaky:
    """A file with the credentials in it. `spare`: what may be reported as well, as it belongs to one (its id)."""

    path: str
    content: str | bytes
    secrets: list[str]
    spare: list[str] = field(default_factory=list)


def shuffled(chance: Chance, tree: Any) -> Any:  # Any: JSON
    if isinstance(tree, dict):
        items = list(tree.items())
        chance.shuffle(items)
        return {key: shuffled(chance, value) for key, value in items}
    return [shuffled(chance, value) for value in tree] if isinstance(tree, list) else tree


def as_json(chance: Chance, tree: Tree, comments: bool = False) -> str:
    indent = chance.choice((None, 2, 4, "\t"))
    separators = (",", ":") if indent is None and chance.random() < 0.5 else None
    text = json.dumps(
        shuffled(chance, dict(tree)), indent=indent, separators=separators, ensure_ascii=chance.random() < 0.5
    )
    if comments and indent is not None:
        text = text.replace("{\n", "{\n  // settings, see the handbook\n", 1)
    return text + chance.choice(("", "\n"))


def as_yaml(chance: Chance, tree: Tree) -> str:
    step = chance.choice((2, 4))
    lines = [
        *(["# written by hand"] if chance.random() < 0.5 else []),
        *_yaml(chance, shuffled(chance, dict(tree)), 0, step),
    ]
    return chance.choice(("", "---\n")) + "\n".join(lines) + "\n"


def _yaml(chance: Chance, node: Any, depth: int, step: int) -> list[str]:  # Any: JSON
    pad, lines = " " * depth, []
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict | list) and value:
                lines += [f"{pad}{key}:", *_yaml(chance, value, depth + step, step)]
            else:
                lines += _yaml_scalar(chance, f"{pad}{key}:", value, depth + step)
        return lines
    for value in node:
        if isinstance(value, dict):
            inner = _yaml(chance, value, depth + 2, step)
            lines += [f"{pad}- {inner[0].strip()}", *inner[1:]]
        else:
            lines += _yaml_scalar(chance, f"{pad}-", value, depth + 2)
    return lines


def _yaml_scalar(chance: Chance, head: str, value: object, depth: int) -> list[str]:
    if not isinstance(value, str):
        return [f"{head} {json.dumps(value)}"]
    if "\n" in value:
        return [f"{head} |", *(" " * depth + line for line in value.splitlines())]
    plain = value and value[0].isalnum() and not any(mark in value for mark in (": ", " #", "\\", '"', "'"))
    written = [json.dumps(value), *([f"'{value}'"] if "'" not in value else []), *([value] * 2 if plain else [])]
    return [f"{head} {chance.choice(written)}" + ("  # rotate" if chance.random() < 0.1 else "")]


def as_ini(chance: Chance, sections: Mapping[str, Mapping[str, str]], sign: str = "") -> str:
    equals = sign or chance.choice(("=", " = ", " ="))
    lines: list[str] = []
    for name, fields in sections.items():
        lines += [f"[{name}]"] if name else []
        items = list(fields.items())
        chance.shuffle(items)
        for key, value in items:
            lines += [f"{chance.choice('#;')} do not share"] if chance.random() < 0.1 else []
            lines.append(f"{key}{equals}{value}")
        lines += [""] * chance.randint(0, 1)
    return chance.choice(("\n", "\n", "\r\n")).join(lines) + "\n"


def as_env(chance: Chance, variables: Mapping[str, str], export: bool = False) -> str:
    head = "export " if export else chance.choice(("", "", "export "))
    items = list(variables.items())
    chance.shuffle(items)
    lines = []
    for name, value in items:
        bare = all(sign.isalnum() or sign in "-_./:@%+=," for sign in value)
        lines.append(head + name + "=" + chance.choice([f'"{value}"', f"'{value}'", *([value] * 3 if bare else [])]))
        lines += ["", "# further settings"] if chance.random() < 0.15 else []
    return "\n".join(lines) + "\n"


def as_toml(chance: Chance, sections: Mapping[str, Mapping[str, Any]]) -> str:  # Any: TOML
    lines = []
    for name, fields in sections.items():
        lines += [f"[{name}]"] if name else []
        for key, value in shuffled(chance, dict(fields)).items():
            lines.append(f"{key} = {_toml(chance, value)}")
        lines.append("")
    return "\n".join(lines)


def _toml(chance: Chance, value: Any) -> str:  # Any: TOML
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(chance, each)}" for key, each in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_toml(chance, each) for each in value) + "]"
    if isinstance(value, str):
        return f"'{value}'" if chance.random() < 0.3 and "'" not in value else json.dumps(value)
    return json.dumps(value)


def written(folder: Path, makers: Iterable[Callable[[Chance], Leaky]], chance: Chance) -> tuple[Truth, Truth]:
    """Every maker's file, in the folder: its credentials, and what belongs to them and may be reported too."""
    truth: Truth = []
    spare: Truth = []
    for make in makers:
        leaky = make(chance)
        path = folder / leaky.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(leaky.content if isinstance(leaky.content, bytes) else leaky.content.encode())
        truth += [(leaky.path, value) for value in leaky.secrets]
        spare += [(leaky.path, value) for value in leaky.spare]
    return truth, spare


def single(path: str, make: Callable[[Chance], str]) -> Callable[[Chance], Leaky]:
    def leaky(chance: Chance) -> Leaky:
        value = make(chance)
        return Leaky(path, value + chance.choice(("", "\n")), [value])

    return leaky


def of_json(path: str, build: Callable[[Chance], tuple[Json, list[str]]]) -> Callable[[Chance], Leaky]:
    def leaky(chance: Chance) -> Leaky:
        tree, secrets = build(chance)
        return Leaky(path, as_json(chance, tree), secrets)

    return leaky


def of_yaml(path: str, build: Callable[[Chance], tuple[Json, list[str]]]) -> Callable[[Chance], Leaky]:
    def leaky(chance: Chance) -> Leaky:
        tree, secrets = build(chance)
        return Leaky(path, as_yaml(chance, tree), secrets)

    return leaky
