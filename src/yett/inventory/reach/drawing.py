"""The blast radius as SVG, drawn on the server: a tree from left to right. No script, no style, nothing from outside.

Colours and sizes are presentation attributes, which a strict Content-Security-Policy lets through; every text is made
visible and escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from yett.inventory.reach.blast import BlastRadius, Reached
from yett.inventory.reach.words import backup_words, label
from yett.model.effects import Effect
from yett.model.visible import visible

COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT, MARGIN = 260, 44, 220, 32, 16
"""Pixels."""
_LONGEST = 30
_COLOURS = {
    "credential": "#5b3df5",
    "place": "#4a5568",
    "read": "#2b6cb0",
    "write": "#b7791f",
    "delete": "#c53030",
    "admin": "#97266d",
    "unknown": "#97266d",
    "backup": "#742a2a",
    "safe": "#276749",
}


@dataclass(slots=True)
class _Node:
    text: str
    colour: str
    children: list[_Node] = field(default_factory=list)
    row: float = 0.0


def blast_svg(blast: BlastRadius) -> str:
    """One <svg> element. Whoever shows it needs no more than a place for it."""
    root = _tree(blast)
    rows = _place(root, 0)
    width = MARGIN * 2 + COLUMN * (_depth(root) - 1) + BOX_WIDTH
    height = MARGIN * 2 + ROW * max(1, rows)
    title = escape(f"Blast radius of {label(blast.credential)}")
    body = "".join(_draw(root, 0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="system-ui, sans-serif" font-size="13"><title>{title}</title>{body}</svg>'
    )


def _tree(blast: BlastRadius) -> _Node:
    root = _Node(label(blast.credential), "credential")
    if not blast.authority.known:
        root.children.append(_Node("unknown: treat it as everything", "unknown"))
        return root
    system = _Node(blast.credential.provider or "unknown provider", "place")
    root.children.append(system)
    system.children += [_Node(f"all of {name}", Effect.ADMIN.value) for name in blast.whole]
    for environment in blast.environments:
        place = _Node(environment, "place", [_resource(each) for each in blast.within(environment)])
        system.children.append(place)
    return root


def _resource(each: Reached) -> _Node:
    kind = each.resource.partition(":")[0]
    words = backup_words(each)
    dying = [_Node(words[0], "backup")] if each.dying else []
    outliving = [_Node(words[-1], "safe")] if each.outliving else []
    return _Node(f"{kind} {each.name}", each.effect.value, dying + outliving)


def _place(node: _Node, first: int) -> int:
    """Give every node its row, parents in the middle of their children; the first free row after them."""
    if not node.children:
        node.row = first
        return first + 1
    after = first
    for child in node.children:
        after = _place(child, after)
    node.row = (node.children[0].row + node.children[-1].row) / 2
    return after


def _depth(node: _Node) -> int:
    return 1 + max((_depth(child) for child in node.children), default=0)


def _draw(node: _Node, column: int) -> list[str]:
    x, y = MARGIN + column * COLUMN, MARGIN + node.row * ROW
    middle = y + BOX_HEIGHT / 2
    drawn = []
    for child in node.children:
        to_x, to_y = x + COLUMN, MARGIN + child.row * ROW + BOX_HEIGHT / 2
        bend = (x + BOX_WIDTH + to_x) / 2
        drawn.append(
            f'<path d="M{x + BOX_WIDTH} {middle:g}C{bend:g} {middle:g} {bend:g} {to_y:g} {to_x} {to_y:g}"'
            ' fill="none" stroke="#a0aec0"/>'
        )
        drawn += _draw(child, column + 1)
    drawn.append(
        f'<g class="blast-{node.colour}"><title>{escape(visible(node.text))}</title>'
        f'<rect x="{x}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" fill="{_COLOURS[node.colour]}"/>'
        f'<text x="{x + 10}" y="{middle + 4:g}" fill="#ffffff">{escape(visible(node.text, _LONGEST))}</text></g>'
    )
    return drawn
