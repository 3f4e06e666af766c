"""The canary's evidence day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.sequential import EProcess, Pairs
from router_audit.types.report import CanaryDay, CanaryLine

if TYPE_CHECKING:
    import polars as pl

MARGIN = 0.02
ALPHA = 0.05


def canary_lines(
    days: pl.DataFrame, *, margin: float = MARGIN, alpha: float = ALPHA
) -> tuple[CanaryLine, ...]:
    """Each route's e-process over its days; `days` has `route`, `day` and the counts `harms`, `ties`, `gains`."""
    found: list[CanaryLine] = []
    for (route,), part in days.sort("route", "day").group_by("route", maintain_order=True):
        state = EProcess(margin)
        seen: list[CanaryDay] = []
        for row in part.iter_rows(named=True):
            state = state.next_day(Pairs(int(row["harms"]), int(row["ties"]), int(row["gains"])))
            seen.append(CanaryDay(str(row["day"]), sum(state.seen), round(state.e_value, 4)))
        found.append(CanaryLine(str(route), margin, 1 / alpha, tuple(seen)))
    return tuple(found)
