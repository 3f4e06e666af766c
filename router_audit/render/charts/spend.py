"""Where the money goes: over time, by work, by kind of token."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from router_audit.render.charts.svg import (
    Chart,
    Money,
    colour,
    model_name,
    rect,
    short_usd,
    shortened,
    text,
    ticks,
    usd_marks,
    y_axis,
)
from router_audit.summary.words import usd

if TYPE_CHECKING:
    from router_audit.types.report import Summary

SERIES = 5
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 512.0, 14.0, 214.0
_MOST_ROWS = 400


def spend_over_time(summary: Summary) -> Chart | None:
    """Stacked columns of spend by model, one per period; None where no request has a time."""
    cells = summary.over_time
    if not cells:
        return None
    totals: dict[str, Decimal] = {}
    for cell in cells:
        totals[cell.model] = totals.get(cell.model, Decimal(0)) + cell.cost_usd
    named = sorted(totals, key=lambda name: (-totals[name], name))[:SERIES]
    starts = sorted({cell.start for cell in cells})
    stacks: dict[str, dict[str, Decimal]] = {start: {} for start in starts}
    for cell in cells:
        key = cell.model if cell.model in named else "other models"
        stacks[cell.start][key] = stacks[cell.start].get(key, Decimal(0)) + cell.cost_usd
    highest = max(float(sum(stack.values())) for stack in stacks.values())
    marks = ticks(highest)
    top = marks[-1] or 1.0
    order = [*named, *(["other models"] if len(totals) > len(named) else [])]
    step = (_RIGHT - _LEFT) / len(starts)
    body = [
        y_axis(
            [
                (_BOTTOM - mark / top * (_BOTTOM - _TOP), words)
                for mark, words in zip(marks, usd_marks(marks), strict=True)
            ],
            _LEFT,
            _RIGHT,
        )
    ]
    for at, start in enumerate(starts):
        y = _BOTTOM
        for index, name in enumerate(order):
            cost = stacks[start].get(name)
            if not cost:
                continue
            height = float(cost) / top * (_BOTTOM - _TOP)
            y -= height
            style = "rest" if name == "other models" else colour(index)
            body.append(
                rect(
                    _LEFT + at * step + step * 0.1,
                    y,
                    step * 0.8,
                    height,
                    style,
                    tip=f"{start}: {model_name(name)} {usd(cost)}",
                )
            )
    every = max(1, -(-len(starts) // 6))
    body += [
        text(_LEFT + (at + 0.5) * step, _BOTTOM + 18, start[5:] if summary.period == "day" else start[:7],
             style="axis", anchor="middle")
        for at, start in enumerate(starts)
        if at % every == 0
    ]  # fmt: skip
    return Chart(
        id="spend-over-time",
        title=f"Spend by model, per {summary.period}",
        desc=f"Stacked columns from {starts[0]} to {starts[-1]}; the dearest model is "
        f"{model_name(named[0])} with {usd(totals[named[0]])} in the log.",
        svg="".join(body),
        height=240,
        columns=(summary.period, "model", "requests", "spend"),
        rows=tuple(
            (cell.start, cell.model, cell.requests, Money(cell.cost_usd, f"over_time.{at}.cost_usd"))
            for at, cell in enumerate(cells[:_MOST_ROWS])
        ),
        legend=tuple(
            ("rest" if name == "other models" else colour(index), model_name(name))
            for index, name in enumerate(order)
        ),
        note=f"The first {_MOST_ROWS} of {len(cells)} rows; the JSON has all."
        if len(cells) > _MOST_ROWS
        else "",
    )


def heatmaps(summary: Summary) -> tuple[Chart, ...]:
    """Profile × model: one picture of requests, one of spend."""
    cells = summary.crossings
    if not cells:
        return ()
    models = list(dict.fromkeys(cell.model for cell in cells))[:8]
    profiles = sorted({cell.profile for cell in cells}, key=lambda name: (name == "not tagged", name))
    rows = tuple(
        (cell.model, cell.profile, cell.requests, Money(cell.cost_usd, f"crossings.{at}.cost_usd"))
        for at, cell in enumerate(cells[:_MOST_ROWS])
    )
    found = []
    for what in ("requests", "spend"):
        value = {
            (cell.model, cell.profile): float(cell.requests if what == "requests" else cell.cost_usd)
            for cell in cells
        }
        highest = max(value.values(), default=0.0) or 1.0
        left, top = 150.0, 26.0
        width, height = (512 - left) / len(profiles), 30.0
        body = [
            text(left + (at + 0.5) * width, 16, name, style="axis", anchor="middle")
            for at, name in enumerate(profiles)
        ]
        for down, model in enumerate(models):
            y = top + down * height
            body.append(text(left - 8, y + 19, shortened(model_name(model), 22), style="label", anchor="end"))
            for across, profile in enumerate(profiles):
                amount = value.get((model, profile), 0.0)
                strength = 0.05 + 0.9 * (amount / highest) ** 0.6 if amount else 0.0
                shown = _in_a_cell(amount) if what == "spend" else f"{amount:,.0f}"
                x = left + across * width
                body.append(
                    rect(
                        x + 1,
                        y + 1,
                        width - 2,
                        height - 2,
                        "heat" if amount else "empty",
                        opacity=strength or None,
                    )
                )
                body.append(
                    text(x + width / 2, y + 19, shown if amount else "·",
                         style="on" if strength > 0.72 else "cell", anchor="middle")
                )  # fmt: skip
        first = max(value, key=lambda pair: value[pair])
        found.append(
            Chart(
                id=f"heat-{what}",
                title=f"Who does what work, by {what}",
                desc=f"A grid of models and profiles; the darkest cell is {model_name(first[0])} on {first[1]}.",
                svg="".join(body),
                height=top + len(models) * height + 6,
                columns=("model", "profile", "requests", "spend"),
                rows=rows,
                note=""
                if len({c.model for c in cells}) <= 8
                else "The eight dearest models; the table has all.",
            )
        )
    return tuple(found)


def _in_a_cell(amount: float) -> str:
    return usd(amount) if amount < 100 else short_usd(float(f"{amount:.3g}"))


def token_split(summary: Summary) -> Chart | None:
    """What each profile's spend is made of, as bars of equal length."""
    kinds = list(dict.fromkeys(item.kind for item in summary.token_kinds))
    profiles = list(dict.fromkeys(item.profile for item in summary.token_kinds))
    if not profiles:
        return None
    cost = {(item.profile, item.kind): float(item.cost_usd) for item in summary.token_kinds}
    left, height = 110.0, 34.0
    body = []
    for down, profile in enumerate(profiles):
        y, x = 6 + down * height, left
        total = sum(max(0.0, cost[profile, kind]) for kind in kinds)
        body.append(text(left - 8, y + 18, profile, style="label", anchor="end"))
        for index, kind in enumerate(kinds):
            part = max(0.0, cost[profile, kind]) / total if total else 0.0
            width = part * (_RIGHT - left)
            if width <= 0:
                continue
            body.append(rect(x, y, width, height - 10, colour(index), tip=f"{profile}: {kind} {part:.1%}"))
            if width > 36:
                body.append(text(x + width / 2, y + 16, f"{part:.0%}", style="inside", anchor="middle"))
            x += width
    return Chart(
        id="token-kinds",
        title="What the spend is made of",
        desc="One bar per profile, split by kind of token: " + ", ".join(kinds) + ".",
        svg="".join(body),
        height=6 + len(profiles) * height,
        columns=("profile", "kind", "tokens", "cost"),
        rows=tuple(
            (item.profile, item.kind, item.tokens, Money(item.cost_usd, f"token_kinds.{at}.cost_usd"))
            for at, item in enumerate(summary.token_kinds)
        ),
        legend=tuple(
            (colour(index), kind)
            for index, kind in enumerate(kinds)
            if any(cost[profile, kind] > 0 for profile in profiles)
        ),
        note="Input counts exclude what was read from or written to a cache; output counts exclude reasoning.",
    )
