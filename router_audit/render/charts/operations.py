"""Whether it fits: rate limits at the peak minute; and what the traffic looks like as a landscape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.render.charts.svg import (
    Chart,
    Spot,
    colour,
    dots,
    labels,
    line,
    model_name,
    rect,
    shortened,
    text,
)
from router_audit.summary.words import percent

if TYPE_CHECKING:
    from router_audit.types.report import Summary

KINDS = {"rpm": "requests", "input_tpm": "input tokens", "output_tpm": "output tokens"}


def capacity(summary: Summary) -> Chart | None:
    """How full each limit is at its peak minute, today and under the table; None where no limit was given."""
    uses = summary.table["savings"].get("capacity")
    if not uses:
        return None
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for use in uses:
        for limit in use["limits"]:
            shares.setdefault((limit["limit"], limit["kind"]), {})[use["mix"]] = limit["peak_share"]
    if not shares:
        return None
    left, right, height = 190.0, 460.0, 38.0
    most = max([1.05, *(share for found in shares.values() for share in found.values())])
    unit = (right - left) / most
    body = []
    for down, ((ref, kind), found) in enumerate(shares.items()):
        y = 20 + down * height
        body.append(text(left - 8, y + 10, shortened(model_name(ref), 24), style="label", anchor="end"))
        body.append(text(left - 8, y + 23, KINDS.get(kind, kind), style="axis", anchor="end"))
        for n, mix in enumerate(("today", "proposed")):
            share = found.get(mix, 0.0)
            style = "over" if share > 1 else "base-bar" if mix == "today" else "c0"
            body.append(rect(left, y + n * 13, share * unit, 11, style, tip=f"{mix}: {percent(share)}"))
            body.append(text(left + share * unit + 5, y + n * 13 + 10, percent(share), style="value"))
    end = 20 + len(shares) * height
    body.append(line(left + unit, 14, left + unit, end - 6, "limit"))
    body.append(text(left + unit, 10, "limit", style="limit-label", anchor="middle"))
    queued = {use["mix"]: use for use in uses}
    after = queued.get("proposed", uses[-1])
    return Chart(
        id="capacity",
        title="Rate limits at the peak minute",
        desc=f"Two bars per limit, today and under the table; under the table {percent(after['queued_share'])} of calls "
        f"would wait and {percent(after['refused_share'])} would be refused.",
        svg="".join(body),
        height=end,
        columns=("mix", "limit", "kind", "per minute", "peak minute", "of the limit"),
        rows=tuple(
            (use["mix"], limit["limit"], KINDS.get(limit["kind"], limit["kind"]), limit["per_minute"],
             f"{limit['peak_minute']:,.0f}", percent(limit["peak_share"]))
            for use in uses
            for limit in use["limits"]
        ),
        legend=(("base-bar", "today"), ("c0", "under this table")),
    )  # fmt: skip


def landscape(summary: Summary) -> Chart | None:
    """Contents by likeness, coloured by profile, the most used templates named; None without vectors."""
    found = summary.traffic_map
    if found is None:
        return None
    left, top, width, height = 10.0, 10.0, 500.0, 300.0
    profiles = sorted(
        {point.profile for point in found.points}, key=lambda name: (name == "not tagged", name)
    )
    body = [rect(left - 6, top - 6, width + 12, height + 12, "ground")]
    for n, profile in enumerate(profiles):
        style = "p-rest" if profile == "not tagged" else f"p{n % 8}"
        body.append(
            dots(
                (
                    (left + point.x * width, top + (1 - point.y) * height)
                    for point in found.points
                    if point.profile == profile
                ),
                f"points {style}",
            )
        )
    marks = [
        Spot(
            left + mark.x * width,
            top + (1 - mark.y) * height,
            0.0,
            mark.name if len(mark.name) <= 34 else mark.name[:33].rstrip() + "…",
        )
        for mark in found.landmarks
    ]
    body += labels(marks, left, left + width, style="mark", must=False)
    return Chart(
        id="traffic-map",
        title="The traffic as a landscape",
        desc=f"{len(found.points):,} of {found.contents:,} different contents; those that read alike lie close "
        f"together. Two axes keep {percent(found.explained)} of the differences.",
        svg="".join(body),
        height=320,
        columns=("template", "requests in the sample"),
        rows=tuple((mark.name, mark.requests) for mark in found.landmarks),
        legend=tuple(
            ("rest" if name == "not tagged" else colour(n % 8), name) for n, name in enumerate(profiles)
        ),
    )
