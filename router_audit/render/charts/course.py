"""How it went: what a task cost and whether it was resolved, how fast and by which tier, period by period."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import escape

from router_audit.render.charts.svg import (
    Chart,
    Money,
    area,
    circle,
    colour,
    line,
    number,
    polyline,
    rect,
    text,
    ticks,
    usd_marks,
    y_axis,
)
from router_audit.summary.words import percent, unit_usd
from router_audit.types.track import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from router_audit.types.report import Summary
    from router_audit.types.track import Estimate, OriginMix, Track, TrackRow

UNDATED = "undated"
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 500.0, 22.0, 190.0
_MOST_DATES = 6
ORIGINS = {
    "none": "no outcome stated",
    "flag": "a flag in the log",
    "error": "an error of the call",
    "re-ask": "asked again",
    "score": "a score",
    "feedback": "feedback",
    "unnamed": "origin not named",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A figure of one period, with its interval where it has one."""

    value: float
    low: float
    high: float
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: a figure per period, None where there is none."""

    name: str
    place: int
    """In the palette."""
    points: tuple[Seen | None, ...]


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
    return _chart(
        track,
        rows,
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
    return _chart(
        track,
        rows,
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
    return _chart(
        track,
        rows,
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
    return _chart(
        track,
        rows,
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
    step = (_RIGHT - _LEFT) / len(mixes)
    body = [
        y_axis(
            [(_BOTTOM - share * (_BOTTOM - _TOP), f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)],
            _LEFT,
            _RIGHT,
        )
    ]
    wide = min(step * 0.8, 64.0)
    for at, mix in enumerate(mixes):
        y, left = _BOTTOM, _LEFT + (at + 0.5) * step - wide / 2
        for name in names:
            height = mix.shares.get(name, 0.0) * (_BOTTOM - _TOP)
            if height <= 0:
                continue
            y -= height
            tip = f"{mix.period}: {origin_in_words(name)} {percent(mix.shares[name])}"
            body.append(rect(left, y, wide, height, style[name], tip=tip))
        if mix.changed:
            body += _mark(_LEFT + at * step)
    body += _dates([mix.period for mix in mixes], track.by)
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
        height=_BOTTOM + 30,
        columns=(track.by, "outcome from", "share of the tasks", "change"),
        rows=tuple(
            (mix.period, origin_in_words(name), percent(mix.shares[name]), mix.changed if not n else "")
            for mix in mixes
            for n, name in enumerate(name for name in names if name in mix.shares)
        ),
        legend=tuple((style[name], origin_in_words(name)) for name in names),
        note="Dashed: the mix differs from the one before by more than chance." if moved else "",
    )


def _chart(
    track: Track,
    rows: Sequence[TrackRow],
    *,
    id: str,  # noqa: A002  as the figure's own
    title: str,
    what: str,
    series: tuple[Series, ...],
    axis: Callable[[Sequence[float]], list[str]],
    columns: tuple[str, ...],
    cells: tuple[tuple[str | int | Money, ...], ...],
    floor: float | None = None,
    ceiling: float | None = None,
    marked: Sequence[str] = (),
    note: str = "",
) -> Chart:
    """Lines over the periods, each with its band."""
    known = [point for one in series for point in one.points if point is not None]
    marks = scale(
        floor if floor is not None else min(point.low for point in known),
        max(point.high for point in known),
        most=ceiling,
    )
    low, high = marks[0], marks[-1]
    periods = [row.period for row in rows]
    step = (_RIGHT - _LEFT) / len(periods)

    def x(at: int) -> float:
        return _LEFT + (at + 0.5) * step

    def y(value: float) -> float:
        return _BOTTOM - (min(max(value, low), high) - low) / ((high - low) or 1.0) * (_BOTTOM - _TOP)

    body = [y_axis([(y(mark), words) for mark, words in zip(marks, axis(marks), strict=True)], _LEFT, _RIGHT)]
    for period in marked:
        body += _mark(_LEFT + periods.index(period) * step)
    for one in series:
        body += _drawn(one, x, y)
    body += _dates(periods, track.by)
    first = [next((p.tip for p in one.points if p is not None), "–") for one in series]
    last = [next((p.tip for p in reversed(one.points) if p is not None), "–") for one in series]
    told = "; ".join(
        f"{one.name}: {a} at first, {b} at last" if a != b else f"{one.name}: {b}"
        for one, a, b in zip(series, first, last, strict=True)
    )
    return Chart(
        id=id,
        title=title,
        desc=f"{what}, by {track.by}. {told}.",
        svg="".join(body),
        height=_BOTTOM + 30,
        columns=columns,
        rows=cells,
        legend=tuple((colour(one.place), one.name) for one in series) if len(series) > 1 else (),
        note=note,
    )


def _drawn(one: Series, x: Callable[[int], float], y: Callable[[float], float]) -> list[str]:
    """Band, line and dots; a period that stands alone has its interval as an upright line."""
    body = []
    for run in _runs(one.points):
        places = [x(at) for at, _ in run]
        lows = [(place, y(point.low)) for place, (_, point) in zip(places, run, strict=True)]
        highs = [(place, y(point.high)) for place, (_, point) in zip(places, run, strict=True)]
        if len(run) > 1:
            if lows != highs:
                body.append(area([*lows, *reversed(highs)], f"band {colour(one.place)}"))
            middle = [(place, y(point.value)) for place, (_, point) in zip(places, run, strict=True)]
            body.append(polyline(middle, f"series l{one.place}"))
        elif lows != highs:
            body.append(line(*lows[0], *highs[0], f"whisker l{one.place}"))
    small = 3.0 if len(one.points) <= 32 else 2.0
    body += [
        circle(x(at), y(point.value), small, colour(one.place), tip=f"{one.name}: {point.tip}")
        for at, point in enumerate(one.points)
        if point is not None
    ]
    return body


def spark(points: Sequence[Seen | None], label: str, *, floor: float | None = None) -> str:
    """A whole picture as small as a word: the course with its band, the last value as a dot."""
    known = [point for point in points if point is not None]
    if not known:
        return ""
    low = min(point.low for point in known) if floor is None else floor
    high = max(point.high for point in known)
    wide, tall, edge = 108.0, 26.0, 4.0
    step = (wide - 2 * edge) / max(1, len(points) - 1)

    def x(at: int) -> float:
        return edge + at * step if len(points) > 1 else wide - edge

    def y(value: float) -> float:
        middle = 0.5 if floor is None else 0.0  # where nothing differs
        return tall - edge - ((value - low) / (high - low) if high > low else middle) * (tall - 2 * edge)

    body = []
    for run in _runs(points):
        if len(run) > 1:
            lows = [(x(at), y(point.low)) for at, point in run]
            highs = [(x(at), y(point.high)) for at, point in run]
            if lows != highs:
                body.append(area([*lows, *reversed(highs)], "band c0"))
            body.append(polyline([(x(at), y(point.value)) for at, point in run], "series thin l0"))
        else:
            body.append(circle(x(run[0][0]), y(run[0][1].value), 1.5, "c0"))
    last, point = max(
        (at, point) for at, point in enumerate(points) if point is not None and point is known[-1]
    )
    body.append(circle(x(last), y(point.value), 2.6, "c0"))
    return (
        f'<svg class="spark" viewBox="0 0 {number(wide)} {number(tall)}" role="img" aria-label="{escape(label)}">'
        f"{''.join(body)}</svg>"
    )


def scale(low: float, high: float, *, most: float | None = None) -> list[float]:
    """Round marks from at most `low` to at least `high`, none beyond `most`; never fewer than two."""
    if low <= 0:
        marks = ticks(high if high > 0 else (most or 1.0))
    else:
        step = ticks(max(high - low, high * 0.02), 3)[1]
        first = math.floor(low / step + 1e-9) * step
        marks = [first + step * n for n in range(math.ceil((high - first) / step - 1e-9) + 1)]
    if most is not None and marks[-1] > most:
        marks = [*(mark for mark in marks if mark < most * (1 - 1e-9)), most]
    return marks


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


def _runs(points: Sequence[Seen | None]) -> Iterable[list[tuple[int, Seen]]]:
    """The stretches of periods without a gap."""
    run: list[tuple[int, Seen]] = []
    for at, point in enumerate(points):
        if point is not None:
            run.append((at, point))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _mark(x: float) -> list[str]:
    return [line(x, _TOP - 8, x, _BOTTOM, "limit")]


def _dates(periods: Sequence[str], by: str) -> list[str]:
    step = (_RIGHT - _LEFT) / len(periods)
    every = max(1, -(-len(periods) // _MOST_DATES))
    return [
        text(_LEFT + (at + 0.5) * step, _BOTTOM + 18, period[:7] if by == "month" else period[5:],
             style="axis", anchor="middle")
        for at, period in enumerate(periods)
        if at % every == 0
    ]  # fmt: skip
