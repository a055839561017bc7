"""Write docs/images/flow.svg: the way of one request. Colours follow the reader's light or dark scheme.

Run: .venv/bin/python docs/images/flow.py
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

WIDTH, HEIGHT = 1050, 372
STYLE = """
  svg { color-scheme: light dark }
  text { font: 14px system-ui, sans-serif; fill: #22303a; text-anchor: middle }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 12.5px; fill: #5c666c }
  .box { fill: #f6f4ee; stroke: #22303a; stroke-width: 1.4 }
  .room { fill: none; stroke: #8b9499; stroke-width: 1.2; stroke-dasharray: 5 4 }
  .gate { fill: #e4eef1; stroke: #1d5b73; stroke-width: 2 }
  .person { fill: #f7e7e2; stroke: #8f2418; stroke-width: 1.4 }
  .line { fill: none; stroke: #22303a; stroke-width: 1.6 }
  .tip { fill: #22303a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e9e4d8 } .small { fill: #a9b2b6 }
    .box { fill: #1d262c; stroke: #c9cfd2 } .room { stroke: #78838a }
    .gate { fill: #15303b; stroke: #67b3cf } .person { fill: #3a1f1b; stroke: #e08a7c }
    .line { stroke: #c9cfd2 } .tip { fill: #c9cfd2 }
  }
"""


class Box(NamedTuple):
    """A box with a title and small lines under it."""

    x: int
    y: int
    width: int
    height: int
    title: str
    lines: tuple[str, ...] = ()
    look: str = "box"


BOXES = (
    Box(28, 104, 150, 100, "agent", ("sees placeholders,", "masked files,", "a masked .git")),
    Box(262, 104, 122, 100, "wire", ("frames the bytes,", "opens TLS,", "writes them anew")),
    Box(406, 104, 122, 100, "operations", ("what it would do,", "whatever its", "spelling")),
    Box(550, 104, 122, 100, "checkpoint", ("lockdown, policy,", "hold, undo,", "record, release"), "gate"),
    Box(694, 104, 122, 100, "broker", ("puts the real key", "in at its one", "position")),
    Box(914, 104, 122, 100, "upstream", ("the provider,", "a registry,", "any host")),
    Box(550, 274, 122, 70, "ledger", ("before it leaves,", "and after")),
    Box(694, 274, 122, 70, "undo", ("made, restored", "beside, compared")),
    Box(28, 274, 150, 70, "person", ("reads the page,", "signs with a key"), "person"),
)
ROOMS = ((14, 34, 178, 184, "sandbox: no other way out"), (246, 34, 586, 324, "yett: one process, outside the sandbox"))
LINES = (
    "M178 154 H256",
    "M384 154 H400",
    "M528 154 H544",
    "M672 154 H688",
    "M816 154 H908",
    "M975 104 V78 H103 V98",
    "M611 204 V268",
    "M640 204 V238 H755 V268",
    "M582 204 V238 H103 V268",
)
LABELS = (
    (219, 146, "request"),
    (873, 146, "request"),
    (873, 70, "answer"),
    (540, 72, "scrubbed on its way back"),
    (400, 230, "held: it waits for a person"),
)


def main() -> None:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="A request goes from the agent through wire, operations, checkpoint and broker to the upstream">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        *(_room(*room) for room in ROOMS),
        *(f'<path class="line" d="{path}" marker-end="url(#tip)"/>' for path in LINES),
        *(_box(box) for box in BOXES),
        *(f'<text class="small" x="{x}" y="{y}">{words}</text>' for x, y, words in LABELS),
        "</svg>",
    ]
    Path(__file__).with_name("flow.svg").write_text("\n".join(parts) + "\n", encoding="utf-8")


def _room(x: int, y: int, width: int, height: int, title: str) -> str:
    return (
        f'<rect class="room" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>'
        f'<text class="small" x="{x + width // 2}" y="{y + 22}">{title}</text>'
    )


def _box(box: Box) -> str:
    middle = box.x + box.width // 2
    top = box.y + 26
    lines = "".join(
        f'<text class="small" x="{middle}" y="{top + 20 + 17 * number}">{line}</text>'
        for number, line in enumerate(box.lines)
    )
    return (
        f'<rect class="{box.look}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>'
        f'<text class="title" x="{middle}" y="{top}">{box.title}</text>{lines}'
    )


if __name__ == "__main__":
    main()
