"""The rows of a signed document, in words: what happens to which table, counted or estimated, and the bound on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from yett.approvals.document import Document, part, text

_DOES = {
    ("deleted", ""): "deletes",
    ("updated", ""): "changes",
    ("inserted", ""): "adds",
    ("deleted", "cascade"): "cascades to",
    ("updated", "cascade"): "cascades to",
    ("updated", "detach"): "detaches",
    ("deleted", "other"): "also deletes",
    ("updated", "other"): "also changes",
    ("inserted", "other"): "also adds",
}
"""By count and by `Rows.via`, in the order in which a sentence tells them."""

_KINDS = ("deleted", "updated", "inserted")
_PLAIN = re.compile(r"[A-Za-z_][\w$.]*", re.ASCII)
_MOST_NAMED = 4


def change(rows: Document) -> str:
    """One table: "cascades to 1,240 rows of public.bookings (exact; signed up to 1,302)"."""
    shown, most = part(rows, "shown"), part(rows, "most")
    table = text(shown, "table")
    if any(_count(shown, name) < 0 for name in _KINDS):
        return f"changes an unknown number of rows of {table}"
    said = []
    for name in _KINDS:
        if (count := _count(shown, name)) > 0:
            rows_of = "row" if count == 1 else "rows"
            bound = f"signed up to {_count(most, name):,}"
            if shown.get("estimated") is not False:
                told = f"about {roughly(count)} {rows_of} of {table} (estimate; {bound}, counted before it is final)"
            else:
                told = f"{count:,} {rows_of} of {table} (exact; {bound})"
            said.append(f"{_does(shown, name)} {told}")
    if said and (before := _count(shown, "before")) > 0:
        said.append(f"this task has deleted or changed {before:,} there before, in acts too small to be asked about")
    return "; ".join(said) or f"leaves {table} as it is"


def sentence(listed: Sequence[Document]) -> str:
    """All tables: "deletes 10 users, cascades to 1,240 bookings, detaches 3 cars". "" where no row is counted."""
    shown = [part(rows, "shown") for rows in listed]
    told = list(_pieces(shown))
    unknown = [_short(one) for one in shown if any(_count(one, name) < 0 for name in _KINDS)]
    if unknown:
        told.append(f"changes an unknown number of {_joined(unknown)}")
    return ", ".join(told)


def roughly(count: int) -> str:
    """An estimate with the digits that it deserves: 1.2 million, 13,000, 40."""
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {word}"
    digits = max(0, len(str(count)) - 2)
    return f"{round(count, -digits):,}"


def _pieces(shown: Sequence[Document]) -> Iterator[str]:
    for (name, via), does in _DOES.items():
        # A kind of way that is not known reads as the worst of them: something that no text names.
        here = [one for one in shown if _via(one, name) == via and _is_known(one) and _count(one, name) > 0]
        if here:
            yield f"{does} {_joined([f'{_number(one, name)} {_short(one)}' for one in here])}"


def _is_known(shown: Document) -> bool:
    return all(_count(shown, name) >= 0 for name in _KINDS)


def _does(shown: Document, name: str) -> str:
    return _DOES[(name, _via(shown, name))]


def _via(shown: Document, name: str) -> str:
    via = text(shown, "via")
    return via if (name, via) in _DOES else "other"


def _number(shown: Document, name: str) -> str:
    count = _count(shown, name)
    return f"about {roughly(count)}" if shown.get("estimated") is not False else f"{count:,}"


def _short(shown: Document) -> str:
    """The table without the schema that everything lies in; what could pass for words of the sentence is quoted."""
    table = text(shown, "table").removeprefix("public.")
    return table if _PLAIN.fullmatch(table) else f"“{table}”"


def _joined(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more tables"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _count(of: Document, name: str) -> int:
    """A number of rows; -1 for whatever is none."""
    count = of.get(name, 0 if name == "before" else -1)
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else -1
