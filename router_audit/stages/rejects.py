"""What no adapter could read: file, line, reason and a masked excerpt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.store import Store


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that could not be read."""

    file: str
    line: int
    """1-based; 0 is the file itself."""
    source: str
    """The log format that claimed it, or `unknown`."""
    reason: str
    excerpt: str
    """Its head, keys masked."""


@dataclass(frozen=True, slots=True)
class RejectsResult:
    """The rejects of the latest reading of every file."""

    total: int
    rejects: list[Reject]


def rejects(store: Store, *, limit: int | None = None) -> RejectsResult:
    """The first `limit` rejects by file and line, and how many there are."""
    total = store.query("count_rejects").item()
    rows = store.query("select_rejects", limit=total if limit is None else limit).rows(named=True)
    return RejectsResult(total=total, rejects=[Reject(**row) for row in rows])
