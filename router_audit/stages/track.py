"""From the store to what each route and model cost and resolved, period by period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import UserError
from router_audit.files.tables import TABLES, read_table, versions
from router_audit.pricing import load_prices
from router_audit.stages.followed import followed
from router_audit.types import HUGE_CONTEXT_TOKENS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from router_audit.store import Store
    from router_audit.types.track import By, Track


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """What is tracked."""

    by: By = "week"
    since: datetime | None = None
    tables: Path = TABLES
    """Whose newest table says which models are the economy tier; without one, the shipped ladders do."""
    prices: Path | None = None
    huge_context_tokens: int = HUGE_CONTEXT_TOKENS


def track(store: Store, options: TrackOptions) -> Track:
    """Every stored call at the price of its own day, by period, route and model.

    Raises UserError where the store holds no request in the window.
    """
    from router_audit.month.tracking import track as tracked

    found = versions(options.tables)
    frame = followed(
        store,
        load_prices(options.prices),
        read_table(found[-1])["ladder"] if found else None,
        huge_context_tokens=options.huge_context_tokens,
        since=options.since,
    )
    if frame.is_empty():
        raise UserError(
            "the store holds no request there; run `router-audit ingest PATH…` first", where=str(store.path)
        )
    return tracked(frame, options.by)
