"""Decisions for requests in a file, one after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.files.tables import TABLES
from router_audit.router import Router
from router_audit.routing import CANARY_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from router_audit.router import Explanation
    from router_audit.types import Decision


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """Which table decides, and how much of the traffic is canary."""

    table: Path = TABLES
    """A table, or a folder of which the newest is taken."""
    canary_share: float = CANARY_SHARE


def route(options: RouteOptions, lines: Iterable[str], *, where: str) -> Iterator[Decision]:
    """One decision per line of JSONL, in order; empty lines count for nothing.

    Raises InputError, naming the line, at the first that is no request.
    """
    router = router_of(options)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield router.decide(parse(line, where=f"{where}:{number}"))


def route_one(options: RouteOptions, text: str, *, where: str) -> Decision:
    """The decision for one request. Raises InputError where the text is none."""
    request = parse(text, where=where)
    return router_of(options).decide(request)


def explain(options: RouteOptions, text: str, *, where: str) -> Explanation:
    """One decision, and all that it followed from."""
    request = parse(text, where=where)
    return router_of(options).explain(request)


def router_of(options: RouteOptions) -> Router:
    """The router of these options. Each request stands alone: nothing is remembered between them."""
    return Router.from_table(
        options.table, canary_share=options.canary_share, sticky_sessions=False, check_every_s=float("inf")
    )


def parse(text: str, *, where: str) -> dict[str, Any]:
    """A request from JSON. Raises InputError where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"is not JSON ({error}); with --jsonl, give one request a line", where=where
        ) from None
    if not isinstance(found, dict):
        raise InputError('is no request; write an object with "messages" or "prompt"', where=where)
    if not any(found.get(key) for key in ("messages", "prompt", "input", "system")):
        raise InputError('is no request: it has neither "messages" nor "prompt"', where=where)
    return found
