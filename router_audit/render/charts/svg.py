"""The few shapes that the pictures are made of: data in, SVG text out, every word escaped, no style attribute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

WIDTH = 520.0
COLOURS = 8


@dataclass(frozen=True, slots=True)
class Money:
    """A cell that shows an amount, and the place in the JSON that says the same."""

    usd: Decimal | float | None
    at: str
    """Dotted path in the JSON report."""


Cell = str | int | Money


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its words and the table behind it."""

    id: str
    title: str
    desc: str
    """What is to be seen, for someone who cannot see it."""
    svg: str
    height: float
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()
    """(CSS class, label)."""
    width: float = WIDTH
    note: str = ""
    wide: bool = field(default=False)


def number(value: float) -> str:
    """At most one decimal; never minus zero."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def text(x: float, y: float, words: object, *, style: str = "", anchor: str = "start") -> str:
    """A line of text; `anchor` is start, middle or end."""
    kind = f' class="{style}"' if style else ""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{number(x)}" y="{number(y)}"{kind}{where}>{escape(str(words))}</text>'


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    style: str,
    *,
    tip: str = "",
    opacity: float | None = None,
) -> str:
    """A rectangle; `tip` shows when a pointer rests on it."""
    fill = "" if opacity is None else f' fill-opacity="{opacity:.2f}"'
    body = (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}"'
        f' height="{number(max(height, 0))}" class="{style}"{fill}'
    )
    return f"{body}><title>{escape(tip)}</title></rect>" if tip else f"{body}/>"


def circle(x: float, y: float, radius: float, style: str, *, tip: str = "") -> str:
    """A dot."""
    body = f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" class="{style}"'
    return f"{body}><title>{escape(tip)}</title></circle>" if tip else f"{body}/>"


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" class="{style}"/>'


def polyline(points: Iterable[tuple[float, float]], style: str) -> str:
    """A line through points."""
    joined = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline points="{joined}" class="{style}"/>'


def area(points: Iterable[tuple[float, float]], style: str) -> str:
    """The ground within a line through points."""
    joined = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polygon points="{joined}" class="{style}"/>'


def dots(points: Iterable[tuple[float, float]], style: str) -> str:
    """Many dots as one path: a line of no length with a round end is a dot."""
    return f'<path d="{"".join(f"M{number(x)} {number(y)}h0" for x, y in points)}" class="{style}"/>'


def ticks(highest: float, wanted: int = 4) -> list[float]:
    """Round steps from zero to at least `highest`."""
    if highest <= 0:
        return [0.0]
    raw = highest / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    return [step * n for n in range(math.ceil(highest / step - 1e-9) + 1)]


def short_usd(value: float) -> str:
    """An amount for an axis."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    for bound, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if size >= bound:
            return f"{sign}${size / bound:.4g}{unit}"
    return f"{sign}${size:.3g}" if size else "$0"


def usd_marks(marks: Sequence[float]) -> list[str]:
    """Amounts along one axis, all to the same places; in thousands, millions … where they are large."""
    highest = max(map(abs, marks), default=0.0)
    if highest >= 1000:
        return [short_usd(mark) for mark in marks]
    fits = (
        n for n in (0, 2, 3, 4, 5, 6) if all(abs(mark - round(mark, n)) < highest * 1e-6 for mark in marks)
    )
    places = next(fits, 7)
    return [f"{'-' if mark < 0 else ''}${abs(mark):.{places}f}" if mark else "$0" for mark in marks]


def shortened(words: str, most: int = 26) -> str:
    """A label that fits; the middle goes first, for both ends of a model's name tell it apart."""
    if len(words) <= most:
        return words
    head = (most - 1) // 2
    return f"{words[:head]}…{words[-(most - 1 - head) :]}"


def model_name(ref: str) -> str:
    """A model without its provider."""
    return ref.partition("/")[2] or ref


def colour(index: int) -> str:
    """The class of the n-th series; beyond the palette everything is `rest`."""
    return f"c{index}" if index < COLOURS else "rest"


def y_axis(marks: Sequence[tuple[float, str]], left: float, right: float, *, style: str = "grid") -> str:
    """Horizontal rules with their labels: (y, label)."""
    return "".join(
        line(left, y, right, y, style) + text(left - 6, y + 4, label, style="axis", anchor="end")
        for y, label in marks
    )


def plain_name(ref: str | None) -> str:
    """A model as a reader calls it; `–` for none."""
    return shortened(model_name(ref), 80) if ref else "–"


@dataclass(frozen=True, slots=True)
class Spot:
    """A dot that wants a label."""

    x: float
    y: float
    radius: float
    label: str


_LETTER, _LINE = 6.6, 14.0


def labels(
    spots: Sequence[Spot], left: float, right: float, *, style: str = "label", must: bool = True
) -> list[str]:
    """A label beside each dot, above or below it, where it covers neither a dot nor another label.

    Where there is no such place: over another one, or with `must` false nowhere.
    """
    taken = [(s.x - s.radius, s.y - s.radius, s.x + s.radius, s.y + s.radius) for s in spots if s.radius]
    drawn = []
    for spot in spots:
        wide, away = len(spot.label) * _LETTER, spot.radius + 5
        places = [(spot.x + away, spot.y + 4), (spot.x - away - wide, spot.y + 4)]
        for n in range(1, 7):
            for down in (-1, 1):
                at = spot.y + down * (away + (n - 1) * _LINE) + (0 if down < 0 else _LINE - 4)
                places += [(spot.x - wide / 2, at), (spot.x, at), (spot.x - wide, at)]
        fits = [place for place in places if place[0] >= left - 2 and place[0] + wide <= right + 8]
        free = [
            (x, y)
            for x, y in fits
            if not any(x < c and x + wide > a and y - 10 < d and y + 3 > b for a, b, c, d in taken)
        ]
        if not free and not must:
            continue
        x, y = (free or fits or places)[0]
        taken.append((x, y - 10, x + wide, y + 3))
        drawn.append(text(x, y, spot.label, style=style))
    return drawn
