"""The canary's evidence day by day, as `canary check` counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.month.canary import DayCount, courses
from router_audit.sequential import EProcess, Pairs
from router_audit.types.report import CanaryDay, CanaryLine

if TYPE_CHECKING:
    import polars as pl

MARGIN = 0.02
ALPHA = 0.05
"""The defaults of `canary check`."""


def canary_lines(
    days: pl.DataFrame, applied: int, *, margin: float = MARGIN, alpha: float = ALPHA
) -> tuple[CanaryLine, ...]:
    """Each route's e-process over its days, and the day on which the alarm was raised.

    `days` has `route`, `model`, `day` and the counts `harms`, `ties`, `gains`; `applied` is how many rows of the
    table route anywhere: each may be tested, so that one alone alarms at that many over `alpha` (e-BH).
    """
    counts = [
        DayCount(row["route"], row["model"], row["day"], Pairs(row["harms"], row["ties"], row["gains"]))
        for row in days.sort("route", "model", "day").iter_rows(named=True)
    ]
    family = max(applied, len({count.route for count in counts}), 1)
    found = []
    for (route, model), course in sorted(courses(counts, margin=margin, alpha=alpha, family=family).items()):
        state, seen = EProcess(margin), []
        for count in counts:
            if (count.route, count.model) == (route, model):
                state = state.next_day(count.pairs)
                seen.append(CanaryDay(count.day.isoformat(), sum(state.seen), round(state.e_value, 4)))
        raised = course.raised.day.isoformat() if course.raised else None
        found.append(
            CanaryLine(route.removesuffix("/standard"), model, margin, family / alpha, raised, tuple(seen))
        )
    return tuple(found)
