"""The saving: how it comes about, how sure it is by route, and what else could be done instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.render.charts.svg import (
    Chart,
    Money,
    Spot,
    circle,
    labels,
    line,
    model_name,
    polyline,
    rect,
    text,
    ticks,
    usd_marks,
    y_axis,
)
from router_audit.summary.words import percent, usd

if TYPE_CHECKING:
    from router_audit.types.report import Summary

TERMS = {
    "incumbent": "today's bill",
    "routed": "routed answers",
    "classifier": "classifier",
    "confidence": "confidence checks",
    "escalation": "escalations",
    "canary": "canary",
    "cache_lost": "cache lost",
    "redone": "asked again",
    "saving": "saving",
}
CONTROLS = {
    "table": "this table",
    "incumbent": "today",
    "best-single": "best single model",
    "all-cheapest": "all to the cheapest",
    "random-split": "random split, same cost",
}


def waterfall(summary: Summary) -> Chart | None:
    """From today's bill, term by term, to the saving; None where the table carries no terms."""
    steps = summary.table["savings"].get("waterfall")
    if not steps or not steps[0]["usd_per_month"]:
        return None
    bill = steps[0]["usd_per_month"]
    left, right, height = 128.0, 440.0, 25.0
    low = min([0.0, *(step["usd_per_month"] for step in steps if step["term"] == "saving")])
    unit = (right - left) / (bill - low)
    zero = left - low * unit
    body, at = [line(zero, 2, zero, len(steps) * height + 4, "base")], bill
    for down, step in enumerate(steps):
        y, amount = 4 + down * height, step["usd_per_month"]
        whole = step["term"] in {"incumbent", "saving"}
        start, end = (0.0, amount) if whole else (at, at + amount)
        if not whole:
            at = end
        x1, x2 = sorted((zero + start * unit, zero + end * unit))
        style = "c0" if step["term"] == "saving" and amount >= 0 else "base-bar" if whole else "cost"
        body.append(
            text(left - 8, y + 16, TERMS.get(step["term"], step["term"]), style="label", anchor="end")
        )
        body.append(rect(x1, y + 3, max(x2 - x1, 1), height - 6, style, tip=usd(amount)))
        body.append(text(max(x2, x1 + 1) + 6, y + 16, usd(amount), style="value"))
    left_over = steps[-1]["usd_per_month"]
    return Chart(
        id="waterfall",
        title="From today's bill to the saving, per month",
        desc=f"A waterfall: {usd(bill)} a month today, less what the table would cost"
        + (f", leaves {usd(left_over)}." if steps[-1]["term"] == "saving" else "; the saving is withheld."),
        svg="".join(body),
        height=len(steps) * height + 8,
        columns=("term", "per month"),
        rows=tuple(
            (TERMS.get(step["term"], step["term"]),
             Money(step["usd_per_month"], f"table.savings.waterfall.{n}.usd_per_month"))
            for n, step in enumerate(steps)
        ),
        note="Each term at its mean; the saving at the top of the page is the middle of its interval.",
    )  # fmt: skip


def saving_by_route(summary: Summary) -> Chart | None:
    """Each route's saving as an interval; None where no route has one."""
    found = [
        (n, route)
        for n, route in enumerate(summary.table["savings"].get("by_route", ()))
        if route["moved"] and route["per_month_usd"]["p50"] is not None
    ]
    if not found:
        return None
    low: float = min([0.0, *(route["per_month_usd"]["p5"] for _, route in found)])
    high: float = max([0.0, *(route["per_month_usd"]["p95"] for _, route in found)])
    left, right, height = 150.0, 420.0, 32.0
    unit = (right - left) / ((high - low) or 1.0)

    def x(value: float) -> float:
        return left + (value - low) * unit

    body = [line(x(0), 2, x(0), len(found) * height + 4, "base")]
    for down, (_, route) in enumerate(found):
        y, money = 18 + down * height, route["per_month_usd"]
        style = f"s-{route['status']}"
        body.append(
            text(left - 10, y + 4, route["route"].removesuffix("/standard"), style="label", anchor="end")
        )
        body.append(line(x(money["p5"]), y, x(money["p95"]), y, f"whisker {style}"))
        body.append(circle(x(money["p50"]), y, 5, style, tip=usd(money["p50"])))
        body.append(text(x(money["p95"]) + 8, y + 4, usd(money["p50"]), style="value"))
    return Chart(
        id="saving-by-route",
        title="Saving by route, per month",
        desc="A dot for each route's middle estimate, with a line over its 90% interval.",
        svg="".join(body),
        height=len(found) * height + 8,
        columns=("route", "status", "requests moved", "5%", "50%", "95%"),
        rows=tuple(
            (route["route"].removesuffix("/standard"), route["status"], route["moved"],
             *(Money(route["per_month_usd"][p], f"table.savings.by_route.{n}.per_month_usd.{p}")
               for p in ("p5", "p50", "p95")))
            for n, route in found
        ),
    )  # fmt: skip


def pareto(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that no other is at once as cheap, as good and as fast as, and better in one; cheapest first.

    A latency that is not known is compared with nothing.
    """

    def beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
        pairs = [
            (one["cost_per_request_usd"], other["cost_per_request_usd"]),
            (one["regret"], other["regret"]),
        ]
        if one["p95_ms"] is not None and other["p95_ms"] is not None:
            pairs.append((one["p95_ms"], other["p95_ms"]))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    known = [point for point in points if point["regret"] is not None]
    kept = [point for point in known if not any(beats(other, point) for other in known)]
    return sorted(kept, key=lambda point: (point["cost_per_request_usd"], point["regret"]))


def trilemma(summary: Summary) -> Chart | None:
    """Cost against regret, dots as large as the answers are slow; the frontier, today and the controls marked."""
    points = summary.table["savings"].get("controls")
    if not points:
        return None
    left, right, top, bottom = 58.0, 500.0, 40.0, 236.0
    costs = ticks(max(point["cost_per_request_usd"] for point in points) * 1.08)
    regrets = ticks(max([point["regret"] or 0.0 for point in points] + [0.02]) * 1.1)
    slowest = max([point["p95_ms"] or 0.0 for point in points] + [1.0])

    def x(point: dict[str, Any]) -> float:
        return left + float(point["cost_per_request_usd"]) / (costs[-1] or 1.0) * (right - left)

    def y(regret: float) -> float:
        return bottom - regret / regrets[-1] * (bottom - top)

    body = [
        y_axis([(y(mark), f"{mark:.3g}".rstrip() and f"{mark * 100:.3g}%") for mark in regrets], left, right)
    ]
    body += [
        text(left + mark / (costs[-1] or 1.0) * (right - left), bottom + 18, words, style="axis", anchor="middle")
        for mark, words in zip(costs, usd_marks(costs), strict=True)
    ]  # fmt: skip
    body.append(text(right, bottom + 36, "cost per request →", style="axis", anchor="end"))
    unknown = [point for point in points if point["regret"] is None]
    if unknown:
        body.append(line(left, top - 20, right, top - 20, "grid dashed"))
        body.append(text(left - 6, top - 16, "not known", style="axis", anchor="end"))
    edge = pareto(points)
    body.append(polyline([(x(point), y(point["regret"])) for point in edge], "frontier"))
    ordered = sorted(points, key=lambda point: point["name"] != "table")
    spots = [
        Spot(
            x(point),
            top - 20 if point["regret"] is None else y(point["regret"]),
            5.0 + 7.0 * (point["p95_ms"] or 0.0) / slowest,
            CONTROLS.get(point["name"], point["name"]),
        )
        for point in ordered
    ]
    for point, spot in reversed(list(zip(ordered, spots, strict=True))):  # this table on top
        style = {"table": "c0", "incumbent": "c2"}.get(point["name"], "control")
        tip = f"{spot.label}: {usd(point['cost_per_month_usd'])} a month"
        body.append(circle(spot.x, spot.y, spot.radius, style, tip=tip))
    body += labels(spots, left, right)
    return Chart(
        id="trilemma",
        title="Cost, quality and latency: this table beside its alternatives",
        desc="Each way to serve the same log by its cost per request and its regret; the larger the dot, the slower "
        "its 95th percentile. The line joins those that nothing else beats: "
        + (", ".join(CONTROLS.get(point["name"], point["name"]) for point in edge) or "none is known")
        + ".",
        svg="".join(body),
        height=280,
        columns=("way to serve", "model", "cost per month", "saving per month", "regret", "p50", "p95", "economy tier"),
        rows=tuple(
            (
                CONTROLS.get(point["name"], point["name"]),
                model_name(point["model"] or "–"),
                Money(point["cost_per_month_usd"], f"table.savings.controls.{n}.cost_per_month_usd"),
                Money(point["saving_per_month_usd"], f"table.savings.controls.{n}.saving_per_month_usd"),
                percent(point["regret"]),
                _ms(point["p50_ms"]),
                _ms(point["p95_ms"]),
                percent(point["economy_share"]),
            )
            for n, point in enumerate(points)
        ),
        note="Upwards: regret, the requests that fail and would not have today. The larger the dot, the slower its 95th "
        "percentile. The line joins those that nothing else beats." if edge else
        "No trial speaks of the regret of any alternative yet.",
    )  # fmt: skip


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"
