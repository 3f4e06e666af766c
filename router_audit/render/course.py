"""What each route did over time, as a reader sees it: a line of small pictures for every route and model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from router_audit.render.charts.course import (
    UNDATED,
    changes,
    cost_range,
    dated,
    milliseconds,
    rate_range,
)
from router_audit.render.charts.lines import Seen, spark
from router_audit.render.charts.svg import plain_name
from router_audit.summary.words import percent, unit_usd
from router_audit.types.track import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router_audit.types.report import Summary
    from router_audit.types.track import Estimate, Track, TrackRow

MOST_CHANGES = 5


@dataclass(frozen=True, slots=True)
class CourseCell:
    """A figure's newest value, its interval, and its course as a picture."""

    value: str
    beside: str
    picture: Markup


@dataclass(frozen=True, slots=True)
class CourseRow:
    """One route, or one model of a route."""

    name: str
    of_route: bool
    """False for a model's share of the route above."""
    tasks: int
    newest: str
    """The period that the values are of, where it is not the last one."""
    cells: tuple[CourseCell, ...]
    """Cost per task, resolved, latency, one rung up, economy tier."""


@dataclass(frozen=True, slots=True)
class CourseTable:
    """The table of the section, and what to read with care."""

    by: str
    first: str
    last: str
    periods: int
    routes: tuple[CourseRow, ...]
    models: tuple[CourseRow, ...]
    """Routes with their models below them, where any route was served by more than one."""
    outcomes: bool
    """Whether any task states how it ended."""
    changes: tuple[str, ...]
    more_changes: int


def course_table(summary: Summary) -> CourseTable | None:
    """None where no call tells its time."""
    track = summary.track
    whole = dated(track)
    if track is None or not whole:
        return None
    periods = [row.period for row in whole]
    courses: dict[tuple[str, str], dict[str, TrackRow]] = {}
    for row in track.rows:
        if row.period != UNDATED:
            courses.setdefault((row.route, row.model), {})[row.period] = row
    ordered = sorted(courses, key=_place)
    rows = [_row(key, courses[key], periods, track) for key in ordered]
    several = {route for route, model in courses if sum(r == route for r, _ in courses) > 2}
    moved = changes(track)
    return CourseTable(
        by=track.by,
        first=periods[0],
        last=periods[-1],
        periods=len(periods),
        routes=tuple(row for row in rows if row.of_route),
        models=tuple(
            row for row, (route, _) in zip(rows, ordered, strict=True) if route in several and route != ALL
        ),
        outcomes=any(row.resolution for row in whole),
        changes=tuple(f"{_from(mix.period, track)}: {mix.changed}" for mix in moved[:MOST_CHANGES]),
        more_changes=max(0, len(moved) - MOST_CHANGES),
    )


def _place(key: tuple[str, str]) -> tuple[bool, bool, bool, str, bool, str]:
    """All traffic, the routes by name, those of huge context, what is not tagged; models below their route."""
    route, model = key
    return route != ALL, route == "untagged", route.endswith("/huge"), route, model != ALL, model


def _row(key: tuple[str, str], found: dict[str, TrackRow], periods: Sequence[str], track: Track) -> CourseRow:
    route, model = key
    name = (
        "all traffic" if route == ALL else route.removesuffix("/standard").replace("/huge", ", huge context")
    )
    course = [found.get(period) for period in periods]
    last = next(row for row in reversed(course) if row is not None)
    waits = [row.latency_p95_ms if row else None for row in course]
    return CourseRow(
        name=name if model == ALL else plain_name(model),
        of_route=model == ALL,
        tasks=sum(row.tasks for row in course if row is not None),
        newest="" if last.period == periods[-1] else _from(last.period, track),
        cells=(
            _estimate(
                "cost per task",
                [row.cost_per_task_usd if row else None for row in course],
                unit_usd,
                cost_range,
                floor=0.0,
            ),
            _estimate("resolved", [row.resolution if row else None for row in course], percent, rate_range),
            CourseCell(
                milliseconds(last.latency_p50_ms),
                f"95 of 100 within {milliseconds(last.latency_p95_ms)}" if last.latency_p95_ms else "",
                _picture("95th percentile", waits, milliseconds, floor=0.0),
            ),
            _share("one rung up", [row.escalation_rate if row else None for row in course]),
            _share("economy tier", [row.economy_share if row else None for row in course]),
        ),
    )


def _estimate(
    what: str,
    course: Sequence[Estimate | None],
    says: Callable[[float | None], str],
    ranged: Callable[[Estimate | None], str],
    *,
    floor: float | None = None,
) -> CourseCell:
    last = next((found for found in reversed(course) if found is not None), None)
    if last is None:
        return CourseCell("–", "", Markup())
    points = [Seen(found.value, found.low, found.high) if found else None for found in course]
    words = _told(what, [found.value if found else None for found in course], says)
    return CourseCell(
        says(last.value),
        ranged(last) if last.n > 1 else "one task",
        Markup(spark(points, words, floor=floor)),  # noqa: S704  every word in it was escaped when it was drawn
    )


def _share(what: str, course: Sequence[float | None]) -> CourseCell:
    last = next((value for value in reversed(course) if value is not None), None)
    return CourseCell(percent(last), "", _picture(what, course, percent, floor=0.0))


def _picture(
    what: str, course: Sequence[float | None], says: Callable[[float | None], str], *, floor: float | None
) -> Markup:
    points = [None if value is None else Seen(value, value, value) for value in course]
    return Markup(spark(points, _told(what, course, says), floor=floor))  # noqa: S704  as above


def _told(what: str, course: Sequence[float | None], says: Callable[[float | None], str]) -> str:
    known = [value for value in course if value is not None]
    if not known:
        return what
    return (
        f"{what}: from {says(known[0])} to {says(known[-1])}"
        if len(known) > 1
        else f"{what}: {says(known[0])}"
    )


def _from(period: str, track: Track) -> str:
    return f"{track.by} of {period}" if track.by == "week" else period[:7] if track.by == "month" else period
