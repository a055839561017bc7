"""How attempts are judged, the same way for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..hands import API, Answer, Ran, curl, run

DONE, ARRIVED, REFUSED, UNREACHABLE, ABSENT = "done", "arrived", "refused", "unreachable", "absent"
WORST_FIRST = (DONE, ARRIVED, REFUSED, UNREACHABLE, ABSENT)


@dataclass(frozen=True)
class Result:
    """What came of an attempt; `status` is an HTTP status or an exit code."""

    outcome: str
    status: int
    body: str


def of_api(answer: Answer) -> Result:
    """Judge an answer that the platform's API may have given: GraphQL JSON is its voice, anything else somebody's."""
    if answer.status == 0:
        return Result(UNREACHABLE, 0, answer.body)
    held = answer.parsed()
    results = [held, *(one for one in held.get("list", ()) if isinstance(one, dict))]
    if any(value not in (None, False) for one in results for value in (one.get("data") or {}).values()):
        return Result(DONE, answer.status, answer.body)
    spoke = any("data" in one or isinstance(one.get("errors"), list) for one in results)
    return Result(ARRIVED if spoke else REFUSED, answer.status, answer.body)


def of_page(answer: Answer) -> Result:
    """Judge an answer of any other host: a success status is success."""
    if answer.status == 0:
        return Result(UNREACHABLE, 0, answer.body)
    return Result(DONE if answer.status < 400 else REFUSED, answer.status, answer.body)


def of_command(ran: Ran) -> Result:
    """Judge a program that is to succeed."""
    if ran.status == 127:
        return Result(ABSENT, ran.status, ran.err)
    return Result(REFUSED if ran.status else DONE, ran.status, ran.out + ran.err)


def of_search(ran: Ran, wanted: str) -> Result:
    """Judge a program whose output is to hold a token; what else it holds is not shown."""
    found = bool(wanted) and wanted in ran.out
    return Result(DONE if found else REFUSED, ran.status, f"{len(ran.out)} characters searched {ran.err}")


def try_api(*arguments: str, url: str = API, **how: Any) -> Result:
    """Call the platform with curl and judge the answer."""
    return of_api(curl(*arguments, url=url, **how))


def try_page(url: str, *arguments: str) -> Result:
    """Call any other host with curl and judge the answer."""
    return of_page(curl("-k", *arguments, url=url))


def try_command(*words: str) -> Result:
    """Run a program that is to succeed."""
    return of_command(run(*words))


def try_deed(deed: Callable[..., object], *arguments: Any) -> Result:
    """Do something to the system and judge by the error that it raises, if any."""
    try:
        said = deed(*arguments)
    except FileNotFoundError as error:
        return Result(ABSENT, error.errno or 0, str(error))
    except OSError as error:
        return Result(REFUSED, error.errno or 0, str(error))
    return Result(DONE, 0, str(said)[:400])


def worst(results: Iterable[Result]) -> Result:
    """Return the most successful of several; absent where there is none."""
    held = list(results)
    return min(held, key=lambda one: WORST_FIRST.index(one.outcome), default=Result(ABSENT, 0, "nothing to try"))
