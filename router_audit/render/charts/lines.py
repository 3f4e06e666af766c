"""Lines over periods: a figure each, its interval as a band, gaps where there is none."""

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
    text,
    ticks,
    y_axis,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LEFT, RIGHT, TOP, BOTTOM = 58.0, 500.0, 22.0, 190.0
"""The frame of a picture over periods."""
_MOST_DATES = 6


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


def over_periods(
    periods: Sequence[str],
    by: str,
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
    """A picture of lines, each with its band; a dashed line stands before the periods in `marked`."""
    known = [point for one in series for point in one.points if point is not None]
    marks = scale(
        floor if floor is not None else min(point.low for point in known),
        max(point.high for point in known),
        most=ceiling,
    )
    low, high = marks[0], marks[-1]
    step = (RIGHT - LEFT) / len(periods)

    def x(at: int) -> float:
        return LEFT + (at + 0.5) * step

    def y(value: float) -> float:
        return BOTTOM - (min(max(value, low), high) - low) / ((high - low) or 1.0) * (BOTTOM - TOP)

    body = [y_axis([(y(mark), words) for mark, words in zip(marks, axis(marks), strict=True)], LEFT, RIGHT)]
    for period in marked:
        body += dashed(LEFT + periods.index(period) * step)
    for one in series:
        body += _drawn(one, x, y)
    body += dates(periods, by)
    first = [next((p.tip for p in one.points if p is not None), "–") for one in series]
    last = [next((p.tip for p in reversed(one.points) if p is not None), "–") for one in series]
    told = "; ".join(
        f"{one.name}: {a} at first, {b} at last" if a != b else f"{one.name}: {b}"
        for one, a, b in zip(series, first, last, strict=True)
    )
    return Chart(
        id=id,
        title=title,
        desc=f"{what}, by {by}. {told}.",
        svg="".join(body),
        height=BOTTOM + 30,
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


def dashed(x: float) -> list[str]:
    """An upright line before a period that is not like those before it."""
    return [line(x, TOP - 8, x, BOTTOM, "limit")]


def dates(periods: Sequence[str], by: str) -> list[str]:
    """The periods below the axis, so few of them that none touches the next."""
    step = (RIGHT - LEFT) / len(periods)
    every = max(1, -(-len(periods) // _MOST_DATES))
    return [
        text(LEFT + (at + 0.5) * step, BOTTOM + 18, period[:7] if by == "month" else period[5:],
             style="axis", anchor="middle")
        for at, period in enumerate(periods)
        if at % every == 0
    ]  # fmt: skip


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
