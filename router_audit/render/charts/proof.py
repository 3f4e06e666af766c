"""What the trials and the canary show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from router_audit.render.charts.svg import (
    Chart,
    circle,
    colour,
    line,
    model_name,
    polyline,
    text,
    ticks,
    y_axis,
)
from router_audit.summary.words import percent

if TYPE_CHECKING:
    from router_audit.types.report import Summary

_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 500.0, 16.0, 206.0


def risk_coverage(summary: Summary) -> tuple[Chart, ...]:
    """For each route with thresholds to choose from: regret and its bound against the share that stays."""
    found = []
    for proof in summary.table.get("evidence", {}).get("routes", ()):
        chosen = proof["hypotheses"][proof["chosen"]] if proof["chosen"] is not None else None
        steps = [
            step
            for step in proof["hypotheses"]
            if step["trials"] and (chosen is None or step["candidate"] == chosen["candidate"])
        ]
        if chosen is None or len({step["trials"] for step in steps}) < 2:
            continue
        found.append(_one_route(summary, proof, chosen, sorted(steps, key=lambda step: step["tau"])))
    return tuple(found)


def _one_route(
    summary: Summary, proof: dict[str, Any], chosen: dict[str, Any], steps: list[dict[str, Any]]
) -> Chart:
    epsilon = float(summary.table["epsilon"])

    def stays(step: dict[str, Any]) -> float:
        return int(step["trials"]) / (int(step["trials"]) + int(step["escalated"]))

    def risk(step: dict[str, Any]) -> float:
        return int(step["regrets"]) / int(step["trials"])

    marks = ticks(min(1.0, max([min(step["upper_bound"], 0.5) for step in steps] + [epsilon * 1.5])))

    def x(share: float) -> float:
        return _LEFT + share * (_RIGHT - _LEFT)

    def y(value: float) -> float:
        return _BOTTOM - min(value, marks[-1]) / marks[-1] * (_BOTTOM - _TOP)

    body = [
        y_axis([(y(mark), f"{mark * 100:.3g}%") for mark in marks], _LEFT, _RIGHT),
        *(
            text(x(s), _BOTTOM + 18, f"{s:.0%}", style="axis", anchor="middle")
            for s in (0, 0.25, 0.5, 0.75, 1)
        ),
        text(_RIGHT, _BOTTOM + 36, "share that stays with the candidate →", style="axis", anchor="end"),
        line(_LEFT, y(epsilon), _RIGHT, y(epsilon), "limit"),
        text(_LEFT + 4, y(epsilon) - 5, f"tolerated {percent(epsilon)}", style="limit-label"),
        polyline([(x(stays(step)), y(step["upper_bound"])) for step in steps], "bound"),
        polyline([(x(stays(step)), y(risk(step))) for step in steps], "risk"),
    ]
    body += [
        circle(
            x(stays(step)),
            y(risk(step)),
            3.5,
            "risk-dot",
            tip=f"threshold {step['tau']:g}: {percent(risk(step))}",
        )
        for step in steps
    ]
    body.append(circle(x(stays(chosen)), y(risk(chosen)), 7, "chosen"))
    body.append(
        text(
            x(stays(chosen)) - 10,
            y(risk(chosen)) - 10,
            f"threshold {chosen['tau']:g}",
            style="label",
            anchor="end",
        )
    )
    return Chart(
        id="risk-" + proof["route"].replace("/", "-"),
        title=f"Risk and coverage: {proof['route']}",
        desc=f"Regret of {model_name(chosen['candidate'])} and its upper bound against the share of requests that it "
        f"keeps; at the threshold {chosen['tau']:g} it keeps {percent(stays(chosen))} with "
        f"{percent(risk(chosen))} regret.",
        svg="".join(body),
        height=250,
        columns=("threshold", "stays", "trials", "regrets", "regret", "upper bound", "verdict"),
        rows=tuple(
            (f"{step['tau']:g}", percent(stays(step)), step["trials"], step["regrets"], percent(risk(step)),
             percent(step["upper_bound"]), step["verdict"])
            for step in steps
        ),
        legend=(("k-risk", "regret seen"), ("k-bound", "upper bound"), ("k-limit", "tolerated")),
    )  # fmt: skip


def canary(summary: Summary) -> Chart | None:
    """Each route's e-value by day on a logarithmic axis, with the alarm line; None without a pair."""
    lines = [found for found in summary.canary if found.days]
    if not lines:
        return None
    days = sorted({day.day for found in lines for day in found.days})
    alarm = lines[0].alarm_at
    values = [day.e_value for found in lines for day in found.days]
    low = min(-1, math.floor(math.log10(max(min(values), 1e-4))))
    high = max(2, math.ceil(math.log10(max(values))))

    every_power = max(1, -(-(high - low) // 6))
    low = math.floor(low / every_power) * every_power  # so that 1 is among the marks

    def x(day: str) -> float:
        return _LEFT + (days.index(day) + 0.5) / len(days) * (_RIGHT - _LEFT)

    def y(value: float) -> float:
        return _BOTTOM - (math.log10(max(value, 1e-4)) - low) / (high - low) * (_BOTTOM - _TOP)

    body = [
        y_axis([(y(10.0**p), _power(p)) for p in range(low, high + 1, every_power)], _LEFT, _RIGHT),
        line(_LEFT, y(alarm), _RIGHT, y(alarm), "limit"),
        text(_LEFT + 4, y(alarm) - 5, f"alarm at {alarm:g}", style="limit-label"),
    ]
    every = max(1, -(-len(days) // 6))
    body += [
        text(x(day), _BOTTOM + 18, day[5:], style="axis", anchor="middle")
        for n, day in enumerate(days)
        if n % every == 0
    ]
    for n, found in enumerate(lines):
        body.append(polyline([(x(day.day), y(day.e_value)) for day in found.days], f"series l{n % 8}"))
        last = found.days[-1]
        body.append(
            circle(x(last.day), y(last.e_value), 3.5, colour(n), tip=f"{found.route}: {last.e_value:g}")
        )
    raised = [f"{found.route}, {found.raised}" for found in lines if found.raised]
    return Chart(
        id="canary",
        title="The canary: evidence of harm by day",
        desc=f"One line per route; one alone raises the alarm at {alarm:g}. "
        + (f"Raised: {'; '.join(raised)}." if raised else "None was raised."),
        svg="".join(body),
        height=236,
        columns=("route", "model", "day", "pairs so far", "e-value"),
        rows=tuple(
            (found.route, model_name(found.model), day.day, day.pairs, f"{day.e_value:g}")
            for found in lines
            for day in found.days
        ),
        legend=tuple(
            (colour(n), f"{found.route}: {model_name(found.model)}") for n, found in enumerate(lines)
        ),
        note=f"Alarm on {'; '.join(raised)}." if raised else "No alarm so far.",
    )


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_PLAIN = 5


def _power(exponent: int) -> str:
    """A power of ten as read on an axis."""
    if exponent > _MOST_PLAIN:
        return "10" + str(exponent).translate(_RAISED)
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"
