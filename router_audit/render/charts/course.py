"""How it went: what a task cost and whether it was resolved, how fast and by which tier, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.render.charts.lines import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Seen,
    Series,
    dashed,
    dates,
    over_periods,
)
from router_audit.render.charts.svg import (
    Chart,
    Money,
    colour,
    rect,
    usd_marks,
    y_axis,
)
from router_audit.summary.words import percent, unit_usd
from router_audit.types.track import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router_audit.types.report import Summary
    from router_audit.types.track import Estimate, OriginMix, Track, TrackRow

UNDATED = "undated"
ORIGINS = {
    "none": "no outcome stated",
    "flag": "a flag in the log",
    "error": "an error of the call",
    "re-ask": "asked again",
    "score": "a score",
    "feedback": "feedback",
    "unnamed": "origin not named",
}


def course(summary: Summary) -> tuple[Chart, ...]:
    """The pictures of all traffic over time, those there is data for; none without a dated call."""
    track = summary.track
    whole = dated(track)
    if track is None or not whole:
        return ()
    found = (
        _cost(track, whole),
        _latency(track, whole),
        _resolution(track, whole),
        _evidence(track),
        _tiers(track, whole),
    )
    return tuple(chart for chart in found if chart is not None)


def dated(track: Track | None) -> list[TrackRow]:
    """The rows that sum over everything, oldest first, without that of calls that tell no time."""
    rows = track.rows if track else ()
    return [row for row in rows if (row.route, row.model) == (ALL, ALL) and row.period != UNDATED]


def changes(track: Track) -> list[OriginMix]:
    """The periods whose evidence differs from that before by more than chance."""
    return [mix for mix in track.origins if mix.changed and mix.period != UNDATED]


def _cost(track: Track, rows: Sequence[TrackRow]) -> Chart | None:
    if not any(row.cost_per_task_usd for row in rows):
        return None
    points = tuple(_seen(row.cost_per_task_usd, unit_usd, cost_range) for row in rows)
    places = {id(row): at for at, row in enumerate(track.rows)}
    return over_periods(
        [row.period for row in rows],
        track.by,
        id="course-cost",
        title="Cost per task",
        what="Cost per task of all traffic, both answers of an escalation paid",
        series=(Series("all traffic", 0, points),),
        axis=usd_marks,
        floor=0.0,
        columns=(track.by, "tasks", "cost per task", "95% sure", "cost of all", "of it canary"),
        cells=tuple(
            (
                row.period,
                row.tasks,
                unit_usd(row.cost_per_task_usd.value) if row.cost_per_task_usd else "–",
                cost_range(row.cost_per_task_usd),
                Money(row.cost_usd, f"track.rows.{places[id(row)]}.cost_usd"),
                Money(row.canary_usd, f"track.rows.{places[id(row)]}.canary_usd"),
            )
            for row in rows
        ),
        note="Each call at the price of its own day.",
    )


def _resolution(track: Track, rows: Sequence[TrackRow]) -> Chart | None:
    if not any(row.resolution for row in rows):
        return None
    return over_periods(
        [row.period for row in rows],
        track.by,
        id="course-resolution",
        title="Resolution rate",
        what="Share of the tasks with a stated outcome that were resolved",
        series=(Series("resolved", 0, tuple(_seen(row.resolution, percent, rate_range) for row in rows)),),
        axis=_share_marks,
        ceiling=1.0,
        columns=(track.by, "tasks with an outcome", "resolved", "95% sure"),
        cells=tuple(
            (
                row.period,
                row.resolution.n if row.resolution else 0,
                percent(row.resolution.value) if row.resolution else "–",
                rate_range(row.resolution),
            )
            for row in rows
        ),
        marked=[mix.period for mix in changes(track)],
        note="Dashed: the evidence itself changed there, so the rates before and after do not compare."
        if changes(track)
        else "",
    )


def _latency(track: Track, rows: Sequence[TrackRow]) -> Chart | None:
    if not any(row.latency_p50_ms for row in rows):
        return None
    halves = tuple(_exact(row.latency_p50_ms, milliseconds) for row in rows)
    slow = tuple(_exact(row.latency_p95_ms, milliseconds) for row in rows)
    return over_periods(
        [row.period for row in rows],
        track.by,
        id="course-latency",
        title="Latency",
        what="Half of the answers came within the lower line, 95 of 100 within the upper one",
        series=(Series("95th percentile", 1, slow), Series("median", 0, halves)),
        axis=_waits,
        floor=0.0,
        columns=(track.by, "requests", "median", "95th percentile"),
        cells=tuple(
            (row.period, row.requests, milliseconds(row.latency_p50_ms), milliseconds(row.latency_p95_ms))
            for row in rows
        ),
    )


def _tiers(track: Track, rows: Sequence[TrackRow]) -> Chart:
    economy = tuple(_exact(row.economy_share, percent) for row in rows)
    raised = tuple(_exact(row.escalation_rate, percent) for row in rows)
    return over_periods(
        [row.period for row in rows],
        track.by,
        id="course-tiers",
        title="Economy tier and escalations",
        what="Share of the requests that the economy tier answered, and that went one rung up",
        series=(Series("economy tier", 0, economy), Series("one rung up", 1, raised)),
        axis=_share_marks,
        floor=0.0,
        ceiling=1.0,
        columns=(track.by, "requests", "economy tier", "one rung up", "canary requests"),
        cells=tuple(
            (
                row.period,
                row.requests,
                percent(row.economy_share),
                percent(row.escalation_rate),
                row.canary_requests,
            )
            for row in rows
        ),
    )


def _evidence(track: Track) -> Chart | None:
    """What the resolution rate rests on: a stacked column per period; None where no outcome is stated."""
    mixes = [mix for mix in track.origins if mix.period != UNDATED]
    names = sorted(
        {name for mix in mixes for name in mix.shares},
        key=lambda name: (name == "none", -sum(mix.shares.get(name, 0.0) for mix in mixes), name),
    )
    if not set(names) - {"none"}:
        return None
    style = {name: "rest" if name == "none" else colour(at) for at, name in enumerate(names)}
    step = (RIGHT - LEFT) / len(mixes)
    body = [
        y_axis(
            [(BOTTOM - share * (BOTTOM - TOP), f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)],
            LEFT,
            RIGHT,
        )
    ]
    wide = min(step * 0.8, 64.0)
    for at, mix in enumerate(mixes):
        y, left = BOTTOM, LEFT + (at + 0.5) * step - wide / 2
        for name in names:
            height = mix.shares.get(name, 0.0) * (BOTTOM - TOP)
            if height <= 0:
                continue
            y -= height
            tip = f"{mix.period}: {origin_in_words(name)} {percent(mix.shares[name])}"
            body.append(rect(left, y, wide, height, style[name], tip=tip))
        if mix.changed:
            body += dashed(LEFT + at * step)
    body += dates([mix.period for mix in mixes], track.by)
    moved = changes(track)
    return Chart(
        id="course-evidence",
        title="What the resolution rate rests on",
        desc="A column for each "
        + track.by
        + ", split by where the outcome of a task comes from. "
        + (
            f"The mix changed {'once' if len(moved) == 1 else f'{len(moved)} times'} by more than chance."
            if moved
            else "No change of the mix that chance would not explain."
        ),
        svg="".join(body),
        height=BOTTOM + 30,
        columns=(track.by, "outcome from", "share of the tasks", "change"),
        rows=tuple(
            (mix.period, origin_in_words(name), percent(mix.shares[name]), mix.changed if not n else "")
            for mix in mixes
            for n, name in enumerate(name for name in names if name in mix.shares)
        ),
        legend=tuple((style[name], origin_in_words(name)) for name in names),
        note="Dashed: the mix differs from the one before by more than chance." if moved else "",
    )


def milliseconds(value: float | None) -> str:
    """A latency as read: seconds from one second on."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:,.0f} ms"


def _share_marks(shares: Sequence[float]) -> list[str]:
    return [f"{share * 100:.3g}%" for share in shares]


def _waits(marks: Sequence[float]) -> list[str]:
    return [milliseconds(mark) for mark in marks]


def _seen(
    found: Estimate | None, says: Callable[[float], str], ranged: Callable[[Estimate], str]
) -> Seen | None:
    if found is None:
        return None
    return Seen(found.value, found.low, found.high, f"{says(found.value)} ({ranged(found)})")


def _exact(value: float | None, says: Callable[[float], str]) -> Seen | None:
    return None if value is None else Seen(value, value, value, says(value))


def cost_range(found: Estimate | None) -> str:
    """The interval of a cost, to the places of its middle."""
    if found is None:
        return "–"
    return f"{unit_usd(found.low, like=found.value)} to {unit_usd(found.high, like=found.value)}"


def rate_range(found: Estimate | None) -> str:
    """The interval of a share."""
    return "–" if found is None else f"{percent(found.low)} to {percent(found.high)}"


def origin_in_words(name: str) -> str:
    """Where an outcome comes from, as a reader calls it."""
    kind, _, of = name.partition(":")
    return f"the score “{of}”" if kind == "score" and of else ORIGINS.get(name, name)
